// SPDX-License-Identifier: Apache-2.0

// See main_mode.h. The way of an initiator:
//
//   first   HDR, SA, VIDs          we choose a proposal by address and offer (IKE_WAIT_KE)
//   third   HDR, KE, Ni, NAT-D     Diffie-Hellman on the thread pool (IKE_WAIT_DH), then keys and
//                                  the fourth message (IKE_WAIT_AUTH)
//   fifth   HDR*, IDii, HASH_I     proves the key: now it is a peer (IKE_ESTABLISHED)
//
// What is not authentic never ends an exchange: a forged message must not cost the real peer its
// SA. It is said once, and the timeout clears up.

#include "main_mode.h"

#include "controlplane/ike/dh.h"
#include "informational.h"
#include "v1.h"
#include "controlplane/ike/peer.h"

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

static void refuse_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const char *reason, const struct isakmp_sa *offer)
{
	struct log_subject subject = {.peer = flow->remote, .peer_port = flow->remote_port};
	char offered[PROPOSAL_TEXT], ours[PROPOSAL_TEXT];
	uint8_t cookie_r[ISAKMP_COOKIE];

	ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s", "reason", reason, "offered",
		proposal_ike_words(offer, offered), "ours",
		proposal_ike_ours(&ike->config->ike, ours));
	if (RAND_bytes(cookie_r, sizeof(cookie_r)) == 1)
		send_clear_error(flow, h->initiator, cookie_r, NOTIFY_NO_PROPOSAL_CHOSEN);
}

// Said once for an exchange, which goes on waiting for a better message.
static void refuse_fifth(
	struct ike_sa *sa, const struct flow *flow, const char *reason, uint16_t notify)
{
	struct log_subject subject = sa_subject(sa);

	if (sa->refused)
		return;
	sa->refused = true;
	sa->ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s, s:s", "reason", reason, "encryption",
		proposal_encryption_word(sa->encryption), "hash", proposal_hash_word(sa->hash),
		"group", proposal_group_word(sa->group));
	send_clear_error(flow, sa->cookie_i, sa->cookie_r, notify);
}

static const struct config_psk *psk_for(
	const struct config *config, const struct ip_address *remote)
{
	const struct config_psk *best = NULL;

	for (uint32_t i = 0; i < config->psk_count; i++) {
		const struct config_psk *psk = &config->psks[i];

		if (psk->peer.length != 0 && !prefix_contains(&psk->peer, remote))
			continue;
		if (!best || psk->peer.length > best->peer.length)
			best = psk;
	}
	return best;
}

static bool listens(const struct config *config, const struct ip_address *local)
{
	for (uint16_t i = 0; i < config->listener_count; i++)
		if (address_equal(&config->listeners[i].address, local))
			return true;
	return false;
}

// The lifetime in seconds: the shorter of both.
static uint64_t agreed_lifetime(uint64_t peer_s, uint32_t ours_s)
{
	uint64_t s = peer_s ? peer_s : LIFETIME_DEFAULT_S;

	return s < ours_s ? s : ours_s;
}

