// SPDX-License-Identifier: Apache-2.0

// See eap.h. Each request of ours has one answer: a packet that does not fit the open request
// changes nothing. A wrong password ends it (E=691 R=0): a client that may try again starts anew,
// which costs it a little and us nothing.
//
//   identity -> mschapv2 -> verdict -> success -> over
//                  |           |---> failure -> over
//                  |---> over (Nak)
//
//   identity -> verdict -> passed -> verdict -> ... -> over
//                  |---> mschapv2, as above
//
// What passes is looked at as far as section 2.3 wants it: code, identifier, length. Types, Naks
// among them, are for the judge.

#include "eap.h"
#include "packet.h"

#include "contract/config.h"
#include "controlplane/auth/mschap.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
	STATE_NEW,
	STATE_IDENTITY,
	STATE_PASSED,
	STATE_MSCHAP,
	STATE_VERDICT,
	STATE_SUCCESS,
	STATE_FAILURE,
	STATE_OVER
};

enum {
	REASON = 96,
	EAP_OURS_MOST = 1020, // bytes of a packet that we make (RFC 3748 section 3.1)
};

static const char our_name[] = "culvert";

struct eap {
	struct eap_ways ways;
	struct eap_events events;
	void *context;
	enum state state;
	uint8_t id;           // of the newest request
	uint8_t challenge_id; // of MS-CHAPv2
	char name[PPP_NAME];  // what the peer says, with a NUL
	char reason[REASON];  // why it fails
	bool refused;         // by the judge
	bool has_msk;
	uint8_t msk[AUTH_MSK]; // in success
	unsigned rounds;       // questions so far
	struct ppp_credentials credentials;
	uint8_t *asked;  // what credentials.eap points at: malloc, or NULL
	uint8_t *passed; // the judge's newest packet: malloc, or NULL
	size_t last_length;
	uint8_t last[EAP_OURS_MOST]; // the newest packet to the peer, unless it is *passed
};

struct eap *eap_create(const struct eap_ways *ways, const struct eap_events *events, void *context)
{
	struct eap *eap = calloc(1, sizeof(*eap));

	if (!eap)
		return NULL;
	eap->ways = *ways;
	eap->events = *events;
	eap->context = context;
	// Unlike any that an earlier conversation left behind.
	(void)RAND_bytes(&eap->id, 1);
	return eap;
}

// The question has been answered.
static void forget_asked(struct eap *eap)
{
	if (eap->asked)
		OPENSSL_cleanse(eap->asked, eap->credentials.eap_length);
	free(eap->asked);
	eap->asked = NULL;
	OPENSSL_cleanse(&eap->credentials, sizeof(eap->credentials));
}

void eap_free(struct eap *eap)
{
	if (!eap)
		return;
	forget_asked(eap);
	free(eap->passed);
	OPENSSL_cleanse(eap, sizeof(*eap));
	free(eap);
}

const uint8_t *eap_last(const struct eap *eap, size_t *length)
{
	*length = eap->last_length;
	return eap->passed ? eap->passed : eap->last;
}

const char *eap_state(const struct eap *eap)
{
	static const char *const words[] = {[STATE_NEW] = "new",
		[STATE_IDENTITY] = "identity",
		[STATE_PASSED] = "passed",
		[STATE_MSCHAP] = "mschapv2",
		[STATE_VERDICT] = "verdict",
		[STATE_SUCCESS] = "success",
		[STATE_FAILURE] = "failure",
		[STATE_OVER] = "over"};

	return words[eap->state];
}

// The packet in eap->last goes out.
static void sent(struct eap *eap, size_t length)
{
	free(eap->passed);
	eap->passed = NULL;
	eap->last_length = length;
	eap->events.send(eap->context, eap->last, length);
}

// A packet of the judge's goes out; false without memory.
static bool pass_on(struct eap *eap, const uint8_t *packet, size_t length)
{
	uint8_t *copy = malloc(length);

	if (!copy)
		return false;
	memcpy(copy, packet, length);
	free(eap->passed);
	eap->passed = copy;
	eap->last_length = length;
	eap->events.send(eap->context, copy, length);
	return true;
}

static void finish(struct eap *eap, bool good, bool passed)
{
	struct eap_result result = {.good = good,
		.passed = passed,
		.judged = eap->refused,
		.name = eap->name,
		.reason = good ? NULL : eap->reason,
		.msk = good && eap->has_msk ? eap->msk : NULL};

	eap->events.done(eap->context, &result);
}

// Our Success or Failure. The identifier is that of the last response (section 4.2).
static void tell_end(struct eap *eap, bool good)
{
	struct build b = build_in(eap->last, sizeof(eap->last));

	eap->state = STATE_OVER;
	eap_packet_begin(&b, good ? EAP_SUCCESS : EAP_FAILURE, eap->id, 0);
	sent(eap, eap_packet_end(&b));
}

static void over(struct eap *eap, bool good)
{
	tell_end(eap, good);
	finish(eap, good, false);
}

