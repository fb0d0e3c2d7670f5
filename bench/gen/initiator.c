// SPDX-License-Identifier: Apache-2.0

// See initiator.h. One transform is proposed, the one that the options name: the load is to be what
// was asked for, and a gateway that wants another is a failure to count.
//
// The first half of our cookie is the peer's number, so an answer finds its peer without a search.
// What we sent last is kept and sent again until the answer comes. A gateway that begins a quick
// mode of its own is not answered; that is counted.

#include "initiator.h"

#include "contract/limits.h"
#include "controlplane/ike/crypto.h"
#include "controlplane/ike/group.h"
#include "controlplane/ike/v1/natt.h"
#include "initiator2.h"
#include "net.h"
#include "offer.h"
#include "peer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	NONCE = 16,
	NONCE_MAX = 256,
	MESSAGE_MAX = 1400,
	OLD_PAIR_S = 1, // that the pair before a rekey is kept
};

enum state { SENT_FIRST, SENT_THIRD, SENT_FIFTH, SENT_QUICK, UP };

struct initiator {
	uint8_t state;
	uint16_t tries;
	struct timer timer;
	struct timer rekey; // to the next quick mode, or to the end of the old pair
	uint64_t rekey_began;
	bool rekeying;
	uint8_t cookie_i[ISAKMP_COOKIE], cookie_r[ISAKMP_COOKIE];
	uint8_t nonce_i[NONCE], nonce_r[NONCE_MAX];
	uint16_t nonce_r_length;
	uint8_t public_i[IKE_DH_MAX], public_r[IKE_DH_MAX];
	uint8_t sa_body[96];
	size_t sa_length;
	struct ike_dh *dh;
	struct ike_keys keys;
	uint32_t message_id, next_id;
	uint32_t spi, gateway_spi;
	uint8_t quick_iv[IKE_BLOCK_MAX];
	bool natt;
	uint16_t last_length;
	uint8_t last[MESSAGE_MAX];
};

static const struct options *options_of(const struct peer *p)
{
	return &p->gen->options;
}

static size_t hash_size(const struct peer *p)
{
	return ike_hash_size(options_of(p)->ike_hash);
}

// ---- sending

static void send_message(struct peer *p, const uint8_t *message, size_t length)
{
	bool floated = p->nat && p->ike->state >= SENT_FIFTH;

	net_send_udp(p, floated ? p->port_4500 : p->port_500, floated ? PORT_NAT_T : PORT_IKE,
		floated, message, length);
}

static enum failure timeout_of(const struct peer *p)
{
	return p->ike->state < SENT_QUICK ? FAILURE_MAIN_TIMEOUT : FAILURE_QUICK_TIMEOUT;
}

static void retransmit(void *context)
{
	struct peer *p = context;
	struct initiator *i = p->ike;

	if (i->tries++ == options_of(p)->tries) {
		peer_fail(p, timeout_of(p));
		return;
	}
	p->gen->counters.ike_retransmissions++;
	send_message(p, i->last, i->last_length);
	timer_start(
		p->gen->timers, &i->timer, options_of(p)->retransmit_ms << i->tries, retransmit, p);
}

// Sends what is in last and waits for the answer, unless it is the end of an exchange.
static void send_last(struct peer *p, size_t length, bool answer)
{
	struct initiator *i = p->ike;

	i->last_length = (uint16_t)length;
	i->tries = 0;
	send_message(p, i->last, length);
	if (answer)
		timer_start(p->gen->timers, &i->timer, options_of(p)->retransmit_ms, retransmit, p);
	else
		timer_stop(p->gen->timers, &i->timer);
}

static struct isakmp_out begin(
	struct peer *p, uint8_t *buffer, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct isakmp_header h = {
		.version = ISAKMP_VERSION, .exchange = exchange, .flags = flags, .message_id = id};

	memcpy(h.initiator, p->ike->cookie_i, ISAKMP_COOKIE);
	memcpy(h.responder, p->ike->cookie_r, ISAKMP_COOKIE);
	return isakmp_out_begin(buffer, MESSAGE_MAX, &h);
}

