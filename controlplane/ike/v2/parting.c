// SPDX-License-Identifier: Apache-2.0

// See parting.h. Where both sides delete at once each answers the other's Delete, and nothing
// (section 1.4.1). Message ids go on as they were in the SA.

#include "parting.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum {
	SHIFT_MOST = 16,
	BEFORE = 0, // of asked
	LAST = 1,
	ASKED = 2,
};

struct v2_parting {
	LIST_ENTRY(v2_parting) by_spi;
	TAILQ_ENTRY(v2_parting) all;
	struct ike *ike;
	struct log_subject subject;
	struct flow flow;
	uint8_t spi_i[V2_SPI], spi_r[V2_SPI];
	bool initiator; // we are
	bool closing;   // the one before the last is a Delete too
	struct v2_suite suite;
	struct v2_keys keys;
	struct v2_message asked[ASKED]; // by us and not answered
	uint32_t id;                    // of the last of them
	unsigned tries;
	struct v2_message answer; // to the peer's newest request
	uint8_t answered[SHA256_SIZE];
	uint32_t expected; // message id of the next one
	struct timer timer;
};

static struct v2_parting_list *bucket(struct ike *ike, const uint8_t *ours)
{
	return &ike->partings.by_spi[ours[0]]; // random
}

static void parting_free(struct v2_parting *p)
{
	timer_stop(p->ike->timers, &p->timer);
	LIST_REMOVE(p, by_spi);
	TAILQ_REMOVE(&p->ike->partings.all, p, all);
	p->ike->partings.count--;
	for (size_t i = 0; i < ASKED; i++)
		v2_message_clear(&p->asked[i]);
	v2_message_clear(&p->answer);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

void partings_init(struct ike *ike)
{
	TAILQ_INIT(&ike->partings.all);
}

void partings_free(struct ike *ike)
{
	while (!TAILQ_EMPTY(&ike->partings.all))
		parting_free(TAILQ_FIRST(&ike->partings.all));
}

static void over(void *context)
{
	parting_free(context);
}

static struct v2_parting *parting_create(struct ike_sa *sa)
{
	struct ike *ike = sa->ike;
	struct v2_parting *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	if (ike->partings.count >= V2_PARTINGS)
		parting_free(TAILQ_FIRST(&ike->partings.all));
	p->ike = ike;
	p->subject = sa_subject(sa);
	p->flow = sa->flow;
	memcpy(p->spi_i, sa->cookie_i, V2_SPI);
	memcpy(p->spi_r, sa->cookie_r, V2_SPI);
	p->initiator = sa->v2.initiator;
	p->closing = sa->v2.closing;
	p->suite = sa->v2.suite;
	p->keys = sa->v2.keys;
	p->expected = sa->v2.expected;
	p->answer = sa->v2.answer;
	sa->v2.answer = (struct v2_message){0};
	memcpy(p->answered, sa->v2.answered, SHA256_SIZE);
	TAILQ_INSERT_TAIL(&ike->partings.all, p, all);
	LIST_INSERT_HEAD(bucket(ike, p->initiator ? p->spi_i : p->spi_r), p, by_spi);
	ike->partings.count++;
	return p;
}

static void send_all(const struct flow *flow, const struct v2_message *m)
{
	struct span part;

	for (size_t n = 0; (part = v2_message_part(m, n)).length > 0; n++)
		(void)dataplane_send_ike(flow, part.at, part.length);
}

static void log_again(const struct v2_parting *p)
{
	p->ike->counters.retransmits++;
	log_event(LOG_IKE_RETRANSMIT, &p->subject, "s:s", "message", "delete");
}

static void again(void *context);

static void wait_for_answer(struct v2_parting *p)
{
	const struct config_ike *config = &p->ike->config->ike;
	unsigned shift = p->tries < SHIFT_MOST ? p->tries : SHIFT_MOST;

	p->tries++;
	if (timer_start(
		    p->ike->timers, &p->timer, (uint64_t)config->retransmit_ms << shift, again, p))
		parting_free(p);
}

static void again(void *context)
{
	struct v2_parting *p = context;

	if (p->tries > p->ike->config->ike.retransmit_tries) {
		parting_free(p);
		return;
	}
	log_again(p);
	for (size_t i = 0; i < ASKED; i++)
		send_all(&p->flow, &p->asked[i]);
	wait_for_answer(p);
}

void parting_ask(struct ike_sa *sa, struct v2_message *before, struct v2_message *last)
{
	struct v2_parting *p = parting_create(sa);

	if (!p)
		return;
	p->asked[BEFORE] = *before;
	p->asked[LAST] = *last;
	*before = *last = (struct v2_message){0};
	p->id = sa->v2.next;
	wait_for_answer(p);
}

void parting_answer(struct ike_sa *sa)
{
	struct v2_parting *p = parting_create(sa);

	if (p && timer_start(p->ike->timers, &p->timer, V2_PARTING_MS, over, p))
		parting_free(p);
}

// ---- input

static bool opens(struct v2_parting *p, const struct isakmp_header *h, const uint8_t *message)
{
	struct v2_seal seal = v2_seal_of(&p->suite, &p->keys, !p->initiator);
	struct v2_chain outer, inner;
	uint8_t plain[LIMIT_IKE_MESSAGE];
	int error;

	if (h->length > sizeof(plain) ||
		v2_chain_parse(
			h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &outer) ||
		v2_fragment_number(&outer))
		return false;
	error = v2_open(&seal, h, message, &outer, plain, &inner);
	OPENSSL_cleanse(plain, sizeof(plain));
	return error == 0;
}

static void answer_input(
	struct v2_parting *p, const struct isakmp_header *h, const uint8_t *message)
{
	bool last = h->message_id == p->id;

	if ((!last && h->message_id + 1 != p->id) || !p->asked[last ? LAST : BEFORE].count ||
		!opens(p, h, message))
		return;
	if (last || p->closing)
		parting_free(p);
	else
		v2_message_clear(&p->asked[BEFORE]);
}

// An empty answer: there is nothing left that the request could be about.
static void answer(struct v2_parting *p, const struct flow *flow, const struct isakmp_header *h)
{
	struct v2_seal seal = v2_seal_of(&p->suite, &p->keys, p->initiator);
	struct isakmp_header out = *h;
	struct v2_sealed s;

	out.flags = V2_RESPONSE | (p->initiator ? V2_INITIATOR : 0);
	v2_sealed_begin(&s, &seal, &out);
	if (v2_sealed_end(&s, 0, &p->answer))
		return;
	p->expected++;
	send_all(flow, &p->answer);
}

static void request_input(struct v2_parting *p, const struct flow *flow,
	const struct isakmp_header *h, const uint8_t *message)
{
	uint8_t digest[SHA256_SIZE];

	reply_digest(message, h->length, digest);
	if (h->message_id + 1 == p->expected && p->answer.count &&
		memcmp(digest, p->answered, SHA256_SIZE) == 0) {
		log_again(p);
		send_all(&p->flow, &p->answer);
		return;
	}
	// Who has deleted it asks nothing more.
	if (!p->asked[LAST].count || h->message_id != p->expected ||
		h->exchange != V2_INFORMATIONAL || !opens(p, h, message))
		return;
	memcpy(p->answered, digest, SHA256_SIZE);
	answer(p, flow, h);
}

bool parting_input(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	bool from_initiator = h->flags & V2_INITIATOR;
	struct v2_parting *p;

	LIST_FOREACH(p, bucket(ike, from_initiator ? h->responder : h->initiator), by_spi)
	if (memcmp(p->spi_i, h->initiator, V2_SPI) == 0 &&
		memcmp(p->spi_r, h->responder, V2_SPI) == 0 && p->initiator != from_initiator)
		break;
	if (!p)
		return false;
	if (h->flags & V2_RESPONSE)
		answer_input(p, h, message);
	else
		request_input(p, flow, h, message);
	return true;
}
