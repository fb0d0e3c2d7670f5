// SPDX-License-Identifier: Apache-2.0

// The client over UDP: what counts as an answer, retransmission, ids, thousands on the way, and the
// life and death of servers.

#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW_MS = 2000 + 4000 + 8000, // three tries of fixture_server
	STATUS_MS = 2 * 2000,
	HOLD_OFF_MS = 30000,
	PATIENCE_MS = 120000,
};

static struct fake_server one, two;
static struct outcome a, b;
static struct fake_request request;

static void begin_one(void)
{
	fixture_server(&one, 0);
	fixture_begin();
}

static void begin_two(void)
{
	fixture_server(&one, 0);
	fixture_server(&two, 1);
	fixture_config.radius.servers[1].priority = 2;
	fixture_begin();
}

static void end(void)
{
	if (one.fd >= 0)
		fake_close(&one);
	if (two.fd > 0)
		fake_close(&two);
	two.fd = -1;
}

// ---- answers

static void test_answer(void **state)
{
	struct radius_attribute nas;
	struct radius_server_info info;

	begin_one();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	assert_int_equal(request.packet.code, RADIUS_ACCESS_REQUEST);
	assert_int_equal(request.bytes[RADIUS_HEADER], 80); // Message-Authenticator comes first
	assert_true(radius_find(&request.packet, 32, &nas));
	assert_memory_equal(nas.value, "culvert", 7);
	fixture_pass(100);
	assert_false(a.done);
	fake_answer(&one, &request, RADIUS_ACCESS_REJECT);
	fixture_settle();
	assert_true(a.done);
	assert_int_equal(a.outcome, RADIUS_ANSWERED);
	assert_int_equal(a.code, RADIUS_ACCESS_REJECT);
	assert_int_equal(a.ms, 100);
	info = fixture_info(0);
	assert_int_equal(info.kind[RADIUS_AUTH].requests, 1);
	assert_int_equal(info.kind[RADIUS_AUTH].rejects, 1);
	assert_int_equal(info.kind[RADIUS_AUTH].latency[7], 1); // 64 to 127 ms
	assert_int_equal(info.kind[RADIUS_AUTH].smoothed_ms, 100);
	assert_int_equal(info.kind[RADIUS_AUTH].on_the_way, 0);
	assert_false(info.kind[RADIUS_AUTH].dead);
	end();
}

// Sends the good reply with a change; the request goes on waiting.
static void send_changed(size_t offset, uint8_t change)
{
	uint8_t bytes[RADIUS_PACKET];
	size_t length = fake_build(&request, RADIUS_ACCESS_ACCEPT, bytes);

	bytes[offset] ^= change;
	fake_send(&one, request.from_port, bytes, length);
	fixture_settle();
	assert_false(a.done);
}

// A reply with its Response Authenticator right, and what is given behind the header.
static void send_proven(const void *attributes, size_t length)
{
	const struct radius_secret secret = {"secret", FIXTURE_SECRET_LENGTH};
	struct radius_build build;
	int n;

	assert_int_equal(radius_begin(&build, RADIUS_ACCESS_ACCEPT, &secret), 0);
	build.proof = 0;
	build.length = RADIUS_HEADER + length;
	if (length)
		memcpy(build.bytes + RADIUS_HEADER, attributes, length);
	n = radius_finish(&build, request.packet.id, request.packet.authenticator);
	assert_true(n > 0);
	fake_send(&one, request.from_port, build.bytes, (size_t)n);
	fixture_settle();
	assert_false(a.done);
}