static int send_second(struct ike_sa *sa, const struct ike_choice *choice, const uint8_t *request,
	size_t request_length)
{
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[PACKET_DATA], digest[SHA256_SIZE];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	size_t length;

	isakmp_out_sa(&out, &choice->proposal, choice->proposal.spi.at, choice->proposal.spi.length,
		&choice->transform);
	vendor_ids_write(&sa->ike->config->ike, &sa->v1.vendors, &out);
	length = isakmp_out_end(&out);
	reply_digest(request, request_length, digest);
	if (length == 0 || reply_keep(&sa->v1.reply, digest, buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, buffer, length);
	return 0;
}

static int keep_sa_body(struct main_mode *m, struct span body)
{
	m->sa_body = malloc(body.length);
	if (!m->sa_body)
		return -ENOMEM;
	memcpy(m->sa_body, body.at, body.length);
	m->sa_length = body.length;
	return 0;
}

static void start(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, const struct isakmp_chain *chain, const struct ike_choice *choice,
	const struct config_psk *psk)
{
	struct ike_sa *sa = sa_create(ike, &ike_v1, flow, h->initiator);
	struct log_subject subject;

	if (!sa) {
		ike_invalid(ike, flow, "too many half-open exchanges");
		return;
	}
	LIST_INIT(&sa->v1.quicks);
	sa->v1.main = calloc(1, sizeof(*sa->v1.main));
	if (!sa->v1.main) {
		sa_free(sa);
		return;
	}
	ike->counters.started++;
	sa->encryption = choice->encryption;
	sa->hash = choice->hash;
	sa->group = choice->group;
	sa->v1.peer_lifetime_s = choice->lifetime_s;
	sa->lifetime_s = agreed_lifetime(choice->lifetime_s, ike->config->ike.lifetime_s);
	sa->v1.main->psk = psk;
	vendor_ids_read(&ike->config->ike, chain, &sa->v1.vendors);
	subject = sa_subject(sa);
	log_event(LOG_IKE_START, &subject, "s:s, s:s, s:s, s:s, s:b", "encryption",
		proposal_encryption_word(sa->encryption), "hash", proposal_hash_word(sa->hash),
		"group", proposal_group_word(sa->group), "nat_t", natt_word(sa->v1.vendors.natt),
		"dpd", sa->v1.vendors.dpd);
	if (keep_sa_body(sa->v1.main, isakmp_chain_find(chain, ISAKMP_SA, 0)->body) ||
		send_second(sa, choice, message, h->length))
		sa_free(sa);
}

void main_mode_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct ike_sa *known = sa_find_half_open(ike, &ike_v1, h->initiator, flow);
	const struct config_psk *psk = psk_for(ike->config, &flow->remote);
	const struct isakmp_part *part;
	struct isakmp_chain chain;
	struct isakmp_sa offer;
	struct ike_choice choice;

	if (known) {
		if (reply_fits(&known->v1.reply, message, h->length))
			reply_again(known, &known->v1.reply, flow);
		return;
	}
	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!(part = isakmp_chain_find(&chain, ISAKMP_SA, 0)) ||
		isakmp_sa_parse(part->body, &offer)) {
		ike_invalid(ike, flow, "malformed first message of main mode");
		return;
	}
	if (!listens(ike->config, &flow->local))
		ike_invalid(ike, flow, "no listener has this address");
	else if (!psk)
		refuse_first(ike, flow, h, "no pre-shared key for this address", &offer);
	else if (proposal_choose_ike(&ike->config->ike, &offer, &choice))
		refuse_first(ike, flow, h, proposal_ike_reason(&ike->config->ike, &offer), &offer);
	else
		start(ike, flow, h, message, &chain, &choice, psk);
}

static bool is_hash_of(
	const struct ike_sa *sa, const struct ip_address *address, uint16_t port, struct span body)
{
	uint8_t hash[NATT_HASH_MAX];
	size_t n = natt_hash(sa->hash, sa->cookie_i, sa->cookie_r, address, port, hash);

	return n && body.length == n && memcmp(body.at, hash, n) == 0;
}