// Pads, encrypts and returns the length.
static size_t seal(struct peer *p, struct isakmp_out *out, uint8_t *iv)
{
	const struct options *o = options_of(p);
	size_t length;

	isakmp_out_pad(out, ike_encryption_block(o->ike_encryption));
	length = isakmp_out_end(out);
	if (length == 0 || ike_encrypt(o->ike_encryption, p->ike->keys.e, iv,
				   out->b.start + ISAKMP_HEADER, length - ISAKMP_HEADER))
		return 0;
	return length;
}

// Decrypts in place and parses. iv goes on only when that makes sense.
static bool unseal(struct peer *p, uint8_t *iv, uint8_t *message, const struct isakmp_header *h,
	struct isakmp_chain *chain)
{
	uint8_t next[IKE_BLOCK_MAX];

	memcpy(next, iv, sizeof(next));
	if (!(h->flags & ISAKMP_ENCRYPTED) ||
		ike_decrypt(options_of(p)->ike_encryption, p->ike->keys.e, next,
			message + ISAKMP_HEADER, h->length - ISAKMP_HEADER) ||
		isakmp_chain_parse(
			h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, chain))
		return false;
	memcpy(iv, next, sizeof(next));
	return true;
}

// ---- main mode

void initiator_start(struct peer *p)
{
	struct initiator *i = p->ike;
	struct config_ike vendors = {.vendor_nat_t_rfc3947 = true, .vendor_dpd = true};
	struct vendor_ids ids = {.natt = NATT_RFC3947};
	struct isakmp_out out;

	if (options_of(p)->ike_version == 2) {
		initiator2_start(p);
		return;
	}
	if (!i)
		i = p->ike = calloc(1, sizeof(*i));
	if (!i) {
		peer_fail(p, FAILURE_MEMORY);
		return;
	}
	*i = (struct initiator){.next_id = 1};
	set_u32(i->cookie_i, p->index);
	RAND_bytes(i->cookie_i + 4, 4);
	i->sa_length = offer_ike(options_of(p), i->sa_body, sizeof(i->sa_body));
	out = begin(p, i->last, ISAKMP_MAIN, 0, 0);
	isakmp_out_payload(&out, ISAKMP_SA, i->sa_body, i->sa_length);
	vendor_ids_write(&vendors, &ids, &out);
	i->state = SENT_FIRST;
	send_last(p, isakmp_out_end(&out), true);
}

// What the peer takes for its address. Behind a NAT it is not the one that the gateway sees, and
// in homes of the same make it may be the same everywhere.
static uint32_t inner_address(const struct peer *p)
{
	if (!p->nat)
		return p->address;
	return options_of(p)->same_inner ? 0xc0a80102 : 0xc0a80001 + p->index;
}

static void add_nat_d(struct peer *p, struct isakmp_out *out)
{
	const struct options *o = options_of(p);
	struct initiator *i = p->ike;
	struct ip_address theirs = address_from_u32(o->gateway);
	struct ip_address ours = address_from_u32(inner_address(p));
	uint8_t hash[NATT_HASH_MAX];
	size_t n;

	if (!i->natt)
		return;
	n = natt_hash(o->ike_hash, i->cookie_i, i->cookie_r, &theirs, PORT_IKE, hash);
	isakmp_out_payload(out, ISAKMP_NAT_D, hash, n);
	n = natt_hash(o->ike_hash, i->cookie_i, i->cookie_r, &ours, PORT_IKE, hash);
	isakmp_out_payload(out, ISAKMP_NAT_D, hash, n);
}

static void send_third(struct peer *p)
{
	const struct options *o = options_of(p);
	struct initiator *i = p->ike;
	struct isakmp_out out = begin(p, i->last, ISAKMP_MAIN, 0, 0);
	uint64_t began = gen_cpu_ns();

	i->dh = ike_dh_generate(o->ike_group, i->public_i);
	p->gen->counters.dh_ns += gen_cpu_ns() - began;
	if (!i->dh) {
		peer_fail(p, FAILURE_MEMORY);
		return;
	}
	RAND_bytes(i->nonce_i, NONCE);
	isakmp_out_payload(&out, ISAKMP_KE, i->public_i, ike_group_size(o->ike_group));
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, NONCE);
	add_nat_d(p, &out);
	i->state = SENT_THIRD;
	send_last(p, isakmp_out_end(&out), true);
}

