// SPDX-License-Identifier: Apache-2.0

// Frames of every kind through the whole dataplane, on both sides and both workers, with one
// session over ESP, one without IPsec and one without L2TP, all over IPv4 or all over IPv6. An
// input is a list of steps; each step puts what follows it into the layer that it names, with what
// is around it right, so that the deep layers are reached too: up to the bytes inside the client's
// own encryption. After each input the counters add up and every packet is back in the pool.

#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include "dataplane/esp_crypto.h"
#include "dataplane/ip6.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"

#include "contract/view.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS = 24,    // of one input at most
	BYTES = 1700,  // of one step at most
	SECONDS = 10,  // after which no packet waits for a neighbour any more
	FRONT = 8 + 6, // bytes of UDP and L2TP header
	OVER_IPV6 = 0x80,
};

static const struct lab6_ends ends6 = {CLIENT6, LAB_SUB6};

#define SHARED6 "2001:db8:e::"     // through one of two next hops
#define BEHIND6 "2001:db8:d0:7::1" // routed to the clear client
#define BEHIND  LAB_IP(10, 9, 0, 7)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t sequence; // of what the client seals by hand
static uint8_t protocol;  // that the client's ESP comes in
static bool six;          // the tunnels run over IPv6

static struct {
	uint8_t protocol;
	bool six;
} bare; // the same of the client without L2TP, who moves

static void check(bool right)
{
	if (!right)
		abort();
}

static int shared_route(void)
{
	struct config_route c = {.via_count = 2};

	return prefix_parse(SHARED6 "/48", &c.to, NULL) ||
	       address_parse("2001:db8:0:2::10", &c.via[0]) ||
	       address_parse("2001:db8:0:2::11", &c.via[1]) || route_add_static(lab.routes, &c);
}

static int routes_behind(void)
{
	struct command_route four = {.kind = NEXT_HOP_SESSION, .session = SESSION_CLEAR};
	struct command_route other = four;

	return prefix_parse("10.9.0.0/24", &four.prefix, NULL) ||
	       prefix_parse("2001:db8:d0::/56", &other.prefix, NULL) ||
	       route_add(lab.routes, &four) || route_add(lab.routes, &other);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(lab_start(NULL) == 0 && tunnel_routes() == 0 && tunnel_bare_routes() == 0 &&
		shared_route() == 0 && routes_behind() == 0);
	lab_connect();
	return 0;
}

// ---- what is put around the bytes

static void outer6(uint16_t queue, uint8_t number, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME], udp[LAB_FRAME];
	uint16_t sum;

	memcpy(udp, data, length);
	if (number == IPPROTO_UDP && length >= 8) {
		memset(udp + 6, 0, sizeof(sum));
		sum = lab6_checksum(ends6, number, udp, (uint16_t)length);
		memcpy(udp + 6, &sum, sizeof(sum));
	}
	lab_receive(LAB_SUB, queue, frame,
		lab6_frame(frame, LAB_SUB, number, ends6, udp, (uint16_t)length));
}

static void outer(uint16_t queue, uint8_t number, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	if (six) {
		outer6(queue, number, data, length);
		return;
	}
	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, number, CLIENT, US_SUB, (uint16_t)length, 64, 0);
	build_bytes(&b, data, length);
	lab_receive(LAB_SUB, queue, frame, build_length(&b));
}

static size_t l2tp(uint8_t *out, uint16_t tunnel, uint32_t session, const void *ppp, size_t length)
{
	struct build b = build_in(out, LAB_FRAME);

	lab_udp(&b, PORT_L2TP, PORT_L2TP, (uint16_t)(6 + length));
	build_u16(&b, 0x0002);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	build_bytes(&b, ppp, length);
	return build_length(&b);
}

// An IPv4 packet whose version, length and checksum are made right, and one of its addresses.
static void repair(uint8_t *ip, size_t length, size_t address_at, uint32_t address)
{
	const uint8_t bytes[4] = {address >> 24, address >> 16, address >> 8, address};
	uint16_t sum;

	if (length < 20)
		return;
	if ((ip[0] & 0xf) < 5 || (ip[0] & 0xfU) * 4 > length)
		ip[0] = 5;
	ip[0] = 0x40 | (ip[0] & 0xf);
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	memcpy(ip + address_at, bytes, 4);
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 0xfU) * 4);
	memcpy(ip + 10, &sum, 2);
}

