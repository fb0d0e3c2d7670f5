// SPDX-License-Identifier: Apache-2.0

// See forbid.h.

#include "forbid.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define BIT(n) (1ull << (n))

// Words that are none of the config's, or mean more than one.
static const struct {
	const char *word; // without dashes
	struct forbidden means;
} families[] = {
	{"3des", {.encryption = BIT(IKE_3DES), .cipher = BIT(ESP_CIPHER_3DES)}},
	{"sha1", {.hash = BIT(IKE_SHA1), .integrity = BIT(ESP_INTEGRITY_HMAC_SHA1_96)}},
	{"sha256", {.hash = BIT(IKE_SHA256), .integrity = BIT(ESP_INTEGRITY_HMAC_SHA256_128)}},
	{"sha384", {.hash = BIT(IKE_SHA384), .integrity = BIT(ESP_INTEGRITY_HMAC_SHA384_192)}},
	{"sha512", {.hash = BIT(IKE_SHA512), .integrity = BIT(ESP_INTEGRITY_HMAC_SHA512_256)}},
	{"aescbc",
		{.encryption = BIT(IKE_AES_CBC_128) | BIT(IKE_AES_CBC_192) | BIT(IKE_AES_CBC_256),
			.cipher = BIT(ESP_CIPHER_AES_CBC_128) | BIT(ESP_CIPHER_AES_CBC_192) |
				  BIT(ESP_CIPHER_AES_CBC_256)}},
	{"aesgcm", {.encryption = BIT(IKE_AES_GCM_128) | BIT(IKE_AES_GCM_256),
			   .cipher = BIT(ESP_CIPHER_AES_GCM_128) | BIT(ESP_CIPHER_AES_GCM_256)}},
	{"aes128", {.encryption = BIT(IKE_AES_CBC_128) | BIT(IKE_AES_GCM_128),
			   .cipher = BIT(ESP_CIPHER_AES_CBC_128) | BIT(ESP_CIPHER_AES_GCM_128)}},
	{"ikev1", {.version = {[1] = true}}},
	{"ikev2", {.version = {[2] = true}}},
	{"psk", {.psk = true}},
	{"certificate", {.certificate = true}},
	{"eap", {.eap = true}},
};

// Small letters and digits alone.
static void plain(const char *word, size_t length, char out[FORBIDDEN_WORD])
{
	size_t n = 0;

	for (size_t i = 0; i < length && n + 1 < FORBIDDEN_WORD; i++)
		if (isalnum((unsigned char)word[i]))
			out[n++] = (char)tolower((unsigned char)word[i]);
	out[n] = 0;
}

static bool same(const char *word, const char *config_word)
{
	char text[FORBIDDEN_WORD];

	if (!config_word)
		return false;
	plain(config_word, strlen(config_word), text);
	return *text && strcmp(word, text) == 0;
}

static uint64_t find(const char *word, const char *(*word_of)(unsigned))
{
	uint64_t found = 0;

	for (unsigned v = 1; v < 64; v++)
		if (same(word, word_of(v)))
			found |= BIT(v);
	return found;
}

static const char *cipher_word(unsigned v)
{
	const struct esp_cipher_shape *shape = esp_cipher_shape(v);

	return shape ? shape->name : NULL;
}

static const char *integrity_word(unsigned v)
{
	const struct esp_integrity_shape *shape = esp_integrity_shape(v);

	return shape ? shape->name : NULL;
}

static void add(struct forbidden *f, const struct forbidden *more)
{
	f->encryption |= more->encryption;
	f->hash |= more->hash;
	f->group |= more->group;
	f->cipher |= more->cipher;
	f->integrity |= more->integrity;
	for (unsigned i = 0; i < sizeof(f->version) / sizeof(f->version[0]); i++)
		f->version[i] |= more->version[i];
	f->psk |= more->psk;
	f->certificate |= more->certificate;
	f->eap |= more->eap;
}

static bool add_word(struct forbidden *f, const char *word)
{
	struct forbidden more = {.encryption = find(word, ike_encryption_word),
		.hash = find(word, ike_hash_word),
		.group = find(word, ike_group_word),
		.cipher = find(word, cipher_word),
		.integrity = find(word, integrity_word)};
	bool found = more.encryption || more.hash || more.group || more.cipher || more.integrity;

	add(f, &more);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(word, families[i].word) == 0) {
			add(f, &families[i].means);
			found = true;
		}
	return found;
}

int forbidden_parse(const char *words, struct forbidden *out, char wrong[FORBIDDEN_WORD])
{
	bool any = false;

	memset(out, 0, sizeof(*out));
	wrong[0] = 0;
	for (;;) {
		size_t length = strcspn(words, ",");
		char word[FORBIDDEN_WORD];

		plain(words, length, word);
		if (*word && !add_word(out, word)) {
			memcpy(wrong, word, sizeof(word));
			return -EINVAL;
		}
		any = any || *word;
		if (!words[length])
			return any ? 0 : -EINVAL;
		words += length + 1;
	}
}

static void take_out(struct config_list *list, uint64_t bits)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < list->count; i++)
		if (!(bits & BIT(list->values[i])))
			list->values[n++] = list->values[i];
	list->count = n;
}

void forbidden_apply(const struct forbidden *f, struct config_ike *config)
{
	take_out(&config->encryption, f->encryption);
	take_out(&config->hash, f->hash);
	take_out(&config->group, f->group);
	take_out(&config->esp_cipher, f->cipher);
	take_out(&config->esp_integrity, f->integrity);
	config->legacy_3des &= !(f->encryption & BIT(IKE_3DES));
	config->legacy_md5 &= !(f->hash & BIT(IKE_MD5));
	config->legacy_modp1024 &= !(f->group & BIT(IKE_MODP_1024));
	config->legacy_modp1536 &= !(f->group & BIT(IKE_MODP_1536));
	config->version_1 &= !f->version[1];
	config->version_2 &= !f->version[2];
}

bool forbidden_auth(const struct forbidden *f, const char *auth)
{
	if (!auth)
		return false;
	if (strcmp(auth, "psk") == 0)
		return f->psk;
	return strncmp(auth, "eap", 3) == 0 ? f->eap : f->certificate;
}
