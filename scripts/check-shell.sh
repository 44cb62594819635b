#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs shellcheck on every shell script of the repository: what begins with #! and names a shell.
set -eu
cd "$(dirname "$0")/.."
command -v shellcheck >/dev/null || {
	echo "check-shell.sh: shellcheck is not installed: scripts/install-packages.sh test" >&2
	exit 1
}
find . \( -name target -o -name build -o -name .git \) -prune -o -type f -size -256k -print |
	while read -r file; do
		if head -n 1 "$file" | grep -qaE '^#!.*[/ ](ba|da)?sh$'; then
			echo "$file"
		fi
	done | xargs shellcheck
