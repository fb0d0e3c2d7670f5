# SPDX-License-Identifier: Apache-2.0
"""A real client: strongSwan, xl2tpd and pppd on a User Mode Linux kernel.

A Client boots one kernel in a namespace, with one TAP on a bridge there, and then carries out
commands in it for as long as wanted: connect with any settings, disconnect, move to another
network, vanish. Its configuration is written anew for each connection, so that many cases share
one boot. Nothing here waits a fixed time: ends of commands come over a serial line.

Run it alone to dial any gateway: client.py SETTINGS.json (see main()).
"""

import dataclasses
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as labs

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INTEROP = os.path.join(TOP, "test", "interop")
KERNEL = "linux.uml"
MEMORY = "160M"
# What each command of a client begins with.
SOURCED = ". /mnt/share/tools\n. /mnt/share/ike\n"
# Where xl2tpd is and what it takes for its server when the real one has an IPv6 address.
RELAY_FROM, RELAY_TO = "127.0.0.1", "127.0.0.2"

# What pppd must be forbidden so that only one way to authenticate is left.
PPP_REFUSE = {
    "mschapv2": ("pap", "chap", "mschap", "eap"),
    "chap": ("pap", "mschap", "mschap-v2", "eap"),
    "pap": ("chap", "mschap", "mschap-v2", "eap"),
    "eap": ("pap", "chap", "mschap", "mschap-v2"),
    "any": ("eap",),
}


@dataclasses.dataclass
class Settings:
    """How a client connects. Proposals are in strongSwan's notation."""
    server: str = labs.GATEWAY_WAN
    server_id: str = ""  # empty: its address; with %any strongSwan sends no INITIAL-CONTACT
    version: int = 1
    encapsulate: bool = False  # ESP in UDP although there is no NAT
    ike: str = "aes256-sha256-modp2048"
    esp: str = "aes128-sha1"
    psk: str = "culvert-psk"
    user: str = "alice"
    password: str = "alice-secret"
    auth: str = "mschapv2"
    mtu: int = 1400
    tls: tuple = ()  # of EAP-TLS in PPP: what is trusted, certificate, key, as PEM
    ccp: tuple = ()  # options of pppd for compression and MPPE; without any there is no CCP
    ipv6: bool = False  # inside: IPV6CP beside IPCP
    ipv4: bool = True  # IPCP; without it the addresses of a Dial are the link's
    route: str = "198.51.100.0/24"
    ike_lifetime: str = "8h"
    esp_lifetime: str = "1h"
    margin: str = "3m"
    conn: tuple = ()  # further lines of the connection
    dial_seconds: int = 20

    def check(self):
        if self.auth not in PPP_REFUSE:
            raise ValueError(f"auth '{self.auth}' is none of {', '.join(PPP_REFUSE)}")
        if self.version not in (1, 2):
            raise ValueError(f"version {self.version} of IKE is neither 1 nor 2")
        for field in dataclasses.fields(self):
            if field.name == "tls":
                continue
            value = str(getattr(self, field.name))
            if "\n" in value or '"' in value:
                raise ValueError(f"{field.name} contains a quote or a line end")

    def files(self):
        """The client's configuration files, by their path in it."""
        refuse = "\n".join(f"refuse-{way}" for way in PPP_REFUSE[self.auth])
        names = ("ca", "cert", "key")
        tls = "\n".join(f"{name} /etc/ppp/{name}.pem" for name in names) if self.tls else ""
        pems = {f"ppp/{name}.pem": text for name, text in zip(names, self.tls)}
        v6 = ":" in self.server
        relay = {"relay": f"""#!/bin/sh
exec socat UDP4-LISTEN:1701,bind={RELAY_TO} 'UDP6:[{self.server}]:1701,sourceport=1701,ipv6only=1'
"""} if v6 else {}
        return relay | pems | {
            "ipsec.conf": f"""
config setup
	uniqueids=no
conn gateway
	type=transport
	keyexchange=ikev{self.version}
	authby=secret
	left={"%any6" if v6 else "%defaultroute"}
	leftprotoport=17/1701
	right={self.server}
	rightid={self.server_id or self.server}
	rightprotoport=17/1701
	ike={self.ike}!
	esp={self.esp}!
	forceencaps={"yes" if self.encapsulate else "no"}
	ikelifetime={self.ike_lifetime}
	lifetime={self.esp_lifetime}
	margintime={self.margin}
	rekeyfuzz=0%
	{f"{chr(10)}{chr(9)}".join(self.conn)}
	keyingtries=1
	auto=add
""",
            "ipsec.secrets": f': PSK "{self.psk}"\n',
            "strongswan.conf": """
charon {
	load_modular = yes
	retransmit_timeout = 1.0
	retransmit_tries = 4
	retransmit_base = 1.4
	plugins {
		include strongswan.d/charon/*.conf
	}
	filelog {
		log {
			path = /run/log/charon
			time_format = %H:%M:%S
			ike_name = yes
			default = 1
			ike = 2
			cfg = 2
			flush_line = yes
		}
	}
}
""",
            "xl2tpd/xl2tpd.conf": f"""
[global]
port = 1701
listen-addr = {RELAY_FROM if v6 else "0.0.0.0"}
[lac gateway]
lns = {RELAY_TO if v6 else self.server}
ppp debug = yes
pppoptfile = /etc/ppp/options.gateway
length bit = yes
redial = no
""",
            "ppp/options.gateway": f"""
noauth
{refuse}
name "{self.user}"
password "{self.password}"
{chr(10).join(self.ccp) or "noccp"}
{tls}
nodefaultroute
mtu {self.mtu}
mru {self.mtu}
ipcp-accept-local
ipcp-accept-remote
usepeerdns
lcp-echo-interval 30
lcp-echo-failure 4
{"+ipv6" if self.ipv6 else "noipv6"}
{"" if self.ipv4 else "noip"}
debug
logfile /run/log/pppd
""",
            "ppp/ipv6-up": f"""#!/bin/sh
{"exit" if self.ipv4 else ""}
: >/run/ppp-up
echo "@@ppp-up $1 $4 $5" >/dev/ttyS0
""",
            "ppp/ip-up": f"""#!/bin/sh
ip route replace {self.route} dev "$1"
: >/run/ppp-up
echo "@@ppp-up $1 $4 $5" >/dev/ttyS0
""",
        }


