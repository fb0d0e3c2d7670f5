// SPDX-License-Identifier: Apache-2.0

#include "peer_fake.h"

#include "controlplane/auth/mschap.h"
#include "controlplane/eap/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { STEP_MS = 50 };

static unsigned row(uint16_t protocol)
{
	switch (protocol) {
	case PPP_LCP:
		return 0;
	case PPP_PAP:
		return 1;
	case PPP_CHAP:
		return 2;
	case PPP_IPCP:
		return 3;
	case PPP_IPV6CP:
		return 4;
	case PPP_EAP:
		return 5;
	default:
		return 6;
	}
}

unsigned peer_fake_seen(const struct peer_fake *p, uint16_t protocol, uint8_t code)
{
	return p->seen[row(protocol)][code & 15];
}

// The session's events.

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct peer_fake *p = context;
	struct fake_ppp_packet *slot = p->sent + p->sent_count;

	p->seen[row((uint16_t)(packet[0] << 8 | packet[1]))][packet[2] & 15]++;
	memcpy(p->newest.bytes, packet, length);
	p->newest.length = length;
	if (p->sent_count < FAKE_PACKETS) {
		*slot = p->newest;
		p->sent_count++;
	}
	if (p->close_at && --p->close_at == 0)
		ppp_close(p->ppp, "closed");
}

static void on_send_probe(void *context, const uint8_t *packet, size_t length)
{
	struct peer_fake *p = context;

	p->probes++;
	if (!p->path_down || length <= p->path_down)
		on_send(context, packet, length);
}

static void on_path_mtu(void *context, uint16_t mtu)
{
	struct peer_fake *p = context;

	p->path_mtus++;
	p->path_mtu = mtu;
}

static void on_lcp_up(void *context, const struct ppp_link *link)
{
	struct peer_fake *p = context;

	p->lcp_ups++;
	if (p->close_on_lcp_up)
		ppp_close(p->ppp, "closed");
}

// As many rounds as a server wants.
static void judge_eap(struct peer_fake *p, const struct ppp_credentials *credentials)
{
	const uint8_t request[] = {EAP_REQUEST, credentials->eap[1] + 1, 0, 6, 13, 0x20};
	struct ppp_verdict verdict = {.turn = EAP_OURS};

	if (p->eap_rounds > 1)
		verdict = (struct ppp_verdict){
			.turn = EAP_MORE, .eap = request, .eap_length = sizeof(request)};
	else if (p->eap_rounds == 1)
		verdict = (struct ppp_verdict){.accepted = true};
	if (p->eap_rounds)
		p->eap_rounds--;
	ppp_authenticated(p->ppp, &verdict);
}

static void on_authenticate(void *context, const struct ppp_credentials *credentials)
{
	struct peer_fake *p = context;
	struct ppp_verdict verdict;

	p->asks++;
	p->credentials = *credentials;
	if (p->hold_verdict)
		return;
	if (credentials->method == PPP_AUTH_EAP) {
		judge_eap(p, credentials);
		return;
	}
	auth_check(credentials, "secret", &verdict);
	if (credentials->name_length != 5 || memcmp(credentials->name, "alice", 5) != 0)
		verdict.accepted = false;
	ppp_authenticated(p->ppp, &verdict);
}

static void on_accepted(void *context)
{
	struct peer_fake *p = context;

	p->accepts++;
	if (!p->hold_network)
		ppp_network(p->ppp, &p->addresses);
}

static void on_ip4_up(void *context, const struct ppp_addresses *addresses)
{
	((struct peer_fake *)context)->ip4_ups++;
}

static void on_ip4_down(void *context, const char *cause)
{
	struct peer_fake *p = context;

	p->ip4_downs++;
	snprintf(p->ip4_cause, sizeof(p->ip4_cause), "%s", cause);
}

static void on_ip6_up(void *context, const uint8_t *identifier)
{
	struct peer_fake *p = context;

	p->ip6_ups++;
	memcpy(p->identifier, identifier, PPP_IDENTIFIER);
}

static void on_ip6_down(void *context, const char *cause)
{
	struct peer_fake *p = context;

	p->ip6_downs++;
	snprintf(p->ip6_cause, sizeof(p->ip6_cause), "%s", cause);
}

