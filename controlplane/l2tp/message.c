// SPDX-License-Identifier: Apache-2.0

#include "message.h"

#include "hidden.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct decoder {
	struct control_message *m;
	struct hidden_key key;
};

void message_wrong(struct control_message *m, enum general_error error, const char *format, ...)
{
	va_list arguments;

	if (m->wrong)
		return;
	m->wrong = error;
	va_start(arguments, format);
	vsnprintf(m->wrong_text, sizeof(m->wrong_text), format, arguments);
	va_end(arguments);
}

static void decode_unknown(struct decoder *d, const struct wire_avp *avp)
{
	if (avp->mandatory)
		message_wrong(d->m, ERROR_UNKNOWN_AVP, "unknown mandatory AVP %u of vendor %u",
			avp->type, avp->vendor);
}

// The value of the AVP, revealed if it is hidden. False: it cannot be had, which is an error when
// the AVP is mandatory.
static bool decode_value(
	struct decoder *d, const struct wire_avp *avp, const char *name, struct view *out)
{
	struct control_message *m = d->m;

	*out = view_of(avp->value, avp->length);
	if (!avp->hidden)
		return true;
	if (d->key.secret_length == 0 || !d->key.vector) {
		if (avp->mandatory)
			message_wrong(m, ERROR_VALUE, "AVP %u (%s) is hidden without %s", avp->type,
				name, d->key.vector ? "a tunnel secret" : "a Random Vector");
		return false;
	}
	if (avp->length > sizeof(m->plain) - m->plain_used)
		return false;
	if (hidden_reveal(
		    &d->key, avp->type, avp->value, avp->length, m->plain + m->plain_used, out)) {
		if (avp->mandatory)
			message_wrong(m, ERROR_LENGTH, "hidden AVP %u (%s) does not decipher",
				avp->type, name);
		return false;
	}
	m->plain_used += avp->length;
	return true;
}

static void decode_store(struct control_message *m, const struct avp_spec *spec, struct view value)
{
	uint8_t *field = (uint8_t *)m + spec->offset;
	uint16_t u16;
	uint32_t u32;
	struct message_bytes bytes = {.at = value.at, .length = view_left(&value)};

	switch (spec->kind) {
	case AVP_U16:
		u16 = view_u16(&value);
		memcpy(field, &u16, sizeof(u16));
		break;
	case AVP_U32:
		u32 = view_u32(&value);
		memcpy(field, &u32, sizeof(u32));
		break;
	case AVP_BYTES:
		memcpy(field, &bytes, sizeof(bytes));
		break;
	}
}

static bool has_place(const struct avp_spec *spec, uint16_t message_type)
{
	return spec->messages == AVP_ANY ||
	       (message_type < 32 && (spec->messages >> message_type & 1));
}

static void decode_known(struct decoder *d, const struct wire_avp *avp, const struct avp_spec *spec)
{
	struct control_message *m = d->m;
	struct view value;

	if (spec->kind == AVP_IGNORED || !has_place(spec, m->type))
		return;
	if (!decode_value(d, avp, spec->name, &value))
		return;
	if (view_left(&value) < spec->least || view_left(&value) > spec->most) {
		if (avp->mandatory)
			message_wrong(m, ERROR_LENGTH, "AVP %u (%s) has %zu bytes", avp->type,
				spec->name, view_left(&value));
		return;
	}
	// The Random Vector holds until the next one; all else counts the first time.
	if (avp->type == AVP_RANDOM_VECTOR) {
		d->key.vector = value.at;
		d->key.vector_length = view_left(&value);
	} else if (message_has(m, avp->type)) {
		return;
	}
	m->has |= 1ull << avp->type;
	decode_store(m, spec, value);
}

static bool decode_type(struct control_message *m, const struct wire_avp *avp)
{
	if (avp->vendor != AVP_VENDOR_IETF || avp->type != AVP_MESSAGE_TYPE || avp->hidden ||
		avp->length != 2) {
		message_wrong(m, ERROR_VALUE, "the first AVP is no Message Type");
		return false;
	}
	m->type_mandatory = avp->mandatory;
	return true;
}

void message_parse(
	struct view avps, const void *secret, size_t secret_length, struct control_message *out)
{
	struct decoder d = {.m = out, .key = {.secret = secret, .secret_length = secret_length}};
	struct wire_avp avp;
	bool first = true;
	int more;

	memset(out, 0, offsetof(struct control_message, plain));
	while ((more = wire_avp_next(&avps, &avp)) > 0) {
		const struct avp_spec *spec = avp_find(avp.vendor, avp.type);

		if (first && !decode_type(out, &avp))
			return;
		first = false;
		if (!spec || avp.reserved)
			decode_unknown(&d, &avp);
		else if (avp.vendor == AVP_VENDOR_IETF)
			decode_known(&d, &avp, spec);
	}
	if (more < 0 || first)
		message_wrong(out, ERROR_LENGTH, "an AVP's length is wrong");
}

static const char *disconnect_direction(uint8_t direction)
{
	static const char *const words[] = {"at both ends", "at the peer's end", "at our end"};

	return direction < 3 ? words[direction] : "";
}

// Appends to the sentence, cut to fit.
static void say(struct message_end *end, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct message_end *end, const char *format, ...)
{
	size_t used = strlen(end->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(end->text + used, sizeof(end->text) - used, format, arguments);
	va_end(arguments);
}

static void say_peer(struct message_end *end, struct view text)
{
	if (view_left(&text))
		say(end, ": %.*s", (int)view_left(&text), (const char *)text.at);
}

static struct view view_bytes(const struct message_bytes *bytes)
{
	return bytes->at ? view_of(bytes->at, bytes->length) : (struct view){0};
}

void message_end(const struct control_message *m, struct message_end *out)
{
	struct view result = view_bytes(&m->result);
	struct view cause = view_bytes(&m->cause);
	struct view disconnect = view_bytes(&m->disconnect);

	*out = (struct message_end){.result = view_u16(&result)};
	if (view_left(&result) >= 2)
		out->error = view_u16(&result);
	say(out, "%s with result %u, error %u", avp_message_name(m->type), out->result, out->error);
	say_peer(out, result);
	if (m->cause.at) {
		say(out, "; Q.931 cause %u", view_u16(&cause));
		view_skip(&cause, 1);
		say_peer(out, cause);
	}
	if (m->disconnect.at) {
		uint16_t code = view_u16(&disconnect);
		uint16_t protocol = view_u16(&disconnect);

		say(out, "; PPP cause %u of protocol 0x%04x %s", code, protocol,
			disconnect_direction(view_u8(&disconnect)));
		say_peer(out, disconnect);
	}
}
