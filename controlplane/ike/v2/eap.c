// SPDX-License-Identifier: Apache-2.0

// See eap.h. EAP itself is in controlplane/eap, and who the users are is known above, or there by a
// server. The way:
//
//   IDi, [CERTREQ,] [IDr,] [CP,] SAi2, TSi, TSr    kept until the end; our signature is made
//            IDr, CERT..., AUTH, EAP (Identity)
//   EAP                                            perhaps after the answer from above
//            EAP                                   ... Success or Failure at last
//   AUTH (with the MSK)                            a PPK is mixed in if it is named here; AUTH is
//                                                  checked; the kept payloads make the child
//            AUTH (with the MSK), [CP,] SAr2, TSi, TSr
//
// Our first AUTH is therefore made without a PPK, the last two with it (RFC 8784 section 3).
// A peer that fails has its EAP Failure and nothing else; the SA is of no use any more then.
//
// While the answer from above is awaited, which may take as long as radius.patience, the peer sends
// its request again and hears nothing (exchange.c), and the half-open SA does not grow older.

#include "eap.h"

#include "auth.h"
#include "certificate.h"
#include "controlplane/eap/eap.h"
#include "exchange.h"
#include "ppk.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

struct v2_eap {
	struct ike_sa *sa;
	struct eap *eap;
	uint8_t *plain; // the payloads of the first request, into which chain points
	size_t length;
	struct v2_chain chain;
	bool due;   // eap_last has to go out
	bool busy;  // within eap_input: what is to be sent waits until it returns
	bool asked; // above: there it is to be forgotten as well
	bool over, good;
	bool passed; // it was not our own method
	char reason[128];
	uint8_t msk[AUTH_MSK];
};

void eap_end(struct v2_eap *e)
{
	struct ike *ike = e ? e->sa->ike : NULL;

	if (!e)
		return;
	if (e->asked && ike->events->user_gone)
		ike->events->user_gone(ike->context, e->sa->attempt);
	eap_free(e->eap);
	if (e->plain)
		OPENSSL_cleanse(e->plain, e->length);
	free(e->plain);
	OPENSSL_cleanse(e, sizeof(*e));
	free(e);
}

// ---- events of EAP

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct v2_eap *e = context;

	(void)packet; // eap_last has it
	e->due = length > 0;
}

static void on_ask(void *context, const struct ppp_credentials *credentials)
{
	struct v2_eap *e = context;
	struct ike *ike = e->sa->ike;
	struct ike_user_request request = {
		.attempt = e->sa->attempt, .flow = e->sa->flow, .credentials = credentials};

	memcpy(request.spi_i, e->sa->cookie_i, V2_SPI);
	memcpy(request.spi_r, e->sa->cookie_r, V2_SPI);
	e->asked = true;
	sa_wait(e->sa, ike->config->radius.patience_ms);
	ike->events->user_ask(ike->context, &request);
}

// The user is who this is, and the devices of one user are told apart by how they call themselves.
static void take_user(struct ike_sa *sa, const char *name)
{
	const struct identity *id = &sa->v2.begin->id_i;
	const uint8_t zero = 0;
	const struct span text = SPAN((const uint8_t *)name, strlen(name));
	const struct span parts[] = {text, SPAN(&zero, 1), SPAN(id->data, id->length)};
	struct identity user;

	memset(sa->v2.name, 0, sizeof(sa->v2.name));
	memcpy(sa->v2.name, name, text.length);
	(void)ike_digest(IKE_SHA256, parts, 3, sa->identity);
	if (identity_make(&user, ID_USER_FQDN, text) == 0)
		(void)identity_words(&user, sa->identity_text);
}

static void on_done(void *context, const struct eap_result *result)
{
	struct v2_eap *e = context;

	e->over = true;
	e->good = result->good;
	e->passed = result->passed;
	if (result->name[0])
		take_user(e->sa, result->name);
	if (result->good)
		memcpy(e->msk, result->msk, AUTH_MSK);
	else
		snprintf(e->reason, sizeof(e->reason), "EAP: %s", result->reason);
}

// ---- answers

// The packet that EAP wants to send, with our proof in front of the first one.
static void answer(struct v2_request *r, bool first)
{
	struct ike_sa *sa = r->sa;
	struct v2_begin *b = sa->v2.begin;
	struct v2_eap *e = b->eap;
	const uint8_t *packet;
	struct v2_sealed s;
	size_t length;

	if (e->over && !e->good)
		auth_refused(sa, e->reason);
	exchange_answer_begin(r, &s);
	if (first) {
		v2_put_id(&s.out, V2_ID_R, b->id_r.type, SPAN(b->id_r.data, b->id_r.length));
		certificate_write(sa, &s.out);
		v2_put_auth(&s.out, (uint8_t)b->method, SPAN(b->auth, b->auth_length));
	}
	packet = eap_last(e->eap, &length);
	isakmp_out_payload(&s.out, V2_EAP, packet, length);
	e->due = false;
	// Whoever gets no answer asks again; the half-open SA has its time.
	(void)exchange_answer_end(r, &s);
	if (e->over && !e->good)
		v2_linger(sa);
}

// ---- the first request

