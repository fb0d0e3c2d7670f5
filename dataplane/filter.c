// SPDX-License-Identifier: Apache-2.0

// See filter.h. What librte_acl walks along is a key of our own, not the packet: the headers of
// IPv6 may lie anywhere, and whether there are ports at all is a part of what rules ask for. The
// first field of a key must be one byte long, and the others come in fours.
//
// The first rule that matches decides: it has the highest priority. Both tries use one category.

#include "dataplane/filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_acl.h>
#include <rte_common.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIELDS4 = 6,
	FIELDS6 = 12,
	WORDS6 = 4,                    // of an IPv6 address
	TRIES_MOST = 64 * 1024 * 1024, // bytes that the tries of one version may take
	RULES_AT_ONCE = 64,
};

// What is compared, all of it in network byte order.
struct key4 {
	uint8_t has_ports; // 1: the ports are those of the packet, else they are 0
	uint8_t zero[3];
	uint8_t protocol;
	uint8_t zero2[3];
	uint8_t from[4];
	uint8_t to[4];
	uint8_t from_port[2];
	uint8_t to_port[2];
};
_Static_assert(sizeof(struct key4) == 20, "no padding: every byte is compared");

struct key6 {
	uint8_t has_ports;
	uint8_t zero[3];
	uint8_t protocol;
	uint8_t zero2[3];
	uint8_t from[16];
	uint8_t to[16];
	uint8_t from_port[2];
	uint8_t to_port[2];
};
_Static_assert(sizeof(struct key6) == 44, "no padding: every byte is compared");

struct filter {
	struct rte_acl_ctx *ip4; // NULL: no rule is of this version
	struct rte_acl_ctx *ip6;
	uint8_t otherwise; // enum filter_action
};

RTE_ACL_RULE_DEF(acl_rule, FIELDS6);

#define FIELD(kind, bytes, index, input, at) \
	{ \
		.type = RTE_ACL_FIELD_TYPE_##kind, .size = bytes, .field_index = index, \
		.input_index = input, .offset = at \
	}

static const struct rte_acl_field_def fields4[FIELDS4] = {
	FIELD(BITMASK, 1, 0, 0, offsetof(struct key4, has_ports)),
	FIELD(BITMASK, 4, 1, 1, offsetof(struct key4, protocol)),
	FIELD(MASK, 4, 2, 2, offsetof(struct key4, from)),
	FIELD(MASK, 4, 3, 3, offsetof(struct key4, to)),
	FIELD(RANGE, 2, 4, 4, offsetof(struct key4, from_port)),
	FIELD(RANGE, 2, 5, 4, offsetof(struct key4, to_port)),
};

static const struct rte_acl_field_def fields6[FIELDS6] = {
	FIELD(BITMASK, 1, 0, 0, offsetof(struct key6, has_ports)),
	FIELD(BITMASK, 4, 1, 1, offsetof(struct key6, protocol)),
	FIELD(MASK, 4, 2, 2, offsetof(struct key6, from)),
	FIELD(MASK, 4, 3, 3, offsetof(struct key6, from) + 4),
	FIELD(MASK, 4, 4, 4, offsetof(struct key6, from) + 8),
	FIELD(MASK, 4, 5, 5, offsetof(struct key6, from) + 12),
	FIELD(MASK, 4, 6, 6, offsetof(struct key6, to)),
	FIELD(MASK, 4, 7, 7, offsetof(struct key6, to) + 4),
	FIELD(MASK, 4, 8, 8, offsetof(struct key6, to) + 8),
	FIELD(MASK, 4, 9, 9, offsetof(struct key6, to) + 12),
	FIELD(RANGE, 2, 10, 10, offsetof(struct key6, from_port)),
	FIELD(RANGE, 2, 11, 10, offsetof(struct key6, to_port)),
};

// ---- rules

