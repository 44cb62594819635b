/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A datagram as one end sees it: what its headers say, and who is the client by its ports. */
#ifndef MESHLENS_DATAGRAM_BPF_H
#define MESHLENS_DATAGRAM_BPF_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "udp.bpf.h"

/* net.ipv4.ip_local_port_range, by user space before load: ports that the kernel gives out. */
const volatile __u16 ephemeral_first = 32768;
const volatile __u16 ephemeral_last = 60999;

/* One datagram, or several in one large send or receive (UDP_SEGMENT, UDP_GRO). */
struct datagram {
	struct udp_flow_key key;
	__be16 local_port_be;
	__u16 reserved;
	__u32 bytes;
	__u32 packets;
	__u32 is_sent;
};

/* Addresses and ports as this end sees them. */
static __always_inline void set_ports(struct datagram *datagram, __be16 source, __be16 dest)
{
	datagram->local_port_be = datagram->is_sent ? source : dest;
	datagram->key.remote_port_be = datagram->is_sent ? dest : source;
}

/* Behind extension headers the UDP header is where the kernel says. */
static __always_inline __u32 transport_offset(struct __sk_buff *ctx)
{
	struct sk_buff *skb = (void *)ctx;

	return (__u16)(BPF_CORE_READ(skb, transport_header) - BPF_CORE_READ(skb, network_header));
}

static __always_inline __u32 parse_ipv4(struct __sk_buff *ctx, struct datagram *datagram)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data;
	struct udphdr *udp;
	__u32 length;

	if ((void *)(ip + 1) > end)
		return 0;
	length = (*(__u8 *)data & 15) * 4;
	udp = data + length;
	if ((void *)(udp + 1) > end)
		return 0;
	map_ipv4(datagram->is_sent ? datagram->key.local_address : datagram->key.remote_address,
		 ip->saddr);
	map_ipv4(datagram->is_sent ? datagram->key.remote_address : datagram->key.local_address,
		 ip->daddr);
	set_ports(datagram, udp->source, udp->dest);
	return length;
}

static __always_inline __u32 parse_ipv6(struct __sk_buff *ctx, struct datagram *datagram)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = data;
	__u32 length = sizeof(*ip);
	__be16 ports[2];

	if ((void *)(ip + 1) > end)
		return 0;
	__builtin_memcpy(datagram->is_sent ? datagram->key.local_address
					   : datagram->key.remote_address,
			 &ip->saddr, 16);
	__builtin_memcpy(datagram->is_sent ? datagram->key.remote_address
					   : datagram->key.local_address,
			 &ip->daddr, 16);
	if (ip->nexthdr != IPPROTO_UDP)
		length = transport_offset(ctx);
	if (bpf_skb_load_bytes(ctx, length, ports, sizeof(ports)))
		return 0;
	set_ports(datagram, ports[0], ports[1]);
	return length;
}

/* False when it cannot be read. */
static __always_inline bool parse(struct __sk_buff *ctx, struct datagram *datagram)
{
	__u32 headers, segment = ctx->gso_size;

	headers = ctx->protocol == bpf_htons(ETH_P_IP) ? parse_ipv4(ctx, datagram)
						       : parse_ipv6(ctx, datagram);
	if (!headers || ctx->len < headers + sizeof(struct udphdr))
		return false;
	datagram->bytes = ctx->len - headers - sizeof(struct udphdr);
	datagram->packets = 1;
	if (segment && datagram->bytes > segment)
		datagram->packets = (datagram->bytes + segment - 1) / segment;
	return true;
}

static __always_inline bool is_ephemeral(__be16 port_be)
{
	__u16 port = bpf_ntohs(port_be);

	return port >= ephemeral_first && port <= ephemeral_last;
}

/*
 * Who is the client. A socket that connected and did not choose its port; else who sent first,
 * unless the ports say that this was an answer.
 */
static __always_inline __u8 direction_of(bool is_port_bound, bool is_connected,
					 const struct datagram *datagram)
{
	bool local = is_ephemeral(datagram->local_port_be);
	bool remote = is_ephemeral(datagram->key.remote_port_be);

	if (is_connected && !is_port_bound)
		return CONNECTION_DIRECTION_OUTBOUND;
	if (datagram->is_sent)
		return is_port_bound && !local && remote ? CONNECTION_DIRECTION_INBOUND
							 : CONNECTION_DIRECTION_OUTBOUND;
	return !is_port_bound && local && !remote ? CONNECTION_DIRECTION_OUTBOUND
						  : CONNECTION_DIRECTION_INBOUND;
}

/* The port that somebody chose to serve at, 0 when it is one that a kernel gave out. */
static __always_inline __be16 server_port_of(bool is_port_bound, __u8 direction,
					     const struct datagram *datagram)
{
	if (direction == CONNECTION_DIRECTION_OUTBOUND)
		return is_ephemeral(datagram->key.remote_port_be) ? 0
								  : datagram->key.remote_port_be;
	return is_port_bound || !is_ephemeral(datagram->local_port_be) ? datagram->local_port_be
								       : 0;
}

#endif
