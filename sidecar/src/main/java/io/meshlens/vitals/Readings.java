// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

/**
 * A metric of ours that is read when somebody asks for it.
 *
 * @param source asked by any thread, also by two at once
 */
public record Readings(SelfMetric metric, Source source) {
  /** Gives the present values. */
  public interface Source {
    void read(Points points);
  }

  /** Takes values. */
  public interface Points {
    /**
     * One series of whole numbers.
     *
     * @param attributes values of the metric's attributes, in their order
     */
    void add(long value, String... attributes);

    /** One series of a metric that {@link SelfMetric#isFractional is fractional}. */
    void addFraction(double value, String... attributes);
  }
}
