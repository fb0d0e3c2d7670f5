// SPDX-License-Identifier: Apache-2.0

// See quick_mode.h. The way of an exchange:
//
//   first    HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] [, NAT-OA...]
//            checked and chosen; Diffie-Hellman where PFS is wanted (QUICK_WAIT_DH); the pair is
//            installed (QUICK_WAIT_INSTALL), so that nothing that the peer sends early is lost;
//            the second message leaves (QUICK_WAIT_THIRD), again and again until the third comes
//   third    HDR*, HASH(3): the peer has the pair, outbound moves to it
//
// A commit bit is tolerated and asks for nothing: we are ready before the second message leaves.
// A fourth message (Windows) meets a message id that is done with.

#include "quick_mode.h"

#include "choice.h"
#include "controlplane/ike/dh.h"
#include "informational.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/recheck.h"
#include "quick_initiate.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
	PROTOCOL_ANY = 0,
	PROTOCOL_UDP = 17,
	PORT_ANY = 0,
	LIFE_TYPE = 0x8000 | 1, // of the answer's attributes (RFC 2407 section 4.5)
	LIFE_DURATION = 2,
	LIFE_SECONDS = 1,
	LIFE_KILOBYTES = 2,
};

void quick_free(struct quick *q)
{
	timer_stop(q->sa->ike->timers, &q->timer);
	dh_abandon(&q->job);
	install_forget(q);
	if (q->pair)
		pair_drop(q->pair, "abandoned");
	LIST_REMOVE(q, of_sa);
	reply_free(&q->reply);
	if (q->plain)
		OPENSSL_cleanse(q->plain, q->plain_size);
	free(q->plain);
	OPENSSL_cleanse(q, sizeof(*q));
	free(q);
}

static struct quick *quick_find(struct ike_sa *sa, uint32_t message_id)
{
	struct quick *q;

	LIST_FOREACH(q, &sa->v1.quicks, of_sa)
	if (q->message_id == message_id)
		return q;
	return NULL;
}

static bool message_id_done(const struct ike_sa *sa, uint32_t message_id)
{
	for (size_t i = 0; i < SA_MESSAGE_IDS; i++)
		if (sa->v1.message_ids[i] == message_id)
			return true;
	return false;
}

void quick_remember(struct ike_sa *sa, uint32_t message_id)
{
	sa->v1.message_ids[sa->v1.message_id_next++ % SA_MESSAGE_IDS] = message_id;
}

static struct quick *quick_create(
	struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h)
{
	struct quick *q, *each;
	unsigned count = 0;

	LIST_FOREACH(each, &sa->v1.quicks, of_sa)
	count++;
	if (count >= SA_QUICKS)
		return NULL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->sa = sa;
	q->flow = *flow;
	q->message_id = h->message_id;
	LIST_INSERT_HEAD(&sa->v1.quicks, q, of_sa);
	q->plain_size = h->length;
	q->plain = malloc(q->plain_size);
	if (q->plain && !sealed_iv(sa, h->message_id, q->iv))
		return q;
	quick_free(q);
	return NULL;
}

static const struct isakmp_part *part(const struct quick *q, uint8_t type, size_t nth)
{
	return isakmp_chain_find(&q->chain, type, nth);
}

static struct esp_terms terms_of(const struct quick *q)
{
	const struct ike_sa *sa = q->sa;
	const struct isakmp_part *ke = part(q, ISAKMP_KE, 0);
	bool nat = sa->nat_peer || sa->nat_us;

	return (struct esp_terms){
		.plain = !nat,
		// A peer may ask for encapsulation without a NAT: firewalls let it pass.
		.udp = sa->v1.vendors.natt != NATT_NONE && q->flow.local_port == PORT_NAT_T,
		.ke_length = ke ? ke->body.length : 0,
		.doubtful_sha256 = sa->v1.old,
	};
}

// Why there will be no pair, to log and peer; ends the exchange.
static void refuse(struct quick *q, const char *reason, const struct isakmp_sa *offer, uint32_t spi,
	uint16_t notify)
{
	struct ike_sa *sa = q->sa;
	struct log_subject subject = sa_subject(sa);
	char offered[PROPOSAL_TEXT], ours[PROPOSAL_TEXT];

	log_event(LOG_ESP_REFUSED, &subject, "s:s, s:s, s:s", "reason", reason, "offered",
		offer ? proposal_esp_words(offer, offered) : NULL, "ours",
		proposal_esp_ours(&sa->ike->config->ike, ours));
	informational_refuse(sa, &q->flow, spi, notify);
	quick_remember(sa, q->message_id);
	quick_free(q);
}

