// SPDX-License-Identifier: Apache-2.0
#pragma once

// Subscribers: one record for each L2TP session, from ICCN to its end, and for each IKEv2 peer that
// asks for access without L2TP, from then to its end. This is where the layers meet: the session of
// l2tp/ and the PPP of ppp/, or the peer of ike/; the users, the pools, and the dataplane by
// install.h. What happens in which state is one table in subscriber.c.

#include "contract/config.h"
#include "contract/messages.h"
#include "controlplane/ike/ike.h"
#include "controlplane/l2tp/l2tp.h"
#include "controlplane/log.h"
#include "controlplane/pool.h"
#include "controlplane/pool6.h"
#include "controlplane/ppp/ppp.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct aaa;
struct accounting;
struct grant;
struct numbers;
struct subscribers;

enum subscriber_state {
	SUBSCRIBER_LCP,          // LCP is being negotiated
	SUBSCRIBER_AUTHENTICATE, // LCP is open, or IKE asks; who is it?
	SUBSCRIBER_NETWORK, // accepted; IPCP and IPV6CP are being negotiated, or the first pair
	SUBSCRIBER_INSTALL, // one of them is open; the dataplane is being told
	SUBSCRIBER_UP,      // forwards
	SUBSCRIBER_CLOSING, // Terminate-Request is out or was answered, or the record is about to
			    // go
	SUBSCRIBER_STATES,
};

struct subscriber_info {
	uint64_t id; // of the connection attempt; never used again
	enum subscriber_state state;
	const char *state_word;
	const char *user;           // raw, with a NUL; "" before authentication
	struct ip_address address;  // IP_NONE before IPCP
	struct ip_prefix prefix6;   // IP_NONE before that, and without IPv6
	struct ip_address address6; // leased by DHCPv6, or IP_NONE
	struct ip_prefix delegated; // the same
	const char *access;         // "l2tp", "ikev2"
	const char *method;         // how it proves who it is; NULL = not yet known
	const char *pool;
	const struct config_group *group; // NULL before authentication, and without one
	const struct grant *grant;        // what holds; NULL before authentication
	struct ppp_link link;
	const struct ppp_quality *quality; // of the line; NULL without PPP
	uint16_t mtu;                      // bytes: the largest inner packet; 0 = not known yet
	uint16_t path_mtu; // bytes: the same when probes found it, 0 = the headers leave no more
	uint32_t session;  // index in the dataplane and in the stats segment
	struct l2tp_session_info l2tp; // without L2TP: tunnel, peer and flow
	uint64_t age_ms;               // since ICCN, or since IKE asked
	uint64_t up_ms;                // since it forwards; 0 = does not
	uint32_t setup_ms;             // from then to forwarding
};

struct subscribers_counters {
	uint64_t started, up, failed, authenticated, refused;
	uint32_t present, forwarding;
};

// All that is handed in must outlive it. NULL without memory.
struct subscribers *subscribers_create(const struct config *config, struct timers *timers,
	struct pools *pools, struct pools6 *pools6, struct aaa *aaa, struct numbers *numbers);
void subscribers_free(struct subscribers *s);
// The sessions' other end, and that of those without L2TP; before the first one.
void subscribers_set_l2tp(struct subscribers *s, struct l2tp *l2tp);
void subscribers_set_ike(struct subscribers *s, struct ike *ike);
void subscribers_set_accounting(struct subscribers *s, struct accounting *accounting);

// The events of l2tp.h; context is struct subscribers.
void subscribers_session_up(void *context, const struct l2tp_session_info *info);
void subscribers_session_down(void *context, uint32_t session, const char *cause);
// The events of ike.h; context is struct subscribers. Of peers with L2TP nothing is known here:
// then peer_sa returns false.
void subscribers_user_ask(void *context, const struct ike_user_request *request);
void subscribers_user_gone(void *context, uint64_t attempt);
void subscribers_access_ask(void *context, const struct ike_access_request *request);
bool subscribers_peer_sa(void *context, uint32_t peer, uint32_t sa);
void subscribers_peer_down(void *context, uint32_t peer, const char *cause);
void subscribers_peer_moved(void *context, uint32_t peer, const struct flow *flow);
// A punted PPP packet.
void subscribers_input(
	struct subscribers *s, uint32_t session, const uint8_t *packet, size_t length);

// A punted IPv6 or IPv4 packet for the gateway itself.
void subscribers_input_ip6(
	struct subscribers *s, uint32_t session, const uint8_t *packet, size_t length);
void subscribers_input_ip4(
	struct subscribers *s, uint32_t session, const uint8_t *packet, size_t length);

// A router on the way to a tunnel's peer takes no larger packets, or that is forgotten.
void subscribers_path_mtu(struct subscribers *s, const struct event_path_mtu *event);

// Ends a subscriber by PPP and then by L2TP, or by IKE; it is gone shortly after. -ENOENT.
int subscribers_disconnect(struct subscribers *s, uint64_t id, const char *cause);
// The same for those that are meant (radius/coa.h): how many.
struct coa_match;
int subscribers_disconnect_matching(
	struct subscribers *s, const struct coa_match *match, const char *cause);
// Changes what holds for those that are meant, all or none: how many, 0 when there is none;
// -EOPNOTSUPP: something of change cannot be changed while a subscriber is up; -ENOSPC: the
// dataplane has no group left; -ENOMEM.
int subscribers_change_matching(
	struct subscribers *s, const struct coa_match *match, const struct grant *change);
// All at once, without waiting for their answers, when the control plane ends.
void subscribers_close_all(struct subscribers *s, const char *cause);

// Their Stops, for those that are not gone when the control plane ends.
void subscribers_account_end(struct subscribers *s);

void subscribers_each(const struct subscribers *s,
	void (*each)(void *context, const struct subscriber_info *info), void *context);
void subscribers_counters(const struct subscribers *s, struct subscribers_counters *out);
