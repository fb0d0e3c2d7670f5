# SPDX-License-Identifier: Apache-2.0
"""RADIUS as providers run it: a real FreeRADIUS judges real clients, by each method, and what it
grants is seen to hold on the client.

The users of these cases are known to FreeRADIUS alone.
"""

import contextlib
import ipaddress
import os
import time

import ike
import lab as labs
import radius
from bench import HOST, SOURCE
from remote import NO_SOURCE, connected, daemon, gone
from runner import check
from traffic import moves_traffic

AAA_NAME = "radius.example.org"
ADDRESS, BEHIND, PREFIX6 = "203.0.113.7", "203.0.113.64/28", "2001:db8:65:7::/64"
DNS = "198.51.100.53"
GRANT = [("Framed-IP-Address", ADDRESS), ("Framed-Route", f"{BEHIND} 0.0.0.0 1"),
         ("MS-Primary-DNS-Server", DNS), ("Framed-IPv6-Prefix", PREFIX6),
         ("Session-Timeout", "3600"), ("Class", "gold"),
         ("Framed-Compression", "Van-Jacobson-TCP-IP")]
PASSWORD = "dora-secret"


def server(bench, **changes):
    """A FreeRADIUS beside the gateway's control plane, which knows dora by her password and whoever
    has a certificate of the root by that."""
    authorities = bench.authorities()
    root = authorities.roots["rsa"]
    if not hasattr(authorities, "aaa"):
        authorities.aaa = root.issue(AAA_NAME, "rsa", [f"DNS:{AAA_NAME}"])
    count = sum(entry.startswith("freeradius-") for entry in os.listdir(bench.lab.directory))
    one = radius.Server(bench.lab, bench.topology.gateway, f"radius-{count}",
                        certificate=authorities.aaa, authorities=[root], **changes)
    one.user("dora", PASSWORD, GRANT)
    one.user("alice-rsa@example.org", None, GRANT)
    return one


@contextlib.contextmanager
def running(bench, one):
    """For the time of a with: the server runs, and the host knows the way to whom it grants; gives
    the gateway's section that asks it and nobody else."""
    space = bench.topology.net
    ways = (("-4", "203.0.113.0/24", labs.GATEWAY_NET),
            ("-6", "2001:db8:65::/48", labs.GATEWAY_NET6))
    for family, prefix, via in ways:
        bench.lab.ip(space, family, "route", "replace", prefix, "via", via)
    one.start()
    try:
        yield radius.section([one], coa=False)
    finally:
        one.stop()
        for family, prefix, _ in ways:
            bench.lab.ip(space, family, "route", "del", prefix)


def granted(bench, client, there, behind=True):
    """What FreeRADIUS said holds on the client: its address, and the network behind it."""
    check(there["address"] == ADDRESS, f"{there}")
    inside = BEHIND.replace(".64/28", ".65")
    client.run(f"ip addr replace {inside}/32 dev lo")
    for address in (ADDRESS, inside) if behind else (ADDRESS,):
        text = bench.lab.inside(bench.topology.net, "ping", "-n", "-c", "3", "-i", "0.1", "-W", "2",
                                address, check=False)
        check(" 3 received" in text, f"the host pings {address}: {text}")
    client.run(f"ip addr del {inside}/32 dev lo")


def ppp(bench, method):
    """A session of L2TP over IPsec by that method of PPP, dual stack."""
    one, client = server(bench), bench.client()
    with running(bench, one) as section, bench.configured(radius=section):
        mark = bench.gateway.mark()
        dial = bench.dial(client, auth=method, user="dora", password=PASSWORD, ipv6=True)
        event = bench.gateway.wait_event("auth-ok", mark)
        check(event["source"] == "radius" and event["method"] == method, f"{event}")
        check(dial.address == ADDRESS, f"the client's address is {dial.address}")
        there = bench.gateway.wait_subscribers(1)[0]
        refused = bench.gateway.wait_event("radius-not-honoured", mark)
        check(refused["attribute"] == "Framed-Compression", f"{refused}")
        granted(bench, client, there)
        check(f"primary   DNS address {DNS}" in client.output("cat /run/log/pppd"),
              "the client was not told its DNS server")
        address = client.address6()
        check(address.startswith("2001:db8:65:7:"), f"its IPv6 address is {address}")
        check(client.ping(labs.HOST_NET6) == 3, "a ping of IPv6 was lost")
        moves_traffic(bench, client)
        client.down()
        bench.gateway.wait_subscribers(0)
        wrong_password(bench, client, method)
        check("Login OK: [dora]" in one.log(), "FreeRADIUS has not let her in")
    return f"{dial.seconds:.2f} s to an address"


def wrong_password(bench, client, method):
    mark = bench.gateway.mark()
    dial = client.up(auth=method, user="dora", password="not-that", dial_seconds=10)
    check(not dial.ok, "a wrong password was let in")
    event = bench.gateway.wait_event("auth-failed", mark)
    check("dora" in str(event) and "refuses" in str(event), f"{event}")
    client.down()
    bench.gateway.wait_subscribers(0)


