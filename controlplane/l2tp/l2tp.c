// SPDX-License-Identifier: Apache-2.0

// The door of the module: what comes from the workers is checked here in the order of what the
// checks cost (clear or not, header, tunnel, sender) before a tunnel sees it; what the rest of the
// control plane asks for finds its tunnel or session here.

#include "l2tp.h"

#include "admission.h"
#include "endpoint.h"
#include "session.h"
#include "tunnel.h"
#include "tunnel_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint16_t clamp_window(uint16_t window)
{
	if (window == 0)
		return 1;
	return window > CHANNEL_WINDOW_MAX ? CHANNEL_WINDOW_MAX : window;
}

static int open_tables(struct l2tp *l2tp)
{
	l2tp->session_room = l2tp->config->dataplane.sessions;
	l2tp->sessions = calloc(l2tp->session_room + 1, sizeof(struct session *));
	return l2tp->sessions ? 0 : -ENOMEM;
}

struct l2tp *l2tp_create(const struct config *config, struct timers *timers,
	struct numbers *numbers, const struct l2tp_events *events, void *context)
{
	struct l2tp *l2tp = calloc(1, sizeof(*l2tp));

	if (!l2tp)
		return NULL;
	l2tp->config = config;
	l2tp->timers = timers;
	l2tp->numbers = numbers;
	l2tp->events = *events;
	l2tp->context = context;
	l2tp->settings = (struct channel_settings){.retransmit_ms = config->l2tp.retransmit_ms,
		.retransmit_max_ms = config->l2tp.retransmit_max_ms,
		.retransmit_tries = config->l2tp.retransmit_tries,
		.window = clamp_window(config->l2tp.window)};
	if (open_tables(l2tp)) {
		l2tp_free(l2tp);
		return NULL;
	}
	return l2tp;
}

void l2tp_free(struct l2tp *l2tp)
{
	if (!l2tp)
		return;
	timer_stop(l2tp->timers, &l2tp->reaper);
	for (uint32_t i = 0; l2tp->sessions && i < l2tp->session_room; i++)
		if (l2tp->sessions[i])
			session_free(l2tp->sessions[i]);
	while (l2tp->dead_sessions) {
		struct session *s = l2tp->dead_sessions;

		l2tp->dead_sessions = s->dead_next;
		session_free(s);
	}
	for (uint32_t i = 0; i < LIMIT_TUNNELS; i++)
		if (l2tp->tunnels[i])
			tunnel_free(l2tp->tunnels[i]);
	while (l2tp->dead_tunnels) {
		struct tunnel *t = l2tp->dead_tunnels;

		l2tp->dead_tunnels = t->dead_next;
		tunnel_free(t);
	}
	free(l2tp->sessions);
	free(l2tp);
}

static bool serves_clear(const struct l2tp *l2tp, const struct ip_address *local)
{
	for (uint16_t i = 0; i < l2tp->config->listener_count; i++) {
		const struct config_listener *listener = &l2tp->config->listeners[i];

		if (listener->clear_l2tp && address_equal(&listener->address, local))
			return true;
	}
	return false;
}

static void log_refused(
	enum log_event event, const struct l2tp_from *from, uint16_t tunnel, const char *reason)
{
	const struct log_subject subject = {.peer = from->flow.remote,
		.peer_port = from->flow.remote_port,
		.peer_id = from->peer,
		.tunnel = tunnel};

	log_event(event, &subject, "s:s", "reason", reason);
}

static const char *header_reason(int error)
{
	switch (error) {
	case -EPROTONOSUPPORT:
		return "the header's version is not 2";
	case -EINVAL:
		return "the header's flags are not those of a control message";
	default:
		return "the header's length is wrong";
	}
}

void l2tp_input(
	struct l2tp *l2tp, const struct l2tp_from *from, const uint8_t *message, size_t length)
{
	struct wire_header header;
	struct tunnel *t;
	int error;

