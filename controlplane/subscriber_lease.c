// SPDX-License-Identifier: Apache-2.0

// DHCPv6 of a subscriber (dhcp/dhcp6.h): an address of its own prefix, or the one that it is
// granted, and a prefix that is delegated to it, one of each. The address needs no route when it
// lies in the subscriber's prefix; whatever else is leased is routed to the session before the
// client hears of it: an answer waits for the dataplane's. A client that asks has its lease until
// it releases it, the lifetime ends, or its addresses go back to the pools; while IPv6 of the
// session is down it is not routed.
//
// What an Advertise offers is reserved for a short time and not routed.
//
// Trouble here never ends a session: without a lease the client is told so, and all else goes on.

#include "subscriber_record.h"

#include "dhcp/dhcp6.h"
#include "dhcp/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PREFERRED_S = 3600,
	VALID_S = 7200,
	RESERVED_S = 120,   // after an Advertise
	TOLD_MS = 60000,    // between two reports of changes to accounting
	DECLINED_MOST = 32, // addresses that the client says it cannot use, in a row
	MESSAGE_MOST = DHCP_PACKET,
};

enum route_state { ROUTE_NONE = 0, ROUTE_ASKED, ROUTE_THERE, ROUTE_REFUSED };

struct lease {
	struct leases *of;
	struct ip_prefix prefix; // IP_NONE: none
	bool bound;              // the client has it, under this IAID; else it is reserved
	uint32_t iaid;
	uint8_t route;  // enum route_state
	uint64_t until; // milliseconds of the timers' clock
};

struct leases {
	struct subscriber *s;
	uint8_t client[DHCP6_DUID]; // who has them
	uint16_t client_length;
	struct lease address, delegated;
	uint32_t declined;
	struct timer end, tell;
	uint64_t told;    // accounting: milliseconds of the timers' clock, 0 = never
	uint8_t *waiting; // a message that is answered when the routes are there
	size_t waiting_length;
	struct ip_address waiting_from;
};

// ---- where leases come from

// The pool of the config that prefixes are delegated from, or NULL.
static const struct config_pool *delegating_pool(const struct subscriber *s)
{
	const struct config *c = s->all->config;
	const struct grant *g = &s->grant;
	const char *name = *g->delegated_pool ? g->delegated_pool : *g->pool6 ? g->pool6 : g->pool;

	for (uint16_t i = 0; i < c->pool_count; i++)
		if (!*name || strcmp(c->pools[i].name, name) == 0)
			return &c->pools[i];
	return NULL;
}

bool subscriber_lease_any(const struct subscriber *s)
{
	const struct config_pool *pool = delegating_pool(s);

	return s->grant.address6.version == IP_V6 || s->grant.delegated.address.version == IP_V6 ||
	       (pool && pool->delegated_count);
}

static bool is_there(const struct lease *l)
{
	return l->prefix.address.version == IP_V6;
}

// Neither what all routers have (RFC 4291 section 2.6.1) nor what is reserved for anycast (RFC
// 5453).
static bool identifier_usable(const struct ip_address *a)
{
	static const uint8_t none[8], reserved[7] = {0xfd, 255, 255, 255, 255, 255, 255};

	return memcmp(a->bytes + 8, none, 8) != 0 &&
	       (memcmp(a->bytes + 8, reserved, 7) != 0 || a->bytes[15] < 0x80);
}

// What the client had before or would like to have, when it may: in its own prefix.
static const struct ip_address *wished(const struct leases *ls, const struct dhcp6_ia *ia)
{
	const struct ip_prefix *own = &ls->s->family[V6].route;

	for (uint16_t i = 0; ls->declined == 0 && i < ia->lease_count; i++)
		if (prefix_contains(own, &ia->leases[i].prefix.address) &&
			identifier_usable(&ia->leases[i].prefix.address))
			return &ia->leases[i].prefix.address;
	return NULL;
}

