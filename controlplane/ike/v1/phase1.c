// SPDX-License-Identifier: Apache-2.0

// See phase1.h.

#include "phase1.h"

#include "controlplane/ike/peer.h"
#include "informational.h"
#include "proof.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

// An error in clear to somebody without keys; shorter than any message that leads to it.
static void send_clear_error(
	const struct flow *flow, const uint8_t *cookie_i, const uint8_t *cookie_r, uint16_t type)
{
	struct isakmp_header h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_INFORMATIONAL};
	struct isakmp_out out;
	uint8_t buffer[64];
	size_t length;

	if (RAND_bytes((uint8_t *)&h.message_id, sizeof(h.message_id)) != 1)
		return;
	memcpy(h.initiator, cookie_i, ISAKMP_COOKIE);
	memcpy(h.responder, cookie_r, ISAKMP_COOKIE);
	out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	isakmp_out_notify(&out, ISAKMP_PROTO_ISAKMP, NULL, 0, type, NULL, 0);
	length = isakmp_out_end(&out);
	if (length)
		(void)dataplane_send_ike(flow, buffer, length);
}

void phase1_refuse_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const char *reason, const struct isakmp_sa *offer)
{
	struct log_subject subject = {.peer = flow->remote, .peer_port = flow->remote_port};
	char offered[PROPOSAL_TEXT], ours[PROPOSAL_TEXT];
	uint8_t cookie_r[ISAKMP_COOKIE];

	ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s", "reason", reason, "offered",
		proposal_ike_words(offer, offered), "ours",
		proposal_ike_ours(&ike->config->ike, ours));
	if (!admit_is_loaded(ike) && RAND_bytes(cookie_r, sizeof(cookie_r)) == 1)
		send_clear_error(flow, h->initiator, cookie_r, NOTIFY_NO_PROPOSAL_CHOSEN);
}

void phase1_refuse(struct ike_sa *sa, const struct flow *flow, const char *reason)
{
	struct log_subject subject = sa_subject(sa);

	if (sa->refused)
		return;
	sa->refused = true;
	sa->ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s, s:s", "reason", reason, "encryption",
		proposal_encryption_word(sa->encryption), "hash", proposal_hash_word(sa->hash),
		"group", proposal_group_word(sa->group));
	if (!admit_is_loaded(sa->ike) && !proof_refuse(sa, flow))
		send_clear_error(flow, sa->cookie_i, sa->cookie_r, NOTIFY_AUTHENTICATION_FAILED);
}

bool phase1_known(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct ike_sa *known = sa_find_half_open(ike, &ike_v1, h->initiator, flow);

	if (known && reply_fits(&known->v1.reply, message, h->length))
		reply_again(known, &known->v1.reply, flow);
	return known != NULL;
}

// The lifetime in seconds: the shorter of both.
static uint64_t agreed_lifetime(uint64_t peer_s, uint32_t ours_s)
{
	uint64_t s = peer_s ? peer_s : LIFETIME_DEFAULT_S;

	return s < ours_s ? s : ours_s;
}

struct phase1 *phase1_create(struct span sa_body)
{
	struct phase1 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->sa_body = malloc(sa_body.length);
	if (!p->sa_body) {
		free(p);
		return NULL;
	}
	memcpy(p->sa_body, sa_body.at, sa_body.length);
	p->sa_length = sa_body.length;
	return p;
}

void phase1_free(struct phase1 *p)
{
	if (!p)
		return;
	proof_free(p->proof);
	free(p->sa_body);
	free(p->answer);
	free(p->id);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

static void log_start(const struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_START, &subject, "s:s, s:s, s:s, s:s, s:b", "encryption",
		proposal_encryption_word(sa->encryption), "hash", proposal_hash_word(sa->hash),
		"group", proposal_group_word(sa->group), "nat_t", natt_word(sa->v1.vendors.natt),
		"dpd", sa->v1.vendors.dpd);
}

