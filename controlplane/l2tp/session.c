// SPDX-License-Identifier: Apache-2.0

// The incoming call, seen from the LNS: ICRQ, SESSION_ADD in the dataplane, ICRP, ICCN, session_up.
// The dataplane learns before ICRP whether it numbers data packets, but the peer may ask for that
// only in ICCN: then the session is deleted and added again before it is reported.
//
// Outgoing calls are refused: this LNS never asks for one, and a LAC has no business to. Strict is
// only what we need: Call Serial Number, connect speed and framing type may be missing.

#include "session.h"

#include "tunnel.h"

#include "controlplane/install.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct log_subject subject_of(const struct session *s)
{
	struct log_subject subject = tunnel_subject(s->tunnel);

	subject.session_id = s->id;
	return subject;
}

static void log_end(const struct session *s, enum log_event event, const char *reason)
{
	struct log_subject subject = subject_of(s);

	log_event(event, &subject, "s:s, s:i, s:I", "reason", reason, "peer_session", s->peer_id,
		"index", (long long)s->index);
}

static void uninstall(struct session *s)
{
	if (!s->installed)
		return;
	// A tunnel that went meanwhile took it along.
	if (!s->tunnel->installed || install_session_delete(s->index) != -ENOBUFS)
		s->installed = false;
	else
		endpoint_reap(s->tunnel->l2tp, ENDPOINT_RETRY_MS);
}

bool session_reap(struct session *s)
{
	uninstall(s);
	if (s->installed)
		return false;
	idpool_give(&s->tunnel->l2tp->numbers->sessions, s->index);
	session_free(s);
	return true;
}

void session_free(struct session *s)
{
	if (s->state != SESSION_GONE)
		install_forget(s);
	timer_stop(s->tunnel->l2tp->timers, &s->setup);
	for (int i = 0; i < SESSION_TEXTS; i++)
		free(s->texts[i].bytes);
	free(s);
}

void session_drop(struct session *s, const char *cause, bool notify, bool delete_it)
{
	struct l2tp *l2tp = s->tunnel->l2tp;
	bool up = s->state == SESSION_ESTABLISHED;
	bool waits = s->state == SESSION_INSTALLING || s->state == SESSION_SEQUENCING;

	if (s->state == SESSION_GONE)
		return;
	s->state = SESSION_GONE;
	if (waits)
		install_forget(s);
	timer_stop(l2tp->timers, &s->setup);
	session_map_remove(&s->tunnel->sessions, s);
	l2tp->sessions[s->index] = NULL;
	l2tp->counters.sessions--;
	s->dead_next = l2tp->dead_sessions;
	l2tp->dead_sessions = s;
	endpoint_reap(l2tp, 0);
	if (!s->refused)
		log_end(s, LOG_SESSION_DOWN, cause);
	if (up && notify)
		l2tp->events.session_down(l2tp->context, s->index, cause);
	if (delete_it)
		uninstall(s);
	else
		s->installed = false;
}

static void send_cdn(struct tunnel *t, uint16_t peer_session, uint16_t id, uint16_t result,
	uint16_t error, const char *text)
{
	uint8_t buffer[WIRE_MESSAGE];
	struct build b =
		wire_message_begin(buffer, sizeof(buffer), t->peer_id, peer_session, MESSAGE_CDN);

	wire_avp_result(&b, result, error, text);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, id);
	tunnel_send(t, &b);
}

void session_close(
	struct session *s, uint16_t result, uint16_t error, const char *text, bool notify)
{
	struct tunnel *t = s->tunnel;
	uint16_t id = s->id, peer_id = s->peer_id;

	if (s->state == SESSION_GONE)
		return;
	session_drop(s, text, notify, true);
	send_cdn(t, peer_id, id, result, error, text);
}

// A call that never became a session.
static void refuse(
	struct tunnel *t, uint16_t peer_session, uint16_t result, uint16_t error, const char *text)
{
	struct log_subject subject = tunnel_subject(t);

