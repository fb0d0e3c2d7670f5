// SPDX-License-Identifier: Apache-2.0
#pragma once

// Key expansion for one direction of an SA.

#include "contract/algorithm.h"

#include <intel-ipsec-mb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes of the expanded keys of one direction, a multiple of 64.
size_t sa_keys_size(unsigned cipher);
// Writes struct gcm_key_data, sa_chacha, sa_cbc or sa_3des to out (aligned to 64), which must stay
// where it is. cipher_key and
// integrity_key have the lengths of their shapes.
void sa_keys_expand(struct IMB_MGR *mgr, unsigned cipher, unsigned integrity, bool decrypt,
	const uint8_t *cipher_key, const uint8_t *integrity_key, void *out);
