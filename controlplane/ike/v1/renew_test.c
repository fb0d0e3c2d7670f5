// SPDX-License-Identifier: Apache-2.0

// IKE SAs that we renew, as the initiator of main mode. At the other end of it is a responder of
// its own in the client's place: another struct ike, with the client's address and proofs.

#include "fixture.h"

#include "controlplane/ike/certificates.h"
#include "controlplane/ike/pki_fixture.h"
#include "controlplane/ike/state.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	LIFETIME_MS = 28800 * 1000, // as initiator_init has it
	SPI_OURS = 0xabcd0001,
	MODE_PLAIN = 2, // transport (RFC 2407 section 4.5), and in UDP (RFC 3947 section 5.1)
	MODE_UDP = 4,
};

static struct initiator i;
static struct initiator_quick q;

// The client as responder, at its own address and port.
static struct config far_config;
static struct config_psk far_psk;
static struct ike *far;
static struct ip_address far_address;

static struct {
	unsigned lefts, failures;
	char left[256];
	unsigned sent; // messages of ours
	unsigned lost; // the number of the one that is lost, either way; 0 = none
	unsigned passed;
} wire;

static void on_event(void *context, enum log_event event, const char *line)
{
	on_log(context, event, line);
	if (event == LOG_REKEY_FAILED)
		wire.failures++;
	if (event != LOG_REKEY_LEFT)
		return;
	wire.lefts++;
	snprintf(wire.left, sizeof(wire.left), "%s", line);
}

static void far_down(void *context, uint32_t peer, const char *cause)
{
}

static void far_current(void *context, uint32_t peer, uint32_t sa)
{
}

static void far_start(const char *address)
{
	static const struct ike_events events = {.sa_current = far_current, .peer_down = far_down};

	far_config = config;
	address_parse(address, &far_address);
	far_config.listener_count = 1;
	far_config.listeners[0].address = far_address;
	far_psk = (struct config_psk){.secret = "secret", .secret_length = 6};
	far_config.psks = &far_psk;
	far_config.psk_count = 1;
	// It asks nobody for a sign of life, and renews nothing.
	far_config.ike.dpd_delay_ms = 0;
	far = ike_create(&far_config, timers, 64, &events, NULL);
	assert_non_null(far);
}

static int setup(void **state)
{
	(void)fixture_setup(state);
	memset(&wire, 0, sizeof(wire));
	log_set_level(LEVEL_INFO);
	log_set_sink(on_event, NULL);
	config.ike.rekey_jitter = 0;
	config.ike.dpd_delay_ms = 0;
	// What the pairs do is not what is looked at here.
	config.ike.esp_lifetime_s = 86400;
	return 0;
}

static int teardown(void **state)
{
	log_set_sink(NULL, NULL);
	ike_free(far);
	far = NULL;
	initiator_free(&i);
	return fixture_teardown(state);
}

// The pair lives longer than the IKE SA.
static void quick(uint16_t mode)
{
	initiator_quick_init(&q, SPI_OURS);
	q.mode = mode;
	q.lifetime_s = 86400;
	assert_true(initiator_quick(&i, &q));
	(void)take_add();
}

static void up(const char *remote)
{
	connect_as(&i, remote, PORT_IKE);
	quick(MODE_PLAIN);
	far_start(remote);
}

static struct flow turned(const struct flow *flow, const struct ip_address *local, uint16_t port)
{
	return (struct flow){.local = *local,
		.local_port = port,
		.remote = flow->local,
		.remote_port = flow->local_port};
}

static void deliver(const struct fake_packet *p)
{
	bool ours = address_equal(&p->flow.local, &i.flow.local);
	struct flow flow;

	wire.sent += ours;
	if (++wire.passed == wire.lost)
		return;
	if (ours)
		flow = turned(&p->flow, &far_address,
			p->flow.local_port == PORT_NAT_T ? PORT_NAT_T : PORT_IKE);
	else
		flow = turned(&p->flow, &i.flow.local, p->flow.remote_port);
	if (!ours) {
		flow.remote = i.flow.remote;
		flow.remote_port = i.flow.remote_port;
	}
	ike_input(ours ? far : ike, &flow, p->data, p->length);
}

// Carries what is sent until nobody says anything more.
static void carry(void)
{
	const struct fake_packet *p;
	struct fake_packet copy;

	while ((p = fake_sent_take())) {
		copy = *p;
		deliver(&copy);
	}
}

