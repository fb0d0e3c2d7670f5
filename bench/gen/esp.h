// SPDX-License-Identifier: Apache-2.0
#pragma once

// The generator's own ESP (RFC 4303), which shares no code with the gateway's: AES-GCM by the
// direct calls of intel-ipsec-mb, everything else by its jobs. 32-bit sequence numbers.

#include "contract/algorithm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESP_HEADER_BYTES = 8, ESP_BURST = 32 };

// One direction. Zeroed is none.
struct esp_sa {
	uint32_t spi;      // host byte order
	uint32_t sequence; // of the last packet
	uint8_t cipher;    // enum esp_cipher
	uint8_t integrity; // enum esp_integrity
	uint8_t iv, icv;   // bytes
	uint8_t block;     // the plaintext is padded to a multiple of this
	uint8_t salt[4];
	struct esp_keys *keys;
};

// One packet: ESP header, IV, plaintext or ciphertext, ICV, one behind the other.
struct esp_work {
	uint8_t *esp;
	struct esp_sa *sa;
	uint16_t text; // bytes between IV and ICV
	bool ok;
};

struct esp;

// NULL when there is no memory or the CPU is not supported.
struct esp *esp_create(void);
void esp_free(struct esp *e);

// Bytes of keying material for one direction: cipher key, salt, integrity key.
size_t esp_keymat_size(unsigned cipher, unsigned integrity);
// Makes *sa ready from that material. 0 or -ENOMEM, -EINVAL.
int esp_sa_open(struct esp *e, struct esp_sa *sa, unsigned cipher, unsigned integrity, uint32_t spi,
	const uint8_t *keymat, bool decrypt);
void esp_sa_close(struct esp_sa *sa);

// Bytes of plaintext with its trailer for so many bytes of data.
static inline uint16_t esp_text(const struct esp_sa *sa, uint16_t data)
{
	return (uint16_t)((data + 2 + sa->block - 1) / sa->block * sa->block);
}
// Writes padding, pad length and next header behind so many bytes of data (RFC 4303 section 2.4).
void esp_trailer(uint8_t *text, uint16_t data, uint16_t length, uint8_t next);

// Takes the next number, writes header and IV, encrypts, writes the ICV. At most ESP_BURST. A wrap
// of the number clears ok, and the packet is not to be sent.
void esp_seal(struct esp *e, struct esp_work *w, unsigned n);
// Checks the ICV and decrypts. ok says whether it is right.
void esp_open(struct esp *e, struct esp_work *w, unsigned n);
