// SPDX-License-Identifier: Apache-2.0

// culvert-gen: subscribers for an L2TP/IPsec gateway, and the host behind it.
//
// It brings sessions up through the gateway's control plane, as clients or LACs do, keeps them,
// ends and begins some anew, and moves test packets through them. Everything is in one thread on
// one core; both ports are DPDK devices. It knows nothing of the gateway that it tests but the
// addresses and credentials on its command line.
//
// It does not: certificates, IPv6, VLANs, rekeying begun by the gateway, or several cores.

#include "esp.h"
#include "flood.h"
#include "gen.h"
#include "lac.h"
#include "net.h"
#include "peer.h"
#include "receive.h"
#include "report.h"
#include "traffic.h"
#include "trial.h"

#include "controlplane/ike/group.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TICK_US = 1000, NAP_US = 50, ARP_S = 20, TEARDOWN_S = 30 };

static volatile bool stop_asked, nothing_asked;

static void on_signal(int number)
{
	stop_asked = true;
}

static double since(const struct gen *g, uint64_t began)
{
	return (double)(rte_rdtsc() - began) / (double)g->hz;
}

uint64_t gen_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void gen_turn(struct gen *g)
{
	uint64_t now = rte_rdtsc();
	bool sending = traffic_sending(g, now);
	bool any = sending && traffic_send(g, now);

	any |= flood_send(g, now);
	any |= receive_network_side(g);
	any |= receive_subscriber_side(g);
	if (now >= g->next_tick) {
		g->next_tick = now + g->hz / 1000000 * TICK_US;
		timers_run(g->timers, (now - g->start) / (g->hz / 1000));
		net_resolve(g, now);
	}
	if (!any && !sending && !g->options.poll)
		usleep(NAP_US);
	if (any)
		g->busy_cycles += rte_rdtsc() - now;
	else
		g->idle_cycles += rte_rdtsc() - now;
}

// CPU seconds of another process; negative when it cannot be told.
static double cpu_seconds_of(uint32_t pid)
{
	char path[64], text[1024], *at;
	unsigned long user = 0, system = 0;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = pid ? fopen(path, "r") : NULL;
	if (!f)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user,
			   &system) != 2)
		return -1;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// What a responder that did nothing else could do in a second of CPU time: a key pair and a secret.
static void measure_dh(struct gen *g)
{
	unsigned group = g->options.ike_group;
	uint8_t public[IKE_DH_MAX], secret[IKE_DH_MAX];
	struct ike_dh *peer = ike_dh_generate(group, public), *own;
	uint8_t ignored[IKE_DH_MAX];
	double began = cpu_seconds(), spent = 0;
	unsigned n = 0;

	while (peer && spent < g->options.dh_alone / 1e3) {
		own = ike_dh_generate(group, ignored);
		(void)ike_dh_shared(group, own, SPAN(public, ike_group_size(group)), secret);
		ike_dh_free(own);
		n++;
		spent = cpu_seconds() - began;
	}
	ike_dh_free(peer);
	g->counters.dh_alone = spent > 0 ? n / spent : 0;
}

static int find_gateway(struct gen *g)
{
	uint64_t began = rte_rdtsc();

	while (!net_ready(g) && !*g->stop) {
		gen_turn(g);
		if (since(g, began) < ARP_S)
			continue;
		fprintf(stderr, "culvert-gen: nobody answers ARP for the gateway on the %s side\n",
			g->subscriber_side.resolved ? "network" : "subscriber");
		return -ETIMEDOUT;
	}
	return 0;
}

static void progress(struct gen *g, const char *what, uint64_t began, uint64_t *next)
{
	uint64_t now = rte_rdtsc();

	if (g->options.quiet || now < *next)
		return;
	*next = now + g->hz;
	fprintf(stderr, "  %s: %.0f s, %u up, %u in set-up, %u failed\n", what, since(g, began),
		g->sessions_up, g->in_setup, g->failed);
}

static void set_up(struct gen *g, struct report *r)
{
	uint64_t began = rte_rdtsc(), next = began + g->hz;
	double cpu = cpu_seconds(), server = cpu_seconds_of(g->options.server);
	bool more = true;

	while ((more || g->in_setup) && !*g->stop) {
		more = peer_pace(g, rte_rdtsc());
		gen_turn(g);
		progress(g, "set-up", began, &next);
	}
	if (server >= 0)
		server = cpu_seconds_of(g->options.server) - server;
	report_setup(r, g, since(g, began), cpu_seconds() - cpu, server);
}

// The next session that is up, after the one of the last call; NULL when none is. With traffic, the
// first half is left alone.
static struct session *next_up(struct gen *g, uint32_t *at)
{
	uint32_t first = g->options.held_traffic ? g->session_count / 2 : 0;

	for (uint32_t i = first; i < g->session_count; i++) {
		struct session *s = &g->sessions[*at < first ? first : *at];

		*at = (s->index + 1) % g->session_count;
		if (s->state == SESSION_UP)
			return s;
	}
	return NULL;
}