static void on_second(struct peer *p, const struct isakmp_header *h, const uint8_t *message)
{
	struct config_ike known = {.vendor_nat_t_rfc3947 = true};
	struct vendor_ids ids = {0};
	struct isakmp_chain chain;

	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!isakmp_chain_find(&chain, ISAKMP_SA, 0)) {
		peer_fail(p, FAILURE_MAIN_INVALID);
		return;
	}
	vendor_ids_read(&known, &chain, &ids);
	p->ike->natt = ids.natt == NATT_RFC3947;
	memcpy(p->ike->cookie_r, h->responder, ISAKMP_COOKIE);
	send_third(p);
}

static int derive(struct peer *p)
{
	const struct options *o = options_of(p);
	struct initiator *i = p->ike;
	uint8_t secret[IKE_DH_MAX];
	size_t size = ike_group_size(o->ike_group);
	uint64_t began = gen_cpu_ns();
	const struct ike_keys_input in = {.hash = o->ike_hash,
		.encryption = o->ike_encryption,
		.psk = SPAN((const uint8_t *)o->psk, strlen(o->psk)),
		.secret = SPAN(secret, ike_group_secret_size(o->ike_group)),
		.nonce_i = SPAN(i->nonce_i, NONCE),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.public_i = SPAN(i->public_i, size),
		.public_r = SPAN(i->public_r, size),
		.cookie_i = i->cookie_i,
		.cookie_r = i->cookie_r};
	int error = ike_dh_shared(o->ike_group, i->dh, SPAN(i->public_r, size), secret);

	p->gen->counters.dh_ns += gen_cpu_ns() - began;
	p->gen->counters.dh_exchanges++;
	ike_dh_free(i->dh);
	i->dh = NULL;
	error = error ? error : ike_keys_derive(&in, &i->keys);
	OPENSSL_cleanse(secret, sizeof(secret));
	return error;
}

// HASH_I or, with the sides the other way round, HASH_R (RFC 2409 section 5).
static int hash_main(struct peer *p, bool initiator, struct span id, uint8_t *out)
{
	const struct options *o = options_of(p);
	const struct initiator *i = p->ike;
	size_t size = ike_group_size(o->ike_group);
	struct span gi = SPAN(i->public_i, size), gr = SPAN(i->public_r, size);
	struct span ci = SPAN(i->cookie_i, ISAKMP_COOKIE), cr = SPAN(i->cookie_r, ISAKMP_COOKIE);
	const struct span parts[] = {initiator ? gi : gr, initiator ? gr : gi, initiator ? ci : cr,
		initiator ? cr : ci, SPAN(i->sa_body, i->sa_length), id};

	return ike_prf(o->ike_hash, SPAN(i->keys.skeyid, hash_size(p)), parts, 6, out);
}

static void send_fifth(struct peer *p)
{
	struct initiator *i = p->ike;
	struct isakmp_out out = begin(p, i->last, ISAKMP_MAIN, ISAKMP_ENCRYPTED, 0);
	uint8_t id[8] = {ID_IPV4_ADDR}, hash[IKE_HASH_MAX];
	size_t length;

	set_u32(id + 4, inner_address(p));
	if (hash_main(p, true, SPAN(id, sizeof(id)), hash)) {
		peer_fail(p, FAILURE_MEMORY);
		return;
	}
	isakmp_out_payload(&out, ISAKMP_ID, id, sizeof(id));
	isakmp_out_payload(&out, ISAKMP_HASH, hash, hash_size(p));
	length = seal(p, &out, i->keys.iv);
	i->state = SENT_FIFTH;
	send_last(p, length, true);
}

static void on_fourth(struct peer *p, const struct isakmp_header *h, const uint8_t *message)
{
	struct initiator *i = p->ike;
	const struct isakmp_part *ke, *nonce;
	struct isakmp_chain chain;

	if (isakmp_chain_parse(h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain))
		return;
	ke = isakmp_chain_find(&chain, ISAKMP_KE, 0);
	nonce = isakmp_chain_find(&chain, ISAKMP_NONCE, 0);
	// The second message come again, when our third was lost on the way.
	if (!ke && isakmp_chain_find(&chain, ISAKMP_SA, 0))
		return;
	if (!ke || ke->body.length != ike_group_size(options_of(p)->ike_group) || !nonce ||
		nonce->body.length > NONCE_MAX) {
		peer_fail(p, FAILURE_MAIN_INVALID);
		return;
	}
	memcpy(i->public_r, ke->body.at, ke->body.length);
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = (uint16_t)nonce->body.length;
	if (derive(p))
		peer_fail(p, FAILURE_MAIN_INVALID);
	else
		send_fifth(p);
}

