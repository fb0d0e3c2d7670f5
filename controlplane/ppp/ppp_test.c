// SPDX-License-Identifier: Apache-2.0

#include "ppp_lab.h"

static bool has_option(const uint8_t *options, size_t length, uint8_t type, const char *data)
{
	struct view list = view_of(options, length);
	struct wire_option option;

	while (wire_option_next(&list, &option) > 0)
		if (option.type == type)
			return !data || memcmp(option.data.at, data, view_left(&option.data)) == 0;
	return false;
}

// The first request of the session is lost, and yet no timer has to fire.
static void test_each_method(void **state)
{
	static const struct {
		uint8_t method;
		const char *word;
	} cases[] = {{PPP_AUTH_PAP, "pap"}, {PPP_AUTH_CHAP_MD5, "chap"},
		{PPP_AUTH_MSCHAPV2, "mschapv2"}};

	for (int i = 0; i < 3; i++) {
		struct peer_fake *p = *state;
		char expected[32];

		p->config.auth.values[0] = cases[i].method;
		p->config.auth.count = 1;
		peer_fake_dial(p);
		assert_up(p);
		assert_int_equal(p->credentials.method, cases[i].method);
		assert_int_equal(ppp_link(p->ppp)->auth, cases[i].method);
		assert_int_equal(ppp_link(p->ppp)->peer_mru, 1400);
		assert_int_equal(ppp_link(p->ppp)->peer_magic, 0x01020304);
		assert_true(ppp_link(p->ppp)->send_pfc && ppp_link(p->ppp)->send_acfc);
		assert_true(has_option(p->ipcp_options, p->ipcp_length, 3, "\x0a\0\0\x4d"));
		assert_true(has_option(p->ipcp_options, p->ipcp_length, 129, "\xc0\0\2\x35"));
		assert_false(has_option(p->ipcp_options, p->ipcp_length, 131, NULL));
		assert_false(has_option(p->ipcp_options, p->ipcp_length, 2, NULL));
		snprintf(expected, sizeof(expected), "\"auth\":\"%s\"", cases[i].word);
		assert_non_null(strstr(lines, expected));
		assert_non_null(strstr(lines, "\"address\":\"10.0.0.77\""));
		teardown(state);
		setup(state);
	}
}

// A peer that listened from the start hears our request twice, and takes no offence.
static void test_nothing_is_lost(void **state)
{
	struct peer_fake *p = *state;

	ppp_start(p->ppp);
	peer_fake_request(p);
	assert_int_equal(p->sent_count, 3);
	assert_memory_equal(p->sent[0].bytes, p->sent[1].bytes, p->sent[0].length);
	assert_int_equal(p->sent[2].bytes[2], CODE_CONFIGURE_ACK);
	peer_fake_run(p);
	assert_up(p);
	assert_int_equal(p->lcp_ups, 1);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_REQUEST), 2);
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_CHALLENGE), 1);
}

// A peer that begins only when it hears our request needs just that one.
static void test_we_are_first(void **state)
{
	struct peer_fake *p = *state;

	ppp_start(p->ppp);
	peer_fake_run(p);
	assert_string_equal(ppp_state(p->ppp), "lcp");
	peer_fake_request(p);
	p->peer_acked = true;
	peer_fake_run(p);
	assert_up(p);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_REQUEST), 1);
}

static void test_wrong_password(void **state)
{
	for (uint8_t method = PPP_AUTH_PAP; method <= PPP_AUTH_MSCHAPV2; method++) {
		struct peer_fake *p = *state;

		p->config.auth.values[0] = method;
		p->config.auth.count = 1;
		p->password = "guess";
		peer_fake_dial(p);
		assert_down(p, "authentication");
		assert_false(p->welcome);
		assert_int_equal(p->asks, 1);
		assert_int_equal(peer_fake_seen(p, PPP_IPCP, CODE_CONFIGURE_REQUEST), 0);
		if (method == PPP_AUTH_MSCHAPV2) {
			assert_memory_equal(p->answer, "E=691 R=0 C=", 12);
			assert_non_null(strstr(p->answer, " V=3 M=Authentication failed"));
		}
		assert_null(strstr(lines, "guess"));
		teardown(state);
		setup(state);
	}
}