@dataclasses.dataclass
class Dial:
    """How an attempt ended. Seconds run from the first IKE packet to the usable address."""
    ok: bool
    stage: str
    address: str = ""
    gateway: str = ""
    mtu: int = 0
    seconds: float = 0.0
    text: str = ""


class CommandFailed(Exception):
    pass


class Client:
    """Owns one kernel, its TAP and its shared directory. Use it from one thread."""

    def __init__(self, lab, name, space, bridge, address, router, address6=""):
        self.lab = lab
        self.name = name
        self.space = space
        self.tap = f"tap-{name}"[:15]
        self.share = lab.path(f"client-{name}")
        self.counter = 0
        self.process = None
        self.ended = {}
        self.events = {}
        self.news = threading.Condition()
        self.address, self.router, self.outer6 = address, router, address6
        lab.tap(space, self.tap, bridge)

    # Life of the kernel

    def boot(self, seconds=30, tries=3):
        """Starts the kernel. On a busy machine one in some hundred stays lying: that one goes."""
        for left in reversed(range(tries)):
            self.start_kernel()
            try:
                self.wait_event("ready", seconds)
                self.move(self.address, self.router)
                return
            except (TimeoutError, CommandFailed) as error:
                self.vanish()
                if left == 0:
                    raise labs.LabError(f"client {self.name} did not boot ({error}): "
                                        f"{self.console_text()[-2000:]}") from error

    def start_kernel(self):
        shutil.rmtree(self.share, ignore_errors=True)
        for part in ("cmd", "out", "err", "uml"):
            os.makedirs(os.path.join(self.share, part))
        for tool, at in (("client-init", "init"), ("client-tools", "tools"), ("client-ike", "ike")):
            shutil.copy(os.path.join(INTEROP, tool), os.path.join(self.share, at))
        made = labs.command(os.path.join(INTEROP, "rootfs"), timeout=900).strip()
        self.ended, self.events = {}, {}
        self.console = open(os.path.join(self.share, "console"), "w+")
        # A PID namespace of its own: killing its first process ends every thread of the kernel.
        self.process = self.lab.spawn(
            "unshare", "--pid", "--fork", "--kill-child=SIGKILL", KERNEL, f"mem={MEMORY}",
            "root=/dev/root", "rootfstype=hostfs", f"rootflags={made}/root", "ro", "quiet",
            "con=null", "con0=null,fd:2", "ssl=null", "ssl0=fd:0,fd:1",
            f"eth0=tuntap,{self.tap}", f"uml_dir={self.share}/uml",
            f"share={self.share}", "init=/sbin/client-boot", space=self.space,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.console,
            env=dict(os.environ, LD_PRELOAD=f"{made}/uml_preload.so"))
        threading.Thread(target=self.listen, args=(self.process, self.ended, self.events),
                         daemon=True).start()

    def console_text(self):
        self.console.flush()
        with open(self.console.name, errors="replace") as file:
            return file.read()

    def vanish(self):
        """Ends the kernel as a power cut does: nobody is told."""
        # The kernel first: unshare alone would leave it a moment.
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            with open(children) as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended by itself
        self.process.kill()
        self.process.wait()

    def halt(self):
        if self.process and self.process.poll() is None:
            self.process.stdin.write(b"halt\n")
            self.process.stdin.flush()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.vanish()

    # Commands

    def listen(self, process, ended, events):
        """Runs as a thread: takes the lines of one kernel for the ones that wait."""
        for raw in process.stdout:
            words = raw.decode(errors="replace").strip().lstrip("\0").split()
            if not words or not words[0].startswith("@"):
                continue
            with self.news:
                if words[0].startswith("@@"):
                    events[words[0][2:]] = (time.time(), words[1:])
                elif len(words) == 2:
                    ended[words[0][1:]] = int(words[1])
                self.news.notify_all()
        with self.news:
            ended["gone"] = -1
            self.news.notify_all()

    def wait_event(self, name, seconds):
        with self.news:
            if not self.news.wait_for(lambda: name in self.events or "gone" in self.ended,
                                      seconds):
                raise TimeoutError(f"no event {name} within {seconds} s")
            if name not in self.events:
                raise CommandFailed("the kernel ended")
            return self.events[name]

    def start(self, text):
        """Starts a shell command in the client and returns its number for finish()."""
        self.counter += 1
        number = str(self.counter)
        with open(os.path.join(self.share, "cmd", number), "w") as file:
            file.write(SOURCED + text + "\n")
        self.process.stdin.write(f"{number}\n".encode())
        self.process.stdin.flush()
        return number

    def finish(self, number, seconds=30, check=True):
        """Awaits the end of a command and returns (status, output, errors)."""
        with self.news:
            if not self.news.wait_for(lambda: number in self.ended or "gone" in self.ended,
                                      seconds):
                raise TimeoutError(f"a command of client {self.name} did not end in {seconds} s")
            if number not in self.ended:
                raise CommandFailed(f"the kernel of client {self.name} ended")
            status = self.ended[number]
        parts = []
        for part in ("out", "err"):
            with open(os.path.join(self.share, part, number), errors="replace") as file:
                parts.append(file.read())
        if check and status != 0:
            raise CommandFailed(f"status {status}: {parts[0]}{parts[1]}".strip())
        return status, parts[0], parts[1]

    def run(self, text, seconds=30, check=True):
        return self.finish(self.start(text), seconds, check)

    def output(self, text, seconds=30):
        return self.run(text, seconds)[1].strip()

    # What a user of the client does

    def move(self, address, router):
        """Gives the client an address (with its prefix length) and a default router, if any."""
        self.address, self.router = address, router
        self.run(f"client_address {address} '{router or ''}' '{self.outer6}'")

    def up(self, settings=None, **changes):
        """Connects and returns a Dial; a refusal is a result, not an error."""
        settings = dataclasses.replace(settings or Settings(), **changes)
        settings.check()
        files = self.write_files(settings.files())
        capture = Capture(self.lab, self.space, self.tap,
                          "udp port 500 or udp port 4500", f"{self.name}-dial")
        self.events.pop("ppp-up", None)
        status, out, err = self.run(f"client_up {files} {settings.dial_seconds}",
                                    settings.dial_seconds + 30, check=False)
        first = capture.first()
        capture.close()
        stage = out.strip().splitlines()[-1] if out.strip() else "none"
        if status != 0:
            return Dial(False, stage, text=out + err)
        when, words = self.wait_event("ppp-up", 1)
        return Dial(True, stage, address=words[1], gateway=words[2],
                    mtu=int(self.output("cat /sys/class/net/ppp0/mtu")),
                    seconds=when - first if first else 0.0, text=out + err)

    def write_files(self, files):
        """Puts the files in a new directory each time: the client's kernel keeps pages of what
        it once read and does not notice a change of it."""
        self.counter += 1
        directory = f"etc-{self.counter}"
        for name, text in files.items():
            path = os.path.join(self.share, directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        return directory

    def down(self):
        """Disconnects in an orderly way and waits until all daemons have ended."""
        self.run("client_down", 40)

    def heard_goodbye(self):
        """Whether pppd had an answer when it said that it ends."""
        return "rcvd [LCP TermAck" in self.output("cat /run/log/pppd")

    def logs(self):
        """The last commands and what the client's daemons wrote, for the report of a failure."""
        text = "".join(self.transcript(number)
                       for number in range(max(1, self.counter - 20), self.counter + 1))
        if self.process.poll() is not None:
            return text + self.console_text()
        return text + self.run("client_logs", 20, check=False)[1]

    def transcript(self, number):
        parts = []
        for part in ("cmd", "out", "err"):
            path = os.path.join(self.share, part, str(number))
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    parts.append(file.read().replace(SOURCED, "$ "))
        return "".join(parts)

    def ping(self, host, count=3, size=56, interval=0.2, df=False, seconds=30):
        """Pings and returns how many answers came."""
        return self.ping_result(self.start_ping(host, count, size, interval, df), seconds)[1]

    def start_ping(self, host, count, size=56, interval=0.2, df=False):
        flag = "-M do" if df else ""
        return self.start(f"ping -n -c {count} -s {size} -i {interval} -W 2 {flag} {host}")

    def ping_result(self, number, seconds=60):
        """Returns (sent, received) of a ping that was started."""
        _, out, err = self.finish(number, seconds, check=False)
        for line in out.splitlines():
            if "packets transmitted" in line:
                words = line.split()
                return int(words[0]), int(words[3])
        raise CommandFailed(f"ping: {out}{err}")

    def address6(self, seconds=15):
        """The address that the kernel made of a router advertisement on its PPP link."""
        return self.output(f"client_address6 {seconds}", seconds + 10)

    def download(self, host, port, seconds=60):
        """Reads all that a server sends; returns (bytes, sha256)."""
        out = self.output(f"client_download {host} {port}", seconds)
        size, digest = out.split()
        return int(size), digest

    def upload(self, host, port, mebibytes, seconds=60):
        """Sends random bytes; returns (bytes, sha256) of what was sent."""
        out = self.output(f"client_upload {host} {port} {mebibytes}", seconds)
        size, digest = out.split()
        return int(size), digest


class Capture:
    """Writes the packets of an interface to a file for as long as it is open."""

    def __init__(self, lab, space, interface, expression, name, length=0):
        self.path = lab.path(f"{name}.pcap")
        self.process = lab.spawn(
            "tcpdump", "-Z", "root", "-i", interface, "-U", "--immediate-mode",
            "-s", str(length),
            "-w", self.path, expression, space=space, stderr=subprocess.PIPE)
        for line in self.process.stderr:
            if b"listening on" in line:
                return
        raise labs.LabError(f"tcpdump on {interface} did not start")

    def first(self):
        """The time of the first packet, in seconds of the epoch, or None."""
        with open(self.path, "rb") as file:
            head = file.read(24 + 16)
        if len(head) < 40:
            return None
        seconds, micros = struct.unpack_from("<II", head, 24)
        return seconds + micros / 1e6

    def close(self):
        labs.stop(self.process)
        self.process.stderr.close()


def main():
    """Dials once with the settings of a JSON file, prints how it went and disconnects.

    Keys: name, space (a namespace that exists), bridge (in it), address (with prefix length),
    router, and those of Settings.
    """
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(f"usage: client.py SETTINGS.json\n\n{main.__doc__}", file=sys.stderr)
        return 2
    with open(sys.argv[1]) as file:
        given = json.load(file)
    place = {key: given.pop(key, None) for key in ("name", "space", "bridge", "address", "router")}
    labs.turn_signals_into_exit()
    with labs.Lab() as lab:
        client = Client(lab, place["name"] or "client", place["space"], place["bridge"],
                        place["address"], place["router"])
        client.boot()
        dial = client.up(Settings(**given))
        print(json.dumps(dataclasses.asdict(dial), indent=2))
        if not dial.ok:
            print(client.logs(), file=sys.stderr)
        else:
            client.down()
        client.halt()
        return 0 if dial.ok else 1


if __name__ == "__main__":
    sys.exit(main())
