# SPDX-License-Identifier: Apache-2.0
"""What a real FreeRADIUS writes into its database of what real clients use, and what it changes
while they are connected (RFC 2866, RFC 5176).

Its users are known to FreeRADIUS alone.
"""

import contextlib
import glob
import json
import os
import re
import sqlite3
import struct
import subprocess
import time

import bench as bench_module
import client as clients
import coa
import ike
import lab as labs
import radius
from bench import HOST, SOURCE
from remote import connected, daemon
from runner import check
from traffic import moves_tcp

ADDRESS, PASSWORD = "203.0.113.7", "erin-secret"
USER = {"user": "erin", "password": PASSWORD}
NAS = "192.0.2.1"
SPOOL = "spool"
# What the gateway's section says besides the servers.
MORE = f"  nas-address: {NAS}\n  nas-identifier: culvert-lab\n"


def server(bench, name="", reply=(), **changes):
    """A FreeRADIUS beside the gateway's control plane that knows erin."""
    count = len(glob.glob(bench.lab.path("freeradius-*")))
    one = radius.Server(bench.lab, bench.topology.gateway, f"{name or 'acct'}-{count}", **changes)
    one.user("erin", PASSWORD, [("Framed-IP-Address", ADDRESS), ("Class", "gold"), *reply])
    return one


@contextlib.contextmanager
def accounted(bench, *servers, more="", configure=True, **sections):
    """For the time of a with: the servers run, the host knows the way to erin, and the gateway has
    them and nobody else."""
    net, prefix = bench.topology.net, "203.0.113.0/24"
    bench.lab.ip(net, "route", "replace", prefix, "via", labs.GATEWAY_NET)
    folder = os.path.join(bench.gateway.run, SPOOL)
    os.makedirs(folder, exist_ok=True)
    labs.command("chown", "culvert:", folder)
    more += f"  spool: {folder}\n"
    for one in servers:
        one.start()
    try:
        if configure:
            with bench.configured(radius=radius.section(servers, more=MORE + more), **sections):
                yield
        else:
            yield
    finally:
        for one in servers:
            one.stop()
        bench.lab.ip(net, "route", "del", prefix)


def seen_at_host(path, address):
    """(octets, packets) to and from an address, of IPv4 as a capture has them."""
    counts = {"in": [0, 0], "out": [0, 0]}
    wanted = bytes(int(word) for word in address.split("."))
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00":
            continue
        for way, place in (("in", 26), ("out", 30)):
            if frame[place:place + 4] == wanted:
                counts[way][0] += struct.unpack_from(">H", frame, 16)[0]
                counts[way][1] += 1
    return counts


def uses(bench, one, most=4000):
    check(one.ping(HOST) == 3, "a plain ping was lost")
    check(one.ping(HOST, size=most) == 3, f"a ping of {most} bytes was lost")
    text = bench.lab.inside(bench.topology.net, "ping", "-n", "-c", "3", "-i", "0.1", "-W", "2",
                            ADDRESS, check=False)
    check(" 3 received" in text, f"the host pings: {text}")
    moves_tcp(bench, one)


def counters_now(bench):
    """[bytes in, packets in, bytes out, packets out] of the one subscriber."""
    there = bench.gateway.show("subscribers")[0]
    return [there[way][what] for way in ("uplink", "downlink") for what in ("bytes", "packets")]


def counters(bench):
    """The same when they rest: twice the same, some time apart."""
    def rest():
        first = counters_now(bench)
        time.sleep(0.3)
        return first if counters_now(bench) == first else None
    return labs.wait_for("counters at rest", rest, 10)


def stopped(one, count=1, seconds=15):
    return one.wait_rows(lambda rows: len(rows) == count and all(
        row["acctstoptime"] for row in rows), seconds)


def same(what, got, wanted):
    check(got == wanted, f"{what}: {got} instead of {wanted}")


