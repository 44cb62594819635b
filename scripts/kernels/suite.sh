#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the sidecar beside connections.c on the kernel that is running, and compares what it saw with
# what was made. Needs busybox's tools only, a loopback of its own, and root. Lines for kernels.sh
# begin with "@@ "; the rest is for a reader.
#
# usage: suite.sh HOME CONNECTIONS SECONDS    HOME: the sidecar's; SECONDS: to wait for each step
# MESHLENS_... of the environment reach the sidecar.
set -u
meshlens=$1/bin/meshlens
connections=$2
# Off by default; where the kernel cannot, the rest has to work without.
export MESHLENS_KERNEL_UDP=true
limit=$3
metrics_url=http://127.0.0.1:15020
work=$(mktemp -d)
sidecar='' peers=''

# Whatever happens, nothing is left running.
finish() {
	[ -z "$peers" ] || kill "$peers" 2>/dev/null
	[ -z "$sidecar" ] || kill -9 "$sidecar" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

fail() {
	echo "@@ failed $*"
	[ ! -s "$work/stderr" ] || sed 's/^/stderr: /' "$work/stderr"
	exit 1
}

# Tries a command every half second, until it succeeds or the limit is reached.
await() {
	tries=$((limit * 2))
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.5
	done
}

# Records and owners by ports, as connections.c writes them; only lines of its ports.
records_of() {
	awk '
		function after(name,   rest) {
			if (!match($0, "\"" name "\":")) return ""
			rest = substr($0, RSTART + RLENGTH)
			sub(/^"/, "", rest)
			sub(/["},].*/, "", rest)
			return rest
		}
		function text(name) { return after(name) }
		{
			if (!match($0, /"destination":\{"address":"[^"]*","port":[0-9]+/)) next
			split(substr($0, RSTART, RLENGTH), part, /["]/)
			address = part[6]
			port = part[9]
			sub(/:/, "", port)
			if (port !~ /^200(11|21|23|29|31)$/) next
			key = port " " address " " text("direction") " " text("termination")
			count[key]++
			sent[key] += after("bytes_sent")
			received[key] += after("bytes_received")
			if (text("pid") == pid) owned[port]++
		}
		END {
			for (key in count) print "record", key, count[key], sent[key] + 0, received[key] + 0
			for (port in owned) print "owned", port, owned[port]
		}' pid="$peers" "$1"
}

# How many records there must be of each port have an owner: all.
owners_of() {
	awk '$1 == "record" { n[$2] += $6 } END { for (port in n) print "owned", port, n[port] }' "$1"
}

sums_of() {
	awk '
		function label(name) {
			if (!match($0, name "=\"[^\"]*\"")) return ""
			return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 3)
		}
		/^mesh_(tcp|udp)_/ {
			port = label("destination_port")
			if (port !~ /^200(11|21|23|29|31)$/) next
			key = port " " label("reporter")
			seen[key] = 1
		}
		/^mesh_tcp_connections_opened_total/ { opened[key] += $NF }
		/^mesh_tcp_connections_closed_total/ { closed[key] += $NF }
		/^mesh_tcp_connections_failed_total/ { failed[key] += $NF }
		/^mesh_(tcp|udp)_io_bytes_total/ {
			if (label("network_io_direction") == "transmit") sent[key] += $NF
			else received[key] += $NF
		}
		END {
			for (key in seen)
				print "sums", key, opened[key] + 0, closed[key] + 0, failed[key] + 0, \
					sent[key] + 0, received[key] + 0
		}' "$1"
}

# compare NAME PORTS EXPECTED SEEN: the lines of these ports must be the same.
compare() {
	pattern="^[a-z]* ($2) "
	grep -E "$pattern" "$3" | sort >"$work/expected"
	grep -E "$pattern" "$4" | sort >"$work/seen"
	if diff -U 0 "$work/expected" "$work/seen" >"$work/difference"; then
		echo "@@ $1 exact"
		return
	fi
	echo "@@ $1 differs"
	# "-" is what was made, "+" what was seen.
	sed -n "s/^[-+][a-z]/@@ difference $1 &/p" "$work/difference"
}

has() {
	grep -q "^$1\$" "$work/features"
}

# Starts the sidecar and waits until it is ready.
begin() {
	rm -f "$work/readyz"
	"$meshlens" run >>"$work/log" 2>"$work/stderr" 3>&- &
	sidecar=$!
	await ready
	[ -s "$work/readyz" ] || fail "meshlens run did not become ready"
}

# Ready, or over.
ready() {
	kill -0 "$sidecar" 2>/dev/null || return 0
	wget -q -O "$work/readyz" $metrics_url/readyz 2>/dev/null
}

end() {
	kill -TERM "$sidecar"
	wait "$sidecar"
	code=$?
	sidecar=''
	[ $code = 0 ] || fail "meshlens run ended with exit code $code"
	sed 's/^/stderr: /' "$work/stderr"
}

echo "@@ kernel $(uname -r)"
"$meshlens" check >"$work/check" 2>&1
code=$?
sed 's/^/@@ check /' "$work/check"
[ $code = 0 ] || fail "meshlens check ended with exit code $code"
# By the column NEEDED BY.
sed -nE 's/.*[[:space:]](adoption|live|dialled|conntrack|udp)[[:space:]]+(yes|no)[[:space:]].*/\1 \2/p' \
	"$work/check" >"$work/features"
sed 's/^/@@ feature /' "$work/features"

mkfifo "$work/steps"
"$connections" <"$work/steps" >"$work/made" &
peers=$!
exec 3>"$work/steps"
await grep -q '^step 1 done' "$work/made" || fail "connections: step 1 did not end"

begin
sed 's/^/@@ ready /' "$work/readyz"
sed 's/^/@@ stderr /' "$work/stderr"

echo >&3
await grep -q '^step 2 done' "$work/made" || fail "connections: step 2 did not end"
wget -q -O "$work/metrics" $metrics_url/metrics || fail "no metrics"
sums_of "$work/metrics" >"$work/sums-while-open"
# What ends now waits in the pinned ring for the next start.
end
echo >&3
exec 3>&-
await grep -q '^step 3 done' "$work/made" || fail "connections: step 3 did not end"
begin
grep -q 'taking over the sums' "$work/stderr" || fail "the second start took nothing over"

# What is missing is absent, and nothing else: without live passes open connections are counted and
# their bytes are not; without adoption older ones are not seen at all.
sed '/^step 2 done/,$d' "$work/made" >"$work/made-while-open"
has 'live yes' || sed -Ei '/^sums/s/ [0-9]+ [0-9]+$/ 0 0/' "$work/made-while-open"
has 'adoption yes' || sed -i '/^[a-z]* 20023 /d' "$work/made"
has 'udp yes' || sed -i '/^[a-z]* 20031 /d' "$work/made"
{
	sed '/^sums 20029 .* 0 0 /d' "$work/made"
	owners_of "$work/made"
} >"$work/expected-at-end"
wanted=$(awk '$1 == "record" { n += $6 } END { print n }' "$work/made")
all_logged() {
	[ "$(grep -cE '"destination":.*"port":200(11|21|23|29|31)}' "$work/log")" -ge "$wanted" ]
}
await all_logged || echo "the log has not all $wanted records"
wget -q -O "$work/metrics" $metrics_url/metrics || fail "no metrics"
end

{
	records_of "$work/log"
	sums_of "$work/metrics"
} >"$work/seen-at-end"
compare suite '20011|20021|20029' "$work/expected-at-end" "$work/seen-at-end"
compare open 20029 "$work/made-while-open" "$work/sums-while-open"
compare older 20023 "$work/expected-at-end" "$work/seen-at-end"
compare udp 20031 "$work/expected-at-end" "$work/seen-at-end"
# Connection tracking is a module that the machines of kernels.sh do not have.
grep -E '^meshlens_[a-z_]*(lost|untracked|vanished|folded|failures)[a-z_]*(\{.*\})? [1-9]' "$work/metrics" |
	grep -v '^meshlens_conntrack_' | sed 's/^/@@ loss /'
echo "@@ done"
