// SPDX-License-Identifier: Apache-2.0

// Claims from the certificates to the verdict, with all that can be wrong on the way.

#include "signature.h"

#include "controlplane/fakes.h"
#include "pki_fixture.h"
#include "scheme.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static struct timers *timers;
static struct trust *trust;
static struct pki root, between, peer;
static struct signature_job *slot;
static const uint8_t octets[32] = "the octets";

static struct {
	unsigned count;
	struct signature_verdict verdict;
} seen;

static void trust_begin(void)
{
	char why[256];

	trust = trust_create(&config, timers, why, sizeof(why));
	if (!trust)
		fail_msg("%s", why);
}

static int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	memset(&seen, 0, sizeof(seen));
	slot = NULL;
	pki_folder_make();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	between = pki_authority("rsa-2048", "CN=Between", &root);
	peer = pki_peer("ecdsa-256", "CN=Peer,O=Example",
		"DNS:peer.example,IP:192.0.2.7,email:peer@example.net", &between);
	pki_write_certificate("root.pem", &root, NULL);
	config.certificates.authority_count = 1;
	strcpy(config.certificates.authorities[0].certificate, pki_path("root.pem"));
	timers = timers_create(NULL, NULL);
	timers_set_now(timers, 1000000);
	trust_begin();
	return 0;
}

static int teardown(void **state)
{
	trust_chain_free(seen.verdict.chain);
	trust_free(trust);
	timers_free(timers);
	pki_free(&root);
	pki_free(&between);
	pki_free(&peer);
	pki_folder_remove();
	return 0;
}

static void done(void *owner, struct signature_verdict *verdict)
{
	assert_ptr_equal(owner, &seen);
	assert_null(slot);
	trust_chain_free(seen.verdict.chain);
	seen.count++;
	seen.verdict = *verdict;
	verdict->chain = NULL;
}

static void check(const struct signature_claim *claim)
{
	assert_int_equal(signature_check(&slot, trust, claim, done, &seen), 0);
}

// A claim by that certificate's key, with the others behind it.
static void claim_of(const struct pki *who, const struct pki *second, const char *identity)
{
	static uint8_t signature[SIGNATURE_MAX];
	size_t length = sizeof(signature);
	struct signature_claim claim = {
		.scheme = SIGNATURE_DIGITAL, .octets = SPAN(octets, sizeof(octets))};

	assert_int_equal(
		scheme_sign(who->key, SIGNATURE_DIGITAL, ~0u, claim.octets, signature, &length), 0);
	claim.signature = SPAN(signature, length);
	claim.certs[claim.cert_count++] = pki_der(who->certificate);
	if (second)
		claim.certs[claim.cert_count++] = pki_der(second->certificate);
	assert_int_equal(identity_parse(&claim.id, identity), 0);
	check(&claim);
	for (size_t i = 0; i < claim.cert_count; i++)
		OPENSSL_free((void *)claim.certs[i].at);
}

static void good(const struct pki *who, const struct pki *second, const char *identity)
{
	claim_of(who, second, identity);
	if (!seen.verdict.good)
		fail_msg("%s", seen.verdict.reason);
	assert_non_null(seen.verdict.chain);
}

static void bad(
	const struct pki *who, const struct pki *second, const char *identity, const char *part)
{
	claim_of(who, second, identity);
	assert_false(seen.verdict.good);
	assert_null(seen.verdict.chain);
	if (!strstr(seen.verdict.reason, part))
		fail_msg("%s", seen.verdict.reason);
}

static void chain_and_identity(void **state)
{
	good(&peer, &between, "peer.example");
	assert_string_equal(seen.verdict.subject, "CN=Peer,O=Example");
	assert_true(seen.verdict.not_after > 0);
	good(&peer, &between, "PEER.EXAMPLE");
	good(&peer, &between, "192.0.2.7");
	good(&peer, &between, "peer@EXAMPLE.net");
	good(&peer, &between, "cn=peer, o=EXAMPLE");
}

