// SPDX-License-Identifier: Apache-2.0

// What must agree between keys and sections of the configuration. Each check leaves alone what has
// had an error of its own, so that one mistake gives one error.

#include "config_schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Values that must differ: sorted, so that a hundred thousand users take no time.
struct entry {
	const void *field; // where the value is in the config
	size_t order;
};
typedef int (*compare_fields)(const void *a, const void *b);

static __thread compare_fields comparing; // qsort hands over no context

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = comparing(a->field, b->field);

	if (order)
		return order;
	return a->order < b->order ? -1 : 1;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_address));
}

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_prefix));
}

static const char *say_text(const void *field, char *out)
{
	return config_say_value(field, strlen(field), out);
}

static const char *say_address(const void *field, char *out)
{
	return address_format(field, out);
}

static const char *say_prefix(const void *field, char *out)
{
	const struct ip_prefix *p = field;

	return p->length ? prefix_format(p, out) : strcpy(out, "any");
}

// first is the field of element 0 of count elements of size bytes. Elements whose field begins
// with a zero byte (no text, no address) are left out.
static void check_unique(struct config_load *load, const char *what, const void *first,
	size_t count, size_t size, compare_fields compare,
	const char *(*say)(const void *field, char *out))
{
	struct entry *entries = calloc(count + 1, sizeof(*entries));
	char shown[CONFIG_SAY];
	size_t n = 0;

	if (!entries) {
		load->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *field = (const char *)first + i * size;

		if (*field)
			entries[n++] = (struct entry){field, i};
	}
	comparing = compare;
	qsort(entries, n, sizeof(*entries), compare_entries);
	for (size_t i = 1; i < n; i++) {
		if (compare(entries[i - 1].field, entries[i].field) != 0)
			continue;
		config_error(load, config_place(load, entries[i].field),
			"%s %s is there twice, first on line %zu: change or remove one", what,
			say(entries[i].field, shown),
			config_place(load, entries[i - 1].field).line + 1);
	}
	free(entries);
}

void config_check_names(
	struct config_load *load, const char *what, const char *first, size_t count, size_t size)
{
	check_unique(load, what, first, count, size, compare_texts, say_text);
}

static bool own_address(const struct config *c, const struct ip_address *a, unsigned side)
{
	for (unsigned p = 0; p < c->port_count; p++)
		for (unsigned i = 0; i < c->ports[p].address_count; i++)
			if ((!side || c->ports[p].side == side) &&
				address_equal(&c->ports[p].addresses[i].address, a))
				return true;
	return false;
}

static bool link_local(const struct ip_address *a)
{
	return a->version == IP_V6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return prefix_contains(a, &b->address) || prefix_contains(b, &a->address);
}

// Two ports whose networks overlap, or that share an address. Each link has its own link-local
// network.
static void check_networks(struct config_load *load, unsigned port)
{
	const struct config *c = load->config;
	const struct config_port *p = &c->ports[port];
	char one[ADDRESS_TEXT], other[ADDRESS_TEXT];

	for (unsigned i = 0; i < p->address_count; i++)
		for (unsigned q = 0; q < port; q++)
			for (unsigned j = 0; j < c->ports[q].address_count; j++) {
				if (link_local(&p->addresses[i].address) ||
					!overlap(&p->addresses[i].network,
						&c->ports[q].addresses[j].network))
					continue;
				config_error(load, config_place(load, &p->addresses[i]),
					"network %s overlaps %s of port %s: give each port its own",
					prefix_format(&p->addresses[i].network, one),
					prefix_format(&c->ports[q].addresses[j].network, other),
					c->ports[q].name);
				return;
			}
}

