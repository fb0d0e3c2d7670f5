// SPDX-License-Identifier: Apache-2.0

// The way of an IKE message: ike_input looks at the header, finds the SA by both cookies and hands
// on to its version, v1/v1.c. Parse, then authenticate, then touch state: nothing but the exchange
// at hand changes before a message is proven.

#include "ike.h"

#include "pair.h"
#include "peer.h"
#include "rekey.h"
#include "sa.h"
#include "v1/v1.h"
#include "v2/parting.h"
#include "v2/v2.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
	BUCKETS_MAX = 1 << 16,
};

void ike_invalid(struct ike *ike, const struct flow *flow, const char *reason)
{
	struct log_subject subject = {.peer = flow->remote, .peer_port = flow->remote_port};

	ike->counters.invalid++;
	log_event(LOG_IKE_INVALID, &subject, "s:s", "reason", reason);
}

static int tables_init(struct ike *ike, uint32_t sas)
{
	uint16_t generation;

	ike->buckets = 64;
	while (ike->buckets < sas && ike->buckets < BUCKETS_MAX)
		ike->buckets *= 2;
	ike->by_cookie = calloc(ike->buckets, sizeof(*ike->by_cookie));
	ike->by_address = calloc(ike->buckets, sizeof(*ike->by_address));
	if (!ike->by_cookie || !ike->by_address ||
		RAND_bytes((uint8_t *)&ike->seed, sizeof(ike->seed)) != 1 ||
		RAND_bytes((uint8_t *)&generation, sizeof(generation)) != 1)
		return -ENOMEM;
	if (slots_init(&ike->pairs, sas, generation) || slots_init(&ike->peers, sas, generation))
		return -ENOMEM;
	return 0;
}

struct ike *ike_create(const struct config *config, struct timers *timers, uint32_t sas,
	const struct ike_events *events, void *context)
{
	struct ike *ike = calloc(1, sizeof(*ike));

	if (!ike || sas == 0 || sas > LIMIT_SAS) {
		free(ike);
		return NULL;
	}
	ike->config = config;
	ike->timers = timers;
	ike->events = events;
	ike->context = context;
	TAILQ_INIT(&ike->sas);
	partings_init(ike);
	ike->psks = psks_create(config);
	ike->admit = admit_create(ike);
	if (!ike->psks || !ike->admit || tables_init(ike, sas)) {
		ike_free(ike);
		return NULL;
	}
	return ike;
}

void ike_set_certificates(
	struct ike *ike, const struct credentials *credentials, struct trust *trust)
{
	ike->credentials = credentials;
	ike->trust = trust;
}

static void silent_current(void *context, uint32_t peer, uint32_t sa)
{
}

static void silent_down(void *context, uint32_t peer, const char *cause)
{
}

static void remove_all(struct ike *ike, const char *cause, bool deletes)
{
	struct ike_peer *peer;

	for (uint32_t i = 0; i < ike->peers.size && ike->peers.used > 0; i++)
		if ((peer = slots_at(&ike->peers, i)))
			peer_remove(peer, cause, deletes);
	while (!TAILQ_EMPTY(&ike->sas))
		sa_free(TAILQ_FIRST(&ike->sas));
}

void ike_free(struct ike *ike)
{
	static const struct ike_events silent = {silent_current, silent_down};

	if (!ike)
		return;
	ike->events = &silent;
	remove_all(ike, "closed", false);
	partings_free(ike);
	timer_stop(ike->timers, &ike->count_timer);
	slots_free(&ike->peers);
	slots_free(&ike->pairs);
	admit_free(ike->admit);
	psks_free(ike->psks);
	free(ike->by_address);
	free(ike->by_cookie);
	free(ike);
}

static bool is_zero(const uint8_t cookie[ISAKMP_COOKIE])
{
	static const uint8_t zero[ISAKMP_COOKIE];

	return memcmp(cookie, zero, ISAKMP_COOKIE) == 0;
}

static void input_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	unsigned version = h->version >> 4;

	if (!admit_first(ike))
		return;
	if (version == ike_v1.number && ike->config->ike.version_1)
		v1_first(ike, flow, h, message);
	else if (version == ike_v2.number && ike->config->ike.version_2)
		v2_first(ike, flow, h, message);
	else if (version > ike_v2.number && ike->config->ike.version_2)
		v2_newer(ike, flow, h);
	else
		ike_invalid(ike, flow, "version of IKE that is not served");
}

void ike_input(struct ike *ike, const struct flow *flow, const uint8_t *message, size_t length)
{
	struct isakmp_header h;
	struct ike_sa *sa;

	if (length > LIMIT_IKE_MESSAGE || flow->local.version == IP_NONE ||
		flow->local.version != flow->remote.version ||
		isakmp_header_parse(message, length, &h))
		ike_invalid(ike, flow, "malformed header");
	else if (is_zero(h.initiator))
		ike_invalid(ike, flow, "message without the cookie of its sender");
	else if (is_zero(h.responder))
		input_first(ike, flow, &h, message);
	else if ((sa = sa_find(ike, h.initiator, h.responder)) &&
		 sa->version->number == h.version >> 4)
		sa->version->input(sa, flow, &h, message);
	else if (h.version >> 4 != ike_v2.number || !parting_input(ike, flow, &h, message))
		ike_invalid(ike, flow, "no SA has these cookies");
}

