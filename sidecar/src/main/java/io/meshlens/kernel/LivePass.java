// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfIterator;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Looks at every open connection once, in the kernel: afterwards the sums hold all that it has
 * carried. Costs the data path nothing. Safe for any thread; passes take turns, as the programs
 * demand.
 */
public final class LivePass implements AutoCloseable {
  private final List<BpfLink> plain = new ArrayList<>();
  private final List<BpfLink> periodic = new ArrayList<>();
  private final SocketUseCount count;
  private final Optional<UdpUse> udp;
  private volatile SocketUse use = SocketUse.NONE;

  /**
   * Attaches to the maps of a loaded object.
   *
   * @param udp where what the programs for UDP count is; empty when they are not loaded
   */
  LivePass(BpfObject object, Optional<UdpUse> udp) {
    this.udp = udp;
    count = new SocketUseCount(object.map("socket_use"));
    try (BpfMap sockets = object.map("sockets");
        BpfMap overflow = object.map("sockets_overflow")) {
      plain.add(object.attachIterator("live_sockets", sockets));
      plain.add(object.attachIterator("live_overflow", overflow));
      periodic.add(object.attachIterator("live_sockets_periodic", sockets));
      periodic.add(object.attachIterator("live_overflow_periodic", overflow));
      if (udp.isPresent()) {
        UdpSide.addToPass(object, plain, periodic);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Brings the sums up to date. */
  public synchronized void run() {
    run(plain);
  }

  /** The same, and makes a periodic record of every open connection. */
  public synchronized void runWithRecords() {
    run(periodic);
  }

  /** How many sockets the last pass found; none before the first. */
  public SocketUse socketUse() {
    return use;
  }

  private void run(List<BpfLink> links) {
    count.beforePass();
    udp.ifPresent(UdpUse::beforePass);
    links.forEach(this::run);
    use = count.afterPass();
    udp.ifPresent(UdpUse::afterPass);
  }

  private void run(BpfLink link) {
    try (BpfIterator iterator = BpfIterator.open(link)) {
      iterator.run();
    }
  }

  @Override
  public synchronized void close() {
    plain.forEach(BpfLink::close);
    periodic.forEach(BpfLink::close);
    plain.clear();
    periodic.clear();
    count.close();
  }
}
