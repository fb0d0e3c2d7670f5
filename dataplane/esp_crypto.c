// SPDX-License-Identifier: Apache-2.0

// AES-GCM goes packet by packet through the direct call, which is the fastest there is, and
// ChaCha20-Poly1305 likewise. AES-CBC with HMAC goes through the two synchronous burst calls, one
// for each key size and one for each hash that occurs in the burst. Few packets do not fill the
// lanes of the wide manager; hashing them with SHA instructions one by one (the single manager) is
// several times faster. 3DES has no burst call: its jobs are submitted and flushed.
//
// With extended sequence numbers the ICV covers the upper half as well, which is not in the packet:
// an AEAD has it between the two halves of the ESP header (RFC 4106 section 5), HMAC behind the
// ciphertext (RFC 4303 section 2.8), where the ICV gives way to it for that time.
//
// With many SAs, memory costs more than the cipher: keys are fetched some packets ahead of the one
// in work, not for the whole burst at once, so that the fetches do not queue up.

#include "dataplane/esp_crypto.h"

#include "dataplane/scratch.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

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
	uintptr_t at = ((uintptr_t)p + from) & ~(uintptr_t)63, end = (uintptr_t)p + to;

	for (; at < end; at += 64)
		rte_prefetch0((const void *)at);
}

// Bytes of the round keys of AES (FIPS 197): 10 to 14 rounds, and one key more.
static inline size_t round_keys(uint8_t cipher)
{
	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
	case ESP_CIPHER_AES_CBC_128:
		return 11 * 16;
	case ESP_CIPHER_AES_CBC_192:
		return 13 * 16;
	default:
		return 15 * 16;
	}
}

// Round keys, and those powers of H that so long a packet needs: they lie at the end, the lowest
// last.
static inline void prefetch_gcm(const struct esp_packet *p)
{
	const struct gcm_key_data *k = p->key;
	size_t hashes = sizeof(k->ghash_keys);
	size_t used = (size_t)p->length + 2 * 16;

	prefetch_lines(k, 0, round_keys(p->shape.cipher));
	prefetch_lines(k, sizeof(*k) - (used < hashes ? used : hashes), sizeof(*k));
}

static inline void prefetch_aead(const struct esp_packet *p)
{
	if (p->shape.cipher == ESP_CIPHER_CHACHA20_POLY1305)
		rte_prefetch0(p->key);
	else
		prefetch_gcm(p);
}

static inline void prefetch_cbc(const struct esp_packet *p)
{
	size_t round = offsetof(struct sa_cbc, cipher) + round_keys(p->shape.cipher);

	prefetch_lines(
		p->key, 0, p->shape.cipher == ESP_CIPHER_3DES ? sizeof(struct sa_3des) : round);
}

// What else an inbound packet will need: the counters of its SA, and where it most likely goes.
static inline void prefetch_behind(const struct worker *w, const struct esp_packet *p)
{
	const struct tables *t = w->tables;
	const struct sa *s = p->sa;

	rte_prefetch0(&w->sa_stats[id_index(s->spi_in)].in_packets);
	if (!sa_has_hint(s))
		return;
	rte_prefetch0(&t->tunnel[s->hint_tunnel]);
	rte_prefetch0(&t->session[s->replay.other].uplink);
	rte_prefetch0(&w->session_stats[s->replay.other].uplink);
}

// Some packets later.
static inline void prefetch_tunnel(const struct worker *w, const struct sa *s)
{
	if (sa_has_hint(s))
		rte_prefetch0(tunnel_find(w->tables, (uint16_t)s->hint_tunnel));
}

// Equal in a time that does not depend on the bytes. n is a multiple of 4, as all ICVs are.
static inline bool tag_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t different = 0, x, y;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		different |= x ^ y;
	}
	for (; i < n; i += 4) {
		x = y = 0;
		memcpy(&x, a + i, 4);
		memcpy(&y, b + i, 4);
		different |= x ^ y;
	}
	__asm__("" : "+r"(different));
	return different == 0;
}

static inline uint32_t sequence_high(const struct esp_packet *p)
{
	return rte_cpu_to_be_32((uint32_t)(p->sequence >> 32));
}

// ---- AES-GCM (RFC 4106), ChaCha20-Poly1305 (RFC 7634)

// What both need beside key and text.
struct aead {
	uint8_t nonce[16]; // salt, then the explicit IV of the packet
	uint8_t extended[ESP_AAD_MAX];
	const uint8_t *aad;
	uint64_t aad_length;
	uint8_t *text;
};

