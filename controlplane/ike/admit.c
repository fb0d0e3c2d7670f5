// SPDX-License-Identifier: Apache-2.0

// See admit.h. A flood of strangers must cost little for each of them, so nothing here looks
// through a list: half-open SAs are found by a hash of the first message's SPI and source, and each
// source (an IPv4 address, an IPv6 /64) has a record as long as it has such SAs.
//
// There are two queues of them, in all and of each source, each oldest first: those that we have
// heard of once, and those that came back with our SPI, which shows that their address is no
// invention. An SA moves from the first to the second when somebody looks and sees it in front.
// Those about which a server is asked, for as long as a push to a phone may take, are in neither.
//
// When much is half open, the workers are told to let fewer strangers through: as many in a second
// as half of the half-open SAs that there may be, so that an honest client finds its SA still there
// when its next message arrives; of those, who ask again go first.

#include "admit.h"

#include "controlplane/install.h"
#include "controlplane/work.h"
#include "sa.h"

#include "contract/ike_spi.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
	BUCKETS_LEAST = 64,
	BUCKETS_MOST = 1 << 16,
	FIRSTS_LEAST = 64, // a second, when much is half open
	MEMORY_AT = 32,    // the part of the half-open SAs there may be that is no flood any more
	REPLY_MOST = 3,    // times as long as the request
	ADDRESS_BYTES = 16,
	SOURCE_BYTES = 8, // of an IPv6 address, that are one source
};

// Both are oldest first.
struct half_queues {
	struct sa_queue heard;    // once: nothing came back yet
	struct sa_queue answered; // came back
};

struct half_source {
	LIST_ENTRY(half_source) by_address;
	struct ip_address address; // IPv6: of the /64
	uint32_t count;
	uint32_t waiting; // of these
	struct half_queues queues;
};

LIST_HEAD(source_list, half_source);

struct admit {
	uint8_t key[IKE_SPI_KEY];
	uint32_t buckets; // of each, a power of two
	struct sa_list *by_first;
	struct source_list *by_source;
	struct half_queues queues;
	uint32_t waiting; // in no queue
	bool loaded;
	bool was_loaded; // and the memory of that time is not given back yet
};

static void queues_init(struct half_queues *q)
{
	TAILQ_INIT(&q->heard);
	TAILQ_INIT(&q->answered);
}

struct admit *admit_create(struct ike *ike)
{
	struct admit *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->buckets = BUCKETS_LEAST;
	while (a->buckets < ike->config->ike.half_open_max && a->buckets < BUCKETS_MOST)
		a->buckets *= 2;
	a->by_first = calloc(a->buckets, sizeof(*a->by_first));
	a->by_source = calloc(a->buckets, sizeof(*a->by_source));
	queues_init(&a->queues);
	if (a->by_first && a->by_source && RAND_bytes(a->key, sizeof(a->key)) == 1)
		return a;
	admit_free(a);
	return NULL;
}

void admit_free(struct admit *a)
{
	if (!a)
		return;
	free(a->by_first);
	free(a->by_source);
	free(a);
}

// ---- the tables

static struct sa_list *bucket_of_first(
	const struct admit *a, const uint8_t *initiator, const struct flow *flow)
{
	uint8_t bytes[ISAKMP_COOKIE + ADDRESS_BYTES + sizeof(flow->remote_port)];

	memcpy(bytes, initiator, ISAKMP_COOKIE);
	memcpy(bytes + ISAKMP_COOKIE, flow->remote.bytes, ADDRESS_BYTES);
	memcpy(bytes + ISAKMP_COOKIE + ADDRESS_BYTES, &flow->remote_port,
		sizeof(flow->remote_port));
	return &a->by_first[siphash(a->key, bytes, sizeof(bytes)) & (a->buckets - 1)];
}

static struct ip_address source_address(const struct ip_address *remote)
{
	struct ip_address out = *remote;

	if (out.version == IP_V6)
		memset(out.bytes + SOURCE_BYTES, 0, ADDRESS_BYTES - SOURCE_BYTES);
	return out;
}

