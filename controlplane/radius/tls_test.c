// SPDX-License-Identifier: Apache-2.0

// RADIUS over TLS against a server of our own in the same thread: whom it believes, what a stream
// may bring, reconnects, and death.

#include "controlplane/ike/pki_fixture.h"
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 120000, WINDOW_MS = 2000 + 4000 + 8000, STATUS_MS = 4000 };
enum { QUIET_MS = 4, AWAIT = 1000 };

static struct pki root, server, client;
static struct {
	SSL_CTX *context;
	int listener, fd; // of the connection, -1: none
	SSL *ssl;
	uint16_t port;
	bool closed;         // by the client
	uint8_t have[65536]; // what has come in the clear
	size_t length;
} peer;
static struct outcome a;

// ---- the server

static void peer_listen(const struct pki *certificate)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t length = sizeof(in);
	int on = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(&peer, 0, sizeof(peer));
	peer.fd = -1;
	peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(peer.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(peer.listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(peer.listener, 8), 0);
	assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&in, &length), 0);
	peer.port = ntohs(in.sin_port);
	peer.context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(peer.context, certificate->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(peer.context, certificate->key), 1);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(peer.context), root.certificate);
}

static void peer_hang_up(void)
{
	SSL_free(peer.ssl);
	peer.ssl = NULL;
	if (peer.fd >= 0)
		close(peer.fd);
	peer.fd = -1;
	peer.length = 0;
}

static void peer_end(void)
{
	peer_hang_up();
	if (peer.listener >= 0)
		close(peer.listener);
	SSL_CTX_free(peer.context);
}

static void peer_accept(void)
{
	int fd = accept4(peer.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	peer_hang_up();
	peer.closed = false;
	peer.fd = fd;
	peer.ssl = SSL_new(peer.context);
	SSL_set_fd(peer.ssl, fd);
	SSL_set_accept_state(peer.ssl);
}

static void peer_read(void)
{
	int n;

	if (!peer.ssl)
		return;
	ERR_clear_error();
	while ((n = SSL_read(peer.ssl, peer.have + peer.length,
			(int)(sizeof(peer.have) - peer.length))) > 0)
		peer.length += (size_t)n;
	if (SSL_get_error(peer.ssl, n) != SSL_ERROR_WANT_READ)
		peer.closed = true;
}

// Whether anything is to be read on either side, now or within that time.
static bool more(int ms)
{
	struct pollfd fds[] = {{peer.listener, POLLIN, 0}, {peer.closed ? -1 : peer.fd, POLLIN, 0},
		{uv_backend_fd(&fixture_loop), POLLIN, 0}};

	return poll(fds, sizeof(fds) / sizeof(fds[0]), ms) > 0;
}

// Lets both sides talk until nothing more comes.
static void talk(void)
{
	do {
		fixture_settle();
		peer_accept();
		peer_read();
	} while (more(QUIET_MS));
}

// Until that is so: bytes take their time through the system.
#define UNTIL(what) \
	do { \
		bool so = (what); \
		for (unsigned n_ = 0; !so && n_ < AWAIT; n_++) { \
			talk(); \
			so = (what); \
		} \
		assert_true(so); \
	} while (0)

static void talk_for(uint64_t ms)
{
	for (; ms >= 100; ms -= 100) {
		fixture_pass(100);
		talk();
	}
}

// The first request that is there; false: none.
static bool peer_take(struct fake_request *out)
{
	size_t length = peer.length < 4 ? 0 : (size_t)peer.have[2] << 8 | peer.have[3];

	if (!length || peer.length < length)
		return false;
	memcpy(out->bytes, peer.have, length);
	assert_int_equal(radius_parse(out->bytes, length, &out->packet), 0);
	memmove(peer.have, peer.have + length, peer.length - length);
	peer.length -= length;
	return true;
}

static void peer_must_take(struct fake_request *out)
{
	UNTIL(peer_take(out));
}

static void peer_send(const void *bytes, size_t length)
{
	assert_int_equal(SSL_write(peer.ssl, bytes, (int)length), (int)length);
	talk();
}

static void peer_answer(const struct fake_request *request, uint8_t code)
{
	uint8_t bytes[RADIUS_PACKET];

	peer_send(bytes, fake_build(request, code, bytes));
}

// ---- the client

static int setup(void **state)
{
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	pki_folder_make();
	pki_write_certificate("root.pem", &root, NULL);
	client = pki_peer("ecdsa-256", "CN=gateway", "DNS:gateway.example", &root);
	pki_write_certificate("client.pem", &client, NULL);
	pki_write_key("client.key", client.key, NULL);
	server = pki_peer("ecdsa-256", "CN=radius", "DNS:radius.example,IP:127.0.0.1", &root);
	return fixture_setup(state);
}

static int teardown(void **state)
{
	int error = fixture_teardown(state);

	peer_end();
	pki_free(&server);
	pki_free(&client);
	pki_free(&root);
	pki_folder_remove();
	(void)pki_keys_free(NULL);
	return error;
}

static struct config_radius_server *configure(void)
{
	struct fake_server unused;
	struct config_radius_server *s = &fixture_config.radius.servers[0];

	fixture_server(&unused, 0);
	fake_close(&unused);
	s->transport = RADIUS_TLS;
	s->auth_port = s->accounting_port = peer.port;
	snprintf(s->tls_name, sizeof(s->tls_name), "radius.example");
	snprintf(s->tls_authorities, sizeof(s->tls_authorities), "%s", pki_path("root.pem"));
	return s;
}

static void begin(void)
{
	peer_listen(&server);
	configure();
	fixture_begin();
	UNTIL(fixture_info(0).kind[RADIUS_AUTH].connected);
}

// ---- answers

static void test_answer(void **state)
{
	struct fake_request request;
	struct outcome b;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_send(&b, RADIUS_ACCOUNTING, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(a.done);
	assert_int_equal(a.code, RADIUS_ACCESS_ACCEPT);
	peer_must_take(&request);
	assert_int_equal(request.packet.code, RADIUS_ACCOUNTING_REQUEST);
	peer_answer(&request, RADIUS_ACCOUNTING_RESPONSE);
	UNTIL(b.done);
}

// Whatever way the bytes are cut, the packets are the same.
static void test_pieces(void **state)
{
	struct fake_request first, second;
	uint8_t bytes[2 * RADIUS_PACKET];
	struct outcome b;
	size_t length;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&first);
	peer_must_take(&second);
	length = fake_build(&second, RADIUS_ACCESS_REJECT, bytes);
	length += fake_build(&first, RADIUS_ACCESS_ACCEPT, bytes + length);
	for (size_t i = 0; i < length; i++) {
		assert_false(a.done);
		peer_send(bytes + i, 1);
	}
	UNTIL(a.done);
	assert_int_equal(a.code, RADIUS_ACCESS_ACCEPT);
	assert_int_equal(b.code, RADIUS_ACCESS_REJECT);
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&first);
	peer_must_take(&second);
	length = fake_build(&second, RADIUS_ACCESS_REJECT, bytes);
	length += fake_build(&first, RADIUS_ACCESS_ACCEPT, bytes + length);
	peer_send(bytes, length);
	UNTIL(a.done);
	UNTIL(b.done);
}

