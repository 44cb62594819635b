#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What watching UDP costs: small requests and answers over loopback, as of DNS, in a cgroup that
# nobody watches (bare), in a second such (control), in one that meshlens watches without UDP
# (udp-off) and in one with (udp-on), by turns. The same for requests over one TCP connection, which
# pass the programs of UDP too.
#
# usage: udp.sh [--rounds N] [--exchanges N] [--workloads LIST] [--dist DIR] [--help]
#   --rounds N        turns of each cgroup (101)
#   --exchanges N     requests and answers in one turn (500)
#   --workloads LIST  of kept,fresh,tcp (all): requests of one UDP socket; each of a new one; over TCP
#   --dist DIR        the installation to measure (the checkout's build)
#
# Prints the time of an exchange, and its rate as a share of bare in the same round: median and
# quartiles. The sidecars run on processor 0, client and server on the last one.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
die() { echo "udp.sh: $*" >&2; exit 1; }
rounds=101 exchanges=500 workloads=kept,fresh,tcp dist=$(dirname "$here")/sidecar/target/dist
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '/^# usage:/,/^# quartiles/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --rounds | --exchanges | --workloads | --dist)
      [ $# -ge 2 ] || { echo "udp.sh: $1 needs a value" >&2; exit 2; } ;;
    *) echo "udp.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
  esac
  case $1 in
    --rounds) rounds=$2 ;;
    --exchanges) exchanges=$2 ;;
    --workloads) workloads=$2 ;;
    --dist) dist=$2 ;;
  esac
  shift 2
done
[ "$(id -u)" = 0 ] || die "kernel programs need root: sudo $0"
[ "$(cat /proc/sys/kernel/bpf_stats_enabled 2>/dev/null || echo 0)" = 0 ] ||
  die "kernel.bpf_stats_enabled is on and slows every BPF program: sysctl kernel.bpf_stats_enabled=0"

work=$(mktemp -d) pids=() cgroups=''
finish() {
  local status=$?
  trap - EXIT HUP INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  for _ in $(seq 50); do
    [ -d "$cgroups" ] || break
    find "$cgroups" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    sleep 0.1
  done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

mkdir -p "$here/target"
cc -O2 -Wall -Wextra -Werror -o "$here/target/udp_exchange" "$here/src/main/c/udp_exchange.c"
cgroup_root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroup_root" ] || die "no cgroup v2 file system is mounted"
cgroups=$cgroup_root/meshlens-udp-bench-$$
places=("$cgroups/bare" "$cgroups/control" "$cgroups/udp-off" "$cgroups/udp-on")
mkdir -p "${places[@]}"
for udp in false true; do
  place=${places[2]}
  [ $udp = false ] || place=${places[3]}
  taskset -c 0 "$dist/bin/meshlens" run --cgroup "$place" --set telemetry.address=127.0.0.1:0 \
    --set kernel.pin_path=off --set kernel.udp=$udp >/dev/null 2>"$work/$udp.err" &
  pids+=($!)
  for _ in $(seq 300); do
    ! grep -q 'metrics on' "$work/$udp.err" || break
    kill -0 "${pids[-1]}" 2>/dev/null || die "meshlens ended: $(tail -n 5 "$work/$udp.err")"
    sleep 0.1
  done
done
"$dist/bin/meshlens" version | head -n 1
for workload in ${workloads//,/ }; do
  "$here/target/udp_exchange" "$workload" "$rounds" "$exchanges" $(($(nproc) - 1)) "${places[@]}" |
    awk -v workload="$workload" \
      'BEGIN { printf "\n%-8s %-9s %12s %14s %s\n", "workload", "cgroup", "ns/exchange", "rate/bare", "(quartiles)" }
      { printf "%-8s %-9s %12d %14.3f (%.3f to %.3f)\n", workload, $1, $2, $3, $4, $5 }'
done
for udp in false true; do
  ! grep -E ' (warn|error) ' "$work/$udp.err" || die "meshlens complained"
done
