// SPDX-License-Identifier: Apache-2.0

#include "numbers.h"

#include "contract/limits.h"

#include <errno.h>
#include <sys/random.h>

int numbers_open(struct numbers *n, uint32_t sessions)
{
	uint32_t start;
	int error;

	*n = (struct numbers){0};
	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		return -EIO;
	error = idpool_open(&n->tunnels, 1, LIMIT_TUNNELS - 1, start);
	if (error == 0)
		error = idpool_open(&n->sessions, 0, sessions, 0);
	if (error)
		numbers_close(n);
	return error;
}

void numbers_close(struct numbers *n)
{
	idpool_close(&n->tunnels);
	idpool_close(&n->sessions);
}
