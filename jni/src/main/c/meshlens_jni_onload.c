// SPDX-License-Identifier: Apache-2.0
/* NativeLibrary: registers every class's natives, and takes all back when one cannot be. */
#include <stdio.h>

#include <bpf/libbpf.h>

#include "meshlens_jni.h"

#define LIBBPF_MINIMUM_MAJOR 1
#define LIBBPF_MINIMUM_MINOR 1

static jint native_library__abi_version(JNIEnv *env, jclass type)
{
	return MESHLENS_JNI_ABI_VERSION;
}

static const JNINativeMethod native_library_methods[] = {
	NATIVE("abiVersion0", "()I", native_library__abi_version),
};

const struct native_class native_library_class = {
	.name = "io/meshlens/libbpf/NativeLibrary",
	.methods = native_library_methods,
	.count = ARRAY_LENGTH(native_library_methods),
};

static const struct native_class *const classes[] = {
	&native_library_class, &libbpf_class, &errno_class, &probe_class,
	&object_class,	       &link_class,   &map_class,   &ring_class,
	&iter_class,	       &bpffs_class,  &lock_class,  &conntrack_class,
};

static void onload__unregister(JNIEnv *env, size_t count)
{
	jthrowable pending = (*env)->ExceptionOccurred(env);
	jclass type;

	(*env)->ExceptionClear(env);
	while (count--) {
		type = (*env)->FindClass(env, classes[count]->name);
		if (type) {
			(*env)->UnregisterNatives(env, type);
			(*env)->DeleteLocalRef(env, type);
		}
		(*env)->ExceptionClear(env);
	}
	if (pending)
		(*env)->Throw(env, pending);
}

static bool onload__register(JNIEnv *env, const struct native_class *natives)
{
	jclass type = (*env)->FindClass(env, natives->name);
	bool registered;

	if (!type)
		return false;
	registered = (*env)->RegisterNatives(env, type, natives->methods, natives->count) == 0;
	(*env)->DeleteLocalRef(env, type);
	return registered;
}

/* Leaves a pending UnsatisfiedLinkError, which the JVM hands to the caller of System.load. */
static bool onload__libbpf_is_recent(JNIEnv *env)
{
	unsigned int major = libbpf_major_version(), minor = libbpf_minor_version();
	char message[128];
	jclass error;

	if (major > LIBBPF_MINIMUM_MAJOR ||
	    (major == LIBBPF_MINIMUM_MAJOR && minor >= LIBBPF_MINIMUM_MINOR))
		return true;
	snprintf(message, sizeof(message), "libbpf %u.%u is too old: %d.%d or newer is needed",
		 major, minor, LIBBPF_MINIMUM_MAJOR, LIBBPF_MINIMUM_MINOR);
	error = (*env)->FindClass(env, "java/lang/UnsatisfiedLinkError");
	if (error)
		(*env)->ThrowNew(env, error, message);
	return false;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
	JNIEnv *env;
	size_t i;

	if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK)
		return JNI_ERR;
	if (!onload__libbpf_is_recent(env))
		return JNI_ERR;
	for (i = 0; i < ARRAY_LENGTH(classes); i++) {
		if (!onload__register(env, classes[i])) {
			onload__unregister(env, i);
			return JNI_ERR;
		}
	}
	log__install();
	return JNI_VERSION_1_8;
}

JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved)
{
	log__uninstall();
}