static void test_unknown_user(void **state)
{
	struct peer_fake *p = *state;

	p->name = "mallory";
	peer_fake_dial(p);
	assert_down(p, "authentication");
}

// The peer names what it would rather have; if we allow that, it is what we ask for next.
static void test_nak_with_an_allowed_method(void **state)
{
	struct peer_fake *p = *state;

	p->auths = 1 << PPP_AUTH_PAP;
	p->suggestion = PPP_AUTH_PAP;
	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(p->auth, PPP_AUTH_PAP);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_REQUEST), 3); // 1 lost
}

static void test_nak_with_a_method_that_we_do_not_allow(void **state)
{
	struct peer_fake *p = *state;

	p->config.auth.count = 2;
	p->auths = 1 << PPP_AUTH_PAP;
	p->suggestion = PPP_AUTH_PAP;
	peer_fake_dial(p);
	assert_down(p, "refused");
	assert_non_null(strstr(lines, "\"lcp-refused\""));
	assert_non_null(strstr(lines, "\"ours\":\"mschapv2 chap\""));
	assert_non_null(strstr(lines, "\"theirs\":\"pap\""));
	assert_int_equal(p->lcp_ups, 0);
}

static void test_no_authentication_at_all(void **state)
{
	struct peer_fake *p = *state;

	p->auths = 0;
	peer_fake_dial(p);
	assert_down(p, "refused");
	assert_non_null(strstr(lines, "\"theirs\":\"none\""));
}

static void test_no_method_configured(void **state)
{
	struct peer_fake *p = *state;

	p->config.auth.count = 0;
	ppp_start(p->ppp);
	assert_down(p, "refused");
}

static void test_looped_line(void **state)
{
	struct peer_fake *p = *state;

	p->loop = true;
	ppp_start(p->ppp);
	peer_fake_run(p);
	assert_down(p, "refused");
	assert_non_null(strstr(lines, "looped"));
	assert_int_equal(p->lcp_ups, 0);
}

// MRRU, endpoint discriminator, callback, FCS alternatives, link quality, and our authentication.
static void test_unknown_lcp_options_are_rejected(void **state)
{
	static const uint8_t more[] = {17, 4, 5, 0xdc, 19, 3, 0, 13, 3, 6, 9, 3, 2, 4, 4, 0xc0,
		0x25, 3, 4, 0xc0, 0x23, 2, 3, 0};
	struct peer_fake *p = *state;

	memcpy(p->lcp_options + p->lcp_length, more, sizeof(more));
	p->lcp_length += sizeof(more);
	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_REJECT), 1);
	// The second character map was malformed, and so the option went.
	assert_int_equal(p->lcp_length, 14);
}

static void test_small_mru_and_no_magic(void **state)
{
	static const uint8_t options[] = {1, 4, 0, 100, 5, 6, 0, 0, 0, 0};
	struct peer_fake *p = *state;

	memcpy(p->lcp_options, options, p->lcp_length = sizeof(options));
	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(ppp_link(p->ppp)->peer_mru, LIMIT_MTU_MIN);
	assert_int_not_equal(ppp_link(p->ppp)->peer_magic, 0);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_NAK), 1);
}

