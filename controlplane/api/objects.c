// SPDX-License-Identifier: Apache-2.0

#include "objects.h"

#include "page.h"

#include "contract/drop.h"
#include "contract/ids.h"
#include "contract/stats.h"
#include "contract/version.h"
#include "controlplane/dataplane.h"
#include "controlplane/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// A counter of the stats segment, whole, while its owner goes on writing.
#define READ(counter) ((json_int_t)__atomic_load_n(&(counter), __ATOMIC_RELAXED))

enum { TEXT_SHOWN = 1024 }; // bytes of a text after escaping

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

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

// Bytes from the wire; null when there are none.
static json_t *wire_text(const char *bytes, size_t most)
{
	char text[TEXT_SHOWN];
	size_t n = strnlen(bytes, most);

	return n ? json_string(log_text(bytes, n, text, sizeof(text))) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *address_text(const struct ip_address *a)
{
	char text[ADDRESS_TEXT];

	return a->version == IP_NONE ? json_null() : json_string(address_format(a, text));
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
	char text[TEXT_SHOWN];

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
	return json_pack("{s:I, s:I, s:I}", "packets", READ(d->packets), "bytes", READ(d->bytes),
		"drops", READ(d->drops));
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

static json_t *subscriber_object(const struct subscriber_info *i)
{
	const struct l2tp_session_info *l = &i->l2tp;
	json_t *object = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "id", number(i->id),
		"user", wire_text(i->user, CONFIG_TEXT), "state", i->state_word, "address",
		address_text(&i->address), "pool", text_or_null(i->pool), "peer",
		end(&l->flow.remote, l->flow.remote_port), "listener",
		address_text(&l->flow.local));

	if (!object)
		return NULL;
	if (l->peer)
		json_object_set_new(object, "peer_id", number(l->peer));
	json_object_set_new(object, "tunnel", number(l->tunnel));
	json_object_set_new(object, "session", number(i->session));
	json_object_set_new(object, "session_id", number(l->session_id));
	json_object_set_new(object, "host_name", wire_text(l->host_name, L2TP_TEXT));
	json_object_set_new(object, "calling_number", wire_text(l->calling, L2TP_TEXT));
	json_object_set_new(object, "auth",
		i->link.auth ? json_string(ppp_auth_word(i->link.auth)) : json_null());
	json_object_set_new(object, "mru", number(i->link.mru));
	json_object_set_new(object, "peer_mru", number(i->link.peer_mru));
	json_object_set_new(object, "age_ms", number(i->age_ms));
	json_object_set_new(object, "up_ms", i->up_ms ? number(i->up_ms) : json_null());
	json_object_set_new(object, "setup_ms", i->setup_ms ? number(i->setup_ms) : json_null());
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
		"listener", address_text(&i->flow.local), "state", i->state, "host_name",
		wire_text(i->host_name, L2TP_TEXT), "vendor_name",
		wire_text(i->vendor_name, L2TP_TEXT), "sessions", (json_int_t)i->sessions);

	if (!object)
		return NULL;
	// In clear there is neither a peer nor a pair of SAs.
	if (i->peer)
		json_object_set_new(object, "peer_id", number(i->peer));
	if (i->sa)
		json_object_set_new(object, "spi_in", spi_text(i->sa));
	json_object_set_new(object, "firmware", number(i->firmware));
	json_object_set_new(object, "ns", number(i->ns));
	json_object_set_new(object, "nr", number(i->nr));
	json_object_set_new(object, "peer_window", number(i->peer_window));
	json_object_set_new(object, "congestion_window", number(i->congestion_window));
	json_object_set_new(object, "queued", number(i->queued));
	json_object_set_new(object, "retransmits", number(i->retransmits));
	json_object_set_new(object, "age_ms", number(i->age_ms));
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
		"state", i->state, "host_name", wire_text(i->host_name, L2TP_TEXT),
		"calling_number", wire_text(i->calling, L2TP_TEXT), "called_number",
		wire_text(i->called, L2TP_TEXT));

	if (!object)
		return NULL;
	if (i->peer)
		json_object_set_new(object, "peer_id", number(i->peer));
	json_object_set_new(object, "sub_address", wire_text(i->sub_address, L2TP_TEXT));
	json_object_set_new(object, "serial", number(i->serial));
	json_object_set_new(object, "tx_speed", number(i->tx_speed));
	json_object_set_new(object, "rx_speed", number(i->rx_speed));
	json_object_set_new(object, "sequencing", json_boolean(i->sequencing_required));
	json_object_set_new(object, "age_ms", number(i->age_ms));
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
		address_text(&i->flow.local), "state", i->state, "initiator_spi",
		cookie_text(i->initiator_spi), "responder_spi", cookie_text(i->responder_spi),
		"identity", text_or_null(i->identity));

	if (!object)
		return NULL;
	json_object_set_new(object, "encryption", text_or_null(i->encryption));
	json_object_set_new(object, "hash", text_or_null(i->hash));
	json_object_set_new(object, "group", text_or_null(i->group));
	json_object_set_new(object, "nat_peer", json_boolean(i->nat_peer));
	json_object_set_new(object, "nat_us", json_boolean(i->nat_us));
	json_object_set_new(object, "age_ms", number(i->age_ms));
	json_object_set_new(object, "expires_ms", number(i->expires_ms));
	return object;
}

