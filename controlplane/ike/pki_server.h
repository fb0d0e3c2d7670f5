// SPDX-License-Identifier: Apache-2.0
#pragma once

// A server of CRLs and OCSP answers for unit tests, on a thread of its own, on loopback.

#include "wire.h"

// What is served at "/NAME" from now on, whatever is asked; the bytes must stay. length 0: 404.
void pki_server_put(const char *name, struct span bytes);
// Starts it. All other calls but pki_server_put follow.
void pki_server_start(void);
void pki_server_stop(void);
// "http://127.0.0.1:PORT/NAME", valid until the next call.
const char *pki_server_address(const char *name);
unsigned pki_server_requests(void);
