// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * One pass of an iterator program: the kernel runs it for each of its objects while what the
 * program writes is read. Used by one thread at a time.
 */
public final class BpfIterator implements AutoCloseable {
  private final String name;
  private final Handle handle;

  private BpfIterator(String name, int fd) {
    this.name = name;
    this.handle = new Handle("iterator " + name, fd, descriptor -> close0((int) descriptor));
  }

  /**
   * Begins a pass over the iterator a link attaches. The link may be closed meanwhile.
   *
   * @throws BpfException if the link is not an iterator's
   */
  public static BpfIterator open(BpfLink link) {
    long fd = BpfException.check("open iterator " + link.name(), link.use(BpfIterator::open0));
    return new BpfIterator(link.name(), (int) fd);
  }

  /**
   * Begins a pass over the sockets of a network namespace, for iterators that walk one, such as
   * {@code iter/tcp}; without one, {@link #open(BpfLink)}, they walk that of the calling thread.
   * The namespace lives at least until the iterator is closed. The calling thread goes there and
   * back; if it could not come back, the process would be ended.
   *
   * @param networkNamespace such as {@code /proc/<pid>/ns/net} or {@code /run/netns/<name>}
   * @throws BpfException if there is no such namespace, it may not be entered, or the link is not
   *     an iterator's
   */
  public static BpfIterator open(BpfLink link, Path networkNamespace) {
    byte[] path = Libbpf.text(networkNamespace);
    long fd = link.use(handle -> openInNamespace0(handle, path));
    BpfException.check("open iterator " + link.name() + " in " + networkNamespace, fd);
    return new BpfIterator(link.name(), (int) fd);
  }

  /**
   * Reads some output into a direct buffer, from its position, which is advanced. A record may be
   * split between two reads.
   *
   * @return how many bytes were read; 0 at the end
   */
  public int read(ByteBuffer buffer) {
    if (!buffer.isDirect() || !buffer.hasRemaining()) {
      throw new IllegalArgumentException("an iterator is read into a direct buffer with room");
    }
    int position = buffer.position();
    int room = buffer.remaining();
    long count = handle.use(fd -> read0((int) fd, buffer, position, room));
    BpfException.check("read iterator " + name, count);
    buffer.position(position + (int) count);
    return (int) count;
  }

  /**
   * Reads what is left of the pass and drops it: for programs that write to maps, not to the
   * reader.
   *
   * @return how many bytes were dropped
   */
  public long run() {
    return BpfException.check("run iterator " + name, handle.use(fd -> run0((int) fd)));
  }

  @Override
  public void close() {
    handle.close();
  }

  private static native int open0(long link);

  private static native int openInNamespace0(long link, byte[] networkNamespace);

  private static native void close0(int fd);

  private static native long run0(int fd);

  private static native int read0(int fd, ByteBuffer buffer, int position, int length);
}
