// SPDX-License-Identifier: Apache-2.0

// EAP, verdicts that take minutes, and CHAP in the middle of a session.

#include "ppp_lab.h"
#include "controlplane/eap/packet.h"

// ---- EAP

static void dial_eap(struct peer_fake *p)
{
	p->config.auth.values[0] = PPP_AUTH_EAP;
	p->config.auth.count = 1;
	p->auths = 1 << PPP_AUTH_EAP;
	peer_fake_dial(p);
}

static void test_eap_of_a_user_of_ours(void **state)
{
	struct peer_fake *p = *state;
	struct fake_ppp_packet success;
	int sent;

	dial_eap(p);
	assert_up(p);
	assert_int_equal(ppp_link(p->ppp)->auth, PPP_AUTH_EAP);
	assert_int_equal(p->asks, 2);
	assert_int_equal(p->credentials.method, PPP_AUTH_MSCHAPV2);
	assert_false(p->credentials.want_msk);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 3);
	assert_non_null(strstr(lines, "\"auth\":\"eap\""));
	peer_fake_wait(p, 100000);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 3);
	// It did not hear the Success, and says its last word once more.
	sent = (int)peer_fake_seen(p, PPP_EAP, EAP_SUCCESS);
	peer_fake_say(p, PPP_EAP, EAP_RESPONSE, p->eap_id, "\x1a\3", 2);
	success = p->newest;
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_SUCCESS), sent + 1);
	assert_memory_equal(success.bytes, "\xc2\x27\3", 3);
	assert_int_equal(success.bytes[3], p->eap_id);
	assert_int_equal(success.length, 6);
	peer_fake_say(p, PPP_EAP, EAP_RESPONSE, p->eap_id + 1, "\x1a\3", 2);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_SUCCESS), sent + 1);
	assert_string_equal(ppp_state(p->ppp), "open");
}

static void test_eap_of_a_server(void **state)
{
	struct peer_fake *p = *state;

	p->eap_rounds = 20;
	dial_eap(p);
	assert_up(p);
	assert_int_equal(p->asks, 20);
	assert_int_equal(p->credentials.method, PPP_AUTH_EAP);
	assert_string_equal(p->credentials.name, "alice");
}

static void test_eap_wrong_password(void **state)
{
	struct peer_fake *p = *state;

	p->password = "guess";
	dial_eap(p);
	assert_down(p, "authentication");
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_FAILURE), 1);
	assert_int_equal(p->accepts, 0);
	assert_null(strstr(lines, "auth-failed")); // which is the caller's to say
}

static void test_eap_of_another_method(void **state)
{
	struct peer_fake *p = *state;

	p->eap_nak = 13;
	dial_eap(p);
	assert_down(p, "authentication");
	assert_non_null(strstr(lines, "does not want mschapv2 but EAP type 13 (tls)"));
}

// Requests go out again until they are answered, each its own number of times.
static void test_eap_requests_go_out_again(void **state)
{
	struct peer_fake *p = *state;

	p->config.max_configure = 4;
	p->eap_silent = true;
	dial_eap(p);
	peer_fake_wait(p, 8900);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 3);
	p->eap_silent = false;
	p->hold_verdict = true;
	peer_fake_wait(p, 200);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 4);
	assert_int_equal(p->asks, 1);
	peer_fake_wait(p, 60000); // longer than any timer of ours
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 4);
	p->eap_silent = true;
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.turn = EAP_OURS});
	peer_fake_wait(p, 11900);
	assert_int_equal(peer_fake_seen(p, PPP_EAP, EAP_REQUEST), 8);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 200);
	assert_down(p, "authentication-timeout");
}

// A peer that wants EAP instead of what is first in our list, and one that does not want it.
static void test_eap_as_second_choice(void **state)
{
	struct peer_fake *p = *state;

	p->config.auth.values[3] = PPP_AUTH_EAP;
	p->config.auth.count = 4;
	p->auths = 1 << PPP_AUTH_EAP;
	p->suggestion = PPP_AUTH_EAP;
	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(p->auth, PPP_AUTH_EAP);
	teardown(state);
	setup(state);
	p = *state;
	p->config.auth.values[0] = PPP_AUTH_EAP;
	p->config.auth.values[1] = PPP_AUTH_PAP;
	p->config.auth.count = 2;
	p->auths = 1 << PPP_AUTH_PAP;
	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(p->auth, PPP_AUTH_PAP);
}

static void test_eap_is_rejected(void **state)
{
	struct peer_fake *p = *state;

	p->eap_silent = true;
	dial_eap(p);
	peer_fake_say(p, PPP_LCP, CODE_PROTOCOL_REJECT, 1, "\xc2\x27\1\1\0\5\1", 7);
	peer_fake_run(p);
	assert_down(p, "refused");
}

