// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongBinaryOperator;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;

/**
 * An ELF object of BPF programs and maps: open, configure, load, attach. Used by one thread at a
 * time. Maps and links taken from it outlive it, and are closed by whoever took them; closing the
 * object unloads its programs unless a link holds them.
 */
public final class BpfObject implements AutoCloseable {
  /** How much of libbpf's talk an exception keeps: the end of the verifier's log. */
  private static final int LOG_BYTES = 64 * 1024;

  private final Path elf;
  private final Handle handle;
  private boolean loaded;

  private BpfObject(Path elf, long object) {
    this.elf = elf;
    this.handle = new Handle("BPF object " + elf, object, BpfObject::close0);
  }

  /**
   * Opens an object; nothing reaches the kernel yet.
   *
   * @throws BpfException if the file is missing or is no BPF object
   */
  public static BpfObject open(Path elf) {
    NativeLibrary.load();
    byte[] path = Libbpf.text(elf);
    byte[] log = new byte[LOG_BYTES];
    return new BpfObject(elf, checked("open " + elf, open0(path, log), log));
  }

  /**
   * Returns the object's type information, variable offsets resolved.
   *
   * @throws IllegalArgumentException if it has none
   */
  public Btf btf() {
    byte[][] raw = new byte[1][];
    handle.use(
        object -> {
          raw[0] = btf0(object);
          return 0;
        });
    return Btf.parse(ByteBuffer.wrap(raw[0]));
  }

  /** Returns the programs' names in the order of the object. */
  public List<String> programNames() {
    return names(BpfObject::nextProgram0, BpfObject::programName0);
  }

  /** Returns the maps' names, those of global data such as {@code .rodata} included. */
  public List<String> mapNames() {
    return names(BpfObject::nextMap0, BpfObject::mapName0);
  }

  /** Sets a map's size before load; for a ring this is bytes, a power of two of whole pages. */
  public void setMaxEntries(String mapName, int maxEntries) {
    requireNotLoaded();
    long map = map0(mapName);
    BpfException.check(
        "size map " + mapName, handle.use(object -> setMaxEntries0(map, maxEntries)));
  }

  /**
   * Has {@link #load} use the map pinned at a path, with what is in it, or create the map and pin
   * it there if there is none. The pin stays until it is removed; a load that fails removes those
   * it made. A pinned map of another type, other sizes or other flags fails the load with EINVAL;
   * whether its keys and values mean the same, nobody compares.
   */
  public void pinMap(String mapName, Path pin) {
    requireNotLoaded();
    byte[] path = Libbpf.text(pin);
    long map = map0(mapName);
    BpfException.check(
        "pin map " + mapName + " to " + pin, handle.use(object -> pinMap0(map, path)));
  }

  /** Leaves a program out of {@link #load}. */
  public void disable(String programName) {
    requireNotLoaded();
    long program = program0(programName);
    BpfException.check("disable " + programName, handle.use(object -> disable0(program)));
  }

  /**
   * Gives a {@code const volatile} integer, enum or bool its value before load.
   *
   * @throws IllegalArgumentException if there is no such variable, or the value does not fit
   */
  public void setRodata(String variable, long value) {
    requireNotLoaded();
    Btf.Variable target =
        btf()
            .variable(".rodata", variable)
            .orElseThrow(
                () -> new IllegalArgumentException(elf + " has no .rodata variable " + variable));
    target.requireFits(value);
    long result =
        handle.use(object -> setRodata0(object, target.offsetBytes(), target.sizeBytes(), value));
    BpfException.check("set .rodata variable " + variable, result);
  }

  /**
   * Creates the maps and has the kernel verify the programs.
   *
   * @throws BpfException with the verifier's log if a program is refused
   */
  public void load() {
    requireNotLoaded();
    byte[] log = new byte[LOG_BYTES];
    checked("load " + elf, handle.use(object -> load0(object, log)), log);
    loaded = true;
  }

  /** Returns a map of the loaded object, to be closed by the caller. */
  public BpfMap map(String mapName) {
    requireLoaded();
    long map = map0(mapName);
    long fd = BpfException.check("open map " + mapName, handle.use(object -> mapFd0(map)));
    return BpfMap.owning((int) fd, mapName);
  }

  /** Attaches a cgroup program to a cgroup v2 directory, beside any programs already there. */
  public BpfLink attachCgroup(String programName, Path cgroupDirectory) {
    return attachCgroup(programName, cgroupDirectory, CgroupOrder.LAST);
  }

  /**
   * Attaches a cgroup program to a cgroup v2 directory, beside any programs already there, in an
   * order to them; {@link CgroupOrder#LAST} where the kernel knows no other. {@link
   * BpfLink#cgroupOrder} tells.
   */
  public BpfLink attachCgroup(String programName, Path cgroupDirectory, CgroupOrder order) {
    byte[] directory = Libbpf.text(cgroupDirectory);
    long link =
        attached(
            programName,
            " to " + cgroupDirectory,
            (p, log) -> attachCgroup0(p, directory, order.code, log));
    return link == 0
        ? attachCgroup(programName, cgroupDirectory, CgroupOrder.LAST)
        : new BpfLink(programName, link, order);
  }

  /** Attaches an iterator program: {@link BpfIterator#open} then runs it. */
  public BpfLink attachIterator(String programName) {
    return link(programName, " as an iterator", (p, log) -> attachIterator0(p, -1, log));
  }

