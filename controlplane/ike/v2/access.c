// SPDX-License-Identifier: Apache-2.0

// See access.h. What is above decides on the addresses and has the session; here is what goes over
// the wire. Once a peer has its addresses, further children of its tunnel, and rekeys, get the
// same without asking.

#include "access.h"

#include "child.h"
#include "controlplane/ike/peer.h"

#include <errno.h>

enum { PORT_MAX = 65535 };

static bool method_allowed(const struct ike_sa *sa)
{
	const struct config_remote_access *c = &sa->ike->config->remote_access;

	if (strcmp(sa->auth, "eap") == 0)
		return c->eap;
	if (strcmp(sa->auth, "eap-mschapv2") == 0)
		return c->eap_mschapv2;
	return strcmp(sa->auth, "psk") == 0 ? c->psk : c->certificate;
}

static bool cp_request(const struct v2_request *r, struct v2_cp *out)
{
	const struct v2_part *p = v2_chain_find(&r->chain, V2_CP, 0);

	return p && v2_cp_parse(p->body, out) == 0 && out->type == V2_CFG_REQUEST;
}

static bool cp_wants(const struct v2_cp *cp, uint16_t type)
{
	struct span rest = cp->attributes;
	struct v2_cp_attribute a;

	while (v2_cp_next(&rest, &a))
		if (a.type == type)
			return true;
	return false;
}

// ---- traffic selectors

static struct ip_address prefix_last(const struct ip_prefix *p)
{
	struct ip_address last = p->address;
	unsigned bits = last.version == IP_V6 ? 128 : 32;

	for (unsigned i = p->length; i < bits; i++)
		last.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return last;
}

// Adds what of the prefix the offered selectors have, all protocols and ports.
static void narrow_to(const struct v2_selectors *offered, const struct ip_prefix *prefix,
	struct v2_selector *list, size_t *count)
{
	struct ip_address last = prefix_last(prefix);

	for (size_t i = 0; i < offered->count && *count < V2_NARROWED; i++) {
		const struct v2_selector *s = &offered->list[i];
		struct v2_selector n = {.port_last = PORT_MAX, .first = s->first, .last = s->last};

		if (s->protocol || s->first.version != prefix->address.version)
			continue;
		if (memcmp(n.first.bytes, prefix->address.bytes, 16) < 0)
			n.first = prefix->address;
		if (memcmp(n.last.bytes, last.bytes, 16) > 0)
			n.last = last;
		if (memcmp(n.first.bytes, n.last.bytes, 16) <= 0)
			list[(*count)++] = n;
	}
}

static struct ip_prefix host_prefix(const struct ip_address *a)
{
	return (struct ip_prefix){.address = *a, .length = a->version == IP_V6 ? 128 : 32};
}

const char *access_narrow(
	struct v2_request *r, const struct v2_selectors *i, const struct v2_selectors *r_side)
{
	const struct config_remote_access *config = &r->sa->ike->config->remote_access;
	const struct ike_access *a = &r->sa->v2.access;
	struct v2_child *c = &r->child;
	const struct ip_prefix host = host_prefix(&a->address4);
	const struct ip_prefix all[] = {{.address.version = IP_V4}, {.address.version = IP_V6}};

	if (a->address4.version != IP_NONE)
		narrow_to(i, &host, c->ts_i, &c->ts_i_count);
	if (a->prefix6.address.version != IP_NONE)
		narrow_to(i, &a->prefix6, c->ts_i, &c->ts_i_count);
	if (c->ts_i_count == 0)
		return "the peer's traffic selectors do not have its address";
	for (uint16_t n = 0; n < config->route_count; n++)
		narrow_to(r_side, &config->routes[n], c->ts_r, &c->ts_r_count);
	if (config->route_count == 0 && a->address4.version != IP_NONE)
		narrow_to(r_side, &all[0], c->ts_r, &c->ts_r_count);
	if (config->route_count == 0 && a->prefix6.address.version != IP_NONE)
		narrow_to(r_side, &all[1], c->ts_r, &c->ts_r_count);
	return c->ts_r_count ? NULL : "the traffic selectors have nothing of remote-access.routes";
}

static void go_on(struct v2_request *r)
{
	const struct v2_part *i = v2_chain_find(&r->chain, V2_TS_I, 0);
	const struct v2_part *us = v2_chain_find(&r->chain, V2_TS_R, 0);
	struct v2_selectors ts_i, ts_r;
	const char *reason;

	// Both were parsed before.
	if (v2_selectors_parse(i->body, &ts_i) || v2_selectors_parse(us->body, &ts_r))
		return;
	reason = access_narrow(r, &ts_i, &ts_r);
	if (reason)
		child_refuse(r, V2_TS_UNACCEPTABLE, reason);
	else
		child_go_on(r);
}

// ---- asking

