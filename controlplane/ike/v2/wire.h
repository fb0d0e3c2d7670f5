// SPDX-License-Identifier: Apache-2.0
#pragma once

// IKEv2 messages on the wire (RFC 7296 section 3): parse and build. The header is that of
// controlplane/ike/wire.h, and so is the message under construction (struct isakmp_out), whose
// generic payload header is the same.
// Pure: bytes in, struct or error out. What is parsed points into the caller's bytes; numbers are
// in host byte order. Reserved bytes and bits are ignored and written as 0.

#include "contract/address.h"
#include "controlplane/ike/wire.h"

enum {
	V2_VERSION = 0x20,   // 2.0, for struct isakmp_header
	V2_SPI = 8,          // bytes of an IKE SA's SPI
	V2_PAYLOADS = 64,    // of one message, as many of SK count anew; certificates and CERTREQs
	V2_PROPOSALS = 32,   // of one SA payload; Windows sends up to 18
	V2_TRANSFORMS = 256, // of one SA payload, all proposals together
	V2_SELECTORS = 64,   // of one traffic selector payload
	V2_NONCE_MIN = 16,   // bytes (section 3.9)
	V2_NONCE_MAX = 256,
	V2_KEY_HASH = 20, // bytes of each authority in a CERTREQ payload (section 3.7)
};

enum v2_exchange {
	V2_IKE_SA_INIT = 34,
	V2_IKE_AUTH = 35,
	V2_CREATE_CHILD_SA = 36,
	V2_INFORMATIONAL = 37,
};

enum v2_flag {
	V2_INITIATOR = 0x08,      // from the original initiator of the IKE SA
	V2_HIGHER_VERSION = 0x10, // the sender can speak a higher major version
	V2_RESPONSE = 0x20,
};

enum v2_payload {
	V2_END = 0,
	V2_SA = 33,
	V2_KE = 34,
	V2_ID_I = 35,
	V2_ID_R = 36,
	V2_CERT = 37,
	V2_CERTREQ = 38,
	V2_AUTH = 39,
	V2_NONCE = 40,
	V2_NOTIFY = 41,
	V2_DELETE = 42,
	V2_VENDOR = 43,
	V2_TS_I = 44,
	V2_TS_R = 45,
	V2_SK = 46,
	V2_CP = 47,
	V2_EAP = 48,
	V2_SKF = 53, // RFC 7383 section 2.5
};

enum v2_protocol {
	V2_PROTO_NONE = 0, // of a notification that is about no SA
	V2_PROTO_IKE = 1,
	V2_PROTO_AH = 2,
	V2_PROTO_ESP = 3,
};

enum v2_transform_type {
	V2_ENCR = 1,
	V2_PRF = 2,
	V2_INTEG = 3,
	V2_DH = 4,
	V2_ESN = 5,
};

// Transform ids (section 3.3.2 and the IANA registry); groups are enum ike_group of the config.
enum v2_transform_id {
	V2_ENCR_3DES = 3,
	V2_ENCR_AES_CBC = 12,
	V2_ENCR_AES_GCM_16 = 20,
	V2_ENCR_CHACHA20_POLY1305 = 28,
	V2_PRF_HMAC_MD5 = 1,
	V2_PRF_HMAC_SHA1 = 2,
	V2_PRF_HMAC_SHA256 = 5,
	V2_PRF_HMAC_SHA384 = 6,
	V2_PRF_HMAC_SHA512 = 7,
	V2_INTEG_NONE = 0,
	V2_INTEG_HMAC_MD5_96 = 1,
	V2_INTEG_HMAC_SHA1_96 = 2,
	V2_INTEG_HMAC_SHA256_128 = 12,
	V2_INTEG_HMAC_SHA384_192 = 13,
	V2_INTEG_HMAC_SHA512_256 = 14,
	V2_DH_NONE = 0,
	V2_ESN_NO = 0,
	V2_ESN_YES = 1,
};

