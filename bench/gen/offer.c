// SPDX-License-Identifier: Apache-2.0

// See offer.h.

#include "offer.h"

#include "contract/config.h"
#include "controlplane/ike/crypto.h"
#include "net.h"

enum { LIFETIME_S = 86400, ESP_LIFETIME_S = 28800 };

static void attribute(struct build *b, uint16_t type, uint16_t value)
{
	build_u16(b, 0x8000 | type);
	build_u16(b, value);
}

// Life type "seconds", and the duration in the long form.
static void lifetime(struct build *b, uint16_t type, uint32_t seconds)
{
	attribute(b, type, 1);
	build_u16(b, type + 1);
	build_u16(b, 4);
	build_u32(b, seconds);
}

// DOI, situation and the heads of one proposal and its one transform (RFC 2408 sections 3.4 to
// 3.6); end_sa fills in their lengths.
static void begin_sa(
	struct build *b, uint8_t protocol, const uint8_t *spi, uint8_t spi_size, uint8_t transform)
{
	build_u32(b, ISAKMP_DOI_IPSEC);
	build_u32(b, ISAKMP_SITUATION_IDENTITY);
	build_u32(b, 0);
	build_u8(b, 1);
	build_u8(b, protocol);
	build_u8(b, spi_size);
	build_u8(b, 1);
	build_bytes(b, spi, spi_size);
	build_u32(b, 0);
	build_u8(b, 1);
	build_u8(b, transform);
	build_u16(b, 0);
}

static void end_sa(struct build *b, uint8_t spi_size)
{
	size_t proposal = 8, transform = 16 + spi_size;

	build_patch_u16(b, proposal + 2, (uint16_t)(build_length(b) - proposal));
	build_patch_u16(b, transform + 2, (uint16_t)(build_length(b) - transform));
}

size_t offer_ike(const struct options *o, uint8_t *out, size_t size)
{
	struct build b = build_in(out, size);

	begin_sa(&b, ISAKMP_PROTO_ISAKMP, NULL, 0, 1);
	attribute(&b, 1, o->ike_encryption == IKE_3DES ? 5 : 7);
	if (o->ike_encryption != IKE_3DES)
		attribute(&b, 14, (uint16_t)(ike_encryption_key_size(o->ike_encryption) * 8));
	attribute(&b, 2, (uint16_t)o->ike_hash);
	attribute(&b, 3, 1); // pre-shared key
	attribute(&b, 4, (uint16_t)o->ike_group);
	lifetime(&b, 11, LIFETIME_S);
	end_sa(&b, 0);
	return b.failed ? 0 : build_length(&b);
}

// The numbers of the IANA registry "IPSEC ESP Transform Identifiers".
static uint8_t esp_transform(unsigned cipher)
{
	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
	case ESP_CIPHER_AES_GCM_256:
		return 20;
	case ESP_CIPHER_CHACHA20_POLY1305:
		return 28;
	case ESP_CIPHER_3DES:
		return 3;
	}
	return 12;
}

size_t offer_esp(const struct options *o, bool udp, uint32_t number, uint8_t *out, size_t size)
{
	static const uint8_t auth[] = {[ESP_INTEGRITY_HMAC_SHA1_96] = 2,
		[ESP_INTEGRITY_HMAC_SHA256_128] = 5,
		[ESP_INTEGRITY_HMAC_SHA384_192] = 6,
		[ESP_INTEGRITY_HMAC_SHA512_256] = 7};
	struct build b = build_in(out, size);
	uint8_t spi[4];

	set_u32(spi, number);
	begin_sa(&b, ISAKMP_PROTO_ESP, spi, sizeof(spi), esp_transform(o->cipher));
	lifetime(&b, 1, ESP_LIFETIME_S);
	attribute(&b, 4, udp ? 4 : 2); // transport mode, with UDP or without
	if (o->integrity)
		attribute(&b, 5, auth[o->integrity]);
	if (o->cipher != ESP_CIPHER_3DES && o->cipher != ESP_CIPHER_CHACHA20_POLY1305)
		attribute(&b, 6, esp_cipher_shape(o->cipher)->key * 8);
	end_sa(&b, sizeof(spi));
	return b.failed ? 0 : build_length(&b);
}
