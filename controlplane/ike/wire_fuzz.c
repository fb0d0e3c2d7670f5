// SPDX-License-Identifier: Apache-2.0

// Every parser of wire.h on the same bytes; the first byte is the type of the first payload.

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_sa(struct span body)
{
	struct isakmp_sa sa;
	struct isakmp_attribute a;

	if (isakmp_sa_parse(body, &sa))
		return;
	for (size_t i = 0; i < sa.transform_count; i++)
		while (isakmp_attribute_next(&sa.transforms[i].attributes, &a))
			;
}

static void parse_body(struct span body)
{
	struct isakmp_id_body id;
	struct isakmp_notify_body notify;
	struct isakmp_delete_body delete;
	struct ip_address address;

	parse_sa(body);
	(void)isakmp_id_parse(body, &id);
	(void)isakmp_notify_parse(body, &notify);
	(void)isakmp_delete_parse(body, &delete);
	(void)isakmp_nat_oa_parse(body, &address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isakmp_header h;
	struct isakmp_chain chain;

	(void)isakmp_header_parse(data, size, &h);
	if (size == 0)
		return 0;
	parse_body(SPAN(data + 1, size - 1));
	if (isakmp_chain_parse(data[0], data + 1, size - 1, &chain))
		return 0;
	for (size_t i = 0; i < chain.count; i++)
		parse_body(chain.parts[i].body);
	return 0;
}
