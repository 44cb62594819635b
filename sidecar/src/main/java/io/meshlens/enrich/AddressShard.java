// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import org.jspecify.annotations.Nullable;

/**
 * Values by address: open addressing with linear probing, at most three quarters full, no object
 * for a key.
 *
 * <p>Owned by: whoever fills it, until it is published by a volatile write; immutable from then on.
 */
final class AddressShard<V> {
  private static final int LEAST_SLOTS = 4;

  private long[] keys;
  private @Nullable Object[] values;
  private int size;

  AddressShard() {
    keys = new long[2 * LEAST_SLOTS];
    values = new Object[LEAST_SLOTS];
  }

  private AddressShard(AddressShard<V> other) {
    keys = other.keys.clone();
    values = other.values.clone();
    size = other.size;
  }

  AddressShard<V> copy() {
    return new AddressShard<>(this);
  }

  int size() {
    return size;
  }

  /** Well mixed in all bits: the upper ones choose a shard, the lower ones a slot. */
  static long hash(long high, long low) {
    long h = (high ^ Long.rotateLeft(low, 29)) * 0x9e37_79b9_7f4a_7c15L + low;
    h ^= h >>> 32;
    h *= 0xd6e8_feb8_6659_fd93L;
    return h ^ h >>> 29;
  }

  @SuppressWarnings("unchecked")
  @Nullable V get(long hash, long high, long low) {
    int mask = values.length - 1;
    for (int slot = (int) hash & mask; ; slot = (slot + 1) & mask) {
      Object value = values[slot];
      if (value == null || (keys[2 * slot] == high && keys[2 * slot + 1] == low)) {
        return (V) value;
      }
    }
  }

  void put(long hash, long high, long low, V value) {
    int slot = slotOf(hash, high, low);
    if (values[slot] == null) {
      size++;
      if (4 * size > 3 * values.length) {
        rebuild(2 * values.length);
        slot = slotOf(hash, high, low);
      }
      keys[2 * slot] = high;
      keys[2 * slot + 1] = low;
    }
    values[slot] = value;
  }

  void remove(long hash, long high, long low) {
    int slot = slotOf(hash, high, low);
    if (values[slot] == null) {
      return;
    }
    values[slot] = null;
    size--;
    int slots = values.length;
    rebuild(slots > LEAST_SLOTS && 4 * size < slots ? slots / 2 : slots);
  }

  private int slotOf(long hash, long high, long low) {
    int mask = values.length - 1;
    int slot = (int) hash & mask;
    while (values[slot] != null && (keys[2 * slot] != high || keys[2 * slot + 1] != low)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void rebuild(int slots) {
    long[] oldKeys = keys;
    @Nullable Object[] oldValues = values;
    keys = new long[2 * slots];
    values = new Object[slots];
    for (int i = 0; i < oldValues.length; i++) {
      if (oldValues[i] != null) {
        long high = oldKeys[2 * i];
        long low = oldKeys[2 * i + 1];
        int slot = slotOf(hash(high, low), high, low);
        keys[2 * slot] = high;
        keys[2 * slot + 1] = low;
        values[slot] = oldValues[i];
      }
    }
  }
}
