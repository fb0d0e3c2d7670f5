// SPDX-License-Identifier: Apache-2.0

// See sealed.h.

#include "sealed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

enum { GENERIC_HEADER = 4 };

struct number {
	uint8_t bytes[4];
};

static struct number number_of(uint32_t v)
{
	return (struct number){{v >> 24, v >> 16, v >> 8, v}};
}

bool sealed_message_id(uint32_t *id)
{
	uint8_t b[4] = {0};
	struct view v = view_of(b, sizeof(b));

	if (RAND_bytes(b, sizeof(b)) != 1)
		return false;
	*id = view_u32(&v);
	*id += *id == 0;
	return true;
}

int sealed_iv(const struct ike_sa *sa, uint32_t message_id, uint8_t *iv)
{
	struct number id = number_of(message_id);
	size_t block = ike_encryption_block(sa->encryption);
	const struct span parts[] = {SPAN(sa->v1.keys.iv, block), SPAN(id.bytes, 4)};
	uint8_t hash[IKE_HASH_MAX];
	int error = ike_digest(sa->hash, parts, 2, hash);

	if (!error)
		memcpy(iv, hash, block);
	return error;
}

int sealed_open_with(const struct ike_sa *sa, const struct ike_keys *keys, uint8_t *iv,
	const struct isakmp_header *h, const uint8_t *message, uint8_t *plain,
	struct isakmp_chain *chain)
{
	size_t length = h->length - ISAKMP_HEADER;
	uint8_t next[IKE_BLOCK_MAX];

	memcpy(next, iv, sizeof(next));
	memcpy(plain, message + ISAKMP_HEADER, length);
	if (ike_decrypt(sa->encryption, keys->e, next, plain, length))
		return -EBADMSG;
	if (isakmp_chain_parse(h->next, plain, length, chain))
		return -EBADMSG;
	memcpy(iv, next, sizeof(next));
	return 0;
}

int sealed_open(const struct ike_sa *sa, uint8_t *iv, const struct isakmp_header *h,
	const uint8_t *message, uint8_t *plain, struct isakmp_chain *chain)
{
	return sealed_open_with(sa, &sa->v1.keys, iv, h, message, plain, chain);
}

static bool same(const struct ike_sa *sa, const uint8_t *hash, const struct isakmp_part *part)
{
	size_t size = ike_hash_size(sa->hash);

	return part->type == ISAKMP_HASH && part->body.length == size &&
	       CRYPTO_memcmp(hash, part->body.at, size) == 0;
}

static int hash_over(const struct ike_sa *sa, uint32_t message_id, struct span extra,
	struct span rest, uint8_t *out)
{
	struct number id = number_of(message_id);
	const struct span parts[] = {SPAN(id.bytes, 4), extra, rest};

	return ike_prf(sa->hash, SPAN(sa->v1.keys.a, ike_hash_size(sa->hash)), parts, 3, out);
}

bool sealed_authentic(const struct ike_sa *sa, uint32_t message_id, struct span extra,
	const struct isakmp_chain *chain)
{
	uint8_t hash[IKE_HASH_MAX];
	const uint8_t *rest;

	if (chain->count == 0)
		return false;
	rest = chain->parts[0].body.at + chain->parts[0].body.length;
	if (hash_over(sa, message_id, extra, SPAN(rest, (size_t)(chain->end - rest)), hash))
		return false;
	return same(sa, hash, &chain->parts[0]);
}

int sealed_third_hash(const struct ike_sa *sa, uint32_t message_id, struct span nonce_i,
	struct span nonce_r, uint8_t hash[IKE_HASH_MAX])
{
	struct number id = number_of(message_id);
	uint8_t zero = 0;
	const struct span parts[] = {SPAN(&zero, 1), SPAN(id.bytes, 4), nonce_i, nonce_r};

	return ike_prf(sa->hash, SPAN(sa->v1.keys.a, ike_hash_size(sa->hash)), parts, 4, hash);
}

bool sealed_third_authentic(const struct ike_sa *sa, uint32_t message_id, struct span nonce_i,
	struct span nonce_r, const struct isakmp_chain *chain)
{
	uint8_t hash[IKE_HASH_MAX];

	if (chain->count == 0 || sealed_third_hash(sa, message_id, nonce_i, nonce_r, hash))
		return false;
	return same(sa, hash, &chain->parts[0]);
}

void sealed_begin(
	struct sealed *s, const struct ike_sa *sa, uint8_t exchange, uint32_t message_id, bool hash)
{
	struct isakmp_header h = sa_header(sa, exchange, ISAKMP_ENCRYPTED, message_id);

	s->out = isakmp_out_begin(s->buffer, sizeof(s->buffer), &h);
	s->message_id = message_id;
	s->hash_at = 0;
	if (!hash)
		return;
	isakmp_out_open(&s->out, ISAKMP_HASH);
	s->hash_at = build_length(&s->out.b);
	build_zero(&s->out.b, ike_hash_size(sa->hash));
	isakmp_out_close(&s->out);
}

size_t sealed_end(struct sealed *s, const struct ike_sa *sa, uint8_t *iv, struct span extra)
{
	size_t rest = s->hash_at + ike_hash_size(sa->hash), length = build_length(&s->out.b);
	uint8_t hash[IKE_HASH_MAX];

	if (s->out.b.failed)
		return 0;
	if (s->hash_at) {
		if (hash_over(
			    sa, s->message_id, extra, SPAN(s->buffer + rest, length - rest), hash))
			return 0;
		memcpy(s->buffer + s->hash_at, hash, ike_hash_size(sa->hash));
	}
	isakmp_out_pad(&s->out, ike_encryption_block(sa->encryption));
	length = isakmp_out_end(&s->out);
	if (length == 0 || ike_encrypt(sa->encryption, sa->v1.keys.e, iv, s->buffer + ISAKMP_HEADER,
				   length - ISAKMP_HEADER))
		return 0;
	return length;
}
