// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Identity;
import io.meshlens.flow.IpNetwork;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * The static file: a YAML list, each element a {@code cidr} and what is known of who is there. All
 * that is wrong with it is found at once. Owned by: one thread, for the length of one reading.
 */
final class NamesFile {
  private static final long MAX_BYTES = 16 << 20;
  private static final int MAX_DEPTH = 8;
  private static final int MAX_TEXT_CHARACTERS = 253;
  private static final String CIDR = "cidr";

  /** What may be said of a network besides its CIDR, in the words of the access log. */
  private static final Set<String> KEYS =
      Set.of(
          "workload",
          "workload_kind",
          "namespace",
          "pod",
          "service",
          "service_namespace",
          "node",
          "cluster",
          "network",
          "app",
          "version");

  private final Path file;
  private final List<String> problems = new ArrayList<>();
  private final Map<IpNetwork, Identity> names = new HashMap<>();
  private final Map<IpNetwork, Integer> lines = new HashMap<>();

  private NamesFile(Path file) {
    this.file = file;
  }

  /**
   * What came of a reading.
   *
   * @param table of use only without problems
   * @param problems each with file and line
   */
  record Reading(NetworkTable table, int networks, List<String> problems) {}

  static Reading read(Path file) {
    NamesFile reading = new NamesFile(file);
    reading.read();
    List<String> problems = List.copyOf(reading.problems);
    return problems.isEmpty()
        ? new Reading(new NetworkTable(reading.names), reading.names.size(), problems)
        : new Reading(NetworkTable.EMPTY, 0, problems);
  }

  private void read() {
    LoaderOptions options = new LoaderOptions();
    options.setNestingDepthLimit(MAX_DEPTH);
    options.setMaxAliasesForCollections(0);
    options.setCodePointLimit((int) MAX_BYTES);
    try {
      if (Files.size(file) > MAX_BYTES) {
        problems.add(file + ": larger than 16 MiB; is it the right file?");
        return;
      }
      Node root = new Yaml(options).compose(new StringReader(Files.readString(file)));
      if (root instanceof SequenceNode list) {
        list.getValue().forEach(this::element);
      } else if (root != null) {
        problem(root, "expected a list of networks, each with cidr and workload");
      }
    } catch (MarkedYAMLException e) {
      String line = e.getProblemMark() == null ? "" : ":" + (e.getProblemMark().getLine() + 1);
      problems.add(file + line + ": not YAML: " + e.getProblem());
    } catch (YAMLException e) {
      problems.add(file + ": not YAML: " + e.getMessage());
    } catch (NoSuchFileException e) {
      problems.add(file + ": no such file; give an existing one or leave identity.static.file out");
    } catch (CharacterCodingException e) {
      problems.add(file + ": not UTF-8 text");
    } catch (IOException e) {
      problems.add(file + ": cannot be read: " + e);
    }
  }

  private static int line(Node node) {
    return node.getStartMark().getLine() + 1;
  }

  private void problem(Node at, String what) {
    problems.add(file + ":" + line(at) + ": " + what);
  }

  private void element(Node node) {
    if (!(node instanceof MappingNode mapping)) {
      problem(node, "expected cidr and names, such as {cidr: 10.1.0.0/16, workload: legacy}");
      return;
    }
    int before = problems.size();
    Map<String, String> texts = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      field(tuple, texts);
    }
    if (!texts.containsKey(CIDR)) {
      if (problems.size() == before) {
        problem(node, "cidr is missing");
      }
      return;
    }
    if (texts.size() == 1 && problems.size() == before) {
      problem(node, texts.get(CIDR) + " has no name; give it a workload or a service at least");
    }
    network(node, texts);
  }

  private void field(NodeTuple tuple, Map<String, String> texts) {
    String key = tuple.getKeyNode() instanceof ScalarNode k ? k.getValue() : "";
    if (!key.equals(CIDR) && !KEYS.contains(key)) {
      problem(
          tuple.getKeyNode(),
          "\"%s\" is not known here; expected cidr, %s"
              .formatted(key, String.join(", ", KEYS.stream().sorted().toList())));
    } else if (!(tuple.getValueNode() instanceof ScalarNode value)
        || value.getTag().equals(Tag.NULL)
        || value.getValue().isBlank()) {
      problem(tuple.getValueNode(), key + " is empty or no plain text");
    } else if (value.getValue().length() > MAX_TEXT_CHARACTERS) {
      problem(
          value,
          "%s has %d characters; expected at most %d"
              .formatted(key, value.getValue().length(), MAX_TEXT_CHARACTERS));
    } else if (texts.put(key, value.getValue().strip()) != null) {
      problem(tuple.getKeyNode(), key + " is there twice");
    }
  }

  private void network(Node node, Map<String, String> texts) {
    String text = texts.getOrDefault(CIDR, "");
    IpNetwork network;
    try {
      network = IpNetwork.of(text);
    } catch (IllegalArgumentException e) {
      problem(node, "cidr \"%s\": %s".formatted(text, e.getMessage()));
      return;
    }
    Integer other = lines.putIfAbsent(network, line(node));
    if (other != null) {
      problem(node, "%s is in line %d already; expected each network once".formatted(text, other));
      return;
    }
    names.put(network, identity(texts));
  }

  private static Identity identity(Map<String, String> texts) {
    String namespace = texts.getOrDefault("namespace", "");
    String service = texts.getOrDefault("service", "");
    return Identity.builder()
        .cluster(texts.getOrDefault("cluster", ""))
        .network(texts.getOrDefault("network", ""))
        .node(texts.getOrDefault("node", ""))
        .namespace(namespace)
        .workload(texts.getOrDefault("workload", ""), texts.getOrDefault("workload_kind", ""))
        .pod(texts.getOrDefault("pod", ""))
        .service(
            service,
            texts.getOrDefault("service_namespace", service.isEmpty() ? "" : namespace),
            "")
        .app(texts.getOrDefault("app", ""))
        .version(texts.getOrDefault("version", ""))
        .source(IdentitySource.STATIC.label())
        .build();
  }
}
