// SPDX-License-Identifier: Apache-2.0

// See auth.h. The way of the first request:
//
//   IDi [, CERT...] [, CERTREQ] [, IDr], AUTH, [CP,] SAi2, TSi, TSr
//            a PPK is mixed in if the peer names one (RFC 8784); AUTH is checked: by each
//            pre-shared key that fits, here and now, or by certificates (certificate.c), on the
//            thread pool, where our own signature is made too
//   proven   the SA gets its peer and is established; child.c makes its pair
//   answer   IDr [, CERT...], AUTH [, CP], SAr2, TSi, TSr
//
// Without AUTH the peer wants EAP (eap.c). Whatever was wrong, the answer is AUTHENTICATION_FAILED
// and nothing else, and the SA is of no use any more: who has sent something wrong begins anew.

#include "auth.h"

#include "certificate.h"
#include "child.h"
#include "controlplane/ike/peer.h"
#include "eap.h"
#include "exchange.h"
#include "ppk.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static const struct v2_part *part(const struct v2_request *r, uint8_t type)
{
	return v2_chain_find(&r->chain, type, 0);
}

static bool has(const struct v2_request *r, uint16_t type)
{
	struct v2_notify n;

	return v2_chain_notify(&r->chain, type, &n);
}

void auth_refused(struct ike_sa *sa, const char *reason)
{
	struct log_subject subject = sa_subject(sa);

	sa->ike->counters.refused++;
	log_event(LOG_IKE_REFUSED, &subject, "s:s, s:s, s:s, s:s, s:s", "reason", reason,
		"identity", sa->identity_text, "encryption", ike_encryption_word(sa->encryption),
		"hash", ike_hash_word(sa->hash), "group", ike_group_word(sa->group));
}

void auth_failed(struct v2_request *r, const char *reason)
{
	struct ike_sa *sa = r->sa;

	auth_refused(sa, reason);
	(void)exchange_answer_notify(r, V2_AUTHENTICATION_FAILED, SPAN(NULL, 0));
	v2_linger(sa);
}

// ---- identities

static int take_identities(struct v2_request *r)
{
	const struct v2_part *i = part(r, V2_ID_I), *p = part(r, V2_ID_R);
	struct ike_sa *sa = r->sa;
	struct v2_begin *b = sa->v2.begin;
	struct v2_id id;

	if (!i || v2_id_parse(i->body, &id) || identity_make(&b->id_i, id.type, id.data))
		return -1;
	identity_digest(&b->id_i, sa->identity);
	(void)identity_words(&b->id_i, sa->identity_text);
	if (!p || v2_id_parse(p->body, &id) || identity_make(&b->id_r, id.type, id.data))
		b->id_r = (struct identity){0};
	return 0;
}

void auth_identity(struct ike_sa *sa)
{
	const char *configured = sa->ike->config->ike.identity;
	struct v2_begin *b = sa->v2.begin;
	const struct ip_address *own = &sa->flow.local;

	if (configured[0] && identity_parse(&b->id_r, configured) == 0)
		return;
	if (b->id_r.type == 0)
		(void)identity_make(&b->id_r, isakmp_id_type(own),
			SPAN(own->bytes, own->version == IP_V6 ? 16 : 4));
}

// ---- what AUTH is about

int auth_octets_peer(const struct ike_sa *sa, struct span id_body, struct build *out)
{
	const struct v2_begin *b = sa->v2.begin;

	return v2_auth_octets(sa->hash, sa->v2.keys.pi, SPAN(b->first, b->first_length),
		SPAN(b->nonce_r, NONCE_OURS), id_body, out);
}

int auth_octets_ours(const struct ike_sa *sa, struct build *out)
{
	const struct v2_begin *b = sa->v2.begin;
	uint8_t body[4 + IDENTITY_MAX] = {b->id_r.type};

	memcpy(body + 4, b->id_r.data, b->id_r.length);
	return v2_auth_octets(sa->hash, sa->v2.keys.pr, SPAN(b->second, b->second_length),
		SPAN(b->nonce_i, b->nonce_i_length), SPAN(body, 4 + (size_t)b->id_r.length), out);
}

// ---- shared keys

static int shared_auth_ours(struct ike_sa *sa, struct span secret)
{
	struct v2_begin *b = sa->v2.begin;
	uint8_t octets[AUTH_OCTETS_MAX];
	struct build out = build_in(octets, sizeof(octets));

	auth_identity(sa);
	if (auth_octets_ours(sa, &out) ||
		v2_auth_shared(sa->hash, secret, SPAN(octets, build_length(&out)), b->auth))
		return -1;
	b->method = V2_AUTH_SHARED_KEY;
	b->auth_length = ike_hash_size(sa->hash);
	return 0;
}

