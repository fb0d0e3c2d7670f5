// SPDX-License-Identifier: Apache-2.0

// See peer.h.
//
// Who renews whom: a new IKE SA from the same address and port with the same identity belongs to
// the peer that we have, as after a rekey of the IKE SA (its pairs live on), or when a client
// vanished and came back without a word. INITIAL-CONTACT (RFC 2407 section 4.6.3.3) makes it a new
// peer and ends the old: all at the same address and port, and those of the same identity at the
// same address where no NAT is between. Behind a NAT many clients share an address, and often an
// identity too (192.168.1.2), so there the port decides.

#include "peer.h"

#include "pair.h"
#include "sa.h"

#include <errno.h>
#include <stdlib.h>

enum { UDP_ANY = 0 };

static struct log_subject peer_subject(const struct ike_peer *peer)
{
	return (struct log_subject){.peer = peer->flow.remote,
		.peer_port = peer->flow.remote_port,
		.peer_id = peer->id};
}

static struct peer_list *bucket(struct ike *ike, const struct ip_address *remote)
{
	uint64_t h = ike->seed;

	for (size_t i = 0; i < sizeof(remote->bytes); i++)
		h = (h ^ remote->bytes[i]) * 0x100000001b3;
	return &ike->by_address[(h >> 32) & (ike->buckets - 1)];
}

struct ike_peer *peer_at(struct ike *ike, const struct ip_address *remote, uint16_t port)
{
	struct ike_peer *peer;

	LIST_FOREACH(peer, bucket(ike, remote), by_address)
	if (address_equal(&peer->flow.remote, remote) &&
		(port == UDP_ANY || port == peer->flow.remote_port))
		return peer;
	return NULL;
}

struct ike_peer *peer_find(const struct ike *ike, uint32_t id)
{
	return slots_get(&ike->peers, id);
}

struct ike_sa *peer_sa(const struct ike_peer *peer)
{
	return LIST_FIRST(&peer->sas);
}

static bool same_place(const struct ike_peer *peer, const struct ike_sa *sa)
{
	return address_equal(&peer->flow.remote, &sa->flow.remote) &&
	       peer->flow.remote_port == sa->flow.remote_port &&
	       address_equal(&peer->flow.local, &sa->flow.local);
}

static bool same_identity(const struct ike_peer *peer, const struct ike_sa *sa)
{
	return memcmp(peer->identity, sa->identity, SHA256_SIZE) == 0;
}

// Whether the peer is an earlier life of who now says INITIAL-CONTACT.
static bool is_earlier(const struct ike_peer *peer, const struct ike_sa *sa)
{
	if (peer == sa->peer)
		return false;
	if (same_place(peer, sa))
		return true;
	return address_equal(&peer->flow.remote, &sa->flow.remote) && same_identity(peer, sa) &&
	       !peer->nat && !sa->nat_peer;
}

static struct ike_peer *find_earlier(const struct ike_sa *sa)
{
	struct ike_peer *peer;

	LIST_FOREACH(peer, bucket(sa->ike, &sa->flow.remote), by_address)
	if (!peer->closing && is_earlier(peer, sa))
		return peer;
	return NULL;
}

static struct ike_peer *find_renewed(const struct ike_sa *sa)
{
	struct ike_peer *peer;

	LIST_FOREACH(peer, bucket(sa->ike, &sa->flow.remote), by_address)
	if (!peer->closing && same_place(peer, sa) && same_identity(peer, sa))
		return peer;
	return NULL;
}

static void dpd_due(void *context);

static void dpd_schedule(struct ike_peer *peer, uint64_t after)
{
	// Without memory for the timer the peer lives until its SAs expire.
	(void)timer_start(peer->ike->timers, &peer->timer, after, dpd_due, peer);
}

static struct ike_peer *peer_create(const struct ike_sa *sa)
{
	struct ike *ike = sa->ike;
	struct ike_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->id = slots_take(&ike->peers, peer);
	if (peer->id == 0) {
		free(peer);
		return NULL;
	}
	peer->ike = ike;
	peer->flow = sa->flow;
	LIST_INIT(&peer->sas);
	LIST_INIT(&peer->pairs);
	LIST_INSERT_HEAD(bucket(ike, &peer->flow.remote), peer, by_address);
	ike->counters.peers++;
	if (ike->config->ike.dpd_delay_ms)
		dpd_schedule(peer, ike->config->ike.dpd_delay_ms);
	return peer;
}

