// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;

/**
 * Owned by: one thread at a time. Where a pass of {@link BpfMap#lookupBatch} over a map has got to;
 * reusable by {@link #rewind}.
 *
 * <p>The kernel hands out whole hash buckets. When one does not fit the caller's buffers, the
 * cursor reads it into buffers of its own and hands it out in parts, so that the pass goes on. A
 * kernel or map without batches is walked key by key; see {@link #truncated}.
 */
public final class BatchCursor {
  private static final int MINIMUM_TOKEN_BYTES = 8;

  /** Rounds over the map a walk may take when deletions keep sending it back to the start. */
  private static final int MAX_WALK_ROUNDS = 4;

  private final BpfMap map;
  private ByteBuffer in;
  private ByteBuffer out;
  private ByteBuffer spilledKeys = ByteBuffer.allocateDirect(0);
  private ByteBuffer spilledValues = ByteBuffer.allocateDirect(0);
  private final Queue<ByteBuffer> walk = new ArrayDeque<>();
  private boolean walking;
  private boolean started;
  private boolean exhausted;
  private boolean truncated;

  BatchCursor(BpfMap map) {
    if (map.keySize() == 0) {
      throw new IllegalArgumentException("map " + map.name() + " has no keys to pass over");
    }
    this.map = map;
    this.in = direct(Math.max(map.keySize(), MINIMUM_TOKEN_BYTES));
    this.out = direct(in.capacity());
  }

  /** Returns whether the pass has handed out all. */
  public boolean done() {
    return exhausted && walk.isEmpty() && !spilledKeys.hasRemaining();
  }

  /**
   * Returns whether entries may be missing from this pass: the map was walked key by key, and
   * concurrent deletions sent the walk back to its start more often than it may follow.
   */
  public boolean truncated() {
    return truncated;
  }

  /** Begins a new pass. */
  public void rewind() {
    walk.clear();
    spilledKeys.position(spilledKeys.limit());
    spilledValues.position(spilledValues.limit());
    walking = false;
    started = false;
    exhausted = false;
    truncated = false;
  }

  /** Makes a new pass walk key by key, as on a kernel without batches. */
  void walkKeys() {
    rewind();
    collectKeys();
  }

  int next(BpfMap map, ByteBuffer keys, ByteBuffer values) {
    if (map != this.map) {
      throw new IllegalArgumentException("the cursor is of map " + this.map.name());
    }
    int room =
        Math.min(keys.remaining() / map.keySize(), values.remaining() / map.entryValueSize());
    if (room == 0) {
      throw new IllegalArgumentException("the buffers have no room for an entry");
    }
    if (!walking && !spilledKeys.hasRemaining() && !exhausted) {
      long result = map.batch(started ? in : null, out, keys, values, room);
      if ((result & BpfMap.BATCH_UNSUPPORTED) != 0 && result > 0 && !started) {
        collectKeys();
      } else if ((result & BpfMap.BATCH_TOO_SMALL) != 0 && result > 0) {
        spill(room);
      } else {
        return advance(result);
      }
    }
    return walking ? lookUpKeys(keys, values, room) : unspill(keys, values, room);
  }

  private int advance(long result) {
    if (result < 0 || (result & BpfMap.BATCH_UNSUPPORTED) != 0) {
      throw new BpfException("read map " + map.name(), Math.abs((int) result));
    }
    ByteBuffer token = in;
    in = out;
    out = token;
    started = true;
    exhausted = (result & BpfMap.BATCH_DONE) != 0;
    return (int) result;
  }

  private void spill(int room) {
    long result = 0;
    // A bucket cannot hold more entries than the map, but deleted ones may linger for a moment.
    long bound = 4L * map.maxEntries() + MINIMUM_TOKEN_BYTES;
    for (long entries = 2L * room; entries <= 2 * bound; entries *= 2) {
      ByteBuffer keys = direct(Math.multiplyExact((int) entries, map.keySize()));
      ByteBuffer values = direct(Math.multiplyExact((int) entries, map.entryValueSize()));
      result = map.batch(started ? in : null, out, keys, values, (int) entries);
      if (result < 0 || (result & BpfMap.BATCH_TOO_SMALL) == 0) {
        int count = advance(result);
        spilledKeys = keys.limit(count * map.keySize());
        spilledValues = values.limit(count * map.entryValueSize());
        return;
      }
    }
    throw new BpfException("read a bucket of map " + map.name(), (int) result);
  }

  private int unspill(ByteBuffer keys, ByteBuffer values, int room) {
    int count = Math.min(room, spilledKeys.remaining() / map.keySize());
    move(spilledKeys, keys, count * map.keySize());
    move(spilledValues, values, count * map.entryValueSize());
    return count;
  }

  private static void move(ByteBuffer from, ByteBuffer to, int bytes) {
    to.put(to.position(), from, from.position(), bytes);
    from.position(from.position() + bytes);
  }

  /**
   * Collects each key once. The kernel answers a key that is gone with the first key, so a deletion
   * sends the walk back; keys already seen are then passed over.
   */
  private void collectKeys() {
    walking = true;
    Set<ByteBuffer> keys = new LinkedHashSet<>();
    ByteBuffer key = direct(map.keySize());
    ByteBuffer next = direct(map.keySize());
    long bound = (long) MAX_WALK_ROUNDS * map.maxEntries() + MAX_WALK_ROUNDS;
    boolean more = map.nextKey(null, next);
    for (long steps = 0; more && steps < bound; steps++) {
      keys.add(ByteBuffer.allocate(map.keySize()).put(0, next, 0, map.keySize()));
      ByteBuffer previous = next;
      next = key;
      key = previous;
      more = map.nextKey(key, next);
    }
    truncated = more;
    exhausted = true;
    walk.addAll(keys);
  }

  private int lookUpKeys(ByteBuffer keys, ByteBuffer values, int room) {
    ByteBuffer key = keys.slice(keys.position(), room * map.keySize());
    ByteBuffer value = values.slice(values.position(), room * map.entryValueSize());
    key.order(ByteOrder.nativeOrder());
    value.order(ByteOrder.nativeOrder());
    int count = 0;
    while (count < room && !walk.isEmpty()) {
      key.limit((count + 1) * map.keySize()).position(count * map.keySize());
      value.limit((count + 1) * map.entryValueSize()).position(count * map.entryValueSize());
      key.put(key.position(), walk.remove(), 0, map.keySize());
      if (map.lookup(key, value)) {
        count++;
      }
    }
    return count;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}
