// SPDX-License-Identifier: Apache-2.0

// A peer that proves itself by EAP, ours or a server's, from IKE_SA_INIT to its child, with a
// certificate of ours that is really checked.

#include "fixture.h"

#include "controlplane/auth/auth.h"
#include "controlplane/auth/mschap.h"
#include "controlplane/eap/eap.h"
#include "controlplane/ike/credential.h"
#include "controlplane/ike/pki_fixture.h"
#include "controlplane/ike/state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { IDENTITY = 1, NAK = 3, MSCHAPV2 = 26, SUCCESS = 3, FAILURE = 4 };

static struct v2_initiator i;
static struct pki root, gateway;
static struct credentials *credentials;
static uint8_t msk[AUTH_MSK];

// What was asked above.
static struct {
	bool asked, later; // the answer is given by the test
	unsigned asks, gone;
	uint64_t attempt;
	uint8_t packet[EAP_PACKET];
	uint8_t spi_i[8], spi_r[8];
	struct ppp_credentials credentials;
	struct ike_access_request access;
	char name[PPP_NAME];
} above;

static int judge(void)
{
	struct ppp_verdict verdict;

	auth_check(&above.credentials, "secret", &verdict);
	return ike_user_answer(ike, above.spi_i, above.spi_r, &verdict);
}

static void user_ask(void *context, const struct ike_user_request *request)
{
	above.asked = true;
	above.asks++;
	above.attempt = request->attempt;
	above.credentials = *request->credentials;
	if (above.credentials.eap)
		memcpy(above.packet, above.credentials.eap, above.credentials.eap_length);
	memcpy(above.spi_i, request->spi_i, 8);
	memcpy(above.spi_r, request->spi_r, 8);
	if (!above.later)
		assert_int_equal(judge(), 0);
}

static void user_gone(void *context, uint64_t attempt)
{
	assert_true(above.asked);
	assert_int_equal(attempt, above.attempt);
	above.gone++;
}

static void access_ask(void *context, const struct ike_access_request *request)
{
	struct ike_access access = {.session = 7};

	above.access = *request;
	snprintf(above.name, sizeof(above.name), "%s", request->name);
	address_parse("100.64.0.9", &access.address4);
	assert_int_equal(ike_access_answer(ike, request->peer, &access, NULL), 0);
}

static struct ike_events events;

static int start(void **state)
{
	char why[256];

	fixture_v2_setup(state);
	memset(&above, 0, sizeof(above));
	pki_folder_make();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	gateway = pki_peer("ecdsa-256", "CN=gw.example", "DNS:gw.example", &root);
	pki_write_certificate("gw.pem", &gateway, NULL);
	pki_write_key("gw.key", gateway.key, NULL);
	config.certificates.own_count = 1;
	snprintf(config.certificates.own[0].certificate, CONFIG_TEXT, "%s", pki_path("gw.pem"));
	snprintf(config.certificates.own[0].key, CONFIG_TEXT, "%s", pki_path("gw.key"));
	config.remote_access.eap_mschapv2 = true;
	for (uint16_t n = 0; n < config.listener_count; n++)
		config.listeners[n].remote_access = true;
	credentials = credentials_create(&config, why, sizeof(why));
	if (!credentials)
		fail_msg("%s", why);
	ike_set_certificates(ike, credentials, NULL);
	events = *ike->events;
	events.user_ask = user_ask;
	events.user_gone = user_gone;
	events.access_ask = access_ask;
	ike->events = &events;
	v2_initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.tunnel = true;
	i.ts_i = i.ts_r = (struct v2_selector){.port_last = 65535,
		.first = address_v4((const uint8_t[]){0, 0, 0, 0}),
		.last = address_v4((const uint8_t[]){255, 255, 255, 255})};
	return 0;
}

static int finish(void **state)
{
	v2_initiator_free(&i);
	fixture_v2_teardown(state);
	credentials_free(credentials);
	pki_free(&gateway);
	pki_free(&root);
	pki_folder_remove();
	return 0;
}

