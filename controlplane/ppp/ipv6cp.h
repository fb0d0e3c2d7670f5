// SPDX-License-Identifier: Apache-2.0
#pragma once

// IPV6CP (RFC 5072) on the automaton of fsm.h: each end says the interface identifier of its
// link-local address. The peer keeps the one that it has, unless that is zero or ours. Addresses
// and prefixes are no matter of it: a router advertisement brings them.

#include "fsm.h"
#include "ppp.h"

enum ipv6cp_option {
	IPV6CP_IDENTIFIER = 1,
	IPV6CP_COMPRESSION = 2,
};

struct ipv6cp {
	struct fsm fsm;
	uint8_t peer[PPP_IDENTIFIER];      // what the peer uses
	uint8_t given[PPP_IDENTIFIER];     // what it is told to when it has none
	uint8_t suggested[PPP_IDENTIFIER]; // by who grants, or zero: it may be another
	bool told;                         // the peer, once
	bool ask;                          // our own one is asked for
	bool peer_asked;
	bool up;
};

struct ppp;

void ipv6cp_init(struct ppp *ppp);
void ipv6cp_start(struct ppp *ppp);
// The link is gone or begins again: as if it had never been.
void ipv6cp_stop(struct ppp *ppp, const char *cause);
