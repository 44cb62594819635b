// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;

/**
 * A native pointer or descriptor with a count of the calls that use it.
 *
 * <p>Guarantees: (1) freed exactly once; (2) never while a call is under way, in whatever thread:
 * then the last such call frees it; (3) after {@link #close} no further call gets the value.
 */
public final class Handle {
  private static final int CLOSED = Integer.MIN_VALUE;

  private final String what;
  private final long value;
  private final LongConsumer free;
  private final AtomicInteger state = new AtomicInteger();

  /**
   * Takes over a value.
   *
   * @param what its name in messages
   * @param free gives it back
   */
  public Handle(String what, long value, LongConsumer free) {
    this.what = what;
    this.value = value;
    this.free = free;
  }

  /** Runs a call with the value. */
  public long use(LongUnaryOperator call) {
    int users;
    do {
      users = state.get();
      if (users < 0) {
        throw new IllegalStateException(what + " is closed");
      }
    } while (!state.compareAndSet(users, users + 1));
    try {
      return call.applyAsLong(value);
    } finally {
      if (state.decrementAndGet() == CLOSED) {
        free.accept(value);
      }
    }
  }

  /** Returns whether this call closed it. */
  public boolean close() {
    int users;
    do {
      users = state.get();
      if (users < 0) {
        return false;
      }
    } while (!state.compareAndSet(users, users | CLOSED));
    if (users == 0) {
      free.accept(value);
    }
    return true;
  }
}
