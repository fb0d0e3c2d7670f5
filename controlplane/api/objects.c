// SPDX-License-Identifier: Apache-2.0

#include "objects.h"

#include "objects_dataplane.h"
#include "objects_certificate.h"
#include "objects_effective.h"
#include "objects_group.h"
#include "objects_policy.h"
#include "objects_radius.h"
#include "page.h"
#include "value.h"

#include "contract/ids.h"
#include "contract/stats.h"
#include "contract/version.h"
#include "controlplane/dataplane.h"
#include "controlplane/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// One list being made.
struct list {
	const struct objects *o;
	struct page page;
	bool putting;      // second round
	json_t *ike, *esp; // of sas
};

// ---- small values

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *end_text(const struct ip_address *a, uint16_t port, char text[ADDRESS_TEXT])
{
	return port ? address_port_format(a, port, text) : address_format(a, text);
}

// The end of a flow, "192.0.2.9:4500"; plain ESP has no port.
static json_t *end(const struct ip_address *a, uint16_t port)
{
	char text[ADDRESS_TEXT];

	return a->version == IP_NONE ? json_null() : json_string(end_text(a, port, text));
}

static json_t *spi_text(uint32_t spi)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08" PRIx32, spi);
	return json_string(text);
}

static json_t *cookie_text(const uint8_t spi[8])
{
	char text[17];

	for (unsigned i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", spi[i]);
	return json_string(text);
}

// ---- filters

// The peer with its port or without.
static bool is_peer(const struct api_query *q, const struct flow *flow)
{
	char text[ADDRESS_TEXT];

	if (!q->peer)
		return true;
	if (strcmp(q->peer, address_format(&flow->remote, text)) == 0)
		return true;
	return strcmp(q->peer, end_text(&flow->remote, flow->remote_port, text)) == 0;
}

static bool is_user(const struct api_query *q, const char *user)
{
	char text[VALUE_TEXT];

	return !q->user || strcmp(q->user, log_text(user, strlen(user), text, sizeof(text))) == 0;
}

static bool is_address(const struct api_query *q, const struct ip_address *a)
{
	char text[ADDRESS_TEXT];

	return !q->address ||
	       (a->version != IP_NONE && strcmp(q->address, address_format(a, text)) == 0);
}

// In the first round the id is noted; in the second, true when the object is on the page.
static bool wants(struct list *l, uint64_t id)
{
	if (l->putting)
		return page_takes(&l->page, id);
	page_offer(&l->page, id);
	return false;
}

static void list_init(struct list *l, const struct objects *o, const struct api_query *query)
{
	*l = (struct list){.o = o};
	page_init(&l->page, query);
}

static void list_second_round(struct list *l)
{
	page_settle(&l->page);
	l->putting = true;
}

// ---- packets of a session

static json_t *direction(const struct stats_direction *d)
{
	return json_pack("{s:I, s:I, s:I}", "packets", VALUE_COUNTER(d->packets), "bytes",
		VALUE_COUNTER(d->bytes), "drops", VALUE_COUNTER(d->drops));
}

static void set_traffic(json_t *object, uint32_t session)
{
	uint32_t count;
	const struct stats_session *sessions = dataplane_stats_sessions(&count);

	if (!sessions || session >= count)
		return;
	json_object_set_new(object, "uplink", direction(&sessions[session].uplink));
	json_object_set_new(object, "downlink", direction(&sessions[session].downlink));
}

// ---- subscribers

static json_t *number_or_null(uint64_t number)
{
	return number ? value_number(number) : json_null();
}

// What LCP agreed on; without LCP what IKE says.
static const char *auth_word(const struct subscriber_info *i)
{
	return i->link.auth ? ppp_auth_word(i->link.auth) : i->method;
}

// The line by LCP echo; loss is a fraction of the newest 32.
static json_t *line_object(const struct ppp_quality *q)
{
	json_t *object;

	if (!q)
		return json_null();
	object = json_pack(
		"{s:I, s:I}", "echoes", (json_int_t)q->echoes, "lost", (json_int_t)q->lost);
	if (!object)
		return NULL;
	json_object_set_new(object, "loss", q->echoes ? json_real(q->loss / 100.0) : json_null());
	json_object_set_new(object, "rtt_ms", q->measured ? value_number(q->rtt_ms) : json_null());
	json_object_set_new(
		object, "rtt_min_ms", q->measured ? value_number(q->rtt_min_ms) : json_null());
	json_object_set_new(
		object, "rtt_max_ms", q->measured ? value_number(q->rtt_max_ms) : json_null());
	return object;
}

static json_t *subscriber_object(const struct subscriber_info *i)
{
	const struct l2tp_session_info *l = &i->l2tp;
	json_t *object = json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id",
		value_number(i->id), "user", value_wire(i->user, CONFIG_TEXT), "access", i->access,
		"state", i->state_word, "address", value_address(&i->address), "pool",
		value_text(i->pool), "peer", end(&l->flow.remote, l->flow.remote_port), "listener",
		value_address(&l->flow.local));

	if (!object)
		return NULL;
	if (l->peer)
		json_object_set_new(object, "peer_id", value_number(l->peer));
	json_object_set_new(object, "ipv6_prefix", value_prefix(&i->prefix6));
	json_object_set_new(object, "ipv6_address", value_address(&i->address6));
	json_object_set_new(object, "delegated_prefix", value_prefix(&i->delegated));
	json_object_set_new(object, "tunnel", value_number(l->tunnel));
	json_object_set_new(object, "session", value_number(i->session));
	json_object_set_new(object, "session_id", number_or_null(l->session_id));
	json_object_set_new(object, "host_name", value_wire(l->host_name, L2TP_TEXT));
	json_object_set_new(object, "calling_number", value_wire(l->calling, L2TP_TEXT));
	json_object_set_new(object, "auth", value_text(auth_word(i)));
	json_object_set_new(object, "mru", number_or_null(i->link.mru));
	json_object_set_new(object, "peer_mru", number_or_null(i->link.peer_mru));
	json_object_set_new(object, "mtu", number_or_null(i->mtu));
	json_object_set_new(object, "path_mtu", number_or_null(i->path_mtu));
	json_object_set_new(object, "line", line_object(i->quality));
	json_object_set_new(object, "age_ms", value_number(i->age_ms));
	json_object_set_new(object, "up_ms", i->up_ms ? value_number(i->up_ms) : json_null());
	json_object_set_new(
		object, "setup_ms", i->setup_ms ? value_number(i->setup_ms) : json_null());
	objects_group_set(object, i->group);
	set_traffic(object, i->session);
	return object;
}

