// SPDX-License-Identifier: Apache-2.0

// See main_initiate.h. The way of an exchange, each message of ours sent again until it is
// answered:
//
//   first    HDR, SA, VIDs                  BEGUN_WAIT_SECOND: the peer must choose what we offer
//            (our Diffie-Hellman value)     BEGUN_COUNTS
//   third    HDR, KE, Ni, NAT-D, CERTREQ    BEGUN_WAIT_FOURTH
//            (the secret, our signature)    BEGUN_COUNTS
//   fifth    HDR*, IDii, HASH_I or SIG_I    BEGUN_WAIT_SIXTH: the peer must be who it was
//
// A message that is not what is waited for changes nothing: whoever sees our cookie could send it.
// The old SA stays in use until the new one is there, and for a while beside it, so that the peer
// can take its ESP SAs over.

#include "main_initiate.h"

#include "controlplane/ike/dh.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/rekey.h"
#include "offer.h"
#include "phase1.h"
#include "proof.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum {
	TRIES_MOST = 3, // exchanges that fail, before the peer is left alone
	SHIFT_MOST = 16,
};

enum begun_state {
	BEGUN_WAIT_SECOND,
	BEGUN_COUNTS, // the thread pool does
	BEGUN_WAIT_FOURTH,
	BEGUN_WAIT_SIXTH,
};

struct begun {
	struct ike_sa *sa;
	struct ike_peer *peer;
	enum begun_state state;
	uint8_t old_i[ISAKMP_COOKIE], old_r[ISAKMP_COOKIE]; // of the SA that is renewed
	uint64_t since;
	struct reply sent; // the newest of ours
	struct timer timer;
	unsigned tries;
	struct ike_dh *dh;
	uint16_t refusal; // enum isakmp_notify that came in clear, or 0
};

void main_initiate_free(struct ike_sa *sa)
{
	struct begun *b = sa->v1.begun;

	if (!b)
		return;
	timer_stop(sa->ike->timers, &b->timer);
	if (b->peer->renewal == sa)
		b->peer->renewal = NULL;
	reply_free(&b->sent);
	ike_dh_free(b->dh);
	free(b);
	sa->v1.begun = NULL;
}

static struct ike_sa *old_of(const struct begun *b)
{
	return sa_find(b->sa->ike, b->old_i, b->old_r);
}

void main_initiate_stuck(struct ike_sa *sa, const char *reason)
{
	struct ike_sa *old = old_of(sa->v1.begun);

	sa_free(sa);
	if (old)
		rekey_sa_failed(old, reason);
}

// It is heard, or has had its chances.
static bool is_left_alone(const struct begun *b, const struct ike_sa *old)
{
	return b->refusal || b->peer->alive > b->since || old->rekey.tries + 1 >= TRIES_MOST;
}

void main_initiate_failed(struct ike_sa *sa, const char *reason)
{
	struct ike_sa *old = old_of(sa->v1.begun);

	if (!old || !is_left_alone(sa->v1.begun, old)) {
		main_initiate_stuck(sa, reason);
		return;
	}
	sa_free(sa);
	rekey_sa_left(old, reason);
}

// ---- sending

static void again(void *context);

static void transmit(struct begun *b)
{
	const struct config_ike *config = &b->sa->ike->config->ike;
	unsigned shift = b->tries < SHIFT_MOST ? b->tries : SHIFT_MOST;

	b->tries++;
	sa_send(b->sa, &b->sa->flow, b->sent.bytes, b->sent.length);
	(void)timer_start(
		b->sa->ike->timers, &b->timer, (uint64_t)config->retransmit_ms << shift, again, b);
}

static void again(void *context)
{
	struct begun *b = context;
	struct log_subject subject = sa_subject(b->sa);
	const struct ike_sa *old = old_of(b);

	// The peer may have been faster, or have deleted it.
	if (!old || peer_sa(b->peer) != old) {
		sa_free(b->sa);
		return;
	}
	if (b->tries > b->sa->ike->config->ike.retransmit_tries) {
		main_initiate_failed(b->sa, b->refusal == NOTIFY_NO_PROPOSAL_CHOSEN
						    ? "the peer refuses: no proposal chosen"
					    : b->refusal ? "the peer refuses"
							 : "the peer does not answer");
		return;
	}
	b->sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "s:s", "message", "main-mode");
	transmit(b);
}

