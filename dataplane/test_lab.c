// SPDX-License-Identifier: Apache-2.0

#include "dataplane/test_lab.h"

#include "contract/config.h"

#include "dataplane/admit.h"
#include "dataplane/eal.h"
#include "dataplane/ether.h"
#include "dataplane/large.h"
#include "dataplane/reassemble.h"
#include "dataplane/reorder.h"
#include "dataplane/shaper.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	SAS = 256,
	SESSIONS = 256,
	RING = 1024,
	LATER_MOST = 10000, // times 10 ms until nothing is kept any more
};

struct lab lab;

static struct ip_prefix prefix(uint32_t address, uint8_t length)
{
	return (struct ip_prefix){.address = address_from_u32(address), .length = length};
}

static struct rte_ring *ring(const char *what, unsigned a, unsigned b)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u-%u", what, a, b);
	return rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static struct ip_address v6(const char *text)
{
	struct ip_address a;

	address_parse(text, &a);
	return a;
}

// What is different about the ports.
static const struct plan {
	const char *name;
	const char *device;
	uint8_t side;
	uint32_t address; // IPv4 in host byte order, of a /24
	const char *address6;
	uint16_t vlan[LIMIT_VLANS];
	bool single; // pair of queues
} plan[LAB_PORTS] = {
	{"sub", "sub", SIDE_SUBSCRIBER, LAB_IP(192, 0, 2, 1), LAB_SUB6, {0}, false},
	{"net", "net", SIDE_NETWORK, LAB_IP(198, 51, 100, 1), LAB_NET6, {0}, false},
	{"sub2", "sub2", SIDE_SUBSCRIBER, LAB_IP(192, 0, 3, 1), "2001:db8:1:2::1", {0}, true},
	{"net2", "trunk", SIDE_NETWORK, LAB_IP(198, 51, 101, 1), "2001:db8:1:3::1", {0}, false},
	{"vlan", "trunk", SIDE_SUBSCRIBER, LAB_IP(192, 0, 4, 1), "2001:db8:1:4::1", {10}, false},
	{"qinq", "trunk", SIDE_NETWORK, LAB_IP(198, 51, 102, 1), "2001:db8:1:5::1", {300, 30},
		false},
};

static struct config_port config_of(const struct plan *p, uint16_t mtu)
{
	struct config_port c = {.side = p->side, .mtu = mtu, .address_count = 2};

	snprintf(c.name, sizeof(c.name), "%s", p->name);
	snprintf(c.device, sizeof(c.device), "net_ring_%s", p->device);
	memcpy(c.vlan, p->vlan, sizeof(c.vlan));
	while (c.vlan_count < LIMIT_VLANS && c.vlan[c.vlan_count])
		c.vlan_count++;
	c.addresses[0].address = address_from_u32(p->address);
	c.addresses[0].network = prefix(p->address & 0xffffff00, 24);
	c.addresses[1].address = v6(p->address6);
	c.addresses[1].network.length = 64;
	return c;
}

static int make_device(uint16_t index)
{
	uint16_t queues = plan[index].single ? 1 : lab.workers;

	for (uint16_t q = 0; q < queues; q++) {
		lab.rx[index][q] = ring("rx", index, q);
		lab.tx[index][q] = ring("tx", index, q);
	}
	return rte_eth_from_rings(
		plan[index].device, lab.rx[index], queues, lab.tx[index], queues, 0);
}

static int open_ports(uint16_t count, uint16_t mtu)
{
	static struct config_port c[LAB_PORTS];

	for (uint16_t i = 0; i < count; i++) {
		c[i] = config_of(&plan[i], mtu);
		if (eal_device_first(c, i) == i && make_device(i) < 0)
			return -1;
	}
	if (ports_open(lab.port, &lab.ports, c, count, lab.workers, lab.pool) < 0)
		return -1;
	for (uint16_t i = 0; i < count; i++) {
		uint8_t last = (uint8_t)(0xf0 + lab.port[i].primary);

		port_set_mac(&lab.port[i], &(struct rte_ether_addr){{2, 0, 0, 0, 0, last}});
		port_sample(&lab.port[i], &lab.stats.port[i]);
	}
	return 0;
}

