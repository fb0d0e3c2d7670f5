# SPDX-License-Identifier: Apache-2.0
"""Certificates that were taken back: CRLs from a web server and OCSP from a responder, at places
that the configuration or the certificate itself names, by address or by host name.

The servers and a name server listen at loopback in the gateway's namespace, which has no other
address; its control plane asks them from within its sandbox.
"""

import contextlib
import os
import time

import ca
import client as clients
import ike
import lab as labs
from bench import HOST
from remote import refused
from runner import check

LOOPBACK = "127.0.0.1"
DOMAIN = "pki.example.org"
# The authorities: at which port it answers, and what names the place.
SOURCES = {
    "crl": (7201, f"http://{LOOPBACK}:7201/ca.crl"),
    "ocsp": (7202, f"http://ocsp.{DOMAIN}:7202/"),
    "named-crl": (7203, f"http://crl.{DOMAIN}:7203/ca.crl"),
    "named-ocsp": (7204, f"http://{LOOPBACK}:7204"),
}
VERSIONS = {"crl": 1, "ocsp": 2, "named-crl": 2, "named-ocsp": 1}


@contextlib.contextmanager
def name_server(bench):
    """The gateway's namespace has a resolver of its own."""
    space = bench.topology.gateway
    folder = f"/etc/netns/{space}"
    os.makedirs(folder)
    with open(os.path.join(folder, "resolv.conf"), "w") as file:
        file.write(f"nameserver {LOOPBACK}\n")
    server = bench.lab.spawn(os.path.join(clients.TOP, "test", "lib", "names.py"), LOOPBACK, DOMAIN, space=space)
    try:
        yield
    finally:
        labs.stop(server)
        os.remove(os.path.join(folder, "resolv.conf"))
        os.rmdir(folder)


class Pki:
    """An authority for each source, each with a good and a revoked certificate."""

    def __init__(self, bench):
        self.lab, self.space = bench.lab, bench.topology.gateway
        self.mine = bench.authorities()
        self.servers = []
        self.authorities, self.good, self.bad = {}, {}, {}
        for name, (_, url) in SOURCES.items():
            points = {"crl_url": url if name == "named-crl" else "",
                      "ocsp_url": url if name == "named-ocsp" else ""}
            made = ca.Authority(bench.lab, f"{name}-{time.monotonic_ns()}", "ecdsa", **points)
            self.authorities[name] = made
            self.good[name] = made.issue(f"good-{name}", "ecdsa")
            self.bad[name] = made.issue(f"bad-{name}", "ecdsa")
            made.revoke(self.bad[name])

    def serve(self, name, **keep):
        authority, port = self.authorities[name], SOURCES[name][0]
        if name.endswith("crl"):
            self.servers.append(authority.serve_crl(self.space, LOOPBACK, port, **keep))
        else:
            self.servers.append(authority.serve_ocsp(self.space, port, **keep))

    def say_nothing(self, name):
        """A server that takes connections and never answers."""
        self.servers.append(self.lab.spawn(
            "python3", "-c", "import socket, signal\n"
            f"s = socket.create_server(('{LOOPBACK}', {SOURCES[name][0]}))\nsignal.pause()",
            space=self.space))

    def stop(self):
        for server in self.servers:
            labs.stop(server)
        self.servers = []

    def config(self, revocation, more=""):
        lines = ""
        for name, authority in self.authorities.items():
            lines += f"    - certificate: {authority.path}\n"
            if not name.startswith("named"):
                lines += f"      {name}: {SOURCES[name][1]}\n"
        return f"{self.mine.config()}{lines}  revocation: {revocation}\n{more}"

    def way(self, certificate, name):
        version = VERSIONS[name]
        return ike.Way(version, "ecdsa", "cbc-sha256", tunnel=version == 2, tag=certificate.name,
                       certificate=certificate)

    def daemon(self, one, ways):
        return ike.Daemon(one, "strongswan", ways, self.mine.clients, self.mine.roots)


