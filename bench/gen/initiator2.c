// SPDX-License-Identifier: Apache-2.0

// See initiator2.h. One proposal is made, the one that the options name. The first half of our SPI
// is the peer's number, so an answer finds its peer without a search. One request of ours is under
// way at a time and is sent again until its answer comes; the gateway's requests are answered.
// A gateway that wants to rekey is refused, and that is counted.

#include "initiator2.h"

#include "contract/limits.h"
#include "controlplane/ike/group.h"
#include "controlplane/ike/v2/proposal.h"
#include "controlplane/ike/v2/sealed.h"
#include "net.h"
#include "peer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	NONCE = 32,
	FIRST_MAX = 1200, // bytes of our IKE_SA_INIT and of the gateway's
	OLD_PAIR_S = 1,   // that the pair before a rekey is kept
	PROTO_UDP = 17,
};

enum state { SENT_INIT, SENT_AUTH, UP, SENT_CHILD };

struct initiator2 {
	uint8_t state;
	uint16_t tries;
	struct timer timer;
	struct timer rekey; // to the next pair, or to the end of the old one
	uint64_t rekey_began;
	uint8_t spi_i[V2_SPI], spi_r[V2_SPI];
	uint8_t nonce_i[NONCE], nonce_r[V2_NONCE_MAX];
	uint16_t nonce_r_length;
	uint8_t cookie[64];
	uint16_t cookie_length;
	uint8_t public_i[IKE_DH_MAX];
	uint8_t first_i[FIRST_MAX], first_r[FIRST_MAX]; // for AUTH
	uint16_t first_i_length, first_r_length;
	struct ike_dh *dh;
	struct v2_keys keys;
	uint32_t next_id;         // of our requests
	uint32_t expect_id;       // of the gateway's next request
	uint32_t old_spi;         // that a rekey replaces
	struct v2_message last;   // our newest request
	struct v2_message answer; // our newest answer
};

static const struct options *options_of(const struct peer *p)
{
	return &p->gen->options;
}

static struct v2_suite suite_of(const struct peer *p)
{
	const struct options *o = options_of(p);

	return (struct v2_suite){o->ike_encryption, o->ike_hash, o->ike_group};
}

static struct esp_form form_of(const struct peer *p)
{
	return (struct esp_form){
		.cipher = options_of(p)->cipher, .integrity = options_of(p)->integrity};
}

static uint32_t inside_of(const struct peer *p)
{
	return p->nat ? 0xc0a80001 + p->index : p->address;
}

static void failed(struct peer *p, enum failure init, enum failure auth)
{
	peer_fail(p, p->ike2->state == SENT_INIT ? init : auth);
}

// ---- sending

static void send_message(struct peer *p, const struct v2_message *m)
{
	bool floated = p->nat && p->ike2->state != SENT_INIT;
	struct span part;

	for (size_t i = 0; (part = v2_message_part(m, i)).length; i++)
		net_send_udp(p, floated ? p->port_4500 : p->port_500,
			floated ? PORT_NAT_T : PORT_IKE, floated, part.at, part.length);
}

static void retransmit(void *context)
{
	struct peer *p = context;
	struct initiator2 *i = p->ike2;

	if (i->tries++ == options_of(p)->tries) {
		failed(p, FAILURE_INIT_TIMEOUT, FAILURE_AUTH_IKE_TIMEOUT);
		return;
	}
	p->gen->counters.ike_retransmissions++;
	send_message(p, &i->last);
	timer_start(
		p->gen->timers, &i->timer, options_of(p)->retransmit_ms << i->tries, retransmit, p);
}

static void send_request(struct peer *p)
{
	p->ike2->tries = 0;
	send_message(p, &p->ike2->last);
	timer_start(p->gen->timers, &p->ike2->timer, options_of(p)->retransmit_ms, retransmit, p);
}

static struct isakmp_header header(struct peer *p, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct isakmp_header h = {.version = V2_VERSION,
		.exchange = exchange,
		.flags = V2_INITIATOR | flags,
		.message_id = id};

	memcpy(h.initiator, p->ike2->spi_i, V2_SPI);
	memcpy(h.responder, p->ike2->spi_r, V2_SPI);
	return h;
}

static void begin(struct peer *p, struct v2_sealed *s, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct v2_suite suite = suite_of(p);
	struct v2_seal seal = v2_seal_of(&suite, &p->ike2->keys, true);
	struct isakmp_header h = header(p, exchange, flags, id);

	v2_sealed_begin(s, &seal, &h);
}