struct ike_sa *phase1_start(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct isakmp_chain *chain, const struct isakmp_sa *offer,
	const struct ike_choice *choice)
{
	struct ike_sa *sa = sa_create(ike, &ike_v1, flow, h->initiator);

	if (!sa) {
		ike_invalid(ike, flow, "too many half-open exchanges");
		return NULL;
	}
	LIST_INIT(&sa->v1.quicks);
	sa->v1.phase1 = phase1_create(isakmp_chain_find(chain, ISAKMP_SA, 0)->body);
	if (!sa->v1.phase1) {
		sa_free(sa);
		return NULL;
	}
	sa->offer = offer_keep(&ike->offers, isakmp_chain_find(chain, ISAKMP_SA, 0)->body);
	ike->counters.started++;
	sa->v1.auth = sa->v1.phase1->auth = choice->auth;
	sa->encryption = choice->encryption;
	sa->hash = choice->hash;
	sa->group = choice->group;
	sa->v1.peer_lifetime_s = choice->lifetime_s;
	sa->lifetime_s = agreed_lifetime(choice->lifetime_s, ike->config->ike.lifetime_s);
	sa->v1.old = proposal_ike_is_old(offer);
	vendor_ids_read(&ike->config->ike, chain, &sa->v1.vendors);
	log_start(sa);
	return sa;
}

bool phase1_ke_take(struct ike_sa *sa, const struct isakmp_chain *chain)
{
	const struct isakmp_part *ke = isakmp_chain_find(chain, ISAKMP_KE, 0);
	const struct isakmp_part *nonce = isakmp_chain_find(chain, ISAKMP_NONCE, 0);
	struct phase1 *p = sa->v1.phase1;

	if (!ke || !nonce || ke->body.length != ike_group_size(sa->group) ||
		nonce->body.length < NONCE_MIN || nonce->body.length > NONCE_MAX)
		return false;
	memcpy(sa->v1.initiator ? p->public_r : p->public_i, ke->body.at, ke->body.length);
	memcpy(sa->v1.initiator ? p->nonce_r : p->nonce_i, nonce->body.at, nonce->body.length);
	if (sa->v1.initiator)
		p->nonce_r_length = nonce->body.length;
	else
		p->nonce_i_length = nonce->body.length;
	return true;
}

int phase1_ke_make(struct ike_sa *sa, const uint8_t *public)
{
	struct phase1 *p = sa->v1.phase1;

	memcpy(sa->v1.initiator ? p->public_i : p->public_r, public, ike_group_size(sa->group));
	if (sa->v1.initiator)
		p->nonce_i_length = NONCE_OURS;
	else
		p->nonce_r_length = NONCE_OURS;
	return RAND_bytes(sa->v1.initiator ? p->nonce_i : p->nonce_r, NONCE_OURS) == 1 ? 0 : -EIO;
}

int phase1_derive(
	const struct ike_sa *sa, struct span psk, struct span secret, struct ike_keys *out)
{
	const struct phase1 *p = sa->v1.phase1;
	size_t size = ike_group_size(sa->group);
	const struct ike_keys_input in = {
		.hash = sa->hash,
		.encryption = sa->encryption,
		.by_signature = p->auth != IKE_AUTH_PSK,
		.psk = psk,
		.secret = secret,
		.nonce_i = SPAN(p->nonce_i, p->nonce_i_length),
		.nonce_r = SPAN(p->nonce_r, p->nonce_r_length),
		.public_i = SPAN(p->public_i, size),
		.public_r = SPAN(p->public_r, size),
		.cookie_i = sa->cookie_i,
		.cookie_r = sa->cookie_r,
	};

	return ike_keys_derive(&in, out);
}

