// SPDX-License-Identifier: Apache-2.0

// RADIUS over TLS (RFC 6614): one connection to a server, made at the start and kept. OpenSSL works
// on memory; bytes go through libuv. Certificates and key are read once, before privileges are
// given up. tls_context.c has who is believed.
//
// A connection is made in attempts, each with a time as long as a request's try has; whatever ends
// an attempt, the next one waits for the end of its time, so a server that refuses us at once is
// not asked a thousand times. A connection through which an answer came, or that was up for a
// while, begins the count anew, and its loss is followed by an attempt at once.

#include "internal.h"
#include "stream.h"
#include "tls_context.h"

#include "controlplane/log.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
	TLS_READ = 16384, // bytes from the socket at once
	TLS_WHY = 256,
	TCP_KEEPALIVE_S = 30,
};

struct connection {
	uv_tcp_t tcp;
	uv_connect_t request;
	struct tls *tls; // NULL: it is being closed
	SSL *ssl;
	BIO *in, *out; // the SSL's
	bool up;       // the handshake is done
	bool proven;   // an answer came
	uint64_t up_ms;
	struct stream stream;
	char buffer[TLS_READ];
};

struct tls {
	struct link *link;
	SSL_CTX *context;
	struct path path;
	struct connection *connection;
	struct timer timer; // the end of an attempt's time; of an open connection: keepalive
	uint32_t attempts;  // without success
	uint64_t until_ms;  // the end of the attempt's time
	uint64_t heard_ms;
	char why[TLS_WHY];  // of the last failure
	char said[TLS_WHY]; // what the log has of it
};

static void connect_now(void *context);
static void failed(struct tls *t, const char *why);

static const struct config_radius_server *config_of(const struct tls *t)
{
	return t->link->server->config;
}

static void wait_for(struct tls *t, uint64_t ms, void (*fire)(void *context))
{
	// Its place among the timers was made sure of in tls_open.
	(void)timer_start(t->link->radius->timers, &t->timer, ms, fire, t);
}

// ---- what goes out

struct unsent {
	uv_write_t request;
	char bytes[];
};

static void written(uv_write_t *request, int status)
{
	(void)status; // whoever reads learns of it
	free(request->data);
}

static void write_later(struct connection *c, const char *bytes, size_t length)
{
	struct unsent *u = malloc(sizeof(*u) + length);
	uv_buf_t buffer;

	// Without memory the stream has a hole: the server ends it.
	if (!u)
		return;
	memcpy(u->bytes, bytes, length);
	u->request.data = u;
	buffer = uv_buf_init(u->bytes, (unsigned)length);
	if (uv_write(&u->request, (uv_stream_t *)&c->tcp, &buffer, 1, written) < 0)
		free(u);
}

static void flush(struct connection *c)
{
	char bytes[TLS_READ];
	int n;

	while ((n = BIO_read(c->out, bytes, sizeof(bytes))) > 0) {
		uv_buf_t buffer = uv_buf_init(bytes, (unsigned)n);
		int sent = uv_try_write((uv_stream_t *)&c->tcp, &buffer, 1);

		if (sent < 0)
			sent = 0;
		if (sent < n)
			write_later(c, bytes + sent, (size_t)(n - sent));
	}
}

void tls_send(struct link *link, const uint8_t *bytes, size_t length)
{
	struct connection *c = link->tls->connection;

	if (!c || !c->up)
		return;
	ERR_clear_error();
	(void)SSL_write(c->ssl, bytes, (int)length);
	flush(c);
}

// ---- the end of a connection

static void closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	SSL_free(c->ssl);
	OPENSSL_cleanse(&c->stream, sizeof(c->stream));
	free(c);
}

static void drop(struct tls *t)
{
	struct connection *c = t->connection;

	t->connection = NULL;
	if (!c)
		return;
	if (c->up) {
		ERR_clear_error();
		(void)SSL_shutdown(c->ssl);
		flush(c);
	}
	c->tls = NULL;
	uv_close((uv_handle_t *)&c->tcp, closed);
}

static void say(struct tls *t)
{
	if (strcmp(t->why, t->said) == 0)
		return;
	memcpy(t->said, t->why, sizeof(t->said));
	log_event(LOG_RADIUS_CONNECTION_LOST, NULL, "s:s, s:s", "server", config_of(t)->name,
		"reason", t->why);
}

