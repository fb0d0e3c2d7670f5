// SPDX-License-Identifier: Apache-2.0

// One queue holds all messages from the oldest that is not acknowledged on. The first `flight` of
// them have been transmitted; a timeout takes flight back to one, so that what was in flight goes
// out again as the congestion window opens, unless the peer had kept it and acknowledges it at
// once. Only the first message is timed.

#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct channel_message {
	struct channel_message *next;
	uint16_t ns; // of the peer; used in `early`
	size_t length;
	uint8_t bytes[];
};

static void put_u16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v & 0xff;
}

static uint16_t at_least_one(uint16_t v)
{
	return v ? v : 1;
}

void channel_open(struct channel *c, const struct channel_settings *settings,
	const struct channel_user *user, void *context, struct timers *timers)
{
	*c = (struct channel){.settings = settings,
		.user = user,
		.context = context,
		.timers = timers,
		.peer_window = CHANNEL_PEER_WINDOW,
		.threshold = CHANNEL_PEER_WINDOW,
		.congestion = 1};
	c->last = &c->first;
}

static void free_all(struct channel_message **list)
{
	while (*list) {
		struct channel_message *m = *list;

		*list = m->next;
		free(m);
	}
}

static void forget_queue(struct channel *c)
{
	free_all(&c->first);
	c->last = &c->first;
	c->waiting = NULL;
	c->queued = c->flight = 0;
}

void channel_close(struct channel *c)
{
	c->closed = true;
	timer_stop(c->timers, &c->retransmit);
	timer_stop(c->timers, &c->ack);
	forget_queue(c);
	free_all(&c->early);
}

void channel_hush(struct channel *c)
{
	timer_stop(c->timers, &c->retransmit);
	forget_queue(c);
	c->una = c->top;
}

void channel_set_peer(struct channel *c, uint16_t peer_tunnel, uint16_t window)
{
	c->peer_tunnel = peer_tunnel;
	c->peer_window = at_least_one(window);
	c->threshold = c->peer_window;
}

bool channel_idle(const struct channel *c)
{
	return !c->first;
}

static uint64_t interval(const struct channel_settings *s, unsigned tries)
{
	uint64_t ms = s->retransmit_ms;

	while (tries-- > 0 && ms < s->retransmit_max_ms)
		ms *= 2;
	if (ms > s->retransmit_max_ms)
		ms = s->retransmit_max_ms;
	return ms ? ms : 1;
}

uint64_t channel_cycle_ms(const struct channel_settings *settings)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= settings->retransmit_tries; i++)
		sum += interval(settings, i);
	return sum;
}

// What goes out carries our Nr: no acknowledgement is due any more.
static void acknowledged(struct channel *c)
{
	c->unacknowledged = 0;
	timer_stop(c->timers, &c->ack);
}

static void transmit(struct channel *c, struct channel_message *m, uint16_t ns)
{
	put_u16(m->bytes + WIRE_NS_OFFSET, ns);
	put_u16(m->bytes + WIRE_NR_OFFSET, c->nr);
	if ((int16_t)(ns - c->top) >= 0)
		c->top = ns + 1;
	else
		c->retransmits++;
	acknowledged(c);
	c->user->send(c->context, m->bytes, m->length);
}

static void expired(void *context);

static void start_timer(struct channel *c)
{
	timer_start(c->timers, &c->retransmit, interval(c->settings, c->tries), expired, c);
}

// Transmits what the windows allow.
static void fill(struct channel *c)
{
	uint16_t window = c->congestion < c->peer_window ? c->congestion : c->peer_window;
	uint16_t before = c->flight;

	while (c->waiting && c->flight < window) {
		struct channel_message *m = c->waiting;

		c->waiting = m->next;
		transmit(c, m, c->una + c->flight++);
	}
	if (before == 0 && c->flight > 0)
		start_timer(c);
}

static void expired(void *context)
{
	struct channel *c = context;

	if (!c->first)
		return;
	if (c->tries >= c->settings->retransmit_tries) {
		c->user->dead(c->context);
		return;
	}
	c->tries++;
	c->threshold = at_least_one(c->congestion / 2);
	c->congestion = 1;
	c->partial = 0;
	c->flight = 1;
	c->waiting = c->first->next;
	transmit(c, c->first, c->una);
	start_timer(c);
}

