// SPDX-License-Identifier: Apache-2.0
/* What the binding's tests load: one program or map for each thing the binding can do. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum verdict {
	VERDICT_DROP = 1,
	VERDICT_PASS = 3,
};

/* Each kind of member the BTF reader tells apart. */
struct layout_sample {
	__u64 sequence;
	__be16 port_be;
	__s16 delta;
	__u8 address[16];
	char label[4];
	const volatile __u32 fixed;
	__u32 words[3];
	struct {
		__u8 low;
		__u8 high;
	} pair;
	enum verdict verdict;
	void *pointer;
	__u32 narrow : 3;
	_Bool flag;
};

/* Never written; makes the compiler keep the type. */
struct layout_sample layout_sample_kept;

/* Read by the producer program. */
const volatile __u32 multiplier = 1;
const volatile __s16 bias;
const volatile __u8 small;
const volatile __u64 wide;
const volatile _Bool negate;
const volatile char text[8] = "text";

/* One sequence number per record; the test chooses the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hashed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} percpu_hashed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, __u64);
} percpu_cells SEC(".maps");

struct locked_cell {
	struct bpf_spin_lock lock;
	__u32 words[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, struct locked_cell);
} locked_cells SEC(".maps");

/* So large that no CPU runs out of room and evicts what the tests put in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10000);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} sockets SEC(".maps");

/* Has keys, and no batch operations. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

/*
 * 0: records dropped for want of room; 1: sock_ops calls; 2: raw tracepoint calls; 3: connects;
 * 4: connects of marked sockets.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* 0: the port that rewrite_port turns all others into; 1: the port that note_port saw. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} ports SEC(".maps");

struct produce_args {
	__u64 first;
	__u32 count;
	/* Each record whose sequence is a multiple of this is discarded; 0 for none. */
	__u32 discard_every;
};

static void count(__u32 index)
{
	__u64 *cell = bpf_map_lookup_elem(&counts, &index);

	if (cell)
		__sync_fetch_and_add(cell, 1);
}

static long produce_one(__u32 index, struct produce_args *args)
{
	__u64 sequence = args->first + index;
	__u64 *record;

	record = bpf_ringbuf_reserve(&records, sizeof(*record) * 2, 0);
	if (!record) {
		count(0);
		return 0;
	}
	record[0] = sequence;
	record[1] = sequence * multiplier + bias + small + wide + negate;
	if (args->discard_every && sequence % args->discard_every == 0)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("syscall")
int produce(struct produce_args *ctx)
{
	struct produce_args args = *ctx;

	/*
	 * Cleared above 32 bits by hand: clang leaves that to the helper, whose argument is 32
	 * bits wide, but a bpf_loop that the verifier inlines compares all 64.
	 */
	__u64 rounds = args.count;

	asm volatile("" : "+r"(rounds));
	bpf_loop(rounds, produce_one, &args, 0);
	return 42;
}

SEC("sockops")
int watch_sockets(struct bpf_sock_ops *ctx)
{
	count(1);
	return 1;
}

SEC("sockops")
int count_connects(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		count(3);
	return 1;
}

/* Gives each socket that connects from the cgroup its own port as its entry. */
SEC("sockops")
int mark_sockets(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	__u64 port = ctx->local_port;

	if (socket && ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		bpf_sk_storage_get(&sockets, socket, &port, BPF_SK_STORAGE_GET_F_CREATE);
	return 1;
}

SEC("sockops")
int count_marked(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *socket = ctx->sk;

	if (socket && ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB &&
	    bpf_sk_storage_get(&sockets, socket, 0, 0))
		count(4);
	return 1;
}

SEC("cgroup/connect4")
int rewrite_port(struct bpf_sock_addr *ctx)
{
	__u32 index = 0;
	__u64 *port = bpf_map_lookup_elem(&ports, &index);

	if (port)
		ctx->user_port = bpf_htons(*port);
	return 1;
}

SEC("cgroup/connect4")
int note_port(struct bpf_sock_addr *ctx)
{
	__u32 index = 1;
	__u64 port = bpf_ntohs(ctx->user_port);

	bpf_map_update_elem(&ports, &index, &port, BPF_ANY);
	return 1;
}

SEC("raw_tp/sys_enter")
int watch_calls(void *ctx)
{
	count(2);
	return 0;
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_map {
	__u32 id;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__u16 skc_num;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct bpf_iter__bpf_map_elem {
	void *key;
	void *value;
};

struct bpf_iter__bpf_sk_storage_map {
	struct sock *sk;
	void *value;
};

struct bpf_iter__tcp {
	struct sock_common *sk_common;
};

#pragma clang attribute pop

SEC("iter/bpf_map")
int list_maps(struct bpf_iter__bpf_map *ctx)
{
	/* Read once: the verifier forgets the check of a pointer that is read from ctx again. */
	struct bpf_map *map = ctx->map;
	__u32 id;

	if (!map)
		return 0;
	id = map->id;
	bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}

/* Writes nothing: copies each entry, doubled, to another map. */
SEC("iter/bpf_map_elem")
int double_entries(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, copied_key;
	__u64 *value = ctx->value, doubled;

	if (!key || !value)
		return 0;
	copied_key = *key;
	doubled = *value * 2;
	bpf_map_update_elem(&recent, &copied_key, &doubled, BPF_ANY);
	return 0;
}

/* Writes nothing: notes the port of each socket, and its entry beside it. */
SEC("iter/bpf_sk_storage_map")
int note_sockets(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	__u64 *value = ctx->value, copied;
	struct sock *socket = ctx->sk;
	__u32 port;

	if (!value || !socket)
		return 0;
	port = socket->__sk_common.skc_num;
	copied = *value;
	bpf_map_update_elem(&recent, &port, &copied, BPF_ANY);
	return 0;
}

/* Notes the port of each listener, and its network namespace's number beside it. */
SEC("iter/tcp")
int note_listeners(struct bpf_iter__tcp *ctx)
{
	struct sock_common *socket = ctx->sk_common;
	__u64 namespace;
	__u32 port;

	if (!socket || socket->skc_state != BPF_TCP_LISTEN)
		return 0;
	port = socket->skc_num;
	namespace = socket->skc_net.net->ns.inum;
	bpf_map_update_elem(&recent, &port, &namespace, BPF_ANY);
	return 0;
}
