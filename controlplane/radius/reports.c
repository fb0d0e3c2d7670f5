// SPDX-License-Identifier: Apache-2.0

// All reports stand in one list by age. Those that may go, since nothing of their session is before
// them, stand in a second one; from there they are handed to the client, so many at a time, and go
// back to its head when no server takes them.

#include "reports.h"

#include "client.h"
#include "types.h"

#include "controlplane/log.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum {
	ON_THE_WAY = 1024,
	PATIENCE_MS = 60 * 1000,
	AGAIN_MS = 1000, // until the next try when no server takes anything
	MIB = 1 << 20,
	EARLIER = 1024,
	OVERHEAD = 128, // bytes of a report besides its attributes
	MANY = 1024,    // that waited: when nearly all are gone, their memory goes back
	FEW = 16,       // of so many one is left then
};

struct report {
	TAILQ_ENTRY(report) by_age, ready, interim;
	struct reports *all;
	struct report_chain *chain;   // of its session, if it is the newest and that lives
	struct report *before, *next; // of its session, that still wait
	uint64_t number;
	uint64_t created; // seconds since 1970
	bool is_ready, on_the_way;
	uint8_t kind; // enum report_kind
	uint16_t length;
	uint8_t *attributes;
};
TAILQ_HEAD(report_list, report);

struct reports {
	const struct config *config;
	struct timers *timers;
	struct radius *radius;
	struct spool *spool;
	struct report_list by_age, ready, interim;
	struct timer commit, again;
	uint64_t next_number;
	struct report_chain earlier[EARLIER]; // of reports of an earlier run
	uint32_t walls;                       // On and Off that wait
	uint32_t on_the_way;
	uint64_t bound; // bytes
	uint32_t most;  // that waited since it was given back
	struct reports_info info;
};

static bool is_wall(const struct report *p)
{
	return p->kind == REPORT_ON || p->kind == REPORT_OFF;
}

// ---- the file

struct stored {
	uint64_t created;
	uint8_t kind;
	uint8_t zero[7];
};

static void commit(void *context)
{
	struct reports *r = context;

	(void)spool_commit(r->spool);
}

void reports_changed(struct reports *r)
{
	if (r->spool && !timer_running(&r->commit))
		(void)timer_start(r->timers, &r->commit, 0, commit, r);
}

static const char *key_of(const struct report *p, char key[SPOOL_KEY])
{
	snprintf(key, SPOOL_KEY, "r%016" PRIx64, p->number);
	return key;
}

static void store(const struct report *p)
{
	uint8_t value[sizeof(struct stored) + RADIUS_PACKET];
	const struct stored head = {.created = p->created, .kind = p->kind};
	char key[SPOOL_KEY];

	if (!p->all->spool)
		return;
	memcpy(value, &head, sizeof(head));
	memcpy(value + sizeof(head), p->attributes, p->length);
	(void)spool_put(p->all->spool, key_of(p, key), value, sizeof(head) + p->length);
	reports_changed(p->all);
}

static void unstore(const struct report *p)
{
	char key[SPOOL_KEY];

	if (!p->all->spool)
		return;
	spool_delete(p->all->spool, key_of(p, key));
	reports_changed(p->all);
}

// ---- the lists

static void make_ready(struct report *p, bool first)
{
	p->is_ready = true;
	if (first)
		TAILQ_INSERT_HEAD(&p->all->ready, p, ready);
	else
		TAILQ_INSERT_TAIL(&p->all->ready, p, ready);
}

static void make_unready(struct report *p)
{
	if (p->is_ready)
		TAILQ_REMOVE(&p->all->ready, p, ready);
	p->is_ready = false;
}

// After an outage the heap has holes that would stay ours.
static void give_back(struct reports *r)
{
	if (r->most < MANY || r->info.waiting > r->most / FEW)
		return;
	malloc_trim(0);
	r->most = r->info.waiting;
}

// It has been taken, or is given up: the next one of its session may go.
static void report_end(struct report *p)
{
	struct reports *r = p->all;

	make_unready(p);
	TAILQ_REMOVE(&r->by_age, p, by_age);
	if (p->kind == REPORT_INTERIM)
		TAILQ_REMOVE(&r->interim, p, interim);
	if (p->next) {
		p->next->before = NULL;
		make_ready(p->next, false);
	}
	if (p->chain && p->chain->last == p)
		p->chain->last = NULL;
	r->walls -= is_wall(p);
	r->info.waiting--;
	r->info.bytes -= p->length + OVERHEAD;
	free(p->attributes);
	free(p);
	give_back(r);
}

// Its neighbours in its session have nothing between them any more.
static void unchain(struct report *p)
{
	if (!p->before)
		return;
	p->before->next = p->next;
	if (p->next)
		p->next->before = p->before;
	p->before->chain = p->chain;
	if (p->chain)
		p->chain->last = p->before;
	p->chain = NULL;
	p->next = NULL;
}

