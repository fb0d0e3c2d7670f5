# SPDX-License-Identifier: Apache-2.0
"""Many ways to connect, known to one daemon of a client: strongSwan or libreswan.

A Way is one combination of what IKE leaves open. A Daemon is started once in a client with a list
of them; each is then brought up and down on its own, with L2TP and PPP over it or, in tunnel
mode, with an address of the gateway. What they look like in each daemon's own configuration is
told here and nowhere else.
"""

import dataclasses
import os
import shutil
import time

import client as clients
import gateway as gateways
import lab as labs
from bench import GATEWAY_NAME

PEERS = ("strongswan", "libreswan")

# What IKE and ESP are to agree on, in strongSwan's and in libreswan's words.
SUITES = {
    "gcm": {"strongswan": {1: ("aes256-sha256-ecp256", "aes128gcm16"),
                           2: ("aes256gcm16-prfsha384-ecp384", "aes128gcm16")},
            "libreswan": {1: ("aes256-sha2_256;dh19", "aes_gcm128-null"),
                          2: ("aes_gcm256-sha2_384;dh20", "aes_gcm128-null")}},
    "cbc-sha1": {"strongswan": {1: ("aes128-sha1-modp2048", "aes128-sha1"),
                                2: ("aes128-sha1-modp2048", "aes128-sha1")},
                 "libreswan": {1: ("aes128-sha1;dh14", "aes128-sha1"),
                               2: ("aes128-sha1;dh14", "aes128-sha1")}},
    "cbc-sha256": {"strongswan": {1: ("aes256-sha256-modp2048", "aes256-sha256"),
                                  2: ("aes256-sha256-modp2048", "aes256-sha256")},
                   "libreswan": {1: ("aes256-sha2_256;dh14", "aes256-sha2_256"),
                                 2: ("aes256-sha2_256;dh14", "aes256-sha2_256")}},
}
# What the gateway calls them in its event esp-up.
CHOSEN = {"gcm": "aes-gcm-128", "cbc-sha1": "aes-cbc-128", "cbc-sha256": "aes-cbc-256"}


@dataclasses.dataclass
class Way:
    """One combination. Its name is that of the connection in the daemon."""
    version: int = 2
    auth: str = "psk"  # psk, rsa, ecdsa, eap, eap-tls (with certificate)
    suite: str = "gcm"
    server: str = labs.GATEWAY_WAN
    tunnel: bool = False  # no L2TP: an address of the gateway's pools
    psk: str = gateways.PSK
    user: str = "alice"
    password: str = gateways.USERS["alice"]
    certificate: object = None  # instead of the one of its kind
    aaa: str = ""  # of EAP-TLS: who its server is
    proposals: tuple = ()  # of IKE and ESP in the daemon's words, instead of the suite's
    tag: str = ""  # told apart from another of the same combination
    connection: str = ""  # further lines for the daemon's connection
    child: str = ""  # and for strongSwan's child

    @property
    def name(self):
        words = [f"v{self.version}", self.auth, self.suite]
        return "-".join(words + (["tunnel"] if self.tunnel else []) + ([self.tag] if self.tag else []))

    def chosen_from(self, daemon):
        return self.proposals or SUITES[self.suite][daemon][self.version]

    def strongswan(self, certificate, root):
        ike, esp = self.chosen_from("strongswan")
        own = f"certs = {certificate.name}-{certificate.kind}.pem" if certificate else ""
        if self.auth == "psk":
            local, remote = "auth = psk", f"auth = psk\n\t\t\tid = {self.server}"
        elif self.auth == "eap":
            local = f"auth = eap-mschapv2\n\t\t\teap_id = {self.user}\n\t\t\tid = {self.user}"
            remote = f"auth = pubkey\n\t\t\tid = {GATEWAY_NAME}"
        elif self.auth == "eap-tls":
            local = (f"auth = eap-tls\n\t\t\taaa_id = {self.aaa}\n\t\t\teap_id = {self.user}"
                     f"\n\t\t\tid = {self.user}\n\t\t\t{own}")
            remote = f"auth = pubkey\n\t\t\tid = {GATEWAY_NAME}"
        else:
            local, remote = f"auth = pubkey\n\t\t\t{own}", f"auth = pubkey\n\t\t\tcacerts = {root}"
        if self.tunnel:
            mode = "mode = tunnel\n\t\t\t\tremote_ts = 0.0.0.0/0, ::/0"
        else:
            mode = ("mode = transport\n\t\t\t\tlocal_ts = dynamic[17/1701]"
                    "\n\t\t\t\tremote_ts = dynamic[17/1701]")
        return f"""	{self.name} {{
		version = {self.version}
		remote_addrs = {self.server}
		proposals = {ike}
		keyingtries = 1
		{"vips = 0.0.0.0, ::" if self.tunnel else ""}
		{self.connection}
		local {{
			{local}
		}}
		remote {{
			{remote}
		}}
		children {{
			{self.name} {{
				{mode}
				esp_proposals = {esp}
				{self.child}
			}}
		}}
	}}
"""

    def libreswan(self, certificate, address):
        ike, esp = self.chosen_from("libreswan")
        if self.auth == "psk":
            who = f"authby=secret\n\trightid={self.server}"
        else:
            method = {"rsa": "rsasig" if self.version == 1 else "rsa-sha2", "ecdsa": "ecdsa"}
            who = (f"authby={method[self.auth]}\n\tleftcert={certificate.name}"
                   f"\n\tleftid=%fromcert\n\tleftsendcert=always"
                   f"\n\trightid={'%any' if self.version == 1 else '@' + GATEWAY_NAME}"
                   f"\n\trightca=\"O=Culvert Test, CN={self.auth}-root\"")
        return f"""conn {self.name}
	type=transport
	ikev2={"insist" if self.version == 2 else "no"}
	{who}
	left={address}
	leftprotoport=17/1701
	leftupdown=/bin/true
	right={self.server}
	rightprotoport=17/1701
	ike={ike}
	phase2alg={esp}
	pfs=no
	keyingtries=1
	retransmit-timeout=8s
	{self.connection}
	auto=ignore

"""


