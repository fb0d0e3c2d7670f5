// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a line of the schema is written: for config_schema.c and config_schema_radius.c alone.

#include "config_schema.h"

#define FIELD(type, member)  .offset = offsetof(struct type, member), .size = MEMBER(type, member)
#define MEMBER(type, member) sizeof(((struct type *)NULL)->member)
#define COUNT(type, count) \
	.count_offset = offsetof(struct type, count), .count_size = MEMBER(type, count)
#define ROOM(type, member) (MEMBER(type, member) / MEMBER(type, member[0]))
#define FIXED(type, member) \
	.offset = offsetof(struct type, member), .size = MEMBER(type, member[0]), \
	.most = ROOM(type, member)
#define LIST(type, member, n) FIXED(type, member), COUNT(type, n)
#define HEAP(type, member, n) \
	.heap = true, .offset = offsetof(struct type, member), .size = MEMBER(type, member[0]), \
	COUNT(type, n)
#define MAP(type, member, s) .kind = KIND_SECTION, FIELD(type, member), .maps = &(s)

enum {
	SECOND = 1000, // milliseconds
	MINUTE = 60 * SECOND,
	HOUR_S = 3600, // seconds
	DAY_S = 24 * HOUR_S,
	MIB = 1 << 20,                 // bytes
	SOCKET_PATH = 107,             // bytes that a Unix socket's address holds (unix(7))
	USERS = 1 << 20,               // entries of a list that grows with the file
	RATE_LEAST = 8,                // kbit/s: a packet a second and a half
	RATE_MOST = 400 * 1000 * 1000, // kbit/s
	BURST_LEAST = 2048,            // bytes: a packet
	BURST_MOST = 1 << 30,
};
