// SPDX-License-Identifier: Apache-2.0

// See signature.h. A claim goes two steps: on the thread pool the chain is built, and the identity
// and the signature are checked (scheme.c does the arithmetic); then, on the loop, trust.c is asked
// whether anything of the chain is revoked, which may have to be fetched first. So only who has
// proven a good certificate can make us ask anybody.

#include "signature.h"

#include "certificate.h"
#include "controlplane/log.h"
#include "controlplane/work.h"
#include "scheme.h"
#include "trust_chain.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct making {
	EVP_PKEY *key;
	uint32_t hashes;
	uint8_t out[SIGNATURE_MAX];
	size_t length;
	int error;
	void (*done)(void *owner, int error, struct span signature);
};

struct checking {
	struct trust *trust;
	struct span signature;
	struct span certs[SIGNATURE_CERTS];
	size_t cert_count;
	struct identity id;
	struct signature_verdict verdict;
	bool holding; // trust_holds is asked
	void (*done)(void *owner, struct signature_verdict *verdict);
};

struct signature_job {
	struct signature_job **slot; // of the owner; NULL when it has gone
	void *owner;
	enum signature_scheme scheme;
	uint8_t *bytes; // what was copied
	size_t size;
	struct span octets;
	bool check;
	union {
		struct making make;
		struct checking claim;
	};
};

static void job_free(struct signature_job *job)
{
	if (job->check) {
		trust_chain_free(job->claim.verdict.chain);
		if (job->claim.trust)
			trust_let_go(job->claim.trust);
	} else {
		EVP_PKEY_free(job->make.key);
	}
	if (job->bytes)
		OPENSSL_cleanse(job->bytes, job->size);
	free(job->bytes);
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
}

static struct signature_job *job_create(
	struct signature_job **slot, enum signature_scheme scheme, size_t size, void *owner)
{
	struct signature_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	*job = (struct signature_job){
		.slot = slot, .owner = owner, .scheme = scheme, .bytes = malloc(size + 1)};
	if (job->bytes)
		return job;
	free(job);
	return NULL;
}

// Into the job's own memory, for which job_create made room.
static struct span keep(struct signature_job *job, struct span from)
{
	struct span to = SPAN(job->bytes + job->size, from.length);

	if (from.length)
		memcpy(job->bytes + job->size, from.at, from.length);
	job->size += from.length;
	return to;
}

static int job_post(struct signature_job *job, void (*run)(void *), void (*done)(void *))
{
	struct signature_job **slot = job->slot;
	int error;

	*slot = job;
	error = work_post(run, done, job);
	if (error) {
		*slot = NULL;
		job_free(job);
	}
	return error;
}

// ---- ours

static void make_run(void *context)
{
	struct signature_job *job = context;
	struct making *m = &job->make;

	m->length = sizeof(m->out);
	m->error = scheme_sign(m->key, job->scheme, m->hashes, job->octets, m->out, &m->length);
}

static void make_done(void *context)
{
	struct signature_job *job = context;
	const struct making *m = &job->make;

	if (job->slot) {
		*job->slot = NULL;
		m->done(job->owner, m->error, SPAN(m->out, m->error ? 0 : m->length));
	}
	job_free(job);
}

int signature_make(struct signature_job **slot, const struct credential *own,
	enum signature_scheme scheme, uint32_t hashes, struct span octets,
	void (*done)(void *owner, int error, struct span signature), void *owner)
{
	struct signature_job *job;

	if (!scheme_fits(scheme, credential_kind(own)))
		return -EINVAL;
	job = job_create(slot, scheme, octets.length, owner);
	if (!job)
		return -ENOMEM;
	job->octets = keep(job, octets);
	job->make.hashes = hashes;
	job->make.done = done;
	if (EVP_PKEY_up_ref(credential_key(own)) == 1)
		job->make.key = credential_key(own);
	return job_post(job, make_run, make_done);
}

