// SPDX-License-Identifier: Apache-2.0
#pragma once

// Slow arithmetic (Diffie-Hellman, signatures) off the event loop. run is called on another thread
// and may touch nothing but its own context; done is called on the loop afterwards.
// In a unit test work_post is linked from work_now.c, which calls both at once, or later by hand.

#include <stdbool.h>
#include <stdint.h>

// Returns 0, or -EAGAIN when the queue is full: then neither is ever called.
int work_post(void (*run)(void *context), void (*done)(void *context), void *context);
// The same for peers that have proven who they are: goes before all that waits of the others.
int work_post_known(void (*run)(void *context), void (*done)(void *context), void *context);
// The same for what waits for somebody else, as for a fetch: it keeps no arithmetic waiting.
int work_post_slow(void (*run)(void *context), void (*done)(void *context), void *context);
// So much waits that nothing new should be begun for strangers.
bool work_is_full(void);
