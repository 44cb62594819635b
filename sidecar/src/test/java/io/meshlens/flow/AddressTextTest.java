// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.net.InetAddresses;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressTextTest {
  private static final long MAPPED = 0x0000_ffff_0000_0000L;

  /** Half of all groups are zero, so that runs of every length and place occur. */
  private static Stream<Address> manyZeroGroups() {
    Random random = new Random(1);
    return Stream.generate(() -> new Address(sparse(random), sparse(random))).limit(5000);
  }

  private static long sparse(Random random) {
    long half = 0;
    for (int i = 0; i < 4; i++) {
      int group = random.nextBoolean() ? 0 : random.nextInt(0x10000) >>> random.nextInt(16);
      half = half << 16 | group;
    }
    return half;
  }

  private static Stream<Address> mapped() {
    Random random = new Random(2);
    return Stream.generate(() -> new Address(0, MAPPED | (random.nextInt() & 0xffff_ffffL)))
        .limit(3000);
  }

  private static String secondSource(Address address) {
    return InetAddresses.toAddrString(address.toInetAddress());
  }

  @Test
  void textOfIpv6IsWhatGuavaWrites() {
    assertThat(manyZeroGroups())
        .allSatisfy(address -> assertThat(address.text()).isEqualTo(secondSource(address)));
  }

  @Test
  void textOfIpv4IsWhatGuavaWrites() {
    assertThat(mapped())
        .allSatisfy(address -> assertThat(address.text()).isEqualTo(secondSource(address)));
  }

  @Test
  void addressSurvivesTheJdkTypeAndBack() {
    assertThat(Stream.concat(manyZeroGroups(), mapped()))
        .allSatisfy(address -> assertThat(Address.of(address.toInetAddress())).isEqualTo(address));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0",
        "255.255.255.255",
        "10.100.9.1",
        "::",
        "::1",
        "1::",
        "::2:0:0:3",
        "1:0:2:0:3:0:4:0",
        "2001:db8::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
      })
  void canonicalTextIsReadAndWrittenUnchanged(String text) {
    assertThat(Address.of(InetAddresses.forString(text))).hasToString(text);
  }

  @Test
  void longestTextFillsTheLengthPromised() {
    assertThat(new Address(-1, -1).text()).hasSize(AddressText.MAX_LENGTH);
  }

  @Test
  void textBeginsAtTheGivenIndexAndTouchesNothingElse() {
    byte[] out = new byte[] {'#', '#', '#', '#', '#', '#'};

    int end = AddressText.write(0, 1, out, 2);

    assertThat(new String(out, java.nio.charset.StandardCharsets.US_ASCII)).isEqualTo("##::1#");
    assertThat(end).isEqualTo(5);
  }
}
