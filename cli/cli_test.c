// SPDX-License-Identifier: Apache-2.0

// The program as people call it, against a server of the API on a real socket.

#include "controlplane/api/api_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct api_fake fake;
static const char *program;

static char output[65536]; // of the last call, both streams

// Runs the program with the socket of the server; $S in the words stands for it. Returns its exit
// code.
static int call(const char *words)
{
	char line[2048];
	size_t n;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "S=%s; C=%s; { %s; } 2>&1", fake.socket, program, words);
	f = popen(line, "r");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct {
	const char *words;
	int code;
	const char *part; // of the output
} cases[] = {
	{"$C", 2, "Usage: culvert"},
	{"$C --help", 0, "disconnect USER|ADDRESS|ID"},
	{"$C --version", 0, "culvert 0."},
	{"$C show", 2, "show what? One of:"},
	{"$C show nonsense", 2, "Not nonsense"},
	{"$C dance", 2, "unknown command dance"},
	{"$C --colour show status", 2, "culvert --help"},
	{"$C -s $S show status more", 2, "too many words"},
	{"$C disconnect", 2, "too few words; usage: culvert disconnect USER|ADDRESS|ID"},
	{"$C -s $S show ports --user x", 2, "--user does not go with show ports"},
	{"$C -s $S show subscribers --limit 0", 2, "--limit wants a number"},
	{"$C show subscribers --help", 0, "--limit N"},
	{"$C -s $S show status", 0, "Culvert 9.9.9, up 1d02h\nDataplane    2 workers, 2 ports\n"},
	{"$C -s $S show status", 0, "Subscribers  3 present, 2 forwarding\n"},
	{"$C -s $S show subscribers", 0,
		"ID  USER        ADDRESS     PEER              ACCESS  STATE     UP  UPLINK  "
		"DOWNLINK\n"
		" 7  alice       100.64.0.2  203.0.113.9:4500  ikev2   up     1h02m  123 kB   "
		"7.65 GB\n"},
	{"$C -s $S show addresses", 0,
		" 7  alice       100.64.0.2  2001:db8:0:1::/64  2001:db8:0:1::1  "
		"2001:db8:d000::/56\n"},
	{"$C -s $S show lines", 0, "alice       203.0.113.9:4500  12.0%      31  "},
	{"$C -s $S show subscribers", 0, "eve\\x1b[2J"},
	{"COLUMNS=78 $C -s $S show subscribers", 0, "203.0.113~  ikev2   up"},
	{"$C -s $S --json show subscribers", 0, "eve\\u001B[2J"},
	{"$C -s $S --json show subscribers --limit 1 | grep -c '\"id\"'", 0, "1\n"},
	{"$C -s $S show subscribers --user nobody", 0, "No subscriber is connected."},
	{"$C -s $S show tunnels", 0, "203.0.113.9:1701"},
	{"$C -s $S show sessions", 0, "There is no L2TP session."},
	{"$C -s $S show sas", 0, "aes-gcm-128"},
	{"$C -s $S show sas", 0, "aes-cbc-256"},
	{"$C -s $S show workers", 0, "25.0%"},
	{"$C -s $S show ports", 0, "wan0"},
	{"$C -s $S show drops", 0,
		"REASON      PACKETS  MEANING\nesp-replay       12  seen before\n"},
	{"$C -s $S show drops | grep -c tx-full", 1, "0\n"},
	{"$C -s $S show drops --all", 0, "tx-full"},
	{"$C -s $S show pools", 0, "100.64.0.0/16"},
	{"$C -s $S show groups", 0,
		"GROUP  IN PLACE  TO OTHERS  FILTER UP  FILTER DOWN     UP  DOWN  SHAPED\n"
		"home   yes       no         web        -            50.0M     -       -\n"},
	{"$C -s $S show groups", 0, "123 kB        12        3"},
	{"$C -s $S --json show groups", 0, "\"bit_s\": 50000000"},
	{"$C -s $S show filters", 0, "Rules of web:\nACTION"},
	{"$C -s $S show filters", 0, "permit  tcp       any   any   198.51.100.0/24  443\n"},
	{"$C -s $S --json show filters --limit 1", 0, "\"otherwise\": \"deny\""},
	{"$C -s $S show certificates", 0, "authority  CN=Example Root"},
	{"$C -s $S --json show certificates", 0, "\"days_left\": 1825"},
	{"$C -s $S show algorithms", 0, "1234567     1  rsa-signature  aes-cbc-256"},
	{"$C -s $S show psks", 0, "  0  203.0.113.0/24  -             3           17  1m01s\n"},
	{"$C -s $S show effective alice", 0,
		"alice, connected, 100.64.0.7:\n\nWHAT             VALUE  FROM\n"
		"session-timeout  3600s  radius\n"},
	{"$C -s $S --json show effective alice", 0, "\"from\": \"radius\""},
	{"$C -s $S show effective bob", 3, "bob is not connected"},
	{"$C -s $S show radius", 0, "radius-1"},
	{"$C -s $S --json show radius", 0, "\"smoothed_ms\": 12"},
	{"$C -s $S show effective", 2, "too few words"},
	{"$C -s $S policy check --forbid modp1024,3des,sha1", 0,
		"1 would fail, 2 would use something else, 3 would stay as they are.\n\nPEER"},
	{"$C -s $S policy check --forbid MODP-1024", 0, "alice  192.168.1.2  fails"},
	{"$C -s $S --json policy check --forbid ikev1", 0, "\"verdict\": \"fails\""},
	{"$C -s $S policy check", 2, "policy check needs --forbid WORDS\n"},
	{"$C -s $S policy check --forbid sha1,rot13", 1, "no algorithm of the config"},
	{"$C -s $S policy check --forbid ,", 1, "no algorithm of the config"},
	{"$C -s $S show sas --forbid sha1", 2, "--forbid does not go with show sas"},
	{"$C -s $S disconnect 9", 0, "Disconnecting eve\\x1b[2J, 100.64.0.4 (id 9).\n"},
	{"$C -s $S disconnect 100.64.0.3", 0, "Disconnecting alice, 100.64.0.3 (id 8).\n"},
	{"$C -s $S disconnect alice", 0, "(id 7).\nDisconnecting alice, 100.64.0.3 (id 8).\n"},
	{"$C -s $S disconnect nobody", 3, "no subscriber is called nobody"},
	{"$C -s $S disconnect 77", 3, "no subscriber is called 77"},
	{"$C -s $S disconnect 'a b/../?x=&y'", 3, "no subscriber is called"},
	{"$C -s /nonexistent/api.sock show status", 4,
		"culvert: no gateway on /nonexistent/api.sock (No such file or directory): start "
		"culvert-controlplane, or name its api.socket with -s\n"},
	{"$C -s $S show status > /dev/full", 1, ""},
	{"$C config check $CULVERT_CONFIGS/full.yaml", 0, "full.yaml is in order.\n"},
	{"$C config check /nonexistent", 1, "/nonexistent:1:1: cannot be opened"},
	{"echo 'ports: 1' > $S.yaml; $C config check $S.yaml; x=$?; rm $S.yaml; exit $x", 1,
		":1:8: ports is a single value"},
};

