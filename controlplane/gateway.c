// SPDX-License-Identifier: Apache-2.0

// Who hears what: punted packets and events of the dataplane go down to ike, l2tp and subscriber;
// what ike knows of peers goes to l2tp, what l2tp knows of sessions to subscriber, and so does what
// ike knows of peers without L2TP.

#include "gateway.h"

#include "api/api.h"
#include "api/objects.h"
#include "auth/credentials.h"
#include "dataplane.h"
#include "install.h"
#include "ike/certificates.h"
#include "ike/ike.h"
#include "l2tp/l2tp.h"
#include "log.h"
#include "numbers.h"
#include "pool.h"
#include "radius/accounting.h"
#include "radius/client.h"
#include "radius/coa.h"
#include "subscriber.h"
#include "timer.h"
#include "aaa.h"
#include "users.h"
#include "work_loop.h"

#include "contract/channel.h"
#include "contract/ids.h"
#include "contract/stats.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <uv.h>

enum {
	FAREWELL_MS = 300,    // from Terminate-Request and StopCCN until IKE's Deletes follow
	ACCOUNTING_MS = 2000, // that the last reports may take then
	LOOK_MS = 20,         // how often that is looked at
	ALIVE_MS = 1000,      // how often the counters of the SAs are looked at for signs of life
};

struct gateway {
	const struct config *config;
	uv_loop_t *loop;
	uv_timer_t timer; // the next of the timers
	uv_check_t check; // after each round: time moves, timers fire
	struct timers *timers;
	struct timer alive;
	struct timer farewell;
	struct certificates *certificates;
	struct numbers numbers;
	struct ike *ike;
	struct l2tp *l2tp;
	struct pools *pools;
	struct pools6 *pools6;
	struct users *users;
	struct aaa *aaa;
	struct radius *radius; // NULL: no servers
	struct accounting *accounting;
	struct coa *coa;    // NULL: none
	uint32_t waited_ms; // at the end, for accounting
	struct subscribers *subscribers;
	struct objects objects;
	struct api *api;
	bool stopping;
};

// ---- time

static void timer_due(uv_timer_t *handle)
{
	struct gateway *g = handle->data;
	uint64_t now, next;

	uv_update_time(g->loop);
	now = uv_now(g->loop);
	next = timers_run(g->timers, now);
	if (next != UINT64_MAX)
		uv_timer_start(&g->timer, timer_due, next > now ? next - now : 0, 0);
}

static void timers_wake(void *context, uint64_t due)
{
	struct gateway *g = context;
	uint64_t now = uv_now(g->loop);

	uv_timer_start(&g->timer, timer_due, due > now ? due - now : 0, 0);
}

// Every callback of the loop sees the time of its round.
static void round_done(uv_check_t *handle)
{
	struct gateway *g = handle->data;

	timers_set_now(g->timers, uv_now(g->loop));
}

// ---- from the dataplane

static void packet_in(void *context, const struct packet *p, const uint8_t *data, size_t length)
{
	struct gateway *g = context;
	struct l2tp_from from = {
		.flow = {p->local, p->remote, p->local_port, p->remote_port},
		.peer = p->peer,
		.sa = p->sa,
	};

	timers_set_now(g->timers, uv_now(g->loop));
	switch (p->kind) {
	case PACKET_IKE:
		ike_input(g->ike, &from.flow, data, length);
		break;
	case PACKET_L2TP:
		// A tunnel on any pair but the newest would keep that pair from being deleted.
		if (p->sa)
			from.sa = ike_pair_used(g->ike, p->sa);
		if (from.sa || !p->peer)
			l2tp_input(g->l2tp, &from, data, length);
		break;
	case PACKET_IP6:
		subscribers_input_ip6(g->subscribers, p->session, data, length);
		break;
	case PACKET_IP4:
		subscribers_input_ip4(g->subscribers, p->session, data, length);
		break;
	case PACKET_PPP:
		subscribers_input(g->subscribers, p->session, data, length);
		break;
	}
}

static void event_in(void *context, uint32_t type, const void *body)
{
	struct gateway *g = context;
	const struct event_port_link *link = body;

	switch (type) {
	case EVENT_PEER_MOVED:
		ike_peer_moved(g->ike, body);
		break;
	case EVENT_SA_EXHAUSTING:
		ike_sa_exhausting(g->ike, body);
		break;
	case EVENT_SA_UNKNOWN:
		ike_sa_unknown(g->ike, body);
		break;
	case EVENT_PATH_MTU:
		subscribers_path_mtu(g->subscribers, body);
		break;
	case EVENT_PORT_LINK:
		if (link->port < g->config->port_count)
			log_event(LOG_PORT_LINK, NULL, "s:s, s:b", "port",
				g->config->ports[link->port].name, "up", (int)link->up);
		break;
	}
}

static void dataplane_up(void *context, const struct channel_offer *offer)
{
	(void)context;
	log_event(LOG_CONTROLPLANE_READY, NULL, "s:i", "workers", (int)offer->workers);
}

