// SPDX-License-Identifier: Apache-2.0

#include "api_fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static json_t *fake_status(void *context, const struct api_query *query)
{
	return json_pack("{s:s, s:I, s:{s:b, s:i, s:i}, s:{s:i, s:i}, s:{s:i}, s:{s:i}}", "version",
		"9.9.9", "uptime_ms", (json_int_t)93784000, "dataplane", "connected", 1, "workers",
		2, "ports", 2, "subscribers", "present", API_FAKE_SUBSCRIBERS, "forwarding", 2,
		"ike", "peers", 2, "l2tp", "tunnels", 2);
}

static json_t *fake_subscriber(uint64_t id, const char *user, const char *address)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:{s:f, s:i}, s:{s:I, s:I, "
			 "s:I}, s:{s:I, s:I, s:I}, s:s, s:s, s:s}",
		"id", (json_int_t)id, "user", user, "address", address, "access", "ikev2", "state",
		"up", "peer", "203.0.113.9:4500", "pool", "default", "up_ms", (json_int_t)3723000,
		"line", "loss", 0.12, "rtt_ms", 31, "uplink", "packets", (json_int_t)1000, "bytes",
		(json_int_t)123456, "drops", (json_int_t)0, "downlink", "packets", (json_int_t)2000,
		"bytes", (json_int_t)7654321000, "drops", (json_int_t)1, "ipv6_prefix",
		"2001:db8:0:1::/64", "ipv6_address", "2001:db8:0:1::1", "delegated_prefix",
		"2001:db8:d000::/56");
}

static bool wanted(const struct api_query *q, uint64_t id, const char *user, const char *address)
{
	return (!q->has_id || q->id == id) && (!q->has_after || id > q->after) &&
	       (!q->user || strcmp(q->user, user) == 0) &&
	       (!q->address || strcmp(q->address, address) == 0);
}

static json_t *fake_subscribers(void *context, const struct api_query *query)
{
	static const char *const users[] = {"alice", "alice", "eve\x1b[2J"};
	json_t *list = json_array(), *next = json_null();

	for (uint64_t i = 0; i < API_FAKE_SUBSCRIBERS; i++) {
		char address[32];

		snprintf(address, sizeof(address), "100.64.0.%u", (unsigned)i + 2);
		if (!wanted(query, i + 7, users[i], address))
			continue;
		if (json_array_size(list) == query->limit) {
			next = json_integer((json_int_t)i + 6);
			break;
		}
		json_array_append_new(list, fake_subscriber(i + 7, users[i], address));
	}
	return json_pack("{s:o, s:o}", "subscribers", list, "next", next);
}

static json_t *fake_tunnels(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:i, s:i, s:s, s:s, s:s, s:i}], s:n}", "tunnels", "tunnel", 5,
		"peer_tunnel", 77, "peer", "203.0.113.9:1701", "state", "established", "host_name",
		"laptop", "sessions", 1, "next");
}

static json_t *fake_empty(void *context, const struct api_query *query)
{
	return json_pack("{s:[], s:n}", "sessions", "next");
}

static json_t *fake_sas(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:s, s:s}], s:[{s:s, s:s, s:s, s:b}], s:n}", "ike", "peer",
		"203.0.113.9:4500", "state", "established", "encryption", "aes-cbc-256", "esp",
		"spi_in", "0x00100001", "peer", "203.0.113.9:4500", "cipher", "aes-gcm-128",
		"current", 1, "next");
}

static json_t *fake_workers(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:i, s:i, s:I, s:f}], s:n}", "workers", "worker", 0, "lcore", 1,
		"received", (json_int_t)5000, "busy", 0.25, "next");
}

static json_t *fake_ports(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:s, s:b, s:i}], s:n}", "ports", "name", "wan0", "side",
		"subscriber", "link", 1, "mtu", 1500, "next");
}

static json_t *fake_drops(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:i, s:s}, {s:s, s:i, s:s}], s:n}", "drops", "reason",
		"esp-replay", "packets", 12, "meaning", "seen before", "reason", "tx-full",
		"packets", 0, "meaning", "full", "next");
}

static json_t *fake_pools(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:[s], s:i, s:i}], s:n}", "pools", "name", "default",
		"prefixes", "100.64.0.0/16", "size", 65534, "used", 2, "next");
}

static json_t *fake_groups(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:b, s:b, s:s, s:n, s:{s:I}, s:{s:I, s:i, s:i}}], s:n}",
		"groups", "name", "home", "installed", 1, "subscriber_to_subscriber", 0,
		"filter_uplink", "web", "filter_downlink", "police_uplink", "bit_s",
		(json_int_t)50000000, "uplink", "bytes", (json_int_t)123456, "filtered", 12,
		"policed", 3, "next");
}

static json_t *fake_filters(void *context, const struct api_query *query)
{
	return json_pack(
		"{s:[{s:s, s:s, s:i, s:{s:[s], s:i}, s:[{s:s, s:s, s:s, s:s, s:s, s:s}]}], "
		"s:n}",
		"filters", "name", "web", "otherwise", "deny", "rule_count", 1, "uplink", "groups",
		"home", "filtered", 12, "rules", "action", "permit", "from", "any", "to",
		"198.51.100.0/24", "protocol", "tcp", "from_port", "any", "to_port", "443", "next");
}

