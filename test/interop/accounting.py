# SPDX-License-Identifier: Apache-2.0
"""What a real FreeRADIUS writes into its database of what real clients use, and what it changes
while they are connected (RFC 2866, RFC 5176).

Its users are known to FreeRADIUS alone.
"""

import contextlib
import glob
import os
import re
import sqlite3
import struct
import time

import ike
import lab as labs
import radius
from bench import HOST, SINK, SOURCE
from remote import connected, daemon, gone
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
def accounted(bench, *servers, more="", spool=True, **sections):
    """For the time of a with: the servers run, the host knows the way to erin, and the gateway has
    them and nobody else."""
    net, prefix = bench.topology.net, "203.0.113.0/24"
    bench.lab.ip(net, "route", "replace", prefix, "via", labs.GATEWAY_NET)
    folder = os.path.join(bench.gateway.run, SPOOL)
    os.makedirs(folder, exist_ok=True)
    labs.command("chown", "culvert:", folder)
    if spool:
        more += f"  spool: {folder}\n"
    for one in servers:
        one.start()
    try:
        with bench.configured(radius=radius.section(servers, more=MORE + more), **sections):
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


def uses(bench, one):
    check(one.ping(HOST) == 3, "a plain ping was lost")
    check(one.ping(HOST, size=4000) == 3, "a ping of 4000 bytes was lost")
    text = bench.lab.inside(bench.topology.net, "ping", "-n", "-c", "3", "-i", "0.1", "-W", "2",
                            ADDRESS, check=False)
    check(" 3 received" in text, f"the host pings: {text}")
    moves_tcp(bench, one)


def counters(bench):
    """(bytes in, packets in, bytes out, packets out) of the one subscriber, when they rest."""
    def look():
        there = bench.gateway.show("subscribers")[0]
        return [there[way][what] for way in ("uplink", "downlink") for what in ("bytes", "packets")]

    def rest():
        first = look()
        time.sleep(0.3)
        return first if look() == first else None
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
    check(began - 1 <= row["acctstarttime"] <= began + 3, f"start {row['acctstarttime']}, {began}")
    check(abs(ended - row["acctstoptime"]) <= 2, f"stop {row['acctstoptime']}, {ended}")


def stop_of(server, session):
    return [report for report in server.reports() if report.get("Acct-Session-Id") == session
            and report["Acct-Status-Type"] == "Stop"][-1]


def row_matches(bench, cause="User-Request"):
    """Traffic both ways, and an orderly end: the row has what the gateway counted, and that is what
    passed the host."""
    radius_one, one = server(bench), bench.client()
    with accounted(bench, radius_one):
        seen = labs_capture(bench)
        began = time.time()
        bench.dial(one, **USER)
        rows = radius_one.wait_rows(lambda rows: len(rows) == 1)
        check(not rows[0]["acctstoptime"], f"it is over already: {rows}")
        uses(bench, one)
        counted = counters(bench)
        seen.close()
        one.down()
        row = stopped(radius_one)[0]
        matches(row, stop_of(radius_one, row["acctsessionid"]), counted, began, time.time())
        same("cause", row["acctterminatecause"], cause)
        same("calling station", row["callingstationid"], one.address.split("/")[0])
        host = seen_at_host(seen.path, ADDRESS)
        same("at the host", host["in"] + host["out"], counted)
        bench.gateway.wait_subscribers(0)
    return f"{counted[0]} octets in, {counted[2]} out, {counted[1]} and {counted[3]} packets"


def labs_capture(bench):
    import client as clients
    return clients.Capture(bench.lab, bench.topology.net, "net0", "", "accounting-host", 128)


def table():
    cases = {}
    cases["accounting-row"] = row_matches
    return cases