// Seals and sends our next request.
static void request(struct peer *p, struct v2_sealed *s)
{
	p->ike2->next_id++;
	if (v2_sealed_end(s, 0, &p->ike2->last))
		peer_fail(p, FAILURE_MEMORY);
	else
		send_request(p);
}

// ---- IKE_SA_INIT

static void add_nat(struct peer *p, struct isakmp_out *out)
{
	struct ip_address ours = address_from_u32(inside_of(p));
	struct ip_address theirs = address_from_u32(options_of(p)->gateway);
	uint8_t hash[V2_NAT_HASH];

	(void)v2_nat_hash(p->ike2->spi_i, p->ike2->spi_r, &ours, PORT_IKE, hash);
	v2_put_status(out, V2_NAT_DETECTION_SOURCE_IP, SPAN(hash, sizeof(hash)));
	(void)v2_nat_hash(p->ike2->spi_i, p->ike2->spi_r, &theirs, PORT_IKE, hash);
	v2_put_status(out, V2_NAT_DETECTION_DESTINATION_IP, SPAN(hash, sizeof(hash)));
}

static void send_init(struct peer *p)
{
	const struct options *o = options_of(p);
	struct initiator2 *i = p->ike2;
	struct v2_suite suite = suite_of(p);
	struct isakmp_header h = header(p, V2_IKE_SA_INIT, 0, 0);
	struct isakmp_out out = isakmp_out_begin(i->first_i, sizeof(i->first_i), &h);

	if (i->cookie_length)
		v2_put_status(&out, V2_COOKIE, SPAN(i->cookie, i->cookie_length));
	v2_offer_ike(&out, &suite, SPAN(NULL, 0));
	v2_put_ke(&out, (uint16_t)o->ike_group, SPAN(i->public_i, ike_group_size(o->ike_group)));
	isakmp_out_payload(&out, V2_NONCE, i->nonce_i, NONCE);
	add_nat(p, &out);
	i->first_i_length = (uint16_t)isakmp_out_end(&out);
	if (i->first_i_length == 0 || v2_message_plain(&i->last, i->first_i, i->first_i_length))
		peer_fail(p, FAILURE_MEMORY);
	else
		send_request(p);
}

void initiator2_start(struct peer *p)
{
	uint64_t began = gen_cpu_ns();
	struct initiator2 *i = calloc(1, sizeof(*i));

	if (!i) {
		peer_fail(p, FAILURE_MEMORY);
		return;
	}
	p->ike2 = i;
	set_u32(i->spi_i, p->index);
	RAND_bytes(i->spi_i + 4, 4);
	RAND_bytes(i->nonce_i, NONCE);
	i->dh = ike_dh_generate(options_of(p)->ike_group, i->public_i);
	p->gen->counters.dh_ns += gen_cpu_ns() - began;
	if (i->dh)
		send_init(p);
	else
		peer_fail(p, FAILURE_MEMORY);
}

static int derive(struct peer *p, struct span public_r)
{
	struct initiator2 *i = p->ike2;
	unsigned group = options_of(p)->ike_group;
	uint8_t secret[IKE_DH_MAX];
	uint64_t began = gen_cpu_ns();
	const struct v2_keys_input in = {.suite = suite_of(p),
		.secret = SPAN(secret, ike_group_secret_size(group)),
		.nonce_i = SPAN(i->nonce_i, NONCE),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.spi_i = i->spi_i,
		.spi_r = i->spi_r};
	int error = ike_dh_shared(group, i->dh, public_r, secret);

	p->gen->counters.dh_ns += gen_cpu_ns() - began;
	p->gen->counters.dh_exchanges++;
	ike_dh_free(i->dh);
	i->dh = NULL;
	error = error ? error : v2_keys_derive(&in, &i->keys);
	OPENSSL_cleanse(secret, sizeof(secret));
	return error;
}

static void send_auth(struct peer *p);

static bool take_nonce(struct initiator2 *i, const struct v2_chain *chain)
{
	const struct v2_part *part = v2_chain_find(chain, V2_NONCE, 0);
	struct span nonce;

	if (!part || v2_nonce_parse(part->body, &nonce))
		return false;
	memcpy(i->nonce_r, nonce.at, nonce.length);
	i->nonce_r_length = (uint16_t)nonce.length;
	return true;
}

// The gateway asks for its cookie back.
static bool take_cookie(struct peer *p, const struct v2_chain *chain)
{
	struct initiator2 *i = p->ike2;
	struct v2_notify n;

	if (!v2_chain_notify(chain, V2_COOKIE, &n) || n.data.length > sizeof(i->cookie))
		return false;
	memcpy(i->cookie, n.data.at, n.data.length);
	i->cookie_length = (uint16_t)n.data.length;
	p->gen->counters.cookies++;
	send_init(p);
	return true;
}