static json_t *fake_certificates(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:s, s:s, s:s, s:I, s:{s:s, s:i}}], s:n}", "certificates",
		"kind", "authority", "subject", "CN=Example Root", "key", "ecdsa-384", "ends",
		"2031-05-06T07:08:09Z", "days_left", (json_int_t)1825, "crl", "source",
		"/etc/culvert/ca.crl", "entries", 17, "next");
}

static json_t *fake_algorithms(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}], s:n}", "algorithms",
		"version", 1, "auth", "rsa-signature", "encryption", "aes-cbc-256", "hash",
		"sha256", "group", "modp-2048", "cipher", "aes-cbc-256", "integrity",
		"hmac-sha256-128", "peers", 1234567, "next");
}

static json_t *fake_effective(void *context, const struct api_query *query)
{
	if (query->user && strcmp(query->user, "bob") == 0)
		return json_pack("{s:[], s:n}", "effective", "next");
	return json_pack("{s:[{s:s, s:b, s:i, s:s, s:[{s:s, s:s, s:s}]}], s:n}", "effective",
		"user", "alice", "connected", 1, "id", 1, "address", "100.64.0.7", "items", "item",
		"session-timeout", "value", "3600s", "from", "radius", "next");
}

static json_t *fake_psks(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:i, s:s, s:n, s:i, s:i, s:i}], s:n}", "psks", "psk", 0, "peer",
		"203.0.113.0/24", "identity", "peers", 3, "established", 17, "last_ms", 61000,
		"next");
}

static json_t *fake_policy_check(void *context, const struct api_query *query)
{
	return json_pack(
		"{s:i, s:i, s:i, s:i, s:[{s:s, s:[s], s:s, s:s, s:s, s:n, s:s, s:n}], s:n}",
		"fails", 1, "changes", 2, "stays", 3, "unknown", 0, "peers", "peer",
		"203.0.113.9:4500", "users", "alice", "identity", "192.168.1.2", "verdict", "fails",
		"ike_now", "aes-cbc-256/sha1/modp-1024", "ike_then", "esp_now",
		"aes-cbc-256/hmac-sha1-96", "esp_then", "next");
}

static json_t *fake_radius(void *context, const struct api_query *query)
{
	return json_pack("{s:[{s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i}],"
			 " s:[{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}], s:n}",
		"radius", "server", "radius-1", "kind", "authentication", "state", "live",
		"since_ms", (json_int_t)3600000, "on_the_way", 3, "waiting", 0, "requests", 1234,
		"answers", 1230, "timeouts", 2, "smoothed_ms", 12, "radius_dropped", "server",
		"radius-1", "malformed", 0, "wrong_authenticator", 1, "wrong_message_authenticator",
		0, "no_message_authenticator", 0, "unexpected", 2, "wrong_code", 0, "refused", 0,
		"deaths", 0, "next");
}

static int fake_disconnect(void *context, uint64_t id)
{
	return id >= 7 && id < 7 + API_FAKE_SUBSCRIBERS ? 0 : -ENOENT;
}

static const struct api_source source = {
	.get = {fake_status, fake_subscribers, fake_tunnels, fake_empty, fake_sas, fake_workers,
		fake_ports, fake_drops, fake_pools, fake_groups, fake_filters, fake_certificates,
		fake_algorithms, fake_psks, fake_policy_check, fake_effective, fake_radius},
	.disconnect = fake_disconnect,
};

static void stop(uv_signal_t *handle, int number)
{
	api_free(handle->data);
	uv_close((uv_handle_t *)handle, NULL);
}

// The server's process. Returns its exit code: the loop must end with nothing left open.
static int serve(const struct config *config, int ready)
{
	uv_signal_t terminate;
	struct api *api;
	uv_loop_t loop;

	uv_loop_init(&loop);
	if (api_create(&loop, config, &source, &api) != 0)
		return 1;
	uv_signal_init(&loop, &terminate);
	terminate.data = api;
	uv_signal_start(&terminate, stop, SIGTERM);
	if (write(ready, "", 1) != 1)
		return 1;
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) ? 2 : 0;
}

// A port that nothing listens on at the moment.
static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

void api_fake_start(struct api_fake *fake)
{
	static struct config config;
	int ready[2];
	char byte;

	strcpy(fake->folder, "/tmp/api-fake-XXXXXX");
	assert_non_null(mkdtemp(fake->folder));
	snprintf(fake->socket, sizeof(fake->socket), "%s/api.sock", fake->folder);
	fake->port = free_port();
	strcpy(config.api.socket, fake->socket);
	config.api.tcp = address_v4((const uint8_t[4]){127, 0, 0, 1});
	config.api.tcp_port = fake->port;
	assert_int_equal(pipe(ready), 0);
	fake->pid = fork();
	assert_true(fake->pid >= 0);
	if (fake->pid == 0) {
		close(ready[0]);
		exit(serve(&config, ready[1]));
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

int api_fake_stop(struct api_fake *fake)
{
	int status;

	kill(fake->pid, SIGTERM);
	if (waitpid(fake->pid, &status, 0) < 0)
		return -1;
	unlink(fake->socket);
	rmdir(fake->folder);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
