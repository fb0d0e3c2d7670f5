#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""VLAN devices for a kernel that has none: a TAP device for each VLAN, whose frames go through an
Ethernet interface with tags on them.

Usage: vlans.py INTERFACE NAME=ID[.ID]...    (of two ids the first is the outer one, 802.1ad)
Prints "ready" and serves until it is ended.
"""

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
ETH_P_ALL = 3
TAG, OUTER_TAG = 0x8100, 0x88A8
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
VLAN_VALID, VLAN_TPID_VALID = 1 << 4, 1 << 6
FRAME = 65536


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_trunk(interface):
    trunk = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    trunk.bind((interface, ETH_P_ALL))
    trunk.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return trunk


def receive(trunk):
    """One frame as it was on the wire: the kernel takes the first tag off and tells it aside.
    None for one that this host sent."""
    try:
        frame, others, _, sender = trunk.recvmsg(FRAME, socket.CMSG_SPACE(AUXDATA.size))
    except OSError:
        return None  # the link went down
    if sender[2] == PACKET_OUTGOING:
        return None
    for level, kind, data in others:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(data[:AUXDATA.size])
            if status & VLAN_VALID:
                kind = tpid if status & VLAN_TPID_VALID else TAG
                return frame[:12] + struct.pack("!HH", kind, tci) + frame[12:]
    return frame


def tags_of(ids):
    kinds = [OUTER_TAG] * (len(ids) - 1) + [TAG]
    return b"".join(struct.pack("!HH", kind, vlan) for kind, vlan in zip(kinds, ids))


def main(interface, *vlans):
    trunk = open_trunk(interface)
    taps = {}
    for vlan in vlans:
        name, ids = vlan.split("=")
        taps[open_tap(name)] = tags_of([int(i) for i in ids.split(".")])
    print("ready", flush=True)
    while True:
        for source in select.select([trunk, *taps], [], [])[0]:
            if source is trunk:
                frame = receive(trunk)
                # What has the tags of one VLAN and then none more.
                for tap, tags in taps.items():
                    end = 12 + len(tags)
                    if (frame and frame[12:end] == tags and
                            frame[end:end + 2] not in (tags[:2], b"\x81\x00", b"\x88\xa8")):
                        try:
                            os.write(tap, frame[:12] + frame[end:])
                        except OSError:
                            pass  # the device is down
            else:
                try:
                    frame = os.read(source, FRAME)
                    trunk.send(frame[:12] + taps[source] + frame[12:])
                except OSError:
                    pass  # the link is down


if __name__ == "__main__":
    main(*sys.argv[1:])
