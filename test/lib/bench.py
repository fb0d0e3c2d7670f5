# SPDX-License-Identifier: Apache-2.0
"""The bench that scenarios and interop cases stand on: gateway, host, clients on demand."""

import contextlib
import json
import os

import ca
import client as clients
import gateway as gateways
import lab as labs
import runner

HOST = labs.HOST_NET
GATEWAY_NAME = "vpn.example.org"
GATEWAY_NAMES = (f"DNS:{GATEWAY_NAME}", f"IP:{labs.GATEWAY_WAN}", f"IP:{labs.GATEWAY_WAN6}")
SOURCE, SINK, MEBIBYTES = 7001, 7002, 4
BULK_SOURCE, BULK_SINK, BULK_MEBIBYTES = 7003, 7004, 10
SMALL_SOURCE, SMALL_SINK, SMALL_MEBIBYTES = 7005, 7006, 1

# Where a client is: bridge, address by its number, router.
DIRECT = ("wan", "192.0.2.{}/24", "")
WAN6 = "2001:db8:0:1::{}/64"
NAT = ("lan", "10.9.0.{}/24", labs.NAT_LAN)
ROUTED = ("lan", "192.0.2.1{}/24", "")  # behind the router that the NAT is, and not translated


class Host:
    """The host behind the gateway, which moves bytes over TCP (see peer.py)."""

    def __init__(self, lab, space, source=SOURCE, sink=SINK, mebibytes=MEBIBYTES):
        self.source, self.sink, self.mebibytes = source, sink, mebibytes
        self.log = lab.path(f"host-{source}.log")
        with open(self.log, "w") as log:
            lab.spawn(os.path.join(clients.TOP, "test", "lib", "peer.py"), str(source),
                      str(sink), str(mebibytes), space=space, stdout=log)
        labs.wait_for("host behind the gateway", self.mark, 10)

    def mark(self):
        """A place in its log, taken before a transfer begins."""
        return os.path.getsize(self.log)

    def report(self, mark, seconds=10):
        """Waits for what the host says of the transfer that began at the mark."""
        def look():
            with open(self.log) as file:
                file.seek(mark)
                return [json.loads(line) for line in file if line.endswith("\n")]
        return labs.wait_for("the host's report", look, seconds)[0]


class Authorities:
    """Two roots, one for each kind of key, and what they issued to the gateway and to a client. A
    client who trusts one of them alone is shown that one's certificate. The client's have names of
    their own: strongSwan finds a key by the name alone."""

    def __init__(self, lab):
        self.roots = {kind: ca.Authority(lab, f"{kind}-root", kind) for kind in ca.KEYS}
        self.gateway = {kind: root.issue(GATEWAY_NAME, kind, GATEWAY_NAMES)
                        for kind, root in self.roots.items()}
        self.clients = {kind: root.issue(f"alice-{kind}", kind, [f"email:alice-{kind}@example.org"])
                        for kind, root in self.roots.items()}

    def config(self, of_rsa=""):
        """The section of the gateway's configuration, with further lines of the first root."""
        own = "".join(f"    - {{certificate: {one.chain}, key: {one.key}}}\n"
                      for one in self.gateway.values())
        more = {"rsa": of_rsa}
        roots = "".join(f"    - certificate: {root.path}\n{more.get(kind, '')}"
                        for kind, root in self.roots.items())
        return f"certificates:\n  own:\n{own}  authorities:\n{roots}"


class Bench:
    """The laboratory that all cases share: gateway, host, and clients that boot when needed."""

    def __init__(self, lab, options):
        self.lab = lab
        self.sanitized = options.sanitized
        self.topology = labs.Topology(lab)
        self.gateway = gateways.Gateway(lab, self.topology, options.build,
                                        workers=options.workers)
        self.clients = {}
        self.made = None
        self.host = Host(lab, self.topology.net)
        self.bulk = Host(lab, self.topology.net, BULK_SOURCE, BULK_SINK, BULK_MEBIBYTES)
        self.small = Host(lab, self.topology.net, SMALL_SOURCE, SMALL_SINK, SMALL_MEBIBYTES)
        self.gateway.start()

    def authorities(self):
        if not self.made:
            self.made = Authorities(self.lab)
        return self.made

    @contextlib.contextmanager
    def configured(self, **sections):
        """For the time of a with: the gateway with another configuration (see Gateway.write)."""
        self.gateway.write(**sections)
        self.gateway.restart_controlplane()
        try:
            yield
        finally:
            self.gateway.write()
        self.gateway.restart_controlplane()

    def client(self, name="a", place=DIRECT):
        """A booted client with a cable to the given place."""
        last = 11 + sorted("ab").index(name)
        bridge, address, router = place[0], place[1].format(last), place[2]
        one = self.clients.get(name)
        if not one:
            one = clients.Client(self.lab, name, self.topology.sub, bridge, address, router,
                                 WAN6.format(last))
            self.clients[name] = one
        if not one.process or one.process.poll() is not None:
            one.address, one.router = address, router
            self.lab.plug(self.topology.sub, one.tap, bridge)
            one.boot()
        elif (one.address, one.router) != (address, router):
            self.lab.plug(self.topology.sub, one.tap, bridge)
            one.move(address, router)
        return one

    def dial(self, one, settings=None, **changes):
        """Connects and fails the case with the reason if that does not work."""
        dial = one.up(settings, **changes)
        runner.check(dial.ok, f"client {one.name} got no further than {dial.stage}: "
                              f"{dial.text.strip()[-300:]}")
        return dial

    def capture(self):
        """Captures both sides of the gateway; the files are kept when a case fails."""
        # Without the bulk of what is inside: 128 bytes show every header.
        return [clients.Capture(self.lab, space, interface, "", name, 128)
                for space, interface, name in ((self.topology.sub, "to-gw", "subscriber-side"),
                                               (self.topology.net, "net0", "network-side"))]

    def settle(self):
        """Brings everything back to where a case may begin, whatever happened."""
        for one in self.clients.values():
            if one.process.poll() is None:
                try:
                    one.down()
                except (TimeoutError, clients.CommandFailed):
                    one.vanish()
        self.gateway.stop()
        self.gateway.start()

    def close(self):
        """Ends everything; returns what the gateway's programs had to complain about."""
        for one in self.clients.values():
            one.halt()
        return self.gateway.stop()
