// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.util.Locale;

/** Functions the kernel offers to BPF programs, with the kernel's number of each. */
public enum Helper {
  GET_CURRENT_CGROUP_ID,
  GET_CURRENT_TASK,
  GET_NETNS_COOKIE,
  GET_SOCKET_COOKIE,
  KTIME_GET_NS,
  LOOP,
  MSG_REDIRECT_HASH,
  PROBE_READ_KERNEL,
  RINGBUF_OUTPUT,
  RINGBUF_QUERY,
  RINGBUF_RESERVE,
  SEQ_WRITE,
  SK_STORAGE_GET,
  SKC_TO_TCP6_SOCK,
  SKC_TO_TCP_SOCK,
  SOCK_HASH_UPDATE,
  SOCK_OPS_CB_FLAGS_SET,
  TCP_SOCK;

  /** Returns the number from {@code enum bpf_func_id}, as the C compiler saw it. */
  public int kernelId() {
    return KernelProbe.kernelId("BPF_FUNC_" + name().toLowerCase(Locale.ROOT));
  }
}
