// SPDX-License-Identifier: Apache-2.0

// AES-GCM goes packet by packet through the direct call, which is the fastest there is. AES-CBC
// with HMAC goes through the two synchronous burst calls, one for each key size and one for each
// hash that occurs in the burst. Few packets do not fill the lanes of the wide manager; hashing
// them with SHA instructions one by one (the single manager) is several times faster.
//
// With many SAs, memory costs more than the cipher: keys are fetched some packets ahead of the one
// in work, not for the whole burst at once, so that the fetches do not queue up.

#include "dataplane/esp_crypto.h"

#include "dataplane/scratch.h"

#include <rte_byteorder.h>
#include <rte_prefetch.h>
#include <string.h>

enum {
	KEYS_AHEAD = 3,   // packets
	FEW_SHORT = 16,   // packets: below, the single manager hashes short packets faster
	FEW_LONG = 8,     // ... and long ones
	FEW_SHA512 = 3,   // there are no instructions for SHA-384 and SHA-512
	LONG_PACKET = 512 // bytes
};

// ---- keys

static inline void prefetch_lines(const void *p, size_t from, size_t to)
{
	for (size_t at = from & ~(size_t)63; at < to; at += 64)
		rte_prefetch0((const uint8_t *)p + at);
}

// Round keys, and those powers of H that so long a packet needs: they lie at the end, the lowest
// last.
static inline void prefetch_gcm(const struct esp_packet *p)
{
	const struct gcm_key_data *k = p->key;
	size_t hashes = sizeof(k->ghash_keys);
	size_t used = (size_t)p->length + 2 * 16;

	prefetch_lines(k, 0, sizeof(k->expanded_keys));
	prefetch_lines(k, sizeof(*k) - (used < hashes ? used : hashes), sizeof(*k));
}

static inline void prefetch_cbc(const struct esp_packet *p)
{
	prefetch_lines(p->key, 0, sizeof(struct sa_cbc));
}

// Equal in a time that does not depend on the bytes. n is a multiple of 4, as all ICVs are.
static inline bool tag_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t different = 0;

	for (size_t i = 0; i < n; i += 4) {
		uint32_t x, y;

		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		different |= x ^ y;
	}
	__asm__("" : "+r"(different));
	return different == 0;
}

// ---- AES-GCM (RFC 4106)

// Salt, then the explicit IV of the packet.
static inline void gcm_nonce(const struct esp_packet *p, uint8_t nonce[ESP_NONCE])
{
	memcpy(nonce, &p->salt, 4);
	memcpy(nonce + 4, p->esp + ESP_HEADER, ESP_IV_GCM);
}

static void gcm_decrypt(struct worker *w, struct esp_packet *p)
{
	struct gcm_context_data context;
	uint8_t nonce[ESP_NONCE], tag[16];
	uint8_t *text = p->esp + ESP_HEADER + ESP_IV_GCM;

	gcm_nonce(p, nonce);
	if (p->cipher == ESP_CIPHER_AES_GCM_128)
		IMB_AES128_GCM_DEC(w->mgr, p->key, &context, text, text, p->length, nonce, p->esp,
			ESP_HEADER, tag, sizeof(tag));
	else
		IMB_AES256_GCM_DEC(w->mgr, p->key, &context, text, text, p->length, nonce, p->esp,
			ESP_HEADER, tag, sizeof(tag));
	p->ok = tag_equal(tag, text + p->length, sizeof(tag));
}

// The explicit IV is the sequence number: it never repeats under a key.
static void gcm_encrypt(struct worker *w, struct esp_packet *p)
{
	struct gcm_context_data context;
	uint8_t nonce[ESP_NONCE];
	uint8_t *text = p->esp + ESP_HEADER + ESP_IV_GCM;
	uint64_t iv = rte_cpu_to_be_64(p->sequence);

	memcpy(p->esp + ESP_HEADER, &iv, sizeof(iv));
	gcm_nonce(p, nonce);
	if (p->cipher == ESP_CIPHER_AES_GCM_128)
		IMB_AES128_GCM_ENC(w->mgr, p->key, &context, text, text, p->length, nonce, p->esp,
			ESP_HEADER, text + p->length, p->icv);
	else
		IMB_AES256_GCM_ENC(w->mgr, p->key, &context, text, text, p->length, nonce, p->esp,
			ESP_HEADER, text + p->length, p->icv);
}