	t->l2tp->counters.sessions_refused++;
	log_event(LOG_SESSION_REFUSED, &subject, "s:s, s:i, s:i, s:i", "reason", text, "result",
		result, "error", error, "peer_session", peer_session);
	send_cdn(t, peer_session, 0, result, error, text);
}

static void refuse_session(struct session *s, uint16_t error, const char *text)
{
	struct log_subject subject = subject_of(s);

	s->refused = true;
	s->tunnel->l2tp->counters.sessions_refused++;
	log_event(LOG_SESSION_REFUSED, &subject, "s:s, s:i, s:i, s:i", "reason", text, "result",
		CDN_ERROR, "error", error, "peer_session", s->peer_id);
	session_close(s, CDN_ERROR, error, text, true);
}

static void setup_expired(void *context)
{
	refuse_session(context, ERROR_NONE, "the session did not come up in time");
}

static void send_icrp(struct session *s)
{
	struct tunnel *t = s->tunnel;
	uint8_t buffer[WIRE_MESSAGE];
	struct build b =
		wire_message_begin(buffer, sizeof(buffer), t->peer_id, s->peer_id, MESSAGE_ICRP);

	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, s->id);
	tunnel_send(t, &b);
}

static void report_up(struct session *s)
{
	struct l2tp *l2tp = s->tunnel->l2tp;
	struct log_subject subject = subject_of(s);
	struct l2tp_session_info info;

	timer_stop(l2tp->timers, &s->setup);
	s->state = SESSION_ESTABLISHED;
	session_fill_info(s, &info);
	log_event(LOG_SESSION_UP, &subject, "s:I, s:i, s:I, s:s, s:s", "index", (long long)s->index,
		"peer_session", s->peer_id, "tx_speed", (long long)s->tx_speed, "calling",
		info.calling, "called", info.called);
	// The session may be gone when this returns.
	l2tp->events.session_up(l2tp->context, &info);
}

static void installed(void *context, int error)
{
	struct session *s = context;

	if (s->state != SESSION_INSTALLING && s->state != SESSION_SEQUENCING)
		return;
	if (error) {
		s->installed = false;
		refuse_session(s, ERROR_RESOURCES, "insufficient resources");
	} else if (s->state == SESSION_INSTALLING) {
		s->state = SESSION_CONNECTING;
		send_icrp(s);
	} else {
		report_up(s);
	}
}

static void install(struct session *s)
{
	const struct command_session_add command = {.session = s->index,
		.tunnel = s->tunnel->id,
		.session_id = s->id,
		.peer_session = s->peer_id,
		.sequencing = s->sequencing};
	int error;

	s->installed = true;
	error = install_session_add(&command, installed, s);
	if (error)
		installed(s, error);
}

// Without memory the text is lost and the session goes on.
static void keep(struct session *s, enum session_text which, const struct message_bytes *bytes)
{
	uint8_t *copy;

	if (!bytes->length || s->texts[which].bytes)
		return;
	copy = malloc(bytes->length);
	if (!copy)
		return;
	memcpy(copy, bytes->at, bytes->length);
	s->texts[which].bytes = copy;
	s->texts[which].length = bytes->length;
}

// NULL without memory, session id or index.
static struct session *create(struct tunnel *t, const struct control_message *m)
{
	struct l2tp *l2tp = t->l2tp;
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->tunnel = t;
	s->peer_id = m->assigned_session;
	s->started = timers_now(l2tp->timers);
	s->index = idpool_take(&l2tp->numbers->sessions);
	if (s->index == IDPOOL_NONE || session_map_add(&t->sessions, s)) {
		if (s->index != IDPOOL_NONE)
			idpool_give(&l2tp->numbers->sessions, s->index);
		free(s);
		return NULL;
	}
	l2tp->sessions[s->index] = s;
	l2tp->counters.sessions++;
	timer_start(l2tp->timers, &s->setup, TUNNEL_SETUP_MS, setup_expired, s);
	return s;
}

