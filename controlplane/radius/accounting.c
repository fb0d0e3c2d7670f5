// SPDX-License-Identifier: Apache-2.0

// What each session has to say, and when. A record of each session that is up is in the spool, with
// all that its Stop needs; the next control plane finds it when this one dies.

#include "accounting.h"

#include "client.h"
#include "reports.h"
#include "request.h"
#include "spool.h"
#include "types.h"
#include "wire.h"

#include "controlplane/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

LIST_HEAD(sessions, accounting_session);

struct accounting {
	const struct config *config;
	struct timers *timers;
	struct spool *spool;
	struct reports *reports;
	struct sessions sessions;
	struct accounting_info info;
};

struct accounting_session {
	LIST_ENTRY(accounting_session) entry;
	struct accounting *all;
	char id[ACCT_SESSION_ID];
	struct report_chain chain;
	struct timer interim;
	uint32_t interim_s;
	uint64_t started; // seconds since 1970
	accounting_counter counter;
	void *context;
	struct accounting_count count; // as the last report had it
	size_t length;
	uint8_t *facts; // the attributes that all its reports have
};

// ---- attributes

static bool is_on(const struct accounting *a)
{
	return a->reports != NULL;
}

static void put_authentic(struct radius_build *b, const char *auth)
{
	enum { RADIUS = 1, LOCAL = 2, REMOTE = 3 };

	radius_put_u32(b, RADIUS_ACCT_AUTHENTIC,
		strcmp(auth, "radius") == 0  ? RADIUS
		: strcmp(auth, "users") == 0 ? LOCAL
					     : REMOTE);
}

static void put_addresses(struct radius_build *b, const struct accounting_facts *f)
{
	if (f->address.version == IP_V4)
		radius_put_ip4(b, RADIUS_FRAMED_IP_ADDRESS, &f->address);
	if (f->prefix6.address.version == IP_V6)
		radius_put_prefix6(b, RADIUS_FRAMED_IPV6_PREFIX, &f->prefix6);
	if (f->delegated.address.version == IP_V6)
		radius_put_prefix6(b, RADIUS_DELEGATED_IPV6_PREFIX, &f->delegated);
}

static void put_facts(
	struct radius_build *b, const struct config *config, const struct accounting_facts *f)
{
	const struct grant_more *more = f->grant->more;

	radius_put_text(b, RADIUS_USER_NAME, *f->grant->user ? f->grant->user : f->user);
	for (unsigned i = 0; more && i < more->class_count; i++)
		radius_put(b, RADIUS_CLASS, more->classes[i], more->class_length[i]);
	put_authentic(b, f->auth);
	put_addresses(b, f);
	request_put_subject(b, config, f->who);
}

// A packet that will never be sent: its attributes are what is wanted.
static int begin(struct radius_build *b)
{
	static const struct radius_secret none = {"", 0};

	return radius_begin(b, RADIUS_ACCOUNTING_REQUEST, &none);
}

static int keep_facts(struct accounting_session *s, const struct accounting_facts *f)
{
	struct radius_build b;
	uint8_t *copy;

	if (begin(&b) < 0)
		return -EIO;
	put_facts(&b, s->all->config, f);
	copy = malloc(b.length - RADIUS_HEADER + 1);
	if (!copy)
		return -ENOMEM;
	free(s->facts);
	s->facts = copy;
	s->length = b.length - RADIUS_HEADER;
	memcpy(s->facts, b.bytes + RADIUS_HEADER, s->length);
	return 0;
}

static void put_gigawords(struct radius_build *b, uint8_t low, uint8_t high, uint64_t bytes)
{
	radius_put_u32(b, low, (uint32_t)bytes);
	radius_put_u32(b, high, (uint32_t)(bytes >> 32));
}

// RFC 2866 counts packets in 32 bits; who has more has them modulo that, as with octets.
static void put_count(struct radius_build *b, const struct accounting_count *c, uint64_t session_s)
{
	put_gigawords(b, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS, c->in_bytes);
	put_gigawords(b, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS, c->out_bytes);
	radius_put_u32(b, RADIUS_ACCT_INPUT_PACKETS, (uint32_t)c->in_packets);
	radius_put_u32(b, RADIUS_ACCT_OUTPUT_PACKETS, (uint32_t)c->out_packets);
	radius_put_u32(b, RADIUS_ACCT_SESSION_TIME, (uint32_t)session_s);
}

// ---- the record in the spool

struct record {
	uint64_t started, seen; // seconds since 1970
	struct accounting_count count;
};

static const char *key_of(const char *id, char key[SPOOL_KEY])
{
	snprintf(key, SPOOL_KEY, "s%s", id);
	return key;
}

