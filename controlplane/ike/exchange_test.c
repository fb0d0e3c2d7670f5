// SPDX-License-Identifier: Apache-2.0

// Whole exchanges of the responder with a small initiator, over the fakes.

#include "initiator.h"

#include "controlplane/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config config;
static struct config_psk psks[2];
static struct timers *timers;
static struct ike *ike;
static uint64_t now;

static struct {
	unsigned currents, downs, refused;
	uint32_t peer, sa;  // of the newest sa_current
	uint32_t down_peer; // of the newest peer_down
	char cause[64];
	char refused_line[8192];
	uint32_t close_in_down; // peer to close from within peer_down
} seen;

static void on_current(void *context, uint32_t peer, uint32_t sa)
{
	seen.currents++;
	seen.peer = peer;
	seen.sa = sa;
}

static void on_down(void *context, uint32_t peer, const char *cause)
{
	seen.downs++;
	seen.down_peer = peer;
	snprintf(seen.cause, sizeof(seen.cause), "%s", cause);
	assert_int_equal(ike_peer_sa(ike, peer), 0);
	if (seen.close_in_down)
		(void)ike_peer_close(ike, seen.close_in_down, "closed");
}

static const struct ike_events events = {on_current, on_down};

static void on_log(void *context, enum log_event event, const char *line)
{
	if (event != LOG_IKE_REFUSED && event != LOG_ESP_REFUSED)
		return;
	seen.refused++;
	snprintf(seen.refused_line, sizeof(seen.refused_line), "%s", line);
}

static void list(struct config_list *l, unsigned count, ...)
{
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count; i++)
		l->values[i] = va_arg(args, int);
	va_end(args);
	l->count = count;
}

static void configure(void)
{
	struct config_ike *c = &config.ike;

	memset(&config, 0, sizeof(config));
	list(&c->encryption, 3, IKE_AES_CBC_256, IKE_AES_CBC_192, IKE_AES_CBC_128);
	list(&c->hash, 4, IKE_SHA256, IKE_SHA384, IKE_SHA512, IKE_SHA1);
	list(&c->group, 6, IKE_ECP_384, IKE_ECP_256, IKE_ECP_521, IKE_MODP_2048, IKE_MODP_3072,
		IKE_MODP_4096);
	list(&c->esp_cipher, 5, ESP_CIPHER_AES_GCM_256, ESP_CIPHER_AES_GCM_128,
		ESP_CIPHER_AES_CBC_256, ESP_CIPHER_AES_CBC_192, ESP_CIPHER_AES_CBC_128);
	list(&c->esp_integrity, 4, ESP_INTEGRITY_HMAC_SHA256_128, ESP_INTEGRITY_HMAC_SHA384_192,
		ESP_INTEGRITY_HMAC_SHA512_256, ESP_INTEGRITY_HMAC_SHA1_96);
	c->lifetime_s = 28800;
	c->esp_lifetime_s = 28800;
	c->replay_window = 1024;
	c->dpd_delay_ms = 30000;
	c->dpd_timeout_ms = 20000;
	c->retransmit_ms = 1000;
	c->retransmit_tries = 3;
	c->half_open_max = 8;
	c->vendor_nat_t_rfc3947 = c->vendor_nat_t_draft02 = c->vendor_nat_t_draft03 = true;
	c->vendor_dpd = c->vendor_culvert = true;
	config.listener_count = 1;
	address_parse("192.0.2.1", &config.listeners[0].address);
	config.psks = psks;
	config.psk_count = 2;
	psks[0] = (struct config_psk){.secret = "secret", .secret_length = 6};
	psks[1] = (struct config_psk){.secret = "other", .secret_length = 5};
	prefix_parse("203.0.113.0/24", &psks[1].peer, NULL);
}

static int setup(void **state)
{
	fakes_reset();
	configure();
	memset(&seen, 0, sizeof(seen));
	now = 1000000;
	log_set_level(LEVEL_ERROR);
	timers = timers_create(NULL, NULL);
	timers_set_now(timers, now);
	ike = ike_create(&config, timers, 64, &events, NULL);
	assert_non_null(ike);
	return 0;
}

static int teardown(void **state)
{
	ike_free(ike);
	timers_free(timers);
	fakes_reset();
	return 0;
}

static void pass(uint64_t ms)
{
	now += ms;
	timers_run(timers, now);
}

static struct command_sa_add take_add(void)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, COMMAND_SA_ADD);
	return c->sa_add;
}

static void assert_deleted(uint32_t spi)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, COMMAND_SA_DELETE);
	assert_int_equal(c->sa_delete.spi_in, spi);
}

static void connect_as(struct initiator *i, const char *remote, uint16_t port)
{
	initiator_init(i, ike, remote, port);
	i->dpd = true;
	assert_true(initiator_main(i));
}

