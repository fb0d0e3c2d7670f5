// SPDX-License-Identifier: Apache-2.0

// See aggressive_mode.h. The way of an initiator:
//
//   first   HDR, SA, KE, Ni, IDii, VIDs    we choose a proposal of the KE payload's group and a key
//                                          by address and identity (IKE_WAIT_DH), then the second
//                                          message, with HASH_R (IKE_WAIT_KE: it has shown nothing)
//   third   HDR[*], HASH_I, NAT-D          proves the key: now it is a peer (IKE_ESTABLISHED)

#include "aggressive_mode.h"

#include "controlplane/ike/dh.h"
#include "phase1.h"
#include "sealed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static const char off[] =
	"aggressive mode is off: it shows a hash of the pre-shared key to anybody who asks; "
	"ike.aggressive would allow it";

// Our lists without the groups that the KE payload is not of.
static struct config_ike config_of_length(const struct config_ike *config, size_t length)
{
	struct config_ike c = *config;

	c.group.count = 0;
	for (uint16_t i = 0; i < config->group.count; i++)
		if (ike_group_size(config->group.values[i]) == length)
			c.group.values[c.group.count++] = config->group.values[i];
	c.legacy_modp1024 = c.legacy_modp1024 && ike_group_size(IKE_MODP_1024) == length;
	c.legacy_modp1536 = c.legacy_modp1536 && ike_group_size(IKE_MODP_1536) == length;
	return c;
}

static int send_second(struct ike_sa *sa)
{
	struct isakmp_header h = sa_header(sa, ISAKMP_AGGRESSIVE, 0, 0);
	uint8_t buffer[LIMIT_IKE_MESSAGE], hash[IKE_HASH_MAX];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	struct phase1 *p = sa->v1.phase1;
	struct span id;
	size_t length;

	isakmp_out_payload(&out, ISAKMP_SA, p->answer, p->answer_length);
	isakmp_out_payload(&out, ISAKMP_KE, p->public_r, ike_group_size(sa->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, p->nonce_r, NONCE_OURS);
	phase1_id_write(sa, &out, &id);
	vendor_ids_write(&sa->ike->config->ike, &sa->v1.vendors, &out);
	phase1_nat_write(sa, &out);
	if (phase1_hash(sa, &sa->v1.keys, false, id, hash))
		return -EINVAL;
	isakmp_out_payload(&out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	length = isakmp_out_end(&out);
	if (!admit_reply_fits(p->third_length, length)) {
		ike_invalid(sa->ike, &sa->flow, "first message is too short for its answer");
		return -EMSGSIZE;
	}
	if (length == 0 || reply_keep(&sa->v1.reply, p->third, buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, buffer, length);
	return 0;
}

static void first_done(void *owner, const struct dh_job *job)
{
	struct ike_sa *sa = owner;
	struct phase1 *p = sa->v1.phase1;
	struct span psk = psks_secret(sa->ike->psks, p->psks.places[0]);

	if (job->error) {
		ike_invalid(sa->ike, &sa->flow, "public value that is refused");
		sa_free(sa);
		return;
	}
	if (phase1_ke_make(sa, job->public) ||
		phase1_derive(sa, psk, SPAN(job->secret, ike_group_secret_size(sa->group)),
			&sa->v1.keys) ||
		send_second(sa)) {
		sa_free(sa);
		return;
	}
	sa->state = IKE_WAIT_KE;
}

// What the second message says of the SA, and who the peer says it is.
static int keep(struct phase1 *p, const struct ike_choice *choice, struct span id)
{
	uint8_t buffer[LIMIT_IKE_MESSAGE];
	struct isakmp_header h = {0};
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), &h);
	size_t length, from = ISAKMP_HEADER + ISAKMP_PAYLOAD;

	isakmp_out_sa(&out, &choice->proposal, choice->proposal.spi.at, choice->proposal.spi.length,
		&choice->transform);
	length = isakmp_out_end(&out);
	if (length <= from || !(p->answer = malloc(length - from)) || !(p->id = malloc(id.length)))
		return -ENOMEM;
	memcpy(p->answer, buffer + from, length - from);
	p->answer_length = length - from;
	memcpy(p->id, id.at, id.length);
	p->id_length = id.length;
	return 0;
}

static void begin(struct ike_sa *sa, const struct isakmp_header *h, const uint8_t *message,
	const struct isakmp_chain *chain, const struct ike_choice *choice,
	const struct psk_list *psks)
{
	struct phase1 *p = sa->v1.phase1;
	const struct isakmp_part *id = isakmp_chain_find(chain, ISAKMP_ID, 0);

	sa->v1.aggressive = true;
	p->psks = *psks;
	reply_digest(message, h->length, p->third);
	p->third_length = h->length;
	if (!phase1_ke_take(sa, chain) || keep(p, choice, id->body)) {
		sa_free(sa);
		return;
	}
	sa->state = IKE_WAIT_DH;
	// done may be called, and the SA be gone, before this returns 0.
	if (dh_start(&sa->job, sa->group, isakmp_chain_find(chain, ISAKMP_KE, 0)->body, first_done,
		    sa))
		sa_free(sa);
}

// A first message that is well-formed.
static void judge(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, const struct isakmp_chain *chain, const struct isakmp_sa *offer)
{
	const struct isakmp_part *ke = isakmp_chain_find(chain, ISAKMP_KE, 0);
	struct config_ike config = config_of_length(&ike->config->ike, ke->body.length);
	struct ike_choice choice;
	struct psk_list psks;
	struct identity id;
	struct ike_sa *sa;

	phase1_identity(isakmp_chain_find(chain, ISAKMP_ID, 0)->body, &id);
	psks_find(ike->psks, &flow->remote, &id, &psks);
	if (psks.count == 0)
		phase1_refuse_first(
			ike, flow, h, "no pre-shared key for this address and identity", offer);
	else if (proposal_choose_ike(&config, offer, &choice))
		phase1_refuse_first(ike, flow, h, proposal_ike_reason(&config, offer), offer);
	else if ((sa = phase1_start(ike, flow, h, chain, offer, &choice)))
		begin(sa, h, message, chain, &choice, &psks);
}

void aggressive_mode_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	const struct isakmp_part *part;
	struct isakmp_chain chain;
	struct isakmp_sa offer;

	if (phase1_known(ike, flow, h, message))
		return;
	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		!(part = isakmp_chain_find(&chain, ISAKMP_SA, 0)) ||
		isakmp_sa_parse(part->body, &offer) || !isakmp_chain_find(&chain, ISAKMP_KE, 0) ||
		!isakmp_chain_find(&chain, ISAKMP_NONCE, 0) ||
		!isakmp_chain_find(&chain, ISAKMP_ID, 0))
		ike_invalid(ike, flow, "malformed first message of aggressive mode");
	else if (!config_listener_at(ike->config, &flow->local))
		ike_invalid(ike, flow, "no listener has this address");
	else if (!ike->config->ike.aggressive)
		phase1_refuse_first(ike, flow, h, off, &offer);
	else
		judge(ike, flow, h, message, &chain, &offer);
}

