#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Gives the rendered chart (charts/meshlens/tests/golden/, which ChartTest compares with what Helm
# renders) to a real Kubernetes API server and its controllers, and looks at what they make of it.
# There is no kubelet: this script makes the node up and reports the pod's address in its stead.
#
# usage: kubernetes-test.sh           last line: "N passed, N failed"; exit code 1 if any failed
#
#   MESHLENS_KUBE_BIN   directory with kube-apiserver and kube-controller-manager. When unset they
#                       are built, once, from the `kubernetes` source package of Debian 12 (five to
#                       ten minutes, 3 GB) into ~/.cache/meshlens/kube.
#
# etcd, and kubectl when missing, are unpacked from Debian packages into that cache. Everything
# listens on 127.0.0.1 on free ports, keeps its data in a temporary directory and is ended by pid.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
golden=$here/charts/meshlens/tests/golden
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meshlens/kube
namespace=meshlens
node=made-up-node
token=kubernetes-test
pids=()
passed=0 failed=0

say() { echo "kubernetes-test.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}
finish() {
  local pid
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    pid=${pids[i]}
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
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

install_missing() { # install_missing COMMAND=PACKAGE...
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "missing and not root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null
}

# ---- The programs -------------------------------------------------------------------------------

# Debian 12 has the last source package of Kubernetes that still holds the server, and a Go that
# compiles it. Both come from that suite whatever the machine runs.
build_kube() {
  local build=$cache/build bin=$cache/bin log=$cache/build.log
  say "building kube-apiserver and kube-controller-manager into $bin (log: $log)"
  install_missing make=make rsync=rsync jq=jq
  rm -rf "$build"
  mkdir -p "$build" "$bin"
  "$here/scripts/debian-package.sh" bookworm "$build/go" golang-1.19-go golang-1.19-src
  "$here/scripts/debian-package.sh" bookworm "$build/reflect2" golang-github-modern-go-reflect2-dev
  "$here/scripts/debian-package.sh" bookworm --source "$build" kubernetes
  mkdir -p "$build/src"
  tar -xf "$build"/kubernetes_*.orig.tar.* -C "$build/src" --strip-components=1
  # The vendored reflect2 1.0.1 crashes with Go 1.18 and newer (SIGSEGV in mapiternext on the first
  # JSON map); Debian's 1.0.2 does not. modern-go/reflect2#22
  local reflect2=$build/src/vendor/github.com/modern-go/reflect2
  rm -f "$reflect2"/*.go "$reflect2"/*.s
  cp "$build"/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$reflect2/"
  mkdir -p "$build/src/.go/src/k8s.io" "$build/home"
  ln -sfn ../../.. "$build/src/.go/src/k8s.io/kubernetes"
  (
    cd "$build/src"
    export GOROOT=$build/go/usr/lib/go-1.19 GOPATH=$PWD/.go GOPROXY=off GOFLAGS=-mod=vendor
    export PATH=$GOROOT/bin:$PATH HOME=$build/home CGO_ENABLED=0
    export KUBE_GIT_VERSION=v1.20.2 KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=archive
    export KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20
    make WHAT="cmd/kube-apiserver cmd/kube-controller-manager"
  ) >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "the build failed"; }
  cp "$build"/src/_output/bin/kube-{apiserver,controller-manager} "$bin/"
  chmod -R u+w "$build"
  rm -rf "$build"
}

find_programs() {
  install_missing curl=curl openssl=openssl
  kube=${MESHLENS_KUBE_BIN:-$cache/bin}
  if [ -z "${MESHLENS_KUBE_BIN:-}" ] \
    && { [ ! -x "$kube/kube-apiserver" ] || [ ! -x "$kube/kube-controller-manager" ]; }; then
    build_kube
  fi
  local program
  for program in kube-apiserver kube-controller-manager; do
    [ -x "$kube/$program" ] || die "MESHLENS_KUBE_BIN=$kube holds no executable $program"
  done
  # Unpacked rather than installed: the package would start a service.
  etcd=$(command -v etcd || true)
  if [ -z "$etcd" ]; then
    etcd=$cache/etcd/usr/bin/etcd
    [ -x "$etcd" ] || "$here/scripts/debian-package.sh" bookworm "$cache/etcd" etcd-server
  fi
  kubectl=$(command -v kubectl || true)
  if [ -z "$kubectl" ]; then
    kubectl=$cache/client/usr/bin/kubectl
    [ -x "$kubectl" ] || "$here/scripts/debian-package.sh" bookworm "$cache/client" kubernetes-client
  fi
}

# ---- The cluster --------------------------------------------------------------------------------

free_port() { # free_port VARIABLE
  local candidate
  for _ in $(seq 100); do
    candidate=$((20000 + RANDOM % 10000))
    case " $taken " in *" $candidate "*) continue ;; esac
    if ! (: <"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
      taken="$taken $candidate"
      printf -v "$1" %s "$candidate"
      return 0
    fi
  done
  die "no free port found"
}
taken=''

start() { # start NAME COMMAND...
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
}

await() { # await SECONDS COMMAND...: until the command succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.5
  done
}

api_ready() { [ "$(curl -sk -H "Authorization: Bearer $token" "$server/readyz")" = ok ]; }

start_cluster() {
  local etcd_port peer_port api_port controllers_port
  free_port etcd_port
  free_port peer_port
  free_port api_port
  free_port controllers_port
  server=https://127.0.0.1:$api_port
  cd "$work"
  openssl genrsa -out sa.key 2048 2>/dev/null
  (umask 077 && echo "$token,admin,1,\"system:masters\"" >tokens.csv)
  cat >kubeconfig <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$server", insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: $token}}]
contexts: [{name: test, context: {cluster: test, user: test, namespace: $namespace}}]
current-context: test
CONFIG
  start etcd "$etcd" --data-dir "$work/etcd" \
    --listen-client-urls "http://127.0.0.1:$etcd_port" \
    --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "default=http://127.0.0.1:$peer_port"
  await 30 curl -sf "http://127.0.0.1:$etcd_port/health" || fail_start etcd
  start apiserver "$kube/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" \
    --cert-dir="$work/certs" --bind-address=127.0.0.1 --secure-port="$api_port" \
    --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
    --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://localhost \
    --service-account-key-file="$work/sa.key" --service-account-signing-key-file="$work/sa.key" \
    --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC --allow-privileged=false
  await 60 api_ready || fail_start apiserver
  start controllers "$kube/kube-controller-manager" --kubeconfig="$work/kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$controllers_port" --port=0 --leader-elect=false \
    --service-account-private-key-file="$work/sa.key" --cert-dir="$work/controllers" \
    --controllers=daemonset,endpoint,serviceaccount,serviceaccount-token,namespace,garbagecollector
}

fail_start() {
  tail -n 20 "$work/$1.log" >&2
  die "$1 did not start"
}

k() { "$kubectl" --kubeconfig="$work/kubeconfig" "$@"; }

# ---- The checks ---------------------------------------------------------------------------------

check() { # check WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $what"
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
    sed 's/^/        /' "$work/out" | tail -n 20
  fi
}

value_is() { # value_is EXPECTED KUBECTL-GET-ARGUMENTS...
  local expected=$1 actual
  shift
  actual=$(k get "$@") || return 1
  [ "$actual" = "$expected" ] || { echo "expected '$expected', got '$actual'"; return 1; }
}

value_becomes() { # value_becomes EXPECTED KUBECTL-GET-ARGUMENTS...
  await 30 value_is "$@" || value_is "$@"
}

absent() { ! k get "$@" || { echo "exists: $*"; return 1; }; }

every_object_exists() { # every_object_exists FILE
  local wanted found
  wanted=$(grep -c '^kind: ' "$1")
  found=$(k get -f "$1" -o name) || return 1
  [ "$(wc -l <<<"$found")" = "$wanted" ] || { echo "$wanted wanted, found: $found"; return 1; }
}

# The same manifest with one line changed must be refused, for the reason given.
refused() { # refused SED-SCRIPT EXPECTED-MESSAGE
  sed "$1" "$golden/default.yaml" >"$work/broken.yaml"
  ! cmp -s "$work/broken.yaml" "$golden/default.yaml" || { echo "nothing changed by $1"; return 1; }
  local message
  if message=$(k apply --dry-run=server -f "$work/broken.yaml" 2>&1); then
    echo "accepted: $message"
    return 1
  fi
  grep -qF "$2" <<<"$message" || { echo "expected '$2' in: $message"; return 1; }
}

pod_of() { # pod_of DAEMONSET: name of its only pod
  k get pods -o jsonpath="{.items[?(@.metadata.ownerReferences[0].name==\"$1\")].metadata.name}"
}

token_volumes() { # token_volumes EXPECTED-COUNT POD
  local found
  found=$(k get pod "$2" -o jsonpath='{.spec.containers[0].volumeMounts[*].mountPath}' \
    | tr ' ' '\n' | grep -c '^/var/run/secrets/kubernetes.io/serviceaccount$' || true)
  [ "$found" = "$1" ] || { echo "expected $1 token mounts, found $found"; return 1; }
}

request() { # request METHOD CONTENT-TYPE PATH BODY
  curl -skf -o /dev/null -X "$1" -H "Authorization: Bearer $token" -H "Content-Type: $2" \
    --data "$4" "$server$3"
}

# What scheduler and kubelet do: bind the pod to the node, then report it running and ready.
run_pod() { # run_pod POD
  local path=/api/v1/namespaces/$namespace/pods/$1
  request POST application/json "$path/binding" \
    "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"$1\"},\"target\":{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"$node\"}}" \
    && request PATCH application/merge-patch+json "$path/status" \
      '{"status":{"phase":"Running","podIP":"10.1.2.3","podIPs":[{"ip":"10.1.2.3"}],"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'
}

default_installation() {
  local file=$golden/default.yaml pod
  check "default: the server accepts every object on a dry run" \
    k apply --dry-run=server -f "$file"
  check "default: the dry run left nothing behind" absent daemonset meshlens
  check "default: applied" k apply -f "$file"
  check "default: every object exists" every_object_exists "$file"
  check "default: applied again" k apply -f "$file"
  check "default: which changed nothing" value_is 1 daemonset meshlens \
    -o jsonpath='{.metadata.generation}'
  check "default: the controller wants one pod on the only node" value_becomes 1 \
    daemonset meshlens -o jsonpath='{.status.desiredNumberScheduled}'
  check "default: the controller made the pod" value_becomes 1 \
    daemonset meshlens -o jsonpath='{.status.currentNumberScheduled}'
  pod=$(pod_of meshlens)
  check "default: the pod is admitted with three capabilities and is not privileged" value_is \
    '["BPF","PERFMON","NET_ADMIN"] ["ALL"] false false' pod "$pod" -o jsonpath='{.spec.containers[0].securityContext.capabilities.add} {.spec.containers[0].securityContext.capabilities.drop} {.spec.containers[0].securityContext.privileged} {.spec.containers[0].securityContext.allowPrivilegeEscalation}'
  check "default: its priority is the node-critical one" value_is 2000001000 \
    pod "$pod" -o jsonpath='{.spec.priority}'
  check "default: it mounts a token" token_volumes 1 "$pod"
  check "default: it is run" run_pod "$pod"
  check "default: the service lists it by name and port" value_becomes \
    '10.1.2.3 http-telemetry 15020' endpoints meshlens -o jsonpath='{.subsets[0].addresses[0].ip} {.subsets[0].ports[0].name} {.subsets[0].ports[0].port}'
  check "default: the DaemonSet is ready" value_becomes 1 \
    daemonset meshlens -o jsonpath='{.status.numberReady}'
  local resource
  for resource in pods services nodes namespaces endpointslices.discovery.k8s.io; do
    check "default: its account may read $resource" account_may yes list "$resource" meshlens
    check "default: its account may watch $resource" account_may yes watch "$resource" meshlens
    check "default: its account may not delete $resource" account_may no delete "$resource" meshlens
  done
  check "default: its account may not read secrets" account_may no list secrets meshlens
  check "default: deleted" k delete --wait=false -f "$file"
  check "default: the DaemonSet is gone" await 30 absent daemonset meshlens
  # Nobody is there to end the pod.
  k delete pods --all --grace-period=0 --force >/dev/null 2>&1
}

account_may() { # account_may yes|no VERB RESOURCE ACCOUNT
  local answer
  answer=$(k auth can-i "$2" "$3" --all-namespaces --as="system:serviceaccount:$namespace:$4" 2>/dev/null || true)
  [ "$answer" = "$1" ] || { echo "may $2 $3: $answer"; return 1; }
}

account_can_read() { # account_can_read yes|no ACCOUNT
  local answer
  answer=$(k auth can-i list pods --as="system:serviceaccount:$namespace:$2" || true)
  [ "$answer" = "$1" ] || { echo "may list pods: $answer"; return 1; }
}

everything_installation() {
  local file=$golden/everything.yaml pod
  # The Prometheus operator's type, reduced to its name.
  k apply -f - >/dev/null <<'CRD'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: servicemonitors.monitoring.coreos.com
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, listKind: ServiceMonitorList, plural: servicemonitors, singular: servicemonitor}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
CRD
  k wait --for=condition=Established --timeout=30s \
    crd/servicemonitors.monitoring.coreos.com >/dev/null
  check "everything: the server accepts every object on a dry run" \
    await 15 k apply --dry-run=server -f "$file"
  check "everything: applied" k apply -f "$file"
  check "everything: every object exists" every_object_exists "$file"
  check "everything: no pod on a node without the wanted label" value_becomes 0 \
    daemonset observer -o jsonpath='{.status.desiredNumberScheduled}'
  k label node "$node" example/observed=true >/dev/null
  # The server taints a new node; the default tolerations pass it, the ones of this file do not.
  check "everything: nor on one that is not ready" value_is 0 \
    daemonset observer -o jsonpath='{.status.desiredNumberScheduled}'
  k taint node "$node" node.kubernetes.io/not-ready:NoSchedule- >/dev/null
  check "everything: one pod once the node has it and is ready" value_becomes 1 \
    daemonset observer -o jsonpath='{.status.currentNumberScheduled}'
  pod=$(pod_of observer)
  check "everything: the pod mounts the token that was asked for" token_volumes 1 "$pod"
  check "everything: its account may do what rbac.extraRules says" \
    account_can_read yes observer-account
}

broken_manifests() {
  check "broken: an unknown update strategy is refused" \
    refused 's/type: RollingUpdate/type: Sideways/' 'spec.updateStrategy: Unsupported value'
  check "broken: a selector that misses its pods is refused" \
    refused '/^  selector:/,/^  updateStrategy:/s/app.kubernetes.io\/name: meshlens/app.kubernetes.io\/name: other/' \
    'does not match'
  check "broken: a port out of range is refused" \
    refused 's/containerPort: 15020/containerPort: 150200/' 'must be between 1 and 65535'
  check "broken: a privileged container is refused by this cluster's policy" \
    refused 's/privileged: false/privileged: true/' 'disallowed by cluster policy'
  check "broken: an unknown field is refused" \
    refused 's/readOnlyRootFilesystem:/readOnlyRootFilesytem:/' 'readOnlyRootFilesytem'
  check "broken: a capability list of the wrong type is refused" \
    refused 's/drop: \[ALL\]/drop: ALL/' 'drop'
}

main() {
  local file
  for file in default everything; do
    [ -s "$golden/$file.yaml" ] || die "$golden/$file.yaml is missing: ChartTest writes it with -Dgolden.update=true"
  done
  find_programs
  start_cluster
  check "the API server answers" k get --raw /version
  k create namespace "$namespace" >/dev/null
  k create -f - >/dev/null <<NODE
apiVersion: v1
kind: Node
metadata:
  name: $node
  labels: {kubernetes.io/os: linux, kubernetes.io/arch: amd64, kubernetes.io/hostname: $node}
spec:
  # Tainted, to show that the default tolerations reach every node.
  taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]
NODE
  broken_manifests
  default_installation
  everything_installation
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

main
