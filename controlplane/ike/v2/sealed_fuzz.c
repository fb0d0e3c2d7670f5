// SPDX-License-Identifier: Apache-2.0

// Sealed messages and fragments from somebody who has the keys: the bytes become the plaintext and
// the numbers of fragments, so that all behind the ICV is reached; and the same bytes as a message
// that was never sealed, which must not be opened. The first byte says what is done.

#include "sealed.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct v2_suite suites[] = {{IKE_AES_CBC_128, IKE_SHA256, IKE_MODP_2048},
	{IKE_3DES, IKE_SHA1, IKE_MODP_2048}, {IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384},
	{IKE_CHACHA20_POLY1305, IKE_SHA512, IKE_X25519}};
static uint8_t plain[LIMIT_IKE_MESSAGE];

static int open_one(const struct v2_seal *seal, struct v2_fragments *f, struct span m)
{
	struct isakmp_header h;
	struct v2_chain outer, inner;

	if (isakmp_header_parse(m.at, m.length, &h) ||
		v2_chain_parse(h.next, m.at + ISAKMP_HEADER, h.length - ISAKMP_HEADER, &outer))
		return -EINVAL;
	if (v2_fragment_number(&outer))
		return v2_fragment_open(f, seal, &h, m.at, &outer, plain, sizeof(plain), &inner);
	return v2_open(seal, &h, m.at, &outer, plain, &inner);
}

// As it was sealed: whole or in fragments, in an order that the bytes choose.
static void sealed_opens(const struct v2_seal *seal, const uint8_t *data, size_t size)
{
	static struct v2_sealed s;
	struct isakmp_header h = {.version = V2_VERSION, .exchange = V2_INFORMATIONAL};
	struct v2_fragments f = {0};
	struct v2_message m = {0};
	size_t room = 100 + data[0];

	v2_sealed_begin(&s, seal, &h);
	s.buffer[ISAKMP_HEADER] = data[1];
	build_bytes(&s.out.b, data + 2, size - 2);
	if (v2_sealed_end(&s, data[0] ? room : 0, &m) == 0) {
		for (size_t i = 0; i < m.count; i++) {
			size_t n = (i + data[1]) % m.count;
			int error = open_one(seal, &f, v2_message_part(&m, n));

			if (error == -EBADMSG || error == -EINVAL ||
				v2_message_part(&m, n).length == 0)
				abort();
		}
		if (f.total)
			abort();
	}
	v2_fragments_clear(&f);
	v2_message_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct v2_keys keys = {.ei = {1}, .ai = {2}};
	struct v2_fragments f = {0};
	struct v2_seal seal;
	int error;

	if (size < 3 || size > 4000)
		return 0;
	seal = v2_seal_of(&suites[data[0] % 4], &keys, true);
	sealed_opens(&seal, data + 1, size - 1);
	error = open_one(&seal, &f, SPAN(data + 1, size - 1));
	if (error == 0 || error == -EPROTO || error == -EAGAIN)
		abort();
	v2_fragments_clear(&f);
	return 0;
}
