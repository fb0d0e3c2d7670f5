// SPDX-License-Identifier: Apache-2.0

// culvert-bench: what a packet costs, on one core, in one process. The real stages of the gateway
// (house.c) and the floor (floor.c) take short turns on the same packets (load.c), which are made
// outside of the measured time. A turn is some batches of 256 packets. What counts is the batch
// that a tenth of all are faster than: other programs and machines that share the core disturb
// many, but make none faster. Stages are measured in turns of their own, since taking their time
// costs some.
//
// It needs no NIC and no network, only memory. bench/run starts it on a core of its own, with
// hugepages where they can be had, and makes plots of what it writes.

#include "floor.h"
#include "house.h"
#include "load.h"
#include "measure.h"
#include "report.h"
#include "threads.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <rte_eal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BATCH = 8,    // bursts
	BATCHES = 10, // in a turn
	TURNS = 20,   // of the gateway and of the floor
	TURNS_MOST = 200,
	NAME = 64,   // bytes of a case's name
	WINDOW = 64, // packets
	SESSIONS_ESP = 100000,
	SESSIONS_PLAIN = 1000000,
	QUICK_SESSIONS = 1000,
	SKIPPED = 77, // exit status, as meson has it
};

static const uint32_t populations[] = {1, 1000, SESSIONS_ESP, SESSIONS_PLAIN};
static const uint16_t sizes[] = {64, 128, 256, 512, 1024, 1400, LOAD_IMIX};

struct options {
	const char *only;
	const char *output;
	bool quick;
	bool huge;
	bool threads; // what takes two cores, instead of the cases
	unsigned turns;
	unsigned batches;
};

struct bench {
	struct options options;
	struct house house;
	struct load load;
	struct floor floor;
	json_t *report;
	unsigned all; // cases
	unsigned done;
};

// ---- one case

struct turn {
	enum direction direction;
	uint16_t size;
	bool floor; // or the gateway
};

// Cycles a packet of each batch, of one kind of turn.
struct series {
	unsigned count;
	double cycles[BATCHES * TURNS_MOST];
};

struct stage_series {
	unsigned count;
	double stage[BATCHES * TURNS_MOST][1 + MEASURE_COUNT]; // the sum, then each stage
};

static void play(struct bench *b, const struct turn *t, struct rte_mbuf **m)
{
	for (unsigned i = 0; i < BATCH; i++) {
		if (t->floor)
			floor_round(&b->floor, t->direction, m + i * BURST, BURST);
		else
			house_round(&b->house, 0, t->direction, m + i * BURST, BURST);
	}
}

static void note_stages(struct stage_series *s)
{
	static double overhead;
	double *to = s->stage[s->count++];

	if (overhead == 0)
		overhead = measure_overhead();
	to[0] = 0;
	for (unsigned i = 0; i < MEASURE_COUNT; i++) {
		to[1 + i] = ((double)measure.spent[i] -
				    (double)(measure.calls[i] + measure.inner[i]) * overhead) /
			    (BATCH * BURST);
		to[0] += to[1 + i];
	}
}

static int run_turn(
	struct bench *b, const struct turn *t, struct series *series, struct stage_series *stages)
{
	struct rte_mbuf *m[BATCH * BURST];
	uint64_t start;

	for (unsigned i = 0; i < b->options.batches; i++) {
		if (load_make(&b->load, t->direction, t->size, m, BATCH * BURST) != 0)
			return -ENOMEM;
		if (stages)
			measure_start();
		start = measure_clock();
		play(b, t, m);
		start = measure_clock() - start;
		if (stages) {
			measure_stop();
			note_stages(stages);
		} else {
			series->cycles[series->count++] = (double)start / (BATCH * BURST);
		}
	}
	return 0;
}

