// SPDX-License-Identifier: Apache-2.0

// The tunnel from SCCRQ to its end. A tunnel is installed in the dataplane before SCCRP leaves and
// uninstalled when the first of StopCCN sent, StopCCN received, peer gone or peer silent happens;
// what remains then only finishes the conversation: STOPPING until our StopCCN is acknowledged,
// STOPPED for a full retransmission cycle so that the peer's StopCCN can be acknowledged again
// (RFC 2661 section 5.7).
//
// Who may speak for a tunnel: with IPsec, the IKE peer that opened it, whatever its address is by
// now (RFC 3193); in clear, the address and port that sent the SCCRQ (RFC 2661 section 8.1).

#include "tunnel.h"

#include "avp.h"
#include "digest.h"
#include "session.h"
#include "tunnel_table.h"

#include "controlplane/install.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct log_subject tunnel_subject(const struct tunnel *t)
{
	return (struct log_subject){.peer = t->flow.remote,
		.peer_port = t->flow.remote_port,
		.peer_id = t->peer,
		.tunnel = t->id};
}

static uint64_t now(const struct tunnel *t)
{
	return timers_now(t->l2tp->timers);
}

static void channel_send_datagram(void *context, const uint8_t *message, size_t length)
{
	struct tunnel *t = context;

	// A datagram that cannot go is lost, and comes again.
	(void)dataplane_send_l2tp(&t->flow, t->sa, message, length);
}

static void set_stale(struct tunnel *t, bool stale)
{
	t->l2tp->stale += stale - t->stale;
	t->stale = stale;
	if (stale)
		endpoint_reap(t->l2tp, ENDPOINT_RETRY_MS);
}

bool tunnel_post(struct tunnel *t)
{
	int error = 0;

	if (t->installed && tunnel_is_open(t)) {
		error = install_tunnel_set_sa(t->id, t->sa);
	} else if (t->installed) {
		error = install_tunnel_delete(t->id);
		t->installed = error == -ENOBUFS;
	}
	set_stale(t, error == -ENOBUFS);
	return !t->stale;
}

static void take_down(struct tunnel *t, const char *cause)
{
	struct session_map *map = &t->sessions;

	for (uint32_t i = 0; i < map->size && map->count; i++)
		if (map->slots[i])
			session_drop(map->slots[i], cause, true, false);
	// The dataplane takes the sessions along. An answer still due would find nothing.
	install_forget(t);
	tunnel_post(t);
	t->l2tp->counters.tunnels--;
}

static void bury(struct tunnel *t)
{
	struct l2tp *l2tp = t->l2tp;

	t->state = TUNNEL_DEAD;
	set_stale(t, false);
	timer_stop(l2tp->timers, &t->timer);
	l2tp->counters.retransmits += t->channel.retransmits;
	channel_close(&t->channel);
	tunnel_table_remove(t);
	t->dead_next = l2tp->dead_tunnels;
	l2tp->dead_tunnels = t;
	endpoint_reap(l2tp, 0);
}

static void log_down(const struct tunnel *t, enum log_event event, uint16_t result, uint16_t error,
	const char *reason)
{
	struct log_subject subject = tunnel_subject(t);

	log_event(event, &subject, "s:s, s:i, s:i, s:s", "reason", reason, "result", result,
		"error", error, "host", t->host_name);
}

void tunnel_drop(struct tunnel *t, const char *cause)
{
	bool open = tunnel_is_open(t);

	if (t->state == TUNNEL_DEAD)
		return;
	// Before the sessions' callbacks, so that none of them finds a tunnel to close.
	bury(t);
	if (!open)
		return;
	take_down(t, cause);
	log_down(t, LOG_TUNNEL_DOWN, 0, 0, cause);
}

bool tunnel_reap(struct tunnel *t)
{
	if (!tunnel_post(t)) {
		set_stale(t, false);
		return false;
	}
	idpool_give(&t->l2tp->numbers->tunnels, t->id);
	tunnel_free(t);
	return true;
}

