// SPDX-License-Identifier: Apache-2.0

// See answerer.h.

#include "answerer.h"
#include "initiator_part.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void prf(struct initiator *i, const struct span *parts, size_t count, uint8_t *out)
{
	size_t n = ike_hash_size(i->hash);

	assert_int_equal(ike_prf(i->hash, SPAN(i->keys.a, n), parts, count, out), 0);
}

static bool take(struct initiator *i, struct answerer *a, struct isakmp_header *h)
{
	if (!initiator_take(i))
		return false;
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, h), 0);
	assert_int_equal(h->exchange, ISAKMP_QUICK);
	if (a->message_id == 0)
		initiator_exchange_iv(i, h->message_id, a->iv);
	else
		assert_int_equal(h->message_id, a->message_id);
	a->message_id = h->message_id;
	assert_int_equal(ike_decrypt(i->encryption, i->keys.e, a->iv, i->answer + ISAKMP_HEADER,
				 h->length - ISAKMP_HEADER),
		0);
	assert_int_equal(isakmp_chain_parse(h->next, i->answer + ISAKMP_HEADER,
				 h->length - ISAKMP_HEADER, &i->chain),
		0);
	assert_int_equal(i->chain.parts[0].type, ISAKMP_HASH);
	return true;
}

static size_t keep(struct initiator *i, uint8_t type, size_t nth, uint8_t *out, size_t size)
{
	const struct isakmp_part *part = isakmp_chain_find(&i->chain, type, nth);

	if (!part)
		return 0;
	assert_true(part->body.length <= size);
	memcpy(out, part->body.at, part->body.length);
	return part->body.length;
}

static void read_offer(struct initiator *i, struct answerer *a)
{
	struct isakmp_sa offer;
	struct isakmp_attribute attribute;
	struct span rest;
	struct view v;

	a->sa_length = keep(i, ISAKMP_SA, 0, a->sa_body, sizeof(a->sa_body));
	assert_int_equal(isakmp_sa_parse(SPAN(a->sa_body, a->sa_length), &offer), 0);
	assert_int_equal(offer.transform_count, 1);
	v = view_of(offer.proposals[0].spi.at, 4);
	a->spi_gateway = view_u32(&v);
	rest = offer.transforms[0].attributes;
	while (isakmp_attribute_next(&rest, &attribute))
		if (attribute.type == 3)
			a->group = (uint16_t)attribute.value;
}

bool answerer_first(struct initiator *i, struct answerer *a)
{
	uint8_t hash[IKE_HASH_MAX], id[4];
	struct isakmp_header h;
	struct span rest;

	if (!take(i, a, &h))
		return false;
	rest.at = i->chain.parts[0].body.at + ike_hash_size(i->hash);
	rest.length = (size_t)(i->chain.end - rest.at);
	memcpy(id,
		(uint8_t[]){
			h.message_id >> 24, h.message_id >> 16, h.message_id >> 8, h.message_id},
		4);
	prf(i, (struct span[]){SPAN(id, 4), rest}, 2, hash);
	assert_memory_equal(hash, i->chain.parts[0].body.at, ike_hash_size(i->hash));
	a->nonce_i_length = keep(i, ISAKMP_NONCE, 0, a->nonce_i, sizeof(a->nonce_i));
	a->id_i_length = keep(i, ISAKMP_ID, 0, a->id_i, sizeof(a->id_i));
	a->id_r_length = keep(i, ISAKMP_ID, 1, a->id_r, sizeof(a->id_r));
	(void)keep(i, ISAKMP_KE, 0, a->public_i, sizeof(a->public_i));
	while (i->natt && isakmp_chain_find(&i->chain, natt_payload_oa(i->natt), a->nat_oas))
		a->nat_oas++;
	read_offer(i, a);
	return true;
}

static void send_sealed(struct initiator *i, struct answerer *a, struct isakmp_out *out,
	size_t hash_at, struct span extra, bool forged)
{
	size_t size = ike_hash_size(i->hash), rest = hash_at + size, length;
	uint8_t id[4] = {
		a->message_id >> 24, a->message_id >> 16, a->message_id >> 8, a->message_id};
	const struct span parts[] = {
		SPAN(id, 4), extra, SPAN(i->last + rest, build_length(&out->b) - rest)};

	prf(i, parts, 3, i->last + hash_at);
	i->last[hash_at] ^= forged;
	isakmp_out_pad(out, ike_encryption_block(i->encryption));
	length = isakmp_out_end(out);
	assert_int_not_equal(length, 0);
	assert_int_equal(ike_encrypt(i->encryption, i->keys.e, a->iv, i->last + ISAKMP_HEADER,
				 length - ISAKMP_HEADER),
		0);
	initiator_send(i, i->last, length);
}

static struct isakmp_out begin(
	struct initiator *i, struct answerer *a, uint8_t flags, size_t *hash_at)
{
	struct isakmp_header h = {.version = ISAKMP_VERSION,
		.exchange = ISAKMP_QUICK,
		.flags = ISAKMP_ENCRYPTED | flags,
		.message_id = a->message_id};
	struct isakmp_out out;

