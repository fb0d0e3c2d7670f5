// SPDX-License-Identifier: Apache-2.0

// Which IKE messages reach the control plane, in a flood and without one.

#include "dataplane/admit.h"

#include "dataplane/command.h"
#include "dataplane/test_lab6.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define US_SUB LAB_IP(192, 0, 2, 1)
#define SOURCE LAB_IP(203, 0, 113, 1)

enum { IKE_LENGTH = 40, RATE = 1000, MILLISECOND = 1000000 };

static const uint8_t KEY[IKE_SPI_KEY] = "a key for tests.";
static uint64_t now = 1000 * (uint64_t)MILLISECOND;

static int ask(uint32_t rate, uint32_t zero)
{
	struct command_ike_admit c = {.firsts_per_second = rate, .zero = zero};
	struct message m = {.type = COMMAND_IKE_ADMIT, .size = sizeof(c)};
	uint32_t value;

	memcpy(c.key, KEY, sizeof(c.key));
	memcpy(m.body, &c, sizeof(c));
	return command_apply(&lab.clerk, &m, &value);
}

static void forget_punted(void)
{
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		while (ring_front(&lab.far.punt[i]))
			ring_pop(&lab.far.punt[i]);
}

static int begin(void **state)
{
	lab_connect();
	now += 100 * UINT64_C(1000) * MILLISECOND; // all buckets are full again
	return ask(RATE, 0);
}

