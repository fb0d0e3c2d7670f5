// SPDX-License-Identifier: Apache-2.0

// See sa.h. SAs are found by our own cookie, which is random, so nobody can choose the bucket that
// he falls into. Of one that we begin it is the initiator's, and the other is not known at first.

#include "sa.h"

#include "dh.h"
#include "peer.h"
#include "recheck.h"
#include "rekey.h"

#include "contract/ike_spi.h"
#include "controlplane/install.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

bool flow_equal(const struct flow *a, const struct flow *b)
{
	return address_equal(&a->local, &b->local) && address_equal(&a->remote, &b->remote) &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port;
}

static struct sa_list *bucket(struct ike *ike, const uint8_t *cookie_r)
{
	struct view v = view_of(cookie_r, ISAKMP_COOKIE);

	return &ike->by_cookie[view_u32(&v) & (ike->buckets - 1)];
}

struct ike_sa *sa_find(struct ike *ike, const uint8_t *cookie_i, const uint8_t *cookie_r)
{
	static const uint8_t unknown[ISAKMP_COOKIE];
	struct ike_sa *sa;

	LIST_FOREACH(sa, bucket(ike, cookie_r), by_cookie)
	if (memcmp(sa->cookie_r, cookie_r, ISAKMP_COOKIE) == 0 &&
		memcmp(sa->cookie_i, cookie_i, ISAKMP_COOKIE) == 0)
		return sa;
	LIST_FOREACH(sa, bucket(ike, cookie_i), by_cookie)
	if (memcmp(sa->cookie_i, cookie_i, ISAKMP_COOKIE) == 0 &&
		(memcmp(sa->cookie_r, cookie_r, ISAKMP_COOKIE) == 0 ||
			memcmp(sa->cookie_r, unknown, ISAKMP_COOKIE) == 0))
		return sa;
	return NULL;
}

struct ike_sa *sa_find_half_open(struct ike *ike, const struct ike_version *version,
	const uint8_t *cookie_i, const struct flow *flow)
{
	return admit_find(ike, version, cookie_i, flow);
}

struct log_subject sa_subject(const struct ike_sa *sa)
{
	return (struct log_subject){.attempt = sa->attempt,
		.peer = sa->flow.remote,
		.peer_port = sa->flow.remote_port,
		.peer_id = sa->peer ? sa->peer->id : 0};
}

static void half_open_timeout(void *context)
{
	struct ike_sa *sa = context;
	struct log_subject subject = sa_subject(sa);

	if (!sa->refused)
		log_event(LOG_IKE_DOWN, &subject, "s:s, s:s", "cause", "timeout", "waited_for",
			sa->version->waits_for(sa));
	sa_free(sa);
}

int sa_spi(struct ike *ike, uint8_t spi[ISAKMP_COOKIE])
{
	const uint8_t *key = install_ike_key();
	uint8_t random[IKE_SPI_RANDOM];

	(void)ike;
	do {
		if (!key || RAND_bytes(random, sizeof(random)) != 1)
			return -EIO;
	} while (!ike_spi_make(key, random, spi));
	return 0;
}

struct ike_sa *sa_create(struct ike *ike, const struct ike_version *version,
	const struct flow *flow, const uint8_t *cookie_i)
{
	struct ike_sa *sa;

	if (!admit_room(ike, &flow->remote))
		return NULL;
	sa = calloc(1, sizeof(*sa));
	if (!sa)
		return NULL;
	sa->ike = ike;
	sa->version = version;
	sa->flow = *flow;
	memcpy(sa->cookie_i, cookie_i, ISAKMP_COOKIE);
	if (sa_spi(ike, sa->cookie_r) ||
		timer_start(ike->timers, &sa->timer, HALF_OPEN_MS, half_open_timeout, sa)) {
		free(sa);
		return NULL;
	}
	if (admit_enter(sa)) {
		timer_stop(ike->timers, &sa->timer);
		free(sa);
		return NULL;
	}
	sa->attempt = ++ike->attempts;
	sa->created = timers_now(ike->timers);
	sa->expires = sa->created + HALF_OPEN_MS;
	LIST_INSERT_HEAD(bucket(ike, sa->cookie_r), sa, by_cookie);
	TAILQ_INSERT_TAIL(&ike->sas, sa, all);
	return sa;
}

void sa_free(struct ike_sa *sa)
{
	timer_stop(sa->ike->timers, &sa->timer);
	timer_stop(sa->ike->timers, &sa->rekey.timer);
	admit_leave(sa);
	if (sa->peer)
		LIST_REMOVE(sa, of_peer);
	LIST_REMOVE(sa, by_cookie);
	TAILQ_REMOVE(&sa->ike->sas, sa, all);
	dh_abandon(&sa->job);
	recheck_end(sa);
	offer_drop(sa->offer);
	sa->version->part_free(sa);
	free(sa);
}

void sa_wait(struct ike_sa *sa, uint32_t patience_ms)
{
	uint64_t now = timers_now(sa->ike->timers);

	if (!patience_ms || sa->state == IKE_ESTABLISHED || sa->half_open_left)
		return;
	sa->half_open_left = sa->expires > now ? sa->expires - now : 1;
	sa->expires = now + patience_ms + WAIT_GRACE_MS;
	(void)timer_start(sa->ike->timers, &sa->timer, sa->expires - now, half_open_timeout, sa);
	admit_wait(sa);
}