static void take_address(struct leases *ls, const struct dhcp6_ia *ia)
{
	const struct grant *g = &ls->s->grant;
	const struct ip_address *wish = wished(ls, ia);
	struct ip_prefix *out = &ls->address.prefix;

	if (ls->declined > (g->address6.version == IP_V6 ? 0 : DECLINED_MOST))
		return;
	if (g->address6.version == IP_V6) {
		out->address = g->address6;
	} else if (wish) {
		out->address = *wish;
	} else {
		out->address = ls->s->family[V6].route.address;
		out->address.bytes[15] = (uint8_t)(1 + ls->declined);
	}
	out->length = 128;
}

static void drop(struct lease *l, const char *cause);

// The user's own prefix is leased to an earlier session of his that lingers: the newer one gets it.
static bool displace(const struct subscriber *s)
{
	for (struct subscriber *old = s->all->first; old; old = old->next) {
		struct leases *ls = old->id < s->id ? old->leases : NULL;

		if (!ls || strcmp(old->user, s->user) != 0 ||
			memcmp(&ls->delegated.prefix, &s->grant.delegated,
				sizeof(ls->delegated.prefix)) != 0)
			continue;
		drop(&ls->delegated, "the user came again");
		return true;
	}
	return false;
}

static int delegate(struct leases *ls, const struct config_pool *pool, const struct ip_prefix *hint)
{
	return pools6_delegate(ls->s->all->pools6, pool ? pool->name : "", ls->s->user,
		&ls->s->grant.delegated, hint, &ls->delegated.prefix);
}

static void take_prefix(struct leases *ls, const struct dhcp6_ia *ia)
{
	struct subscriber *s = ls->s;
	const struct config_pool *pool = delegating_pool(s);
	const struct ip_prefix *hint = ia->lease_count ? &ia->leases[0].prefix : NULL;
	int error;

	if (!subscriber_lease_any(s))
		return;
	error = delegate(ls, pool, hint);
	if (error == -EADDRINUSE && displace(s))
		error = delegate(ls, pool, hint);
	if (error < 0 && error != -ENOENT)
		log_event(LOG_POOL_EMPTY, &s->subject, "s:s, s:s", "pool", pool ? pool->name : "",
			"reason",
			error == -EADDRINUSE ? "the user's delegated prefix is in use"
			: error == -ENOSPC   ? "no prefix is free to delegate"
					     : strerror(-error));
}

// ---- routes

static void log_lease(enum log_event event, const struct lease *l, const char *cause)
{
	char text[ADDRESS_TEXT];

	log_event(event, &l->of->s->subject, "s:s, s:s*", "lease", prefix_format(&l->prefix, text),
		"cause", cause);
}

static bool needs_route(const struct lease *l)
{
	return !prefix_contains(&l->of->s->family[V6].route, &l->prefix.address);
}

static void tell_accounting(void *context)
{
	struct leases *ls = context;

	ls->told = timers_now(ls->s->all->timers);
	if (ls->s->accounting)
		subscriber_account(ls->s);
}

// A delegated prefix has come or gone: accounting hears of it at once, but no client can make it
// talk all the time.
static void account(const struct lease *l)
{
	struct leases *ls = l->of;
	struct timers *timers = ls->s->all->timers;
	uint64_t now = timers_now(timers), due = ls->told ? ls->told + TOLD_MS : now;

	if (l == &ls->delegated && ls->s->accounting)
		(void)timer_start(
			timers, &ls->tell, due > now ? due - now : 0, tell_accounting, ls);
}

static void unroute(struct lease *l)
{
	install_forget(l);
	if (l->route == ROUTE_ASKED || l->route == ROUTE_THERE)
		(void)install_route_delete(l->of->s->session, &l->prefix);
	l->route = ROUTE_NONE;
}

static void drop(struct lease *l, const char *cause)
{
	struct subscribers *all = l->of->s->all;
	bool was_bound;

	if (!is_there(l))
		return;
	unroute(l);
	if (l == &l->of->delegated)
		pools6_give(all->pools6, &l->prefix);
	if (l->bound)
		log_lease(LOG_LEASE_END, l, cause);
	was_bound = l->bound;
	*l = (struct lease){.of = l->of};
	if (was_bound)
		account(l);
}

static void answer_waiting(struct leases *ls);

