// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The live pass over UDP flows: brings the sums up to date, ends flows that are idle or whose socket
 * is closed, and on request makes a periodic record of the others. One pass at a time.
 */
#include "udp.bpf.h"

/* kernel.udp_idle_timeout, by user space before load. */
const volatile __u64 udp_idle_ns = 30000000000;

/* Takes what the sums lack of a flow, when it is still open. */
static __always_inline bool settle(struct udp_flow *flow, struct udp_counts *delta)
{
	bool open;

	bpf_spin_lock(&flow->lock);
	open = !flow->over;
	if (open)
		udp_settle(delta, flow);
	bpf_spin_unlock(&flow->lock);
	return open;
}

/*
 * The same with a periodic record, which is reserved before the look at the flow, so that the
 * record of its end comes after it in the ring.
 */
static __always_inline bool settle_with_record(const struct udp_flow_key *key,
					       struct udp_flow *flow, struct udp_socket *socket,
					       struct udp_counts *delta)
{
	struct udp_record *record = udp_record_reserve();

	if (!record)
		return settle(flow, delta);
	if (!settle(flow, delta)) {
		event_discard(record);
		return false;
	}
	udp_fill_record(record, key, flow, socket);
	/* What the sums have been told, not what has come since. */
	record->bytes_sent = flow->summed.bytes_sent;
	record->bytes_received = flow->summed.bytes_received;
	record->packets_sent = flow->summed.packets_sent;
	record->packets_received = flow->summed.packets_received;
	record->end_mono_ns = bpf_ktime_get_ns();
	record->event = CONNECTION_EVENT_PERIODIC;
	event_submit(record);
	return true;
}

static __always_inline void look_at_flow(const struct udp_flow_key *key, struct udp_flow *flow,
					 struct udp_socket *socket, bool periodic)
{
	__u64 now_ns = bpf_ktime_get_ns(), last_ns = flow->last_mono_ns;
	struct udp_counts delta = {};
	struct sums_key sums = {};
	bool open;

	if (socket && socket->closed_mono_ns) {
		udp_flow_end(key, flow, socket, socket->closed_mono_ns, UDP_ENDING_CLOSED);
		return;
	}
	if (now_ns > last_ns && now_ns - last_ns > udp_idle_ns) {
		udp_flow_end(key, flow, socket, last_ns, UDP_ENDING_IDLE);
		return;
	}
	if (flow->excluded)
		return;
	open = periodic ? settle_with_record(key, flow, socket, &delta) : settle(flow, &delta);
	if (!open)
		return;
	udp_sums_key_of(&sums, key, flow->direction, flow->server_port_be);
	udp_sums_add(&sums, &delta);
}

static __always_inline void look_at(struct bpf_iter__bpf_map_elem *ctx, bool periodic)
{
	struct udp_socket *socket;
	struct udp_flow_key key;
	struct udp_flow *flow;

	if (!ctx->key)
		return;
	key = *(struct udp_flow_key *)ctx->key;
	flow = bpf_map_lookup_elem(&udp_flows, &key);
	if (!flow)
		return;
	socket = bpf_map_lookup_elem(&udp_sockets, &key.cookie);
	look_at_flow(&key, flow, socket, periodic);
	if (socket && !socket->flows && (socket->closed_mono_ns || !socket->pid))
		udp_socket_forget(key.cookie);
}

SEC("iter/bpf_map_elem")
int live_udp(struct bpf_iter__bpf_map_elem *ctx)
{
	look_at(ctx, false);
	return 0;
}

SEC("iter/bpf_map_elem")
int live_udp_periodic(struct bpf_iter__bpf_map_elem *ctx)
{
	look_at(ctx, true);
	return 0;
}
