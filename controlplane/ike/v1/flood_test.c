// SPDX-License-Identifier: Apache-2.0

// First messages of strangers without end: what they get, and what everybody else does.

#include "fixture.h"

#include "controlplane/ike/admit.h"
#include "controlplane/work.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 1000, FLOOD = 20000, REQUEST_MOST = 1024 };

static uint8_t request[REQUEST_MOST];
static size_t request_length;

static void learn_first_message(void)
{
	struct initiator i;

	initiator_init(&i, ike, "198.51.100.99", PORT_IKE);
	assert_true(initiator_first(&i));
	request_length = i.last_length;
	assert_true(request_length <= sizeof(request));
	memcpy(request, i.last, request_length);
	initiator_free(&i);
}

static int setup(void **state)
{
	fixture_setup(state);
	config.ike.half_open_max = MOST;
	config.ike.cookies_from = 100;
	restart();
	learn_first_message();
	restart();
	return 0;
}

// One from the number's source, or all from one; returns the bytes of the answer.
static size_t flood_one(uint32_t number, bool one_source)
{
	struct flow flow = {.local_port = PORT_IKE, .remote_port = PORT_IKE};
	const struct fake_packet *p;
	size_t answer;

	address_parse("192.0.2.1", &flow.local);
	flow.remote = address_from_u32(0x0a000000 + (one_source ? 1 : number));
	memcpy(request, &number, sizeof(number));
	request[7] = 1;
	ike_input(ike, &flow, request, request_length);
	p = fake_sent_take();
	answer = p ? p->length : 0;
	assert_null(fake_sent_take()); // one at most
	return answer;
}

static uint32_t half_open(void)
{
	struct ike_counters counters;

	ike_counters(ike, &counters);
	return counters.half_open;
}

static void serves_others_in_a_flood(void **state)
{
	struct initiator known, honest;
	struct initiator_quick q;
	struct mallinfo2 before, after;

	bring_up(&known, &q, "198.51.100.7");
	before = mallinfo2();
	assert_false(admit_is_loaded(ike) || admit_wants_cookie(ike));
	for (uint32_t n = 1; n <= FLOOD; n++) {
		assert_true(flood_one(n, false) <= 3 * request_length);
		assert_true(half_open() <= MOST);
		assert_int_equal(admit_wants_cookie(ike), half_open() >= 100);
		if (n % 5000 == 0) {
			initiator_init(&honest, ike, "198.51.100.8", PORT_IKE);
			assert_true(initiator_main(&honest));
			initiator_free(&honest);
		}
	}
	assert_true(admit_is_loaded(ike));
	assert_int_equal(fake_ike_firsts(), MOST / 2);
	assert_true(initiator_quick(&known, &q));
	pass(30001);
	assert_int_equal(half_open(), 0);
	assert_false(admit_is_loaded(ike) || admit_wants_cookie(ike));
	assert_int_equal(fake_ike_firsts(), 0);
	after = mallinfo2();
	assert_true(after.uordblks < before.uordblks + 64 * 1024);
	initiator_free(&known);
}

static void gives_one_source_a_quarter(void **state)
{
	struct initiator honest;

	for (uint32_t n = 1; n <= FLOOD; n++)
		assert_true(flood_one(n, true) > 0); // the newest of it pushes out its oldest
	assert_int_equal(half_open(), MOST / 4);
	assert_false(admit_is_loaded(ike));
	initiator_init(&honest, ike, "198.51.100.8", PORT_IKE);
	assert_true(initiator_main(&honest));
	initiator_free(&honest);
}

// Those that came back with our cookie stay, those that did not go.
static void keeps_who_came_back(void **state)
{
	static struct initiator patient[MOST / 8];

	for (unsigned n = 0; n < MOST / 8; n++) {
		initiator_init(&patient[n], ike, "198.51.100.8", PORT_IKE);
		assert_true(initiator_first(&patient[n]));
		if (n % 2)
			assert_true(initiator_third(&patient[n]));
	}
	for (uint32_t n = 1; n <= FLOOD; n++)
		(void)flood_one(n, false);
	for (unsigned n = 0; n < MOST / 8; n++) {
		assert_int_equal(
			n % 2 ? initiator_fifth(&patient[n]) : initiator_third(&patient[n]), n % 2);
		initiator_free(&patient[n]);
	}
}

// A refusal is for somebody who can learn from it, not for a flood.
static void refuses_in_silence_under_load(void **state)
{
	struct initiator i;

	initiator_init(&i, ike, "198.51.100.8", PORT_IKE);
	i.group = IKE_MODP_1024;
	assert_false(initiator_first(&i));
	assert_int_equal(i.answer_length > 0, true);
	initiator_free(&i);
	for (uint32_t n = 1; n <= MOST; n++)
		(void)flood_one(n, false);
	initiator_init(&i, ike, "198.51.100.8", PORT_IKE);
	i.group = IKE_MODP_1024;
	initiator_send(&i, request, 0);
	assert_false(initiator_first(&i));
	assert_int_equal(fake_sent_count(), 0);
	initiator_free(&i);
}

// Nothing new is begun while as much is to be computed as can be; then it goes on.
static void paces_a_storm(void **state)
{
	struct initiator first[70];
	unsigned answered = 0;

	work_hold(true);
	for (unsigned n = 0; n < 70; n++) {
		initiator_init(&first[n], ike, "198.51.100.8", PORT_IKE);
		if (initiator_first(&first[n]))
			answered++;
		(void)initiator_third(&first[n]);
	}
	assert_in_range(answered, 32, 69);
	work_hold(false);
	while (fake_sent_take())
		;
	assert_true(initiator_main(&first[69]));
	for (unsigned n = 0; n < 70; n++)
		initiator_free(&first[n]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(serves_others_in_a_flood),
		TEST(gives_one_source_a_quarter),
		TEST(keeps_who_came_back),
		TEST(refuses_in_silence_under_load),
		TEST(paces_a_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