static void each_subscriber(void *context, const struct subscriber_info *i)
{
	struct list *l = context;
	const struct api_query *q = l->page.query;

	if (is_user(q, i->user) && is_peer(q, &i->l2tp.flow) && is_address(q, &i->address) &&
		wants(l, i->id))
		page_put(&l->page, i->id, subscriber_object(i));
}

static json_t *get_subscribers(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct list l;

	list_init(&l, o, query);
	subscribers_each(o->subscribers, each_subscriber, &l);
	list_second_round(&l);
	subscribers_each(o->subscribers, each_subscriber, &l);
	return page_body(&l.page, "subscribers");
}

// ---- tunnels

static json_t *tunnel_object(const struct l2tp_tunnel_info *i)
{
	json_t *object = json_pack("{s:i, s:i, s:o, s:o, s:s, s:o, s:o, s:I}", "tunnel", i->tunnel,
		"peer_tunnel", i->peer_tunnel, "peer", end(&i->flow.remote, i->flow.remote_port),
		"listener", value_address(&i->flow.local), "state", i->state, "host_name",
		value_wire(i->host_name, L2TP_TEXT), "vendor_name",
		value_wire(i->vendor_name, L2TP_TEXT), "sessions", (json_int_t)i->sessions);

	if (!object)
		return NULL;
	// In clear there is neither a peer nor a pair of SAs.
	if (i->peer)
		json_object_set_new(object, "peer_id", value_number(i->peer));
	if (i->sa)
		json_object_set_new(object, "spi_in", spi_text(i->sa));
	json_object_set_new(object, "firmware", value_number(i->firmware));
	json_object_set_new(object, "ns", value_number(i->ns));
	json_object_set_new(object, "nr", value_number(i->nr));
	json_object_set_new(object, "peer_window", value_number(i->peer_window));
	json_object_set_new(object, "congestion_window", value_number(i->congestion_window));
	json_object_set_new(object, "queued", value_number(i->queued));
	json_object_set_new(object, "retransmits", value_number(i->retransmits));
	json_object_set_new(object, "age_ms", value_number(i->age_ms));
	return object;
}

