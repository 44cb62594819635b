// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import io.meshlens.libbpf.Handle;
import io.meshlens.libbpf.NativeLibrary;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongUnaryOperator;

/**
 * Owned by: one thread at a time. The connection tracking of one network namespace, asked for one
 * TCP connection at a time.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>A lookup is one request and one answer, never waits and allocates nothing.
 *   <li>An entry is handed out only if the kernel's answer is whole, answers this request, and has
 *       the tuple that was asked for; anything else is an error.
 *   <li>Opening leaves the calling thread in its own namespace: it does not leave without the
 *       permission to return, and the process ends if the return fails all the same.
 *   <li>After {@link #close}, which any thread may call, a lookup is an {@link
 *       IllegalStateException}.
 * </ol>
 *
 * <p>Only the default conntrack zone is asked. The namespace lives at least as long as this.
 */
public final class Conntrack implements AutoCloseable {
  private static final int ASKED_AT = 0;
  private static final int ORIGINAL_AT = ConntrackTuple.SIZE_BYTES;
  private static final int REPLY_AT = 2 * ConntrackTuple.SIZE_BYTES;
  private static final int LOOKUP_BYTES = 3 * ConntrackTuple.SIZE_BYTES;

  /** What {@link #openIn0} failed at, by the number above the errno, as in meshlens_jni.h. */
  private static final String[] OPENING = {
    "open namespace ", "enter and leave namespace ", "open conntrack of namespace "
  };

  private final String name;
  private final Handle handle;
  private final ByteBuffer lookup = buffer();
  private final AtomicBoolean inUse = new AtomicBoolean();
  private int sequence;

  /** Made once, so that a lookup does not make it. */
  private final LongUnaryOperator ask = this::ask;

  private Conntrack(String name, int fd) {
    this.name = name;
    this.handle = new Handle(name, fd, descriptor -> close0((int) descriptor));
  }

  /**
   * Opens the connection tracking of the calling thread's network namespace.
   *
   * @throws NetlinkException if the kernel has no netlink for netfilter
   */
  public static Conntrack open() {
    NativeLibrary.load();
    int fd = open0();
    if (fd < 0) {
      throw new NetlinkException("open conntrack", -fd);
    }
    return new Conntrack("conntrack", fd);
  }

  /**
   * Opens the connection tracking of another network namespace.
   *
   * @param networkNamespace its file, such as {@code /proc/PID/ns/net} or {@code /run/netns/NAME};
   *     it may go away afterwards
   * @throws NetlinkException if there is no such namespace (ENOENT), the file is no network
   *     namespace (EINVAL), or it or the own one may not be entered (EACCES, EPERM)
   */
  public static Conntrack open(Path networkNamespace) {
    NativeLibrary.load();
    int fd = openIn0(networkNamespace.toString().getBytes(StandardCharsets.UTF_8));
    if (fd < 0) {
      throw new NetlinkException(OPENING[-fd >> Short.SIZE] + networkNamespace, -fd & 0xffff);
    }
    return new Conntrack("conntrack of " + networkNamespace, fd);
  }

  /**
   * Looks for the connection one of whose two directions has a tuple, as packets have it before
   * translation. For a socket of this namespace that is always what it sends: from its own address
   * to the other one, whichever side connected.
   *
   * @param out filled if there is one, else left alone; may hold {@code tuple}
   * @return false when there is none: it never was, is not tracked, or is over for too long
   * @throws NetlinkException if the kernel refuses (EPERM), has no connection tracking by netlink
   *     (EINVAL, EOPNOTSUPP), or gives an answer that makes no sense (EBADMSG)
   */
  public boolean find(ConntrackTuple tuple, ConntrackEntry out) {
    if (!inUse.compareAndSet(false, true)) {
      throw new IllegalStateException(name + " is in use by another thread");
    }
    try {
      tuple.write(lookup, ASKED_AT);
      sequence++;
      int result = (int) handle.use(ask);
      if (result < 0) {
        throw new NetlinkException("look up a connection in " + name, -result);
      }
      if (result == 0) {
        return false;
      }
      out.original.read(lookup, ORIGINAL_AT);
      out.reply.read(lookup, REPLY_AT);
      return true;
    } finally {
      inUse.set(false);
    }
  }

  private long ask(long fd) {
    return lookup0((int) fd, lookup, sequence);
  }

  @Override
  public void close() {
    handle.close();
  }

  /** What {@link #find} makes of an answer: the native's result; fills {@code out} if it is 1. */
  static int parse(ConntrackTuple asked, ByteBuffer answer, int sequence, ConntrackEntry out) {
    NativeLibrary.load();
    ByteBuffer lookup = buffer();
    asked.write(lookup, ASKED_AT);
    int result = parse0(lookup, answer, answer.remaining(), sequence);
    if (result == 1) {
      out.original.read(lookup, ORIGINAL_AT);
      out.reply.read(lookup, REPLY_AT);
    }
    return result;
  }

  /** In network order, as buffers are from the start. */
  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(LOOKUP_BYTES);
  }

  private static native int open0();

  private static native int openIn0(byte[] path);

  private static native void close0(int fd);

  private static native int lookup0(int fd, ByteBuffer lookup, int sequence);

  private static native int parse0(ByteBuffer lookup, ByteBuffer answer, int length, int sequence);
}
