// SPDX-License-Identifier: Apache-2.0

// culvert-dataplane: the DPDK primary. It reads the config, opens the ports, makes the tables and
// the packet memory, starts a worker on each of its cores and becomes the clerk until it is told to
// stop. Everything is made before the first packet and undone in reverse.
//
// The control plane is another program; it comes and goes on the channel (channel_server.c) while
// the workers forward on.

#include "contract/config.h"
#include "contract/version.h"

#include "dataplane/admit.h"
#include "dataplane/clerk.h"
#include "dataplane/eal.h"
#include "dataplane/ether.h"
#include "dataplane/large.h"
#include "dataplane/log.h"
#include "dataplane/reassemble.h"
#include "dataplane/reorder.h"
#include "dataplane/resolver.h"
#include "dataplane/route.h"
#include "dataplane/shaper.h"
#include "dataplane/stats.h"
#include "dataplane/table.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <getopt.h>
#include <intel-ipsec-mb.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	BUFFER_MOST = 65472,  // bytes: what DPDK can say of a packet buffer
	POOL_CACHE = 256,     // packets in the cache of each core
	CLERK_RING = 1024,    // packets
	HANDOVER_RING = 2048, // packets
};

// All that the program is made of. Zero where it is not made yet.
struct gateway {
	struct config *config;
	struct stats stats;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct rte_mempool *large;
	struct IMB_MGR *mgr; // of the clerk
	struct tables *tables;
	struct routes *routes;
	struct resolver resolver;
	struct clerk_bell bell;
	struct port port[LIMIT_PORTS];
	uint16_t ports;
	struct worker *worker;
	uint16_t workers;
};

static int fail(const char *what, const char *fix)
{
	log_event(LOG_FAILED, "s:s, s:s", "what", what, "fix", fix);
	return -ENOMEM;
}

static const char *const MORE_MEMORY = "raise dataplane.memory, or lower dataplane.sas, "
				       "dataplane.sessions or dataplane.packet-buffers";

// The largest frame of any port, and room in front of it.
static uint16_t buffer_size(const struct config *c)
{
	uint32_t most = RTE_MBUF_DEFAULT_DATAROOM;

	for (uint16_t i = 0; i < c->port_count; i++) {
		most = RTE_MAX(most, (uint32_t)c->ports[i].mtu + ETHER_MOST);
		most = RTE_MAX(most, eal_frame_size(c->ports, c->port_count, i));
	}
	most = RTE_ALIGN_CEIL(most, RTE_CACHE_LINE_SIZE) + RTE_PKTMBUF_HEADROOM;
	return (uint16_t)RTE_MIN(most, (uint32_t)BUFFER_MOST);
}

static int make_memory(struct gateway *g)
{
	const struct config_dataplane *d = &g->config->dataplane;
	size_t size = rte_rcu_qsbr_get_memsize(d->workers);

	if (stats_create(&g->stats, d->workers, g->config->port_count, d->sas, d->sessions,
		    rte_get_tsc_hz()) < 0)
		return fail("no memory for the counters", "free some memory");
	g->qsbr = rte_zmalloc("qsbr", size, RTE_CACHE_LINE_SIZE);
	if (!g->qsbr || rte_rcu_qsbr_init(g->qsbr, d->workers) != 0)
		return fail("not enough DPDK memory", MORE_MEMORY);
	g->pool = rte_pktmbuf_pool_create("packets", d->packet_buffers, POOL_CACHE, META_SIZE,
		buffer_size(g->config), SOCKET_ID_ANY);
	g->large = large_pool_create(d->workers);
	if (!g->pool || !g->large)
		return fail("not enough DPDK memory for the packets", MORE_MEMORY);
	return 0;
}

static int open_ports(struct gateway *g)
{
	int error = ports_open(g->port, &g->ports, g->config->ports, g->config->port_count,
		g->config->dataplane.workers, g->pool);

	for (uint16_t i = 0; i < g->ports; i++)
		port_sample(&g->port[i], &g->stats.port[i]);
	return error;
}

static int add_static_routes(struct gateway *g)
{
	char to[ADDRESS_TEXT], via[ADDRESS_TEXT];

	for (uint32_t i = 0; i < g->config->route_count; i++) {
		const struct config_route *r = &g->config->routes[i];
		int error = route_add_static(g->routes, r);

		if (error == 0)
			continue;
		log_event(LOG_FAILED, "s:s, s:s, s:s, s:s", "what", "a route cannot be used", "to",
			prefix_format(&r->to, to), "via", address_format(&r->via[0], via), "reason",
			strerror(-error));
		return error;
	}
	return 0;
}

// The gateway's own end of every PPP link is an address of ours as well.
static int add_ppp_address(struct gateway *g)
{
	const struct ip_address *local = &g->config->ppp.local;

	if (local->version != IP_V4 || address_to_u32(local) == 0)
		return 0;
	return route_add_local(g->routes, SIDE_NETWORK, rte_cpu_to_be_32(address_to_u32(local)));
}

