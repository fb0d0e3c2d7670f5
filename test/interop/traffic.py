# SPDX-License-Identifier: Apache-2.0
"""What a connected client must be able to do."""

from bench import HOST
from runner import check


def moves_traffic(bench, one, mtu=1400):
    """Small and large packets both ways, with and without fragments, and TCP both ways."""
    check(one.ping(HOST) == 3, "a plain ping was lost")
    check(one.ping(HOST, size=mtu - 28, df=True) == 3, f"a ping of {mtu} bytes with DF was lost")
    check(one.ping(HOST, size=4000) == 3, "a ping of 4000 bytes was lost")
    moves_tcp(bench, one)


def moves_tcp(bench, one, end=None, address=HOST):
    end = end or bench.host
    for direction in ("sent", "taken"):
        mark = end.mark()
        if direction == "sent":
            size, digest = one.download(address, end.source)
        else:
            size, digest = one.upload(address, end.sink, end.mebibytes)
        host = end.report(mark)
        check(host["direction"] == direction, f"the host says '{host}'")
        check(size == host["bytes"] == end.mebibytes << 20,
              f"{size} bytes here, {host['bytes']} at the host")
        check(digest == host["sha256"], f"{size} bytes {direction} by the host were changed")
