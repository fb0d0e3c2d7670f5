// SPDX-License-Identifier: Apache-2.0

// See fuzz.h.

#include "fuzz.h"

#include <stdlib.h>

enum {
	SAS = 8,           // of the dataplane
	NEXT_PAYLOAD = 16, // offset of that byte in the IKE header
};

struct config config;
struct ike *ike;
struct timers *timers;
uint64_t now;
struct flow flow;

void fuzz_configure(void)
{
	static struct config_psk psk = {.secret = "secret", .secret_length = 6};
	struct config_ike *c = &config.ike;

	for (uint16_t i = ESP_CIPHER_AES_GCM_128; i < ESP_CIPHER_COUNT; i++)
		c->esp_cipher.values[c->esp_cipher.count++] = i;
	for (uint16_t i = ESP_INTEGRITY_HMAC_SHA1_96; i < ESP_INTEGRITY_COUNT; i++)
		c->esp_integrity.values[c->esp_integrity.count++] = i;
	c->fragmentation = true;
	c->fragment_size = 576;
	c->lifetime_s = c->esp_lifetime_s = 3600;
	c->replay_window = 64;
	c->dpd_delay_ms = 30000;
	c->dpd_timeout_ms = 10000;
	c->retransmit_ms = 1000;
	c->retransmit_tries = 3;
	c->half_open_max = 4;
	config.psks = &psk;
	config.psk_count = 1;
	config.listener_count = 1;
	address_parse("192.0.2.1", &config.listeners[0].address);
	flow.local = config.listeners[0].address;
	address_parse("198.51.100.7", &flow.remote);
	flow.local_port = flow.remote_port = PORT_NAT_T;
	log_set_level(LEVEL_ERROR);
}

void fuzz_on_current(void *context, uint32_t peer, uint32_t sa)
{
}

void fuzz_on_down(void *context, uint32_t peer, const char *cause)
{
	(void)ike_peer_close(ike, peer, cause);
}

void fuzz_run(const uint8_t *data, size_t size, const struct ike_events *events,
	void (*begin)(void), void (*step)(unsigned what, uint8_t *bytes, size_t length),
	unsigned count)
{
	struct view v = view_of(data, size);

	now = 1000000;
	timers = timers_create(NULL, NULL);
	timers_set_now(timers, now);
	ike = ike_create(&config, timers, SAS, events, NULL);
	if (!timers || !ike)
		abort();
	begin();
	while (view_left(&v) > 3) {
		unsigned what = view_u8(&v) % count;
		size_t length = view_u16(&v);
		const uint8_t *bytes;
		uint8_t *copy;

		if (length == 0 || length > view_left(&v))
			length = view_left(&v);
		// In memory of its own, so that a read beyond the end is seen.
		bytes = view_take(&v, length);
		copy = malloc(length);
		if (!copy)
			break;
		memcpy(copy, bytes, length);
		step(what, copy, length);
		free(copy);
	}
	ike_free(ike);
	timers_free(timers);
	fakes_reset();
}

void fuzz_known(const uint8_t *bytes, size_t length)
{
	struct ike_sa *sa = TAILQ_LAST(&ike->sas, sa_queue);
	uint8_t message[LIMIT_IKE_MESSAGE];

	if (!sa || length < 2 * ISAKMP_COOKIE || length > sizeof(message))
		return;
	memcpy(message, bytes, length);
	memcpy(message, sa->cookie_i, ISAKMP_COOKIE);
	memcpy(message + ISAKMP_COOKIE, sa->cookie_r, ISAKMP_COOKIE);
	ike_input(ike, &flow, message, length);
}

void fuzz_clear(const struct isakmp_header *h, const uint8_t *bytes, size_t length)
{
	uint8_t buffer[LIMIT_IKE_MESSAGE];
	struct isakmp_out out = isakmp_out_begin(buffer, sizeof(buffer), h);

	build_bytes(&out.b, bytes + 1, length - 1);
	if (isakmp_out_end(&out) == 0)
		return;
	buffer[NEXT_PAYLOAD] = bytes[0];
	ike_input(ike, &flow, buffer, build_length(&out.b));
}

void fuzz_time(const uint8_t *bytes)
{
	now += bytes[0] * 1000u;
	timers_run(timers, now);
}
