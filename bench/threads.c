// SPDX-License-Identifier: Apache-2.0

// See threads.h. Workers: the same packets go to one worker, then half of the sessions to each of
// two, in batches that are made before and whose time is taken from the start to the last packet
// that came out. With IPsec each of the two gets the packets of its own clients, as a NIC would
// deal them out. With one LAC all packets arrive at the first worker, which hands those over whose
// sessions are the second one's. What counts is the batch that a tenth of all are faster than.
//
// A packet that changes hands costs what a cache line takes from core to core, so that is measured
// beside.
//
// Idle: a real worker thread, its loop and nothing else. At rest nothing comes for some time, and
// what the thread used of its core is asked of the kernel. At load another thread hands it inner
// packets of the network side faster than it can send them on.

#include "threads.h"

#include "load.h"
#include "measure.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	BATCH = 64 * BURST, // packets
	BATCHES = 40,       // for one worker and for two, in each of
	ROUNDS = 3,
	SIZE = 64,      // bytes of an inner packet
	PINGS = 100000, // of the core-to-core round trip
	IDLE_TURNS = 3,
	TEMPLATES = 1024,
	LOOK = 8, // rounds without work between two looks at whether all is out
};

// What the two threads have in common.
struct pair {
	struct house *house;
	struct rte_mbuf *m[HOUSE_WORKERS][BATCH];
	unsigned count[HOUSE_WORKERS];
	struct load load[HOUSE_WORKERS];
	bool making;                // the second one makes its packets, else it plays them
	int error;                  // of the second one
	uint64_t target;            // packets that will have been sent then
	uint64_t end;               // TSC, when the second one saw it
	_Alignas(64) uint32_t go;   // batches that were begun; 0xffffffff: it is over
	_Alignas(64) uint32_t done; // batches that the second one has ended
	_Alignas(64) uint64_t ping;
	_Alignas(64) uint64_t pong;
};

static struct pair pair;

static uint64_t play(uint16_t worker)
{
	struct rte_mbuf **m = pair.m[worker];
	uint64_t give_up = rte_rdtsc() + rte_get_tsc_hz();
	unsigned quiet = 1; // rounds without work, since the last look or packet

	for (unsigned i = 0; i < pair.count[worker]; i += BURST)
		house_round(pair.house, worker, UPLINK, m + i, BURST);
	// To look at what the other one has sent takes the line away from it: not all the time.
	while (quiet % LOOK != 0 || house_sent(pair.house) < pair.target) {
		if (rte_rdtsc() > give_up)
			break;
		quiet = worker_round(&pair.house->worker[worker]) ? 1 : quiet + 1;
	}
	return rte_rdtsc();
}

// Where a packet is made its lines are: so each worker makes its own, as a NIC would.
static int make(uint16_t worker)
{
	return load_make(&pair.load[worker], UPLINK, SIZE, pair.m[worker], pair.count[worker]);
}

static int second(void *unused)
{
	uint32_t last = 0, go;

	for (;;) {
		while ((go = __atomic_load_n(&pair.go, __ATOMIC_ACQUIRE)) == last)
			rte_pause();
		if (go == UINT32_MAX)
			return 0;
		if (pair.making)
			pair.error = make(1);
		else
			pair.end = play(1);
		last = go;
		__atomic_store_n(&pair.done, go, __ATOMIC_RELEASE);
	}
}

static void second_begin(bool making)
{
	pair.making = making;
	__atomic_store_n(&pair.go, pair.go + 1, __ATOMIC_RELEASE);
}

static void second_wait(void)
{
	while (__atomic_load_n(&pair.done, __ATOMIC_ACQUIRE) != pair.go)
		rte_pause();
}

// ---- from core to core

