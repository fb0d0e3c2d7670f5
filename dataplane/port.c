// SPDX-License-Identifier: Apache-2.0

#include "dataplane/port.h"

#include "dataplane/eal.h"
#include "dataplane/log.h"
#include "dataplane/nd.h"

#include <errno.h>
#include <net/if.h>
#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024 }; // of each queue, where the device has them

static int fail(const struct config_port *c, const char *what, int error, const char *fix)
{
	log_event(LOG_FAILED, "s:s, s:s, s:s, s:s, s:s", "port", c->name, "device", c->device,
		"what", what, "reason", strerror(-error), "fix", fix);
	return error;
}

static void take_address(struct port *p, const struct ip_address *a, uint8_t length)
{
	uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;

	p->address[p->address_count] = rte_cpu_to_be_32(address_to_u32(a));
	p->network[p->address_count] = rte_cpu_to_be_32(address_to_u32(a) & mask);
	p->mask[p->address_count] = rte_cpu_to_be_32(mask);
	p->address_count++;
}

static void take_addresses(struct port *p, const struct config_port *c)
{
	for (uint16_t i = 0; i < c->address_count && i < LIMIT_PORT_ADDRESSES; i++) {
		const struct ip_address *a = &c->addresses[i].address;
		uint8_t length = c->addresses[i].network.length;

		if (a->version == IP_V4) {
			take_address(p, a, length);
			continue;
		}
		memcpy(p->address6[p->address6_count], a->bytes, sizeof(a->bytes));
		p->length6[p->address6_count++] = length;
	}
}

void port_set_mac(struct port *p, const struct rte_ether_addr *mac)
{
	const uint8_t *b = mac->addr_bytes;

	p->mac = *mac;
	memset(p->link_local, 0, sizeof(p->link_local));
	if (!port_has6(p))
		return;
	p->link_local[0] = 0xfe;
	p->link_local[1] = 0x80;
	memcpy(p->link_local + 8,
		(const uint8_t[]){b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]}, 8);
}

// The groups of one port: all nodes, and each own address's solicited-node address.
static uint32_t list_groups(const struct port *p, struct rte_ether_addr *out)
{
	uint8_t group[16];
	uint32_t count = 0;

	out[count++] = nd_group_mac(nd_all_nodes);
	nd_solicited_node(p->link_local, group);
	out[count++] = nd_group_mac(group);
	for (uint16_t i = 0; i < p->address6_count; i++) {
		nd_solicited_node(p->address6[i], group);
		out[count++] = nd_group_mac(group);
	}
	return count;
}

static void ports_join_groups(const struct port *ports, uint16_t count, uint16_t primary)
{
	struct rte_ether_addr list[LIMIT_PORTS * (LIMIT_PORT_ADDRESSES + 2)];
	uint16_t device = ports[primary].id;
	const char *how = "filter";
	uint32_t groups = 0;

	for (uint16_t i = 0; i < count; i++)
		if (ports[i].primary == primary && port_has6(&ports[i]))
			groups += list_groups(&ports[i], list + groups);
	if (groups == 0)
		return;
	if (rte_eth_dev_set_mc_addr_list(device, list, groups) != 0) {
		how = "all-multicast";
		if (rte_eth_allmulticast_enable(device) != 0)
			how = rte_eth_promiscuous_enable(device) == 0 ? "promiscuous" : "none";
	}
	log_event(LOG_PORT_MULTICAST, "s:s, s:s, s:i", "port", ports[primary].name, "how", how,
		"groups", (int)groups);
}

static int set_up_queues(struct port *p, struct rte_mempool *pool)
{
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int error = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);

	for (uint16_t q = 0; error == 0 && q < p->queues; q++) {
		error = rte_eth_rx_queue_setup(
			p->id, q, rx, (unsigned)rte_eth_dev_socket_id(p->id), NULL, pool);
		if (error == 0)
			error = rte_eth_tx_queue_setup(
				p->id, q, tx, (unsigned)rte_eth_dev_socket_id(p->id), NULL);
	}
	return error;
}