// Every packet must have come out, of either.
static int check(const struct bench *b, uint64_t sent, uint64_t floor_sent)
{
	uint64_t each = (uint64_t)b->options.turns * b->options.batches * BATCH * BURST;

	if (house_sent(&b->house) - sent == each * 2 && b->floor.sent - floor_sent == each &&
		b->floor.wrong == 0)
		return 0;
	fprintf(stderr,
		"culvert-bench: packets are missing: gateway %lu of %lu, floor %lu of %lu, "
		"%lu wrong\n",
		house_sent(&b->house) - sent, each * 2, b->floor.sent - floor_sent, each,
		b->floor.wrong);
	house_tell_drops(&b->house);
	return -EIO;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double tenth(struct series *s)
{
	qsort(s->cycles, s->count, sizeof(s->cycles[0]), compare);
	return s->cycles[s->count / 10];
}

// The mean of the batches around the one that counts.
static void stages_tenth(struct stage_series *s, double stages[MEASURE_COUNT])
{
	unsigned few = s->count / 5 + 1;

	qsort(s->stage, s->count, sizeof(s->stage[0]), compare);
	for (unsigned i = 0; i < MEASURE_COUNT; i++) {
		stages[i] = 0;
		for (unsigned k = 0; k < few; k++)
			stages[i] += s->stage[k][1 + i] / few;
	}
}

static int run_case(struct bench *b, const struct population *p, enum direction d, uint16_t size)
{
	static struct series house, floor;
	static struct stage_series stages;
	const struct turn of_house = {d, size, false}, of_floor = {d, size, true};
	struct result r = {.population = p, .direction = d, .size = size, .bytes = load_mean(size)};
	uint64_t sent = house_sent(&b->house), floor_sent = b->floor.sent;
	int error = 0;

	house.count = floor.count = stages.count = 0;
	for (unsigned i = 0; error == 0 && i < b->options.turns; i++) {
		error = run_turn(b, &of_house, &house, NULL);
		error = error ? error : run_turn(b, &of_floor, &floor, NULL);
		error = error ? error : run_turn(b, &of_house, NULL, &stages);
	}
	error = error ? error : check(b, sent, floor_sent);
	if (error)
		return error;
	r.cycles = tenth(&house);
	r.floor = tenth(&floor);
	stages_tenth(&stages, r.stages);
	report_add(b->report, &r);
	return 0;
}

// ---- all cases

static bool wanted(
	const struct bench *b, const struct population *p, enum direction d, uint16_t size)
{
	char name[NAME], text[8];

	if (population_has_esp(p) && p->sessions > SESSIONS_ESP)
		return false;
	if (population_is_bare(p) && p->sessions >= LIMIT_TUNNELS)
		return false;
	if (b->options.quick && p->sessions > QUICK_SESSIONS)
		return false;
	if (b->options.quick && size != 64 && size != LOAD_IMIX)
		return false;
	snprintf(text, sizeof(text), "%u", size);
	snprintf(name, sizeof(name), "%s/%s/%u/%s", d == UPLINK ? "uplink" : "downlink",
		p->transform->name, p->sessions, size == LOAD_IMIX ? "imix" : text);
	return fnmatch(b->options.only, name, 0) == 0;
}

static unsigned count_wanted(const struct bench *b, const struct population *p, enum direction d)
{
	unsigned n = 0;

	for (size_t i = 0; i < RTE_DIM(sizes); i++)
		n += wanted(b, p, d, sizes[i]);
	return n;
}

static void progress(const struct bench *b, const struct population *p)
{
	enum { WIDTH = 40 };
	static const char bar[] = "########################################";
	int filled = b->all ? (int)(b->done * WIDTH / b->all) : WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r[%-*.*s] %u of %u  %u sessions, %s\033[K", WIDTH, filled, bar, b->done,
		b->all, p->sessions, p->transform->name);
	if (b->done == b->all)
		fputc('\n', stderr);
}

static int run_direction(struct bench *b, const struct population *p, enum direction d)
{
	int error;

	if (count_wanted(b, p, d) == 0)
		return 0;
	error = floor_open(&b->floor, &b->house, p, d);
	for (size_t i = 0; error == 0 && i < RTE_DIM(sizes); i++) {
		if (!wanted(b, p, d, sizes[i]))
			continue;
		progress(b, p);
		error = run_case(b, p, d, sizes[i]);
		b->done++;
	}
	floor_close(&b->floor);
	progress(b, p);
	return error;
}

static int run_population(struct bench *b, const struct population *p)
{
	int error;

	if (count_wanted(b, p, UPLINK) + count_wanted(b, p, DOWNLINK) == 0)
		return 0;
	error = house_fill(&b->house, p);
	error = error ? error : load_open(&b->load, &b->house, p);
	error = error ? error : run_direction(b, p, UPLINK);
	error = error ? error : run_direction(b, p, DOWNLINK);
	load_close(&b->load);
	house_clear(&b->house);
	return error;
}

static int for_all(struct bench *b, int (*f)(struct bench *b, const struct population *p))
{
	int error = 0;

	for (const struct transform *t = transforms; t->name; t++)
		for (size_t n = 0; error == 0 && n < RTE_DIM(populations); n++) {
			const struct population p = {t, populations[n], WINDOW};

			error = f(b, &p);
		}
	return error;
}

static int count_population(struct bench *b, const struct population *p)
{
	b->all += count_wanted(b, p, UPLINK) + count_wanted(b, p, DOWNLINK);
	return 0;
}

// ---- start

// --threads: the last two cores that this process may use. False: there is only one.
static bool two_cores(char lcores[48])
{
	int last[2] = {-1, -1};
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return false;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		last[0] = last[1];
		last[1] = i;
	}
	snprintf(lcores, 48, "--lcores=0@%d,1@%d", last[0], last[1]);
	return last[0] >= 0;
}

