// SPDX-License-Identifier: Apache-2.0
/**
 * A thin binding to ctnetlink, the kernel's connection tracking by netlink.
 *
 * <p>Job: find the conntrack entry of a TCP connection, in this or another network namespace.
 * Inputs are a tuple and the kernel's answer, the output is the entry or a {@link
 * io.meshlens.netlink.NetlinkException}. Imports of {@code libbpf} only what every binding needs:
 * the native library, handles and error numbers.
 *
 * <p>What each step needs: opening in the own namespace, nothing; a lookup, CAP_NET_ADMIN in the
 * user namespace that owns the network namespace, both when the socket was opened and now; opening
 * in another namespace, also CAP_SYS_ADMIN there and here, and for {@code /proc/PID/ns/net} of
 * another user or of a process with more capabilities, CAP_SYS_PTRACE.
 *
 * <p>Owner thread: a {@link io.meshlens.netlink.Conntrack} belongs to one thread at a time. The
 * package starts no thread and logs nothing, and deliberately neither lists entries nor listens to
 * events. It changes nothing in the kernel, but a kernel with modules loads nf_conntrack_netlink,
 * if it has it, within the first lookup, which is then slow.
 */
@NullMarked
package io.meshlens.netlink;

import org.jspecify.annotations.NullMarked;
