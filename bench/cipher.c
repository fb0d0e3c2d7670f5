// SPDX-License-Identifier: Apache-2.0

#include "cipher.h"

#include "dataplane/sa.h"
#include "dataplane/sa_keys.h"

#include <rte_prefetch.h>
#include <string.h>

enum { AHEAD = 3 }; // packets

void cipher_open(struct cipher *c, const struct population *p, struct IMB_MGR *mgr)
{
	const struct transform *t = p->transform;
	const struct esp_cipher_shape *cipher = esp_cipher_shape(t->cipher);
	const struct esp_integrity_shape *integrity = esp_integrity_shape(t->integrity);
	uint8_t key[LIMIT_CIPHER_KEY + LIMIT_SALT];

	population_key(key, sizeof(key), 1);
	*c = (struct cipher){
		.mgr = mgr,
		.gcm = integrity->icv == 0,
		.iv = cipher->iv,
		.icv = cipher->icv + integrity->icv,
		.block = cipher->block,
		.key_size = cipher->key,
		.round_keys = (cipher->key / 4 + 7) * 16,
		.cipher = t->cipher,
		.integrity = t->integrity,
		.hash = t->integrity == ESP_INTEGRITY_HMAC_SHA1_96 ? IMB_AUTH_HMAC_SHA_1
								   : IMB_AUTH_HMAC_SHA_256,
	};
	memcpy(c->salt, key + cipher->key, sizeof(c->salt));
}

size_t cipher_keys_size(const struct cipher *c)
{
	return sa_keys_size(c->cipher);
}

void cipher_keys_make(struct cipher *c, bool decrypt, void *out)
{
	uint8_t cipher[LIMIT_CIPHER_KEY + LIMIT_SALT], integrity[LIMIT_INTEGRITY_KEY];

	population_key(cipher, sizeof(cipher), 1);
	population_key(integrity, sizeof(integrity), 2);
	sa_keys_expand(c->mgr, c->cipher, c->integrity, decrypt, cipher, integrity, out);
}

static inline void prefetch(const void *p, size_t from, size_t to)
{
	for (size_t at = from & ~(size_t)63; at < to; at += 64)
		rte_prefetch0((const uint8_t *)p + at);
}

// ---- AES-GCM

static inline void prefetch_gcm(const struct cipher *c, const struct cipher_packet *p)
{
	const struct gcm_key_data *k = p->key;
	size_t used = (size_t)p->length + 2 * 16;

	prefetch(k, 0, c->round_keys);
	if (used > sizeof(k->ghash_keys))
		used = sizeof(k->ghash_keys);
	prefetch(k, sizeof(*k) - used, sizeof(*k));
}

static inline bool equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
	return memcmp(a, b, n) == 0;
}

static unsigned gcm_decrypt(struct cipher *c, struct cipher_packet *p, unsigned n)
{
	struct gcm_context_data context;
	uint8_t nonce[12], tag[16];
	unsigned right = 0;

	memcpy(nonce, c->salt, 4);
	for (unsigned i = 0; i < n && i < AHEAD; i++)
		prefetch_gcm(c, &p[i]);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *text = p[i].esp + CIPHER_ESP_HEADER + 8;

		if (i + AHEAD < n)
			prefetch_gcm(c, &p[i + AHEAD]);
		memcpy(nonce + 4, p[i].esp + CIPHER_ESP_HEADER, 8);
		IMB_AES128_GCM_DEC(c->mgr, p[i].key, &context, text, text, p[i].length, nonce,
			p[i].esp, CIPHER_ESP_HEADER, tag, 16);
		right += equal(tag, text + p[i].length, 16);
	}
	return right;
}