// Without a dataplane nothing reaches anybody: what was known of peers is of no use any more.
static void dataplane_down(void *context)
{
	struct gateway *g = context;

	ike_close_all(g->ike, "the dataplane is gone");
	l2tp_close_all(g->l2tp, "the dataplane is gone");
}

static const struct dataplane_events dataplane_events = {
	.up = dataplane_up,
	.down = dataplane_down,
	.packet = packet_in,
	.event = event_in,
};

// ---- between the modules

static void peer_sa(void *context, uint32_t peer, uint32_t sa)
{
	struct gateway *g = context;

	if (!subscribers_peer_sa(g->subscribers, peer, sa))
		l2tp_peer_sa(g->l2tp, peer, sa);
}

static void peer_down(void *context, uint32_t peer, const char *cause)
{
	struct gateway *g = context;

	l2tp_peer_down(g->l2tp, peer, cause);
	subscribers_peer_down(g->subscribers, peer, cause);
}

static void peer_moved(void *context, uint32_t peer, const struct flow *flow)
{
	struct gateway *g = context;

	subscribers_peer_moved(g->subscribers, peer, flow);
}

// The entry of a pair, or NULL.
static const struct stats_sa *stats_of(uint32_t spi_in)
{
	uint32_t count, index = id_index(spi_in);
	const struct stats_sa *sas = dataplane_stats_sas(&count);

	return sas && index < count && sas[index].spi_in == spi_in ? &sas[index] : NULL;
}

static bool pair_count(void *context, uint32_t spi_in, struct ike_pair_count *out)
{
	const struct stats_sa *sa = stats_of(spi_in);

	if (!sa)
		return false;
	*out = (struct ike_pair_count){.in_bytes = sa->in_bytes,
		.in_packets = sa->in_packets,
		.out_bytes = sa->out_bytes,
		.out_packets = sa->out_packets};
	return true;
}

static void access_ask(void *context, const struct ike_access_request *request)
{
	struct gateway *g = context;

	subscribers_access_ask(g->subscribers, request);
}

static void user_ask(void *context, const struct ike_user_request *request)
{
	struct gateway *g = context;

	subscribers_user_ask(g->subscribers, request);
}

static void user_gone(void *context, uint64_t attempt)
{
	struct gateway *g = context;

	// The subscribers go first, at the end.
	if (g->subscribers)
		subscribers_user_gone(g->subscribers, attempt);
}

static const struct ike_events ike_events = {
	.sa_current = peer_sa,
	.peer_down = peer_down,
	.access_ask = access_ask,
	.user_ask = user_ask,
	.user_gone = user_gone,
	.pair_count = pair_count,
	.peer_moved = peer_moved,
};

static void session_up(void *context, const struct l2tp_session_info *info)
{
	struct gateway *g = context;

	subscribers_session_up(g->subscribers, info);
}

static void session_down(void *context, uint32_t session, const char *cause)
{
	struct gateway *g = context;

	subscribers_session_down(g->subscribers, session, cause);
}

static const struct l2tp_events l2tp_events = {
	.session_up = session_up, .session_down = session_down};

// A peer whose ESP arrives is alive, whatever its IKE says.
static void look_at_esp(void *context, const struct esp_sa_info *info)
{
	struct gateway *g = context;
	const struct stats_sa *sa = stats_of(info->spi_in);

	if (sa && sa->in_last)
		ike_peer_alive(g->ike, info->peer, sa->in_last / 1000000);
}

static void look_for_life(void *context)
{
	struct gateway *g = context;

	ike_each_esp(g->ike, look_at_esp, g);
	(void)timer_start(g->timers, &g->alive, ALIVE_MS, look_for_life, g);
}

// ---- life

static bool make_certificates(struct gateway *g)
{
	char why[1024];

	g->certificates = certificates_create(g->config, g->timers, why, sizeof(why));
	if (!g->certificates) {
		log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s, s:s", "reason",
			"certificates of the config", "error", why);
		return false;
	}
	ike_set_certificates(
		g->ike, certificates_own(g->certificates), certificates_trust(g->certificates));
	return true;
}

static int coa_disconnect(void *context, const struct coa_match *match)
{
	struct gateway *g = context;

	return subscribers_disconnect_matching(g->subscribers, match, "coa: disconnect");
}

static int coa_change(void *context, const struct coa_match *match, const struct grant *change)
{
	struct gateway *g = context;

	return subscribers_change_matching(g->subscribers, match, change);
}

static const struct coa_events coa_events = {.disconnect = coa_disconnect, .change = coa_change};

static bool make_timers(struct gateway *g)
{
	g->timers = timers_create(timers_wake, g);
	if (g->timers)
		timers_set_now(g->timers, uv_now(g->loop));
	return g->timers != NULL;
}