static void test_other_protocols_are_rejected_without_delay(void **state)
{
	struct peer_fake *p = *state;
	unsigned before;

	peer_fake_dial(p);
	assert_up(p);
	assert_int_equal(p->now, 0);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), 2);
	assert_non_null(strstr(lines, "\"protocol\":\"ccp\",\"number\":\"0x80fd\""));
	assert_non_null(strstr(lines, "\"protocol\":\"ipv6cp\""));
	lines[0] = '\0';
	for (int i = 0; i < 100; i++)
		peer_fake_say(p, PPP_CCP, 1, 1, NULL, 0);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), 8);
	assert_string_equal(lines, "");
	peer_fake_wait(p, 1000);
	before = peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT);
	peer_fake_say(p, PPP_ECP, 1, 1, "hello", 5);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), before + 1);
	assert_memory_equal(p->newest.bytes + 6, "\x80\x53\1\1\0\x09hello", 11);
	assert_string_equal(ppp_state(p->ppp), "open");
}

static void test_nothing_before_authentication(void **state)
{
	struct peer_fake *p = *state;

	p->hold_verdict = true;
	peer_fake_dial(p);
	assert_string_equal(ppp_state(p->ppp), "authenticate");
	p->sent_count = 0;
	peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, 1, "\3\6\0\0\0\0", 6);
	peer_fake_say(p, PPP_CCP, CODE_CONFIGURE_REQUEST, 1, NULL, 0);
	peer_fake_say(p, PPP_PAP, PAP_REQUEST, 1, "\5alice\6secret", 13);
	assert_int_equal(p->sent_count, 0);
	assert_int_equal(p->asks, 1);
}

static void test_answers_are_repeated(void **state)
{
	struct peer_fake *p = *state;

	p->config.auth.values[0] = PPP_AUTH_PAP;
	p->hold_verdict = true;
	peer_fake_dial(p);
	// Asked again while the answer is awaited: under a new identifier, which is the one to use.
	peer_fake_say(p, PPP_PAP, PAP_REQUEST, 77, "\5alice\6secret", 13);
	assert_int_equal(p->asks, 1);
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.accepted = true, .message = "hi"});
	peer_fake_run(p);
	assert_up(p);
	peer_fake_say(p, PPP_PAP, PAP_REQUEST, 78, "\5alice\5wrong", 12);
	assert_int_equal(p->asks, 1);
	assert_memory_equal(p->newest.bytes, "\xc0\x23\x02\x4e\0\7\2hi", 9);
	assert_int_equal(peer_fake_seen(p, PPP_PAP, PAP_ACK), 2);
}

static void test_chap_response_is_repeated(void **state)
{
	struct peer_fake *p = *state;
	struct fake_ppp_packet challenge;
	char first[256];

	ppp_start(p->ppp);
	p->sent_count = 0;
	p->hold_verdict = true;
	peer_fake_request(p);
	peer_fake_run(p);
	assert_int_equal(p->asks, 1);
	challenge = p->newest;
	assert_int_equal(challenge.bytes[2], CHAP_CHALLENGE);
	p->sent[p->sent_count++] = challenge; // the client hears it twice
	peer_fake_run(p);
	assert_int_equal(p->asks, 1);
	p->hold_verdict = false;
	{
		struct ppp_verdict verdict;

		auth_check(&p->credentials, "secret", &verdict);
		ppp_authenticated(p->ppp, &verdict);
	}
	peer_fake_run(p);
	assert_up(p);
	assert_memory_equal(p->answer, "S=", 2);
	memcpy(first, p->answer, sizeof(first));
	p->sent[p->sent_count++] = challenge;
	peer_fake_run(p);
	assert_int_equal(p->asks, 1);
	assert_string_equal(p->answer, first);
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_SUCCESS), 2);
}

static void test_challenge_goes_out_again(void **state)
{
	struct peer_fake *p = *state;

	p->config.max_configure = 3;
	p->no_auth = true;
	peer_fake_dial(p);
	peer_fake_wait(p, 9100);
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_CHALLENGE), 3);
	assert_down(p, "authentication-timeout");
}

static void test_nobody_there(void **state)
{
	struct peer_fake *p = *state;

	p->silent = true;
	peer_fake_dial(p);
	peer_fake_wait(p, 29900);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 200);
	assert_down(p, "no-answer");
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_CONFIGURE_REQUEST), 10);
}

