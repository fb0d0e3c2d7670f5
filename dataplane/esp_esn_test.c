// SPDX-License-Identifier: Apache-2.0

// Extended sequence numbers through the stages, against libcrypto: over the edge of the lower half
// in both directions, for each kind of transform, up to the very last number; and the example of
// RFC 7634.

#include "dataplane/test_peer.h"
#include "dataplane/test_support.h"

#include "dataplane/esp_crypto.h"
#include "dataplane/sa_keys.h"
#include "dataplane/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define EDGE (UINT64_C(1) << 32)

static const struct {
	uint8_t cipher;
	uint8_t integrity;
} transforms[] = {
	{ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_CHACHA20_POLY1305, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA384_192},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA512_256},
	{ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA1_96},
};
enum { TRANSFORMS = sizeof(transforms) / sizeof(transforms[0]) };

static struct worker *w0 = &bench.workers[0];

// A pair with ESN that has come as far as that in both directions.
static struct command_sa_add pair(unsigned transform, uint16_t window, uint64_t top)
{
	struct command_sa_add c =
		test_sa(transform, transforms[transform].cipher, transforms[transform].integrity);
	struct sa *s;

	c.esn = 1;
	c.window = window;
	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	s->replay.top = s->sequence = top;
	return c;
}

static void accept(const struct command_sa_add *c, uint64_t sequence)
{
	struct rte_mbuf *m = peer_packet(c, sequence, 33);

	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	peer_payload_check(m, 33);
	rte_pktmbuf_free(m);
}

static void refuse(const struct command_sa_add *c, uint64_t sequence, enum drop reason)
{
	struct rte_mbuf *m = peer_packet(c, sequence, 33);
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(test_esp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

// Bursts of every size, each upside down, through the edge.
static void opens_what_libcrypto_sealed(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = pair(t, 64, EDGE - 300);
		uint64_t sequence = EDGE - 299;

		for (uint16_t n = 1; n <= BURST; n++) {
			struct rte_mbuf *m[BURST];

			for (uint16_t i = 0; i < n; i++)
				m[n - 1 - i] = peer_packet(&c, sequence++, 20 + 40 * i);
			assert_int_equal(test_esp_in(w0, m, n), n);
			for (uint16_t i = 0; i < n; i++) {
				peer_payload_check(m[i], 20 + 40 * (n - 1 - i));
				rte_pktmbuf_free(m[i]);
			}
		}
		assert_int_equal(sa_find(bench.tables, c.spi_in)->replay.top, sequence - 1);
		assert_true(sequence > EDGE + 200);
	}
	assert_int_equal(bench.record.dropped, 0);
}

static void seals_as_libcrypto_does(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = pair(t, 64, EDGE - 300);
		struct command_sa_add peer = test_sa_mirror(&c, c.spi_out);
		struct sa *s = sa_find(bench.tables, c.spi_in);
		uint64_t sequence = EDGE - 299;

		for (uint16_t n = 1; n <= BURST; n++) {
			struct rte_mbuf *m[BURST];

			for (uint16_t i = 0; i < n; i++)
				m[i] = peer_inner(s, 20 + 40 * i);
			assert_int_equal(esp_out(w0, m, n), n);
			for (uint16_t i = 0; i < n; i++) {
				peer_sealed_check(&peer, m[i], 20 + 40 * i, sequence++);
				rte_pktmbuf_free(m[i]);
			}
		}
	}
}

static void opens_a_mixed_burst(void **state)
{
	struct command_sa_add c[TRANSFORMS * 2];
	struct rte_mbuf *m[TRANSFORMS * 2];

	for (unsigned t = 0; t < TRANSFORMS; t++) {
		c[t] = pair(t, 64, 7 * EDGE);
		c[t + TRANSFORMS] =
			test_sa(t + TRANSFORMS, transforms[t].cipher, transforms[t].integrity);
		assert_int_equal(sa_add(bench.tables, &c[t + TRANSFORMS]), 0);
	}
	for (unsigned t = 0; t < TRANSFORMS * 2; t++)
		m[t] = peer_packet(&c[t], t < TRANSFORMS ? 7 * EDGE + 1 : 1, 50 + t);
	assert_int_equal(test_esp_in(w0, m, TRANSFORMS * 2), TRANSFORMS * 2);
	for (unsigned t = 0; t < TRANSFORMS * 2; t++) {
		peer_payload_check(m[t], 50 + t);
		rte_pktmbuf_free(m[t]);
	}
}

