// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage.Identifier;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage.TCPAccessLogEntries;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.meshlens.flow.Connection;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * One message of a stream, encoded as it is filled. Its array is used over and over: gRPC has
 * copied it when sending returns, provided that the stream was ready. Owned by: one thread.
 */
public final class AlsBatch {
  /** StreamAccessLogs with batches for messages. */
  static final MethodDescriptor<AlsBatch, StreamAccessLogsResponse> STREAM_ACCESS_LOGS =
      AccessLogServiceGrpc.getStreamAccessLogsMethod().toBuilder(
              new Encoding(),
              AccessLogServiceGrpc.getStreamAccessLogsMethod().getResponseMarshaller())
          .build();

  private static final int IDENTIFIER =
      tag(StreamAccessLogsMessage.IDENTIFIER_FIELD_NUMBER, LENGTH_DELIMITED);
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

  /** Says who sends; for the first message of a stream, before its entries. */
  void identify(Identifier identifier) {
    if (entries != 0) {
      throw new IllegalStateException("an identifier comes before entries");
    }
    out.text(IDENTIFIER, identifier.toByteArray());
  }

  /** Appends an entry. */
  public void add(Connection connection) {
    begin();
    int entry = out.open(LOG_ENTRY, ProtoBytes.LONG);
    mapping.write(connection, out);
    out.close(entry);
  }

  /** Appends an entry that was encoded before, such as {@link AlsMapping#encode} does. */
  void addEncoded(byte[] bytes, int from, int lengthBytes) {
    begin();
    out.varint(LOG_ENTRY);
    out.varint(lengthBytes);
    out.raw(bytes, from, lengthBytes);
  }

  private void begin() {
    if (complete) {
      throw new IllegalStateException("the message has been taken; clear it first");
    }
    if (entries++ == 0) {
      logsMark = out.open(TCP_LOGS, ProtoBytes.VERY_LONG);
    }
  }

  public int entries() {
    return entries;
  }

  /** Length of the message so far. */
  public int sizeBytes() {
    return out.length();
  }

  /** The whole message. */
  InputStream stream() {
    if (entries != 0 && !complete) {
      out.close(logsMark);
    }
    complete = true;
    return new Body(out.array(), out.length());
  }

  /** The same as an array of its own. */
  byte[] toByteArray() {
    if (entries != 0 && !complete) {
      out.close(logsMark);
    }
    complete = true;
    return out.toByteArray();
  }

  /** Lets gRPC copy the array at once and into a buffer of the right size. */
  private static final class Body extends ByteArrayInputStream implements KnownLength, Drainable {
    Body(byte[] bytes, int length) {
      super(bytes, 0, length);
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int drained = count - pos;
      target.write(buf, pos, drained);
      pos = count;
      return drained;
    }
  }

  private static final class Encoding implements MethodDescriptor.Marshaller<AlsBatch> {
    @Override
    public InputStream stream(AlsBatch batch) {
      return batch.stream();
    }

    @Override
    public AlsBatch parse(InputStream stream) {
      throw new UnsupportedOperationException("only servers parse these");
    }
  }
}
