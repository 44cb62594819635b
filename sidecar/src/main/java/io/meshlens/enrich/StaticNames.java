// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/**
 * Keeps the directory's names of networks those of a file. A file with a problem changes nothing.
 * Safe for any thread: readings take turns.
 */
public final class StaticNames {
  private final Path file;
  private final Directory directory;
  private final Vitals vitals;
  private final Log log;
  private final Object turn = new Object();
  private String read = "";

  /** Nothing is read yet. */
  public StaticNames(Path file, Directory directory, Vitals vitals, Log log) {
    this.file = file;
    this.directory = directory;
    this.vitals = vitals;
    this.log = log;
  }

  /** Reads the file; all its problems, nothing when its names are in force. */
  public List<String> load() {
    synchronized (turn) {
      read = state();
      NamesFile.Reading reading = NamesFile.read(file);
      if (reading.problems().isEmpty()) {
        directory.name(reading.table());
        vitals.increment(Vital.IDENTITY_FILE_RELOADS);
        log.info("%s names %d networks".formatted(file, reading.networks()));
      } else {
        vitals.increment(Vital.IDENTITY_FILE_REFUSED);
      }
      return reading.problems();
    }
  }

  /** Reads the file again; says what is wrong with it. */
  public void reload() {
    List<String> problems = load();
    if (!problems.isEmpty()) {
      log.warn(
          "%s has %d problem(s); the names before stay in force:".formatted(file, problems.size()));
      problems.forEach(problem -> log.warn("  " + problem));
    }
  }

  /** The same, if it is another file than at the last reading. */
  public void reloadIfChanged() {
    synchronized (turn) {
      if (state().equals(read)) {
        return;
      }
    }
    reload();
  }

  /** A ConfigMap's file is replaced by a link to another, with another inode. */
  private String state() {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return attributes.lastModifiedTime() + " " + attributes.size() + " " + attributes.fileKey();
    } catch (IOException e) {
      return "unreadable";
    }
  }
}
