// SPDX-License-Identifier: Apache-2.0
/* RingBuffer: maps a ring's pages and waits for records. Records are read without any call. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meshlens_jni.h"

static jint ring__page_bytes(JNIEnv *env, jclass type)
{
	return (jint)sysconf(_SC_PAGESIZE);
}

static jint ring__duplicate(JNIEnv *env, jclass type, jint fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

static jlong ring__map(jint fd, size_t length, int protection, off_t offset)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, fd, offset);

	return address == MAP_FAILED ? -(jlong)errno : pointer__handle(address);
}

static jlong ring__map_consumer(JNIEnv *env, jclass type, jint fd)
{
	return ring__map(fd, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, 0);
}

static jlong ring__map_producer(JNIEnv *env, jclass type, jint fd, jlong length)
{
	return ring__map(fd, (size_t)length, PROT_READ, sysconf(_SC_PAGESIZE));
}

static void ring__unmap(JNIEnv *env, jclass type, jlong address, jlong length)
{
	munmap(handle__pointer(address), (size_t)length);
}

/* 1 when there are records, 0 after the time or a signal. */
static jint ring__await(JNIEnv *env, jclass type, jint fd, jint timeout_millis)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	int ready = poll(&wanted, 1, timeout_millis);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready;
}

static void ring__close(JNIEnv *env, jclass type, jint fd)
{
	close(fd);
}

static const JNINativeMethod ring_methods[] = {
	NATIVE("pageBytes0", "()I", ring__page_bytes),
	NATIVE("duplicate0", "(I)I", ring__duplicate),
	NATIVE("mapConsumer0", "(I)J", ring__map_consumer),
	NATIVE("mapProducer0", "(IJ)J", ring__map_producer),
	NATIVE("unmap0", "(JJ)V", ring__unmap),
	NATIVE("await0", "(II)I", ring__await),
	NATIVE("close0", "(I)V", ring__close),
};

const struct native_class ring_class = {
	.name = "io/meshlens/libbpf/RingBuffer",
	.methods = ring_methods,
	.count = ARRAY_LENGTH(ring_methods),
};