// Ports of one device: named by what stands before the first comma. The same words for all of
// them, and to each its own tags.
static void check_device(struct config_load *load, unsigned port)
{
	const struct config_port *p = &load->config->ports[port];
	size_t name = strcspn(p->device, ",");

	for (unsigned i = 0; i < port; i++) {
		const struct config_port *q = &load->config->ports[i];

		if (strncmp(p->device, q->device, name) != 0 || name != strcspn(q->device, ","))
			continue;
		if (strcmp(p->device, q->device) != 0)
			config_error(load, config_place(load, p->device),
				"device %.*s has other arguments in port %s: write the same, or "
				"give one of them another name",
				(int)name, p->device, q->name);
		else if (p->vlan_count == q->vlan_count &&
			 memcmp(p->vlan, q->vlan, sizeof(p->vlan)) == 0)
			config_error(load, config_place(load, p->device),
				"port %s has the device and the vlan of port %s: give it a vlan of "
				"its own, for example vlan: 10",
				p->name, q->name);
		else
			continue;
		return;
	}
}

// An IPv6 address that no host may have as its own, and an MTU that IPv6 does not take.
static void check_addresses6(struct config_load *load, const struct config_port *p)
{
	static const uint8_t unspecified[16];
	char shown[ADDRESS_TEXT];
	bool any = false;

	for (unsigned i = 0; i < p->address_count; i++) {
		const struct ip_address *a = &p->addresses[i].address;

		if (a->version != IP_V6)
			continue;
		any = true;
		if (a->bytes[0] == 0xff || memcmp(a->bytes, unspecified, 15) == 0)
			config_error(load, config_place(load, &p->addresses[i]),
				"own address %s is multicast, loopback or none: write one of the "
				"link's network",
				address_format(a, shown));
	}
	if (any && p->mtu < LIMIT_MTU_MIN6)
		config_error(load, config_place(load, &p->mtu),
			"mtu %u of port %s is too small for its IPv6 addresses: write %u at least, "
			"or remove them",
			p->mtu, p->name, LIMIT_MTU_MIN6);
}

static void check_ports(struct config_load *load)
{
	const struct config *c = load->config;
	bool subscriber = false;

	if (!config_walked(load, "ports"))
		return;
	check_unique(load, "port name", c->ports[0].name, c->port_count, sizeof(c->ports[0]),
		compare_texts, say_text);
	for (unsigned i = 0; i < c->port_count; i++) {
		subscriber |= c->ports[i].side == SIDE_SUBSCRIBER;
		check_unique(load, "address", &c->ports[i].addresses[0].address,
			c->ports[i].address_count, sizeof(c->ports[i].addresses[0]),
			compare_addresses, say_address);
		check_networks(load, i);
		check_device(load, i);
		check_addresses6(load, &c->ports[i]);
	}
	if (!subscriber)
		config_error(load, config_place(load, c->ports),
			"no port has side: subscriber: clients must come in somewhere, name one");
}

static void check_cores(struct config_load *load)
{
	const struct config_dataplane *d = &load->config->dataplane;

	if (d->cores_count && d->cores_count != d->workers)
		config_error(load, config_place(load, d->cores),
			"dataplane.cores names %u CPUs for %u workers: name one for each worker",
			d->cores_count, d->workers);
}

// The port whose network a router is in, or that is named where its address is link-local; NULL.
static const struct config_port *via_port(
	const struct config *c, const struct config_route *r, const struct ip_address *via)
{
	for (unsigned p = 0; p < c->port_count; p++) {
		const struct config_port *port = &c->ports[p];

		if (link_local(via)) {
			if (strcmp(port->name, r->port) == 0)
				return port;
			continue;
		}
		for (unsigned i = 0; i < port->address_count; i++)
			if (prefix_contains(&port->addresses[i].network, via))
				return port;
	}
	return NULL;
}

static bool has_ip6(const struct config_port *p)
{
	for (unsigned i = 0; i < p->address_count; i++)
		if (p->addresses[i].address.version == IP_V6)
			return true;
	return false;
}

// A router whose port is not named as it has to be. The place is that of the router, or of the
// name.
static void refuse_link_local(
	struct config_load *load, const struct config_route *r, const struct ip_address *via)
{
	char shown[ADDRESS_TEXT];

