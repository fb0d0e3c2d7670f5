// SPDX-License-Identifier: Apache-2.0

// dataplane.h for unit tests: keeps what is sent.

#include "controlplane/fakes.h"

#include "contract/stats.h"

#include <errno.h>
#include <string.h>

enum { QUEUE = 4096 };

static struct fake_packet queue[QUEUE];
static size_t first, count;

const struct fake_packet *fake_sent_take(void)
{
	if (count == 0)
		return NULL;
	count--;
	return &queue[first++ % QUEUE];
}

size_t fake_sent_count(void)
{
	return count;
}

unsigned fake_order(void)
{
	static unsigned newest;

	return ++newest;
}

static int keep(uint16_t kind, const struct flow *flow, uint32_t sa, uint32_t session,
	const void *data, size_t length)
{
	struct fake_packet *p = &queue[(first + count) % QUEUE];

	if (length > packet_most(kind))
		return -EMSGSIZE;
	if (count == QUEUE)
		return -ENOBUFS;
	count++;
	p->order = fake_order();
	p->kind = kind;
	p->sa = sa;
	p->session = session;
	p->length = length;
	p->flow = flow ? *flow : (struct flow){0};
	memcpy(p->data, data, length);
	return 0;
}

int dataplane_send_ike(const struct flow *flow, const void *message, size_t length)
{
	return keep(PACKET_IKE, flow, 0, 0xffffffff, message, length);
}

int dataplane_send_l2tp(const struct flow *flow, uint32_t sa, const void *message, size_t length)
{
	return keep(PACKET_L2TP, flow, sa, 0xffffffff, message, length);
}

int dataplane_send_ip6(uint32_t session, const void *packet, size_t length)
{
	return keep(PACKET_IP6, NULL, 0, session, packet, length);
}

int dataplane_send_ip4(uint32_t session, const void *packet, size_t length)
{
	return keep(PACKET_IP4, NULL, 0, session, packet, length);
}

int dataplane_send_ppp(uint32_t session, const void *packet, size_t length)
{
	return keep(PACKET_PPP, NULL, 0, session, packet, length);
}

int dataplane_send_ppp_whole(uint32_t session, const void *packet, size_t length)
{
	return keep(PACKET_PPP, NULL, 0, session, packet, length);
}

static struct stats_session stats[FAKE_SESSIONS];

struct stats_session *fake_stats(uint32_t session)
{
	return &stats[session];
}

const struct stats_session *dataplane_stats_sessions(uint32_t *count_out)
{
	*count_out = FAKE_SESSIONS;
	return stats;
}

void fakes_reset(void)
{
	memset(stats, 0, sizeof(stats));
	while (fake_sent_take())
		;
	fake_install_answer(0);
	fake_install_mtu(0);
	fake_install_full(false);
	fake_install_hold(false);
	fake_install_release();
	while (fake_command_take())
		;
	work_hold(false);
}
