// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gateway: all modules of the control plane, made, joined to each other and to the event loop.
// It is the only place that knows them all.

#include "contract/config.h"

struct uv_loop_s;
struct gateway;

// Makes everything and opens the API's sockets.
// NULL after a line in the log. config must outlive it.
struct gateway *gateway_create(struct uv_loop_s *loop, const struct config *config);
// Begins to look for the dataplane. Called once privileges are gone. 0 or -errno.
int gateway_start(struct gateway *g);
// Says goodbye to all peers and gives the farewells a moment to go out; then the loop ends.
void gateway_stop(struct gateway *g);
// Closes the API's sockets; the loop has to run once more for their memory.
void gateway_close(struct gateway *g);
// After the loop has closed all handles.
void gateway_free(struct gateway *g);
