// SPDX-License-Identifier: Apache-2.0

// L2TP headers in every form and cut at every byte; who may send into a session; sequence numbers;
// owners; and what goes out.

#include "dataplane/test_support.h"

#include "contract/build.h"
#include "contract/ids.h"

#include "dataplane/l2tp_header.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3, PAYLOAD = 7 };

static struct worker *w0 = &bench.workers[0], *w1 = &bench.workers[1];

// A data message of the session with those bits, with offset bytes of offset pad.
static size_t message_make(uint8_t *out, uint16_t flags, uint16_t ns, uint16_t offset)
{
	struct build b = build_in(out, 256);

	build_u16(&b, flags | 2);
	if (flags & L2TP_LENGTH)
		build_u16(&b, 0);
	build_u16(&b, TUNNEL);
	build_u16(&b, SESSION + 1);
	if (flags & L2TP_SEQUENCE) {
		build_u16(&b, ns);
		build_u16(&b, 0);
	}
	if (flags & L2TP_OFFSET) {
		build_u16(&b, offset);
		build_zero(&b, offset);
	}
	build_bytes(&b, "payload", PAYLOAD);
	if (flags & L2TP_LENGTH)
		build_patch_u16(&b, 2, (uint16_t)build_length(&b));
	assert_false(b.failed);
	return build_length(&b);
}

static struct rte_mbuf *message(uint16_t flags, uint16_t ns)
{
	uint8_t bytes[256];
	struct rte_mbuf *m = test_packet(bytes, message_make(bytes, flags, ns, 5));

	memcpy(&meta_of(m)->local, (const uint8_t[]){192, 0, 2, 1}, 4);
	memcpy(&meta_of(m)->remote, (const uint8_t[]){198, 51, 100, 7}, 4);
	meta_of(m)->local_port = PORT_L2TP;
	meta_of(m)->remote_port = PORT_L2TP;
	return m;
}

static void refuse(struct worker *w, struct rte_mbuf *m, enum drop reason)
{
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(l2tp_in(w, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

static void take(struct worker *w, struct rte_mbuf *m)
{
	assert_int_equal(l2tp_in(w, &m, 1), 1);
	assert_int_equal(m->data_len, PAYLOAD);
	assert_int_equal(m->pkt_len, PAYLOAD);
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), "payload", PAYLOAD);
	assert_int_equal(meta_of(m)->session, SESSION);
	assert_non_null(meta_of(m)->tunnel);
	rte_pktmbuf_free(m);
}

static void takes_every_form(void **state)
{
	test_session(TUNNEL, SESSION, 0, 0);
	for (unsigned bits = 0; bits < 16; bits++) {
		uint16_t flags = (bits & 1 ? L2TP_LENGTH : 0) | (bits & 2 ? L2TP_SEQUENCE : 0) |
				 (bits & 4 ? L2TP_OFFSET : 0) | (bits & 8 ? L2TP_PRIORITY : 0);

		take(w0, message(flags, (uint16_t)(2 * bits)));
		take(w0, message(flags | 0x20f0, (uint16_t)(2 * bits + 1))); // reserved bits
	}
}

static void takes_padding_off(void **state)
{
	struct rte_mbuf *m = message(L2TP_LENGTH, 0);

	test_session(TUNNEL, SESSION, 0, 0);
	memset(rte_pktmbuf_append(m, 30), 0, 30);
	take(w0, m);
}

// Cut at every byte, a message is refused or its payload is shorter; never read beyond.
static void parses_every_truncation(void **state)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		uint16_t flags = (bits & 1 ? L2TP_LENGTH : 0) | (bits & 2 ? L2TP_SEQUENCE : 0) |
				 (bits & 4 ? L2TP_OFFSET : 0);
		uint8_t bytes[256];
		size_t length = message_make(bytes, flags, 1, 5);

		for (size_t cut = 0; cut < length; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1); // for the address sanitizer
			struct l2tp_header h;
			int error;

			memcpy(exact, bytes, cut);
			error = l2tp_header_parse(exact, cut, &h);
			if (flags & L2TP_LENGTH || cut < length - PAYLOAD)
				assert_int_equal(error, -EBADMSG);
			else
				assert_int_equal(h.end, cut);
			free(exact);
		}
	}
}

