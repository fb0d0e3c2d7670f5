#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The dataplane without any control plane, in namespaces of its own: what it says when it cannot
# start, that it announces itself, finds a router and answers a host behind it, refuses a second one
# on its socket, starts again after a SIGKILL, and ends cleanly on SIGTERM.
#
#   dataplane_alone.sh BUILD
set -euo pipefail

program=$(readlink -f "${1:?usage: dataplane_alone.sh BUILD}")/dataplane/culvert-dataplane
tag=cvdp$$
work=$(mktemp -d)
pid=
capture=

cleanup() {
	for p in $pid $capture; do kill -KILL "$p" 2>/dev/null || true; done
	for n in gw sub net far; do ip netns del $tag-$n 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

. "$(dirname "$(readlink -f "$0")")/../lib/scenario.sh"

# link NAME NAMESPACE ADDRESS: a port of the gateway, and who is at its other end
link() {
	ip -n $tag-gw link add "$1" type veth peer name eth0 netns $tag-"$2"
	ip netns exec $tag-gw sysctl -qw net.ipv6.conf."$1".disable_ipv6=1
	ip netns exec $tag-"$2" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	ip netns exec $tag-"$2" ethtool -K eth0 tx off >/dev/null
	ip -n $tag-"$2" addr add "$3" dev eth0
	ip -n $tag-gw link set "$1" up
	ip -n $tag-"$2" link set eth0 up
}

config() {
	cat <<-END
	dataplane:
	  socket: $work/run/dataplane.sock
	  hugepages: false
	  memory: 512MiB
	ports:
	  - {name: s, side: subscriber, device: "net_af_packet0,iface=${1:-sub0}", addresses: [192.0.2.1/24]}
	  - {name: n, side: network, device: "net_af_packet1,iface=net0", addresses: [198.51.100.1/24]}
	routes:
	  - {to: 0.0.0.0/0, via: 198.51.100.254}
	listeners:
	  - {name: l, address: 192.0.2.1}
	ike: {psks: [{peer: any, secret: not-a-secret}]}
	ppp: {local-address: 100.64.0.1}
	pools: [{name: p, prefixes: [100.64.0.0/16]}]
	users: [{name: u, password: not-a-secret}]
	END
}

start() {
	: >"$work/dp.log"
	ip netns exec $tag-gw "$program" -c "$work/config" 2>"$work/dp.log" &
	pid=$!
	until_true 20 grep -q dataplane-ready "$work/dp.log" || fail "does not start"
}

pings() { ip netns exec $tag-"$1" ping -n -q -c 3 -i 0.2 -W 2 "$2" >"$work/ping.log"; }

for n in gw sub net far; do
	ip netns add $tag-$n
	ip -n $tag-$n link set lo up
done
link sub0 sub 192.0.2.10/24
link net0 net 198.51.100.254/24
# A host behind the router of the network side.
ip -n $tag-net link add far0 type veth peer name eth0 netns $tag-far
ip -n $tag-net addr add 203.0.113.1/24 dev far0
ip -n $tag-far addr add 203.0.113.2/24 dev eth0
ip -n $tag-net link set far0 up
ip -n $tag-far link set eth0 up
ip -n $tag-far route add default via 203.0.113.1
ip -n $tag-net route add 100.64.0.0/16 via 198.51.100.1
ip netns exec $tag-net sysctl -qw net.ipv4.ip_forward=1
ip -n $tag-sub route add 198.51.100.0/24 via 192.0.2.1

# What it says when it cannot start.
config absent0 >"$work/config"
ip netns exec $tag-gw "$program" -c "$work/config" 2>"$work/absent.log" && fail "started without its port"
grep -q '"interface":"absent0".*"fix":' "$work/absent.log" || fail "no word of the interface that is absent"
config | sed 's/hugepages: false/hugepages: true/; s/512MiB/1000000MiB/' >"$work/config"
ip netns exec $tag-gw "$program" -c "$work/config" 2>"$work/huge.log" && fail "started without hugepages"
grep -q '"need_mib":1000000.*"fix":"echo ' "$work/huge.log" || fail "no word of the hugepages"

# It announces its addresses, so that nobody keeps an old one.
config >"$work/config"
ip netns exec $tag-sub tcpdump -nlU -i eth0 arp >"$work/arp.log" 2>"$work/tcpdump.log" &
capture=$!
until_true 5 grep -q listening "$work/tcpdump.log" || fail "tcpdump does not start"
start
until_true 5 grep -q "who-has 192.0.2.1.* tell 192.0.2.1" "$work/arp.log" || fail "no announcement"
pings sub 192.0.2.1 || fail "no answer on the subscriber side"
pings net 198.51.100.1 || fail "no answer on the network side"
pings far 198.51.100.1 || fail "no answer to a host behind the router"
pings far 100.64.0.1 || fail "no answer from the address of the PPP links"
pings sub 198.51.100.1 && fail "the subscriber side is no router"

# One dataplane to a socket.
ip netns exec $tag-gw "$program" -c "$work/config" 2>"$work/second.log" && fail "a second one started"
grep -q "another dataplane" "$work/second.log" || fail "no word of the other dataplane"
pings sub 192.0.2.1 || fail "the second one disturbed the first"

# Killed: the next one starts over the socket that is left.
kill -KILL $pid
wait $pid 2>/dev/null || true
[ -S "$work/run/dataplane.sock" ] || fail "expected a socket to be left over"
start
pings far 198.51.100.1 || fail "no answer after a restart"

# Told to stop: it ends with 0, at once, and takes its socket along.
kill -TERM $pid
status=0
wait $pid || status=$?
pid=
[ $status = 0 ] || fail "ended with $status"
grep -q dataplane-stop "$work/dp.log" || fail "no word of the end"
[ ! -e "$work/run/dataplane.sock" ] || fail "the socket is still there"