static void sealed(uint16_t queue, const void *udp, size_t length)
{
	uint8_t esp[LAB_FRAME];
	size_t n = tunnel_seal(udp, length, esp);

	if (n)
		outer(queue, protocol, esp, n);
}

// ---- the steps

static void raw_subscriber(uint16_t queue, uint8_t *data, size_t length)
{
	lab_receive(LAB_SUB, queue, data, length);
}

static void raw_network(uint16_t queue, uint8_t *data, size_t length)
{
	lab_receive(LAB_NET, queue, data, length);
}

static void framed(uint16_t port, uint16_t queue, uint16_t type, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, port, 9, type);
	build_bytes(&b, data, length);
	lab_receive(port, queue, frame, build_length(&b));
}

static void arp(uint16_t queue, uint8_t *data, size_t length)
{
	framed(queue ? LAB_SUB : LAB_NET, queue, RTE_ETHER_TYPE_ARP, data, length);
}

static void ip_subscriber(uint16_t queue, uint8_t *data, size_t length)
{
	repair(data, length, 16, US_SUB);
	framed(LAB_SUB, queue, RTE_ETHER_TYPE_IPV4, data, length);
}

static void ip_to_clear(uint16_t queue, uint8_t *data, size_t length)
{
	repair(data, length, 16, OTHER);
	framed(LAB_NET, queue, RTE_ETHER_TYPE_IPV4, data, length);
}

static void ip_to_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	repair(data, length, 16, INNER);
	framed(LAB_NET, queue, RTE_ETHER_TYPE_IPV4, data, length);
}

static void ppp_clear(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t udp[LAB_FRAME];

	outer(queue, IPPROTO_UDP, udp, l2tp(udp, TUNNEL_CLEAR, SESSION_CLEAR, data, length));
}

static void ppp_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t udp[LAB_FRAME];

	sealed(queue, udp, l2tp(udp, TUNNEL, SESSION, data, length));
}

static void ip_in_clear(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t ppp[LAB_FRAME] = {0x21};

	repair(data, length, 12, length && data[0] & 0x80 ? BEHIND : OTHER);
	memcpy(ppp + 1, data, length);
	ppp_clear(queue, ppp, length + 1);
}

static void ip_in_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t ppp[LAB_FRAME] = {0xff, 0x03, 0x00, 0x21};

	repair(data, length, 12, INNER);
	memcpy(ppp + 4, data, length);
	ppp_sealed(queue, ppp, length + 4);
}

// An IPv6 packet whose version and length are made right, and its addresses: one from, the other as
// its first byte says.
static void repair6(uint8_t *ip, size_t length, const char *from)
{
	static const char *const to[] = {HOST6, INNER6, OTHER6, LAB_NET6, SHARED6 "1", "ff02::2",
		"ff02::1:2", "fe80::1", BEHIND6, NULL};
	uint8_t choice = ip[0];

	if (length < IP6_HEADER)
		return;
	ip[0] = 0x60 | (ip[0] & 0xf);
	ip[4] = (uint8_t)((length - IP6_HEADER) >> 8);
	ip[5] = (uint8_t)(length - IP6_HEADER);
	if (!(choice & 0x80))
		lab6_address(choice & 0x40 ? BEHIND6 : from, ip + 8);
	if (to[choice % RTE_DIM(to)])
		lab6_address(to[choice % RTE_DIM(to)], ip + 24);
}

static void ip6_in_clear(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t ppp[LAB_FRAME] = {0x57};

	repair6(data, length, OTHER6);
	memcpy(ppp + 1, data, length);
	ppp_clear(queue, ppp, length + 1);
}

static void ip6_in_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t ppp[LAB_FRAME] = {0xff, 0x03, 0x00, 0x57};

	repair6(data, length, INNER6);
	memcpy(ppp + 4, data, length);
	ppp_sealed(queue, ppp, length + 4);
}

static void ip6_network(uint16_t queue, uint8_t *data, size_t length)
{
	repair6(data, length, HOST6);
	framed(LAB_NET, queue, RTE_ETHER_TYPE_IPV6, data, length);
}

static void udp_subscriber(uint16_t queue, uint8_t *data, size_t length)
{
	static const uint16_t ports[] = {PORT_IKE, PORT_NAT_T, PORT_L2TP, 53};
	uint8_t udp[LAB_FRAME];
	struct build b = build_in(udp, sizeof(udp));

	if (length < 2)
		return;
	lab_udp(&b, (uint16_t)(data[0] << 3 | 5), ports[data[1] % 4], (uint16_t)(length - 2));
	build_bytes(&b, data + 2, length - 2);
	outer(queue, IPPROTO_UDP, udp, build_length(&b));
}

