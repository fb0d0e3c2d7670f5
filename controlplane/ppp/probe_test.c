// SPDX-License-Identifier: Apache-2.0

// Probes of the path. The client asks for both compressions, so the packet of a probe, with
// its protocol field, is one byte shorter than the data packet that it stands for.

#include "ppp_lab.h"
#include "probe.h"

static void probe_begin(struct peer_fake *p)
{
	peer_fake_dial(p);
	assert_int_equal(p->ip4_ups, 1);
	ppp_probe(p->ppp, 1400);
	peer_fake_run(p);
}

static void test_probe_of_a_whole_path(void **state)
{
	struct peer_fake *p = *state;

	probe_begin(p);
	assert_int_equal(p->probes, 2); // a small one, and the largest
	assert_int_equal(p->newest.length, 1399);
	peer_fake_wait(p, PROBE_AGAIN_MS - 1000);
	assert_int_equal(p->probes, 2);
	peer_fake_wait(p, 2000);
	assert_int_equal(p->probes, 4);
	assert_int_equal(p->path_mtus, 0);
}

// Whichever direction it is that loses what is large, and whatever the size is.
static void test_probe_of_a_black_hole(void **state)
{
	struct peer_fake *p = *state;

	for (int up = 0; up < 2; up++) {
		for (uint16_t carries = PROBE_FLOOR; carries < 1400; carries += 7) {
			p->path_mtus = 0;
			p->path_down = up ? 0 : carries - 1U;
			p->path_up = up ? carries - 1U : 0;
			if (p->ip4_ups == 0)
				probe_begin(p);
			else
				ppp_probe(p->ppp, 1400);
			peer_fake_wait(p, 2000);
			assert_true(p->path_mtu >= PROBE_FLOOR && p->path_mtu <= carries);
			peer_fake_wait(p, 10000);
			assert_true(p->path_mtu <= carries && p->path_mtu + PROBE_STEP >= carries);
			assert_true(p->path_mtus >= 1 && p->path_mtus <= 2);
		}
	}
	assert_int_equal(p->downs, 0);
}

static void test_probe_finds_the_way_up_again(void **state)
{
	struct peer_fake *p = *state;

	p->path_down = 1300;
	probe_begin(p);
	peer_fake_wait(p, 20000);
	assert_in_range(p->path_mtu, 1293, 1301);
	p->path_mtus = 0;
	peer_fake_wait(p, PROBE_AGAIN_MS + 20000); // still so
	assert_int_equal(p->path_mtus, 0);
	p->path_down = 1350;
	peer_fake_wait(p, PROBE_AGAIN_MS + 20000);
	assert_in_range(p->path_mtu, 1343, 1351);
	p->path_down = 1285;
	peer_fake_wait(p, PROBE_AGAIN_MS + 20000);
	assert_in_range(p->path_mtu, PROBE_FLOOR, 1286);
	p->path_down = 0;
	peer_fake_wait(p, PROBE_AGAIN_MS + 20000);
	assert_int_equal(p->path_mtu, 0);
	assert_int_equal(p->path_mtus, 3);
}

// A client that answers only small ones must not suffer for it; nor one that answers none.
static void test_probe_of_a_client_without_large_answers(void **state)
{
	struct peer_fake *p = *state;

	p->echo_most = 200;
	probe_begin(p);
	peer_fake_wait(p, 3 * PROBE_AGAIN_MS);
	p->echo_most = 0;
	p->no_echo = true;
	peer_fake_wait(p, 3 * PROBE_AGAIN_MS);
	assert_int_equal(p->path_mtus, 0);
	assert_int_equal(p->downs, 0);
}

static void test_probe_with_loss(void **state)
{
	struct peer_fake *p = *state;

	for (p->loss = 2; p->loss < 5; p->loss++) {
		if (p->ip4_ups == 0)
			probe_begin(p);
		else
			ppp_probe(p->ppp, 1400);
		peer_fake_wait(p, 20000);
		assert_int_equal(p->path_mtus, 0);
	}
	// The path is gone for a moment, just when large ones are on their way.
	p->loss = 0;
	p->echo_most = 200;
	ppp_probe(p->ppp, 1400);
	peer_fake_wait(p, 1800);
	p->echo_most = 0;
	peer_fake_wait(p, 20000);
	assert_int_equal(p->path_mtu, 0);
}

// Probes that are lost do not count as a client that is dead, and their answers not as more than
// one sign of life.
static void test_probe_beside_the_keepalive(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 1000;
	p->path_down = 1300;
	probe_begin(p);
	peer_fake_wait(p, 60000);
	assert_int_equal(p->downs, 0);
	assert_in_range(p->path_mtu, 1293, 1301);
	p->no_echo = true;
	peer_fake_wait(p, 5000);
	assert_down(p, "echo-timeout");
}

static void test_probe_ends_with_the_link(void **state)
{
	struct peer_fake *p = *state;
	unsigned probes;

	p->path_down = 1300;
	probe_begin(p);
	peer_fake_wait(p, 1000);
	p->silent = true;
	ppp_close(p->ppp, "closed");
	probes = p->probes;
	peer_fake_wait(p, 2 * PROBE_AGAIN_MS);
	assert_int_equal(p->probes, probes);
	assert_down(p, "closed");
	ppp_probe(p->ppp, 1400);
	assert_int_equal(p->probes, probes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_probe_of_a_whole_path),
		CASE(test_probe_of_a_black_hole),
		CASE(test_probe_finds_the_way_up_again),
		CASE(test_probe_of_a_client_without_large_answers),
		CASE(test_probe_with_loss),
		CASE(test_probe_beside_the_keepalive),
		CASE(test_probe_ends_with_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
