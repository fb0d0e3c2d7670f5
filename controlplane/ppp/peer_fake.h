// SPDX-License-Identifier: Apache-2.0
#pragma once

// The other end of a PPP session, for unit tests: a client that negotiates as it is told to, and
// the caller of the session as well, which knows one user and one address. Packets wait in queues,
// so that a test can lose them, and nothing calls itself.

#include "controlplane/auth/auth.h"
#include "ppp.h"
#include "wire.h"

enum { FAKE_PACKETS = 64, FAKE_OPTIONS = 128, FAKE_PACKET = WIRE_PROTOCOL + LIMIT_MTU_MAX };

struct fake_ppp_packet {
	uint8_t bytes[FAKE_PACKET];
	size_t length;
};

struct peer_fake {
	struct config_ppp config;
	struct timers *timers;
	struct ppp *ppp;
	uint64_t now; // milliseconds

	// What the client does. Set between peer_fake_create and peer_fake_dial.
	uint8_t auths;      // bit n: takes enum ppp_auth n
	uint8_t suggestion; // enum ppp_auth in its Nak; 0: Configure-Reject instead
	bool silent;        // never sends
	bool loop;          // sends everything back as it came
	bool no_auth;       // does not answer a Challenge
	bool no_echo;       // does not answer Echo-Requests
	bool loop_echo;     // answers them with the magic number that they have
	size_t echo_most;   // nor those of more bytes; 0 = all
	size_t path_down;   // bytes of a packet that the path to it carries when it may not be cut,
	size_t path_up;     // and of one of its own; 0 = all
	unsigned delay;     // milliseconds before each answer
	unsigned loss;      // of its answers to Echo-Requests, every so manieth; 0 = none
	bool no_terminate;  // nor Terminate-Requests
	bool naks_address;  // wants the gateway to have another address
	const char *name, *password;
	uint8_t eap_nak;         // EAP type that it would rather do than MS-CHAPv2; 0 = none
	bool eap_silent;         // says nothing to requests of EAP
	bool no_ipcp, no_ipv6cp; // says its Configure-Request, and nothing after
	uint8_t lcp_options[FAKE_OPTIONS], ipcp_options[FAKE_OPTIONS], ipv6cp_options[FAKE_OPTIONS];
	size_t lcp_length, ipcp_length, ipv6cp_length;

	// What the caller does.
	bool hold_verdict, hold_network; // answers only when the test does
	unsigned eap_rounds; // of a server's EAP method before it accepts; 0 = the user is ours
	bool close_on_lcp_up;
	unsigned close_at; // closes from within the session's so manieth packet; 0 = never
	struct ppp_addresses addresses;

	// What happened.
	struct fake_ppp_packet sent[FAKE_PACKETS]; // by the session, not yet taken
	size_t sent_count;
	unsigned seen[7][16];          // packets of the session, by peer_fake_row and code
	struct fake_ppp_packet newest; // of the session
	uint8_t id;                    // of the client's newest packet
	uint8_t eap_id;                // of its newest Response
	uint8_t auth;                  // enum ppp_auth that it agreed to
	bool acked, peer_acked;        // LCP
	bool begun;                    // it was welcome, and asked for networks
	int lcp_ups, asks, accepts, ip4_ups, ip4_downs, ip6_ups, ip6_downs, ends, downs;
	unsigned probes;       // Echo-Requests that may not be cut
	unsigned path_mtus;    // events
	uint16_t path_mtu;     // of the newest one
	unsigned echo_answers; // of the client
	char cause[64], ip4_cause[64], ip6_cause[64];
	uint8_t identifier[PPP_IDENTIFIER]; // as ip6_up had it
	struct ppp_credentials credentials; // asked about last
	char answer[256];                   // message of the CHAP or PAP answer
	bool welcome;                       // and which it was
	uint64_t data;                      // packets of the client, as the dataplane counts
};

// Sensible defaults: MS-CHAPv2, CHAP and PAP on either side, asks for address and name servers.
void peer_fake_create(struct peer_fake *p);
void peer_fake_free(struct peer_fake *p);
// Starts the session, loses what it says first, and dials in; until both have nothing to say.
void peer_fake_dial(struct peer_fake *p);
// The client sends its LCP request anew, as it does when it begins.
void peer_fake_request(struct peer_fake *p);
// The client reads and answers until the queue is empty.
void peer_fake_run(struct peer_fake *p);
// Time goes on in small steps, and the client answers.
void peer_fake_wait(struct peer_fake *p, uint64_t ms);
// The client says this.
void peer_fake_say(struct peer_fake *p, uint16_t protocol, uint8_t code, uint8_t id,
	const void *body, size_t length);
// How many packets of this protocol and code the session sent. Protocols: LCP, PAP, CHAP, IPCP,
// IPV6CP, EAP.
unsigned peer_fake_seen(const struct peer_fake *p, uint16_t protocol, uint8_t code);
