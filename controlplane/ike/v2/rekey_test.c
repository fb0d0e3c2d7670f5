// SPDX-License-Identifier: Apache-2.0

// CREATE_CHILD_SA as rekey by either side, of pairs and of the IKE SA, alone and at once.

#include "controlplane/ike/rekey.h"
#include "fixture.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	SPI_FIRST = 0xabcd0001, // as v2_initiator_init has it
	SPI_SECOND = 0xabcd0011,
	SPI_THIRD = 0xabcd0021,
	ESP_MS = 3600 * 1000,
	DUE_MS = ESP_MS / 10 * 9,
};

static struct v2_initiator i;
static uint32_t first; // our SPI of the first pair
static const uint8_t low[32], high[32] = {[0 ... 31] = 0xff};

// A request of the gateway.
struct asked {
	uint32_t message_id;
	uint8_t spi[8]; // of the new SA
	uint32_t spi_in, renews;
	uint8_t nonce[V2_NONCE_MAX];
	size_t nonce_length;
	uint16_t group;
	uint8_t public[IKE_DH_MAX];
	bool transport;
};

static void start(void)
{
	config.ike.rekey_jitter = 0;
	config.ike.dpd_delay_ms = 0;
	config.ike.esp_lifetime_s = ESP_MS / 1000;
	v2_initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(v2_initiator_connect(&i));
	first = take_add().spi_in;
	assert_int_equal(seen.sa, first);
}

static uint32_t spi_of(struct span s)
{
	struct view v = view_of(s.at, 4);

	return view_u32(&v);
}

static void take_request(struct v2_initiator *v, struct asked *a)
{
	const struct v2_part *p;
	struct v2_notify n;
	struct v2_sa offer;
	struct v2_ke ke;

	assert_true(v2_initiator_take(v));
	assert_int_equal(v->header.exchange, V2_CREATE_CHILD_SA);
	assert_false(v->header.flags & V2_RESPONSE);
	*a = (struct asked){.message_id = v->header.message_id};
	p = v2_chain_find(&v->chain, V2_SA, 0);
	assert_non_null(p);
	assert_int_equal(v2_sa_parse(p->body, &offer), 0);
	memcpy(a->spi, offer.proposals[0].spi.at, offer.proposals[0].spi.length);
	if (offer.proposals[0].spi.length == 4)
		a->spi_in = spi_of(offer.proposals[0].spi);
	p = v2_chain_find(&v->chain, V2_NONCE, 0);
	memcpy(a->nonce, p->body.at, p->body.length);
	a->nonce_length = p->body.length;
	if (v2_chain_notify(&v->chain, V2_REKEY_SA, &n))
		a->renews = spi_of(n.spi);
	a->transport = v2_chain_notify(&v->chain, V2_USE_TRANSPORT_MODE, &n);
	p = v2_chain_find(&v->chain, V2_KE, 0);
	if (p && v2_ke_parse(p->body, &ke) == 0) {
		a->group = ke.group;
		memcpy(a->public, ke.value.at, ke.value.length);
	}
}

// To the gateway's request to renew the pair.
static void until_asked(struct asked *a)
{
	start();
	pass(DUE_MS);
	take_request(&i, a);
}

static const struct esp_form form = {
	.cipher = ESP_CIPHER_AES_CBC_256, .integrity = ESP_INTEGRITY_HMAC_SHA256_128};

// Our half of Diffie-Hellman to the message, and the secret.
static size_t put_ke(const struct asked *a, struct isakmp_out *o, uint8_t *secret)
{
	uint8_t public[IKE_DH_MAX];
	size_t size = ike_group_size(a->group);
	struct ike_dh *own;

	if (!a->group)
		return 0;
	own = ike_dh_generate(a->group, public);
	v2_put_ke(o, a->group, SPAN(public, size));
	assert_int_equal(ike_dh_shared(a->group, own, SPAN(a->public, size), secret), 0);
	ike_dh_free(own);
	return ike_group_secret_size(a->group);
}

