// SPDX-License-Identifier: Apache-2.0
/* Conntrack: asks ctnetlink for the entry of one TCP tuple. Handles are descriptors. */
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "meshlens_jni.h"

/* An answer to an earlier request; as in ConntrackAnswerTest. */
#define ANSWER_STALE 2

/* More than ever lie in the socket: each request is answered once, and read at once. */
#define MAX_STALE_ANSWERS 16

/* The largest answer: the kernel allocates 8192 bytes less its own overhead (NLMSG_GOODSIZE). */
#define ANSWER_BYTES 8192

/* In network order; IPv4 is IPv4-mapped. */
struct tuple {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 unused[4];
};

/* The buffer of Conntrack: offsets as there. */
struct lookup {
	struct tuple asked;
	struct tuple original;
	struct tuple reply;
};

_Static_assert(offsetof(struct tuple, destination) == 16, "as in ConntrackTuple");
_Static_assert(offsetof(struct tuple, source_port) == 32, "as in ConntrackTuple");
_Static_assert(offsetof(struct tuple, destination_port) == 34, "as in ConntrackTuple");
_Static_assert(offsetof(struct lookup, original) == 40, "as in Conntrack");
_Static_assert(offsetof(struct lookup, reply) == 80, "as in Conntrack");
_Static_assert(sizeof(struct lookup) == 120, "as in Conntrack");

/* A header, the family, and a tuple of at most 76 bytes. */
struct request {
	struct nlmsghdr header;
	struct nfgenmsg netfilter;
	__u8 attributes[80];
	size_t used;
};

/* Bytes of an answer; null when absent. */
struct span {
	const __u8 *bytes;
	size_t length;
};

static const __u8 mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool tuple__is_ipv4(const struct tuple *tuple)
{
	return !memcmp(tuple->source, mapped_prefix, sizeof(mapped_prefix)) &&
	       !memcmp(tuple->destination, mapped_prefix, sizeof(mapped_prefix));
}

static __u8 tuple__family(const struct tuple *tuple)
{
	return tuple__is_ipv4(tuple) ? AF_INET : AF_INET6;
}

static struct nlattr *request__attribute(struct request *request, __u16 type, size_t length)
{
	struct nlattr *attribute = (struct nlattr *)(request->attributes + request->used);

	attribute->nla_type = type;
	attribute->nla_len = (__u16)(NLA_HDRLEN + length);
	request->used += NLA_ALIGN(attribute->nla_len);
	return attribute;
}

static void request__put(struct request *request, __u16 type, const void *value, size_t length)
{
	memcpy(request__attribute(request, type, length) + 1, value, length);
}

static struct nlattr *request__begin(struct request *request, __u16 type)
{
	return request__attribute(request, type | NLA_F_NESTED, 0);
}

static void request__end(struct request *request, struct nlattr *nest)
{
	nest->nla_len = (__u16)(request->attributes + request->used - (__u8 *)nest);
}

static void request__fill(struct request *request, const struct tuple *asked, __u32 sequence)
{
	bool ipv4 = tuple__is_ipv4(asked);
	size_t skipped = ipv4 ? sizeof(mapped_prefix) : 0, length = 16 - skipped;
	struct nlattr *tuple, *part;
	__u8 protocol = IPPROTO_TCP;

	tuple = request__begin(request, CTA_TUPLE_ORIG);
	part = request__begin(request, CTA_TUPLE_IP);
	request__put(request, ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, asked->source + skipped,
		     length);
	request__put(request, ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, asked->destination + skipped,
		     length);
	request__end(request, part);
	part = request__begin(request, CTA_TUPLE_PROTO);
	request__put(request, CTA_PROTO_NUM, &protocol, sizeof(protocol));
	request__put(request, CTA_PROTO_SRC_PORT, &asked->source_port, sizeof(__be16));
	request__put(request, CTA_PROTO_DST_PORT, &asked->destination_port, sizeof(__be16));
	request__end(request, part);
	request__end(request, tuple);

	request->netfilter.nfgen_family = tuple__family(asked);
	request->netfilter.version = NFNETLINK_V0;
	request->header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	request->header.nlmsg_flags = NLM_F_REQUEST;
	request->header.nlmsg_seq = sequence;
	request->header.nlmsg_len = (__u32)(offsetof(struct request, attributes) + request->used);
}