// Ends so many sessions in turn that the rate is kept, and begins each of them again at once.
static void churn(struct gen *g, uint64_t began, uint64_t *churned)
{
	static uint32_t at;

	while (*churned < (uint64_t)(g->options.churn * since(g, began)) &&
		g->in_setup < g->options.parallel) {
		struct session *s = next_up(g, &at);

		if (!s)
			return;
		session_end(s);
		session_begin(s);
		(*churned)++;
	}
}

static void settle(struct gen *g)
{
	uint64_t began = rte_rdtsc();

	while (g->in_setup && since(g, began) < TEARDOWN_S && !*g->stop)
		gen_turn(g);
}

static void hold(struct gen *g, struct report *r)
{
	uint64_t began = rte_rdtsc(), next = began + g->hz, churned = 0;
	uint64_t up = g->counters.up;

	if (g->options.churn > 0)
		memset(g->phases, 0, sizeof(g->phases));
	flood_begin(g, began);
	while (since(g, began) < g->options.hold && !*g->stop) {
		churn(g, began, &churned);
		gen_turn(g);
		progress(g, "hold", began, &next);
	}
	flood_end(g, rte_rdtsc());
	report_flood(r, g);
	report_churn(r, g, since(g, began), churned, g->counters.up - up);
}

static bool is_good(const struct trial *t, const struct options *o);

// The same with traffic: what others do must not show in it.
static bool hold_under_load(struct gen *g, struct report *r)
{
	const struct options *o = &g->options;
	static struct trial t;

	report_silent(r, trial_learn(g));
	trial_begin(g, o->ways[0], o->sizes[0], o->rate,
		o->churn > 0 ? (g->session_count + 1) / 2 : g->session_count, &t);
	g->traffic->limit = 0;
	g->traffic->until = g->traffic->began + (uint64_t)(o->hold * (double)g->hz);
	hold(g, r);
	trial_end(g, &t);
	report_trial(r, &t, g);
	settle(g);
	return is_good(&t, o);
}

static bool is_good(const struct trial *t, const struct options *o)
{
	return trial_loss(t) <= o->loss && t->ways[0].disorder + t->ways[0].wrong == 0 &&
	       t->ways[1].disorder + t->ways[1].wrong == 0;
}

static bool one_case(struct gen *g, struct report *r, unsigned way, uint16_t size)
{
	static struct trial t;
	static struct finding f;

	if (g->options.search) {
		trial_search(g, way, size, &f);
		report_finding(r, &f, g);
		return f.best.asked > 0;
	}
	trial_run(g, way, size, g->options.rate, &t);
	report_trial(r, &t, g);
	return is_good(&t, &g->options);
}

static bool traffic(struct gen *g, struct report *r)
{
	const struct options *o = &g->options;
	uint32_t silent;
	bool good = true;

	if (o->way_count == 0 || g->sessions_up == 0)
		return true;
	if (o->held_traffic)
		return hold_under_load(g, r);
	silent = trial_learn(g);
	report_silent(r, silent);
	good = silent == 0;
	for (unsigned w = 0; w < o->way_count; w++)
		for (unsigned i = 0; i < o->size_count && !*g->stop && g->sessions_up; i++)
			good &= one_case(g, r, o->ways[w], o->sizes[i]);
	return good;
}

// Hangs up all; a second signal does not wait for the gateway.
static void tear_down(struct gen *g)
{
	uint64_t began = rte_rdtsc();

	stop_asked = false;
	while (peer_pace_end(g) && since(g, began) < TEARDOWN_S && !stop_asked)
		gen_turn(g);
	// The Deletes are the last that is sent.
	for (began = rte_rdtsc(); since(g, began) < 0.05;)
		gen_turn(g);
}

static int run(struct gen *g)
{
	struct report *r = report_create(g);
	int error = r ? find_gateway(g) : -ENOMEM;
	bool good = false;

	if (!error && !*g->stop) {
		measure_dh(g);
		set_up(g, r);
		if (g->options.hold > 0 && !g->options.held_traffic) {
			hold(g, r);
			settle(g);
		}
		good = traffic(g, r) && g->failed == 0 && g->sessions_up == g->session_count &&
		       !*g->stop;
		g->stop = &nothing_asked;
		tear_down(g);
		error = report_end(r, g);
	}
	report_free(r);
	if (error)
		return 1;
	return g->options.strict && !good ? 1 : 0;
}

static int start(struct gen *g)
{
	int error = net_start(g);

	if (error)
		return error;
	g->hz = rte_get_tsc_hz();
	g->start = rte_rdtsc();
	g->stop = &stop_asked;
	g->esp = esp_create();
	g->timers = timers_create(NULL, NULL);
	if (!g->esp || !g->timers)
		return -ENOMEM;
	error = peer_create_all(g);
	error = error ? error : flood_create(g);
	return error ? error : traffic_create(g);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct gen *g = calloc(1, sizeof(*g));
	int status;

	if (!g)
		return 1;
	status = options_parse(&g->options, argc, argv);
	if (status) {
		free(g);
		return status < 0 ? 2 : 0;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = start(g);
	if (status)
		fprintf(stderr, "culvert-gen: %s\n", strerror(-status));
	status = status ? 1 : run(g);
	net_stop(g);
	peer_free_all(g);
	traffic_free(g);
	flood_free(g);
	timers_free(g->timers);
	esp_free(g->esp);
	free(g);
	return status;
}
