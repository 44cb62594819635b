#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What one collection and OTLP push of many live address pairs costs: processor time of the pushing
# process, from the rows of the sums to bytes that a receiver on loopback has taken, and the heap
# that it keeps for them. Of the heap 64 MiB are for what is kept, and 16 for what is new; with more it
# would end. Compile before with `mvn package` or `make test`.
#
# usage: metrics-push.sh [PUSHES]
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
if [ ! -d "$target/classes" ] || [ ! -d "$target/lib" ]; then
	echo "metrics-push.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
for pairs in 10000 100000; do
	for protocol in http grpc; do
		for temporality in cumulative delta; do
			"$java" -XX:+UseSerialGC -Xms16m -Xmx80m -XX:MaxNewSize=16m --enable-native-access=ALL-UNNAMED \
				--sun-misc-unsafe-memory-access=allow \
				-cp "$target/classes:$target/lib/*" io.meshlens.export.PushCost \
				"$pairs" "${1:-30}" "$protocol" "$temporality"
		done
	done
done
