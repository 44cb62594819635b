// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Another sock_ops program, on a cgroup of its own choice: src/test/c/neighbour.bpf.c. */
final class Neighbour implements AutoCloseable {
  /** Callbacks and flags by the numbers of linux/bpf.h. */
  static final int CONNECT = 3;

  static final int ACTIVE_ESTABLISHED = 4;
  static final int PASSIVE_ESTABLISHED = 5;
  static final int RTT = 12;
  static final int STATE_FLAG = 1 << 2;
  static final int RTT_FLAG = 1 << 3;
  static final int UNKNOWN_OPTIONS_FLAG = 1 << 5;

  /** Indexes of its map. */
  static final int CLOSES = 20;

  private static final int FLAGS = 21;
  private static final int OVERWRITES = 22;

  private static final String OBJECT = "target/neighbour.bpf.o";

  private final MountedBpfFileSystem files = new MountedBpfFileSystem();
  private final Path cgroup;

  Neighbour(Path cgroup, int flags) throws IOException, InterruptedException {
    this.cgroup = cgroup;
    try {
      build();
      Bpftool.run("prog", "load", OBJECT, program(), "type", "sockops", "pinmaps", maps());
      set(FLAGS, flags);
      Bpftool.run("cgroup", "attach", cgroup.toString(), "sock_ops", "pinned", program(), "multi");
    } catch (IOException | InterruptedException | AssertionError e) {
      files.close();
      throw e;
    }
  }

  private static void build() throws IOException, InterruptedException {
    try (ChildProcess architecture = ChildProcess.of("uname", "-m")) {
      assertThat(architecture.exitCode()).isZero();
      try (ChildProcess clang =
          ChildProcess.of(
              "clang",
              "-target",
              "bpf",
              "-g",
              "-O2",
              "-Wall",
              "-Werror",
              "-isystem",
              "/usr/include/" + architecture.out().getFirst() + "-linux-gnu",
              "-c",
              "src/test/c/neighbour.bpf.c",
              "-o",
              OBJECT)) {
        assertThat(clang.exitCode()).as("%s", clang.err()).isZero();
      }
    }
  }

  private String program() {
    return files.path("other_sock_ops").toString();
  }

  private String maps() {
    return files.path("maps").toString();
  }

  /** From now on it overwrites the flags of others, where it sets its own. */
  void overwrite() throws IOException, InterruptedException {
    set(OVERWRITES, 1);
  }

  void respect() throws IOException, InterruptedException {
    set(OVERWRITES, 0);
  }

  /** How often it was called for something. */
  long count(int index) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("map", "lookup", "pinned", maps() + "/neighbour"));
    words.addAll(bytes("key", index, Integer.BYTES));
    JsonNode entry = Bpftool.show(words.toArray(String[]::new));
    return entry.at("/formatted/value").asLong(-1);
  }

  private void set(int index, long value) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("map", "update", "pinned", maps() + "/neighbour"));
    words.addAll(bytes("key", index, Integer.BYTES));
    words.addAll(bytes("value", value, Long.BYTES));
    Bpftool.run(words.toArray(String[]::new));
  }

  private static List<String> bytes(String what, long number, int size) {
    List<String> words = new ArrayList<>(List.of(what));
    for (int i = 0; i < size; i++) {
      words.add(Long.toString((number >> (8 * i)) & 0xff));
    }
    return words;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    try {
      Bpftool.run("cgroup", "detach", cgroup.toString(), "sock_ops", "pinned", program());
    } finally {
      files.close();
    }
  }
}
