// SPDX-License-Identifier: Apache-2.0

// See place.h. A place is its source together with the issuer that is asked about, and with the
// certificate too where that is the question (OCSP). While an answer is under way a place is busy:
// who asks meanwhile waits for the same answer. What fails is tried again after PLACE_RETRY_MS, not
// for each peer that comes in between; and a responder that has not answered one question is not
// asked others before.

#include "place.h"

#include "certificate.h"
#include "controlplane/log.h"
#include "controlplane/work.h"
#include "fetch.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum { BUCKETS = 1024, TICK_MS = 5000 };

struct place {
	LIST_ENTRY(place) by_key;
	TAILQ_ENTRY(place) used; // the one asked longest ago first
	TAILQ_ENTRY(place) waits;
	uint8_t key[SHA256_DIGEST_LENGTH];
	char *source;
	bool ocsp, file;
	X509 *x, *issuer; // x: OCSP alone
	bool busy;        // a job waits or runs
	bool queued;
	X509_CRL *crl;
	enum revocation_answer said; // by OCSP
	char why[REVOCATION_WHY];    // of the newest failure; empty: none
	struct certificate_stamp stamp;
	int64_t fetched, next; // seconds since 1970
	uint64_t due;          // milliseconds of the timers: not good any more from then on
	uint64_t asked;
};

// A responder that gave no answer, and until when nobody is to wait for it again.
struct silence {
	uint8_t source[SHA256_DIGEST_LENGTH];
	uint64_t until; // milliseconds of the timers
	char why[REVOCATION_WHY];
};

LIST_HEAD(place_list, place);
TAILQ_HEAD(place_queue, place);

struct places {
	struct timers *timers;
	struct timer tick;
	uint32_t refresh_s;
	bool legacy;
	void (*changed)(void *context);
	void *context;
	struct place_list by_key[BUCKETS];
	struct place_queue used, waits;
	struct silence silent[PLACE_SILENT];
	unsigned count, fetches;
	unsigned jobs; // that point here; the last one frees when closed
	bool closed;
};

struct job {
	struct fetch fetch;
	struct places *places;
	struct place *place; // busy, so it stays
};

static int64_t (*clock_now)(void);

int64_t places_now(void)
{
	return clock_now ? clock_now() : (int64_t)time(NULL);
}

void places_set_clock(int64_t (*now)(void))
{
	clock_now = now;
}

// ---- the table

static void place_free(struct places *p, struct place *place)
{
	LIST_REMOVE(place, by_key);
	TAILQ_REMOVE(&p->used, place, used);
	if (place->queued)
		TAILQ_REMOVE(&p->waits, place, waits);
	X509_free(place->x);
	X509_free(place->issuer);
	X509_CRL_free(place->crl);
	free(place->source);
	free(place);
	p->count--;
}

static void key_of(const char *source, X509 *x, X509 *issuer, uint8_t key[SHA256_DIGEST_LENGTH])
{
	struct {
		uint8_t source[SHA256_DIGEST_LENGTH], issuer[SHA256_DIGEST_LENGTH];
		uint8_t x[SHA256_DIGEST_LENGTH];
	} parts = {0};

	SHA256((const unsigned char *)source, strlen(source), parts.source);
	(void)X509_digest(issuer, EVP_sha256(), parts.issuer, NULL);
	if (x)
		(void)X509_digest(x, EVP_sha256(), parts.x, NULL);
	SHA256((const unsigned char *)&parts, sizeof(parts), key);
}

static struct place_list *bucket(struct places *p, const uint8_t *key)
{
	return &p->by_key[(key[0] << 8 | key[1]) & (BUCKETS - 1)];
}

static bool make_room(struct places *p)
{
	struct place *place;

	if (p->count < PLACE_MOST)
		return true;
	TAILQ_FOREACH(place, &p->used, used)
	if (!place->busy) {
		place_free(p, place);
		return true;
	}
	return false;
}

static struct place *place_create(
	struct places *p, const char *source, X509 *x, X509 *issuer, const uint8_t *key)
{
	struct place *place = make_room(p) ? calloc(1, sizeof(*place)) : NULL;

	if (!place)
		return NULL;
	place->source = strdup(source);
	if (!place->source) {
		free(place);
		return NULL;
	}
	place->ocsp = x != NULL;
	place->file = strncasecmp(source, "http://", 7) != 0;
	if (x && X509_up_ref(x))
		place->x = x;
	if (X509_up_ref(issuer))
		place->issuer = issuer;
	memcpy(place->key, key, sizeof(place->key));
	LIST_INSERT_HEAD(bucket(p, key), place, by_key);
	TAILQ_INSERT_TAIL(&p->used, place, used);
	p->count++;
	return place;
}

static struct place *place_get(struct places *p, const char *source, X509 *x, X509 *issuer)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct place *place;

	key_of(source, x, issuer, key);
	LIST_FOREACH(place, bucket(p, key), by_key)
	if (memcmp(place->key, key, sizeof(key)) == 0) {
		TAILQ_REMOVE(&p->used, place, used);
		TAILQ_INSERT_TAIL(&p->used, place, used);
		return place;
	}
	return place_create(p, source, x, issuer, key);
}

