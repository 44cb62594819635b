/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addition to the sums for each address pair. */
#ifndef MESHLENS_SUMS_BPF_H
#define MESHLENS_SUMS_BPF_H

#include "maps.bpf.h"

/* This CPU's row for a key: made when missing, the overflow row when there is no room. */
static __always_inline struct sums_value *sums_row(const struct sums_key *key)
{
	struct sums_value *row = bpf_map_lookup_elem(&sums, key);
	__u32 overflow = key->direction - 1;

	if (row)
		return row;

	/* Another CPU may have just made it: whatever the answer, look again. */
	struct sums_value zero = {};

	bpf_map_update_elem(&sums, key, &zero, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&sums, key);
	if (row)
		return row;

	count(KERNEL_COUNTER_SUMS_FOLDED);
	return bpf_map_lookup_elem(&sums_overflow, &overflow);
}

static __always_inline bool sums_is_zero(const struct sums_value *delta)
{
	return !(delta->connections_opened | delta->connections_closed | delta->connections_failed |
		 delta->bytes_sent | delta->bytes_received | delta->packets_sent |
		 delta->packets_received | delta->retransmits);
}

/* Adds every non-zero field of delta; atomic for the reason given at count(). */
static __always_inline void sums_add(const struct sums_key *key, const struct sums_value *delta)
{
	struct sums_value *row = sums_row(key);

	if (!row)
		return;
	if (delta->connections_opened)
		__sync_fetch_and_add(&row->connections_opened, delta->connections_opened);
	if (delta->connections_closed)
		__sync_fetch_and_add(&row->connections_closed, delta->connections_closed);
	if (delta->connections_failed)
		__sync_fetch_and_add(&row->connections_failed, delta->connections_failed);
	if (delta->bytes_sent)
		__sync_fetch_and_add(&row->bytes_sent, delta->bytes_sent);
	if (delta->bytes_received)
		__sync_fetch_and_add(&row->bytes_received, delta->bytes_received);
	if (delta->packets_sent)
		__sync_fetch_and_add(&row->packets_sent, delta->packets_sent);
	if (delta->packets_received)
		__sync_fetch_and_add(&row->packets_received, delta->packets_received);
	if (delta->retransmits)
		__sync_fetch_and_add(&row->retransmits, delta->retransmits);
}

#endif