static void test_bad_replies(void **state)
{
	static const uint8_t wrong_proof[18] = {80, 18};
	struct radius_server_info info;

	begin_one();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	send_changed(4, 1);    // the authenticator
	send_changed(30, 1);   // what it is over
	send_changed(1, 0x80); // the id
	send_changed(3, 0x80); // the length: more than there is
	send_changed(2, 0xff); // longer than any packet
	send_changed(21, 18);  // an attribute of length 0
	send_changed(21, 19);  // and of 1
	send_changed(0, 7);    // the code: Accounting-Response
	send_changed(0, 0xf0);
	send_proven("", 0);
	send_proven(wrong_proof, sizeof(wrong_proof));
	fake_send(&one, request.from_port, "", 0);
	fake_send(&one, request.from_port, "\2", 1);
	fixture_settle();
	info = fixture_info(0);
	assert_int_equal(info.wrong_authenticator, 2);
	assert_int_equal(info.unexpected, 1);
	assert_int_equal(info.malformed, 6);
	assert_int_equal(info.wrong_code, 2);
	assert_int_equal(info.no_message_authenticator, 1);
	assert_int_equal(info.wrong_message_authenticator, 1);
	// One line for each cause.
	assert_int_equal(fixture_logged(LOG_RADIUS_BAD_REPLY), 6);
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_int_equal(a.code, RADIUS_ACCESS_ACCEPT);
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_int_equal(fixture_info(0).unexpected, 2);
	end();
}

static void test_without_message_authenticator(void **state)
{
	fixture_server(&one, 0);
	fixture_config.radius.servers[0].message_authenticator = false;
	fixture_begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	a.done = false;
	{
		const struct radius_secret secret = {"secret", FIXTURE_SECRET_LENGTH};
		struct radius_build build;
		int n;

		assert_int_equal(radius_begin(&build, RADIUS_ACCESS_ACCEPT, &secret), 0);
		build.proof = 0;
		build.length = RADIUS_HEADER;
		n = radius_finish(&build, request.packet.id, request.packet.authenticator);
		fake_send(&one, request.from_port, build.bytes, (size_t)n);
	}
	fixture_settle();
	assert_int_equal(a.code, RADIUS_ACCESS_ACCEPT);
	end();
}