// The answer to the rekey of a pair; the keys that the peer gets go to in (its inbound) and out.
static void answer_pair(
	const struct asked *a, uint32_t spi, const uint8_t *nonce, uint8_t *in, uint8_t *out)
{
	uint8_t bytes[4] = {spi >> 24, spi >> 16, spi >> 8, spi}, secret[IKE_DH_MAX];
	struct v2_sealed s;
	size_t n;

	v2_initiator_answer_begin(&i, &s, V2_CREATE_CHILD_SA, a->message_id);
	v2_put_status(&s.out, V2_USE_TRANSPORT_MODE, SPAN(NULL, 0));
	v2_offer_esp(&s.out, &form, a->group, SPAN(bytes, 4));
	isakmp_out_payload(&s.out, V2_NONCE, nonce, 32);
	n = put_ke(a, &s.out, secret);
	v2_put_selectors(&s.out, V2_TS_I, &i.ts_r, 1);
	v2_put_selectors(&s.out, V2_TS_R, &i.ts_i, 1);
	const struct v2_keymat_input keys = {.hash = i.suite.hash,
		.d = i.keys.d,
		.secret = SPAN(secret, n),
		.nonce_i = SPAN(a->nonce, a->nonce_length),
		.nonce_r = SPAN(nonce, 32)};

	assert_int_equal(v2_keymat(&keys, in, out, 64), 0);
	v2_initiator_answer_end(&i, &s);
}

static void answer_error(const struct asked *a, uint16_t type, struct span data)
{
	struct v2_sealed s;

	v2_initiator_answer_begin(&i, &s, V2_CREATE_CHILD_SA, a->message_id);
	v2_put_status(&s.out, type, data);
	v2_initiator_answer_end(&i, &s);
}

// Takes the gateway's Delete and answers it; the SPI of a pair, 0 of the IKE SA.
static uint32_t take_delete(struct v2_initiator *v)
{
	const struct v2_part *p;
	struct v2_delete d;

	assert_true(v2_initiator_take(v));
	assert_int_equal(v->header.exchange, V2_INFORMATIONAL);
	p = v2_chain_find(&v->chain, V2_DELETE, 0);
	assert_non_null(p);
	assert_int_equal(v2_delete_parse(p->body, &d), 0);
	v2_initiator_answer(v);
	return d.protocol == V2_PROTO_ESP ? spi_of(d.spis) : 0;
}

static void delete_pair(struct v2_initiator *v, uint32_t spi)
{
	uint8_t bytes[4] = {spi >> 24, spi >> 16, spi >> 8, spi};
	struct v2_sealed s;

	v2_initiator_request(v, &s, V2_INFORMATIONAL);
	v2_put_delete(&s.out, V2_PROTO_ESP, 4, 1, bytes);
	assert_true(v2_initiator_ask(v, &s));
}

static void delete_ike(struct v2_initiator *v)
{
	struct v2_sealed s;

	v2_initiator_request(v, &s, V2_INFORMATIONAL);
	v2_put_delete(&s.out, V2_PROTO_IKE, 0, 0, NULL);
	assert_true(v2_initiator_ask(v, &s));
}

// ---- pairs

static void renews_a_pair(void **state)
{
	struct asked a;
	struct command_sa_add c;
	uint8_t in[64], out[64];

	start();
	pass(DUE_MS - 1);
	assert_int_equal(fake_sent_count(), 0);
	pass(1);
	take_request(&i, &a);
	assert_int_equal(a.renews, first);
	assert_true(a.transport);
	assert_int_equal(a.group, 0);
	answer_pair(&a, SPI_SECOND, high, in, out);
	c = take_add();
	assert_int_equal(c.spi_in, a.spi_in);
	assert_int_equal(c.spi_out, SPI_SECOND);
	assert_memory_equal(c.cipher_key_out, in, 32);
	assert_memory_equal(c.cipher_key_in, out, 32);
	assert_memory_equal(c.integrity_key_out, in + 32, 32);
	assert_int_equal(seen.sa, a.spi_in);
	pass(REKEY_RETIRE_MS);
	assert_int_equal(take_delete(&i), first);
	assert_int_equal(fake_command_count(), 0);
	pass(REKEY_LINGER_MS);
	assert_deleted(first);
	// And that one in its turn.
	pass(DUE_MS - REKEY_RETIRE_MS - REKEY_LINGER_MS);
	first = a.spi_in;
	take_request(&i, &a);
	assert_int_equal(a.renews, first);
	assert_int_equal(seen.downs, 0);
	v2_initiator_free(&i);
}

static void renews_with_the_groups_that_the_peer_wants(void **state)
{
	struct asked a;
	uint8_t in[64], out[64];

	until_asked(&a);
	answer_error(&a, V2_NO_PROPOSAL_CHOSEN, SPAN(NULL, 0));
	pass(1000);
	take_request(&i, &a);
	assert_int_equal(a.group, IKE_ECP_256);
	answer_error(&a, V2_INVALID_KE_PAYLOAD, SPAN((const uint8_t *)"\0\x14", 2));
	take_request(&i, &a);
	assert_int_equal(a.group, IKE_ECP_384);
	answer_pair(&a, SPI_SECOND, high, in, out);
	assert_memory_equal(take_add().cipher_key_out, in, 32);
	assert_int_equal(seen.sa, a.spi_in);
	pass(REKEY_RETIRE_MS);
	(void)take_delete(&i);
	pass(REKEY_LINGER_MS);
	assert_deleted(first);
	pass(DUE_MS - REKEY_RETIRE_MS - REKEY_LINGER_MS);
	take_request(&i, &a);
	assert_int_equal(a.group, IKE_ECP_384);
	v2_initiator_free(&i);
}

