// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the files of the client share.
//
//   client.c  a call's life: written, sent, sent again, answered, given up
//   server.c  which link a call takes; silence, Status-Server, death and return
//   setup.c   making and ending all of it; what the API shows
//   path.c    ids; what comes in on a path, and what it is held against
//   udp.c     sockets
//   tls.c     one connection to a server; stream.c has the packets of a stream
//
// A server has a link for each kind, because the port of one kind may be dead while the other one
// lives; with TLS both kinds share one. A link has paths, of 256 ids each: UDP sockets, or the
// connection. A call is in one list at any time: of its link (sent, or waiting for an id or for the
// connection), or of those that are over without an answer and are told so by a timer, so that no
// caller is called back while it calls, and none while lists are walked.

#include "client.h"

#include <sys/queue.h>
#include <uv.h>

enum {
	PATH_IDS = 256,
	TIMEOUT_MOST_MS = 16000, // between two requests of a call
	PROBES = 2,              // Status-Servers without an answer, then it is dead
	KEEPALIVE_MS = 20000,    // of silence on a connection, then Status-Server is sent
	PUMP_CALLS = 64,         // that waited are sent at once, then
	PUMP_PAUSE_MS = 1,       // others have their turn, and the server's socket too
	COMPLAIN_MS = 10000,     // between two lines in the log of one cause and server
	CONTEXT_BUCKETS = 4096,
};

struct call;
TAILQ_HEAD(call_list, call);
LIST_HEAD(call_bucket, call);

struct call {
	TAILQ_ENTRY(call) next;
	struct call_list *list; // that it is in
	LIST_ENTRY(call) bucket;
	struct radius_call asked;
	struct radius *radius;
	struct link *link;
	struct path *path; // NULL: it has no id
	uint8_t id;
	bool status; // Status-Server, of our own
	struct timer timer;
	uint64_t began_ms, deadline_ms; // of timers_now
	uint64_t link_ms;               // first sent on this link
	uint32_t interval_ms;           // without jitter
	uint32_t tries;                 // on this link
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	uint8_t *bytes; // the packet, on the heap
	uint16_t length;
	enum radius_outcome outcome; // once it is over
};

struct path {
	struct link *link;
	TAILQ_ENTRY(path) next; // of those with a free id
	struct call *slots[PATH_IDS];
	uint8_t free[PATH_IDS]; // a ring: the longest unused id first
	uint16_t first, count;  // of them
};
TAILQ_HEAD(path_list, path);

enum life {
	LIFE_LIVE,
	LIFE_ASKED, // silent: Status-Server is on the way
	LIFE_DEAD,
	LIFE_READY, // was dead, no Status-Server: the next call tries it
	LIFE_TRIED, // a call does
};

struct link {
	struct radius *radius;
	struct server *server;
	uint8_t kind; // enum radius_kind; with TLS of the first kind that it serves
	uint16_t port;
	enum life life;
	uint64_t since_ms;    // that it lives, or is dead
	uint64_t answered_ms; // the last answer
	struct timer timer;   // hold-off
	struct call_list sent, waiting;
	uint32_t on_the_way, queued;
	struct timer pump;
	struct path_list roomy;
	struct path **paths;
	uint16_t path_count, path_most;
	struct path *probe_path; // of Status-Server, so never without an id; with TLS the only one
	struct call *probe, *trial;
	unsigned probes;              // sent since it was silent
	uint64_t asked_ms;            // when the first of them was
	int64_t credit[RADIUS_KINDS]; // of the choice by weight
	struct tls *tls;              // NULL: UDP
};

// The causes that are complained of, at most so often.
enum complaint {
	COMPLAINT_MALFORMED,
	COMPLAINT_AUTHENTICATOR,
	COMPLAINT_MESSAGE_AUTHENTICATOR,
	COMPLAINT_NO_MESSAGE_AUTHENTICATOR,
	COMPLAINT_UNEXPECTED,
	COMPLAINT_CODE,
	COMPLAINTS,
};

