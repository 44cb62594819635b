// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import io.meshlens.config.Configuration.Setting;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
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

/** The configuration file: nested mappings whose paths, joined by dots, are the key names. */
final class YamlFile {
  private static final long MAX_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 16;

  private YamlFile() {}

  /**
   * All scalars, and {@code lists} of them, of the file by path; what cannot be read goes to {@code
   * problems}.
   */
  static Map<String, Setting> read(Path file, Set<String> lists, List<String> problems) {
    Map<String, Setting> settings = new LinkedHashMap<>();
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    options.setNestingDepthLimit(MAX_DEPTH);
    options.setMaxAliasesForCollections(0);
    try {
      if (Files.size(file) > MAX_BYTES) {
        problems.add(
            file + ": larger than 1 MiB, which no configuration is; is it the right file?");
        return settings;
      }
      try (Reader reader = Files.newBufferedReader(file)) {
        Node root = new Yaml(options).compose(reader);
        if (root != null) {
          flatten(file, "", root, lists, settings, problems);
        }
      }
    } catch (MarkedYAMLException e) {
      String line = e.getProblemMark() == null ? "" : ":" + (e.getProblemMark().getLine() + 1);
      problems.add(file + line + ": not YAML: " + e.getProblem());
    } catch (YAMLException e) {
      problems.add(file + ": not YAML: " + e.getMessage());
    } catch (NoSuchFileException e) {
      problems.add(file + ": no such file; give an existing one with --config or leave it out");
    } catch (CharacterCodingException e) {
      problems.add(file + ": not UTF-8 text");
    } catch (IOException e) {
      problems.add(file + ": cannot be read: " + e);
    }
    return settings;
  }

  private static void flatten(
      Path file,
      String path,
      Node node,
      Set<String> lists,
      Map<String, Setting> settings,
      List<String> problems) {
    String source = file + ":" + (node.getStartMark().getLine() + 1);
    switch (node) {
      case MappingNode mapping -> {
        for (NodeTuple tuple : mapping.getValue()) {
          if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
            problems.add(source + ": a key must be a plain word");
            continue;
          }
          String name = path.isEmpty() ? key.getValue() : path + "." + key.getValue();
          flatten(file, name, tuple.getValueNode(), lists, settings, problems);
        }
      }
      case ScalarNode scalar -> {
        if (path.isEmpty()) {
          problems.add(source + ": expected settings, found only \"" + text(scalar) + "\"");
        } else {
          put(path, new Setting(text(scalar), source), settings, problems);
        }
      }
      case SequenceNode sequence when lists.contains(path) -> {
        List<String> elements = new ArrayList<>();
        for (Node element : sequence.getValue()) {
          if (element instanceof ScalarNode scalar) {
            elements.add(text(scalar));
          } else {
            problems.add(source + ": " + path + ": an element is no plain text");
          }
        }
        String text = String.join(ValueType.SEPARATOR + " ", elements);
        put(path, new Setting(text, source), settings, problems);
      }
      default -> problems.add(source + ": " + path + " is a list, expected a single value");
    }
  }

  private static String text(ScalarNode scalar) {
    return scalar.getTag().equals(Tag.NULL) ? "" : scalar.getValue();
  }

  private static void put(
      String path, Setting setting, Map<String, Setting> settings, List<String> problems) {
    if (settings.put(path, setting) != null) {
      problems.add(setting.source() + ": " + path + " is set twice");
    }
  }

  /** Settings as YAML text, the source of each in a comment. */
  static String describe(Map<ConfigKey<?>, Setting> settings) {
    StringBuilder out = new StringBuilder();
    List<String> open = new ArrayList<>();
    settings.forEach(
        (key, setting) -> {
          List<String> path = List.of(key.name().split("\\."));
          int shared = 0;
          while (shared < Math.min(open.size(), path.size() - 1)
              && open.get(shared).equals(path.get(shared))) {
            shared++;
          }
          open.subList(shared, open.size()).clear();
          for (int depth = shared; depth < path.size() - 1; depth++) {
            out.repeat("  ", depth).append(path.get(depth)).append(":\n");
            open.add(path.get(depth));
          }
          out.repeat("  ", path.size() - 1)
              .append(path.getLast())
              .append(": ")
              .append(quote(key.shown(setting.text())))
              .append("  # ")
              .append(setting.source())
              .append('\n');
        });
    return out.toString();
  }

  /** Plain only where no YAML reader can take it for something else than this text. */
  private static String quote(String text) {
    if (text.matches("[A-Za-z0-9./_][A-Za-z0-9./_-]*") && !text.matches("(?i)null")) {
      return text;
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ' || c == 0x7f) {
        quoted.append("\\x%02x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
