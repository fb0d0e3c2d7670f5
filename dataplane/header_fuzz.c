// SPDX-License-Identifier: Apache-2.0

// The pure parsers of the dataplane on any bytes: L2TP header, PPP framing and LCP echo, ARP, the
// options of a fragment, and the clamp of the MSS, which must leave a right checksum right.

#include "dataplane/arp.h"
#include "dataplane/flow.h"
#include "dataplane/fragment.h"
#include "dataplane/icmp_quote.h"
#include "dataplane/ip6.h"
#include "dataplane/l2tp_header.h"
#include "dataplane/mss.h"
#include "dataplane/ppp_frame.h"

#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS = 40, IP4_HEADER = 20, TCP_HEADER = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

static void l2tp(const uint8_t *data, size_t size)
{
	struct l2tp_header h;

	if (l2tp_header_parse(data, size, &h) || h.flags & L2TP_TYPE)
		return;
	check(h.payload >= 6 && h.payload <= h.end && h.end <= size);
}

static void flow(const uint8_t *data, size_t size)
{
	struct ip6_payload p;
	struct flow f;

	if (size > UINT16_MAX)
		return;
	if (ip6_payload(data, (uint16_t)size, &p))
		check(p.at <= p.end && p.end <= size && p.previous < p.at);
	if (flow_read(data, (uint16_t)size, &f))
		check(f.version == 4 || f.version == 6);
}

static void ppp(const uint8_t *data, size_t size)
{
	uint16_t protocol = 0, said = 0;
	uint16_t front = ppp_frame_parse(data, size, &protocol);

	check(front <= size && front <= 4);
	if (front)
		check((protocol & 1) && (protocol < PPP_CONTROL || front >= 2));
	if (lcp_echo_check(data, size, 0x01020304, &said) == LCP_ANSWER)
		check(said >= 8 && said <= size);
}

static void arp(const uint8_t *data, size_t size)
{
	struct arp a;

	if (size <= UINT16_MAX && arp_parse(data, (uint16_t)size, &a))
		check(size >= 42);
}

static void quote(const uint8_t *data, size_t size)
{
	static const uint8_t versions[] = {IP_V4, IP_V6};
	struct icmp_quote q;

	for (size_t i = 0; i < sizeof(versions); i++)
		if (icmp_quote_parse(versions[i], data, size, &q) == 0)
			check(size >= 8 + 20 + 8 && q.local.version == versions[i] &&
				q.remote.version == versions[i] &&
				(q.protocol == IPPROTO_ESP || q.protocol == IPPROTO_UDP));
}

// In buffers of the very size, so that a byte beyond them is seen.
static void options(const uint8_t *data, size_t size)
{
	uint8_t length = size < OPTIONS ? (uint8_t)(size & ~(size_t)3) : OPTIONS;
	uint8_t *in = malloc(length + 1U), *out = malloc(OPTIONS);

	if (in && out) {
		memcpy(in, data, length);
		check(fragment_options(in, length, out) <= length);
	}
	free(in);
	free(out);
}

static uint16_t tcp_sum(const uint8_t *ip, size_t length)
{
	size_t header = (ip[0] & 0xfU) * 4;

	return rte_raw_cksum(ip + header, length - header);
}

// The packet's own length and protocol are made right, or nothing of TCP would ever be reached.
static void clamp(const uint8_t *data, size_t size)
{
	uint8_t *ip = size <= UINT16_MAX ? malloc(size + 1) : NULL;
	uint16_t most = size > 2 ? (uint16_t)(data[size - 1] << 8 | data[size - 2]) : 0;
	uint16_t before;

	if (!ip)
		return;
	memcpy(ip, data, size);
	mss_clamp_ip4(ip, size, most);
	if (size >= IP4_HEADER + TCP_HEADER) {
		ip[0] = 0x40 | (ip[0] & 0xf) | ((ip[0] & 0xf) < 5 ? 5 : 0);
		ip[2] = (uint8_t)(size >> 8);
		ip[3] = (uint8_t)size;
		ip[6] = ip[7] = 0;
		ip[9] = IPPROTO_TCP;
		if ((ip[0] & 0xfU) * 4 > size)
			goto out;
		before = tcp_sum(ip, size);
		mss_clamp_ip4(ip, size, most);
		// Zero and all ones are one number in this arithmetic.
		check(before == tcp_sum(ip, size) || before == 0 || before == 0xffff);
	}
out:
	free(ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		return 0;
	memcpy(exact, data, size);
	l2tp(exact, size);
	flow(exact, size);
	ppp(exact, size);
	arp(exact, size);
	quote(exact, size);
	options(exact, size);
	clamp(exact, size);
	free(exact);
	return 0;
}
