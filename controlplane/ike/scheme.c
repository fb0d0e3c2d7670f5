// SPDX-License-Identifier: Apache-2.0

// See scheme.h. Three forms of one operation:
//
//   bare     what is signed is a hash already (IKEv1): RSA pads it as it is, without saying which
//            hash it is (RFC 2409 section 5.1)
//   hashed   the scheme says which hash (IKEv2 methods 1 and 9 to 11)
//   named    the AlgorithmIdentifier in front says it all (RFC 7427)
//
// ECDSA is r | s of the curve's size in the first two (RFC 4754 section 3), DER in the last.

#include "scheme.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum {
	HASH_SHA256 = 2, // of the IANA registry of RFC 7427
	HASH_SHA384 = 3,
	HASH_SHA512 = 4,
	HASH_IDENTITY = 5,
};

// What one signature is made of.
struct form {
	const EVP_MD *md; // NULL: octets are the hash, or the key hashes by itself
	bool bare;        // octets are the hash
	bool pss;
	bool pair; // ECDSA as r | s
};

static enum credential_kind kind_of(EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return CREDENTIAL_RSA;
	case EVP_PKEY_ED25519:
		return CREDENTIAL_ED25519;
	case EVP_PKEY_EC:
		return bits == 256   ? CREDENTIAL_ECDSA_256
		       : bits == 384 ? CREDENTIAL_ECDSA_384
				     : CREDENTIAL_ECDSA_521;
	default:
		return 0;
	}
}

bool scheme_fits(enum signature_scheme scheme, enum credential_kind kind)
{
	switch (scheme) {
	case SIGNATURE_V1_RSA:
	case SIGNATURE_RSA_SHA1:
		return kind == CREDENTIAL_RSA;
	case SIGNATURE_V1_ECDSA_256:
	case SIGNATURE_ECDSA_256:
		return kind == CREDENTIAL_ECDSA_256;
	case SIGNATURE_V1_ECDSA_384:
	case SIGNATURE_ECDSA_384:
		return kind == CREDENTIAL_ECDSA_384;
	case SIGNATURE_V1_ECDSA_521:
	case SIGNATURE_ECDSA_521:
		return kind == CREDENTIAL_ECDSA_521;
	case SIGNATURE_DIGITAL:
		return kind != 0;
	}
	return false;
}

static struct form form_of(enum signature_scheme scheme)
{
	switch (scheme) {
	case SIGNATURE_V1_RSA:
		return (struct form){.bare = true};
	case SIGNATURE_V1_ECDSA_256:
	case SIGNATURE_V1_ECDSA_384:
	case SIGNATURE_V1_ECDSA_521:
		return (struct form){.bare = true, .pair = true};
	case SIGNATURE_RSA_SHA1:
		return (struct form){.md = EVP_sha1()};
	case SIGNATURE_ECDSA_256:
		return (struct form){.md = EVP_sha256(), .pair = true};
	case SIGNATURE_ECDSA_384:
		return (struct form){.md = EVP_sha384(), .pair = true};
	case SIGNATURE_ECDSA_521:
		return (struct form){.md = EVP_sha512(), .pair = true};
	case SIGNATURE_DIGITAL:
		break;
	}
	return (struct form){0};
}

// ---- one operation of libcrypto

static bool set_padding(EVP_PKEY_CTX *c, EVP_PKEY *key, const struct form *f, int salt)
{
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return true;
	if (!f->pss)
		return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(c, f->md) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(c, salt) > 0;
}

static int sign_bare(
	EVP_PKEY *key, const struct form *f, struct span octets, uint8_t *out, size_t *length)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool good = c && EVP_PKEY_sign_init(c) > 0 && set_padding(c, key, f, 0) &&
		    EVP_PKEY_sign(c, out, length, octets.at, octets.length) > 0;

	EVP_PKEY_CTX_free(c);
	return good ? 0 : -EINVAL;
}

static int sign_hashed(
	EVP_PKEY *key, const struct form *f, struct span octets, uint8_t *out, size_t *length)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c;
	bool good = m && EVP_DigestSignInit(m, &c, f->md, NULL, key) > 0 &&
		    set_padding(c, key, f, RSA_PSS_SALTLEN_DIGEST) &&
		    EVP_DigestSign(m, out, length, octets.at, octets.length) > 0;

	EVP_MD_CTX_free(m);
	return good ? 0 : -EINVAL;
}