// LCP begins again in the middle of it, while the judge thinks and while the peer does.
static void test_eap_renegotiation(void **state)
{
	struct peer_fake *p = *state;

	p->hold_verdict = true;
	dial_eap(p);
	assert_int_equal(p->asks, 1);
	peer_fake_request(p);
	peer_fake_run(p);
	assert_int_equal(p->asks, 1);
	assert_int_equal(p->lcp_ups, 2);
	p->hold_verdict = false;
	// Of before: thrown away, and the next question asked.
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.accepted = true});
	peer_fake_run(p);
	assert_int_equal(p->asks, 3);
	assert_up(p);
	peer_fake_request(p);
	peer_fake_run(p);
	assert_int_equal(p->asks, 5);
	assert_string_equal(ppp_state(p->ppp), "open");
}

// ---- waiting for the verdict

// A push to a phone: the time of the set-up stands still, and what the peer repeats is no question.
static void test_a_verdict_takes_its_time(void **state)
{
	for (uint8_t method = PPP_AUTH_PAP; method <= PPP_AUTH_MSCHAPV2; method++) {
		struct peer_fake *p = *state;
		struct ppp_verdict verdict;

		p->config.auth.values[0] = method;
		p->config.auth.count = 1;
		p->config.echo_interval_ms = 10000;
		p->hold_verdict = true;
		peer_fake_dial(p);
		for (int s = 0; s < 120; s += 3) {
			peer_fake_wait(p, 3000);
			if (method == PPP_AUTH_PAP)
				peer_fake_say(p, PPP_PAP, PAP_REQUEST, (uint8_t)(50 + s),
					"\5alice\6secret", 13);
		}
		assert_int_equal(p->asks, 1);
		assert_int_equal(p->downs, 0);
		assert_int_equal(peer_fake_seen(p, PPP_PAP, PAP_ACK), 0);
		// Both sides know that the other one is alive.
		assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_ECHO_REQUEST), 12);
		peer_fake_say(p, PPP_LCP, CODE_ECHO_REQUEST, 9, "\1\2\3\4", 4);
		assert_int_equal(p->newest.bytes[2], CODE_ECHO_REPLY);
		p->hold_verdict = false;
		auth_check(&p->credentials, "secret", &verdict);
		ppp_authenticated(p->ppp, &verdict);
		peer_fake_run(p);
		assert_up(p);
		teardown(state);
		setup(state);
	}
}

// What was left of the set-up is left after it; who is gone meanwhile is not waited for.
static void test_the_rest_of_the_set_up_follows(void **state)
{
	struct peer_fake *p = *state;
	struct ppp_verdict verdict;

	p->config.setup_timeout_ms = 20000;
	p->hold_verdict = p->hold_network = true;
	ppp_start(p->ppp);
	p->sent_count = 0;
	peer_fake_wait(p, 2000);
	peer_fake_request(p);
	peer_fake_run(p);
	peer_fake_wait(p, 90000);
	auth_check(&p->credentials, "secret", &verdict);
	ppp_authenticated(p->ppp, &verdict);
	peer_fake_wait(p, 17900);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 200);
	assert_down(p, "setup-timeout");
}

static void test_nobody_waits_for_who_is_gone(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 10000;
	p->hold_verdict = true;
	peer_fake_dial(p);
	p->silent = true;
	peer_fake_wait(p, 41000);
	assert_down(p, "echo-timeout");
}

// ---- CHAP once more

static void dial_with_interval(struct peer_fake *p, uint8_t method)
{
	p->config.auth.values[0] = method;
	p->config.auth.count = 1;
	p->config.chap_interval_ms = 60000;
	peer_fake_dial(p);
	assert_up(p);
}

static void test_chap_again(void **state)
{
	for (uint8_t method = PPP_AUTH_CHAP_MD5; method <= PPP_AUTH_MSCHAPV2; method++) {
		struct peer_fake *p = *state;
		uint8_t first[16];

		dial_with_interval(p, method);
		memcpy(first, p->credentials.challenge, sizeof(first));
		assert_false(p->credentials.again);
		peer_fake_wait(p, 53900);
		assert_int_equal(p->asks, 1);
		peer_fake_wait(p, 6200);
		assert_int_equal(p->asks, 2);
		assert_true(p->credentials.again);
		assert_memory_not_equal(first, p->credentials.challenge, sizeof(first));
		assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_SUCCESS), 2);
		peer_fake_wait(p, 600000);
		assert_in_range(p->asks, 11, 14);
		// Nothing else happened to it.
		assert_up(p);
		assert_int_equal(p->accepts, 1);
		assert_int_equal(p->ip4_downs, 0);
		teardown(state);
		setup(state);
	}
}

