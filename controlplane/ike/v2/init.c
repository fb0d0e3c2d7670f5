// SPDX-License-Identifier: Apache-2.0

// See init.h. The way of a first message:
//
//   request   HDR, SAi1, KEi, Ni, notifications     checked from the cheap to the dear: the
//             listener, the proposals, the cookie where one is due (section 2.6), the group of the
//             KE payload. Up to here nothing is kept. Then Diffie-Hellman on the thread pool
//             (IKE_WAIT_DH)
//   answer    HDR, SAr1, KEr, Nr, notifications     keys are there (IKE_WAIT_AUTH)
//
// Both messages are kept until IKE_AUTH is through, because their senders sign them.

#include "init.h"

#include "certificate.h"
#include "controlplane/ike/dh.h"
#include "cookie.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { SIGNATURE_HASHES = 5 }; // numbers of the IANA registry that are known

// SHA-256 of "Culvert", its first half.
static const uint8_t vendor_culvert[16] = {0x96, 0x10, 0x89, 0x10, 0x58, 0x7f, 0x13, 0x44, 0x99,
	0xa5, 0x63, 0x6d, 0x17, 0x6f, 0xa2, 0x98};

// What of a first message is needed.
struct first {
	struct v2_chain chain;
	struct v2_sa offer;
	struct v2_ke ke;
	struct span nonce;
};

static bool first_parse(const struct isakmp_header *h, const uint8_t *message, struct first *out)
{
	const struct v2_part *sa, *ke, *nonce;

	return !v2_chain_parse(
		       h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &out->chain) &&
	       (sa = v2_chain_find(&out->chain, V2_SA, 0)) &&
	       (ke = v2_chain_find(&out->chain, V2_KE, 0)) &&
	       (nonce = v2_chain_find(&out->chain, V2_NONCE, 0)) &&
	       !v2_sa_parse(sa->body, &out->offer) && !v2_ke_parse(ke->body, &out->ke) &&
	       !v2_nonce_parse(nonce->body, &out->nonce);
}

static void refuse(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct first *first)
{
	struct log_subject subject = {.peer = flow->remote, .peer_port = flow->remote_port};
	char offered[V2_PROPOSAL_TEXT], ours[V2_PROPOSAL_TEXT];

	ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s", "reason",
		v2_ike_reason(&ike->config->ike, &first->offer), "offered",
		v2_offer_words(&first->offer, offered), "ours",
		v2_ike_ours(&ike->config->ike, ours));
	v2_send_clear(flow, h, V2_NO_PROPOSAL_CHOSEN, SPAN(NULL, 0));
}

static void ask_for_cookie(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct first *first)
{
	uint8_t cookie[V2_COOKIE_OURS];

	if (cookie_make(&ike->cookies, timers_now(ike->timers), flow, h->initiator, first->nonce,
		    cookie) == 0)
		v2_send_clear(flow, h, V2_COOKIE, SPAN(cookie, sizeof(cookie)));
}

static bool cookie_missing(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct first *first)
{
	struct v2_notify n;

	if (!admit_wants_cookie(ike))
		return false;
	return !v2_chain_notify(&first->chain, V2_COOKIE, &n) ||
	       !cookie_fits(&ike->cookies, timers_now(ike->timers), flow, h->initiator,
		       first->nonce, n.data);
}

// ---- NAT

static bool hash_is(struct span data, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct ip_address *address, uint16_t port)
{
	uint8_t hash[V2_NAT_HASH];

	return data.length == V2_NAT_HASH && !v2_nat_hash(spi_i, spi_r, address, port, hash) &&
	       memcmp(data.at, hash, V2_NAT_HASH) == 0;
}

bool init_nat_discover(const struct v2_chain *chain, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct flow *flow, bool *nat_peer, bool *nat_us)
{
	unsigned sources = 0, destinations = 0;

	*nat_peer = *nat_us = true;
	for (size_t i = 0; i < chain->count; i++) {
		struct v2_notify n;

		if (chain->parts[i].type != V2_NOTIFY || v2_notify_parse(chain->parts[i].body, &n))
			continue;
		if (n.type == V2_NAT_DETECTION_SOURCE_IP && ++sources <= V2_NAT_SOURCES &&
			hash_is(n.data, spi_i, spi_r, &flow->remote, flow->remote_port))
			*nat_peer = false;
		if (n.type == V2_NAT_DETECTION_DESTINATION_IP && ++destinations == 1 &&
			hash_is(n.data, spi_i, spi_r, &flow->local, flow->local_port))
			*nat_us = false;
	}
	if (sources && destinations)
		return true;
	*nat_peer = *nat_us = false;
	return false;
}

void init_nat_write(
	struct isakmp_out *out, const uint8_t *spi_i, const uint8_t *spi_r, const struct flow *flow)
{
	uint8_t hash[V2_NAT_HASH];

