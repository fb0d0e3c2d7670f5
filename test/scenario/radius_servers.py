#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client of RADIUS against real FreeRADIUS servers: UDP, Status-Server and RadSec, a server
that goes silent and comes back, a verdict that takes its time; and the gateway's own program,
which connects again after it has given up its privileges. It makes namespaces of its own.

    radius_servers.py BUILD
"""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import ca
import lab as labs
import radius

MANY = 2000
PUSH_S = 8
FAILOVER_MS = 500 + 1000 + 2 * 500  # two tries of half a second, then Status-Server twice
TIMES = "timeout: 500ms, tries: 2"

CONFIG = """
dataplane: {{socket: {run}/dataplane.sock}}
ports:
  - {{name: s, side: subscriber, device: "net_null0", addresses: [192.0.2.1/24]}}
  - {{name: n, side: network, device: "net_null1", addresses: [198.51.100.1/24]}}
listeners: [{{name: l, address: 192.0.2.1}}]
ike: {{psks: [{{peer: any, secret: not-a-secret}}]}}
ppp: {{local-address: 100.64.0.1}}
pools: [{{name: p, prefixes: [100.64.0.0/16]}}]
users: [{{name: u, password: not-a-secret}}]
api: {{socket: {run}/api.sock}}
user: culvert
{radius}"""


def check(true, text):
    if not true:
        raise labs.LabError(text)


class Scenario:
    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.space = lab.space("radius")
        lab.inside(self.space, "ip", "link", "set", "lo", "up")
        authority = ca.Authority(lab, "radius-root", "ecdsa")
        self.root = authority
        self.client = authority.issue("gateway", "ecdsa", ["DNS:gateway.example.org"])
        server = authority.issue("radius", "ecdsa", ["DNS:radius.example.org", "IP:127.0.0.1"])
        self.servers = [radius.Server(lab, self.space, name, port=port, certificate=server,
                                      authorities=[authority])
                        for name, port in (("first", 1812), ("second", 2812))]
        for one in self.servers:
            one.user("alice", "secret")
            one.user("push", "secret")
            one.delay("push", PUSH_S)
            one.start()
        self.config = lab.path("culvert.yaml")

    def write(self, servers, more=""):
        with open(self.config, "w") as file:
            file.write(CONFIG.format(run=self.lab.path("run"),
                                     radius="radius:\n" + more + "  servers:\n" + servers))

    def udp(self, *more):
        return "".join(one.entry(f"priority: {i + 1}, {TIMES}" + "".join(more))
                       for i, one in enumerate(self.servers))

    def tls(self, name="radius.example.org", authority=None):
        files = (f"tls-authorities: {(authority or self.root).path}, "
                 f"tls-certificate: {self.client.path}, tls-key: {self.client.key}")
        name = f", tls-name: {name}" if name else ""
        return "".join(one.entry(f"priority: {i + 1}, {TIMES}, {files}{name}", "tls")
                       for i, one in enumerate(self.servers))

    def begin(self, *words, most=500):
        program = os.path.join(self.build, "controlplane", "radius_ask")
        return self.lab.spawn(program, self.config, str(most), *words, space=self.space,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process, seconds=60):
        out, err = process.communicate(timeout=seconds)
        check(process.returncode == 0, f"radius_ask ended with {process.returncode}: {err[-2000:]}")
        lines = [json.loads(line) for line in out.splitlines()]
        return ({line["name"]: line for line in lines if "name" in line},
                {line["server"]: line for line in lines if "server" in line}, err)

    def ask(self, *words, **options):
        return self.end(self.begin(*words, **options))

    # ---- what is asked

    def many(self, transport):
        """Thousands, right and wrong passwords; all by the first."""
        began = time.monotonic()
        words, servers, log = self.ask(f"alice:secret:{MANY}", "alice:wrong:100", most=250)
        first = servers["first"]
        check(first["answers"] == MANY + 100 and first["bad"] == 0 and not first["dead"],
              f"{transport}: {words} {servers} {log}")
        check(servers["second"]["answers"] == 0, f"{transport}: the second was asked: {servers}")
        return f"{transport}: {MANY + 100} answers in {time.monotonic() - began:.1f} s"

    def accounting(self, transport):
        """Every record that is answered is a row of the database. Few at a time: what its SQL
        module cannot take at once FreeRADIUS drops."""
        rows = len(self.servers[0].rows())
        words, servers, log = self.ask("bob::100", most=4)
        check(words["bob"]["accounted"] == 100, f"{transport}: {words} {servers} {log}")
        rows = len(self.servers[0].rows()) - rows
        check(rows == 100, f"{transport}: {rows} rows of 100 records")

    def verdicts(self, transport):
        words, _servers, log = self.ask("alice:secret:3")
        check(words["alice"]["accepted"] == 3, f"{transport}: {words} {log}")
        words, _servers, log = self.ask("alice:wrong:3")
        check(words["alice"]["rejected"] == 3, f"{transport}: {words} {log}")

    def push(self, transport):
        """One verdict takes its time; the others do not wait, and it is asked of one alone."""
        words, servers, log = self.ask("push:secret:1", "alice:secret:1000", most=100)
        check(words["push"]["accepted"] == 1 and words["alice"]["accepted"] == 1000,
              f"{transport}: {words} {servers} {log}")
        check(words["push"]["most_ms"] >= PUSH_S * 1000, f"{transport}: {words}")
        check(words["alice"]["ended_ms"] < PUSH_S * 1000,
              f"{transport}: the others waited: {words}")
        check(servers["first"]["deaths"] == 0 and servers["second"]["answers"] == 0,
              f"{transport}: {servers} {log}")
        return (f"{transport}: 1000 others within {words['alice']['ended_ms']} ms "
                f"of a push of {PUSH_S} s")

    def alone(self):
        """The same with nobody else about: Status-Server shows that the server lives."""
        words, servers, log = self.ask("push:secret:1")
        check(words["push"]["accepted"] == 1, f"alone: {words} {servers} {log}")
        check(servers["first"]["status_answers"] >= 1 and servers["first"]["deaths"] == 0,
              f"alone: {servers} {log}")

    def failover(self, transport):
        """The first is there and says nothing: all answers come from the second, in time."""
        self.servers[0].pause()
        try:
            words, servers, log = self.ask("alice:secret:200")
        finally:
            self.servers[0].go_on()
        check(words["alice"]["accepted"] == 200, f"{transport}: {words} {servers} {log}")
        check(servers["first"]["dead"] and servers["second"]["answers"] == 200,
              f"{transport}: {servers} {log}")
        check(words["alice"]["most_ms"] < FAILOVER_MS + 1500, f"{transport}: {words}")
        return f"{transport}: failover in {words['alice']['most_ms']} ms"

    def restarted(self):
        """Nobody listens at first, as the system says; the same request is answered after."""
        self.write(self.servers[0].entry("timeout: 1s, tries: 4"))
        self.servers[0].kill()
        process = self.begin("alice:secret:5")
        self.servers[0].start()
        words, servers, log = self.end(process)
        check(words["alice"]["accepted"] == 5, f"restarted: {words} {servers} {log}")
        check(servers["first"]["deaths"] == 0, f"restarted: {servers} {log}")
        check(servers["first"]["retransmits"] >= 5, f"restarted: it listened: {servers}")

    # ---- the gateway's own program

    def shown(self):
        program = os.path.join(self.build, "cli", "culvert")
        done = subprocess.run([program, "-s", self.lab.path("run", "api.sock"), "show", "radius",
                               "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            return {}
        answer = json.loads(done.stdout)
        return {(row["server"], row["kind"]): row for row in answer["radius"]}

    def connected(self, name, want=True):
        row = self.shown().get((name, "authentication"))
        return row is not None and row["connected"] is want and (
            not want or row["state"] == "live")

    def program(self):
        """It reads its key as root, and connects again as its own user under its filter."""
        os.makedirs(self.lab.path("run"), exist_ok=True)
        self.write(self.tls(), more="  hold-off: 1s\n")
        path = os.path.join(self.build, "controlplane", "culvert-controlplane")
        done = subprocess.run([path, "--check", "-c", self.config], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0, f"--check: {done.stdout}")
        log = self.lab.path("controlplane.log")
        with open(log, "w") as out:
            process = self.lab.spawn(path, "-c", self.config, space=self.space, stdout=out,
                                     stderr=out)
        try:
            for name in ("first", "second"):
                labs.wait_for(f"RadSec to {name}", lambda: self.connected(name), 10)
            check(os.stat(f"/proc/{process.pid}").st_uid != 0, "it is root still")
            self.servers[0].kill()
            labs.wait_for("the loss of the first", lambda: self.connected("first", False), 10)
            labs.wait_for("the death of the first", lambda: self.shown()[
                ("first", "authentication")]["state"] == "dead", 15)
            self.servers[0].start()
            labs.wait_for("the return of the first", lambda: self.connected("first"), 15)
            status = labs.stop(process, 10)
            check(status == 0, f"it ended with {status}")
        except Exception as error:
            with open(log) as file:
                raise labs.LabError(f"{error}; its log: {file.read()[-3000:]}") from error

    def refuses(self, *, name="radius.example.org", authority=None, reason):
        self.write(self.tls(name, authority))
        words, _servers, log = self.ask("alice:secret:1")
        check(words["alice"]["no_server"] == 1 and reason in log, f"{reason}: {words} {log}")

    def run(self):
        said = []
        self.write(self.udp())
        self.verdicts("udp")
        self.accounting("udp")
        said += [self.many("udp"), self.push("udp")]
        self.alone()
        said.append(self.failover("udp"))
        self.restarted()
        self.write(self.tls())
        self.verdicts("tls")
        self.accounting("tls")
        said += [self.many("tls"), self.push("tls"), self.failover("tls")]
        self.write(self.tls(name=""))
        self.verdicts("tls by address")
        self.refuses(name="other.example.org", reason="hostname mismatch")
        self.refuses(authority=ca.Authority(self.lab, "other-root", "ecdsa"),
                     reason="certificate is refused")
        self.program()
        print("; ".join(said))


def main():
    labs.turn_signals_into_exit()
    with labs.Lab() as lab:
        try:
            Scenario(lab, os.path.abspath(sys.argv[1])).run()
        except (labs.LabError, TimeoutError) as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