static void store(const struct accounting_session *s)
{
	const struct record head = {
		.started = s->started, .seen = (uint64_t)time(NULL), .count = s->count};
	uint8_t value[sizeof(head) + RADIUS_PACKET];
	char key[SPOOL_KEY];

	if (!s->all->spool)
		return;
	memcpy(value, &head, sizeof(head));
	memcpy(value + sizeof(head), s->facts, s->length);
	(void)spool_put(s->all->spool, key_of(s->id, key), value, sizeof(head) + s->length);
	reports_changed(s->all->reports);
}

static void unstore(const struct accounting_session *s)
{
	char key[SPOOL_KEY];

	if (!s->all->spool)
		return;
	spool_delete(s->all->spool, key_of(s->id, key));
	reports_changed(s->all->reports);
}

// ---- reports

static int report(struct accounting_session *s, enum report_kind kind, enum acct_cause cause)
{
	uint64_t now = (uint64_t)time(NULL);
	struct radius_build b;
	int error = begin(&b);

	if (error < 0)
		return error;
	radius_put_all(&b, s->facts, s->length);
	radius_put_u32(&b, RADIUS_EVENT_TIMESTAMP, (uint32_t)now);
	if (kind != REPORT_START)
		put_count(&b, &s->count, now > s->started ? now - s->started : 0);
	if (kind == REPORT_STOP)
		radius_put_u32(&b, RADIUS_ACCT_TERMINATE_CAUSE, cause);
	return reports_add(s->all->reports, &s->chain, kind, b.bytes + RADIUS_HEADER,
		b.length - RADIUS_HEADER);
}

static void count(struct accounting_session *s)
{
	struct accounting_count now;

	if (s->counter && s->counter(s->context, &now))
		s->count = now;
}

static void wait_for_interim(struct accounting_session *s);

static void say_interim(void *context)
{
	struct accounting_session *s = context;

	count(s);
	store(s);
	(void)report(s, REPORT_INTERIM, 0);
	wait_for_interim(s);
}

// Up to so many percent earlier, so that those who came together do not report together.
static void wait_for_interim(struct accounting_session *s)
{
	uint64_t ms = s->interim_s * 1000ULL;
	uint64_t most = ms * s->all->config->radius.interim_jitter / 100;
	uint64_t earlier = 0;

	timer_stop(s->all->timers, &s->interim);
	if (ms == 0)
		return;
	if (most && getrandom(&earlier, sizeof(earlier), 0) == sizeof(earlier))
		earlier %= most + 1;
	(void)timer_start(s->all->timers, &s->interim, ms - earlier, say_interim, s);
}

struct accounting_session *accounting_start(struct accounting *a,
	const struct accounting_facts *facts, accounting_counter counter, void *context)
{
	struct accounting_session *s = is_on(a) ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->all = a;
	s->counter = counter;
	s->context = context;
	s->started = (uint64_t)time(NULL);
	s->interim_s = facts->grant->interim_s;
	request_session_id(facts->who->attempt, s->id);
	if (keep_facts(s, facts) < 0) {
		free(s);
		return NULL;
	}
	LIST_INSERT_HEAD(&a->sessions, s, entry);
	a->info.started++;
	a->info.sessions++;
	store(s);
	(void)report(s, REPORT_START, 0);
	wait_for_interim(s);
	return s;
}

void accounting_change(struct accounting_session *s, const struct accounting_facts *facts)
{
	if (!s)
		return;
	(void)keep_facts(s, facts);
	s->interim_s = facts->grant->interim_s;
	say_interim(s);
}

static void session_free(struct accounting_session *s)
{
	timer_stop(s->all->timers, &s->interim);
	reports_leave(&s->chain);
	LIST_REMOVE(s, entry);
	free(s->facts);
	free(s);
}

void accounting_stop(struct accounting_session *s, enum acct_cause cause)
{
	if (!s)
		return;
	count(s);
	(void)report(s, REPORT_STOP, cause);
	unstore(s);
	s->all->info.stopped++;
	s->all->info.sessions--;
	session_free(s);
}

// ---- the gateway

static void say_of_gateway(struct accounting *a, enum report_kind kind)
{
	struct radius_build b;

	if (begin(&b) < 0)
		return;
	radius_put_u32(&b, RADIUS_EVENT_TIMESTAMP, (uint32_t)time(NULL));
	(void)reports_add(
		a->reports, NULL, kind, b.bytes + RADIUS_HEADER, b.length - RADIUS_HEADER);
}

// A session of a control plane that died: its Stop, as far as it is known.
struct orphans {
	struct accounting *a;
	struct orphan {
		struct orphan *next;
		char key[SPOOL_KEY];
	} * first;
};

