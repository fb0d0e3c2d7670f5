// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between install.c and install_groups.c; nobody else includes this.

#include "install.h"

#include <stdbool.h>

// A channel is there, and RESET is posted: says all filters and groups again. Or it is gone.
void install_groups_up(void);
void install_groups_down(void);
// An answer has come: there may be room for more.
void install_groups_more(void);
// Has everything been said and answered? Until then no subscriber is opened.
bool install_groups_done(void);

// Has the dataplane refused that group?
bool install_group_refused(uint16_t group);

// In install.c: posts a command now, or not at all; -ENOTCONN, -ENOBUFS.
int install_post(uint32_t type, const void *body, uint32_t size, install_done done, void *context);
// In install.c: install_groups_done has become true.
void install_open_waiting(void);