static void lose(struct report *p)
{
	log_event(LOG_ACCOUNTING_LOST, NULL, "s:i, s:I", "status_type", p->kind, "created",
		(long long)p->created);
	p->all->info.lost++;
	unstore(p);
	unchain(p);
	report_end(p);
}

static struct report *first_waiting(struct report_list *list, bool interim)
{
	struct report *p;

	if (interim) {
		TAILQ_FOREACH(p, list, interim)
		if (!p->on_the_way)
			return p;
		return NULL;
	}
	TAILQ_FOREACH(p, list, by_age)
	if (!p->on_the_way)
		return p;
	return NULL;
}

static void keep_bound(struct reports *r)
{
	while (r->info.bytes > r->bound) {
		struct report *p = first_waiting(&r->interim, true);

		if (!p)
			p = first_waiting(&r->by_age, false);
		if (!p)
			return;
		lose(p);
	}
}

// ---- to the servers

static int write_report(void *context, struct radius_build *b)
{
	const struct report *p = context;
	int64_t delay = (int64_t)time(NULL) - (int64_t)p->created;

	radius_put_u32(b, RADIUS_ACCT_STATUS_TYPE, p->kind);
	radius_put_all(b, p->attributes, p->length);
	radius_put_u32(b, RADIUS_ACCT_DELAY_TIME, delay > 0 ? (uint32_t)delay : 0);
	return 0;
}

static void pump(void *context);

static void taken(void *context, const struct radius_result *result)
{
	struct report *p = context;
	struct reports *r = p->all;

	p->on_the_way = false;
	r->on_the_way--;
	if (result->outcome == RADIUS_ANSWERED) {
		r->info.answered++;
		unstore(p);
		report_end(p);
		pump(r);
		return;
	}
	make_ready(p, true);
	if (!timer_running(&r->again))
		(void)timer_start(r->timers, &r->again, AGAIN_MS, pump, r);
}

static int send_report(struct report *p)
{
	const struct radius_call call = {
		.kind = RADIUS_ACCOUNTING,
		.code = RADIUS_ACCOUNTING_REQUEST,
		.server = RADIUS_ANY_SERVER,
		.patience_ms = PATIENCE_MS,
		.write = write_report,
		.done = taken,
		.context = p,
	};
	int error = radius_send(p->all->radius, &call);

	if (error < 0)
		return error;
	make_unready(p);
	p->on_the_way = true;
	p->all->on_the_way++;
	p->all->info.sent++;
	return 0;
}

// The oldest wall that waits; NULL: none.
static const struct report *wall_of(const struct reports *r)
{
	const struct report *p;

	if (r->walls == 0)
		return NULL;
	TAILQ_FOREACH(p, &r->by_age, by_age)
	if (is_wall(p))
		return p;
	return NULL;
}

// False: nothing can be sent now.
static bool may_send(struct reports *r, struct report *p)
{
	if (radius_alive(r->radius, RADIUS_ACCOUNTING) && send_report(p) == 0)
		return true;
	(void)timer_start(r->timers, &r->again, AGAIN_MS, pump, r);
	return false;
}

// What came before the wall, and then the wall itself.
static void pump_to(struct reports *r, const struct report *wall)
{
	struct report *p;

	TAILQ_FOREACH(p, &r->by_age, by_age)
	{
		bool may = p == wall ? p == TAILQ_FIRST(&r->by_age) : true;

		if (r->on_the_way >= ON_THE_WAY)
			return;
		if (may && p->is_ready && !may_send(r, p))
			return;
		if (p == wall)
			return;
	}
}

static void pump(void *context)
{
	struct reports *r = context;
	const struct report *wall = wall_of(r);
	struct report *p;

	if (!r->radius)
		return;
	if (wall) {
		pump_to(r, wall);
		return;
	}
	while ((p = TAILQ_FIRST(&r->ready)) && r->on_the_way < ON_THE_WAY)
		if (!may_send(r, p))
			return;
}

// ---- what is reported

static struct report *report_make(
	struct reports *r, uint8_t kind, const uint8_t *attributes, size_t length)
{
	struct report *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->attributes = malloc(length + 1);
	if (!p->attributes) {
		free(p);
		return NULL;
	}
	memcpy(p->attributes, attributes, length);
	p->length = (uint16_t)length;
	p->all = r;
	p->kind = kind;
	p->created = (uint64_t)time(NULL);
	p->number = r->next_number++;
	TAILQ_INSERT_TAIL(&r->by_age, p, by_age);
	if (kind == REPORT_INTERIM)
		TAILQ_INSERT_TAIL(&r->interim, p, interim);
	r->walls += is_wall(p);
	r->info.waiting++;
	r->most = r->info.waiting > r->most ? r->info.waiting : r->most;
	r->info.bytes += length + OVERHEAD;
	return p;
}

