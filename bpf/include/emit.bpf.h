/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only way out through the ring: reserve, zero, fill, submit. Nothing wakes the reader, which
 * paces itself: one wake-up for each record would cost a third of the machine's connection rate.
 */
#ifndef MESHLENS_EMIT_BPF_H
#define MESHLENS_EMIT_BPF_H

#include "maps.bpf.h"

/* A zeroed record with its header filled in, or 0 with the loss counted. */
static __always_inline void *record_reserve(__u16 kind, __u32 length_bytes)
{
	struct record_header *header = bpf_ringbuf_reserve(&records, length_bytes, 0);

	if (!header) {
		count(KERNEL_COUNTER_RECORDS_LOST_RING_FULL);
		return 0;
	}
	__builtin_memset(header, 0, length_bytes);
	header->kind = kind;
	header->version = WIRE_ABI_VERSION;
	header->length_bytes = length_bytes;
	return header;
}

static __always_inline void record_submit(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* Gives back a record that turned out not to be one. */
static __always_inline void record_discard(void *record)
{
	bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
}

#endif
