// SPDX-License-Identifier: Apache-2.0

// A peer that does not want our way of authentication is asked for the next one of the config's
// list, or for the one that it names if that is in the list; when none is left, the session ends
// and the log has both lists. Without authentication nobody comes in.

#include "internal.h"
#include "controlplane/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

enum { CHAP_MD5 = 5, CHAP_MSV2 = 0x81 };

struct auth_wire {
	uint8_t method; // enum ppp_auth; 0 = not ours
	uint16_t protocol;
	int algorithm; // -1 = none
	const char *word;
};

static const struct auth_wire auths[] = {
	{PPP_AUTH_MSCHAPV2, PPP_CHAP, CHAP_MSV2, "mschapv2"},
	{PPP_AUTH_CHAP_MD5, PPP_CHAP, CHAP_MD5, "chap"},
	{PPP_AUTH_PAP, PPP_PAP, -1, "pap"},
	{0, PPP_CHAP, 0x80, "mschapv1"},
	{PPP_AUTH_EAP, PPP_EAP, -1, "eap"},
};

enum { AUTHS = sizeof(auths) / sizeof(auths[0]) };

static const struct auth_wire *auth_wire(unsigned method)
{
	for (size_t i = 0; i < AUTHS; i++)
		if (auths[i].method == method)
			return &auths[i];
	return NULL;
}

const char *lcp_auth_word(unsigned method)
{
	const struct auth_wire *a = method ? auth_wire(method) : NULL;

	return a ? a->word : "?";
}

uint32_t ppp_random32(void)
{
	uint32_t v = 0;

	if (RAND_bytes((uint8_t *)&v, sizeof(v)) != 1)
		return 1;
	return v ? v : 1;
}

static bool auth_allowed(const struct ppp *ppp, unsigned method)
{
	const struct config_list *list = &ppp->config->auth;

	for (uint16_t i = 0; i < list->count; i++)
		if (list->values[i] == method)
			return !(ppp->lcp.auth_tried & 1 << method);
	return false;
}

// The method to ask for: the one that the peer named, or the first of ours; 0 = none is left.
static uint8_t auth_choose(const struct ppp *ppp, unsigned named)
{
	const struct config_list *list = &ppp->config->auth;

	if (named && auth_allowed(ppp, named))
		return (uint8_t)named;
	for (uint16_t i = 0; i < list->count; i++)
		if (auth_wire(list->values[i]) && auth_allowed(ppp, list->values[i]))
			return (uint8_t)list->values[i];
	return 0;
}

static void lcp_reset(void *owner)
{
	struct ppp *ppp = owner;
	struct lcp *lcp = &ppp->lcp;

	lcp->auth_tried = 0;
	lcp->loops = 0;
	lcp->named = 0;
	lcp->named_other = 0;
	lcp->want.mru = ppp->config->mru != 0;
	lcp->want.mru_bytes = ppp->config->mru ? ppp->config->mru : LCP_DEFAULT_MRU;
	lcp->want.magic = true;
	lcp->want.magic_number = ppp_random32();
	lcp->want.auth = auth_choose(ppp, 0);
}

static void lcp_request(void *owner, struct build *out)
{
	const struct lcp *lcp = &((struct ppp *)owner)->lcp;
	const struct auth_wire *auth = auth_wire(lcp->want.auth);

	if (lcp->want.mru)
		wire_option_u16(out, LCP_MRU, lcp->want.mru_bytes);
	if (auth && auth->algorithm >= 0)
		wire_option_bytes(out, LCP_AUTH,
			(const uint8_t[3]){auth->protocol >> 8, auth->protocol & 0xff,
				(uint8_t)auth->algorithm},
			3);
	else if (auth)
		wire_option_u16(out, LCP_AUTH, auth->protocol);
	if (lcp->want.magic)
		wire_option_u32(out, LCP_MAGIC, lcp->want.magic_number);
}

