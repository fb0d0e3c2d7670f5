#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Subscribers of bench/gen against a gateway of its own, over memif: 20 by IPsec, each with a tunnel of
# its own; 20 behind two NAT addresses with the kind of ciphers that native clients take, each with a
# new pair of SAs every two seconds; 20 in one tunnel without IPsec. All come up, and every packet
# arrives, once, in order, at the right place. And 1,000 behind one NAT address, all with the same
# address behind it and port 1701, with traffic both ways at once; SANITIZED in the environment: 100.
#
#   generated_load.sh BUILD
set -uo pipefail

BUILD=$(readlink -f "${1:?usage: generated_load.sh BUILD}")
export BUILD
run=$(dirname "$(readlink -f "$0")")/../../bench/gen/run

# Few enough packets per second that a machine with other things to do loses none.
load() {
	"$run" --no-build --no-huge --subscribers 20 --direction both --size 64,1400,imix --rate 4000 \
		--packets 2000 --loss 0 --settle 3 --strict --quiet "$@" 2>&1
}

out=$(load) || { echo "IPsec: $out"; exit 1; }
out=$(load --behind-nat 10 --cipher aes-cbc-256 --auth chap --traffic-while-held --hold 3 --rekey 2) || \
	{ echo "behind NAT: $out"; exit 1; }
many=${SANITIZED:+100}
many=${many:-1000}
out=$(load --subscribers "$many" --behind-nat "$many" --same-inner --size 64,1400 --packets 4000) || \
	{ echo "$many behind one address: $out"; exit 1; }
out=$(load --plain --per-tunnel 20 --auth chap) || { echo "without IPsec: $out"; exit 1; }
! load --plain --per-tunnel 20 --auth pap >/dev/null || { echo "PAP was asked for in clear"; exit 1; }
