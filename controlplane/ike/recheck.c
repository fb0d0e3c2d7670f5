// SPDX-License-Identifier: Apache-2.0

// See recheck.h.

#include "recheck.h"

#include "peer.h"
#include "sa.h"
#include "trust.h"

#include <errno.h>
#include <stdlib.h>

struct recheck {
	LIST_ENTRY(recheck) of_sa;
	struct ike_sa *sa;
	void (*go)(struct ike_sa *sa, uint32_t id);
	uint32_t id;
};

static void answered(void *context, const char *why)
{
	struct recheck r = *(struct recheck *)context;
	struct log_subject subject = sa_subject(r.sa);

	LIST_REMOVE((struct recheck *)context, of_sa);
	free(context);
	if (!why) {
		r.go(r.sa, r.id);
		return;
	}
	r.sa->ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s", "reason", why, "identity",
		r.sa->identity_text, "auth", r.sa->auth);
	peer_remove(r.sa->peer, "certificate", true);
}

int recheck(struct ike_sa *sa, void (*go)(struct ike_sa *sa, uint32_t id), uint32_t id)
{
	struct recheck *r;
	int error;

	if (!sa->chain || !sa->ike->trust) {
		go(sa, id);
		return 0;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct recheck){.sa = sa, .go = go, .id = id};
	LIST_INSERT_HEAD(&sa->rechecks, r, of_sa);
	error = trust_holds(sa->ike->trust, sa->chain, answered, r);
	if (error) {
		LIST_REMOVE(r, of_sa);
		free(r);
	}
	return error;
}

void recheck_end(struct ike_sa *sa)
{
	struct recheck *r;

	while ((r = LIST_FIRST(&sa->rechecks))) {
		LIST_REMOVE(r, of_sa);
		trust_forget(sa->ike->trust, r);
		free(r);
	}
	trust_chain_free(sa->chain);
	sa->chain = NULL;
}
