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
// A reply counts when it comes from the address and port that was asked, to the port that asked,
// with an id that is out there, and its proofs are right. All others are counted by name, and the
// request goes on waiting. An id is not used again before its request is answered or given up, and
// then its socket's longest unused one is taken.

#include "contract/config.h"
#include "controlplane/timer.h"
#include "wire.h"

#include <stdbool.h>
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
void radius_free(struct radius *radius); // nothing is answered any more

// done is not called from within. -ENOMEM; -ENOBUFS when too many are on the way.
int radius_send(struct radius *radius, const struct radius_call *call);
// The calls of that context are over without an answer.
void radius_forget(struct radius *radius, const void *context);
// Does a server of that kind live, as far as we know?
bool radius_alive(const struct radius *radius, enum radius_kind kind);

// What the API shows of a server.
enum { RADIUS_BUCKETS = 12 }; // of the histogram: below 1 ms, 2, 4, ... 1024, and above
struct radius_server_info {
	const struct config_radius_server *config;
	bool dead;
	uint32_t since_ms; // that it is so
	uint32_t on_the_way, sockets;
	struct {
		uint64_t requests, retransmits, answers, accepts, rejects, challenges, timeouts;
		uint64_t latency[RADIUS_BUCKETS];
		uint32_t smoothed_ms;
	} kind[RADIUS_KINDS];
	uint64_t malformed, wrong_authenticator, wrong_message_authenticator,
		no_message_authenticator, unexpected, wrong_code, foreign;
};
void radius_each_server(const struct radius *radius,
	void (*each)(void *context, const struct radius_server_info *info), void *context);