@contextlib.contextmanager
def pki(bench):
    with name_server(bench):
        made = Pki(bench)
        try:
            yield made
        finally:
            made.stop()


def enters(bench, peer, way):
    dial = peer.up(way)
    check(dial.ok, f"{way.name} got no further than {dial.stage}: {dial.text[-300:]}")
    check(peer.one.ping(HOST, 1) == 1, f"{way.name}: a ping was lost")


def leaves(bench, peer, way):
    peer.down(way)
    bench.gateway.wait_subscribers(0)


def strict(bench):
    """Who is good comes in, who was revoked does not; each is asked about at its own place."""
    with pki(bench) as made:
        good = {name: made.way(one, name) for name, one in made.good.items()}
        bad = {name: made.way(one, name) for name, one in made.bad.items()}
        for name in SOURCES:
            made.serve(name)
        with bench.configured(groups=made.config("strict"), remote_access=True):
            peer = made.daemon(bench.client(), [*good.values(), *bad.values()])
            for name in SOURCES:
                refused(bench, peer, bad[name], "revoked")
                enters(bench, peer, good[name])
                leaves(bench, peer, good[name])
            peer.end()
    return f"{len(SOURCES)} sources"


def without_servers(bench):
    """Nobody answers: relaxed lets in and says so in the log, strict refuses."""
    with pki(bench) as made:
        names = ("ocsp", "crl")
        ways = {name: made.way(made.good[name], name) for name in names}
        one = bench.client()
        with bench.configured(groups=made.config("relaxed"), remote_access=True):
            made.say_nothing("ocsp")
            peer = made.daemon(one, list(ways.values()))
            for name in names:
                mark, began = bench.gateway.mark(), time.monotonic()
                enters(bench, peer, ways[name])
                event = bench.gateway.wait_event("revocation-failed", mark)
                check(event["source"] == SOURCES[name][1], f"{event}")
                leaves(bench, peer, ways[name])
                took = time.monotonic() - began
                check(took < 12, f"{took:.1f} s with a server that does not answer")
        with bench.configured(groups=made.config("strict"), remote_access=True):
            refused(bench, peer, ways["crl"], SOURCES["crl"][1])
            peer.end()


def while_connected(bench):
    """Who is revoked while connected gets no further SAs: by a list, when we renew the pair, and by
    a responder, when the client does."""
    with pki(bench) as made:
        made.serve("crl", seconds=60)
        made.serve("ocsp", keep=())
        ways = [made.way(made.good[name], name) for name in ("crl", "ocsp")]
        lines = "  esp-lifetime: 10s\n  rekey-at: 20\n"
        text = made.config("strict", "  refresh: 10s\n")
        with bench.configured(groups=text, ike=lines, remote_access=True):
            peer = made.daemon(bench.client(), ways)
            enters(bench, peer, ways[0])
            mark = bench.gateway.mark()
            bench.gateway.wait_event("esp-up", mark, 10)
            ended_by(bench, mark, lambda: revoke_in_list(made))
            peer.down(ways[0])
            enters(bench, peer, ways[1])
            mark = bench.gateway.mark()
            ended_by(bench, mark, lambda: revoke_at_responder(made))
            peer.down(ways[1])
            peer.end()


def revoke_in_list(made):
    authority = made.authorities["crl"]
    authority.revoke(made.good["crl"])
    authority.show_crl()


def revoke_at_responder(made):
    made.authorities["ocsp"].revoke(made.good["ocsp"])
    made.stop()
    made.serve("ocsp", keep=())


def ended_by(bench, mark, act):
    act()
    event = bench.gateway.wait_event("subscriber-down", mark, 30)
    check("certificate" in event["cause"], f"{event}")
    refusal = bench.gateway.wait_event("ike-refused", mark)
    check("revoked" in refusal["reason"], f"{refusal}")
    bench.gateway.wait_subscribers(0)


def table():
    return {"revocation-strict": strict, "revocation-without-servers": without_servers,
            "revocation-while-connected": while_connected}
