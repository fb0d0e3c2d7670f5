// SPDX-License-Identifier: Apache-2.0

// See net.h. All outer and inner addresses of the generator are answered for with the MAC of their
// port, so the gateway may take the peers for neighbours or have a route to them via --router.

#include "net.h"

#include "contract/limits.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ARGUMENTS = 32,
	ARGUMENT_TEXT = OPTIONS_TEXT + 16,
	DESCRIPTORS = 1024,
	ETHER = 14,
	IP_HEADER = 20,
	UDP_HEADER = 8,
	ARP_BYTES = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	PROTOCOL_UDP = 17,
	PROTOCOL_ESP = 50,
};

struct arguments {
	char text[ARGUMENTS][ARGUMENT_TEXT];
	char *list[ARGUMENTS + 1];
	int count;
};

static int add(struct arguments *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int add(struct arguments *a, const char *format, ...)
{
	va_list values;
	int n;

	if (a->count == ARGUMENTS)
		return -E2BIG;
	va_start(values, format);
	n = vsnprintf(a->text[a->count], ARGUMENT_TEXT, format, values);
	va_end(values);
	if (n < 0 || n >= ARGUMENT_TEXT)
		return -E2BIG;
	a->list[a->count] = a->text[a->count];
	a->count++;
	return 0;
}

static bool is_pci(const char *device)
{
	return strchr(device, ':') && !strchr(device, '=') && !strchr(device, ',');
}

static int add_device(struct arguments *a, const char *device)
{
	return is_pci(device) ? add(a, "--allow=%s", device) : add(a, "--vdev=%s", device);
}

static int add_extra(struct arguments *a, char *text)
{
	int error = 0;

	for (char *word = strtok(text, " "); word && !error; word = strtok(NULL, " "))
		error = add(a, "%s", word);
	return error;
}

static int start_eal(struct options *o)
{
	static struct arguments a; // EAL keeps pointers into it
	int error = add(&a, "culvert-gen");

	error = error ? error : add(&a, "--file-prefix=culvert-gen-%d", (int)getpid());
	error = error ? error : add(&a, o->no_huge ? "--no-shconf" : "--in-memory");
	if (o->no_huge)
		error = error ? error : add(&a, "--no-huge");
	else
		error = error ? error : add(&a, "--single-file-segments");
	error = error ? error : add(&a, "--no-telemetry");
	error = error ? error : add(&a, "--log-level=warning");
	error = error ? error : add(&a, "-m%u", o->memory_mib);
	error = error ? error : add(&a, "--lcores=0@%u", o->core);
	if (!is_pci(o->subscriber_port) && !is_pci(o->network_port))
		error = error ? error : add(&a, "--no-pci");
	error = error ? error : add_device(&a, o->subscriber_port);
	error = error ? error : add_device(&a, o->network_port);
	error = error ? error : add_extra(&a, o->eal);
	if (!error && rte_eal_init(a.count, a.list) < 0)
		error = -rte_errno;
	if (error)
		fprintf(stderr, "culvert-gen: DPDK does not start: %s\n", strerror(-error));
	return error;
}

static int fail(const char *device, const char *what, int error)
{
	fprintf(stderr, "culvert-gen: %s: %s: %s\n", device, what, strerror(-error));
	return error;
}

static int open_port(struct gen *g, struct gen_port *p, const char *device)
{
	struct rte_eth_conf conf = {0};
	char name[OPTIONS_TEXT];
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int error;

	snprintf(name, sizeof(name), "%s", device);
	name[strcspn(name, ",")] = 0;
	error = rte_eth_dev_get_port_by_name(name, &p->id);
	if (error)
		return fail(name, "no such device", error);
	error = rte_eth_dev_configure(p->id, 1, 1, &conf);
	error = error ? error : rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
	error = error ? error : rte_eth_rx_queue_setup(p->id, 0, rx, 0, NULL, g->pool);
	error = error ? error : rte_eth_tx_queue_setup(p->id, 0, tx, 0, NULL);
	error = error ? error : rte_eth_dev_start(p->id);
	if (error)
		return fail(name, "cannot be started", error);
	rte_eth_macaddr_get(p->id, &p->mac);
	return 0;
}

int net_start(struct gen *g)
{
	struct options *o = &g->options;
	int error = start_eal(o);

	if (error)
		return error;
	g->pool = rte_pktmbuf_pool_create("gen", o->buffers, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!g->pool)
		return fail("packet memory", "--memory or --buffers", -rte_errno);
	g->subscriber_side.address = o->router;
	g->subscriber_side.gateway = o->gateway;
	g->network_side.address = o->host;
	g->network_side.gateway = o->gateway_network;
	error = open_port(g, &g->subscriber_side, o->subscriber_port);
	return error ? error : open_port(g, &g->network_side, o->network_port);
}

void net_stop(struct gen *g)
{
	rte_eth_dev_stop(g->subscriber_side.id);
	rte_eth_dev_stop(g->network_side.id);
	rte_eth_dev_close(g->subscriber_side.id);
	rte_eth_dev_close(g->network_side.id);
	rte_eal_cleanup();
}

// ---- frames

static bool transmit(struct gen *g, struct gen_port *port, struct rte_mbuf *m)
{
	if (rte_eth_tx_burst(port->id, 0, &m, 1) == 1) {
		g->counters.frames_sent++;
		return true;
	}
	g->counters.no_room++;
	rte_pktmbuf_free(m);
	return false;
}

static uint8_t *frame_new(struct gen *g, struct rte_mbuf **m, size_t length)
{
	*m = rte_pktmbuf_alloc(g->pool);
	if (!*m)
		return NULL;
	if (length > rte_pktmbuf_tailroom(*m)) {
		rte_pktmbuf_free(*m);
		return NULL;
	}
	return (uint8_t *)rte_pktmbuf_append(*m, (uint16_t)length);
}

uint8_t *net_put_ip(uint8_t *out, const struct gen_port *port, uint32_t source,
	uint32_t destination, uint8_t protocol)
{
	static const uint8_t ip[IP_HEADER] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64};

	memcpy(out, &port->gateway_mac, 6);
	memcpy(out + 6, &port->mac, 6);
	set_u16(out + 12, RTE_ETHER_TYPE_IPV4);
	out += ETHER;
	memcpy(out, ip, sizeof(ip));
	out[9] = protocol;
	set_u32(out + 12, source);
	set_u32(out + 16, destination);
	return out + IP_HEADER;
}

