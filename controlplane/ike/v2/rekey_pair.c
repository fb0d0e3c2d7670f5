// SPDX-License-Identifier: Apache-2.0

// See rekey_pair.h. The way of an exchange:
//
//   request   REKEY_SA with our SPI of the pair, USE_TRANSPORT_MODE where it has that, SA with just
//             what the pair is made of, Ni [, KEi], TSi, TSr as the pair has them
//   answer    is checked to be that; the pair is installed, and outbound moves to it at once: a
//             responder has it in place before it answers. The old one is deleted by us after a
//             while (rekey.h)
//
// PFS is as in the exchange before. The first pair is made without (section 1.2), and whether its
// peer wants PFS is not known then: when it finds no proposal good, the next try has the group of
// the IKE SA.
//
// When both sides renew the same pair at once, both exchanges go through. The pair that is
// redundant is deleted by the one who began its exchange, and the old one by the other.

#include "rekey_pair.h"

#include "controlplane/ike/dh.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/rekey.h"
#include "exchange.h"
#include "mobike.h"
#include "renewal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

struct terms {
	unsigned group;
	size_t peer_count, us_count;
	struct v2_selector list[]; // the peer's, then ours
};

void *rekey_pair_terms(unsigned group, const struct v2_selector *peer, size_t peer_count,
	const struct v2_selector *us, size_t us_count)
{
	struct terms *t = malloc(sizeof(*t) + (peer_count + us_count) * sizeof(*peer));

	if (!t)
		return NULL;
	*t = (struct terms){.group = group, .peer_count = peer_count, .us_count = us_count};
	memcpy(t->list, peer, peer_count * sizeof(*peer));
	memcpy(t->list + peer_count, us, us_count * sizeof(*us));
	return t;
}

static void fail(struct v2_renewal *n, const char *reason)
{
	struct ike *ike = n->sa->ike;
	uint32_t old = n->old;

	renewal_free(n);
	rekey_pair_failed(ike, old, reason);
}

// ---- request

static void spi_bytes(uint32_t spi, uint8_t out[4])
{
	struct build b = build_in(out, 4);

	build_u32(&b, spi);
}

static bool put_request(struct v2_renewal *n, struct isakmp_out *o)
{
	const struct esp_pair *old = pair_find(n->sa->ike, n->old);
	const struct terms *t;
	uint8_t spi[4];

	if (!old) {
		fail(n, "the pair is gone");
		return false;
	}
	t = old->terms;
	spi_bytes(old->id, spi);
	v2_put_notify(o, V2_PROTO_ESP, SPAN(spi, 4), V2_REKEY_SA, SPAN(NULL, 0));
	if (old->mode == ESP_TRANSPORT)
		v2_put_status(o, V2_USE_TRANSPORT_MODE, SPAN(NULL, 0));
	spi_bytes(n->pair->id, spi);
	v2_offer_esp(o, &n->pair->form, n->group, SPAN(spi, 4));
	isakmp_out_payload(o, V2_NONCE, n->nonce_i, NONCE_OURS);
	if (n->group)
		v2_put_ke(o, (uint16_t)n->group, SPAN(n->public_i, ike_group_size(n->group)));
	v2_put_selectors(o, V2_TS_I, t->list + t->peer_count, t->us_count);
	v2_put_selectors(o, V2_TS_R, t->list, t->peer_count);
	return true;
}

static void answered(struct ike_sa *sa, void *context, const struct v2_chain *chain);

static const struct v2_renewal_kind of_pairs = {put_request, answered, fail};

int v2_rekey_pair(struct esp_pair *old)
{
	struct ike_sa *sa = peer_sa(old->peer);
	const struct terms *t = old->terms;
	struct esp_form form = old->form;
	struct v2_renewal *n;

	if (sa->v2.closing || sa->v2.check || sa->v2.renewal_sa || sa->v2.renewal_pair)
		return -EAGAIN;
	if (!t || !(n = renewal_create(sa, &of_pairs, old->id, t->group)))
		return -ENOMEM;
	if (t->group == 0 && old->rekey.tries % 2)
		n->group = sa->v2.suite.group;
	form.spi_out = 0;
	n->pair = pair_create(sa, &form);
	if (!n->pair) {
		renewal_free(n);
		return -ENOSPC;
	}
	n->pair->inside = old->inside;
	n->pair->mode = old->mode;
	n->pair->session = old->session;
	sa->v2.renewal_pair = n;
	renewal_prepare(n);
	return 0;
}

