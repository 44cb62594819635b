/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event channel, and the only way out through the ring: reserve, fill, submit. Nothing wakes
 * the reader, which paces itself: one wake-up for each event would cost a third of the machine's
 * connection rate. The ring is the batch: what was submitted between two looks is handed over at
 * once, in order.
 *
 * For every event type of WIRE_EVENTS there are, by the name of its structure:
 *
 *   bool NAME_enabled(void)          whether anybody takes such events; ask before costly work
 *   struct NAME *NAME_reserve(void)  a zeroed event with its header filled in; 0 when nobody takes
 *                                    such events, or when the ring is full and the loss is counted
 *
 * and for all of them event_submit() and event_discard().
 */
#ifndef MESHLENS_EMIT_BPF_H
#define MESHLENS_EMIT_BPF_H

#include "maps.bpf.h"

static __always_inline bool event_enabled(__u32 kind)
{
	__u32 *enabled = bpf_map_lookup_elem(&events_enabled, &kind);

	return enabled && *enabled;
}

static __always_inline void *event_reserve(__u32 kind, __u32 length_bytes)
{
	struct record_header *header;
	__u64 *lost;

	if (!event_enabled(kind))
		return 0;
	header = bpf_ringbuf_reserve(&records, length_bytes, 0);
	if (!header) {
		lost = bpf_map_lookup_elem(&events_lost, &kind);
		if (lost)
			__sync_fetch_and_add(lost, 1);
		return 0;
	}
	__builtin_memset(header, 0, length_bytes);
	header->kind = kind;
	header->version = WIRE_ABI_VERSION;
	header->length_bytes = length_bytes;
	return header;
}

static __always_inline void event_submit(void *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Gives back an event that turned out not to be one. */
static __always_inline void event_discard(void *event)
{
	bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
}

#define EVENT_FUNCTIONS(name, kind)                                                                \
	static __always_inline __attribute__((unused)) bool name##_enabled(void)                   \
	{                                                                                          \
		return event_enabled(kind);                                                        \
	}                                                                                          \
	static __always_inline __attribute__((unused)) struct name *name##_reserve(void)           \
	{                                                                                          \
		_Static_assert((kind) < RECORD_KIND_LIMIT, #name " has a kind out of range");      \
		return event_reserve(kind, sizeof(struct name));                                   \
	}

WIRE_EVENTS(EVENT_FUNCTIONS)

#endif