// The place of the key that the peer's AUTH is made with, or -1. All of them are tried, whichever
// fits.
static int64_t key_that_fits(struct v2_request *r, struct span data)
{
	struct ike_sa *sa = r->sa;
	uint8_t octets[AUTH_OCTETS_MAX], expected[IKE_HASH_MAX];
	struct build out = build_in(octets, sizeof(octets));
	size_t size = ike_hash_size(sa->hash);
	int64_t place = -1;
	struct psk_list list;

	psks_find(sa->ike->psks, &sa->flow.remote, &sa->v2.begin->id_i, &list);
	if (data.length != size || auth_octets_peer(sa, part(r, V2_ID_I)->body, &out))
		return -1;
	for (size_t n = 0; n < list.count; n++) {
		if (v2_auth_shared(sa->hash, psks_secret(sa->ike->psks, list.places[n]),
			    SPAN(octets, build_length(&out)), expected))
			continue;
		if (CRYPTO_memcmp(expected, data.at, size) == 0 && place < 0)
			place = list.places[n];
	}
	OPENSSL_cleanse(expected, sizeof(expected));
	return place;
}

static void shared_key(struct v2_request *r, struct span data)
{
	struct ike_sa *sa = r->sa;
	int64_t place = key_that_fits(r, data);

	if (place < 0) {
		auth_failed(r, psks_any(sa->ike->psks, &sa->flow.remote)
				       ? "pre-shared key mismatch, or none for this identity"
				       : "no pre-shared key for this address");
		return;
	}
	sa->psk = (uint32_t)place + 1;
	if (shared_auth_ours(sa, psks_secret(sa->ike->psks, (uint32_t)place)))
		auth_failed(r, "no AUTH could be made");
	else
		auth_proven(r, "psk");
}

// ---- the request

static void by_method(struct v2_request *r, const struct v2_auth *auth)
{
	switch (auth->method) {
	case V2_AUTH_SHARED_KEY:
		shared_key(r, auth->data);
		break;
	case V2_AUTH_RSA:
	case V2_AUTH_ECDSA_256:
	case V2_AUTH_ECDSA_384:
	case V2_AUTH_ECDSA_521:
	case V2_AUTH_DIGITAL:
		certificate_input(r, auth);
		break;
	default:
		auth_failed(r, "method of authentication that is not served");
	}
}

void auth_input(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	const struct v2_part *p = part(r, V2_AUTH);
	struct v2_auth auth;
	const char *reason = NULL;

	if (sa->v2.begin->eap) {
		eap_request(r);
		return;
	}
	if (take_identities(r)) {
		auth_failed(r, "no identity, or one that makes no sense");
		return;
	}
	sa->v2.begin->initial_contact = has(r, V2_INITIAL_CONTACT);
	sa->v2.mobike = sa->ike->config->ike.mobike && has(r, V2_MOBIKE_SUPPORTED);
	// With EAP, the message of the peer's AUTH names the key: eap.c takes it there.
	if (p)
		reason = ppk_take(r);
	if (reason)
		auth_failed(r, reason);
	else if (!p)
		eap_begin(r);
	else if (v2_auth_parse(p->body, &auth))
		auth_failed(r, "malformed AUTH");
	else
		by_method(r, &auth);
}

static void log_up(const struct ike_sa *sa)
{
	struct log_subject subject = sa_subject(sa);

	log_event(LOG_IKE_UP, &subject,
		"s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:I", "version", 2,
		"identity", sa->identity_text, "auth", sa->auth, "encryption",
		ike_encryption_word(sa->encryption), "hash", ike_hash_word(sa->hash), "group",
		ike_group_word(sa->group), "nat_peer", sa->nat_peer, "nat_us", sa->nat_us,
		"fragmentation", sa->v2.fragmentation, "mobike", sa->v2.mobike, "ppk", sa->v2.ppk,
		"lifetime_s", (long long)sa->lifetime_s);
}

void auth_proven(struct v2_request *r, const char *method)
{
	struct ike_sa *sa = r->sa;

	sa->auth = method;
	if (peer_attach(sa, sa->v2.begin->initial_contact)) {
		auth_failed(r, "too many peers");
		return;
	}
	sa_established(sa);
	sa->ike->counters.established++;
	if (sa->psk)
		psks_used(sa->ike->psks, sa->psk - 1, timers_now(sa->ike->timers));
	log_up(sa);
	child_ask(r);
}

void auth_answer(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	struct v2_begin *b = sa->v2.begin;
	struct esp_pair *pair = r->child.pair;
	struct v2_sealed s;
	int error;

	exchange_answer_begin(r, &s);
	if (!b->eap) { // else they were in the first answer
		v2_put_id(&s.out, V2_ID_R, b->id_r.type, SPAN(b->id_r.data, b->id_r.length));
		certificate_write(sa, &s.out);
	}
	v2_put_auth(&s.out, (uint8_t)b->method, SPAN(b->auth, b->auth_length));
	ppk_write(sa, &s.out);
	if (sa->v2.mobike)
		v2_put_status(&s.out, V2_MOBIKE_SUPPORTED, SPAN(NULL, 0));
	child_write(r, &s.out);
	r->child.pair = NULL;
	error = exchange_answer_end(r, &s);
	v2_begin_free(sa);
	child_confirm(sa, pair, error);
}
