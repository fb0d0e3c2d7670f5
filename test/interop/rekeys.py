# SPDX-License-Identifier: Apache-2.0
"""Rekeys that nobody notices: TCP flows both ways at a steady pace while the SAs are renewed again
and again, and every packet counted on both ends."""

import json
import os

import ike
import lab as labs
from bench import DIRECT, HOST, NAT
from matrix import IMPOSSIBLE
from runner import check

HERE = os.path.dirname(os.path.abspath(__file__))
PORTS = 7101, 7102
RATE = 600  # kB/s each way: 2 MiB in about 3.5 s
STEPS = 20  # blocks a second that the client sends

# By whom, and what both sides' lifetimes are for that.
GATEWAY = "  esp-lifetime: 20s\n  esp-lifetime-size: 2MiB\n  lifetime: 20s\n  rekey-at: 80\n"
# About where the gateway is due; far from where the client's kernel ends the SA, for it is slow.
LIFE_BYTES = ("lifebytes=8000000", "marginbytes=6100000", "rekeyfuzz=10%")


class Flow:
    """The host's end of the flows."""

    def __init__(self, bench, seconds):
        self.log = bench.lab.path("flow.log")
        with open(self.log, "w") as log:
            self.process = bench.lab.spawn(
                os.path.join(HERE, "flow.py"), *map(str, PORTS), str(RATE), str(seconds),
                space=bench.topology.net, stdout=log)
        labs.wait_for("the host's flows", lambda: self.said("ready"), 10)

    def said(self, direction):
        with open(self.log) as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [line for line in lines if line["direction"] == direction]