static void route_answered(void *context, int error)
{
	struct lease *l = context;
	char text[ADDRESS_TEXT];

	l->route = error ? ROUTE_REFUSED : ROUTE_THERE;
	if (error) {
		log_event(LOG_ROUTE_REFUSED, &l->of->s->subject, "s:s, s:s", "route",
			prefix_format(&l->prefix, text), "reason",
			error == -EEXIST ? "it leads elsewhere already" : strerror(-error));
		drop(l, "no route");
	}
	answer_waiting(l->of);
}

static void route(struct lease *l)
{
	int error;

	if (!is_there(l) || l->route != ROUTE_NONE || !needs_route(l))
		return;
	l->route = ROUTE_ASKED;
	error = install_route_add(l->of->s->session, &l->prefix, route_answered, l);
	if (error < 0)
		route_answered(l, error);
}

// ---- time

static void watch(struct leases *ls);

static void look(void *context)
{
	struct leases *ls = context;
	uint64_t now = timers_now(ls->s->all->timers);

	if (ls->address.until <= now)
		drop(&ls->address, "its lifetime is over");
	if (ls->delegated.until <= now)
		drop(&ls->delegated, "its lifetime is over");
	watch(ls);
}

static void watch(struct leases *ls)
{
	struct timers *timers = ls->s->all->timers;
	uint64_t now = timers_now(timers), next = UINT64_MAX;

	if (is_there(&ls->address))
		next = ls->address.until;
	if (is_there(&ls->delegated) && ls->delegated.until < next)
		next = ls->delegated.until;
	timer_stop(timers, &ls->end);
	if (next != UINT64_MAX)
		(void)timer_start(timers, &ls->end, next > now ? next - now : 0, look, ls);
}

// ---- what a message does

static struct dhcp6_offer offer_of(const struct lease *l)
{
	return (struct dhcp6_offer){.bound = l->bound, .iaid = l->iaid, .prefix = l->prefix};
}

static const struct dhcp6_ia *chosen(
	const struct lease *l, const struct dhcp6_message *m, enum dhcp6_kind kind)
{
	const struct dhcp6_offer offer = offer_of(l);

	return dhcp6_chosen(m, kind, &offer);
}

// Reserves what the message asks for, or binds it.
static void give(struct leases *ls, const struct dhcp6_message *m, enum dhcp6_kind kind, bool bind)
{
	struct lease *l = kind == DHCP6_PD ? &ls->delegated : &ls->address;
	const struct dhcp6_ia *ia = chosen(l, m, kind);
	uint64_t now = timers_now(ls->s->all->timers);
	bool before = l->bound;

	if (!ia)
		return;
	if (!is_there(l))
		(kind == DHCP6_PD ? take_prefix : take_address)(ls, ia);
	if (!is_there(l) || (!bind && l->bound))
		return;
	l->until = now + (bind ? VALID_S : RESERVED_S) * 1000ULL;
	if (!bind)
		return;
	l->bound = true;
	l->iaid = ia->iaid;
	if (!before) {
		log_lease(LOG_LEASE_BEGIN, l, NULL);
		account(l);
	}
	route(l);
}

static void take_back(
	struct leases *ls, const struct dhcp6_message *m, struct lease *l, enum dhcp6_kind kind)
{
	const struct dhcp6_ia *ia = chosen(l, m, kind);

	if (!ia || !l->bound || ia->iaid != l->iaid)
		return;
	if (m->type == DHCP6_RELEASE) {
		drop(l, "released");
	} else if (kind == DHCP6_NA) {
		drop(l, "declined");
		ls->declined++;
	}
}

// A message of another client on the same link: whatever was bound is not bound to this one.
static void know_client(struct leases *ls, const struct dhcp6_message *m)
{
	if (m->client_length == ls->client_length &&
		memcmp(m->client, ls->client, ls->client_length) == 0)
		return;
	memcpy(ls->client, m->client, m->client_length);
	ls->client_length = m->client_length;
	ls->address.bound = ls->delegated.bound = false;
}

