// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a TCP connection from its sock_ops events: state from the SYN (or from the finished
 * handshake, on the accepting side) to TCP_CLOSE, where one record and one addition to the sums are
 * made. Reads only; no packet, verdict or socket option is touched but the callback flags, which
 * are added to those that other programs have set.
 */
#include "connection.bpf.h"
#include "filter.bpf.h"
#include "unsent.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* By user space before load, on kernels that cannot make live passes: then nobody else counts it.
 */
const volatile __u8 count_opened_at_once = 0;

static __always_inline void watch(struct bpf_sock_ops *ctx)
{
	__u32 wanted = BPF_SOCK_OPS_STATE_CB_FLAG;

	if (!kernel_counts_rto())
		wanted |= BPF_SOCK_OPS_RTO_CB_FLAG;
	if ((ctx->bpf_sock_ops_cb_flags & wanted) != wanted)
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | wanted);
}

/* listen(2): remembers the process, for connections that no process gets to close. */
static __always_inline void on_listen(struct bpf_sock_ops *ctx, struct tcp_sock *tcp)
{
	listener_note(sock_of(tcp), socket_cookie(ctx, tcp), (void *)bpf_get_current_task());
	watch(ctx);
}

/*
 * What connect(2) noted of an attempt that is excluded after all. A socket of which something was
 * reported keeps its state, and with it its count of connections.
 */
static __always_inline void forget_dialled(struct socket_state *state)
{
	if (state->phase == SOCKET_PHASE_DIALLING && unsent_claim(state) && !state->incarnation)
		socket_release(state);
}

/*
 * The SYN is about to leave. The hook of connect(2) has usually been here before; what it saw of
 * the address is forgotten when no program changed it; of 0.0.0.0 and :: the kernel itself makes
 * loopback.
 */
static __always_inline void on_connect(struct bpf_sock_ops *ctx, struct bpf_sock *bpf_sk,
				       struct tcp_sock *tcp)
{
	struct socket_state *state = socket_find(bpf_sk, tcp);
	__u8 local[16], remote[16];

	if (excludes_syn(sock_of(tcp), state)) {
		if (state)
			forget_dialled(state);
		return;
	}
	if (!state)
		state = socket_new(bpf_sk, tcp, socket_cookie(ctx, tcp));
	if (!state) {
		count_untracked();
		return;
	}
	if (state->phase == SOCKET_PHASE_DIALLING) {
		state->start_mono_ns = bpf_ktime_get_ns();
		socket_addresses(sock_of(tcp), local, remote);
		if (state->dialled_port_be == sock_of(tcp)->__sk_common.skc_dport &&
		    (address_equal(state->dialled_address, remote) ||
		     is_any_address(state->dialled_address)))
			state->dialled_port_be = 0;
	} else {
		socket_begin(state, tcp, CONNECTION_DIRECTION_OUTBOUND);
		socket_note_owner(state);
	}
	state->phase = SOCKET_PHASE_CONNECTING;
	watch(ctx);
}

static __always_inline void count_opened(struct socket_state *state, struct sock *sk)
{
	struct sums_value opened = {.connections_opened = 1};
	struct sums_key key = {};

	state->opened_summed = 1;
	sums_key_of(&key, sk, state->direction);
	sums_add(&key, &opened);
}

/* A record of a connection that has just been established, when somebody wants such. */
static __always_inline void report_opened(struct bpf_sock *bpf_sk, struct tcp_sock *tcp,
					  struct socket_state *state)
{
	struct connection_record *record;
	struct socket_counts now;

	if (!event_enabled(RECORD_KIND_CONNECTION_OPENED))
		return;
	record = connection_record_reserve();
	if (!record)
		return;
	counts_read(&now, tcp, state);
	fill_record(record, tcp, state, baseline_of(bpf_sk, state), &now);
	record->end_mono_ns = state->established_mono_ns;
	record->event = CONNECTION_EVENT_OPENED;
	record->last_state = CONNECTION_STATE_ESTABLISHED;
	event_submit(record);
}

/*
 * A socket that sent a SYN has connected, also when the handshake ended as the other side's does
 * (simultaneous open, connection to itself): it has a file, which an accepted one gets later. It is
 * tracked if it was at its SYN.
 */
static __always_inline void on_established(struct bpf_sock_ops *ctx, struct bpf_sock *bpf_sk,
					   struct tcp_sock *tcp, __u8 direction)
{
	struct socket_state *state = socket_find(bpf_sk, tcp);

	if (state && state->phase == SOCKET_PHASE_CONNECTING) {
		state->established_mono_ns = bpf_ktime_get_ns();
	} else {
		if (direction == CONNECTION_DIRECTION_OUTBOUND || sock_of(tcp)->sk_socket ||
		    excludes_accepted(sock_of(tcp)))
			return;
		if (!state)
			state = socket_new(bpf_sk, tcp, socket_cookie(ctx, tcp));
		if (!state) {
			count_untracked();
			return;
		}
		socket_begin(state, tcp, direction);
		state->established_mono_ns = state->start_mono_ns;
	}
	state->syn_retransmits = syn_retransmits(tcp, baseline_of(bpf_sk, state));
	socket_establish(state);
	if (count_opened_at_once)
		count_opened(state, sock_of(tcp));
	report_opened(bpf_sk, tcp, state);
	watch(ctx);
}