// The first NAT-D is for us, the others are addresses that the peer may have (RFC 3947
// section 3.2).
static void discover_nat(
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

static void add_nat_d(struct ike_sa *sa, struct isakmp_out *out)
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

static int send_fourth(struct ike_sa *sa)
{
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[PACKET_DATA];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	size_t length;

	isakmp_out_payload(&out, ISAKMP_KE, sa->v1.main->public_r, ike_group_size(sa->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, sa->v1.main->nonce_r, NONCE_OURS);
	add_nat_d(sa, &out);
	length = isakmp_out_end(&out);
	if (length == 0 || reply_keep(&sa->v1.reply, sa->v1.main->third, buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, buffer, length);
	return 0;
}

static int derive(struct ike_sa *sa, const struct dh_job *job)
{
	struct main_mode *m = sa->v1.main;
	size_t size = ike_group_size(sa->group);
	const struct ike_keys_input in = {
		.hash = sa->hash,
		.encryption = sa->encryption,
		.psk = SPAN((const uint8_t *)m->psk->secret, m->psk->secret_length),
		.secret = SPAN(job->secret, ike_group_secret_size(sa->group)),
		.nonce_i = SPAN(m->nonce_i, m->nonce_i_length),
		.nonce_r = SPAN(m->nonce_r, NONCE_OURS),
		.public_i = SPAN(m->public_i, size),
		.public_r = SPAN(m->public_r, size),
		.cookie_i = sa->cookie_i,
		.cookie_r = sa->cookie_r,
	};

	return ike_keys_derive(&in, &sa->v1.keys);
}

static void third_done(void *owner, const struct dh_job *job)
{
	struct ike_sa *sa = owner;

	if (job->error) {
		ike_invalid(sa->ike, &sa->flow, "public value that is refused");
		sa_free(sa);
		return;
	}
	memcpy(sa->v1.main->public_r, job->public, ike_group_size(sa->group));
	if (RAND_bytes(sa->v1.main->nonce_r, NONCE_OURS) != 1 || derive(sa, job) ||
		send_fourth(sa)) {
		sa_free(sa);
		return;
	}
	sa->state = IKE_WAIT_AUTH;
}

// NAT traversal is settled by the first two messages; DPD may be named in any.
static void read_late_vendor_ids(struct ike_sa *sa, const struct isakmp_chain *chain)
{
	struct vendor_ids late = {0};

	vendor_ids_read(&sa->ike->config->ike, chain, &late);
	sa->v1.vendors.dpd = sa->v1.vendors.dpd || late.dpd;
}

static void third(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	const struct isakmp_part *ke, *nonce;
	struct isakmp_chain chain;
	struct main_mode *m = sa->v1.main;

	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!(ke = isakmp_chain_find(&chain, ISAKMP_KE, 0)) ||
		!(nonce = isakmp_chain_find(&chain, ISAKMP_NONCE, 0)) ||
		ke->body.length != ike_group_size(sa->group) || nonce->body.length < NONCE_MIN ||
		nonce->body.length > NONCE_MAX) {
		ike_invalid(sa->ike, flow, "malformed third message of main mode");
		return;
	}
	sa->flow = *flow;
	memcpy(m->public_i, ke->body.at, ke->body.length);
	memcpy(m->nonce_i, nonce->body.at, nonce->body.length);
	m->nonce_i_length = nonce->body.length;
	reply_digest(message, h->length, m->third);
	read_late_vendor_ids(sa, &chain);
	discover_nat(sa, flow, &chain);
	sa->state = IKE_WAIT_DH;
	// done may be called, and the SA be gone, before this returns 0.
	if (dh_start(&sa->job, sa->group, ke->body, third_done, sa))
		sa->state = IKE_WAIT_KE;
}

// HASH_I, or HASH_R with the sides the other way round.
static int hash_of_side(const struct ike_sa *sa, bool initiator, struct span id, uint8_t *out)
{
	const struct main_mode *m = sa->v1.main;
	size_t size = ike_group_size(sa->group);
	struct span i = SPAN(m->public_i, size), r = SPAN(m->public_r, size);
	struct span ci = SPAN(sa->cookie_i, ISAKMP_COOKIE), cr = SPAN(sa->cookie_r, ISAKMP_COOKIE);
	const struct span parts[] = {initiator ? i : r, initiator ? r : i, initiator ? ci : cr,
		initiator ? cr : ci, SPAN(m->sa_body, m->sa_length), id};

	return ike_prf(sa->hash, SPAN(sa->v1.keys.skeyid, ike_hash_size(sa->hash)), parts, 6, out);
}

// Port and protocol of the payload say nothing about who it is.
static void identify(struct ike_sa *sa, struct span body)
{
	struct isakmp_id_body parsed;
	struct identity id;

	if (isakmp_id_parse(body, &parsed) || identity_make(&id, parsed.type, parsed.data))
		return;
	identity_digest(&id, sa->identity);
	identity_words(&id, sa->identity_text);
}

// IDir: the address that the client used, as it came to us.
static void add_id(const struct ike_sa *sa, struct isakmp_out *out, struct span *body)
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

// Only where we hold to less than the peer offered (RFC 2407 section 4.6.3.1).
static void add_lifetime(const struct ike_sa *sa, struct isakmp_out *out)
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

static int send_sixth(struct ike_sa *sa, const uint8_t *request, size_t request_length)
{
	struct sealed s;
	uint8_t hash[IKE_HASH_MAX], digest[SHA256_SIZE];
	struct span id;
	size_t length;

	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	add_id(sa, &s.out, &id);
	if (hash_of_side(sa, false, id, hash))
		return -EINVAL;
	isakmp_out_payload(&s.out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	add_lifetime(sa, &s.out);
	length = sealed_end(&s, sa, sa->v1.keys.iv, SPAN(NULL, 0));
	reply_digest(request, request_length, digest);
	if (length == 0 || reply_keep(&sa->v1.reply, digest, s.buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, s.buffer, length);
	return 0;
}

static void log_up(const struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_UP, &subject, "s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I", "identity",
		sa->identity_text, "encryption", proposal_encryption_word(sa->encryption), "hash",
		proposal_hash_word(sa->hash), "group", proposal_group_word(sa->group), "nat_t",
		natt_word(sa->v1.vendors.natt), "nat_peer", sa->nat_peer, "nat_us", sa->nat_us,
		"lifetime_s", (long long)sa->lifetime_s);
}

// The peer has proven the key.
static void establish(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, const struct isakmp_chain *chain)
{
	sa->flow = *flow;
	identify(sa, isakmp_chain_find(chain, ISAKMP_ID, 0)->body);
	read_late_vendor_ids(sa, chain);
	sa->dpd = sa->v1.vendors.dpd && sa->ike->config->ike.vendor_dpd;
	if (peer_attach(sa, informational_has(chain, NOTIFY_INITIAL_CONTACT))) {
		refuse_fifth(sa, flow, "too many peers", NOTIFY_NO_PROPOSAL_CHOSEN);
		return;
	}
	if (send_sixth(sa, message, h->length)) {
		struct ike *ike = sa->ike;
		uint32_t peer = sa->peer->id;

		sa_free(sa);
		peer_check(ike, peer);
		return;
	}
	sa_established(sa);
	sa->ike->counters.established++;
	log_up(sa);
}

static bool hash_i_fits(const struct ike_sa *sa, const struct isakmp_chain *chain)
{
	const struct isakmp_part *id = isakmp_chain_find(chain, ISAKMP_ID, 0);
	const struct isakmp_part *part = isakmp_chain_find(chain, ISAKMP_HASH, 0);
	size_t size = ike_hash_size(sa->hash);
	uint8_t hash[IKE_HASH_MAX];

	if (!id || !part || part->body.length != size || hash_of_side(sa, true, id->body, hash))
		return false;
	return CRYPTO_memcmp(hash, part->body.at, size) == 0;
}

static void fifth(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[PACKET_DATA], iv[IKE_BLOCK_MAX];
	struct isakmp_chain chain;

	memcpy(iv, sa->v1.keys.iv, sizeof(iv));
	if (!(h->flags & ISAKMP_ENCRYPTED))
		ike_invalid(sa->ike, flow, "fifth message of main mode is in clear");
	else if (sealed_open(sa, iv, h, message, plain, &chain))
		refuse_fifth(sa, flow, "pre-shared key mismatch", NOTIFY_PAYLOAD_MALFORMED);
	else if (!hash_i_fits(sa, &chain))
		refuse_fifth(sa, flow, "pre-shared key mismatch", NOTIFY_AUTHENTICATION_FAILED);
	else {
		memcpy(sa->v1.keys.iv, iv, sizeof(iv));
		establish(sa, flow, h, message, &chain);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
}

void main_mode_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	if (reply_fits(&sa->v1.reply, message, h->length))
		reply_again(sa, &sa->v1.reply, sa->state == IKE_ESTABLISHED ? &sa->flow : flow);
	else if (sa->state == IKE_WAIT_KE && !(h->flags & ISAKMP_ENCRYPTED))
		third(sa, flow, h, message);
	else if (sa->state == IKE_WAIT_AUTH)
		fifth(sa, flow, h, message);
}
