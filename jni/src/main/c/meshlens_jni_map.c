// SPDX-License-Identifier: Apache-2.0
/* BpfMap: entries by descriptor. Buffers are direct; the Java side has checked their sizes. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "meshlens_jni.h"

#define KERNEL_ENOTSUPP 524

/* Flags above the count or errno of lookupBatch0, as in BpfMap. */
#define BATCH_DONE	  (1LL << 32)
#define BATCH_TOO_SMALL	  (1LL << 33)
#define BATCH_UNSUPPORTED (1LL << 34)

/* Order of the fields as in BpfMap.owning. */
static jint map__info(JNIEnv *env, jclass type, jint fd, jintArray fields)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	jint values[6];
	int err;

	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err)
		return err;
	values[0] = (jint)info.type;
	values[1] = (jint)info.key_size;
	values[2] = (jint)info.value_size;
	values[3] = (jint)info.max_entries;
	values[4] = (jint)info.id;
	values[5] = info.type == BPF_MAP_TYPE_PERCPU_HASH ||
		    info.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
		    info.type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
		    info.type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
	(*env)->SetIntArrayRegion(env, fields, 0, ARRAY_LENGTH(values), values);
	return 0;
}

static jstring map__name(JNIEnv *env, jclass type, jint fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.name[0] = '\0';
	return (*env)->NewStringUTF(env, info.name);
}

static void map__close(JNIEnv *env, jclass type, jint fd)
{
	close(fd);
}

/* 1 when found, 0 when not. */
static jint map__lookup(JNIEnv *env, jclass type, jint fd, jobject key, jint key_at, jobject value,
			jint value_at)
{
	int err = bpf_map_lookup_elem(fd, buffer__at(env, key, key_at),
				      buffer__at(env, value, value_at));

	return err == -ENOENT ? 0 : err ? err : 1;
}

/* 1 when written, 0 when the mode forbids it: the key exists, or does not. */
static jint map__update(JNIEnv *env, jclass type, jint fd, jobject key, jint key_at, jobject value,
			jint value_at, jint mode)
{
	static const __u64 flags[] = {BPF_ANY, BPF_NOEXIST, BPF_EXIST};
	int err;

	if (mode < 0 || (size_t)mode >= ARRAY_LENGTH(flags))
		return -EINVAL;
	err = bpf_map_update_elem(fd, buffer__at(env, key, key_at),
				  buffer__at(env, value, value_at), flags[mode]);
	if ((err == -EEXIST && flags[mode] == BPF_NOEXIST) ||
	    (err == -ENOENT && flags[mode] == BPF_EXIST))
		return 0;
	return err ? err : 1;
}

/* 1 when deleted, 0 when there was none. */
static jint map__delete(JNIEnv *env, jclass type, jint fd, jobject key, jint key_at)
{
	int err = bpf_map_delete_elem(fd, buffer__at(env, key, key_at));

	return err == -ENOENT ? 0 : err ? err : 1;
}

/* 1 when next holds a key, 0 behind the last one. A null key asks for the first. */
static jint map__next_key(JNIEnv *env, jclass type, jint fd, jobject key, jobject next)
{
	int err = bpf_map_get_next_key(fd, buffer__at(env, key, 0), buffer__at(env, next, 0));

	return err == -ENOENT ? 0 : err ? err : 1;
}

static jlong map__lookup_batch(JNIEnv *env, jclass type, jint fd, jobject in, jobject out,
			       jobject keys, jint keys_at, jobject values, jint values_at,
			       jint room)
{
	__u32 count = (__u32)room;
	int err;

	err = bpf_map_lookup_batch(fd, buffer__at(env, in, 0), buffer__at(env, out, 0),
				   buffer__at(env, keys, keys_at),
				   buffer__at(env, values, values_at), &count, NULL);
	switch (err) {
	case 0:
		return count;
	case -ENOENT:
		return BATCH_DONE | count;
	case -ENOSPC:
		return BATCH_TOO_SMALL | ENOSPC;
	case -EOPNOTSUPP:
	case -KERNEL_ENOTSUPP:
	case -EINVAL:
		return BATCH_UNSUPPORTED | -err;
	default:
		return err;
	}
}

static jint map__pin(JNIEnv *env, jclass type, jint fd, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : bpf_obj_pin(fd, text);
}

static jint map__unpin(JNIEnv *env, jclass type, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	if (err)
		return err;
	return unlink(text) ? -errno : 0;
}

static jint map__open_pinned(JNIEnv *env, jclass type, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : bpf_obj_get(text);
}

#define BUFFER "Ljava/nio/ByteBuffer;"

static const JNINativeMethod map_methods[] = {
	NATIVE("info0", "(I[I)I", map__info),
	NATIVE("name0", "(I)Ljava/lang/String;", map__name),
	NATIVE("close0", "(I)V", map__close),
	NATIVE("lookup0", "(I" BUFFER "I" BUFFER "I)I", map__lookup),
	NATIVE("update0", "(I" BUFFER "I" BUFFER "II)I", map__update),
	NATIVE("delete0", "(I" BUFFER "I)I", map__delete),
	NATIVE("nextKey0", "(I" BUFFER BUFFER ")I", map__next_key),
	NATIVE("lookupBatch0", "(I" BUFFER BUFFER BUFFER "I" BUFFER "II)J", map__lookup_batch),
	NATIVE("pin0", "(I[B)I", map__pin),
	NATIVE("unpin0", "([B)I", map__unpin),
	NATIVE("openPinned0", "([B)I", map__open_pinned),
};

const struct native_class map_class = {
	.name = "io/meshlens/libbpf/BpfMap",
	.methods = map_methods,
	.count = ARRAY_LENGTH(map_methods),
};