static int make_routes(void)
{
	struct config_route subscribers = {.to = prefix(0, 0),
		.via = {address_from_u32(LAB_IP(192, 0, 2, 254))},
		.via_count = 1};
	struct config_route network = {.to = prefix(0, 0),
		.via = {address_from_u32(LAB_IP(198, 51, 100, 254))},
		.via_count = 1};
	struct config_route subscribers6 = {
		.to.address.version = IP_V6, .via = {v6(LAB_SUB6_ROUTER)}, .via_count = 1};
	struct config_route network6 = {
		.to.address.version = IP_V6, .via = {v6(LAB_NET6_ROUTER)}, .via_count = 1};

	lab.routes = routes_create(16, SESSIONS, lab.port, lab.ports, lab.qsbr);
	if (!lab.routes || route_add_static(lab.routes, &subscribers) < 0 ||
		route_add_static(lab.routes, &network) < 0 ||
		route_add_static(lab.routes, &subscribers6) < 0 ||
		route_add_static(lab.routes, &network6) < 0)
		return -1;
	return route_add_local(lab.routes, SIDE_NETWORK, rte_cpu_to_be_32(LAB_IP(100, 64, 0, 1)));
}

static void make_worker(uint16_t index)
{
	struct worker *w = &lab.worker[index];

	*w = (struct worker){
		.index = index,
		.workers = lab.workers,
		.ports = lab.ports,
		.port = lab.port,
		.icmp_source = lab.port[LAB_NET].address[0],
		.ppp_local = rte_cpu_to_be_32(LAB_IP(100, 64, 0, 1)),
		.stats = &lab.stats.worker[index],
		.session_stats = lab.stats.session,
		.group_stats = &lab.stats.group[index * LIMIT_GROUPS],
		.sa_stats = lab.stats.sa,
		.tables = lab.tables,
		.routes = lab.routes,
		.neighbours = lab.resolver.neighbours,
		.pool = lab.pool,
		.large = lab.large,
		.mgr = lab.tables->mgr,
		.mgr_single = lab.tables->mgr,
		.to_clerk = ring("to-clerk", index, 0),
		.from_clerk = ring("from-clerk", index, 0),
		.bell = &lab.bell,
		.reassembly = reassembly_create(lab.pool, lab.workers, 1),
		.admission = admission_create(lab.workers),
		.reorder = reorder_create(lab.pool, lab.workers),
		.shaper = shaper_create(lab.pool, lab.workers, SESSIONS, 1),
	};
	memcpy(w->icmp_source6, lab.port[LAB_NET].address6[0], sizeof(w->icmp_source6));
	rte_rcu_qsbr_thread_register(lab.qsbr, index);
}

static void connect_workers(void)
{
	for (uint16_t from = 0; from < lab.workers; from++)
		for (uint16_t to = 0; to < lab.workers; to++) {
			if (from == to)
				continue;
			lab.worker[to].handover[from] = ring("handover", from, to);
			lab.worker[from].give_to[to] = lab.worker[to].handover[from];
		}
}

static int make_all(uint16_t ports, uint16_t mtu)
{
	uint16_t buffer = RTE_ALIGN_CEIL(mtu + ETHER_MOST, 64) + RTE_PKTMBUF_HEADROOM;
	struct IMB_MGR *mgr = alloc_mb_mgr(0);

	init_mb_mgr_auto(mgr, NULL);
	lab.workers = LAB_WORKERS;
	if (stats_create(&lab.stats, lab.workers, ports, SAS, SESSIONS, 1) < 0)
		return -1;
	lab.qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(lab.workers), 64);
	rte_rcu_qsbr_init(lab.qsbr, lab.workers);
	lab.pool = rte_pktmbuf_pool_create("packets", LAB_POOL, 0, META_SIZE,
		RTE_MAX(buffer, (uint16_t)RTE_MBUF_DEFAULT_BUF_SIZE), SOCKET_ID_ANY);
	lab.large = large_pool_create(lab.workers);
	if (!lab.pool || !lab.large || open_ports(ports, mtu) < 0)
		return -1;
	lab.tables = tables_create(SAS, SESSIONS, lab.stats.sa, lab.stats.session, mgr, lab.qsbr);
	lab.tables->workers = lab.workers;
	lab.tables->port_mtu = mtu;
	lab.resolver = (struct resolver){.worker = lab.worker,
		.tables = lab.tables,
		.workers = lab.workers,
		.port = lab.port,
		.ports = lab.ports,
		.pool = lab.pool};
	return resolver_open(&lab.resolver, lab.qsbr) < 0 ? -1 : make_routes();
}