unsigned phase1_hash_algorithm(const struct ike_sa *sa)
{
	switch (sa->v1.phase1->auth) {
	case IKE_AUTH_ECDSA_256:
		return IKE_SHA256;
	case IKE_AUTH_ECDSA_384:
		return IKE_SHA384;
	case IKE_AUTH_ECDSA_521:
		return IKE_SHA512;
	default:
		return sa->hash;
	}
}

int phase1_hash(const struct ike_sa *sa, const struct ike_keys *keys, bool initiator,
	struct span id, uint8_t out[IKE_HASH_MAX])
{
	const struct phase1 *p = sa->v1.phase1;
	size_t size = ike_group_size(sa->group);
	struct span i = SPAN(p->public_i, size), r = SPAN(p->public_r, size);
	struct span ci = SPAN(sa->cookie_i, ISAKMP_COOKIE), cr = SPAN(sa->cookie_r, ISAKMP_COOKIE);
	const struct span parts[] = {initiator ? i : r, initiator ? r : i, initiator ? ci : cr,
		initiator ? cr : ci, SPAN(p->sa_body, p->sa_length), id};

	return ike_prf(phase1_hash_algorithm(sa), SPAN(keys->skeyid, ike_hash_size(sa->hash)),
		parts, 6, out);
}

bool phase1_hash_fits(
	const struct ike_sa *sa, const struct ike_keys *keys, const struct isakmp_chain *chain)
{
	const struct isakmp_part *id = isakmp_chain_find(chain, ISAKMP_ID, 0);
	const struct isakmp_part *part = isakmp_chain_find(chain, ISAKMP_HASH, 0);
	size_t size = ike_hash_size(sa->hash);
	uint8_t hash[IKE_HASH_MAX];

	if (!id || !part || part->body.length != size ||
		phase1_hash(sa, keys, !sa->v1.initiator, id->body, hash))
		return false;
	return CRYPTO_memcmp(hash, part->body.at, size) == 0;
}

static bool is_hash_of(
	const struct ike_sa *sa, const struct ip_address *address, uint16_t port, struct span body)
{
	uint8_t hash[NATT_HASH_MAX];
	size_t n = natt_hash(sa->hash, sa->cookie_i, sa->cookie_r, address, port, hash);

	return n && body.length == n && memcmp(body.at, hash, n) == 0;
}

// The first NAT-D is for us, the others are addresses that the peer may have.
void phase1_nat_discover(
	struct ike_sa *sa, const struct flow *flow, const struct isakmp_chain *chain)
{
	uint8_t type = natt_payload_d(sa->v1.vendors.natt);
	const struct isakmp_part *part = isakmp_chain_find(chain, type, 0);

	if (sa->v1.vendors.natt == NATT_NONE)
		return;
	if (!part) {
		sa->v1.vendors.natt = NATT_NONE;
		return;
	}
	sa->nat_us = !is_hash_of(sa, &flow->local, flow->local_port, part->body);
	sa->nat_peer = true;
	for (size_t i = 1; (part = isakmp_chain_find(chain, type, i)); i++)
		if (is_hash_of(sa, &flow->remote, flow->remote_port, part->body))
			sa->nat_peer = false;
}

void phase1_nat_write(struct ike_sa *sa, struct isakmp_out *out)
{
	uint8_t hash[NATT_HASH_MAX], type = natt_payload_d(sa->v1.vendors.natt);
	size_t n;

	if (sa->v1.vendors.natt == NATT_NONE)
		return;
	n = natt_hash(
		sa->hash, sa->cookie_i, sa->cookie_r, &sa->flow.remote, sa->flow.remote_port, hash);
	isakmp_out_payload(out, type, hash, n);
	n = natt_hash(
		sa->hash, sa->cookie_i, sa->cookie_r, &sa->flow.local, sa->flow.local_port, hash);
	isakmp_out_payload(out, type, hash, n);
}

// NAT traversal is settled by the first two messages.
void phase1_vendor_ids_late(struct ike_sa *sa, const struct isakmp_chain *chain)
{
	struct vendor_ids late = {0};

	vendor_ids_read(&sa->ike->config->ike, chain, &late);
	sa->v1.vendors.dpd = sa->v1.vendors.dpd || late.dpd;
}

