// SPDX-License-Identifier: Apache-2.0

// See report.h. With --json - the tables are left out, so that stdout is JSON and nothing else.

#include "report.h"

#include "flood.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
	json_t *all, *trials;
	bool tables;
	bool head_shown;
};

#define WORD(name, word) word,
static const char *const phases[] = {PHASES(WORD)};
static const char *const failures[] = {FAILURES(WORD)};
#undef WORD
static const char *const direction_words[] = {"uplink", "downlink"};

const char *phase_word(unsigned phase)
{
	return phases[phase];
}

const char *failure_word(unsigned failure)
{
	return failures[failure];
}

static const char *way_word(unsigned way)
{
	return way == WAY_UP ? "up" : way == WAY_DOWN ? "down" : "both";
}

struct report *report_create(const struct gen *g)
{
	const struct options *o = &g->options;
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->tables = strcmp(o->json, "-") != 0;
	r->trials = json_array();
	r->all = json_pack("{s:{s:I, s:I, s:I, s:b, s:s, s:s, s:i, s:s, s:f, s:f, s:i}, s:o}",
		"options", "subscribers", (json_int_t)o->subscribers, "per_tunnel",
		(json_int_t)o->per_tunnel, "per_nat", (json_int_t)o->per_nat, "plain", o->plain,
		"cipher", o->plain ? "none" : esp_cipher_shape(o->cipher)->name, "integrity",
		o->plain ? "none" : esp_integrity_shape(o->integrity)->name, "ike_group",
		(int)o->ike_group, "auth", options_auth_word(o->auth), "trial_s", o->time,
		"loss_share", o->loss, "repeat", (int)o->repeat, "trials", r->trials);
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	json_decref(r->all);
	free(r);
}

static json_t *histogram_json(const struct histogram *h)
{
	return json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)h->count,
		"mean_ns", histogram_mean(h), "least_ns", (json_int_t)h->least, "p50_ns",
		(json_int_t)histogram_percentile(h, 0.5), "p90_ns",
		(json_int_t)histogram_percentile(h, 0.9), "p99_ns",
		(json_int_t)histogram_percentile(h, 0.99), "p999_ns",
		(json_int_t)histogram_percentile(h, 0.999), "most_ns", (json_int_t)h->most);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static json_t *phases_json(const struct gen *g)
{
	json_t *list = json_object();

	for (unsigned i = 0; i < PHASE_COUNT; i++)
		if (g->phases[i].count)
			json_object_set_new(list, phases[i], histogram_json(&g->phases[i]));
	return list;
}

static void phases_table(const struct gen *g)
{
	printf("  %-14s %8s %10s %10s %10s %10s %10s\n", "phase", "count", "mean ms", "p50", "p90",
		"p99", "most");
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		const struct histogram *h = &g->phases[i];

		if (h->count)
			printf("  %-14s %8lu %10.2f %10.2f %10.2f %10.2f %10.2f\n", phases[i],
				h->count, histogram_mean(h) / 1e6, ms(histogram_percentile(h, 0.5)),
				ms(histogram_percentile(h, 0.9)), ms(histogram_percentile(h, 0.99)),
				ms(h->most));
	}
}

static json_t *failures_json(const struct gen *g)
{
	json_t *list = json_object();

	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		if (g->counters.failures[i])
			json_object_set_new(list, failures[i],
				json_integer((json_int_t)g->counters.failures[i]));
	return list;
}

static void failures_table(const struct gen *g)
{
	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		if (g->counters.failures[i])
			printf("  failed: %-24s %lu\n", failures[i], g->counters.failures[i]);
}

static double dh_seconds(const struct gen *g)
{
	return (double)g->counters.dh_ns / 1e9;
}

// What the control plane made of its CPU time.
static void server_report(struct report *r, const struct gen *g, double seconds)
{
	double rate = (double)g->counters.up / (seconds > 0 ? seconds : 1);
	double alone = g->counters.dh_alone;

	json_object_set_new(r->all, "server",
		json_pack("{s:f, s:f, s:f}", "cpu_s", seconds, "per_cpu_second", rate,
			"dh_alone_per_cpu_second", alone));
	if (!r->tables)
		return;
	printf("  control plane's CPU %.2f s: %.0f per CPU second", seconds, rate);
	if (alone > 0)
		printf("; Diffie-Hellman alone would allow %.0f, so it is at %.0f %%", alone,
			100 * rate / alone);
	printf("\n");
}

