# SPDX-License-Identifier: Apache-2.0
"""IKEv2 without L2TP: a real strongSwan with an address of the gateway in tunnel mode, and what
certificates that nobody vouches for come to.

The cases of one client follow each other on one boot, as all cases do.
"""

import contextlib
import os
import re
import time

import ca
import ike
import lab as labs
from bench import DIRECT, HOST, NAT, SOURCE
from runner import check
from traffic import moves_tcp

PPK = """  ppks:
    - {id: ppk-1, secret: a-key-that-a-quantum-computer-does-not-find}
"""
PPK_SECRET = """secrets {
	ppk-1 {
		id = ppk-1
		secret = a-key-that-a-quantum-computer-does-not-find
	}
}
"""
NO_SOURCE = f"""filters:
  - name: no-source
    otherwise: permit
    rules:
      - {{action: deny, protocol: tcp, to-port: {SOURCE}}}
groups:
  - {{name: limited, filter-uplink: no-source}}
"""
# With what IKE proves who the client is, and what ESP takes then.
WAYS_IN = {"eap": "gcm", "rsa": "cbc-sha256", "ecdsa": "gcm", "psk": "cbc-sha1"}
# What a client listens at for the host behind the gateway.
CALLED = 7100
# Where the host sends datagrams back.
DATAGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "datagrams.py")
RETURNS = 7101


@contextlib.contextmanager
def daemon(bench, ways, place=DIRECT, ike_lines="", of_rsa="", text="", charon="", **sections):
    """A client with strongSwan, and the gateway with what its ways need."""
    one = bench.client("a", place)
    authorities = bench.authorities()
    sections["groups"] = authorities.config(of_rsa) + sections.get("groups", "")
    with bench.configured(remote_access=True, ike=ike_lines, **sections):
        made = ike.Daemon(one, "strongswan", ways, authorities.clients, authorities.roots, text,
                          charon)
        yield made
        made.end()


def connected(bench, peer, way):
    """Brings a way up and returns the subscriber that the gateway shows for it."""
    dial = peer.up(way)
    check(dial.ok, f"{way.name} got no further than {dial.stage}: {dial.text.strip()[-400:]}")
    there = bench.gateway.wait_subscribers(1)[0]
    check(there["access"] == "ikev2", f"{there}")
    check(f"{there['address']}/32" in peer.one.output("ip -4 -o addr show"),
          f"the client has not {there['address']}")
    return there


def gone(bench, peer, way):
    peer.down(way)
    bench.gateway.wait_subscribers(0)


def ping_from_host(bench, address, count=3, size=56):
    text = bench.lab.inside(bench.topology.net, "ping", "-n", "-c", str(count), "-i", "0.1", "-W",
                            "2", "-s", str(size), address, check=False)
    check(f" {count} received" in text, f"the host pings with {size} bytes: {text}")


def called_by_host(bench, one, address):
    """A TCP connection that the host opens."""
    number = one.start(f"echo answer | busybox timeout 10 busybox nc -l -p {CALLED}")
    labs.wait_for("listener in the client", lambda: one.run(
        f"busybox netstat -ltn | grep -q :{CALLED}", check=False)[0] == 0, 5, 0.1)
    said = bench.lab.inside(bench.topology.net, "bash", "-c",
                            f"exec 3<>/dev/tcp/{address}/{CALLED}; echo question >&3; cat <&3")
    heard = one.finish(number, 15)[1]
    check(said.strip() == "answer" and heard.strip() == "question", f"{said!r}, {heard!r}")


def moves(bench, one, there):
    """Small and large packets and TCP both ways, IPv4 and IPv6."""
    check(one.ping(HOST) == 3, "a plain ping was lost")
    check(one.ping(HOST, size=1700) == 3, "a ping of 1700 bytes was lost")
    ping_from_host(bench, there["address"])
    moves_tcp(bench, one)
    called_by_host(bench, one, there["address"])
    check(there["ipv6_prefix"], f"no IPv6 in {there}")
    check(one.ping(labs.HOST_NET6) == 3, "a plain ping of IPv6 was lost")
    moves_tcp(bench, one, bench.small, labs.HOST_NET6)


def ways_in(bench, place):
    """EAP-MSCHAPv2, certificates of both kinds and PSK, one after the other."""
    ways = [ike.Way(2, auth, suite, tunnel=True) for auth, suite in WAYS_IN.items()]
    with daemon(bench, ways, place) as peer:
        for way in ways:
            began = time.monotonic()
            there = connected(bench, peer, way)
            moves(bench, peer.one, there)
            gone(bench, peer, way)
            print(f"     ok    {way.name}  {time.monotonic() - began:.1f} s", flush=True)
    return f"{len(ways)} ways in"


