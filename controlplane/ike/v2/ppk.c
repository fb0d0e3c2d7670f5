// SPDX-License-Identifier: Apache-2.0

// See ppk.h. A peer that names a key that we do not have may send beside its AUTH, which is made
// with that key, NO_PPK_AUTH, made without: then it is content to go on without (section 3).

#include "ppk.h"

static const struct config_ppk *ppk_find(const struct config *config, struct span id)
{
	for (uint32_t i = 0; i < config->ppk_count; i++)
		if (strlen(config->ppks[i].id) == id.length &&
			memcmp(config->ppks[i].id, id.at, id.length) == 0)
			return &config->ppks[i];
	return NULL;
}

static const struct config_ppk *ppk_named(const struct v2_request *r, bool *named)
{
	struct v2_notify n;

	*named = r->sa->v2.begin->use_ppk && v2_chain_notify(&r->chain, V2_PPK_IDENTITY, &n);
	if (!*named || n.data.length < 2 || n.data.at[0] != V2_PPK_ID_FIXED)
		return NULL;
	return ppk_find(r->sa->ike->config, SPAN(n.data.at + 1, n.data.length - 1));
}

// NO_PPK_AUTH stands for the AUTH payload from here on.
static bool use_other_auth(struct v2_request *r)
{
	struct v2_notify n;
	struct v2_part *auth = NULL;

	for (size_t i = 0; i < r->chain.count; i++)
		if (r->chain.parts[i].type == V2_AUTH)
			auth = &r->chain.parts[i];
	// Its data is that of the AUTH payload, whose method holds for both.
	if (!auth || !v2_chain_notify(&r->chain, V2_NO_PPK_AUTH, &n) || n.data.length == 0 ||
		auth->body.length != n.data.length + 4)
		return false;
	memcpy(r->plain + (auth->body.at - r->plain) + 4, n.data.at, n.data.length);
	return true;
}

const char *ppk_take(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	const struct config_ike *config = &sa->ike->config->ike;
	bool named;
	const struct config_ppk *ppk = ppk_named(r, &named);

	if (ppk) {
		if (v2_keys_mix_ppk(sa->hash,
			    SPAN((const uint8_t *)ppk->secret, ppk->secret_length), &sa->v2.keys))
			return "the post-quantum key could not be mixed in";
		sa->v2.ppk = true;
		return NULL;
	}
	if (config->ppk_required)
		return named ? "post-quantum key that is not known"
			     : "the peer uses no post-quantum key";
	if (named && !use_other_auth(r))
		return "post-quantum key that is not known, and the peer insists on it";
	return NULL;
}

void ppk_write(const struct ike_sa *sa, struct isakmp_out *out)
{
	if (sa->v2.ppk)
		v2_put_status(out, V2_PPK_IDENTITY, SPAN(NULL, 0));
}