def matches(row, stop, counted, began, ended):
    """A row and the Stop that it is from against the gateway's own counters and the clock."""
    same("octets", [row["acctinputoctets"], row["acctoutputoctets"]], [counted[0], counted[2]])
    same("packets", [int(stop["Acct-Input-Packets"]), int(stop["Acct-Output-Packets"])],
         [counted[1], counted[3]])
    same("user", row["username"], "erin")
    same("address", row["framedipaddress"], ADDRESS)
    same("NAS", row["nasipaddress"], NAS)
    same("class", stop["Class"], "0x" + b"gold".hex())
    same("authentic", row["acctauthentic"], "RADIUS")
    same("session time", row["acctsessiontime"], row["acctstoptime"] - row["acctstarttime"])
    check(-4 <= row["acctstarttime"] - began <= 1, f"start {row['acctstarttime']}, {began}")
    check(0 <= ended - row["acctstoptime"] <= 5, f"stop {row['acctstoptime']}, {ended}")


def stop_of(server, session):
    return [report for report in server.reports() if report.get("Acct-Session-Id") == session
            and report["Acct-Status-Type"] == "Stop"][-1]


def row_matches(bench):
    """Traffic both ways, and an orderly end: the row has what the gateway counted, and that is what
    passed the host."""
    aaa, one = server(bench), bench.client()
    with accounted(bench, aaa):
        seen = clients.Capture(bench.lab, bench.topology.net, "net0", "", "accounting-host", 128)
        bench.dial(one, **USER)
        counted = used(bench, aaa, one, one.down, "User-Request", seen)
    return f"{counted[0]} octets in, {counted[2]} out, {counted[1]} and {counted[3]} packets"


def used(bench, aaa, one, down, cause, seen, most=4000):
    """From a session that has just come up to its row and the figures that it must have."""
    began = time.time()
    rows = aaa.wait_rows(lambda rows: len(rows) == 1)
    check(not rows[0]["acctstoptime"], f"it is over already: {rows}")
    uses(bench, one, most)
    counted = counters(bench)
    seen.close()
    down()
    row = stopped(aaa)[0]
    matches(row, stop_of(aaa, row["acctsessionid"]), counted, began, time.time())
    same("cause", row["acctterminatecause"], cause)
    same("calling station", row["callingstationid"], one.address.split("/")[0])
    host = seen_at_host(seen.path, ADDRESS)
    same("at the host", host["in"] + host["out"], counted)
    bench.gateway.wait_subscribers(0)
    return counted


def ikev2_row(bench):
    """The same of an IKEv2 remote-access user by EAP."""
    aaa, way = server(bench, eap="mschapv2", **certified(bench)), ike.Way(2, "eap", tunnel=True, **USER)
    section = radius.section([aaa], more=MORE)
    with accounted(bench, aaa, configure=False), daemon(bench, [way], radius=section) as peer:
        seen = clients.Capture(bench.lab, bench.topology.net, "net0", "", "accounting-host", 128)
        connected(bench, peer, way)
        # What is larger than a packet its kernel sends whole, and the gateway cuts it for the host.
        counted = used(bench, aaa, peer.one, lambda: peer.down(way), "User-Request", seen, 1000)
    return f"{counted[0]} octets in, {counted[2]} out"


def certified(bench):
    """FreeRADIUS does EAP only with a certificate of its own."""
    root = bench.authorities().roots["rsa"]
    return {"certificate": root.issue(f"aaa-{time.monotonic_ns()}", "rsa", ["DNS:aaa.example.org"]),
            "authorities": [root]}


def interim_by_change(bench):
    """What a CoA changes is told at once by an interim report, with the counters of that moment."""
    aaa, one = server(bench), bench.client()
    with accounted(bench, aaa):
        bench.dial(one, **USER)
        check(one.ping(HOST, count=5) == 5, "a ping was lost")
        counted = counters(bench)
        name, _ = aaa.coa("coa", {"User-Name": "erin", "Class": "silver"})
        same("answer", name, "CoA-ACK")
        row = aaa.wait_rows(lambda rows: rows[0]["acctinputoctets"])[0]
        same("octets", [row["acctinputoctets"], row["acctoutputoctets"]], [counted[0], counted[2]])
        check(not row["acctstoptime"], f"it is over: {row}")
        one.down()
        row = stopped(aaa)[0]
        same("class", stop_of(aaa, row["acctsessionid"])["Class"], "0x" + b"silver".hex())


