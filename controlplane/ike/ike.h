// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IKE responder. It takes the IKE messages that the workers punt, makes IKE SAs and pairs of
// ESP SAs, installs these by install.h, and reports upwards only about *peers*: a peer is the other
// end as a person would name it, and outlives its IKE SAs and ESP SAs through rekeys. L2TP tunnels
// are bound to a peer.
//
// Single-threaded: all calls on the event loop; Diffie-Hellman by work_post.

#include "contract/config.h"
#include "contract/forbid.h"
#include "controlplane/dataplane.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct ike;
struct credentials;
struct trust;

struct ike_access_request {
	uint32_t peer;
	uint64_t attempt;
	struct flow flow;
	const char *name; // raw, with a NUL: the user by EAP, or what the identity says
	bool eap;         // proven by EAP; else by certificate or pre-shared key
	bool want4, want6;
	const char *method; // "eap", "eap-mschapv2", "psk", "rsa-signature", ... for the log
};

struct ppp_credentials;
struct ppp_verdict;

struct ike_user_request {
	uint64_t attempt;
	struct flow flow;
	uint8_t spi_i[8], spi_r[8];                // of the IKE SA, for the answer
	const struct ppp_credentials *credentials; // valid until they are answered
};

// What such a peer is given (RFC 7296 section 3.15).
struct ike_access {
	uint32_t session; // index in the dataplane
	struct ip_address address4;
	struct ip_prefix prefix6; // IP_NONE: none; the peer's address is the first of it
	struct ip_address dns[2], dns6[2], wins[2]; // IP_NONE where there is none
};

// What went through a pair since it was made: ESP payload and packets.
struct ike_pair_count {
	uint64_t in_bytes, in_packets, out_bytes, out_packets;
};

struct ike_events {
	// Outbound to this peer leaves through that pair (spi_in) from now on: the first pair, or a
	// rekey. Called after the pair is installed and the peer is known to have it.
	void (*sa_current)(void *context, uint32_t peer, uint32_t sa);
	// The peer has no pair of SAs any more and nothing can be sent to it; cause is a word for
	// the log ("deleted", "dead", "replaced", "expired", "closed"). Its tunnels must go before
	// this returns: the pairs are removed right after.
	void (*peer_down)(void *context, uint32_t peer, const char *cause);
	// An IKEv2 peer that wants no L2TP has proven who it is and asks for addresses. Answered by
	// ike_access_answer, perhaps at once. peer_down says that it is gone, answered or not.
	// NULL: such peers are refused.
	void (*access_ask)(void *context, const struct ike_access_request *request);
	// An IKEv2 peer says by EAP who it is, or goes on to. Answered by ike_user_answer, perhaps
	// at once; the peer is waited for radius.patience long. NULL: EAP is refused.
	void (*user_ask)(void *context, const struct ike_user_request *request);
	// That conversation is over: the IKE SA is established, has failed or is gone. Called once
	// for each about which user_ask was called, answered or not. May be NULL.
	void (*user_gone)(void *context, uint64_t attempt);
	// Asked every 100 ms, and only of pairs that have a limit of bytes or packets or wait for
	// their first packet. False when nothing is known. NULL: there are no such limits.
	bool (*pair_count)(void *context, uint32_t spi_in, struct ike_pair_count *out);
	// The peer goes on from another address or port. NULL: nobody wants to know.
	void (*peer_moved)(void *context, uint32_t peer, const struct flow *flow);
};

// config and timers must outlive it; sas is the size of the dataplane's table. NULL without memory.
struct ike *ike_create(const struct config *config, struct timers *timers, uint32_t sas,
	const struct ike_events *events, void *context);
// What we prove ourselves with, and whom we believe: both must outlive it. Called once, before the
// first message; without it peers are known by pre-shared keys and EAP alone.
void ike_set_certificates(
	struct ike *ike, const struct credentials *credentials, struct trust *trust);
// Ends without a word to the peers.
void ike_free(struct ike *ike);

// A message as punted. Anything malformed is logged, counted and forgotten.
void ike_input(struct ike *ike, const struct flow *flow, const uint8_t *message, size_t length);
// Events of the dataplane.
void ike_peer_moved(struct ike *ike, const struct event_peer_moved *event);
void ike_sa_exhausting(struct ike *ike, const struct event_sa_exhausting *event);
void ike_sa_unknown(struct ike *ike, const struct event_sa_unknown *event);
// The newest authenticated ESP packet of the peer, milliseconds of the timers' clock: spares DPD.
void ike_peer_alive(struct ike *ike, uint32_t peer, uint64_t when_ms);

