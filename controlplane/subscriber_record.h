// SPDX-License-Identifier: Apache-2.0
#pragma once

// A subscriber's record, for the files that act on it: subscriber.c with its states, the two roads
// that subscribers come on, subscriber_ppp.c (L2TP and PPP) and access.c (IKEv2 alone), and
// subscriber_path.c, which sees to the MTU. Nobody else includes this.

#include "subscriber.h"

#include "aaa.h"
#include "dhcp/dhcp6.h"
#include "install.h"
#include "numbers.h"

struct dhcp_packet;
struct leases;
struct subscriber;

enum { V4, V6, FAMILIES };

enum subscriber_event {
	ON_LINK_UP,        // LCP opened, the first time or again
	ON_ACCEPTED,       // it has proven who it is, and knows
	ON_IP4_UP,         // IPCP opened
	ON_IP4_DOWN,       // IPCP or LCP went down
	ON_IP6_UP,         // IPV6CP opened
	ON_IP6_DOWN,       // IPV6CP or LCP went down
	ON_NETWORK_DOWN,   // neither is open any more
	ON_PAIR,           // without L2TP: a pair of SAs is there, the first one or a newer one
	ON_INSTALLED,      // the dataplane forwards
	ON_INSTALL_FAILED, // it does not
	ON_CLOSE,          // somebody wants it to end
	ON_LINK_ENDED,     // the client has ended PPP, and may not know yet that we do
	ON_LINK_DOWN,      // PPP is over
	ON_SESSION_DOWN,   // the L2TP session, or the IKE peer, is gone
	SUBSCRIBER_EVENTS,
};

// What differs between the roads.
struct road {
	const char *word; // of API and log
	bool advertises;  // router advertisements without being asked
	// It has addresses in its families: the client is told.
	void (*offer)(struct subscriber *s);
	// What else the session is to be.
	void (*form)(const struct subscriber *s, struct command_session_set *c);
	// It forwards, and has an MTU: does its path carry what the headers leave? May be NULL.
	void (*probe)(struct subscriber *s);
	// The client is asked to end, for s->cause; ON_LINK_DOWN or ON_SESSION_DOWN follow, perhaps
	// before this returns.
	void (*close)(struct subscriber *s);
	// The session under it ends, for s->cause.
	void (*end)(struct subscriber *s);
	// The record goes, from all lists and perhaps from deep inside the layers below ...
	void (*bury)(struct subscriber *s);
	// ... and from memory.
	void (*free)(struct subscriber *s);
};

// Of who came without L2TP.
struct access {
	bool answered;  // IKE knows what it gets, or that it gets nothing
	bool installed; // the dataplane knows the tunnel
	uint32_t sa;    // the pair that it sends through
	char method[32];
};

// One of the two network protocols of a subscriber.
struct family {
	struct subscriber *s;
	bool opened;            // the dataplane was told to forward, and not yet to stop
	struct ip_prefix route; // to it: its address or its prefix; IP_NONE without this protocol
};

// A network behind a subscriber that is routed to it.
struct behind {
	struct subscriber *s;
	struct ip_prefix route;
};

// What PPP says while the dataplane has not yet answered that it forwards no more: the peer must
// not hear of its link's end before that is so.
struct held {
	struct held *next;
	bool whole; // no router may cut it
	uint16_t length;
	uint8_t bytes[];
};
struct hold {
	struct subscriber *s;
	uint16_t waits; // answers that are awaited
	uint16_t count;
	struct held *first, **last;
};

struct subscriber {
	struct subscribers *all;
	struct subscriber *next, *previous;
	struct subscriber *id_next; // of those with its hash in by_id
	uint64_t id;
	enum subscriber_state state;
	bool buried; // waits for its timer to be freed
	bool was_up;
	uint32_t session;
	const struct road *road;
	struct l2tp_session_info l2tp; // without L2TP: tunnel, peer and flow
	struct ppp *ppp;               // NULL without L2TP
	struct ppp_link link;
	struct access access;
	const char *method; // how it proves who it is; NULL = not yet known
	bool wants[FAMILIES];
	char user[PPP_NAME];    // as it says, or has proven
	char owner[PPP_NAME];   // of address and accounting: who has proven himself last
	struct aaa_subject who; // as the judge is told
	const char *judge;      // "users", "radius": who let him in; NULL: nobody had to
	struct accounting_session *accounting; // while it is up, and until its end
	uint8_t proof;                         // enum ppp_auth of what he is being judged by
	bool proves_again;                     // and he forwards meanwhile
	bool granted; // he has proven who he is, and grant is what holds for him
	struct grant grant;
	uint16_t group;                 // of the dataplane, held (install.h)
	struct behind *behind;          // GRANT_ROUTES_MOST places; NULL: there is none
	struct timer session_end, idle; // session-timeout and idle-timeout
	struct family family[FAMILIES];
	char cause[128]; // why it ends
	struct log_subject subject;
	struct hold hold;
	struct timer burial;
	struct timer advertise; // the next router advertisement
	struct leases *leases;  // of subscriber_lease.c; NULL: none
	struct timer ask;       // the dataplane for the MTU, when the path has changed
	uint16_t mtu;      // bytes: the largest inner packet, as the dataplane says; 0 = unknown
	uint16_t path_mtu; // bytes: of that, what probes found to get through; 0 = all
	bool probe_due;    // with the MTU that the dataplane says next
	uint64_t since, up_since; // milliseconds of the timers' clock; up_since 0 = never
	uint32_t setup_ms;
};

