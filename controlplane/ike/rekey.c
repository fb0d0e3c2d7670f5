// SPDX-License-Identifier: Apache-2.0

// See rekey.h. A pair with a limit of bytes or packets, and one that is awaited, is in the list of
// those that are counted; the timer of that list runs only while somebody is in it.

#include "rekey.h"

#include "pair.h"
#include "peer.h"
#include "recheck.h"
#include "sa.h"

#include <openssl/rand.h>

enum {
	MILLIONTHS = 1000000,
	OF_PERCENT = MILLIONTHS / 100,
	SOFT_LEAST = MILLIONTHS / 10,
	NO_PAIR = 0,
	JITTER_WORDS = 64,
};

uint64_t rekey_soft(uint64_t limit, unsigned at, unsigned jitter, uint32_t random)
{
	uint64_t part = (uint64_t)at * OF_PERCENT;
	uint64_t less = (uint64_t)jitter * OF_PERCENT * random >> 32;

	part = part > less + SOFT_LEAST ? part - less : SOFT_LEAST;
	return limit / MILLIONTHS * part + limit % MILLIONTHS * part / MILLIONTHS;
}

// For jitter alone, which is no secret, so many are drawn at once: each set-up takes four.
static uint32_t random_word(void)
{
	static uint32_t words[JITTER_WORDS];
	static size_t left;

	if (left == 0) {
		// Without random numbers there is no jitter, and the exchange itself will fail.
		if (RAND_bytes((uint8_t *)words, sizeof(words)) != 1)
			return 0;
		left = JITTER_WORDS;
	}
	return words[--left];
}

static uint64_t soft(const struct ike *ike, uint64_t limit)
{
	return rekey_soft(
		limit, ike->config->ike.rekey_at, ike->config->ike.rekey_jitter, random_word());
}

// Of two limits of which 0 is none.
static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

// ---- trying

static uint64_t retry_ms(const struct rekey *r)
{
	uint64_t wait = REKEY_RETRY_MAX_MS;

	if (r->tries < 7)
		wait = (uint64_t)REKEY_RETRY_MS << (r->tries - 1);
	if (wait > REKEY_RETRY_MAX_MS)
		wait = REKEY_RETRY_MAX_MS;
	// Spread, lest a peer's many and a restarted peer's clients come at once.
	return wait - (wait / 4 * random_word() >> 32);
}

static void pair_again(void *context);
static void sa_again(void *context);

static void pair_failed(struct esp_pair *pair, const char *reason)
{
	struct log_subject subject = pair_subject(pair);
	struct rekey *r = &pair->rekey;
	uint64_t wait;

	r->state = REKEY_AGAIN;
	r->tries++;
	wait = retry_ms(r);
	log_event(LOG_REKEY_FAILED, &subject, "s:s, s:I, s:s, s:I, s:I", "what", "esp", "spi_in",
		(long long)pair->id, "reason", reason, "again_ms", (long long)wait, "left_ms",
		(long long)(pair->expires - timers_now(pair->peer->ike->timers)));
	(void)timer_start(pair->peer->ike->timers, &r->timer, wait, pair_again, pair);
}

void rekey_pair_failed(struct ike *ike, uint32_t spi_in, const char *reason)
{
	struct esp_pair *pair = pair_find(ike, spi_in);

	if (pair && pair->rekey.state == REKEY_UNDER_WAY && !pair->peer->closing)
		pair_failed(pair, reason);
}

// The peer is still who it was.
static void pair_go(struct ike_sa *sa, uint32_t id)
{
	struct esp_pair *pair = pair_find(sa->ike, id);

	if (pair && pair->rekey.state == REKEY_UNDER_WAY && sa->version->rekey_pair(pair))
		rekey_pair_failed(sa->ike, id, "no exchange could be begun");
}

// Its IKE SA went before anything began.
static void pair_stuck(void *context)
{
	struct esp_pair *pair = context;

	rekey_pair_failed(pair->peer->ike, pair->id, "nothing came of it");
}

static void pair_try(struct esp_pair *pair)
{
	struct ike_sa *sa = peer_sa(pair->peer);
	struct log_subject subject = pair_subject(pair);
	uint32_t id = pair->id;
	struct ike *ike = pair->peer->ike;

	if (sa && !sa->version->rekey_pair)
		return;
	if (!sa) {
		// A client of version 1 that let its IKE SA go may make another. Said once.
		if (pair->rekey.tries == 0)
			pair_failed(pair, "the peer has no IKE SA");
		else
			(void)timer_start(ike->timers, &pair->rekey.timer, REKEY_RETRY_MAX_MS,
				pair_again, pair);
		return;
	}
	if (pair->rekey.tries == 0)
		log_event(LOG_REKEY_START, &subject, "s:s, s:I, s:s", "what", "esp", "spi_in",
			(long long)id, "why", pair->rekey.why);
	pair->rekey.state = REKEY_UNDER_WAY;
	(void)timer_start(ike->timers, &pair->rekey.timer, REKEY_STUCK_MS, pair_stuck, pair);
	if (recheck(sa, pair_go, id))
		rekey_pair_failed(ike, id, "no exchange could be begun");
}

