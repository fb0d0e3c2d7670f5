// SPDX-License-Identifier: Apache-2.0

// See certificate.h.

#include "certificate.h"

#include "controlplane/log.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

X509 *certificate_read(struct span der)
{
	const unsigned char *at = der.at;
	X509 *x;

	if (der.length == 0 || der.length > CERTIFICATE_BYTES)
		return NULL;
	x = d2i_X509(NULL, &at, (long)der.length);
	// Extensions are read now, once: later calls then only look, on any thread.
	if (x && at == der.at + der.length && X509_check_purpose(x, -1, 0) == 1)
		return x;
	X509_free(x);
	return NULL;
}

size_t certificate_unwrap(struct span pkcs7, X509 **out, size_t most)
{
	const unsigned char *at = pkcs7.at;
	PKCS7 *p = d2i_PKCS7(NULL, &at, (long)pkcs7.length);
	STACK_OF(X509) *all = p && PKCS7_type_is_signed(p) && p->d.sign ? p->d.sign->cert : NULL;
	size_t count = 0;

	for (int i = 0; i < sk_X509_num(all) && count < most; i++) {
		X509 *x = sk_X509_value(all, i);

		if (X509_check_purpose(x, -1, 0) == 1 && X509_up_ref(x))
			out[count++] = x;
	}
	PKCS7_free(p);
	return count;
}

// ---- names

static bool string_is(const ASN1_STRING *s, uint8_t type, const struct identity *id)
{
	struct identity name;
	const struct span data = SPAN(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));

	return identity_make(&name, type, data) == 0 && identity_equal(&name, id);
}

static bool general_name_is(const GENERAL_NAME *g, const struct identity *id)
{
	switch (g->type) {
	case GEN_DNS:
		return id->type == ID_FQDN && string_is(g->d.dNSName, ID_FQDN, id);
	case GEN_EMAIL:
		return id->type == ID_USER_FQDN && string_is(g->d.rfc822Name, ID_USER_FQDN, id);
	case GEN_IPADD:
		return (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR) &&
		       string_is(g->d.iPAddress, id->type, id);
	default:
		return false;
	}
}

bool certificate_names(const X509 *x, const struct identity *id)
{
	struct identity subject;
	GENERAL_NAMES *names;
	bool found = false;

	if (id->type == ID_DER_DN)
		return identity_make(&subject, ID_DER_DN,
			       certificate_der(X509_get_subject_name(x))) == 0 &&
		       identity_equal(&subject, id);
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
		found = general_name_is(sk_GENERAL_NAME_value(names, i), id);
	GENERAL_NAMES_free(names);
	return found;
}

int certificate_host(const X509 *x, struct identity *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int error = -ENOENT;

	for (int i = 0; error && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS)
			error = identity_make(out, ID_FQDN,
				SPAN(ASN1_STRING_get0_data(g->d.dNSName),
					(size_t)ASN1_STRING_length(g->d.dNSName)));
	}
	GENERAL_NAMES_free(names);
	return error ? -ENOENT : 0;
}

// ---- use

static bool purpose_fits(const ASN1_OBJECT *purpose)
{
	// iKEIntermediate of an expired draft: Apple's and Microsoft's tools write it.
	static const char intermediate[] = "1.3.6.1.5.5.8.2.2";
	char text[64];

	switch (OBJ_obj2nid(purpose)) {
	case NID_server_auth:
	case NID_client_auth:
	case NID_ipsec_IKE:
	case NID_anyExtendedKeyUsage:
		return true;
	}
	return OBJ_obj2txt(text, sizeof(text), purpose, 1) > 0 && strcmp(text, intermediate) == 0;
}

static bool purposes_fit(X509 *x)
{
	EXTENDED_KEY_USAGE *purposes;
	bool fits = false;

	if (!(X509_get_extension_flags(x) & EXFLAG_XKUSAGE))
		return true;
	purposes = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; !fits && i < sk_ASN1_OBJECT_num(purposes); i++)
		fits = purpose_fits(sk_ASN1_OBJECT_value(purposes, i));
	EXTENDED_KEY_USAGE_free(purposes);
	return fits;
}

