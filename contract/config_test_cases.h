// SPDX-License-Identifier: Apache-2.0

// Bad files and the exact lines that they give: included by config_test.c as rows of a table.
// Which sections of a good file follow the text, the text, the lines.

// clang-format off
{0,
	"",
	"f:1:1: ports is missing: add it, for example ports: [{name: wan0, side: subscriber, "
	"device: ..., addresses: [...]}]\n"
	"f:1:1: listeners is missing: add it, for example listeners: [{name: public, "
	"address: 192.0.2.1}]\n"
	"f:1:1: pools is missing: add it, for example pools: [{name: default, prefixes: "
	"[100.64.0.0/16]}]\n"},
{ALL,
	"nonsense: 1\n",
	"f:1:1: unknown key 'nonsense': use one of dataplane, ports, routes, listeners, ike, "
	"certificates, remote-access, radius, l2tp, ppp, pools, filters, groups, default-group, users, api, log, user\n"},
{ALL,
	"dataplane: {wokers: 2, zzzzz: 1}\n",
	"f:1:13: unknown key 'wokers' in dataplane: did you mean workers? known keys: "
	"socket, workers, cores, clerk-core, idle, hugepages, memory, packet-buffers, sas, "
	"sessions, eal\n"
	"f:1:24: unknown key 'zzzzz' in dataplane: use one of socket, workers, cores, "
	"clerk-core, idle, hugepages, memory, packet-buffers, sas, sessions, eal\n"},
{ALL,
	"dataplane: {workers: 40}\n",
	"f:1:22: dataplane.workers '40' is out of range: use 1 to 16\n"},
{ALL,
	"dataplane: {workers: two}\n",
	"f:1:22: dataplane.workers 'two' is not a whole number: write 1 to 16 in digits "
	"alone\n"},
{ALL,
	"dataplane: {workers: [1]}\n",
	"f:1:22: dataplane.workers is a list: write a single value\n"},
{ALL,
	"dataplane: {workers: }\n",
	"f:1:22: dataplane.workers has no value: write one or remove the key\n"},
{ALL,
	"dataplane: {workers: 99999999999999999999}\n",
	"f:1:22: dataplane.workers '99999999999999999999' is not a whole number: write 1 to "
	"16 in digits alone\n"},
{ALL,
	"dataplane: {workers: 2, workers: 3}\n",
	"f:1:25: dataplane.workers is there twice, first on line 1: remove one\n"},
{ALL,
	"dataplane: {workers: 2, cores: [1]}\n",
	"f:1:33: dataplane.cores names 1 CPUs for 2 workers: name one for each worker\n"},
{ALL,
	"dataplane: {cores: [1, 1], workers: 2}\n",
	"f:1:24: dataplane.cores has '1' twice: remove one\n"},
{ALL,
	"dataplane: {clerk-core: 5000}\n",
	"f:1:25: dataplane.clerk-core '5000' is out of range: use 0 to 1023, or auto\n"},
{ALL,
	"dataplane: {memory: 512}\n",
	"f:1:21: dataplane.memory '512' has no unit: write a whole number with a unit (KiB, "
	"MiB, GiB, TiB), for example 512MiB\n"},
{ALL,
	"dataplane: {memory: 512MB}\n",
	"f:1:21: dataplane.memory '512MB' has no unit that is known: write a whole number "
	"with a unit (KiB, MiB, GiB, TiB), for example 512MiB\n"},
{ALL,
	"dataplane: {memory: 70000KiB}\n",
	"f:1:21: dataplane.memory '70000KiB' is too fine: write whole MiB, for example "
	"512MiB\n"},
{ALL,
	"dataplane: {memory: 1MiB}\n",
	"f:1:21: dataplane.memory '1MiB' is out of range: use 64MiB to 1TiB\n"},
{ALL,
	"dataplane: {memory: 99999999TiB}\n",
	"f:1:21: dataplane.memory '99999999TiB' is out of range: use 64MiB to 1TiB\n"},
{ALL,
	"dataplane: {idle: adaptve}\n",
	"f:1:19: dataplane.idle 'adaptve' is not known: did you mean adaptive? known words: "
	"adaptive, poll\n"},
{ALL,
	"dataplane: {hugepages: yes}\n",
	"f:1:24: dataplane.hugepages 'yes' is neither true nor false: write true or false\n"},
{ALL,
	"dataplane: {socket: \"a\\e[2Jb\"}\n",
	"f:1:21: dataplane.socket 'a\\x1b[2Jb' has a control character: remove it\n"},
{ALL,
	"dataplane: {socket: \"a\\0b\"}\n",
	"f:1:21: dataplane.socket 'a\\x00b' has a NUL in it: remove it\n"},
{ALL,
	"dataplane: {socket: ''}\n",
	"f:1:21: dataplane.socket '' is empty: write a value or remove the key\n"},
{ALL,
	"dataplane: {socket: /run/culvert/api.sock}\n",
	"f:1:21: api.socket and dataplane.socket are the same: choose another for one\n"},
{ALL,
	"dataplane: [workers, 1]\n",
	"f:1:12: dataplane is a list: write keys and values, for example {...}\n"},
{ALL,
	"dataplane: {sas: !!int 64}\n",
	"f:1:18: dataplane.sas has a YAML tag: remove it\n"},
{ALL,
	"dataplane: {? [a] : 1}\n",
	"f:1:15: a list is not a key: write one word\n"},
{ALL,
	"dataplane:\n"
	"  workers: 2\n"
	" workers: 3\n",
	"f:3:2: not valid YAML (did not find expected key): look at indentation, colons, "
	"quotes and brackets here\n"},
{ALL,
	"dataplane: {workers: 2\n",
	"f:2:6: not valid YAML (did not find expected ',' or '}'): look at indentation, "
	"colons, quotes and brackets here\n"},
{ALL,
	"user: \xff\n",
	"f:1:7: not valid UTF-8 (invalid leading UTF-8 octet): save the file as UTF-8 text\n"},
{ALL,
	"user: a b\n",
	"f:1:7: user 'a b' is not a name: use letters, digits, '.', '_' and '-' alone\n"},
{ALL,
	"user: abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n",
	"f:1:7: user 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv...' is longer than 31 "
	"bytes: shorten it\n"},
{0,
	"user: a\n"
	"---\n"
	"user: b\n",
	"f:1:1: ports is missing: add it, for example ports: [{name: wan0, side: subscriber, "
	"device: ..., addresses: [...]}]\n"
	"f:1:1: listeners is missing: add it, for example listeners: [{name: public, "
	"address: 192.0.2.1}]\n"
	"f:1:1: pools is missing: add it, for example pools: [{name: default, prefixes: "
	"[100.64.0.0/16]}]\n"
	"f:3:1: a second YAML document: keep one, without a line of ---\n"},
{ALL & ~PORT,
	"ports:\n"
	"- {name: a}\n",
	"f:2:3: ports.side is missing: add it, for example side: subscriber\n"
	"f:2:3: ports.device is missing: add it, for example device: "
	"net_af_packet0,iface=eth1\n"
	"f:2:3: ports.addresses is missing: add it, for example addresses: [192.0.2.1/24]\n"},
{ALL & ~PORT,
	"ports: []\n",
	"f:1:8: ports is an empty list: write at least one entry\n"},
{ALL & ~PORT,
	"ports:\n",
	"f:1:7: ports has no value: write one or remove the key\n"},
{ALL & ~PORT,
	"ports: [{name: a, side: network, device: d, addresses: [192.0.2.1/24]}]\n",
	"f:1:16: no port has side: subscriber: clients must come in somewhere, name one\n"
	"f:2:32: listener address 192.0.2.1 is none of a subscriber port's: add it to "
	"ports.addresses, or choose one of these\n"},
{ALL & ~PORT,
	"ports: [{name: a, side: subscriber, device: d, addresses: [192.0.2.1]}]\n",
	"f:1:60: ports.addresses '192.0.2.1' is not an address with the length of its "
	"network: write both, for example 192.0.2.1/24\n"},
{ALL & ~PORT,
	"ports: [{name: a, side: subscriber, device: d, addresses: ['2001:db8::1/64']}]\n",
	"f:1:16: ppp.local-address is missing, and no subscriber port has an IPv4 address to "
	"take: add it, for example local-address: 100.64.0.1\n"
	"f:2:32: listener address 192.0.2.1 is none of a subscriber port's: add it to "
	"ports.addresses, or choose one of these\n"},
{ALL & ~PORT,
	"ports:\n"
	"- {name: a, side: subscriber, device: 'd,x=1', vlan: 10, addresses: [192.0.2.1/24]}\n"
	"- {name: b, side: network, device: 'd,x=1', addresses: [10.1.0.1/24]}\n"
	"- {name: c, side: network, device: 'd,x=1', vlan: [10, 10], addresses: [10.2.0.1/24]}\n"
	"- {name: d, side: network, device: 'd,x=2', vlan: 11, addresses: [10.3.0.1/24]}\n"
	"- {name: e, side: network, device: 'd,x=1', vlan: [10], addresses: [10.4.0.1/24]}\n"
	"- {name: f, side: network, device: 'd1,x=1', addresses: [10.5.0.1/24]}\n",
	"f:5:36: device d has other arguments in port a: write the same, or give one of them "
	"another name\n"
	"f:6:36: port e has the device and the vlan of port a: give it a vlan of its own, for "
	"example vlan: 10\n"},
{ALL & ~PORT,
	"ports:\n"
	"- {name: a, side: subscriber, device: d, vlan: [1, 2, 3], addresses: [192.0.2.1/24]}\n"
	"- {name: b, side: network, device: e, vlan: 4095, addresses: [10.1.0.1/24]}\n"
	"- {name: c, side: network, device: f, vlan: 0, addresses: [10.1.0.1/24]}\n",
	"f:2:48: ports.vlan has 3 entries: keep it to 2\n"
	"f:3:45: ports.vlan '4095' is out of range: use 1 to 4094\n"
	"f:4:45: ports.vlan '0' is out of range: use 1 to 4094\n"},
{ALL & ~PORT,
	"ports:\n"
	"- {name: a, side: subscriber, device: d, addresses: [192.0.2.1/24, 'fe80::1/64']}\n"
	"- {name: b, side: network, device: e, mtu: 1279, addresses: ['fe80::1/64', "
	"'ff02::1/64', '2001:db8::1/64']}\n"
	"- {name: c, side: network, device: f, addresses: ['2001:db8::2/48']}\n",
	"f:3:44: mtu 1279 of port b is too small for its IPv6 addresses: write 1280 at least, "
	"or remove them\n"
	"f:3:76: own address ff02::1 is multicast, loopback or none: write one of the link's "
	"network\n"
	"f:4:51: network 2001:db8::/48 overlaps 2001:db8::/64 of port b: give each port its "
	"own\n"},
{ALL & ~PORT,
	"ports: [{name: a, side: subscriber, device: d, mtu: 200, addresses: "
	"[192.0.2.1/24]}]\n",
	"f:1:53: ports.mtu '200' is out of range: use 576 to 9216\n"},
{ALL & ~PORT,
	"ports:\n"
	"- {name: a, side: subscriber, device: d, addresses: [192.0.2.1/24]}\n"
	"- {name: a, side: subscriber, device: d, addresses: [192.0.2.129/25]}\n",
	"f:3:10: port name a is there twice, first on line 2: change or remove one\n"
	"f:3:39: port a has the device and the vlan of port a: give it a vlan of its own, for "
	"example vlan: 10\n"
	"f:3:54: network 192.0.2.128/25 overlaps 192.0.2.0/24 of port a: give each port its "
	"own\n"},
{ALL & ~LISTENER,
	"listeners: [{name: l, address: 192.0.2.7}]\n",
	"f:1:32: listener address 192.0.2.7 is none of a subscriber port's: add it to "
	"ports.addresses, or choose one of these\n"},
{ALL & ~LISTENER,
	"listeners: [{name: l, address: 192.0.2.1, ipsec: maybe}]\n",
	"f:1:50: listeners.ipsec 'maybe' is not known: use one of required, optional\n"},
{ALL & ~LISTENER,
	"listeners:\n"
	"- {name: l, address: 192.0.2.1}\n"
	"- {name: l, address: 192.0.2.1}\n",
	"f:3:10: listener name l is there twice, first on line 2: change or remove one\n"
	"f:3:22: listener address 192.0.2.1 is there twice, first on line 2: change or "
	"remove one\n"},
{ALL,
	"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
	"f:1:31: via 203.0.113.1 is in the network of no port: name a router that is, or add "
	"the network to ports.addresses\n"},
{ALL,
	"routes: [{to: 10.0.0.1/8, via: 192.0.2.1}]\n",
	"f:1:15: routes.to '10.0.0.1/8' has bits beyond its length: write 10.0.0.0/8\n"},
{ALL,
	"routes: [{to: 10.0.0.0/8, via: 192.0.2.1}]\n",
	"f:1:32: via 192.0.2.1 is an own address: name the router's\n"},
{ALL,
	"routes:\n"
	"- {to: 10.0.0.0/8, via: 192.0.2.3}\n"
	"- {to: 10.0.0.0/8, via: 192.0.2.4}\n",
	"f:3:8: route to 10.0.0.0/8 is there twice, first on line 2: change or remove one\n"},
{ALL,
	"routes: [{to: 10.0.0.0/8, via: 2001:db8::1}]\n",
	"f:1:32: via 2001:db8::1 and to 10.0.0.0/8 are not of one IP version: change one\n"},
{ALL,
	"routes: [{to: 2001:db8::/32, via: fe80::1}]\n",
	"f:1:35: via fe80::1 is link-local, and may be on any port: add port: NAME\n"},
{ALL,
	"routes: [{to: 2001:db8::/32, via: fe80::1, port: nowhere}]\n",
	"f:1:50: there is no port nowhere: name one of ports\n"},
{ALL,
	"routes: [{to: 2001:db8::/32, via: fe80::1, port: a}]\n",
	"f:1:50: port a has no IPv6 address: add one to ports.addresses\n"},
{ALL,
	"routes: [{to: 10.0.0.0/8, via: 192.0.2.3, port: a}]\n",
	"f:1:49: routes.port a goes with a link-local via alone: remove it\n"},
{ALL,
	"routes: [{to: 10.0.0.0/8, via: [192.0.2.3, 192.0.2.4]}]\n",
	"f:1:33: via 192.0.2.3 is on a subscriber port, where a route has one router: leave "
	"one, or give each a prefix of its own\n"
	"f:1:44: via 192.0.2.4 is on a subscriber port, where a route has one router: leave "
	"one, or give each a prefix of its own\n"},
{ALL & ~PSK,
	"",
	"f:2:20: listener l requires ipsec, and there is neither a pre-shared key nor a "
	"certificate: add ike: {psks: [{peer: any, secret: {file: PATH}}]} or certificates: "
	"{own: [...]}, or set ipsec: optional\n"},
{ALL,
	"remote-access: {pool: q, group: g}\n",
	"f:1:23: remote-access: there is no pool q: name one of pools\n"
	"f:1:33: remote-access: there is no group g: name one of groups\n"},
{ALL,
	"certificates: {authorities: [{certificate: a, crl: 'https://a/b'}]}\n",
	"f:1:52: certificates.authorities.crl 'https://a/b' is neither a path nor http://...: "
	"write one of both; what is fetched is signed and needs no TLS\n"},
{ALL,
	"certificates: {authorities: [{certificate: a, ocsp: 'https://a/b'}]}\n",
	"f:1:53: certificates.authorities.ocsp https://a/b is not http://...: write its address "
	"so; the answers are signed and need no TLS\n"},
{ALL & ~PSK,
	"certificates: {own: [{certificate: a.pem}]}\n",
	"f:1:36: certificates.own is incomplete: name a certificate and its key, or pkcs12 "
	"alone\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: ''}]}\n",
	"f:1:34: ike.psks.secret is empty: write the secret\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any}]}\n",
	"f:1:14: ike.psks.secret is missing: add it, for example secret: {file: "
	"/etc/culvert/psk}\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}, {peer: 0.0.0.0/0, secret: a}]}\n",
	"f:1:45: pre-shared key for any is there twice, first on line 1: change or remove "
	"one\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: 192.0.2.0/24, secret: a}, {peer: 192.0.2.0/24, secret: a}]}\n",
	"f:1:54: pre-shared key for 192.0.2.0/24 is there twice, first on line 1: change or "
	"remove one\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: example.org, secret: a}]}\n",
	"f:1:21: ike.psks.peer 'example.org' is not a prefix: write any, an address or a "
	"prefix, for example 192.0.2.0/24\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: {file: /nonexistent/psk}}]}\n",
	"f:1:34: ike.psks.secret: secret file /nonexistent/psk is not there: write it, with "
	"mode 600\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: {file: /dev/null}}]}\n",
	"f:1:34: ike.psks.secret: secret file /dev/null is not a regular file: name the file "
	"itself\n"},
{ALL & ~PSK,
	"ike:\n"
	"  psks: [{peer: any, secret: a}]\n"
	"  encryption: [aes-cbc-256, 3des]\n"
	"  hash: [md5]\n"
	"  group: [modp-1024, modp-1536]\n",
	"f:3:29: ike.encryption 3des is weak and not allowed: remove it, or add legacy: "
	"[3des] to ike\n"
	"f:4:10: ike.hash md5 is weak and not allowed: remove it, or add legacy: [md5] to "
	"ike\n"
	"f:5:11: ike.group modp-1024 is weak and not allowed: remove it, or add legacy: "
	"[modp-1024] to ike\n"
	"f:5:22: ike.group modp-1536 is weak and not allowed: remove it, or add legacy: "
	"[modp-1536] to ike\n"},
{ALL & ~PSK,
	"ike:\n"
	"  psks: [{peer: any, secret: a}]\n"
	"  esp-cipher: [aes-cbc-128, 3des]\n"
	"  esp-extended-sequence: true\n"
	"  replay-window: 0\n",
	"f:3:29: ike.esp-cipher 3des is weak and not allowed: remove it, or add legacy: "
	"[3des] to ike\n"
	"f:4:26: ike.esp-extended-sequence needs a replay window: remove it, or set "
	"ike.replay-window\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], hash: [sha255, sha256, sha256]}\n",
	"f:1:46: ike.hash 'sha255' is not known: did you mean sha256? known words: md5, "
	"sha1, sha256, sha384, sha512\n"
	"f:1:62: ike.hash has 'sha256' twice: remove one\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], hash: []}\n",
	"f:1:45: ike.hash is an empty list: write at least one entry\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], hash: sha256}\n",
	"f:1:45: ike.hash is a single value: write a list, for example [...]\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], legacy: [des]}\n",
	"f:1:48: ike.legacy 'des' is not known: did you mean 3des? known words: 3des, md5, "
	"modp-1024, modp-1536\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], lifetime: 30}\n",
	"f:1:49: ike.lifetime '30' has no unit: write a whole number with a unit (ms, s, m, "
	"h, d), for example 8h\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], lifetime: 3s}\n",
	"f:1:49: ike.lifetime '3s' is out of range: use 10s to 30d\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], lifetime: 30 s}\n",
	"f:1:49: ike.lifetime '30 s' has no unit that is known: write a whole number with a "
	"unit (ms, s, m, h, d), for example 8h\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], lifetime: 61500ms, esp-lifetime: 60s}\n",
	"f:1:49: ike.lifetime '61500ms' is too fine: write whole s, for example 8h\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], dpd-timeout: 10s}\n",
	"f:1:52: ike.dpd-timeout is shorter than ike.dpd-delay: make it longer\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], replay-window: 100}\n",
	"f:1:54: ike.replay-window 100 is no multiple of 32: write 128\n"},
{ALL & ~PSK,
	"ike: {psks: [{peer: any, secret: a}], replay-window: 8192}\n",
	"f:1:54: ike.replay-window '8192' is out of range: use 0 to 4096\n"},
{ALL,
	"l2tp: {retransmit: 10s}\n",
	"f:1:20: l2tp.retransmit-max is shorter than l2tp.retransmit: make it longer\n"},
{ALL,
	"l2tp: {secret: {path: /x}}\n",
	"f:1:16: l2tp.secret is a map with other keys than file: write the secret in quotes, "
	"or {file: PATH}\n"},
{ALL,
	"ppp: {auth: [pip]}\n",
	"f:1:14: ppp.auth 'pip' is not known: did you mean pap? known words: mschapv2, chap, "
	"pap, eap\n"},
{ALL,
	"ppp: {mru: 1500, mtu: 1490}\n",
	"f:1:12: ppp.mru 1500 does not fit the subscriber ports: use at most 1464, or raise "
	"their mtu\n"
	"f:1:23: ppp.mtu 1490 does not fit the subscriber ports: use at most 1464, or raise "
	"their mtu\n"},
{ALL,
	"ppp: {mtu: 100}\n",
	"f:1:12: ppp.mtu '100' is out of range: use 576 to 9216, or auto\n"},
{ALL,
	"ppp: {echo-interval: never}\n",
	"f:1:22: ppp.echo-interval 'never' is not a number with a unit: write a whole number "
	"with a unit (ms, s, m, h, d), for example 30s\n"},
{ALL,
	"ppp: {dns: [192.0.2.1, 192.0.2.2, 192.0.2.3]}\n",
	"f:1:12: ppp.dns has 3 entries: keep it to 2\n"},
{ALL,
	"ppp: {dns: [192.0.2.0/24]}\n",
	"f:1:13: ppp.dns '192.0.2.0/24' is not an IP address: leave out the prefix length\n"},
{ALL & ~POOL, "pools: [{name: a, prefixes: ['2001:db8::/64']}]\n",
	"f:1:30: pools.prefixes '2001:db8::/64' is IPv6, which does not belong here: write an "
	"IPv4 one\n"},
{ALL & ~POOL,
	"pools: [{name: a, prefixes: [10.0.0.0/24], ipv6-prefixes: ['2001:db8::/65']}]\n",
	"f:1:60: prefix 2001:db8::/65 of pool a is too small for one client: use /64 or shorter\n"},
{ALL & ~POOL,
	"pools: [{name: a, prefixes: [10.0.0.0/7]}]\n",
	"f:1:30: prefix 10.0.0.0/7 of pool a is too wide: use /8 or longer\n"},
{ALL & ~POOL,
	"pools: [{name: a, prefixes: [10.0.0.0/16]}, {name: a, prefixes: [10.0.3.0/24]}]\n",
	"f:1:52: pool name a is there twice, first on line 1: change or remove one\n"
	"f:1:66: prefix 10.0.3.0/24 of pool a overlaps 10.0.0.0/16 of pool a: an address can "
	"be in one alone\n"},
{ALL & ~POOL,
	"pools: [{name: a, prefixes: [10.0.0.0/16, 10.0.3.0/24]}]\n",
	"f:1:43: prefix 10.0.3.0/24 of pool a overlaps 10.0.0.0/16 of pool a: an address can "
	"be in one alone\n"},
{ALL,
	"users: [{name: a, password: x, pool: q}]\n",
	"f:1:38: user a: there is no pool q: name one of pools\n"},
{ALL,
	"users: [{name: a, password: x, delegated-prefix: '2001:db8::/65'}]\n",
	"f:1:50: user a: delegated-prefix 2001:db8::/65 is not /1 to /64: write one\n"},
{ALL,
	"users: [{name: a, password: x, pool: p, address: 192.0.2.1}]\n",
	"f:1:38: user a has a fixed address and a pool: remove one\n"
	"f:1:50: user a: address 192.0.2.1 is an own address: choose another\n"},
{ALL,
	"users:\n"
	"- {name: a, password: x, address: 10.0.0.1}\n"
	"- {name: a, password: x, address: 10.0.0.1}\n",
	"f:3:10: user a is there twice, first on line 2: change or remove one\n"
	"f:3:35: address 10.0.0.1 is there twice, first on line 2: change or remove one\n"},
{ALL,
	"users: [{name: a}]\n",
	"f:1:9: users.password is missing: add it, for example password: {file: "
	"/etc/culvert/alice}\n"},
{ALL,
	"users: {a: x}\n",
	"f:1:8: users is a map: write a list, for example [...]\n"},
{ALL,
	"filters:\n"
	"- {name: a, otherwise: deny}\n"
	"- {name: a, otherwise: reject}\n",
	"f:3:24: filters.otherwise 'reject' is not known: use one of permit, deny\n"},
{ALL,
	"filters:\n"
	"- {name: a, otherwise: deny}\n"
	"- {name: a, otherwise: deny}\n",
	"f:3:10: filter name a is there twice, first on line 2: change or remove one\n"},
{ALL,
	"filters: [{name: a}]\n",
	"f:1:11: filters.otherwise is missing: add it, for example otherwise: deny\n"},
{ALL,
	"filters:\n"
	"- name: a\n"
	"  otherwise: deny\n"
	"  rules:\n"
	"  - {action: deny, protocol: gre}\n"
	"  - {action: deny, protocol: icmp, to-port: 8}\n"
	"  - {action: deny, protocol: 47, from-port: 1-2}\n",
	"f:5:30: filters.rules.protocol 'gre' is not a whole number: write 0 to 255 in digits "
	"alone, or any, tcp, udp, icmp, icmpv6, sctp\n"},
{ALL,
	"filters:\n"
	"- name: a\n"
	"  otherwise: deny\n"
	"  rules:\n"
	"  - {action: deny, protocol: icmp, to-port: 8}\n"
	"  - {action: deny, protocol: 47, from-port: 1-2}\n"
	"  - {action: deny, from: 10.0.0.0/8, to: '2001:db8::/32'}\n"
	"  - {action: deny, from: '2001:db8::/32', protocol: icmp}\n"
	"  - {action: deny, to: 10.0.0.0/8, protocol: icmpv6}\n",
	"f:5:45: rule 1 of filter a: its protocol has no ports: remove to-port, or write tcp, "
	"udp, sctp or any\n"
	"f:6:45: rule 2 of filter a: its protocol has no ports: remove from-port, or write tcp, "
	"udp, sctp or any\n"
	"f:7:42: rule 3 of filter a: from and to are of different versions: write IPv4 or IPv6 "
	"for both\n"
	"f:8:53: rule 4 of filter a: protocol icmp is of IPv4, and its prefix of IPv6: write "
	"icmpv6\n"
	"f:9:46: rule 5 of filter a: protocol icmpv6 is of IPv6, and its prefix of IPv4: write "
	"icmp\n"},
{ALL,
	"filters:\n"
	"- name: a\n"
	"  otherwise: deny\n"
	"  rules:\n"
	"  - {action: deny, protocol: tcp, to-port: 9-8}\n"
	"  - {action: deny, protocol: tcp, to-port: 70000}\n"
	"  - {action: deny, protocol: tcp, to-port: http}\n"
	"  - {action: deny, from: 10.0.0.1/8}\n"
	"  - {to: any}\n",
	"f:5:44: filters.rules.to-port '9-8' ends before it begins: write the lower port first\n"
	"f:6:44: filters.rules.to-port '70000' is no port and no range of ports: write 0 to "
	"65535, for example 443 or 1024-65535, or any\n"
	"f:7:44: filters.rules.to-port 'http' is no port and no range of ports: write 0 to "
	"65535, for example 443 or 1024-65535, or any\n"
	"f:8:26: filters.rules.from '10.0.0.1/8' has bits beyond its length: write 10.0.0.0/8\n"
	"f:9:5: filters.rules.action is missing: add it, for example action: permit\n"},
{ALL,
	"groups:\n"
	"- {name: a, filter-uplink: x, police-uplink-burst: 4KiB}\n"
	"- {name: a, shape-downlink: 5Mbit/s}\n"
	"default-group: b\n"
	"users: [{name: u, password: x, group: c}]\n",
	"f:2:28: group a: there is no filter-uplink x: name one of filters\n"
	"f:2:52: group a: police-uplink-burst is there without police-uplink: add the rate, or "
	"remove the burst\n"
	"f:3:10: group name a is there twice, first on line 2: change or remove one\n"
	"f:4:16: default-group: there is no group b: name one of groups\n"
	"f:5:39: user u: there is no group c: name one of groups\n"},
{ALL,
	"groups:\n"
	"- {name: a, police-uplink: 50}\n"
	"- {name: b, police-uplink: 50Mb/s}\n"
	"- {name: c, police-uplink: 1kbit/s}\n"
	"- {name: d, police-uplink: fast}\n",
	"f:2:28: groups.police-uplink '50' has no unit: write a whole number with a unit (kbit/s, "
	"Mbit/s, Gbit/s), for example 50Mbit/s\n"
	"f:3:28: groups.police-uplink '50Mb/s' has no unit that is known: write a whole number "
	"with a unit (kbit/s, Mbit/s, Gbit/s), for example 50Mbit/s\n"
	"f:4:28: groups.police-uplink '1kbit/s' is out of range: use 8kbit/s to 400Gbit/s\n"
	"f:5:28: groups.police-uplink 'fast' is not a number with a unit: write a whole number "
	"with a unit (kbit/s, Mbit/s, Gbit/s), for example 50Mbit/s\n"},
{ALL,
	"api: {tcp: 0.0.0.0:8080}\n",
	"f:1:12: api.tcp 0.0.0.0:8080 is no loopback address, and there is only loopback in "
	"this version: use 127.0.0.1:8080, or api.socket\n"},
{ALL,
	"api: {tcp: 127.0.0.1}\n",
	"f:1:12: api.tcp '127.0.0.1' is not an address and a port: write both, for example "
	"127.0.0.1:8080 or [::1]:8080\n"},
{ALL,
	"api: {tcp: 127.0.0.1:0}\n",
	"f:1:12: api.tcp '127.0.0.1:0' is not an address and a port: write both, for example "
	"127.0.0.1:8080 or [::1]:8080\n"},
{ALL,
	"api: {tcp: '::1:80'}\n",
	"f:1:12: api.tcp '::1:80' is not an address and a port: write both, for example "
	"127.0.0.1:8080 or [::1]:8080\n"},
{ALL,
	"log: {level: trace}\n",
	"f:1:14: log.level 'trace' is not known: use one of error, warning, info, debug\n"},
{0,
	"- a\n"
	"- b\n",
	"f:1:1: the file is a list: write keys and values, for example {...}\n"},
{ALL,
	"radius: {auth: [radius]}\n",
	"f:1:17: radius.auth asks radius alone, and there are no servers: add radius.servers, or write users\n"},
{ALL,
	"radius: {servers: [{name: a, address: 10.0.0.1}]}\n",
	"f:1:27: radius server a has no secret: add secret: {file: PATH}\n"},
{ALL,
	"radius:\n"
	"  servers:\n"
	"  - {name: a, address: 10.0.0.1, secret: x, tls-authorities: /ca.pem}\n"
	"  - {name: a, address: 10.0.0.2, transport: tls, tls-key: /k}\n",
	"f:3:12: radius server a: tls-authorities and transport: tls go together: add transport: tls\n"
	"f:4:12: radius server name a is there twice, first on line 3: change or remove one\n"
	"f:4:12: radius server a: tls-authorities and transport: tls go together: add tls-authorities: PATH\n"
	"f:4:12: radius server a: tls-certificate and tls-key go together: add the other one\n"},
{ALL,
	"radius: {servers: [{name: a, address: 10.0.0.1, secret: x, port: off, accounting-port: off}]}\n",
	"f:1:27: radius server a is asked nothing: port and accounting-port are off both\n"},
{ALL,
	"radius: {coa: '0.0.0.0:3799'}\n",
	"f:1:15: radius.coa is there without coa-clients: name who may ask, or remove it\n"},
{ALL,
	"radius: {coa-clients: [{address: 10.0.0.0/8, secret: ''}]}\n",
	"f:1:54: radius.coa-clients.secret is empty: write the secret\n"},
{0,
	"ports: [{name: a, side: subscriber, device: d, addresses: [10.1.0.1/24]}]\n"
	"listeners: [{name: l, address: 10.1.0.1, ipsec: optional}]\n"
	"pools: [{name: p, ipv6-prefixes: [2001:db8::/48], delegated-prefixes: [2001:db8:0:8000::/49]}, {name: q}]\n"
	"groups: [{name: g, pool: r}]\n",
	"f:3:72: prefix 2001:db8:0:8000::/49 of pool p overlaps 2001:db8::/48 of pool p: an address can be in one alone\n"
	"f:3:103: pool q has neither prefixes nor ipv6-prefixes: add one of them\n"
	"f:4:26: group g: there is no pool r: name one of pools\n"},
{0,
	"ports: [{name: a, side: subscriber, device: d, addresses: [10.1.0.1/24]}]\n"
	"listeners: [{name: l, address: 10.1.0.1, ipsec: optional}]\n"
	"pools: [{name: p, prefixes: [10.2.0.0/16]}]\n"
	"ppp: {auth: [pap]}\n",
	"f:4:14: ppp.auth is pap alone, and listener l serves L2TP without IPsec: add chap, or "
	"pap-in-clear: true\n"},