static void set_sa_traffic(json_t *object, uint32_t spi)
{
	uint32_t count, index = id_index(spi);
	const struct stats_sa *sas = dataplane_stats_sas(&count);

	// Counters of another generation are another SA's.
	if (!sas || index >= count || READ(sas[index].spi_in) != spi)
		return;
	json_object_set_new(object, "uplink",
		json_pack("{s:I, s:I, s:I, s:I}", "packets", READ(sas[index].in_packets), "bytes",
			READ(sas[index].in_bytes), "replays", READ(sas[index].in_replays),
			"failures", READ(sas[index].in_failures)));
	json_object_set_new(object, "downlink",
		json_pack("{s:I, s:I}", "packets", READ(sas[index].out_packets), "bytes",
			READ(sas[index].out_bytes)));
}

static json_t *esp_object(const struct esp_sa_info *i)
{
	json_t *object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:I, s:I}",
		"peer_id", (json_int_t)i->peer, "peer", end(&i->flow.remote, i->flow.remote_port),
		"listener", address_text(&i->flow.local), "spi_in", spi_text(i->spi_in), "spi_out",
		spi_text(i->spi_out), "current", (int)i->current, "udp",
		(int)(i->flow.remote_port != 0), "cipher", text_or_null(i->cipher), "integrity",
		text_or_null(i->integrity), "age_ms", (json_int_t)i->age_ms, "expires_ms",
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

// ---- the dataplane

static json_t *worker_object(uint32_t worker, const struct stats_worker *w)
{
	json_int_t total = READ(w->cycles_total), dropped = 0;
	json_t *object = json_object();

	for (unsigned i = 0; i < DROP_COUNT; i++)
		dropped += READ(w->drops[i]);
	json_object_set_new(object, "worker", number(worker));
	json_object_set_new(object, "lcore", json_integer(READ(w->lcore)));
	json_object_set_new(object, "busy",
		json_real(total ? (double)READ(w->cycles_busy) / (double)total : 0));
	json_object_set_new(object, "received", json_integer(READ(w->received)));
	json_object_set_new(object, "transmitted", json_integer(READ(w->transmitted)));
	json_object_set_new(object, "punted", json_integer(READ(w->punted)));
	json_object_set_new(object, "injected", json_integer(READ(w->injected)));
	json_object_set_new(object, "created", json_integer(READ(w->created)));
	json_object_set_new(object, "taken", json_integer(READ(w->taken)));
	json_object_set_new(object, "given", json_integer(READ(w->given)));
	json_object_set_new(object, "held", json_integer(READ(w->held)));
	json_object_set_new(object, "dropped", json_integer(dropped));
	json_object_set_new(object, "loops", json_integer(READ(w->loops)));
	return object;
}

static json_t *get_workers(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_worker *workers = dataplane_stats_workers(&count);
	json_t *list = json_array();

	for (uint32_t i = 0; workers && i < count; i++)
		json_array_append_new(list, worker_object(i, &workers[i]));
	return json_pack("{s:o, s:n}", "workers", list, "next");
}

static const char *side_word(unsigned side)
{
	return side == SIDE_SUBSCRIBER ? "subscriber" : side == SIDE_NETWORK ? "network" : "?";
}

