// SPDX-License-Identifier: Apache-2.0

// See initiator.h.

#include "initiator.h"

#include "controlplane/ike/pair.h"

#include <errno.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct v2_selector selector_of(const struct ip_address *a, uint16_t first, uint16_t last)
{
	return (struct v2_selector){
		.protocol = 17, .port_first = first, .port_last = last, .first = *a, .last = *a};
}

void v2_initiator_init(struct v2_initiator *i, struct ike *ike, const char *remote, uint16_t port)
{
	*i = (struct v2_initiator){.ike = ike,
		.psk = "secret",
		.suite = {IKE_AES_CBC_256, IKE_SHA256, IKE_ECP_256},
		.natt = true,
		.spi = 0xabcd0001};
	address_parse(remote, &i->flow.remote);
	address_parse(
		i->flow.remote.version == IP_V6 ? "2001:db8::1" : "192.0.2.1", &i->flow.local);
	i->flow.local_port = port == PORT_IKE ? PORT_IKE : PORT_NAT_T;
	i->flow.remote_port = port;
	i->id[0] = isakmp_id_type(&i->flow.remote);
	i->id_length = 4 + (i->flow.remote.version == IP_V6 ? 16 : 4);
	memcpy(i->id + 4, i->flow.remote.bytes, i->id_length - 4);
	i->ts_i = selector_of(&i->flow.remote, 1701, 1701);
	i->ts_r = selector_of(&i->flow.local, 1701, 1701);
}

void v2_initiator_free(struct v2_initiator *i)
{
	ike_dh_free(i->dh);
	i->dh = NULL;
}

void v2_initiator_send(struct v2_initiator *i, const void *message, size_t length)
{
	if (message != i->last)
		memcpy(i->last, message, length);
	i->last_length = length;
	ike_input(i->ike, &i->flow, i->last, length);
}

void v2_initiator_again(struct v2_initiator *i)
{
	ike_input(i->ike, &i->flow, i->last, i->last_length);
}

bool v2_initiator_take(struct v2_initiator *i)
{
	struct v2_seal seal = v2_seal_of(&i->suite, &i->keys, i->gateway_began);
	struct v2_fragments fragments = {0};
	const struct fake_packet *p;
	struct v2_chain outer;
	int error;

	while ((p = fake_sent_take())) {
		assert_int_equal(p->kind, PACKET_IKE);
		memcpy(i->raw, p->data, p->length);
		i->raw_length = p->length;
		i->answer_flow = p->flow;
		assert_int_equal(isakmp_header_parse(i->raw, i->raw_length, &i->header), 0);
		assert_int_equal(i->header.version, 0x20);
		assert_memory_equal(i->header.initiator, i->spi_i, 8);
		assert_int_equal(!(i->header.flags & V2_INITIATOR), !i->gateway_began);
		assert_int_equal(v2_chain_parse(i->header.next, i->raw + ISAKMP_HEADER,
					 i->raw_length - ISAKMP_HEADER, &outer),
			0);
		if (i->header.exchange == V2_IKE_SA_INIT) {
			i->chain = outer;
			return true;
		}
		if (v2_fragment_number(&outer))
			error = v2_fragment_open(&fragments, &seal, &i->header, i->raw, &outer,
				i->plain, sizeof(i->plain), &i->chain);
		else
			error = v2_open(&seal, &i->header, i->raw, &outer, i->plain, &i->chain);
		if (error == -EAGAIN)
			continue;
		assert_int_equal(error, 0);
		v2_fragments_clear(&fragments);
		return true;
	}
	v2_fragments_clear(&fragments);
	return false;
}

uint16_t v2_initiator_error(const struct v2_initiator *i)
{
	for (size_t n = 0; n < i->chain.count; n++) {
		struct v2_notify notify;

		if (i->chain.parts[n].type == V2_NOTIFY &&
			!v2_notify_parse(i->chain.parts[n].body, &notify) &&
			notify.type < V2_ERRORS_END)
			return notify.type;
	}
	return 0;
}

bool v2_initiator_notified(const struct v2_initiator *i, uint16_t type)
{
	struct v2_notify notify;

	return v2_chain_notify(&i->chain, type, &notify);
}

// ---- IKE_SA_INIT

