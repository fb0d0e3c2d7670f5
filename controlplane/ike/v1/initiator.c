// SPDX-License-Identifier: Apache-2.0

// See initiator.h.

#include "initiator.h"

#include "fragment.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t hash_size(const struct initiator *i)
{
	return ike_hash_size(i->hash);
}

// The body of an ID payload for an address; returns its length.
static size_t id_write(const struct ip_address *address, uint32_t protocol_port, uint8_t *out)
{
	struct build b = build_in(out, 20);

	build_u32(&b, (uint32_t)isakmp_id_type(address) << 24 | protocol_port);
	isakmp_put_address(&b, address);
	return build_length(&b);
}

void initiator_init(struct initiator *i, struct ike *ike, const char *remote, uint16_t port)
{
	*i = (struct initiator){.ike = ike,
		.psk = "secret",
		.encryption = IKE_AES_CBC_256,
		.hash = IKE_SHA256,
		.group = IKE_ECP_256,
		.lifetime_s = 28800,
		.next_message_id = 0x1000};
	address_parse(remote, &i->flow.remote);
	address_parse(
		i->flow.remote.version == IP_V6 ? "2001:db8::1" : "192.0.2.1", &i->flow.local);
	i->flow.local_port = port == PORT_IKE ? PORT_IKE : PORT_NAT_T;
	i->flow.remote_port = port;
	i->id_length = id_write(&i->flow.remote, 0, i->id);
}

static void send_pieces(struct initiator *i)
{
	unsigned count = fragment_count(i->last_length, i->cut);
	uint8_t out[INITIATOR_MESSAGE];

	assert_in_range(count, 2, FRAGMENTS);
	for (unsigned n = count; n > 0; n--) {
		size_t length = fragment_write(
			i->last, i->last_length, i->cut, n, count, 1, out, sizeof(out));

		assert_int_not_equal(length, 0);
		if (n != i->withhold)
			ike_input(i->ike, &i->flow, out, length);
	}
}

void initiator_send(struct initiator *i, const void *message, size_t length)
{
	if (message != i->last)
		memcpy(i->last, message, length);
	i->last_length = length;
	if (i->cut && length > i->cut)
		send_pieces(i);
	else
		ike_input(i->ike, &i->flow, i->last, length);
}

// A fragment of an answer: false while there are more.
static bool take_piece(struct initiator *i, const struct fake_packet *p, struct fragment_box *box)
{
	struct isakmp_chain chain;
	struct fragment f;
	uint8_t *whole;

	assert_int_equal(p->data[19], 0);
	assert_int_equal(isakmp_chain_parse(ISAKMP_FRAGMENT, p->data + ISAKMP_HEADER,
				 p->length - ISAKMP_HEADER, &chain),
		0);
	assert_int_equal(chain.count, 1);
	assert_int_equal(fragment_parse(chain.parts[0].body, &f), 0);
	assert_int_equal(fragment_add(box, &f), 0);
	i->answer_fragments++;
	if (!fragment_complete(box))
		return false;
	whole = fragment_take(box, &i->answer_length);
	memcpy(i->answer, whole, i->answer_length);
	free(whole);
	return true;
}

bool initiator_take(struct initiator *i)
{
	struct fragment_box box = {0};
	const struct fake_packet *p;

	i->answer_fragments = 0;
	while ((p = fake_sent_take())) {
		assert_int_equal(p->kind, PACKET_IKE);
		i->answer_flow = p->flow;
		if (p->data[16] == ISAKMP_FRAGMENT) {
			if (take_piece(i, p, &box))
				return true;
			continue;
		}
		memcpy(i->answer, p->data, p->length);
		i->answer_length = p->length;
		return true;
	}
	return false;
}

static struct isakmp_header header_of(
	struct initiator *i, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct isakmp_header h = {
		.version = ISAKMP_VERSION, .exchange = exchange, .flags = flags, .message_id = id};

	memcpy(h.initiator, i->cookie_i, 8);
	memcpy(h.responder, i->cookie_r, 8);
	return h;
}

