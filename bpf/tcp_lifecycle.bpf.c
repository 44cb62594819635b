// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a TCP connection from its sock_ops events: state in SK_STORAGE from the SYN (or from
 * the finished handshake, on the accepting side) to TCP_CLOSE, where one record and one addition to
 * the sums are made. Reads only; no packet, verdict or socket option is touched but the
 * callback flag, which is added to those that other programs have set.
 */
#include "compat.bpf.h"
#include "emit.bpf.h"
#include "sums.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void watch_states(struct bpf_sock_ops *ctx)
{
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void note_owner(struct socket_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	state->pid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_STR_INTO(&state->comm, task, comm);
}

/* IPv4 addresses become IPv4-mapped ones, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
static __always_inline void map_ipv4(__u8 *address, __be32 ipv4)
{
	__builtin_memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, &ipv4, 4);
}

static __always_inline void addresses(struct sock *sk, __u8 *local, __u8 *remote)
{
	if (sk->__sk_common.skc_family == AF_INET) {
		map_ipv4(local, sk->__sk_common.skc_rcv_saddr);
		map_ipv4(remote, sk->__sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)local, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)remote, sk, __sk_common.skc_v6_daddr);
	}
}

static __always_inline void sums_key_of(struct sums_key *key, struct sock *sk, __u8 direction)
{
	key->direction = direction;
	if (direction == CONNECTION_DIRECTION_OUTBOUND) {
		addresses(sk, key->client_address, key->server_address);
		key->server_port_be = sk->__sk_common.skc_dport;
	} else {
		addresses(sk, key->server_address, key->client_address);
		key->server_port_be = bpf_htons(sk->__sk_common.skc_num);
	}
}

/* listen(2): the process that accepts is known here only; accepted sockets inherit a copy. */
static __always_inline void on_listen(struct bpf_sock *sk)
{
	struct socket_state *state;

	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return;
	state->phase = SOCKET_PHASE_LISTENING;
	note_owner(state);
}

/* connect(2) is about to send the SYN. A socket may come here again after an earlier connection. */
static __always_inline void on_connect(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct socket_state *state;

	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		count(KERNEL_COUNTER_CONNECTIONS_UNTRACKED);
		return;
	}
	if (state->phase == SOCKET_PHASE_OVER)
		state->incarnation++;
	state->start_mono_ns = bpf_ktime_get_ns();
	state->established_mono_ns = 0;
	state->syn_retransmits = 0;
	state->direction = CONNECTION_DIRECTION_OUTBOUND;
	state->phase = SOCKET_PHASE_CONNECTING;
	note_owner(state);
	watch_states(ctx);
}

static __always_inline void on_established(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
					   __u8 direction)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct sums_value opened = {.connections_opened = 1};
	struct sums_key key = {};
	struct socket_state *state;

	if (!tcp)
		return;
	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		count(KERNEL_COUNTER_CONNECTIONS_UNTRACKED);
		return;
	}
	state->established_mono_ns = bpf_ktime_get_ns();
	if (state->phase != SOCKET_PHASE_CONNECTING)
		state->start_mono_ns = state->established_mono_ns;
	state->syn_retransmits = tcp->total_retrans;
	state->direction = direction;
	state->phase = SOCKET_PHASE_ESTABLISHED;
	watch_states(ctx);

	sums_key_of(&key, &tcp->inet_conn.icsk_inet.sk, direction);
	sums_add(&key, &opened);
}

