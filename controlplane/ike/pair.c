// SPDX-License-Identifier: Apache-2.0

// See pair.h. The dataplane gets its orders about pairs from here alone.

#include "pair.h"

#include "peer.h"
#include "rekey.h"

#include <openssl/crypto.h>
#include <stdlib.h>

struct log_subject pair_subject(const struct esp_pair *pair)
{
	return (struct log_subject){.attempt = pair->attempt,
		.peer = pair->peer->flow.remote,
		.peer_port = pair->peer->flow.remote_port,
		.peer_id = pair->peer->id};
}

struct esp_pair *pair_create(struct ike_sa *sa, const struct esp_form *form)
{
	struct esp_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->id = slots_take(&sa->ike->pairs, pair);
	if (pair->id == 0) {
		free(pair);
		return NULL;
	}
	pair->peer = sa->peer;
	pair->attempt = sa->attempt;
	pair->form = *form;
	pair->created = timers_now(sa->ike->timers);
	LIST_INSERT_HEAD(&sa->peer->pairs, pair, of_peer);
	return pair;
}

size_t pair_key_size(const struct esp_form *form)
{
	const struct esp_cipher_shape *cipher = esp_cipher_shape(form->cipher);

	return (size_t)cipher->key + cipher->salt + esp_integrity_shape(form->integrity)->key;
}

static void take_keys(struct command_sa_add *c, const struct esp_form *form, const uint8_t *in,
	const uint8_t *out)
{
	const struct esp_cipher_shape *cipher = esp_cipher_shape(form->cipher);
	size_t n = cipher->key + cipher->salt;
	size_t integrity = esp_integrity_shape(form->integrity)->key;

	memcpy(c->cipher_key_in, in, n);
	memcpy(c->cipher_key_out, out, n);
	memcpy(c->integrity_key_in, in + n, integrity);
	memcpy(c->integrity_key_out, out + n, integrity);
}

int pair_install(struct esp_pair *pair, const struct flow *flow, const uint8_t *in,
	const uint8_t *out, install_done done, void *context)
{
	bool udp = pair->form.encapsulation == ESP_UDP;
	struct command_sa_add c = {.spi_in = pair->id,
		.spi_out = pair->form.spi_out,
		.peer = pair->peer->id,
		.cipher = (uint8_t)pair->form.cipher,
		.integrity = (uint8_t)pair->form.integrity,
		.encapsulation = pair->form.encapsulation,
		.esn = pair->form.esn,
		.mode = pair->mode,
		.session = pair->session,
		.window = pair->peer->ike->config->ike.replay_window,
		.local_port = udp ? flow->local_port : 0,
		.remote_port = udp ? flow->remote_port : 0,
		.local = flow->local,
		.remote = flow->remote};
	int error;

	take_keys(&c, &pair->form, in, out);
	pair->flow = (struct flow){.local = c.local,
		.remote = c.remote,
		.local_port = c.local_port,
		.remote_port = c.remote_port};
	// done may be called, and the pair be gone, before this returns 0.
	pair->posted = true;
	error = install_sa_add(&c, done, context);
	if (error)
		pair->posted = false;
	OPENSSL_cleanse(&c, sizeof(c));
	return error;
}

void pair_move(struct esp_pair *pair, const struct flow *flow, uint8_t encapsulation)
{
	bool udp = encapsulation == ESP_UDP;
	const struct command_sa_move c = {.spi_in = pair->id,
		.encapsulation = encapsulation,
		.local_port = udp ? flow->local_port : 0,
		.remote_port = udp ? flow->remote_port : 0,
		.local = flow->local,
		.remote = flow->remote};

	pair->form.encapsulation = encapsulation;
	pair->flow = (struct flow){.local = c.local,
		.remote = c.remote,
		.local_port = c.local_port,
		.remote_port = c.remote_port};
	(void)install_sa_move(&c);
}

static void pair_expired(void *context)
{
	struct esp_pair *pair = context;
	struct ike *ike = pair->peer->ike;
	uint32_t peer = pair->peer->id;

	peer_delete_pair(pair);
	pair_remove(pair, pair->end ? pair->end : "expired");
	peer_check(ike, peer);
}

void pair_shorten(struct esp_pair *pair, const char *cause)
{
	struct ike *ike = pair->peer->ike;
	uint64_t end = timers_now(ike->timers) + LIFETIME_GRACE_MS;

	if (pair->end || !pair->confirmed || end >= pair->expires)
		return;
	pair->end = cause;
	pair->expires = end;
	(void)timer_start(ike->timers, &pair->timer, LIFETIME_GRACE_MS, pair_expired, pair);
}

