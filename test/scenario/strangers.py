#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends what strangers send to a gateway; run it in a namespace on the subscriber side.

    strangers.py noise ADDRESS      bytes without sense to every door, always the same ones
    strangers.py sccrq ADDRESS      one L2TP SCCRQ in clear; prints "answered" or "silence"
"""

import random
import socket
import struct
import sys

DOORS = (500, 4500, 1701)


def noise(address):
    dice = random.Random(1)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    esp = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
    # An IKE header whose lengths and next payloads lead on, so that more than its check is met.
    ike = bytes(range(1, 9)) + bytes(8) + struct.pack("!BBBBII", 1, 0x10, 2, 0, 0, 200)
    for turn in range(300):
        body = dice.randbytes(dice.randrange(0, 1400))
        for port in DOORS:
            udp.sendto(body, (address, port))
        udp.sendto(ike + dice.randbytes(172), (address, 500))
        udp.sendto(bytes(4) + ike + dice.randbytes(172), (address, 4500))
        # L2TP headers with every set of flags, versions 2 and 3.
        flags = struct.pack("!H", (dice.randrange(256) << 8) | (2 + turn % 2))
        udp.sendto(flags + body[:200], (address, 1701))
        esp.sendto(body, (address, 0))
        esp.sendto(struct.pack("!II", dice.randrange(1 << 24), turn) + body, (address, 0))


def avp(kind, value):
    return struct.pack("!HHH", 0x8000 | (6 + len(value)), 0, kind) + value


def sccrq(address):
    avps = (avp(0, struct.pack("!H", 1)) + avp(2, b"\1\0") + avp(7, b"stranger")
            + avp(3, struct.pack("!I", 3)) + avp(9, struct.pack("!H", 7))
            + avp(10, struct.pack("!H", 4)))
    message = struct.pack("!HHHHHH", 0xC802, 12 + len(avps), 0, 0, 0, 0) + avps
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", 1701))
    udp.settimeout(2)
    udp.sendto(message, (address, 1701))
    try:
        udp.recvfrom(2048)
        print("answered")
    except TimeoutError:
        print("silence")


if __name__ == "__main__":
    {"noise": noise, "sccrq": sccrq}[sys.argv[1]](sys.argv[2])
