// SPDX-License-Identifier: Apache-2.0

// Two channels face each other over a network that loses, doubles and reorders by a generator with
// a fixed seed; and the single rules one by one.

#include "avp.h"
#include "channel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NET_SLOTS = 256, BODY = 4 };

struct end {
	struct channel channel;
	struct end *other;
	uint32_t sent, got; // messages
	unsigned datagrams, zlbs;
	unsigned most_ahead; // messages in flight, at most
	uint16_t last_nr;
	bool dead;
};

struct datagram {
	struct end *to;
	uint64_t due;
	size_t length;
	uint8_t bytes[64];
};

static struct timers *timers;
static uint64_t now;
static struct datagram net[NET_SLOTS];
static uint32_t seed;
static unsigned loss, twice; // percent
static uint32_t jitter;      // milliseconds
static const struct channel_settings settings = {
	.retransmit_ms = 100, .retransmit_max_ms = 800, .retransmit_tries = 8, .window = 8};

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void carry(struct end *to, const uint8_t *message, size_t length)
{
	for (int i = 0; i < NET_SLOTS; i++) {
		if (net[i].to)
			continue;
		net[i].to = to;
		net[i].due = now + 1 + (jitter ? dice(jitter) : 0);
		net[i].length = length;
		memcpy(net[i].bytes, message, length);
		return;
	}
	// A full network loses.
}

static void end_send(void *context, const uint8_t *message, size_t length)
{
	struct end *e = context;

	e->datagrams++;
	e->last_nr = message[10] << 8 | message[11];
	if (length == WIRE_HEADER)
		e->zlbs++;
	if (e->channel.flight > e->most_ahead)
		e->most_ahead = e->channel.flight;
	if (!e->other || dice(100) < loss)
		return;
	carry(e->other, message, length);
	if (dice(100) < twice)
		carry(e->other, message, length);
}

static void end_deliver(void *context, const uint8_t *message, size_t length)
{
	struct end *e = context;
	struct view v = view_of(message, length);

	view_skip(&v, length - BODY);
	assert_int_equal(view_u32(&v), e->got);
	e->got++;
}

static void end_dead(void *context)
{
	struct end *e = context;

	e->dead = true;
	channel_close(&e->channel);
}

static const struct channel_user user = {
	.send = end_send, .deliver = end_deliver, .dead = end_dead};

static void end_open(struct end *e, struct end *other, uint16_t window)
{
	*e = (struct end){.other = other};
	channel_open(&e->channel, &settings, &user, e, timers);
	channel_set_peer(&e->channel, 1, window);
}

static void end_say(struct end *e)
{
	uint8_t buffer[64];
	struct build b = wire_message_begin(buffer, sizeof(buffer), 1, 0, MESSAGE_HELLO);

	wire_avp_u32(&b, 99, false, e->sent++);
	assert_int_equal(channel_send(&e->channel, buffer, wire_message_end(&b)), 0);
}

static void step(void)
{
	timers_run(timers, ++now);
	for (int i = 0; i < NET_SLOTS; i++) {
		struct end *to = net[i].to;
		struct wire_header h;

		if (!to || net[i].due > now)
			continue;
		assert_int_equal(wire_header_parse(net[i].bytes, net[i].length, &h), 0);
		channel_receive(&to->channel, &h, net[i].bytes, net[i].length);
		net[i].to = NULL;
	}
}

