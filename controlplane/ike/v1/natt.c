// SPDX-License-Identifier: Apache-2.0

// See natt.h.

#include "natt.h"

#include "controlplane/ike/crypto.h"

enum { DPD_MATCH = 14 }; // bytes of the DPD vendor id before its version (RFC 3706 section 5.1)

static const uint8_t vendor_dpd[VENDOR_ID] = {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b,
	0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};
// The first half of SHA-256("Culvert").
static const uint8_t vendor_culvert[VENDOR_ID] = {0x96, 0x10, 0x89, 0x10, 0x58, 0x7f, 0x13, 0x44,
	0x99, 0xa5, 0x63, 0x6d, 0x17, 0x6f, 0xa2, 0x98};

// The MD5 of "FRAGMENTATION", then flags of 4 bytes, which some leave out and some insist on: it
// is for main mode and the exchanges behind it.
static const uint8_t vendor_fragments[VENDOR_ID + 4] = {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8,
	0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3, 0x80, 0x00, 0x00, 0x00};

// The ids are the MD5 of each document's name.
static const uint8_t vendor_natt[][VENDOR_ID] = {
	[NATT_DRAFT_02] = {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc,
		0x68, 0xb6, 0xa4, 0x48},
	[NATT_DRAFT_02_NEWLINE] = {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81,
		0xb5, 0xec, 0x42, 0x7b, 0x1f},
	[NATT_DRAFT_03] = {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92,
		0x15, 0x52, 0x9d, 0x56},
	[NATT_RFC3947] = {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2,
		0x0e, 0x95, 0x45, 0x2f},
};

static bool natt_enabled(const struct config_ike *config, enum natt natt)
{
	switch (natt) {
	case NATT_DRAFT_02:
	case NATT_DRAFT_02_NEWLINE:
		return config->vendor_nat_t_draft02;
	case NATT_DRAFT_03:
		return config->vendor_nat_t_draft03;
	case NATT_RFC3947:
		return config->vendor_nat_t_rfc3947;
	case NATT_NONE:
		break;
	}
	return false;
}

static void vendor_id_read(const struct config_ike *config, struct span id, struct vendor_ids *ids)
{
	if (id.length == VENDOR_ID && memcmp(id.at, vendor_dpd, DPD_MATCH) == 0)
		ids->dpd = true;
	if (config->fragmentation &&
		(id.length == VENDOR_ID || id.length == sizeof(vendor_fragments)) &&
		memcmp(id.at, vendor_fragments, VENDOR_ID) == 0) {
		ids->fragments = true;
		ids->fragments_flags = id.length > VENDOR_ID;
	}
	for (enum natt n = NATT_DRAFT_02; n <= NATT_RFC3947; n++)
		if (id.length == VENDOR_ID && memcmp(id.at, vendor_natt[n], VENDOR_ID) == 0 &&
			natt_enabled(config, n) && n > ids->natt)
			ids->natt = n;
}

void vendor_ids_read(
	const struct config_ike *config, const struct isakmp_chain *chain, struct vendor_ids *ids)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->parts[i].type == ISAKMP_VENDOR)
			vendor_id_read(config, chain->parts[i].body, ids);
}

void vendor_ids_write(
	const struct config_ike *config, const struct vendor_ids *ids, struct isakmp_out *out)
{
	if (ids->natt != NATT_NONE)
		isakmp_out_payload(out, ISAKMP_VENDOR, vendor_natt[ids->natt], VENDOR_ID);
	if (config->vendor_dpd)
		isakmp_out_payload(out, ISAKMP_VENDOR, vendor_dpd, VENDOR_ID);
	if (ids->fragments)
		isakmp_out_payload(out, ISAKMP_VENDOR, vendor_fragments,
			ids->fragments_flags ? sizeof(vendor_fragments) : VENDOR_ID);
	if (config->vendor_culvert)
		isakmp_out_payload(out, ISAKMP_VENDOR, vendor_culvert, VENDOR_ID);
}

uint8_t natt_payload_d(enum natt natt)
{
	return natt == NATT_RFC3947 ? ISAKMP_NAT_D : ISAKMP_NAT_D_DRAFT;
}

uint8_t natt_payload_oa(enum natt natt)
{
	return natt == NATT_RFC3947 ? ISAKMP_NAT_OA : ISAKMP_NAT_OA_DRAFT;
}

const char *natt_word(enum natt natt)
{
	static const char *const words[] = {[NATT_NONE] = "none",
		[NATT_DRAFT_02] = "draft-02",
		[NATT_DRAFT_02_NEWLINE] = "draft-02",
		[NATT_DRAFT_03] = "draft-03",
		[NATT_RFC3947] = "rfc3947"};

	return words[natt];
}

size_t natt_hash(unsigned hash, const uint8_t *cookie_i, const uint8_t *cookie_r,
	const struct ip_address *address, uint16_t port, uint8_t *out)
{
	uint8_t p[2] = {port >> 8, port & 0xff};
	const struct span parts[] = {SPAN(cookie_i, ISAKMP_COOKIE), SPAN(cookie_r, ISAKMP_COOKIE),
		SPAN(address->bytes, address->version == IP_V6 ? 16 : 4), SPAN(p, 2)};

	return ike_digest(hash, parts, 4, out) ? 0 : ike_hash_size(hash);
}
