// SPDX-License-Identifier: Apache-2.0
/* BpfIterator: one pass over what an iterator program writes. Handles are descriptors. */
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

/* The kernel answers EAGAIN after a million objects without output; so it has got on since. */
#define MAX_SILENT_READS 1024

static jint iter__open(JNIEnv *env, jclass type, jlong link)
{
	return bpf_iter_create(bpf_link__fd(handle__pointer(link)));
}

static void iter__close(JNIEnv *env, jclass type, jint fd)
{
	close(fd);
}

static jint iter__read(JNIEnv *env, jclass type, jint fd, jobject buffer, jint position,
		       jint length)
{
	void *target = buffer__at(env, buffer, position);
	ssize_t count;
	int tries = 0;

	do {
		count = read(fd, target, (size_t)length);
	} while (count < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < MAX_SILENT_READS);
	return count < 0 ? -errno : (jint)count;
}

static const JNINativeMethod iter_methods[] = {
	NATIVE("open0", "(J)I", iter__open),
	NATIVE("close0", "(I)V", iter__close),
	NATIVE("read0", "(ILjava/nio/ByteBuffer;II)I", iter__read),
};

const struct native_class iter_class = {
	.name = "io/meshlens/libbpf/BpfIterator",
	.methods = iter_methods,
	.count = ARRAY_LENGTH(iter_methods),
};
