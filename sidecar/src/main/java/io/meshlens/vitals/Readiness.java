// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the program still waits for: a task holds a named token until it is ready. And what has
 * broken in it.
 */
public final class Readiness {
  private final Map<String, String> pending = new ConcurrentHashMap<>();
  private final Map<String, String> notes = new ConcurrentHashMap<>();
  private final Map<String, String> failures = new ConcurrentHashMap<>();

  /** Not ready until {@link #release} is called with the same name. */
  public void hold(String token, String waitingFor) {
    pending.put(token, waitingFor);
  }

  public void release(String token) {
    pending.remove(token);
  }

  /**
   * A lasting remark that does not keep the program from being ready, such as a missing feature.
   */
  public void note(String subject, String remark) {
    notes.put(subject, remark);
  }

  public void clearNote(String subject) {
    notes.remove(subject);
  }

  /** A part has ended by an error of our own: only a new start helps. */
  public void fail(String part, String why) {
    failures.put(part, why);
  }

  /** Whether all parts run. */
  public boolean isHealthy() {
    return failures.isEmpty();
  }

  public boolean isReady() {
    return pending.isEmpty() && isHealthy();
  }

  /** One line for each failure, each token still held and each note, sorted. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    new TreeMap<>(failures).forEach((part, why) -> lines.add("failed: " + part + ": " + why));
    new TreeMap<>(pending).forEach((token, why) -> lines.add("waiting: " + token + ": " + why));
    new TreeMap<>(notes)
        .forEach((subject, remark) -> lines.add("note: " + subject + ": " + remark));
    return List.copyOf(lines);
  }
}
