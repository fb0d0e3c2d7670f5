// SPDX-License-Identifier: Apache-2.0

// Reading of DHCPv6 messages (dhcp6.h). An option that is there twice where once is right makes a
// message malformed, as does one that does not fit; options that say nothing here are passed over.

#include "dhcp6.h"
#include "dhcp6_options.h"

#include "contract/view.h"

#include <errno.h>
#include <string.h>

static int parse_duid(struct view v, uint8_t duid[DHCP6_DUID], uint16_t *length)
{
	size_t n = view_left(&v);

	// The type takes two bytes, and something follows it.
	if (*length || n < 3 || n > DHCP6_DUID)
		return -EINVAL;
	view_copy(&v, duid, n);
	*length = (uint16_t)n;
	return 0;
}

static int parse_requests(struct view v, struct dhcp6_message *out)
{
	if (view_left(&v) % 2)
		return -EINVAL;
	while (view_left(&v)) {
		uint16_t code = view_u16(&v);

		out->asks_dns |= code == DHCP6_OPTION_DNS;
		out->asks_domain |= code == DHCP6_OPTION_DOMAIN;
		out->asks_refresh |= code == DHCP6_OPTION_REFRESH;
	}
	return 0;
}

static void clear_host_bits(struct ip_prefix *p)
{
	for (unsigned bit = p->length; bit < 128; bit++)
		p->address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static int parse_address(struct view v, struct dhcp6_lease *out)
{
	const uint8_t *address = view_take(&v, 16);

	out->preferred_s = view_u32(&v);
	out->valid_s = view_u32(&v);
	if (v.failed)
		return -EINVAL;
	out->prefix = (struct ip_prefix){.address = address_v6(address), .length = 128};
	return 0;
}

static int parse_prefix(struct view v, struct dhcp6_lease *out)
{
	const uint8_t *address;

	out->preferred_s = view_u32(&v);
	out->valid_s = view_u32(&v);
	out->prefix.length = view_u8(&v);
	address = view_take(&v, 16);
	if (v.failed || out->prefix.length > 128)
		return -EINVAL;
	out->prefix.address = address_v6(address);
	clear_host_bits(&out->prefix);
	return 0;
}

static int parse_leases(struct view v, struct dhcp6_ia *ia)
{
	uint16_t wanted = ia->kind == DHCP6_PD ? DHCP6_OPTION_PREFIX : DHCP6_OPTION_ADDRESS;

	while (view_left(&v)) {
		uint16_t code = view_u16(&v);
		struct view body = view_sub(&v, view_u16(&v));
		struct dhcp6_lease lease = {0};
		int error;

		if (v.failed)
			return -EINVAL;
		if (code != wanted)
			continue;
		error = wanted == DHCP6_OPTION_PREFIX ? parse_prefix(body, &lease)
						      : parse_address(body, &lease);
		if (error)
			return error;
		if (ia->lease_count < DHCP6_LEASES)
			ia->leases[ia->lease_count++] = lease;
	}
	return 0;
}

static int parse_ia(uint16_t kind, struct view v, struct dhcp6_message *out)
{
	struct dhcp6_ia ia = {.kind = kind, .iaid = view_u32(&v)};
	int error;

	if (kind != DHCP6_TA)
		view_skip(&v, 8); // T1 and T2 are ours to say
	if (v.failed)
		return -EINVAL;
	error = parse_leases(v, &ia);
	if (error == 0 && out->ia_count < DHCP6_IAS)
		out->ias[out->ia_count++] = ia;
	return error;
}

static int parse_option(uint16_t code, struct view v, struct dhcp6_message *out)
{
	switch (code) {
	case DHCP6_OPTION_CLIENT:
		return parse_duid(v, out->client, &out->client_length);
	case DHCP6_OPTION_SERVER:
		return parse_duid(v, out->server, &out->server_length);
	case DHCP6_OPTION_REQUESTS:
		return parse_requests(v, out);
	case DHCP6_OPTION_RAPID_COMMIT:
		out->rapid_commit = true;
		return 0;
	case DHCP6_NA:
	case DHCP6_TA:
	case DHCP6_PD:
		return parse_ia(code, v, out);
	default:
		return 0;
	}
}

static bool of_client(uint8_t type)
{
	return type == DHCP6_INFORMATION_REQUEST ||
	       (type >= DHCP6_SOLICIT && type <= DHCP6_DECLINE && type != DHCP6_ADVERTISE &&
		       type != DHCP6_REPLY);
}

int dhcp6_parse(const uint8_t *message, size_t length, struct dhcp6_message *out)
{
	struct view v = view_of(message, length);
	uint32_t first = view_u32(&v);

	*out = (struct dhcp6_message){.type = first >> 24, .transaction = first & 0xffffff};
	if (v.failed)
		return -EINVAL;
	if (!of_client(out->type))
		return -EOPNOTSUPP;
	while (view_left(&v)) {
		uint16_t code = view_u16(&v);
		struct view body = view_sub(&v, view_u16(&v));
		int error = v.failed ? -EINVAL : parse_option(code, body, out);

		if (error)
			return error;
	}
	return 0;
}
