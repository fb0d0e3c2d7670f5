// SPDX-License-Identifier: Apache-2.0
#pragma once

// The offers that we make ourselves: one transform each, in main mode (RFC 2409 appendix A) and in
// quick mode (RFC 2407 section 4.4.4, 4.5).

#include "controlplane/ike/form.h"
#include "natt.h"

enum { OFFER_ATTRIBUTES = 64 }; // bytes

// A transform that says what form, group (of PFS, or 0) and lifetimes are (kilobytes of 1,024; 0 =
// none); attributes has room for OFFER_ATTRIBUTES and is pointed to. -EINVAL for a form that IKEv1
// has no number for, and for encapsulation in UDP where the peer knows no way of NAT traversal.
int offer_esp(const struct esp_form *form, unsigned group, uint32_t lifetime_s,
	uint32_t lifetime_kb, enum natt natt, uint8_t *attributes, struct isakmp_transform *out);
// The same for an IKE SA; the algorithms are enums of the config, auth is enum ike_auth. -EINVAL
// for a cipher that version 1 does not have.
int offer_ike(unsigned encryption, unsigned hash, unsigned group, unsigned auth,
	uint32_t lifetime_s, uint8_t *attributes, struct isakmp_transform *out);