static void gcm_all(struct worker *w, struct esp_packet *p, uint16_t n, bool decrypt)
{
	struct esp_packet *list[BURST];
	uint16_t count = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (sa_is_aead(p[i].cipher))
			list[count++] = &p[i];
	}
	for (uint16_t i = 0; i < count && i < KEYS_AHEAD; i++)
		prefetch_gcm(list[i]);
	for (uint16_t i = 0; i < count; i++) {
		if (i + KEYS_AHEAD < count)
			prefetch_gcm(list[i + KEYS_AHEAD]);
		if (decrypt)
			gcm_decrypt(w, list[i]);
		else
			gcm_encrypt(w, list[i]);
	}
}

// ---- AES-CBC (RFC 3602) with HMAC (RFC 2404, RFC 4868)

static const IMB_HASH_ALG hash_of[ESP_INTEGRITY_COUNT] = {
	[ESP_INTEGRITY_NONE] = IMB_AUTH_NULL,
	[ESP_INTEGRITY_HMAC_SHA1_96] = IMB_AUTH_HMAC_SHA_1,
	[ESP_INTEGRITY_HMAC_SHA256_128] = IMB_AUTH_HMAC_SHA_256,
	[ESP_INTEGRITY_HMAC_SHA384_192] = IMB_AUTH_HMAC_SHA_384,
	[ESP_INTEGRITY_HMAC_SHA512_256] = IMB_AUTH_HMAC_SHA_512,
};

static inline unsigned cbc_key_size(uint8_t cipher)
{
	return cipher == ESP_CIPHER_AES_CBC_128 ? 16 : cipher == ESP_CIPHER_AES_CBC_192 ? 24 : 32;
}

static struct IMB_MGR *hash_mgr(struct worker *w, uint8_t integrity, uint16_t n, uint32_t bytes)
{
	uint16_t few = bytes / n >= LONG_PACKET ? FEW_LONG : FEW_SHORT;

	if (integrity >= ESP_INTEGRITY_HMAC_SHA384_192)
		few = FEW_SHA512;
	return n < few ? w->mgr_single : w->mgr;
}

static inline void hash_job(IMB_JOB *j, const struct esp_packet *p, uint8_t *tag)
{
	const struct sa_cbc *k = p->key;

	j->src = p->esp;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = (uint64_t)ESP_HEADER + p->iv + p->length;
	j->auth_tag_output = tag;
	j->auth_tag_output_len_in_bytes = p->icv;
	j->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
	j->u.HMAC._hashed_auth_key_xor_opad = k->outer;
	j->hash_alg = hash_of[p->integrity];
}

// The ICVs of all packets of one hash: into the packet, or into the scratch tags to be compared.
static void hash_some(struct worker *w, struct esp_packet **list, uint16_t n, bool compare)
{
	struct scratch *s = scratch_of(w);
	uint32_t bytes = 0, done;

	for (uint16_t i = 0; i < n; i++) {
		uint8_t *icv = list[i]->esp + ESP_HEADER + list[i]->iv + list[i]->length;

		hash_job(&s->jobs[i], list[i], compare ? s->tags[i] : icv);
		bytes += list[i]->length;
	}
	done = IMB_SUBMIT_HASH_BURST_NOCHECK(
		hash_mgr(w, list[0]->integrity, n, bytes), s->jobs, n, hash_of[list[0]->integrity]);
	for (uint16_t i = 0; compare && i < n; i++) {
		const uint8_t *icv = list[i]->esp + ESP_HEADER + list[i]->iv + list[i]->length;

		list[i]->ok = done == n && s->jobs[i].status & IMB_STATUS_COMPLETED_AUTH &&
			      tag_equal(s->tags[i], icv, list[i]->icv);
	}
}

