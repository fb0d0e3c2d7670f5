// SPDX-License-Identifier: Apache-2.0
#pragma once

// DHCPv6 (RFC 8415), the server's side, on a link with one client: reads what the client sends and
// writes what it is answered. Who gets what is the caller's: he has one address and one prefix for
// his client at most, so of the identity associations of a message one IA_NA and one IA_PD get
// something, those that dhcp6_chosen says. Pure.
//
// Not spoken: relays, Reconfigure, authentication, temporary addresses (IA_TA is told
// NoAddrsAvail).

#include "contract/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dhcp6_type {
	DHCP6_SOLICIT = 1,
	DHCP6_ADVERTISE,
	DHCP6_REQUEST,
	DHCP6_CONFIRM,
	DHCP6_RENEW,
	DHCP6_REBIND,
	DHCP6_REPLY,
	DHCP6_RELEASE,
	DHCP6_DECLINE,
	DHCP6_RECONFIGURE,
	DHCP6_INFORMATION_REQUEST,
};

// Of identity associations: the numbers of their options.
enum dhcp6_kind { DHCP6_NA = 3, DHCP6_TA = 4, DHCP6_PD = 25 };

enum {
	DHCP6_CLIENT_PORT = 546,
	DHCP6_SERVER_PORT = 547,
	DHCP6_DUID = 130, // bytes at most (section 11.1)
	DHCP6_DUID_UUID = 18,
	DHCP6_IAS = 8,    // of one message; what is more is not answered
	DHCP6_LEASES = 8, // of one of them that are looked at
};

struct dhcp6_lease {
	struct ip_prefix prefix; // an address is a /128; a hint may be the length alone, of ::
	uint32_t preferred_s, valid_s;
};

struct dhcp6_ia {
	uint16_t kind; // enum dhcp6_kind
	uint32_t iaid;
	struct dhcp6_lease leases[DHCP6_LEASES]; // what the client has or would like
	uint16_t lease_count;
};

struct dhcp6_message {
	uint8_t type;         // enum dhcp6_type, of what clients send
	uint32_t transaction; // 24 bits
	uint8_t client[DHCP6_DUID], server[DHCP6_DUID];
	uint16_t client_length, server_length; // 0 = it has none
	bool rapid_commit;
	bool asks_dns, asks_domain, asks_refresh; // of the Option Request Option
	struct dhcp6_ia ias[DHCP6_IAS];
	uint16_t ia_count;
};

// message: from the type on. -EINVAL when it is malformed, -EOPNOTSUPP for a type that clients do
// not send.
int dhcp6_parse(const uint8_t *message, size_t length, struct dhcp6_message *out);

// What the client has or can have of one kind.
struct dhcp6_offer {
	bool bound;              // it has it, under that IAID
	uint32_t iaid;           // which is nothing when it is not bound
	struct ip_prefix prefix; // IP_NONE: nothing
};

// What the answer says.
struct dhcp6_server {
	const uint8_t *duid; // ours
	uint16_t duid_length;
	struct ip_address dns[2]; // IP_NONE where there is none
	const char *domain;       // "": none
	struct dhcp6_offer address, delegated;
	struct ip_prefix on_link; // where addresses of the client are right
	uint32_t preferred_s, valid_s;
};

// May this message be answered (section 16)? to_all: it came to ff02::1:2, not to our own address.
// NULL, or why it is ignored, in words. *use_multicast: all that may be said is dhcp6_refuse.
const char *dhcp6_check(const struct dhcp6_message *m, const uint8_t *duid, uint16_t duid_length,
	bool to_all, bool *use_multicast);

// The association of that kind that gets what the client can have: the one that it is bound to, or
// the first one. NULL when there is none of that kind.
const struct dhcp6_ia *dhcp6_chosen(
	const struct dhcp6_message *m, enum dhcp6_kind kind, const struct dhcp6_offer *offer);

// Writes the answer to a message that dhcp6_check has nothing against. What the client asks to be
// bound is bound already; what it gives back is in the offers as it was before. Returns its length;
// 0: no answer is due, or it does not fit in size bytes.
size_t dhcp6_answer(const struct dhcp6_message *m, const struct dhcp6_server *server, uint8_t *out,
	size_t size);
// The Reply that says UseMulticast (section 18.3.10), and its length.
size_t dhcp6_refuse(const struct dhcp6_message *m, const struct dhcp6_server *server, uint8_t *out,
	size_t size);
