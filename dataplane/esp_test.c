// SPDX-License-Identifier: Apache-2.0

// Whole ESP packets, against libcrypto as an independent second implementation and against the
// examples of RFC 3602 section 4, through the stages themselves; then everything that esp_in
// refuses, the window, the NAT address and the owners.

#include "dataplane/test_peer.h"
#include "dataplane/test_support.h"

#include "dataplane/sa.h"
#include "dataplane/sa_keys.h"
#include "dataplane/stage.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct transform {
	uint8_t cipher;
	uint8_t integrity;
};

static const struct transform transforms[] = {
	{ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA256_128},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA384_192},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA512_256},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA1_96},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA256_128},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA384_192},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA512_256},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA384_192},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA512_256},
	{ESP_CIPHER_CHACHA20_POLY1305, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA1_96},
};
enum { TRANSFORMS = sizeof(transforms) / sizeof(transforms[0]), TEST_LARGE = 24 };

static struct worker *w0 = &bench.workers[0];

// ---- inbound: what libcrypto sealed is opened

static void opens_what_libcrypto_sealed(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		uint32_t sequence = 1;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		for (size_t size = 1; size <= 1500; size += BURST) {
			struct rte_mbuf *m[BURST];

			for (unsigned i = 0; i < BURST; i++)
				m[i] = peer_packet(&c, sequence++, size + i);
			assert_int_equal(test_esp_in(w0, m, BURST), BURST);
			for (unsigned i = 0; i < BURST; i++) {
				peer_payload_check(m[i], size + i);
				assert_ptr_equal(
					meta_of(m[i])->sa, sa_find(bench.tables, c.spi_in));
				assert_int_equal(meta_of(m[i])->peer, c.peer);
				assert_int_equal(meta_of(m[i])->remote_port, PORT_L2TP);
				rte_pktmbuf_free(m[i]);
			}
		}
		assert_int_equal(w0->sa_stats[t].in_packets, sequence - 1);
	}
	assert_int_equal(bench.record.dropped, 0);
}

// Every burst size, since few packets take another path than many.
static void opens_bursts_of_every_size(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		uint32_t sequence = 1;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		for (uint16_t n = 1; n <= BURST; n++) {
			struct rte_mbuf *m[BURST];

			for (unsigned i = 0; i < n; i++)
				m[i] = peer_packet(&c, sequence++, 40 + 17 * i);
			assert_int_equal(test_esp_in(w0, m, n), n);
			for (unsigned i = 0; i < n; i++) {
				peer_payload_check(m[i], 40 + 17 * i);
				rte_pktmbuf_free(m[i]);
			}
		}
	}
}

// Large ones, alone and between others: as long as there can be one.
static void opens_large_ones(void **state)
{
	static const size_t sizes[] = {4000, 60, 65400, 1400, 32768, 65384, 1, 60000};

	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		struct rte_mbuf *m[TEST_LARGE];
		uint32_t sequence = 1;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		for (uint16_t n = 1; n <= TEST_LARGE; n++) {
			for (unsigned i = 0; i < n; i++)
				m[i] = peer_packet(&c, sequence++, sizes[(i + n) % 8]);
			assert_int_equal(test_esp_in(w0, m, n), n);
			for (unsigned i = 0; i < n; i++) {
				peer_payload_check(m[i], sizes[(i + n) % 8]);
				rte_pktmbuf_free(m[i]);
			}
		}
		m[0] = peer_packet(&c, sequence, 65400);
		rte_pktmbuf_mtod(m[0], uint8_t *)[65000] ^= 1;
		assert_int_equal(test_esp_in(w0, m, 1), 0);
	}
	assert_int_equal(bench.record.drops[DROP_ESP_ICV], TRANSFORMS);
}

