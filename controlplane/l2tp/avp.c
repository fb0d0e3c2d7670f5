// SPDX-License-Identifier: Apache-2.0

#include "avp.h"

#include "message.h"

#include <stddef.h>

#define SPEC(number, name_, text, least_, most_, kind_, field, messages_) \
	[number] = {.name = text, \
		.least = least_, \
		.most = most_, \
		.kind = kind_, \
		.offset = offsetof(struct control_message, field), \
		.messages = messages_},
static const struct avp_spec specs[AVP_NUMBERS] = {AVP_LIST(SPEC)};
#undef SPEC

static const struct avp_spec dsl = {
	.name = "access line information", .most = 1017, .kind = AVP_IGNORED, .messages = AVP_ANY};

const struct avp_spec *avp_find(uint16_t vendor, uint16_t type)
{
	if (vendor == AVP_VENDOR_DSL)
		return &dsl;
	if (vendor != AVP_VENDOR_IETF || type >= AVP_NUMBERS || !specs[type].name)
		return NULL;
	return &specs[type];
}

const char *avp_message_name(uint16_t type)
{
	static const char *const names[] = {
		[MESSAGE_SCCRQ] = "SCCRQ",
		[MESSAGE_SCCRP] = "SCCRP",
		[MESSAGE_SCCCN] = "SCCCN",
		[MESSAGE_STOPCCN] = "StopCCN",
		[MESSAGE_HELLO] = "HELLO",
		[MESSAGE_OCRQ] = "OCRQ",
		[MESSAGE_OCRP] = "OCRP",
		[MESSAGE_OCCN] = "OCCN",
		[MESSAGE_ICRQ] = "ICRQ",
		[MESSAGE_ICRP] = "ICRP",
		[MESSAGE_ICCN] = "ICCN",
		[MESSAGE_CDN] = "CDN",
		[MESSAGE_WEN] = "WEN",
		[MESSAGE_SLI] = "SLI",
		[MESSAGE_CSUN] = "CSUN",
		[MESSAGE_CSURQ] = "CSURQ",
	};

	if (type >= sizeof(names) / sizeof(names[0]) || !names[type])
		return "unknown";
	return names[type];
}
