// SPDX-License-Identifier: Apache-2.0

// See child.h. What is asked for is one of two:
//
//   L2TP            transport mode: UDP between an address of the peer, any port, and our port 1701
//                   (RFC 3193 section 4). Behind a NAT the peer knows itself, or us, by another
//                   address than what arrives (RFC 7296 section 2.23.1): the selectors go back as
//                   it sent them, and are checked only where there is no NAT. Inner packets are
//                   known by the pair that they come in on, not by address.
//   remote access   tunnel mode: access.c asks for addresses first
//
// The pair is installed before the answer leaves, so that nothing that the peer sends early is
// lost, and outbound moves to it when the answer has left.

#include "child.h"

#include "choice.h"

#include "access.h"
#include "auth.h"
#include "controlplane/ike/dh.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "create.h"
#include "controlplane/ike/rekey.h"
#include "exchange.h"
#include "rekey_pair.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

enum {
	PROTOCOL_ANY = 0,
	PROTOCOL_UDP = 17,
};

static const struct v2_part *part(const struct v2_request *r, uint8_t type)
{
	return v2_chain_find(&r->chain, type, 0);
}

static void finish(struct v2_request *r)
{
	if (r->exchange == V2_IKE_AUTH)
		auth_answer(r);
	else
		create_answer(r);
}

void child_refuse(struct v2_request *r, uint16_t notify, const char *reason)
{
	struct ike_sa *sa = r->sa;
	struct log_subject subject = sa_subject(sa);
	const struct v2_part *p = part(r, V2_SA);
	char offered[V2_PROPOSAL_TEXT], ours[V2_PROPOSAL_TEXT];
	struct v2_sa offer;

	log_event(LOG_ESP_REFUSED, &subject, "s:s, s:s, s:s", "reason", reason, "offered",
		p && v2_sa_parse(p->body, &offer) == 0 ? v2_offer_words(&offer, offered) : NULL,
		"ours", v2_esp_ours(&sa->ike->config->ike, ours));
	r->child.refusal = notify;
	finish(r);
}

// ---- traffic selectors of L2TP

static bool in_range(const struct v2_selector *s, const struct ip_address *a)
{
	return s->first.version == a->version && memcmp(a->bytes, s->first.bytes, 16) >= 0 &&
	       memcmp(a->bytes, s->last.bytes, 16) <= 0;
}

static bool is_udp(const struct v2_selector *s, uint16_t port)
{
	if (s->protocol != PROTOCOL_UDP && s->protocol != PROTOCOL_ANY)
		return false;
	return s->port_first <= s->port_last &&
	       (port == 0 || (s->port_first <= port && port <= s->port_last));
}

// The first selector that has UDP, the port (0: any will do) and the address; behind a NAT any
// single address is as good. The narrowed one goes to out.
static bool narrow_side(const struct v2_selectors *list, const struct ip_address *address,
	bool behind_nat, uint16_t port, struct v2_selector *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct v2_selector *s = &list->list[i];
		bool single =
			address_equal(&s->first, &s->last) && s->first.version == address->version;

		if (!is_udp(s, port) || (!in_range(s, address) && !(behind_nat && single)))
			continue;
		*out = *s;
		out->protocol = PROTOCOL_UDP;
		if (!single)
			out->first = out->last = *address;
		if (port)
			out->port_first = out->port_last = port;
		return true;
	}
	return false;
}

static const char *narrow_l2tp(
	struct v2_request *r, const struct v2_selectors *i, const struct v2_selectors *us)
{
	struct v2_child *c = &r->child;
	const struct ike_sa *sa = r->sa;

	c->ts_i_count = c->ts_r_count = 1;
	if (!narrow_side(us, &r->flow.local, sa->nat_us, PORT_L2TP, c->ts_r))
		return "the traffic selectors have no UDP to our port 1701";
	if (!narrow_side(i, &r->flow.remote, sa->nat_peer, 0, c->ts_i))
		return "the traffic selectors have no UDP from the peer's own address";
	return NULL;
}

// ---- the pair

static void failed(struct v2_request *r, const char *reason)
{
	child_refuse(r, V2_TEMPORARY_FAILURE, reason);
}

