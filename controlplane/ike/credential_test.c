// SPDX-License-Identifier: Apache-2.0

#include "credential.h"

#include "certificate.h"
#include "controlplane/log.h"
#include "pki_fixture.h"

#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct config config;
static struct pki root, between, gateway;
static char why[256];

static int setup(void **state)
{
	pki_folder_make();
	memset(&config, 0, sizeof(config));
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	between = pki_authority("ecdsa-256", "CN=Between", &root);
	gateway = pki_peer(
		"rsa-2048", "CN=Gateway,O=Example", "DNS:vpn.example,IP:192.0.2.1", &between);
	pki_write_certificate("gateway.pem", &gateway, &between);
	pki_write_certificate("root.pem", &root, NULL);
	pki_write_key("gateway.key", gateway.key, NULL);
	return 0;
}

static int teardown(void **state)
{
	pki_free(&root);
	pki_free(&between);
	pki_free(&gateway);
	pki_folder_remove();
	return 0;
}

static struct config_own_certificate *own(const char *certificate, const char *key)
{
	struct config_own_certificate *o =
		&config.certificates.own[config.certificates.own_count++];

	snprintf(o->certificate, CONFIG_TEXT, "%s", pki_path(certificate));
	snprintf(o->key, CONFIG_TEXT, "%s", pki_path(key));
	return o;
}

static struct credentials *made(void)
{
	struct credentials *c = credentials_create(&config, why, sizeof(why));

	if (!c)
		print_error("%s\n", why);
	assert_non_null(c);
	return c;
}

static void refused(const char *part)
{
	assert_null(credentials_create(&config, why, sizeof(why)));
	if (!strstr(why, part))
		fail_msg("%s", why);
}

static const struct credential *any(const struct credentials *c)
{
	return credentials_choose(c, ~0u, NULL, 0, false);
}

static void pem_is_read(void **state)
{
	struct credentials *c;
	const struct credential *first;
	struct span der = pki_der(gateway.certificate);

	own("gateway.pem", "gateway.key");
	c = made();
	first = any(c);
	assert_int_equal(credential_kind(first), CREDENTIAL_RSA);
	assert_int_equal(credential_certificate(first, 0).length, der.length);
	assert_memory_equal(credential_certificate(first, 0).at, der.at, der.length);
	assert_true(credential_certificate(first, 1).length > 0);
	assert_int_equal(credential_certificate(first, 2).length, 0);
	OPENSSL_free((void *)der.at);
	credentials_free(c);
}

static void names_are_known(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} table[] = {{"vpn.example", true}, {"VPN.Example", true}, {"192.0.2.1", true},
		{"O=Example, CN=Gateway", false}, {"CN=gateway,O=example", true},
		{"Gateway", false}, {"192.0.2.2", false}, {"other.example", false}};
	struct credentials *c;
	struct identity id;

	own("gateway.pem", "gateway.key");
	c = made();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(identity_parse(&id, table[i].name), 0);
		assert_int_equal(credential_names(any(c), &id), table[i].is);
	}
	credential_identity(any(c), &id);
	assert_int_equal(id.type, ID_FQDN);
	assert_int_equal(id.length, strlen("vpn.example"));
	credentials_free(c);
}

static void password_opens_the_key(void **state)
{
	struct config_own_certificate *o;
	struct credentials *c;

	pki_write_key("locked.key", gateway.key, "open sesame");
	o = own("gateway.pem", "locked.key");
	refused("locked.key is encrypted: give its password");
	strcpy(o->password, "wrong");
	o->password_length = 5;
	refused("locked.key does not open with its password");
	strcpy(o->password, "open sesame");
	o->password_length = 11;
	c = made();
	credentials_free(c);
}

static void pkcs12_is_read(void **state)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	struct config_own_certificate *o = &config.certificates.own[0];
	struct credentials *c;
	unsigned char *der = NULL;
	PKCS12 *p12;
	int length;

	sk_X509_push(others, between.certificate);
	p12 = PKCS12_create(
		"open sesame", "x", gateway.key, gateway.certificate, others, 0, 0, 0, 0, 0);
	length = i2d_PKCS12(p12, &der);
	pki_write("gateway.p12", SPAN(der, (size_t)length), 0600);
	config.certificates.own_count = 1;
	snprintf(o->pkcs12, CONFIG_TEXT, "%s", pki_path("gateway.p12"));
	refused("gateway.p12 does not open with its password");
	strcpy(o->password, "open sesame");
	o->password_length = 11;
	c = made();
	assert_true(credential_certificate(any(c), 1).length > 0);
	credentials_free(c);
	chmod(o->pkcs12, 0640);
	refused("gateway.p12 may be read by others than its owner: chmod 600 ");
	PKCS12_free(p12);
	OPENSSL_free(der);
	sk_X509_free(others);
}