	if (*r->port)
		config_error(load, config_place(load, r->port),
			"there is no port %s: name one of ports", r->port);
	else
		config_error(load, config_place(load, via),
			"via %s is link-local, and may be on any port: add port: NAME",
			address_format(via, shown));
}

static void check_via(
	struct config_load *load, const struct config_route *r, const struct ip_address *via)
{
	const struct config_port *port = via_port(load->config, r, via);
	yaml_mark_t place = config_place(load, via);
	char shown[ADDRESS_TEXT], to[ADDRESS_TEXT];

	address_format(via, shown);
	if (via->version != r->to.address.version)
		config_error(load, place, "via %s and to %s are not of one IP version: change one",
			shown, prefix_format(&r->to, to));
	else if (own_address(load->config, via, 0))
		config_error(load, place, "via %s is an own address: name the router's", shown);
	else if (!port && link_local(via))
		refuse_link_local(load, r, via);
	else if (!port)
		config_error(load, place,
			"via %s is in the network of no port: name a router that is, or add the "
			"network to ports.addresses",
			shown);
	else if (link_local(via) && !has_ip6(port))
		config_error(load, config_place(load, r->port),
			"port %s has no IPv6 address: add one to ports.addresses", port->name);
	else if (r->via_count > 1 && port->side != SIDE_NETWORK)
		config_error(load, place,
			"via %s is on a subscriber port, where a route has one router: leave one, "
			"or give each a prefix of its own",
			shown);
}

static void check_route(struct config_load *load, const struct config_route *r)
{
	bool local = false;

	for (uint16_t i = 0; i < r->via_count; i++) {
		check_via(load, r, &r->via[i]);
		local |= link_local(&r->via[i]);
	}
	if (*r->port && !local)
		config_error(load, config_place(load, r->port),
			"routes.port %s goes with a link-local via alone: remove it", r->port);
}

static void check_routes(struct config_load *load)
{
	const struct config *c = load->config;

	if (!config_walked(load, "routes") || c->route_count == 0)
		return;
	check_unique(load, "route to", &c->routes[0].to, c->route_count, sizeof(c->routes[0]),
		compare_prefixes, say_prefix);
	for (uint32_t i = 0; i < c->route_count && config_walked(load, "ports"); i++)
		check_route(load, &c->routes[i]);
}

static void check_listeners(struct config_load *load)
{
	const struct config *c = load->config;
	char shown[ADDRESS_TEXT];

	if (!config_walked(load, "listeners"))
		return;
	check_unique(load, "listener name", c->listeners[0].name, c->listener_count,
		sizeof(c->listeners[0]), compare_texts, say_text);
	check_unique(load, "listener address", &c->listeners[0].address, c->listener_count,
		sizeof(c->listeners[0]), compare_addresses, say_address);
	for (unsigned i = 0; i < c->listener_count && config_walked(load, "ports"); i++)
		if (!own_address(c, &c->listeners[i].address, SIDE_SUBSCRIBER))
			config_error(load, config_place(load, &c->listeners[i].address),
				"listener address %s is none of a subscriber port's: add it to "
				"ports.addresses, or choose one of these",
				address_format(&c->listeners[i].address, shown));
}

// Several keys for one peer are for rotation; one that is there twice is a mistake.
static int compare_psks(const void *a, const void *b)
{
	const struct config_psk *l = a, *r = b;
	int order = memcmp(&l->peer, &r->peer, sizeof(l->peer));

	if (!order)
		order = strcmp(l->identity, r->identity);
	if (!order)
		order = (l->secret_length > r->secret_length) -
			(l->secret_length < r->secret_length);
	return order ? order : memcmp(l->secret, r->secret, l->secret_length);
}

static void check_credentials(struct config_load *load)
{
	const struct config *c = load->config;

	for (unsigned i = 0; i < c->listener_count; i++)
		if (!c->listeners[i].clear_l2tp) {
			config_error(load, config_place(load, &c->listeners[i]),
				"listener %s requires ipsec, and there is neither a pre-shared key "
				"nor a certificate: add ike: {psks: [{peer: any, secret: {file: "
				"PATH}}]} or certificates: {own: [...]}, or set ipsec: optional",
				c->listeners[i].name);
			return;
		}
}