static void send_quick(struct peer *p);

static void on_sixth(struct peer *p, const struct isakmp_header *h, uint8_t *message)
{
	struct initiator *i = p->ike;
	const struct isakmp_part *id, *part;
	struct isakmp_chain chain;
	uint8_t hash[IKE_HASH_MAX];

	// A fourth message come again is in clear.
	if (!(h->flags & ISAKMP_ENCRYPTED))
		return;
	if (!unseal(p, i->keys.iv, message, h, &chain)) {
		peer_fail(p, FAILURE_MAIN_INVALID);
		return;
	}
	id = isakmp_chain_find(&chain, ISAKMP_ID, 0);
	part = isakmp_chain_find(&chain, ISAKMP_HASH, 0);
	if (!id || !part || part->body.length != hash_size(p) ||
		hash_main(p, false, id->body, hash) ||
		CRYPTO_memcmp(hash, part->body.at, hash_size(p)) != 0) {
		peer_fail(p, FAILURE_MAIN_INVALID);
		return;
	}
	gen_phase(p->gen, PHASE_MAIN_MODE, &p->began);
	send_quick(p);
}

// ---- quick mode and what else comes after main mode

static int exchange_iv(struct peer *p, uint32_t id, uint8_t *iv)
{
	const struct options *o = options_of(p);
	uint8_t bytes[4], hash[IKE_HASH_MAX];
	size_t block = ike_encryption_block(o->ike_encryption);
	const struct span parts[] = {SPAN(p->ike->keys.iv, block), SPAN(bytes, sizeof(bytes))};
	int error;

	set_u32(bytes, id);
	error = ike_digest(o->ike_hash, parts, 2, hash);
	if (!error)
		memcpy(iv, hash, block);
	return error;
}

// prf(SKEYID_a, [0 |] M-ID | extra | rest)
static int hash_later(
	struct peer *p, bool third, uint32_t id, struct span extra, struct span rest, uint8_t *out)
{
	uint8_t bytes[5] = {0};
	const struct span parts[] = {third ? SPAN(bytes, 5) : SPAN(bytes + 1, 4), extra, rest};

	set_u32(bytes + 1, id);
	return ike_prf(options_of(p)->ike_hash, SPAN(p->ike->keys.a, hash_size(p)), parts, 3, out);
}

static struct isakmp_out begin_later(
	struct peer *p, uint8_t *buffer, uint8_t exchange, uint32_t id, size_t *hash_at)
{
	struct isakmp_out out = begin(p, buffer, exchange, ISAKMP_ENCRYPTED, id);

	isakmp_out_open(&out, ISAKMP_HASH);
	*hash_at = build_length(&out.b);
	build_zero(&out.b, hash_size(p));
	isakmp_out_close(&out);
	return out;
}

// Fills in the hash over all that stands behind it, and encrypts.
static size_t end_later(
	struct peer *p, struct isakmp_out *out, uint32_t id, size_t hash_at, uint8_t *iv)
{
	size_t rest = hash_at + hash_size(p);

	if (out->b.failed ||
		hash_later(p, false, id, SPAN(NULL, 0),
			SPAN(out->b.start + rest, build_length(&out->b) - rest),
			out->b.start + hash_at) ||
		exchange_iv(p, id, iv))
		return 0;
	return seal(p, out, iv);
}

static void add_ids(struct peer *p, struct isakmp_out *out)
{
	uint8_t id[8] = {ID_IPV4_ADDR, 17, PORT_L2TP >> 8, PORT_L2TP & 0xff};

	set_u32(id + 4, inner_address(p));
	isakmp_out_payload(out, ISAKMP_ID, id, sizeof(id));
	set_u32(id + 4, options_of(p)->gateway);
	isakmp_out_payload(out, ISAKMP_ID, id, sizeof(id));
}

