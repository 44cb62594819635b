#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Tries the built program on Debian's kernels, each in a virtual machine: what `meshlens check` says,
# and whether the records and sums of known connections are exact (scripts/kernels/suite.sh).
#
# usage: kernels.sh [--report FILE] [--skip-unavailable] [KERNEL...]
#        KERNEL: a Debian suite, or "native" for the running kernel, in namespaces of its own;
#        without any: the suites below, and native
#   --report FILE        writes the table between the two marks of FILE
#   --skip-unavailable   a suite that the mirror does not offer is said and is no failure
# example: kernels.sh bullseye
#
# Needs root for native only, the packages of `install-packages.sh kernels`, and a built program.
# Kernels and the machine's runtime are kept in target/kernels; `make clean` removes them.
#
#   MESHLENS_KERNELS_ACCEL=kvm|tcg  else KVM where it works; TCG needs no permission and is slow
#   MESHLENS_KERNELS_TIMEOUT        seconds for each kernel, 600
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
cache=$here/target/kernels
dist=$here/sidecar/target/dist
all=(bullseye bookworm trixie trixie-backports native)
timeout=${MESHLENS_KERNELS_TIMEOUT:-600}
report='' skip_unavailable='' accel=''
work=$(mktemp -d)
cgroup=''
finish() {
  [ -z "$cgroup" ] || rmdir "$cgroup" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

say() { echo "kernels.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  sed -n '/^# usage:/,/^# example:/s/^# \?//p' "$0" >&2
  exit 2
}

# Prints the path of a suite's newest cloud kernel, fetched once.
kernel_of() {
  local dir=$cache/$1 packages image
  if ! find "$dir" -name 'vmlinuz*' -type f 2>/dev/null | grep -q .; then
    rm -rf "$dir" "$dir.part"
    # Since Linux 7 of Debian the image's package only depends on the one with the image.
    image=$("$here/scripts/debian-package.sh" "$1" --depends linux-image-cloud-amd64 \
      | grep -m 1 '^linux-image-[0-9]') || return 1
    packages=$image
    packages+=" $("$here/scripts/debian-package.sh" "$1" --depends "$image" \
      | grep -m 1 '^linux-binary-[0-9]' || true)"
    # shellcheck disable=SC2086  # words
    "$here/scripts/debian-package.sh" "$1" "$dir.part" $packages || return 1
    mv "$dir.part" "$dir"
  fi
  find "$dir" -name 'vmlinuz*' -type f | grep -m 1 .
}

# The program with a runtime of its own, as in the image.
make_home() {
  local home=$cache/home jdk
  jdk=$("$here/scripts/find-jdk.sh")
  if ! cmp -s "$jdk/release" "$home/jdk-release"; then
    rm -rf "$home"
    mkdir -p "$home"
    # Its archive of class data is made on this machine, and saves most of the time to start.
    "$jdk/bin/jlink" --output "$home/runtime" --strip-debug --no-header-files --no-man-pages \
      --generate-cds-archive --add-modules \
      java.base,java.logging,java.management,java.naming,java.net.http,java.sql,jdk.crypto.ec,jdk.httpserver,jdk.management,jdk.naming.dns,jdk.unsupported
    cp "$jdk/release" "$home/jdk-release"
  fi
  rm -rf "${home:?}"/{bin,lib,bpf}
  cp -R "$dist/bin" "$dist/lib" "$dist/bpf" "$home"
}

# The file system that all the kernels start with.
make_root() {
  local root=$work/root library
  mkdir -p "$root/bin" "$root/opt"
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp "$here/scripts/kernels/init" "$here/scripts/kernels/suite.sh" "$cache/connections" "$root"
  cp -R "$cache/home" "$root/opt/meshlens"
  find "$cache/home" -type f '(' -name '*.so' -o -name java ')' -exec ldd {} ';' 2>/dev/null \
    | grep -o '/[^ ]*\.so[^ ]*' | grep -v "^$cache" | sort -u \
    | while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
  # Not compressed: it is read from memory, and an emulated processor inflates slowly.
  (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initramfs"
  rm -rf "$root"
}

# KVM may be there and refuse, as inside many virtual machines: it has to make a machine to count.
choose_accel() {
  local status=0
  accel=${MESHLENS_KERNELS_ACCEL:-}
  [ -z "$accel" ] || return 0
  # One thread for both processors: with two, 6.12 crashed now and then in its own boot, where one
  # processor patches code that the other runs.
  accel=tcg,thread=single
  [ -w /dev/kvm ] || return 0
  # In a shell of its own, which keeps the word about QEMU's abort to itself.
  (timeout 3 qemu-system-x86_64 -accel kvm -cpu max -m 64 -S -display none </dev/null || exit $?) \
    >/dev/null 2>&1 || status=$?
  [ "$status" != 124 ] || accel=kvm
}

boot() {
  # The second compiler costs an emulated machine more than it gives in so short a life.
  timeout "$timeout" qemu-system-x86_64 -accel "$accel" -cpu max -m 2048 -smp 2 -nographic -no-reboot \
    -kernel "$1" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 oops=panic MESHLENS_JAVA_OPTS=-XX:TieredStopAtLevel=1" \
    </dev/null 2>&1 | tr -d '\r'
}

# In network and mount namespaces, and a cgroup, that end with it.
run_native() {
  local root
  root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$root" ] || die "no cgroup v2 hierarchy is mounted here"
  cgroup=$root/meshlens-kernels-$$
  mkdir "$cgroup" "$work/bin"
  busybox --install -s "$work/bin"
  # The shell's own variables, not this script's.
  # shellcheck disable=SC2016
  timeout "$timeout" unshare --net --mount --propagation private /bin/sh -c '
    echo $$ >"$1/cgroup.procs"
    mkdir -p /sys/fs/bpf
    mount -t bpf bpf /sys/fs/bpf
    ip link set lo up
    export PATH="$2" MESHLENS_CGROUP="$1"
    exec "$3" "$4" "$5" 60' sh \
    "$cgroup" "$work/bin" "$here/scripts/kernels/suite.sh" "$cache/home" "$cache/connections" 2>&1
  # Sockets in TIME_WAIT and the like do not keep it; a process that has just ended may.
  for _ in 1 2 3 4 5; do
    ! rmdir "$cgroup" 2>/dev/null || break
    sleep 0.2
  done
  cgroup=''
}

# What follows "@@ WORD" in a log.
marked() { sed -n "s/^@@ $1 //p" "$2"; }

# is_said EXTRA LOG: whether /readyz and stderr name what `meshlens check` does not find.
is_said() {
  local pattern
  case $1 in
    live) pattern='this kernel cannot tell numbers of open connections' ;;
    adoption) pattern='this kernel cannot tell connections older' ;;
    dialled) pattern='this kernel cannot tell the address that a client dialled' ;;
    conntrack) pattern='cannot ask the connection tracking' ;;
    udp) pattern='this kernel cannot tell UDP traffic' ;;
  esac
  marked ready "$2" | grep -q "^note: $1: " && grep -q "^stderr: .* warn $pattern" "$2"
}