static __always_inline void fill_record(struct connection_record *record, struct tcp_sock *tcp,
					const struct socket_state *state,
					const struct sums_value *delta, __u8 last_state)
{
	struct sock *sk = &tcp->inet_conn.icsk_inet.sk;
	__u32 min_rtt_us = tcp->rtt_min.s[0].v;

	record->start_mono_ns = state->start_mono_ns;
	record->established_mono_ns = state->established_mono_ns;
	record->end_mono_ns = bpf_ktime_get_ns();
	record->bytes_sent = delta->bytes_sent;
	record->bytes_received = delta->bytes_received;
	record->bytes_retransmitted = tcp->bytes_retrans;
	record->packets_sent = delta->packets_sent;
	record->packets_received = delta->packets_received;
	record->cgroup_id = sock_cgroup_id(sk);
	addresses(sk, record->local_address, record->remote_address);
	__builtin_memcpy(record->comm, state->comm, sizeof(record->comm));
	record->netns = sk->__sk_common.skc_net.net->ns.inum;
	record->pid = state->pid;
	record->rtt_us = tcp->srtt_us >> 3;
	record->rtt_var_us = tcp->mdev_us >> 2;
	record->min_rtt_us = min_rtt_us == ~0U ? 0 : min_rtt_us;
	record->retransmits = delta->retransmits;
	record->syn_retransmits = state->syn_retransmits;
	record->local_port_be = bpf_htons(sk->__sk_common.skc_num);
	record->remote_port_be = sk->__sk_common.skc_dport;
	record->error = sk->sk_err;
	record->incarnation = state->incarnation;
	record->direction = state->direction;
	record->event =
		delta->connections_failed ? CONNECTION_EVENT_FAILED : CONNECTION_EVENT_CLOSED;
	record->last_state = last_state;
	record->shutdown = sk->sk_shutdown;
}

/*
 * The connection is over. bytes_sent counts every payload byte put on the wire, so retransmissions
 * come off; bytes_received counts a received FIN, which the kernel marks by SOCK_DONE.
 */
static __always_inline void on_close(struct bpf_sock_ops *ctx, struct bpf_sock *bpf_sk,
				     struct socket_state *state, __u8 last_state)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(bpf_sk);
	struct connection_record *record;
	struct sums_value delta = {};
	struct sums_key key = {};
	struct sock *sk;

	if (!tcp)
		return;
	sk = &tcp->inet_conn.icsk_inet.sk;
	delta.bytes_sent = tcp->bytes_sent - tcp->bytes_retrans;
	delta.bytes_received = tcp->bytes_received;
	if (sk->__sk_common.skc_flags & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		delta.bytes_received--;
	delta.packets_sent = tcp->segs_out;
	delta.packets_received = tcp->segs_in;
	delta.retransmits = tcp->total_retrans;

	sums_key_of(&key, sk, state->direction);
	if (state->phase == SOCKET_PHASE_ESTABLISHED) {
		delta.connections_closed = 1;
	} else {
		delta.connections_failed = 1;
		key.error = sk->sk_err;
		state->syn_retransmits = tcp->total_retrans;
	}
	state->phase = SOCKET_PHASE_OVER;
	sums_add(&key, &delta);

	record = record_reserve(RECORD_KIND_CONNECTION, sizeof(*record));
	if (!record)
		return;
	record->socket_cookie = bpf_get_socket_cookie(ctx);
	fill_record(record, tcp, state, &delta, last_state);
	record_submit(record);
}

/* args[0] is the old state, args[1] the new one; the last step alone tells how it ended. */
static __always_inline void on_state(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct socket_state *state;

	if (ctx->args[1] != CONNECTION_STATE_CLOSE)
		return;
	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (state &&
	    (state->phase == SOCKET_PHASE_CONNECTING || state->phase == SOCKET_PHASE_ESTABLISHED))
		on_close(ctx, sk, state, ctx->args[0]);
}

static __always_inline void on_event(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return;
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		on_listen(sk);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_connect(ctx, sk);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_established(ctx, sk, CONNECTION_DIRECTION_OUTBOUND);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		on_established(ctx, sk, CONNECTION_DIRECTION_INBOUND);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		on_state(ctx, sk);
		break;
	}
}

/* Return value 1: leave the kernel's answer (congestion control, timeouts, ...) as it is. */
SEC("sockops")
int tcp_lifecycle(struct bpf_sock_ops *ctx)
{
	on_event(ctx);
	return 1;
}
