// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import java.util.Arrays;

/** The values of a shape's attributes for one series. Equal when they are. */
public final class LabelSet {
  private final Shape shape;
  private final Direction reporter;
  private final Object[] values;
  private final boolean overflow;
  private final int hash;

  /** Keeps the array. */
  LabelSet(Shape shape, Direction reporter, Object[] values, boolean overflow) {
    this.shape = shape;
    this.reporter = reporter;
    this.values = values;
    this.overflow = overflow;
    hash = Arrays.hashCode(values);
  }

  public Shape shape() {
    return shape;
  }

  public Direction reporter() {
    return reporter;
  }

  /** A text, empty when there is no such attribute, or a {@link Long}. */
  public Object value(int index) {
    return index < values.length ? values[index] : "";
  }

  /** Behind the last attribute that there is. */
  public int size() {
    return values.length;
  }

  /** Stands for all that found no room. */
  public boolean isOverflow() {
    return overflow;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LabelSet that
        && hash == that.hash
        && overflow == that.overflow
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return (overflow ? "overflow " : "") + Arrays.toString(values);
  }
}