/* Finds attributes by type, of the types below a bound; others are only passed over. */
static int span__index(struct span span, struct span *by_type, size_t types)
{
	struct nlattr header;
	size_t type, step;

	memset(by_type, 0, types * sizeof(*by_type));
	while (span.length >= NLA_HDRLEN) {
		memcpy(&header, span.bytes, sizeof(header));
		if (header.nla_len < NLA_HDRLEN || header.nla_len > span.length)
			return -EBADMSG;
		type = header.nla_type & NLA_TYPE_MASK;
		if (type < types) {
			if (by_type[type].bytes)
				return -EBADMSG;
			by_type[type].bytes = span.bytes + NLA_HDRLEN;
			by_type[type].length = header.nla_len - NLA_HDRLEN;
		}
		/* The last one may come without its padding. */
		step = NLA_ALIGN(header.nla_len);
		if (step > span.length)
			step = span.length;
		span.bytes += step;
		span.length -= step;
	}
	return span.length ? -EBADMSG : 0;
}

static int span__copy(struct span span, void *target, size_t length)
{
	if (!span.bytes || span.length != length)
		return -EBADMSG;
	memcpy(target, span.bytes, length);
	return 0;
}

static int tuple__parse_addresses(struct tuple *tuple, struct span span, __u8 family)
{
	bool ipv4 = family == AF_INET;
	size_t skipped = ipv4 ? sizeof(mapped_prefix) : 0, length = 16 - skipped;
	struct span addresses[CTA_IP_V6_DST + 1];
	int err;

	if (!span.bytes)
		return -EBADMSG;
	err = span__index(span, addresses, ARRAY_LENGTH(addresses));
	if (err)
		return err;
	memcpy(tuple->source, mapped_prefix, skipped);
	memcpy(tuple->destination, mapped_prefix, skipped);
	err = span__copy(addresses[ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], tuple->source + skipped,
			 length);
	if (err)
		return err;
	return span__copy(addresses[ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST],
			  tuple->destination + skipped, length);
}

static int tuple__parse_ports(struct tuple *tuple, struct span span)
{
	struct span ports[CTA_PROTO_DST_PORT + 1];
	__u8 protocol;
	int err;

	if (!span.bytes)
		return -EBADMSG;
	err = span__index(span, ports, ARRAY_LENGTH(ports));
	if (err)
		return err;
	err = span__copy(ports[CTA_PROTO_NUM], &protocol, sizeof(protocol));
	if (err || protocol != IPPROTO_TCP)
		return -EBADMSG;
	err = span__copy(ports[CTA_PROTO_SRC_PORT], &tuple->source_port, sizeof(__be16));
	if (err)
		return err;
	return span__copy(ports[CTA_PROTO_DST_PORT], &tuple->destination_port, sizeof(__be16));
}

static int tuple__parse(struct tuple *tuple, struct span span, __u8 family)
{
	struct span parts[CTA_TUPLE_PROTO + 1];
	int err;

	if (!span.bytes)
		return -EBADMSG;
	err = span__index(span, parts, ARRAY_LENGTH(parts));
	if (!err)
		err = tuple__parse_addresses(tuple, parts[CTA_TUPLE_IP], family);
	if (!err)
		err = tuple__parse_ports(tuple, parts[CTA_TUPLE_PROTO]);
	return err;
}

static int answer__parse_error(struct span span)
{
	struct nlmsgerr failure;

	if (span.length < sizeof(failure))
		return -EBADMSG;
	memcpy(&failure, span.bytes, sizeof(failure));
	if (failure.error == -ENOENT)
		return 0;
	/* No acknowledgement of success was asked for; 4095 is the kernel's MAX_ERRNO. */
	return failure.error < 0 && failure.error >= -4095 ? failure.error : -EBADMSG;
}

