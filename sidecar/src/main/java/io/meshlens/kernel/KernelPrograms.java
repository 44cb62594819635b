// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Transport;
import io.meshlens.libbpf.BpfException;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.CgroupOrder;
import io.meshlens.libbpf.NativeLibrary;
import io.meshlens.libbpf.NativeLibraryException;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.wire.LayoutMismatchException;
import io.meshlens.wire.WireLayout;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The loaded kernel programs and their maps. Closing detaches and frees everything, unless it is
 * pinned: then the programs work on, and the next instance takes over where this one stopped.
 */
public final class KernelPrograms implements AutoCloseable {
  private static final String SOCK_OPS = "tcp_lifecycle";

  private final BpfObject object;
  private final Set<Extra> missing;
  private final boolean withUdp;
  private final Optional<Pins> pins;
  private final List<BpfLink> links = new ArrayList<>();
  private final Instant loadedAt = Instant.now();
  private final Filters filters;
  private final @Nullable UdpUse udpUse;
  private @Nullable LivePass livePass;

  private KernelPrograms(
      BpfObject object,
      WatchedCgroup cgroup,
      Set<Extra> missing,
      boolean withUdp,
      Optional<Pins> pins) {
    this.object = object;
    this.missing = missing;
    this.withUdp = withUdp;
    this.pins = pins;
    filters = new Filters(object, cgroup);
    udpUse = withUdp ? UdpSide.use(object) : null;
  }

  /**
   * Loads the programs into the kernel without attaching them; with pins, takes over pinned maps.
   *
   * @throws KernelUnavailableException when the kernel or our permission does not suffice
   * @throws LayoutMismatchException when the object does not speak this program's byte contract
   */
  public static KernelPrograms load(KernelConfig config, WatchedCgroup cgroup, Optional<Pins> pins)
      throws KernelUnavailableException {
    if (!Files.isReadable(config.object())) {
      throw new IllegalStateException(
          config.object()
              + " is missing or unreadable; it belongs beside the program: run `make build` or"
              + " reinstall");
    }
    try {
      NativeLibrary.load();
    } catch (NativeLibraryException e) {
      throw new KernelUnavailableException(String.valueOf(e.getMessage()), e);
    }
    // Not every kernel has everything: what the fewest have is left out first.
    Set<Extra> missing = EnumSet.noneOf(Extra.class);
    List<Extra> wanted = new ArrayList<>(List.of(Extra.values()));
    if (config.udp().isEmpty()) {
      wanted.remove(Extra.UDP);
    }
    KernelVersion kernel = KernelVersion.running();
    for (Extra extra : wanted) {
      if (extra.isMissingFrom(kernel)) {
        missing.add(extra);
      }
    }
    Optional<BpfException> refusal = Optional.empty();
    for (int leftOut = 0; leftOut <= wanted.size(); leftOut++) {
      try {
        return load(config, cgroup, pins, missing);
      } catch (BpfException e) {
        Optional<KernelUnavailableException> tooLarge = MapRefusal.of(e);
        if (tooLarge.isPresent()) {
          throw tooLarge.get();
        }
        refusal = refusal.or(() -> Optional.of(e));
        if (leftOut < wanted.size()) {
          missing.add(wanted.get(leftOut));
        }
      }
    }
    BpfException first = refusal.orElseThrow();
    throw new KernelUnavailableException(
        "the kernel refused the programs: " + first.getMessage() + "; `meshlens check` tells why",
        first);
  }

  private static KernelPrograms load(
      KernelConfig config, WatchedCgroup cgroup, Optional<Pins> pins, Set<Extra> missing) {
    BpfObject object = BpfObject.open(config.object());
    try {
      WireLayout.verify(object.btf());
      object.setMaxEntries("records", config.ringSizeBytes());
      object.setMaxEntries("sums", config.maxAddressPairs());
      SocketBound bound = new SocketBound(config.maxSockets());
      object.setMaxEntries("sockets", bound.slots());
      object.setRodata("far_slot_mask", bound.farSlots() - 1);
      if (!missing.contains(Extra.LIVE)) {
        // Without live passes nobody tells what has gone, and the count would only grow.
        object.setRodata("max_overflow_sockets", bound.overflow());
      }
      object.setRodata("jiffies_per_second", KernelTick.jiffiesPerSecond());
      object.setRodata("watched_cgroup_id", cgroup.idOrZero());
      object.setRodata("count_opened_at_once", missing.contains(Extra.LIVE) ? 1 : 0);
      missing.forEach(extra -> extra.programs().forEach(object::disable));
      boolean withUdp = config.udp().isPresent() && !missing.contains(Extra.UDP);
      if (withUdp) {
        UdpSide.size(object, config);
      } else {
        Extra.UDP.programs().forEach(object::disable);
      }
      pins.ifPresent(p -> p.pinMaps(object));
      object.load();
      return new KernelPrograms(object, cgroup, Set.copyOf(missing), withUdp, pins);
    } catch (RuntimeException e) {
      object.close();
      throw e;
    }
  }

