// SPDX-License-Identifier: Apache-2.0
/* BpfLink: an attachment. Handles are struct bpf_link pointers. */
#include <limits.h>

#include <bpf/libbpf.h>

#include "meshlens_jni.h"

static void link__destroy(JNIEnv *env, jclass type, jlong link)
{
	bpf_link__destroy(handle__pointer(link));
}

static jint link__pin(JNIEnv *env, jclass type, jlong link, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : bpf_link__pin(handle__pointer(link), text);
}

static jint link__unpin(JNIEnv *env, jclass type, jlong link)
{
	return bpf_link__unpin(handle__pointer(link));
}

static jint link__update(JNIEnv *env, jclass type, jlong link, jlong program)
{
	return bpf_link__update_program(handle__pointer(link), handle__pointer(program));
}

static jlong link__open_pinned(JNIEnv *env, jclass type, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : pointer__result(bpf_link__open(text));
}

static const JNINativeMethod link_methods[] = {
	NATIVE("destroy0", "(J)V", link__destroy),
	NATIVE("pin0", "(J[B)I", link__pin),
	NATIVE("unpin0", "(J)I", link__unpin),
	NATIVE("update0", "(JJ)I", link__update),
	NATIVE("openPinned0", "([B)J", link__open_pinned),
};

const struct native_class link_class = {
	.name = "io/meshlens/libbpf/BpfLink",
	.methods = link_methods,
	.count = ARRAY_LENGTH(link_methods),
};
