// SPDX-License-Identifier: Apache-2.0

// See link.h. No automaton of RFC 1661: a link comes up or it does not, and is never negotiated
// again. We ask for an MRU and a magic number, and for an address; whatever the gateway rejects is
// left out; whatever it asks for is taken, but the way to authenticate, which the options name.

#include "link.h"

#include "contract/config.h"
#include "controlplane/auth/mschap.h"
#include "controlplane/ppp/wire.h"
#include "net.h"
#include "peer.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum {
	PACKET = 256, // bytes of the longest that we send, and of echoes that we answer
	L2TP_DATA = 6,
	OPTION_MRU = 1,
	OPTION_AUTH = 3,
	OPTION_MAGIC = 5,
	OPTION_ADDRESS = 3,
	CHAP_MD5 = 5,
	CHAP_MSV2 = 0x81,
	MD5_BYTES = 16,
};

struct packet {
	uint8_t bytes[PACKET];
	struct build b;
};

static void packet_begin(struct packet *k, uint16_t protocol, uint8_t code, uint8_t id)
{
	// Behind the L2TP header, address and control.
	k->b = build_in(k->bytes + L2TP_DATA + 2, sizeof(k->bytes) - L2TP_DATA - 2);
	wire_begin(&k->b, protocol, code, id);
}

static void packet_send(struct session *s, struct packet *k)
{
	size_t length = wire_finish(&k->b);

	if (length == 0)
		return;
	set_u16(k->bytes, 2);
	set_u16(k->bytes + 2, s->peer->channel.peer_id);
	set_u16(k->bytes + 4, s->peer_id);
	set_u16(k->bytes + L2TP_DATA, 0xff03);
	net_send_l2tp(s->peer, k->bytes, L2TP_DATA + 2 + length);
}

static void send_view(
	struct session *s, uint16_t protocol, uint8_t code, uint8_t id, struct view body)
{
	struct packet k;

	packet_begin(&k, protocol, code, id);
	wire_view(&k.b, body, PACKET);
	packet_send(s, &k);
}

static void restart_timer(struct session *s);

// ---- what we ask for

static void send_lcp_request(struct session *s)
{
	struct packet k;

	packet_begin(&k, PPP_LCP, CODE_CONFIGURE_REQUEST, ++s->link.id);
	if (s->link.ask_mru)
		wire_option_u16(&k.b, OPTION_MRU, s->peer->gen->options.mru);
	if (s->link.ask_magic)
		wire_option_u32(&k.b, OPTION_MAGIC, s->link.magic);
	packet_send(s, &k);
}

static void send_ipcp_request(struct session *s)
{
	struct packet k;

	packet_begin(&k, PPP_IPCP, CODE_CONFIGURE_REQUEST, ++s->link.id);
	wire_option_u32(&k.b, OPTION_ADDRESS, s->address);
	packet_send(s, &k);
}

static size_t user_name(const struct session *s, char *out, size_t size)
{
	const char *user = s->peer->gen->options.user, *number = strstr(user, "%u");
	int n;

	if (number)
		n = snprintf(
			out, size, "%.*s%u%s", (int)(number - user), user, s->index, number + 2);
	else
		n = snprintf(out, size, "%s", user);
	return (size_t)n < size ? (size_t)n : size - 1;
}

static void send_pap_request(struct session *s)
{
	const char *password = s->peer->gen->options.password;
	char name[64];
	size_t length = user_name(s, name, sizeof(name));
	struct packet k;

	packet_begin(&k, PPP_PAP, PAP_REQUEST, ++s->link.id);
	build_u8(&k.b, (uint8_t)length);
	build_bytes(&k.b, name, length);
	build_u8(&k.b, (uint8_t)strlen(password));
	build_bytes(&k.b, password, strlen(password));
	packet_send(s, &k);
}

static void send_chap_response(struct session *s)
{
	struct packet k;

	packet_begin(&k, PPP_CHAP, CHAP_RESPONSE, s->link.chap_id);
	build_bytes(&k.b, s->link.response, s->link.response_length);
	packet_send(s, &k);
}

static void send_again(struct session *s)
{
	if (s->state == SESSION_LCP)
		send_lcp_request(s);
	else if (s->state == SESSION_IPCP)
		send_ipcp_request(s);
	else if (s->peer->gen->options.auth == PPP_AUTH_PAP)
		send_pap_request(s);
	else if (s->link.response_length)
		send_chap_response(s);
}

static void time_out(void *context)
{
	struct session *s = context;
	enum failure cause = s->state == SESSION_LCP    ? FAILURE_LCP_TIMEOUT
			     : s->state == SESSION_AUTH ? FAILURE_AUTH_TIMEOUT
							: FAILURE_IPCP_TIMEOUT;

	if (s->link.tries++ == s->peer->gen->options.tries) {
		session_fail(s, cause);
		return;
	}
	s->peer->gen->counters.ppp_retransmissions++;
	send_again(s);
	restart_timer(s);
}

