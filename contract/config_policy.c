// SPDX-License-Identifier: Apache-2.0

// What the lists of algorithms hold when the file leaves them out: by ike.policy, strongest first.
// RFC 8221 and RFC 8247 say what is strong; SHA-1 is in native-clients because Windows, Android and
// macOS offer nothing else with some of their groups.

#include "config_schema.h"

#include <string.h>

struct profile {
	uint16_t encryption[12], hash[8], group[12], cipher[12], integrity[8]; // 0 ends a list
};

static const struct profile profiles[] = {
	[POLICY_MODERN] =
		{
			.encryption = {IKE_AES_GCM_256, IKE_CHACHA20_POLY1305, IKE_AES_CBC_256,
				IKE_AES_GCM_128, IKE_AES_CBC_128},
			.hash = {IKE_SHA384, IKE_SHA256, IKE_SHA512},
			.group = {IKE_ECP_384, IKE_X25519, IKE_ECP_256, IKE_ECP_521, IKE_MODP_4096,
				IKE_MODP_3072, IKE_MODP_2048},
			.cipher = {ESP_CIPHER_AES_GCM_256, ESP_CIPHER_CHACHA20_POLY1305,
				ESP_CIPHER_AES_GCM_128, ESP_CIPHER_AES_CBC_256,
				ESP_CIPHER_AES_CBC_128},
			.integrity = {ESP_INTEGRITY_HMAC_SHA256_128, ESP_INTEGRITY_HMAC_SHA384_192,
				ESP_INTEGRITY_HMAC_SHA512_256},
		},
	[POLICY_NATIVE_CLIENTS] =
		{
			.encryption = {IKE_AES_GCM_256, IKE_AES_CBC_256, IKE_AES_GCM_128,
				IKE_AES_CBC_192, IKE_AES_CBC_128},
			.hash = {IKE_SHA256, IKE_SHA384, IKE_SHA512, IKE_SHA1},
			.group = {IKE_ECP_384, IKE_ECP_256, IKE_X25519, IKE_ECP_521, IKE_MODP_2048,
				IKE_MODP_3072, IKE_MODP_4096},
			.cipher = {ESP_CIPHER_AES_GCM_256, ESP_CIPHER_AES_GCM_128,
				ESP_CIPHER_AES_CBC_256, ESP_CIPHER_AES_CBC_192,
				ESP_CIPHER_AES_CBC_128},
			.integrity = {ESP_INTEGRITY_HMAC_SHA256_128, ESP_INTEGRITY_HMAC_SHA384_192,
				ESP_INTEGRITY_HMAC_SHA512_256, ESP_INTEGRITY_HMAC_SHA1_96},
		},
};

static void fill(struct config_list *list, const uint16_t *values)
{
	if (list->count)
		return;
	for (; *values; values++)
		list->values[list->count++] = *values;
}

void config_policy(struct config_load *load)
{
	struct config_ike *k = &load->config->ike;
	bool legacy = k->policy == POLICY_LEGACY;
	const struct profile *p = &profiles[legacy ? POLICY_NATIVE_CLIENTS : k->policy];
	bool ciphers = k->esp_cipher.count > 0;

	if (!config_walked(load, "ike"))
		return;
	fill(&k->encryption, p->encryption);
	fill(&k->hash, p->hash);
	fill(&k->group, p->group);
	fill(&k->esp_cipher, p->cipher);
	fill(&k->esp_integrity, p->integrity);
	if (!legacy)
		return;
	// The check puts them at the ends of the lists of the IKE SA.
	k->legacy_3des = k->legacy_md5 = k->legacy_modp1024 = k->legacy_modp1536 = true;
	if (!ciphers)
		k->esp_cipher.values[k->esp_cipher.count++] = ESP_CIPHER_3DES;
}