// ---- the peer's

static bool names_peer(struct checking *c, const X509 *own)
{
	char identity[IDENTITY_TEXT];

	if (certificate_names(own, &c->id))
		return true;
	snprintf(c->verdict.reason, sizeof(c->verdict.reason),
		"the certificate of %.100s is not for %s", c->verdict.subject,
		identity_words(&c->id, identity));
	return false;
}

static void check_run(void *context)
{
	struct signature_job *job = context;
	struct checking *c = &job->claim;
	struct signature_verdict *v = &c->verdict;
	const char *wrong;
	X509 *own;

	v->chain = trust_chain_build(
		trust_anchors(c->trust), c->certs, c->cert_count, v->reason, sizeof(v->reason));
	if (!v->chain)
		return;
	own = trust_chain_own(v->chain);
	certificate_subject(own, v->subject);
	v->not_after = (uint64_t)v->chain->not_after;
	if (!names_peer(c, own))
		return;
	wrong = scheme_verify(X509_get0_pubkey(own), job->scheme, job->octets, c->signature);
	v->good = !wrong;
	snprintf(v->reason, sizeof(v->reason), "%s", wrong ? wrong : "");
}

static void deliver(struct signature_job *job)
{
	struct checking *c = &job->claim;
	struct signature_verdict *v = &c->verdict;

	if (v->good && v->chain->weakness)
		log_event(LOG_CERTIFICATE_WEAK, NULL, "s:s, s:s", "subject", v->subject, "reason",
			v->chain->own_is_weak ? v->chain->weakness
					      : "one between it and our authority is weak");
	if (!v->good) {
		trust_chain_free(v->chain);
		v->chain = NULL;
	}
	if (job->slot) {
		*job->slot = NULL;
		c->done(job->owner, v);
	}
	job_free(job);
}

static void check_held(void *context, const char *why)
{
	struct signature_job *job = context;
	struct signature_verdict *v = &job->claim.verdict;

	job->claim.holding = false;
	if (why) {
		v->good = false;
		snprintf(v->reason, sizeof(v->reason), "%s", why);
	}
	deliver(job);
}

static void check_done(void *context)
{
	struct signature_job *job = context;
	struct checking *c = &job->claim;

	if (!job->slot || !c->verdict.good) {
		deliver(job);
		return;
	}
	c->holding = true;
	if (trust_holds(c->trust, c->verdict.chain, check_held, job))
		check_held(job, "no memory to look whether it is revoked");
}

static size_t claim_size(const struct signature_claim *claim)
{
	size_t size = claim->octets.length + claim->signature.length;

	for (size_t i = 0; i < claim->cert_count; i++)
		size += claim->certs[i].length;
	return size;
}

int signature_check(struct signature_job **slot, struct trust *trust,
	const struct signature_claim *claim,
	void (*done)(void *owner, struct signature_verdict *verdict), void *owner)
{
	struct signature_job *job;

	if (claim->cert_count > SIGNATURE_CERTS)
		return -EINVAL;
	job = job_create(slot, claim->scheme, claim_size(claim), owner);
	if (!job)
		return -ENOMEM;
	job->check = true;
	job->octets = keep(job, claim->octets);
	job->claim = (struct checking){.trust = trust,
		.signature = keep(job, claim->signature),
		.cert_count = claim->cert_count,
		.id = claim->id,
		.done = done};
	for (size_t i = 0; i < claim->cert_count; i++)
		job->claim.certs[i] = keep(job, claim->certs[i]);
	trust_hold(trust);
	return job_post(job, check_run, check_done);
}

void signature_abandon(struct signature_job **slot)
{
	struct signature_job *job = *slot;

	*slot = NULL;
	if (!job)
		return;
	job->slot = NULL;
	// What is on the thread pool frees itself when it comes back.
	if (job->check && job->claim.holding) {
		trust_forget(job->claim.trust, job);
		job_free(job);
	}
}
