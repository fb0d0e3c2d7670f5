// SPDX-License-Identifier: Apache-2.0

// Header, AVPs, hidden AVPs and the decoded message from any bytes.

#include "message.h"
#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A value lies in the message or in what was revealed from it, and can be read.
static void touch(const struct message_bytes *bytes)
{
	for (uint16_t i = 0; i < bytes->length; i++)
		(void)*(const volatile uint8_t *)&bytes->at[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char secret[] = "tunnel secret";
	struct control_message m;
	struct message_end end;
	struct wire_header h;
	struct wire_avp avp;
	struct view v;

	if (wire_header_parse(data, size, &h))
		return 0;
	for (v = h.avps; wire_avp_next(&v, &avp) > 0;)
		touch(&(struct message_bytes){avp.value, avp.length});
	message_parse(h.avps, secret, sizeof(secret) - 1, &m);
	message_end(&m, &end);
	touch(&m.host_name);
	touch(&m.challenge);
	touch(&m.calling);
	touch(&m.proxy_response);
	touch(&m.accm);
	if (m.plain_used > sizeof(m.plain))
		abort();
	return 0;
}