// Whether an ID is the host at that address; behind a NAT it is known by any address. Native
// clients put other things there than addresses, so only an address can be wrong.
static bool id_is_host(
	const struct isakmp_id_body *id, const struct ip_address *address, bool behind_nat)
{
	static const uint8_t host_mask[16] = {[0 ... 15] = 0xff};
	bool v6 = id->type == ID_IPV6_ADDR || id->type == ID_IPV6_SUBNET;
	bool subnet = id->type == ID_IPV4_SUBNET || id->type == ID_IPV6_SUBNET;
	size_t size = v6 ? 16 : 4;

	if (!v6 && !subnet && id->type != ID_IPV4_ADDR)
		return true;
	if (id->data.length != (subnet ? 2 * size : size))
		return false;
	if (subnet && memcmp(id->data.at + size, host_mask, size) != 0)
		return false;
	if (behind_nat)
		return true;
	return (address->version == IP_V6) == v6 && memcmp(id->data.at, address->bytes, size) == 0;
}

// The selectors that L2TP has (RFC 3193 section 4): UDP, our port 1701, any port of the peer.
static const char *ids_reason(const struct quick *q)
{
	const struct isakmp_part *ci = part(q, ISAKMP_ID, 0), *cr = part(q, ISAKMP_ID, 1);
	struct isakmp_id_body i, r;

	if (!ci)
		return NULL;
	if (!cr || isakmp_id_parse(ci->body, &i) || isakmp_id_parse(cr->body, &r))
		return "the IDs are malformed";
	if ((i.protocol != PROTOCOL_UDP && i.protocol != PROTOCOL_ANY) ||
		(r.protocol != PROTOCOL_UDP && r.protocol != PROTOCOL_ANY))
		return "the IDs are not for UDP, so not for L2TP";
	if (r.port != PORT_L2TP && r.port != PORT_ANY)
		return "the IDs are not for our port 1701";
	if (!id_is_host(&i, &q->flow.remote, q->sa->nat_peer))
		return "the peer's ID is not its own address";
	if (!id_is_host(&r, &q->flow.local, q->sa->nat_us))
		return "the ID for us is not our address";
	return NULL;
}

static void fail(struct quick *q, const char *reason)
{
	ike_invalid(q->sa->ike, &q->flow, reason);
	quick_free(q);
}

// The keys of both SAs from SKEYID_d, nonces, SPIs and the secret of PFS.
static int derive(const struct quick *q, struct span secret, uint8_t in[PAIR_KEY_MAX],
	uint8_t out[PAIR_KEY_MAX])
{
	size_t n = pair_key_size(&q->choice.form);
	struct ike_keymat_input input = {.hash = q->sa->hash,
		.skeyid_d = q->sa->v1.keys.d,
		.secret = secret,
		.nonce_i = q->nonce_i,
		.nonce_r = SPAN(q->nonce_r, NONCE_OURS),
		.protocol = ISAKMP_PROTO_ESP,
		.spi = q->pair->id};
	int error = ike_keymat(&input, in, n);

	input.spi = q->pair->form.spi_out;
	return error ? error : ike_keymat(&input, out, n);
}

// The peer's own address: the first NAT-OA in RFC 3947 and the only one in the drafts. For the log
// alone: inner packets are known by the SA that they came in on.
static struct ip_address nat_oa(const struct quick *q)
{
	const struct isakmp_part *oa = part(q, natt_payload_oa(q->sa->v1.vendors.natt), 0);
	struct ip_address address;

	if (!oa || isakmp_nat_oa_parse(oa->body, &address))
		return (struct ip_address){0};
	return address;
}

static void life_write(struct build *b, uint16_t type, uint64_t duration)
{
	build_u16(b, LIFE_TYPE);
	build_u16(b, type);
	build_u16(b, LIFE_DURATION);
	build_u16(b, 4);
	build_u32(b, duration < UINT32_MAX ? (uint32_t)duration : UINT32_MAX);
}

