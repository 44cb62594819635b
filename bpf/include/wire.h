/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The byte contract between the kernel programs and the sidecar: the only definition of every
 * structure that crosses the boundary. The Java readers in sidecar/.../wire are generated from the
 * built object's BTF (`make wire`) and compared with it again at start-up.
 *
 * Rules: __u8..__u64, __be16 and byte arrays only; no implicit padding; sizes are multiples of 8;
 * every size and offset is asserted here; network-order fields end in _be; cumulative counters are
 * __u64; times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns).
 */
#ifndef MESHLENS_WIRE_H
#define MESHLENS_WIRE_H

#include <linux/types.h>

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/*
 * Bumped whenever the meaning or the layout of any structure below changes, or that of a pinned map
 * (maps.bpf.h): a sidecar takes over only the pins of its own version.
 */
enum wire_abi {
	WIRE_ABI_VERSION = 5,
};

/* What a ring record is: an event type. An unknown kind is skipped by its length and counted. */
enum record_kind {
	RECORD_KIND_CONNECTION = 1,
	/*
	 * No structure of its own: a switch in events_enabled, whether a connection_record is made
	 * of each connection that is established too.
	 */
	RECORD_KIND_CONNECTION_OPENED = 2,
	RECORD_KIND_UDP = 3,
	/* Kinds are below this. */
	RECORD_KIND_LIMIT = 16,
};

/*
 * Every event type: its structure, which begins with a record_header, and its kind. What emits it
 * is made from this list (emit.bpf.h); docs/proposal/0006 shows how a type is added.
 */
#define WIRE_EVENTS(EVENT)                                                                         \
	EVENT(connection_record, RECORD_KIND_CONNECTION)                                           \
	EVENT(udp_record, RECORD_KIND_UDP)

enum connection_event {
	CONNECTION_EVENT_CLOSED = 1,   /* was established, is over */
	CONNECTION_EVENT_FAILED = 2,   /* was never established */
	CONNECTION_EVENT_PERIODIC = 3, /* is established; all numbers as of end_mono_ns */
	CONNECTION_EVENT_OPENED = 4,   /* has just been established, at end_mono_ns */
};

/* Bits of connection_record.flags. */
enum connection_flag {
	/* Older than the programs: start_mono_ns is when it was found, counts begin there. */
	CONNECTION_FLAG_ADOPTED = 1,
	/* Closed after its own FIN, by a RST of this side: unread data, SO_LINGER 0. */
	CONNECTION_FLAG_RESET = 2,
};

enum connection_direction {
	CONNECTION_DIRECTION_OUTBOUND = 1, /* this side connected */
	CONNECTION_DIRECTION_INBOUND = 2,  /* this side accepted */
};

/* connection_record.error and sums_key.error when there was an error and nobody knows which. */
enum connection_error {
	CONNECTION_ERROR_UNKNOWN = 65535,
};

/* TCP states by the kernel's numbers, for connection_record.last_state. */
enum connection_state {
	CONNECTION_STATE_ESTABLISHED = 1,
	CONNECTION_STATE_SYN_SENT = 2,
	CONNECTION_STATE_SYN_RECV = 3,
	CONNECTION_STATE_FIN_WAIT1 = 4,
	CONNECTION_STATE_FIN_WAIT2 = 5,
	CONNECTION_STATE_TIME_WAIT = 6,
	CONNECTION_STATE_CLOSE = 7,
	CONNECTION_STATE_CLOSE_WAIT = 8,
	CONNECTION_STATE_LAST_ACK = 9,
	CONNECTION_STATE_LISTEN = 10,
	CONNECTION_STATE_CLOSING = 11,
};

/* Indexes of the map kernel_counters. */
enum kernel_counter {
	/* Connections not tracked because the kernel refused per-socket storage. */
	KERNEL_COUNTER_CONNECTIONS_UNTRACKED = 0,
	/* Additions that went to sums_overflow because sums was full or busy. */
	KERNEL_COUNTER_SUMS_FOLDED = 1,
	/* Open connections whose socket was gone at a live pass: their end was not seen. */
	KERNEL_COUNTER_CONNECTIONS_VANISHED = 2,
	/* Connections not tracked because as many sockets are tracked as may be. */
	KERNEL_COUNTER_CONNECTIONS_UNTRACKED_FULL = 3,
	/* Connections that a rule of filter_rules excluded, at their SYN or handshake. */
	KERNEL_COUNTER_CONNECTIONS_FILTERED = 4,
	/* The same for those of the sidecar itself. */
	KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED = 5,
	/* Datagrams that are in the sums and in no record: no room for their flow. */
	KERNEL_COUNTER_UDP_UNTRACKED = 6,
	/* Flows whose socket found no room: their owner is unknown, and they end only when idle. */
	KERNEL_COUNTER_UDP_SOCKETS_UNKNOWN = 7,
	/* Datagrams whose headers could not be read: in no sum and no record. */
	KERNEL_COUNTER_UDP_UNREADABLE = 8,
	/* Datagrams that the kernel dropped because the socket's queue was full: not received. */
	KERNEL_COUNTER_UDP_NOT_QUEUED = 9,
	KERNEL_COUNTER_COUNT = 10,
};

