// SPDX-License-Identifier: Apache-2.0
/* BpfIterator: one pass of an iterator program over its objects. Handles are descriptors. */
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

static ssize_t iter__next(jint fd, void *target, size_t length)
{
	ssize_t count;
	int tries = 0;

	do {
		count = read(fd, target, length);
	} while (count < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < MAX_SILENT_READS);
	return count < 0 ? -errno : count;
}

static jint iter__read(JNIEnv *env, jclass type, jint fd, jobject buffer, jint position,
		       jint length)
{
	return (jint)iter__next(fd, buffer__at(env, buffer, position), (size_t)length);
}

static jlong iter__run(JNIEnv *env, jclass type, jint fd)
{
	char discarded[4096];
	jlong total = 0;
	ssize_t count;

	while ((count = iter__next(fd, discarded, sizeof(discarded))) > 0)
		total += count;
	return count < 0 ? count : total;
}

static const JNINativeMethod iter_methods[] = {
	NATIVE("open0", "(J)I", iter__open),
	NATIVE("close0", "(I)V", iter__close),
	NATIVE("read0", "(ILjava/nio/ByteBuffer;II)I", iter__read),
	NATIVE("run0", "(I)J", iter__run),
};

const struct native_class iter_class = {
	.name = "io/meshlens/libbpf/BpfIterator",
	.methods = iter_methods,
	.count = ARRAY_LENGTH(iter_methods),
};