static json_t *port_object(const struct stats_port *p)
{
	json_t *object = json_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1], p->mac[2],
		p->mac[3], p->mac[4], p->mac[5]);
	json_object_set_new(object, "name", wire_text(p->name, LIMIT_NAME));
	json_object_set_new(object, "side", json_string(side_word(p->side)));
	json_object_set_new(object, "link", json_boolean(p->link));
	json_object_set_new(object, "mac", json_string(mac));
	json_object_set_new(object, "mtu", number(p->mtu));
	json_object_set_new(object, "speed_mbit", json_integer(READ(p->speed)));
	json_object_set_new(object, "rx_packets", json_integer(READ(p->rx_packets)));
	json_object_set_new(object, "rx_bytes", json_integer(READ(p->rx_bytes)));
	json_object_set_new(object, "rx_missed", json_integer(READ(p->rx_missed)));
	json_object_set_new(object, "rx_errors", json_integer(READ(p->rx_errors)));
	json_object_set_new(object, "rx_no_memory", json_integer(READ(p->rx_no_memory)));
	json_object_set_new(object, "rx_lost",
		json_integer(READ(p->rx_missed) + READ(p->rx_errors) + READ(p->rx_no_memory)));
	json_object_set_new(object, "tx_packets", json_integer(READ(p->tx_packets)));
	json_object_set_new(object, "tx_bytes", json_integer(READ(p->tx_bytes)));
	json_object_set_new(object, "tx_errors", json_integer(READ(p->tx_errors)));
	json_object_set_new(object, "neighbours", json_integer(READ(p->neighbours)));
	return object;
}

static json_t *get_ports(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_port *ports = dataplane_stats_ports(&count);
	json_t *list = json_array();

	for (uint32_t i = 0; ports && i < count; i++)
		json_array_append_new(list, port_object(&ports[i]));
	return json_pack("{s:o, s:n}", "ports", list, "next");
}

// All reasons, in the order of contract/drop.h, with what each worker counted.
static json_t *get_drops(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_worker *workers = dataplane_stats_workers(&count);
	json_t *list = json_array();

	for (unsigned reason = 0; workers && reason < DROP_COUNT; reason++) {
		json_t *each = json_array();
		json_int_t packets = 0;

		for (uint32_t i = 0; i < count; i++) {
			json_int_t n = READ(workers[i].drops[reason]);

			packets += n;
			json_array_append_new(each, json_integer(n));
		}
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:s, s:o}", "reason", drop_word(reason), "packets",
				packets, "meaning", drop_meaning(reason), "workers", each));
	}
	return json_pack("{s:o, s:n}", "drops", list, "next");
}

// ---- pools

static json_t *pool_prefixes(const struct config *c, const char *name)
{
	json_t *list = json_array();
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; i < c->pool_count; i++)
		for (unsigned j = 0;
			strcmp(c->pools[i].name, name) == 0 && j < c->pools[i].prefix_count; j++)
			json_array_append_new(
				list, json_string(prefix_format(&c->pools[i].prefixes[j], text)));
	return list;
}

static void each_pool(void *context, const struct pool_info *i)
{
	struct list *l = context;

	json_array_append_new(l->page.list,
		json_pack("{s:s, s:o, s:I, s:I, s:I}", "name", i->name, "prefixes",
			pool_prefixes(l->o->config, i->name), "size", (json_int_t)i->size, "used",
			(json_int_t)i->used, "free", (json_int_t)i->size - i->used));
}

static json_t *get_pools(void *context, const struct api_query *query)
{
	struct list l = {.o = context, .page.list = json_array()};

	pools_each(l.o->pools, each_pool, &l);
	return json_pack("{s:o, s:n}", "pools", l.page.list, "next");
}

// ---- status

static json_t *dataplane_status(void)
{
	const struct stats_header *h = dataplane_stats();
	struct tm tm;
	char started[32];
	time_t t;

	if (!h)
		return json_pack("{s:b}", "connected", 0);
	t = (time_t)(h->started / 1000000000);
	gmtime_r(&t, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:s}", "connected", 1, "workers",
		(json_int_t)h->workers, "ports", (json_int_t)h->ports, "sas", (json_int_t)h->sas,
		"sessions", (json_int_t)h->sessions, "started", started);
}

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
		"contract", CONTRACT_VERSION, "uptime_ms", number(monotonic_ms() - o->started_ms),
		"dataplane", dataplane_status(), "subscribers", subscribers_status(o->subscribers),
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
				[API_WORKERS] = get_workers,
				[API_PORTS] = get_ports,
				[API_DROPS] = get_drops,
				[API_POOLS] = get_pools,
			},
		.disconnect = disconnect,
		.context = o,
	};
}