uint8_t *net_put_udp(uint8_t *out, uint16_t source, uint16_t destination, uint16_t payload)
{
	set_u16(out, source);
	set_u16(out + 2, destination);
	set_u16(out + 4, UDP_HEADER + payload);
	set_u16(out + 6, 0);
	return out + UDP_HEADER;
}

uint32_t net_ip_sum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < IP_HEADER; i += 2)
		if (i != 2 && i != 10)
			sum += get_u16(ip + i);
	return sum;
}

void net_finish_ip(uint8_t *ip, uint32_t sum, uint16_t length)
{
	sum += length;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	set_u16(ip + 2, length);
	set_u16(ip + 10, (uint16_t)~sum);
}

void net_send_udp(struct peer *p, uint16_t source, uint16_t destination, bool marker,
	const void *bytes, size_t length)
{
	struct gen *g = p->gen;
	size_t payload = length + (marker ? 4 : 0);
	struct rte_mbuf *m;
	uint8_t *frame = frame_new(g, &m, ETHER + IP_HEADER + UDP_HEADER + payload);
	uint8_t *at;

	if (!frame) {
		g->counters.no_room++;
		return;
	}
	at = net_put_ip(frame, &g->subscriber_side, p->address, g->options.gateway, PROTOCOL_UDP);
	net_finish_ip(frame + ETHER, net_ip_sum(frame + ETHER),
		(uint16_t)(IP_HEADER + UDP_HEADER + payload));
	at = net_put_udp(at, source, destination, (uint16_t)payload);
	if (marker) {
		memset(at, 0, 4);
		at += 4;
	}
	memcpy(at, bytes, length);
	transmit(g, &g->subscriber_side, m);
}

