// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfException;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.ProgramRuns;
import io.meshlens.vitals.Readings;
import io.meshlens.vitals.SelfMetric;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs and run time of the programs that are loaded; nothing of those that have no counted run,
 * because the kernel counts only while it is told to. Safe for all threads.
 */
public final class ProgramRunCount implements AutoCloseable {
  private static final double NS_PER_SECOND = 1e9;

  private final BpfObject object;
  private final List<String> programs;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed;

  ProgramRunCount(BpfObject object, Set<Extra> missing) {
    this.object = object;
    programs =
        object.programNames().stream()
            .filter(name -> missing.stream().noneMatch(extra -> extra.programs().contains(name)))
            .toList();
  }

  private interface Taker {
    void take(String program, ProgramRuns runs);
  }

  /** Both metrics. */
  public List<Readings> readings() {
    return List.of(
        new Readings(
            SelfMetric.BPF_RUN_TIME,
            points ->
                forEach(
                    (program, runs) ->
                        points.addFraction(runs.runTimeNs() / NS_PER_SECOND, program))),
        new Readings(
            SelfMetric.BPF_RUNS,
            points -> forEach((program, runs) -> points.add(runs.runs(), program))));
  }

  private void forEach(Taker taker) {
    lock.lock();
    try {
      for (String program : closed ? List.<String>of() : programs) {
        ProgramRuns runs = object.programRuns(program);
        if (runs.runs() > 0) {
          taker.take(program, runs);
        }
      }
    } catch (BpfException e) {
      // A kernel that does not tell leaves these metrics absent.
    } finally {
      lock.unlock();
    }
  }

  /** The object may be closed after this. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
  }
}
