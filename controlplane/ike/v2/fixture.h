// SPDX-License-Identifier: Apache-2.0
#pragma once

// The fixture of version 1 with what version 2 has beside it: the AEAD ciphers, x25519, cookies
// from 1,000 half-open SAs on.

#include "controlplane/ike/v1/fixture.h"
#include "initiator.h"

int fixture_v2_setup(void **state);
int fixture_v2_teardown(void **state);
uint64_t half_open(void);
