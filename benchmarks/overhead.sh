#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What observing costs: nginx and wrk on loopback with every processor busy, alone (bare), beside
# meshlens and beside bcc's tcplife, in short runs that take turns.
#
# A shared machine is faster now and slower a minute later by more than observing costs, so the runs
# of a round must lie close together. Each situation has a cgroup and, where meshlens watches, a
# sidecar of its own that is started and warmed up once and stopped (SIGSTOP) while it is not its turn.
# On each processor there is one nginx for them all, since two differ by more than observing costs: it
# listens on one port for each situation, with a socket that was made in that situation's cgroup, to
# which its connections then belong. To go from one situation to the next, only wrk has to be started,
# in another cgroup. wrk runs on the processor of its nginx, because otherwise the rate depends on how
# the scheduler and the workers happened to share the connections, by more than a tenth.
# Each round begins with another situation, and a run is compared with the bare run of its own round. In the end, and in a run of its own record by record, nginx's counts of connections are
# compared with those of meshlens; and in another run the kernel itself says what each program costs.
#
# usage: overhead.sh [--seconds N] [--rounds N] [--warmup N] [--workloads LIST] [--situations LIST]
#                    [--dist DIR] [--java-opts OPTS] [--out DIR] [--no-exactness]
#   --seconds N        length of a measured run                               (3, BENCH_SECONDS)
#   --rounds N         rounds; the median and quartiles over them are shown  (12, BENCH_ROUNDS)
#   --warmup N         unmeasured churn for each sidecar at first, seconds   (45, BENCH_WARMUP)
#   --warmup-rounds N  unmeasured rounds after it, each as the measured ones (20, BENCH_WARMUP_ROUNDS)
#   --workloads LIST   of churn,keepalive,bulk                 (churn,keepalive,bulk, BENCH_WORKLOADS)
#   --situations LIST  of those below; bare is always among them           (all, BENCH_SITUATIONS)
#   --dist DIR         the installation to measure         (the checkout's build, BENCH_DIST)
#   --java-opts OPTS   further options of the JVM                       (MESHLENS_JAVA_OPTS)
#   --out DIR          where overhead.json and overhead.md go      (benchmarks/target, BENCH_OUT)
#   --no-exactness     leave out the record-by-record run and the cost of each program
#
# workloads:
#   churn        wrk, 8 connections per processor, every request on a new one (Connection: close)
#   keepalive    wrk, 8 connections per processor that stay open
#   bulk         iperf3, one stream
# situations:
#   bare             nobody watches
#   control          nobody watches either: how far its share is from 1 is the error of the others
#   meshlens         defaults; the JSON log goes to /dev/null
#   meshlens-file    defaults; the JSON log goes to a file               (churn only)
#   meshlens-no-log  access_log.stdout.enabled=false: metrics only
#   meshlens-all     defaults, and records by ALS and OTLP and metrics by OTLP to a receiver on the same
#                    processors, which takes them and looks at nothing; needs the benchmarks compiled
#                    (mvn -DskipTests package); only when asked for
#   meshlens-exclude filter.exclude is cidr=0.0.0.0/0: nothing is watched
#   meshlens-udp     kernel.udp=true
#   meshlens-cold    as meshlens, but the JVM was started just before    (churn only)
#   tcplife          bcc's tcplife (Debian 13's libbpf-tools), its lines go to /dev/null
#   NAME=DIR         as meshlens, with the installation in DIR; options of its JVM in DIR/java-opts
#
# Exit status: 0; 1 when a record was lost or the counts disagree, or something could not run;
# 2 wrong usage.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$here")
# shellcheck source=./benchmarks/cgroups.sh
. "$here/cgroups.sh"
usage() { sed -n '/^# usage:/,/^# 2 wrong/s/^# \{0,1\}//p' "$0"; }
say() { echo "overhead.sh: $*" >&2; }

