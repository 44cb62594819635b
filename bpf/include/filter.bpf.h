/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which connections are not to be watched: those of the sidecar itself, and what the rules exclude.
 * A connection is judged once, at its SYN or when it is accepted or adopted; what is watched then
 * stays so to its end, whatever becomes of the rules.
 */
#ifndef MESHLENS_FILTER_BPF_H
#define MESHLENS_FILTER_BPF_H

#include "listeners.bpf.h"

/* What a connection is judged by; what no rule needs to know stays zero. */
struct filter_subject {
	__u8 local_address[16];
	__u8 remote_address[16];
	__u64 in_cgroup; /* a bit for each rule whose cgroup it is in */
	__u32 netns;
	__u32 pid;	 /* 0: nobody */
	__u32 pid_known; /* mask: 0 when nobody can tell yet, then no rule excludes by it */
	__u16 port;	 /* of the server */
	__u8 direction;
	__u8 is_ipv4;
};

static __always_inline struct filter_control *filter_get_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&filter_control, &zero);
}

/*
 * The comparisons of a rule have no branches: the verifier would follow each combination of them
 * again for every rule, half a million instructions. The barriers keep the compiler from making
 * some.
 */
static __always_inline __u64 is_negative(__u64 number)
{
	barrier_var(number);
	return number >> 63;
}

static __always_inline __u64 is_not_zero(__u64 bits)
{
	return is_negative(bits | -bits);
}

/* 0 if the address is in the rule's network. */
static __always_inline __u64 outside_network(const struct filter_rule *rule, const __u8 *address)
{
	const __u64 *network = (const __u64 *)rule->network_address;
	const __u64 *mask = (const __u64 *)rule->mask_address;
	const __u64 *words = (const __u64 *)address;

	return ((words[0] ^ network[0]) & mask[0]) | ((words[1] ^ network[1]) & mask[1]);
}

/* 0 if one of the addresses and the port are the rule's. */
static __always_inline __u64 address_differs(const struct filter_rule *rule,
					     const struct filter_subject *subject)
{
	__u64 port = subject->port;

	return (is_not_zero(outside_network(rule, subject->local_address)) &
		is_not_zero(outside_network(rule, subject->remote_address))) |
	       is_negative(port - rule->first_port) | is_negative(rule->last_port - port) |
	       (rule->ipv6 & subject->is_ipv4);
}

static __always_inline bool rule_fits(const struct filter_rule *rule,
				      const struct filter_subject *subject, __u32 number)
{
	__u64 excluding = -(__u64)rule->verdict;

	return !(((rule->direction ^ subject->direction) & rule->direction_mask) |
		 ((rule->netns ^ subject->netns) & rule->netns_mask) |
		 ((rule->pid ^ subject->pid) & rule->pid_mask &
		  (subject->pid_known | (__u32)excluding)) |
		 (rule->in_cgroup & ~(subject->in_cgroup >> number)) |
		 address_differs(rule, subject));
}

/* A bit for each rule that wants the socket's cgroup or one above it. */
static __always_inline __u64 filter_cgroups_of(struct sock *sk, __u32 set)
{
	struct filter_cgroup key = {.set = set};
	struct cgroup *cgroup = sock_cgroup_probed(sk);
	__u64 all = 0, *rules;

	for (int level = 0; level < MAX_CGROUP_LEVELS && cgroup; level++) {
		key.cgroup_id = BPF_CORE_READ(cgroup, kn, id);
		rules = bpf_map_lookup_elem(&filter_cgroups, &key);
		if (rules)
			all |= *rules;
		cgroup = cgroup_parent(cgroup);
	}
	return all;
}

/* The process that listens where a connection came in, 0 when unknown. */
static __always_inline __u32 listening_pid(const struct filter_subject *subject)
{
	struct listener *listener =
		listener_find(subject->netns, subject->local_address, subject->port);

	return listener && !listener->several ? listener->pid : 0;
}

/* How a connection is to be judged. */
enum filter_question {
	FILTER_OUTBOUND = 1,
	FILTER_OWNER_UNKNOWN = 2,
	FILTER_DIALLED = 4, /* by what connect(2) was asked for, in place of the remote end */
	FILTER_IPV4 = 8,    /* addresses are given */
};

/* What is to become of a connection, and why. */
enum filter_finding {
	FILTER_FINDING_WATCHED = 0,
	FILTER_FINDING_EXCLUDED = 1,
	/* Not included yet; the local address, which is still to be chosen, may change that. */
	FILTER_FINDING_UNDECIDED = 2,
};

