// SPDX-License-Identifier: Apache-2.0

// See mobike.h. The request is authentic and new, and came from where the peer says that it is, so
// it is believed without asking back; a peer that lies about it loses its own traffic.

#include "mobike.h"

#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "init.h"

// NO_NATS_ALLOWED: the addresses and ports as the peer put them on the packet (section 3.9).
static bool nat_forbidden(const struct v2_request *r)
{
	size_t size = r->flow.remote.version == IP_V6 ? 16 : 4;
	uint8_t seen[36];
	struct build b = build_in(seen, sizeof(seen));
	struct v2_notify n;

	if (!v2_chain_notify(&r->chain, V2_NO_NATS_ALLOWED, &n))
		return false;
	build_bytes(&b, r->flow.remote.bytes, size);
	build_bytes(&b, r->flow.local.bytes, size);
	build_u16(&b, r->flow.remote_port);
	build_u16(&b, r->flow.local_port);
	return n.data.length != build_length(&b) || memcmp(n.data.at, seen, build_length(&b)) != 0;
}

static bool nat_of(const struct v2_request *r, bool *nat_peer, bool *nat_us)
{
	return init_nat_discover(
		&r->chain, r->sa->cookie_i, r->sa->cookie_r, &r->flow, nat_peer, nat_us);
}

bool mobike_input(const struct v2_request *r, struct mobike_move *out)
{
	struct v2_notify n;

	if (!r->sa->v2.mobike || !v2_chain_notify(&r->chain, V2_UPDATE_SA_ADDRESSES, &n) ||
		nat_forbidden(r))
		return false;
	out->flow = r->flow;
	if (!nat_of(r, &out->nat_peer, &out->nat_us)) {
		out->nat_peer = r->sa->nat_peer;
		out->nat_us = r->sa->nat_us;
	}
	return true;
}

void mobike_write(const struct v2_request *r, struct isakmp_out *out)
{
	const struct ike_sa *sa = r->sa;
	struct v2_notify n;
	bool peer, us;

	if (!sa->v2.mobike)
		return;
	if (nat_forbidden(r))
		v2_put_status(out, V2_UNEXPECTED_NAT_DETECTED, SPAN(NULL, 0));
	else if (nat_of(r, &peer, &us))
		init_nat_write(out, sa->cookie_i, sa->cookie_r, &r->flow);
	if (v2_chain_notify(&r->chain, V2_COOKIE2, &n) && n.data.length >= 8 &&
		n.data.length <= V2_COOKIE_MAX)
		v2_put_status(out, V2_COOKIE2, n.data);
}

void mobike_move(struct ike_sa *sa, const struct mobike_move *move)
{
	bool nat = move->nat_peer || move->nat_us;
	struct esp_pair *pair;

	sa->nat_peer = move->nat_peer;
	sa->nat_us = move->nat_us;
	sa->peer->nat = move->nat_peer;
	sa_follow(sa, &move->flow);
	LIST_FOREACH(pair, &sa->peer->pairs, of_peer)
	if (pair->confirmed)
		pair_move(pair, &move->flow,
			nat && move->flow.local_port == PORT_NAT_T ? ESP_UDP : ESP_PLAIN);
}
