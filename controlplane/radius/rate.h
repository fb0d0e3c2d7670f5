// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rates as texts of RADIUS servers have them. Pure: texts with a NUL in, rates out. A thousand is
// 1,000. A rate of 0 is no limit.

#include "contract/config.h"

struct rate_pair {
	struct config_rate uplink,
		downlink; // as the subscriber sees it: what it sends, what it gets
	bool has_uplink, has_downlink;
};

// Bits a second as a rate. -ERANGE for less than 8 kbit/s and more than 400 Gbit/s.
int rate_of_bits(uint64_t bits, struct config_rate *out);
// "50M", "512k", "1G", "2.5M", "64kbit/s", "10Mbps", "100000" (bit/s). -EINVAL, -ERANGE.
int rate_parse(const char *text, struct config_rate *out);
// "UP/DOWN", or one for both; each as above.
int rate_parse_pair(const char *text, struct rate_pair *out);
// Mikrotik-Rate-Limit: "rx[/tx] [burst[/burst] [threshold[/threshold] [time[/time] [priority
// [least[/least]]]]]]"; rx is what the router receives: the uplink. What may go above the rate is
// made a burst of bytes; priority and the least rates are read over.
int rate_parse_mikrotik(const char *text, struct rate_pair *out);
// "rate-limit input|output BITS BYTES BYTES conform-action transmit exceed-action drop": the first
// number of bytes is the burst. -ENOTSUP for other actions and for access-group.
int rate_parse_cisco(const char *text, struct rate_pair *out);
