// SPDX-License-Identifier: Apache-2.0

// See peer.h. A session that is begun takes its peer through IKE and tunnel first, unless another
// session of it did. What fails is counted by its cause and not tried again.

#include "peer.h"

#include "initiator.h"
#include "lac.h"
#include "link.h"
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAT_PORT_500 = 10000, NAT_PORT_4500 = 30000, SPI_GENERATIONS = 0x7ff };

static void make_peer(struct gen *g, struct peer *p, uint32_t index)
{
	uint32_t per = g->options.per_nat;
	uint32_t first = index * g->options.per_tunnel;
	uint32_t left = g->session_count - first;

	p->gen = g;
	p->index = index;
	p->nat = per != 0;
	p->address = g->options.outer + (p->nat ? index / per : index);
	p->port_500 = p->nat ? (uint16_t)(NAT_PORT_500 + index % per) : 500;
	p->port_4500 = p->nat ? (uint16_t)(NAT_PORT_4500 + index % per) : 4500;
	p->sessions = g->sessions + first;
	p->session_count = left < g->options.per_tunnel ? left : g->options.per_tunnel;
	for (uint32_t i = 0; i < p->session_count; i++)
		p->sessions[i] = (struct session){
			.peer = p, .index = first + i, .number = i, .id = (uint16_t)(i + 1)};
}

int peer_create_all(struct gen *g)
{
	const struct options *o = &g->options;

	g->session_count = o->subscribers;
	g->peer_count = (o->subscribers + o->per_tunnel - 1) / o->per_tunnel;
	if (g->peer_count > 0xfffff)
		return -E2BIG;
	g->sessions = calloc(g->session_count, sizeof(*g->sessions));
	g->peers = calloc(g->peer_count, sizeof(*g->peers));
	if (!g->sessions || !g->peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->peer_count; i++)
		make_peer(g, &g->peers[i], i);
	return 0;
}

void peer_free_all(struct gen *g)
{
	for (uint32_t i = 0; g->peers && i < g->peer_count; i++) {
		lac_free(&g->peers[i]);
		initiator_free(&g->peers[i]);
	}
	free(g->peers);
	free(g->sessions);
}

uint32_t peer_spi(const struct peer *p)
{
	return ((p->generation & SPI_GENERATIONS) + 1u) << 20 | p->index;
}

void gen_phase(struct gen *g, enum phase phase, uint64_t *began)
{
	uint64_t now = rte_rdtsc();

	histogram_add(&g->phases[phase], gen_ns(g, now - *began));
	*began = now;
}

// ---- up

static void peer_begin(struct peer *p)
{
	p->generation++;
	p->began = rte_rdtsc();
	if (p->gen->options.plain) {
		p->state = PEER_TUNNEL;
		lac_start(p);
	} else {
		p->state = PEER_IKE;
		initiator_start(p);
	}
}

// A client without L2TP is up when its SAs are.
static void peer_up(struct peer *p)
{
	struct session *s = p->sessions;

	p->state = PEER_UP;
	gen_phase(p->gen, PHASE_ALL, &s->began);
	s->state = SESSION_UP;
	p->gen->in_setup--;
	p->gen->sessions_up++;
	p->gen->counters.up++;
}

void peer_ike_up(struct peer *p)
{
	if (p->gen->options.ike_only) {
		peer_up(p);
		return;
	}
	p->state = PEER_TUNNEL;
	lac_start(p);
}

static void call(struct session *s)
{
	s->state = SESSION_CALLING;
	s->phase_began = rte_rdtsc();
	lac_call(s);
}

void peer_tunnel_up(struct peer *p)
{
	gen_phase(p->gen, PHASE_TUNNEL, &p->began);
	p->state = PEER_UP;
	for (uint32_t i = 0; i < p->session_count && p->state == PEER_UP; i++)
		if (p->sessions[i].state == SESSION_WAITING)
			call(&p->sessions[i]);
}