// RESPONDER-LIFETIME (RFC 2407 section 4.6.3.1), for what we hold to less than the peer named.
static void add_lifetime(const struct quick *q, struct isakmp_out *out)
{
	uint64_t peer_s = q->choice.lifetime_s ? q->choice.lifetime_s : LIFETIME_DEFAULT_S;
	uint8_t spi[4], data[24];
	struct build s = build_in(spi, sizeof(spi)), b = build_in(data, sizeof(data));

	if (q->lifetime_s < peer_s)
		life_write(&b, LIFE_SECONDS, q->lifetime_s);
	if (q->lifetime_kb != q->choice.lifetime_kb)
		life_write(&b, LIFE_KILOBYTES, q->lifetime_kb);
	if (build_length(&b) == 0)
		return;
	build_u32(&s, q->pair->id);
	isakmp_out_notify(out, ISAKMP_PROTO_ESP, spi, sizeof(spi), NOTIFY_RESPONDER_LIFETIME, data,
		build_length(&b));
}

// The smaller of both; 0 = no limit.
static uint64_t agreed_kb(uint64_t peer_kb, uint64_t ours_kb)
{
	if (!peer_kb || !ours_kb)
		return peer_kb + ours_kb;
	return peer_kb < ours_kb ? peer_kb : ours_kb;
}

static void add_nat_oa_one(
	const struct quick *q, struct isakmp_out *out, const struct ip_address *address)
{
	isakmp_out_open(out, natt_payload_oa(q->sa->v1.vendors.natt));
	build_u32(&out->b, (uint32_t)isakmp_id_type(address) << 24);
	isakmp_put_address(&out->b, address);
	isakmp_out_close(out);
}

// RFC 3947 section 5.2 wants both addresses as we see them; the drafts only our own.
static void add_nat_oa(const struct quick *q, struct isakmp_out *out)
{
	if (q->choice.form.encapsulation != ESP_UDP)
		return;
	if (q->sa->v1.vendors.natt == NATT_RFC3947)
		add_nat_oa_one(q, out, &q->flow.remote);
	add_nat_oa_one(q, out, &q->flow.local);
}

static size_t build_second(struct quick *q, struct sealed *s)
{
	const struct isakmp_part *id;
	uint8_t spi[4];
	struct build b = build_in(spi, sizeof(spi));

	build_u32(&b, q->pair->id);
	sealed_begin(s, q->sa, ISAKMP_QUICK, q->message_id, true);
	isakmp_out_sa(&s->out, &q->choice.proposal, spi, sizeof(spi), &q->choice.transform);
	isakmp_out_payload(&s->out, ISAKMP_NONCE, q->nonce_r, NONCE_OURS);
	if (q->choice.group)
		isakmp_out_payload(
			&s->out, ISAKMP_KE, q->public_r, ike_group_size(q->choice.group));
	for (size_t i = 0; i < 2 && (id = part(q, ISAKMP_ID, i)); i++)
		isakmp_out_payload(&s->out, ISAKMP_ID, id->body.at, id->body.length);
	add_nat_oa(q, &s->out);
	add_lifetime(q, &s->out);
	return sealed_end(s, q->sa, q->iv, q->nonce_i);
}

static void again(void *context);

static void send_second(struct quick *q)
{
	const struct config_ike *config = &q->sa->ike->config->ike;
	uint64_t wait = (uint64_t)config->retransmit_ms << (q->tries < 16 ? q->tries : 16);

	q->tries++;
	sa_send(q->sa, &q->flow, q->reply.bytes, q->reply.length);
	(void)timer_start(q->sa->ike->timers, &q->timer, wait, again, q);
}

// The third message did not come: ours or it was lost.
static void again(void *context)
{
	struct quick *q = context;
	struct ike_sa *sa = q->sa;
	struct log_subject subject = sa_subject(sa);

	if (q->tries <= sa->ike->config->ike.retransmit_tries) {
		sa->ike->counters.retransmits++;
		log_event(LOG_IKE_RETRANSMIT, &subject, "s:s", "message", "quick-mode");
		send_second(q);
		return;
	}
	if (q->pair)
		log_event(LOG_ESP_REFUSED, &subject, "s:s", "reason",
			"no third message of quick mode");
	quick_remember(sa, q->message_id);
	quick_free(q);
}