void tunnel_free(struct tunnel *t)
{
	install_forget(t);
	timer_stop(t->l2tp->timers, &t->timer);
	channel_close(&t->channel);
	session_map_close(&t->sessions);
	OPENSSL_cleanse(t->challenge, sizeof(t->challenge));
	OPENSSL_cleanse(t->response, sizeof(t->response));
	free(t);
}

static void peer_is_silent(void *context)
{
	tunnel_drop(context, "the peer does not acknowledge");
}

void tunnel_send(struct tunnel *t, struct build *b)
{
	int length = wire_message_end(b);
	int error = length < 0 ? length : channel_send(&t->channel, b->start, length);

	if (error && error != -EPIPE)
		tunnel_drop(t, "no room for more messages to the peer");
}

static struct build begin(struct tunnel *t, uint8_t *buffer, uint16_t type)
{
	return wire_message_begin(buffer, WIRE_MESSAGE, t->peer_id, 0, type);
}

static void send_stop(struct tunnel *t, uint16_t result, uint16_t error, const char *text)
{
	uint8_t buffer[WIRE_MESSAGE];
	struct build b = begin(t, buffer, MESSAGE_STOPCCN);

	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, t->id);
	wire_avp_result(&b, result, error, text);
	tunnel_send(t, &b);
}

void tunnel_stop(struct tunnel *t, uint16_t result, uint16_t error, const char *text)
{
	bool refused = t->state < TUNNEL_ESTABLISHED;

	if (!tunnel_is_open(t))
		return;
	t->state = TUNNEL_STOPPING;
	timer_stop(t->l2tp->timers, &t->timer);
	if (refused)
		t->l2tp->counters.tunnels_refused++;
	log_down(t, refused ? LOG_TUNNEL_REFUSED : LOG_TUNNEL_DOWN, result, error, text);
	take_down(t, text);
	send_stop(t, result, error, text);
}

static void setup_expired(void *context)
{
	tunnel_stop(context, STOP_REQUEST, 0, "the tunnel did not come up in time");
}

static void lingered(void *context)
{
	bury(context);
}

static void send_hello(struct tunnel *t)
{
	uint8_t buffer[WIRE_MESSAGE];
	struct build b = begin(t, buffer, MESSAGE_HELLO);

	tunnel_send(t, &b);
}

static void hello_due(void *context)
{
	struct tunnel *t = context;
	uint32_t every = t->l2tp->config->l2tp.hello_ms;
	uint64_t silence = now(t) - t->heard;

	if (silence < every) {
		timer_start(t->l2tp->timers, &t->timer, every - silence, hello_due, t);
		return;
	}
	timer_start(t->l2tp->timers, &t->timer, every, hello_due, t);
	if (channel_idle(&t->channel))
		send_hello(t);
}

static void probed(void *context)
{
	struct tunnel *t = context;

	if (t->probing)
		tunnel_drop(t, "the peer began anew and knows nothing of the tunnel");
	else if (t->l2tp->config->l2tp.hello_ms)
		hello_due(t);
}

void tunnel_probe(struct tunnel *t)
{
	if (t->state != TUNNEL_ESTABLISHED || t->probing)
		return;
	if (timer_start(t->l2tp->timers, &t->timer, TUNNEL_PROBE_MS, probed, t))
		return;
	t->probing = true;
	if (channel_idle(&t->channel))
		send_hello(t);
}

void tunnel_set_sa(struct tunnel *t, uint32_t sa)
{
	if (t->sa == sa)
		return;
	t->sa = sa;
	if (tunnel_is_open(t))
		tunnel_post(t);
}

