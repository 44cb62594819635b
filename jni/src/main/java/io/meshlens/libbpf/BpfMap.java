// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A kernel map. Usable from any thread; each operation is one system call.
 *
 * <p>Keys and values are the remaining bytes of direct buffers in native order; positions and
 * limits are not changed. A value of a per-CPU map is {@link Libbpf#possibleCpus} values of {@link
 * #perCpuValueSize} bytes each, so {@link #entryValueSize} bytes.
 */
public final class BpfMap implements AutoCloseable {
  /** Flags above the count or errno of {@link #lookupBatch0}. */
  static final long BATCH_DONE = 1L << 32;

  static final long BATCH_TOO_SMALL = 1L << 33;
  static final long BATCH_UNSUPPORTED = 1L << 34;

  private final Handle handle;
  private final String name;
  private final int type;
  private final int keySize;
  private final int valueSize;
  private final int maxEntries;
  private final int id;
  private final int entryValueSize;

  private BpfMap(int fd, String name, int[] fields) {
    this.handle = new Handle("map " + name, fd, descriptor -> close0((int) descriptor));
    this.name = name;
    this.type = fields[0];
    this.keySize = fields[1];
    this.valueSize = fields[2];
    this.maxEntries = fields[3];
    this.id = fields[4];
    this.entryValueSize =
        fields[5] == 0 ? valueSize : Math.multiplyExact(perCpuValueSize(), Libbpf.possibleCpus());
  }

  /** Takes over a descriptor. */
  static BpfMap owning(int fd, String name) {
    int[] fields = new int[6];
    int result = info0(fd, fields);
    if (result < 0) {
      close0(fd);
    }
    BpfException.check("describe map " + name, result);
    return new BpfMap(fd, name, fields);
  }

  /**
   * Opens a map from its pin. Its name is then the kernel's, which keeps 15 characters.
   *
   * @throws BpfException if there is none, or the path is not on a BPF file system
   */
  public static BpfMap openPinned(Path path) {
    NativeLibrary.load();
    int fd = (int) BpfException.check("open map " + path, openPinned0(Libbpf.text(path)));
    return owning(fd, name0(fd));
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** The kernel's type number; see {@link MapType#kernelId}. */
  public int type() {
    return type;
  }

  /** The kernel's number of this map, one for all handles to it. */
  public int id() {
    return id;
  }

  /** Bytes of a key; 0 for a ring. */
  public int keySize() {
    return keySize;
  }

  /** Bytes of a value, of one CPU; 0 for a ring. */
  public int valueSize() {
    return valueSize;
  }

  /** Bytes from one CPU's value to the next. */
  public int perCpuValueSize() {
    return (valueSize + 7) & -8;
  }

  /** Bytes that {@link #lookup} and {@link #update} transfer for one entry's value. */
  public int entryValueSize() {
    return entryValueSize;
  }

  /** The size in entries; of a ring, in bytes. */
  public int maxEntries() {
    return maxEntries;
  }

  /**
   * Reads one entry.
   *
   * @return false when there is none; the value buffer is then unspecified
   */
  public boolean lookup(ByteBuffer key, ByteBuffer value) {
    requireBytes("key", key, keySize);
    requireBytes("value", value, entryValueSize);
    int keyAt = key.position();
    int valueAt = value.position();
    return found("look up in", handle.use(fd -> lookup0((int) fd, key, keyAt, value, valueAt)));
  }

  /**
   * Writes one entry.
   *
   * @return false when the mode forbids it
   */
  public boolean update(ByteBuffer key, ByteBuffer value, UpdateMode mode) {
    requireBytes("key", key, keySize);
    requireBytes("value", value, entryValueSize);
    int keyAt = key.position();
    int valueAt = value.position();
    int code = mode.code;
    return found("update", handle.use(fd -> update0((int) fd, key, keyAt, value, valueAt, code)));
  }

  /**
   * Removes one entry.
   *
   * @return false when there was none
   */
  public boolean delete(ByteBuffer key) {
    requireBytes("key", key, keySize);
    int keyAt = key.position();
    return found("delete from", handle.use(fd -> delete0((int) fd, key, keyAt)));
  }

  /** Returns a cursor for {@link #lookupBatch}, at the start of this map. */
  public BatchCursor cursor() {
    return new BatchCursor(this);
  }

  /**
   * Reads the next entries of a pass over the map: keys one after the other from the position of
   * {@code keys}, values likewise, as many as fit into both. An entry that stays throughout the
   * pass is read exactly once; one added or removed meanwhile, at most once.
   *
   * @return how many entries were read; 0 does not mean the end, {@link BatchCursor#done} does
   */
  public int lookupBatch(BatchCursor cursor, ByteBuffer keys, ByteBuffer values) {
    requireDirect("keys", keys);
    requireDirect("values", values);
    return cursor.next(this, keys, values);
  }

  /** Keeps the map alive beyond this process, by a file on a BPF file system. */
  public void pin(Path path) {
    byte[] text = Libbpf.text(path);
    BpfException.check("pin map " + name + " to " + path, handle.use(fd -> pin0((int) fd, text)));
  }

  /** Removes a pin of this map. */
  public void unpin(Path path) {
    byte[] text = Libbpf.text(path);
    BpfException.check("unpin map " + name + " from " + path, handle.use(fd -> unpin0(text)));
  }

  @Override
  public void close() {
    handle.close();
  }

  Handle handle() {
    return handle;
  }

  long batch(
      @Nullable ByteBuffer in, ByteBuffer out, ByteBuffer keys, ByteBuffer values, int room) {
    int keysAt = keys.position();
    int valuesAt = values.position();
    return handle.use(fd -> lookupBatch0((int) fd, in, out, keys, keysAt, values, valuesAt, room));
  }

  /** Writes the key behind {@code key} into {@code next}; false behind the last one. */
  boolean nextKey(@Nullable ByteBuffer key, ByteBuffer next) {
    return found("walk", handle.use(fd -> nextKey0((int) fd, key, next)));
  }

  private boolean found(String verb, long result) {
    if (result < 0) {
      throw new BpfException(verb + " map " + name, (int) -result);
    }
    return result != 0;
  }

  private void requireBytes(String what, ByteBuffer buffer, int bytes) {
    requireDirect(what, buffer);
    if (buffer.remaining() != bytes) {
      throw new IllegalArgumentException(
          "map %s: %s has %d bytes, expected %d".formatted(name, what, buffer.remaining(), bytes));
    }
  }

  private static void requireDirect(String what, ByteBuffer buffer) {
    if (!buffer.isDirect() || buffer.isReadOnly() || buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          what + " must be a writable direct buffer in native order");
    }
  }

  private static native int info0(int fd, int[] fields);

  private static native String name0(int fd);

  private static native void close0(int fd);

  private static native int lookup0(
      int fd, ByteBuffer key, int keyAt, ByteBuffer value, int valueAt);

  private static native int update0(
      int fd, ByteBuffer key, int keyAt, ByteBuffer value, int valueAt, int mode);

  private static native int delete0(int fd, ByteBuffer key, int keyAt);

  private static native int nextKey0(int fd, @Nullable ByteBuffer key, ByteBuffer next);

  private static native long lookupBatch0(
      int fd,
      @Nullable ByteBuffer in,
      ByteBuffer out,
      ByteBuffer keys,
      int keysAt,
      ByteBuffer values,
      int valuesAt,
      int room);

  private static native int pin0(int fd, byte[] path);

  private static native int unpin0(byte[] path);

  private static native int openPinned0(byte[] path);
}
