// SPDX-License-Identifier: Apache-2.0

// How a peer comes up: exchanges of the responder with a small initiator, over the fakes.

#include "fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void each_group_cipher_and_hash(void **state)
{
	static const struct {
		unsigned encryption, hash, group;
	} suites[] = {{IKE_AES_CBC_128, IKE_SHA1, IKE_ECP_256},
		{IKE_AES_CBC_256, IKE_SHA1, IKE_ECP_384},
		{IKE_AES_CBC_256, IKE_SHA1, IKE_MODP_2048},
		{IKE_AES_CBC_192, IKE_SHA256, IKE_ECP_521},
		{IKE_AES_CBC_256, IKE_SHA384, IKE_ECP_256},
		{IKE_AES_CBC_256, IKE_SHA512, IKE_ECP_256}, {IKE_3DES, IKE_SHA1, IKE_MODP_1024},
		{IKE_3DES, IKE_MD5, IKE_MODP_1536}, {IKE_AES_CBC_256, IKE_MD5, IKE_MODP_1024},
		{IKE_AES_CBC_256, IKE_SHA256, IKE_MODP_3072},
		{IKE_AES_CBC_256, IKE_SHA256, IKE_MODP_4096}};

	config.ike.legacy_3des = config.ike.legacy_md5 = true;
	config.ike.legacy_modp1024 = config.ike.legacy_modp1536 = true;
	for (size_t n = 0; n < sizeof(suites) / sizeof(suites[0]); n++) {
		struct initiator i;
		struct initiator_quick q;

		initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
		i.encryption = suites[n].encryption;
		i.hash = suites[n].hash;
		i.group = suites[n].group;
		assert_true(initiator_main(&i));
		quick_up(&i, &q, 0xabcd0001 + n);
		initiator_free(&i);
	}
}

// Main mode, and of quick mode the first message and its answer.
static void ask_for_a_pair(struct initiator *i, struct initiator_quick *q)
{
	connect_as(i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(q, 0xabcd0001);
	assert_true(initiator_quick_first(i, q));
}

static void installs_the_pair_that_was_agreed(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct command_sa_add c;

	ask_for_a_pair(&i, &q);
	assert_int_equal(seen.currents, 0);
	c = take_add();
	assert_int_equal(c.spi_in, q.spi_responder);
	assert_int_equal(c.spi_out, q.spi);
	assert_int_equal(c.cipher, ESP_CIPHER_AES_CBC_256);
	assert_int_equal(c.integrity, ESP_INTEGRITY_HMAC_SHA1_96);
	assert_int_equal(c.encapsulation, ESP_PLAIN);
	assert_int_equal(c.remote_port, 0);
	assert_true(address_equal(&c.remote, &i.flow.remote));
	assert_true(address_equal(&c.local, &i.flow.local));
	// What is inbound for us is outbound for the peer.
	assert_memory_equal(c.cipher_key_in, q.keys_out, 32);
	assert_memory_equal(c.integrity_key_in, q.keys_out + 32, 20);
	assert_memory_equal(c.cipher_key_out, q.keys_in, 32);
	assert_memory_equal(c.integrity_key_out, q.keys_in + 32, 20);
	initiator_quick_third(&i, &q);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(seen.sa, q.spi_responder);
	assert_int_equal(seen.peer, c.peer);
	assert_int_equal(ike_peer_sa(ike, c.peer), q.spi_responder);
	initiator_free(&i);
}

static void installs_a_pair_over_ipv6(void **state)
{
	static const enum esp_encapsulation wanted[] = {ESP_PLAIN, ESP_UDP};
	struct initiator_quick q;
	struct command_sa_add c;
	struct initiator i;

	for (int nat = 0; nat < 2; nat++) {
		initiator_init(&i, ike, nat ? "2001:db8:1::7" : "2001:db8:1::8", PORT_IKE);
		i.natt = NATT_RFC3947;
		i.nat = nat;
		assert_true(initiator_main(&i));
		initiator_quick_init(&q, 0xabcd0001);
		q.mode = nat ? 4 : 2;
		assert_true(initiator_quick_first(&i, &q));
		c = take_add();
		assert_int_equal(c.encapsulation, wanted[nat]);
		assert_true(address_equal(&c.remote, &i.flow.remote));
		assert_true(address_equal(&c.local, &i.flow.local));
		assert_memory_equal(c.cipher_key_in, q.keys_out, 32);
		initiator_quick_third(&i, &q);
		initiator_free(&i);
	}
	// The ID of another host is as wrong as with IPv4.
	initiator_init(&i, ike, "2001:db8:1::9", PORT_IKE);
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, 0xabcd0002);
	q.id_i_length = q.id_r_length = 20;
	memcpy(q.id_i, (const uint8_t[20]){5, 17, 6, 165, 0x20, 1}, 20);
	memcpy(q.id_r, (const uint8_t[20]){5, 17, 6, 165, 0x20, 1}, 20);
	assert_false(initiator_quick_first(&i, &q));
	initiator_free(&i);
}

