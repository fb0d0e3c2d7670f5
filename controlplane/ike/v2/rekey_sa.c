// SPDX-License-Identifier: Apache-2.0

// See rekey_sa.h. The request has a proposal with the new SPI of its sender, a nonce and a
// Diffie-Hellman value, and so has the answer; the new keys come of SK_d of the old SA. The new SA
// has its message ids from 0 on, the pairs of the old, and whoever has begun the exchange is its
// initiator, and deletes the old. Requests of ours that wait go over with the pairs.
//
// When both begin at once, both exchanges go through. The SA that came of the one with the lowest
// of the four nonces is redundant: who began it deletes it, and the other deletes the old SA.

#include "rekey_sa.h"

#include "controlplane/ike/dh.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/rekey.h"
#include "controlplane/ike/trust.h"
#include "exchange.h"
#include "mobike.h"
#include "renewal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

static void log_up(const struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_UP, &subject, "s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:I", "version", 2,
		"identity", sa->identity_text, "auth", sa->auth, "encryption",
		ike_encryption_word(sa->encryption), "hash", ike_hash_word(sa->hash), "group",
		ike_group_word(sa->group), "rekey", 1, "by", sa->v2.initiator ? "us" : "peer",
		"lifetime_s", (long long)sa->lifetime_s);
}

// The peer's newest is what messages and pairs go under.
static void prefer(struct ike_sa *sa)
{
	LIST_REMOVE(sa, of_peer);
	LIST_INSERT_HEAD(&sa->peer->sas, sa, of_peer);
}

static void deleted(struct ike_sa *sa, void *context, const struct v2_chain *chain)
{
	(void)context;
	if (chain)
		v2_end(sa, "replaced");
}

// It owns nothing any more: the peer is told, and then it goes. Perhaps it goes at once.
static void close_sa(struct ike_sa *sa)
{
	struct exchange_ask a;

	sa->v2.rekeyed = true;
	exchange_ask_begin(&a);
	v2_put_delete(&a.out, V2_PROTO_IKE, 0, 0, NULL);
	if (exchange_ask_end(sa, &a, V2_INFORMATIONAL, deleted, NULL))
		v2_end(sa, "replaced");
	else
		sa->v2.closing = true;
}

// What is not under way yet.
static void move_requests(struct ike_sa *from, struct ike_sa *to)
{
	struct v2_ours *ours, *next;

	for (ours = TAILQ_FIRST(&from->v2.ours); ours; ours = next) {
		next = TAILQ_NEXT(ours, of_sa);
		if (ours == from->v2.under_way)
			continue;
		TAILQ_REMOVE(&from->v2.ours, ours, of_sa);
		TAILQ_INSERT_TAIL(&to->v2.ours, ours, of_sa);
	}
	exchange_go_on(to);
}

// It owns nothing any more, and is the peer's to delete; but it does not wait for ever.
static void leave(struct ike_sa *sa)
{
	sa->v2.rekeyed = true;
	rekey_sa_leave(sa);
}

// What the peer has proven itself with goes where the pairs go.
static void move_chain(struct ike_sa *from, struct ike_sa *to)
{
	if (!from->chain)
		return;
	trust_chain_free(to->chain);
	to->chain = from->chain;
	from->chain = NULL;
}

static void replace(struct ike_sa *old, struct ike_sa *successor)
{
	leave(old);
	move_chain(old, successor);
	prefer(successor);
	rekey_sa_begin(successor);
	move_requests(old, successor);
	mobike_hand_over(old, successor);
}

// nonce_i and public values are of the exchange's initiator.
static struct ike_sa *make(const struct ike_sa *old, const struct v2_suite *suite, bool initiator,
	const uint8_t *spi_i, const uint8_t *spi_r, struct span secret, struct span nonce_i,
	struct span nonce_r)
{
	const struct v2_keys_input in = {.suite = *suite,
		.secret = secret,
		.nonce_i = nonce_i,
		.nonce_r = nonce_r,
		.spi_i = spi_i,
		.spi_r = spi_r,
		.old_d = old->v2.keys.d,
		.old_hash = old->hash};
	struct ike_sa *sa = sa_renew(old, spi_i, spi_r);

	if (!sa)
		return NULL;
	TAILQ_INIT(&sa->v2.ours);
	sa->v2.suite = *suite;
	sa->encryption = suite->encryption;
	sa->hash = suite->hash;
	sa->group = suite->group;
	sa->v2.initiator = initiator;
	sa->v2.fragmentation = old->v2.fragmentation;
	sa->v2.mobike = old->v2.mobike;
	sa->v2.ppk = old->v2.ppk;
	sa->v2.has_access = old->v2.has_access;
	sa->v2.access = old->v2.access;
	memcpy(sa->v2.name, old->v2.name, sizeof(sa->v2.name));
	if (v2_keys_derive(&in, &sa->v2.keys) == 0)
		return sa;
	sa_free(sa);
	return NULL;
}

