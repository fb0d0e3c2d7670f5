// SPDX-License-Identifier: Apache-2.0
#pragma once

// The results, as tables for people and as JSON for programs.

#include "trial.h"

struct report;

struct report *report_create(const struct gen *g);
void report_free(struct report *r);

// How the set-up went: seconds from the first message to the last session, CPU seconds of ours and,
// unless negative, of the gateway's control plane.
void report_setup(struct report *r, const struct gen *g, double seconds, double cpu_seconds,
	double server_seconds);
void report_churn(
	struct report *r, const struct gen *g, double seconds, uint64_t begun, uint64_t up);
// Sessions that are up and that nothing comes through.
// What strangers sent meanwhile, if they did.
void report_flood(struct report *r, const struct gen *g);
void report_silent(struct report *r, uint32_t silent);
void report_trial(struct report *r, const struct trial *t, const struct gen *g);
void report_finding(struct report *r, const struct finding *f, const struct gen *g);
// The counters of the whole run, and the file. 0 or -errno.
int report_end(struct report *r, const struct gen *g);
