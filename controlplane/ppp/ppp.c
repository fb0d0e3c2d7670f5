// SPDX-License-Identifier: Apache-2.0

// The phases of a session (RFC 1661 section 3.2) and who gets which packet. One object per session,
// owned by its creator; all calls come from the one thread of the event loop. An event may call
// back into the session, so that each is the last thing that a function does, or the phase is
// looked at again after it.

#include "internal.h"
#include "controlplane/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

const uint8_t ppp_identifier[PPP_IDENTIFIER] = {[PPP_IDENTIFIER - 1] = 1};

struct ppp *ppp_create(const struct config_ppp *config, struct timers *timers,
	const struct ppp_events *events, void *context, const struct log_subject *subject)
{
	struct ppp *ppp = calloc(1, sizeof(*ppp));

	if (!ppp)
		return NULL;
	ppp->config = config;
	ppp->timers = timers;
	ppp->events = *events;
	ppp->context = context;
	ppp->subject = subject;
	lcp_init(ppp);
	ipcp_init(ppp);
	ipv6cp_init(ppp);
	return ppp;
}

static void timers_stop_all(struct ppp *ppp)
{
	timer_stop(ppp->timers, &ppp->setup);
	echo_stop(ppp);
	probe_stop(ppp);
	fsm_stop(&ppp->lcp.fsm);
	fsm_stop(&ppp->ipcp.fsm);
	fsm_stop(&ppp->ipv6cp.fsm);
}

static void networks_stop(struct ppp *ppp, const char *cause)
{
	ppp->held_ipcp.length = ppp->held_ipv6cp.length = 0;
	ipcp_stop(ppp, cause);
	ipv6cp_stop(ppp, cause);
}

void ppp_free(struct ppp *ppp)
{
	if (!ppp)
		return;
	timers_stop_all(ppp);
	authenticate_free(ppp);
	OPENSSL_cleanse(ppp, sizeof(*ppp));
	free(ppp);
}

void ppp_send(struct ppp *ppp, const uint8_t *packet, size_t length)
{
	if (ppp->phase != PHASE_DEAD && length)
		ppp->events.send(ppp->context, packet, length);
}

void ppp_send_built(struct ppp *ppp, struct build *out)
{
	ppp_send(ppp, out->start, wire_finish(out));
}

void ppp_finish(struct ppp *ppp, const char *cause)
{
	if (ppp->phase == PHASE_DEAD)
		return;
	if (cause != ppp->cause)
		snprintf(ppp->cause, sizeof(ppp->cause), "%s", cause);
	ppp->phase = PHASE_CLOSING;
	timers_stop_all(ppp);
	networks_stop(ppp, ppp->cause);
	authenticate_stop(ppp);
	// The event above may have called ppp_close, which finds the phase and does nothing.
	ppp->phase = PHASE_DEAD;
	ppp->events.down(ppp->context, ppp->cause);
}

void ppp_give_up(struct ppp *ppp, const char *cause)
{
	ppp_close(ppp, cause);
	ppp_finish(ppp, cause);
}

static void setup_fire(void *context)
{
	struct ppp *ppp = context;

	if (ppp->lcp.fsm.state == FSM_OPENED)
		ppp_close(ppp, "setup-timeout");
	else
		ppp_give_up(ppp, "setup-timeout");
}

// Without this timer a peer could keep a session half open for ever: false without memory for it.
static bool setup_begin(struct ppp *ppp)
{
	uint32_t after = ppp->config->setup_timeout_ms;

	ppp->setup_left = 0;
	return !after || timer_start(ppp->timers, &ppp->setup, after, setup_fire, ppp) == 0;
}

void ppp_setup_pause(struct ppp *ppp)
{
	uint64_t now = timers_now(ppp->timers);

	if (!timer_running(&ppp->setup))
		return;
	ppp->setup_left = ppp->setup.due > now ? (uint32_t)(ppp->setup.due - now) : 1;
	timer_stop(ppp->timers, &ppp->setup);
}

