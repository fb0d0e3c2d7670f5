// SPDX-License-Identifier: Apache-2.0

// See credential.h. Each credential knows which authorities could stand behind it: the issuers of
// its certificates by name, and by the hash of their keys as far as we have their certificates.

#include "credential.h"

#include "certificate.h"
#include "certificate_file.h"
#include "controlplane/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHAIN_MOST = 8, // certificates that are sent, our own included
	ISSUERS_MOST = CHAIN_MOST + 1,
};

struct credential {
	unsigned holders; // credential_drop is called once by each
	EVP_PKEY *key;
	STACK_OF(X509) * certificates; // our own first
	uint8_t *der[CHAIN_MOST];
	size_t length[CHAIN_MOST];
	uint8_t issuers[ISSUERS_MOST][SHA_DIGEST_LENGTH]; // of public keys
	size_t issuer_count;
	enum credential_kind kind;
	// For people.
	const char *file;
	char subject[CERTIFICATE_TEXT], issuer[CERTIFICATE_TEXT], serial[CERTIFICATE_TEXT];
	char key_word[CERTIFICATE_TEXT];
	int64_t not_after;
};

// Of the files of one: the certificate's or PKCS#12, and the key's.
struct stamps {
	struct certificate_stamp certificate, key;
	bool key_unread; // it is another than the one that is in use
};

struct credentials {
	const struct config *config;
	struct credential *own[CONFIG_OWN];
	struct stamps stamps[CONFIG_OWN];
	size_t count;
};

static X509 *own_certificate(const struct credential *c)
{
	return sk_X509_value(c->certificates, 0);
}

// ---- read

// Are the files others than before?
static bool changed(const struct config_own_certificate *config, struct stamps *s)
{
	bool certificate = certificate_file_changed(
		*config->pkcs12 ? config->pkcs12 : config->certificate, &s->certificate);
	bool key = *config->pkcs12 ? certificate : certificate_file_changed(config->key, &s->key);

	s->key_unread = s->key_unread || key;
	return certificate || key;
}

// key NULL: the one in the file; else that, which is the same.
static int read_files(struct credential *c, const struct config_own_certificate *config,
	EVP_PKEY *key, struct certificate_why why)
{
	const struct span password =
		SPAN((const uint8_t *)config->password, config->password_length);
	int error;

	c->file = *config->pkcs12 ? config->pkcs12 : config->certificate;
	if (*config->pkcs12)
		return certificate_file_pkcs12(
			config->pkcs12, password, &c->key, &c->certificates, why);
	error = certificate_file_certificates(config->certificate, &c->certificates, why);
	if (error)
		return error;
	if (!key || !EVP_PKEY_up_ref(key))
		return certificate_file_key(config->key, password, &c->key, why);
	c->key = key;
	return 0;
}

static enum credential_kind kind_of(EVP_PKEY *key)
{
	int kind = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);

	if (kind == EVP_PKEY_RSA)
		return CREDENTIAL_RSA;
	if (kind == EVP_PKEY_ED25519)
		return CREDENTIAL_ED25519;
	return bits == 256   ? CREDENTIAL_ECDSA_256
	       : bits == 384 ? CREDENTIAL_ECDSA_384
			     : CREDENTIAL_ECDSA_521;
}

static int check(struct credential *c, const struct config_own_certificate *config, bool legacy,
	struct certificate_why why)
{
	const char *key_file = *config->pkcs12 ? config->pkcs12 : config->key, *refused;
	X509 *x = own_certificate(c);
	char fix[CONFIG_TEXT + 64];

	if (X509_check_private_key(x, c->key) != 1) {
		snprintf(fix, sizeof(fix), "put its own certificate first into %s", c->file);
		return certificate_why(
			why, key_file, "does not belong to the first certificate", fix);
	}
	refused = certificate_key_refused(c->key, legacy);
	if (refused)
		return certificate_why(why, c->file, refused,
			legacy ? "make a new one" : "make a new one, or set ike: {policy: legacy}");
	refused = certificate_unusable(x);
	if (refused)
		return certificate_why(why, c->file, refused,
			"have it issued with digitalSignature, and with serverAuth or without "
			"an extended key usage");
	return 0;
}