static struct channel_message *copy(const uint8_t *message, size_t length)
{
	struct channel_message *m = malloc(sizeof(*m) + length);

	if (!m)
		return NULL;
	m->next = NULL;
	m->ns = 0;
	m->length = length;
	memcpy(m->bytes, message, length);
	return m;
}

int channel_send(struct channel *c, const uint8_t *message, size_t length)
{
	struct channel_message *m;

	if (c->closed)
		return -EPIPE;
	if (c->queued >= CHANNEL_QUEUE_MAX)
		return -ENOBUFS;
	m = copy(message, length);
	if (!m)
		return -ENOMEM;
	*c->last = m;
	c->last = &m->next;
	if (!c->waiting)
		c->waiting = m;
	c->queued++;
	fill(c);
	return 0;
}

// Appendix A: one more per acknowledgement below the threshold, one more per window above it.
static void open_window(struct channel *c)
{
	if (c->congestion >= c->peer_window)
		return;
	if (c->congestion < c->threshold) {
		c->congestion++;
	} else if (++c->partial >= c->congestion) {
		c->congestion++;
		c->partial = 0;
	}
}

static void drop_first(struct channel *c)
{
	struct channel_message *m = c->first;

	c->first = m->next;
	if (!c->first)
		c->last = &c->first;
	if (c->waiting == m)
		c->waiting = m->next;
	c->queued--;
	c->una++;
	if (c->flight)
		c->flight--;
	free(m);
	open_window(c);
}

// nr acknowledges everything before it. One that acknowledges what was never transmitted, or less
// than an earlier one, says nothing.
static void take_nr(struct channel *c, uint16_t nr)
{
	uint16_t count = nr - c->una;

	if (count == 0 || count > (uint16_t)(c->top - c->una))
		return;
	while (count-- > 0)
		drop_first(c);
	c->tries = 0;
	timer_stop(c->timers, &c->retransmit);
	if (c->flight)
		start_timer(c);
	fill(c);
}

static void send_ack(struct channel *c)
{
	uint8_t zlb[WIRE_HEADER];

	wire_zlb(zlb, c->peer_tunnel, c->top, c->nr);
	acknowledged(c);
	c->user->send(c->context, zlb, sizeof(zlb));
}

static void ack_due(void *context)
{
	send_ack(context);
}

void channel_ack(struct channel *c)
{
	if (!c->closed && c->unacknowledged)
		send_ack(c);
}

static void deliver(struct channel *c, const uint8_t *message, size_t length)
{
	c->nr++;
	c->unacknowledged++;
	c->user->deliver(c->context, message, length);
}

// Hands over what had come too early and is in order now.
static void drain(struct channel *c)
{
	while (!c->closed && c->early && c->early->ns == c->nr) {
		struct channel_message *m = c->early;

		c->early = m->next;
		deliver(c, m->bytes, m->length);
		free(m);
	}
}

// Without memory the message is lost like any datagram, and comes again.
static void keep_early(struct channel *c, uint16_t ns, const uint8_t *message, size_t length)
{
	struct channel_message **at = &c->early;
	struct channel_message *m;

	while (*at && (int16_t)((*at)->ns - ns) < 0)
		at = &(*at)->next;
	if (*at && (*at)->ns == ns)
		return;
	m = copy(message, length);
	if (!m)
		return;
	m->ns = ns;
	m->next = *at;
	*at = m;
}

static void schedule_ack(struct channel *c)
{
	if (c->closed || c->unacknowledged == 0)
		return;
	if (c->unacknowledged >= CHANNEL_ACK_COUNT)
		send_ack(c);
	else if (!timer_running(&c->ack))
		timer_start(c->timers, &c->ack, CHANNEL_ACK_MS, ack_due, c);
}

bool channel_receive(
	struct channel *c, const struct wire_header *header, const uint8_t *message, size_t length)
{
	int16_t ahead = (int16_t)(header->ns - c->nr);

	if (c->closed)
		return false;
	take_nr(c, header->nr);
	if (view_left(&header->avps) == 0)
		return true;
	if (ahead < 0) {
		send_ack(c);
		return true;
	}
	if (ahead > 0) {
		if (ahead >= at_least_one(c->settings->window) || ahead >= CHANNEL_WINDOW_MAX)
			return false;
		keep_early(c, header->ns, message, length);
		return true;
	}
	deliver(c, message, length);
	drain(c);
	schedule_ack(c);
	return true;
}