	if (v2_nat_hash(spi_i, spi_r, &flow->local, flow->local_port, hash))
		return;
	v2_put_status(out, V2_NAT_DETECTION_SOURCE_IP, SPAN(hash, sizeof(hash)));
	if (v2_nat_hash(spi_i, spi_r, &flow->remote, flow->remote_port, hash))
		return;
	v2_put_status(out, V2_NAT_DETECTION_DESTINATION_IP, SPAN(hash, sizeof(hash)));
}

// ---- the answer

// SHA2-256 to SHA2-512 and, for EdDSA, none: SHA-1 is not for signatures any more (RFC 8247).
static void put_signature_hashes(struct isakmp_out *out)
{
	static const uint8_t ours[] = {0, 2, 0, 3, 0, 4};

	v2_put_status(out, V2_SIGNATURE_HASH_ALGORITHMS, SPAN(ours, sizeof(ours)));
}

// 0 when it did not fit.
static size_t write_answer(struct ike_sa *sa, bool requests, uint8_t buffer[PACKET_DATA])
{
	const struct config_ike *config = &sa->ike->config->ike;
	struct isakmp_header h = sa_header(sa, V2_IKE_SA_INIT, V2_RESPONSE, 0);
	struct isakmp_out out = isakmp_out_begin(buffer, PACKET_DATA, &h);
	const struct v2_begin *b = sa->v2.begin;

	v2_choice_put(&out, &b->choice, SPAN(NULL, 0));
	v2_put_ke(&out, sa->group, SPAN(b->public_r, ike_group_size(sa->group)));
	isakmp_out_payload(&out, V2_NONCE, b->nonce_r, NONCE_OURS);
	if (b->nat_traversal)
		init_nat_write(&out, sa->cookie_i, sa->cookie_r, &sa->flow);
	if (requests)
		certificate_request_write(sa->ike, &out);
	if (sa->v2.fragmentation)
		v2_put_status(&out, V2_IKEV2_FRAGMENTATION_SUPPORTED, SPAN(NULL, 0));
	if (b->hashes)
		put_signature_hashes(&out);
	if (b->use_ppk)
		v2_put_status(&out, V2_USE_PPK, SPAN(NULL, 0));
	if (config->vendor_culvert)
		isakmp_out_payload(&out, V2_VENDOR, vendor_culvert, sizeof(vendor_culvert));
	return isakmp_out_end(&out);
}

static int send_answer(struct ike_sa *sa)
{
	struct v2_begin *b = sa->v2.begin;
	uint8_t buffer[PACKET_DATA];

	b->second_length = write_answer(sa, true, buffer);
	// Many authorities make it long, and a peer can do without their names.
	if (b->second_length == 0 || !admit_reply_fits(b->first_length, b->second_length))
		b->second_length = write_answer(sa, false, buffer);
	if (b->second_length == 0 || !admit_reply_fits(b->first_length, b->second_length)) {
		ike_invalid(sa->ike, &sa->flow, "first message is too short for its answer");
		return -EMSGSIZE;
	}
	b->second = malloc(b->second_length);
	if (!b->second || v2_message_plain(&sa->v2.answer, buffer, b->second_length))
		return -ENOMEM;
	memcpy(b->second, buffer, b->second_length);
	sa->v2.expected = 1;
	sa_send(sa, &sa->flow, buffer, b->second_length);
	return 0;
}

static int derive(struct ike_sa *sa, const struct dh_job *job)
{
	struct v2_begin *b = sa->v2.begin;
	const struct v2_keys_input in = {.suite = sa->v2.suite,
		.secret = SPAN(job->secret, ike_group_secret_size(sa->group)),
		.nonce_i = SPAN(b->nonce_i, b->nonce_i_length),
		.nonce_r = SPAN(b->nonce_r, NONCE_OURS),
		.spi_i = sa->cookie_i,
		.spi_r = sa->cookie_r};

	return v2_keys_derive(&in, &sa->v2.keys);
}

static void dh_done(void *owner, const struct dh_job *job)
{
	struct ike_sa *sa = owner;

	if (job->error) {
		ike_invalid(sa->ike, &sa->flow, "public value that is refused");
		sa_free(sa);
		return;
	}
	memcpy(sa->v2.begin->public_r, job->public, ike_group_size(sa->group));
	if (derive(sa, job) || send_answer(sa)) {
		sa_free(sa);
		return;
	}
	sa->state = IKE_WAIT_AUTH;
}

// ---- the request

static uint32_t signature_hashes(const struct v2_chain *chain)
{
	struct v2_notify n;
	uint32_t hashes = 0;

	if (!v2_chain_notify(chain, V2_SIGNATURE_HASH_ALGORITHMS, &n))
		return 0;
	for (struct view v = view_of(n.data.at, n.data.length); view_left(&v) >= 2;) {
		uint16_t number = view_u16(&v);

		if (number > 0 && number <= SIGNATURE_HASHES)
			hashes |= 1u << number;
	}
	return hashes;
}