enum v2_auth_method {
	V2_AUTH_RSA = 1,
	V2_AUTH_SHARED_KEY = 2, // also with the MSK of EAP
	V2_AUTH_DSS = 3,
	V2_AUTH_ECDSA_256 = 9, // RFC 4754
	V2_AUTH_ECDSA_384 = 10,
	V2_AUTH_ECDSA_521 = 11,
	V2_AUTH_NULL = 13,
	V2_AUTH_DIGITAL = 14, // RFC 7427
};

enum v2_certificate {
	V2_CERT_X509 = 4, // section 3.6: DER, of signatures
	V2_CERT_CRL = 7,
};

enum v2_notify_type {
	V2_UNSUPPORTED_CRITICAL_PAYLOAD = 1, // data: the type, 1 byte
	V2_INVALID_IKE_SPI = 4,
	V2_INVALID_MAJOR_VERSION = 5,
	V2_INVALID_SYNTAX = 7,
	V2_INVALID_MESSAGE_ID = 9,
	V2_INVALID_SPI = 11,
	V2_NO_PROPOSAL_CHOSEN = 14,
	V2_INVALID_KE_PAYLOAD = 17, // data: the group that we want, 2 bytes
	V2_AUTHENTICATION_FAILED = 24,
	V2_SINGLE_PAIR_REQUIRED = 34,
	V2_NO_ADDITIONAL_SAS = 35,
	V2_INTERNAL_ADDRESS_FAILURE = 36,
	V2_FAILED_CP_REQUIRED = 37,
	V2_TS_UNACCEPTABLE = 38,
	V2_INVALID_SELECTORS = 39,
	V2_UNACCEPTABLE_ADDRESSES = 40, // RFC 4555
	V2_UNEXPECTED_NAT_DETECTED = 41,
	V2_TEMPORARY_FAILURE = 43,
	V2_CHILD_SA_NOT_FOUND = 44,
	V2_ERRORS_END = 16384, // below: an error; from here on: a status
	V2_INITIAL_CONTACT = 16384,
	V2_SET_WINDOW_SIZE = 16385,
	V2_ADDITIONAL_TS_POSSIBLE = 16386,
	V2_IPCOMP_SUPPORTED = 16387,
	V2_NAT_DETECTION_SOURCE_IP = 16388,
	V2_NAT_DETECTION_DESTINATION_IP = 16389,
	V2_COOKIE = 16390,
	V2_USE_TRANSPORT_MODE = 16391,
	V2_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
	V2_REKEY_SA = 16393,
	V2_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
	V2_NON_FIRST_FRAGMENTS_ALSO = 16395,
	V2_MOBIKE_SUPPORTED = 16396, // RFC 4555, to NO_NATS_ALLOWED
	V2_ADDITIONAL_IP4_ADDRESS = 16397,
	V2_ADDITIONAL_IP6_ADDRESS = 16398,
	V2_NO_ADDITIONAL_ADDRESSES = 16399,
	V2_UPDATE_SA_ADDRESSES = 16400,
	V2_COOKIE2 = 16401,
	V2_NO_NATS_ALLOWED = 16402,
	V2_AUTH_LIFETIME = 16403,                   // RFC 4478: 4 bytes, seconds
	V2_MULTIPLE_AUTH_SUPPORTED = 16404,         // RFC 4739
	V2_EAP_ONLY_AUTHENTICATION = 16417,         // RFC 5998
	V2_IKEV2_MESSAGE_ID_SYNC_SUPPORTED = 16420, // RFC 6311
	V2_IKEV2_FRAGMENTATION_SUPPORTED = 16430,   // RFC 7383
	V2_SIGNATURE_HASH_ALGORITHMS = 16431,       // RFC 7427: 2 bytes each
	V2_USE_PPK = 16435,                         // RFC 8784, to NO_PPK_AUTH
	V2_PPK_IDENTITY = 16436,                    // data: 1 byte type (2: fixed), the id
	V2_NO_PPK_AUTH = 16437,
};

enum { V2_PPK_ID_FIXED = 2 }; // RFC 8784 section 5.1

