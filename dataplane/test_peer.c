// SPDX-License-Identifier: Apache-2.0

// See test_peer.h.

#include "dataplane/test_peer.h"

#include "dataplane/test_support.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { UDP_HEADER = 8, ORDINARY = 2048 };

static const EVP_CIPHER *evp_cipher(uint8_t cipher)
{
	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
		return EVP_aes_128_gcm();
	case ESP_CIPHER_AES_GCM_256:
		return EVP_aes_256_gcm();
	case ESP_CIPHER_AES_CBC_128:
		return EVP_aes_128_cbc();
	case ESP_CIPHER_AES_CBC_192:
		return EVP_aes_192_cbc();
	case ESP_CIPHER_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	case ESP_CIPHER_3DES:
		return EVP_des_ede3_cbc();
	}
	return EVP_aes_256_cbc();
}

static const EVP_MD *evp_hash(uint8_t integrity)
{
	switch (integrity) {
	case ESP_INTEGRITY_HMAC_SHA1_96:
		return EVP_sha1();
	case ESP_INTEGRITY_HMAC_SHA256_128:
		return EVP_sha256();
	case ESP_INTEGRITY_HMAC_SHA384_192:
		return EVP_sha384();
	}
	return EVP_sha512();
}

// The additional data of an AEAD (RFC 4106 section 5, RFC 7634 section 2.1); returns its length.
static int aad_make(
	const struct command_sa_add *c, uint64_t sequence, const uint8_t *esp, uint8_t *aad)
{
	memcpy(aad, esp, 8);
	if (!c->esn)
		return 8;
	for (int i = 0; i < 8; i++)
		aad[4 + i] = (uint8_t)(sequence >> (56 - 8 * i));
	return 12;
}

static void aead_seal(
	const struct command_sa_add *c, uint64_t sequence, uint8_t *esp, size_t length)
{
	const struct esp_cipher_shape *shape = esp_cipher_shape(c->cipher);
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	uint8_t nonce[12], aad[12], *text = esp + 8 + 8;
	int n, aad_length = aad_make(c, sequence, esp, aad);

	memcpy(nonce, c->cipher_key_in + shape->key, 4);
	memcpy(nonce + 4, esp + 8, 8);
	assert_int_equal(
		EVP_EncryptInit_ex(x, evp_cipher(c->cipher), NULL, c->cipher_key_in, nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(x, NULL, &n, aad, aad_length), 1);
	assert_int_equal(EVP_EncryptUpdate(x, text, &n, text, (int)length), 1);
	assert_int_equal(EVP_EncryptFinal_ex(x, text + length, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, 16, text + length), 1);
	EVP_CIPHER_CTX_free(x);
}

// RFC 4303 section 3.3.2.1: the upper half is hashed behind the packet, not sent.
static void hmac_seal(
	const struct command_sa_add *c, uint64_t sequence, uint8_t *esp, size_t length)
{
	uint8_t bytes[ESP_MAX + 4], tag[64];
	unsigned size = sizeof(tag);

	memcpy(bytes, esp, length);
	for (int i = 0; i < 4; i++)
		bytes[length + (size_t)i] = (uint8_t)(sequence >> (56 - 8 * i));
	assert_non_null(HMAC(evp_hash(c->integrity), c->integrity_key_in,
		esp_integrity_shape(c->integrity)->key, bytes, length + (c->esn ? 4 : 0), tag,
		&size));
	memcpy(esp + length, tag, esp_integrity_shape(c->integrity)->icv);
}

static void cbc_seal(const struct command_sa_add *c, uint64_t sequence, uint8_t *esp, size_t length)
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	size_t iv = esp_cipher_shape(c->cipher)->iv;
	uint8_t *text = esp + 8 + iv;
	int n;

	assert_int_equal(
		EVP_EncryptInit_ex(x, evp_cipher(c->cipher), NULL, c->cipher_key_in, esp + 8), 1);
	EVP_CIPHER_CTX_set_padding(x, 0);
	assert_int_equal(EVP_EncryptUpdate(x, text, &n, text, (int)length), 1);
	EVP_CIPHER_CTX_free(x);
	hmac_seal(c, sequence, esp, 8 + iv + length);
}

