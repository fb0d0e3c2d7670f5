// SPDX-License-Identifier: Apache-2.0

// See lac.h. Messages queue up in the order of Ns; so many as the gateway's window takes are on the
// way (RFC 2661 section 5.8). After a time-out only the first of them is sent again: what else was
// lost shows when that one is acknowledged and the next time-out comes.

#include "lac.h"

#include "controlplane/l2tp/digest.h"
#include "controlplane/l2tp/message.h"
#include "controlplane/l2tp/wire.h"
#include "net.h"
#include "peer.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 64,
	WINDOW_DEFAULT = 4,
	MOST_MS = 8000,
	CHALLENGE = 16,
	STOP_CLEAR = 1,
	CDN_ADMIN = 3
};

struct message {
	struct message *next;
	struct session *called; // whose ICCN it is: PPP begins when it goes out, not before
	uint16_t length;
	uint8_t bytes[];
};

// ---- the control channel

static void transmit(struct peer *p, struct message *m)
{
	set_u16(m->bytes + WIRE_NR_OFFSET, p->channel.nr);
	p->channel.ack_owed = false;
	net_send_l2tp(p, m->bytes, m->length);
}

static void time_out(void *context);

static void start_timer(struct peer *p)
{
	uint32_t ms = p->gen->options.retransmit_ms << p->channel.tries;

	timer_start(p->gen->timers, &p->channel.timer, ms < MOST_MS ? ms : MOST_MS, time_out, p);
}

static void time_out(void *context)
{
	struct peer *p = context;
	struct channel *c = &p->channel;

	if (!c->first)
		return;
	if (c->tries++ == p->gen->options.tries) {
		peer_fail(p, FAILURE_TUNNEL_TIMEOUT);
		return;
	}
	p->gen->counters.l2tp_retransmissions++;
	transmit(p, c->first);
	start_timer(p);
}

static void push(struct peer *p)
{
	struct channel *c = &p->channel;

	while (c->unsent && c->in_flight < c->window) {
		struct message *m = c->unsent;

		c->unsent = m->next;
		c->in_flight++;
		transmit(p, m);
		if (m->called && m->called->state == SESSION_CALLING)
			session_called(m->called);
	}
	if (c->first && !timer_running(&c->timer))
		start_timer(p);
}

static void queue_for(struct peer *p, struct build *b, struct session *called)
{
	struct channel *c = &p->channel;
	struct message *m;
	int length;

	build_patch_u16(b, WIRE_NS_OFFSET, c->ns);
	length = wire_message_end(b);
	m = length > 0 ? malloc(sizeof(*m) + (size_t)length) : NULL;
	if (!m)
		return;
	c->ns++;
	m->next = NULL;
	m->called = called;
	m->length = (uint16_t)length;
	memcpy(m->bytes, b->start, (size_t)length);
	if (c->first)
		c->last->next = m;
	else
		c->first = m;
	c->last = m;
	if (!c->unsent)
		c->unsent = m;
	push(p);
}

static void queue(struct peer *p, struct build *b)
{
	queue_for(p, b, NULL);
}

// Forgets what is acknowledged by Nr. False: it acknowledges what was not sent.
static bool acknowledge(struct peer *p, uint16_t nr)
{
	struct channel *c = &p->channel;
	bool any = false;

	while (c->in_flight) {
		struct message *m = c->first;

		if ((int16_t)(nr - get_u16(m->bytes + WIRE_NS_OFFSET)) <= 0)
			break;
		c->first = m->next;
		c->in_flight--;
		any = true;
		free(m);
	}
	if (any) {
		c->tries = 0;
		timer_stop(p->gen->timers, &c->timer);
	}
	push(p);
	return any;
}

static void owe(struct peer *p)
{
	struct gen *g = p->gen;

	if (p->channel.ack_owed)
		return;
	p->channel.ack_owed = true;
	if (g->owing_count == RTE_DIM(g->owing))
		lac_acknowledge(g);
	p->channel.ack_owed = true;
	g->owing[g->owing_count++] = p;
}

void lac_acknowledge(struct gen *g)
{
	uint8_t zlb[WIRE_HEADER];

	for (unsigned i = 0; i < g->owing_count; i++) {
		struct channel *c = &g->owing[i]->channel;

		if (!c->ack_owed)
			continue;
		c->ack_owed = false;
		wire_zlb(zlb, c->peer_id, c->ns, c->nr);
		// Ns of what comes next on the wire, not in the queue.
		if (c->unsent)
			memcpy(zlb + WIRE_NS_OFFSET, c->unsent->bytes + WIRE_NS_OFFSET, 2);
		net_send_l2tp(g->owing[i], zlb, sizeof(zlb));
	}
	g->owing_count = 0;
}

// ---- messages

static uint8_t buffer[WIRE_MESSAGE];

static struct build begin(struct peer *p, uint16_t session, uint16_t type)
{
	return wire_message_begin(buffer, sizeof(buffer), p->channel.peer_id, session, type);
}

