// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ciphers of a burst with as little around them as can be: what the floor is made of, and what
// seals the packets that go in. The same calls of intel-ipsec-mb as the gateway's: direct ones for
// AES-GCM, the synchronous hash burst and cipher burst for AES-CBC with HMAC.

#include "population.h"

#include <intel-ipsec-mb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CIPHER_BURST = 32, CIPHER_ESP_HEADER = 8 };

struct cipher {
	struct IMB_MGR *mgr;
	bool gcm;
	uint8_t iv;         // bytes
	uint8_t icv;        // bytes
	uint8_t block;      // the text is a multiple of it
	uint8_t key_size;   // bytes
	uint8_t round_keys; // bytes
	uint8_t cipher;     // enum esp_cipher
	uint8_t integrity;
	IMB_HASH_ALG hash;
	uint8_t salt[4];
	IMB_JOB jobs[CIPHER_BURST];
	uint8_t tags[CIPHER_BURST][32];
};

// One packet: ESP header, IV, text and room for the ICV from esp on.
struct cipher_packet {
	uint8_t *esp;
	const void *key; // what cipher_keys_make wrote
	uint32_t length; // bytes of text
};

// p has ESP. mgr stays the caller's.
void cipher_open(struct cipher *c, const struct population *p, struct IMB_MGR *mgr);
// Bytes of one direction's expanded keys, a multiple of 64.
size_t cipher_keys_size(const struct cipher *c);
void cipher_keys_make(struct cipher *c, bool decrypt, void *out);

// At most CIPHER_BURST. Keys are fetched three packets ahead. Returns how many have a right ICV.
unsigned cipher_decrypt(struct cipher *c, struct cipher_packet *p, unsigned n);
// The IV follows from the sequence number in the ESP header.
void cipher_encrypt(struct cipher *c, struct cipher_packet *p, unsigned n);