static void refuses_every_flipped_bit(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = pair(t, 64, 5 * EDGE);
		uint16_t length = 9;

		for (uint16_t byte = 8; byte < length; byte++) {
			struct rte_mbuf *m = peer_packet(&c, 5 * EDGE + 1000, 20);
			uint64_t before = bench.record.drops[DROP_ESP_ICV];

			length = m->data_len;
			rte_pktmbuf_mtod(m, uint8_t *)[byte] ^= (uint8_t)(1 << byte % 8);
			assert_int_equal(test_esp_in(w0, &m, 1), 0);
			assert_int_equal(bench.record.drops[DROP_ESP_ICV], before + 1);
		}
		accept(&c, 5 * EDGE + 1000);
	}
}

// The upper half is in no packet, but in every ICV.
static void refuses_another_upper_half(void **state)
{
	for (unsigned t = 0; t < TRANSFORMS; t++) {
		struct command_sa_add c = pair(t, 64, 3 * EDGE + 1000);

		refuse(&c, 2 * EDGE + 1001, DROP_ESP_ICV);
		refuse(&c, 4 * EDGE + 1001, DROP_ESP_ICV);
		c.esn = 0;
		refuse(&c, 1001, DROP_ESP_ICV);
		c.esn = 1;
		accept(&c, 3 * EDGE + 1001);
	}
}

static void refuses_replays_on_both_sides_of_the_edge(void **state)
{
	static const uint16_t windows[] = {32, 64, 1024, 4096};

	for (unsigned k = 0; k < 4; k++) {
		struct command_sa_add c = pair(k, windows[k], 2 * EDGE - windows[k]);
		uint64_t w = windows[k];

		accept(&c, 2 * EDGE - 1);
		accept(&c, 2 * EDGE + 1);
		accept(&c, 2 * EDGE);
		accept(&c, 2 * EDGE - 2);
		accept(&c, 2 * EDGE + 2 - w);
		refuse(&c, 2 * EDGE - 1, DROP_ESP_REPLAY);
		refuse(&c, 2 * EDGE - 2, DROP_ESP_REPLAY);
		refuse(&c, 2 * EDGE, DROP_ESP_REPLAY);
		refuse(&c, 2 * EDGE + 1, DROP_ESP_REPLAY);
		refuse(&c, 2 * EDGE + 2 - w, DROP_ESP_REPLAY);
		// Left of the window it is taken for one of the next 2^32, which it is not.
		refuse(&c, 2 * EDGE + 1 - w, DROP_ESP_ICV);
		accept(&c, 3 * EDGE - w);
	}
}

static void refuses_what_would_be_before_the_first(void **state)
{
	struct command_sa_add c = pair(0, 64, 0);

	refuse(&c, 0, DROP_ESP_REPLAY);
	refuse(&c, UINT64_MAX, DROP_ESP_REPLAY);
	accept(&c, 1);
	refuse(&c, UINT32_MAX, DROP_ESP_REPLAY);
	accept(&c, 70);
	refuse(&c, 0, DROP_ESP_ICV);
}

static void goes_to_the_last_number_and_no_further(void **state)
{
	struct command_sa_add c = pair(0, 64, UINT64_MAX - 2), peer = test_sa_mirror(&c, c.spi_out);
	struct sa *s = sa_find(bench.tables, c.spi_in);
	struct event_sa_exhausting told;
	struct rte_mbuf *m[4];
	struct message e;

	for (unsigned i = 0; i < 4; i++)
		m[i] = peer_inner(s, 20);
	assert_int_equal(esp_out(w0, m, 4), 2);
	assert_int_equal(bench.record.drops[DROP_ESP_EXHAUSTED], 2);
	peer_sealed_check(&peer, m[0], 20, UINT64_MAX - 1);
	peer_sealed_check(&peer, m[1], 20, UINT64_MAX);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
	assert_true(sa_event_next(bench.tables, &e));
	memcpy(&told, e.body, sizeof(told));
	assert_int_equal(told.why, SA_EXHAUSTED_SEQUENCE);
	for (unsigned i = 0; i < 3; i++) {
		m[0] = peer_inner(s, 20);
		assert_int_equal(esp_out(w0, m, 1), 0);
	}
	assert_int_equal(s->sequence, UINT64_MAX);
	accept(&c, UINT64_MAX - 1);
	accept(&c, UINT64_MAX);
	refuse(&c, UINT64_MAX, DROP_ESP_REPLAY);
	refuse(&c, 1, DROP_ESP_REPLAY);
}

