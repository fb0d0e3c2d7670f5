// SPDX-License-Identifier: Apache-2.0

#include "house.h"

#include "contract/config.h"

#include "dataplane/log.h"
#include "dataplane/neighbour.h"
#include "dataplane/port.h"
#include "dataplane/reassemble.h"
#include "dataplane/reorder.h"
#include "dataplane/session.h"
#include "dataplane/shaper.h"
#include "dataplane/stage.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <stdio.h>
#include <string.h>

enum { PACKETS = 8191, POOL_CACHE = 256, CLERK_RING = 1024, HANDOVER_RING = 4096 };

static struct ip_prefix prefix(uint32_t address, uint8_t length)
{
	return (struct ip_prefix){.address = address_from_u32(address), .length = length};
}

static int open_port(struct house *h, uint16_t index, uint8_t side, uint32_t address)
{
	struct config_port c = {.side = side, .mtu = 1500, .address_count = 1};
	int error;

	snprintf(c.name, sizeof(c.name), "%s", side == SIDE_SUBSCRIBER ? "sub" : "net");
	snprintf(c.device, sizeof(c.device), "net_null%u", index);
	c.addresses[0].address = address_from_u32(address);
	c.addresses[0].network = prefix(address & 0xffffff00, 24);
	error = port_open(&h->port[index], &c, index, h->workers, h->pool);
	if (error < 0)
		return error;
	port_sample(&h->port[index], &h->stats.port[index]);
	return h->port[index].up ? 0 : -ENETDOWN;
}

static int make_routes(struct house *h, uint32_t sessions)
{
	const struct config_route outer = {
		.to = prefix(0, 0), .via = {address_from_u32(POPULATION_ROUTER)}, .via_count = 1};
	const struct config_route inner = {.to = prefix(0, 0),
		.via = {address_from_u32(POPULATION_ROUTER_NET)},
		.via_count = 1};
	int error;

	h->routes = routes_create(2, sessions, h->port, HOUSE_PORTS, h->qsbr);
	if (!h->routes)
		return -ENOMEM;
	error = route_add_static(h->routes, &outer);
	return error < 0 ? error : route_add_static(h->routes, &inner);
}

// The two routers are the only neighbours, and known: nobody ever waits or is asked.
static int make_neighbours(struct house *h)
{
	const struct rte_ether_addr router = {{2, 0, 0, 0, 0, 9}};
	struct ip_address address;
	const struct neighbour_out nobody = {0};

	h->neighbours = neighbours_create(h->qsbr, &nobody);
	if (!h->neighbours)
		return -ENOMEM;
	address = address_from_u32(POPULATION_ROUTER);
	neighbour_heard(h->neighbours, HOUSE_SUB, &address, &router, NEIGHBOUR_CREATE, 1);
	address = address_from_u32(POPULATION_ROUTER_NET);
	neighbour_heard(h->neighbours, HOUSE_NET, &address, &router, NEIGHBOUR_CREATE, 1);
	return 0;
}

static struct IMB_MGR *make_mgr(bool single)
{
	struct IMB_MGR *m = alloc_mb_mgr(0);

	if (m && single)
		init_mb_mgr_sse(m);
	else if (m)
		init_mb_mgr_auto(m, NULL);
	return m;
}

static struct rte_ring *make_ring(const char *name, uint16_t worker, unsigned slots)
{
	char unique[RTE_RING_NAMESIZE];

