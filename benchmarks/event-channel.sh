#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How many small events (16 bytes) a second one processor emits through the event channel to a Java
# consumer on another. Needs root. Compile before with `mvn package` or `make test`.
#
# usage: event-channel.sh [--rounds N] [--ring BYTES] [--help]
#   --rounds N     measured rounds of 20 million events; one more is for warming up (11)
#   --ring BYTES   size of the ring, a power of two (8388608)
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
rounds=11 ring=8388608
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) sed -n '/^# usage:/,/^#   --ring/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--rounds) rounds=${2:?--rounds needs a value}; shift 2 ;;
	--ring) ring=${2:?--ring needs a value}; shift 2 ;;
	*) echo "event-channel.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
	esac
done
[ "$(id -u)" = 0 ] || { echo "event-channel.sh: kernel programs need root: sudo $0" >&2; exit 1; }
[ -d "$target/lib" ] || { echo "event-channel.sh: not compiled: run  mvn -DskipTests package" >&2; exit 1; }
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
exec "$java" -XX:+UseSerialGC -Xmx64m --enable-native-access=ALL-UNNAMED \
	-Dmeshlens.home="$here/../sidecar/target/dist" -cp "$target/classes:$target/lib/*" \
	io.meshlens.benchmarks.EventChannelRate "$here/../bpf/build/test/event_load.bpf.o" "$ring" "$rounds" 200