static bool prefix_valid(const struct ip_prefix *p)
{
	static const uint8_t zero[16];
	const uint8_t *bytes = p->address.bytes;
	uint8_t at = p->length / 8;

	switch (p->address.version) {
	case IP_NONE:
		return p->length == 0;
	case IP_V4:
		if (p->length > 32 || memcmp(bytes + 4, zero, 12) != 0)
			return false;
		break;
	case IP_V6:
		if (p->length > 128)
			return false;
		break;
	default:
		return false;
	}
	if (at == 16)
		return true;
	return (bytes[at] & (0xff >> p->length % 8)) == 0 &&
	       memcmp(bytes + at + 1, zero, 15U - at) == 0;
}

bool filter_rule_valid(const struct filter_rule *r)
{
	uint8_t from = r->from.address.version, to = r->to.address.version;

	if (!prefix_valid(&r->from) || !prefix_valid(&r->to))
		return false;
	if (from != IP_NONE && to != IP_NONE && from != to)
		return false;
	return r->from_port[0] <= r->from_port[1] && r->to_port[0] <= r->to_port[1] &&
	       r->protocol <= FILTER_ANY_PROTOCOL && r->action <= FILTER_PERMIT;
}

static bool rule_is_of(const struct filter_rule *r, uint8_t version)
{
	uint8_t from = r->from.address.version, to = r->to.address.version;

	return (from == IP_NONE || from == version) && (to == IP_NONE || to == version);
}

static bool rule_asks_for_ports(const struct filter_rule *r)
{
	return r->from_port[0] != 0 || r->from_port[1] != UINT16_MAX || r->to_port[0] != 0 ||
	       r->to_port[1] != UINT16_MAX;
}

// ---- compiling

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// An address of so many words, each a field of its own with its part of the length.
static void put_prefix(struct rte_acl_field *field, const struct ip_prefix *p, int words)
{
	for (int i = 0; i < words; i++) {
		int bits = RTE_MAX(p->length - 32 * i, 0);

		field[i].value.u32 = get_u32(p->address.bytes + 4 * i);
		field[i].mask_range.u32 = (uint32_t)RTE_MIN(bits, 32);
	}
}

static void put_ports(struct rte_acl_field *field, const uint16_t ports[2])
{
	field->value.u16 = ports[0];
	field->mask_range.u16 = ports[1];
}

static void put_rule(struct acl_rule *out, const struct filter_rule *r, uint16_t index, int words)
{
	*out = (struct acl_rule){.data = {.category_mask = 1,
					 .priority = LIMIT_FILTER_RULES - index,
					 .userdata = r->action + 1U}};
	if (rule_asks_for_ports(r)) {
		out->field[0].value.u8 = 1;
		out->field[0].mask_range.u8 = 1;
	}
	if (r->protocol != FILTER_ANY_PROTOCOL) {
		out->field[1].value.u32 = (uint32_t)r->protocol << 24;
		out->field[1].mask_range.u32 = 0xff000000;
	}
	put_prefix(out->field + 2, &r->from, words);
	put_prefix(out->field + 2 + words, &r->to, words);
	put_ports(&out->field[2 + 2 * words], r->from_port);
	put_ports(&out->field[3 + 2 * words], r->to_port);
}

static struct rte_acl_ctx *context_create(uint32_t fields, uint16_t count)
{
	static uint64_t serial;
	char name[RTE_ACL_NAMESIZE];
	const struct rte_acl_param param = {.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = RTE_ACL_RULE_SZ(fields),
		.max_rule_num = count};

	snprintf(name, sizeof(name), "filter-%llu", (unsigned long long)serial++);
	return rte_acl_create(&param);
}