// ---- answer

static bool within(const struct v2_selector *s, const struct v2_selector *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct v2_selector *l = &list[i];

		if (s->first.version == l->first.version &&
			(l->protocol == 0 || s->protocol == l->protocol) &&
			memcmp(s->first.bytes, l->first.bytes, 16) >= 0 &&
			memcmp(s->last.bytes, l->last.bytes, 16) <= 0 &&
			s->port_first >= l->port_first && s->port_last <= l->port_last)
			return true;
	}
	return false;
}

static bool selectors_fit(
	const struct v2_chain *chain, uint8_t type, const struct v2_selector *list, size_t count)
{
	const struct v2_part *part = v2_chain_find(chain, type, 0);
	struct v2_selectors got;

	if (!part || v2_selectors_parse(part->body, &got))
		return false;
	for (size_t i = 0; i < got.count; i++)
		if (!within(&got.list[i], list, count))
			return false;
	return true;
}

// NULL, or what is wrong; then the peer has a pair that we do not want.
static const char *judge(
	struct v2_renewal *n, const struct v2_chain *chain, const struct esp_pair *old)
{
	const struct v2_part *sa = v2_chain_find(chain, V2_SA, 0);
	const struct terms *t = old->terms;
	struct v2_notify notify;
	struct v2_sa answer;
	struct view v;
	struct span spi;

	if (!sa || v2_sa_parse(sa->body, &answer) ||
		v2_answer_esp(&answer, &n->pair->form, n->group, &spi))
		return "the peer has chosen what was not offered";
	if ((old->mode == ESP_TRANSPORT) != v2_chain_notify(chain, V2_USE_TRANSPORT_MODE, &notify))
		return "the peer has changed the mode";
	if (!selectors_fit(chain, V2_TS_I, t->list + t->peer_count, t->us_count) ||
		!selectors_fit(chain, V2_TS_R, t->list, t->peer_count))
		return "the peer has changed the traffic selectors";
	v = view_of(spi.at, spi.length);
	n->pair->form.spi_out = view_u32(&v);
	return NULL;
}

// What the peer has made for us is of no use: it is told, and the exchange has failed.
static void unwanted(struct v2_renewal *n, const char *reason)
{
	struct ike_sa *sa = n->sa;
	struct exchange_ask a;
	uint8_t spi[4];

	spi_bytes(n->pair->id, spi);
	exchange_ask_begin(&a);
	v2_put_delete(&a.out, V2_PROTO_ESP, 4, 1, spi);
	(void)exchange_ask_end(sa, &a, V2_INFORMATIONAL, NULL, NULL);
	fail(n, reason);
}

// The exchange is over when this begins. The SA and its peer may be gone afterwards.
static void take_over(
	struct ike *ike, struct esp_pair *pair, uint32_t old, uint32_t theirs, bool redundant)
{
	uint64_t lifetime_ms = (uint64_t)ike->config->ike.esp_lifetime_s * 1000;
	struct esp_pair *met = theirs ? pair_find(ike, theirs) : NULL;
	uint32_t id = pair->id;

	if (redundant) {
		rekey_pair_retire(pair);
		return;
	}
	pair->replaces = old;
	// The peer deletes its own: it may not come into use after ours.
	if (met && met->awaited)
		pair_confirm(met, met->lifetime_ms);
	pair = pair_find(ike, id);
	if (pair)
		pair_confirm(pair, lifetime_ms);
}