static void on_init(struct peer *p, const struct isakmp_header *h, const uint8_t *message)
{
	struct initiator2 *i = p->ike2;
	const struct v2_part *part;
	struct v2_chain chain;
	struct v2_ke ke;

	if (h->message_id != 0 ||
		v2_chain_parse(h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain))
		return;
	if (take_cookie(p, &chain))
		return;
	part = v2_chain_find(&chain, V2_KE, 0);
	if (!part || !v2_chain_find(&chain, V2_SA, 0)) {
		peer_fail(p, FAILURE_INIT_REFUSED);
		return;
	}
	memcpy(i->spi_r, h->responder, V2_SPI);
	if (h->length > FIRST_MAX || v2_ke_parse(part->body, &ke) || !take_nonce(i, &chain) ||
		derive(p, ke.value)) {
		peer_fail(p, FAILURE_INIT_INVALID);
		return;
	}
	memcpy(i->first_r, message, h->length);
	i->first_r_length = (uint16_t)h->length;
	gen_phase(p->gen, PHASE_INIT, &p->began);
	i->state = SENT_AUTH;
	i->next_id = 1;
	send_auth(p);
}

// ---- IKE_AUTH

// The AUTH data of the side that sent message, with the other's nonce.
static int auth_data(struct peer *p, bool ours, struct span id, uint8_t *out)
{
	struct initiator2 *i = p->ike2;
	const struct options *o = options_of(p);
	uint8_t buffer[FIRST_MAX + V2_NONCE_MAX + IKE_HASH_MAX];
	struct build octets = build_in(buffer, sizeof(buffer));
	struct span nonce_i = SPAN(i->nonce_i, NONCE);
	struct span nonce_r = SPAN(i->nonce_r, i->nonce_r_length);
	int error = v2_auth_octets(o->ike_hash, ours ? i->keys.pi : i->keys.pr,
		ours ? SPAN(i->first_i, i->first_i_length) : SPAN(i->first_r, i->first_r_length),
		ours ? nonce_r : nonce_i, id, &octets);

	if (error || octets.failed)
		return -1;
	return v2_auth_shared(o->ike_hash, SPAN((const uint8_t *)o->psk, strlen(o->psk)),
		SPAN(buffer, build_length(&octets)), out);
}

static struct v2_selector selector(uint32_t address)
{
	struct ip_address a = address_from_u32(address);

	return (struct v2_selector){.protocol = PROTO_UDP,
		.port_first = PORT_L2TP,
		.port_last = PORT_L2TP,
		.first = a,
		.last = a};
}

static void add_child(struct peer *p, struct isakmp_out *out)
{
	struct v2_selector i = selector(inside_of(p)), r = selector(options_of(p)->gateway);
	struct esp_form form = form_of(p);
	uint8_t spi[4];

	set_u32(spi, peer_spi(p));
	v2_put_status(out, V2_USE_TRANSPORT_MODE, SPAN(NULL, 0));
	v2_offer_esp(out, &form, 0, SPAN(spi, sizeof(spi)));
	if (p->ike2->state == SENT_CHILD)
		isakmp_out_payload(out, V2_NONCE, p->ike2->nonce_i, NONCE);
	v2_put_selectors(out, V2_TS_I, &i, 1);
	v2_put_selectors(out, V2_TS_R, &r, 1);
}

static void send_auth(struct peer *p)
{
	static struct v2_sealed s;
	uint8_t id[8] = {ID_IPV4_ADDR}, auth[IKE_HASH_MAX];

	set_u32(id + 4, inside_of(p));
	if (auth_data(p, true, SPAN(id, sizeof(id)), auth)) {
		peer_fail(p, FAILURE_MEMORY);
		return;
	}
	begin(p, &s, V2_IKE_AUTH, 0, p->ike2->next_id);
	v2_put_id(&s.out, V2_ID_I, ID_IPV4_ADDR, SPAN(id + 4, 4));
	v2_put_auth(&s.out, V2_AUTH_SHARED_KEY, SPAN(auth, ike_hash_size(options_of(p)->ike_hash)));
	add_child(p, &s.out);
	request(p, &s);
}

static bool gateway_proven(struct peer *p, const struct v2_chain *chain)
{
	const struct v2_part *id = v2_chain_find(chain, V2_ID_R, 0);
	const struct v2_part *part = v2_chain_find(chain, V2_AUTH, 0);
	size_t size = ike_hash_size(options_of(p)->ike_hash);
	uint8_t wanted[IKE_HASH_MAX];
	struct v2_auth auth;

	return id && part && v2_auth_parse(part->body, &auth) == 0 &&
	       auth.method == V2_AUTH_SHARED_KEY && auth.data.length == size &&
	       auth_data(p, false, id->body, wanted) == 0 &&
	       CRYPTO_memcmp(wanted, auth.data.at, size) == 0;
}