static void check_psks(struct config_load *load)
{
	const struct config *c = load->config;

	if (!config_walked(load, "ike"))
		return;
	if (c->psk_count)
		check_unique(load, "pre-shared key for", &c->psks[0].peer, c->psk_count,
			sizeof(c->psks[0]), compare_psks, say_prefix);
	if (!c->psk_count && !c->certificates.own_count && config_walked(load, "certificates") &&
		config_walked(load, "listeners"))
		check_credentials(load);
}

static void check_own(struct config_load *load, const struct config_own_certificate *own)
{
	if (*own->pkcs12 ? *own->certificate || *own->key : !*own->certificate || !*own->key)
		config_error(load, config_place(load, own),
			"certificates.own is incomplete: name a certificate and its key, or "
			"pkcs12 alone");
}

static void check_ocsp(struct config_load *load, const struct config_authority *authority)
{
	if (*authority->ocsp && strncasecmp(authority->ocsp, "http://", 7) != 0)
		config_error(load, config_place(load, authority->ocsp),
			"certificates.authorities.ocsp %s is not http://...: write its address so; "
			"the answers are signed and need no TLS",
			authority->ocsp);
}

static void check_certificates(struct config_load *load)
{
	const struct config_certificates *k = &load->config->certificates;

	if (!config_walked(load, "certificates"))
		return;
	for (unsigned i = 0; i < k->own_count; i++)
		check_own(load, &k->own[i]);
	for (unsigned i = 0; i < k->authority_count; i++)
		check_ocsp(load, &k->authorities[i]);
}

// Whether a weak algorithm stands in its list, which legacy must allow.
static bool check_listed(struct config_load *load, const char *key, const struct config_list *list,
	unsigned value, const char *word, bool allowed)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (list->values[i] != value)
			continue;
		if (!allowed)
			config_error(load, config_place(load, &list->values[i]),
				"ike.%s %s is weak and not allowed: remove it, or add "
				"legacy: [%s] to ike",
				key, word, word);
		return true;
	}
	return false;
}

// A weak algorithm stands in its list only when legacy names it too; named there alone, it goes to
// the end.
static void check_weak(struct config_load *load, const char *key, struct config_list *list,
	unsigned value, const char *word, bool allowed)
{
	if (!check_listed(load, key, list, value, word, allowed) && allowed &&
		list->count < CONFIG_OFFERS)
		list->values[list->count++] = (uint16_t)value;
}

// Of two settings, the place of the one that is in the file.
static yaml_mark_t either_place(const struct config_load *load, const void *a, const void *b)
{
	yaml_mark_t mark = config_place(load, a);

	return mark.index ? mark : config_place(load, b);
}

static void check_ike(struct config_load *load)
{
	struct config_ike *k = &load->config->ike;

	if (!config_walked(load, "ike"))
		return;
	check_weak(load, "encryption", &k->encryption, IKE_3DES, "3des", k->legacy_3des);
	check_weak(load, "hash", &k->hash, IKE_MD5, "md5", k->legacy_md5);
	check_weak(load, "group", &k->group, IKE_MODP_1536, "modp-1536", k->legacy_modp1536);
	check_weak(load, "group", &k->group, IKE_MODP_1024, "modp-1024", k->legacy_modp1024);
	// For ESP it must be named in both places: who allows it for IKE alone does not want it
	// here.
	(void)check_listed(
		load, "esp-cipher", &k->esp_cipher, ESP_CIPHER_3DES, "3des", k->legacy_3des);
	if (k->esp_extended_sequence && k->replay_window == 0)
		config_error(load, config_place(load, &k->esp_extended_sequence),
			"ike.esp-extended-sequence needs a replay window: remove it, or set "
			"ike.replay-window");
	if (k->replay_window % 32)
		config_error(load, config_place(load, &k->replay_window),
			"ike.replay-window %u is no multiple of 32: write %u", k->replay_window,
			(k->replay_window + 31u) / 32 * 32);
	if (k->dpd_timeout_ms < k->dpd_delay_ms)
		config_error(load, either_place(load, &k->dpd_timeout_ms, &k->dpd_delay_ms),
			"ike.dpd-timeout is shorter than ike.dpd-delay: make it longer");
}

