// SPDX-License-Identifier: Apache-2.0

// The peer says 0.0.0.0 or what it had last, and hears its address in a Nak; when it asks for no
// address at all, the Nak tells it to. Our own address is not up for discussion.

#include "internal.h"
#include "controlplane/log.h"

#include <string.h>

static void ipcp_reset(void *owner)
{
	struct ipcp *ipcp = &((struct ppp *)owner)->ipcp;

	ipcp->ask = ipcp->addresses.local.version == IP_V4;
}

static void option_address(struct build *out, uint8_t type, const struct ip_address *a)
{
	wire_option_bytes(out, type, a->bytes, 4);
}

static void ipcp_request(void *owner, struct build *out)
{
	const struct ipcp *ipcp = &((struct ppp *)owner)->ipcp;

	if (ipcp->ask)
		option_address(out, IPCP_ADDRESS, &ipcp->addresses.local);
}

static void ipcp_peer_begin(void *owner, struct view options)
{
	((struct ppp *)owner)->ipcp.peer_asked = false;
}

// What the peer should have there, or NULL when there is no such thing.
static const struct ip_address *address_due(const struct ipcp *ipcp, uint8_t type)
{
	const struct ip_address *a;

	switch (type) {
	case IPCP_ADDRESS:
		return &ipcp->addresses.peer;
	case IPCP_DNS1:
		a = &ipcp->addresses.dns[0];
		break;
	case IPCP_DNS2:
		a = &ipcp->addresses.dns[1];
		break;
	case IPCP_WINS1:
		a = &ipcp->addresses.wins[0];
		break;
	case IPCP_WINS2:
		a = &ipcp->addresses.wins[1];
		break;
	default:
		return NULL;
	}
	return a->version == IP_V4 ? a : NULL;
}

static int ipcp_peer_option(void *owner, const struct wire_option *option, struct build *nak)
{
	struct ipcp *ipcp = &((struct ppp *)owner)->ipcp;
	const struct ip_address *due = address_due(ipcp, option->type);

	if (!due || view_left(&option->data) != 4)
		return FSM_REJECT;
	if (option->type == IPCP_ADDRESS)
		ipcp->peer_asked = true;
	if (memcmp(option->data.at, due->bytes, 4) == 0)
		return FSM_ACCEPT;
	option_address(nak, option->type, due);
	return FSM_NAK;
}

static void ipcp_peer_end(void *owner, struct build *nak)
{
	const struct ipcp *ipcp = &((struct ppp *)owner)->ipcp;

	if (!ipcp->peer_asked)
		option_address(nak, IPCP_ADDRESS, &ipcp->addresses.peer);
}

static void ipcp_naked(void *owner, const struct wire_option *option)
{
}

static void ipcp_rejected(void *owner, const struct wire_option *option)
{
	if (option->type == IPCP_ADDRESS)
		((struct ppp *)owner)->ipcp.ask = false;
}

static void ipcp_up(void *owner)
{
	struct ppp *ppp = owner;

	ppp->ipcp.up = true;
	ppp_ip4_up(ppp);
}

static void layer_down(struct ppp *ppp, const char *cause)
{
	if (!ppp->ipcp.up)
		return;
	ppp->ipcp.up = false;
	ppp_ip4_down(ppp, cause);
}

static void ipcp_down(void *owner)
{
	struct ppp *ppp = owner;

	layer_down(ppp, ppp->ipcp.fsm.state == FSM_STOPPING ? "ipcp-terminated" : "renegotiated");
}

static void ipcp_finished(void *owner, bool answered)
{
	ppp_network_finished(owner, answered ? "ipcp-refused" : "ipcp-no-answer");
}

static void ipcp_terminated(void *owner)
{
	ppp_network_finished(owner, "ipcp-terminated");
}

static void ipcp_send(void *owner, const uint8_t *packet, size_t length)
{
	ppp_send(owner, packet, length);
}

static const struct fsm_ops ipcp_ops = {
	.protocol = PPP_IPCP,
	.send = ipcp_send,
	.reset = ipcp_reset,
	.request = ipcp_request,
	.peer_begin = ipcp_peer_begin,
	.peer_option = ipcp_peer_option,
	.peer_end = ipcp_peer_end,
	.naked = ipcp_naked,
	.rejected = ipcp_rejected,
	.up = ipcp_up,
	.down = ipcp_down,
	.finished = ipcp_finished,
	.terminated = ipcp_terminated,
};

void ipcp_init(struct ppp *ppp)
{
	fsm_init(&ppp->ipcp.fsm, &ipcp_ops, ppp, ppp->config, ppp->timers);
}

void ipcp_start(struct ppp *ppp, const struct ppp_addresses *addresses)
{
	ppp->ipcp.addresses = *addresses;
	fsm_event(&ppp->ipcp.fsm, FSM_OPEN);
	fsm_event(&ppp->ipcp.fsm, FSM_UP);
}

void ipcp_stop(struct ppp *ppp, const char *cause)
{
	fsm_stop(&ppp->ipcp.fsm);
	layer_down(ppp, cause);
}
