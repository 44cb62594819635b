// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keeps every type of the byte contract in the object's BTF, where the reader generator and the
 * sidecar's start-up check find it. A type that is not named here does not exist for them.
 */
#include "kernel.bpf.h"
#include "wire.h"

struct wire_types {
	struct record_header record_header;
	struct connection_record connection_record;
	struct udp_record udp_record;
	struct sums_key sums_key;
	struct sums_value sums_value;
	struct filter_control filter_control;
	struct filter_head filter_head;
	struct filter_rule filter_rule;
	struct filter_cgroup filter_cgroup;
	enum wire_abi wire_abi;
	enum record_kind record_kind;
	enum connection_event connection_event;
	enum connection_flag connection_flag;
	enum connection_error connection_error;
	enum connection_direction connection_direction;
	enum connection_state connection_state;
	enum kernel_counter kernel_counter;
	enum udp_ending udp_ending;
	enum udp_use udp_use;
	enum udp_slots udp_slots;
	enum socket_slots socket_slots;
	enum socket_use socket_use;
	enum filter_verdict filter_verdict;
	enum filter_need filter_need;
	enum filter_limit filter_limit;
};

/* Never read and never set. */
const struct wire_types *const volatile wire_types = 0;
