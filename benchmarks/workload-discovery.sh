#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What it costs to learn of all workloads from an Istio control plane, which is another process on this machine:
# time, processor time of the whole process, and the heap that stays, with the options of the program's JVM.
# Compile before with `mvn package` or `make test`.
#
# usage: workload-discovery.sh [--pods N] [--rounds N] [--help]
#   --pods N     how many there are; besides, a service for each 20 (20000)
#   --rounds N   processes that learn, one after the other (5)
set -eu
here=$(dirname "$(readlink -f "$0")")
target=$here/target
pods=20000 rounds=5
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) sed -n '/^# usage:/,/^#   --rounds/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--pods) pods=${2:?--pods needs a value}; shift 2 ;;
	--rounds) rounds=${2:?--rounds needs a value}; shift 2 ;;
	*) echo "workload-discovery.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
	esac
done
if [ ! -d "$target/classes" ] || [ ! -d "$target/lib" ]; then
	echo "workload-discovery.sh: the benchmarks are not compiled: run  mvn -DskipTests package" >&2
	exit 1
fi
java=$("$here/../scripts/find-jdk.sh" jre)/bin/java
options=$(sed -n 's/^\t\(-XX:+UseSerialGC .*\) \\$/\1/p' "$here/../sidecar/src/main/dist/bin/meshlens")
port=$(mktemp)
server=
trap '[ -z "$server" ] || kill "$server"; rm -f "$port"' EXIT
"$java" -cp "$target/classes:$target/lib/*" io.meshlens.benchmarks.WorkloadServer "$pods" >"$port" &
server=$!
while [ ! -s "$port" ]; do
	kill -0 "$server"
	sleep 0.2
done
for _ in $(seq "$rounds"); do
	# shellcheck disable=SC2086
	"$java" $options --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
		-cp "$target/classes:$target/lib/*" io.meshlens.benchmarks.WorkloadDiscoveryCost "$(cat "$port")"
done
