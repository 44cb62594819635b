// SPDX-License-Identifier: Apache-2.0
/* What a service mesh does to connect(2), for tests: sends some connections elsewhere, forbids
 * others. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* 127.0.0.2:81 becomes 127.0.0.1:8081. */
SEC("cgroup/connect4")
int redirect4(struct bpf_sock_addr *ctx)
{
	if (ctx->user_ip4 == bpf_htonl(0x7f000002) && ctx->user_port == bpf_htons(81)) {
		ctx->user_ip4 = bpf_htonl(0x7f000001);
		ctx->user_port = bpf_htons(8081);
	}
	return 1;
}

/* [2001:db8::2]:81 becomes [::1]:8081. */
SEC("cgroup/connect6")
int redirect6(struct bpf_sock_addr *ctx)
{
	if (ctx->user_ip6[0] == bpf_htonl(0x20010db8) && ctx->user_ip6[1] == 0 &&
	    ctx->user_ip6[2] == 0 && ctx->user_ip6[3] == bpf_htonl(2) &&
	    ctx->user_port == bpf_htons(81)) {
		ctx->user_ip6[0] = 0;
		ctx->user_ip6[1] = 0;
		ctx->user_ip6[2] = 0;
		ctx->user_ip6[3] = bpf_htonl(1);
		ctx->user_port = bpf_htons(8081);
	}
	return 1;
}

/* Nobody gets to port 82: EPERM. */
SEC("cgroup/connect4")
int forbid4(struct bpf_sock_addr *ctx)
{
	return ctx->user_port != bpf_htons(82);
}
