// SPDX-License-Identifier: Apache-2.0

// Main mode with signatures, and what becomes of peers whose certificates end or are revoked.

#include "fixture.h"

#include "controlplane/ike/certificates.h"
#include "controlplane/ike/pki_fixture.h"
#include "controlplane/ike/place.h"
#include "controlplane/ike/state.h"

#include <openssl/pkcs7.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct pki root, between, gateway[4], peer[4];
static struct certificates *certificates;
static int64_t ahead; // of the clock, seconds

static const struct kind {
	const char *key;
	unsigned auth;
	const char *word;
} kinds[] = {
	{"rsa-2048", IKE_AUTH_RSA, "rsa-signature"},
	{"ecdsa-256", IKE_AUTH_ECDSA_256, "ecdsa-256"},
	{"ecdsa-384", IKE_AUTH_ECDSA_384, "ecdsa-384"},
	{"ecdsa-521", IKE_AUTH_ECDSA_521, "ecdsa-521"},
};

static int64_t moved_clock(void)
{
	return (int64_t)time(NULL) + ahead;
}

static void begin(void)
{
	char why[512];

	certificates = certificates_create(&config, timers, why, sizeof(why));
	if (!certificates)
		fail_msg("%s", why);
	ike_set_certificates(ike, certificates_own(certificates), certificates_trust(certificates));
}

static void write_own(unsigned n)
{
	char name[32];

	snprintf(name, sizeof(name), "gateway%u.pem", n);
	pki_write_certificate(name, &gateway[n], NULL);
	strcpy(config.certificates.own[n].certificate, pki_path(name));
	snprintf(name, sizeof(name), "gateway%u.key", n);
	pki_write_key(name, gateway[n].key, NULL);
	strcpy(config.certificates.own[n].key, pki_path(name));
}

static void write_crl(const X509 *revoked)
{
	X509_CRL *crl = pki_crl(&root, revoked, -60, 3600);

	pki_write_crl("root.crl", crl);
	X509_CRL_free(crl);
}

static int setup(void **state)
{
	(void)fixture_setup(state);
	log_set_level(LEVEL_INFO);
	log_set_sink(on_log, NULL);
	ahead = 0;
	places_set_clock(moved_clock);
	pki_folder_make();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	between = pki_authority("ecdsa-256", "CN=Between", &root);
	for (unsigned n = 0; n < 4; n++) {
		gateway[n] =
			pki_peer(kinds[n].key, "CN=Gateway", "DNS:vpn.example,IP:192.0.2.1", &root);
		peer[n] = pki_peer(
			kinds[n].key, "CN=Peer", "DNS:peer.example,IP:198.51.100.7", &root);
		write_own(n);
	}
	config.certificates.own_count = 4;
	pki_write_certificate("root.pem", &root, NULL);
	strcpy(config.certificates.authorities[0].certificate, pki_path("root.pem"));
	config.certificates.authority_count = 1;
	config.certificates.refresh_s = 3600;
	begin();
	return 0;
}

static int teardown(void **state)
{
	log_set_sink(NULL, NULL);
	(void)fixture_teardown(state);
	pki_free(&root);
	pki_free(&between);
	for (unsigned n = 0; n < 4; n++) {
		pki_free(&gateway[n]);
		pki_free(&peer[n]);
	}
	pki_folder_remove();
	return 0;
}

// The fixture's timers go with it, so these go before.
static int teardown_first(void **state)
{
	ike_free(ike);
	ike = NULL;
	certificates_free(certificates);
	return teardown(state);
}

static void id_set(struct initiator *i, const char *words)
{
	struct identity id;

	assert_int_equal(identity_parse(&id, words), 0);
	i->id[0] = id.type;
	memset(i->id + 1, 0, 3);
	memcpy(i->id + 4, id.data, id.length);
	i->id_length = 4u + id.length;
}

static void initiator_of(struct initiator *i, unsigned kind, const struct pki *who)
{
	initiator_init(i, ike, "198.51.100.7", PORT_IKE);
	i->auth = kinds[kind].auth;
	i->sign_key = who->key;
	i->certs[0] = pki_der(who->certificate);
	i->cert_count = 1;
	id_set(i, "CN=Peer");
}

static void initiator_end(struct initiator *i)
{
	for (size_t n = 0; n < i->cert_count; n++)
		OPENSSL_free((void *)i->certs[n].at);
	initiator_free(i);
}

