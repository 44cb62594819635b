// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.RecordStore;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * How much of the ring the kernel may overwrite: what was read and is not safe elsewhere yet stays,
 * and a next process reads it again. More than half of the ring is never held back, because a store
 * that hangs must not keep the kernel from making records. Owned by: ring-reader.
 */
final class RingRetention {
  /** What the stores had been given when the reader was at a position of the ring. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Mark(long position, long[] given) {}

  private final List<RecordStore> stores;
  private final Deque<Mark> marks = new ArrayDeque<>();

  RingRetention(List<? extends RecordStore> stores) {
    this.stores = List.copyOf(stores);
  }

  /** How many records may be read now, so that no store loses one. */
  int room() {
    int room = Integer.MAX_VALUE;
    for (RecordStore store : stores) {
      room = Math.min(room, store.room());
    }
    return room;
  }

  void batchRead(long position) {
    if (marks.isEmpty() || marks.getLast().position() != position) {
      marks.addLast(new Mark(position, stores.stream().mapToLong(RecordStore::given).toArray()));
    }
  }

  /** Up to where; never less than before. */
  long releasable(long released, long capacityBytes) {
    long upTo = released;
    while (!marks.isEmpty()) {
      Mark mark = marks.getFirst();
      boolean crowded = marks.getLast().position() - upTo > capacityBytes / 2;
      if (!crowded && !isSafe(mark)) {
        return upTo;
      }
      upTo = Math.max(upTo, mark.position());
      marks.removeFirst();
    }
    return upTo;
  }

  private boolean isSafe(Mark mark) {
    for (int i = 0; i < stores.size(); i++) {
      if (stores.get(i).safe() < mark.given()[i]) {
        return false;
      }
    }
    return true;
  }
}
