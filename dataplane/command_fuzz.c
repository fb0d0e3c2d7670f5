// SPDX-License-Identifier: Apache-2.0

// Any message as a command, as a hostile control plane could send it: any type, any size, any body,
// in any order. Between them frames arrive and packets are injected, so that whatever the tables
// hold is also used. After a reset nothing is left.

#include "dataplane/test_lab.h"

#include "dataplane/command.h"
#include "dataplane/group.h"
#include "dataplane/session.h"

#include "contract/ids.h"
#include "contract/view.h"

#include <rte_ether.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS = 64,
	COMMANDS = 20, // with one below and one above those that there are
	SECONDS = 10,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(lab_start(NULL) == 0);
	lab_connect();
	return 0;
}

static void command(uint8_t type, struct view *v)
{
	struct message m = {.type = type};
	uint32_t value;
	uint8_t wrong = view_u8(v), length = view_u8(v);

	m.size = wrong < 0xf0 ? command_size(type) : wrong * 0x1010101U;
	view_copy(v, m.body, length < view_left(v) ? length : view_left(v));
	(void)command_apply(&lab.clerk, &m, &value);
}

// PPP into any session, and a packet to the address of any.
static void inject(struct view *v)
{
	struct packet *slot = ring_slot(&lab.far.inject[0]);

	check(slot);
	memset(slot, 0, PACKET_HEADER);
	slot->kind = PACKET_PPP;
	slot->length = 20;
	slot->parts = 1;
	slot->session = view_u8(v);
	ring_push(&lab.far.inject[0]);
	lab_run();
}

static void receive(struct view *v)
{
	uint16_t port = view_u8(v) & 1, length = view_u8(v);
	uint8_t bytes[256], frame[LAB_FRAME];
	uint32_t to = view_u32(v), from = view_u32(v);

	length = length < view_left(v) ? length : (uint16_t)view_left(v);
	view_copy(v, bytes, length);
	lab_receive(port, port, frame,
		lab_udp_frame(frame, port, from, to, PORT_L2TP, PORT_L2TP, bytes, length));
	lab_run();
}

static void settle(void)
{
	for (int i = 0; lab_forget(), lab_packets_out() && i < SECONDS; i++)
		lab_second();
	for (uint16_t i = 0; i < lab.workers; i++)
		while (ring_front(&lab.far.punt[i]))
			ring_pop(&lab.far.punt[i]);
	check(lab_balanced() && lab_packets_out() == 0);
}

static void finish(void)
{
	struct message reset = {.type = COMMAND_RESET, .size = sizeof(struct command_reset)}, event;
	uint32_t value;

	lab_run();
	settle();
	while (sa_event_next(lab.tables, &event))
		check(event.size == event_size(event.type));
	check(command_apply(&lab.clerk, &reset, &value) == 0);
	reclaim_wait(lab.tables);
	for (uint16_t i = 0; i < LIMIT_FILTERS; i++)
		check(!lab.tables->groups->filter[i] && group_word(lab.tables, i) == 0);
	for (uint32_t i = 0; i < lab.tables->sas; i++)
		check(!lab.tables->sa[i]);
	for (uint32_t i = 0; i < lab.tables->sessions; i++)
		check(lab.tables->session[i].uplink.state == SESSION_FREE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);

	for (int i = 0; view_left(&v) && i < STEPS; i++) {
		uint8_t kind = view_u8(&v) % (COMMANDS + 2);

		if (kind < COMMANDS)
			command(kind, &v);
		else if (kind == COMMANDS)
			inject(&v);
		else
			receive(&v);
	}
	finish();
	return 0;
}
