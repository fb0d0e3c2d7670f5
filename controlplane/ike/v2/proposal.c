// SPDX-License-Identifier: Apache-2.0

// See proposal.h. A proposal is first sorted by what its transforms mean to us, in one pass, so
// that a peer cannot make us try all combinations of what it repeats; then weighed. Words for the
// log are in proposal_words.c.

#include "proposal.h"

#include "contract/view.h"

#include <errno.h>
#include <string.h>

enum {
	REFUSED = -1,
	ENCRYPTIONS = IKE_CHACHA20_POLY1305 + 1,
	HASHES = IKE_SHA512 + 1,
	ADDITIONAL_FIRST = 6, // additional key exchanges (RFC 9370 section 2.2.1)
	ADDITIONAL_LAST = 12,
	ADDITIONAL_NONE = 0,
	TYPES = ADDITIONAL_LAST + 1,
	SPI_MIN = 256, // RFC 4303 section 2.1
	SPI_ESP = 4,
};

// Which transform of a proposal is what; NULL where it does not offer it.
struct offered {
	const struct v2_transform *encryption[ENCRYPTIONS]; // enum ike_encryption
	const struct v2_transform *cipher[ESP_CIPHER_COUNT];
	const struct v2_transform *prf[HASHES];                    // enum ike_hash
	const struct v2_transform *mac[HASHES];                    // INTEG, by its hash
	const struct v2_transform *integrity[ESP_INTEGRITY_COUNT]; // INTEG, of ESP; NONE too
	const struct v2_transform *esn[2];
	const struct v2_transform *group;       // the best one
	const struct v2_transform *none[TYPES]; // id 0 of that type
	int group_rank;
	bool has[TYPES]; // the type is there at all, usable or not
	bool strange;    // a type that we do not know
};

static unsigned encryption_of(const struct v2_transform *t)
{
	static const struct {
		uint16_t id, bits;
		unsigned encryption;
	} all[] = {{V2_ENCR_3DES, 0, IKE_3DES}, {V2_ENCR_AES_CBC, 128, IKE_AES_CBC_128},
		{V2_ENCR_AES_CBC, 192, IKE_AES_CBC_192}, {V2_ENCR_AES_CBC, 256, IKE_AES_CBC_256},
		{V2_ENCR_AES_GCM_16, 128, IKE_AES_GCM_128},
		{V2_ENCR_AES_GCM_16, 256, IKE_AES_GCM_256},
		{V2_ENCR_CHACHA20_POLY1305, 0, IKE_CHACHA20_POLY1305}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].id == t->id && all[i].bits == t->key_bits)
			return all[i].encryption;
	return 0;
}

static enum esp_cipher cipher_of(unsigned encryption)
{
	static const enum esp_cipher ciphers[ENCRYPTIONS] = {[IKE_3DES] = ESP_CIPHER_3DES,
		[IKE_AES_CBC_128] = ESP_CIPHER_AES_CBC_128,
		[IKE_AES_CBC_192] = ESP_CIPHER_AES_CBC_192,
		[IKE_AES_CBC_256] = ESP_CIPHER_AES_CBC_256,
		[IKE_AES_GCM_128] = ESP_CIPHER_AES_GCM_128,
		[IKE_AES_GCM_256] = ESP_CIPHER_AES_GCM_256,
		[IKE_CHACHA20_POLY1305] = ESP_CIPHER_CHACHA20_POLY1305};

	return ciphers[encryption];
}

// The PRF with this hash, 0 for MD5's and SHA-1's place in between.
static const uint16_t prf_ids[HASHES] = {[IKE_MD5] = V2_PRF_HMAC_MD5,
	[IKE_SHA1] = V2_PRF_HMAC_SHA1,
	[IKE_SHA256] = V2_PRF_HMAC_SHA256,
	[IKE_SHA384] = V2_PRF_HMAC_SHA384,
	[IKE_SHA512] = V2_PRF_HMAC_SHA512};
