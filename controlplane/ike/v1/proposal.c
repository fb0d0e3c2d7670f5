// SPDX-License-Identifier: Apache-2.0

// See proposal.h. Each transform is first read into the numbers of the IANA registries and then
// weighed; words are made from the same numbers, so that the log shows what was really judged.

#include "proposal.h"

#include "contract/messages.h"
#include "controlplane/ike/crypto.h"
#include "controlplane/ike/group.h"
#include "controlplane/ike/text.h"

#include <errno.h>
#include <stdio.h>

// RFC 2409 appendix A.
enum ike_attribute {
	IKE_ATTRIBUTE_ENCRYPTION = 1,
	IKE_ATTRIBUTE_HASH = 2,
	IKE_ATTRIBUTE_AUTH = 3,
	IKE_ATTRIBUTE_GROUP = 4,
	IKE_ATTRIBUTE_LIFE_TYPE = 11,
	IKE_ATTRIBUTE_LIFE = 12,
	IKE_ATTRIBUTE_PRF = 13,
	IKE_ATTRIBUTE_KEY_LENGTH = 14,
};
// RFC 2407 section 4.5.
enum esp_attribute {
	ESP_ATTRIBUTE_LIFE_TYPE = 1,
	ESP_ATTRIBUTE_LIFE = 2,
	ESP_ATTRIBUTE_GROUP = 3,
	ESP_ATTRIBUTE_MODE = 4,
	ESP_ATTRIBUTE_AUTH = 5,
	ESP_ATTRIBUTE_KEY_LENGTH = 6,
	ESP_ATTRIBUTE_ESN = 11,
};
enum {
	LIFE_SECONDS = 1,
	LIFE_KILOBYTES = 2,
	KEY_IKE = 1, // transform id of phase 1
	CIPHER_3DES = 5,
	CIPHER_AES_CBC = 7,
	ESP_3DES = 3,
	ESP_AES_CBC = 12,
	ESP_AES_GCM_16 = 20,
	// IKEv1's registry has no number for it; this is IKEv2's (RFC 7634 section 5), which is
	// unassigned here, so it can mean nothing else.
	ESP_CHACHA20_POLY1305 = 28,
	ESN_64_BIT = 1, // RFC 4304 section 3
	MODE_TRANSPORT = 2,
	MODE_UDP_TRANSPORT = 4,           // RFC 3947 section 5.1
	MODE_UDP_TRANSPORT_DRAFT = 61444, // drafts 02 and 03
	SPI_MIN = 256,                    // RFC 4303 section 2.1
	REFUSED = -1,
};

// A transform as the registries number it; 0 = not given.
struct reading {
	uint64_t encryption, hash, auth, group, prf;
	uint64_t mode, esn, key_bits, lifetime_s, lifetime_kb;
};

// A duration is of the type that stands before it.
static void life_read(
	const struct isakmp_attribute *a, bool type, uint64_t *unit, struct reading *out)
{
	if (type)
		*unit = a->value;
	else if (*unit == LIFE_SECONDS)
		out->lifetime_s = a->value;
	else if (*unit == LIFE_KILOBYTES)
		out->lifetime_kb = a->value;
}

static struct reading ike_read(const struct isakmp_transform *t)
{
	struct reading r = {0};
	struct span rest = t->attributes;
	struct isakmp_attribute a;
	uint64_t unit = LIFE_SECONDS;

	while (isakmp_attribute_next(&rest, &a)) {
		switch (a.type) {
		case IKE_ATTRIBUTE_ENCRYPTION:
			r.encryption = a.value;
			break;
		case IKE_ATTRIBUTE_HASH:
			r.hash = a.value;
			break;
		case IKE_ATTRIBUTE_AUTH:
			r.auth = a.value;
			break;
		case IKE_ATTRIBUTE_GROUP:
			r.group = a.value;
			break;
		case IKE_ATTRIBUTE_PRF:
			r.prf = a.value;
			break;
		case IKE_ATTRIBUTE_KEY_LENGTH:
			r.key_bits = a.value;
			break;
		case IKE_ATTRIBUTE_LIFE_TYPE:
		case IKE_ATTRIBUTE_LIFE:
			life_read(&a, a.type == IKE_ATTRIBUTE_LIFE_TYPE, &unit, &r);
			break;
		}
	}
	return r;
}

