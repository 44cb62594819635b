// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The live pass: user space reads an iterator to its end, and every open connection, idle or busy,
 * has what the sums lack of it added; on request it makes a periodic record too. The data path
 * knows nothing of it. One pass at a time: sock_copy is one for each CPU.
 *
 * A slot holds only the address of its socket, so the socket is copied first and believed later:
 * when the slot, under its lock, still belongs to an open connection with the same cookie, then the
 * socket was alive during the copy, because its end would have taken the lock to say so.
 */
#include "connection.bpf.h"
#include "unsent.bpf.h"

/* More than struct tcp_sock has on any kernel (6.18: 2,432 bytes). */
#define SOCK_COPY_BYTES 4096

/* How often a socket in use is copied before it is given up for this pass. */
#define MAX_COPIES 8

struct sock_copy {
	__u8 bytes[SOCK_COPY_BYTES];
};

/* sock_copy: one socket for each CPU, as the live pass found it; read by the same pass. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sock_copy);
} sock_copy SEC(".maps");

/* The iterator's context, by the kernel's name and layout. */
struct bpf_iter__bpf_sk_storage_map {
	void *meta;
	void *map;
	struct sock *sk;
	void *value;
};

static __always_inline struct tcp_sock *copy_sock(__u64 address)
{
	__u32 zero = 0, length = bpf_core_type_size(struct tcp_sock);
	struct sock_copy *copy = bpf_map_lookup_elem(&sock_copy, &zero);

	if (!copy || length > sizeof(copy->bytes))
		return 0;
	if (bpf_probe_read_kernel(copy->bytes, length, (void *)address))
		return 0;
	return (struct tcp_sock *)copy->bytes;
}

static __always_inline bool is_same(struct tcp_sock *copy, __u64 cookie)
{
	return sock_of(copy)->__sk_common.skc_cookie.counter == (__s64)cookie;
}

/*
 * Whether a copy was taken while nobody changed the socket. Between two of the kernel's own updates
 * a retransmission or a FIN looks like payload, and the next look would be lower; the socket's lock
 * is held over both updates. So: nobody holds it after the copy, and what is updated first has
 * not changed since.
 */
static __always_inline bool is_settled(struct tcp_sock *copy, __u64 address)
{
	struct tcp_sock *tcp = (struct tcp_sock *)address;
	struct sock *sk = sock_of(tcp);

	if (sock_is_locked(sk))
		return false;
	return BPF_CORE_READ(tcp, bytes_received) == copy->bytes_received &&
	       BPF_CORE_READ(tcp, bytes_sent) == copy->bytes_sent &&
	       BPF_CORE_READ(sk, __sk_common.skc_flags) == sock_of(copy)->__sk_common.skc_flags;
}

/*
 * The socket is gone. Of a connection that was open, what it carried since the last pass is lost,
 * and counted so; an attempt that came to nothing is reported now.
 */
static __always_inline void forget(struct socket_state *state, __u64 cookie)
{
	__u8 phase = SOCKET_PHASE_NEW;
	bool mine = false;

	bpf_spin_lock(&state->lock);
	if (state->cookie == cookie) {
		mine = true;
		phase = state->phase;
		state->phase = SOCKET_PHASE_OVER;
	}
	bpf_spin_unlock(&state->lock);
	if (!mine)
		return;
	if (phase == SOCKET_PHASE_CONNECTING || phase == SOCKET_PHASE_ESTABLISHED)
		count(KERNEL_COUNTER_CONNECTIONS_VANISHED);
	if (phase == SOCKET_PHASE_DIALLING)
		report_unsent(state);
	socket_release(state);
}

/* connect(2) has long returned, and no SYN was sent: the socket lives on, the attempt does not. */
static __always_inline void look_at_dialling(struct socket_state *state, struct tcp_sock *tcp)
{
	if (sock_of(tcp)->__sk_common.skc_state == CONNECTION_STATE_CLOSE &&
	    bpf_ktime_get_ns() - state->start_mono_ns > UNSENT_AFTER_NS && unsent_claim(state))
		report_unsent(state);
}

/* Takes what the sums lack of a connection, when it is still open. */
static __always_inline bool settle(struct socket_state *state, __u64 cookie,
				   const struct socket_counts *now, struct sums_value *delta)
{
	bool open = false;

	bpf_spin_lock(&state->lock);
	if (state->cookie == cookie && state->phase == SOCKET_PHASE_ESTABLISHED) {
		open = true;
		counts_settle(delta, state, now);
	}
	bpf_spin_unlock(&state->lock);
	return open;
}

/*
 * The same with a periodic record. It is reserved before the look at the phase, so that the record
 * of the end comes after it in the ring. Its null check is made once: before 6.2 the verifier
 * forgets it.
 */
static __always_inline bool settle_with_record(struct socket_state *state, __u64 cookie,
					       struct tcp_sock *tcp,
					       const struct socket_baseline *baseline,
					       const struct socket_counts *now,
					       struct sums_value *delta)
{
	struct connection_record *record;

