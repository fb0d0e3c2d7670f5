// SPDX-License-Identifier: Apache-2.0

// See exchange.h. The ways of a message here:
//
//   request of the peer   its message id is the expected one: opened, perhaps from fragments, and
//                         handed to its exchange (init.c never sees it: that one is in clear). The
//                         exchange answers, at once or after jobs on the thread pool; meanwhile
//                         what comes with this message id is ignored. The one before: the answer
//                         is given again. Anything else is ignored.
//   request of ours       one is under way, the others wait in clear, for their message id is not
//                         known before. It is sent again until its answer comes (ike.retransmit,
//                         ike.retransmit-tries); without one the SA and what it made goes.
//
// A message that is not authentic changes nothing. One that is authentic and new is a sign of life,
// and says where the peer is if a NAT may have changed that (section 2.23).

#include "exchange.h"

#include "auth.h"
#include "certificate.h"
#include "controlplane/ike/dh.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "controlplane/ike/recheck.h"
#include "create.h"
#include "informational.h"
#include "mobike.h"
#include "parting.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { NEXT_PAYLOAD = 16 }; // offset of that byte in the IKE header

// ---- both ways

static struct v2_seal seal_ours(struct ike_sa *sa)
{
	return v2_seal_of(&sa->v2.suite, &sa->v2.keys, sa->v2.initiator);
}

static struct v2_seal seal_peers(struct ike_sa *sa)
{
	return v2_seal_of(&sa->v2.suite, &sa->v2.keys, !sa->v2.initiator);
}

static size_t room(const struct ike_sa *sa)
{
	const struct config_ike *config = &sa->ike->config->ike;

	return sa->v2.fragmentation
		       ? v2_fragment_room(config->fragment_size, sa->flow.remote.version == IP_V6)
		       : 0;
}

static void send_message(struct ike_sa *sa, const struct flow *flow, const struct v2_message *m)
{
	struct span part;

	for (size_t n = 0; (part = v2_message_part(m, n)).length > 0; n++)
		sa_send(sa, flow, part.at, part.length);
}

// Bytes that a message may be opened to. All of it is wiped in the end, and memory that nobody has
// touched before costs more than a short message does: only one that may be in fragments, or has
// something before what is encrypted, gets room for the longest.
static size_t plain_room(const struct isakmp_header *h)
{
	return h->next == V2_SK ? h->length : LIMIT_IKE_MESSAGE;
}

// Opens a message of the peer, or one more fragment of it: as v2_fragment_open, to plain_room
// bytes. The digest of what is sent again when the answer is missed goes to digest.
static int open_message(struct ike_sa *sa, struct v2_fragments *fragments,
	const struct isakmp_header *h, const uint8_t *message, uint8_t *plain,
	struct v2_chain *inner, uint8_t digest[SHA256_SIZE])
{
	struct v2_seal seal = seal_peers(sa);
	struct v2_chain outer;
	uint16_t number;
	int error;

	if (v2_chain_parse(h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &outer))
		return -EBADMSG;
	number = v2_fragment_number(&outer);
	if (number == 0) {
		error = v2_open(&seal, h, message, &outer, plain, inner);
		reply_digest(message, h->length, digest);
		return error;
	}
	if (!sa->v2.fragmentation)
		return -EBADMSG;
	error = v2_fragment_open(fragments, &seal, h, message, &outer, plain, plain_room(h), inner);
	if (number == 1 && (error == 0 || error == -EAGAIN))
		reply_digest(message, h->length, sa->v2.fragment_one);
	memcpy(digest, sa->v2.fragment_one, SHA256_SIZE);
	return error;
}

// A new and authentic message came from there.
static void heard(struct ike_sa *sa, const struct flow *flow)
{
	bool near = address_equal(&sa->flow.remote, &flow->remote) &&
		    address_equal(&sa->flow.local, &flow->local);

	if (sa->state != IKE_ESTABLISHED) {
		sa->flow = *flow;
		return;
	}
	// Without a NAT, or with MOBIKE, an address changes only by the peer's word.
	if (near || (sa->nat_peer && !sa->v2.mobike))
		sa_follow(sa, flow);
	peer_heard(sa->peer, timers_now(sa->ike->timers));
}