static void take_icrq(struct tunnel *t, const struct control_message *m)
{
	struct session *old = session_map_find_peer(&t->sessions, m->assigned_session);
	struct session *s;
	struct log_subject subject;

	// The peer uses the id anew, so it has forgotten the call that had it before; a CDN would
	// hit the new one.
	if (old)
		session_drop(old, "the peer started the session again", true, true);
	if (t->sessions.count >= t->l2tp->config->l2tp.sessions_per_tunnel) {
		refuse(t, m->assigned_session, CDN_ERROR, ERROR_RESOURCES,
			"too many sessions in the tunnel");
		return;
	}
	s = create(t, m);
	if (!s) {
		refuse(t, m->assigned_session, CDN_ERROR, ERROR_RESOURCES,
			"insufficient resources");
		return;
	}
	s->serial = m->serial;
	s->bearer_type = m->bearer_type;
	keep(s, SESSION_CALLING, &m->calling);
	keep(s, SESSION_CALLED, &m->called);
	keep(s, SESSION_SUB_ADDRESS, &m->sub_address);
	subject = subject_of(s);
	log_event(LOG_SESSION_START, &subject, "s:I, s:i, s:I", "index", (long long)s->index,
		"peer_session", s->peer_id, "serial", (long long)s->serial);
	install(s);
}

static void check_icrq(struct tunnel *t, const struct control_message *m)
{
	if (m->wrong && m->assigned_session)
		refuse(t, m->assigned_session, CDN_ERROR, m->wrong, m->wrong_text);
	else if (m->wrong)
		tunnel_stop(t, STOP_ERROR, m->wrong, m->wrong_text);
	else if (!m->assigned_session)
		tunnel_stop(t, STOP_ERROR, ERROR_VALUE, "an ICRQ without an Assigned Session ID");
	else
		take_icrq(t, m);
}

static void take_iccn(struct session *s, const struct control_message *m)
{
	if (s->state != SESSION_CONNECTING) {
		session_close(s, CDN_ERROR, ERROR_SESSION, "ICCN is out of turn", true);
		return;
	}
	s->tx_speed = m->tx_speed;
	s->rx_speed = message_has(m, AVP_RX_SPEED) ? m->rx_speed : m->tx_speed;
	s->framing_type = m->framing_type;
	s->proxy_auth_type = m->proxy_auth_type;
	s->proxy_auth_id = m->proxy_auth_id;
	s->sequencing = message_has(m, AVP_SEQUENCING_REQUIRED);
	keep(s, SESSION_PRIVATE_GROUP, &m->private_group);
	keep(s, SESSION_LCP_FIRST_RECEIVED, &m->lcp_first_received);
	keep(s, SESSION_LCP_LAST_SENT, &m->lcp_last_sent);
	keep(s, SESSION_LCP_LAST_RECEIVED, &m->lcp_last_received);
	keep(s, SESSION_PROXY_NAME, &m->proxy_name);
	keep(s, SESSION_PROXY_CHALLENGE, &m->proxy_challenge);
	keep(s, SESSION_PROXY_RESPONSE, &m->proxy_response);
	if (!s->sequencing) {
		report_up(s);
		return;
	}
	s->state = SESSION_SEQUENCING;
	if (install_session_delete(s->index))
		refuse_session(s, ERROR_RESOURCES, "insufficient resources");
	else
		install(s);
}

// The header names our session id; a peer that has not learnt it names its own in the message.
static struct session *find(struct tunnel *t, uint16_t session_id, const struct control_message *m)
{
	struct session *s = session_map_find(&t->sessions, session_id);

	if (!s && m->type == MESSAGE_CDN && session_id == 0 && m->assigned_session)
		s = session_map_find_peer(&t->sessions, m->assigned_session);
	return s;
}

static void take_cdn(struct session *s, const struct control_message *m)
{
	struct message_end end;

	message_end(m, &end);
	session_drop(s, end.text, true, true);
}