// Transforms that are there by config alone, each with the keys that it takes.
static void installs_what_the_config_allows(void **state)
{
	static const struct {
		struct initiator_quick quick;
		enum esp_cipher cipher;
		enum esp_integrity integrity;
		size_t key, integrity_key;
	} cases[] = {
		{{.transform = 3, .auth = 2}, ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA1_96, 24, 20},
		{{.transform = 28}, ESP_CIPHER_CHACHA20_POLY1305, ESP_INTEGRITY_NONE, 36, 0},
		{{.transform = 20, .key_bits = 128, .esn = 1}, ESP_CIPHER_AES_GCM_128,
			ESP_INTEGRITY_NONE, 20, 0},
		{{.transform = 12, .key_bits = 128, .auth = 2, .esn = 1}, ESP_CIPHER_AES_CBC_128,
			ESP_INTEGRITY_HMAC_SHA1_96, 16, 20},
	};
	struct initiator i;

	config.ike.legacy_3des = config.ike.esp_extended_sequence = true;
	config.ike.esp_cipher.values[config.ike.esp_cipher.count++] = ESP_CIPHER_3DES;
	config.ike.esp_cipher.values[config.ike.esp_cipher.count++] = ESP_CIPHER_CHACHA20_POLY1305;
	connect_as(&i, "198.51.100.7", PORT_IKE);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct initiator_quick q = cases[n].quick;
		struct command_sa_add c;

		q.mode = 2;
		q.lifetime_s = 3600;
		q.spi = 0xabcd0001 + (uint32_t)n;
		assert_true(initiator_quick_first(&i, &q));
		c = take_add();
		assert_int_equal(c.cipher, cases[n].cipher);
		assert_int_equal(c.integrity, cases[n].integrity);
		assert_int_equal(c.esn, q.esn);
		assert_memory_equal(c.cipher_key_in, q.keys_out, cases[n].key);
		assert_memory_equal(c.cipher_key_out, q.keys_in, cases[n].key);
		assert_memory_equal(
			c.integrity_key_in, q.keys_out + cases[n].key, cases[n].integrity_key);
		initiator_quick_third(&i, &q);
	}
	initiator_free(&i);
}

// ESP and IKE are punted by different ways, so the SCCRQ may come before the third message.
static void takes_esp_for_the_third_message(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	uint32_t sa;

	ask_for_a_pair(&i, &q);
	sa = take_add().spi_in;
	assert_int_equal(ike_pair_used(ike, sa), sa);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(seen.sa, sa);
	initiator_quick_third(&i, &q);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(ike_pair_used(ike, sa), sa);
	assert_int_equal(ike_pair_used(ike, sa + (1u << 20)), 0);
	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	assert_int_equal(ike_pair_used(ike, sa), 0);
	assert_int_equal(seen.downs, 1);
	initiator_free(&i);
}

static void answers_leave_through_the_newest_pair(void **state)
{
	struct initiator i;
	struct initiator_quick q, again;

	bring_up(&i, &q, "198.51.100.7");
	quick_up(&i, &again, 0xabcd0002);
	(void)take_add();
	assert_int_equal(ike_pair_used(ike, q.spi_responder), again.spi_responder);
	initiator_free(&i);
}