static void until_due(void)
{
	pass(LIFETIME_MS / 10 * 9 - 1);
	assert_int_equal(fake_sent_count(), 0);
	pass(1);
	assert_int_equal(fake_sent_count(), 1);
}

static unsigned established(struct ike *of)
{
	const struct ike_sa *sa;
	unsigned count = 0;

	TAILQ_FOREACH(sa, &of->sas, all)
	count += sa->state == IKE_ESTABLISHED;
	return count;
}

static unsigned all(struct ike *of)
{
	const struct ike_sa *sa;
	unsigned count = 0;

	TAILQ_FOREACH(sa, &of->sas, all)
	count++;
	return count;
}

// There is a new IKE SA of the peer, it carries messages both ways, the old one goes, and the pair
// has not noticed.
static void assert_renewed(uint32_t peer)
{
	assert_int_equal(established(ike), 2);
	assert_int_equal(established(far), 1);
	assert_non_null(strstr(seen.up_line, "\"rekey\":true"));
	pass(LIFETIME_GRACE_MS + 1);
	while (fake_sent_take())
		; // the Delete of the old one is for who had that
	assert_int_equal(established(ike), 1);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	assert_int_equal(fake_command_count(), 0);
	// The far end hears and answers under the new one.
	assert_int_equal(ike_peer_close(ike, peer, "test"), 0);
	carry();
	assert_int_equal(established(far), 0);
}

static void renews(void **state)
{
	up("198.51.100.7");
	until_due();
	carry();
	assert_int_equal(wire.sent, 3);
	assert_null(strstr(seen.up_line, "\"nat_peer\":true"));
	assert_renewed(seen.peer);
	assert_int_equal(wire.failures + wire.lefts, 0);
}

static void renews_ipv6_with_modp(void **state)
{
	initiator_init(&i, ike, "2001:db8::7", PORT_IKE);
	i.group = IKE_MODP_2048;
	i.encryption = IKE_AES_CBC_128;
	i.hash = IKE_SHA1;
	assert_true(initiator_main(&i));
	quick(MODE_PLAIN);
	far_start("2001:db8::7");
	until_due();
	carry();
	assert_non_null(strstr(seen.up_line, "modp-2048"));
	assert_renewed(seen.peer);
}

static void renews_behind_nat(void **state)
{
	initiator_init(&i, ike, "198.51.100.7", 2000);
	i.natt = NATT_RFC3947;
	i.nat = true;
	memcpy(i.id + 4, "\x0a\0\0\5", 4);
	assert_true(initiator_main(&i));
	quick(MODE_UDP);
	far_start("10.0.0.5");
	until_due();
	carry();
	assert_int_equal(wire.sent, 3);
	assert_non_null(strstr(seen.up_line, "\"nat_peer\":true"));
	assert_non_null(strstr(seen.up_line, "\"rekey\":true"));
	assert_int_equal(established(ike), 2);
	assert_int_equal(seen.downs, 0);
}

// Whichever of the six is lost, it comes again.
static void no_message_may_be_missed(void **state)
{
	(void)teardown(state);
	for (unsigned n = 1; n <= 6; n++) {
		(void)setup(state);
		up("198.51.100.7");
		wire.lost = n;
		until_due();
		carry();
		for (unsigned s = 0; s < 3; s++) {
			pass(1000);
			carry();
		}
		assert_int_equal(established(ike), 2);
		assert_non_null(strstr(seen.up_line, "\"rekey\":true"));
		(void)teardown(state);
	}
	(void)setup(state);
}

// Who does not answer and is not heard otherwise may be out of reach: he is asked again.
static void tries_thrice_where_nobody_is_heard(void **state)
{
	up("198.51.100.7");
	until_due();
	for (unsigned s = 0; s < 200; s++) {
		while (fake_sent_take())
			wire.sent++;
		pass(1000);
	}
	assert_int_equal(wire.sent, 3 * (1 + config.ike.retransmit_tries));
	assert_int_equal(wire.failures, 2);
	assert_int_equal(wire.lefts, 1);
	assert_int_equal(all(ike), 1);
	assert_int_equal(seen.downs, 0);
	// The IKE SA ends, the pair stays.
	pass(LIFETIME_MS / 10 + LIFETIME_GRACE_MS);
	assert_int_equal(all(ike), 0);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q.spi_responder);
}