static void send_sccrp(struct tunnel *t)
{
	const struct config_l2tp *config = &t->l2tp->config->l2tp;
	uint8_t buffer[WIRE_MESSAGE];
	struct build b = begin(t, buffer, MESSAGE_SCCRP);

	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, TUNNEL_VERSION);
	wire_avp_u32(&b, AVP_FRAMING_CAPABILITIES, true, TUNNEL_FRAMING_BOTH);
	wire_avp_bytes(&b, AVP_HOST_NAME, true, config->host_name, strlen(config->host_name));
	wire_avp_bytes(&b, AVP_VENDOR_NAME, false, "Culvert", 7);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, t->id);
	wire_avp_u16(&b, AVP_RECEIVE_WINDOW, true, t->l2tp->settings.window);
	if (config->secret_length)
		wire_avp_bytes(&b, AVP_CHALLENGE, true, t->challenge, sizeof(t->challenge));
	if (t->respond)
		wire_avp_bytes(&b, AVP_CHALLENGE_RESPONSE, true, t->response, sizeof(t->response));
	tunnel_send(t, &b);
}

static void installed(void *context, int error)
{
	struct tunnel *t = context;

	if (t->state != TUNNEL_INSTALLING)
		return;
	if (error) {
		t->installed = false;
		tunnel_stop(t, STOP_ERROR, ERROR_RESOURCES, "insufficient resources");
		return;
	}
	t->state = TUNNEL_CONNECTING;
	send_sccrp(t);
}

static void install(struct tunnel *t)
{
	const struct command_tunnel_add command = {.tunnel = t->id,
		.peer_tunnel = t->peer_id,
		.peer = t->peer,
		.sa = t->sa,
		.local_port = t->flow.local_port,
		.remote_port = t->flow.remote_port,
		.local = t->flow.local,
		.remote = t->flow.remote};
	int error;

	t->installed = true;
	error = install_tunnel_add(&command, installed, t);
	if (error)
		installed(t, error);
}

// 0, or -EPERM when the peer wants an answer that we have no secret for.
static int answer_challenge(struct tunnel *t, uint8_t carried_by, const struct control_message *m)
{
	const struct config_l2tp *config = &t->l2tp->config->l2tp;

	if (!m->challenge.at)
		return 0;
	if (!config->secret_length ||
		digest_response(carried_by, config->secret, config->secret_length, m->challenge.at,
			m->challenge.length, t->response))
		return -EPERM;
	t->respond = true;
	return 0;
}

static const char *missing(const struct control_message *m)
{
	static const enum avp required[] = {
		AVP_PROTOCOL_VERSION, AVP_FRAMING_CAPABILITIES, AVP_HOST_NAME, AVP_ASSIGNED_TUNNEL};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!message_has(m, required[i]))
			return avp_find(AVP_VENDOR_IETF, required[i])->name;
	return NULL;
}

static void take_sccrq(struct tunnel *t, struct control_message *m)
{
	const char *lacks = missing(m);

	if (lacks)
		message_wrong(m, ERROR_VALUE, "the AVP %s is missing", lacks);
	if (message_has(m, AVP_PROTOCOL_VERSION) && m->version >> 8 != TUNNEL_VERSION >> 8)
		tunnel_stop(t, STOP_VERSION, TUNNEL_VERSION, "protocol version is not 1");
	else if (m->wrong)
		tunnel_stop(t, STOP_ERROR, m->wrong, m->wrong_text);
	else if (answer_challenge(t, MESSAGE_SCCRP, m))
		tunnel_stop(t, STOP_UNAUTHORIZED, 0, "no tunnel secret to answer a challenge with");
	else
		install(t);
}

// The peer's response must be to our challenge, with the same secret.
static bool authentic(const struct tunnel *t, const struct control_message *m)
{
	const struct config_l2tp *config = &t->l2tp->config->l2tp;
	uint8_t expected[DIGEST_LENGTH];
	bool same;

	if (!config->secret_length)
		return true;
	if (m->challenge_response.length != DIGEST_LENGTH ||
		digest_response(MESSAGE_SCCCN, config->secret, config->secret_length, t->challenge,
			sizeof(t->challenge), expected))
		return false;
	same = CRYPTO_memcmp(m->challenge_response.at, expected, sizeof(expected)) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	return same;
}

