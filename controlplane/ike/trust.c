// SPDX-License-Identifier: Apache-2.0

// See trust.h. The order in which it is asked whether a certificate is revoked: the OCSP responder
// of the config, the CRL of the config, the responder and the CRLs that the certificate names; the
// first that knows ends it. Only a chain that leads to one of our authorities is asked about, so
// nobody else can make us fetch anything.

#include "trust.h"

#include "certificate.h"
#include "certificate_file.h"
#include "controlplane/log.h"
#include "place.h"
#include "trust_chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	AUTHORITIES_MOST = 512, // certificates, all files together
	PLACES_NAMED = 4,       // addresses of one certificate that are tried, of each kind
};

struct authority {
	X509 *certificate;
	const struct config_authority *config;
	char subject[CERTIFICATE_TEXT], serial[CERTIFICATE_TEXT], key[CERTIFICATE_TEXT];
};

// A question whether a chain still holds.
struct hold {
	TAILQ_ENTRY(hold) all;
	struct trust *trust;
	struct trust_chain *chain;
	void (*done)(void *context, const char *why);
	void *context;
	struct timer timer;
	bool late;  // what is not there by now is unknown
	bool dirty; // to be looked at again
	bool busy;  // being looked at
};

struct trust {
	unsigned refs; // of the owner and of jobs; counted on the event loop
	const struct config_certificates *config;
	struct timers *timers;
	struct trust_anchors anchors;
	struct authority authorities[AUTHORITIES_MOST];
	size_t count;
	uint8_t hashes[AUTHORITIES_MOST * SHA_DIGEST_LENGTH];
	struct places *places;
	TAILQ_HEAD(, hold) holds;
};

// ---- the authorities

static void note_hash(struct trust *t, const X509 *x)
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (length > 0)
		SHA1(der, (size_t)length, t->hashes + t->count * SHA_DIGEST_LENGTH);
	OPENSSL_free(der);
}

static int add_authority(
	struct trust *t, const struct config_authority *config, X509 *x, struct certificate_why why)
{
	struct authority *a = &t->authorities[t->count];
	const char *refused = certificate_key_refused(X509_get0_pubkey(x), t->anchors.legacy);

	if (t->count == AUTHORITIES_MOST)
		return certificate_why(
			why, config->certificate, "is one too many", "name at most 512 in all");
	if (X509_check_ca(x) == 0)
		return certificate_why(why, config->certificate,
			"holds a certificate that is no authority's",
			"name the CA's, with basicConstraints CA:TRUE");
	if (refused)
		return certificate_why(why, config->certificate, refused,
			t->anchors.legacy ? "it cannot be trusted"
					  : "it cannot be trusted unless ike: {policy: legacy}");
	if (X509_STORE_add_cert(t->anchors.store, x) != 1 || !X509_up_ref(x))
		return certificate_why(why, config->certificate, "cannot be kept", "no memory?");
	a->certificate = x;
	a->config = config;
	certificate_subject(x, a->subject);
	certificate_serial(x, a->serial);
	certificate_key(x, a->key);
	note_hash(t, x);
	t->count++;
	return 0;
}

// The CRL of a file must be there from the beginning; it may be of any authority in the same file.
static int read_crl(struct trust *t, const struct config_authority *config, size_t first,
	struct certificate_why why)
{
	char problem[REVOCATION_WHY];
	int error = -EINVAL;

	if (t->config->revocation == REVOCATION_OFF || !*config->crl ||
		strncasecmp(config->crl, "http://", 7) == 0)
		return 0;
	for (size_t i = first; i < t->count; i++)
		if (!places_read_file(
			    t->places, config->crl, t->authorities[i].certificate, problem))
			error = 0;
	if (error)
		snprintf(why.text, why.size, "%s: write a CRL of %s there, as PEM or DER", problem,
			config->certificate);
	return error;
}

static int load(struct trust *t, const struct config_authority *config, struct certificate_why why)
{
	STACK_OF(X509) *all = NULL;
	size_t first = t->count;
	int error = certificate_file_certificates(config->certificate, &all, why);

	for (int i = 0; !error && i < sk_X509_num(all); i++)
		error = add_authority(t, config, sk_X509_value(all, i), why);
	sk_X509_pop_free(all, X509_free);
	return error ? error : read_crl(t, config, first, why);
}

static void places_changed(void *context);

