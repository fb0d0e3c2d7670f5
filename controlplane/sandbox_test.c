// SPDX-License-Identifier: Apache-2.0

// Whether CRLs can be fetched under the filter, by address and by name, and nothing where nobody
// has to be asked. Each test is a process of its own, for a filter is never taken off.

#include "sandbox.h"

#include "ike/fetch.h"
#include "ike/pki_fixture.h"
#include "ike/pki_server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct config config;
static struct pki root;
static struct span served;

static int setup(void **state)
{
	X509_CRL *crl;

	memset(&config, 0, sizeof(config));
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	crl = pki_crl(&root, NULL, -60, 3600);
	served = pki_crl_der(crl);
	X509_CRL_free(crl);
	pki_server_start();
	pki_server_put("root.crl", served);
	return 0;
}

static int teardown(void **state)
{
	pki_server_stop();
	OPENSSL_free((void *)served.at);
	pki_free(&root);
	(void)pki_keys_free(NULL);
	return 0;
}

static bool fetched(const char *address)
{
	struct fetch f = {.source = address, .issuer = root.certificate};

	fetch_run(&f);
	if (!f.crl)
		print_message("%s\n", f.why);
	return f.crl != NULL;
}

// 0, or which step failed.
static int fetch_both(void)
{
	char name[128];

	if (sandbox_filter(&config))
		return 1;
	if (!fetched(pki_server_address("root.crl")))
		return 2;
	snprintf(name, sizeof(name), "http://localhost%s",
		strrchr(pki_server_address("root.crl"), ':'));
	return fetched(name) ? 0 : 3;
}

static int open_nothing(void)
{
	if (sandbox_filter(&config))
		return 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0;
#endif
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? 0 : 2;
}

// A source port towards a RADIUS server, after the filter.
static int ask_radius(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1812)};
	int fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sandbox_filter(&config))
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 2;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, "", 1, 0) != 1)
		return 3;
	to.sin_port = 0;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		return 4;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (config.certificates.authority_count == 0 && socket(AF_NETLINK, SOCK_RAW, 0) >= 0)
		return 5;
#endif
	return 0;
}

static int in_child(int (*step)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(step());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void fetches_where_it_must(void **state)
{
	config.certificates.authority_count = 1;
	config.certificates.revocation = REVOCATION_RELAXED;
	assert_int_equal(in_child(fetch_both), 0);
}

static void opens_nothing_else(void **state)
{
	assert_int_equal(in_child(open_nothing), 0);
	config.certificates.authority_count = 1;
	config.certificates.revocation = REVOCATION_OFF;
	assert_int_equal(in_child(open_nothing), 0);
}

static void asks_radius_where_it_must(void **state)
{
	config.radius.server_count = 1;
	assert_int_equal(in_child(ask_radius), 0);
	config.certificates.authority_count = 1;
	config.certificates.revocation = REVOCATION_RELAXED;
	assert_int_equal(in_child(ask_radius), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fetches_where_it_must),
		TEST(opens_nothing_else),
		TEST(asks_radius_where_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