static void send_quick(struct peer *p)
{
	struct initiator *i = p->ike;
	uint8_t sa[96];
	struct isakmp_out out;
	size_t hash_at, length;

	i->message_id = i->next_id++;
	if (i->rekeying)
		p->generation++;
	i->spi = peer_spi(p);
	RAND_bytes(i->nonce_i, NONCE);
	out = begin_later(p, i->last, ISAKMP_QUICK, i->message_id, &hash_at);
	length = offer_esp(options_of(p), p->nat, i->spi, sa, sizeof(sa));
	isakmp_out_payload(&out, ISAKMP_SA, sa, length);
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, NONCE);
	add_ids(p, &out);
	length = end_later(p, &out, i->message_id, hash_at, i->quick_iv);
	i->state = SENT_QUICK;
	send_last(p, length, true);
}

static int open_sa(struct peer *p, struct esp_sa *sa, uint32_t spi, bool decrypt)
{
	const struct options *o = options_of(p);
	struct initiator *i = p->ike;
	uint8_t material[128];
	const struct ike_keymat_input in = {.hash = o->ike_hash,
		.skeyid_d = i->keys.d,
		.nonce_i = SPAN(i->nonce_i, NONCE),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.protocol = ISAKMP_PROTO_ESP,
		.spi = spi};
	int error = ike_keymat(&in, material, esp_keymat_size(o->cipher, o->integrity));

	if (!error)
		error = esp_sa_open(
			p->gen->esp, sa, o->cipher, o->integrity, spi, material, decrypt);
	OPENSSL_cleanse(material, sizeof(material));
	return error;
}

static bool authentic(struct peer *p, const struct isakmp_header *h,
	const struct isakmp_chain *chain, struct span extra)
{
	uint8_t hash[IKE_HASH_MAX];
	const uint8_t *rest;

	if (chain->count == 0 || chain->parts[0].type != ISAKMP_HASH ||
		chain->parts[0].body.length != hash_size(p))
		return false;
	rest = chain->parts[0].body.at + hash_size(p);
	return hash_later(p, false, h->message_id, extra, SPAN(rest, (size_t)(chain->end - rest)),
		       hash) == 0 &&
	       CRYPTO_memcmp(hash, chain->parts[0].body.at, hash_size(p)) == 0;
}

static bool take_pair(struct peer *p, const struct isakmp_chain *chain)
{
	struct initiator *i = p->ike;
	const struct isakmp_part *part = isakmp_chain_find(chain, ISAKMP_SA, 0);
	const struct isakmp_part *nonce = isakmp_chain_find(chain, ISAKMP_NONCE, 0);
	struct isakmp_sa sa;

	if (!part || !nonce || nonce->body.length > NONCE_MAX || isakmp_sa_parse(part->body, &sa) ||
		sa.proposals[0].spi.length != 4)
		return false;
	i->gateway_spi = get_u32(sa.proposals[0].spi.at);
	if (i->rekeying) {
		// Opening the new one closes what is in its place.
		p->old = p->in;
		memset(&p->in, 0, sizeof(p->in));
	}
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = (uint16_t)nonce->body.length;
	return open_sa(p, &p->in, i->spi, true) == 0 &&
	       open_sa(p, &p->out, i->gateway_spi, false) == 0;
}

static void send_quick_third(struct peer *p)
{
	struct initiator *i = p->ike;
	size_t hash_at, length;
	struct isakmp_out out = begin_later(p, i->last, ISAKMP_QUICK, i->message_id, &hash_at);

	(void)hash_later(p, true, i->message_id, SPAN(i->nonce_i, NONCE),
		SPAN(i->nonce_r, i->nonce_r_length), i->last + hash_at);
	length = seal(p, &out, i->quick_iv);
	i->state = UP;
	send_last(p, length, false);
}

static void send_delete(struct peer *p, uint8_t protocol, const uint8_t *spi, uint8_t size);

static void start_rekey_timer(struct peer *p, double seconds, void (*fire)(void *context))
{
	if (seconds > 0)
		timer_start(p->gen->timers, &p->ike->rekey, (uint64_t)(seconds * 1000), fire, p);
}