// Main mode and quick mode; the commands are taken.
static void bring_up(struct initiator *i, struct initiator_quick *q, const char *remote)
{
	connect_as(i, remote, PORT_IKE);
	initiator_quick_init(q, 0xabcd0001);
	assert_true(initiator_quick(i, q));
	(void)take_add();
}

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
		initiator_quick_init(&q, 0xabcd0001 + n);
		assert_true(initiator_quick(&i, &q));
		initiator_free(&i);
	}
}

static void installs_the_pair_that_was_agreed(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct command_sa_add c;

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	assert_true(initiator_quick_first(&i, &q));
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

	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	assert_true(initiator_quick_first(&i, &q));
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

static void rekeys_a_pair(void **state)
{
	struct initiator i;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	initiator_quick_init(&q2, 0xabcd0002);
	assert_true(initiator_quick_first(&i, &q2));
	(void)take_add();
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	initiator_quick_third(&i, &q2);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(seen.peer, peer);
	assert_int_equal(ike_peer_sa(ike, peer), q2.spi_responder);
	assert_int_equal(fake_command_count(), 0);
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void falls_back_when_the_newest_is_deleted(void **state)
{
	struct initiator i;
	struct initiator_quick q, q2;

	bring_up(&i, &q, "198.51.100.7");
	initiator_quick_init(&q2, 0xabcd0002);
	assert_true(initiator_quick(&i, &q2));
	(void)take_add();
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0002, 0xabcd0002, 7777}, 3);
	assert_deleted(q2.spi_responder);
	assert_int_equal(seen.currents, 3);
	assert_int_equal(seen.sa, q.spi_responder);
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "deleted");
	initiator_free(&i);
}

static void goes_with_the_deletes_of_a_client(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	bring_up(&i, &q, "198.51.100.7");
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	initiator_delete_isakmp(&i);
	initiator_delete_isakmp(&i);
	assert_int_equal(seen.downs, 1);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void survives_closing_from_within(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	bring_up(&i, &q, "198.51.100.7");
	seen.close_in_down = seen.peer;
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001, 0xabcd0001}, 2);
	assert_deleted(q.spi_responder);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void rekeys_the_ike_sa(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	struct ike_counters counters;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	initiator_delete_isakmp(&i);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 1);
	initiator_quick_init(&q2, 0xabcd0002);
	assert_true(initiator_quick(&i2, &q2));
	(void)take_add();
	assert_int_equal(seen.peer, peer);
	// A Delete for the old pair comes under the new SA.
	initiator_delete_esp(&i2, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_a_vanished_client(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	initiator_init(&i2, ike, "198.51.100.7", PORT_IKE);
	i2.initial_contact = true;
	assert_true(initiator_main(&i2));
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.down_peer, peer);
	assert_string_equal(seen.cause, "replaced");
	assert_deleted(q.spi_responder);
	initiator_quick_init(&q2, 0xabcd0001);
	assert_true(initiator_quick(&i2, &q2));
	assert_int_not_equal(seen.peer, peer);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_one_that_says_so_later(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	assert_int_equal(seen.downs, 0);
	initiator_notify(&i2, NOTIFY_INITIAL_CONTACT, NULL, 0);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.down_peer, peer);
	assert_deleted(q.spi_responder);
	initiator_quick_init(&q2, 0xabcd0001);
	assert_true(initiator_quick(&i2, &q2));
	assert_int_not_equal(seen.peer, peer);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_a_silent_one(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;

	bring_up(&i, &q, "198.51.100.7");
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q2, 0xabcd0009);
	assert_true(initiator_quick(&i2, &q2));
	assert_int_equal(seen.sa, q2.spi_responder);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q2.spi_responder);
	initiator_free(&i);
	initiator_free(&i2);
}

static uint32_t notify_sequence(struct initiator *i, uint16_t type)
{
	const struct isakmp_part *part = isakmp_chain_find(&i->chain, ISAKMP_NOTIFY, 0);
	struct isakmp_notify_body n;
	struct view v;

	assert_non_null(part);
	assert_int_equal(isakmp_notify_parse(part->body, &n), 0);
	assert_int_equal(n.type, type);
	v = view_of(n.data.at, n.data.length);
	return view_u32(&v);
}

static void answers_dpd(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	bring_up(&i, &q, "198.51.100.7");
	initiator_notify(&i, NOTIFY_R_U_THERE, "\x00\x00\x12\x34", 4);
	assert_true(initiator_informational(&i));
	assert_int_equal(notify_sequence(&i, NOTIFY_R_U_THERE_ACK), 0x1234);
	initiator_free(&i);
}

