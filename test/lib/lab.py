# SPDX-License-Identifier: Apache-2.0
"""A laboratory of network namespaces, and the processes that run in them.

    clients -- wan bridge -- culvert-sub [gateway] culvert-net -- net0 hosts
                  |
                 nat -- lan bridge -- clients behind NAT

All that a Lab makes carries its process id in its name and is removed by close(), which the
context manager calls on any way out; what a killed run left behind, the next run removes.
Traffic stays inside: no namespace has a way to the machine's own interfaces.
"""

import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

GATEWAY_WAN = "192.0.2.1"
GATEWAY_WAN6 = "2001:db8:0:1::1"
NAT_WAN = "192.0.2.9"
NAT_LAN = "10.9.0.1"
ROUTED_CLIENTS = ("192.0.2.111", "192.0.2.112")
GATEWAY_NET = "198.51.100.1"
HOST_NET = "198.51.100.2"
POOL = "100.64.0.0/16"
GATEWAY_NET6 = "2001:db8:0:2::1"
HOST_NET6 = "2001:db8:0:2::2"
POOL6 = "2001:db8:64::/48"
DELEGATED6 = "2001:db8:d000::/48"  # a /56 for each client
PREFIX = "culvert-lab"

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something of the laboratory itself failed, as opposed to what is tested in it."""


def command(*words, check=True, text=None, timeout=60):
    """Runs a command to its end and returns its output; a failure names the command."""
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise LabError(f"'{' '.join(words)}' failed: {done.stderr.strip()}")
    return done.stdout


def wait_for(what, test, seconds, step=0.02):
    """Polls until the test gives something true and returns that; past the deadline it raises."""
    deadline = time.monotonic() + seconds
    while True:
        got = test()
        if got:
            return got
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds} s")
        time.sleep(step)


def turn_signals_into_exit():
    """Makes a signal that ends the program unwind it, so that every close() runs. Further ones
    are ignored, or they would interrupt that."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number, _frame):
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)
    for number in numbers:
        signal.signal(number, leave)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def remove_leftovers():
    """Removes namespaces and directories of runs that were killed and could not."""
    for path in [path for folder in ("/run/netns", "/etc/netns", "/tmp")
                 for path in glob.glob(f"{folder}/{PREFIX}-*")]:
        match = re.match(rf"{PREFIX}-(\d+)-", os.path.basename(path))
        if not match or alive(int(match.group(1))):
            continue
        if path.startswith("/run/netns/"):
            command("ip", "netns", "del", os.path.basename(path), check=False)
        else:
            shutil.rmtree(path, ignore_errors=True)


