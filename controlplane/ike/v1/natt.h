// SPDX-License-Identifier: Apache-2.0
#pragma once

// Vendor ids, and the NAT discovery of RFC 3947 and of drafts 02 and 03 of it
// (draft-ietf-ipsec-nat-t-ike). Pure.

#include "contract/config.h"
#include "controlplane/ike/wire.h"

enum { NATT_HASH_MAX = 64, VENDOR_ID = 16 };

// In order of preference: a later one wins when both sides know several.
enum natt {
	NATT_NONE = 0,
	NATT_DRAFT_02,
	NATT_DRAFT_02_NEWLINE, // the id of draft 02 as most peers compute it, with a newline
	NATT_DRAFT_03,
	NATT_RFC3947,
};

// What the vendor id payloads of a message say.
struct vendor_ids {
	enum natt natt;       // the best that both sides know
	bool dpd;             // RFC 3706
	bool fragments;       // both sides know fragments of messages (fragment.h)
	bool fragments_flags; // its id has flags behind it, as Apple's and strongSwan's
};

// Adds what the message's vendor ids say to *ids; the config says which ones are ours.
void vendor_ids_read(
	const struct config_ike *config, const struct isakmp_chain *chain, struct vendor_ids *ids);
// Writes ours as an answer to the peer's: the one of the NAT traversal that was chosen, and that
// of fragments when the peer knows them, and those of DPD and of ourselves where the config wants
// them.
void vendor_ids_write(
	const struct config_ike *config, const struct vendor_ids *ids, struct isakmp_out *out);

// The payload types and the name of a variant.
uint8_t natt_payload_d(enum natt natt);
uint8_t natt_payload_oa(enum natt natt);
const char *natt_word(enum natt natt);

// HASH(CKY-I | CKY-R | address | port) (section 3.2). Returns its length, 0 on failure.
size_t natt_hash(unsigned hash, const uint8_t *cookie_i, const uint8_t *cookie_r,
	const struct ip_address *address, uint16_t port, uint8_t *out);