static int setup(void **state)
{
	memset(net, 0, sizeof(net));
	now = 0;
	seed = 1;
	loss = twice = jitter = 0;
	timers = timers_create(NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	timers_free(timers);
	return 0;
}

// As many messages as pass both 16-bit numberings, both ways at once.
static void run_both_ways(uint32_t messages, uint64_t limit_ms)
{
	struct end a, b;

	end_open(&a, &b, 8);
	end_open(&b, &a, 8);
	while ((a.got < messages || b.got < messages) && now < limit_ms) {
		if (a.sent < messages && a.channel.queued < 20)
			end_say(&a);
		if (b.sent < messages && b.channel.queued < 20)
			end_say(&b);
		step();
	}
	for (int i = 0; i < 3000; i++)
		step();
	assert_int_equal(a.got, messages);
	assert_int_equal(b.got, messages);
	assert_false(a.dead || b.dead);
	assert_true(channel_idle(&a.channel) && channel_idle(&b.channel));
	assert_true(a.most_ahead <= 8 && b.most_ahead <= 8);
	channel_close(&a.channel);
	channel_close(&b.channel);
}

static void test_numbers_wrap(void **state)
{
	run_both_ways(70000, 1000000);
}

static void test_loss(void **state)
{
	loss = 20;
	run_both_ways(1000, 10000000);
}

static void test_reorder(void **state)
{
	jitter = 30;
	run_both_ways(5000, 10000000);
}

static void test_everything(void **state)
{
	for (uint32_t i = 1; i <= 20; i++) {
		seed = i * 7919;
		loss = 15;
		twice = 20;
		jitter = 60;
		run_both_ways(300, now + 10000000);
	}
}

static void receive(struct end *e, uint16_t ns, uint16_t nr, uint32_t body, bool expected)
{
	uint8_t buffer[64];
	struct build b = wire_message_begin(buffer, sizeof(buffer), 1, 0, MESSAGE_HELLO);
	struct wire_header h;

	wire_avp_u32(&b, 99, false, body);
	build_patch_u16(&b, WIRE_NS_OFFSET, ns);
	build_patch_u16(&b, WIRE_NR_OFFSET, nr);
	wire_message_end(&b);
	assert_int_equal(wire_header_parse(buffer, build_length(&b), &h), 0);
	assert_int_equal(channel_receive(&e->channel, &h, buffer, build_length(&b)), expected);
}

static void receive_zlb(struct end *e, uint16_t nr)
{
	uint8_t zlb[WIRE_HEADER];
	struct wire_header h;

	wire_zlb(zlb, 1, e->channel.nr, nr);
	assert_int_equal(wire_header_parse(zlb, sizeof(zlb), &h), 0);
	channel_receive(&e->channel, &h, zlb, sizeof(zlb));
}

static void wait_ms(uint64_t ms)
{
	while (ms-- > 0)
		timers_run(timers, ++now);
}

static void test_slow_start(void **state)
{
	struct end e;

	end_open(&e, NULL, 4);
	for (int i = 0; i < 20; i++)
		end_say(&e);
	assert_int_equal(e.datagrams, 1);
	receive_zlb(&e, 1);
	assert_int_equal(e.datagrams, 3);
	receive_zlb(&e, 3);
	assert_int_equal(e.channel.congestion, 4);
	assert_int_equal(e.datagrams, 7);
	// The peer's window is the end of it.
	receive_zlb(&e, 7);
	assert_int_equal(e.channel.congestion, 4);
	assert_int_equal(e.datagrams, 11);
	// A loss halves the threshold and starts again with one.
	wait_ms(100);
	assert_int_equal(e.datagrams, 12);
	assert_int_equal(e.channel.congestion, 1);
	assert_int_equal(e.channel.threshold, 2);
	// The peer had kept the other three.
	receive_zlb(&e, 11);
	assert_int_equal(e.channel.una, 11);
	assert_int_equal(e.channel.retransmits, 1);
	channel_close(&e.channel);
}

static void test_congestion_avoidance(void **state)
{
	struct end e;

	end_open(&e, NULL, 10);
	e.channel.threshold = 2;
	for (int i = 0; i < 20; i++)
		end_say(&e);
	receive_zlb(&e, 1);
	assert_int_equal(e.channel.congestion, 2);
	receive_zlb(&e, 2);
	assert_int_equal(e.channel.congestion, 2);
	receive_zlb(&e, 3);
	assert_int_equal(e.channel.congestion, 3);
	channel_close(&e.channel);
}

static void test_gives_up(void **state)
{
	struct end e;

	end_open(&e, NULL, 4);
	end_say(&e);
	assert_int_equal(channel_cycle_ms(&settings), 100 + 200 + 400 + 6 * 800);
	wait_ms(100);
	assert_int_equal(e.datagrams, 2);
	wait_ms(200);
	assert_int_equal(e.datagrams, 3);
	wait_ms(channel_cycle_ms(&settings) - 301);
	assert_int_equal(e.datagrams, 9);
	assert_false(e.dead);
	wait_ms(1);
	assert_true(e.dead);
	assert_int_equal(channel_send(&e.channel, NULL, 0), -EPIPE);
}

// An Nr beyond what was ever transmitted, or behind, acknowledges nothing.
static void test_wrong_nr(void **state)
{
	struct end e;

	end_open(&e, NULL, 4);
	end_say(&e);
	end_say(&e);
	receive_zlb(&e, 2);
	receive_zlb(&e, 0xffff);
	receive_zlb(&e, 0x8000);
	assert_int_equal(e.channel.una, 0);
	assert_int_equal(e.channel.queued, 2);
	receive_zlb(&e, 1);
	receive_zlb(&e, 0);
	assert_int_equal(e.channel.una, 1);
	assert_int_equal(e.channel.queued, 1);
	channel_close(&e.channel);
}

static void test_acknowledges(void **state)
{
	struct end e;

	end_open(&e, NULL, 4);
	// Alone, after a while.
	receive(&e, 0, 0, 0, true);
	assert_int_equal(e.zlbs, 0);
	wait_ms(CHANNEL_ACK_MS);
	assert_int_equal(e.zlbs, 1);
	assert_int_equal(e.last_nr, 1);
	// On a message.
	receive(&e, 1, 0, 1, true);
	end_say(&e);
	assert_int_equal(e.last_nr, 2);
	receive_zlb(&e, 1);
	wait_ms(100);
	assert_int_equal(e.zlbs, 1);
	// Two at once do not wait, and a duplicate says that ours was lost.
	receive(&e, 2, 1, 2, true);
	receive(&e, 3, 1, 3, true);
	assert_int_equal(e.zlbs, 2);
	receive(&e, 0, 1, 0, true);
	assert_int_equal(e.zlbs, 3);
	assert_int_equal(e.last_nr, 4);
	assert_int_equal(e.got, 4);
	channel_close(&e.channel);
}

static void test_window(void **state)
{
	struct end e;

	end_open(&e, NULL, 4);
	receive(&e, 8, 0, 8, false);
	receive(&e, 0x7fff, 0, 8, false);
	for (uint16_t ns = 7; ns > 0; ns--) {
		receive(&e, ns, 0, ns, true);
		receive(&e, ns, 0, ns, true);
	}
	assert_int_equal(e.got, 0);
	receive(&e, 0, 0, 0, true);
	assert_int_equal(e.got, 8);
	assert_null(e.channel.early);
	channel_close(&e.channel);
}

static void test_queue_is_bounded(void **state)
{
	struct end e;
	uint8_t buffer[64];
	struct build b = wire_message_begin(buffer, sizeof(buffer), 1, 0, MESSAGE_HELLO);
	int length = wire_message_end(&b);

	end_open(&e, NULL, 4);
	for (int i = 0; i < CHANNEL_QUEUE_MAX; i++)
		assert_int_equal(channel_send(&e.channel, buffer, length), 0);
	assert_int_equal(channel_send(&e.channel, buffer, length), -ENOBUFS);
	channel_hush(&e.channel);
	assert_true(channel_idle(&e.channel));
	channel_close(&e.channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_numbers_wrap),
		TEST(test_loss),
		TEST(test_reorder),
		TEST(test_everything),
		TEST(test_slow_start),
		TEST(test_congestion_avoidance),
		TEST(test_gives_up),
		TEST(test_wrong_nr),
		TEST(test_acknowledges),
		TEST(test_window),
		TEST(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