// ---- the peer's requests

void exchange_request_free(struct v2_request *r)
{
	dh_abandon(&r->dh);
	certificate_abandon(r);
	install_forget(r);
	if (r->child.pair)
		pair_drop(r->child.pair, "abandoned");
	if (r->sa->v2.request == r)
		r->sa->v2.request = NULL;
	if (r->plain)
		OPENSSL_cleanse(r->plain, r->plain_size);
	free(r->plain);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}

static struct v2_request *request_create(
	struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h)
{
	struct v2_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->plain_size = plain_room(h);
	r->plain = malloc(r->plain_size);
	if (!r->plain) {
		free(r);
		return NULL;
	}
	r->sa = sa;
	r->flow = *flow;
	r->exchange = h->exchange;
	r->message_id = h->message_id;
	return r;
}

void exchange_answer_begin(const struct v2_request *r, struct v2_sealed *s)
{
	struct ike_sa *sa = r->sa;
	struct v2_seal seal = seal_ours(sa);
	uint8_t flags = V2_RESPONSE | (sa->v2.initiator ? V2_INITIATOR : 0);
	struct isakmp_header h = sa_header(sa, r->exchange, flags, r->message_id);

	v2_sealed_begin(s, &seal, &h);
}

int exchange_answer_end(struct v2_request *r, struct v2_sealed *s)
{
	struct ike_sa *sa = r->sa;
	int error = v2_sealed_end(s, room(sa), &sa->v2.answer);

	if (!error) {
		memcpy(sa->v2.answered, r->digest, SHA256_SIZE);
		sa->v2.expected = r->message_id + 1;
		send_message(sa, &r->flow, &sa->v2.answer);
	}
	exchange_request_free(r);
	return error;
}

int exchange_answer_notify(struct v2_request *r, uint16_t type, struct span data)
{
	struct v2_sealed s;

	exchange_answer_begin(r, &s);
	if (type)
		v2_put_status(&s.out, type, data);
	return exchange_answer_end(r, &s);
}

// The message makes no sense, or has something critical that we do not know (section 2.5).
static void refuse(struct v2_request *r, const char *reason)
{
	struct ike_sa *sa = r->sa;
	uint8_t unsupported = r->chain.unsupported;

	ike_invalid(sa->ike, &r->flow, reason);
	if (unsupported)
		(void)exchange_answer_notify(
			r, V2_UNSUPPORTED_CRITICAL_PAYLOAD, SPAN(&unsupported, 1));
	else
		(void)exchange_answer_notify(r, V2_INVALID_SYNTAX, SPAN(NULL, 0));
	if (sa->state != IKE_ESTABLISHED)
		v2_linger(sa);
}

// What the peer proved itself with still holds.
static void create_go_on(struct ike_sa *sa, uint32_t message_id)
{
	if (sa->v2.request && sa->v2.request->message_id == message_id)
		create_input(sa->v2.request);
}

static void create_begin(struct v2_request *r)
{
	// The SA may be gone when this returns 0.
	if (recheck(r->sa, create_go_on, r->message_id))
		(void)exchange_answer_notify(r, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
}

static void dispatch(struct v2_request *r)
{
	bool established = r->sa->state == IKE_ESTABLISHED;

	if (r->exchange == V2_IKE_AUTH && !established)
		auth_input(r);
	else if (r->exchange == V2_CREATE_CHILD_SA && established)
		create_begin(r);
	else if (r->exchange == V2_INFORMATIONAL && established)
		v2_informational_input(r);
	else
		refuse(r, "exchange that has no place here");
}

static void again(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct log_subject subject = sa_subject(sa);
	uint8_t digest[SHA256_SIZE];

	reply_digest(message, h->length, digest);
	if (memcmp(digest, sa->v2.answered, SHA256_SIZE) != 0 || !sa->v2.answer.bytes)
		return;
	sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "");
	send_message(sa, sa->state == IKE_ESTABLISHED ? &sa->flow : flow, &sa->v2.answer);
}