static void installs_gcm_with_salt(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct command_sa_add c;

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	q.transform = 20;
	q.key_bits = 128;
	q.auth = 0;
	assert_true(initiator_quick(&i, &q));
	c = take_add();
	assert_int_equal(c.cipher, ESP_CIPHER_AES_GCM_128);
	assert_int_equal(c.integrity, ESP_INTEGRITY_NONE);
	assert_memory_equal(c.cipher_key_in, q.keys_out, 20);
	assert_memory_equal(c.cipher_key_out, q.keys_in, 20);
	initiator_free(&i);
}

static void does_pfs(void **state)
{
	static const uint16_t groups[] = {IKE_ECP_256, IKE_MODP_2048};

	for (size_t n = 0; n < 2; n++) {
		struct initiator i;
		struct initiator_quick q;
		struct command_sa_add c;

		connect_as(&i, "198.51.100.7", PORT_IKE);
		initiator_quick_init(&q, 0xabcd0001);
		q.group = groups[n];
		assert_true(initiator_quick(&i, &q));
		c = take_add();
		assert_memory_equal(c.cipher_key_in, q.keys_out, 32);
		initiator_free(&i);
	}
}

static void floats_behind_nat(void **state)
{
	static const struct {
		enum natt natt;
		uint16_t mode;
		uint8_t d, oa;
	} variants[] = {{NATT_RFC3947, 4, 20, 21}, {NATT_DRAFT_03, 61444, 130, 131},
		{NATT_DRAFT_02, 61444, 130, 131}, {NATT_DRAFT_02_NEWLINE, 61444, 130, 131}};

	for (size_t n = 0; n < 4; n++) {
		struct initiator i;
		struct initiator_quick q;
		struct command_sa_add c;

		initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
		i.natt = variants[n].natt;
		i.nat = true;
		memcpy(i.id + 4, "\xc0\xa8\x01\x02", 4); // 192.168.1.2
		assert_true(initiator_main(&i));
		assert_int_equal(i.answer_flow.local_port, PORT_NAT_T);
		assert_int_equal(i.answer_flow.remote_port, PORT_NAT_T);
		initiator_quick_init(&q, 0xabcd0001);
		q.mode = variants[n].mode;
		q.nat_oa = true;
		memcpy(q.id_i, "\x01\x11\x06\xa5\xc0\xa8\x01\x02", 8);
		memcpy(q.id_r, "\x01\x11\x06\xa5\xc0\x00\x02\x01", 8);
		q.id_i_length = q.id_r_length = 8;
		assert_true(initiator_quick_first(&i, &q));
		assert_non_null(isakmp_chain_find(&i.chain, variants[n].oa, 0));
		initiator_quick_third(&i, &q);
		c = take_add();
		assert_int_equal(c.encapsulation, ESP_UDP);
		assert_int_equal(c.local_port, PORT_NAT_T);
		assert_int_equal(c.remote_port, PORT_NAT_T);
		assert_int_equal(variants[n].d, natt_payload_d(variants[n].natt));
		initiator_free(&i);
	}
}

static void refuses_plain_transport_through_nat(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.natt = NATT_RFC3947;
	i.nat = true;
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, 1000);
	log_set_level(LEVEL_WARNING);
	log_set_sink(on_log, NULL);
	assert_false(initiator_quick(&i, &q));
	log_set_sink(NULL, NULL);
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0));
	assert_int_equal(fake_command_count(), 0);
	initiator_free(&i);
}

// The client knows us by the NAT's address.
static void works_behind_a_nat_itself(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.natt = NATT_RFC3947;
	i.nat_us = true;
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, 0xabcd0001);
	q.mode = 4;
	memcpy(q.id_i, "\x01\x11\x06\xa5\xc6\x33\x64\x07", 8);
	memcpy(q.id_r, "\x01\x11\x06\xa5\xcb\x00\x71\x05", 8);
	q.id_i_length = q.id_r_length = 8;
	assert_true(initiator_quick(&i, &q));
	assert_int_equal(take_add().encapsulation, ESP_UDP);
	initiator_free(&i);
}

