// SPDX-License-Identifier: Apache-2.0
#pragma once

// What dataplane.c tells install.c of the channel; nobody else calls these.

#include "contract/messages.h"

#include <stdint.h>

// A fresh channel: posts RESET. The old one is gone: every pending answer is -ENOTCONN.
void install_channel_up(void);
void install_channel_down(void);
// The answer to the oldest command; -EPROTO when request is not that one's.
int install_reply(uint64_t request, const struct event_reply *reply);
