// SPDX-License-Identifier: Apache-2.0
#pragma once

// The program's end of the API: HTTP over the gateway's Unix socket, by libcurl.

#include <jansson.h>

struct client;

// socket must outlive it. NULL after a message.
struct client *client_create(const char *socket);
void client_free(struct client *c);

// Does one request. Returns an enum exit_code; not EXIT_OK after a message on standard error. The
// body goes to *body (the caller's) when body is not NULL. path is what follows the host.
int client_do(struct client *c, const char *method, const char *path, json_t **body);
// The same, but a missing object gives EXIT_NOT_FOUND without a message.
int client_find(struct client *c, const char *method, const char *path, json_t **body);

// Percent-encodes text for a query; out has size bytes. Returns out, or NULL when it does not fit.
const char *client_escape(const char *text, char *out, size_t size);
