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

static bool pap_in_clear(const struct config *c)
{
	for (unsigned i = 0; i < c->ppp.auth.count; i++)
		if (c->ppp.auth.values[i] == PPP_AUTH_PAP)
			return c->ppp.pap_in_clear;
	return false;
}

static bool unproven_replies(const struct config *c)
{
	for (unsigned i = 0; i < c->radius.server_count; i++)
		if (!c->radius.servers[i].message_authenticator)
			return true;
	return false;
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
	{pap_in_clear,
		"ppp.pap-in-clear is on: whoever listens between a LAC and us reads passwords"},
	{unproven_replies,
		"a RADIUS server has message-authenticator: optional: whoever sits between it and "
		"us can turn a reject into an accept (CVE-2024-3596): update it, or use tls"},
};

const char *config_warning(const struct config *c, unsigned n)
{
	for (unsigned i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (warnings[i].holds(c) && n-- == 0)
			return warnings[i].words;
	return NULL;
}