// The first request: all but AUTH.
static bool ask_for_eap(void)
{
	const struct esp_form form = {
		.cipher = ESP_CIPHER_AES_CBC_256, .integrity = ESP_INTEGRITY_HMAC_SHA256_128};
	const uint8_t spi[] = {0xab, 0xcd, 0, 1};
	struct v2_sealed s;

	if (!v2_initiator_begin(&i))
		return false;
	v2_initiator_request(&i, &s, V2_IKE_AUTH);
	isakmp_out_payload(&s.out, V2_ID_I, i.id, i.id_length);
	v2_cp_open(&s.out, V2_CFG_REQUEST);
	v2_cp_put(&s.out, V2_INTERNAL_IP4_ADDRESS, SPAN(NULL, 0));
	isakmp_out_close(&s.out);
	v2_offer_esp(&s.out, &form, 0, SPAN(spi, 4));
	v2_put_selectors(&s.out, V2_TS_I, &i.ts_i, 1);
	v2_put_selectors(&s.out, V2_TS_R, &i.ts_r, 1);
	return v2_initiator_ask(&i, &s);
}

static void auth_octets(bool ours, uint8_t *octets, size_t size, size_t *length)
{
	static struct bytes {
		uint8_t at[100];
		size_t length;
	} id_r; // of the first answer
	const struct v2_part *id = v2_chain_find(&i.chain, V2_ID_R, 0);
	struct build out = build_in(octets, size);

	if (id) {
		memcpy(id_r.at, id->body.at, id->body.length);
		id_r.length = id->body.length;
	}
	if (ours)
		v2_auth_octets(i.suite.hash, i.keys.pi, SPAN(i.first, i.first_length),
			SPAN(i.nonce_r, i.nonce_r_length), SPAN(i.id, i.id_length), &out);
	else
		v2_auth_octets(i.suite.hash, i.keys.pr, SPAN(i.second, i.second_length),
			SPAN(i.nonce_i, sizeof(i.nonce_i)), SPAN(id_r.at, id_r.length), &out);
	assert_false(out.failed);
	*length = build_length(&out);
}

// The first answer: IDr, CERT, AUTH by its key, EAP.
static void check_certificate(void)
{
	const struct v2_part *id = v2_chain_find(&i.chain, V2_ID_R, 0);
	const struct v2_part *part = v2_chain_find(&i.chain, V2_CERT, 0);
	const struct v2_part *auth = v2_chain_find(&i.chain, V2_AUTH, 0);
	uint8_t octets[8192], der[200];
	unsigned char *at = der;
	struct v2_cert cert;
	struct v2_auth a;
	size_t length;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	assert_non_null(id);
	assert_non_null(part);
	assert_non_null(auth);
	assert_memory_equal(id->body.at + 4, "gw.example", 10);
	assert_int_equal(v2_cert_parse(part->body, &cert), 0);
	assert_int_equal(cert.encoding, V2_CERT_X509);
	assert_int_equal(v2_auth_parse(auth->body, &a), 0);
	assert_int_equal(a.method, V2_AUTH_ECDSA_256);
	assert_int_equal(a.data.length, 64);
	auth_octets(false, octets, sizeof(octets), &length);
	ECDSA_SIG_set0(sig, BN_bin2bn(a.data.at, 32, NULL), BN_bin2bn(a.data.at + 32, 32, NULL));
	assert_int_equal(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, gateway.key), 1);
	assert_int_equal(
		EVP_DigestVerify(c, der, (size_t)i2d_ECDSA_SIG(sig, &at), octets, length), 1);
	EVP_MD_CTX_free(c);
	ECDSA_SIG_free(sig);
}

// The EAP packet of the newest answer.
static struct span packet(void)
{
	const struct v2_part *part = v2_chain_find(&i.chain, V2_EAP, 0);

	assert_non_null(part);
	return part->body;
}

