// SPDX-License-Identifier: Apache-2.0
#pragma once

// Requests to the RADIUS servers of the config, and their answers: request ids over several source
// ports, retransmission, which server is asked, which is dead, UDP and TLS (RFC 2865, RFC 2866, RFC
// 5080, RFC 5997, RFC 6613, RFC 6614). It knows nothing of what is asked.
//
// Which server: of those of its kind that live the lowest priority, of these by weight. One that
// left all tries of a request without an answer, and everything else meanwhile, is asked by
// Status-Server, where that is allowed, and is dead when that is not answered either: its requests
// move on, and it is left alone for radius.hold-off, then asked again by Status-Server or by one
// request. While a server answers others it is not dead, and a request waits for its own answer up
// to patience, sent again every 16 s: a push to a phone takes its time, and to ask another server
// would ring the phone again.
//
// So a server that goes silent is dead, and its requests are with another one, within its timeouts
// (timeout, doubled for each of tries, each up to 16 s) and two timeouts more for Status-Server,
// counted from the first request that it leaves without an answer. Each kind has its own port and
// lives and dies by itself; with TLS both share one connection. Where status-server is off, a
// server is dead when it was silent for all tries of a request, so one user who waits for his phone
// while nobody else comes makes it dead; then the first request after hold-off tries it.
//
// Over TLS nothing is sent again but after a reconnect. A connection is tried as often and with the
// same times as a request is over UDP; then the server is dead. Silence of 20 s is broken by
// Status-Server. 255 requests are on the way on a connection at most; more wait in a row.
//
// A reply counts when it comes from the address and port that was asked, to the port that asked,
// with an id that is out there, and its proofs are right. Sockets are connected, so what comes from
// elsewhere never arrives (the system counts it: UdpNoPorts). All others are counted by name, and
// the request goes on waiting. An id is not used again before its request is answered or given up,
// and then its socket's longest unused one is taken.

#include "contract/config.h"
#include "controlplane/timer.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct radius;
struct uv_loop_s;

enum radius_kind { RADIUS_AUTH, RADIUS_ACCOUNTING, RADIUS_KINDS };

enum radius_outcome {
	RADIUS_ANSWERED,
	RADIUS_NO_SERVER,  // none that lives
	RADIUS_NO_ANSWER,  // within patience
	RADIUS_NO_REQUEST, // write returned an error, or no memory
};

struct radius_result {
	enum radius_outcome outcome;
	const struct radius_packet *reply; // with RADIUS_ANSWERED; valid during the call
	const uint8_t *authenticator;      // of the request, for radius_reveal
	struct radius_secret secret;
	uint16_t server; // number in the config
	uint32_t ms;     // from the first request to the answer
};

enum { RADIUS_ANY_SERVER = 0xffff };

struct radius_call {
	uint8_t kind;         // enum radius_kind
	uint8_t code;         // enum radius_code
	uint16_t server;      // RADIUS_ANY_SERVER, or the one that sent a State: then no other one
	uint32_t patience_ms; // in all
	// Writes the attributes, for each server that is asked, and with accounting for each
	// retransmission too (Acct-Delay-Time). 0, or an error that ends the call. NAS-Identifier,
	// NAS-IP-Address and Proxy-State are not its business.
	int (*write)(void *context, struct radius_build *b);
	void (*done)(void *context, const struct radius_result *result); // once
	void *context;
};

// config and timers must outlive it. NULL without memory, or when a socket or a file of TLS cannot
// be had, which is logged. Before the sandbox closes.
struct radius *radius_create(
	const struct config *config, struct timers *timers, struct uv_loop_s *loop);
// Nothing is asked or answered any more; the loop has to run once more for the sockets' memory.
// radius_forget may still be called. NULL is allowed, here and below. Neither from within a call of
// write or done.
void radius_close(struct radius *radius);
void radius_free(struct radius *radius);

// done is not called from within. -ENOMEM; -ENOBUFS when all servers that live have as many on the
// way as their ids allow, and as many again that wait.
int radius_send(struct radius *radius, const struct radius_call *call);
// The calls of that context are over without an answer.
void radius_forget(struct radius *radius, const void *context);
// Does a server of that kind live, as far as we know, or may the next request try one?
bool radius_alive(const struct radius *radius, enum radius_kind kind);

// What the API shows of a server. Counters are since the start.
enum { RADIUS_BUCKETS = 12 }; // of the histogram: below 1 ms, 2, 4, ... 1024, and above
struct radius_server_kind {
	bool asked, dead;    // by the config; as far as we know
	bool connected;      // TLS; with UDP always
	uint64_t since_ms;   // that it lives, or is dead
	uint32_t on_the_way; // requests with an id; with TLS of both kinds
	uint32_t waiting;    // for an id, or for the connection
	uint32_t sockets;    // UDP source ports that are open, or 1 connection
	uint64_t requests, retransmits, answers, accepts, rejects, challenges;
	uint64_t timeouts; // tries without an answer
	uint64_t latency[RADIUS_BUCKETS];
	uint32_t smoothed_ms; // of the answers, in eighths
};
struct radius_server_info {
	const struct config_radius_server *config;
	struct radius_server_kind kind[RADIUS_KINDS];
	uint64_t status_requests, status_answers; // Status-Server
	uint64_t deaths;
	uint64_t refused; // UDP: ICMP says that nobody listens there
	// Replies that were dropped. unexpected: of an id that is not out there, so late or twice.
	uint64_t malformed, wrong_authenticator, wrong_message_authenticator,
		no_message_authenticator, unexpected, wrong_code;
};
void radius_each_server(const struct radius *radius,
	void (*each)(void *context, const struct radius_server_info *info), void *context);

// Reads the files of TLS that config names, and forgets them. 0, or -errno after writing to why
// which one is wrong.
int radius_check(const struct config *config, char *why, size_t size);