static void installed(void *context, int error)
{
	struct quick *q = context;
	struct sealed s;
	size_t length;

	if (error) {
		q->pair->posted = false;
		refuse(q, "the dataplane refused the pair", NULL, q->pair->form.spi_out,
			NOTIFY_NO_PROPOSAL_CHOSEN);
		return;
	}
	length = build_second(q, &s);
	if (length == 0 || reply_keep(&q->reply, q->first, s.buffer, length)) {
		fail(q, "no answer to quick mode could be built");
		return;
	}
	q->state = QUICK_WAIT_THIRD;
	send_second(q);
}

// With or without a secret of PFS. The exchange may be over when this returns.
static void install(struct quick *q, struct span secret)
{
	uint8_t in[PAIR_KEY_MAX], out[PAIR_KEY_MAX];
	int error = derive(q, secret, in, out);

	q->pair->inside = nat_oa(q);
	q->state = QUICK_WAIT_INSTALL;
	if (!error)
		error = pair_install(q->pair, &q->flow, in, out, installed, q);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(out, sizeof(out));
	if (error)
		fail(q, "the pair could not be installed");
}

static void dh_done(void *owner, const struct dh_job *job)
{
	struct quick *q = owner;

	if (job->error) {
		fail(q, "public value that is refused");
		return;
	}
	memcpy(q->public_r, job->public, ike_group_size(q->choice.group));
	install(q, SPAN(job->secret, ike_group_secret_size(q->choice.group)));
}

static void go_on(struct quick *q)
{
	struct esp_terms terms = terms_of(q);
	const struct config_ike *config = &q->sa->ike->config->ike;
	uint64_t peer_s = q->choice.lifetime_s ? q->choice.lifetime_s : LIFETIME_DEFAULT_S;

	q->lifetime_s = peer_s < config->esp_lifetime_s ? peer_s : config->esp_lifetime_s;
	q->lifetime_kb =
		agreed_kb(q->choice.lifetime_kb, (uint64_t)config->esp_lifetime_mib * 1024);
	if (q->lifetime_kb < UINT64_MAX >> 10)
		q->pair->agreed.bytes = q->lifetime_kb << 10;
	choice_esp_keep(q->sa->peer, part(q, ISAKMP_SA, 0)->body, &terms);
	q->nonce_i = part(q, ISAKMP_NONCE, 0)->body;
	if (RAND_bytes(q->nonce_r, NONCE_OURS) != 1)
		fail(q, "no random numbers");
	else if (q->choice.group == 0)
		install(q, SPAN(NULL, 0));
	else {
		q->state = QUICK_WAIT_DH;
		if (dh_start_known(
			    &q->job, q->choice.group, part(q, ISAKMP_KE, 0)->body, dh_done, q))
			fail(q, "too much to do");
	}
}

// The peer is still who it was.
static void trusted(struct ike_sa *sa, uint32_t message_id)
{
	struct quick *q = quick_find(sa, message_id);

	if (q && q->state == QUICK_WAIT_TRUST)
		go_on(q);
}

// An authentic first message.
static void judge(struct quick *q)
{
	const struct config_ike *config = &q->sa->ike->config->ike;
	const struct isakmp_part *sa = part(q, ISAKMP_SA, 0), *nonce = part(q, ISAKMP_NONCE, 0);
	struct esp_terms terms = terms_of(q);
	struct isakmp_sa offer;
	const char *reason;

	if (!sa || isakmp_sa_parse(sa->body, &offer) || !nonce || nonce->body.length < NONCE_MIN ||
		nonce->body.length > NONCE_MAX) {
		fail(q, "malformed first message of quick mode");
	} else if (proposal_choose_esp(config, &offer, &terms, &q->choice)) {
		refuse(q, proposal_esp_reason(config, &offer, &terms), &offer, 0,
			NOTIFY_NO_PROPOSAL_CHOSEN);
	} else if ((reason = ids_reason(q))) {
		refuse(q, reason, &offer, q->choice.form.spi_out, NOTIFY_INVALID_ID_INFORMATION);
	} else if (!(q->pair = pair_create(q->sa, &q->choice.form))) {
		refuse(q, "the table of SAs is full", &offer, q->choice.form.spi_out,
			NOTIFY_NO_PROPOSAL_CHOSEN);
	} else {
		q->state = QUICK_WAIT_TRUST;
		// The exchange may be over, and the SA be gone, before this returns.
		if (recheck(q->sa, trusted, q->message_id))
			fail(q, "too much to do");
	}
}

