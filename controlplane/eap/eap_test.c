// SPDX-License-Identifier: Apache-2.0

#include "eap.h"
#include "packet.h"

#include "contract/config.h"
#include "controlplane/auth/auth.h"
#include "controlplane/auth/mschap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct lab {
	struct eap *eap;
	struct eap_packet got; // the newest packet to the peer
	uint8_t bytes[EAP_PACKET];
	struct ppp_credentials asked;
	bool is_asked, is_done, good;
	char name[PPP_NAME], reason[128];
	uint8_t msk[AUTH_MSK];
};

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct lab *l = context;

	assert_true(length <= sizeof(l->bytes));
	memcpy(l->bytes, packet, length);
	assert_int_equal(eap_packet_parse(l->bytes, length, &l->got), 0);
}

static void on_ask(void *context, const struct ppp_credentials *credentials)
{
	struct lab *l = context;

	l->is_asked = true;
	l->asked = *credentials;
}

static void on_done(void *context, const struct eap_result *result)
{
	struct lab *l = context;

	assert_false(l->is_done);
	l->is_done = true;
	l->good = result->good;
	snprintf(l->name, sizeof(l->name), "%s", result->name);
	snprintf(l->reason, sizeof(l->reason), "%s", result->reason ? result->reason : "");
	if (result->msk)
		memcpy(l->msk, result->msk, AUTH_MSK);
}

static struct lab lab;

static int begin(void **state)
{
	static const struct eap_events events = {on_send, on_ask, on_done};

	memset(&lab, 0, sizeof(lab));
	lab.eap = eap_create(&events, &lab);
	eap_start(lab.eap);
	return 0;
}

static int end(void **state)
{
	eap_free(lab.eap);
	return 0;
}

static int answer(uint8_t type, const void *data, size_t length)
{
	uint8_t packet[500];
	struct build b = build_in(packet, sizeof(packet));

	eap_packet_begin(&b, EAP_RESPONSE, lab.got.id, type);
	build_bytes(&b, data, length);
	return eap_input(lab.eap, packet, eap_packet_end(&b));
}

static void say_name(const char *name)
{
	assert_int_equal(lab.got.code, EAP_REQUEST);
	assert_int_equal(lab.got.type, EAP_IDENTITY);
	assert_int_equal(answer(EAP_IDENTITY, name, strlen(name)), 0);
	assert_int_equal(lab.got.code, EAP_REQUEST);
	assert_int_equal(lab.got.type, EAP_MSCHAPV2);
}

// Answers the challenge as a client with that password.
static int say_password(const char *name, const char *password)
{
	uint8_t hash[MSCHAP_HASH], data[300];
	struct view v = lab.got.data;
	struct build b = build_in(data, sizeof(data));
	uint8_t peer[MSCHAP_CHALLENGE] = {1, 2, 3}, response[MSCHAP_NT_RESPONSE];
	const uint8_t *challenge;
	uint16_t size;
	uint8_t id;

	assert_int_equal(view_u8(&v), EAP_MSCHAP_CHALLENGE);
	id = view_u8(&v);
	size = view_u16(&v);
	assert_int_equal(size, view_left(&v) + EAP_MSCHAP_HEADER);
	assert_int_equal(view_u8(&v), MSCHAP_CHALLENGE);
	challenge = view_take(&v, MSCHAP_CHALLENGE);
	mschap_password_hash(password, hash);
	mschap_nt_response(challenge, peer, name, strlen(name), hash, response);
	build_u8(&b, EAP_MSCHAP_RESPONSE);
	build_u8(&b, id);
	build_u16(&b, 5 + MSCHAP_RESPONSE + strlen(name));
	build_u8(&b, MSCHAP_RESPONSE);
	build_bytes(&b, peer, sizeof(peer));
	build_zero(&b, 8);
	build_bytes(&b, response, sizeof(response));
	build_u8(&b, 0);
	build_bytes(&b, name, strlen(name));
	return answer(EAP_MSCHAPV2, data, build_length(&b));
}

static int judge(const char *password)
{
	struct ppp_verdict verdict;

	assert_true(lab.is_asked);
	assert_int_equal(lab.asked.method, PPP_AUTH_MSCHAPV2);
	auth_check(&lab.asked, password, &verdict);
	return eap_answer(lab.eap, &verdict);
}

static void a_right_password_gives_the_msk(void **state)
{
	uint8_t zero[AUTH_MSK] = {0};
	struct view v;

	say_name("alice");
	assert_int_equal(say_password("alice", "secret"), 0);
	assert_string_equal(eap_state(lab.eap), "verdict");
	assert_string_equal(lab.asked.name, "alice");
	assert_int_equal(judge("secret"), 0);
	assert_int_equal(judge("secret"), -EINVAL);
	v = lab.got.data;
	assert_int_equal(view_u8(&v), EAP_MSCHAP_SUCCESS);
	assert_memory_equal(view_take(&v, 5) + 3, "S=", 2);
	assert_false(lab.is_done);
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), 0);
	assert_int_equal(lab.got.code, EAP_SUCCESS);
	assert_true(lab.is_done && lab.good);
	assert_string_equal(lab.name, "alice");
	assert_memory_not_equal(lab.msk, zero, 16);
	assert_memory_not_equal(lab.msk + 16, zero, 16);
	assert_memory_equal(lab.msk + 32, zero, 32);
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), -EALREADY);
}

