// SPDX-License-Identifier: Apache-2.0
#pragma once

// RADIUS packets as they are on the wire (RFC 2865, RFC 2866, RFC 2869, RFC 5176): reading, writing
// and proving. Pure: bytes in, struct or error out. Numbers are in host byte order in the structs.

#include "contract/address.h"
#include "contract/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RADIUS_HEADER = 20,
	RADIUS_PACKET = 4096, // bytes at most (RFC 2865 section 3)
	RADIUS_AUTHENTICATOR = 16,
	RADIUS_VALUE = 253, // bytes of an attribute's value at most
};

enum radius_code {
	RADIUS_ACCESS_REQUEST = 1,
	RADIUS_ACCESS_ACCEPT = 2,
	RADIUS_ACCESS_REJECT = 3,
	RADIUS_ACCOUNTING_REQUEST = 4,
	RADIUS_ACCOUNTING_RESPONSE = 5,
	RADIUS_ACCESS_CHALLENGE = 11,
	RADIUS_STATUS_SERVER = 12,
	RADIUS_DISCONNECT_REQUEST = 40,
	RADIUS_DISCONNECT_ACK = 41,
	RADIUS_DISCONNECT_NAK = 42,
	RADIUS_COA_REQUEST = 43,
	RADIUS_COA_ACK = 44,
	RADIUS_COA_NAK = 45,
};

// ---- reading

struct radius_packet {
	uint8_t code, id;
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	const uint8_t *bytes; // the whole packet, as long as its length field says
	size_t length;
};

// -EBADMSG: shorter than its header or its length field, longer than RADIUS_PACKET, or an attribute
// whose length is below 2 or passes the end. Bytes behind the length field are ignored (RFC 2865
// section 3). Vendor-Specific attributes that are broken inside are no error here: see
// radius_next.
int radius_parse(const uint8_t *bytes, size_t length, struct radius_packet *out);

// One attribute. Those of vendors in the form that RFC 2865 section 5.26 recommends come one by
// one, with vendor != 0; of a broken or other form whole, with type 26 and vendor 0.
struct radius_attribute {
	uint32_t vendor;
	uint16_t type;
	const uint8_t *value;
	size_t length; // 0 to RADIUS_VALUE
};
struct radius_cursor {
	size_t at, vendor_end;
	uint32_t vendor;
};
// From a cursor of zeros on; false at the end.
bool radius_next(const struct radius_packet *packet, struct radius_cursor *cursor,
	struct radius_attribute *out);
// The first one of RFC 2865's own space; false when there is none.
bool radius_find(const struct radius_packet *packet, uint8_t type, struct radius_attribute *out);

// What a reply or a request is proven with.
struct radius_secret {
	const char *secret;
	uint16_t length;
};

enum radius_proof {
	RADIUS_PROVEN = 0,
	RADIUS_WRONG_AUTHENTICATOR,
	RADIUS_WRONG_MESSAGE_AUTHENTICATOR,
	RADIUS_NO_MESSAGE_AUTHENTICATOR, // and it is required
};
// A reply: Response Authenticator and Message-Authenticator over the request's authenticator. It is
// required where must is true, and always with EAP-Message (RFC 3579 section 3.1).
enum radius_proof radius_prove_reply(const struct radius_packet *reply,
	const uint8_t request[RADIUS_AUTHENTICATOR], const struct radius_secret *secret, bool must);
// A CoA-Request, Disconnect-Request or Accounting-Request (RFC 5176 section 2.3, RFC 2866 section
// 3); its Message-Authenticator is checked where there is one, and required where must is true.
enum radius_proof radius_prove_request(
	const struct radius_packet *request, const struct radius_secret *secret, bool must);

// A salted attribute (RFC 2548 section 2.4.2, RFC 2868 section 3.5): value is salt and ciphertext.
// Returns the length of the clear text, at most size, or -EBADMSG.
int radius_reveal(const uint8_t *value, size_t length, const uint8_t request[RADIUS_AUTHENTICATOR],
	const struct radius_secret *secret, uint8_t *out, size_t size);

// ---- writing

// A packet in the making. What does not fit is not written, and radius_finish says so.
struct radius_build {
	uint8_t bytes[RADIUS_PACKET];
	size_t length;
	size_t proof; // where the Message-Authenticator is, 0 = there is none
	bool full;
	struct radius_secret secret;
};

// Header, random authenticator where the code has one (an Access-Request and Status-Server), and
// the Message-Authenticator before all else in all but accounting. -EIO without random numbers.
int radius_begin(struct radius_build *b, uint8_t code, const struct radius_secret *secret);
// Values longer than RADIUS_VALUE are cut, but those of radius_put_eap, which takes several
// attributes (RFC 3579 section 3.1).
void radius_put(struct radius_build *b, uint8_t type, const void *value, size_t length);
// Attributes as they stand in a packet, one after the other.
void radius_put_all(struct radius_build *b, const uint8_t *attributes, size_t length);
void radius_put_u32(struct radius_build *b, uint8_t type, uint32_t value);
void radius_put_text(struct radius_build *b, uint8_t type, const char *text); // nothing when empty
void radius_put_ip4(struct radius_build *b, uint8_t type, const struct ip_address *address);
void radius_put_ip6(struct radius_build *b, uint8_t type, const struct ip_address *address);
// RFC 3162 section 2.3: reserved byte, length, bytes.
void radius_put_prefix6(struct radius_build *b, uint8_t type, const struct ip_prefix *prefix);
void radius_put_vendor(
	struct radius_build *b, uint32_t vendor, uint8_t type, const void *value, size_t length);
void radius_put_eap(struct radius_build *b, const uint8_t *packet, size_t length);
// User-Password, hidden (RFC 2865 section 5.2); more than 128 bytes do not fit.
void radius_put_password(struct radius_build *b, const uint8_t *password, size_t length);
// Writes id, lengths and proofs; for answers request is the authenticator of what is answered, else
// NULL. Returns the length of the packet; -E2BIG when something did not fit. The bytes may be sent
// again as they are.
int radius_finish(struct radius_build *b, uint8_t id, const uint8_t *request);
// The authenticator of the finished request, which replies are proven with.
const uint8_t *radius_authenticator(const struct radius_build *b);