static void test_setup_timeout(void **state)
{
	struct peer_fake *p = *state;

	p->config.setup_timeout_ms = 20000;
	p->hold_network = true;
	peer_fake_dial(p);
	assert_int_equal(p->accepts, 1);
	assert_string_equal(ppp_state(p->ppp), "network");
	peer_fake_wait(p, 19900);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 100);
	assert_down(p, "setup-timeout");
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_TERMINATE_REQUEST), 1);
}

// The client asks for its address while ours is still looked for: no second request is needed.
static void test_early_ipcp_is_kept(void **state)
{
	struct peer_fake *p = *state;
	uint8_t asked;

	p->hold_network = true;
	peer_fake_dial(p);
	asked = p->id;
	ppp_network(p->ppp, &p->addresses);
	assert_int_equal(peer_fake_seen(p, PPP_IPCP, CODE_CONFIGURE_REQUEST), 1);
	assert_int_equal(peer_fake_seen(p, PPP_IPCP, CODE_CONFIGURE_REJECT), 1);
	assert_int_equal(p->newest.bytes[3], asked);
	peer_fake_run(p);
	assert_up(p);
}

static void test_no_ip4_for_this_subscriber(void **state)
{
	struct peer_fake *p = *state;

	p->addresses = (struct ppp_addresses){0};
	peer_fake_dial(p);
	peer_fake_wait(p, 100000);
	assert_string_equal(ppp_state(p->ppp), "network");
	assert_int_equal(p->ip4_ups, 0);
	assert_int_equal(p->downs, 0);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), 3);
}

static void test_ipcp_without_an_address(void **state)
{
	struct peer_fake *p = *state;

	p->ipcp_length = 0;
	peer_fake_dial(p);
	assert_up(p);
	assert_true(has_option(p->ipcp_options, p->ipcp_length, 3, "\x0a\0\0\x4d"));
}

static void test_wins(void **state)
{
	static const uint8_t options[] = {1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 3, 6, 10, 9, 9, 9, 130, 6,
		0, 0, 0, 0, 132, 6, 0, 0, 0, 0};
	struct peer_fake *p = *state;

	address_parse("192.0.2.99", &p->addresses.wins[1]);
	memcpy(p->ipcp_options, options, p->ipcp_length = sizeof(options));
	peer_fake_dial(p);
	assert_up(p);
	assert_true(has_option(p->ipcp_options, p->ipcp_length, 3, "\x0a\0\0\x4d"));
	assert_true(has_option(p->ipcp_options, p->ipcp_length, 132, "\xc0\0\2\x63"));
	assert_false(has_option(p->ipcp_options, p->ipcp_length, 130, NULL));
	assert_false(has_option(p->ipcp_options, p->ipcp_length, 1, NULL));
}

// A peer that will not have our address gets one without ours in the end.
static void test_peer_naks_our_address(void **state)
{
	struct peer_fake *p = *state;

	p->naks_address = true;
	peer_fake_dial(p);
	assert_up(p);
}

static void test_peer_terminates(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	assert_up(p);
	peer_fake_say(p, PPP_LCP, CODE_TERMINATE_REQUEST, 9, NULL, 0);
	assert_memory_equal(p->newest.bytes, "\xc0\x21\x06\x09\0\4", 6);
	assert_int_equal(p->ends, 1);
	assert_string_equal(p->cause, "peer-terminated");
	assert_int_equal(p->ip4_downs, 1);
	assert_string_equal(ppp_state(p->ppp), "closing");
	// Our answer may be lost: the next one has one as well, and the time is the same.
	peer_fake_wait(p, 2900);
	peer_fake_say(p, PPP_LCP, CODE_TERMINATE_REQUEST, 10, NULL, 0);
	assert_memory_equal(p->newest.bytes, "\xc0\x21\x06\x0a\0\4", 6);
	peer_fake_request(p);
	assert_int_equal(p->newest.bytes[2], CODE_TERMINATE_ACK);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 100);
	assert_int_equal(p->ends, 1);
	assert_down(p, "peer-terminated");
	// Nothing is said or called any more.
	p->sent_count = 0;
	peer_fake_request(p);
	ppp_close(p->ppp, "again");
	peer_fake_wait(p, 10000);
	assert_int_equal(p->sent_count, 0);
	assert_int_equal(p->downs, 1);
}

