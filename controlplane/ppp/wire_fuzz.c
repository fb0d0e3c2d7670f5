// SPDX-License-Identifier: Apache-2.0

// A control packet from a stranger. What is parsed stays within the packet, and a list of options
// that is well formed comes out as it went in.

#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct view *v, const uint8_t *data, size_t size)
{
	if (v->at > v->end || (view_left(v) && (v->at < data || v->end > data + size)))
		abort();
}

static void options(struct view body)
{
	static uint8_t bytes[65536];
	struct build out = build_in(bytes, sizeof(bytes));
	struct view list = body;
	struct wire_option option;

	if (!wire_options_valid(body))
		return;
	while (wire_option_next(&list, &option) > 0)
		wire_option_copy(&out, &option);
	if (out.failed || build_length(&out) != view_left(&body) ||
		(view_left(&body) && memcmp(bytes, body.at, view_left(&body)) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_control control;
	struct wire_pap pap;
	struct wire_chap chap;

	if (wire_control_parse(view_of(data, size), &control) < 0)
		return 0;
	inside(&control.body, data, size);
	options(control.body);
	if (wire_pap_parse(control.body, &pap) == 0) {
		inside(&pap.name, data, size);
		inside(&pap.password, data, size);
	}
	if (wire_chap_parse(control.body, &chap) == 0) {
		inside(&chap.value, data, size);
		inside(&chap.name, data, size);
		if (view_left(&chap.value) == 0)
			abort();
	}
	return 0;
}