// Nothing is sent twice on a connection; the answer may take a minute.
static void test_patience(void **state)
{
	struct fake_request request, status;
	unsigned asked = 0;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	for (unsigned i = 0; i < 600; i++) {
		talk_for(100);
		while (peer_take(&status)) {
			assert_int_equal(status.packet.code, RADIUS_STATUS_SERVER);
			peer_answer(&status, RADIUS_ACCESS_ACCEPT);
			asked++;
		}
	}
	assert_true(asked >= 2);
	assert_false(a.done);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(a.done);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 0);
	assert_int_equal(fixture_logged(LOG_RADIUS_CONNECTED), 1);
}

// More than its ids wait in a row, and Status-Server still has one.
static void test_row(void **state)
{
	enum { ROW = 400 };
	static struct outcome all[ROW];
	struct fake_request request;
	unsigned n = 0;

	begin();
	for (unsigned i = 0; i < ROW; i++)
		assert_int_equal(
			fixture_try_send(&all[i], RADIUS_AUTH, PATIENCE_MS, RADIUS_ANY_SERVER), 0);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].on_the_way, 255);
	talk_for(WINDOW_MS);
	while (peer_take(&request) && request.packet.code != RADIUS_STATUS_SERVER)
		n++;
	assert_int_equal(n, 255);
	assert_int_equal(request.packet.code, RADIUS_STATUS_SERVER);
	peer_answer(&request, RADIUS_ACCOUNTING_RESPONSE);
	UNTIL(fixture_info(0).status_answers == 1);
	assert_false(fixture_info(0).kind[RADIUS_AUTH].dead);
	for (unsigned i = 0; i < ROW; i++)
		radius_forget(fixture_radius, &all[i]);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].waiting, 0);
	assert_int_equal(fixture_info(0).kind[RADIUS_AUTH].on_the_way, 0);
}

// ---- whom it believes

