#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How much of the heap identities take: a cluster's pods, services, endpoint slices and nodes are
# read as an API server sends them. The figure to hold: 20,000 pods in less than 40 MiB. Looking them
# up is `jmh.sh IdentityBenchmark`.
#
# usage: identities.sh [PODS]        20000 by default
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
if [ ! -d "$target/classes/META-INF" ] || [ ! -d "$target/lib" ]; then
	echo "identities.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
exec "$java" -XX:+UseSerialGC -Xmx256m -cp "$target/classes:$target/lib/*" \
	io.meshlens.enrich.kubernetes.ClusterMemory "$@"
