// SPDX-License-Identifier: Apache-2.0
#pragma once

// DHCPINFORM (RFC 2131 section 4.3.5): a client that has its address of IPCP or IKE asks for what
// those do not say, its routes first of all (RFC 3442, and the same under Microsoft's number).
// Pure.
//
// Addresses are not assigned here: DISCOVER and REQUEST are not answered.

#include "contract/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dhcp4_type {
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER,
	DHCP4_REQUEST,
	DHCP4_DECLINE,
	DHCP4_ACK,
	DHCP4_NAK,
	DHCP4_RELEASE,
	DHCP4_INFORM,
};

enum { DHCP4_CLIENT_PORT = 68, DHCP4_SERVER_PORT = 67, DHCP4_OPTIONS = 256 };

struct dhcp4_message {
	uint8_t type; // enum dhcp4_type; 0: BOOTP
	uint8_t hardware_type, hardware_length, hardware[16];
	uint32_t transaction;
	uint16_t seconds, flags;
	struct ip_address client; // ciaddr
	uint16_t size_most;       // bytes of an answer's message that the client takes
	bool has_list;            // it says which options it wants
	bool wants[DHCP4_OPTIONS];
};

// What the answer says. Everything is IPv4 or IP_NONE.
struct dhcp4_server {
	struct ip_address us;
	struct ip_address dns[2], wins[2];
	const char *domain; // "": none
	const struct ip_prefix *routes;
	uint16_t route_count;
};

// message: the UDP payload. -EINVAL when it is malformed or no request.
int dhcp4_parse(const uint8_t *message, size_t length, struct dhcp4_message *out);
// In words: "inform"; "unknown" for a number that is none.
const char *dhcp4_word(uint8_t type);
// Writes the DHCPACK to an Inform. Returns its length; 0: it does not fit in size bytes. *left_out:
// some of what the client wants has no room.
size_t dhcp4_answer(const struct dhcp4_message *m, const struct dhcp4_server *server, uint8_t *out,
	size_t size, bool *left_out);
