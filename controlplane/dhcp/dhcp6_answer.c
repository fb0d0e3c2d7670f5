// SPDX-License-Identifier: Apache-2.0

// What DHCPv6 messages are answered (dhcp6.h): RFC 8415 section 18.3, each message by its
// paragraph.

#include "dhcp6.h"
#include "dhcp6_options.h"
#include "domain.h"

#include "contract/build.h"

#include <string.h>

enum {
	PREFERENCE = 255, // the client need not wait for other servers: there are none on its link
	REFRESH_S = 86400,
};

// ---- which are answered

const char *dhcp6_check(const struct dhcp6_message *m, const uint8_t *duid, uint16_t duid_length,
	bool to_all, bool *use_multicast)
{
	bool names_us =
		m->server_length == duid_length && memcmp(m->server, duid, duid_length) == 0;

	*use_multicast = false;
	switch (m->type) {
	case DHCP6_SOLICIT:
	case DHCP6_CONFIRM:
	case DHCP6_REBIND:
		if (!to_all)
			return "not to all servers";
		if (m->server_length)
			return "names a server";
		return m->client_length ? NULL : "no client identifier";
	case DHCP6_INFORMATION_REQUEST:
		if (!to_all)
			return "not to all servers";
		if (m->server_length && !names_us)
			return "for another server";
		return m->ia_count ? "asks for addresses" : NULL;
	default:
		if (!m->client_length)
			return "no client identifier";
		if (!names_us)
			return m->server_length ? "for another server" : "no server identifier";
		*use_multicast = !to_all;
		return NULL;
	}
}

const struct dhcp6_ia *dhcp6_chosen(
	const struct dhcp6_message *m, enum dhcp6_kind kind, const struct dhcp6_offer *offer)
{
	const struct dhcp6_ia *first = NULL;

	for (uint16_t i = 0; i < m->ia_count; i++) {
		if (m->ias[i].kind != kind)
			continue;
		if (offer->bound && m->ias[i].iaid == offer->iaid)
			return &m->ias[i];
		first = first ? first : &m->ias[i];
	}
	return first;
}

// ---- options

static size_t option_begin(struct build *b, uint16_t code)
{
	build_u16(b, code);
	build_u16(b, 0);
	return build_length(b);
}

static void option_end(struct build *b, size_t body)
{
	build_patch_u16(b, body - 2, (uint16_t)(build_length(b) - body));
}

static void put_bytes(struct build *b, uint16_t code, const void *bytes, size_t length)
{
	build_u16(b, code);
	build_u16(b, (uint16_t)length);
	build_bytes(b, bytes, length);
}

static void put_status(struct build *b, enum dhcp6_status status)
{
	static const char *const words[] = {
		[DHCP6_SUCCESS] = "",
		[DHCP6_NO_ADDRESSES] = "no address is there for this association",
		[DHCP6_NO_BINDING] = "nothing is bound to this association",
		[DHCP6_NOT_ON_LINK] = "an address is not of this link",
		[DHCP6_USE_MULTICAST] = "send it to all servers",
		[DHCP6_NO_PREFIXES] = "no prefix is there for this association",
	};
	size_t body = option_begin(b, DHCP6_OPTION_STATUS);

	build_u16(b, status);
	build_bytes(b, words[status], strlen(words[status]));
	option_end(b, body);
}

static void put_lease(
	struct build *b, const struct ip_prefix *p, bool pd, uint32_t preferred_s, uint32_t valid_s)
{
	size_t body = option_begin(b, pd ? DHCP6_OPTION_PREFIX : DHCP6_OPTION_ADDRESS);

	if (!pd)
		build_bytes(b, p->address.bytes, 16);
	build_u32(b, preferred_s);
	build_u32(b, valid_s);
	if (pd) {
		build_u8(b, p->length);
		build_bytes(b, p->address.bytes, 16);
	}
	option_end(b, body);
}

static void put_information(
	struct build *b, const struct dhcp6_message *m, const struct dhcp6_server *s)
{
	uint8_t domain[DOMAIN_BYTES];
	size_t length = domain_encode(s->domain, domain), body;

	if (m->asks_dns && s->dns[0].version == IP_V6) {
		body = option_begin(b, DHCP6_OPTION_DNS);
		for (int i = 0; i < 2; i++)
			if (s->dns[i].version == IP_V6)
				build_bytes(b, s->dns[i].bytes, 16);
		option_end(b, body);
	}
	if (m->asks_domain && length)
		put_bytes(b, DHCP6_OPTION_DOMAIN, domain, length);
	if (m->asks_refresh && m->type == DHCP6_INFORMATION_REQUEST) {
		body = option_begin(b, DHCP6_OPTION_REFRESH);
		build_u32(b, REFRESH_S);
		option_end(b, body);
	}
}

static void put_head(struct build *b, const struct dhcp6_message *m, enum dhcp6_type type,
	const struct dhcp6_server *s)
{
	build_u32(b, (uint32_t)type << 24 | m->transaction);
	if (m->client_length)
		put_bytes(b, DHCP6_OPTION_CLIENT, m->client, m->client_length);
	put_bytes(b, DHCP6_OPTION_SERVER, s->duid, s->duid_length);
}

// ---- identity associations

static bool is_offered(
	const struct dhcp6_message *m, const struct dhcp6_ia *ia, const struct dhcp6_offer *offer)
{
	return ia->kind != DHCP6_TA && offer->prefix.address.version == IP_V6 &&
	       dhcp6_chosen(m, ia->kind, offer) == ia;
}

static bool same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}

