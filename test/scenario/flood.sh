#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A flood of 100,000 IKE messages a second, of strangers whose addresses are made up, of one source, and
# of rubbish: subscribers who are there get new SAs every two seconds and lose no packet, others end and come
# again within 10 s each, and the control plane has no more memory in the end than before.
# FLOOD_SECONDS in the environment: for each kind (default 5).
#
#   flood.sh BUILD
set -uo pipefail

BUILD=$(readlink -f "${1:?usage: flood.sh BUILD}")
export BUILD
run=$(dirname "$(readlink -f "$0")")/../../bench/gen/run
seconds=${FLOOD_SECONDS:-5}
rate=${SANITIZED:+20000}
# The sanitizer keeps what was freed for a while, to find who still uses it.
memory=${SANITIZED:+1048576}
result=$(mktemp)
trap 'rm -f "$result"' EXIT

# flood NAME OPTION...
flood() {
	local name=$1 out
	shift
	out=$("$run" --no-build --no-huge --subscribers 10 --half-open 1000 --ring 14 --hold "$seconds" --rekey 2 \
		--churn 1 --traffic-while-held --direction both --size 400 --rate 500 --loss 0 --settle 3 \
		--flood "${rate:-100000}" --strict --quiet --json "$result" "$@" 2>&1) || { echo "$name: $out"; exit 1; }
	jq -e --argjson rate "${rate:-100000}" --argjson memory "${memory:-32768}" '
		.flood.per_second > $rate / 2 and .counters.rekeys > 2 and .churn.begun > 0 and
		(.churn.phases.all.most_ns // 0) < 10e9 and
		.flood.server_rss_after_kib < .flood.server_rss_before_kib + $memory' "$result" >/dev/null ||
		{ echo "$name: $out"; exit 1; }
}

flood "made-up sources" --flood-kind v1
flood "made-up sources, IKEv2" --flood-kind v2
flood "one source" --flood-kind v1 --flood-one
flood "rubbish" --flood-kind rubbish
