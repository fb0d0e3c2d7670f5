// SPDX-License-Identifier: Apache-2.0

// The second phase of initiator.h: quick mode and informational messages.

#include "initiator_part.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void initiator_exchange_iv(struct initiator *i, uint32_t id, uint8_t *iv)
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

	assert_int_equal(
		ike_prf(i->hash, SPAN(i->keys.a, initiator_hash_size(i)), parts, 3, out), 0);
}

static void default_ids(struct initiator *i, struct initiator_quick *q)
{
	const uint32_t l2tp = 0x1106a5; // UDP, 1701

	if (q->no_ids || q->id_i_length)
		return;
	q->id_i_length = initiator_id_write(&i->flow.remote, l2tp, q->id_i);
	q->id_r_length = initiator_id_write(&i->flow.local, l2tp, q->id_r);
}

static size_t write_esp_transform(struct initiator_quick *q, uint8_t *buffer, size_t size)
{
	struct build b = build_in(buffer, size);

	build_u32(&b, 0);
	build_u8(&b, 1);
	build_u8(&b, q->transform);
	build_u16(&b, 0);
	initiator_lifetime(&b, 1, 1, q->lifetime_s);
	if (q->lifetime_kb)
		initiator_lifetime(&b, 1, 2, q->lifetime_kb);
	if (q->group)
		initiator_attribute(&b, 3, q->group);
	if (q->mode)
		initiator_attribute(&b, 4, q->mode);
	if (q->auth)
		initiator_attribute(&b, 5, q->auth);
	if (q->key_bits)
		initiator_attribute(&b, 6, q->key_bits);
	if (q->esn)
		initiator_attribute(&b, 11, q->esn);
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
		initiator_sa(&out->b, ISAKMP_PROTO_ESP, spi, 4, transform, length);
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
	struct isakmp_header h = initiator_header(i, exchange, ISAKMP_ENCRYPTED, id);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);

	isakmp_out_open(&out, ISAKMP_HASH);
	*hash_at = build_length(&out.b);
	build_zero(&out.b, initiator_hash_size(i));
	isakmp_out_close(&out);
	return out;
}

static struct span rest_after(struct initiator *i, const uint8_t *hash)
{
	const uint8_t *rest = hash + initiator_hash_size(i);

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
		initiator_exchange_iv(i, h.message_id, q->iv);
		assert_true(initiator_unseal(i, q->iv, &h));
		return false;
	}
	assert_int_equal(h.message_id, q->message_id);
	assert_true(initiator_unseal(i, q->iv, &h));
	assert_int_equal(i->chain.parts[0].type, ISAKMP_HASH);
	hash_phase2(i, false, q->message_id, SPAN(q->nonce_i, sizeof(q->nonce_i)),
		rest_after(i, i->chain.parts[0].body.at), hash);
	assert_memory_equal(i->chain.parts[0].body.at, hash, initiator_hash_size(i));
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
	rest = hash_at + initiator_hash_size(i);
	hash_phase2(i, false, q->message_id, SPAN(NULL, 0),
		SPAN(i->last + rest, build_length(&out.b) - rest), i->last + hash_at);
	initiator_exchange_iv(i, q->message_id, q->iv);
	initiator_seal(i, &out, q->iv);
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
	initiator_seal(i, &out, q->iv);
}

static void informational_end(
	struct initiator *i, struct isakmp_out *out, uint32_t id, size_t hash_at)
{
	size_t rest = hash_at + initiator_hash_size(i);
	uint8_t iv[IKE_BLOCK_MAX];

	hash_phase2(i, false, id, SPAN(NULL, 0), SPAN(i->last + rest, build_length(&out->b) - rest),
		i->last + hash_at);
	initiator_exchange_iv(i, id, iv);
	initiator_seal(i, out, iv);
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

void initiator_informational_read(struct initiator *i, const struct isakmp_header *header)
{
	uint8_t iv[IKE_BLOCK_MAX], hash[IKE_HASH_MAX];
	struct isakmp_header h;

	initiator_exchange_iv(i, header->message_id, iv);
	assert_true(initiator_unseal(i, iv, &h));
	hash_phase2(i, false, h.message_id, SPAN(NULL, 0), rest_after(i, i->chain.parts[0].body.at),
		hash);
	assert_memory_equal(i->chain.parts[0].body.at, hash, initiator_hash_size(i));
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
	initiator_informational_read(i, &h);
	return true;
}
