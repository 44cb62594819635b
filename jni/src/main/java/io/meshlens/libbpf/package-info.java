// SPDX-License-Identifier: Apache-2.0
/**
 * A thin binding to libbpf, and a reader of BTF.
 *
 * <p>Job: open, configure, load and attach BPF objects; read maps, rings and iterators; answer what
 * the kernel supports. Inputs are ELF objects and buffers, outputs are buffers and {@link
 * io.meshlens.libbpf.BpfException}s. The package knows no domain word and imports no other package.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>{@link io.meshlens.libbpf.NativeLibrary} finds the library at a given path and extracts
 *       nothing; every public entry point loads it on first use.
 *   <li>A handle is freed once, by the first {@code close()}, and never under a call that another
 *       thread is still making; a call that comes later is an {@link IllegalStateException}.
 *   <li>libbpf never writes to the process's output; what it says about a failure is in the
 *       exception.
 *   <li>{@link io.meshlens.libbpf.Btf} is pure Java and works without the native library.
 * </ol>
 *
 * <p>Owner thread: {@link io.meshlens.libbpf.RingBuffer#poll} belongs to the first thread that
 * calls it, an object belongs to one thread at a time; maps and links may be used from any thread.
 * The package starts no thread, logs nothing, and deliberately has neither finalizers nor a leak
 * detector.
 */
@NullMarked
package io.meshlens.libbpf;

import org.jspecify.annotations.NullMarked;