void ppp_setup_resume(struct ppp *ppp)
{
	if (ppp->setup_left && ppp->phase < PHASE_CLOSING)
		(void)timer_start(ppp->timers, &ppp->setup, ppp->setup_left, setup_fire, ppp);
	ppp->setup_left = 0;
}

void ppp_start(struct ppp *ppp)
{
	if (ppp->phase != PHASE_IDLE)
		return;
	ppp->phase = PHASE_LCP;
	if (ppp->config->auth.count == 0) {
		ppp_refuse(ppp, "no authentication method is configured");
		return;
	}
	if (!setup_begin(ppp)) {
		ppp_finish(ppp, "no-memory");
		return;
	}
	fsm_event(&ppp->lcp.fsm, FSM_OPEN);
	fsm_event(&ppp->lcp.fsm, FSM_UP);
}

static void closing_begin(struct ppp *ppp, const char *cause)
{
	snprintf(ppp->cause, sizeof(ppp->cause), "%s", cause);
	ppp->phase = PHASE_CLOSING;
	timer_stop(ppp->timers, &ppp->setup);
	echo_stop(ppp);
	probe_stop(ppp);
	timer_stop(ppp->timers, &ppp->auth.timer);
}

// Whoever ends the session under us at once ends it before the peer has our Ack, and the peer waits
// for that in vain.
void ppp_peer_ended(struct ppp *ppp)
{
	bool news = ppp->phase < PHASE_CLOSING;

	if (news)
		closing_begin(ppp, "peer-terminated");
	if (!fsm_linger(&ppp->lcp.fsm))
		ppp_finish(ppp, ppp->cause);
	else if (news && ppp->events.ended)
		ppp->events.ended(ppp->context, ppp->cause);
}

void ppp_close(struct ppp *ppp, const char *cause)
{
	if (ppp->phase >= PHASE_CLOSING)
		return;
	closing_begin(ppp, cause);
	fsm_event(&ppp->lcp.fsm, FSM_CLOSE);
	// Nothing to wait for when there was no link, or no memory for the timer.
	if (!timer_running(&ppp->lcp.fsm.restart))
		ppp_finish(ppp, ppp->cause);
}

static void wishes_text(const struct config_list *list, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint16_t i = 0; i < list->count && at < size; i++)
		at += (size_t)snprintf(
			text + at, size - at, "%s%s", i ? " " : "", lcp_auth_word(list->values[i]));
}

void ppp_refuse(struct ppp *ppp, const char *reason)
{
	char ours[LCP_WISHES];
	char theirs[LCP_WISHES];

	wishes_text(&ppp->config->auth, ours, sizeof(ours));
	log_event(LOG_LCP_REFUSED, ppp->subject, "s:s, s:s, s:s", "reason", reason, "ours", ours,
		"theirs", lcp_wishes(&ppp->lcp, theirs));
	ppp_close(ppp, "refused");
}

// Each opening costs us lines of the log and commands to the dataplane, and a peer can cause as
// many as it likes: true when this is one too many.
static bool opened_too_often(struct ppp *ppp, struct ppp_openings *o)
{
	uint64_t now = timers_now(ppp->timers);

	if (now - o->since >= PPP_OPENINGS_MS) {
		o->since = now;
		o->count = 0;
	}
	return ++o->count > PPP_OPENINGS;
}

void ppp_lcp_up(struct ppp *ppp)
{
	const struct ppp_link *link = &ppp->link;

	if (opened_too_often(ppp, &ppp->lcp_openings)) {
		ppp_close(ppp, "renegotiated-too-often");
		return;
	}
	ppp->link = lcp_link(&ppp->lcp);
	ppp->phase = PHASE_AUTHENTICATE;
	log_event(LOG_LCP_UP, ppp->subject, "s:s, s:i, s:i, s:b, s:b", "auth",
		lcp_auth_word(link->auth), "mru", (int)link->mru, "peer_mru", (int)link->peer_mru,
		"pfc", (int)link->send_pfc, "acfc", (int)link->send_acfc);
	echo_start(ppp);
	ppp->events.lcp_up(ppp->context, &ppp->link);
	if (ppp->phase == PHASE_AUTHENTICATE)
		authenticate_start(ppp, link->auth);
}

