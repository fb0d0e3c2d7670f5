// SPDX-License-Identifier: Apache-2.0

// See fixture.h.

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void add(struct config_list *l, uint16_t value)
{
	l->values[l->count++] = value;
}

int fixture_v2_setup(void **state)
{
	fixture_setup(state);
	config.ike.version_2 = true;
	config.ike.cookies_from = 1000;
	config.ike.fragmentation = config.ike.mobike = true;
	config.ike.fragment_size = 1280;
	add(&config.ike.encryption, IKE_AES_GCM_256);
	add(&config.ike.encryption, IKE_AES_GCM_128);
	add(&config.ike.group, IKE_X25519);
	log_set_level(LEVEL_WARNING);
	log_set_sink(on_log, NULL);
	return 0;
}

int fixture_v2_teardown(void **state)
{
	log_set_sink(NULL, NULL);
	return fixture_teardown(state);
}

uint64_t half_open(void)
{
	struct ike_counters c;

	ike_counters(ike, &c);
	return c.half_open;
}