static const uint16_t mac_ids[HASHES] = {[IKE_MD5] = V2_INTEG_HMAC_MD5_96,
	[IKE_SHA1] = V2_INTEG_HMAC_SHA1_96,
	[IKE_SHA256] = V2_INTEG_HMAC_SHA256_128,
	[IKE_SHA384] = V2_INTEG_HMAC_SHA384_192,
	[IKE_SHA512] = V2_INTEG_HMAC_SHA512_256};
static const uint16_t integrity_ids[ESP_INTEGRITY_COUNT] = {
	[ESP_INTEGRITY_HMAC_SHA1_96] = V2_INTEG_HMAC_SHA1_96,
	[ESP_INTEGRITY_HMAC_SHA256_128] = V2_INTEG_HMAC_SHA256_128,
	[ESP_INTEGRITY_HMAC_SHA384_192] = V2_INTEG_HMAC_SHA384_192,
	[ESP_INTEGRITY_HMAC_SHA512_256] = V2_INTEG_HMAC_SHA512_256};

// Where the number stands in a table of ids; 0 when it does not.
static unsigned index_of(const uint16_t *ids, unsigned count, uint16_t id)
{
	for (unsigned i = 1; i < count; i++)
		if (ids[i] && ids[i] == id)
			return i;
	return 0;
}

// Where the value stands in our order; a legacy one that is allowed but not listed comes last.
static int rank_of(const struct config_list *list, unsigned value, bool legacy, bool allowed)
{
	if (value == 0 || (legacy && !allowed))
		return REFUSED;
	for (int i = 0; i < list->count; i++)
		if (list->values[i] == value)
			return i;
	return legacy ? list->count : REFUSED;
}

static bool group_is_legacy(unsigned group)
{
	return group == IKE_MODP_1024 || group == IKE_MODP_1536;
}

static int encryption_rank(const struct config_ike *c, unsigned v)
{
	return rank_of(&c->encryption, v, v == IKE_3DES, c->legacy_3des);
}

static int hash_rank(const struct config_ike *c, unsigned v)
{
	return rank_of(&c->hash, v, v == IKE_MD5, c->legacy_md5);
}

// The legacy ones come behind all others, wherever they are listed.
static int group_rank(const struct config_ike *c, unsigned v)
{
	bool allowed = v == IKE_MODP_1024 ? c->legacy_modp1024 : c->legacy_modp1536;
	int rank = rank_of(&c->group, v, group_is_legacy(v), allowed);

	return rank >= 0 && group_is_legacy(v) ? rank + CONFIG_OFFERS : rank;
}

static void keep(const struct v2_transform **place, const struct v2_transform *t)
{
	if (!*place)
		*place = t;
}

static void sort_group(
	const struct config_ike *c, const struct v2_transform *t, struct offered *out)
{
	int rank = group_rank(c, t->id);

	if (rank < 0 || (out->group && rank >= out->group_rank))
		return;
	out->group = t;
	out->group_rank = rank;
}

static void sort_one(const struct config_ike *c, const struct v2_transform *t, struct offered *out)
{
	unsigned e;

	if (t->id == 0 && t->type != V2_ENCR)
		keep(&out->none[t->type], t);
	// The key length says nothing where the key has one length.
	if (t->type != V2_ENCR && t->key_bits)
		return;
	switch (t->type) {
	case V2_ENCR:
		e = encryption_of(t);
		keep(&out->encryption[e], t);
		keep(&out->cipher[cipher_of(e)], t);
		break;
	case V2_PRF:
		keep(&out->prf[index_of(prf_ids, HASHES, t->id)], t);
		break;
	case V2_INTEG:
		keep(&out->mac[index_of(mac_ids, HASHES, t->id)], t);
		keep(&out->integrity[index_of(integrity_ids, ESP_INTEGRITY_COUNT, t->id)], t);
		break;
	case V2_DH:
		sort_group(c, t, out);
		break;
	case V2_ESN:
		if (t->id <= V2_ESN_YES)
			keep(&out->esn[t->id], t);
		break;
	}
}

static void sort(const struct config_ike *c, const struct v2_sa *offer,
	const struct isakmp_proposal *p, struct offered *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = p->first; i < p->first + p->count; i++) {
		const struct v2_transform *t = &offer->transforms[i];

		if (t->type == 0 || t->type >= TYPES) {
			out->strange = true;
			continue;
		}
		out->has[t->type] = true;
		if (t->usable)
			sort_one(c, t, out);
	}
}

