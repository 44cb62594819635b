#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Downloads packages of a Debian suite other than the machine's and unpacks them into a directory.
# The system's packages, lists and sources stay as they are: apt works on a configuration of its
# own, made for this call. The mirror and its key are the first ones that the machine itself uses.
#
# usage: debian-package.sh SUITE DEST PACKAGE...
#        debian-package.sh SUITE --depends PACKAGE        the direct dependencies, one name a line
#        debian-package.sh SUITE --source DEST PACKAGE    the source archives, not unpacked
# example: debian-package.sh trixie target/victoria-metrics victoria-metrics
#
# Dependencies are not followed. A program of a newer suite runs here if it is linked statically
# (Go programs are), or with the libc of that suite: name libc6 and the libraries as well, then
#   DEST/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path DEST/usr/lib/x86_64-linux-gnu PROGRAM
set -euo pipefail

die() {
  echo "debian-package.sh: $*" >&2
  exit 1
}

[ $# -ge 3 ] || { sed -n '/^# usage:/,/^# example:/s/^# //p' "$0" >&2; exit 2; }
suite=$1
dest=$2
shift 2
case $suite in
  *[!a-z0-9-]* | '') die "suite '$suite': expected a name such as trixie or bookworm-backports" ;;
esac
command -v apt-get >/dev/null || die "apt-get not found: this needs a Debian machine"

# Lists of source packages are large: fetched only when asked for.
types=deb
[ "$dest" != --source ] || types=deb-src

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# First mirror of the machine: deb822 files, then one-line files.
mirror='' key=''
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/*.sources; do
  if [ ! -r "$file" ] || [ -n "$mirror" ]; then continue; fi
  mirror=$(awk '/^URIs:/ { print $2; exit }' "$file")
  key=$(awk '/^Signed-By:/ { print $2; exit }' "$file")
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ ! -r "$file" ] || [ -n "$mirror" ]; then continue; fi
  mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\//) { print $i; exit } }' "$file")
done
[ -n "$mirror" ] || die "no mirror in /etc/apt/sources.list.d or /etc/apt/sources.list"

mkdir -p "$work"/etc/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
  "$work"/state/lists/partial "$work"/cache/archives/partial
: >"$work/status"
{
  echo "Types: $types"
  echo "URIs: $mirror"
  echo "Suites: $suite"
  echo "Components: main"
  echo "Signed-By: ${key:-/usr/share/keyrings/debian-archive-keyring.gpg}"
} >"$work/etc/sources.list.d/suite.sources"
cat >"$work/apt.conf" <<CONF
Dir::Etc "$work/etc";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/etc/sources.list.d";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
# apt drops its privileges to a user that could not enter the directory above.
[ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";' >>"$work/apt.conf"
# How the machine reaches its mirror (proxies, certificates, tolerated dates); its sources, its
# preferences and its extra indexes stay out.
apt-config dump | sed -nE '/^Acquire::(https?::|Check-|ForceIPv)/p' >>"$work/apt.conf"
export APT_CONFIG=$work/apt.conf

apt-get -qq update
if [ "$dest" = --depends ]; then
  apt-cache depends "$1" | awk '/^ *Depends:/ { print $2 }'
  exit 0
fi
if [ "$dest" = --source ]; then
  [ $# = 2 ] || die "--source: expected DEST and PACKAGE"
  mkdir -p "$1"
  cd "$1"
  apt-get -qq source --download-only "$2"
  exit 0
fi
mkdir -p "$dest"
(cd "$work" && apt-get -qq download "$@")
for package in "$work"/*.deb; do
  dpkg -x "$package" "$dest"
done