static void attribute(struct build *b, uint16_t type, uint16_t value)
{
	build_u16(b, 0x8000 | type);
	build_u16(b, value);
}

static void lifetime(struct build *b, uint16_t type_attribute, uint16_t unit, uint32_t duration)
{
	attribute(b, type_attribute, unit);
	build_u16(b, type_attribute + 1); // the long form
	build_u16(b, 4);
	build_u32(b, duration);
}

static void write_ike_transform(struct initiator *i, struct build *b)
{
	size_t start = build_length(b);

	build_u16(b, 0);
	build_u16(b, 0);
	build_u8(b, 1);
	build_u8(b, 1);
	build_u16(b, 0);
	attribute(b, 1, i->encryption == IKE_3DES ? 5 : 7);
	if (i->encryption != IKE_3DES)
		attribute(b, 14, ike_encryption_key_size(i->encryption) * 8);
	attribute(b, 2, i->hash);
	attribute(b, 3, i->auth ? i->auth : IKE_AUTH_PSK);
	attribute(b, 4, i->group);
	lifetime(b, 11, 1, i->lifetime_s);
	build_patch_u16(b, start + 2, build_length(b) - start);
}

// DOI, situation, and one proposal around what write_transform wrote.
static void write_sa(struct build *b, uint8_t protocol, const void *spi, uint8_t spi_size,
	const uint8_t *transform, size_t length)
{
	build_u32(b, 1);
	build_u32(b, 1);
	build_u16(b, 0);
	build_u16(b, 8 + spi_size + length);
	build_u8(b, 1);
	build_u8(b, protocol);
	build_u8(b, spi_size);
	build_u8(b, 1);
	build_bytes(b, spi, spi_size);
	build_bytes(b, transform, length);
}

static void vendor_ids(struct initiator *i, struct isakmp_out *out)
{
	struct config_ike all = {.vendor_nat_t_rfc3947 = true,
		.vendor_nat_t_draft02 = true,
		.vendor_nat_t_draft03 = true,
		.vendor_dpd = i->dpd};
	struct vendor_ids ids = {.natt = i->natt};

	vendor_ids_write(&all, &ids, out);
}

// What the answer chose of sa_offer.
static void adopt(struct initiator *i)
{
	struct isakmp_attribute a;
	struct isakmp_sa sa;
	struct span rest;
	uint64_t cipher = 0, bits = 0;

	assert_int_equal(isakmp_sa_parse(isakmp_chain_find(&i->chain, ISAKMP_SA, 0)->body, &sa), 0);
	assert_int_equal(sa.transform_count, 1);
	i->chosen = sa.transforms[0].number;
	for (rest = sa.transforms[0].attributes; isakmp_attribute_next(&rest, &a);) {
		if (a.type == 1)
			cipher = a.value;
		else if (a.type == 2)
			i->hash = (unsigned)a.value;
		else if (a.type == 4)
			i->group = (unsigned)a.value;
		else if (a.type == 14)
			bits = a.value;
	}
	i->encryption = cipher == 5 ? IKE_3DES : bits == 256 ? IKE_AES_CBC_256 : IKE_AES_CBC_128;
}

static bool parse_answer(struct initiator *i, uint8_t exchange)
{
	struct isakmp_header h;

	if (!initiator_take(i))
		return false;
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	assert_memory_equal(h.initiator, i->cookie_i, 8);
	if (h.exchange != exchange)
		return false;
	assert_int_equal(h.length, i->answer_length);
	assert_int_equal(isakmp_chain_parse(h.next, i->answer + ISAKMP_HEADER,
				 h.length - ISAKMP_HEADER, &i->chain),
		0);
	memcpy(i->cookie_r, h.responder, 8);
	return true;
}