static struct trust *create(const struct config *config, struct timers *timers)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->refs = 1;
	t->config = &config->certificates;
	t->timers = timers;
	TAILQ_INIT(&t->holds);
	t->anchors.legacy = config->ike.policy == POLICY_LEGACY;
	t->anchors.store = X509_STORE_new();
	t->places =
		places_create(timers, t->config->refresh_s, t->anchors.legacy, places_changed, t);
	if (t->anchors.store && t->places)
		return t;
	trust_free(t);
	return NULL;
}

struct trust *trust_create(
	const struct config *config, struct timers *timers, char *why, size_t size)
{
	struct trust *t = create(config, timers);
	int error = 0;

	snprintf(why, size, "no memory");
	for (unsigned i = 0; t && !error && i < t->config->authority_count; i++)
		error = load(t, &t->config->authorities[i], (struct certificate_why){why, size});
	ERR_clear_error();
	if (!error)
		return t;
	trust_free(t);
	return NULL;
}

bool trust_any(const struct trust *t)
{
	return t && t->count > 0;
}

struct span trust_request_v1(const struct trust *t, size_t n)
{
	return t && n < t->count
		       ? certificate_der(X509_get_subject_name(t->authorities[n].certificate))
		       : SPAN(NULL, 0);
}

struct span trust_request_v2(const struct trust *t)
{
	return t ? SPAN(t->hashes, t->count * SHA_DIGEST_LENGTH) : SPAN(NULL, 0);
}

const struct trust_anchors *trust_anchors(const struct trust *t)
{
	return &t->anchors;
}

// ---- revocation

static const struct authority *authority_of(const struct trust *t, const X509 *x)
{
	for (size_t i = 0; i < t->count; i++)
		if (X509_cmp(t->authorities[i].certificate, x) == 0)
			return &t->authorities[i];
	return NULL;
}

// One certificate, asked about at one place after the other until one knows.
struct question {
	struct trust *trust;
	X509 *x, *issuer;
	bool late;
	char why[REVOCATION_WHY]; // of the first that did not know
	bool asked;
};

static enum place_answer ask(struct question *q, const char *source, bool ocsp)
{
	char why[REVOCATION_WHY];
	enum place_answer said = places_ask(q->trust->places, source, ocsp, q->x, q->issuer, why);

	if (said == PLACE_PENDING && q->late)
		said = PLACE_UNKNOWN;
	if (said == PLACE_REVOKED || (said == PLACE_UNKNOWN && !q->asked))
		snprintf(q->why, sizeof(q->why), "%s", why);
	q->asked = q->asked || said == PLACE_UNKNOWN;
	return said;
}

static enum place_answer ask_named(struct question *q, bool ocsp)
{
	char source[PLACE_SOURCE];
	enum place_answer said = PLACE_UNKNOWN;

	for (size_t n = 0; said == PLACE_UNKNOWN && n < PLACES_NAMED; n++) {
		if (!revocation_place(q->x, ocsp, n, source, sizeof(source)))
			break;
		said = ask(q, source, ocsp);
	}
	return said;
}

static enum place_answer ask_all(struct question *q, const struct config_authority *config)
{
	enum place_answer said = PLACE_UNKNOWN;

	snprintf(q->why, sizeof(q->why),
		"names no place for CRLs or OCSP, and certificates.authorities has none");
	if (*config->ocsp)
		said = ask(q, config->ocsp, true);
	if (said == PLACE_UNKNOWN && *config->crl)
		said = ask(q, config->crl, false);
	if (said == PLACE_UNKNOWN && !*config->ocsp)
		said = ask_named(q, true);
	if (said == PLACE_UNKNOWN && !*config->crl)
		said = ask_named(q, false);
	return said;
}

// What the config says of an authority is about what that one issued; others have to name their
// places themselves.
static enum place_answer ask_about(struct hold *h, int i, char why[REVOCATION_WHY])
{
	static const struct config_authority none;
	struct question q = {.trust = h->trust,
		.x = sk_X509_value(h->chain->certificates, i),
		.issuer = sk_X509_value(h->chain->certificates, i + 1),
		.late = h->late};
	const struct authority *a = authority_of(h->trust, q.issuer);
	enum place_answer said = ask_all(&q, a ? a->config : &none);
	char subject[CERTIFICATE_TEXT];

	if (said != PLACE_GOOD)
		snprintf(why, REVOCATION_WHY, "%.100s %.150s", certificate_subject(q.x, subject),
			q.why);
	return said;
}

// The worst of what is said of the chain.
static enum place_answer ask_chain(struct hold *h, char why[REVOCATION_WHY])
{
	int count = sk_X509_num(h->chain->certificates);
	enum place_answer worst = PLACE_GOOD, said;
	char words[REVOCATION_WHY];