static struct reading esp_read(const struct isakmp_transform *t)
{
	struct reading r = {.encryption = t->id};
	struct span rest = t->attributes;
	struct isakmp_attribute a;
	uint64_t unit = LIFE_SECONDS;

	while (isakmp_attribute_next(&rest, &a)) {
		switch (a.type) {
		case ESP_ATTRIBUTE_GROUP:
			r.group = a.value;
			break;
		case ESP_ATTRIBUTE_MODE:
			r.mode = a.value;
			break;
		case ESP_ATTRIBUTE_AUTH:
			r.auth = a.value;
			break;
		case ESP_ATTRIBUTE_KEY_LENGTH:
			r.key_bits = a.value;
			break;
		case ESP_ATTRIBUTE_ESN:
			r.esn = a.value;
			break;
		case ESP_ATTRIBUTE_LIFE_TYPE:
		case ESP_ATTRIBUTE_LIFE:
			life_read(&a, a.type == ESP_ATTRIBUTE_LIFE_TYPE, &unit, &r);
			break;
		}
	}
	return r;
}

// A key length that is not given means 128 bits.
static unsigned encryption_of(const struct reading *r)
{
	if (r->encryption == CIPHER_3DES)
		return IKE_3DES;
	if (r->encryption != CIPHER_AES_CBC)
		return 0;
	switch (r->key_bits) {
	case 0:
	case 128:
		return IKE_AES_CBC_128;
	case 192:
		return IKE_AES_CBC_192;
	case 256:
		return IKE_AES_CBC_256;
	}
	return 0;
}

// Where the value stands in our order; a legacy one that is allowed but not listed comes last.
static int rank_of(const struct config_list *list, uint64_t value, bool legacy, bool allowed)
{
	if (legacy && !allowed)
		return REFUSED;
	for (int i = 0; i < list->count; i++)
		if (list->values[i] == value)
			return i;
	return legacy ? list->count : REFUSED;
}

static int encryption_rank(const struct config_ike *c, uint64_t v)
{
	if (v > IKE_3DES)
		return REFUSED;
	return rank_of(&c->encryption, v, v == IKE_3DES, c->legacy_3des);
}

static int hash_rank(const struct config_ike *c, uint64_t v)
{
	return rank_of(&c->hash, v, v == IKE_MD5, c->legacy_md5);
}

static int group_rank(const struct config_ike *c, uint64_t v)
{
	bool allowed = v == IKE_MODP_1024 ? c->legacy_modp1024 : c->legacy_modp1536;

	if (v == IKE_X25519)
		return REFUSED;
	return rank_of(&c->group, v, v == IKE_MODP_1024 || v == IKE_MODP_1536, allowed);
}

// Lower is better; REFUSED.
static int ike_weigh(const struct config_ike *c, const struct reading *r, unsigned auths)
{
	unsigned e = encryption_of(r);
	int encryption = encryption_rank(c, e), hash = hash_rank(c, r->hash);
	int group = group_rank(c, r->group), legacy;

	if (encryption < 0 || hash < 0 || group < 0 || r->auth > IKE_AUTH_ECDSA_521 ||
		!(auths & 1u << r->auth) || r->prf)
		return REFUSED;
	legacy = (e == IKE_3DES) + (r->hash == IKE_MD5) +
		 (r->group == IKE_MODP_1024 || r->group == IKE_MODP_1536);
	return legacy << 24 | encryption << 16 | hash << 8 | group;
}

