// SPDX-License-Identifier: Apache-2.0

// See fixture.h.

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct config config;
struct config_psk psks[FIXTURE_PSKS];
struct timers *timers;
struct ike *ike;
uint64_t now;

struct seen seen;

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

static bool on_count(void *context, uint32_t spi_in, struct ike_pair_count *out)
{
	seen.counted++;
	*out = spi_in == seen.count_of ? seen.count : (struct ike_pair_count){0};
	return true;
}

static void on_access(void *context, const struct ike_access_request *request)
{
	seen.asked++;
	(void)ike_access_answer(ike, request->peer, seen.access, "refused by the test");
}

static const struct ike_events events = {.sa_current = on_current,
	.peer_down = on_down,
	.access_ask = on_access,
	.pair_count = on_count};

void on_log(void *context, enum log_event event, const char *line)
{
	if (event == LOG_IKE_UP)
		snprintf(seen.up_line, sizeof(seen.up_line), "%s", line);
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
	c->version_1 = true;
	c->lifetime_s = 28800;
	c->esp_lifetime_s = 28800;
	c->rekey_at = 90;
	c->rekey_jitter = 10;
	c->replay_window = 1024;
	c->dpd_delay_ms = 30000;
	c->dpd_timeout_ms = 20000;
	c->retransmit_ms = 1000;
	c->retransmit_tries = 3;
	c->half_open_max = 8;
	c->vendor_nat_t_rfc3947 = c->vendor_nat_t_draft02 = c->vendor_nat_t_draft03 = true;
	c->vendor_dpd = c->vendor_culvert = true;
	config.listener_count = 2;
	address_parse("192.0.2.1", &config.listeners[0].address);
	address_parse("2001:db8::1", &config.listeners[1].address);
	config.psks = psks;
	config.psk_count = 2;
	psks[0] = (struct config_psk){.secret = "secret", .secret_length = 6};
	psks[1] = (struct config_psk){.secret = "other", .secret_length = 5};
	prefix_parse("203.0.113.0/24", &psks[1].peer, NULL);
}

void restart(void)
{
	ike_free(ike);
	ike = ike_create(&config, timers, 64, &events, NULL);
	assert_non_null(ike);
}

int fixture_setup(void **state)
{
	fakes_reset();
	configure();
	memset(&seen, 0, sizeof(seen));
	now = 1000000;
	log_set_level(LEVEL_ERROR);
	timers = timers_create(NULL, NULL);
	timers_set_now(timers, now);
	restart();
	return 0;
}

int fixture_teardown(void **state)
{
	ike_free(ike);
	ike = NULL;
	timers_free(timers);
	fakes_reset();
	return 0;
}

int fixture_logged_setup(void **state)
{
	int error = fixture_setup(state);

	log_set_level(LEVEL_INFO);
	log_set_sink(on_log, NULL);
	return error;
}

int fixture_logged_teardown(void **state)
{
	log_set_sink(NULL, NULL);
	return fixture_teardown(state);
}

void pass(uint64_t ms)
{
	now += ms;
	timers_run(timers, now);
}

struct command_sa_add take_add(void)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, COMMAND_SA_ADD);
	return c->sa_add;
}

void assert_deleted(uint32_t spi)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, COMMAND_SA_DELETE);
	assert_int_equal(c->sa_delete.spi_in, spi);
}

void connect_as(struct initiator *i, const char *remote, uint16_t port)
{
	initiator_init(i, ike, remote, port);
	i->dpd = true;
	assert_true(initiator_main(i));
}

void quick_up(struct initiator *i, struct initiator_quick *q, uint32_t spi)
{
	initiator_quick_init(q, spi);
	assert_true(initiator_quick(i, q));
}

// Main mode and quick mode; the commands are taken.
void bring_up(struct initiator *i, struct initiator_quick *q, const char *remote)
{
	connect_as(i, remote, PORT_IKE);
	quick_up(i, q, 0xabcd0001);
	(void)take_add();
}
