// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.export.LogFileConfig.Compression;
import io.meshlens.export.LogFileConfig.Sync;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LogFileTest {
  private static final Optional<Long> ANY_SIZE = Optional.empty();

  @TempDir private Path directory;
  private final Vitals vitals = new Vitals();
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private final Log log =
      new Log(new PrintStream(logged, true, UTF_8), Log.Level.INFO, () -> Instant.EPOCH);
  private Instant now = Instant.parse("2026-11-21T10:00:00.5Z");
  private Path path = Path.of("/dev/null");

  private LogFile file(LogFileConfig config) throws IOException {
    return new LogFile(config, new LogArchive(config, vitals, log), () -> now, vitals, log);
  }

  private LogFileConfig config(Optional<Long> rotateBytes, Duration... interval) {
    path = directory.resolve("access.log");
    return new LogFileConfig(
        path,
        rotateBytes,
        Stream.of(interval).findFirst(),
        3,
        Optional.empty(),
        Compression.GZIP,
        Sync.ROTATION);
  }

  private static void write(LogFile file, String... lines) {
    byte[] bytes = (String.join("\n", lines) + "\n").getBytes(UTF_8);
    file.write(bytes, bytes.length, lines.length);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void linesAreAppendedToWhatIsThereAndOthersMayNotReadThem() throws IOException {
    Files.writeString(directory.resolve("access.log"), "before\n");
    try (LogFile file = file(config(ANY_SIZE))) {
      write(file, "a", "b");
    }
    assertThat(path).content().isEqualTo("before\na\nb\n");
    assertThat(vitals.get(Vital.FILE_LINES_WRITTEN)).isEqualTo(2);
    Files.delete(path);
    file(config(ANY_SIZE)).close();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .startsWith("rw-")
        .endsWith("---");
  }

  @Test
  void aFileThatCannotBeOpenedIsAnErrorAtOnce() {
    LogFileConfig config = config(ANY_SIZE);
    LogFileConfig nowhere =
        new LogFileConfig(
            directory.resolve("no/such/access.log"),
            config.rotateBytes(),
            config.rotateInterval(),
            3,
            Optional.empty(),
            Compression.NONE,
            Sync.NEVER);
    assertThatThrownBy(() -> file(nowhere)).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void noFileExceedsItsSizeAndNoLineIsCutOrLost() throws IOException {
    try (LogFile file = file(config(Optional.of(20L)))) {
      for (int i = 0; i < 7; i++) {
        write(file, "line" + i, "more" + i);
        now = now.plusMillis(1);
      }
    }
    assertThat(names()).hasSize(7);
    StringBuilder all = new StringBuilder();
    for (String name : names().subList(1, 7)) {
      assertThat(Files.size(directory.resolve(name))).isLessThanOrEqualTo(20);
      all.append(Files.readString(directory.resolve(name)));
    }
    all.append(Files.readString(path));
    assertThat(all.toString().lines()).hasSize(14).startsWith("line0", "more0", "line1");
    assertThat(vitals.get(Vital.FILE_ROTATIONS)).isEqualTo(6);
  }

  @Test
  void twoRotationsInOneMillisecondHaveTwoNames() throws IOException {
    try (LogFile file = file(config(Optional.of(2L)))) {
      write(file, "a");
      write(file, "b");
      write(file, "c");
    }
    assertThat(names())
        .containsExactly(
            "access.log", "access.log-20261121T100000.500Z", "access.log-20261121T100000.501Z");
  }

  @Test
  void rotationByTimeIsAtMultiplesOfTheIntervalAndLeavesEmptyFilesAlone() throws IOException {
    try (LogFile file = file(config(ANY_SIZE, Duration.ofHours(1)))) {
      write(file, "a");
      now = Instant.parse("2026-11-21T10:59:59Z");
      write(file, "b");
      assertThat(names()).hasSize(1);
      now = Instant.parse("2026-11-21T11:00:00Z");
      file.idle();
      assertThat(names()).containsExactly("access.log", "access.log-20261121T110000.000Z");
      now = Instant.parse("2026-11-21T15:00:00Z");
      file.idle();
      assertThat(names()).hasSize(2);
    }
  }

  @Test
  void aFileOfAnEarlierPeriodIsPutAsideAfterARestart() throws IOException {
    path = directory.resolve("access.log");
    Files.writeString(path, "yesterday\n");
    Files.setLastModifiedTime(
        path, java.nio.file.attribute.FileTime.from(now.minus(Duration.ofHours(20))));
    try (LogFile file = file(config(ANY_SIZE, Duration.ofHours(1)))) {
      write(file, "today");
    }
    assertThat(names()).hasSize(2);
    assertThat(path).content().isEqualTo("today\n");
  }

  @Test
  void aRenamedFileIsWrittenOnUntilItIsReopened() throws IOException {
    Path moved = directory.resolve("moved");
    try (LogFile file = file(config(ANY_SIZE))) {
      write(file, "a");
      Files.move(path, moved);
      write(file, "b");
      file.reopen();
      write(file, "c");
    }
    assertThat(moved).content().isEqualTo("a\nb\n");
    assertThat(path).content().isEqualTo("c\n");
    assertThat(vitals.get(Vital.FILE_REOPENS)).isEqualTo(1);
  }

  @Test
  void aFileThatIsGoneForTenSecondsIsMadeAnew() throws IOException {
    try (LogFile file = file(config(ANY_SIZE))) {
      Files.delete(path);
      for (int second = 0; second < 12; second++) {
        now = now.plusSeconds(1);
        file.idle();
      }
      write(file, "a");
    }
    assertThat(path).content().isEqualTo("a\n");
    assertThat(logged.toString(UTF_8)).contains("is gone");
  }

  @Test
  void aReopenThatFailsIsCountedAndTheOldFileIsWrittenOn() throws IOException {
    Path elsewhere = directory.resolveSibling(directory.getFileName() + "-moved");
    try (LogFile file = file(config(ANY_SIZE))) {
      Files.move(directory, elsewhere);
      file.reopen();
      write(file, "a");
    } finally {
      Files.move(elsewhere, directory);
    }
    assertThat(path).content().isEqualTo("a\n");
    assertThat(vitals.get(Vital.FILE_FAILURES)).isEqualTo(1);
    assertThat(vitals.get(Vital.FILE_LINES_WRITTEN)).isEqualTo(1);
  }

  @Test
  void aFullDeviceIsCountedAsSuch() throws IOException {
    LogFileConfig config = config(ANY_SIZE);
    LogFileConfig full =
        new LogFileConfig(
            Path.of("/dev/full"),
            config.rotateBytes(),
            config.rotateInterval(),
            3,
            Optional.empty(),
            Compression.NONE,
            Sync.NEVER);
    try (LogFile file = file(full)) {
      write(file, "a", "b", "c");
    }
    assertThat(vitals.get(Vital.FILE_LINES_LOST_DISK_FULL)).isEqualTo(3);
    assertThat(vitals.get(Vital.FILE_LINES_WRITTEN)).isZero();
    assertThat(logged.toString(UTF_8)).contains("No space left", "/dev/full");
  }

  @Test
  void archiveCompressesKeepsTheNewestAndTouchesNothingElse() throws IOException {
    List<String> stamps = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      stamps.add("access.log-20261121T10000%d.000Z".formatted(i));
      Files.writeString(directory.resolve(stamps.getLast()), "content " + i + "\n");
    }
    Files.writeString(directory.resolve(stamps.get(3) + ".gz.tmp"), "half");
    Files.writeString(directory.resolve("access.log-20261121"), "logrotate's");
    Files.writeString(directory.resolve("other.log-20261121T100001.000Z"), "somebody else's");
    new LogArchive(config(ANY_SIZE), vitals, log).tidy();
    assertThat(names())
        .containsExactly(
            "access.log-20261121",
            stamps.get(2) + ".gz",
            stamps.get(3) + ".gz",
            stamps.get(4) + ".gz",
            "other.log-20261121T100001.000Z");
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(directory.resolve(stamps.get(3) + ".gz")))) {
      assertThat(new String(in.readAllBytes(), UTF_8)).isEqualTo("content 4\n");
    }
  }

  @Test
  void archiveStaysBelowItsTotalSize() throws IOException {
    LogFileConfig three = config(ANY_SIZE);
    LogFileConfig small =
        new LogFileConfig(
            three.path(),
            ANY_SIZE,
            Optional.empty(),
            100,
            Optional.of(25L),
            Compression.NONE,
            Sync.NEVER);
    for (int i = 1; i <= 5; i++) {
      Files.writeString(
          directory.resolve("access.log-20261121T10000%d.000Z".formatted(i)), "0123456789");
    }
    new LogArchive(small, vitals, log).tidy();
    assertThat(names())
        .containsExactly("access.log-20261121T100004.000Z", "access.log-20261121T100005.000Z");
  }
}
