// SPDX-License-Identifier: Apache-2.0
#pragma once

// IP addresses and prefixes of either version, in one shape for both processes, the config and
// the channel. Bytes are in network byte order.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_version {
	IP_NONE = 0,
	IP_V4 = 4,
	IP_V6 = 6,
};

struct ip_address {
	uint8_t version;   // enum ip_version
	uint8_t zero[3];   // always 0, so that two addresses compare with memcmp
	uint8_t bytes[16]; // an IPv4 address is in the first four; the others are 0
};
_Static_assert(sizeof(struct ip_address) == 20, "part of the channel layout");

struct ip_prefix {
	struct ip_address address; // host bits are 0
	uint8_t length;            // bits, 0 to 32 or 0 to 128
	uint8_t zero[3];
};
_Static_assert(sizeof(struct ip_prefix) == 24, "part of the channel layout");

enum { ADDRESS_TEXT = 64 }; // bytes for any of the *_format functions, with the final NUL

// From 4 or 16 bytes in network byte order.
struct ip_address address_v4(const uint8_t bytes[4]);
struct ip_address address_v6(const uint8_t bytes[16]);
// The IPv4 address as a number in host byte order, and back. 0 for another version.
uint32_t address_to_u32(const struct ip_address *a);
struct ip_address address_from_u32(uint32_t host_order);

bool address_equal(const struct ip_address *a, const struct ip_address *b);
// Same version, and the first length bits agree.
bool prefix_contains(const struct ip_prefix *p, const struct ip_address *a);

// "192.0.2.1", "2001:db8::1". Returns 0, or -EINVAL and *a is IP_NONE.
int address_parse(const char *text, struct ip_address *a);
// "192.0.2.0/24"; a bare address is its host prefix. -EINVAL when host bits are set and
// host is NULL; with host, the whole address goes there ("192.0.2.1/24" of an interface).
int prefix_parse(const char *text, struct ip_prefix *p, struct ip_address *host);

// Write to text (ADDRESS_TEXT bytes) and return it; "none" for IP_NONE.
const char *address_format(const struct ip_address *a, char *text);
const char *address_port_format(const struct ip_address *a, uint16_t port, char *text);
const char *prefix_format(const struct ip_prefix *p, char *text);
