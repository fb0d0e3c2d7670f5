// SPDX-License-Identifier: Apache-2.0

// Revocation at every kind of place, and chains that are asked about again.

#include "trust_chain.h"

#include "controlplane/fakes.h"
#include "pki_fixture.h"
#include "pki_server.h"
#include "place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

static struct config config;
static struct timers *timers;
static struct trust *trust;
static struct pki root, peer;
static struct trust_chain *chain;
static struct span served;
static uint64_t now;
static int64_t ahead; // of the clock, seconds

static struct {
	unsigned count;
	bool holds;
	char why[REVOCATION_WHY];
} seen;

static int64_t moved_clock(void)
{
	return (int64_t)time(NULL) + ahead;
}

static struct config_authority *authority(void)
{
	return &config.certificates.authorities[0];
}

static int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	memset(&seen, 0, sizeof(seen));
	ahead = 0;
	places_set_clock(moved_clock);
	pki_folder_make();
	pki_server_start();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	peer = pki_peer("ecdsa-256", "CN=Peer", "DNS:peer.example", &root);
	pki_write_certificate("root.pem", &root, NULL);
	config.certificates.authority_count = 1;
	config.certificates.refresh_s = 3600;
	config.certificates.revocation = REVOCATION_STRICT;
	strcpy(authority()->certificate, pki_path("root.pem"));
	timers = timers_create(NULL, NULL);
	now = 1000000;
	timers_set_now(timers, now);
	return 0;
}

static int teardown(void **state)
{
	trust_chain_free(chain);
	chain = NULL;
	trust_free(trust);
	trust = NULL;
	timers_free(timers);
	pki_free(&root);
	pki_free(&peer);
	pki_server_stop();
	OPENSSL_free((void *)served.at);
	served = SPAN(NULL, 0);
	pki_folder_remove();
	return 0;
}

static void build_chain(void)
{
	char why[256];
	struct span der = pki_der(peer.certificate);

	chain = trust_chain_build(trust_anchors(trust), &der, 1, why, sizeof(why));
	if (!chain)
		fail_msg("%s", why);
	OPENSSL_free((void *)der.at);
}

static void begin(void)
{
	char why[256];

	trust = trust_create(&config, timers, why, sizeof(why));
	if (!trust)
		fail_msg("%s", why);
	build_chain();
}

static void refused(const char *part)
{
	char why[256];

	assert_null(trust_create(&config, timers, why, sizeof(why)));
	if (!strstr(why, part))
		fail_msg("%s", why);
}

static void done(void *context, const char *why)
{
	seen.count++;
	seen.holds = !why;
	snprintf(seen.why, sizeof(seen.why), "%s", why ? why : "");
}

static void pass(uint64_t ms)
{
	now += ms;
	ahead += (int64_t)(ms / 1000);
	timers_run(timers, now);
}

static void holds(void)
{
	seen.count = 0;
	assert_int_equal(trust_holds(trust, chain, done, NULL), 0);
	assert_int_equal(seen.count, 1);
	if (!seen.holds)
		fail_msg("%s", seen.why);
}

static void fails(const char *part)
{
	seen.count = 0;
	assert_int_equal(trust_holds(trust, chain, done, NULL), 0);
	assert_int_equal(seen.count, 1);
	assert_false(seen.holds);
	if (!strstr(seen.why, part))
		fail_msg("%s", seen.why);
}

static void write_crl(const X509 *revoked, int64_t from, int64_t until)
{
	X509_CRL *crl = pki_crl(&root, revoked, from, until);

	pki_write_crl("root.crl", crl);
	X509_CRL_free(crl);
}

static void serve_crl(const X509 *revoked, int64_t from, int64_t until)
{
	X509_CRL *crl = pki_crl(&root, revoked, from, until);

	OPENSSL_free((void *)served.at);
	served = pki_crl_der(crl);
	pki_server_put("root.crl", served);
	X509_CRL_free(crl);
}

static void serve_ocsp(int status, int64_t until)
{
	OPENSSL_free((void *)served.at);
	served = pki_ocsp(&root, peer.certificate, root.certificate, status, -60, until);
	pki_server_put("ocsp", served);
}

// The peer's certificate names these places itself.
static void peer_names(bool crl, bool ocsp)
{
	char where[2][160];

	snprintf(where[0], sizeof(where[0]), "URI:%s", pki_server_address("root.crl"));
	snprintf(where[1], sizeof(where[1]), "OCSP;URI:%s", pki_server_address("ocsp"));
	pki_free(&peer);
	peer = pki_make(pki_key("ecdsa-256", 2), &root,
		&(struct pki_options){.subject = "CN=Peer",
			.crl = crl ? where[0] : NULL,
			.ocsp = ocsp ? where[1] : NULL});
}

static void off_asks_nobody(void **state)
{
	config.certificates.revocation = REVOCATION_OFF;
	peer_names(true, true);
	begin();
	holds();
	assert_int_equal(pki_server_requests(), 0);
}