// An IPv6 packet whose version and length are made right, to us; any headers in it.
static void ip6_subscriber(uint16_t queue, uint8_t *data, size_t length)
{
	if (length >= 40) {
		data[0] = 0x60 | (data[0] & 0xf);
		data[4] = (uint8_t)((length - 40) >> 8);
		data[5] = (uint8_t)(length - 40);
		lab6_address(LAB_SUB6, data + 24);
	}
	framed(LAB_SUB, queue, RTE_ETHER_TYPE_IPV6, data, length);
}

// What is behind the IPv6 header of the client: its first byte says what it is.
static void headers6(uint16_t queue, uint8_t *data, size_t length)
{
	static const uint8_t next[] = {IPPROTO_FRAGMENT, IPPROTO_HOPOPTS, IPPROTO_DSTOPTS,
		IPPROTO_ROUTING, IPPROTO_AH, IPPROTO_ESP, IPPROTO_UDP};

	if (length)
		outer6(queue, next[data[0] % RTE_DIM(next)], data + 1, length - 1);
}

static void icmp6(uint16_t queue, uint8_t *data, size_t length)
{
	uint16_t sum;

	if (length < 4)
		return;
	memset(data + 2, 0, sizeof(sum));
	sum = lab6_checksum(ends6, IPPROTO_ICMPV6, data, (uint16_t)length);
	memcpy(data + 2, &sum, sizeof(sum));
	outer6(queue, IPPROTO_ICMPV6, data, length);
}

static void udp_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	sealed(queue, data, length);
}

// Any bytes in ESP of the client without L2TP: IP or not.
static void bare_sealed(uint16_t queue, uint8_t next, const void *data, size_t length)
{
	bool others = six;
	uint8_t esp[LAB_FRAME];
	size_t n = tunnel_seal_as(THEIRS_BARE, next, data, length, esp);

	six = bare.six;
	if (n)
		outer(queue, bare.protocol, esp, n);
	six = others;
}

static void any_in_bare(uint16_t queue, uint8_t *data, size_t length)
{
	static const uint8_t next[] = {IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_UDP, 59, 0};

	if (length)
		bare_sealed(queue, next[data[0] % RTE_DIM(next)], data + 1, length - 1);
}

// With some bytes behind it.
static void ip_in_bare(uint16_t queue, uint8_t *data, size_t length)
{
	repair(data, length - length / 8, 12, BARE);
	bare_sealed(queue, IPPROTO_IPIP, data, length);
}

static void ip6_in_bare(uint16_t queue, uint8_t *data, size_t length)
{
	repair6(data, length - length / 8, BARE6);
	bare_sealed(queue, IPPROTO_IPV6, data, length);
}

// Longer than any buffer: the bytes over and over, in ESP that is cut. The first two say how long,
// the third how it is sealed and cut.
static void large(uint16_t queue, uint8_t *data, size_t length)
{
	static uint8_t out[TUNNEL_LARGE], inner[UINT16_MAX];
	size_t size, n, front;
	bool in_l2tp;

	if (length < 30)
		return;
	in_l2tp = data[2] & 1;
	size = (size_t)(data[0] << 8 | data[1]) % 65000;
	front = in_l2tp ? l2tp(inner, TUNNEL, SESSION, data[2] & 4 ? "\0\x57" : "\0\x21", 2) : 0;
	for (size_t i = 0; i < size; i++)
		inner[front + i] = data[3 + i % (length - 3)];
	repair(inner + front, size - (data[2] & 2 ? size / 2 : 0), 12, in_l2tp ? INNER : BARE);
	if (data[2] & 4)
		repair6(inner + front, size, in_l2tp ? INNER6 : BARE6);
	if (in_l2tp) {
		inner[4] = (uint8_t)((front + size) >> 8);
		inner[5] = (uint8_t)(front + size);
	}
	n = tunnel_seal_large(in_l2tp ? THEIRS : THEIRS_BARE,
		in_l2tp       ? IPPROTO_UDP
		: data[2] & 4 ? IPPROTO_IPV6
			      : IPPROTO_IPIP,
		inner, front + size, ++sequence, out);
	tunnel_fragments(in_l2tp ? six : bare.six, in_l2tp ? protocol : bare.protocol, out, n,
		data[2] & 8 ? 1480 - 40 : 1024);
	lab_run();
}

