// SPDX-License-Identifier: Apache-2.0

// Freeing what workers may still look at. The clerk takes an object out of its table first, so
// that no worker finds it again, and puts it here with the token of a grace period (rte_rcu_qsbr).
// When every worker has reported a quiescent state since, none can hold a pointer to it, and its
// release function is called. One list, oldest first: tokens only grow, so a poll stops at the
// first that is not due.
//
// Clerk only; it is the one writer of all tables.

#include "dataplane/table.h"

#include <rte_rcu_qsbr.h>
#include <stdlib.h>

struct reclaim {
	struct reclaim *next;
	void *object;
	void (*release)(void *object);
	uint64_t token;
};

void reclaim_later(struct tables *t, void *object, void (*release)(void *object))
{
	struct reclaim *r = malloc(sizeof(*r));

	if (!r) { // nowhere to remember it: wait for the workers now
		rte_rcu_qsbr_synchronize(t->qsbr, RTE_QSBR_THRID_INVALID);
		release(object);
		return;
	}
	*r = (struct reclaim){
		.object = object, .release = release, .token = rte_rcu_qsbr_start(t->qsbr)};
	if (t->reclaim_last)
		t->reclaim_last->next = r;
	else
		t->reclaim = r;
	t->reclaim_last = r;
}

static void reclaim_first(struct tables *t)
{
	struct reclaim *r = t->reclaim;

	t->reclaim = r->next;
	if (!t->reclaim)
		t->reclaim_last = NULL;
	r->release(r->object);
	free(r);
}

unsigned reclaim_poll(struct tables *t)
{
	unsigned left = 0;

	while (t->reclaim && rte_rcu_qsbr_check(t->qsbr, t->reclaim->token, false) == 1)
		reclaim_first(t);
	for (const struct reclaim *r = t->reclaim; r; r = r->next)
		left++;
	return left;
}

void reclaim_wait(struct tables *t)
{
	while (t->reclaim) {
		rte_rcu_qsbr_check(t->qsbr, t->reclaim->token, true);
		reclaim_first(t);
	}
}
