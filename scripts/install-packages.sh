#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, through apt, for one or more purposes. Says nothing when all is there.
# usage: install-packages.sh build|test|kernels|bench ...
set -eu
here=$(dirname "$(readlink -f "$0")")

packages_for() {
	case $1 in
	build) echo maven make gcc libc6-dev pkg-config clang llvm libbpf-dev bpftool ca-certificates ;;
	test) echo clang-format shellcheck nginx-light wrk python3 python3-grpcio python3-protobuf protobuf-compiler iproute2 nftables conntrack procps curl openssl prometheus "promtool|prometheus" ;;
	kernels) echo qemu-system-x86 busybox-static iproute2 ;;
	bench) echo nginx-light wrk iperf3 curl ;;
	*)
		echo "install-packages.sh: unknown purpose: $1" >&2
		exit 2
		;;
	esac
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Of "a|b", the first that is installed or, failing that, that apt knows.
choose() {
	for name in $(echo "$1" | tr '|' ' '); do
		if installed "$name"; then
			echo "$name"
			return
		fi
	done
	for name in $(echo "$1" | tr '|' ' '); do
		if apt-cache show "$name" >/dev/null 2>&1; then
			echo "$name"
			return
		fi
	done
	echo "${1##*|}"
}

apt_is_fresh=
refresh() {
	[ -n "$apt_is_fresh" ] || apt-get update -qq
	apt_is_fresh=yes
}

# Servers that the tests start themselves must not be started by their packages.
install() {
	refresh
	echo "installing: $*" >&2
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

command -v apt-get >/dev/null || {
	echo "this is not a Debian system: install by hand what scripts/install-packages.sh lists" >&2
	exit 1
}
missing=
for purpose in "$@"; do
	for package in $(packages_for "$purpose"); do
		alternatives_installed=
		for name in $(echo "$package" | tr '|' ' '); do
			! installed "$name" || alternatives_installed=yes
		done
		[ -n "$alternatives_installed" ] || missing="$missing $package"
	done
done
if [ -n "$missing" ]; then
	refresh
	chosen=
	for package in $missing; do
		chosen="$chosen $(choose "$package")"
	done
	# shellcheck disable=SC2086
	install $chosen
fi
if ! "$here/find-jdk.sh" >/dev/null 2>&1; then
	refresh
	if apt-cache show openjdk-25-jdk-headless >/dev/null 2>&1; then
		install openjdk-25-jdk-headless
	else
		"$here/find-jdk.sh" >/dev/null
	fi
fi
