// SPDX-License-Identifier: Apache-2.0
#pragma once

// The commands of the control plane (contract/messages.h), as the clerk applies them.

#include "contract/messages.h"

#include "dataplane/clerk.h"

// Looks at number and size, then at nothing else before the function that knows the body: 0 or the
// -errno of the reply; -ENOSYS no such command, -EMSGSIZE a body of another size. *value is that of
// the reply.
int command_apply(const struct clerk *c, const struct message *m, uint32_t *value);