// ---- responders that do not answer

static const struct silence *silence_of(const struct places *p, const struct place *place)
{
	uint8_t source[SHA256_DIGEST_LENGTH];
	uint64_t now = timers_now(p->timers);

	if (!place->ocsp)
		return NULL;
	SHA256((const unsigned char *)place->source, strlen(place->source), source);
	for (size_t i = 0; i < PLACE_SILENT; i++)
		if (now < p->silent[i].until &&
			memcmp(p->silent[i].source, source, sizeof(source)) == 0)
			return &p->silent[i];
	return NULL;
}

// In the place of the one that ends first.
static void silence_keep(struct places *p, const struct place *place, const char *why)
{
	struct silence *first = &p->silent[0];

	for (size_t i = 1; i < PLACE_SILENT; i++)
		if (p->silent[i].until < first->until)
			first = &p->silent[i];
	SHA256((const unsigned char *)place->source, strlen(place->source), first->source);
	first->until = timers_now(p->timers) + PLACE_RETRY_MS;
	memcpy(first->why, why, sizeof(first->why));
}

// ---- answers

static void log_read(const struct place *place)
{
	char issuer[CERTIFICATE_TEXT];

	log_event(LOG_REVOCATION_READ, NULL, "s:s, s:s, s:I, s:I", "source", place->source,
		"authority", certificate_subject(place->issuer, issuer), "entries",
		(long long)revocation_crl_entries(place->crl), "next", (long long)place->next);
}

static void log_failed(const struct place *place)
{
	char issuer[CERTIFICATE_TEXT];

	log_event(LOG_REVOCATION_FAILED, NULL, "s:s, s:s, s:s", "source", place->source,
		"authority", certificate_subject(place->issuer, issuer), "reason", place->why);
}

static uint64_t due_in(const struct places *p, const struct place *place)
{
	int64_t left = place->next ? place->next - places_now() : (int64_t)p->refresh_s;

	if (place->file)
		return PLACE_FILE_MS;
	if (*place->why || left <= 0)
		return PLACE_RETRY_MS;
	return (uint64_t)left * 1000;
}

static void take_answer(struct place *place, struct fetch *f)
{
	place->said = f->said;
	place->next = f->next;
	place->fetched = places_now();
	if (!place->ocsp) {
		X509_CRL_free(place->crl);
		place->crl = f->crl;
		f->crl = NULL;
		log_read(place);
	}
}

static void settle(struct places *p, struct place *place, struct fetch *f)
{
	bool news = strcmp(place->why, f->why) != 0 && !silence_of(p, place);

	if (f->silent && !silence_of(p, place))
		silence_keep(p, place, f->why);
	place->busy = false;
	place->stamp = f->stamp;
	if (!f->unchanged) {
		memcpy(place->why, f->why, sizeof(place->why));
		if (!*f->why)
			take_answer(place, f);
		else if (place->said != REVOCATION_REVOKED)
			place->said = REVOCATION_UNKNOWN;
		if (*f->why && news)
			log_failed(place);
	}
	place->due = timers_now(p->timers) + due_in(p, place);
	X509_CRL_free(f->crl);
	f->crl = NULL;
}

// ---- jobs

static void places_end(struct places *p)
{
	if (p->closed && p->jobs == 0)
		free(p);
}

static void start_waiting(struct places *p);

static void job_run(void *context)
{
	struct job *job = context;

	fetch_run(&job->fetch);
}

static void job_free(struct job *job)
{
	X509_free(job->fetch.x);
	X509_free(job->fetch.issuer);
	X509_CRL_free(job->fetch.crl);
	free((char *)job->fetch.source);
	free(job);
}

static void job_done(void *context)
{
	struct job *job = context;
	struct places *p = job->places;

	p->jobs--;
	if (p->closed) {
		job_free(job);
		places_end(p);
		return;
	}
	if (!job->place->file)
		p->fetches--;
	settle(p, job->place, &job->fetch);
	job_free(job);
	start_waiting(p);
	p->changed(p->context);
}

static struct job *job_create(struct places *p, struct place *place)
{
	struct job *job = calloc(1, sizeof(*job));
	char *source = strdup(place->source);

	if (!job || !source) {
		free(job);
		free(source);
		return NULL;
	}
	job->fetch = (struct fetch){
		.source = source, .ocsp = place->ocsp, .legacy = p->legacy, .stamp = place->stamp};
	if (place->x && X509_up_ref(place->x))
		job->fetch.x = place->x;
	if (X509_up_ref(place->issuer))
		job->fetch.issuer = place->issuer;
	job->places = p;
	job->place = place;
	return job;
}

static void run_job(struct places *p, struct place *place)
{
	struct job *job = job_create(p, place);

	if (!job) {
		place->busy = false;
		return;
	}
	p->jobs++;
	if (!place->file)
		p->fetches++;
	if (work_post_slow(job_run, job_done, job) == 0)
		return;
	p->jobs--;
	if (!place->file)
		p->fetches--;
	place->busy = false;
	job_free(job);
}

