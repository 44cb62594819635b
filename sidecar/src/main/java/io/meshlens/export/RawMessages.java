// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/** Messages that are encoded already, so that what comes out of a spool goes out as it is. */
final class RawMessages implements MethodDescriptor.Marshaller<byte[]> {
  private RawMessages() {}

  /** Goes to where it is framed in one piece. */
  private static final class Encoded extends ByteArrayInputStream
      implements Drainable, KnownLength {
    Encoded(byte[] message) {
      super(message);
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int drained = available();
      target.write(buf, pos, drained);
      pos += drained;
      return drained;
    }
  }

  /** The same method for encoded requests. */
  static <T, R> MethodDescriptor<byte[], R> of(MethodDescriptor<T, R> method) {
    return method.toBuilder(new RawMessages(), method.getResponseMarshaller()).build();
  }

  /**
   * A method of whose answers the bytes are wanted too.
   *
   * @param name SERVICE/METHOD
   */
  static MethodDescriptor<byte[], byte[]> unary(String name) {
    return MethodDescriptor.<byte[], byte[]>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(name)
        .setRequestMarshaller(new RawMessages())
        .setResponseMarshaller(new RawMessages())
        .build();
  }

  @Override
  public InputStream stream(byte[] message) {
    return new Encoded(message);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try (stream) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