static void waits_for_a_busy_peer(void **state)
{
	struct asked a;

	until_asked(&a);
	answer_error(&a, V2_TEMPORARY_FAILURE, SPAN(NULL, 0));
	assert_int_equal(fake_sent_count(), 0);
	pass(1000);
	take_request(&i, &a);
	v2_initiator_free(&i);
}

static void drops_what_the_peer_does_not_know(void **state)
{
	struct asked a;

	until_asked(&a);
	answer_error(&a, V2_CHILD_SA_NOT_FOUND, SPAN(NULL, 0));
	assert_deleted(first);
	assert_int_equal(seen.downs, 1);
	v2_initiator_free(&i);
}

static void deletes_what_was_not_offered(void **state)
{
	struct asked a;
	uint8_t in[64], out[64];

	until_asked(&a);
	i.ts_i.port_last = 2000;
	answer_pair(&a, SPI_SECOND, high, in, out);
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(take_delete(&i), a.spi_in);
	assert_int_equal(seen.currents, 1);
	v2_initiator_free(&i);
}

static void leaves_a_pair_to_the_peer(void **state)
{
	uint32_t second;

	start();
	i.rekey = true;
	i.rekey_spi = SPI_FIRST;
	i.spi = SPI_SECOND;
	assert_true(v2_initiator_child(&i));
	second = take_add().spi_in;
	assert_int_equal(seen.sa, first);
	delete_pair(&i, SPI_FIRST);
	assert_deleted(first);
	assert_int_equal(seen.sa, second);
	assert_int_equal(seen.downs, 0);
	// One that we are about to delete.
	i.rekey_spi = SPI_FIRST;
	i.spi = SPI_THIRD;
	assert_false(v2_initiator_child(&i));
	assert_int_equal(v2_initiator_error(&i), V2_CHILD_SA_NOT_FOUND);
	v2_initiator_free(&i);
}

static void refuses_to_renew_what_goes(void **state)
{
	struct asked a;
	uint8_t in[64], out[64];

	until_asked(&a);
	answer_pair(&a, SPI_SECOND, high, in, out);
	(void)take_add();
	i.rekey = true;
	i.rekey_spi = SPI_FIRST;
	i.spi = SPI_THIRD;
	assert_false(v2_initiator_child(&i));
	assert_int_equal(v2_initiator_error(&i), V2_TEMPORARY_FAILURE);
	assert_int_equal(seen.sa, a.spi_in);
	v2_initiator_free(&i);
}

// Both have asked before they hear the other: the exchange with the lowest nonce is redundant, and
// who began it deletes its pair.
static void pairs_meet(void **state)
{
	for (int ours = 0; ours < 2; ours++) {
		struct asked a;
		uint32_t theirs;
		uint8_t in[64], out[64];

		fixture_v2_teardown(state);
		fixture_v2_setup(state);
		start();
		pass(DUE_MS);
		take_request(&i, &a);
		i.rekey = true;
		i.rekey_spi = SPI_FIRST;
		i.spi = SPI_THIRD;
		i.nonce = ours ? high : low;
		assert_true(v2_initiator_child(&i));
		theirs = take_add().spi_in;
		answer_pair(&a, SPI_SECOND, ours ? low : high, in, out);
		assert_int_equal(take_add().spi_in, a.spi_in);
		if (ours) {
			// The peer deletes the old one, and outbound moves to the one it has made.
			delete_pair(&i, SPI_FIRST);
			assert_deleted(first);
			assert_int_equal(seen.sa, theirs);
			pass(REKEY_RETIRE_MS);
			assert_int_equal(take_delete(&i), a.spi_in);
			pass(REKEY_LINGER_MS);
			assert_deleted(a.spi_in);
			assert_int_equal(seen.sa, theirs);
		} else {
			assert_int_equal(seen.sa, a.spi_in);
			delete_pair(&i, SPI_THIRD);
			assert_deleted(theirs);
			pass(REKEY_RETIRE_MS);
			assert_int_equal(take_delete(&i), first);
			pass(REKEY_LINGER_MS);
			assert_deleted(first);
			assert_int_equal(seen.sa, a.spi_in);
		}
		assert_int_equal(seen.downs, 0);
		v2_initiator_free(&i);
	}
}

