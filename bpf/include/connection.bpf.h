/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a socket's TCP state to numbers. Every tcp here is either the socket itself or a copy of it
 * in a map: the same loads serve both.
 */
#ifndef MESHLENS_CONNECTION_BPF_H
#define MESHLENS_CONNECTION_BPF_H

#include "compat.bpf.h"
#include "emit.bpf.h"
#include "listeners.bpf.h"
#include "sockets.bpf.h"
#include "sums.bpf.h"

/* Timer interrupts a second (CONFIG_HZ), by user space before load; 0 when it does not know. */
const volatile __u32 jiffies_per_second __weak = 0;

#define TCP_CHRONO_RWND_LIMITED 2

static __always_inline struct sock *sock_of(struct tcp_sock *tcp)
{
	return &tcp->inet_conn.icsk_inet.sk;
}

static __always_inline bool sock_flag(struct sock *sk, __u32 bit)
{
	return sk->__sk_common.skc_flags & (1UL << bit);
}

/* The kernel's 32 bit counter, continued: it has not gone round more than once since before. */
static __always_inline __u64 continued(__u64 before, __u32 now)
{
	return before + (__u32)(now - (__u32)before);
}

/*
 * What the socket has carried until now. bytes_sent counts every payload byte put on the wire, so
 * retransmissions come off; bytes_received counts a received FIN, which the kernel marks by
 * SOCK_DONE.
 */