static void ip_to_bare(uint16_t queue, uint8_t *data, size_t length)
{
	repair(data, length, 16, BARE);
	framed(LAB_NET, queue, RTE_ETHER_TYPE_IPV4, data, length);
}

// The client without L2TP goes on from elsewhere, and both ends know.
static void bare_moves(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t how = length ? data[0] : 0;
	struct command_sa_move ours = {.spi_in = OURS_BARE,
				       .encapsulation = how & 1 ? ESP_UDP : ESP_PLAIN,
				       .local_port = how & 1 ? PORT_NAT_T : 0,
				       .remote_port = how & 1 ? NAT_PORT : 0,
				       .local = address_from_u32(US_SUB),
				       .remote = address_from_u32(CLIENT)},
			       theirs;

	bare.six = how & 2;
	bare.protocol = how & 1 ? IPPROTO_UDP : IPPROTO_ESP;
	if (bare.six)
		check(address_parse(LAB_SUB6, &ours.local) == 0 &&
			address_parse(CLIENT6, &ours.remote) == 0);
	theirs = ours;
	theirs.spi_in = THEIRS_BARE;
	theirs.local = ours.remote;
	theirs.remote = ours.local;
	theirs.local_port = ours.remote_port;
	theirs.remote_port = ours.local_port;
	check(sa_move(lab.tables, &ours) == 0 && sa_move(lab.tables, &theirs) == 0);
}

// From a port that changes now and then, as a NAT's does.
static size_t udp_put(uint8_t *out, const void *data, size_t length)
{
	struct build b = build_in(out, LAB_FRAME);

	lab_udp(&b, (uint16_t)(NAT_PORT + sequence % 3), PORT_NAT_T, (uint16_t)length);
	build_bytes(&b, data, length);
	return build_length(&b);
}

// Any bytes as the plaintext, with padding and next header in them: only the ICV is right.
static void plain_sealed(uint16_t queue, uint8_t *data, size_t length)
{
	struct sa *s = sa_find(lab.tables, THEIRS);
	_Alignas(64) uint8_t esp[LAB_FRAME] = {0};
	uint8_t udp[LAB_FRAME];
	struct esp_packet p = {.sa = s,
		.esp = esp,
		.key = s->key_out,
		.sequence = ++sequence,
		.shape = s->shape_out};

	p.length = (uint16_t)(length - length % s->out_block);
	if (p.length == 0)
		return;
	memcpy(esp, (const uint8_t[]){OURS >> 24, OURS >> 16 & 0xff, OURS >> 8 & 0xff, OURS & 0xff},
		4);
	esp[6] = sequence >> 8;
	esp[7] = sequence & 0xff;
	memcpy(esp + ESP_HEADER + p.shape.iv, data, p.length);
	esp_encrypt(&lab.worker[0], &p, 1);
	length = ESP_HEADER + p.shape.iv + p.length + p.shape.icv;
	if (protocol == IPPROTO_UDP)
		outer(queue, protocol, udp, udp_put(udp, esp, length));
	else
		outer(queue, protocol, esp, length);
}

// A router's word on a packet that was too big: of the ESP tunnel, or of whatever the bytes say.
static void too_big(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t icmp[LAB_FRAME];
	struct build b = build_in(icmp, sizeof(icmp));
	uint16_t sum;

	if (length < 4)
		return;
	build_u16(&b, 0x0304);
	build_u32(&b, 0);
	build_bytes(&b, data, 2);
	lab_ip4(&b, data[2] & 1 ? protocol : IPPROTO_UDP, US_SUB, CLIENT, 1480, 60, 0);
	if (data[2] & 2) {
		build_u32(&b, THEIRS);
		build_u32(&b, data[3]);
	}
	build_bytes(&b, data + 4, length - 4);
	sum = (uint16_t)~rte_raw_cksum(icmp, build_length(&b));
	memcpy(icmp + 2, &sum, 2);
	outer(queue, IPPROTO_ICMP, icmp, build_length(&b));
}

static void second(uint16_t queue, uint8_t *data, size_t length)
{
	lab_second();
}

static void neighbours(uint16_t queue, uint8_t *data, size_t length)
{
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_NET, 9, HOST);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	lab6_neighbour(LAB_NET, 9, HOST6, LAB_NET6);
}

