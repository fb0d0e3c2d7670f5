// SPDX-License-Identifier: Apache-2.0
#pragma once

// IPCP's options (RFC 1332 section 3, RFC 1877) on the automaton of fsm.h. We say our address, and
// give the peer its own and those of the name servers; header compression and all else is rejected.

#include "fsm.h"
#include "ppp.h"

enum ipcp_option {
	IPCP_ADDRESSES = 1, // of RFC 1172, long gone
	IPCP_COMPRESSION = 2,
	IPCP_ADDRESS = 3,
	IPCP_DNS1 = 129, // RFC 1877
	IPCP_WINS1 = 130,
	IPCP_DNS2 = 131,
	IPCP_WINS2 = 132,
};

struct ipcp {
	struct fsm fsm;
	struct ppp_addresses addresses; // what we assign
	bool ask;                       // our own address is asked for
	bool peer_asked;                // the peer's request has an address
	bool up;
};

struct ppp;

void ipcp_init(struct ppp *ppp);
// Begins with these addresses, which are IPv4.
void ipcp_start(struct ppp *ppp, const struct ppp_addresses *addresses);
// The link is gone or begins again: as if it had never been.
void ipcp_stop(struct ppp *ppp, const char *cause);