static void rekey(void *context)
{
	struct peer *p = context;

	p->ike->rekeying = true;
	p->ike->rekey_began = rte_rdtsc();
	send_quick(p);
}

// Whatever was on its way under the old pair has arrived.
static void drop_old(void *context)
{
	struct peer *p = context;
	uint8_t spi[4];

	set_u32(spi, p->old.spi);
	send_delete(p, ISAKMP_PROTO_ESP, spi, sizeof(spi));
	esp_sa_close(&p->old);
	start_rekey_timer(p, options_of(p)->rekey - OLD_PAIR_S, rekey);
}

static void rekeyed(struct peer *p)
{
	p->gen->counters.rekeys++;
	gen_phase(p->gen, PHASE_REKEY, &p->ike->rekey_began);
	start_rekey_timer(p, OLD_PAIR_S, drop_old);
}

static void on_quick(struct peer *p, const struct isakmp_header *h, uint8_t *message)
{
	struct initiator *i = p->ike;
	struct isakmp_chain chain;

	if (h->message_id != i->message_id) {
		p->gen->counters.rekeys_refused++;
		return;
	}
	// Our third message was lost.
	if (i->state == UP) {
		send_message(p, i->last, i->last_length);
		return;
	}
	if (!unseal(p, i->quick_iv, message, h, &chain) ||
		!authentic(p, h, &chain, SPAN(i->nonce_i, NONCE)) || !take_pair(p, &chain)) {
		peer_fail(p, FAILURE_QUICK_INVALID);
		return;
	}
	send_quick_third(p);
	if (i->rekeying) {
		rekeyed(p);
		return;
	}
	gen_phase(p->gen, PHASE_QUICK_MODE, &p->began);
	// Spread over the time, or all peers would come at once.
	start_rekey_timer(p, options_of(p)->rekey * (1 + p->index % 16) / 16, rekey);
	peer_ike_up(p);
}

static void send_notify(struct peer *p, uint16_t type, struct span data)
{
	struct initiator *i = p->ike;
	uint8_t buffer[MESSAGE_MAX], spi[2 * ISAKMP_COOKIE], iv[IKE_BLOCK_MAX];
	uint32_t id = i->next_id++;
	size_t hash_at, length;
	struct isakmp_out out = begin_later(p, buffer, ISAKMP_INFORMATIONAL, id, &hash_at);

	memcpy(spi, i->cookie_i, ISAKMP_COOKIE);
	memcpy(spi + ISAKMP_COOKIE, i->cookie_r, ISAKMP_COOKIE);
	isakmp_out_notify(&out, ISAKMP_PROTO_ISAKMP, spi, sizeof(spi), type, data.at, data.length);
	length = end_later(p, &out, id, hash_at, iv);
	if (length)
		send_message(p, buffer, length);
}

// Refused, while it comes up; a question whether we live, or the end, later.
static void on_notify(struct peer *p, struct span body)
{
	struct isakmp_notify_body n;

	if (isakmp_notify_parse(body, &n))
		return;
	if (n.type == NOTIFY_R_U_THERE && p->ike->state >= SENT_QUICK)
		send_notify(p, NOTIFY_R_U_THERE_ACK, n.data);
	else if (n.type < NOTIFY_ERRORS_END && p->ike->state < UP)
		peer_fail(p,
			p->ike->state < SENT_QUICK ? FAILURE_MAIN_REFUSED : FAILURE_QUICK_REFUSED);
}

// The end, unless it is of a pair that has been replaced: the gateway names its inbound SPI.
static void on_delete(struct peer *p, struct span body)
{
	struct isakmp_delete_body d;

	if (p->ike->state < SENT_QUICK || isakmp_delete_parse(body, &d))
		return;
	if (d.protocol == ISAKMP_PROTO_ESP &&
		(d.spi_size != 4 || d.count != 1 || get_u32(d.spis.at) != p->out.spi))
		return;
	peer_fail(p, FAILURE_IKE_DELETED);
}

