// SPDX-License-Identifier: Apache-2.0
#pragma once

// ISAKMP messages on the wire (RFC 2408 section 3, RFC 2407 section 4.6): parse and build.
// Pure: bytes in, struct or error out. What is parsed points into the caller's bytes; numbers are
// in host byte order. Reserved bytes are ignored: native clients do not keep them 0.

#include "contract/address.h"
#include "contract/build.h"
#include "contract/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ISAKMP_HEADER = 28,   // bytes (section 3.1)
	ISAKMP_COOKIE = 8,    // bytes
	ISAKMP_PAYLOAD = 4,   // bytes of the generic header (section 3.2)
	ISAKMP_VERSION = 16,  // 1.0
	ISAKMP_PAYLOADS = 40, // of one message; a native client sends up to 15
	ISAKMP_PROPOSALS = 24,
	ISAKMP_TRANSFORMS = 96, // of one message, all proposals together
	ISAKMP_SPI = 16,        // bytes of the longest SPI
	ISAKMP_DOI_IPSEC = 1,
	ISAKMP_SITUATION_IDENTITY = 1,
};

enum isakmp_payload {
	ISAKMP_END = 0,
	ISAKMP_SA = 1,
	ISAKMP_PROPOSAL = 2,
	ISAKMP_TRANSFORM = 3,
	ISAKMP_KE = 4,
	ISAKMP_ID = 5,
	ISAKMP_CERT = 6,
	ISAKMP_CERTREQ = 7,
	ISAKMP_HASH = 8,
	ISAKMP_SIG = 9,
	ISAKMP_NONCE = 10,
	ISAKMP_NOTIFY = 11,
	ISAKMP_DELETE = 12,
	ISAKMP_VENDOR = 13,
	ISAKMP_NAT_D = 20, // RFC 3947 section 3.2
	ISAKMP_NAT_OA = 21,
	ISAKMP_NAT_D_DRAFT = 130, // drafts 02 and 03
	ISAKMP_NAT_OA_DRAFT = 131,
	ISAKMP_FRAGMENT = 132, // MS-IKEE section 2.2.1
};

enum isakmp_exchange {
	ISAKMP_MAIN = 2,
	ISAKMP_AGGRESSIVE = 4,
	ISAKMP_INFORMATIONAL = 5,
	ISAKMP_TRANSACTION = 6,
	ISAKMP_QUICK = 32,
};

enum isakmp_flag {
	ISAKMP_ENCRYPTED = 1,
	ISAKMP_COMMIT = 2,
	ISAKMP_AUTH_ONLY = 4,
};

enum isakmp_protocol {
	ISAKMP_PROTO_ISAKMP = 1,
	ISAKMP_PROTO_AH = 2,
	ISAKMP_PROTO_ESP = 3,
};

enum isakmp_notify {
	NOTIFY_NO_PROPOSAL_CHOSEN = 14,
	NOTIFY_PAYLOAD_MALFORMED = 16,
	NOTIFY_INVALID_ID_INFORMATION = 18,
	NOTIFY_AUTHENTICATION_FAILED = 24,
	NOTIFY_ERRORS_END = 16384, // below: an error; from here on: a status
	NOTIFY_CONNECTED = 16384,
	NOTIFY_RESPONDER_LIFETIME = 24576,
	NOTIFY_INITIAL_CONTACT = 24578,
	NOTIFY_R_U_THERE = 36136, // RFC 3706 section 5.4
	NOTIFY_R_U_THERE_ACK = 36137,
};

enum isakmp_id {
	ID_IPV4_ADDR = 1,
	ID_FQDN = 2,
	ID_USER_FQDN = 3,
	ID_IPV4_SUBNET = 4,
	ID_IPV6_ADDR = 5,
	ID_IPV6_SUBNET = 6,
	ID_DER_DN = 9,
	ID_DER_GN = 10,
	ID_KEY_ID = 11,
};

struct isakmp_header {
	uint8_t initiator[ISAKMP_COOKIE];
	uint8_t responder[ISAKMP_COOKIE];
	uint8_t next;     // type of the first payload
	uint8_t version;  // major in the high four bits
	uint8_t exchange; // enum isakmp_exchange
	uint8_t flags;    // enum isakmp_flag
	uint32_t message_id;
	uint32_t length; // of the whole message
};

// Bytes of the message that was parsed.
struct span {
	const uint8_t *at;
	size_t length;
};
#define SPAN(bytes, n) ((struct span){.at = (bytes), .length = (n)})

static inline struct view span_view(struct span s)
{
	return view_of(s.at, s.length);
}

// What is left of a view.
static inline struct span span_rest(const struct view *v)
{
	return SPAN(v->at, view_left(v));
}

// The next n bytes; none when there are fewer, and the view has failed.
static inline struct span span_take(struct view *v, size_t n)
{
	const uint8_t *at = view_take(v, n);

	return SPAN(at, at ? n : 0);
}

