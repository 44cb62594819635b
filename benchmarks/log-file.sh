#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How many records a second go from memory as the ring has them into a file as JSON lines, rotated at
# 100 MiB. Needs no privileges. Compile before with `mvn package` or `make test`.
#
# usage: log-file.sh [DIRECTORY [ROUNDS [RECORDS_PER_ROUND]]]    default: a new one in /tmp, 5, 3000000
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
if [ ! -d "$target/classes" ] || [ ! -d "$target/lib" ]; then
	echo "log-file.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
made=
if [ $# -lt 1 ]; then
	made=$(mktemp -d)
	trap 'rm -rf "$made"' EXIT
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
"$java" --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms16m -Xmx64m -XX:ReservedCodeCacheSize=48m \
	-cp "$target/classes:$target/lib/*" io.meshlens.benchmarks.LogFileRate \
	"${1:-$made}" "${2:-5}" "${3:-3000000}"
