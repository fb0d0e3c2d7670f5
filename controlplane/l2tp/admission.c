// SPDX-License-Identifier: Apache-2.0

// An SCCRQ names no tunnel of ours, so it may be new, or sent again, or that of a peer that lost
// its memory and begins anew under the id that it used before. The tunnel that we have tells:
// while it comes up, the same bytes are the same message; once it is established, they are a stray
// for a short while and a restart later; other bytes always are a restart. The old tunnel then
// gives way without a StopCCN, which the new one would take for its own.
//
// A peer that lost its memory may as well begin under another id. Then its other tunnels are asked
// whether they are still known.

#include "admission.h"

#include "message.h"
#include "tunnel.h"
#include "tunnel_table.h"

// A StopCCN without a tunnel behind it, sent once; what comes back to it finds nothing.
static void refuse_without_tunnel(
	struct l2tp *l2tp, const struct l2tp_from *from, uint16_t peer_id, const char *text)
{
	const struct log_subject subject = {.peer = from->flow.remote,
		.peer_port = from->flow.remote_port,
		.peer_id = from->peer};
	uint8_t buffer[WIRE_MESSAGE];
	struct build b = wire_message_begin(buffer, sizeof(buffer), peer_id, 0, MESSAGE_STOPCCN);
	int length;

	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 0);
	wire_avp_result(&b, STOP_ERROR, ERROR_RESOURCES, text);
	build_patch_u16(&b, WIRE_NR_OFFSET, 1);
	length = wire_message_end(&b);
	if (length > 0)
		(void)dataplane_send_l2tp(&from->flow, from->sa, buffer, length);
	l2tp->counters.tunnels_refused++;
	log_event(LOG_TUNNEL_REFUSED, &subject, "s:s, s:i, s:i", "reason", text, "result",
		STOP_ERROR, "error", ERROR_RESOURCES);
}

static void open_tunnel(struct l2tp *l2tp, const struct l2tp_from *from,
	const struct wire_header *header, const uint8_t *message, size_t length,
	const struct control_message *m)
{
	struct log_subject subject;
	struct tunnel *t;

	if (tunnel_table_count(l2tp, from) >= ADMISSION_TUNNELS) {
		refuse_without_tunnel(l2tp, from, m->assigned_tunnel, "too many tunnels");
		return;
	}
	t = tunnel_create(l2tp, from, m);
	if (!t) {
		refuse_without_tunnel(l2tp, from, m->assigned_tunnel, "insufficient resources");
		return;
	}
	subject = tunnel_subject(t);
	log_event(LOG_TUNNEL_START, &subject, "s:s, s:s, s:i", "host", t->host_name, "vendor",
		t->vendor_name, "peer_tunnel", t->peer_id);
	t->sccrq = tunnel_table_hash(message, length);
	tunnel_input(t, from, header, message, length);
	tunnel_table_each(l2tp, from, tunnel_probe);
}

// An SCCRQ under an id that this peer uses already: seen before, or the peer started again.
static bool seen_before(struct tunnel *t, const struct l2tp_from *from,
	const struct wire_header *header, const uint8_t *message, size_t length)
{
	bool same = t->sccrq == tunnel_table_hash(message, length);

	switch (t->state) {
	case TUNNEL_INSTALLING:
		return same;
	case TUNNEL_CONNECTING:
	case TUNNEL_STOPPING:
		if (same)
			tunnel_input(t, from, header, message, length);
		return same;
	case TUNNEL_ESTABLISHED:
		return same && timers_now(t->l2tp->timers) - t->established < ADMISSION_STRAY_MS;
	default:
		return false;
	}
}

static void take_first_sccrq(struct l2tp *l2tp, const struct l2tp_from *from,
	const struct wire_header *header, const uint8_t *message, size_t length,
	const struct control_message *m)
{
	struct tunnel *t;

	// Without these two it cannot be answered.
	if (m->assigned_tunnel == 0 || header->ns != 0) {
		endpoint_invalid(l2tp, from,
			header->ns ? "an SCCRQ does not start the numbering"
				   : "an SCCRQ without an Assigned Tunnel ID");
		return;
	}
	t = tunnel_table_find(l2tp, from, m->assigned_tunnel);
	if (t && seen_before(t, from, header, message, length))
		return;
	if (t && tunnel_is_open(t))
		tunnel_drop(t, "the peer started again");
	open_tunnel(l2tp, from, header, message, length, m);
}

void admission_input(struct l2tp *l2tp, const struct l2tp_from *from,
	const struct wire_header *header, const uint8_t *message, size_t length)
{
	struct control_message m;
	struct tunnel *t;

	message_parse(
		header->avps, l2tp->config->l2tp.secret, l2tp->config->l2tp.secret_length, &m);
	if (m.type == MESSAGE_SCCRQ) {
		take_first_sccrq(l2tp, from, header, message, length, &m);
		return;
	}
	t = m.type == MESSAGE_STOPCCN ? tunnel_table_find(l2tp, from, m.assigned_tunnel) : NULL;
	if (t)
		tunnel_input(t, from, header, message, length);
	else
		endpoint_invalid(l2tp, from, "a message for tunnel 0 that is no SCCRQ");
}