	if (!from->peer && !serves_clear(l2tp, &from->flow.local)) {
		l2tp->counters.clear_refused++;
		log_refused(LOG_TUNNEL_REFUSED, from, 0, "L2TP without IPsec");
		return;
	}
	error = wire_header_parse(message, length, &header);
	if (error) {
		endpoint_invalid(l2tp, from, header_reason(error));
		return;
	}
	if (header.tunnel == 0) {
		admission_input(l2tp, from, &header, message, length);
		return;
	}
	t = l2tp->tunnels[header.tunnel];
	if (!t) {
		endpoint_invalid(l2tp, from, "there is no tunnel of that id");
	} else if (!tunnel_owns(t, from)) {
		l2tp->counters.foreign++;
		log_refused(LOG_L2TP_INVALID, from, t->id, "the tunnel belongs to another peer");
	} else {
		tunnel_input(t, from, &header, message, length);
	}
}

void l2tp_peer_sa(struct l2tp *l2tp, uint32_t peer, uint32_t sa)
{
	if (!peer)
		return;
	for (struct tunnel *t = tunnel_table_first(l2tp, peer); t; t = tunnel_table_next(t))
		tunnel_set_sa(t, sa);
}

void l2tp_peer_down(struct l2tp *l2tp, uint32_t peer, const char *cause)
{
	struct tunnel *t;

	if (!peer)
		return;
	while ((t = tunnel_table_first(l2tp, peer)))
		tunnel_drop(t, cause);
}

int l2tp_session_close(struct l2tp *l2tp, uint32_t session, uint16_t result, const char *message)
{
	struct session *s = session < l2tp->session_room ? l2tp->sessions[session] : NULL;

	if (!s)
		return -ENOENT;
	session_close(s, result, ERROR_NONE, message, false);
	return 0;
}

int l2tp_tunnel_close(struct l2tp *l2tp, uint16_t tunnel, uint16_t result, const char *message)
{
	struct tunnel *t = l2tp->tunnels[tunnel];

	if (!t || !tunnel_is_open(t))
		return -ENOENT;
	tunnel_stop(t, result, ERROR_NONE, message);
	return 0;
}

void l2tp_close_all(struct l2tp *l2tp, const char *message)
{
	for (uint32_t i = 0; i < LIMIT_TUNNELS; i++)
		if (l2tp->tunnels[i])
			tunnel_stop(l2tp->tunnels[i], STOP_SHUTDOWN, ERROR_NONE, message);
}

void l2tp_each_tunnel(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_tunnel_info *info), void *context)
{
	struct l2tp_tunnel_info info;

	for (uint32_t i = 0; i < LIMIT_TUNNELS; i++) {
		const struct tunnel *t = l2tp->tunnels[i];

		// What lingers after the peer's StopCCN is nobody's tunnel any more.
		if (!t || t->state == TUNNEL_STOPPED)
			continue;
		tunnel_fill_info(t, &info);
		each(context, &info);
	}
}

void l2tp_each_session(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_session_info *info), void *context)
{
	struct l2tp_session_info info;

	for (uint32_t i = 0; i < l2tp->session_room; i++) {
		if (!l2tp->sessions[i])
			continue;
		session_fill_info(l2tp->sessions[i], &info);
		each(context, &info);
	}
}

int l2tp_session_info(const struct l2tp *l2tp, uint32_t session, struct l2tp_session_info *out)
{
	if (session >= l2tp->session_room || !l2tp->sessions[session])
		return -ENOENT;
	session_fill_info(l2tp->sessions[session], out);
	return 0;
}

void l2tp_counters(const struct l2tp *l2tp, struct l2tp_counters *out)
{
	*out = l2tp->counters;
	for (uint32_t i = 0; i < LIMIT_TUNNELS; i++)
		if (l2tp->tunnels[i])
			out->retransmits += l2tp->tunnels[i]->channel.retransmits;
}