static void identity_must_be_in_it(void **state)
{
	bad(&peer, &between, "other.example", "is not for other.example");
	bad(&peer, &between, "192.0.2.8", "is not for 192.0.2.8");
	bad(&peer, &between, "peer@example", "is not for");
	bad(&peer, &between, "CN=Peer", "is not for CN=Peer");
	bad(&peer, &between, "Peer", "is not for Peer");
}

static void chain_must_lead_to_us(void **state)
{
	struct pki stranger = pki_make(pki_key("ecdsa-256", 4), NULL,
		&(struct pki_options){.subject = "CN=Root", .basic = "critical,CA:TRUE"});
	struct pki forged = pki_peer("ecdsa-256", "CN=Forged", "DNS:peer.example", &stranger);

	bad(&peer, NULL, "peer.example", "leads to none of certificates.authorities");
	bad(&forged, &stranger, "peer.example", "");
	bad(&stranger, NULL, "CN=Root", "leads to none");
	pki_free(&stranger);
	pki_free(&forged);
}

// What is between may be one of ours instead of one of the peer's.
static void between_may_be_ours(void **state)
{
	trust_free(trust);
	pki_write_certificate("root.pem", &between, NULL);
	trust_begin();
	good(&peer, NULL, "peer.example");
}

static struct pki peer_with(const struct pki_options *options)
{
	struct pki_options o = *options;

	o.subject = "CN=x";
	o.san = "DNS:x.example";
	return pki_make(pki_key("ecdsa-256", 2), &root, &o);
}

static void one(const struct pki_options *options, const char *problem)
{
	struct pki p = peer_with(options);

	if (problem)
		bad(&p, NULL, "x.example", problem);
	else
		good(&p, NULL, "x.example");
	pki_free(&p);
}

static void dates(void **state)
{
	one(&(struct pki_options){.not_before = -60, .not_after = 60}, NULL);
	one(&(struct pki_options){.not_before = -60, .not_after = -30}, "has ended on");
	one(&(struct pki_options){.not_before = 60, .not_after = 90}, "begins only on");
}

static void usage(void **state)
{
	static const char *const fits[] = {"serverAuth", "clientAuth", "codeSigning,clientAuth",
		"1.3.6.1.5.5.7.3.17", "anyExtendedKeyUsage", "1.3.6.1.5.5.8.2.2"};

	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		one(&(struct pki_options){.purposes = fits[i]}, NULL);
	one(&(struct pki_options){.purposes = "codeSigning"}, "extended key usage");
	one(&(struct pki_options){.usage = "nonRepudiation"}, NULL);
	one(&(struct pki_options){.usage = "keyEncipherment"}, "key usage allows no signatures");
}

static void weak_ones_need_legacy(void **state)
{
	struct pki small = pki_peer("rsa-1024", "CN=x", "DNS:x.example", &root);

	one(&(struct pki_options){.digest = "sha1"}, "is signed with MD5 or SHA-1");
	bad(&small, NULL, "x.example", "has too small a key");
	trust_free(trust);
	config.ike.policy = POLICY_LEGACY;
	trust_begin();
	one(&(struct pki_options){.digest = "sha1"}, NULL);
	good(&small, NULL, "x.example");
	pki_free(&small);
}

static void no_authority_between(void **state)
{
	struct pki p = peer_with(&(struct pki_options){0});
	struct pki below = pki_make(pki_key("ecdsa-256", 4), &p,
		&(struct pki_options){.subject = "CN=y", .san = "DNS:y"});
	struct pki old = peer_with(&(struct pki_options){.usage = "keyCertSign"});
	struct pki below_old = pki_make(pki_key("ecdsa-256", 4), &old,
		&(struct pki_options){.subject = "CN=y", .san = "DNS:y"});

	bad(&below, &p, "y", "");
	bad(&below_old, &old, "y", "");
	pki_free(&p);
	pki_free(&below);
	pki_free(&old);
	pki_free(&below_old);
}

