// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which addresses and networks a server may give to a subscriber. Pure. All return NULL when it
// may, or why not in words that go on after the value ("... is a multicast address").

#include "contract/config.h"

// For the subscriber itself: no address of a host, multicast, loopback, link-local, the gateway's
// own or of a port's network. IPv6: 2000::/3 and fc00::/7 alone.
const char *rule_host(const struct config *config, const struct ip_address *a);
// For a server that the subscriber is told: what is no host's, multicast and loopback.
const char *rule_server(const struct ip_address *a);
// For a network behind the subscriber: that also, what is wider than /8 (IPv6: /16), which a
// default route is, and what meets the gateway's own addresses, a port's network or a pool.
const char *rule_route(const struct config *config, const struct ip_prefix *p);
// For a network of IPv6 that is delegated to it or its link's: the same but for pools.
const char *rule_network(const struct config *config, const struct ip_prefix *p);