static void check_l2tp(struct config_load *load)
{
	const struct config_l2tp *l = &load->config->l2tp;

	if (config_walked(load, "l2tp") && l->retransmit_max_ms < l->retransmit_ms)
		config_error(load, either_place(load, &l->retransmit_max_ms, &l->retransmit_ms),
			"l2tp.retransmit-max is shorter than l2tp.retransmit: make it longer");
}

// The least that outer IPv4, UDP, L2TP and PPP take of a packet, without IPsec.
enum { LEAST_OVERHEAD = 20 + 8 + 6 + 2 };

static void check_mtu(
	struct config_load *load, const char *key, const uint16_t *value, unsigned largest)
{
	if (*value <= largest)
		return;
	config_error(load, config_place(load, value),
		"ppp.%s %u does not fit the subscriber ports: use at most %u, or raise their mtu",
		key, *value, largest);
}

// The address of ours that PPP tells when the config names none.
static struct ip_address first_address(const struct config *c)
{
	for (unsigned i = 0; i < c->port_count; i++)
		for (unsigned k = 0; k < c->ports[i].address_count; k++)
			if (c->ports[i].side == SIDE_SUBSCRIBER &&
				c->ports[i].addresses[k].address.version == IP_V4)
				return c->ports[i].addresses[k].address;
	return (struct ip_address){0};
}

static void check_local(struct config_load *load)
{
	struct config *c = load->config;

	if (config_place(load, &c->ppp.local).index != 0)
		return;
	c->ppp.local = first_address(c);
	if (c->ppp.local.version == IP_NONE)
		config_error(load, config_place(load, c->ports),
			"ppp.local-address is missing, and no subscriber port has an IPv4 address "
			"to take: add it, for example local-address: 100.64.0.1");
}

// Who comes without IPsec has to have a way to prove who he is.
static void check_pap(struct config_load *load)
{
	const struct config *c = load->config;

	for (unsigned i = 0; i < c->ppp.auth.count; i++)
		if (c->ppp.auth.values[i] != PPP_AUTH_PAP || c->ppp.pap_in_clear)
			return;
	for (unsigned i = 0; i < c->listener_count; i++)
		if (c->listeners[i].clear_l2tp) {
			config_error(load, config_place(load, &c->ppp.auth),
				"ppp.auth is pap alone, and listener %s serves L2TP without IPsec: "
				"add chap, or pap-in-clear: true",
				c->listeners[i].name);
			return;
		}
}

static void check_ppp(struct config_load *load)
{
	struct config *c = load->config;
	unsigned mtu = 0;

	if (!config_walked(load, "ports") || !config_walked(load, "ppp"))
		return;
	for (unsigned i = c->port_count; i > 0; i--)
		if (c->ports[i - 1].side == SIDE_SUBSCRIBER && c->ports[i - 1].mtu > mtu)
			mtu = c->ports[i - 1].mtu;
	if (mtu == 0)
		return;
	if (config_walked(load, "listeners"))
		check_pap(load);
	check_local(load);
	check_mtu(load, "mru", &c->ppp.mru, mtu - LEAST_OVERHEAD);
	check_mtu(load, "mtu", &c->ppp.mtu, mtu - LEAST_OVERHEAD);
}

// The lists of prefixes of a pool: addresses, prefixes for clients, prefixes to delegate from.
enum { POOL_ADDRESSES, POOL_PREFIXES, POOL_DELEGATED, POOL_KINDS };

