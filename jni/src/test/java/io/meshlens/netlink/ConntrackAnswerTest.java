// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the parser in C makes of answers recorded from Linux 6.18 and of damaged ones. */
class ConntrackAnswerTest {
  private static final int FOUND = 1;
  private static final int NONE = 0;
  private static final int EPERM = -1;
  private static final int EBADMSG = -74;

  /** An answer to another request, as in meshlens_jni_conntrack.c. */
  private static final int STALE = 2;

  private static final int SEQUENCE = 7;
  private static final int LENGTH_AT = 0;
  private static final int TYPE_AT = 4;
  private static final int SEQUENCE_AT = 8;
  private static final int FAMILY_AT = 16;
  private static final int ERROR_AT = 16;
  private static final int ORIGINAL_AT = 20;
  private static final int PROTOCOL_AT = 52;
  private static final int REPLY_END = 124;

  private static final String ENTRY_IPV4 =
      "d40000000001020007000000eb5e0000" // header: 212 bytes, CT_NEW, sequence 7
          + "02000000" // AF_INET
          + "34000180140001800800" // original; addresses
          + "01000a010002080002000a630001"
          + "1c0002800500010006000000060002009ed400000600030000500000" // ports
          + "340002801400018008000100" // reply
          + "0a020002080002000a010002"
          + "1c0002800500010006000000060002001f900000060003009ed40000"
          + "08000300000001ae" // status
          + "080008000000000008000c003117e14e08000b00000000020800070000069780"
          + "300004802c0001800500010003000000050002000a000000050003000a000000"
          + "06000400230000000600050023000000";

  private static final String ENTRY_IPV6 =
      "040100000001020007000000eb5e0000"
          + "0a000000"
          + "4c0001802c00018014000300fd010000000000000000000000000002"
          + "14000400fd990000000000000000000000000001"
          + "1c0002800500010006000000060002008d1400000600030000500000"
          + "4c0002802c00018014000300fd020000000000000000000000000002"
          + "14000400fd010000000000000000000000000002"
          + "1c0002800500010006000000060002001f900000060003008d140000"
          + "08000300000001ae080008000000000008000c00ca03355708000b0000000002"
          + "0800070000069780300004802c0001800500010003000000050002000a000000"
          + "050003000a00000006000400230000000600050023000000";

  /** The header of a refusal, and the request that the kernel adds to it. */
  private static final String REFUSED = "5c0000000200000007000000eb5e0000";

  private static final String REQUEST =
      "480000000101010007000000000000000200000034000180140001800800"
          + "01000a630001080002000a0100021c0002800500010006000000060002000050"
          + "0000060003009ed40000";
  private static final String REFUSED_ENOENT = REFUSED + "feffffff" + REQUEST;
  private static final String REFUSED_EPERM = REFUSED + "ffffffff" + REQUEST;

  private final ConntrackTuple asked = Tuples.of("10.1.0.2", 40_660, "10.99.0.1", 80);
  private final ConntrackEntry entry = new ConntrackEntry();

