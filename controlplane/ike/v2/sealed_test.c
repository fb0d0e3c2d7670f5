// SPDX-License-Identifier: Apache-2.0

#include "sealed.h"

#include "controlplane/ike/hex_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct v2_suite suites[] = {{IKE_AES_CBC_128, IKE_SHA1, IKE_MODP_2048},
	{IKE_AES_CBC_256, IKE_SHA512, IKE_MODP_2048}, {IKE_3DES, IKE_MD5, IKE_MODP_2048},
	{IKE_AES_GCM_128, IKE_SHA256, IKE_ECP_256}, {IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384},
	{IKE_CHACHA20_POLY1305, IKE_SHA256, IKE_X25519}};
enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

static struct v2_keys keys;
static uint8_t plain[LIMIT_IKE_MESSAGE];
static struct v2_sealed sealed;

static int fill_keys(void **state)
{
	for (size_t i = 0; i < sizeof(keys); i++)
		((uint8_t *)&keys)[i] = 7 * i + 1;
	return 0;
}

// Opens one datagram as a state machine would.
static int open_one(const struct v2_seal *seal, struct span datagram, struct v2_fragments *f,
	struct v2_chain *in)
{
	struct isakmp_header h;
	struct v2_chain outer;

	if (isakmp_header_parse(datagram.at, datagram.length, &h) ||
		v2_chain_parse(
			h.next, datagram.at + ISAKMP_HEADER, h.length - ISAKMP_HEADER, &outer))
		return -EINVAL;
	if (f)
		return v2_fragment_open(f, seal, &h, datagram.at, &outer, plain, sizeof(plain), in);
	return v2_open(seal, &h, datagram.at, &outer, plain, in);
}

static const struct isakmp_header header = {.initiator = {1},
	.responder = {2},
	.version = V2_VERSION,
	.exchange = V2_INFORMATIONAL,
	.flags = V2_INITIATOR,
	.message_id = 7};

// A message of a vendor id payload with so many bytes, and an empty one behind it.
static int seal_bytes(const struct v2_seal *seal, size_t n, size_t room, struct v2_message *out)
{
	static uint8_t body[LIMIT_IKE_MESSAGE];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = i * 31 >> 3;
	v2_sealed_begin(&sealed, seal, &header);
	isakmp_out_payload(&sealed.out, V2_VENDOR, body, n);
	isakmp_out_payload(&sealed.out, V2_NONCE, NULL, 0);
	return v2_sealed_end(&sealed, room, out);
}

static void assert_bytes(const struct v2_chain *in, size_t n)
{
	assert_int_equal(in->count, 2);
	assert_int_equal(in->parts[0].type, V2_VENDOR);
	assert_int_equal(in->parts[0].body.length, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(in->parts[0].body.at[i], (uint8_t)(i * 31 >> 3));
	assert_int_equal(in->parts[1].type, V2_NONCE);
}

// RFC 7634 appendix B.
static void opens_the_vector_of_chacha20(void **state)
{
	struct bytes m =
		unhex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e20250000000009000000452900002910111213"
		      "14151617610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2");
	struct bytes key =
		unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1"
		      "a2a3");
	struct v2_seal seal = {
		.encryption = IKE_CHACHA20_POLY1305, .hash = IKE_SHA256, .e = key.at};
	struct v2_chain in;
	struct v2_notify notify;

	assert_int_equal(open_one(&seal, SPAN(m.at, m.length), NULL, &in), 0);
	assert_true(v2_chain_notify(&in, V2_SET_WINDOW_SIZE, &notify));
	assert_int_equal(notify.data.length, 4);
	assert_int_equal(notify.data.at[3], 10);
}

// A message that was sealed apart from this code.
static void opens_cbc_of_others(void **state)
{
	struct bytes m = unhex(
		"010203040506070811121314151617182e202508000000020000005029000034f0f1f2f3f4f5f6f7f8"
		"f9fafbfcfdfeffdda0d1c07f0c1bc3b1651d774d1ee050786164b37481bc49fb2b07a0484f7e1d");
	struct bytes e = unhex("6a03753f32bc915d30bb08017b9e32ce22187f4008ece0786b5691aaec2ae513");
	struct bytes a = unhex("5d2a7dd9fbb3824665612884c17cd1a66330b4aa731a2bbc4528d3d15c688962");
	struct v2_seal seal = {
		.encryption = IKE_AES_CBC_256, .hash = IKE_SHA256, .e = e.at, .a = a.at};
	struct v2_chain in;
	struct v2_notify notify;

	assert_int_equal(open_one(&seal, SPAN(m.at, m.length), NULL, &in), 0);
	assert_true(v2_chain_notify(&in, V2_SET_WINDOW_SIZE, &notify));
	assert_int_equal(notify.data.at[3], 10);
}

