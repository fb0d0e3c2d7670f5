// SPDX-License-Identifier: Apache-2.0

// See renewal.h.

#include "renewal.h"

#include "controlplane/ike/dh.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/rekey.h"
#include "exchange.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct v2_renewal *renewal_create(
	struct ike_sa *sa, const struct v2_renewal_kind *kind, uint32_t old, unsigned group)
{
	struct v2_renewal *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->sa = sa;
	n->kind = kind;
	n->old = old;
	n->group = group;
	if (RAND_bytes(n->nonce_i, NONCE_OURS) == 1)
		return n;
	free(n);
	return NULL;
}

void renewal_free(struct v2_renewal *n)
{
	dh_abandon(&n->job);
	install_forget(n);
	if (n->pair)
		pair_drop(n->pair, "abandoned");
	if (n->sa->v2.renewal_pair == n)
		n->sa->v2.renewal_pair = NULL;
	if (n->sa->v2.renewal_sa == n)
		n->sa->v2.renewal_sa = NULL;
	ike_dh_free(n->dh);
	OPENSSL_cleanse(n, sizeof(*n));
	free(n);
}

void renewals_end(struct ike_sa *sa)
{
	struct v2_renewal *n = sa->v2.renewal_pair;
	struct ike *ike = sa->ike;

	if (n) {
		uint32_t old = n->old;

		renewal_free(n);
		rekey_pair_failed(ike, old, "the IKE SA is gone");
	}
	if (sa->v2.renewal_sa)
		renewal_free(sa->v2.renewal_sa);
}

const char *renewal_answer(
	struct v2_renewal *n, const struct v2_chain *chain, struct span *public_r)
{
	const struct v2_part *nonce = v2_chain_find(chain, V2_NONCE, 0);
	const struct v2_part *part = v2_chain_find(chain, V2_KE, 0);
	struct span value;
	struct v2_ke ke;

	if (!nonce || v2_nonce_parse(nonce->body, &value))
		return "the peer's answer has no nonce";
	memcpy(n->nonce_r, value.at, value.length);
	n->nonce_r_length = value.length;
	if (n->group == 0)
		return NULL;
	if (!part || v2_ke_parse(part->body, &ke) || ke.group != n->group)
		return "the peer's answer has no Diffie-Hellman value";
	*public_r = ke.value;
	return NULL;
}

bool renewal_error(const struct v2_chain *chain, struct v2_notify *out)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->parts[i].type == V2_NOTIFY &&
			!v2_notify_parse(chain->parts[i].body, out) && out->type < V2_ERRORS_END)
			return true;
	return false;
}

static bool group_allowed(const struct config_ike *c, unsigned group)
{
	for (uint16_t i = 0; i < c->group.count; i++)
		if (c->group.values[i] == group)
			return true;
	return false;
}

bool renewal_other_group(struct v2_renewal *n, const struct v2_notify *error)
{
	struct view v = view_of(error->data.at, error->data.length);
	unsigned group = view_u16(&v);

	if (error->type != V2_INVALID_KE_PAYLOAD || v.failed || n->group_changed ||
		!group_allowed(&n->sa->ike->config->ike, group) || ike_group_size(group) == 0)
		return false;
	n->group = group;
	n->group_changed = true;
	ike_dh_free(n->dh);
	n->dh = NULL;
	return true;
}

const char *renewal_refusal(uint16_t type)
{
	switch (type) {
	case V2_NO_PROPOSAL_CHOSEN:
		return "the peer refuses: no proposal chosen";
	case V2_INVALID_KE_PAYLOAD:
		return "the peer refuses: another Diffie-Hellman group";
	case V2_TEMPORARY_FAILURE:
		return "the peer is busy with another rekey";
	case V2_TS_UNACCEPTABLE:
		return "the peer refuses: traffic selectors";
	case V2_NO_ADDITIONAL_SAS:
		return "the peer refuses: no additional SAs";
	}
	return "the peer refuses";
}

// ---- collisions

static int compare(struct span a, struct span b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = memcmp(a.at, b.at, shorter);

	if (order == 0 && a.length != b.length)
		order = a.length < b.length ? -1 : 1;
	return order;
}

static struct span lower(struct span a, struct span b)
{
	return compare(a, b) <= 0 ? a : b;
}

void renewal_meet(struct v2_renewal *n, struct span nonce_i, struct span nonce_r)
{
	struct span least = lower(nonce_i, nonce_r);

	n->met = true;
	memcpy(n->least, least.at, least.length);
	n->least_length = least.length;
}

bool renewal_is_redundant(const struct v2_renewal *n)
{
	struct span ours = lower(SPAN(n->nonce_i, NONCE_OURS), SPAN(n->nonce_r, n->nonce_r_length));

	return n->met && compare(ours, SPAN(n->least, n->least_length)) < 0;
}

// ---- the request

static void ask(struct v2_renewal *n)
{
	struct exchange_ask a;

	exchange_ask_begin(&a);
	if (!n->kind->put(n, &a.out))
		return;
	n->asked = true;
	if (exchange_ask_end(n->sa, &a, V2_CREATE_CHILD_SA, n->kind->answered, n)) {
		n->asked = false;
		n->kind->fail(n, "the request could not be made");
	}
}

static void value_made(void *owner, const struct dh_job *job)
{
	struct v2_renewal *n = owner;

	if (job->error) {
		n->kind->fail(n, "no Diffie-Hellman value could be made");
		return;
	}
	n->dh = ike_dh_hold(job->own);
	memcpy(n->public_i, job->public, ike_group_size(job->group));
	ask(n);
}

void renewal_prepare(struct v2_renewal *n)
{
	if (n->group == 0)
		ask(n);
	else if (dh_begin(&n->job, n->group, value_made, n))
		n->kind->fail(n, "too much to do");
}
