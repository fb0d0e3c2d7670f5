// SPDX-License-Identifier: Apache-2.0

// See create.h. A request is one of three: a further pair (child.c makes it as in IKE_AUTH, with
// nonces of its own and perhaps Diffie-Hellman), the rekey of a pair, which is the same but for the
// pair that it names, or the rekey of the IKE SA, which is refused: the peer then begins anew.

#include "create.h"

#include "child.h"
#include "controlplane/ike/pair.h"
#include "exchange.h"

static bool rekeys_ike(const struct v2_request *r)
{
	const struct v2_part *part = v2_chain_find(&r->chain, V2_SA, 0);
	struct v2_sa offer;

	return part && v2_sa_parse(part->body, &offer) == 0 && offer.proposal_count > 0 &&
	       offer.proposals[0].protocol == V2_PROTO_IKE;
}

// Is the pair there that REKEY_SA names by the peer's inbound SPI?
static bool names_pair(const struct v2_request *r, const struct v2_notify *n)
{
	struct view v = view_of(n->spi.at, n->spi.length);
	uint32_t spi = view_u32(&v);
	const struct esp_pair *pair;

	if (n->protocol != V2_PROTO_ESP || n->spi.length != 4)
		return false;
	LIST_FOREACH(pair, &r->sa->peer->pairs, of_peer)
	if (pair->form.spi_out == spi && pair->confirmed)
		return true;
	return false;
}

static void pair_not_found(struct v2_request *r, const struct v2_notify *n)
{
	struct v2_sealed s;

	exchange_answer_begin(r, &s);
	v2_put_notify(&s.out, n->protocol, n->spi, V2_CHILD_SA_NOT_FOUND, SPAN(NULL, 0));
	(void)exchange_answer_end(r, &s);
}

void create_input(struct v2_request *r)
{
	struct v2_notify n;

	if (rekeys_ike(r)) {
		(void)exchange_answer_notify(r, V2_NO_ADDITIONAL_SAS, SPAN(NULL, 0));
		return;
	}
	r->child.rekey = v2_chain_notify(&r->chain, V2_REKEY_SA, &n);
	if (r->child.rekey && !names_pair(r, &n))
		pair_not_found(r, &n);
	else
		child_ask(r);
}

void create_answer(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	struct esp_pair *pair = r->child.pair;
	struct v2_sealed s;

	exchange_answer_begin(r, &s);
	child_write(r, &s.out);
	r->child.pair = NULL;
	child_confirm(sa, pair, exchange_answer_end(r, &s));
}