// The message up to the SA payload.
static struct isakmp_out phase1_begin(struct initiator *i, uint8_t exchange)
{
	uint8_t transform[128];
	struct build t = build_in(transform, sizeof(transform));
	struct build sa = build_in(i->sa_body, sizeof(i->sa_body));
	struct isakmp_header h;
	struct isakmp_out out;

	RAND_bytes(i->cookie_i, 8);
	memset(i->cookie_r, 0, 8);
	h = header_of(i, exchange, 0, 0);
	out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	write_ike_transform(i, &t);
	if (i->sa_offer.length)
		build_bytes(&sa, i->sa_offer.at, i->sa_offer.length);
	else
		write_sa(&sa, ISAKMP_PROTO_ISAKMP, NULL, 0, transform, build_length(&t));
	i->sa_length = build_length(&sa);
	isakmp_out_payload(&out, ISAKMP_SA, i->sa_body, i->sa_length);
	return out;
}

bool initiator_first(struct initiator *i)
{
	struct isakmp_out out = phase1_begin(i, ISAKMP_MAIN);

	vendor_ids(i, &out);
	for (size_t n = 0; n < i->vendor_count; n++)
		isakmp_out_payload(&out, ISAKMP_VENDOR, i->vendors[n].at, i->vendors[n].length);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_MAIN) || !isakmp_chain_find(&i->chain, ISAKMP_SA, 0))
		return false;
	if (i->sa_offer.length)
		adopt(i);
	return true;
}

static void add_nat_d(struct initiator *i, struct isakmp_out *out)
{
	uint8_t hash[64];
	uint16_t wrong = i->nat ? 7 : 0;
	size_t n;

	if (i->natt == NATT_NONE)
		return;
	n = natt_hash(i->hash, i->cookie_i, i->cookie_r, &i->flow.local,
		i->flow.local_port + (i->nat_us ? 7 : 0), hash);
	isakmp_out_payload(out, natt_payload_d(i->natt), hash, n);
	n = natt_hash(i->hash, i->cookie_i, i->cookie_r, &i->flow.remote,
		i->flow.remote_port + wrong, hash);
	isakmp_out_payload(out, natt_payload_d(i->natt), hash, n);
}

static void derive(struct initiator *i)
{
	uint8_t secret[IKE_DH_MAX];
	size_t size = ike_group_size(i->group);
	struct ike_keys_input in = {.hash = i->hash,
		.encryption = i->encryption,
		.by_signature = i->auth != 0,
		.psk = SPAN((const uint8_t *)i->psk, strlen(i->psk)),
		.secret = SPAN(secret, ike_group_secret_size(i->group)),
		.nonce_i = SPAN(i->nonce_i, sizeof(i->nonce_i)),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.public_i = SPAN(i->public_i, size),
		.public_r = SPAN(i->public_r, size),
		.cookie_i = i->cookie_i,
		.cookie_r = i->cookie_r};

	assert_int_equal(ike_dh_shared(i->group, i->dh, SPAN(i->public_r, size), secret), 0);
	assert_int_equal(ike_keys_derive(&in, &i->keys), 0);
}

static void check_nat_d(struct initiator *i)
{
	const struct isakmp_part *d;
	uint8_t hash[64];
	size_t n;

	if (i->natt == NATT_NONE)
		return;
	d = isakmp_chain_find(&i->chain, natt_payload_d(i->natt), 0);
	assert_non_null(d);
	n = natt_hash(
		i->hash, i->cookie_i, i->cookie_r, &i->flow.remote, i->flow.remote_port, hash);
	assert_int_equal(d->body.length, n);
	assert_memory_equal(d->body.at, hash, n);
}

