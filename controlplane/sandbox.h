// SPDX-License-Identifier: Apache-2.0
#pragma once

// Least privilege: this process parses all that strangers send.

#include "contract/config.h"

// Becomes that user (and its groups), when we are root and user is not empty. Nothing can be
// gained again: no capabilities, no_new_privs. Returns 0, or -errno after a line in the log.
int sandbox_drop(const char *user);
// From now on only the system calls of the list in sandbox.c; any other one fails with EPERM. A
// network socket can be made only where config has RADIUS servers, or authorities whose CRLs or
// OCSP responders may have to be asked.
int sandbox_filter(const struct config *config);
