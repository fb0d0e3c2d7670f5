// SPDX-License-Identifier: Apache-2.0

#include "rules.h"

enum {
	WIDEST4 = 8, // bits: who has more behind him has the Internet
	WIDEST6 = 16,
};

struct rule {
	struct ip_prefix of;
	const char *reason;
};

#define V4(a, b, bits) \
	{ \
		.address = {.version = IP_V4, .bytes = {a, b}}, .length = (bits) \
	}
#define V6(a, b, bits) \
	{ \
		.address = {.version = IP_V6, .bytes = {a, b}}, .length = (bits) \
	}

static const struct rule nobody[] = {
	{V4(0, 0, 8), "is no address of a host"},
	{V4(127, 0, 8), "is a loopback address"},
	{V4(224, 0, 4), "is a multicast address"},
	{V4(240, 0, 4), "is no address of a host"},
	{{.address = {.version = IP_V6}, .length = 127}, "is no address of a host"},
	{V6(0xff, 0, 8), "is a multicast address"},
};
// What is behind none of the links of others.
static const struct rule link_local[] = {
	{V4(169, 254, 16), "is a link-local address"},
	{V6(0xfe, 0x80, 10), "is a link-local address"},
};
static const struct ip_prefix unicast6[] = {V6(0x20, 0, 3), V6(0xfc, 0, 7)};

static bool meets(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length <= b->length ? prefix_contains(a, &b->address)
				      : prefix_contains(b, &a->address);
}

static const char *among(const struct rule *rules, size_t count, const struct ip_prefix *p)
{
	for (size_t i = 0; i < count; i++)
		if (meets(&rules[i].of, p))
			return rules[i].reason;
	return NULL;
}

static struct ip_prefix host_prefix(const struct ip_address *a)
{
	return (struct ip_prefix){.address = *a, .length = a->version == IP_V6 ? 128 : 32};
}

static const char *is_ours(const struct config *config, const struct ip_prefix *p)
{
	struct ip_prefix local = host_prefix(&config->ppp.local);

	if (local.address.version != IP_NONE && meets(&local, p))
		return "is the gateway's own";
	for (unsigned i = 0; i < config->port_count; i++)
		for (unsigned j = 0; j < config->ports[i].address_count; j++) {
			struct ip_prefix own = host_prefix(&config->ports[i].addresses[j].address);

			if (meets(&own, p))
				return "is the gateway's own";
			if (meets(&config->ports[i].addresses[j].network, p))
				return "is of the network of a port";
		}
	return NULL;
}

static bool is_unicast6(const struct ip_prefix *p)
{
	return (p->length >= unicast6[0].length && meets(&unicast6[0], p)) ||
	       (p->length >= unicast6[1].length && meets(&unicast6[1], p));
}

static const char *is_nobodys(const struct ip_prefix *p)
{
	const char *reason = among(nobody, sizeof(nobody) / sizeof(nobody[0]), p);

	if (!reason)
		reason = among(link_local, sizeof(link_local) / sizeof(link_local[0]), p);
	if (!reason && p->address.version == IP_V6 && !is_unicast6(p))
		reason = "is no global unicast address";
	return reason;
}

const char *rule_server(const struct ip_address *a)
{
	struct ip_prefix p = host_prefix(a);

	return among(nobody, sizeof(nobody) / sizeof(nobody[0]), &p);
}

const char *rule_host(const struct config *config, const struct ip_address *a)
{
	struct ip_prefix p = host_prefix(a);
	const char *reason = is_nobodys(&p);

	return reason ? reason : is_ours(config, &p);
}

const char *rule_network(const struct config *config, const struct ip_prefix *p)
{
	const char *reason;

	if (p->length == 0)
		return "is a default route";
	if (p->length < (p->address.version == IP_V6 ? WIDEST6 : WIDEST4))
		return p->address.version == IP_V6 ? "is wider than /16" : "is wider than /8";
	reason = is_nobodys(p);
	return reason ? reason : is_ours(config, p);
}

static bool is_of_a_pool(const struct config_pool *pool, const struct ip_prefix *p)
{
	for (unsigned i = 0; i < pool->prefix_count; i++)
		if (meets(&pool->prefixes[i], p))
			return true;
	for (unsigned i = 0; i < pool->prefix6_count; i++)
		if (meets(&pool->prefixes6[i], p))
			return true;
	for (unsigned i = 0; i < pool->delegated_count; i++)
		if (meets(&pool->delegated[i], p))
			return true;
	return false;
}

const char *rule_route(const struct config *config, const struct ip_prefix *p)
{
	const char *reason = rule_network(config, p);

	for (unsigned i = 0; !reason && i < config->pool_count; i++)
		if (is_of_a_pool(&config->pools[i], p))
			reason = "meets a pool, whose addresses others get";
	return reason;
}