static void take_scccn(struct tunnel *t, const struct control_message *m)
{
	struct log_subject subject = tunnel_subject(t);
	uint32_t hello_ms = t->l2tp->config->l2tp.hello_ms;

	if (!authentic(t, m)) {
		tunnel_stop(t, STOP_UNAUTHORIZED, 0, "tunnel authentication failed");
		return;
	}
	t->state = TUNNEL_ESTABLISHED;
	t->established = now(t);
	timer_stop(t->l2tp->timers, &t->timer);
	if (hello_ms)
		timer_start(t->l2tp->timers, &t->timer, hello_ms, hello_due, t);
	log_event(LOG_TUNNEL_UP, &subject, "s:s, s:s, s:i", "host", t->host_name, "vendor",
		t->vendor_name, "peer_tunnel", t->peer_id);
}

static void take_stop(struct tunnel *t, const struct control_message *m)
{
	struct message_end end;
	bool open = tunnel_is_open(t);

	if (t->state == TUNNEL_STOPPED)
		return;
	message_end(m, &end);
	t->state = TUNNEL_STOPPED;
	timer_start(t->l2tp->timers, &t->timer, channel_cycle_ms(&t->l2tp->settings), lingered, t);
	channel_hush(&t->channel);
	channel_ack(&t->channel);
	if (!open)
		return;
	log_down(t, LOG_TUNNEL_DOWN, end.result, end.error, end.text);
	take_down(t, end.text);
}

static bool about_session(uint16_t type)
{
	return (type >= MESSAGE_OCRQ && type <= MESSAGE_SLI) || type == MESSAGE_CSUN ||
	       type == MESSAGE_CSURQ;
}

static void out_of_turn(struct tunnel *t, const struct control_message *m)
{
	char text[MESSAGE_WRONG_TEXT];

	snprintf(text, sizeof(text), "%s is out of turn", avp_message_name(m->type));
	tunnel_stop(t, STOP_FSM, 0, text);
}

static void take_unknown(struct tunnel *t, const struct control_message *m)
{
	char text[MESSAGE_WRONG_TEXT];

	// Here the mandatory bit speaks of the message, not of the AVP (section 4.1).
	if (!m->type_mandatory)
		return;
	snprintf(text, sizeof(text), "unknown mandatory message type %u", m->type);
	tunnel_stop(t, STOP_ERROR, ERROR_UNKNOWN_AVP, text);
}

static void take(struct tunnel *t, uint16_t session_id, struct control_message *m)
{
	if (m->type == MESSAGE_STOPCCN) {
		take_stop(t, m);
	} else if (!tunnel_is_open(t)) {
		return;
	} else if (about_session(m->type)) {
		if (t->state == TUNNEL_ESTABLISHED)
			session_input(t, session_id, m);
		else
			out_of_turn(t, m);
	} else if (m->type == MESSAGE_SCCRQ && t->state == TUNNEL_INSTALLING && !t->installed) {
		take_sccrq(t, m);
	} else if (m->wrong) {
		tunnel_stop(t, STOP_ERROR, m->wrong, m->wrong_text);
	} else if (m->type == MESSAGE_SCCCN && t->state == TUNNEL_CONNECTING) {
		take_scccn(t, m);
	} else if (m->type >= MESSAGE_SCCRQ && m->type <= MESSAGE_SCCCN) {
		out_of_turn(t, m);
	} else if (m->type != MESSAGE_HELLO) {
		take_unknown(t, m);
	}
}

static void parse(const struct l2tp *l2tp, struct view avps, struct control_message *out)
{
	const struct config_l2tp *config = &l2tp->config->l2tp;

	message_parse(avps, config->secret, config->secret_length, out);
}

