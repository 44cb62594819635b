// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The live pass over UDP flows: brings the sums up to date, ends flows that are idle or whose
 * socket is closed, and on request makes a periodic record of the others. One pass at a time.
 */
#include "udp.bpf.h"

/* kernel.udp_idle_timeout, by user space before load. */
const volatile __u64 udp_idle_ns = 30000000000;

/* Takes what the sums lack of a flow, when it is still open. */
static __always_inline bool settle(struct udp_flow *flow, __u64 cookie, struct udp_counts *delta)
{
	bool open;

	bpf_spin_lock(&flow->lock);
	open = !flow->over && flow->key.cookie == cookie;
	if (open)
		udp_settle(delta, flow);
	bpf_spin_unlock(&flow->lock);
	return open;
}

/*
 * The same with a periodic record, which is reserved before the look at the flow, so that the
 * record of its end comes after it in the ring. Its null check is made once: before 6.2 the
 * verifier forgets it.
 */
static __always_inline bool settle_with_record(struct udp_flow *flow, __u64 cookie,
					       struct udp_socket *socket, struct udp_counts *delta)
{
	struct udp_record *record = udp_record_reserve();

	if (!record)
		return settle(flow, cookie, delta);
	udp_fill_record(record, flow, udp_owner_of(flow, socket));
	if (!settle(flow, cookie, delta)) {
		event_discard(record);
		return false;
	}
	udp_fill_counts(record, flow);
	record->end_mono_ns = bpf_ktime_get_ns();
	record->event = CONNECTION_EVENT_PERIODIC;
	event_submit(record);
	return true;
}

static __always_inline void look_at_flow(struct udp_flow *flow, __u64 cookie,
					 struct udp_socket *socket, bool periodic)
{
	__u64 now_ns = bpf_ktime_get_ns(), last_ns = flow->last_mono_ns;
	struct udp_counts delta = {};
	struct sums_key sums = {};
	bool open;

	if (socket && socket->closed_mono_ns) {
		udp_flow_end(flow, cookie, socket, socket->closed_mono_ns, UDP_ENDING_CLOSED);
		return;
	}
	if (now_ns > last_ns && now_ns - last_ns > udp_idle_ns) {
		udp_flow_end(flow, cookie, socket, last_ns, UDP_ENDING_IDLE);
		return;
	}
	udp_use_add(UDP_USE_FLOWS_SEEN, 1);
	if (flow->excluded)
		return;
	udp_sums_key_of(&sums, &flow->key, flow->direction, flow->server_port_be);
	open = periodic ? settle_with_record(flow, cookie, socket, &delta)
			: settle(flow, cookie, &delta);
	if (open)
		udp_sums_add(&sums, &delta);
}

static __always_inline void look_at(struct bpf_iter__bpf_map_elem *ctx, bool periodic)
{
	struct udp_flow *seen = ctx->value, *flow;
	struct udp_socket *socket = 0;
	__u32 *slot = ctx->key;
	__u64 cookie;

	if (!slot || !seen || !seen->key.cookie)
		return;
	flow = udp_flow_at(*slot);
	if (!flow)
		return;
	cookie = flow->key.cookie;
	if (!cookie || flow->over || !flow->direction)
		return;
	if (flow->has_socket)
		socket = bpf_map_lookup_elem(&udp_sockets, &cookie);
	look_at_flow(flow, cookie, socket, periodic);
	if (socket && !socket->flows && (socket->closed_mono_ns || !socket->owner.pid))
		udp_socket_forget(cookie);
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