void ike_peer_moved(struct ike *ike, const struct event_peer_moved *event)
{
	struct esp_pair *pair = pair_find(ike, event->spi_in);
	struct flow flow;

	if (!pair || pair->form.encapsulation != ESP_UDP)
		return;
	pair->flow.remote = event->remote;
	pair->flow.remote_port = event->remote_port;
	flow = pair->peer->flow;
	flow.local_port = PORT_NAT_T;
	flow.remote = event->remote;
	flow.remote_port = event->remote_port;
	peer_follow(pair->peer, &flow);
}

void ike_sa_exhausting(struct ike *ike, const struct event_sa_exhausting *event)
{
	struct esp_pair *pair = pair_find(ike, event->spi_in);
	uint32_t peer;

	if (!pair)
		return;
	if (event->why != SA_EXHAUSTED_SEQUENCE) {
		rekey_pair_due(pair, "sequence-numbers");
		return;
	}
	peer = pair->peer->id;
	peer_delete_pair(pair);
	pair_remove(pair, "expired-sequence-numbers");
	peer_check(ike, peer);
}

void ike_sa_unknown(struct ike *ike, const struct event_sa_unknown *event)
{
	struct ike_peer *peer;
	struct ike_sa *sa;

	if (pair_find(ike, event->spi))
		return;
	peer = peer_at(ike, &event->remote, event->remote_port);
	sa = peer ? peer_sa(peer) : NULL;
	if (sa)
		sa->version->delete_spi(sa, event->spi);
}

void ike_peer_alive(struct ike *ike, uint32_t peer, uint64_t when_ms)
{
	struct ike_peer *p = peer_find(ike, peer);

	if (p)
		peer_heard(p, when_ms);
}

uint32_t ike_pair_used(struct ike *ike, uint32_t spi_in)
{
	struct esp_pair *pair = pair_find(ike, spi_in);

	if (pair && pair->awaited)
		pair_confirm(pair, pair->lifetime_ms);
	else if (pair && !pair->confirmed && peer_sa(pair->peer))
		peer_sa(pair->peer)->version->pair_used(pair);
	// What is above may have closed the peer.
	pair = pair_find(ike, spi_in);
	return pair ? pair->peer->current : 0;
}

uint32_t ike_peer_sa(const struct ike *ike, uint32_t peer)
{
	const struct ike_peer *p = peer_find(ike, peer);

	return p ? p->current : 0;
}

int ike_peer_close(struct ike *ike, uint32_t peer, const char *cause)
{
	struct ike_peer *p = peer_find(ike, peer);

	if (!p || p->closing)
		return -ENOENT;
	peer_remove(p, cause, true);
	return 0;
}

void ike_close_all(struct ike *ike, const char *cause)
{
	remove_all(ike, cause, true);
}

void ike_each_sa(const struct ike *ike, void (*each)(void *context, const struct ike_sa_info *info),
	void *context)
{
	uint64_t now = timers_now(ike->timers);
	const struct ike_sa *sa;

	TAILQ_FOREACH(sa, &ike->sas, all)
	{
		struct ike_sa_info info = {.peer = sa->peer ? sa->peer->id : 0,
			.state = sa->state == IKE_ESTABLISHED ? "established"
							      : sa->version->state_word(sa),
			.flow = sa->flow,
			.identity = sa->identity_text,
			.encryption = sa->encryption ? ike_encryption_word(sa->encryption) : NULL,
			.hash = sa->hash ? ike_hash_word(sa->hash) : NULL,
			.group = sa->group ? ike_group_word(sa->group) : NULL,
			.nat_peer = sa->nat_peer,
			.nat_us = sa->nat_us,
			.age_ms = now - sa->created,
			.expires_ms = sa->expires > now ? sa->expires - now : 0};

		memcpy(info.initiator_spi, sa->cookie_i, ISAKMP_COOKIE);
		memcpy(info.responder_spi, sa->cookie_r, ISAKMP_COOKIE);
		each(context, &info);
	}
}

void ike_each_esp(const struct ike *ike,
	void (*each)(void *context, const struct esp_sa_info *info), void *context)
{
	uint64_t now = timers_now(ike->timers);

	for (uint32_t i = 0; i < ike->pairs.size; i++) {
		const struct esp_pair *pair = slots_at(&ike->pairs, i);

		if (!pair || !pair->confirmed)
			continue;
		struct esp_sa_info info = {.peer = pair->peer->id,
			.spi_in = pair->id,
			.spi_out = pair->form.spi_out,
			.current = pair->peer->current == pair->id,
			.flow = pair->flow,
			.cipher = esp_cipher_shape(pair->form.cipher)->name,
			.integrity = esp_integrity_shape(pair->form.integrity)->name,
			.age_ms = now - pair->created,
			.expires_ms = pair->expires > now ? pair->expires - now : 0};

		each(context, &info);
	}
}

void ike_counters(const struct ike *ike, struct ike_counters *out)
{
	*out = ike->counters;
}
