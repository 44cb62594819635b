// SPDX-License-Identifier: Apache-2.0
/* BpfFileSystem: where pins can be made. */
#include <limits.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "meshlens_jni.h"

/* 1 when the directory is on a BPF file system, 0 when on another. */
static jint bpffs__contains(JNIEnv *env, jclass type, jbyteArray directory)
{
	char path[PATH_MAX];
	struct statfs found;
	int err = text__copy(env, directory, path, sizeof(path));

	if (err)
		return err;
	if (statfs(path, &found))
		return -errno;
	return (uint32_t)found.f_type == BPF_FS_MAGIC;
}

static const JNINativeMethod bpffs_methods[] = {
	NATIVE("contains0", "([B)I", bpffs__contains),
};

const struct native_class bpffs_class = {
	.name = "io/meshlens/libbpf/BpfFileSystem",
	.methods = bpffs_methods,
	.count = ARRAY_LENGTH(bpffs_methods),
};
