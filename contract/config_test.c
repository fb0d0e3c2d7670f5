// SPDX-License-Identifier: Apache-2.0

#include "contract/config.h"
#include "contract/config_schema.h"
#include "contract/messages.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *folder; // of configs/*.yaml

// What a good file needs; a case replaces the lines of one section or adds some.
static const char port[] = "ports: [{name: a, side: subscriber, device: d, "
			   "addresses: [192.0.2.1/24]}]\n";
static const char listener[] = "listeners: [{name: l, address: 192.0.2.1}]\n";
static const char psk[] = "ike: {psks: [{peer: any, secret: s3cret}]}\n";
static const char pool[] = "pools: [{name: p, prefixes: [100.64.0.0/16]}]\n";

enum { PORT = 1, LISTENER = 2, PSK = 4, POOL = 8, ALL = 15 };

// Returns config_parse's error; the lines go to *lines, to be freed.
static int parse(const char *text, unsigned with, struct config **c, char **lines)
{
	size_t size;
	FILE *errors = open_memstream(lines, &size);
	char whole[8192];
	int error;

	assert_non_null(errors);
	snprintf(whole, sizeof(whole), "%s%s%s%s%s", text, with & PORT ? port : "",
		with & LISTENER ? listener : "", with & PSK ? psk : "", with & POOL ? pool : "");
	error = config_parse(whole, strlen(whole), "f", c, errors);
	fclose(errors);
	return error;
}

static void load_example(const char *name)
{
	char path[512], *lines;
	struct config *c;
	size_t size;
	FILE *errors = open_memstream(&lines, &size);

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (config_load(path, &c, errors) != 0) {
		fclose(errors);
		fail_msg("%s", lines);
	}
	fclose(errors);
	free(lines);
	config_free(c);
}

static void test_examples(void **state)
{
	DIR *d = opendir(folder);
	unsigned count = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		size_t n = strlen(e->d_name);

		if (n < 5 || strcmp(e->d_name + n - 5, ".yaml") != 0)
			continue;
		load_example(e->d_name);
		count++;
	}
	closedir(d);
	assert_true(count >= 5);
}

static void expect_keys(const struct config_section *s, const char *text)
{
	for (const struct config_field *f = s->fields; f->key; f++) {
		char key[64];

		snprintf(key, sizeof(key), "%s:", f->key);
		if (!strstr(text, key))
			fail_msg("full.yaml does not show %s.%s", s->name, f->key);
		if (!f->help)
			fail_msg("%s.%s has no help", s->name, f->key);
		if (f->required && !f->example)
			fail_msg("%s.%s has no example", s->name, f->key);
		if ((f->kind == KIND_DURATION || f->kind == KIND_SIZE) && !f->example)
			fail_msg("%s.%s has no example", s->name, f->key);
		if (f->kind == KIND_SECTION)
			expect_keys(f->maps, text);
	}
}

