// SPDX-License-Identifier: Apache-2.0

// The signatures of initiator.h, and what is said in other steps of it.

#include "initiator.h"

#include "controlplane/ike/certificate.h"
#include "controlplane/ike/scheme.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum signature_scheme scheme_of(const struct initiator *i)
{
	return i->auth == IKE_AUTH_RSA         ? SIGNATURE_V1_RSA
	       : i->auth == IKE_AUTH_ECDSA_256 ? SIGNATURE_V1_ECDSA_256
	       : i->auth == IKE_AUTH_ECDSA_384 ? SIGNATURE_V1_ECDSA_384
					       : SIGNATURE_V1_ECDSA_521;
}

unsigned initiator_proof_hash(const struct initiator *i)
{
	return i->auth == IKE_AUTH_ECDSA_256   ? IKE_SHA256
	       : i->auth == IKE_AUTH_ECDSA_384 ? IKE_SHA384
	       : i->auth == IKE_AUTH_ECDSA_521 ? IKE_SHA512
					       : i->hash;
}

void initiator_prove(struct initiator *i, struct isakmp_out *out, struct span hash)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t length = sizeof(signature);

	for (size_t n = 0; n < i->cert_count; n++) {
		isakmp_out_open(out, ISAKMP_CERT);
		build_u8(&out->b, i->cert_encoding ? i->cert_encoding : 4);
		build_bytes(&out->b, i->certs[n].at, i->certs[n].length);
		isakmp_out_close(out);
	}
	assert_int_equal(scheme_sign(i->sign_key, scheme_of(i), 0, hash, signature, &length), 0);
	isakmp_out_payload(out, ISAKMP_SIG, signature, length);
}

bool initiator_proven(struct initiator *i, struct span hash)
{
	const struct isakmp_part *cert = isakmp_chain_find(&i->chain, ISAKMP_CERT, 0);
	const struct isakmp_part *sig = isakmp_chain_find(&i->chain, ISAKMP_SIG, 0);
	X509 *x;

	if (!cert || !sig)
		return false;
	x = certificate_read(SPAN(cert->body.at + 1, cert->body.length - 1));
	assert_non_null(x);
	assert_null(scheme_verify(X509_get0_pubkey(x), scheme_of(i), hash, sig->body));
	X509_free(x);
	return true;
}

void initiator_quick_init(struct initiator_quick *q, uint32_t spi)
{
	*q = (struct initiator_quick){.transform = 12,
		.key_bits = 256,
		.auth = 2,
		.mode = 2,
		.lifetime_s = 3600,
		.spi = spi};
}

bool initiator_quick(struct initiator *i, struct initiator_quick *q)
{
	if (!initiator_quick_first(i, q))
		return false;
	initiator_quick_third(i, q);
	return true;
}

void initiator_free(struct initiator *i)
{
	ike_dh_free(i->dh);
	i->dh = NULL;
}