void sa_go_on(struct ike_sa *sa)
{
	uint64_t left = sa->half_open_left;

	if (!left)
		return;
	sa->half_open_left = 0;
	sa->expires = timers_now(sa->ike->timers) + left;
	(void)timer_start(sa->ike->timers, &sa->timer, left, half_open_timeout, sa);
	admit_go_on(sa);
}

void sa_established(struct ike_sa *sa)
{
	struct ike *ike = sa->ike;

	admit_leave(sa);
	sa->state = IKE_ESTABLISHED;
	sa->version->part_established(sa);
	sa->expires = timers_now(ike->timers) + sa->lifetime_s * 1000 + LIFETIME_GRACE_MS;
	(void)timer_start(ike->timers, &sa->timer, sa->expires - timers_now(ike->timers),
		peer_sa_expired, sa);
	rekey_sa_begin(sa);
}

static void sa_copy(struct ike_sa *sa, const struct ike_sa *old)
{
	sa->ike = old->ike;
	sa->version = old->version;
	sa->attempt = old->attempt;
	sa->flow = old->flow;
	sa->encryption = old->encryption;
	sa->hash = old->hash;
	sa->group = old->group;
	sa->nat_peer = old->nat_peer;
	sa->nat_us = old->nat_us;
	sa->dpd = old->dpd;
	sa->auth = old->auth;
	sa->psk = old->psk;
	memcpy(sa->identity, old->identity, SHA256_SIZE);
	memcpy(sa->identity_text, old->identity_text, IDENTITY_TEXT);
}

struct ike_sa *sa_renew(const struct ike_sa *old, const uint8_t *cookie_i, const uint8_t *cookie_r)
{
	struct ike *ike = old->ike;
	struct ike_sa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	sa_copy(sa, old);
	sa->peer = old->peer;
	sa->state = IKE_ESTABLISHED;
	memcpy(sa->cookie_i, cookie_i, ISAKMP_COOKIE);
	memcpy(sa->cookie_r, cookie_r, ISAKMP_COOKIE);
	sa->lifetime_s = ike->config->ike.lifetime_s;
	sa->created = timers_now(ike->timers);
	sa->expires = sa->created + sa->lifetime_s * 1000 + LIFETIME_GRACE_MS;
	if (timer_start(ike->timers, &sa->timer, sa->expires - sa->created, peer_sa_expired, sa)) {
		free(sa);
		return NULL;
	}
	LIST_INSERT_HEAD(bucket(ike, sa->cookie_r), sa, by_cookie);
	TAILQ_INSERT_TAIL(&ike->sas, sa, all);
	LIST_INSERT_HEAD(&sa->peer->sas, sa, of_peer);
	return sa;
}

struct ike_sa *sa_begin(const struct ike_sa *old)
{
	struct ike *ike = old->ike;
	struct ike_sa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	sa_copy(sa, old);
	if (sa_spi(ike, sa->cookie_i)) {
		free(sa);
		return NULL;
	}
	sa->state = IKE_WAIT_KE;
	sa->lifetime_s = old->lifetime_s;
	sa->offer = offer_share(old->peer->offer);
	sa->created = sa->expires = timers_now(ike->timers);
	LIST_INSERT_HEAD(bucket(ike, sa->cookie_i), sa, by_cookie);
	TAILQ_INSERT_TAIL(&ike->sas, sa, all);
	return sa;
}

void sa_follow(struct ike_sa *sa, const struct flow *flow)
{
	if (flow_equal(&sa->flow, flow))
		return;
	sa->flow = *flow;
	if (sa->peer)
		peer_follow(sa->peer, flow);
}

void sa_send(struct ike_sa *sa, const struct flow *flow, const void *message, size_t length)
{
	// A message that is lost here is lost like any datagram: the peer asks again.
	if (length > 0 && sa->version->send)
		sa->version->send(sa, flow, message, length);
	else if (length > 0)
		(void)dataplane_send_ike(flow, message, length);
}

struct isakmp_header sa_header(
	const struct ike_sa *sa, uint8_t exchange, uint8_t flags, uint32_t message_id)
{
	struct isakmp_header h = {.version = (uint8_t)(sa->version->number << 4),
		.exchange = exchange,
		.flags = flags,
		.message_id = message_id};

	memcpy(h.initiator, sa->cookie_i, ISAKMP_COOKIE);
	memcpy(h.responder, sa->cookie_r, ISAKMP_COOKIE);
	return h;
}

void reply_digest(const void *request, size_t length, uint8_t digest[SHA256_SIZE])
{
	const struct span part = SPAN(request, length);
	uint8_t out[IKE_HASH_MAX];

	(void)ike_digest(IKE_SHA256, &part, 1, out);
	memcpy(digest, out, SHA256_SIZE);
}

int reply_keep(
	struct reply *r, const uint8_t request[SHA256_SIZE], const void *message, size_t length)
{
	uint8_t *bytes = malloc(length);

	if (!bytes)
		return -ENOMEM;
	free(r->bytes);
	memcpy(bytes, message, length);
	r->bytes = bytes;
	r->length = length;
	memcpy(r->request, request, SHA256_SIZE);
	return 0;
}

bool reply_fits(const struct reply *r, const void *request, size_t length)
{
	uint8_t digest[SHA256_SIZE];

	if (!r->bytes)
		return false;
	reply_digest(request, length, digest);
	return memcmp(digest, r->request, SHA256_SIZE) == 0;
}

void reply_free(struct reply *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

void reply_again(struct ike_sa *sa, const struct reply *r, const struct flow *flow)
{
	struct log_subject subject = sa_subject(sa);

	sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "");
	sa_send(sa, flow, r->bytes, r->length);
}
