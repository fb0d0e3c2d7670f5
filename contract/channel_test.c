// SPDX-License-Identifier: Apache-2.0

#include "contract/channel.h"
#include "contract/messages.h"
#include "contract/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
	struct channel dataplane, controlplane;
	int region, wake_control, wake_clerk;
};

static void pair_open(struct pair *p, uint32_t workers)
{
	p->region = channel_create_region(workers);
	assert_true(p->region >= 0);
	p->wake_control = eventfd(0, EFD_NONBLOCK);
	p->wake_clerk = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(channel_map(&p->dataplane, p->region, workers, CHANNEL_DATAPLANE,
				 p->wake_control, p->wake_clerk),
		0);
	assert_int_equal(channel_map(&p->controlplane, p->region, workers, CHANNEL_CONTROLPLANE,
				 p->wake_control, p->wake_clerk),
		0);
}

static void pair_close(struct pair *p)
{
	channel_unmap(&p->dataplane);
	channel_unmap(&p->controlplane);
	close(p->region);
	close(p->wake_control);
	close(p->wake_clerk);
}

static void test_region_is_sealed(void **state)
{
	int fd = channel_create_region(1);
	int bare = memfd_create("bare", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct channel c;

	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 1 << 30), -1);
	assert_int_equal(channel_map(&c, fd, 2, CHANNEL_CONTROLPLANE, -1, -1), -EPROTO);
	assert_int_equal(channel_map(&c, fd, 0, CHANNEL_CONTROLPLANE, -1, -1), -EPROTO);
	assert_int_equal(
		channel_map(&c, fd, LIMIT_WORKERS + 1, CHANNEL_CONTROLPLANE, -1, -1), -EPROTO);
	assert_int_equal(ftruncate(bare, (off_t)channel_size(1)), 0);
	assert_int_equal(channel_map(&c, bare, 1, CHANNEL_CONTROLPLANE, -1, -1), -EPROTO);
	close(bare);
	close(fd);
}

// Every ring goes its own way, and is full at its capacity, not before.
static void test_each_ring(void **state)
{
	struct pair p;

	pair_open(&p, 3);
	for (uint32_t w = 0; w < 3; w++) {
		struct packet *slot;

		for (uint32_t i = 0; i < LIMIT_RING_PACKETS - 1; i++) {
			slot = ring_slot(&p.dataplane.punt[w]);
			assert_non_null(slot);
			slot->session = i;
			slot->peer = w;
			memset(slot->data, (int)i, sizeof(slot->data));
			ring_push(&p.dataplane.punt[w]);
		}
		assert_null(ring_slot(&p.dataplane.punt[w]));
	}
	for (uint32_t w = 0; w < 3; w++) {
		for (uint32_t i = 0; i < LIMIT_RING_PACKETS - 1; i++) {
			const struct packet *got = ring_front(&p.controlplane.punt[w]);

			assert_non_null(got);
			assert_int_equal(got->session, i);
			assert_int_equal(got->peer, w);
			assert_int_equal(got->data[PACKET_DATA - 1], i & 0xff);
			ring_pop(&p.controlplane.punt[w]);
		}
		assert_null(ring_front(&p.controlplane.punt[w]));
		assert_non_null(ring_slot(&p.dataplane.punt[w]));
	}
	assert_false(channel_broken(&p.dataplane) || channel_broken(&p.controlplane));
	pair_close(&p);
}

// A position that cannot be breaks the ring for good, on both sides, and nothing else happens.
static void test_hostile_positions(void **state)
{
	static const uint32_t hostile[] = {1, 5000, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct pair p;

		pair_open(&p, 1);
		p.controlplane.head->command.consumed = hostile[i];
		assert_null(ring_slot(&p.controlplane.command));
		assert_true(channel_broken(&p.controlplane));
		p.dataplane.head->event.produced = i ? hostile[i] : LIMIT_RING_MESSAGES;
		assert_null(ring_front(&p.controlplane.event));
		assert_null(ring_front(&p.controlplane.event));
		pair_close(&p);
	}
}

// A producer's position must not go back either: what was there cannot become unwritten.
static void test_position_goes_back(void **state)
{
	struct pair p;

	pair_open(&p, 1);
	for (int i = 0; i < 4; i++) {
		assert_non_null(ring_slot(&p.controlplane.command));
		ring_push(&p.controlplane.command);
	}
	assert_non_null(ring_front(&p.dataplane.command));
	p.controlplane.head->command.produced = 2;
	assert_null(ring_front(&p.dataplane.command));
	assert_true(channel_broken(&p.dataplane));
	pair_close(&p);
}

static void test_wakes_only_a_sleeper(void **state)
{
	struct pair p;
	eventfd_t value;

	pair_open(&p, 1);
	channel_wake_control(&p.dataplane);
	assert_int_equal(eventfd_read(p.wake_control, &value), -1);
	channel_will_sleep(&p.controlplane);
	channel_wake_control(&p.dataplane);
	channel_wake_control(&p.dataplane);
	assert_int_equal(eventfd_read(p.wake_control, &value), 0);
	assert_int_equal(value, 1);
	channel_will_sleep(&p.dataplane);
	channel_wake_clerk(&p.controlplane);
	assert_int_equal(eventfd_read(p.wake_clerk, &value), 0);
	pair_close(&p);
}

enum { STREAM = 200000 };

static void *produce(void *context)
{
	struct channel *c = context;

	for (uint32_t i = 0; i < STREAM;) {
		struct message *m = ring_slot(&c->command);

		if (!m)
			continue;
		m->request = i;
		m->size = ~i;
		ring_push(&c->command);
		i++;
	}
	return NULL;
}

// Two threads, every element once, whole and in order, over many rounds of the ring.
static void test_stream(void **state)
{
	struct pair p;
	pthread_t thread;

	pair_open(&p, 1);
	assert_int_equal(pthread_create(&thread, NULL, produce, &p.controlplane), 0);
	for (uint32_t i = 0; i < STREAM;) {
		const struct message *m = ring_front(&p.dataplane.command);

		if (!m)
			continue;
		assert_int_equal(m->request, i);
		assert_int_equal(m->size, ~i);
		ring_pop(&p.dataplane.command);
		i++;
	}
	pthread_join(thread, NULL);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region_is_sealed),
		cmocka_unit_test(test_each_ring),
		cmocka_unit_test(test_hostile_positions),
		cmocka_unit_test(test_position_goes_back),
		cmocka_unit_test(test_wakes_only_a_sleeper),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