// Outbound moves: the report comes last, because what is above may close the peer in it.
static void peer_set_current(struct ike_peer *peer, struct esp_pair *pair)
{
	peer->current = pair->id;
	rekey_pair_current(pair);
	peer->ike->events->sa_current(peer->ike->context, peer->id, pair->id);
}

// The oldest pair that nothing leaves through, beyond what a peer may have beside the newest.
static struct esp_pair *pair_surplus(const struct ike_peer *peer, const struct esp_pair *newest)
{
	struct esp_pair *pair, *oldest = NULL;
	unsigned count = 0;

	LIST_FOREACH(pair, &peer->pairs, of_peer)
	{
		count++;
		if (pair->confirmed && pair->id != peer->current && pair != newest)
			oldest = pair;
	}
	return count > PEER_PAIRS ? oldest : NULL;
}

static void pair_log_up(const struct esp_pair *pair)
{
	struct log_subject subject = pair_subject(pair);
	char inside[ADDRESS_TEXT];

	log_event(LOG_ESP_UP, &subject, "s:I, s:I, s:s, s:s, s:s, s:b, s:s, s:b", "spi_in",
		(long long)pair->id, "spi_out", (long long)pair->form.spi_out, "cipher",
		esp_cipher_shape(pair->form.cipher)->name, "integrity",
		esp_integrity_shape(pair->form.integrity)->name, "encapsulation",
		pair->form.encapsulation == ESP_UDP ? "udp" : "none", "esn", pair->form.esn,
		"inside", address_format(&pair->inside, inside), "rekey", pair->peer->current != 0);
}

void pair_confirm(struct esp_pair *pair, uint64_t lifetime_ms)
{
	struct ike_peer *peer = pair->peer;
	struct ike *ike = peer->ike;
	struct esp_pair *surplus;

	pair->confirmed = true;
	pair->lifetime_ms = lifetime_ms;
	lifetime_ms += LIFETIME_GRACE_MS;
	pair->expires = timers_now(ike->timers) + lifetime_ms;
	(void)timer_start(ike->timers, &pair->timer, lifetime_ms, pair_expired, pair);
	rekey_pair_begin(pair);
	pair_log_up(pair);
	surplus = pair_surplus(peer, pair);
	if (surplus) {
		// One that we have renewed is ours to delete, only sooner than was meant.
		if (surplus->rekey.state == REKEY_RETIRED)
			peer_delete_pair(surplus);
		pair_drop(surplus, "replaced");
	}
	peer_set_current(peer, pair);
}

static void pair_end(struct ike *ike, struct esp_pair *pair)
{
	timer_stop(ike->timers, &pair->timer);
	rekey_pair_end(ike, pair);
	if (pair->posted)
		(void)install_sa_delete(pair->id);
	slots_give(&ike->pairs, pair->id);
	free(pair->terms);
	free(pair);
}

static void pair_log_down(const struct esp_pair *pair, const char *cause)
{
	struct log_subject subject = pair_subject(pair);

	log_event(
		LOG_ESP_DOWN, &subject, "s:I, s:s", "spi_in", (long long)pair->id, "cause", cause);
}

void pair_drop(struct esp_pair *pair, const char *cause)
{
	if (pair->confirmed)
		pair_log_down(pair, cause);
	LIST_REMOVE(pair, of_peer);
	pair_end(pair->peer->ike, pair);
}

void pair_remove(struct esp_pair *pair, const char *cause)
{
	struct ike_peer *peer = pair->peer;
	struct ike *ike = peer->ike;
	struct esp_pair *other;

	if (peer->current != pair->id || peer->closing) {
		pair_drop(pair, cause);
		return;
	}
	pair_log_down(pair, cause);
	LIST_REMOVE(pair, of_peer);
	LIST_FOREACH(other, &peer->pairs, of_peer)
	if (other->confirmed || other->awaited)
		break;
	if (!other)
		peer_report_down(peer, cause);
	else if (other->confirmed)
		peer_set_current(peer, other);
	else
		pair_confirm(other, other->lifetime_ms);
	pair_end(ike, pair);
}

struct esp_pair *pair_find(const struct ike *ike, uint32_t spi_in)
{
	return slots_get(&ike->pairs, spi_in);
}
