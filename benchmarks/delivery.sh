#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Records for each second from the ring's format to an access log service and an OTLP receiver on loopback, and to a spool on disk:
# all of the sidecar's part on one processor, the receiver on another. Compile before with `mvn package` or `make test`.
#
# usage: delivery.sh [DIRECTORY]     DIRECTORY for the spools; default: a temporary one
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
if [ ! -d "$target/classes/META-INF" ] || [ ! -d "$target/lib" ]; then
	echo "delivery.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
directory=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/meshlens-spool-XXXXXX")
sink=
trap '[ -z "$sink" ] || kill "$sink" 2>/dev/null || true; rm -rf "$directory"' EXIT

# The heap and collector of the launcher.
rate() {
	processor=$1
	shift
	exec taskset -c "$processor" "$java" -XX:+UseSerialGC -Xms16m -Xmx64m -XX:ReservedCodeCacheSize=48m \
		--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
		-cp "$target/classes:$target/lib/*" io.meshlens.benchmarks.DeliveryRate "$@"
}

rate 0 sink >"$directory/port" &
sink=$!
until [ -s "$directory/port" ]; do
	kill -0 "$sink" || exit 1
	sleep 0.1
done
port=$(cat "$directory/port")
(rate 1 als "$port")
(rate 1 als "$port" "$directory/als-spool")
(rate 1 otlp "$port")
(rate 1 otlp "$port" "$directory/otlp-spool")
(rate 1 spool "$directory/spool" als)
(rate 1 spool "$directory/spool" otlp)