  private static ByteBuffer bytes(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    return ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder()).put(0, bytes);
  }

  private int parse(ByteBuffer answer) {
    return Conntrack.parse(asked, answer, SEQUENCE, entry);
  }

  @Test
  void anAnswerHasBothTuples() {
    assertThat(parse(bytes(ENTRY_IPV4))).isEqualTo(FOUND);
    assertThat(Tuples.text(entry.original))
        .isEqualTo(Tuples.text("10.1.0.2", 40_660, "10.99.0.1", 80));
    assertThat(Tuples.text(entry.reply))
        .isEqualTo(Tuples.text("10.2.0.2", 8_080, "10.1.0.2", 40_660));
    assertThat(entry.isTranslated()).isTrue();
  }

  @Test
  void anAnswerOfIpv6HasBothTuples() {
    ConntrackTuple ipv6 = Tuples.of("fd01::2", 36_116, "fd99::1", 80);

    assertThat(Conntrack.parse(ipv6, bytes(ENTRY_IPV6), SEQUENCE, entry)).isEqualTo(FOUND);
    assertThat(Tuples.text(entry.original))
        .isEqualTo(Tuples.text("fd01::2", 36_116, "fd99::1", 80));
    assertThat(Tuples.text(entry.reply))
        .isEqualTo(Tuples.text("fd02::2", 8_080, "fd01::2", 36_116));
  }

  @Test
  void theReplyTupleFindsTheSameEntry() {
    ConntrackTuple reply = Tuples.of("10.2.0.2", 8_080, "10.1.0.2", 40_660);

    assertThat(Conntrack.parse(reply, bytes(ENTRY_IPV4), SEQUENCE, entry)).isEqualTo(FOUND);
    assertThat(Tuples.text(entry.original))
        .isEqualTo(Tuples.text("10.1.0.2", 40_660, "10.99.0.1", 80));
  }

  @Test
  void aRefusalIsItsErrnoAndNoEntryIsNone() {
    assertThat(parse(bytes(REFUSED_ENOENT))).isEqualTo(NONE);
    assertThat(parse(bytes(REFUSED_EPERM))).isEqualTo(EPERM);
  }

  @ParameterizedTest
  @ValueSource(strings = {ENTRY_IPV4, REFUSED_ENOENT, REFUSED_EPERM})
  void anAnswerToAnotherRequestIsStale(String answer) {
    assertThat(parse(bytes(answer).putInt(SEQUENCE_AT, SEQUENCE - 1))).isEqualTo(STALE);
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.0.3, 40660, 10.99.0.1, 80",
    "10.1.0.2, 40661, 10.99.0.1, 80",
    "10.1.0.2, 40660, 10.99.0.2, 80",
    "10.1.0.2, 40660, 10.99.0.1, 81",
    "10.99.0.1, 80, 10.1.0.2, 40660",
    "10.2.0.2, 8080, 10.99.0.1, 80",
    "fd01::2, 40660, fd99::1, 80"
  })
  void theEntryOfAnotherConnectionIsABadMessage(
      String source, int sourcePort, String destination, int destinationPort) {
    ConntrackTuple other = Tuples.of(source, sourcePort, destination, destinationPort);

    assertThat(Conntrack.parse(other, bytes(ENTRY_IPV4), SEQUENCE, entry)).isEqualTo(EBADMSG);
  }

  @ParameterizedTest
  @ValueSource(strings = {ENTRY_IPV4, REFUSED_ENOENT})
  void anAnswerCutAnywhereIsABadMessage(String answer) {
    ByteBuffer whole = bytes(answer);

    for (int length = 0; length < whole.capacity(); length++) {
      assertThat(parse(exactCopy(whole, length))).as("%d bytes", length).isEqualTo(EBADMSG);
    }
  }

  @Test
  void anAnswerThatEndsEarlyIsABadMessageUnlessBothTuplesAreWhole() {
    ByteBuffer whole = bytes(ENTRY_IPV4);
    int[] boundaries = {REPLY_END, 132, 140, 148, 156, 164, 212};

    for (int length = 16; length <= whole.capacity(); length++) {
      int expected = Arrays.binarySearch(boundaries, length) < 0 ? EBADMSG : FOUND;
      ByteBuffer answer = exactCopy(whole, length).putInt(LENGTH_AT, length);
      assertThat(parse(answer)).as("%d bytes", length).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "a message shorter than its header, 0, 15",
    "a message longer than what came, 0, 213",
    "another message's type, 4, 258",
    "a message of the wrong subsystem, 4, 512",
    "the end of a list, 4, 3",
    "the other family, 16, 10",
    "an attribute shorter than its header, 20, 3",
    "an attribute of no length, 72, 0",
    "an attribute longer than the message, 72, 141",
    "no original tuple, 22, 9",
    "no reply tuple, 74, 9",
    "a second original tuple, 74, 1",
    "no addresses, 26, 3",
    "no ports, 46, 3",
    "no source address, 30, 5",
    "an address of three bytes, 28, 7",
    "an address of twelve bytes, 28, 16",
    "addresses that reach beyond their tuple, 24, 52",
    "no protocol, 50, 4",
    "no source port, 58, 4",
    "a port of one byte, 56, 5",
    "a port of four bytes, 56, 8"
  })
  void aDamagedAnswerIsABadMessage(String damage, int at, int value) {
    ByteBuffer answer = bytes(ENTRY_IPV4).putShort(at, (short) value);

    assertThat(parse(answer)).as(damage).isEqualTo(EBADMSG);
  }

  @Test
  void anotherProtocolIsABadMessage() {
    assertThat(bytes(ENTRY_IPV4).get(PROTOCOL_AT)).isEqualTo((byte) 6);

    assertThat(parse(bytes(ENTRY_IPV4).put(PROTOCOL_AT, (byte) 17))).isEqualTo(EBADMSG);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, -4096, Integer.MIN_VALUE})
  void aRefusalWithoutAnErrnoIsABadMessage(int error) {
    assertThat(parse(bytes(REFUSED_EPERM).putInt(ERROR_AT, error))).isEqualTo(EBADMSG);
  }

  @Test
  void everyChangeOfOneByteIsDetectedOrLeavesTheTupleThatWasAskedFor() {
    ByteBuffer whole = bytes(ENTRY_IPV4);
    int found = 0;
    for (int at = 0; at < whole.capacity(); at++) {
      byte genuine = whole.get(at);
      for (int difference = 1; difference < 256; difference++) {
        int result = parse(whole.put(at, (byte) (genuine ^ difference)));
        found += result == FOUND ? 1 : 0;
        requirePlausible(result);
      }
      whole.put(at, genuine);
    }
    assertThat(found).isPositive();
    assertThat(parse(whole)).isEqualTo(FOUND);
  }

  @Test
  void randomBytesNeverGiveAnEntryThatWasNotAskedFor() {
    Random random = new Random(7919);
    for (int i = 0; i < 100_003; i++) {
      byte[] bytes = new byte[random.nextInt(300)];
      random.nextBytes(bytes);
      ByteBuffer answer =
          ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder()).put(0, bytes);
      if (bytes.length >= ORIGINAL_AT) {
        // Behind a sound header, so that it is read at all.
        answer.putInt(LENGTH_AT, bytes.length).putShort(TYPE_AT, (short) 0x100);
        answer.putInt(SEQUENCE_AT, SEQUENCE).put(FAMILY_AT, (byte) 2);
      }
      assertThat(parse(answer)).isEqualTo(EBADMSG);
    }
  }

  @Test
  void severalRandomChangesOfAnAnswerNeverGiveAnEntryThatWasNotAskedFor() {
    Random random = new Random(104_729);
    for (int i = 0; i < 100_003; i++) {
      ByteBuffer answer = bytes(ENTRY_IPV4);
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        answer.put(random.nextInt(answer.capacity()), (byte) random.nextInt());
      }
      requirePlausible(parse(answer));
    }
  }

  private void requirePlausible(int result) {
    if (result == FOUND) {
      String text = Tuples.text(entry);
      assertThat(text).contains(Tuples.text(asked));
    } else {
      assertThat(result).isIn(EBADMSG, STALE);
    }
  }

  private static ByteBuffer exactCopy(ByteBuffer whole, int length) {
    ByteBuffer copy = ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder());
    return copy.put(0, whole, 0, length);
  }
}