// Closing, or the peer begins again in the middle of a session.
void ppp_lcp_down(struct ppp *ppp)
{
	bool closing = ppp->phase >= PHASE_CLOSING;

	echo_stop(ppp);
	probe_stop(ppp);
	if (!closing)
		ppp->phase = PHASE_LCP;
	authenticate_stop(ppp);
	if (!closing && !setup_begin(ppp)) {
		ppp_finish(ppp, "no-memory");
		return;
	}
	networks_stop(ppp, closing ? ppp->cause : "renegotiated");
}

void ppp_accepted(struct ppp *ppp)
{
	ppp->phase = PHASE_ACCEPTED;
	ppp->events.accepted(ppp->context);
}

// The first network protocol that opens ends the set-up.
static void network_up(struct ppp *ppp)
{
	ppp->phase = PHASE_OPEN;
	timer_stop(ppp->timers, &ppp->setup);
}

static void network_down(struct ppp *ppp)
{
	if (ppp->phase != PHASE_OPEN || ppp->ipcp.up || ppp->ipv6cp.up)
		return;
	ppp->phase = PHASE_NETWORK;
	(void)setup_begin(ppp);
}

// Is it negotiating, or open?
static bool is_alive(const struct fsm *fsm)
{
	return fsm->state >= FSM_REQ_SENT;
}

void ppp_network_finished(struct ppp *ppp, const char *cause)
{
	if (!is_alive(&ppp->ipcp.fsm) && !is_alive(&ppp->ipv6cp.fsm))
		ppp_close(ppp, cause);
}

// After the event of its going up, so that the one of its going down has its counterpart. It ends
// alone when the other one lives.
static void network_hold(
	struct ppp *ppp, struct ppp_openings *o, struct fsm *fsm, const struct fsm *other)
{
	if (ppp->phase != PHASE_OPEN || !opened_too_often(ppp, o))
		return;
	if (is_alive(other))
		fsm_event(fsm, FSM_CLOSE);
	else
		ppp_close(ppp, "renegotiated-too-often");
}

void ppp_ip4_up(struct ppp *ppp)
{
	const struct ppp_addresses *a = &ppp->ipcp.addresses;
	char local[ADDRESS_TEXT], peer[ADDRESS_TEXT];

	network_up(ppp);
	log_event(LOG_IPCP_UP, ppp->subject, "s:s, s:s", "local", address_format(&a->local, local),
		"address", address_format(&a->peer, peer));
	ppp->events.ip4_up(ppp->context, a);
	network_hold(ppp, &ppp->ip4_openings, &ppp->ipcp.fsm, &ppp->ipv6cp.fsm);
}

void ppp_ip4_down(struct ppp *ppp, const char *cause)
{
	network_down(ppp);
	ppp->events.ip4_down(ppp->context, cause);
}

void ppp_ip6_up(struct ppp *ppp)
{
	uint8_t address[16] = {0xfe, 0x80};
	char peer[ADDRESS_TEXT];
	struct ip_address a;

	network_up(ppp);
	memcpy(address + 8, ppp->ipv6cp.peer, PPP_IDENTIFIER);
	a = address_v6(address);
	log_event(LOG_IPV6CP_UP, ppp->subject, "s:s", "address", address_format(&a, peer));
	ppp->events.ip6_up(ppp->context, ppp->ipv6cp.peer);
	network_hold(ppp, &ppp->ip6_openings, &ppp->ipv6cp.fsm, &ppp->ipcp.fsm);
}

void ppp_ip6_down(struct ppp *ppp, const char *cause)
{
	network_down(ppp);
	ppp->events.ip6_down(ppp->context, cause);
}

void ppp_authenticated(struct ppp *ppp, const struct ppp_verdict *verdict)
{
	if (ppp->phase != PHASE_DEAD)
		authenticate_verdict(ppp, verdict);
}

void ppp_undecided(struct ppp *ppp)
{
	if (ppp->phase != PHASE_DEAD)
		authenticate_undecided(ppp);
}

