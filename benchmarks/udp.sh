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
# shellcheck source=./benchmarks/cgroups.sh
. "$here/cgroups.sh"
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
need_quiet_programs
begin meshlens-udp-bench
compile udp_exchange
places=("$cgroups/bare" "$cgroups/control" "$cgroups/udp-off" "$cgroups/udp-on")
mkdir "${places[@]}"
meshlens=(taskset -c 0 "$dist/bin/meshlens" run --set kernel.pin_path=off)
start_meshlens off "$cgroups/udp-off" "${meshlens[@]}" --set kernel.udp=false
start_meshlens on "$cgroups/udp-on" "${meshlens[@]}" --set kernel.udp=true
"$dist/bin/meshlens" version | head -n 1
for workload in ${workloads//,/ }; do
  "$here/target/udp_exchange" "$workload" "$rounds" "$exchanges" $(($(nproc) - 1)) "${places[@]}" |
    awk -v workload="$workload" \
      'BEGIN { printf "\n%-8s %-9s %12s %14s %s\n", "workload", "cgroup", "ns/exchange", "rate/bare", "(quartiles)" }
      { printf "%-8s %-9s %12d %14.3f (%.3f to %.3f)\n", workload, $1, $2, $3, $4, $5 }'
done
! grep -E ' (warn|error) ' "$work"/*.err || die "meshlens complained"