// Changes what is leased as the message wants it before it is answered.
static void act(struct leases *ls, const struct dhcp6_message *m)
{
	bool binds = m->type == DHCP6_REQUEST || m->type == DHCP6_RENEW ||
		     m->type == DHCP6_REBIND || (m->type == DHCP6_SOLICIT && m->rapid_commit);

	if (!binds && m->type != DHCP6_SOLICIT)
		return;
	know_client(ls, m);
	give(ls, m, DHCP6_NA, binds);
	give(ls, m, DHCP6_PD, binds);
	watch(ls);
}

// And after.
static void act_after(struct leases *ls, const struct dhcp6_message *m)
{
	if (m->type != DHCP6_RELEASE && m->type != DHCP6_DECLINE)
		return;
	take_back(ls, m, &ls->address, DHCP6_NA);
	take_back(ls, m, &ls->delegated, DHCP6_PD);
	watch(ls);
}

// ---- answers

static struct dhcp6_server server_of(const struct leases *ls)
{
	const struct subscriber *s = ls->s;
	struct dhcp6_server server = {.duid = s->all->duid,
		.duid_length = sizeof(s->all->duid),
		.domain = subscriber_domain(s),
		.address = offer_of(&ls->address),
		.delegated = offer_of(&ls->delegated),
		.on_link = s->family[V6].route,
		.preferred_s = PREFERRED_S,
		.valid_s = VALID_S};

	memcpy(server.dns, s->grant.dns6, sizeof(server.dns));
	return server;
}

static void send(struct subscriber *s, uint8_t *packet, size_t length, const struct ip_address *to)
{
	uint8_t bytes[16] = {0xfe, 0x80};
	struct ip_address from;

	if (length == 0)
		return;
	memcpy(bytes + 8, ppp_identifier, PPP_IDENTIFIER);
	from = address_v6(bytes);
	length = dhcp_packet_wrap(packet, length, &from, to, DHCP6_SERVER_PORT, DHCP6_CLIENT_PORT);
	(void)dataplane_send_ip6(s->session, packet, length);
}

static void answer(
	struct leases *ls, const struct dhcp6_message *m, const struct ip_address *to, bool refuse)
{
	const struct dhcp6_server server = server_of(ls);
	uint8_t packet[DHCP_PACKET];
	size_t (*write)(const struct dhcp6_message *, const struct dhcp6_server *, uint8_t *,
		size_t) = refuse ? dhcp6_refuse : dhcp6_answer;

	send(ls->s, packet, write(m, &server, packet + DHCP_FRONT6, sizeof(packet) - DHCP_FRONT6),
		to);
}

static void finish(struct leases *ls, const struct dhcp6_message *m, const struct ip_address *to)
{
	answer(ls, m, to, false);
	act_after(ls, m);
}

static void forget_waiting(struct leases *ls)
{
	free(ls->waiting);
	ls->waiting = NULL;
}

static bool routes_asked(const struct leases *ls)
{
	return ls->address.route == ROUTE_ASKED || ls->delegated.route == ROUTE_ASKED;
}

static void answer_waiting(struct leases *ls)
{
	struct dhcp6_message m;

	if (!ls->waiting || routes_asked(ls))
		return;
	if (dhcp6_parse(ls->waiting, ls->waiting_length, &m) == 0)
		finish(ls, &m, &ls->waiting_from);
	forget_waiting(ls);
}

// The newest message is the one that the client wants to have answered.
static void wait_for_routes(struct leases *ls, const struct dhcp_packet *p)
{
	size_t length = view_left(&p->payload);

	forget_waiting(ls);
	ls->waiting = malloc(length ? length : 1);
	if (!ls->waiting)
		return;
	memcpy(ls->waiting, p->payload.at, length);
	ls->waiting_length = length;
	ls->waiting_from = p->from;
}

static void ignore(const struct subscriber *s, const char *reason)
{
	log_event(
		LOG_DHCP_IGNORED, &s->subject, "s:s, s:s", "protocol", "dhcpv6", "reason", reason);
}

static struct leases *leases_of(struct subscriber *s)
{
	if (s->leases)
		return s->leases;
	s->leases = calloc(1, sizeof(*s->leases));
	if (!s->leases)
		return NULL;
	s->leases->s = s;
	s->leases->address.of = s->leases->delegated.of = s->leases;
	return s->leases;
}