static void on_ended(void *context, const char *cause)
{
	struct peer_fake *p = context;

	p->ends++;
	snprintf(p->cause, sizeof(p->cause), "%s", cause);
}

static void on_down(void *context, const char *cause)
{
	struct peer_fake *p = context;

	p->downs++;
	snprintf(p->cause, sizeof(p->cause), "%s", cause);
}

static uint64_t on_received(void *context)
{
	return ((struct peer_fake *)context)->data;
}

static const struct ppp_events events = {
	.received = on_received,
	.send = on_send,
	.send_probe = on_send_probe,
	.path_mtu = on_path_mtu,
	.lcp_up = on_lcp_up,
	.authenticate = on_authenticate,
	.accepted = on_accepted,
	.ip4_up = on_ip4_up,
	.ip4_down = on_ip4_down,
	.ip6_up = on_ip6_up,
	.ip6_down = on_ip6_down,
	.ended = on_ended,
	.down = on_down,
};

// The client.

void peer_fake_say(struct peer_fake *p, uint16_t protocol, uint8_t code, uint8_t id,
	const void *body, size_t length)
{
	uint8_t packet[FAKE_PACKET];
	struct build out = build_in(packet, sizeof(packet));

	if (p->silent)
		return;
	wire_begin(&out, protocol, code, id);
	build_bytes(&out, body, length);
	ppp_input(p->ppp, packet, wire_finish(&out));
}

static void say_view(
	struct peer_fake *p, uint16_t protocol, uint8_t code, uint8_t id, struct view body)
{
	peer_fake_say(p, protocol, code, id, body.at, view_left(&body));
}

void peer_fake_request(struct peer_fake *p)
{
	p->acked = p->peer_acked = p->begun = false;
	peer_fake_say(p, PPP_LCP, CODE_CONFIGURE_REQUEST, ++p->id, p->lcp_options, p->lcp_length);
}

static void ipcp_request(struct peer_fake *p)
{
	peer_fake_say(
		p, PPP_IPCP, CODE_CONFIGURE_REQUEST, ++p->id, p->ipcp_options, p->ipcp_length);
}

static void ipv6cp_request(struct peer_fake *p)
{
	peer_fake_say(p, PPP_IPV6CP, CODE_CONFIGURE_REQUEST, ++p->id, p->ipv6cp_options,
		p->ipv6cp_length);
}

// Takes an option out of our list, or puts in what the Nak has for it.
static void option_edit(
	uint8_t *options, size_t *length, const struct wire_option *option, bool reject)
{
	uint8_t edited[FAKE_OPTIONS];
	struct build out = build_in(edited, sizeof(edited));
	struct view list = view_of(options, *length);
	struct wire_option ours;
	bool found = false;

	while (wire_option_next(&list, &ours) > 0) {
		if (ours.type != option->type)
			wire_option_copy(&out, &ours);
		else if (!reject)
			wire_option_copy(&out, option);
		found |= ours.type == option->type;
	}
	if (!found && !reject)
		wire_option_copy(&out, option);
	*length = build_length(&out);
	memcpy(options, edited, *length);
}

static void options_edit(uint8_t *options, size_t *length, const struct wire_control *control)
{
	struct view list = control->body;
	struct wire_option option;

	while (wire_option_next(&list, &option) > 0)
		option_edit(options, length, &option, control->code == CODE_CONFIGURE_REJECT);
}

static void auth_option(struct build *out, unsigned method)
{
	if (method == PPP_AUTH_PAP || method == PPP_AUTH_EAP)
		wire_option_u16(out, 3, method == PPP_AUTH_PAP ? PPP_PAP : PPP_EAP);
	else
		wire_option_bytes(
			out, 3, method == PPP_AUTH_CHAP_MD5 ? "\xc2\x23\x05" : "\xc2\x23\x81", 3);
}

static unsigned auth_method(struct view options)
{
	struct wire_option option;
	uint16_t protocol = 0;

	while (wire_option_next(&options, &option) > 0)
		if (option.type == 3) {
			protocol = view_u16(&option.data);
			break;
		}
	if (protocol == PPP_PAP || protocol == PPP_EAP)
		return protocol == PPP_PAP ? PPP_AUTH_PAP : PPP_AUTH_EAP;
	if (protocol == 0)
		return 0;
	return view_u8(&option.data) == 5 ? PPP_AUTH_CHAP_MD5 : PPP_AUTH_MSCHAPV2;
}

