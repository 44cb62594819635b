// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who the sidecar is, by the node's process numbers, which it cannot see from a PID namespace of
 * its own: it reads this iterator, and the program runs in its process.
 */
#include "sockets.bpf.h"

static __always_inline void note_reader(struct filter_control *seen)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct filter_control *control;
	__u32 zero = 0;

	if (!seen)
		return;
	control = bpf_map_lookup_elem(&filter_control, &zero);
	if (!control)
		return;
	control->own_start_mono_ns = BPF_CORE_READ(task, group_leader, start_time);
	control->own_pid = running_pid();
}

SEC("iter/bpf_map_elem")
int note_own_process(struct bpf_iter__bpf_map_elem *ctx)
{
	note_reader(ctx->value);
	return 0;
}