static void test_calls(void **state)
{
	unsigned failures = 0;

	unsetenv("COLUMNS");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int code = call(cases[i].words);

		if (code == cases[i].code && strstr(output, cases[i].part) &&
			!strchr(output, '\x1b'))
			continue;
		print_error("%s\nwanted %d:\n%s\ngot %d:\n%s\n", cases[i].words, cases[i].code,
			cases[i].part, code, output);
		failures++;
	}
	assert_int_equal(failures, 0);
}

// A table of `show` fits 80 columns.
static void test_width(void **state)
{
	static const char *const nouns[] = {"status", "subscribers", "lines", "addresses",
		"tunnels", "sas", "workers", "ports", "drops", "pools", "groups", "filters",
		"certificates", "algorithms", "psks", "radius"};

	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		char words[128];
		char *save, *line;

		snprintf(words, sizeof(words), "COLUMNS=80 $C -s $S show %s", nouns[i]);
		assert_int_equal(call(words), 0);
		for (line = strtok_r(output, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			assert_true(strlen(line) <= 80);
	}
}

static int start(void **state)
{
	api_fake_start(&fake);
	return 0;
}

static int stop(void **state)
{
	return api_fake_stop(&fake);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_width),
	};

	assert_int_equal(argc, 2);
	program = argv[1];
	return cmocka_run_group_tests(tests, start, stop);
}