static void asks_a_silent_peer(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	uint32_t sequence;
	uint8_t data[4];

	bring_up(&i, &q, "198.51.100.7");
	pass(29000);
	assert_int_equal(fake_sent_count(), 0);
	ike_peer_alive(ike, seen.peer, now);
	pass(29000);
	assert_int_equal(fake_sent_count(), 0);
	pass(2000);
	assert_true(initiator_informational(&i));
	sequence = notify_sequence(&i, NOTIFY_R_U_THERE);
	data[0] = data[1] = 0;
	data[2] = sequence >> 8;
	data[3] = sequence;
	initiator_notify(&i, NOTIFY_R_U_THERE_ACK, data, 4);
	pass(25000);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(seen.downs, 0);
	pass(6000);
	assert_true(initiator_informational(&i));
	for (int n = 0; n < 60 && seen.downs == 0; n++)
		pass(500);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "dead");
	assert_deleted(q.spi_responder);
	initiator_free(&i);
}

static void expires(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	config.ike.dpd_delay_ms = 0;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.lifetime_s = 100000;
	assert_true(initiator_main(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0)); // RESPONDER-LIFETIME
	initiator_quick_init(&q, 0xabcd0001);
	q.lifetime_s = 600;
	assert_true(initiator_quick(&i, &q));
	(void)take_add();
	pass(600000);
	assert_int_equal(seen.downs, 0);
	pass(31000);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "expired");
	assert_deleted(q.spi_responder);
	pass(28800ull * 1000);
	assert_true(initiator_informational(&i));
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void says_the_shorter_lifetime(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	config.ike.esp_lifetime_s = 1800;
	connect_as(&i, "198.51.100.7", PORT_IKE);
	initiator_quick_init(&q, 0xabcd0001);
	assert_true(initiator_quick_first(&i, &q));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0));
	initiator_free(&i);
}

static void closes_with_deletes(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	bring_up(&i, &q, "198.51.100.7");
	assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), 0);
	assert_int_equal(seen.downs, 1);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	assert_true(initiator_informational(&i));
	assert_deleted(q.spi_responder);
	assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), -ENOENT);
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

static void follows_a_peer_that_moves(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct event_peer_moved moved = {0};

	initiator_init(&i, ike, "198.51.100.7", 2000);
	i.natt = NATT_RFC3947;
	i.nat = true;
	i.dpd = true;
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, 0xabcd0001);
	q.mode = 4;
	assert_true(initiator_quick(&i, &q));
	moved.spi_in = q.spi_responder;
	moved.remote = i.flow.remote;
	moved.remote_port = 3000;
	ike_peer_moved(ike, &moved);
	pass(31000);
	assert_true(initiator_informational(&i));
	assert_int_equal(i.answer_flow.remote_port, 3000);
	assert_int_equal(i.answer_flow.local_port, PORT_NAT_T);
	initiator_free(&i);
}

static void tells_of_unknown_spis(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct event_sa_unknown unknown = {.spi = 0x77777777};

	bring_up(&i, &q, "198.51.100.7");
	unknown.remote = i.flow.remote;
	unknown.local = i.flow.local;
	ike_sa_unknown(ike, &unknown);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
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
		cmocka_unit_test_setup_teardown(each_group_cipher_and_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(installs_the_pair_that_was_agreed, setup, teardown),
		cmocka_unit_test_setup_teardown(installs_gcm_with_salt, setup, teardown),
		cmocka_unit_test_setup_teardown(does_pfs, setup, teardown),
		cmocka_unit_test_setup_teardown(floats_behind_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_plain_transport_through_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(
			keeps_clients_behind_one_nat_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_duplicates_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_wrong_psk_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_forged_fifth_message_does_no_harm, setup, teardown),
		cmocka_unit_test_setup_teardown(
			takes_the_psk_of_the_longest_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(says_both_sides_offers_on_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_l2tp, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_odd_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(works_without_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_the_second_message_again, setup, teardown),
		cmocka_unit_test_setup_teardown(rekeys_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(
			falls_back_when_the_newest_is_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_with_the_deletes_of_a_client, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_closing_from_within, setup, teardown),
		cmocka_unit_test_setup_teardown(rekeys_the_ike_sa, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_back_a_vanished_client, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_back_one_that_says_so_later, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_back_a_silent_one, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_dpd, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_a_silent_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(expires, setup, teardown),
		cmocka_unit_test_setup_teardown(says_the_shorter_lifetime, setup, teardown),
		cmocka_unit_test_setup_teardown(closes_with_deletes, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_half_open, setup, teardown),
		cmocka_unit_test_setup_teardown(outlives_slow_work, setup, teardown),
		cmocka_unit_test_setup_teardown(undoes_a_refused_install, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_a_peer_that_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_of_unknown_spis, setup, teardown),
		cmocka_unit_test_setup_teardown(shows_what_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(shrugs_off_broken_messages, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