static void put_nat(struct v2_initiator *i, struct isakmp_out *o)
{
	uint8_t hash[V2_NAT_HASH];

	if (!i->natt)
		return;
	assert_int_equal(v2_nat_hash(i->spi_i, i->spi_r, &i->flow.remote,
				 i->flow.remote_port + (i->nat ? 7 : 0), hash),
		0);
	v2_put_status(o, V2_NAT_DETECTION_SOURCE_IP, SPAN(hash, sizeof(hash)));
	assert_int_equal(v2_nat_hash(i->spi_i, i->spi_r, &i->flow.local,
				 i->flow.local_port + (i->nat_us ? 7 : 0), hash),
		0);
	v2_put_status(o, V2_NAT_DETECTION_DESTINATION_IP, SPAN(hash, sizeof(hash)));
}

static struct isakmp_header header_of(
	const struct v2_initiator *i, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct isakmp_header h = {
		.version = V2_VERSION, .exchange = exchange, .flags = flags, .message_id = id};

	if (i->gateway_began)
		h.flags &= ~V2_INITIATOR;
	memcpy(h.initiator, i->spi_i, 8);
	memcpy(h.responder, i->spi_r, 8);
	return h;
}

static size_t write_first(struct v2_initiator *i)
{
	struct isakmp_header h = header_of(i, V2_IKE_SA_INIT, V2_INITIATOR, 0);
	struct isakmp_out o = isakmp_out_begin(i->last, sizeof(i->last), &h);
	unsigned group = i->ke_group ? i->ke_group : i->suite.group;

	if (i->cookie_length)
		v2_put_status(&o, V2_COOKIE, SPAN(i->cookie, i->cookie_length));
	v2_offer_ike(&o, &i->suite, SPAN(NULL, 0));
	v2_put_ke(&o, group, SPAN(i->public_i, ike_group_size(group)));
	isakmp_out_payload(&o, V2_NONCE, i->nonce_i, sizeof(i->nonce_i));
	put_nat(i, &o);
	if (i->fragmentation)
		v2_put_status(&o, V2_IKEV2_FRAGMENTATION_SUPPORTED, SPAN(NULL, 0));
	if (i->hashes)
		v2_put_status(&o, V2_SIGNATURE_HASH_ALGORITHMS, SPAN((const uint8_t *)"\0\2", 2));
	if (i->ppk_id)
		v2_put_status(&o, V2_USE_PPK, SPAN(NULL, 0));
	return isakmp_out_end(&o);
}

static bool read_second(struct v2_initiator *i)
{
	const struct v2_part *sa = v2_chain_find(&i->chain, V2_SA, 0);
	const struct v2_part *ke = v2_chain_find(&i->chain, V2_KE, 0);
	const struct v2_part *nonce = v2_chain_find(&i->chain, V2_NONCE, 0);
	uint8_t secret[IKE_DH_MAX];
	struct v2_sa answer;
	struct v2_ke k;

	if (!sa || !ke || !nonce)
		return false;
	memcpy(i->spi_r, i->header.responder, 8);
	memcpy(i->second, i->raw, i->raw_length);
	i->second_length = i->raw_length;
	assert_int_equal(v2_sa_parse(sa->body, &answer), 0);
	assert_int_equal(answer.proposal_count, 1);
	assert_int_equal(answer.proposals[0].spi.length, 0);
	assert_int_equal(v2_ke_parse(ke->body, &k), 0);
	assert_int_equal(k.group, i->suite.group);
	assert_int_equal(ike_dh_shared(k.group, i->dh, k.value, secret), 0);
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = nonce->body.length;
	const struct v2_keys_input in = {.suite = i->suite,
		.secret = SPAN(secret, ike_group_secret_size(i->suite.group)),
		.nonce_i = SPAN(i->nonce_i, sizeof(i->nonce_i)),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.spi_i = i->spi_i,
		.spi_r = i->spi_r};

	assert_int_equal(v2_keys_derive(&in, &i->keys), 0);
	i->next = 1;
	return true;
}

bool v2_initiator_begin(struct v2_initiator *i)
{
	if (i->cookie_length == 0) {
		RAND_bytes(i->spi_i, 8);
		RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	}
	memset(i->spi_r, 0, 8);
	ike_dh_free(i->dh);
	i->dh = ike_dh_generate(i->ke_group ? i->ke_group : i->suite.group, i->public_i);
	assert_non_null(i->dh);
	i->first_length = write_first(i);
	memcpy(i->first, i->last, i->first_length);
	v2_initiator_send(i, i->last, i->first_length);
	return v2_initiator_take(i) && read_second(i);
}

// ---- requests

void v2_initiator_request(struct v2_initiator *i, struct v2_sealed *s, uint8_t exchange)
{
	struct isakmp_header h = header_of(i, exchange, V2_INITIATOR, i->next);
	struct v2_seal seal = v2_seal_of(&i->suite, &i->keys, !i->gateway_began);

	v2_sealed_begin(s, &seal, &h);
}