// The SA is the peer's newest, and what it says of the peer holds.
static void peer_adopt(struct ike_peer *peer, struct ike_sa *sa)
{
	struct ike_sa *each, *oldest = NULL;
	unsigned count = 0;

	sa->peer = peer;
	LIST_INSERT_HEAD(&peer->sas, sa, of_peer);
	memcpy(peer->identity, sa->identity, SHA256_SIZE);
	memcpy(peer->identity_text, sa->identity_text, IDENTITY_TEXT);
	peer->nat = sa->nat_peer;
	peer->version = sa->version;
	peer->auth = sa->auth;
	peer->psk = sa->psk;
	peer->encryption = sa->encryption;
	peer->hash = sa->hash;
	peer->group = sa->group;
	offer_drop(peer->offer);
	peer->offer = offer_share(sa->offer);
	peer->dpd = sa->dpd;
	peer->asked = 0;
	peer_heard(peer, timers_now(peer->ike->timers));
	LIST_FOREACH(each, &peer->sas, of_peer)
	{
		count++;
		oldest = each;
	}
	if (count > PEER_SAS)
		sa_free(oldest);
}

int peer_attach(struct ike_sa *sa, bool initial_contact)
{
	struct ike_peer *peer;

	while (initial_contact && (peer = find_earlier(sa)))
		peer_remove(peer, "replaced", false);
	peer = find_renewed(sa);
	if (!peer)
		peer = peer_create(sa);
	if (!peer)
		return -ENOSPC;
	peer_adopt(peer, sa);
	return 0;
}

void peer_renew(struct ike_peer *peer, struct ike_sa *sa)
{
	peer_adopt(peer, sa);
	peer_follow(peer, &sa->flow);
}

// Another IKE SA than this one has pairs, or there are other SAs: the peer had an earlier life.
static bool had_earlier_life(const struct ike_sa *sa, bool *pairs_of_sa)
{
	bool other = LIST_NEXT(sa, of_peer) || LIST_FIRST(&sa->peer->sas) != sa;
	struct esp_pair *pair;

	*pairs_of_sa = false;
	LIST_FOREACH(pair, &sa->peer->pairs, of_peer)
	{
		if (pair->attempt == sa->attempt)
			*pairs_of_sa = true;
		else
			other = true;
	}
	return other;
}

// Moves the SA to a peer of its own.
static struct ike_peer *split(struct ike_sa *sa)
{
	struct ike_peer *old = sa->peer, *peer = peer_create(sa);

	if (!peer)
		return NULL;
	LIST_REMOVE(sa, of_peer);
	peer_adopt(peer, sa);
	return old;
}

void peer_initial_contact(struct ike_sa *sa)
{
	bool pairs_of_sa;
	struct ike_peer *peer;

	// Pairs that the SA itself made are the peer's present: then it is too late for the word.
	if (had_earlier_life(sa, &pairs_of_sa) && !pairs_of_sa) {
		peer = split(sa);
		if (peer)
			peer_remove(peer, "replaced", false);
	}
	while ((peer = find_earlier(sa)))
		peer_remove(peer, "replaced", false);
}

void peer_report_down(struct ike_peer *peer, const char *cause)
{
	if (peer->current == 0 && !peer->access)
		return;
	peer->current = 0;
	peer->access = false;
	peer->ike->events->peer_down(peer->ike->context, peer->id, cause);
}

static void sa_log_down(const struct ike_sa *sa, const char *cause)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_DOWN, &subject, "s:s", "cause", cause);
}

static void peer_free(struct ike_peer *peer)
{
	struct ike *ike = peer->ike;

	timer_stop(ike->timers, &peer->timer);
	if (peer->renewal)
		sa_free(peer->renewal);
	LIST_REMOVE(peer, by_address);
	slots_give(&ike->peers, peer->id);
	ike->counters.peers--;
	offer_drop(peer->offer);
	offer_drop(peer->esp_offer);
	free(peer);
}

void peer_delete_pair(const struct esp_pair *pair)
{
	struct ike_sa *sa = peer_sa(pair->peer);

	if (sa)
		sa->version->delete_spi(sa, pair->id);
}

static void peer_tell_all(const struct ike_peer *peer)
{
	const struct esp_pair *pair;
	struct ike_sa *sa;

	LIST_FOREACH(pair, &peer->pairs, of_peer)
	peer_delete_pair(pair);
	LIST_FOREACH(sa, &peer->sas, of_peer)
	sa->version->delete_sa(sa);
}

void peer_remove(struct ike_peer *peer, const char *cause, bool deletes)
{
	struct ike_sa *sa;

	if (peer->closing)
		return;
	peer->closing = true;
	peer_report_down(peer, cause);
	if (deletes)
		peer_tell_all(peer);
	while ((sa = LIST_FIRST(&peer->sas))) {
		sa_log_down(sa, cause);
		sa_free(sa);
	}
	while (!LIST_EMPTY(&peer->pairs))
		pair_drop(LIST_FIRST(&peer->pairs), cause);
	peer_free(peer);
}

void peer_check(struct ike *ike, uint32_t id)
{
	struct ike_peer *peer = peer_find(ike, id);

	if (!peer || peer->closing || !LIST_EMPTY(&peer->sas) || !LIST_EMPTY(&peer->pairs))
		return;
	peer->closing = true;
	peer_report_down(peer, "deleted");
	peer_free(peer);
}

