// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.accesslog.Digits;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Function;

/**
 * Protocol buffers' wire format, written into one array that is used over and over. Lengths of
 * messages are filled in when they are closed, so nobody has to know them before. Owned by: one
 * thread.
 */
final class ProtoBytes {
  /** Wire types. */
  static final int VARINT = 0;

  static final int FIXED64 = 1;
  static final int LENGTH_DELIMITED = 2;

  /** Expected lengths for {@link #open}: what is longer or shorter is moved once. */
  static final int SHORT = 0;

  static final int LONG = 1 << 7;
  static final int VERY_LONG = 1 << 14;

  private static final VarHandle LITTLE_ENDIAN_LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int MAX_VARINT_BYTES = 10;

  /** Of an unsigned number of 64 bits. */
  private static final int MAX_DIGITS = 20;

  private byte[] bytes;
  private int length;

  ProtoBytes(int capacityBytes) {
    bytes = new byte[capacityBytes];
  }

  static int tag(int field, int wireType) {
    return field << 3 | wireType;
  }

  /** Texts as they are written, one for each word of a list. */
  static <T> byte[][] utf8(T[] words, Function<T, String> text) {
    return Arrays.stream(words).map(text).map(t -> t.getBytes(UTF_8)).toArray(byte[][]::new);
  }

  void clear() {
    length = 0;
  }

  int length() {
    return length;
  }

  /** The first {@link #length} bytes are ours; another array after the next write. */
  byte[] array() {
    return bytes;
  }

  byte[] toByteArray() {
    return Arrays.copyOf(bytes, length);
  }

  /** Makes room, so that {@link #array} may be written directly up to that many bytes further. */
  byte[] room(int moreBytes) {
    if (bytes.length - length < moreBytes) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, Math.addExact(length, moreBytes)));
    }
    return bytes;
  }

  /** What was written directly after {@link #room}. */
  void skipTo(int at) {
    length = at;
  }

  void raw(byte[] encoded) {
    raw(encoded, 0, encoded.length);
  }

  void raw(byte[] encoded, int from, int lengthBytes) {
    System.arraycopy(encoded, from, room(lengthBytes), length, lengthBytes);
    length += lengthBytes;
  }

  void varint(long value) {
    room(MAX_VARINT_BYTES);
    length = varint(value, length);
  }

  private int varint(long value, int at) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[at++] = (byte) rest;
    return at;
  }

  private static int varintLength(int value) {
    return value < 1 << 7 ? 1 : value < 1 << 14 ? 2 : value < 1 << 21 ? 3 : value < 1 << 28 ? 4 : 5;
  }

  /** A scalar field; 0 is its default and takes no bytes. */
  void count(int tag, long value) {
    if (value != 0) {
      varint(tag);
      varint(value);
    }
  }

  /** The digits of a number as text. */
  void decimal(long value) {
    length = Digits.write(value, room(MAX_DIGITS), length);
  }

  void fixed64(long value) {
    LITTLE_ENDIAN_LONG.set(room(Long.BYTES), length, value);
    length += Long.BYTES;
  }

  void text(int tag, String value) {
    text(tag, value.getBytes(UTF_8));
  }

  void text(int tag, byte[] utf8) {
    varint(tag);
    varint(utf8.length);
    raw(utf8);
  }

  /** Begins a message; what is written until {@link #close} belongs to it. */
  int open(int tag, int expectedLength) {
    varint(tag);
    int width = varintLength(expectedLength);
    room(width);
    length += width;
    return (length << 3) | width;
  }

  /** Ends the message that {@link #open} returned the mark of. */
  void close(int mark) {
    int start = mark >>> 3;
    int width = mark & 7;
    int lengthBytes = length - start;
    int needed = varintLength(lengthBytes);
    if (needed != width) {
      room(needed);
      System.arraycopy(bytes, start, bytes, start - width + needed, lengthBytes);
      length += needed - width;
    }
    varint(lengthBytes, start - width);
  }
}