static struct v2_begin *begin_create(const struct ike *ike, const struct isakmp_header *h,
	const uint8_t *message, const struct first *first, const struct v2_ike_choice *choice)
{
	struct v2_begin *b = calloc(1, sizeof(*b));
	struct v2_notify n;

	if (!b)
		return NULL;
	b->first = malloc(h->length);
	if (!b->first || RAND_bytes(b->nonce_r, NONCE_OURS) != 1) {
		free(b->first);
		free(b);
		return NULL;
	}
	memcpy(b->first, message, h->length);
	b->first_length = h->length;
	memcpy(b->nonce_i, first->nonce.at, first->nonce.length);
	b->nonce_i_length = first->nonce.length;
	b->choice = choice->echo;
	b->choice.spi = SPAN(NULL, 0);
	b->hashes = signature_hashes(&first->chain);
	b->use_ppk = ike->config->ppk_count > 0 && v2_chain_notify(&first->chain, V2_USE_PPK, &n);
	return b;
}

static void start(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, const struct first *first, const struct v2_ike_choice *choice)
{
	struct ike_sa *sa = sa_create(ike, &ike_v2, flow, h->initiator);
	struct log_subject subject;
	struct v2_notify n;

	if (!sa) {
		ike_invalid(ike, flow, "too many half-open exchanges");
		return;
	}
	TAILQ_INIT(&sa->v2.ours);
	sa->v2.begin = begin_create(ike, h, message, first, choice);
	if (!sa->v2.begin) {
		sa_free(sa);
		return;
	}
	sa->offer = offer_keep(&ike->offers, v2_chain_find(&first->chain, V2_SA, 0)->body);
	ike->counters.started++;
	sa->v2.suite = choice->suite;
	sa->encryption = choice->suite.encryption;
	sa->hash = choice->suite.hash;
	sa->group = choice->suite.group;
	sa->lifetime_s = ike->config->ike.lifetime_s;
	sa->dpd = true;
	sa->v2.fragmentation = ike->config->ike.fragmentation &&
			       v2_chain_notify(&first->chain, V2_IKEV2_FRAGMENTATION_SUPPORTED, &n);
	sa->v2.begin->nat_traversal = init_nat_discover(
		&first->chain, h->initiator, h->responder, flow, &sa->nat_peer, &sa->nat_us);
	reply_digest(message, h->length, sa->v2.answered);
	subject = sa_subject(sa);
	log_event(LOG_IKE_START, &subject, "s:i, s:s, s:s, s:s, s:b, s:b", "version", 2,
		"encryption", ike_encryption_word(sa->encryption), "hash", ike_hash_word(sa->hash),
		"group", ike_group_word(sa->group), "nat_peer", sa->nat_peer, "fragmentation",
		sa->v2.fragmentation);
	sa->state = IKE_WAIT_DH;
	// done may be called, and the SA be gone, before this returns 0.
	if (dh_start(&sa->job, sa->group, first->ke.value, dh_done, sa)) {
		ike_invalid(ike, flow, "public value of wrong length, or no room for its work");
		sa_free(sa);
	}
}

// The same request once more: the answer, if it is there.
static void known_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct log_subject subject = sa_subject(sa);
	uint8_t digest[SHA256_SIZE];
	struct span answer = v2_message_part(&sa->v2.answer, 0);

	reply_digest(message, h->length, digest);
	if (sa->v2.expected != 1 || memcmp(digest, sa->v2.answered, SHA256_SIZE) != 0)
		return;
	sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "");
	sa_send(sa, flow, answer.at, answer.length);
}

static void want_group(const struct flow *flow, const struct isakmp_header *h, unsigned group)
{
	uint8_t data[2] = {group >> 8, group & 0xff};

	v2_send_clear(flow, h, V2_INVALID_KE_PAYLOAD, SPAN(data, sizeof(data)));
}

static void judge(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, const struct first *first)
{
	struct v2_ike_choice choice;

	if (!config_listener_at(ike->config, &flow->local))
		ike_invalid(ike, flow, "no listener has this address");
	else if (first->chain.unsupported)
		v2_send_clear(flow, h, V2_UNSUPPORTED_CRITICAL_PAYLOAD,
			SPAN(&first->chain.unsupported, 1));
	else if (cookie_missing(ike, flow, h, first))
		ask_for_cookie(ike, flow, h, first);
	else if (v2_choose_ike(&ike->config->ike, &first->offer, false, &choice))
		refuse(ike, flow, h, first);
	else if (first->ke.group != choice.suite.group)
		want_group(flow, h, choice.suite.group);
	else
		start(ike, flow, h, message, first, &choice);
}

void init_input(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct ike_sa *known = sa_find_half_open(ike, &ike_v2, h->initiator, flow);
	struct first first;

	if (known)
		known_input(known, flow, h, message);
	else if (!first_parse(h, message, &first))
		ike_invalid(ike, flow, "malformed request of IKE_SA_INIT");
	else
		judge(ike, flow, h, message, &first);
}
