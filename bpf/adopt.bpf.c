// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets that are older than the programs. Run once at start: adopt_owners for all processes, to
 * know who listens; adopt_connections for each network namespace, with its sockets locked by the
 * iterator; and adopt_owners again, for the connections.
 */
#include "connection.bpf.h"
#include "filter.bpf.h"

/* The watched cgroup, by user space before load; 0: all are. */
const volatile __u64 watched_cgroup_id = 0;

/* include/uapi/linux/bpf.h since 6.12: the option that iter/tcp may set on a locked socket. */
#define TCP_BPF_SOCK_OPS_CB_FLAGS_OPTION 1008

struct bpf_iter__tcp {
	void *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct bpf_iter__task_file {
	void *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

/* Only sockets of the watched cgroup, or below it, will tell of their end. */
static __always_inline bool is_watched(struct sock *sk)
{
	struct cgroup *cgroup = sock_cgroup(sk);

	if (!watched_cgroup_id)
		return true;
	for (int level = 0; level < MAX_CGROUP_LEVELS && cgroup; level++) {
		if (BPF_CORE_READ(cgroup, kn, id) == watched_cgroup_id)
			return true;
		cgroup = cgroup_parent(cgroup);
	}
	return false;
}

/* Adds our callback flags to those of others. */
static __always_inline bool watch(struct tcp_sock *tcp)
{
	int wanted = tcp->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG;

	if (!kernel_counts_rto())
		wanted |= BPF_SOCK_OPS_RTO_CB_FLAG;
	return !bpf_setsockopt(tcp, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS_OPTION, &wanted,
			       sizeof(wanted));
}

/*
 * An accepted socket keeps the backlog of its listener, and a socket that connected has none;
 * unless it was listen(fd, 0), where only the listener itself can tell.
 */
static __always_inline __u8 direction_of(struct tcp_sock *tcp, struct sock *sk)
{
	__u8 local[16], remote[16];
	__u32 netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);

	if (sk->sk_max_ack_backlog)
		return CONNECTION_DIRECTION_INBOUND;
	socket_addresses(sk, local, remote);
	return listener_find(netns, local, sk->__sk_common.skc_num) ? CONNECTION_DIRECTION_INBOUND
								    : CONNECTION_DIRECTION_OUTBOUND;
}

static __always_inline void adopt_connection(struct tcp_sock *tcp, struct sock *sk, __u64 cookie)
{
	struct socket_baseline *baseline;
	struct socket_state *state;
	__u8 direction;

	if (socket_in_slot(cookie))
		return;
	state = bpf_sk_storage_get(&sockets_overflow, tcp, 0, 0);
	if (state)
		return;
	direction = direction_of(tcp, sk);
	if (excludes_older(sk, direction))
		return;
	baseline = overflow_has_room()
			   ? bpf_sk_storage_get(&baselines, tcp, 0, BPF_SK_STORAGE_GET_F_CREATE)
			   : 0;
	state = baseline ? storage_make(tcp, tcp, cookie) : 0;
	if (!state) {
		count_untracked();
		return;
	}
	socket_begin(state, tcp, direction);
	state->flags = CONNECTION_FLAG_ADOPTED;
	counts_read(&baseline->counts, tcp, state);
	state->summed = baseline->counts;
	quality_read(&baseline->quality, tcp, state);
	/* The iterator holds the socket's lock: no event of it can come between. */
	state->phase = sk->__sk_common.skc_state == CONNECTION_STATE_SYN_SENT
			       ? SOCKET_PHASE_CONNECTING
			       : SOCKET_PHASE_ESTABLISHED;
	if (!watch(tcp)) {
		bpf_sk_storage_delete(&sockets_overflow, tcp);
		overflow_add(-1);
	}
}

static __always_inline void adopt(struct sock_common *sk_common)
{
	struct tcp_sock *tcp;
	struct sock *sk;
	__u64 cookie;

	if (!sk_common)
		return;
	/* Sockets in TIME_WAIT and requests are none of these. */
	tcp = bpf_skc_to_tcp_sock(sk_common);
	if (!tcp)
		return;
	sk = sock_of(tcp);
	if (!is_watched(sk))
		return;
	cookie = bpf_get_socket_cookie(tcp);
	switch (sk->__sk_common.skc_state) {
	case CONNECTION_STATE_LISTEN:
		if (!listener_known(sk, cookie))
			listener_note(sk, cookie, 0);
		watch(tcp);
		break;
	case CONNECTION_STATE_ESTABLISHED:
	case CONNECTION_STATE_SYN_SENT:
	case CONNECTION_STATE_FIN_WAIT1:
	case CONNECTION_STATE_FIN_WAIT2:
	case CONNECTION_STATE_CLOSE_WAIT:
	case CONNECTION_STATE_LAST_ACK:
	case CONNECTION_STATE_CLOSING:
		adopt_connection(tcp, sk, cookie);
		break;
	}
}

/* Nothing more is told of an adopted connection, whose owner is known only now. */
static __always_inline void disown(struct socket_state *state)
{
	bpf_spin_lock(&state->lock);
	state->phase = SOCKET_PHASE_OVER;
	bpf_spin_unlock(&state->lock);
}

static __always_inline void adopt_owner(struct task_struct *task, struct file *file)
{
	struct socket_state *state;
	struct tcp_sock *tcp;
	struct socket *socket;

	if (!task || !file)
		return;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return;
	tcp = bpf_skc_to_tcp_sock(socket->sk);
	if (!tcp)
		return;
	if (sock_of(tcp)->__sk_common.skc_state == CONNECTION_STATE_LISTEN) {
		if (is_watched(sock_of(tcp)))
			listener_note(sock_of(tcp), bpf_get_socket_cookie(tcp), task);
		return;
	}
	state = bpf_sk_storage_get(&sockets_overflow, tcp, 0, 0);
	if (!state || !(state->flags & CONNECTION_FLAG_ADOPTED) || state->pid)
		return;
	BPF_CORE_READ_STR_INTO(&state->comm, task, comm);
	state->pid = BPF_CORE_READ(task, tgid);
	if (state->direction == CONNECTION_DIRECTION_OUTBOUND &&
	    excludes_owner(sock_of(tcp), state->pid))
		disown(state);
}

SEC("iter/tcp")
int adopt_connections(struct bpf_iter__tcp *ctx)
{
	adopt(ctx->sk_common);
	return 0;
}

SEC("iter/task_file")
int adopt_owners(struct bpf_iter__task_file *ctx)
{
	adopt_owner(ctx->task, ctx->file);
	return 0;
}
