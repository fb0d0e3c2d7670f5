// SPDX-License-Identifier: Apache-2.0
#pragma once

// The objects of the responder, for both versions of IKE, and who owns whom:
//
//   struct ike       one; owns the tables
//   struct ike_peer  the other end; owns its established IKE SAs and its pairs of ESP SAs
//   struct ike_sa    what both versions have in common, and the part of its version (v1/part.h,
//                    v2/part.h); while half open owned by the table, then by its peer, and so is
//                    one that we begin; the part owns the exchanges that are under way
//   struct esp_pair  what the dataplane was given; while its exchange goes on owned by that, then
//                    by its peer
//
// What is common calls a version by struct ike_version and by nothing else.
//
// All times are milliseconds of the timers' clock.

#include "controlplane/ike/ike.h"
#include "controlplane/log.h"
#include "admit.h"
#include "crypto.h"
#include "form.h"
#include "identity.h"
#include "offers.h"
#include "psk.h"
#include "slots.h"

#include <sys/queue.h>

enum {
	HALF_OPEN_MS = 30000,       // from the first message to an established SA
	WAIT_GRACE_MS = 5000,       // behind radius.patience: the judge is the first to give up
	HALF_OPEN_FAITH_MS = 10000, // in which the proof comes from who has the key
	HALF_OPEN_SHARE_MIN = 16,   // half-open SAs that one address may have in any case
	LIFETIME_GRACE_MS = 30000,  // after the agreed lifetime: the peer's rekey comes first
	NONCE_MAX = 256,            // bytes (RFC 2409 section 5, RFC 7296 section 3.9)
	NONCE_OURS = 32,            // bytes
	PEER_SAS = 4,               // IKE SAs of one peer: the oldest goes
	PEER_PAIRS = 16,            // pairs of one peer: the oldest goes
	SHA256_SIZE = 32,           // bytes
};

// How a pair or an IKE SA comes to be renewed (rekey.h).
enum rekey_state {
	REKEY_NONE,      // not by us: not confirmed yet, or there is a successor
	REKEY_WATCHED,   // not due yet
	REKEY_UNDER_WAY, // due, and its version was asked to renew it
	REKEY_AGAIN,     // that failed: asked again after a while
	REKEY_RETIRED,   // a pair that we have renewed: deleted when nothing of it is in flight
};

struct rekey {
	enum rekey_state state;
	unsigned tries;
	const char *why; // the limit that came first; NULL = not due yet
	uint64_t due;    // by time
	struct timer timer;
};

// What one pair may carry, each way; 0 = no limit.
struct pair_limit {
	uint64_t bytes, packets;
};

// An answer that is given again to the same request.
struct reply {
	uint8_t request[SHA256_SIZE];
	uint8_t *bytes; // NULL = none yet
	size_t length;
};

enum ike_state {
	IKE_WAIT_KE,     // the first message is answered; the peer has shown nothing yet
	IKE_WAIT_DH,     // Diffie-Hellman under way
	IKE_WAIT_AUTH,   // keys are there; the peer has to prove who it is
	IKE_ESTABLISHED, // it has
};

struct ike_version;
struct dh_job;
struct recheck;
struct policy_choice;

#include "v1/part.h"
#include "v2/part.h"

struct ike_sa {
	struct ike *ike;
	const struct ike_version *version;
	LIST_ENTRY(ike_sa) by_cookie;
	TAILQ_ENTRY(ike_sa) all;
	struct half_open half; // as long as it is not established
	struct ike_peer *peer; // NULL while half open
	LIST_ENTRY(ike_sa) of_peer;
	uint8_t cookie_i[ISAKMP_COOKIE], cookie_r[ISAKMP_COOKIE]; // v2: the SPIs of the IKE SA
	enum ike_state state;
	uint64_t attempt;
	struct flow flow;                 // where the peer was last heard for certain
	unsigned encryption, hash, group; // enums of the config; hash is the PRF's in version 2
	bool nat_peer, nat_us;
	bool dpd;     // the peer answers when it is asked for a sign of life
	bool refused; // while half open: said so already
	const char
		*auth; // how the peer proved who it is: "psk", "rsa-signature", ...; NULL: not yet
	struct trust_chain *chain; // of the certificates that the peer proved itself with, or NULL
	LIST_HEAD(, recheck) rechecks; // of them, under way
	uint32_t psk;                  // 1 + place in ike.psks of the key that it proved; 0 = none
	struct dh_job *job;
	uint8_t identity[SHA256_SIZE]; // of the peer's ID payload, to recognise it
	char identity_text[IDENTITY_TEXT];
	uint64_t created, expires;
	uint64_t half_open_left; // milliseconds, when somebody else is asked about it; else 0
	uint64_t lifetime_s;
	struct timer timer;  // half open: gives up; established: lifetime
	struct offer *offer; // of the peer, or NULL
	struct rekey rekey;
	union {
		struct v1_part v1;
		struct v2_state v2;
	};
};

