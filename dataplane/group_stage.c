// SPDX-License-Identifier: Apache-2.0

// See group_stage.h. Filters are asked for all packets of a burst that they hold for at once, since
// librte_acl walks several packets in the time of one. A packet that the filter denies takes
// nothing from its session's bucket. What the gateway itself says to a subscriber (ICMP) is neither
// filtered nor policed; what the control plane says does not come here.

#include "dataplane/group_stage.h"

#include "dataplane/filter.h"
#include "dataplane/session.h"
#include "dataplane/shaper.h"
#include "dataplane/stage.h"

#include <rte_common.h>

struct direction {
	bool up;
	enum drop filtered;
	enum drop policed;
};

static const struct direction uplink_way = {
	.up = true, .filtered = DROP_FILTER_UPLINK, .policed = DROP_POLICED_UPLINK};
static const struct direction downlink_way = {
	.filtered = DROP_FILTER_DOWNLINK, .policed = DROP_POLICED_DOWNLINK};

static uint16_t group_number(const struct worker *w, const struct rte_mbuf *m, bool up)
{
	const struct session *s = &w->tables->session[meta_of((struct rte_mbuf *)m)->session];

	return __atomic_load_n(up ? &s->uplink.group : &s->downlink.group, __ATOMIC_RELAXED);
}

static const struct filter *filter_of(const struct worker *w, struct rte_mbuf *m, bool up)
{
	struct group g = group_of(group_word(w->tables, group_number(w, m, up)));
	uint16_t filter = up ? g.filter_uplink : g.filter_downlink;

	if (filter == 0 || meta_of(m)->flags & META_OWN)
		return NULL;
	return __atomic_load_n(&w->tables->groups->filter[filter], __ATOMIC_ACQUIRE);
}

// Asks the filter for the packets of mask that are its own; those are taken out of mask. Returns
// the denied ones. What cannot be read as IP is denied.
static uint32_t ask(const struct filter *f, const struct filter *const *filters,
	struct rte_mbuf **m, uint32_t *mask)
{
	struct flow flow[BURST];
	const struct flow *flows[BURST];
	uint8_t index[BURST];
	uint16_t count = 0;
	uint32_t denied = 0, answer;

	for (uint32_t left = *mask; left; left &= left - 1) {
		uint8_t i = (uint8_t)__builtin_ctz(left);

		if (filters[i] != f)
			continue;
		*mask &= ~(1U << i);
		if (!flow_read(rte_pktmbuf_mtod(m[i], const uint8_t *), m[i]->data_len,
			    &flow[count])) {
			denied |= 1U << i;
			continue;
		}
		flows[count] = &flow[count];
		index[count++] = i;
	}
	for (answer = filter_denied(f, flows, count); answer; answer &= answer - 1)
		denied |= 1U << index[__builtin_ctz(answer)];
	return denied;
}

static uint32_t ask_all(const struct worker *w, struct rte_mbuf **m, uint32_t special, bool up)
{
	const struct filter *filters[BURST];
	uint32_t mask = 0, denied = 0;

	for (uint32_t left = special; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left);

		filters[i] = filter_of(w, m[i], up);
		mask |= (uint32_t)(filters[i] != NULL) << i;
	}
	while (mask)
		denied |= ask(filters[__builtin_ctz(mask)], filters, m, &mask);
	return denied;
}

static bool police(const struct worker *w, struct rte_mbuf *m, bool up)
{
	struct session *s = &w->tables->session[meta_of(m)->session];
	struct gcra *p = up ? &s->uplink.policer : &s->downlink.policer;

	if (!policer_active(p) || meta_of(m)->flags & META_OWN)
		return true;
	return policer_pass(p, w->now, m->pkt_len);
}

void group_count(struct worker *w, const struct rte_mbuf *m, bool up)
{
	struct stats_session *s = &w->session_stats[meta_of((struct rte_mbuf *)m)->session];
	struct stats_direction *d = up ? &s->uplink : &s->downlink;
	uint16_t number = group_number(w, m, up);
	struct stats_group_direction *g =
		up ? &w->group_stats[number].uplink : &w->group_stats[number].downlink;

	session_count(d, m, w->now);
	if (!group_of(group_word(w->tables, number)).set)
		return;
	g->packets++;
	g->bytes += m->pkt_len;
}

static void refuse(struct worker *w, struct rte_mbuf *m, bool denied, const struct direction *way)
{
	struct stats_session *s = &w->session_stats[meta_of(m)->session];
	uint16_t number = group_number(w, m, way->up);
	bool set = group_of(group_word(w->tables, number)).set;
	struct stats_group_direction *g =
		way->up ? &w->group_stats[number].uplink : &w->group_stats[number].downlink;

	if (way->up)
		s->uplink.drops++;
	else
		s->downlink.drops++;
	g->filtered += set && denied;
	g->policed += set && !denied;
	packet_drop(w, m, denied ? way->filtered : way->policed);
}

// A packet of a session with something special: counted, if it goes on now.
static bool settle(struct worker *w, struct rte_mbuf *m, bool denied, const struct direction *way)
{
	if (denied || !police(w, m, way->up)) {
		refuse(w, m, denied, way);
		return false;
	}
	if (!way->up && shaper_concerns(&w->tables->session[meta_of(m)->session].downlink) &&
		!shaper_pass(w, m))
		return false;
	group_count(w, m, way->up);
	if (way->up &&
		group_of(group_word(w->tables, group_number(w, m, true))).flags & GROUP_ISOLATED)
		meta_of(m)->flags |= META_ISOLATED;
	return true;
}

static uint16_t apply(struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t special,
	const struct direction *way)
{
	uint32_t denied = ask_all(w, m, special, way->up);
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++)
		if (!(special >> i & 1) || settle(w, m[i], denied >> i & 1, way))
			m[out++] = m[i];
	return out;
}

uint16_t group_uplink(struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t special)
{
	return apply(w, m, count, special, &uplink_way);
}

uint16_t group_downlink(struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t special)
{
	return apply(w, m, count, special, &downlink_way);
}

uint16_t group_isolate(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct group to = group_of(group_word(w->tables, group_number(w, m[i], false)));

		if (to.flags & GROUP_ISOLATED || meta_of(m[i])->flags & META_ISOLATED)
			packet_drop(w, m[i], DROP_SUBSCRIBER_ISOLATED);
		else
			m[out++] = m[i];
	}
	return out;
}