// The time of an attempt is over, and there is no connection.
static void attempt_over(void *context)
{
	struct tls *t = context;

	if (t->connection) {
		failed(t, "it took too long to connect");
		return;
	}
	if (t->link->life == LIFE_DEAD || t->attempts >= config_of(t)->tries)
		link_dead(t->link, t->why);
	else
		connect_now(t);
}

static bool was_good(const struct tls *t)
{
	const struct connection *c = t->connection;

	return c && c->up && (c->proven || radius_now(t->link->radius) - c->up_ms >= KEEPALIVE_MS);
}

// why may be t->why.
static void failed(struct tls *t, const char *why)
{
	uint64_t now = radius_now(t->link->radius);
	bool good = was_good(t);

	if (why != t->why)
		snprintf(t->why, sizeof(t->why), "%s", why);
	say(t);
	drop(t);
	if (good) {
		t->attempts = 0;
		wait_for(t, 0, connect_now);
	} else {
		wait_for(t, t->until_ms > now ? t->until_ms - now : 0, attempt_over);
	}
	link_lost(t->link);
}

static void failed_by_tls(struct tls *t)
{
	struct connection *c = t->connection;
	long verify = SSL_get_verify_result(c->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	flush(c); // the alert
	if (verify != X509_V_OK)
		snprintf(t->why, sizeof(t->why), "its certificate is refused: %s",
			X509_verify_cert_error_string(verify));
	else
		snprintf(t->why, sizeof(t->why), "TLS: %s", reason ? reason : "closed");
	ERR_clear_error();
	failed(t, t->why);
}

// ---- an open connection

static void keep_alive(void *context)
{
	struct tls *t = context;
	uint64_t silent = radius_now(t->link->radius) - t->heard_ms;

	if (silent < KEEPALIVE_MS) {
		wait_for(t, KEEPALIVE_MS - silent, keep_alive);
		return;
	}
	wait_for(t, KEEPALIVE_MS, keep_alive);
	link_ask(t->link);
}

static void opened(struct tls *t)
{
	struct link *link = t->link;
	bool status = config_of(t)->status_server;

	t->connection->up = true;
	t->connection->up_ms = t->heard_ms = radius_now(link->radius);
	log_event(LOG_RADIUS_CONNECTED, NULL, "s:s, s:s, s:s", "server", config_of(t)->name,
		"version", SSL_get_version(t->connection->ssl), "cipher",
		SSL_get_cipher_name(t->connection->ssl));
	timer_stop(link->radius->timers, &t->timer);
	if (status)
		wait_for(t, KEEPALIVE_MS, keep_alive);
	if (link->life == LIFE_DEAD && !status)
		link_ready(link);
	else if (link->life == LIFE_DEAD || link->life == LIFE_ASKED)
		link_ask(link);
	link_pump(link);
}

void tls_proven(struct link *link)
{
	struct tls *t = link->tls;

	if (!t->connection)
		return;
	t->connection->proven = true;
	t->attempts = 0;
	t->said[0] = '\0';
}

// false: the connection is gone.
static bool take_packets(struct connection *c, const uint8_t *bytes, size_t length)
{
	struct view in = view_of(bytes, length);
	int n;

	while ((n = stream_take(&c->stream, &in)) > 0) {
		if (path_input(&c->tls->path, c->stream.bytes, (size_t)n) < 0)
			n = -EBADMSG;
		if (!c->tls)
			return false;
		if (n < 0)
			break;
	}
	if (n < 0)
		failed(c->tls, "a reply that is malformed or not proven");
	return n == 0;
}

// The next bytes in the clear; 0 or less as SSL_read has it.
static int read_clear(struct connection *c, uint8_t bytes[RADIUS_PACKET])
{
	ERR_clear_error();
	return SSL_read(c->ssl, bytes, RADIUS_PACKET);
}

static void take_clear(struct connection *c)
{
	uint8_t bytes[RADIUS_PACKET];
	bool goes_on = true;
	int n;

	while (goes_on && (n = read_clear(c, bytes)) > 0)
		goes_on = take_packets(c, bytes, (size_t)n);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (!goes_on)
		return;
	flush(c);
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_ZERO_RETURN:
		failed(c->tls, "the server ended the connection");
		break;
	default:
		failed_by_tls(c->tls);
	}
}

