// SPDX-License-Identifier: Apache-2.0

// ICMP errors from the gateway's own address (RFC 792, RFC 1812 section 4.3.2). None about an
// ICMP error, a fragment other than the first, a packet to or from what is not one host; and at
// most so many a second from each worker, so that nobody makes the gateway shout.

#include "dataplane/stage.h"

#include "dataplane/ip6.h"
#include "dataplane/scratch.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <rte_ip.h>
#include <string.h>

enum {
	ICMP_INTERVAL = 1000 * 1000, // nanoseconds between two errors in the long run
	ICMP_MOST = 100,             // at once
	IP4_HEADER = 20,
	ICMP_HEADER = 8,
	ICMP_TOTAL = 576, // bytes of the whole answer at most (RFC 1812 section 4.3.2.3)
	ICMP_TTL = 64,
	ICMP_TOS = 0xc0, // internetwork control (RFC 1812 section 4.3.2.5)
};

static bool is_host(const uint8_t *address)
{
	return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

static bool is_error_type(uint8_t type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

// Whether an error about it may be sent at all.
static bool is_due(const uint8_t *ip, uint16_t length)
{
	uint16_t header;

	if (length < IP4_HEADER || ip[0] >> 4 != 4)
		return false;
	header = (uint16_t)((ip[0] & 0xf) * 4);
	if (header < IP4_HEADER || header > length)
		return false;
	if ((ip[6] << 8 | ip[7]) & RTE_IPV4_HDR_OFFSET_MASK)
		return false;
	if (!is_host(ip + 12) || !is_host(ip + 16))
		return false;
	if (ip[9] != IPPROTO_ICMP)
		return true;
	return header < length && !is_error_type(ip[header]);
}

static void ip_put(uint8_t *ip, uint16_t total, uint32_t source, const uint8_t *destination)
{
	uint16_t checksum;

	memset(ip, 0, IP4_HEADER);
	ip[0] = 0x45;
	ip[1] = ICMP_TOS;
	ip[2] = total >> 8;
	ip[3] = total & 0xff;
	ip[8] = ICMP_TTL;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, &source, 4);
	memcpy(ip + 16, destination, 4);
	checksum = (uint16_t)~rte_raw_cksum(ip, IP4_HEADER);
	memcpy(ip + 10, &checksum, sizeof(checksum));
}

// icmp: header and quoted bytes, which are there already.
static void icmp_put(uint8_t *icmp, uint16_t length, uint8_t type, uint8_t code, uint16_t next_mtu)
{
	uint16_t checksum;

	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = type;
	icmp[1] = code;
	icmp[6] = next_mtu >> 8;
	icmp[7] = next_mtu & 0xff;
	checksum = (uint16_t)~rte_raw_cksum(icmp, length);
	memcpy(icmp + 2, &checksum, sizeof(checksum));
}

bool icmp_error_take(struct worker *w)
{
	return bucket_take(&scratch_of(w)->icmp, w->now, ICMP_INTERVAL, ICMP_MOST);
}

struct rte_mbuf *icmp_error(struct worker *w, const struct rte_mbuf *m, uint8_t type, uint8_t code,
	uint16_t next_mtu, uint32_t source)
{
	const uint8_t *quoted = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t size = m->data_len;
	struct rte_mbuf *e;
	uint8_t *at;

	if (source == 0 || !is_due(quoted, m->data_len))
		return NULL;
	if (!icmp_error_take(w))
		return NULL;
	e = packet_create(w);
	if (!e)
		return NULL;
	if (size > ICMP_TOTAL - IP4_HEADER - ICMP_HEADER)
		size = ICMP_TOTAL - IP4_HEADER - ICMP_HEADER;
	at = (uint8_t *)rte_pktmbuf_append(e, IP4_HEADER + ICMP_HEADER + size);
	if (!at) {
		packet_drop(w, e, DROP_NO_MEMORY);
		return NULL;
	}
	memcpy(at + IP4_HEADER + ICMP_HEADER, quoted, size);
	ip_put(at, IP4_HEADER + ICMP_HEADER + size, source, quoted + 12);
	icmp_put(at + IP4_HEADER, ICMP_HEADER + size, type, code, next_mtu);
	meta_of(e)->session = SESSION_NONE;
	return e;
}

void icmp_too_big(struct worker *w, struct rte_mbuf *m, uint16_t fits, struct rte_mbuf **errors,
	uint16_t *error_count)
{
	struct rte_mbuf *e;

	if (packet_is_ip6(m))
		e = icmp6_error(
			w, m, ICMP6_PACKET_TOO_BIG, 0, fits < IP6_MTU_MIN ? IP6_MTU_MIN : fits);
	else
		e = icmp_error(w, m, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, fits, w->icmp_source);
	if (e)
		errors[(*error_count)++] = e;
	packet_drop(w, m, DROP_MTU_EXCEEDED);
}