// Queues for all workers, or one pair. RSS spreads what it can hash; the ownership of SAs and
// sessions makes every distribution right.
static int configure(struct port *p, uint16_t workers)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int error = rte_eth_dev_info_get(p->id, &info);

	if (error < 0)
		return error;
	p->queues = info.max_rx_queues >= workers && info.max_tx_queues >= workers ? workers : 1;
	if (p->queues > 1 && info.flow_type_rss_offloads) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_ESP | RTE_ETH_RSS_L2TPV2) &
			info.flow_type_rss_offloads;
		p->spreads = info.flow_type_rss_offloads & RTE_ETH_RSS_L2TPV2;
	}
	return rte_eth_dev_configure(p->id, p->queues, p->queues, &conf);
}

static int fail_mtu(const struct port *p, const struct config_port *c, uint16_t mtu, int error)
{
	struct rte_eth_dev_info info = {0};
	char fix[192];

	rte_eth_dev_info_get(p->id, &info);
	if (strncmp(c->device, "net_af_packet", 13) == 0)
		snprintf(fix, sizeof(fix),
			"lower ports.mtu: with tags it is %u bytes, more than the interface takes",
			mtu);
	else
		snprintf(fix, sizeof(fix),
			"lower ports.mtu: with tags it is %u bytes, the device takes %u", mtu,
			info.max_mtu);
	return fail(c, "the device does not take the MTU", error, fix);
}

// DPDK 22.11 takes no MTU above 1500 for its af_packet driver, which itself has no such bound: so
// the interface is told directly, as the driver would.
static int set_mtu(const struct port *p, const struct config_port *c, uint16_t mtu)
{
	struct ifreq request = {.ifr_mtu = mtu};
	int fd, error;

	if (strncmp(c->device, "net_af_packet", 13) != 0)
		return rte_eth_dev_set_mtu(p->id, mtu);
	eal_device_interface(c, request.ifr_name, sizeof(request.ifr_name));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = ioctl(fd, SIOCSIFMTU, &request) < 0 ? -errno : 0;
	close(fd);
	return error;
}

static int start(struct port *p, const struct config_port *c, uint16_t mtu, uint16_t workers,
	struct rte_mempool *pool)
{
	int error = configure(p, workers);

	if (error < 0)
		return fail(c, "cannot configure the device", error, "see DPDK's message above");
	error = set_up_queues(p, pool);
	if (error < 0)
		return fail(c, "cannot set up the queues", error,
			"another program may use the interface, or memory is too small");
	error = set_mtu(p, c, mtu);
	if (error < 0 && error != -ENOTSUP)
		return fail_mtu(p, c, mtu, error);
	error = rte_eth_dev_start(p->id);
	if (error < 0)
		return fail(c, "cannot start the device", error, "see DPDK's message above");
	rte_eth_promiscuous_disable(p->id); // not every device knows the mode
	return 0;
}

// What the config says of it.
static struct port described(const struct config_port *c, uint16_t index)
{
	struct port p = {.index = index,
		.primary = index,
		.mtu = c->mtu,
		.side = c->side,
		.vlan_count = c->vlan_count,
		.tagged = c->vlan_count > 0};

	memcpy(p.vlan, c->vlan, c->vlan_count * sizeof(c->vlan[0]));
	snprintf(p.name, sizeof(p.name), "%s", c->name);
	eal_device_interface(c, p.interface, sizeof(p.interface));
	take_addresses(&p, c);
	return p;
}

static void tell_open(const struct port *p, const char *device)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE], vlan[2 * sizeof("65535.")] = "none";

	rte_ether_format_addr(mac, sizeof(mac), &p->mac);
	if (p->vlan_count == 1)
		snprintf(vlan, sizeof(vlan), "%u", p->vlan[0]);
	else if (p->vlan_count > 1)
		snprintf(vlan, sizeof(vlan), "%u.%u", p->vlan[0], p->vlan[1]);
	log_event(LOG_PORT_UP, "s:s, s:s, s:s, s:s, s:s, s:i, s:i", "port", p->name, "device",
		device, "vlan", vlan, "side", p->side == SIDE_SUBSCRIBER ? "subscriber" : "network",
		"mac", mac, "mtu", p->mtu, "queues", p->queues);
}