static void files_are_checked(void **state)
{
	struct config_own_certificate *o = own("gateway.pem", "gateway.key");

	chmod(pki_path("gateway.key"), 0644);
	refused("gateway.key may be read by others than its owner: chmod 600 ");
	strcpy(o->key, pki_path("nothing.key"));
	refused("nothing.key is not there: write it, with mode 600");
	strcpy(o->key, pki_path("folder"));
	mkdir(o->key, 0700);
	refused("folder is not a regular file");
	pki_write_key("gateway.key", gateway.key, NULL);
	strcpy(o->key, pki_path("gateway.key"));
	strcpy(o->certificate, pki_path("gateway.key"));
	refused("gateway.key holds no certificate");
	strcpy(o->certificate, pki_path("gateway.pem"));
	pki_write("gateway.key", SPAN((const uint8_t *)"rubbish", 7), 0600);
	refused("gateway.key holds no private key");
}

static void key_must_belong(void **state)
{
	pki_write_key("other.key", pki_key("rsa-2048", 7), NULL);
	own("gateway.pem", "other.key");
	refused("other.key does not belong to the first certificate: put ");
}

static void small_key_needs_legacy(void **state)
{
	struct pki small = pki_peer("rsa-1024", "CN=Small", NULL, &root);
	struct credentials *c;

	pki_write_certificate("small.pem", &small, NULL);
	pki_write_key("small.key", small.key, NULL);
	own("small.pem", "small.key");
	refused("its RSA key has less than 2048 bits");
	config.ike.policy = POLICY_LEGACY;
	c = made();
	credentials_free(c);
	pki_free(&small);
}

static void usage_is_checked(void **state)
{
	struct pki p = pki_make(pki_key("ecdsa-256", 2), &root,
		&(struct pki_options){.subject = "CN=x", .usage = "keyEncipherment"});

	pki_write_certificate("x.pem", &p, NULL);
	pki_write_key("x.key", p.key, NULL);
	own("x.pem", "x.key");
	refused("its key usage allows no signatures");
	pki_free(&p);
	p = pki_make(pki_key("ecdsa-256", 2), &root,
		&(struct pki_options){.subject = "CN=x", .purposes = "codeSigning"});
	pki_write_certificate("x.pem", &p, NULL);
	refused("its extended key usage is not for IKE");
	pki_free(&p);
}

// Two credentials: RSA below CN=Between, ECDSA below CN=Other.
static void choice_follows_the_peer(void **state)
{
	struct pki other = pki_make(pki_key("ecdsa-384", 0), NULL,
		&(struct pki_options){.subject = "CN=Other", .basic = "critical,CA:TRUE"});
	struct pki second = pki_peer("ecdsa-384", "CN=Second", NULL, &other);
	struct credentials *c;
	struct span request = certificate_der(X509_get_subject_name(other.certificate));
	const struct span nobody = SPAN((const uint8_t *)"\x30\x00", 2);
	uint8_t hash[SHA_DIGEST_LENGTH];
	unsigned char *spki = NULL;
	int length;

	pki_write_certificate("second.pem", &second, NULL);
	pki_write_certificate("other.pem", &other, NULL);
	pki_write_key("second.key", second.key, NULL);
	own("gateway.pem", "gateway.key");
	own("second.pem", "second.key");
	config.certificates.authority_count = 1;
	strcpy(config.certificates.authorities[0].certificate, pki_path("other.pem"));
	c = made();
	assert_int_equal(credential_kind(any(c)), CREDENTIAL_RSA);
	assert_int_equal(credential_kind(credentials_choose(c, ~0u, &request, 1, false)),
		CREDENTIAL_ECDSA_384);
	assert_int_equal(
		credential_kind(credentials_choose(c, ~0u, &nobody, 1, false)), CREDENTIAL_RSA);
	assert_int_equal(
		credential_kind(credentials_choose(c, 1 << CREDENTIAL_ECDSA_384, NULL, 0, false)),
		CREDENTIAL_ECDSA_384);
	assert_null(credentials_choose(c, 1 << CREDENTIAL_ECDSA_521, &request, 1, false));
	length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(other.certificate), &spki);
	SHA1(spki, (size_t)length, hash);
	request = SPAN(hash, sizeof(hash));
	assert_int_equal(credential_kind(credentials_choose(c, ~0u, &request, 1, true)),
		CREDENTIAL_ECDSA_384);
	OPENSSL_free(spki);
	credentials_free(c);
	pki_free(&second);
	pki_free(&other);
}