// The session says something newer before the older was sent.
static bool replace(struct report *p, const uint8_t *attributes, size_t length)
{
	uint8_t *copy;

	if (!p || p->kind != REPORT_INTERIM || p->on_the_way)
		return false;
	copy = malloc(length + 1);
	if (!copy)
		return false;
	memcpy(copy, attributes, length);
	free(p->attributes);
	p->all->info.bytes += length;
	p->all->info.bytes -= p->length;
	p->attributes = copy;
	p->length = (uint16_t)length;
	p->created = (uint64_t)time(NULL);
	store(p);
	return true;
}

static void chain_to(struct report_chain *chain, struct report *p)
{
	struct report *last = chain ? chain->last : NULL;

	p->before = last;
	if (last) {
		last->next = p;
		last->chain = NULL;
	} else {
		make_ready(p, false);
	}
	p->chain = chain;
	if (chain)
		chain->last = p;
}

int reports_add(struct reports *r, struct report_chain *chain, enum report_kind kind,
	const uint8_t *attributes, size_t length)
{
	struct report *p;

	if (length > RADIUS_PACKET - RADIUS_HEADER)
		return -E2BIG;
	if (kind == REPORT_INTERIM && chain && replace(chain->last, attributes, length))
		return 0;
	p = report_make(r, (uint8_t)kind, attributes, length);
	if (!p)
		return -ENOMEM;
	chain_to(chain, p);
	store(p);
	keep_bound(r);
	pump(r);
	return 0;
}

void reports_leave(struct report_chain *chain)
{
	if (chain->last)
		chain->last->chain = NULL;
	chain->last = NULL;
}

// ---- life

// Which of the chains of an earlier run: the same for all reports of a session.
static struct report_chain *earlier_chain(struct reports *r, const struct report *p)
{
	uint32_t hash = 0;

	for (size_t at = 0; at + 2 <= p->length; at += p->attributes[at + 1])
		if (p->attributes[at] == RADIUS_ACCT_SESSION_ID)
			for (unsigned i = 2; i < p->attributes[at + 1]; i++)
				hash = hash * 31 + p->attributes[at + i];
	return &r->earlier[hash % EARLIER];
}

// A file that others have written to may hold anything.
bool reports_is_whole(const uint8_t *attributes, size_t length)
{
	size_t at = 0;

	while (at + 2 <= length && attributes[at + 1] >= 2 && at + attributes[at + 1] <= length)
		at += attributes[at + 1];
	return at == length;
}

static struct report *take_up(
	struct reports *r, uint8_t kind, uint64_t created, const uint8_t *attributes, size_t length)
{
	struct report *p = report_make(r, kind, attributes, length);

	if (!p)
		return NULL;
	p->created = created;
	chain_to(is_wall(p) ? NULL : earlier_chain(r, p), p);
	return p;
}

int reports_take_up(struct reports *r, enum report_kind kind, uint64_t created,
	const uint8_t *attributes, size_t length)
{
	struct report *p = take_up(r, (uint8_t)kind, created, attributes, length);

	if (!p)
		return -ENOMEM;
	store(p);
	keep_bound(r);
	pump(r);
	return 0;
}

static void take_stored(void *context, const char *key, const uint8_t *value, size_t length)
{
	struct reports *r = context;
	struct stored head;

	if (length < sizeof(head) || length > sizeof(head) + RADIUS_PACKET - RADIUS_HEADER ||
		!reports_is_whole(value + sizeof(head), length - sizeof(head)))
		return;
	memcpy(&head, value, sizeof(head));
	r->next_number = strtoull(key + 1, NULL, 16);
	(void)take_up(r, head.kind, head.created, value + sizeof(head), length - sizeof(head));
}

struct reports *reports_create(const struct config *config, struct timers *timers,
	struct radius *radius, struct spool *spool)
{
	struct reports *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = config;
	r->timers = timers;
	r->radius = radius;
	r->spool = spool;
	r->bound = (uint64_t)config->radius.spool_mib * MIB;
	r->next_number = 1;
	TAILQ_INIT(&r->by_age);
	TAILQ_INIT(&r->ready);
	TAILQ_INIT(&r->interim);
	if (spool && spool_each(spool, "r", take_stored, r) < 0) {
		reports_free(r);
		return NULL;
	}
	pump(r);
	return r;
}

void reports_free(struct reports *r)
{
	struct report *p;

	if (!r)
		return;
	timer_stop(r->timers, &r->commit);
	timer_stop(r->timers, &r->again);
	while ((p = TAILQ_FIRST(&r->by_age))) {
		if (p->on_the_way)
			radius_forget(r->radius, p);
		if (p->chain)
			p->chain->last = NULL;
		p->next = NULL;
		report_end(p);
	}
	free(r);
}

void reports_info(const struct reports *r, struct reports_info *out)
{
	const struct report *oldest = TAILQ_FIRST(&r->by_age);
	uint64_t now = (uint64_t)time(NULL);

	*out = r->info;
	out->oldest_s = oldest && now > oldest->created ? (uint32_t)(now - oldest->created) : 0;
}