static void every_method(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	for (unsigned n = 0; n < 4; n++) {
		char word[64];

		initiator_of(&i, n, &peer[n]);
		assert_true(initiator_main(&i));
		snprintf(word, sizeof(word), "\"auth\":\"%s\"", kinds[n].word);
		assert_non_null(strstr(seen.up_line, word));
		assert_non_null(strstr(seen.up_line, "\"identity\":\"CN=Peer\""));
		quick_up(&i, &q, 0xabcd0001 + n);
		initiator_end(&i);
	}
	assert_int_equal(seen.refused, 0);
}

static void names_answer_names(void **state)
{
	static const struct {
		const char *peer;
		uint8_t ours;
	} table[] = {
		{"CN=Peer", ID_DER_DN}, {"peer.example", ID_FQDN}, {"198.51.100.7", ID_IPV4_ADDR}};
	struct initiator i;

	for (size_t n = 0; n < 3; n++) {
		initiator_of(&i, 1, &peer[1]);
		id_set(&i, table[n].peer);
		assert_true(initiator_main(&i));
		assert_int_equal(
			isakmp_chain_find(&i.chain, ISAKMP_ID, 0)->body.at[0], table[n].ours);
		initiator_end(&i);
	}
}

static void we_say_whom_we_believe(void **state)
{
	struct span name = trust_request_v1(certificates_trust(certificates), 0);
	const struct isakmp_part *request;
	struct initiator i;

	initiator_of(&i, 0, &peer[0]);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	request = isakmp_chain_find(&i.chain, ISAKMP_CERTREQ, 0);
	assert_non_null(request);
	assert_int_equal(request->body.at[0], 4);
	assert_int_equal(request->body.length, 1 + name.length);
	assert_memory_equal(request->body.at + 1, name.at, name.length);
	assert_null(isakmp_chain_find(&i.chain, ISAKMP_CERTREQ, 1));
	initiator_end(&i);
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	assert_null(isakmp_chain_find(&i.chain, ISAKMP_CERTREQ, 0));
	initiator_free(&i);
}

static void chain_comes_along(void **state)
{
	struct pki below = pki_peer("rsa-2048", "CN=Peer", NULL, &between);
	struct initiator i;

	initiator_of(&i, 0, &below);
	assert_false(initiator_main(&i));
	assert_non_null(strstr(seen.refused_line, "leads to none of certificates.authorities"));
	initiator_end(&i);
	initiator_of(&i, 0, &below);
	i.certs[i.cert_count++] = pki_der(between.certificate);
	assert_true(initiator_main(&i));
	initiator_end(&i);
	pki_free(&below);
}

// All in one PKCS#7 wrapping, in no order.
static void chain_comes_wrapped(void **state)
{
	struct pki below = pki_peer("rsa-2048", "CN=Peer", NULL, &between);
	PKCS7 *p7 = PKCS7_new();
	unsigned char *der = NULL;
	struct initiator i;
	int length;

	PKCS7_set_type(p7, NID_pkcs7_signed);
	PKCS7_content_new(p7, NID_pkcs7_data);
	PKCS7_add_certificate(p7, between.certificate);
	PKCS7_add_certificate(p7, below.certificate);
	length = i2d_PKCS7(p7, &der);
	assert_true(length > 0);
	initiator_of(&i, 0, &below);
	OPENSSL_free((void *)i.certs[0].at);
	i.certs[0] = SPAN(der, (size_t)length);
	i.cert_encoding = 1;
	assert_true(initiator_main(&i));
	i.certs[0].length--;
	assert_false(initiator_main(&i));
	initiator_end(&i);
	PKCS7_free(p7);
	pki_free(&below);
}

static void refused(struct initiator *i, const char *part)
{
	assert_false(initiator_main(i));
	if (!strstr(seen.refused_line, part))
		fail_msg("%s", seen.refused_line);
	assert_int_equal(i->error, NOTIFY_AUTHENTICATION_FAILED);
	initiator_end(i);
}

static void proof_must_hold(void **state)
{
	struct initiator i;

	initiator_of(&i, 0, &peer[0]);
	i.sign_key = gateway[0].key;
	assert_ptr_equal(gateway[0].key, peer[0].key);
	i.sign_key = pki_key("rsa-2048", 7);
	refused(&i, "the signature is wrong");
	initiator_of(&i, 0, &peer[0]);
	id_set(&i, "CN=Somebody");
	refused(&i, "is not for CN=Somebody");
	initiator_of(&i, 0, &peer[0]);
	i.certs[0].length--;
	refused(&i, "cannot be read");
	initiator_of(&i, 0, &peer[0]);
	i.certs[1] = i.certs[0];
	i.cert_count = 0;
	assert_false(initiator_main(&i));
	assert_non_null(strstr(seen.refused_line, "sent no certificate"));
	OPENSSL_free((void *)i.certs[1].at);
	initiator_free(&i);
}

