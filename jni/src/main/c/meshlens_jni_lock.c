// SPDX-License-Identifier: Apache-2.0
/* DirectoryLock: an flock on a directory. Handles are descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

#include "meshlens_jni.h"

static jint lock__try(JNIEnv *env, jclass type, jbyteArray directory)
{
	char path[PATH_MAX];
	int fd, err;

	err = text__copy(env, directory, path, sizeof(path));
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void lock__close(JNIEnv *env, jclass type, jint fd)
{
	close(fd);
}

static const JNINativeMethod lock_methods[] = {
	NATIVE("lock0", "([B)I", lock__try),
	NATIVE("close0", "(I)V", lock__close),
};

const struct native_class lock_class = {
	.name = "io/meshlens/libbpf/DirectoryLock",
	.methods = lock_methods,
	.count = ARRAY_LENGTH(lock_methods),
};