static bool is_ike(const struct isakmp_proposal *p, const struct isakmp_transform *t)
{
	return p->protocol == ISAKMP_PROTO_ISAKMP && t->id == KEY_IKE;
}

// The best of these methods; with first, the first that is acceptable at all.
static int choose_ike(const struct config_ike *config, const struct isakmp_sa *offer,
	unsigned auths, bool first, struct ike_choice *out)
{
	int best = REFUSED;

	for (size_t i = 0; i < offer->proposal_count; i++) {
		const struct isakmp_proposal *p = &offer->proposals[i];

		for (size_t j = p->first; j < p->first + p->count; j++) {
			const struct isakmp_transform *t = &offer->transforms[j];
			struct reading r = ike_read(t);
			int weight = ike_weigh(config, &r, auths);

			if (!is_ike(p, t) || weight == REFUSED ||
				(best != REFUSED && (first || weight >= best)))
				continue;
			best = weight;
			*out = (struct ike_choice){.proposal = *p,
				.transform = *t,
				.encryption = encryption_of(&r),
				.hash = r.hash,
				.group = r.group,
				.auth = r.auth,
				.lifetime_s = r.lifetime_s,
				.lifetime_kb = r.lifetime_kb};
		}
	}
	return best == REFUSED ? -ENOENT : 0;
}

int proposal_choose_ike_by(const struct config_ike *config, const struct isakmp_sa *offer,
	unsigned auths, struct ike_choice *out)
{
	int error = choose_ike(config, offer, auths, true, out);

	return error ? error : choose_ike(config, offer, 1u << out->auth, false, out);
}

int proposal_choose_ike(
	const struct config_ike *config, const struct isakmp_sa *offer, struct ike_choice *out)
{
	return proposal_choose_ike_by(config, offer, 1u << IKE_AUTH_PSK, out);
}

static enum esp_cipher cipher_of(const struct reading *r)
{
	uint64_t bits = r->key_bits ? r->key_bits : 128;

	// These have one length of key, which nobody has to name.
	if (r->encryption == ESP_3DES)
		return r->key_bits == 0 || bits == 192 ? ESP_CIPHER_3DES : ESP_CIPHER_NONE;
	if (r->encryption == ESP_CHACHA20_POLY1305)
		return r->key_bits == 0 || bits == 256 ? ESP_CIPHER_CHACHA20_POLY1305
						       : ESP_CIPHER_NONE;
	if (r->encryption == ESP_AES_GCM_16)
		return bits == 128   ? ESP_CIPHER_AES_GCM_128
		       : bits == 256 ? ESP_CIPHER_AES_GCM_256
				     : ESP_CIPHER_NONE;
	if (r->encryption == ESP_AES_CBC)
		return bits == 128   ? ESP_CIPHER_AES_CBC_128
		       : bits == 192 ? ESP_CIPHER_AES_CBC_192
		       : bits == 256 ? ESP_CIPHER_AES_CBC_256
				     : ESP_CIPHER_NONE;
	return ESP_CIPHER_NONE;
}

// The authentication algorithms of RFC 2407 section 4.5 and RFC 4868.
static enum esp_integrity integrity_of(const struct reading *r)
{
	switch (r->auth) {
	case 2:
		return ESP_INTEGRITY_HMAC_SHA1_96;
	case 5:
		return ESP_INTEGRITY_HMAC_SHA256_128;
	case 6:
		return ESP_INTEGRITY_HMAC_SHA384_192;
	case 7:
		return ESP_INTEGRITY_HMAC_SHA512_256;
	}
	return ESP_INTEGRITY_NONE;
}

static bool mode_is_udp(uint64_t mode)
{
	return mode == MODE_UDP_TRANSPORT || mode == MODE_UDP_TRANSPORT_DRAFT;
}

static bool mode_fits(const struct reading *r, const struct esp_terms *terms)
{
	if (r->mode == 0)
		return true;
	return (r->mode == MODE_TRANSPORT && terms->plain) || (mode_is_udp(r->mode) && terms->udp);
}