// The right reply from another port of the same host never arrives.
static void test_foreign(void **state)
{
	struct fake_server other;

	begin_one();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	fixture_server(&other, 0);
	fake_answer(&other, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_false(a.done);
	assert_int_equal(fixture_info(0).unexpected, 0);
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_true(a.done);
	fake_close(&other);
	end();
}

// The answer to a request that was given up meets another one with the same id and port.
static void test_late_reply_of_reused_id(void **state)
{
	struct fake_request old;
	unsigned turns = 1;

	fixture_server(&one, 0);
	fixture_config.radius.servers[0].source_ports = 1;
	fixture_begin();
	fixture_send(&a, RADIUS_AUTH, 1000);
	assert_true(fake_receive(&one, &old));
	fixture_pass(1000);
	assert_int_equal(a.outcome, RADIUS_NO_ANSWER);
	fake_answer(&one, &old, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_int_equal(fixture_info(0).unexpected, 1);
	for (;; turns++) {
		fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
		assert_true(fake_receive(&one, &request));
		if (request.packet.id == old.packet.id)
			break;
		fake_answer(&one, &request, RADIUS_ACCESS_REJECT);
		fixture_settle();
		assert_true(b.done);
	}
	assert_int_equal(turns, 256); // the longest unused one is taken
	fake_answer(&one, &old, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_false(b.done);
	assert_int_equal(fixture_info(0).wrong_authenticator, 1);
	fake_answer(&one, &request, RADIUS_ACCESS_REJECT);
	fixture_settle();
	assert_int_equal(b.code, RADIUS_ACCESS_REJECT);
	end();
}

// ---- retransmission

static void test_sent_again(void **state)
{
	struct fake_request first;
	uint64_t began;

	begin_one();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	began = fixture_now();
	assert_true(fake_receive(&one, &first));
	fixture_pass(1700);
	assert_false(fake_receive(&one, &request));
	fixture_pass(300);
	assert_true(fake_receive(&one, &request));
	assert_memory_equal(request.bytes, first.bytes, first.packet.length);
	assert_int_equal(request.from_port, first.from_port);
	fixture_pass(began + 6000 - fixture_now());
	assert_true(fake_receive(&one, &request));
	assert_false(fake_receive(&one, &request));
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_true(a.done);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].retransmits, 2);
	end();
}

// Accounting is written anew, with an id and an authenticator of its own.
static void test_accounting_again(void **state)
{
	struct fake_request first;

	begin_one();
	fixture_send(&a, RADIUS_ACCOUNTING, PATIENCE_MS);
	assert_true(fake_receive(&one, &first));
	assert_int_equal(first.packet.code, RADIUS_ACCOUNTING_REQUEST);
	fixture_pass(2000);
	assert_true(fake_receive(&one, &request));
	assert_int_not_equal(request.packet.id, first.packet.id);
	fake_answer(&one, &first, RADIUS_ACCOUNTING_RESPONSE);
	fixture_settle();
	assert_false(a.done);
	fake_answer(&one, &request, RADIUS_ACCOUNTING_RESPONSE);
	fixture_settle();
	assert_true(a.done);
	end();
}

static void test_refused(void **state)
{
	begin_two();
	fake_close(&one);
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_pass(100);
	assert_false(a.done);
	assert_true(fixture_info(0).refused >= 1);
	assert_false(fixture_info(0).kind[RADIUS_AUTH].dead);
	fixture_pass(WINDOW_MS + STATUS_MS);
	assert_true(fixture_info(0).kind[RADIUS_AUTH].dead);
	assert_int_equal(fake_answer_all(&two), 1);
	assert_true(a.done);
	end();
}

// The server is started anew between two requests: the same socket hears it again.
static void test_refused_and_back(void **state)
{
	begin_one();
	fake_close(&one);
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_pass(100);
	assert_true(fixture_info(0).refused >= 1);
	fake_open_again(&one);
	fixture_pass(1900);
	assert_int_equal(fake_answer_all(&one), 1);
	assert_true(a.done);
	assert_int_equal(a.outcome, RADIUS_ANSWERED);
	end();
}

// Our address towards the servers.
static void test_source(void **state)
{
	fixture_server(&one, 0);
	assert_int_equal(address_parse("127.0.0.2", &fixture_config.radius.source), 0);
	fixture_begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	assert_int_equal(request.from, 0x7f000002);
	end();
}

// ---- many

enum { MANY = 5000 };

static void test_thousands(void **state)
{
	struct outcome *all = calloc(MANY, sizeof(*all));
	struct fake_request slow;
	unsigned answered = 0;

	fixture_server(&one, 0);
	fixture_config.radius.servers[0].source_ports = 20;
	fixture_begin();
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(
			fixture_try_send(&all[i], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), 0);
		assert_true(fake_receive(&one, &request));
		if (i == 0)
			slow = request;
	}
	// All are out there at the same time; the first one waits for a phone.
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].on_the_way, MANY);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].sockets, 20);
	// They are sent again in a while, and then answered, all but that one.
	for (unsigned ms = 0; ms < 60000; ms += 10) {
		while (fake_receive(&one, &request)) {
			if (memcmp(request.packet.authenticator, slow.packet.authenticator, 16) ==
				0)
				continue;
			fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
		}
		fixture_pass(10);
	}
	for (unsigned i = 0; i < MANY; i++)
		answered += all[i].done && all[i].outcome == RADIUS_ANSWERED;
	assert_int_equal(answered, MANY - 1);
	assert_false(fixture_info(0).kind[RADIUS_AUTH].dead);
	fake_answer(&one, &slow, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_true(all[0].done);
	assert_int_equal(all[0].outcome, RADIUS_ANSWERED);
	assert_true(all[0].ms >= 60000);
	free(all);
	end();
}

// When every id is taken and as many wait, it is said; those that wait are sent in their order.
static void test_full(void **state)
{
	static struct outcome all[513];
	unsigned n = 0;

	fixture_server(&one, 0);
	fixture_config.radius.servers[0].source_ports = 1;
	fixture_begin();
	for (unsigned i = 0; i < 512; i++) {
		assert_int_equal(
			fixture_try_send(&all[i], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), 0);
		fixture_pass(1);
		n += fake_receive(&one, &request) && i < 256;
	}
	assert_int_equal(n, 256);
	assert_int_equal(
		fixture_try_send(&all[512], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), -ENOBUFS);
	// A Status-Server would still find an id; one answer lets the first of the row go.
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_true(all[255].done);
	assert_true(fake_receive(&one, &request));
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_true(all[256].done);
	assert_int_equal(
		fixture_try_send(&all[512], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), 0);
	end();
}

