// SPDX-License-Identifier: Apache-2.0
#pragma once

// The objects of the responder and who owns whom:
//
//   struct ike       one; owns the tables
//   struct ike_peer  the other end; owns its established IKE SAs and its pairs of ESP SAs
//   struct ike_sa    cookies and keys; while half open owned by the table, then by its peer;
//                    owns its quick modes
//   struct quick     a quick mode under way; owns its pair until the third message hands it over
//   struct esp_pair  what the dataplane was given
//
// All times are milliseconds of the timers' clock.

#include "controlplane/ike/ike.h"
#include "controlplane/log.h"
#include "crypto.h"
#include "natt.h"
#include "proposal.h"
#include "slots.h"

#include <sys/queue.h>

enum {
	HALF_OPEN_MS = 30000,       // from the first message to an established SA
	HALF_OPEN_FAITH_MS = 10000, // in which the fifth message comes from who has the key
	HALF_OPEN_SHARE_MIN = 16,   // half-open SAs that one address may have in any case
	LIFETIME_GRACE_MS = 30000,  // after the agreed lifetime: the peer's rekey comes first
	LIFETIME_DEFAULT_S = 28800, // when a peer names none (RFC 2407 section 4.5.4)
	NONCE_MIN = 8,              // bytes (RFC 2409 section 5)
	NONCE_MAX = 256,            // bytes
	NONCE_OURS = 32,            // bytes
	PEER_SAS = 4,               // IKE SAs of one peer: the oldest goes
	PEER_PAIRS = 8,             // pairs of one peer: the oldest goes
	SA_QUICKS = 8,              // quick modes under way in one IKE SA
	SA_MESSAGE_IDS = 32,        // finished quick modes that are remembered, to ignore replays
	IDENTITY_TEXT = 128,        // bytes with the final NUL
	SHA256_SIZE = 32,           // bytes
};

// An answer that is given again to the same request.
struct reply {
	uint8_t request[SHA256_SIZE];
	uint8_t *bytes; // NULL = none yet
	size_t length;
};

enum ike_state {
	IKE_WAIT_KE,     // second message sent
	IKE_WAIT_DH,     // Diffie-Hellman under way
	IKE_WAIT_AUTH,   // fourth message sent
	IKE_ESTABLISHED, // sixth message sent
};

// What main mode needs until it is through.
struct main_mode {
	uint8_t *sa_body; // the initiator's SA payload, for the hashes
	size_t sa_length;
	uint8_t nonce_i[NONCE_MAX], nonce_r[NONCE_OURS];
	size_t nonce_i_length;
	uint8_t public_i[IKE_DH_MAX], public_r[IKE_DH_MAX];
	uint8_t third[SHA256_SIZE]; // digest of the third message, until it is answered
	const struct config_psk *psk;
	bool refused; // said so already
};

struct dh_job;
LIST_HEAD(quick_list, quick);

struct ike_sa {
	struct ike *ike;
	LIST_ENTRY(ike_sa) by_cookie;
	TAILQ_ENTRY(ike_sa) all;
	TAILQ_ENTRY(ike_sa) half_open;
	struct ike_peer *peer; // NULL while half open
	LIST_ENTRY(ike_sa) of_peer;
	uint8_t cookie_i[ISAKMP_COOKIE], cookie_r[ISAKMP_COOKIE];
	enum ike_state state;
	uint64_t attempt;
	struct flow flow; // where the peer was last heard for certain
	unsigned encryption, hash, group;
	struct vendor_ids vendors;
	bool nat_peer, nat_us;
	struct main_mode *main; // NULL once established
	struct dh_job *job;
	struct ike_keys keys;
	struct reply reply; // of main mode
	struct quick_list quicks;
	uint32_t message_ids[SA_MESSAGE_IDS]; // 0 = free
	unsigned message_id_next;
	uint8_t identity[SHA256_SIZE]; // of the peer's ID payload, to recognise it
	char identity_text[IDENTITY_TEXT];
	uint64_t created, expires;
	uint64_t lifetime_s, peer_lifetime_s;
	struct timer timer; // half open: gives up; established: lifetime
};

enum quick_state {
	QUICK_WAIT_DH,      // Diffie-Hellman of PFS under way
	QUICK_WAIT_INSTALL, // the dataplane gets the pair
	QUICK_WAIT_THIRD,   // second message sent
};

struct quick {
	struct ike_sa *sa;
	LIST_ENTRY(quick) of_sa;
	uint32_t message_id;
	enum quick_state state;
	struct flow flow; // where the first message came from
	uint8_t iv[IKE_BLOCK_MAX];
	uint8_t first[SHA256_SIZE]; // of the first message
	struct reply reply;
	uint8_t *plain; // the first message in clear; chain and choice point into it
	struct isakmp_chain chain;
	struct esp_choice choice;
	uint64_t lifetime_s;
	struct span nonce_i;
	uint8_t nonce_r[NONCE_OURS];
	uint8_t public_r[IKE_DH_MAX];
	struct dh_job *job;
	struct esp_pair *pair;
	struct timer timer; // sends the second message again
	unsigned tries;
};

struct esp_pair {
	struct ike_peer *peer;
	LIST_ENTRY(esp_pair) of_peer;
	uint64_t attempt;         // of the IKE SA that it was made under
	uint32_t id;              // our SPI
	uint32_t spi_out;         // the peer's
	struct flow flow;         // ports 0 for plain ESP
	struct ip_address inside; // the peer's own address behind its NAT (NAT-OA), or IP_NONE
	uint8_t cipher, integrity, encapsulation;
	bool esn;
	bool posted;    // the dataplane was told
	bool confirmed; // the third message came
	uint64_t created, expires;
	struct timer timer;
};

struct ike_peer {
	struct ike *ike;
	uint32_t id;
	LIST_ENTRY(ike_peer) by_address;
	LIST_HEAD(, ike_sa) sas;     // newest first
	LIST_HEAD(, esp_pair) pairs; // newest first
	uint32_t current;            // the pair that outbound leaves through, or 0
	struct flow flow;
	uint8_t identity[SHA256_SIZE];
	char identity_text[IDENTITY_TEXT];
	bool nat;               // it is behind one
	bool dpd;               // it answers DPD
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
	const struct ike_events *events;
	void *context;
	struct slots pairs;        // struct esp_pair
	struct slots peers;        // struct ike_peer
	struct sa_queue sas;       // all
	struct sa_queue half_open; // oldest first
	struct sa_list *by_cookie; // buckets of all SAs by our cookie
	struct peer_list *by_address;
	uint32_t buckets; // of each, a power of two
	uint64_t seed;    // of the hash by address
	uint64_t attempts;
	struct ike_counters counters;
};

// Counts and logs a message that leads nowhere.
void ike_invalid(struct ike *ike, const struct flow *flow, const char *reason);