static inline void aead_extend(const struct esp_packet *p, struct aead *a)
{
	uint32_t high = sequence_high(p);

	memcpy(a->extended, p->esp, 4);
	memcpy(a->extended + 4, &high, 4);
	memcpy(a->extended + 8, p->esp + 4, 4);
	a->aad = a->extended;
	a->aad_length = ESP_AAD_MAX;
}

// Made one packet ahead: what was just written in two parts cannot be read at once as a whole.
static inline void aead_prepare(const struct esp_packet *p, struct aead *a)
{
	memcpy(a->nonce, &p->shape.salt, 4);
	memcpy(a->nonce + 4, p->esp + ESP_HEADER, ESP_IV_AEAD);
	a->text = p->esp + ESP_HEADER + ESP_IV_AEAD;
	a->aad = p->esp;
	a->aad_length = ESP_HEADER;
	if (unlikely(p->esn))
		aead_extend(p, a);
}

// The explicit IV is the sequence number: it never repeats under a key.
static inline void aead_number(struct esp_packet *p)
{
	uint64_t iv = rte_cpu_to_be_64(p->sequence);

	memcpy(p->esp + ESP_HEADER, &iv, sizeof(iv));
}

static void chacha(struct worker *w, const struct esp_packet *p, const struct aead *a, bool decrypt,
	uint8_t *tag)
{
	const struct sa_chacha *k = p->key;
	struct chacha20_poly1305_context_data context;

	IMB_CHACHA20_POLY1305_INIT(w->mgr, k->cipher, &context, a->nonce, a->aad, a->aad_length);
	if (decrypt) {
		IMB_CHACHA20_POLY1305_DEC_UPDATE(
			w->mgr, k->cipher, &context, a->text, a->text, p->length);
		IMB_CHACHA20_POLY1305_DEC_FINALIZE(w->mgr, &context, tag, p->shape.icv);
	} else {
		IMB_CHACHA20_POLY1305_ENC_UPDATE(
			w->mgr, k->cipher, &context, a->text, a->text, p->length);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(w->mgr, &context, tag, p->shape.icv);
	}
}

static inline void aead_decrypt(struct worker *w, struct esp_packet *p, const struct aead *a)
{
	struct gcm_context_data context;
	uint8_t tag[16];

	if (likely(p->shape.cipher == ESP_CIPHER_AES_GCM_128))
		IMB_AES128_GCM_DEC(w->mgr, p->key, &context, a->text, a->text, p->length, a->nonce,
			a->aad, a->aad_length, tag, sizeof(tag));
	else if (p->shape.cipher == ESP_CIPHER_AES_GCM_256)
		IMB_AES256_GCM_DEC(w->mgr, p->key, &context, a->text, a->text, p->length, a->nonce,
			a->aad, a->aad_length, tag, sizeof(tag));
	else
		chacha(w, p, a, true, tag);
	p->ok = tag_equal(tag, a->text + p->length, sizeof(tag));
}

static inline void aead_encrypt(struct worker *w, struct esp_packet *p, const struct aead *a)
{
	struct gcm_context_data context;
	uint8_t *tag = a->text + p->length;

	if (likely(p->shape.cipher == ESP_CIPHER_AES_GCM_128))
		IMB_AES128_GCM_ENC(w->mgr, p->key, &context, a->text, a->text, p->length, a->nonce,
			a->aad, a->aad_length, tag, p->shape.icv);
	else if (p->shape.cipher == ESP_CIPHER_AES_GCM_256)
		IMB_AES256_GCM_ENC(w->mgr, p->key, &context, a->text, a->text, p->length, a->nonce,
			a->aad, a->aad_length, tag, p->shape.icv);
	else
		chacha(w, p, a, false, tag);
}

// Fetches the keys of the packet at i, unless the one before has the same.
static inline void aead_prefetch(
	const struct worker *w, struct esp_packet **list, uint16_t i, bool decrypt)
{
	if (i > 0 && list[i]->key == list[i - 1]->key)
		return;
	prefetch_aead(list[i]);
	if (decrypt)
		prefetch_behind(w, list[i]);
}

// Returns how many of the packets are of an AEAD cipher.
static inline uint16_t aead_all(struct worker *w, struct esp_packet *p, uint16_t n, bool decrypt)
{
	struct esp_packet *list[BURST];
	struct aead a[2];
	uint16_t count = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!sa_is_aead(p[i].shape.cipher))
			continue;
		if (!decrypt)
			aead_number(&p[i]);
		list[count++] = &p[i];
	}
	for (uint16_t i = 0; i < count && i < KEYS_AHEAD; i++)
		aead_prefetch(w, list, i, decrypt);
	if (count)
		aead_prepare(list[0], &a[0]);
	for (uint16_t i = 0; i < count; i++) {
		if (i + KEYS_AHEAD < count)
			aead_prefetch(w, list, i + KEYS_AHEAD, decrypt);
		if (decrypt && (i == 0 || list[i]->key != list[i - 1]->key))
			prefetch_tunnel(w, list[i]->sa);
		if (i + 1 < count)
			aead_prepare(list[i + 1], &a[(i + 1) & 1]);
		if (decrypt)
			aead_decrypt(w, list[i], &a[i & 1]);
		else
			aead_encrypt(w, list[i], &a[i & 1]);
	}
	return count;
}