static void take(struct v2_choice *out, const struct v2_transform *t)
{
	if (t)
		out->transforms[out->count++] = *t;
}

static void choice_begin(struct v2_choice *out, const struct isakmp_proposal *p)
{
	*out = (struct v2_choice){.number = p->number, .protocol = p->protocol, .spi = p->spi};
}

// What we have no use for must be offered as "none", and is then echoed.
static bool take_additional(struct v2_choice *out, const struct offered *o)
{
	for (unsigned type = ADDITIONAL_FIRST; type <= ADDITIONAL_LAST; type++) {
		if (o->has[type] && !o->none[type])
			return false;
		take(out, o->none[type]);
	}
	return true;
}

// Does INTEG fit an AEAD: not there, or "none" is among it (section 3.3)?
static bool integ_spared(const struct offered *o)
{
	return !o->has[V2_INTEG] || o->none[V2_INTEG];
}

// The best cipher and hash that go together; the weight, lower is better, or REFUSED.
static int ike_weigh(const struct config_ike *c, const struct offered *o, struct v2_suite *out)
{
	int best = REFUSED;

	for (unsigned e = 1; e < ENCRYPTIONS; e++)
		for (unsigned h = 1; h < HASHES; h++) {
			int encryption = encryption_rank(c, e), hash = hash_rank(c, h);
			bool aead = ike_encryption_is_aead(e);
			int weight;

			if (encryption < 0 || hash < 0 || !o->encryption[e] || !o->prf[h] ||
				!(aead ? integ_spared(o) : o->mac[h] != NULL))
				continue;
			weight = ((e == IKE_3DES) + (h == IKE_MD5) +
					 (o->group && group_is_legacy(o->group->id)))
				 << 24;
			weight += encryption << 16 | hash << 8 | o->group_rank;
			if (best != REFUSED && weight >= best)
				continue;
			best = weight;
			*out = (struct v2_suite){e, h, o->group ? o->group->id : 0};
		}
	return best;
}

static void ike_take(const struct isakmp_proposal *p, const struct offered *o,
	const struct v2_suite *suite, struct v2_ike_choice *out)
{
	bool aead = ike_encryption_is_aead(suite->encryption);

	choice_begin(&out->echo, p);
	out->suite = *suite;
	take(&out->echo, o->encryption[suite->encryption]);
	take(&out->echo, o->prf[suite->hash]);
	take(&out->echo, aead ? o->none[V2_INTEG] : o->mac[suite->hash]);
	take(&out->echo, o->group);
	(void)take_additional(&out->echo, o);
}

static bool additional_spared(const struct offered *o)
{
	struct v2_choice unused = {0};

	return !o->strange && take_additional(&unused, o);
}

int v2_choose_ike(const struct config_ike *config, const struct v2_sa *offer, bool rekey,
	struct v2_ike_choice *out)
{
	int best = REFUSED;

	for (size_t i = 0; i < offer->proposal_count; i++) {
		const struct isakmp_proposal *p = &offer->proposals[i];
		struct v2_suite suite;
		struct offered o;
		int weight;

		sort(config, offer, p, &o);
		weight = ike_weigh(config, &o, &suite);
		if (p->protocol != V2_PROTO_IKE || p->spi.length != (rekey ? V2_SPI : 0) ||
			weight == REFUSED || !o.group || o.has[V2_ESN] || !additional_spared(&o) ||
			(best != REFUSED && weight >= best))
			continue;
		best = weight;
		ike_take(p, &o, &suite, out);
	}
	return best == REFUSED ? -ENOENT : 0;
}

// For ESP, 3DES is allowed only where both lists name it.
static int cipher_rank(const struct config_ike *c, unsigned cipher)
{
	if (cipher == ESP_CIPHER_3DES && !c->legacy_3des)
		return REFUSED;
	return rank_of(&c->esp_cipher, cipher, false, false);
}