// The third message may be encrypted or not (RFC 2409 section 5). plain is where it is opened to.
static bool third_open(struct ike_sa *sa, const struct isakmp_header *h, const uint8_t *message,
	uint8_t *plain, uint8_t *iv, struct isakmp_chain *chain)
{
	const struct phase1 *p = sa->v1.phase1;
	const struct isakmp_part *part;
	size_t size = ike_hash_size(sa->hash);
	uint8_t hash[IKE_HASH_MAX];

	memcpy(iv, sa->v1.keys.iv, IKE_BLOCK_MAX);
	if (h->flags & ISAKMP_ENCRYPTED ? sealed_open(sa, iv, h, message, plain, chain)
					: isakmp_chain_parse(h->next, message + ISAKMP_HEADER,
						  h->length - ISAKMP_HEADER, chain))
		return false;
	part = isakmp_chain_find(chain, ISAKMP_HASH, 0);
	if (!part || part->body.length != size ||
		phase1_hash(sa, &sa->v1.keys, true, SPAN(p->id, p->id_length), hash))
		return false;
	return CRYPTO_memcmp(hash, part->body.at, size) == 0;
}

static void third(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX];
	const struct phase1 *p = sa->v1.phase1;
	struct isakmp_chain chain;

	if (!third_open(sa, h, message, plain, iv, &chain)) {
		phase1_refuse(sa, flow, "pre-shared key mismatch");
	} else {
		memcpy(sa->v1.keys.iv, iv, sizeof(iv));
		sa->auth = "psk";
		sa->psk = p->psks.places[0] + 1;
		phase1_nat_discover(sa, flow, &chain);
		if (phase1_attach(sa, flow, &chain, SPAN(p->id, p->id_length)))
			phase1_up(sa);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
}

void aggressive_mode_input(struct ike_sa *sa, const struct flow *flow,
	const struct isakmp_header *h, const uint8_t *message)
{
	if (sa->state == IKE_WAIT_KE)
		third(sa, flow, h, message);
}