static void refuses_what_the_table_says(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t length;
		int error;
	} table[] = {
		{{0x00, 0x02, 0, 1, 0, 1}, 6, 0},
		{{0x00, 0x01, 0, 1, 0, 1}, 6, -EPROTONOSUPPORT},
		{{0x00, 0x03, 0, 1, 0, 1}, 6, -EPROTONOSUPPORT},
		{{0xc8, 0x02}, 2, 0}, // a control message: for the control plane to judge
		{{0xc8, 0x03}, 2, -EPROTONOSUPPORT},
		{{0x40, 0x02, 0, 8, 0, 1, 0, 1}, 8, 0},
		{{0x40, 0x02, 0, 9, 0, 1, 0, 1}, 8, -EBADMSG},
		{{0x40, 0x02, 0, 7, 0, 1, 0, 1}, 8, -EBADMSG},
		{{0x40, 0x02, 0, 3, 0, 1, 0, 1}, 8, -EBADMSG},
		{{0x40, 0x02, 0, 0, 0, 1, 0, 1}, 8, -EBADMSG},
		{{0x02, 0x02, 0, 1, 0, 1, 0, 0}, 8, 0},
		{{0x02, 0x02, 0, 1, 0, 1, 0, 1}, 8, -EBADMSG},
		{{0x02, 0x02, 0, 1, 0, 1, 0xff, 0xff, 0}, 9, -EBADMSG},
		{{0x42, 0x02, 0, 11, 0, 1, 0, 1, 0, 2, 0, 0}, 12, -EBADMSG}, // offset beyond length
		{{0x08, 0x02, 0, 1, 0, 1, 0, 1, 0}, 9, -EBADMSG},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct l2tp_header h;

		assert_int_equal(
			l2tp_header_parse(table[i].bytes, table[i].length, &h), table[i].error);
	}
}

static void punts_control(void **state)
{
	static const uint8_t zlb[] = {0xc8, 2, 0, 12, 0, 5, 0, 0, 0, 1, 0, 1};
	struct rte_mbuf *m = test_packet(zlb, sizeof(zlb));

	assert_int_equal(l2tp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.punted, 1);
	assert_int_equal(bench.record.kinds[0], PACKET_L2TP);
	assert_int_equal(bench.record.punts[0]->data_len, sizeof(zlb));
}

static void takes_clear_data_from_its_peer_only(void **state)
{
	struct rte_mbuf *m;

	refuse(w0, message(0, 0), DROP_L2TP_TUNNEL);
	test_session(TUNNEL, SESSION, 0, 0);
	take(w0, message(0, 0));
	m = message(0, 0);
	meta_of(m)->remote ^= 0x01000000;
	refuse(w0, m, DROP_L2TP_PEER);
	m = message(0, 0);
	meta_of(m)->remote_port++;
	refuse(w0, m, DROP_L2TP_PEER);
	m = message(0, 0);
	meta_of(m)->local ^= 0x01000000;
	refuse(w0, m, DROP_L2TP_PEER);
	m = message(0, 0);
	meta_of(m)->peer = id_make(1, 1);
	refuse(w0, m, DROP_L2TP_PEER);
	m = message(0, 0);
	rte_pktmbuf_mtod(m, uint8_t *)[4] ^= 0x80; // session id with the same low bits
	refuse(w0, m, DROP_L2TP_SESSION);
}

// Two clients behind one NAT: same address, each only into its own tunnel.
static void takes_protected_data_from_its_peer_only(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct rte_mbuf *m;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	test_session(TUNNEL, SESSION, c.peer, c.spi_in);
	refuse(w0, message(0, 0), DROP_L2TP_PEER);
	m = message(0, 0);
	meta_of(m)->peer = c.peer ^ 1;
	refuse(w0, m, DROP_L2TP_PEER);
	m = message(0, 0);
	meta_of(m)->peer = c.peer;
	meta_of(m)->remote_port = 54321; // a client with an ephemeral port
	take(w0, m);
}

static void drops_what_is_older(void **state)
{
	static const struct {
		uint16_t ns;
		bool taken;
	} table[] = {{0, true}, {1, true}, {1, false}, {0, false}, {5, true}, {4, false}, {6, true},
		{0x7fff, true}, {0xfffe, true}, {0xffff, true}, {0, true}, {0xffff, false},
		{1, true}};

	test_session(TUNNEL, SESSION, 0, 0);
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rte_mbuf *m = message(L2TP_SEQUENCE, table[i].ns);

		if (table[i].taken)
			take(w0, m);
		else
			refuse(w0, m, DROP_L2TP_SEQUENCE);
	}
	// A peer that starts again is heard after a while.
	take(w0, message(L2TP_SEQUENCE, 20000));
	for (unsigned i = 0; i < 31; i++)
		refuse(w0, message(L2TP_SEQUENCE, (uint16_t)i), DROP_L2TP_SEQUENCE);
	take(w0, message(L2TP_SEQUENCE, 31));
	take(w0, message(L2TP_SEQUENCE, 32));
}

