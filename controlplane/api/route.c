// SPDX-License-Identifier: Apache-2.0

// From a request to its answer. Every refusal is a problem of RFC 9457 with a code that stays: the
// word in `code`, and in the end of `type`.
//
// A page in a browser must not be able to drive the API of the machine that it is looked at on:
// requests with the Origin of another site are refused, and so are those by TCP whose Host is a
// name other than the loopback's (which is how DNS rebinding looks).

#include "route.h"

#include "contract/forbid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum parameter {
	TAKES_PAGE = 1,    // limit, after
	TAKES_USER = 2,    // user
	TAKES_PEER = 4,    // peer
	TAKES_ADDRESS = 8, // address
	TAKES_FORBID = 16, // forbid
};

static const struct {
	const char *name;
	unsigned bit;
} parameters[] = {
	{"limit", TAKES_PAGE},
	{"after", TAKES_PAGE},
	{"user", TAKES_USER},
	{"peer", TAKES_PEER},
	{"address", TAKES_ADDRESS},
	{"forbid", TAKES_FORBID},
};

static const struct route {
	const char *path;
	unsigned takes; // enum parameter
	const char *help;
} routes[API_OBJECTS] = {
	[API_STATUS] = {"/v1/status", 0, "version, dataplane, totals"},
	[API_SUBSCRIBERS] = {"/v1/subscribers",
		TAKES_PAGE | TAKES_USER | TAKES_PEER | TAKES_ADDRESS,
		"who is connected; DELETE /v1/subscribers/ID or POST "
		"/v1/subscribers/ID/disconnect ends one"},
	[API_TUNNELS] = {"/v1/tunnels", TAKES_PAGE | TAKES_PEER, "L2TP tunnels"},
	[API_SESSIONS] = {"/v1/sessions", TAKES_PAGE | TAKES_PEER, "L2TP sessions"},
	[API_SAS] = {"/v1/sas", TAKES_PAGE | TAKES_PEER, "IKE SAs and pairs of ESP SAs"},
	[API_WORKERS] = {"/v1/workers", 0, "what each worker moved"},
	[API_PORTS] = {"/v1/ports", 0, "network interfaces"},
	[API_DROPS] = {"/v1/drops", 0, "packets dropped, by reason"},
	[API_POOLS] = {"/v1/pools", 0, "addresses for clients"},
	[API_GROUPS] = {"/v1/groups", 0, "groups of subscribers: filters, rates, packets"},
	[API_FILTERS] = {"/v1/filters", TAKES_PAGE, "filters: rules, and packets denied"},
	[API_CERTIFICATES] = {"/v1/certificates", 0,
		"our certificates and the authorities', their last days, CRLs"},
	[API_ALGORITHMS] = {"/v1/algorithms", 0, "how many peers use which algorithms"},
	[API_PSKS] = {"/v1/psks", 0, "pre-shared keys: how many peers use which"},
	[API_EFFECTIVE] = {"/v1/effective", TAKES_USER,
		"what holds for who is connected, or for ?user=NAME, and where it comes from"},
	[API_POLICY_CHECK] = {"/v1/policy/check", TAKES_PAGE | TAKES_FORBID,
		"who could not connect without the algorithms of ?forbid=WORD,WORD"},
	[API_RADIUS] = {"/v1/radius", 0, "RADIUS servers: state, counters, latency"},
};

struct request {
	const struct api_source *source;
	struct MHD_Connection *connection;
	const char *url;
	const char *method;
};

// Queues the body, which it takes. Without memory the connection ends.
static enum MHD_Result answer(
	const struct request *r, unsigned status, json_t *body, const char *type, const char *allow)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct MHD_Response *response;
	enum MHD_Result result;

	json_decref(body);
	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

// A problem of RFC 9457. title is the same for each code; detail is for this request, or NULL.
static enum MHD_Result problem_allow(const struct request *r, unsigned status, const char *code,
	const char *title, const char *detail, const char *allow)
{
	char type[128];
	json_t *body;

	snprintf(type, sizeof(type), "urn:culvert:problem:%s", code);
	body = json_pack("{s:s, s:s, s:i, s:s, s:s*}", "type", type, "title", title, "status",
		(int)status, "code", code, "detail", detail);
	return answer(r, status, body, "application/problem+json", allow);
}