static void keeps_clients_behind_one_nat_apart(void **state)
{
	struct initiator i[2];
	struct initiator_quick q[2];
	uint32_t peers[2];

	for (int n = 0; n < 2; n++) {
		initiator_init(&i[n], ike, "198.51.100.7", 1024 + n);
		i[n].natt = NATT_RFC3947;
		i[n].nat = true;
		i[n].initial_contact = true;
		memcpy(i[n].id + 4, "\xc0\xa8\x01\x02", 4);
		assert_true(initiator_main(&i[n]));
		initiator_quick_init(&q[n], 0xabcd0001 + n);
		q[n].mode = 4;
		assert_true(initiator_quick(&i[n], &q[n]));
		peers[n] = seen.peer;
	}
	assert_int_not_equal(peers[0], peers[1]);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, peers[0]), q[0].spi_responder);
	assert_int_equal(ike_peer_sa(ike, peers[1]), q[1].spi_responder);
	initiator_free(&i[0]);
	initiator_free(&i[1]);
}

// Sends the newest message again and expects the same answer as before, and nothing else.
static void assert_same_again(struct initiator *i)
{
	const struct fake_packet *p;

	ike_input(i->ike, &i->flow, i->last, i->last_length);
	p = fake_sent_take();
	assert_non_null(p);
	assert_int_equal(p->length, i->answer_length);
	assert_memory_equal(p->data, i->answer, ISAKMP_HEADER);
	assert_int_equal(fake_sent_count(), 0);
}

static void answers_duplicates_alike(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	assert_same_again(&i);
	assert_true(initiator_third(&i));
	assert_same_again(&i);
	assert_true(initiator_fifth(&i));
	assert_same_again(&i);
	initiator_quick_init(&q, 0xabcd0001);
	assert_true(initiator_quick_first(&i, &q));
	assert_same_again(&i);
	initiator_quick_third(&i, &q);
	assert_int_equal(seen.currents, 1);
	ike_input(ike, &i.flow, i.last, i.last_length);
	ike_input(ike, &i.flow, q.first, q.first_length);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(fake_command_count(), 1);
	ike_counters(ike, &counters);
	assert_int_equal(counters.retransmits, 4);
	assert_int_equal(counters.started, 1);
	assert_int_equal(counters.established, 1);
	assert_int_equal(counters.half_open, 0);
	initiator_free(&i);
}

static void refuses_a_wrong_psk_once(void **state)
{
	struct initiator i;
	struct ike_counters counters;
	size_t sent = 0;

	log_set_level(LEVEL_WARNING);
	log_set_sink(on_log, NULL);
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.psk = "wrong";
	assert_false(initiator_main(&i));
	for (int n = 0; n < 5; n++)
		ike_input(ike, &i.flow, i.last, i.last_length);
	while (fake_sent_take())
		sent++;
	log_set_sink(NULL, NULL);
	assert_int_equal(sent, 0); // the one error was taken by initiator_main
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "pre-shared key mismatch"));
	ike_counters(ike, &counters);
	assert_int_equal(counters.refused, 1);
	assert_int_equal(counters.peers, 0);
	assert_int_equal(counters.half_open, 1);
	pass(31000);
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 0);
	initiator_free(&i);
}

static void a_forged_fifth_message_does_no_harm(void **state)
{
	struct initiator i;
	uint8_t forged[ISAKMP_HEADER + 64] = {0};

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	assert_true(initiator_third(&i));
	memcpy(forged, i.cookie_i, 8);
	memcpy(forged + 8, i.cookie_r, 8);
	memcpy(forged + 16, "\x05\x10\x02\x01\0\0\0\0\0\0\0\x5c", 12);
	ike_input(ike, &i.flow, forged, sizeof(forged));
	fakes_reset();
	assert_true(initiator_fifth(&i));
	initiator_free(&i);
}

static void takes_the_psk_of_the_longest_prefix(void **state)
{
	struct initiator i;

	initiator_init(&i, ike, "203.0.113.9", PORT_IKE);
	assert_false(initiator_main(&i));
	initiator_free(&i);
	initiator_init(&i, ike, "203.0.113.9", PORT_IKE);
	i.psk = "other";
	fakes_reset();
	assert_true(initiator_main(&i));
	initiator_free(&i);
}

static void says_both_sides_offers_on_refusal(void **state)
{
	struct initiator i;

	log_set_level(LEVEL_WARNING);
	log_set_sink(on_log, NULL);
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.encryption = IKE_3DES;
	i.hash = IKE_MD5;
	i.group = IKE_MODP_1024;
	assert_false(initiator_first(&i));
	log_set_sink(NULL, NULL);
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "3des/md5/modp-1024"));
	assert_non_null(strstr(seen.refused_line, "ecp-384 ecp-256"));
	assert_non_null(strstr(seen.refused_line, "ike.legacy"));
	assert_int_equal(i.answer[18], ISAKMP_INFORMATIONAL);
	initiator_free(&i);
}