// All transforms in one burst, with a damaged packet of each among them.
static void opens_a_mixed_burst(void **state)
{
	struct rte_mbuf *m[BURST];
	struct command_sa_add c[TRANSFORMS];
	uint16_t n = 0;

	for (unsigned t = 0; t < TRANSFORMS; t++) {
		c[t] = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		assert_int_equal(sa_add(bench.tables, &c[t]), 0);
	}
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		m[n++] = peer_packet(&c[t], 1, 100 + t);
		m[n++] = peer_packet(&c[t], 2, 100 + t);
		rte_pktmbuf_mtod(m[n - 1], uint8_t *)[60] ^= 1;
	}
	assert_int_equal(test_esp_in(w0, m, n), TRANSFORMS);
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		peer_payload_check(m[t], 100 + t);
		assert_int_equal(w0->sa_stats[t].in_packets, 1);
		assert_int_equal(w0->sa_stats[t].in_failures, 1);
		rte_pktmbuf_free(m[t]);
	}
	assert_int_equal(bench.record.drops[DROP_ESP_ICV], TRANSFORMS);
}

// ---- outbound: what we seal is what libcrypto seals with the same IV

static void seals_as_libcrypto_does(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		struct command_sa_add peer = test_sa_mirror(&c, c.spi_out);
		uint32_t sequence = 1;
		struct sa *s;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		s = sa_find(bench.tables, c.spi_in);
		for (size_t size = 1; size <= 1500; size += BURST) {
			struct rte_mbuf *m[BURST];

			for (unsigned i = 0; i < BURST; i++)
				m[i] = peer_inner(s, size + i);
			assert_int_equal(esp_out(w0, m, BURST), BURST);
			for (unsigned i = 0; i < BURST; i++) {
				assert_int_equal(meta_of(m[i])->protocol, 50);
				peer_sealed_check(&peer, m[i], size + i, sequence++);
				rte_pktmbuf_free(m[i]);
			}
		}
		assert_int_equal(w0->sa_stats[t].out_packets, sequence - 1);
	}
}

static void ivs_of_cbc_differ_and_show_no_number(void **state)
{
	struct command_sa_add c = test_sa(0, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96);
	uint8_t ivs[BURST][16];
	struct rte_mbuf *m[BURST];

	assert_int_equal(sa_add(bench.tables, &c), 0);
	for (unsigned i = 0; i < BURST; i++)
		m[i] = peer_inner(sa_find(bench.tables, c.spi_in), 60);
	assert_int_equal(esp_out(w0, m, BURST), BURST);
	for (unsigned i = 0; i < BURST; i++) {
		memcpy(ivs[i], rte_pktmbuf_mtod(m[i], uint8_t *) + 8, 16);
		rte_pktmbuf_free(m[i]);
		for (unsigned k = 0; k < i; k++) {
			unsigned bits = 0;

			for (unsigned b = 0; b < 16; b++)
				bits += (unsigned)__builtin_popcount(ivs[i][b] ^ ivs[k][b]);
			assert_in_range(bits, 24, 104);
		}
	}
}

static void loops_through_udp_encapsulation(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96);
	struct command_sa_add peer;
	struct rte_mbuf *m;
	const uint8_t *udp;

	c.encapsulation = ESP_UDP;
	c.local_port = PORT_NAT_T;
	c.remote_port = 40000;
	peer = test_sa_mirror(&c, id_make(2, 7));
	c.spi_out = peer.spi_in;
	assert_int_equal(sa_add(bench.tables, &c), 0);
	assert_int_equal(sa_add(bench.tables, &peer), 0);
	m = peer_inner(sa_find(bench.tables, c.spi_in), 333);
	assert_int_equal(esp_out(w0, &m, 1), 1);
	udp = rte_pktmbuf_mtod(m, const uint8_t *);
	assert_int_equal(udp[0] << 8 | udp[1], PORT_NAT_T);
	assert_int_equal(udp[2] << 8 | udp[3], 40000);
	assert_int_equal(udp[4] << 8 | udp[5], m->data_len);
	assert_int_equal(meta_of(m)->protocol, 17);
	rte_pktmbuf_adj(m, 8);
	peer_from(&peer, m);
	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	peer_payload_check(m, 333);
	rte_pktmbuf_free(m);
}

