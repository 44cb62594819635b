// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.kernel.Feature.Answer;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.libbpf.Helper;
import io.meshlens.libbpf.KernelProbe;
import io.meshlens.libbpf.Libbpf;
import io.meshlens.libbpf.MapType;
import io.meshlens.libbpf.NativeLibrary;
import io.meshlens.libbpf.NativeLibraryException;
import io.meshlens.libbpf.ProgramType;
import io.meshlens.netlink.Conntrack;
import io.meshlens.netlink.ConntrackEntry;
import io.meshlens.netlink.ConntrackTuple;
import io.meshlens.netlink.NetlinkException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Asks the kernel for everything that the programs need. */
public final class FeatureProbe {
  private static final String ALL = "everything";
  private static final int MIN_MAJOR = 5;
  private static final int MIN_MINOR = 10;

  private static final List<MapType> MAP_TYPES =
      List.of(MapType.RINGBUF, MapType.SK_STORAGE, MapType.PERCPU_HASH, MapType.PERCPU_ARRAY);

  /** Helpers that the programs call and that not every kernel offers to sock_ops. */
  private static final List<Helper> HELPERS =
      List.of(
          Helper.SK_STORAGE_GET,
          Helper.SKC_TO_TCP_SOCK,
          Helper.RINGBUF_RESERVE,
          Helper.GET_CURRENT_TASK,
          Helper.PROBE_READ_KERNEL,
          Helper.GET_SOCKET_COOKIE,
          Helper.SOCK_OPS_CB_FLAGS_SET);

  /** Second half of ::ffff:127.0.0.1. */
  private static final long MAPPED_LOOPBACK = 0xffff_7f00_0001L;

  private static final UdpConfig SMALL_UDP = new UdpConfig(2048, Duration.ofSeconds(1));

  private static final int CAP_NET_ADMIN = 12;
  private static final int CAP_SYS_ADMIN = 21;
  private static final int CAP_PERFMON = 38;
  private static final int CAP_BPF = 39;

  private final KernelConfig config;
  private final List<Feature> features = new ArrayList<>();

  private FeatureProbe(KernelConfig config) {
    this.config = config;
  }

  /** All features, in the order in which they depend on each other. */
  public static List<Feature> probe(KernelConfig config) {
    FeatureProbe probe = new FeatureProbe(config);
    probe.preconditions();
    if (probe.nativeLibrary()) {
      probe.bpf();
      probe.programs();
      probe.conntrack();
    }
    return List.copyOf(probe.features);
  }

  /**
   * Looks at what can be told without loading anything, so that a user reads causes rather than
   * their consequences.
   *
   * @throws KernelUnavailableException naming everything that is missing, with its remedy
   */
  public static void requirePreconditions(KernelConfig config) throws KernelUnavailableException {
    FeatureProbe probe = new FeatureProbe(config);
    probe.preconditions();
    List<String> missing =
        probe.features.stream()
            .filter(Feature::isMissing)
            .map(f -> "missing: %s (%s); remedy: %s".formatted(f.name(), f.detail(), f.remedy()))
            .map(line -> line.replace(" ()", ""))
            .toList();
    if (!missing.isEmpty()) {
      throw new KernelUnavailableException(String.join("\n", missing));
    }
  }

  private void preconditions() {
    kernelVersion(System.getProperty("os.version", ""));
    capabilities();
    btf();
    cgroup();
  }

  private void add(String name, boolean required, Answer answer, String detail, String remedy) {
    features.add(new Feature(name, ALL, required, answer, detail, remedy));
  }

  private void kernelVersion(String version) {
    add(
        "Linux 5.10 or newer",
        true,
        versionAnswer(version),
        version,
        "boot a kernel of 5.10 or newer");
  }

  static Answer versionAnswer(String version) {
    return KernelVersion.parse(version)
        .map(kernel -> yes(!kernel.isOlderThan(MIN_MAJOR, MIN_MINOR)))
        .orElse(Answer.UNKNOWN);
  }

  private void capabilities() {
    String remedy =
        "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (in Kubernetes:"
            + " securityContext.capabilities.add)";
    try {
      long held = effectiveCapabilities(Files.readAllLines(Path.of("/proc/self/status")));
      capability("CAP_BPF", held, CAP_BPF, remedy);
      capability("CAP_PERFMON", held, CAP_PERFMON, remedy);
      add("CAP_NET_ADMIN", true, yes((held >>> CAP_NET_ADMIN & 1) != 0), "", remedy);
    } catch (IOException e) {
      add("capabilities", true, Answer.UNKNOWN, e.toString(), remedy);
    }
  }