// Before LCP is open as well.
static void test_peer_terminates_early(void **state)
{
	struct peer_fake *p = *state;

	ppp_start(p->ppp);
	peer_fake_say(p, PPP_LCP, CODE_TERMINATE_REQUEST, 9, NULL, 0);
	assert_int_equal(p->ends, 1);
	p->sent_count = 0;
	peer_fake_wait(p, 2900);
	assert_int_equal(p->sent_count, 0);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 100);
	assert_down(p, "peer-terminated");
}

// Both at once: the peer's answer to ours ends it, or one restart time.
static void test_both_terminate(void **state)
{
	for (int answered = 0; answered < 2; answered++) {
		struct peer_fake *p = *state;

		peer_fake_dial(p);
		p->no_terminate = !answered;
		ppp_close(p->ppp, "administrator");
		peer_fake_say(p, PPP_LCP, CODE_TERMINATE_REQUEST, 9, NULL, 0);
		assert_memory_equal(p->newest.bytes, "\xc0\x21\x06\x09\0\4", 6);
		assert_int_equal(p->downs, 0);
		peer_fake_run(p);
		assert_int_equal(p->downs, answered);
		peer_fake_wait(p, 3000);
		assert_int_equal(p->ends, 0);
		assert_down(p, "administrator");
		teardown(state);
		setup(state);
	}
}

static void test_close(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	ppp_close(p->ppp, "administrator");
	assert_string_equal(ppp_state(p->ppp), "closing");
	assert_int_equal(p->ip4_downs, 1);
	assert_int_equal(p->downs, 0);
	peer_fake_run(p);
	assert_down(p, "administrator");
}

static void test_close_without_an_answer(void **state)
{
	struct peer_fake *p = *state;

	p->no_terminate = true;
	peer_fake_dial(p);
	ppp_close(p->ppp, "administrator");
	peer_fake_wait(p, 5900);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 100);
	assert_down(p, "administrator");
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_TERMINATE_REQUEST), 2);
}

static void test_close_from_within(void **state)
{
	struct peer_fake *p = *state;

	p->close_on_lcp_up = true;
	peer_fake_dial(p);
	assert_down(p, "closed");
	assert_int_equal(peer_fake_seen(p, PPP_CHAP, CHAP_CHALLENGE), 0);
}

// Whoever takes a packet may close the session there and then; it must not come to life again.
static void test_close_while_sending(void **state)
{
	struct peer_fake *p = *state;
	unsigned at = 1;

	for (;; at++) {
		p->close_at = at;
		peer_fake_dial(p);
		peer_fake_wait(p, 10000);
		if (p->close_at)
			break; // it says no more than that
		assert_down(p, "closed");
		teardown(state);
		setup(state);
		p = *state;
	}
	assert_true(at > 10);
	assert_up(p);
}

static void test_close_before_the_start(void **state)
{
	struct peer_fake *p = *state;

	ppp_close(p->ppp, "closed");
	assert_down(p, "closed");
	ppp_start(p->ppp);
	assert_int_equal(p->sent_count, 0);
}