static void link_open(struct peer_fake *p)
{
	uint8_t body[64];
	struct build out = build_in(body, sizeof(body));

	if (!p->acked || !p->peer_acked || p->auth != PPP_AUTH_PAP)
		return;
	build_u8(&out, (uint8_t)strlen(p->name));
	build_bytes(&out, p->name, strlen(p->name));
	build_u8(&out, (uint8_t)strlen(p->password));
	build_bytes(&out, p->password, strlen(p->password));
	peer_fake_say(p, PPP_PAP, PAP_REQUEST, ++p->id, body, build_length(&out));
}

static void on_lcp_request(struct peer_fake *p, const struct wire_control *c)
{
	uint8_t body[8];
	struct build out = build_in(body, sizeof(body));
	unsigned method = auth_method(c->body);

	if (p->auths & 1 << method) {
		p->auth = (uint8_t)method;
		say_view(p, PPP_LCP, CODE_CONFIGURE_ACK, c->id, c->body);
		if (p->peer_acked)
			return;
		p->peer_acked = true;
		link_open(p);
		return;
	}
	auth_option(&out, p->suggestion ? p->suggestion : method);
	peer_fake_say(p, PPP_LCP, p->suggestion ? CODE_CONFIGURE_NAK : CODE_CONFIGURE_REJECT, c->id,
		body, build_length(&out));
}

static void on_echo(struct peer_fake *p, const struct wire_control *c)
{
	size_t length = WIRE_PROTOCOL + WIRE_HEADER + view_left(&c->body);
	struct view reply = c->body;
	uint8_t body[FAKE_PACKET];

	if (p->no_echo || (p->echo_most && length > p->echo_most) ||
		(p->path_up && length > p->path_up))
		return;
	p->echo_answers++;
	// The answer has the magic number of who answers.
	if (!p->loop_echo && view_left(&c->body) >= 4 && length <= sizeof(body)) {
		memcpy(body, c->body.at, view_left(&c->body));
		memcpy(body, "\1\2\3\4", 4);
		reply = view_of(body, view_left(&c->body));
	}
	if (!p->loss || p->echo_answers % p->loss)
		say_view(p, PPP_LCP, CODE_ECHO_REPLY, c->id, reply);
}

static void on_lcp(struct peer_fake *p, const struct wire_control *c)
{
	switch (c->code) {
	case CODE_CONFIGURE_REQUEST:
		on_lcp_request(p, c);
		break;
	case CODE_CONFIGURE_ACK:
		p->acked = true;
		link_open(p);
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		options_edit(p->lcp_options, &p->lcp_length, c);
		peer_fake_request(p);
		break;
	case CODE_TERMINATE_REQUEST:
		if (!p->no_terminate)
			peer_fake_say(p, PPP_LCP, CODE_TERMINATE_ACK, c->id, NULL, 0);
		break;
	case CODE_ECHO_REQUEST:
		on_echo(p, c);
		break;
	}
}

static void respond_md5(struct peer_fake *p, uint8_t id, struct view challenge, struct build *out)
{
	uint8_t text[256], digest[16];
	struct build in = build_in(text, sizeof(text));

	build_u8(&in, id);
	build_bytes(&in, p->password, strlen(p->password));
	wire_view(&in, challenge, 64);
	EVP_Digest(text, build_length(&in), digest, NULL, EVP_md5(), NULL);
	build_u8(out, sizeof(digest));
	build_bytes(out, digest, sizeof(digest));
}

static void respond_mschap(struct peer_fake *p, struct view challenge, struct build *out)
{
	static const uint8_t ours[MSCHAP_CHALLENGE] = "0123456789abcde";
	uint8_t hash[MSCHAP_HASH], response[MSCHAP_NT_RESPONSE];

	mschap_password_hash(p->password, hash);
	mschap_nt_response(challenge.at, ours, p->name, strlen(p->name), hash, response);
	build_u8(out, MSCHAP_RESPONSE);
	build_bytes(out, ours, sizeof(ours));
	build_zero(out, 8);
	build_bytes(out, response, sizeof(response));
	build_u8(out, 0);
}

