// SPDX-License-Identifier: Apache-2.0

// See revocation.h.

#include "revocation.h"

#include "certificate.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static void say(char *why, const char *text)
{
	snprintf(why, REVOCATION_WHY, "%s", text);
}

static bool digest_is_weak(int signature)
{
	int digest = NID_undef;

	(void)OBJ_find_sigid_algs(signature, &digest, NULL);
	return digest == NID_md5 || digest == NID_sha1 || digest == NID_md4 || digest == NID_md2;
}

// ---- CRLs

static bool extension_is_known(const X509_EXTENSION *e)
{
	return !X509_EXTENSION_get_critical(e) ||
	       OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)e)) ==
		       NID_issuing_distribution_point;
}

static const char *scope_refused(const X509_CRL *crl)
{
	ISSUING_DIST_POINT *p;
	int critical = 0;
	bool partial;

	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		return "is a delta CRL, which is not served: name the complete one";
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
		if (!extension_is_known(X509_CRL_get_ext(crl, i)))
			return "has an extension that must be understood and is not";
	p = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
	if (!p)
		return critical == -1 ? NULL : "has a scope that cannot be read";
	partial = p->indirectCRL > 0 || p->onlyattr > 0 || p->onlysomereasons;
	ISSUING_DIST_POINT_free(p);
	return partial ? "is indirect, or only for some reasons" : NULL;
}

static const char *crl_refused(X509_CRL *crl, X509 *issuer, bool legacy, int64_t now)
{
	const char *scope = scope_refused(crl);

	if (scope)
		return scope;
	if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN))
		return "is signed by an authority whose key usage has no cRLSign";
	if (digest_is_weak(X509_CRL_get_signature_nid(crl)) && !legacy)
		return "is signed with MD5 or SHA-1";
	if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		return "is not signed by its authority";
	if (certificate_seconds(X509_CRL_get0_lastUpdate(crl)) > now + REVOCATION_SKEW_S)
		return "is of the future: is the clock right?";
	return NULL;
}

// Keeps the better of two.
static void consider(
	X509_CRL **best, X509_CRL *crl, X509 *issuer, bool legacy, int64_t now, char *why)
{
	const char *refused;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0) {
		X509_CRL_free(crl);
		return;
	}
	refused = crl_refused(crl, issuer, legacy, now);
	if (refused)
		say(why, refused);
	if (refused || (*best && certificate_seconds(X509_CRL_get0_lastUpdate(*best)) >=
					 certificate_seconds(X509_CRL_get0_lastUpdate(crl)))) {
		X509_CRL_free(crl);
		return;
	}
	X509_CRL_free(*best);
	*best = crl;
}

static X509_CRL *crl_of_der(struct span bytes)
{
	const unsigned char *at = bytes.at;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)bytes.length);

	if (crl && at == bytes.at + bytes.length)
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

X509_CRL *revocation_crl_read(struct span bytes, X509 *issuer, bool legacy, int64_t now, char *why)
{
	X509_CRL *best = NULL, *crl = NULL;
	BIO *bio;

	if (bytes.length == 0 || bytes.length > REVOCATION_CRL_BYTES) {
		say(why, bytes.length ? "is too large" : "is empty");
		return NULL;
	}
	say(why, "holds no CRL of its authority");
	crl = crl_of_der(bytes);
	bio = crl ? NULL : BIO_new_mem_buf(bytes.at, (int)bytes.length);
	if (crl)
		consider(&best, crl, issuer, legacy, now, why);
	for (int n = 0; bio && n < REVOCATION_CRLS; n++) {
		crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		if (!crl)
			break;
		consider(&best, crl, issuer, legacy, now, why);
	}
	BIO_free(bio);
	ERR_clear_error();
	return best;
}

// Whether the CRL speaks of such certificates.
static bool in_scope(const X509_CRL *crl, X509 *x)
{
	ISSUING_DIST_POINT *p =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	bool ca = X509_check_ca(x) != 0;
	bool in = !p || !(ca ? p->onlyuser > 0 : p->onlyCA > 0);

	ISSUING_DIST_POINT_free(p);
	return in;
}

enum revocation_answer revocation_crl_ask(X509_CRL *crl, X509 *x, char *why)
{
	X509_REVOKED *entry = NULL;

	// 2: it was on hold, and is no longer.
	if (X509_CRL_get0_by_cert(crl, &entry, x) == 1) {
		say(why, "is revoked by the CRL of its authority");
		return REVOCATION_REVOKED;
	}
	if (in_scope(crl, x))
		return REVOCATION_GOOD;
	say(why, "is of a kind that the CRL does not speak of");
	return REVOCATION_UNKNOWN;
}

int64_t revocation_crl_next(const X509_CRL *crl)
{
	return certificate_seconds(X509_CRL_get0_nextUpdate(crl));
}

uint64_t revocation_crl_entries(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);

	return entries ? (uint64_t)sk_X509_REVOKED_num(entries) : 0;
}

// ---- OCSP

struct span revocation_ocsp_request(X509 *x, X509 *issuer)
{
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, x, issuer);
	unsigned char *der = NULL;
	int length = 0;

	// No nonce: responders that answer from a store cannot take one, and the times bound a
	// replay.
	if (request && id && OCSP_request_add0_id(request, id)) {
		id = NULL;
		length = i2d_OCSP_REQUEST(request, &der);
	}
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(request);
	return SPAN(der, length > 0 ? (size_t)length : 0);
}