static void send_sealed(struct v2_initiator *i, struct v2_sealed *s)
{
	struct v2_message m = {0};
	struct span part;

	assert_int_equal(v2_sealed_end(s, i->room, &m), 0);
	for (size_t n = 0; (part = v2_message_part(&m, n)).length > 0; n++)
		v2_initiator_send(i, part.at, part.length);
	v2_message_clear(&m);
}

bool v2_initiator_ask(struct v2_initiator *i, struct v2_sealed *s)
{
	uint32_t id = i->next++;

	send_sealed(i, s);
	i->chain.count = 0;
	while (v2_initiator_take(i))
		if ((i->header.flags & V2_RESPONSE) && i->header.message_id == id)
			return true;
	return false;
}

void v2_initiator_answer_begin(
	struct v2_initiator *i, struct v2_sealed *s, uint8_t exchange, uint32_t message_id)
{
	struct isakmp_header h = header_of(i, exchange, V2_INITIATOR | V2_RESPONSE, message_id);
	struct v2_seal seal = v2_seal_of(&i->suite, &i->keys, !i->gateway_began);

	v2_sealed_begin(s, &seal, &h);
}

void v2_initiator_answer_end(struct v2_initiator *i, struct v2_sealed *s)
{
	send_sealed(i, s);
}

void v2_initiator_answer(struct v2_initiator *i)
{
	struct v2_sealed s;

	v2_initiator_answer_begin(i, &s, i->header.exchange, i->header.message_id);
	send_sealed(i, &s);
}

// ---- children

static void put_child(struct v2_initiator *i, struct v2_sealed *s)
{
	const struct esp_form form = {
		.cipher = i->gcm ? ESP_CIPHER_AES_GCM_256 : ESP_CIPHER_AES_CBC_256,
		.integrity = i->gcm ? ESP_INTEGRITY_NONE : ESP_INTEGRITY_HMAC_SHA256_128};
	uint8_t spi[4];
	struct build b = build_in(spi, sizeof(spi));

	build_u32(&b, i->spi);
	if (!i->tunnel)
		v2_put_status(&s->out, V2_USE_TRANSPORT_MODE, SPAN(NULL, 0));
	v2_offer_esp(&s->out, &form, i->pfs, SPAN(spi, 4));
	v2_put_selectors(&s->out, V2_TS_I, &i->ts_i, 1);
	v2_put_selectors(&s->out, V2_TS_R, &i->ts_r, 1);
}

static bool read_child(struct v2_initiator *i, struct span secret)
{
	const struct esp_form form = {
		.cipher = i->gcm ? ESP_CIPHER_AES_GCM_256 : ESP_CIPHER_AES_CBC_256,
		.integrity = i->gcm ? ESP_INTEGRITY_NONE : ESP_INTEGRITY_HMAC_SHA256_128};
	const struct v2_part *sa = v2_chain_find(&i->chain, V2_SA, 0);
	const struct v2_part *ts_i = v2_chain_find(&i->chain, V2_TS_I, 0);
	const struct v2_part *ts_r = v2_chain_find(&i->chain, V2_TS_R, 0);
	struct v2_sa answer;
	struct view v;
	struct span spi;

	if (!sa || !ts_i || !ts_r)
		return false;
	assert_int_equal(v2_sa_parse(sa->body, &answer), 0);
	assert_int_equal(v2_answer_esp(&answer, &form, i->pfs, &spi), 0);
	v = view_of(spi.at, spi.length);
	i->spi_responder = view_u32(&v);
	assert_int_equal(v2_selectors_parse(ts_i->body, &i->got_i), 0);
	assert_int_equal(v2_selectors_parse(ts_r->body, &i->got_r), 0);
	i->got_transport = v2_initiator_notified(i, V2_USE_TRANSPORT_MODE);
	assert_int_equal(i->got_transport, !i->tunnel);
	const struct v2_keymat_input in = {.hash = i->suite.hash,
		.d = i->keys.d,
		.secret = secret,
		.nonce_i = SPAN(i->nonce_i, sizeof(i->nonce_i)),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length)};

	assert_int_equal(v2_keymat(&in, i->keys_out, i->keys_in, pair_key_size(&form)), 0);
	return true;
}

