// SPDX-License-Identifier: Apache-2.0

// A live session under a stranger's packets, with time, verdicts, addresses and closing mixed in
// at any moment, from within its own events as well. The first bytes choose the settings and how
// far the session has come; each of the others is a step. Whatever happens, the order of the
// events must hold: the network only for who was accepted, up and down in turn, down once and
// nothing after it.
//
// Built with FUZZ_PROTOCOL, all packets that the bytes make up are of that protocol, and the
// session has come as far as it takes: a target for each.

#include "ppp.h"
#include "wire.h"
#include "controlplane/eap/packet.h"
#include "controlplane/log.h"

#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_PROTOCOL
#define FUZZ_PROTOCOL 0
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct ppp *ppp;
	struct timers *timers;
	struct config_ppp config;
	struct view input;
	uint8_t newest[WIRE_PACKET]; // packet of the session
	size_t newest_length;
	uint8_t request[3][WIRE_PACKET]; // newest Configure-Request of LCP, IPCP and IPV6CP
	size_t request_length[3];
	uint8_t auth_id;      // of the newest Challenge
	uint8_t eap_id;       // of the newest request of EAP
	uint8_t method;       // enum ppp_auth of the question that is asked
	unsigned close_after; // events until the caller closes from within; 0 = never
	bool answer_now;      // verdict and addresses come from within the event
	bool eap_simple;      // whoever is asked about with EAP is a user of ours
	bool asked, accepted, up, up6, ended, down, closed;
	uint64_t now;
};

static const uint16_t negotiated[] = {PPP_LCP, PPP_IPCP, PPP_IPV6CP};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void event(struct fuzz *f)
{
	require(!f->down);
	if (f->close_after && --f->close_after == 0) {
		f->closed = true;
		ppp_close(f->ppp, "from within");
	}
}

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct fuzz *f = context;
	uint16_t protocol = (uint16_t)(packet[0] << 8 | packet[1]);

	require(length >= WIRE_PROTOCOL + WIRE_HEADER && length <= WIRE_PACKET);
	require((size_t)(packet[4] << 8 | packet[5]) == length - WIRE_PROTOCOL);
	require((protocol != PPP_IPCP && protocol != PPP_IPV6CP) || f->accepted);
	memcpy(f->newest, packet, length);
	f->newest_length = length;
	for (unsigned i = 0; packet[2] == CODE_CONFIGURE_REQUEST && i < 3; i++)
		if (protocol == negotiated[i]) {
			memcpy(f->request[i], packet, length);
			f->request_length[i] = length;
		}
	if (protocol == PPP_CHAP && packet[2] == CHAP_CHALLENGE)
		f->auth_id = packet[3];
	if (protocol == PPP_EAP && packet[2] == EAP_REQUEST)
		f->eap_id = packet[3];
	event(f);
}

static void on_lcp_up(void *context, const struct ppp_link *link)
{
	struct fuzz *f = context;

	require(link->auth != 0 && link->peer_mru >= LIMIT_MTU_MIN);
	f->accepted = false;
	event(f);
}

// With EAP the judge is a stranger as well: his next packet is what is next of the input.
static void verdict(struct fuzz *f, bool accepted)
{
	struct ppp_verdict v = {.accepted = accepted, .message = "S=0 M=x"};
	uint8_t packet[64] = {EAP_REQUEST, f->eap_id + 1, 0, 8, 13};
	uint8_t how;

	if (!f->asked)
		return;
	f->asked = false;
	if (f->method == PPP_AUTH_EAP && !f->eap_simple) {
		how = view_u8(&f->input);
		v.turn = how & 3;
		v.eap_length = how >> 2 & 15;
		v.eap = how & 64 ? NULL : packet;
		if (how & 128)
			view_copy(&f->input, packet,
				view_left(&f->input) < 16 ? view_left(&f->input) : 16);
	} else if (f->method == PPP_AUTH_EAP) {
		v.turn = EAP_OURS;
	}
	ppp_authenticated(f->ppp, &v);
}

static void network(struct fuzz *f, bool none)
{
	struct ppp_addresses a = {0};

	if (!none) {
		a.local = address_from_u32(0x0a000001);
		a.peer = address_from_u32(0x0a00004d);
		a.dns[0] = a.wins[1] = address_from_u32(0x01010101);
		a.ip6 = true;
	}
	ppp_network(f->ppp, &a);
}

static void on_authenticate(void *context, const struct ppp_credentials *c)
{
	struct fuzz *f = context;

	require(!f->asked);
	require(c->name_length < PPP_NAME && c->name[c->name_length] == 0);
	require((c->method == PPP_AUTH_EAP) == (c->eap != NULL));
	require(!c->again || f->accepted);
	f->asked = true;
	f->method = c->method;
	event(f);
	if (f->answer_now)
		verdict(f, true);
}

static void on_accepted(void *context)
{
	struct fuzz *f = context;

	f->accepted = true;
	event(f);
	if (f->answer_now && !f->down)
		network(f, false);
}