struct isakmp_part {
	uint8_t type;
	struct span body; // without the generic header
};

struct isakmp_chain {
	struct isakmp_part parts[ISAKMP_PAYLOADS];
	size_t count;
	const uint8_t *end; // one past the last payload; what follows is padding
};

struct isakmp_transform {
	uint8_t number;
	uint8_t id;
	struct span attributes;
};

struct isakmp_proposal {
	uint8_t number;
	uint8_t protocol; // enum isakmp_protocol
	struct span spi;
	size_t first; // into isakmp_sa.transforms
	size_t count;
};

struct isakmp_sa {
	struct isakmp_proposal proposals[ISAKMP_PROPOSALS];
	size_t proposal_count;
	struct isakmp_transform transforms[ISAKMP_TRANSFORMS];
	size_t transform_count;
};

struct isakmp_attribute {
	uint16_t type;     // without the format bit
	uint64_t value;    // of either form; UINT64_MAX for a longer number
	struct span bytes; // of the variable form; length 0 for the short one
};

struct isakmp_id_body {
	uint8_t type; // enum isakmp_id
	uint8_t protocol;
	uint16_t port;
	struct span data;
};

struct isakmp_notify_body {
	uint8_t protocol;
	uint16_t type; // enum isakmp_notify
	struct span spi;
	struct span data;
};

struct isakmp_delete_body {
	uint8_t protocol;
	uint8_t spi_size;
	uint16_t count;
	struct span spis; // count of spi_size bytes each
};

// All parsers return 0 or -EBADMSG.

// Refuses another length than fits into the message, and a length below the header's own.
int isakmp_header_parse(const void *message, size_t length, struct isakmp_header *out);
// The payloads from bytes on; first is the type of the first. Refuses a payload that passes the
// end and more than ISAKMP_PAYLOADS. Bytes behind the last payload are padding.
int isakmp_chain_parse(uint8_t first, const void *bytes, size_t length, struct isakmp_chain *out);
// The nth payload of the type (0 = first), or NULL.
const struct isakmp_part *isakmp_chain_find(
	const struct isakmp_chain *chain, uint8_t type, size_t nth);
// The body of an SA payload. Refuses another DOI or situation, none or too many proposals and
// transforms, and lengths and counts that contradict each other.
int isakmp_sa_parse(struct span body, struct isakmp_sa *out);
// The next proposal of either version, up to its transforms, which are *transforms; first is left
// alone. *more: another one follows.
int isakmp_proposal_parse(
	struct view *v, struct isakmp_proposal *out, struct view *transforms, bool *more);
// Takes the next attribute off *rest; false at the end or when it passes the end.
bool isakmp_attribute_next(struct span *rest, struct isakmp_attribute *out);
int isakmp_id_parse(struct span body, struct isakmp_id_body *out);
int isakmp_notify_parse(struct span body, struct isakmp_notify_body *out);
int isakmp_delete_parse(struct span body, struct isakmp_delete_body *out);
// RFC 3947 section 5.2: type, three reserved bytes of any value, address. -EBADMSG for others.
int isakmp_nat_oa_parse(struct span body, struct ip_address *address);
// The ID type of an address (RFC 2407 section 4.6.2.1), and its 4 or 16 bytes.
uint8_t isakmp_id_type(const struct ip_address *address);
void isakmp_put_address(struct build *b, const struct ip_address *address);

// Writing: a message under construction. Payloads are opened one after the other and closed;
// the type of each goes into the field "next payload" of the one before.
struct isakmp_out {
	struct build b;
	size_t next_at; // offset of the byte that will name the next payload
	size_t open_at; // offset of the open payload
};

// h->next and h->length are filled in later.
struct isakmp_out isakmp_out_begin(void *buffer, size_t size, const struct isakmp_header *h);
void isakmp_out_open(struct isakmp_out *o, uint8_t type);
void isakmp_out_close(struct isakmp_out *o);
// A whole payload with this body.
void isakmp_out_payload(struct isakmp_out *o, uint8_t type, const void *body, size_t length);
// A notification (RFC 2408 section 3.14) in the IPsec DOI.
void isakmp_out_notify(struct isakmp_out *o, uint8_t protocol, const void *spi, size_t spi_size,
	uint16_t type, const void *data, size_t length);
// A Delete of count SPIs of spi_size bytes each (section 3.15).
void isakmp_out_delete(
	struct isakmp_out *o, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis);
// An SA payload that holds one proposal with one transform, its attributes as they are.
void isakmp_out_sa(struct isakmp_out *o, const struct isakmp_proposal *proposal, const void *spi,
	size_t spi_size, const struct isakmp_transform *transform);
// Writes the length; returns it, or 0 when the message did not fit.
size_t isakmp_out_end(struct isakmp_out *o);
// Appends zeros up to a multiple of block behind the header, without a word to the chain.
void isakmp_out_pad(struct isakmp_out *o, size_t block);