static void pair_again(void *context)
{
	pair_try(context);
}

void rekey_pair_due(struct esp_pair *pair, const char *why)
{
	if (pair->rekey.state != REKEY_WATCHED)
		return;
	pair->rekey.why = why;
	timer_stop(pair->peer->ike->timers, &pair->rekey.timer);
	pair_try(pair);
}

static void pair_time(void *context)
{
	rekey_pair_due(context, "time");
}

// ---- counting

static void count_leave(struct esp_pair *pair)
{
	if (pair->counted)
		LIST_REMOVE(pair, of_counted);
	pair->counted = false;
}

static bool over(uint64_t limit, uint64_t in, uint64_t out)
{
	return limit && (in >= limit || out >= limit);
}

// The pair, or its whole peer, may be gone afterwards.
static void look(struct esp_pair *pair)
{
	const struct ike *ike = pair->peer->ike;
	struct ike_pair_count c;

	if (!ike->events->pair_count || !ike->events->pair_count(ike->context, pair->id, &c))
		return;
	if (pair->awaited && c.in_packets) {
		pair_confirm(pair, pair->lifetime_ms);
		return;
	}
	if (!pair->confirmed)
		return;
	if (over(pair->limit.bytes, c.in_bytes, c.out_bytes))
		pair_shorten(pair, "expired-bytes");
	if (over(pair->limit.packets, c.in_packets, c.out_packets))
		pair_shorten(pair, "expired-packets");
	if (over(pair->soft.bytes, c.in_bytes, c.out_bytes))
		rekey_pair_due(pair, "bytes");
	else if (over(pair->soft.packets, c.in_packets, c.out_packets))
		rekey_pair_due(pair, "packets");
}

// A look may take any pair out of the list, so each is looked at by its turn in a second one.
static void count_all(void *context)
{
	struct ike *ike = context;
	LIST_HEAD(, esp_pair) turn = LIST_HEAD_INITIALIZER(turn);
	struct esp_pair *pair;

	while ((pair = LIST_FIRST(&ike->counted))) {
		LIST_REMOVE(pair, of_counted);
		LIST_INSERT_HEAD(&turn, pair, of_counted);
	}
	while ((pair = LIST_FIRST(&turn))) {
		LIST_REMOVE(pair, of_counted);
		LIST_INSERT_HEAD(&ike->counted, pair, of_counted);
		look(pair);
	}
	if (!LIST_EMPTY(&ike->counted))
		(void)timer_start(ike->timers, &ike->count_timer, REKEY_COUNT_MS, count_all, ike);
}

static void count_enter(struct esp_pair *pair)
{
	struct ike *ike = pair->peer->ike;

	if (pair->counted || !ike->events->pair_count)
		return;
	pair->counted = true;
	LIST_INSERT_HEAD(&ike->counted, pair, of_counted);
	if (!timer_running(&ike->count_timer))
		(void)timer_start(ike->timers, &ike->count_timer, REKEY_COUNT_MS, count_all, ike);
}

// ---- the life of a pair

static void retired(void *context)
{
	struct esp_pair *pair = context;
	struct ike *ike = pair->peer->ike;
	uint32_t peer = pair->peer->id;

	pair_remove(pair, "replaced");
	peer_check(ike, peer);
}

static void retire(void *context)
{
	struct esp_pair *pair = context;

	peer_delete_pair(pair);
	(void)timer_start(
		pair->peer->ike->timers, &pair->rekey.timer, REKEY_LINGER_MS, retired, pair);
}

void rekey_pair_retire(struct esp_pair *pair)
{
	pair->awaited = false;
	pair->rekey.state = REKEY_RETIRED;
	count_leave(pair);
	(void)timer_start(
		pair->peer->ike->timers, &pair->rekey.timer, REKEY_RETIRE_MS, retire, pair);
}

static void await_over(void *context)
{
	struct esp_pair *pair = context;

	pair_confirm(pair, pair->lifetime_ms);
}

// Not longer than half of what the pair before has left.
static uint64_t await_ms(const struct esp_pair *pair)
{
	const struct esp_pair *old = pair_find(pair->peer->ike, pair->peer->current);
	uint64_t now = timers_now(pair->peer->ike->timers), left;

	if (!old || old->expires < now + LIFETIME_GRACE_MS)
		return 0;
	left = (old->expires - LIFETIME_GRACE_MS - now) / 2;
	return left < REKEY_AWAIT_MS ? left : REKEY_AWAIT_MS;
}

void rekey_pair_await(struct esp_pair *pair, uint64_t lifetime_ms)
{
	if (pair->confirmed)
		return;
	pair->awaited = true;
	pair->lifetime_ms = lifetime_ms;
	count_enter(pair);
	(void)timer_start(
		pair->peer->ike->timers, &pair->rekey.timer, await_ms(pair), await_over, pair);
}