static void signature_must_fit(void **state)
{
	struct signature_claim claim = {.scheme = SIGNATURE_DIGITAL,
		.octets = SPAN(octets, sizeof(octets)),
		.signature = SPAN(octets, sizeof(octets)),
		.cert_count = 2};

	claim.certs[0] = pki_der(peer.certificate);
	claim.certs[1] = pki_der(between.certificate);
	assert_int_equal(identity_parse(&claim.id, "peer.example"), 0);
	check(&claim);
	assert_false(seen.verdict.good);
	claim.scheme = SIGNATURE_V1_RSA;
	check(&claim);
	assert_false(seen.verdict.good);
	assert_non_null(strstr(seen.verdict.reason, "another kind"));
	claim.cert_count = 0;
	check(&claim);
	assert_non_null(strstr(seen.verdict.reason, "sent no certificate"));
	OPENSSL_free((void *)claim.certs[0].at);
	claim.certs[0] = SPAN(octets, sizeof(octets));
	claim.cert_count = 1;
	check(&claim);
	assert_non_null(strstr(seen.verdict.reason, "cannot be read"));
	claim.cert_count = SIGNATURE_CERTS + 1;
	assert_int_equal(signature_check(&slot, trust, &claim, done, &seen), -EINVAL);
	OPENSSL_free((void *)claim.certs[1].at);
}

static void abandoned_is_silent(void **state)
{
	work_hold(true);
	claim_of(&peer, &between, "peer.example");
	assert_non_null(slot);
	signature_abandon(&slot);
	assert_null(slot);
	signature_abandon(&slot);
	work_hold(false);
	assert_int_equal(seen.count, 0);
}

// The trust may go while a job of its runs.
static void trust_goes_first(void **state)
{
	work_hold(true);
	claim_of(&peer, &between, "peer.example");
	signature_abandon(&slot);
	trust_free(trust);
	trust = NULL;
	work_hold(false);
	assert_int_equal(seen.count, 0);
}

// ---- our own

static struct {
	unsigned count;
	int error;
	uint8_t bytes[SIGNATURE_MAX];
	size_t length;
} made;

static void make_done(void *owner, int error, struct span signature)
{
	assert_null(slot);
	made.count++;
	made.error = error;
	made.length = signature.length;
	memcpy(made.bytes, signature.at, signature.length);
}

static void ours_is_good_to_others(void **state)
{
	struct credentials *c;
	const struct credential *own;
	char why[256];

	pki_write_certificate("own.pem", &peer, &between);
	pki_write_key("own.key", peer.key, NULL);
	config.certificates.own_count = 1;
	strcpy(config.certificates.own[0].certificate, pki_path("own.pem"));
	strcpy(config.certificates.own[0].key, pki_path("own.key"));
	c = credentials_create(&config, why, sizeof(why));
	own = credentials_choose(c, ~0u, NULL, 0, true);
	assert_int_equal(signature_make(&slot, own, SIGNATURE_V1_RSA, 0,
				 SPAN(octets, sizeof(octets)), make_done, NULL),
		-EINVAL);
	assert_int_equal(signature_make(&slot, own, SIGNATURE_ECDSA_256, 0,
				 SPAN(octets, sizeof(octets)), make_done, NULL),
		0);
	assert_int_equal(made.count, 1);
	assert_int_equal(made.error, 0);
	assert_null(scheme_verify(peer.key, SIGNATURE_ECDSA_256, SPAN(octets, sizeof(octets)),
		SPAN(made.bytes, made.length)));
	work_hold(true);
	assert_int_equal(signature_make(&slot, own, SIGNATURE_ECDSA_256, 0,
				 SPAN(octets, sizeof(octets)), make_done, NULL),
		0);
	credentials_free(c);
	signature_abandon(&slot);
	work_hold(false);
	assert_int_equal(made.count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chain_and_identity),
		TEST(identity_must_be_in_it),
		TEST(chain_must_lead_to_us),
		TEST(between_may_be_ours),
		TEST(dates),
		TEST(usage),
		TEST(weak_ones_need_legacy),
		TEST(no_authority_between),
		TEST(signature_must_fit),
		TEST(abandoned_is_silent),
		TEST(trust_goes_first),
		TEST(ours_is_good_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