static char *read_full(void)
{
	char path[512], *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/full.yaml", folder);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static void test_warnings(void **state)
{
	struct config *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->ike.version_1 = true;
	assert_null(config_warning(c, 0));
	c->ike.aggressive = true;
	assert_non_null(strstr(config_warning(c, 0), "hash"));
	assert_null(config_warning(c, 1));
	c->ike.legacy_modp1024 = true;
	assert_non_null(strstr(config_warning(c, 1), "modp-1024"));
	assert_null(config_warning(c, 2));
	c->ike.version_1 = false;
	assert_non_null(strstr(config_warning(c, 0), "modp-1024"));
	free(c);
}

static void test_full_shows_every_key(void **state)
{
	char *text = read_full();

	expect_keys(&config_file, text);
	free(text);
}

// What full.yaml says of defaults is what the schema says: single values of sections that are maps.
static void test_full_shows_the_defaults(void **state)
{
	char *text = read_full();

	for (const struct config_field *s = config_file.fields; s->key; s++) {
		char title[64], *section;

		if (s->kind != KIND_SECTION || s->most)
			continue;
		snprintf(title, sizeof(title), "\n%s:\n", s->key);
		section = strstr(text, title);
		assert_non_null(section);
		for (const struct config_field *f = s->maps->fields; f->key; f++) {
			char line[256], *at;
			size_t n;

			if (!f->initial)
				continue;
			n = (size_t)snprintf(
				line, sizeof(line), "\n  %s: %s", f->key, f->most ? "[" : "");
			for (const char *i = f->initial; *i; i++)
				n += (size_t)sprintf(
					line + n, "%s", *i == ' ' ? ", " : (char[]){*i, 0});
			strcpy(line + n, f->most ? "]" : "");
			at = strstr(section, line);
			if (!at || !strchr(" \n", at[strlen(line)]))
				fail_msg("full.yaml does not show:%s", line);
		}
	}
	free(text);
}

static void test_words_of_algorithms(void **state)
{
	const struct config_field *f;

	for (f = config_file.fields; strcmp(f->key, "ike") != 0; f++)
		;
	for (f = f->maps->fields; f->key; f++) {
		bool cipher = strcmp(f->key, "esp-cipher") == 0;

		if (!cipher && strcmp(f->key, "esp-integrity") != 0)
			continue;
		for (const struct config_word *w = f->words; w->word; w++)
			assert_string_equal(w->word, cipher ? esp_cipher_shape(w->value)->name
							    : esp_integrity_shape(w->value)->name);
	}
	assert_string_equal(ike_group_word(IKE_ECP_384), "ecp-384");
	assert_string_equal(ike_encryption_word(IKE_3DES), "3des");
	assert_string_equal(ike_hash_word(99), "?");
	assert_string_equal(ppp_auth_word(PPP_AUTH_MSCHAPV2), "mschapv2");
}

static void test_defaults(void **state)
{
	struct config *c;
	char *lines, text[ADDRESS_TEXT];

	if (parse("", ALL, &c, &lines) != 0)
		fail_msg("%s", lines);
	assert_string_equal(lines, "");
	assert_int_equal(c->dataplane.memory_mib, 512);
	assert_int_equal(c->dataplane.clerk_core, 0xffff);
	assert_true(c->dataplane.hugepages);
	assert_int_equal(c->dataplane.idle, IDLE_ADAPTIVE);
	assert_int_equal(c->port_count, 1);
	assert_int_equal(c->ports[0].mtu, 1500);
	assert_int_equal(c->ports[0].address_count, 1);
	assert_string_equal(prefix_format(&c->ports[0].addresses[0].network, text), "192.0.2.0/24");
	assert_string_equal(address_format(&c->ppp.local, text), "192.0.2.1");
	assert_false(c->listeners[0].clear_l2tp);
	assert_int_equal(c->psk_count, 1);
	assert_int_equal(c->psks[0].peer.length, 0);
	assert_string_equal(c->psks[0].secret, "s3cret");
	assert_int_equal(c->psks[0].secret_length, 6);
	assert_int_equal(c->ike.lifetime_s, 86400);
	assert_int_equal(c->ike.dpd_timeout_ms, 120000);
	assert_int_equal(c->ike.encryption.count, 5);
	assert_int_equal(c->ike.group.values[0], IKE_ECP_384);
	assert_true(c->ike.vendor_dpd);
	assert_false(c->ike.legacy_3des);
	assert_int_equal(c->ppp.mtu, 0);
	assert_int_equal(c->ppp.echo_interval_ms, 30000);
	assert_int_equal(c->ppp.auth.count, 2);
	assert_int_equal(c->api.tcp.version, IP_NONE);
	assert_int_equal(c->log_level, LEVEL_INFO);
	assert_string_equal(c->user, "");
	config_free(c);
	free(lines);
}

static void test_values(void **state)
{
	static const char text[] =
		"dataplane: {idle: poll, hugepages: false, memory: 2GiB, workers: 2, cores: [2, "
		"3], "
		"clerk-core: 1, eal: [--no-pci, -v]}\n"
		"routes: [{to: 0.0.0.0/0, via: 192.0.2.254}]\n"
		"ike:\n"
		"  psks: [{peer: any, secret: a}, {peer: 192.0.2.9, secret: b}]\n"
		"  hash: [md5, sha1]\n"
		"  legacy: [modp-1024, 3des, md5]\n"
		"  vendor-ids: [natt-03]\n"
		"  lifetime: 90m\n"
		"  esp-lifetime: 3600s\n"
		"  replay-window: 4096\n"
		"  esp-cipher: [chacha20-poly1305, aes-cbc-128, 3des]\n"
		"  esp-extended-sequence: true\n"
		"ppp: {echo-interval: off, mtu: 1280, dns: [192.0.2.53], auth: [pap]}\n"
		"users: [{name: bob, password: x, address: 10.0.0.1}, {name: eve, password: y, "
		"pool: p}]\n"
		"api: {tcp: '[::1]:9'}\n"
		"log: {level: debug}\n"
		"certificates: {authorities: [{certificate: ca.pem, crl: "
		"'http://crl.example.org/x', "
		"ocsp: 'http://ocsp.example.org'}]}\n"
		"user: culvert\n";
	struct config *c;
	char *lines;

	if (parse(text, PORT | LISTENER | POOL, &c, &lines) != 0)
		fail_msg("%s", lines);
	assert_string_equal(c->certificates.authorities[0].crl, "http://crl.example.org/x");
	assert_int_equal(c->dataplane.idle, IDLE_POLL);
	assert_int_equal(c->dataplane.memory_mib, 2048);
	assert_int_equal(c->dataplane.cores_count, 2);
	assert_int_equal(c->dataplane.cores[1], 3);
	assert_int_equal(c->dataplane.clerk_core, 1);
	assert_int_equal(c->dataplane.eal_count, 2);
	assert_string_equal(c->dataplane.eal[1], "-v");
	assert_int_equal(c->route_count, 1);
	assert_int_equal(c->psk_count, 2);
	assert_int_equal(c->psks[1].peer.length, 32);
	assert_int_equal(c->ike.hash.count, 2);
	assert_int_equal(c->ike.hash.values[0], IKE_MD5);
	assert_int_equal(c->ike.encryption.values[5], IKE_3DES);
	assert_int_equal(c->ike.group.values[c->ike.group.count - 1], IKE_MODP_1024);
	assert_int_equal(c->ike.esp_cipher.count, 3);
	assert_int_equal(c->ike.esp_cipher.values[0], ESP_CIPHER_CHACHA20_POLY1305);
	assert_int_equal(c->ike.esp_cipher.values[2], ESP_CIPHER_3DES);
	assert_true(c->ike.esp_extended_sequence);
	assert_int_equal(c->ike.replay_window, 4096);
	assert_false(c->ike.legacy_modp1536);
	assert_true(c->ike.vendor_nat_t_draft03);
	assert_false(c->ike.vendor_dpd);
	assert_int_equal(c->ike.lifetime_s, 5400);
	assert_int_equal(c->ppp.echo_interval_ms, 0);
	assert_int_equal(c->ppp.mtu, 1280);
	assert_int_equal(c->user_count, 2);
	assert_string_equal(c->users[1].pool, "p");
	assert_int_equal(c->api.tcp.version, IP_V6);
	assert_int_equal(c->api.tcp_port, 9);
	assert_int_equal(c->log_level, LEVEL_DEBUG);
	assert_string_equal(c->user, "culvert");
	config_free(c);
	free(lines);
}

static void test_filters_and_groups(void **state)
{
	static const char text[] =
		"filters:\n"
		"- name: f\n"
		"  otherwise: permit\n"
		"  rules:\n"
		"  - {action: deny, from: 10.0.0.0/8, protocol: tcp, to-port: 1024-2048}\n"
		"  - {action: permit, to: '2001:db8::1', protocol: 50, from-port: any}\n"
		"  - {action: permit, from: 0.0.0.0/0, to-port: 5}\n"
		"- {name: g, otherwise: deny}\n"
		"groups:\n"
		"- {name: x}\n"
		"- {name: y, filter-downlink: g, subscriber-to-subscriber: false, police-uplink: "
		"1500kbit/s, shape-downlink: 2Gbit/s, shape-downlink-burst: 4KiB}\n"
		"default-group: y\n"
		"users: [{name: eve, password: y, group: x}]\n";
	const struct config_rule *r;
	struct config *c;
	char *lines;

	if (parse(text, ALL, &c, &lines) != 0)
		fail_msg("%s", lines);
	assert_int_equal(c->filter_count, 2);
	assert_int_equal(c->filters[0].otherwise, FILTER_PERMIT);
	assert_int_equal(c->filters[0].rule_count, 3);
	assert_int_equal(c->filters[1].otherwise, FILTER_DENY);
	assert_int_equal(c->filters[1].rule_count, 0);
	r = c->filters[0].rules;
	assert_int_equal(r[0].action, FILTER_DENY);
	assert_int_equal(r[0].from.length, 8);
	assert_int_equal(r[0].to.address.version, IP_NONE);
	assert_int_equal(r[0].protocol, 6);
	assert_int_equal(r[0].from_port[1], 65535);
	assert_int_equal(r[0].to_port[0], 1024);
	assert_int_equal(r[0].to_port[1], 2048);
	assert_int_equal(r[1].to.length, 128);
	assert_int_equal(r[1].protocol, 50);
	assert_int_equal(r[2].from.address.version, IP_V4);
	assert_int_equal(r[2].to_port[1], 5);
	assert_int_equal(r[2].protocol, FILTER_ANY_PROTOCOL);
	assert_int_equal(c->group_count, 2);
	assert_true(c->groups[0].subscriber_to_subscriber);
	assert_false(c->groups[1].subscriber_to_subscriber);
	assert_int_equal(c->groups[1].police_uplink.kbit, 1500);
	assert_int_equal(c->groups[1].police_uplink.burst, 0);
	assert_int_equal(c->groups[1].shape_downlink.kbit, 2000000);
	assert_int_equal(c->groups[1].shape_downlink.burst, 4096);
	assert_int_equal(config_group_number(c, c->default_group), 2);
	assert_int_equal(config_group_number(c, c->users[0].group), 1);
	assert_int_equal(config_filter_number(c, c->groups[1].filter_downlink), 2);
	assert_int_equal(config_filter_number(c, c->groups[1].filter_uplink), 0);
	config_free(c);
	free(lines);
}

static const struct bad_case {
	unsigned with;
	const char *text;
	const char *lines;
} bad_cases[] = {
#include "config_test_cases.h"
};

static void test_bad(void **state)
{
	unsigned failures = 0;

	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		const struct bad_case *b = &bad_cases[i];
		struct config *c;
		char *lines;
		int error = parse(b->text, b->with, &c, &lines);

		if (error != -EINVAL || strcmp(lines, b->lines) != 0) {
			print_error("case:\n%swanted:\n%sgot %d:\n%s\n", b->text, b->lines, error,
				lines);
			failures++;
		}
		assert_null(c);
		free(lines);
	}
	assert_int_equal(failures, 0);
}