static void seen(void *context, const struct credential_info *info)
{
	unsigned *count = context;

	++*count;
	assert_string_equal(info->subject, "CN=Gateway,O=Example");
	assert_string_equal(info->issuer, "CN=Between");
	assert_string_equal(info->key, "rsa-2048");
	assert_int_equal(
		info->not_after, certificate_seconds(X509_get0_notAfter(gateway.certificate)));
}

static void shown(void **state)
{
	unsigned count = 0;
	struct credentials *c;

	own("gateway.pem", "gateway.key");
	c = made();
	credentials_each(c, seen, &count);
	assert_int_equal(count, 1);
	credentials_free(c);
	credentials_free(NULL);
}

static unsigned reads, keeps;

static void on_log(void *context, enum log_event event, const char *line)
{
	reads += event == LOG_CERTIFICATE_READ;
	keeps += event == LOG_CERTIFICATE_KEPT;
	assert_null(strstr(line, "PRIVATE"));
}

static void assert_in_use(const struct credentials *c, const struct pki *expected)
{
	const struct credential *now = any(c);
	struct span der = pki_der(expected->certificate);

	assert_int_equal(credential_certificate(now, 0).length, der.length);
	assert_memory_equal(credential_certificate(now, 0).at, der.at, der.length);
	assert_int_equal(EVP_PKEY_eq(credential_key(now), expected->key), 1);
	OPENSSL_free((void *)der.at);
}

// A renewed certificate is used without a new start; what is broken is said once, and the one
// before stays.
static void changed_files_are_read_again(void **state)
{
	struct pki other = pki_peer("ecdsa-256", "CN=Other key", "DNS:vpn.example", &between);
	const struct credential *held;
	struct credentials *c;

	log_set_level(LEVEL_INFO);
	log_set_sink(on_log, NULL);
	reads = keeps = 0;
	own("gateway.pem", "gateway.key");
	c = made();
	held = credential_hold(any(c));
	credentials_renew(c);
	assert_int_equal(reads + keeps, 0);
	// Broken, and broken still.
	pki_write("gateway.pem", SPAN((const uint8_t *)"nothing", 7), 0644);
	credentials_renew(c);
	credentials_renew(c);
	assert_int_equal(keeps, 1);
	assert_ptr_equal(any(c), held);
	// The key of another certificate comes first, then the certificate.
	pki_write_key("gateway.key", other.key, NULL);
	credentials_renew(c);
	assert_int_equal(keeps, 2);
	pki_write_certificate("gateway.pem", &other, &between);
	credentials_renew(c);
	assert_int_equal(reads, 1);
	assert_in_use(c, &other);
	// Who holds the one before may go on with it.
	assert_int_equal(EVP_PKEY_eq(credential_key(held), gateway.key), 1);
	credential_drop(held);
	// Back: the certificate first, then its key.
	pki_write_certificate("gateway.pem", &gateway, &between);
	credentials_renew(c);
	assert_int_equal(keeps, 3);
	pki_write_key("gateway.key", gateway.key, NULL);
	credentials_renew(c);
	assert_int_equal(reads, 2);
	assert_in_use(c, &gateway);
	// It is gone, and comes back.
	assert_int_equal(unlink(pki_path("gateway.pem")), 0);
	credentials_renew(c);
	assert_int_equal(keeps, 4);
	pki_write_certificate("gateway.pem", &gateway, &between);
	credentials_renew(c);
	assert_int_equal(reads, 3);
	log_set_sink(NULL, NULL);
	credentials_free(c);
	pki_free(&other);
}

// A key that only root may read need not be read for a new certificate of the same key.
static void an_old_key_serves_a_new_certificate(void **state)
{
	struct pki renewed = pki_make(gateway.key, &between,
		&(struct pki_options){.subject = "CN=Gateway again", .san = "DNS:vpn.example"});
	struct credentials *c;

	own("gateway.pem", "gateway.key");
	c = made();
	pki_write_certificate("gateway.pem", &renewed, &between);
	assert_int_equal(chmod(pki_path("gateway.key"), 0644), 0); // refused if it were read
	credentials_renew(c);
	assert_in_use(c, &renewed);
	credentials_free(c);
	pki_free(&renewed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pem_is_read),
		TEST(names_are_known),
		TEST(password_opens_the_key),
		TEST(pkcs12_is_read),
		TEST(files_are_checked),
		TEST(key_must_belong),
		TEST(small_key_needs_legacy),
		TEST(usage_is_checked),
		TEST(choice_follows_the_peer),
		TEST(shown),
		TEST(changed_files_are_read_again),
		TEST(an_old_key_serves_a_new_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
