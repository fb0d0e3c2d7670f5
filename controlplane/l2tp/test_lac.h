// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small LAC for unit tests: speaks to the endpoint by l2tp_input, hears it through the fakes.
// It does not retransmit; a test that wants that sends `last` again.

#include "l2tp.h"
#include "message.h"
#include "wire.h"

struct lac {
	struct l2tp *l2tp;
	struct l2tp_from from;
	uint16_t tunnel, peer_tunnel; // its own id, and the endpoint's
	uint16_t ns, nr;
	struct {
		uint8_t bytes[WIRE_MESSAGE];
		size_t length;
	} last; // that it sent
};

// What the endpoint sent.
struct lac_heard {
	uint32_t sa;
	struct flow flow;
	struct wire_header header;
	struct control_message m; // type MESSAGE_TYPE_NONE for a ZLB
};

void lac_open(struct lac *lac, struct l2tp *l2tp, uint32_t peer, uint32_t sa, uint16_t tunnel);
// Begin a message with the right header; add AVPs; lac_send numbers it and delivers it.
struct build lac_begin(struct lac *lac, uint16_t session, uint16_t type);
void lac_send(struct lac *lac, struct build *b);
void lac_again(struct lac *lac); // sends the last message again, byte by byte
void lac_zlb(struct lac *lac);
// The next datagram of the endpoint; false when there is none. Takes the endpoint's tunnel id
// from SCCRP and counts what must be acknowledged.
bool lac_hear(struct lac *lac, struct lac_heard *out);
// The next that is no ZLB; type MESSAGE_TYPE_NONE when there is none.
uint16_t lac_hear_message(struct lac *lac, struct lac_heard *out);

// SCCRQ with what it must carry, for a test to add to.
struct build lac_sccrq(struct lac *lac);
// The whole exchanges.
void lac_tunnel_up(struct lac *lac);
// Returns the endpoint's session id.
uint16_t lac_session_up(struct lac *lac, uint16_t session);
void lac_icrq(struct lac *lac, uint16_t session);
void lac_iccn(struct lac *lac, uint16_t peer_session, bool sequencing);