static void hands_over_to_the_owner_and_moves_the_claim(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct session_uplink *s = &bench.tables->session[SESSION].uplink;
	struct rte_mbuf *m;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	test_session(TUNNEL, SESSION, c.peer, c.spi_in);
	m = message(0, 0);
	meta_of(m)->peer = c.peer;
	take(w1, m);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(s->owner, 2);
		m = message(0, 0);
		meta_of(m)->peer = c.peer;
		meta_of(m)->sa = sa_find(bench.tables, c.spi_in);
		assert_int_equal(l2tp_in(w0, &m, 1), 0);
		m = bench.record.handovers[0].m;
		assert_int_equal(bench.record.handovers[0].owner, 2);
		assert_int_equal(bench.record.handovers[0].stage, HANDOVER_L2TP_IN);
		assert_null(meta_of(m)->sa);
		assert_int_equal(meta_of(m)->peer, c.peer);
		bench.record.handovers[0].m = NULL;
		bench.record.handed = 0;
		take(w1, m);
	}
	assert_int_equal(s->owner, 0);
	m = message(0, 0);
	meta_of(m)->peer = c.peer;
	take(w0, m);
	assert_int_equal(s->owner, 1);
}

static void forgets_deleted_sessions(void **state)
{
	test_session(TUNNEL, SESSION, 0, 0);
	take(w0, message(0, 0));
	assert_int_equal(
		session_delete(bench.tables, &(struct command_session_delete){SESSION}), 0);
	refuse(w0, message(0, 0), DROP_L2TP_SESSION);
	assert_int_equal(
		tunnel_delete(bench.tables, &(struct command_tunnel_delete){TUNNEL, 0}), 0);
	refuse(w0, message(0, 0), DROP_L2TP_TUNNEL);
}

static struct rte_mbuf *frame(uint32_t session)
{
	struct rte_mbuf *m = test_packet("frame", 5);

	meta_of(m)->session = session;
	return m;
}

static void puts_the_short_header_on(void **state)
{
	static const uint8_t expected[] = {0x06, 0xa5, 0x06, 0xa5, 0, 19, 0, 0, 0x00, 0x02, 0x03,
		0xed, 0x07, 0xd3, 'f', 'r', 'a', 'm', 'e'};
	struct rte_mbuf *m = frame(SESSION);

	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(l2tp_out(w0, &m, 1), 1);
	assert_int_equal(m->data_len, sizeof(expected));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), expected, sizeof(expected));
	assert_int_equal(meta_of(m)->protocol, 17);
	assert_null(meta_of(m)->sa);
	assert_memory_equal(&meta_of(m)->remote, ((const uint8_t[]){198, 51, 100, 7}), 4);
	rte_pktmbuf_free(m);
}

static void puts_sequence_numbers_on(void **state)
{
	struct command_session_add s = {.session = 9,
		.tunnel = TUNNEL,
		.session_id = 10,
		.peer_session = 0x1234,
		.sequencing = 1};

	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(session_add(bench.tables, &s), 0);
	bench.tables->session[9].downlink.ns = 0xffff;
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m = frame(9);
		const uint8_t *at;

		assert_int_equal(l2tp_out(w0, &m, 1), 1);
		at = rte_pktmbuf_mtod(m, const uint8_t *);
		assert_int_equal(m->data_len, 8 + 10 + 5);
		assert_int_equal(at[8], 0x08);
		assert_int_equal(at[14] << 8 | at[15], (0xffff + i) & 0xffff);
		rte_pktmbuf_free(m);
	}
}

static void drops_what_has_no_way_out(void **state)
{
	struct rte_mbuf *m = frame(SESSION);

	assert_int_equal(l2tp_out(w0, &m, 1), 0);
	m = frame(SESSION_NONE);
	assert_int_equal(l2tp_out(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 2);
	test_session(TUNNEL, SESSION, id_make(1, 1), 0);
	m = frame(SESSION);
	assert_int_equal(l2tp_out(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_ESP_NO_SA], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_every_form),
		TEST(takes_padding_off),
		TEST(parses_every_truncation),
		TEST(refuses_what_the_table_says),
		TEST(punts_control),
		TEST(takes_clear_data_from_its_peer_only),
		TEST(takes_protected_data_from_its_peer_only),
		TEST(drops_what_is_older),
		TEST(hands_over_to_the_owner_and_moves_the_claim),
		TEST(forgets_deleted_sessions),
		TEST(puts_the_short_header_on),
		TEST(puts_sequence_numbers_on),
		TEST(drops_what_has_no_way_out),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}
