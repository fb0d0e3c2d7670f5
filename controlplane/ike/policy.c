// SPDX-License-Identifier: Apache-2.0

// Who uses which algorithms, and who could not connect any more if some were forbidden: the real
// choice of the peer's version is made once more from what the peer offered last, with a config in
// which these are missing. Both are told by struct ike_* of ike.h. Nothing is changed by it.

#include "policy.h"

#include "pair.h"
#include "peer.h"

#include <stdio.h>

static const char *or_unknown(const char *word)
{
	return word ? word : "unknown";
}

static const struct esp_form *form_of(const struct ike_peer *peer)
{
	const struct esp_pair *pair = peer->current ? pair_find(peer->ike, peer->current) : NULL;

	return pair ? &pair->form : NULL;
}

const char *policy_ike_words(
	char out[POLICY_TEXT], unsigned encryption, unsigned hash, unsigned group)
{
	snprintf(out, POLICY_TEXT, "%s/%s/%s", ike_encryption_word(encryption), ike_hash_word(hash),
		ike_group_word(group));
	return out;
}

const char *policy_esp_words(char out[POLICY_TEXT], const struct esp_form *form)
{
	const struct esp_cipher_shape *cipher = esp_cipher_shape(form->cipher);
	const struct esp_integrity_shape *integrity = esp_integrity_shape(form->integrity);
	bool both = integrity && form->integrity != ESP_INTEGRITY_NONE;

	snprintf(out, POLICY_TEXT, "%s%s%s", cipher ? cipher->name : "?", both ? "/" : "",
		both ? integrity->name : "");
	return out;
}

void ike_each_use(const struct ike *ike, void (*each)(void *context, const struct ike_use *use),
	void *context)
{
	for (uint32_t i = 0; i < ike->peers.size; i++) {
		const struct ike_peer *peer = slots_at(&ike->peers, i);
		const struct esp_form *form = peer ? form_of(peer) : NULL;

		if (!peer || !peer->version)
			continue;
		struct ike_use use = {.peer = peer->id,
			.version = peer->version->number,
			.auth = or_unknown(peer->auth),
			.encryption = ike_encryption_word(peer->encryption),
			.hash = ike_hash_word(peer->hash),
			.group = ike_group_word(peer->group),
			.cipher = form ? esp_cipher_shape(form->cipher)->name : NULL,
			.integrity = form && form->integrity
					     ? esp_integrity_shape(form->integrity)->name
					     : NULL};

		each(context, &use);
	}
}

// The choice of one kind: what it would be then, or why there is none.
struct trial {
	bool known, good;
	struct policy_choice choice;
};

static void try_ike(const struct ike_peer *peer, const struct config_ike *config, struct trial *t)
{
	t->known = peer->offer && peer->version->choose_ike;
	t->good = t->known && peer->version->choose_ike(config,
				      SPAN(peer->offer->bytes, peer->offer->length), &t->choice);
}

static void try_esp(const struct ike_peer *peer, const struct config_ike *config, struct trial *t)
{
	t->known = peer->esp_offer && peer->version->choose_esp;
	t->good = t->known && peer->version->choose_esp(config,
				      SPAN(peer->esp_offer->bytes, peer->esp_offer->length),
				      peer->esp_terms, &t->choice);
}

// Why it could not connect, apart from its offers; NULL when there is no such reason.
static const char *plain_reason(const struct ike_peer *peer, const struct forbidden *f)
{
	if (f->version[peer->version->number])
		return "that version of IKE is forbidden";
	if (forbidden_auth(f, peer->auth))
		return "that way to prove who it is is forbidden";
	return NULL;
}

static void judge(const struct ike_peer *peer, const struct forbidden *f,
	const struct config_ike *config, struct ike_check *out)
{
	static struct trial ike, esp; // long texts
	const struct esp_form *form = form_of(peer);

	try_ike(peer, config, &ike);
	try_esp(peer, config, &esp);
	(void)policy_ike_words(out->ike_now, peer->encryption, peer->hash, peer->group);
	if (form)
		(void)policy_esp_words(out->esp_now, form);
	out->reason = plain_reason(peer, f);
	if (!out->reason && ike.known && !ike.good)
		out->reason = "none of the algorithms that it offers for the IKE SA is left";
	if (!out->reason && esp.known && !esp.good)
		out->reason = "none of the algorithms that it offers for ESP is left";
	out->ike_then = ike.good ? ike.choice.words : NULL;
	out->esp_then = esp.good ? esp.choice.words : NULL;
	out->ike_offered = ike.known && !ike.good ? ike.choice.offered : NULL;
	out->esp_offered = esp.known && !esp.good ? esp.choice.offered : NULL;
	if (out->reason)
		out->verdict = IKE_CHECK_FAILS;
	else if (!ike.known || (form && !esp.known))
		out->verdict = IKE_CHECK_UNKNOWN;
	else if (strcmp(out->ike_now, ike.choice.words) != 0 ||
		 (form && strcmp(out->esp_now, esp.choice.words) != 0))
		out->verdict = IKE_CHECK_CHANGES;
	else
		out->verdict = IKE_CHECK_STAYS;
}

void ike_check_each(const struct ike *ike, const struct forbidden *forbidden,
	void (*each)(void *context, const struct ike_check *check), void *context)
{
	struct config_ike config = ike->config->ike;

	forbidden_apply(forbidden, &config);
	for (uint32_t i = 0; i < ike->peers.size; i++) {
		const struct ike_peer *peer = slots_at(&ike->peers, i);
		struct ike_check check = {0};

		if (!peer || !peer->version)
			continue;
		check.peer = peer->id;
		check.flow = peer->flow;
		check.identity = peer->identity_text;
		check.version = peer->version->number;
		check.auth = or_unknown(peer->auth);
		judge(peer, forbidden, &config, &check);
		each(context, &check);
	}
}

void ike_each_psk(const struct ike *ike,
	void (*each)(void *context, const struct ike_psk_info *info), void *context)
{
	uint64_t now = timers_now(ike->timers);

	for (uint32_t place = 0; place < ike->config->psk_count; place++) {
		struct psk_use use = psks_use(ike->psks, place);
		struct ike_psk_info info = {.place = place,
			.config = &ike->config->psks[place],
			.count = use.count,
			.last_ms = use.count ? now - use.last_ms : 0};

		for (uint32_t i = 0; i < ike->peers.size; i++) {
			const struct ike_peer *peer = slots_at(&ike->peers, i);

			info.peers += peer && peer->psk == place + 1;
		}
		each(context, &info);
	}
}
