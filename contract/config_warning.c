// SPDX-License-Identifier: Apache-2.0

// What a config may say and its owner should know the price of.

#include "config.h"

static bool aggressive(const struct config *c)
{
	return c->ike.version_1 && c->ike.aggressive;
}

static bool weak_group(const struct config *c)
{
	return c->ike.legacy_modp1024;
}

static const struct {
	bool (*holds)(const struct config *c);
	const char *words;
} warnings[] = {
	{aggressive,
		"ike.aggressive is on: whoever sends one packet, from any address, gets a hash to "
		"guess the pre-shared key from at leisure, peers tell their identity in clear, and "
		"forged addresses make the gateway work: use main mode, or long random keys"},
	{weak_group,
		"modp-1024 is allowed: who records what is agreed with it today may be able to "
		"read it; Android up to 11 needs it, later ones take IKEv2"},
};

const char *config_warning(const struct config *c, unsigned n)
{
	for (unsigned i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (warnings[i].holds(c) && n-- == 0)
			return warnings[i].words;
	return NULL;
}
