// SPDX-License-Identifier: Apache-2.0

#include "messages.h"

#define SIZE_COMMAND(number, name, type) [number] = sizeof(struct type),
#define NAME_MESSAGE(number, name, type) [number] = #name,

static const uint32_t command_sizes[] = {COMMAND_LIST(SIZE_COMMAND)};
static const uint32_t event_sizes[] = {EVENT_LIST(SIZE_COMMAND)};
static const char *const command_names[] = {COMMAND_LIST(NAME_MESSAGE)};
static const char *const event_names[] = {EVENT_LIST(NAME_MESSAGE)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint32_t command_size(uint32_t type)
{
	return type < COUNT(command_sizes) ? command_sizes[type] : 0;
}

uint32_t event_size(uint32_t type)
{
	return type < COUNT(event_sizes) ? event_sizes[type] : 0;
}

const char *command_name(uint32_t type)
{
	return command_size(type) ? command_names[type] : "unknown";
}

const char *event_name(uint32_t type)
{
	return event_size(type) ? event_names[type] : "unknown";
}