static int esp_weigh(const struct config_ike *c, const struct offered *o, struct esp_form *out)
{
	int best = REFUSED;

	for (unsigned e = 1; e < ESP_CIPHER_COUNT; e++)
		for (unsigned n = 0; n < ESP_INTEGRITY_COUNT; n++) {
			bool aead = esp_cipher_shape(e)->icv > 0;
			int cipher = cipher_rank(c, e);
			int integrity = aead ? 0 : rank_of(&c->esp_integrity, n, false, false);
			int weight;

			if (cipher < 0 || integrity < 0 || !o->cipher[e] ||
				(aead ? n != ESP_INTEGRITY_NONE || !integ_spared(o)
				      : !o->integrity[n]))
				continue;
			weight = cipher << 8 | integrity;
			if (best != REFUSED && weight >= best)
				continue;
			best = weight;
			*out = (struct esp_form){.cipher = e, .integrity = n};
		}
	return best;
}

// The transform of the group to be used, or NULL for none; *fits says whether that is possible.
static const struct v2_transform *pfs_of(const struct config_ike *c, const struct v2_sa *offer,
	const struct isakmp_proposal *p, const struct offered *o, const struct v2_esp_terms *terms,
	bool *fits)
{
	*fits = true;
	if (terms->first || !o->has[V2_DH] || (o->none[V2_DH] && terms->ke_group == 0))
		return NULL;
	// The group that is there already spares a round trip.
	for (size_t i = p->first; i < p->first + p->count; i++) {
		const struct v2_transform *t = &offer->transforms[i];

		if (t->type == V2_DH && t->usable && t->id && t->id == terms->ke_group &&
			group_rank(c, t->id) >= 0)
			return t;
	}
	*fits = o->group || o->none[V2_DH];
	return o->group;
}

// 64-bit sequence numbers where we agree to them; they need a window (RFC 4303 section 3.3.3). An
// offer without a word of it means 32 bits.
static bool esn_choose(const struct config_ike *c, const struct offered *o, bool *esn)
{
	*esn = o->esn[V2_ESN_YES] && c->esp_extended_sequence && c->replay_window > 0;
	return *esn || o->esn[V2_ESN_NO] || !o->has[V2_ESN];
}

static bool spi_is_esp(struct span spi)
{
	struct view v = view_of(spi.at, spi.length);

	return spi.length == SPI_ESP && view_u32(&v) >= SPI_MIN;
}

static void esp_take(const struct isakmp_proposal *p, const struct offered *o,
	const struct esp_form *form, const struct v2_transform *group, bool first,
	struct v2_esp_choice *out)
{
	struct view spi = view_of(p->spi.at, p->spi.length);

	choice_begin(&out->echo, p);
	out->form = *form;
	out->form.spi_out = view_u32(&spi);
	out->group = group ? group->id : 0;
	take(&out->echo, o->cipher[form->cipher]);
	take(&out->echo, form->integrity ? o->integrity[form->integrity] : o->none[V2_INTEG]);
	if (!first)
		take(&out->echo, group ? group : o->none[V2_DH]);
	take(&out->echo, o->esn[form->esn]);
	(void)take_additional(&out->echo, o);
}

int v2_choose_esp(const struct config_ike *config, const struct v2_sa *offer,
	const struct v2_esp_terms *terms, struct v2_esp_choice *out)
{
	int best = REFUSED;

	for (size_t i = 0; i < offer->proposal_count; i++) {
		const struct isakmp_proposal *p = &offer->proposals[i];
		const struct v2_transform *group;
		struct esp_form form = {0};
		struct offered o;
		bool fits;
		int weight;

		sort(config, offer, p, &o);
		weight = esp_weigh(config, &o, &form);
		group = pfs_of(config, offer, p, &o, terms, &fits);
		if (p->protocol != V2_PROTO_ESP || !spi_is_esp(p->spi) || weight == REFUSED ||
			!fits || o.has[V2_PRF] || !esn_choose(config, &o, &form.esn) ||
			!additional_spared(&o) || (best != REFUSED && weight >= best))
			continue;
		best = weight;
		esp_take(p, &o, &form, group, terms->first, out);
	}
	return best == REFUSED ? -ENOENT : 0;
}

