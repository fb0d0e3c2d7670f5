# SPDX-License-Identifier: Apache-2.0
"""RADIUS servers that are slow or dead, while a real client is up and many others come and go.

The others are sessions of L2TP without IPsec, all in one tunnel of bench/gen.
"""

import datetime
import json
import os
import threading
import time

import gateway as gateways
import lab as labs
from accounting import MORE, USER, accounted, same, server, stopped
from bench import HOST
from runner import check

# By itself pppd gives up after 60 s, counted from LCP.
PATIENT = ("noccp", "chap-timeout 120")
LAC, LAC_HOST = "192.0.2.50", "198.51.100.3"
GROWN = 2048  # KiB that may stay after an outage
FAST = "timeout: 1s, tries: 2"
FAILOVER = 5  # seconds: tries of 1 s and 2 s, and Status-Server twice


# Many others

def place(bench):
    """A namespace for the generator with a leg on each side of the gateway; made once."""
    if hasattr(bench, "generator_space"):
        return bench.generator_space
    lab, net, space = bench.lab, bench.topology.net, bench.lab.space("gen")
    lab.veth(bench.topology.sub, "to-gen", space, "gen-sub")
    lab.plug(bench.topology.sub, "to-gen", "wan")
    lab.veth(net, "to-gen", space, "gen-net")
    # Its question for the gateway's MAC is answered by the host; nothing is sent there.
    lab.ip(net, "route", "add", f"{LAC_HOST}/32", "dev", "to-gen")
    lab.inside(net, "sysctl", "-qw", "net.ipv4.conf.to-gen.proxy_arp=1",
               "net.ipv4.neigh.to-gen.proxy_delay=0", "net.ipv4.conf.to-gen.forwarding=1")
    bench.generator_space = space
    return space


class Others:
    """So many sessions of one user, by one culvert-gen."""

    def __init__(self, bench, count, user, password, *options):
        self.result = bench.lab.path(f"others-{time.monotonic_ns()}.json")
        self.log = bench.lab.path("others.log")
        with open(self.log, "w") as log:
            self.process = bench.lab.spawn(
                os.path.join(bench.gateway.build, "bench", "gen", "culvert-gen"),
                "--subscriber-port", "net_af_packet0,iface=gen-sub",
                "--network-port", "net_af_packet1,iface=gen-net", "--no-huge", "--memory", "128",
                "--buffers", "8192", "--plain", "--subscribers", str(count), "--per-tunnel",
                str(count), "--outer", LAC, "--router", LAC, "--gateway", labs.GATEWAY_WAN,
                "--host", LAC_HOST, "--gateway-network", labs.GATEWAY_NET, "--direction", "none",
                "--user", user, "--password", password, "--json", self.result, *options,
                space=place(bench), stdout=log, stderr=log)

    def end(self, seconds):
        """Waits until it has hung up all and returns its figures."""
        self.process.wait(seconds)
        if self.process.returncode:
            with open(self.log) as log:
                raise labs.LabError(f"culvert-gen: {log.read()[-800:]}")
        with open(self.result) as file:
            return json.load(file)


# Failover

def section(first, second, more=""):
    lines = "radius:\n  auth: [radius]\n  servers:\n"
    for number, one in enumerate((first, second), 1):
        lines += one.entry(f"{FAST}, priority: {number}")
    return lines + "  hold-off: 3s\n" + MORE + more


def seconds_between(first, second):
    times = [datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
             for event in (first, second)]
    return (times[1] - times[0]).total_seconds()


def logs_in(bench, one):
    """Connects and returns the seconds that RADIUS took."""
    mark = bench.gateway.mark()
    bench.dial(one, dial_seconds=30, **USER)
    took = seconds_between(*(bench.gateway.wait_event(name, mark) for name in ("lcp-up", "auth-ok")))
    check(one.ping(HOST) == 3, "a ping was lost")
    return took


def hangs_up(bench, one):
    one.down()
    bench.gateway.wait_subscribers(0)


def open_rows(*servers):
    return [row for one in servers for row in one.rows(where="acctstoptime IS NULL")]


def failover(bench):
    """The first of two servers falls silent with a session up: the next login is judged by the
    second within the stated time, the one after that at once, and both kinds come back."""
    first, second, one = server(bench), server(bench, port=1912), bench.client()
    with accounted(bench, first, second, configure=False), \
            bench.configured(radius=section(first, second)):
        logs_in(bench, one)
        first.wait_rows(lambda rows: len(rows) == 1)
        first.pause()
        hangs_up(bench, one)
        took = logs_in(bench, one)
        check(0.9 < took < FAILOVER + 0.5, f"{took:.2f} s to fail over")
        # The Stop of the first session is with the second server, as is the next session.
        second.wait_rows(lambda rows: len(rows) == 2 and sorted(
            bool(row["acctstoptime"]) for row in rows) == [False, True])
        hangs_up(bench, one)
        at_once = logs_in(bench, one)
        check(at_once < 0.9, f"{at_once:.2f} s although the first one is known to be dead")
        mark = bench.gateway.mark()
        first.go_on()
        for kind in ("authentication", "accounting"):
            bench.gateway.wait_event("radius-back", mark, 10, lambda event, kind=kind:
                                     event["kind"] == kind)
        hangs_up(bench, one)
        before = len(first.rows())
        logs_in(bench, one)
        first.wait_rows(lambda rows: len(rows) == before + 1)
        hangs_up(bench, one)
        first.wait_rows(lambda rows: rows[-1]["acctstoptime"])
    return f"{took:.2f} s of at most {FAILOVER}, then {at_once * 1000:.0f} ms"


