// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** Kinds of BPF program, with the kernel's number of each. */
public enum ProgramType {
  CGROUP_SKB,
  CGROUP_SOCK,
  CGROUP_SOCK_ADDR,
  CGROUP_SOCKOPT,
  KPROBE,
  RAW_TRACEPOINT,
  SCHED_CLS,
  SK_MSG,
  SK_SKB,
  SOCK_OPS,
  SYSCALL,
  TRACEPOINT,
  /** Fentry, fexit, iterators and BTF-typed tracepoints. */
  TRACING;

  /** Returns the number from {@code enum bpf_prog_type}, as the C compiler saw it. */
  public int kernelId() {
    return KernelProbe.kernelId("BPF_PROG_TYPE_" + name());
  }
}