class Daemon:
    """Runs in one client that has no other; end() leaves the client as it was."""

    def __init__(self, one, peer, ways, certificates=None, roots=None, text="", charon=""):
        """Certificates and roots are by their kind: rsa, ecdsa. The last two are further lines, of
        swanctl.conf or of libreswan's setup, and of charon's settings."""
        self.charon = charon
        self.one, self.peer = one, peer
        self.ways = {way.name: way for way in ways}
        if len(self.ways) != len(ways):
            raise ValueError("two ways have the same name")
        self.certificates, self.roots = certificates or {}, roots or {}
        files = clients.Settings().files()
        files = {name: files[name] for name in files if name.startswith(("ppp/", "xl2tpd/"))}
        files |= self.strongswan(text) if peer == "strongswan" else self.libreswan(text)
        self.directory = one.write_files(files)
        if peer == "libreswan":
            for certificate in self.used():
                self.copy(certificate.bundle, f"nss/{certificate.name}-{certificate.kind}.p12")
        one.run(f"ike_start {peer} {self.directory}", 40)

    def copy(self, path, name):
        target = os.path.join(self.one.share, self.directory, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(path, target)

    def certificate(self, way):
        if way.auth not in ("rsa", "ecdsa", "eap-tls"):
            return None
        return way.certificate or self.certificates[way.auth]

    def used(self):
        found = {}
        for way in self.ways.values():
            certificate = self.certificate(way)
            if certificate:
                found[certificate.path] = certificate
        return list(found.values())

    def strongswan(self, text):
        files = {}
        for kind, root in self.roots.items():
            files[f"swanctl/x509ca/root-{kind}.pem"] = root.text()
        for certificate in self.used():
            name = f"{certificate.name}-{certificate.kind}"
            # Its own file for each link: strongSwan reads the first of a file.
            for number, link in enumerate(split(certificate.text("chain"))):
                files[f"swanctl/x509{'ca' if number else ''}/{name}{'-' + str(number) if number else ''}.pem"] = link
            files[f"swanctl/private/{name}.pem"] = certificate.text("key")
        body = "".join(way.strongswan(self.certificate(way), f"root-{way.auth}.pem")
                       for way in self.ways.values())
        secrets = "".join(f"\tike-{number} {{\n\t\tsecret = \"{psk}\"\n\t}}\n"
                          for number, psk in enumerate({way.psk for way in self.ways.values()}))
        secrets += "".join(
            f"\teap-{user} {{\n\t\tid = {user}\n\t\tsecret = \"{password}\"\n\t}}\n"
            for user, password in {(way.user, way.password) for way in self.ways.values()
                                   if way.auth != "eap-tls"})
        files["swanctl/swanctl.conf"] = (f"connections {{\n{body}}}\nsecrets {{\n{secrets}}}\n{text}")
        settings = clients.Settings().files()["strongswan.conf"]
        files["strongswan.conf"] = (settings.replace("charon {\n", f"charon {{\n\t{self.charon}\n", 1)
                                    + "swanctl {\n\tload = random openssl x509 pem pkcs1 pkcs8\n}\n")
        return files

    def libreswan(self, text):
        address = self.one.address.split("/")[0]
        files = {f"nss/root-{kind}.pem": root.text() for kind, root in self.roots.items()}
        body = "".join(way.libreswan(self.certificate(way), address)
                       for way in self.ways.values())
        files["libreswan.conf"] = f"""config setup
	ikev1-policy=accept
	nssdir=/run/nss
	secretsfile=/etc/libreswan.secrets
	logfile=/run/log/pluto
	dnssec-enable=no
	uniqueids=no
	{text}

{body}"""
        files["libreswan.secrets"] = f'%any %any : PSK "{next(iter(self.ways.values())).psk}"\n'
        return files

    def up(self, way, seconds=15):
        """Connects; returns a Dial, whose seconds are the client's own from start to end."""
        self.one.events.pop("ppp-up", None)
        began = time.monotonic()
        kind = "tunnel" if way.tunnel else "l2tp"
        status, out, err = self.one.run(f"ike_up {self.peer} {kind} {way.name} {seconds}",
                                        2 * seconds + 20, check=False)
        taken = time.monotonic() - began
        stage = out.strip().splitlines()[-1] if out.strip() else "none"
        if status != 0:
            return clients.Dial(False, stage, seconds=taken, text=out + err)
        words = self.one.wait_event("ppp-up", 1)[1] if not way.tunnel else ["", "", ""]
        return clients.Dial(True, stage, words[1], words[2], seconds=taken, text=out + err)

    def down(self, way):
        self.one.run(f"ike_down {self.peer} {way.name}", 30)

    def end(self):
        self.one.run(f"ike_stop {self.peer}", 30)

    def log(self, lines=25):
        """The last of what the daemon wrote since this was asked before."""
        return self.one.run(f"ike_log {self.peer} {lines}", check=False)[1]


def split(text):
    """The certificates of a PEM file, each on its own."""
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in text.split(end) if part.strip()]