static int answer__parse_entry(struct span span, struct lookup *lookup)
{
	struct span tuples[CTA_TUPLE_REPLY + 1];
	struct nfgenmsg netfilter;
	size_t head = NLMSG_ALIGN(sizeof(netfilter));
	struct tuple original = {}, reply = {};
	__u8 family = tuple__family(&lookup->asked);
	int err;

	if (span.length < head)
		return -EBADMSG;
	memcpy(&netfilter, span.bytes, sizeof(netfilter));
	if (netfilter.nfgen_family != family)
		return -EBADMSG;
	span.bytes += head;
	span.length -= head;
	err = span__index(span, tuples, ARRAY_LENGTH(tuples));
	if (!err)
		err = tuple__parse(&original, tuples[CTA_TUPLE_ORIG], family);
	if (!err)
		err = tuple__parse(&reply, tuples[CTA_TUPLE_REPLY], family);
	if (err)
		return err;
	/* An entry that was not asked for must never pass for the one that was. */
	if (memcmp(&lookup->asked, &original, sizeof(original)) &&
	    memcmp(&lookup->asked, &reply, sizeof(reply)))
		return -EBADMSG;
	lookup->original = original;
	lookup->reply = reply;
	return 1;
}

/* 1 when the entry is in lookup, 0 when there is none, ANSWER_STALE, or a negative errno. */
static int answer__parse(struct span span, __u32 sequence, struct lookup *lookup)
{
	struct nlmsghdr header;

	if (span.length < NLMSG_HDRLEN)
		return -EBADMSG;
	memcpy(&header, span.bytes, sizeof(header));
	if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > span.length)
		return -EBADMSG;
	if (header.nlmsg_seq != sequence)
		return ANSWER_STALE;
	span.bytes += NLMSG_HDRLEN;
	span.length = header.nlmsg_len - NLMSG_HDRLEN;
	switch (header.nlmsg_type) {
	case NLMSG_ERROR:
		return answer__parse_error(span);
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW:
		return answer__parse_entry(span, lookup);
	default:
		return -EBADMSG;
	}
}

/* The kernel has answered when send returns: what is not there now will not come. */
static int lookup__receive(int fd, __u32 sequence, struct lookup *lookup)
{
	__u8 bytes[ANSWER_BYTES];
	int result = ANSWER_STALE, attempt;
	ssize_t length;

	for (attempt = 0; attempt <= MAX_STALE_ANSWERS && result == ANSWER_STALE; attempt++) {
		length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		if (length < 0)
			return -errno;
		if ((size_t)length > sizeof(bytes))
			return -EBADMSG;
		result = answer__parse((struct span){bytes, (size_t)length}, sequence, lookup);
	}
	return result == ANSWER_STALE ? -EBADMSG : result;
}

static jint conntrack__lookup(JNIEnv *env, jclass type, jint fd, jobject buffer, jint sequence)
{
	struct lookup *lookup = buffer__at(env, buffer, 0);
	struct request request = {};

	request__fill(&request, &lookup->asked, (__u32)sequence);
	if (send(fd, &request, request.header.nlmsg_len, MSG_DONTWAIT) < 0)
		return -errno;
	return lookup__receive(fd, (__u32)sequence, lookup);
}

/* What the lookup would make of an answer; for tests. */
static jint conntrack__parse(JNIEnv *env, jclass type, jobject buffer, jobject answer, jint length,
			     jint sequence)
{
	struct span span = {buffer__at(env, answer, 0), (size_t)length};

	return answer__parse(span, (__u32)sequence, buffer__at(env, buffer, 0));
}

static int conntrack__socket(void)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	/* Connected, it takes answers from nobody but the kernel. */
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static jint conntrack__open(JNIEnv *env, jclass type)
{
	return conntrack__socket();
}

static jint conntrack__open_in(JNIEnv *env, jclass type, jbyteArray path)
{
	char text[PATH_MAX];
	int err = text__copy(env, path, text, sizeof(text));

	return err ? err : namespace__call(env, text, conntrack__socket);
}

static void conntrack__close(JNIEnv *env, jclass type, jint fd)
{
	close(fd);
}

#define BUFFER "Ljava/nio/ByteBuffer;"

static const JNINativeMethod conntrack_methods[] = {
	NATIVE("open0", "()I", conntrack__open),
	NATIVE("openIn0", "([B)I", conntrack__open_in),
	NATIVE("close0", "(I)V", conntrack__close),
	NATIVE("lookup0", "(I" BUFFER "I)I", conntrack__lookup),
	NATIVE("parse0", "(" BUFFER BUFFER "II)I", conntrack__parse),
};

const struct native_class conntrack_class = {
	.name = "io/meshlens/netlink/Conntrack",
	.methods = conntrack_methods,
	.count = ARRAY_LENGTH(conntrack_methods),
};
