// SPDX-License-Identifier: Apache-2.0

#include "revocation.h"

#include "pki_fixture.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct pki root, other, peer, friend;
static char why[REVOCATION_WHY];

static int setup(void **state)
{
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	other = pki_make(pki_key("ecdsa-256", 5), NULL,
		&(struct pki_options){.subject = "CN=Root", .basic = "critical,CA:TRUE"});
	peer = pki_peer("ecdsa-256", "CN=Peer", NULL, &root);
	friend = pki_peer("ecdsa-256", "CN=Friend", NULL, &root);
	return 0;
}

static int teardown(void **state)
{
	pki_free(&root);
	pki_free(&other);
	pki_free(&peer);
	pki_free(&friend);
	return 0;
}

// Reads it and ends it.
static X509_CRL *read_crl(X509_CRL *crl, const struct pki *issuer, bool legacy)
{
	struct span der = pki_crl_der(crl);
	X509_CRL *out = revocation_crl_read(der, issuer->certificate, legacy, time(NULL), why);

	OPENSSL_free((void *)der.at);
	X509_CRL_free(crl);
	return out;
}

static void refused(X509_CRL *crl, const char *part)
{
	assert_null(read_crl(crl, &root, false));
	if (!strstr(why, part))
		fail_msg("%s", why);
}

static void crl_says_who(void **state)
{
	X509_CRL *crl = read_crl(pki_crl(&root, peer.certificate, -60, 3600), &root, false);

	assert_non_null(crl);
	assert_int_equal(revocation_crl_entries(crl), 1);
	assert_int_equal(revocation_crl_ask(crl, peer.certificate, why), REVOCATION_REVOKED);
	assert_int_equal(revocation_crl_ask(crl, friend.certificate, why), REVOCATION_GOOD);
	assert_true(revocation_crl_next(crl) > time(NULL));
	X509_CRL_free(crl);
}

static void crl_must_be_the_issuers(void **state)
{
	refused(pki_crl(&other, NULL, -60, 3600), "is not signed by its authority");
	refused(pki_crl(&peer, NULL, -60, 3600), "holds no CRL of its authority");
	refused(pki_crl(&root, NULL, 3600, 7200), "is of the future");
	assert_null(revocation_crl_read(
		SPAN((const uint8_t *)"rubbish", 7), root.certificate, false, time(NULL), why));
	assert_null(revocation_crl_read(SPAN(NULL, 0), root.certificate, false, time(NULL), why));
}

// One that is out of date still says who was revoked.
static void old_crl_is_read(void **state)
{
	X509_CRL *crl = read_crl(pki_crl(&root, peer.certificate, -7200, -3600), &root, false);

	assert_non_null(crl);
	assert_true(revocation_crl_next(crl) < time(NULL));
	X509_CRL_free(crl);
}

static void crl_usage_is_checked(void **state)
{
	struct pki mute = pki_make(root.key, NULL,
		&(struct pki_options){.subject = "CN=Root",
			.basic = "critical,CA:TRUE",
			.usage = "critical,keyCertSign"});

	assert_null(read_crl(pki_crl(&root, NULL, -60, 3600), &mute, false));
	assert_non_null(strstr(why, "has no cRLSign"));
	pki_free(&mute);
}

static void weak_crl_needs_legacy(void **state)
{
	X509_CRL *crl = pki_crl(&root, NULL, -60, 3600);

	X509_CRL_sign(crl, root.key, EVP_sha1());
	refused(X509_CRL_dup(crl), "is signed with MD5 or SHA-1");
	crl = read_crl(crl, &root, true);
	assert_non_null(crl);
	X509_CRL_free(crl);
}

static void extend(X509_CRL *crl, int nid, const char *value, int critical)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx(&context, root.certificate, NULL, NULL, crl, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(e);
	X509_EXTENSION_set_critical(e, critical);
	X509_CRL_add_ext(crl, e, -1);
	X509_EXTENSION_free(e);
	X509_CRL_sign(crl, root.key, EVP_sha256());
}

static void partial_crls_are_refused(void **state)
{
	X509_CRL *crl = pki_crl(&root, NULL, -60, 3600);
	ASN1_INTEGER *one = ASN1_INTEGER_new();

	extend(crl, NID_issuing_distribution_point, "indirectCRL:TRUE", 1);
	refused(crl, "is indirect");
	crl = pki_crl(&root, NULL, -60, 3600);
	ASN1_INTEGER_set(one, 1);
	X509_CRL_add1_ext_i2d(crl, NID_delta_crl, one, 1, 0);
	X509_CRL_sign(crl, root.key, EVP_sha256());
	refused(crl, "is a delta CRL");
	crl = pki_crl(&root, NULL, -60, 3600);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, one, 1, 0);
	X509_CRL_sign(crl, root.key, EVP_sha256());
	refused(crl, "must be understood");
	ASN1_INTEGER_free(one);
	crl = pki_crl(&root, NULL, -60, 3600);
	extend(crl, NID_issuing_distribution_point, "onlyCA:TRUE", 1);
	crl = read_crl(crl, &root, false);
	assert_non_null(crl);
	assert_int_equal(revocation_crl_ask(crl, peer.certificate, why), REVOCATION_UNKNOWN);
	X509_CRL_free(crl);
}