static struct source_list *bucket_of_source(const struct admit *a, const struct ip_address *address)
{
	return &a->by_source[siphash(a->key, address->bytes, ADDRESS_BYTES) & (a->buckets - 1)];
}

static struct half_source *source_find(const struct admit *a, const struct ip_address *remote)
{
	struct ip_address address = source_address(remote);
	struct half_source *s;

	LIST_FOREACH(s, bucket_of_source(a, &address), by_address)
	if (address_equal(&s->address, &address))
		return s;
	return NULL;
}

static struct half_source *source_get(struct admit *a, const struct ip_address *remote)
{
	struct half_source *s = source_find(a, remote);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->address = source_address(remote);
	queues_init(&s->queues);
	LIST_INSERT_HEAD(bucket_of_source(a, &s->address), s, by_address);
	return s;
}

struct ike_sa *admit_find(struct ike *ike, const struct ike_version *version,
	const uint8_t *initiator, const struct flow *flow)
{
	struct ike_sa *sa;

	LIST_FOREACH(sa, bucket_of_first(ike->admit, initiator, flow), half.by_first)
	if (sa->version == version && memcmp(sa->cookie_i, initiator, ISAKMP_COOKIE) == 0 &&
		flow_equal(&sa->flow, flow))
		return sa;
	return NULL;
}

// ---- room

static void leave_queues(struct admit *a, struct ike_sa *sa)
{
	struct half_queues *all = &a->queues, *of_source = &sa->half.source->queues;

	if (sa->half.waits) {
		a->waiting--;
		sa->half.source->waiting--;
		return;
	}
	TAILQ_REMOVE(sa->half.answered ? &all->answered : &all->heard, sa, half.in_all);
	TAILQ_REMOVE(
		sa->half.answered ? &of_source->answered : &of_source->heard, sa, half.of_source);
}

// Among those that came back to us.
static void enter_answered(struct admit *a, struct ike_sa *sa)
{
	sa->half.answered = true;
	TAILQ_INSERT_TAIL(&a->queues.answered, sa, half.in_all);
	TAILQ_INSERT_TAIL(&sa->half.source->queues.answered, sa, half.of_source);
}

// Puts those in front that came back to us where they belong.
static void settle(struct admit *a, struct ike_sa *sa)
{
	leave_queues(a, sa);
	enter_answered(a, sa);
}

// Without a sign of good faith: nothing came back to us, or the proof not in time.
static bool may_give_way(const struct ike_sa *sa)
{
	uint64_t age = timers_now(sa->ike->timers) - sa->created - sa->half.waited_ms;

	return sa->state == IKE_WAIT_KE || (sa->state == IKE_WAIT_AUTH && age > HALF_OPEN_FAITH_MS);
}

// Which of the two gives way; both may be NULL.
static struct ike_sa *older(struct ike_sa *heard, struct ike_sa *answered)
{
	if (answered && !may_give_way(answered))
		answered = NULL;
	if (!heard || !answered)
		return heard ? heard : answered;
	return heard->created <= answered->created ? heard : answered;
}

static struct ike_sa *oldest_of_all(struct admit *a)
{
	struct ike_sa *sa;

	while ((sa = TAILQ_FIRST(&a->queues.heard)) && sa->state != IKE_WAIT_KE)
		settle(a, sa);
	return older(sa, TAILQ_FIRST(&a->queues.answered));
}

static struct ike_sa *oldest_of_source(struct admit *a, struct half_source *s)
{
	struct ike_sa *sa;

	while ((sa = TAILQ_FIRST(&s->queues.heard)) && sa->state != IKE_WAIT_KE)
		settle(a, sa);
	return older(sa, TAILQ_FIRST(&s->queues.answered));
}

// The half-open SAs that one source may have: a quarter of all, so that whoever owns one address
// cannot shut out everybody else.
static uint32_t share(const struct ike *ike)
{
	uint32_t quarter = ike->config->ike.half_open_max / 4;

	return quarter > HALF_OPEN_SHARE_MIN ? quarter : HALF_OPEN_SHARE_MIN;
}