bool v2_initiator_child(struct v2_initiator *i)
{
	const struct v2_part *nonce, *ke;
	uint8_t spi[4], secret[IKE_DH_MAX];
	struct build b = build_in(spi, sizeof(spi));
	struct span shared = SPAN(NULL, 0);
	struct v2_sealed s;
	struct v2_ke k;

	RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	if (i->nonce)
		memcpy(i->nonce_i, i->nonce, sizeof(i->nonce_i));
	v2_initiator_request(i, &s, V2_CREATE_CHILD_SA);
	build_u32(&b, i->rekey_spi);
	if (i->rekey)
		v2_put_notify(&s.out, V2_PROTO_ESP, SPAN(spi, 4), V2_REKEY_SA, SPAN(NULL, 0));
	put_child(i, &s);
	isakmp_out_payload(&s.out, V2_NONCE, i->nonce_i, sizeof(i->nonce_i));
	if (i->pfs) {
		ike_dh_free(i->dh);
		i->dh = ike_dh_generate(i->ke_group ? i->ke_group : i->pfs, i->public_i);
		v2_put_ke(&s.out, i->ke_group ? i->ke_group : i->pfs,
			SPAN(i->public_i, ike_group_size(i->ke_group ? i->ke_group : i->pfs)));
	}
	if (!v2_initiator_ask(i, &s))
		return false;
	nonce = v2_chain_find(&i->chain, V2_NONCE, 0);
	ke = v2_chain_find(&i->chain, V2_KE, 0);
	if (!nonce)
		return false;
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = nonce->body.length;
	if (i->pfs) {
		assert_non_null(ke);
		assert_int_equal(v2_ke_parse(ke->body, &k), 0);
		assert_int_equal(ike_dh_shared(i->pfs, i->dh, k.value, secret), 0);
		shared = SPAN(secret, ike_group_secret_size(i->pfs));
	}
	return read_child(i, shared);
}

// ---- IKE_AUTH

// prf(prf(key, "Key Pad for IKEv2"), message | nonce | prf(SK_p, id)) (RFC 7296 section 2.15).
static void auth_of(struct v2_initiator *i, const uint8_t *sk_p, struct span message,
	struct span nonce, struct span id, uint8_t *out)
{
	static const char pad[] = "Key Pad for IKEv2";
	const struct span padding = SPAN((const uint8_t *)pad, sizeof(pad) - 1);
	size_t size = ike_hash_size(i->suite.hash);
	uint8_t key[IKE_HASH_MAX], maced[IKE_HASH_MAX];

	assert_int_equal(ike_prf(i->suite.hash, SPAN((const uint8_t *)i->psk, strlen(i->psk)),
				 &padding, 1, key),
		0);
	assert_int_equal(ike_prf(i->suite.hash, SPAN(sk_p, size), &id, 1, maced), 0);
	const struct span parts[] = {message, nonce, SPAN(maced, size)};

	assert_int_equal(ike_prf(i->suite.hash, SPAN(key, size), parts, 3, out), 0);
}

// message | nonce | prf(SK_p, id), which signatures are over.
static size_t octets_of(struct v2_initiator *i, const uint8_t *sk_p, struct span message,
	struct span nonce, struct span id, uint8_t *out, size_t size)
{
	struct build b = build_in(out, size);
	uint8_t maced[IKE_HASH_MAX];

	assert_int_equal(
		ike_prf(i->suite.hash, SPAN(sk_p, ike_hash_size(i->suite.hash)), &id, 1, maced), 0);
	build_bytes(&b, message.at, message.length);
	build_bytes(&b, nonce.at, nonce.length);
	build_bytes(&b, maced, ike_hash_size(i->suite.hash));
	assert_false(b.failed);
	return build_length(&b);
}

// The AlgorithmIdentifiers of RFC 7427 appendix A.
static const uint8_t rsa_sha256[] = {
	15, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0};
static const uint8_t ecdsa_sha256[] = {12, 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};

static void put_signature(struct v2_initiator *i, struct v2_sealed *s)
{
	uint8_t octets[4096], data[1024];
	size_t n = octets_of(i, i->keys.pi, SPAN(i->first, i->first_length),
		       SPAN(i->nonce_r, i->nonce_r_length), SPAN(i->id, i->id_length), octets,
		       sizeof(octets)),
	       at = 0, size;
	bool rsa = EVP_PKEY_get_base_id(i->key) == EVP_PKEY_RSA;
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (i->method == V2_AUTH_DIGITAL) {
		at = rsa ? sizeof(rsa_sha256) : sizeof(ecdsa_sha256);
		memcpy(data, rsa ? rsa_sha256 : ecdsa_sha256, at);
	}
	size = sizeof(data) - at;
	assert_int_equal(
		EVP_DigestSignInit(c, NULL, i->method == V2_AUTH_RSA ? EVP_sha1() : EVP_sha256(),
			NULL, i->key),
		1);
	assert_int_equal(EVP_DigestSign(c, data + at, &size, octets, n), 1);
	EVP_MD_CTX_free(c);
	v2_put_cert(&s->out, V2_CERT, V2_CERT_X509, i->cert);
	v2_put_auth(&s->out, i->method, SPAN(data, at + size));
}