static int start_eal(const struct options *o)
{
	char cpu[48], memory[16];
	char *argv[] = {"culvert-bench", "--no-pci", "--no-telemetry", "--log-level=warning",
		"--file-prefix=culvert-bench", "--vdev=net_null0,no-rx=1",
		"--vdev=net_null1,no-rx=1", cpu, memory, o->huge ? "--in-memory" : "--no-huge",
		o->huge ? NULL : "--no-shconf", NULL};

	if (!o->threads) {
		snprintf(cpu, sizeof(cpu), "--lcores=0@%d", sched_getcpu());
	} else if (!two_cores(cpu)) {
		fprintf(stderr, "culvert-bench: --threads needs two cores\n");
		return -ENODEV;
	}
	snprintf(memory, sizeof(memory), "-m%u", o->quick ? 256 : 1536);
	return rte_eal_init(o->huge ? 10 : 11, argv) < 0 ? -EIO : 0;
}

static const char *instructions(const struct house *h)
{
	switch (h->worker[0].mgr->used_arch) {
	case IMB_ARCH_AVX512:
		return h->worker[0].mgr->features & IMB_FEATURE_VAES ? "avx512, vaes" : "avx512";
	case IMB_ARCH_AVX2:
		return "avx2";
	case IMB_ARCH_AVX:
		return "avx";
	default:
		return "sse";
	}
}

static int run_cases(struct bench *b)
{
	for_all(b, count_population);
	if (b->all > 0)
		return for_all(b, run_population);
	fprintf(stderr, "culvert-bench: no case matches '%s'\n", b->options.only);
	return -EINVAL;
}

static int run_all(struct bench *b, struct conditions *c)
{
	bool quick = b->options.quick, threads = b->options.threads;
	int error = house_open(&b->house, quick ? QUICK_SESSIONS : 1U << 17,
		quick ? QUICK_SESSIONS : 1U << 20, threads ? HOUSE_WORKERS : 1);

	if (error)
		return error;
	c->cpu = instructions(&b->house);
	b->report = report_open(c);
	error = threads ? threads_run(&b->house, b->report, quick) : run_cases(b);
	if (error)
		json_decref(b->report);
	else
		error = report_close(b->report, b->options.output);
	house_close(&b->house);
	return error;
}

static int usage(FILE *out, int status)
{
	fprintf(out,
		"usage: culvert-bench [--quick] [--no-huge] [--only PATTERN] [--turns N]\n"
		"                     [--threads] [--output FILE] [--commit TEXT]\n"
		"\n"
		"Measures what a packet costs the gateway and the floor, and writes JSON.\n"
		"PATTERN is a shell pattern of cases: uplink/aes-gcm-128/1000/64. --quick only\n"
		"shows that everything runs. --threads measures what takes two cores instead.\n"
		"bench/run --help says more.\n");
	return status;
}

static int parse(int argc, char **argv, struct options *o, struct conditions *c)
{
	static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
		{"no-huge", no_argument, NULL, 'n'}, {"only", required_argument, NULL, 'o'},
		{"turns", required_argument, NULL, 't'}, {"output", required_argument, NULL, 'f'},
		{"commit", required_argument, NULL, 'c'}, {"threads", no_argument, NULL, '2'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'q')
			o->quick = true;
		else if (option == 'n')
			o->huge = false;
		else if (option == '2')
			o->threads = true;
		else if (option == 'o')
			o->only = optarg;
		else if (option == 't')
			o->turns = (unsigned)atoi(optarg);
		else if (option == 'f')
			o->output = optarg;
		else if (option == 'c')
			c->commit = optarg;
		else
			exit(usage(option == 'h' ? stdout : stderr, option == 'h' ? 0 : 2));
	}
	if (optind != argc || o->turns < 1 || o->turns > TURNS_MOST)
		return -EINVAL;
	if (o->quick) {
		o->turns = 1;
		o->batches = 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.options = {.only = "*", .huge = true, .turns = TURNS, .batches = BATCHES}};
	struct conditions c = {.argc = argc, .argv = argv, .commit = "unknown"};
	int error;

	if (parse(argc, argv, &b.options, &c) < 0)
		return usage(stderr, 2);
	c.hugepages = b.options.huge;
	c.quick = b.options.quick;
	error = start_eal(&b.options);
	if (error)
		return error == -ENODEV ? SKIPPED : 1;
	c.counter = measure_open();
	error = run_all(&b, &c);
	if (error)
		fprintf(stderr, "culvert-bench: %s\n", strerror(-error));
	rte_eal_cleanup();
	return error ? 1 : 0;
}
