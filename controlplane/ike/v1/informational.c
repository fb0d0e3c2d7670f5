// SPDX-License-Identifier: Apache-2.0

// See informational.h. Handling a payload may end the SA under which it came, so it is looked up
// anew before each. An exchange that is replayed does no harm: a Delete names SPIs that are gone,
// and an R-U-THERE counts as a sign of life only with a number that was not there before.

#include "informational.h"

#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "quick_initiate.h"
#include "quick_mode.h"

#include <openssl/crypto.h>

enum { DPD_DATA = 4 }; // bytes of the sequence number

static bool informational_begin(struct sealed *s, const struct ike_sa *sa)
{
	uint32_t id;

	if (!sealed_message_id(&id))
		return false;
	sealed_begin(s, sa, ISAKMP_INFORMATIONAL, id, true);
	return true;
}

static void informational_send(struct sealed *s, struct ike_sa *sa, const struct flow *flow)
{
	uint8_t iv[IKE_BLOCK_MAX];

	if (sealed_iv(sa, s->message_id, iv))
		return;
	sa_send(sa, flow, s->buffer, sealed_end(s, sa, iv, SPAN(NULL, 0)));
}

static void spi_bytes(uint32_t spi, uint8_t out[4])
{
	struct build b = build_in(out, 4);

	build_u32(&b, spi);
}

void informational_delete_spi(struct ike_sa *sa, uint32_t spi)
{
	struct sealed s;
	uint8_t bytes[4];

	spi_bytes(spi, bytes);
	if (!informational_begin(&s, sa))
		return;
	isakmp_out_delete(&s.out, ISAKMP_PROTO_ESP, sizeof(bytes), 1, bytes);
	informational_send(&s, sa, &sa->flow);
}

static void cookies(const struct ike_sa *sa, uint8_t out[2 * ISAKMP_COOKIE])
{
	memcpy(out, sa->cookie_i, ISAKMP_COOKIE);
	memcpy(out + ISAKMP_COOKIE, sa->cookie_r, ISAKMP_COOKIE);
}

void informational_delete_sa(struct ike_sa *sa)
{
	struct sealed s;
	uint8_t spi[2 * ISAKMP_COOKIE];

	if (sa->state != IKE_ESTABLISHED || !informational_begin(&s, sa))
		return;
	cookies(sa, spi);
	isakmp_out_delete(&s.out, ISAKMP_PROTO_ISAKMP, sizeof(spi), 1, spi);
	informational_send(&s, sa, &sa->flow);
}

static void send_dpd(struct ike_sa *sa, const struct flow *flow, uint16_t type, struct span data)
{
	struct sealed s;
	uint8_t spi[2 * ISAKMP_COOKIE];
	struct log_subject subject = sa_subject(sa);

	if (!informational_begin(&s, sa))
		return;
	cookies(sa, spi);
	isakmp_out_notify(
		&s.out, ISAKMP_PROTO_ISAKMP, spi, sizeof(spi), type, data.at, data.length);
	informational_send(&s, sa, flow);
	log_event(LOG_IKE_DPD, &subject, "s:s", "sent",
		type == NOTIFY_R_U_THERE ? "r-u-there" : "r-u-there-ack");
}

void informational_ask(struct ike_peer *peer)
{
	struct ike_sa *sa = peer_sa(peer);
	uint8_t sequence[DPD_DATA];

	spi_bytes(peer->sequence, sequence);
	if (sa)
		send_dpd(sa, &sa->flow, NOTIFY_R_U_THERE, SPAN(sequence, DPD_DATA));
}

void informational_refuse(struct ike_sa *sa, const struct flow *flow, uint32_t spi, uint16_t type)
{
	struct sealed s;
	uint8_t bytes[4];

	spi_bytes(spi, bytes);
	if (!informational_begin(&s, sa))
		return;
	isakmp_out_notify(&s.out, ISAKMP_PROTO_ESP, bytes, spi ? sizeof(bytes) : 0, type, NULL, 0);
	informational_send(&s, sa, flow);
}

void informational_refuse_sa(
	struct ike_sa *sa, const struct flow *flow, const uint8_t *iv, uint16_t type)
{
	struct sealed s;
	uint8_t spi[2 * ISAKMP_COOKIE], kept[IKE_BLOCK_MAX];

	if (!informational_begin(&s, sa))
		return;
	cookies(sa, spi);
	isakmp_out_notify(&s.out, ISAKMP_PROTO_ISAKMP, spi, sizeof(spi), type, NULL, 0);
	memcpy(kept, sa->v1.keys.iv, sizeof(kept));
	memcpy(sa->v1.keys.iv, iv, sizeof(kept));
	informational_send(&s, sa, flow);
	memcpy(sa->v1.keys.iv, kept, sizeof(kept));
}

bool informational_has(const struct isakmp_chain *chain, uint16_t type)
{
	const struct isakmp_part *part;
	struct isakmp_notify_body notify;

	for (size_t i = 0; (part = isakmp_chain_find(chain, ISAKMP_NOTIFY, i)); i++)
		if (isakmp_notify_parse(part->body, &notify) == 0 && notify.type == type)
			return true;
	return false;
}

static void dpd_asked(struct ike_sa *sa, const struct flow *flow, struct span data)
{
	struct view v = view_of(data.at, data.length);
	uint32_t sequence = view_u32(&v);

	if (v.failed)
		return;
	if (sequence > sa->peer->peer_sequence) {
		sa->peer->peer_sequence = sequence;
		peer_heard(sa->peer, timers_now(sa->ike->timers));
	}
	send_dpd(sa, flow, NOTIFY_R_U_THERE_ACK, data);
}