static void a_wrong_password_ends_it(void **state)
{
	struct view v;

	say_name("alice");
	assert_int_equal(say_password("alice", "guess"), 0);
	assert_int_equal(judge("secret"), 0);
	v = lab.got.data;
	assert_int_equal(view_u8(&v), EAP_MSCHAP_FAILURE);
	view_skip(&v, 3);
	assert_memory_equal(view_take(&v, 12), "E=691 R=0 C=", 12);
	assert_false(lab.is_done);
	assert_int_equal(answer(EAP_MSCHAPV2, "\4", 1), 0);
	assert_int_equal(lab.got.code, EAP_FAILURE);
	assert_true(lab.is_done && !lab.good);
	assert_string_equal(lab.reason, "refused");
}

// Windows names its domain; the name that counts is that of the proof.
static void the_proven_name_counts(void **state)
{
	say_name("anonymous");
	assert_int_equal(say_password("OFFICE\\bob", "secret"), 0);
	assert_int_equal(judge("secret"), 0);
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), 0);
	assert_true(lab.good);
	assert_string_equal(lab.name, "OFFICE\\bob");
}

static void another_method_is_named_in_the_reason(void **state)
{
	say_name("alice");
	assert_int_equal(answer(EAP_NAK, "\15", 1), 0);
	assert_int_equal(lab.got.code, EAP_FAILURE);
	assert_string_equal(lab.reason, "the peer does not want mschapv2 but EAP type 13 (tls)");
}

static void a_peer_that_doubts_us_is_not_let_in(void **state)
{
	say_name("alice");
	assert_int_equal(say_password("alice", "secret"), 0);
	assert_int_equal(judge("secret"), 0);
	assert_int_equal(answer(EAP_MSCHAPV2, "\4", 1), 0);
	assert_true(lab.is_done && !lab.good);
	assert_int_equal(lab.got.code, EAP_FAILURE);
}

static void a_verdict_without_keys_is_a_refusal(void **state)
{
	const struct ppp_verdict verdict = {.accepted = true, .message = "S=0"};

	say_name("alice");
	assert_int_equal(say_password("alice", "secret"), 0);
	assert_int_equal(eap_answer(lab.eap, &verdict), 0);
	assert_int_equal(lab.got.data.at[0], EAP_MSCHAP_FAILURE);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
	static const uint8_t request[] = {1, 1, 0, 5, 1}, cut[] = {2, 1, 0, 9, 1};
	char longest[300];
	uint8_t id = lab.got.id;

	memset(longest, 'x', sizeof(longest));
	assert_int_equal(eap_answer(lab.eap, &(struct ppp_verdict){0}), -EINVAL);
	assert_int_equal(eap_input(lab.eap, request, sizeof(request)), -EBADMSG);
	assert_int_equal(eap_input(lab.eap, cut, sizeof(cut)), -EBADMSG);
	assert_int_equal(eap_input(lab.eap, cut, 0), -EBADMSG);
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), -EBADMSG);
	assert_int_equal(answer(EAP_IDENTITY, longest, sizeof(longest)), -EBADMSG);
	lab.got.id++;
	assert_int_equal(answer(EAP_IDENTITY, "a", 1), -EALREADY);
	lab.got.id = id;
	assert_string_equal(eap_state(lab.eap), "identity");
	say_name("alice");
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), -EBADMSG);
	assert_int_equal(answer(EAP_MSCHAPV2, "\2\0\0\4", 4), -EBADMSG);
	assert_int_equal(answer(EAP_MSCHAPV2, "", 0), -EBADMSG);
	assert_int_equal(say_password("", "secret"), -EBADMSG);
	assert_int_equal(say_password("alice", "secret"), 0);
	lab.got.data.at = lab.bytes; // nothing is open while the verdict is awaited
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), -EALREADY);
}

// What is behind a NUL in an identity is no part of the name (RFC 3748 section 5.1).
static void options_of_an_identity_are_left_out(void **state)
{
	assert_int_equal(answer(EAP_IDENTITY, "bob\0options", 11), 0);
	assert_int_equal(answer(EAP_NAK, NULL, 0), 0);
	assert_string_equal(lab.name, "bob");
}

int main(void)
{
#define LAB_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {LAB_TEST(a_right_password_gives_the_msk),
		LAB_TEST(a_wrong_password_ends_it), LAB_TEST(the_proven_name_counts),
		LAB_TEST(another_method_is_named_in_the_reason),
		LAB_TEST(a_peer_that_doubts_us_is_not_let_in),
		LAB_TEST(a_verdict_without_keys_is_a_refusal),
		LAB_TEST(what_makes_no_sense_changes_nothing),
		LAB_TEST(options_of_an_identity_are_left_out)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