static int open_device(struct port *p, const struct config_port *c, uint16_t index, uint16_t mtu,
	uint16_t workers, struct rte_mempool *pool)
{
	struct rte_ether_addr mac = {0};
	char name[EAL_TEXT];
	int error;

	*p = described(c, index);
	eal_device_name(c, name, sizeof(name));
	if (rte_eth_dev_get_port_by_name(name, &p->id) != 0)
		return fail(c, "DPDK has no such device", -ENODEV,
			eal_device_is_pci(c->device)
				? "bind it to vfio-pci: dpdk-devbind.py --bind=vfio-pci ADDRESS"
				: "check the device's name and arguments");
	error = start(p, c, mtu, workers, pool);
	if (error < 0)
		return error;
	rte_eth_macaddr_get(p->id, &mac);
	port_set_mac(p, &mac);
	tell_open(p, name);
	return 0;
}

// A further port of a device that is open.
static void join(struct port *ports, const struct config_port *c, uint16_t index, uint16_t primary)
{
	struct port *first = &ports[primary], *p = &ports[index];
	char name[EAL_TEXT];

	*p = described(c, index);
	p->id = first->id;
	p->primary = primary;
	p->queues = first->queues;
	first->tagged = true;
	first->shared = true;
	p->tagged = true;
	p->shared = true;
	port_set_mac(p, &first->mac);
	eal_device_name(c, name, sizeof(name));
	tell_open(p, name);
}

int ports_open(struct port *ports, uint16_t *opened, const struct config_port *c, uint16_t count,
	uint16_t workers, struct rte_mempool *pool)
{
	for (; *opened < count; (*opened)++) {
		uint16_t i = *opened, primary = eal_device_first(c, i);
		int error = 0;

		if (primary != i)
			join(ports, &c[i], i, primary);
		else
			error = open_device(
				&ports[i], &c[i], i, eal_device_mtu(c, count, i), workers, pool);
		if (error < 0)
			return error;
	}
	for (uint16_t i = 0; i < count; i++)
		ports_join_groups(ports, count, i);
	return 0;
}

int port_open(struct port *p, const struct config_port *c, uint16_t index, uint16_t workers,
	struct rte_mempool *pool)
{
	return open_device(p, c, index, eal_device_mtu(c, 1, 0), workers, pool);
}

void port_close(struct port *p)
{
	if (p->primary != p->index)
		return;
	rte_eth_dev_stop(p->id);
	rte_eth_dev_close(p->id);
}

static void sample_counters(const struct port *p, struct stats_port *s)
{
	struct rte_eth_stats n;

	if (p->primary != p->index || rte_eth_stats_get(p->id, &n) != 0)
		return;
	s->rx_missed = n.imissed;
	s->rx_errors = n.ierrors;
	s->rx_no_memory = n.rx_nombuf;
	s->tx_errors = n.oerrors;
	if (p->shared)
		return;
	s->rx_packets = n.ipackets;
	s->rx_bytes = n.ibytes;
	s->tx_packets = n.opackets;
	s->tx_bytes = n.obytes;
}

// DPDK's driver of such a device takes the link to be up for ever, so the kernel is asked. True
// where it cannot tell.
static bool interface_runs(const struct port *p)
{
	struct ifreq request = {0};
	int fd, error;

	if (!*p->interface)
		return true;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	memcpy(request.ifr_name, p->interface, sizeof(request.ifr_name));
	error = ioctl(fd, SIOCGIFFLAGS, &request) < 0 ? errno : 0;
	close(fd);
	return error == 0 ? request.ifr_flags & IFF_RUNNING : error != ENODEV;
}

bool port_sample(struct port *p, struct stats_port *s)
{
	struct rte_eth_link link = {0};
	bool was = p->up;
	bool up =
		rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status && interface_runs(p);

	__atomic_store_n(&p->up, up, __ATOMIC_RELAXED);
	memcpy(s->name, p->name, sizeof(s->name));
	memcpy(s->mac, &p->mac, sizeof(s->mac));
	s->side = p->side;
	s->link = up;
	s->mtu = p->mtu;
	s->speed = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	sample_counters(p, s);
	return up != was;
}
