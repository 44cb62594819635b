// SPDX-License-Identifier: Apache-2.0
/* BpfLink: an attachment. Handles are struct link pointers. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "meshlens_jni.h"

/* libbpf wraps no descriptor, so a link that was made without it is kept here. */
struct link {
	struct bpf_link *libbpf; /* NULL without it */
	int fd;
	char *pin; /* the file that the link is pinned to or was opened from, if any */
};

static void link__release(struct link *link)
{
	if (link->libbpf)
		bpf_link__destroy(link->libbpf);
	else
		close(link->fd);
	free(link->pin);
}

static jlong link__wrap(struct link members)
{
	struct link *link = malloc(sizeof(*link));

	if (!link) {
		link__release(&members);
		return -ENOMEM;
	}
	*link = members;
	return pointer__handle(link);
}

jlong link__handle(struct bpf_link *libbpf)
{
	if (!libbpf)
		return -errno;
	return link__wrap((struct link){.libbpf = libbpf, .fd = bpf_link__fd(libbpf)});
}

jlong link__handle_of_fd(int fd)
{
	return link__wrap((struct link){.fd = fd});
}

int link__fd(jlong handle)
{
	const struct link *link = handle__pointer(handle);

	return link->fd;
}

static void link__destroy(JNIEnv *env, jclass type, jlong handle)
{
	struct link *link = handle__pointer(handle);

	link__release(link);
	free(link);
}

static jint link__pin(JNIEnv *env, jclass type, jlong handle, jbyteArray path)
{
	struct link *link = handle__pointer(handle);
	char text[PATH_MAX], *pin;
	int err = text__copy(env, path, text, sizeof(text));

	if (err)
		return err;
	if (link->pin)
		return -EBUSY;
	pin = strdup(text);
	if (!pin)
		return -ENOMEM;
	err = bpf_obj_pin(link->fd, pin);
	if (err)
		free(pin);
	else
		link->pin = pin;
	return err;
}

static jint link__unpin(JNIEnv *env, jclass type, jlong handle)
{
	struct link *link = handle__pointer(handle);

	if (!link->pin)
		return -EINVAL;
	if (unlink(link->pin))
		return -errno;
	free(link->pin);
	link->pin = NULL;
	return 0;
}

static jint link__update(JNIEnv *env, jclass type, jlong handle, jlong program)
{
	int program_fd = bpf_program__fd(handle__pointer(program));

	return program_fd < 0 ? program_fd : bpf_link_update(link__fd(handle), program_fd, NULL);
}

static jlong link__open_pinned(JNIEnv *env, jclass type, jbyteArray path)
{
	struct link link = {};
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	if (err)
		return err;
	link.fd = bpf_obj_get(text);
	if (link.fd < 0)
		return link.fd;
	link.pin = strdup(text);
	if (!link.pin) {
		close(link.fd);
		return -ENOMEM;
	}
	return link__wrap(link);
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
