#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the image from the Dockerfile with buildah, starts the program in it and prints its size.
#
# usage: image.sh [NAME]          default NAME: localhost/meshlens:latest
#
# Needs root on a Debian machine; buildah and debootstrap are installed by apt when missing. Debian
# 13 comes from a registry where one answers, else debootstrap makes it from the machine's own
# mirror. Certificate authorities that the machine adds to Debian's own are lent to the build stage
# and do not reach the image.
#
#   MESHLENS_IMAGE_BASE      base image to use; nothing is pulled or made then
#   MESHLENS_IMAGE_CHECK=no  does not run `meshlens check`, which needs BPF capabilities and a
#                            kernel that fits, on the building machine
#   STORAGE_DRIVER, BUILDAH_ISOLATION   as buildah knows them; chosen here when unset
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
image=${1:-localhost/meshlens:latest}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meshlens
made_base=localhost/meshlens-base:trixie
container='' work=''

say() { echo "image.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}
finish() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null
  [ -z "$work" ] || rm -rf "$work"
}
trap finish EXIT

install_missing() {
  local package missing=()
  for package in "$@"; do
    command -v "$package" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "${missing[*]} missing and not root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null
}

# Containers need an OCI runtime, layers an overlay file system; inside another container there is
# often neither.
choose_ways() {
  if [ -z "${BUILDAH_ISOLATION:-}" ] && ! command -v crun >/dev/null && ! command -v runc >/dev/null
  then
    export BUILDAH_ISOLATION=chroot
  fi
  if [ -z "${STORAGE_DRIVER:-}" ] && ! buildah info >/dev/null 2>&1; then
    export STORAGE_DRIVER=vfs
  fi
}

have() { buildah inspect --type image "$1" >/dev/null 2>&1; }

# Sets `base`. A pulled image is preferred; the made one is kept under a name of its own so that it
# is never mistaken for it.
choose_base() {
  base=${MESHLENS_IMAGE_BASE:-debian:trixie-slim}
  [ -z "${MESHLENS_IMAGE_BASE:-}" ] || return 0
  if have "$base" || timeout 60 buildah pull -q "$base" >/dev/null 2>&1; then
    return 0
  fi
  base=$made_base
  ! have "$base" || return 0
  install_missing debootstrap
  local mirror='' file
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/*.sources; do
    if [ ! -r "$file" ] || [ -n "$mirror" ]; then continue; fi
    mirror=$(awk '/^URIs:/ { print $2; exit }' "$file")
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [ ! -r "$file" ] || [ -n "$mirror" ]; then continue; fi
    mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\//) { print $i; exit } }' "$file")
  done
  [ -n "$mirror" ] || die "no Debian mirror in /etc/apt/sources.list.d or /etc/apt/sources.list"
  say "no registry answers: making $base with debootstrap"
  work=$(mktemp -d)
  debootstrap --variant=minbase trixie "$work/root" "$mirror" >"$work/log" 2>&1 \
    || { tail -n 20 "$work/log" >&2; die "debootstrap failed"; }
  # What a slim base leaves out.
  rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* \
    "$work"/root/usr/share/{doc,man,locale,info}/*
  container=$(buildah from scratch)
  buildah add -q "$container" "$work/root" / >/dev/null
  buildah config --cmd /bin/bash "$container"
  buildah commit -q "$container" "$base" >/dev/null
  buildah rm "$container" >/dev/null
  container=''
}

build() {
  local version revision options=(--layers --pull-never)
  version=$(awk -F'[<>]' '$2 == "version" { print $3; exit }' "$here/pom.xml")
  [ -n "$version" ] || die "no <version> line in $here/pom.xml"
  revision=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown)
  # Maven's repository outlives the build; it is mounted and never part of a layer.
  mkdir -p "$cache/image-m2"
  options+=(--volume "$cache/image-m2:/root/.m2")
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    options+=(--volume /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro)
  fi
  buildah bud "${options[@]}" --build-arg BASE="$base" --build-arg VERSION="$version" \
    --build-arg REVISION="$revision" --tag "$image" "$here"
}

# The program in the image answers, takes the configuration of the chart, and finds what it needs on
# this machine's kernel with no more privileges than the chart gives it.
try() {
  local cgroup status=0 program=/opt/meshlens/bin/meshlens
  local golden=$here/charts/meshlens/tests/golden/default.yaml
  [ -n "$work" ] || work=$(mktemp -d)
  # Profiles of before CAP_BPF, such as Debian 12's, admit bpf(2) with SYS_ADMIN only.
  container=$(buildah from --pull-never --security-opt seccomp=unconfined "$image")
  say "meshlens version, in the image:"
  buildah run "$container" -- "$program" version

  say "meshlens config validate, in the image, with the ConfigMap of the chart:"
  mkdir "$work/config"
  awk '/^  meshlens.yaml: /{ inside = 1; next } /^[^ ]/{ inside = 0 } inside { print substr($0, 5) }' \
    "$golden" >"$work/config/meshlens.yaml"
  [ -s "$work/config/meshlens.yaml" ] || die "no meshlens.yaml in $golden"
  buildah run --volume "$work/config:/etc/meshlens:ro" "$container" -- \
    "$program" config validate /etc/meshlens/meshlens.yaml || status=$?
  [ "$status" = 0 ] || die "meshlens config validate ended with exit code $status"

  if [ "${MESHLENS_IMAGE_CHECK:-yes}" = no ]; then
    say "meshlens check: not run, as MESHLENS_IMAGE_CHECK=no asks"
    return 0
  fi
  cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$cgroup" ] || die "no cgroup v2 hierarchy is mounted here: MESHLENS_IMAGE_CHECK=no skips the check"
  say "meshlens check, in the image, with the capabilities and the cgroup mount of the chart:"
  # setpriv cuts the set down: buildah's --cap-drop ALL would drop what --cap-add adds.
  local run=(buildah run --cap-add CAP_BPF --cap-add CAP_PERFMON --cap-add CAP_NET_ADMIN
    --volume "$cgroup:/host/sys/fs/cgroup:ro" --env MESHLENS_CGROUP=/host/sys/fs/cgroup
    "$container" -- setpriv "--bounding-set=-all,+bpf,+perfmon,+net_admin")
  # Bits 39, 38 and 12.
  "${run[@]}" grep -q '^CapEff:[[:space:]]*000000c000001000$' /proc/self/status \
    || die "the container does not have exactly BPF, PERFMON and NET_ADMIN"
  "${run[@]}" "$program" check || status=$?
  [ "$status" = 0 ] || die "meshlens check ended with exit code $status"
}

size() {
  buildah images --format '{{.Name}}:{{.Tag}} {{.Size}}' "$image"
  local root
  root=$(buildah mount "$container")
  du -sh --apparent-size "$root/opt/meshlens"/* | sed "s#$root##"
  buildah umount "$container" >/dev/null
}

install_missing buildah
choose_ways
choose_base
build
try
size
