// SPDX-License-Identifier: Apache-2.0

// See objects_certificate.h. Times of day are words, because they are compared with those that
// certificates and their tools show.

#include "objects_certificate.h"

#include "controlplane/ike/certificates.h"
#include "objects.h"

#include <time.h>

enum { DAY_S = 86400, TIME_TEXT = 32 };

static json_t *time_or_null(int64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[TIME_TEXT];
	struct tm tm;

	if (seconds == 0 || !gmtime_r(&when, &tm) ||
		!strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(text);
}

// Rounded down: the day of the end is day 0, the one after it -1.
static json_int_t days_left(int64_t not_after)
{
	int64_t left = not_after - certificates_now();

	return left >= 0 ? left / DAY_S : (left + 1) / DAY_S - 1;
}

static void put_own(void *list, const struct credential_info *i)
{
	json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:n}", "kind", "own",
			      "subject", i->subject, "issuer", i->issuer, "serial", i->serial,
			      "key", i->key, "file", i->file, "ends", time_or_null(i->not_after),
			      "days_left", days_left(i->not_after), "crl"));
}

static json_t *crl(const struct trust_info *i)
{
	if (!i->crl)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:I, s:s?}", "source", i->crl, "fetched",
		time_or_null(i->crl_fetched), "next", time_or_null(i->crl_next), "entries",
		(json_int_t)i->crl_entries, "error", i->crl_error);
}

static void put_authority(void *list, const struct trust_info *i)
{
	json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o}", "kind", "authority",
			      "subject", i->subject, "serial", i->serial, "key", i->key, "file",
			      i->file, "ends", time_or_null(i->not_after), "days_left",
			      days_left(i->not_after), "crl", crl(i)));
}

json_t *objects_certificate_certificates(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	json_t *list = json_array();

	(void)query;
	if (o->certificates) {
		credentials_each(certificates_own(o->certificates), put_own, list);
		trust_each(certificates_trust(o->certificates), put_authority, list);
	}
	return json_pack("{s:o, s:n}", "certificates", list, "next");
}