bool initiator_third(struct initiator *i)
{
	struct isakmp_header h = header_of(i, ISAKMP_MAIN, 0, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	const struct isakmp_part *ke, *nonce;

	initiator_free(i);
	i->dh = ike_dh_generate(i->group, i->public_i);
	assert_non_null(i->dh);
	RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_KE, i->public_i, ike_group_size(i->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, sizeof(i->nonce_i));
	add_nat_d(i, &out);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_MAIN))
		return false;
	ke = isakmp_chain_find(&i->chain, ISAKMP_KE, 0);
	nonce = isakmp_chain_find(&i->chain, ISAKMP_NONCE, 0);
	assert_non_null(ke);
	assert_non_null(nonce);
	memcpy(i->public_r, ke->body.at, ke->body.length);
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = nonce->body.length;
	check_nat_d(i);
	derive(i);
	return true;
}

static void hash_main(struct initiator *i, bool initiator, struct span id, uint8_t *out)
{
	size_t size = ike_group_size(i->group);
	struct span a = SPAN(i->public_i, size), b = SPAN(i->public_r, size);
	struct span ca = SPAN(i->cookie_i, 8), cb = SPAN(i->cookie_r, 8);
	const struct span parts[] = {initiator ? a : b, initiator ? b : a, initiator ? ca : cb,
		initiator ? cb : ca, SPAN(i->sa_body, i->sa_length), id};

	assert_int_equal(
		ike_prf(initiator_proof_hash(i), SPAN(i->keys.skeyid, hash_size(i)), parts, 6, out),
		0);
}

static void seal(struct initiator *i, struct isakmp_out *out, uint8_t *iv)
{
	size_t length;

	isakmp_out_pad(out, ike_encryption_block(i->encryption));
	length = isakmp_out_end(out);
	assert_int_not_equal(length, 0);
	assert_int_equal(ike_encrypt(i->encryption, i->keys.e, iv, i->last + ISAKMP_HEADER,
				 length - ISAKMP_HEADER),
		0);
	initiator_send(i, i->last, length);
}

static bool unseal(struct initiator *i, uint8_t *iv, struct isakmp_header *h)
{
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, h), 0);
	if (!(h->flags & ISAKMP_ENCRYPTED))
		return false;
	return ike_decrypt(i->encryption, i->keys.e, iv, i->answer + ISAKMP_HEADER,
		       h->length - ISAKMP_HEADER) == 0 &&
	       isakmp_chain_parse(h->next, i->answer + ISAKMP_HEADER, h->length - ISAKMP_HEADER,
		       &i->chain) == 0;
}

static void informational_read(struct initiator *i, const struct isakmp_header *h);

// In place of the sixth message; honest peers heed what is encrypted and authentic.
static bool is_error(struct initiator *i)
{
	struct isakmp_notify_body n;
	struct isakmp_header h;

	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	if (h.exchange != ISAKMP_INFORMATIONAL || !(h.flags & ISAKMP_ENCRYPTED))
		return false;
	informational_read(i, &h);
	assert_int_equal(i->chain.parts[1].type, ISAKMP_NOTIFY);
	assert_int_equal(isakmp_notify_parse(i->chain.parts[1].body, &n), 0);
	i->error = n.type;
	return true;
}