// Connects to the server as configured; true when it is believed.
static bool believed(void)
{
	fixture_begin();
	UNTIL(fixture_logged(LOG_RADIUS_CONNECTED) || fixture_logged(LOG_RADIUS_CONNECTION_LOST));
	return fixture_info(0).kind[RADIUS_AUTH].connected;
}

static void refuses(void)
{
	assert_false(believed());
	assert_int_equal(fixture_logged(LOG_RADIUS_CONNECTION_LOST), 1);
	// Tried as often as a request, said once, and then it is dead.
	talk_for(WINDOW_MS + 100);
	assert_true(fixture_info(0).kind[RADIUS_AUTH].dead);
	assert_true(fixture_info(0).kind[RADIUS_ACCOUNTING].dead);
	assert_int_equal(fixture_logged(LOG_RADIUS_CONNECTION_LOST), 1);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
}

static void test_wrong_name(void **state)
{
	peer_listen(&server);
	snprintf(configure()->tls_name, CONFIG_TEXT, "other.example");
	refuses();
}

static void test_address(void **state)
{
	peer_listen(&server);
	configure()->tls_name[0] = '\0';
	assert_true(believed());
}

static void test_wrong_address(void **state)
{
	struct pki elsewhere = pki_peer("ecdsa-256", "CN=radius", "IP:127.0.0.2", &root);

	peer_listen(&elsewhere);
	configure()->tls_name[0] = '\0';
	refuses();
	pki_free(&elsewhere);
}

static void test_expired(void **state)
{
	const struct pki_options options = {.subject = "CN=radius",
		.san = "DNS:radius.example",
		.usage = "digitalSignature",
		.not_before = -7200,
		.not_after = -60};
	struct pki old = pki_make(pki_key("ecdsa-256", 7), &root, &options);

	peer_listen(&old);
	configure();
	refuses();
	pki_free(&old);
}

static void test_other_authority(void **state)
{
	struct pki other = pki_authority("ecdsa-256", "CN=Other", NULL);
	struct pki stranger = pki_peer("ecdsa-256", "CN=radius", "DNS:radius.example", &other);

	peer_listen(&stranger);
	configure();
	refuses();
	pki_free(&stranger);
	pki_free(&other);
}

static void test_client_certificate(void **state)
{
	struct config_radius_server *s;

	peer_listen(&server);
	SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	s = configure();
	snprintf(s->tls_certificate, CONFIG_TEXT, "%s", pki_path("client.pem"));
	snprintf(s->tls_key, CONFIG_TEXT, "%s", pki_path("client.key"));
	assert_true(believed());
	UNTIL(SSL_get0_peer_certificate(peer.ssl));
}

// The server wants a certificate, which TLS 1.3 says only after the handshake: tried with the times
// of a request, not at once again and again.
static void test_no_client_certificate(void **state)
{
	peer_listen(&server);
	SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	configure();
	fixture_begin();
	talk_for(WINDOW_MS + 200);
	assert_true(fixture_info(0).kind[RADIUS_AUTH].dead);
	assert_in_range(fixture_logged(LOG_RADIUS_CONNECTED), 1, 3);
	assert_int_equal(fixture_logged(LOG_RADIUS_CONNECTION_LOST), 1);
}

static void test_files(void **state)
{
	struct config_radius_server *s;
	char why[256];

	peer_listen(&server);
	s = configure();
	assert_int_equal(radius_check(&fixture_config, why, sizeof(why)), 0);
	snprintf(s->tls_authorities, CONFIG_TEXT, "%s", pki_path("missing.pem"));
	assert_int_equal(radius_check(&fixture_config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "missing.pem"));
	assert_null(radius_create(&fixture_config, fixture_timers, &fixture_loop));
	snprintf(s->tls_authorities, CONFIG_TEXT, "%s", pki_path("root.pem"));
	snprintf(s->tls_certificate, CONFIG_TEXT, "%s", pki_path("root.pem"));
	snprintf(s->tls_key, CONFIG_TEXT, "%s", pki_path("client.key"));
	assert_int_equal(radius_check(&fixture_config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "client.key is not the key"));
}

// ---- the connection ends

// What was on the way is asked again on the next connection, once, and answered there.
static void test_cut(void **state)
{
	struct fake_request request, again;
	uint8_t bytes[RADIUS_PACKET];
	size_t length;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	length = fake_build(&request, RADIUS_ACCESS_ACCEPT, bytes);
	peer_send(bytes, length / 2); // in mid-packet
	peer_hang_up();
	talk_for(2500);
	assert_true(fixture_info(0).kind[RADIUS_AUTH].connected);
	peer_must_take(&again);
	assert_false(a.done);
	peer_answer(&again, RADIUS_ACCESS_ACCEPT);
	UNTIL(a.done);
	assert_false(peer_take(&again));
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 0);
	// After an answer the next one is made at once.
	peer_hang_up();
	UNTIL(fixture_info(0).kind[RADIUS_AUTH].connected);
}