static void fail(struct eap *eap, const char *reason)
{
	snprintf(eap->reason, sizeof(eap->reason), "%s", reason);
	over(eap, false);
}

void eap_start(struct eap *eap)
{
	struct build b = build_in(eap->last, sizeof(eap->last));

	eap->state = STATE_IDENTITY;
	eap_packet_begin(&b, EAP_REQUEST, ++eap->id, EAP_IDENTITY);
	sent(eap, eap_packet_end(&b));
}

static void challenge(struct eap *eap)
{
	struct ppp_credentials *c = &eap->credentials;
	struct build b = build_in(eap->last, sizeof(eap->last));

	*c = (struct ppp_credentials){.method = PPP_AUTH_MSCHAPV2,
		.challenge_length = MSCHAP_CHALLENGE,
		.want_msk = eap->ways.want_msk};
	if (RAND_bytes(c->challenge, MSCHAP_CHALLENGE) != 1) {
		fail(eap, "no random numbers");
		return;
	}
	eap->state = STATE_MSCHAP;
	eap->challenge_id = ++eap->id;
	eap_mschap_begin(&b, eap->id, EAP_MSCHAP_CHALLENGE, eap->challenge_id);
	build_u8(&b, MSCHAP_CHALLENGE);
	build_bytes(&b, c->challenge, MSCHAP_CHALLENGE);
	build_bytes(&b, our_name, sizeof(our_name) - 1);
	sent(eap, eap_mschap_end(&b));
}

// A name of up to PPP_NAME - 1 bytes; what is behind a NUL is no part of it (section 5.1). 0 when
// it is too long.
static bool take_name(struct eap *eap, struct view name)
{
	size_t length = strnlen((const char *)name.at, view_left(&name));

	if (length >= PPP_NAME)
		return false;
	memset(eap->name, 0, sizeof(eap->name));
	view_copy(&name, eap->name, length);
	return true;
}

static void ask(struct eap *eap)
{
	eap->state = STATE_VERDICT;
	if (++eap->rounds > EAP_ROUNDS)
		fail(eap, "it takes too many rounds");
	else
		eap->events.ask(eap->context, &eap->credentials);
}

// Hands the peer's packet to the judge.
static void ask_to_pass(struct eap *eap, const uint8_t *packet, size_t length)
{
	struct ppp_credentials *c = &eap->credentials;

	*c = (struct ppp_credentials){.method = PPP_AUTH_EAP,
		.id = eap->id,
		.name_length = (uint16_t)strlen(eap->name),
		.want_msk = eap->ways.want_msk,
		.eap_length = (uint16_t)length};
	memcpy(c->name, eap->name, sizeof(c->name));
	eap->asked = malloc(length);
	if (!eap->asked) {
		fail(eap, "no memory");
		return;
	}
	memcpy(eap->asked, packet, length);
	c->eap = eap->asked;
	ask(eap);
}

static int on_identity(struct eap *eap, const struct eap_packet *p, const uint8_t *packet)
{
	if (p->type != EAP_IDENTITY || !take_name(eap, p->data))
		return -EBADMSG;
	if (eap->ways.pass)
		ask_to_pass(eap, packet, p->length);
	else
		challenge(eap);
	return 0;
}

// What the peer would do instead (section 5.3).
static int on_nak(struct eap *eap, const struct eap_packet *p)
{
	struct view wishes = p->data;
	uint8_t wish = view_left(&wishes) ? view_u8(&wishes) : 0;

	if (p->type == EAP_EXPANDED || wish == 0)
		snprintf(eap->reason, sizeof(eap->reason),
			"the peer does not want mschapv2, nor any method that we know");
	else
		snprintf(eap->reason, sizeof(eap->reason),
			"the peer does not want mschapv2 but EAP type %u%s", wish,
			wish == 13   ? " (tls)"
			: wish == 21 ? " (ttls)"
			: wish == 25 ? " (peap)"
			: wish == 4  ? " (md5)"
				     : "");
	over(eap, false);
	return 0;
}

static int on_response(struct eap *eap, struct eap_mschap *m)
{
	struct ppp_credentials *c = &eap->credentials;

	if (m->code != EAP_MSCHAP_RESPONSE || m->id != eap->challenge_id ||
		view_left(&m->value) != MSCHAP_RESPONSE || view_left(&m->name) == 0 ||
		!take_name(eap, m->name))
		return -EBADMSG;
	memcpy(c->name, eap->name, sizeof(c->name));
	c->name_length = strlen(eap->name);
	c->id = m->id;
	c->response_length = MSCHAP_RESPONSE;
	view_copy(&m->value, c->response, MSCHAP_RESPONSE);
	ask(eap);
	return 0;
}

static int on_mschap(struct eap *eap, const struct eap_packet *p)
{
	struct eap_mschap m;

	if (p->type == EAP_NAK || p->type == EAP_EXPANDED)
		return eap->state == STATE_MSCHAP ? on_nak(eap, p) : -EBADMSG;
	if (p->type != EAP_MSCHAPV2 || eap_mschap_parse(p->data, &m))
		return -EBADMSG;
	switch (eap->state) {
	case STATE_MSCHAP:
		return on_response(eap, &m);
	case STATE_SUCCESS:
		if (m.code == EAP_MSCHAP_SUCCESS)
			over(eap, true);
		else
			fail(eap, "the peer does not believe that we know its password");
		return 0;
	default: // the failure, whatever the peer says to it
		over(eap, false);
		return 0;
	}
}