static void on_challenge(struct peer_fake *p, const struct wire_control *c)
{
	uint8_t body[128];
	struct build out = build_in(body, sizeof(body));
	struct wire_chap challenge;

	if (p->no_auth || wire_chap_parse(c->body, &challenge) < 0)
		return;
	if (p->auth == PPP_AUTH_CHAP_MD5)
		respond_md5(p, c->id, challenge.value, &out);
	else
		respond_mschap(p, challenge.value, &out);
	build_bytes(&out, p->name, strlen(p->name));
	peer_fake_say(p, PPP_CHAP, CHAP_RESPONSE, c->id, body, build_length(&out));
}

// Asks for compression and IPv6 before it asks for IPv4, as Windows and RouterOS do.
static void on_answer(struct peer_fake *p, struct view message, bool welcome)
{
	snprintf(p->answer, sizeof(p->answer), "%.*s", (int)view_left(&message),
		(const char *)message.at);
	p->welcome = welcome;
	if (!welcome || p->begun)
		return;
	p->begun = true;
	peer_fake_say(p, PPP_CCP, CODE_CONFIGURE_REQUEST, 1, "\x12\x06\x01\x00\x00\x20", 6);
	ipv6cp_request(p);
	ipcp_request(p);
}

static void say_eap(struct peer_fake *p, uint8_t id, uint8_t type, const void *data, size_t length)
{
	uint8_t body[300];
	struct build out = build_in(body, sizeof(body));

	p->eap_id = id;
	build_u8(&out, type);
	build_bytes(&out, data, length);
	peer_fake_say(p, PPP_EAP, EAP_RESPONSE, id, body, build_length(&out));
}

static void say_eap_mschap(struct peer_fake *p, uint8_t id, struct view challenge)
{
	uint8_t data[300], value[MSCHAP_RESPONSE + 1];
	struct build out = build_in(data, sizeof(data)), v = build_in(value, sizeof(value));
	uint8_t code = view_u8(&challenge), ms_id = view_u8(&challenge);

	if (code != 1) { // Success or Failure
		say_eap(p, id, EAP_MSCHAPV2, &code, 1);
		return;
	}
	view_skip(&challenge, 3);
	respond_mschap(p, challenge, &v);
	build_u8(&out, 2);
	build_u8(&out, ms_id);
	build_u16(&out, (uint16_t)(4 + sizeof(value) + strlen(p->name)));
	build_bytes(&out, value, sizeof(value));
	build_bytes(&out, p->name, strlen(p->name));
	say_eap(p, id, EAP_MSCHAPV2, data, build_length(&out));
}

static void on_eap(struct peer_fake *p, const struct wire_control *c)
{
	struct view data = c->body;
	uint8_t type = view_u8(&data);

	if (c->code != EAP_REQUEST) {
		on_answer(p, view_of("", 0), c->code == EAP_SUCCESS);
		return;
	}
	if (p->eap_silent)
		return;
	if (type == EAP_IDENTITY)
		say_eap(p, c->id, type, p->name, strlen(p->name));
	else if (type != EAP_MSCHAPV2)
		say_eap(p, c->id, type, "", 0);
	else if (p->eap_nak)
		say_eap(p, c->id, EAP_NAK, &p->eap_nak, 1);
	else
		say_eap_mschap(p, c->id, data);
}

static void on_ipcp(struct peer_fake *p, const struct wire_control *c)
{
	if (p->no_ipcp)
		return;
	switch (c->code) {
	case CODE_CONFIGURE_REQUEST:
		if (p->naks_address && view_left(&c->body))
			peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_NAK, c->id, "\3\6\xc0\0\2\1", 6);
		else
			say_view(p, PPP_IPCP, CODE_CONFIGURE_ACK, c->id, c->body);
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		options_edit(p->ipcp_options, &p->ipcp_length, c);
		ipcp_request(p);
		break;
	}
}

static void on_ipv6cp(struct peer_fake *p, const struct wire_control *c)
{
	if (p->no_ipv6cp)
		return;
	switch (c->code) {
	case CODE_CONFIGURE_REQUEST:
		say_view(p, PPP_IPV6CP, CODE_CONFIGURE_ACK, c->id, c->body);
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		options_edit(p->ipv6cp_options, &p->ipv6cp_length, c);
		ipv6cp_request(p);
		break;
	case CODE_TERMINATE_REQUEST:
		peer_fake_say(p, PPP_IPV6CP, CODE_TERMINATE_ACK, c->id, NULL, 0);
	}
}

