// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import io.meshlens.flow.Direction;
import io.meshlens.netlink.ConntrackEntry;
import io.meshlens.netlink.ConntrackTuple;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class TranslationsTest {
  private static final long MAPPED = 0x0000_ffff_0000_0000L;
  private static final long CLIENT = MAPPED | 0x0a01_0001L;
  private static final long VIRTUAL = MAPPED | 0x0a60_0001L;
  private static final long SERVER = MAPPED | 0x0a02_0002L;
  private static final long GATEWAY = MAPPED | 0x0a03_0003L;
  private static final long NODE = 1;
  private static final long POD = 2;

  private final Tables tables = new Tables();
  private final long[] now = {1_000};
  private final Translations translations = new Translations(tables, () -> now[0]);

  /** In place of netlink, so that no kernel is needed: what each namespace answers. */
  private static final class Tables implements Translations.Lookup {
    final Map<Long, Consumer<ConntrackEntry>> answers = new HashMap<>();
    final List<Long> asked = new ArrayList<>();

    @Override
    public boolean find(long netns, long pid, ConntrackTuple tuple, ConntrackEntry out) {
      asked.add(netns);
      Consumer<ConntrackEntry> answer = answers.get(netns);
      if (answer != null) {
        answer.accept(out);
      }
      return answer != null;
    }

    @Override
    public long ownNetns() {
      return NODE;
    }
  }

  private static void tuple(ConntrackTuple tuple, long source, int sourcePort, long to, int port) {
    tuple.sourceLow = source;
    tuple.sourcePort = sourcePort;
    tuple.destinationLow = to;
    tuple.destinationPort = port;
  }

  private static void destinationTranslation(ConntrackEntry entry) {
    tuple(entry.original, CLIENT, 40_001, VIRTUAL, 80);
    tuple(entry.reply, SERVER, 8_081, CLIENT, 40_001);
  }

  private static Connection outbound() {
    Connection c = new Connection();
    c.direction = Direction.OUTBOUND;
    c.netns = POD;
    c.localLow = CLIENT;
    c.localPort = 40_001;
    c.remoteLow = VIRTUAL;
    c.remotePort = 80;
    return c;
  }

  private static Connection inbound() {
    Connection c = new Connection();
    c.direction = Direction.INBOUND;
    c.netns = POD;
    c.localLow = SERVER;
    c.localPort = 8_081;
    c.remoteLow = GATEWAY;
    c.remotePort = 50_005;
    return c;
  }

  private static void assertUntranslated(Connection c) {
    assertThat(c.reachedPortOrZero).isZero();
    assertThat(c.dialledPortOrZero).isZero();
    assertThat(c.originPortOrZero).isZero();
  }

  @Test
  void clientReachedWhoAnswersAndDialledWhatItsSocketHas() {
    tables.answers.put(POD, TranslationsTest::destinationTranslation);
    Connection c = outbound();
    translations.translate(c);
    assertThat(c.reachedLow).isEqualTo(SERVER);
    assertThat(c.reachedPortOrZero).isEqualTo(8_081);
    assertThat(c.dialledLow).isEqualTo(VIRTUAL);
    assertThat(c.dialledPortOrZero).isEqualTo(80);
    assertThat(c.originPortOrZero).isZero();
  }

  @Test
  void addressDialledBeforeAProgramRewroteItStays() {
    tables.answers.put(POD, TranslationsTest::destinationTranslation);
    Connection c = outbound();
    c.dialledLow = GATEWAY;
    c.dialledPortOrZero = 443;
    translations.translate(c);
    assertThat(c.reachedLow).isEqualTo(SERVER);
    assertThat(c.dialledLow).isEqualTo(GATEWAY);
    assertThat(c.dialledPortOrZero).isEqualTo(443);
  }

  @Test
  void serverLearnsWhatWasDialledAndTheClientBehindTheGateway() {
    tables.answers.put(
        POD,
        entry -> {
          tuple(entry.original, CLIENT, 40_001, VIRTUAL, 80);
          tuple(entry.reply, SERVER, 8_081, GATEWAY, 50_005);
        });
    Connection c = inbound();
    translations.translate(c);
    assertThat(c.dialledLow).isEqualTo(VIRTUAL);
    assertThat(c.dialledPortOrZero).isEqualTo(80);
    assertThat(c.originLow).isEqualTo(CLIENT);
    assertThat(c.originPortOrZero).isEqualTo(40_001);
    assertThat(c.reachedPortOrZero).isZero();
  }

  @Test
  void nodeIsAskedWhenTheSocketsOwnNamespaceDoesNotTranslate() {
    tables.answers.put(NODE, TranslationsTest::destinationTranslation);
    Connection c = outbound();
    translations.translate(c);
    assertThat(tables.asked).containsExactly(POD, NODE);
    assertThat(c.reachedLow).isEqualTo(SERVER);
  }

  @Test
  void nodeIsNotAskedForLoopbackAddressesOfAnotherNamespace() {
    tables.answers.put(NODE, TranslationsTest::destinationTranslation);
    Connection c = outbound();
    c.localLow = MAPPED | 0x7f00_0001L;
    translations.translate(c);
    assertThat(tables.asked).containsExactly(POD);
    assertUntranslated(c);
  }

  @Test
  void entryOfTheOtherDirectionIsNotBelieved() {
    tables.answers.put(
        POD,
        entry -> {
          tuple(entry.original, SERVER, 8_081, CLIENT, 40_001);
          tuple(entry.reply, CLIENT, 40_001, VIRTUAL, 80);
        });
    Connection c = outbound();
    translations.translate(c);
    assertUntranslated(c);
  }

  @Test
  void translatedPairIsAskedForEachConnection() {
    tables.answers.put(POD, TranslationsTest::destinationTranslation);
    translations.translate(outbound());
    translations.translate(outbound());
    assertThat(tables.asked).containsExactly(POD, POD);
  }

  @Test
  void untranslatedPairIsAskedAgainAfterASecondOnly() {
    translations.translate(outbound());
    now[0] += 999_999_999;
    translations.translate(outbound());
    assertThat(tables.asked).containsExactly(POD, NODE);
    now[0] += 1;
    tables.answers.put(POD, TranslationsTest::destinationTranslation);
    Connection c = outbound();
    translations.translate(c);
    assertThat(c.reachedLow).isEqualTo(SERVER);
  }

  @Test
  void pairsAreToldApartBySidePortAndAddress() {
    translations.translate(outbound());
    Connection otherPort = outbound();
    otherPort.remotePort = 81;
    translations.translate(otherPort);
    Connection otherServer = outbound();
    otherServer.remoteLow = SERVER;
    translations.translate(otherServer);
    translations.translate(inbound());
    assertThat(tables.asked).hasSize(8);
  }

  @Test
  void anotherClientPortIsTheSamePair() {
    translations.translate(outbound());
    Connection other = outbound();
    other.localPort = 40_003;
    translations.translate(other);
    assertThat(tables.asked).hasSize(2);
  }

  @Test
  void attemptOfAnUnboundSocketIsNotAskedFor() {
    Connection c = outbound();
    c.localPort = 0;
    translations.translate(c);
    assertThat(tables.asked).isEmpty();
  }
}
