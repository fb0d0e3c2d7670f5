// SPDX-License-Identifier: Apache-2.0

// The socket of CoA and Disconnect. What is done is done once: the answer to each request is kept
// under its client and authenticator for as long as an Event-Timestamp may be old, and a request
// that comes again, by its sender's impatience or somebody's replay, gets it again.

#include "coa.h"

#include "coa_request.h"
#include "reply.h"
#include "types.h"
#include "wire.h"

#include "controlplane/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum {
	KEPT = 4096,  // answers
	ANSWER = 512, // bytes of one: Proxy-States are what makes it long
};

struct kept {
	struct ip_address client;
	uint16_t port;
	uint8_t id;
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	uint64_t until; // milliseconds of the timers' clock
	uint16_t length;
	uint8_t answer[ANSWER];
};

struct coa {
	const struct config *config;
	struct timers *timers;
	uv_udp_t udp;
	struct coa_events events;
	void *context;
	struct coa_info info;
	bool complained; // of the attributes of the request in work
	uint32_t next;   // place in kept of the next answer
	struct kept *kept;
	uint8_t buffer[RADIUS_PACKET + 1];
};

// ---- who sends

static struct ip_address address_of(const struct sockaddr *a, uint16_t *port)
{
	struct ip_address out = {0};

	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;

		out = address_v4((const uint8_t *)&in->sin_addr);
		*port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;

		out.version = IP_V6;
		memcpy(out.bytes, &in->sin6_addr, sizeof(out.bytes));
		*port = ntohs(in->sin6_port);
	}
	return out;
}

// The longest prefix that has it.
static const struct config_coa_client *client_of(
	const struct config_radius *r, const struct ip_address *a)
{
	const struct config_coa_client *best = NULL;

	for (uint16_t i = 0; i < r->coa_client_count; i++)
		if (prefix_contains(&r->coa_clients[i].address, a) &&
			(!best || r->coa_clients[i].address.length > best->address.length))
			best = &r->coa_clients[i];
	return best;
}

// ---- answers that are kept

static struct kept *find_kept(
	struct coa *c, const struct ip_address *client, const struct radius_packet *request)
{
	uint64_t now = timers_now(c->timers);

	for (unsigned i = 0; i < KEPT; i++) {
		struct kept *k = &c->kept[i];

		if (k->until > now && k->id == request->id && address_equal(&k->client, client) &&
			memcmp(k->authenticator, request->authenticator, RADIUS_AUTHENTICATOR) == 0)
			return k;
	}
	return NULL;
}

static void keep_answer(struct coa *c, const struct ip_address *client,
	const struct radius_packet *request, const struct radius_build *b)
{
	const uint64_t least_ms = 30 * 1000;
	struct kept *k = &c->kept[c->next];
	uint64_t window_ms = c->config->radius.coa_window_s * 2000ULL;

	if (b->length > ANSWER)
		return;
	c->next = (c->next + 1) % KEPT;
	*k = (struct kept){.client = *client,
		.id = request->id,
		.until = timers_now(c->timers) + (window_ms > least_ms ? window_ms : least_ms),
		.length = (uint16_t)b->length};
	memcpy(k->authenticator, request->authenticator, RADIUS_AUTHENTICATOR);
	memcpy(k->answer, b->bytes, b->length);
}

static void send_to(struct coa *c, const struct sockaddr *to, const uint8_t *bytes, size_t length)
{
	uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)length);

	// A full socket loses it, as the network may; the client asks again.
	(void)uv_udp_try_send(&c->udp, &buffer, 1, to);
}

// ---- what is asked

static void complain(void *context, const struct reply_complaint *complaint)
{
	struct coa *c = context;

	c->complained = true;
	log_event(LOG_RADIUS_NOT_HONOURED, NULL, "s:s, s:s, s:s", "attribute", complaint->name,
		"value", complaint->value, "reason", complaint->reason);
}

static enum error_cause cause_of(int count)
{
	if (count > 0)
		return ERROR_NONE;
	if (count == 0)
		return ERROR_SESSION_NOT_FOUND;
	return count == -EOPNOTSUPP ? ERROR_UNSUPPORTED_ATTRIBUTE : ERROR_RESOURCES;
}

static enum error_cause change(struct coa *c, const struct coa_request *r)
{
	struct grant grant = {0};
	enum error_cause cause;

	c->complained = false;
	if (reply_grant(c->config, &r->change, FROM_COA, &grant, complain, c) == -ENOMEM)
		cause = ERROR_RESOURCES;
	else if (c->complained)
		cause = ERROR_UNSUPPORTED_ATTRIBUTE;
	else
		cause = cause_of(c->events.change(c->context, &r->match, &grant));
	grant_free(&grant);
	return cause;
}

static enum error_cause obey(struct coa *c, const struct radius_packet *p, struct coa_request *r)
{
	if (r->error != ERROR_NONE)
		return r->error;
	if (p->code == RADIUS_COA_REQUEST)
		return change(c, r);
	return cause_of(c->events.disconnect(c->context, &r->match));
}

// Its own copy of the Proxy-States, in their order (RFC 5176 section 3.1).
static void put_proxy_states(struct radius_build *b, const struct radius_packet *request)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;

	while (radius_next(request, &cursor, &a))
		if (a.vendor == 0 && a.type == RADIUS_PROXY_STATE)
			radius_put(b, RADIUS_PROXY_STATE, a.value, a.length);
}

static int write_answer(const struct radius_packet *request, const struct radius_secret *secret,
	enum error_cause cause, struct radius_build *b)
{
	bool coa = request->code == RADIUS_COA_REQUEST;
	uint8_t ack = coa ? RADIUS_COA_ACK : RADIUS_DISCONNECT_ACK;
	uint8_t nak = coa ? RADIUS_COA_NAK : RADIUS_DISCONNECT_NAK;
	int error = radius_begin(b, cause == ERROR_NONE ? ack : nak, secret);