static void restart_timer(struct session *s)
{
	struct gen *g = s->peer->gen;

	timer_start(
		g->timers, &s->link.timer, g->options.retransmit_ms << s->link.tries, time_out, s);
}

static void enter(struct session *s, enum session_state state)
{
	s->state = state;
	s->link.tries = 0;
	s->link.acked = s->link.peer_acked = false;
	send_again(s);
	restart_timer(s);
}

void link_start(struct session *s)
{
	memset(&s->link, 0, sizeof(s->link));
	s->link.ask_mru = s->link.ask_magic = true;
	RAND_bytes((uint8_t *)&s->link.magic, sizeof(s->link.magic));
	enter(s, SESSION_LCP);
}

void link_stop(struct session *s)
{
	timer_stop(s->peer->gen->timers, &s->link.timer);
}

// ---- LCP

static unsigned auth_of(struct view data)
{
	uint16_t protocol = view_u16(&data);

	if (protocol == PPP_PAP)
		return PPP_AUTH_PAP;
	if (protocol != PPP_CHAP)
		return 0;
	switch (view_u8(&data)) {
	case CHAP_MD5:
		return PPP_AUTH_CHAP_MD5;
	case CHAP_MSV2:
		return PPP_AUTH_MSCHAPV2;
	}
	return 0;
}

static void nak_auth(struct session *s, uint8_t id)
{
	unsigned auth = s->peer->gen->options.auth;
	struct packet k;

	packet_begin(&k, PPP_LCP, CODE_CONFIGURE_NAK, id);
	if (auth == PPP_AUTH_PAP)
		wire_option_u16(&k.b, OPTION_AUTH, PPP_PAP);
	else
		wire_option_bytes(&k.b, OPTION_AUTH,
			auth == PPP_AUTH_CHAP_MD5 ? "\xc2\x23\x05" : "\xc2\x23\x81", 3);
	packet_send(s, &k);
}

static void lcp_step(struct session *s)
{
	if (s->state != SESSION_LCP || !s->link.acked || !s->link.peer_acked)
		return;
	gen_phase(s->peer->gen, PHASE_LCP, &s->phase_began);
	enter(s, SESSION_AUTH);
}

static void on_lcp_request(struct session *s, const struct wire_control *c)
{
	struct view list = c->body;
	struct wire_option option;

	while (wire_option_next(&list, &option) > 0)
		if (option.type == OPTION_AUTH &&
			auth_of(option.data) != s->peer->gen->options.auth) {
			nak_auth(s, c->id);
			return;
		}
	send_view(s, PPP_LCP, CODE_CONFIGURE_ACK, c->id, c->body);
	if (s->state != SESSION_LCP)
		return;
	s->link.peer_acked = true;
	lcp_step(s);
}

static void on_lcp_refusal(struct session *s, const struct wire_control *c)
{
	struct view list = c->body;
	struct wire_option option;

	if (s->state != SESSION_LCP || c->id != s->link.id)
		return;
	while (wire_option_next(&list, &option) > 0) {
		if (option.type == OPTION_MRU)
			s->link.ask_mru = false;
		else if (option.type == OPTION_MAGIC)
			s->link.ask_magic = false;
	}
	if (++s->link.tries > s->peer->gen->options.tries)
		session_fail(s, FAILURE_LCP_REFUSED);
	else
		send_lcp_request(s);
}

static void on_echo(struct session *s, const struct wire_control *c)
{
	struct packet k;
	struct view body = c->body;

	view_skip(&body, 4);
	packet_begin(&k, PPP_LCP, CODE_ECHO_REPLY, c->id);
	build_u32(&k.b, s->link.ask_magic ? s->link.magic : 0);
	wire_view(&k.b, body, PACKET / 2);
	packet_send(s, &k);
}

static void on_lcp(struct session *s, const struct wire_control *c)
{
	switch (c->code) {
	case CODE_CONFIGURE_REQUEST:
		on_lcp_request(s, c);
		break;
	case CODE_CONFIGURE_ACK:
		if (s->state == SESSION_LCP && c->id == s->link.id) {
			s->link.acked = true;
			lcp_step(s);
		}
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		on_lcp_refusal(s, c);
		break;
	case CODE_TERMINATE_REQUEST:
		send_view(s, PPP_LCP, CODE_TERMINATE_ACK, c->id, view_of(NULL, 0));
		session_fail(s, FAILURE_PPP_TERMINATED);
		break;
	case CODE_ECHO_REQUEST:
		on_echo(s, c);
		break;
	}
}

// ---- authentication

static void respond_md5(struct session *s, uint8_t id, struct view challenge, struct build *out)
{
	const char *password = s->peer->gen->options.password;
	uint8_t text[2 * PACKET + OPTIONS_TEXT], digest[EVP_MAX_MD_SIZE];
	struct build in = build_in(text, sizeof(text));

	build_u8(&in, id);
	build_bytes(&in, password, strlen(password));
	wire_view(&in, challenge, PACKET);
	EVP_Digest(text, build_length(&in), digest, NULL, EVP_md5(), NULL);
	build_u8(out, MD5_BYTES);
	build_bytes(out, digest, MD5_BYTES);
}

