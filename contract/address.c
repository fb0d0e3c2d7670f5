// SPDX-License-Identifier: Apache-2.0

#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ip_address address_v4(const uint8_t bytes[4])
{
	struct ip_address a = {.version = IP_V4};

	memcpy(a.bytes, bytes, 4);
	return a;
}

struct ip_address address_v6(const uint8_t bytes[16])
{
	struct ip_address a = {.version = IP_V6};

	memcpy(a.bytes, bytes, 16);
	return a;
}

uint32_t address_to_u32(const struct ip_address *a)
{
	if (a->version != IP_V4)
		return 0;
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
	       (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

struct ip_address address_from_u32(uint32_t v)
{
	return address_v4((const uint8_t[4]){v >> 24, v >> 16, v >> 8, v});
}

bool address_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

// The mask of byte number i of a prefix of so many bits.
static uint8_t mask_byte(unsigned length, unsigned i)
{
	if (length >= 8 * (i + 1))
		return 0xff;
	if (length <= 8 * i)
		return 0;
	return (uint8_t)(0xff00 >> (length - 8 * i));
}

bool prefix_contains(const struct ip_prefix *p, const struct ip_address *a)
{
	if (p->address.version != a->version)
		return false;
	for (unsigned i = 0; i < sizeof(a->bytes); i++)
		if ((p->address.bytes[i] ^ a->bytes[i]) & mask_byte(p->length, i))
			return false;
	return true;
}

int address_parse(const char *text, struct ip_address *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, a->bytes) == 1)
		a->version = IP_V4;
	else if (inet_pton(AF_INET6, text, a->bytes) == 1)
		a->version = IP_V6;
	else
		return -EINVAL;
	return 0;
}

// The number behind the slash: digits alone, at most max. Returns it, or -EINVAL.
static int parse_length(const char *text, int max)
{
	char *end;
	long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	n = strtol(text, &end, 10);
	if (*end != '\0' || n > max)
		return -EINVAL;
	return (int)n;
}

int prefix_parse(const char *text, struct ip_prefix *p, struct ip_address *host)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[ADDRESS_TEXT];
	int length;

	memset(p, 0, sizeof(*p));
	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	if (address_parse(address, &p->address) < 0)
		return -EINVAL;
	length = p->address.version == IP_V4 ? 32 : 128;
	if (slash)
		length = parse_length(slash + 1, length);
	if (length < 0)
		return length;
	p->length = (uint8_t)length;
	if (host)
		*host = p->address;
	for (unsigned i = 0; i < sizeof(p->address.bytes); i++) {
		if (!host && (p->address.bytes[i] & ~mask_byte(p->length, i)))
			return -EINVAL;
		p->address.bytes[i] &= mask_byte(p->length, i);
	}
	return 0;
}

const char *address_format(const struct ip_address *a, char *text)
{
	int family = a->version == IP_V4 ? AF_INET : AF_INET6;

	if (a->version == IP_NONE || !inet_ntop(family, a->bytes, text, ADDRESS_TEXT))
		snprintf(text, ADDRESS_TEXT, "none");
	return text;
}

const char *address_port_format(const struct ip_address *a, uint16_t port, char *text)
{
	char address[ADDRESS_TEXT];

	address_format(a, address);
	snprintf(
		text, ADDRESS_TEXT, a->version == IP_V6 ? "[%.45s]:%u" : "%.45s:%u", address, port);
	return text;
}

const char *prefix_format(const struct ip_prefix *p, char *text)
{
	char address[ADDRESS_TEXT];

	address_format(&p->address, address);
	snprintf(text, ADDRESS_TEXT, "%.45s/%u", address, p->length);
	return text;
}
