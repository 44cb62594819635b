// SPDX-License-Identifier: Apache-2.0
/* BpfObject: an ELF object from open to attach. Handles are struct bpf_object pointers. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

#define MAX_NAME_BYTES 256

/* include/uapi/linux/bpf.h of Linux 6.6 and 6.15, for older headers. */
#ifndef BPF_F_BEFORE
#define BPF_F_BEFORE (1U << 3)
#endif
#ifndef BPF_F_PREORDER
#define BPF_F_PREORDER (1U << 6)
#endif

static jlong object__open(JNIEnv *env, jclass type, jbyteArray path, jbyteArray log)
{
	struct log_capture capture;
	char text[PATH_MAX];
	jlong result;
	int err = text__copy(env, path, text, sizeof(text));

	if (err)
		return err;
	log__begin(env, &capture, log);
	result = pointer__result(bpf_object__open_file(text, NULL));
	log__end(env, &capture, log);
	return result;
}

static void object__close(JNIEnv *env, jclass type, jlong object)
{
	bpf_object__close(handle__pointer(object));
}

static jint object__load(JNIEnv *env, jclass type, jlong object, jbyteArray log)
{
	struct log_capture capture;
	int err;

	log__begin(env, &capture, log);
	err = bpf_object__load(handle__pointer(object));
	log__end(env, &capture, log);
	return err;
}

static jbyteArray object__btf(JNIEnv *env, jclass type, jlong object)
{
	const struct btf *btf = bpf_object__btf(handle__pointer(object));
	const void *raw;
	jbyteArray bytes;
	__u32 size;

	raw = btf ? btf__raw_data(btf, &size) : NULL;
	bytes = (*env)->NewByteArray(env, raw ? (jsize)size : 0);
	if (bytes && raw)
		(*env)->SetByteArrayRegion(env, bytes, 0, (jsize)size, raw);
	return bytes;
}

static jlong object__next_program(JNIEnv *env, jclass type, jlong object, jlong program)
{
	return pointer__handle(
		bpf_object__next_program(handle__pointer(object), handle__pointer(program)));
}

static jstring object__program_name(JNIEnv *env, jclass type, jlong program)
{
	return (*env)->NewStringUTF(env, bpf_program__name(handle__pointer(program)));
}

static jlong object__next_map(JNIEnv *env, jclass type, jlong object, jlong map)
{
	return pointer__handle(bpf_object__next_map(handle__pointer(object), handle__pointer(map)));
}

static jstring object__map_name(JNIEnv *env, jclass type, jlong map)
{
	return (*env)->NewStringUTF(env, bpf_map__name(handle__pointer(map)));
}

static jint object__set_max_entries(JNIEnv *env, jclass type, jlong map, jint max_entries)
{
	return bpf_map__set_max_entries(handle__pointer(map), (__u32)max_entries);
}

static jint object__pin_map(JNIEnv *env, jclass type, jlong map, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : bpf_map__set_pin_path(handle__pointer(map), text);
}

static jint object__disable(JNIEnv *env, jclass type, jlong program)
{
	return bpf_program__set_autoload(handle__pointer(program), false);
}

static int object__patch(struct bpf_map *map, size_t offset, const void *value, size_t size)
{
	const void *initial;
	size_t map_size = 0;
	char *patched;
	int err;

	initial = bpf_map__initial_value(map, &map_size);
	if (!initial || offset > map_size || size > map_size - offset)
		return -EINVAL;
	patched = malloc(map_size);
	if (!patched)
		return -ENOMEM;
	memcpy(patched, initial, map_size);
	memcpy(patched + offset, value, size);
	err = bpf_map__set_initial_value(map, patched, map_size);
	free(patched);
	return err;
}

static jint object__set_rodata(JNIEnv *env, jclass type, jlong object, jint offset, jint size,
			       jlong value)
{
	struct bpf_map *map;
	int8_t byte = (int8_t)value;
	int16_t half = (int16_t)value;
	int32_t word = (int32_t)value;

	map = bpf_object__find_map_by_name(handle__pointer(object), ".rodata");
	if (!map)
		return -ENOENT;
	switch (size) {
	case 1:
		return object__patch(map, (size_t)offset, &byte, sizeof(byte));
	case 2:
		return object__patch(map, (size_t)offset, &half, sizeof(half));
	case 4:
		return object__patch(map, (size_t)offset, &word, sizeof(word));
	case 8:
		return object__patch(map, (size_t)offset, &value, sizeof(value));
	default:
		return -EINVAL;
	}
}