static void each_tunnel(void *context, const struct l2tp_tunnel_info *i)
{
	struct list *l = context;

	if (is_peer(l->page.query, &i->flow) && wants(l, i->tunnel))
		page_put(&l->page, i->tunnel, tunnel_object(i));
}

static json_t *get_tunnels(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct list l;

	list_init(&l, o, query);
	l2tp_each_tunnel(o->l2tp, each_tunnel, &l);
	list_second_round(&l);
	l2tp_each_tunnel(o->l2tp, each_tunnel, &l);
	return page_body(&l.page, "tunnels");
}

// ---- sessions

static json_t *session_object(const struct l2tp_session_info *i)
{
	json_t *object = json_pack("{s:I, s:i, s:i, s:i, s:o, s:s, s:o, s:o, s:o}", "session",
		(json_int_t)i->session, "tunnel", i->tunnel, "session_id", i->session_id,
		"peer_session", i->peer_session, "peer", end(&i->flow.remote, i->flow.remote_port),
		"state", i->state, "host_name", value_wire(i->host_name, L2TP_TEXT),
		"calling_number", value_wire(i->calling, L2TP_TEXT), "called_number",
		value_wire(i->called, L2TP_TEXT));

	if (!object)
		return NULL;
	if (i->peer)
		json_object_set_new(object, "peer_id", value_number(i->peer));
	json_object_set_new(object, "sub_address", value_wire(i->sub_address, L2TP_TEXT));
	json_object_set_new(object, "serial", value_number(i->serial));
	json_object_set_new(object, "tx_speed", value_number(i->tx_speed));
	json_object_set_new(object, "rx_speed", value_number(i->rx_speed));
	json_object_set_new(object, "sequencing", json_boolean(i->sequencing_required));
	json_object_set_new(object, "age_ms", value_number(i->age_ms));
	set_traffic(object, i->session);
	return object;
}

static void each_session(void *context, const struct l2tp_session_info *i)
{
	struct list *l = context;

	if (is_peer(l->page.query, &i->flow) && wants(l, i->session))
		page_put(&l->page, i->session, session_object(i));
}

static json_t *get_sessions(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct list l;

	list_init(&l, o, query);
	l2tp_each_session(o->l2tp, each_session, &l);
	list_second_round(&l);
	l2tp_each_session(o->l2tp, each_session, &l);
	return page_body(&l.page, "sessions");
}

// ---- SAs: a page is of peers, with all SAs of each

static json_t *ike_object(const struct ike_sa_info *i)
{
	json_t *object = json_pack("{s:I, s:o, s:o, s:s, s:o, s:o, s:o}", "peer_id",
		(json_int_t)i->peer, "peer", end(&i->flow.remote, i->flow.remote_port), "listener",
		value_address(&i->flow.local), "state", i->state, "initiator_spi",
		cookie_text(i->initiator_spi), "responder_spi", cookie_text(i->responder_spi),
		"identity", value_text(i->identity));

	if (!object)
		return NULL;
	json_object_set_new(object, "encryption", value_text(i->encryption));
	json_object_set_new(object, "hash", value_text(i->hash));
	json_object_set_new(object, "group", value_text(i->group));
	json_object_set_new(object, "nat_peer", json_boolean(i->nat_peer));
	json_object_set_new(object, "nat_us", json_boolean(i->nat_us));
	json_object_set_new(object, "age_ms", value_number(i->age_ms));
	json_object_set_new(object, "expires_ms", value_number(i->expires_ms));
	return object;
}

