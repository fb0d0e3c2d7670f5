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
	EVP_PKEY *own = ike_dh_generate(job->group, job->public);
	size_t size = ike_group_size(job->group);

	job->error =
		own ? ike_dh_shared(job->group, own, SPAN(job->peer, size), job->secret) : -EINVAL;
	EVP_PKEY_free(own);
}

static void dh_end(struct dh_job *job)
{
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

int dh_start(struct dh_job **slot, unsigned group, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner)
{
	struct dh_job *job;
	int error;

	if (peer.length == 0 || peer.length != ike_group_size(group))
		return -EINVAL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = (struct dh_job){.group = group, .slot = slot, .done = done, .owner = owner};
	memcpy(job->peer, peer.at, peer.length);
	*slot = job;
	error = work_post(dh_run, dh_done, job);
	if (error) {
		*slot = NULL;
		dh_end(job);
	}
	return error;
}

void dh_abandon(struct dh_job **slot)
{
	if (*slot)
		(*slot)->slot = NULL;
	*slot = NULL;
}
