// SPDX-License-Identifier: Apache-2.0

// See create.h. A request is one of three: a further pair (child.c makes it as in IKE_AUTH, with
// nonces of its own and perhaps Diffie-Hellman), the rekey of a pair, which is the same but for the
// pair that it names, or the rekey of the IKE SA (rekey_sa.c).
//
// Where a request meets something of ours that is under way, section 2.25 says what to answer:
// TEMPORARY_FAILURE, unless both renew the same at once.

#include "create.h"

#include "child.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/recheck.h"
#include "exchange.h"
#include "rekey_pair.h"
#include "rekey_sa.h"

static bool rekeys_ike(const struct v2_request *r)
{
	const struct v2_part *part = v2_chain_find(&r->chain, V2_SA, 0);
	struct v2_sa offer;

	return part && v2_sa_parse(part->body, &offer) == 0 && offer.proposal_count > 0 &&
	       offer.proposals[0].protocol == V2_PROTO_IKE;
}

// The pair that REKEY_SA names by the peer's inbound SPI, or NULL.
static const struct esp_pair *named_pair(const struct v2_request *r, const struct v2_notify *n)
{
	struct view v = view_of(n->spi.at, n->spi.length);
	uint32_t spi = view_u32(&v);
	const struct esp_pair *pair;

	if (n->protocol != V2_PROTO_ESP || n->spi.length != 4)
		return NULL;
	LIST_FOREACH(pair, &r->sa->peer->pairs, of_peer)
	if (pair->form.spi_out == spi && (pair->confirmed || pair->awaited))
		return pair;
	return NULL;
}

static void pair_not_found(struct v2_request *r, const struct v2_notify *n)
{
	struct v2_sealed s;

	exchange_answer_begin(r, &s);
	v2_put_notify(&s.out, n->protocol, n->spi, V2_CHILD_SA_NOT_FOUND, SPAN(NULL, 0));
	(void)exchange_answer_end(r, &s);
}

static void busy(struct v2_request *r)
{
	(void)exchange_answer_notify(r, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
}

// The peer is still who it was.
static void trusted(struct ike_sa *sa, uint32_t message_id)
{
	struct v2_request *r = sa->v2.request;

	if (!r || r->exchange != V2_CREATE_CHILD_SA || r->message_id != message_id)
		return;
	if (rekeys_ike(r))
		rekey_sa_input(r);
	else
		child_ask(r);
}

// What it has proven itself with may have ended or been revoked since.
static void ask_again(struct v2_request *r)
{
	if (recheck(r->sa, trusted, r->message_id))
		busy(r);
}

void create_input(struct v2_request *r)
{
	const struct v2_state *v2 = &r->sa->v2;
	const struct esp_pair *old = NULL;
	struct v2_notify n;
	bool renews = v2_chain_notify(&r->chain, V2_REKEY_SA, &n);

	if (renews)
		old = named_pair(r, &n);
	if (v2->closing || v2->rekeyed || v2->check)
		busy(r);
	else if (rekeys_ike(r))
		ask_again(r);
	else if (renews && !old)
		pair_not_found(r, &n);
	else if (v2->renewal_sa || (old && old->rekey.state == REKEY_RETIRED))
		busy(r);
	else {
		r->child.renewed = old ? old->id : 0;
		ask_again(r);
	}
}

static void tell_met(const struct v2_request *r)
{
	const struct v2_child *c = &r->child;

	if (c->renewed && c->pair)
		rekey_pair_met(
			r->sa, c->renewed, c->pair->id, c->nonce_i, SPAN(c->nonce_r, NONCE_OURS));
}

void create_answer(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	struct esp_pair *pair = r->child.pair;
	struct v2_sealed s;

	tell_met(r);
	exchange_answer_begin(r, &s);
	child_write(r, &s.out);
	r->child.pair = NULL;
	child_confirm(sa, pair, exchange_answer_end(r, &s));
}
