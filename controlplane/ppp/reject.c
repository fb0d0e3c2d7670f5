// SPDX-License-Identifier: Apache-2.0

#include "internal.h"
#include "controlplane/log.h"

#include <stdio.h>

static const char *protocol_word(uint16_t protocol)
{
	static const struct {
		uint16_t protocol;
		const char *word;
	} words[] = {{PPP_CCP, "ccp"}, {PPP_ECP, "ecp"}, {PPP_IPV6CP, "ipv6cp"}, {PPP_IPCP, "ipcp"},
		{0x8281, "mplscp"}, {0x8031, "bcp"}, {0x8207, "cdpcp"}, {0x8029, "atcp"},
		{0x8235, "acsp"}, {0x802b, "ipxcp"}, {0xc025, "lqr"}, {0xc227, "eap"},
		{0x80fb, "ilccp"}, {0xc02b, "bacp"}, {PPP_IP6, "ipv6"}, {0x803f, "nbfcp"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].protocol == protocol)
			return words[i].word;
	return "other";
}

static void log_once(struct ppp *ppp, uint16_t protocol)
{
	struct reject *r = &ppp->reject;
	char number[8];

	for (uint8_t i = 0; i < r->count; i++)
		if (r->protocols[i] == protocol)
			return;
	if (r->count == REJECT_REMEMBERED)
		return;
	r->protocols[r->count++] = protocol;
	snprintf(number, sizeof(number), "0x%04x", protocol);
	log_event(LOG_PPP_REJECTED, ppp->subject, "s:s, s:s", "protocol", protocol_word(protocol),
		"number", number);
}

void reject_protocol(struct ppp *ppp, uint16_t protocol, struct view information)
{
	struct reject *r = &ppp->reject;
	uint64_t now = timers_now(ppp->timers);

	log_once(ppp, protocol);
	if (now - r->period >= REJECT_PERIOD_MS) {
		r->period = now;
		r->sent = 0;
	}
	if (r->sent == REJECT_BURST)
		return;
	r->sent++;
	lcp_protocol_reject(ppp, protocol, information);
}
