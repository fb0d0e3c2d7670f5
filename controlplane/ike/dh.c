// SPDX-License-Identifier: Apache-2.0

// See dh.h.

#include "dh.h"

#include "controlplane/work.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static void dh_run(void *context)
{
	struct dh_job *job = context;
	size_t size = ike_group_size(job->group);

	if (!job->own)
		job->own = ike_dh_generate(job->group, job->public);
	if (!job->own)
		job->error = -EINVAL;
	else if (job->has_peer)
		job->error =
			ike_dh_shared(job->group, job->own, SPAN(job->peer, size), job->secret);
}

static void dh_end(struct dh_job *job)
{
	ike_dh_free(job->own);
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
}

static void dh_done(void *context)
{
	struct dh_job *job = context;

	if (job->slot) {
		*job->slot = NULL;
		job->done(job->owner, job);
	}
	dh_end(job);
}

// own NULL: a fresh one. peer of length 0: its value is not known yet.
static int dh_post(bool known, struct dh_job **slot, unsigned group, struct ike_dh *own,
	struct span peer, void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	struct dh_job *job = calloc(1, sizeof(*job));
	int error;

	if (!job)
		return -ENOMEM;
	*job = (struct dh_job){.group = group,
		.has_peer = peer.length > 0,
		.slot = slot,
		.done = done,
		.owner = owner};
	if (own)
		job->own = ike_dh_hold(own);
	if (peer.length > 0)
		memcpy(job->peer, peer.at, peer.length);
	*slot = job;
	error = known ? work_post_known(dh_run, dh_done, job) : work_post(dh_run, dh_done, job);
	if (error) {
		*slot = NULL;
		dh_end(job);
	}
	return error;
}

int dh_start(struct dh_job **slot, unsigned group, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	if (peer.length == 0 || peer.length != ike_group_size(group))
		return -EINVAL;
	return dh_post(false, slot, group, NULL, peer, done, owner);
}

int dh_start_known(struct dh_job **slot, unsigned group, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	if (peer.length == 0 || peer.length != ike_group_size(group))
		return -EINVAL;
	return dh_post(true, slot, group, NULL, peer, done, owner);
}

int dh_begin(struct dh_job **slot, unsigned group,
	void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	if (ike_group_size(group) == 0)
		return -EINVAL;
	return dh_post(true, slot, group, NULL, SPAN(NULL, 0), done, owner);
}

int dh_finish(struct dh_job **slot, unsigned group, struct ike_dh *own, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	if (!own || peer.length == 0 || peer.length != ike_group_size(group))
		return -EINVAL;
	return dh_post(true, slot, group, own, peer, done, owner);
}

void dh_abandon(struct dh_job **slot)
{
	if (*slot)
		(*slot)->slot = NULL;
	*slot = NULL;
}
