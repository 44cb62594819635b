#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the JMH benchmarks with the allocation profiler: nanoseconds and bytes for each record on its
# way from the ring to a JSON line. gc.alloc.rate.norm must be about 0 B/op. Compile them before with
# `mvn package` or `make test`.
#
# usage: jmh.sh [JMH OPTIONS]        jmh.sh -h lists them; jmh.sh decode -f 1 is a quick look
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
if [ ! -d "$target/classes/META-INF" ] || [ ! -d "$target/lib" ]; then
	echo "jmh.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
exec "$java" --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
	-cp "$target/classes:$target/lib/*" org.openjdk.jmh.Main \
	-prof gc -rf json -rff "$target/jmh.json" "$@"