static void stop_orphan(void *context, const char *key, const uint8_t *value, size_t length)
{
	struct orphans *orphans = context;
	struct orphan *o = calloc(1, sizeof(*o));
	struct record head;
	struct radius_build b;

	if (!o)
		return;
	snprintf(o->key, sizeof(o->key), "%s", key);
	o->next = orphans->first;
	orphans->first = o;
	if (length < sizeof(head) || begin(&b) < 0 ||
		!reports_is_whole(value + sizeof(head), length - sizeof(head)))
		return;
	memcpy(&head, value, sizeof(head));
	radius_put_all(&b, value + sizeof(head), length - sizeof(head));
	radius_put_u32(&b, RADIUS_EVENT_TIMESTAMP, (uint32_t)head.seen);
	put_count(&b, &head.count, head.seen > head.started ? head.seen - head.started : 0);
	radius_put_u32(&b, RADIUS_ACCT_TERMINATE_CAUSE, ACCT_NAS_REBOOT);
	(void)reports_take_up(orphans->a->reports, REPORT_STOP, head.seen, b.bytes + RADIUS_HEADER,
		b.length - RADIUS_HEADER);
}

// Their reports are stored before their records go.
static void stop_orphans(struct accounting *a)
{
	struct orphans orphans = {.a = a};
	struct orphan *o;

	(void)spool_each(a->spool, "s", stop_orphan, &orphans);
	while ((o = orphans.first)) {
		orphans.first = o->next;
		spool_delete(a->spool, o->key);
		free(o);
	}
	(void)spool_commit(a->spool);
}

static int open_spool(struct accounting *a)
{
	const struct config_radius *r = &a->config->radius;

	return *r->spool ? spool_open(r->spool, r->spool_mib, &a->spool) : 0;
}

static bool is_wanted(const struct config_radius *r)
{
	for (uint16_t i = 0; i < r->server_count; i++)
		if (r->accounting && r->servers[i].accounting_port)
			return true;
	return false;
}

struct accounting *accounting_create(
	const struct config *config, struct timers *timers, struct radius *radius)
{
	struct accounting *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->config = config;
	a->timers = timers;
	if (!radius || !is_wanted(&config->radius))
		return a;
	if (open_spool(a) < 0) {
		free(a);
		return NULL;
	}
	a->reports = reports_create(config, timers, radius, a->spool);
	if (!a->reports) {
		accounting_free(a);
		return NULL;
	}
	if (a->spool)
		stop_orphans(a);
	say_of_gateway(a, REPORT_ON);
	return a;
}

void accounting_close(struct accounting *a)
{
	if (is_on(a))
		say_of_gateway(a, REPORT_OFF);
}

void accounting_free(struct accounting *a)
{
	if (!a)
		return;
	while (!LIST_EMPTY(&a->sessions))
		session_free(LIST_FIRST(&a->sessions));
	reports_free(a->reports);
	spool_close(a->spool);
	free(a);
}

void accounting_info(const struct accounting *a, struct accounting_info *out)
{
	struct reports_info r = {0};

	*out = a->info;
	if (is_on(a))
		reports_info(a->reports, &r);
	out->sent = r.sent;
	out->answered = r.answered;
	out->lost = r.lost;
	out->waiting = r.waiting;
	out->spool_bytes = r.bytes;
	out->oldest_s = r.oldest_s;
}

// ---- words

enum acct_cause acct_cause_of(const char *cause)
{
	static const struct {
		const char *begins;
		enum acct_cause cause;
	} words[] = {
		{"session-timeout", ACCT_SESSION_TIMEOUT},
		{"idle-timeout", ACCT_IDLE_TIMEOUT},
		{"ppp: peer-terminated", ACCT_USER_REQUEST},
		{"ppp: echo-timeout", ACCT_LOST_CARRIER},
		{"ppp:", ACCT_USER_ERROR},
		{"l2tp: the peer does not acknowledge", ACCT_LOST_CARRIER},
		{"l2tp: the peer", ACCT_USER_REQUEST},
		{"l2tp: StopCCN", ACCT_USER_REQUEST},
		{"l2tp: CDN with result 1,", ACCT_LOST_CARRIER},
		{"l2tp: CDN", ACCT_USER_REQUEST},
		{"l2tp:", ACCT_LOST_SERVICE},
		{"ike: deleted", ACCT_USER_REQUEST},
		{"ike: replaced", ACCT_USER_REQUEST},
		{"ike: dead", ACCT_LOST_CARRIER},
		{"ike:", ACCT_LOST_SERVICE},
		{"dataplane:", ACCT_NAS_ERROR},
		{"the user came again", ACCT_NAS_REQUEST},
		{"disconnected by", ACCT_ADMIN_RESET},
		{"coa", ACCT_ADMIN_RESET},
		{"stop", ACCT_ADMIN_REBOOT},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(cause, words[i].begins, strlen(words[i].begins)) == 0)
			return words[i].cause;
	return ACCT_NAS_REQUEST;
}
