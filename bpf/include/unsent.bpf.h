/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attempts to connect that ended before a SYN left: no route, no free port, forbidden. The kernel
 * tells only the caller of connect(2) why, so the record has no errno.
 */
#ifndef MESHLENS_UNSENT_BPF_H
#define MESHLENS_UNSENT_BPF_H

#include "connection.bpf.h"

/* How long connect(2) may take from its hook to the SYN; it takes microseconds. */
#define UNSENT_AFTER_NS 1000000000ULL

/* Ends an attempt; true for only one of those who try. */
static __always_inline bool unsent_claim(struct socket_state *state)
{
	bool mine = false;

	bpf_spin_lock(&state->lock);
	if (state->phase == SOCKET_PHASE_DIALLING) {
		state->phase = SOCKET_PHASE_OVER;
		mine = true;
	}
	bpf_spin_unlock(&state->lock);
	return mine;
}

/* The record and the sums of an attempt that was claimed. */
static __always_inline void report_unsent(struct socket_state *state)
{
	struct sums_value delta = {.connections_failed = 1};
	struct sums_key key = {
		.direction = CONNECTION_DIRECTION_OUTBOUND,
		.server_port_be = state->dialled_port_be,
		.error = CONNECTION_ERROR_UNKNOWN,
	};
	struct connection_record *record;

	if (state->unsent_excluded)
		return;
	__builtin_memcpy(key.server_address, state->dialled_address, sizeof(key.server_address));
	sums_add(&key, &delta);

	record = connection_record_reserve();
	if (!record)
		return;
	fill_identity(record, state);
	__builtin_memcpy(record->remote_address, state->dialled_address, 16);
	record->remote_port_be = state->dialled_port_be;
	record->event = CONNECTION_EVENT_FAILED;
	record->error = CONNECTION_ERROR_UNKNOWN;
	record->last_state = CONNECTION_STATE_CLOSE;
	event_submit(record);
}

#endif