void session_begin(struct session *s)
{
	struct peer *p = s->peer;

	s->state = SESSION_WAITING;
	s->began = rte_rdtsc();
	p->sessions_open++;
	p->gen->in_setup++;
	p->gen->counters.started++;
	if (p->state == PEER_UP)
		call(s);
	else if (p->state == PEER_IDLE)
		peer_begin(p);
}

void session_called(struct session *s)
{
	gen_phase(s->peer->gen, PHASE_CALL, &s->phase_began);
	s->state = SESSION_LCP;
	link_start(s);
}

void session_up(struct session *s, uint32_t address)
{
	struct gen *g = s->peer->gen;

	gen_phase(g, PHASE_ALL, &s->began);
	s->state = SESSION_UP;
	s->address = address;
	g->in_setup--;
	g->sessions_up++;
	g->counters.up++;
	traffic_front(s);
}

bool peer_pace(struct gen *g, uint64_t now)
{
	static uint32_t next;
	static uint64_t first;
	double rate = g->options.setup_rate;

	if (first == 0)
		first = now;
	while (next < g->session_count && g->in_setup < g->options.parallel) {
		if (rate > 0 && (double)next > rate * (double)(now - first) / (double)g->hz)
			break;
		session_begin(&g->sessions[next++]);
	}
	return next < g->session_count;
}

// ---- down

// Takes a session out of the counts.
static void leave(struct session *s, enum session_state state)
{
	struct gen *g = s->peer->gen;

	link_stop(s);
	if (s->state == SESSION_UP)
		g->sessions_up--;
	else
		g->in_setup--;
	s->state = state;
	s->address = 0;
	s->peer_id = 0;
	s->peer->sessions_open--;
}

static bool is_open(const struct session *s)
{
	return s->state != SESSION_IDLE && s->state != SESSION_FAILED;
}

// Stops the tunnel when its last session has gone.
static void peer_release(struct peer *p)
{
	if (p->sessions_open > 0 || p->state == PEER_IDLE || p->state == PEER_CLOSING)
		return;
	if (p->state != PEER_UP || p->gen->options.ike_only) {
		lac_free(p);
		initiator_delete(p);
		p->state = PEER_IDLE;
		return;
	}
	p->state = PEER_CLOSING;
	p->gen->closing++;
	lac_stop(p);
}

void peer_closed(struct peer *p)
{
	p->gen->closing--;
	lac_free(p);
	initiator_delete(p);
	p->state = PEER_IDLE;
	if (p->sessions_open > 0)
		peer_begin(p);
}

void peer_fail(struct peer *p, enum failure cause)
{
	struct gen *g = p->gen;

	if (p->state == PEER_CLOSING) {
		peer_closed(p);
		return;
	}
	for (uint32_t i = 0; i < p->session_count; i++) {
		struct session *s = &p->sessions[i];

		if (!is_open(s))
			continue;
		leave(s, SESSION_FAILED);
		g->failed++;
		g->counters.failures[cause]++;
	}
	lac_free(p);
	initiator_delete(p);
	p->state = PEER_IDLE;
}

void session_fail(struct session *s, enum failure cause)
{
	if (!is_open(s))
		return;
	if (s->state >= SESSION_CALLING)
		lac_hangup(s);
	leave(s, SESSION_FAILED);
	s->peer->gen->failed++;
	s->peer->gen->counters.failures[cause]++;
	peer_release(s->peer);
}

void session_end(struct session *s)
{
	if (!is_open(s))
		return;
	if (s->state >= SESSION_CALLING && !s->peer->gen->options.ike_only)
		lac_hangup(s);
	leave(s, SESSION_IDLE);
	s->peer->gen->counters.ended++;
	peer_release(s->peer);
}

static bool all_idle(const struct gen *g)
{
	for (uint32_t i = 0; i < g->peer_count; i++)
		if (g->peers[i].state != PEER_IDLE)
			return false;
	return true;
}

bool peer_pace_end(struct gen *g)
{
	while (g->ended < g->session_count && g->closing < g->options.parallel)
		session_end(&g->sessions[g->ended++]);
	return g->ended < g->session_count || !all_idle(g);
}