static void first(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct quick *q = quick_create(sa, flow, h);

	if (!q) {
		ike_invalid(sa->ike, flow, "too many quick modes");
		return;
	}
	reply_digest(message, h->length, q->first);
	if (sealed_open(sa, q->iv, h, message, q->plain, &q->chain) ||
		!sealed_authentic(sa, h->message_id, SPAN(NULL, 0), &q->chain)) {
		fail(q, "quick mode is not authentic");
		return;
	}
	if (informational_has(&q->chain, NOTIFY_INITIAL_CONTACT))
		peer_initial_contact(sa);
	judge(q);
}

static bool third_is_authentic(
	struct quick *q, const struct isakmp_header *h, const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX];
	struct isakmp_chain chain;

	memcpy(iv, q->iv, sizeof(iv));
	return !sealed_open(q->sa, iv, h, message, plain, &chain) &&
	       sealed_third_authentic(
		       q->sa, h->message_id, q->nonce_i, SPAN(q->nonce_r, NONCE_OURS), &chain);
}

// What holds for the pair, and what we need when it is us who renew it.
static void make_terms(const struct quick *q, struct esp_pair *pair)
{
	const struct isakmp_part *peer = part(q, ISAKMP_ID, 0), *us = part(q, ISAKMP_ID, 1);
	const struct span none = SPAN(NULL, 0);

	pair->agreed.bytes = q->lifetime_kb << 10;
	pair->terms = quick_terms(q->choice.group, peer ? peer->body : none, us ? us->body : none);
}

// The peer has the pair. The SA and its peer may be gone afterwards.
static void complete(struct quick *q)
{
	struct esp_pair *pair = q->pair;
	uint64_t lifetime_ms = q->lifetime_s * 1000;

	quick_remember(q->sa, q->message_id);
	q->pair = NULL;
	if (pair)
		make_terms(q, pair);
	quick_free(q);
	// Without one it was confirmed early.
	if (pair)
		pair_confirm(pair, lifetime_ms);
}

// The exchange goes on: should the second message be lost, it is sent again.
void quick_confirm_early(struct ike_peer *peer)
{
	struct esp_pair *pair = NULL;
	struct ike_sa *sa;
	struct quick *q, *newest = NULL;

	LIST_FOREACH(sa, &peer->sas, of_peer)
	LIST_FOREACH(q, &sa->v1.quicks, of_sa)
	if (q->state == QUICK_WAIT_THIRD && q->pair &&
		(!pair || q->pair->created > pair->created)) {
		newest = q;
		pair = q->pair;
	}
	if (!newest)
		return;
	newest->pair = NULL;
	make_terms(newest, pair);
	pair_confirm(pair, newest->lifetime_s * 1000);
}

static struct quick *quick_of_pair(const struct esp_pair *pair)
{
	struct ike_sa *sa;
	struct quick *q;

	LIST_FOREACH(sa, &pair->peer->sas, of_peer)
	LIST_FOREACH(q, &sa->v1.quicks, of_sa)
	if (q->pair == pair)
		return q;
	return NULL;
}

void quick_pair_used(const struct esp_pair *pair)
{
	struct quick *q = quick_of_pair(pair);

	if (q && q->state == QUICK_WAIT_THIRD)
		complete(q);
}

// The third message is fresh, for it answers our nonce: the peer is where it came from.
static void third(struct quick *q, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct ike_sa *sa = q->sa;

	if (!third_is_authentic(q, h, message)) {
		ike_invalid(sa->ike, flow, "third message of quick mode is not authentic");
		return;
	}
	sa_follow(sa, flow);
	peer_heard(sa->peer, timers_now(sa->ike->timers));
	complete(q);
}

void quick_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct quick *q = quick_find(sa, h->message_id);

	if (quick_ours_input(sa, flow, h, message))
		return;
	if (message_id_done(sa, h->message_id))
		return;
	if (!q)
		first(sa, flow, h, message);
	else if (reply_fits(&q->reply, message, h->length))
		reply_again(sa, &q->reply, &q->flow);
	else if (q->state == QUICK_WAIT_THIRD)
		third(q, flow, h, message);
}