static enum revocation_answer ocsp(
	const struct pki *by, const struct pki *about, int status, int64_t from, int64_t until)
{
	struct span der = pki_ocsp(by, about->certificate, root.certificate, status, from, until);
	int64_t next;
	enum revocation_answer said = revocation_ocsp_read(
		der, peer.certificate, root.certificate, false, time(NULL), &next, why);

	OPENSSL_free((void *)der.at);
	return said;
}

static void ocsp_by_the_issuer(void **state)
{
	assert_int_equal(ocsp(&root, &peer, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_GOOD);
	assert_int_equal(
		ocsp(&root, &peer, V_OCSP_CERTSTATUS_REVOKED, -60, 3600), REVOCATION_REVOKED);
	assert_int_equal(
		ocsp(&root, &peer, V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600), REVOCATION_UNKNOWN);
}

static void ocsp_by_others(void **state)
{
	struct pki responder = pki_make(pki_key("ecdsa-256", 3), &root,
		&(struct pki_options){.subject = "CN=Responder", .purposes = "OCSPSigning"});
	struct pki fake = pki_make(pki_key("ecdsa-256", 3), &other,
		&(struct pki_options){.subject = "CN=Responder", .purposes = "OCSPSigning"});

	assert_int_equal(
		ocsp(&responder, &peer, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_GOOD);
	assert_int_equal(ocsp(&fake, &peer, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_UNKNOWN);
	assert_non_null(strstr(why, "is not signed by"));
	// Another subscriber of the same authority is no responder.
	assert_int_equal(
		ocsp(&friend, &peer, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_UNKNOWN);
	assert_int_equal(
		ocsp(&other, &peer, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_UNKNOWN);
	pki_free(&responder);
	pki_free(&fake);
}

static void ocsp_times_and_subject(void **state)
{
	assert_int_equal(
		ocsp(&root, &peer, V_OCSP_CERTSTATUS_GOOD, -7200, -3600), REVOCATION_UNKNOWN);
	assert_non_null(strstr(why, "out of date"));
	assert_int_equal(
		ocsp(&root, &peer, V_OCSP_CERTSTATUS_GOOD, 3600, 7200), REVOCATION_UNKNOWN);
	assert_int_equal(
		ocsp(&root, &friend, V_OCSP_CERTSTATUS_GOOD, -60, 3600), REVOCATION_UNKNOWN);
	assert_non_null(strstr(why, "about another certificate"));
}

static void ocsp_rubbish(void **state)
{
	static const uint8_t try_later[] = {0x30, 3, 0x0a, 1, 3};
	int64_t next;

	assert_int_equal(revocation_ocsp_read(SPAN(try_later, sizeof(try_later)), peer.certificate,
				 root.certificate, false, time(NULL), &next, why),
		REVOCATION_UNKNOWN);
	assert_non_null(strstr(why, "refused to answer"));
	assert_int_equal(revocation_ocsp_read(SPAN(try_later, 2), peer.certificate,
				 root.certificate, false, time(NULL), &next, why),
		REVOCATION_UNKNOWN);
	assert_non_null(strstr(why, "malformed"));
}

static void places_are_found(void **state)
{
	struct pki p = pki_make(pki_key("ecdsa-256", 2), &root,
		&(struct pki_options){.subject = "CN=x",
			.crl = "URI:ldap://a/b,URI:http://a.example/1.crl,URI:http://a.example/"
			       "2.crl",
			.ocsp = "caIssuers;URI:http://no.example/,OCSP;URI:http://o.example/"});
	char out[64], small[8];

	assert_true(revocation_place(p.certificate, false, 0, out, sizeof(out)));
	assert_string_equal(out, "http://a.example/1.crl");
	assert_true(revocation_place(p.certificate, false, 1, out, sizeof(out)));
	assert_string_equal(out, "http://a.example/2.crl");
	assert_false(revocation_place(p.certificate, false, 2, out, sizeof(out)));
	assert_true(revocation_place(p.certificate, true, 0, out, sizeof(out)));
	assert_string_equal(out, "http://o.example/");
	assert_false(revocation_place(p.certificate, true, 0, small, sizeof(small)));
	assert_false(revocation_place(peer.certificate, true, 0, out, sizeof(out)));
	pki_free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(crl_says_who),
		TEST(crl_must_be_the_issuers),
		TEST(old_crl_is_read),
		TEST(crl_usage_is_checked),
		TEST(weak_crl_needs_legacy),
		TEST(partial_crls_are_refused),
		TEST(ocsp_by_the_issuer),
		TEST(ocsp_by_others),
		TEST(ocsp_times_and_subject),
		TEST(ocsp_rubbish),
		TEST(places_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