/* How a UDP flow ended, in udp_record.ending. */
enum udp_ending {
	UDP_ENDING_CLOSED = 1, /* its socket was closed */
	UDP_ENDING_IDLE = 2,   /* nothing was sent or received for kernel.udp_idle_timeout */
};

/* Slots of the map udp_flows that short exchanges share, before those that user space adds. */
enum udp_slots {
	UDP_SLOTS_NEAR = 1024,
};

/* Indexes of the map udp_use. */
enum udp_use {
	UDP_USE_FLOWS_SEEN = 0,
	UDP_USE_SOCKETS = 1,
	UDP_USE_COUNT = 2,
};

/* What becomes of a connection. */
enum filter_verdict {
	FILTER_VERDICT_WATCH = 0,
	FILTER_VERDICT_EXCLUDE = 1,
};

/* What the rules of a set ask about a connection; bits of filter_head.needs. */
enum filter_need {
	FILTER_NEED_ADDRESS = 1, /* either address, or the port */
	FILTER_NEED_PID = 2,
	FILTER_NEED_NETNS = 4,
	FILTER_NEED_CGROUP = 8,
	/* Rules include networks: the address that the socket gets by its SYN may be in one. */
	FILTER_NEED_LOCAL_ADDRESS = 16,
};

enum filter_limit {
	FILTER_LIMIT_RULES = 64,
	FILTER_LIMIT_SETS = 2, /* one in force, one to be written */
};

/* Slots of the map sockets that short connections share, before those that user space adds. */
enum socket_slots {
	SOCKET_SLOTS_NEAR = 1024,
};

/* Indexes of the map socket_use. */
enum socket_use {
	/* Sockets that got their state in sockets_overflow, less those that were over. */
	SOCKET_USE_OVERFLOW = 0,
	/* By user space: by how much the last live pass found fewer than that. */
	SOCKET_USE_OVERFLOW_STALE = 1,
	/* By the live pass: slots that are taken, sockets that have their state in overflow. */
	SOCKET_USE_SLOTS_SEEN = 2,
	SOCKET_USE_OVERFLOW_SEEN = 3,
	SOCKET_USE_COUNT = 4,
};

/*
 *  0      2         4              8
 *  +------+---------+--------------+
 *  | kind | version | length_bytes |   length_bytes counts the whole record, header included
 *  +------+---------+--------------+
 */
struct record_header {
	__u16 kind;
	__u16 version;
	__u32 length_bytes;
};

/*
 * One connection as this socket saw it, over or still open (enum connection_event). Addresses are
 * 16 bytes, IPv4 as IPv4-mapped IPv6 (::ffff:a.b.c.d). Zero means unknown for pid, netns,
 * cgroup_id, rtt_us, min_rtt_us and dialled_port_be.
 *
 *    0 header
 *    8 socket_cookie        | 16 start_mono_ns         | 24 established_mono_ns
 *   32 end_mono_ns          | 40 bytes_sent            | 48 bytes_received
 *   56 bytes_retransmitted  | 64 packets_sent          | 72 packets_received
 *   80 retransmits          | 88 rwnd_limited_us       | 96 cgroup_id
 *  104 local_address        | 120 remote_address       | 136 dialled_address
 *  152 comm                 | 168 netns, pid           | 176 rtt_us, rtt_var_us
 *  184 min_rtt_us, syn_retransmits       | 192 timeouts, reordering_events
 *  200 segments_delivered, segments_lost | 208 ecn_ce_segments, error, incarnation
 *  216 local_port_be, remote_port_be, dialled_port_be, -
 *  224 direction, event, last_state, flags, -
 */
