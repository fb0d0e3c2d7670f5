// SPDX-License-Identifier: Apache-2.0

// RFC 6614 section 2.3: TLS 1.2 or later, both sides show certificates. Only the authorities of
// the config count, none of the system.

#include "tls_context.h"

#include "controlplane/ike/certificate_file.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

// An authority that is itself an intermediate one, or the server's own certificate, is an anchor
// like any other: who names it means it.
static int believe(SSL_CTX *context, const char *path, struct certificate_why why)
{
	STACK_OF(X509) *list = NULL;
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	int error = certificate_file_certificates(path, &list, why);

	for (int i = 0; error == 0 && i < sk_X509_num(list); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(list, i)) != 1)
			error = certificate_why(why, path, "cannot be used", "write it anew");
	sk_X509_pop_free(list, X509_free);
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return error;
}

static int show_certificate(SSL_CTX *context, const char *path, struct certificate_why why)
{
	STACK_OF(X509) *list = NULL;
	int error = certificate_file_certificates(path, &list, why);

	for (int i = 0; error == 0 && i < sk_X509_num(list); i++) {
		X509 *x = sk_X509_value(list, i);

		if ((i ? SSL_CTX_add1_chain_cert(context, x)
		       : SSL_CTX_use_certificate(context, x)) != 1)
			error = certificate_why(why, path, "cannot be shown",
				"take one with a key of at least 2048 bit RSA or 256 bit ECDSA");
	}
	sk_X509_pop_free(list, X509_free);
	return error;
}

static int show_key(SSL_CTX *context, const char *path, struct certificate_why why)
{
	EVP_PKEY *key = NULL;
	int error = certificate_file_key(path, SPAN(NULL, 0), &key, why);

	if (error == 0 && SSL_CTX_use_PrivateKey(context, key) != 1)
		error = certificate_why(why, path, "is not the key of tls-certificate",
			"take the one that belongs to it");
	EVP_PKEY_free(key);
	return error;
}

static int fill(SSL_CTX *context, const struct config_radius_server *s, struct certificate_why why)
{
	int error = believe(context, s->tls_authorities, why);

	if (error == 0 && *s->tls_certificate)
		error = show_certificate(context, s->tls_certificate, why);
	if (error == 0 && *s->tls_key)
		error = show_key(context, s->tls_key, why);
	return error;
}

SSL_CTX *tls_context_create(const struct config_radius_server *server, char *why, size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	snprintf(why, size, "no memory");
	if (context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
		fill(context, server, (struct certificate_why){why, size}) == 0) {
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
		return context;
	}
	ERR_clear_error();
	SSL_CTX_free(context);
	return NULL;
}

SSL *tls_context_session(SSL_CTX *context, const struct config_radius_server *server)
{
	SSL *ssl = SSL_new(context);
	int ok = 0;

	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (*server->tls_name)
		ok = SSL_set1_host(ssl, server->tls_name) == 1 &&
		     SSL_set_tlsext_host_name(ssl, server->tls_name) == 1;
	else
		ok = X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), server->address.bytes,
			     server->address.version == IP_V4 ? 4 : 16) == 1;
	if (ok)
		return ssl;
	SSL_free(ssl);
	return NULL;
}