static int send_and_wait(
	struct begun *b, const uint8_t *message, size_t length, enum begun_state state)
{
	static const uint8_t none[SHA256_SIZE];

	if (length == 0 || reply_keep(&b->sent, none, message, length))
		return -ENOMEM;
	b->state = state;
	b->tries = 0;
	transmit(b);
	return 0;
}

static int send_first(struct begun *b, const struct ike_sa *old)
{
	const struct isakmp_proposal proposal = {.number = 1, .protocol = ISAKMP_PROTO_ISAKMP};
	const size_t from = ISAKMP_HEADER + ISAKMP_PAYLOAD;
	struct ike_sa *sa = b->sa;
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[LIMIT_IKE_MESSAGE], attributes[OFFER_ATTRIBUTES];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	struct isakmp_transform transform;

	if (offer_ike(sa->encryption, sa->hash, sa->group, sa->v1.auth, (uint32_t)sa->lifetime_s,
		    attributes, &transform))
		return -EINVAL;
	isakmp_out_sa(&out, &proposal, NULL, 0, &transform);
	sa->v1.phase1 = phase1_create(SPAN(buffer + from, build_length(&out.b) - from));
	if (!sa->v1.phase1)
		return -ENOMEM;
	sa->v1.phase1->auth = sa->v1.auth;
	vendor_ids_write(&sa->ike->config->ike, &old->v1.vendors, &out);
	return send_and_wait(b, buffer, isakmp_out_end(&out), BEGUN_WAIT_SECOND);
}

static struct begun *begun_create(struct ike_sa *old)
{
	struct ike_sa *sa = sa_begin(old);
	struct begun *b = sa ? calloc(1, sizeof(*b)) : NULL;

	if (!b) {
		if (sa)
			sa_free(sa);
		return NULL;
	}
	b->sa = sa;
	b->peer = old->peer;
	b->since = timers_now(sa->ike->timers);
	memcpy(b->old_i, old->cookie_i, ISAKMP_COOKIE);
	memcpy(b->old_r, old->cookie_r, ISAKMP_COOKIE);
	sa->v1.begun = b;
	sa->v1.initiator = true;
	sa->v1.auth = old->v1.auth;
	sa->v1.id_type = old->v1.id_type;
	sa->v1.old = old->v1.old;
	sa->v1.peer_lifetime_s = old->v1.peer_lifetime_s;
	sa->v1.vendors = old->v1.vendors;
	old->peer->renewal = sa;
	return b;
}

static bool can_prove(const struct ike_sa *old)
{
	if (old->v1.auth == IKE_AUTH_PSK)
		return old->psk != 0;
	return proof_auths(old->ike) & 1u << old->v1.auth;
}

int main_initiate(struct ike_sa *old)
{
	struct begun *b;
	int error;

	if (old->peer->renewal || !can_prove(old))
		return -EBUSY;
	b = begun_create(old);
	if (!b)
		return -ENOMEM;
	error = send_first(b, old);
	if (error)
		sa_free(b->sa);
	return error;
}

// ---- the second message, and the third

static int send_third(struct begun *b)
{
	struct ike_sa *sa = b->sa;
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[LIMIT_IKE_MESSAGE];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);

	isakmp_out_payload(&out, ISAKMP_KE, sa->v1.phase1->public_i, ike_group_size(sa->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, sa->v1.phase1->nonce_i, NONCE_OURS);
	phase1_nat_write(sa, &out);
	if (sa->v1.auth != IKE_AUTH_PSK)
		proof_requests_write(sa, &out);
	return send_and_wait(b, buffer, isakmp_out_end(&out), BEGUN_WAIT_FOURTH);
}

static void value_made(void *owner, const struct dh_job *job)
{
	struct begun *b = owner;

	if (job->error || phase1_ke_make(b->sa, job->public)) {
		main_initiate_stuck(b->sa, "no Diffie-Hellman value could be made");
		return;
	}
	b->dh = ike_dh_hold(job->own);
	if (send_third(b))
		main_initiate_stuck(b->sa, "no third message of main mode could be built");
}

