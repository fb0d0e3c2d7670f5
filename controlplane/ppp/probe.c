// SPDX-License-Identifier: Apache-2.0

// See probe.h. Probes share the identifiers of LCP's other Echo-Requests, so an answer belongs to
// one of them alone; that they are lost says nothing about whether the peer is alive, and is not
// counted there.

#include "internal.h"
#include "controlplane/log.h"

enum step {
	STEP_OFF,
	STEP_SMALL,   // does the peer answer at all?
	STEP_LARGEST, // does the largest get through?
	STEP_PLAIN,   // do 1500 bytes, where that is less?
	STEP_FLOOR,   // do 1280 bytes?
	STEP_SEARCH,  // what between them does?
	STEP_LAST,    // all below the largest did: what if the path only was down for a moment?
	STEP_REST,    // until it begins again
};

static void send_next(struct ppp *ppp);

static void begin(struct ppp *ppp, enum step step, uint16_t size)
{
	ppp->probe.step = (uint8_t)step;
	ppp->probe.size = size;
	ppp->probe.tries = 0;
	send_next(ppp);
}

static void fire(void *context);

// LCP always has the full form of framing; data that has less of it is so much larger inside.
static uint16_t echo_length(const struct ppp *ppp, uint16_t size)
{
	if (size == 0)
		return WIRE_HEADER + 4;
	return size - (ppp->link.send_acfc ? 2 : 0) - (ppp->link.send_pfc ? 1 : 0);
}

static void send_next(struct ppp *ppp)
{
	struct probe *p = &ppp->probe;
	uint8_t packet[WIRE_PROTOCOL + LIMIT_MTU_MAX];
	struct build out = build_in(packet, sizeof(packet));

	p->ids[p->tries++] = ++ppp->echo_id;
	p->sent = timers_now(ppp->timers);
	if (timer_start(ppp->timers, &p->timer, p->wait_ms, fire, ppp) < 0)
		p->step = STEP_OFF;
	wire_begin(&out, PPP_LCP, CODE_ECHO_REQUEST, ppp->echo_id);
	build_u32(&out, ppp->lcp.want.magic_number);
	build_zero(&out, echo_length(ppp, p->size) - WIRE_HEADER - 4U);
	ppp->events.send_probe(ppp->context, packet, wire_finish(&out));
}

static void tell(struct ppp *ppp, uint16_t result)
{
	if (ppp->probe.result == result)
		return;
	ppp->probe.result = result;
	ppp->events.path_mtu(ppp->context, result);
}

static void rest(struct ppp *ppp)
{
	ppp->probe.step = STEP_REST;
	(void)timer_start(ppp->timers, &ppp->probe.timer, PROBE_AGAIN_MS, fire, ppp);
}

static void conclude(struct ppp *ppp, uint16_t result, bool changed)
{
	const struct probe *p = &ppp->probe;

	rest(ppp);
	if (changed)
		log_event(LOG_SESSION_PATH_MTU, ppp->subject, "s:i, s:i", "mtu",
			(int)(result ? result : p->largest), "largest", (int)p->largest);
	tell(ppp, result);
}

// Not even the floor was answered, or nothing that a peer need not take: for all that we know the
// peer answers nothing large.
static void leave(struct ppp *ppp)
{
	if (ppp->probe.result || !ppp->probe.told_silent)
		log_event(LOG_SESSION_PATH_MTU, ppp->subject, "s:i, s:i, s:s", "mtu",
			(int)ppp->probe.largest, "largest", (int)ppp->probe.largest, "reason",
			"no large LCP echo is answered: nothing is known of the path");
	ppp->probe.told_silent = true;
	rest(ppp);
	tell(ppp, 0);
}

static void search_on(struct ppp *ppp)
{
	struct probe *p = &ppp->probe;

	if (p->high - p->low > PROBE_STEP)
		begin(ppp, STEP_SEARCH, (uint16_t)((p->low + p->high) / 2));
	else if (p->high == p->largest)
		begin(ppp, STEP_LAST, p->largest);
	else if (p->low >= PROBE_PLAIN && p->low < PROBE_PLAIN + 2 * PROBE_STEP)
		leave(ppp);
	else
		conclude(ppp, p->low, p->low != p->before);
}

