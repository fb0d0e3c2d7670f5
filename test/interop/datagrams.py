#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that sends every UDP datagram back as it came, whatever its length.

    datagrams.py PORT
"""

import socket
import sys


def main():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("", int(sys.argv[1])))
    while True:
        data, there = one.recvfrom(65535)
        one.sendto(data, there)


if __name__ == "__main__":
    main()
