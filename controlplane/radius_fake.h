// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a unit test sees of radius/client.h when it links radius_fake.c instead: the one request
// that is on the way, and a hand on its answer.

#include "controlplane/radius/client.h"

// There are servers from now on, or there are none, as at first.
void fake_radius_there(bool there);
// What a RADIUS server is asked now, its attributes in *out; NULL: nothing.
const struct radius_call *fake_radius_asked(struct radius_packet *out);
// Answers it, with a packet that is begun but not finished (NULL without an answer), as that
// server.
void fake_radius_answer(enum radius_outcome outcome, struct radius_build *reply, uint16_t server);
