// SPDX-License-Identifier: Apache-2.0
#pragma once

// What somebody would like to forbid, as words: the algorithms of the config in its own words, with
// or without dashes ("modp1024", "modp-1024"), and what is more than one of them ("sha1" of the IKE
// SA and of ESP), "ikev1", "ikev2", "psk" and other words for a way to prove who one is. Pure.

#include "config.h"

struct forbidden {
	uint64_t encryption, hash, group; // bit n: enum value n, of the IKE SA; groups of PFS too
	uint64_t cipher, integrity;       // of ESP
	bool version[3];                  // of IKE: 1, 2
	bool psk, certificate, eap;       // ways to prove who one is
};

enum { FORBIDDEN_WORD = 48 }; // bytes with the final NUL

// Words with commas between them. -EINVAL for a word that means nothing, which goes to wrong, cut
// and made printable, and for none.
int forbidden_parse(const char *words, struct forbidden *out, char wrong[FORBIDDEN_WORD]);
// Takes all of it out of the lists and out of what `legacy` allows.
void forbidden_apply(const struct forbidden *f, struct config_ike *config);
// Whether it is forbidden to prove it in that way: "psk", "rsa-signature", "eap-mschapv2", ...
bool forbidden_auth(const struct forbidden *f, const char *auth);