struct server {
	struct radius *radius;
	const struct config_radius_server *config;
	uint16_t number;
	struct link *links[RADIUS_KINDS]; // NULL: not of that kind; with TLS the same twice
	struct radius_server_info counters;
	uint64_t bad[COMPLAINTS];     // how many came
	uint64_t said[COMPLAINTS];    // how many of them the log knows of
	uint64_t said_ms[COMPLAINTS]; // when it had the last line; 0: none yet
};

struct radius {
	const struct config *config;
	struct timers *timers;
	uv_loop_t *loop;
	struct server servers[CONFIG_RADIUS];
	uint16_t count;
	struct call_list over; // their done is still to be called
	struct timer over_timer;
	uint32_t calls, calls_most;
	struct call_bucket buckets[CONTEXT_BUCKETS];
	struct radius_build build;    // scratch
	uint8_t input[RADIUS_PACKET]; // scratch: what a socket has read
};

static inline uint64_t radius_now(const struct radius *r)
{
	return timers_now(r->timers);
}
// Of a callback of the loop: the timers' clock may still be at the loop's last round.
static inline void radius_wake(struct radius *r)
{
	timers_set_now(r->timers, uv_now(r->loop));
}

// ---- client.c

// Takes an id and sends; waits when there is none, or the link is not ready.
void call_go(struct call *c, struct link *link);
// Out of its link: no list, no id, no packet any more.
void call_leave(struct call *c);
// It is over without an answer; told later.
void call_over(struct call *c, enum radius_outcome outcome);
// Proven: tells it, and ends it.
void call_answered(struct call *c, const struct radius_packet *reply);
// A Status-Server on that link; NULL without memory or id.
struct call *call_probe(struct link *link);
void call_free(struct call *c);
// Sends what waits, as far as it can.
void link_pump(struct link *link);
// Those on the way wait again, first of all: the connection is gone.
void link_requeue(struct link *link);

// ---- server.c

enum choice { CHOICE_OK, CHOICE_NONE, CHOICE_FULL };
// moving: however many wait already.
enum choice server_choose(
	struct radius *r, enum radius_kind kind, uint16_t server, bool moving, struct link **out);
// A proven answer came.
void link_answered(struct link *link);
// A call had no answer in all its tries.
void link_silent(struct link *link, const struct call *c);
// Ask it by Status-Server now; alone decides whether it lives.
void link_ask(struct link *link);
void link_probe_over(struct link *link, bool answered);
void link_dead(struct link *link, const char *why);
// The next call may try it.
void link_ready(struct link *link);
// Its connection is gone: what was on the way waits for the next one.
void link_lost(struct link *link);
uint32_t link_capacity(const struct link *link); // calls on the way
void server_complain(struct server *s, enum complaint cause);

// ---- path.c

void path_init(struct path *p, struct link *link);
// The id, or -1 when all are taken.
int path_take(struct path *p, struct call *c);
void path_give(struct call *c);
// One packet that came in. -EBADMSG: no such packet may come over a connection (RFC 6613 section
// 2.6.4); else 0.
int path_input(struct path *p, const uint8_t *bytes, size_t length);
// A path with a free id; NULL: all are taken, or it is not connected.
struct path *link_path(struct link *link);
// Sends the call's packet. It may be lost like any other.
void path_send(struct path *p, const struct call *c);

// ---- udp.c

// A socket of its own; NULL after a line in the log.
struct path *udp_open(struct link *link);
void udp_close(struct path *p); // the loop frees it
void udp_send(struct path *p, const uint8_t *bytes, size_t length);
// Returns how much of out is used.
socklen_t endpoint_fill(
	struct sockaddr_storage *out, const struct ip_address *address, uint16_t port);

// ---- tls.c

// Reads the files and begins to connect. 0, or -errno after writing to why what is wrong.
int tls_open(struct link *link, char *why, size_t size);
void tls_close(struct link *link);
struct path *tls_path(struct link *link);
bool tls_ready(const struct link *link);
void tls_send(struct link *link, const uint8_t *bytes, size_t length);
// A proven answer came through the connection.
void tls_proven(struct link *link);
// The link is dead: no connection until tls_retry.
void tls_rest(struct link *link);
void tls_retry(struct link *link);
