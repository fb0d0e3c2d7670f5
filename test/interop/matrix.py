# SPDX-License-Identifier: Apache-2.0
"""Every combination of IKE that strongSwan and libreswan have, each on one boot of a client.

{IKEv1, IKEv2} x {PSK, RSA, ECDSA} x {GCM, CBC with SHA-1, CBC with SHA-256}, with L2TP and PPP
over it and small and large packets and TCP through it, from a public address and behind NAT. One
gateway with one configuration serves them all.
"""

import time

import client as clients
import ike
from bench import DIRECT, HOST, NAT
from runner import Failed, check
from traffic import moves_tcp

# What one daemon cannot do, with any gateway.
IMPOSSIBLE = {
    ("libreswan", 1, "ecdsa"): "libreswan refuses authby=ecdsa for IKEv1",
}
# Versions and ways to authenticate.
SERVED = [(version, auth) for version in (1, 2) for auth in ("psk", "rsa", "ecdsa")]
# Instrumented programs are slow: of each combination's parts, each stands in one of these.
CHOSEN = {(1, "psk", "cbc-sha1"), (1, "rsa", "gcm"), (1, "ecdsa", "cbc-sha256"),
          (2, "psk", "cbc-sha256"), (2, "rsa", "cbc-sha1"), (2, "ecdsa", "gcm")}


def combinations(peer, fewer):
    return [ike.Way(version, auth, suite)
            for version, auth in SERVED for suite in ike.SUITES
            if (peer, version, auth) not in IMPOSSIBLE
            and (not fewer or (version, auth, suite) in CHOSEN)]


def one_way(bench, daemon, way, place):
    """Up, traffic, down; both ends must say that they agreed on what was asked for."""
    mark = bench.gateway.mark()
    dial = daemon.up(way)
    check(dial.ok, f"no further than {dial.stage}: {dial.text.strip()[-200:]}")
    event = bench.gateway.wait_event("esp-up", mark)
    check(event["encapsulation"] == ("udp" if place == NAT else "none"), f"{event}")
    check(ike.CHOSEN[way.suite] in str(event), f"not {ike.CHOSEN[way.suite]} but {event}")
    there = bench.gateway.wait_subscribers(1)
    check(dial.address in str(there), f"{dial.address} is not in {there}")
    for size, df in ((56, False), (1372, True), (4000, False)):
        came = daemon.one.ping(HOST, count=3, size=size, interval=0.05, df=df)
        check(came >= 2, f"{came} of 3 pings with {size} bytes came back")
    moves_tcp(bench, daemon.one, bench.small)
    daemon.down(way)
    check(daemon.one.heard_goodbye(), "pppd's Terminate-Request had no answer")
    bench.gateway.wait_subscribers(0)
    return dial.seconds


def said(bench, daemon, mark):
    """What both ends have to say of a combination that failed."""
    events = [event for event in bench.gateway.events(mark=mark) if event.get("level") != "debug"]
    return "\n".join(["       gateway:"] + [f"         {event}" for event in events[-12:]]
                     + ["       client:"]
                     + [f"         {line}" for line in daemon.log().splitlines()])


def matrix(bench, peer, place):
    one = bench.client("a", place)
    ways = combinations(peer, bench.sanitized)
    authorities = bench.authorities()
    with bench.configured(groups=authorities.config()):
        daemon = ike.Daemon(one, peer, ways, authorities.clients, authorities.roots)
        failed = []
        for way in ways:
            mark, began = bench.gateway.mark(), time.monotonic()
            daemon.log(0)
            try:
                seconds = one_way(bench, daemon, way, place)
                text = f"ok    {way.name}  {time.monotonic() - began:.1f} s, up in {seconds:.2f} s"
            except (Failed, TimeoutError, clients.CommandFailed) as error:
                failed.append(way.name)
                text = (f"FAIL  {way.name}  {time.monotonic() - began:.1f} s  {error}\n"
                        f"{said(bench, daemon, mark)}")
                daemon.down(way)
            print(f"     {text}", flush=True)
        daemon.end()
    for (name, version, auth), reason in IMPOSSIBLE.items():
        if name == peer:
            print(f"     none  v{version}-{auth}: {reason}", flush=True)
    check(not failed, f"{len(failed)} of {len(ways)} failed: {' '.join(failed)}")
    return f"{len(ways)} combinations"


def table():
    cases = {}
    for peer in ike.PEERS:
        for word, place in (("direct", DIRECT), ("nat", NAT)):
            cases[f"matrix-{peer}-{word}"] = (
                lambda bench, peer=peer, place=place: matrix(bench, peer, place))
    return cases
