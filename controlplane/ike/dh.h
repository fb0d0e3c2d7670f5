// SPDX-License-Identifier: Apache-2.0
#pragma once

// Our half of a Diffie-Hellman exchange, worked out off the event loop: a fresh key pair and the
// secret that it shares with the peer's public value.

#include "group.h"

struct dh_job {
	unsigned group;
	struct ike_dh *own; // our key pair
	bool has_peer;      // the secret is wanted
	uint8_t peer[IKE_DH_MAX];
	uint8_t public[IKE_DH_MAX];
	uint8_t secret[IKE_DH_MAX]; // ike_group_secret_size bytes
	int error;                  // 0 or -EINVAL
	struct dh_job **slot;       // of the owner; NULL when it has gone
	void (*done)(void *owner, const struct dh_job *job);
	void *owner;
};

// Puts the job into *slot; later, or at once, empties the slot and calls done(owner, job), and
// wipes the job after. 0, -EINVAL for a public value of wrong length, -ENOMEM, -EAGAIN.
int dh_start(struct dh_job **slot, unsigned group, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner);
// The same for a peer that has proven who it is: goes before what strangers wait for.
int dh_start_known(struct dh_job **slot, unsigned group, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner);
// The same in two steps, for who speaks first, and known as well. After the first there is job->own
// and no secret: who needs it for the second holds it (ike_dh_hold), and frees it later.
int dh_begin(struct dh_job **slot, unsigned group,
	void (*done)(void *owner, const struct dh_job *job), void *owner);
int dh_finish(struct dh_job **slot, unsigned group, struct ike_dh *own, struct span peer,
	void (*done)(void *owner, const struct dh_job *job), void *owner);
// The owner goes away: done is not called any more. *slot may be empty.
void dh_abandon(struct dh_job **slot);