# A push to a phone

def push(bench, seconds, count):
    """One user's verdict takes its time; so many others log in meanwhile, and do not wait."""
    aaa, one = server(bench), bench.client()
    aaa.user("push", "push-secret")
    aaa.user("load", "load-secret")
    aaa.delay("push", seconds)
    with accounted(bench, aaa, plain=True):
        place(bench)
        mark, dials = bench.gateway.mark(), []
        waits = threading.Thread(target=lambda: dials.append(one.up(
            user="push", password="push-secret", dial_seconds=seconds + 20, ccp=PATIENT)))
        waits.start()
        asked = bench.gateway.wait_event("lcp-up", mark, 30)
        others = Others(bench, count, "load", "load-secret", "--hold", "1")
        figures = others.end(seconds + 60)["setup"]
        same("others up", [figures["up"], figures["failed"]], [count, 0])
        in_time = not dials
        waits.join()
        check(dials[0].ok, f"push got no further than {dials[0].stage}")
        check(one.ping(HOST) == 3, "a ping was lost")
        waited = seconds_between(asked, bench.gateway.wait_event(
            "auth-ok", mark, where=lambda event: event["user"] == "push"))
        check(seconds - 0.1 <= waited < seconds + 2, f"push waited {waited:.1f} s")
        check(in_time, "the others were not all in before")
        hangs_up(bench, one)
        stopped(aaa, count + 1, 60)
        deaths = json.loads(bench.gateway.cli("show", "radius", "--json"))["radius_dropped"][0]
        same("deaths", deaths["deaths"], 0)
    return (f"{count} others in {figures['seconds']:.1f} s, push after {waited:.1f} s")


# Death

def resident(bench):
    """KiB of memory of the control plane, without the pages of its spool's file."""
    with open(f"/proc/{bench.gateway.controlplane.pid}/status") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])


def used_addresses(bench):
    return sum(pool["used"] for pool in bench.gateway.show("pools"))


def accounting_now(bench):
    return json.loads(bench.gateway.cli("show", "radius", "--json"))["accounting"][0]


def dead(bench, seconds, churn, count=100):
    """No server answers for so long, while sessions come and go whose users the configuration
    knows: who is up stays up, who would need a verdict is refused, nothing is lost or left over."""
    aaa, one, two = server(bench), bench.client(), bench.client("b")
    text = (f"radius:\n  auth: [users, radius]\n  servers:\n{aaa.entry(FAST)}  hold-off: 5s\n{MORE}"
            f"  spool: {os.path.join(bench.gateway.run, 'spool')}\n")
    with accounted(bench, aaa, configure=False), bench.configured(radius=text, plain=True):
        bench.dial(one, **USER)
        aaa.wait_rows(lambda rows: len(rows) == 1)
        others = Others(bench, count, "alice", gateways.USERS["alice"], "--churn", str(churn),
                        "--hold", str(seconds + 20))
        aaa.wait_rows(lambda rows: len(rows) > count + churn, 40)
        before = resident(bench), used_addresses(bench)
        mark = bench.gateway.mark()
        aaa.pause()
        number = one.start_ping(HOST, seconds, interval=1)
        bench.gateway.wait_event("radius-dead", mark, 30)
        dial = two.up(dial_seconds=20, **USER)
        check(not dial.ok, "somebody was let in whom nobody knows")
        refused = seconds_between(
            bench.gateway.wait_event("lcp-up", mark, where=lambda event: event["peer"].startswith(
                two.address.split("/")[0])),
            bench.gateway.wait_event("auth-failed", mark))
        check(refused < FAILOVER + 0.5, f"refused after {refused:.1f} s only")
        two.down()
        same("pings", one.ping_result(number, seconds + 30), (seconds, seconds))
        most = resident(bench), accounting_now(bench)
        check(most[1]["waiting"] > churn * seconds, f"{most[1]}")
        began = time.monotonic()
        aaa.go_on()
        bench.gateway.wait_event("radius-back", mark, 30)
        labs.wait_for("old reports taken", lambda: accounting_now(bench)["oldest_ms"] < 2000,
                      60 + seconds, 0.2)
        drained = time.monotonic() - began
        figures = others.end(seconds + 120)["churn"]
        check(one.ping(HOST) == 3, "a ping was lost")
        labs.wait_for("all reports taken", lambda: accounting_now(bench)["waiting"] == 0, 60, 0.5)
        after = accounting_now(bench)
        rows = aaa.rows()
        same("rows", len(rows), after["started"])
        same("open", [row["username"] for row in rows if not row["acctstoptime"]], ["erin"])
        same("accounting", [after["lost"], after["sessions"]], [0, 1])
        same("sessions of the others", [figures["failed"], figures["up_at_end"]], [0, count])
        same("addresses", used_addresses(bench), before[1] - count)
        grown = resident(bench) - before[0]
        check(grown < GROWN or bench.sanitized, f"{grown} KiB more than before")
        hangs_up(bench, one)
        aaa.wait_rows(lambda rows: all(row["acctstoptime"] for row in rows))
    return (f"{len(rows)} sessions, {most[1]['waiting']} reports waited and were taken within "
            f"{drained:.1f} s; memory {before[0]} KiB before, {most[0]} at most, "
            f"{grown:+} after; a stranger was refused in {refused:.1f} s")


def table():
    return {
        "radius-failover": failover,
        "radius-push": lambda bench: push(bench, 10, 200),
        "long-radius-push": lambda bench: push(bench, 60, 1000),
        "radius-dead": lambda bench: dead(bench, 30, 5),
        "long-radius-dead": lambda bench: dead(bench, 600, 20),
    }