const char *certificate_unusable(X509 *x)
{
	// Without the extension every bit is set.
	if (!(X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return "its key usage allows no signatures";
	if (!purposes_fit(x))
		return "its extended key usage is not for IKE, servers or clients";
	return NULL;
}

static bool on_curve(EVP_PKEY *key)
{
	char name[32];

	return EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       (strcmp(name, SN_X9_62_prime256v1) == 0 || strcmp(name, SN_secp384r1) == 0 ||
		       strcmp(name, SN_secp521r1) == 0);
}

const char *certificate_key_refused(EVP_PKEY *key, bool legacy)
{
	int bits = key ? EVP_PKEY_get_bits(key) : 0;

	if (!key)
		return "its key cannot be read";
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		if (bits < CERTIFICATE_RSA_MIN_LEGACY)
			return "its RSA key has less than 1024 bits";
		if (bits < CERTIFICATE_RSA_MIN && !legacy)
			return "its RSA key has less than 2048 bits";
		return bits > CERTIFICATE_RSA_MAX ? "its RSA key has more than 8192 bits" : NULL;
	case EVP_PKEY_EC:
		return on_curve(key) ? NULL : "its curve is none of P-256, P-384 and P-521";
	case EVP_PKEY_ED25519:
		return NULL;
	default:
		return "its key is neither RSA nor ECDSA nor Ed25519";
	}
}

const char *certificate_weakness(const X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int digest = NID_undef;

	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		EVP_PKEY_get_bits(key) < CERTIFICATE_RSA_MIN)
		return "its RSA key has less than 2048 bits";
	(void)OBJ_find_sigid_algs(X509_get_signature_nid(x), &digest, NULL);
	if (digest == NID_md5 || digest == NID_sha1)
		return "it is signed with MD5 or SHA-1";
	return NULL;
}

// ---- words

static const char *name_words(const X509_NAME *name, char out[CERTIFICATE_TEXT])
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long length = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		length = BIO_get_mem_data(bio, &text);
	log_text(text, length > 0 ? (size_t)length : 0, out, CERTIFICATE_TEXT);
	BIO_free(bio);
	return out;
}

const char *certificate_subject(const X509 *x, char out[CERTIFICATE_TEXT])
{
	return name_words(X509_get_subject_name(x), out);
}

const char *certificate_issuer(const X509 *x, char out[CERTIFICATE_TEXT])
{
	return name_words(X509_get_issuer_name(x), out);
}

const char *certificate_serial(const X509 *x, char out[CERTIFICATE_TEXT])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	size_t length = (size_t)ASN1_STRING_length(serial), at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < length && at + 3 < CERTIFICATE_TEXT; i++)
		at += (size_t)snprintf(
			out + at, CERTIFICATE_TEXT - at, "%02x", ASN1_STRING_get0_data(serial)[i]);
	return out;
}

const char *certificate_key(const X509 *x, char out[CERTIFICATE_TEXT])
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int kind = key ? EVP_PKEY_get_base_id(key) : 0;

	if (kind == EVP_PKEY_ED25519)
		snprintf(out, CERTIFICATE_TEXT, "ed25519");
	else if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC)
		snprintf(out, CERTIFICATE_TEXT, "%s-%d", kind == EVP_PKEY_RSA ? "rsa" : "ecdsa",
			EVP_PKEY_get_bits(key));
	else
		snprintf(out, CERTIFICATE_TEXT, "unknown");
	return out;
}

int64_t certificate_seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return time && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

struct span certificate_der(const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t length = 0;

	return X509_NAME_get0_der(name, &der, &length) == 1 ? SPAN(der, length) : SPAN(NULL, 0);
}
