// SPDX-License-Identifier: Apache-2.0

#include "coa_request.h"

#include "attribute.h"
#include "types.h"

#include <string.h>

enum { SERVICE_AUTHORIZE_ONLY = 17 };

static void take_text(struct coa_request *r, const struct radius_attribute *a, char *out)
{
	if (attribute_text(a, out) < 0)
		r->error = ERROR_INVALID_VALUE;
}

static void take_number(struct coa_request *r, const struct radius_attribute *a, uint32_t *out)
{
	if (attribute_number(a, out) < 0)
		r->error = ERROR_INVALID_VALUE;
}

static void take_address(struct coa_request *r, const struct radius_attribute *a,
	enum ip_version version, struct ip_address *out)
{
	if (attribute_address(a, version, out) < 0)
		r->error = ERROR_INVALID_VALUE;
}

static void take_prefix(struct coa_request *r, const struct radius_attribute *a)
{
	if (attribute_prefix6(a, &r->match.prefix6) < 0)
		r->error = ERROR_INVALID_VALUE;
}

// ---- is it for us?

static bool is_identifier(const struct config *config, const struct radius_attribute *a)
{
	const char *ours = *config->radius.nas_identifier ? config->radius.nas_identifier
							  : config->l2tp.host_name;

	return a->length == strlen(ours) && memcmp(a->value, ours, a->length) == 0;
}

// One that the config does not name may be any of ours.
static bool is_nas_address(const struct config *config, const struct radius_attribute *a)
{
	const struct ip_address *ours = &config->radius.nas_address;
	size_t length = ours->version == IP_V4 ? 4 : 16;

	if (ours->version == IP_NONE)
		return true;
	return a->length == length && memcmp(a->value, ours->bytes, length) == 0;
}

// ---- one attribute

// Who is meant. False: it says nothing of that.
static bool take_session(struct coa_request *r, const struct radius_attribute *a)
{
	switch (a->type) {
	case RADIUS_ACCT_SESSION_ID:
		take_text(r, a, r->session_id);
		return true;
	case RADIUS_USER_NAME:
		take_text(r, a, r->user);
		return true;
	case RADIUS_CALLING_STATION_ID:
		take_text(r, a, r->calling);
		return true;
	case RADIUS_CALLED_STATION_ID:
		take_text(r, a, r->called);
		return true;
	case RADIUS_FRAMED_IP_ADDRESS:
		take_address(r, a, IP_V4, &r->match.address);
		return true;
	case RADIUS_FRAMED_IPV6_ADDRESS:
		take_address(r, a, IP_V6, &r->match.address6);
		return true;
	case RADIUS_FRAMED_INTERFACE_ID:
	case RADIUS_ACCT_MULTI_SESSION_ID:
		r->error = ERROR_UNSUPPORTED_ATTRIBUTE;
		return true;
	case RADIUS_FRAMED_IPV6_PREFIX:
		take_prefix(r, a);
		return true;
	case RADIUS_NAS_PORT:
		r->match.has_port = true;
		take_number(r, a, &r->match.port);
		return true;
	default:
		return false;
	}
}

// The NAS, and what RADIUS itself needs. False: it is neither.
static bool take_rest(
	const struct config *config, struct coa_request *r, const struct radius_attribute *a)
{
	uint32_t service = 0;

	switch (a->type) {
	case RADIUS_NAS_IDENTIFIER:
		if (!is_identifier(config, a))
			r->error = ERROR_NAS_MISMATCH;
		return true;
	case RADIUS_NAS_IP_ADDRESS:
	case RADIUS_NAS_IPV6_ADDRESS:
		if (!is_nas_address(config, a))
			r->error = ERROR_NAS_MISMATCH;
		return true;
	case RADIUS_EVENT_TIMESTAMP:
		r->has_timestamp = true;
		take_number(r, a, &r->timestamp);
		return true;
	case RADIUS_SERVICE_TYPE:
		take_number(r, a, &service);
		if (service == SERVICE_AUTHORIZE_ONLY)
			r->error = ERROR_UNSUPPORTED_SERVICE;
		return true;
	case RADIUS_MESSAGE_AUTHENTICATOR:
	case RADIUS_PROXY_STATE:
	case RADIUS_STATE:
		return true;
	default:
		return false;
	}
}

// As it stands in the packet: of a vendor's the part that it is.
static void keep(struct coa_request *r, const struct radius_attribute *a)
{
	size_t head = a->vendor ? 8 : 2;
	uint8_t *to = r->bytes + r->change.length;

	if (r->change.length + head + a->length > sizeof(r->bytes) ||
		head + a->length > UINT8_MAX) {
		r->error = ERROR_RESOURCES;
		return;
	}
	if (a->vendor) {
		const uint8_t vsa[] = {RADIUS_VENDOR_SPECIFIC, (uint8_t)(head + a->length),
			(uint8_t)(a->vendor >> 24), (uint8_t)(a->vendor >> 16),
			(uint8_t)(a->vendor >> 8), (uint8_t)a->vendor, (uint8_t)a->type,
			(uint8_t)(2 + a->length)};

		memcpy(to, vsa, sizeof(vsa));
	} else {
		to[0] = (uint8_t)a->type;
		to[1] = (uint8_t)(head + a->length);
	}
	memcpy(to + head, a->value, a->length);
	r->change.length += head + a->length;
}

static bool names_nobody(const struct coa_match *m)
{
	return !*m->session_id && !*m->user && !*m->calling && !*m->called &&
	       m->address.version == IP_NONE && m->address6.version == IP_NONE &&
	       m->prefix6.address.version == IP_NONE && !m->has_port;
}

void coa_request_read(
	const struct config *config, const struct radius_packet *packet, struct coa_request *out)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;

	memset(out, 0, sizeof(*out));
	out->match.session_id = out->session_id;
	out->match.user = out->user;
	out->match.calling = out->calling;
	out->match.called = out->called;
	memcpy(out->bytes, packet->bytes, RADIUS_HEADER);
	out->change = (struct radius_packet){.code = packet->code,
		.id = packet->id,
		.bytes = out->bytes,
		.length = RADIUS_HEADER};
	while (out->error == ERROR_NONE && radius_next(packet, &cursor, &a))
		if (a.vendor || (!take_session(out, &a) && !take_rest(config, out, &a)))
			keep(out, &a);
	if (out->error != ERROR_NONE)
		return;
	if (names_nobody(&out->match))
		out->error = ERROR_MISSING_ATTRIBUTE;
	else if (packet->code == RADIUS_DISCONNECT_REQUEST && out->change.length > RADIUS_HEADER)
		out->error = ERROR_UNSUPPORTED_ATTRIBUTE;
	else if (packet->code == RADIUS_COA_REQUEST && out->change.length == RADIUS_HEADER)
		out->error = ERROR_MISSING_ATTRIBUTE;
}