static void installed(void *context, int error)
{
	struct v2_renewal *n = context;
	const struct esp_pair *old = pair_find(n->sa->ike, n->old);
	struct esp_pair *pair = n->pair;
	bool redundant = renewal_is_redundant(n);
	struct ike *ike = n->sa->ike;
	uint32_t old_id = n->old, theirs = n->met ? n->their_pair : 0;
	const struct terms *t = old ? old->terms : NULL;

	if (error) {
		pair->posted = false;
		unwanted(n, "the dataplane refused the pair");
		return;
	}
	if (t)
		pair->terms = rekey_pair_terms(
			n->group, t->list, t->peer_count, t->list + t->peer_count, t->us_count);
	n->pair = NULL;
	renewal_free(n);
	take_over(ike, pair, old_id, theirs, redundant);
}

// We have begun the exchange, so what leaves is its initiator's.
static int install(struct v2_renewal *n, struct span secret)
{
	const struct ike_sa *sa = n->sa;
	const struct v2_keymat_input input = {.hash = sa->hash,
		.d = sa->v2.keys.d,
		.secret = secret,
		.nonce_i = SPAN(n->nonce_i, NONCE_OURS),
		.nonce_r = SPAN(n->nonce_r, n->nonce_r_length)};
	uint8_t in[PAIR_KEY_MAX], out[PAIR_KEY_MAX];
	int error = v2_keymat(&input, out, in, pair_key_size(&n->pair->form));

	if (!error)
		error = pair_install(n->pair, mobike_proven(sa), in, out, installed, n);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(out, sizeof(out));
	return error;
}

static void dh_finished(void *owner, const struct dh_job *job)
{
	struct v2_renewal *n = owner;

	if (job->error)
		unwanted(n, "public value that is refused");
	else if (install(n, SPAN(job->secret, ike_group_secret_size(job->group))))
		unwanted(n, "the pair could not be installed");
}

static void go_on(struct v2_renewal *n, const struct v2_chain *chain, const struct esp_pair *old)
{
	struct span public_r = SPAN(NULL, 0);
	const char *reason = judge(n, chain, old);

	if (!reason)
		reason = renewal_answer(n, chain, &public_r);
	if (reason) {
		unwanted(n, reason);
	} else if (n->group) {
		if (dh_finish(&n->job, n->group, n->dh, public_r, dh_finished, n))
			unwanted(n, "Diffie-Hellman could not be done");
	} else if (install(n, SPAN(NULL, 0))) { // else it may be over already
		unwanted(n, "the pair could not be installed");
	}
}

// The peer does not know the pair: its Delete and our request have crossed, or it lost it.
static void not_found(struct v2_renewal *n)
{
	struct ike *ike = n->sa->ike;
	struct esp_pair *old = pair_find(ike, n->old);
	uint32_t peer = n->sa->peer->id;
	uint32_t id = n->old;

	renewal_free(n);
	if (!old)
		return;
	rekey_pair_failed(ike, id, "the peer does not know the pair");
	pair_remove(old, "deleted");
	peer_check(ike, peer);
}

static void answered(struct ike_sa *sa, void *context, const struct v2_chain *chain)
{
	struct v2_renewal *n = context;
	const struct esp_pair *old = pair_find(sa->ike, n->old);
	struct v2_notify error;

	n->asked = false;
	if (!chain)
		fail(n, "the IKE SA is gone");
	else if (!renewal_error(chain, &error) && old)
		go_on(n, chain, old);
	else if (!renewal_error(chain, &error))
		unwanted(n, "the pair is gone");
	else if (renewal_other_group(n, &error))
		renewal_prepare(n);
	else if (error.type == V2_CHILD_SA_NOT_FOUND)
		not_found(n);
	else
		fail(n, renewal_refusal(error.type));
}

void rekey_pair_met(
	struct ike_sa *sa, uint32_t old, uint32_t theirs, struct span nonce_i, struct span nonce_r)
{
	struct v2_renewal *n = sa->v2.renewal_pair;

	if (!n || n->old != old)
		return;
	renewal_meet(n, nonce_i, nonce_r);
	n->their_pair = theirs;
}
