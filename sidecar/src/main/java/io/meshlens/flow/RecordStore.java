// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/**
 * A sink that keeps what it was given over the end of the process. {@link #given} and {@link #safe}
 * only grow.
 */
public interface RecordStore {
  /** Connections that were given to it. For the thread that gives them. */
  long given();

  /** How many more it can be given now without losing any. For the thread that gives them. */
  int room();

  /**
   * How many of those given, from the first, are safe by now, or lost and counted. For any thread.
   */
  long safe();
}