// The one transform that we offered, as it was.
static bool is_our_offer(
	const struct ike_sa *sa, const struct isakmp_chain *chain, struct ike_choice *choice)
{
	const struct isakmp_part *part = isakmp_chain_find(chain, ISAKMP_SA, 0);
	struct isakmp_sa answer;

	return part && !isakmp_sa_parse(part->body, &answer) && answer.transform_count == 1 &&
	       !proposal_choose_ike_by(&sa->ike->config->ike, &answer, 1u << sa->v1.auth, choice) &&
	       choice->encryption == sa->encryption && choice->hash == sa->hash &&
	       choice->group == sa->group;
}

// Of several ways of NAT traversal that it may name, it is the one that we named.
static void vendor_ids_take(struct ike_sa *sa, const struct isakmp_chain *chain)
{
	struct vendor_ids ids = {0};

	vendor_ids_read(&sa->ike->config->ike, chain, &ids);
	if (ids.natt != NATT_NONE)
		ids.natt = sa->v1.vendors.natt;
	sa->v1.vendors = ids;
}

static void second(struct begun *b, const struct flow *flow, const struct isakmp_header *h,
	const struct isakmp_chain *chain)
{
	struct ike_sa *sa = b->sa;
	struct ike_choice choice;

	if (!is_our_offer(sa, chain, &choice)) {
		ike_invalid(sa->ike, flow, "second message of main mode has not what was offered");
		return;
	}
	memcpy(sa->cookie_r, h->responder, ISAKMP_COOKIE);
	if (choice.lifetime_s && choice.lifetime_s < sa->lifetime_s)
		sa->lifetime_s = choice.lifetime_s;
	vendor_ids_take(sa, chain);
	timer_stop(sa->ike->timers, &b->timer);
	b->state = BEGUN_COUNTS;
	// It may be done, and the SA be gone, before this returns 0.
	if (dh_begin(&sa->job, sa->group, value_made, b))
		main_initiate_stuck(sa, "too much to do");
}

// ---- the fourth message, and the fifth

