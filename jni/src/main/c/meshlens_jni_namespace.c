// SPDX-License-Identifier: Apache-2.0
/* The calling thread in another network namespace, for the length of one call. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "meshlens_jni.h"

#define RETURN_ATTEMPTS	    100
#define RETURN_PAUSE_MILLIS 10

/* A thread left in a foreign namespace would tell wrong numbers ever after: better none at all. */
static void namespace__return(JNIEnv *env, int own)
{
	const struct timespec pause = {.tv_nsec = RETURN_PAUSE_MILLIS * 1000000L};
	int attempt;

	for (attempt = 0; attempt < RETURN_ATTEMPTS; attempt++) {
		if (!setns(own, CLONE_NEWNET))
			return;
		nanosleep(&pause, NULL);
	}
	(*env)->FatalError(env, "this thread cannot return into its own network namespace");
}

static int namespace__call_in(JNIEnv *env, int own, int target, int (*call)(void))
{
	int result;

	/* The first one changes nothing, but asks for the permission to return while at home. */
	if (setns(own, CLONE_NEWNET) || setns(target, CLONE_NEWNET))
		return -(NAMESPACE_ENTER | errno);
	result = call();
	namespace__return(env, own);
	return result < 0 ? -(NAMESPACE_CALL | -result) : result;
}

int namespace__call(JNIEnv *env, const char *path, int (*call)(void))
{
	int own, target, result;

	target = open(path, O_RDONLY | O_CLOEXEC);
	if (target < 0)
		return -(NAMESPACE_OPEN | errno);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0) {
		result = -(NAMESPACE_ENTER | errno);
	} else {
		result = namespace__call_in(env, own, target, call);
		close(own);
	}
	close(target);
	return result;
}
