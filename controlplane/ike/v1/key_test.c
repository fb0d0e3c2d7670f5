// SPDX-License-Identifier: Apache-2.0

// Main mode where several pre-shared keys may be the peer's.

#include "fixture.h"

#include "controlplane/ike/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void key(uint32_t place, const char *identity, const char *secret)
{
	psks[place] = (struct config_psk){.secret_length = (uint16_t)strlen(secret)};
	snprintf(psks[place].identity, sizeof(psks[place].identity), "%s", identity);
	snprintf(psks[place].secret, sizeof(psks[place].secret), "%s", secret);
}

static bool try(struct initiator *i, const char *secret)
{
	bool good;

	initiator_init(i, ike, "198.51.100.7", PORT_IKE);
	i->psk = secret;
	good = initiator_main(i);
	initiator_free(i);
	return good;
}

static void an_old_and_a_new_key_are_good(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	key(0, "", "new key");
	key(1, "", "old key");
	restart();
	assert_true(try(&i, "old key"));
	assert_non_null(strstr(seen.up_line, "\"psk\":1"));
	quick_up(&i, &q, 0xabcd0001);
	assert_true(try(&i, "new key"));
	assert_non_null(strstr(seen.up_line, "\"psk\":0"));
	quick_up(&i, &q, 0xabcd0002);
	assert_int_equal(psks_use(ike->psks, 0).count, 1);
	assert_int_equal(psks_use(ike->psks, 1).count, 1);
	assert_null(strstr(seen.up_line, "new key"));
	assert_int_equal(seen.refused, 0);
	assert_false(try(&i, "older key"));
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "pre-shared key mismatch"));
}

// A forged fifth message and one that comes twice change nothing.
static void a_forged_message_leaves_the_keys(void **state)
{
	struct initiator i;
	uint8_t good[INITIATOR_MESSAGE];

	key(0, "", "one");
	key(1, "", "secret");
	restart();
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i) && initiator_third(&i));
	memcpy(good, i.last, ISAKMP_HEADER);
	good[16] = ISAKMP_ID;
	good[19] = ISAKMP_ENCRYPTED;
	memset(good + 20, 0, 4);
	memset(good + ISAKMP_HEADER, 0x5a, 64);
	good[27] = ISAKMP_HEADER + 64;
	good[26] = good[25] = good[24] = 0;
	ike_input(ike, &i.flow, good, ISAKMP_HEADER + 64);
	ike_input(ike, &i.flow, good, ISAKMP_HEADER + 64);
	assert_true(initiator_take(&i)); // the one error
	assert_int_equal(i.answer[18], ISAKMP_INFORMATIONAL);
	assert_true(initiator_fifth(&i));
	assert_int_equal(seen.refused, 1);
	initiator_free(&i);
}

static void name(struct initiator *i, const char *fqdn)
{
	memcpy(i->id, (const uint8_t[]){ID_FQDN, 0, 0, 0}, 4);
	memcpy(i->id + 4, fqdn, strlen(fqdn));
	i->id_length = 4 + strlen(fqdn);
}

static bool try_as(const char *fqdn, const char *secret)
{
	struct initiator i;
	bool good;

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	name(&i, fqdn);
	i.psk = secret;
	good = initiator_main(&i);
	initiator_free(&i);
	return good;
}

static void a_key_is_for_its_identity(void **state)
{
	key(0, "", "everybody");
	key(1, "laptop.example.org", "its own");
	key(2, "tablet.example.org", "its own");
	config.psk_count = 3;
	restart();
	assert_true(try_as("laptop.example.org", "its own"));
	assert_non_null(strstr(seen.up_line, "\"psk\":1"));
	assert_true(try_as("tablet.example.org", "its own"));
	assert_non_null(strstr(seen.up_line, "\"psk\":2"));
	assert_true(try_as("phone.example.org", "everybody"));
	assert_non_null(strstr(seen.up_line, "\"psk\":0"));
	assert_int_equal(seen.refused, 0);
	assert_false(try_as("phone.example.org", "its own"));
	assert_non_null(strstr(seen.refused_line, "not the one for this identity"));
	assert_false(try_as("laptop.example.org", "everybody"));
	assert_non_null(strstr(seen.refused_line, "not the one for this identity"));
	assert_int_equal(seen.refused, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_old_and_a_new_key_are_good, fixture_logged_setup,
			fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(a_forged_message_leaves_the_keys,
			fixture_logged_setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(
			a_key_is_for_its_identity, fixture_logged_setup, fixture_logged_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
