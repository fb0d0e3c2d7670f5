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
	bool is_asked, is_done, good, passed;
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
	l->passed = result->passed;
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
	lab.eap = eap_create(*state ? *state : &(struct eap_ways){.ours = true, .want_msk = true},
		&events, &lab);
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

// ---- pass-through

static const struct eap_ways passing = {.pass = true, .ours = true, .want_msk = true};
static const struct eap_ways servers_alone = {.pass = true};

static int tell(uint8_t turn, const void *packet, size_t length)
{
	const struct ppp_verdict verdict = {.turn = turn, .eap = packet, .eap_length = length};

	return eap_answer(lab.eap, &verdict);
}

// The judge is asked with what the peer said last, whole.
static void check_asked(const void *packet, size_t length)
{
	assert_true(lab.is_asked);
	lab.is_asked = false;
	assert_string_equal(eap_state(lab.eap), "verdict");
	assert_int_equal(lab.asked.method, PPP_AUTH_EAP);
	assert_string_equal(lab.asked.name, "alice");
	assert_int_equal(lab.asked.name_length, 5);
	assert_int_equal(lab.asked.eap_length, length);
	assert_memory_equal(lab.asked.eap, packet, length);
}

static void pass_identity(void)
{
	uint8_t id = lab.got.id, packet[] = {2, id, 0, 10, 1, 'a', 'l', 'i', 'c', 'e', 0xff};

	// What is behind the length is padding, and not passed.
	assert_int_equal(eap_input(lab.eap, packet, sizeof(packet)), 0);
	check_asked(packet, sizeof(packet) - 1);
}

static void ask_of_the_server(uint8_t id, size_t length)
{
	uint8_t *packet = calloc(1, length);
	struct build b = build_in(packet, length);

	eap_packet_begin(&b, EAP_REQUEST, id, 13);
	build_patch_u16(&b, 2, length);
	assert_int_equal(tell(EAP_MORE, packet, length), 0);
	free(packet);
}

static void rounds_of_any_size_pass(void **state)
{
	struct ppp_verdict verdict = {.accepted = true, .has_msk = true, .msk = {7}};
	uint8_t largest[EAP_PACKET] = {EAP_RESPONSE, 200, 4096 >> 8, 0, 13};
	size_t length;

	pass_identity();
	ask_of_the_server(200, EAP_PACKET);
	assert_int_equal(lab.got.type, 13);
	assert_string_equal(eap_state(lab.eap), "passed");
	assert_int_equal(eap_last(lab.eap, &length)[1], 200);
	assert_int_equal(length, EAP_PACKET);
	largest[1] = 199;
	assert_int_equal(eap_input(lab.eap, largest, sizeof(largest)), -EALREADY);
	largest[1] = 200;
	assert_int_equal(eap_input(lab.eap, largest, sizeof(largest)), 0);
	check_asked(largest, sizeof(largest));
	// The same once more, while the answer is awaited.
	assert_int_equal(eap_input(lab.eap, largest, sizeof(largest)), -EALREADY);
	assert_false(lab.is_asked);
	verdict.eap = (const uint8_t[]){EAP_SUCCESS, 200, 0, 4};
	verdict.eap_length = 4;
	assert_int_equal(eap_answer(lab.eap, &verdict), 0);
	assert_int_equal(lab.got.code, EAP_SUCCESS);
	assert_true(lab.is_done && lab.good && lab.passed);
	assert_int_equal(lab.msk[0], 7);
	assert_string_equal(lab.name, "alice");
}

// Whatever the server says in it, peer and verdict hear the same.
static void an_end_that_does_not_fit_is_made(void **state)
{
	static const uint8_t success[] = {EAP_SUCCESS, 200, 0, 4};
	struct ppp_verdict verdict = {.eap = success, .eap_length = sizeof(success)};

	pass_identity();
	ask_of_the_server(200, 6);
	assert_int_equal(answer(EAP_NAK, "\31", 1), 0);
	assert_int_equal(lab.asked.eap[4], EAP_NAK);
	assert_int_equal(eap_answer(lab.eap, &verdict), 0);
	assert_int_equal(lab.got.code, EAP_FAILURE);
	assert_int_equal(lab.got.id, 200);
	assert_true(lab.is_done && !lab.good && lab.passed);
	assert_string_equal(lab.reason, "refused");
}

static void without_the_key_it_is_a_refusal(void **state)
{
	pass_identity();
	assert_int_equal(eap_answer(lab.eap, &(struct ppp_verdict){.accepted = true}), 0);
	assert_int_equal(lab.got.code, EAP_FAILURE);
	assert_true(lab.is_done && !lab.good);
}

