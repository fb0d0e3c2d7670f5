// SPDX-License-Identifier: Apache-2.0

// Both sides' offers in plain words for the log. See proposal.h.

#include "proposal.h"

#include "controlplane/ike/text.h"

struct word {
	uint16_t id;
	const char *word;
};

// The IANA registry of IKEv2 parameters, transform types 1 to 5.
static const struct word encr_words[] = {{1, "des-iv64"}, {2, "des"}, {3, "3des"}, {4, "rc5"},
	{5, "idea"}, {6, "cast"}, {7, "blowfish"}, {11, "null"}, {12, "aes-cbc"}, {13, "aes-ctr"},
	{14, "aes-ccm-8"}, {15, "aes-ccm-12"}, {16, "aes-ccm"}, {18, "aes-gcm-8"},
	{19, "aes-gcm-12"}, {20, "aes-gcm"}, {21, "null-gmac"}, {23, "camellia-cbc"},
	{24, "camellia-ctr"}, {28, "chacha20-poly1305"}, {0, NULL}};
static const struct word prf_words[] = {{1, "md5"}, {2, "sha1"}, {3, "tiger"}, {4, "aes-xcbc"},
	{5, "sha256"}, {6, "sha384"}, {7, "sha512"}, {8, "aes-cmac"}, {0, NULL}};
static const struct word integ_words[] = {{1, "hmac-md5-96"}, {2, "hmac-sha1-96"}, {3, "des-mac"},
	{5, "aes-xcbc-96"}, {7, "hmac-sha1-160"}, {8, "aes-cmac-96"}, {12, "hmac-sha256-128"},
	{13, "hmac-sha384-192"}, {14, "hmac-sha512-256"}, {0, NULL}};
static const struct word group_words[] = {{1, "modp-768"}, {2, "modp-1024"}, {5, "modp-1536"},
	{14, "modp-2048"}, {15, "modp-3072"}, {16, "modp-4096"}, {17, "modp-6144"},
	{18, "modp-8192"}, {19, "ecp-256"}, {20, "ecp-384"}, {21, "ecp-521"}, {22, "modp-1024-160"},
	{23, "modp-2048-224"}, {24, "modp-2048-256"}, {25, "ecp-192"}, {26, "ecp-224"},
	{27, "brainpool-224"}, {28, "brainpool-256"}, {29, "brainpool-384"}, {30, "brainpool-512"},
	{31, "x25519"}, {32, "x448"}, {35, "ml-kem-512"}, {36, "ml-kem-768"}, {37, "ml-kem-1024"},
	{0, NULL}};
static const struct word esn_words[] = {{1, "esn"}, {0, NULL}};

// By type; "kind" comes before a number that has no word.
static const struct {
	const char *kind, *none; // none: id 0
	const struct word *words;
} types[] = {[V2_ENCR] = {"encryption", "none", encr_words},
	[V2_PRF] = {"prf", "none", prf_words},
	[V2_INTEG] = {"integrity", "no integrity", integ_words},
	[V2_DH] = {"group", "no group", group_words},
	[V2_ESN] = {"sequence", "no esn", esn_words}};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static void text_transform(struct text *t, const struct v2_transform *transform)
{
	const struct word *w = types[transform->type].words;

	while (w->word && w->id != transform->id)
		w++;
	if (transform->id == 0)
		text_add(t, "%s", types[transform->type].none);
	else if (w->word)
		text_add(t, "%s", w->word);
	else
		text_add(t, "%s %u", types[transform->type].kind, transform->id);
	if (transform->key_bits)
		text_add(t, "-%u", transform->key_bits);
	if (!transform->usable)
		text_add(t, "?");
}

static void text_proposal(
	struct text *t, const struct v2_sa *offer, const struct isakmp_proposal *p)
{
	size_t start = t->length;
	bool more = false;

	for (uint8_t type = 1; type < TYPES; type++) {
		bool began = false;

		for (size_t i = p->first; i < p->first + p->count; i++) {
			if (offer->transforms[i].type != type)
				continue;
			text_add(t, "%s", began ? " " : t->length > start ? " / " : "");
			text_transform(t, &offer->transforms[i]);
			began = true;
		}
	}
	for (size_t i = p->first; i < p->first + p->count; i++)
		more |= offer->transforms[i].type >= TYPES;
	if (more)
		text_add(t, " / other");
}

const char *v2_offer_words(const struct v2_sa *offer, char *out)
{
	static const char *const protocols[] = {"?", "", "ah ", ""};
	struct text t = {.out = out, .size = V2_PROPOSAL_TEXT};

	out[0] = 0;
	for (size_t i = 0; i < offer->proposal_count; i++) {
		uint8_t protocol = offer->proposals[i].protocol;

		text_add(&t, "%s%s", i ? ", " : "", protocols[protocol <= 3 ? protocol : 0]);
		text_proposal(&t, offer, &offer->proposals[i]);
	}
	return out;
}

static void text_list(
	struct text *t, const struct config_list *list, const char *(*word)(unsigned v))
{
	for (int i = 0; i < list->count; i++)
		text_add(t, "%s%s", i ? " " : "", word(list->values[i]));
}

static void text_also(struct text *t, const struct config_list *list, unsigned v, bool allowed,
	const char *(*word)(unsigned v))
{
	for (int i = 0; i < list->count; i++)
		if (list->values[i] == v)
			return;
	if (allowed)
		text_add(t, " %s", word(v));
}

const char *v2_ike_ours(const struct config_ike *config, char *out)
{
	struct text t = {.out = out, .size = V2_PROPOSAL_TEXT};

	out[0] = 0;
	text_list(&t, &config->encryption, ike_encryption_word);
	text_also(&t, &config->encryption, IKE_3DES, config->legacy_3des, ike_encryption_word);
	text_add(&t, " / ");
	text_list(&t, &config->hash, ike_hash_word);
	text_also(&t, &config->hash, IKE_MD5, config->legacy_md5, ike_hash_word);
	text_add(&t, " / ");
	text_list(&t, &config->group, ike_group_word);
	text_also(&t, &config->group, IKE_MODP_1536, config->legacy_modp1536, ike_group_word);
	text_also(&t, &config->group, IKE_MODP_1024, config->legacy_modp1024, ike_group_word);
	return out;
}

static const char *cipher_word(unsigned v)
{
	const struct esp_cipher_shape *s = esp_cipher_shape(v);

	return s ? s->name : "?";
}

static const char *integrity_word(unsigned v)
{
	const struct esp_integrity_shape *s = esp_integrity_shape(v);

	return s ? s->name : "?";
}

const char *v2_esp_ours(const struct config_ike *config, char *out)
{
	struct text t = {.out = out, .size = V2_PROPOSAL_TEXT};

	out[0] = 0;
	text_list(&t, &config->esp_cipher, cipher_word);
	text_add(&t, " / ");
	text_list(&t, &config->esp_integrity, integrity_word);
	if (config->esp_extended_sequence)
		text_add(&t, " / esn");
	return out;
}

const char *v2_suite_words(const struct v2_suite *suite, char *out)
{
	struct text t = {.out = out, .size = V2_PROPOSAL_TEXT};

	out[0] = 0;
	text_add(&t, "%s/%s/%s", ike_encryption_word(suite->encryption), ike_hash_word(suite->hash),
		ike_group_word(suite->group));
	return out;
}