// Port and protocol of the payload say nothing about who it is.
void phase1_identity(struct span body, struct identity *out)
{
	struct isakmp_id_body id;

	if (isakmp_id_parse(body, &id) || identity_make(out, id.type, id.data))
		*out = (struct identity){0};
}

void phase1_id_write(const struct ike_sa *sa, struct isakmp_out *out, struct span *body)
{
	size_t at;

	isakmp_out_open(out, ISAKMP_ID);
	at = build_length(&out->b);
	build_u8(&out->b, isakmp_id_type(&sa->flow.local));
	build_u8(&out->b, 0);
	build_u16(&out->b, 0);
	isakmp_put_address(&out->b, &sa->flow.local);
	isakmp_out_close(out);
	*body = SPAN(out->b.start + at, build_length(&out->b) - at);
}

// RFC 2407 section 4.6.3.1.
void phase1_lifetime_write(const struct ike_sa *sa, struct isakmp_out *out)
{
	uint64_t peer_s = sa->v1.peer_lifetime_s ? sa->v1.peer_lifetime_s : LIFETIME_DEFAULT_S;
	uint8_t spi[2 * ISAKMP_COOKIE], data[12];
	struct build b = build_in(data, sizeof(data));

	if (sa->lifetime_s >= peer_s)
		return;
	memcpy(spi, sa->cookie_i, ISAKMP_COOKIE);
	memcpy(spi + ISAKMP_COOKIE, sa->cookie_r, ISAKMP_COOKIE);
	build_u16(&b, 0x8000 | 11); // life type: seconds
	build_u16(&b, 1);
	build_u16(&b, 12); // life duration
	build_u16(&b, 4);
	build_u32(&b, (uint32_t)sa->lifetime_s);
	isakmp_out_notify(out, ISAKMP_PROTO_ISAKMP, spi, sizeof(spi), NOTIFY_RESPONDER_LIFETIME,
		data, sizeof(data));
}

bool phase1_attach(struct ike_sa *sa, const struct flow *flow, const struct isakmp_chain *chain,
	struct span id)
{
	struct identity who;

	phase1_identity(id, &who);
	sa->v1.id_type = who.type;
	identity_digest(&who, sa->identity);
	(void)identity_words(&who, sa->identity_text);
	sa->flow = *flow;
	phase1_vendor_ids_late(sa, chain);
	sa->dpd = sa->v1.vendors.dpd && sa->ike->config->ike.vendor_dpd;
	if (!peer_attach(sa, informational_has(chain, NOTIFY_INITIAL_CONTACT)))
		return true;
	phase1_refuse(sa, flow, "too many peers");
	return false;
}

void phase1_abandon(struct ike_sa *sa)
{
	struct ike *ike = sa->ike;
	uint32_t peer = sa->peer->id;

	sa_free(sa);
	peer_check(ike, peer);
}

static void log_up(const struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_UP, &subject,
		sa->psk ? "s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I"
			: "s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I",
		"rekey", sa->v1.initiator, "identity", sa->identity_text, "auth", sa->auth,
		"encryption", proposal_encryption_word(sa->encryption), "hash",
		proposal_hash_word(sa->hash), "group", proposal_group_word(sa->group), "nat_t",
		natt_word(sa->v1.vendors.natt), "nat_peer", sa->nat_peer, "nat_us", sa->nat_us,
		"lifetime_s", (long long)sa->lifetime_s, "psk", (long long)sa->psk - 1);
}

void phase1_up(struct ike_sa *sa)
{
	sa_established(sa);
	sa->ike->counters.established++;
	if (sa->psk)
		psks_used(sa->ike->psks, sa->psk - 1, timers_now(sa->ike->timers));
	log_up(sa);
}
