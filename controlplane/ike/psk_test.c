// SPDX-License-Identifier: Apache-2.0

#include "psk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static struct config_psk keys[32];

static void key(const char *peer, const char *identity, const char *secret)
{
	struct config_psk *k = &keys[config.psk_count++];

	*k = (struct config_psk){.secret_length = (uint16_t)strlen(secret)};
	snprintf(k->identity, sizeof(k->identity), "%s", identity);
	snprintf(k->secret, sizeof(k->secret), "%s", secret);
	if (*peer)
		assert_int_equal(prefix_parse(peer, &k->peer, NULL), 0);
	config.psks = keys;
}

// The places that fit, in their order, as letters: "ba" is the key b before the key a.
static const char *found(const struct psks *p, const char *remote, const char *identity)
{
	static char out[PSK_CANDIDATES + 1];
	struct ip_address address;
	struct identity id;
	struct psk_list list;

	assert_int_equal(address_parse(remote, &address), 0);
	if (identity)
		assert_int_equal(identity_parse(&id, identity), 0);
	psks_find(p, &address, identity ? &id : NULL, &list);
	for (size_t i = 0; i < list.count; i++) {
		out[i] = (char)psks_secret(p, list.places[i]).at[0];
		if (identity)
			assert_true(psks_fits(p, list.places[i], &address, &id));
	}
	out[list.count] = 0;
	return out;
}

static void chooses_the_keys_that_fit(void **state)
{
	struct ip_address stranger;
	struct psks *p;

	(void)state;
	config.psk_count = 0;
	key("192.0.2.0/24", "", "a");
	key("", "", "b");
	key("192.0.2.0/24", "", "c");
	key("", "laptop.example.org", "d");
	key("192.0.2.9", "laptop.example.org", "e");
	key("198.51.100.0/24", "10.0.0.1", "f");
	key("2001:db8::/32", "", "g");
	p = psks_create(&config);
	assert_non_null(p);
	assert_string_equal(found(p, "192.0.2.1", NULL), "dac");
	assert_string_equal(found(p, "192.0.2.9", NULL), "edac");
	assert_string_equal(found(p, "203.0.113.1", NULL), "db");
	assert_string_equal(found(p, "198.51.100.1", NULL), "fdb");
	assert_string_equal(found(p, "2001:db8::1", NULL), "dg");
	assert_string_equal(found(p, "192.0.2.9", "laptop.example.org"), "e");
	assert_string_equal(found(p, "192.0.2.8", "laptop.example.org"), "d");
	assert_string_equal(found(p, "192.0.2.8", "other.example.org"), "ac");
	assert_string_equal(found(p, "198.51.100.1", "10.0.0.1"), "f");
	assert_string_equal(found(p, "198.51.100.1", "10.0.0.2"), "b");
	assert_int_equal(address_parse("203.0.113.1", &stranger), 0);
	assert_true(psks_any(p, &stranger));
	psks_free(p);
	config.psk_count = 1;
	p = psks_create(&config);
	assert_non_null(p);
	assert_false(psks_any(p, &stranger));
	psks_free(p);
}

static void tries_no_more_than_it_may(void **state)
{
	struct ip_address remote;
	struct psk_list list;
	struct psks *p;
	char name[32];

	(void)state;
	config.psk_count = 0;
	key("", "", "any");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.example.org", i);
		key(i < 18 ? "" : "192.0.2.0/24", name, "x");
	}
	p = psks_create(&config);
	assert_non_null(p);
	assert_int_equal(address_parse("192.0.2.1", &remote), 0);
	psks_find(p, &remote, NULL, &list);
	assert_int_equal(list.count, PSK_CANDIDATES);
	assert_true(list.cut);
	assert_int_equal(list.places[0], 19);
	assert_int_equal(list.places[1], 20);
	assert_int_equal(list.places[2], 1);
	assert_string_equal(found(p, "192.0.2.1", "17.example.org"), "x");
	psks_free(p);
}

static void counts_what_is_used(void **state)
{
	struct psks *p;

	(void)state;
	config.psk_count = 0;
	key("", "", "old");
	key("", "", "new");
	p = psks_create(&config);
	assert_non_null(p);
	psks_used(p, 1, 5000);
	psks_used(p, 1, 7000);
	assert_int_equal(psks_use(p, 0).count, 0);
	assert_int_equal(psks_use(p, 0).last_ms, 0);
	assert_int_equal(psks_use(p, 1).count, 2);
	assert_int_equal(psks_use(p, 1).last_ms, 7000);
	psks_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_the_keys_that_fit),
		cmocka_unit_test(tries_no_more_than_it_may),
		cmocka_unit_test(counts_what_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
