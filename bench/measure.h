// SPDX-License-Identifier: Apache-2.0
#pragma once

// The clock of the benchmark, and where the cycles of a burst went.
//
// Core cycles in user mode where the kernel gives a counter (perf_event_open and rdpmc); else TSC
// cycles, which count time: figures of two runs then differ with the core's clock, ratios of one
// run do not.

#include <stdbool.h>
#include <stdint.h>

// Stages of the gateway whose own time is taken, without what they call of this list.
#define MEASURE_STAGES(X) \
	X(classify) \
	X(esp_in) \
	X(esp_decrypt) \
	X(l2tp_in) \
	X(inner_in) \
	X(ppp_in) \
	X(subscriber_in) \
	X(mss) \
	X(route) \
	X(forward) \
	X(network_fit) \
	X(subscriber_out) \
	X(mtu) \
	X(ppp_out) \
	X(l2tp_out) \
	X(esp_out) \
	X(esp_encrypt) \
	X(ip_out) \
	X(neighbour_out) \
	X(tx) \
	X(tx_flush)

#define MEASURE_ENUM(name) MEASURE_##name,
enum measure_stage {
	MEASURE_rest, // the round around the stages
	MEASURE_STAGES(MEASURE_ENUM) MEASURE_COUNT,
};
#undef MEASURE_ENUM

struct measure {
	bool on; // stages are measured
	uint64_t spent[MEASURE_COUNT];
	uint64_t calls[MEASURE_COUNT];
	uint64_t inner[MEASURE_COUNT]; // measured calls out of the stage
	uint64_t last;
	enum measure_stage now;
};

extern struct measure measure;

// Chooses the counter. Returns its name: "core" or "tsc".
const char *measure_open(void);
uint64_t measure_clock(void);
// Starts and ends to measure stages; between them spent and calls grow.
void measure_start(void);
void measure_stop(void);
// Cycles that one measured call adds to its stage, and to the one that it is called from.
double measure_overhead(void);
const char *measure_name(enum measure_stage stage);
