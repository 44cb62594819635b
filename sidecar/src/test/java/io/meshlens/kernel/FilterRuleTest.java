// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.flow.Direction;
import io.meshlens.flow.IpNetwork;
import io.meshlens.kernel.FilterConfig.OwnTraffic;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FilterRuleTest {
  @Test
  void everyConditionIsRead() {
    FilterRule rule =
        FilterRule.of(
            "cgroup=/system.slice/, pid=7, netns=4026531840, cidr=10.0.0.0/8, port=80-90,"
                + " direction=inbound");

    assertThat(rule.cgroup()).contains(Path.of("/system.slice"));
    assertThat(rule.pid()).hasValue(7);
    assertThat(rule.netns()).hasValue(4026531840L);
    assertThat(rule.network()).contains(IpNetwork.of("10.0.0.0/8"));
    assertThat(rule.ports()).isEqualTo(new FilterRule.PortRange(80, 90));
    assertThat(rule.direction()).contains(Direction.INBOUND);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "port=22",
        "port=1-65535",
        "cgroup=/a,pid=4294967295,netns=1,cidr=::/0,port=8080-8081,direction=outbound",
        "cidr=0.0.0.0/0",
        "cidr=192.0.2.1/32",
        "cidr=fd00::/8"
      })
  void aRuleReadsAsItWasWritten(String text) {
    assertThat(FilterRule.problems(text)).isEmpty();
    assertThat(FilterRule.of(text)).hasToString(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                    | nothing is none of cgroup, pid, netns, cidr, port, direction",
        "prot=1                | \"prot\" is none of cgroup, pid, netns, cidr, port, direction",
        "port=1,port=2         | port is given twice",
        "port                  | \"port=\": expected a port from 1 to 65535 or a range N-M",
        "port=0                | expected a port from 1 to 65535 or a range N-M",
        "port=65536            | expected a port from 1 to 65535 or a range N-M",
        "port=9-8              | expected a port from 1 to 65535 or a range N-M",
        "port=1-2-3            | expected a port from 1 to 65535 or a range N-M",
        "pid=0                 | expected a whole number from 1 to 4294967295",
        "netns=4294967296      | expected a whole number from 1 to 4294967295",
        "cidr=10.0.0.1/8       | the network is 10.0.0.0/8",
        "cidr=10.0.0.0/33      | expected a prefix length from 0 to 32",
        "cidr=fe80::1%lo       | expected an address such as 10.0.0.0/8 or fd00::/8",
        "cidr=::ffff:10.0.0.1  | expected IPv4 as 10.0.0.1",
        "cidr=localhost        | expected an address such as 10.0.0.0/8 or fd00::/8",
        "cgroup=system.slice   | expected an absolute path",
        "direction=out         | expected inbound or outbound"
      })
  void whatIsWrongWithARuleIsSaid(String text, String problem) {
    assertThat(FilterRule.problems(text)).singleElement().asString().contains(problem);
    assertThatThrownBy(() -> FilterRule.of(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void allProblemsOfARuleAreSaid() {
    assertThat(FilterRule.problems("prot=1,port=x,pid=y,cidr=z")).hasSize(4);
  }

  @Test
  void masksCoverThePrefixInTheLongForm() {
    assertThat(IpNetwork.of("10.0.0.0/8").maskWord(0)).isEqualTo(-1L);
    assertThat(IpNetwork.of("10.0.0.0/8").maskWord(1)).isEqualTo(0xffff_ffff_ff00_0000L);
    assertThat(IpNetwork.of("fd00::/8").maskWord(0)).isEqualTo(0xff00_0000_0000_0000L);
    assertThat(IpNetwork.of("fd00::/8").maskWord(1)).isZero();
    assertThat(IpNetwork.of("::/0").maskWord(0)).isZero();
    assertThat(IpNetwork.of("::1").maskWord(1)).isEqualTo(-1L);
  }

  private static FilterConfig filters(List<FilterRule> exclude, List<FilterRule> include) {
    return new FilterConfig(exclude, include, OwnTraffic.EXCLUDED);
  }

  @Test
  void theSameRuleInBothListsIsRefusedHoweverItIsWritten() {
    List<FilterRule> one = List.of(FilterRule.of("port=22,pid=7"));
    List<FilterRule> same = List.of(FilterRule.of("pid=7,port=22-22"));

    assertThat(filters(one, same).problems())
        .containsExactly("filter: pid=7,port=22 is in filter.exclude and in filter.include");
    assertThat(filters(one, List.of()).problems()).isEmpty();
  }

  @Test
  void moreRulesThanTheKernelLooksAtAreRefused() {
    List<FilterRule> rules =
        IntStream.rangeClosed(1, 65).mapToObj(port -> FilterRule.of("port=" + port)).toList();

    assertThat(filters(rules.subList(0, 64), List.of()).problems()).isEmpty();
    assertThat(filters(rules.subList(0, 64), rules.subList(64, 65)).problems())
        .singleElement()
        .asString()
        .contains("65 rules", "at most 64");
  }
}
