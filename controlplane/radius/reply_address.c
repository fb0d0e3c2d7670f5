// SPDX-License-Identifier: Apache-2.0

// What replies say of addresses, networks and servers. What a server may not give is in rules.h.

#include "reply_internal.h"
#include "rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OF_THE_POOL = 0xfffffffe, // RFC 2865 section 5.8
	OF_ITS_OWN = 0xffffffff,
	DELEGATED_LONGEST = 64, // bits: a subscriber's network needs a /64 at least
	WORDS = 8,
};

static const char bad_length[] = "is of a wrong length";

// ---- IPv4

const char *take_address(struct reading *r, const struct radius_attribute *a)
{
	struct ip_address address;
	const char *reason;

	if (attribute_address(a, IP_V4, &address))
		return bad_length;
	if (address_to_u32(&address) == OF_ITS_OWN)
		return "would let the subscriber choose its address";
	if (address_to_u32(&address) == OF_THE_POOL)
		address = (struct ip_address){0};
	else if ((reason = rule_host(r->config, &address)))
		return reason;
	reason = reading_claim(r, GRANT_ADDRESS);
	if (!reason)
		r->grant->address = address;
	return reason;
}

static const char *add_route(struct reading *r, const struct ip_prefix *p)
{
	const char *reason = rule_route(r->config, p);
	struct grant_more *more;

	if (reason)
		return reason;
	more = grant_more(r->grant);
	if (!more) {
		r->error = -ENOMEM;
		return "finds no memory";
	}
	if (!r->seen[GRANT_ROUTES]) {
		(void)reading_claim(r, GRANT_ROUTES);
		more->route_count = 0;
	}
	for (unsigned i = 0; i < more->route_count; i++)
		if (memcmp(&more->routes[i], p, sizeof(*p)) == 0)
			return NULL;
	if (more->route_count == GRANT_ROUTES_MOST)
		return "is one route too many";
	more->routes[more->route_count++] = *p;
	return NULL;
}

// Bits of a netmask; -1 when it has holes.
static int mask_bits(uint32_t mask)
{
	int bits = 0;

	for (; mask & 0x80000000; mask <<= 1)
		bits++;
	return mask ? -1 : bits;
}

static struct ip_prefix network_of(const struct ip_address *a, int bits)
{
	uint32_t mask = bits ? 0xffffffff << (32 - bits) : 0;

	return (struct ip_prefix){
		.address = address_from_u32(address_to_u32(a) & mask), .length = (uint8_t)bits};
}

const char *take_netmask(struct reading *r, const struct radius_attribute *a)
{
	struct ip_prefix network;
	uint32_t mask;
	int bits;

	if (attribute_number(a, &mask))
		return bad_length;
	bits = mask_bits(mask);
	if (bits == 32)
		return NULL;
	if (bits < 0)
		return "is no netmask";
	if (!r->seen[GRANT_ADDRESS] || r->grant->address.version != IP_V4)
		return "is there without a Framed-IP-Address that holds";
	network = network_of(&r->grant->address, bits);
	return add_route(r, &network);
}

// ---- routes as texts

// Without a length it is that of the address' class (RFC 2865 section 5.22).
static int prefix_of_class(const char *text, struct ip_prefix *out)
{
	struct ip_address address;
	uint8_t first;

	if (address_parse(text, &address) || address.version != IP_V4)
		return -EINVAL;
	first = address.bytes[0];
	*out = network_of(&address, first < 128 ? 8 : first < 192 ? 16 : 24);
	return address_equal(&out->address, &address) ? 0 : -EINVAL;
}

// "10.0.0.0 255.0.0.0".
static int prefix_of_mask(const char *text, const char *mask, struct ip_prefix *out)
{
	struct ip_address address, m;
	int bits;

	if (address_parse(text, &address) || address.version != IP_V4 || address_parse(mask, &m) ||
		m.version != IP_V4)
		return -EINVAL;
	bits = mask_bits(address_to_u32(&m));
	if (bits <= 0)
		return -EINVAL;
	*out = network_of(&address, bits);
	return address_equal(&out->address, &address) ? 0 : -EINVAL;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

// None, 0.0.0.0, ::, or the subscriber itself.
static bool is_to_itself(const struct reading *r, const char *gateway, enum ip_version version)
{
	static const struct ip_address none[] = {{.version = IP_V4}, {.version = IP_V6}};
	struct ip_address a;

	if (address_parse(gateway, &a) || a.version != version)
		return false;
	return address_equal(&a, &none[version == IP_V6]) ||
	       address_equal(&a, version == IP_V6 ? &r->grant->address6 : &r->grant->address);
}

const char *set_route(struct reading *r, const char *text, enum ip_version version)
{
	char copy[VALUE_TEXT], *words[WORDS], *rest;
	struct ip_prefix p;
	unsigned n = 0, at = 1;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		if (n == WORDS)
			return "does not read as a route";
		words[n++] = w;
	}
	if (n == 0)
		return "does not read as a route";
	if (n > 1 && prefix_of_mask(words[0], words[1], &p) == 0)
		at = 2;
	else if (strchr(words[0], '/') ? prefix_parse(words[0], &p, NULL)
				       : prefix_of_class(words[0], &p))
		return "has no network with its length, or bits behind it";
	if (p.address.version != version)
		return "is of the other version of IP";
	if (n > at && !is_to_itself(r, words[at], version))
		return "has a gateway that is not the subscriber";
	for (at++; at < n; at++)
		if (!is_number(words[at]))
			return "does not read as a route";
	return add_route(r, &p);
}

