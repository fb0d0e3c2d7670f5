// SPDX-License-Identifier: Apache-2.0

// Any bytes in the slots of the inject rings, as a hostile control plane could put them there:
// whatever they are, each is sent or dropped by name, and the counters add up.

#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include "contract/view.h"

#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 40,
	SECONDS = 10,
	SIX = 0x80,  // of the kind: over IPv6
	LONG = 0x40, // and more parts follow
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
	check(lab_start(NULL) == 0 && tunnel_routes() == 0);
	lab_connect();
	return 0;
}

// The header of a packet that makes sense, of any kind; the bytes that follow are xored into it.
static struct packet sane(uint8_t kind, bool six)
{
	struct packet p = {.kind = kind,
		.length = 64,
		.parts = 1,
		.sa = kind == PACKET_L2TP ? OURS : 0,
		.session = kind == PACKET_PPP || kind >= PACKET_IP6 ? SESSION : SESSION_NONE,
		.local_port = kind == PACKET_IKE ? PORT_IKE : PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address_from_u32(US_SUB),
		.remote = address_from_u32(CLIENT)};

	if (six) {
		address_parse(LAB_SUB6, &p.local);
		address_parse(CLIENT6, &p.remote);
	}
	return p;
}

static void push(uint16_t worker, const struct packet *p)
{
	struct packet *slot = ring_slot(&lab.far.inject[worker]);

	check(slot);
	memcpy(slot, p, sizeof(*p));
	ring_push(&lab.far.inject[worker]);
}

static void put(uint16_t worker, struct view *v)
{
	uint8_t changes[PACKET_HEADER];
	uint8_t kind = view_u8(v);
	struct packet p = sane(kind % 7, kind & SIX);
	size_t length = view_u8(v) * 8U, header = view_u8(v) % (PACKET_HEADER + 1U);
	uint8_t *bytes = (uint8_t *)&p;

	p.parts = kind & LONG ? 1 + length / 8 % PACKET_PARTS : 1;
	p.length = p.parts > 1 ? PACKET_DATA : p.length;
	for (; p.part + 1 < p.parts; p.part++)
		push(worker, &p);
	length = length < view_left(v) ? length : view_left(v);
	view_copy(v, p.data, length < PACKET_DATA ? length : PACKET_DATA);
	header = header < view_left(v) ? header : view_left(v);
	view_copy(v, changes, header);
	for (size_t i = 0; i < header; i++)
		bytes[i] ^= changes[i];
	push(worker, &p);
}

static void finish(void)
{
	lab_run();
	for (int i = 0; lab_forget(), lab_packets_out() && i < SECONDS; i++)
		lab_second();
	check(lab_balanced() && lab_packets_out() == 0 && !channel_broken(&lab.near));
	tunnel_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);

	tunnel_outer6(size && data[0] & 2);
	check(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN) == 0);
	check(tunnel_sessions() == 0);
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	for (int i = 0; view_left(&v) && i < SLOTS; i++)
		put(view_u8(&v) & 1, &v);
	finish();
	return 0;
}