size_t peer_seal(const struct command_sa_add *c, uint64_t sequence, const uint8_t *iv,
	const uint8_t *text, size_t length, uint8_t *esp)
{
	const struct esp_cipher_shape *shape = esp_cipher_shape(c->cipher);
	size_t icv = shape->icv + esp_integrity_shape(c->integrity)->icv;

	for (int i = 0; i < 4; i++) {
		esp[i] = (uint8_t)(c->spi_in >> (24 - 8 * i));
		esp[4 + i] = (uint8_t)(sequence >> (24 - 8 * i));
	}
	memcpy(esp + 8, iv, shape->iv);
	memcpy(esp + 8 + shape->iv, text, length);
	if (shape->icv)
		aead_seal(c, sequence, esp, length);
	else
		cbc_seal(c, sequence, esp, length);
	return 8 + shape->iv + length + icv;
}

size_t peer_payload(uint8_t *text, size_t size, uint8_t block, uint8_t next)
{
	size_t length = UDP_HEADER + size, pad = -(length + 2) & (block - 1U);
	static const uint8_t ports[] = {0x06, 0xa5, 0x06, 0xa5};

	memcpy(text, ports, 4);
	text[4] = (uint8_t)(length >> 8);
	text[5] = (uint8_t)length;
	text[6] = text[7] = 0;
	for (size_t i = 0; i < size; i++)
		text[UDP_HEADER + i] = (uint8_t)(i * 31 + size);
	for (size_t i = 0; i < pad; i++)
		text[length + i] = (uint8_t)(i + 1);
	text[length + pad] = (uint8_t)pad;
	text[length + pad + 1] = next;
	return length + pad + 2;
}

void peer_from(const struct command_sa_add *c, struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);

	if (c->local.version == IP_V6) {
		meta->flags |= META_OUTER6;
		memcpy(meta->remote6, c->remote.bytes, 16);
		memcpy(meta->local6, c->local.bytes, 16);
	} else {
		memcpy(&meta->remote, c->remote.bytes, 4);
		memcpy(&meta->local, c->local.bytes, 4);
	}
	meta->outer_port = c->encapsulation == ESP_UDP ? c->remote_port : 0;
}

static struct rte_mbuf *packet(const void *bytes, size_t length)
{
	return length > ORDINARY ? test_large(bytes, length) : test_packet(bytes, length);
}

struct rte_mbuf *peer_packet(const struct command_sa_add *c, uint64_t sequence, size_t size)
{
	static const uint8_t iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};
	uint8_t text[ESP_MAX], esp[ESP_MAX];
	size_t length = peer_payload(text, size, esp_cipher_shape(c->cipher)->block, 17);
	struct rte_mbuf *m;

	length = peer_seal(c, sequence, iv, text, length, esp);
	m = packet(esp, length);
	peer_from(c, m);
	return m;
}

void peer_payload_check(struct rte_mbuf *m, size_t size)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

	assert_int_equal(m->data_len, size);
	assert_int_equal(m->pkt_len, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(at[i], (uint8_t)(i * 31 + size));
}

struct rte_mbuf *peer_inner(struct sa *s, size_t size)
{
	uint8_t text[ESP_MAX];
	struct rte_mbuf *m;

	peer_payload(text, size, 4, 17);
	m = test_packet(text, UDP_HEADER + size);
	meta_of(m)->sa = s;
	meta_of(m)->protocol = IPPROTO_UDP;
	return m;
}

void peer_sealed_check(
	const struct command_sa_add *c, struct rte_mbuf *m, size_t size, uint64_t sequence)
{
	const struct esp_cipher_shape *shape = esp_cipher_shape(c->cipher);
	uint8_t text[ESP_MAX], esp[ESP_MAX];
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	size_t length = peer_payload(text, size, shape->block, 17);

	length = peer_seal(c, sequence, at + 8, text, length, esp);
	assert_int_equal(m->data_len, length);
	assert_memory_equal(at, esp, length);
}

struct rte_mbuf *peer_odd_packet(
	const struct command_sa_add *c, uint64_t sequence, const uint8_t *text, size_t length)
{
	static const uint8_t iv[16];
	uint8_t esp[ESP_MAX];
	struct rte_mbuf *m;

	length = peer_seal(c, sequence, iv, text, length, esp);
	m = packet(esp, length);
	peer_from(c, m);
	return m;
}
