// SPDX-License-Identifier: Apache-2.0

// See trial.h. Learning comes first (RFC 2544 section 23): a session is up for its client once it
// has acknowledged the address, a moment before the gateway has heard of it, and both ends have
// neighbours to find.
//
// The search first sends as much as goes, to know where to look, and then halves the
// interval between a rate that passed and one that did not. A rate counts as too high only when
// every one of --repeat trials lost too much: on a machine that others use as well, one hold-up is
// no statement about the gateway.

#include "trial.h"

#include <stdio.h>
#include <string.h>

enum {
	LEARN_SIZE = 64,    // bytes
	LEARN_LEAST = 1000, // packets per second and direction
	LEARN_MOST = 20000, // the same
	LEARN_S = 10,
};

#define OFFERED_ENOUGH 0.99 // share of the rate that was asked for

bool trial_uses(const struct trial *t, enum direction d)
{
	return t->way == WAY_BOTH || t->way == (d == UPLINK ? WAY_UP : WAY_DOWN);
}

uint64_t trial_offered(const struct trial *t, enum direction d)
{
	return t->ways[d].sent + t->ways[d].no_room;
}

uint64_t trial_lost(const struct trial *t, enum direction d)
{
	uint64_t offered = trial_offered(t, d);

	return offered > t->ways[d].received ? offered - t->ways[d].received : 0;
}

double trial_loss(const struct trial *t)
{
	double most = 0;

	for (unsigned d = 0; d < DIRECTIONS; d++) {
		double share = trial_offered(t, d)
				       ? (double)trial_lost(t, d) / (double)trial_offered(t, d)
				       : 0;

		if (share > most)
			most = share;
	}
	return most;
}

static bool all_arrived(const struct traffic *t)
{
	return t->ways[UPLINK].received >= t->ways[UPLINK].sent &&
	       t->ways[DOWNLINK].received >= t->ways[DOWNLINK].sent;
}

// Waits for what is on its way: until all is there, or nothing came for a while.
static void drain(struct gen *g)
{
	struct traffic *t = g->traffic;
	uint64_t patience = (uint64_t)(g->options.settle * (double)g->hz);
	uint64_t quiet = rte_rdtsc() + patience;
	uint64_t seen = 0;

	while (!all_arrived(t) && rte_rdtsc() < quiet) {
		uint64_t now = t->ways[UPLINK].received + t->ways[DOWNLINK].received;

		if (now != seen)
			quiet = rte_rdtsc() + patience;
		seen = now;
		gen_turn(g);
	}
}

void trial_end(struct gen *g, struct trial *out)
{
	struct traffic *t = g->traffic;
	uint64_t total = g->busy_cycles + g->idle_cycles;

	out->seconds = (double)(rte_rdtsc() - t->began) / (double)g->hz;
	out->busy = total ? (double)g->busy_cycles / (double)total : 0;
	traffic_end(g);
	drain(g);
	out->sessions = t->session_count;
	memcpy(out->ways, t->ways, sizeof(out->ways));
}

void trial_begin(struct gen *g, unsigned way, uint16_t size, double rate, uint32_t sessions,
	struct trial *out)
{
	out->way = way;
	out->size = size;
	out->asked = rate;
	traffic_begin(g, way, size, rate, sessions);
}

void trial_run(struct gen *g, unsigned way, uint16_t size, double rate, struct trial *out)
{
	trial_begin(g, way, size, rate, g->session_count, out);
	while (traffic_sending(g, rte_rdtsc()) && !*g->stop)
		gen_turn(g);
	trial_end(g, out);
}

// Sessions through which something came in both directions.
static uint32_t learned(const struct traffic *t)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->session_count; i++)
		if (t->sessions[i]->flows[UPLINK].expect && t->sessions[i]->flows[DOWNLINK].expect)
			count++;
	return count;
}

uint32_t trial_learn(struct gen *g)
{
	struct traffic *t = g->traffic;
	double rate = 10.0 * g->sessions_up;
	uint32_t silent = 1;

	traffic_begin(g, WAY_BOTH, LEARN_SIZE,
		rate < LEARN_LEAST  ? LEARN_LEAST
		: rate > LEARN_MOST ? LEARN_MOST
				    : rate,
		g->session_count);
	t->limit = 0;
	t->until = t->began + LEARN_S * g->hz;
	while (silent && traffic_sending(g, rte_rdtsc()) && !*g->stop) {
		for (uint64_t look = rte_rdtsc() + g->hz / 100; rte_rdtsc() < look;)
			gen_turn(g);
		silent = t->session_count - learned(t);
	}
	traffic_end(g);
	drain(g);
	return silent;
}

// Packets per second and direction that were really offered.
static double offered_rate(const struct trial *t)
{
	enum direction d = trial_uses(t, UPLINK) ? UPLINK : DOWNLINK;

	return t->seconds > 0 ? (double)trial_offered(t, d) / t->seconds : 0;
}

enum outcome { PASSED, LOST, NOT_OFFERED };

// What the trials of one rate say. A trial in which the generator was held up says nothing, unless
// it lost something all the same.
static enum outcome try_rate(struct gen *g, unsigned way, uint16_t size, double rate,
	struct finding *f, struct trial *out)
{
	enum outcome outcome = NOT_OFFERED;

	for (uint32_t i = 0; i < g->options.repeat && !*g->stop; i++) {
		double offered;

		trial_run(g, way, size, rate, out);
		f->trials++;
		offered = offered_rate(out);
		if (!g->options.quiet)
			fprintf(stderr, "  %u bytes, %.0f packets/s, offered %.0f: lost %.5f %%\n",
				size, rate, offered, trial_loss(out) * 100);
		if (trial_loss(out) > g->options.loss)
			outcome = LOST;
		else if (offered >= rate * OFFERED_ENOUGH)
			return PASSED;
	}
	return outcome;
}

static double received_rate(const struct trial *t)
{
	uint64_t most = t->ways[UPLINK].received > t->ways[DOWNLINK].received
				? t->ways[UPLINK].received
				: t->ways[DOWNLINK].received;

	return t->seconds > 0 ? (double)most / t->seconds : 0;
}

void trial_search(struct gen *g, unsigned way, uint16_t size, struct finding *out)
{
	static struct trial t;
	double low = 0, high, rate;

	memset(out, 0, sizeof(*out));
	trial_run(g, way, size, 0, &t);
	out->overload = received_rate(&t);
	high = out->overload * 1.25;
	rate = out->overload * 0.9;
	while (high > 0 && high - low > g->options.precision * high && !*g->stop) {
		switch (try_rate(g, way, size, rate, out, &t)) {
		case PASSED:
			low = rate;
			out->best = t;
			out->generator_bound = false;
			break;
		case NOT_OFFERED:
			out->generator_bound = true;
			high = rate;
			break;
		case LOST:
			high = rate;
			break;
		}
		rate = (low + high) / 2;
	}
}