static void test_forget(void **state)
{
	begin_one();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	assert_true(fake_receive(&one, &request));
	radius_forget(fixture_radius, &a);
	fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
	fixture_pass(10);
	assert_false(a.done);
	assert_false(b.done);
	assert_int_equal(fixture_info(0).unexpected, 1);
	fake_answer_all(&one);
	assert_true(b.done);
	end();
}

// ---- which server

static void test_weights(void **state)
{
	unsigned first = 0, second = 0;

	fixture_server(&one, 0);
	fixture_server(&two, 1);
	fixture_config.radius.servers[0].weight = 3;
	fixture_begin();
	for (unsigned i = 0; i < 40; i++) {
		fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
		first += fake_answer_all(&one);
		second += fake_answer_all(&two);
		assert_true(a.done);
	}
	assert_int_equal(first, 30);
	assert_int_equal(second, 10);
	end();
}

// Who sent a State is asked again, and nobody else.
static void test_state(void **state)
{
	begin_two();
	assert_int_equal(fixture_try_send(&a, RADIUS_AUTH, PATIENCE_MS, 1), 0);
	fixture_settle();
	assert_int_equal(fake_answer_all(&two), 1);
	assert_int_equal(a.server, 1);
	assert_int_equal(fixture_try_send(&a, RADIUS_AUTH, PATIENCE_MS, 1), 0);
	fixture_pass(WINDOW_MS + STATUS_MS);
	assert_true(a.done);
	assert_int_equal(a.outcome, RADIUS_NO_SERVER);
	assert_int_equal(fixture_try_send(&a, RADIUS_AUTH, PATIENCE_MS, 1), 0);
	assert_false(a.done); // never from within
	fixture_settle();
	assert_int_equal(a.outcome, RADIUS_NO_SERVER);
	end();
}

static int refuse_to_write(void *context, struct radius_build *build)
{
	return -EINVAL;
}

static void note_outcome(void *context, const struct radius_result *result)
{
	a.done = true;
	a.outcome = result->outcome;
}

static void test_no_request(void **state)
{
	const struct radius_call call = {.kind = RADIUS_AUTH,
		.code = RADIUS_ACCESS_REQUEST,
		.server = RADIUS_ANY_SERVER,
		.patience_ms = PATIENCE_MS,
		.write = refuse_to_write,
		.done = note_outcome};

	begin_one();
	a.done = false;
	assert_int_equal(radius_send(fixture_radius, &call), 0);
	assert_false(a.done);
	fixture_settle();
	assert_true(a.done);
	assert_int_equal(a.outcome, RADIUS_NO_REQUEST);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].on_the_way, 0);
	end();
}

// ---- life and death

// How many requests are there, and which of them are Status-Server.
static unsigned drain(const struct fake_server *f, unsigned *status)
{
	unsigned n = 0;

	*status = 0;
	while (fake_receive(f, &request)) {
		n++;
		*status += request.packet.code == RADIUS_STATUS_SERVER;
	}
	return n;
}

static void test_failover_and_return(void **state)
{
	uint64_t began;
	unsigned status;

	begin_two();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	began = fixture_now();
	fixture_pass(WINDOW_MS + STATUS_MS);
	assert_int_equal(drain(&one, &status), 3 + 1 + 2); // and once more while it is asked
	assert_int_equal(status, 2);
	assert_int_equal(fake_answer_all(&two), 1);
	assert_true(a.done);
	assert_true(fixture_now() - began <= WINDOW_MS + STATUS_MS);
	assert_int_equal(a.server, 1);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
	assert_true(radius_alive(fixture_radius, RADIUS_AUTH));
	// Now the second one is asked at once.
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	assert_int_equal(fake_answer_all(&two), 1);
	assert_int_equal(b.ms, 0);
	// After each hold-off it is asked again.
	fixture_pass(HOLD_OFF_MS + STATUS_MS);
	assert_int_equal(drain(&one, &status), 2);
	assert_int_equal(status, 2);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
	fixture_pass(HOLD_OFF_MS);
	assert_int_equal(fixture_logged(LOG_RADIUS_BACK), 0);
	assert_int_equal(fake_answer_all(&one), 1);
	assert_int_equal(fixture_logged(LOG_RADIUS_BACK), 1);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	assert_int_equal(fake_answer_all(&one), 1);
	assert_int_equal(b.server, 0);
	// The other kind was never in doubt.
	assert_int_equal(fixture_info(0).kind[RADIUS_ACCOUNTING].dead, false);
	end();
}

