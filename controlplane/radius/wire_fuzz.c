// SPDX-License-Identifier: Apache-2.0

// A packet of any bytes is walked, proven and revealed; what it holds is written again and must
// then be read as the same attributes, and be proven.

#include "wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct radius_secret secret = {"xyzzy5461", 9};

static void write_again(const struct radius_packet *p)
{
	static const uint8_t request[RADIUS_AUTHENTICATOR] = {1};
	static struct radius_build b;
	struct radius_cursor was = {0}, is = {0};
	struct radius_attribute x, y;
	struct radius_packet again;

	if (radius_begin(&b, RADIUS_ACCOUNTING_RESPONSE, &secret))
		abort();
	while (radius_next(p, &was, &x)) {
		if (x.vendor)
			radius_put_vendor(&b, x.vendor, (uint8_t)x.type, x.value, x.length);
		else if (x.type != 79 && x.type != 80)
			radius_put(&b, (uint8_t)x.type, x.value, x.length);
	}
	if (radius_finish(&b, p->id, request) < 0)
		return; // each attribute of a vendor has a header of its own now
	if (radius_parse(b.bytes, b.length, &again) ||
		radius_prove_reply(&again, request, &secret, false) != RADIUS_PROVEN)
		abort();
	was = (struct radius_cursor){0};
	while (radius_next(p, &was, &x)) {
		if (!x.vendor && (x.type == 79 || x.type == 80))
			continue;
		if (!radius_next(&again, &is, &y) || x.vendor != y.vendor || x.type != y.type ||
			x.length != y.length || memcmp(x.value, y.value, x.length) != 0)
			abort();
	}
	if (radius_next(&again, &is, &y))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1), clear[RADIUS_VALUE];
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	struct radius_packet p;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (radius_parse(copy, size, &p) == 0) {
		while (radius_next(&p, &cursor, &a)) {
			if (a.length > RADIUS_VALUE || a.value + a.length > copy + p.length)
				abort();
			if (radius_reveal(a.value, a.length, p.authenticator, &secret, clear, 64) >
				64)
				abort();
		}
		(void)radius_prove_reply(&p, p.authenticator, &secret, true);
		(void)radius_prove_request(&p, &secret, false);
		write_again(&p);
	}
	free(copy);
	return 0;
}
