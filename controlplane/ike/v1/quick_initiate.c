// SPDX-License-Identifier: Apache-2.0

// See quick_initiate.h. The way of an exchange:
//
//   OURS_WAIT_DH       our half of Diffie-Hellman, where the pair before had PFS
//   OURS_WAIT_SECOND   first message sent, again and again until the second comes: HDR*, HASH(2),
//                      SA, Nr [, KE] [, IDci, IDcr] [, NAT-OA...]; it must choose what we offered
//   OURS_WAIT_SECRET   the other half
//   OURS_WAIT_INSTALL  the dataplane gets the pair: what the peer sends on it decrypts
//   OURS_DONE          third message sent; sent again when the second comes again
//
// A responder may put its SAs in place only when the third message has come, so outbound stays on
// the pair before until something comes in on the new one, CONNECTED says so (commit bit,
// RFC 2408 section 3.1), or a time has passed: rekey_pair_await.
//
// When both sides begin at once, both exchanges go through: the pair that is confirmed last is the
// one that is used, and the peer may use the other.

#include "quick_initiate.h"

#include "controlplane/ike/dh.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/rekey.h"
#include "informational.h"
#include "offer.h"
#include "quick_mode.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
	DONE_MS = 30000, // in which the peer may miss the third message
	RETRANSMITS_SHIFT = 16,
	LIFE_TYPE = 1, // attributes of RESPONDER-LIFETIME (RFC 2407 section 4.5)
	LIFE_DURATION = 2,
	LIFE_SECONDS = 1,
	LIFE_KILOBYTES = 2,
};

struct terms {
	unsigned group;
	size_t peer_length, us_length;
	uint8_t ids[]; // the peer's, then ours
};

void *quick_terms(unsigned group, struct span id_peer, struct span id_us)
{
	struct terms *t = malloc(sizeof(*t) + id_peer.length + id_us.length);

	if (!t)
		return NULL;
	*t = (struct terms){
		.group = group, .peer_length = id_peer.length, .us_length = id_us.length};
	if (id_peer.length)
		memcpy(t->ids, id_peer.at, id_peer.length);
	if (id_us.length)
		memcpy(t->ids + id_peer.length, id_us.at, id_us.length);
	return t;
}

static struct span id_peer(const struct terms *t)
{
	return SPAN(t->ids, t->peer_length);
}

static struct span id_us(const struct terms *t)
{
	return SPAN(t->ids + t->peer_length, t->us_length);
}

static const struct terms *terms_of(const struct quick_ours *q)
{
	return q->terms;
}

void quick_ours_free(struct quick_ours *q, const char *reason)
{
	struct ike *ike = q->sa->ike;
	uint32_t old = q->old;

	timer_stop(ike->timers, &q->timer);
	dh_abandon(&q->job);
	install_forget(q);
	if (q->pair)
		pair_drop(q->pair, "abandoned");
	LIST_REMOVE(q, of_sa);
	quick_remember(q->sa, q->message_id);
	reply_free(&q->sent);
	ike_dh_free(q->dh);
	free(q->terms);
	OPENSSL_cleanse(q, sizeof(*q));
	free(q);
	rekey_pair_failed(ike, old, reason);
}

static struct quick_ours *ours_create(struct ike_sa *sa, const struct esp_pair *old)
{
	const struct terms *t = old->terms;
	struct esp_form form = old->form;
	struct quick_ours *q = calloc(1, sizeof(*q));

	form.spi_out = 0;
	if (!q)
		return NULL;
	q->sa = sa;
	q->old = old->id;
	q->terms = quick_terms(t->group, id_peer(t), id_us(t));
	q->pair = q->terms ? pair_create(sa, &form) : NULL;
	if (!q->pair || !sealed_message_id(&q->message_id) || sealed_iv(sa, q->message_id, q->iv) ||
		RAND_bytes(q->nonce_i, NONCE_OURS) != 1) {
		if (q->pair)
			pair_drop(q->pair, "abandoned");
		free(q->terms);
		free(q);
		return NULL;
	}
	q->pair->replaces = old->id;
	q->pair->inside = old->inside;
	q->pair->agreed = (struct pair_limit){.bytes = old->limit.bytes};
	LIST_INSERT_HEAD(&sa->v1.ours, q, of_sa);
	return q;
}