  /** What this kernel cannot do. */
  public Set<Extra> missing() {
    return missing;
  }

  /** Whether programs and maps outlive this process. */
  public boolean isPinned() {
    return pins.isPresent();
  }

  /** Since when the sums are counted: before now when pinned maps were taken over. */
  public Instant sumsSince() {
    return pins.flatMap(Pins::mapsMadeAt).orElse(loadedAt);
  }

  /** Which connections are watched: all, until it is told otherwise. */
  public Filters filters() {
    return filters;
  }

  /** Begins to watch the sockets of a cgroup and everything below it. */
  public void attach(WatchedCgroup cgroup) throws KernelUnavailableException {
    try {
      attach(SOCK_OPS, cgroup, CgroupOrder.LAST);
      if (!missing.contains(Extra.DIALLED)) {
        // Before the programs that rewrite addresses, where the kernel knows such an order. Not
        // before those of cgroups below (PREORDER): until Linux f08aaee3152d updating any link in
        // a hierarchy with such a program damages it.
        attach("tcp_dial4", cgroup, CgroupOrder.FIRST_IN_CGROUP);
        attach("tcp_dial6", cgroup, CgroupOrder.FIRST_IN_CGROUP);
      }
      if (withUdp) {
        UdpSide.attach(object, cgroup, pins, links);
      }
      if (!missing.contains(Extra.LIVE)) {
        livePass = new LivePass(object, Optional.ofNullable(udpUse));
      }
    } catch (BpfException e) {
      throw new KernelUnavailableException(
          "cannot attach to the cgroup "
              + cgroup.directory()
              + ": "
              + (cgroup.exists() ? e.getMessage() : "it is gone; start again with one that is"),
          e);
    }
  }

  private void attach(String program, WatchedCgroup cgroup, CgroupOrder order) {
    links.add(
        pins.map(p -> p.link(object, program, cgroup, order))
            .orElseGet(() -> object.attachCgroup(program, cgroup.directory(), order)));
  }

  /**
   * Takes over the sockets that are older than the programs, where the kernel can.
   *
   * @return how many network namespaces could not be entered, so that theirs are not adopted
   */
  public int adopt() {
    if (missing.contains(Extra.ADOPTION)) {
      return 0;
    }
    return new Adoption(object).run(NetworkNamespaces.others().values());
  }

  /** Whether {@link #adopt} can find every network namespace of the host. */
  public boolean adoptsAllNamespaces() {
    return NetworkNamespaces.allVisible();
  }

  /** Looks at open connections; empty where the kernel cannot, and before they are watched. */
  public Optional<LivePass> livePass() {
    return Optional.ofNullable(livePass);
  }

  /** Stops watching, unless pinned; records already made stay in the ring. */
  public void detach() {
    links.forEach(BpfLink::close);
    links.clear();
  }

  /** The ring of records, for its one reader. */
  public RingBuffer mapRing() {
    try (BpfMap records = object.map("records")) {
      return RingBuffer.map(records);
    }
  }

  /** Turns events on and off; to be closed before this. */
  public EventSwitches eventSwitches() {
    return new EventSwitches(object);
  }

  public SumsReader sumsReader() {
    return new SumsReader(
        Transport.TCP,
        object.map("sums"),
        object.map("sums_overflow"),
        object.map("kernel_counters"));
  }

  /** Whether UDP is watched too. */
  public boolean watchesUdp() {
    return withUdp;
  }

  /** Of UDP; to be closed before this. */
  public SumsReader udpSumsReader() {
    return new SumsReader(
        Transport.UDP,
        object.map("udp_sums"),
        object.map("udp_sums_overflow"),
        object.map("kernel_counters"));
  }

  /** How much of what is kept for UDP is in use; empty unless it is watched. */
  public Optional<UdpUse> udpUse() {
    return Optional.ofNullable(udpUse);
  }

  public ListenerCount listenerCount() {
    return new ListenerCount(object.map("listeners"));
  }

  /** What the kernel counts of its programs, where it does; to be closed before this. */
  public ProgramRunCount programRunCount() {
    return new ProgramRunCount(object, missing);
  }

  /** The byte contract's version, for `version` and `check`. */
  public String abi() {
    return "wire ABI " + WireLayout.abiVersion();
  }

  @Override
  public void close() {
    detach();
    LivePass pass = livePass;
    if (pass != null) {
      pass.close();
    }
    UdpUse use = udpUse;
    if (use != null) {
      use.close();
    }
    filters.close();
    object.close();
    pins.ifPresent(Pins::close);
  }
}