def interim_by_time(bench):
    """Acct-Interim-Interval of a minute, the least: two reports while the session is up."""
    aaa, one = server(bench, reply=[("Acct-Interim-Interval", "60")]), bench.client()
    with accounted(bench, aaa, more="  interim-jitter: 0\n"):
        bench.dial(one, **USER)
        began = aaa.wait_rows(lambda rows: len(rows) == 1)[0]["acctstarttime"]
        for turn in (1, 2):
            check(one.ping(HOST, count=turn) == turn, "a ping was lost")
            counted = counters(bench)
            row = aaa.wait_rows(lambda rows, turn=turn: rows[0]["acctupdatetime"] >=
                                began + 60 * turn - 1, 70)[0]
            check(abs(row["acctupdatetime"] - began - 60 * turn) <= 1, f"{row}, {began}")
            same("octets", [row["acctinputoctets"], row["acctoutputoctets"]],
                 [counted[0], counted[2]])
        one.down()
        stopped(aaa)


def open_elsewhere(aaa):
    """A session of another NAS, which is up."""
    base = sqlite3.connect(aaa.file("accounting.db"), timeout=10)
    with base:
        base.execute("INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, "
                     "acctstarttime) VALUES ('elsewhere', 'elsewhere', 'frank', '192.0.2.200', ?)",
                     (int(time.time()) - 100,))
    base.close()


def kinds(aaa):
    return [report["Acct-Status-Type"] for report in aaa.reports()]


def killed(bench):
    """kill -9 with a session up: its Stop comes from the next control plane, before Accounting-On,
    with the counters of its last report; what others have open stays open."""
    aaa, one = server(bench), bench.client()
    with accounted(bench, aaa):
        bench.dial(one, **USER)
        check(one.ping(HOST, count=5) == 5, "a ping was lost")
        aaa.wait_rows(lambda rows: len(rows) == 1)
        counted = counters(bench)
        aaa.coa("coa", {"User-Name": "erin", "Session-Timeout": "3600"})
        aaa.wait_rows(lambda rows: rows[0]["acctinputoctets"])
        open_elsewhere(aaa)
        bench.gateway.kill_controlplane()
        bench.gateway.start_controlplane()
        row = aaa.wait_rows(lambda rows: rows[0]["acctstoptime"])[0]
        same("cause", row["acctterminatecause"], "NAS-Reboot")
        same("octets", [row["acctinputoctets"], row["acctoutputoctets"]], [counted[0], counted[2]])
        labs.wait_for("Accounting-On", lambda: kinds(aaa).count("Accounting-On") == 2, 10)
        same("reports", kinds(aaa), ["Accounting-On", "Start", "Interim-Update", "Stop",
                                     "Accounting-On"])
        one.down()
        bench.dial(one, **USER)
        rows = aaa.wait_rows(lambda rows: len(rows) == 3)
        same("open", [row["username"] for row in rows if not row["acctstoptime"]], ["frank", "erin"])
        one.down()
        aaa.wait_rows(lambda rows: rows[2]["acctstoptime"])


def ends_orderly(bench):
    """The gateway stops: Stops with what was used to the end, then Accounting-Off."""
    aaa, one = server(bench), bench.client()
    with accounted(bench, aaa):
        bench.dial(one, **USER)
        uses(bench, one)
        counted = counters(bench)
        bench.gateway.restart_controlplane()
        row = stopped(aaa)[0]
        same("cause", row["acctterminatecause"], "Admin-Reboot")
        same("octets", [row["acctinputoctets"], row["acctoutputoctets"]], [counted[0], counted[2]])
        labs.wait_for("Accounting-On", lambda: kinds(aaa).count("Accounting-On") == 2, 10)
        same("reports", kinds(aaa), ["Accounting-On", "Start", "Stop", "Accounting-Off",
                                     "Accounting-On"])
        one.down()


