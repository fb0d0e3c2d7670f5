// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ciphers of a burst of ESP packets, in place, by direct calls of intel-ipsec-mb; esp_in and
// esp_out do everything else. Nothing stays in flight: when a call returns, all its packets are
// done.

#include "dataplane/sa.h"
#include "dataplane/worker.h"

#include <stdint.h>

enum { ESP_HEADER = 8, ESP_IV_AEAD = 8, ESP_NONCE = 12, ESP_ICV_MAX = 32, ESP_AAD_MAX = 12 };

// One packet; filled in by the caller. The ESP header begins at esp.
struct esp_packet {
	struct rte_mbuf *m;
	struct sa *sa;
	uint8_t *esp;      // contiguous: header, IV, ciphertext, ICV
	const void *key;   // as sa_keys_expand wrote it
	uint64_t sequence; // all of it, host byte order; without esn at most UINT32_MAX
	struct sa_shape shape;
	uint16_t length; // bytes of ciphertext
	uint8_t esn;     // 1: the ICV covers the upper half of sequence
	uint8_t ok;      // 1: decrypted and the ICV is right
	uint8_t release; // esp_in: 1: the claim on the SA is given up
};

// Checks the ICV of each and decrypts those where it is right; sets ok. Packets that are not ok
// may have been changed. At most BURST.
void esp_decrypt(struct worker *w, struct esp_packet *p, uint16_t n);
// Encrypts each and writes IV and ICV. At most BURST.
void esp_encrypt(struct worker *w, struct esp_packet *p, uint16_t n);
