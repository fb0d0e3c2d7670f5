// SPDX-License-Identifier: Apache-2.0
#pragma once

// The log of the dataplane: one event, one line of JSON on standard error, as the control plane
// writes it. Main thread only: a worker prints nothing.

#include "contract/config.h"

//      name, word, level, meaning
#define LOG_EVENT_LIST(X) \
	X(READY, "dataplane-ready", LEVEL_INFO, "forwards, and waits for a control plane") \
	X(STOP, "dataplane-stop", LEVEL_INFO, "ends on request") \
	X(FAILED, "dataplane-failed", LEVEL_ERROR, "cannot start or go on, and what to do") \
	X(CHANNEL_UP, "channel-up", LEVEL_INFO, "a control plane has the channel") \
	X(CHANNEL_DOWN, "channel-down", LEVEL_WARNING, "no control plane any more") \
	X(CHANNEL_REFUSED, "channel-refused", LEVEL_WARNING, "a second control plane") \
	X(CHANNEL_BROKEN, "channel-broken", LEVEL_ERROR, "the control plane broke the contract") \
	X(COMMAND_REFUSED, "command-refused", LEVEL_WARNING, "a command that was not applied") \
	X(PORT_UP, "port-up", LEVEL_INFO, "a port is open") \
	X(PORT_LINK, "port-link", LEVEL_WARNING, "a port's link went up or down") \
	X(PORT_MULTICAST, "port-multicast", LEVEL_INFO, \
		"how a port receives multicast: filter, all-multicast, promiscuous, none") \
	X(NEIGHBOUR_UP, "neighbour-up", LEVEL_DEBUG, "a neighbour answers") \
	X(NEIGHBOUR_CONFLICT, "neighbour-conflict", LEVEL_WARNING, \
		"another host uses an own address")

#define LOG_ENUM(name, word, level, meaning) LOG_##name,
enum log_event { LOG_EVENT_LIST(LOG_ENUM) LOG_EVENT_COUNT };
#undef LOG_ENUM

void log_set_level(enum log_level level);

// format: "s:s, s:i" and so on, for the key and value pairs that follow: s text, i int,
// I long long, b int as boolean.
void log_event(enum log_event event, const char *format, ...);