static int context_add(struct rte_acl_ctx *ctx, const struct filter_rule *rules, uint16_t count,
	uint8_t version, size_t size)
{
	int words = version == IP_V6 ? WORDS6 : 1;

	for (uint16_t i = 0; i < count; i++) {
		struct acl_rule rule;
		_Alignas(struct rte_acl_rule) uint8_t sized[sizeof(rule)];

		if (!rule_is_of(&rules[i], version))
			continue;
		put_rule(&rule, &rules[i], i, words);
		memcpy(sized, &rule, size);
		if (rte_acl_add_rules(ctx, (const struct rte_acl_rule *)sized, 1) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int context_build(struct rte_acl_ctx *ctx, uint8_t version)
{
	struct rte_acl_config config = {.num_categories = 1, .max_size = TRIES_MOST};

	if (version == IP_V6) {
		config.num_fields = FIELDS6;
		memcpy(config.defs, fields6, sizeof(fields6));
	} else {
		config.num_fields = FIELDS4;
		memcpy(config.defs, fields4, sizeof(fields4));
	}
	return rte_acl_build(ctx, &config) == 0 ? 0 : -ENOMEM;
}

static int compile(
	const struct filter_rule *rules, uint16_t count, uint8_t version, struct rte_acl_ctx **out)
{
	uint32_t fields = version == IP_V6 ? FIELDS6 : FIELDS4;
	uint16_t own = 0;
	int error;

	for (uint16_t i = 0; i < count; i++)
		own += rule_is_of(&rules[i], version);
	if (own == 0)
		return 0;
	*out = context_create(fields, own);
	if (!*out)
		return -ENOMEM;
	error = context_add(*out, rules, count, version, RTE_ACL_RULE_SZ(fields));
	return error ? error : context_build(*out, version);
}

int filter_compile(const struct filter_rule *rules, uint16_t count, enum filter_action otherwise,
	struct filter **out)
{
	struct filter *f = calloc(1, sizeof(*f));
	int error;

	if (!f)
		return -ENOMEM;
	f->otherwise = otherwise;
	error = compile(rules, count, IP_V4, &f->ip4);
	error = error ? error : compile(rules, count, IP_V6, &f->ip6);
	if (error) {
		filter_free(f);
		return error;
	}
	*out = f;
	return 0;
}

void filter_free(void *filter)
{
	struct filter *f = filter;

	if (!f)
		return;
	rte_acl_free(f->ip4);
	rte_acl_free(f->ip6);
	free(f);
}

// ---- classifying

static void put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void key4_make(struct key4 *key, const struct flow *flow)
{
	*key = (struct key4){.has_ports = flow->has_ports, .protocol = flow->protocol};
	memcpy(key->from, flow->from, 4);
	memcpy(key->to, flow->to, 4);
	if (!flow->has_ports) // the flow has the type of an ICMP message there
		return;
	put_u16(key->from_port, flow->from_port);
	put_u16(key->to_port, flow->to_port);
}

static void key6_make(struct key6 *key, const struct flow *flow)
{
	*key = (struct key6){.has_ports = flow->has_ports, .protocol = flow->protocol};
	memcpy(key->from, flow->from, 16);
	memcpy(key->to, flow->to, 16);
	if (!flow->has_ports)
		return;
	put_u16(key->from_port, flow->from_port);
	put_u16(key->to_port, flow->to_port);
}

// The flows of one version: their keys, and what the trie says about them.
static uint32_t denied(const struct filter *f, const struct rte_acl_ctx *ctx, const uint8_t **keys,
	const uint8_t *index, uint16_t count)
{
	uint32_t results[FILTER_BATCH] = {0}, out = 0;

	if (count == 0)
		return 0;
	if (ctx && rte_acl_classify(ctx, keys, results, count, 1) != 0)
		return UINT32_MAX;
	for (uint16_t i = 0; i < count; i++) {
		uint32_t action = results[i] ? results[i] - 1 : f->otherwise;

		out |= (uint32_t)(action == FILTER_DENY) << index[i];
	}
	return out;
}

uint32_t filter_denied(const struct filter *f, const struct flow *const *flows, uint16_t count)
{
	struct key4 key4[FILTER_BATCH];
	struct key6 key6[FILTER_BATCH];
	const uint8_t *at4[FILTER_BATCH], *at6[FILTER_BATCH];
	uint8_t index4[FILTER_BATCH], index6[FILTER_BATCH];
	uint16_t count4 = 0, count6 = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (flows[i]->version == IP_V4) {
			key4_make(&key4[count4], flows[i]);
			at4[count4] = &key4[count4].has_ports;
			index4[count4++] = (uint8_t)i;
		} else {
			key6_make(&key6[count6], flows[i]);
			at6[count6] = &key6[count6].has_ports;
			index6[count6++] = (uint8_t)i;
		}
	}
	return denied(f, f->ip4, at4, index4, count4) | denied(f, f->ip6, at6, index6, count6);
}