// Its payloads, as long as they are and no longer.
static int keep_request(struct v2_eap *e, const struct v2_request *r)
{
	const struct v2_part *last = &r->chain.parts[r->chain.count - 1];

	e->length = (size_t)(last->body.at + last->body.length - r->plain);
	e->plain = malloc(e->length);
	if (!e->plain)
		return -ENOMEM;
	memcpy(e->plain, r->plain, e->length);
	e->chain = r->chain;
	for (size_t i = 0; i < e->chain.count; i++)
		e->chain.parts[i].body.at = e->plain + (r->chain.parts[i].body.at - r->plain);
	return 0;
}

static int eap_make(struct v2_request *r)
{
	static const struct eap_events events = {.send = on_send, .ask = on_ask, .done = on_done};
	const struct config_remote_access *config = &r->sa->ike->config->remote_access;
	const struct eap_ways ways = {
		.pass = config->eap, .ours = config->eap_mschapv2, .want_msk = true};
	struct v2_eap *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	r->sa->v2.begin->eap = e;
	e->sa = r->sa;
	e->eap = eap_create(&ways, &events, e);
	return e->eap ? keep_request(e, r) : -ENOMEM;
}

// Our signature is there.
static void proven_ours(struct v2_request *r)
{
	eap_start(r->sa->v2.begin->eap->eap);
	answer(r, true);
}

void eap_begin(struct v2_request *r)
{
	const struct ike *ike = r->sa->ike;
	const struct config_remote_access *config = &ike->config->remote_access;

	if (!(config->eap || config->eap_mschapv2) || !ike->events->user_ask)
		auth_failed(r, "the peer wants EAP, which remote-access.auth does not allow");
	else if (eap_make(r))
		auth_failed(r, "no memory");
	else
		certificate_prove(r, proven_ours);
}

// ---- the others

static void packet_input(struct v2_request *r, struct span packet)
{
	struct v2_eap *e = r->sa->v2.begin->eap;
	int error;

	e->busy = true;
	error = eap_input(e->eap, packet.at, packet.length);
	e->busy = false;
	if (error)
		auth_failed(r, "EAP: malformed, or out of order");
	else if (e->due)
		answer(r, false);
}

int ike_user_answer(struct ike *ike, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct ppp_verdict *verdict)
{
	struct ike_sa *sa = sa_find(ike, spi_i, spi_r);
	struct v2_eap *e;

	if (!sa || sa->version != &ike_v2 || !sa->v2.begin || !sa->v2.begin->eap)
		return -ENOENT;
	e = sa->v2.begin->eap;
	sa_go_on(sa);
	if (eap_answer(e->eap, verdict))
		return -ENOENT;
	if (!e->busy && sa->v2.request && e->due)
		answer(sa->v2.request, false);
	return 0;
}

static bool auth_is(struct v2_request *r, const struct v2_auth *auth)
{
	struct ike_sa *sa = r->sa;
	struct v2_eap *e = sa->v2.begin->eap;
	const struct v2_part *id = v2_chain_find(&e->chain, V2_ID_I, 0);
	uint8_t octets[AUTH_OCTETS_MAX], expected[IKE_HASH_MAX];
	struct build out = build_in(octets, sizeof(octets));
	size_t size = ike_hash_size(sa->hash);
	bool good;

	if (auth->method != V2_AUTH_SHARED_KEY || auth->data.length != size ||
		auth_octets_peer(sa, id->body, &out) ||
		v2_auth_shared(sa->hash, SPAN(e->msk, AUTH_MSK), SPAN(octets, build_length(&out)),
			expected))
		return false;
	good = CRYPTO_memcmp(expected, auth->data.at, size) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	return good;
}

static int auth_ours(struct ike_sa *sa)
{
	struct v2_begin *b = sa->v2.begin;
	uint8_t octets[AUTH_OCTETS_MAX];
	struct build out = build_in(octets, sizeof(octets));

	if (auth_octets_ours(sa, &out) || v2_auth_shared(sa->hash, SPAN(b->eap->msk, AUTH_MSK),
						  SPAN(octets, build_length(&out)), b->auth))
		return -EINVAL;
	b->method = V2_AUTH_SHARED_KEY;
	b->auth_length = ike_hash_size(sa->hash);
	return 0;
}

// The payloads of the first request are those of this one from here on.
static void take_back(struct v2_request *r)
{
	struct v2_eap *e = r->sa->v2.begin->eap;

	OPENSSL_cleanse(r->plain, r->plain_size);
	free(r->plain);
	r->plain = e->plain;
	r->plain_size = e->length;
	r->chain = e->chain;
	e->plain = NULL;
}

static void auth_last(struct v2_request *r, struct span body)
{
	const char *reason = ppk_take(r);
	struct v2_auth auth;

	if (reason) {
		auth_failed(r, reason);
	} else if (v2_auth_parse(body, &auth) || !auth_is(r, &auth)) {
		auth_failed(r, "EAP: the keys that came of it are not the same");
	} else if (auth_ours(r->sa)) {
		auth_failed(r, "no AUTH could be made");
	} else {
		take_back(r);
		auth_proven(r, r->sa->v2.begin->eap->passed ? "eap" : "eap-mschapv2");
	}
}

void eap_request(struct v2_request *r)
{
	const struct v2_part *packet = v2_chain_find(&r->chain, V2_EAP, 0);
	const struct v2_part *auth = v2_chain_find(&r->chain, V2_AUTH, 0);
	struct v2_eap *e = r->sa->v2.begin->eap;

	if (packet && !e->over)
		packet_input(r, packet->body);
	else if (auth && e->over && e->good)
		auth_last(r, auth->body);
	else
		auth_failed(r, "EAP: message out of order");
}
