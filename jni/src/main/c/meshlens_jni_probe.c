// SPDX-License-Identifier: Apache-2.0
/* KernelProbe: the kernel's ids by name, and what the running kernel supports. */
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

#define MAX_NAME_BYTES 64
#define CONSTANT(name)                                                                             \
	{                                                                                          \
#name, name                                                                        \
	}

static const struct {
	const char *name;
	jint value;
} constants[] = {
	CONSTANT(BPF_PROG_TYPE_CGROUP_SKB),
	CONSTANT(BPF_PROG_TYPE_CGROUP_SOCK),
	CONSTANT(BPF_PROG_TYPE_CGROUP_SOCK_ADDR),
	CONSTANT(BPF_PROG_TYPE_CGROUP_SOCKOPT),
	CONSTANT(BPF_PROG_TYPE_KPROBE),
	CONSTANT(BPF_PROG_TYPE_RAW_TRACEPOINT),
	CONSTANT(BPF_PROG_TYPE_SCHED_CLS),
	CONSTANT(BPF_PROG_TYPE_SK_MSG),
	CONSTANT(BPF_PROG_TYPE_SK_SKB),
	CONSTANT(BPF_PROG_TYPE_SOCK_OPS),
	CONSTANT(BPF_PROG_TYPE_SYSCALL),
	CONSTANT(BPF_PROG_TYPE_TRACEPOINT),
	CONSTANT(BPF_PROG_TYPE_TRACING),
	CONSTANT(BPF_MAP_TYPE_ARRAY),
	CONSTANT(BPF_MAP_TYPE_HASH),
	CONSTANT(BPF_MAP_TYPE_LRU_HASH),
	CONSTANT(BPF_MAP_TYPE_LRU_PERCPU_HASH),
	CONSTANT(BPF_MAP_TYPE_PERCPU_ARRAY),
	CONSTANT(BPF_MAP_TYPE_PERCPU_HASH),
	CONSTANT(BPF_MAP_TYPE_RINGBUF),
	CONSTANT(BPF_MAP_TYPE_SK_STORAGE),
	CONSTANT(BPF_MAP_TYPE_SOCKHASH),
	CONSTANT(BPF_MAP_TYPE_SOCKMAP),
	CONSTANT(BPF_FUNC_get_current_cgroup_id),
	CONSTANT(BPF_FUNC_get_current_task),
	CONSTANT(BPF_FUNC_get_netns_cookie),
	CONSTANT(BPF_FUNC_get_socket_cookie),
	CONSTANT(BPF_FUNC_ktime_get_ns),
	CONSTANT(BPF_FUNC_loop),
	CONSTANT(BPF_FUNC_msg_redirect_hash),
	CONSTANT(BPF_FUNC_probe_read_kernel),
	CONSTANT(BPF_FUNC_ringbuf_output),
	CONSTANT(BPF_FUNC_ringbuf_query),
	CONSTANT(BPF_FUNC_ringbuf_reserve),
	CONSTANT(BPF_FUNC_seq_write),
	CONSTANT(BPF_FUNC_sk_storage_get),
	CONSTANT(BPF_FUNC_skc_to_tcp6_sock),
	CONSTANT(BPF_FUNC_skc_to_tcp_sock),
	CONSTANT(BPF_FUNC_sock_hash_update),
	CONSTANT(BPF_FUNC_sock_ops_cb_flags_set),
	CONSTANT(BPF_FUNC_tcp_sock),
};

static jint probe__kernel_id(JNIEnv *env, jclass type, jbyteArray name)
{
	char text[MAX_NAME_BYTES];
	int err = text__copy(env, name, text, sizeof(text));
	size_t i;

	if (err)
		return err;
	for (i = 0; i < ARRAY_LENGTH(constants); i++)
		if (!strcmp(constants[i].name, text))
			return constants[i].value;
	return -ENOENT;
}

/*
 * libbpf's probes read every refusal as "not supported", EPERM included. So a no counts only when
 * this process may load a program that any kernel with BPF accepts.
 */
static int probe__refusal(int answer)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd;

	if (answer != 0)
		return answer;
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, NULL, "GPL", insns, ARRAY_LENGTH(insns), NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static jint probe__map_type(JNIEnv *env, jclass type, jint map_type)
{
	return probe__refusal(libbpf_probe_bpf_map_type((enum bpf_map_type)map_type, NULL));
}

/* Types whose programs load only for a target, so that a failure to load says little. */
static bool probe__needs_target(jint program_type)
{
	return program_type == BPF_PROG_TYPE_TRACING || program_type == BPF_PROG_TYPE_EXT ||
	       program_type == BPF_PROG_TYPE_LSM || program_type == BPF_PROG_TYPE_STRUCT_OPS;
}

static jint probe__program_type(JNIEnv *env, jclass type, jint program_type)
{
	int answer = libbpf_probe_bpf_prog_type((enum bpf_prog_type)program_type, NULL);

	if (answer == 0 && probe__needs_target(program_type))
		return -EOPNOTSUPP;
	return probe__refusal(answer);
}

/*
 * Not libbpf_probe_bpf_helper: that of libbpf 1.1 takes the verifier's newer refusal, the third
 * below, for a complaint about arguments, and answers yes.
 */
static jint probe__helper(JNIEnv *env, jclass type, jint program_type, jint helper)
{
	static const char *const refusals[] = {
		"invalid func ",
		"unknown func ",
		"program of this type cannot use helper ",
	};
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = helper},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1, .log_buf = log,
		    .log_size = sizeof(log));
	size_t i;
	int fd;

	switch (program_type) {
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		opts.expected_attach_type = BPF_CGROUP_INET4_CONNECT;
		break;
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
		opts.expected_attach_type = BPF_CGROUP_GETSOCKOPT;
		break;
	case BPF_PROG_TYPE_SYSCALL:
		opts.prog_flags = BPF_F_SLEEPABLE;
		break;
	default:
		if (probe__needs_target(program_type))
			return -EOPNOTSUPP;
	}
	fd = bpf_prog_load((enum bpf_prog_type)program_type, NULL, "GPL", insns,
			   ARRAY_LENGTH(insns), &opts);
	if (fd >= 0) {
		close(fd);
		return 1;
	}
	if (fd == -EPERM)
		return fd;
	for (i = 0; i < ARRAY_LENGTH(refusals); i++)
		if (strstr(log, refusals[i]))
			return 0;
	/* The verifier spoke of something else, the arguments: the helper itself is allowed. */
	return log[0] != '\0';
}

static const JNINativeMethod probe_methods[] = {
	NATIVE("kernelId0", "([B)I", probe__kernel_id),
	NATIVE("mapType0", "(I)I", probe__map_type),
	NATIVE("programType0", "(I)I", probe__program_type),
	NATIVE("helper0", "(II)I", probe__helper),
};

const struct native_class probe_class = {
	.name = "io/meshlens/libbpf/KernelProbe",
	.methods = probe_methods,
	.count = ARRAY_LENGTH(probe_methods),
};
