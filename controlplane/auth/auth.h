// SPDX-License-Identifier: Apache-2.0
#pragma once

// Checks a peer's answer against a password that is known in clear: the users of the config.
// Pure but for the random numbers it is given. Comparison takes the same time whatever differs.

#include "credentials.h"

// Fills *verdict, for MS-CHAPv2 with the authenticator response (RFC 2759 section 8.7) and, where
// they are wanted, with the keys.
// Returns 0; -EINVAL when the credentials are no such method's.
int auth_check(const struct ppp_credentials *credentials, const char *password,
	struct ppp_verdict *verdict);