static const char *take_route_text(
	struct reading *r, const struct radius_attribute *a, enum ip_version version)
{
	char text[VALUE_TEXT];

	return attribute_text(a, text) ? "is no text" : set_route(r, text, version);
}

const char *take_route(struct reading *r, const struct radius_attribute *a)
{
	return take_route_text(r, a, IP_V4);
}

const char *take_route6(struct reading *r, const struct radius_attribute *a)
{
	return take_route_text(r, a, IP_V6);
}

// ---- IPv6

const char *take_prefix6(struct reading *r, const struct radius_attribute *a)
{
	struct ip_prefix p;
	const char *reason;

	if (attribute_prefix6(a, &p))
		return "is no prefix, or has bits behind its length";
	if (p.length != CONFIG_PREFIX6)
		return "is not a /64, which a link has";
	reason = rule_network(r->config, &p);
	if (!reason)
		reason = reading_claim(r, GRANT_PREFIX6);
	if (!reason)
		r->grant->prefix6 = p;
	return reason;
}

const char *take_address6(struct reading *r, const struct radius_attribute *a)
{
	struct ip_address address;
	const char *reason;

	if (attribute_address(a, IP_V6, &address))
		return bad_length;
	reason = rule_host(r->config, &address);
	if (!reason)
		reason = reading_claim(r, GRANT_ADDRESS6);
	if (!reason)
		r->grant->address6 = address;
	return reason;
}

const char *take_delegated(struct reading *r, const struct radius_attribute *a)
{
	struct ip_prefix p;
	const char *reason;

	if (attribute_prefix6(a, &p))
		return "is no prefix, or has bits behind its length";
	if (p.length > DELEGATED_LONGEST)
		return "is longer than /64";
	reason = rule_network(r->config, &p);
	if (!reason)
		reason = reading_claim(r, GRANT_DELEGATED);
	if (!reason)
		r->grant->delegated = p;
	return reason;
}

const char *take_interface_id(struct reading *r, const struct radius_attribute *a)
{
	static const uint8_t zero[8];
	const char *reason;

	if (a->length != sizeof(zero))
		return bad_length;
	if (memcmp(a->value, zero, sizeof(zero)) == 0)
		return "is 0";
	reason = reading_claim(r, GRANT_INTERFACE_ID);
	if (!reason)
		memcpy(r->grant->identifier, a->value, sizeof(zero));
	return reason;
}

// ---- servers

static struct ip_address *servers_of(struct reading *r, enum grant_item item)
{
	return item == GRANT_DNS    ? r->grant->dns
	       : item == GRANT_WINS ? r->grant->wins
				    : r->grant->dns6;
}

const char *set_server(
	struct reading *r, enum grant_item item, unsigned slot, const struct ip_address *a)
{
	struct ip_address *servers = servers_of(r, item);
	const char *reason = rule_server(a);

	if (reason)
		return reason;
	if (!r->seen[item]) {
		(void)reading_claim(r, item);
		memset(servers, 0, 2 * sizeof(servers[0]));
	}
	if (servers[slot].version != IP_NONE)
		return "is there twice: the first one holds";
	servers[slot] = *a;
	return NULL;
}

// One or two with spaces or commas between them.
const char *set_servers(struct reading *r, enum grant_item item, char *text)
{
	enum ip_version version = item == GRANT_DNS6 ? IP_V6 : IP_V4;
	const char *reason = "is empty";
	struct ip_address a;
	unsigned slot = 0;
	char *rest;

	for (char *w = strtok_r(text, " ,", &rest); w; w = strtok_r(NULL, " ,", &rest)) {
		if (address_parse(w, &a) || a.version != version)
			return "does not read as an address";
		if (slot == 2)
			return "has more than two addresses";
		reason = set_server(r, item, slot++, &a);
		if (reason)
			return reason;
	}
	return reason;
}

static const char *take_server(
	struct reading *r, const struct radius_attribute *a, enum grant_item item, unsigned slot)
{
	struct ip_address address;

	if (attribute_address(a, IP_V4, &address))
		return bad_length;
	return set_server(r, item, slot, &address);
}

const char *take_dns1(struct reading *r, const struct radius_attribute *a)
{
	return take_server(r, a, GRANT_DNS, 0);
}

const char *take_dns2(struct reading *r, const struct radius_attribute *a)
{
	return take_server(r, a, GRANT_DNS, 1);
}

const char *take_wins1(struct reading *r, const struct radius_attribute *a)
{
	return take_server(r, a, GRANT_WINS, 0);
}

const char *take_wins2(struct reading *r, const struct radius_attribute *a)
{
	return take_server(r, a, GRANT_WINS, 1);
}

const char *take_dns6(struct reading *r, const struct radius_attribute *a)
{
	struct ip_address address;
	unsigned slot = r->seen[GRANT_DNS6] && r->grant->dns6[0].version != IP_NONE;

	if (attribute_address(a, IP_V6, &address))
		return bad_length;
	if (slot && r->grant->dns6[1].version != IP_NONE)
		return "is one server too many";
	return set_server(r, GRANT_DNS6, slot, &address);
}