// The pair that outbound leaves through goes last, because that is reported.
static void drop_pairs_of(struct ike_peer *peer, uint64_t attempt, const char *cause)
{
	struct esp_pair *pair, *next, *current = NULL;

	for (pair = LIST_FIRST(&peer->pairs); pair; pair = next) {
		next = LIST_NEXT(pair, of_peer);
		if (pair->attempt != attempt)
			continue;
		if (pair->id == peer->current)
			current = pair;
		else
			pair_drop(pair, cause);
	}
	if (current)
		pair_remove(current, cause);
}

void peer_sa_end(struct ike_sa *sa, const char *cause)
{
	bool owns = sa->version->owns_pairs && sa->version->owns_pairs(sa);
	struct ike_peer *peer = sa->peer;
	struct ike *ike = sa->ike;
	uint32_t id = peer->id;
	uint64_t attempt = sa->attempt;

	sa_log_down(sa, cause);
	sa_free(sa);
	if (owns)
		drop_pairs_of(peer, attempt, cause);
	peer_check(ike, id);
}

void peer_sa_expired(void *context)
{
	struct ike_sa *sa = context;

	sa->version->delete_sa(sa);
	peer_sa_end(sa, peer_sa(sa->peer) == sa ? "expired" : "replaced");
}

void peer_follow(struct ike_peer *peer, const struct flow *flow)
{
	struct ike_sa *sa;
	struct log_subject subject;

	if (flow_equal(&peer->flow, flow))
		return;
	LIST_REMOVE(peer, by_address);
	peer->flow = *flow;
	LIST_INSERT_HEAD(bucket(peer->ike, &flow->remote), peer, by_address);
	LIST_FOREACH(sa, &peer->sas, of_peer)
	sa->flow = *flow;
	if (peer->renewal)
		peer->renewal->flow = *flow;
	subject = peer_subject(peer);
	log_event(LOG_PEER_MOVED, &subject, "");
	if (peer->ike->events->peer_moved)
		peer->ike->events->peer_moved(peer->ike->context, peer->id, flow);
}

void peer_heard(struct ike_peer *peer, uint64_t when)
{
	if (when > peer->alive)
		peer->alive = when;
	if (peer->asked && peer->alive >= peer->asked)
		peer->asked = 0;
}

void peer_answered(struct ike_peer *peer, uint32_t sequence)
{
	if (peer->asked && sequence == peer->sequence)
		peer_heard(peer, timers_now(peer->ike->timers));
}

static void peer_dead(struct ike_peer *peer, const char *cause)
{
	struct log_subject subject = peer_subject(peer);

	log_event(LOG_PEER_DEAD, &subject, "s:I", "silent_ms",
		(long long)(timers_now(peer->ike->timers) - peer->alive));
	peer_remove(peer, cause, false);
}

static void dpd_ask(struct ike_peer *peer, uint64_t now)
{
	const struct config_ike *config = &peer->ike->config->ike;

	if (peer->asked == 0) {
		peer->asked = now;
		peer->sequence++;
		peer->wait = config->retransmit_ms;
	} else {
		peer->wait *= 2;
	}
	if (peer->wait < 100)
		peer->wait = 100;
	if (peer_sa(peer))
		peer_sa(peer)->version->ask(peer);
	if (now + peer->wait > peer->asked + config->dpd_timeout_ms)
		peer->wait = peer->asked + config->dpd_timeout_ms - now;
	dpd_schedule(peer, peer->wait + 1);
}

// Silence is judged when the timer runs out, so that traffic need not restart it.
static void dpd_due(void *context)
{
	struct ike_peer *peer = context;
	const struct config_ike *config = &peer->ike->config->ike;
	uint64_t now = timers_now(peer->ike->timers), silent = now - peer->alive;

	if (peer->asked && now >= peer->asked + config->dpd_timeout_ms)
		peer_dead(peer, "dead");
	else if (!peer->asked && silent < config->dpd_delay_ms)
		dpd_schedule(peer, config->dpd_delay_ms - silent);
	else if (LIST_EMPTY(&peer->sas))
		peer_remove(peer, "deleted", false);
	else if (peer->dpd)
		dpd_ask(peer, now);
	else
		dpd_schedule(peer, config->dpd_delay_ms);
}

void peer_keep_esp_offer(struct ike_peer *peer, struct span body,
	void (*forget_spis)(uint8_t *bytes, size_t length), uint32_t terms)
{
	uint8_t *bytes = malloc(body.length);

	if (!bytes)
		return;
	memcpy(bytes, body.at, body.length);
	forget_spis(bytes, body.length);
	offer_drop(peer->esp_offer);
	peer->esp_offer = offer_keep(&peer->ike->offers, SPAN(bytes, body.length));
	peer->esp_terms = terms;
	free(bytes);
}