bool initiator_fifth(struct initiator *i)
{
	struct isakmp_header h = header_of(i, ISAKMP_MAIN, ISAKMP_ENCRYPTED, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	const struct isakmp_part *id, *part;
	uint8_t hash[IKE_HASH_MAX], cookies[16], ours[20];
	size_t ours_length;

	memcpy(cookies, i->cookie_i, 8);
	memcpy(cookies + 8, i->cookie_r, 8);
	hash_main(i, true, SPAN(i->id, i->id_length), hash);
	isakmp_out_payload(&out, ISAKMP_ID, i->id, i->id_length);
	if (i->auth)
		initiator_prove(i, &out, SPAN(hash, ike_hash_size(initiator_proof_hash(i))));
	else
		isakmp_out_payload(&out, ISAKMP_HASH, hash, hash_size(i));
	if (i->initial_contact)
		isakmp_out_notify(
			&out, ISAKMP_PROTO_ISAKMP, cookies, 16, NOTIFY_INITIAL_CONTACT, NULL, 0);
	seal(i, &out, i->keys.iv);
	i->error = 0;
	if (!initiator_take(i) || is_error(i) || !unseal(i, i->keys.iv, &h))
		return false;
	id = isakmp_chain_find(&i->chain, ISAKMP_ID, 0);
	part = isakmp_chain_find(&i->chain, ISAKMP_HASH, 0);
	if (!id || (!part && !i->auth))
		return false;
	if (i->auth) {
		hash_main(i, false, id->body, hash);
		return initiator_proven(i, SPAN(hash, ike_hash_size(initiator_proof_hash(i))));
	}
	ours_length = id_write(&i->flow.local, 0, ours);
	assert_int_equal(id->body.length, ours_length);
	assert_memory_equal(id->body.at, ours, ours_length);
	hash_main(i, false, id->body, hash);
	assert_memory_equal(part->body.at, hash, hash_size(i));
	return true;
}

// The ports float where a NAT is found (RFC 3947 section 4).
static void float_ports(struct initiator *i)
{
	if (i->natt == NATT_NONE || !(i->nat || i->nat_us))
		return;
	i->flow.local_port = PORT_NAT_T;
	if (i->flow.remote_port == PORT_IKE)
		i->flow.remote_port = PORT_NAT_T;
}

bool initiator_main(struct initiator *i)
{
	if (!initiator_first(i) || !initiator_third(i))
		return false;
	float_ports(i);
	return initiator_fifth(i);
}

bool initiator_aggressive_first(struct initiator *i)
{
	struct isakmp_out out = phase1_begin(i, ISAKMP_AGGRESSIVE);
	const struct isakmp_part *part;
	uint8_t hash[IKE_HASH_MAX];

	initiator_free(i);
	i->dh = ike_dh_generate(i->group, i->public_i);
	RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_KE, i->public_i, ike_group_size(i->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_ID, i->id, i->id_length);
	vendor_ids(i, &out);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_AGGRESSIVE))
		return false;
	part = isakmp_chain_find(&i->chain, ISAKMP_KE, 0);
	memcpy(i->public_r, part->body.at, part->body.length);
	part = isakmp_chain_find(&i->chain, ISAKMP_NONCE, 0);
	memcpy(i->nonce_r, part->body.at, part->body.length);
	i->nonce_r_length = part->body.length;
	check_nat_d(i);
	derive(i);
	hash_main(i, false, isakmp_chain_find(&i->chain, ISAKMP_ID, 0)->body, hash);
	part = isakmp_chain_find(&i->chain, ISAKMP_HASH, 0);
	return memcmp(part->body.at, hash, hash_size(i)) == 0;
}

