// SPDX-License-Identifier: Apache-2.0

// See certificate.h. The peer's signature is checked first, on the thread pool, and only then is
// ours made: who cannot prove himself costs no signature. Which scheme we sign with follows from
// our key and from what the peer said in IKE_SA_INIT: a digital signature with a hash that it
// knows (method 14), or, without SIGNATURE_HASH_ALGORITHMS, the method of the key (1, 9 to 11).

#include "certificate.h"

#include "auth.h"

#include <stdlib.h>

enum {
	HASHES_MODERN = 1u << 2 | 1u << 3 | 1u << 4, // SHA2-256 to SHA2-512
	HASH_IDENTITY = 1u << 5,                     // of EdDSA (RFC 8420)
};

static unsigned kinds_of(uint32_t hashes)
{
	unsigned kinds = 1u << CREDENTIAL_RSA | 1u << CREDENTIAL_ECDSA_256 |
			 1u << CREDENTIAL_ECDSA_384 | 1u << CREDENTIAL_ECDSA_521;

	return hashes & HASH_IDENTITY ? kinds | 1u << CREDENTIAL_ED25519 : kinds;
}

static enum signature_scheme scheme_of_key(
	const struct credential *own, uint32_t hashes, unsigned *method)
{
	*method = V2_AUTH_DIGITAL;
	if (hashes & (HASHES_MODERN | HASH_IDENTITY))
		return SIGNATURE_DIGITAL;
	switch (credential_kind(own)) {
	case CREDENTIAL_ECDSA_256:
		*method = V2_AUTH_ECDSA_256;
		return SIGNATURE_ECDSA_256;
	case CREDENTIAL_ECDSA_384:
		*method = V2_AUTH_ECDSA_384;
		return SIGNATURE_ECDSA_384;
	case CREDENTIAL_ECDSA_521:
		*method = V2_AUTH_ECDSA_521;
		return SIGNATURE_ECDSA_521;
	case CREDENTIAL_RSA:
		*method = V2_AUTH_RSA;
		return SIGNATURE_RSA_SHA1;
	case CREDENTIAL_ED25519:
		break;
	}
	return SIGNATURE_DIGITAL;
}

static enum signature_scheme scheme_of_method(uint8_t method)
{
	switch (method) {
	case V2_AUTH_ECDSA_256:
		return SIGNATURE_ECDSA_256;
	case V2_AUTH_ECDSA_384:
		return SIGNATURE_ECDSA_384;
	case V2_AUTH_ECDSA_521:
		return SIGNATURE_ECDSA_521;
	case V2_AUTH_DIGITAL:
		return SIGNATURE_DIGITAL;
	}
	return SIGNATURE_RSA_SHA1;
}

// ---- ours

// The kinds of key that the peer itself has signed with, which are sure to be understood: bits for
// credentials_choose; 0 when it has not signed.
static unsigned kinds_of_peer(const struct v2_request *r)
{
	static const uint8_t ecdsa[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04}; // RFC 5758 section 3.2
	const unsigned curves = 1u << CREDENTIAL_ECDSA_256 | 1u << CREDENTIAL_ECDSA_384 |
				1u << CREDENTIAL_ECDSA_521;
	const struct v2_part *part = v2_chain_find(&r->chain, V2_AUTH, 0);
	struct v2_auth auth;

	if (!part || v2_auth_parse(part->body, &auth))
		return 0;
	switch (auth.method) {
	case V2_AUTH_RSA:
		return 1u << CREDENTIAL_RSA;
	case V2_AUTH_ECDSA_256:
	case V2_AUTH_ECDSA_384:
	case V2_AUTH_ECDSA_521:
		return curves;
	case V2_AUTH_DIGITAL:
		// Its length, then the AlgorithmIdentifier (RFC 7427 section 3).
		if (auth.data.length > 16 && memmem(auth.data.at, 16, ecdsa, sizeof(ecdsa)))
			return curves;
		return 1u << CREDENTIAL_RSA;
	}
	return 0;
}

static const struct credential *choose(const struct v2_request *r)
{
	const struct ike *ike = r->sa->ike;
	unsigned kinds = kinds_of(r->sa->v2.begin->hashes);
	const struct credential *own;
	struct span requests[V2_REQUESTED];
	const struct v2_part *p;
	size_t count = 0;

	if (!ike->credentials)
		return NULL;
	for (size_t n = 0; (p = v2_chain_find(&r->chain, V2_CERTREQ, n)) && count < V2_REQUESTED;
		n++) {
		struct v2_cert cert;

		if (v2_cert_parse(p->body, &cert) == 0 && cert.encoding == V2_CERT_X509)
			requests[count++] = cert.data;
	}
	own = credentials_choose(ike->credentials, kinds & kinds_of_peer(r), requests, count, true);
	return own ? own : credentials_choose(ike->credentials, kinds, requests, count, true);
}

