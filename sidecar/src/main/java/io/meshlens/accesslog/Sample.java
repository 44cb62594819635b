// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;

/** A part of all connections, chosen by their identity: all records of one share their fate. */
final class Sample {
  private static final double TWO_TO_THE_53 = 0x1p53;

  private final double ratio;

  /**
   * @param ratio 0 for none to 1 for all
   */
  Sample(double ratio) {
    this.ratio = ratio;
  }

  boolean isAll() {
    return ratio >= 1;
  }

  boolean has(Connection c) {
    return (mix(mix(c.socketCookie) ^ c.incarnation) >>> 11) / TWO_TO_THE_53 < ratio;
  }

  /** Cookies follow one another: each bit of the result depends on all of them (SplitMix64). */
  private static long mix(long value) {
    long z = value + 0x9e37_79b9_7f4a_7c15L;
    z = (z ^ z >>> 30) * 0xbf58_476d_1ce4_e5b9L;
    z = (z ^ z >>> 27) * 0x94d0_49bb_1331_11ebL;
    return z ^ z >>> 31;
  }
}