// A user waits for a phone, nobody else comes: Status-Server keeps the server alive.
static void test_alone_with_status_server(void **state)
{
	struct fake_request slow;
	bool have = false;

	begin_two();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	for (unsigned s = 0; s < 60; s++) {
		fixture_pass(1000);
		while (fake_receive(&one, &request)) {
			if (request.packet.code == RADIUS_STATUS_SERVER) {
				fake_answer(&one, &request, RADIUS_ACCESS_ACCEPT);
			} else {
				slow = request;
				have = true;
			}
		}
	}
	assert_true(have);
	assert_false(a.done);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 0);
	assert_int_equal(fake_answer_all(&two), 0); // the phone did not ring twice
	fake_answer(&one, &slow, RADIUS_ACCESS_ACCEPT);
	fixture_settle();
	assert_int_equal(a.server, 0);
	end();
}

// Without Status-Server: dead after all tries, and the first request after hold-off tries it.
static void test_without_status_server(void **state)
{
	unsigned status;

	fixture_server(&one, 0);
	fixture_config.radius.servers[0].status_server = false;
	fixture_begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_pass(WINDOW_MS);
	assert_int_equal(drain(&one, &status), 3);
	assert_int_equal(status, 0);
	assert_true(a.done);
	assert_int_equal(a.outcome, RADIUS_NO_SERVER);
	assert_false(radius_alive(fixture_radius, RADIUS_AUTH));
	fixture_pass(HOLD_OFF_MS);
	assert_true(radius_alive(fixture_radius, RADIUS_AUTH));
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS); // tries it
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS); // one is enough
	assert_int_equal(b.outcome, RADIUS_NO_SERVER);
	assert_int_equal(drain(&one, &status), 1);
	radius_forget(fixture_radius, &a);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	fixture_pass(WINDOW_MS);
	assert_int_equal(b.outcome, RADIUS_NO_SERVER);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
	drain(&one, &status);
	fixture_pass(HOLD_OFF_MS);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	assert_int_equal(fake_answer_all(&one), 1);
	assert_int_equal(b.outcome, RADIUS_ANSWERED);
	assert_int_equal(fixture_logged(LOG_RADIUS_BACK), 1);
	end();
}

// Thousands on the way when the server dies: all are with the other one within the stated time.
static void test_many_move(void **state)
{
	enum { MOVED = 3000 };
	struct outcome *all = calloc(MOVED, sizeof(*all));
	unsigned status;

	begin_two();
	for (unsigned i = 0; i < MOVED; i++)
		assert_int_equal(
			fixture_try_send(&all[i], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), 0);
	for (unsigned i = 0; i < (WINDOW_MS + STATUS_MS) / 10 + 100; i++) {
		fixture_pass(10);
		drain(&one, &status);
		fake_answer_all(&two);
	}
	for (unsigned i = 0; i < MOVED; i++) {
		assert_true(all[i].done);
		assert_int_equal(all[i].server, 1);
	}
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
	free(all);
	end();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_bad_replies),
		TEST(test_without_message_authenticator),
		TEST(test_foreign),
		TEST(test_late_reply_of_reused_id),
		TEST(test_sent_again),
		TEST(test_accounting_again),
		TEST(test_refused),
		TEST(test_refused_and_back),
		TEST(test_source),
		TEST(test_thousands),
		TEST(test_full),
		TEST(test_forget),
		TEST(test_weights),
		TEST(test_state),
		TEST(test_no_request),
		TEST(test_failover_and_return),
		TEST(test_alone_with_status_server),
		TEST(test_without_status_server),
		TEST(test_many_move),
	};

	two.fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