static void request_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct v2_request *r;
	int error;

	if (h->message_id + 1 == sa->v2.expected)
		again(sa, flow, h, message);
	if (h->message_id != sa->v2.expected || sa->v2.request || sa->v2.dead)
		return;
	r = request_create(sa, flow, h);
	if (!r)
		return;
	error = open_message(sa, &sa->v2.fragments_in, h, message, r->plain, &r->chain, r->digest);
	if (error && error != -EPROTO) {
		if (error == -EBADMSG)
			ike_invalid(sa->ike, flow, "message is not authentic");
		exchange_request_free(r);
		return;
	}
	v2_fragments_clear(&sa->v2.fragments_in);
	sa->v2.request = r;
	heard(sa, flow);
	if (error || r->chain.unsupported)
		refuse(r, error ? "malformed payloads" : "critical payload that is not known");
	else
		dispatch(r);
}

// ---- our requests

bool exchange_asking(const struct ike_sa *sa)
{
	return !TAILQ_EMPTY(&sa->v2.ours);
}

void exchange_ask_begin(struct exchange_ask *a)
{
	const struct isakmp_header none = {0};

	a->out = isakmp_out_begin(a->buffer, sizeof(a->buffer), &none);
}

static int seal_request(struct ike_sa *sa, uint8_t exchange, uint8_t first, struct span payloads)
{
	uint8_t flags = sa->v2.initiator ? V2_INITIATOR : 0;
	struct isakmp_header h = sa_header(sa, exchange, flags, sa->v2.next);
	struct v2_seal seal = seal_ours(sa);
	struct v2_sealed s;

	v2_sealed_begin(&s, &seal, &h);
	s.buffer[ISAKMP_HEADER] = first; // what the SK payload names as next
	build_bytes(&s.out.b, payloads.at, payloads.length);
	return v2_sealed_end(&s, room(sa), &sa->v2.message);
}

static void retransmit(void *context);

static void send_request(struct ike_sa *sa)
{
	const struct config_ike *config = &sa->ike->config->ike;
	uint64_t wait = (uint64_t)config->retransmit_ms << (sa->v2.tries < 16 ? sa->v2.tries : 16);

	sa->v2.tries++;
	send_message(sa, &sa->flow, &sa->v2.message);
	(void)timer_start(sa->ike->timers, &sa->v2.timer, wait, retransmit, sa);
}

static unsigned tries_most(const struct ike_sa *sa)
{
	unsigned most = sa->ike->config->ike.retransmit_tries;

	return sa->v2.check && most > V2_CHECK_TRIES ? V2_CHECK_TRIES : most;
}

static void retransmit(void *context)
{
	struct ike_sa *sa = context;
	struct log_subject subject = sa_subject(sa);

	if (sa->v2.tries > tries_most(sa) && mobike_give_up(sa))
		sa->v2.tries = 0;
	if (sa->v2.tries > tries_most(sa)) {
		log_event(LOG_PEER_DEAD, &subject, "s:I", "silent_ms",
			(long long)(timers_now(sa->ike->timers) - sa->peer->alive));
		v2_end(sa, "dead");
		return;
	}
	sa->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &subject, "");
	send_request(sa);
}

static void take_out(struct ike_sa *sa, struct v2_ours *ours)
{
	TAILQ_REMOVE(&sa->v2.ours, ours, of_sa);
	OPENSSL_cleanse(ours->payloads, ours->length);
	free(ours);
}

static void next_request(struct ike_sa *sa)
{
	struct v2_ours *ours = TAILQ_FIRST(&sa->v2.ours);

	if (!ours || sa->v2.under_way)
		return;
	if (seal_request(sa, ours->exchange, ours->first, SPAN(ours->payloads, ours->length)))
		return; // the next one tries again
	sa->v2.under_way = ours;
	sa->v2.tries = 0;
	send_request(sa);
}

void exchange_go_on(struct ike_sa *sa)
{
	next_request(sa);
}