// Something came in on that pair: a packet that was sealed with its keys, the first of which may
// overtake the third message of quick mode and proves the same. Returns the pair that answers leave
// through, which is the peer's newest; 0 when the pair has gone meanwhile.
uint32_t ike_pair_used(struct ike *ike, uint32_t spi_in);
// The pair that outbound traffic to the peer leaves through; 0 when there is none.
uint32_t ike_peer_sa(const struct ike *ike, uint32_t peer);
// The answer to access_ask; access NULL refuses, with reason in words for the log. -ENOENT when the
// peer is gone or asked for nothing.
int ike_access_answer(
	struct ike *ike, uint32_t peer, const struct ike_access *access, const char *reason);
// The answer to user_ask, in each round; with the MSK when it is accepted. -ENOENT when that IKE SA
// is gone or asked for nothing.
int ike_user_answer(struct ike *ike, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct ppp_verdict *verdict);
// Sends Deletes for all SAs of the peer and forgets it (peer_down is called). -ENOENT.
int ike_peer_close(struct ike *ike, uint32_t peer, const char *cause);
// The same for every peer, when the control plane ends.
void ike_close_all(struct ike *ike, const char *cause);

// What the API shows. The pointers are valid during the call only.
struct ike_sa_info {
	uint32_t peer;
	const char *state; // "main-mode", "established", ...
	struct flow flow;
	uint8_t initiator_spi[8];
	uint8_t responder_spi[8];
	const char *identity;                  // of the peer, escaped
	const char *encryption, *hash, *group; // words of the config; NULL when not yet chosen
	bool nat_peer, nat_us;                 // who is behind a NAT
	uint64_t age_ms, expires_ms;
};
struct esp_sa_info {
	uint32_t peer, spi_in, spi_out;
	bool current;     // outbound leaves through it
	struct flow flow; // ports 0 for plain ESP
	const char *cipher, *integrity;
	uint64_t age_ms, expires_ms;
};
void ike_each_sa(const struct ike *ike, void (*each)(void *context, const struct ike_sa_info *info),
	void *context);
void ike_each_esp(const struct ike *ike,
	void (*each)(void *context, const struct esp_sa_info *info), void *context);

// Who uses what, one peer after the other; words of the config, cipher NULL: it has no pair.
struct ike_use {
	uint32_t peer;
	unsigned version;
	const char *auth, *encryption, *hash, *group, *cipher, *integrity;
};
void ike_each_use(const struct ike *ike, void (*each)(void *context, const struct ike_use *use),
	void *context);

enum {
	POLICY_TEXT = 96,      // bytes of "aes-cbc-256/sha256/modp-2048" with the final NUL
	POLICY_OFFERED = 1500, // bytes of a peer's offer in words
};

// What would become of a peer if that were forbidden.
enum ike_verdict {
	IKE_CHECK_STAYS,   // it would use what it uses
	IKE_CHECK_CHANGES, // it would use something else
	IKE_CHECK_FAILS,   // it could not connect
	IKE_CHECK_UNKNOWN, // what it offers is not known
};
struct ike_check {
	uint32_t peer;
	struct flow flow;
	const char *identity; // escaped
	unsigned version;
	const char *auth;
	enum ike_verdict verdict;
	const char *reason;                              // why it could not connect, or NULL
	char ike_now[POLICY_TEXT], esp_now[POLICY_TEXT]; // esp_now empty: it has no pair
	const char *ike_then, *esp_then;                 // NULL: nothing, or not known
	const char *ike_offered, *esp_offered;           // where there is nothing, else NULL
};
void ike_check_each(const struct ike *ike, const struct forbidden *forbidden,
	void (*each)(void *context, const struct ike_check *check), void *context);

// The pre-shared keys, in the order of the config.
struct ike_psk_info {
	uint32_t place;                  // in ike.psks, from 0 on
	const struct config_psk *config; // its secret is nobody's business
	uint64_t count;                  // IKE SAs that were proven by it
	uint64_t last_ms;                // since the newest of them; with count 0: meaningless
	uint32_t peers;                  // whose newest IKE SA was proven by it
};
void ike_each_psk(const struct ike *ike,
	void (*each)(void *context, const struct ike_psk_info *info), void *context);

struct ike_counters {
	uint64_t started, established, refused, invalid, retransmits, half_open, peers;
};
void ike_counters(const struct ike *ike, struct ike_counters *out);