static const struct ip_prefix *pool_prefixes(
	const struct config_pool *p, unsigned kind, unsigned *count)
{
	switch (kind) {
	case POOL_ADDRESSES:
		*count = p->prefix_count;
		return p->prefixes;
	case POOL_PREFIXES:
		*count = p->prefix6_count;
		return p->prefixes6;
	default:
		*count = p->delegated_count;
		return p->delegated;
	}
}

// Of one list those that stand before the given one. Returns true after an error.
static bool overlaps_one_of(struct config_load *load, unsigned pool, const struct ip_prefix *p,
	unsigned q, unsigned kind)
{
	const struct config *c = load->config;
	char one[ADDRESS_TEXT], other[ADDRESS_TEXT];
	unsigned count;
	const struct ip_prefix *before = pool_prefixes(&c->pools[q], kind, &count);

	for (unsigned i = 0; i < count; i++) {
		if (&before[i] == p)
			return true;
		if (!overlap(p, &before[i]))
			continue;
		config_error(load, config_place(load, p),
			"prefix %s of pool %s overlaps %s of pool %s: an address can be in one "
			"alone",
			prefix_format(p, one), c->pools[pool].name,
			prefix_format(&before[i], other), c->pools[q].name);
		return true;
	}
	return false;
}

// Prefixes of one pool and of two.
static void check_overlaps(struct config_load *load, unsigned pool, const struct ip_prefix *p)
{
	for (unsigned q = 0; q <= pool; q++)
		for (unsigned kind = 0; kind < POOL_KINDS; kind++)
			if (overlaps_one_of(load, pool, p, q, kind))
				return;
}

// Bits: 16 million addresses or prefixes, more than there can be sessions.
enum { POOL_WIDEST = 8, POOL_WIDEST_BITS = 24 };

static void check_pool(struct config_load *load, unsigned pool, unsigned kind)
{
	const struct config_pool *owner = &load->config->pools[pool];
	unsigned count, each = kind == POOL_DELEGATED ? owner->delegated_length : CONFIG_PREFIX6;
	unsigned widest = kind == POOL_ADDRESSES ? POOL_WIDEST : each - POOL_WIDEST_BITS;
	const struct ip_prefix *p = pool_prefixes(owner, kind, &count);
	char shown[ADDRESS_TEXT];

	for (unsigned i = 0; i < count; i++) {
		if (p[i].length < widest)
			config_error(load, config_place(load, &p[i]),
				"prefix %s of pool %s is too wide: use /%u or longer",
				prefix_format(&p[i], shown), owner->name, widest);
		else if (kind != POOL_ADDRESSES && p[i].length > each)
			config_error(load, config_place(load, &p[i]),
				"prefix %s of pool %s is too small for one client: use /%u or "
				"shorter",
				prefix_format(&p[i], shown), owner->name, each);
		check_overlaps(load, pool, &p[i]);
	}
}

static void check_pools(struct config_load *load)
{
	const struct config *c = load->config;

	if (!config_walked(load, "pools"))
		return;
	check_unique(load, "pool name", c->pools[0].name, c->pool_count, sizeof(c->pools[0]),
		compare_texts, say_text);
	for (unsigned i = 0; i < c->pool_count; i++) {
		if (c->pools[i].prefix_count + c->pools[i].prefix6_count == 0)
			config_error(load, config_place(load, &c->pools[i]),
				"pool %s has neither prefixes nor ipv6-prefixes: add one of them",
				c->pools[i].name);
		for (unsigned kind = 0; kind < POOL_KINDS; kind++)
			check_pool(load, i, kind);
	}
}

bool config_pool_known(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->pool_count; i++)
		if (strcmp(c->pools[i].name, name) == 0)
			return true;
	return false;
}

static void check_remote_access(struct config_load *load)
{
	const struct config *c = load->config;
	const struct config_remote_access *r = &c->remote_access;

	if (!config_walked(load, "remote-access"))
		return;
	if (*r->pool && config_walked(load, "pools") && !config_pool_known(c, r->pool))
		config_error(load, config_place(load, r->pool),
			"remote-access: there is no pool %s: name one of pools", r->pool);
	if (*r->group && config_walked(load, "groups") && !config_group_number(c, r->group))
		config_error(load, config_place(load, r->group),
			"remote-access: there is no group %s: name one of groups", r->group);
}

