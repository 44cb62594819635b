// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import static io.meshlens.spool.Batches.batch;
import static io.meshlens.spool.Batches.number;
import static io.meshlens.spool.Batches.takeAll;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.spool.SpoolConfig.Fsync;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The spool on a real file system; a copy of its files is what a killed process leaves. */
final class DiskSpoolTest {
  private static final long BOUND = 4 << 20;
  private static final int BYTES = 50_000;

  @TempDir private Path temporary;

  private final CountedLosses losses = new CountedLosses();
  private final AtomicLong monoNs = new AtomicLong();

  private static SpoolConfig config(Path path, Overflow overflow, Fsync fsync) {
    return new SpoolConfig(Optional.of(path), BOUND, 1 << 20, overflow, fsync);
  }

  private DiskSpool open(Path path) throws IOException {
    return open(path, Overflow.DROP_OLDEST);
  }

  private DiskSpool open(Path path, Overflow overflow) throws IOException {
    return new DiskSpool(path, config(path, overflow, Fsync.NEVER), monoNs::get, losses);
  }

  /** What is on disk at this moment, as a new process finds it. */
  private Path copy(Path path) throws IOException {
    Path copy = Files.createTempDirectory(temporary, "copy");
    try (Stream<Path> files = Files.list(path)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private static List<Path> segments(Path path) throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      return files.filter(f -> f.toString().endsWith(".mv")).sorted().toList();
    }
  }

