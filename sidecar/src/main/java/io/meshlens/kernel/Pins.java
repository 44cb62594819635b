// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.kernel.KernelConfig.PinPath;
import io.meshlens.libbpf.BpfException;
import io.meshlens.libbpf.BpfFileSystem;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.CgroupOrder;
import io.meshlens.libbpf.DirectoryLock;
import io.meshlens.wire.WireLayout;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Links and maps kept alive between two runs, by files on a BPF file system:
 *
 * <pre>
 * ROOT/abi5-cgroup1-ring8388608-pairs16384-sockets131072/maps/sums ...
 *                                          links/tcp_lifecycle ...
 * </pre>
 *
 * <p>The directory's name says all that must be equal for maps to be taken over. What was left by
 * another version or another configuration has another name and is removed: a clean start. One
 * process at a time holds the lock on ROOT.
 */
public final class Pins implements AutoCloseable {
  private static final Pattern LAYOUT = Pattern.compile("abi\\d+-.*");

  /** Nobody else is to hold the lock, or to see what is pinned. */
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final List<String> MAPS =
      List.of(
          "sockets",
          "sockets_overflow",
          "baselines",
          "listeners",
          "records",
          "events_enabled",
          "events_lost",
          "sums",
          "sums_overflow",
          "kernel_counters");

  private final Path maps;
  private final Path links;
  private final DirectoryLock lock;
  private final boolean takenOver;
  private final List<String> removed;
  private final boolean withUdp;

  private Pins(Path layout, DirectoryLock lock, List<String> removed, boolean withUdp)
      throws IOException {
    this.withUdp = withUdp;
    this.lock = lock;
    this.removed = List.copyOf(removed);
    maps = layout.resolve("maps");
    links = layout.resolve("links");
    Path sums = maps.resolve("sums");
    takenOver = Files.exists(sums);
    if (takenOver && !(Files.isReadable(sums) && Files.isWritable(sums))) {
      throw new AccessDeniedException(sums.toString());
    }
    Files.createDirectories(maps, OWNER_ONLY);
    Files.createDirectories(links, OWNER_ONLY);
  }

  /**
   * Where to pin, as configured; empty for nowhere.
   *
   * @throws KernelUnavailableException when the configured path is on no BPF file system
   */
  public static Optional<Path> root(KernelConfig config) throws KernelUnavailableException {
    Optional<Path> root =
        switch (config.pinPath()) {
          case PinPath.Off off -> Optional.empty();
          case PinPath.At at -> Optional.of(at.path());
          case PinPath.Auto auto ->
              Optional.of(KernelConfig.DEFAULT_PIN_PATH).filter(Pins::isPossible);
        };
    if (root.isPresent() && !isPossible(root.get())) {
      throw new KernelUnavailableException(
          "kernel.pin_path: "
              + root.get()
              + " is not on a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf");
    }
    return root;
  }

  /** Whether pins can be made at a path: its nearest directory is on a BPF file system. */
  private static boolean isPossible(Path root) {
    Path directory = root;
    while (directory != null && !Files.isDirectory(directory)) {
      directory = directory.getParent();
    }
    return directory != null && BpfFileSystem.contains(directory);
  }

  /**
   * Takes the lock, and removes what other versions or configurations have left.
   *
   * @throws KernelUnavailableException when the pins belong to somebody else, or to a process that
   *     runs
   */
  public static Pins open(Path root, KernelConfig config, WatchedCgroup cgroup)
      throws KernelUnavailableException {
    DirectoryLock lock = lock(root);
    try {
      String name =
          "abi%d-cgroup%d-ring%d-pairs%d-sockets%d"
                  .formatted(
                      WireLayout.abiVersion(),
                      cgroup.id(),
                      config.ringSizeBytes(),
                      config.maxAddressPairs(),
                      config.maxSockets())
              + config.udp().map(udp -> "-udp" + udp.maxFlows()).orElse("");
      List<String> removed = new ArrayList<>();
      for (Path layout : layouts(root)) {
        String other = String.valueOf(layout.getFileName());
        if (!other.equals(name)) {
          remove(layout);
          removed.add(other);
        }
      }
      return new Pins(root.resolve(name), lock, removed, config.udp().isPresent());
    } catch (IOException e) {
      lock.close();
      throw new KernelUnavailableException(
          "cannot use the pins in "
              + root
              + ": "
              + e
              + "; run as the user who made them, or remove them as root: meshlens detach",
          e);
    }
  }