@contextlib.contextmanager
def returned(bench):
    """For the time of a with: the host sends datagrams back."""
    one = bench.lab.spawn(DATAGRAMS, str(RETURNS), space=bench.topology.net)
    try:
        yield
    finally:
        labs.stop(one)


def dropped(bench):
    return {row["reason"]: int(row["packets"]) for row in bench.gateway.show("drops")}


def large(bench, place, auth):
    """The client's kernel encrypts what is larger than the path whole and cuts what becomes of it:
    pings and UDP of up to 60,000 bytes get through both ways, to the host and to the gateway."""
    way = ike.Way(2, auth, WAYS_IN[auth], tunnel=True)
    with returned(bench), daemon(bench, [way], place) as peer:
        there = connected(bench, peer, way)
        before = dropped(bench)
        for size in (1700, 4000, 20000, 60000):
            for address in (HOST, labs.GATEWAY_NET):
                check(peer.one.ping(address, count=5, size=size) == 5,
                      f"a ping of {size} bytes to {address} was lost")
            ping_from_host(bench, there["address"], 5, size)
            came = peer.one.output(f"client_datagrams {HOST} {RETURNS} {size} 5").strip()
            check(came == "5", f"{came} of 5 datagrams of {size} bytes came back")
        after = dropped(bench)
        gone(bench, peer, way)
    grown = {name: count - before.get(name, 0) for name, count in after.items()
             if name.startswith("fragment-") and count != before.get(name, 0)}
    check(set(grown) == {"fragment-joined"}, f"fragments were dropped: {grown}")
    return f"60 pings, 20 datagrams there and back, {grown['fragment-joined']} fragments joined"


def eap_refused(bench):
    """A wrong password and an unknown user: the same to the client, told apart in the log."""
    ways = [ike.Way(2, "eap", tunnel=True, password="not-the-password")]
    with daemon(bench, ways) as peer:
        mark = bench.gateway.mark()
        dial = peer.up(ways[0])
        check(not dial.ok, "a wrong password was let in")
        event = bench.gateway.wait_event("auth-failed", mark)
        check("alice" in str(event), f"{event}")
        bench.gateway.wait_subscribers(0)
    return event.get("cause", "")


def group_holds(bench):
    """The same filter as for L2TP; the operator sees the subscriber and can end it."""
    way = ike.Way(2, "eap", tunnel=True)
    with daemon(bench, [way], groups=NO_SOURCE, members={"alice": "limited"}) as peer:
        there = connected(bench, peer, way)
        check(there["group"] == "limited" and there["user"] == "alice", f"{there}")
        check(peer.one.ping(HOST) == 3, "a plain ping was lost")
        peer.one.run(f"busybox nc -w 3 {HOST} {SOURCE} </dev/null >/dev/null", check=False)
        denied = sum(int(row["packets"]) for row in bench.gateway.show("drops")
                     if row["reason"] == "filter-uplink")
        check(denied > 0, "nothing was denied")
        bench.gateway.cli("disconnect", "alice")
        bench.gateway.wait_subscribers(0)
        labs.wait_for("end in the client", lambda: not peer.one.output("swanctl --list-sas"), 10,
                      0.2)
        gone(bench, peer, way)
    return f"{denied} denied"


def pings_over(bench, peer, act, count=100, allowed=0):
    """Pings every 50 ms while something happens; returns what it returned."""
    number = peer.one.start_ping(HOST, count, interval=0.05)
    result = act()
    sent, received = peer.one.ping_result(number)
    check(sent - received <= allowed, f"{sent - received} of {sent} pings lost")
    return result


def rekeys(bench, place):
    """Rekeys of both SAs, reauthentication with the new before the old: nothing is lost."""
    way = ike.Way(2, "psk", tunnel=True)
    with daemon(bench, [way], place, charon="make_before_break = yes") as peer:
        there = connected(bench, peer, way)

        def act():
            # charon does not reauthenticate while it still keeps a child that it rekeyed: that is
            # the last here. The old IKE SA goes when the new one is there with all it owns.
            for command, event in ((f"--rekey --ike {way.name}", "ike-down"),
                                   (f"--rekey --ike {way.name} --reauth", "ike-down"),
                                   (f"--rekey --child {way.name}", "esp-up")):
                mark = bench.gateway.mark()
                peer.one.run(f"swanctl {command}")
                bench.gateway.wait_event(event, mark, 8)
        pings_over(bench, peer, act, 160)
        now = bench.gateway.wait_subscribers(1)[0]
        check(now["address"] == there["address"], f"{there['address']} became {now['address']}")
        check(peer.one.ping(HOST) == 3, "a ping was lost afterwards")
        gone(bench, peer, way)


