# SPDX-License-Identifier: Apache-2.0
"""What a client's IP stack asks the gateway inside its session: DHCPv6 and DHCPINFORM."""

import ipaddress
import os
import struct

import lab as labs
from bench import HOST, MEBIBYTES, SINK, SOURCE
from runner import check

DOMAIN = "corp.example"
ROUTES = ("198.51.100.0/24", "10.0.0.0/8")
TOLD = f"""groups:
  - name: told
    domain: {DOMAIN}
    routes: [{", ".join(ROUTES)}]
    ipv6-dns: ["{labs.HOST_NET6}"]
default-group: told
"""
COOKIE = bytes.fromhex("63825363")


def inform(address, wanted=(6, 44, 43, 1, 249, 121, 15)):
    """What Windows sends by a PPP link that has its address: its hardware type, length and
    address are of the interface, the class and the list of options its own."""
    head = struct.pack("!BBBBIHH4s12x6s10x192x", 1, 8, 6, 0, 0x3903F326, 7, 0,
                       ipaddress.ip_address(address).packed, bytes.fromhex("005300000000"))
    options = (bytes((53, 1, 8)) + bytes((61, 7, 8)) + bytes.fromhex("005300000000")
               + bytes((60, 8)) + b"MSFT 5.0" + bytes((55, len(wanted), *wanted, 255)))
    return head + COOKIE + options


def options_of(message):
    found, at = {}, 240
    while message[at] != 255:
        code, length = message[at], message[at + 1]
        found[code] = found.get(code, b"") + message[at + 2:at + 2 + length]
        at += 2 + length
    return found


def routes_of(data):
    """RFC 3442: each with its router."""
    found, at = [], 0
    while at < len(data):
        bits, size = data[at], (data[at] + 7) // 8
        network = data[at + 1:at + 1 + size].ljust(4, b"\0")
        router = data[at + 1 + size:at + 5 + size]
        found.append((f"{ipaddress.ip_address(network)}/{bits}",
                      str(ipaddress.ip_address(router))))
        at += 5 + size
    return found


def told_by_inform(bench):
    """A DHCPINFORM as Windows sends it: name server, domain, and routes under both numbers."""
    one = bench.client()
    with bench.configured(groups=TOLD):
        dial = bench.dial(one)
        with open(os.path.join(one.share, "inform"), "wb") as file:
            file.write(inform(dial.address))
        mark = bench.gateway.mark()
        answer = bytes.fromhex(one.output("client_inform inform"))
        check(len(answer) > 240, f"no answer, or a short one: {answer.hex()}")
        bench.gateway.wait_event("dhcp-informed", mark)
        check(answer[0] == 2 and answer[4:8] == bytes.fromhex("3903f326"), answer[:8].hex())
        check(answer[12:16] == ipaddress.ip_address(dial.address).packed, answer[12:16].hex())
        check(answer[16:20] == bytes(4), f"it assigns {answer[16:20].hex()}")
        options = options_of(answer)
        check(options[53] == b"\5" and options[54] == ipaddress.ip_address(dial.gateway).packed,
              f"no DHCPACK of {dial.gateway}: {options}")
        check(options[6] == ipaddress.ip_address(HOST).packed, f"name servers: {options[6].hex()}")
        check(options[15] == DOMAIN.encode(), f"domain: {options[15]}")
        wanted = [(route, "0.0.0.0") for route in ROUTES]
        for code in (121, 249):
            check(routes_of(options[code]) == wanted, f"option {code}: {options[code].hex()}")
        one.down()
        bench.gateway.wait_subscribers(0)
    return f"{len(answer)} bytes, {len(ROUTES)} routes"


def uses(bench, one, source, what):
    """Pings and TCP both ways from an address of the client."""
    _, out, err = one.run(f"ping -n -c 3 -i 0.2 -W 2 -I {source} {labs.HOST_NET6}", check=False)
    check(" 3 received" in out, f"pings from {what} {source}: {out}{err}")
    one.run(f"ip -6 route replace {labs.HOST_NET6}/128 dev ppp0 src {source}")
    mark = bench.host.mark()
    size, digest = one.upload(labs.HOST_NET6, SINK, MEBIBYTES)
    host = bench.host.report(mark)
    check(host["bytes"] == size and host["sha256"] == digest, f"uploaded {size}, {host}")
    mark = bench.host.mark()
    size, digest = one.download(labs.HOST_NET6, SOURCE)
    host = bench.host.report(mark)
    check(host["bytes"] == size and host["sha256"] == digest, f"downloaded {size}, {host}")


