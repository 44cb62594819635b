// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Events of a type of its own, as many as are asked for: for the tests and the benchmark of the
 * event channel. Needs Linux 5.17 (bpf_loop).
 */
#include "emit.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct load_event {
	struct record_header header;
	__u64 sequence;
};

EVENT_FUNCTIONS(load_event, 15)

struct load {
	__u64 next;	 /* sequence of the first event; after the run, of the one to come */
	__u64 count;	 /* events to emit */
	__u64 truncated; /* 1: each is only a header that claims to be a whole event */
};

static long emit_one(__u32 index, struct load *load)
{
	struct load_event *event;
	struct record_header *header;

	if (load->truncated) {
		header = event_reserve(15, sizeof(*header));
		if (header) {
			header->length_bytes = sizeof(*event);
			event_submit(header);
		}
		return 0;
	}
	event = load_event_reserve();
	if (event) {
		event->sequence = load->next;
		event_submit(event);
	}
	load->next++;
	return 0;
}

SEC("syscall")
int emit_events(struct load *context)
{
	struct load load = *context;

	bpf_loop(load.count, emit_one, &load, 0);
	context->next = load.next;
	return 0;
}