// ---- first message

static void add_nat_oa(
	const struct quick_ours *q, struct isakmp_out *out, const struct ip_address *address)
{
	isakmp_out_open(out, natt_payload_oa(q->sa->v1.vendors.natt));
	build_u32(&out->b, (uint32_t)isakmp_id_type(address) << 24);
	isakmp_put_address(&out->b, address);
	isakmp_out_close(out);
}

static void add_ids(const struct quick_ours *q, struct isakmp_out *out)
{
	struct span peer = id_peer(terms_of(q)), us = id_us(terms_of(q));

	if (us.length == 0 || peer.length == 0)
		return;
	isakmp_out_payload(out, ISAKMP_ID, us.at, us.length);
	isakmp_out_payload(out, ISAKMP_ID, peer.at, peer.length);
}

// RFC 3947 section 5.2: ours as we see it, then the peer's as we see it; the drafts: ours alone.
static void add_both_nat_oa(const struct quick_ours *q, struct isakmp_out *out)
{
	if (q->pair->form.encapsulation != ESP_UDP)
		return;
	add_nat_oa(q, out, &q->sa->flow.local);
	if (q->sa->v1.vendors.natt == NATT_RFC3947)
		add_nat_oa(q, out, &q->sa->flow.remote);
}

// The pair's limit before, which is the smaller of ours and the peer's.
static uint32_t lifetime_kb(const struct quick_ours *q)
{
	uint64_t kb = q->pair->agreed.bytes >> 10;

	return kb < UINT32_MAX ? (uint32_t)kb : UINT32_MAX;
}

static size_t build_first(struct quick_ours *q, struct sealed *s)
{
	const struct isakmp_proposal proposal = {.number = 1, .protocol = ISAKMP_PROTO_ESP};
	unsigned group = terms_of(q)->group;
	uint8_t attributes[OFFER_ATTRIBUTES], spi[4];
	struct build b = build_in(spi, sizeof(spi));
	struct isakmp_transform transform;

	if (offer_esp(&q->pair->form, group, (uint32_t)q->lifetime_s, lifetime_kb(q),
		    q->sa->v1.vendors.natt, attributes, &transform))
		return 0;
	build_u32(&b, q->pair->id);
	sealed_begin(s, q->sa, ISAKMP_QUICK, q->message_id, true);
	isakmp_out_sa(&s->out, &proposal, spi, sizeof(spi), &transform);
	isakmp_out_payload(&s->out, ISAKMP_NONCE, q->nonce_i, NONCE_OURS);
	if (group)
		isakmp_out_payload(&s->out, ISAKMP_KE, q->public_i, ike_group_size(group));
	add_ids(q, &s->out);
	add_both_nat_oa(q, &s->out);
	return sealed_end(s, q->sa, q->iv, SPAN(NULL, 0));
}

static void again(void *context);

static void transmit(struct quick_ours *q)
{
	const struct config_ike *config = &q->sa->ike->config->ike;
	unsigned shift = q->tries < RETRANSMITS_SHIFT ? q->tries : RETRANSMITS_SHIFT;

	q->tries++;
	sa_send(q->sa, &q->sa->flow, q->sent.bytes, q->sent.length);
	(void)timer_start(
		q->sa->ike->timers, &q->timer, (uint64_t)config->retransmit_ms << shift, again, q);
}

static void again(void *context)
{
	struct quick_ours *q = context;
	struct log_subject subject = sa_subject(q->sa);

	if (q->tries > q->sa->ike->config->ike.retransmit_tries || !pair_find(q->sa->ike, q->old)) {
		quick_ours_free(q, "the peer does not answer");
		return;
	}
	q->sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "s:s", "message", "quick-mode");
	transmit(q);
}

// false: the exchange is over.
static bool send_first(struct quick_ours *q)
{
	static const uint8_t none[SHA256_SIZE];
	struct sealed s;
	size_t length = build_first(q, &s);

	if (length == 0 || reply_keep(&q->sent, none, s.buffer, length)) {
		quick_ours_free(q, "no message of quick mode could be built");
		return false;
	}
	q->state = OURS_WAIT_SECOND;
	transmit(q);
	return true;
}

