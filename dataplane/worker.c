// SPDX-License-Identifier: Apache-2.0

// The loop of a worker: receive, what others handed over, what the control plane sends, transmit;
// then it reports a quiescent state, since it holds no pointer into a table between two rounds.
//
// idle: poll burns the core. idle: adaptive sleeps a little after some rounds without work, longer
// and longer up to IDLE_SLEEP_MAX, which bounds the latency that it adds, and after a quiet second
// IDLE_SLEEP_QUIET; those sleeps are the one system call that a worker makes in its loop.

#include "dataplane/clerk.h"
#include "dataplane/port.h"
#include "dataplane/reassemble.h"
#include "dataplane/stage.h"
#include "dataplane/table.h"
#include "dataplane/vlan.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	IDLE_ROUNDS = 256,       // empty rounds before the first sleep
	IDLE_SLEEP_MAX = 100000, // nanoseconds
	IDLE_SLEEP_STEP = 5000,  // nanoseconds that each empty round adds
	IDLE_QUIET = 10000, // empty rounds, a second and more, after which nobody is in a hurry
	IDLE_SLEEP_QUIET = 1000000, // nanoseconds
};

static uint64_t clock_now(void)
{
	struct timespec t;

	// Answered in user space: the kernel maps its clock into the process.
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

// Frames of one port, on the way of its side.
static void begin(struct worker *w, const struct port *p, struct rte_mbuf **m, uint16_t count)
{
	if (p->side == SIDE_SUBSCRIBER)
		uplink(w, m, count);
	else
		downlink(w, m, count);
}

// Frames of a device that carries VLANs, and perhaps both sides.
static void take_tagged(struct worker *w, const struct port *p, struct rte_mbuf **m, uint16_t count)
{
	uint16_t run;

	count = vlan_sort(w, p, m, count);
	for (uint16_t i = 0; i < count; i += run) {
		uint8_t port = meta_of(m[i])->port;

		for (run = 1; i + run < count && meta_of(m[i + run])->port == port; run++)
			;
		begin(w, &w->port[port], m + i, run);
	}
}

static uint16_t receive_port(struct worker *w, const struct port *p, uint16_t queue)
{
	struct rte_mbuf *m[BURST];
	uint16_t count = rte_eth_rx_burst(p->id, queue, m, BURST);

	if (count == 0)
		return 0;
	w->stats->received += count;
	for (uint16_t i = 0; i < count; i++) {
		memset(meta_of(m[i]), 0, META_LINE);
		meta_of(m[i])->port = (uint8_t)p->index;
	}
	if (unlikely(p->tagged))
		take_tagged(w, p, m, count);
	else
		begin(w, p, m, count);
	return count;
}

static uint16_t receive(struct worker *w)
{
	uint16_t count = 0;

	for (uint16_t i = 0; i < w->ports; i++) {
		int queue = port_queue(&w->port[i], w->index, w->workers);

		if (queue >= 0 && w->port[i].primary == i)
			count += receive_port(w, &w->port[i], (uint16_t)queue);
	}
	return count;
}

static void resume(struct worker *w, struct rte_mbuf **m, uint16_t count, uint8_t stage)
{
	switch (stage) {
	case HANDOVER_ESP_IN:
		uplink_esp(w, m, count);
		break;
	case HANDOVER_REASSEMBLE:
		uplink_fragments(w, m, count);
		break;
	case HANDOVER_L2TP_IN:
		uplink_l2tp(w, m, count);
		break;
	case HANDOVER_INNER_IN:
		uplink_inner(w, m, count);
		break;
	case HANDOVER_SUBSCRIBER_OUT:
		downlink_session(w, m, count);
		break;
	case HANDOVER_TX:
		tx(w, m, count);
		break;
	default:
		for (uint16_t i = 0; i < count; i++)
			packet_drop(w, m[i], meta_of(m[i])->reason);
	}
}

// What another worker had in its hands has to come over from its core: all lines at once, not one
// after the other.
static void fetch(struct rte_mbuf **m, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		rte_prefetch0(m[i]);
		rte_prefetch0(&m[i]->next); // for who frees it
		rte_prefetch0(meta_of(m[i]));
	}
	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
}

// Runs of packets that go on at the same stage stay together.
static uint16_t take_over(struct worker *w, struct rte_ring *ring)
{
	struct rte_mbuf *m[BURST];
	uint16_t count = (uint16_t)rte_ring_dequeue_burst(ring, (void **)m, BURST, NULL);
	uint16_t run;

	w->stats->taken += count;
	fetch(m, count);
	for (uint16_t i = 0; i < count; i += run) {
		uint8_t stage = meta_of(m[i])->stage;

		for (run = 1; i + run < count && meta_of(m[i + run])->stage == stage; run++)
			;
		resume(w, m + i, run, stage);
	}
	return count;
}

static uint16_t take_all(struct worker *w)
{
	uint16_t count = take_over(w, w->from_clerk);

	for (uint16_t i = 0; i < w->workers; i++)
		if (w->handover[i])
			count += take_over(w, w->handover[i]);
	return count;
}

static void wake_sleepers(struct worker *w)
{
	struct channel *c = atomic_load_explicit(&w->channel, memory_order_acquire);

	if (w->wake_control && c)
		channel_wake_control(c);
	if (w->wake_clerk)
		clerk_ring(w->bell);
	w->wake_control = false;
	w->wake_clerk = false;
}

uint16_t worker_round(struct worker *w)
{
	return worker_round_at(w, clock_now());
}

uint16_t worker_round_at(struct worker *w, uint64_t now)
{
	uint64_t start = rte_rdtsc();
	uint16_t count;

	w->now = now;
	reassemble_expire(w, now);
	uplink_waited(w);
	count = downlink_waited(w);
	count += receive(w);
	count += take_all(w);
	count += inject(w);
	worker_handover_flush(w);
	tx_flush(w);
	wake_sleepers(w);
	rte_rcu_qsbr_quiescent(w->tables->qsbr, w->index);
	w->stats->loops++;
	if (count)
		w->stats->cycles_busy += rte_rdtsc() - start;
	return count;
}

// Nanoseconds. What is held waits for its time.
static uint64_t idle_sleep(const struct worker *w, uint32_t empty)
{
	uint64_t sleep = (uint64_t)(empty - IDLE_ROUNDS + 1) * IDLE_SLEEP_STEP;

	if (empty >= IDLE_QUIET && w->stats->held == 0)
		return IDLE_SLEEP_QUIET;
	return RTE_MIN(sleep, (uint64_t)IDLE_SLEEP_MAX);
}

static void idle(const struct worker *w, uint32_t empty)
{
	if (!w->adaptive || empty < IDLE_ROUNDS)
		rte_pause();
	else
		nanosleep(&(struct timespec){.tv_nsec = (long)idle_sleep(w, empty)}, NULL);
}

int worker_run(void *worker)
{
	struct worker *w = worker;
	uint64_t start = rte_rdtsc();
	uint32_t empty = 0;

	prctl(PR_SET_TIMERSLACK, 1); // nanoseconds: a sleep of the worker ends when it says
	rte_rcu_qsbr_thread_online(w->tables->qsbr, w->index);
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		if (worker_round(w)) {
			empty = 0;
		} else {
			idle(w, empty);
			empty += empty < UINT32_MAX;
		}
		w->stats->cycles_total = rte_rdtsc() - start;
	}
	rte_rcu_qsbr_thread_offline(w->tables->qsbr, w->index);
	return 0;
}
