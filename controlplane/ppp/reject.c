// SPDX-License-Identifier: Apache-2.0

#include "internal.h"
#include "controlplane/log.h"

#include <stdio.h>

enum { CCP_MPPE = 18 }; // its option (RFC 3078 section 2)

static const struct known {
	uint16_t protocol;
	const char *word, *reason; // NULL: "not served"
} protocols[] = {{PPP_CCP, "ccp", "compression is not served"},
	{PPP_ECP, "ecp", "encryption in PPP is not served, IPsec does it"},
	{PPP_IPV6CP, "ipv6cp", "this subscriber has no IPv6 prefix"},
	{PPP_IPCP, "ipcp", "this subscriber has no IPv4 address"}, {0x8281, "mplscp", NULL},
	{0x8031, "bcp", NULL}, {0x8207, "cdpcp", NULL}, {0x8029, "atcp", NULL},
	{0x8235, "acsp", NULL}, {0x802b, "ipxcp", NULL},
	{0xc025, "lqr", "link quality is measured by LCP echo"},
	{0x80fb, "ilccp", "compression is not served"}, {0xc02b, "bacp", NULL},
	{PPP_IP6, "ipv6", NULL}, {0x803f, "nbfcp", NULL}};

static const struct known *known_of(uint16_t protocol)
{
	static const struct known other = {0, "other", NULL};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].protocol == protocol)
			return &protocols[i];
	return &other;
}

// Is it a request to encrypt by MPPE?
static bool wants_mppe(uint16_t protocol, struct view information)
{
	struct wire_control control;
	struct wire_option option;

	if (protocol != PPP_CCP || wire_control_parse(information, &control) < 0 ||
		control.code != CODE_CONFIGURE_REQUEST)
		return false;
	while (wire_option_next(&control.body, &option) > 0)
		if (option.type == CCP_MPPE && view_left(&option.data) == 4 &&
			(view_u32(&option.data) & ~1U)) // bit 0 is compression
			return true;
	return false;
}

static void log_once(struct ppp *ppp, uint16_t protocol, struct view information)
{
	const struct known *known = known_of(protocol);
	struct reject *r = &ppp->reject;
	const char *reason;
	char number[8];

	for (uint8_t i = 0; i < r->count; i++)
		if (r->protocols[i] == protocol)
			return;
	if (r->count == REJECT_REMEMBERED)
		return;
	r->protocols[r->count++] = protocol;
	snprintf(number, sizeof(number), "0x%04x", protocol);
	reason = wants_mppe(protocol, information)
			 ? "MPPE is not served, what has to be encrypted goes through IPsec"
		 : known->reason ? known->reason
				 : "not served";
	log_event(LOG_PPP_REJECTED, ppp->subject, "s:s, s:s, s:s", "protocol", known->word,
		"number", number, "reason", reason);
}

void reject_protocol(struct ppp *ppp, uint16_t protocol, struct view information)
{
	struct reject *r = &ppp->reject;
	uint64_t now = timers_now(ppp->timers);

	log_once(ppp, protocol, information);
	if (now - r->period >= REJECT_PERIOD_MS) {
		r->period = now;
		r->sent = 0;
	}
	if (r->sent == REJECT_BURST)
		return;
	r->sent++;
	lcp_protocol_reject(ppp, protocol, information);
}