def mobike(bench):
    """The client's address changes in mid-session."""
    way = ike.Way(2, "psk", tunnel=True)
    one = bench.client()
    with daemon(bench, [way]) as peer:
        there = connected(bench, peer, way)
        one.run("sysctl -qw net.ipv4.conf.all.promote_secondaries=1 "
                "net.ipv4.conf.eth0.promote_secondaries=1")
        old = one.address.split("/")[0]
        one.run("ip addr add 192.0.2.77/24 dev eth0")
        one.run(f"ip addr del {one.address} dev eth0")
        labs.wait_for("new address of the peer", lambda: "192.0.2.77" in str(
            bench.gateway.show("subscribers")), 15, 0.2)
        check(one.ping(HOST) == 3, "a ping was lost afterwards")
        ping_from_host(bench, there["address"])
        moves_tcp(bench, one, bench.small)
        gone(bench, peer, way)
        one.move(one.address, one.router)
    return f"from {old} to 192.0.2.77"


def nat_rebinding(bench):
    """The NAT forgets its mapping and takes another port: the session goes on."""
    way = ike.Way(2, "psk", tunnel=True)
    with daemon(bench, [way], NAT) as peer:
        connected(bench, peer, way)
        check(peer.one.ping(HOST) == 3, "a ping was lost before")
        space = bench.topology.nat
        bench.lab.inside(space, "nft", "-f", "-", text="""
            table ip other {
                chain post {
                    type nat hook postrouting priority 90;
                    ip saddr 10.9.0.0/24 oifname "wan" udp dport 4500 masquerade to :31000-31999
                }
            }""")
        try:
            bench.lab.inside(space, "conntrack", "-D", "-p", "udp", check=False)
            check(peer.one.ping(HOST, count=5) >= 4, "it does not go on")
            ping_from_host(bench, bench.gateway.show("subscribers")[0]["address"])
            gone(bench, peer, way)
        finally:
            bench.lab.inside(space, "nft", "delete", "table", "ip", "other")
            bench.lab.inside(space, "conntrack", "-D", "-p", "udp", check=False)


def fragments(bench):
    """IKE messages in fragments over a path that drops what is larger: of IKEv2 and of IKEv1, and
    whether the client has to be told that we take them or not."""
    ways = [ike.Way(2, "rsa", "gcm", tunnel=True)]
    ways += [ike.Way(1, "rsa", "cbc-sha1", tag=word, connection=f"fragmentation = {word}")
             for word in ("yes", "force")]
    with daemon(bench, ways, NAT, ike_lines="  fragment-size: 600\n",
                charon="fragment_size = 600") as peer:
        bench.topology.narrow(700, "hole")
        try:
            for way in ways:
                in_pieces(bench, peer, way, "splitting IKE message", "fragment #2")
            peer.end()
            way = ike.Way(1, "rsa", "cbc-sha1", connection="fragmentation=force")
            peer = ike.Daemon(peer.one, "libreswan", [way], peer.certificates, peer.roots,
                              "plutodebug=base")
            in_pieces(bench, peer, way, "sending IKE fragment id", "received IKE fragment id")
        finally:
            bench.topology.widen()
    return f"{len(ways)} ways with strongSwan, one with libreswan"


def in_pieces(bench, peer, way, *words):
    """Up, and the client says that it sent and received fragments."""
    dial = peer.up(way)
    check(dial.ok, f"{way.name} got no further than {dial.stage}: {dial.text.strip()[-400:]}")
    text = peer.log(3000)
    check(all(word in text for word in words), f"{way.name}: not all of {words} are in: {text}")
    check(peer.one.ping(HOST) == 3, f"{way.name}: a ping was lost")
    gone(bench, peer, way)


def post_quantum(bench):
    """With a PPK that both have; a client that must and a gateway that has not do not meet."""
    lines = "ppk_id = ppk-1\n\t\tppk_required = yes"
    ways = [ike.Way(2, auth, tunnel=True, connection=lines) for auth in ("psk", "eap", "ecdsa")]
    with daemon(bench, ways, ike_lines=PPK, text=PPK_SECRET) as peer:
        for way in ways:
            connected(bench, peer, way)
            check("PPK" in peer.log(2000), "the client says nothing of a PPK")
            check(peer.one.ping(HOST) == 3, f"a ping was lost with {way.name}")
            gone(bench, peer, way)
    with daemon(bench, ways[:1], text=PPK_SECRET) as peer:
        check(not peer.up(ways[0]).ok, "the client did without the PPK that it requires")
    return f"{len(ways)} ways"


