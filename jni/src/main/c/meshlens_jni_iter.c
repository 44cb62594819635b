// SPDX-License-Identifier: Apache-2.0
/* BpfIterator: one pass of an iterator program over its objects. Handles are descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

/* The kernel answers EAGAIN after a million objects without output; so it has got on since. */
#define MAX_SILENT_READS 1024

static jint iter__open(JNIEnv *env, jclass type, jlong link)
{
	return bpf_iter_create(link__fd(link));
}

/*
 * An iterator over sockets walks the network namespace of the thread that creates it, at
 * bpf_iter_create, not of the one that reads. So this thread visits the namespace for that call.
 */
static int iter__create_there(JNIEnv *env, int link_fd, int here_fd, int there_fd)
{
	int fd;

	if (setns(there_fd, CLONE_NEWNET))
		return -errno;
	fd = bpf_iter_create(link_fd);
	/* Whatever this thread did next would happen in the wrong network. */
	if (setns(here_fd, CLONE_NEWNET))
		(*env)->FatalError(env, "cannot return to this thread's network namespace");
	return fd;
}

static jint iter__open_in_namespace(JNIEnv *env, jclass type, jlong link, jbyteArray namespace)
{
	int here_fd, there_fd, result;
	char path[PATH_MAX];

	result = text__copy(env, namespace, path, sizeof(path));
	if (result)
		return result;
	there_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (there_fd < 0)
		return -errno;
	here_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (here_fd < 0)
		result = -errno;
	else
		result = iter__create_there(env, link__fd(link), here_fd, there_fd);
	if (here_fd >= 0)
		close(here_fd);
	close(there_fd);
	return result;
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
	NATIVE("openInNamespace0", "(J[B)I", iter__open_in_namespace),
	NATIVE("close0", "(I)V", iter__close),
	NATIVE("read0", "(ILjava/nio/ByteBuffer;II)I", iter__read),
	NATIVE("run0", "(I)J", iter__run),
};

const struct native_class iter_class = {
	.name = "io/meshlens/libbpf/BpfIterator",
	.methods = iter_methods,
	.count = ARRAY_LENGTH(iter_methods),
};