def causes(bench):
    """What ends a session by itself stands in its row."""
    aaa, one = server(bench), bench.client()
    aaa.user("short", "short-secret", [("Session-Timeout", "3")])
    aaa.user("idle", "idle-secret", [("Idle-Timeout", "3")])
    quick = "  echo-interval: 1s\n  echo-failures: 2\n"
    with accounted(bench, aaa, ppp=quick):
        for name, cause, least in (("short", "Session-Timeout", 3), ("idle", "Idle-Timeout", 3),
                                   ("erin", "Admin-Reset", 0), ("erin", "Lost-Carrier", 1)):
            count = len(aaa.rows())
            bench.dial(one, user=name, password=f"{name}-secret")
            if cause == "Admin-Reset":
                bench.gateway.cli("disconnect", name)
            elif cause == "Lost-Carrier":
                one.vanish()
            row = aaa.wait_rows(lambda rows, count=count: len(rows) > count and
                                rows[-1]["acctstoptime"], 20)[-1]
            same("cause", row["acctterminatecause"], cause)
            check(least <= row["acctsessiontime"] <= least + 8, f"{row}")
            one = bench.client()
            one.down()
        bench.gateway.wait_subscribers(0)


# CoA

POLICY = f"""filters:
  - name: no-source
    otherwise: permit
    rules:
      - {{action: deny, protocol: tcp, to-port: {SOURCE}}}
  - name: no-discard
    otherwise: permit
    rules:
      - {{action: deny, protocol: udp, to-port: 9}}
groups:
  - {{name: limited, filter-uplink: no-source, police-uplink: 20Mbit/s}}
  - {{name: open}}
"""
MAPPED = "  attributes: [{vendor: 4874, type: 10, means: group}]\n"
PINGS, STEP = 400, 0.01


@contextlib.contextmanager
def pings_both_ways(bench, one):
    """For the time of a with: a ping every 10 ms from the client and from the host; none is lost."""
    number = one.start_ping(HOST, PINGS, interval=STEP)
    host = bench.lab.spawn("ping", "-n", "-c", str(PINGS), "-i", str(STEP), "-W", "2", ADDRESS,
                           space=bench.topology.net, stdout=subprocess.PIPE, text=True)
    before = counters_now(bench)
    labs.wait_for("pings", lambda: counters_now(bench)[1] > before[1] + 20, 10)
    yield
    check(one.process.poll() is None and host.poll() is None, "the pings ended too early")
    for who, got in (("client", one.ping_result(number)), ("host", ping_counts(host))):
        same(f"pings of the {who}", got, (PINGS, PINGS))


def ping_counts(process):
    out = process.communicate(timeout=30)[0]
    return tuple(map(int, re.search(r"(\d+) packets transmitted, (\d+) received", out).groups()))


def items(bench):
    """What holds for erin, as the API says it: {item: (value, from)}."""
    answer = json.loads(bench.gateway.cli("show", "effective", "erin", "--json"))
    return {item["item"]: (item["value"], item["from"]) for one in answer["effective"]
            if one["connected"] for item in one["items"]}


def acked(aaa, attributes):
    began = time.monotonic()
    name, more = aaa.coa("coa", {"User-Name": "erin", **attributes})
    check(name == "CoA-ACK", f"{name} {more} for {attributes}")
    return (time.monotonic() - began) * 1000


def reaches_source(one):
    return one.run(f"busybox nc -w 2 {HOST} {bench_module.SMALL_SOURCE} </dev/null | wc -c",
                   check=False)[1].strip() != "0"


def download_rate(bench, one):
    before, began = counters_now(bench)[2], time.monotonic()
    size, _ = one.download(HOST, bench.small.source)
    check(size == bench.small.mebibytes << 20, f"{size} bytes came")
    return (counters_now(bench)[2] - before) * 8 / (time.monotonic() - began) / 1e6


