// SPDX-License-Identifier: Apache-2.0
/* Text in both directions: Java bytes to C strings, libbpf's messages to Java. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "meshlens_jni.h"

static __thread struct log_capture *current_capture;
static libbpf_print_fn_t previous_print;

int text__copy(JNIEnv *env, jbyteArray bytes, char *text, size_t size)
{
	jsize length = (*env)->GetArrayLength(env, bytes);

	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	(*env)->GetByteArrayRegion(env, bytes, 0, length, (jbyte *)text);
	if ((*env)->ExceptionCheck(env))
		return -EINVAL;
	text[length] = '\0';
	return 0;
}

/* Keeps the end: a verifier log names the reason in its last lines. */
static void log__append(struct log_capture *capture, const char *text, size_t length)
{
	size_t dropped;

	if (length >= capture->capacity) {
		memcpy(capture->text, text + length - capture->capacity, capture->capacity);
		capture->used = capture->capacity;
		return;
	}
	if (capture->used + length > capture->capacity) {
		dropped = capture->used + length - capture->capacity;
		memmove(capture->text, capture->text + dropped, capture->used - dropped);
		capture->used -= dropped;
	}
	memcpy(capture->text + capture->used, text, length);
	capture->used += length;
}

static int log__print(enum libbpf_print_level level, const char *format, va_list args)
{
	int saved_errno = errno, length;
	va_list measured;
	char *text;

	if (!current_capture || level == LIBBPF_DEBUG)
		return 0;
	va_copy(measured, args);
	length = vsnprintf(NULL, 0, format, measured);
	va_end(measured);
	text = length > 0 ? malloc((size_t)length + 1) : NULL;
	if (text) {
		vsnprintf(text, (size_t)length + 1, format, args);
		log__append(current_capture, text, (size_t)length);
		free(text);
	}
	/* libbpf before 1.2 reads errno after it has printed. */
	errno = saved_errno;
	return 0;
}

void log__install(void)
{
	previous_print = libbpf_set_print(log__print);
}

void log__uninstall(void)
{
	libbpf_set_print(previous_print);
}

void log__begin(JNIEnv *env, struct log_capture *capture, jbyteArray log)
{
	capture->capacity = (size_t)(*env)->GetArrayLength(env, log);
	capture->used = 0;
	capture->text = malloc(capture->capacity);
	/* Out of memory costs the text, not the operation. */
	current_capture = capture->text ? capture : NULL;
}

void log__end(JNIEnv *env, struct log_capture *capture, jbyteArray log)
{
	current_capture = NULL;
	(*env)->SetByteArrayRegion(env, log, 0, (jsize)capture->used, (const jbyte *)capture->text);
	free(capture->text);
}
