// SPDX-License-Identifier: Apache-2.0

// See esp.h. Jobs are submitted for a whole burst, so that the lanes of the multi-buffer manager
// fill, and flushed at its end: nothing stays in flight.

#include "esp.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = 12, SALT = 4, TAG = 32, HASH_BLOCK = 128 };

struct esp {
	struct IMB_MGR *mgr;
	struct gcm_context_data gcm;
	uint64_t random; // of IVs
	uint8_t tags[ESP_BURST][TAG];
	uint8_t nonces[ESP_BURST][16];
};

struct cbc_keys {
	uint8_t encrypt[16 * 15], decrypt[16 * 15];
	uint64_t des[3][IMB_DES_KEY_SCHED_SIZE / 8];
	const void *des_keys[3];
	uint8_t inner[64], outer[64]; // states of HMAC after the key's block
};

struct esp_keys {
	union {
		struct gcm_key_data gcm;
		struct cbc_keys cbc;
		uint8_t chacha[32];
	} of;
};

struct esp *esp_create(void)
{
	struct esp *e = aligned_alloc(64, (sizeof(*e) + 63) / 64 * 64);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->mgr = alloc_mb_mgr(0);
	if (!e->mgr) {
		free(e);
		return NULL;
	}
	init_mb_mgr_auto(e->mgr, NULL);
	e->random = 0x9e3779b97f4a7c15ull ^ (uintptr_t)e;
	return e;
}

void esp_free(struct esp *e)
{
	if (!e)
		return;
	free_mb_mgr(e->mgr);
	free(e);
}

static bool is_aead(unsigned cipher)
{
	return esp_cipher_shape(cipher)->icv != 0;
}

static bool is_gcm(unsigned cipher)
{
	return cipher == ESP_CIPHER_AES_GCM_128 || cipher == ESP_CIPHER_AES_GCM_256;
}

size_t esp_keymat_size(unsigned cipher, unsigned integrity)
{
	const struct esp_cipher_shape *c = esp_cipher_shape(cipher);
	const struct esp_integrity_shape *i = esp_integrity_shape(integrity);

	return c && i ? (size_t)(c->key + c->salt + i->key) : 0;
}

static void hash_block(struct IMB_MGR *mgr, unsigned integrity, const uint8_t *block, uint8_t *out)
{
	switch (integrity) {
	case ESP_INTEGRITY_HMAC_SHA1_96:
		IMB_SHA1_ONE_BLOCK(mgr, block, out);
		break;
	case ESP_INTEGRITY_HMAC_SHA256_128:
		IMB_SHA256_ONE_BLOCK(mgr, block, out);
		break;
	case ESP_INTEGRITY_HMAC_SHA384_192:
		IMB_SHA384_ONE_BLOCK(mgr, block, out);
		break;
	case ESP_INTEGRITY_HMAC_SHA512_256:
		IMB_SHA512_ONE_BLOCK(mgr, block, out);
		break;
	}
}

static void expand_hmac(
	struct IMB_MGR *mgr, unsigned integrity, const uint8_t *key, struct cbc_keys *out)
{
	size_t length = esp_integrity_shape(integrity)->key;
	uint8_t block[HASH_BLOCK];

	memset(block, 0x36, sizeof(block));
	for (size_t i = 0; i < length; i++)
		block[i] ^= key[i];
	hash_block(mgr, integrity, block, out->inner);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	hash_block(mgr, integrity, block, out->outer);
}

static void expand_cipher(
	struct IMB_MGR *mgr, unsigned cipher, const uint8_t *key, struct esp_keys *out)
{
	struct cbc_keys *cbc = &out->of.cbc;

	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
		IMB_AES128_GCM_PRE(mgr, key, &out->of.gcm);
		break;
	case ESP_CIPHER_AES_GCM_256:
		IMB_AES256_GCM_PRE(mgr, key, &out->of.gcm);
		break;
	case ESP_CIPHER_AES_CBC_128:
		IMB_AES_KEYEXP_128(mgr, key, cbc->encrypt, cbc->decrypt);
		break;
	case ESP_CIPHER_AES_CBC_192:
		IMB_AES_KEYEXP_192(mgr, key, cbc->encrypt, cbc->decrypt);
		break;
	case ESP_CIPHER_AES_CBC_256:
		IMB_AES_KEYEXP_256(mgr, key, cbc->encrypt, cbc->decrypt);
		break;
	case ESP_CIPHER_CHACHA20_POLY1305:
		memcpy(out->of.chacha, key, sizeof(out->of.chacha));
		break;
	case ESP_CIPHER_3DES:
		for (unsigned i = 0; i < 3; i++) {
			IMB_DES_KEYSCHED(mgr, cbc->des[i], key + 8 * i);
			cbc->des_keys[i] = cbc->des[i];
		}
		break;
	}
}

