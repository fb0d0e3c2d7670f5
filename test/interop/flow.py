#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that moves bytes over TCP at a steady pace, both ways, for as long as a case wants.

    flow.py PORT_SOURCE PORT_SINK KILOBYTES_PER_SECOND SECONDS

A connection to the first port is sent bytes at that pace for so long; one to the second is read to
its end. Each ends with one line of JSON on standard output: direction, bytes.
"""

import json
import socket
import sys
import threading
import time

STEP = 0.05


def say(**what):
    print(json.dumps(what), flush=True)


def source(connection, rate, seconds):
    block, sent = bytes(int(rate * 1000 * STEP)), 0
    with connection:
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < seconds:
            connection.sendall(block)
            sent += len(block)
            time.sleep(max(0, sent / (rate * 1000) - now))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    say(direction="sent", bytes=sent)


def sink(connection):
    taken = 0
    with connection:
        while block := connection.recv(65536):
            taken += len(block)
    say(direction="taken", bytes=taken)


def listen(port, serve, *rest):
    listener = socket.create_server(("", port))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, *rest), daemon=True).start()


def main():
    ports, rate, seconds = [int(word) for word in sys.argv[1:3]], *map(float, sys.argv[3:5])
    threading.Thread(target=listen, args=(ports[0], source, rate, seconds), daemon=True).start()
    threading.Thread(target=listen, args=(ports[1], sink), daemon=True).start()
    say(direction="ready")
    threading.Event().wait()


if __name__ == "__main__":
    main()