void v2_choice_put(struct isakmp_out *o, const struct v2_choice *choice, struct span spi)
{
	const struct v2_proposal_out p = {.number = choice->number,
		.protocol = choice->protocol,
		.spi = spi,
		.transforms = choice->transforms,
		.count = choice->count};

	v2_put_sa(o, &p, 1);
}

static void ours_add(struct v2_choice *out, uint8_t type, uint16_t id, uint16_t key_bits)
{
	out->transforms[out->count++] =
		(struct v2_transform){.type = type, .usable = true, .id = id, .key_bits = key_bits};
}

static void ours_encr(struct v2_choice *out, unsigned encryption)
{
	static const struct {
		uint16_t id, bits;
	} all[ENCRYPTIONS] = {[IKE_3DES] = {V2_ENCR_3DES, 0},
		[IKE_AES_CBC_128] = {V2_ENCR_AES_CBC, 128},
		[IKE_AES_CBC_192] = {V2_ENCR_AES_CBC, 192},
		[IKE_AES_CBC_256] = {V2_ENCR_AES_CBC, 256},
		[IKE_AES_GCM_128] = {V2_ENCR_AES_GCM_16, 128},
		[IKE_AES_GCM_256] = {V2_ENCR_AES_GCM_16, 256},
		[IKE_CHACHA20_POLY1305] = {V2_ENCR_CHACHA20_POLY1305, 0}};

	ours_add(out, V2_ENCR, all[encryption].id, all[encryption].bits);
}

static struct v2_choice ours_ike(const struct v2_suite *suite)
{
	struct v2_choice out = {.number = 1, .protocol = V2_PROTO_IKE};

	ours_encr(&out, suite->encryption);
	ours_add(&out, V2_PRF, prf_ids[suite->hash], 0);
	if (!ike_encryption_is_aead(suite->encryption))
		ours_add(&out, V2_INTEG, mac_ids[suite->hash], 0);
	ours_add(&out, V2_DH, suite->group, 0);
	return out;
}

static struct v2_choice ours_esp(const struct esp_form *form, unsigned group)
{
	struct v2_choice out = {.number = 1, .protocol = V2_PROTO_ESP};

	for (unsigned e = 1; e < ENCRYPTIONS; e++)
		if (cipher_of(e) == form->cipher)
			ours_encr(&out, e);
	if (form->integrity)
		ours_add(&out, V2_INTEG, integrity_ids[form->integrity], 0);
	if (group)
		ours_add(&out, V2_DH, group, 0);
	ours_add(&out, V2_ESN, form->esn ? V2_ESN_YES : V2_ESN_NO, 0);
	return out;
}

void v2_offer_ike(struct isakmp_out *o, const struct v2_suite *suite, struct span spi)
{
	struct v2_choice ours = ours_ike(suite);

	v2_choice_put(o, &ours, spi);
}

void v2_offer_esp(
	struct isakmp_out *o, const struct esp_form *form, unsigned group, struct span spi)
{
	struct v2_choice ours = ours_esp(form, group);

	v2_choice_put(o, &ours, spi);
}

// Is that one of ours? "none" of INTEG and DH says the same as leaving it out.
static bool answer_fits(const struct v2_transform *t, const struct v2_choice *ours, unsigned *seen)
{
	for (size_t i = 0; i < ours->count; i++)
		if (t->usable && t->type == ours->transforms[i].type &&
			t->id == ours->transforms[i].id &&
			t->key_bits == ours->transforms[i].key_bits && !(*seen & 1u << i)) {
			*seen |= 1u << i;
			return true;
		}
	return t->usable && t->id == 0 && (t->type == V2_INTEG || t->type == V2_DH);
}

static int answer_is(
	const struct v2_sa *answer, const struct v2_choice *ours, size_t spi_size, struct span *spi)
{
	const struct isakmp_proposal *p = &answer->proposals[0];
	unsigned seen = 0;

	if (answer->proposal_count != 1 || p->protocol != ours->protocol ||
		p->spi.length != spi_size)
		return -ENOENT;
	for (size_t i = 0; i < p->count; i++)
		if (!answer_fits(&answer->transforms[i], ours, &seen))
			return -ENOENT;
	*spi = p->spi;
	return seen == (1u << ours->count) - 1 ? 0 : -ENOENT;
}

