// SPDX-License-Identifier: Apache-2.0

// See psk.h.

#include "psk.h"

#include "controlplane/log.h"

#include <stdlib.h>

struct key {
	struct identity *identity; // NULL = any
	bool nobody;               // its identity makes no sense
	struct psk_use use;
};

struct psks {
	const struct config *config;
	struct key *keys; // as many as the config has, in its order
};

static int key_init(struct key *key, const struct config_psk *psk, uint32_t place)
{
	if (!psk->identity[0])
		return 0;
	key->identity = malloc(sizeof(*key->identity));
	if (!key->identity)
		return -1;
	if (identity_parse(key->identity, psk->identity)) {
		key->nobody = true;
		log_event(LOG_PSK_UNUSABLE, NULL, "s:i, s:s", "psk", (int)place, "identity",
			psk->identity);
	}
	return 0;
}

struct psks *psks_create(const struct config *config)
{
	struct psks *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->config = config;
	p->keys = calloc(config->psk_count + 1, sizeof(*p->keys));
	for (uint32_t i = 0; p->keys && i < config->psk_count; i++)
		if (key_init(&p->keys[i], &config->psks[i], i)) {
			psks_free(p);
			return NULL;
		}
	if (p->keys)
		return p;
	psks_free(p);
	return NULL;
}

void psks_free(struct psks *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->keys && i < p->config->psk_count; i++)
		free(p->keys[i].identity);
	free(p->keys);
	free(p);
}

static bool fits_address(const struct psks *p, uint32_t place, const struct ip_address *remote)
{
	const struct ip_prefix *peer = &p->config->psks[place].peer;

	return !p->keys[place].nobody && (peer->length == 0 || prefix_contains(peer, remote));
}

bool psks_any(const struct psks *p, const struct ip_address *remote)
{
	for (uint32_t i = 0; i < p->config->psk_count; i++)
		if (fits_address(p, i, remote))
			return true;
	return false;
}

enum { RANK_NAMED = 1 << 8, RANK_NONE = -1 };

// The greater fits better; what is equal fits alike.
static int rank(const struct psks *p, uint32_t place)
{
	return (p->keys[place].identity ? RANK_NAMED : 0) | p->config->psks[place].peer.length;
}

static bool may_fit(const struct psks *p, uint32_t place, const struct ip_address *remote,
	const struct identity *id)
{
	const struct identity *named = p->keys[place].identity;

	return fits_address(p, place, remote) && (!named || !id || identity_equal(named, id));
}

// The best rank that there is; of keys that name no identity alone while it is not known.
static int rank_best(
	const struct psks *p, const struct ip_address *remote, const struct identity *id)
{
	int best = RANK_NONE;

	for (uint32_t i = 0; i < p->config->psk_count; i++)
		if (rank(p, i) > best && (id || !p->keys[i].identity) && may_fit(p, i, remote, id))
			best = rank(p, i);
	return best;
}

bool psks_fits(const struct psks *p, uint32_t place, const struct ip_address *remote,
	const struct identity *id)
{
	return may_fit(p, place, remote, id) && rank(p, place) == rank_best(p, remote, id);
}

static void list_insert(const struct psks *p, struct psk_list *list, uint32_t place)
{
	size_t at = list->count;

	while (at > 0 && rank(p, list->places[at - 1]) < rank(p, place))
		at--;
	if (list->count == PSK_CANDIDATES) {
		list->cut = true;
		if (at == PSK_CANDIDATES)
			return;
		list->count--;
	}
	memmove(&list->places[at + 1], &list->places[at],
		(list->count - at) * sizeof(list->places[0]));
	list->places[at] = place;
	list->count++;
}

void psks_find(const struct psks *p, const struct ip_address *remote, const struct identity *id,
	struct psk_list *out)
{
	int best = rank_best(p, remote, id);

	*out = (struct psk_list){0};
	for (uint32_t i = 0; i < p->config->psk_count; i++)
		if (may_fit(p, i, remote, id) &&
			(rank(p, i) == best || (!id && p->keys[i].identity)))
			list_insert(p, out, i);
}

struct span psks_secret(const struct psks *p, uint32_t place)
{
	const struct config_psk *psk = &p->config->psks[place];

	return SPAN((const uint8_t *)psk->secret, psk->secret_length);
}

void psks_used(struct psks *p, uint32_t place, uint64_t now_ms)
{
	p->keys[place].use.count++;
	p->keys[place].use.last_ms = now_ms;
}

struct psk_use psks_use(const struct psks *p, uint32_t place)
{
	return p->keys[place].use;
}