// Whoever sent what was held listens, and has our request of just now: no need to say that twice.
static void release(struct ppp *ppp, struct ppp_held *held, struct fsm *fsm)
{
	size_t length = held->length;

	held->length = 0;
	if (!length || ppp->phase >= PHASE_CLOSING)
		return;
	fsm->heard = true;
	ppp_input(ppp, held->packet, length);
}

void ppp_network(struct ppp *ppp, const struct ppp_addresses *addresses)
{
	bool ip4 = addresses->peer.version == IP_V4;

	if (ppp->phase != PHASE_ACCEPTED)
		return;
	ppp->phase = PHASE_NETWORK;
	ppp->ipcp.addresses = *addresses;
	ppp->ip6 = addresses->ip6;
	memcpy(ppp->ipv6cp.suggested, addresses->identifier, PPP_IDENTIFIER);
	if (ip4)
		ipcp_start(ppp, addresses);
	if (ppp->ip6)
		ipv6cp_start(ppp);
	if (!ip4 && !ppp->ip6)
		timer_stop(ppp->timers, &ppp->setup);
	release(ppp, &ppp->held_ipv6cp, &ppp->ipv6cp.fsm);
	release(ppp, &ppp->held_ipcp, &ppp->ipcp.fsm);
}

// The peer may be faster than the search for its address: its first request is kept for then.
static void hold(struct ppp_held *held, const uint8_t *packet, size_t length)
{
	if (length > sizeof(held->packet))
		return;
	memcpy(held->packet, packet, length);
	held->length = (uint16_t)length;
}

static void input_ncp(struct ppp *ppp, uint16_t protocol, struct view information,
	const uint8_t *packet, size_t length)
{
	bool v4 = protocol == PPP_IPCP;

	if (ppp->phase == PHASE_ACCEPTED)
		hold(v4 ? &ppp->held_ipcp : &ppp->held_ipv6cp, packet, length);
	else if (v4 ? ppp->ipcp.addresses.peer.version == IP_V4 : ppp->ip6)
		fsm_input(v4 ? &ppp->ipcp.fsm : &ppp->ipv6cp.fsm, information);
	else
		reject_protocol(ppp, protocol, information);
}

// Packets of the network phase. What comes before it is discarded silently (RFC 1661 section 3.4).
static void input_network(struct ppp *ppp, uint16_t protocol, struct view information,
	const uint8_t *packet, size_t length)
{
	if (ppp->phase < PHASE_ACCEPTED || ppp->phase > PHASE_OPEN || protocol == PPP_IP4 ||
		protocol == PPP_IP6)
		return;
	if (protocol == PPP_IPCP || protocol == PPP_IPV6CP)
		input_ncp(ppp, protocol, information, packet, length);
	else
		reject_protocol(ppp, protocol, information);
}

void ppp_input(struct ppp *ppp, const uint8_t *packet, size_t length)
{
	struct view v = view_of(packet, length);
	uint16_t protocol = view_u16(&v);

	if (v.failed || ppp->phase == PHASE_IDLE || ppp->phase == PHASE_DEAD)
		return;
	switch (protocol) {
	case PPP_LCP:
		fsm_input(&ppp->lcp.fsm, v);
		break;
	case PPP_PAP:
		pap_input(ppp, v);
		break;
	case PPP_CHAP:
		chap_input(ppp, v);
		break;
	case PPP_EAP:
		ppp_eap_input(ppp, v);
		break;
	default:
		input_network(ppp, protocol, v, packet, length);
	}
}

const struct ppp_link *ppp_link(const struct ppp *ppp)
{
	return &ppp->link;
}

const char *ppp_state(const struct ppp *ppp)
{
	static const char *const words[] = {[PHASE_IDLE] = "lcp",
		[PHASE_LCP] = "lcp",
		[PHASE_AUTHENTICATE] = "authenticate",
		[PHASE_ACCEPTED] = "network",
		[PHASE_NETWORK] = "network",
		[PHASE_OPEN] = "open",
		[PHASE_CLOSING] = "closing",
		[PHASE_DEAD] = "closing"};

	return words[ppp->phase];
}
