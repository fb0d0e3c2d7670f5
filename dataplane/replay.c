// SPDX-License-Identifier: Apache-2.0

// See replay.h.

#include "dataplane/replay.h"

size_t replay_blocks(uint16_t window)
{
	size_t blocks = 1;

	if (window == 0)
		return 0;
	while (blocks * 64 < (size_t)window + 64)
		blocks *= 2;
	return blocks;
}

void replay_init(struct replay *r, uint16_t window, uint64_t *blocks)
{
	size_t n = replay_blocks(window);

	*r = (struct replay){.blocks = blocks, .window = window, .mask = n ? n - 1 : 0};
}

// The blocks between the old top and the new one hold bits of numbers long gone.
static void replay_advance(struct replay *r, uint64_t sequence)
{
	uint64_t from = r->top >> 6, to = sequence >> 6;

	if (to - from > r->mask)
		from = to - r->mask - 1;
	while (from < to)
		r->blocks[++from & r->mask] = 0;
	r->top = sequence;
}

bool replay_accept_any(struct replay *r, uint64_t sequence)
{
	if (!replay_check(r, sequence))
		return false;
	if (r->window == 0)
		return true;
	if (sequence > r->top)
		replay_advance(r, sequence);
	r->blocks[sequence >> 6 & r->mask] |= UINT64_C(1) << (sequence & 63);
	return true;
}