void rekey_pair_begin(struct esp_pair *pair)
{
	const struct ike *ike = pair->peer->ike;
	const struct config_ike *config = &ike->config->ike;

	pair->awaited = false;
	pair->limit = (struct pair_limit){
		.bytes = smaller(pair->agreed.bytes, (uint64_t)config->esp_lifetime_mib << 20),
		.packets = smaller(
			pair->agreed.packets, (uint64_t)config->esp_lifetime_kpackets * 1000)};
	pair->soft.bytes = soft(ike, pair->limit.bytes);
	pair->soft.packets = soft(ike, pair->limit.packets);
	pair->rekey.due = timers_now(ike->timers) + soft(ike, pair->lifetime_ms);
}

// Whatever else there is has a successor now.
static void supersede(struct esp_pair *pair, const struct esp_pair *newest)
{
	if (!pair->confirmed || pair->rekey.state == REKEY_RETIRED)
		return;
	count_leave(pair);
	timer_stop(pair->peer->ike->timers, &pair->rekey.timer);
	pair->rekey.state = REKEY_NONE;
	if (newest->replaces == pair->id)
		rekey_pair_retire(pair);
}

void rekey_pair_current(struct esp_pair *pair)
{
	struct timers *timers = pair->peer->ike->timers;
	uint64_t now = timers_now(timers);
	struct esp_pair *other;

	LIST_FOREACH(other, &pair->peer->pairs, of_peer)
	if (other != pair)
		supersede(other, pair);
	pair->rekey.state = REKEY_WATCHED;
	pair->rekey.tries = 0;
	(void)timer_start(timers, &pair->rekey.timer,
		pair->rekey.due > now ? pair->rekey.due - now : 0, pair_time, pair);
	if (pair->limit.bytes || pair->limit.packets)
		count_enter(pair);
	else
		count_leave(pair);
}

void rekey_pair_end(struct ike *ike, struct esp_pair *pair)
{
	timer_stop(ike->timers, &pair->rekey.timer);
	count_leave(pair);
}

// ---- IKE SAs

static void sa_go(struct ike_sa *sa, uint32_t id)
{
	(void)id;
	if (sa->rekey.state == REKEY_UNDER_WAY && sa->version->rekey_sa(sa))
		rekey_sa_failed(sa, "no exchange could be begun");
}

static void sa_try(struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	// One that has a successor is the peer's to delete.
	if (!sa->peer || peer_sa(sa->peer) != sa || sa->peer->refuses) {
		sa->rekey.state = REKEY_NONE;
		return;
	}
	if (sa->rekey.tries == 0)
		log_event(LOG_REKEY_START, &subject, "s:s, s:s", "what", "ike", "why", "time");
	sa->rekey.state = REKEY_UNDER_WAY;
	if (recheck(sa, sa_go, NO_PAIR))
		rekey_sa_failed(sa, "no exchange could be begun");
}

static void sa_again(void *context)
{
	sa_try(context);
}

void rekey_sa_failed(struct ike_sa *sa, const char *reason)
{
	struct log_subject subject = sa_subject(sa);
	uint64_t wait;

	if (sa->rekey.state != REKEY_UNDER_WAY)
		return;
	sa->rekey.state = REKEY_AGAIN;
	sa->rekey.tries++;
	wait = retry_ms(&sa->rekey);
	log_event(LOG_REKEY_FAILED, &subject, "s:s, s:s, s:I, s:I", "what", "ike", "reason", reason,
		"again_ms", (long long)wait, "left_ms",
		(long long)(sa->expires - timers_now(sa->ike->timers)));
	(void)timer_start(sa->ike->timers, &sa->rekey.timer, wait, sa_again, sa);
}

void rekey_sa_left(struct ike_sa *sa, const char *reason)
{
	struct log_subject subject = sa_subject(sa);

	sa->peer->refuses = true;
	sa->rekey.state = REKEY_NONE;
	log_event(LOG_REKEY_LEFT, &subject, "s:s, s:I", "reason", reason, "left_ms",
		(long long)(sa->expires - timers_now(sa->ike->timers)));
}

void rekey_sa_leave(struct ike_sa *sa)
{
	struct timers *timers = sa->ike->timers;
	uint64_t end = timers_now(timers) + LIFETIME_GRACE_MS;

	sa->rekey.state = REKEY_NONE;
	timer_stop(timers, &sa->rekey.timer);
	if (end >= sa->expires)
		return;
	sa->expires = end;
	(void)timer_start(timers, &sa->timer, LIFETIME_GRACE_MS, peer_sa_expired, sa);
}

void rekey_sa_begin(struct ike_sa *sa)
{
	uint64_t after = soft(sa->ike, sa->lifetime_s * 1000);

	if (!sa->version->rekey_sa)
		return;
	sa->rekey.state = REKEY_WATCHED;
	sa->rekey.due = timers_now(sa->ike->timers) + after;
	(void)timer_start(sa->ike->timers, &sa->rekey.timer, after, sa_again, sa);
}
