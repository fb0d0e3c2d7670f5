// SPDX-License-Identifier: Apache-2.0

// See pki_fixture.h.

#include "pki_fixture.h"

#include "identity.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 32 };

static struct {
	char name[32];
	EVP_PKEY *key;
} keys[KEYS];
static char folder[64];

static EVP_PKEY *key_generate(const char *kind)
{
	int bits = atoi(strchr(kind, '-') ? strchr(kind, '-') + 1 : "0");
	char curve[16];

	if (strncmp(kind, "rsa", 3) == 0)
		return EVP_RSA_gen((unsigned)bits);
	if (strcmp(kind, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	snprintf(curve, sizeof(curve), "P-%d", bits);
	return EVP_EC_gen(curve);
}

EVP_PKEY *pki_key(const char *kind, unsigned number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s/%u", kind, number);
	for (size_t i = 0; i < KEYS; i++) {
		if (!keys[i].key) {
			strcpy(keys[i].name, name);
			keys[i].key = key_generate(kind);
			assert_non_null(keys[i].key);
		}
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].key;
	}
	fail_msg("too many keys");
	return NULL;
}

int pki_keys_free(void **state)
{
	for (size_t i = 0; i < KEYS; i++) {
		EVP_PKEY_free(keys[i].key);
		keys[i].key = NULL;
	}
	return 0;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	if (!value)
		return;
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void set_name(X509 *x, const char *subject)
{
	struct identity id;
	const unsigned char *at = id.data;
	X509_NAME *name;

	assert_int_equal(identity_parse(&id, subject), 0);
	name = d2i_X509_NAME(NULL, &at, id.length);
	assert_int_equal(X509_set_subject_name(x, name), 1);
	X509_NAME_free(name);
}

static const EVP_MD *digest_for(EVP_PKEY *key, const char *digest)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return NULL;
	return EVP_get_digestbyname(digest ? digest : "sha256");
}

struct pki pki_make(EVP_PKEY *key, const struct pki *issuer, const struct pki_options *o)
{
	static long serial = 0x1000;
	X509 *x = X509_new(), *by = issuer ? issuer->certificate : x;
	EVP_PKEY *signer = issuer ? issuer->key : key;
	int64_t from = o->not_before || o->not_after ? o->not_before : -3600;
	int64_t until = o->not_before || o->not_after ? o->not_after : 365 * 86400;

	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_time_adj_ex(X509_getm_notBefore(x), 0, from, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), 0, until, NULL);
	set_name(x, o->subject);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(by)), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	extend(x, by, NID_basic_constraints, o->basic);
	extend(x, by, NID_key_usage, o->usage);
	extend(x, by, NID_ext_key_usage, o->purposes);
	extend(x, by, NID_subject_alt_name, o->san);
	extend(x, by, NID_crl_distribution_points, o->crl);
	extend(x, by, NID_info_access, o->ocsp);
	assert_true(X509_sign(x, signer, digest_for(signer, o->digest)) > 0);
	return (struct pki){.key = key, .certificate = x};
}

struct pki pki_authority(const char *kind, const char *subject, const struct pki *issuer)
{
	return pki_make(pki_key(kind, issuer ? 1 : 0), issuer,
		&(struct pki_options){.subject = subject,
			.basic = "critical,CA:TRUE",
			.usage = "critical,keyCertSign,cRLSign"});
}

struct pki pki_peer(
	const char *kind, const char *subject, const char *san, const struct pki *issuer)
{
	return pki_make(pki_key(kind, 2), issuer,
		&(struct pki_options){.subject = subject, .san = san, .usage = "digitalSignature"});
}

void pki_free(struct pki *p)
{
	X509_free(p->certificate);
	p->certificate = NULL;
}

X509_CRL *pki_crl(const struct pki *issuer, const X509 *revoked, int64_t from, int64_t until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();
	X509_REVOKED *entry;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
	X509_time_adj_ex(time, 0, from, NULL);
	X509_CRL_set1_lastUpdate(crl, time);
	if (revoked) {
		entry = X509_REVOKED_new();
		X509_REVOKED_set_revocationDate(entry, time);
		X509_REVOKED_set_serialNumber(
			entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked));
		X509_CRL_add0_revoked(crl, entry);
	}
	X509_time_adj_ex(time, 0, until, NULL);
	X509_CRL_set1_nextUpdate(crl, time);
	assert_true(X509_CRL_sign(crl, issuer->key, digest_for(issuer->key, NULL)) > 0);
	ASN1_TIME_free(time);
	return crl;
}

struct span pki_ocsp(const struct pki *responder, const X509 *x, const X509 *issuer, int status,
	int64_t from, int64_t until)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, x, issuer);
	ASN1_TIME *this = X509_time_adj_ex(NULL, 0, from, NULL);
	ASN1_TIME *next = X509_time_adj_ex(NULL, 0, until, NULL);
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;
	int length;

	assert_non_null(OCSP_basic_add1_status(basic, id, status, 0, this, this, next));
	assert_int_equal(OCSP_basic_sign(basic, responder->certificate, responder->key,
				 digest_for(responder->key, NULL), NULL, 0),
		1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	length = i2d_OCSP_RESPONSE(response, &der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
	return SPAN(der, (size_t)length);
}

struct span pki_der(const X509 *x)
{
	unsigned char *der = NULL;
	int length = i2d_X509(x, &der);

	return SPAN(der, (size_t)length);
}

struct span pki_crl_der(const X509_CRL *x)
{
	unsigned char *der = NULL;
	int length = i2d_X509_CRL(x, &der);

	return SPAN(der, (size_t)length);
}

// ---- files

void pki_folder_make(void)
{
	strcpy(folder, "/tmp/culvert-pki-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

void pki_folder_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	assert_int_equal(system(command), 0);
}

const char *pki_path(const char *name)
{
	static char path[192];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

void pki_write(const char *name, struct span bytes, unsigned mode)
{
	int fd = open(pki_path(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.length), bytes.length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void write_bio(const char *name, BIO *bio, unsigned mode)
{
	char *text;
	long length = BIO_get_mem_data(bio, &text);

	pki_write(name, SPAN((const uint8_t *)text, (size_t)length), mode);
	BIO_free(bio);
}

void pki_write_certificate(const char *name, const struct pki *first, const struct pki *second)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, first->certificate);
	if (second)
		PEM_write_bio_X509(bio, second->certificate);
	write_bio(name, bio, 0644);
}

void pki_write_key(const char *name, EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, password ? EVP_aes_128_cbc() : NULL,
				 (const unsigned char *)password,
				 password ? (int)strlen(password) : 0, NULL, NULL),
		1);
	write_bio(name, bio, 0600);
}

void pki_write_crl(const char *name, const X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509_CRL(bio, crl);
	write_bio(name, bio, 0644);
}
