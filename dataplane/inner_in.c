// SPDX-License-Identifier: Apache-2.0

// Inner IP packets that came in tunnel mode, of sessions without L2TP and PPP (RFC 4303 section
// 3.1.2). What l2tp_in and ppp_in find in headers the SA says here: it was made for one session,
// which may be gone by now, and another one may live on its index. So the session counts only when
// its tunnel is of the kind without L2TP and of the IKE peer that the SA is of. From here on such a
// packet is like any other.

#include "dataplane/stage.h"

#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/session_owner.h"
#include "dataplane/tunnel.h"

#include <rte_prefetch.h>

// The tunnel of the session, if it is the peer's own; otherwise NULL.
static struct tunnel *tunnel_of_peer(
	const struct tables *t, const struct session_uplink *s, uint32_t peer)
{
	struct tunnel *tunnel;

	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SESSION_LIVE)
		return NULL;
	tunnel = tunnel_find(t, s->tunnel);
	return tunnel && tunnel->kind == TUNNEL_ESP && tunnel->peer == peer ? tunnel : NULL;
}

static bool is_open(const struct session_uplink *s, const struct rte_mbuf *m)
{
	uint32_t open = packet_is_ip6(m) ? SESSION_IP6_OPEN : SESSION_IP4_OPEN;

	return __atomic_load_n(&s->flags, __ATOMIC_ACQUIRE) & open;
}

// True: it goes on; otherwise the packet is gone.
static bool packet_enter(struct worker *w, struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);
	struct session_uplink *s = &w->tables->session[meta->session].uplink;
	struct tunnel *tunnel = tunnel_of_peer(w->tables, s, meta->peer);

	if (unlikely(!tunnel)) {
		packet_drop(w, m, DROP_ESP_SESSION);
		return false;
	}
	if (meta->sa && meta->sa->hint_tunnel != s->tunnel) // ours, if it came without a detour
		meta->sa->hint_tunnel = s->tunnel;
	if (unlikely(!session_claim(w, m, s, HANDOVER_INNER_IN)))
		return false;
	if (unlikely(!is_open(s, m))) {
		w->session_stats[meta->session].uplink.drops++;
		packet_drop(w, m, DROP_PPP_CLOSED);
		return false;
	}
	meta->tunnel = tunnel;
	return true;
}

uint16_t inner_in(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	bool handed = false;
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(!packet_enter(w, m[i])))
			continue;
		handed |= meta_of(m[i])->stage == HANDOVER_INNER_IN;
		m[out++] = m[i];
	}
	if (unlikely(handed))
		session_claims_check(w, m, out);
	return out;
}