// True when it is no use to ask.
static bool settle_silent(struct places *p, struct place *place)
{
	const struct silence *silence = silence_of(p, place);
	struct fetch f = {.said = REVOCATION_UNKNOWN};

	if (!silence)
		return false;
	memcpy(f.why, silence->why, sizeof(f.why));
	settle(p, place, &f);
	place->due = silence->until;
	return true;
}

static void start_waiting(struct places *p)
{
	struct place *place;

	while (p->fetches < PLACE_FETCHES && (place = TAILQ_FIRST(&p->waits))) {
		TAILQ_REMOVE(&p->waits, place, waits);
		place->queued = false;
		if (!settle_silent(p, place))
			run_job(p, place);
	}
}

// The answer may be there when this returns.
static void begin(struct places *p, struct place *place)
{
	if (settle_silent(p, place))
		return;
	place->busy = true;
	if (place->file || p->fetches < PLACE_FETCHES) {
		run_job(p, place);
		return;
	}
	place->queued = true;
	TAILQ_INSERT_TAIL(&p->waits, place, waits);
}

// ---- asked

// What is out of date still says who was revoked.
static enum place_answer answer(const struct place *place, X509 *x, char *why)
{
	enum revocation_answer said = place->said;

	if (!place->ocsp) {
		if (!place->crl) {
			snprintf(why, REVOCATION_WHY, "%s", place->why);
			return PLACE_UNKNOWN;
		}
		said = revocation_crl_ask(place->crl, x, why);
	} else if (said == REVOCATION_REVOKED) {
		snprintf(why, REVOCATION_WHY, "is revoked, as the OCSP responder says");
	}
	if (said != REVOCATION_GOOD || !place->next || place->next > places_now()) {
		if (said == REVOCATION_UNKNOWN && *place->why)
			snprintf(why, REVOCATION_WHY, "%s", place->why);
		return (enum place_answer)said;
	}
	snprintf(why, REVOCATION_WHY, "%.200s is out of date", place->source);
	return PLACE_UNKNOWN;
}

enum place_answer places_ask(
	struct places *p, const char *source, bool ocsp, X509 *x, X509 *issuer, char *why)
{
	struct place *place = place_get(p, source, ocsp ? x : NULL, issuer);

	snprintf(why, REVOCATION_WHY, "no memory to look for it");
	if (!place)
		return PLACE_UNKNOWN;
	place->asked = timers_now(p->timers);
	if (!place->busy && place->asked >= place->due)
		begin(p, place);
	// A CRL that is fetched ahead of time is good until the new one is there.
	if (place->busy && place->asked >= place->due) {
		snprintf(why, REVOCATION_WHY, "%.200s does not answer in time", source);
		return PLACE_PENDING;
	}
	return answer(place, x, why);
}

int places_read_file(struct places *p, const char *path, X509 *issuer, char *why)
{
	struct fetch f = {.source = path, .legacy = p->legacy, .issuer = issuer};
	struct place *place = place_get(p, path, NULL, issuer);

	if (!place || place->busy) {
		snprintf(why, REVOCATION_WHY, "no memory");
		return -EINVAL;
	}
	fetch_run(&f);
	snprintf(why, REVOCATION_WHY, "%s", f.why);
	settle(p, place, &f);
	return *why ? -EINVAL : 0;
}

bool places_crl_info(const struct places *p, X509 *issuer, struct place_info *out)
{
	const struct place *place;

	TAILQ_FOREACH(place, &p->used, used)
	{
		if (place->ocsp || X509_cmp(place->issuer, issuer) != 0)
			continue;
		*out = (struct place_info){.source = place->source,
			.fetched = place->fetched,
			.next = place->next,
			.entries = place->crl ? revocation_crl_entries(place->crl) : 0,
			.error = *place->why ? place->why : NULL};
		return true;
	}
	return false;
}

// ---- life

static bool ends_soon(const struct places *p, const struct place *place)
{
	uint64_t now = timers_now(p->timers);

	return !place->ocsp && !place->file && !place->busy && !*place->why && place->crl &&
	       place->due < now + PLACE_AHEAD_MS && now < place->asked + PLACE_UNUSED_MS;
}

// Fetches a CRL that will be old soon.
static void tick(void *context)
{
	struct places *p = context;
	struct place *place;

	(void)timer_start(p->timers, &p->tick, TICK_MS, tick, p);
	TAILQ_FOREACH(place, &p->used, used)
	if (ends_soon(p, place)) {
		begin(p, place);
		return;
	}
}

struct places *places_create(struct timers *timers, uint32_t refresh_s, bool legacy,
	void (*changed)(void *context), void *context)
{
	struct places *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct places){.timers = timers,
		.refresh_s = refresh_s,
		.legacy = legacy,
		.changed = changed,
		.context = context};
	TAILQ_INIT(&p->used);
	TAILQ_INIT(&p->waits);
	if (timer_start(timers, &p->tick, TICK_MS, tick, p) == 0)
		return p;
	free(p);
	return NULL;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	timer_stop(p->timers, &p->tick);
	while (!TAILQ_EMPTY(&p->used))
		place_free(p, TAILQ_FIRST(&p->used));
	p->closed = true;
	places_end(p);
}
