/* SPDX-License-Identifier: Apache-2.0 */
/* What the C files of the bindings share: method tables, text, the log capture, namespaces. */
#ifndef MESHLENS_JNI_H
#define MESHLENS_JNI_H

#include <errno.h>
#include <jni.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bump together with NativeLibrary.ABI_VERSION whenever a native's name or meaning changes. */
#define MESHLENS_JNI_ABI_VERSION 2

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NATIVE(method, signature, function)                                                        \
	{                                                                                          \
		(char *)(method), (char *)(signature), (function)                                  \
	}

/* The natives of one Java class. */
struct native_class {
	const char *name;
	const JNINativeMethod *methods;
	jint count;
};

extern const struct native_class native_library_class;
extern const struct native_class libbpf_class;
extern const struct native_class errno_class;
extern const struct native_class probe_class;
extern const struct native_class object_class;
extern const struct native_class link_class;
extern const struct native_class map_class;
extern const struct native_class ring_class;
extern const struct native_class iter_class;
extern const struct native_class bpffs_class;
extern const struct native_class lock_class;
extern const struct native_class conntrack_class;

/* Copies bytes into text and ends it with NUL; 0, or -ENAMETOOLONG when it does not fit. */
int text__copy(JNIEnv *env, jbyteArray bytes, char *text, size_t size);

/*
 * The end of what libbpf says on this thread while a capture is begun. Outside a capture, what
 * libbpf says is dropped: the binding never writes to the process's output.
 */
struct log_capture {
	char *text;
	size_t capacity;
	size_t used;
};

void log__begin(JNIEnv *env, struct log_capture *capture, jbyteArray log);
/* Hands what was captured to the Java array, which is zero behind it. */
void log__end(JNIEnv *env, struct log_capture *capture, jbyteArray log);
void log__install(void);
void log__uninstall(void);

/* What namespace__call failed at, above the errno; as in Conntrack. */
#define NAMESPACE_OPEN	(0 << 16)
#define NAMESPACE_ENTER (1 << 16)
#define NAMESPACE_CALL	(2 << 16)

/*
 * Makes a call in the network namespace of a file and returns its result. The thread is back in its
 * own namespace afterwards, or the process ends.
 */
int namespace__call(JNIEnv *env, const char *path, int (*call)(void));

/* A direct buffer's memory at a position; the Java side has checked directness and bounds. */
static inline void *buffer__at(JNIEnv *env, jobject buffer, jint position)
{
	char *address = buffer ? (*env)->GetDirectBufferAddress(env, buffer) : NULL;

	return address ? address + position : NULL;
}

static inline jlong pointer__handle(const void *pointer)
{
	return (jlong)(intptr_t)pointer;
}

static inline void *handle__pointer(jlong handle)
{
	return (void *)(intptr_t)handle;
}

struct bpf_link;

/* BpfLink handles: these take over the link or descriptor, also when they return a negative errno.
 */
jlong link__handle(struct bpf_link *libbpf);
jlong link__handle_of_fd(int fd);
int link__fd(jlong handle);

/* For calls that return NULL and set errno: the pointer as a handle, or the negative errno. */
static inline jlong pointer__result(const void *pointer)
{
	return pointer ? pointer__handle(pointer) : -(jlong)errno;
}

#endif /* MESHLENS_JNI_H */
