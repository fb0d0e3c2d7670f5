// SPDX-License-Identifier: Apache-2.0

#include "dataplane/vlan.h"

#include "dataplane/ether.h"
#include "dataplane/port.h"

#include "contract/view.h"

#include <string.h>

enum {
	TAGS_MOST = LIMIT_VLANS + 1, // one more for a priority
	ID_MASK = 0xfff,
	NOBODY = LIMIT_PORTS,
};

// The ids of a frame and the bytes of its tags.
struct tags {
	uint16_t id[LIMIT_VLANS];
	uint16_t count;
	uint16_t bytes;
};

static bool is_tag(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ;
}

// False when there are too many, or the frame ends in them.
static bool read_tags(const struct rte_mbuf *m, struct tags *out)
{
	struct view v = view_of(rte_pktmbuf_mtod(m, const void *), m->data_len);

	*out = (struct tags){0};
	view_skip(&v, 2 * RTE_ETHER_ADDR_LEN);
	while (is_tag(view_u16(&v))) {
		uint16_t id = view_u16(&v) & ID_MASK;

		out->bytes += ETHER_TAG;
		if (out->bytes > TAGS_MOST * ETHER_TAG || (id && out->count == LIMIT_VLANS))
			return false;
		if (id)
			out->id[out->count++] = id;
	}
	return !v.failed;
}

static void take_off(struct rte_mbuf *m, uint16_t bytes)
{
	char *frame = rte_pktmbuf_mtod(m, char *);

	memmove(frame + bytes, frame, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(m, bytes);
}

bool vlan_strip_priority(struct rte_mbuf *m)
{
	struct tags t;

	if (!read_tags(m, &t) || t.count)
		return false;
	take_off(m, t.bytes);
	return true;
}

static uint16_t port_of(const struct worker *w, const struct port *p, const struct tags *t)
{
	for (uint16_t i = p->index; i < w->ports; i++) {
		const struct port *q = &w->port[i];

		if (q->primary == p->index && q->vlan_count == t->count &&
			memcmp(q->vlan, t->id, sizeof(t->id)) == 0)
			return i;
	}
	return NOBODY;
}

uint16_t vlan_sort(struct worker *w, const struct port *p, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *known[BURST];
	uint16_t first[LIMIT_PORTS + 1] = {0}, kept = 0;
	struct tags t;

	for (uint16_t i = 0; i < count; i++) {
		uint16_t port = read_tags(m[i], &t) ? port_of(w, p, &t) : NOBODY;

		if (port == NOBODY) {
			packet_drop(w, m[i], DROP_VLAN_UNKNOWN);
			continue;
		}
		if (t.bytes)
			take_off(m[i], t.bytes);
		meta_of(m[i])->port = (uint8_t)port;
		known[kept++] = m[i];
		first[port + 1]++;
		w->port_count[port].rx_packets++;
		w->port_count[port].rx_bytes += m[i]->pkt_len;
	}
	for (uint16_t i = 1; i <= LIMIT_PORTS; i++)
		first[i] += first[i - 1];
	for (uint16_t i = 0; i < kept; i++)
		m[first[meta_of(known[i])->port]++] = known[i];
	return kept;
}
