// SPDX-License-Identifier: Apache-2.0
#pragma once

// LCP's options and its own codes (RFC 1661 sections 5.6 to 5.9 and 6), on the automaton of fsm.h.
//
// We ask for a maximum receive unit, for the peer to authenticate itself, and for a magic number.
// Compressed protocol and address fields are not asked for: the workers take them in every packet
// anyway. All but the peer's MRU, character map, magic number and field compression is rejected;
// so is authenticating ourselves.

#include "fsm.h"
#include "ppp.h"

enum lcp_option {
	LCP_MRU = 1,
	LCP_ACCM = 2,
	LCP_AUTH = 3,
	LCP_MAGIC = 5,
	LCP_PFC = 7,
	LCP_ACFC = 8,
};

enum {
	LCP_LOOPS = 3,   // requests with our own magic number in a row: the line is looped
	LCP_WISHES = 64, // bytes of text on what the peer would rather have
	LCP_DEFAULT_MRU = 1500,
};

struct lcp {
	struct fsm fsm;
	struct {
		bool mru, magic; // asked for
		uint16_t mru_bytes;
		uint32_t magic_number;
		uint8_t auth; // enum ppp_auth
	} want;
	struct {
		uint16_t mru;
		uint32_t magic;
		bool pfc, acfc;
	} peer;               // of its newest request
	uint8_t auth_tried;   // bit n: method n was asked for and not wanted
	uint8_t loops;        // requests with our magic number, in a row
	bool looped;          // the newest request was such a one
	uint8_t named;        // methods that the peer named instead: bits of lcp.c's table
	uint16_t named_other; // and one that is not in it; 0 = none
};

struct ppp;

void lcp_init(struct ppp *ppp);
// What was agreed on; as of now.
struct ppp_link lcp_link(const struct lcp *lcp);
// Sends an Echo-Request when LCP is open (RFC 1661 section 5.8).
void lcp_echo(struct ppp *ppp);
// Rejects a protocol, with as much of the packet as the peer can take (RFC 1661 section 5.7).
void lcp_protocol_reject(struct ppp *ppp, uint16_t protocol, struct view information);
// The authentication methods that the peer named, for the log: words with blanks between, or
// "none".
const char *lcp_wishes(const struct lcp *lcp, char text[LCP_WISHES]);
// The word for an authentication method in the log, as in the config.
const char *lcp_auth_word(unsigned method);