static bool verify_bare(
	EVP_PKEY *key, const struct form *f, struct span octets, struct span signature)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool good =
		c && EVP_PKEY_verify_init(c) > 0 && set_padding(c, key, f, 0) &&
		EVP_PKEY_verify(c, signature.at, signature.length, octets.at, octets.length) == 1;

	EVP_PKEY_CTX_free(c);
	return good;
}

static bool verify_hashed(
	EVP_PKEY *key, const struct form *f, int salt, struct span octets, struct span signature)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c;
	bool good =
		m && EVP_DigestVerifyInit(m, &c, f->md, NULL, key) > 0 &&
		set_padding(c, key, f, salt) &&
		EVP_DigestVerify(m, signature.at, signature.length, octets.at, octets.length) == 1;

	EVP_MD_CTX_free(m);
	return good;
}

// ---- r | s

static size_t half_of(EVP_PKEY *key)
{
	return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

// From DER, in place; room for two halves.
static int pair_write(EVP_PKEY *key, uint8_t *bytes, size_t *length, size_t room)
{
	const unsigned char *at = bytes;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)*length);
	size_t half = half_of(key);
	int error = -EINVAL;

	if (sig && 2 * half <= room && BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, (int)half) >= 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + half, (int)half) >= 0)
		error = 0;
	*length = 2 * half;
	ECDSA_SIG_free(sig);
	return error;
}

// To DER; its length, 0 on failure.
static size_t pair_read(EVP_PKEY *key, struct span pair, uint8_t out[SIGNATURE_MAX])
{
	size_t half = half_of(key);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int length = 0;

	if (sig && pair.length == 2 * half) {
		r = BN_bin2bn(pair.at, (int)half, NULL);
		s = BN_bin2bn(pair.at + half, (int)half, NULL);
		if (ECDSA_SIG_set0(sig, r, s) == 1)
			length = i2d_ECDSA_SIG(sig, &out);
	}
	ECDSA_SIG_free(sig);
	return length > 0 ? (size_t)length : 0;
}

// ---- RFC 7427

// The hash that we sign with: the curve's own, else the first of those that the peer knows.
static const EVP_MD *choose_hash(enum credential_kind kind, uint32_t hashes)
{
	if (kind == CREDENTIAL_ECDSA_384 && hashes & 1u << HASH_SHA384)
		return EVP_sha384();
	if (kind == CREDENTIAL_ECDSA_521 && hashes & 1u << HASH_SHA512)
		return EVP_sha512();
	if (hashes & 1u << HASH_SHA256)
		return EVP_sha256();
	if (hashes & 1u << HASH_SHA384)
		return EVP_sha384();
	return hashes & 1u << HASH_SHA512 ? EVP_sha512() : NULL;
}

static int put_algorithm(X509_ALGOR *a, uint8_t *out, size_t *length)
{
	unsigned char *at = out + 1;
	int n = i2d_X509_ALGOR(a, NULL);

	if (n <= 0 || n > UINT8_MAX || (size_t)n + 1 > *length)
		return -EINVAL;
	out[0] = (uint8_t)n;
	(void)i2d_X509_ALGOR(a, &at);
	*length = (size_t)n + 1;
	return 0;
}

// With NULL for the parameters that it has not, as RFC 7427 appendix A.4 writes it: libreswan
// compares the bytes.
static bool set_hash(X509_ALGOR *a, const EVP_MD *md)
{
	return a && X509_ALGOR_set0(a, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) == 1;
}

