// SPDX-License-Identifier: Apache-2.0

// Every parser of wire.h on the same bytes; the first byte is the type of the first payload. What
// is read of an SA and of selectors is written again and must be read as the same.

#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_or_abort(bool same)
{
	if (!same)
		abort();
}

static void again_sa(const struct v2_sa *sa, uint8_t *buffer, size_t size)
{
	struct isakmp_out o = isakmp_out_begin(buffer, size, &(struct isakmp_header){0});
	struct v2_proposal_out out[V2_PROPOSALS];
	struct v2_chain chain;
	struct v2_sa got;

	for (size_t i = 0; i < sa->proposal_count; i++) {
		const struct isakmp_proposal *p = &sa->proposals[i];

		out[i] = (struct v2_proposal_out){
			p->number, p->protocol, p->spi, sa->transforms + p->first, p->count};
	}
	v2_put_sa(&o, out, sa->proposal_count);
	if (!isakmp_out_end(&o))
		return;
	same_or_abort(v2_chain_parse(V2_SA, buffer + ISAKMP_HEADER,
			      build_length(&o.b) - ISAKMP_HEADER, &chain) == 0 &&
		      v2_sa_parse(chain.parts[0].body, &got) == 0 &&
		      got.proposal_count == sa->proposal_count &&
		      got.transform_count == sa->transform_count);
	for (size_t i = 0; i < got.transform_count; i++)
		same_or_abort(got.transforms[i].id == sa->transforms[i].id &&
			      got.transforms[i].key_bits == sa->transforms[i].key_bits);
}

static void again_selectors(const struct v2_selectors *s, uint8_t *buffer, size_t size)
{
	struct isakmp_out o = isakmp_out_begin(buffer, size, &(struct isakmp_header){0});
	struct v2_selectors got;
	size_t length;

	v2_put_selectors(&o, V2_TS_I, s->list, s->count);
	length = isakmp_out_end(&o);
	if (!length || !s->count)
		return;
	same_or_abort(
		v2_selectors_parse(
			SPAN(buffer + ISAKMP_HEADER + 4, length - ISAKMP_HEADER - 4), &got) == 0 &&
		got.count == s->count);
}

static void parse_body(struct span body)
{
	static uint8_t buffer[16384];
	struct v2_sa sa;
	struct v2_selectors selectors;
	struct v2_ke ke;
	struct v2_id id;
	struct v2_cert cert;
	struct v2_auth auth;
	struct v2_notify notify;
	struct v2_delete delete;
	struct v2_cp cp;
	struct span nonce;

	if (v2_sa_parse(body, &sa) == 0)
		again_sa(&sa, buffer, sizeof(buffer));
	if (v2_selectors_parse(body, &selectors) == 0)
		again_selectors(&selectors, buffer, sizeof(buffer));
	(void)v2_ke_parse(body, &ke);
	(void)v2_id_parse(body, &id);
	(void)v2_cert_parse(body, &cert);
	(void)v2_auth_parse(body, &auth);
	(void)v2_nonce_parse(body, &nonce);
	(void)v2_notify_parse(body, &notify);
	(void)v2_delete_parse(body, &delete);
	(void)v2_cp_parse(body, &cp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct v2_chain chain;
	struct v2_notify notify;

	if (size == 0)
		return 0;
	parse_body(SPAN(data + 1, size - 1));
	if (v2_chain_parse(data[0], data + 1, size - 1, &chain))
		return 0;
	(void)v2_chain_notify(&chain, V2_COOKIE, &notify);
	for (size_t i = 0; i < chain.count; i++)
		parse_body(chain.parts[i].body);
	return 0;
}