static void set_sa_traffic(json_t *object, uint32_t spi)
{
	uint32_t count, index = id_index(spi);
	const struct stats_sa *sas = dataplane_stats_sas(&count);

	// Counters of another generation are another SA's.
	if (!sas || index >= count || VALUE_COUNTER(sas[index].spi_in) != spi)
		return;
	json_object_set_new(object, "uplink",
		json_pack("{s:I, s:I, s:I, s:I}", "packets", VALUE_COUNTER(sas[index].in_packets),
			"bytes", VALUE_COUNTER(sas[index].in_bytes), "replays",
			VALUE_COUNTER(sas[index].in_replays), "failures",
			VALUE_COUNTER(sas[index].in_failures)));
	json_object_set_new(object, "downlink",
		json_pack("{s:I, s:I}", "packets", VALUE_COUNTER(sas[index].out_packets), "bytes",
			VALUE_COUNTER(sas[index].out_bytes)));
}

static json_t *esp_object(const struct esp_sa_info *i)
{
	json_t *object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:I, s:I}",
		"peer_id", (json_int_t)i->peer, "peer", end(&i->flow.remote, i->flow.remote_port),
		"listener", value_address(&i->flow.local), "spi_in", spi_text(i->spi_in), "spi_out",
		spi_text(i->spi_out), "current", (int)i->current, "udp",
		(int)(i->flow.remote_port != 0), "cipher", value_text(i->cipher), "integrity",
		value_text(i->integrity), "age_ms", (json_int_t)i->age_ms, "expires_ms",
		(json_int_t)i->expires_ms);

	if (object)
		set_sa_traffic(object, i->spi_in);
	return object;
}

static void each_ike(void *context, const struct ike_sa_info *i)
{
	struct list *l = context;

	if (is_peer(l->page.query, &i->flow) && wants(l, i->peer))
		json_array_append_new(l->ike, ike_object(i));
}

static void each_esp(void *context, const struct esp_sa_info *i)
{
	struct list *l = context;

	if (is_peer(l->page.query, &i->flow) && wants(l, i->peer))
		json_array_append_new(l->esp, esp_object(i));
}

static json_t *get_sas(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct list l;
	json_t *next;

	list_init(&l, o, query);
	ike_each_sa(o->ike, each_ike, &l);
	ike_each_esp(o->ike, each_esp, &l);
	list_second_round(&l);
	l.ike = json_array();
	l.esp = json_array();
	ike_each_sa(o->ike, each_ike, &l);
	ike_each_esp(o->ike, each_esp, &l);
	next = page_next(&l.page);
	page_free(&l.page);
	return json_pack("{s:o, s:o, s:o}", "ike", l.ike, "esp", l.esp, "next", next);
}

// ---- pools

static json_t *prefix_list(const struct ip_prefix *prefixes, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, value_prefix(&prefixes[i]));
	return list;
}

// Called in the order of the config.
static void each_pool(void *context, const struct pool_info *i)
{
	struct list *l = context;
	uint16_t number = (uint16_t)json_array_size(l->page.list);
	const struct config_pool *c = &l->o->config->pools[number];
	struct pool6_info six = pools6_info(l->o->pools6, number);
	struct pool6_info delegated = pools6_delegated_info(l->o->pools6, number);

	json_array_append_new(l->page.list,
		json_pack("{s:s, s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:o, s:I, s:I}", "name",
			i->name, "prefixes", prefix_list(c->prefixes, c->prefix_count), "size",
			(json_int_t)i->size, "used", (json_int_t)i->used, "free",
			(json_int_t)i->size - i->used, "ipv6_prefixes",
			prefix_list(c->prefixes6, c->prefix6_count), "ipv6_size",
			(json_int_t)six.size, "ipv6_used", (json_int_t)six.used,
			"delegated_prefixes", prefix_list(c->delegated, c->delegated_count),
			"delegated_size", (json_int_t)delegated.size, "delegated_used",
			(json_int_t)delegated.used));
}

