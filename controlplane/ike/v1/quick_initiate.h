// SPDX-License-Identifier: Apache-2.0
#pragma once

// Quick mode as initiator (RFC 2409 section 5.5), to renew a pair that the peer once asked for: the
// same transforms, IDs, encapsulation and PFS, under the newest IKE SA of the peer.

#include "sealed.h"

// What quick mode agreed to and the next one needs, kept in esp_pair.terms. NULL without memory, or
// when there is nothing to keep. The IDs are bodies of ID payloads; group is that of PFS.
void *quick_terms(unsigned group, struct span id_peer, struct span id_us);

// For struct ike_version: rekey_pair_await or rekey_pair_failed follows. -errno: neither.
int quick_initiate(struct esp_pair *pair);
// Whether the message belongs to an exchange that we have begun, which then has handled it. The SA
// and its peer may be gone afterwards.
bool quick_ours_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// An authentic notification: an error may end an exchange of ours, CONNECTED confirms a pair. The
// SA and its peer may be gone afterwards.
void quick_ours_notified(struct ike_sa *sa, uint16_t type);
// Ends an exchange; a pair that was not handed over goes with it. reason NULL: not worth a word,
// because the SA goes.
void quick_ours_free(struct quick_ours *q, const char *reason);