static void what_is_sealed_can_be_opened(void **state)
{
	struct v2_message m = {0};
	struct v2_chain in;

	for (size_t s = 0; s < SUITES; s++)
		for (size_t n = 0; n < 40; n++) {
			struct v2_seal seal = v2_seal_of(&suites[s], &keys, true);
			struct v2_seal other = v2_seal_of(&suites[s], &keys, false);

			assert_int_equal(seal_bytes(&seal, n, 0, &m), 0);
			assert_int_equal(m.count, 1);
			assert_int_equal(
				open_one(&other, v2_message_part(&m, 0), NULL, &in), -EBADMSG);
			assert_int_equal(open_one(&seal, v2_message_part(&m, 0), NULL, &in), 0);
			assert_bytes(&in, n);
		}
	v2_message_clear(&m);
}

// The IV of an AEAD, of every fragment too, is the next number of its direction's key.
static void no_iv_comes_twice_under_a_key(void **state)
{
	struct v2_message m = {0};
	uint64_t expected[2] = {0};

	keys.sealed_i = keys.sealed_r = 0;
	for (unsigned n = 0; n < 12; n++) {
		struct v2_seal seal = v2_seal_of(&suites[4], &keys, n % 2);

		assert_int_equal(seal_bytes(&seal, 400, n % 3 ? 150 : 0, &m), 0);
		assert_true(n % 3 ? m.count > 2 : m.count == 1);
		for (size_t i = 0; i < m.count; i++) {
			struct span part = v2_message_part(&m, i);
			struct view v = view_of(part.at, part.length);

			(void)view_take(&v, ISAKMP_HEADER + (m.count > 1 ? 8 : 4));
			assert_int_equal(view_u64(&v), expected[n % 2]++);
		}
	}
	keys.sealed_i = UINT64_MAX;
	struct v2_seal spent = v2_seal_of(&suites[4], &keys, true);

	assert_int_equal(seal_bytes(&spent, 4, 0, &m), -EINVAL);
	keys.sealed_i = 0;
	v2_message_clear(&m);
}

static void an_empty_message_is_one(void **state)
{
	struct v2_message m = {0};
	struct v2_chain in;

	for (size_t s = 0; s < SUITES; s++) {
		struct v2_seal seal = v2_seal_of(&suites[s], &keys, false);

		v2_sealed_begin(&sealed, &seal, &header);
		assert_int_equal(v2_sealed_end(&sealed, 200, &m), 0);
		assert_int_equal(open_one(&seal, v2_message_part(&m, 0), NULL, &in), 0);
		assert_int_equal(in.count, 0);
	}
	v2_message_clear(&m);
}

static void no_bit_may_change(void **state)
{
	struct v2_message m = {0};
	struct v2_chain in;

	for (size_t s = 0; s < SUITES; s++) {
		struct v2_seal seal = v2_seal_of(&suites[s], &keys, true);

		assert_int_equal(seal_bytes(&seal, 5, 0, &m), 0);
		for (size_t i = 0; i < m.length; i++) {
			m.bytes[i] ^= 0x10;
			assert_int_not_equal(open_one(&seal, v2_message_part(&m, 0), NULL, &in), 0);
			m.bytes[i] ^= 0x10;
		}
		for (size_t n = 0; n < m.length; n++) {
			struct isakmp_header h;
			struct v2_chain outer;
			uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, m.bytes, n);
			if (n > 32) { // lengths that fit what is left
				copy[26] = copy[30] = 0;
				copy[27] = n;
				copy[31] = n - 28;
			}
			if (isakmp_header_parse(copy, n, &h) == 0 &&
				v2_chain_parse(h.next, copy + 28, n - 28, &outer) == 0)
				assert_int_equal(
					v2_open(&seal, &h, copy, &outer, plain, &in), -EBADMSG);
			free(copy);
		}
	}
	v2_message_clear(&m);
}

// Authentic, but the padding is longer than the text; of the payloads inside one is too long.
static void tells_authentic_nonsense(void **state)
{
	struct v2_seal seal = v2_seal_of(&suites[3], &keys, true);
	struct v2_message m = {0};
	struct v2_chain in;
	uint8_t *b;

	assert_int_equal(seal_bytes(&seal, 4, 0, &m), 0);
	b = m.bytes;
	assert_int_equal(ike_aead_open(seal.encryption, seal.e, b + 32, SPAN(b, 32), b + 40,
				 m.length - 56, b + m.length - 16),
		0);
	b[m.length - 17] = 200;
	assert_int_equal(ike_aead_seal(seal.encryption, seal.e, b + 32, SPAN(b, 32), b + 40,
				 m.length - 56, b + m.length - 16),
		0);
	assert_int_equal(open_one(&seal, v2_message_part(&m, 0), NULL, &in), -EPROTO);
	assert_int_equal(ike_aead_open(seal.encryption, seal.e, b + 32, SPAN(b, 32), b + 40,
				 m.length - 56, b + m.length - 16),
		0);
	b[m.length - 17] = 0;
	b[40 + 3] = 99;
	assert_int_equal(ike_aead_seal(seal.encryption, seal.e, b + 32, SPAN(b, 32), b + 40,
				 m.length - 56, b + m.length - 16),
		0);
	assert_int_equal(open_one(&seal, v2_message_part(&m, 0), NULL, &in), -EPROTO);
	v2_message_clear(&m);
}