static struct IMB_MGR *make_mgr(bool single)
{
	struct IMB_MGR *m = alloc_mb_mgr(0);

	// With few packets in a burst SHA-NI or SSE one at a time is faster than many lanes of
	// which most are empty.
	if (m && single)
		init_mb_mgr_sse(m);
	else if (m)
		init_mb_mgr_auto(m, NULL);
	return m;
}

static uint16_t least_outer_mtu(const struct gateway *g)
{
	uint16_t least = LIMIT_MTU_MAX;

	for (uint16_t i = 0; i < g->ports; i++)
		if (g->port[i].side == SIDE_SUBSCRIBER)
			least = RTE_MIN(least, g->port[i].mtu);
	return least;
}

static bool all_outer_spread(const struct gateway *g)
{
	for (uint16_t i = 0; i < g->ports; i++)
		if (g->port[i].side == SIDE_SUBSCRIBER && !g->port[g->port[i].primary].spreads)
			return false;
	return true;
}

static int make_tables(struct gateway *g)
{
	const struct config_dataplane *d = &g->config->dataplane;
	int error;

	g->mgr = make_mgr(false);
	if (!g->mgr)
		return fail("no memory for the ciphers", "free some memory");
	g->tables =
		tables_create(d->sas, d->sessions, g->stats.sa, g->stats.session, g->mgr, g->qsbr);
	if (!g->tables)
		return fail("not enough DPDK memory for the tables", MORE_MEMORY);
	g->tables->workers = d->workers;
	g->tables->port_mtu = least_outer_mtu(g);
	g->tables->ports_spread = all_outer_spread(g);
	g->routes = routes_create(g->config->route_count, d->sessions, g->port, g->ports, g->qsbr);
	if (!g->routes)
		return fail("not enough DPDK memory for the routes", MORE_MEMORY);
	error = add_ppp_address(g);
	return error ? error : add_static_routes(g);
}

// Where clients may send to us inside their sessions.
static uint32_t ppp_local(const struct gateway *g)
{
	return rte_cpu_to_be_32(address_to_u32(&g->config->ppp.local));
}

static struct rte_ring *make_ring(const char *what, unsigned a, unsigned b, unsigned size)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u-%u", what, a, b);
	return rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

// ICMP errors come from an address that the inner hosts can reach.
static uint32_t icmp_source(const struct gateway *g)
{
	for (uint16_t i = 0; i < g->ports; i++)
		if (g->port[i].side == SIDE_NETWORK && g->port[i].address_count)
			return g->port[i].address[0];
	return g->port[0].address[0];
}

// The same for IPv6. Without an IPv6 address on the network side one of any port's; none at all:
// there are no ICMPv6 errors.
static const uint8_t *icmp_source6(const struct gateway *g)
{
	static const uint8_t none[16];
	const uint8_t *other = none;

	for (uint16_t i = 0; i < g->ports; i++) {
		if (!g->port[i].address6_count)
			continue;
		if (g->port[i].side == SIDE_NETWORK)
			return g->port[i].address6[0];
		other = g->port[i].address6[0];
	}
	return other;
}

static int make_worker(struct gateway *g, uint16_t index, uint32_t seed)
{
	struct worker *w = &g->worker[index];

	*w = (struct worker){
		.index = index,
		.lcore = index + 1,
		.ports = g->ports,
		.workers = g->workers,
		.adaptive = g->config->dataplane.idle == IDLE_ADAPTIVE,
		.icmp_source = icmp_source(g),
		.ppp_local = ppp_local(g),
		.port = g->port,
		.stats = &g->stats.worker[index],
		.session_stats = g->stats.session,
		.group_stats = &g->stats.group[index * LIMIT_GROUPS],
		.sa_stats = g->stats.sa,
		.tables = g->tables,
		.routes = g->routes,
		.neighbours = g->resolver.neighbours,
		.pool = g->pool,
		.mgr = make_mgr(false),
		.mgr_single = make_mgr(true),
		.to_clerk = make_ring("to-clerk", index, 0, CLERK_RING),
		.from_clerk = make_ring("from-clerk", index, 0, CLERK_RING),
		.bell = &g->bell,
		.reassembly = reassembly_create(g->pool, g->workers, seed),
		.large = g->large,
		.admission = admission_create(g->workers),
		.reorder = reorder_create(g->pool, g->workers),
		.shaper = shaper_create(g->pool, g->workers, g->config->dataplane.sessions, seed),
	};
	memcpy(w->icmp_source6, icmp_source6(g), sizeof(w->icmp_source6));
	for (uint16_t from = 0; from < g->workers; from++) {
		if (from == index)
			continue;
		w->handover[from] = make_ring("handover", from, index, HANDOVER_RING);
		if (!w->handover[from])
			return -ENOMEM;
	}
	if (!w->mgr || !w->mgr_single || !w->to_clerk || !w->from_clerk || !w->reassembly ||
		!w->shaper || !w->reorder || !w->admission)
		return -ENOMEM;
	w->stats->lcore = (uint64_t)rte_lcore_to_cpu_id(w->lcore);
	return rte_rcu_qsbr_thread_register(g->qsbr, index) == 0 ? 0 : -EINVAL;
}

