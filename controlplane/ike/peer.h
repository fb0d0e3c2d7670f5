// SPDX-License-Identifier: Apache-2.0
#pragma once

// Peers: who is who, and who is still there (RFC 3706).

#include "state.h"

// Gives an authenticated SA its peer: the one that it renews, or a new one. With initial_contact
// the peer says that it knows of nothing earlier: what we have of it goes. -ENOSPC or -ENOMEM.
int peer_attach(struct ike_sa *sa, bool initial_contact);
// An SA that we have begun with that peer is its newest; the peer has proven itself anew.
void peer_renew(struct ike_peer *peer, struct ike_sa *sa);
// INITIAL-CONTACT in a later message of an established SA.
void peer_initial_contact(struct ike_sa *sa);
// Tells the peer that the pair goes, where there is an IKE SA to tell it by.
void peer_delete_pair(const struct esp_pair *pair);
// Ends a peer: peer_down is reported, then its pairs and SAs go; with deletes it is told.
void peer_remove(struct ike_peer *peer, const char *cause, bool deletes);
// Forgets a peer of which nothing is left, if it exists.
void peer_check(struct ike *ike, uint32_t id);
struct ike_peer *peer_find(const struct ike *ike, uint32_t id);
// Nothing can be sent to it any more: reports peer_down, if it ever was up.
void peer_report_down(struct ike_peer *peer, const char *cause);
// The SA that messages to the peer go under; NULL when it has none.
struct ike_sa *peer_sa(const struct ike_peer *peer);
// Its address or port changed, as an authenticated message says.
void peer_follow(struct ike_peer *peer, const struct flow *flow);
// It was heard at that time.
void peer_heard(struct ike_peer *peer, uint64_t when);
// Answers to our R-U-THERE.
void peer_answered(struct ike_peer *peer, uint32_t sequence);
// An established SA goes, with the pairs that its version says go with it. The peer may be gone
// afterwards.
void peer_sa_end(struct ike_sa *sa, const char *cause);
// Timer of an established SA.
void peer_sa_expired(void *context);
// The first peer at this address that satisfies the caller; NULL. For SA_UNKNOWN.
struct ike_peer *peer_at(struct ike *ike, const struct ip_address *remote, uint16_t port);
// What it offered of ESP, for policy.h: the body of an SA payload, in which forget_spis makes the
// SPIs alike, and the terms as its version packs them.
void peer_keep_esp_offer(struct ike_peer *peer, struct span body,
	void (*forget_spis)(uint8_t *bytes, size_t length), uint32_t terms);