static void describe(struct credential *c)
{
	const X509 *x = own_certificate(c);

	certificate_subject(x, c->subject);
	certificate_issuer(x, c->issuer);
	certificate_serial(x, c->serial);
	certificate_key(x, c->key_word);
	c->not_after = certificate_seconds(X509_get0_notAfter(x));
	if (certificate_weakness(x))
		log_event(LOG_CERTIFICATE_WEAK, NULL, "s:s, s:s, s:s", "subject", c->subject,
			"file", c->file, "reason", certificate_weakness(x));
}

static void add_issuer(struct credential *c, const X509 *issuer)
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der);

	if (length > 0 && c->issuer_count < ISSUERS_MOST)
		SHA1(der, (size_t)length, c->issuers[c->issuer_count++]);
	OPENSSL_free(der);
}

static bool is_self_signed(const X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

// A root is known to the peer or of no use to it: it is not sent.
static int encode(struct credential *c)
{
	size_t n = 0;

	for (int i = 0; i < sk_X509_num(c->certificates) && n < CHAIN_MOST; i++) {
		X509 *x = sk_X509_value(c->certificates, i);
		int length;

		if (i > 0)
			add_issuer(c, x);
		if (i > 0 && is_self_signed(x))
			continue;
		length = i2d_X509(x, &c->der[n]);
		if (length <= 0)
			return -ENOMEM;
		c->length[n++] = (size_t)length;
	}
	c->kind = kind_of(c->key);
	return 0;
}

// The authority that the chain ends at, if it is one of ours.
static void find_authority(struct credential *c, STACK_OF(X509) * authorities)
{
	X509 *last = sk_X509_value(c->certificates, sk_X509_num(c->certificates) - 1);

	for (int i = 0; i < sk_X509_num(authorities); i++)
		if (X509_check_issued(sk_X509_value(authorities, i), last) == X509_V_OK) {
			add_issuer(c, sk_X509_value(authorities, i));
			return;
		}
}

static int load(struct credential *c, const struct config_own_certificate *config, EVP_PKEY *key,
	bool legacy, struct certificate_why why)
{
	int error = read_files(c, config, key, why);

	if (!error)
		error = check(c, config, legacy, why);
	if (!error && encode(c))
		error = certificate_why(why, c->file, "cannot be kept", "is there memory left?");
	if (!error)
		describe(c);
	ERR_clear_error();
	return error;
}

static STACK_OF(X509) * authorities_of(const struct config_certificates *config)
{
	STACK_OF(X509) *all = sk_X509_new_null(), *some;
	char why[CONFIG_TEXT];
	X509 *x;

	for (unsigned i = 0; all && i < config->authority_count; i++) {
		// What is wrong with it is for trust_create to say.
		if (certificate_file_certificates(config->authorities[i].certificate, &some,
			    (struct certificate_why){why, sizeof(why)}))
			continue;
		while ((x = sk_X509_shift(some)))
			if (sk_X509_push(all, x) <= 0)
				X509_free(x);
		sk_X509_free(some);
	}
	return all;
}

// NULL after an error.
static struct credential *credential_create(const struct config *config, size_t place,
	EVP_PKEY *key, STACK_OF(X509) * authorities, struct certificate_why why)
{
	struct credential *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->holders = 1;
	if (load(c, &config->certificates.own[place], key, config->ike.policy == POLICY_LEGACY,
		    why)) {
		credential_drop(c);
		return NULL;
	}
	find_authority(c, authorities);
	return c;
}

struct credentials *credentials_create(const struct config *config, char *why, size_t size)
{
	const struct config_certificates *k = &config->certificates;
	struct credentials *c = calloc(1, sizeof(*c));
	STACK_OF(X509) *authorities = authorities_of(k);
	bool good = c != NULL;

	snprintf(why, size, "no memory");
	if (c)
		c->config = config;
	for (unsigned i = 0; good && i < k->own_count; i++) {
		(void)changed(&k->own[i], &c->stamps[i]);
		c->stamps[i].key_unread = false;
		c->own[i] = credential_create(
			config, i, NULL, authorities, (struct certificate_why){why, size});
		good = c->own[i] != NULL;
		c->count += good;
	}
	sk_X509_pop_free(authorities, X509_free);
	if (good)
		return c;
	credentials_free(c);
	return NULL;
}

// A key that is as it was need not be read again, and perhaps it could not be.
static void renew(struct credentials *c, size_t place)
{
	STACK_OF(X509) *authorities = authorities_of(&c->config->certificates);
	struct credential *old = c->own[place], *new;
	char why[CONFIG_TEXT * 2] = "no memory";

	new = credential_create(c->config, place, c->stamps[place].key_unread ? NULL : old->key,
		authorities, (struct certificate_why){why, sizeof(why)});
	sk_X509_pop_free(authorities, X509_free);
	if (!new) {
		log_event(LOG_CERTIFICATE_KEPT, NULL, "s:s, s:s, s:s", "subject", old->subject,
			"file", old->file, "error", why);
		return;
	}
	log_event(LOG_CERTIFICATE_READ, NULL, "s:s, s:s, s:s", "subject", new->subject, "file",
		new->file, "serial", new->serial);
	c->stamps[place].key_unread = false;
	c->own[place] = new;
	credential_drop(old);
}

void credentials_renew(struct credentials *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (changed(&c->config->certificates.own[i], &c->stamps[i]))
			renew(c, i);
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		credential_drop(c->own[i]);
	free(c);
}

const struct credential *credential_hold(const struct credential *c)
{
	// Holders are counted, and else it is not changed.
	((struct credential *)c)->holders++;
	return c;
}

void credential_drop(const struct credential *held)
{
	struct credential *c = (struct credential *)held;

	if (!c || --c->holders > 0)
		return;
	// libcrypto wipes what is private of a key.
	EVP_PKEY_free(c->key);
	sk_X509_pop_free(c->certificates, X509_free);
	for (size_t n = 0; n < CHAIN_MOST; n++)
		OPENSSL_free(c->der[n]);
	free(c);
}

// ---- chosen

static bool names_issuer(const struct credential *c, struct span name)
{
	const unsigned char *at = name.at;
	X509_NAME *wanted = d2i_X509_NAME(NULL, &at, (long)name.length);
	bool found = false;

	for (int i = 0; wanted && !found && i < sk_X509_num(c->certificates); i++)
		found = X509_NAME_cmp(wanted,
				X509_get_issuer_name(sk_X509_value(c->certificates, i))) == 0;
	X509_NAME_free(wanted);
	ERR_clear_error();
	return found;
}

static bool hash_is_issuer(const struct credential *c, struct span hashes)
{
	for (size_t at = 0; at + SHA_DIGEST_LENGTH <= hashes.length; at += SHA_DIGEST_LENGTH)
		for (size_t i = 0; i < c->issuer_count; i++)
			if (memcmp(hashes.at + at, c->issuers[i], SHA_DIGEST_LENGTH) == 0)
				return true;
	return false;
}

static bool request_fits(const struct credential *c, struct span request, bool version_2)
{
	if (request.length == 0)
		return true;
	if (request.length > UINT16_MAX)
		return false;
	return version_2 ? hash_is_issuer(c, request) : names_issuer(c, request);
}

const struct credential *credentials_choose(const struct credentials *c, unsigned kinds,
	const struct span *requests, size_t count, bool version_2)
{
	const struct credential *first = NULL;

	for (size_t i = 0; c && i < c->count; i++) {
		const struct credential *own = c->own[i];

		if (!(kinds & 1u << own->kind))
			continue;
		if (!first)
			first = own;
		for (size_t n = 0; n < count; n++)
			if (request_fits(own, requests[n], version_2))
				return own;
	}
	return first;
}

enum credential_kind credential_kind(const struct credential *c)
{
	return c->kind;
}

EVP_PKEY *credential_key(const struct credential *c)
{
	return c->key;
}

struct span credential_certificate(const struct credential *c, size_t n)
{
	return n < CHAIN_MOST ? SPAN(c->der[n], c->length[n]) : SPAN(NULL, 0);
}

struct span credential_subject(const struct credential *c)
{
	return certificate_der(X509_get_subject_name(own_certificate(c)));
}

bool credential_names(const struct credential *c, const struct identity *id)
{
	return certificate_names(own_certificate(c), id);
}

void credential_identity(const struct credential *c, struct identity *out)
{
	if (certificate_host(own_certificate(c), out))
		(void)identity_make(out, ID_DER_DN, credential_subject(c));
}

void credentials_each(const struct credentials *c,
	void (*each)(void *context, const struct credential_info *info), void *context)
{
	for (size_t i = 0; c && i < c->count; i++) {
		const struct credential *own = c->own[i];
		const struct credential_info info = {.file = own->file,
			.subject = own->subject,
			.issuer = own->issuer,
			.serial = own->serial,
			.key = own->key_word,
			.not_after = own->not_after};

		each(context, &info);
	}
}