// ---- AES-CBC (RFC 3602) and 3DES (RFC 2451) with HMAC (RFC 2404, RFC 4868)

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

static inline uint8_t *icv_of(const struct esp_packet *p)
{
	return p->esp + ESP_HEADER + p->shape.iv + p->length;
}

static inline void hash_job(IMB_JOB *j, const struct esp_packet *p, uint8_t *tag)
{
	const struct sa_hmac *k = p->key;

	j->src = p->esp;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes =
		(uint64_t)ESP_HEADER + p->shape.iv + p->length + (p->esn ? sizeof(uint32_t) : 0);
	j->auth_tag_output = tag;
	j->auth_tag_output_len_in_bytes = p->shape.icv;
	j->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
	j->u.HMAC._hashed_auth_key_xor_opad = k->outer;
	j->hash_alg = hash_of[p->shape.integrity];
}

// Puts the upper half of the sequence number where the ICV begins; returns what was there.
static inline uint32_t high_put(const struct esp_packet *p)
{
	uint32_t high = sequence_high(p), before;

	memcpy(&before, icv_of(p), sizeof(before));
	memcpy(icv_of(p), &high, sizeof(high));
	return before;
}

static bool hash_submit(struct worker *w, struct esp_packet **list, uint16_t n, uint32_t bytes)
{
	uint8_t integrity = list[0]->shape.integrity;
	IMB_JOB *jobs = scratch_of(w)->jobs;

	return IMB_SUBMIT_HASH_BURST_NOCHECK(
		       hash_mgr(w, integrity, n, bytes), jobs, n, hash_of[integrity]) == n;
}

// The ICVs of all packets of one hash are compared.
static void hash_check(struct worker *w, struct esp_packet **list, uint16_t n)
{
	struct scratch *s = scratch_of(w);
	uint32_t bytes = 0, icv[BURST] = {0};
	bool done;

	for (uint16_t i = 0; i < n; i++) {
		if (list[i]->esn)
			icv[i] = high_put(list[i]);
		hash_job(&s->jobs[i], list[i], s->tags[i]);
		bytes += list[i]->length;
	}
	done = hash_submit(w, list, n, bytes);
	for (uint16_t i = 0; i < n; i++) {
		if (list[i]->esn)
			memcpy(icv_of(list[i]), &icv[i], sizeof(icv[i]));
		list[i]->ok = done && s->jobs[i].status & IMB_STATUS_COMPLETED_AUTH &&
			      tag_equal(s->tags[i], icv_of(list[i]), list[i]->shape.icv);
	}
}

// The ICVs of all packets of one hash are written. What still has to be hashed is not written over.
static void hash_write(struct worker *w, struct esp_packet **list, uint16_t n)
{
	struct scratch *s = scratch_of(w);
	uint32_t bytes = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (list[i]->esn)
			(void)high_put(list[i]);
		hash_job(&s->jobs[i], list[i], list[i]->esn ? s->tags[i] : icv_of(list[i]));
		bytes += list[i]->length;
	}
	(void)hash_submit(w, list, n, bytes);
	for (uint16_t i = 0; i < n; i++) {
		if (list[i]->esn)
			memcpy(icv_of(list[i]), s->tags[i], list[i]->shape.icv);
	}
}

static inline void cipher_job(IMB_JOB *j, const struct esp_packet *p, unsigned key_size)
{
	const struct sa_cbc *k = p->key;
	uint8_t *iv = p->esp + ESP_HEADER;

	j->src = iv + p->shape.iv;
	j->dst = iv + p->shape.iv;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = p->length;
	j->iv = iv;
	j->iv_len_in_bytes = p->shape.iv;
	j->enc_keys = k->cipher;
	j->dec_keys = k->cipher;
	j->key_len_in_bytes = key_size;
}

// All packets of one key size. The wide manager is the fastest for any number of them.
static void cipher_some(struct worker *w, struct esp_packet **list, uint16_t n, bool decrypt)
{
	struct scratch *s = scratch_of(w);
	unsigned key_size = cbc_key_size(list[0]->shape.cipher);

	for (uint16_t i = 0; i < n; i++)
		cipher_job(&s->jobs[i], list[i], key_size);
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(w->mgr, s->jobs, n, IMB_CIPHER_CBC,
		decrypt ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT, key_size);
}

