// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only way to change the dataplane's tables: post a command, get the answer on the loop.
// Commands are applied in the order in which they are posted. What is installed in several steps
// is undone when one fails: nothing is ever half installed.
//
// Each returns 0 and calls done(context, error) later exactly once, or returns -ENOTCONN or
// -ENOBUFS and never calls done. done may be NULL where the caller has nothing to undo; a failure
// is logged here in any case. error is 0 or what contract/messages.h says for the command.
//
// Deletions, SA_MOVE and TUNNEL_SET_SA, which the deletion of an SA relies on, are never refused
// for want of room: they wait, and keep their order.

#include "contract/messages.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

typedef void (*install_done)(void *context, int error);
// Of SESSION_SET: mtu is the session's largest inner packet, in bytes, when there was no error.
typedef void (*install_set_done)(void *context, int error, uint16_t mtu);

int install_sa_add(const struct command_sa_add *command, install_done done, void *context);
int install_sa_move(const struct command_sa_move *command);
int install_sa_delete(uint32_t spi_in);
int install_tunnel_add(const struct command_tunnel_add *command, install_done done, void *context);
int install_tunnel_set_sa(uint16_t tunnel, uint32_t sa);
int install_tunnel_delete(uint16_t tunnel);
int install_session_add(
	const struct command_session_add *command, install_done done, void *context);
int install_session_set(
	const struct command_session_set *command, install_set_done done, void *context);
int install_session_delete(uint32_t session);

// The filters and groups that each dataplane is told as soon as it is there. Before the first one;
// the config must outlive it.
void install_groups(const struct config *config);
// Has the dataplane got the group of that number as the config has it?
bool install_group_works(uint16_t group);

// Opens a session for forwarding of IPv4 or IPv6: SESSION_SET from before to command and a route
// to it, both or neither. While the groups are being told it waits; -EACCES for a group that the
// dataplane has refused.
int install_subscriber(const struct command_session_set *before,
	const struct command_session_set *command, const struct ip_prefix *route, install_done done,
	void *context);
// The reverse: the route goes, and the session is set to what command says.
int install_subscriber_undo(
	const struct command_session_set *command, const struct ip_prefix *route);

// The number in the dataplane of a group with these filters, where base is the group of the config:
// base itself when it has the same, else one that is made for it. Held until it is released, which
// has to come after the SESSION_SET or SESSION_DELETE of who was in it. -ENOSPC when there are too
// many.
int install_group_hold(
	uint16_t base, uint16_t filter_uplink, uint16_t filter_downlink, bool isolated);
void install_group_release(uint16_t group);
// The group of the config of such a number.
uint16_t install_group_base(uint16_t group);

// A further route to a session: -EEXIST when it is there already, for this session or another.
int install_route_add(
	uint32_t session, const struct ip_prefix *prefix, install_done done, void *context);
int install_route_delete(uint32_t session, const struct ip_prefix *prefix);

// The key of the SPIs that this control plane gives (contract/ike_spi.h), 16 bytes, the same as
// long as it runs: each dataplane is told at once. NULL when there is no randomness.
const uint8_t *install_ike_key(void);
// How many first IKE messages of strangers the workers let through in a second from now on; 0 = as
// many as is usual.
void install_ike_firsts(uint32_t per_second);

// The context's owner goes away: pending answers to it are no longer delivered.
void install_forget(const void *context);
