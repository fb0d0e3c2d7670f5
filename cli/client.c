// SPDX-License-Identifier: Apache-2.0

#include "client.h"

#include "command.h"
#include "text.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MOST = 64 << 20, // bytes of one answer: a page has at most 10,000 objects
	TIMEOUT_S = 30,         // seconds for one request
};

struct client {
	CURL *curl;
	const char *socket;
};

struct answer {
	char *text;
	size_t length;
};

struct client *client_create(const char *socket)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c)
		c->curl = curl_easy_init();
	if (!c || !c->curl) {
		fprintf(stderr, "culvert: out of memory\n");
		free(c);
		return NULL;
	}
	c->socket = socket;
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	free(c);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
	struct answer *a = context;
	size_t n = size * count;
	char *more;

	if (n > ANSWER_MOST - a->length)
		return 0;
	more = realloc(a->text, a->length + n + 1);
	if (!more)
		return 0;
	memcpy(more + a->length, data, n);
	a->text = more;
	a->length += n;
	more[a->length] = '\0';
	return n;
}

static const char *fix_for(long error)
{
	switch (error) {
	case EACCES:
		return "run as root, or as a member of the group that the socket belongs to";
	case ENOENT:
		return "start culvert-controlplane, or name its api.socket with -s";
	default:
		return "start culvert-controlplane; it is not running, or does not answer";
	}
}

static int unreachable(struct client *c, CURLcode code)
{
	long error = 0;
	char socket[TEXT_MOST];

	curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &error);
	text_escape(c->socket, socket);
	if (code == CURLE_WRITE_ERROR) {
		fprintf(stderr, "culvert: the answer on %s is too long: use --limit\n", socket);
		return EXIT_FAILED;
	}
	fprintf(stderr, "culvert: no gateway on %s (%s): %s\n", socket,
		error ? strerror((int)error) : curl_easy_strerror(code), fix_for(error));
	return EXIT_UNREACHABLE;
}

// Says what the gateway said of the failure.
static void say_problem(long status, const json_t *body)
{
	const char *title = json_string_value(json_object_get(body, "title"));
	const char *detail = json_string_value(json_object_get(body, "detail"));
	char text[TEXT_MOST];

	if (!title) {
		fprintf(stderr, "culvert: the gateway answered with HTTP status %ld\n", status);
		return;
	}
	fprintf(stderr, "culvert: %s", text_escape(title, text));
	if (detail)
		fprintf(stderr, ": %s", text_escape(detail, text));
	fputc('\n', stderr);
}

static CURLcode perform(
	struct client *c, const char *method, const char *path, struct answer *answer)
{
	char url[4096];

	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", path) >= sizeof(url))
		return CURLE_URL_MALFORMAT;
	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
	return curl_easy_perform(c->curl);
}

// Makes an exit code of an answer; *body is what it holds.
static int judge(struct client *c, const struct answer *answer, bool quiet, json_t **body)
{
	long status = 0;

	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	*body = answer->text ? json_loadb(answer->text, answer->length, 0, NULL) : NULL;
	if (status == 404) {
		if (!quiet)
			say_problem(status, *body);
		return EXIT_NOT_FOUND;
	}
	if (status < 200 || status > 299) {
		say_problem(status, *body);
		return EXIT_FAILED;
	}
	if (*body)
		return EXIT_OK;
	fprintf(stderr, "culvert: the answer is not JSON: is %s the socket of a gateway?\n",
		c->socket);
	return EXIT_FAILED;
}

static int request(
	struct client *c, const char *method, const char *path, bool quiet, json_t **body)
{
	struct answer answer = {0};
	CURLcode code = perform(c, method, path, &answer);
	json_t *got = NULL;
	int exit_code;

	exit_code = code == CURLE_OK ? judge(c, &answer, quiet, &got) : unreachable(c, code);
	free(answer.text);
	if (body && exit_code == EXIT_OK)
		*body = got;
	else
		json_decref(got);
	return exit_code;
}

int client_do(struct client *c, const char *method, const char *path, json_t **body)
{
	return request(c, method, path, false, body);
}

int client_find(struct client *c, const char *method, const char *path, json_t **body)
{
	return request(c, method, path, true, body);
}

const char *client_escape(const char *text, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		bool same = strchr(plain, *p) != NULL;

		if (n + 4 > size)
			return NULL;
		if (same)
			out[n++] = *p;
		else
			n += (size_t)sprintf(out + n, "%%%02X", (uint8_t)*p);
	}
	out[n] = '\0';
	return out;
}