// ---- by the peer

static void put_answer(const struct v2_request *r, const struct ike_sa *sa, struct isakmp_out *o)
{
	v2_choice_put(o, &r->ike.echo, SPAN(sa->cookie_r, V2_SPI));
	isakmp_out_payload(o, V2_NONCE, r->child.nonce_r, NONCE_OURS);
	v2_put_ke(o, (uint16_t)sa->group, SPAN(r->child.public_r, ike_group_size(sa->group)));
}

static void tell_met(struct ike_sa *old, const struct v2_request *r, const struct ike_sa *sa)
{
	struct v2_renewal *n = old->v2.renewal_sa;

	if (!n)
		return;
	renewal_meet(n, r->child.nonce_i, SPAN(r->child.nonce_r, NONCE_OURS));
	memcpy(n->their_spi_i, sa->cookie_i, V2_SPI);
	memcpy(n->their_spi_r, sa->cookie_r, V2_SPI);
}

static void dh_done(void *owner, const struct dh_job *job)
{
	struct v2_request *r = owner;
	struct ike_sa *old = r->sa, *sa;
	uint8_t spi[V2_SPI];
	struct v2_sealed s;

	if (job->error) {
		(void)exchange_answer_notify(r, V2_INVALID_SYNTAX, SPAN(NULL, 0));
		return;
	}
	memcpy(r->child.public_r, job->public, ike_group_size(job->group));
	sa = sa_spi(old->ike, spi) ? NULL
				   : make(old, &r->ike.suite, false, r->ike.echo.spi.at, spi,
					     SPAN(job->secret, ike_group_secret_size(job->group)),
					     r->child.nonce_i, SPAN(r->child.nonce_r, NONCE_OURS));
	if (!sa) {
		(void)exchange_answer_notify(r, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
		return;
	}
	tell_met(old, r, sa);
	exchange_answer_begin(r, &s);
	put_answer(r, sa, &s.out);
	if (exchange_answer_end(r, &s)) {
		sa_free(sa);
		return;
	}
	log_up(sa);
	// When the two have met, the answer to ours decides.
	if (!old->v2.renewal_sa || !old->v2.renewal_sa->asked)
		replace(old, sa);
	else
		move_chain(old, sa); // the old one may go before that
}

static void refuse(struct v2_request *r, const struct v2_sa *offer)
{
	const struct config_ike *config = &r->sa->ike->config->ike;
	struct log_subject subject = sa_subject(r->sa);
	char offered[V2_PROPOSAL_TEXT], ours[V2_PROPOSAL_TEXT];

	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s", "reason",
		v2_ike_reason(config, offer), "offered", v2_offer_words(offer, offered), "ours",
		v2_ike_ours(config, ours));
	(void)exchange_answer_notify(r, V2_NO_PROPOSAL_CHOSEN, SPAN(NULL, 0));
}

