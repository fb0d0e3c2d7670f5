// SPDX-License-Identifier: Apache-2.0

// See echo.h. An answer that comes after the next request is one all the same, but counts as lost:
// who waits longer than ppp.echo-interval would not call the line good. Times are those of the
// event loop, in milliseconds.

#include "internal.h"

enum { HISTORY = 32 };

static void count(struct echo *e)
{
	bool lost = e->open;

	e->quality.echoes++;
	e->quality.lost += lost;
	e->history = e->history << 1 | lost;
	if (e->counted < HISTORY)
		e->counted++;
	e->quality.loss = (uint8_t)(__builtin_popcount(e->history) * 100 / e->counted);
	e->open = e->waiting = false;
}

static void send_next(struct ppp *ppp)
{
	struct echo *e = &ppp->echo;

	e->unanswered++;
	lcp_echo(ppp);
	e->id = ppp->echo_id;
	e->sent = timers_now(ppp->timers);
	e->open = e->waiting = true;
}

// Has the client sent data since the last time?
static bool heard(struct ppp *ppp)
{
	struct echo *e = &ppp->echo;
	uint64_t before = e->received;

	if (!ppp->config->echo_adaptive || !ppp->events.received)
		return false;
	e->received = ppp->events.received(ppp->context);
	return e->received != before;
}

static void fire(void *context)
{
	struct ppp *ppp = context;
	struct echo *e = &ppp->echo;
	bool quiet = !heard(ppp);

	if (e->waiting)
		count(e);
	if (!quiet)
		e->unanswered = 0;
	if (ppp->config->echo_failures && e->unanswered >= ppp->config->echo_failures) {
		ppp_give_up(ppp, e->looped ? "looped" : "echo-timeout");
		return;
	}
	(void)timer_start(ppp->timers, &e->timer, ppp->config->echo_interval_ms, fire, ppp);
	if (quiet)
		send_next(ppp);
}

void echo_start(struct ppp *ppp)
{
	struct echo *e = &ppp->echo;

	e->unanswered = 0;
	e->open = e->waiting = e->looped = false;
	if (!ppp->config->echo_interval_ms)
		return;
	(void)heard(ppp);
	(void)timer_start(ppp->timers, &e->timer, ppp->config->echo_interval_ms, fire, ppp);
}

void echo_stop(struct ppp *ppp)
{
	timer_stop(ppp->timers, &ppp->echo.timer);
}

void echo_measured(struct ppp *ppp, uint64_t rtt_ms)
{
	struct echo *e = &ppp->echo;
	struct ppp_quality *q = &e->quality;
	uint16_t rtt = rtt_ms < UINT16_MAX ? (uint16_t)rtt_ms : UINT16_MAX;

	if (!q->measured || rtt < q->rtt_min_ms)
		q->rtt_min_ms = rtt;
	if (!q->measured || rtt > q->rtt_max_ms)
		q->rtt_max_ms = rtt;
	e->rtt_8 = q->measured ? e->rtt_8 - e->rtt_8 / 8 + rtt : rtt * 8U;
	q->rtt_ms = (uint16_t)((e->rtt_8 + 4) / 8);
	q->measured = true;
}

void echo_answered(struct ppp *ppp, uint8_t id, uint32_t magic)
{
	struct echo *e = &ppp->echo;

	if (magic && magic == ppp->lcp.want.magic_number) {
		e->looped = true;
		return;
	}
	e->unanswered = 0;
	e->looped = false;
	if (e->open && id == e->id) {
		e->open = false;
		echo_measured(ppp, timers_now(ppp->timers) - e->sent);
	}
	probe_answer(ppp, id);
}

const struct ppp_quality *ppp_quality(const struct ppp *ppp)
{
	return &ppp->echo.quality;
}
