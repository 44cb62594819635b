// SPDX-License-Identifier: Apache-2.0
/* A program that the verifier refuses: it reads a map's value without asking whether there is. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cells SEC(".maps");

SEC("sockops")
int reads_unchecked(struct bpf_sock_ops *ctx)
{
	__u32 key = 0;
	__u32 *cell = bpf_map_lookup_elem(&cells, &key);

	return *cell;
}
