// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between aaa.c and aaa_radius.c; nobody else includes this.

#include "aaa.h"

enum {
	BUCKETS = 4096,  // questions that wait are thousands at most
	AAA_STATE = 253, // bytes of a State
};

struct question {
	struct question *next;
	struct aaa *aaa;
	const struct aaa_subject *subject;
	const struct ppp_credentials *credentials; // NULL: it is answered, the conversation goes on
	aaa_done done;
	void *context;
	unsigned source; // place in radius.auth
	uint16_t server; // that sent the state
	uint8_t state[AAA_STATE];
	uint16_t state_length;
};

struct aaa {
	const struct config *config;
	const struct users *users;
	struct radius *radius;
	struct question *buckets[BUCKETS];
};

// It is answered; only a conversation that goes on is kept.
void question_answer(struct question *q, const struct aaa_answer *a);
void question_refuse(struct question *q, const char *source, const char *reason, bool unreachable);
// This source cannot be asked: the next one is, or it is refused for that reason.
void question_next(struct question *q, const char *reason);

void question_ask_radius(struct question *q);
void question_forget_radius(struct question *q);