void initiator_aggressive_third(struct initiator *i, bool sealed)
{
	struct isakmp_header h = header_of(i, ISAKMP_AGGRESSIVE, sealed ? ISAKMP_ENCRYPTED : 0, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	uint8_t hash[IKE_HASH_MAX];

	hash_main(i, true, SPAN(i->id, i->id_length), hash);
	isakmp_out_payload(&out, ISAKMP_HASH, hash, hash_size(i));
	add_nat_d(i, &out);
	if (sealed)
		seal(i, &out, i->keys.iv);
	else
		initiator_send(i, i->last, isakmp_out_end(&out));
}

static void exchange_iv(struct initiator *i, uint32_t id, uint8_t *iv)
{
	uint8_t bytes[4] = {id >> 24, id >> 16, id >> 8, id}, hash[IKE_HASH_MAX];
	const struct span parts[] = {
		SPAN(i->keys.iv, ike_encryption_block(i->encryption)), SPAN(bytes, 4)};

	assert_int_equal(ike_digest(i->hash, parts, 2, hash), 0);
	memcpy(iv, hash, ike_encryption_block(i->encryption));
}

// prf(SKEYID_a, [0 |] M-ID | extra | rest)
static void hash_phase2(struct initiator *i, bool third, uint32_t id, struct span extra,
	struct span rest, uint8_t *out)
{
	uint8_t bytes[5] = {0, id >> 24, id >> 16, id >> 8, id};
	const struct span parts[] = {third ? SPAN(bytes, 5) : SPAN(bytes + 1, 4), extra, rest};

	assert_int_equal(ike_prf(i->hash, SPAN(i->keys.a, hash_size(i)), parts, 3, out), 0);
}

static void default_ids(struct initiator *i, struct initiator_quick *q)
{
	const uint32_t l2tp = 0x1106a5; // UDP, 1701

	if (q->no_ids || q->id_i_length)
		return;
	q->id_i_length = id_write(&i->flow.remote, l2tp, q->id_i);
	q->id_r_length = id_write(&i->flow.local, l2tp, q->id_r);
}

static size_t write_esp_transform(struct initiator_quick *q, uint8_t *buffer, size_t size)
{
	struct build b = build_in(buffer, size);

	build_u32(&b, 0);
	build_u8(&b, 1);
	build_u8(&b, q->transform);
	build_u16(&b, 0);
	lifetime(&b, 1, 1, q->lifetime_s);
	if (q->lifetime_kb)
		lifetime(&b, 1, 2, q->lifetime_kb);
	if (q->group)
		attribute(&b, 3, q->group);
	if (q->mode)
		attribute(&b, 4, q->mode);
	if (q->auth)
		attribute(&b, 5, q->auth);
	if (q->key_bits)
		attribute(&b, 6, q->key_bits);
	if (q->esn)
		attribute(&b, 11, q->esn);
	build_patch_u16(&b, 2, build_length(&b));
	return build_length(&b);
}

static void add_quick_payloads(
	struct initiator *i, struct initiator_quick *q, struct isakmp_out *out, struct ike_dh **dh)
{
	uint8_t transform[64], spi[4] = {q->spi >> 24, q->spi >> 16, q->spi >> 8, q->spi};
	uint8_t public[IKE_DH_MAX], oa[8] = {ID_IPV4_ADDR, 0x30, 0, 0x25, 10, 0, 0, 9};
	size_t length = write_esp_transform(q, transform, sizeof(transform));

	isakmp_out_open(out, ISAKMP_SA);
	if (q->sa_offer.length)
		build_bytes(&out->b, q->sa_offer.at, q->sa_offer.length);
	else
		write_sa(&out->b, ISAKMP_PROTO_ESP, spi, 4, transform, length);
	isakmp_out_close(out);
	isakmp_out_payload(out, ISAKMP_NONCE, q->nonce_i, sizeof(q->nonce_i));
	if (q->group) {
		*dh = ike_dh_generate(q->group, public);
		isakmp_out_payload(out, ISAKMP_KE, public, ike_group_size(q->group));
	}
	if (!q->no_ids) {
		isakmp_out_payload(out, ISAKMP_ID, q->id_i, q->id_i_length);
		isakmp_out_payload(out, ISAKMP_ID, q->id_r, q->id_r_length);
	}
	if (q->nat_oa)
		isakmp_out_payload(out, natt_payload_oa(i->natt), oa, sizeof(oa));
}

static struct isakmp_out phase2_begin(
	struct initiator *i, uint8_t exchange, uint32_t id, size_t *hash_at)
{
	struct isakmp_header h = header_of(i, exchange, ISAKMP_ENCRYPTED, id);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);

	isakmp_out_open(&out, ISAKMP_HASH);
	*hash_at = build_length(&out.b);
	build_zero(&out.b, hash_size(i));
	isakmp_out_close(&out);
	return out;
}

static struct span rest_after(struct initiator *i, const uint8_t *hash)
{
	const uint8_t *rest = hash + hash_size(i);

	return SPAN(rest, (size_t)(i->chain.end - rest));
}

