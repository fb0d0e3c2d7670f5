#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A flood of 100,000 IKE messages a second, of strangers whose addresses are made up, of one source, and
# of rubbish: subscribers who are there get new SAs every two seconds and lose no packet, others end and come
# again within 10 s each, and the control plane has no more memory some time after than before. One line for
# each kind says what was measured.
#
#   flood.sh BUILD
#
# In the environment: FLOOD_SECONDS for each kind (default 5), FLOOD_AFTER seconds from its end until the
# memory is looked at (default 0). What a stranger began is kept for 30 s.
set -uo pipefail

BUILD=$(readlink -f "${1:?usage: flood.sh BUILD}")
export BUILD
run=$(dirname "$(readlink -f "$0")")/../../bench/gen/run
seconds=${FLOOD_SECONDS:-5}
after=${FLOOD_AFTER:-0}
rate=${SANITIZED:+20000}
rate=${rate:-100000}
# Memory that may be held on to, KiB. The sanitizer keeps what was freed for a while, to find who still
# uses it.
memory=$((after > 0 ? 4096 : 32768))
[ -z "${SANITIZED-}" ] || memory=1048576
result=$(mktemp)
trap 'rm -f "$result"' EXIT

# flood NAME OPTION...
flood() {
	local name=$1 out
	shift
	out=$("$run" --no-build --no-huge --subscribers 10 --half-open 1000 --ring 14 --hold $((seconds + after)) \
		--flood-time "$seconds" --rekey 2 --churn 1 --traffic-while-held --direction both --size 400 \
		--rate 500 --loss 0 --settle 3 --flood "$rate" --strict --quiet --json "$result" "$@" 2>&1) ||
		{ echo "$name: $out"; exit 1; }
	jq -e --argjson rate "$rate" --argjson memory "$memory" '
		.flood.per_second > $rate / 2 and .counters.rekeys > 2 and .churn.begun > 0 and
		(.churn.phases.all.most_ns // 0) < 10e9 and
		.flood.server_memory_after_kib < .flood.server_memory_before_kib + $memory' "$result" >/dev/null ||
		{ echo "$name: $out"; exit 1; }
	jq -r --arg name "$name" '
		"\($name): \(.flood.per_second | round)/s for \(.flood.seconds | round) s, " +
		"\(.counters.rekeys) rekeys, \(.churn.begun) came anew, the slowest in " +
		"\((.churn.phases.all.most_ns // 0) / 1e6 | round) ms, " +
		"\(.flood.server_memory_before_kib) KiB before and \(.flood.server_memory_after_kib) after"' "$result"
}

flood "made-up sources" --flood-kind v1
flood "made-up sources, IKEv2" --flood-kind v2
flood "one source" --flood-kind v1 --flood-one
flood "rubbish" --flood-kind rubbish
