// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rekey of an IKE SA by either side (RFC 7296 sections 1.3.2, 2.18, 2.8.2).

#include "v2.h"

// A request of CREATE_CHILD_SA that offers an IKE SA.
void rekey_sa_input(struct v2_request *r);
// Its pairs are those of another one, or will be.
bool rekey_sa_has_successor(const struct ike_sa *sa);
// For struct ike_version.
int v2_rekey_sa(struct ike_sa *sa);