enum v2_selector_type {
	V2_TS_IPV4_RANGE = 7,
	V2_TS_IPV6_RANGE = 8,
};

enum v2_cp_type {
	V2_CFG_REQUEST = 1,
	V2_CFG_REPLY = 2,
	V2_CFG_SET = 3,
	V2_CFG_ACK = 4,
};

// Section 3.15.1; the value's shape in brackets: a address, m netmask, l prefix length (1 byte).
enum v2_cp_attribute_type {
	V2_INTERNAL_IP4_ADDRESS = 1, // [a]
	V2_INTERNAL_IP4_NETMASK = 2, // [m]
	V2_INTERNAL_IP4_DNS = 3,     // [a]
	V2_INTERNAL_IP4_NBNS = 4,    // [a]
	V2_INTERNAL_IP4_DHCP = 6,    // [a]
	V2_APPLICATION_VERSION = 7,  // text
	V2_INTERNAL_IP6_ADDRESS = 8, // [a l]
	V2_INTERNAL_IP6_DNS = 10,    // [a]
	V2_INTERNAL_IP6_DHCP = 12,   // [a]
	V2_INTERNAL_IP4_SUBNET = 13, // [a m]
	V2_SUPPORTED_ATTRIBUTES = 14,
	V2_INTERNAL_IP6_SUBNET = 15,   // [a l]
	V2_INTERNAL_DNS_DOMAIN = 25,   // RFC 8598: text
	V2_WINDOWS_IP4_SERVER = 23456, // [a], what Windows asks for; never answered
	V2_WINDOWS_IP6_SERVER = 23457,
};

struct v2_part {
	uint8_t type; // enum v2_payload, or one that we do not know
	uint8_t next; // of SK and SKF: the type of the first payload inside
	bool critical;
	struct span body; // without the generic header
};

struct v2_chain {
	struct v2_part parts[V2_PAYLOADS];
	size_t count;
	// Type of the first payload that is unknown and critical: UNSUPPORTED_CRITICAL_PAYLOAD
	// names it; 0 = none.
	uint8_t unsupported;
};

struct v2_transform {
	uint8_t type;      // enum v2_transform_type
	bool usable;       // false: it has an attribute that we do not know (section 3.3.6)
	uint16_t id;       // enum v2_transform_id or enum ike_group
	uint16_t key_bits; // attribute Key Length; 0 = not given
};

// Of a proposal the protocol is enum v2_protocol, the SPI has up to 255 bytes, and first is into
// transforms.
struct v2_sa {
	struct isakmp_proposal proposals[V2_PROPOSALS];
	size_t proposal_count;
	struct v2_transform transforms[V2_TRANSFORMS];
	size_t transform_count;
};

struct v2_ke {
	uint16_t group; // enum ike_group, or one that we do not know
	struct span value;
};

struct v2_id {
	uint8_t type; // enum isakmp_id: the numbers are the same
	struct span data;
};

struct v2_cert {
	uint8_t encoding; // enum v2_certificate
	struct span data; // of a CERTREQ with X509: V2_KEY_HASH bytes for each authority
};

struct v2_auth {
	uint8_t method; // enum v2_auth_method
	struct span data;
};

struct v2_notify {
	uint8_t protocol; // enum v2_protocol
	uint16_t type;    // enum v2_notify_type
	struct span spi;
	struct span data;
};

struct v2_delete {
	uint8_t protocol;
	uint8_t spi_size; // 0 of the IKE SA itself
	uint16_t count;
	struct span spis; // count of spi_size bytes each
};

// A range of addresses and ports (section 3.13.1); both ends belong to it. All ports: 0 to 65535;
// OPAQUE: 65535 to 0. Of ICMP the port is type and code.
struct v2_selector {
	uint8_t protocol; // of the IP header; 0 = any
	uint16_t port_first, port_last;
	struct ip_address first, last; // of one version
};

struct v2_selectors {
	struct v2_selector list[V2_SELECTORS];
	size_t count;
	size_t unknown; // selectors of types that we do not know, which are left out
};