static bool set_pss(X509_ALGOR *a, const EVP_MD *md)
{
	RSA_PSS_PARAMS *p = RSA_PSS_PARAMS_new();
	X509_ALGOR *hash = X509_ALGOR_new();
	ASN1_STRING *mask = NULL, *all = NULL;
	bool good = false;

	if (p && hash && (p->hashAlgorithm = X509_ALGOR_new()) &&
		(p->maskGenAlgorithm = X509_ALGOR_new()) && (p->saltLength = ASN1_INTEGER_new())) {
		good = set_hash(p->hashAlgorithm, md) && set_hash(hash, md) &&
		       ASN1_INTEGER_set(p->saltLength, EVP_MD_get_size(md)) == 1 &&
		       ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), &mask) &&
		       X509_ALGOR_set0(p->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE,
			       mask) == 1 &&
		       ASN1_item_pack(p, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &all) &&
		       X509_ALGOR_set0(a, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, all) == 1;
	}
	X509_ALGOR_free(hash);
	RSA_PSS_PARAMS_free(p);
	return good;
}

static int write_algorithm(EVP_PKEY *key, const EVP_MD *md, uint8_t *out, size_t *length)
{
	X509_ALGOR *a = X509_ALGOR_new();
	int kind = EVP_PKEY_get_base_id(key), nid = NID_ED25519, error = -EINVAL;
	bool good = a != NULL;

	if (good && kind == EVP_PKEY_RSA) {
		good = set_pss(a, md);
	} else if (good) {
		if (kind == EVP_PKEY_EC)
			good = OBJ_find_sigid_by_algs(
				       &nid, EVP_MD_get_type(md), NID_X9_62_id_ecPublicKey) == 1;
		good = good && X509_ALGOR_set0(a, OBJ_nid2obj(nid), V_ASN1_UNDEF, NULL) == 1;
	}
	if (good)
		error = put_algorithm(a, out, length);
	X509_ALGOR_free(a);
	return error;
}

// RSA signs with PSS: RFC 8247 section 3.2 asks for it, and every implementation of RFC 7427 that
// we know checks it.
static int sign_named(
	EVP_PKEY *key, uint32_t hashes, struct span octets, uint8_t *out, size_t *length)
{
	enum credential_kind kind = kind_of(key);
	bool plain = kind == CREDENTIAL_ED25519;
	struct form f = {
		.md = plain ? NULL : choose_hash(kind, hashes), .pss = kind == CREDENTIAL_RSA};
	size_t front = *length, rest;
	int error;

	if (plain ? !(hashes & 1u << HASH_IDENTITY) : !f.md)
		return -EINVAL;
	error = write_algorithm(key, f.md, out, &front);
	if (error)
		return error;
	rest = *length - front;
	error = sign_hashed(key, &f, octets, out + front, &rest);
	*length = front + rest;
	return error;
}