// PFS as the peer wants it: a group that we know and a KE payload that is of this group.
static bool pfs_fits(
	const struct config_ike *c, const struct reading *r, const struct esp_terms *terms)
{
	if (r->group == 0)
		return terms->ke_length == 0;
	return group_rank(c, r->group) >= 0 && ike_group_size(r->group) == terms->ke_length;
}

// For ESP, 3DES is allowed only where both lists name it.
static int cipher_rank(const struct config_ike *c, enum esp_cipher cipher)
{
	if (cipher == ESP_CIPHER_NONE || (cipher == ESP_CIPHER_3DES && !c->legacy_3des))
		return REFUSED;
	return rank_of(&c->esp_cipher, cipher, false, false);
}

// 32-bit sequence numbers, or 64-bit ones where we agree to them; they need a window (RFC 4303
// section 3.3.3).
static bool esn_fits(const struct config_ike *c, const struct reading *r)
{
	if (r->esn == 0)
		return true;
	return r->esn == ESN_64_BIT && c->esp_extended_sequence && c->replay_window > 0;
}

static int esp_weigh(
	const struct config_ike *c, const struct reading *r, const struct esp_terms *terms)
{
	enum esp_cipher cipher = cipher_of(r);
	const struct esp_cipher_shape *shape = esp_cipher_shape(cipher);
	int rank = cipher_rank(c, cipher), integrity = 0, doubtful = 0;

	if (rank < 0 || !shape || !esn_fits(c, r) || !mode_fits(r, terms) || !pfs_fits(c, r, terms))
		return REFUSED;
	if (shape->icv == 0)
		integrity = rank_of(&c->esp_integrity, integrity_of(r), false, false);
	if (shape->icv == 0 && integrity_of(r) == ESP_INTEGRITY_HMAC_SHA256_128)
		doubtful = terms->doubtful_sha256;
	return integrity < 0 ? REFUSED : doubtful << 16 | rank << 8 | integrity;
}

// A proposal of one protocol: one that shares its number with another must be taken with it
// (RFC 2408 section 4.2), and we do not bundle.
static bool proposal_is_esp(const struct isakmp_sa *offer, size_t i)
{
	const struct isakmp_proposal *p = &offer->proposals[i];
	struct view spi = view_of(p->spi.at, p->spi.length);

	if (p->protocol != ISAKMP_PROTO_ESP || p->spi.length != 4 || view_u32(&spi) < SPI_MIN)
		return false;
	return (i == 0 || offer->proposals[i - 1].number != p->number) &&
	       (i + 1 == offer->proposal_count || offer->proposals[i + 1].number != p->number);
}

static void esp_take(const struct isakmp_proposal *p, const struct isakmp_transform *t,
	const struct esp_terms *terms, struct esp_choice *out)
{
	struct reading r = esp_read(t);
	struct view spi = view_of(p->spi.at, p->spi.length);
	bool udp = r.mode == 0 ? !terms->plain : mode_is_udp(r.mode);

	*out = (struct esp_choice){.proposal = *p,
		.transform = *t,
		.form = {.cipher = cipher_of(&r),
			.encapsulation = udp ? ESP_UDP : ESP_PLAIN,
			.esn = r.esn == ESN_64_BIT,
			.spi_out = view_u32(&spi)},
		.group = r.group,
		.lifetime_s = r.lifetime_s,
		.lifetime_kb = r.lifetime_kb};
	if (esp_cipher_shape(out->form.cipher)->icv == 0)
		out->form.integrity = integrity_of(&r);
}