int esp_sa_open(struct esp *e, struct esp_sa *sa, unsigned cipher, unsigned integrity, uint32_t spi,
	const uint8_t *keymat, bool decrypt)
{
	const struct esp_cipher_shape *c = esp_cipher_shape(cipher);
	const struct esp_integrity_shape *i = esp_integrity_shape(integrity);
	struct esp_keys *keys;

	if (!c || !i || (c->icv == 0) != (integrity != ESP_INTEGRITY_NONE))
		return -EINVAL;
	keys = aligned_alloc(64, (sizeof(*keys) + 63) / 64 * 64);
	if (!keys)
		return -ENOMEM;
	esp_sa_close(sa);
	*sa = (struct esp_sa){.spi = spi,
		.cipher = (uint8_t)cipher,
		.integrity = (uint8_t)integrity,
		.iv = c->iv,
		.icv = c->icv ? c->icv : i->icv,
		.block = c->block < 4 ? 4 : c->block,
		.keys = keys};
	expand_cipher(e->mgr, cipher, keymat, keys);
	memcpy(sa->salt, keymat + c->key, c->salt);
	if (!is_aead(cipher))
		expand_hmac(e->mgr, integrity, keymat + c->key + c->salt, &keys->of.cbc);
	return 0;
}

void esp_sa_close(struct esp_sa *sa)
{
	if (sa->keys) {
		explicit_bzero(sa->keys, sizeof(*sa->keys));
		free(sa->keys);
	}
	memset(sa, 0, sizeof(*sa));
}

void esp_trailer(uint8_t *text, uint16_t data, uint16_t length, uint8_t next)
{
	uint8_t pad = (uint8_t)(length - data - 2);

	for (uint8_t i = 0; i < pad; i++)
		text[data + i] = i + 1;
	text[length - 2] = pad;
	text[length - 1] = next;
}

static void put_u32(uint8_t *at, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(at, &v, sizeof(v));
}

// A number that nobody foresees is what CBC needs (RFC 3602 section 3); this one is good enough for
// test data. AEAD takes the packet's number.
static void write_iv(struct esp *e, const struct esp_work *w)
{
	uint8_t *iv = w->esp + ESP_HEADER_BYTES;

	if (is_aead(w->sa->cipher)) {
		put_u32(iv, 0);
		put_u32(iv + 4, w->sa->sequence);
		return;
	}
	for (unsigned i = 0; i < w->sa->iv; i += 8) {
		e->random ^= e->random << 13;
		e->random ^= e->random >> 7;
		e->random ^= e->random << 17;
		memcpy(iv + i, &e->random, 8);
	}
}

static void number(struct esp *e, struct esp_work *w)
{
	w->ok = ++w->sa->sequence != 0;
	put_u32(w->esp, w->sa->spi);
	put_u32(w->esp + 4, w->sa->sequence);
	write_iv(e, w);
}

static void nonce_of(const struct esp_work *w, uint8_t *nonce)
{
	memcpy(nonce, w->sa->salt, SALT);
	memcpy(nonce + SALT, w->esp + ESP_HEADER_BYTES, NONCE - SALT);
}

static inline uint8_t *text_of(const struct esp_work *w)
{
	return w->esp + ESP_HEADER_BYTES + w->sa->iv;
}

static void gcm(struct esp *e, struct esp_work *w, bool encrypt)
{
	const struct gcm_key_data *key = &w->sa->keys->of.gcm;
	uint8_t *text = text_of(w), nonce[16], tag[16];
	uint8_t *out = encrypt ? text + w->text : tag;

	nonce_of(w, nonce);
	if (encrypt && w->sa->cipher == ESP_CIPHER_AES_GCM_128)
		IMB_AES128_GCM_ENC(e->mgr, key, &e->gcm, text, text, w->text, nonce, w->esp,
			ESP_HEADER_BYTES, out, 16);
	else if (encrypt)
		IMB_AES256_GCM_ENC(e->mgr, key, &e->gcm, text, text, w->text, nonce, w->esp,
			ESP_HEADER_BYTES, out, 16);
	else if (w->sa->cipher == ESP_CIPHER_AES_GCM_128)
		IMB_AES128_GCM_DEC(e->mgr, key, &e->gcm, text, text, w->text, nonce, w->esp,
			ESP_HEADER_BYTES, out, 16);
	else
		IMB_AES256_GCM_DEC(e->mgr, key, &e->gcm, text, text, w->text, nonce, w->esp,
			ESP_HEADER_BYTES, out, 16);
	if (!encrypt)
		w->ok = memcmp(tag, text + w->text, sizeof(tag)) == 0;
}