/* A descriptor of its own, so that a BpfMap outlives the object it came from. */
static jint object__map_fd(JNIEnv *env, jclass type, jlong map)
{
	int fd = bpf_map__fd(handle__pointer(map));

	if (fd < 0)
		return -EBADF;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static jlong object__attach(JNIEnv *env, jclass type, jlong program, jbyteArray log)
{
	struct log_capture capture;
	jlong result;

	log__begin(env, &capture, log);
	result = link__handle(bpf_program__attach(handle__pointer(program)));
	log__end(env, &capture, log);
	return result;
}

/* Over a map's elements, or without one (-1) over what the program's section names. */
static jlong object__attach_iterator(JNIEnv *env, jclass type, jlong program, jint map_fd,
				     jbyteArray log)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	union bpf_iter_link_info info;
	struct log_capture capture;
	jlong result;

	/* All of it: a kernel whose union is smaller insists on zeros in the rest. */
	memset(&info, 0, sizeof(info));
	if (map_fd >= 0) {
		info.map.map_fd = (__u32)map_fd;
		opts.link_info = &info;
		opts.link_info_len = sizeof(info);
	}
	log__begin(env, &capture, log);
	result = link__handle(bpf_program__attach_iter(handle__pointer(program), &opts));
	log__end(env, &capture, log);
	return result;
}

/* 0 when this kernel cannot order cgroup programs. */
static jlong object__link_cgroup(struct bpf_program *program, int cgroup_fd, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd;

	if (!flags)
		return link__handle(bpf_program__attach_cgroup(program, cgroup_fd));
	fd = bpf_link_create(bpf_program__fd(program), cgroup_fd,
			     bpf_program__expected_attach_type(program), &opts);
	if (fd == -EINVAL)
		return 0;
	return fd < 0 ? fd : link__handle_of_fd(fd);
}

static jlong object__attach_cgroup(JNIEnv *env, jclass type, jlong program, jbyteArray directory,
				   jint order, jbyteArray log)
{
	/* By the codes of CgroupOrder. */
	static const __u32 flags[] = {0, BPF_F_BEFORE, BPF_F_BEFORE | BPF_F_PREORDER};
	struct log_capture capture;
	char path[PATH_MAX];
	jlong result;
	int fd, err;

	if (order < 0 || (size_t)order >= ARRAY_LENGTH(flags))
		return -EINVAL;
	err = text__copy(env, directory, path, sizeof(path));
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	log__begin(env, &capture, log);
	result = object__link_cgroup(handle__pointer(program), fd, flags[order]);
	log__end(env, &capture, log);
	close(fd);
	return result;
}

static jlong object__run(JNIEnv *env, jclass type, jlong program, jobject context, jint position,
			 jint length)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	if (length) {
		opts.ctx_in = buffer__at(env, context, position);
		opts.ctx_size_in = (__u32)length;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(handle__pointer(program)), &opts);
	return err ? err : (jlong)opts.retval;
}

/* Of all processors since the program was loaded; zeros while nobody has the kernel count. */
static jint object__program_runs(JNIEnv *env, jclass type, jlong program, jlongArray runs_and_ns)
{
	int fd = bpf_program__fd(handle__pointer(program));
	struct bpf_prog_info info;
	__u32 size = sizeof(info);
	jlong numbers[2];
	int err;

	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof(info));
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err)
		return err;
	numbers[0] = (jlong)info.run_cnt;
	numbers[1] = (jlong)info.run_time_ns;
	(*env)->SetLongArrayRegion(env, runs_and_ns, 0, ARRAY_LENGTH(numbers), numbers);
	return 0;
}

static const JNINativeMethod object_methods[] = {
	NATIVE("open0", "([B[B)J", object__open),
	NATIVE("close0", "(J)V", object__close),
	NATIVE("load0", "(J[B)I", object__load),
	NATIVE("btf0", "(J)[B", object__btf),
	NATIVE("nextProgram0", "(JJ)J", object__next_program),
	NATIVE("programName0", "(J)Ljava/lang/String;", object__program_name),
	NATIVE("nextMap0", "(JJ)J", object__next_map),
	NATIVE("mapName0", "(J)Ljava/lang/String;", object__map_name),
	NATIVE("setMaxEntries0", "(JI)I", object__set_max_entries),
	NATIVE("pinMap0", "(J[B)I", object__pin_map),
	NATIVE("disable0", "(J)I", object__disable),
	NATIVE("setRodata0", "(JIIJ)I", object__set_rodata),
	NATIVE("mapFd0", "(J)I", object__map_fd),
	NATIVE("attach0", "(J[B)J", object__attach),
	NATIVE("attachIterator0", "(JI[B)J", object__attach_iterator),
	NATIVE("attachCgroup0", "(J[BI[B)J", object__attach_cgroup),
	NATIVE("programRuns0", "(J[J)I", object__program_runs),
	NATIVE("run0", "(JLjava/nio/ByteBuffer;II)J", object__run),
};

const struct native_class object_class = {
	.name = "io/meshlens/libbpf/BpfObject",
	.methods = object_methods,
	.count = ARRAY_LENGTH(object_methods),
};