# table_row NAME LOG: one row of the table; fails when something is not as it must be.
table_row() {
  local name=$1 log=$2 check column extra status=0
  check=$(marked check "$log" | tail -n 1)
  column="everything required"
  if [ "$check" != "everything required is there" ]; then
    column="**failed:** ${check:-no answer}"
    status=1
  fi
  local suite
  suite=$(grep -E '^@@ suite ' "$log" | cut -d ' ' -f 3 || true)
  local row
  row="| $name | $(marked kernel "$log") | $column | "
  if [ "$suite" = exact ] && ! grep -q '^@@ loss' "$log" && grep -q '^@@ done' "$log"; then
    row+="passed |"
  else
    row+="**failed** |"
    status=1
  fi
  for extra in live:open adoption:older dialled: conntrack: udp:udp; do
    case "$(marked feature "$log" | sed -n "s/^${extra%:*} //p") $(marked "${extra#*:}" "$log")" in
      "yes exact") row+=" yes, exact |" ;;
      "yes ") row+=" yes |" ;;
      "no exact" | "no ")
        if is_said "${extra%:*}" "$log"; then
          row+=" no, and says so |"
        else
          row+=" **no, and does not say so** |"
          status=1
        fi
        ;;
      *)
        row+=" **failed** |"
        status=1
        ;;
    esac
  done
  echo "$row"
  return $status
}

try() {
  local name=$1 log=$cache/$1.log image started=$SECONDS
  if [ "$name" = native ]; then
    [ "$(id -u)" = 0 ] || die "native needs root"
    say "native: $(uname -r)"
    run_native >"$log" || true
  else
    if ! image=$(kernel_of "$name"); then
      say "the Debian mirror does not offer a kernel of $name (any more), or does not answer: not tried"
      [ -z "$skip_unavailable" ] || return 0
      failed+=("$name")
      return 0
    fi
    say "$name: booting ${image##*/} with $accel"
    boot "$image" >"$log" || say "$name: QEMU ended with $? (124: not done within $timeout s)"
  fi
  if table_row "$name" "$log" >>"$work/rows"; then
    say "$name: passed in $((SECONDS - started)) s"
  else
    failed+=("$name")
    say "$name: FAILED; all of it in $log"
    grep -E '^@@ (failed|difference|loss)' "$log" | cut -c 4- >&2 || tail -n 20 "$log" >&2
  fi
}

write_report() {
  local begin='<!-- measured by scripts/kernels.sh: begin -->' end='<!-- end -->'
  grep -qxF "$begin" "$report" || die "$report has no line: $begin"
  awk -v begin="$begin" -v end="$end" -v table="$work/table" '
    $0 == end { inside = 0 }
    !inside
    $0 == begin { inside = 1; while ((getline line < table) > 0) print line }' "$report" >"$work/report"
  cp "$work/report" "$report"
}

while [ $# -gt 0 ]; do
  case $1 in
    --report) report=${2:?--report needs a file}; shift ;;
    --skip-unavailable) skip_unavailable=yes ;;
    -*) usage ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- "${all[@]}"
if [ "$(uname -m)" != x86_64 ]; then
  say "only for x86_64 so far: not tried"
  [ -n "$skip_unavailable" ] && exit 0
  exit 1
fi
[ -x "$dist/bin/meshlens" ] || die "not built yet: make build"
for tool in qemu-system-x86_64 busybox cc; do
  command -v $tool >/dev/null || die "$tool not found: scripts/install-packages.sh build kernels"
done

failed=()
: >"$work/rows"
mkdir -p "$cache"
make_home
cc -static -O2 -Wall -Wextra -Werror -o "$cache/connections" "$here/scripts/kernels/connections.c"
make_root
choose_accel
for name in "$@"; do
  try "$name"
done
[ -s "$work/rows" ] || exit $((${#failed[@]} > 0))
{
  echo
  echo "| Debian suite | kernel | \`meshlens check\` | connection suite | live passes | adoption | dialled addresses | conntrack | UDP |"
  echo "|---|---|---|---|---|---|---|---|---|"
  cat "$work/rows"
  echo
} >"$work/table"
cat "$work/table"
[ -z "$report" ] || write_report
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}"