struct v2_cp {
	uint8_t type; // enum v2_cp_type
	struct span attributes;
};

struct v2_cp_attribute {
	uint16_t type;     // enum v2_cp_attribute_type
	struct span value; // often empty in a request
};

// All parsers return 0 or -EBADMSG.

// The payloads from bytes on; first is the type of the first. Refuses a payload that passes the
// end, more than V2_PAYLOADS, and bytes behind the last payload. SK and SKF end the chain, and what
// they name as next is inside.
int v2_chain_parse(uint8_t first, const void *bytes, size_t length, struct v2_chain *out);
// The nth payload of the type (0 = first), or NULL.
const struct v2_part *v2_chain_find(const struct v2_chain *chain, uint8_t type, size_t nth);
// The first notification of that type in the chain; false when there is none. Malformed ones are
// passed over.
bool v2_chain_notify(const struct v2_chain *chain, uint16_t type, struct v2_notify *out);

// The body of an SA payload. Refuses none or too many proposals and transforms, and lengths and
// counts that contradict each other.
int v2_sa_parse(struct span body, struct v2_sa *out);
int v2_ke_parse(struct span body, struct v2_ke *out);
int v2_id_parse(struct span body, struct v2_id *out);
int v2_cert_parse(struct span body, struct v2_cert *out); // CERT and CERTREQ
int v2_auth_parse(struct span body, struct v2_auth *out);
// The nonce is the whole body: 16 to 256 bytes (section 3.9).
int v2_nonce_parse(struct span body, struct span *out);
int v2_notify_parse(struct span body, struct v2_notify *out);
int v2_delete_parse(struct span body, struct v2_delete *out);
// Refuses a selector with a wrong length, none at all, too many, and a range of addresses that
// ends before it begins.
int v2_selectors_parse(struct span body, struct v2_selectors *out);
int v2_cp_parse(struct span body, struct v2_cp *out); // refuses broken attributes as well
// Takes the next attribute off *rest; false at the end or when it passes the end.
bool v2_cp_next(struct span *rest, struct v2_cp_attribute *out);

// Writing, with isakmp_out_begin (version V2_VERSION), isakmp_out_open and so on. What needs no
// function here is a whole payload by isakmp_out_payload: nonce, vendor id, EAP.

// A proposal for an SA payload; the transforms must be usable ones.
struct v2_proposal_out {
	uint8_t number;   // from 1
	uint8_t protocol; // enum v2_protocol
	struct span spi;
	const struct v2_transform *transforms;
	size_t count;
};

void v2_put_sa(struct isakmp_out *o, const struct v2_proposal_out *proposals, size_t count);
void v2_put_ke(struct isakmp_out *o, uint16_t group, struct span value);
void v2_put_id(struct isakmp_out *o, uint8_t payload, uint8_t type, struct span data);
void v2_put_cert(struct isakmp_out *o, uint8_t payload, uint8_t encoding, struct span data);
void v2_put_auth(struct isakmp_out *o, uint8_t method, struct span data);
void v2_put_notify(
	struct isakmp_out *o, uint8_t protocol, struct span spi, uint16_t type, struct span data);
// The same about no SA.
void v2_put_status(struct isakmp_out *o, uint16_t type, struct span data);
void v2_put_delete(
	struct isakmp_out *o, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis);
void v2_put_selectors(
	struct isakmp_out *o, uint8_t payload, const struct v2_selector *list, size_t count);
// A configuration payload: open, attributes, isakmp_out_close.
void v2_cp_open(struct isakmp_out *o, uint8_t type);
void v2_cp_put(struct isakmp_out *o, uint16_t type, struct span value);
// An address as the value, without a prefix length.
void v2_cp_put_address(struct isakmp_out *o, uint16_t type, const struct ip_address *address);
// An address and its prefix: as netmask of IPv4, as one byte of IPv6 (IP6_ADDRESS and SUBNETs).
void v2_cp_put_prefix(
	struct isakmp_out *o, uint16_t type, const struct ip_address *address, uint8_t length);
