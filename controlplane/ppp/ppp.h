// SPDX-License-Identifier: Apache-2.0
#pragma once

// PPP of one session, the gateway's end: LCP (RFC 1661), authentication of the peer by PAP
// (RFC 1334), CHAP-MD5 (RFC 1994), MS-CHAPv2 (RFC 2759) or EAP (RFC 3748), IPCP (RFC 1332, RFC
// 1877) and IPV6CP (RFC 5072), each independent of the other. All other control protocols are
// rejected politely. It knows nothing of L2TP, users or pools: it sends packets, asks who the peer
// is, asks for an address, and says when it is up or down.
//
// Packets begin with the two-byte protocol field; framing is the worker's business.

#include "contract/config.h"
#include "controlplane/auth/credentials.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ppp;

// What LCP agreed on, both ways.
struct ppp_link {
	uint32_t magic, peer_magic; // 0 = none
	uint16_t mru;               // bytes: ours, what we take
	uint16_t peer_mru;          // bytes: what the peer takes
	bool send_pfc, send_acfc;   // the peer takes compressed protocol and address fields
	uint8_t auth;               // enum ppp_auth that the peer uses
};

// Of the line, by LCP Echo-Requests of ours. With ppp.echo-adaptive a busy line has few of them.
struct ppp_quality {
	uint32_t echoes, lost; // since the session began; lost: not answered before the next one
	uint8_t loss;          // percent of the newest 32
	bool measured;         // there are round-trip times:
	uint16_t rtt_ms;       // smoothed (RFC 6298 section 2)
	uint16_t rtt_min_ms, rtt_max_ms;
};

enum { PPP_IDENTIFIER = 8 };

// Our interface identifier on every session, as on the wire: fe80::1.
extern const uint8_t ppp_identifier[PPP_IDENTIFIER];

struct ppp_addresses {
	struct ip_address local, peer;      // peer IP_NONE: no IPv4 for this subscriber
	struct ip_address dns[2], wins[2];  // IP_NONE where there is none
	bool ip6;                           // IPv6 is there for this subscriber
	uint8_t identifier[PPP_IDENTIFIER]; // that the peer should have, or zero: any
};

struct ppp_events {
	void (*send)(void *context, const uint8_t *packet, size_t length);
	void (*lcp_up)(void *context, const struct ppp_link *link);
	// Asks who that is: answer with ppp_authenticated, now or later, even minutes later: what
	// the peer repeats meanwhile is ignored, and the time of the set-up stands still. Not asked
	// twice at a time. EAP asks as often as its verdicts have it, and with ppp.chap-interval
	// who is accepted is asked about again while his traffic goes on (credentials->again).
	void (*authenticate)(void *context, const struct ppp_credentials *credentials);
	// The peer is accepted and told so: answer with ppp_network, now or later.
	void (*accepted)(void *context);
	void (*ip4_up)(void *context, const struct ppp_addresses *addresses);
	void (*ip4_down)(void *context, const char *cause);
	// The peer's interface identifier, as on the wire.
	void (*ip6_up)(void *context, const uint8_t *identifier);
	void (*ip6_down)(void *context, const char *cause);
	// Like send, but no router may fragment the outer packet (probe.h).
	void (*send_probe)(void *context, const uint8_t *packet, size_t length);
	// The largest inner packet that gets through both ways is this; 0: as large as ppp_probe
	// said.
	void (*path_mtu)(void *context, uint16_t mtu);
	// The peer has ended it ("peer-terminated"): nothing passes any more, and down follows
	// after one restart time, so that our Terminate-Ack reaches it (RFC 1661 section 3.7). May
	// be NULL.
	void (*ended)(void *context, const char *cause);
	// Data packets of the client so far, by which it is seen to be alive (ppp.echo-adaptive);
	// any other number than before counts. NULL: not known.
	uint64_t (*received)(void *context);
	// LCP went down or never came up; after it nothing more is called and ppp_free is due (not
	// from within). cause is what ppp_close was given, or one of: "no-answer" and "refused"
	// (LCP), "authentication", "authentication-timeout", "ipcp-refused", "ipcp-no-answer",
	// "ipcp-terminated" (and the same of ipv6cp: the last of the two), "setup-timeout",
	// "echo-timeout", "looped" (our Echo-Requests come back), "peer-terminated", "no-memory",
	// "no-random-numbers", "renegotiated-too-often". ip4_down and ip6_down say these, or
	// "renegotiated". It may be called from within any function below that may end the session,
	// ppp_close first of all.
	void (*down)(void *context, const char *cause);
};

// log_subject may be NULL; it is read at each event and must outlive the session, as config must.
// *events is copied. NULL when there is no memory.
struct log_subject;
struct ppp *ppp_create(const struct config_ppp *config, struct timers *timers,
	const struct ppp_events *events, void *context, const struct log_subject *subject);
void ppp_free(struct ppp *ppp);

// Sends the first Configure-Request. When the peer's first one arrives before our own is answered,
// ours is sent again at once: the first one comes before the peer's pppd listens.
void ppp_start(struct ppp *ppp);
void ppp_input(struct ppp *ppp, const uint8_t *packet, size_t length);
void ppp_authenticated(struct ppp *ppp, const struct ppp_verdict *verdict);
// Instead of it, of who was accepted before (credentials->again): nobody could be asked. He stays,
// hears nothing, and is asked again after ppp.chap-interval.
void ppp_undecided(struct ppp *ppp);
// Starts IPCP and IPV6CP with these addresses; peer IP_NONE refuses IPCP with a Protocol-Reject, no
// ip6 IPV6CP.
void ppp_network(struct ppp *ppp, const struct ppp_addresses *addresses);
// Terminate-Request with its restart timer; down is called when it is answered or given up.
void ppp_close(struct ppp *ppp, const char *cause);

// Finds out, now and every 10 minutes, whether inner packets of so many bytes get through both ways
// (probe.h): path_mtu is called when the answer is another one, as which largest counts at first.
// Again with what is the largest then. Ends when LCP goes down.
void ppp_probe(struct ppp *ppp, uint16_t largest);

const struct ppp_link *ppp_link(const struct ppp *ppp);
const struct ppp_quality *ppp_quality(const struct ppp *ppp);
const char *ppp_state(const struct ppp *ppp); // "lcp", "authenticate", "network", "open", "closing"
