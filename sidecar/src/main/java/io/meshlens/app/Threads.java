// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Makes all threads: named after their role, and never ending silently. */
final class Threads {
  private final Readiness readiness;
  private final Log log;

  Threads(Readiness readiness, Log log) {
    this.readiness = readiness;
    this.log = log;
  }

  /**
   * A started thread; daemon, because the end of the program is decided in one place. When its work
   * ends by an error, the program is no longer healthy.
   */
  Thread start(String role, Runnable work) {
    Thread thread = make(role, work);
    thread.setUncaughtExceptionHandler(
        (t, cause) -> {
          log.error("thread " + role + " died", cause);
          readiness.fail(role, "its thread died by " + cause);
        });
    thread.start();
    return thread;
  }

  /** For a pool, which makes another in place of one that dies. */
  ThreadFactory pool(String role) {
    AtomicInteger number = new AtomicInteger();
    return work -> make(role + "-" + number.incrementAndGet(), work);
  }

  private Thread make(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.setUncaughtExceptionHandler(
        (t, cause) -> log.error("thread " + t.getName() + " died", cause));
    return thread;
  }

  /** Waits for a thread to end by itself, interrupts it at the deadline; whether it had ended. */
  static boolean join(Thread thread, Duration deadline) throws InterruptedException {
    if (thread.join(deadline)) {
      return true;
    }
    thread.interrupt();
    return thread.join(Duration.ofMillis(100));
  }
}
