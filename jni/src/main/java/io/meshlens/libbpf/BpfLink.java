// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongUnaryOperator;

/**
 * An attached program. Closing detaches it, unless the link is pinned: then it stays attached until
 * the pin is gone. Usable from any thread.
 */
public final class BpfLink implements AutoCloseable {
  private final String name;
  private final Handle handle;
  private final Optional<CgroupOrder> cgroupOrder;

  BpfLink(String name, long link) {
    this(name, link, Optional.empty());
  }

  BpfLink(String name, long link, CgroupOrder cgroupOrder) {
    this(name, link, Optional.of(cgroupOrder));
  }

  private BpfLink(String name, long link, Optional<CgroupOrder> cgroupOrder) {
    this.name = name;
    this.cgroupOrder = cgroupOrder;
    this.handle = new Handle("link " + name, link, BpfLink::destroy0);
  }

  /**
   * Opens a link from its pin.
   *
   * @throws BpfException if there is none, or the path is not on a BPF file system
   */
  public static BpfLink openPinned(Path path) {
    NativeLibrary.load();
    long link = BpfException.check("open link " + path, openPinned0(Libbpf.text(path)));
    return new BpfLink(path.toString(), link);
  }

  /**
   * Returns the order in which a cgroup's program was attached, not always the one asked for; empty
   * for other links, and for one opened from its pin, whose order the kernel does not tell.
   */
  public Optional<CgroupOrder> cgroupOrder() {
    return cgroupOrder;
  }

  /**
   * Keeps the attachment alive beyond this process, by a file in an existing directory of a BPF
   * file system.
   */
  public void pin(Path path) {
    byte[] text = Libbpf.text(path);
    BpfException.check("pin link " + name + " to " + path, use(link -> pin0(link, text)));
  }

  /** Removes the file this link was pinned to or opened from. */
  public void unpin() {
    BpfException.check("unpin link " + name, use(BpfLink::unpin0));
  }

  /**
   * Puts a program of a loaded object in the place of the attached one. Each event meets one of the
   * two; the replaced program is unloaded when nothing else holds it.
   *
   * @throws BpfException if the program is of another type, the kernel replaces none for this kind
   *     of link (it does for cgroups), or, by ENOLINK, the cgroup is gone
   */
  public void update(BpfObject object, String programName) {
    long result = use(link -> object.useProgram(programName, program -> update0(link, program)));
    BpfException.check("update link " + name + " to " + programName, result);
  }

  @Override
  public void close() {
    handle.close();
  }

  long use(LongUnaryOperator call) {
    return handle.use(call);
  }

  String name() {
    return name;
  }

  private static native void destroy0(long link);

  private static native int pin0(long link, byte[] path);

  private static native int unpin0(long link);

  private static native int update0(long link, long program);

  private static native long openPinned0(byte[] path);
}