static void gcm_encrypt(struct cipher *c, struct cipher_packet *p, unsigned n)
{
	struct gcm_context_data context;
	uint8_t nonce[12];

	memcpy(nonce, c->salt, 4);
	for (unsigned i = 0; i < n && i < AHEAD; i++)
		prefetch_gcm(c, &p[i]);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *text = p[i].esp + CIPHER_ESP_HEADER + 8;

		if (i + AHEAD < n)
			prefetch_gcm(c, &p[i + AHEAD]);
		memcpy(nonce + 4, p[i].esp, 8);
		memcpy(p[i].esp + CIPHER_ESP_HEADER, nonce + 4, 8);
		IMB_AES128_GCM_ENC(c->mgr, p[i].key, &context, text, text, p[i].length, nonce,
			p[i].esp, CIPHER_ESP_HEADER, text + p[i].length, 16);
	}
}

// ---- AES-CBC with HMAC

static inline void prefetch_cbc(const struct cipher *c, const struct cipher_packet *p)
{
	prefetch(p->key, 0, offsetof(struct sa_cbc, cipher) + c->round_keys);
}

static void hash(struct cipher *c, struct cipher_packet *p, unsigned n, bool compare)
{
	for (unsigned i = 0; i < n; i++) {
		const struct sa_cbc *k = p[i].key;
		IMB_JOB *j = &c->jobs[i];

		j->src = p[i].esp;
		j->hash_start_src_offset_in_bytes = 0;
		j->msg_len_to_hash_in_bytes = CIPHER_ESP_HEADER + 16 + p[i].length;
		j->auth_tag_output =
			compare ? c->tags[i] : p[i].esp + CIPHER_ESP_HEADER + 16 + p[i].length;
		j->auth_tag_output_len_in_bytes = c->icv;
		j->u.HMAC._hashed_auth_key_xor_ipad = k->hmac.inner;
		j->u.HMAC._hashed_auth_key_xor_opad = k->hmac.outer;
		j->hash_alg = c->hash;
	}
	IMB_SUBMIT_HASH_BURST_NOCHECK(c->mgr, c->jobs, n, c->hash);
}

static void cbc(struct cipher *c, struct cipher_packet *p, unsigned n, bool decrypt)
{
	for (unsigned i = 0; i < n; i++) {
		const struct sa_cbc *k = p[i].key;
		IMB_JOB *j = &c->jobs[i];

		j->src = p[i].esp + CIPHER_ESP_HEADER + 16;
		j->dst = p[i].esp + CIPHER_ESP_HEADER + 16;
		j->cipher_start_src_offset_in_bytes = 0;
		j->msg_len_to_cipher_in_bytes = p[i].length;
		j->iv = p[i].esp + CIPHER_ESP_HEADER;
		j->iv_len_in_bytes = 16;
		j->enc_keys = k->cipher;
		j->dec_keys = k->cipher;
		j->key_len_in_bytes = c->key_size;
	}
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(c->mgr, c->jobs, n, IMB_CIPHER_CBC,
		decrypt ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT, c->key_size);
}

unsigned cipher_decrypt(struct cipher *c, struct cipher_packet *p, unsigned n)
{
	unsigned right = 0;

	if (c->gcm)
		return gcm_decrypt(c, p, n);
	for (unsigned i = 0; i < n; i++)
		prefetch_cbc(c, &p[i]);
	hash(c, p, n, true);
	for (unsigned i = 0; i < n; i++)
		right += equal(c->tags[i], p[i].esp + CIPHER_ESP_HEADER + 16 + p[i].length, c->icv);
	cbc(c, p, n, true);
	return right;
}

void cipher_encrypt(struct cipher *c, struct cipher_packet *p, unsigned n)
{
	if (c->gcm) {
		gcm_encrypt(c, p, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		prefetch_cbc(c, &p[i]);
		memcpy(p[i].esp + CIPHER_ESP_HEADER, p[i].esp, 8);
		memcpy(p[i].esp + CIPHER_ESP_HEADER + 8, p[i].esp, 8);
	}
	cbc(c, p, n, false);
	hash(c, p, n, false);
}