static json_t *get_pools(void *context, const struct api_query *query)
{
	struct list l = {.o = context, .page.list = json_array()};

	pools_each(l.o->pools, each_pool, &l);
	return json_pack("{s:o, s:n}", "pools", l.page.list, "next");
}

// ---- status

static json_t *subscribers_status(const struct subscribers *s)
{
	struct subscribers_counters c;

	subscribers_counters(s, &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "present", (json_int_t)c.present,
		"forwarding", (json_int_t)c.forwarding, "started", (json_int_t)c.started, "up",
		(json_int_t)c.up, "failed", (json_int_t)c.failed, "authenticated",
		(json_int_t)c.authenticated, "refused", (json_int_t)c.refused);
}

static json_t *ike_status(const struct ike *ike)
{
	struct ike_counters c;

	ike_counters(ike, &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "peers", (json_int_t)c.peers,
		"half_open", (json_int_t)c.half_open, "started", (json_int_t)c.started,
		"established", (json_int_t)c.established, "refused", (json_int_t)c.refused,
		"invalid", (json_int_t)c.invalid, "retransmits", (json_int_t)c.retransmits);
}

static json_t *l2tp_status(const struct l2tp *l2tp)
{
	struct l2tp_counters c;

	l2tp_counters(l2tp, &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tunnels",
		(json_int_t)c.tunnels, "sessions", (json_int_t)c.sessions, "tunnels_refused",
		(json_int_t)c.tunnels_refused, "sessions_refused", (json_int_t)c.sessions_refused,
		"invalid", (json_int_t)c.invalid, "foreign", (json_int_t)c.foreign, "clear_refused",
		(json_int_t)c.clear_refused, "retransmits", (json_int_t)c.retransmits);
}

static json_t *get_status(void *context, const struct api_query *query)
{
	const struct objects *o = context;

	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "version", CULVERT_VERSION,
		"contract", CONTRACT_VERSION, "uptime_ms",
		value_number(monotonic_ms() - o->started_ms), "dataplane",
		objects_dataplane_status(), "subscribers", subscribers_status(o->subscribers),
		"ike", ike_status(o->ike), "l2tp", l2tp_status(o->l2tp));
}

static int disconnect(void *context, uint64_t id)
{
	const struct objects *o = context;

	return subscribers_disconnect(o->subscribers, id, "disconnected by the API");
}

void objects_source(struct objects *o, struct api_source *out)
{
	o->started_ms = monotonic_ms();
	*out = (struct api_source){
		.get =
			{
				[API_STATUS] = get_status,
				[API_SUBSCRIBERS] = get_subscribers,
				[API_TUNNELS] = get_tunnels,
				[API_SESSIONS] = get_sessions,
				[API_SAS] = get_sas,
				[API_WORKERS] = objects_dataplane_workers,
				[API_PORTS] = objects_dataplane_ports,
				[API_DROPS] = objects_dataplane_drops,
				[API_POOLS] = get_pools,
				[API_GROUPS] = objects_group_groups,
				[API_FILTERS] = objects_group_filters,
				[API_CERTIFICATES] = objects_certificate_certificates,
				[API_ALGORITHMS] = objects_policy_algorithms,
				[API_PSKS] = objects_policy_psks,
				[API_POLICY_CHECK] = objects_policy_check,
				[API_EFFECTIVE] = objects_effective,
				[API_RADIUS] = objects_radius,
			},
		.disconnect = disconnect,
		.context = o,
	};
}
