// SPDX-License-Identifier: Apache-2.0

// ICMP messages of routers about our own outer packets. A worker looks at their form, throws away
// what cannot be about a packet of ours, and hands the rest to the clerk (path_mtu.c), at most so
// many a second: what a flood pushes out is found by the control plane's probes as well.

#include "dataplane/stage.h"

#include "dataplane/checksum.h"
#include "dataplane/clerk.h"
#include "dataplane/icmp_quote.h"
#include "dataplane/outer6.h"
#include "dataplane/scratch.h"

#include <rte_icmp.h>
#include <rte_ip.h>

enum {
	HEAR_INTERVAL = 20 * 1000 * 1000, // nanoseconds between two messages in the long run
	HEAR_MOST = 50,                   // at once
	ICMP_HEADER = 8,
	UNREACHABLE = 3, // RFC 792
	TOO_BIG4 = 4,    // its code (RFC 1191 section 4)
	TOO_BIG6 = 2,    // RFC 4443 section 3.2
};

// What quotes a packet from the address that it came to goes to the clerk.
static enum drop judge(struct worker *w, const struct icmp_quote *q, const struct meta *meta)
{
	bool six = meta->flags & META_OUTER6;

	if (memcmp(q->local.bytes, six ? meta->local6 : (const uint8_t *)&meta->local,
		    six ? 16 : 4) != 0)
		return DROP_ICMP_FOREIGN;
	if (!bucket_take(&scratch_of(w)->too_big, w->now, HEAR_INTERVAL, HEAR_MOST))
		return DROP_ICMP_RATE;
	return DROP_COUNT;
}

static void hear(struct worker *w, struct rte_mbuf *m, uint16_t at, uint16_t end)
{
	const struct meta *meta = meta_of(m);
	uint8_t version = meta->flags & META_OUTER6 ? IP_V6 : IP_V4;
	enum drop reason = DROP_ICMP_FOREIGN;
	struct icmp_quote q;

	if (icmp_quote_parse(version, rte_pktmbuf_mtod_offset(m, uint8_t *, at), end - at, &q) == 0)
		reason = judge(w, &q, meta);
	if (reason != DROP_COUNT) {
		packet_drop(w, m, reason);
		return;
	}
	rte_pktmbuf_trim(m, m->data_len - end);
	rte_pktmbuf_adj(m, at);
	clerk_give(w, m, CLERK_ICMP);
}

bool path_mtu_hear4(struct worker *w, struct rte_mbuf *m)
{
	uint16_t at = rte_ipv4_hdr_len(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *));
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, at);

	if (m->data_len < at + ICMP_HEADER || icmp[0] != UNREACHABLE || icmp[1] != TOO_BIG4)
		return false;
	if (rte_raw_cksum(icmp, m->data_len - at) == 0xffff)
		hear(w, m, at, m->data_len);
	else
		packet_drop(w, m, DROP_ICMP_INVALID);
	return true;
}

bool path_mtu_hear6(struct worker *w, struct rte_mbuf *m, uint16_t at, uint16_t end)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *), *icmp = ip + at;

	if (end < at + ICMP_HEADER || icmp[0] != TOO_BIG6)
		return false;
	if (checksum_upper6_ok(ip + 8, ip + 24, IPPROTO_ICMPV6, icmp, end - at))
		hear(w, m, at, end);
	else
		packet_drop(w, m, DROP_ICMP_INVALID);
	return true;
}
