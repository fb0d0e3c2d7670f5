// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who owns the uplink of a session, for the stages that find sessions: l2tp_in and inner_in. The
// claim on the only session of a client moves to where its SA is by now.

#include "dataplane/owner.h"
#include "dataplane/session.h"

// True when the session's uplink is this worker's; otherwise the packet is gone, to its owner,
// where it goes on at that stage.
static inline bool session_claim(
	struct worker *w, struct rte_mbuf *m, struct session_uplink *s, enum handover_stage stage)
{
	if (!owner_or_handover(w, m, &s->owner, stage))
		return false;
	// A line that is not written stays clean: the worker that hands over reads it as well.
	if (unlikely(meta_of(m)->stage == stage)) {
		if (!s->spread)
			s->strange++;
	} else if (unlikely(s->strange)) {
		s->strange = 0;
	}
	return true;
}

// After a burst in which another worker handed one over: gives up what arrives there now.
static inline void session_claims_check(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct session_uplink *s = &w->tables->session[meta_of(m[i])->session].uplink;

		if (s->strange < OWNER_STRANGE_MOST || s->spread || s->reorder)
			continue;
		s->strange = 0;
		owner_release(&s->owner);
	}
}