// It says itself what is wrong.
static bool make_radius(struct gateway *g)
{
	if (g->config->radius.server_count)
		g->radius = radius_create(g->config, g->timers, g->loop);
	return g->radius || g->config->radius.server_count == 0;
}

static bool make_modules(struct gateway *g)
{
	const struct config *c = g->config;
	bool no_coa;

	g->pools = pools_create(c);
	g->pools6 = pools6_create(c);
	g->users = users_create(c);
	g->aaa = g->users ? aaa_create(c, g->users, g->radius) : NULL;
	for (unsigned i = 0; config_warning(c, i); i++)
		log_event(LOG_CONFIG_WARNING, NULL, "s:s", "warning", config_warning(c, i));
	g->ike = ike_create(c, g->timers, c->dataplane.sas, &ike_events, g);
	if (numbers_open(&g->numbers, c->dataplane.sessions))
		return false;
	g->l2tp = l2tp_create(c, g->timers, &g->numbers, &l2tp_events, g);
	if (!g->pools || !g->pools6 || !g->aaa || !g->ike || !g->l2tp)
		return false;
	g->subscribers = subscribers_create(c, g->timers, g->pools, g->pools6, g->aaa, &g->numbers);
	if (!g->subscribers)
		return false;
	subscribers_set_l2tp(g->subscribers, g->l2tp);
	subscribers_set_ike(g->subscribers, g->ike);
	g->accounting = accounting_create(c, g->timers, g->radius);
	subscribers_set_accounting(g->subscribers, g->accounting);
	g->coa = coa_create(c, g->timers, g->loop, &coa_events, g, &no_coa);
	return g->accounting && !no_coa;
}

static int make_api(struct gateway *g)
{
	struct api_source source;

	g->objects = (struct objects){
		.config = g->config,
		.ike = g->ike,
		.certificates = g->certificates,
		.l2tp = g->l2tp,
		.pools = g->pools,
		.pools6 = g->pools6,
		.subscribers = g->subscribers,
		.radius = g->radius,
		.accounting = g->accounting,
		.coa = g->coa,
	};
	objects_source(&g->objects, &source);
	return api_create(g->loop, g->config, &source, &g->api);
}

struct gateway *gateway_create(uv_loop_t *loop, const struct config *config)
{
	struct gateway *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->config = config;
	g->loop = loop;
	g->timer.data = g->check.data = g;
	uv_timer_init(loop, &g->timer);
	uv_check_init(loop, &g->check);
	uv_check_start(&g->check, round_done);
	work_init(loop);
	if (!make_timers(g) || !make_radius(g)) {
		gateway_free(g);
		return NULL;
	}
	if (!make_modules(g)) {
		log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s", "reason", "no memory");
		gateway_free(g);
		return NULL;
	}
	if (!make_certificates(g) || make_api(g) < 0) {
		gateway_free(g);
		return NULL;
	}
	return g;
}

int gateway_start(struct gateway *g)
{
	(void)timer_start(g->timers, &g->alive, ALIVE_MS, look_for_life, g);
	install_groups(g->config);
	certificates_watch(g->certificates);
	return dataplane_start(g->loop, g->config->dataplane.socket, &dataplane_events, g);
}

void gateway_close(struct gateway *g)
{
	api_free(g->api);
	g->api = NULL;
	coa_free(g->coa);
	g->coa = NULL;
	radius_close(g->radius);
}

// What the servers have taken so far is done; the rest stays in the spool.
static void leave(void *context)
{
	struct gateway *g = context;
	struct accounting_info info;

	accounting_info(g->accounting, &info);
	if (info.waiting && g->waited_ms < ACCOUNTING_MS) {
		g->waited_ms += LOOK_MS;
		(void)timer_start(g->timers, &g->farewell, LOOK_MS, leave, g);
		return;
	}
	ike_close_all(g->ike, "stop");
	// The Deletes lie in the rings now; the workers take them from there without us.
	dataplane_stop();
	gateway_close(g);
	uv_stop(g->loop);
}

static void farewell_over(void *context)
{
	struct gateway *g = context;

	subscribers_account_end(g->subscribers);
	accounting_close(g->accounting);
	leave(g);
}

void gateway_stop(struct gateway *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	log_event(LOG_CONTROLPLANE_STOP, NULL, NULL);
	subscribers_close_all(g->subscribers, "stop");
	l2tp_close_all(g->l2tp, "the gateway stops");
	(void)timer_start(g->timers, &g->farewell, FAREWELL_MS, farewell_over, g);
}

void gateway_free(struct gateway *g)
{
	gateway_close(g);
	subscribers_free(g->subscribers);
	g->subscribers = NULL;
	accounting_free(g->accounting);
	l2tp_free(g->l2tp);
	ike_free(g->ike);
	certificates_free(g->certificates);
	aaa_free(g->aaa);
	radius_free(g->radius);
	users_free(g->users);
	pools_free(g->pools);
	pools6_free(g->pools6);
	numbers_close(&g->numbers);
	timers_free(g->timers);
	free(g);
}
