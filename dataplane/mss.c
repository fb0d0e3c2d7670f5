// SPDX-License-Identifier: Apache-2.0

// See mss.h. The clamp needs no state: SYN and SYN-ACK of a session's connections are lowered on
// their way in either direction to what the session can carry.

#include "dataplane/mss.h"

#include "dataplane/ip6.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <netinet/in.h>
#include <rte_ip.h>

enum {
	IP4_HEADER = 20,
	TCP_HEADER = 20,
	TCP_SYN = 0x02,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_MSS_LENGTH = 4,
};

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

// The value of the MSS option, or NULL.
static uint8_t *option_find(uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != OPTION_END) {
		if (*at == OPTION_NOP) {
			at++;
			continue;
		}
		if (end - at < 2 || at[1] < 2 || at[1] > end - at)
			return NULL;
		if (*at == OPTION_MSS)
			return at[1] == OPTION_MSS_LENGTH ? at + 2 : NULL;
		at += at[1];
	}
	return NULL;
}

// One's complement sum of 16 bits that replace others (RFC 1624 equation 3). A value at an odd
// offset counts with its bytes swapped.
static void checksum_correct(uint8_t *checksum, uint16_t from, uint16_t to, bool odd)
{
	uint32_t sum = (uint16_t)~get_u16(checksum);

	sum += odd ? (uint16_t)~__builtin_bswap16(from) : (uint16_t)~from;
	sum += odd ? __builtin_bswap16(to) : to;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put_u16(checksum, (uint16_t)~sum);
}

static bool tcp_clamp(uint8_t *tcp, size_t length, uint16_t most)
{
	uint16_t header, said;
	uint8_t *option;

	if (length < TCP_HEADER || !(tcp[13] & TCP_SYN))
		return false;
	header = (uint16_t)((tcp[12] >> 4) * 4);
	if (header < TCP_HEADER || header > length)
		return false;
	option = option_find(tcp + TCP_HEADER, tcp + header);
	if (!option)
		return false;
	said = get_u16(option);
	if (said <= most)
		return false;
	put_u16(option, most);
	checksum_correct(tcp + 16, said, most, (option - tcp) & 1);
	return true;
}

bool mss_clamp_ip4(uint8_t *ip, size_t length, uint16_t most)
{
	uint16_t header, total;

	if (length < IP4_HEADER + TCP_HEADER || ip[0] >> 4 != 4 || ip[9] != IPPROTO_TCP)
		return false;
	header = (uint16_t)((ip[0] & 0xf) * 4);
	total = get_u16(ip + 2);
	if (header < IP4_HEADER || total > length || total < header)
		return false;
	if (get_u16(ip + 6) & RTE_IPV4_HDR_OFFSET_MASK)
		return false;
	return tcp_clamp(ip + header, total - header, most);
}

bool mss_clamp_ip6(uint8_t *ip, size_t length, uint16_t most)
{
	struct ip6_payload p;

	if (length > UINT16_MAX || !ip6_payload(ip, (uint16_t)length, &p))
		return false;
	if (p.protocol != IPPROTO_TCP || p.fragment_offset)
		return false;
	return tcp_clamp(ip + p.at, (size_t)(p.end - p.at), most);
}

// Whether an IPv6 packet, of which the header is there, may be. Behind extension headers each may.
static bool may_be_syn6(const uint8_t *ip, uint16_t length)
{
	if (ip[6] == IPPROTO_TCP)
		return length > IP6_HEADER + 13 && ip[IP6_HEADER + 13] & TCP_SYN;
	return ip[6] == IPPROTO_HOPOPTS || ip[6] == IPPROTO_ROUTING || ip[6] == IPPROTO_FRAGMENT ||
	       ip[6] == IPPROTO_DSTOPTS || ip[6] == IPPROTO_AH;
}

// Nearly no packet is, and then nothing of its session is looked at.
static inline bool may_be_syn(const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t flags;

	if (unlikely(m->data_len >= IP6_HEADER && ip[0] >> 4 == 6))
		return may_be_syn6(ip, m->data_len);

	if (m->data_len < IP4_HEADER + TCP_HEADER || ip[9] != IPPROTO_TCP)
		return false;
	flags = (uint16_t)((ip[0] & 0xf) * 4 + 13);
	return flags < m->data_len && ip[flags] & TCP_SYN;
}

static void clamp(struct rte_mbuf *m, uint16_t mtu_bytes)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);

	if (ip[0] >> 4 == 6)
		mss_clamp_ip6(ip, m->data_len, mtu_bytes - SESSION_MSS_HEADERS6);
	else
		mss_clamp_ip4(ip, m->data_len, mtu_bytes - SESSION_MSS_HEADERS);
}

uint16_t mss(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	const struct tables *t = w->tables;

	for (uint16_t i = 0; i < count; i++) {
		uint32_t index = meta_of(m[i])->session;

		if (likely(!may_be_syn(m[i])) || index >= t->sessions || m[i]->nb_segs != 1)
			continue;
		clamp(m[i], t->session[index].uplink.mtu);
	}
	return count;
}
