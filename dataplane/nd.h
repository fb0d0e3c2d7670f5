// SPDX-License-Identifier: Apache-2.0
#pragma once

// Neighbour solicitations and advertisements (RFC 4861 section 4): reading and making them. Pure;
// the clerk and neighbour.c decide. Router discovery and redirects are told apart and not read: the
// gateway's routes come from its config.

#include "contract/drop.h"

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>

enum nd_type {
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
};

enum { ND_MOST = 40 + 24 + 8 }; // bytes: IPv6 header, message, link-layer address option

// Addresses as on the wire.
struct nd {
	uint8_t type;   // enum nd_type
	bool router;    // advertisements: R, S and O flag
	bool solicited; // it answers a solicitation
	bool override;  // it replaces what is known
	bool has_mac;   // the sender (solicitation) or target (advertisement) says where it is
	uint8_t zero[3];
	struct rte_ether_addr mac;
	uint8_t source[16]; // of the IPv6 header; zero in a solicitation that looks for duplicates
	uint8_t destination[16];
	uint8_t target[16];
};

// ff02::1
extern const uint8_t nd_all_nodes[16];

// From an IPv6 header, length bytes. Returns DROP_COUNT when it is a solicitation or advertisement
// that passes all checks of RFC 4861 section 7.1 (and has no fragment header, RFC 6980), else what
// it is to be dropped for.
enum drop nd_parse(const uint8_t *ip, uint16_t length, struct nd *out);

// Writes it with its IPv6 header into room (ND_MOST bytes); returns the length. With has_mac the
// option is the source's in a solicitation and the target's in an advertisement.
uint16_t nd_write(const struct nd *n, uint8_t *room);

// The solicited-node multicast address (RFC 4291 section 2.7.1) of an address.
void nd_solicited_node(const uint8_t address[16], uint8_t group[16]);
// The Ethernet address of a multicast group (RFC 2464 section 7).
struct rte_ether_addr nd_group_mac(const uint8_t group[16]);