	memcpy(h.initiator, i->cookie_i, 8);
	memcpy(h.responder, i->cookie_r, 8);
	out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	isakmp_out_open(&out, ISAKMP_HASH);
	*hash_at = build_length(&out.b);
	build_zero(&out.b, ike_hash_size(i->hash));
	isakmp_out_close(&out);
	return out;
}

static void add_sa(struct answerer *a, struct isakmp_out *out)
{
	struct isakmp_sa offer;
	uint8_t spi[4] = {a->spi >> 24, a->spi >> 16, a->spi >> 8, a->spi};

	assert_int_equal(isakmp_sa_parse(SPAN(a->sa_body, a->sa_length), &offer), 0);
	if (a->other_transform)
		offer.transforms[0].id = 20;
	isakmp_out_sa(out, &offer.proposals[0], spi, 4, &offer.transforms[0]);
}

static void add_lifetime(struct isakmp_out *out, uint16_t unit, uint32_t value)
{
	uint8_t data[12];
	struct build b = build_in(data, sizeof(data));

	if (value == 0)
		return;
	build_u16(&b, 0x8001);
	build_u16(&b, unit);
	build_u16(&b, 2);
	build_u16(&b, 4);
	build_u32(&b, value);
	isakmp_out_notify(out, ISAKMP_PROTO_ESP, "\0\0\0\1", 4, NOTIFY_RESPONDER_LIFETIME, data,
		sizeof(data));
}

static void derive(struct initiator *i, struct answerer *a, struct span secret)
{
	struct ike_keymat_input in = {.hash = i->hash,
		.skeyid_d = i->keys.d,
		.secret = secret,
		.nonce_i = SPAN(a->nonce_i, a->nonce_i_length),
		.nonce_r = SPAN(a->nonce_r, sizeof(a->nonce_r)),
		.protocol = ISAKMP_PROTO_ESP,
		.spi = a->spi};

	assert_int_equal(ike_keymat(&in, a->keys_in, sizeof(a->keys_in)), 0);
	in.spi = a->spi_gateway;
	assert_int_equal(ike_keymat(&in, a->keys_out, sizeof(a->keys_out)), 0);
}

static void answer_ke(struct initiator *i, struct answerer *a, struct isakmp_out *out)
{
	uint8_t public[IKE_DH_MAX], secret[IKE_DH_MAX];
	size_t size = ike_group_size(a->group);
	struct ike_dh *own = ike_dh_generate(a->group, public);

	isakmp_out_payload(out, ISAKMP_KE, public, size);
	assert_int_equal(ike_dh_shared(a->group, own, SPAN(a->public_i, size), secret), 0);
	derive(i, a, SPAN(secret, ike_group_secret_size(a->group)));
	ike_dh_free(own);
}

void answerer_second(struct initiator *i, struct answerer *a)
{
	size_t hash_at;
	struct isakmp_out out = begin(i, a, a->commit ? ISAKMP_COMMIT : 0, &hash_at);

	RAND_bytes(a->nonce_r, sizeof(a->nonce_r));
	add_sa(a, &out);
	isakmp_out_payload(&out, ISAKMP_NONCE, a->nonce_r, sizeof(a->nonce_r));
	if (a->group)
		answer_ke(i, a, &out);
	else
		derive(i, a, SPAN(NULL, 0));
	a->id_i[a->id_i_length - 1] ^= a->other_ids;
	isakmp_out_payload(&out, ISAKMP_ID, a->id_i, a->id_i_length);
	isakmp_out_payload(&out, ISAKMP_ID, a->id_r, a->id_r_length);
	add_lifetime(&out, 1, a->seconds);
	add_lifetime(&out, 2, a->kilobytes);
	send_sealed(i, a, &out, hash_at, SPAN(a->nonce_i, a->nonce_i_length), a->forged);
	memcpy(a->second, i->last, i->last_length);
	a->second_length = i->last_length;
}

void answerer_second_again(struct initiator *i, struct answerer *a)
{
	initiator_send(i, a->second, a->second_length);
}

bool answerer_third(struct initiator *i, struct answerer *a)
{
	uint8_t hash[IKE_HASH_MAX], id[5] = {0, a->message_id >> 24, a->message_id >> 16,
					    a->message_id >> 8, a->message_id};
	struct isakmp_header h;

	if (!take(i, a, &h))
		return false;
	prf(i,
		(struct span[]){SPAN(id, 5), SPAN(a->nonce_i, a->nonce_i_length),
			SPAN(a->nonce_r, sizeof(a->nonce_r))},
		3, hash);
	assert_int_equal(i->chain.count, 1);
	assert_memory_equal(hash, i->chain.parts[0].body.at, ike_hash_size(i->hash));
	return true;
}

void answerer_fourth(struct initiator *i, struct answerer *a)
{
	size_t hash_at;
	struct isakmp_out out = begin(i, a, ISAKMP_COMMIT, &hash_at);

	isakmp_out_notify(&out, ISAKMP_PROTO_ESP, "\0\0\0\1", 4, NOTIFY_CONNECTED, NULL, 0);
	send_sealed(i, a, &out, hash_at, SPAN(NULL, 0), false);
}
