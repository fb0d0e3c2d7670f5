// SPDX-License-Identifier: Apache-2.0

// See main_mode.h. The way of an initiator:
//
//   first   HDR, SA, VIDs          we choose a proposal by address and offer (IKE_WAIT_KE)
//   third   HDR, KE, Ni, NAT-D     Diffie-Hellman on the thread pool (IKE_WAIT_DH), then keys and
//                                  the fourth message (IKE_WAIT_AUTH)
//   fifth   HDR*, IDii, HASH_I     proves the key: now it is a peer (IKE_ESTABLISHED)
//
// With signatures (RFC 2409 section 5.1) proof.c goes on from the fifth message.
#include "main_mode.h"

#include "controlplane/ike/dh.h"
#include "phase1.h"
#include "proof.h"
#include "sealed.h"
#include "shared_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static int send_second(struct ike_sa *sa, const struct ike_choice *choice, const uint8_t *request,
	size_t request_length)
{
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[LIMIT_IKE_MESSAGE], digest[SHA256_SIZE];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	size_t length;

	isakmp_out_sa(&out, &choice->proposal, choice->proposal.spi.at, choice->proposal.spi.length,
		&choice->transform);
	vendor_ids_write(&sa->ike->config->ike, &sa->v1.vendors, &out);
	length = isakmp_out_end(&out);
	reply_digest(request, request_length, digest);
	if (length == 0 || !admit_reply_fits(request_length, length) ||
		reply_keep(&sa->v1.reply, digest, buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, buffer, length);
	return 0;
}

// How a peer at this address may prove itself.
static unsigned auths_for(const struct ike *ike, const struct flow *flow)
{
	unsigned psk = psks_any(ike->psks, &flow->remote) ? 1u << IKE_AUTH_PSK : 0;

	return psk | proof_auths(ike);
}

void main_mode_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	const struct isakmp_part *part;
	struct isakmp_chain chain;
	struct isakmp_sa offer;
	struct ike_choice choice;
	struct ike_sa *sa;
	unsigned auths;

	if (phase1_known(ike, flow, h, message))
		return;
	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!(part = isakmp_chain_find(&chain, ISAKMP_SA, 0)) ||
		isakmp_sa_parse(part->body, &offer)) {
		ike_invalid(ike, flow, "malformed first message of main mode");
		return;
	}
	auths = auths_for(ike, flow);
	if (!config_listener_at(ike->config, &flow->local))
		ike_invalid(ike, flow, "no listener has this address");
	else if (auths == 0)
		phase1_refuse_first(ike, flow, h, "no pre-shared key for this address", &offer);
	else if (proposal_choose_ike_by(&ike->config->ike, &offer, auths, &choice))
		phase1_refuse_first(ike, flow, h,
			proposal_ike_reason_by(&ike->config->ike, &offer, auths), &offer);
	else if ((sa = phase1_start(ike, flow, h, &chain, &offer, &choice)) &&
		 send_second(sa, &choice, message, h->length))
		sa_free(sa);
}

static int send_fourth(struct ike_sa *sa)
{
	struct isakmp_header h = sa_header(sa, ISAKMP_MAIN, 0, 0);
	uint8_t buffer[LIMIT_IKE_MESSAGE];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	size_t length;

	isakmp_out_payload(&out, ISAKMP_KE, sa->v1.phase1->public_r, ike_group_size(sa->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, sa->v1.phase1->nonce_r, NONCE_OURS);
	phase1_nat_write(sa, &out);
	if (sa->v1.phase1->proof)
		proof_requests_write(sa, &out);
	length = isakmp_out_end(&out);
	if (length == 0 || reply_keep(&sa->v1.reply, sa->v1.phase1->third, buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, buffer, length);
	return 0;
}

static int begin(struct ike_sa *sa, struct span secret)
{
	return sa->v1.phase1->proof ? phase1_derive(sa, SPAN(NULL, 0), secret, &sa->v1.keys)
				    : shared_key_begin(sa, secret);
}

static void third_done(void *owner, const struct dh_job *job)
{
	struct ike_sa *sa = owner;

	if (job->error) {
		ike_invalid(sa->ike, &sa->flow, "public value that is refused");
		sa_free(sa);
		return;
	}
	if (phase1_ke_make(sa, job->public) ||
		begin(sa, SPAN(job->secret, ike_group_secret_size(sa->group))) || send_fourth(sa)) {
		sa_free(sa);
		return;
	}
	sa->state = IKE_WAIT_AUTH;
}

static void third(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct isakmp_chain chain;

	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!phase1_ke_take(sa, &chain)) {
		ike_invalid(sa->ike, flow, "malformed third message of main mode");
		return;
	}
	sa->flow = *flow;
	reply_digest(message, h->length, sa->v1.phase1->third);
	phase1_vendor_ids_late(sa, &chain);
	phase1_nat_discover(sa, flow, &chain);
	if (sa->v1.phase1->auth != IKE_AUTH_PSK && proof_begin(sa, &chain))
		return;
	sa->state = IKE_WAIT_DH;
	// done may be called, and the SA be gone, before this returns 0.
	if (dh_start(&sa->job, sa->group, isakmp_chain_find(&chain, ISAKMP_KE, 0)->body, third_done,
		    sa))
		sa->state = IKE_WAIT_KE;
}

static int send_sixth(struct ike_sa *sa, const uint8_t *request, size_t request_length)
{
	struct sealed s;
	uint8_t hash[IKE_HASH_MAX], digest[SHA256_SIZE];
	struct span id;
	size_t length;

	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	phase1_id_write(sa, &s.out, &id);
	if (phase1_hash(sa, &sa->v1.keys, false, id, hash))
		return -EINVAL;
	isakmp_out_payload(&s.out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	phase1_lifetime_write(sa, &s.out);
	length = sealed_end(&s, sa, sa->v1.keys.iv, SPAN(NULL, 0));
	reply_digest(request, request_length, digest);
	if (length == 0 || reply_keep(&sa->v1.reply, digest, s.buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, s.buffer, length);
	return 0;
}

static void fifth(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE];
	struct isakmp_chain chain;
	const char *reason;

	if (!(h->flags & ISAKMP_ENCRYPTED)) {
		ike_invalid(sa->ike, flow, "fifth message of main mode is in clear");
	} else if (sa->v1.phase1->proof) {
		proof_input(sa, flow, h, message);
	} else if ((reason = shared_key_open(sa, h, message, plain, &chain))) {
		phase1_refuse(sa, flow, reason);
	} else if (phase1_attach(sa, flow, &chain, isakmp_chain_find(&chain, ISAKMP_ID, 0)->body)) {
		if (send_sixth(sa, message, h->length))
			phase1_abandon(sa);
		else
			phase1_up(sa);
	}
	OPENSSL_cleanse(plain, h->length);
}

void main_mode_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	if (reply_fits(&sa->v1.reply, message, h->length))
		reply_again(sa, &sa->v1.reply, sa->state == IKE_ESTABLISHED ? &sa->flow : flow);
	else if (sa->state == IKE_WAIT_KE && !(h->flags & ISAKMP_ENCRYPTED))
		third(sa, flow, h, message);
	else if (sa->state == IKE_WAIT_AUTH)
		fifth(sa, flow, h, message);
}
