// SPDX-License-Identifier: Apache-2.0

#include "endpoint.h"

#include "session.h"
#include "tunnel.h"

static void reap(void *context);

void endpoint_reap(struct l2tp *l2tp, uint64_t after_ms)
{
	uint64_t due = timers_now(l2tp->timers) + after_ms;

	if (!timer_running(&l2tp->reaper) || l2tp->reaper.due > due)
		timer_start(l2tp->timers, &l2tp->reaper, after_ms, reap, l2tp);
}

static void reap_sessions(struct l2tp *l2tp)
{
	struct session *s = l2tp->dead_sessions;

	l2tp->dead_sessions = NULL;
	while (s) {
		struct session *next = s->dead_next;

		if (!session_reap(s)) {
			s->dead_next = l2tp->dead_sessions;
			l2tp->dead_sessions = s;
		}
		s = next;
	}
}

// After the sessions, which point to them; a tunnel whose sessions still wait stays.
static void reap_tunnels(struct l2tp *l2tp)
{
	struct tunnel *t = l2tp->dead_tunnels;

	if (l2tp->dead_sessions)
		return;
	l2tp->dead_tunnels = NULL;
	while (t) {
		struct tunnel *next = t->dead_next;

		if (!tunnel_reap(t)) {
			t->dead_next = l2tp->dead_tunnels;
			l2tp->dead_tunnels = t;
		}
		t = next;
	}
}

static void post_again(struct l2tp *l2tp)
{
	for (uint32_t i = 0; l2tp->stale && i < LIMIT_TUNNELS; i++) {
		struct tunnel *t = l2tp->tunnels[i];

		if (t && t->stale && !tunnel_post(t))
			return;
	}
}

static void reap(void *context)
{
	struct l2tp *l2tp = context;

	post_again(l2tp);
	reap_sessions(l2tp);
	reap_tunnels(l2tp);
	if (l2tp->stale || l2tp->dead_sessions || l2tp->dead_tunnels)
		endpoint_reap(l2tp, ENDPOINT_RETRY_MS);
}

void endpoint_invalid(struct l2tp *l2tp, const struct l2tp_from *from, const char *reason)
{
	const struct log_subject subject = {.peer = from->flow.remote,
		.peer_port = from->flow.remote_port,
		.peer_id = from->peer};

	l2tp->counters.invalid++;
	log_event(LOG_L2TP_INVALID, &subject, "s:s", "reason", reason);
}
