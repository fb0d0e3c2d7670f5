// SPDX-License-Identifier: Apache-2.0

// Subscribers that come by L2TP and PPP: what the two say becomes events of the record
// (subscriber.c), and what the record wants is asked of them.

#include "subscriber_record.h"

#include "contract/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD = 32 }; // packets; what goes beyond is lost like any datagram

// ---- what PPP says goes to the peer, at once or when the dataplane forwards no more

static void send_now(struct subscriber *s, const uint8_t *packet, size_t length, bool whole)
{
	if (whole)
		(void)dataplane_send_ppp_whole(s->session, packet, length);
	else
		(void)dataplane_send_ppp(s->session, packet, length);
}

static void send_or_hold(struct subscriber *s, const uint8_t *packet, size_t length, bool whole)
{
	struct hold *h = &s->hold;
	struct held *p;

	if (s->buried)
		return;
	if (!h->waits) {
		send_now(s, packet, length, whole);
		return;
	}
	p = h->count < HELD ? malloc(sizeof(*p) + length) : NULL;
	if (!p)
		return;
	*p = (struct held){.whole = whole, .length = (uint16_t)length};
	memcpy(p->bytes, packet, length);
	if (!h->first)
		h->last = &h->first;
	*h->last = p;
	h->last = &p->next;
	h->count++;
}

// Sends what is held, or with a record that is about to go forgets it.
static void release(struct hold *h)
{
	while (h->first) {
		struct held *p = h->first;

		h->first = p->next;
		h->count--;
		if (!h->s->buried)
			send_now(h->s, p->bytes, p->length, p->whole);
		free(p);
	}
}

static void closed(void *context, int error, uint16_t mtu)
{
	struct hold *h = context;

	(void)error; // whatever it was, it is as closed as it will be
	(void)mtu;
	if (--h->waits == 0)
		release(h);
}

// The dataplane has been told to close; its answer to the next command says that it has.
static void hold(struct subscriber *s)
{
	struct command_session_set c;
	struct hold *h = &s->hold;

	if (s->buried || s->state > SUBSCRIBER_UP)
		return;
	h->s = s;
	h->waits++;
	c = subscriber_form(s);
	if (install_session_set(&c, closed, h) < 0 && --h->waits == 0)
		release(h);
}

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	send_or_hold(context, packet, length, false);
}

static void on_send_probe(void *context, const uint8_t *packet, size_t length)
{
	send_or_hold(context, packet, length, true);
}

// ---- what PPP says of itself

static void on_path_mtu(void *context, uint16_t mtu)
{
	struct subscriber *s = context;

	if (!s->buried)
		subscriber_path_found(s, mtu);
}

static void on_lcp_up(void *context, const struct ppp_link *link)
{
	struct subscriber *s = context;

	s->link = *link;
	subscriber_handle(s, ON_LINK_UP);
}

static void refused(struct subscriber *s, const char *method, const struct aaa_answer *a)
{
	s->all->counters.refused++;
	snprintf(s->cause, sizeof(s->cause), "authentication failed: %s", a->reason);
	log_event(LOG_AUTH_FAILED, &s->subject, "s:s, s:s, s:s", "method", method, "source",
		a->source, "reason", a->reason);
}

// Somebody else under the same session: address and accounting go with the old name. With EAP the
// name that is said first need not be the one that is proven.
static void change_owner(struct subscriber *s)
{
	if (*s->owner && strcmp(s->owner, s->user) != 0) {
		subscriber_account_end(s);
		subscriber_give_address(s);
	}
	memcpy(s->owner, s->user, sizeof(s->owner));
}

// Whoever proves himself once more while he forwards keeps what he has.
static void accepted(struct subscriber *s, const char *method, const struct aaa_answer *a)
{
	int error = 0;

	change_owner(s);
	if (s->state == SUBSCRIBER_AUTHENTICATE)
		error = subscriber_grant(s, a->grant);
	else
		grant_free(a->grant);
	if (error < 0) {
		s->granted = false;
		snprintf(s->cause, sizeof(s->cause), "its filters have no room in the dataplane");
	}
	s->method = method;
	s->judge = a->source;
	log_event(LOG_AUTH_OK, &s->subject, "s:s, s:s", "method", s->method, "source", a->source);
}

// Who forwards stays while nobody can be asked whether he may.
static void on_verdict(void *context, const struct aaa_answer *a)
{
	struct subscriber *s = context;
	const char *method = ppp_auth_word(s->proof);

	if (a->unreachable && s->proves_again) {
		log_event(LOG_AUTH_FAILED, &s->subject, "s:s, s:s, s:s, s:b", "method", method,
			"source", a->source, "reason", a->reason, "stays", 1);
		ppp_undecided(s->ppp);
		return;
	}
	if (a->verdict->turn == EAP_DECIDED && a->grant)
		accepted(s, method, a);
	else if (a->verdict->turn == EAP_DECIDED)
		refused(s, method, a);
	ppp_authenticated(s->ppp, a->verdict);
}

static void on_authenticate(void *context, const struct ppp_credentials *c)
{
	struct subscriber *s = context;

	memcpy(s->user, c->name, sizeof(s->user));
	s->proof = c->method;
	s->proves_again = c->again;
	subscriber_who(s);
	aaa_ask(s->all->aaa, &s->who, c, on_verdict, s);
}

static void on_accepted(void *context)
{
	struct subscriber *s = context;

	if (s->granted)
		subscriber_handle(s, ON_ACCEPTED);
	else
		subscriber_close(s, "not granted");
}

