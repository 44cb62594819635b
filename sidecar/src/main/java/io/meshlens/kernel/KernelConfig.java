// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What to load and where to attach it.
 *
 * @param object the built kernel programs
 * @param cgroup cgroup v2 directory whose sockets are watched; empty for the root of the mount
 * @param ringSizeBytes size of the record ring, a power of two
 * @param maxAddressPairs rows of the kernel's map of sums
 * @param maxSockets how many sockets may be tracked at a time
 * @param pinPath where links and maps are pinned
 * @param conntrack whether netfilter is asked for original addresses
 * @param udp how UDP is watched; empty: not at all
 */
public record KernelConfig(
    Path object,
    Optional<Path> cgroup,
    int ringSizeBytes,
    int maxAddressPairs,
    int maxSockets,
    PinPath pinPath,
    ConntrackUse conntrack,
    Optional<UdpConfig> udp) {
  /** Where BPF file systems usually are. */
  public static final Path DEFAULT_PIN_PATH = Path.of("/sys/fs/bpf/meshlens");

  /** The same, but UDP as given. */
  KernelConfig withUdp(UdpConfig other) {
    return new KernelConfig(
        object,
        cgroup,
        ringSizeBytes,
        maxAddressPairs,
        maxSockets,
        pinPath,
        conntrack,
        Optional.of(other));
  }

  /** What {@code kernel.conntrack} says. */
  public enum ConntrackUse {
    ASKED,
    LEFT_ALONE
  }

  /** What {@code kernel.pin_path} says. */
  public sealed interface PinPath {
    /** In the usual place when a BPF file system is there. */
    record Auto() implements PinPath {}

    /** Nothing outlives the process. */
    record Off() implements PinPath {}

    /** Here, or not at all. */
    record At(Path path) implements PinPath {}
  }
}
