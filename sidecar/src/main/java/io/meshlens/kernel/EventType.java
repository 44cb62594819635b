// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.wire.ConnectionRecordReader;
import io.meshlens.wire.UdpRecordReader;
import io.meshlens.wire.WireCodes;

/**
 * A type of event, as {@code WIRE_EVENTS} in bpf/include/wire.h lists it.
 *
 * @param kind enum record_kind
 * @param sizeBytes of its structure, header included
 */
public record EventType(int kind, int sizeBytes) {
  /** Connections that are over, or looked at. */
  public static final EventType CONNECTION =
      new EventType(WireCodes.RECORD_KIND_CONNECTION, ConnectionRecordReader.SIZE_BYTES);

  /** A switch: whether there are connection records of those that open, too. */
  public static final EventType CONNECTION_OPENED =
      new EventType(WireCodes.RECORD_KIND_CONNECTION_OPENED, ConnectionRecordReader.SIZE_BYTES);

  /** UDP flows that are over, or looked at. */
  public static final EventType UDP =
      new EventType(WireCodes.RECORD_KIND_UDP, UdpRecordReader.SIZE_BYTES);

  /** The kind must be one that the kernel side can have. */
  public EventType {
    if (kind < 1 || kind >= WireCodes.RECORD_KIND_LIMIT) {
      throw new IllegalArgumentException("no kind of event: " + kind);
    }
  }
}