	snprintf(unique, sizeof(unique), "%s%u", name, worker);
	return rte_ring_create(unique, slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int make_worker(struct house *h, uint16_t index)
{
	struct worker *w = &h->worker[index];

	*w = (struct worker){
		.index = index,
		.ports = HOUSE_PORTS,
		.workers = h->workers,
		.icmp_source = h->port[HOUSE_NET].address[0],
		.port = h->port,
		.stats = &h->stats.worker[index],
		.session_stats = h->stats.session,
		.group_stats = h->stats.group,
		.sa_stats = h->stats.sa,
		.tables = h->tables,
		.routes = h->routes,
		.neighbours = h->neighbours,
		.pool = h->pool,
		.mgr = make_mgr(false),
		.mgr_single = make_mgr(true),
		.to_clerk = make_ring("to-clerk", index, CLERK_RING),
		.from_clerk = make_ring("from-clerk", index, CLERK_RING),
		.bell = &h->bell,
		.reassembly = reassembly_create(h->pool, h->workers, 1),
		.reorder = reorder_create(h->pool, h->workers),
		.shaper = shaper_create(h->pool, h->workers, h->tables->sessions, 1),
	};
	if (!w->mgr || !w->mgr_single || !w->to_clerk || !w->from_clerk || !w->reassembly ||
		!w->shaper || !w->reorder)
		return -ENOMEM;
	return rte_rcu_qsbr_thread_register(h->qsbr, index) == 0 ? 0 : -EINVAL;
}

// Two workers give packets to each other.
static int make_workers(struct house *h)
{
	int error = 0;

	for (uint16_t i = 0; error == 0 && i < h->workers; i++)
		error = make_worker(h, i);
	for (uint16_t i = 0; error == 0 && h->workers > 1 && i < h->workers; i++) {
		struct rte_ring *ring = make_ring("handover", i, HANDOVER_RING);

		h->worker[i].handover[1 - i] = ring;
		h->worker[1 - i].give_to[i] = ring;
		error = ring ? 0 : -ENOMEM;
	}
	return error;
}

static int make_memory(struct house *h, uint32_t sas, uint32_t sessions)
{
	if (stats_create(&h->stats, h->workers, HOUSE_PORTS, sas, sessions, 1) < 0)
		return -ENOMEM;
	h->qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(h->workers), RTE_CACHE_LINE_SIZE);
	if (!h->qsbr || rte_rcu_qsbr_init(h->qsbr, h->workers) != 0)
		return -ENOMEM;
	h->pool = rte_pktmbuf_pool_create("packets", PACKETS, POOL_CACHE, META_SIZE,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return h->pool ? 0 : -ENOMEM;
}

int house_open(struct house *h, uint32_t sas, uint32_t sessions, uint16_t workers)
{
	int error;

	*h = (struct house){.workers = workers};
	log_set_level(LEVEL_ERROR);
	error = make_memory(h, sas, sessions);
	error = error ? error : open_port(h, HOUSE_SUB, SIDE_SUBSCRIBER, POPULATION_US);
	error = error ? error : open_port(h, HOUSE_NET, SIDE_NETWORK, POPULATION_US_NET);
	if (error)
		return error;
	h->tables = tables_create(
		sas, sessions, h->stats.sa, h->stats.session, make_mgr(false), h->qsbr);
	if (!h->tables)
		return -ENOMEM;
	error = make_routes(h, sessions);
	error = error ? error : make_neighbours(h);
	error = error ? error : make_workers(h);
	if (error == 0)
		house_play(h, workers);
	return error;
}

void house_close(struct house *h)
{
	struct IMB_MGR *mgr = h->tables->mgr;

	neighbours_destroy(h->neighbours);
	routes_destroy(h->routes);
	tables_destroy(h->tables);
	free_mb_mgr(mgr);
	for (uint16_t i = 0; i < h->workers; i++) {
		free_mb_mgr(h->worker[i].mgr);
		free_mb_mgr(h->worker[i].mgr_single);
		reassembly_destroy(h->worker[i].reassembly);
		shaper_destroy(h->worker[i].shaper);
		reorder_destroy(h->worker[i].reorder);
	}
	for (uint16_t i = 0; i < HOUSE_PORTS; i++)
		port_close(&h->port[i]);
	stats_destroy(&h->stats);
}

// ---- the population

static int add_tunnel(struct house *h, const struct population *p, uint32_t session)
{
	const struct command_tunnel_add c = population_tunnel_add(p, session);

	return population_opens_tunnel(p, session) ? tunnel_add(h->tables, &c) : 0;
}

static int add_sa(struct house *h, const struct population *p, uint32_t session)
{
	const struct command_sa_add c = population_sa_add(p, session);

	return population_has_esp(p) ? sa_add(h->tables, &c) : 0;
}

static int add_session(struct house *h, const struct population *p, uint32_t session)
{
	const struct command_session_add add = population_session_add(p, session);
	const struct command_session_set set = population_session_set(session);
	const struct command_route route = population_route(session);
	int error = session_add(h->tables, &add);

	error = error ? error : session_set(h->tables, &set);
	return error ? error : route_add(h->routes, &route);
}

void house_play(struct house *h, uint16_t workers)
{
	h->tables->workers = workers;
	for (uint16_t i = 0; i < h->workers; i++)
		h->worker[i].workers = workers;
}

int house_fill(struct house *h, const struct population *p)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < p->sessions; i++) {
		error = add_sa(h, p, i);
		error = error ? error : add_tunnel(h, p, i);
		error = error ? error : add_session(h, p, i);
	}
	for (uint16_t i = 0; i < h->tables->workers; i++)
		rte_rcu_qsbr_thread_online(h->qsbr, i);
	return error;
}

void house_clear(struct house *h)
{
	for (uint16_t i = 0; i < h->tables->workers; i++)
		rte_rcu_qsbr_thread_offline(h->qsbr, i);
	routes_clear(h->routes);
	tables_clear(h->tables);
	reclaim_wait(h->tables);
}

// ---- packets

// As receive_port() of worker.c; the round itself finds the null ports empty.
void house_round(
	struct house *h, uint16_t worker, enum direction d, struct rte_mbuf **m, uint16_t count)
{
	struct worker *w = &h->worker[worker];

	w->stats->received += count;
	for (uint16_t i = 0; i < count; i++) {
		memset(meta_of(m[i]), 0, META_LINE);
		meta_of(m[i])->port = d == UPLINK ? HOUSE_SUB : HOUSE_NET;
	}
	if (d == UPLINK)
		uplink(w, m, count);
	else
		downlink(w, m, count);
	worker_round(w);
}

uint64_t house_sent(const struct house *h)
{
	uint64_t sent = 0;

	for (uint16_t i = 0; i < h->workers; i++)
		sent += __atomic_load_n(&h->stats.worker[i].transmitted, __ATOMIC_RELAXED);
	return sent;
}

void house_tell_drops(const struct house *h)
{
	for (uint16_t w = 0; w < h->workers; w++) {
		const struct stats_worker *s = &h->stats.worker[w];

		for (unsigned i = 0; i < DROP_COUNT; i++)
			if (s->drops[i])
				fprintf(stderr, "%s: %lu\n", drop_word(i), s->drops[i]);
		fprintf(stderr, "received %lu, transmitted %lu, punted %lu, given %lu\n",
			s->received, s->transmitted, s->punted, s->given);
	}
}