static void first_dh_done(void *owner, const struct dh_job *job)
{
	struct quick_ours *q = owner;

	if (job->error) {
		quick_ours_free(q, "no Diffie-Hellman value could be made");
		return;
	}
	q->dh = ike_dh_hold(job->own);
	memcpy(q->public_i, job->public, ike_group_size(job->group));
	(void)send_first(q);
}

int quick_initiate(struct esp_pair *old)
{
	struct ike_sa *sa = peer_sa(old->peer);
	const struct terms *t = old->terms;
	uint64_t ours_s = sa->ike->config->ike.esp_lifetime_s;
	struct quick_ours *q = t ? ours_create(sa, old) : NULL;

	if (!q)
		return -ENOMEM;
	q->lifetime_s = old->lifetime_ms / 1000 < ours_s ? old->lifetime_ms / 1000 : ours_s;
	if (t->group == 0) {
		(void)send_first(q);
		return 0;
	}
	q->state = OURS_WAIT_DH;
	if (dh_begin(&q->job, t->group, first_dh_done, q))
		quick_ours_free(q, "too much to do");
	return 0;
}

// ---- second message

static void refuse(struct quick_ours *q, const char *reason)
{
	informational_refuse(q->sa, &q->sa->flow, q->pair->id, NOTIFY_NO_PROPOSAL_CHOSEN);
	quick_ours_free(q, reason);
}

static bool same_form(const struct esp_form *a, const struct esp_form *b)
{
	return a->cipher == b->cipher && a->integrity == b->integrity &&
	       a->encapsulation == b->encapsulation && a->esn == b->esn;
}

// The IDs come back as they went, or not at all.
static bool same_ids(const struct quick_ours *q, const struct isakmp_chain *chain)
{
	const struct isakmp_part *i = isakmp_chain_find(chain, ISAKMP_ID, 0);
	const struct isakmp_part *r = isakmp_chain_find(chain, ISAKMP_ID, 1);
	struct span us = id_us(terms_of(q)), peer = id_peer(terms_of(q));

	if (!i && !r)
		return true;
	return i && r && i->body.length == us.length && r->body.length == peer.length &&
	       memcmp(i->body.at, us.at, us.length) == 0 &&
	       memcmp(r->body.at, peer.at, peer.length) == 0;
}

static void lifetime_apply(struct quick_ours *q, uint64_t unit, uint64_t value)
{
	struct pair_limit *agreed = &q->pair->agreed;

	if (value == 0)
		return;
	if (unit == LIFE_SECONDS && value < q->lifetime_s)
		q->lifetime_s = value;
	if (unit == LIFE_KILOBYTES && value < UINT64_MAX >> 10 &&
		(agreed->bytes == 0 || value << 10 < agreed->bytes))
		agreed->bytes = value << 10;
}

// RESPONDER-LIFETIME (RFC 2407 section 4.6.3.1).
static void lifetimes_read(struct quick_ours *q, const struct isakmp_chain *chain)
{
	const struct isakmp_part *part;
	struct isakmp_notify_body n;
	struct isakmp_attribute a;
	uint64_t unit = LIFE_SECONDS;

	for (size_t i = 0; (part = isakmp_chain_find(chain, ISAKMP_NOTIFY, i)); i++) {
		if (isakmp_notify_parse(part->body, &n) || n.type != NOTIFY_RESPONDER_LIFETIME)
			continue;
		while (isakmp_attribute_next(&n.data, &a)) {
			if (a.type == LIFE_TYPE)
				unit = a.value;
			else if (a.type == LIFE_DURATION)
				lifetime_apply(q, unit, a.value);
		}
	}
}

