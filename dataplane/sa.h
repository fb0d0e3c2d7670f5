// SPDX-License-Identifier: Apache-2.0
#pragma once

// A pair of ESP SAs, laid out by who touches it: the inbound line by the worker
// that owns it, the outbound line read by all, the sequence number by all with one atomic
// operation for each run of packets. Behind them, in the same piece of memory, the expanded keys
// and the replay blocks. Made and freed by the clerk; wiped before it is freed.

#include "contract/ids.h"

#include "dataplane/replay.h"
#include "dataplane/table.h"

#include <intel-ipsec-mb.h>
#include <stdint.h>

enum sa_event_bit {
	SA_MOVED = 1 << 0,      // remote has changed
	SA_EXHAUSTING = 1 << 1, // 3/4 of the sequence numbers are used
	SA_EXHAUSTED = 1 << 2,  // none is left
	SA_TOLD = 1 << 3,       // the notice is in the ring
	SA_MOVING = 1 << 4,     // the clerk is about to change outer6
	SA_HELD = 1 << 5,       // the clerk moves the pair: no worker does
};

// What the owner has seen come in on the SA, only so that it can be fetched early: the session is
// in replay.other, its tunnel's id in hint_tunnel. Either may be gone by now. In tunnel mode the
// session is no guess: replay.other never changes then.
enum sa_hint {
	SA_HINT_NONE = 0,
	SA_HINT_ONE = 1,    // one session, as of a client
	SA_HINT_MANY = 2,   // several, as of a LAC: no use to guess
	SA_HINT_TUNNEL = 3, // ESP_TUNNEL: the one that the SA was made for
};

// What the cipher of one direction looks like: eight bytes that are copied as one.
struct sa_shape {
	uint32_t salt;     // as on the wire; AEAD only
	uint8_t cipher;    // enum esp_cipher
	uint8_t integrity; // enum esp_integrity
	uint8_t iv;        // bytes of the explicit IV
	uint8_t icv;       // bytes
} __attribute__((aligned(8)));

struct sa {
	// ---- inbound: its owner
	uint32_t peer;   // IKE peer
	uint32_t spi_in; // never changes
	struct sa_shape shape_in;
	uint16_t owner;        // worker_owns
	uint8_t encapsulation; // enum esp_encapsulation
	uint8_t block;         // the ciphertext is a multiple of this, bytes
	uint32_t local;        // IPv4 in network byte order; 0: outer6
	uint64_t remote_in;    // sa_remote() as the owner last saw it
	struct replay replay;
	uint16_t strange; // the owner: packets in a row that another worker handed over
	uint8_t esn;      // 1: 64-bit sequence numbers
	uint8_t hint;     // enum sa_hint, which says the mode as well
	uint32_t hint_tunnel;

	// ---- outbound: read by every worker; remote is written by the inbound owner
	_Alignas(64) uint32_t spi_out;
	uint32_t index; // in the table, and in sa_stats
	struct sa_shape shape_out;
	uint64_t remote;           // atomic: sa_remote(), port 0 without UDP; 0: outer6
	const void *key_out;       // as sa_keys_expand wrote it
	uint64_t serial;           // of this SA, never repeats in this process: for IVs
	uint32_t out_local;        // local, IPv4 in network byte order
	uint16_t local_port;       // ESP_UDP: our outer port, host byte order
	uint8_t out_encapsulation; // for the clerk: workers see it from the remote port
	uint8_t out_block;
	struct outer6 *outer6; // atomic, of the clerk; NULL: the outer packets are IPv4
	uint8_t out_esn;

	// ---- written by every worker
	_Alignas(64) uint64_t sequence; // atomic: the last one that is used
	uint32_t events;                // atomic: enum sa_event_bit

	// ---- clerk only
	_Alignas(64) uint32_t tunnels; // that send through it
	size_t size;                   // bytes of the whole piece
};
_Static_assert(offsetof(struct sa, spi_out) == 64, "the inbound line is one line");
_Static_assert(offsetof(struct sa, sequence) == 128, "the outbound line is one line");
_Static_assert(sizeof(struct sa) == 256, "four lines");

enum { SA_KEY_FRONT = 16 }; // bytes
_Static_assert((SA_KEY_FRONT + sizeof(struct gcm_key_data)) % 64 == 0, "ends with a line");

// Keys of one direction of an SA with HMAC; what follows depends on its cipher. Sizes by ipsec-mb's
// widest.
struct sa_hmac {
	_Alignas(64) uint8_t inner[64]; // hash state after the block of key ^ ipad
	uint8_t outer[64];              // ... key ^ opad
};

