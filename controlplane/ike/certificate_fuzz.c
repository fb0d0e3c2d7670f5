// SPDX-License-Identifier: Apache-2.0

// What a peer may claim: one certificate or several, its identity, its signature. The first byte
// says where the certificate ends and the rest begins, in 16 bytes, the second which scheme it is.

#include "certificate.h"
#include "revocation.h"
#include "scheme.h"
#include "trust_chain.h"

#include <openssl/err.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trust_anchors anchors;
static EVP_PKEY *keys[3];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	anchors = (struct trust_anchors){.store = X509_STORE_new(), .legacy = true};
	keys[0] = EVP_RSA_gen(2048);
	keys[1] = EVP_EC_gen("P-256");
	keys[2] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return anchors.store && keys[0] && keys[1] && keys[2] ? 0 : -1;
}

static void look_at(X509 *x, const struct identity *id)
{
	char text[CERTIFICATE_TEXT], source[64];
	struct identity host;

	(void)certificate_names(x, id);
	(void)certificate_host(x, &host);
	(void)certificate_unusable(x);
	(void)certificate_key_refused(X509_get0_pubkey(x), true);
	(void)certificate_weakness(x);
	(void)certificate_subject(x, text);
	(void)certificate_issuer(x, text);
	(void)certificate_serial(x, text);
	(void)certificate_key(x, text);
	(void)revocation_place(x, false, 1, source, sizeof(source));
	(void)revocation_place(x, true, 0, source, sizeof(source));
}

// Whoever signs himself is believed here, so that the checks behind the chain are reached.
static void chain(X509 *x, const struct span *certs, size_t count)
{
	X509_STORE *store = X509_STORE_new();
	const struct trust_anchors own = {.store = store, .legacy = true};
	char why[REVOCATION_WHY];

	trust_chain_free(trust_chain_build(&anchors, certs, count, why, sizeof(why)));
	if (store && X509_STORE_add_cert(store, x) == 1)
		trust_chain_free(trust_chain_build(&own, certs, count, why, sizeof(why)));
	X509_STORE_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span certs[2], octets = SPAN(data, 0), rest;
	struct identity id = {0};
	size_t first, count;
	X509 *wrapped[4], *x;

	if (size < 2 || size > CERTIFICATE_BYTES)
		return 0;
	first = data[0] * 16u < size - 2 ? data[0] * 16u : size - 2;
	certs[0] = SPAN(data + 2, first);
	rest = certs[1] = SPAN(data + 2 + first, size - 2 - first);
	octets.length = size < 32 ? size : 32;
	(void)identity_make(&id, data[1] & 15, rest);
	for (size_t i = 0; i < 3; i++)
		(void)scheme_verify(keys[i],
			(enum signature_scheme)(1 + data[1] % SIGNATURE_DIGITAL), octets, rest);
	count = certificate_unwrap(rest, wrapped, 4);
	for (size_t i = 0; i < count; i++)
		X509_free(wrapped[i]);
	x = certificate_read(certs[0]);
	if (x) {
		look_at(x, &id);
		chain(x, certs, 2);
	}
	X509_free(x);
	ERR_clear_error();
	return 0;
}
