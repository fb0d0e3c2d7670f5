// SPDX-License-Identifier: Apache-2.0
#pragma once

// The results as JSON: where and with what they were measured, then one object for each case.

#include "measure.h"
#include "population.h"

#include <jansson.h>
#include <stdbool.h>

struct result {
	const struct population *population;
	enum direction direction;
	double bytes;                 // mean of the inner packets
	uint16_t size;                // 0 = IMIX
	double cycles;                // of the gateway, a packet
	double floor;                 // of the floor, a packet
	double stages[MEASURE_COUNT]; // of the gateway's, a packet
};

struct conditions {
	int argc;
	char **argv;
	const char *commit;
	const char *counter;
	const char *cpu; // instruction set that ipsec-mb uses
	bool hugepages;
	bool quick;
};

json_t *report_open(const struct conditions *c);
void report_add(json_t *report, const struct result *r);
// Writes the file, or to standard output for NULL. 0 or -errno. Frees report.
int report_close(json_t *report, const char *path);