static void check_echo(struct initiator *i, struct initiator_quick *q)
{
	const struct isakmp_part *a = isakmp_chain_find(&i->chain, ISAKMP_ID, 0);
	const struct isakmp_part *b = isakmp_chain_find(&i->chain, ISAKMP_ID, 1);

	if (q->no_ids) {
		assert_null(a);
		return;
	}
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(a->body.length, q->id_i_length);
	assert_memory_equal(a->body.at, q->id_i, q->id_i_length);
	assert_memory_equal(b->body.at, q->id_r, q->id_r_length);
}

static void take_pair(struct initiator *i, struct initiator_quick *q, struct ike_dh *dh)
{
	const struct isakmp_part *part = isakmp_chain_find(&i->chain, ISAKMP_SA, 0);
	const struct isakmp_part *nonce = isakmp_chain_find(&i->chain, ISAKMP_NONCE, 0);
	const struct isakmp_part *ke = isakmp_chain_find(&i->chain, ISAKMP_KE, 0);
	uint8_t secret[IKE_DH_MAX];
	struct isakmp_sa sa;
	struct view v;
	struct ike_keymat_input in = {.hash = i->hash,
		.skeyid_d = i->keys.d,
		.nonce_i = SPAN(q->nonce_i, sizeof(q->nonce_i)),
		.protocol = 3,
		.spi = q->spi};

	assert_int_equal(isakmp_sa_parse(part->body, &sa), 0);
	assert_int_equal(sa.proposal_count, 1);
	assert_int_equal(sa.transform_count, 1);
	if (q->sa_offer.length)
		q->transform = sa.transforms[0].id;
	assert_int_equal(sa.transforms[0].id, q->transform);
	v = view_of(sa.proposals[0].spi.at, 4);
	q->spi_responder = view_u32(&v);
	memcpy(q->nonce_r, nonce->body.at, nonce->body.length);
	q->nonce_r_length = nonce->body.length;
	in.nonce_r = SPAN(q->nonce_r, q->nonce_r_length);
	if (q->group) {
		assert_non_null(ke);
		assert_int_equal(ike_dh_shared(q->group, dh, ke->body, secret), 0);
		in.secret = SPAN(secret, ike_group_secret_size(q->group));
	}
	assert_int_equal(ike_keymat(&in, q->keys_in, sizeof(q->keys_in)), 0);
	in.spi = q->spi_responder;
	assert_int_equal(ike_keymat(&in, q->keys_out, sizeof(q->keys_out)), 0);
}

static bool quick_answer(struct initiator *i, struct initiator_quick *q, struct ike_dh *dh)
{
	struct isakmp_header h;
	uint8_t hash[IKE_HASH_MAX];

	if (!initiator_take(i))
		return false;
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	if (h.exchange != ISAKMP_QUICK) {
		// An error: leave it as the answer.
		exchange_iv(i, h.message_id, q->iv);
		assert_true(unseal(i, q->iv, &h));
		return false;
	}
	assert_int_equal(h.message_id, q->message_id);
	assert_true(unseal(i, q->iv, &h));
	assert_int_equal(i->chain.parts[0].type, ISAKMP_HASH);
	hash_phase2(i, false, q->message_id, SPAN(q->nonce_i, sizeof(q->nonce_i)),
		rest_after(i, i->chain.parts[0].body.at), hash);
	assert_memory_equal(i->chain.parts[0].body.at, hash, hash_size(i));
	check_echo(i, q);
	take_pair(i, q, dh);
	return true;
}

bool initiator_quick_first(struct initiator *i, struct initiator_quick *q)
{
	struct isakmp_out out;
	struct ike_dh *dh = NULL;
	size_t hash_at, rest;
	bool good;

	q->message_id = i->next_message_id++;
	RAND_bytes(q->nonce_i, sizeof(q->nonce_i));
	default_ids(i, q);
	out = phase2_begin(i, ISAKMP_QUICK, q->message_id, &hash_at);
	add_quick_payloads(i, q, &out, &dh);
	rest = hash_at + hash_size(i);
	hash_phase2(i, false, q->message_id, SPAN(NULL, 0),
		SPAN(i->last + rest, build_length(&out.b) - rest), i->last + hash_at);
	exchange_iv(i, q->message_id, q->iv);
	seal(i, &out, q->iv);
	memcpy(q->first, i->last, i->last_length);
	q->first_length = i->last_length;
	good = quick_answer(i, q, dh);
	ike_dh_free(dh);
	return good;
}