static bool respond_mschap(struct session *s, struct view challenge, const char *name,
	size_t length, struct build *out)
{
	uint8_t ours[MSCHAP_CHALLENGE], hash[MSCHAP_HASH], response[MSCHAP_NT_RESPONSE];

	RAND_bytes(ours, sizeof(ours));
	if (view_left(&challenge) != MSCHAP_CHALLENGE ||
		mschap_password_hash(s->peer->gen->options.password, hash) ||
		mschap_nt_response(challenge.at, ours, name, length, hash, response))
		return false;
	build_u8(out, MSCHAP_RESPONSE);
	build_bytes(out, ours, sizeof(ours));
	build_zero(out, 8);
	build_bytes(out, response, sizeof(response));
	build_u8(out, 0);
	return true;
}

static void on_challenge(struct session *s, const struct wire_control *c)
{
	struct link *l = &s->link;
	struct build out = build_in(l->response, sizeof(l->response));
	char name[32];
	size_t length = user_name(s, name, sizeof(name));
	struct wire_chap challenge;
	unsigned auth = s->peer->gen->options.auth;

	if (auth == PPP_AUTH_PAP || wire_chap_parse(c->body, &challenge))
		return;
	if (auth == PPP_AUTH_CHAP_MD5)
		respond_md5(s, c->id, challenge.value, &out);
	else if (!respond_mschap(s, challenge.value, name, length, &out))
		return;
	build_bytes(&out, name, length);
	l->chap_id = c->id;
	l->response_length = (uint8_t)build_length(&out);
	send_chap_response(s);
}

static void on_verdict(struct session *s, bool good)
{
	if (s->state != SESSION_AUTH)
		return;
	if (!good) {
		session_fail(s, FAILURE_AUTH_REFUSED);
		return;
	}
	gen_phase(s->peer->gen, PHASE_AUTH, &s->phase_began);
	enter(s, SESSION_IPCP);
}

// ---- IPCP

static void ipcp_step(struct session *s)
{
	if (!s->link.acked || !s->link.peer_acked || s->address == 0)
		return;
	link_stop(s);
	gen_phase(s->peer->gen, PHASE_IPCP, &s->phase_began);
	session_up(s, s->address);
}

static void on_ipcp_refusal(struct session *s, const struct wire_control *c)
{
	struct view list = c->body;
	struct wire_option option;

	if (c->id != s->link.id)
		return;
	if (c->code == CODE_CONFIGURE_REJECT || ++s->link.tries > s->peer->gen->options.tries) {
		session_fail(s, FAILURE_IPCP_TIMEOUT);
		return;
	}
	while (wire_option_next(&list, &option) > 0)
		if (option.type == OPTION_ADDRESS)
			s->address = view_u32(&option.data);
	send_ipcp_request(s);
}

static void on_ipcp(struct session *s, const struct wire_control *c)
{
	if (s->state != SESSION_IPCP)
		return;
	switch (c->code) {
	case CODE_CONFIGURE_REQUEST:
		send_view(s, PPP_IPCP, CODE_CONFIGURE_ACK, c->id, c->body);
		s->link.peer_acked = true;
		ipcp_step(s);
		break;
	case CODE_CONFIGURE_ACK:
		if (c->id == s->link.id) {
			s->link.acked = true;
			ipcp_step(s);
		}
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		on_ipcp_refusal(s, c);
		break;
	}
}

// Another network protocol that the gateway would like: not here (RFC 1661 section 5.7).
static void reject_protocol(struct session *s, const uint8_t *packet, size_t length)
{
	struct packet k;

	packet_begin(&k, PPP_LCP, CODE_PROTOCOL_REJECT, ++s->link.chap_id);
	wire_view(&k.b, view_of(packet, length), PACKET / 2);
	packet_send(s, &k);
}

void link_input(struct session *s, const uint8_t *packet, size_t length)
{
	struct view v = view_of(packet, length);
	uint16_t protocol = view_u16(&v);
	struct wire_control c;

	if (s->state < SESSION_LCP || s->state > SESSION_UP || wire_control_parse(v, &c))
		return;
	switch (protocol) {
	case PPP_LCP:
		on_lcp(s, &c);
		break;
	case PPP_CHAP:
		if (c.code == CHAP_CHALLENGE)
			on_challenge(s, &c);
		else
			on_verdict(s, c.code == CHAP_SUCCESS);
		break;
	case PPP_PAP:
		on_verdict(s, c.code == PAP_ACK);
		break;
	case PPP_IPCP:
		on_ipcp(s, &c);
		break;
	default:
		reject_protocol(s, packet, length);
	}
}
