// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.accesslog.Choice.Verdict;
import io.meshlens.accesslog.ChoiceConfig.Errors;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Termination;
import java.time.Duration;
import java.util.Optional;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

final class ChoiceTest {
  private static final long SECOND_NS = 1_000_000_000L;
  private static final ConnectionIds IDS = new ConnectionIds("1f0c2a9b");

  private static Choice choice(String filter, double sampling, Integer... rateLimit) {
    return new Choice(
        new ChoiceConfig(
            filter,
            sampling,
            rateLimit.length == 0 ? Optional.empty() : Optional.of(rateLimit[0]),
            Errors.KEPT,
            Optional.of(Duration.ofMillis(10)),
            Optional.of(Duration.ofSeconds(100))),
        IDS);
  }

  private static Connection connection(long cookie) {
    Connection c = Samples.minimal();
    c.socketCookie = cookie;
    return c;
  }

  @Test
  void withoutAnyWishEverythingIsKept() {
    Choice all = new Choice(ChoiceConfig.ALL, IDS);
    assertThat(all.judge(Samples.full())).isEqualTo(Verdict.KEPT);
    assertThat(all.judge(Samples.failed())).isEqualTo(Verdict.KEPT);
  }

  @Test
  void samplingTakesAboutItsPartAndAllRecordsOfAConnectionShareTheirFate() {
    Choice tenth = choice("", 0.1);
    int kept = 0;
    for (int i = 0; i < 100_000; i++) {
      Connection c = connection(i);
      Verdict verdict = tenth.judge(c);
      kept += verdict == Verdict.KEPT ? 1 : 0;
      c.event = ConnectionEvent.PERIODIC;
      c.termination = Termination.NONE;
      c.bytesSent += 17;
      assertThat(tenth.judge(c)).isEqualTo(verdict);
      assertThat(choice("", 0.1).judge(c)).isEqualTo(verdict);
    }
    assertThat(kept).isCloseTo(10_000, Percentage.withPercentage(3));
  }

  @Test
  void aLargerSampleHasAllOfASmallerOne() {
    Choice tenth = choice("", 0.1);
    Choice half = choice("", 0.5);
    for (int i = 0; i < 10_000; i++) {
      if (tenth.judge(connection(i)) == Verdict.KEPT) {
        assertThat(half.judge(connection(i))).isEqualTo(Verdict.KEPT);
      }
    }
  }

  @Test
  void errorsAndSlowOnesAreInEverySampleButNotBeyondTheFilter() {
    Choice none = choice("", 0, 1);
    Connection slow = connection(1);
    slow.establishedMonoNs = slow.startMonoNs + 11_000_000;
    Connection lasting = connection(1);
    lasting.endMonoNs = lasting.startMonoNs + 101 * SECOND_NS;
    Connection reset = connection(1);
    reset.termination = Termination.RESET_REMOTE;
    Connection open = connection(1);
    open.event = ConnectionEvent.PERIODIC;
    open.termination = Termination.NONE;
    assertThat(none.judge(connection(1))).isEqualTo(Verdict.NOT_SAMPLED);
    assertThat(none.judge(open)).isEqualTo(Verdict.NOT_SAMPLED);
    for (Connection kept : new Connection[] {slow, lasting, reset, Samples.failed()}) {
      for (int i = 0; i < 5; i++) {
        assertThat(none.judge(kept)).isEqualTo(Verdict.KEPT);
      }
      assertThat(choice("event == 'periodic'", 0).judge(kept)).isEqualTo(Verdict.FILTERED);
    }
  }

  @Test
  void errorsAreAsAnyOtherWhenItIsSaidSo() {
    Choice none =
        new Choice(
            new ChoiceConfig(
                "", 0, Optional.empty(), Errors.CHOSEN, Optional.empty(), Optional.empty()),
            IDS);
    assertThat(none.judge(Samples.failed())).isEqualTo(Verdict.NOT_SAMPLED);
  }

  @Test
  void aPairHasSoManyRecordsASecondAndAnotherPairItsOwn() {
    Choice five = choice("", 1, 5);
    Connection c = Samples.minimal();
    assertThat(kept(five, c, 20)).isEqualTo(5);
    c.endMonoNs += SECOND_NS / 5 * 2;
    assertThat(kept(five, c, 20)).isEqualTo(2);
    c.endMonoNs += 60 * SECOND_NS;
    assertThat(kept(five, c, 20)).isEqualTo(5);
    c.endMonoNs -= SECOND_NS;
    assertThat(kept(five, c, 20)).isZero();
    Connection other = Samples.minimal();
    other.remoteLow++;
    assertThat(kept(five, other, 20)).isEqualTo(5);
  }

  @Test
  void podsOfOneWorkloadShareItsLimit() {
    Choice five = choice("", 1, 5);
    Connection c = LineStyleTest.identified();
    Connection otherPod = LineStyleTest.identified();
    otherPod.localLow++;
    assertThat(kept(five, c, 3)).isEqualTo(3);
    assertThat(kept(five, otherPod, 20)).isEqualTo(2);
  }

  @Test
  void morePairsThanThereAreBucketsForAreLimitedStill() {
    PairLimit limit = new PairLimit(1);
    Connection c = Samples.minimal();
    for (int i = 0; i < 3 * PairLimit.MAX_PAIRS; i++) {
      c.remoteLow++;
      assertThat(limit.admits(c)).isTrue();
      assertThat(limit.admits(c)).isFalse();
    }
  }

  @Test
  void whatIsFilteredTakesNoPlaceOfTheLimit() {
    Choice five = choice("connection.bytes_sent > 0", 1, 5);
    Connection c = Samples.minimal();
    for (int i = 0; i < 100; i++) {
      assertThat(five.judge(c)).isEqualTo(Verdict.FILTERED);
    }
    c.bytesSent = 1;
    assertThat(kept(five, c, 20)).isEqualTo(5);
  }

  @Test
  void aRecordThatTheFilterHasNoValueForIsKeptInDoubt() {
    Choice filter = choice("source.workload == 'a'", 1);
    assertThat(filter.judge(Samples.minimal())).isEqualTo(Verdict.KEPT_IN_DOUBT);
  }

  private static int kept(Choice choice, Connection c, int times) {
    int kept = 0;
    for (int i = 0; i < times; i++) {
      kept += choice.judge(c) == Verdict.KEPT ? 1 : 0;
    }
    return kept;
  }
}