// ike.identity, else as the peer calls us if that is in the certificate, else what is in it.
static void identify(struct ike_sa *sa, const struct credential *own)
{
	const char *configured = sa->ike->config->ike.identity;
	struct v2_begin *b = sa->v2.begin;

	if (configured[0] && identity_parse(&b->id_r, configured) == 0)
		return;
	if (b->id_r.type == 0 || !credential_names(own, &b->id_r))
		credential_identity(own, &b->id_r);
}

static void made(void *owner, int error, struct span signature)
{
	struct v2_request *r = owner;
	struct v2_begin *b = r->sa->v2.begin;

	if (error || signature.length > sizeof(b->auth)) {
		auth_failed(r, "no signature of ours could be made");
		return;
	}
	memcpy(b->auth, signature.at, signature.length);
	b->auth_length = signature.length;
	b->signed_for(r);
}

void certificate_prove(struct v2_request *r, void (*done)(struct v2_request *r))
{
	struct ike_sa *sa = r->sa;
	struct v2_begin *b = sa->v2.begin;
	const struct credential *own = choose(r);
	uint8_t octets[AUTH_OCTETS_MAX];
	struct build out = build_in(octets, sizeof(octets));
	enum signature_scheme scheme;

	if (!own) {
		auth_failed(r, "no certificate of ours that the peer could check");
		return;
	}
	credential_drop(b->own);
	b->own = credential_hold(own);
	b->signed_for = done;
	identify(sa, own);
	scheme = scheme_of_key(own, b->hashes, &b->method);
	if (auth_octets_ours(sa, &out) || signature_make(&r->signature, own, scheme, b->hashes,
						  SPAN(octets, build_length(&out)), made, r))
		auth_failed(r, "no signature of ours could be made");
}

// ---- the peer's

static void proven(struct v2_request *r)
{
	auth_proven(r, r->sa->v2.begin->peer_method);
}

static void checked(void *owner, struct signature_verdict *verdict)
{
	struct v2_request *r = owner;

	if (!verdict->good) {
		auth_failed(r, verdict->reason);
		return;
	}
	trust_chain_free(r->sa->chain);
	r->sa->chain = verdict->chain;
	verdict->chain = NULL;
	certificate_prove(r, proven);
}

static const char *method_word(uint8_t method)
{
	if (method == V2_AUTH_RSA)
		return "rsa-signature";
	return method == V2_AUTH_DIGITAL ? "digital-signature" : "ecdsa-signature";
}

void certificate_input(struct v2_request *r, const struct v2_auth *auth)
{
	struct ike_sa *sa = r->sa;
	struct signature_claim claim = {.scheme = scheme_of_method(auth->method),
		.signature = auth->data,
		.id = sa->v2.begin->id_i};
	uint8_t octets[AUTH_OCTETS_MAX];
	struct build out = build_in(octets, sizeof(octets));
	const struct v2_part *p;

	for (size_t n = 0; (p = v2_chain_find(&r->chain, V2_CERT, n)); n++) {
		struct v2_cert cert;

		if (v2_cert_parse(p->body, &cert) == 0 && cert.encoding == V2_CERT_X509 &&
			claim.cert_count < SIGNATURE_CERTS)
			claim.certs[claim.cert_count++] = cert.data;
	}
	sa->v2.begin->peer_method = method_word(auth->method);
	p = v2_chain_find(&r->chain, V2_ID_I, 0);
	if (!sa->ike->trust || !trust_any(sa->ike->trust))
		auth_failed(r, "the peer has a certificate, but no authority is configured");
	else if (claim.cert_count == 0)
		auth_failed(r, "the peer sent no certificate");
	else if (auth_octets_peer(sa, p->body, &out))
		auth_failed(r, "the signature cannot be checked");
	else {
		claim.octets = SPAN(octets, build_length(&out));
		if (signature_check(&r->signature, sa->ike->trust, &claim, checked, r))
			auth_failed(r, "the signature cannot be checked now");
	}
}

// ---- the wire

void certificate_write(const struct ike_sa *sa, struct isakmp_out *out)
{
	const struct credential *own = sa->v2.begin->own;
	struct span cert;

	for (size_t n = 0; own && (cert = credential_certificate(own, n)).length > 0; n++)
		v2_put_cert(out, V2_CERT, V2_CERT_X509, cert);
}

void certificate_request_write(const struct ike *ike, struct isakmp_out *out)
{
	struct span hashes = {0};

	if (ike->trust && trust_any(ike->trust))
		hashes = trust_request_v2(ike->trust);
	if (hashes.length)
		v2_put_cert(out, V2_CERTREQ, V2_CERT_X509, hashes);
}

void certificate_abandon(struct v2_request *r)
{
	signature_abandon(&r->signature);
}