  /** CAP_SYS_ADMIN includes both CAP_BPF and CAP_PERFMON (capabilities(7)). */
  private void capability(String name, long held, int bit, String remedy) {
    boolean has = (held >>> bit & 1) != 0 || (held >>> CAP_SYS_ADMIN & 1) != 0;
    add(name, true, yes(has), "", remedy);
  }

  static long effectiveCapabilities(List<String> status) {
    return status.stream()
        .filter(line -> line.startsWith("CapEff:"))
        .map(line -> Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16))
        .findFirst()
        .orElse(0L);
  }

  private void btf() {
    Path btf = Path.of("/sys/kernel/btf/vmlinux");
    add(
        "kernel BTF",
        true,
        yes(Files.isReadable(btf)),
        btf.toString(),
        "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (all current distributions), and mount"
            + " /sys");
  }

  private void cgroup() {
    String remedy = "mount it: mount -t cgroup2 none /sys/fs/cgroup, or name one with --cgroup";
    Optional<Path> directory = config.cgroup();
    if (directory.isEmpty()) {
      try {
        directory = Cgroups.findRoot();
      } catch (IOException e) {
        add("cgroup v2", true, Answer.UNKNOWN, e.toString(), remedy);
        return;
      }
    }
    boolean found = directory.filter(Cgroups::isCgroup2Directory).isPresent();
    String detail = directory.map(Path::toString).orElse("not mounted");
    add("cgroup v2", true, yes(found), found ? detail : detail + " is not one", remedy);
  }

  private boolean nativeLibrary() {
    try {
      NativeLibrary.load();
      add("libbpf", true, Answer.YES, Libbpf.version(), "");
      return true;
    } catch (NativeLibraryException e) {
      add("libbpf", true, Answer.NO, String.valueOf(e.getMessage()), "apt-get install libbpf1");
      return false;
    }
  }

  private void bpf() {
    String remedy = "use a kernel with this feature built in; see the capabilities above first";
    for (MapType type : MAP_TYPES) {
      add("map type " + type, true, of(KernelProbe.mapType(type.kernelId())), "", remedy);
    }
    int sockOps = ProgramType.SOCK_OPS.kernelId();
    add("program type SOCK_OPS", true, of(KernelProbe.programType(sockOps)), "", remedy);
    for (Helper helper : HELPERS) {
      Answer answer = of(KernelProbe.helper(sockOps, helper.kernelId()));
      add("sock_ops helper " + helper, true, answer, "", remedy);
    }
  }

  /** The truest probe of all: the verifier's own word on the programs, without attaching them. */
  private void programs() {
    String name = "kernel programs load";
    try (KernelPrograms programs =
        // UDP too, which may be off: then this tells whether it could be on.
        KernelPrograms.load(
            config.withUdp(config.udp().orElse(SMALL_UDP)),
            WatchedCgroup.of(config.cgroup()),
            Optional.empty())) {
      add(name, true, Answer.YES, programs.abi(), "");
      for (Extra extra : Extra.values()) {
        boolean there = !programs.missing().contains(extra);
        features.add(
            new Feature(
                extra.purpose(), extra.label(), false, yes(there), "", "use " + extra.needs()));
      }
    } catch (KernelUnavailableException | RuntimeException e) {
      add(name, true, Answer.NO, String.valueOf(e.getMessage()), "see the lines above");
    }
  }

  private void conntrack() {
    if (config.conntrack() == ConntrackUse.LEFT_ALONE) {
      return;
    }
    Optional<NetlinkException> refusal = conntrackRefusal();
    features.add(
        new Feature(
            "original addresses by netfilter",
            "conntrack",
            false,
            yes(refusal.isEmpty()),
            refusal.map(e -> String.valueOf(e.getMessage())).orElse(""),
            "load the module nf_conntrack_netlink, or set kernel.conntrack=false"));
  }

  /**
   * Asks the connection tracking of our own network namespace for a connection that cannot be.
   *
   * @return why there was no answer
   */
  public static Optional<NetlinkException> conntrackRefusal() {
    try (Conntrack conntrack = Conntrack.open()) {
      ConntrackTuple loopback = new ConntrackTuple();
      loopback.sourceLow = MAPPED_LOOPBACK;
      loopback.destinationLow = MAPPED_LOOPBACK;
      conntrack.find(loopback, new ConntrackEntry());
      return Optional.empty();
    } catch (NetlinkException e) {
      return Optional.of(e);
    }
  }

  private static Answer yes(boolean yes) {
    return yes ? Answer.YES : Answer.NO;
  }

  private static Answer of(KernelProbe.Answer answer) {
    return switch (answer) {
      case YES -> Answer.YES;
      case NO -> Answer.NO;
      case UNKNOWN -> Answer.UNKNOWN;
    };
  }
}