void report_setup(struct report *r, const struct gen *g, double seconds, double cpu_seconds,
	double server_seconds)
{
	const struct control_counters *c = &g->counters;
	double rate = seconds > 0 ? (double)c->up / seconds : 0;

	json_object_set_new(r->all, "setup",
		json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:o, s:o}",
			"sessions", (json_int_t)c->started, "up", (json_int_t)c->up, "failed",
			(json_int_t)g->failed, "seconds", seconds, "per_second", rate, "cpu_s",
			cpu_seconds, "dh_cpu_s", dh_seconds(g), "dh_exchanges",
			(json_int_t)c->dh_exchanges, "ike_retransmissions",
			(json_int_t)c->ike_retransmissions, "l2tp_retransmissions",
			(json_int_t)c->l2tp_retransmissions, "ppp_retransmissions",
			(json_int_t)c->ppp_retransmissions, "failures", failures_json(g), "phases",
			phases_json(g)));
	if (server_seconds >= 0 && !r->tables)
		server_report(r, g, server_seconds);
	if (!r->tables)
		return;
	printf("set-up: %lu of %lu sessions in %.2f s, %.0f per second; %u failed\n", c->up,
		c->started, seconds, rate, g->failed);
	printf("  generator's CPU %.2f s, of it Diffie-Hellman %.2f s for %lu exchanges\n",
		cpu_seconds, dh_seconds(g), c->dh_exchanges);
	if (server_seconds >= 0)
		server_report(r, g, server_seconds);
	printf("  retransmissions: IKE %lu, L2TP %lu, PPP %lu\n", c->ike_retransmissions,
		c->l2tp_retransmissions, c->ppp_retransmissions);
	failures_table(g);
	phases_table(g);
}

void report_churn(
	struct report *r, const struct gen *g, double seconds, uint64_t begun, uint64_t up)
{
	json_object_set_new(r->all, "churn",
		json_pack("{s:f, s:I, s:I, s:I, s:I, s:o}", "seconds", seconds, "begun",
			(json_int_t)begun, "up", (json_int_t)up, "up_at_end",
			(json_int_t)g->sessions_up, "failed", (json_int_t)g->failed, "phases",
			phases_json(g)));
	if (!r->tables)
		return;
	printf("hold: %.1f s, %lu sessions ended and begun again (%.1f per second), %lu came up, "
	       "%u up at the end, %u failed\n",
		seconds, begun, seconds > 0 ? (double)begun / seconds : 0, up, g->sessions_up,
		g->failed);
	failures_table(g);
	if (begun)
		phases_table(g);
}

void report_flood(struct report *r, const struct gen *g)
{
	struct flood_sum f = flood_sum(g);
	double rate = f.seconds > 0 ? (double)f.sent / f.seconds : 0;

	if (g->options.flood <= 0)
		return;
	json_object_set_new(r->all, "flood",
		json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "sent", (json_int_t)f.sent, "not_taken",
			(json_int_t)f.not_taken, "seconds", f.seconds, "per_second", rate,
			"server_memory_before_kib", (json_int_t)f.memory_before,
			"server_memory_after_kib", (json_int_t)f.memory_after));
	if (r->tables)
		printf("flood: %lu messages in %.1f s, %.0f per second; %lu more were not taken; "
		       "the control plane had %ld KiB before and %ld after\n",
			f.sent, f.seconds, rate, f.not_taken, f.memory_before, f.memory_after);
}

void report_silent(struct report *r, uint32_t silent)
{
	json_object_set_new(r->all, "silent_sessions", json_integer(silent));
	if (r->tables && silent)
		printf("%u sessions are up, but nothing comes through them\n", silent);
}

static json_t *way_json(const struct trial *t, enum direction d)
{
	const struct traffic_way *w = &t->ways[d];
	double s = t->seconds > 0 ? t->seconds : 1;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o}", "offered",
		(json_int_t)trial_offered(t, d), "received", (json_int_t)w->received, "lost",
		(json_int_t)trial_lost(t, d), "not_taken", (json_int_t)w->no_room, "disorder",
		(json_int_t)w->disorder, "wrong", (json_int_t)w->wrong, "skipped",
		(json_int_t)w->skipped, "offered_pps", (double)trial_offered(t, d) / s,
		"received_pps", (double)w->received / s, "received_gbps",
		(double)w->bytes * 8 / s / 1e9, "latency", histogram_json(&w->latency));
}

static json_t *trial_json(const struct trial *t)
{
	json_t *j = json_pack("{s:s, s:i, s:I, s:f, s:f, s:f, s:f}", "direction", way_word(t->way),
		"size", (int)t->size, "sessions", (json_int_t)t->sessions, "asked_pps", t->asked,
		"seconds", t->seconds, "loss_share", trial_loss(t), "generator_busy", t->busy);

	for (unsigned d = 0; d < DIRECTIONS; d++)
		if (trial_uses(t, d))
			json_object_set_new(j, direction_words[d], way_json(t, d));
	return j;
}