// LCP again in the middle of a session: the network goes, and who it is must be proven anew.
static void test_renegotiation(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	assert_up(p);
	p->welcome = false;
	peer_fake_request(p);
	assert_int_equal(p->ip4_downs, 1);
	assert_string_equal(p->ip4_cause, "renegotiated");
	assert_string_equal(ppp_state(p->ppp), "lcp");
	peer_fake_run(p);
	assert_string_equal(ppp_state(p->ppp), "open");
	assert_int_equal(p->lcp_ups, 2);
	assert_int_equal(p->asks, 2);
	assert_int_equal(p->ip4_ups, 2);
	assert_int_equal(p->downs, 0);
	assert_true(p->welcome);
}

// The answer to the question of before is not taken for that of now.
static void test_renegotiation_while_asking(void **state)
{
	struct peer_fake *p = *state;

	p->hold_verdict = true;
	peer_fake_dial(p);
	assert_int_equal(p->asks, 1);
	p->password = "guess";
	peer_fake_request(p);
	peer_fake_run(p);
	assert_int_equal(p->lcp_ups, 2);
	assert_int_equal(p->asks, 1);
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.accepted = true, .message = "S=0"});
	assert_int_equal(p->accepts, 0);
	assert_int_equal(p->asks, 2);
	ppp_authenticated(p->ppp, &(struct ppp_verdict){.accepted = false});
	peer_fake_run(p);
	assert_down(p, "authentication");
	assert_int_equal(p->accepts, 0);
}

static void test_ipcp_renegotiation(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, 99, "\3\6\x0a\0\0\x4d", 6);
	assert_int_equal(p->ip4_downs, 1);
	peer_fake_run(p);
	assert_int_equal(p->ip4_ups, 2);
	assert_int_equal(p->lcp_ups, 1);
	assert_string_equal(ppp_state(p->ppp), "open");
}

// The peer did not get our Ack and asks once more: it is told again, and nothing goes down.
static void test_ack_was_lost(void **state)
{
	static const char wish[] = "\3\6\x0a\0\0\x4d";
	struct peer_fake *p = *state;
	int sent;

	peer_fake_dial(p);
	peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, 99, wish, 6);
	peer_fake_run(p);
	assert_int_equal(p->ip4_downs, 1);
	sent = (int)p->sent_count;
	peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, 99, wish, 6);
	assert_int_equal(p->sent_count, sent + 1);
	assert_int_equal(p->ip4_downs, 1);
	// Under another identifier it is a wish to start over.
	peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, 100, wish, 6);
	assert_int_equal(p->ip4_downs, 2);
}

// Once in a while is a peer's right; for ever is a way to keep us busy.
static void test_renegotiation_without_end(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	for (int i = 0; i < 100 && p->downs == 0; i++) {
		peer_fake_request(p);
		peer_fake_run(p);
	}
	assert_down(p, "renegotiated-too-often");
	assert_int_equal(p->lcp_ups, 8);
}

static void test_ipcp_renegotiation_without_end(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	for (int i = 0; i < 100 && p->downs == 0; i++) {
		peer_fake_say(
			p, PPP_IPCP, CODE_CONFIGURE_REQUEST, (uint8_t)i, "\3\6\x0a\0\0\x4d", 6);
		peer_fake_run(p);
	}
	assert_down(p, "renegotiated-too-often");
}

static void test_renegotiation_now_and_then(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	for (int i = 0; i < 30; i++) {
		peer_fake_wait(p, 20000);
		peer_fake_request(p);
		peer_fake_run(p);
	}
	assert_int_equal(p->downs, 0);
	assert_int_equal(p->ip4_ups, 31);
}

static void test_ipcp_terminated(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	peer_fake_say(p, PPP_IPCP, CODE_TERMINATE_REQUEST, 99, NULL, 0);
	assert_string_equal(p->ip4_cause, "ipcp-terminated");
	peer_fake_run(p);
	assert_down(p, "ipcp-terminated");
}