// A request with our own magic number is our own request, come back (RFC 1661 section 6.4).
static void lcp_peer_begin(void *owner, struct view options)
{
	struct ppp *ppp = owner;
	struct lcp *lcp = &ppp->lcp;
	struct wire_option option;

	lcp->peer.mru = LCP_DEFAULT_MRU;
	lcp->peer.magic = 0;
	lcp->peer.pfc = lcp->peer.acfc = false;
	lcp->looped = false;
	while (wire_option_next(&options, &option) > 0)
		if (option.type == LCP_MAGIC && lcp->want.magic &&
			view_u32(&option.data) == lcp->want.magic_number)
			lcp->looped = true;
	lcp->loops = lcp->looped ? lcp->loops + 1 : 0;
	if (lcp->loops >= LCP_LOOPS)
		ppp_refuse(ppp, "the line is looped back");
}

static enum fsm_opinion judge_mru(struct lcp *lcp, uint16_t mru, struct build *nak)
{
	if (mru < LIMIT_MTU_MIN) {
		wire_option_u16(nak, LCP_MRU, LIMIT_MTU_MIN);
		return FSM_NAK;
	}
	lcp->peer.mru = mru;
	return FSM_ACCEPT;
}

static enum fsm_opinion judge_magic(struct lcp *lcp, uint32_t magic, struct build *nak)
{
	if (magic == 0 || lcp->looped) {
		wire_option_u32(nak, LCP_MAGIC, ppp_random32());
		return FSM_NAK;
	}
	lcp->peer.magic = magic;
	return FSM_ACCEPT;
}

static bool option_size_right(const struct wire_option *option)
{
	static const uint8_t sizes[] = {
		[LCP_MRU] = 2, [LCP_ACCM] = 4, [LCP_MAGIC] = 4, [LCP_PFC] = 0, [LCP_ACFC] = 0};

	return option->type >= sizeof(sizes) || option->type == LCP_AUTH ||
	       view_left(&option->data) == sizes[option->type];
}

static int lcp_peer_option(void *owner, const struct wire_option *option, struct build *nak)
{
	struct lcp *lcp = &((struct ppp *)owner)->lcp;
	struct view data = option->data;

	if (lcp->looped && option->type != LCP_MAGIC)
		return FSM_ACCEPT;
	if (!option_size_right(option))
		return FSM_REJECT;
	switch (option->type) {
	case LCP_MRU:
		return judge_mru(lcp, view_u16(&data), nak);
	case LCP_ACCM: // of no meaning without an asynchronous line
		return FSM_ACCEPT;
	case LCP_MAGIC:
		return judge_magic(lcp, view_u32(&data), nak);
	case LCP_PFC:
		lcp->peer.pfc = true;
		return FSM_ACCEPT;
	case LCP_ACFC:
		lcp->peer.acfc = true;
		return FSM_ACCEPT;
	default:
		return FSM_REJECT;
	}
}

// Which method the option names; it is kept for the log, ours or not.
static unsigned auth_named(struct lcp *lcp, struct view data)
{
	uint16_t protocol = view_u16(&data);
	int algorithm = view_left(&data) ? view_u8(&data) : -1;

	for (size_t i = 0; i < AUTHS; i++) {
		if (auths[i].protocol != protocol || auths[i].algorithm != algorithm)
			continue;
		lcp->named |= (uint8_t)(1 << i);
		return auths[i].method;
	}
	lcp->named_other = protocol;
	return 0;
}

const char *lcp_wishes(const struct lcp *lcp, char text[LCP_WISHES])
{
	struct build out = build_in(text, LCP_WISHES - 1);
	char number[8];

	for (size_t i = 0; i < AUTHS; i++) {
		if (!(lcp->named & 1 << i))
			continue;
		build_bytes(&out, auths[i].word, strlen(auths[i].word));
		build_u8(&out, ' ');
	}
	snprintf(number, sizeof(number), "0x%04x ", lcp->named_other);
	build_bytes(&out, number, lcp->named_other ? strlen(number) : 0);
	if (build_length(&out) == 0)
		return "none";
	text[build_length(&out) - 1] = '\0';
	return text;
}