// What the responder has chosen must be what was offered; NULL, or what is wrong.
static const char *judge(struct quick_ours *q, const struct isakmp_chain *chain)
{
	const struct isakmp_part *sa = isakmp_chain_find(chain, ISAKMP_SA, 0);
	const struct isakmp_part *nonce = isakmp_chain_find(chain, ISAKMP_NONCE, 0);
	const struct isakmp_part *ke = isakmp_chain_find(chain, ISAKMP_KE, 0);
	bool udp = q->pair->form.encapsulation == ESP_UDP;
	struct esp_terms terms = {.plain = !udp, .udp = udp, .ke_length = ke ? ke->body.length : 0};
	struct esp_choice choice;
	struct isakmp_sa answer;

	if (!sa || isakmp_sa_parse(sa->body, &answer) || answer.transform_count != 1 || !nonce ||
		nonce->body.length < NONCE_MIN || nonce->body.length > NONCE_MAX)
		return "malformed second message of quick mode";
	if (proposal_choose_esp(&q->sa->ike->config->ike, &answer, &terms, &choice) ||
		!same_form(&choice.form, &q->pair->form) || choice.group != terms_of(q)->group)
		return "the peer has chosen what was not offered";
	if (!same_ids(q, chain))
		return "the peer has changed the IDs";
	memcpy(q->nonce_r, nonce->body.at, nonce->body.length);
	q->nonce_r_length = nonce->body.length;
	q->pair->form.spi_out = choice.form.spi_out;
	lifetime_apply(q, LIFE_SECONDS, choice.lifetime_s);
	lifetime_apply(q, LIFE_KILOBYTES, choice.lifetime_kb);
	lifetimes_read(q, chain);
	return NULL;
}

static int derive(const struct quick_ours *q, struct span secret, uint8_t in[PAIR_KEY_MAX],
	uint8_t out[PAIR_KEY_MAX])
{
	size_t n = pair_key_size(&q->pair->form);
	struct ike_keymat_input input = {.hash = q->sa->hash,
		.skeyid_d = q->sa->v1.keys.d,
		.secret = secret,
		.nonce_i = SPAN(q->nonce_i, NONCE_OURS),
		.nonce_r = SPAN(q->nonce_r, q->nonce_r_length),
		.protocol = ISAKMP_PROTO_ESP,
		.spi = q->pair->id};
	int error = ike_keymat(&input, in, n);

	input.spi = q->pair->form.spi_out;
	return error ? error : ike_keymat(&input, out, n);
}

static size_t build_third(struct quick_ours *q, struct sealed *s)
{
	uint8_t hash[IKE_HASH_MAX];

	if (sealed_third_hash(q->sa, q->message_id, SPAN(q->nonce_i, NONCE_OURS),
		    SPAN(q->nonce_r, q->nonce_r_length), hash))
		return 0;
	sealed_begin(s, q->sa, ISAKMP_QUICK, q->message_id, false);
	isakmp_out_payload(&s->out, ISAKMP_HASH, hash, ike_hash_size(q->sa->hash));
	return sealed_end(s, q->sa, q->iv, SPAN(NULL, 0));
}

static void forget(void *context)
{
	quick_ours_free(context, "the pair went before it was used");
}

static void installed(void *context, int error)
{
	struct quick_ours *q = context;
	struct esp_pair *pair = q->pair;
	struct sealed s;
	size_t length;

	if (error) {
		pair->posted = false;
		refuse(q, "the dataplane refused the pair");
		return;
	}
	length = build_third(q, &s);
	if (length == 0 || reply_keep(&q->sent, q->second, s.buffer, length)) {
		quick_ours_free(q, "no third message of quick mode could be built");
		return;
	}
	q->state = OURS_DONE;
	q->spi = pair->id;
	q->pair = NULL;
	pair->terms = q->terms;
	q->terms = NULL;
	(void)timer_start(q->sa->ike->timers, &q->timer, DONE_MS, forget, q);
	sa_send(q->sa, &q->sa->flow, q->sent.bytes, q->sent.length);
	rekey_pair_await(pair, q->lifetime_s * 1000);
}

// The exchange may be over when this returns.
static void install(struct quick_ours *q, struct span secret)
{
	uint8_t in[PAIR_KEY_MAX], out[PAIR_KEY_MAX];
	int error = derive(q, secret, in, out);

	q->state = OURS_WAIT_INSTALL;
	if (!error)
		error = pair_install(q->pair, &q->sa->flow, in, out, installed, q);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(out, sizeof(out));
	if (error)
		quick_ours_free(q, "the pair could not be installed");
}