// What the client has beside what it gets is over (section 18.3.4).
static void put_ended(struct build *b, const struct dhcp6_ia *ia, const struct ip_prefix *keeps)
{
	for (uint16_t i = 0; i < ia->lease_count; i++)
		if (!same_prefix(&ia->leases[i].prefix, keeps))
			put_lease(b, &ia->leases[i].prefix, ia->kind == DHCP6_PD, 0, 0);
}

// Without a lease: why.
static void put_ia(struct build *b, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
	const struct dhcp6_server *s, const struct ip_prefix *lease, enum dhcp6_status status)
{
	bool renews = m->type == DHCP6_RENEW || m->type == DHCP6_REBIND;
	size_t body = option_begin(b, ia->kind);

	build_u32(b, ia->iaid);
	if (ia->kind != DHCP6_TA) {
		// Section 21.4: half and four fifths of the preferred lifetime.
		build_u32(b, lease ? s->preferred_s / 2 : 0);
		build_u32(b, lease ? (uint32_t)((uint64_t)s->preferred_s * 4 / 5) : 0);
	}
	if (lease) {
		put_lease(b, lease, ia->kind == DHCP6_PD, s->preferred_s, s->valid_s);
		if (renews)
			put_ended(b, ia, lease);
	} else {
		put_status(b, status);
	}
	option_end(b, body);
}

static bool off_link(
	const struct dhcp6_ia *ia, const struct ip_prefix *on_link, const struct ip_prefix *offered)
{
	for (uint16_t i = 0; i < ia->lease_count; i++)
		if (!prefix_contains(on_link, &ia->leases[i].prefix.address) &&
			!same_prefix(&ia->leases[i].prefix, offered))
			return true;
	return false;
}

// Solicit, Request, Renew, Rebind (sections 18.3.1, 18.3.2, 18.3.4, 18.3.5).
static void put_leases(struct build *b, const struct dhcp6_message *m, const struct dhcp6_server *s)
{
	bool first = m->type == DHCP6_SOLICIT || m->type == DHCP6_REQUEST;

	for (uint16_t i = 0; i < m->ia_count; i++) {
		const struct dhcp6_ia *ia = &m->ias[i];
		const struct dhcp6_offer *offer =
			ia->kind == DHCP6_PD ? &s->delegated : &s->address;
		const struct ip_prefix *lease = is_offered(m, ia, offer) ? &offer->prefix : NULL;
		enum dhcp6_status status = DHCP6_NO_BINDING;

		if (first)
			status = ia->kind == DHCP6_PD ? DHCP6_NO_PREFIXES : DHCP6_NO_ADDRESSES;
		if (m->type == DHCP6_REQUEST && ia->kind == DHCP6_NA &&
			off_link(ia, &s->on_link, &s->address.prefix)) {
			lease = NULL;
			status = DHCP6_NOT_ON_LINK;
		}
		put_ia(b, m, ia, s, lease, status);
	}
}

// Release, Decline (sections 18.3.7, 18.3.8). What was bound has been released before.
static void put_unbound(
	struct build *b, const struct dhcp6_message *m, const struct dhcp6_server *s)
{
	put_status(b, DHCP6_SUCCESS);
	for (uint16_t i = 0; i < m->ia_count; i++) {
		const struct dhcp6_ia *ia = &m->ias[i];
		const struct dhcp6_offer *offer =
			ia->kind == DHCP6_PD ? &s->delegated : &s->address;

		if (ia->kind == DHCP6_TA || !offer->bound || offer->iaid != ia->iaid)
			put_ia(b, m, ia, s, NULL, DHCP6_NO_BINDING);
	}
}

// Section 18.3.3. False: there is no address in it.
static bool put_confirmed(
	struct build *b, const struct dhcp6_message *m, const struct dhcp6_server *s)
{
	bool any = false, off = false;

	for (uint16_t i = 0; i < m->ia_count; i++) {
		if (m->ias[i].kind == DHCP6_PD || m->ias[i].lease_count == 0)
			continue;
		any = true;
		off |= off_link(&m->ias[i], &s->on_link, &s->address.prefix);
	}
	put_status(b, off ? DHCP6_NOT_ON_LINK : DHCP6_SUCCESS);
	return any;
}

size_t dhcp6_answer(
	const struct dhcp6_message *m, const struct dhcp6_server *server, uint8_t *out, size_t size)
{
	bool advertise = m->type == DHCP6_SOLICIT && !m->rapid_commit;
	struct build b = build_in(out, size);
	bool due = true;

	put_head(&b, m, advertise ? DHCP6_ADVERTISE : DHCP6_REPLY, server);
	if (advertise)
		put_bytes(&b, DHCP6_OPTION_PREFERENCE, (const uint8_t[]){PREFERENCE}, 1);
	switch (m->type) {
	case DHCP6_SOLICIT:
		if (!advertise)
			put_bytes(&b, DHCP6_OPTION_RAPID_COMMIT, NULL, 0);
		put_leases(&b, m, server);
		break;
	case DHCP6_REQUEST:
	case DHCP6_RENEW:
	case DHCP6_REBIND:
		put_leases(&b, m, server);
		break;
	case DHCP6_RELEASE:
	case DHCP6_DECLINE:
		put_unbound(&b, m, server);
		break;
	case DHCP6_CONFIRM:
		due = put_confirmed(&b, m, server);
		break;
	}
	if (m->type != DHCP6_RELEASE && m->type != DHCP6_DECLINE)
		put_information(&b, m, server);
	return b.failed || !due ? 0 : build_length(&b);
}

size_t dhcp6_refuse(
	const struct dhcp6_message *m, const struct dhcp6_server *server, uint8_t *out, size_t size)
{
	struct build b = build_in(out, size);

	put_head(&b, m, DHCP6_REPLY, server);
	put_status(&b, DHCP6_USE_MULTICAST);
	return b.failed ? 0 : build_length(&b);
}