static void on_ip4_up(void *context, const struct ppp_addresses *a)
{
	struct fuzz *f = context;

	require(f->accepted && !f->up);
	require(a->peer.version == IP_V4);
	f->up = true;
	event(f);
	ppp_probe(f->ppp, 1400);
}

static void on_ip4_down(void *context, const char *cause)
{
	struct fuzz *f = context;

	require(f->up && *cause);
	f->up = false;
	event(f);
}

static void on_ip6_up(void *context, const uint8_t *identifier)
{
	struct fuzz *f = context;

	require(f->accepted && !f->up6);
	require(memcmp(identifier, ppp_identifier, PPP_IDENTIFIER) != 0);
	f->up6 = true;
	event(f);
}

static void on_ip6_down(void *context, const char *cause)
{
	struct fuzz *f = context;

	require(f->up6 && *cause);
	f->up6 = false;
	event(f);
}

static void on_path_mtu(void *context, uint16_t mtu)
{
	struct fuzz *f = context;

	require(mtu < 1400);
	event(f);
}

static void on_ended(void *context, const char *cause)
{
	struct fuzz *f = context;

	require(!f->ended && !f->up && !f->up6 && strcmp(ppp_state(f->ppp), "closing") == 0);
	f->ended = true;
	event(f);
}

static void on_down(void *context, const char *cause)
{
	struct fuzz *f = context;

	require(!f->down && !f->up && !f->up6 && *cause);
	f->down = true;
}

static uint64_t on_received(void *context)
{
	return ((struct fuzz *)context)->now / 7000;
}

static const struct ppp_events events = {
	.received = on_received,
	.send = on_send,
	.send_probe = on_send,
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

static void say(struct fuzz *f, uint16_t protocol, uint8_t code, uint8_t id, struct view body)
{
	uint8_t packet[WIRE_PACKET + 256];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, protocol, code, id);
	wire_view(&out, body, WIRE_PACKET);
	ppp_input(f->ppp, packet, wire_finish(&out));
}

// The session's own newest request comes back under another code: an Ack, a Nak, a Reject.
static void answer(struct fuzz *f, unsigned which, uint8_t code)
{
	uint8_t packet[WIRE_PACKET];

	if (f->request_length[which] == 0)
		return;
	memcpy(packet, f->request[which], f->request_length[which]);
	packet[2] = code;
	ppp_input(f->ppp, packet, f->request_length[which]);
}

// To whichever request it is: what does not fit is ignored.
static void respond_eap(struct fuzz *f)
{
	uint8_t mschap[61] = {EAP_MSCHAPV2, 2, f->eap_id, 0, 60, 49};

	mschap[60] = 'x';
	say(f, PPP_EAP, EAP_RESPONSE, f->eap_id, view_of("\x1a\3", 2));
	say(f, PPP_EAP, EAP_RESPONSE, f->eap_id, view_of(mschap, sizeof(mschap)));
	say(f, PPP_EAP, EAP_RESPONSE, f->eap_id, view_of("\1x", 2));
}

static void respond(struct fuzz *f)
{
	static const uint8_t pap[] = "\1x\1y";
	static const uint8_t md5[17] = {16};
	static const uint8_t mschap[51] = {49};

	say(f, PPP_PAP, PAP_REQUEST, 1, view_of(pap, 4));
	say(f, PPP_CHAP, CHAP_RESPONSE, f->auth_id, view_of(md5, sizeof(md5)));
	say(f, PPP_CHAP, CHAP_RESPONSE, f->auth_id, view_of(mschap, sizeof(mschap)));
	respond_eap(f);
}

static void advance(struct fuzz *f, unsigned phase)
{
	static const uint8_t magic[] = {5, 6, 1, 2, 3, 4};
	static const uint8_t address[] = {3, 6, 10, 0, 0, 77};
	static const uint8_t identifier[] = {1, 10, 1, 2, 3, 4, 5, 6, 7, 8};

	if (phase < 1)
		return;
	say(f, PPP_LCP, CODE_CONFIGURE_REQUEST, 1, view_of(magic, sizeof(magic)));
	answer(f, 0, CODE_CONFIGURE_ACK);
	if (phase < 2)
		return;
	f->eap_simple = true;
	for (int i = 0; i < 3; i++) { // EAP takes so many rounds
		respond(f);
		verdict(f, true);
	}
	f->eap_simple = false;
	if (phase < 3)
		return;
	network(f, false);
	if (phase < 4)
		return;
	say(f, PPP_IPCP, CODE_CONFIGURE_REQUEST, 1, view_of(address, sizeof(address)));
	answer(f, 1, CODE_CONFIGURE_ACK);
	if (phase < 5)
		return;
	say(f, PPP_IPV6CP, CODE_CONFIGURE_REQUEST, 1, view_of(identifier, sizeof(identifier)));
	answer(f, 2, CODE_CONFIGURE_ACK);
}

