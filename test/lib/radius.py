# SPDX-License-Identifier: Apache-2.0
"""A real FreeRADIUS, as a provider runs one: its users, EAP, accounting into SQL, and RadSec.

A Server owns one process and one folder with its whole configuration; nothing of the system's is
read but the dictionaries and the queries of its SQL module. It runs as Debian's user for it, on
ports of its own, in a namespace or on the machine's loopback, and ends with the laboratory.

    server = radius.Server(lab, space=topology.gateway)
    server.user("alice", "secret", reply={"Framed-IP-Address": "203.0.113.7"})
    server.start()
    gateway.write(radius=radius.section([server]))
    ...
    server.rows("radacct")
    server.coa("coa", {"User-Name": "alice", "Filter-Id": "web.in"})
"""

import os
import re
import shutil
import signal
import sqlite3

import lab as labs

SECRET = "culvert-radius"
COA_SECRET = "culvert-coa"
COA_PORT = 3799
USER = "freerad"
PROGRAM = "freeradius"
LIBRARIES = "/usr/lib/freeradius"
SQL = "/etc/freeradius/3.0/mods-config/sql/main/sqlite"
EXEC_MOST = 25  # seconds that one program may take there

CONFIG = """
prefix = /usr
libdir = {libraries}
raddbdir = {here}
logdir = {here}
run_dir = {here}
pidfile = {here}/pid
max_request_time = 120
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
log {{
	destination = files
	file = {here}/radius.log
	auth = yes
}}
security {{
	user = {user}
	group = {user}
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = yes
	allow_vulnerable_openssl = yes
}}
thread pool {{
	start_servers = 8
	max_servers = 64
	min_spare_servers = 4
	max_spare_servers = 16
	max_requests_per_server = 0
}}
modules {{
	expr {{ }}
	pap {{ }}
	chap {{ }}
	mschap {{
		use_mppe = yes
		require_encryption = no
		require_strong = no
	}}
	always ok {{
		rcode = ok
	}}
	files {{
		usersfile = {here}/users
	}}
	exec {{
		wait = yes
		program = "/bin/true"
		input_pairs = request
		shell_escape = yes
		timeout = 10
	}}
{delays}
{eap}
	detail {{
		filename = {here}/detail
		permissions = 0600
	}}
	sql {{
		driver = rlm_sql_sqlite
		dialect = sqlite
		sqlite {{
			filename = {here}/accounting.db
			busy_timeout = 5000
			bootstrap = {sql}/schema.sql
		}}
		radius_db = "radius"
		# Rows need not outlive a power cut here, and thousands come at once.
		open_query = "PRAGMA synchronous = OFF"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		delete_stale_sessions = yes
		read_clients = no
		read_groups = no
		pool {{
			start = 1
			min = 1
			max = 16
			spare = 1
			uses = 0
			lifetime = 0
			idle_timeout = 0
			retry_delay = 1
		}}
		$INCLUDE {sql}/queries.conf
	}}
}}
client gateway {{
	ipaddr = {clients}
	secret = {secret}
	require_message_authenticator = yes
	limit_proxy_state = yes
}}
{radsec_clients}
server culvert {{
	listen {{
		type = auth
		ipaddr = {address}
		port = {port}
	}}
	listen {{
		type = acct
		ipaddr = {address}
		port = {accounting_port}
	}}
{radsec}
	# Debian's version sends Message-Authenticator with EAP alone (CVE-2024-3596).
	authorize {{
{delayed}
		chap
		mschap
		{eap_authorize}
		files
		pap
		Autz-Type Status-Server {{
			update reply {{
				&Message-Authenticator := 0x00
			}}
			ok
		}}
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
		Auth-Type MS-CHAP {{
			mschap
		}}
		{eap_authenticate}
	}}
	preacct {{
		update request {{
			&Acct-Unique-Session-Id := "%{{md5:%{{Acct-Session-Id}},%{{NAS-Identifier}}}}"
		}}
	}}
	accounting {{
		detail
		sql
	}}
	post-auth {{
		update reply {{
			&Message-Authenticator := 0x00
		}}
		Post-Auth-Type REJECT {{
			update reply {{
				&Message-Authenticator := 0x00
			}}
		}}
		Post-Auth-Type Challenge {{
			update reply {{
				&Message-Authenticator := 0x00
			}}
		}}
	}}
}}
"""
EAP = """
	eap {{
		default_eap_type = {eap}
		timer_expire = 60
		ignore_unknown_eap_types = no
		max_sessions = 4096
		md5 {{
		}}
		mschapv2 {{
		}}
		gtc {{
			auth_type = PAP
		}}
		tls-config common {{
			private_key_file = {here}/server.key
			certificate_file = {here}/server.pem
			ca_file = {here}/authorities.pem
			fragment_size = 1024
			include_length = yes
			cipher_list = "DEFAULT"
			tls_min_version = "1.2"
			tls_max_version = "1.2"
			ecdh_curve = ""
		}}
		tls {{
			tls = common
		}}
	}}
"""
RADSEC = """
	listen {{
		type = auth+acct
		ipaddr = {address}
		port = {tls_port}
		proto = tcp
		virtual_server = culvert
		clients = radsec
		limit {{
			max_connections = 16
			lifetime = 0
			idle_timeout = 0
		}}
		tls {{
			private_key_file = {here}/server.key
			certificate_file = {here}/server.pem
			ca_file = {here}/authorities.pem
			cipher_list = "DEFAULT"
			tls_min_version = "1.2"
			ecdh_curve = ""
			require_client_cert = yes
		}}
	}}
"""
RADSEC_CLIENTS = """
clients radsec {{
	client gateway {{
		ipaddr = {clients}
		proto = tls
		secret = radsec
	}}
}}
"""