static void trial_head(struct report *r)
{
	if (r->head_shown)
		return;
	r->head_shown = true;
	printf("traffic; size is the inner packet, latency in microseconds, "
	       "generator-to-generator\n");
	printf("  %-9s %5s %11s %7s %10s %9s %7s %7s %8s %8s %8s  %s\n", "direction", "size",
		"packets/s", "Gbit/s", "lost", "lost %", "order", "busy %", "p50", "p99", "p99.9",
		"");
}

static void trial_table(struct report *r, const struct trial *t, const char *remark)
{
	trial_head(r);
	for (unsigned d = 0; d < DIRECTIONS; d++) {
		const struct traffic_way *w = &t->ways[d];
		double s = t->seconds > 0 ? t->seconds : 1;
		uint64_t offered = trial_offered(t, d);
		char size[16] = "imix";

		if (!trial_uses(t, d))
			continue;
		if (t->size != OPTIONS_IMIX)
			snprintf(size, sizeof(size), "%u", t->size);
		printf("  %-9s %5s %11.0f %7.3f %10lu %9.5f %7lu %7.0f %8.1f %8.1f %8.1f  %s\n",
			direction_words[d], size, (double)w->received / s,
			(double)w->bytes * 8 / s / 1e9, trial_lost(t, d),
			offered ? 100.0 * (double)trial_lost(t, d) / (double)offered : 0,
			w->disorder + w->wrong, t->busy * 100,
			us(histogram_percentile(&w->latency, 0.5)),
			us(histogram_percentile(&w->latency, 0.99)),
			us(histogram_percentile(&w->latency, 0.999)), remark);
	}
	fflush(stdout);
}

void report_trial(struct report *r, const struct trial *t, const struct gen *g)
{
	json_array_append_new(r->trials, trial_json(t));
	if (r->tables)
		trial_table(r, t, "");
}

void report_finding(struct report *r, const struct finding *f, const struct gen *g)
{
	json_t *j = trial_json(&f->best);
	char remark[96];

	json_object_set_new(j, "search", json_true());
	json_object_set_new(j, "found", json_boolean(f->best.asked > 0));
	json_object_set_new(j, "trials", json_integer(f->trials));
	json_object_set_new(j, "overload_pps", json_real(f->overload));
	json_object_set_new(j, "generator_bound", json_boolean(f->generator_bound));
	json_array_append_new(r->trials, j);
	if (!r->tables)
		return;
	snprintf(remark, sizeof(remark), "highest of %u trials%s; overloaded: %.0f/s", f->trials,
		f->generator_bound ? ", bound by the generator" : "", f->overload);
	if (f->best.asked > 0)
		trial_table(r, &f->best, remark);
	else
		printf("  no rate within the loss bound was found in %u trials\n", f->trials);
}

int report_end(struct report *r, const struct gen *g)
{
	const char *path = g->options.json;
	const struct control_counters *c = &g->counters;

	json_object_set_new(r->all, "counters",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "control_sent",
			(json_int_t)c->frames_sent, "control_received",
			(json_int_t)c->frames_received, "control_not_taken", (json_int_t)c->no_room,
			"unknown", (json_int_t)g->drops.unknown, "icv", (json_int_t)g->drops.icv,
			"malformed", (json_int_t)g->drops.malformed, "rekeys_refused",
			(json_int_t)c->rekeys_refused, "failed", (json_int_t)g->failed, "rekeys",
			(json_int_t)c->rekeys, "rekey", histogram_json(&g->phases[PHASE_REKEY])));
	if (r->tables && c->rekeys)
		printf("rekeys: %lu, mean %.2f ms, most %.2f ms\n", c->rekeys,
			histogram_mean(&g->phases[PHASE_REKEY]) / 1e6,
			ms(g->phases[PHASE_REKEY].most));
	if (r->tables && g->drops.unknown + g->drops.icv + g->drops.malformed)
		printf("received and not understood: unknown %lu, wrong ICV %lu, malformed %lu\n",
			g->drops.unknown, g->drops.icv, g->drops.malformed);
	if (!*path)
		return 0;
	if (!r->tables)
		return json_dumpf(r->all, stdout, JSON_INDENT(1)) ? -EIO : 0;
	return json_dump_file(r->all, path, JSON_INDENT(1)) ? -EIO : 0;
}
