// SPDX-License-Identifier: Apache-2.0

// The verdict of an Access-Accept, Access-Reject or Access-Challenge. Pure. Whether the packet is
// the server's has been proven before.

#include "reply.h"
#include "types.h"

#include "controlplane/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum {
	MSCHAP_WRONG = 691,    // ERROR_AUTHENTICATION_FAILURE (RFC 2759 section 6)
	MSCHAP_PROOF = 2 + 40, // bytes of "S=" and 40 hexadecimal digits
	MSK_SHORT = 16,
	MSK_LONG = 32, // bytes of each half: of MS-CHAPv2, of other methods of EAP
};

// ---- pieces

static bool find_vendor(
	const struct radius_packet *p, uint32_t vendor, uint16_t type, struct radius_attribute *out)
{
	struct radius_cursor cursor = {0};

	while (radius_next(p, &cursor, out))
		if (out->vendor == vendor && out->type == type)
			return true;
	return false;
}

static uint16_t take_eap(const struct radius_packet *p, uint8_t out[REPLY_EAP])
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	size_t n = 0;

	// All of them have room: together they are shorter than their packet.
	while (radius_next(p, &cursor, &a))
		if (!a.vendor && a.type == RADIUS_EAP_MESSAGE && n + a.length <= REPLY_EAP) {
			memcpy(out + n, a.value, a.length);
			n += a.length;
		}
	return (uint16_t)n;
}

// Keys of one direction: 16 or 32 bytes, or 0 when there are none.
static int reveal_key(const struct radius_result *result, uint16_t type, uint8_t out[MSK_LONG])
{
	struct radius_attribute a;
	int n;

	if (!find_vendor(result->reply, VENDOR_MICROSOFT, type, &a))
		return 0;
	n = radius_reveal(a.value, a.length, result->authenticator, &result->secret, out, MSK_LONG);
	return n == MSK_SHORT || n == MSK_LONG ? n : 0;
}

// RFC 5216 section 2.3, and RFC 3079 for the short ones: what we receive with comes first.
static void take_msk(const struct radius_result *result, struct ppp_verdict *v)
{
	uint8_t recv[MSK_LONG], send[MSK_LONG];
	int n = reveal_key(result, MS_MPPE_RECV_KEY, recv);

	if (n && reveal_key(result, MS_MPPE_SEND_KEY, send) == n) {
		memcpy(v->msk, recv, (size_t)n);
		memcpy(v->msk + n, send, (size_t)n);
		v->has_msk = true;
	}
	OPENSSL_cleanse(recv, sizeof(recv));
	OPENSSL_cleanse(send, sizeof(send));
}

// "S=" and 40 hexadecimal digits for the challenge of that identifier, then perhaps a message.
static bool take_mschap_success(
	const struct radius_packet *p, const struct ppp_credentials *c, struct ppp_verdict *v)
{
	struct radius_attribute a;

	if (!find_vendor(p, VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, &a) ||
		a.length < 1 + MSCHAP_PROOF || a.value[0] != c->id ||
		memcmp(a.value + 1, "S=", 2) != 0)
		return false;
	for (size_t i = 1 + 2; i < 1 + MSCHAP_PROOF; i++)
		if (!isxdigit(a.value[i]))
			return false;
	(void)log_text(a.value + 1, a.length - 1, v->message, sizeof(v->message));
	return true;
}

// "E=691 R=0 C=... V=3 M=text" behind an identifier (RFC 2548 section 2.1.5): the number counts.
static uint16_t mschap_error(const struct radius_packet *p)
{
	char text[RADIUS_VALUE + 1];
	struct radius_attribute a;
	const char *at;
	unsigned long number;

	if (!find_vendor(p, VENDOR_MICROSOFT, MS_CHAP_ERROR, &a) || a.length < 1)
		return MSCHAP_WRONG;
	(void)log_text(a.value + 1, a.length - 1, text, sizeof(text));
	at = strstr(text, "E=");
	number = at && isdigit((unsigned char)at[2]) ? strtoul(at + 2, NULL, 10) : 0;
	return number && number <= UINT16_MAX ? (uint16_t)number : MSCHAP_WRONG;
}