// A packet with a header of its own and what is next of the input as its body.
static void say_next(struct fuzz *f)
{
	static const uint16_t protocols[] = {
		PPP_LCP, PPP_IPCP, PPP_CHAP, PPP_PAP, PPP_CCP, PPP_IPV6CP, PPP_EAP, 0xc025};
	uint8_t head = view_u8(&f->input);
	uint16_t protocol = FUZZ_PROTOCOL ? FUZZ_PROTOCOL : protocols[head & 7];
	uint8_t id = view_u8(&f->input);
	size_t length = view_u8(&f->input);

	if (length > view_left(&f->input))
		length = view_left(&f->input);
	// 0 is the identifier that the session expects, if it expects one.
	if (id == 0)
		id = protocol == PPP_IPCP     ? f->request[1][3]
		     : protocol == PPP_IPV6CP ? f->request[2][3]
		     : protocol == PPP_CHAP   ? f->auth_id
		     : protocol == PPP_EAP    ? f->eap_id
					      : f->request[0][3];
	say(f, protocol, head >> 3 & 15, id, view_sub(&f->input, length));
}

static void say_raw(struct fuzz *f)
{
	struct view raw;
	size_t length = view_u16(&f->input) % 2048;

	raw = view_sub(&f->input, length < view_left(&f->input) ? length : view_left(&f->input));
	ppp_input(f->ppp, raw.at, view_left(&raw));
}

static void step(struct fuzz *f)
{
	uint8_t op = view_u8(&f->input);

	switch (op % 12) {
	case 0:
	case 1:
	case 2:
		say_next(f);
		break;
	case 3:
		say_raw(f);
		break;
	case 4:
		f->now += 100u * view_u8(&f->input);
		timers_run(f->timers, f->now);
		break;
	case 5:
		verdict(f, op & 16);
		break;
	case 6:
		network(f, op & 16);
		break;
	case 7:
		answer(f, op >> 7, CODE_CONFIGURE_ACK);
		break;
	case 8:
		answer(f, op >> 7, op & 16 ? CODE_CONFIGURE_NAK : CODE_CONFIGURE_REJECT);
		break;
	case 9:
		respond(f);
		break;
	case 10: // the line is looped
		ppp_input(f->ppp, f->newest, f->newest_length);
		break;
	case 11:
		if (op > 240)
			ppp_close(f->ppp, "closed");
		else
			advance(f, op >> 4 & 7);
		break;
	}
}

static void configure(struct fuzz *f)
{
	uint8_t settings = view_u8(&f->input);
	uint8_t more = view_u8(&f->input);

	f->config =
		(struct config_ppp){.auth = {.values = {1 + settings % 4, 1 + (settings + 1) % 4,
						     1 + (settings + 2) % 4},
					    .count = 1 + settings / 4 % 3},
			.mru = 1400,
			.restart_ms = 3000,
			.max_configure = 1 + more % 10,
			.max_terminate = 1 + more % 3,
			.max_failure = 1 + more % 6,
			.echo_interval_ms = settings & 64 ? 5000 : 0,
			.echo_failures = 2,
			.echo_adaptive = more & 64,
			.chap_interval_ms = settings & 32 ? 20000 : 0,
			.setup_timeout_ms = 30000};
	if (FUZZ_PROTOCOL == PPP_PAP)
		f->config.auth.values[0] = PPP_AUTH_PAP;
	else if (FUZZ_PROTOCOL == PPP_CHAP)
		f->config.auth.values[0] = settings & 1 ? PPP_AUTH_CHAP_MD5 : PPP_AUTH_MSCHAPV2;
	else if (FUZZ_PROTOCOL == PPP_EAP)
		f->config.auth.values[0] = PPP_AUTH_EAP;
	f->answer_now = settings & 128;
	f->close_after = more >= 128 ? more & 31 : 0;
}

// Where packets of that protocol mean something.
static unsigned first_phase(unsigned phase)
{
	switch (FUZZ_PROTOCOL) {
	case PPP_PAP:
	case PPP_CHAP:
	case PPP_EAP:
		return phase < 1 ? 1 : phase;
	case PPP_IPCP:
	case PPP_IPV6CP:
		return phase < 3 ? 3 : phase;
	default:
		return phase;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.input = view_of(data, size)};

	log_set_level(LEVEL_ERROR);
	configure(&f);
	f.timers = timers_create(NULL, NULL);
	f.ppp = ppp_create(&f.config, f.timers, &events, &f, NULL);
	ppp_start(f.ppp);
	advance(&f, first_phase(view_u8(&f.input) % 6));
	while (view_left(&f.input))
		step(&f);
	require(!f.closed || f.down || strcmp(ppp_state(f.ppp), "closing") == 0);
	// Left alone it ends, or is open, or waits for us, but it does not hang halfway.
	for (int i = 0; i < 200; i++) {
		// A close from within, as late as that, would still be under way at the end.
		f.close_after = i < 100 ? f.close_after : 0;
		timers_run(f.timers, f.now += 1000);
	}
	if (strcmp(ppp_state(f.ppp), "closing") == 0)
		require(f.down);
	if (!f.up && !f.up6 && !f.down && !f.asked)
		require(strcmp(ppp_state(f.ppp), "network") == 0);
	ppp_free(f.ppp);
	require(timers_run(f.timers, f.now) == UINT64_MAX);
	timers_free(f.timers);
	return 0;
}
