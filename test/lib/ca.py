# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities of a test, made anew for each run with the openssl program.

An Authority is a root, or an intermediate that another one has issued. It issues certificates of
both kinds of key, valid or already over, takes them back, and says so by a CRL and by OCSP.
"""

import dataclasses
import os
import subprocess
import time

import lab as labs

KEYS = {
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
    "ecdsa": ("EC", "ec_paramgen_curve:P-256"),
}
DAY = 24 * 3600
CONFIG = """
[ca]
default_ca = it
[it]
dir = {directory}
database = $dir/index
new_certs_dir = $dir/issued
serial = $dir/serial
crlnumber = $dir/crlnumber
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_crl_days = 1
policy = any
unique_subject = no
copy_extensions = none
[any]
organizationName = optional
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{names}
{points}
[responder]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
authorityKeyIdentifier = keyid
"""


@dataclasses.dataclass
class Certificate:
    """The files of one certificate: it alone, its key, and it with what leads to the root."""
    name: str
    kind: str
    subject: str
    path: str
    key: str
    chain: str
    bundle: str  # PKCS#12 without a password, with the chain

    def text(self, what):
        with open(getattr(self, what)) as file:
            return file.read()


class Authority:
    """Owns a folder with all that it issued."""

    def __init__(self, lab, name, kind="rsa", issuer=None, crl_url="", ocsp_url=""):
        self.lab, self.name, self.kind, self.issuer = lab, name, kind, issuer
        self.directory = lab.path(f"ca-{name}")
        self.subject = f"O=Culvert Test, CN={name}"
        self.points = "\n".join(
            ([f"crlDistributionPoints = URI:{crl_url}"] if crl_url else [])
            + ([f"authorityInfoAccess = OCSP;URI:{ocsp_url}"] if ocsp_url else []))
        os.makedirs(self.file("issued"))
        for file, text in (("index", ""), ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(self.file(file), "w") as out:
                out.write(text)
        self.path = self.file("ca.pem")
        if issuer:
            issued = issuer.issue(name, kind, section="authority")
            os.rename(issued.key, self.file("ca.key"))
            os.rename(issued.path, self.path)
        else:
            self.request("ca", kind, name)
            self.sign("ca", "authority", [], ["-selfsign"])

    def file(self, name):
        return os.path.join(self.directory, name)

    def text(self):
        with open(self.path) as file:
            return file.read()

    def request(self, name, kind, common_name):
        algorithm, option = KEYS[kind]
        labs.command("openssl", "genpkey", "-algorithm", algorithm, "-pkeyopt", option,
                     "-out", self.file(f"{name}.key"))
        os.chmod(self.file(f"{name}.key"), 0o600)
        labs.command("openssl", "req", "-new", "-key", self.file(f"{name}.key"), "-subj",
                     f"/O=Culvert Test/CN={common_name}", "-out", self.file(f"{name}.csr"))

    def sign(self, name, section, names, options=(), begins=-DAY, ends=30 * DAY):
        config = self.file("config")
        with open(config, "w") as file:
            file.write(CONFIG.format(
                directory=self.directory, points=self.points,
                names=f"subjectAltName = {', '.join(names)}" if names else ""))
        labs.command("openssl", "ca", "-batch", "-notext", "-config", config,
                     "-extensions", section, "-startdate", stamp(begins), "-enddate", stamp(ends),
                     "-in", self.file(f"{name}.csr"), "-out", self.file(f"{name}.pem"), *options)

    def chain_up(self):
        """The certificates from this authority up to below its root."""
        return self.text() + self.issuer.chain_up() if self.issuer else ""

    def root(self):
        return self.issuer.root() if self.issuer else self

    def issue(self, name, kind, names=(), section="leaf", **times):
        """A certificate with the alternative names given, such as DNS:vpn.example.org. Times are
        seconds from now: begins, ends."""
        self.request(name, kind, name)
        self.sign(name, section, list(names), **times)
        made = Certificate(name, kind, f"O=Culvert Test, CN={name}", self.file(f"{name}.pem"),
                           self.file(f"{name}.key"), self.file(f"{name}-chain.pem"),
                           self.file(f"{name}.p12"))
        above = self.chain_up()
        with open(made.chain, "w") as file:
            file.write(made.text("path") + above)
        with open(self.file(f"{name}-above.pem"), "w") as file:
            file.write(above + self.root().text())
        labs.command("openssl", "pkcs12", "-export", "-passout", "pass:", "-name", name,
                     "-in", made.path, "-inkey", made.key, "-out", made.bundle,
                     "-certfile", self.file(f"{name}-above.pem"))
        return made

    def revoke(self, certificate):
        labs.command("openssl", "ca", "-config", self.file("config"), "-revoke", certificate.path)

    def crl(self, seconds=DAY):
        """Writes the list of what is revoked now, in PEM, and returns its path."""
        path = self.file("ca.crl")
        labs.command("openssl", "ca", "-config", self.file("config"), "-gencrl",
                     "-crlsec", str(seconds), "-out", path)
        return path

    def show_crl(self, seconds=DAY):
        """Puts the list where serve_crl finds it, in DER as RFC 5280 wants it, and returns the
        folder."""
        shown = self.file("shown")
        os.makedirs(shown, exist_ok=True)
        labs.command("openssl", "crl", "-in", self.crl(seconds), "-outform", "DER",
                     "-out", os.path.join(shown, "new"))
        os.rename(os.path.join(shown, "new"), os.path.join(shown, "ca.crl"))
        return shown

    def serve_crl(self, space, address, port, seconds=DAY):
        """Serves the list over HTTP at /ca.crl; it says that the next one comes after so long."""
        server = self.lab.spawn("python3", "-m", "http.server", "--bind", address, "--directory",
                                self.show_crl(seconds), str(port), space=space,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.listening(server, space, port)

    def serve_ocsp(self, space, port, keep=("-ndays", "1")):
        """Answers for what is revoked now, at all addresses of the namespace. What keep says of the
        next answer may be nothing."""
        if not os.path.exists(self.file("responder.pem")):
            self.issue("responder", "rsa", section="responder")
        server = self.lab.spawn("openssl", "ocsp", "-index", self.file("index"),
                                "-port", str(port), "-rsigner", self.file("responder.pem"),
                                "-rkey", self.file("responder.key"), "-CA", self.path, *keep,
                                space=space, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.listening(server, space, port)

    def listening(self, server, space, port):
        labs.wait_for(f"server at port {port}", lambda: self.lab.inside(
            space, "ss", "-Htln", f"sport = :{port}").strip(), 5)
        return server


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
