// SPDX-License-Identifier: Apache-2.0

// See pki_server.h.

#include "pki_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILES = 8 };

static struct {
	char name[32];
	struct span bytes;
} files[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static int listener;
static uint16_t port;
static atomic_uint requests;

void pki_server_put(const char *name, struct span bytes)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FILES; i++)
		if (!files[i].name[0] || strcmp(files[i].name, name) == 0) {
			snprintf(files[i].name, sizeof(files[i].name), "%s", name);
			files[i].bytes = bytes;
			break;
		}
	pthread_mutex_unlock(&lock);
}

static struct span file_of(const char *request)
{
	struct span found = SPAN(NULL, 0);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FILES && files[i].name[0]; i++) {
		size_t n = strlen(files[i].name);

		if (strncmp(request, files[i].name, n) == 0 && request[n] == ' ')
			found = files[i].bytes;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static void put(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	ssize_t n = 1;

	for (; length > 0 && n > 0; at += n, length -= (size_t)n)
		n = send(fd, at, length, MSG_NOSIGNAL);
}

// The head of the request, and of its body whatever comes with it.
static void answer(int fd)
{
	char request[4096] = "", head[256];
	size_t have = 0;
	struct span body = SPAN(NULL, 0);
	ssize_t n = 1;
	char *path;

	while (n > 0 && have < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
		n = recv(fd, request + have, sizeof(request) - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
		request[have] = '\0';
	}
	atomic_fetch_add(&requests, 1);
	path = strchr(request, '/');
	if (path)
		body = file_of(path + 1);
	snprintf(head, sizeof(head),
		"HTTP/1.0 %s\r\nContent-Length: %zu\r\nContent-Type: %s\r\n\r\n",
		body.length ? "200 OK" : "404 Not Found", body.length,
		request[0] == 'P' ? "application/ocsp-response" : "application/pkix-crl");
	put(fd, head, strlen(head));
	put(fd, body.at, body.length);
	shutdown(fd, SHUT_WR);
	while (recv(fd, request, sizeof(request), 0) > 0)
		;
	close(fd);
}

static void *serve(void *context)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		answer(fd);
	return context;
}

void pki_server_start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &length), 0);
	port = ntohs(a.sin_port);
	atomic_store(&requests, 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

void pki_server_stop(void)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	memset(files, 0, sizeof(files));
}

const char *pki_server_address(const char *name)
{
	static char address[128];

	snprintf(address, sizeof(address), "http://127.0.0.1:%u/%s", port, name);
	return address;
}

unsigned pki_server_requests(void)
{
	return atomic_load(&requests);
}
