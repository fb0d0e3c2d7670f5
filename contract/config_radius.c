// SPDX-License-Identifier: Apache-2.0

// What must agree in the section radius of the configuration, and what it means where it is silent.

#include "config_schema.h"

#include <string.h>

enum { PORT_AUTH = 1812, PORT_ACCOUNTING = 1813, PORT_TLS = 2083 };

// RFC 6614 section 2.3: what stands for a secret where TLS does its work.
static const char tls_secret[] = "radsec";

static uint16_t port_of(uint16_t port, uint16_t usual)
{
	return port == CONFIG_PORT_AUTO ? usual : port;
}

static void complete(struct config_radius_server *s)
{
	bool tls = s->transport == RADIUS_TLS;

	s->auth_port = port_of(s->auth_port, tls ? PORT_TLS : PORT_AUTH);
	s->accounting_port = port_of(s->accounting_port, tls ? s->auth_port : PORT_ACCOUNTING);
	if (tls && s->secret_length == 0) {
		memcpy(s->secret, tls_secret, sizeof(tls_secret));
		s->secret_length = sizeof(tls_secret) - 1;
	}
}

static void check_tls(struct config_load *load, const struct config_radius_server *s)
{
	if (s->transport == RADIUS_TLS ? !*s->tls_authorities : *s->tls_authorities)
		config_error(load, config_place(load, s),
			"radius server %s: tls-authorities and transport: tls go together: add %s",
			s->name, *s->tls_authorities ? "transport: tls" : "tls-authorities: PATH");
	if (!*s->tls_certificate != !*s->tls_key)
		config_error(load, config_place(load, s),
			"radius server %s: tls-certificate and tls-key go together: add the other "
			"one",
			s->name);
}

static void check_server(struct config_load *load, const struct config_radius_server *s)
{
	check_tls(load, s);
	if (s->transport == RADIUS_UDP && s->secret_length == 0)
		config_error(load, config_place(load, s),
			"radius server %s has no secret: add secret: {file: PATH}", s->name);
	if (s->auth_port == 0 && s->accounting_port == 0)
		config_error(load, config_place(load, s),
			"radius server %s is asked nothing: port and accounting-port are off both",
			s->name);
}

// Without servers the default asks the users of the config alone.
static void check_sources(struct config_load *load)
{
	struct config_radius *r = &load->config->radius;
	struct config_list kept = {0};

	for (unsigned i = 0; i < r->auth.count; i++)
		if (r->auth.values[i] != AUTH_RADIUS || r->server_count)
			kept.values[kept.count++] = r->auth.values[i];
	if (kept.count == 0)
		config_error(load, config_place(load, &r->auth),
			"radius.auth asks radius alone, and there are no servers: add "
			"radius.servers, or write users");
	else
		r->auth = kept;
}

static void check_coa(struct config_load *load, const struct config_radius *r)
{
	if (r->coa.version != IP_NONE && r->coa_client_count == 0)
		config_error(load, config_place(load, &r->coa),
			"radius.coa is there without coa-clients: name who may ask, or remove it");
	if (r->coa.version == IP_NONE && r->coa_client_count)
		config_error(load, config_place(load, r->coa_clients),
			"radius.coa-clients are there without coa: add coa: ADDRESS:3799");
}

void config_check_radius(struct config_load *load)
{
	struct config_radius *r = &load->config->radius;

	if (!config_walked(load, "radius"))
		return;
	config_check_names(load, "radius server name", r->servers[0].name, r->server_count,
		sizeof(r->servers[0]));
	for (unsigned i = 0; i < r->server_count; i++) {
		complete(&r->servers[i]);
		check_server(load, &r->servers[i]);
	}
	check_sources(load);
	check_coa(load, r);
}
