#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What many open sockets cost meshlens: kernel memory, memory of the process, and the time of a look
# at all of them. Opens them in a network namespace and a cgroup of its own, and prints the same for
# the state before, with them open, and after.
#
# usage: many-sockets.sh [--sockets N] [--max-sockets N] [--dist DIR] [--help]
#   --sockets N       how many, half of them accepted (100000)
#   --max-sockets N   kernel.max_sockets (the program's default)
#   --dist DIR        the installation to measure (the checkout's build)
#
# maps      memlock of all maps that the sidecar holds (/proc/PID/fdinfo), KiB
# slab      growth of the kernel's slab since the start, the sockets' own included, KiB
# rss       resident memory of the sidecar, KiB
# scrape    time of one GET /metrics, which makes a live pass, ms: median of eleven
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=./benchmarks/cgroups.sh
. "$here/cgroups.sh"
sockets=100000 settings=() dist=$(dirname "$here")/sidecar/target/dist
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '/^# usage:/,/^# scrape/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --sockets | --max-sockets | --dist) [ $# -ge 2 ] || { echo "many-sockets.sh: $1 needs a value" >&2; exit 2; } ;;
    *) echo "many-sockets.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
  esac
  case $1 in
    --sockets) sockets=$2 ;;
    --max-sockets) settings+=(--set "kernel.max_sockets=$2") ;;
    --dist) dist=$2 ;;
  esac
  shift 2
done
begin meshlens-many-sockets
compile many_sockets
start_meshlens meshlens "$cgroups" "$dist/bin/meshlens" run --set kernel.pin_path=off "${settings[@]}"
sidecar=${pids[-1]}
page=$(grep -o 'http://[^ ]*' "$work/meshlens.err" | tail -n 1)

slab_kib() { awk '$1 == "Slab:" { print $2 }' /proc/meminfo; }
slab_before=$(slab_kib)
scrape_ms() {
  for _ in $(seq 11); do
    curl -s -o "$work/page" -w '%{time_total}\n' "$page"
  done | sort -n | awk 'NR == 6 { printf "%.1f", $1 * 1000 }'
}
# One map may be open more than once.
maps_kib() {
  cat /proc/"$sidecar"/fdinfo/* 2>/dev/null |
    awk '$1 == "memlock:" { size = $2 } $1 == "map_id:" && !seen[$2]++ { sum += size } END { printf "%d", sum / 1024 }'
}
sample() { awk -v name="$1" '$1 ~ "^" name "({|$)" { sum += $NF } END { printf "%d", sum }' "$work/page"; }
report() {
  local scrape
  scrape=$(scrape_ms)
  printf '%-8s %8d %9d %10d %9d %9d %9d %9s\n' "$1" "$(sample meshlens_sockets_used)" \
    "$(sample meshlens_sockets_overflow)" "$(sample meshlens_connections_untracked_total)" "$(maps_kib)" \
    $(($(slab_kib) - slab_before)) "$(awk '$1 == "VmRSS:" { print $2 }' /proc/"$sidecar"/status)" "$scrape"
}

printf '%-8s %8s %9s %10s %9s %9s %9s %9s\n' '' tracked overflow untracked 'maps,KiB' 'slab,KiB' 'rss,KiB' 'scrape,ms'
report before
mkfifo "$work/input"
# shellcheck disable=SC2016
unshare --net sh -c 'echo $$ >"$1/cgroup.procs"; ip link set lo up; exec "$2" "$3"' sh \
  "$cgroups" "$here/target/many_sockets" "$sockets" <"$work/input" >"$work/peer" &
peer=$!
pids+=("$peer")
exec 3>"$work/input"
for _ in $(seq 1200); do
  ! grep -q open "$work/peer" || break
  kill -0 "$peer" 2>/dev/null || die "the sockets could not be opened"
  sleep 0.1
done
report open
exec 3>&-
wait "$peer"
pids=("$sidecar")
report after
awk -v sockets="$sockets" '$1 == "open" { printf "opened at %.1f us each\n", $2 / sockets / 1000 }' "$work/peer"
