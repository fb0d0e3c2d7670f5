# SPDX-License-Identifier: Apache-2.0
"""What the gateway's policy does to clients: IKEv1's aggressive mode, off and on, and whether the
dry run of a stricter policy says what that policy then does."""

import json

import gateway as gateways
import ike
from bench import HOST
from remote import daemon, refused
from runner import check


def aggressive(bench):
    """Refused with a word of why; where it is configured, with a warning at start, it works."""
    way = ike.Way(1, "psk", "cbc-sha1", connection="aggressive = yes")
    with daemon(bench, [way]) as peer:
        event = refused(bench, peer, way, "aggressive mode is off")
        mark = bench.gateway.mark()
        with bench.configured(ike="  aggressive: true\n"):
            warning = bench.gateway.wait_event("config-warning", mark)
            check("ike.aggressive" in warning["warning"], f"{warning}")
            dial = peer.up(way)
            check(dial.ok, f"no further than {dial.stage}: {dial.text.strip()[-300:]}")
            check("AGGRESSIVE" in peer.log(2000), "the client used another mode")
            check(peer.one.ping(HOST) == 3, "a ping was lost")
            peer.down(way)
            bench.gateway.wait_subscribers(0)
    return event["reason"]


FORBIDDEN = "modp2048,ecp384,sha1"
# The same as a configuration.
WITHOUT = """  hash: [sha256, sha384, sha512]
  group: [ecp-256, x25519, ecp-521, modp-3072, modp-4096]
  esp-integrity: [hmac-sha256-128, hmac-sha384-192, hmac-sha512-256]
"""
# Who connects with what, and what becomes of him without that.
OFFERS = {
    "alice": ("aes256-sha256-modp2048", "aes128gcm16", "fails"),
    "bob": ("aes256-sha256-ecp384-ecp256", "aes128gcm16", "changes"),
    "carol": ("aes256-sha256-ecp256", "aes128-sha1", "fails"),
    "": ("aes256gcm16-prfsha384-ecp256", "aes256gcm16", "stays"),
}


def remote_way(user):
    """An IKEv2 client, by EAP as that user, or by the pre-shared key."""
    who = {"auth": "eap", "user": user, "password": gateways.USERS[user]} if user else {}
    return ike.Way(2, tunnel=True, proposals=OFFERS[user][:2], tag=user,
                   connection="unique = never", **who)


def verdicts(bench):
    """Of the dry run: the counts, and the rows by the user's name and version of IKE."""
    answer = json.loads(bench.gateway.cli("policy", "check", "--forbid", FORBIDDEN, "--json"))
    rows = {(",".join(row["users"]), row["version"]): row for row in answer["peers"]}
    return [answer[word] for word in ("fails", "changes", "stays", "unknown")], rows


def dry_run(bench):
    """Five clients of two kinds are connected: those that the dry run names then fail, the others
    do not, and who would choose something else chooses that."""
    ways = {user: remote_way(user) for user in OFFERS}
    old = ike.Way(1, "psk", "cbc-sha1")
    with daemon(bench, list(ways.values())) as peer:
        other = ike.Daemon(bench.client("b"), "libreswan", [old])
        for one, way in [*((peer, way) for way in ways.values()), (other, old)]:
            dial = one.up(way)
            check(dial.ok, f"{way.name} got no further than {dial.stage}: {dial.text[-300:]}")
        bench.gateway.wait_subscribers(len(ways) + 1)
        counts, rows = verdicts(bench)
        check(counts == [3, 1, 1, 0], f"{counts} of {rows}")
        for user, (_, _, verdict) in OFFERS.items():
            row = rows.get((user, 2))
            check((row["verdict"] if row else "stays") == verdict, f"{user}: {row}")
        check(rows["alice", 1]["verdict"] == "fails", f"{rows}")
        other.end()
        with bench.configured(ike=WITHOUT, remote_access=True, groups=bench.authorities().config()):
            peer.end()
            peer = ike.Daemon(peer.one, "strongswan", list(ways.values()), peer.certificates,
                              peer.roots)
            other = ike.Daemon(other.one, "libreswan", [old])
            for user, way in ways.items():
                check(peer.up(way).ok == (OFFERS[user][2] != "fails"),
                      f"{way.name}: the dry run said that it {OFFERS[user][2]}")
            check(not other.up(old, 5).ok, "libreswan connects although it was to fail")
            counts, now = verdicts(bench)
            check(counts[:2] == [0, 0], f"{counts} of {now}")
            used = bench.gateway.show("algorithms")
            then = rows["bob", 2]["ike_then"]
            words = ["/".join(row[key] for key in ("encryption", "hash", "group")) for row in used]
            check(then in words, f"not {then} but {words}")
            bench.gateway.wait_subscribers(2)
            other.end()
            peer.end()
    return f"{rows['bob', 2]['ike_now']} became {then}"


def table():
    return {"aggressive-mode": aggressive, "policy-check": dry_run}
