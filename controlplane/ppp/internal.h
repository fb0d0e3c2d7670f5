// SPDX-License-Identifier: Apache-2.0
#pragma once

// The session that the files of this folder share. ppp.c owns it and its phases; lcp.c, ipcp.c,
// ipv6cp.c and authenticate.c own the members of their name and tell ppp.c when a layer goes up or
// down.

#include "authenticate.h"
#include "echo.h"
#include "ipcp.h"
#include "ipv6cp.h"
#include "lcp.h"
#include "ppp.h"
#include "probe.h"
#include "reject.h"

enum phase {        // RFC 1661 section 3.2, and the two ways to wait for the caller
	PHASE_IDLE, // not started
	PHASE_LCP,  // establish
	PHASE_AUTHENTICATE,
	PHASE_ACCEPTED, // the caller looks for an address
	PHASE_NETWORK,  // no network protocol is open
	PHASE_OPEN,     // one is, or both
	PHASE_CLOSING,
	PHASE_DEAD, // down was called
};

enum {
	PPP_CAUSE = 64,              // bytes of a cause with its NUL
	PPP_HELD = 256,              // bytes of a packet that came before our addresses
	PPP_OPENINGS = 8,            // of LCP, or of one network protocol, within
	PPP_OPENINGS_MS = 60 * 1000, // this time: who begins again more often is cut off
};

struct ppp_openings {
	uint64_t since; // milliseconds
	uint16_t count;
};

struct ppp_held {
	uint8_t packet[PPP_HELD];
	uint16_t length;
};

struct ppp {
	const struct config_ppp *config;
	struct timers *timers;
	struct ppp_events events;
	void *context;
	const struct log_subject *subject;
	uint8_t phase; // enum phase
	struct ppp_link link;
	struct lcp lcp;
	struct authenticate auth;
	struct ipcp ipcp;
	struct ipv6cp ipv6cp;
	bool ip6; // IPV6CP is spoken
	struct reject reject;
	struct timer setup;
	uint32_t setup_left; // milliseconds of it, while it stands still; else 0
	struct echo echo;
	struct ppp_openings lcp_openings, ip4_openings, ip6_openings;
	uint8_t echo_id; // of the newest Echo-Request, probe or not
	struct probe probe;
	char cause[PPP_CAUSE]; // why we close
	struct ppp_held held_ipcp, held_ipv6cp;
};

void ppp_send(struct ppp *ppp, const uint8_t *packet, size_t length);
void ppp_send_built(struct ppp *ppp, struct build *out);
// All is over: down is called, and nothing after it.
void ppp_finish(struct ppp *ppp, const char *cause);
uint32_t ppp_random32(void); // never 0

// The time of the set-up stands still, and goes on.
void ppp_setup_pause(struct ppp *ppp);
void ppp_setup_resume(struct ppp *ppp);

void ppp_lcp_up(struct ppp *ppp);
void ppp_lcp_down(struct ppp *ppp);
void ppp_accepted(struct ppp *ppp);
void ppp_ip4_up(struct ppp *ppp);
void ppp_ip4_down(struct ppp *ppp, const char *cause);
void ppp_ip6_up(struct ppp *ppp);
void ppp_ip6_down(struct ppp *ppp, const char *cause);
// A network protocol is over; the link is closed when it was the last.
void ppp_network_finished(struct ppp *ppp, const char *cause);
// Closes without waiting for an answer, from a peer that has not been heard of for too long.
void ppp_give_up(struct ppp *ppp, const char *cause);
// The peer's Terminate-Request was acknowledged.
void ppp_peer_ended(struct ppp *ppp);
// LCP cannot agree: logs both sides' wishes and closes.
void ppp_refuse(struct ppp *ppp, const char *reason);
