#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Zero lost sums while a receiver hangs: traffic goes on, the OTLP receiver (gRPC, of another language) answers
# nothing for a while, and afterwards what it was told must be what the applications have counted, to the byte.
# Once with cumulative and once with delta temporality, at the same time. Needs root and a build (`make build`).
#
# usage: receiver-hang.sh [--seconds N] [--help]
#   --seconds N   how long the receiver hangs (300)
set -eu
here=$(dirname "$(readlink -f "$0")")
seconds=300
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) sed -n '/^# usage:/,/^#   --seconds/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--seconds) seconds=${2:?--seconds needs a value}; shift 2 ;;
	*) echo "receiver-hang.sh: unknown option: $1 (see --help)" >&2; exit 2 ;;
	esac
done
[ "$(id -u)" = 0 ] || { echo "receiver-hang.sh: kernel programs need root: sudo $0" >&2; exit 1; }
cd "$here/../sidecar"
[ -x target/dist/bin/meshlens ] || { echo "receiver-hang.sh: not built: run  make build" >&2; exit 1; }
[ -d target/peer-protos ] || { echo "receiver-hang.sh: no protos: run  mvn -DskipTests package" >&2; exit 1; }
exec python3 "$here/src/main/python/receiver_hang.py" "$seconds"