static void auth_unwanted(struct ppp *ppp, unsigned named)
{
	struct lcp *lcp = &ppp->lcp;

	lcp->auth_tried |= (uint8_t)(1 << lcp->want.auth);
	lcp->want.auth = auth_choose(ppp, named);
	if (lcp->want.auth == 0)
		ppp_refuse(ppp, "no common authentication method");
}

// A smaller unit than we take is the peer's to ask for; a larger one is not taken.
static void mru_naked(struct lcp *lcp, uint16_t mru)
{
	if (mru >= LIMIT_MTU_MIN && mru < lcp->want.mru_bytes)
		lcp->want.mru_bytes = mru;
}

static void lcp_naked(void *owner, const struct wire_option *option)
{
	struct ppp *ppp = owner;
	struct lcp *lcp = &ppp->lcp;
	struct view data = option->data;

	switch (option->type) {
	case LCP_MRU:
		mru_naked(lcp, view_u16(&data));
		break;
	case LCP_AUTH:
		auth_unwanted(ppp, auth_named(lcp, data));
		break;
	case LCP_MAGIC:
		lcp->want.magic_number = ppp_random32();
		break;
	}
}

static void lcp_rejected(void *owner, const struct wire_option *option)
{
	struct ppp *ppp = owner;
	struct lcp *lcp = &ppp->lcp;

	switch (option->type) {
	case LCP_MRU:
		lcp->want.mru = false;
		lcp->want.mru_bytes = LCP_DEFAULT_MRU;
		break;
	case LCP_AUTH:
		auth_unwanted(ppp, 0);
		break;
	case LCP_MAGIC:
		lcp->want.magic = false;
		lcp->want.magic_number = 0;
		break;
	}
}

static void lcp_up(void *owner)
{
	ppp_lcp_up(owner);
}

static void lcp_down(void *owner)
{
	ppp_lcp_down(owner);
}

static void lcp_finished(void *owner, bool answered)
{
	struct ppp *ppp = owner;

	if (ppp->phase == PHASE_CLOSING)
		ppp_finish(ppp, ppp->cause);
	else if (answered)
		ppp_refuse(ppp, "the peer rejects LCP");
	else
		ppp_finish(ppp, "no-answer");
}

static void lcp_terminated(void *owner)
{
	ppp_peer_ended(owner);
}

static void answer_echo(struct ppp *ppp, const struct wire_control *control)
{
	struct lcp *lcp = &ppp->lcp;
	uint8_t packet[WIRE_PACKET];
	struct build out = build_in(packet, sizeof(packet));
	struct view data = control->body;
	size_t length;

	view_skip(&data, 4);
	if (data.failed)
		return;
	wire_begin(&out, PPP_LCP, CODE_ECHO_REPLY, control->id);
	build_u32(&out, lcp->want.magic_number);
	wire_view(&out, data, view_left(&data));
	length = wire_finish(&out);
	if (length)
		fsm_event_answer(&lcp->fsm, FSM_RXR, packet, length);
}

static void echo_reply(struct ppp *ppp, const struct wire_control *control)
{
	struct view data = control->body;
	uint32_t magic = view_u32(&data);

	if (!data.failed && ppp->lcp.fsm.state == FSM_OPENED)
		echo_answered(ppp, control->id, magic);
}

