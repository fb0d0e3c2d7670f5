// SPDX-License-Identifier: Apache-2.0

// Packets that are too big for the session that they go to. The size that fits was computed when
// the session, its tunnel or its SA changed (session.c); here is one comparison per packet. Too
// big without DF: cut before encapsulation, so that the outer packets are never fragments. Too
// big with DF, or IPv6, which only its sender may cut: dropped, and the sender is told what fits
// (RFC 1191, RFC 8201).
//
// Every IPv6 link carries 1280 bytes (RFC 8200 section 5), and no host goes below that for long. A
// session with less (a small outer MTU, or ppp.mtu) is no link for IPv6: what is larger than it
// takes is dropped all the same, and 1280 is what its sender is told.

#include "dataplane/stage.h"

#include "dataplane/fragment.h"
#include "dataplane/session.h"

// How many packets are in out now.
static uint16_t packet_fit(struct worker *w, struct rte_mbuf *m, struct rte_mbuf **out,
	struct rte_mbuf **errors, uint16_t *error_count)
{
	uint32_t index = meta_of(m)->session;
	uint16_t fits = w->tables->session[index].downlink.mtu, n;

	if (m->pkt_len <= fits) {
		out[0] = m;
		return 1;
	}
	if (!fragment_may(m)) {
		w->session_stats[index].downlink.drops++;
		icmp_too_big(w, m, fits, errors, error_count);
		return 0;
	}
	n = m->nb_segs == 1 ? fragment_ip4(w, m, fits, out) : 0;
	if (n == 0) {
		w->session_stats[index].downlink.drops++;
		packet_drop(w, m, DROP_FRAGMENT_FAILED);
	}
	return n;
}

uint16_t mtu(struct worker *w, struct rte_mbuf **m, uint16_t count, struct fitting *out,
	struct rte_mbuf **errors, uint16_t *error_count)
{
	uint16_t i = 0, n = 0;

	while (i < count && n + FRAGMENTS_MAX <= MTU_ROOM)
		n += packet_fit(w, m[i++], out->m + n, errors, error_count);
	out->count = n;
	return i;
}