	if (h->trust->config->revocation == REVOCATION_OFF)
		return PLACE_GOOD;
	for (int i = 0; i + 1 < count; i++) {
		said = ask_about(h, i, words);
		if (said == PLACE_GOOD || (worst != PLACE_GOOD && said != PLACE_REVOKED))
			continue;
		snprintf(why, REVOCATION_WHY, "%s", words);
		worst = said;
		if (said != PLACE_UNKNOWN)
			break;
	}
	return worst;
}

// ---- questions

static void hold_free(struct hold *h)
{
	timer_stop(h->trust->timers, &h->timer);
	TAILQ_REMOVE(&h->trust->holds, h, all);
	trust_chain_free(h->chain);
	free(h);
}

static void hold_end(struct hold *h, const char *why)
{
	void (*done)(void *context, const char *why) = h->done;
	void *context = h->context;

	hold_free(h);
	done(context, why);
}

// Ends it when there is an answer.
static void hold_look(struct hold *h)
{
	char why[REVOCATION_WHY];
	const char *dates = trust_chain_dates(h->chain, why);
	enum place_answer said;
	bool strict = h->trust->config->revocation == REVOCATION_STRICT;

	h->busy = true;
	said = dates ? PLACE_REVOKED : ask_chain(h, why);
	h->busy = false;
	if (said == PLACE_REVOKED || (said == PLACE_UNKNOWN && strict))
		hold_end(h, why);
	else if (said != PLACE_PENDING)
		hold_end(h, NULL);
}

static struct hold *next_dirty(struct trust *t)
{
	struct hold *h;

	TAILQ_FOREACH(h, &t->holds, all)
	if (h->dirty && !h->busy)
		return h;
	return NULL;
}

// A place has news. Whoever is told may ask or forget something while this goes on.
static void places_changed(void *context)
{
	struct trust *t = context;
	struct hold *h;

	TAILQ_FOREACH(h, &t->holds, all)
	h->dirty = true;
	trust_hold(t);
	while ((h = next_dirty(t))) {
		h->dirty = false;
		hold_look(h);
	}
	trust_let_go(t);
}

static void hold_late(void *context)
{
	struct hold *h = context;

	h->late = true;
	hold_look(h);
}

int trust_holds(struct trust *t, const struct trust_chain *chain,
	void (*done)(void *context, const char *why), void *context)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct hold){
		.trust = t, .chain = (struct trust_chain *)chain, .done = done, .context = context};
	h->chain->refs++;
	TAILQ_INSERT_TAIL(&t->holds, h, all);
	if (timer_start(t->timers, &h->timer, TRUST_WAIT_MS, hold_late, h)) {
		hold_free(h);
		return -ENOMEM;
	}
	hold_look(h);
	return 0;
}

void trust_forget(struct trust *t, const void *context)
{
	struct hold *h, *next;

	for (h = t ? TAILQ_FIRST(&t->holds) : NULL; h; h = next) {
		next = TAILQ_NEXT(h, all);
		if (h->context == context)
			hold_free(h);
	}
}

void trust_each(const struct trust *t, void (*each)(void *context, const struct trust_info *info),
	void *context)
{
	for (size_t i = 0; t && i < t->count; i++) {
		const struct authority *a = &t->authorities[i];
		struct place_info place = {0};
		struct trust_info info = {.file = a->config->certificate,
			.subject = a->subject,
			.serial = a->serial,
			.key = a->key,
			.not_after = certificate_seconds(X509_get0_notAfter(a->certificate))};

		if (places_crl_info(t->places, a->certificate, &place)) {
			info.crl = place.source;
			info.crl_fetched = place.fetched;
			info.crl_next = place.next;
			info.crl_entries = place.entries;
			info.crl_error = place.error;
		} else if (*a->config->crl) {
			info.crl = a->config->crl;
		}
		each(context, &info);
	}
}

// ---- life

void trust_hold(struct trust *t)
{
	t->refs++;
}

void trust_let_go(struct trust *t)
{
	if (--t->refs > 0)
		return;
	for (size_t i = 0; i < t->count; i++)
		X509_free(t->authorities[i].certificate);
	X509_STORE_free(t->anchors.store);
	free(t);
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	while (!TAILQ_EMPTY(&t->holds))
		hold_free(TAILQ_FIRST(&t->holds));
	places_free(t->places);
	t->places = NULL;
	trust_let_go(t);
}
