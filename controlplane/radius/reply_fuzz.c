// SPDX-License-Identifier: Apache-2.0

// A reply of any bytes is read into a grant and a verdict; what comes out keeps the rules whatever
// went in. The first two bytes say what Filter-Id names, and the method.

#include "reply.h"
#include "reply_fixture.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_complaint(void *context, const struct reply_complaint *c)
{
	const char *texts[] = {c->name, c->value, c->reason};

	for (int i = 0; i < 3; i++)
		for (const unsigned char *p = (const unsigned char *)texts[i]; *p; p++)
			if (*p < 0x20 || *p == 0x7f)
				abort();
}

static bool is_time(uint32_t s, uint32_t least)
{
	return s >= least && s <= 365 * 24 * 3600;
}

static void check_grant(const struct config *config, const struct grant *g)
{
	if (g->address.version != IP_NONE && rule_host(config, &g->address))
		abort();
	if (g->address6.version != IP_NONE && rule_host(config, &g->address6))
		abort();
	if (g->prefix6.address.version != IP_NONE &&
		(g->prefix6.length != 64 || rule_network(config, &g->prefix6)))
		abort();
	if (g->delegated.address.version != IP_NONE &&
		(g->delegated.length > 64 || rule_network(config, &g->delegated)))
		abort();
	for (unsigned i = 0; g->more && i < g->more->route_count; i++)
		if (rule_route(config, &g->more->routes[i]))
			abort();
	if ((g->from[GRANT_SESSION_TIMEOUT] && !is_time(g->session_timeout_s, 1)) ||
		(g->from[GRANT_IDLE_TIMEOUT] && !is_time(g->idle_timeout_s, 1)) ||
		(g->from[GRANT_INTERIM] && !is_time(g->interim_s, 60)))
		abort();
	if (g->group > config->group_count || g->filter_uplink > config->filter_count ||
		g->filter_downlink > config->filter_count ||
		strnlen(g->user, sizeof(g->user)) == sizeof(g->user))
		abort();
}

static void check_verdict(const struct radius_packet *p, uint8_t method)
{
	static struct reply_verdict v;
	static const uint8_t authenticator[RADIUS_AUTHENTICATOR];
	const struct radius_result result = {
		.reply = p, .authenticator = authenticator, .secret = {"xyzzy5461", 9}};
	const struct ppp_credentials c = {
		.method = 1 + method % 5, .id = method >> 3, .want_msk = method & 1};

	reply_verdict(&result, &c, &v);
	if (v.verdict.accepted != !v.reason && v.verdict.turn != EAP_MORE)
		abort();
	if (v.verdict.accepted && p->code != RADIUS_ACCESS_ACCEPT)
		abort();
	if (v.verdict.eap_length > sizeof(v.eap) || v.state_length > sizeof(v.state) ||
		strnlen(v.message, sizeof(v.message)) == sizeof(v.message) ||
		strnlen(v.verdict.message, sizeof(v.verdict.message)) == sizeof(v.verdict.message))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *config;
	struct grant grant = {0};
	struct radius_packet p;
	uint8_t *copy;

	if (!config && config_parse(reply_config, strlen(reply_config), "f", &config, stderr))
		abort();
	if (size < 2)
		return 0;
	copy = malloc(size - 2 ? size - 2 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 2, size - 2);
	config->radius.filter_id = data[0] % 3;
	if (radius_parse(copy, size - 2, &p) == 0) {
		if (reply_grant(config, &p, data[0] & 4 ? FROM_COA : FROM_RADIUS, &grant,
			    on_complaint, NULL) == 0)
			check_grant(config, &grant);
		check_verdict(&p, data[1]);
		grant_free(&grant);
	}
	free(copy);
	return 0;
}
