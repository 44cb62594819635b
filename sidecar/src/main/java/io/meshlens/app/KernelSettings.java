// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.FilterConfig.OwnTraffic;
import io.meshlens.kernel.FilterRule;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.kernel.KernelConfig.PinPath;
import io.meshlens.kernel.UdpConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Settings of the kernel side, in the order of the reference page. */
public final class KernelSettings {
  /** {@code cgroup: auto} and {@code kernel.pin_path: auto}. */
  public static final String AUTO = "auto";

  /** {@code kernel.pin_path: off}. */
  public static final String OFF = "off";

  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  public static final ConfigKey<String> CGROUP =
      new ConfigKey<>(
          "cgroup",
          ValueType.text(),
          AUTO,
          "Directory of the cgroup v2 file system whose sockets are watched, with everything below"
              + " it; auto is the root, wherever it is mounted.");
  public static final ConfigKey<Integer> RING_SIZE =
      new ConfigKey<>(
          "kernel.ring_size",
          ValueType.powerOfTwoBytes(4 * KIB, 512 * MIB),
          "8MiB",
          "Size of the ring that carries connection records out of the kernel, 240 bytes each.");
  public static final ConfigKey<Integer> MAX_ADDRESS_PAIRS =
      new ConfigKey<>(
          "kernel.max_address_pairs",
          ValueType.integer(1, 1 << 20),
          "16384",
          "Rows of the kernel's map of sums; what does not fit is added to one overflow series.");
  public static final ConfigKey<Integer> MAX_SOCKETS =
      new ConfigKey<>(
          "kernel.max_sockets",
          ValueType.integer(2048, 1 << 22),
          "131072",
          "Sockets that are tracked at a time; connections beyond are only counted, as untracked.");
  public static final ConfigKey<String> PIN_PATH =
      new ConfigKey<>(
          "kernel.pin_path",
          ValueType.text(),
          AUTO,
          "Directory of a BPF file system where programs and sums outlive a restart; auto is"
              + " /sys/fs/bpf/meshlens if one is mounted there, off none. `meshlens detach` removes"
              + " them.");
  public static final ConfigKey<Boolean> CONNTRACK =
      new ConfigKey<>(
          "kernel.conntrack",
          ValueType.bool(),
          "true",
          "Whether netfilter's connection tracking is asked for the addresses before translation.");
  public static final ConfigKey<Boolean> UDP =
      new ConfigKey<>(
          "kernel.udp",
          ValueType.bool(),
          "false",
          "Whether UDP is watched as well as TCP. Every packet of the watched sockets then passes a"
              + " program.");
  public static final ConfigKey<Integer> UDP_MAX_FLOWS =
      new ConfigKey<>(
          "kernel.udp_max_flows",
          ValueType.integer(2048, 1 << 20),
          "33792",
          "UDP flows, one for each socket and peer, that are tracked at a time, rounded down to 1024"
              + " and a power of two; datagrams of those beyond are in the sums and in no record.");
  public static final ConfigKey<Duration> UDP_IDLE_TIMEOUT =
      new ConfigKey<>(
          "kernel.udp_idle_timeout",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
          "30s",
          "A UDP flow is over when nothing was sent or received for so long; it is noticed within"
              + " ten seconds, or at a scrape.");
  public static final ConfigKey<List<FilterRule>> FILTER_EXCLUDE =
      new ConfigKey<>(
          "filter.exclude",
          ValueType.list(FilterRule.EXPECTATION, FilterRule::problems, FilterRule::of),
          "",
          "Connections that are not watched: those that one of the rules fits.");
  public static final ConfigKey<List<FilterRule>> FILTER_INCLUDE =
      new ConfigKey<>(
          "filter.include",
          ValueType.list("as filter.exclude", FilterRule::problems, FilterRule::of),
          "",
          "If not empty, the only connections that are watched: those that one of these rules fits,"
              + " and none of filter.exclude.");
  public static final ConfigKey<Boolean> FILTER_OWN_TRAFFIC =
      new ConfigKey<>(
          "filter.own_traffic",
          ValueType.bool(),
          "false",
          "Whether the program's own connections are watched: those that it makes, and those to its"
              + " telemetry.address.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          CGROUP,
          RING_SIZE,
          MAX_ADDRESS_PAIRS,
          MAX_SOCKETS,
          PIN_PATH,
          CONNTRACK,
          UDP,
          UDP_MAX_FLOWS,
          UDP_IDLE_TIMEOUT,
          FILTER_EXCLUDE,
          FILTER_INCLUDE,
          FILTER_OWN_TRAFFIC);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(FILTER_EXCLUDE, FILTER_INCLUDE, FILTER_OWN_TRAFFIC),
              values -> filter(values).problems()));

  static FilterConfig filter(Configuration values) {
    return new FilterConfig(
        values.get(FILTER_EXCLUDE),
        values.get(FILTER_INCLUDE),
        values.get(FILTER_OWN_TRAFFIC) ? OwnTraffic.WATCHED : OwnTraffic.EXCLUDED);
  }

  static KernelConfig kernel(Configuration values, Path home) {
    String cgroup = values.get(CGROUP);
    return new KernelConfig(
        home.resolve("bpf/meshlens.bpf.o"),
        cgroup.equals(AUTO) ? Optional.empty() : Optional.of(Path.of(cgroup)),
        values.get(RING_SIZE),
        values.get(MAX_ADDRESS_PAIRS),
        values.get(MAX_SOCKETS),
        pinPath(values.get(PIN_PATH)),
        values.get(CONNTRACK) ? ConntrackUse.ASKED : ConntrackUse.LEFT_ALONE,
        values.get(UDP)
            ? Optional.of(new UdpConfig(values.get(UDP_MAX_FLOWS), values.get(UDP_IDLE_TIMEOUT)))
            : Optional.empty());
  }

  private static PinPath pinPath(String text) {
    return switch (text) {
      case AUTO -> new PinPath.Auto();
      case OFF -> new PinPath.Off();
      default -> new PinPath.At(Path.of(text));
    };
  }

  private KernelSettings() {}
}