static enum MHD_Result problem(const struct request *r, unsigned status, const char *code,
	const char *title, const char *detail)
{
	return problem_allow(r, status, code, title, detail, NULL);
}

static enum MHD_Result wrong_method(const struct request *r, const char *allow)
{
	return problem_allow(r, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong-method",
		"This path does not take that method", NULL, allow);
}

static const char *header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

// "127.0.0.1:8080", "localhost", "[::1]:8080".
static bool is_loopback_name(const char *host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':'))
			return true;
	}
	return false;
}

static bool is_own_origin(const char *origin, const char *host)
{
	static const char scheme[] = "http://";

	return host && strncmp(origin, scheme, sizeof(scheme) - 1) == 0 &&
	       strcasecmp(origin + sizeof(scheme) - 1, host) == 0;
}

static bool from_browser_elsewhere(const struct request *r)
{
	const char *origin = header(r, MHD_HTTP_HEADER_ORIGIN);
	const char *site = header(r, "Sec-Fetch-Site");

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	return origin && !is_own_origin(origin, header(r, MHD_HTTP_HEADER_HOST));
}

// Digits alone.
static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

// What is wrong with the query string, if anything; filled parameter by parameter.
struct filling {
	struct api_query *query;
	unsigned takes;
	const char *wrong; // a sentence, or NULL
};

static bool known_parameter(const char *name, unsigned takes)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (strcmp(parameters[i].name, name) == 0)
			return takes & parameters[i].bit;
	return false;
}

static enum MHD_Result fill(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct filling *f = context;
	struct api_query *q = f->query;
	struct forbidden forbidden;
	char word[FORBIDDEN_WORD];
	uint64_t number;

	(void)kind;
	if (!known_parameter(name, f->takes)) {
		f->wrong = "unknown parameter in the query";
	} else if (!value || !*value) {
		f->wrong = "a parameter in the query has no value";
	} else if (strcmp(name, "limit") == 0) {
		if (!parse_number(value, &number) || number == 0 || number > API_LIMIT_MOST)
			f->wrong = "limit is not a number from 1 to 10000";
		else
			q->limit = (uint32_t)number;
	} else if (strcmp(name, "after") == 0) {
		q->has_after = true;
		if (!parse_number(value, &q->after))
			f->wrong = "after is not a number";
	} else if (strcmp(name, "user") == 0) {
		q->user = value;
	} else if (strcmp(name, "peer") == 0) {
		q->peer = value;
	} else if (strcmp(name, "forbid") == 0) {
		q->forbid = value;
		if (forbidden_parse(value, &forbidden, word))
			f->wrong = "forbid has a word that is no algorithm of the config";
	} else {
		q->address = value;
	}
	return f->wrong ? MHD_NO : MHD_YES;
}

static enum MHD_Result no_memory(const struct request *r)
{
	return problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "no-memory",
		"The control plane has no memory for the answer", NULL);
}

static bool is_read(const struct request *r)
{
	return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

static enum MHD_Result get(const struct request *r, enum api_object object, const uint64_t *id)
{
	struct api_query query = {.limit = API_LIMIT};
	struct filling f = {&query, id ? 0 : routes[object].takes, NULL};
	json_t *body, *list;

	if (id) {
		query.has_id = true;
		query.id = *id;
	}
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, fill, &f);
	if (f.wrong)
		return problem(r, MHD_HTTP_BAD_REQUEST, "bad-query",
			"The query cannot be understood", f.wrong);
	if (routes[object].takes & TAKES_FORBID && !query.forbid)
		return problem(r, MHD_HTTP_BAD_REQUEST, "bad-query",
			"The query cannot be understood", "forbid is missing");
	body = r->source->get[object](r->source->context, &query);
	if (!body)
		return no_memory(r);
	if (!id)
		return answer(r, MHD_HTTP_OK, body, "application/json", NULL);
	list = json_incref(
		json_array_get(json_object_get(body, routes[object].path + strlen("/v1/")), 0));
	json_decref(body);
	if (!list)
		return problem(r, MHD_HTTP_NOT_FOUND, "no-subscriber",
			"There is no such subscriber", NULL);
	return answer(r, MHD_HTTP_OK, list, "application/json", NULL);
}