static void strict_needs_an_answer(void **state)
{
	begin();
	fails("CN=Peer names no place for CRLs or OCSP");
}

static void relaxed_needs_none(void **state)
{
	config.certificates.revocation = REVOCATION_RELAXED;
	begin();
	holds();
}

static void crl_file(void **state)
{
	write_crl(NULL, -60, 3600);
	strcpy(authority()->crl, pki_path("root.crl"));
	begin();
	holds();
	write_crl(peer.certificate, -30, 3600);
	pass(PLACE_FILE_MS);
	fails("CN=Peer is revoked by the CRL");
}

static void crl_file_out_of_date(void **state)
{
	write_crl(NULL, -7200, -3600);
	strcpy(authority()->crl, pki_path("root.crl"));
	begin();
	fails("root.crl is out of date");
	trust_free(trust);
	trust_chain_free(chain);
	config.certificates.revocation = REVOCATION_RELAXED;
	begin();
	holds();
	// Who was revoked stays so.
	write_crl(peer.certificate, -7200, -3600);
	pass(PLACE_FILE_MS);
	fails("is revoked");
}

// A file that goes or is damaged changes nothing of what was read.
static void crl_file_goes(void **state)
{
	write_crl(peer.certificate, -60, 3600);
	strcpy(authority()->crl, pki_path("root.crl"));
	begin();
	pki_write("root.crl", SPAN((const uint8_t *)"rubbish", 7), 0644);
	pass(PLACE_FILE_MS);
	fails("is revoked");
	remove(authority()->crl);
	pass(PLACE_FILE_MS);
	fails("is revoked");
}

static void files_are_checked(void **state)
{
	strcpy(authority()->crl, pki_path("root.crl"));
	refused("root.crl is not there: write");
	pki_write("root.crl", SPAN((const uint8_t *)"rubbish", 7), 0644);
	refused("root.crl holds no CRL of its authority: write a CRL of ");
	strcpy(authority()->certificate, pki_path("root.crl"));
	refused("root.crl holds no certificate");
	pki_write_certificate("peer.pem", &peer, NULL);
	strcpy(authority()->certificate, pki_path("peer.pem"));
	refused("peer.pem holds a certificate that is no authority's: name the CA's");
}

static void crl_by_http_is_kept(void **state)
{
	serve_crl(NULL, -60, 7200);
	strcpy(authority()->crl, pki_server_address("root.crl"));
	begin();
	for (int i = 0; i < 3; i++)
		holds();
	assert_int_equal(pki_server_requests(), 1);
	serve_crl(peer.certificate, -60, 7200);
	pass(7300 * 1000);
	fails("is revoked");
}

static void crl_as_certificate_says(void **state)
{
	peer_names(true, false);
	serve_crl(peer.certificate, -60, 3600);
	begin();
	fails("is revoked");
}

static void crl_of_another(void **state)
{
	struct pki other = pki_make(pki_key("ecdsa-256", 5), NULL,
		&(struct pki_options){.subject = "CN=Root", .basic = "critical,CA:TRUE"});
	X509_CRL *crl = pki_crl(&other, NULL, -60, 3600);

	peer_names(true, false);
	served = pki_crl_der(crl);
	pki_server_put("root.crl", served);
	begin();
	fails("is not signed by its authority");
	X509_CRL_free(crl);
	pki_free(&other);
}

// A failure is remembered for a while, and not paid for by everybody.
static void failures_are_kept(void **state)
{
	peer_names(true, false);
	begin();
	fails("gives no CRL");
	fails("gives no CRL");
	assert_int_equal(pki_server_requests(), 1);
	serve_crl(NULL, -60, 3600);
	pass(PLACE_RETRY_MS);
	holds();
}

static void relaxed_lives_with_failures(void **state)
{
	config.certificates.revocation = REVOCATION_RELAXED;
	peer_names(true, true);
	begin();
	holds();
	assert_int_equal(pki_server_requests(), 2);
}

static bool was_asked(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

// A responder that does not answer about one is not waited for by the next.
static void silent_responder_is_asked_once(void **state)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(a);
	struct pki first = peer;

	assert_int_equal(bind(listener, (struct sockaddr *)&a, length), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &length), 0);
	snprintf(authority()->ocsp, sizeof(authority()->ocsp), "http://127.0.0.1:%u/ocsp",
		ntohs(a.sin_port));
	begin();
	fails("gives no OCSP answer");
	assert_true(was_asked(listener));
	peer = pki_peer("ecdsa-256", "CN=Other", "DNS:other.example", &root);
	trust_chain_free(chain);
	build_chain();
	fails("gives no OCSP answer");
	assert_false(was_asked(listener));
	pki_free(&first);
	close(listener);
}

