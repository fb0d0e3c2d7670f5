// SPDX-License-Identifier: Apache-2.0

// Fragments in any order and with any contradiction: a length byte, then a payload's body, again
// and again. What is complete is cut and put together once more.

#include "fragment.h"

#include "contract/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const uint8_t *message, size_t length, size_t piece)
{
	static uint8_t out[LIMIT_IKE_MESSAGE + 64];
	unsigned count = fragment_count(length, piece);
	struct fragment_box box = {0};
	struct isakmp_header h;
	size_t again;
	uint8_t *bytes;

	if (count == 0 || isakmp_header_parse(message, length, &h))
		return;
	for (unsigned n = count; n > 0; n--) {
		size_t written =
			fragment_write(message, length, piece, n, count, 1, out, sizeof(out));
		struct isakmp_chain chain;
		struct fragment f;

		if (written == 0 || isakmp_header_parse(out, written, &h) ||
			isakmp_chain_parse(
				h.next, out + ISAKMP_HEADER, written - ISAKMP_HEADER, &chain) ||
			fragment_parse(chain.parts[0].body, &f) || fragment_add(&box, &f))
			__builtin_trap();
	}
	if (!fragment_complete(&box))
		__builtin_trap();
	bytes = fragment_take(&box, &again);
	if (bytes && (again != length || memcmp(bytes, message, length) != 0))
		__builtin_trap();
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fragment_box box = {0};
	struct fragment f;

	if (size > 0)
		round_trip(data, size, data[0]);
	while (size > 1) {
		size_t n = data[0] < size - 1 ? data[0] : size - 1;

		if (fragment_parse(SPAN(data + 1, n), &f) == 0)
			(void)fragment_add(&box, &f);
		if (box.bytes > LIMIT_IKE_MESSAGE || box.count > FRAGMENTS)
			__builtin_trap();
		if (fragment_complete(&box)) {
			size_t length;

			free(fragment_take(&box, &length));
		}
		data += n + 1;
		size -= n + 1;
	}
	fragment_box_empty(&box);
	return 0;
}