  /**
   * Attaches an iterator program of section {@code iter/bpf_map_elem} to a map whose entries it
   * visits, or one of {@code iter/bpf_sk_storage_map} to a map whose sockets it visits. The map may
   * be closed meanwhile.
   */
  public BpfLink attachIterator(String programName, BpfMap map) {
    return link(
        programName,
        " as an iterator over map " + map.name(),
        (p, log) -> map.handle().use(fd -> attachIterator0(p, (int) fd, log)));
  }

  /** Attaches a program to what its ELF section names, such as a raw tracepoint. */
  public BpfLink attach(String programName) {
    return link(programName, "", BpfObject::attach0);
  }

  /**
   * Runs a program once, in this thread (BPF_PROG_TEST_RUN); needs a type that can, such as {@link
   * ProgramType#SYSCALL}.
   *
   * @param context a direct buffer whose remaining bytes are the program's context, and which the
   *     program may change; empty for none
   * @return what the program returned, as an unsigned 32 bit number
   */
  public long run(String programName, ByteBuffer context) {
    requireLoaded();
    if (!context.isDirect()) {
      throw new IllegalArgumentException("the context must be a direct buffer");
    }
    long program = program0(programName);
    int position = context.position();
    int length = context.remaining();
    return BpfException.check(
        "run " + programName, handle.use(object -> run0(program, context, position, length)));
  }

  /**
   * How often a loaded program has run, and for how long: since its load, and only while the kernel
   * counts (sysctl kernel.bpf_stats_enabled, or BPF_ENABLE_STATS by anybody).
   *
   * @throws BpfException by EINVAL when the program was left out of {@link #load}
   */
  public ProgramRuns programRuns(String programName) {
    long[] runsAndNs = new long[2];
    BpfException.check(
        "read the run time of " + programName,
        useProgram(programName, program -> programRuns0(program, runsAndNs)));
    return new ProgramRuns(runsAndNs[0], runsAndNs[1]);
  }

  @Override
  public void close() {
    handle.close();
  }

  long useProgram(String programName, LongUnaryOperator call) {
    requireLoaded();
    long program = program0(programName);
    return handle.use(object -> call.applyAsLong(program));
  }

  private interface Attachment {
    long attach(long program, byte[] log);
  }

  private BpfLink link(String programName, String where, Attachment attachment) {
    return new BpfLink(programName, attached(programName, where, attachment));
  }

  private long attached(String programName, String where, Attachment attachment) {
    requireLoaded();
    long program = program0(programName);
    byte[] log = new byte[LOG_BYTES];
    long link = handle.use(object -> attachment.attach(program, log));
    return checked("attach " + programName + where, link, log);
  }

  private long program0(String name) {
    return find("program", name, BpfObject::nextProgram0, BpfObject::programName0);
  }

  private long map0(String name) {
    return find("map", name, BpfObject::nextMap0, BpfObject::mapName0);
  }

  private long find(
      String kind, String name, LongBinaryOperator next, LongFunction<String> nameOf) {
    long found =
        handle.use(
            object -> {
              long each = next.applyAsLong(object, 0);
              while (each != 0 && !nameOf.apply(each).equals(name)) {
                each = next.applyAsLong(object, each);
              }
              return each;
            });
    if (found == 0) {
      throw new IllegalArgumentException(
          elf + " has no " + kind + " " + name + "; it has " + names(next, nameOf));
    }
    return found;
  }

  private List<String> names(LongBinaryOperator next, LongFunction<String> nameOf) {
    List<String> names = new ArrayList<>();
    handle.use(
        object -> {
          for (long each = next.applyAsLong(object, 0);
              each != 0;
              each = next.applyAsLong(object, each)) {
            names.add(nameOf.apply(each));
          }
          return 0;
        });
    return List.copyOf(names);
  }

  private void requireLoaded() {
    if (!loaded) {
      throw new IllegalStateException(elf + " is not loaded yet");
    }
  }

  private void requireNotLoaded() {
    if (loaded) {
      throw new IllegalStateException(elf + " is loaded already");
    }
  }

  private static long checked(String operation, long result, byte[] log) {
    if (result < 0) {
      throw new BpfException(operation, (int) -result, logText(log));
    }
    return result;
  }

  private static String logText(byte[] log) {
    int length = 0;
    while (length < log.length && log[length] != 0) {
      length++;
    }
    return new String(log, 0, length, StandardCharsets.UTF_8);
  }

  private static native long open0(byte[] path, byte[] log);

  private static native void close0(long object);

  private static native int load0(long object, byte[] log);

  private static native byte[] btf0(long object);

  private static native long nextProgram0(long object, long program);

  private static native String programName0(long program);

  private static native long nextMap0(long object, long map);

  private static native String mapName0(long map);

  private static native int setMaxEntries0(long map, int maxEntries);

  private static native int pinMap0(long map, byte[] path);

  private static native int disable0(long program);

  private static native int setRodata0(long object, int offset, int size, long value);

  private static native int mapFd0(long map);

  private static native long attach0(long program, byte[] log);

  private static native long attachIterator0(long program, int mapFd, byte[] log);

  private static native long attachCgroup0(long program, byte[] directory, int order, byte[] log);

  private static native int programRuns0(long program, long[] runsAndNs);

  private static native long run0(long program, ByteBuffer context, int position, int length);
}