class Lab:
    """Owns namespaces, processes and one scratch directory. Use it from one thread."""

    def __init__(self):
        if os.geteuid() != 0:
            raise LabError("must run as root: it makes network namespaces")
        remove_leftovers()
        self.tag = f"{PREFIX}-{os.getpid()}"
        self.directory = tempfile.mkdtemp(prefix=f"{self.tag}-")
        os.chmod(self.directory, 0o755)
        self.spaces = []
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *_reason):
        self.close()

    def close(self):
        for child in reversed(self.children):
            stop(child)
        for name in reversed(self.spaces):
            command("ip", "netns", "del", name, check=False)
        self.children, self.spaces = [], []
        if not os.environ.get("CULVERT_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    # Namespaces and links

    def space(self, name):
        """Makes a namespace and returns its full name."""
        full = f"{self.tag}-{name}"
        command("ip", "netns", "add", full)
        self.spaces.append(full)
        # No neighbour discovery or router solicitation among the counted packets.
        self.inside(full, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                    "net.ipv6.conf.default.disable_ipv6=1")
        self.ip(full, "link", "set", "lo", "up")
        return full

    def inside(self, space, *words, **options):
        return command("ip", "netns", "exec", space, *words, **options)

    def ip(self, space, *words, **options):
        return command("ip", "-n", space, *words, **options)

    def veth(self, space_a, name_a, space_b, name_b, mtu=1500):
        """Links two namespaces. Both ends send finished checksums: an AF_PACKET port sees the
        frame as it left the stack, and offloaded checksums would reach it unfinished."""
        self.ip(space_a, "link", "add", name_a, "mtu", str(mtu), "type", "veth",
                "peer", "name", name_b, "mtu", str(mtu), "netns", space_b)
        for space, name in ((space_a, name_a), (space_b, name_b)):
            self.no_offload(space, name)
            self.ip(space, "link", "set", name, "up")

    def no_offload(self, space, name):
        self.inside(space, "ethtool", "-K", name, "tx", "off")

    def bridge(self, space, name):
        self.ip(space, "link", "add", name, "type", "bridge", "stp_state", "0",
                "forward_delay", "0", "mcast_snooping", "0")
        self.ip(space, "link", "set", name, "up")

    def tap(self, space, name, bridge):
        self.ip(space, "tuntap", "add", name, "mode", "tap")
        self.no_offload(space, name)
        self.plug(space, name, bridge)
        self.ip(space, "link", "set", name, "up")

    def plug(self, space, name, bridge):
        """Moves a port to another bridge of its namespace, as one moves a cable."""
        self.ip(space, "link", "set", name, "master", bridge)

    # Processes

    def spawn(self, *words, space=None, **options):
        """Starts a process that cannot outlive this one. Give it back to stop() to end it."""
        if space:
            words = ("ip", "netns", "exec", space) + words
        options.setdefault("stdin", subprocess.DEVNULL)
        child = subprocess.Popen(words, preexec_fn=die_with_parent, start_new_session=True,
                                 **options)
        self.children.append(child)
        return child


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(child, seconds=5, number=signal.SIGTERM):
    """Ends a process politely, then by force, and returns its exit status."""
    if child.poll() is None:
        child.send_signal(number)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return child.returncode


class Topology:
    """The namespaces around a gateway, as in the drawing at the top."""

    def __init__(self, lab, nat=True):
        self.lab = lab
        self.sub = lab.space("sub")
        self.gateway = lab.space("gw")
        self.net = lab.space("net")
        lab.bridge(self.sub, "wan")
        lab.veth(self.sub, "to-gw", self.gateway, "culvert-sub")
        lab.plug(self.sub, "to-gw", "wan")
        lab.veth(self.net, "net0", self.gateway, "culvert-net")
        lab.ip(self.net, "addr", "add", f"{HOST_NET}/24", "dev", "net0")
        lab.ip(self.net, "route", "add", POOL, "via", GATEWAY_NET)
        lab.inside(self.net, "sysctl", "-qw", "net.ipv6.conf.net0.disable_ipv6=0",
                   "net.ipv6.conf.net0.accept_ra=0")
        lab.ip(self.net, "addr", "add", f"{HOST_NET6}/64", "dev", "net0", "nodad")
        for pool in (POOL6, DELEGATED6):
            lab.ip(self.net, "route", "add", pool, "via", GATEWAY_NET6)
        if nat:
            self.add_nat()

    def add_nat(self):
        lab = self.lab
        self.nat = lab.space("nat")
        lab.bridge(self.sub, "lan")
        lab.veth(self.sub, "nat-wan", self.nat, "wan")
        lab.plug(self.sub, "nat-wan", "wan")
        lab.veth(self.sub, "nat-lan", self.nat, "lan")
        lab.plug(self.sub, "nat-lan", "lan")
        lab.ip(self.nat, "addr", "add", f"{NAT_WAN}/24", "dev", "wan")
        lab.ip(self.nat, "addr", "add", f"{NAT_LAN}/24", "dev", "lan")
        lab.inside(self.nat, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        lab.inside(self.nat, "nft", "-f", "-", text="""
            table ip nat {
                chain post {
                    type nat hook postrouting priority 100;
                    ip saddr 10.9.0.0/24 oifname "wan" masquerade
                }
            }""")
        # Clients with public addresses behind it are routed, and answered for by proxy ARP.
        for leg in ("wan", "lan"):
            lab.inside(self.nat, "sysctl", "-qw", f"net.ipv4.conf.{leg}.proxy_arp=1",
                       f"net.ipv4.neigh.{leg}.proxy_delay=0")
        for address in ROUTED_CLIENTS:
            lab.ip(self.nat, "route", "add", f"{address}/32", "dev", "lan")

    def narrow(self, mtu, how):
        """Makes the router take no packets larger than that: "icmp" as a router does; "silent"
        without a word to whoever sent them with DF; "hole" by dropping them, DF or not."""
        options = [] if how == "hole" else ["mtu", str(mtu)]
        self.lab.ip(self.nat, "route", "replace", "192.0.2.0/24", "dev", "wan", "proto", "kernel",
                    "scope", "link", "src", NAT_WAN, *options)
        self.lab.ip(self.nat, "route", "replace", "10.9.0.0/24", "dev", "lan", "proto", "kernel",
                    "scope", "link", "src", NAT_LAN, *options)
        for address in ROUTED_CLIENTS:
            self.lab.ip(self.nat, "route", "replace", f"{address}/32", "dev", "lan", *options)
        large = f"ip length > {mtu} drop" if how == "hole" else ""
        quiet = "" if how == "icmp" else "icmp type destination-unreachable drop"
        self.lab.inside(self.nat, "nft", "-f", "-", text=f"""
            table ip narrow {{
                chain forward {{ type filter hook forward priority 0; {large}
                }}
                chain output {{ type filter hook output priority 0; {quiet}
                }}
            }}""")

    def widen(self):
        """Undoes narrow."""
        self.lab.inside(self.nat, "nft", "delete", "table", "ip", "narrow")
        self.lab.ip(self.nat, "route", "replace", "192.0.2.0/24", "dev", "wan", "proto", "kernel",
                    "scope", "link", "src", NAT_WAN)
        self.lab.ip(self.nat, "route", "replace", "10.9.0.0/24", "dev", "lan", "proto", "kernel",
                    "scope", "link", "src", NAT_LAN)
        for address in ROUTED_CLIENTS:
            self.lab.ip(self.nat, "route", "replace", f"{address}/32", "dev", "lan")