// Packets without an SA keep their place.
static void leaves_clear_packets_alone(void **state)
{
	struct command_sa_add c = test_sa(0, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct rte_mbuf *m[5];
	struct sa *s;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	for (unsigned i = 0; i < 5; i++)
		m[i] = peer_inner(i % 2 ? NULL : s, 50 + i);
	assert_int_equal(esp_out(w0, m, 5), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(m[i]->data_len, i % 2 ? 58 + i : 8 + 8 + 60 + (i ? 4 : 0) + 16);
		rte_pktmbuf_free(m[i]);
	}
}

// ---- examples of the RFCs

// RFC 3602 section 4, case 5: ESP in transport mode, ping, AES-CBC-128. The example has no ICV and
// no L2TP, so its key, IV and text are sealed with an ICV and compared with its ciphertext.
static void seals_the_example_of_rfc3602(void **state)
{
	static const uint8_t key[16] = {0x90, 0xd3, 0x82, 0xb4, 0x10, 0xee, 0xba, 0x7a, 0xd9, 0x38,
		0xc4, 0x6c, 0xec, 0x1a, 0x82, 0xbf};
	static const uint8_t example[] = {0x00, 0x00, 0x43, 0x21, 0x00, 0x00, 0x00, 0x01, 0xe9,
		0x6e, 0x8c, 0x08, 0xab, 0x46, 0x57, 0x63, 0xfd, 0x09, 0x8d, 0x45, 0xdd, 0x3f, 0xf8,
		0x93, 0xf6, 0x63, 0xc2, 0x5d, 0x32, 0x5c, 0x18, 0xc6, 0xa9, 0x45, 0x3e, 0x19, 0x4e,
		0x12, 0x08, 0x49, 0xa4, 0x87, 0x0b, 0x66, 0xcc, 0x6b, 0x99, 0x65, 0x33, 0x00, 0x13,
		0xb4, 0x89, 0x8d, 0xc8, 0x56, 0xa4, 0x69, 0x9e, 0x52, 0x3a, 0x55, 0xdb, 0x08, 0x0b,
		0x59, 0xec, 0x3a, 0x8e, 0x4b, 0x7e, 0x52, 0x77, 0x5b, 0x07, 0xd1, 0xdb, 0x34, 0xed,
		0x9c, 0x53, 0x8a, 0xb5, 0x0c, 0x55, 0x1b, 0x87, 0x4a, 0xa2, 0x69, 0xad, 0xd0, 0x47,
		0xad, 0x2d, 0x59, 0x13, 0xac, 0x19, 0xb7, 0xcf, 0xba, 0xd4, 0xa6};
	struct command_sa_add c = test_sa(3, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96);
	uint8_t esp[ESP_MAX], tag[20];
	unsigned size = sizeof(tag);
	struct rte_mbuf *m;

	// Opened: an authentic packet that is ICMP, refused for that and for nothing else.
	memcpy(c.cipher_key_in, key, sizeof(key));
	c.spi_in = id_make(0x21, 4);
	assert_int_equal(sa_add(bench.tables, &c), 0);
	memcpy(esp, example, sizeof(example));
	for (int i = 0; i < 4; i++)
		esp[i] = (uint8_t)(c.spi_in >> (24 - 8 * i));
	HMAC(EVP_sha1(), c.integrity_key_in, 20, esp, sizeof(example), tag, &size);
	memcpy(esp + sizeof(example), tag, 12);
	m = test_packet(esp, sizeof(example) + 12);
	peer_from(&c, m);
	assert_int_equal(test_esp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_ESP_NEXT_HEADER], 1);
	assert_int_equal(w0->sa_stats[0x21].in_packets, 1);
}

