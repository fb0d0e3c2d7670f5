// SPDX-License-Identifier: Apache-2.0

// See dhcp4.h. Options that lie in the sname and file fields (option overload) are not looked at:
// what a client asks for is short.
//
// Routes go through 0.0.0.0, which says that they are on link (RFC 3442): on a point-to-point link
// that is the client's own end, and Windows and Linux route into the interface that the answer came
// in by.

#include "dhcp4.h"

#include "contract/build.h"
#include "contract/view.h"

#include <errno.h>
#include <string.h>

enum {
	REQUEST = 1, // op
	REPLY = 2,
	NAMES = 64 + 128, // bytes of sname and file
	COOKIE = 0x63825363,
	SIZE_MIN = 576 - 28, // bytes of a message that every client takes
	BODY_MOST = 255,     // of one option; what is longer follows in another (RFC 3396)
	ROUTES_MOST = 64 * (1 + 4 + 4), // bytes

	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_DNS = 6,
	OPTION_DOMAIN = 15,
	OPTION_WINS = 44,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_LIST = 55,
	OPTION_SIZE = 57,
	OPTION_ROUTES = 121,
	OPTION_ROUTES_MICROSOFT = 249,
	OPTION_END = 255,
};

static int parse_option(uint8_t code, struct view v, struct dhcp4_message *out)
{
	switch (code) {
	case OPTION_TYPE:
		if (view_left(&v) != 1)
			return -EINVAL;
		out->type = view_u8(&v);
		break;
	case OPTION_LIST:
		out->has_list = true;
		while (view_left(&v))
			out->wants[view_u8(&v)] = true;
		break;
	case OPTION_SIZE:
		if (view_left(&v) != 2)
			return -EINVAL;
		out->size_most = view_u16(&v);
		break;
	}
	return 0;
}

static int parse_options(struct view v, struct dhcp4_message *out)
{
	while (view_left(&v)) {
		uint8_t code = view_u8(&v);
		struct view body;
		int error;

		if (code == OPTION_PAD)
			continue;
		if (code == OPTION_END)
			break;
		body = view_sub(&v, view_u8(&v));
		error = v.failed ? -EINVAL : parse_option(code, body, out);
		if (error)
			return error;
	}
	return 0;
}

int dhcp4_parse(const uint8_t *message, size_t length, struct dhcp4_message *out)
{
	struct view v = view_of(message, length);
	uint8_t client[4], op = view_u8(&v);

	*out = (struct dhcp4_message){.hardware_type = view_u8(&v)};
	out->hardware_length = view_u8(&v);
	view_skip(&v, 1); // hops
	out->transaction = view_u32(&v);
	out->seconds = view_u16(&v);
	out->flags = view_u16(&v);
	view_copy(&v, client, sizeof(client));
	view_skip(&v, 12); // yiaddr, siaddr, giaddr
	view_copy(&v, out->hardware, sizeof(out->hardware));
	view_skip(&v, NAMES);
	if (view_u32(&v) != COOKIE || v.failed || op != REQUEST ||
		out->hardware_length > sizeof(out->hardware))
		return -EINVAL;
	out->client = address_v4(client);
	out->size_most = SIZE_MIN;
	if (parse_options(v, out))
		return -EINVAL;
	// The option counts the IP and UDP headers too, and says 576 at least (RFC 2132 9.10).
	if (out->size_most != SIZE_MIN)
		out->size_most = out->size_most < SIZE_MIN + 28 ? SIZE_MIN : out->size_most - 28;
	return 0;
}

const char *dhcp4_word(uint8_t type)
{
	static const char *const words[] = {"bootp", "discover", "offer", "request", "decline",
		"ack", "nak", "release", "inform"};

	return type < sizeof(words) / sizeof(words[0]) ? words[type] : "unknown";
}

// ---- the answer

struct answer {
	struct build b;
	const struct dhcp4_message *m;
	bool left_out;
};