static int start(uint16_t ports, uint16_t mtu)
{
	char *argv[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m384",
		"--log-level=warning", "--lcores=0", "--file-prefix=culvert-test"};

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]), argv) < 0 || make_all(ports, mtu) < 0)
		return -1;
	lab.bell.eventfd = eventfd(0, EFD_NONBLOCK);
	for (uint16_t i = 0; i < lab.workers; i++)
		make_worker(i);
	connect_workers();
	lab.now = 1000000000;
	lab.clerk = (struct clerk){.worker = lab.worker,
		.workers = lab.workers,
		.port = lab.port,
		.ports = lab.ports,
		.tables = lab.tables,
		.routes = lab.routes,
		.resolver = &lab.resolver,
		.stats = &lab.stats,
		.qsbr = lab.qsbr,
		.bell = &lab.bell};
	return 0;
}

int lab_start(void **state)
{
	return start(LAB_NET + 1, LAB_MTU);
}

int lab_start_wide(void **state)
{
	return start(LAB_PORTS, LAB_JUMBO);
}

int lab_stop(void **state)
{
	lab_disconnect();
	rte_eal_cleanup();
	return 0;
}

void lab_connect(void)
{
	int region = channel_create_region(lab.workers);

	lab_disconnect();
	if (channel_map(&lab.near, region, lab.workers, CHANNEL_DATAPLANE, -1, -1) < 0 ||
		channel_map(&lab.far, region, lab.workers, CHANNEL_CONTROLPLANE, -1, -1) < 0)
		return;
	close(region);
	for (uint16_t i = 0; i < lab.workers; i++)
		atomic_store(&lab.worker[i].channel, &lab.near);
}

void lab_disconnect(void)
{
	for (uint16_t i = 0; i < lab.workers; i++)
		atomic_store(&lab.worker[i].channel, NULL);
	if (lab.near.head)
		channel_unmap(&lab.near);
	if (lab.far.head)
		channel_unmap(&lab.far);
}

void lab_receive(uint16_t port, uint16_t queue, const void *frame, size_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.pool);
	char *room = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;

	if (!room)
		return;
	memcpy(room, frame, length);
	if (rte_ring_enqueue(lab.rx[port][queue], m) != 0)
		rte_pktmbuf_free(m);
}

// now: nanoseconds, 0 = by the clock.
static unsigned run_workers(uint64_t now)
{
	unsigned count = 0;

	for (uint16_t i = 0; i < lab.workers; i++) {
		rte_rcu_qsbr_thread_online(lab.qsbr, i);
		count += now ? worker_round_at(&lab.worker[i], now) : worker_round(&lab.worker[i]);
		rte_rcu_qsbr_thread_offline(lab.qsbr, i);
	}
	return count;
}

void lab_run(void)
{
	while (run_workers(0) + resolver_work(&lab.resolver, lab.now))
		;
}

void lab_later(uint64_t ns)
{
	uint64_t now = lab.worker[0].now + ns;

	while (run_workers(now) + resolver_work(&lab.resolver, lab.now))
		;
}

uint64_t lab_held(void)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < lab.workers; i++)
		sum += lab.stats.worker[i].held;
	return sum;
}

void lab_expire(void)
{
	for (uint16_t i = 0; i < lab.workers; i++)
		reassemble_expire(&lab.worker[i], UINT64_MAX);
	for (int i = 0; lab_held() && i < LATER_MOST; i++) {
		lab_later(10000000);
		lab_forget();
	}
}

void lab_second(void)
{
	lab.now += 1000000000;
	resolver_tick(&lab.resolver, lab.now);
	lab_run();
}

size_t lab_sent(uint16_t port, uint8_t frame[LAB_FRAME])
{
	for (uint16_t q = 0; q < lab.workers; q++) {
		struct rte_mbuf *m;
		size_t length;

		if (!lab.tx[port][q] || rte_ring_dequeue(lab.tx[port][q], (void **)&m) != 0)
			continue;
		length = m->data_len;
		memcpy(frame, rte_pktmbuf_mtod(m, void *), length);
		rte_pktmbuf_free(m);
		return length;
	}
	return 0;
}

void lab_forget(void)
{
	uint8_t frame[LAB_FRAME];

	for (uint16_t p = 0; p < lab.ports; p++)
		while (lab_sent(p, frame))
			;
}

static uint64_t sum_of_drops(const struct stats_worker *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < DROP_COUNT; i++)
		sum += s->drops[i];
	return sum;
}

