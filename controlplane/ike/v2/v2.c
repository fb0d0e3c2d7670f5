// SPDX-License-Identifier: Apache-2.0

// See v2.h. Which file a message belongs to: in clear init.c, sealed exchange.c, which knows whose
// turn it is and hands on to auth.c, create.c and informational.c.

#include "v2.h"

#include "choice.h"

#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "eap.h"
#include "exchange.h"
#include "informational.h"
#include "init.h"
#include "mobike.h"
#include "rekey_pair.h"
#include "rekey_sa.h"
#include "renewal.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { CLEAR_MAX = 128 }; // bytes of a message in clear that is nothing but a notification

void v2_send_clear(const struct flow *flow, const struct isakmp_header *request, uint16_t type,
	struct span data)
{
	struct isakmp_header h = *request;
	uint8_t buffer[CLEAR_MAX];
	struct isakmp_out out;
	size_t length;

	h.version = V2_VERSION;
	h.flags = V2_RESPONSE;
	out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	v2_put_status(&out, type, data);
	length = isakmp_out_end(&out);
	if (length && admit_reply_fits(request->length, length))
		(void)dataplane_send_ike(flow, buffer, length);
}

void v2_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	if (h->exchange != V2_IKE_SA_INIT || !(h->flags & V2_INITIATOR) ||
		(h->flags & V2_RESPONSE) || h->message_id != 0)
		ike_invalid(ike, flow, "message without our SPI");
	else
		init_input(ike, flow, h, message);
}

void v2_newer(struct ike *ike, const struct flow *flow, const struct isakmp_header *h)
{
	ike_invalid(ike, flow, "version of IKE that is not served");
	if (!(h->flags & V2_RESPONSE))
		v2_send_clear(flow, h, V2_INVALID_MAJOR_VERSION, SPAN(NULL, 0));
}

void v2_end(struct ike_sa *sa, const char *cause)
{
	peer_sa_end(sa, cause);
}

static void lingered(void *context)
{
	sa_free(context);
}

void v2_linger(struct ike_sa *sa)
{
	sa->v2.dead = true;
	sa->refused = true;
	(void)timer_start(sa->ike->timers, &sa->timer, V2_LINGER_MS, lingered, sa);
}

void v2_begin_free(struct ike_sa *sa)
{
	struct v2_begin *b = sa->v2.begin;

	if (!b)
		return;
	eap_end(b->eap);
	credential_drop(b->own);
	free(b->first);
	free(b->second);
	OPENSSL_cleanse(b, sizeof(*b));
	free(b);
	sa->v2.begin = NULL;
}

static void v2_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	if (sa->state == IKE_WAIT_DH || h->exchange == V2_IKE_SA_INIT)
		ike_invalid(sa->ike, flow, "message that the exchange has no place for");
	else
		exchange_input(sa, flow, h, message);
}

static const char *v2_waits_for(const struct ike_sa *sa)
{
	return sa->state == IKE_WAIT_DH ? "Diffie-Hellman" : "IKE_AUTH";
}

static const char *v2_state_word(const struct ike_sa *sa)
{
	return sa->state == IKE_WAIT_DH ? "ike-sa-init" : "ike-auth";
}

// What IKE_AUTH needs stays until its answer has left.
static void v2_established(struct ike_sa *sa)
{
	if (!sa->v2.request)
		v2_begin_free(sa);
}

static void v2_free(struct ike_sa *sa)
{
	exchange_free(sa);
	renewals_end(sa);
	mobike_forget(sa);
	v2_begin_free(sa);
	v2_keys_wipe(&sa->v2.keys);
}

static bool v2_owns_pairs(const struct ike_sa *sa)
{
	return !rekey_sa_has_successor(sa);
}

// The peer has had the pair since our answer left.
static void v2_pair_used(const struct esp_pair *pair)
{
	(void)pair;
}

const struct ike_version ike_v2 = {
	.number = 2,
	.input = v2_input,
	.waits_for = v2_waits_for,
	.state_word = v2_state_word,
	.part_established = v2_established,
	.part_free = v2_free,
	.owns_pairs = v2_owns_pairs,
	.choose_ike = v2_choice_ike,
	.choose_esp = v2_choice_esp,
	.ask = v2_informational_ask,
	.delete_sa = v2_informational_delete_sa,
	.delete_spi = v2_informational_delete_spi,
	.pair_used = v2_pair_used,
	.rekey_pair = v2_rekey_pair,
	.rekey_sa = v2_rekey_sa,
};