int v2_answer_ike(const struct v2_sa *answer, const struct v2_suite *suite, struct span *spi)
{
	struct v2_choice ours = ours_ike(suite);

	return answer_is(answer, &ours, V2_SPI, spi);
}

int v2_answer_esp(
	const struct v2_sa *answer, const struct esp_form *form, unsigned group, struct span *spi)
{
	struct v2_choice ours = ours_esp(form, group);

	return answer_is(answer, &ours, SPI_ESP, spi);
}

// Whether a proposal of that protocol has something that has() likes.
static bool offer_any(const struct config_ike *c, const struct v2_sa *offer, uint8_t protocol,
	bool (*has)(const struct config_ike *c, const struct offered *o))
{
	for (size_t i = 0; i < offer->proposal_count; i++) {
		struct offered o;

		sort(c, offer, &offer->proposals[i], &o);
		if (offer->proposals[i].protocol == protocol && has(c, &o))
			return true;
	}
	return false;
}

static bool has_encryption(const struct config_ike *c, const struct offered *o)
{
	for (unsigned e = 1; e < ENCRYPTIONS; e++)
		if (o->encryption[e] && encryption_rank(c, e) >= 0)
			return true;
	return false;
}

static bool has_hash(const struct config_ike *c, const struct offered *o)
{
	for (unsigned h = 1; h < HASHES; h++)
		if (o->prf[h] && hash_rank(c, h) >= 0)
			return true;
	return false;
}

static bool has_group(const struct config_ike *c, const struct offered *o)
{
	return o->group;
}

static bool has_cipher(const struct config_ike *c, const struct offered *o)
{
	for (unsigned e = 1; e < ESP_CIPHER_COUNT; e++)
		if (o->cipher[e] && cipher_rank(c, e) >= 0)
			return true;
	return false;
}

static bool has_anything(const struct config_ike *c, const struct offered *o)
{
	return true;
}

static struct config_ike lax_of(const struct config_ike *config)
{
	struct config_ike lax = *config;

	lax.legacy_3des = lax.legacy_md5 = lax.legacy_modp1024 = lax.legacy_modp1536 = true;
	return lax;
}

const char *v2_ike_reason(const struct config_ike *config, const struct v2_sa *offer)
{
	struct config_ike lax = lax_of(config);
	struct v2_ike_choice choice;

	if (v2_choose_ike(&lax, offer, false, &choice) == 0 ||
		v2_choose_ike(&lax, offer, true, &choice) == 0)
		return "the peer offers only what ike.legacy would have to allow";
	if (!offer_any(config, offer, V2_PROTO_IKE, has_anything))
		return "the peer offers nothing for an IKE SA";
	if (!offer_any(config, offer, V2_PROTO_IKE, has_encryption))
		return "no common encryption algorithm";
	if (!offer_any(config, offer, V2_PROTO_IKE, has_hash))
		return "no common hash algorithm";
	if (!offer_any(config, offer, V2_PROTO_IKE, has_group))
		return "no common Diffie-Hellman group";
	return "no common combination of algorithms";
}

const char *v2_esp_reason(const struct config_ike *config, const struct v2_sa *offer,
	const struct v2_esp_terms *terms)
{
	struct config_ike lax = lax_of(config);
	struct v2_esp_choice choice;

	if (v2_choose_esp(&lax, offer, terms, &choice) == 0)
		return "the peer offers only what ike.legacy would have to allow";
	if (!offer_any(config, offer, V2_PROTO_ESP, has_anything))
		return "the peer does not offer ESP";
	if (!offer_any(config, offer, V2_PROTO_ESP, has_cipher))
		return "no common cipher";
	lax.esp_extended_sequence = true;
	lax.replay_window = lax.replay_window ? lax.replay_window : 32;
	if (v2_choose_esp(&lax, offer, terms, &choice) == 0)
		return "the peer offers 64-bit sequence numbers alone";
	return "no common combination of algorithms";
}
