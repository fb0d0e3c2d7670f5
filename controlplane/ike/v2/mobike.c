// SPDX-License-Identifier: Apache-2.0

// See mobike.h. The request is authentic and new and came from where the peer says that it is; but
// who is on the way could have written another source on it, and a peer could name a victim. So a
// new address has to prove itself first: we ask there with a COOKIE2 that only who gets it can give
// back (section 3.7). Until then messages of IKE go there, which are few and small, for the peer
// may hear no others; ESP stays where it was, and nothing is renewed. Who does not answer there is
// looked for at the old address again.
//
// A new port of the same address is believed at once: it is the same host, or the same NAT.

#include "mobike.h"

#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "exchange.h"
#include "init.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { COOKIE = 16 }; // bytes of ours; section 4.2.5 wants 8 to 64

// A new address that is being asked.
struct v2_check {
	struct mobike_move move;
	struct flow proven; // where the peer was before
	uint8_t cookie[COOKIE];
};

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

// ---- moving

void mobike_forget(struct ike_sa *sa)
{
	if (sa->v2.check)
		OPENSSL_cleanse(sa->v2.check, sizeof(*sa->v2.check));
	free(sa->v2.check);
	sa->v2.check = NULL;
}

const struct flow *mobike_proven(const struct ike_sa *sa)
{
	return sa->v2.check ? &sa->v2.check->proven : &sa->flow;
}

static void move_all(struct ike_sa *sa, const struct mobike_move *move)
{
	bool nat = move->nat_peer || move->nat_us;
	struct esp_pair *pair;

	sa->nat_peer = move->nat_peer;
	sa->nat_us = move->nat_us;
	sa->peer->nat = move->nat_peer;
	sa_follow(sa, &move->flow);
	LIST_FOREACH(pair, &sa->peer->pairs, of_peer)
	if (pair->posted)
		pair_move(pair, &move->flow,
			nat && move->flow.local_port == PORT_NAT_T ? ESP_UDP : ESP_PLAIN);
}

bool mobike_give_up(struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);
	struct flow back;

	if (!sa->v2.check)
		return false;
	back = sa->v2.check->proven;
	mobike_forget(sa);
	log_event(LOG_PEER_UNPROVEN, &subject, "");
	sa_follow(sa, &back);
	return true;
}

// The answer to an earlier question may come late: it has another cookie.
static void answered(struct ike_sa *sa, void *context, const struct v2_chain *chain)
{
	const struct v2_check *c = sa->v2.check;
	struct mobike_move move;
	struct v2_notify n;

	(void)context;
	if (!chain || !c || !v2_chain_notify(chain, V2_COOKIE2, &n) || n.data.length != COOKIE ||
		CRYPTO_memcmp(n.data.at, c->cookie, COOKIE))
		return;
	move = c->move;
	mobike_forget(sa);
	move_all(sa, &move);
}

static int ask(struct ike_sa *sa)
{
	struct v2_check *c = sa->v2.check;
	struct exchange_ask a;

	if (RAND_bytes(c->cookie, COOKIE) != 1)
		return -1;
	exchange_ask_begin(&a);
	v2_put_status(&a.out, V2_COOKIE2, SPAN(c->cookie, COOKIE));
	return exchange_ask_end(sa, &a, V2_INFORMATIONAL, answered, NULL);
}

void mobike_move(struct ike_sa *sa, const struct mobike_move *move)
{
	struct flow proven = *mobike_proven(sa);

	if (address_equal(&proven.remote, &move->flow.remote)) {
		mobike_forget(sa);
		move_all(sa, move);
		return;
	}
	if (!sa->v2.check)
		sa->v2.check = calloc(1, sizeof(*sa->v2.check));
	if (!sa->v2.check)
		return;
	sa->v2.check->move = *move;
	sa->v2.check->proven = proven;
	sa_follow(sa, &move->flow);
	if (ask(sa))
		(void)mobike_give_up(sa);
}

void mobike_hand_over(struct ike_sa *from, struct ike_sa *to)
{
	if (!from->v2.check || to->v2.check)
		return;
	to->v2.check = from->v2.check;
	from->v2.check = NULL;
	if (ask(to))
		(void)mobike_give_up(to);
}
