// SPDX-License-Identifier: Apache-2.0
#pragma once

// The offer that we make ourselves in quick mode: one transform (RFC 2407 section 4.4.4, 4.5).

#include "controlplane/ike/form.h"
#include "natt.h"

enum { OFFER_ATTRIBUTES = 64 }; // bytes

// A transform that says what form, group (of PFS, or 0) and lifetimes are (kilobytes of 1,024; 0 =
// none); attributes has room for OFFER_ATTRIBUTES and is pointed to. -EINVAL for a form that IKEv1
// has no number for, and for encapsulation in UDP where the peer knows no way of NAT traversal.
int offer_esp(const struct esp_form *form, unsigned group, uint32_t lifetime_s,
	uint32_t lifetime_kb, enum natt natt, uint8_t *attributes, struct isakmp_transform *out);
