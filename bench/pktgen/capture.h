// SPDX-License-Identifier: Apache-2.0
#pragma once

// Writes the packets of a population to a capture file (pcap) that a packet generator replays. With
// IPsec they are encrypted with the keys of the population, so a gateway that it was installed on
// forwards them; a file that is replayed repeats sequence numbers, so the population's window is 0.

#include "../frame.h"

#include <stdint.h>

struct capture {
	const struct population *population;
	enum direction direction;
	uint16_t size;    // bytes of the inner IP packets
	uint32_t packets; // sessions take turns
	uint8_t to[FRAME_MAC];
	uint8_t from[FRAME_MAC];
};

// 0 or -errno.
int capture_write(const struct capture *c, const char *path);
