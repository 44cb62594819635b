// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** Kinds of BPF map, with the kernel's number of each. */
public enum MapType {
  ARRAY,
  HASH,
  LRU_HASH,
  LRU_PERCPU_HASH,
  PERCPU_ARRAY,
  PERCPU_HASH,
  RINGBUF,
  SK_STORAGE,
  SOCKHASH,
  SOCKMAP;

  /** Returns the number from {@code enum bpf_map_type}, as the C compiler saw it. */
  public int kernelId() {
    return KernelProbe.kernelId("BPF_MAP_TYPE_" + name());
  }
}
