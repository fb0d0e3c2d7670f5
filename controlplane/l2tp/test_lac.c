// SPDX-License-Identifier: Apache-2.0

#include "test_lac.h"

#include "controlplane/fakes.h"

#include <string.h>

static uint8_t buffer[WIRE_MESSAGE];

void lac_open(struct lac *lac, struct l2tp *l2tp, uint32_t peer, uint32_t sa, uint16_t tunnel)
{
	*lac = (struct lac){.l2tp = l2tp, .tunnel = tunnel};
	lac->from.peer = peer;
	lac->from.sa = sa;
	lac->from.flow.local = address_v4((const uint8_t[]){192, 0, 2, 1});
	lac->from.flow.remote = address_v4((const uint8_t[]){198, 51, 100, 7});
	lac->from.flow.local_port = lac->from.flow.remote_port = PORT_L2TP;
}

struct build lac_begin(struct lac *lac, uint16_t session, uint16_t type)
{
	return wire_message_begin(buffer, sizeof(buffer), lac->peer_tunnel, session, type);
}

void lac_again(struct lac *lac)
{
	l2tp_input(lac->l2tp, &lac->from, lac->last.bytes, lac->last.length);
}

void lac_send(struct lac *lac, struct build *b)
{
	int length;

	build_patch_u16(b, WIRE_NS_OFFSET, lac->ns++);
	build_patch_u16(b, WIRE_NR_OFFSET, lac->nr);
	length = wire_message_end(b);
	if (length < 0)
		return;
	memcpy(lac->last.bytes, b->start, length);
	lac->last.length = length;
	lac_again(lac);
}

void lac_zlb(struct lac *lac)
{
	uint8_t zlb[WIRE_HEADER];

	wire_zlb(zlb, lac->peer_tunnel, lac->ns, lac->nr);
	l2tp_input(lac->l2tp, &lac->from, zlb, sizeof(zlb));
}

bool lac_hear(struct lac *lac, struct lac_heard *out)
{
	const struct fake_packet *p = fake_sent_take();
	static uint8_t copy[PACKET_DATA];

	memset(out, 0, sizeof(*out));
	if (!p)
		return false;
	memcpy(copy, p->data, p->length);
	out->sa = p->sa;
	out->flow = p->flow;
	if (wire_header_parse(copy, p->length, &out->header))
		return false;
	if (view_left(&out->header.avps) == 0)
		return true;
	message_parse(out->header.avps, NULL, 0, &out->m);
	if (out->header.ns == lac->nr)
		lac->nr++;
	if (out->m.type == MESSAGE_SCCRP)
		lac->peer_tunnel = out->m.assigned_tunnel;
	return true;
}

uint16_t lac_hear_message(struct lac *lac, struct lac_heard *out)
{
	while (lac_hear(lac, out))
		if (out->m.type != MESSAGE_TYPE_NONE)
			return out->m.type;
	return MESSAGE_TYPE_NONE;
}

struct build lac_sccrq(struct lac *lac)
{
	struct build b = lac_begin(lac, 0, MESSAGE_SCCRQ);

	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, 0x0100);
	wire_avp_u32(&b, AVP_FRAMING_CAPABILITIES, true, 3);
	wire_avp_bytes(&b, AVP_HOST_NAME, true, "lac", 3);
	wire_avp_bytes(&b, AVP_VENDOR_NAME, false, "test", 4);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, lac->tunnel);
	wire_avp_u16(&b, AVP_RECEIVE_WINDOW, true, 4);
	return b;
}

void lac_tunnel_up(struct lac *lac)
{
	struct build b = lac_sccrq(lac);
	struct lac_heard heard;

	lac_send(lac, &b);
	lac_hear_message(lac, &heard);
	b = lac_begin(lac, 0, MESSAGE_SCCCN);
	lac_send(lac, &b);
}

void lac_icrq(struct lac *lac, uint16_t session)
{
	struct build b = lac_begin(lac, 0, MESSAGE_ICRQ);

	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, session);
	wire_avp_u32(&b, AVP_CALL_SERIAL, true, 77);
	wire_avp_bytes(&b, AVP_CALLING_NUMBER, true, "5550100", 7);
	lac_send(lac, &b);
}

void lac_iccn(struct lac *lac, uint16_t peer_session, bool sequencing)
{
	struct build b = lac_begin(lac, peer_session, MESSAGE_ICCN);

	wire_avp_u32(&b, AVP_TX_SPEED, true, 10000000);
	wire_avp_u32(&b, AVP_FRAMING_TYPE, true, 1);
	if (sequencing)
		wire_avp_bytes(&b, AVP_SEQUENCING_REQUIRED, true, NULL, 0);
	lac_send(lac, &b);
}

uint16_t lac_session_up(struct lac *lac, uint16_t session)
{
	struct lac_heard heard;

	lac_icrq(lac, session);
	if (lac_hear_message(lac, &heard) != MESSAGE_ICRP)
		return 0;
	lac_iccn(lac, heard.m.assigned_session, false);
	return heard.m.assigned_session;
}