struct connection_record {
	struct record_header header;
	__u64 socket_cookie;
	__u64 start_mono_ns;	   /* outbound: first SYN; inbound, or not seen: established */
	__u64 established_mono_ns; /* 0: never, or before the programs were there */
	__u64 end_mono_ns;	   /* periodic: when it was looked at */
	__u64 bytes_sent;	   /* payload, without SYN, FIN and retransmissions */
	__u64 bytes_received;	   /* payload, without FIN */
	__u64 bytes_retransmitted;
	__u64 packets_sent;	/* tcp_sock.segs_out (RFC 4898 tcpEStatsPerfSegsOut) */
	__u64 packets_received; /* tcp_sock.segs_in (RFC 4898 tcpEStatsPerfSegsIn) */
	__u64 retransmits;	/* segments, SYN and SYN-ACK included (tcp_sock.total_retrans) */
	__u64 rwnd_limited_us;	/* time that the peer's receive window held data back (TCP_INFO) */
	__u64 cgroup_id;	/* of the socket: kernfs id of its cgroup v2 directory */
	__u8 local_address[16];
	__u8 remote_address[16];
	__u8 dialled_address[16]; /* what connect(2) asked for, when a program rewrote it */
	__u8 comm[16];		  /* of the owner's thread; not terminated when 16 long */
	__u32 netns;		  /* inode number, as in /proc/PID/ns/net */
	__u32 pid;		  /* of the owner, in the host's pid namespace */
	__u32 rtt_us;		  /* smoothed, true microseconds (tcp_sock.srtt_us >> 3) */
	__u32 rtt_var_us;	  /* mean deviation (tcp_sock.mdev_us >> 2) */
	__u32 min_rtt_us;
	__u32 syn_retransmits;	  /* the part of retransmits before the handshake was complete */
	__u32 timeouts;		  /* retransmission timeouts (TCP_INFO tcpi_total_rto) */
	__u32 reordering_events;  /* TCP_INFO tcpi_reord_seen */
	__u32 segments_delivered; /* acknowledged, selectively too (TCP_INFO tcpi_delivered) */
	__u32 segments_lost;	  /* marked lost, some of them wrongly (tcp_sock.lost) */
	__u32 ecn_ce_segments; /* acknowledged with a congestion mark (TCP_INFO tcpi_delivered_ce)
				*/
	__u16 error;	       /* errno at the end, 0: none; or CONNECTION_ERROR_UNKNOWN */
	__u16 incarnation;     /* how many connections this socket had before this one */
	__be16 local_port_be;
	__be16 remote_port_be;
	__be16 dialled_port_be; /* 0: the dialled address is the remote one */
	__u8 reserved_port[2];
	__u8 direction;	 /* enum connection_direction */
	__u8 event;	 /* enum connection_event */
	__u8 last_state; /* the state before CLOSE, or the present one; enum connection_state */
	__u8 flags;	 /* enum connection_flag */
	__u8 reserved[4];
};

/*
 * One UDP flow, what a socket exchanged with one peer, over or still open. Addresses as in
 * connection_record. Zero means unknown for pid, netns and cgroup_id.
 *
 *    0 header                | 8 socket_cookie          | 16 start_mono_ns
 *   24 end_mono_ns           | 32 bytes_sent            | 40 bytes_received
 *   48 packets_sent          | 56 packets_received      | 64 cgroup_id
 *   72 local_address         | 88 remote_address        | 104 comm
 *  120 netns, pid            | 128 flow_number
 *  136 local_port_be, remote_port_be, direction, event, ending, -
 */
struct udp_record {
	struct record_header header;
	__u64 socket_cookie;
	__u64 start_mono_ns;  /* first datagram */
	__u64 end_mono_ns;    /* closed: close(2); idle: last datagram; periodic: the look at it */
	__u64 bytes_sent;     /* payload */
	__u64 bytes_received; /* payload, queued for the socket */
	__u64 packets_sent;   /* datagrams, before any fragmentation */
	__u64 packets_received;
	__u64 cgroup_id;
	__u8 local_address[16]; /* a received multicast's is its group */
	__u8 remote_address[16];
	__u8 comm[16];
	__u32 netns;
	__u32 pid;
	__u64 flow_number; /* differs between the flows of a socket */
	__be16 local_port_be;
	__be16 remote_port_be;
	__u8 direction; /* enum connection_direction */
	__u8 event;	/* enum connection_event: closed or periodic */
	__u8 ending;	/* enum udp_ending; 0: periodic */
	__u8 reserved[1];
};

/*
 * Key of sums: client and server address, server port, and who reports. Failed connections have a
 * row for each errno (0: aborted before any error; CONNECTION_ERROR_UNKNOWN).
 */