// ---- the IKE SA

static void start_ike(void)
{
	config.ike.lifetime_s = 1000;
	start();
}

static void derive(struct v2_initiator *n, const struct v2_initiator *old, struct span secret,
	struct span nonce_i, struct span nonce_r)
{
	const struct v2_keys_input in = {.suite = n->suite,
		.secret = secret,
		.nonce_i = nonce_i,
		.nonce_r = nonce_r,
		.spi_i = n->spi_i,
		.spi_r = n->spi_r,
		.old_d = old->keys.d,
		.old_hash = old->suite.hash};

	assert_int_equal(v2_keys_derive(&in, &n->keys), 0);
	n->next = 0;
	n->dh = NULL;
	n->nonce = NULL;
	n->rekey = false;
}

// Answers the gateway's rekey; the new IKE SA.
static struct v2_initiator answer_ike(const struct asked *a, const uint8_t *nonce)
{
	struct v2_initiator n = i;
	uint8_t secret[IKE_DH_MAX];
	struct v2_sealed s;
	size_t size;

	memcpy(n.spi_i, a->spi, 8);
	RAND_bytes(n.spi_r, 8);
	n.gateway_began = true;
	v2_initiator_answer_begin(&i, &s, V2_CREATE_CHILD_SA, a->message_id);
	v2_offer_ike(&s.out, &i.suite, SPAN(n.spi_r, 8));
	isakmp_out_payload(&s.out, V2_NONCE, nonce, 32);
	size = put_ke(a, &s.out, secret);
	derive(&n, &i, SPAN(secret, size), SPAN(a->nonce, a->nonce_length), SPAN(nonce, 32));
	v2_initiator_answer_end(&i, &s);
	return n;
}

// Renews by the peer; the new IKE SA.
static struct v2_initiator renew_ike(const uint8_t *nonce)
{
	struct v2_initiator n = i;
	uint8_t public[IKE_DH_MAX], secret[IKE_DH_MAX];
	struct ike_dh *own = ike_dh_generate(i.suite.group, public);
	const struct v2_part *p;
	struct v2_sa answer;
	struct v2_sealed s;
	struct v2_ke ke;
	struct span spi;

	RAND_bytes(n.spi_i, 8);
	v2_initiator_request(&i, &s, V2_CREATE_CHILD_SA);
	v2_offer_ike(&s.out, &i.suite, SPAN(n.spi_i, 8));
	isakmp_out_payload(&s.out, V2_NONCE, nonce, 32);
	v2_put_ke(&s.out, (uint16_t)i.suite.group, SPAN(public, ike_group_size(i.suite.group)));
	assert_true(v2_initiator_ask(&i, &s));
	p = v2_chain_find(&i.chain, V2_SA, 0);
	assert_non_null(p);
	assert_int_equal(v2_sa_parse(p->body, &answer), 0);
	assert_int_equal(v2_answer_ike(&answer, &i.suite, &spi), 0);
	memcpy(n.spi_r, spi.at, 8);
	p = v2_chain_find(&i.chain, V2_KE, 0);
	assert_int_equal(v2_ke_parse(p->body, &ke), 0);
	assert_int_equal(ike_dh_shared(i.suite.group, own, ke.value, secret), 0);
	ike_dh_free(own);
	p = v2_chain_find(&i.chain, V2_NONCE, 0);
	derive(&n, &i, SPAN(secret, ike_group_secret_size(i.suite.group)), SPAN(nonce, 32),
		p->body);
	return n;
}

// The SA works both ways, and the pairs are its own.
static void works(struct v2_initiator *n)
{
	uint32_t peer = seen.peer;

	n->rekey = true;
	n->rekey_spi = SPI_FIRST;
	n->spi = SPI_SECOND;
	assert_true(v2_initiator_child(n));
	(void)take_add();
	delete_pair(n, SPI_FIRST);
	assert_deleted(first);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(seen.peer, peer);
	assert_int_equal(ike_peer_close(ike, peer, "closed"), 0);
	assert_true(v2_initiator_take(n));
	assert_non_null(v2_chain_find(&n->chain, V2_DELETE, 0));
}

static void the_peer_renews_the_ike_sa(void **state)
{
	struct v2_initiator n;

	start_ike();
	n = renew_ike(high);
	delete_ike(&i);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(fake_command_count(), 0);
	works(&n);
	v2_initiator_free(&i);
	v2_initiator_free(&n);
}