// An option in as many parts as it takes; what has no room before the end option is left out.
static void put(struct answer *a, uint8_t code, const uint8_t *bytes, size_t length)
{
	size_t parts = length ? (length + BODY_MOST - 1) / BODY_MOST : 0;

	if (length == 0)
		return;
	if (build_length(&a->b) + length + 2 * parts + 1 > a->b.size) {
		a->left_out = true;
		return;
	}
	while (length) {
		size_t part = length < BODY_MOST ? length : BODY_MOST;

		build_u8(&a->b, code);
		build_u8(&a->b, (uint8_t)part);
		build_bytes(&a->b, bytes, part);
		bytes += part;
		length -= part;
	}
}

static bool wants(const struct answer *a, uint8_t code)
{
	return a->m->has_list ? a->m->wants[code] : code != OPTION_ROUTES_MICROSOFT;
}

static void put_addresses(struct answer *a, uint8_t code, const struct ip_address list[2])
{
	uint8_t bytes[8];
	size_t length = 0;

	for (int i = 0; i < 2; i++) {
		if (list[i].version != IP_V4)
			continue;
		memcpy(bytes + length, list[i].bytes, 4);
		length += 4;
	}
	if (wants(a, code))
		put(a, code, bytes, length);
}

// RFC 3442: of each route its length, as many bytes of it as that takes, and the router.
static size_t routes_encode(const struct dhcp4_server *s, uint8_t out[ROUTES_MOST])
{
	struct build b = build_in(out, ROUTES_MOST);

	for (uint16_t i = 0; i < s->route_count; i++) {
		const struct ip_prefix *p = &s->routes[i];

		if (p->address.version != IP_V4 || p->length > 32)
			continue;
		build_u8(&b, p->length);
		build_bytes(&b, p->address.bytes, (p->length + 7U) / 8);
		build_u32(&b, 0);
	}
	return build_length(&b);
}

static void put_head(struct build *b, const struct dhcp4_message *m)
{
	build_u8(b, REPLY);
	build_u8(b, m->hardware_type);
	build_u8(b, m->hardware_length);
	build_u8(b, 0);
	build_u32(b, m->transaction);
	build_u16(b, 0);
	build_u16(b, m->flags);
	build_bytes(b, m->client.bytes, 4);
	build_zero(b, 12); // yiaddr stays 0, and there is neither another server nor a relay
	build_bytes(b, m->hardware, sizeof(m->hardware));
	build_zero(b, NAMES);
	build_u32(b, COOKIE);
}

size_t dhcp4_answer(const struct dhcp4_message *m, const struct dhcp4_server *server, uint8_t *out,
	size_t size, bool *left_out)
{
	static const uint8_t mask[4] = {255, 255, 255, 255}, ack = DHCP4_ACK;
	struct answer a = {.m = m, .b = build_in(out, m->size_most < size ? m->size_most : size)};
	uint8_t routes[ROUTES_MOST];
	size_t routes_length = routes_encode(server, routes);

	put_head(&a.b, m);
	put(&a, OPTION_TYPE, &ack, 1);
	put(&a, OPTION_SERVER, server->us.bytes, 4);
	if (wants(&a, OPTION_MASK))
		put(&a, OPTION_MASK, mask, sizeof(mask));
	put_addresses(&a, OPTION_DNS, server->dns);
	if (wants(&a, OPTION_DOMAIN))
		put(&a, OPTION_DOMAIN, (const uint8_t *)server->domain,
			strnlen(server->domain, BODY_MOST));
	put_addresses(&a, OPTION_WINS, server->wins);
	if (wants(&a, OPTION_ROUTES))
		put(&a, OPTION_ROUTES, routes, routes_length);
	if (wants(&a, OPTION_ROUTES_MICROSOFT))
		put(&a, OPTION_ROUTES_MICROSOFT, routes, routes_length);
	build_u8(&a.b, OPTION_END);
	*left_out = a.left_out;
	return a.b.failed ? 0 : build_length(&a.b);
}
