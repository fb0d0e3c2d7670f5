// SPDX-License-Identifier: Apache-2.0

// See cookie.h.

#include "cookie.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

// A new secret when the one in use is old; cookies of the one before are good until the next.
static int rotate(struct v2_cookies *c, uint64_t now_ms)
{
	bool never = c->changed == 0;

	if (!never && now_ms < c->changed + V2_SECRET_MS)
		return 0;
	if (RAND_bytes(c->secrets[(c->current + 1) & 1], SHA256_SIZE) != 1)
		return -EINVAL;
	// After a long rest the one before is too old as well, or was never made.
	if ((never || now_ms >= c->changed + 2 * V2_SECRET_MS) &&
		RAND_bytes(c->secrets[c->current & 1], SHA256_SIZE) != 1)
		return -EINVAL;
	c->current++;
	c->changed = now_ms ? now_ms : 1;
	return 0;
}

static int make_with(const struct v2_cookies *c, uint8_t number, const struct flow *flow,
	const uint8_t *spi_i, struct span nonce, uint8_t out[V2_COOKIE_OURS])
{
	uint8_t port[2] = {flow->remote_port >> 8, flow->remote_port & 0xff}, mac[IKE_HASH_MAX];
	const struct span parts[] = {SPAN(&number, 1), SPAN(port, 2), SPAN(spi_i, V2_SPI),
		SPAN(&flow->remote.version, 1), SPAN(flow->remote.bytes, 16), nonce};

	if (ike_prf(IKE_SHA256, SPAN(c->secrets[number & 1], SHA256_SIZE), parts, 6, mac))
		return -EINVAL;
	out[0] = number;
	memcpy(out + 1, mac, SHA256_SIZE);
	return 0;
}

int cookie_make(struct v2_cookies *c, uint64_t now_ms, const struct flow *flow,
	const uint8_t *spi_i, struct span nonce, uint8_t out[V2_COOKIE_OURS])
{
	int error = rotate(c, now_ms);

	return error ? error : make_with(c, c->current, flow, spi_i, nonce, out);
}

bool cookie_fits(struct v2_cookies *c, uint64_t now_ms, const struct flow *flow,
	const uint8_t *spi_i, struct span nonce, struct span cookie)
{
	uint8_t expected[V2_COOKIE_OURS];

	if (cookie.length != V2_COOKIE_OURS || rotate(c, now_ms))
		return false;
	if (cookie.at[0] != c->current && cookie.at[0] != (uint8_t)(c->current - 1))
		return false;
	if (make_with(c, cookie.at[0], flow, spi_i, nonce, expected))
		return false;
	return CRYPTO_memcmp(expected, cookie.at, V2_COOKIE_OURS) == 0;
}
