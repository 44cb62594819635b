// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfIterator;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks at every open connection once, in the kernel: afterwards the sums hold all that it has
 * carried. Costs the data path nothing. Safe for any thread; passes take turns, as the programs
 * demand.
 */
public final class LivePass implements AutoCloseable {
  private final List<BpfLink> plain = new ArrayList<>();
  private final List<BpfLink> periodic = new ArrayList<>();

  LivePass(BpfObject object) {
    try (BpfMap sockets = object.map("sockets");
        BpfMap overflow = object.map("sockets_overflow")) {
      plain.add(object.attachIterator("live_sockets", sockets));
      plain.add(object.attachIterator("live_overflow", overflow));
      periodic.add(object.attachIterator("live_sockets_periodic", sockets));
      periodic.add(object.attachIterator("live_overflow_periodic", overflow));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Brings the sums up to date. */
  public synchronized void run() {
    plain.forEach(this::run);
  }

  /** The same, and makes a periodic record of every open connection. */
  public synchronized void runWithRecords() {
    periodic.forEach(this::run);
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
  }
}