static void is_not_served_when_the_config_says_so(void **state)
{
	struct initiator i;
	struct ike_counters counters;

	config.ike.version_1 = false;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_false(initiator_first(&i));
	ike_counters(ike, &counters);
	assert_int_equal(counters.invalid, 1);
	assert_int_equal(counters.started, 0);
	initiator_free(&i);
}

static void refuses_what_is_not_l2tp(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	const struct isakmp_part *part;
	struct isakmp_notify_body n;

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	memcpy(q.id_i, "\x01\x06\x00\x50\xc6\x33\x64\x07", 8); // TCP
	memcpy(q.id_r, "\x01\x06\x00\x50\xc0\x00\x02\x01", 8);
	q.id_i_length = q.id_r_length = 8;
	assert_false(initiator_quick(&i, &q));
	part = isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0);
	assert_non_null(part);
	assert_int_equal(isakmp_notify_parse(part->body, &n), 0);
	assert_int_equal(n.type, NOTIFY_INVALID_ID_INFORMATION);
	assert_int_equal(fake_command_count(), 0);
	initiator_free(&i);
}

static void takes_odd_ids(void **state)
{
	static const struct {
		const char *i, *r;
		size_t i_length, r_length;
	} ids[] = {
		{"\x01\x11\x00\x00\xc6\x33\x64\x07", "\x01\x11\x06\xa5\xc0\x00\x02\x01", 8, 8},
		{"\x01\x00\x00\x00\xc6\x33\x64\x07", "\x01\x00\x00\x00\xc0\x00\x02\x01", 8, 8},
		{"\x02\x11\x06\xa5"
		 "pc.home",
			"\x01\x11\x06\xa5\xc0\x00\x02\x01", 11, 8},
		{"\x04\x11\x06\xa5\xc6\x33\x64\x07\xff\xff\xff\xff",
			"\x04\x11\x06\xa5\xc0\x00\x02\x01\xff\xff\xff\xff", 12, 12},
		{"\x01\x11\xc0\x00\xc6\x33\x64\x07", "\x01\x11\x06\xa5\xc0\x00\x02\x01", 8, 8},
	};

	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++) {
		struct initiator i;
		struct initiator_quick q;

		connect_as(&i, "198.51.100.7", PORT_IKE);
		initiator_quick_init(&q, 0xabcd0001);
		memcpy(q.id_i, ids[n].i, ids[n].i_length);
		memcpy(q.id_r, ids[n].r, ids[n].r_length);
		q.id_i_length = ids[n].i_length;
		q.id_r_length = ids[n].r_length;
		assert_true(initiator_quick(&i, &q));
		initiator_free(&i);
	}
}

static void works_without_ids(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	q.no_ids = true;
	assert_true(initiator_quick(&i, &q));
	initiator_free(&i);
}

static void sends_the_second_message_again(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct command_sa_add c;

	ask_for_a_pair(&i, &q);
	c = take_add();
	pass(1000);
	assert_int_equal(fake_sent_count(), 1);
	pass(2000);
	assert_int_equal(fake_sent_count(), 2);
	pass(4000);
	assert_int_equal(fake_sent_count(), 3);
	pass(8000);
	assert_int_equal(fake_sent_count(), 3);
	assert_deleted(c.spi_in);
	assert_int_equal(seen.currents, 0);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void says_the_shorter_lifetime(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	config.ike.esp_lifetime_s = 1800;
	ask_for_a_pair(&i, &q);
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0));
	initiator_free(&i);
}

static void bounds_half_open(void **state)
{
	struct initiator i[10];
	struct ike_counters counters;

	for (int n = 0; n < 10; n++) {
		initiator_init(&i[n], ike, "198.51.100.7", PORT_IKE);
		assert_true(initiator_first(&i[n]));
	}
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 8);
	assert_false(initiator_third(&i[0])); // the oldest gave way
	assert_true(initiator_third(&i[9]));
	for (int n = 0; n < 10; n++)
		initiator_free(&i[n]);
}