	record = connection_record_reserve();
	if (!record)
		return settle(state, cookie, now, delta);
	fill_record(record, tcp, state, baseline, now);
	record->event = CONNECTION_EVENT_PERIODIC;
	record->last_state = sock_of(tcp)->__sk_common.skc_state;
	if (!settle(state, cookie, now, delta)) {
		event_discard(record);
		return false;
	}
	event_submit(record);
	return true;
}

/* Adopted sockets have their state in storage, so that those with a slot have no baseline. */
static __always_inline void look_at(struct socket_state *state,
				    const struct socket_baseline *baseline, bool periodic)
{
	__u64 cookie = state->cookie;
	struct sums_value delta = {};
	struct sums_key key = {};
	struct socket_counts now;
	struct tcp_sock *tcp = 0;
	bool open;

	if (!cookie)
		return;
	/*
	 * A socket that is never still is left to the next pass; but what lies there now in place
	 * of one that is gone may look as if it never were.
	 */
	for (int tries = 0; tries < MAX_COPIES; tries++) {
		tcp = copy_sock(state->tcp_sock);
		if (!tcp || !is_same(tcp, cookie) || is_settled(tcp, state->tcp_sock))
			break;
		if (tries == MAX_COPIES - 1)
			return;
	}
	if (!tcp || !is_same(tcp, cookie)) {
		forget(state, cookie);
		return;
	}
	if (state->phase == SOCKET_PHASE_DIALLING)
		look_at_dialling(state, tcp);
	if (state->phase != SOCKET_PHASE_ESTABLISHED)
		return;
	/* Its end was told to the program before the state said so, and must have been seen. */
	if (sock_of(tcp)->__sk_common.skc_state == CONNECTION_STATE_CLOSE) {
		forget(state, cookie);
		return;
	}
	counts_read(&now, tcp, state);
	sums_key_of(&key, sock_of(tcp), state->direction);
	open = periodic ? settle_with_record(state, cookie, tcp, baseline, &now, &delta)
			: settle(state, cookie, &now, &delta);
	if (open && !sums_is_zero(&delta))
		sums_add(&key, &delta);
}

/*
 * Whether an open connection has sent and received nothing since the sums were told: no count
 * changes without a segment. Most connections are idle, and this reads a tenth of what a copy does.
 */
static __always_inline bool is_idle(const struct socket_state *state)
{
	struct tcp_sock *tcp = (struct tcp_sock *)state->tcp_sock;
	struct sock *sk = sock_of(tcp);

	return state->phase == SOCKET_PHASE_ESTABLISHED && state->opened_summed &&
	       BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) == (__s64)state->cookie &&
	       BPF_CORE_READ(sk, __sk_common.skc_state) != CONNECTION_STATE_CLOSE &&
	       BPF_CORE_READ(tcp, segs_in) == (__u32)state->summed.packets_received &&
	       BPF_CORE_READ(tcp, segs_out) == (__u32)state->summed.packets_sent;
}

/* Counts for user space, which makes it zero before each pass. */
static __always_inline void see(__u32 index)
{
	__s64 *seen = socket_use_of(index);

	if (seen)
		*seen += 1;
}

static __always_inline void look_at_slot(struct bpf_iter__bpf_map_elem *ctx, bool periodic)
{
	__u32 *key = ctx->key, slot;
	struct socket_state *seen = ctx->value, *state;

	if (!key || !seen || !seen->cookie)
		return;
	if (!periodic && is_idle(seen)) {
		see(SOCKET_USE_SLOTS_SEEN);
		return;
	}
	slot = *key;
	state = bpf_map_lookup_elem(&sockets, &slot);
	if (!state)
		return;
	look_at(state, 0, periodic);
	if (state->cookie)
		see(SOCKET_USE_SLOTS_SEEN);
}

static __always_inline void look_at_storage(struct bpf_iter__bpf_sk_storage_map *ctx, bool periodic)
{
	struct socket_state *seen = ctx->value, *state;
	struct sock *sk = ctx->sk;

	if (!sk || !seen)
		return;
	if (!periodic && is_idle(seen)) {
		see(SOCKET_USE_OVERFLOW_SEEN);
		return;
	}
	state = bpf_sk_storage_get(&sockets_overflow, sk, 0, 0);
	if (!state)
		return;
	see(SOCKET_USE_OVERFLOW_SEEN);
	look_at(state, baseline_of(sk, state), periodic);
}

SEC("iter/bpf_map_elem")
int live_sockets(struct bpf_iter__bpf_map_elem *ctx)
{
	look_at_slot(ctx, false);
	return 0;
}

SEC("iter/bpf_map_elem")
int live_sockets_periodic(struct bpf_iter__bpf_map_elem *ctx)
{
	look_at_slot(ctx, true);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int live_overflow(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	look_at_storage(ctx, false);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int live_overflow_periodic(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	look_at_storage(ctx, true);
	return 0;
}
