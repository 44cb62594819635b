// SPDX-License-Identifier: Apache-2.0
/* Libbpf: facts about the library and the machine. */
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

static jstring libbpf__version(JNIEnv *env, jclass type)
{
	return (*env)->NewStringUTF(env, libbpf_version_string());
}

static jint libbpf__possible_cpus(JNIEnv *env, jclass type)
{
	return libbpf_num_possible_cpus();
}

static const JNINativeMethod libbpf_methods[] = {
	NATIVE("version0", "()Ljava/lang/String;", libbpf__version),
	NATIVE("possibleCpus0", "()I", libbpf__possible_cpus),
};

const struct native_class libbpf_class = {
	.name = "io/meshlens/libbpf/Libbpf",
	.methods = libbpf_methods,
	.count = ARRAY_LENGTH(libbpf_methods),
};
