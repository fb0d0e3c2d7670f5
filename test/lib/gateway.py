# SPDX-License-Identifier: Apache-2.0
"""The gateway under test: both programs, their configuration, their logs and their API."""

import json
import os
import signal
import subprocess
import time

import lab as labs

PSK = "culvert-psk"
USERS = {"alice": "alice-secret", "bob": "bob-secret", "carol": "carol-secret"}

CONFIG = """
dataplane:
  socket: {run}/dataplane.sock
  workers: {workers}
  idle: adaptive
  hugepages: {hugepages}
  memory: {memory}MiB
ports:
  - name: subscribers
    side: subscriber
    device: "net_af_packet0,iface=culvert-sub"
    addresses: [{wan}/24, "{wan6}/64"]
  - name: network
    side: network
    device: "net_af_packet1,iface=culvert-net"
    addresses: [{net}/24, "{net6}/64"]
listeners:
  - {{name: public, address: {wan}{remote}}}
  - {{name: public6, address: "{wan6}"{remote}}}
ike:
  psks:
    - {{peer: any, secret: {psk}}}
{ike}ppp:
  auth: [{auth}]
  local-address: 100.64.0.1
  dns: [{host}]
{ppp}pools:
  - {{name: default, prefixes: [{pool}], ipv6-prefixes: ["{pool6}"],
     delegated-prefixes: ["{delegated6}"], delegated-length: 56}}
{groups}{radius}users:
{users}
api:
  socket: {run}/api.sock
log:
  level: debug
user: culvert
"""


