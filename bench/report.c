// SPDX-License-Identifier: Apache-2.0

#include "report.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { LINE = 256 };

// What /proc/cpuinfo says first under that name.
static void cpuinfo(const char *name, char value[LINE])
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[LINE];

	snprintf(value, LINE, "unknown");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		const char *colon = strstr(line, ": ");

		if (!colon || strncmp(line, name, strlen(name)) != 0)
			continue;
		snprintf(value, LINE, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	fclose(f);
}

static json_t *command_line(const struct conditions *c)
{
	json_t *words = json_array();

	for (int i = 0; i < c->argc; i++)
		json_array_append_new(words, json_string(c->argv[i]));
	return words;
}

static json_t *machine(const struct conditions *c)
{
	char model[LINE], clock[LINE];
	struct utsname system;

	cpuinfo("model name", model);
	cpuinfo("cpu MHz", clock);
	uname(&system);
	return json_pack("{s:s, s:s, s:f, s:s, s:s, s:b}", "cpu", model, "clock_mhz_at_start",
		clock, "tsc_mhz", (double)rte_get_tsc_hz() / 1e6, "kernel", system.release,
		"instructions", c->cpu, "hugepages", c->hugepages);
}

json_t *report_open(const struct conditions *c)
{
	char now[LINE];
	time_t t = time(NULL);
	struct tm utc;

	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
	return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:s, s:s}, s:s, s:b, s:[]}", "time", now,
		"commit", c->commit, "command", command_line(c), "machine", machine(c), "libraries",
		"dpdk", rte_version(), "ipsec_mb", imb_get_version_str(), "compiler", __VERSION__,
		"cycles", c->counter, "quick", c->quick, "cases");
}

static json_t *rounded(double v)
{
	return json_real((double)(long long)(v * 10 + (v < 0 ? -0.5 : 0.5)) / 10);
}

void report_add(json_t *report, const struct result *r)
{
	json_t *stages = json_object();

	for (unsigned s = 0; s < MEASURE_COUNT; s++)
		if (r->stages[s] >= 0.05)
			json_object_set_new(stages, measure_name(s), rounded(r->stages[s]));
	json_array_append_new(json_object_get(report, "cases"),
		json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:f, s:o}", "direction",
			r->direction == UPLINK ? "uplink" : "downlink", "transform",
			r->population->transform->name, "sessions", (int)r->population->sessions,
			"size", r->size ? json_integer(r->size) : json_string("imix"), "bytes",
			rounded(r->bytes), "cycles", rounded(r->cycles), "floor", rounded(r->floor),
			"ratio", (double)(long long)(r->cycles / r->floor * 1000 + 0.5) / 1000,
			"stages", stages));
}

int report_close(json_t *report, const char *path)
{
	FILE *f = path ? fopen(path, "we") : stdout;
	int error = 0;

	if (!f) {
		error = -errno;
	} else {
		json_dumpf(report, f, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
		fputc('\n', f);
		if (ferror(f))
			error = -EIO;
		if (path && fclose(f) != 0)
			error = -errno;
	}
	json_decref(report);
	return error;
}