// One that answers with rubbish is.
static void wrong_answer_is_of_one_question(void **state)
{
	struct pki first = peer;

	strcpy(authority()->ocsp, pki_server_address("ocsp"));
	begin();
	fails("gives no OCSP answer");
	peer = pki_peer("ecdsa-256", "CN=Other", "DNS:other.example", &root);
	trust_chain_free(chain);
	build_chain();
	serve_ocsp(V_OCSP_CERTSTATUS_GOOD, 3600);
	holds();
	pki_free(&first);
}

static void ocsp_as_certificate_says(void **state)
{
	peer_names(false, true);
	serve_ocsp(V_OCSP_CERTSTATUS_GOOD, 3600);
	begin();
	holds();
	holds();
	assert_int_equal(pki_server_requests(), 1);
	pass(3700 * 1000);
	// The answer served is old by now.
	fails("out of date");
}

static void ocsp_of_the_config(void **state)
{
	strcpy(authority()->ocsp, pki_server_address("ocsp"));
	serve_ocsp(V_OCSP_CERTSTATUS_REVOKED, 3600);
	begin();
	fails("is revoked, as the OCSP responder says");
	fails("is revoked, as the OCSP responder says");
	// Once known to be revoked, silence does not help.
	pki_server_put("ocsp", SPAN(NULL, 0));
	pass(7200 * 1000);
	config.certificates.revocation = REVOCATION_RELAXED;
	fails("is revoked");
}

static void crl_helps_where_ocsp_fails(void **state)
{
	peer_names(true, true);
	serve_crl(NULL, -60, 3600);
	begin();
	holds();
	assert_int_equal(pki_server_requests(), 2);
}

// One fetch for all who wait for it.
static void waiters_share(void **state)
{
	peer_names(true, false);
	serve_crl(NULL, -60, 3600);
	begin();
	work_hold(true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(trust_holds(trust, chain, done, NULL), 0);
	assert_int_equal(seen.count, 0);
	work_hold(false);
	assert_int_equal(seen.count, 3);
	assert_true(seen.holds);
	assert_int_equal(pki_server_requests(), 1);
}

static void nobody_waits_forever(void **state)
{
	peer_names(true, false);
	begin();
	work_hold(true);
	assert_int_equal(trust_holds(trust, chain, done, NULL), 0);
	assert_int_equal(seen.count, 0);
	pass(TRUST_WAIT_MS);
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(seen.why, "does not answer in time"));
	work_hold(false);
	assert_int_equal(seen.count, 1);
}

static void forgotten_is_not_called(void **state)
{
	peer_names(true, false);
	begin();
	work_hold(true);
	assert_int_equal(trust_holds(trust, chain, done, &seen), 0);
	trust_forget(trust, &seen);
	work_hold(false);
	assert_int_equal(seen.count, 0);
	work_hold(true);
	pass(PLACE_RETRY_MS);
	assert_int_equal(trust_holds(trust, chain, done, &seen), 0);
	trust_free(trust);
	trust = NULL;
	work_hold(false);
	assert_int_equal(seen.count, 0);
}

static void dates_are_looked_at_again(void **state)
{
	config.certificates.revocation = REVOCATION_RELAXED;
	begin();
	holds();
	ahead = 2 * 365 * 86400;
	fails("has ended on");
}

static unsigned shown;

static void each(void *context, const struct trust_info *info)
{
	shown++;
	assert_string_equal(info->subject, "CN=Root");
	assert_string_equal(info->crl, authority()->crl);
	assert_int_equal(info->crl_entries, 1);
	assert_true(info->crl_fetched > 0 && info->crl_next > info->crl_fetched);
	assert_null(info->crl_error);
}

static void authorities_are_shown(void **state)
{
	write_crl(peer.certificate, -60, 3600);
	strcpy(authority()->crl, pki_path("root.crl"));
	begin();
	trust_each(trust, each, NULL);
	assert_int_equal(shown, 1);
	assert_true(trust_any(trust));
	assert_false(trust_any(NULL));
	assert_int_equal(trust_request_v2(trust).length, 20);
	assert_true(trust_request_v1(trust, 0).length > 0);
	assert_int_equal(trust_request_v1(trust, 1).length, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(off_asks_nobody),
		TEST(strict_needs_an_answer),
		TEST(relaxed_needs_none),
		TEST(crl_file),
		TEST(crl_file_out_of_date),
		TEST(crl_file_goes),
		TEST(files_are_checked),
		TEST(crl_by_http_is_kept),
		TEST(crl_as_certificate_says),
		TEST(crl_of_another),
		TEST(failures_are_kept),
		TEST(relaxed_lives_with_failures),
		TEST(silent_responder_is_asked_once),
		TEST(wrong_answer_is_of_one_question),
		TEST(ocsp_as_certificate_says),
		TEST(ocsp_of_the_config),
		TEST(crl_helps_where_ocsp_fails),
		TEST(waiters_share),
		TEST(nobody_waits_forever),
		TEST(forgotten_is_not_called),
		TEST(dates_are_looked_at_again),
		TEST(authorities_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