def liveness(bench):
    """Either side asks and is answered; a client that is gone is noticed."""
    way = ike.Way(2, "psk", tunnel=True, connection="dpd_delay = 1s")
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(daemon(
            bench, [way], ike_lines="  dpd-delay: 1s\n  dpd-timeout: 3s\n"))
        connected(bench, peer, way)
        peer.log(0)
        # Nothing but liveness checks goes over the line in this time.
        labs.wait_for("liveness checks", lambda: peer.one.run(
            "grep -c 'parsed INFORMATIONAL' /run/log/charon", check=False)[1].strip()
            not in ("", "0", "1", "2"), 10, 0.3)
        check(len(bench.gateway.show("subscribers")) == 1, "it did not outlive its silence")
        mark = bench.gateway.mark()
        peer.one.vanish()
        event = bench.gateway.wait_event("subscriber-down", mark, 20)
        bench.client()  # boots again, for what follows
    return event.get("cause", "")


# Certificates

def refused(bench, peer, way, words):
    mark = bench.gateway.mark()
    dial = peer.up(way)
    check(not dial.ok, f"{way.name} was let in")
    event = labs.wait_for("refusal in the log", lambda: [
        event for event in bench.gateway.events(mark=mark)
        if event["event"] in ("ike-refused", "auth-failed", "certificate-refused")], 5)[0]
    check(re.search(words, str(event)), f"no word of '{words}' in {event}")
    peer.down(way)
    return event


def certificate(bench, make, words, version, of_rsa=""):
    """A client whose certificate the gateway must refuse with these words, beside one that it must
    let in."""
    authorities = bench.authorities()
    root = authorities.roots["rsa"]
    bad = ike.Way(version, "rsa", "cbc-sha256", tunnel=version == 2, tag="bad",
                  certificate=make(bench, root))
    good = ike.Way(version, "rsa", "cbc-sha256", tunnel=version == 2)
    with daemon(bench, [bad, good], of_rsa=of_rsa) as peer:
        event = refused(bench, peer, bad, words)
        dial = peer.up(good)
        check(dial.ok, f"the other got no further than {dial.stage}: {dial.text[-300:]}")
        gone(bench, peer, good)
    return event.get("cause", "")


def expired(bench, root):
    return root.issue("expired", "rsa", begins=-20 * ca.DAY, ends=-ca.DAY)


def of_another(bench, root):
    return ca.Authority(bench.lab, f"stranger-{time.monotonic_ns()}", "rsa").issue("mallory", "rsa")


def revoked(bench, version):
    """By a list in a file."""
    root = bench.authorities().roots["rsa"]
    taken = root.issue(f"revoked-{version}", "rsa")
    root.revoke(taken)
    return certificate(bench, lambda *_: taken, "revoked", version, f"      crl: {root.crl()}\n")


def chain(bench):
    """Both sides' certificates are of an intermediate that the other one does not know."""
    root = bench.authorities().roots["rsa"]
    middle = ca.Authority(bench.lab, f"middle-{time.monotonic_ns()}", "ecdsa", issuer=root)
    theirs = middle.issue("carol", "rsa", ["email:carol@example.org"])
    ways = [ike.Way(version, "rsa", "gcm", tunnel=version == 2, certificate=theirs)
            for version in (1, 2)]
    with daemon(bench, ways) as peer:
        for way in ways:
            dial = peer.up(way)
            check(dial.ok, f"{way.name} got no further than {dial.stage}: {dial.text[-300:]}")
            check(peer.one.ping(HOST) == 3, "a ping was lost")
            gone(bench, peer, way)


def table():
    """All of them by name."""
    cases = {}
    for word, place in (("direct", DIRECT), ("nat", NAT)):
        cases[f"remote-access-{word}"] = lambda bench, place=place: ways_in(bench, place)
    for word, place, auth in (("direct", DIRECT, "psk"), ("nat", NAT, "eap")):
        cases[f"remote-access-large-{word}"] = (
            lambda bench, place=place, auth=auth: large(bench, place, auth))
    cases["remote-access-wrong-password"] = eap_refused
    cases["remote-access-group"] = group_holds
    for word, place in (("direct", DIRECT), ("nat", NAT)):
        cases[f"remote-access-rekey-{word}"] = lambda bench, place=place: rekeys(bench, place)
    cases["mobike"] = mobike
    cases["nat-rebinding"] = nat_rebinding
    cases["ike-fragments"] = fragments
    cases["post-quantum-key"] = post_quantum
    cases["liveness"] = liveness
    for version in (1, 2):
        cases[f"certificate-expired-v{version}"] = lambda bench, version=version: certificate(
            bench, expired, "expired", version)
        cases[f"certificate-wrong-ca-v{version}"] = lambda bench, version=version: certificate(
            bench, of_another, "issuer|authorit|trust", version)
        cases[f"certificate-revoked-v{version}"] = lambda bench, version=version: revoked(
            bench, version)
    cases["certificate-chain"] = chain
    return cases