static bool say(uint8_t type, const void *data, size_t length)
{
	struct span theirs = packet();
	static uint8_t bytes[EAP_PACKET];
	struct build b = build_in(bytes, sizeof(bytes));
	struct v2_sealed s;

	build_u8(&b, 2);
	build_u8(&b, theirs.at[1]);
	build_u16(&b, 5 + length);
	build_u8(&b, type);
	build_bytes(&b, data, length);
	v2_initiator_request(&i, &s, V2_IKE_AUTH);
	isakmp_out_payload(&s.out, V2_EAP, bytes, build_length(&b));
	return v2_initiator_ask(&i, &s);
}

static bool say_password(const char *name, const char *password)
{
	struct span theirs = packet();
	uint8_t hash[MSCHAP_HASH], data[300], peer[16] = {9}, response[MSCHAP_NT_RESPONSE];
	struct build b = build_in(data, sizeof(data));

	assert_int_equal(theirs.at[4], MSCHAPV2);
	mschap_password_hash(password, hash);
	mschap_nt_response(theirs.at + 10, peer, name, strlen(name), hash, response);
	mschap_msk(hash, response, msk);
	build_u8(&b, 2);
	build_u8(&b, theirs.at[6]);
	build_u16(&b, 54 + strlen(name));
	build_u8(&b, 49);
	build_bytes(&b, peer, 16);
	build_zero(&b, 8);
	build_bytes(&b, response, sizeof(response));
	build_u8(&b, 0);
	build_bytes(&b, name, strlen(name));
	return say(MSCHAPV2, data, build_length(&b));
}

static bool say_auth(void)
{
	uint8_t octets[8192], auth[IKE_HASH_MAX], id[100] = {V2_PPK_ID_FIXED};
	struct v2_sealed s;
	size_t length;

	if (i.ppk)
		assert_int_equal(v2_keys_mix_ppk(i.suite.hash,
					 SPAN((const uint8_t *)i.ppk, strlen(i.ppk)), &i.keys),
			0);
	auth_octets(true, octets, sizeof(octets), &length);
	v2_auth_shared(i.suite.hash, SPAN(msk, AUTH_MSK), SPAN(octets, length), auth);
	v2_initiator_request(&i, &s, V2_IKE_AUTH);
	v2_put_auth(&s.out, V2_AUTH_SHARED_KEY, SPAN(auth, ike_hash_size(i.suite.hash)));
	if (i.ppk_id) {
		memcpy(id + 1, i.ppk_id, strlen(i.ppk_id));
		v2_put_status(&s.out, V2_PPK_IDENTITY, SPAN(id, 1 + strlen(i.ppk_id)));
	}
	return v2_initiator_ask(&i, &s);
}

static void check_auth(void)
{
	const struct v2_part *part = v2_chain_find(&i.chain, V2_AUTH, 0);
	uint8_t octets[8192], auth[IKE_HASH_MAX];
	struct v2_auth a;
	size_t length;

	assert_non_null(part);
	assert_int_equal(v2_auth_parse(part->body, &a), 0);
	assert_int_equal(a.method, V2_AUTH_SHARED_KEY);
	auth_octets(false, octets, sizeof(octets), &length);
	v2_auth_shared(i.suite.hash, SPAN(msk, AUTH_MSK), SPAN(octets, length), auth);
	assert_memory_equal(a.data.at, auth, a.data.length);
}

static void a_user_comes_up(void **state)
{
	assert_true(ask_for_eap());
	check_certificate();
	assert_int_equal(packet().at[4], IDENTITY);
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say_password("alice", "secret"));
	assert_true(above.asked);
	assert_int_equal(packet().at[5], SUCCESS);
	assert_true(say(MSCHAPV2, "\3", 1));
	assert_int_equal(packet().at[0], 3); // Success
	assert_int_equal(seen.currents, 0);
	assert_true(say_auth());
	check_auth();
	assert_null(v2_chain_find(&i.chain, V2_ID_R, 0));
	assert_non_null(v2_chain_find(&i.chain, V2_SA, 0));
	assert_non_null(v2_chain_find(&i.chain, V2_CP, 0));
	assert_string_equal(above.name, "alice");
	assert_true(above.access.eap);
	assert_string_equal(above.access.method, "eap-mschapv2");
	assert_int_equal(seen.currents, 1);
	assert_int_equal(half_open(), 0);
	assert_int_equal(above.gone, 1);
}

