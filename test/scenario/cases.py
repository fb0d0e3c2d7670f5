# SPDX-License-Identifier: Apache-2.0
"""What the gateway does with its neighbours, with strangers and with a wrong configuration.

No client boots here: the host's own stack at the far ends of the ports is enough.
"""

import os
import subprocess

import lab as labs
from runner import check

HERE = os.path.dirname(os.path.abspath(__file__))
STRANGERS = os.path.join(HERE, "strangers.py")


def pings(bench, space, address, size=56):
    text = bench.lab.inside(space, "ping", "-n", "-c", "5", "-i", "0.1", "-W", "2", "-s",
                            str(size), address, check=False)
    return " 5 received" in text or " 4 received" in text  # the first may wait for ARP


def answers_neighbours(bench):
    """ARP and ICMP echo of both own addresses, small and as large as the link."""
    for space, address in ((bench.topology.nat, labs.GATEWAY_WAN),
                           (bench.topology.net, labs.GATEWAY_NET)):
        for size in (56, 1472):
            check(pings(bench, space, address, size), f"no answer to {size} bytes at {address}")


def learns_anew(bench):
    """A neighbour that comes back with another MAC is found again."""
    space = bench.topology.net
    check(pings(bench, space, labs.GATEWAY_NET), "no answer before")
    bench.lab.ip(space, "link", "set", "net0", "address", "02:00:00:00:00:77")
    bench.lab.inside(space, "ip", "neigh", "flush", "all")
    check(pings(bench, space, labs.GATEWAY_NET), "no answer after the MAC changed")


def outlives_noise(bench):
    """Bytes without sense at every door: counted by name, and nobody else notices."""
    before = total(bench.gateway.show("drops"))
    bench.lab.inside(bench.topology.nat, STRANGERS, "noise", labs.GATEWAY_WAN)
    check(pings(bench, bench.topology.nat, labs.GATEWAY_WAN), "no answer after the noise")
    dropped = total(bench.gateway.show("drops")) - before
    check(dropped >= 300, f"only {dropped} packets of the noise were dropped by name")
    return f"{dropped} drops"


def total(drops):
    return sum(drop["packets"] for drop in drops)


def refuses_clear_l2tp(bench):
    text = bench.lab.inside(bench.topology.nat, STRANGERS, "sccrq", labs.GATEWAY_WAN)
    check("silence" in text, "L2TP without IPsec was answered")
    check(not bench.gateway.show("tunnels"), "a tunnel was made without IPsec")


def refuses_bad_config(bench, change, expected):
    """Neither program starts with it; both say the line and what to do."""
    path = bench.lab.path("bad.yaml")
    with open(bench.gateway.config) as file:
        good = file.read()
    bad = good.replace(*change)
    check(bad != good, "the template has changed")
    with open(path, "w") as file:
        file.write(bad)
    number = next(i for i, (old, new) in enumerate(zip(good.splitlines(), bad.splitlines()), 1)
                  if old != new)
    for folder in ("controlplane", "dataplane"):
        name = f"culvert-{folder}"
        done = subprocess.run(["ip", "netns", "exec", bench.topology.gateway,
                               bench.gateway.program(name, folder), "-c", path],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20)
        check(done.returncode != 0, f"{name} started with a bad configuration")
        check(f"bad.yaml:{number}" in done.stderr, f"{name} does not say line {number}: "
                                                   f"{done.stderr[-500:]}")
        check(expected in done.stderr, f"no '{expected}' in what {name} says: "
                                       f"{done.stderr[-500:]}")


def books_balance(bench):
    """received = transmitted + punted + drops + held, when nothing is on its way."""
    def look():
        workers = bench.gateway.show("workers")
        received, gone = books(workers, bench.gateway.show("drops"))
        return (received, gone) if received == gone and received else None
    received, _ = labs.wait_for("balance of the workers' books", look, 5, 0.2)
    return f"{received} packets"


def books(workers, drops):
    """Both sides of the sum that contract/stats.h states."""
    def all_of(*keys):
        return sum(worker[key] for worker in workers for key in keys)
    return (all_of("received", "injected", "created", "taken"),
            all_of("transmitted", "punted", "held", "given") + total(drops))


def passes(bench, script, seconds=120, **environment):
    """A scenario that is a program of its own, with namespaces of its own: BUILD is its argument,
    what it prints says what is wrong, or what was measured."""
    if bench.sanitized:
        environment["SANITIZED"] = "1"
    done = subprocess.run([script, bench.gateway.build], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds,
                          env=dict(os.environ, **environment))
    check(done.returncode == 0, done.stdout.strip() or f"ended with {done.returncode}")
    return done.stdout.strip()


def long_flood(bench):
    """A minute of each kind, and the time in which what it left ends."""
    return "; ".join(passes(bench, os.path.join(HERE, "flood.sh"), 600, FLOOD_SECONDS="60",
                            FLOOD_AFTER="35").splitlines())


def table():
    """All scenarios by name, in the order in which they run."""
    cases = {
        "answers-neighbours": answers_neighbours,
        "learns-anew": learns_anew,
        "refuses-clear-l2tp": refuses_clear_l2tp,
        "outlives-noise": outlives_noise,
        "books-balance": books_balance,
    }
    bad = {
        "unknown-key": (("  idle:", "  idel:"), "idel"),
        "bad-unit": (("memory: 512MiB", "memory: 512bananas"), "MiB"),
        "missing-secret": (("{peer: any, secret: culvert-psk}", "{peer: any}"), "secret"),
    }
    for name, (change, expected) in bad.items():
        cases[f"config-{name}"] = (lambda bench, change=change, expected=expected:
                                   refuses_bad_config(bench, change, expected))
    for script in ("dataplane_alone.sh", "replayed.py", "generated_load.sh", "flood.sh",
                   "radius_servers.py"):
        script = os.path.join(HERE, script)
        name = os.path.splitext(os.path.basename(script))[0].replace("_", "-")
        cases[name] = lambda bench, script=script: passes(bench, script) and None
    cases["long-flood"] = long_flood
    return cases
