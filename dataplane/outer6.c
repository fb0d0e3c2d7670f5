// SPDX-License-Identifier: Apache-2.0

#include "dataplane/outer6.h"

#include <errno.h>

static bool is_some(const struct ip_address *a)
{
	static const uint8_t none[16];

	return memcmp(a->bytes, none, a->version == IP_V4 ? 4 : 16) != 0;
}

bool outer_valid(const struct ip_address *local, const struct ip_address *remote)
{
	return local->version == remote->version &&
	       (local->version == IP_V4 || local->version == IP_V6) && is_some(local) &&
	       is_some(remote);
}

int outer6_create(const struct ip_address *local, const struct ip_address *remote,
	uint16_t remote_port, struct outer6 **out)
{
	struct outer6 *o;

	*out = NULL;
	if (local->version != IP_V6)
		return 0;
	o = table_alloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	memcpy(o->local, local->bytes, 16);
	memcpy(o->remote, remote->bytes, 16);
	o->remote_port = remote_port;
	*out = o;
	return 0;
}