static int make_workers(struct gateway *g)
{
	uint32_t seed;
	int error = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	g->workers = g->config->dataplane.workers;
	g->worker = rte_zmalloc("workers", g->workers * sizeof(*g->worker), RTE_CACHE_LINE_SIZE);
	if (!g->worker)
		return fail("not enough DPDK memory for the workers", MORE_MEMORY);
	for (uint16_t i = 0; i < g->workers; i++)
		error = error ? error : make_worker(g, i, seed);
	if (error < 0)
		return fail("not enough DPDK memory for the workers", MORE_MEMORY);
	for (uint16_t from = 0; from < g->workers; from++)
		for (uint16_t to = 0; to < g->workers; to++)
			g->worker[from].give_to[to] = g->worker[to].handover[from];
	return 0;
}

static int make_resolver(struct gateway *g)
{
	g->resolver = (struct resolver){.port = g->port, .ports = g->ports, .pool = g->pool};
	g->bell.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g->bell.eventfd < 0 || resolver_open(&g->resolver, g->qsbr) < 0)
		return fail("not enough DPDK memory for the neighbours", MORE_MEMORY);
	return 0;
}

static int run(struct gateway *g)
{
	const struct clerk clerk = {
		.config = g->config,
		.worker = g->worker,
		.workers = g->workers,
		.port = g->port,
		.ports = g->ports,
		.tables = g->tables,
		.routes = g->routes,
		.resolver = &g->resolver,
		.stats = &g->stats,
		.qsbr = g->qsbr,
		.bell = &g->bell,
	};
	int error = 0;

	g->resolver.worker = g->worker;
	g->resolver.workers = g->workers;
	g->resolver.tables = g->tables;
	for (uint16_t i = 0; i < g->ports; i++)
		resolver_announce(&g->resolver, i);
	for (uint16_t i = 0; error == 0 && i < g->workers; i++)
		error = rte_eal_remote_launch(worker_run, &g->worker[i], g->worker[i].lcore);
	if (error == 0)
		error = clerk_run(&clerk);
	for (uint16_t i = 0; i < g->workers; i++)
		__atomic_store_n(&g->worker[i].stop, true, __ATOMIC_RELEASE);
	rte_eal_mp_wait_lcore();
	return error;
}

static void free_mgr(struct IMB_MGR *m)
{
	if (m)
		free_mb_mgr(m);
}

// In reverse order, as far as it was made. The workers have ended; DPDK's memory goes as a whole.
static void undo(struct gateway *g)
{
	for (uint16_t i = 0; g->worker && i < g->workers; i++) {
		free_mgr(g->worker[i].mgr);
		free_mgr(g->worker[i].mgr_single);
		admission_destroy(g->worker[i].admission);
		reassembly_destroy(g->worker[i].reassembly);
		shaper_destroy(g->worker[i].shaper);
		reorder_destroy(g->worker[i].reorder);
	}
	if (g->routes)
		routes_destroy(g->routes);
	tables_destroy(g->tables);
	free_mgr(g->mgr);
	while (g->ports > 0)
		port_close(&g->port[--g->ports]);
	if (g->stats.header)
		stats_destroy(&g->stats);
	rte_eal_cleanup();
}

static int start(struct gateway *g)
{
	int error = eal_start(g->config);

	if (error < 0)
		return error;
	error = make_memory(g);
	error = error ? error : open_ports(g);
	error = error ? error : make_tables(g);
	error = error ? error : make_resolver(g);
	error = error ? error : make_workers(g);
	error = error ? error : run(g);
	undo(g);
	return error;
}

// Blocked before any thread is there: only the clerk's signalfd sees them.
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: culvert-dataplane -c CONFIG\n"
		     "       culvert-dataplane --help | --version\n"
		     "\n"
		     "Moves the packets of the gateway. Needs root; logs to standard error, one\n"
		     "event a line, in JSON. SIGTERM and SIGINT end it.\n");
	return status;
}

static const char *parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	const char *path = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		if (option == 'c') {
			path = optarg;
		} else if (option == 'V') {
			printf("culvert-dataplane %s, contract %d\n", CULVERT_VERSION,
				CONTRACT_VERSION);
			exit(0);
		} else {
			exit(usage(option == 'h' ? stdout : stderr, option == 'h' ? 0 : 2));
		}
	}
	if (!path || optind != argc)
		exit(usage(stderr, 2));
	return path;
}

int main(int argc, char **argv)
{
	const char *path = parse_arguments(argc, argv);
	static struct gateway g;
	int error;

	if (config_load(path, &g.config, stderr) < 0)
		return 1;
	log_set_level(g.config->log_level);
	block_signals();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	error = start(&g);
	config_free(g.config);
	return error ? 1 : 0;
}
