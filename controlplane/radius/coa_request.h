// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a CoA-Request or Disconnect-Request asks for, taken apart. Pure.

#include "coa.h"
#include "wire.h"

// RFC 5176 section 3.5.
enum error_cause {
	ERROR_NONE = 0,
	ERROR_UNSUPPORTED_ATTRIBUTE = 401,
	ERROR_MISSING_ATTRIBUTE = 402,
	ERROR_NAS_MISMATCH = 403,
	ERROR_INVALID_REQUEST = 404,
	ERROR_UNSUPPORTED_SERVICE = 405,
	ERROR_INVALID_VALUE = 407,
	ERROR_SESSION_NOT_FOUND = 503,
	ERROR_RESOURCES = 506,
};

struct coa_request {
	struct coa_match match; // points to texts below
	char session_id[RADIUS_VALUE + 1], user[RADIUS_VALUE + 1], calling[RADIUS_VALUE + 1],
		called[RADIUS_VALUE + 1];
	bool has_timestamp;
	uint32_t timestamp; // seconds since 1970
	// The attributes that are neither NAS, nor session, nor RADIUS's own business: what is to
	// change, as a packet.
	uint8_t bytes[RADIUS_PACKET];
	struct radius_packet change;
	enum error_cause error; // what a NAK has to say, ERROR_NONE: it is in order
};

// packet is proven. A Disconnect-Request with attributes that change something is refused, one
// that names nobody, and one for another NAS than config says that we are.
void coa_request_read(
	const struct config *config, const struct radius_packet *packet, struct coa_request *out);