static void on_packet(struct peer_fake *p, const struct fake_ppp_packet *packet)
{
	struct view v = view_of(packet->bytes, packet->length);
	uint16_t protocol = view_u16(&v);
	struct wire_control c;

	if (p->silent || wire_control_parse(v, &c) < 0)
		return;
	if (p->loop)
		ppp_input(p->ppp, packet->bytes, packet->length);
	else if (protocol == PPP_LCP)
		on_lcp(p, &c);
	else if (protocol == PPP_IPCP)
		on_ipcp(p, &c);
	else if (protocol == PPP_IPV6CP)
		on_ipv6cp(p, &c);
	else if (protocol == PPP_EAP)
		on_eap(p, &c);
	else if (protocol == PPP_CHAP && c.code == CHAP_CHALLENGE)
		on_challenge(p, &c);
	else if (protocol == PPP_CHAP)
		on_answer(p, c.body, c.code == CHAP_SUCCESS);
	else if (protocol == PPP_PAP)
		on_answer(p, view_of(c.body.at + 1, view_left(&c.body) - 1), c.code == PAP_ACK);
}

void peer_fake_run(struct peer_fake *p)
{
	while (p->sent_count) {
		struct fake_ppp_packet packet = p->sent[0];

		p->sent_count--;
		memmove(p->sent, p->sent + 1, p->sent_count * sizeof(p->sent[0]));
		on_packet(p, &packet);
	}
}

// In whole steps.
static void wait_before_answer(struct peer_fake *p)
{
	for (unsigned waited = 0; waited < p->delay; waited += STEP_MS) {
		p->now += STEP_MS;
		timers_run(p->timers, p->now);
	}
}

void peer_fake_wait(struct peer_fake *p, uint64_t ms)
{
	for (uint64_t until = p->now + ms; p->now < until;) {
		p->now += STEP_MS;
		timers_run(p->timers, p->now);
		if (p->sent_count && p->delay)
			wait_before_answer(p);
		peer_fake_run(p);
	}
}

void peer_fake_create(struct peer_fake *p)
{
	static const uint8_t lcp[] = {
		1, 4, 1400 >> 8, 1400 & 255, 2, 6, 0, 0, 0, 0, 5, 6, 1, 2, 3, 4, 7, 2, 8, 2};
	static const uint8_t ipcp[] = {
		2, 6, 0, 0x2d, 15, 1, 3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0};
	static const uint8_t ipv6cp[] = {1, 10, 1, 2, 3, 4, 5, 6, 7, 8};

	*p = (struct peer_fake){
		.config = {.auth = {.values = {PPP_AUTH_MSCHAPV2, PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP},
				   .count = 3},
			.mru = 1400,
			.restart_ms = 3000,
			.max_configure = 10,
			.max_terminate = 2,
			.max_failure = 5,
			.echo_failures = 3,
			.setup_timeout_ms = 60000},
		.auths = 1 << PPP_AUTH_MSCHAPV2 | 1 << PPP_AUTH_CHAP_MD5 | 1 << PPP_AUTH_PAP,
		.name = "alice",
		.password = "secret"};
	address_parse("10.0.0.1", &p->addresses.local);
	address_parse("10.0.0.77", &p->addresses.peer);
	address_parse("192.0.2.53", &p->addresses.dns[0]);
	memcpy(p->lcp_options, lcp, p->lcp_length = sizeof(lcp));
	memcpy(p->ipcp_options, ipcp, p->ipcp_length = sizeof(ipcp));
	memcpy(p->ipv6cp_options, ipv6cp, p->ipv6cp_length = sizeof(ipv6cp));
	p->timers = timers_create(NULL, NULL);
	p->ppp = ppp_create(&p->config, p->timers, &events, p, NULL);
}

void peer_fake_free(struct peer_fake *p)
{
	ppp_free(p->ppp);
	timers_free(p->timers);
}

void peer_fake_dial(struct peer_fake *p)
{
	ppp_start(p->ppp);
	if (!p->loop)
		p->sent_count = 0;
	peer_fake_request(p);
	peer_fake_run(p);
}
