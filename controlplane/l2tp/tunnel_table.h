// SPDX-License-Identifier: Apache-2.0
#pragma once

// All tunnels by whom they belong to: the IKE peer, or the address and port of a peer in clear.
// By our own id a tunnel is found in l2tp->tunnels.

#include "endpoint.h"

struct tunnel;

// Is this where messages for the tunnel may come from?
bool tunnel_owns(const struct tunnel *t, const struct l2tp_from *from);
// The tunnel goes in under its id and its owner, and out again.
void tunnel_table_add(struct tunnel *t);
void tunnel_table_remove(struct tunnel *t);
// The newest tunnel that this sender opened under this id of its own, so that one that is open is
// found before those that are stopping; NULL when there is none.
struct tunnel *tunnel_table_find(
	const struct l2tp *l2tp, const struct l2tp_from *from, uint16_t peer_id);
// All tunnels that this sender has; each may take its own out.
void tunnel_table_each(
	const struct l2tp *l2tp, const struct l2tp_from *from, void (*each)(struct tunnel *t));
// How many they are, those included that are stopping.
unsigned tunnel_table_count(const struct l2tp *l2tp, const struct l2tp_from *from);
// The first tunnel of an IKE peer, and the next one; NULL at the end.
struct tunnel *tunnel_table_first(const struct l2tp *l2tp, uint32_t peer);
struct tunnel *tunnel_table_next(const struct tunnel *t);
// FNV-1a, for what is no secret.
uint64_t tunnel_table_hash(const void *bytes, size_t length);