def changes(bench):
    """Rate, filter and group of a live session, by every way that names them, under pings both
    ways: each holds as soon as it is acknowledged, and no packet is lost."""
    aaa, one = server(bench), bench.client()
    policy = POLICY.replace(str(SOURCE), str(bench_module.SMALL_SOURCE))
    with accounted(bench, aaa, more=MAPPED, groups=policy):
        bench.dial(one, **USER)
        check(reaches_source(one), "the port is closed from the beginning")
        with pings_both_ways(bench, one):
            acked(aaa, {"Mikrotik-Rate-Limit": "8M/4M"})
            acked(aaa, {"Filter-Id": "no-discard"})
            acked(aaa, {"WISPr-Bandwidth-Max-Down": "3000000"})
            acked(aaa, {"ERX-Ingress-Policy-Name": "limited"})
            acked(aaa, {"ERX-Ingress-Policy-Name": "open"})
        rates = []
        for text, mbits in (("100M/2M", 2), ("100M/4M", 4)):
            acked(aaa, {"Mikrotik-Rate-Limit": text})
            rates.append(download_rate(bench, one))
            check(mbits * 0.8 < rates[-1] < mbits * 1.25, f"{rates[-1]:.2f} instead of {mbits}")
        acked(aaa, {"Filter-Id": "no-source.in"})
        check(not reaches_source(one), "the filter does not hold")
        check(one.ping(HOST) == 3, "a ping was lost")
        one.down()
        stopped(aaa)
        bench.gateway.wait_subscribers(0)
    return f"{2 * PINGS} pings, none lost; " + ", ".join(f"{rate:.2f}" for rate in rates) + " Mbit/s"


def coa_counts(bench):
    return json.loads(bench.gateway.cli("show", "radius", "--json"))["coa"][0]


def refusals(bench):
    """What is not for us, or of nobody, or not to be done, by name; and what has no answer."""
    aaa, one = server(bench), bench.client()
    with accounted(bench, aaa, groups=POLICY):
        bench.dial(one, **USER)
        sender = coa.Sender(bench.topology.gateway)
        erin, rate = (coa.USER_NAME, "erin"), (coa.SESSION_TIMEOUT, 3600)
        for code, word in ((coa.COA, "CoA"), (coa.DISCONNECT, "Disconnect")):
            more = [rate] if code == coa.COA else []
            for cause, attributes in (
                    (503, [(coa.USER_NAME, "mallory"), *more]),
                    (503, [(coa.SESSION, "00000000-00000001"), *more]),
                    (401, [erin, (9, b"\1\2\3\4")]),
                    (403, [erin, (coa.NAS_IDENTIFIER, "another"), *more]),
                    (403, [erin, (coa.NAS_ADDRESS, b"\xc0\0\2\x37"), *more]),
                    (402, more)):
                same(f"{word} {attributes}", sender.ask(code, attributes), (f"{word}-NAK", cause))
        check(one.ping(HOST) == 3, "a ping was lost")
        before = coa_counts(bench)
        same("wrong secret", sender.ask(coa.DISCONNECT, [erin], secret="not-the-secret"), ("", 0))
        same("old", sender.ask(coa.DISCONNECT, coa.stamped([erin], 400)), ("", 0))
        same("future", sender.ask(coa.DISCONNECT, coa.stamped([erin], -400)), ("", 0))
        bench.gateway.wait_subscribers(1)
        mark = bench.gateway.mark()
        packet = coa.request(coa.COA, coa.stamped([erin, (coa.CLASS, "x")]), 200)
        first, second = sender.send(packet), sender.send(packet)
        check(coa.read(first)[0] == "CoA-ACK" and first == second, f"{first} and {second}")
        packet = coa.request(coa.DISCONNECT, coa.stamped([erin]), 201)
        first, second = sender.send(packet), sender.send(packet)
        check(coa.read(first)[0] == "Disconnect-ACK" and first == second, f"{first} and {second}")
        same("requests done", len(bench.gateway.events(mark=mark, name="coa")), 2)
        after = coa_counts(bench)
        grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        same("counters", grown, {"requests": 2, "acks": 2, "repeated": 2, "outdated": 2,
                                 "wrong_authenticator": 1})
        sender.close()
        row = stopped(aaa)[0]
        same("cause", row["acctterminatecause"], "Admin-Reset")
        labs.wait_for("end of pppd", lambda: one.run("pidof pppd", check=False)[0] != 0, 10, 0.2)
        one.down()
        bench.gateway.wait_subscribers(0)


def table():
    return {
        "accounting-row": row_matches,
        "accounting-row-ikev2": ikev2_row,
        "accounting-causes": causes,
        "accounting-interim": interim_by_change,
        "long-accounting-interim": interim_by_time,
        "accounting-controlplane-killed": killed,
        "accounting-controlplane-stopped": ends_orderly,
        "coa-changes": changes,
        "coa-refusals": refusals,
    }
