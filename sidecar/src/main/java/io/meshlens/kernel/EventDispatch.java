// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.RecordConsumer;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.meshlens.wire.RecordHeaderReader;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gives what comes out of the ring to the consumer of its type. Owned by: ring-reader.
 *
 * <p>What cannot be an event of its type is counted and skipped.
 */
final class EventDispatch implements RecordConsumer {
  private final Vitals vitals;
  private final RecordHeaderReader header = new RecordHeaderReader();
  private final @Nullable EventConsumer[] consumers =
      new EventConsumer[WireCodes.RECORD_KIND_LIMIT];
  private final int[] sizesBytes = new int[WireCodes.RECORD_KIND_LIMIT];
  private final boolean[] inBatch = new boolean[WireCodes.RECORD_KIND_LIMIT];

  EventDispatch(Vitals vitals) {
    this.vitals = vitals;
  }

  void subscribe(EventType type, EventConsumer consumer) {
    if (consumers[type.kind()] != null) {
      throw new IllegalStateException("events of kind " + type.kind() + " have a consumer");
    }
    consumers[type.kind()] = consumer;
    sizesBytes[type.kind()] = type.sizeBytes();
  }

  @Override
  public void accept(ByteBuffer data, int offset, int length) {
    if (length < RecordHeaderReader.SIZE_BYTES) {
      vitals.increment(Vital.RECORDS_LOST_TORN);
      return;
    }
    header.wrap(data, offset);
    int kind = header.kind();
    EventConsumer consumer = kind < consumers.length ? consumers[kind] : null;
    if (consumer == null || header.version() != WireCodes.WIRE_ABI_VERSION) {
      vitals.increment(Vital.RECORDS_LOST_UNKNOWN_KIND);
      return;
    }
    if (header.lengthBytes() != sizesBytes[kind] || length < sizesBytes[kind]) {
      vitals.increment(Vital.RECORDS_LOST_TORN);
      return;
    }
    inBatch[kind] = true;
    consumer.accept(data, offset);
  }

  void endBatches() {
    for (int kind = 0; kind < inBatch.length; kind++) {
      EventConsumer consumer = consumers[kind];
      if (inBatch[kind] && consumer != null) {
        inBatch[kind] = false;
        consumer.endBatch();
      }
    }
  }
}