struct sa_cbc {
	struct sa_hmac hmac;
	uint8_t cipher[240]; // AES round keys: for decryption inbound, else encryption
};

struct sa_3des {
	struct sa_hmac hmac;
	const void *keys[3];    // of cipher, as ipsec-mb wants to be given them
	uint64_t cipher[3][16]; // a key schedule for each of the three keys
};

// Of one direction of a ChaCha20-Poly1305 SA.
struct sa_chacha {
	_Alignas(64) uint8_t cipher[32];
};

// The highest sequence number (RFC 4303 section 2.2.1), and where the peer should be rekeying.
static inline uint64_t sa_sequence_last(bool esn)
{
	return esn ? UINT64_MAX : UINT32_MAX;
}

static inline uint64_t sa_sequence_warn(bool esn)
{
	return sa_sequence_last(esn) / 4 * 3;
}

// One word for address and port, so that both change at once.
static inline uint64_t sa_remote(uint32_t address, uint16_t port)
{
	return (uint64_t)port << 32 | address;
}

static inline uint32_t sa_remote_address(uint64_t remote)
{
	return (uint32_t)remote;
}

static inline uint16_t sa_remote_port(uint64_t remote)
{
	return (uint16_t)(remote >> 32);
}

// Where the blocks of a small replay window are: in a line of the inbound keys.
static inline const uint64_t *sa_blocks_near(const struct sa *s)
{
	return (const uint64_t *)(s + 1);
}

// Is there a session to be fetched?
static inline bool sa_has_hint(const struct sa *s)
{
	return s->hint & SA_HINT_ONE;
}

// Does it carry IP packets of its session, not L2TP (enum esp_mode)?
static inline bool sa_is_tunnel_mode(const struct sa *s)
{
	return s->hint == SA_HINT_TUNNEL;
}

static inline bool sa_is_aead(uint8_t cipher)
{
	return cipher == ESP_CIPHER_AES_GCM_128 || cipher == ESP_CIPHER_AES_GCM_256 ||
	       cipher == ESP_CIPHER_CHACHA20_POLY1305;
}

// Where the keys begin in their place, which begins with a line: so that those of AES-GCM, whose
// powers of H end with the struct, the lowest last, reach into the fewest lines. What is free
// before them takes a small replay window.
static inline size_t sa_key_offset(uint8_t cipher)
{
	return cipher == ESP_CIPHER_AES_GCM_128 || cipher == ESP_CIPHER_AES_GCM_256 ? SA_KEY_FRONT
										    : 0;
}

// The inbound keys lie right behind the struct.
static inline const void *sa_key_in(const struct sa *s)
{
	return (const uint8_t *)(s + 1) + sa_key_offset(s->shape_in.cipher);
}

// The SA of that SPI, or NULL. Any thread that is online in the quiescent state variable.
static inline struct sa *sa_find(const struct tables *t, uint32_t spi)
{
	uint32_t index = id_index(spi);
	struct sa *s;

	if (index >= t->sas)
		return NULL;
	s = __atomic_load_n(&t->sa[index], __ATOMIC_ACQUIRE);
	return s && s->spi_in == spi ? s : NULL;
}

// What a worker has to say to the clerk; an element of tables.notices. With spi 0 it is about an
// SA that we do not have.
struct sa_notice {
	uint32_t spi; // of an SA with events, or 0
	uint32_t unknown_spi;
	struct ip_address local;
	struct ip_address remote;
	uint16_t remote_port;
	uint16_t zero;
};

// A peer over IPv6 that is somewhere else now; an element of tables.moves.
struct sa_move {
	uint32_t spi;
	uint16_t remote_port; // host byte order
	uint16_t zero;
	uint8_t remote[16];
};

// Sets the bits and puts the SA into the ring of notices, unless it is there already. Any worker.
void sa_tell(struct tables *t, struct sa *s, uint32_t bits);
// ESP of an SPI that we do not have. The caller limits the rate.
void sa_tell_unknown(struct tables *t, const struct sa_notice *n);

// The owner, after the ICV: packets go to that address and port from now on.
void sa_follow(struct tables *t, struct sa *s, uint64_t remote);
// The same over IPv6, as soon as the clerk has done sa_moves. True when it is to be woken; false
// when it knows already, or cannot be told now: then the next packet asks again.
bool sa_follow6(struct tables *t, struct sa *s, const uint8_t remote[16], uint16_t remote_port);
// A block of n sequence numbers: how many of them may be used (0 to n), the first in *first.
uint16_t sa_take_sequence(struct tables *t, struct sa *s, uint16_t n, uint64_t *first);
// For tables_clear.
void sa_remove(struct tables *t, uint32_t index);