static void tells_at_three_quarters(void **state)
{
	struct command_sa_add c = pair(0, 64, sa_sequence_warn(true) - 1);
	struct rte_mbuf *m = peer_inner(sa_find(bench.tables, c.spi_in), 20);
	struct event_sa_exhausting told;
	struct message e;

	assert_int_equal(esp_out(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	assert_true(sa_event_next(bench.tables, &e));
	memcpy(&told, e.body, sizeof(told));
	assert_int_equal(told.why, SA_EXHAUSTING_SEQUENCE);
	assert_false(sa_event_next(bench.tables, &e));
}

// RFC 7634 appendix A, whole, in both directions. It is a tunnel mode packet, so past the stages.
static void does_the_example_of_rfc7634(void **state)
{
	static const uint8_t head[16] = {0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x05, 0x10, 0x11,
		0x12, 0x13, 0x14, 0x15, 0x16, 0x17};
	static const uint8_t salt[4] = {0xa0, 0xa1, 0xa2, 0xa3};
	static const uint8_t text[88] = {0x45, 0x00, 0x00, 0x54, 0xa6, 0xf2, 0x00, 0x00, 0x40, 0x01,
		0xe7, 0x78, 0xc6, 0x33, 0x64, 0x05, 0xc0, 0x00, 0x02, 0x05, 0x08, 0x00, 0x5b, 0x7a,
		0x3a, 0x08, 0x00, 0x00, 0x55, 0x3b, 0xec, 0x10, 0x00, 0x07, 0x36, 0x27, 0x08, 0x09,
		0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
		0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
		0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33,
		0x34, 0x35, 0x36, 0x37, 0x01, 0x02, 0x02, 0x04};
	static const uint8_t sealed[104] = {0x24, 0x03, 0x94, 0x28, 0xb9, 0x7f, 0x41, 0x7e, 0x3c,
		0x13, 0x75, 0x3a, 0x4f, 0x05, 0x08, 0x7b, 0x67, 0xc3, 0x52, 0xe6, 0xa7, 0xfa, 0xb1,
		0xb9, 0x82, 0xd4, 0x66, 0xef, 0x40, 0x7a, 0xe5, 0xc6, 0x14, 0xee, 0x80, 0x99, 0xd5,
		0x28, 0x44, 0xeb, 0x61, 0xaa, 0x95, 0xdf, 0xab, 0x4c, 0x02, 0xf7, 0x2a, 0xa7, 0x1e,
		0x7c, 0x4c, 0x4f, 0x64, 0xc9, 0xbe, 0xfe, 0x2f, 0xac, 0xc6, 0x38, 0xe8, 0xf3, 0xcb,
		0xec, 0x16, 0x3f, 0xac, 0x46, 0x9b, 0x50, 0x27, 0x73, 0xf6, 0xfb, 0x94, 0xe6, 0x64,
		0xda, 0x91, 0x65, 0xb8, 0x28, 0x29, 0xf6, 0x41, 0xe0, 0x76, 0xaa, 0xa8, 0x26, 0x6b,
		0x7f, 0xb0, 0xf7, 0xb1, 0x1b, 0x36, 0x99, 0x07, 0xe1, 0xad, 0x43};
	uint8_t key[32], esp[sizeof(head) + sizeof(sealed)];
	struct sa_chacha expanded;
	struct sa sa = {0};
	struct esp_packet p = {
		.sa = &sa,
		.esp = esp,
		.key = &expanded,
		.sequence = UINT64_C(0x1011121314151617), // what we make the IV of
		.length = sizeof(text),
		.shape = {.cipher = ESP_CIPHER_CHACHA20_POLY1305, .iv = 8, .icv = 16},
	};

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	sa_keys_expand(w0->mgr, ESP_CIPHER_CHACHA20_POLY1305, 0, false, key, NULL, &expanded);
	memcpy(&p.shape.salt, salt, sizeof(salt));
	memcpy(esp, head, 8);
	memcpy(esp + sizeof(head), text, sizeof(text));
	esp_encrypt(w0, &p, 1);
	assert_memory_equal(esp, head, sizeof(head));
	assert_memory_equal(esp + sizeof(head), sealed, sizeof(sealed));
	esp_decrypt(w0, &p, 1);
	assert_int_equal(p.ok, 1);
	assert_memory_equal(esp + sizeof(head), text, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_libcrypto_sealed),
		TEST(seals_as_libcrypto_does),
		TEST(opens_a_mixed_burst),
		TEST(refuses_every_flipped_bit),
		TEST(refuses_another_upper_half),
		TEST(refuses_replays_on_both_sides_of_the_edge),
		TEST(refuses_what_would_be_before_the_first),
		TEST(goes_to_the_last_number_and_no_further),
		TEST(tells_at_three_quarters),
		TEST(does_the_example_of_rfc7634),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}