class Gateway:
    """Owns the two processes and their log files. Without a config of the caller's it writes one
    of its own for the topology; with one, the API is where the command line looks by itself."""

    def __init__(self, lab, topology, build, config=None, workers=1, memory=512, hugepages=False,
                 auth="mschapv2, chap, pap, eap"):
        self.lab = lab
        self.space = topology.gateway
        self.controlplane_space = topology.gateway
        self.build = build
        self.dataplane = self.controlplane = None
        if config:
            self.config, self.run = config, None
            return
        self.run = lab.path("run")
        os.makedirs(self.run, exist_ok=True)
        self.config = lab.path("culvert.yaml")
        self.settings = {"workers": workers, "memory": memory, "auth": auth,
                         "hugepages": "true" if hugepages else "false"}
        self.write()

    def write(self, ike="", groups="", members=None, remote_access=False, radius="", ppp="",
              plain=False):
        """Writes the config, with further lines of its section ike, with further sections, such
        as those for filters and groups, with the group of each user who is in one, with the
        section radius (radius.py), and with further lines of ppp; plain: L2TP without IPsec is
        served as well."""
        group = {name: f", group: {group}" for name, group in (members or {}).items()}
        users = "\n".join(f"  - {{name: {name}, password: {password}{group.get(name, '')}}}"
                          for name, password in USERS.items())
        with open(self.config, "w") as file:
            file.write(CONFIG.format(
                run=self.run, users=users, groups=groups, psk=PSK, ike=ike,
                radius=radius, ppp=ppp,
                remote=(", remote-access: true" if remote_access else "")
                + (", ipsec: optional" if plain else ""),
                wan=labs.GATEWAY_WAN, wan6=labs.GATEWAY_WAN6,
                net6=labs.GATEWAY_NET6, pool6=labs.POOL6, delegated6=labs.DELEGATED6,
                net=labs.GATEWAY_NET, host=labs.HOST_NET, pool=labs.POOL, **self.settings))

    def program(self, name, folder):
        for path in (os.path.join(self.build, folder, name), os.path.join(self.build, name)):
            if os.access(path, os.X_OK):
                return path
        raise labs.LabError(f"no program {name} in {self.build}: build it first")

    # Processes

    def start(self):
        self.start_dataplane()
        self.start_controlplane()

    def start_dataplane(self):
        self.dataplane = self.launch("dataplane", self.space, 60)

    def start_controlplane(self):
        self.controlplane = self.launch("controlplane", self.controlplane_space, 20)

    def launch(self, folder, space, seconds):
        """Starts a program and waits until it says that it is ready."""
        name = f"culvert-{folder}"
        path = self.log_path(folder)
        mark = os.path.getsize(path) if os.path.exists(path) else 0
        with open(path, "a") as log:
            process = self.lab.spawn(self.program(name, folder), "-c", self.config,
                                     space=space, stdout=log, stderr=log)
        try:
            labs.wait_for(f"{folder}-ready of {name}",
                          lambda: process.poll() is not None
                          or self.events(folder, mark, f"{folder}-ready"), seconds)
        except TimeoutError as error:
            raise labs.LabError(f"{error}; its log: {self.tail(folder)}") from error
        if process.poll() is not None:
            raise labs.LabError(f"{name} ended with {process.returncode}: {self.tail(folder)}")
        return process

    def parts(self):
        return [(name, process) for name, process in (("controlplane", self.controlplane),
                                                      ("dataplane", self.dataplane)) if process]

    def ended(self):
        """What ended although nobody asked it to, or an empty text."""
        return "\n".join(f"{name} ended with {process.returncode}: {self.tail(name)}"
                         for name, process in self.parts() if process.poll() is not None)

    def kill_controlplane(self):
        self.controlplane.send_signal(signal.SIGKILL)
        self.controlplane.wait()
        self.controlplane = None

    def restart_controlplane(self):
        status = labs.stop(self.controlplane, 10)
        self.controlplane = None
        if status != 0:
            raise labs.LabError(f"controlplane ended with {status}: {self.tail('controlplane')}")
        self.start_controlplane()

    def stop(self):
        """Ends both in order; returns a text for each that does not end cleanly on request."""
        complaints = []
        for name, process in self.parts():
            status = labs.stop(process, 10)
            if status != 0:
                complaints.append(f"{name} ended with {status}: {self.tail(name)}")
        self.controlplane = self.dataplane = None
        return complaints

    # Logs: one JSON object per line, with what other libraries print between them

    def log_path(self, folder):
        return self.lab.path(f"{folder}.log")

    def mark(self):
        """A place in the control plane's log, for events() to start at."""
        return os.path.getsize(self.log_path("controlplane"))

    def events(self, folder="controlplane", mark=0, name=None):
        found = []
        with open(self.log_path(folder), "rb") as file:
            file.seek(mark)
            for line in file:
                if not line.startswith(b"{") or not line.endswith(b"\n"):
                    continue
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if name is None or event.get("event") == name:
                    found.append(event)
        return found

    def wait_event(self, name, mark, seconds=10, where=lambda event: True):
        """Waits for an event after the mark and returns the first that fits."""
        def look():
            return [event for event in self.events(mark=mark, name=name) if where(event)]
        return labs.wait_for(f"event {name} in the log", look, seconds)[0]

    def tail(self, folder, lines=30):
        with open(self.log_path(folder), errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    # API, by the command line

    def cli(self, *words, check=True):
        socket = ("-s", f"{self.run}/api.sock") if self.run else ()
        done = subprocess.run([self.program("culvert", "cli"), *socket, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=20)
        if check and done.returncode != 0:
            raise labs.LabError(f"culvert {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def show(self, noun):
        """The objects of one noun, as the API gives them."""
        answer = json.loads(self.cli("show", noun, "--json"))
        if isinstance(answer, dict):
            for key in ("items", noun):
                if isinstance(answer.get(key), list):
                    return answer[key]
        return answer

    def overview(self):
        """All that the command line shows, for the evidence of a failure."""
        return "\n".join(f"$ culvert show {noun}\n{self.cli('show', noun, check=False)}"
                         for noun in ("status", "subscribers", "tunnels", "sessions", "sas",
                                      "workers", "ports", "drops", "pools", "groups",
                                      "filters"))

    def wait_subscribers(self, count, seconds=10):
        """Waits until so many subscribers are there and returns them."""
        deadline = time.monotonic() + seconds
        while True:
            there = self.show("subscribers")
            if len(there) == count:
                return there
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(there)} subscribers instead of {count} after "
                                   f"{seconds} s: {there}")
            time.sleep(0.1)