int proposal_choose_esp(const struct config_ike *config, const struct isakmp_sa *offer,
	const struct esp_terms *terms, struct esp_choice *out)
{
	int best = REFUSED;

	for (size_t i = 0; i < offer->proposal_count; i++) {
		const struct isakmp_proposal *p = &offer->proposals[i];

		for (size_t j = p->first; j < p->first + p->count; j++) {
			struct reading r = esp_read(&offer->transforms[j]);
			int weight = esp_weigh(config, &r, terms);

			if (weight == REFUSED || (best != REFUSED && weight >= best) ||
				!proposal_is_esp(offer, i))
				continue;
			best = weight;
			esp_take(p, &offer->transforms[j], terms, out);
		}
	}
	return best == REFUSED ? -ENOENT : 0;
}

// Whether a transform of the offer has this property.
static bool offer_any(const struct isakmp_sa *offer,
	struct reading (*read)(const struct isakmp_transform *),
	bool (*has)(const struct reading *, const void *), const void *context)
{
	for (size_t i = 0; i < offer->transform_count; i++) {
		struct reading r = read(&offer->transforms[i]);

		if (has(&r, context))
			return true;
	}
	return false;
}

static bool has_better_group(const struct reading *r, const void *context)
{
	return r->group != IKE_MODP_1024;
}

bool proposal_ike_is_old(const struct isakmp_sa *offer)
{
	return !offer_any(offer, ike_read, has_better_group, NULL);
}

static bool has_auth(const struct reading *r, const void *context)
{
	return r->auth <= IKE_AUTH_ECDSA_521 && *(const unsigned *)context & 1u << r->auth;
}

// What the peer would have to prove itself with.
static const char *auth_reason(const struct isakmp_sa *offer, unsigned auths)
{
	const unsigned psk = 1u << IKE_AUTH_PSK;

	if (auths == psk)
		return "the peer does not offer a pre-shared key";
	if (!(auths & psk) && offer_any(offer, ike_read, has_auth, &psk))
		return "no pre-shared key for this address";
	return "the peer offers no method of authentication that a certificate of ours can do";
}

const char *proposal_ike_reason_by(
	const struct config_ike *config, const struct isakmp_sa *offer, unsigned auths)
{
	struct config_ike lax = *config;
	struct ike_choice choice;

	lax.legacy_3des = lax.legacy_md5 = lax.legacy_modp1024 = lax.legacy_modp1536 = true;
	if (!offer_any(offer, ike_read, has_auth, &auths))
		return auth_reason(offer, auths);
	if (proposal_choose_ike_by(&lax, offer, auths, &choice) == 0)
		return "the peer offers only what ike.legacy would have to allow";
	return "no common algorithms";
}

const char *proposal_ike_reason(const struct config_ike *config, const struct isakmp_sa *offer)
{
	return proposal_ike_reason_by(config, offer, 1u << IKE_AUTH_PSK);
}

static bool has_mode(const struct reading *r, const void *context)
{
	return mode_fits(r, context);
}

static bool has_transport(const struct reading *r, const void *context)
{
	return r->mode == 0 || r->mode == MODE_TRANSPORT || mode_is_udp(r->mode);
}

const char *proposal_esp_reason(const struct config_ike *config, const struct isakmp_sa *offer,
	const struct esp_terms *terms)
{
	struct config_ike lax = *config;
	struct esp_choice choice;

	lax.legacy_modp1024 = lax.legacy_modp1536 = true;
	if (!offer_any(offer, esp_read, has_transport, NULL))
		return "the peer does not offer transport mode";
	if (!offer_any(offer, esp_read, has_mode, terms))
		return terms->udp ? "there is a NAT, and the peer does not offer UDP encapsulation"
				  : "the peer offers UDP encapsulation without NAT traversal";
	if (proposal_choose_esp(&lax, offer, terms, &choice) == 0)
		return "the peer wants perfect forward secrecy with a group that ike.legacy would "
		       "have to allow";
	return "no common algorithms";
}

struct word {
	uint64_t number;
	const char *word;
};

static const char *word_of(const struct word *words, uint64_t number)
{
	for (; words->word; words++)
		if (words->number == number)
			return words->word;
	return NULL;
}