static int send_fifth(struct begun *b)
{
	struct ike_sa *sa = b->sa;
	uint8_t hash[IKE_HASH_MAX];
	struct sealed s;
	struct span id;

	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	phase1_id_write(sa, &s.out, &id);
	if (phase1_hash(sa, &sa->v1.keys, true, id, hash))
		return -EINVAL;
	isakmp_out_payload(&s.out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	return send_and_wait(
		b, s.buffer, sealed_end(&s, sa, sa->v1.keys.iv, SPAN(NULL, 0)), BEGUN_WAIT_SIXTH);
}

void main_initiate_signed(struct ike_sa *sa, struct span signature)
{
	struct sealed s;

	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	proof_write(sa, &s.out, signature);
	if (send_and_wait(sa->v1.begun, s.buffer, sealed_end(&s, sa, sa->v1.keys.iv, SPAN(NULL, 0)),
		    BEGUN_WAIT_SIXTH))
		main_initiate_stuck(sa, "no fifth message of main mode could be built");
}

static void secret_made(void *owner, const struct dh_job *job)
{
	struct begun *b = owner;
	struct ike_sa *sa = b->sa;
	bool psk = sa->v1.auth == IKE_AUTH_PSK;
	struct span key = psk ? psks_secret(sa->ike->psks, sa->psk - 1) : SPAN(NULL, 0);

	sa->state = IKE_WAIT_AUTH;
	if (job->error)
		main_initiate_failed(sa, "public value that is refused");
	else if (phase1_derive(sa, key, SPAN(job->secret, ike_group_secret_size(job->group)),
			 &sa->v1.keys) ||
		 (psk ? send_fifth(b) : proof_sign(sa)))
		main_initiate_stuck(sa, "no fifth message of main mode could be built");
}

// A NAT that was not there before: both go on at the other port (RFC 3947 section 4).
static void float_ports(struct ike_sa *sa)
{
	if ((sa->nat_peer || sa->nat_us) && sa->flow.local_port == PORT_IKE)
		sa->flow.local_port = sa->flow.remote_port = PORT_NAT_T;
}

static void fourth(struct begun *b, const struct flow *flow, const struct isakmp_chain *chain)
{
	struct ike_sa *sa = b->sa;

	if (isakmp_chain_find(chain, ISAKMP_SA, 0))
		return; // the second again
	if (!phase1_ke_take(sa, chain)) {
		ike_invalid(sa->ike, flow, "malformed fourth message of main mode");
		return;
	}
	phase1_vendor_ids_late(sa, chain);
	phase1_nat_discover(sa, flow, chain);
	float_ports(sa);
	timer_stop(sa->ike->timers, &b->timer);
	b->state = BEGUN_COUNTS;
	if ((sa->v1.auth != IKE_AUTH_PSK && proof_begin(sa, chain)) ||
		dh_finish(&sa->job, sa->group, b->dh, isakmp_chain_find(chain, ISAKMP_KE, 0)->body,
			secret_made, b))
		main_initiate_stuck(sa, "too much to do");
}

// ---- the sixth message

static bool is_who_it_was(const struct ike_sa *sa, const struct isakmp_chain *sixth)
{
	uint8_t digest[SHA256_SIZE];
	struct identity who;

	phase1_identity(isakmp_chain_find(sixth, ISAKMP_ID, 0)->body, &who);
	identity_digest(&who, digest);
	return memcmp(digest, sa->identity, SHA256_SIZE) == 0;
}

void main_initiate_proven(struct ike_sa *sa, const struct isakmp_chain *sixth)
{
	struct begun *b = sa->v1.begun;
	struct ike_peer *peer = b->peer;
	uint8_t old_i[ISAKMP_COOKIE], old_r[ISAKMP_COOKIE];
	struct ike *ike = sa->ike;
	struct ike_sa *old;

	if (!is_who_it_was(sa, sixth)) {
		main_initiate_failed(sa, "the peer names another identity");
		return;
	}
	memcpy(old_i, b->old_i, ISAKMP_COOKIE);
	memcpy(old_r, b->old_r, ISAKMP_COOKIE);
	phase1_vendor_ids_late(sa, sixth);
	main_initiate_free(sa);
	peer_renew(peer, sa);
	phase1_up(sa);
	old = sa_find(ike, old_i, old_r);
	if (old)
		rekey_sa_leave(old);
}

static void sixth(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX];
	struct isakmp_chain chain;

	memcpy(iv, sa->v1.keys.iv, sizeof(iv));
	if (sealed_open(sa, iv, h, message, plain, &chain) ||
		!phase1_hash_fits(sa, &sa->v1.keys, &chain)) {
		ike_invalid(sa->ike, flow, "sixth message of main mode is not authentic");
	} else {
		memcpy(sa->v1.keys.iv, iv, sizeof(iv));
		main_initiate_proven(sa, &chain);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
}

// ---- input

static void clear_input(struct begun *b, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct isakmp_chain chain;

	if (isakmp_chain_parse(h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain))
		ike_invalid(b->sa->ike, flow, "malformed message of main mode");
	else if (b->state == BEGUN_WAIT_SECOND)
		second(b, flow, h, &chain);
	else
		fourth(b, flow, &chain);
}

void main_initiate_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct begun *b = sa->v1.begun;
	bool sealed = h->flags & ISAKMP_ENCRYPTED;

	if (!b || !flow_equal(flow, &sa->flow))
		return;
	if (!sealed && (b->state == BEGUN_WAIT_SECOND || b->state == BEGUN_WAIT_FOURTH))
		clear_input(b, flow, h, message);
	else if (sealed && b->state == BEGUN_WAIT_SIXTH && sa->v1.phase1->proof)
		proof_input(sa, flow, h, message);
	else if (sealed && b->state == BEGUN_WAIT_SIXTH)
		sixth(sa, flow, h, message);
}

void main_initiate_notified(
	struct ike_sa *sa, const struct isakmp_header *h, const uint8_t *message)
{
	const struct isakmp_part *part;
	struct isakmp_notify_body n;
	struct isakmp_chain chain;

	if (sa->v1.begun && !(h->flags & ISAKMP_ENCRYPTED) &&
		!isakmp_chain_parse(
			h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) &&
		(part = isakmp_chain_find(&chain, ISAKMP_NOTIFY, 0)) &&
		!isakmp_notify_parse(part->body, &n) && n.type < NOTIFY_ERRORS_END)
		sa->v1.begun->refusal = n.type;
}
