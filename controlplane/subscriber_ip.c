// SPDX-License-Identifier: Apache-2.0

// What a subscriber's IP stack asks its gateway: router advertisements (ra.h), DHCPv6
// (subscriber_lease.c) and DHCPINFORM. The workers punt these packets with their session, so many a
// second, and what is said here goes back into that session.

#include "subscriber_record.h"

#include "dhcp/dhcp4.h"
#include "dhcp/dhcp6.h"
#include "dhcp/packet.h"
#include "ra.h"

#include <string.h>

// Whose packet it is, or NULL.
static struct subscriber *of_session(const struct subscribers *all, uint32_t session, int family)
{
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	return s && s->granted && s->family[family].opened ? s : NULL;
}

const char *subscriber_domain(const struct subscriber *s)
{
	const struct config_group *group = grant_group(s->all->config, &s->grant);

	return group ? group->domain : "";
}

// ---- router advertisements

enum {
	ADVERTISE_MS = 600 * 1000,
	ROUTER_S = 1800,
	PREFIX_S = 7200,
};

// Says to the client what its prefix is, now and again later.
static void advertise(void *context)
{
	struct subscriber *s = context;
	struct ra ra = {.prefix = s->family[V6].route,
		.router_s = ROUTER_S,
		.prefix_s = PREFIX_S,
		.domain = subscriber_domain(s)};
	uint8_t packet[RA_PACKET];

	if (!s->family[V6].opened)
		return;
	memcpy(ra.identifier, ppp_identifier, sizeof(ra.identifier));
	memcpy(ra.dns, s->grant.dns6, sizeof(ra.dns));
	ra.managed = subscriber_lease_any(s);
	ra.other = *ra.domain || ra.dns[0].version != IP_NONE;
	(void)dataplane_send_ip6(s->session, packet, ra_build(&ra, packet));
	if (s->road->advertises)
		(void)timer_start(s->all->timers, &s->advertise, ADVERTISE_MS, advertise, s);
}

void subscriber_ip6_up(struct subscriber *s)
{
	if (s->road->advertises)
		advertise(s);
	subscriber_lease_resume(s);
}

void subscriber_ip6_down(struct subscriber *s)
{
	timer_stop(s->all->timers, &s->advertise);
	subscriber_lease_suspend(s);
}

void subscribers_input_ip6(
	struct subscribers *all, uint32_t session, const uint8_t *packet, size_t length)
{
	struct subscriber *s = of_session(all, session, V6);
	struct dhcp_packet p;

	if (s && ra_is_solicitation(packet, length))
		advertise(s);
	else if (s && dhcp_packet_parse(packet, length, &p) == 0 && p.to_port == DHCP6_SERVER_PORT)
		subscriber_lease_input(s, &p);
	else
		log_event(LOG_IP6_IGNORED, s ? &s->subject : NULL, "s:i, s:i", "session",
			(int)session, "length", (int)length);
}

// ---- DHCPINFORM

static void ignore(const struct subscriber *s, const char *type, const char *reason)
{
	log_event(LOG_DHCP_IGNORED, s ? &s->subject : NULL, "s:s, s:s*, s:s", "protocol", "dhcp",
		"type", type, "reason", reason);
}

static void answer(struct subscriber *s, const struct dhcp4_message *m)
{
	const struct config_group *group = grant_group(s->all->config, &s->grant);
	const struct ip_address *client = &s->family[V4].route.address;
	struct dhcp4_server server = {.us = s->all->config->ppp.local,
		.domain = subscriber_domain(s),
		.routes = group ? group->routes : NULL,
		.route_count = group ? group->route_count : 0};
	uint8_t packet[DHCP_PACKET];
	bool left_out;
	size_t length;

	memcpy(server.dns, s->grant.dns, sizeof(server.dns));
	memcpy(server.wins, s->grant.wins, sizeof(server.wins));
	length = dhcp4_answer(
		m, &server, packet + DHCP_FRONT4, sizeof(packet) - DHCP_FRONT4, &left_out);
	length = dhcp_packet_wrap(
		packet, length, &server.us, client, DHCP4_SERVER_PORT, DHCP4_CLIENT_PORT);
	(void)dataplane_send_ip4(s->session, packet, length);
	log_event(LOG_DHCP_INFORMED, &s->subject, "s:i, s:b", "routes", (int)server.route_count,
		"complete", (int)!left_out);
}

// NULL, or why it is not answered.
static const char *refusal(
	const struct subscriber *s, const struct dhcp_packet *p, const struct dhcp4_message *m)
{
	static const uint8_t nobody[4];
	const struct ip_address *client = &s->family[V4].route.address;

	if (m->type != DHCP4_INFORM)
		return "addresses are not assigned by it here";
	if (!address_equal(&p->from, client) ||
		(memcmp(m->client.bytes, nobody, sizeof(nobody)) != 0 &&
			!address_equal(&m->client, client)))
		return "from another address";
	return s->all->config->ppp.local.version == IP_V4 ? NULL : "ppp.local-address is not set";
}

void subscribers_input_ip4(
	struct subscribers *all, uint32_t session, const uint8_t *packet, size_t length)
{
	struct subscriber *s = of_session(all, session, V4);
	struct dhcp4_message m;
	struct dhcp_packet p;
	const char *reason;

	if (!s || dhcp_packet_parse(packet, length, &p) || p.to_port != DHCP4_SERVER_PORT ||
		dhcp4_parse(p.payload.at, view_left(&p.payload), &m)) {
		ignore(s, NULL, s ? "malformed" : "ipv4 is not open");
		return;
	}
	reason = refusal(s, &p, &m);
	if (reason)
		ignore(s, dhcp4_word(m.type), reason);
	else
		answer(s, &m);
}
