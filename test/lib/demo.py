#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration that ./run starts: the gateway, a real client through it, and what to see.

    demo.py BUILD HUGEPAGES(true|false) [--once]

Everything that it makes goes when it ends, however it ends.
"""

import os
import shutil
import socket
import sys
import time

import bench as benches
import client as clients
import gateway as gateways
import lab as labs

RUN = "/run/culvert"
USER, PASSWORD, PSK = "demo", "demo-password", "culvert-demo"
REFRESH = 2.0


def say(text):
    print(f"==> {text}", flush=True)


def indent(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


def answers(path):
    """Whether a program listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(path)
        except OSError:
            return False
        return True


class Demo:
    """Owns the laboratory's gateway and client, and what they leave in RUN."""

    def __init__(self, lab, build, hugepages):
        self.lab = lab
        say("makes namespaces: clients, gateway, and a host behind it")
        self.topology = labs.Topology(lab, nat=False)
        self.gateway = gateways.Gateway(lab, self.topology, build,
                                        config=self.config(hugepages))
        # The packets stay in the namespace of the dataplane; the API is on this machine.
        self.gateway.controlplane_space = None
        self.host = benches.Host(lab, self.topology.net)
        self.client = None
        self.made_run = False

    def config(self, hugepages):
        path = os.path.join(clients.TOP, "configs", "demo.yaml")
        if hugepages:
            return path
        with open(path) as file:
            text = file.read()
        changed = self.lab.path("demo.yaml")
        with open(changed, "w") as file:
            file.write(text.replace("hugepages: true", "hugepages: false"))
        return changed

    def start(self):
        if any(answers(os.path.join(RUN, name)) for name in ("dataplane.sock", "api.sock")):
            raise labs.LabError(f"a gateway of this machine's own uses {RUN}; end that one first")
        shutil.rmtree(RUN, ignore_errors=True)
        os.mkdir(RUN)
        self.made_run = True
        say("starts culvert-dataplane and culvert-controlplane with configs/demo.yaml")
        self.gateway.start()

    def dial(self):
        say("boots a client: a Linux kernel of its own with strongSwan, xl2tpd and pppd")
        bridge, address, router = benches.DIRECT
        self.client = clients.Client(self.lab, "demo", self.topology.sub, bridge,
                                     address.format(11), router)
        self.client.boot()
        say("dials in: IKEv1, ESP, L2TP, PPP")
        dial = self.client.up(user=USER, password=PASSWORD, psk=PSK, esp="aes128gcm16")
        if not dial.ok:
            raise labs.LabError(f"the client got no further than {dial.stage}:\n{dial.text}\n"
                                f"{self.client.logs()}")
        say(f"connected: {dial.address}, {dial.seconds:.2f} s after the first IKE packet")
        self.show("subscribers")

    def show(self, noun):
        print(f"\n    $ culvert show {noun}\n{indent(self.gateway.cli('show', noun))}",
              flush=True)

    def move(self):
        say(f"pings {labs.HOST_NET}, the host behind the gateway, through the workers")
        answers = self.client.ping(labs.HOST_NET, 5)
        print(f"    {answers} of 5 answered", flush=True)
        size = benches.MEBIBYTES
        say(f"reads {size} MiB over TCP")
        mark, start = self.host.mark(), time.monotonic()
        taken, digest = self.client.download(labs.HOST_NET, benches.SOURCE)
        seconds = time.monotonic() - start
        same = self.host.report(mark)["sha256"] == digest
        print(f"    {taken} bytes in {seconds:.1f} s, sha256 {digest[:16]}..., "
              f"{'the same as' if same else 'NOT as'} sent", flush=True)
        for noun in ("workers", "ports"):
            self.show(noun)
        return answers == 5 and same

    def tell(self):
        culvert = os.path.relpath(self.gateway.program("culvert", "cli"))
        space = self.topology.net
        print(f"""==> the gateway runs. In another terminal:
    {culvert} show subscribers        also tunnels, sessions, sas, workers, ports, drops, pools
    {culvert} show status --json
    curl --unix-socket {RUN}/api.sock http://culvert/v1/subscribers
    curl http://127.0.0.1:8080/v1/status
    ip netns exec {space} ping 100.64.0.2        from the host behind the gateway to the client
    tail -f {self.gateway.log_path('controlplane')}
Ctrl-C ends it and removes everything that it made.
""", flush=True)

    def watch(self):
        """Shows counters while a ping goes on, until somebody ends the program."""
        self.client.start(f"ping -n -i 0.5 {labs.HOST_NET}")
        terminal = sys.stdout.isatty()
        lines = 0
        while True:
            if self.gateway.ended():
                raise labs.LabError(self.gateway.ended())
            if terminal:
                text = time.strftime("%H:%M:%S\n") + self.gateway.cli("show", "workers")
                print(f"\x1b[{lines}A\x1b[J" if lines else "", end="")
                print(indent(text), end="", flush=True)
                lines = len(text.splitlines())
            time.sleep(REFRESH)

    def close(self):
        say("ends: client, both programs, namespaces")
        if self.client and self.client.process and self.client.process.poll() is None:
            self.client.vanish()
        complaints = self.gateway.stop()
        for complaint in complaints:
            print(complaint)
        if self.made_run:
            shutil.rmtree(RUN, ignore_errors=True)
        return not complaints


def main():
    build, hugepages = sys.argv[1], sys.argv[2] == "true"
    once = "--once" in sys.argv[3:]
    labs.turn_signals_into_exit()
    good = False
    with labs.Lab() as lab:
        demo = Demo(lab, build, hugepages)
        try:
            demo.start()
            demo.dial()
            good = demo.move()
            if not once:
                demo.tell()
                demo.watch()
        except (labs.LabError, TimeoutError, clients.CommandFailed) as error:
            good = False
            print(f"FAILED: {error}", flush=True)
        finally:
            good = demo.close() and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
