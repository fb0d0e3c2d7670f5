// SPDX-License-Identifier: Apache-2.0
#pragma once

// A server with made-up objects, in a process of its own, for the tests of the API and of the CLI.

#include "api.h"

#include <sys/types.h>

enum { API_FAKE_SUBSCRIBERS = 3 }; // ids 7, 8, 9: alice twice, then one with a hostile name

struct api_fake {
	pid_t pid;
	char folder[64];
	char socket[128];
	uint16_t port; // of 127.0.0.1
};

// Starts it and waits until it listens. Fails the test when it does not.
void api_fake_start(struct api_fake *fake);
// Ends it and removes its folder. Returns its exit code: 0 when all was well.
int api_fake_stop(struct api_fake *fake);