static bool open_pair(struct peer *p, uint32_t spi)
{
	const struct options *o = options_of(p);
	struct initiator2 *i = p->ike2;
	size_t size = esp_keymat_size(o->cipher, o->integrity);
	uint8_t i2r[128], r2i[128];
	const struct v2_keymat_input in = {.hash = o->ike_hash,
		.d = i->keys.d,
		.nonce_i = SPAN(i->nonce_i, NONCE),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length)};
	bool good =
		v2_keymat(&in, i2r, r2i, size) == 0 &&
		esp_sa_open(p->gen->esp, &p->in, o->cipher, o->integrity, peer_spi(p), r2i, true) ==
			0 &&
		esp_sa_open(p->gen->esp, &p->out, o->cipher, o->integrity, spi, i2r, false) == 0;

	OPENSSL_cleanse(i2r, sizeof(i2r));
	OPENSSL_cleanse(r2i, sizeof(r2i));
	return good;
}

static bool take_pair(struct peer *p, const struct v2_chain *chain)
{
	const struct v2_part *part = v2_chain_find(chain, V2_SA, 0);
	struct esp_form form = form_of(p);
	struct v2_sa sa;
	struct span spi;

	return part && v2_sa_parse(part->body, &sa) == 0 &&
	       v2_answer_esp(&sa, &form, 0, &spi) == 0 && open_pair(p, get_u32(spi.at));
}

static void start_rekey_timer(struct peer *p, double seconds, void (*fire)(void *context))
{
	if (seconds > 0)
		timer_start(p->gen->timers, &p->ike2->rekey, (uint64_t)(seconds * 1000), fire, p);
}

// ---- CREATE_CHILD_SA and INFORMATIONAL

static void rekey(void *context)
{
	static struct v2_sealed s;
	struct peer *p = context;
	struct initiator2 *i = p->ike2;
	uint8_t spi[4];

	i->state = SENT_CHILD;
	i->rekey_began = rte_rdtsc();
	i->old_spi = p->in.spi;
	p->generation++;
	RAND_bytes(i->nonce_i, NONCE);
	set_u32(spi, i->old_spi);
	begin(p, &s, V2_CREATE_CHILD_SA, 0, i->next_id);
	v2_put_notify(&s.out, V2_PROTO_ESP, SPAN(spi, sizeof(spi)), V2_REKEY_SA, SPAN(NULL, 0));
	add_child(p, &s.out);
	request(p, &s);
}

// Whatever was on its way under the old pair has arrived.
static void drop_old(void *context)
{
	static struct v2_sealed s;
	struct peer *p = context;
	uint8_t spi[4];

	set_u32(spi, p->old.spi);
	begin(p, &s, V2_INFORMATIONAL, 0, p->ike2->next_id);
	v2_put_delete(&s.out, V2_PROTO_ESP, sizeof(spi), 1, spi);
	request(p, &s);
	if (!p->ike2)
		return;
	esp_sa_close(&p->old);
	start_rekey_timer(p, options_of(p)->rekey - OLD_PAIR_S, rekey);
}

static void on_child(struct peer *p, const struct v2_chain *chain)
{
	// Opening the new one closes what is in its place.
	p->old = p->in;
	memset(&p->in, 0, sizeof(p->in));
	if (!take_nonce(p->ike2, chain) || !take_pair(p, chain)) {
		peer_fail(p, FAILURE_AUTH_IKE_INVALID);
		return;
	}
	p->ike2->state = UP;
	p->gen->counters.rekeys++;
	gen_phase(p->gen, PHASE_REKEY, &p->ike2->rekey_began);
	start_rekey_timer(p, OLD_PAIR_S, drop_old);
}

static void on_auth(struct peer *p, const struct v2_chain *chain)
{
	if (!v2_chain_find(chain, V2_AUTH, 0) || !v2_chain_find(chain, V2_SA, 0)) {
		peer_fail(p, FAILURE_AUTH_IKE_REFUSED);
		return;
	}
	if (!gateway_proven(p, chain) || !take_pair(p, chain)) {
		peer_fail(p, FAILURE_AUTH_IKE_INVALID);
		return;
	}
	p->ike2->state = UP;
	gen_phase(p->gen, PHASE_AUTH_IKE, &p->began);
	// Spread over the time, or all peers would come at once.
	start_rekey_timer(p, options_of(p)->rekey * (1 + p->index % 16) / 16, rekey);
	peer_ike_up(p);
}