  private static DirectoryLock lock(Path root) throws KernelUnavailableException {
    try {
      Files.createDirectories(root, OWNER_ONLY);
      return DirectoryLock.tryLock(root)
          .orElseThrow(
              () ->
                  new KernelUnavailableException(
                      root
                          + " is in use by another meshlens; stop that one, or choose another"
                          + " kernel.pin_path"));
    } catch (IOException | BpfException e) {
      throw new KernelUnavailableException(
          "cannot pin in "
              + root
              + ": "
              + e.getMessage()
              + "; run as its owner, or set kernel.pin_path=off",
          e);
    }
  }

  /**
   * Detaches and frees everything that is pinned.
   *
   * @return what was removed
   * @throws KernelUnavailableException when a process uses it, or it belongs to somebody else
   */
  public static List<String> removeAll(Path root) throws KernelUnavailableException {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    List<String> removed = new ArrayList<>();
    try (DirectoryLock lock = lock(root)) {
      for (Path layout : layouts(root)) {
        remove(layout);
        removed.add(String.valueOf(layout.getFileName()));
      }
      if (isEmpty(root)) {
        Files.delete(root);
      }
      return removed;
    } catch (IOException e) {
      throw new KernelUnavailableException(
          "cannot remove the pins in "
              + root
              + ": "
              + e
              + "; run as the user who made them, or remove them as root",
          e);
    }
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.findAny().isEmpty();
    }
  }

  /** Ours: pins of others may lie beside them. */
  private static List<Path> layouts(Path root) throws IOException {
    List<Path> layouts = new ArrayList<>();
    try (DirectoryStream<Path> children = Files.newDirectoryStream(root)) {
      for (Path child : children) {
        if (LAYOUT.matcher(String.valueOf(child.getFileName())).matches()) {
          layouts.add(child);
        }
      }
    }
    return layouts;
  }

  /** Links before maps, so that nothing writes to a map of which half is gone. */
  private static void remove(Path layout) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(layout)) {
      files =
          walk.sorted(
                  Comparator.comparing(Pins::isMap).thenComparingInt(file -> -file.getNameCount()))
              .toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }

  /** False sorts first. */
  private static boolean isMap(Path file) {
    return !String.valueOf(file).contains("/links");
  }

  /** Whether there were maps to take over. */
  public boolean takenOver() {
    return takenOver;
  }

  /** What other versions or configurations had left. */
  public List<String> removed() {
    return removed;
  }

  /** When the pinned maps were made. */
  Optional<Instant> mapsMadeAt() {
    try {
      return Optional.of(Files.getLastModifiedTime(maps.resolve("sums")).toInstant());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  void pinMaps(BpfObject object) {
    MAPS.forEach(map -> object.pinMap(map, maps.resolve(map)));
    if (withUdp) {
      UdpSide.MAPS.forEach(map -> object.pinMap(map, maps.resolve(map)));
    }
  }

  /** A link to a tracepoint in place of the pinned one, which cannot be given another program. */
  BpfLink tracepoint(BpfObject object, String program) {
    Path pin = links.resolve(program);
    if (Files.exists(pin)) {
      try (BpfLink before = BpfLink.openPinned(pin)) {
        before.unpin();
      }
    }
    BpfLink link = object.attach(program);
    link.pin(pin);
    return link;
  }

  /** Has the pinned link run the program of this object, or makes a link and pins it. */
  BpfLink link(BpfObject object, String program, WatchedCgroup cgroup, CgroupOrder order) {
    Path pin = links.resolve(program);
    if (Files.exists(pin)) {
      BpfLink link = BpfLink.openPinned(pin);
      try {
        link.update(object, program);
        return link;
      } catch (BpfException e) {
        // The link has lost its cgroup, or somebody detached it by force.
        link.unpin();
        link.close();
      }
    }
    BpfLink link = object.attachCgroup(program, cgroup.directory(), order);
    link.pin(pin);
    return link;
  }

  @Override
  public void close() {
    lock.close();
  }
}