static __always_inline void counts_read(struct socket_counts *now, struct tcp_sock *tcp,
					const struct socket_state *state)
{
	now->bytes_sent = tcp->bytes_sent - tcp->bytes_retrans;
	now->bytes_received = tcp->bytes_received;
	if (sock_flag(sock_of(tcp), bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		now->bytes_received--;
	now->packets_sent = continued(state->summed.packets_sent, tcp->segs_out);
	now->packets_received = continued(state->summed.packets_received, tcp->segs_in);
	now->retransmits = tcp->total_retrans;
}

/* Sets delta to what the sums lack of the connection; called under state's lock. */
static __always_inline void counts_settle(struct sums_value *delta, struct socket_state *state,
					  const struct socket_counts *now)
{
	delta->bytes_sent = now->bytes_sent - state->summed.bytes_sent;
	delta->bytes_received = now->bytes_received - state->summed.bytes_received;
	delta->packets_sent = now->packets_sent - state->summed.packets_sent;
	delta->packets_received = now->packets_received - state->summed.packets_received;
	delta->retransmits = now->retransmits - state->summed.retransmits;
	state->summed = *now;
	if (state->phase == SOCKET_PHASE_ESTABLISHED && !state->opened_summed) {
		delta->connections_opened = 1;
		state->opened_summed = 1;
	}
}

static __always_inline void sums_key_of(struct sums_key *key, struct sock *sk, __u8 direction)
{
	key->direction = direction;
	if (direction == CONNECTION_DIRECTION_OUTBOUND) {
		socket_addresses(sk, key->client_address, key->server_address);
		key->server_port_be = sk->__sk_common.skc_dport;
	} else {
		socket_addresses(sk, key->server_address, key->client_address);
		key->server_port_be = bpf_htons(sk->__sk_common.skc_num);
	}
}

/* As tcp_get_info() computes tcpi_rwnd_limited. */
static __always_inline __u64 rwnd_limited_us(struct tcp_sock *tcp)
{
	__u64 jiffies = tcp->chrono_stat[TCP_CHRONO_RWND_LIMITED - 1];

	if (!jiffies_per_second)
		return 0;
	if (BPF_CORE_READ_BITFIELD(tcp, chrono_type) == TCP_CHRONO_RWND_LIMITED)
		jiffies += (__u32)((__u32)bpf_jiffies64() - tcp->chrono_start);
	return jiffies * 1000000 / jiffies_per_second;
}

static __always_inline void quality_read(struct socket_quality *now, struct tcp_sock *tcp,
					 const struct socket_state *state)
{
	now->bytes_retransmitted = tcp->bytes_retrans;
	now->rwnd_limited_us = rwnd_limited_us(tcp);
	now->timeouts = tcp_total_rto(tcp, state->timeouts);
	now->reordering_events = tcp->reord_seen;
	now->segments_delivered = tcp->delivered;
	now->segments_lost = tcp->lost;
	now->ecn_ce_segments = tcp->delivered_ce;
}

static __always_inline void fill_quality(struct connection_record *record, struct tcp_sock *tcp,
					 const struct socket_state *state)
{
	__u32 min_rtt_us = tcp->rtt_min.s[0].v;
	struct socket_quality now;

	quality_read(&now, tcp, state);
	record->bytes_retransmitted = now.bytes_retransmitted;
	record->rwnd_limited_us = now.rwnd_limited_us;
	record->timeouts = now.timeouts;
	record->reordering_events = now.reordering_events;
	record->segments_delivered = now.segments_delivered;
	record->segments_lost = now.segments_lost;
	record->ecn_ce_segments = now.ecn_ce_segments;
	record->rtt_us = tcp->srtt_us >> 3;
	record->rtt_var_us = tcp->mdev_us >> 2;
	record->min_rtt_us = min_rtt_us == ~0U ? 0 : min_rtt_us;
	record->syn_retransmits = state->syn_retransmits;
}

/* Where the counts of an adopted connection begin; 0 for all others. sk: what the state hangs on.
 */
static __always_inline struct socket_baseline *baseline_of(void *sk,
							   const struct socket_state *state)
{
	return state->flags & CONNECTION_FLAG_ADOPTED ? bpf_sk_storage_get(&baselines, sk, 0, 0)
						      : 0;
}

static __always_inline void take_off_baseline(struct connection_record *record,
					      const struct socket_baseline *baseline)
{
	const struct socket_quality *quality = &baseline->quality;
	const struct socket_counts *counts = &baseline->counts;

	record->bytes_sent -= counts->bytes_sent;
	record->bytes_received -= counts->bytes_received;
	record->packets_sent -= counts->packets_sent;
	record->packets_received -= counts->packets_received;
	record->retransmits -= counts->retransmits;
	record->bytes_retransmitted -= quality->bytes_retransmitted;
	record->rwnd_limited_us -= quality->rwnd_limited_us;
	record->timeouts -= quality->timeouts;
	record->reordering_events -= quality->reordering_events;
	record->segments_delivered -= quality->segments_delivered;
	record->segments_lost -= quality->segments_lost;
	record->ecn_ce_segments -= quality->ecn_ce_segments;
}

/* Retransmissions of a connection that is not established until now are those of its SYN. */
static __always_inline __u16 syn_retransmits(struct tcp_sock *tcp,
					     const struct socket_baseline *baseline)
{
	return tcp->total_retrans - (baseline ? (__u32)baseline->counts.retransmits : 0);
}

/* Owner of a connection that no process has closed: who listens where it came in. */
static __always_inline void owner_from_listener(struct connection_record *record)
{
	struct listener *listener = listener_find(record->netns, record->local_address,
						  bpf_ntohs(record->local_port_be));

	if (!listener || listener->several)
		return;
	record->pid = listener->pid;
	__builtin_memcpy(record->comm, listener->comm, sizeof(record->comm));
}

/* Who and since when: all that does not change while the connection lives. */
static __always_inline void fill_identity(struct connection_record *record,
					  const struct socket_state *state)
{
	record->socket_cookie = state->cookie;
	record->start_mono_ns = state->start_mono_ns;
	record->established_mono_ns = state->established_mono_ns;
	record->end_mono_ns = bpf_ktime_get_ns();
	record->cgroup_id = state->cgroup_id;
	record->netns = state->netns;
	record->pid = state->pid;
	__builtin_memcpy(record->comm, state->comm, sizeof(record->comm));
	record->incarnation = state->incarnation;
	record->direction = state->direction;
	record->flags = state->flags;
}

/* All but event, error and last_state. */
static __always_inline void fill_record(struct connection_record *record, struct tcp_sock *tcp,
					const struct socket_state *state,
					const struct socket_baseline *baseline,
					const struct socket_counts *now)
{
	struct sock *sk = sock_of(tcp);

	fill_identity(record, state);
	fill_quality(record, tcp, state);
	record->bytes_sent = now->bytes_sent;
	record->bytes_received = now->bytes_received;
	record->packets_sent = now->packets_sent;
	record->packets_received = now->packets_received;
	record->retransmits = now->retransmits;
	if (baseline)
		take_off_baseline(record, baseline);
	socket_addresses(sk, record->local_address, record->remote_address);
	record->local_port_be = bpf_htons(sk->__sk_common.skc_num);
	record->remote_port_be = sk->__sk_common.skc_dport;
	if (state->dialled_port_be) {
		__builtin_memcpy(record->dialled_address, state->dialled_address, 16);
		record->dialled_port_be = state->dialled_port_be;
	}
	if (!record->pid && record->direction == CONNECTION_DIRECTION_INBOUND)
		owner_from_listener(record);
}

#endif
