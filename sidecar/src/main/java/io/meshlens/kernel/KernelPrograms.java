// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfException;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.NativeLibrary;
import io.meshlens.libbpf.NativeLibraryException;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.wire.LayoutMismatchException;
import io.meshlens.wire.WireLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The loaded kernel programs and their maps; closing detaches and frees everything. */
public final class KernelPrograms implements AutoCloseable {
  private static final String SOCK_OPS = "tcp_lifecycle";

  private final BpfObject object;
  private @Nullable BpfLink link;

  private KernelPrograms(BpfObject object) {
    this.object = object;
  }

  /**
   * Loads the programs into the kernel without attaching them.
   *
   * @throws KernelUnavailableException when the kernel or our permission does not suffice
   * @throws LayoutMismatchException when the object does not speak this program's byte contract
   */
  public static KernelPrograms load(KernelConfig config) throws KernelUnavailableException {
    if (!Files.isReadable(config.object())) {
      throw new IllegalStateException(
          config.object()
              + " is missing or unreadable; it belongs beside the program: run `make build` or"
              + " reinstall");
    }
    try {
      NativeLibrary.load();
    } catch (NativeLibraryException e) {
      throw new KernelUnavailableException(String.valueOf(e.getMessage()), e);
    }
    BpfObject object = BpfObject.open(config.object());
    try {
      WireLayout.verify(object.btf());
      object.setMaxEntries("records", config.ringSizeBytes());
      object.setMaxEntries("sums", config.maxAddressPairs());
      object.load();
      return new KernelPrograms(object);
    } catch (BpfException e) {
      object.close();
      throw new KernelUnavailableException(
          "the kernel refused the programs: " + e.getMessage() + "; `meshlens check` tells why", e);
    } catch (RuntimeException e) {
      object.close();
      throw e;
    }
  }

  /** Begins to watch the sockets of a cgroup and everything below it; returns the directory. */
  public Path attach(KernelConfig config) throws KernelUnavailableException {
    Path cgroup = cgroupOf(config);
    try {
      link = object.attachCgroup(SOCK_OPS, cgroup);
    } catch (BpfException e) {
      throw new KernelUnavailableException(
          "cannot attach to the cgroup " + cgroup + ": " + e.getMessage(), e);
    }
    return cgroup;
  }

  private static Path cgroupOf(KernelConfig config) throws KernelUnavailableException {
    if (config.cgroup().isPresent()) {
      Path cgroup = config.cgroup().get();
      if (!Cgroups.isCgroup2Directory(cgroup)) {
        throw new KernelUnavailableException(
            cgroup + " is not a directory of a cgroup v2 file system; leave it out for the root");
      }
      return cgroup;
    }
    try {
      return Cgroups.findRoot()
          .orElseThrow(
              () ->
                  new KernelUnavailableException(
                      "cgroup v2 is not mounted; mount it: mount -t cgroup2 none /sys/fs/cgroup"));
    } catch (IOException e) {
      throw new KernelUnavailableException("cannot look for cgroup v2 mounts: " + e, e);
    }
  }

  /** Stops watching; records already made stay in the ring. */
  public void detach() {
    BpfLink attached = link;
    if (attached != null) {
      link = null;
      attached.close();
    }
  }

  /** The ring of records, for its one reader. */
  public RingBuffer mapRing() {
    try (BpfMap records = object.map("records")) {
      return RingBuffer.map(records);
    }
  }

  public SumsReader sumsReader() {
    return new SumsReader(
        object.map("sums"), object.map("sums_overflow"), object.map("kernel_counters"));
  }

  /** The byte contract's version, for `version` and `check`. */
  public String abi() {
    return "wire ABI " + WireLayout.abiVersion();
  }

  @Override
  public void close() {
    detach();
    object.close();
  }
}