void rekey_sa_input(struct v2_request *r)
{
	const struct v2_part *part = v2_chain_find(&r->chain, V2_SA, 0);
	const struct v2_part *nonce = v2_chain_find(&r->chain, V2_NONCE, 0);
	const struct v2_part *value = v2_chain_find(&r->chain, V2_KE, 0);
	struct v2_sa offer;
	struct v2_ke ke;

	if (r->sa->v2.renewal_pair) {
		(void)exchange_answer_notify(r, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
	} else if (!part || !nonce || !value || v2_sa_parse(part->body, &offer) ||
		   v2_nonce_parse(nonce->body, &r->child.nonce_i) ||
		   v2_ke_parse(value->body, &ke) || RAND_bytes(r->child.nonce_r, NONCE_OURS) != 1) {
		(void)exchange_answer_notify(r, V2_INVALID_SYNTAX, SPAN(NULL, 0));
	} else if (v2_choose_ike(&r->sa->ike->config->ike, &offer, true, &r->ike)) {
		refuse(r, &offer);
	} else if (ke.group != r->ike.suite.group) {
		uint8_t data[2] = {r->ike.suite.group >> 8, r->ike.suite.group & 0xff};

		(void)exchange_answer_notify(r, V2_INVALID_KE_PAYLOAD, SPAN(data, 2));
	} else if (dh_start(&r->dh, ke.group, ke.value, dh_done, r)) {
		(void)exchange_answer_notify(r, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
	}
}

bool rekey_sa_has_successor(const struct ike_sa *sa)
{
	const struct v2_renewal *n = sa->v2.renewal_sa;

	return sa->v2.rekeyed || (n && n->met && sa_find(sa->ike, n->their_spi_i, n->their_spi_r));
}

// ---- by us

// Theirs is what remains, if the two have met.
static struct ike_sa *their_sa(const struct v2_renewal *n)
{
	return n->met ? sa_find(n->sa->ike, n->their_spi_i, n->their_spi_r) : NULL;
}

static void fail(struct v2_renewal *n, const char *reason)
{
	struct ike_sa *sa = n->sa, *theirs = their_sa(n);

	renewal_free(n);
	if (theirs)
		replace(sa, theirs);
	else
		rekey_sa_failed(sa, reason);
}

static struct v2_suite suite_of(const struct v2_renewal *n)
{
	struct v2_suite suite = n->sa->v2.suite;

	suite.group = n->group;
	return suite;
}

static void dh_finished(void *owner, const struct dh_job *job)
{
	struct v2_renewal *n = owner;
	struct v2_suite suite = suite_of(n);
	struct ike_sa *old = n->sa, *theirs = their_sa(n), *sa;
	bool redundant = theirs && renewal_is_redundant(n);

	sa = job->error
		     ? NULL
		     : make(old, &suite, true, n->spi, n->spi_r,
			       SPAN(job->secret, ike_group_secret_size(job->group)),
			       SPAN(n->nonce_i, NONCE_OURS), SPAN(n->nonce_r, n->nonce_r_length));
	if (!sa) {
		fail(n, "public value that is refused, or no memory");
		return;
	}
	renewal_free(n);
	log_up(sa);
	if (theirs)
		move_chain(theirs, old);
	replace(old, redundant ? theirs : sa);
	if (redundant) {
		close_sa(sa);
		return;
	}
	if (theirs)
		leave(theirs);
	close_sa(old);
}

static void go_on(struct v2_renewal *n, const struct v2_chain *chain)
{
	const struct v2_part *part = v2_chain_find(chain, V2_SA, 0);
	struct span spi, public_r = SPAN(NULL, 0);
	struct v2_suite suite = suite_of(n);
	struct v2_sa answer;
	const char *reason;

	if (!part || v2_sa_parse(part->body, &answer) || v2_answer_ike(&answer, &suite, &spi)) {
		fail(n, "the peer has chosen what was not offered");
		return;
	}
	memcpy(n->spi_r, spi.at, V2_SPI);
	reason = renewal_answer(n, chain, &public_r);
	if (reason)
		fail(n, reason);
	else if (dh_finish(&n->job, n->group, n->dh, public_r, dh_finished, n))
		fail(n, "Diffie-Hellman could not be done");
}

// The old SA goes while its rekey is under way.
static void gone(struct v2_renewal *n)
{
	struct ike_sa *theirs = their_sa(n);

	renewal_free(n);
	if (!theirs || theirs->peer->closing)
		return;
	prefer(theirs);
	rekey_sa_begin(theirs);
}

static void answered(struct ike_sa *sa, void *context, const struct v2_chain *chain)
{
	struct v2_renewal *n = context;
	struct v2_notify error;

	(void)sa;
	if (!chain)
		gone(n);
	else if (!renewal_error(chain, &error))
		go_on(n, chain);
	else if (renewal_other_group(n, &error))
		renewal_prepare(n);
	else
		fail(n, renewal_refusal(error.type));
}

static bool put_request(struct v2_renewal *n, struct isakmp_out *o)
{
	struct v2_suite suite = suite_of(n);

	// The peer was faster than our arithmetic.
	if (n->sa->v2.rekeyed) {
		renewal_free(n);
		return false;
	}
	v2_offer_ike(o, &suite, SPAN(n->spi, V2_SPI));
	isakmp_out_payload(o, V2_NONCE, n->nonce_i, NONCE_OURS);
	v2_put_ke(o, (uint16_t)n->group, SPAN(n->public_i, ike_group_size(n->group)));
	return true;
}

static const struct v2_renewal_kind of_sas = {put_request, answered, fail};

int v2_rekey_sa(struct ike_sa *sa)
{
	struct v2_renewal *n;

	if (sa->v2.closing || sa->v2.check || sa->v2.rekeyed || sa->v2.renewal_sa ||
		sa->v2.renewal_pair)
		return -EAGAIN;
	n = renewal_create(sa, &of_sas, 0, sa->v2.suite.group);
	if (!n)
		return -ENOMEM;
	if (sa_spi(sa->ike, n->spi)) {
		renewal_free(n);
		return -EINVAL;
	}
	sa->v2.renewal_sa = n;
	renewal_prepare(n);
	return 0;
}
