// SPDX-License-Identifier: Apache-2.0

#include "fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The table of RFC 1661 section 4.1, a row an event, a word a state. The notes p, r and x of the
// RFC (passive, restart option, crossed connection) are not part of it.
static const struct {
	enum fsm_event event;
	const char *row;
} rfc[] = {
	{FSM_UP, "2 irc,scr/6 - - - - - - - -"},
	{FSM_DOWN, "- - 0 tls/1 0 1 1 1 1 tld/1"},
	{FSM_OPEN, "tls/1 1 irc,scr/6 3 5 5 6 7 8 9"},
	{FSM_CLOSE, "0 tlf/0 2 2 4 4 irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4"},
	{FSM_TO_MORE, "- - - - str/4 str/5 scr/6 scr/6 scr/8 -"},
	{FSM_TO_LAST, "- - - - tlf/2 tlf/3 tlf/3 tlf/3 tlf/3 -"},
	{FSM_RCR_GOOD, "- - sta/2 irc,scr,sca/8 4 5 sca/8 sca,tlu/9 sca/8 tld,scr,sca/8"},
	{FSM_RCR_BAD, "- - sta/2 irc,scr,scn/6 4 5 scn/6 scn/7 scn/6 tld,scr,scn/6"},
	{FSM_RCA, "- - sta/2 sta/3 4 5 irc/7 scr/6 irc,tlu/9 tld,scr/6"},
	{FSM_RCN, "- - sta/2 sta/3 4 5 irc,scr/6 scr/6 irc,scr/8 tld,scr/6"},
	{FSM_RTR, "- - sta/2 sta/3 sta/4 sta/5 sta/6 sta/6 sta/6 tld,zrc,sta/5"},
	{FSM_RTA, "- - 2 3 tlf/2 tlf/3 6 6 8 tld,scr/6"},
	{FSM_RUC, "- - scj/2 scj/3 scj/4 scj/5 scj/6 scj/7 scj/8 scj/9"},
	{FSM_RXJ_GOOD, "- - 2 3 4 5 6 6 8 9"},
	{FSM_RXJ_BAD, "- - tlf/2 tlf/3 tlf/2 tlf/3 tlf/3 tlf/3 tlf/3 tld,irc,str/5"},
	{FSM_RXR, "- - 2 3 4 5 6 7 8 ser/9"},
};

// 4 is Closing and 5 Stopping there and here; the cell as the RFC writes it.
static void cell_write(const struct fsm_step *step, char *text, size_t size)
{
	static const char *const words[] = {[FSM_TLU] = "tlu",
		[FSM_TLD] = "tld",
		[FSM_TLS] = "tls",
		[FSM_TLF] = "tlf",
		[FSM_IRC] = "irc",
		[FSM_IRT] = "irc",
		[FSM_ZRC] = "zrc",
		[FSM_SCR] = "scr",
		[FSM_SCA] = "sca",
		[FSM_SCN] = "scn",
		[FSM_STR] = "str",
		[FSM_STA] = "sta",
		[FSM_SCJ] = "scj",
		[FSM_SER] = "ser"};
	size_t at = 0;

	if (!step->defined) {
		snprintf(text, size, "-");
		return;
	}
	for (int i = 0; i < FSM_ACTIONS && step->actions[i]; i++)
		at += (size_t)snprintf(
			text + at, size - at, "%s%s", i ? "," : "", words[step->actions[i]]);
	snprintf(text + at, size - at, "%s%d", at ? "/" : "", step->next);
}

static void test_table(void **state)
{
	assert_int_equal(sizeof(rfc) / sizeof(rfc[0]), FSM_EVENTS);
	for (size_t i = 0; i < FSM_EVENTS; i++) {
		char row[160], cell[32], *word, *rest = row;

		assert_int_equal(rfc[i].event, i);
		snprintf(row, sizeof(row), "%s", rfc[i].row);
		for (int s = 0; s < FSM_STATES; s++) {
			word = strtok_r(NULL, " ", &rest);
			cell_write(fsm_step(s, rfc[i].event), cell, sizeof(cell));
			assert_string_equal(cell, word);
		}
		assert_null(strtok_r(NULL, " ", &rest));
	}
}

