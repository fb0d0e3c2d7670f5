#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A name server: every name below one domain is the address that it listens at.

    names.py ADDRESS DOMAIN

Other questions are answered with "no such name", and those for anything but an IPv4 address with
nothing.
"""

import socket
import struct
import sys

A, REFUSED_NAME = 1, 3
ANSWER, SECONDS = 0x8580, 5


def question(packet):
    """The labels that are asked for, the type, and where the question ends."""
    at, labels = 12, []
    while packet[at]:
        length = packet[at]
        labels.append(packet[at + 1:at + 1 + length].decode(errors="replace").lower())
        at += 1 + length
    return labels, struct.unpack_from("!H", packet, at + 1)[0], at + 5


def answer(packet, domain, address):
    labels, kind, end = question(packet)
    known = ".".join(labels).endswith(f".{domain}")
    records = b""
    if known and kind == A:
        records = (struct.pack("!HHHIH", 0xc00c, A, 1, SECONDS, 4) + socket.inet_aton(address))
    head = packet[:2] + struct.pack("!HHHHH", ANSWER | (0 if known else REFUSED_NAME), 1,
                                    1 if records else 0, 0, 0)
    return head + packet[12:end] + records


def main():
    address, domain = sys.argv[1:]
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((address, 53))
    while True:
        packet, peer = line.recvfrom(4096)
        try:
            line.sendto(answer(packet, domain, address), peer)
        except (IndexError, struct.error):
            pass


if __name__ == "__main__":
    main()
