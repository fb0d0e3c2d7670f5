// SPDX-License-Identifier: Apache-2.0
#pragma once

// CREATE_CHILD_SA (RFC 7296 section 1.3): a further pair, or a rekey.

#include "v2.h"

void create_input(struct v2_request *r);
// The child is there, or refused: the answer leaves.
void create_answer(struct v2_request *r);