static void test_ipcp_is_rejected(void **state)
{
	struct peer_fake *p = *state;

	p->hold_network = true;
	peer_fake_dial(p);
	ppp_network(p->ppp, &p->addresses);
	peer_fake_say(p, PPP_LCP, CODE_PROTOCOL_REJECT, 1, "\x80\x21\1\1\0\4", 6);
	peer_fake_run(p);
	assert_down(p, "ipcp-refused");
}

static void test_echo(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 10000;
	peer_fake_dial(p);
	peer_fake_wait(p, 100000);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_ECHO_REQUEST), 10);
	assert_int_equal(p->downs, 0);
	p->no_echo = true;
	peer_fake_wait(p, 39900);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 100);
	assert_down(p, "echo-timeout");
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_TERMINATE_REQUEST), 1);
}

static void test_echo_is_answered(void **state)
{
	struct peer_fake *p = *state;
	uint32_t magic;

	peer_fake_dial(p);
	magic = ppp_link(p->ppp)->magic;
	peer_fake_say(p, PPP_LCP, CODE_ECHO_REQUEST, 200, "\1\2\3\4data", 8);
	assert_int_equal(p->newest.bytes[2], CODE_ECHO_REPLY);
	assert_int_equal(p->newest.bytes[3], 200);
	assert_int_equal(p->newest.bytes[6], magic >> 24);
	assert_memory_equal(p->newest.bytes + 10, "data", 4);
	p->sent_count = 0;
	peer_fake_say(p, PPP_LCP, CODE_ECHO_REQUEST, 201, "\1\2\3", 3);
	peer_fake_say(p, PPP_LCP, CODE_DISCARD_REQUEST, 202, "\1\2\3\4", 4);
	peer_fake_say(p, PPP_LCP, CODE_IDENTIFICATION, 203, "\1\2\3\4MSRASV5.20", 14);
	peer_fake_say(p, PPP_LCP, CODE_TIME_REMAINING, 204, "\1\2\3\4\0\0\0\1", 8);
	assert_int_equal(p->sent_count, 0);
	peer_fake_say(p, PPP_LCP, 99, 205, NULL, 0);
	assert_int_equal(p->newest.bytes[2], CODE_CODE_REJECT);
	assert_up(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_method),
		CASE(test_nothing_is_lost),
		CASE(test_we_are_first),
		CASE(test_wrong_password),
		CASE(test_unknown_user),
		CASE(test_nak_with_an_allowed_method),
		CASE(test_nak_with_a_method_that_we_do_not_allow),
		CASE(test_no_authentication_at_all),
		CASE(test_no_method_configured),
		CASE(test_looped_line),
		CASE(test_unknown_lcp_options_are_rejected),
		CASE(test_small_mru_and_no_magic),
		CASE(test_other_protocols_are_rejected_without_delay),
		CASE(test_nothing_before_authentication),
		CASE(test_answers_are_repeated),
		CASE(test_chap_response_is_repeated),
		CASE(test_challenge_goes_out_again),
		CASE(test_nobody_there),
		CASE(test_setup_timeout),
		CASE(test_early_ipcp_is_kept),
		CASE(test_no_ip4_for_this_subscriber),
		CASE(test_ipcp_without_an_address),
		CASE(test_wins),
		CASE(test_peer_naks_our_address),
		CASE(test_peer_terminates),
		CASE(test_peer_terminates_early),
		CASE(test_both_terminate),
		CASE(test_close),
		CASE(test_close_without_an_answer),
		CASE(test_close_from_within),
		CASE(test_close_while_sending),
		CASE(test_close_before_the_start),
		CASE(test_renegotiation),
		CASE(test_renegotiation_while_asking),
		CASE(test_ipcp_renegotiation),
		CASE(test_ack_was_lost),
		CASE(test_renegotiation_without_end),
		CASE(test_ipcp_renegotiation_without_end),
		CASE(test_renegotiation_now_and_then),
		CASE(test_ipcp_terminated),
		CASE(test_ipcp_is_rejected),
		CASE(test_echo),
		CASE(test_echo_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