static void on_response(struct peer *p, const struct isakmp_header *h, const struct v2_chain *chain)
{
	if (h->message_id + 1 != p->ike2->next_id)
		return;
	timer_stop(p->gen->timers, &p->ike2->timer);
	if (h->exchange == V2_IKE_AUTH && p->ike2->state == SENT_AUTH)
		on_auth(p, chain);
	else if (h->exchange == V2_CREATE_CHILD_SA && p->ike2->state == SENT_CHILD)
		on_child(p, chain);
}

// Answers a request: no rekeying, and nothing to say to all else.
static void answer(struct peer *p, const struct isakmp_header *h)
{
	static struct v2_sealed s;

	begin(p, &s, h->exchange, V2_RESPONSE, h->message_id);
	if (h->exchange == V2_CREATE_CHILD_SA) {
		v2_put_status(&s.out, V2_NO_ADDITIONAL_SAS, SPAN(NULL, 0));
		p->gen->counters.rekeys_refused++;
	}
	if (v2_sealed_end(&s, 0, &p->ike2->answer) == 0)
		send_message(p, &p->ike2->answer);
}

// The end, unless it is of a pair that has been replaced.
static bool is_end(const struct peer *p, const struct v2_chain *chain)
{
	const struct v2_part *part = v2_chain_find(chain, V2_DELETE, 0);
	struct v2_delete d;

	if (!part || v2_delete_parse(part->body, &d))
		return false;
	return d.protocol == V2_PROTO_IKE ||
	       (d.protocol == V2_PROTO_ESP && d.spi_size == 4 && d.count == 1 &&
		       get_u32(d.spis.at) == p->out.spi);
}

static void on_request(struct peer *p, const struct isakmp_header *h, const struct v2_chain *chain)
{
	if (h->message_id + 1 == p->ike2->expect_id) {
		send_message(p, &p->ike2->answer);
		return;
	}
	if (h->message_id != p->ike2->expect_id)
		return;
	p->ike2->expect_id++;
	answer(p, h);
	if (is_end(p, chain))
		peer_fail(p, FAILURE_IKE_DELETED);
}

void initiator2_input(struct peer *p, const uint8_t *message, size_t length)
{
	struct initiator2 *i = p->ike2;
	struct v2_suite suite = suite_of(p);
	struct v2_seal seal = v2_seal_of(&suite, &i->keys, false);
	struct v2_chain outer, inner;
	uint8_t plain[2048];
	struct isakmp_header h;

	if (length > sizeof(plain) || isakmp_header_parse(message, length, &h) ||
		h.version != V2_VERSION)
		return;
	if (h.exchange == V2_IKE_SA_INIT) {
		if (i->state == SENT_INIT)
			on_init(p, &h, message);
		return;
	}
	if (i->state == SENT_INIT || memcmp(h.responder, i->spi_r, V2_SPI) != 0 ||
		v2_chain_parse(h.next, message + ISAKMP_HEADER, h.length - ISAKMP_HEADER, &outer) ||
		v2_open(&seal, &h, message, &outer, plain, &inner))
		return;
	if (h.flags & V2_RESPONSE)
		on_response(p, &h, &inner);
	else
		on_request(p, &h, &inner);
}

bool initiator2_is(const struct peer *p, const uint8_t *spi_i)
{
	return p->ike2 && memcmp(p->ike2->spi_i, spi_i, V2_SPI) == 0;
}

void initiator2_delete(struct peer *p)
{
	static struct v2_sealed s;
	struct initiator2 *i = p->ike2;

	if (i && p->in.keys) {
		begin(p, &s, V2_INFORMATIONAL, 0, i->next_id++);
		v2_put_delete(&s.out, V2_PROTO_IKE, 0, 0, NULL);
		if (v2_sealed_end(&s, 0, &i->last) == 0)
			send_message(p, &i->last);
	}
	initiator2_free(p);
}

void initiator2_free(struct peer *p)
{
	struct initiator2 *i = p->ike2;

	if (!i)
		return;
	timer_stop(p->gen->timers, &i->timer);
	timer_stop(p->gen->timers, &i->rekey);
	ike_dh_free(i->dh);
	v2_message_clear(&i->last);
	v2_message_clear(&i->answer);
	OPENSSL_cleanse(i, sizeof(*i));
	free(i);
	p->ike2 = NULL;
	esp_sa_close(&p->in);
	esp_sa_close(&p->old);
	esp_sa_close(&p->out);
}