// false: it needs more, or failed.
static bool shake_hands(struct connection *c)
{
	int n = SSL_do_handshake(c->ssl);

	if (n == 1) {
		flush(c);
		opened(c->tls);
		return c->tls != NULL;
	}
	if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
		flush(c);
	else
		failed_by_tls(c->tls);
	return false;
}

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;

	if (!c->tls || n == 0)
		return;
	radius_wake(c->tls->link->radius);
	if (n < 0) {
		failed(c->tls,
			n == UV_EOF ? "the server ended the connection" : uv_strerror((int)n));
		return;
	}
	c->tls->heard_ms = radius_now(c->tls->link->radius);
	ERR_clear_error();
	if (BIO_write(c->in, buffer->base, (int)n) != n)
		failed(c->tls, "no memory");
	else if (c->up || shake_hands(c))
		take_clear(c);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct connection *c = handle->data;

	(void)suggested;
	*out = uv_buf_init(c->buffer, sizeof(c->buffer));
}

// ---- a new connection

static void connected(uv_connect_t *request, int status)
{
	struct connection *c = request->data;

	if (!c->tls)
		return;
	radius_wake(c->tls->link->radius);
	if (status < 0) {
		failed(c->tls, uv_strerror(status));
		return;
	}
	(void)uv_tcp_nodelay(&c->tcp, 1);
	(void)uv_tcp_keepalive(&c->tcp, 1, TCP_KEEPALIVE_S);
	ERR_clear_error();
	if (uv_read_start((uv_stream_t *)&c->tcp, give_buffer, arrived) < 0)
		failed(c->tls, "no memory");
	else
		(void)shake_hands(c);
}

static bool make_ssl(struct connection *c, struct tls *t)
{
	c->ssl = tls_context_session(t->context, config_of(t));
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	if (!c->ssl || !c->in || !c->out) {
		BIO_free(c->in);
		BIO_free(c->out);
		return false;
	}
	SSL_set_bio(c->ssl, c->in, c->out);
	return true;
}

static int begin_connect(struct connection *c, struct tls *t)
{
	const struct ip_address *from = &t->link->radius->config->radius.source;
	const struct ip_address *to = &config_of(t)->address;
	struct sockaddr_storage address;
	int error = 0;

	if (from->version == to->version) {
		(void)endpoint_fill(&address, from, 0);
		error = uv_tcp_bind(&c->tcp, (struct sockaddr *)&address, 0);
	}
	(void)endpoint_fill(&address, to, t->link->port);
	if (error == 0)
		error = uv_tcp_connect(
			&c->request, &c->tcp, (struct sockaddr *)&address, connected);
	return error;
}

static void connect_now(void *context)
{
	struct tls *t = context;
	struct connection *c = calloc(1, sizeof(*c));
	uint64_t time = config_of(t)->timeout_ms;
	int error;

	for (uint32_t i = 0; i < t->attempts && time < TIMEOUT_MOST_MS; i++)
		time *= 2;
	if (time > TIMEOUT_MOST_MS)
		time = TIMEOUT_MOST_MS;
	t->attempts++;
	t->until_ms = radius_now(t->link->radius) + time;
	wait_for(t, time, attempt_over);
	if (!c || !make_ssl(c, t) || uv_tcp_init(t->link->radius->loop, &c->tcp) < 0) {
		if (c)
			SSL_free(c->ssl);
		free(c);
		failed(t, "no memory");
		return;
	}
	c->tcp.data = c->request.data = c;
	c->tls = t;
	t->connection = c;
	error = begin_connect(c, t);
	if (error)
		failed(t, uv_strerror(error));
}

// ---- for the link

bool tls_ready(const struct link *link)
{
	return link->tls->connection && link->tls->connection->up;
}

struct path *tls_path(struct link *link)
{
	return &link->tls->path;
}

void tls_rest(struct link *link)
{
	timer_stop(link->radius->timers, &link->tls->timer);
	drop(link->tls);
	link->tls->attempts = 0;
}

void tls_retry(struct link *link)
{
	connect_now(link->tls);
}

int tls_open(struct link *link, char *why, size_t size)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->link = link;
	t->context = tls_context_create(link->server->config, why, size);
	if (!t->context || timer_start(link->radius->timers, &t->timer, 0, connect_now, t)) {
		SSL_CTX_free(t->context);
		free(t);
		return -EINVAL;
	}
	path_init(&t->path, link);
	link->tls = t;
	return 0;
}

void tls_close(struct link *link)
{
	tls_rest(link);
	SSL_CTX_free(link->tls->context);
	free(link->tls);
	link->tls = NULL;
}