// RFC 2202 section 3 and RFC 4231 section 4, test case 1 and 2, through the key expansion and the
// managers that the stages use. SA keys have the length of the hash; shorter ones are the same
// with zeros behind (RFC 2104 section 2).
static void hashes_the_examples_of_rfc2202_and_rfc4231(void **state)
{
	static const struct {
		uint8_t integrity;
		IMB_HASH_ALG hash;
		uint8_t tags[2][32]; // of "Hi There" and of Jefe's question
	} cases[] = {
		{ESP_INTEGRITY_HMAC_SHA1_96, IMB_AUTH_HMAC_SHA_1,
			{{0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b, 0xc0, 0xb6},
				{0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74, 0x16,
					0xd5}}},
		{ESP_INTEGRITY_HMAC_SHA256_128, IMB_AUTH_HMAC_SHA_256,
			{{0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce,
				 0xaf, 0x0b, 0xf1, 0x2b},
				{0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
					0x26, 0x08, 0x95, 0x75, 0xc7}}},
		{ESP_INTEGRITY_HMAC_SHA384_192, IMB_AUTH_HMAC_SHA_384,
			{{0xaf, 0xd0, 0x39, 0x44, 0xd8, 0x48, 0x95, 0x62, 0x6b, 0x08, 0x25, 0xf4,
				 0xab, 0x46, 0x90, 0x7f, 0x15, 0xf9, 0xda, 0xdb, 0xe4, 0x10, 0x1e,
				 0xc6},
				{0xaf, 0x45, 0xd2, 0xe3, 0x76, 0x48, 0x40, 0x31, 0x61, 0x7f, 0x78,
					0xd2, 0xb5, 0x8a, 0x6b, 0x1b, 0x9c, 0x7e, 0xf4, 0x64, 0xf5,
					0xa0, 0x1b, 0x47}}},
		{ESP_INTEGRITY_HMAC_SHA512_256, IMB_AUTH_HMAC_SHA_512,
			{{0x87, 0xaa, 0x7c, 0xde, 0xa5, 0xef, 0x61, 0x9d, 0x4f, 0xf0, 0xb4, 0x24,
				 0x1a, 0x1d, 0x6c, 0xb0, 0x23, 0x79, 0xf4, 0xe2, 0xce, 0x4e, 0xc2,
				 0x78, 0x7a, 0xd0, 0xb3, 0x05, 0x45, 0xe1, 0x7c, 0xde},
				{0x16, 0x4b, 0x7a, 0x7b, 0xfc, 0xf8, 0x19, 0xe2, 0xe3, 0x95, 0xfb,
					0xe7, 0x3b, 0x56, 0xe0, 0xa3, 0x87, 0xbd, 0x64, 0x22, 0x2e,
					0x83, 0x1f, 0xd6, 0x10, 0x27, 0x0c, 0xd7, 0xea, 0x25, 0x05,
					0x54}}},
	};
	static const char *const texts[] = {"Hi There", "what do ya want for nothing?"};
	uint8_t zeros[32] = {0}, tag[64];
	_Alignas(64) uint8_t expanded[512];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct IMB_MGR *managers[] = {w0->mgr, w0->mgr_single};
			uint8_t key[64] = "Jefe";
			const struct sa_hmac *hmac = (const void *)expanded;

			if (k == 0)
				memset(key, 0x0b, 20);
			sa_keys_expand(w0->mgr, ESP_CIPHER_AES_CBC_128, cases[i].integrity, false,
				zeros, key, expanded);
			for (unsigned j = 0; j < 2; j++) {
				IMB_JOB job = {
					.src = (const uint8_t *)texts[k],
					.msg_len_to_hash_in_bytes = strlen(texts[k]),
					.auth_tag_output = tag,
					.auth_tag_output_len_in_bytes =
						esp_integrity_shape(cases[i].integrity)->icv,
					.hash_alg = cases[i].hash,
				};

				job.u.HMAC._hashed_auth_key_xor_ipad = hmac->inner;
				job.u.HMAC._hashed_auth_key_xor_opad = hmac->outer;
				assert_int_equal(
					IMB_SUBMIT_HASH_BURST(managers[j], &job, 1, cases[i].hash),
					1);
				assert_memory_equal(tag, cases[i].tags[k],
					esp_integrity_shape(cases[i].integrity)->icv);
			}
		}
	}
}

