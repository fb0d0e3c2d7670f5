#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The link layer against the kernel's: ARP and neighbour discovery on untagged ports, 802.1Q and
# 802.1ad, several ports on one device, jumbo frames, what no port has, a neighbour that goes and
# comes back, a link that goes down and up.
#
#   link_layer.sh BUILD
set -euo pipefail

build=$(readlink -f "${1:?usage: link_layer.sh BUILD}")
here=$(dirname "$(readlink -f "$0")")
tag=cvll$$
work=$(mktemp -d)
pids=()

cleanup() {
	for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null || true; done
	for n in gw far; do ip netns del $tag-$n 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

. "$(dirname "$(readlink -f "$0")")/../lib/scenario.sh"

far() { ip netns exec $tag-far "$@"; }
pings() { far ping -n -q -c 3 -i 0.2 -W 2 "$@" >"$work/ping.log" 2>&1; }
culvert() { "$build/cli/culvert" -s "$work/run/api.sock" --json "$@"; }
drops() { culvert show drops | jq "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0"; }
dropped() { [ "$(drops "$1")" -gt "$2" ]; }

counts() {
	culvert show ports | jq -e "[.ports[] | select(.name == \"$1\")][0].rx_packets >= $2" >/dev/null
}

program() {
	: >"$work/$1.log"
	ip netns exec $tag-gw "$build/$1/culvert-$1" -c "$work/config" 2>"$work/$1.log" &
	pids+=($!)
	until_true 20 grep -q "$1-ready" "$work/$1.log" || fail "culvert-$1 does not start"
}

# vlans INTERFACE NAME=IDS...
vlans() {
	far "$here/vlans.py" "$@" >"$work/vlans-$1.log" 2>&1 &
	pids+=($!)
	until_true 5 grep -q ready "$work/vlans-$1.log" || fail "no VLANs on $1"
}

# address DEVICE ADDRESS...: of the far end
address() {
	local device=$1 a
	shift
	ip -n $tag-far link set "$device" up
	for a; do
		if [[ $a = *:* ]]; then
			ip -n $tag-far addr add "$a" dev "$device" nodad
		else
			ip -n $tag-far addr add "$a" dev "$device"
		fi
	done
}

for n in gw far; do
	ip netns add $tag-$n
	ip -n $tag-$n link set lo up
done
for name in trunk plain; do
	ip -n $tag-gw link add $name type veth peer name $name netns $tag-far
	ip netns exec $tag-gw sysctl -qw net.ipv6.conf.$name.disable_ipv6=1
	far ethtool -K $name tx off >/dev/null
	ip -n $tag-far link set $name mtu 1508
	ip -n $tag-gw link set $name up
done
ip -n $tag-far link set plain mtu 9000
address trunk 10.1.0.9/24 2001:db8:1::9/64
address plain 10.5.0.9/24 2001:db8:5::9/64
if ip -n $tag-far link add link trunk name one type vlan id 10 2>/dev/null; then
	ip -n $tag-far link add link trunk name two type vlan id 20
	ip -n $tag-far link add link trunk name outer type vlan proto 802.1ad id 300
	ip -n $tag-far link set outer up mtu 1504
	ip -n $tag-far link add link outer name three type vlan id 30
	ip -n $tag-far link add link trunk name none type vlan id 99
	ip -n $tag-far link add link plain name tagged type vlan id 77
else # a kernel without VLANs
	vlans trunk one=10 two=20 three=300.30 none=99
	vlans plain tagged=77
fi
for name in one two three none; do ip -n $tag-far link set $name mtu 1500; done
address one 10.2.0.9/24 2001:db8:2::9/64
address two 10.3.0.9/24 2001:db8:3::9/64
address three 10.4.0.9/24 2001:db8:4::9/64
address none 10.6.0.9/24 2001:db8:6::9/64

trunk='device: "net_af_packet0,iface=trunk"'
cat >"$work/config" <<-END
	dataplane:
	  socket: $work/run/dataplane.sock
	  hugepages: false
	  memory: 512MiB
	ports:
	  - {name: bare, side: subscriber, $trunk, addresses: [10.1.0.1/24, "2001:db8:1::1/64"]}
	  - {name: one, side: subscriber, $trunk, vlan: 10, addresses: [10.2.0.1/24, "2001:db8:2::1/64"]}
	  - {name: two, side: network, $trunk, vlan: 20, addresses: [10.3.0.1/24, "2001:db8:3::1/64"]}
	  - {name: three, side: network, $trunk, vlan: [300, 30], addresses: [10.4.0.1/24, "2001:db8:4::1/64"]}
	  - name: plain
	    side: network
	    mtu: 9000
	    device: "net_af_packet1,iface=plain"
	    addresses: [10.5.0.1/24, "2001:db8:5::1/64"]
	listeners:
	  - {name: l, address: 10.2.0.1}
	ike: {psks: [{peer: any, secret: not-a-secret}]}
	ppp: {local-address: 100.64.0.1}
	pools: [{name: p, prefixes: [100.64.0.0/16]}]
	users: [{name: u, password: not-a-secret}]
	api: {socket: $work/run/api.sock}
END
mkdir "$work/run"
program dataplane
program controlplane

# Each port answers by ARP and by neighbour discovery, as large as its link, tagged or not.
mac=$(ip -n $tag-gw -j link show trunk | jq -r '.[0].address')
IFS=: read -ra b <<<"$mac"
local=$(printf 'fe80::%02x%s:%sff:fe%s:%s%s' $((0x${b[0]} ^ 2)) "${b[@]:1}")
n=0
for device in trunk one two three plain; do
	n=$((n + 1))
	pings -s 1472 10.$n.0.1 || fail "$device: no answer to ARP or ping"
	pings -s 1452 2001:db8:$n::1 || fail "$device: no answer to neighbour discovery or ping"
	[ $device = plain ] || pings "$local%$device" || fail "$device: no answer of $local"
done

pings -M do -s 8972 10.5.0.1 || fail "plain: no answer to 9000 bytes"
pings -M do -s 8952 2001:db8:5::1 || fail "plain: no answer to 9000 bytes of IPv6"

# Both know each other: the kernel has been answered, and was asked.
far ip -6 neigh show dev three | grep -q '2001:db8:4::1 .*REACHABLE' || fail "not reachable in three"

# What no port has is dropped by its name, on a device with VLANs and on one without.
ip -n $tag-far neigh add 10.6.0.1 lladdr "$mac" dev none
pings -W 0.2 10.6.0.1 && fail "an answer in a VLAN that no port has"
until_true 5 dropped vlan-unknown 2 || fail "vlan-unknown does not say so"
address tagged 10.7.0.9/24
before=$(drops vlan-unknown)
mac=$(ip -n $tag-gw -j link show plain | jq -r '.[0].address')
ip -n $tag-far neigh add 10.7.0.1 lladdr "$mac" dev tagged
pings -W 0.2 10.7.0.1 && fail "an answer to a tag on an untagged port"
until_true 5 dropped vlan-unknown "$before" || fail "vlan-unknown does not say so, untagged"

# The counters of ports that share a device are their own.
until_true 5 counts three 7 || fail "port three counts nothing of its own"

# A neighbour comes back with another Ethernet address: found again, by both versions of IP.
ip -n $tag-far link set plain address 02:00:00:00:00:77
ip -n $tag-far neigh flush all
pings 10.5.0.1 || fail "no answer after the MAC changed"
pings 2001:db8:5::1 || fail "no answer by IPv6 after the MAC changed"

# The link goes down and up: said in the log, and all goes on.
ip -n $tag-far link set plain down
until_true 5 grep -q '"port-link".*"plain".*false' "$work/dataplane.log" || fail "no word of the link"
pings 10.4.0.1 || fail "another port suffers"
ip -n $tag-far link set plain up
ip -n $tag-far addr replace 2001:db8:5::9/64 dev plain nodad
until_true 5 grep -q '"port-link".*"plain".*true' "$work/dataplane.log" || fail "no word of the link's return"
until_true 5 pings 10.5.0.1 || fail "no answer after the link came back"
until_true 5 pings 2001:db8:5::1 || fail "no answer by IPv6 after the link came back"