/* IPv4 addresses of a socket as one number. */
static __always_inline __u64 ipv4_pair(struct sock *sk)
{
	return (__u64)sk->__sk_common.skc_rcv_saddr << 32 | sk->__sk_common.skc_daddr;
}

/* ipv4: with FILTER_IPV4, ipv4_pair(). */
static __always_inline void subject_addresses(struct filter_subject *subject, struct sock *sk,
					      __u32 question, __u64 ipv4)
{
	__u8 *local = subject->local_address, *remote = subject->remote_address;

	if (question & FILTER_IPV4) {
		map_ipv4(local, ipv4 >> 32);
		map_ipv4(remote, ipv4);
	} else {
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)local, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)remote, sk, __sk_common.skc_v6_daddr);
	}
}

static __always_inline void subject_of(struct filter_subject *subject, struct sock *sk, __u8 needs,
				       __u32 set, __u32 question, __u64 ipv4)
{
	bool outbound = question & FILTER_OUTBOUND;

	/* Without branches, for the reason given above. */
	subject->direction = CONNECTION_DIRECTION_INBOUND - (question & FILTER_OUTBOUND);
	subject->pid_known = (question & FILTER_OWNER_UNKNOWN) / FILTER_OWNER_UNKNOWN - 1;
	if (needs & (FILTER_NEED_ADDRESS | FILTER_NEED_PID))
		subject_addresses(subject, sk, question, ipv4);
	if (needs & (FILTER_NEED_NETNS | FILTER_NEED_PID))
		subject->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (needs & FILTER_NEED_PID && !outbound)
		subject->pid = listening_pid(subject);
	if (needs & FILTER_NEED_CGROUP)
		subject->in_cgroup = filter_cgroups_of(sk, set);
}

/*
 * What the rules of a set say of the connection of a socket (its address): enum filter_finding. A
 * function of its own with numbers for arguments, so that the verifier looks at it once and not for
 * each way that leads here. asked: enum filter_question, and the owner in the high half; set:
 * index, and the server's port in the high half; dialled: address.
 */
__weak __noinline int filter_find(__u64 socket, __u64 set_and_port, __u64 asked,
				  __u64 dialled_or_ipv4, __u64 dialled_last)
{
	__u32 index = set_and_port, question = asked;
	struct filter_set *set = bpf_map_lookup_elem(&filter_sets, &index);
	struct filter_subject subject = {.port = set_and_port >> 32, .pid = asked >> 32};

	if (!set)
		return FILTER_FINDING_WATCHED;
	subject_of(&subject, (struct sock *)socket, set->head.needs, index, question,
		   dialled_or_ipv4);
	if (question & FILTER_DIALLED) {
		((__u64 *)subject.remote_address)[0] = dialled_or_ipv4;
		((__u64 *)subject.remote_address)[1] = dialled_last;
	}
	subject.is_ipv4 = !is_not_zero((((__u32 *)subject.remote_address)[2] ^ bpf_htonl(0xffff)) |
				       ((__u64 *)subject.remote_address)[0]);
	for (__u32 number = 0; number < FILTER_LIMIT_RULES; number++) {
		if (number >= set->head.rules)
			break;
		if (rule_fits(&set->rules[number], &subject, number))
			return set->rules[number].verdict == FILTER_VERDICT_EXCLUDE
				       ? FILTER_FINDING_EXCLUDED
				       : FILTER_FINDING_WATCHED;
	}
	if (set->head.otherwise != FILTER_VERDICT_EXCLUDE)
		return FILTER_FINDING_WATCHED;
	return question & FILTER_DIALLED && set->head.needs & FILTER_NEED_LOCAL_ADDRESS
		       ? FILTER_FINDING_UNDECIDED
		       : FILTER_FINDING_EXCLUDED;
}

/*
 * A socket's address as a number. The verifier takes a pointer for a number once its bytes
 * were swapped; twice, and it is the same number.
 */
static __always_inline __u64 address_of(struct sock *sk)
{
	__u64 address = (__u64)sk;

	asm volatile("%0 = be64 %0\n%0 = be64 %0" : "+r"(address));
	return address;
}