static int derive(const struct v2_request *r, struct span secret, uint8_t in[PAIR_KEY_MAX],
	uint8_t out[PAIR_KEY_MAX])
{
	const struct ike_sa *sa = r->sa;
	const struct v2_begin *b = sa->v2.begin;
	bool first = r->exchange == V2_IKE_AUTH;
	const struct v2_keymat_input input = {.hash = sa->hash,
		.d = sa->v2.keys.d,
		.secret = secret,
		.nonce_i = first ? SPAN(b->nonce_i, b->nonce_i_length) : r->child.nonce_i,
		.nonce_r = SPAN(first ? b->nonce_r : r->child.nonce_r, NONCE_OURS)};

	return v2_keymat(&input, in, out, pair_key_size(&r->child.choice.form));
}

static void installed(void *context, int error)
{
	struct v2_request *r = context;

	if (!error) {
		finish(r);
		return;
	}
	r->child.pair->posted = false;
	pair_drop(r->child.pair, "refused");
	r->child.pair = NULL;
	failed(r, "the dataplane refused the pair");
}

static void install(struct v2_request *r, struct span secret)
{
	struct ike_sa *sa = r->sa;
	struct v2_child *c = &r->child;
	uint8_t in[PAIR_KEY_MAX], out[PAIR_KEY_MAX];
	bool nat = sa->nat_peer || sa->nat_us;
	int error;

	c->choice.form.encapsulation =
		nat && r->flow.local_port == PORT_NAT_T ? ESP_UDP : ESP_PLAIN;
	c->pair = pair_create(sa, &c->choice.form);
	if (!c->pair) {
		failed(r, "no room for a pair");
		return;
	}
	c->pair->mode = c->transport ? ESP_TRANSPORT : ESP_TUNNEL;
	c->pair->session = c->transport ? 0 : sa->v2.access.session;
	if (c->transport && sa->nat_peer)
		c->pair->inside = c->ts_i[0].first;
	c->pair->terms =
		rekey_pair_terms(c->choice.group, c->ts_i, c->ts_i_count, c->ts_r, c->ts_r_count);
	error = derive(r, secret, in, out);
	if (!error)
		error = pair_install(c->pair, &r->flow, in, out, installed, r);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(out, sizeof(out));
	if (error) {
		pair_drop(c->pair, "abandoned");
		c->pair = NULL;
		failed(r, "the pair could not be installed");
	}
}

static void dh_done(void *owner, const struct dh_job *job)
{
	struct v2_request *r = owner;
	unsigned group = r->child.choice.group;

	if (job->error) {
		child_refuse(r, V2_INVALID_SYNTAX, "public value that is refused");
		return;
	}
	memcpy(r->child.public_r, job->public, ike_group_size(group));
	install(r, SPAN(job->secret, ike_group_secret_size(group)));
}

void child_go_on(struct v2_request *r)
{
	const struct v2_part *p = part(r, V2_KE);
	struct v2_ke ke;

	if (r->child.choice.group == 0)
		install(r, SPAN(NULL, 0));
	else if (!p || v2_ke_parse(p->body, &ke) ||
		 dh_start_known(&r->dh, r->child.choice.group, ke.value, dh_done, r))
		failed(r, "Diffie-Hellman of PFS could not be done");
}

// ---- the request

static bool too_many(const struct ike_sa *sa)
{
	const struct esp_pair *pair;
	unsigned count = 0;

	LIST_FOREACH(pair, &sa->peer->pairs, of_peer)
	count++;
	return count >= PEER_PAIRS;
}

// The group of the KE payload; 0 without one.
static unsigned ke_group(const struct v2_request *r)
{
	const struct v2_part *p = part(r, V2_KE);
	struct v2_ke ke;

	return p && v2_ke_parse(p->body, &ke) == 0 ? ke.group : 0;
}

static void want_group(struct v2_request *r)
{
	r->child.refusal = V2_INVALID_KE_PAYLOAD;
	r->child.refusal_data = (uint16_t)r->child.choice.group;
	finish(r);
}

