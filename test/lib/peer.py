#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The host behind the gateway: moves bytes over TCP and says what it moved.

    peer.py PORT_SOURCE PORT_SINK MEBIBYTES

A connection to the first port is sent that many random bytes; one to the second is read to its
end. Each ends with one line of JSON on standard output: direction, bytes, sha256, peer.
"""

import hashlib
import json
import os
import selectors
import socket
import sys
import threading

BLOCK = 65536


def report(direction, size, digest, address):
    print(json.dumps({"direction": direction, "bytes": size, "sha256": digest.hexdigest(),
                      "peer": address[0]}), flush=True)


def send_all(connection, address, total):
    digest, sent = hashlib.sha256(), 0
    with connection:
        while sent < total:
            block = os.urandom(min(BLOCK, total - sent))
            connection.sendall(block)
            digest.update(block)
            sent += len(block)
        connection.shutdown(socket.SHUT_WR)
        # Until the other side has taken all of it and closes.
        while connection.recv(BLOCK):
            pass
    report("sent", sent, digest, address)


def take_all(connection, address):
    digest, taken = hashlib.sha256(), 0
    with connection:
        while block := connection.recv(BLOCK):
            digest.update(block)
            taken += len(block)
    report("taken", taken, digest, address)


def serve(connection, address, total):
    try:
        if total is None:
            take_all(connection, address)
        else:
            send_all(connection, address, total)
    except OSError as error:
        print(json.dumps({"direction": "failed", "cause": str(error), "peer": address[0]}),
              flush=True)


def main():
    source, sink, mebibytes = (int(word) for word in sys.argv[1:])
    selector = selectors.DefaultSelector()
    for port, total in ((source, mebibytes << 20), (sink, None)):
        listener = socket.create_server(("", port), family=socket.AF_INET6,
                                        dualstack_ipv6=True)
        selector.register(listener, selectors.EVENT_READ, total)
    print(json.dumps({"direction": "ready"}), flush=True)
    while True:
        for key, _ in selector.select():
            connection, address = key.fileobj.accept()
            threading.Thread(target=serve, args=(connection, address, key.data),
                             daemon=True).start()


if __name__ == "__main__":
    main()