void initiator_quick_third(struct initiator *i, struct initiator_quick *q)
{
	size_t hash_at;
	struct isakmp_out out = phase2_begin(i, ISAKMP_QUICK, q->message_id, &hash_at);

	hash_phase2(i, true, q->message_id, SPAN(q->nonce_i, sizeof(q->nonce_i)),
		SPAN(q->nonce_r, q->nonce_r_length), i->last + hash_at);
	seal(i, &out, q->iv);
}

static void informational_end(
	struct initiator *i, struct isakmp_out *out, uint32_t id, size_t hash_at)
{
	size_t rest = hash_at + hash_size(i);
	uint8_t iv[IKE_BLOCK_MAX];

	hash_phase2(i, false, id, SPAN(NULL, 0), SPAN(i->last + rest, build_length(&out->b) - rest),
		i->last + hash_at);
	exchange_iv(i, id, iv);
	seal(i, out, iv);
}

void initiator_delete(
	struct initiator *i, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis)
{
	uint32_t id = i->next_message_id++;
	size_t hash_at;
	struct isakmp_out out = phase2_begin(i, ISAKMP_INFORMATIONAL, id, &hash_at);

	isakmp_out_delete(&out, protocol, spi_size, count, spis);
	informational_end(i, &out, id, hash_at);
}

void initiator_delete_esp(struct initiator *i, const uint32_t *spis, uint16_t count)
{
	uint8_t bytes[256];
	struct build b = build_in(bytes, sizeof(bytes));

	for (uint16_t n = 0; n < count; n++)
		build_u32(&b, spis[n]);
	assert_false(b.failed);
	initiator_delete(i, ISAKMP_PROTO_ESP, 4, count, bytes);
}

static void cookie_pair(struct initiator *i, uint8_t out[16])
{
	memcpy(out, i->cookie_i, 8);
	memcpy(out + 8, i->cookie_r, 8);
}

void initiator_delete_isakmp(struct initiator *i)
{
	uint8_t spi[16];

	cookie_pair(i, spi);
	initiator_delete(i, ISAKMP_PROTO_ISAKMP, 16, 1, spi);
}

void initiator_notify(struct initiator *i, uint16_t type, const void *data, size_t length)
{
	uint32_t id = i->next_message_id++;
	size_t hash_at;
	struct isakmp_out out = phase2_begin(i, ISAKMP_INFORMATIONAL, id, &hash_at);
	uint8_t spi[16];

	cookie_pair(i, spi);
	isakmp_out_notify(&out, ISAKMP_PROTO_ISAKMP, spi, 16, type, data, length);
	informational_end(i, &out, id, hash_at);
}

static void informational_read(struct initiator *i, const struct isakmp_header *header)
{
	uint8_t iv[IKE_BLOCK_MAX], hash[IKE_HASH_MAX];
	struct isakmp_header h;

	exchange_iv(i, header->message_id, iv);
	assert_true(unseal(i, iv, &h));
	hash_phase2(i, false, h.message_id, SPAN(NULL, 0), rest_after(i, i->chain.parts[0].body.at),
		hash);
	assert_memory_equal(i->chain.parts[0].body.at, hash, hash_size(i));
}

bool initiator_informational(struct initiator *i)
{
	struct isakmp_header h;

	do {
		if (!initiator_take(i))
			return false;
		assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	} while (h.exchange == ISAKMP_QUICK || h.exchange == ISAKMP_MAIN);
	assert_int_equal(h.exchange, ISAKMP_INFORMATIONAL);
	informational_read(i, &h);
	return true;
}