static void take_message(const struct radius_packet *p, struct reply_verdict *out)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	size_t n = 0;

	// RFC 2865 section 5.18: several are shown one after the other.
	while (radius_next(p, &cursor, &a))
		if (!a.vendor && a.type == RADIUS_REPLY_MESSAGE && n + 1 < sizeof(out->message)) {
			if (n)
				out->message[n++] = ' ';
			(void)log_text(
				a.value, a.length, out->message + n, sizeof(out->message) - n);
			n += strlen(out->message + n);
		}
}

static void take_state(const struct radius_packet *p, struct reply_verdict *out)
{
	struct radius_attribute a;

	if (!radius_find(p, RADIUS_STATE, &a))
		return;
	memcpy(out->state, a.value, a.length);
	out->state_length = (uint16_t)a.length;
}

// RFC 2865 section 5.6: a service that we do not know is a refusal.
static bool is_our_service(const struct radius_packet *p)
{
	struct radius_attribute a;
	struct view v;

	if (!radius_find(p, RADIUS_SERVICE_TYPE, &a))
		return true;
	v = view_of(a.value, a.length);
	return view_u32(&v) == SERVICE_FRAMED && !v.failed && view_left(&v) == 0;
}

// ---- verdicts

static void refuse(struct reply_verdict *out, const char *reason)
{
	out->verdict.accepted = false;
	out->reason = reason;
	if (!out->verdict.mschap_error)
		out->verdict.mschap_error = MSCHAP_WRONG;
	snprintf(out->verdict.message, sizeof(out->verdict.message), "%s", out->message);
}

static void accept(const struct radius_result *result, const struct ppp_credentials *c,
	struct reply_verdict *out)
{
	struct ppp_verdict *v = &out->verdict;

	if (!is_our_service(result->reply)) {
		v->eap_length = 0; // the Success that is no longer true
		refuse(out, "the RADIUS server allows another service (Service-Type)");
		return;
	}
	if (c->method == PPP_AUTH_MSCHAPV2) {
		if (!take_mschap_success(result->reply, c, v)) {
			refuse(out, "the RADIUS server's Access-Accept has no MS-CHAP2-Success");
			return;
		}
	} else {
		snprintf(v->message, sizeof(v->message), "%s", out->message);
	}
	v->accepted = true;
	if (c->want_msk)
		take_msk(result, v);
}

static void challenge(
	const struct radius_packet *p, const struct ppp_credentials *c, struct reply_verdict *out)
{
	if (c->method != PPP_AUTH_EAP) {
		refuse(out, "the RADIUS server asks for more, which only EAP can answer");
	} else if (out->verdict.eap_length == 0) {
		refuse(out, "the RADIUS server's Access-Challenge has no EAP-Message");
	} else {
		take_state(p, out);
		out->verdict.turn = EAP_MORE;
	}
}

static const char *no_answer(enum radius_outcome outcome)
{
	switch (outcome) {
	case RADIUS_NO_SERVER:
		return "no RADIUS server lives";
	case RADIUS_NO_ANSWER:
		return "no RADIUS server has answered";
	default:
		return "the RADIUS server could not be asked";
	}
}

void reply_verdict(const struct radius_result *result, const struct ppp_credentials *credentials,
	struct reply_verdict *out)
{
	memset(out, 0, sizeof(*out));
	if (result->outcome != RADIUS_ANSWERED) {
		refuse(out, no_answer(result->outcome));
		return;
	}
	take_message(result->reply, out);
	if (credentials->method == PPP_AUTH_EAP) {
		out->verdict.eap_length = take_eap(result->reply, out->eap);
		out->verdict.eap = out->eap;
	}
	switch (result->reply->code) {
	case RADIUS_ACCESS_ACCEPT:
		accept(result, credentials, out);
		break;
	case RADIUS_ACCESS_CHALLENGE:
		challenge(result->reply, credentials, out);
		break;
	case RADIUS_ACCESS_REJECT:
		out->verdict.mschap_error = mschap_error(result->reply);
		refuse(out, "the RADIUS server refuses");
		break;
	default:
		refuse(out, "the RADIUS server's answer is none to an Access-Request");
	}
}