// The order of the keys and of hash and cipher is ipsec-mb's affair. Nothing else uses the job
// queue of the manager, so what is flushed is ours.
static void des_some(struct worker *w, struct esp_packet **list, uint16_t n, bool decrypt)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct sa_3des *k = list[i]->key;
		IMB_JOB *j = IMB_GET_NEXT_JOB(w->mgr);

		cipher_job(j, list[i], sizeof(uint64_t) * 3);
		j->enc_keys = k->keys;
		j->dec_keys = k->keys;
		j->cipher_mode = IMB_CIPHER_DES3;
		j->cipher_direction = decrypt ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT;
		j->chain_order = decrypt ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
		j->hash_alg = IMB_AUTH_NULL;
		(void)IMB_SUBMIT_JOB_NOCHECK(w->mgr);
	}
	while (IMB_FLUSH_JOB(w->mgr))
		;
}

// Which algorithms occur: a bit for each of them. Nearly always there is one.
static inline uint32_t hashes_of(const struct esp_packet *p, uint16_t n)
{
	uint32_t there = 0;

	for (uint16_t i = 0; i < n; i++)
		there |= 1U << p[i].shape.integrity;
	return there & ~(1U << ESP_INTEGRITY_NONE);
}

static inline uint32_t ciphers_of(const struct esp_packet *p, uint16_t n)
{
	uint32_t there = 0;

	for (uint16_t i = 0; i < n; i++)
		there |= sa_is_aead(p[i].shape.cipher) ? 0 : 1U << p[i].shape.cipher;
	return there;
}

static void hash_all(struct worker *w, struct esp_packet *p, uint16_t n, bool compare)
{
	struct esp_packet *list[BURST];

	for (uint32_t there = hashes_of(p, n); there; there &= there - 1) {
		uint8_t a = (uint8_t)__builtin_ctz(there);
		uint16_t count = 0;

		for (uint16_t i = 0; i < n; i++) {
			if (p[i].shape.integrity == a)
				list[count++] = &p[i];
		}
		if (compare)
			hash_check(w, list, count);
		else
			hash_write(w, list, count);
	}
}

static void cipher_all(struct worker *w, struct esp_packet *p, uint16_t n, bool decrypt)
{
	struct esp_packet *list[BURST];

	for (uint32_t there = ciphers_of(p, n); there; there &= there - 1) {
		uint8_t c = (uint8_t)__builtin_ctz(there);
		uint16_t count = 0;

		for (uint16_t i = 0; i < n; i++) {
			if (p[i].shape.cipher == c && (!decrypt || p[i].ok))
				list[count++] = &p[i];
		}
		if (count && c == ESP_CIPHER_3DES)
			des_some(w, list, count, decrypt);
		else if (count)
			cipher_some(w, list, count, decrypt);
	}
}

// The SA's serial and the sequence number never come together twice; enciphered under the
// worker's own random key they are what nobody can foretell.
static void cbc_iv(struct worker *w, struct esp_packet *p)
{
	static const uint8_t zeros[16];
	_Alignas(16) uint64_t block[2] = {p->sa->serial, p->sequence};
	uint8_t iv[16];

	IMB_AES128_CFB_ONE(w->mgr, iv, zeros, block, scratch_of(w)->iv_key, sizeof(iv));
	memcpy(p->esp + ESP_HEADER, iv, p->shape.iv < sizeof(iv) ? p->shape.iv : sizeof(iv));
}

void esp_decrypt(struct worker *w, struct esp_packet *p, uint16_t n)
{
	if (aead_all(w, p, n, true) == n)
		return;
	for (uint16_t i = 0; i < n; i++) {
		if (!sa_is_aead(p[i].shape.cipher) && (i == 0 || p[i].key != p[i - 1].key))
			prefetch_cbc(&p[i]);
	}
	hash_all(w, p, n, true);
	for (uint16_t i = 0; i < n; i++) {
		if (!sa_is_aead(p[i].shape.cipher) && (i == 0 || p[i].key != p[i - 1].key))
			prefetch_behind(w, &p[i]);
	}
	cipher_all(w, p, n, true);
}

void esp_encrypt(struct worker *w, struct esp_packet *p, uint16_t n)
{
	if (aead_all(w, p, n, false) == n)
		return;
	for (uint16_t i = 0; i < n; i++) {
		if (sa_is_aead(p[i].shape.cipher))
			continue;
		if (i == 0 || p[i].key != p[i - 1].key)
			prefetch_cbc(&p[i]);
		cbc_iv(w, &p[i]);
	}
	cipher_all(w, p, n, false);
	hash_all(w, p, n, false);
}