seconds=${BENCH_SECONDS:-3}
rounds=${BENCH_ROUNDS:-12}
warmup=${BENCH_WARMUP:-45}
warmup_rounds=${BENCH_WARMUP_ROUNDS:-20}
workloads=${BENCH_WORKLOADS:-churn,keepalive,bulk}
situations=${BENCH_SITUATIONS:-bare,control,meshlens,meshlens-file,meshlens-no-log,meshlens-cold,tcplife}
dist=${BENCH_DIST:-$root/sidecar/target/dist}
out=${BENCH_OUT:-$here/target}
exactness=yes
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --no-exactness) exactness=no; shift; continue ;;
    --seconds | --rounds | --warmup | --warmup-rounds | --workloads | --situations | --dist | --java-opts | --out) ;;
    *) echo "overhead.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
  esac
  [ $# -ge 2 ] || { echo "overhead.sh: $1 needs a value" >&2; exit 2; }
  case $1 in
    --seconds) seconds=$2 ;;
    --rounds) rounds=$2 ;;
    --warmup) warmup=$2 ;;
    --warmup-rounds) warmup_rounds=$2 ;;
    --workloads) workloads=$2 ;;
    --situations) situations=$2 ;;
    --dist) dist=$2 ;;
    --java-opts) export MESHLENS_JAVA_OPTS=$2 ;;
    --out) out=$2 ;;
  esac
  shift 2
done
for number in "$seconds" "$rounds" "$warmup" "$warmup_rounds"; do
  case $number in
    '' | *[!0-9]* | 0) echo "overhead.sh: '$number': expected a whole number above 0" >&2; exit 2 ;;
  esac
done
IFS=, read -ra workload_list <<<"$workloads"
IFS=, read -ra situation_list <<<"$situations"
for w in "${workload_list[@]}"; do
  case $w in churn | keepalive | bulk) ;; *) echo "overhead.sh: unknown workload '$w'" >&2; exit 2 ;; esac
