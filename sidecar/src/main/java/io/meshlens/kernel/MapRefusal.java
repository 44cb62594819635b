// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A map for which the kernel has no memory, as libbpf names it, and which key makes it smaller. */
final class MapRefusal {
  private static final Pattern FAILED = Pattern.compile("map '([a-z_]+)': failed to create");
  private static final int E2BIG = 7;
  private static final int ENOMEM = 12;
  private static final Set<Integer> TOO_LARGE = Set.of(E2BIG, ENOMEM);
  private static final Map<String, String> KEYS =
      Map.of(
          "records", "kernel.ring_size",
          "sums", "kernel.max_address_pairs",
          "sockets", "kernel.max_sockets");

  private MapRefusal() {}

  /** What to say of a failed load; empty when it failed for another reason. */
  static Optional<KernelUnavailableException> of(BpfException refusal) {
    Matcher failed = FAILED.matcher(refusal.log());
    if (!TOO_LARGE.contains(refusal.errno()) || !failed.find()) {
      return Optional.empty();
    }
    String map = failed.group(1);
    String key = KEYS.get(map);
    return Optional.of(
        new KernelUnavailableException(
            "the kernel has no memory for the map "
                + map
                + " ("
                + refusal.errnoName()
                + "): "
                + (key == null ? "" : "lower " + key + ", or ")
                + "raise the memory limit of the program's cgroup",
            refusal));
  }
}