void lac_start(struct peer *p)
{
	struct channel *c = &p->channel;
	struct build b;

	lac_free(p);
	c->id = (uint16_t)(p->index % 65535 + 1);
	c->window = 1;
	b = begin(p, 0, MESSAGE_SCCRQ);
	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, 0x0100);
	wire_avp_u32(&b, AVP_FRAMING_CAPABILITIES, true, 3);
	wire_avp_u32(&b, AVP_BEARER_CAPABILITIES, true, 0);
	wire_avp_bytes(&b, AVP_HOST_NAME, true, "culvert-gen", 11);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, c->id);
	wire_avp_u16(&b, AVP_RECEIVE_WINDOW, true, WINDOW);
	queue(p, &b);
}

static void on_sccrp(struct peer *p, const struct control_message *m)
{
	const char *secret = p->gen->options.secret;
	struct channel *c = &p->channel;
	uint8_t response[DIGEST_LENGTH];
	struct build b;

	if (c->established || !message_has(m, AVP_ASSIGNED_TUNNEL) || m->wrong) {
		peer_fail(p, FAILURE_TUNNEL_INVALID);
		return;
	}
	c->established = true;
	c->peer_id = m->assigned_tunnel;
	c->window = message_has(m, AVP_RECEIVE_WINDOW) ? m->receive_window : WINDOW_DEFAULT;
	if (c->window == 0)
		c->window = 1;
	b = begin(p, 0, MESSAGE_SCCCN);
	if (m->challenge.at) {
		digest_response(MESSAGE_SCCCN, secret, strlen(secret), m->challenge.at,
			m->challenge.length, response);
		wire_avp_bytes(&b, AVP_CHALLENGE_RESPONSE, true, response, sizeof(response));
	}
	queue(p, &b);
	peer_tunnel_up(p);
}

void lac_call(struct session *s)
{
	struct peer *p = s->peer;
	struct build b = begin(p, 0, MESSAGE_ICRQ);

	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, s->id);
	wire_avp_u32(&b, AVP_CALL_SERIAL, true, s->index + 1);
	queue(p, &b);
}

static void on_icrp(struct session *s, const struct control_message *m)
{
	struct build b;

	if (s->state != SESSION_CALLING || !message_has(m, AVP_ASSIGNED_SESSION))
		return;
	s->peer_id = m->assigned_session;
	b = begin(s->peer, s->peer_id, MESSAGE_ICCN);
	wire_avp_u32(&b, AVP_TX_SPEED, true, 1000000000);
	wire_avp_u32(&b, AVP_FRAMING_TYPE, true, 1);
	queue_for(s->peer, &b, s);
}

void lac_hangup(struct session *s)
{
	struct peer *p = s->peer;
	struct build b;

	if (!p->channel.established)
		return;
	b = begin(p, s->peer_id, MESSAGE_CDN);
	wire_avp_result(&b, CDN_ADMIN, 0, NULL);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, s->id);
	queue(p, &b);
}

void lac_stop(struct peer *p)
{
	struct build b = begin(p, 0, MESSAGE_STOPCCN);

	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, p->channel.id);
	wire_avp_result(&b, STOP_CLEAR, 0, NULL);
	queue(p, &b);
}

void lac_free(struct peer *p)
{
	struct channel *c = &p->channel;

	while (c->first) {
		struct message *m = c->first;

		c->first = m->next;
		free(m);
	}
	timer_stop(p->gen->timers, &c->timer);
	for (unsigned i = 0; i < p->gen->owing_count; i++)
		if (p->gen->owing[i] == p)
			p->gen->owing[i--] = p->gen->owing[--p->gen->owing_count];
	memset(c, 0, sizeof(*c));
}

static struct session *session_of(struct peer *p, uint16_t id)
{
	return id && id <= p->session_count ? &p->sessions[id - 1] : NULL;
}

static void on_message(struct peer *p, const struct wire_header *h)
{
	const char *secret = p->gen->options.secret;
	static struct control_message m;
	struct session *s = session_of(p, h->session);

	message_parse(h->avps, secret, strlen(secret), &m);
	switch (m.type) {
	case MESSAGE_SCCRP:
		on_sccrp(p, &m);
		break;
	case MESSAGE_ICRP:
		if (s)
			on_icrp(s, &m);
		break;
	case MESSAGE_CDN:
		if (s && s->state >= SESSION_CALLING)
			session_fail(s, FAILURE_CALL_ENDED);
		break;
	case MESSAGE_STOPCCN:
		lac_acknowledge(p->gen);
		peer_fail(p, FAILURE_TUNNEL_STOPPED);
		break;
	}
}

void lac_input(struct peer *p, const uint8_t *message, size_t length)
{
	struct channel *c = &p->channel;
	struct wire_header h;

	if (wire_header_parse(message, length, &h) || h.tunnel != c->id || c->id == 0)
		return;
	(void)acknowledge(p, h.nr);
	if (p->state == PEER_CLOSING && !c->first) {
		peer_closed(p);
		return;
	}
	if (view_left(&h.avps) == 0)
		return;
	if (h.ns == c->nr) {
		c->nr++;
		owe(p);
		on_message(p, &h);
	} else if ((int16_t)(h.ns - c->nr) < 0) {
		owe(p);
	}
}