done
for s in "${situation_list[@]}"; do
  case $s in
    bare | control | tcplife) ;;
    meshlens | meshlens-all | meshlens-file | meshlens-no-log | meshlens-exclude | meshlens-udp | meshlens-cold) ;;
    [a-z]*=/*)
      [ -x "${s#*=}/bin/meshlens" ] || die "$s: no bin/meshlens there"
      ;;
    *) echo "overhead.sh: unknown situation '$s'" >&2; exit 2 ;;
  esac
done
case ,$situations, in *,bare,*) ;; *) situation_list=(bare "${situation_list[@]}") ;; esac

[ "$(id -u)" = 0 ] || die "kernel programs need root: sudo $0"
PATH=$PATH:/usr/sbin:/sbin
for tool in nginx wrk curl bpftool awk python3; do
  command -v "$tool" >/dev/null || die "$tool not found: run  scripts/install-packages.sh build bench"
done
[ -x "$dist/bin/meshlens" ] || die "$dist/bin/meshlens not found: run  make build"

processors=$(nproc)
connections_each=8
connections=$((connections_each * processors))
ticks_per_second=$(getconf CLK_TCK)
# Share of the machine that processes other than ours, or other virtual machines, may take of a run
# before the run is repeated.
quiet_percent=2
max_repeats=3
# Length of the run that is checked record by record, and of the one that programs are timed in.
exact_seconds=8
program_seconds=5

# --- what is started here ends here, by its id ---------------------------------------------------

work=$(mktemp -d)
statistics=''
load_pid='' server_pid='' tcplife_pid='' receiver_pid='' cgroups=''
nginx_pids=()
declare -A sidecar_pid telemetry http_ports handled
end() {
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  kill -CONT "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
finish() {
  local status=$? pid
  trap - EXIT HUP INT PIPE TERM
  for pid in "$load_pid" "$server_pid" "$tcplife_pid" "${sidecar_pid[@]}" "${nginx_pids[@]}" \
    "$receiver_pid"; do
    end "$pid"
  done
  [ -z "$cgroups" ] || remove_cgroups "$cgroups"
  [ -z "$statistics" ] || sysctl -q kernel.bpf_stats_enabled=0
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

cgroups=$(find_cgroup_root)/meshlens-overhead-$$
mkdir "$cgroups"
# shellcheck disable=SC2016
in_cgroup() { # situation command...
  local directory=$cgroups/$1
  shift
  exec sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$directory" "$@"
}

# In the background, so that a signal is answered at once.
load() { # situation command...
  (in_cgroup "$@") &
  load_pid=$!
  local status=0
  wait "$load_pid" || status=$?
  load_pid=''
  return "$status"
}

# --- what is read from the kernel ----------------------------------------------------------------

cpu_ticks() { sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
status_kib() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }

# Processor time of the rest of the machine, in ticks: all processes that are neither kernel threads
# nor descend from this script, with their children that have ended, and what the hypervisor took.
foreign_ticks() {
  # A process may end between the listing and the reading.
  { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v self=$$ '
    {
      pid = $1
      sub(/^.*\) /, "")
      parent[pid] = $2
      ticks[pid] = $12 + $13 + $14 + $15
    }
    END {
      for (pid in ticks) {
        p = pid
        while (p in parent && p != self && p != 2 && p > 1)
          p = parent[p]
        if (p != self && p != 2)
          sum += ticks[pid]
      }
      while ((getline line < "/proc/stat") > 0)
        if (split(line, field) && field[1] == "cpu")
          sum += field[9]
      print sum + 0
    }'
}

# Programs of others on the sockets of this machine: then bare would not be bare.
others_attached() {
  bpftool cgroup tree 2>/dev/null | awk -v ours="$cgroups" '
    /^\// { foreign = index($1, ours) != 1 }
    /sock_ops/ && foreign { n++ }
    END { print n + 0 }'
}

wait_until_alone() {
  need_quiet_programs
  for _ in $(seq 60); do
    [ "$(others_attached)" != 0 ] || return 0
    sleep 1
  done
  die "a sock_ops program of others is attached (bpftool cgroup tree): stop it, or bare is not bare"
}

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((RANDOM % 12000 + 20000)) # below the ephemeral range
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  die "no free port on 127.0.0.1"
}

# --- nginx ---------------------------------------------------------------------------------------

# Makes a listening socket in the cgroup of each situation and becomes an nginx that takes them over
# (the way of nginx itself when its binary is replaced: their descriptors are in NGINX).
listen_and_serve() { # situation port ... -- nginx command
  exec python3 -c '
import os, socket, sys
split = sys.argv.index("--")
places, command = sys.argv[2:split], sys.argv[split + 1:]
kept = []
for situation, port in zip(places[::2], places[1::2]):
    with open(f"{sys.argv[1]}/{situation}/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(1024)
    listener.set_inheritable(True)
    kept.append(listener)
os.environ["NGINX"] = "".join(f"{listener.fileno()};" for listener in kept)
os.execvp(command[0], command)' "$cgroups" "$@"
}

start_nginx() { # situation...
  local cpu name
  for name in "$@"; do
    mkdir "$work/$name" "$cgroups/$name"
    http_ports[$name]=''
    handled[$name]=0
  done
  for cpu in $(seq 0 $((processors - 1))); do start_nginx_on "$cpu" "$@"; done
  echo 0 >"$work/asked"
}
start_nginx_on() { # processor situation...
  local cpu=$1 dir=$work/nginx-$1 name port places=() servers=''
  shift
  mkdir "$dir"
  for name in "$@"; do
    port=$(free_port)
    http_ports[$name]+="${http_ports[$name]:+ }$port"
    places+=("$name" "$port")
    servers+="    listen 127.0.0.1:$port backlog=1024;
"
  done
  cat >"$dir/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx-error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  server {
$servers
    keepalive_requests 1000000000;
    location / { return 200 "hello from the benchmark\n"; }
  }
  server {
    # Asked through a Unix socket, which makes no TCP connection.
    listen unix:$dir/status.sock;
    location / { stub_status; }
  }
}
CONF
  listen_and_serve "${places[@]}" -- taskset -c "$cpu" \
    nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/nginx-error.log" 2>"$dir/nginx-stderr" &
  nginx_pids+=($!)
  for _ in $(seq 50); do
    ! curl -sf -o /dev/null "http://127.0.0.1:$port/" || return 0
    kill -0 "${nginx_pids[-1]}" 2>/dev/null || die "nginx ended: $(cat "$dir/nginx-stderr")"
    sleep 0.1
  done
  die "nginx does not answer on 127.0.0.1:$port"
}

# Prints accepts and handled of stub_status without the connections that asked for it, which nginx
# counts as well.
nginx_counts() {
  local asked cpu
  asked=$(($(cat "$work/asked") + 1))
  echo "$asked" >"$work/asked"
  for cpu in $(seq 0 $((processors - 1))); do
    curl -sf --unix-socket "$work/nginx-$cpu/status.sock" http://status/
  done | awk -v asked="$asked" '
    /^ *[0-9]+ +[0-9]+ +[0-9]+ *$/ { accepts += $1 - asked; handled += $2 - asked }
    END { print accepts, handled }'
}

# Also adds what nginx has handled to the situation's count, and leaves it in connections_served.
run_workload() { # workload situation seconds
  local before after
  settle
  read -r _ before < <(nginx_counts)
  load_server "$@"
  settle
  read -r _ after < <(nginx_counts)
  connections_served=$((after - before))
  handled[$2]=$((handled[$2] + connections_served))
}
load_server() { # workload situation seconds
  local wrk=(wrk -t 1 -c "$connections_each" -d "${3}s")
  case $1 in
    churn) load_each_processor "$2" "${wrk[@]}" -H 'Connection: close' ;;
    keepalive) load_each_processor "$2" "${wrk[@]}" ;;
    bulk)
      local port
      port=$(free_port)
      (in_cgroup "$2" iperf3 -s -1 -B 127.0.0.1 -p "$port") >/dev/null 2>&1 &
      server_pid=$!
      sleep 0.5
      load "$2" iperf3 -c 127.0.0.1 -p "$port" -t "$3" -f m >"$work/load"
      wait "$server_pid" 2>/dev/null || true
      server_pid=''
      ;;
  esac || die "$1 beside $2 failed: $(cat "$work/load")"
}
# One wrk on each processor; the output of all, one after the other, is in the file load.
# shellcheck disable=SC2016,SC2086
load_each_processor() { # situation wrk...
  local situation=$1
  shift
  load "$situation" sh -c '
    output=$1 ports=$2 cpu=0 pids="" status=0
    shift 2
    for port in $ports; do
      taskset -c "$cpu" "$@" "http://127.0.0.1:$port/" >"$output.$cpu" 2>&1 &
      pids="$pids $!" cpu=$((cpu + 1))
    done
    trap "kill $pids" TERM INT
    for pid in $pids; do wait "$pid" || status=1; done
    exit $status' sh "$work/load" "${http_ports[$situation]}" "$@" || return 1
  cat "$work"/load.[0-9]* >"$work/load"
}
rate_of() {
  case $1 in
    bulk) awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") print $(i - 1) }' "$work/load" ;;
    *) awk '$1 == "Requests/sec:" { sum += $2 } END { print sum }' "$work/load" ;;
  esac
}
wrk_requests() { awk '$2 == "requests" && $3 == "in" { sum += $1 } END { print sum }' "$work/load"; }
# Connections or answers that failed for wrk itself.
wrk_errors() {
  awk '/Socket errors:/ { gsub(",", ""); sum += $4 + $6 + $8 + $10 }
    END { print sum + 0 }' "$work/load"
}

# --- observers -----------------------------------------------------------------------------------

# Of everything that meshlens-all sends, by gRPC; its port is in receiver_port. Ends with its input.
start_receiver() {
  [ -d "$here/target/lib" ] || die "the benchmarks are not compiled: run  mvn -DskipTests package"
  mkfifo "$work/receiver-input"
  : >"$work/receiver-ports"
  "$("$root/scripts/find-jdk.sh" jre)/bin/java" -XX:+UseSerialGC -Xmx64m -XX:-UsePerfData \
    --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -cp "$here/target/classes:$here/target/lib/*" io.meshlens.export.DiscardingReceiver \
    <>"$work/receiver-input" >"$work/receiver-ports" &
  receiver_pid=$!
  for _ in $(seq 100); do
    ! read -r _ receiver_port <"$work/receiver-ports" || return 0
    kill -0 "$receiver_pid" 2>/dev/null || break
    sleep 0.1
  done
  die "the receiver did not start"
}

start_sidecar() { # situation
  local log=/dev/null home=$dist options=${MESHLENS_JAVA_OPTS:-} arguments=()
  case $1 in
    meshlens-file | exactness) log=$work/$1/access.log ;;
    meshlens-all)
      arguments=(
        --set "access_log.als.address=127.0.0.1:$receiver_port"
        --set "access_log.otlp.endpoint=http://127.0.0.1:$receiver_port"
        --set "metrics.otlp.endpoint=http://127.0.0.1:$receiver_port"
      )
      ;;
    meshlens-no-log) arguments=(--set access_log.stdout.enabled=false) ;;
    meshlens-exclude) arguments=(--set filter.exclude=cidr=0.0.0.0/0) ;;
    meshlens-udp) arguments=(--set kernel.udp=true) ;;
    *=/*)
      home=${1#*=}
      [ ! -r "$home/java-opts" ] || options="$options $(cat "$home/java-opts")"
      ;;
  esac
  # What nginx has served until now was not watched.
  local name=${1%%=*}
  handled[$name]=0
  : >"$work/$name/meshlens.err"
  MESHLENS_JAVA_OPTS=$options "$home/bin/meshlens" run --cgroup "$cgroups/$name" \
    --set telemetry.address=127.0.0.1:0 "${arguments[@]}" >>"$log" 2>"$work/$name/meshlens.err" &
  sidecar_pid[$name]=$!
  telemetry[$name]=''
  for _ in $(seq 300); do
    telemetry[$name]=$(sed -n 's|.*metrics on http://\([^/]*\)/metrics.*|\1|p' "$work/$name/meshlens.err")
    if [ -n "${telemetry[$name]}" ] && curl -sf -o /dev/null "http://${telemetry[$name]}/readyz"; then
      return
    fi
    kill -0 "${sidecar_pid[$name]}" 2>/dev/null || break
    sleep 0.1
  done
  die "meshlens did not get ready: $(tail -n 5 "$work/$name/meshlens.err")"
}
# Until its next turn. The file is truncated before the kernel begins to write it to the disk in
# somebody else's turn.
pause_sidecar() { # situation
  kill -STOP "${sidecar_pid[$1]}"
  [ "$1" != meshlens-file ] || : >"$work/meshlens-file/access.log"
}
stop_sidecar() { # situation
  end "${sidecar_pid[$1]}"
  sidecar_pid[$1]=''
}

cache=$here/target/libbpf-tools
# It finds its tracepoint through tracefs, which not every machine has mounted: mounted for it alone.
# shellcheck disable=SC2016
start_tcplife() {
  local lib=$cache/usr/lib/x86_64-linux-gnu
  unshare --mount sh -c '
    [ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
    exec "$@"' sh \
    "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$cache/usr/sbin/tcplife-libbpf" \
    >/dev/null 2>"$work/tcplife.err" &
  tcplife_pid=$!
  sleep 1
  kill -0 "$tcplife_pid" 2>/dev/null || die "tcplife ended: $(cat "$work/tcplife.err")"
}
case ,$situations, in
  *,tcplife,*)
    if [ "$(uname -m)" != x86_64 ]; then
      say "no tcplife: only fetched for x86_64"
      kept=()
      for s in "${situation_list[@]}"; do [ "$s" = tcplife ] || kept+=("$s"); done
      situation_list=("${kept[@]}")
    elif [ ! -x "$cache/usr/sbin/tcplife-libbpf" ]; then
      say "fetching tcplife"
      "$root/scripts/debian-package.sh" trixie "$cache" \
        libbpf-tools libbpf1 libelf1t64 libc6 zlib1g libzstd1
    fi
    ;;
esac

scrape() { curl -sf "http://${telemetry[$1]}/metrics" >"$work/metrics"; }
# Records and log lines that did not arrive, for whatever cause.
lost() {
  awk '/^meshlens_(records_lost|access_log_[a-z]+_lost|otlp_lost|connections_untracked)_total/ { sum += $NF }
    END { print sum + 0 }' "$work/metrics"
}
# Connections to nginx that one side reported as over, as the kernel counted them.
closed() { # situation reporter
  awk -v port="destination_port=\"(${http_ports[$1]// /|})\"" -v side="reporter=\"$2\"" '
    /^mesh_tcp_connections_closed_total/ && $0 ~ port && index($0, side) { sum += $NF }
    END { print sum + 0 }' "$work/metrics"
}
# Connections of which either end was excluded by a rule.
excluded() {
  awk '/^meshlens_connections_filtered_total.*"rule"/ { sum += $NF } END { print sum / 2 }' "$work/metrics"
}
# Until no connection is left at either end: wrk's last ones outlive it by a moment.
settle() { sleep 0.3; }

# --- one measured run ----------------------------------------------------------------------------

applies() { # workload situation
  case $2 in meshlens-file | meshlens-cold) [ "$1" = churn ] ;; *) true ;; esac
}

failures=0
fail() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

attempt() { # workload situation; fills rate cpu rss hwm connections_served disturbance
  local workload=$1 situation=$2 observer='' cpu0=0 foreign0 wall0 wall1
  wait_until_alone
  case $situation in
    bare | control) ;;
    tcplife)
      start_tcplife
      observer=$tcplife_pid
      ;;
    *)
      [ "$situation" != meshlens-cold ] || start_sidecar meshlens-cold
      observer=${sidecar_pid[$situation]}
      kill -CONT "$observer"
      ;;
  esac
  [ -z "$observer" ] || cpu0=$(cpu_ticks "$observer")
  foreign0=$(foreign_ticks)
  wall0=$EPOCHREALTIME
  run_workload "$workload" "$situation" "$seconds"
  wall1=$EPOCHREALTIME
  disturbance=$(awk -v ticks=$(($(foreign_ticks) - foreign0)) -v hz="$ticks_per_second" \
    -v a="$wall0" -v b="$wall1" -v n="$processors" \
    'BEGIN { printf "%.1f", 100 * ticks / hz / (b - a) / n }')
  rate=$(rate_of "$workload")
  [ -n "$rate" ] || die "no rate in the answer of $workload: $(cat "$work/load")"
  cpu=0 rss=0 hwm=0
  if [ -n "$observer" ]; then
    cpu=$(awk -v a="$cpu0" -v b="$(cpu_ticks "$observer")" -v hz="$ticks_per_second" \
      'BEGIN { printf "%.2f", (b - a) / hz }')
    rss=$(status_kib "$observer" VmRSS)
    hwm=$(status_kib "$observer" VmHWM)
  fi
  case $situation in
    bare | control) ;;
    tcplife)
      end "$tcplife_pid"
      tcplife_pid=''
      ;;
    meshlens-cold)
      check_counts meshlens-cold
      stop_sidecar meshlens-cold
      ;;
    *) pause_sidecar "$situation" ;;
  esac
  [ "$(others_attached)" = 0 ] || disturbance=100.0
}

# Everything that nginx served since the sidecar was started has been counted, as closed or as
# excluded, and nothing was lost.
check_counts() { # situation
  local records
  scrape "$1"
  records=$(closed "$1" destination)
  [ "$1" != meshlens-exclude ] || records=$((records + $(excluded)))
  if [ "$(lost)" != 0 ]; then
    fail "beside $1: $(lost) records or lines lost"
    grep -E '^meshlens_[a-z_]*_lost_total.* [1-9]' "$work/metrics" >&2 || true
  fi
  if [ "$records" != "${handled[$1]}" ]; then
    fail "beside $1: nginx served ${handled[$1]} connections, meshlens counted $records"
    # Where the difference went: still open, failed, vanished, or folded into the overflow series.
    grep -E '^(mesh_tcp_connections|meshlens_(sums_folded|records|connections))' "$work/metrics" >&2 || true
    local port
    for port in ${http_ports[$1]}; do
      ss -Htan "( sport = :$port or dport = :$port )" | grep -v TIME-WAIT >&2 || true
    done
  fi
  watched=$((watched + handled[$1]))
}

watched=0
results=$work/results
: >"$results"
disturbed=0
measure() { # round workload situation
  local repeats=0
  attempt "$2" "$3"
  while awk -v d="$disturbance" -v limit="$quiet_percent" 'BEGIN { exit !(d > limit) }'; do
    if [ "$repeats" = "$max_repeats" ]; then
      say "kept although others used $disturbance % of the machine"
      disturbed=$((disturbed + 1))
      break
    fi
    repeats=$((repeats + 1))
    say "again: others used $disturbance % of the machine"
    attempt "$2" "$3"
  done
  say "round $1/$rounds  $2 beside $3: $rate"
  echo "$1 $2 $3 $rate $cpu $rss $hwm $connections_served $disturbance" >>"$results"
}

# --- record by record ----------------------------------------------------------------------------

# For each connection that nginx accepted there must be one record of either side, and no id twice.
# wrk's own count may be lower, for good reason: it opens one connection to see whether the server
# is there, and at the end it drops up to one connection for each of its slots with an answer still
# on its way. nginx accepts those too: on loopback the handshake is complete when connect() returns,
# and a connection that was reset in the queue is still handed to accept(). All of them are records.
check_exactness() {
  local accepts served accepts0 before accepts1 after requests errors outbound inbound ids
  start_sidecar exactness
  read -r accepts0 before < <(nginx_counts)
  run_workload churn exactness "$exact_seconds"
  requests=$(wrk_requests)
  errors=$(wrk_errors)
  read -r accepts1 after < <(nginx_counts)
  accepts=$((accepts1 - accepts0)) served=$((after - before))
  scrape exactness
  local lost_count kernel_out kernel_in log=$work/exactness/access.log
  lost_count=$(lost) kernel_out=$(closed exactness source) kernel_in=$(closed exactness destination)
  # Reads the ring to its end and flushes the log.
  stop_sidecar exactness
  read -r outbound inbound ids < <(awk -v port="\"port\":(${http_ports[exactness]// /|})" '
    {
      at = index($0, "\"destination\":{")
      if (!at || substr($0, at, 120) !~ port "[,}]")
        next
      match($0, /"id":"[^"]*"/)
      id[substr($0, RSTART, RLENGTH)] = 1
      if (index($0, "\"direction\":\"outbound\""))
        outbound++
      else if (index($0, "\"direction\":\"inbound\""))
        inbound++
    }
    END { n = 0; for (i in id) n++; print outbound + 0, inbound + 0, n }' "$log")
  rm -f "$log"
  cat >"$work/exactness.md" <<TABLE
| counted by | connections |
|---|--:|
| nginx, accepted | $accepts |
| nginx, handled | $served |
| access log, inbound records | $inbound |
| access log, outbound records | $outbound |
| access log, different ids | $ids |
| metrics, closed, reported by the server's side | $kernel_in |
| metrics, closed, reported by the client's side | $kernel_out |
| wrk, answered requests | $requests |
| lost, all causes | $lost_count |
TABLE
  printf '"accepts": %s, "handled": %s, "inbound": %s, "outbound": %s, "ids": %s, "closed_destination": %s, "closed_source": %s, "requests": %s, "lost": %s' \
    "$accepts" "$served" "$inbound" "$outbound" "$ids" "$kernel_in" "$kernel_out" "$requests" \
    "$lost_count" >"$work/exactness.json"
  [ "$accepts" = "$served" ] || fail "nginx accepted $accepts connections and handled $served"
  [ "$inbound" = "$served" ] || fail "$inbound inbound records of $served connections"
  [ "$outbound" = "$served" ] || fail "$outbound outbound records of $served connections"
  [ "$ids" = $((2 * served)) ] || fail "$ids different ids in $((inbound + outbound)) records"
  [ "$kernel_in" = "$served" ] || fail "metrics count $kernel_in inbound of $served connections"
  [ "$kernel_out" = "$served" ] || fail "metrics count $kernel_out outbound of $served connections"
  [ "$lost_count" = 0 ] || fail "$lost_count records or lines counted as lost"
  if [ "$requests" -gt "$served" ] ||
    [ "$served" -gt $((requests + connections + processors + errors)) ]; then
    fail "wrk had $requests answers and $errors errors, nginx handled $served connections"
  fi
}

# --- each program ------------------------------------------------------------------------------

# run_time_ns and run_cnt of our programs, as the kernel counts them while statistics are on.
program_statistics() {
  bpftool prog show | awk '
    / name tcp_/ && /run_time_ns/ {
      for (i = 1; i < NF; i++) {
        if ($i == "name") name = $(i + 1)
        if ($i == "run_time_ns") ns = $(i + 1)
        if ($i == "run_cnt") runs = $(i + 1)
      }
      print name, ns, runs
    }' | sort
}

# What the kernel says of each program, both ends of a connection together. Taking the time costs
# some tens of nanoseconds for each run of a program, which are in these figures and in no other.
measure_programs() {
  start_sidecar programs
  run_workload churn programs 2
  statistics=on
  sysctl -q kernel.bpf_stats_enabled=1
  program_statistics >"$work/programs.before"
  run_workload churn programs "$program_seconds"
  program_statistics >"$work/programs.after"
  sysctl -q kernel.bpf_stats_enabled=0
  statistics=''
  stop_sidecar programs
  {
    echo "| program | runs per connection | ns per run | ns per connection |"
    echo "|---|--:|--:|--:|"
    join -a 2 "$work/programs.before" "$work/programs.after" | awk -v n="$connections_served" '
      {
        ns = NF == 5 ? $4 - $2 : $2
        runs = NF == 5 ? $5 - $3 : $3
        if (runs > 0)
          printf "| `%s` | %.1f | %.0f | %.0f |\n", $1, runs / n, ns / runs, ns / n
      }'
  } >"$work/programs.md"
  [ "$(wc -l <"$work/programs.md")" -gt 2 ] || fail "the kernel told no cost of any program"
}

# --- all of it -----------------------------------------------------------------------------------

wait_until_alone
mkdir -p "$out"
names=()
for s in "${situation_list[@]}"; do names+=("${s%%=*}"); done
case " ${names[*]} " in *" meshlens-all "*) start_receiver ;; esac
start_nginx "${names[@]}" exactness programs
for s in "${situation_list[@]}"; do
  name=${s%%=*}
  case $s in
    bare | control | tcplife | meshlens-cold) ;;
    *)
      start_sidecar "$s"
      run_workload churn "$name" "$warmup"
      pause_sidecar "$name"
      ;;
  esac
done
# A load that begins and ends takes other ways through the program than one that lasts: the compiler
# makes anew what it had made for the latter, which takes it tens of such rounds.
for round in $(seq "$warmup_rounds"); do
  for name in "${!sidecar_pid[@]}"; do
    kill -CONT "${sidecar_pid[$name]}"
    run_workload churn "$name" "$seconds"
    pause_sidecar "$name"
  done
  say "warm-up $round/$warmup_rounds"
done
for workload in "${workload_list[@]}"; do
  for round in $(seq "$rounds"); do
    n=${#names[@]}
    for ((i = 0; i < n; i++)); do
      situation=${names[$(((i + round - 1) % n))]}
      ! applies "$workload" "$situation" || measure "$round" "$workload" "$situation"
    done
  done
done
for name in "${!sidecar_pid[@]}"; do
  [ -n "${sidecar_pid[$name]}" ] || continue
  kill -CONT "${sidecar_pid[$name]}"
  settle
  check_counts "$name"
  stop_sidecar "$name"
done
if [ "$exactness" != no ]; then
  check_exactness
  measure_programs
fi

machine="$processors processors ($(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)), Linux $(uname -r)"
version=$("$dist/bin/meshlens" version 2>/dev/null | head -n 1 || true)
awk -v out="$out" -v workloads="${workload_list[*]}" -v situations="${names[*]}" \
  -v seconds="$seconds" -v rounds="$rounds" -v connections="$connections" \
  -v processors="$processors" -v machine="$machine" -v version="$version" \
  -v disturbed="$disturbed" -v failures="$failures" -v watched="$watched" \
  -v programs="$work/programs.md" -v program_seconds="$program_seconds" \
  -v exact_seconds="$exact_seconds" -v quiet="$quiet_percent" -v exactness="$work/exactness" \
  -f "$here/overhead-report.awk" "$results"
cat "$out/overhead.md"
[ "$failures" = 0 ] || die "$failures checks failed"