  private static List<Integer> numbers(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @ParameterizedTest
  @EnumSource
  void whatWasCommittedIsThereAfterAKill(Fsync fsync) throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool =
        new DiskSpool(path, config(path, Overflow.DROP_OLDEST, fsync), monoNs::get, losses)) {
      for (int i = 0; i < 20; i++) {
        spool.append(batch(i, 7, 1000));
        spool.commit();
      }
      spool.append(batch(20, 7, 1000));
      try (DiskSpool after = open(copy(path))) {
        assertThat(after.records()).isEqualTo(140);
        assertThat(takeAll(after)).isEqualTo(numbers(0, 20));
      }
    }
    assertThat(losses.lost).isEmpty();
    assertThat(losses.failures).isEmpty();
  }

  @Test
  void whatWasConfirmedIsNotThereAfterAKillAndWhatIsUnderWayIs() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 20; i++) {
        spool.append(batch(i, 7, 1000));
      }
      spool.commit();
      for (int i = 0; i < 5; i++) {
        spool.take(Duration.ZERO);
      }
      assertThat(spool.confirm()).isEqualTo(35);
      for (int i = 0; i < 5; i++) {
        spool.take(Duration.ZERO);
      }
      try (DiskSpool after = open(copy(path))) {
        assertThat(takeAll(after)).isEqualTo(numbers(5, 20));
        assertThat(after.confirm()).isEqualTo(105);
        assertThat(after.records()).isZero();
      }
      assertThat(spool.again()).isEqualTo(35);
      assertThat(takeAll(spool)).isEqualTo(numbers(5, 20));
    }
    assertThat(losses.lost).isEmpty();
  }

  @Test
  void aRestartContinuesWithTheOldAndAddsTheNew() throws Exception {
    Path path = temporary.resolve("spool");
    for (int run = 0; run < 5; run++) {
      try (DiskSpool spool = open(path)) {
        spool.append(batch(run, 7, 1000));
        spool.append(batch(100 + run, 7, 1000));
        spool.commit();
      }
    }
    try (DiskSpool spool = open(path)) {
      assertThat(takeAll(spool)).containsExactly(0, 100, 1, 101, 2, 102, 3, 103, 4, 104);
      assertThat(spool.confirm()).isEqualTo(70);
      assertThat(segments(path)).isEmpty();
    }
    assertThat(losses.lost).isEmpty();
  }

  @Test
  void theFilesStayWithinTheBoundAndTheOldestGiveWayCountedExactly() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 300; i++) {
        spool.append(batch(i, 7, BYTES));
        spool.commit();
        assertThat(spool.sizeBytes()).isLessThanOrEqualTo(BOUND);
      }
      List<Integer> left = takeAll(spool);
      assertThat(left).isEqualTo(numbers(300 - left.size(), 300)).hasSizeGreaterThan(25);
      assertThat(losses.lost).isEqualTo(Map.of(LossCause.OLDEST_DROPPED, 7L * (300 - left.size())));
      assertThat(spool.records()).isEqualTo(7L * left.size());
    }
  }

  @Test
  void theNewestAreRefusedCountedExactlyWhenThatIsWanted() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path, Overflow.DROP_NEWEST)) {
      for (int i = 0; i < 300; i++) {
        spool.append(batch(i, 7, BYTES));
        spool.commit();
      }
      List<Integer> left = takeAll(spool);
      assertThat(left).isEqualTo(numbers(0, left.size())).hasSizeGreaterThan(25);
      assertThat(losses.lost).isEqualTo(Map.of(LossCause.NEWEST_DROPPED, 7L * (300 - left.size())));
      spool.confirm();
      spool.append(batch(300, 7, BYTES));
      spool.commit();
      assertThat(takeAll(spool)).containsExactly(300);
    }
  }

  @Test
  void whatTheBoundClaimsWhileItIsUnderWayIsLostOnlyIfItComesBack() throws Exception {
    for (boolean delivered : new boolean[] {true, false}) {
      losses.lost.clear();
      Path path = temporary.resolve("spool" + delivered);
      try (DiskSpool spool = open(path)) {
        spool.append(batch(0, 7, BYTES));
        spool.append(batch(1, 7, BYTES));
        spool.commit();
        spool.take(Duration.ZERO);
        for (int i = 2; i < 300; i++) {
          spool.append(batch(i, 7, BYTES));
          spool.commit();
        }
        long droppedFirst = losses.all();
        long back = delivered ? spool.confirm() : spool.again();
        assertThat(back).isEqualTo(delivered ? 7 : 0);
        assertThat(losses.all() - droppedFirst).isEqualTo(delivered ? 0 : 7);
        List<Integer> left = takeAll(spool);
        assertThat(losses.all() + 7L * left.size() + (delivered ? 7 : 0)).isEqualTo(2100);
        spool.confirm();
        assertThat(spool.records()).isZero();
      }
    }
  }

  @Test
  void deliveryKeepsTheFilesSmall() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 200; i++) {
        spool.append(batch(i, 7, BYTES));
        spool.commit();
        assertThat(takeAll(spool)).containsExactly(i);
        spool.confirm();
      }
      assertThat(spool.sizeBytes()).isLessThan(1 << 20);
    }
    assertThat(losses.lost).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aTornTailCostsOnlyWhatWasInItAndIsCounted(long seed) throws Exception {
    Path path = temporary.resolve("spool");
    Random random = new Random(seed);
    Path copy;
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 200; i++) {
        spool.append(batch(i, 7, 100 + random.nextInt(4000)));
        spool.commit();
      }
      copy = copy(path);
    }
    Path last = segments(copy).getLast();
    try (RandomAccessFile file = new RandomAccessFile(last.toFile(), "rw")) {
      int cut = 1 + random.nextInt((int) Math.min(60_000, file.length() / 2));
      file.setLength(file.length() - cut);
      if (seed % 2 == 0) {
        byte[] garbage = new byte[cut];
        random.nextBytes(garbage);
        file.seek(file.length());
        file.write(garbage);
      }
    }
    try (DiskSpool spool = open(copy)) {
      List<Integer> left = takeAll(spool);
      assertThat(left).isEqualTo(numbers(0, left.size()));
      assertThat(losses.all()).isEqualTo(7L * (200 - left.size()));
      assertThat(spool.confirm()).isEqualTo(7L * left.size());
      assertThat(spool.records()).isZero();
      spool.append(batch(777, 7, 1000));
      spool.commit();
      assertThat(takeAll(spool)).containsExactly(777);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18})
  void garbageAnywhereNeverBecomesARecordAndEveryRecordIsAccountedFor(long seed) throws Exception {
    Path path = temporary.resolve("spool");
    Random random = new Random(seed);
    Path copy;
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 60; i++) {
        spool.append(batch(i, 7, 20_000));
        spool.commit();
      }
      copy = copy(path);
    }
    List<Path> files = segments(copy);
    Path victim = files.get(random.nextInt(files.size()));
    try (RandomAccessFile file = new RandomAccessFile(victim.toFile(), "rw")) {
      byte[] garbage = new byte[1 + random.nextInt(30_000)];
      random.nextBytes(garbage);
      file.seek(random.nextInt((int) file.length() - garbage.length));
      file.write(garbage);
    }
    try (DiskSpool spool = open(copy)) {
      Set<Integer> left = new HashSet<>(takeAll(spool));
      assertThat(numbers(0, 60)).containsAll(left);
      assertThat(losses.all()).isEqualTo(7L * (60 - left.size()));
      spool.confirm();
      assertThat(spool.records()).isZero();
    }
  }

  @Test
  void aFileThatIsNoneOfOursIsSetAsideAndItsRecordsCounted() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      spool.append(batch(0, 7, 1000));
      spool.commit();
    }
    Files.write(segments(path).getFirst(), new byte[] {1, 2, 3});
    try (DiskSpool spool = open(path)) {
      assertThat(takeAll(spool)).isEmpty();
      assertThat(spool.records()).isZero();
    }
    assertThat(losses.lost).isEqualTo(Map.of(LossCause.UNREADABLE, 7L));
    assertThat(path.resolve("damaged")).exists();
    assertThat(losses.failures.getFirst()).contains("set aside");
  }

  @Test
  void withoutItsPositionEverythingIsSentAgain() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      for (int i = 0; i < 5; i++) {
        spool.append(batch(i, 7, 1000));
      }
      spool.commit();
      spool.take(Duration.ZERO);
      spool.confirm();
    }
    Files.write(path.resolve("position"), new byte[24]);
    Files.write(path.resolve("position"), "garbage-garbage-garbage!".getBytes(US_ASCII));
    try (DiskSpool spool = open(path)) {
      assertThat(takeAll(spool)).isEqualTo(numbers(0, 5));
    }
    assertThat(losses.lost).isEmpty();
  }

  @Test
  void oneProcessAtATime() throws Exception {
    Path path = temporary.resolve("spool");
    try (DiskSpool spool = open(path)) {
      assertThat(spool.records()).isZero();
      assertThatThrownBy(() -> open(path))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is in use by another process")
          .hasMessageContaining("access_log.spool.directory");
    }
    open(path).close();
  }

  @Test
  void aFileInThePlaceOfTheDirectoryIsAClearError() throws Exception {
    Path file = Files.writeString(temporary.resolve("file"), "x");
    assertThatThrownBy(() -> open(file.resolve("als")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot use the spool " + file.resolve("als"))
        .hasMessageContaining("access_log.spool.directory");
  }

  @Test
  void twoThreadsLoseNothingWhileDeliveryFailsNowAndThen() throws Exception {
    Path path = temporary.resolve("spool");
    int batches = 2000;
    try (DiskSpool spool = open(path)) {
      Thread writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < batches; i++) {
                      spool.append(batch(i, 3, 500));
                      if (i % 7 == 0) {
                        spool.commit();
                      }
                    }
                    spool.commit();
                  });
      Random random = new Random(5);
      List<Integer> delivered = new ArrayList<>();
      while (delivered.size() < batches) {
        List<Integer> underWay = new ArrayList<>();
        for (int i = random.nextInt(50); i >= 0; i--) {
          Batch batch = spool.take(Duration.ofMillis(20));
          if (batch != null) {
            underWay.add(number(batch));
          }
        }
        if (random.nextInt(3) == 0) {
          assertThat(spool.again()).isEqualTo(3L * underWay.size());
        } else {
          assertThat(spool.confirm()).isEqualTo(3L * underWay.size());
          delivered.addAll(underWay);
        }
      }
      writer.join();
      assertThat(delivered).isEqualTo(numbers(0, batches));
    }
    assertThat(losses.lost).isEmpty();
  }
}