static void test_chap_again_fails(void **state)
{
	struct peer_fake *p = *state;

	dial_with_interval(p, PPP_AUTH_MSCHAPV2);
	p->password = "guess";
	peer_fake_wait(p, 61000);
	assert_memory_equal(p->answer, "E=691 R=0", 9);
	assert_down(p, "authentication");
	assert_int_equal(p->asks, 2);
}

static void test_chap_again_under_another_name(void **state)
{
	struct peer_fake *p = *state;

	dial_with_interval(p, PPP_AUTH_MSCHAPV2);
	p->name = "bob";
	peer_fake_wait(p, 61000);
	assert_down(p, "authentication");
	assert_int_equal(p->asks, 1);
	assert_non_null(strstr(lines, "another name than before"));
}

static void test_chap_again_without_an_answer(void **state)
{
	struct peer_fake *p = *state;

	p->config.max_configure = 3;
	dial_with_interval(p, PPP_AUTH_CHAP_MD5);
	p->no_auth = true;
	peer_fake_wait(p, 60000);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 9000);
	assert_down(p, "authentication-timeout");
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_CHALLENGE), 4);
}

// While the judge thinks traffic goes on, and the peer may begin LCP again.
static void test_chap_again_takes_its_time(void **state)
{
	struct peer_fake *p = *state;
	struct ppp_verdict verdict;

	dial_with_interval(p, PPP_AUTH_MSCHAPV2);
	p->hold_verdict = true;
	peer_fake_wait(p, 180000);
	assert_int_equal(p->asks, 2);
	assert_string_equal(ppp_state(p->ppp), "open");
	auth_check(&p->credentials, "secret", &verdict);
	ppp_authenticated(p->ppp, &verdict);
	peer_fake_run(p);
	peer_fake_wait(p, 61000);
	assert_int_equal(p->asks, 3);
	peer_fake_request(p);
	peer_fake_run(p);
	assert_int_equal(p->ip4_downs, 1);
	p->hold_verdict = false;
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.accepted = false});
	peer_fake_run(p);
	assert_string_equal(ppp_state(p->ppp), "open");
	assert_int_equal(p->accepts, 2);
	assert_false(p->credentials.again);
}

// The judge's server is away: who is up stays up, and is asked again later.
static void test_chap_again_is_undecided(void **state)
{
	struct peer_fake *p = *state;

	dial_with_interval(p, PPP_AUTH_MSCHAPV2);
	p->hold_verdict = true;
	for (int i = 0; i < 5; i++) {
		peer_fake_wait(p, 61000);
		assert_int_equal(p->asks, 2 + i);
		ppp_undecided(p->ppp);
		ppp_undecided(p->ppp);
	}
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_SUCCESS), 1);
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_FAILURE), 0);
	p->hold_verdict = false;
	peer_fake_wait(p, 61000);
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_SUCCESS), 2);
	assert_up(p);
}

// That is nobody's way in.
static void test_the_first_time_undecided_is_refused(void **state)
{
	struct peer_fake *p = *state;

	p->hold_verdict = true;
	peer_fake_dial(p);
	ppp_undecided(p->ppp);
	peer_fake_run(p);
	assert_down(p, "authentication");
	assert_int_equal(p->accepts, 0);
}

static void test_pap_is_not_asked_again(void **state)
{
	struct peer_fake *p = *state;

	dial_with_interval(p, PPP_AUTH_PAP);
	peer_fake_wait(p, 600000);
	assert_int_equal(p->asks, 1);
	assert_up(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_eap_of_a_user_of_ours),
		CASE(test_eap_of_a_server),
		CASE(test_eap_wrong_password),
		CASE(test_eap_of_another_method),
		CASE(test_eap_requests_go_out_again),
		CASE(test_eap_as_second_choice),
		CASE(test_eap_is_rejected),
		CASE(test_eap_renegotiation),
		CASE(test_a_verdict_takes_its_time),
		CASE(test_the_rest_of_the_set_up_follows),
		CASE(test_nobody_waits_for_who_is_gone),
		CASE(test_chap_again),
		CASE(test_chap_again_fails),
		CASE(test_chap_again_under_another_name),
		CASE(test_chap_again_without_an_answer),
		CASE(test_chap_again_takes_its_time),
		CASE(test_chap_again_is_undecided),
		CASE(test_the_first_time_undecided_is_refused),
		CASE(test_pap_is_not_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