int eap_input(struct eap *eap, const uint8_t *packet, size_t length)
{
	struct eap_packet p;

	if (eap_packet_parse(packet, length, &p) || p.code != EAP_RESPONSE || p.length > EAP_PACKET)
		return -EBADMSG;
	if (p.id != eap->id || eap->state == STATE_VERDICT || eap->state == STATE_OVER ||
		eap->state == STATE_NEW)
		return -EALREADY;
	if (eap->state == STATE_IDENTITY)
		return on_identity(eap, &p, packet);
	if (eap->state != STATE_PASSED)
		return on_mschap(eap, &p);
	ask_to_pass(eap, packet, p.length);
	return 0;
}

static void take_msk(struct eap *eap, const struct ppp_verdict *verdict)
{
	eap->has_msk = verdict->has_msk;
	if (verdict->has_msk)
		memcpy(eap->msk, verdict->msk, AUTH_MSK);
}

static void succeed(struct eap *eap, const struct ppp_verdict *verdict)
{
	struct build b = build_in(eap->last, sizeof(eap->last));

	take_msk(eap, verdict);
	eap->state = STATE_SUCCESS;
	eap_mschap_begin(&b, ++eap->id, EAP_MSCHAP_SUCCESS, eap->challenge_id);
	build_bytes(&b, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	sent(eap, eap_mschap_end(&b));
}

static void refuse(struct eap *eap, const struct ppp_verdict *verdict)
{
	struct build b = build_in(eap->last, sizeof(eap->last));
	char text[sizeof(verdict->message) + 64];

	eap->refused = !verdict->accepted;
	snprintf(eap->reason, sizeof(eap->reason), "refused");
	eap->state = STATE_FAILURE;
	eap_mschap_begin(&b, ++eap->id, EAP_MSCHAP_FAILURE, eap->challenge_id);
	build_bytes(&b, text,
		mschap_failure(verdict->mschap_error,
			verdict->accepted ? "Authentication failed" : verdict->message, text,
			sizeof(text)));
	sent(eap, eap_mschap_end(&b));
}

// What passes on: the judge's own Success or Failure where it is one, else ours.
static void decided(struct eap *eap, const struct ppp_verdict *verdict)
{
	bool good = verdict->accepted && (verdict->has_msk || !eap->ways.want_msk);
	struct eap_packet p;

	eap->refused = !verdict->accepted;
	if (good)
		take_msk(eap, verdict);
	else
		snprintf(eap->reason, sizeof(eap->reason), "%s",
			verdict->accepted ? "accepted, but without the key that is needed"
					  : "refused");
	eap->state = STATE_OVER;
	if (!verdict->eap || eap_packet_parse(verdict->eap, verdict->eap_length, &p) ||
		p.code != (good ? EAP_SUCCESS : EAP_FAILURE) || p.id != eap->id ||
		!pass_on(eap, verdict->eap, p.length))
		tell_end(eap, good);
	finish(eap, good, true);
}

// The judge's next request.
static void more(struct eap *eap, const struct ppp_verdict *verdict)
{
	struct eap_packet p;

	if (!verdict->eap || verdict->eap_length > EAP_PACKET ||
		eap_packet_parse(verdict->eap, verdict->eap_length, &p) || p.code != EAP_REQUEST) {
		fail(eap, "the server's packet makes no sense");
		return;
	}
	if (eap->ways.most && p.length > eap->ways.most) {
		fail(eap, "the server's packet is larger than the peer takes");
		return;
	}
	eap->id = p.id;
	eap->state = STATE_PASSED;
	if (!pass_on(eap, verdict->eap, p.length))
		fail(eap, "no memory");
}

static void answer_to_passed(struct eap *eap, const struct ppp_verdict *verdict)
{
	switch (verdict->turn) {
	case EAP_MORE:
		more(eap, verdict);
		break;
	case EAP_OURS:
		if (eap->rounds > 1)
			fail(eap, "a method of our own in the middle of another one");
		else if (eap->ways.ours)
			challenge(eap);
		else
			fail(eap, "a user of the config, and eap-mschapv2 is not allowed");
		break;
	default:
		decided(eap, verdict);
	}
}

int eap_answer(struct eap *eap, const struct ppp_verdict *verdict)
{
	bool passed = eap->credentials.method == PPP_AUTH_EAP;

	if (eap->state != STATE_VERDICT)
		return -EINVAL;
	forget_asked(eap);
	if (passed)
		answer_to_passed(eap, verdict);
	else if (verdict->accepted && (verdict->has_msk || !eap->ways.want_msk))
		succeed(eap, verdict);
	else
		refuse(eap, verdict);
	return 0;
}