static void on_ip4_up(void *context, const struct ppp_addresses *addresses)
{
	(void)addresses; // what we gave it, and nothing else opens IPCP
	subscriber_handle(context, ON_IP4_UP);
}

static void on_ip4_down(void *context, const char *cause)
{
	(void)cause;
	subscriber_handle(context, ON_IP4_DOWN);
	hold(context);
}

static void on_ip6_up(void *context, const uint8_t *identifier)
{
	(void)identifier; // the client's addresses are in its prefix, whatever it is
	subscriber_handle(context, ON_IP6_UP);
}

static void on_ip6_down(void *context, const char *cause)
{
	(void)cause;
	subscriber_handle(context, ON_IP6_DOWN);
	hold(context);
}

// Those that the dataplane let through.
static uint64_t on_received(void *context)
{
	const struct subscriber *s = context;
	uint32_t count;
	const struct stats_session *sessions = dataplane_stats_sessions(&count);

	return sessions && s->session < count ? sessions[s->session].uplink.packets : 0;
}

static void over(struct subscriber *s, const char *cause, enum subscriber_event event)
{
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "ppp: %s", cause);
	subscriber_handle(s, event);
}

static void on_ended(void *context, const char *cause)
{
	over(context, cause, ON_LINK_ENDED);
}

static void on_down(void *context, const char *cause)
{
	over(context, cause, ON_LINK_DOWN);
}

static const struct ppp_events ppp_events = {
	.send = on_send,
	.send_probe = on_send_probe,
	.path_mtu = on_path_mtu,
	.received = on_received,
	.lcp_up = on_lcp_up,
	.authenticate = on_authenticate,
	.accepted = on_accepted,
	.ip4_up = on_ip4_up,
	.ip4_down = on_ip4_down,
	.ip6_up = on_ip6_up,
	.ip6_down = on_ip6_down,
	.ended = on_ended,
	.down = on_down,
};

// ---- what the record wants

static void form(const struct subscriber *s, struct command_session_set *c)
{
	c->flags |= SESSION_LCP_OPEN;
	c->magic = s->link.magic;
	c->peer_mru = s->link.peer_mru;
	if (s->link.send_pfc)
		c->flags |= SESSION_SEND_PFC;
	if (s->link.send_acfc)
		c->flags |= SESSION_SEND_ACFC;
}

static void offer(struct subscriber *s)
{
	struct ppp_addresses addresses = {.local = s->all->config->ppp.local,
		.peer = s->family[V4].route.address,
		.ip6 = s->family[V6].route.address.version == IP_V6};

	memcpy(addresses.dns, s->grant.dns, sizeof(addresses.dns));
	memcpy(addresses.wins, s->grant.wins, sizeof(addresses.wins));
	memcpy(addresses.identifier, s->grant.identifier, sizeof(addresses.identifier));
	ppp_network(s->ppp, &addresses);
}

static void probe(struct subscriber *s)
{
	ppp_probe(s->ppp, s->mtu);
}

static void close_ppp(struct subscriber *s)
{
	ppp_close(s->ppp, s->cause);
}

enum {
	CDN_RESOURCES = 4,      // RFC 2661 section 4.4.2: no facilities
	CDN_ADMINISTRATIVE = 3, // closed for administrative reasons
};

static void end_session(struct subscriber *s)
{
	(void)l2tp_session_close(s->all->l2tp, s->session, CDN_ADMINISTRATIVE, s->cause);
}

// L2TP gives back what the dataplane has of it.
static void bury(struct subscriber *s)
{
	(void)s;
}

static void free_ppp(struct subscriber *s)
{
	install_forget(&s->hold);
	release(&s->hold);
	if (s->ppp)
		ppp_free(s->ppp);
}

static const struct road road = {
	.word = "l2tp",
	.advertises = true,
	.offer = offer,
	.form = form,
	.probe = probe,
	.close = close_ppp,
	.end = end_session,
	.bury = bury,
	.free = free_ppp,
};

// ---- what L2TP says

void subscribers_set_l2tp(struct subscribers *all, struct l2tp *l2tp)
{
	all->l2tp = l2tp;
}

void subscribers_session_up(void *context, const struct l2tp_session_info *info)
{
	struct subscribers *all = context;
	struct subscriber *s;

	all->counters.started++;
	if (info->session >= all->sessions || all->by_session[info->session])
		return;
	s = subscriber_create(all, &road, info, 0);
	if (!s) {
		(void)l2tp_session_close(all->l2tp, info->session, CDN_RESOURCES, "no memory");
		return;
	}
	s->wants[V4] = s->wants[V6] = true;
	s->ppp = ppp_create(info->peer ? &all->config->ppp : &all->ppp_in_clear, all->timers,
		&ppp_events, s, &s->subject);
	if (s->ppp) {
		ppp_start(s->ppp);
		return;
	}
	snprintf(s->cause, sizeof(s->cause), "no memory");
	subscriber_handle(s, ON_LINK_DOWN);
}

void subscribers_session_down(void *context, uint32_t session, const char *cause)
{
	struct subscribers *all = context;
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	if (!s)
		return;
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "l2tp: %s", cause);
	subscriber_handle(s, ON_SESSION_DOWN);
}

void subscribers_input(
	struct subscribers *all, uint32_t session, const uint8_t *packet, size_t length)
{
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	if (s && s->ppp)
		ppp_input(s->ppp, packet, length);
}
