#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the home of a Java 25 installation, or says on stderr what to do and fails.
# usage: find-jdk.sh [jdk|jre]    jdk (the default) must be able to compile
set -eu
want=${1:-jdk}
release=25

suits() {
	[ -x "$1/bin/java" ] || return 1
	[ "$want" = jre ] || [ -x "$1/bin/javac" ] || return 1
	# The file "release" is in every JDK since 8: JAVA_VERSION="25.0.3"
	grep -q "^JAVA_VERSION=\"$release\([.\"+-]\|\$\)" "$1/release" 2>/dev/null
}

on_path=$(command -v java 2>/dev/null || true)
[ -z "$on_path" ] || on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
for home in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/* /opt/java/* /opt/jdk* "${HOME:-/root}"/.sdkman/candidates/java/*; do
	if [ -n "$home" ] && suits "$home"; then
		echo "$home"
		exit 0
	fi
done
cat >&2 <<E2
meshlens needs Java $release, and none was found in JAVA_HOME, on the PATH, or under /usr/lib/jvm.
  Debian 13:  apt-get install openjdk-$release-jdk-headless
  Debian 12:  has none of its own; unpack any JDK $release (such as Eclipse Temurin) under /usr/lib/jvm
              or point JAVA_HOME at it
E2
exit 1
