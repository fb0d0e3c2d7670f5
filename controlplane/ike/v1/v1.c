// SPDX-License-Identifier: Apache-2.0

// See v1.h. Which exchange a message belongs to: main_mode.c, quick_mode.c or informational.c.

#include "v1.h"

#include "aggressive_mode.h"
#include "choice.h"
#include "controlplane/ike/dh.h"
#include "fragments.h"
#include "informational.h"
#include "main_initiate.h"
#include "main_mode.h"
#include "controlplane/ike/sa.h"
#include "phase1.h"
#include "quick_initiate.h"
#include "quick_mode.h"

#include <openssl/crypto.h>
#include <stdlib.h>

void v1_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct ike_sa *ours = sa_find(ike, h->initiator, h->responder);

	// Who refuses what we begin may have no cookie for us.
	if (ours && ours->version == &ike_v1) {
		if (h->exchange == ISAKMP_INFORMATIONAL)
			main_initiate_notified(ours, h, message);
		return;
	}
	if (h->exchange == ISAKMP_AGGRESSIVE && !(h->flags & ISAKMP_ENCRYPTED) &&
		h->message_id == 0)
		aggressive_mode_first(ike, flow, h, message);
	else if (h->exchange != ISAKMP_MAIN || (h->flags & ISAKMP_ENCRYPTED) || h->message_id != 0)
		ike_invalid(ike, flow, "message without our cookie");
	else
		main_mode_first(ike, flow, h, message);
}

static void whole_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	bool sealed =
		(h->flags & ISAKMP_ENCRYPTED) && h->message_id != 0 && sa->state == IKE_ESTABLISHED;

	if (h->exchange == ISAKMP_AGGRESSIVE && h->message_id == 0 && sa->v1.aggressive)
		aggressive_mode_input(sa, flow, h, message);
	else if (h->exchange == ISAKMP_MAIN && h->message_id == 0 && sa->v1.initiator)
		main_initiate_input(sa, flow, h, message);
	else if (h->exchange == ISAKMP_MAIN && h->message_id == 0 && !sa->v1.aggressive)
		main_mode_input(sa, flow, h, message);
	else if (h->exchange == ISAKMP_INFORMATIONAL && sa->v1.begun)
		main_initiate_notified(sa, h, message);
	else if (h->exchange == ISAKMP_QUICK && sealed)
		quick_input(sa, flow, h, message);
	else if (h->exchange == ISAKMP_INFORMATIONAL && sealed)
		informational_input(sa, flow, h, message);
	else
		ike_invalid(sa->ike, flow, "message that the exchange has no place for");
}

static void v1_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct isakmp_header whole;
	uint8_t *bytes;

	if (h->next != ISAKMP_FRAGMENT) {
		whole_input(sa, flow, h, message);
		return;
	}
	bytes = fragments_input(sa, flow, h, message, &whole);
	if (bytes)
		whole_input(sa, flow, &whole, bytes);
	free(bytes);
}

static const char *v1_waits_for(const struct ike_sa *sa)
{
	if (sa->v1.begun)
		return "answer";
	return sa->state == IKE_WAIT_KE || sa->v1.aggressive ? "third message" : "fifth message";
}

static const char *v1_state_word(const struct ike_sa *sa)
{
	return sa->v1.aggressive ? "aggressive-mode" : "main-mode";
}

static void v1_established(struct ike_sa *sa)
{
	main_initiate_free(sa);
	phase1_free(sa->v1.phase1);
	sa->v1.phase1 = NULL;
	OPENSSL_cleanse(sa->v1.keys.skeyid, sizeof(sa->v1.keys.skeyid));
}

static void v1_free(struct ike_sa *sa)
{
	while (!LIST_EMPTY(&sa->v1.quicks))
		quick_free(LIST_FIRST(&sa->v1.quicks));
	while (!LIST_EMPTY(&sa->v1.ours))
		quick_ours_free(LIST_FIRST(&sa->v1.ours), "the IKE SA is gone");
	fragments_free(sa);
	main_initiate_free(sa);
	phase1_free(sa->v1.phase1);
	reply_free(&sa->v1.reply);
	ike_keys_wipe(&sa->v1.keys);
}

const struct ike_version ike_v1 = {
	.number = 1,
	.input = v1_input,
	.waits_for = v1_waits_for,
	.state_word = v1_state_word,
	.part_established = v1_established,
	.part_free = v1_free,
	.send = fragments_send,
	.choose_ike = choice_ike,
	.choose_esp = choice_esp,
	.ask = informational_ask,
	.delete_sa = informational_delete_sa,
	.delete_spi = informational_delete_spi,
	.pair_used = quick_pair_used,
	.rekey_pair = quick_initiate,
	.rekey_sa = main_initiate,
};