// With sequence numbers close to each other, so that some wait for those in front of them.
static void ip_numbered(uint16_t queue, uint8_t *data, size_t length)
{
	uint8_t udp[LAB_FRAME];
	struct build b = build_in(udp, sizeof(udp));

	if (length < 2)
		return;
	repair(data + 1, length - 1, 12, OTHER);
	lab_udp(&b, PORT_L2TP, PORT_L2TP, (uint16_t)(11 + length - 1));
	build_u16(&b, 0x0802);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u16(&b, (uint16_t)(65530 + data[0] % 64));
	build_u16(&b, 0);
	build_u8(&b, 0x21);
	build_bytes(&b, data + 1, length - 1);
	outer(queue, IPPROTO_UDP, udp, build_length(&b));
}

// What waits for its time goes on, or is dropped when its session has gone.
static void later(uint16_t queue, uint8_t *data, size_t length)
{
	lab_later(length * 10000);
}

static void rates(uint16_t queue, uint8_t *data, size_t length)
{
	check(tunnel_shape(SESSION, length ? data[0] * 64U : 0) == 0);
}

// The session goes, and another one takes its index.
static void session_again(uint16_t queue, uint8_t *data, size_t length)
{
	const struct command_session_add s = {.session = SESSION,
		.tunnel = TUNNEL,
		.session_id = SESSION + SESSION_ID,
		.peer_session = SESSION + 2000};

	check(session_delete(lab.tables, &(struct command_session_delete){SESSION}) == 0);
	check(session_add(lab.tables, &s) == 0);
	check(tunnel_shape(SESSION, queue ? 4000 : 0) == 0);
}

static void (*const steps[])(uint16_t queue, uint8_t *data, size_t length) = {raw_subscriber,
	raw_network, arp, ip_subscriber, ip_to_clear, ip_to_sealed, ppp_clear, ppp_sealed,
	ip_in_clear, ip_in_sealed, udp_subscriber, udp_sealed, plain_sealed, second, neighbours,
	ip6_subscriber, headers6, icmp6, too_big, ip6_network, ip6_in_clear, later, rates,
	session_again, ip6_in_sealed, ip_numbered, any_in_bare, ip_in_bare, ip6_in_bare, ip_to_bare,
	bare_moves, large};

// ---- one input

static void begin(uint8_t choice)
{
	static const uint8_t transforms[][3] = {
		{ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN},
		{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN},
		{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA512_256, ESP_PLAIN},
		{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128, ESP_UDP},
	};
	const uint8_t *t = transforms[(choice & ~OVER_IPV6) % RTE_DIM(transforms)];

	protocol = t[2] == ESP_UDP ? IPPROTO_UDP : IPPROTO_ESP;
	six = choice & OVER_IPV6;
	tunnel_outer6(six);
	sequence = 256; // beyond what tunnel_seal uses, of which there are fewer
	check(tunnel_pair(t[0], t[1], t[2]) == 0);
	check(tunnel_sessions() == 0);
	check(tunnel_bare(t[0], t[1], t[2]) == 0);
	bare.six = six;
	bare.protocol = protocol;
	check(tunnel_shape(SESSION, 2000) == 0);
	lab.tables->session[SESSION_CLEAR].downlink.sequencing = 1;
	lab.tables->session[SESSION_CLEAR].uplink.expected = 65530;
}

static void take_punts(void)
{
	for (uint16_t i = 0; i < lab.workers; i++)
		while (ring_front(&lab.far.punt[i]))
			ring_pop(&lab.far.punt[i]);
}

static void finish(void)
{
	struct message event;

	lab_run();
	lab_expire();
	for (int i = 0; lab_forget(), lab_packets_out() && i < SECONDS; i++)
		lab_second();
	take_punts();
	check(lab_balanced() && lab_packets_out() == 0);
	check(!channel_broken(&lab.near) && !channel_broken(&lab.far));
	sa_moves(lab.tables);
	while (sa_event_next(lab.tables, &event) || path_mtu_event_next(lab.tables, &event))
		check(event.size == event_size(event.type));
	tunnel_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);

	begin(view_u8(&v));
	for (int i = 0; view_left(&v) && i < STEPS; i++) {
		uint8_t kind = view_u8(&v), flags = view_u8(&v);
		size_t length = view_u16(&v) % BYTES, left = view_left(&v);
		uint8_t bytes[BYTES] = {0};

		length = length < left ? length : left;
		view_copy(&v, bytes, length);
		steps[kind % RTE_DIM(steps)](flags & 1, bytes, length);
		if (flags & 2) // otherwise it comes in one burst with the next step's
			lab_run();
	}
	finish();
	return 0;
}