static void ask(struct v2_request *r, const struct v2_cp *cp)
{
	struct ike_sa *sa = r->sa;
	struct ike_access_request request = {.peer = sa->peer->id,
		.attempt = sa->attempt,
		.flow = r->flow,
		.name = sa->v2.name[0] ? sa->v2.name : sa->identity_text,
		.eap = strncmp(sa->auth, "eap", 3) == 0,
		.want4 = cp_wants(cp, V2_INTERNAL_IP4_ADDRESS),
		.want6 = cp_wants(cp, V2_INTERNAL_IP6_ADDRESS),
		.method = sa->auth};

	r->asked = true;
	sa->peer->access = true;
	// The answer may come, and all be gone, before this returns.
	sa->ike->events->access_ask(sa->ike->context, &request);
}

// Another IKE SA of the peer that has its addresses, as the same user who proved himself the same
// way: this one is to take its place (RFC 7296 section 2.8.3, reauthentication).
static const struct ike_sa *access_before(const struct ike_sa *sa)
{
	const struct ike_sa *other;

	LIST_FOREACH(other, &sa->peer->sas, of_peer)
	if (other != sa && other->version == &ike_v2 && other->v2.has_access &&
		strcmp(other->v2.name, sa->v2.name) == 0 && strcmp(other->auth, sa->auth) == 0)
		return other;
	return NULL;
}

void access_begin(struct v2_request *r)
{
	const struct config_listener *l = config_listener_at(r->sa->ike->config, &r->flow.local);
	const struct ike_sa *before;
	struct ike_sa *sa = r->sa;
	struct v2_cp cp;

	if (!l || !l->remote_access || !sa->ike->events->access_ask)
		child_refuse(r, V2_TS_UNACCEPTABLE,
			"tunnel mode: remote access is not served here, and L2TP needs transport "
			"mode");
	else if (sa->v2.has_access && sa->peer->access)
		go_on(r);
	else if (!method_allowed(sa))
		child_refuse(r, V2_INTERNAL_ADDRESS_FAILURE,
			"remote-access.auth does not allow this method");
	else if (!cp_request(r, &cp) || (!cp_wants(&cp, V2_INTERNAL_IP4_ADDRESS) &&
						!cp_wants(&cp, V2_INTERNAL_IP6_ADDRESS)))
		child_refuse(r, V2_FAILED_CP_REQUIRED, "the peer asks for no address");
	else if (sa->peer->access && (before = access_before(sa))) {
		sa->v2.access = before->v2.access;
		sa->v2.has_access = true;
		go_on(r);
	} else
		ask(r, &cp);
}

static struct v2_request *asked_of(const struct ike_peer *peer)
{
	struct ike_sa *sa;

	LIST_FOREACH(sa, &peer->sas, of_peer)
	if (sa->version == &ike_v2 && sa->v2.request && sa->v2.request->asked)
		return sa->v2.request;
	return NULL;
}

int ike_access_answer(
	struct ike *ike, uint32_t peer, const struct ike_access *access, const char *reason)
{
	struct ike_peer *p = peer_find(ike, peer);
	struct v2_request *r = p ? asked_of(p) : NULL;

	if (!r)
		return -ENOENT;
	r->asked = false;
	if (!access) {
		p->access = access_before(r->sa) != NULL;
		child_refuse(r, V2_INTERNAL_ADDRESS_FAILURE, reason);
		return 0;
	}
	r->sa->v2.access = *access;
	r->sa->v2.has_access = true;
	go_on(r);
	return 0;
}

// ---- the answer

static void put_addresses(const struct v2_cp *cp, struct isakmp_out *out, uint16_t type,
	const struct ip_address addresses[2])
{
	for (size_t i = 0; i < 2 && cp_wants(cp, type); i++)
		if (addresses[i].version != IP_NONE)
			v2_cp_put_address(out, type, &addresses[i]);
}

static void put_subnets(
	const struct config_remote_access *config, const struct v2_cp *cp, struct isakmp_out *out)
{
	for (uint16_t i = 0; i < config->route_count; i++) {
		const struct ip_prefix *p = &config->routes[i];
		uint16_t type = p->address.version == IP_V6 ? V2_INTERNAL_IP6_SUBNET
							    : V2_INTERNAL_IP4_SUBNET;

		if (cp_wants(cp, type))
			v2_cp_put_prefix(out, type, &p->address, p->length);
	}
}

void access_write(const struct v2_request *r, struct isakmp_out *out)
{
	const struct ike_access *a = &r->sa->v2.access;
	struct ip_address own6 = a->prefix6.address;
	struct v2_cp cp;

	if (r->child.transport || !cp_request(r, &cp))
		return;
	v2_cp_open(out, V2_CFG_REPLY);
	if (a->address4.version != IP_NONE)
		v2_cp_put_address(out, V2_INTERNAL_IP4_ADDRESS, &a->address4);
	put_addresses(&cp, out, V2_INTERNAL_IP4_DNS, a->dns);
	put_addresses(&cp, out, V2_INTERNAL_IP4_NBNS, a->wins);
	if (own6.version != IP_NONE) {
		own6.bytes[15] |= 1;
		v2_cp_put_prefix(out, V2_INTERNAL_IP6_ADDRESS, &own6, a->prefix6.length);
	}
	put_addresses(&cp, out, V2_INTERNAL_IP6_DNS, a->dns6);
	put_subnets(&r->sa->ike->config->remote_access, &cp, out);
	isakmp_out_close(out);
}