struct subscribers {
	const struct config *config;
	struct config_ppp ppp_in_clear; // for those without IPsec
	struct timers *timers;
	struct pools *pools;
	struct pools6 *pools6;
	struct aaa *aaa;
	struct accounting *accounting;     // NULL: none
	struct access_users *access_users; // of access_user.c
	struct l2tp *l2tp;
	struct ike *ike;
	struct numbers *numbers;
	struct subscriber **by_peer; // without L2TP: by index of the IKE peer
	uint32_t peers;
	struct subscriber **by_session;
	uint32_t sessions;
	struct subscriber **by_id; // as many as sessions, by id modulo that
	struct subscriber *first;
	uint64_t next_id;
	uint8_t duid[DHCP6_DUID_UUID]; // who we are in DHCPv6
	struct subscribers_counters counters;
};

// As the session is to be with the protocols that are opened.
struct command_session_set subscriber_form(const struct subscriber *s);

// A new record on its first state, found by its session; info is what is known of where it comes
// from; id 0: a new one. NULL without memory.
struct subscriber *subscriber_create(struct subscribers *all, const struct road *road,
	const struct l2tp_session_info *info, uint64_t id);
// NULL when there is none, or it is about to go.
struct subscriber *subscriber_find(const struct subscribers *all, uint64_t id);
// What the table says.
void subscriber_handle(struct subscriber *s, enum subscriber_event event);
// Somebody wants it to end; the first cause counts.
void subscriber_close(struct subscriber *s, const char *cause);
// Its addresses go back to the pools.
void subscriber_give_address(struct subscriber *s);
// The dataplane is told of the session as it is, and says its MTU.
void subscriber_tell_link(struct subscriber *s);
// The dataplane refused something: it ends.
void subscriber_failed(struct subscriber *s, int error);

// ---- access.c, for the table: the first pair of SAs is there, and a newer one

void access_install(struct subscriber *s);
void access_change_pair(struct subscriber *s);

// ---- access_user.c

// What the judge has granted to the peer of that connection attempt, once: 0, or -ENOENT.
struct access_granted {
	struct grant grant;
	uint64_t id; // under which the judge was asked; 0: nobody was
	const char *judge;
};
int access_user_take(struct subscribers *all, uint64_t attempt, struct access_granted *out);
void access_users_free(struct subscribers *all);

// ---- subscriber_grant.c

// It is accepted: this holds from now on. Takes the grant over, whatever it returns: 0, or -ENOSPC
// when the dataplane has no group left for its filters.
int subscriber_grant(struct subscriber *s, struct grant *grant);
// Others hold from now on, on all that can be changed while it forwards: group, rates, routes
// behind it, times. Takes grant and group, which is held, over.
void subscriber_grant_change(struct subscriber *s, struct grant *grant, uint16_t group);
// Nothing holds any more.
void subscriber_grant_end(struct subscriber *s);
// Group and rates, for the dataplane.
void subscriber_form_grant(const struct subscriber *s, struct command_session_set *out);
// It forwards, and stops: the networks behind it, session-timeout and idle-timeout.
void subscriber_grant_up(struct subscriber *s);
void subscriber_grant_down(struct subscriber *s);
// Who it is, for the judge: the addresses of the flow, and what L2TP told.
void subscriber_who(struct subscriber *s);

// ---- subscriber_ip.c

// Its IPv6 is open in the dataplane, or is not any more: router advertisements and leases.
void subscriber_ip6_up(struct subscriber *s);
void subscriber_ip6_down(struct subscriber *s);
// That its names are searched in; "" = none.
const char *subscriber_domain(const struct subscriber *s);

// ---- subscriber_lease.c

// A DHCPv6 packet of it.
void subscriber_lease_input(struct subscriber *s, const struct dhcp_packet *packet);
// Is there anything that only DHCPv6 has for it?
bool subscriber_lease_any(const struct subscriber *s);
// Its IPv6 is down, or open again: the leases stay, without their routes and with them again as far
// as they still fit what it is granted.
void subscriber_lease_suspend(struct subscriber *s);
void subscriber_lease_resume(struct subscriber *s);
// All leases go back, with their routes.
void subscriber_lease_end(struct subscriber *s, const char *cause);
// What it has leased; what it has not stays as it is.
void subscriber_lease_info(
	const struct subscriber *s, struct ip_address *address, struct ip_prefix *delegated);
void subscriber_lease_duid(const struct config *config, uint8_t duid[DHCP6_DUID_UUID]);

// ---- subscriber_account.c

// It forwards, or something has changed since.
void subscriber_account(struct subscriber *s);
void subscriber_account_end(struct subscriber *s);

// ---- subscriber_path.c

// The answer to a SESSION_SET: the session's MTU. context is the subscriber.
void subscriber_mtu_known(void *context, int error, uint16_t mtu);
// It is up: does the path carry its largest packets?
void subscriber_probe(struct subscriber *s);
// Probes found that packets of this size get through both ways; 0: the largest.
void subscriber_path_found(struct subscriber *s, uint16_t mtu);
