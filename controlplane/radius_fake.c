// SPDX-License-Identifier: Apache-2.0

// For unit tests of those who only link radius/client.h: there is no server.

#include "radius/client.h"

#include <errno.h>

int radius_send(struct radius *radius, const struct radius_call *call)
{
	return -ENOBUFS;
}

void radius_forget(struct radius *radius, const void *context)
{
}

bool radius_alive(const struct radius *radius, enum radius_kind kind)
{
	return false;
}
