// SPDX-License-Identifier: Apache-2.0

// What must agree in the filters and groups of the configuration, and with those who name them.

#include "config_schema.h"

#include "messages.h"

#include <netinet/in.h>
#include <string.h>

static bool asks_for_ports(const uint16_t ports[2])
{
	return ports[0] != 0 || ports[1] != UINT16_MAX;
}

static bool has_ports(uint16_t protocol)
{
	return protocol == FILTER_ANY_PROTOCOL || protocol == IPPROTO_TCP ||
	       protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

// ICMP of the other version than the rule's prefixes are of.
static void check_icmp(
	struct config_load *load, const char *where, const struct config_rule *r, uint8_t version)
{
	if (r->protocol == IPPROTO_ICMP && version == IP_V6)
		config_error(load, config_place(load, &r->protocol),
			"%s: protocol icmp is of IPv4, and its prefix of IPv6: write icmpv6",
			where);
	if (r->protocol == IPPROTO_ICMPV6 && version == IP_V4)
		config_error(load, config_place(load, &r->protocol),
			"%s: protocol icmpv6 is of IPv6, and its prefix of IPv4: write icmp",
			where);
}

static void check_rule(struct config_load *load, const char *where, const struct config_rule *r)
{
	uint8_t from = r->from.address.version, to = r->to.address.version;
	const uint16_t *ports = asks_for_ports(r->from_port) ? r->from_port : r->to_port;

	if (from != IP_NONE && to != IP_NONE && from != to) {
		config_error(load, config_place(load, &r->to),
			"%s: from and to are of different versions: write IPv4 or IPv6 for both",
			where);
		return;
	}
	check_icmp(load, where, r, from == IP_NONE ? to : from);
	if (asks_for_ports(ports) && !has_ports(r->protocol))
		config_error(load, config_place(load, ports),
			"%s: its protocol has no ports: remove %s, or write tcp, udp, sctp or any",
			where, ports == r->from_port ? "from-port" : "to-port");
}

static void check_filters(struct config_load *load)
{
	const struct config *c = load->config;
	char where[LIMIT_NAME + 64];

	config_check_names(
		load, "filter name", c->filters[0].name, c->filter_count, sizeof(c->filters[0]));
	for (unsigned i = 0; i < c->filter_count; i++)
		for (uint32_t j = 0; j < c->filters[i].rule_count; j++) {
			snprintf(where, sizeof(where), "rule %u of filter %s", j + 1,
				c->filters[i].name);
			check_rule(load, where, &c->filters[i].rules[j]);
		}
}

static void check_filter_name(
	struct config_load *load, const struct config_group *g, const char *key, const char *name)
{
	if (*name && config_walked(load, "filters") && !config_filter_number(load->config, name))
		config_error(load, config_place(load, name),
			"group %s: there is no %s %s: name one of filters", g->name, key, name);
}

static void check_pool_name(struct config_load *load, const struct config_group *g)
{
	if (*g->pool && config_walked(load, "pools") && !config_pool_known(load->config, g->pool))
		config_error(load, config_place(load, g->pool),
			"group %s: there is no pool %s: name one of pools", g->name, g->pool);
}

static void check_burst(struct config_load *load, const struct config_group *g, const char *key,
	const struct config_rate *rate)
{
	if (rate->burst && !rate->kbit)
		config_error(load, config_place(load, &rate->burst),
			"group %s: %s-burst is there without %s: add the rate, or remove the burst",
			g->name, key, key);
}

static void check_groups(struct config_load *load)
{
	const struct config *c = load->config;

	config_check_names(
		load, "group name", c->groups[0].name, c->group_count, sizeof(c->groups[0]));
	for (unsigned i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		check_filter_name(load, g, "filter-uplink", g->filter_uplink);
		check_filter_name(load, g, "filter-downlink", g->filter_downlink);
		check_pool_name(load, g);
		check_burst(load, g, "police-uplink", &g->police_uplink);
		check_burst(load, g, "police-downlink", &g->police_downlink);
		check_burst(load, g, "shape-downlink", &g->shape_downlink);
	}
	if (*c->default_group && !config_group_number(c, c->default_group))
		config_error(load, config_place(load, c->default_group),
			"default-group: there is no group %s: name one of groups",
			c->default_group);
}

void config_check_groups(struct config_load *load)
{
	if (config_walked(load, "filters"))
		check_filters(load);
	if (config_walked(load, "groups"))
		check_groups(load);
}
