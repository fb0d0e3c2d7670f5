# SPDX-License-Identifier: Apache-2.0
"""PPP with a real pppd: EAP, CHAP asked again, LCP begun again, and what is not served."""

import os
import subprocess

import gateway as gateways
import lab as labs
from bench import HOST
from runner import check
from traffic import moves_traffic

HERE = os.path.dirname(os.path.abspath(__file__))
INTERVAL = 10  # seconds, of CHAP


def with_ppp(bench, lines, case):
    """Runs a case with further lines in the section ppp."""
    bench.gateway.write(ppp=lines)
    bench.gateway.restart_controlplane()
    try:
        measured = case(bench)
    finally:
        bench.gateway.write()
    bench.gateway.restart_controlplane()
    return measured


def says(one, protocol, code, number, body=b""):
    """The client says this PPP packet, beside its pppd."""
    tool = os.path.join(one.share, "ppp-say")
    if not os.path.exists(tool):
        subprocess.run(["cc", "-O", "-static", "-o", tool, os.path.join(HERE, "ppp_say.c")],
                       check=True)
    packet = (protocol.to_bytes(2, "big") + bytes((code, number))
              + (len(body) + 4).to_bytes(2, "big") + body)
    one.run("/mnt/share/ppp-say " + packet.hex(" "))


def eap(bench):
    """pppd refuses all but EAP, and takes MS-CHAPv2 in it."""
    one = bench.client()
    mark = bench.gateway.mark()
    bench.dial(one, auth="eap", user="bob", password=gateways.USERS["bob"])
    event = bench.gateway.wait_event("lcp-up", mark)
    check(event["auth"] == "eap", f"{event}")
    bench.gateway.wait_event("auth-ok", mark)
    there = bench.gateway.wait_subscribers(1)
    check(there[0]["user"] == "bob" and there[0]["auth"] == "eap", f"{there}")
    moves_traffic(bench, one)
    one.down()
    bench.gateway.wait_subscribers(0)


def asked_again(bench, way):
    """The response is judged again and again, and no ping beside it is lost."""
    one = bench.client()
    bench.dial(one, auth=way)
    mark = bench.gateway.mark()
    number = one.start_ping(HOST, 125, interval=0.2)
    sent, received = one.ping_result(number)
    check(sent == received, f"{sent - received} of {sent} pings lost")
    again = [event for event in bench.gateway.events(mark=mark) if event["event"] == "auth-ok"]
    check(len(again) >= 2, f"judged {len(again)} times more: {again}")
    bench.gateway.wait_subscribers(1)
    one.down()
    bench.gateway.wait_subscribers(0)
    return f"judged {len(again)} times more, {sent} pings, none lost"


def began_again(bench):
    """LCP begins again in the middle of a session; pppd proves itself again and goes on."""
    one = bench.client()
    before = bench.dial(one)
    check(one.ping(HOST) == 3, "a ping was lost")
    for number in (101, 102):
        mark = bench.gateway.mark()
        says(one, 0xc021, 1, number, bytes((5, 6, 1, 2, 3, number)))
        bench.gateway.wait_event("lcp-up", mark)
        bench.gateway.wait_event("auth-ok", mark)
        bench.gateway.wait_event("ipcp-up", mark)
        names = [event["event"] for event in bench.gateway.events(mark=mark)]
        check(names.index("lcp-up") < names.index("auth-ok") < names.index("ipcp-up"), f"{names}")
        # pppd takes its address and its route away first.
        ping = f"ping -n -c 1 -W 1 {HOST}"
        labs.wait_for("an answer", lambda: one.run(ping, check=False)[0] == 0, 10, 0.2)
    after = one.output("ip -o addr show dev ppp0")
    check(before.address in after, f"{before.address} is not in {after}")
    moves_traffic(bench, one)
    bench.gateway.wait_subscribers(1)
    one.down()
    bench.gateway.wait_subscribers(0)


def ipv6_alone(bench):
    """pppd rejects IPCP; IPv6 does not mind."""
    one = bench.client()
    mark = bench.gateway.mark()
    bench.dial(one, ipv6=True, ipv4=False)
    address = one.address6()
    check(address.startswith("2001:db8:64:"), f"its address is {address}")
    check(one.ping(labs.HOST_NET6) == 3, "a ping was lost")
    there = bench.gateway.wait_subscribers(1)
    check(there[0]["state"] == "up" and there[0]["ipv6_prefix"], f"{there}")
    names = [event["event"] for event in bench.gateway.events(mark=mark)]
    check("ipv6cp-up" in names and "ipcp-up" not in names, f"{names}")
    check("inet 100." not in one.output("ip -o addr show dev ppp0"), "it has an IPv4 address")
    one.down()
    bench.gateway.wait_subscribers(0)


def compression_is_refused(bench):
    """Compression is offered and refused, which takes no time; MPPE as well, and a client that
    insists on it does not come in, with the reason in the log."""
    one = bench.client()
    mark = bench.gateway.mark()
    dial = bench.dial(one, ccp=("deflate 15", "bsdcomp 15"))
    check(one.ping(HOST) == 3, "a ping was lost")
    event = bench.gateway.wait_event("ppp-rejected", mark)
    check(event["protocol"] == "ccp" and "compression" in event["reason"], f"{event}")
    one.down()
    bench.gateway.wait_subscribers(0)
    mark = bench.gateway.mark()
    refused = one.up(ccp=("require-mppe-128",), dial_seconds=10)
    check(not refused.ok and refused.stage == "ppp", f"MPPE got as far as {refused.stage}")
    event = bench.gateway.wait_event("ppp-rejected", mark)
    check("MPPE" in event["reason"], f"{event}")
    one.down()
    bench.gateway.wait_subscribers(0)
    return f"{dial.seconds:.2f} s to an address with CCP refused"


def line_is_measured(bench):
    """Loss and round-trip time stand in the API; a client that sends is not asked for echoes."""
    one = bench.client()
    bench.dial(one)

    def measured():
        line = bench.gateway.show("subscribers")[0]["line"]
        return line if line["echoes"] >= 2 else None
    line = labs.wait_for("two echoes", measured, 10)
    check(line["rtt_ms"] is not None and line["rtt_max_ms"] < 500, f"{line}")
    check(line["loss"] == 0 and line["lost"] == 0, f"{line}")
    sent, received = one.ping_result(one.start_ping(HOST, 40, interval=0.1))
    check(sent == received, f"{sent - received} of {sent} pings lost")
    busy = bench.gateway.show("subscribers")[0]["line"]
    check(busy["echoes"] <= line["echoes"] + 2, f"{line}, then {busy}")
    one.down()
    bench.gateway.wait_subscribers(0)
    return f"{line['rtt_ms']} ms, {line['rtt_min_ms']} to {line['rtt_max_ms']} ms"


def table():
    return {
        "ppp-eap": eap,
        "ppp-chap-again-chap": lambda bench: with_ppp(
            bench, f"  chap-interval: {INTERVAL}s\n", lambda b: asked_again(b, "chap")),
        "ppp-chap-again-mschapv2": lambda bench: with_ppp(
            bench, f"  chap-interval: {INTERVAL}s\n", lambda b: asked_again(b, "mschapv2")),
        "ppp-lcp-again": began_again,
        "ppp-ipv6-alone": ipv6_alone,
        "ppp-compression-refused": compression_is_refused,
        "ppp-line": lambda bench: with_ppp(bench, "  echo-interval: 1s\n", line_is_measured),
    }