int exchange_ask_end(struct ike_sa *sa, struct exchange_ask *a, uint8_t exchange,
	void (*answered)(struct ike_sa *sa, void *context, const struct v2_chain *chain),
	void *context)
{
	size_t length = build_length(&a->out.b) - ISAKMP_HEADER, count = 0;
	struct v2_ours *ours;

	TAILQ_FOREACH(ours, &sa->v2.ours, of_sa)
	count++;
	if (a->out.b.failed || count >= V2_OUR_REQUESTS || sa->v2.dead)
		return -ENOSPC;
	ours = calloc(1, sizeof(*ours) + length);
	if (!ours)
		return -ENOMEM;
	ours->exchange = exchange;
	ours->first = a->buffer[NEXT_PAYLOAD];
	ours->answered = answered;
	ours->context = context;
	ours->length = length;
	memcpy(ours->payloads, a->buffer + ISAKMP_HEADER, length);
	TAILQ_INSERT_TAIL(&sa->v2.ours, ours, of_sa);
	next_request(sa);
	return 0;
}

void exchange_part(struct ike_sa *sa, struct exchange_ask *a, uint8_t exchange)
{
	size_t length = build_length(&a->out.b) - ISAKMP_HEADER;
	struct v2_message before = {0};

	// What is under way has probably been heard already.
	if (sa->v2.under_way) {
		before = sa->v2.message;
		sa->v2.message = (struct v2_message){0};
		sa->v2.next++;
	}
	if (!a->out.b.failed && !seal_request(sa, exchange, a->buffer[NEXT_PAYLOAD],
					SPAN(a->buffer + ISAKMP_HEADER, length))) {
		send_message(sa, &sa->flow, &sa->v2.message);
		parting_ask(sa, &before, &sa->v2.message);
	}
	v2_message_clear(&before);
}

static void answer_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct v2_ours *ours = sa->v2.under_way;
	uint8_t *plain, digest[SHA256_SIZE];
	struct v2_chain chain;
	struct ike *ike = sa->ike;
	int error;

	if (!ours || h->message_id != sa->v2.next || h->exchange != ours->exchange)
		return;
	plain = malloc(plain_room(h));
	if (!plain)
		return;
	error = open_message(sa, &sa->v2.answers, h, message, plain, &chain, digest);
	if (error == 0) {
		void (*answered)(struct ike_sa *, void *, const struct v2_chain *) = ours->answered;
		void *context = ours->context;

		v2_fragments_clear(&sa->v2.answers);
		heard(sa, flow);
		timer_stop(ike->timers, &sa->v2.timer);
		sa->v2.under_way = NULL;
		sa->v2.next++;
		take_out(sa, ours);
		if (answered)
			answered(sa, context, &chain);
		sa = sa_find(ike, h->initiator, h->responder);
		if (sa)
			next_request(sa);
	} else if (error != -EAGAIN) {
		ike_invalid(ike, flow, "answer is not authentic");
	}
	OPENSSL_cleanse(plain, plain_room(h));
	free(plain);
}

void exchange_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	bool from_initiator = h->flags & V2_INITIATOR;

	if (from_initiator == sa->v2.initiator)
		ike_invalid(sa->ike, flow, "message of the wrong side");
	else if (h->flags & V2_RESPONSE)
		answer_input(sa, flow, h, message);
	else
		request_input(sa, flow, h, message);
}

void exchange_free(struct ike_sa *sa)
{
	timer_stop(sa->ike->timers, &sa->v2.timer);
	if (sa->v2.request)
		exchange_request_free(sa->v2.request);
	while (!TAILQ_EMPTY(&sa->v2.ours)) {
		struct v2_ours *ours = TAILQ_FIRST(&sa->v2.ours);
		void (*answered)(struct ike_sa *, void *, const struct v2_chain *) = ours->answered;
		void *context = ours->context;

		take_out(sa, ours);
		if (answered)
			answered(sa, context, NULL);
	}
	sa->v2.under_way = NULL;
	v2_fragments_clear(&sa->v2.fragments_in);
	v2_fragments_clear(&sa->v2.answers);
	v2_message_clear(&sa->v2.answer);
	v2_message_clear(&sa->v2.message);
}