static void dpd_answered(struct ike_sa *sa, const struct flow *flow, struct span data)
{
	struct view v = view_of(data.at, data.length);
	uint32_t sequence = view_u32(&v);

	if (v.failed || sequence != sa->peer->sequence || !sa->peer->asked)
		return;
	sa_follow(sa, flow);
	peer_answered(sa->peer, sequence);
}

static void notify_input(struct ike_sa *sa, const struct flow *flow, struct span body)
{
	struct log_subject subject = sa_subject(sa);
	struct isakmp_notify_body n;

	if (isakmp_notify_parse(body, &n))
		return;
	if (n.type == NOTIFY_R_U_THERE)
		dpd_asked(sa, flow, n.data);
	else if (n.type == NOTIFY_R_U_THERE_ACK)
		dpd_answered(sa, flow, n.data);
	else if (n.type == NOTIFY_INITIAL_CONTACT)
		peer_initial_contact(sa);
	else if (n.type <= NOTIFY_CONNECTED)
		quick_ours_notified(sa, n.type);
	if (n.type < NOTIFY_ERRORS_END)
		log_event(LOG_IKE_INVALID, &subject, "s:s, s:i", "reason",
			"the peer reports an error", "notify", (int)n.type);
}

static struct esp_pair *pair_to(const struct ike_peer *peer, uint32_t spi_out)
{
	struct esp_pair *pair;

	LIST_FOREACH(pair, &peer->pairs, of_peer)
	if (pair->form.spi_out == spi_out && (pair->confirmed || pair->awaited))
		break;
	return pair;
}

static bool other_confirmed(const struct esp_pair *pair)
{
	const struct esp_pair *other;

	LIST_FOREACH(other, &pair->peer->pairs, of_peer)
	if (other != pair && (other->confirmed || other->awaited))
		return true;
	return false;
}

// SPIs are those of the peer's inbound SAs, so our outbound ones (RFC 2408 section 3.15).
static void delete_esp(struct ike_sa *sa, uint32_t spi_out)
{
	struct ike *ike = sa->ike;
	uint32_t peer = sa->peer->id;
	struct esp_pair *pair = pair_to(sa->peer, spi_out);

	if (!pair)
		return;
	// Another pair that stands ready lets the peer live on.
	if (pair->id == sa->peer->current && !other_confirmed(pair))
		quick_confirm_early(sa->peer);
	if (!peer_find(ike, peer) || !(pair = pair_to(peer_find(ike, peer), spi_out)))
		return;
	pair_remove(pair, "deleted");
	peer_check(ike, peer);
}

static void delete_isakmp(struct ike_sa *sa, const uint8_t *spi)
{
	struct ike *ike = sa->ike;
	uint32_t peer = sa->peer->id;
	struct ike_sa *other;
	struct log_subject subject;

	LIST_FOREACH(other, &sa->peer->sas, of_peer)
	if (memcmp(other->cookie_i, spi, ISAKMP_COOKIE) == 0 &&
		memcmp(other->cookie_r, spi + ISAKMP_COOKIE, ISAKMP_COOKIE) == 0)
		break;
	if (!other)
		return;
	subject = sa_subject(other);
	log_event(LOG_IKE_DOWN, &subject, "s:s", "cause", "deleted");
	sa_free(other);
	peer_check(ike, peer);
}

static struct ike_sa *find_again(struct ike *ike, const struct isakmp_header *h)
{
	return sa_find(ike, h->initiator, h->responder);
}

static void delete_input(struct ike *ike, const struct isakmp_header *h, struct span body)
{
	struct isakmp_delete_body d;
	struct ike_sa *sa = find_again(ike, h);

	if (isakmp_delete_parse(body, &d))
		return;
	if (d.protocol == ISAKMP_PROTO_ISAKMP && d.spi_size == 0) {
		uint8_t own[2 * ISAKMP_COOKIE];

		cookies(sa, own);
		delete_isakmp(sa, own);
		return;
	}
	for (size_t i = 0; i < d.count && (sa = find_again(ike, h)); i++) {
		struct view v = view_of(d.spis.at + i * d.spi_size, d.spi_size);

		if (d.protocol == ISAKMP_PROTO_ESP && d.spi_size == 4)
			delete_esp(sa, view_u32(&v));
		else if (d.protocol == ISAKMP_PROTO_ISAKMP && d.spi_size == 2 * ISAKMP_COOKIE)
			delete_isakmp(sa, v.at);
	}
}

static void payloads_input(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct isakmp_chain *chain)
{
	struct ike_sa *sa;

	for (size_t i = 1; i < chain->count && (sa = find_again(ike, h)); i++) {
		if (chain->parts[i].type == ISAKMP_NOTIFY)
			notify_input(sa, flow, chain->parts[i].body);
		else if (chain->parts[i].type == ISAKMP_DELETE)
			delete_input(ike, h, chain->parts[i].body);
	}
}

void informational_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	uint8_t plain[LIMIT_IKE_MESSAGE], iv[IKE_BLOCK_MAX];
	struct isakmp_chain chain;
	struct ike *ike = sa->ike;

	if (sealed_iv(sa, h->message_id, iv) || sealed_open(sa, iv, h, message, plain, &chain) ||
		!sealed_authentic(sa, h->message_id, SPAN(NULL, 0), &chain)) {
		ike_invalid(ike, flow, "informational message is not authentic");
		return;
	}
	payloads_input(ike, flow, h, &chain);
	OPENSSL_cleanse(plain, h->length);
}