// A protocol with one option, of one byte, that may be anything but 0 and is wished to be 7.
struct toy {
	struct fsm fsm;
	uint8_t wish;
	int ups, downs, finishes, sent;
	bool answered;
	uint8_t last[64];
	size_t last_length;
};

static void toy_send(void *owner, const uint8_t *packet, size_t length)
{
	struct toy *t = owner;

	t->sent++;
	t->last_length = length;
	memcpy(t->last, packet, length);
}

static void toy_reset(void *owner)
{
	((struct toy *)owner)->wish = 7;
}

static void toy_request(void *owner, struct build *out)
{
	wire_option_bytes(out, 1, &((struct toy *)owner)->wish, 1);
}

static void toy_begin(void *owner, struct view options)
{
}

static int toy_option(void *owner, const struct wire_option *option, struct build *nak)
{
	if (option->type != 1)
		return FSM_REJECT;
	if (option->data.at[0])
		return FSM_ACCEPT;
	wire_option_bytes(nak, 1, "\x07", 1);
	return FSM_NAK;
}

static void toy_naked(void *owner, const struct wire_option *option)
{
	((struct toy *)owner)->wish = option->data.at[0];
}

static void toy_rejected(void *owner, const struct wire_option *option)
{
	((struct toy *)owner)->wish = 0xff;
}

static void toy_up(void *owner)
{
	((struct toy *)owner)->ups++;
}

static void toy_down(void *owner)
{
	((struct toy *)owner)->downs++;
}

static void toy_finished(void *owner, bool answered)
{
	((struct toy *)owner)->finishes++;
	((struct toy *)owner)->answered = answered;
}

static const struct fsm_ops toy_ops = {
	.protocol = PPP_IPCP,
	.send = toy_send,
	.reset = toy_reset,
	.request = toy_request,
	.peer_begin = toy_begin,
	.peer_option = toy_option,
	.naked = toy_naked,
	.rejected = toy_rejected,
	.up = toy_up,
	.down = toy_down,
	.finished = toy_finished,
};

static const struct config_ppp config = {
	.restart_ms = 3000, .max_configure = 4, .max_terminate = 2, .max_failure = 3};

static void toy_start(struct toy *t, struct timers *timers)
{
	*t = (struct toy){0};
	fsm_init(&t->fsm, &toy_ops, t, &config, timers);
	fsm_event(&t->fsm, FSM_OPEN);
	fsm_event(&t->fsm, FSM_UP);
}

static void toy_input(struct toy *t, uint8_t code, uint8_t id, const void *body, size_t length)
{
	uint8_t packet[64];
	struct build out = build_in(packet, sizeof(packet));

	build_u8(&out, code);
	build_u8(&out, id);
	build_u16(&out, (uint16_t)(length + 4));
	build_bytes(&out, body, length);
	fsm_input(&t->fsm, view_of(packet, build_length(&out)));
}

static void test_no_answer(void **state)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	assert_int_equal(t.sent, 1);
	for (uint64_t now = 0; now < 12000; now += 100)
		timers_run(timers, now);
	assert_int_equal(t.sent, 4);
	assert_int_equal(t.last[3], 1); // the same identifier each time
	assert_int_equal(t.finishes, 0);
	timers_run(timers, 12000);
	assert_int_equal(t.sent, 4);
	assert_int_equal(t.finishes, 1);
	assert_false(t.answered);
	fsm_stop(&t.fsm);
	timers_free(timers);
}

static void test_close(void **state)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	fsm_event(&t.fsm, FSM_CLOSE);
	assert_int_equal(t.last[2], CODE_TERMINATE_REQUEST);
	timers_run(timers, 3000);
	assert_int_equal(t.sent, 3);
	assert_int_equal(t.finishes, 0);
	timers_run(timers, 6000);
	assert_int_equal(t.finishes, 1);
	assert_int_equal(t.fsm.state, FSM_CLOSED);
	toy_start(&t, timers);
	fsm_event(&t.fsm, FSM_CLOSE);
	toy_input(&t, CODE_TERMINATE_ACK, t.last[3], NULL, 0);
	assert_int_equal(t.finishes, 1);
	assert_false(timer_running(&t.fsm.restart));
	timers_free(timers);
}