static int check_books(void **state)
{
	forget_punted();
	lab_expire();
	lab_forget();
	lab_disconnect();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// A message to worker 0, in a round of its at the present time.
static void send(uint32_t source, const uint8_t *spi_i, const uint8_t *spi_r)
{
	uint8_t message[IKE_LENGTH] = {0}, frame[LAB_FRAME];

	memcpy(message, spi_i, IKE_SPI);
	if (spi_r)
		memcpy(message + IKE_SPI, spi_r, IKE_SPI);
	message[27] = IKE_LENGTH;
	lab_receive(LAB_SUB, 0, frame,
		lab_udp_frame(frame, LAB_SUB, source, US_SUB, 500, 500, message, sizeof(message)));
	worker_round_at(&lab.worker[0], now);
}

static uint32_t waiting(void)
{
	return ring_count(&lab.far.punt[0]);
}

static void own_spi(uint32_t number, uint8_t spi[IKE_SPI])
{
	assert_true(ike_spi_make(KEY, (const uint8_t *)&number, spi) || number == 0);
}

// Firsts of that many sources, each with an SPI of its own; returns how many got through.
static unsigned firsts(uint32_t from, unsigned count)
{
	uint32_t before = waiting();

	for (uint32_t i = 0; i < count; i++) {
		uint8_t spi[IKE_SPI] = {1, 2, 3};

		memcpy(spi + 4, &(uint32_t){from + i}, 4);
		send(SOURCE + from + i, spi, NULL);
	}
	return waiting() - before;
}

static void test_takes_no_other_command(void **state)
{
	assert_int_equal(ask(0, 0), -EINVAL);
	assert_int_equal(ask(ADMIT_FIRSTS_MOST + 1, 0), -EINVAL);
	assert_int_equal(ask(RATE, 1), -EINVAL);
}

static void test_knows_the_classes(void **state)
{
	static const uint8_t theirs[IKE_SPI] = "theirs..", none[IKE_SPI];
	uint64_t rubbish = lab_drops(DROP_IKE_RUBBISH);
	uint8_t ours[IKE_SPI];

	own_spi(7, ours);
	send(SOURCE, theirs, NULL);
	send(SOURCE, theirs, ours);
	send(SOURCE, ours, theirs); // the answer to what we began
	assert_int_equal(waiting(), 3);
	send(SOURCE, theirs, theirs);
	send(SOURCE, none, NULL);
	send(SOURCE, none, theirs);
	ours[7] ^= 1;
	send(SOURCE, theirs, ours);
	assert_int_equal(waiting(), 3);
	assert_int_equal(lab_drops(DROP_IKE_RUBBISH) - rubbish, 4);
}

static void test_drops_lengths_that_cannot_be(void **state)
{
	uint64_t rubbish = lab_drops(DROP_IKE_RUBBISH);
	uint8_t message[IKE_LENGTH] = {1}, frame[LAB_FRAME];

	for (uint8_t length = 0; length < IKE_LENGTH; length++) {
		message[27] = length == 30 ? IKE_LENGTH : length; // a message of 30 says 40
		lab_receive(LAB_SUB, 0, frame,
			lab_udp_frame(frame, LAB_SUB, SOURCE, US_SUB, 500, 500, message,
				length == 30 ? 30 : IKE_LENGTH));
		now += MILLISECOND * 10;
		worker_round_at(&lab.worker[0], now);
		lab_receive(LAB_SUB, 0, frame,
			lab_udp_frame(frame, LAB_SUB, SOURCE, US_SUB, 500, 500, message,
				RTE_MIN(length, 27)));
		worker_round_at(&lab.worker[0], now);
	}
	assert_int_equal(lab_drops(DROP_IKE_RUBBISH) - rubbish, 28 + 1 + IKE_LENGTH);
	assert_int_equal(waiting(), IKE_LENGTH - 28 - 1);
}

static void test_gives_one_source_a_share(void **state)
{
	static const uint8_t spi[IKE_SPI] = "initiato", ours[IKE_SPI] = "another.";
	uint64_t source = lab_drops(DROP_IKE_FIRST_SOURCE);
	unsigned most = RATE / ADMIT_SOURCE_SHARE;

	for (unsigned i = 0; i < 10 * RATE; i++) { // in a second
		now += MILLISECOND / 10;
		send(SOURCE, spi, NULL);
	}
	assert_in_range(waiting(), most, most + most / 4 + 2);
	assert_int_equal(lab_drops(DROP_IKE_FIRST_SOURCE) - source, 10 * RATE - waiting());
	most = waiting();
	send(SOURCE + 1, ours, NULL);
	assert_int_equal(waiting(), most + 1);
}

static void test_bounds_all_firsts(void **state)
{
	uint64_t rate = lab_drops(DROP_IKE_FIRST_RATE);
	unsigned through = firsts(0, 10 * RATE); // at once

	assert_in_range(through, RATE / 8, RATE / 8 + 2);
	assert_int_equal(lab_drops(DROP_IKE_FIRST_RATE) - rate, 10 * RATE - through);
	now += 100 * MILLISECOND;
	assert_in_range(firsts(20 * RATE, 1000), RATE / 10 - 1, RATE / 10 + 1);
}

// Ten new sources for each message that is taken: who asks again gets through at once.
static void test_prefers_who_asks_again(void **state)
{
	static const uint8_t spi[IKE_SPI] = "patient.";
	uint32_t before;

	firsts(0, 2 * RATE);
	before = waiting();
	send(SOURCE - 1, spi, NULL);
	assert_int_equal(waiting(), before);
	for (uint32_t i = 1; i <= 20; i++) {
		forget_punted();
		now += 100 * MILLISECOND;
		firsts(2 * RATE + i * RATE, RATE);
	}
	before = waiting();
	send(SOURCE - 1, spi, NULL);
	assert_int_equal(waiting(), before + 1);
	now += UINT64_C(31) * 1000 * MILLISECOND;
	firsts(0x1000000, RATE);
	before = waiting();
	send(SOURCE - 1, spi, NULL);
	assert_int_equal(waiting(), before); // too long ago
}

// 100,000 new sources a second for ten seconds, half of them here: who asked before is known,
// but for one in a hundred.
static void test_remembers_through_a_flood(void **state)
{
	enum { PATIENT = 20, ROUNDS = 1000, EACH = 500 };
	uint8_t spi[IKE_SPI] = "patient";

	firsts(0, 2 * RATE);
	for (uint8_t i = 0; i < PATIENT; i++) {
		spi[7] = i;
		send(SOURCE - 1 - i, spi, NULL);
	}
	for (uint32_t i = 0; i < ROUNDS; i++) {
		forget_punted();
		now += 10 * MILLISECOND;
		firsts(0x100000 + i * EACH, EACH);
	}
	forget_punted();
	for (uint8_t i = 0; i < PATIENT; i++) {
		spi[7] = i;
		send(SOURCE - 1 - i, spi, NULL);
	}
	assert_in_range(waiting(), PATIENT - 1, PATIENT);
}

static void test_leaves_room_in_the_ring(void **state)
{
	static const uint8_t theirs[IKE_SPI] = "theirs..";
	uint64_t full = lab_drops(DROP_IKE_FIRST_FULL), known = lab_drops(DROP_IKE_KNOWN_FULL);
	uint8_t ours[IKE_SPI];

	for (uint32_t i = 0; i < LIMIT_RING_PACKETS; i++) {
		now += MILLISECOND;
		firsts(i, 1);
	}
	assert_int_equal(waiting(), LIMIT_RING_PACKETS / 2);
	assert_int_equal(lab_drops(DROP_IKE_FIRST_FULL) - full, LIMIT_RING_PACKETS / 2);
	for (uint32_t i = 1; i <= LIMIT_RING_PACKETS; i++) {
		own_spi(i, ours);
		send(SOURCE, theirs, ours);
	}
	assert_int_equal(waiting(), LIMIT_RING_PACKETS / 4 * 3);
	assert_int_equal(lab_drops(DROP_IKE_KNOWN_FULL) - known, LIMIT_RING_PACKETS / 4 * 3);
}

static void test_bounds_one_sa(void **state)
{
	static const uint8_t theirs[IKE_SPI] = "theirs..";
	uint64_t rate = lab_drops(DROP_IKE_KNOWN_RATE);
	uint8_t ours[IKE_SPI];
	unsigned most = ADMIT_KNOWN_RATE * ADMIT_BURST_MS / 1000;

	own_spi(77, ours);
	for (unsigned i = 0; i < 500; i++)
		send(SOURCE + i, theirs, ours);
	assert_in_range(waiting(), most, most + 1);
	assert_int_equal(lab_drops(DROP_IKE_KNOWN_RATE) - rate, 500 - waiting());
	most = waiting();
	own_spi(78, ours);
	send(SOURCE, theirs, ours);
	assert_int_equal(waiting(), most + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, check_books)
	const struct CMUnitTest tests[] = {
		TEST(test_takes_no_other_command),
		TEST(test_knows_the_classes),
		TEST(test_drops_lengths_that_cannot_be),
		TEST(test_gives_one_source_a_share),
		TEST(test_bounds_all_firsts),
		TEST(test_prefers_who_asks_again),
		TEST(test_remembers_through_a_flood),
		TEST(test_leaves_room_in_the_ring),
		TEST(test_bounds_one_sa),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}
