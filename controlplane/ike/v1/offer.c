// SPDX-License-Identifier: Apache-2.0

// See offer.h.

#include "offer.h"

#include "contract/messages.h"
#include "controlplane/ike/crypto.h"

#include <errno.h>

enum { SHORT = 0x8000 }; // the value is in the attribute's own two bytes
enum ike_attribute {
	IKE_ENCRYPTION = 1,
	IKE_HASH = 2,
	IKE_AUTH = 3,
	IKE_GROUP = 4,
	IKE_LIFE_TYPE = 11,
	IKE_LIFE_DURATION = 12,
	IKE_KEY_LENGTH = 14,
};
enum attribute {
	LIFE_TYPE = 1,
	LIFE_DURATION = 2,
	GROUP = 3,
	MODE = 4,
	AUTHENTICATION = 5,
	KEY_LENGTH = 6,
	ESN = 11,
};
enum value {
	LIFE_SECONDS = 1,
	LIFE_KILOBYTES = 2,
	KEY_IKE = 1, // transform id of phase 1
	IKE_CIPHER_3DES = 5,
	IKE_CIPHER_AES = 7,
	MODE_TRANSPORT = 2,
	MODE_UDP_TRANSPORT = 4,           // RFC 3947 section 5.1
	MODE_UDP_TRANSPORT_DRAFT = 61444, // drafts 02 and 03
	ESN_64_BIT = 1,                   // RFC 4304 section 3
};

static void short_attribute(struct build *b, uint16_t type, unsigned value)
{
	build_u16(b, SHORT | type);
	build_u16(b, (uint16_t)value);
}

static void life(struct build *b, unsigned unit, uint32_t value)
{
	short_attribute(b, LIFE_TYPE, unit);
	build_u16(b, LIFE_DURATION);
	build_u16(b, 4);
	build_u32(b, value);
}

// The transform id and the bits of the key where they have to be said; id 0 = there is none.
static void cipher_number(enum esp_cipher cipher, uint8_t *id, unsigned *bits)
{
	static const struct {
		uint8_t id, key;
	} numbers[ESP_CIPHER_COUNT] = {
		[ESP_CIPHER_AES_GCM_128] = {20, 16},
		[ESP_CIPHER_AES_GCM_256] = {20, 32},
		[ESP_CIPHER_AES_CBC_128] = {12, 16},
		[ESP_CIPHER_AES_CBC_192] = {12, 24},
		[ESP_CIPHER_AES_CBC_256] = {12, 32},
		[ESP_CIPHER_CHACHA20_POLY1305] = {28, 0},
		[ESP_CIPHER_3DES] = {3, 0},
	};

	*id = cipher < ESP_CIPHER_COUNT ? numbers[cipher].id : 0;
	*bits = *id ? numbers[cipher].key * 8 : 0;
}

static unsigned integrity_number(enum esp_integrity integrity)
{
	static const uint8_t numbers[ESP_INTEGRITY_COUNT] = {
		[ESP_INTEGRITY_HMAC_SHA1_96] = 2,
		[ESP_INTEGRITY_HMAC_SHA256_128] = 5,
		[ESP_INTEGRITY_HMAC_SHA384_192] = 6,
		[ESP_INTEGRITY_HMAC_SHA512_256] = 7,
	};

	return integrity < ESP_INTEGRITY_COUNT ? numbers[integrity] : 0;
}

static unsigned mode_number(const struct esp_form *form, enum natt natt)
{
	if (form->encapsulation != ESP_UDP)
		return MODE_TRANSPORT;
	return natt == NATT_RFC3947 ? MODE_UDP_TRANSPORT : MODE_UDP_TRANSPORT_DRAFT;
}

int offer_esp(const struct esp_form *form, unsigned group, uint32_t lifetime_s,
	uint32_t lifetime_kb, enum natt natt, uint8_t *attributes, struct isakmp_transform *out)
{
	struct build b = build_in(attributes, OFFER_ATTRIBUTES);
	unsigned bits, integrity = integrity_number(form->integrity);

	*out = (struct isakmp_transform){.number = 1};
	cipher_number(form->cipher, &out->id, &bits);
	if (out->id == 0 || (form->encapsulation == ESP_UDP && natt == NATT_NONE))
		return -EINVAL;
	life(&b, LIFE_SECONDS, lifetime_s);
	if (lifetime_kb)
		life(&b, LIFE_KILOBYTES, lifetime_kb);
	if (group)
		short_attribute(&b, GROUP, group);
	short_attribute(&b, MODE, mode_number(form, natt));
	if (integrity)
		short_attribute(&b, AUTHENTICATION, integrity);
	if (bits)
		short_attribute(&b, KEY_LENGTH, bits);
	if (form->esn)
		short_attribute(&b, ESN, ESN_64_BIT);
	out->attributes = SPAN(attributes, build_length(&b));
	return b.failed ? -EINVAL : 0;
}

int offer_ike(unsigned encryption, unsigned hash, unsigned group, unsigned auth,
	uint32_t lifetime_s, uint8_t *attributes, struct isakmp_transform *out)
{
	struct build b = build_in(attributes, OFFER_ATTRIBUTES);
	bool aes = encryption != IKE_3DES;

	if (encryption == 0 || encryption > IKE_3DES)
		return -EINVAL;
	short_attribute(&b, IKE_ENCRYPTION, aes ? IKE_CIPHER_AES : IKE_CIPHER_3DES);
	if (aes)
		short_attribute(
			&b, IKE_KEY_LENGTH, (unsigned)ike_encryption_key_size(encryption) * 8);
	short_attribute(&b, IKE_HASH, hash);
	short_attribute(&b, IKE_GROUP, group);
	short_attribute(&b, IKE_AUTH, auth);
	short_attribute(&b, IKE_LIFE_TYPE, LIFE_SECONDS);
	build_u16(&b, IKE_LIFE_DURATION);
	build_u16(&b, 4);
	build_u32(&b, lifetime_s);
	*out = (struct isakmp_transform){
		.number = 1, .id = KEY_IKE, .attributes = SPAN(attributes, build_length(&b))};
	return b.failed ? -EINVAL : 0;
}