static void answered(struct ppp *ppp)
{
	struct probe *p = &ppp->probe;

	switch (p->step) {
	case STEP_SMALL:
		begin(ppp, STEP_LARGEST, p->largest);
		break;
	case STEP_PLAIN:
		p->low = p->size;
		p->high = p->largest;
		search_on(ppp);
		break;
	case STEP_FLOOR:
		p->low = p->size;
		p->high = p->largest > PROBE_PLAIN ? PROBE_PLAIN : p->largest;
		// What is sent meanwhile shall not be lost; more is found out in a moment.
		if (p->result == 0)
			tell(ppp, p->low);
		if (p->step == STEP_FLOOR)
			search_on(ppp);
		break;
	case STEP_SEARCH:
		p->low = p->size;
		search_on(ppp);
		break;
	default:
		conclude(ppp, 0, p->before != 0);
	}
}

static void unanswered(struct ppp *ppp)
{
	struct probe *p = &ppp->probe;

	switch (p->step) {
	case STEP_LARGEST:
		if (p->largest > PROBE_PLAIN)
			begin(ppp, STEP_PLAIN, PROBE_PLAIN);
		else if (p->largest > PROBE_FLOOR)
			begin(ppp, STEP_FLOOR, PROBE_FLOOR);
		else
			rest(ppp);
		break;
	case STEP_PLAIN:
		begin(ppp, STEP_FLOOR, PROBE_FLOOR);
		break;
	case STEP_FLOOR:
		leave(ppp);
		break;
	case STEP_SEARCH:
		p->high = p->size;
		search_on(ppp);
		break;
	case STEP_LAST:
		conclude(ppp, p->low, p->low != p->before);
		break;
	default: // nothing is answered at all: that is for the keepalive to judge
		rest(ppp);
	}
}

static void start(struct ppp *ppp)
{
	ppp->probe.before = ppp->probe.result;
	ppp->probe.wait_ms = PROBE_WAIT_FIRST_MS;
	begin(ppp, STEP_SMALL, 0);
}

static void fire(void *context)
{
	struct ppp *ppp = context;

	if (ppp->probe.step == STEP_REST)
		start(ppp);
	else if (ppp->probe.tries < PROBE_TRIES)
		send_next(ppp);
	else
		unanswered(ppp);
}

static void measure(struct ppp *ppp)
{
	uint64_t rtt = timers_now(ppp->timers) - ppp->probe.sent;
	uint64_t wait = 4 * rtt;

	echo_measured(ppp, rtt);
	ppp->probe.wait_ms = wait < PROBE_WAIT_LEAST_MS  ? PROBE_WAIT_LEAST_MS
			     : wait > PROBE_WAIT_MOST_MS ? PROBE_WAIT_MOST_MS
							 : (uint32_t)wait;
}

void probe_answer(struct ppp *ppp, uint8_t id)
{
	struct probe *p = &ppp->probe;

	if (p->step == STEP_OFF || p->step == STEP_REST)
		return;
	for (uint8_t i = 0; i < p->tries; i++) {
		if (p->ids[i] != id)
			continue;
		timer_stop(ppp->timers, &p->timer);
		if (p->step == STEP_SMALL && p->tries == 1)
			measure(ppp);
		answered(ppp);
		return;
	}
}

void probe_stop(struct ppp *ppp)
{
	timer_stop(ppp->timers, &ppp->probe.timer);
	ppp->probe.step = STEP_OFF;
	ppp->probe.result = 0;
}

void ppp_probe(struct ppp *ppp, uint16_t largest)
{
	probe_stop(ppp);
	if (ppp->lcp.fsm.state != FSM_OPENED || ppp->phase >= PHASE_CLOSING)
		return;
	ppp->probe.largest = largest < LIMIT_MTU_MAX ? largest : LIMIT_MTU_MAX;
	start(ppp);
}