static void without_need_of_the_key_it_is_none(void **state)
{
	pass_identity();
	assert_false(lab.asked.want_msk);
	assert_int_equal(eap_answer(lab.eap, &(struct ppp_verdict){.accepted = true}), 0);
	assert_int_equal(lab.got.code, EAP_SUCCESS);
	assert_true(lab.is_done && lab.good);
}

static void a_user_of_the_config_speaks_to_us(void **state)
{
	struct ppp_verdict verdict;

	pass_identity();
	assert_int_equal(tell(EAP_OURS, NULL, 0), 0);
	assert_int_equal(lab.got.type, EAP_MSCHAPV2);
	assert_string_equal(eap_state(lab.eap), "mschapv2");
	assert_int_equal(say_password("alice", "secret"), 0);
	assert_int_equal(lab.asked.method, PPP_AUTH_MSCHAPV2);
	assert_null(lab.asked.eap);
	auth_check(&lab.asked, "secret", &verdict);
	assert_int_equal(eap_answer(lab.eap, &verdict), 0);
	assert_int_equal(answer(EAP_MSCHAPV2, "\3", 1), 0);
	assert_true(lab.is_done && lab.good && !lab.passed);
}

static void a_user_of_the_config_may_not_be_allowed(void **state)
{
	pass_identity();
	assert_int_equal(tell(EAP_OURS, NULL, 0), 0);
	assert_int_equal(lab.got.code, EAP_FAILURE);
	assert_true(lab.is_done && !lab.good);
	assert_non_null(strstr(lab.reason, "a user of the config"));
}

static void what_the_server_says_must_make_sense(void **state)
{
	static const struct {
		uint8_t packet[8];
		size_t length;
	} bad[] = {{{0}, 0}, {{1, 1, 0, 9, 13}, 5}, {{1, 1, 0, 3, 13}, 5}, {{2, 1, 0, 5, 13}, 5},
		{{3, 1, 0, 4}, 4}, {{1, 1, 0, 4}, 4}, {{9, 1, 0, 5, 1}, 5}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (i) {
			end(state);
			begin(state);
		}
		pass_identity();
		assert_int_equal(
			tell(EAP_MORE, bad[i].length ? bad[i].packet : NULL, bad[i].length), 0);
		assert_int_equal(lab.got.code, EAP_FAILURE);
		assert_true(lab.is_done && !lab.good);
	}
	end(state);
	begin(state);
	pass_identity();
	ask_of_the_server(9, 5);
	assert_int_equal(answer(13, "", 0), 0);
	assert_int_equal(tell(EAP_OURS, NULL, 0), 0); // too late for that
	assert_true(lab.is_done && !lab.good);
}

static void it_does_not_go_on_for_ever(void **state)
{
	pass_identity();
	for (int i = 1; i < EAP_ROUNDS; i++) {
		ask_of_the_server((uint8_t)i, 6);
		assert_int_equal(answer(13, "", 0), 0);
		assert_false(lab.is_done);
	}
	ask_of_the_server(250, 6);
	assert_int_equal(answer(13, "", 0), 0);
	assert_true(lab.is_done && !lab.good);
	assert_int_equal(lab.got.code, EAP_FAILURE);
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
#define PASS_TEST(f, ways) \
	cmocka_unit_test_prestate_setup_teardown(f, begin, end, (void *)(uintptr_t) & (ways))
	const struct CMUnitTest tests[] = {LAB_TEST(a_right_password_gives_the_msk),
		LAB_TEST(a_wrong_password_ends_it), LAB_TEST(the_proven_name_counts),
		LAB_TEST(another_method_is_named_in_the_reason),
		LAB_TEST(a_peer_that_doubts_us_is_not_let_in),
		LAB_TEST(a_verdict_without_keys_is_a_refusal),
		LAB_TEST(what_makes_no_sense_changes_nothing),
		LAB_TEST(options_of_an_identity_are_left_out),
		PASS_TEST(rounds_of_any_size_pass, passing),
		PASS_TEST(an_end_that_does_not_fit_is_made, passing),
		PASS_TEST(without_the_key_it_is_a_refusal, passing),
		PASS_TEST(without_need_of_the_key_it_is_none, servers_alone),
		PASS_TEST(a_user_of_the_config_speaks_to_us, passing),
		PASS_TEST(a_user_of_the_config_may_not_be_allowed, servers_alone),
		PASS_TEST(what_the_server_says_must_make_sense, passing),
		PASS_TEST(it_does_not_go_on_for_ever, passing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
