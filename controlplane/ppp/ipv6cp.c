// SPDX-License-Identifier: Apache-2.0

// Trouble in IPV6CP leaves IPv4 alone: the link goes only when no network protocol is left.

#include "internal.h"
#include "controlplane/log.h"

#include <string.h>

#include <openssl/rand.h>

static const uint8_t none[PPP_IDENTIFIER];

static bool is_usable(const uint8_t *identifier)
{
	return memcmp(identifier, none, PPP_IDENTIFIER) != 0 &&
	       memcmp(identifier, ppp_identifier, PPP_IDENTIFIER) != 0;
}

// What we would rather see is said once; a peer that has its own all the same may keep it.
static bool rather_another(struct ipv6cp *c, const uint8_t *identifier)
{
	if (c->told || !is_usable(c->suggested) ||
		memcmp(identifier, c->suggested, PPP_IDENTIFIER) == 0)
		return false;
	c->told = true;
	return true;
}

static void ipv6cp_reset(void *owner)
{
	struct ipv6cp *c = &((struct ppp *)owner)->ipv6cp;

	c->ask = true;
	memset(c->peer, 0, sizeof(c->peer));
	// A universal identifier has the bit set that this one has not (RFC 5072 section 4.1).
	if (RAND_bytes(c->given, sizeof(c->given)) != 1)
		memset(c->given, 0x55, sizeof(c->given));
	c->given[0] &= 0xfd;
	c->given[7] |= 2; // neither zero nor ours
	c->told = false;
	if (is_usable(c->suggested))
		memcpy(c->given, c->suggested, sizeof(c->given));
}

static void ipv6cp_request(void *owner, struct build *out)
{
	const struct ppp *ppp = owner;

	if (ppp->ipv6cp.ask)
		wire_option_bytes(out, IPV6CP_IDENTIFIER, ppp_identifier, PPP_IDENTIFIER);
}

static void ipv6cp_peer_begin(void *owner, struct view options)
{
	((struct ppp *)owner)->ipv6cp.peer_asked = false;
}

static int ipv6cp_peer_option(void *owner, const struct wire_option *option, struct build *nak)
{
	struct ipv6cp *c = &((struct ppp *)owner)->ipv6cp;

	if (option->type != IPV6CP_IDENTIFIER || view_left(&option->data) != PPP_IDENTIFIER)
		return FSM_REJECT;
	c->peer_asked = true;
	if (!is_usable(option->data.at) || rather_another(c, option->data.at)) {
		wire_option_bytes(nak, IPV6CP_IDENTIFIER, c->given, PPP_IDENTIFIER);
		return FSM_NAK;
	}
	memcpy(c->peer, option->data.at, PPP_IDENTIFIER);
	return FSM_ACCEPT;
}

static void ipv6cp_peer_end(void *owner, struct build *nak)
{
	const struct ipv6cp *c = &((struct ppp *)owner)->ipv6cp;

	if (!c->peer_asked)
		wire_option_bytes(nak, IPV6CP_IDENTIFIER, c->given, PPP_IDENTIFIER);
}

static void ipv6cp_naked(void *owner, const struct wire_option *option)
{
}

static void ipv6cp_rejected(void *owner, const struct wire_option *option)
{
	if (option->type == IPV6CP_IDENTIFIER)
		((struct ppp *)owner)->ipv6cp.ask = false;
}

static void ipv6cp_up(void *owner)
{
	struct ppp *ppp = owner;

	ppp->ipv6cp.up = true;
	ppp_ip6_up(ppp);
}

static void layer_down(struct ppp *ppp, const char *cause)
{
	if (!ppp->ipv6cp.up)
		return;
	ppp->ipv6cp.up = false;
	ppp_ip6_down(ppp, cause);
}

static void ipv6cp_down(void *owner)
{
	struct ppp *ppp = owner;

	layer_down(
		ppp, ppp->ipv6cp.fsm.state == FSM_STOPPING ? "ipv6cp-terminated" : "renegotiated");
}

static void ipv6cp_finished(void *owner, bool answered)
{
	ppp_network_finished(owner, answered ? "ipv6cp-refused" : "ipv6cp-no-answer");
}

static void ipv6cp_terminated(void *owner)
{
	ppp_network_finished(owner, "ipv6cp-terminated");
}

static void ipv6cp_send(void *owner, const uint8_t *packet, size_t length)
{
	ppp_send(owner, packet, length);
}

static const struct fsm_ops ipv6cp_ops = {
	.protocol = PPP_IPV6CP,
	.send = ipv6cp_send,
	.reset = ipv6cp_reset,
	.request = ipv6cp_request,
	.peer_begin = ipv6cp_peer_begin,
	.peer_option = ipv6cp_peer_option,
	.peer_end = ipv6cp_peer_end,
	.naked = ipv6cp_naked,
	.rejected = ipv6cp_rejected,
	.up = ipv6cp_up,
	.down = ipv6cp_down,
	.finished = ipv6cp_finished,
	.terminated = ipv6cp_terminated,
};

void ipv6cp_init(struct ppp *ppp)
{
	fsm_init(&ppp->ipv6cp.fsm, &ipv6cp_ops, ppp, ppp->config, ppp->timers);
}

void ipv6cp_start(struct ppp *ppp)
{
	fsm_event(&ppp->ipv6cp.fsm, FSM_OPEN);
	fsm_event(&ppp->ipv6cp.fsm, FSM_UP);
}

void ipv6cp_stop(struct ppp *ppp, const char *cause)
{
	fsm_stop(&ppp->ipv6cp.fsm);
	layer_down(ppp, cause);
}
