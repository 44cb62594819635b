#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the scripts that measure in cgroups beside meshlens; runs nothing by itself. What they
# start ends with them, by its id, and their cgroups and files are removed.

die() { echo "${0##*/}: $*" >&2; exit 1; }

# Where cgroup v2 is mounted.
find_cgroup_root() {
  local root
  root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$root" ] || die "no cgroup v2 file system is mounted"
  echo "$root"
}

# A cgroup can be removed a moment after its last process has ended.
remove_cgroups() { # directory
  for _ in $(seq 50); do
    [ -d "$1" ] || break
    find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    sleep 0.1
  done
}

need_quiet_programs() {
  [ "$(cat /proc/sys/kernel/bpf_stats_enabled 2>/dev/null || echo 0)" = 0 ] ||
    die "kernel.bpf_stats_enabled is on and slows every BPF program: sysctl kernel.bpf_stats_enabled=0"
}

# From here on there are $work, a directory for files, $cgroups, one for cgroups, and pids, which are ended in the end.
begin() { # name of the directory of cgroups
  [ "$(id -u)" = 0 ] || die "kernel programs need root: sudo $0"
  work=$(mktemp -d) pids=() cgroups=''
  trap finish EXIT
  trap 'exit 130' HUP INT TERM
  cgroups=$(find_cgroup_root)/$1-$$
  mkdir "$cgroups"
}
finish() {
  local status=$? pid
  trap - EXIT HUP INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  [ -z "$cgroups" ] || remove_cgroups "$cgroups"
  rm -rf "$work"
  exit "$status"
}

# Makes target/NAME of src/main/c/NAME.c.
compile() { # name
  local here
  here=$(dirname "${BASH_SOURCE[0]}")
  mkdir -p "$here/target"
  cc -O2 -Wall -Wextra -Werror -o "$here/target/$1" "$here/src/main/c/$1.c"
}

# Returns once it watches. Its id is the last of pids, what it says is in $work/NAME.err.
start_meshlens() { # name cgroup command...
  local name=$1 cgroup=$2
  shift 2
  "$@" --cgroup "$cgroup" --set telemetry.address=127.0.0.1:0 >/dev/null 2>"$work/$name.err" &
  pids+=($!)
  for _ in $(seq 300); do
    ! grep -q 'metrics on' "$work/$name.err" || return 0
    kill -0 "${pids[-1]}" 2>/dev/null || die "meshlens ended: $(tail -n 5 "$work/$name.err")"
    sleep 0.1
  done
  die "meshlens did not get ready: $(tail -n 5 "$work/$name.err")"
}
