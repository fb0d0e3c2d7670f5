// SPDX-License-Identifier: Apache-2.0

#include "rate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LEAST = 8 * 1000,   // bit/s, as in the config
	BURST_LEAST = 2048, // bytes
	BURST_MOST = 1 << 30,
	DIGITS = 15, // of a number at most
	TEXT = 256,
	WORDS = 16,
};
static const uint64_t most = 400ull * 1000 * 1000 * 1000; // bit/s

int rate_of_bits(uint64_t bits, struct config_rate *out)
{
	*out = (struct config_rate){0};
	if (bits && (bits < LEAST || bits > most))
		return -ERANGE;
	out->kbit = (uint32_t)((bits + 999) / 1000);
	return 0;
}

// ---- one number

static int unit_of(const char *text, uint64_t *factor)
{
	static const char letters[] = "kMG";
	static const char *const ends[] = {"", "bit/s", "bps", "bit", "b/s"};
	const char *letter = *text ? strchr(letters, *text == 'K'   ? 'k'
						     : *text == 'm' ? 'M'
						     : *text == 'g' ? 'G'
								    : *text)
				   : NULL;

	*factor = 1;
	if (letter) {
		for (const char *p = letters; p <= letter; p++)
			*factor *= 1000;
		text++;
	}
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcasecmp(text, ends[i]) == 0)
			return 0;
	return -EINVAL;
}

// Digits, perhaps with a point and up to three more, and a unit. Whole bits a second.
static int bits_of(const char *text, uint64_t *out)
{
	uint64_t n = 0, thousandths = 0, factor;
	unsigned digits = 0, scale = 100;

	for (; isdigit((unsigned char)*text); text++, digits++) {
		if (digits == DIGITS)
			return -ERANGE;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (!digits)
		return -EINVAL;
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++, scale /= 10)
			thousandths += (uint64_t)(*text - '0') * scale;
	}
	if (*text == ' ')
		text++;
	if (unit_of(text, &factor))
		return -EINVAL;
	if (n > most / factor + 1)
		return -ERANGE;
	*out = n * factor + thousandths * factor / 1000;
	return 0;
}

int rate_parse(const char *text, struct config_rate *out)
{
	uint64_t bits;
	int error = bits_of(text, &bits);

	*out = (struct config_rate){0};
	return error ? error : rate_of_bits(bits, out);
}

// ---- two of them

struct bits_pair {
	uint64_t up, down;
};

// "UP/DOWN" or one for both.
static int bits_pair_of(const char *text, struct bits_pair *out)
{
	char half[TEXT];
	const char *slash = strchr(text, '/');
	int error;

	// "kbit/s" has one too.
	while (slash && slash[1] == 's' && (slash[2] == '/' || !slash[2]))
		slash = strchr(slash + 1, '/');
	if (!slash) {
		error = bits_of(text, &out->up);
		out->down = out->up;
		return error;
	}
	snprintf(half, sizeof(half), "%.*s", (int)(slash - text), text);
	error = bits_of(half, &out->up);
	return error ? error : bits_of(slash + 1, &out->down);
}

static int pair_of_bits(const struct bits_pair *bits, struct rate_pair *out)
{
	int error = rate_of_bits(bits->up, &out->uplink);

	if (!error)
		error = rate_of_bits(bits->down, &out->downlink);
	out->has_uplink = out->has_downlink = !error;
	return error;
}

int rate_parse_pair(const char *text, struct rate_pair *out)
{
	struct bits_pair bits;
	int error = bits_pair_of(text, &bits);

	*out = (struct rate_pair){0};
	return error ? error : pair_of_bits(&bits, out);
}

// ---- words

// Cuts the text into words in place; the number of them, at most WORDS.
static unsigned split(char *text, char *words[WORDS])
{
	char *rest;
	unsigned n = 0;

	for (char *w = strtok_r(text, " ", &rest); w && n < WORDS; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	return n;
}

static uint32_t burst_of(uint64_t bytes)
{
	return bytes < BURST_LEAST ? 0 : bytes > BURST_MOST ? BURST_MOST : (uint32_t)bytes;
}

// Mikrotik lets the burst rate go until the mean over its time passes the threshold: for threshold
// x time / burst rate. What that is above the rate itself is the depth of our bucket.
static uint32_t mikrotik_burst(uint64_t rate, uint64_t burst, uint64_t threshold, uint64_t seconds)
{
	double duration;

	if (!rate || burst <= rate)
		return 0;
	duration = (double)threshold * (double)seconds / (double)burst;
	duration = (double)(burst - rate) * duration / 8;
	return burst_of(duration < BURST_MOST ? (uint64_t)duration : BURST_MOST);
}

int rate_parse_mikrotik(const char *text, struct rate_pair *out)
{
	char copy[TEXT], *words[WORDS];
	struct bits_pair rate, burst = {0}, threshold, time = {1, 1};
	unsigned n;
	int error;

	*out = (struct rate_pair){0};
	snprintf(copy, sizeof(copy), "%s", text);
	n = split(copy, words);
	if (n == 0)
		return -EINVAL;
	error = bits_pair_of(words[0], &rate);
	threshold = rate;
	if (!error && n > 1)
		error = bits_pair_of(words[1], &burst);
	if (!error && n > 2)
		error = bits_pair_of(words[2], &threshold);
	if (!error && n > 3)
		error = bits_pair_of(words[3], &time);
	if (!error)
		error = pair_of_bits(&rate, out);
	if (error)
		return error;
	out->uplink.burst = mikrotik_burst(rate.up, burst.up, threshold.up, time.up);
	out->downlink.burst = mikrotik_burst(rate.down, burst.down, threshold.down, time.down);
	return 0;
}

int rate_parse_cisco(const char *text, struct rate_pair *out)
{
	char copy[TEXT], *words[WORDS];
	struct config_rate rate;
	uint64_t bytes;
	bool input;
	unsigned n;
	int error;

	*out = (struct rate_pair){0};
	snprintf(copy, sizeof(copy), "%s", text);
	n = split(copy, words);
	if (n < 2 || strcmp(words[0], "rate-limit") != 0)
		return -EINVAL;
	input = strcmp(words[1], "input") == 0;
	if (!input && strcmp(words[1], "output") != 0)
		return -EINVAL;
	if (n != 9 || strcmp(words[5], "conform-action") != 0 ||
		strcmp(words[6], "transmit") != 0 || strcmp(words[7], "exceed-action") != 0 ||
		strcmp(words[8], "drop") != 0)
		return -ENOTSUP;
	error = rate_parse(words[2], &rate);
	if (!error)
		error = bits_of(words[3], &bytes);
	if (error)
		return error;
	rate.burst = rate.kbit ? burst_of(bytes) : 0;
	out->has_uplink = input;
	out->has_downlink = !input;
	*(input ? &out->uplink : &out->downlink) = rate;
	return 0;
}