// He is there, and has no responder: then he is left alone at once, and for good.
static void leaves_alone_who_is_heard_and_does_not_answer(void **state)
{
	up("198.51.100.7");
	until_due();
	for (unsigned s = 0; s < 60; s++) {
		while (fake_sent_take())
			wire.sent++;
		pass(1000);
		ike_peer_alive(ike, seen.peer, now);
	}
	assert_int_equal(wire.sent, 1 + config.ike.retransmit_tries);
	assert_int_equal(wire.failures, 0);
	assert_int_equal(wire.lefts, 1);
	assert_non_null(strstr(wire.left, "does not answer"));
	// He comes again by himself, and is not asked again.
	initiator_free(&i);
	connect_as(&i, "198.51.100.7", PORT_IKE);
	while (fake_sent_take())
		;
	pass(LIFETIME_MS - 1000);
	// The Delete of the one before, and nothing else.
	assert_true(fake_sent_count() <= 1);
	assert_int_equal(wire.lefts, 1);
	assert_int_equal(seen.downs, 0);
}

static void leaves_alone_who_refuses(void **state)
{
	up("198.51.100.7");
	far_psk.peer = (struct ip_prefix){0};
	prefix_parse("203.0.113.0/24", &far_psk.peer, NULL); // no key for us
	until_due();
	for (unsigned s = 0; s < 60; s++) {
		carry();
		pass(1000);
	}
	assert_int_equal(wire.lefts, 1);
	assert_non_null(strstr(wire.left, "no proposal chosen"));
	assert_int_equal(all(ike), 1);
	assert_int_equal(seen.downs, 0);
}

static void refuses_another_key(void **state)
{
	up("198.51.100.7");
	memcpy(far_psk.secret, "public", 6);
	until_due();
	for (unsigned s = 0; s < 200; s++) {
		carry();
		pass(1000);
	}
	assert_int_equal(established(ike), 1);
	assert_int_equal(established(far), 0);
	assert_int_equal(wire.lefts, 1);
}

// The right key, and another name: it is not the peer that we know.
static void refuses_another_identity(void **state)
{
	connect_as(&i, "198.51.100.7", PORT_IKE);
	quick(MODE_PLAIN);
	far_start("198.51.100.8");
	until_due();
	for (unsigned s = 0; s < 10; s++) {
		carry();
		pass(1000);
	}
	assert_int_equal(established(ike), 1);
	assert_int_equal(wire.lefts, 1);
	assert_non_null(strstr(wire.left, "another identity"));
	assert_int_equal(seen.downs, 0);
}

// Whoever sees the first message can answer it; nothing comes of what he sends.
static void forged_answers_change_nothing(void **state)
{
	struct fake_packet first, copy;
	struct flow flow;

	up("198.51.100.7");
	until_due();
	first = *fake_sent_take();
	flow = turned(&first.flow, &i.flow.local, PORT_IKE);
	flow.remote = i.flow.remote;
	for (size_t n = ISAKMP_COOKIE; n < first.length; n++) {
		copy = first;
		copy.data[n] ^= 0x15;
		memset(copy.data + ISAKMP_COOKIE, 7, ISAKMP_COOKIE);
		ike_input(ike, &flow, copy.data, copy.length);
	}
	// From elsewhere it is not even looked at.
	flow.remote_port = 4711;
	copy = first;
	memset(copy.data + ISAKMP_COOKIE, 7, ISAKMP_COOKIE);
	ike_input(ike, &flow, copy.data, copy.length);
	assert_int_equal(all(ike), 2);
	assert_int_equal(wire.lefts + wire.failures, 0);
	assert_int_equal(seen.downs, 0);
}

static void gives_way_to_the_peers_own(void **state)
{
	up("198.51.100.7");
	until_due();
	while (fake_sent_take())
		;
	initiator_free(&i);
	connect_as(&i, "198.51.100.7", PORT_IKE);
	assert_int_equal(established(ike), 2);
	pass(1000);
	assert_int_equal(all(ike), 2);
	assert_int_equal(wire.lefts + wire.failures, 0);
	assert_int_equal(seen.downs, 0);
}