def tls_over_ppp(bench):
    """EAP-TLS in PPP: pppd shows FreeRADIUS its certificate, through the gateway."""
    one, client = server(bench, eap="tls"), bench.client()
    authorities = bench.authorities()
    own = authorities.clients["rsa"]
    pems = (authorities.roots["rsa"].text(), own.text("path"), own.text("key"))
    strange = authorities.clients["ecdsa"]  # of a root that FreeRADIUS does not know
    with running(bench, one) as section, bench.configured(radius=section):
        mark = bench.gateway.mark()
        dial = bench.dial(client, auth="eap", user="alice-rsa@example.org", password="", tls=pems)
        event = bench.gateway.wait_event("auth-ok", mark)
        check(event["source"] == "radius", f"{event}")
        granted(bench, client, bench.gateway.wait_subscribers(1)[0])
        moves_traffic(bench, client)
        client.down()
        bench.gateway.wait_subscribers(0)
        mark = bench.gateway.mark()
        bad = client.up(auth="eap", user="alice-rsa@example.org", password="", dial_seconds=10,
                        tls=(pems[0], strange.text("path"), strange.text("key")))
        check(not bad.ok, "a certificate of a strange authority was let in")
        check("radius" in str(bench.gateway.wait_event("auth-failed", mark)), "not by RADIUS")
        client.down()
        bench.gateway.wait_subscribers(0)
    return f"{dial.seconds:.2f} s to an address"


def limits(bench):
    """A filter by Filter-Id and a rate by Mikrotik-Rate-Limit hold for what the client moves."""
    one, client = server(bench), bench.client()
    one.user("dora", PASSWORD, {"Filter-Id": "no-source.in", "Mikrotik-Rate-Limit": "0/10M"})
    with (running(bench, one) as section,
          bench.configured(radius=section, groups=NO_SOURCE)):
        bench.dial(client, auth="mschapv2", user="dora", password=PASSWORD)
        check(client.ping(HOST) == 3, "a plain ping was lost")
        client.run(f"busybox nc -w 3 {HOST} {SOURCE} </dev/null >/dev/null", check=False)
        denied = sum(int(row["packets"]) for row in bench.gateway.show("drops")
                     if row["reason"] == "filter-uplink")
        check(denied > 0, "nothing was denied")
        began = time.monotonic()
        size, _ = client.download(HOST, bench.bulk.source)
        rate = size * 8 / (time.monotonic() - began) / 1e6
        # What is inside TCP is a little less than what the rate counts.
        check(7.5 < rate < 10, f"{rate:.2f} Mbit/s instead of 10")
        client.down()
        bench.gateway.wait_subscribers(0)
    return f"{denied} denied, {rate:.2f} Mbit/s"


def delegated(bench):
    """Over DHCPv6 a client gets the address, the prefix and the name server that RADIUS said."""
    one, client = server(bench), bench.client()
    address, prefix, dns = "2001:db8:65:7::77", "2001:db8:65:100::/56", "2001:db8:65::53"
    one.user("dora", PASSWORD, GRANT + [
        ("Framed-IPv6-Address", address), ("Delegated-IPv6-Prefix", prefix),
        ("DNS-Server-IPv6-Address", dns)])
    with running(bench, one) as section, bench.configured(radius=section):
        bench.dial(client, auth="chap", user="dora", password=PASSWORD, ipv6=True)
        client.address6()
        given, behind = client.output("client_dhcp6 15", 30).split()
        check(given == address, f"its address is {given}")
        check(ipaddress.ip_address(behind) in ipaddress.ip_network(prefix),
              f"{behind} is not in {prefix}")
        there = bench.gateway.wait_subscribers(1)[0]
        check(there["delegated_prefix"] == prefix, f"{there}")
        check(dns in client.output("cat /run/dhcp6c-said"), "it was not told its name server")
        for source in (address, behind):
            _, out, err = client.run(f"ping -n -c 3 -i 0.2 -W 2 -I {source} {labs.HOST_NET6}",
                                     check=False)
            check(" 3 received" in out, f"pings from {source}: {out}{err}")
        client.run("ends dhcp6c 3; ip link del lan0")
        client.down()
        bench.gateway.wait_subscribers(0)
    return f"{address}, {prefix}"


def ikev2(bench, method):
    """IKEv2 by that method of EAP, which strongSwan speaks with FreeRADIUS through the gateway."""
    one = server(bench, eap={"eap": "mschapv2", "eap-tls": "tls"}[method])
    who = ({"user": "dora", "password": PASSWORD} if method == "eap" else
           {"user": "alice-rsa@example.org", "certificate": bench.authorities().clients["rsa"],
            "aaa": AAA_NAME})
    way = ike.Way(2, method, tunnel=True, **who)
    with running(bench, one) as section, daemon(bench, [way], radius=section) as peer:
        mark = bench.gateway.mark()
        there = connected(bench, peer, way)
        event = bench.gateway.wait_event("auth-ok", mark)
        check(event["source"] == "radius", f"{event}")
        check(there["user"] == who["user"], f"{there}")
        # What is behind it would need traffic selectors that neither side has asked for.
        granted(bench, peer.one, there, behind=False)
        check(DNS in peer.log(2000), "the client was not told its DNS server")
        check(PREFIX6[:-4] in str(there["ipv6_prefix"]), f"{there}")
        check(peer.one.ping(HOST) == 3, "a ping was lost")
        check(peer.one.ping(labs.HOST_NET6) == 3, "a ping of IPv6 was lost")
        gone(bench, peer, way)
        check(f"Login OK: [{who['user']}]" in one.log(), "FreeRADIUS has not let it in")


def table():
    cases = {}
    for method in ("pap", "chap", "mschapv2", "eap"):
        cases[f"radius-{'eap-mschapv2' if method == 'eap' else method}-ppp"] = (
            lambda bench, method=method: ppp(bench, method))
    cases["radius-eap-tls-ppp"] = tls_over_ppp
    cases["radius-filter-and-rate"] = limits
    cases["radius-delegated-prefix"] = delegated
    cases["radius-eap-mschapv2-ikev2"] = lambda bench: ikev2(bench, "eap")
    cases["radius-eap-tls-ikev2"] = lambda bench: ikev2(bench, "eap-tls")
    return cases