static int answer(void *unused)
{
	for (uint64_t i = 1; i <= PINGS; i++) {
		while (__atomic_load_n(&pair.ping, __ATOMIC_ACQUIRE) != i)
			;
		__atomic_store_n(&pair.pong, i, __ATOMIC_RELEASE);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// Median, nanoseconds, of a line that goes over and one that comes back.
static double round_trip(unsigned lcore)
{
	double *took = calloc(PINGS, sizeof(*took)), median = -1;

	pair.ping = pair.pong = 0;
	if (!took || rte_eal_remote_launch(answer, NULL, lcore) != 0) {
		free(took);
		return -1;
	}
	for (uint64_t i = 1; i <= PINGS; i++) {
		uint64_t start = rte_rdtsc();

		__atomic_store_n(&pair.ping, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&pair.pong, __ATOMIC_ACQUIRE) != i)
			;
		took[i - 1] = (double)(rte_rdtsc() - start);
	}
	rte_eal_wait_lcore(lcore);
	qsort(took, PINGS, sizeof(*took), compare);
	median = took[PINGS / 2] * 1e9 / (double)rte_get_tsc_hz();
	free(took);
	return median;
}

// ---- two workers against one

struct series {
	unsigned count;
	double cycles[ROUNDS * BATCHES]; // a packet
};

struct workers_case {
	const char *name;
	struct population population;
	bool handover; // all packets arrive at the first worker
};

static double tenth(struct series *s)
{
	qsort(s->cycles, s->count, sizeof(s->cycles[0]), compare);
	return s->cycles[s->count / 10];
}

// shared: each of two workers gets its share; else all packets arrive at the first one.
static int make_batch(uint16_t workers, bool shared)
{
	int error;

	pair.count[0] = shared ? BATCH / workers : BATCH;
	pair.count[1] = BATCH - pair.count[0];
	pair.error = 0;
	if (workers > 1)
		second_begin(true);
	error = make(0);
	if (workers > 1)
		second_wait();
	return error ? error : pair.error;
}

static int one_batch(struct house *h, uint16_t workers, bool shared, struct series *s)
{
	uint64_t start, end;
	int error = make_batch(workers, shared);

	if (error)
		return error;
	pair.target = house_sent(h) + BATCH;
	start = rte_rdtsc();
	if (workers > 1)
		second_begin(false);
	end = play(0);
	if (workers > 1) {
		second_wait();
		end = pair.end > end ? pair.end : end;
	}
	if (house_sent(h) != pair.target) {
		fprintf(stderr, "culvert-bench: packets are missing with %u workers\n", workers);
		house_tell_drops(h);
		return -EIO;
	}
	s->cycles[s->count++] = (double)(end - start) / BATCH;
	return 0;
}

// The sessions anew, so that nobody owns them yet, and some batches.
static int some_batches(struct house *h, const struct workers_case *c, uint16_t workers,
	unsigned batches, struct series *s)
{
	bool shared = workers > 1 && !c->handover;
	int error;

	house_play(h, workers);
	error = house_fill(h, &c->population);
	for (uint16_t i = 0; i < HOUSE_WORKERS; i++) {
		error = error ? error : load_open(&pair.load[i], h, &c->population);
		pair.load[i].cipher.mgr = h->worker[i].mgr; // its jobs are one thread's
		pair.load[i].shares = shared ? workers : 0;
		pair.load[i].share = shared ? i : 0;
	}
	for (unsigned i = 0; error == 0 && i < batches; i++)
		error = one_batch(h, workers, shared, s);
	for (uint16_t i = 0; i < HOUSE_WORKERS; i++)
		load_close(&pair.load[i]);
	house_clear(h);
	return error;
}

static json_t *rounded(double v, double unit)
{
	return json_real((double)(long long)(v / unit + 0.5) * unit);
}

static int workers_case_run(struct house *h, const struct workers_case *c, json_t *to, bool quick)
{
	static struct series one, two;
	unsigned batches = quick ? 2 : BATCHES;
	double t1, t2;
	int error = 0;

	one.count = two.count = 0;
	for (unsigned i = 0; error == 0 && i < (quick ? 1 : ROUNDS); i++) {
		error = some_batches(h, c, 1, batches, &one);
		error = error ? error : some_batches(h, c, 2, batches, &two);
	}
	if (error)
		return error;
	t1 = tenth(&one);
	t2 = tenth(&two);
	return json_array_append_new(
		to, json_pack("{s:s, s:i, s:o, s:o, s:o}", "case", c->name, "size", SIZE, "one",
			    rounded(t1, 0.1), "two", rounded(t2, 0.1), "ratio",
			    rounded(t1 / t2, 0.001)));
}

static int workers_run(struct house *h, json_t *to, unsigned lcore, bool quick)
{
	const struct workers_case cases[] = {
		{"1,000 clients, AES-128-GCM", {transform_find("aes-gcm-128"), 1000, 64, 0}, false},
		{"1,000 clients, AES-128-CBC, HMAC-SHA1",
			{transform_find("aes-cbc-128-sha1"), 1000, 64, 0}, false},
		{"1,000 sessions in clear, each at its worker",
			{transform_find("plain"), 1000, 0, 0}, false},
		{"one LAC with 10,000 sessions in clear, all at one queue",
			{transform_find("plain"), 10000, 0, 10000}, true},
	};
	int error;

	pair.house = h;
	pair.go = pair.done = 0;
	error = rte_eal_remote_launch(second, NULL, lcore);
	for (size_t i = 0; error == 0 && i < RTE_DIM(cases); i++) {
		if (quick && cases[i].population.sessions > 1000)
			continue;
		error = workers_case_run(h, &cases[i], to, quick);
	}
	__atomic_store_n(&pair.go, UINT32_MAX, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(lcore);
	return error;
}

// ---- idle

struct run {
	struct worker *worker;
	double used; // seconds of the core
};

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double thread_used(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return seconds(&u.ru_utime) + seconds(&u.ru_stime);
}

static int run_worker(void *argument)
{
	struct run *r = argument;
	double before = thread_used();

	worker_run(r->worker);
	r->used = thread_used() - before;
	return 0;
}

// Inner packets that are made once; each is copied for each time that it is sent.
struct templates {
	uint8_t packet[TEMPLATES][SIZE];
	uint32_t next;
};

static void templates_make(struct house *h, const struct population *p, struct templates *t)
{
	struct frame_maker f = {.population = p};

	memcpy(f.to, &h->port[HOUSE_NET].mac, FRAME_MAC);
	for (uint32_t i = 0; i < TEMPLATES; i++) {
		uint8_t frame[FRAME_MOST];
		struct build b = build_in(frame, sizeof(frame));

		frame_downlink(&f, &b, i % p->sessions, SIZE);
		memcpy(t->packet[i], frame + RTE_ETHER_HDR_LEN, SIZE);
	}
	t->next = 0;
}

// As from a worker that is not there. What the ring does not take is made anew.
static void feed(
	struct house *h, const struct population *p, struct templates *t, struct rte_ring *ring)
{
	struct rte_mbuf *m[BURST];
	unsigned sent;

	if (rte_ring_free_count(ring) < BURST || rte_pktmbuf_alloc_bulk(h->pool, m, BURST) != 0) {
		rte_pause();
		return;
	}
	for (unsigned i = 0; i < BURST; i++) {
		struct meta *meta = meta_of(m[i]);
		uint32_t at = t->next++ % TEMPLATES;

		memset(meta, 0, META_LINE);
		meta->port = HOUSE_NET;
		meta->session = at % p->sessions;
		meta->stage = HANDOVER_SUBSCRIBER_OUT;
		memcpy(rte_pktmbuf_append(m[i], SIZE), t->packet[at], SIZE);
	}
	sent = rte_ring_enqueue_burst(ring, (void **)m, BURST, NULL);
	rte_pktmbuf_free_bulk(m + sent, BURST - sent);
}

struct idle_result {
	double rest; // of a core, at rest
	double load; // packets a second
};

// For so many seconds; returns what a core was used of it.
static double idle_turn(struct house *h, const struct population *p, struct templates *t,
	unsigned lcore, double length, bool load)
{
	struct run r = {.worker = &h->worker[0]};
	uint64_t start = rte_rdtsc(), end = start + (uint64_t)(length * (double)rte_get_tsc_hz());
	struct rte_ring *ring = h->worker[0].handover[1];

	__atomic_store_n(&h->worker[0].stop, false, __ATOMIC_RELEASE);
	if (rte_eal_remote_launch(run_worker, &r, lcore) != 0)
		return -1;
	if (load)
		while (rte_rdtsc() < end)
			feed(h, p, t, ring);
	else
		rte_delay_us_sleep((unsigned)(length * 1e6));
	__atomic_store_n(&h->worker[0].stop, true, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(lcore);
	return r.used / ((double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz());
}

static void idle_measure(struct house *h, const struct population *p, struct templates *t,
	unsigned lcore, bool adaptive, bool quick, struct idle_result *best)
{
	double rest, load, length = quick ? 0.05 : 1;
	uint64_t sent;

	h->worker[0].adaptive = adaptive;
	rest = idle_turn(h, p, t, lcore, 5 * length, false);
	sent = house_sent(h);
	(void)idle_turn(h, p, t, lcore, length, true);
	load = (double)(house_sent(h) - sent) / length;
	best->rest = best->rest == 0 || rest < best->rest ? rest : best->rest;
	best->load = load > best->load ? load : best->load;
}

static void idle_add(json_t *to, const char *mode, const struct idle_result *r)
{
	json_array_append_new(to,
		json_pack("{s:s, s:o, s:o}", "idle", mode, "rest_percent",
			rounded(r->rest * 100, 0.01), "load_mpps", rounded(r->load / 1e6, 0.001)));
}

static int idle_run(struct house *h, json_t *to, unsigned lcore, bool quick)
{
	const struct population p = {transform_find("plain"), 1000, 0, 0};
	struct templates *t = calloc(1, sizeof(*t));
	struct idle_result poll = {0}, adaptive = {0};
	int error;

	if (!t)
		return -ENOMEM;
	house_play(h, 1);
	error = house_fill(h, &p);
	// It goes on- and offline itself; and a second worker's ring is looked at by two only.
	rte_rcu_qsbr_thread_offline(h->qsbr, 0);
	h->worker[0].workers = HOUSE_WORKERS;
	templates_make(h, &p, t);
	for (unsigned i = 0; error == 0 && i < (quick ? 1 : IDLE_TURNS); i++) {
		idle_measure(h, &p, t, lcore, false, quick, &poll);
		idle_measure(h, &p, t, lcore, true, quick, &adaptive);
	}
	house_play(h, 1);
	house_clear(h);
	free(t);
	idle_add(to, "poll", &poll);
	idle_add(to, "adaptive", &adaptive);
	return error;
}

int threads_run(struct house *h, json_t *report, bool quick)
{
	unsigned lcore = rte_get_next_lcore(-1, 1, 0);
	json_t *workers = json_array(), *idle = json_array();
	int error;

	json_object_set_new(report, "workers", workers);
	json_object_set_new(report, "idle", idle);
	json_object_set_new(report, "round_trip_ns", rounded(round_trip(lcore), 0.1));
	error = workers_run(h, workers, lcore, quick);
	return error ? error : idle_run(h, idle, lcore, quick);
}