bool admit_room(struct ike *ike, const struct ip_address *remote)
{
	struct half_source *s = source_find(ike->admit, remote);
	struct ike_sa *oldest;

	if (s && s->count >= share(ike))
		oldest = oldest_of_source(ike->admit, s);
	else if (ike->counters.half_open < ike->config->ike.half_open_max)
		return true;
	else
		oldest = oldest_of_all(ike->admit);
	if (oldest)
		sa_free(oldest);
	return oldest != NULL;
}

void admit_wait(struct ike_sa *sa)
{
	struct admit *a = sa->ike->admit;
	uint32_t most = sa->ike->config->ike.half_open_max / 2, of_source = share(sa->ike) / 2;

	if (sa->half.waits || a->waiting >= most || sa->half.source->waiting >= of_source)
		return;
	leave_queues(a, sa);
	sa->half.waits = true;
	sa->half.waits_since = timers_now(sa->ike->timers);
	a->waiting++;
	sa->half.source->waiting++;
}

void admit_go_on(struct ike_sa *sa)
{
	struct admit *a = sa->ike->admit;

	if (!sa->half.waits)
		return;
	leave_queues(a, sa);
	sa->half.waits = false;
	sa->half.waited_ms += timers_now(sa->ike->timers) - sa->half.waits_since;
	enter_answered(a, sa);
}

// ---- load

// When the flood is over and what it left is gone, the system gets its memory back: the C library
// would keep it.
static void give_back(struct admit *a, uint32_t most, uint32_t now)
{
	if (!a->was_loaded || now > most / MEMORY_AT)
		return;
	a->was_loaded = false;
	malloc_trim(0);
}

static void weigh(struct ike *ike)
{
	uint32_t most = ike->config->ike.half_open_max, now = ike->counters.half_open;
	struct admit *a = ike->admit;

	give_back(a, most, now);
	if (a->loaded ? now > most / 4 : now <= most / 2)
		return;
	a->loaded = !a->loaded;
	a->was_loaded = true;
	log_event(
		a->loaded ? LOG_IKE_LOADED : LOG_IKE_RELIEVED, NULL, "s:i", "half_open", (int)now);
	if (a->loaded)
		install_ike_firsts(most / 2 > FIRSTS_LEAST ? most / 2 : FIRSTS_LEAST);
	else
		install_ike_firsts(0);
}

int admit_enter(struct ike_sa *sa)
{
	struct ike *ike = sa->ike;
	struct admit *a = ike->admit;
	struct half_source *s = source_get(a, &sa->flow.remote);

	if (!s)
		return -ENOMEM;
	s->count++;
	sa->half = (struct half_open){.source = s};
	TAILQ_INSERT_TAIL(&a->queues.heard, sa, half.in_all);
	TAILQ_INSERT_TAIL(&s->queues.heard, sa, half.of_source);
	LIST_INSERT_HEAD(bucket_of_first(a, sa->cookie_i, &sa->flow), sa, half.by_first);
	ike->counters.half_open++;
	weigh(ike);
	return 0;
}

void admit_leave(struct ike_sa *sa)
{
	struct half_source *s = sa->half.source;

	if (!s)
		return;
	leave_queues(sa->ike->admit, sa);
	LIST_REMOVE(sa, half.by_first);
	if (--s->count == 0) {
		LIST_REMOVE(s, by_address);
		free(s);
	}
	sa->half.source = NULL;
	sa->ike->counters.half_open--;
	weigh(sa->ike);
}

bool admit_is_loaded(const struct ike *ike)
{
	return ike->admit->loaded;
}

bool admit_first(const struct ike *ike)
{
	(void)ike; // all exchanges share the queue
	return !work_is_full();
}

bool admit_wants_cookie(const struct ike *ike)
{
	return ike->counters.half_open >= ike->config->ike.cookies_from;
}

bool admit_reply_fits(size_t request, size_t reply)
{
	return reply <= REPLY_MOST * request;
}