static void second_dh_done(void *owner, const struct dh_job *job)
{
	struct quick_ours *q = owner;

	if (job->error)
		quick_ours_free(q, "public value that is refused");
	else
		install(q, SPAN(job->secret, ike_group_secret_size(job->group)));
}

static void go_on(struct quick_ours *q, const struct isakmp_chain *chain)
{
	unsigned group = terms_of(q)->group;

	if (group == 0) {
		install(q, SPAN(NULL, 0));
		return;
	}
	q->state = OURS_WAIT_SECRET;
	if (dh_finish(&q->job, group, q->dh, isakmp_chain_find(chain, ISAKMP_KE, 0)->body,
		    second_dh_done, q))
		quick_ours_free(q, "too much to do");
}

// It answers our nonce, so it is fresh: the peer is where it came from.
static void second(struct quick_ours *q, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX];
	struct isakmp_chain chain;
	struct ike_sa *sa = q->sa;
	const char *reason;

	memcpy(iv, q->iv, sizeof(iv));
	if (sealed_open(sa, iv, h, message, plain, &chain) ||
		!sealed_authentic(sa, q->message_id, SPAN(q->nonce_i, NONCE_OURS), &chain)) {
		ike_invalid(sa->ike, flow, "second message of quick mode is not authentic");
		return;
	}
	memcpy(q->iv, iv, sizeof(iv));
	timer_stop(sa->ike->timers, &q->timer);
	reply_digest(message, h->length, q->second);
	sa_follow(sa, flow);
	peer_heard(sa->peer, timers_now(sa->ike->timers));
	reason = judge(q, &chain);
	if (reason)
		refuse(q, reason);
	else
		go_on(q, &chain);
}

// ---- after the third message

static void connected(struct ike *ike, uint32_t spi)
{
	struct esp_pair *pair = pair_find(ike, spi);

	if (pair && pair->awaited)
		pair_confirm(pair, pair->lifetime_ms);
}

// The second message again: the third was lost. Or a fourth one, CONNECTED.
static void done_input(struct quick_ours *q, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX], nonces[NONCE_OURS + NONCE_MAX];
	struct esp_pair *pair = pair_find(q->sa->ike, q->spi);
	struct isakmp_chain chain;

	if (reply_fits(&q->sent, message, h->length)) {
		reply_again(q->sa, &q->sent, flow);
		if (pair && pair->awaited)
			rekey_pair_await(pair, pair->lifetime_ms);
		return;
	}
	memcpy(iv, q->iv, sizeof(iv));
	memcpy(nonces, q->nonce_i, NONCE_OURS);
	memcpy(nonces + NONCE_OURS, q->nonce_r, q->nonce_r_length);
	if (!sealed_open(q->sa, iv, h, message, plain, &chain) &&
		(sealed_authentic(q->sa, q->message_id, SPAN(NULL, 0), &chain) ||
			sealed_authentic(q->sa, q->message_id,
				SPAN(nonces, NONCE_OURS + q->nonce_r_length), &chain)) &&
		informational_has(&chain, NOTIFY_CONNECTED))
		connected(q->sa->ike, q->spi);
}

bool quick_ours_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct quick_ours *q;

	LIST_FOREACH(q, &sa->v1.ours, of_sa)
	if (q->message_id == h->message_id)
		break;
	if (!q)
		return false;
	if (q->state == OURS_WAIT_SECOND)
		second(q, flow, h, message);
	else if (q->state == OURS_DONE)
		done_input(q, flow, h, message);
	return true;
}

void quick_ours_notified(struct ike_sa *sa, uint16_t type)
{
	struct quick_ours *q;

	LIST_FOREACH(q, &sa->v1.ours, of_sa)
	{
		if (type < NOTIFY_ERRORS_END && q->state == OURS_WAIT_SECOND) {
			quick_ours_free(q, type == NOTIFY_NO_PROPOSAL_CHOSEN
						   ? "the peer refuses: no proposal chosen"
						   : "the peer refuses");
			return;
		}
		if (type == NOTIFY_CONNECTED && q->state == OURS_DONE) {
			connected(sa->ike, q->spi);
			return;
		}
	}
}