static __always_inline bool runs_own_process(const struct filter_control *control)
{
	struct task_struct *task;

	if (!control->own_pid || running_pid() != control->own_pid)
		return false;
	task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, group_leader, start_time) == control->own_start_mono_ns;
}

static __always_inline bool excludes_counted(const struct filter_control *control, struct sock *sk,
					     __u32 question, __u32 pid)
{
	__u64 set_and_port = control->active_set - 1, asked = (__u64)pid << 32 | question;

	if (!control->active_set)
		return false;
	if (question & FILTER_OUTBOUND)
		set_and_port |= (__u64)bpf_ntohs(sk->__sk_common.skc_dport) << 32;
	else
		set_and_port |= (__u64)sk->__sk_common.skc_num << 32;
	if (sk->__sk_common.skc_family == AF_INET)
		asked |= FILTER_IPV4;
	if (filter_find(address_of(sk), set_and_port, asked, ipv4_pair(sk), 0) ==
	    FILTER_FINDING_WATCHED)
		return false;
	count(KERNEL_COUNTER_CONNECTIONS_FILTERED);
	return true;
}

/*
 * At connect(2), by what was dialled; another program may yet rewrite that, then the SYN is judged
 * by what became of it. unsent: the verdict should no SYN follow.
 */
static __always_inline bool excludes_dial(struct sock *sk, const __u8 *address, __be16 port_be,
					  bool *unsent)
{
	struct filter_control *control = filter_get_control();
	__u64 *words = (__u64 *)address;
	int finding;

	if (!control)
		return false;
	if (runs_own_process(control))
		return true;
	if (!control->active_set)
		return false;
	finding = filter_find(
		address_of(sk), (__u64)bpf_ntohs(port_be) << 32 | (control->active_set - 1),
		(__u64)running_pid() << 32 | FILTER_OUTBOUND | FILTER_DIALLED, words[0], words[1]);
	*unsent = finding != FILTER_FINDING_WATCHED;
	return finding == FILTER_FINDING_EXCLUDED;
}

/* Whether nothing that a verdict of connect(2) went by can be another at the SYN. */
static __always_inline bool verdict_holds(const struct filter_control *control)
{
	__u32 index = control->active_set - 1;
	struct filter_set *set;

	if (!control->active_set)
		return true;
	set = bpf_map_lookup_elem(&filter_sets, &index);
	return set && !(set->head.needs & FILTER_NEED_ADDRESS);
}

/* The SYN is about to leave. state: what the hook of connect(2) made, if it let it pass. */
static __always_inline bool excludes_syn(struct sock *sk, const struct socket_state *state)
{
	bool passed = state && state->phase == SOCKET_PHASE_DIALLING;
	struct filter_control *control = filter_get_control();

	if (!control || (passed && verdict_holds(control)))
		return false;
	if (!passed && runs_own_process(control)) {
		count(KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED);
		return true;
	}
	return excludes_counted(control, sk, FILTER_OUTBOUND, running_pid());
}

static __always_inline bool is_own_listener(const struct filter_control *control, struct sock *sk)
{
	__u8 local[16], remote[16];

	if (!control->own_port || control->own_port != sk->__sk_common.skc_num ||
	    control->own_netns != sk->__sk_common.skc_net.net->ns.inum)
		return false;
	socket_addresses(sk, local, remote);
	return address_equal(control->own_address, local) || is_any_address(control->own_address);
}

static __always_inline bool excludes_accepted(struct sock *sk)
{
	struct filter_control *control = filter_get_control();

	if (!control)
		return false;
	if (is_own_listener(control, sk)) {
		count(KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED);
		return true;
	}
	return excludes_counted(control, sk, 0, 0);
}

/* A connection that is about to be adopted; who connected is not known yet. */
static __always_inline bool excludes_older(struct sock *sk, __u8 direction)
{
	struct filter_control *control = filter_get_control();

	if (direction == CONNECTION_DIRECTION_INBOUND)
		return excludes_accepted(sk);
	return control && excludes_counted(control, sk, FILTER_OUTBOUND | FILTER_OWNER_UNKNOWN, 0);
}

/* An adopted connection of which turned out who connected. */
static __always_inline bool excludes_owner(struct sock *sk, __u32 pid)
{
	struct filter_control *control = filter_get_control();

	if (!control)
		return false;
	if (control->own_pid && control->own_pid == pid) {
		count(KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED);
		return true;
	}
	return excludes_counted(control, sk, FILTER_OUTBOUND, pid);
}

#endif