// A wrong fifth message does not cost the real peer its exchange, a handful of them do no more.
static void tries_are_bounded(void **state)
{
	struct initiator i;
	uint8_t iv[IKE_BLOCK_MAX];
	unsigned n;

	initiator_of(&i, 1, &peer[1]);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	memcpy(iv, i.keys.iv, sizeof(iv));
	i.sign_key = pki_key("ecdsa-256", 7);
	assert_false(initiator_fifth(&i));
	memcpy(i.keys.iv, iv, sizeof(iv));
	i.sign_key = peer[1].key;
	assert_true(initiator_fifth(&i));
	initiator_end(&i);

	initiator_of(&i, 1, &peer[1]);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	memcpy(iv, i.keys.iv, sizeof(iv));
	for (n = 0; n < 6; n++) {
		i.sign_key = n < 5 ? pki_key("ecdsa-256", 7) : peer[1].key;
		memcpy(i.keys.iv, iv, sizeof(iv));
		assert_false(initiator_fifth(&i));
	}
	initiator_end(&i);
}

// While the proof is being checked, the same message again changes nothing; and the SA may go.
static void checked_off_the_loop(void **state)
{
	struct initiator i;

	initiator_of(&i, 0, &peer[0]);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	work_hold(true);
	assert_false(initiator_fifth(&i));
	initiator_send(&i, i.last, i.last_length);
	assert_int_equal(fake_sent_count(), 0);
	work_hold(false);
	assert_int_equal(fake_sent_count(), 1);
	assert_true(initiator_take(&i));
	initiator_send(&i, i.last, i.last_length);
	assert_int_equal(fake_sent_count(), 1);
	assert_true(initiator_take(&i));
	initiator_end(&i);

	initiator_of(&i, 0, &peer[0]);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	work_hold(true);
	assert_false(initiator_fifth(&i));
	pass(HALF_OPEN_MS + 1);
	work_hold(false);
	assert_int_equal(fake_sent_count(), 0);
	initiator_end(&i);
}

static void methods_need_certificates(void **state)
{
	struct initiator i;

	ike_set_certificates(ike, NULL, NULL);
	initiator_of(&i, 0, &peer[0]);
	assert_false(initiator_first(&i));
	assert_non_null(strstr(seen.refused_line, "does not offer a pre-shared key"));
	initiator_end(&i);
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_main(&i));
	initiator_free(&i);
	ike_set_certificates(ike, certificates_own(certificates), certificates_trust(certificates));
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_main(&i));
	initiator_free(&i);
}

static void with_crl(void)
{
	ike_set_certificates(ike, NULL, NULL);
	certificates_free(certificates);
	write_crl(NULL);
	strcpy(config.certificates.authorities[0].crl, pki_path("root.crl"));
	config.certificates.revocation = REVOCATION_STRICT;
	begin();
}

static void revoked_gets_no_new_pair(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	with_crl();
	initiator_of(&i, 0, &peer[0]);
	assert_true(initiator_main(&i));
	quick_up(&i, &q, 0xabcd0001);
	quick_up(&i, &q, 0xabcd0002);
	assert_int_equal(seen.downs, 0);
	write_crl(peer[0].certificate);
	pass(PLACE_FILE_MS);
	initiator_quick_init(&q, 0xabcd0003);
	assert_false(initiator_quick_first(&i, &q));
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "certificate");
	assert_non_null(strstr(seen.refused_line, "is revoked by the CRL of its authority"));
	while (initiator_take(&i))
		;
	initiator_end(&i);
	initiator_of(&i, 0, &peer[0]);
	refused(&i, "is revoked by the CRL of its authority");
}

static void ended_gets_no_new_pair(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	initiator_of(&i, 0, &peer[0]);
	assert_true(initiator_main(&i));
	quick_up(&i, &q, 0xabcd0001);
	ahead = 400 * 86400;
	initiator_quick_init(&q, 0xabcd0002);
	assert_false(initiator_quick_first(&i, &q));
	assert_string_equal(seen.cause, "certificate");
	assert_non_null(strstr(seen.refused_line, "has ended on"));
	while (initiator_take(&i))
		;
	initiator_end(&i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown_first)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_method),
		TEST(names_answer_names),
		TEST(we_say_whom_we_believe),
		TEST(chain_comes_along),
		TEST(chain_comes_wrapped),
		TEST(proof_must_hold),
		TEST(tries_are_bounded),
		TEST(checked_off_the_loop),
		TEST(methods_need_certificates),
		TEST(revoked_gets_no_new_pair),
		TEST(ended_gets_no_new_pair),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
