#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What being watched adds to one TCP connection, both ends, on one processor: a finer measure than
# overhead.sh, for those who change the kernel programs. The same loop runs in a cgroup that nobody
# watches, in a second such (control) and in one that meshlens watches, by turns.
#
# usage: connection-cost.sh [--rounds N] [--connections N] [--dist DIR]... [--help]
#   --rounds N        turns of each cgroup (101)
#   --connections N   connections in one turn (500)
#   --dist DIR        an installation to measure; may be given again to compare several
#                     (the checkout's build)
#
# Prints nanoseconds per connection, and what each differs from the first in the same round: median
# and quartiles. The sidecars run on processor 0, the loop on the last one.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=./benchmarks/cgroups.sh
. "$here/cgroups.sh"
rounds=101 connections=500 dists=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '/^# usage:/,/^# and quart/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --rounds | --connections | --dist) [ $# -ge 2 ] || { echo "connection-cost.sh: $1 needs a value" >&2; exit 2; } ;;
    *) echo "connection-cost.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
  esac
  case $1 in
    --rounds) rounds=$2 ;;
    --connections) connections=$2 ;;
    --dist) dists+=("$2") ;;
  esac
  shift 2
done
[ "${#dists[@]}" -gt 0 ] || dists=("$(dirname "$here")/sidecar/target/dist")
need_quiet_programs
begin meshlens-connection-cost
compile connection_cost
places=("$cgroups/bare" "$cgroups/control")
mkdir "${places[@]}"
for i in "${!dists[@]}"; do
  name=meshlens-$((i + 1))
  mkdir "$cgroups/$name"
  places+=("$cgroups/$name")
  start_meshlens "$name" "$cgroups/$name" taskset -c 0 "${dists[$i]}/bin/meshlens" run \
    --set access_log.stdout.enabled=false
  echo "$name is $("${dists[$i]}/bin/meshlens" version | head -n 1)"
done
"$here/target/connection_cost" "$rounds" "$connections" $(($(nproc) - 1)) "${places[@]}" |
  awk 'BEGIN { printf "%-12s %14s %20s %s\n", "cgroup", "ns/connection", "more than bare, ns", "(quartiles)" }
    { printf "%-12s %14d %20d (%d to %d)\n", $1, $2, $3, $4, $5 }'
