// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** A receiver of access logs that dies and comes back, and what all its lives were told. */
final class SoakReceiver implements AutoCloseable {
  private final String name;
  private final String script;
  private final String[] arguments;
  private CollectingServer present;

  /** Lines of the present life that are counted already. */
  private int taken;

  private final Map<String, String> saidById = new HashMap<>();
  private final Set<String> said = new HashSet<>();
  private final Set<String> contradictions = new TreeSet<>();
  private long duplicates;

  /**
   * @param name in the metrics of the program
   */
  SoakReceiver(String name, String script, String... arguments)
      throws IOException, InterruptedException {
    this.name = name;
    this.script = script;
    this.arguments = arguments;
    present = new CollectingServer(script, arguments);
  }

  String name() {
    return name;
  }

  int port() {
    return present.port();
  }

  /** In the middle of whatever it does. */
  void kill() throws InterruptedException {
    present.kill();
    take();
  }

  /** On the same port. */
  void comeBack() throws IOException, InterruptedException {
    int port = present.port();
    present = new CollectingServer(port, script, arguments);
    taken = 0;
  }

  private void take() {
    List<JsonNode> lines = present.lines();
    for (JsonNode line : lines.subList(taken, lines.size())) {
      for (JsonNode record : line.path("ids")) {
        String id = record.path(0).asText();
        String report =
            Churn.report(record.path(1).asText(), record.path(2).asText(), record.path(3).asText());
        String before = saidById.putIfAbsent(id, report);
        if (before != null) {
          duplicates++;
          if (!before.equals(report)) {
            contradictions.add(id + ": " + before + ", then " + report);
          }
        }
        said.add(report);
      }
    }
    taken = lines.size();
  }

  /** Different reports so far. */
  Set<String> said() {
    take();
    return said;
  }

  /** Different ids so far. */
  int ids() {
    return saidById.size();
  }

  /** Records that came once more. */
  long duplicates() {
    return duplicates;
  }

  /** Ids that came twice and did not say the same. */
  Set<String> contradictions() {
    return contradictions;
  }

  @Override
  public void close() {
    present.close();
  }
}