// In each step of the arithmetic, and before each answer, the peer goes.
static void ends_with_its_peer(void **state)
{
	(void)teardown(state);
	for (unsigned n = 0; n < 6; n++) {
		(void)setup(state);
		up("198.51.100.7");
		wire.lost = n + 1;
		if (n % 2)
			work_hold(true);
		until_due();
		carry();
		assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
		work_hold(false);
		while (fake_sent_take())
			;
		assert_int_equal(all(ike), 0);
		(void)teardown(state);
	}
	(void)setup(state);
}

// ---- certificates

static struct pki root, gateway, client;
static struct certificates *ours, *theirs;

static struct certificates *load(struct config *c, struct ike *of, const char *name)
{
	struct certificates *made;
	char why[512], file[64];

	snprintf(file, sizeof(file), "%s.pem", name);
	strcpy(c->certificates.own[0].certificate, pki_path(file));
	snprintf(file, sizeof(file), "%s.key", name);
	strcpy(c->certificates.own[0].key, pki_path(file));
	strcpy(c->certificates.authorities[0].certificate, pki_path("root.pem"));
	c->certificates.own_count = c->certificates.authority_count = 1;
	made = certificates_create(c, timers, why, sizeof(why));
	if (!made)
		fail_msg("%s", why);
	ike_set_certificates(of, certificates_own(made), certificates_trust(made));
	return made;
}

static void pki_start(const char *kind)
{
	pki_folder_make();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	gateway = pki_peer(kind, "CN=Gateway", "DNS:vpn.example,IP:192.0.2.1", &root);
	client = pki_peer(kind, "CN=Peer", "DNS:peer.example,IP:198.51.100.7", &root);
	pki_write_certificate("root.pem", &root, NULL);
	pki_write_certificate("gateway.pem", &gateway, NULL);
	pki_write_certificate("client.pem", &client, NULL);
	pki_write_key("gateway.key", gateway.key, NULL);
	pki_write_key("client.key", client.key, NULL);
	config.psk_count = 0;
	restart();
	ours = load(&config, ike, "gateway");
}

static void pki_end(void)
{
	ike_free(ike);
	ike_free(far);
	ike = far = NULL;
	certificates_free(ours);
	certificates_free(theirs);
	pki_free(&root);
	pki_free(&gateway);
	pki_free(&client);
	pki_folder_remove();
}

static void id_of_name(const char *words)
{
	struct identity id;

	assert_int_equal(identity_parse(&id, words), 0);
	memset(i.id, 0, 4);
	i.id[0] = id.type;
	memcpy(i.id + 4, id.data, id.length);
	i.id_length = 4u + id.length;
}

static void renew_by_certificate(void **state, const char *kind, unsigned auth, const char *name)
{
	(void)setup(state);
	pki_start(kind);
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.auth = auth;
	i.sign_key = client.key;
	i.certs[0] = pki_der(client.certificate);
	i.cert_count = 1;
	id_of_name(name);
	assert_true(initiator_main(&i));
	quick(MODE_PLAIN);
	OPENSSL_free((void *)i.certs[0].at);
	far_start("198.51.100.7");
	far_config.psk_count = 0;
	theirs = load(&far_config, far, "client");
	until_due();
	carry();
	assert_renewed(seen.peer);
	assert_int_equal(seen.refused, 0);
	pki_end();
	(void)teardown(state);
}

static void renews_by_certificates(void **state)
{
	(void)teardown(state);
	renew_by_certificate(state, "rsa-2048", IKE_AUTH_RSA, "198.51.100.7");
	renew_by_certificate(state, "ecdsa-256", IKE_AUTH_ECDSA_256, "peer.example");
	renew_by_certificate(state, "ecdsa-384", IKE_AUTH_ECDSA_384, "198.51.100.7");
	(void)setup(state);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(renews),
		CASE(renews_ipv6_with_modp),
		CASE(renews_behind_nat),
		CASE(no_message_may_be_missed),
		CASE(tries_thrice_where_nobody_is_heard),
		CASE(leaves_alone_who_is_heard_and_does_not_answer),
		CASE(leaves_alone_who_refuses),
		CASE(refuses_another_key),
		CASE(refuses_another_identity),
		CASE(forged_answers_change_nothing),
		CASE(gives_way_to_the_peers_own),
		CASE(ends_with_its_peer),
		CASE(renews_by_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
