#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends an empty frame to a client's TAP every 20 ms, until it is ended: nudge.py TAP

User Mode Linux now and then misses that a frame has arrived, and takes it only with the next one:
on a busy machine an answer then lies there until somebody's timer runs out, seconds later. These
frames have an EtherType of local experiments, which the client drops, and reach nobody else.
"""

import socket
import sys
import time

FRAME = b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + b"\x88\xb5" + bytes(46)
SECONDS = 0.02


def main():
    tap = sys.argv[1]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((tap, 0))
        while True:
            time.sleep(SECONDS)
            try:
                raw.send(FRAME, socket.MSG_DONTWAIT)
            except OSError:
                pass  # no kernel behind the TAP now, or its queue is full


if __name__ == "__main__":
    main()