static void send_protected(struct peer *p, const void *bytes, size_t length)
{
	struct gen *g = p->gen;
	uint16_t data = (uint16_t)(UDP_HEADER + length), text = esp_text(&p->out, data);
	uint16_t esp = ESP_HEADER_BYTES + p->out.iv + text + p->out.icv;
	uint16_t payload = (p->nat ? UDP_HEADER : 0) + esp;
	struct esp_work work = {.sa = &p->out, .text = text};
	struct rte_mbuf *m;
	uint8_t *frame = frame_new(g, &m, (size_t)ETHER + IP_HEADER + payload);
	uint8_t *at;

	if (!frame) {
		g->counters.no_room++;
		return;
	}
	at = net_put_ip(frame, &g->subscriber_side, p->address, g->options.gateway,
		p->nat ? PROTOCOL_UDP : PROTOCOL_ESP);
	net_finish_ip(frame + ETHER, net_ip_sum(frame + ETHER), IP_HEADER + payload);
	if (p->nat)
		at = net_put_udp(at, p->port_4500, PORT_NAT_T, esp);
	work.esp = at;
	at += ESP_HEADER_BYTES + p->out.iv;
	memcpy(net_put_udp(at, PORT_L2TP, PORT_L2TP, (uint16_t)length), bytes, length);
	esp_trailer(at, data, text, PROTOCOL_UDP);
	esp_seal(g->esp, &work, 1);
	if (work.ok)
		transmit(g, &g->subscriber_side, m);
	else
		rte_pktmbuf_free(m);
}

void net_send_l2tp(struct peer *p, const void *bytes, size_t length)
{
	if (p->gen->options.plain)
		net_send_udp(p, PORT_L2TP, PORT_L2TP, false, bytes, length);
	else if (p->out.keys)
		send_protected(p, bytes, length);
}

// ---- ARP (RFC 826)

static void send_arp(struct gen *g, struct gen_port *port, uint16_t operation,
	const struct rte_ether_addr *to_mac, uint32_t from, uint32_t to)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};
	struct rte_mbuf *m;
	uint8_t *f = frame_new(g, &m, 60);

	if (!f)
		return;
	memset(f, 0, 60);
	memcpy(f, to_mac, 6);
	memcpy(f + 6, &port->mac, 6);
	set_u16(f + 12, RTE_ETHER_TYPE_ARP);
	f += ETHER;
	memcpy(f, head, sizeof(head));
	set_u16(f + 6, operation);
	memcpy(f + 8, &port->mac, 6);
	set_u32(f + 14, from);
	if (operation == ARP_REPLY)
		memcpy(f + 18, to_mac, 6);
	set_u32(f + 24, to);
	transmit(g, port, m);
}

static bool is_ours(const struct gen *g, const struct gen_port *port, uint32_t address)
{
	uint32_t per = g->options.per_nat ? g->options.per_nat : 1;
	uint32_t count = (g->peer_count + per - 1) / per;

	return address == port->address ||
	       (port == &g->subscriber_side && address - g->options.outer < count);
}

void net_arp(struct gen *g, struct gen_port *port, struct rte_mbuf *m)
{
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_ether_addr sender;
	uint32_t from, to;

	if (m->data_len < ETHER + ARP_BYTES)
		return;
	f += ETHER;
	memcpy(&sender, f + 8, 6);
	from = get_u32(f + 14);
	to = get_u32(f + 24);
	if (from == port->gateway) {
		port->gateway_mac = sender;
		port->resolved = true;
	}
	if (get_u16(f + 6) == ARP_REQUEST && from != to && is_ours(g, port, to))
		send_arp(g, port, ARP_REPLY, &sender, to, from);
}

static void resolve(struct gen *g, struct gen_port *port, uint64_t now)
{
	static const struct rte_ether_addr all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct rte_eth_link link = {0};

	if (port->resolved || now < port->next_arp)
		return;
	port->next_arp = now + g->hz / 5;
	if (rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status)
		send_arp(g, port, ARP_REQUEST, &all, port->address, port->gateway);
}

void net_resolve(struct gen *g, uint64_t now)
{
	resolve(g, &g->subscriber_side, now);
	resolve(g, &g->network_side, now);
}

bool net_ready(const struct gen *g)
{
	return g->subscriber_side.resolved && g->network_side.resolved;
}