// No error may repeat what stands where a secret belongs.
static void test_secrets_are_not_shown(void **state)
{
	static const char *const cases[] = {
		"ike: {psks: [{peer: any, secret: [HUSH]}]}\n",
		"ike: {psks: [{peer: any, secret: {HUSH: HUSH}}]}\n",
		"ike: {psks: [{peer: any, secret: {HUSH}}]}\n",
		"ike: {psks: [{peer: any, secret: {file: x, HUSH: HUSH}}]}\n",
		"ike: {psks: [{peer: any, secret: \"HUSH\\0\"}]}\n",
		"l2tp: {secret: \"\\0HUSH\"}\n",
		"users: [{name: a, password: [HUSH]}]\n",
		"users: [{name: a, password: !!int HUSH}, {name: a, password: HUSH}]\n",
		"users: [{name: a, password: HUSH: HUSH}]\n",
		"users: [{name: a, password: *HUSH}]\n",
		"users: [{name: a, password: \"HUSH\\q\"}]\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c;
		char *lines;

		assert_int_equal(parse(cases[i], ALL, &c, &lines), -EINVAL);
		assert_null(strstr(lines, "HUSH"));
		free(lines);
	}
}

// Writes a secret file and a config that names it; returns config_load's error.
static int load_secret(const char *dir, const char *secret, mode_t mode, char **lines)
{
	char path[256];
	struct config *c;
	size_t size;
	FILE *f, *errors;
	int error;

	snprintf(path, sizeof(path), "%s/psk", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(secret, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s%s%s%s", port, listener, pool,
		"ike: {psks: [{peer: any, secret: {file: psk}}]}\n");
	fclose(f);
	errors = open_memstream(lines, &size);
	error = config_load(path, &c, errors);
	fclose(errors);
	if (!error) {
		assert_string_equal(c->psks[0].secret, "from the file");
		assert_int_equal(c->psks[0].secret_length, 13);
		config_free(c);
	}
	return error;
}

static void test_secret_files(void **state)
{
	char dir[] = "/tmp/config-test-XXXXXX", path[256], wanted[1024], *lines;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(load_secret(dir, "from the file\n", 0600, &lines), 0);
	assert_string_equal(lines, "");
	free(lines);
	assert_int_equal(load_secret(dir, "from the file\n", 0640, &lines), -EINVAL);
	snprintf(wanted, sizeof(wanted),
		"%s/c.yaml:4:34: ike.psks.secret: secret file %s/psk may be read by others than "
		"its "
		"owner: chmod 600 %s/psk\n",
		dir, dir, dir);
	assert_string_equal(lines, wanted);
	free(lines);
	assert_int_equal(load_secret(dir, "", 0600, &lines), -EINVAL);
	free(lines);
	snprintf(path, sizeof(path), "%s/psk", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	unlink(path);
	rmdir(dir);
}

static void test_missing_file(void **state)
{
	struct config *c;
	char *lines;
	size_t size;
	FILE *errors = open_memstream(&lines, &size);

	assert_int_equal(config_load("/nonexistent/c.yaml", &c, errors), -ENOENT);
	fclose(errors);
	assert_string_equal(lines, "/nonexistent/c.yaml:1:1: cannot be opened "
				   "(No such file or directory): check the path\n");
	free(lines);
}

// A list that contains itself, by an alias.
static void test_circles_end(void **state)
{
	struct config *c;
	char *lines;

	assert_int_equal(parse("users: &u [*u, *u]\n", ALL, &c, &lines), -EINVAL);
	free(lines);
	assert_int_equal(parse("dataplane: &u {dataplane: *u}\n", ALL, &c, &lines), -EINVAL);
	free(lines);
}

static void test_routes(void **state)
{
	static const char text[] =
		"ports:\n"
		"- {name: a, side: subscriber, device: d, addresses: [192.0.2.1/24]}\n"
		"- {name: b, side: network, device: e, addresses: [198.51.100.1/24, "
		"'2001:db8::1/64']}\n"
		"routes:\n"
		"- {to: 0.0.0.0/0, via: [198.51.100.2, 198.51.100.3]}\n"
		"- {to: '::/0', via: ['fe80::1', '2001:db8::2'], port: b}\n"
		"- {to: 2001:db8:1::/48, via: 2001:db8::3}\n";
	struct config *c;
	char *lines;

	if (parse(text, ALL & ~PORT, &c, &lines) != 0)
		fail_msg("%s", lines);
	assert_int_equal(c->route_count, 3);
	assert_int_equal(c->routes[0].via_count, 2);
	assert_int_equal(c->routes[1].to.address.version, IP_V6);
	assert_int_equal(c->routes[1].to.length, 0);
	assert_int_equal(c->routes[1].via_count, 2);
	assert_int_equal(c->routes[1].via[0].bytes[0], 0xfe);
	assert_string_equal(c->routes[1].port, "b");
	assert_int_equal(c->routes[2].via_count, 1);
	config_free(c);
	free(lines);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_full_shows_every_key),
		cmocka_unit_test(test_full_shows_the_defaults),
		cmocka_unit_test(test_words_of_algorithms),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_filters_and_groups),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_secrets_are_not_shown),
		cmocka_unit_test(test_secret_files),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_circles_end),
	};

	folder = argc > 1 ? argv[1] : "configs";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
