// SPDX-License-Identifier: Apache-2.0
#pragma once

// The control plane's API: HTTP and JSON on a Unix socket, and on a loopback address when the
// config says so. It shows objects and disconnects subscribers; it keeps no state of its own, but
// asks a source for each object when it is asked. All of it runs on the event loop, in small steps.
//
//   api.c      sockets, libmicrohttpd on the loop
//   route.c    a request to an answer: paths, methods, filters, problems (RFC 9457)
//   objects.c  the source: the JSON of every object, from the modules of the control plane;
//              objects_dataplane.c has those of the stats segment, objects_group.c groups and
//              filters, objects_policy.c who uses which algorithms and keys

#include "contract/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct api;

enum api_object {
	API_STATUS,
	API_SUBSCRIBERS,
	API_TUNNELS,
	API_SESSIONS,
	API_SAS,
	API_WORKERS,
	API_PORTS,
	API_DROPS,
	API_POOLS,
	API_GROUPS,
	API_FILTERS,
	API_CERTIFICATES,
	API_ALGORITHMS,
	API_PSKS,
	API_POLICY_CHECK,
	API_EFFECTIVE,
	API_RADIUS,
	API_OBJECTS,
};

enum {
	API_LIMIT = 1000,       // objects in one answer when the request does not say
	API_LIMIT_MOST = 10000, // and when it does
	API_BODY = 4096,        // bytes of a request's body; none is needed
	API_CONNECTIONS = 64,   // at the same time, on each socket
	API_TIMEOUT_S = 20,     // seconds of silence on a connection
};

// What a GET asks for beyond its path. Texts are as the API shows them (escaped), NULL = any.
struct api_query {
	const char *user;
	const char *peer;    // "192.0.2.9" or "192.0.2.9:4500"
	const char *address; // of the subscriber
	const char *forbid;  // words that forbidden_parse understands
	uint64_t id;         // with has_id: this one alone
	uint64_t after;      // with has_after: only ids that are greater
	uint32_t limit;      // objects at most, 1 to API_LIMIT_MOST; the smallest ids first
	bool has_id;
	bool has_after;
};

struct api_source {
	// The body of GET /v1/NAME: {"NAME": [...], "next": null or the id for `after`}, but for
	// status, which is one object. The caller owns it. NULL without memory.
	json_t *(*get[API_OBJECTS])(void *context, const struct api_query *query);
	// Begins to end a subscriber. 0, or -ENOENT.
	int (*disconnect)(void *context, uint64_t id);
	void *context;
};

// Opens the sockets that config->api names; the Unix socket gets mode 0660 and, when root makes it,
// the user and group of config->user. source is copied; loop must outlive the api. Returns 0 or
// -errno after a line in the log; -EADDRINUSE when another control plane serves the socket.
int api_create(struct uv_loop_s *loop, const struct config *config, const struct api_source *source,
	struct api **out);
// Closes the sockets; the memory goes when the loop has run once more. NULL is allowed.
void api_free(struct api *api);