/*
 * FIN_WAIT2 usually ends with the peer's FIN (SOCK_DONE), or in a time-wait socket that goes on
 * without this one (SOCK_DEAD). When neither happened, a RST of ours ended it.
 */
static __always_inline bool reset_after_fin(struct sock *sk, __u8 last_state)
{
	return last_state == CONNECTION_STATE_FIN_WAIT2 && !sk->sk_err &&
	       !sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DONE)) &&
	       !sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DEAD));
}

/* The connection is over: its record, and what the sums lack of it. */
static __always_inline void on_close(struct bpf_sock *bpf_sk, struct tcp_sock *tcp,
				     struct socket_state *state, __u8 last_state)
{
	bool established = state->phase == SOCKET_PHASE_ESTABLISHED;
	struct socket_baseline *baseline = baseline_of(bpf_sk, state);
	struct connection_record *record;
	struct sums_value delta = {};
	struct socket_counts now;
	struct sock *sk = sock_of(tcp);
	struct sums_key key = {};

	counts_read(&now, tcp, state);
	sums_key_of(&key, sk, state->direction);
	if (established) {
		delta.connections_closed = 1;
	} else {
		delta.connections_failed = 1;
		key.error = sk->sk_err;
		state->syn_retransmits = syn_retransmits(tcp, baseline);
	}

	/* The phase first: a live pass then makes no record that would follow the last one. */
	bpf_spin_lock(&state->lock);
	counts_settle(&delta, state, &now);
	state->phase = SOCKET_PHASE_OVER;
	bpf_spin_unlock(&state->lock);
	sums_add(&key, &delta);

	record = connection_record_reserve();
	if (record) {
		fill_record(record, tcp, state, baseline, &now);
		record->event = established ? CONNECTION_EVENT_CLOSED : CONNECTION_EVENT_FAILED;
		record->error = sk->sk_err;
		record->last_state = last_state;
		if (reset_after_fin(sk, last_state))
			record->flags |= CONNECTION_FLAG_RESET;
		event_submit(record);
	}
	if (state->place == SOCKET_PLACE_STORAGE)
		overflow_add(-1);
	/*
	 * A dead socket never connects again; others keep their slot, and with it their count of
	 * connections. The exchange inside submit orders this after all reading of the state.
	 */
	if (sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
		socket_release(state);
}

/* Whether the process that runs now is the one that ends the connection. */
static __always_inline bool closed_by_process(struct sock *sk, __u32 state)
{
	/* tcp_close_state() alone leads to these, from close(2) and shutdown(2). */
	if (state == CONNECTION_STATE_FIN_WAIT1 || state == CONNECTION_STATE_LAST_ACK)
		return true;
	/* No FIN but a RST of ours: close(2) with unread data or SO_LINGER 0. */
	return state == CONNECTION_STATE_CLOSE && !sk->sk_err && sk->sk_shutdown == 3;
}

/* From one state to the next; the last step alone tells how it ended. */
static __always_inline void on_state(struct bpf_sock *bpf_sk, struct tcp_sock *tcp, __u32 last,
				     __u32 next)
{
	struct sock *sk = sock_of(tcp);
	struct socket_state *state;

	if (last == CONNECTION_STATE_LISTEN) {
		listener_closed(sk, socket_cookie_known(tcp));
		return;
	}
	state = socket_find(bpf_sk, tcp);
	if (!state)
		return;
	if (state->direction == CONNECTION_DIRECTION_INBOUND && !state->pid &&
	    closed_by_process(sk, next))
		socket_note_owner(state);
	if (next == CONNECTION_STATE_CLOSE &&
	    (state->phase == SOCKET_PHASE_CONNECTING || state->phase == SOCKET_PHASE_ESTABLISHED))
		on_close(bpf_sk, tcp, state, last);
}

static __always_inline void on_rto(struct bpf_sock *bpf_sk, struct tcp_sock *tcp)
{
	struct socket_state *state = socket_find(bpf_sk, tcp);

	if (state)
		state->timeouts++;
}

/* Most calls end here: the kernel asks for defaults, or tells of a state that is no news. */
static __always_inline bool is_ignored(__u32 op, __u32 next)
{
	if (op == BPF_SOCK_OPS_STATE_CB)
		return next != CONNECTION_STATE_CLOSE && next != CONNECTION_STATE_FIN_WAIT1 &&
		       next != CONNECTION_STATE_LAST_ACK;
	return op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
	       op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB && op != BPF_SOCK_OPS_RTO_CB &&
	       op != BPF_SOCK_OPS_TCP_LISTEN_CB;
}

static __always_inline void on_event(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op, last = ctx->args[0], next = ctx->args[1];
	struct tcp_sock *tcp;
	struct bpf_sock *sk;

	if (is_ignored(op, next))
		return;
	sk = ctx->sk;
	tcp = sk ? bpf_skc_to_tcp_sock(sk) : 0;
	if (!tcp)
		return;
	switch (op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		on_listen(ctx, tcp);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_connect(ctx, sk, tcp);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_established(ctx, sk, tcp, CONNECTION_DIRECTION_OUTBOUND);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		on_established(ctx, sk, tcp, CONNECTION_DIRECTION_INBOUND);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		on_state(sk, tcp, last, next);
		break;
	case BPF_SOCK_OPS_RTO_CB:
		on_rto(sk, tcp);
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