static void text_word(struct text *t, const struct word *words, uint64_t number, const char *kind)
{
	const char *word = word_of(words, number);

	if (word)
		text_add(t, "%s", word);
	else
		text_add(t, "%s-%llu", kind, (unsigned long long)number);
}

static const struct word encryption_words[] = {{IKE_AES_CBC_128, "aes-cbc-128"},
	{IKE_AES_CBC_192, "aes-cbc-192"}, {IKE_AES_CBC_256, "aes-cbc-256"}, {IKE_3DES, "3des"},
	{0, NULL}};
static const struct word encryption_iana[] = {{1, "des"}, {2, "idea"}, {3, "blowfish"}, {4, "rc5"},
	{5, "3des"}, {6, "cast"}, {7, "aes-cbc"}, {8, "camellia"}, {0, NULL}};
static const struct word hash_words[] = {{1, "md5"}, {2, "sha1"}, {3, "tiger"}, {4, "sha256"},
	{5, "sha384"}, {6, "sha512"}, {0, NULL}};
static const struct word group_words[] = {{1, "modp-768"}, {2, "modp-1024"}, {5, "modp-1536"},
	{14, "modp-2048"}, {15, "modp-3072"}, {16, "modp-4096"}, {17, "modp-6144"},
	{18, "modp-8192"}, {19, "ecp-256"}, {20, "ecp-384"}, {21, "ecp-521"}, {22, "modp-1024-160"},
	{23, "modp-2048-224"}, {24, "modp-2048-256"}, {25, "ecp-192"}, {26, "ecp-224"},
	{31, "curve25519"}, {0, NULL}};
static const struct word auth_words[] = {{2, "dss"}, {3, "rsa"}, {4, "rsa-encryption"},
	{9, "ecdsa-256"}, {10, "ecdsa-384"}, {11, "ecdsa-521"}, {65001, "xauth-psk"},
	{65005, "xauth-rsa"}, {0, NULL}};
static const struct word esp_words[] = {{2, "des"}, {3, "3des"}, {6, "cast"}, {7, "blowfish"},
	{11, "null"}, {12, "aes-cbc"}, {13, "aes-ctr"}, {14, "aes-ccm-8"}, {15, "aes-ccm-12"},
	{16, "aes-ccm-16"}, {18, "aes-gcm-8"}, {19, "aes-gcm-12"}, {20, "aes-gcm"},
	{22, "camellia"}, {28, "chacha20-poly1305"}, {0, NULL}};
static const struct word integrity_words[] = {{1, "hmac-md5-96"}, {2, "hmac-sha1-96"},
	{5, "hmac-sha256-128"}, {6, "hmac-sha384-192"}, {7, "hmac-sha512-256"},
	{8, "hmac-ripemd-96"}, {9, "aes-xcbc"}, {0, NULL}};
static const struct word mode_words[] = {
	{0, "no mode"}, {1, "tunnel"}, {3, "udp-tunnel"}, {61443, "udp-tunnel"}, {0, NULL}};

const char *proposal_encryption_word(unsigned encryption)
{
	return word_of(encryption_words, encryption);
}

const char *proposal_hash_word(unsigned hash)
{
	return word_of(hash_words, hash);
}

const char *proposal_group_word(unsigned group)
{
	return word_of(group_words, group);
}

static void text_ike(struct text *t, const struct reading *r)
{
	text_word(t, encryption_iana, r->encryption, "encryption");
	if (r->key_bits)
		text_add(t, "-%llu", (unsigned long long)r->key_bits);
	text_add(t, "/");
	text_word(t, hash_words, r->hash, "hash");
	text_add(t, "/");
	text_word(t, group_words, r->group, "group");
	if (r->auth != IKE_AUTH_PSK) {
		text_add(t, "/");
		text_word(t, auth_words, r->auth, "auth");
	}
}