// What one version does. An SA that is handed in is established, unless it says otherwise; a
// function may end the SA, its peer and its pairs.
struct ike_version {
	unsigned number; // the major version in the header
	// A message with both SPIs of that SA, in any state of it.
	void (*input)(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
		const uint8_t *message);
	// What a half-open SA waits for, for the log.
	const char *(*waits_for)(const struct ike_sa *sa);
	// "main-mode", "ike-sa-init", ...: an SA that is not established, for the API.
	const char *(*state_word)(const struct ike_sa *sa);
	// It is established: what only the beginning needed is wiped.
	void (*part_established)(struct ike_sa *sa);
	// It goes, in any state: ends its exchanges, wipes its keys.
	void (*part_free)(struct ike_sa *sa);
	// Sends what may be too long for one packet; NULL: goes as it is.
	void (*send)(
		struct ike_sa *sa, const struct flow *flow, const uint8_t *message, size_t length);
	// Do the pairs that were made under this established SA go with it? NULL: they do not.
	bool (*owns_pairs)(const struct ike_sa *sa);
	// The peer is asked for a sign of life: peer_heard follows, or nothing.
	void (*ask)(struct ike_peer *peer);
	// Tell the peer that these are gone.
	void (*delete_sa)(struct ike_sa *sa);
	void (*delete_spi)(struct ike_sa *sa, uint32_t spi_in);
	// The choice from such an offer by that config; false: nothing, and out->offered says it in
	// words. NULL where offers are not kept.
	bool (*choose_ike)(
		const struct config_ike *config, struct span offer, struct policy_choice *out);
	bool (*choose_esp)(const struct config_ike *config, struct span offer, uint32_t terms,
		struct policy_choice *out);
	// ESP came in on a pair that is neither confirmed nor awaited.
	void (*pair_used)(const struct esp_pair *pair);
	// Begins to renew the pair, or the SA, and later says rekey_pair_await or pair_confirm of a
	// pair whose replaces names it, or rekey_pair_failed; rekey_sa_failed. -errno: neither.
	// NULL: this version leaves it to the peer.
	int (*rekey_pair)(struct esp_pair *pair);
	int (*rekey_sa)(struct ike_sa *sa);
};

struct esp_pair {
	struct ike_peer *peer;
	LIST_ENTRY(esp_pair) of_peer;
	uint64_t attempt; // of the IKE SA that it was made under
	uint32_t id;      // our SPI
	struct esp_form form;
	uint8_t mode;             // enum esp_mode
	uint32_t session;         // of ESP_TUNNEL, in the dataplane
	struct flow flow;         // ports 0 for plain ESP
	struct ip_address inside; // the peer's own address behind its NAT (NAT-OA), or IP_NONE
	bool posted;              // the dataplane was told
	bool confirmed;           // the peer has it too
	bool awaited;             // it has, or soon will: confirmed by the first packet
	uint64_t created, expires;
	struct timer timer;
	uint64_t lifetime_ms;     // agreed
	const char *end;          // the limit that ends it before its time, or NULL
	struct pair_limit agreed; // the peer's, set before it is confirmed
	struct pair_limit limit;  // the smaller of that and ours
	struct pair_limit soft;   // what of it makes the pair due
	uint32_t replaces;        // the pair that we renew with it, or 0
	struct rekey rekey;
	bool counted; // is in the list of those that are looked at
	LIST_ENTRY(esp_pair) of_counted;
	void *terms; // of its version: what the next one needs; ended by free()
};

struct ike_peer {
	struct ike *ike;
	uint32_t id;
	LIST_ENTRY(ike_peer) by_address;
	LIST_HEAD(, ike_sa) sas;     // newest first
	LIST_HEAD(, esp_pair) pairs; // newest first
	struct ike_sa *renewal;      // begun by us and not established, or NULL
	bool refuses;                // to let us renew its IKE SAs
	uint32_t current;            // the pair that outbound leaves through, or 0
	struct flow flow;
	uint8_t identity[SHA256_SIZE];
	char identity_text[IDENTITY_TEXT];
	// By its newest IKE SA: version (NULL: none yet), proof, key, algorithms; then what it
	// offered last, and under which terms of its version.
	const struct ike_version *version;
	const char *auth;
	uint32_t psk;
	unsigned encryption, hash, group;
	struct offer *offer, *esp_offer;
	uint32_t esp_terms;
	bool nat;               // it is behind one
	bool dpd;               // it answers when it is asked for a sign of life
	bool access;            // what is above was asked for its addresses: it hears peer_down
	bool closing;           // being removed: calls from above change nothing
	uint64_t alive;         // when it was last heard
	uint64_t asked;         // since when it owes us an answer; 0 = it does not
	uint64_t wait;          // before we ask again
	uint32_t sequence;      // of our newest R-U-THERE
	uint32_t peer_sequence; // of the peer's newest
	struct timer timer;
};

TAILQ_HEAD(sa_queue, ike_sa);
LIST_HEAD(sa_list, ike_sa);
LIST_HEAD(peer_list, ike_peer);

struct ike {
	const struct config *config;
	struct timers *timers;
	const struct credentials *credentials; // NULL: no certificates
	struct trust *trust;                   // NULL: nobody can prove itself with one
	const struct ike_events *events;
	void *context;
	struct slots pairs;        // struct esp_pair
	struct slots peers;        // struct ike_peer
	struct sa_queue sas;       // all
	struct admit *admit;       // the half-open ones
	struct sa_list *by_cookie; // buckets of all SAs by our cookie
	struct peer_list *by_address;
	uint32_t buckets;              // of each, a power of two
	uint64_t seed;                 // of the hash by address
	LIST_HEAD(, esp_pair) counted; // pairs whose packets are looked at
	struct timer count_timer;
	uint64_t attempts;
	struct ike_counters counters;
	struct offers offers;
	size_t fragment_bytes; // of messages of half-open SAs that are not whole yet
	struct psks *psks;
	struct v2_cookies cookies;
	struct v2_partings partings;
};

// Counts and logs a message that leads nowhere.
void ike_invalid(struct ike *ike, const struct flow *flow, const char *reason);
