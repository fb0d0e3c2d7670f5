// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pairs of ESP SAs: made by quick mode, installed, and taken away again.

#include "controlplane/install.h"
#include "state.h"

// A pair with an SPI of ours, for an exchange of that SA's peer. NULL when the table is full.
struct esp_pair *pair_create(struct ike_sa *sa, const struct esp_form *form);
// Bytes of KEYMAT that one SA of that form takes: cipher key, salt, integrity key, in this order.
size_t pair_key_size(const struct esp_form *form);
enum { PAIR_KEY_MAX = LIMIT_CIPHER_KEY + LIMIT_SALT + LIMIT_INTEGRITY_KEY };
// Gives the dataplane the pair with the keys of our inbound and our outbound SA, at the place where
// the peer is; done(context, error) follows, unless this fails. Only once for a pair.
int pair_install(struct esp_pair *pair, const struct flow *flow, const uint8_t *in,
	const uint8_t *out, install_done done, void *context);
// The peer has it: the pair is its newest, and outbound moves to it. lifetime_ms is what was
// agreed; pair->agreed and pair->replaces hold from now on. Reports sa_current, so nothing of the
// peer may be taken for granted afterwards.
void pair_confirm(struct esp_pair *pair, uint64_t lifetime_ms);
// It ends LIFETIME_GRACE_MS from now, if it is still there, for that reason: a limit is passed.
void pair_shorten(struct esp_pair *pair, const char *cause);
// Takes it from its peer and the dataplane. When outbound left through it, it moves to another
// confirmed pair, or the peer is reported down; the peer may be gone after that.
void pair_remove(struct esp_pair *pair, const char *cause);
// The same without reporting anything: the peer goes, or the pair was never confirmed.
void pair_drop(struct esp_pair *pair, const char *cause);
// The peer is elsewhere: both SAs go on from there (RFC 4555 section 3.5). encapsulation: enum
// esp_encapsulation.
void pair_move(struct esp_pair *pair, const struct flow *flow, uint8_t encapsulation);
struct log_subject pair_subject(const struct esp_pair *pair);
// NULL when there is none of this SPI.
struct esp_pair *pair_find(const struct ike *ike, uint32_t spi_in);