static void on_informational(struct peer *p, const struct isakmp_header *h, uint8_t *message)
{
	struct isakmp_chain chain;
	const struct isakmp_part *part;
	uint8_t iv[IKE_BLOCK_MAX];

	if (h->flags & ISAKMP_ENCRYPTED) {
		if (p->ike->state < SENT_QUICK || exchange_iv(p, h->message_id, iv) ||
			!unseal(p, iv, message, h, &chain) ||
			!authentic(p, h, &chain, SPAN(NULL, 0)))
			return;
	} else if (p->ike->state >= SENT_QUICK ||
		   isakmp_chain_parse(
			   h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain)) {
		return;
	}
	part = isakmp_chain_find(&chain, ISAKMP_NOTIFY, 0);
	if (part)
		on_notify(p, part->body);
	else if ((part = isakmp_chain_find(&chain, ISAKMP_DELETE, 0)))
		on_delete(p, part->body);
}

struct peer *initiator_find(struct gen *g, const uint8_t *message, size_t length)
{
	uint32_t index;
	struct peer *p;

	if (length < ISAKMP_HEADER)
		return NULL;
	index = get_u32(message);
	p = index < g->peer_count ? &g->peers[index] : NULL;
	if (p && p->ike && memcmp(p->ike->cookie_i, message, ISAKMP_COOKIE) == 0)
		return p;
	return p && initiator2_is(p, message) ? p : NULL;
}

void initiator_input(struct peer *p, const uint8_t *message, size_t length)
{
	uint8_t copy[2048];
	struct isakmp_header h;

	if (p->ike2) {
		initiator2_input(p, message, length);
		return;
	}
	if (length > sizeof(copy) || isakmp_header_parse(message, length, &h))
		return;
	memcpy(copy, message, length);
	if (p->ike->state > SENT_FIRST && memcmp(h.responder, p->ike->cookie_r, ISAKMP_COOKIE) != 0)
		return;
	if (h.exchange == ISAKMP_INFORMATIONAL)
		on_informational(p, &h, copy);
	else if (h.exchange == ISAKMP_QUICK && p->ike->state >= SENT_QUICK)
		on_quick(p, &h, copy);
	else if (h.exchange == ISAKMP_MAIN && p->ike->state == SENT_FIRST)
		on_second(p, &h, copy);
	else if (h.exchange == ISAKMP_MAIN && p->ike->state == SENT_THIRD)
		on_fourth(p, &h, copy);
	else if (h.exchange == ISAKMP_MAIN && p->ike->state == SENT_FIFTH)
		on_sixth(p, &h, copy);
}

static void send_delete(struct peer *p, uint8_t protocol, const uint8_t *spi, uint8_t size)
{
	uint8_t buffer[MESSAGE_MAX], iv[IKE_BLOCK_MAX];
	uint32_t id = p->ike->next_id++;
	size_t hash_at, length;
	struct isakmp_out out = begin_later(p, buffer, ISAKMP_INFORMATIONAL, id, &hash_at);

	isakmp_out_delete(&out, protocol, size, 1, spi);
	length = end_later(p, &out, id, hash_at, iv);
	if (length)
		send_message(p, buffer, length);
}

void initiator_delete(struct peer *p)
{
	struct initiator *i = p->ike;
	uint8_t spi[4], cookies[2 * ISAKMP_COOKIE];

	initiator2_delete(p);
	if (i && p->in.keys) {
		set_u32(spi, p->in.spi);
		send_delete(p, ISAKMP_PROTO_ESP, spi, sizeof(spi));
		memcpy(cookies, i->cookie_i, ISAKMP_COOKIE);
		memcpy(cookies + ISAKMP_COOKIE, i->cookie_r, ISAKMP_COOKIE);
		send_delete(p, ISAKMP_PROTO_ISAKMP, cookies, sizeof(cookies));
	}
	initiator_free(p);
}

void initiator_free(struct peer *p)
{
	struct initiator *i = p->ike;

	initiator2_free(p);
	if (!i)
		return;
	timer_stop(p->gen->timers, &i->timer);
	timer_stop(p->gen->timers, &i->rekey);
	ike_dh_free(i->dh);
	OPENSSL_cleanse(i, sizeof(*i));
	free(i);
	p->ike = NULL;
	esp_sa_close(&p->in);
	esp_sa_close(&p->old);
	esp_sa_close(&p->out);
}
