// SPDX-License-Identifier: Apache-2.0

// Requests as bytes, to a real server on a real Unix socket and a loopback port.

#include "api_fake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static struct api_fake fake;

struct reply {
	char text[65536];
	unsigned status;
	const char *body;
};

static int connect_unix(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, fake.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int connect_tcp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(fake.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

// Sends the lines of a request and reads until the server closes.
static void ask(int fd, struct reply *r, const char *request)
{
	size_t at = 0;
	ssize_t n;

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while ((n = read(fd, r->text + at, sizeof(r->text) - 1 - at)) > 0)
		at += (size_t)n;
	close(fd);
	r->text[at] = '\0';
	r->status = 0;
	sscanf(r->text, "HTTP/1.1 %u", &r->status);
	r->body = strstr(r->text, "\r\n\r\n");
	r->body = r->body ? r->body + 4 : "";
}

#define END " HTTP/1.1\r\nHost: culvert\r\nConnection: close\r\n\r\n"

static void test_objects(void **state)
{
	static const char *const names[] = {"status", "subscribers", "tunnels", "sessions", "sas",
		"workers", "ports", "drops", "pools", "groups", "filters", "certificates",
		"radius"};
	static struct reply r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char request[256];
		json_t *body;

		snprintf(request, sizeof(request), "GET /v1/%s" END, names[i]);
		ask(connect_unix(), &r, request);
		assert_int_equal(r.status, 200);
		assert_non_null(strstr(r.text, "Content-Type: application/json\r\n"));
		body = json_loads(r.body, 0, NULL);
		assert_true(json_is_object(body));
		json_decref(body);
	}
}

static const struct {
	const char *request;
	unsigned status;
	const char *part; // of the answer
} cases[] = {
	{"GET /v1" END, 200, "/v1/subscribers"},
	{"GET /" END, 404, "\"code\":\"unknown-path\""},
	{"GET /v1/nonsense" END, 404, "Content-Type: application/problem+json"},
	{"GET /v1/status/" END, 404, "unknown-path"},
	{"GET /v1/subscribers/x" END, 404, "unknown-path"},
	{"GET /v1/subscribers/7/nonsense" END, 404, "unknown-path"},
	{"GET /v1/subscribers/99999999999999999999999999999" END, 404, "unknown-path"},
	{"GET /v1/subscribers/99" END, 404, "\"code\":\"no-subscriber\""},
	{"GET /v1/subscribers/7" END, 200, "\"user\":\"alice\""},
	{"GET /v1/subscribers?limit=2" END, 200, "\"next\":8"},
	{"GET /v1/subscribers?after=8" END, 200, "\"next\":null"},
	{"GET /v1/subscribers?user=alice&limit=1" END, 200, "\"id\":7"},
	{"GET /v1/subscribers?user=%61lice" END, 200, "\"id\":7"},
	{"GET /v1/subscribers?limit=0" END, 400, "limit is not a number from 1 to 10000"},
	{"GET /v1/subscribers?limit=-1" END, 400, "bad-query"},
	{"GET /v1/subscribers?limit" END, 400, "has no value"},
	{"GET /v1/subscribers?after=x" END, 400, "after is not a number"},
	{"GET /v1/subscribers?colour=red" END, 400, "\"code\":\"bad-query\""},
	{"GET /v1/status?limit=1" END, 400, "bad-query"},
	{"HEAD /v1/status" END, 200, "application/json"},
	{"DELETE /v1/status" END, 405, "Allow: GET, HEAD\r\n"},
	{"PUT /v1/subscribers/7" END, 405, "Allow: GET, HEAD, DELETE\r\n"},
	{"GET /v1/subscribers/7/disconnect" END, 405, "Allow: POST\r\n"},
	{"POST /v1/subscribers/7/disconnect" END, 202, "\"id\":7"},
	{"DELETE /v1/subscribers/8" END, 202, "\"id\":8"},
	{"DELETE /v1/subscribers/99" END, 404, "no-subscriber"},
	{"POST /v1/subscribers/7/disconnect HTTP/1.1\r\nHost: culvert\r\nConnection: close\r\n"
	 "Content-Length: 5\r\n\r\nhello",
		202, "\"id\":7"},
	{"POST /v1/subscribers/7/disconnect HTTP/1.1\r\nHost: culvert\r\n"
	 "Content-Length: 1000000\r\n\r\n",
		413, "\"code\":\"too-large\""},
	{"POST /v1/subscribers/7/disconnect HTTP/1.1\r\nHost: culvert\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		413, "too-large"},
	{"GET /v1/status HTTP/1.1\r\nHost: culvert\r\nOrigin: http://evil.example\r\n"
	 "Connection: close\r\n\r\n",
		403, "\"code\":\"foreign-origin\""},
	{"nonsense\r\n\r\n", 0, ""},
};

static void test_requests(void **state)
{
	static struct reply r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(connect_unix(), &r, cases[i].request);
		if (cases[i].status &&
			(r.status != cases[i].status || !strstr(r.text, cases[i].part)))
			fail_msg("%s\n%s", cases[i].request, r.text);
	}
}

// A browser that was made to ask: wrong Host, foreign Origin, or a foreign site.
static void test_browsers(void **state)
{
	static const struct {
		const char *headers;
		unsigned status;
	} browsers[] = {
		{"Host: 127.0.0.1:%u\r\n", 200},
		{"Host: localhost:%u\r\n", 200},
		{"Host: LOCALHOST\r\n", 200},
		{"Host: [::1]:%u\r\n", 200},
		{"Host: 127.0.0.1.evil.example:%u\r\n", 403},
		{"Host: evil.example:%u\r\n", 403},
		{"Host: localhost:%1$u\r\nOrigin: http://localhost:%1$u\r\n", 200},
		{"Host: localhost:%1$u\r\nOrigin: http://localhost:1\r\n", 403},
		{"Host: localhost:%1$u\r\nOrigin: null\r\n", 403},
		{"Host: localhost:%1$u\r\nSec-Fetch-Site: cross-site\r\n", 403},
		{"Host: localhost:%1$u\r\nSec-Fetch-Site: none\r\n", 200},
	};
	static struct reply r;

	for (size_t i = 0; i < sizeof(browsers) / sizeof(browsers[0]); i++) {
		char headers[256], request[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(headers, sizeof(headers), browsers[i].headers, (unsigned)fake.port);
#pragma GCC diagnostic pop
		snprintf(request, sizeof(request),
			"GET /v1/status HTTP/1.1\r\n%sConnection: close\r\n\r\n", headers);
		ask(connect_tcp(), &r, request);
		if (r.status != browsers[i].status)
			fail_msg("%s\n%s", request, r.text);
	}
}

static void test_mode(void **state)
{
	struct stat st;

	assert_int_equal(stat(fake.socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

// Another control plane on the same socket is refused, and the first one serves on.
static void test_second_server(void **state)
{
	static struct config config;
	static struct reply r;
	struct api_source none = {0};
	struct api *api;
	uv_loop_t loop;

	strcpy(config.api.socket, fake.socket);
	uv_loop_init(&loop);
	assert_int_equal(api_create(&loop, &config, &none, &api), -EADDRINUSE);
	assert_null(api);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	ask(connect_unix(), &r, "GET /v1/status" END);
	assert_int_equal(r.status, 200);
}

// What a control plane that was killed leaves behind does not stop the next one.
static void test_left_over_socket(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	static struct config config;
	struct api_source none = {0};
	struct api *api;
	uv_loop_t loop;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/old.sock", fake.folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	strcpy(config.api.socket, a.sun_path);
	uv_loop_init(&loop);
	assert_int_equal(api_create(&loop, &config, &none, &api), 0);
	api_free(api);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(access(a.sun_path, F_OK), -1);
}

// Connections that say nothing must not keep others out, nor more than there may be.
static void test_silent_connections(void **state)
{
	static struct reply r;
	int fds[API_CONNECTIONS / 2];

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = connect_unix();
	ask(connect_unix(), &r, "GET /v1/status" END);
	assert_int_equal(r.status, 200);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

static int start(void **state)
{
	api_fake_start(&fake);
	return 0;
}

static int stop(void **state)
{
	return api_fake_stop(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_browsers),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_second_server),
		cmocka_unit_test(test_left_over_socket),
		cmocka_unit_test(test_silent_connections),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