// SHA2 of at least 256 bits; NULL for others.
static const EVP_MD *good_md(int nid)
{
	switch (nid) {
	case NID_sha256:
		return EVP_sha256();
	case NID_sha384:
		return EVP_sha384();
	case NID_sha512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static int md_nid(const X509_ALGOR *a)
{
	const ASN1_OBJECT *object = NULL;

	if (a)
		X509_ALGOR_get0(&object, NULL, NULL, a);
	return object ? OBJ_obj2nid(object) : NID_undef;
}

static bool mask_is(const X509_ALGOR *mask, int nid)
{
	const ASN1_OBJECT *object = NULL;
	const void *value = NULL;
	X509_ALGOR *hash;
	int type = 0;
	bool is;

	if (!mask)
		return false;
	X509_ALGOR_get0(&object, &type, &value, mask);
	if (OBJ_obj2nid(object) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return false;
	hash = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
	is = hash && md_nid(hash) == nid;
	X509_ALGOR_free(hash);
	return is;
}

// Left out parameters mean SHA-1, which is refused like any other use of it.
static bool read_pss(const X509_ALGOR *a, struct form *f, int *salt)
{
	const void *value = NULL;
	RSA_PSS_PARAMS *p;
	int type = 0;
	int64_t n = 20;

	X509_ALGOR_get0(NULL, &type, &value, a);
	p = type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
				    : NULL;
	if (!p)
		return false;
	f->pss = true;
	f->md = good_md(md_nid(p->hashAlgorithm));
	if (!mask_is(p->maskGenAlgorithm, f->md ? EVP_MD_get_type(f->md) : NID_undef) ||
		(p->trailerField && ASN1_INTEGER_get(p->trailerField) != 1) ||
		(p->saltLength && ASN1_INTEGER_get_int64(&n, p->saltLength) != 1) || n < 0 ||
		n > 512)
		f->md = NULL;
	*salt = (int)n;
	RSA_PSS_PARAMS_free(p);
	return f->md != NULL;
}

static bool read_algorithm(const X509_ALGOR *a, int kind, struct form *f, int *salt)
{
	int nid = md_nid(a), digest = NID_undef, key = NID_undef;

	if (nid == NID_rsassaPss)
		return kind == EVP_PKEY_RSA && read_pss(a, f, salt);
	if (nid == NID_ED25519)
		return kind == EVP_PKEY_ED25519;
	if (OBJ_find_sigid_algs(nid, &digest, &key) != 1)
		return false;
	f->md = good_md(digest);
	return f->md &&
	       (kind == EVP_PKEY_RSA ? key == NID_rsaEncryption
				     : kind == EVP_PKEY_EC && key == NID_X9_62_id_ecPublicKey);
}

static const char *verify_named(EVP_PKEY *key, struct span octets, struct span signature)
{
	const unsigned char *at = signature.at + 1;
	struct form f = {0};
	X509_ALGOR *a;
	int salt = 0;
	size_t n;
	bool known;

	if (signature.length < 2 || signature.at[0] + 1u >= signature.length)
		return "the signature is malformed";
	n = signature.at[0];
	a = d2i_X509_ALGOR(NULL, &at, (long)n);
	known = a && at == signature.at + 1 + n &&
		read_algorithm(a, EVP_PKEY_get_base_id(key), &f, &salt);
	X509_ALGOR_free(a);
	if (!known)
		return "the signature's algorithm is not for its key, or weaker than SHA2-256";
	return verify_hashed(
		       key, &f, salt, octets, SPAN(signature.at + 1 + n, signature.length - 1 - n))
		       ? NULL
		       : "the signature is wrong";
}

// ---- all of them

int scheme_sign(EVP_PKEY *key, enum signature_scheme scheme, uint32_t hashes, struct span octets,
	uint8_t *out, size_t *length)
{
	const struct form f = form_of(scheme);
	size_t room = *length;
	int error;

	if (!scheme_fits(scheme, kind_of(key)))
		error = -EINVAL;
	else if (scheme == SIGNATURE_DIGITAL)
		error = sign_named(key, hashes, octets, out, length);
	else if (f.bare)
		error = sign_bare(key, &f, octets, out, length);
	else
		error = sign_hashed(key, &f, octets, out, length);
	if (!error && f.pair)
		error = pair_write(key, out, length, room);
	ERR_clear_error();
	return error;
}

static bool verify_method_1(EVP_PKEY *key, struct span octets, struct span signature)
{
	const EVP_MD *const mds[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
	struct form f = {0};

	for (size_t i = 0; i < sizeof(mds) / sizeof(mds[0]); i++) {
		f.md = mds[i];
		if (verify_hashed(key, &f, 0, octets, signature))
			return true;
	}
	return false;
}

static bool verify(
	EVP_PKEY *key, enum signature_scheme scheme, struct span octets, struct span signature)
{
	const struct form f = form_of(scheme);
	uint8_t der[SIGNATURE_MAX];

	if (f.pair) {
		size_t n = pair_read(key, signature, der);

		if (n == 0)
			return false;
		signature = SPAN(der, n);
	}
	if (scheme == SIGNATURE_RSA_SHA1)
		return verify_method_1(key, octets, signature);
	return f.bare ? verify_bare(key, &f, octets, signature)
		      : verify_hashed(key, &f, 0, octets, signature);
}

const char *scheme_verify(
	EVP_PKEY *key, enum signature_scheme scheme, struct span octets, struct span signature)
{
	const char *why;

	if (!scheme_fits(scheme, kind_of(key)))
		why = "the key is of another kind than the signature";
	else if (signature.length > SIGNATURE_MAX + 256)
		why = "the signature is too long";
	else if (scheme == SIGNATURE_DIGITAL)
		why = verify_named(key, octets, signature);
	else
		why = verify(key, scheme, octets, signature) ? NULL : "the signature is wrong";
	ERR_clear_error();
	return why;
}
