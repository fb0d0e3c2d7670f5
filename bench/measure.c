// SPDX-License-Identifier: Apache-2.0

// See measure.h. The linker puts the functions below in front of the stages (--wrap), so what is
// measured are the stages as uplink.c and downlink.c call them. They cost one predicted branch when
// nothing is measured.

#include "measure.h"

#include "dataplane/esp_crypto.h"
#include "dataplane/stage.h"

#include <linux/perf_event.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

struct measure measure;

static const volatile struct perf_event_mmap_page *page;

// As the comment in linux/perf_event.h has it: the kernel changes lock when it moves the counter.
static uint64_t read_core(void)
{
	uint64_t count;
	uint32_t lock, index;

	do {
		lock = page->lock;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		index = page->index;
		count = (uint64_t)page->offset;
		if (index)
			count += __rdpmc((int)index - 1) &
				 (page->pmc_width < 64 ? (UINT64_C(1) << page->pmc_width) - 1
						       : UINT64_MAX);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	} while (page->lock != lock);
	return count;
}

static bool core_counts(void)
{
	uint64_t before = read_core();

	for (volatile int i = 0; i < 10000; i++)
		;
	return page->cap_user_rdpmc && page->index && read_core() - before > 1000;
}

const char *measure_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		return "tsc";
	}
	page = map;
	if (core_counts())
		return "core";
	page = NULL;
	munmap(map, 4096);
	close(fd);
	return "tsc";
}

uint64_t measure_clock(void)
{
	return page ? read_core() : rte_rdtsc();
}

static enum measure_stage enter(enum measure_stage stage)
{
	enum measure_stage outer = measure.now;
	uint64_t now = measure_clock();

	measure.spent[outer] += now - measure.last;
	measure.calls[stage]++;
	measure.inner[outer]++;
	measure.now = stage;
	measure.last = now;
	return outer;
}

static void leave(enum measure_stage outer)
{
	uint64_t now = measure_clock();

	measure.spent[measure.now] += now - measure.last;
	measure.now = outer;
	measure.last = now;
}

void measure_start(void)
{
	memset(&measure, 0, sizeof(measure));
	measure.on = true;
	measure.now = MEASURE_rest;
	measure.last = measure_clock();
}

void measure_stop(void)
{
	measure.spent[MEASURE_rest] += measure_clock() - measure.last;
	measure.on = false;
}

double measure_overhead(void)
{
	enum { TRIES = 50, TURNS = 200 };
	uint64_t best = UINT64_MAX;

	measure_start();
	for (int try = 0; try < TRIES; try++) {
		uint64_t before = measure_clock();

		for (int i = 0; i < TURNS; i++)
			leave(enter(MEASURE_tx));
		before = measure_clock() - before;
		best = before < best ? before : best;
	}
	measure_stop();
	return (double)best / TURNS / 2;
}

const char *measure_name(enum measure_stage stage)
{
#define MEASURE_NAME(name) [MEASURE_##name] = #name,
	static const char *const names[MEASURE_COUNT] = {
		[MEASURE_rest] = "rest", MEASURE_STAGES(MEASURE_NAME)};
#undef MEASURE_NAME

	return names[stage];
}

// ---- the stages

#define STAGE(name, parameters, arguments) \
	uint16_t __real_##name parameters; \
	uint16_t __wrap_##name parameters; \
	uint16_t __wrap_##name parameters \
	{ \
		enum measure_stage outer; \
		uint16_t n; \
\
		if (!measure.on) \
			return __real_##name arguments; \
		outer = enter(MEASURE_##name); \
		n = __real_##name arguments; \
		leave(outer); \
		return n; \
	}

#define STAGE_VOID(name, parameters, arguments) \
	void __real_##name parameters; \
	void __wrap_##name parameters; \
	void __wrap_##name parameters \
	{ \
		enum measure_stage outer; \
\
		if (!measure.on) { \
			__real_##name arguments; \
			return; \
		} \
		outer = enter(MEASURE_##name); \
		__real_##name arguments; \
		leave(outer); \
	}

#define BURST_PARAMETERS (struct worker * w, struct rte_mbuf * *m, uint16_t count)

STAGE_VOID(classify, (struct worker * w, struct rte_mbuf **m, uint16_t count, struct classified *c),
	(w, m, count, c))
STAGE_VOID(esp_decrypt, (struct worker * w, struct esp_packet *p, uint16_t n), (w, p, n))
STAGE(l2tp_in, BURST_PARAMETERS, (w, m, count))
STAGE(inner_in, BURST_PARAMETERS, (w, m, count))
STAGE(subscriber_in, BURST_PARAMETERS, (w, m, count))
STAGE(mss, BURST_PARAMETERS, (w, m, count))
STAGE_VOID(route, (struct worker * w, struct rte_mbuf **m, uint16_t count, struct routed *r),
	(w, m, count, r))
STAGE(subscriber_out, BURST_PARAMETERS, (w, m, count))
STAGE(ppp_out, BURST_PARAMETERS, (w, m, count))
STAGE(l2tp_out, BURST_PARAMETERS, (w, m, count))
STAGE(esp_out, BURST_PARAMETERS, (w, m, count))
STAGE_VOID(esp_encrypt, (struct worker * w, struct esp_packet *p, uint16_t n), (w, p, n))
STAGE(ip_out, BURST_PARAMETERS, (w, m, count))
STAGE(neighbour_out, BURST_PARAMETERS, (w, m, count))
STAGE_VOID(tx, BURST_PARAMETERS, (w, m, count))
STAGE_VOID(tx_flush, (struct worker * w), (w))

// Those with a second list of packets: a result under another name than the parameter.
#define STAGE_ERRORS(name) \
	uint16_t __real_##name(struct worker *w, struct rte_mbuf **m, uint16_t count, \
		struct rte_mbuf **errors, uint16_t *error_count); \
	uint16_t __wrap_##name(struct worker *w, struct rte_mbuf **m, uint16_t count, \
		struct rte_mbuf **errors, uint16_t *error_count); \
	uint16_t __wrap_##name(struct worker *w, struct rte_mbuf **m, uint16_t count, \
		struct rte_mbuf **errors, uint16_t *error_count) \
	{ \
		enum measure_stage outer; \
		uint16_t left; \
\
		if (!measure.on) \
			return __real_##name(w, m, count, errors, error_count); \
		outer = enter(MEASURE_##name); \
		left = __real_##name(w, m, count, errors, error_count); \
		leave(outer); \
		return left; \
	}

STAGE_ERRORS(esp_in)
STAGE_ERRORS(ppp_in)
STAGE_ERRORS(forward)
STAGE_ERRORS(network_fit)
STAGE_ERRORS(mtu)