def retransmitted(text):
    """TCP segments sent again, of /proc/net/snmp."""
    names, values = (line.split() for line in text.splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


class Count:
    """What both ends have counted at one moment of silence."""

    def __init__(self, bench, one):
        numbers = one.output("cat /sys/class/net/ppp0/statistics/tx_packets "
                             "/sys/class/net/ppp0/statistics/rx_packets "
                             "/sys/class/net/ppp0/statistics/tx_dropped "
                             "/sys/class/net/ppp0/statistics/rx_errors").split()
        self.client_out, self.client_in, *self.client_lost = map(int, numbers)
        session = bench.gateway.show("subscribers")[0]
        self.up, self.down = session["uplink"]["packets"], session["downlink"]["packets"]
        self.drops = {row["reason"]: int(row["packets"]) for row in bench.gateway.show("drops")}
        snmp = bench.lab.inside(bench.topology.net, "cat", "/proc/net/snmp")
        self.again = retransmitted(snmp), retransmitted(one.output("cat /proc/net/snmp"))
        self.xfrm = dict(line.split() for line in
                         one.output("cat /proc/net/xfrm_stat 2>/dev/null || true").splitlines())


def differences(before, after):
    """What of a table of numbers has grown, as a text. What neighbours say to each other on the
    ports' networks comes and goes, and is nobody's packet."""
    return " ".join(f"{name}+{int(after[name]) - int(before.get(name, 0))}" for name in sorted(after)
                    if int(after[name]) != int(before.get(name, 0))
                    and not name.startswith(("nd-", "arp-", "nat-keepalive")))


def upload(seconds):
    block = RATE * 1000 // STEPS
    return (f"n=0; while [ $n -lt {int(seconds * STEPS)} ]; do head -c {block} /dev/zero; "
            f"n=$((n + 1)); sleep {1 / STEPS}; done | busybox nc {HOST} {PORTS[1]} >/dev/null")


def flows(bench, one, seconds):
    """Runs both; returns the bytes each way."""
    flow = Flow(bench, seconds)
    try:
        down = one.start(f"busybox nc {HOST} {PORTS[0]} </dev/null | wc -c")
        up = one.start(upload(seconds))
        came = int(one.finish(down, seconds + 60)[1])
        one.finish(up, 2 * seconds + 60)
        sent = labs.wait_for("end of the download", lambda: flow.said("sent"), 10)[0]["bytes"]
        taken = labs.wait_for("end of the upload", lambda: flow.said("taken"), 10)[0]["bytes"]
    finally:
        labs.stop(flow.process)
    check(came == sent, f"{came} of {sent} bytes came")
    wanted = int(seconds * STEPS) * (RATE * 1000 // STEPS)
    check(taken == wanted, f"{taken} of {wanted} bytes were taken")
    return taken, came


def lossless(bench, one, seconds, least, early=False):
    """Flows for so long, and at least so many rekeys: nothing is lost, as both ends count. But for
    a client that is early: it uses a new pair before its answer has told us the keys."""
    check(one.ping(HOST) == 3, "a ping was lost")
    mark, before = bench.gateway.mark(), Count(bench, one)
    number = one.start_ping(HOST, int(seconds * 5), interval=0.2)
    up, down = flows(bench, one, seconds)
    pings, answers = one.ping_result(number, seconds + 60)
    after = Count(bench, one)
    ups = bench.gateway.events(mark=mark, name="esp-up")
    ours = bench.gateway.events(mark=mark, name="rekey-start")
    # Whoever renews something else at this moment lets it wait, and asks again (RFC 7296, 2.25): the
    # peer says so, and of ourselves, while the IKE SA is renewed, no second exchange can begin.
    failed = [event for event in bench.gateway.events(mark=mark, name="rekey-failed")
              if "busy" not in event["reason"] and "no exchange could" not in event["reason"]]
    ikes = bench.gateway.events(mark=mark, name="ike-up")
    pairs = [event for event in ours if event["what"] == "esp"]
    left = bench.gateway.events(mark=mark, name="rekey-left")
    check(not left, f"the client does not let its IKE SA be renewed: {left[:1]}")
    text = (f"{len(ups)} rekeys, {len(pairs)} of them begun by us, and {len(ikes)} of the IKE SA, "
            f"{len(ours) - len(pairs)} by us, "
            f"{up >> 20} MiB up, {down >> 20} MiB down, {pings} pings; sent and counted: "
            f"{after.client_out - before.client_out} and {after.up - before.up} up, "
            f"{after.down - before.down} and {after.client_in - before.client_in} down; "
            f"sent again by TCP: host {after.again[0] - before.again[0]}, "
            f"client {after.again[1] - before.again[1]}; "
            f"drops: {differences(before.drops, after.drops) or 'none'}; "
            f"xfrm errors: {differences(before.xfrm, after.xfrm) or 'none'}")
    check(len(ups) >= least, f"only {text}")
    check(pings == answers or early, f"{pings - answers} of {pings} pings lost: {text}")
    unknown = "esp-spi"
    lost = after.drops.get(unknown, 0) - before.drops.get(unknown, 0)
    if early and lost < (after.up - before.up) / 10:
        before.drops[unknown] = after.drops.get(unknown, 0)
        before.up -= lost
    check(after.client_out - before.client_out == after.up - before.up and
          after.down - before.down == after.client_in - before.client_in,
          f"packets were lost: {text}")
    check(not differences(before.drops, after.drops), f"packets were dropped: {text}")
    check(not differences(before.xfrm, after.xfrm), f"the client dropped packets: {text}")
    check(not failed, f"{failed[:3]}: {text}")
    return text


def by_gateway(bench, place, version, seconds, least=3, **changes):
    """The gateway renews the pairs, by time and by bytes, and the IKE SA by time; the client would
    not for an hour."""
    with bench.configured(ike=GATEWAY):
        one = bench.client("a", place)
        bench.dial(one, version=version, **changes)
        text = lossless(bench, one, seconds, least)
        one.down()
        bench.gateway.wait_subscribers(0)
    return text


def of_libreswan(bench, place, version, seconds):
    """The same with libreswan, whose part is to answer, in quick mode and in main mode. It sends with
    the new keys before its answer that makes them: what comes until we have that is lost."""
    with bench.configured(ike=GATEWAY):
        way = ike.Way(version, "psk", "cbc-sha1")
        daemon = ike.Daemon(bench.client("a", place), "libreswan", [way])
        dial = daemon.up(way)
        check(dial.ok, f"no further than {dial.stage}: {dial.text.strip()[-300:]}")
        text = lossless(bench, daemon.one, seconds, 2, early=True)
        check(" 0 of the IKE SA" not in text, f"no IKE SA was renewed: {text}")
        daemon.down(way)
        bench.gateway.wait_subscribers(0)
        daemon.end()
    return text


def by_both(bench, place, version, seconds, least=3, **changes):
    """Both have short lifetimes, so that some rekeys meet."""
    text = by_gateway(bench, place, version, seconds, least=least, esp_lifetime="20s",
                      margin="6s", conn=LIFE_BYTES, **changes)
    check(", 0 of them" not in text, f"the gateway began none: {text}")
    return text


def renew(bench, peer, place):
    """IKEv1: the gateway begins main mode with the daemon that once came to it, in each way to
    prove oneself, and not a ping is lost."""
    one, texts = bench.client("a", place), []
    authorities = bench.authorities()
    ways = [ike.Way(1, auth, "gcm") for auth in ("psk", "rsa", "ecdsa")
            if (peer, 1, auth) not in IMPOSSIBLE]
    with bench.configured(ike="  lifetime: 10s\n  rekey-at: 60\n", groups=authorities.config()):
        for way in ways:
            daemon = ike.Daemon(one, peer, [way], authorities.clients, authorities.roots)
            dial = daemon.up(way)
            check(dial.ok, f"{way.name}: no further than {dial.stage}: {dial.text.strip()[-200:]}")
            mark = bench.gateway.mark()
            sent, received = one.ping_result(one.start_ping(HOST, 160, interval=0.1), 60)
            ups = [up for up in bench.gateway.events(mark=mark, name="ike-up") if up["rekey"]]
            bad = (bench.gateway.events(mark=mark, name="rekey-left") +
                   bench.gateway.events(mark=mark, name="rekey-failed"))
            downs = bench.gateway.events(mark=mark, name="esp-down")
            log = daemon.log()
            check(len(ups) >= 2 and not bad and not downs,
                  f"{way.name}: {len(ups)} renewals, {bad[:2]} {downs[:2]}: {log[-600:]}")
            check(sent == received, f"{way.name}: {sent - received} of {sent} pings lost")
            texts.append(f"{way.name} {len(ups)} renewals")
            daemon.down(way)
            bench.gateway.wait_subscribers(0)
            daemon.end()
    return ", ".join(texts)


def add_to(cases):
    cases["rekey-v1-libreswan"] = lambda bench: of_libreswan(bench, NAT, 1, 16)
    cases["long-rekey-v2-libreswan"] = lambda bench: of_libreswan(bench, NAT, 2, 30)
    for peer, place, name in (("strongswan", NAT, "renew-strongswan-nat"),
                              ("libreswan", DIRECT, "renew-libreswan-direct"),
                              ("strongswan", DIRECT, "long-renew-strongswan-direct"),
                              ("libreswan", NAT, "long-renew-libreswan-nat")):
        cases[name] = lambda bench, peer=peer, place=place: renew(bench, peer, place)
    for version in (1, 2):
        cases[f"rekey-v{version}-by-gateway"] = (
            lambda bench, version=version: by_gateway(bench, NAT, version, 20))
        cases[f"rekey-v{version}-by-both"] = (
            lambda bench, version=version: by_both(bench, DIRECT, version, 30))
        cases[f"long-rekey-v{version}"] = (
            lambda bench, version=version: by_both(bench, DIRECT, version, 600, 100))
