// SPDX-License-Identifier: Apache-2.0
#pragma once

// The authentication phase (RFC 1661 section 3.5): what PAP and CHAP have in common. One question
// at a time is with the caller; the answer that the peer got is kept and repeated whenever the
// peer, which may not have heard it, says the same again.

#include "ppp.h"
#include "wire.h"

enum {
	AUTH_CHALLENGE = 16, // bytes, for both kinds of CHAP (RFC 2759 section 3)
	AUTH_ANSWER = WIRE_PROTOCOL + WIRE_HEADER + 1 + 255, // bytes of an answer at most
};

struct authenticate {
	struct timer timer; // until the peer says who it is
	uint16_t left;      // how often that may fire
	uint8_t method;     // enum ppp_auth, 0 = not in this phase
	uint8_t id;         // of our Challenge, or of the newest PAP request
	bool asking;        // the caller has *asked
	bool stale;         // and its answer is of no interest any more
	uint8_t challenge[AUTH_CHALLENGE];
	struct ppp_credentials *asked; // the caller may look at it until it answers
	struct ppp_credentials *next;  // to be asked when a stale answer has come
	uint8_t *answer;               // the whole packet that the peer got, or NULL
	uint16_t answer_length;
};

struct ppp;

void authenticate_start(struct ppp *ppp, unsigned method);
// Forgets all but a question that is with the caller.
void authenticate_stop(struct ppp *ppp);
void authenticate_free(struct ppp *ppp);
void authenticate_verdict(struct ppp *ppp, const struct ppp_verdict *verdict);

// For pap.c and chap.c. Takes over the credentials.
void authenticate_ask(struct ppp *ppp, struct ppp_credentials *credentials);
// Fills in method, id and name; NULL when the name is too long or memory is out.
struct ppp_credentials *authenticate_credentials(struct ppp *ppp, uint8_t id, struct view name);
// Sends the answer that the peer got before once more, under this identifier.
void authenticate_repeat(struct ppp *ppp, uint8_t id);

void pap_input(struct ppp *ppp, struct view packet);
void pap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out);
// A new challenge; false without random numbers.
bool chap_start(struct ppp *ppp);
void chap_challenge(struct ppp *ppp);
void chap_input(struct ppp *ppp, struct view packet);
void chap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out);