static void fragments_fit_and_join(void **state)
{
	static const size_t sizes[] = {500, 1200, 4000, 16000};
	struct v2_fragments f = {0};
	struct v2_message m = {0};
	struct v2_chain in;

	for (size_t s = 0; s < SUITES; s++)
		for (size_t i = 0; i < 4; i++) {
			struct v2_seal seal = v2_seal_of(&suites[s], &keys, true);
			size_t room = v2_fragment_room(576, false);

			assert_int_equal(room, 544);
			assert_int_equal(seal_bytes(&seal, sizes[i], room, &m), 0);
			assert_true(sizes[i] < 500 ? m.count == 1 : m.count >= sizes[i] / room);
			if (m.count == 1)
				continue;
			// In reverse, each of them twice.
			for (size_t n = m.count; n-- > 0;) {
				struct span part = v2_message_part(&m, n);

				assert_true(part.length <= room);
				assert_int_equal(open_one(&seal, part, &f, &in), n ? -EAGAIN : 0);
				if (n)
					assert_int_equal(open_one(&seal, part, &f, &in), -EAGAIN);
			}
			assert_bytes(&in, sizes[i]);
			assert_int_equal(f.total, 0);
		}
	v2_message_clear(&m);
}

static void fragments_are_authenticated_and_bounded(void **state)
{
	struct v2_seal seal = v2_seal_of(&suites[4], &keys, true);
	struct v2_fragments f = {0};
	struct v2_message m = {0};
	struct v2_chain in;
	uint8_t *second;

	assert_int_equal(seal_bytes(&seal, 3000, 600, &m), 0);
	assert_int_equal(open_one(&seal, v2_message_part(&m, 0), &f, &in), -EAGAIN);
	second = m.bytes + m.lengths[0];
	second[33] ^= 4; // its number
	assert_int_equal(open_one(&seal, v2_message_part(&m, 1), &f, &in), -EBADMSG);
	second[33] ^= 4;
	second[35] = V2_FRAGMENTS + 1;
	assert_int_equal(open_one(&seal, v2_message_part(&m, 1), &f, &in), -EBADMSG);
	assert_int_equal(f.count, 1);
	assert_int_equal(seal_bytes(&seal, 15000, 200, &m), -EMSGSIZE);
	assert_int_equal(seal_bytes(&seal, 15000, 40, &m), -EMSGSIZE);
	assert_int_equal(seal_bytes(&seal, LIMIT_IKE_MESSAGE - 40, 1000, &m), -EMSGSIZE);
	v2_fragments_clear(&f);
}

static void more_fragments_begin_anew(void **state)
{
	struct v2_seal seal = v2_seal_of(&suites[4], &keys, true);
	struct v2_message few = {0}, many = {0};
	struct v2_fragments f = {0};
	struct v2_chain in;

	assert_int_equal(seal_bytes(&seal, 3000, 1200, &few), 0);
	assert_int_equal(seal_bytes(&seal, 3000, 500, &many), 0);
	assert_true(many.count > few.count);
	assert_int_equal(open_one(&seal, v2_message_part(&few, 0), &f, &in), -EAGAIN);
	assert_int_equal(open_one(&seal, v2_message_part(&many, 0), &f, &in), -EAGAIN);
	assert_int_equal(f.total, many.count);
	assert_int_equal(f.count, 1);
	assert_int_equal(open_one(&seal, v2_message_part(&few, 1), &f, &in), -EBADMSG);
	for (size_t n = 1; n < many.count; n++)
		assert_int_equal(open_one(&seal, v2_message_part(&many, n), &f, &in),
			n + 1 < many.count ? -EAGAIN : 0);
	assert_bytes(&in, 3000);
	v2_message_clear(&few);
	v2_message_clear(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(opens_the_vector_of_chacha20),
		cmocka_unit_test(opens_cbc_of_others),
		cmocka_unit_test(what_is_sealed_can_be_opened),
		cmocka_unit_test(no_iv_comes_twice_under_a_key),
		cmocka_unit_test(an_empty_message_is_one), cmocka_unit_test(no_bit_may_change),
		cmocka_unit_test(tells_authentic_nonsense),
		cmocka_unit_test(fragments_fit_and_join),
		cmocka_unit_test(fragments_are_authenticated_and_bounded),
		cmocka_unit_test(more_fragments_begin_anew)};

	return cmocka_run_group_tests(tests, fill_keys, NULL);
}
