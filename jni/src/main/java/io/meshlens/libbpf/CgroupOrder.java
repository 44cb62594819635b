// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/**
 * When a program runs among others of its type that the same event runs. Without orders these are
 * the programs of the innermost cgroup, then those of the cgroups above, each as they were
 * attached.
 */
public enum CgroupOrder {
  /** After the programs attached to the same cgroup so far, and after those of cgroups below. */
  LAST(0),

  /** Before the programs attached to the same cgroup so far, after those of cgroups below. */
  FIRST_IN_CGROUP(1),

  /**
   * Before the programs attached to the same cgroup so far, and before those of cgroups below.
   *
   * <p>Not for a kernel that may lack Linux f08aaee3152d ("bpf: Fix effective prog array index with
   * BPF_F_PREORDER", June 2026): while such a program is attached, replacing the program of any
   * link of its type in the hierarchy, also by others, leaves there a program that is freed.
   */
  FIRST(2);

  /** Index into the flags of meshlens_jni_object.c. */
  final int code;

  CgroupOrder(int code) {
    this.code = code;
  }
}
