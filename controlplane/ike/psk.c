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

bool psks_names(const struct psks *p, uint32_t place, const struct identity *id)
{
	const struct key *key = &p->keys[place];

	return !key->nobody && (!key->identity || identity_equal(key->identity, id));
}

// Greater is tried earlier; what is equal, in the order of the file.
static unsigned rank(const struct psks *p, uint32_t place)
{
	return (p->keys[place].identity ? 1u << 8 : 0) | p->config->psks[place].peer.length;
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
	*out = (struct psk_list){0};
	for (uint32_t i = 0; i < p->config->psk_count; i++)
		if (fits_address(p, i, remote) && (!id || psks_names(p, i, id)))
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