// Sends that in place of a reply; the connection is given up, and the request asked again.
static void breaks(const void *bytes, size_t length, unsigned lost)
{
	struct fake_request request;

	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	peer_send(bytes, length);
	UNTIL(fixture_logged(LOG_RADIUS_CONNECTION_LOST) == lost);
	talk_for(2500);
	peer_must_take(&request);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(a.done);
}

static void test_bad_streams(void **state)
{
	static const uint8_t zero[64], shorter[64] = {2, 0, 0, 19}, longer[64] = {2, 0, 16, 1},
				       attribute[64] = {2, 0, 0, 64, [20] = 1, [21] = 1};

	begin();
	breaks(zero, sizeof(zero), 1);
	breaks(shorter, sizeof(shorter), 2);
	breaks(longer, sizeof(longer), 3);
	breaks(attribute, sizeof(attribute), 4);
	assert_int_equal(fixture_info(0).malformed, 1);
}

// A reply that is not proven ends the connection (RFC 6613 section 2.6.4); one without
// Message-Authenticator, or to nothing, does not.
static void test_not_proven(void **state)
{
	struct fake_request request;
	uint8_t bytes[RADIUS_PACKET];
	size_t length;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	length = fake_build(&request, RADIUS_ACCESS_ACCEPT, bytes);
	bytes[1] ^= 1;
	peer_send(bytes, length);
	UNTIL(fixture_info(0).unexpected == 1);
	assert_true(fixture_info(0).kind[RADIUS_AUTH].connected);
	bytes[1] ^= 1;
	bytes[5] ^= 1;
	peer_send(bytes, length);
	UNTIL(fixture_info(0).wrong_authenticator == 1);
	assert_int_equal(fixture_logged(LOG_RADIUS_CONNECTION_LOST), 1);
	assert_false(a.done);
	talk_for(2500);
	peer_must_take(&request);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(a.done);
}

// Nobody listens; then somebody does. What waited is lost with its patience or goes on.
static void test_death_and_return(void **state)
{
	struct fake_request request;
	struct outcome b;

	begin();
	close(peer.listener);
	peer.listener = -1;
	peer_hang_up();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	talk_for(WINDOW_MS + 2500);
	UNTIL(a.done);
	assert_int_equal(a.outcome, RADIUS_NO_SERVER);
	assert_int_equal(fixture_logged(LOG_RADIUS_DEAD), 1);
	assert_false(radius_alive(fixture_radius, RADIUS_AUTH));
	{
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(peer.port)};
		int on = 1;

		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		setsockopt(peer.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		assert_int_equal(bind(peer.listener, (struct sockaddr *)&in, sizeof(in)), 0);
		assert_int_equal(listen(peer.listener, 8), 0);
	}
	for (unsigned i = 0; i < 310 && !peer_take(&request); i++)
		talk_for(100);
	// It must answer before it counts.
	assert_int_equal(fixture_logged(LOG_RADIUS_BACK), 0);
	assert_int_equal(request.packet.code, RADIUS_STATUS_SERVER);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(fixture_logged(LOG_RADIUS_BACK) == 1);
	fixture_send(&b, RADIUS_AUTH, PATIENCE_MS);
	talk();
	peer_must_take(&request);
	peer_answer(&request, RADIUS_ACCESS_ACCEPT);
	UNTIL(b.done);
}

// It takes all we send and says nothing: dead within the stated time.
static void test_silence(void **state)
{
	uint64_t began;

	begin();
	fixture_send(&a, RADIUS_AUTH, PATIENCE_MS);
	began = fixture_now();
	while (!a.done)
		talk_for(100);
	assert_int_equal(a.outcome, RADIUS_NO_SERVER);
	assert_true(fixture_now() - began <= WINDOW_MS + STATUS_MS + 200);
	UNTIL(peer.closed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_pieces),
		TEST(test_patience),
		TEST(test_row),
		TEST(test_wrong_name),
		TEST(test_address),
		TEST(test_wrong_address),
		TEST(test_expired),
		TEST(test_other_authority),
		TEST(test_client_certificate),
		TEST(test_no_client_certificate),
		TEST(test_files),
		TEST(test_cut),
		TEST(test_bad_streams),
		TEST(test_not_proven),
		TEST(test_death_and_return),
		TEST(test_silence),
	};

	signal(SIGPIPE, SIG_IGN); // as main.c does
	return cmocka_run_group_tests(tests, NULL, NULL);
}