static void take_of_session(struct session *s, const struct control_message *m)
{
	if (m->type == MESSAGE_CDN)
		take_cdn(s, m);
	else if (m->wrong)
		session_close(s, CDN_ERROR, m->wrong, m->wrong_text, true);
	else if (m->type == MESSAGE_ICCN)
		take_iccn(s, m);
	else if (m->type != MESSAGE_WEN && m->type != MESSAGE_SLI && m->type != MESSAGE_CSUN &&
		 m->type != MESSAGE_CSURQ)
		session_close(s, CDN_ERROR, ERROR_SESSION, "a message of another call", true);
}

static void take_foreign_call(struct tunnel *t, const struct control_message *m)
{
	if (!m->assigned_session)
		return;
	if (m->type == MESSAGE_OCRQ)
		refuse(t, m->assigned_session, CDN_NO_FACILITIES, ERROR_NONE,
			"outgoing calls are not served");
	else if (m->type == MESSAGE_OCRP || m->type == MESSAGE_ICRP)
		refuse(t, m->assigned_session, CDN_ERROR, ERROR_SESSION,
			"an answer to a call that was not made");
}

void session_input(struct tunnel *t, uint16_t session_id, const struct control_message *m)
{
	struct session *s = find(t, session_id, m);

	if (m->type == MESSAGE_ICRQ)
		check_icrq(t, m);
	else if (s && m->type != MESSAGE_OCRQ)
		take_of_session(s, m);
	else
		take_foreign_call(t, m);
}

static uint16_t fill(const struct session *s, enum session_text which, void *out, size_t size)
{
	uint16_t length = s->texts[which].length < size ? s->texts[which].length : size;

	if (length)
		memcpy(out, s->texts[which].bytes, length);
	return length;
}

void session_fill_info(const struct session *s, struct l2tp_session_info *out)
{
	static const char *const words[] = {
		[SESSION_INSTALLING] = "installing",
		[SESSION_CONNECTING] = "connecting",
		[SESSION_SEQUENCING] = "installing",
		[SESSION_ESTABLISHED] = "established",
		[SESSION_GONE] = "gone",
	};
	const struct tunnel *t = s->tunnel;

	*out = (struct l2tp_session_info){.session = s->index,
		.tunnel = t->id,
		.peer_tunnel = t->peer_id,
		.session_id = s->id,
		.peer_session = s->peer_id,
		.peer = t->peer,
		.flow = t->flow,
		.serial = s->serial,
		.bearer_type = s->bearer_type,
		.framing_type = s->framing_type,
		.tx_speed = s->tx_speed,
		.rx_speed = s->rx_speed,
		.proxy_auth_type = s->proxy_auth_type,
		.proxy_auth_id = s->proxy_auth_id,
		.sequencing_required = s->sequencing,
		.state = words[s->state],
		.age_ms = timers_now(t->l2tp->timers) - s->started};
	memcpy(out->host_name, t->host_name, sizeof(out->host_name));
	fill(s, SESSION_CALLING, out->calling, L2TP_TEXT - 1);
	fill(s, SESSION_CALLED, out->called, L2TP_TEXT - 1);
	fill(s, SESSION_SUB_ADDRESS, out->sub_address, L2TP_TEXT - 1);
	out->private_group_length = fill(s, SESSION_PRIVATE_GROUP, out->private_group, L2TP_TEXT);
	out->lcp_first_received_length =
		fill(s, SESSION_LCP_FIRST_RECEIVED, out->lcp_first_received, L2TP_PROXY);
	out->lcp_last_sent_length = fill(s, SESSION_LCP_LAST_SENT, out->lcp_last_sent, L2TP_PROXY);
	out->lcp_last_received_length =
		fill(s, SESSION_LCP_LAST_RECEIVED, out->lcp_last_received, L2TP_PROXY);
	out->proxy_name_length = fill(s, SESSION_PROXY_NAME, out->proxy_name, L2TP_PROXY);
	out->proxy_challenge_length =
		fill(s, SESSION_PROXY_CHALLENGE, out->proxy_challenge, L2TP_PROXY);
	out->proxy_response_length =
		fill(s, SESSION_PROXY_RESPONSE, out->proxy_response, L2TP_PROXY);
}