static const IMB_HASH_ALG hashes[] = {[ESP_INTEGRITY_HMAC_SHA1_96] = IMB_AUTH_HMAC_SHA_1,
	[ESP_INTEGRITY_HMAC_SHA256_128] = IMB_AUTH_HMAC_SHA_256,
	[ESP_INTEGRITY_HMAC_SHA384_192] = IMB_AUTH_HMAC_SHA_384,
	[ESP_INTEGRITY_HMAC_SHA512_256] = IMB_AUTH_HMAC_SHA_512};

static void fill_cbc(const struct esp_work *w, struct IMB_JOB *job)
{
	const struct cbc_keys *k = &w->sa->keys->of.cbc;
	bool des = w->sa->cipher == ESP_CIPHER_3DES;

	job->cipher_mode = des ? IMB_CIPHER_DES3 : IMB_CIPHER_CBC;
	job->enc_keys = des ? (const void *)k->des_keys : k->encrypt;
	job->dec_keys = des ? (const void *)k->des_keys : k->decrypt;
	job->key_len_in_bytes = esp_cipher_shape(w->sa->cipher)->key;
	job->iv = w->esp + ESP_HEADER_BYTES;
	job->iv_len_in_bytes = w->sa->iv;
	job->hash_alg = hashes[w->sa->integrity];
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = ESP_HEADER_BYTES + w->sa->iv + w->text;
	job->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = k->outer;
}

static void fill_chacha(const struct esp_work *w, struct IMB_JOB *job, uint8_t *nonce)
{
	nonce_of(w, nonce);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->enc_keys = job->dec_keys = w->sa->keys->of.chacha;
	job->key_len_in_bytes = 32;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->hash_start_src_offset_in_bytes = ESP_HEADER_BYTES + w->sa->iv;
	job->msg_len_to_hash_in_bytes = w->text;
	job->u.CHACHA20_POLY1305.aad = w->esp;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = ESP_HEADER_BYTES;
}

static void finish(struct IMB_JOB *job)
{
	struct esp_work *w = job ? job->user_data : NULL;

	if (w && job->status != IMB_STATUS_COMPLETED)
		w->ok = false;
}

static void submit(struct esp *e, struct esp_work *w, unsigned i, bool encrypt)
{
	struct IMB_JOB *job = IMB_GET_NEXT_JOB(e->mgr);
	bool chacha = w->sa->cipher == ESP_CIPHER_CHACHA20_POLY1305;

	memset(job, 0, sizeof(*job));
	if (chacha)
		fill_chacha(w, job, e->nonces[i]);
	else
		fill_cbc(w, job);
	job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->src = w->esp;
	job->dst = text_of(w);
	job->cipher_start_src_offset_in_bytes = ESP_HEADER_BYTES + w->sa->iv;
	job->msg_len_to_cipher_in_bytes = w->text;
	job->auth_tag_output = encrypt ? text_of(w) + w->text : e->tags[i];
	job->auth_tag_output_len_in_bytes = w->sa->icv;
	job->user_data = w;
	finish(IMB_SUBMIT_JOB(e->mgr));
}

static void flush(struct esp *e)
{
	struct IMB_JOB *job;

	while ((job = IMB_FLUSH_JOB(e->mgr)))
		finish(job);
}

void esp_seal(struct esp *e, struct esp_work *w, unsigned n)
{
	bool jobs = false;

	for (unsigned i = 0; i < n; i++) {
		number(e, &w[i]);
		if (is_gcm(w[i].sa->cipher)) {
			gcm(e, &w[i], true);
		} else {
			submit(e, &w[i], i, true);
			jobs = true;
		}
	}
	if (jobs)
		flush(e);
}

void esp_open(struct esp *e, struct esp_work *w, unsigned n)
{
	bool jobs = false;

	for (unsigned i = 0; i < n; i++) {
		w[i].ok = true;
		if (is_gcm(w[i].sa->cipher)) {
			gcm(e, &w[i], false);
		} else {
			submit(e, &w[i], i, false);
			jobs = true;
		}
	}
	if (!jobs)
		return;
	flush(e);
	for (unsigned i = 0; i < n; i++)
		if (!is_gcm(w[i].sa->cipher) && w[i].ok)
			w[i].ok = memcmp(e->tags[i], text_of(&w[i]) + w[i].text, w[i].sa->icv) == 0;
}