// The first AUTH, of ours, is without the key, both of the last message have it.
static void a_ppk_comes_with_the_last_auth(void **state)
{
	static struct config_ppk ppk = {.id = "ppk-1", .secret = "quantum", .secret_length = 7};
	struct v2_notify n;

	config.ppks = &ppk;
	config.ppk_count = 1;
	config.ike.ppk_required = true;
	i.ppk = "quantum";
	i.ppk_id = "ppk-1";
	assert_true(ask_for_eap());
	check_certificate();
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say_password("alice", "secret"));
	assert_true(say(MSCHAPV2, "\3", 1));
	assert_true(say_auth());
	check_auth();
	assert_true(v2_chain_notify(&i.chain, V2_PPK_IDENTITY, &n));
	assert_int_equal(seen.currents, 1);
}

static void a_ppk_may_be_required(void **state)
{
	config.ike.ppk_required = true;
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say_password("alice", "secret"));
	assert_true(say(MSCHAPV2, "\3", 1));
	assert_true(say_auth());
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_non_null(strstr(seen.refused_line, "no post-quantum key"));
	assert_int_equal(seen.currents, 0);
}

static void the_answer_may_come_later(void **state)
{
	above.later = true;
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_false(say_password("alice", "secret"));
	v2_initiator_again(&i); // which is no second question
	assert_false(v2_initiator_take(&i));
	assert_int_equal(judge(), 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(packet().at[5], SUCCESS);
	assert_int_equal(judge(), -ENOENT);
	assert_true(say(MSCHAPV2, "\3", 1));
	assert_true(say_auth());
	check_auth();
}

static void an_answer_for_nobody_is_told(void **state)
{
	above.later = true;
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_false(say_password("alice", "secret"));
	pass(60000);
	assert_int_equal(half_open(), 0);
	assert_int_equal(above.gone, 1);
	assert_int_equal(judge(), -ENOENT);
}

// ---- a server's method

enum { TLS = 13, ROUNDS = 12, PATIENCE_MS = 120000 };

static void pass_everything(void)
{
	config.remote_access.eap = true;
	config.radius.patience_ms = PATIENCE_MS;
	above.later = true;
}

static int tell(uint8_t turn, uint8_t id, size_t length)
{
	static uint8_t bytes[EAP_PACKET];
	struct ppp_verdict verdict = {.turn = turn, .eap = bytes, .eap_length = (uint16_t)length};
	struct build b = build_in(bytes, sizeof(bytes));

	build_u8(&b, 1);
	build_u8(&b, id);
	build_u16(&b, length);
	build_u8(&b, TLS);
	for (size_t n = 5; n < length; n++)
		bytes[n] = (uint8_t)(n + id);
	return ike_user_answer(ike, above.spi_i, above.spi_r, &verdict);
}

static int accept_by_server(void)
{
	struct ppp_verdict verdict = {.accepted = true, .has_msk = true};

	for (size_t n = 0; n < 64; n++)
		verdict.msk[n] = msk[n] = (uint8_t)(n * 7);
	return ike_user_answer(ike, above.spi_i, above.spi_r, &verdict);
}

// Packets of up to 4,096 bytes each way, in fragments of IKE where the config has it.
static void many_large_rounds_pass(void **state)
{
	static uint8_t data[EAP_PACKET - 5];

	pass_everything();
	assert_true(ask_for_eap());
	check_certificate();
	assert_false(say(IDENTITY, "alice", 5));
	assert_int_equal(above.credentials.method, PPP_AUTH_EAP);
	assert_int_equal(above.credentials.eap_length, 10);
	assert_memory_equal(above.packet + 4, "\1alice", 6);
	for (uint8_t n = 0; n < ROUNDS; n++) {
		size_t size = n & 1 ? EAP_PACKET : 1024;

		assert_int_equal(tell(EAP_MORE, 100 + n, size), 0);
		assert_true(v2_initiator_take(&i));
		assert_int_equal(packet().length, size);
		assert_int_equal(packet().at[1], 100 + n);
		assert_int_equal(packet().at[size - 1], (uint8_t)(size - 1 + 100 + n));
		memset(data, n, sizeof(data));
		assert_false(say(TLS, data, n & 1 ? 1019 : sizeof(data)));
		assert_int_equal(above.asks, n + 2);
		assert_int_equal(above.credentials.eap_length, n & 1 ? 1024 : EAP_PACKET);
		assert_int_equal(above.packet[1023], n);
	}
	assert_int_equal(accept_by_server(), 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(packet().at[0], 3);
	assert_true(say_auth());
	check_auth();
	assert_string_equal(above.access.method, "eap");
	assert_string_equal(above.name, "alice");
	assert_int_equal(seen.currents, 1);
	assert_int_equal(above.gone, 1);
}

// A push to a phone: the peer asks again and again, which changes nothing, and has as much time
// left after it as before.
static void a_push_is_waited_for(void **state)
{
	pass_everything();
	assert_true(ask_for_eap());
	assert_false(say(IDENTITY, "alice", 5));
	for (int s = 0; s < PATIENCE_MS; s += 8000) {
		pass(8000);
		v2_initiator_again(&i);
		assert_false(v2_initiator_take(&i));
	}
	assert_int_equal(above.asks, 1);
	assert_int_equal(half_open(), 1);
	assert_int_equal(above.gone, 0);
	assert_int_equal(accept_by_server(), 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(packet().at[0], 3);
	pass(20000);
	assert_true(say_auth());
	check_auth();
	assert_int_equal(seen.currents, 1);
}

static void its_time_is_the_peers_own(void **state)
{
	pass_everything();
	assert_true(ask_for_eap());
	pass(20000);
	assert_false(say(IDENTITY, "alice", 5));
	pass(100000);
	assert_int_equal(tell(EAP_MORE, 1, 6), 0);
	assert_true(v2_initiator_take(&i));
	pass(9000);
	assert_int_equal(half_open(), 1);
	pass(2000);
	assert_int_equal(half_open(), 0);
	assert_int_equal(above.gone, 1);
}

static void nobody_is_waited_for_without_end(void **state)
{
	pass_everything();
	assert_true(ask_for_eap());
	assert_false(say(IDENTITY, "alice", 5));
	pass(PATIENCE_MS);
	assert_int_equal(half_open(), 1);
	pass(10000);
	assert_int_equal(half_open(), 0);
	assert_int_equal(accept_by_server(), -ENOENT);
	assert_int_equal(above.gone, 1);
}

static void a_server_may_refuse(void **state)
{
	pass_everything();
	assert_true(ask_for_eap());
	assert_false(say(IDENTITY, "alice", 5));
	assert_int_equal(tell(EAP_MORE, 9, 6), 0);
	assert_true(v2_initiator_take(&i));
	assert_false(say(NAK, "\31", 1)); // which is the server's business
	assert_int_equal(above.packet[4], NAK);
	assert_int_equal(tell(EAP_DECIDED, 9, 6), 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(packet().at[0], 4);
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "EAP: refused"));
	pass(V2_LINGER_MS + 1);
	assert_int_equal(half_open(), 0);
	assert_int_equal(above.gone, 1);
}

// Who is judged by our own method after all needs that allowed as well.
static void a_user_of_the_config_is_ours(void **state)
{
	pass_everything();
	assert_true(ask_for_eap());
	assert_false(say(IDENTITY, "alice", 5));
	above.later = false;
	assert_int_equal(tell(EAP_OURS, 0, 0), 0);
	assert_true(v2_initiator_take(&i));
	assert_true(say_password("alice", "secret"));
	assert_int_equal(above.credentials.method, PPP_AUTH_MSCHAPV2);
	assert_true(say(MSCHAPV2, "\3", 1));
	assert_true(say_auth());
	check_auth();
	assert_string_equal(above.access.method, "eap-mschapv2");
}

static void those_that_wait_keep_their_place(void **state)
{
	struct v2_initiator other;

	pass_everything();
	assert_true(ask_for_eap());
	assert_false(say(IDENTITY, "alice", 5));
	pass(HALF_OPEN_FAITH_MS + 1);
	// More strangers than there is room for, the first of whom have had their time.
	for (int n = 0; n < 16; n++) {
		v2_initiator_init(&other, ike, "203.0.113.9", PORT_IKE);
		(void)v2_initiator_begin(&other);
		v2_initiator_free(&other);
		if (n == 8)
			pass(HALF_OPEN_FAITH_MS + 1);
	}
	assert_int_equal(half_open(), config.ike.half_open_max);
	assert_int_equal(tell(EAP_MORE, 9, 6), 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(packet().at[1], 9);
}

static void a_wrong_password_is_refused(void **state)
{
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say_password("alice", "guess"));
	assert_int_equal(packet().at[5], FAILURE);
	assert_true(say(MSCHAPV2, "\4", 1));
	assert_int_equal(packet().at[0], 4); // Failure
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "\"alice\""));
	assert_false(say_auth());
	pass(V2_LINGER_MS + 1);
	assert_int_equal(half_open(), 0);
}