// One address that gets as far as it can without the key does not shut out another.
static void bounds_half_open_of_one_address(void **state)
{
	static struct initiator i[20];
	struct initiator other;
	struct ike_counters counters;

	config.ike.half_open_max = 64;
	for (int n = 0; n < 16; n++) {
		initiator_init(&i[n], ike, "198.51.100.7", PORT_IKE);
		assert_true(initiator_first(&i[n]));
		assert_true(initiator_third(&i[n]));
	}
	initiator_init(&i[16], ike, "198.51.100.7", PORT_IKE);
	assert_false(initiator_first(&i[16]));
	initiator_init(&other, ike, "198.51.100.8", PORT_IKE);
	assert_true(initiator_first(&other));
	pass(10001);
	initiator_init(&i[17], ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i[17]));
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 17);
	for (int n = 0; n < 18; n++)
		initiator_free(&i[n]);
	initiator_free(&other);
}

static void outlives_slow_work(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	work_hold(true);
	assert_false(initiator_third(&i));
	ike_input(ike, &i.flow, i.last, i.last_length);
	assert_int_equal(fake_sent_count(), 0);
	pass(40000); // the SA is gone before its keys are there
	work_hold(false);
	assert_int_equal(fake_sent_count(), 0);
	initiator_free(&i);
	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	q.group = IKE_ECP_256;
	work_hold(true);
	assert_false(initiator_quick_first(&i, &q));
	ike_close_all(ike, "closed");
	work_hold(false);
	initiator_free(&i);
}

static void undoes_a_refused_install(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	fake_install_answer(-EINVAL);
	assert_false(initiator_quick(&i, &q));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0));
	(void)take_add();
	assert_int_equal(fake_command_count(), 0);
	fake_install_answer(0);
	fake_install_full(true);
	assert_false(initiator_quick_first(&i, &q));
	fake_install_full(false);
	ike_input(ike, &i.flow, q.first, q.first_length); // the peer asks again
	assert_int_equal(fake_sent_count(), 1);
	initiator_free(&i);
}

static void count_sa(void *context, const struct ike_sa_info *info)
{
	assert_string_equal(info->state, "established");
	assert_string_equal(info->identity, "198.51.100.7");
	assert_string_equal(info->encryption, "aes-cbc-256");
	assert_string_equal(info->group, "ecp-256");
	++*(unsigned *)context;
}

static void count_esp(void *context, const struct esp_sa_info *info)
{
	assert_true(info->current);
	assert_string_equal(info->cipher, "aes-cbc-256");
	++*(unsigned *)context;
}

static void shows_what_it_has(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	unsigned n = 0;

	bring_up(&i, &q, "198.51.100.7");
	ike_each_sa(ike, count_sa, &n);
	ike_each_esp(ike, count_esp, &n);
	assert_int_equal(n, 2);
	initiator_free(&i);
}

static void shrugs_off_broken_messages(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	bring_up(&i, &q, "198.51.100.7");
	for (size_t n = 0; n <= i.last_length; n++)
		ike_input(ike, &i.flow, i.last, n);
	for (size_t n = 0; n < q.first_length; n++) {
		q.first[n] ^= 0x40;
		ike_input(ike, &i.flow, q.first, q.first_length);
		q.first[n] ^= 0x40;
	}
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_group_cipher_and_hash, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			installs_the_pair_that_was_agreed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			installs_a_pair_over_ipv6, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			installs_what_the_config_allows, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_esp_for_the_third_message, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			answers_leave_through_the_newest_pair, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			installs_gcm_with_salt, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(does_pfs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(floats_behind_nat, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_plain_transport_through_nat, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			works_behind_a_nat_itself, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			keeps_clients_behind_one_nat_apart, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			answers_duplicates_alike, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_wrong_psk_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_forged_fifth_message_does_no_harm, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_the_psk_of_the_longest_prefix, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			says_both_sides_offers_on_refusal, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			is_not_served_when_the_config_says_so, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_what_is_not_l2tp, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(takes_odd_ids, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(works_without_ids, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			sends_the_second_message_again, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			says_the_shorter_lifetime, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bounds_half_open, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			bounds_half_open_of_one_address, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			outlives_slow_work, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			undoes_a_refused_install, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(shows_what_it_has, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			shrugs_off_broken_messages, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