struct sums_key {
	__u8 client_address[16];
	__u8 server_address[16];
	__be16 server_port_be;
	__u16 error;	/* errno of failed connections; 0 for all else */
	__u8 direction; /* enum connection_direction of the reporting socket */
	__u8 reserved[3];
};

/* Value of sums and sums_overflow, one for each CPU; cumulative since the program was loaded. */
struct sums_value {
	__u64 connections_opened;
	__u64 connections_closed;
	__u64 connections_failed;
	__u64 bytes_sent; /* by the reporting socket */
	__u64 bytes_received;
	__u64 packets_sent;
	__u64 packets_received;
	__u64 retransmits;
};

/*
 * The one value of filter_control: which rules are in force, and what the sidecar's own traffic is:
 * connections of a process, known by its start as numbers are used again; connections to a
 * listener.
 */
struct filter_control {
	__u64 own_start_mono_ns;
	__u8 own_address[16]; /* all zero: any */
	__u32 active_set;     /* index in filter_sets plus 1; 0: there are no rules */
	__u32 own_pid;	      /* 0: none */
	__u32 own_netns;
	__u16 own_port; /* 0: none */
	__u8 reserved[2];
};

/* Head of a value of filter_sets; FILTER_LIMIT_RULES of filter_rule follow. */
struct filter_head {
	__u16 rules;	/* that are in use */
	__u8 otherwise; /* enum filter_verdict of connections that no rule fits */
	__u8 needs;	/* enum filter_need */
	__u8 reserved[4];
};

/*
 * One rule: fits when all of it does. The first that fits decides. Masks have all bits of what
 * matters, or none: the kernel compares without branches, of which its verifier would follow every
 * combination for each of the rules.
 */
struct filter_rule {
	__u8 network_address[16];
	__u8 mask_address[16];
	__u32 netns;
	__u32 netns_mask;
	__u32 pid;
	__u32 pid_mask;
	__u16 first_port; /* of the server */
	__u16 last_port;
	__u8 direction; /* enum connection_direction */
	__u8 direction_mask;
	__u8 in_cgroup; /* 1: only sockets of a cgroup that filter_cgroups names for this rule */
	__u8 ipv6;	/* 1: IPv4 addresses do not fit, ::/0 has none */
	__u8 verdict;	/* enum filter_verdict */
	__u8 reserved[7];
};

/* Key of filter_cgroups; the value has a bit for each rule of the set. */
struct filter_cgroup {
	__u64 cgroup_id;
	__u32 set; /* index in filter_sets */
	__u8 reserved[4];
};

#pragma clang diagnostic pop