// Ours again, ahead of the answer, once.
static void test_sends_again_when_the_peer_wakes(void **state)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	toy_input(&t, CODE_CONFIGURE_REQUEST, 40, "\x01\x03\x05", 3);
	assert_int_equal(t.sent, 3);
	assert_int_equal(t.last[2], CODE_CONFIGURE_ACK);
	assert_int_equal(t.last[3], 40);
	toy_input(&t, CODE_CONFIGURE_REQUEST, 41, "\x01\x03\x00", 3);
	assert_int_equal(t.sent, 4);
	assert_int_equal(t.last[2], CODE_CONFIGURE_NAK);
	toy_input(&t, CODE_CONFIGURE_REQUEST, 42, "\x01\x03\x05", 3);
	// Both of ours are acknowledged; the second Ack is nothing new.
	toy_input(&t, CODE_CONFIGURE_ACK, 1, "\x01\x03\x07", 3);
	assert_int_equal(t.fsm.state, FSM_OPENED);
	toy_input(&t, CODE_CONFIGURE_ACK, 1, "\x01\x03\x07", 3);
	assert_int_equal(t.fsm.state, FSM_OPENED);
	assert_int_equal(t.ups, 1);
	assert_int_equal(t.downs, 0);
	fsm_stop(&t.fsm);
	timers_free(timers);
}

static void test_answers_that_do_not_count(void **state)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	toy_input(&t, CODE_CONFIGURE_ACK, 2, "\x01\x03\x07", 3); // another identifier
	toy_input(&t, CODE_CONFIGURE_ACK, 1, "\x01\x03\x08", 3); // other options
	toy_input(&t, CODE_CONFIGURE_ACK, 1, "", 0);
	toy_input(&t, CODE_CONFIGURE_NAK, 1, "\x01\x09\x08", 3); // malformed
	toy_input(&t, CODE_CONFIGURE_REQUEST, 1, "\x01\x00", 2);
	assert_int_equal(t.fsm.state, FSM_REQ_SENT);
	assert_int_equal(t.sent, 1);
	fsm_stop(&t.fsm);
	timers_free(timers);
}

// After max_failure Naks the peer's option is rejected; and ours is given up as well.
static void test_no_convergence(void **state)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	for (uint8_t i = 0; i < config.max_failure; i++) {
		toy_input(&t, CODE_CONFIGURE_REQUEST, i, "\x01\x03\x00", 3);
		assert_int_equal(t.last[2], CODE_CONFIGURE_NAK);
	}
	toy_input(&t, CODE_CONFIGURE_REQUEST, 9, "\x01\x03\x00", 3);
	assert_int_equal(t.last[2], CODE_CONFIGURE_REJECT);
	for (uint8_t i = 0; i < config.max_failure; i++)
		toy_input(&t, CODE_CONFIGURE_NAK, t.fsm.id, "\x01\x03\x09", 3);
	assert_int_equal(t.wish, 9);
	toy_input(&t, CODE_CONFIGURE_NAK, t.fsm.id, "\x01\x03\x09", 3);
	assert_int_equal(t.wish, 0xff);
	fsm_stop(&t.fsm);
	timers_free(timers);
}

static void test_unknown_code(void **state)
{
	static const uint8_t expected[] = {0x80, 0x21, 7, 1, 0, 10, 99, 5, 0, 6, 'h', 'i'};
	struct timers *timers = timers_create(NULL, NULL);
	struct toy t;

	toy_start(&t, timers);
	toy_input(&t, 99, 5, "hi", 2);
	assert_int_equal(t.last_length, sizeof(expected));
	assert_memory_equal(t.last, expected, sizeof(expected));
	toy_input(&t, CODE_CODE_REJECT, 1, "\x01\x01\x00\x04", 4);
	assert_int_equal(t.finishes, 1);
	assert_true(t.answered);
	timers_free(timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_sends_again_when_the_peer_wakes),
		cmocka_unit_test(test_answers_that_do_not_count),
		cmocka_unit_test(test_no_convergence),
		cmocka_unit_test(test_unknown_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