bool lab_balanced(void)
{
	for (uint16_t i = 0; i < lab.workers; i++) {
		const struct stats_worker *s = &lab.stats.worker[i];
		uint64_t in = s->received + s->injected + s->created + s->taken;
		uint64_t out = s->transmitted + s->punted + sum_of_drops(s) + s->held + s->given;

		if (in != out) {
			fprintf(stderr, "worker %u: %lu in, %lu out\n", i, in, out);
			return false;
		}
	}
	return true;
}

unsigned lab_packets_out(void)
{
	return rte_mempool_in_use_count(lab.pool) + rte_mempool_in_use_count(lab.large);
}

uint64_t lab_drops(enum drop reason)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < lab.workers; i++)
		sum += lab.stats.worker[i].drops[reason];
	return sum;
}

void lab_ether(struct build *b, uint16_t port, uint8_t n, uint16_t type)
{
	build_bytes(b, &lab.port[port].mac, RTE_ETHER_ADDR_LEN);
	build_bytes(b, (const uint8_t[]){2, 0, 0, 0, 0, n}, RTE_ETHER_ADDR_LEN);
	build_u16(b, type);
}

void lab_ip4(struct build *b, uint8_t protocol, uint32_t source, uint32_t destination,
	uint16_t length, uint8_t ttl, uint16_t fragment)
{
	size_t start = build_length(b);

	build_u16(b, 0x4500);
	build_u16(b, 20 + length);
	build_u16(b, 0x1234);
	build_u16(b, fragment);
	build_u8(b, ttl);
	build_u8(b, protocol);
	build_u16(b, 0);
	build_u32(b, source);
	build_u32(b, destination);
	if (!b->failed)
		build_patch_u16(b, start + 10,
			rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(b->start + start, 20)));
}

void lab_udp(struct build *b, uint16_t source, uint16_t destination, uint16_t length)
{
	build_u16(b, source);
	build_u16(b, destination);
	build_u16(b, 8 + length);
	build_u16(b, 0);
}

size_t lab_udp_frame(uint8_t *frame, uint16_t port, uint32_t source, uint32_t destination,
	uint16_t source_port, uint16_t destination_port, const void *data, uint16_t length)
{
	struct build b = build_in(frame, LAB_FRAME);

	lab_ether(&b, port, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_UDP, source, destination, 8 + length, 64, 0);
	lab_udp(&b, source_port, destination_port, length);
	build_bytes(&b, data, length);
	return build_length(&b);
}

size_t lab_echo_frame(uint8_t *frame, uint16_t port, uint32_t source, uint32_t destination,
	uint16_t length, uint8_t ttl)
{
	struct build b = build_in(frame, LAB_FRAME);
	size_t icmp;

	lab_ether(&b, port, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_ICMP, source, destination, 8 + length, ttl, 0);
	icmp = build_length(&b);
	build_u16(&b, 0x0800);
	build_u16(&b, 0);
	build_u32(&b, 0x00010002);
	build_zero(&b, length);
	build_patch_u16(
		&b, icmp + 2, rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(frame + icmp, 8 + length)));
	return build_length(&b);
}

size_t lab_arp_frame(uint8_t *frame, uint16_t port, uint8_t n, uint16_t operation, uint32_t sender,
	uint32_t target)
{
	struct build b = build_in(frame, LAB_FRAME);

	lab_ether(&b, port, n, RTE_ETHER_TYPE_ARP);
	build_u16(&b, 1);
	build_u16(&b, RTE_ETHER_TYPE_IPV4);
	build_u16(&b, 0x0604);
	build_u16(&b, operation);
	build_bytes(&b, (const uint8_t[]){2, 0, 0, 0, 0, n}, RTE_ETHER_ADDR_LEN);
	build_u32(&b, sender);
	build_bytes(&b, &lab.port[port].mac, RTE_ETHER_ADDR_LEN);
	build_u32(&b, target);
	build_zero(&b, 18); // up to the least frame
	return build_length(&b);
}

void lab_neighbour(uint16_t port, uint8_t n, uint32_t address)
{
	uint32_t own = rte_be_to_cpu_32(lab.port[port].address[0]);
	uint8_t frame[LAB_FRAME];

	lab_receive(port, 0, frame, lab_arp_frame(frame, port, n, 1, address, own));
	lab_run();
	lab_forget();
}