void subscriber_lease_input(struct subscriber *s, const struct dhcp_packet *p)
{
	bool to_all = p->to.bytes[0] == 0xff, use_multicast;
	struct leases *ls = leases_of(s);
	struct dhcp6_message m;
	const char *reason;

	if (!ls || dhcp6_parse(p->payload.at, view_left(&p->payload), &m)) {
		ignore(s, ls ? "malformed" : "no memory");
		return;
	}
	reason = dhcp6_check(&m, s->all->duid, sizeof(s->all->duid), to_all, &use_multicast);
	if (reason) {
		ignore(s, reason);
		return;
	}
	if (use_multicast) {
		answer(ls, &m, &p->from, true);
		return;
	}
	act(ls, &m);
	if (routes_asked(ls)) {
		wait_for_routes(ls, p);
		return;
	}
	finish(ls, &m, &p->from);
}

// ---- life

void subscriber_lease_suspend(struct subscriber *s)
{
	if (!s->leases)
		return;
	unroute(&s->leases->address);
	unroute(&s->leases->delegated);
	forget_waiting(s->leases);
}

static bool still_granted(const struct lease *l)
{
	const struct subscriber *s = l->of->s;
	const struct ip_prefix *fixed = &s->grant.delegated;

	if (l == &l->of->delegated)
		return fixed->address.version == IP_NONE ||
		       memcmp(&l->prefix, fixed, sizeof(*fixed)) == 0;
	return s->grant.address6.version == IP_NONE
		       ? prefix_contains(&s->family[V6].route, &l->prefix.address)
		       : address_equal(&s->grant.address6, &l->prefix.address);
}

static void resume(struct lease *l)
{
	if (!is_there(l))
		return;
	if (!still_granted(l))
		drop(l, "it is granted something else");
	else if (l->bound)
		route(l);
}

void subscriber_lease_resume(struct subscriber *s)
{
	if (!s->leases)
		return;
	resume(&s->leases->address);
	resume(&s->leases->delegated);
	watch(s->leases);
}

void subscriber_lease_end(struct subscriber *s, const char *cause)
{
	struct leases *ls = s->leases;

	if (!ls)
		return;
	timer_stop(s->all->timers, &ls->end);
	drop(&ls->address, cause);
	drop(&ls->delegated, cause);
	timer_stop(s->all->timers, &ls->tell);
	forget_waiting(ls);
	free(ls);
	s->leases = NULL;
}

void subscriber_lease_info(
	const struct subscriber *s, struct ip_address *address, struct ip_prefix *delegated)
{
	const struct leases *ls = s->leases;

	if (ls && ls->address.bound)
		*address = ls->address.prefix.address;
	if (ls && ls->delegated.bound)
		*delegated = ls->delegated.prefix;
}

// ---- who we are

// FNV-1a of 64 bits.
static uint64_t hash(uint64_t h, const void *bytes, size_t length)
{
	const uint8_t *p = bytes;

	while (length--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

// A DUID of a UUID (RFC 6355) of our own making (RFC 9562 section 5.8): of the host name and the
// ports' addresses, so it is the same as long as these are, and no secret is in it.
void subscriber_lease_duid(const struct config *config, uint8_t duid[DHCP6_DUID_UUID])
{
	uint64_t h[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

	for (int half = 0; half < 2; half++) {
		h[half] = hash(h[half], config->l2tp.host_name, strlen(config->l2tp.host_name));
		for (uint16_t i = 0; i < config->port_count; i++)
			for (uint16_t j = 0; j < config->ports[i].address_count; j++)
				h[half] = hash(h[half], &config->ports[i].addresses[j].address,
					sizeof(struct ip_address));
	}
	memset(duid, 0, DHCP6_DUID_UUID);
	duid[1] = 4;
	for (int i = 0; i < 16; i++)
		duid[2 + i] = (uint8_t)(h[i / 8] >> 8 * (7 - i % 8));
	duid[2 + 6] = (uint8_t)(0x80 | (duid[2 + 6] & 0xf)); // version 8
	duid[2 + 8] = (uint8_t)(0x80 | (duid[2 + 8] & 0x3f));
}
