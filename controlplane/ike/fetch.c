// SPDX-License-Identifier: Apache-2.0

// See fetch.h. HTTP is libcrypto's; the environment's http_proxy counts.

#include "fetch.h"

#include "certificate_file.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void say(struct fetch *f, const char *problem)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	// What a server says, however wrong, is of libcrypto's part for HTTP.
	f->silent = ERR_GET_LIB(error) == ERR_LIB_BIO;
	snprintf(f->why, sizeof(f->why), "%s %s%s%s", f->source, problem, reason ? ": " : "",
		reason ? reason : "");
	ERR_clear_error();
}

static void take_crl(struct fetch *f, struct span bytes)
{
	char why[REVOCATION_WHY];

	f->crl = revocation_crl_read(bytes, f->issuer, f->legacy, places_now(), why);
	if (f->crl)
		f->next = revocation_crl_next(f->crl);
	else
		snprintf(f->why, sizeof(f->why), "%.120s %.120s", f->source, why);
}

// ---- files

static void run_file(struct fetch *f)
{
	struct certificate_bytes bytes;

	f->unchanged = !certificate_file_changed(f->source, &f->stamp) && f->stamp.inode;
	if (f->unchanged || certificate_file_read(f->source, false, REVOCATION_CRL_BYTES, &bytes,
				    (struct certificate_why){f->why, sizeof(f->why)}))
		return;
	take_crl(f, SPAN(bytes.at, bytes.length));
	certificate_bytes_wipe(&bytes);
}

// ---- HTTP

static struct span bio_bytes(BIO *bio)
{
	char *at = NULL;
	long length = bio ? BIO_get_mem_data(bio, &at) : 0;

	return SPAN((const uint8_t *)at, length > 0 ? (size_t)length : 0);
}

static void run_crl(struct fetch *f)
{
	BIO *bio = OSSL_HTTP_get(f->source, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1,
		REVOCATION_CRL_BYTES, PLACE_TIMEOUT_S);

	if (!bio) {
		say(f, "gives no CRL");
		return;
	}
	take_crl(f, bio_bytes(bio));
	BIO_free_all(bio);
}

static BIO *post(const char *source, struct span request)
{
	char *host = NULL, *port = NULL, *path = NULL;
	BIO *body = BIO_new_mem_buf(request.at, (int)request.length), *answer = NULL;
	int tls = 0;

	if (body &&
		OSSL_HTTP_parse_url(source, &tls, NULL, &host, &port, NULL, &path, NULL, NULL) ==
			1 &&
		!tls)
		answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, NULL, NULL, NULL,
			NULL, 0, NULL, "application/ocsp-request", body,
			"application/ocsp-response", 1, REVOCATION_OCSP_BYTES, PLACE_TIMEOUT_S, 0);
	OPENSSL_free(host);
	OPENSSL_free(port);
	OPENSSL_free(path);
	BIO_free(body);
	return answer;
}

static void run_ocsp(struct fetch *f)
{
	struct span request = revocation_ocsp_request(f->x, f->issuer);
	BIO *bio = request.length ? post(f->source, request) : NULL;
	char why[REVOCATION_WHY] = "";

	f->said = REVOCATION_UNKNOWN;
	if (bio) {
		f->said = revocation_ocsp_read(
			bio_bytes(bio), f->x, f->issuer, f->legacy, places_now(), &f->next, why);
		if (f->said == REVOCATION_UNKNOWN)
			snprintf(f->why, sizeof(f->why), "%.120s: %.120s", f->source, why);
	} else {
		say(f, "gives no OCSP answer");
	}
	OPENSSL_free((void *)request.at);
	BIO_free_all(bio);
}

void fetch_run(struct fetch *f)
{
	ERR_clear_error();
	if (f->ocsp)
		run_ocsp(f);
	else if (strncasecmp(f->source, "http://", 7) == 0)
		run_crl(f);
	else
		run_file(f);
}
