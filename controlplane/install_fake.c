// SPDX-License-Identifier: Apache-2.0

// install.h for unit tests: keeps the commands and answers as the test wishes.

#include "controlplane/fakes.h"

#include "contract/ike_spi.h"

#include <errno.h>
#include <string.h>

enum { QUEUE = 4096 };

static struct fake_command queue[QUEUE];
static size_t first, count;

static struct {
	install_done done;
	install_set_done set_done;
	void *context;
} waiting[QUEUE];
static size_t waiting_count;

static int answer_error;
static uint16_t answer_mtu;
static bool answer_held, ring_full;

const struct fake_command *fake_command_take(void)
{
	if (count == 0)
		return NULL;
	count--;
	return &queue[first++ % QUEUE];
}

size_t fake_command_count(void)
{
	return count;
}

void fake_install_answer(int error)
{
	answer_error = error;
}

void fake_install_mtu(uint16_t mtu)
{
	answer_mtu = mtu;
}

void fake_install_hold(bool hold)
{
	answer_held = hold;
}

void fake_install_full(bool full)
{
	ring_full = full;
}

void fake_install_release(void)
{
	size_t n = waiting_count;

	for (size_t i = 0; i < n; i++) {
		if (waiting[i].done)
			waiting[i].done(waiting[i].context, answer_error);
		if (waiting[i].set_done)
			waiting[i].set_done(waiting[i].context, answer_error, answer_mtu);
	}
	waiting_count -= n;
	memmove(waiting, waiting + n, waiting_count * sizeof(waiting[0]));
}

void install_forget(const void *context)
{
	for (size_t i = 0; i < waiting_count; i++)
		if (waiting[i].context == context) {
			waiting[i].done = NULL;
			waiting[i].set_done = NULL;
		}
}

static int post(uint32_t type, const void *body, size_t size, install_done done, void *context)
{
	struct fake_command *c = &queue[(first + count) % QUEUE];

	if (ring_full || count == QUEUE || waiting_count == QUEUE)
		return -ENOBUFS;
	count++;
	memset(c, 0, sizeof(*c));
	c->order = fake_order();
	c->type = type;
	memcpy(&c->sa_add, body, size);
	if (answer_held) {
		waiting[waiting_count].set_done = NULL;
		waiting[waiting_count].done = done;
		waiting[waiting_count++].context = context;
	} else if (done) {
		done(context, answer_error);
	}
	return 0;
}

int install_sa_add(const struct command_sa_add *command, install_done done, void *context)
{
	return post(COMMAND_SA_ADD, command, sizeof(*command), done, context);
}

int install_sa_move(const struct command_sa_move *command)
{
	return post(COMMAND_SA_MOVE, command, sizeof(*command), NULL, NULL);
}

int install_sa_delete(uint32_t spi_in)
{
	struct command_sa_delete c = {.spi_in = spi_in};

	return post(COMMAND_SA_DELETE, &c, sizeof(c), NULL, NULL);
}

int install_tunnel_add(const struct command_tunnel_add *command, install_done done, void *context)
{
	return post(COMMAND_TUNNEL_ADD, command, sizeof(*command), done, context);
}

int install_tunnel_set_sa(uint16_t tunnel, uint32_t sa)
{
	struct command_tunnel_set_sa c = {.tunnel = tunnel, .sa = sa};

	return post(COMMAND_TUNNEL_SET_SA, &c, sizeof(c), NULL, NULL);
}

int install_tunnel_delete(uint16_t tunnel)
{
	struct command_tunnel_delete c = {.tunnel = tunnel};

	return post(COMMAND_TUNNEL_DELETE, &c, sizeof(c), NULL, NULL);
}

int install_session_add(const struct command_session_add *command, install_done done, void *context)
{
	return post(COMMAND_SESSION_ADD, command, sizeof(*command), done, context);
}

int install_session_set(
	const struct command_session_set *command, install_set_done done, void *context)
{
	int error = post(COMMAND_SESSION_SET, command, sizeof(*command), NULL, context);

	if (error == 0 && answer_held)
		waiting[waiting_count - 1].set_done = done;
	else if (error == 0 && done)
		done(context, answer_error, answer_mtu);
	return error;
}

int install_session_delete(uint32_t session)
{
	struct command_session_delete c = {.session = session};

	return post(COMMAND_SESSION_DELETE, &c, sizeof(c), NULL, NULL);
}

int install_subscriber(const struct command_session_set *before,
	const struct command_session_set *command, const struct ip_prefix *route, install_done done,
	void *context)
{
	(void)before;
	(void)route;
	return post(COMMAND_SESSION_SET, command, sizeof(*command), done, context);
}

int install_subscriber_undo(
	const struct command_session_set *command, const struct ip_prefix *route)
{
	return post(COMMAND_SESSION_SET, command, sizeof(*command), NULL, NULL);
}

int install_route_add(
	uint32_t session, const struct ip_prefix *prefix, install_done done, void *context)
{
	struct command_route c = {.prefix = *prefix, .session = session, .kind = NEXT_HOP_SESSION};

	return post(COMMAND_ROUTE_ADD, &c, sizeof(c), done, context);
}

int install_route_delete(uint32_t session, const struct ip_prefix *prefix)
{
	struct command_route c = {.prefix = *prefix, .session = session, .kind = NEXT_HOP_SESSION};

	return post(COMMAND_ROUTE_DELETE, &c, sizeof(c), NULL, NULL);
}

// Groups have no memory here.
int install_group_hold(
	uint16_t base, uint16_t filter_uplink, uint16_t filter_downlink, bool isolated)
{
	(void)filter_uplink;
	(void)filter_downlink;
	(void)isolated;
	return base;
}

void install_group_release(uint16_t group)
{
	(void)group;
}

uint16_t install_group_base(uint16_t group)
{
	return group;
}

const uint8_t *install_ike_key(void)
{
	static const uint8_t key[IKE_SPI_KEY] = "key of the fakes";

	return key;
}

static uint32_t ike_firsts;

void install_ike_firsts(uint32_t per_second)
{
	ike_firsts = per_second;
}

uint32_t fake_ike_firsts(void)
{
	return ike_firsts;
}