static void check_user(struct config_load *load, const struct config_user *u)
{
	const struct config *c = load->config;
	char name[CONFIG_SAY], shown[ADDRESS_TEXT];

	config_say_value(u->name, strlen(u->name), name);
	if (*u->pool && config_walked(load, "pools") && !config_pool_known(c, u->pool))
		config_error(load, config_place(load, u->pool),
			"user %s: there is no pool %s: name one of pools", name, u->pool);
	if (*u->group && config_walked(load, "groups") && !config_group_number(c, u->group))
		config_error(load, config_place(load, u->group),
			"user %s: there is no group %s: name one of groups", name, u->group);
	if (u->prefix6.address.version != IP_NONE && u->prefix6.length != CONFIG_PREFIX6)
		config_error(load, config_place(load, &u->prefix6),
			"user %s: ipv6-prefix %s is no /%u: write one", name,
			prefix_format(&u->prefix6, shown), CONFIG_PREFIX6);
	if (u->delegated.address.version != IP_NONE &&
		(u->delegated.length == 0 || u->delegated.length > CONFIG_PREFIX6))
		config_error(load, config_place(load, &u->delegated),
			"user %s: delegated-prefix %s is not /1 to /%u: write one", name,
			prefix_format(&u->delegated, shown), CONFIG_PREFIX6);
	if (u->address.version == IP_NONE)
		return;
	if (*u->pool)
		config_error(load, config_place(load, u->pool),
			"user %s has a fixed address and a pool: remove one", name);
	if ((config_walked(load, "ports") && own_address(c, &u->address, 0)) ||
		address_equal(&u->address, &c->ppp.local))
		config_error(load, config_place(load, &u->address),
			"user %s: address %s is an own address: choose another", name,
			address_format(&u->address, shown));
}

static void check_users(struct config_load *load)
{
	const struct config *c = load->config;

	if (!config_walked(load, "users") || c->user_count == 0)
		return;
	check_unique(load, "user", c->users[0].name, c->user_count, sizeof(c->users[0]),
		compare_texts, say_text);
	check_unique(load, "address", &c->users[0].address, c->user_count, sizeof(c->users[0]),
		compare_addresses, say_address);
	check_unique(load, "prefix", &c->users[0].prefix6, c->user_count, sizeof(c->users[0]),
		compare_prefixes, say_prefix);
	for (uint32_t i = 0; i < c->user_count; i++)
		check_user(load, &c->users[i]);
}

static void check_api(struct config_load *load)
{
	static const struct ip_address six = {.version = IP_V6, .bytes = {[15] = 1}};
	const struct config_api *a = &load->config->api;
	char shown[ADDRESS_TEXT];

	if (!config_walked(load, "api"))
		return;
	if (a->tcp.version != IP_NONE && !(a->tcp.version == IP_V4 && a->tcp.bytes[0] == 127) &&
		!address_equal(&a->tcp, &six))
		config_error(load, config_place(load, &a->tcp),
			"api.tcp %s is no loopback address, and there is only loopback in this "
			"version: use 127.0.0.1:8080, or api.socket",
			address_port_format(&a->tcp, a->tcp_port, shown));
	if (config_walked(load, "dataplane") &&
		strcmp(a->socket, load->config->dataplane.socket) == 0)
		config_error(load, either_place(load, a->socket, load->config->dataplane.socket),
			"api.socket and dataplane.socket are the same: choose another for one");
}

void config_check(struct config_load *load)
{
	if (config_walked(load, "dataplane"))
		check_cores(load);
	check_ports(load);
	check_routes(load);
	check_listeners(load);
	check_psks(load);
	check_certificates(load);
	check_remote_access(load);
	check_ike(load);
	check_l2tp(load);
	check_ppp(load);
	check_pools(load);
	config_check_groups(load);
	check_users(load);
	config_check_radius(load);
	check_api(load);
}