static void we_renew_the_ike_sa(void **state)
{
	struct asked a;
	struct v2_initiator n;

	start_ike();
	pass(899999);
	assert_int_equal(fake_sent_count(), 0);
	pass(1);
	take_request(&i, &a);
	assert_int_equal(a.group, IKE_ECP_256);
	n = answer_ike(&a, high);
	assert_int_equal(take_delete(&i), 0);
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(seen.downs, 0);
	works(&n);
	v2_initiator_free(&i);
	v2_initiator_free(&n);
}

static void renews_the_new_one_too(void **state)
{
	struct asked a;
	struct v2_initiator n;

	start_ike();
	for (int round = 0; round < 3; round++) {
		pass(900000);
		take_request(&i, &a);
		n = answer_ike(&a, high);
		assert_int_equal(take_delete(&i), 0);
		v2_initiator_free(&i);
		i = n;
	}
	works(&i);
	v2_initiator_free(&i);
}

static void ike_sas_meet(void **state)
{
	for (int ours = 0; ours < 2; ours++) {
		struct asked a;
		struct v2_initiator theirs, mine;

		fixture_v2_teardown(state);
		fixture_v2_setup(state);
		start_ike();
		pass(900000);
		take_request(&i, &a);
		theirs = renew_ike(ours ? high : low);
		mine = answer_ike(&a, ours ? low : high);
		if (ours) { // is redundant: we delete it, and the peer the old one
			assert_int_equal(take_delete(&mine), 0);
			delete_ike(&i);
			works(&theirs);
		} else {
			assert_int_equal(take_delete(&i), 0);
			delete_ike(&theirs);
			assert_int_equal(seen.downs, 0);
			works(&mine);
		}
		v2_initiator_free(&i);
	}
}

// The peer knows the outcome first and deletes the old SA before it answers ours.
static void the_old_ike_sa_goes_in_between(void **state)
{
	struct asked a;
	struct v2_initiator n;

	start_ike();
	pass(900000);
	take_request(&i, &a);
	n = renew_ike(high);
	delete_ike(&i);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(fake_command_count(), 0);
	works(&n);
	v2_initiator_free(&i);
}

static void one_thing_at_a_time(void **state)
{
	struct asked a;
	struct v2_sealed s;

	start_ike();
	pass(900000);
	take_request(&i, &a); // of the IKE SA
	i.rekey = true;
	i.rekey_spi = SPI_FIRST;
	i.spi = SPI_THIRD;
	assert_false(v2_initiator_child(&i));
	assert_int_equal(v2_initiator_error(&i), V2_TEMPORARY_FAILURE);
	v2_initiator_free(&i);
	fixture_v2_teardown(state);
	fixture_v2_setup(state);
	start();
	pass(DUE_MS);
	take_request(&i, &a); // of the pair
	v2_initiator_request(&i, &s, V2_CREATE_CHILD_SA);
	v2_offer_ike(&s.out, &i.suite, SPAN(low, 8));
	isakmp_out_payload(&s.out, V2_NONCE, high, 32);
	v2_put_ke(&s.out, (uint16_t)i.suite.group, SPAN(i.public_i, ike_group_size(i.suite.group)));
	assert_true(v2_initiator_ask(&i, &s));
	assert_int_equal(v2_initiator_error(&i), V2_TEMPORARY_FAILURE);
	v2_initiator_free(&i);
}

static void closes_in_between(void **state)
{
	for (int step = 0; step < 4; step++) {
		struct asked a;
		uint8_t in[64], out[64];

		fixture_v2_teardown(state);
		fixture_v2_setup(state);
		if (step < 2)
			start();
		else
			start_ike();
		work_hold(step == 3);
		pass(step < 2 ? DUE_MS : 900000);
		if (step < 3)
			take_request(&i, &a);
		fake_install_hold(step == 1);
		if (step == 1)
			answer_pair(&a, SPI_SECOND, high, in, out);
		assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), 0);
		fake_install_hold(false);
		fake_install_release();
		work_hold(false);
		pass(60000);
		assert_int_equal(seen.downs, 1);
		v2_initiator_free(&i);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_v2_setup, fixture_v2_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(renews_a_pair),
		TEST(renews_with_the_groups_that_the_peer_wants),
		TEST(waits_for_a_busy_peer),
		TEST(drops_what_the_peer_does_not_know),
		TEST(deletes_what_was_not_offered),
		TEST(leaves_a_pair_to_the_peer),
		TEST(refuses_to_renew_what_goes),
		TEST(pairs_meet),
		TEST(the_peer_renews_the_ike_sa),
		TEST(we_renew_the_ike_sa),
		TEST(renews_the_new_one_too),
		TEST(ike_sas_meet),
		TEST(the_old_ike_sa_goes_in_between),
		TEST(one_thing_at_a_time),
		TEST(closes_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
