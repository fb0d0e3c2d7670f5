// SPDX-License-Identifier: Apache-2.0
#pragma once

// The peer's address changes by its word (RFC 4555): UPDATE_SA_ADDRESSES in an INFORMATIONAL
// request that came from the new one. Only the peer, who began the IKE SA, moves.

#include "v2.h"

struct mobike_move {
	struct flow flow;
	bool nat_peer, nat_us; // is there a NAT on the new way?
};

// true: the request asks to move, and may.
bool mobike_input(const struct v2_request *r, struct mobike_move *out);
// What the answer to such a request has: COOKIE2 as it came, who sees which address, or
// UNEXPECTED_NAT_DETECTED.
void mobike_write(const struct v2_request *r, struct isakmp_out *out);
// The answer has left: the peer, its IKE SAs and its pairs go on from there, the pairs as soon as
// the address has proven itself.
void mobike_move(struct ike_sa *sa, const struct mobike_move *move);
// Where the peer was last for certain: what is installed meanwhile goes there.
const struct flow *mobike_proven(const struct ike_sa *sa);
// Nobody answers at the new address: true when there was one that had to prove itself, and the old
// one holds again.
bool mobike_give_up(struct ike_sa *sa);
// The SA has a successor, which has to ask anew.
void mobike_hand_over(struct ike_sa *from, struct ike_sa *to);
// The SA goes.
void mobike_forget(struct ike_sa *sa);