static X509_STORE *store_with(X509 *issuer, bool legacy)
{
	X509_STORE *store = X509_STORE_new();

	if (!store || X509_STORE_add_cert(store, issuer) != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), legacy ? 0 : 2);
	return store;
}

// By the issuer itself, or by a responder that it made: nobody else stands in the store.
static bool ocsp_signed(OCSP_BASICRESP *basic, X509 *issuer, bool legacy)
{
	X509_STORE *store = store_with(issuer, legacy);
	STACK_OF(X509) *known = sk_X509_new_null();
	bool good = store && known && sk_X509_push(known, issuer) > 0 &&
		    OCSP_basic_verify(basic, known, store, OCSP_PARTIAL_CHAIN) == 1;

	sk_X509_free(known);
	X509_STORE_free(store);
	return good;
}

static int ocsp_digest(const OCSP_BASICRESP *basic)
{
	const ASN1_OBJECT *object = NULL;

	X509_ALGOR_get0(&object, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
	return OBJ_obj2nid(object);
}

// generalizedTime is a time like any other here.
static const char *ocsp_times(
	const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *until, int64_t now)
{
	if (certificate_seconds(from) > now + REVOCATION_SKEW_S)
		return "its OCSP answer is of the future: is the clock right?";
	if (until && certificate_seconds(until) < now - REVOCATION_SKEW_S)
		return "its OCSP answer is out of date";
	return NULL;
}

static enum revocation_answer ocsp_status(
	OCSP_BASICRESP *basic, X509 *x, X509 *issuer, int64_t now, int64_t *next, char *why)
{
	ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, x, issuer);
	const char *times = NULL;
	int status = -1, reason;

	if (!id || OCSP_resp_find_status(basic, id, &status, &reason, NULL, &from, &until) != 1)
		status = -1;
	OCSP_CERTID_free(id);
	if (status == -1 || (times = ocsp_times(from, until, now))) {
		say(why, times ? times : "the OCSP answer is about another certificate");
		return REVOCATION_UNKNOWN;
	}
	*next = certificate_seconds(until);
	if (status == V_OCSP_CERTSTATUS_GOOD)
		return REVOCATION_GOOD;
	say(why, status == V_OCSP_CERTSTATUS_REVOKED ? "is revoked, as the OCSP responder says"
						     : "is not known to the OCSP responder");
	return status == V_OCSP_CERTSTATUS_REVOKED ? REVOCATION_REVOKED : REVOCATION_UNKNOWN;
}

enum revocation_answer revocation_ocsp_read(struct span answer, X509 *x, X509 *issuer, bool legacy,
	int64_t now, int64_t *next, char *why)
{
	enum revocation_answer said = REVOCATION_UNKNOWN;
	const unsigned char *at = answer.at;
	OCSP_RESPONSE *response = answer.length <= REVOCATION_OCSP_BYTES
					  ? d2i_OCSP_RESPONSE(NULL, &at, (long)answer.length)
					  : NULL;
	OCSP_BASICRESP *basic = NULL;

	*next = 0;
	if (!response)
		say(why, "the OCSP answer is malformed");
	else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL ||
		 !(basic = OCSP_response_get1_basic(response)))
		say(why, "the OCSP responder refused to answer");
	else if (digest_is_weak(ocsp_digest(basic)) && !legacy)
		say(why, "the OCSP answer is signed with MD5 or SHA-1");
	else if (!ocsp_signed(basic, issuer, legacy))
		say(why, "the OCSP answer is not signed by the authority or a responder of its");
	else
		said = ocsp_status(basic, x, issuer, now, next, why);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return said;
}

// ---- where to ask

static bool take_uri(const GENERAL_NAME *name, size_t *nth, char *out, size_t size)
{
	const ASN1_STRING *uri;
	size_t length;

	if (name->type != GEN_URI)
		return false;
	uri = name->d.uniformResourceIdentifier;
	length = (size_t)ASN1_STRING_length(uri);
	if (length < 8 || length >= size ||
		strncasecmp((const char *)ASN1_STRING_get0_data(uri), "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (ASN1_STRING_get0_data(uri)[i] <= ' ' || ASN1_STRING_get0_data(uri)[i] >= 0x7f)
			return false;
	if ((*nth)-- > 0)
		return false;
	memcpy(out, ASN1_STRING_get0_data(uri), length);
	out[length] = '\0';
	return true;
}

static bool crl_place(X509 *x, size_t nth, char *out, size_t size)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);
		GENERAL_NAMES *names = p->distpoint && p->distpoint->type == 0
					       ? p->distpoint->name.fullname
					       : NULL;

		// An indirect CRL is another authority's, and one for some reasons says too little.
		if (p->CRLissuer || p->reasons)
			continue;
		for (int n = 0; !found && n < sk_GENERAL_NAME_num(names); n++)
			found = take_uri(sk_GENERAL_NAME_value(names, n), &nth, out, size);
	}
	CRL_DIST_POINTS_free(points);
	return found;
}

static bool ocsp_place(X509 *x, size_t nth, char *out, size_t size)
{
	AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
		const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(access, i);

		if (OBJ_obj2nid(a->method) == NID_ad_OCSP)
			found = take_uri(a->location, &nth, out, size);
	}
	AUTHORITY_INFO_ACCESS_free(access);
	return found;
}

bool revocation_place(X509 *x, bool ocsp, size_t nth, char *out, size_t size)
{
	return ocsp ? ocsp_place(x, nth, out, size) : crl_place(x, nth, out, size);
}
