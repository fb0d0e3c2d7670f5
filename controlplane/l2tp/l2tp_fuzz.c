// SPDX-License-Identifier: Apache-2.0

// A living endpoint. The input is a list of steps: one byte of flags, one of length, and that many
// bytes, most often a control message whose ids and numbers are corrected on request, so that the
// fuzzer finds its way behind the checks. After each step the commands are held against what is
// installed: everything once, nothing twice, and nothing is left in the end. The endpoint outlives
// the input, which makes the fuzzer ten times as fast; it must be empty by then.

#include "test_lac.h"

#include "controlplane/fakes.h"
#include "controlplane/numbers.h"
#include "controlplane/log.h"

#include <stdlib.h>
#include <string.h>

enum {
	STEP_IDS = 1 << 0,     // correct tunnel id, Ns and Nr
	STEP_SESSION = 1 << 1, // correct the session id
	STEP_OTHER = 1 << 2,   // from another peer
	STEP_CLEAR = 1 << 3,   // in clear
	STEP_SPECIAL = 1 << 4, // no message: the first byte says what
	STEP_HEADER = 1 << 5,  // the bytes are AVPs; put a header before them
	PEER = 0x00100001,
	SESSIONS = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config = {.l2tp = {.host_name = "lns",
				       .window = 4,
				       .hello_ms = 10000,
				       .retransmit_ms = 1000,
				       .retransmit_max_ms = 8000,
				       .retransmit_tries = 3,
				       .secret = "s",
				       .sessions_per_tunnel = 20},
	.dataplane = {.sessions = SESSIONS},
	.listeners = {{.clear_l2tp = true}},
	.listener_count = 1};
static struct timers *timers;
static struct numbers numbers;
static struct l2tp *l2tp;
static struct lac lac;
static uint64_t now;
static uint16_t last_session; // the endpoint's
static bool tunnels[LIMIT_TUNNELS];
static unsigned tunnel_count;
static uint16_t session_tunnel[SESSIONS]; // 0 = not installed
static bool session_is_up[SESSIONS];

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void session_up(void *context, const struct l2tp_session_info *info)
{
	require(!session_is_up[info->session]);
	session_is_up[info->session] = true;
}

static void session_down(void *context, uint32_t session, const char *cause)
{
	require(session_is_up[session]);
	session_is_up[session] = false;
}

static const struct l2tp_events events = {.session_up = session_up, .session_down = session_down};

static void check_tunnel_delete(uint16_t tunnel)
{
	require(tunnels[tunnel]);
	tunnels[tunnel] = false;
	tunnel_count--;
	for (int i = 0; i < SESSIONS; i++)
		if (session_tunnel[i] == tunnel)
			session_tunnel[i] = 0;
}

static void check_command(const struct fake_command *c)
{
	switch (c->type) {
	case COMMAND_TUNNEL_ADD:
		require(!tunnels[c->tunnel_add.tunnel]);
		tunnels[c->tunnel_add.tunnel] = true;
		tunnel_count++;
		break;
	case COMMAND_TUNNEL_SET_SA:
		require(tunnels[c->tunnel_set_sa.tunnel]);
		break;
	case COMMAND_TUNNEL_DELETE:
		check_tunnel_delete(c->tunnel_delete.tunnel);
		break;
	case COMMAND_SESSION_ADD:
		require(tunnels[c->session_add.tunnel]);
		require(!session_tunnel[c->session_add.session]);
		session_tunnel[c->session_add.session] = c->session_add.tunnel;
		last_session = c->session_add.session_id;
		break;
	case COMMAND_SESSION_DELETE:
		require(session_tunnel[c->session_delete.session]);
		session_tunnel[c->session_delete.session] = 0;
		break;
	}
}

static void settle(void)
{
	const struct fake_command *c;
	struct lac_heard heard;

	while ((c = fake_command_take()))
		check_command(c);
	while (fake_sent_count())
		lac_hear(&lac, &heard);
}

static void pass(uint64_t ms)
{
	while (ms > 0) {
		uint64_t part = ms < 500 ? ms : 500;

		now += part;
		ms -= part;
		timers_run(timers, now);
		settle();
	}
}

static void special(const uint8_t *bytes, size_t length)
{
	uint8_t value = length > 1 ? bytes[1] : 0;

	switch (length ? bytes[0] % 8 : 0) {
	case 0:
		pass(value * 100);
		break;
	case 1:
		l2tp_peer_sa(l2tp, PEER, 0x00200000 + value);
		break;
	case 2:
		l2tp_peer_down(l2tp, PEER + value % 2, "fuzz");
		break;
	case 3:
		if (!l2tp_session_close(l2tp, value % SESSIONS, 3, "fuzz"))
			session_is_up[value % SESSIONS] = false;
		break;
	case 4:
		l2tp_tunnel_close(l2tp, lac.peer_tunnel, 6, "fuzz");
		break;
	case 5:
		fake_install_hold(value & 1);
		fake_install_release();
		break;
	case 6:
		fake_install_full(value & 1);
		break;
	case 7:
		lac_open(&lac, l2tp, PEER, 0x00100001, value);
		break;
	}
}

static void put_u16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

static void deliver(uint8_t flags, const uint8_t *bytes, size_t length)
{
	static const uint8_t header[WIRE_HEADER] = {0xc8, 0x02};
	uint8_t buffer[WIRE_HEADER + 256];
	struct l2tp_from from = lac.from;
	size_t before = flags & STEP_HEADER ? WIRE_HEADER : 0;
	uint8_t *exact;

	memcpy(buffer, header, before);
	memcpy(buffer + before, bytes, length);
	length += before;
	if (before)
		put_u16(buffer + 2, length);
	if (flags & STEP_IDS && length >= WIRE_HEADER) {
		put_u16(buffer + WIRE_TUNNEL_OFFSET, lac.peer_tunnel);
		put_u16(buffer + WIRE_NS_OFFSET, lac.ns);
		put_u16(buffer + WIRE_NR_OFFSET, lac.nr);
		if (length > WIRE_HEADER)
			lac.ns++;
	}
	if (flags & STEP_SESSION && length >= WIRE_HEADER)
		put_u16(buffer + WIRE_SESSION_OFFSET, last_session);
	if (flags & STEP_OTHER)
		from.peer++;
	if (flags & STEP_CLEAR)
		from.peer = from.sa = 0;
	// Of the exact size, so that a read beyond it is seen.
	exact = malloc(length ? length : 1);
	memcpy(exact, buffer, length);
	l2tp_input(l2tp, &from, exact, length);
	free(exact);
}

static void start(void)
{
	fakes_reset();
	if (!l2tp) {
		log_set_level(LEVEL_ERROR);
		timers = timers_create(NULL, NULL);
		timers_run(timers, ++now);
		require(numbers_open(&numbers, config.dataplane.sessions) == 0);
		l2tp = l2tp_create(&config, timers, &numbers, &events, NULL);
	}
	last_session = 0;
	lac_open(&lac, l2tp, PEER, 0x00100001, 7);
	config.listeners[0].address = lac.from.flow.local;
}

static void finish(void)
{
	struct l2tp_counters counters;

	fake_install_full(false);
	fake_install_hold(false);
	fake_install_release();
	l2tp_close_all(l2tp, "the end");
	settle();
	pass(120000);
	require(tunnel_count == 0);
	for (int i = 0; i < SESSIONS; i++)
		require(!session_tunnel[i] && !session_is_up[i]);
	l2tp_counters(l2tp, &counters);
	require(counters.tunnels == 0 && counters.sessions == 0);
	require(timers_run(timers, now) == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);

	// The first byte: with a tunnel secret or without.
	config.l2tp.secret_length = view_u8(&v) & 1;
	start();
	while (view_left(&v) >= 2) {
		uint8_t flags = view_u8(&v);
		struct view step;
		uint8_t length = view_u8(&v);

		step = view_sub(&v, length < view_left(&v) ? length : view_left(&v));
		if (flags & STEP_SPECIAL)
			special(step.at, view_left(&step));
		else
			deliver(flags, step.at, view_left(&step));
		settle();
	}
	finish();
	return 0;
}