// In a Protocol-Reject only what we speak matters: the peer will not do IPv4 or IPv6, or not
// authenticate in the way that it has just agreed to.
static void protocol_rejected(struct ppp *ppp, const struct wire_control *control)
{
	struct view body = control->body;
	uint16_t protocol = view_u16(&body);

	if (body.failed || ppp->lcp.fsm.state != FSM_OPENED)
		return;
	if (protocol == PPP_LCP)
		fsm_event(&ppp->lcp.fsm, FSM_RXJ_BAD);
	else if (protocol == PPP_IPCP || protocol == PPP_IP4)
		fsm_event(&ppp->ipcp.fsm, FSM_RXJ_BAD);
	else if (protocol == PPP_IPV6CP || protocol == PPP_IP6)
		fsm_event(&ppp->ipv6cp.fsm, FSM_RXJ_BAD);
	else if ((protocol == PPP_PAP || protocol == PPP_CHAP || protocol == PPP_EAP) &&
		 authenticate_open(ppp))
		ppp_refuse(ppp, "the peer rejects the authentication protocol that it agreed to");
}

static bool lcp_extra(void *owner, const struct wire_control *control)
{
	struct ppp *ppp = owner;

	switch (control->code) {
	case CODE_PROTOCOL_REJECT:
		protocol_rejected(ppp, control);
		return true;
	case CODE_ECHO_REQUEST:
		answer_echo(ppp, control);
		return true;
	case CODE_ECHO_REPLY:
		echo_reply(ppp, control);
		return true;
	case CODE_DISCARD_REQUEST:
	case CODE_IDENTIFICATION: // RFC 1570 section 2: nothing to be done
	case CODE_TIME_REMAINING:
		return true;
	default:
		return false;
	}
}

static void lcp_send(void *owner, const uint8_t *packet, size_t length)
{
	ppp_send(owner, packet, length);
}

static const struct fsm_ops lcp_ops = {
	.protocol = PPP_LCP,
	.send = lcp_send,
	.reset = lcp_reset,
	.request = lcp_request,
	.peer_begin = lcp_peer_begin,
	.peer_option = lcp_peer_option,
	.naked = lcp_naked,
	.rejected = lcp_rejected,
	.up = lcp_up,
	.down = lcp_down,
	.finished = lcp_finished,
	.extra = lcp_extra,
	.terminated = lcp_terminated,
};

void lcp_init(struct ppp *ppp)
{
	fsm_init(&ppp->lcp.fsm, &lcp_ops, ppp, ppp->config, ppp->timers);
	ppp->lcp.peer.mru = LCP_DEFAULT_MRU;
}

struct ppp_link lcp_link(const struct lcp *lcp)
{
	return (struct ppp_link){.magic = lcp->want.magic_number,
		.peer_magic = lcp->peer.magic,
		.mru = lcp->want.mru_bytes,
		.peer_mru = lcp->peer.mru,
		.send_pfc = lcp->peer.pfc,
		.send_acfc = lcp->peer.acfc,
		.auth = lcp->want.auth};
}

void lcp_echo(struct ppp *ppp)
{
	uint8_t packet[WIRE_PROTOCOL + WIRE_HEADER + 4];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, PPP_LCP, CODE_ECHO_REQUEST, ++ppp->echo_id);
	build_u32(&out, ppp->lcp.want.magic_number);
	ppp_send_built(ppp, &out);
}

void lcp_protocol_reject(struct ppp *ppp, uint16_t protocol, struct view information)
{
	uint8_t packet[WIRE_PACKET];
	struct build out = build_in(packet, sizeof(packet));
	size_t room = WIRE_PACKET - WIRE_PROTOCOL - WIRE_HEADER - WIRE_PROTOCOL;

	if (ppp->link.peer_mru < WIRE_PACKET - WIRE_PROTOCOL)
		room -= (size_t)(WIRE_PACKET - WIRE_PROTOCOL - ppp->link.peer_mru);
	wire_begin(&out, PPP_LCP, CODE_PROTOCOL_REJECT, ++ppp->lcp.fsm.other_id);
	build_u16(&out, protocol);
	wire_view(&out, information, room);
	ppp_send_built(ppp, &out);
}