// GCM specification (McGrew and Viega), test case 4 and 16, by the calls and keys of the stages.
static void seals_the_examples_of_gcm(void **state)
{
	static const uint8_t key[32] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a,
		0x8f, 0x94, 0x67, 0x30, 0x83, 0x08, 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
		0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
	static const uint8_t iv[12] = {
		0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
	static const uint8_t text[60] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59,
		0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda,
		0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68,
		0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5,
		0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
	static const uint8_t aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
		0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
	static const uint8_t tags[2][16] = {
		{0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12,
			0x1a, 0x47},
		{0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d,
			0x55, 0x1b},
	};
	struct gcm_context_data context;
	_Alignas(64) struct gcm_key_data k;
	uint8_t out[60], tag[16];

	sa_keys_expand(w0->mgr, ESP_CIPHER_AES_GCM_128, 0, false, key, NULL, &k);
	IMB_AES128_GCM_ENC(w0->mgr, &k, &context, out, text, 60, iv, aad, 20, tag, 16);
	assert_memory_equal(tag, tags[0], 16);
	sa_keys_expand(w0->mgr, ESP_CIPHER_AES_GCM_256, 0, false, key, NULL, &k);
	IMB_AES256_GCM_ENC(w0->mgr, &k, &context, out, text, 60, iv, aad, 20, tag, 16);
	assert_memory_equal(tag, tags[1], 16);
}

// ---- what is refused

static struct command_sa_add pair(unsigned transform)
{
	struct command_sa_add c =
		test_sa(1, transforms[transform].cipher, transforms[transform].integrity);

	assert_int_equal(sa_add(bench.tables, &c), 0);
	return c;
}

static void refuse(struct rte_mbuf *m, enum drop reason)
{
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(test_esp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

static void refuses_every_truncation(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = test_sa(t, transforms[t].cipher, transforms[t].integrity);
		uint32_t sequence = 1;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		for (uint16_t cut = 1;; cut++) {
			struct rte_mbuf *m = peer_packet(&c, sequence++, 30);
			unsigned dropped = bench.record.dropped;

			if (cut > m->data_len) {
				rte_pktmbuf_free(m);
				break;
			}
			rte_pktmbuf_trim(m, cut);
			assert_int_equal(test_esp_in(w0, &m, 1), 0);
			assert_int_equal(bench.record.dropped, dropped + 1);
		}
		assert_int_equal(w0->sa_stats[t].in_packets, 0);
	}
}

static void refuses_every_flipped_bit(void **state)
{
	static const unsigned some[] = {0, 2, 5, 14, 15};

	for (unsigned k = 0; k < 5; k++) {
		struct command_sa_add c =
			test_sa(k, transforms[some[k]].cipher, transforms[some[k]].integrity);
		uint16_t length = 1;

		assert_int_equal(sa_add(bench.tables, &c), 0);
		for (uint16_t byte = 4; byte < length || byte == 4; byte++) {
			struct rte_mbuf *m = peer_packet(&c, 1000, 20);

			length = m->data_len;
			rte_pktmbuf_mtod(m, uint8_t *)[byte] ^= (uint8_t)(1 << byte % 8);
			refuse(m, DROP_ESP_ICV);
		}
	}
}

static void refuses_unknown_spi_and_says_so(void **state)
{
	struct command_sa_add c = pair(0);
	struct message e;
	struct event_sa_unknown unknown;
	struct rte_mbuf *m;
	unsigned told = 0;

	c.spi_in = id_make(1, 6); // stale generation
	for (unsigned i = 0; i < 20; i++)
		refuse(peer_packet(&c, 1, 20), DROP_ESP_SPI);
	c.spi_in = id_make(TEST_SAS, 6); // beyond the table
	m = peer_packet(&c, 1, 20);
	refuse(m, DROP_ESP_SPI);
	while (sa_event_next(bench.tables, &e)) {
		assert_int_equal(e.type, EVENT_SA_UNKNOWN);
		memcpy(&unknown, e.body, sizeof(unknown));
		assert_int_equal(unknown.spi, id_make(1, 6));
		assert_int_equal(unknown.remote.bytes[3], 7);
		told++;
	}
	assert_int_equal(told, 4);
}

static void refuses_the_other_encapsulation_and_address(void **state)
{
	struct command_sa_add c = pair(0);
	struct rte_mbuf *m = peer_packet(&c, 1, 20);

	meta_of(m)->outer_port = 4500;
	refuse(m, DROP_ESP_ENCAPSULATION);
	m = peer_packet(&c, 1, 20);
	meta_of(m)->remote ^= 0x01000000;
	refuse(m, DROP_ESP_SELECTOR);
	m = peer_packet(&c, 1, 20);
	meta_of(m)->local ^= 0x01000000;
	refuse(m, DROP_ESP_SELECTOR);
}

static void refuses_replays(void **state)
{
	struct command_sa_add c = pair(2);
	struct rte_mbuf *m[3] = {
		peer_packet(&c, 100, 20), peer_packet(&c, 100, 20), peer_packet(&c, 99, 20)};

	// Twice in one burst: both pass the first check, one the second.
	assert_int_equal(test_esp_in(w0, m, 3), 2);
	assert_int_equal(bench.record.drops[DROP_ESP_REPLAY], 1);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
	refuse(peer_packet(&c, 99, 20), DROP_ESP_REPLAY);
	refuse(peer_packet(&c, 36, 20), DROP_ESP_REPLAY);
	refuse(peer_packet(&c, 0, 20), DROP_ESP_REPLAY);
	m[0] = peer_packet(&c, 37, 20);
	assert_int_equal(test_esp_in(w0, m, 1), 1);
	rte_pktmbuf_free(m[0]);
	assert_int_equal(w0->sa_stats[1].in_replays, 4);
}

// A forged packet far ahead does not move the window.
static void moves_the_window_only_after_the_icv(void **state)
{
	struct command_sa_add c = pair(0);
	struct rte_mbuf *m = peer_packet(&c, 1000000, 20);

	rte_pktmbuf_mtod(m, uint8_t *)[20] ^= 1;
	refuse(m, DROP_ESP_ICV);
	m = peer_packet(&c, 1, 20);
	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
}

static void refuses_what_is_inside(void **state)
{
	struct command_sa_add c = pair(2);
	uint8_t text[ESP_MAX];
	size_t n = peer_payload(text, 20, 16, 17);

	text[n - 3] ^= 1; // a pad byte
	refuse(peer_odd_packet(&c, 1, text, n), DROP_ESP_PADDING);
	n = peer_payload(text, 20, 16, 17);
	text[n - 2] = (uint8_t)(n - 1); // longer than the packet
	refuse(peer_odd_packet(&c, 2, text, n), DROP_ESP_PADDING);
	n = peer_payload(text, 20, 16, 59);
	refuse(peer_odd_packet(&c, 3, text, n), DROP_ESP_DUMMY);
	n = peer_payload(text, 20, 16, 4);
	refuse(peer_odd_packet(&c, 4, text, n), DROP_ESP_NEXT_HEADER);
	n = peer_payload(text, 20, 16, 17);
	text[3]++; // destination port
	refuse(peer_odd_packet(&c, 5, text, n), DROP_ESP_SELECTOR);
	n = peer_payload(text, 20, 16, 17);
	text[5]++; // UDP length beyond the payload
	refuse(peer_odd_packet(&c, 6, text, n), DROP_UDP_INVALID);
	text[5] = 7;
	refuse(peer_odd_packet(&c, 7, text, n), DROP_UDP_INVALID);
	assert_int_equal(w0->sa_stats[1].in_packets, 7);
}

// ---- state that follows

static void follows_an_authenticated_packet_only(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct event_peer_moved moved;
	struct rte_mbuf *m;
	struct message e;
	struct sa *s;

	c.encapsulation = ESP_UDP;
	c.local_port = PORT_NAT_T;
	c.remote_port = 40000;
	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	m = peer_packet(&c, 10, 20);
	meta_of(m)->outer_port = 50000;
	rte_pktmbuf_mtod(m, uint8_t *)[20] ^= 1;
	refuse(m, DROP_ESP_ICV);
	assert_int_equal(sa_remote_port(s->remote), 40000);
	m = peer_packet(&c, 10, 20);
	meta_of(m)->outer_port = 50000;
	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	assert_int_equal(sa_remote_port(s->remote), 50000);
	// One that was overtaken does not lead back.
	m = peer_packet(&c, 9, 20);
	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	assert_int_equal(sa_remote_port(s->remote), 50000);
	assert_true(sa_event_next(bench.tables, &e));
	assert_int_equal(e.type, EVENT_PEER_MOVED);
	memcpy(&moved, e.body, sizeof(moved));
	assert_int_equal(moved.spi_in, c.spi_in);
	assert_int_equal(moved.remote_port, 50000);
	assert_false(sa_event_next(bench.tables, &e));
}

static void tells_and_stops_when_numbers_run_out(void **state)
{
	struct command_sa_add c = pair(0);
	struct sa *s = sa_find(bench.tables, c.spi_in);
	struct event_sa_exhausting told;
	struct rte_mbuf *m[4];
	struct message e;

	s->sequence = sa_sequence_warn(false) - 2;
	for (unsigned i = 0; i < 4; i++)
		m[i] = peer_inner(s, 20);
	assert_int_equal(esp_out(w0, m, 4), 4);
	assert_true(sa_event_next(bench.tables, &e));
	memcpy(&told, e.body, sizeof(told));
	assert_int_equal(e.type, EVENT_SA_EXHAUSTING);
	assert_int_equal(told.why, SA_EXHAUSTING_SEQUENCE);
	s->sequence = UINT32_MAX - 2;
	for (unsigned i = 0; i < 4; i++) {
		rte_pktmbuf_free(m[i]);
		m[i] = peer_inner(s, 20);
	}
	assert_int_equal(esp_out(w0, m, 4), 2);
	assert_int_equal(bench.record.drops[DROP_ESP_EXHAUSTED], 2);
	assert_memory_equal(rte_pktmbuf_mtod(m[1], uint8_t *) + 4, "\xff\xff\xff\xff", 4);
	assert_true(sa_event_next(bench.tables, &e));
	memcpy(&told, e.body, sizeof(told));
	assert_int_equal(told.why, SA_EXHAUSTED_SEQUENCE);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
	m[0] = peer_inner(s, 20);
	assert_int_equal(esp_out(w0, m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_ESP_EXHAUSTED], 3);
}

static void hands_over_what_another_worker_owns(void **state)
{
	struct command_sa_add c = pair(0);
	struct worker *w1 = &bench.workers[1];
	struct rte_mbuf *m = peer_packet(&c, 1, 20);

	assert_int_equal(test_esp_in(w1, &m, 1), 1);
	rte_pktmbuf_free(m);
	m = peer_packet(&c, 2, 20);
	assert_int_equal(test_esp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.handed, 1);
	assert_int_equal(bench.record.handovers[0].owner, 2);
	assert_int_equal(bench.record.handovers[0].stage, HANDOVER_ESP_IN);
	// There it is as it came.
	m = bench.record.handovers[0].m;
	bench.record.handovers[0].m = NULL;
	assert_int_equal(test_esp_in(w1, &m, 1), 1);
	peer_payload_check(m, 20);
	rte_pktmbuf_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_libcrypto_sealed),
		TEST(opens_bursts_of_every_size),
		TEST(opens_large_ones),
		TEST(opens_a_mixed_burst),
		TEST(seals_as_libcrypto_does),
		TEST(ivs_of_cbc_differ_and_show_no_number),
		TEST(loops_through_udp_encapsulation),
		TEST(leaves_clear_packets_alone),
		TEST(seals_the_example_of_rfc3602),
		TEST(hashes_the_examples_of_rfc2202_and_rfc4231),
		TEST(seals_the_examples_of_gcm),
		TEST(refuses_every_truncation),
		TEST(refuses_every_flipped_bit),
		TEST(refuses_unknown_spi_and_says_so),
		TEST(refuses_the_other_encapsulation_and_address),
		TEST(refuses_replays),
		TEST(moves_the_window_only_after_the_icv),
		TEST(refuses_what_is_inside),
		TEST(follows_an_authenticated_packet_only),
		TEST(tells_and_stops_when_numbers_run_out),
		TEST(hands_over_what_another_worker_owns),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}