static void judge_selectors(struct v2_request *r)
{
	const struct v2_part *i = part(r, V2_TS_I), *us = part(r, V2_TS_R);
	struct v2_selectors ts_i, ts_r;
	const char *reason;

	if (!i || !us || v2_selectors_parse(i->body, &ts_i) ||
		v2_selectors_parse(us->body, &ts_r)) {
		child_refuse(r, V2_INVALID_SYNTAX, "malformed traffic selectors");
		return;
	}
	if (!r->child.transport) {
		access_begin(r);
		return;
	}
	reason = narrow_l2tp(r, &ts_i, &ts_r);
	if (reason)
		child_refuse(r, V2_TS_UNACCEPTABLE, reason);
	else
		child_go_on(r);
}

static void judge(struct v2_request *r, const struct v2_sa *offer)
{
	const struct config_ike *config = &r->sa->ike->config->ike;
	const struct v2_esp_terms terms = {
		.first = r->exchange == V2_IKE_AUTH, .ke_group = ke_group(r)};
	struct v2_child *c = &r->child;
	struct v2_notify n;

	c->transport = v2_chain_notify(&r->chain, V2_USE_TRANSPORT_MODE, &n);
	if (v2_choose_esp(config, offer, &terms, &c->choice))
		child_refuse(r, V2_NO_PROPOSAL_CHOSEN, v2_esp_reason(config, offer, &terms));
	else if (c->choice.group && c->choice.group != terms.ke_group)
		want_group(r);
	else if (too_many(r->sa))
		child_refuse(r, V2_NO_ADDITIONAL_SAS, "the peer has too many pairs");
	else {
		v2_choice_esp_keep(r->sa->peer, part(r, V2_SA)->body, &terms);
		judge_selectors(r);
	}
}

void child_ask(struct v2_request *r)
{
	const struct v2_part *p = part(r, V2_SA), *nonce = part(r, V2_NONCE);
	bool first = r->exchange == V2_IKE_AUTH;
	struct v2_sa offer;

	if (first && !p) {
		r->child.none = true;
		finish(r);
	} else if (!p || v2_sa_parse(p->body, &offer)) {
		child_refuse(r, V2_INVALID_SYNTAX, "malformed proposal");
	} else if (!first && (!nonce || v2_nonce_parse(nonce->body, &r->child.nonce_i) ||
				     RAND_bytes(r->child.nonce_r, NONCE_OURS) != 1)) {
		child_refuse(r, V2_INVALID_SYNTAX, "no nonce");
	} else {
		judge(r, &offer);
	}
}

// ---- the answer

void child_write(const struct v2_request *r, struct isakmp_out *out)
{
	const struct v2_child *c = &r->child;
	uint8_t spi[4], data[2] = {c->refusal_data >> 8, c->refusal_data & 0xff};
	struct build b = build_in(spi, sizeof(spi));

	if (c->none)
		return;
	if (c->refusal) {
		v2_put_status(out, c->refusal, SPAN(data, c->refusal_data ? sizeof(data) : 0));
		return;
	}
	build_u32(&b, c->pair->id);
	access_write(r, out);
	if (c->transport)
		v2_put_status(out, V2_USE_TRANSPORT_MODE, SPAN(NULL, 0));
	v2_choice_put(out, &c->choice.echo, SPAN(spi, sizeof(spi)));
	if (r->exchange != V2_IKE_AUTH)
		isakmp_out_payload(out, V2_NONCE, c->nonce_r, NONCE_OURS);
	if (c->choice.group)
		v2_put_ke(out, (uint16_t)c->choice.group,
			SPAN(c->public_r, ike_group_size(c->choice.group)));
	v2_put_selectors(out, V2_TS_I, c->ts_i, c->ts_i_count);
	v2_put_selectors(out, V2_TS_R, c->ts_r, c->ts_r_count);
}

void child_confirm(struct ike_sa *sa, struct esp_pair *pair, int error)
{
	uint64_t lifetime_ms = (uint64_t)sa->ike->config->ike.esp_lifetime_s * 1000;

	if (error && pair)
		pair_drop(pair, "abandoned");
	if (error)
		v2_end(sa, "failed");
	else if (pair && sa->peer->current)
		rekey_pair_await(pair, lifetime_ms);
	else if (pair)
		pair_confirm(pair, lifetime_ms);
}