static bool signature_is_good(struct v2_initiator *i, struct span id, const struct v2_auth *a)
{
	uint8_t octets[4096];
	size_t n = octets_of(i, i->keys.pr, SPAN(i->second, i->second_length),
		       SPAN(i->nonce_i, sizeof(i->nonce_i)), id, octets, sizeof(octets)),
	       at = a->method == V2_AUTH_DIGITAL ? 1u + a->data.at[0] : 0;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k;
	bool good;

	assert_int_equal(a->method, i->hashes ? V2_AUTH_DIGITAL : V2_AUTH_RSA);
	good = EVP_DigestVerifyInit(
		       c, &k, i->hashes ? EVP_sha256() : EVP_sha1(), NULL, i->gateway) == 1;
	// A digital signature by RSA is one of RSASSA-PSS (RFC 7427 section 3).
	if (i->hashes)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING), 1);
	good = good && EVP_DigestVerify(c, a->data.at + at, a->data.length - at, octets, n) == 1;
	EVP_MD_CTX_free(c);
	return good;
}

static void put_auth(struct v2_initiator *i, struct v2_sealed *s)
{
	uint8_t auth[IKE_HASH_MAX];

	if (i->key) {
		put_signature(i, s);
		return;
	}

	auth_of(i, i->keys.pi, SPAN(i->first, i->first_length), SPAN(i->nonce_r, i->nonce_r_length),
		SPAN(i->id, i->id_length), auth);
	v2_put_auth(&s->out, V2_AUTH_SHARED_KEY, SPAN(auth, ike_hash_size(i->suite.hash)));
}

static bool responder_is_proven(struct v2_initiator *i)
{
	const struct v2_part *id = v2_chain_find(&i->chain, V2_ID_R, 0);
	const struct v2_part *part = v2_chain_find(&i->chain, V2_AUTH, 0);
	uint8_t auth[IKE_HASH_MAX];
	struct v2_auth a;

	if (!id || !part || v2_auth_parse(part->body, &a))
		return false;
	if (i->key)
		return signature_is_good(i, id->body, &a);
	auth_of(i, i->keys.pr, SPAN(i->second, i->second_length),
		SPAN(i->nonce_i, sizeof(i->nonce_i)), id->body, auth);
	assert_int_equal(a.method, V2_AUTH_SHARED_KEY);
	assert_int_equal(a.data.length, ike_hash_size(i->suite.hash));
	assert_memory_equal(a.data.at, auth, a.data.length);
	return true;
}

static void put_ppk(struct v2_initiator *i, struct v2_sealed *s)
{
	uint8_t data[64] = {V2_PPK_ID_FIXED};

	if (!i->ppk_id)
		return;
	memcpy(data + 1, i->ppk_id, strlen(i->ppk_id));
	v2_put_status(&s->out, V2_PPK_IDENTITY, SPAN(data, 1 + strlen(i->ppk_id)));
	assert_int_equal(v2_keys_mix_ppk(i->suite.hash,
				 SPAN((const uint8_t *)i->ppk, strlen(i->ppk)), &i->keys),
		0);
}

bool v2_initiator_auth(struct v2_initiator *i)
{
	struct v2_sealed s;

	v2_initiator_request(i, &s, V2_IKE_AUTH);
	isakmp_out_payload(&s.out, V2_ID_I, i->id, i->id_length);
	if (i->initial_contact)
		v2_put_status(&s.out, V2_INITIAL_CONTACT, SPAN(NULL, 0));
	put_ppk(i, &s);
	put_auth(i, &s);
	if (i->tunnel) {
		v2_cp_open(&s.out, V2_CFG_REQUEST);
		v2_cp_put(&s.out, V2_INTERNAL_IP4_ADDRESS, SPAN(NULL, 0));
		v2_cp_put(&s.out, V2_INTERNAL_IP4_DNS, SPAN(NULL, 0));
		isakmp_out_close(&s.out);
	}
	if (i->mobike)
		v2_put_status(&s.out, V2_MOBIKE_SUPPORTED, SPAN(NULL, 0));
	if (!i->no_child)
		put_child(i, &s);
	if (!v2_initiator_ask(i, &s) || !responder_is_proven(i))
		return false;
	return i->no_child || read_child(i, SPAN(NULL, 0));
}

bool v2_initiator_connect(struct v2_initiator *i)
{
	return v2_initiator_begin(i) && v2_initiator_auth(i);
}