static void text_esp(struct text *t, const struct reading *r)
{
	text_word(t, esp_words, r->encryption, "cipher");
	if (r->key_bits)
		text_add(t, "-%llu", (unsigned long long)r->key_bits);
	if (r->auth) {
		text_add(t, "/");
		text_word(t, integrity_words, r->auth, "integrity");
	}
	if (r->group) {
		text_add(t, "/");
		text_word(t, group_words, r->group, "group");
	}
	if (r->esn)
		text_add(t, "/esn");
	if (mode_is_udp(r->mode) || r->mode == MODE_TRANSPORT)
		text_add(t, " %s", mode_is_udp(r->mode) ? "udp-transport" : "transport");
	else {
		text_add(t, " ");
		text_word(t, mode_words, r->mode, "mode");
	}
}

const char *proposal_ike_words(const struct isakmp_sa *offer, char *out)
{
	struct text t = {.out = out, .size = PROPOSAL_TEXT};

	out[0] = 0;
	for (size_t i = 0; i < offer->transform_count; i++) {
		struct reading r = ike_read(&offer->transforms[i]);

		text_add(&t, "%s", i ? ", " : "");
		text_ike(&t, &r);
	}
	return out;
}

static void text_proposal(
	struct text *t, const struct isakmp_sa *offer, const struct isakmp_proposal *p)
{
	for (size_t j = p->first; j < p->first + p->count; j++) {
		struct reading r = esp_read(&offer->transforms[j]);

		text_add(t, "%s", t->length ? ", " : "");
		if (p->protocol == ISAKMP_PROTO_ESP)
			text_esp(t, &r);
		else
			text_add(t, "%s", p->protocol == ISAKMP_PROTO_AH ? "ah" : "other");
	}
}

const char *proposal_esp_words(const struct isakmp_sa *offer, char *out)
{
	struct text t = {.out = out, .size = PROPOSAL_TEXT};

	out[0] = 0;
	for (size_t i = 0; i < offer->proposal_count; i++)
		text_proposal(&t, offer, &offer->proposals[i]);
	return out;
}

// The acceptable ones of numbers 0 to 63, best first, separated by spaces.
static void text_ranked(struct text *t, const struct config_ike *c,
	int (*rank)(const struct config_ike *, uint64_t), const struct word *words)
{
	size_t start = t->length;

	for (int place = 0; place <= CONFIG_OFFERS; place++)
		for (uint64_t v = 1; v < CONFIG_OFFERS; v++)
			if (rank(c, v) == place)
				text_add(t, "%s%s", t->length > start ? " " : "",
					word_of(words, v) ? word_of(words, v) : "?");
}

const char *proposal_ike_ours(const struct config_ike *config, char *out)
{
	struct text t = {.out = out, .size = PROPOSAL_TEXT};

	out[0] = 0;
	text_ranked(&t, config, encryption_rank, encryption_words);
	text_add(&t, " / ");
	text_ranked(&t, config, hash_rank, hash_words);
	text_add(&t, " / ");
	text_ranked(&t, config, group_rank, group_words);
	return out;
}

const char *proposal_esp_ours(const struct config_ike *config, char *out)
{
	struct text t = {.out = out, .size = PROPOSAL_TEXT};

	out[0] = 0;
	for (int i = 0; i < config->esp_cipher.count; i++) {
		const struct esp_cipher_shape *s = esp_cipher_shape(config->esp_cipher.values[i]);

		text_add(&t, "%s%s", i ? " " : "", s ? s->name : "?");
	}
	text_add(&t, " /");
	for (int i = 0; i < config->esp_integrity.count; i++) {
		const struct esp_integrity_shape *s =
			esp_integrity_shape(config->esp_integrity.values[i]);

		text_add(&t, " %s", s ? s->name : "?");
	}
	if (config->esp_extended_sequence)
		text_add(&t, " / esn");
	return out;
}