class Server:
    """One FreeRADIUS. With certificates (ca.Certificate: the server's; and the authorities that
    may vouch for peers) it does EAP-TLS, EAP-MSCHAPv2 and RadSec as well."""

    def __init__(self, lab, space=None, name="radius", address="127.0.0.1", port=1812,
                 certificate=None, authorities=(), eap="mschapv2", clients=None):
        self.lab, self.space, self.name = lab, space, name
        self.address, self.port = address, port
        self.accounting_port, self.tls_port = port + 1, port + 271
        self.here = lab.path(f"freeradius-{name}")
        self.certificate, self.authorities, self.eap = certificate, authorities, eap
        self.clients = clients or address
        self.users, self.delays = {}, {}
        self.process = None
        os.makedirs(self.here)

    # What it knows; call reload() when it runs already

    def user(self, name, password=None, reply=None, check=None):
        """A user with what is replied: a dict, or a list of pairs where an attribute comes more
        than once. Values that are no plain words are quoted. Without a password it is known by
        its certificate alone."""
        pairs = list(reply.items()) if isinstance(reply, dict) else list(reply or ())
        checks = dict(check or {})
        if password is not None:
            checks["Cleartext-Password"] = password
        self.users[name] = (checks, pairs)

    def delay(self, name, seconds):
        """That user's verdict takes so long, as when a telephone has to be touched."""
        self.delays[name] = seconds

    def file(self, name):
        return os.path.join(self.here, name)

    def write(self):
        def quoted(value):
            text = str(value)
            return text if re.fullmatch(r"[\w.:/-]+", text) else (
                '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
        with open(self.file("users"), "w") as file:
            for name, (checks, pairs) in self.users.items():
                heads = ", ".join(f"{key} := {quoted(value)}" for key, value in checks.items())
                tails = ",\n".join(f"\t{key} += {quoted(value)}" for key, value in pairs)
                file.write(f'{quoted(name)} {heads}\n{tails}\n\n')
        with open(self.file("radiusd.conf"), "w") as file:
            file.write(self.text())
        if self.certificate:
            shutil.copy(self.certificate.key, self.file("server.key"))
            shutil.copy(self.certificate.chain, self.file("server.pem"))
            with open(self.file("authorities.pem"), "w") as file:
                file.write("".join(one.text() for one in self.authorities))
        labs.command("chown", "-R", f"{USER}:{USER}", self.here)

    def text(self):
        words = {"here": self.here, "address": self.address, "tls_port": self.tls_port,
                 "clients": self.clients, "eap": self.eap}
        tls = bool(self.certificate)
        delays, delayed = "", ""
        for number, (name, seconds) in enumerate(self.delays.items()):
            times, rest = divmod(seconds, EXEC_MOST)
            pieces = [EXEC_MOST] * times + ([rest] if rest else [])
            for length in set(pieces):
                delays += (f'\texec wait{number}x{length} {{\n\t\twait = yes\n\t\tprogram = '
                           f'"/bin/sleep {length}"\n\t\ttimeout = {length + 5}\n\t}}\n')
            calls = "".join(f"\t\t\twait{number}x{length}\n" for length in pieces)
            delayed += f'\t\tif (&User-Name == "{name}") {{\n{calls}\t\t}}\n'
        return CONFIG.format(
            libraries=LIBRARIES, user=USER, sql=SQL, secret=SECRET, port=self.port,
            accounting_port=self.accounting_port, delays=delays, delayed=delayed,
            eap=EAP.format(**words) if tls else "", radsec=RADSEC.format(**words) if tls else "",
            radsec_clients=RADSEC_CLIENTS.format(**words) if tls else "",
            eap_authorize="eap" if tls else "",
            eap_authenticate="eap" if tls else "",
            **{key: words[key] for key in ("here", "address", "clients")})

    # Its life

    def start(self, seconds=20):
        """Starts it and waits until it says that it is ready."""
        self.write()
        mark = self.mark()
        with open(self.file("output"), "a") as out:
            self.process = self.lab.spawn(PROGRAM, "-f", "-d", self.here, "-n", "radiusd",
                                          space=self.space, stdout=out, stderr=out)
        try:
            labs.wait_for("FreeRADIUS to be ready", lambda: self.process.poll() is not None
                          or "Ready to process requests" in self.log(mark), seconds)
        except TimeoutError as error:
            raise labs.LabError(f"{error}: {self.tail()}") from error
        if self.process.poll() is not None:
            raise labs.LabError(f"FreeRADIUS ended: {self.tail()}")

    def stop(self):
        if self.process:
            labs.stop(self.process, 5)
            self.process = None

    def kill(self):
        """Gone without a word, as in a power cut."""
        if self.process:
            labs.stop(self.process, 5, signal.SIGKILL)
            self.process = None

    def reload(self):
        """Users and delays as they are now; what it was answering is lost."""
        self.stop()
        self.start()

    def pause(self):
        """Its port is there, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def mark(self):
        path = self.file("radius.log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def log(self, mark=0):
        if not os.path.exists(self.file("radius.log")):
            return ""
        with open(self.file("radius.log"), errors="replace") as file:
            file.seek(mark)
            return file.read()

    def tail(self, lines=30):
        with open(self.file("output"), errors="replace") as file:
            output = file.read()
        return "\n".join((self.log() + output).splitlines()[-lines:])

    # What it has

    def rows(self, table="radacct", where="1"):
        """Rows of its database, as dicts. Accounting: acctsessionid, username, acctstarttime,
        acctupdatetime, acctstoptime, acctinputoctets, acctoutputoctets, acctterminatecause, ..."""
        base = sqlite3.connect(f"file:{self.file('accounting.db')}?mode=ro", uri=True, timeout=10)
        base.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in base.execute(f"SELECT * FROM {table} WHERE {where}")]
        finally:
            base.close()

    def reports(self, mark=0):
        """All that accounting was told, attribute by attribute, as a list of dicts."""
        if not os.path.exists(self.file("detail")):
            return []
        with open(self.file("detail"), errors="replace") as file:
            file.seek(mark)
            parts = re.split(r"^(?=\w)", file.read(), flags=re.M)
        return [{key: value.strip('"') for key, value in
                 re.findall(r"^\t([\w-]+(?::\d+)?) = (.*)$", part, re.M)} for part in parts if part]

    def wait_rows(self, test, seconds=15, where="1"):
        """Waits until the rows of accounting pass the test and returns them."""
        return labs.wait_for("rows of accounting", lambda: (
            lambda rows: rows if test(rows) else None)(self.rows(where=where)), seconds, 0.1)

    # What it sends

    def client(self, kind, attributes, to, secret, tries=3, seconds=3):
        """Sends a request with radclient; returns (name of the answer or "", its attributes)."""
        pairs = attributes.items() if isinstance(attributes, dict) else attributes
        text = "".join('%s = "%s"\n' % (key, str(value).replace('"', '\\"'))
                       for key, value in pairs)
        words = ["radclient", "-x", "-r", str(tries), "-t", str(seconds), to, kind, secret]
        if self.space:
            words = ["ip", "netns", "exec", self.space] + words
        out = labs.command(*words, check=False, text=text)
        answer = re.search(r"^Received (\S+) Id", out, re.M)
        found = re.findall(r"^\t([\w-]+) = (.*)$", out[answer.end():] if answer else "", re.M)
        return (answer.group(1) if answer else ""), dict(
            (key, value.strip('"')) for key, value in found)

    def coa(self, kind, attributes, to=f"127.0.0.1:{COA_PORT}"):
        """"coa" or "disconnect" to the gateway: ("CoA-ACK", ...), ("Disconnect-NAK", ...)."""
        return self.client(kind, attributes, to, COA_SECRET)

    # What the gateway's configuration says of it

    def entry(self, more="", transport="udp"):
        """Its line of radius.servers."""
        if transport == "udp":
            how = f"port: {self.port}, accounting-port: {self.accounting_port}, secret: {SECRET}"
        else:
            how = f"transport: tls, port: {self.tls_port}"
        return (f"    - {{name: {self.name}, address: {self.address}, {how}"
                f"{', ' + more if more else ''}}}\n")


def section(servers, auth="radius", more="", coa=True, **entry):
    """The gateway's section for these servers, with further lines."""
    lines = f"radius:\n  auth: [{auth}]\n  servers:\n"
    lines += "".join(server.entry(**entry) for server in servers)
    if coa:
        lines += (f"  coa: 127.0.0.1:{COA_PORT}\n"
                  f"  coa-clients: [{{address: 127.0.0.1, secret: {COA_SECRET}}}]\n")
    return lines + more