def delegated(bench):
    """wide-dhcpv6-client on the PPP link: an address, and a prefix for a network behind it."""
    one = bench.client()
    with bench.configured(groups=TOLD):
        bench.dial(one, ipv6=True)
        own = one.address6().split("/")[0]
        mark = bench.gateway.mark()
        address, behind = one.output("client_dhcp6 15", 30).split()
        leases = [e["lease"] for e in bench.gateway.events(mark=mark, name="lease-begin")]
        there = bench.gateway.wait_subscribers(1)[0]
        prefix = ipaddress.ip_network(there["delegated_prefix"])
        check(there["ipv6_address"] == address and prefix.prefixlen == 56, f"{there}")
        check(sorted(leases) == sorted((f"{address}/128", str(prefix))), f"{leases}")
        check(ipaddress.ip_address(address) in ipaddress.ip_network(there["ipv6_prefix"]),
              f"{address} is not in {there['ipv6_prefix']}")
        check(ipaddress.ip_address(behind) in prefix, f"{behind} is not in {prefix}")
        check(prefix.subnet_of(ipaddress.ip_network(labs.DELEGATED6)), f"{prefix}")
        said = one.output("cat /run/dhcp6c-said")
        check(labs.HOST_NET6 in said and DOMAIN in said, f"it was told '{said}'")
        for source, what in ((behind, "the delegated prefix"), (address, "the leased address"),
                             (own, "its own address")):
            uses(bench, one, source, what)
        check("0 received" in one.run(
            "ip addr add 2001:db8:d000:ffff::1/128 dev lan0; ping -n -c 2 -W 1 "
            f"-I 2001:db8:d000:ffff::1 {labs.HOST_NET6}", check=False)[1],
              "a source in nobody's prefix passes")
        pools = bench.gateway.show("pools")
        check(pools[0]["delegated_used"] == 1, f"{pools}")
        # Released in an orderly way, and given again.
        mark = bench.gateway.mark()
        one.run("ends dhcp6c 3")
        bench.gateway.wait_event("lease-end", mark, where=lambda e: e["cause"] == "released")
        check(bench.gateway.show("pools")[0]["delegated_used"] == 0, "it is not given back")
        one.run("ip link del lan0")
        again = one.output("client_dhcp6 15", 30).split()
        check(ipaddress.ip_address(again[1]) in prefix, f"{again[1]} is not in {prefix}")
        one.down()
        bench.gateway.wait_subscribers(0)
        check(bench.gateway.show("pools")[0]["delegated_used"] == 0, "it is not given back")
    return f"{address}, {prefix}"


def delegated_again(bench):
    """dhcpcd: the same, and who comes again has his prefix again."""
    one = bench.client()
    prefixes = []
    with bench.configured(groups=TOLD):
        for _ in range(2):
            bench.dial(one, ipv6=True)
            one.address6()
            address, behind = one.output("client_dhcpcd 15", 30).split()
            there = bench.gateway.wait_subscribers(1)[0]
            prefixes.append(there["delegated_prefix"])
            check(there["ipv6_address"] == address, f"{address} is not in {there}")
            check(ipaddress.ip_address(behind) in ipaddress.ip_network(prefixes[-1]),
                  f"{behind} is not in {prefixes[-1]}")
            uses(bench, one, behind, "the delegated prefix")
            one.down()
            bench.gateway.wait_subscribers(0)
    check(prefixes[0] == prefixes[1], f"first {prefixes[0]}, then {prefixes[1]}")
    return prefixes[0]


def add_to(cases):
    cases["dhcpv6-again"] = delegated_again
    cases["dhcpv6-address-and-prefix"] = delegated
    cases["dhcp-inform"] = told_by_inform
