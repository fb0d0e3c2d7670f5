// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plays the control plane for a moment: takes the dataplane's channel, says RESET and makes the
// sessions of a population live. They stay, with nobody behind them, until the dataplane ends or a
// control plane connects.

#include "../population.h"

// Says on standard error what is wrong. 0, or -errno: -EBUSY a control plane holds the channel.
int install_population(const char *socket, const struct population *p);