static void the_keys_must_be_the_same(void **state)
{
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say_password("alice", "secret"));
	assert_true(say(MSCHAPV2, "\3", 1));
	msk[0] ^= 1;
	assert_true(say_auth());
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(seen.currents, 0);
}

static void auth_before_its_time_is_refused(void **state)
{
	assert_true(ask_for_eap());
	memset(msk, 0, sizeof(msk));
	assert_true(say_auth());
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(seen.refused, 1);
}

static void another_method_is_refused(void **state)
{
	assert_true(ask_for_eap());
	assert_true(say(IDENTITY, "alice", 5));
	assert_true(say(NAK, "\15", 1));
	assert_int_equal(packet().at[0], 4);
	assert_non_null(strstr(seen.refused_line, "EAP type 13 (tls)"));
}

static void the_config_may_not_want_it(void **state)
{
	config.remote_access.eap_mschapv2 = false;
	assert_true(ask_for_eap());
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_non_null(strstr(seen.refused_line, "remote-access.auth"));
	config.remote_access.eap_mschapv2 = true;
	ike->credentials = NULL;
	assert_true(ask_for_eap());
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_non_null(strstr(seen.refused_line, "no certificate"));
}

int main(void)
{
#define EAP_TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)
	const struct CMUnitTest tests[] = {EAP_TEST(a_user_comes_up),
		EAP_TEST(a_ppk_comes_with_the_last_auth), EAP_TEST(a_ppk_may_be_required),
		EAP_TEST(the_answer_may_come_later), EAP_TEST(an_answer_for_nobody_is_told),
		EAP_TEST(a_wrong_password_is_refused), EAP_TEST(the_keys_must_be_the_same),
		EAP_TEST(auth_before_its_time_is_refused), EAP_TEST(another_method_is_refused),
		EAP_TEST(the_config_may_not_want_it), EAP_TEST(many_large_rounds_pass),
		EAP_TEST(a_push_is_waited_for), EAP_TEST(its_time_is_the_peers_own),
		EAP_TEST(nobody_is_waited_for_without_end), EAP_TEST(a_server_may_refuse),
		EAP_TEST(a_user_of_the_config_is_ours), EAP_TEST(those_that_wait_keep_their_place)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
