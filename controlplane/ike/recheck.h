// SPDX-License-Identifier: Apache-2.0
#pragma once

// Does what a peer proved itself with still hold? Asked before each new SA that it gets: its
// certificates may have ended or been revoked since (trust_holds).

#include "state.h"

// go(sa, id) follows, perhaps before this returns, when the SA's chain still holds or it has none.
// When not, the peer is closed with the cause "certificate" and told so by Deletes. In any case the
// SA may be gone when this returns. -ENOMEM, and nothing follows.
int recheck(struct ike_sa *sa, void (*go)(struct ike_sa *sa, uint32_t id), uint32_t id);
// The SA goes: go is not called any more, and the chain is freed.
void recheck_end(struct ike_sa *sa);
