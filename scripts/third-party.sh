#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Sends access logs to a receiver of somebody else, Apache SkyWalking's server, and compares what it
# gives back by its own query interface with what the applications did.
#
# usage: third-party.sh              last line: "all N entries ..."; exit code 1 if anything differs
#
#   SKYWALKING_CLASSPATH   file with the server's class path. When unset, its 260 jars (130 MB) are
#                          fetched by Maven, once.
#   SKYWALKING_JAVA        a Java 17 or newer that runs it; default: java
#
# Needs root, and the program built (make build). The server takes about 1 GB and, on a quiet machine,
# some 20 s to start. All listens on 127.0.0.1 on free ports and is ended by pid.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meshlens/skywalking
java=${SKYWALKING_JAVA:-java}
class_path=${SKYWALKING_CLASSPATH:-$cache/class-path}
pids=()

say() { echo "third-party.sh: $*" >&2; }
finish() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
work=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT TERM

if [ ! -s "$class_path" ]; then
  say "fetching Apache SkyWalking"
  mkdir -p "$(dirname "$class_path")"
  mvn -B -ntp -q -f "$here/scripts/third-party/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath \
    "-Dmdep.outputFile=$class_path"
fi

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
grpc=$(free_port)
rest=$(free_port)
telemetry=$(free_port)
listening=$(free_port)
refused=$(free_port)

cp -r "$here/scripts/third-party/conf" "$work/"
# It wants these to be there.
mkdir "$work/conf/openapi-definitions" "$work/conf/log-mal-rules" "$work/conf/ui-initialized-templates"
say "starting Apache SkyWalking, log in $work/skywalking.log"
(cd "$work" && GRPC_PORT=$grpc REST_PORT=$rest exec "$java" -Xmx768m \
  -cp "conf:$(cat "$class_path")" \
  org.apache.skywalking.oap.server.starter.OAPServerStartUp) >"$work/skywalking.log" 2>&1 &
pids+=($!)
for _ in $(seq 600); do
  if ! kill -0 "${pids[0]}" 2>/dev/null; then
    tail -n 40 "$work/skywalking.log" >&2
    exit 1
  fi
  if (: >"/dev/tcp/127.0.0.1/$grpc") 2>/dev/null && (: >"/dev/tcp/127.0.0.1/$rest") 2>/dev/null; then
    break
  fi
  sleep 0.5
done

"$here/sidecar/target/dist/bin/meshlens" run \
  --set "telemetry.address=127.0.0.1:$telemetry" --set kernel.pin_path=off \
  --set "filter.include=port=$listening;port=$refused" \
  --set "access_log.als.address=127.0.0.1:$grpc" \
  --set "node.metadata=SERVICE=meshlens-test;NAME=this-node" \
  >"$work/log" 2>"$work/meshlens.log" &
pids+=($!)
until grep -q 'metrics on' "$work/meshlens.log"; do
  if [ $SECONDS -gt 600 ] || ! kill -0 "${pids[1]}" 2>/dev/null; then
    cat "$work/meshlens.log" >&2
    exit 1
  fi
  sleep 0.2
done

if ! python3 "$here/scripts/third-party/skywalking.py" \
  "$rest" "$listening" "$refused" "$work/log"; then
  tail -n 20 "$work/meshlens.log" "$work/skywalking.log" >&2
  exit 1
fi
