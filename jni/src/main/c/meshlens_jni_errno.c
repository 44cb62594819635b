// SPDX-License-Identifier: Apache-2.0
/* Errno: names and texts, the kernel's internal ENOTSUPP and libbpf's own codes included. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "meshlens_jni.h"

/* include/linux/errno.h: never meant for user space, yet bpf(2) returns it. */
#define KERNEL_ENOTSUPP 524

static const char *const libbpf_errno_names[] = {
	[LIBBPF_ERRNO__LIBELF - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__LIBELF",
	[LIBBPF_ERRNO__FORMAT - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__FORMAT",
	[LIBBPF_ERRNO__KVERSION - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__KVERSION",
	[LIBBPF_ERRNO__ENDIAN - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__ENDIAN",
	[LIBBPF_ERRNO__INTERNAL - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__INTERNAL",
	[LIBBPF_ERRNO__RELOC - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__RELOC",
	[LIBBPF_ERRNO__LOAD - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__LOAD",
	[LIBBPF_ERRNO__VERIFY - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__VERIFY",
	[LIBBPF_ERRNO__PROG2BIG - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__PROG2BIG",
	[LIBBPF_ERRNO__KVER - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__KVER",
	[LIBBPF_ERRNO__PROGTYPE - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__PROGTYPE",
	[LIBBPF_ERRNO__WRNGPID - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__WRNGPID",
	[LIBBPF_ERRNO__INVSEQ - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__INVSEQ",
	[LIBBPF_ERRNO__NLPARSE - __LIBBPF_ERRNO__START] = "LIBBPF_ERRNO__NLPARSE",
};

static const char *errno__name_of(jint number)
{
	size_t index = (size_t)number - __LIBBPF_ERRNO__START;

	if (number == KERNEL_ENOTSUPP)
		return "ENOTSUPP";
	if (number >= __LIBBPF_ERRNO__START && index < ARRAY_LENGTH(libbpf_errno_names))
		return libbpf_errno_names[index];
	return strerrorname_np(number);
}

static jstring errno__name(JNIEnv *env, jclass type, jint number)
{
	const char *name = errno__name_of(number);
	char fallback[32];

	if (!name) {
		snprintf(fallback, sizeof(fallback), "errno %d", number);
		name = fallback;
	}
	return (*env)->NewStringUTF(env, name);
}

static jstring errno__text(JNIEnv *env, jclass type, jint number)
{
	const char *text;
	char buffer[256];

	if (number == KERNEL_ENOTSUPP)
		return (*env)->NewStringUTF(env, "Not supported by this kernel");
	if (number >= __LIBBPF_ERRNO__START) {
		libbpf_strerror(number, buffer, sizeof(buffer));
		return (*env)->NewStringUTF(env, buffer);
	}
	/* Untranslated, so that the same failure reads the same in every locale. */
	text = strerrordesc_np(number);
	return (*env)->NewStringUTF(env, text ? text : "Unknown error");
}

static const JNINativeMethod errno_methods[] = {
	NATIVE("name0", "(I)Ljava/lang/String;", errno__name),
	NATIVE("text0", "(I)Ljava/lang/String;", errno__text),
};

const struct native_class errno_class = {
	.name = "io/meshlens/libbpf/Errno",
	.methods = errno_methods,
	.count = ARRAY_LENGTH(errno_methods),
};