static enum MHD_Result disconnect(const struct request *r, uint64_t id)
{
	if (r->source->disconnect(r->source->context, id) < 0)
		return problem(r, MHD_HTTP_NOT_FOUND, "no-subscriber",
			"There is no such subscriber", NULL);
	return answer(r, MHD_HTTP_ACCEPTED,
		json_pack("{s:I, s:s}", "id", (json_int_t)id, "state", "closing"),
		"application/json", NULL);
}

static enum MHD_Result unknown_path(const struct request *r)
{
	return problem(r, MHD_HTTP_NOT_FOUND, "unknown-path", "There is no such path",
		"GET /v1 lists the paths");
}

// /v1/subscribers/ID and /v1/subscribers/ID/disconnect; rest is what follows the slash.
static enum MHD_Result subscriber(const struct request *r, const char *rest)
{
	static const char verb[] = "/disconnect";
	size_t n = strcspn(rest, "/");
	char text[24];
	uint64_t id;

	if (n >= sizeof(text))
		return unknown_path(r);
	memcpy(text, rest, n);
	text[n] = '\0';
	if (!parse_number(text, &id) || id > INT64_MAX)
		return unknown_path(r);
	if (strcmp(rest + n, verb) == 0)
		return strcmp(r->method, "POST") == 0 ? disconnect(r, id) : wrong_method(r, "POST");
	if (rest[n] != '\0')
		return unknown_path(r);
	if (strcmp(r->method, "DELETE") == 0)
		return disconnect(r, id);
	return is_read(r) ? get(r, API_SUBSCRIBERS, &id) : wrong_method(r, "GET, HEAD, DELETE");
}

static enum MHD_Result paths(const struct request *r)
{
	json_t *list = json_object();

	for (unsigned i = 0; i < API_OBJECTS; i++)
		json_object_set_new(list, routes[i].path, json_string(routes[i].help));
	return answer(r, MHD_HTTP_OK, json_pack("{s:o}", "paths", list), "application/json", NULL);
}

static enum MHD_Result route(const struct request *r)
{
	static const char subscribers[] = "/v1/subscribers/";

	if (strncmp(r->url, subscribers, sizeof(subscribers) - 1) == 0)
		return subscriber(r, r->url + sizeof(subscribers) - 1);
	for (unsigned i = 0; i < API_OBJECTS; i++)
		if (strcmp(r->url, routes[i].path) == 0)
			return is_read(r) ? get(r, i, NULL) : wrong_method(r, "GET, HEAD");
	if (strcmp(r->url, "/v1") == 0 || strcmp(r->url, "/v1/") == 0)
		return is_read(r) ? paths(r) : wrong_method(r, "GET, HEAD");
	return unknown_path(r);
}

// No request here has a body; a small one is read and forgotten.
static bool is_oversized(const struct request *r)
{
	const char *length = header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t bytes;

	if (header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return true;
	return length && (!parse_number(length, &bytes) || bytes > API_BODY);
}

enum MHD_Result route_request(const struct api_source *source, bool loopback,
	struct MHD_Connection *connection, const char *url, const char *method, size_t *upload_size,
	void **request)
{
	static char seen;
	const struct request r = {source, connection, url, method};
	const char *host = header(&r, MHD_HTTP_HEADER_HOST);

	if (!*request) {
		*request = &seen;
		if (is_oversized(&r))
			return problem(&r, MHD_HTTP_CONTENT_TOO_LARGE, "too-large",
				"The request has too long a body", "no request needs one");
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (loopback && (!host || !is_loopback_name(host)))
		return problem(&r, MHD_HTTP_FORBIDDEN, "foreign-host",
			"The API answers to the loopback's names alone",
			"use http://127.0.0.1:PORT or http://localhost:PORT");
	if (from_browser_elsewhere(&r))
		return problem(&r, MHD_HTTP_FORBIDDEN, "foreign-origin",
			"Pages of other sites may not use the API", NULL);
	return route(&r);
}
