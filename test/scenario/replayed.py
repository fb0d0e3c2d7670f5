#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/pktgen makes: culvert-pktgen installs test sessions on a dataplane without a control
plane, its capture files are replayed twice, and every packet comes out at the other side.

  replayed.py BUILD
"""

import os
import re
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import lab as labs

SESSIONS, PACKETS, TIMES = 20, 100, 2
PORTS = {"sub": ("subscriber", "192.0.2.1", "192.0.2.254"),
         "net": ("network", "198.51.100.1", "198.51.100.254")}
ETH_ALL = 3


def config(lab):
    ports = "".join(f"""
  - name: {name}
    side: {side}
    device: "net_af_packet{number},iface=gw-{name}"
    addresses: [{ours}/24]""" for number, (name, (side, ours, _)) in enumerate(PORTS.items()))
    text = f"""
dataplane: {{socket: {lab.path("dp.sock")}, hugepages: false, memory: 256MiB,
  packet-buffers: 8192}}
ports:{ports}
routes:
  - {{to: 172.16.0.0/12, via: 192.0.2.254}}
  - {{to: 203.0.113.0/24, via: 198.51.100.254}}
listeners: [{{name: public, address: 192.0.2.1, ipsec: optional}}]
pools: [{{name: none, prefixes: [10.255.0.0/24]}}]
"""
    with open(lab.path("config.yaml"), "w") as file:
        file.write(text)
    return lab.path("config.yaml")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise labs.LabError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def open_socket(space, interface):
    """A packet socket in a namespace, kept when we are back in our own."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{space}", os.O_RDONLY)
    try:
        labs.libc.setns(there, 0)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        sock.bind((interface, 0))
    finally:
        labs.libc.setns(here, 0)
        os.close(here)
        os.close(there)
    sock.settimeout(10)
    return sock


def replay(lab, build, sockets, macs, direction, transform, wanted):
    """Sends a capture file twice and returns how many packets came that are wanted."""
    enters, leaves = ("sub", "net") if direction == "uplink" else ("net", "sub")
    path = lab.path(f"{direction}-{transform}.pcap")
    run(f"{build}/bench/culvert-pktgen", "pcap", "--direction", direction, "--to", macs[enters],
        "--transform", transform, "--sessions", str(SESSIONS), "--packets", str(PACKETS),
        "--output", path)
    came = 0
    for frame in list(frames(path)) * TIMES:
        sockets[enters].send(frame)
    while came < PACKETS * TIMES:
        came += wanted(sockets[leaves].recv(2048))
    return came


def is_inner(frame):
    """From an installed subscriber to the host behind the gateway."""
    return frame[12:14] == b"\x08\x00" and frame[30:34] == bytes((203, 0, 113, 9)) and \
        frame[26:29] == bytes((10, 0, 1)) and frame[29] < SESSIONS


def is_outer(frame):
    return frame[12:14] == b"\x08\x00" and frame[26:30] == bytes((192, 0, 2, 1)) and \
        frame[23] in (17, 50)


def main(build):
    with labs.Lab() as lab:
        space = lab.space("all")
        macs, sockets = {}, {}
        for name, (_, _, router) in PORTS.items():
            lab.veth(space, f"gw-{name}", space, f"pg-{name}")
            lab.ip(space, "addr", "add", f"{router}/24", "dev", f"pg-{name}")
            sockets[name] = open_socket(space, f"pg-{name}")
        log = open(lab.path("log"), "w+")
        lab.spawn(f"{build}/dataplane/culvert-dataplane", "-c", config(lab), space=space,
                  stdout=log, stderr=log)

        def ready():
            with open(lab.path("log")) as file:
                text = file.read()
            return text if "dataplane-ready" in text else None
        text = labs.wait_for("ready dataplane", ready, 30)
        for name, (_, ours, _) in PORTS.items():
            # Now the gateway knows its neighbour: for an unknown one few packets may wait.
            lab.inside(space, "ping", "-c", "1", "-W", "5", "-I", f"pg-{name}", ours)
            macs[name] = re.search(rf'"port":"{name}".*?"mac":"([^"]*)"', text).group(1)
        for transform in ("plain", "aes-gcm-128", "aes-cbc-128-sha1"):
            print(run(f"{build}/bench/culvert-pktgen", "install", "--socket",
                      lab.path("dp.sock"), "--transform", transform, "--sessions",
                      str(SESSIONS)).strip())
            for direction, wanted in (("uplink", is_inner), ("downlink", is_outer)):
                replay(lab, build, sockets, macs, direction, transform, wanted)
        print(f"{PACKETS * TIMES} packets each way with each transform")


if __name__ == "__main__":
    main(sys.argv[1])