	if (error < 0)
		return error;
	put_proxy_states(b, request);
	if (cause != ERROR_NONE)
		radius_put_u32(b, RADIUS_ERROR_CAUSE, cause);
	return radius_finish(b, request->id, request->authenticator);
}

static void log_request(const struct radius_packet *p, const struct coa_request *r,
	const struct ip_address *client, enum error_cause cause)
{
	const struct log_subject subject = {.user = r->user, .peer = *client};

	log_event(LOG_COA, &subject, "s:s, s:i", "request",
		p->code == RADIUS_COA_REQUEST ? "coa" : "disconnect", "error_cause", (int)cause);
}

static bool is_outdated(const struct coa *c, const struct coa_request *r)
{
	int64_t distance = (int64_t)time(NULL) - (int64_t)r->timestamp;
	int64_t window = c->config->radius.coa_window_s;

	return r->has_timestamp && window && (distance > window || distance < -window);
}

static void answer(struct coa *c, const struct radius_packet *p, const struct sockaddr *from,
	const struct ip_address *client, const struct radius_secret *secret)
{
	struct coa_request r;
	struct radius_build b;
	enum error_cause cause;

	coa_request_read(c->config, p, &r);
	if (is_outdated(c, &r)) {
		c->info.outdated++;
		return;
	}
	c->info.requests++;
	cause = obey(c, p, &r);
	log_request(p, &r, client, cause);
	*(cause == ERROR_NONE ? &c->info.acks : &c->info.naks) += 1;
	if (write_answer(p, secret, cause, &b) < 0)
		return;
	keep_answer(c, client, p, &b);
	send_to(c, from, b.bytes, b.length);
}

// Whoever cannot prove himself gets no answer (RFC 5176 section 2.3).
static bool is_proven(struct coa *c, const struct radius_packet *p, const struct radius_secret *s)
{
	switch (radius_prove_request(p, s, false)) {
	case RADIUS_PROVEN:
		return true;
	case RADIUS_WRONG_AUTHENTICATOR:
		c->info.wrong_authenticator++;
		return false;
	default:
		c->info.wrong_message_authenticator++;
		return false;
	}
}

static void take(struct coa *c, const uint8_t *bytes, size_t length, const struct sockaddr *from)
{
	uint16_t port;
	const struct ip_address peer = address_of(from, &port);
	const struct config_coa_client *client = client_of(&c->config->radius, &peer);
	struct radius_secret secret;
	struct radius_packet p;
	struct kept *kept;

	if (!client) {
		c->info.foreign++;
		return;
	}
	secret = (struct radius_secret){client->secret, client->secret_length};
	if (radius_parse(bytes, length, &p) < 0 ||
		(p.code != RADIUS_COA_REQUEST && p.code != RADIUS_DISCONNECT_REQUEST)) {
		c->info.malformed++;
		return;
	}
	if (!is_proven(c, &p, &secret))
		return;
	kept = find_kept(c, &peer, &p);
	if (!kept) {
		answer(c, &p, from, &peer, &secret);
		return;
	}
	c->info.repeated++;
	send_to(c, from, kept->answer, kept->length);
}

// ---- the socket

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct coa *c = handle->data;

	(void)suggested;
	*out = uv_buf_init((char *)c->buffer, sizeof(c->buffer));
}

static void on_datagram(uv_udp_t *handle, ssize_t length, const uv_buf_t *buffer,
	const struct sockaddr *from, unsigned flags)
{
	struct coa *c = handle->data;

	if (length <= 0 || !from)
		return;
	if (flags & UV_UDP_PARTIAL || length > RADIUS_PACKET)
		c->info.malformed++;
	else
		take(c, (const uint8_t *)buffer->base, (size_t)length, from);
}

static int bind_to(struct coa *c)
{
	const struct config_radius *r = &c->config->radius;
	char text[ADDRESS_TEXT];
	struct sockaddr_storage to;
	int error;

	address_format(&r->coa, text);
	if (r->coa.version == IP_V4)
		error = uv_ip4_addr(text, r->coa_port, (struct sockaddr_in *)&to);
	else
		error = uv_ip6_addr(text, r->coa_port, (struct sockaddr_in6 *)&to);
	if (error == 0)
		error = uv_udp_bind(&c->udp, (const struct sockaddr *)&to, 0);
	return error ? error : uv_udp_recv_start(&c->udp, give_buffer, on_datagram);
}

static void closed(uv_handle_t *handle)
{
	struct coa *c = handle->data;

	free(c->kept);
	free(c);
}

struct coa *coa_create(const struct config *config, struct timers *timers, struct uv_loop_s *loop,
	const struct coa_events *events, void *context, bool *failed)
{
	struct coa *c;
	int error;

	*failed = false;
	if (config->radius.coa.version == IP_NONE)
		return NULL;
	*failed = true;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->config = config;
	c->timers = timers;
	c->events = *events;
	c->context = context;
	c->kept = calloc(KEPT, sizeof(*c->kept));
	(void)uv_udp_init(loop, &c->udp);
	c->udp.data = c;
	error = c->kept ? bind_to(c) : UV_ENOMEM;
	if (error) {
		log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s, s:s", "reason", "radius.coa",
			"error", uv_strerror(error));
		coa_free(c);
		return NULL;
	}
	*failed = false;
	return c;
}

void coa_free(struct coa *c)
{
	if (c)
		uv_close((uv_handle_t *)&c->udp, closed);
}

void coa_info(const struct coa *c, struct coa_info *out)
{
	*out = c->info;
}