static void channel_deliver(void *context, const uint8_t *message, size_t length)
{
	struct tunnel *t = context;
	struct wire_header header;
	struct control_message m;

	if (wire_header_parse(message, length, &header))
		return;
	parse(t->l2tp, header.avps, &m);
	if (m.wrong)
		t->l2tp->counters.invalid++;
	take(t, header.session, &m);
}

static const struct channel_user channel_user = {
	.send = channel_send_datagram, .deliver = channel_deliver, .dead = peer_is_silent};

void tunnel_input(struct tunnel *t, const struct l2tp_from *from, const struct wire_header *header,
	const uint8_t *message, size_t length)
{
	t->heard = now(t);
	t->probing = false;
	// Behind IPsec the peer's outer address may move; the ports inside do not.
	if (t->peer)
		t->flow.remote = from->flow.remote;
	if (!channel_receive(&t->channel, header, message, length))
		t->l2tp->counters.invalid++;
	if (t->state == TUNNEL_STOPPING && channel_idle(&t->channel))
		bury(t);
}

static void copy_text(char *out, const struct message_bytes *bytes)
{
	size_t length = bytes->length < L2TP_TEXT ? bytes->length : L2TP_TEXT - 1;

	if (length)
		memcpy(out, bytes->at, length);
	out[length] = '\0';
}

struct tunnel *tunnel_create(
	struct l2tp *l2tp, const struct l2tp_from *from, const struct control_message *m)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	uint32_t id = t ? idpool_take(&l2tp->numbers->tunnels) : IDPOOL_NONE;

	if (id == IDPOOL_NONE || RAND_bytes(t->challenge, sizeof(t->challenge)) != 1) {
		if (id != IDPOOL_NONE)
			idpool_give(&l2tp->numbers->tunnels, id);
		free(t);
		return NULL;
	}
	t->l2tp = l2tp;
	t->id = id;
	t->peer_id = m->assigned_tunnel;
	t->peer = from->peer;
	t->sa = from->sa;
	t->flow = from->flow;
	t->started = now(t);
	t->sessions.generation = t->challenge[0];
	copy_text(t->host_name, &m->host_name);
	copy_text(t->vendor_name, &m->vendor_name);
	t->firmware = m->firmware;
	channel_open(&t->channel, &l2tp->settings, &channel_user, t, l2tp->timers);
	channel_set_peer(&t->channel, t->peer_id,
		message_has(m, AVP_RECEIVE_WINDOW) ? m->receive_window : CHANNEL_PEER_WINDOW);
	tunnel_table_add(t);
	l2tp->counters.tunnels++;
	timer_start(l2tp->timers, &t->timer, TUNNEL_SETUP_MS, setup_expired, t);
	return t;
}

void tunnel_fill_info(const struct tunnel *t, struct l2tp_tunnel_info *out)
{
	static const char *const words[] = {
		[TUNNEL_INSTALLING] = "installing",
		[TUNNEL_CONNECTING] = "connecting",
		[TUNNEL_ESTABLISHED] = "established",
		[TUNNEL_STOPPING] = "stopping",
		[TUNNEL_STOPPED] = "stopped",
		[TUNNEL_DEAD] = "dead",
	};

	*out = (struct l2tp_tunnel_info){.tunnel = t->id,
		.peer_tunnel = t->peer_id,
		.peer = t->peer,
		.sa = t->sa,
		.flow = t->flow,
		.state = words[t->state],
		.firmware = t->firmware,
		.sessions = t->sessions.count,
		.ns = t->channel.top,
		.nr = t->channel.nr,
		.peer_window = t->channel.peer_window,
		.congestion_window = t->channel.congestion,
		.queued = t->channel.queued,
		.retransmits = t->channel.retransmits,
		.age_ms = now(t) - t->started};
	memcpy(out->host_name, t->host_name, sizeof(out->host_name));
	memcpy(out->vendor_name, t->vendor_name, sizeof(out->vendor_name));
}
