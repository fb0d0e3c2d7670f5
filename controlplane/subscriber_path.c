// SPDX-License-Identifier: Apache-2.0

// The MTU of a subscriber's session (docs/mtu.md): the dataplane says what the headers leave, PPP
// probes whether the path carries that, and what it finds instead goes back to the dataplane.

#include "subscriber_record.h"

void subscriber_mtu_known(void *context, int error, uint16_t mtu)
{
	struct subscriber *s = context;

	if (error)
		return;
	s->mtu = mtu;
	if (s->probe_due && s->state == SUBSCRIBER_UP)
		subscriber_probe(s);
}

void subscriber_path_found(struct subscriber *s, uint16_t mtu)
{
	struct command_session_set c;

	s->path_mtu = mtu;
	c = subscriber_form(s);
	(void)install_session_set(&c, subscriber_mtu_known, s);
}

// The MTU by the headers is another one now: what probes found was about the old one.
static void ask_mtu(void *context)
{
	struct subscriber *s = context;

	if (s->state > SUBSCRIBER_UP)
		return;
	s->probe_due = true;
	subscriber_path_found(s, 0);
}

void subscriber_probe(struct subscriber *s)
{
	s->probe_due = false;
	if (s->path_mtu)
		ask_mtu(s);
	else if (s->road->probe && s->all->config->ppp.path_mtu_probe && s->mtu)
		s->road->probe(s);
}

// One after the other, so that a LAC's tunnel with thousands of sessions fills no ring.
void subscribers_path_mtu(struct subscribers *all, const struct event_path_mtu *event)
{
	uint64_t after_ms = 0;

	log_event(LOG_TUNNEL_PATH_MTU, NULL, "s:i, s:i", "tunnel", (int)event->tunnel, "mtu",
		(int)event->mtu);
	for (struct subscriber *s = all->first; s; s = s->next)
		if (s->l2tp.tunnel == event->tunnel && s->state >= SUBSCRIBER_AUTHENTICATE &&
			s->state <= SUBSCRIBER_UP && (s->ppp || s->access.installed))
			(void)timer_start(all->timers, &s->ask, after_ms++, ask_mtu, s);
}
