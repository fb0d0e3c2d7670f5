// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a tunnel begins: control messages that carry no tunnel id of ours.

#include "endpoint.h"
#include "wire.h"

enum {
	// Tunnels of one peer, those included that are stopping: one peer alone must not use up
	// the ids of all.
	ADMISSION_TUNNELS = 256,
	ADMISSION_STRAY_MS = 3000, // in which the same SCCRQ again is a stray, not a restart
};

// An SCCRQ opens a tunnel, or is one that we have seen; a StopCCN ends a tunnel whose id the peer
// has not learnt. All else is counted as invalid.
void admission_input(struct l2tp *l2tp, const struct l2tp_from *from,
	const struct wire_header *header, const uint8_t *message, size_t length);
