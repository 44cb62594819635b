// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;

import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage.TCPAccessLogEntries;
import io.meshlens.flow.Connection;

/**
 * One message of a stream, encoded as it is filled. Its array is used over and over. Owned by: one
 * thread.
 */
public final class AlsBatch {
  private static final int TCP_LOGS =
      tag(StreamAccessLogsMessage.TCP_LOGS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int LOG_ENTRY =
      tag(TCPAccessLogEntries.LOG_ENTRY_FIELD_NUMBER, LENGTH_DELIMITED);

  private final AlsMapping mapping;
  private final ProtoBytes out;
  private int entries;
  private int logsMark;
  private boolean complete;

  /**
   * Empty.
   *
   * @param capacityBytes how large it is expected to become
   */
  public AlsBatch(AlsMapping mapping, int capacityBytes) {
    this.mapping = mapping;
    out = new ProtoBytes(capacityBytes);
  }

  /** Begins the next message. */
  public void clear() {
    out.clear();
    entries = 0;
    complete = false;
  }

  /** Appends an entry. */
  public void add(Connection connection) {
    if (complete) {
      throw new IllegalStateException("the message has been taken; clear it first");
    }
    if (entries++ == 0) {
      logsMark = out.open(TCP_LOGS, ProtoBytes.VERY_LONG);
    }
    int entry = out.open(LOG_ENTRY, ProtoBytes.LONG);
    mapping.write(connection, out);
    out.close(entry);
  }

  public int entries() {
    return entries;
  }

  /** Length of the message so far. */
  public int sizeBytes() {
    return out.length();
  }

  /** The whole message. */
  byte[] toByteArray() {
    if (entries != 0 && !complete) {
      out.close(logsMark);
    }
    complete = true;
    return out.toByteArray();
  }
}
