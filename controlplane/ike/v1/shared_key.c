// SPDX-License-Identifier: Apache-2.0

// See shared_key.h.

#include "shared_key.h"

#include "phase1.h"
#include "sealed.h"

#include <errno.h>
#include <openssl/crypto.h>

static struct span secret_of(const struct ike_sa *sa, size_t n)
{
	return psks_secret(sa->ike->psks, sa->v1.phase1->psks.places[n]);
}

int shared_key_begin(struct ike_sa *sa, struct span secret)
{
	struct phase1 *p = sa->v1.phase1;

	psks_find(sa->ike->psks, &sa->flow.remote, NULL, &p->psks);
	if (p->psks.count == 0)
		return -ENOENT;
	if (p->psks.count == 1)
		return phase1_derive(sa, secret_of(sa, 0), secret, &sa->v1.keys);
	memcpy(p->secret, secret.at, secret.length);
	return 0;
}

// What one key made of the message.
enum trial { TRIAL_MISMATCH, TRIAL_IDENTITY, TRIAL_GOOD };

static enum trial try(struct ike_sa *sa, uint32_t place, struct ike_keys *keys,
	const struct isakmp_header *h, const uint8_t *message, uint8_t *plain,
	struct isakmp_chain *chain)
{
	struct identity id;

	if (sealed_open_with(sa, keys, keys->iv, h, message, plain, chain) ||
		!phase1_hash_fits(sa, keys, chain))
		return TRIAL_MISMATCH;
	phase1_identity(isakmp_chain_find(chain, ISAKMP_ID, 0)->body, &id);
	return psks_fits(sa->ike->psks, place, &sa->flow.remote, &id) ? TRIAL_GOOD : TRIAL_IDENTITY;
}

static enum trial try_nth(struct ike_sa *sa, size_t n, struct ike_keys *keys,
	const struct isakmp_header *h, const uint8_t *message, uint8_t *plain,
	struct isakmp_chain *chain)
{
	const struct phase1 *p = sa->v1.phase1;
	struct span secret = SPAN(p->secret, ike_group_secret_size(sa->group));

	if (p->psks.count == 1)
		*keys = sa->v1.keys;
	else if (phase1_derive(sa, secret_of(sa, n), secret, keys))
		return TRIAL_MISMATCH;
	return try(sa, p->psks.places[n], keys, h, message, plain, chain);
}

const char *shared_key_open(struct ike_sa *sa, const struct isakmp_header *h,
	const uint8_t *message, uint8_t *plain, struct isakmp_chain *chain)
{
	const struct psk_list *list = &sa->v1.phase1->psks;
	size_t winner = list->count;
	bool other_identity = false;
	struct ike_keys keys;

	for (size_t n = 0; n < list->count; n++) {
		enum trial trial = try_nth(sa, n, &keys, h, message, plain, chain);

		other_identity |= trial == TRIAL_IDENTITY;
		if (trial == TRIAL_GOOD && winner == list->count)
			winner = n;
	}
	// Those behind it have made something else of plain.
	if (winner + 1 < list->count)
		(void)try_nth(sa, winner, &keys, h, message, plain, chain);
	if (winner < list->count) {
		sa->v1.keys = keys;
		sa->auth = "psk";
		sa->psk = list->places[winner] + 1;
	}
	ike_keys_wipe(&keys);
	if (winner < list->count)
		return NULL;
	if (other_identity)
		return "the pre-shared key is not the one for this identity";
	return list->cut ? "pre-shared key mismatch; more keys fit the address than are tried"
			 : "pre-shared key mismatch";
}
