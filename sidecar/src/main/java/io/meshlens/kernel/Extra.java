// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import com.google.common.collect.ImmutableList;
import java.util.List;

/** What the kernel programs do beyond the minimum, where the kernel can; the least common first. */
public enum Extra {
  ADOPTION(
      "adoption",
      "connections older than the sidecar",
      "Linux 6.12 or newer",
      6,
      12,
      ImmutableList.of("adopt_connections", "adopt_owners")),
  UDP(
      "udp",
      "UDP traffic",
      "Linux 6.1 or newer",
      0,
      0,
      ImmutableList.of(
          "udp_egress",
          "udp_ingress",
          "udp_not_queued",
          "udp_bind4",
          "udp_bind6",
          "udp_close",
          "live_udp",
          "live_udp_periodic")),
  LIVE(
      "live",
      "numbers of open connections",
      "Linux 6.1 or newer",
      0,
      0,
      ImmutableList.of(
          "live_sockets", "live_sockets_periodic", "live_overflow", "live_overflow_periodic")),
  DIALLED(
      "dialled",
      "the address that a client dialled before a program rewrote it",
      "Linux 5.10 or newer, with CONFIG_CGROUP_BPF",
      0,
      0,
      ImmutableList.of("tcp_dial4", "tcp_dial6"));

  private final String label;
  private final String purpose;
  private final String needs;
  private final int leastMajor;
  private final int leastMinor;
  private final ImmutableList<String> programs;

  Extra(
      String label,
      String purpose,
      String needs,
      int leastMajor,
      int leastMinor,
      ImmutableList<String> programs) {
    this.label = label;
    this.purpose = purpose;
    this.needs = needs;
    this.leastMajor = leastMajor;
    this.leastMinor = leastMinor;
    this.programs = programs;
  }

  public String label() {
    return label;
  }

  /** What is absent from records and metrics without it. */
  public String purpose() {
    return purpose;
  }

  /** What the kernel must have. */
  public String needs() {
    return needs;
  }

  /**
   * Whether a kernel is known to lack it although it accepts the programs: iter/tcp may call
   * setsockopt since 6.1, but with the option that adoption needs only since 6.12.
   */
  boolean isMissingFrom(KernelVersion kernel) {
    return kernel.isOlderThan(leastMajor, leastMinor);
  }

  /** Names of the programs in the object. */
  List<String> programs() {
    return programs;
  }
}