#define WIRE_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)
#define WIRE_AT(type, field, offset)                                                               \
	_Static_assert(__builtin_offsetof(struct type, field) == (offset), #type "." #field)

WIRE_SIZE(record_header, 8);
WIRE_AT(record_header, kind, 0);
WIRE_AT(record_header, version, 2);
WIRE_AT(record_header, length_bytes, 4);

WIRE_SIZE(connection_record, 232);
WIRE_AT(connection_record, header, 0);
WIRE_AT(connection_record, socket_cookie, 8);
WIRE_AT(connection_record, start_mono_ns, 16);
WIRE_AT(connection_record, established_mono_ns, 24);
WIRE_AT(connection_record, end_mono_ns, 32);
WIRE_AT(connection_record, bytes_sent, 40);
WIRE_AT(connection_record, bytes_received, 48);
WIRE_AT(connection_record, bytes_retransmitted, 56);
WIRE_AT(connection_record, packets_sent, 64);
WIRE_AT(connection_record, packets_received, 72);
WIRE_AT(connection_record, retransmits, 80);
WIRE_AT(connection_record, rwnd_limited_us, 88);
WIRE_AT(connection_record, cgroup_id, 96);
WIRE_AT(connection_record, local_address, 104);
WIRE_AT(connection_record, remote_address, 120);
WIRE_AT(connection_record, dialled_address, 136);
WIRE_AT(connection_record, comm, 152);
WIRE_AT(connection_record, netns, 168);
WIRE_AT(connection_record, pid, 172);
WIRE_AT(connection_record, rtt_us, 176);
WIRE_AT(connection_record, rtt_var_us, 180);
WIRE_AT(connection_record, min_rtt_us, 184);
WIRE_AT(connection_record, syn_retransmits, 188);
WIRE_AT(connection_record, timeouts, 192);
WIRE_AT(connection_record, reordering_events, 196);
WIRE_AT(connection_record, segments_delivered, 200);
WIRE_AT(connection_record, segments_lost, 204);
WIRE_AT(connection_record, ecn_ce_segments, 208);
WIRE_AT(connection_record, error, 212);
WIRE_AT(connection_record, incarnation, 214);
WIRE_AT(connection_record, local_port_be, 216);
WIRE_AT(connection_record, remote_port_be, 218);
WIRE_AT(connection_record, dialled_port_be, 220);
WIRE_AT(connection_record, reserved_port, 222);
WIRE_AT(connection_record, direction, 224);
WIRE_AT(connection_record, event, 225);
WIRE_AT(connection_record, last_state, 226);
WIRE_AT(connection_record, flags, 227);
WIRE_AT(connection_record, reserved, 228);

WIRE_SIZE(udp_record, 144);
WIRE_AT(udp_record, header, 0);
WIRE_AT(udp_record, socket_cookie, 8);
WIRE_AT(udp_record, start_mono_ns, 16);
WIRE_AT(udp_record, end_mono_ns, 24);
WIRE_AT(udp_record, bytes_sent, 32);
WIRE_AT(udp_record, bytes_received, 40);
WIRE_AT(udp_record, packets_sent, 48);
WIRE_AT(udp_record, packets_received, 56);
WIRE_AT(udp_record, cgroup_id, 64);
WIRE_AT(udp_record, local_address, 72);
WIRE_AT(udp_record, remote_address, 88);
WIRE_AT(udp_record, comm, 104);
WIRE_AT(udp_record, netns, 120);
WIRE_AT(udp_record, pid, 124);
WIRE_AT(udp_record, flow_number, 128);
WIRE_AT(udp_record, local_port_be, 136);
WIRE_AT(udp_record, remote_port_be, 138);
WIRE_AT(udp_record, direction, 140);
WIRE_AT(udp_record, event, 141);
WIRE_AT(udp_record, ending, 142);
WIRE_AT(udp_record, reserved, 143);

WIRE_SIZE(sums_key, 40);
WIRE_AT(sums_key, client_address, 0);
WIRE_AT(sums_key, server_address, 16);
WIRE_AT(sums_key, server_port_be, 32);
WIRE_AT(sums_key, error, 34);
WIRE_AT(sums_key, direction, 36);
WIRE_AT(sums_key, reserved, 37);

WIRE_SIZE(sums_value, 64);
WIRE_AT(sums_value, connections_opened, 0);
WIRE_AT(sums_value, connections_closed, 8);
WIRE_AT(sums_value, connections_failed, 16);
WIRE_AT(sums_value, bytes_sent, 24);
WIRE_AT(sums_value, bytes_received, 32);
WIRE_AT(sums_value, packets_sent, 40);
WIRE_AT(sums_value, packets_received, 48);
WIRE_AT(sums_value, retransmits, 56);

WIRE_SIZE(filter_control, 40);
WIRE_AT(filter_control, own_start_mono_ns, 0);
WIRE_AT(filter_control, own_address, 8);
WIRE_AT(filter_control, active_set, 24);
WIRE_AT(filter_control, own_pid, 28);
WIRE_AT(filter_control, own_netns, 32);
WIRE_AT(filter_control, own_port, 36);
WIRE_AT(filter_control, reserved, 38);

WIRE_SIZE(filter_head, 8);
WIRE_AT(filter_head, rules, 0);
WIRE_AT(filter_head, otherwise, 2);
WIRE_AT(filter_head, needs, 3);
WIRE_AT(filter_head, reserved, 4);

WIRE_SIZE(filter_rule, 64);
WIRE_AT(filter_rule, network_address, 0);
WIRE_AT(filter_rule, mask_address, 16);
WIRE_AT(filter_rule, netns, 32);
WIRE_AT(filter_rule, netns_mask, 36);
WIRE_AT(filter_rule, pid, 40);
WIRE_AT(filter_rule, pid_mask, 44);
WIRE_AT(filter_rule, first_port, 48);
WIRE_AT(filter_rule, last_port, 50);
WIRE_AT(filter_rule, direction, 52);
WIRE_AT(filter_rule, direction_mask, 53);
WIRE_AT(filter_rule, in_cgroup, 54);
WIRE_AT(filter_rule, ipv6, 55);
WIRE_AT(filter_rule, verdict, 56);
WIRE_AT(filter_rule, reserved, 57);

WIRE_SIZE(filter_cgroup, 16);
WIRE_AT(filter_cgroup, cgroup_id, 0);
WIRE_AT(filter_cgroup, set, 8);
WIRE_AT(filter_cgroup, reserved, 12);

#endif