static inline void cipher_job(IMB_JOB *j, const struct esp_packet *p, unsigned key_size)
{
	const struct sa_cbc *k = p->key;
	uint8_t *iv = p->esp + ESP_HEADER;

	j->src = iv + p->iv;
	j->dst = iv + p->iv;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = p->length;
	j->iv = iv;
	j->iv_len_in_bytes = p->iv;
	j->enc_keys = k->cipher;
	j->dec_keys = k->cipher;
	j->key_len_in_bytes = key_size;
}

// All packets of one key size. The wide manager is the fastest for any number of them.
static void cipher_some(struct worker *w, struct esp_packet **list, uint16_t n, bool decrypt)
{
	struct scratch *s = scratch_of(w);
	unsigned key_size = cbc_key_size(list[0]->cipher);

	for (uint16_t i = 0; i < n; i++)
		cipher_job(&s->jobs[i], list[i], key_size);
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(w->mgr, s->jobs, n, IMB_CIPHER_CBC,
		decrypt ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT, key_size);
}

static void hash_all(struct worker *w, struct esp_packet *p, uint16_t n, bool compare)
{
	struct esp_packet *list[BURST];

	for (uint8_t a = ESP_INTEGRITY_NONE + 1; a < ESP_INTEGRITY_COUNT; a++) {
		uint16_t count = 0;

		for (uint16_t i = 0; i < n; i++) {
			if (p[i].integrity == a)
				list[count++] = &p[i];
		}
		if (count)
			hash_some(w, list, count, compare);
	}
}

static void cipher_all(struct worker *w, struct esp_packet *p, uint16_t n, bool decrypt)
{
	struct esp_packet *list[BURST];

	for (uint8_t c = ESP_CIPHER_AES_CBC_128; c <= ESP_CIPHER_AES_CBC_256; c++) {
		uint16_t count = 0;

		for (uint16_t i = 0; i < n; i++) {
			if (p[i].cipher == c && (!decrypt || p[i].ok))
				list[count++] = &p[i];
		}
		if (count)
			cipher_some(w, list, count, decrypt);
	}
}

// The SA's serial and the sequence number never come together twice; enciphered under the
// worker's own random key they are what nobody can foretell.
static void cbc_iv(struct worker *w, struct esp_packet *p)
{
	static const uint8_t zeros[16];
	_Alignas(16) uint64_t block[2] = {p->sa->serial, p->sequence};

	IMB_AES128_CFB_ONE(w->mgr, p->esp + ESP_HEADER, zeros, block, scratch_of(w)->iv_key, 16);
}

static bool any_cbc(const struct esp_packet *p, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (!sa_is_aead(p[i].cipher))
			return true;
	}
	return false;
}

static bool any_gcm(const struct esp_packet *p, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (sa_is_aead(p[i].cipher))
			return true;
	}
	return false;
}

void esp_decrypt(struct worker *w, struct esp_packet *p, uint16_t n)
{
	if (any_gcm(p, n))
		gcm_all(w, p, n, true);
	if (!any_cbc(p, n))
		return;
	for (uint16_t i = 0; i < n; i++) {
		if (!sa_is_aead(p[i].cipher))
			prefetch_cbc(&p[i]);
	}
	hash_all(w, p, n, true);
	cipher_all(w, p, n, true);
}

void esp_encrypt(struct worker *w, struct esp_packet *p, uint16_t n)
{
	if (any_gcm(p, n))
		gcm_all(w, p, n, false);
	if (!any_cbc(p, n))
		return;
	for (uint16_t i = 0; i < n; i++) {
		if (sa_is_aead(p[i].cipher))
			continue;
		prefetch_cbc(&p[i]);
		cbc_iv(w, &p[i]);
	}
	cipher_all(w, p, n, false);
	hash_all(w, p, n, false);
}
