// SPDX-License-Identifier: Apache-2.0

// See path_mtu.h. Tunnels stand in two chained hash tables: by the SPI that they send with, and by
// the address and port of their peer's UDP. Both are keyed at random, since peers choose what is
// hashed. What is known of a tunnel is one entry of an array by tunnel id, which the chains run
// through.

#include "dataplane/path_mtu.h"

#include "dataplane/icmp_quote.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

#include <netinet/in.h>
#include <rte_jhash.h>
#include <string.h>
#include <sys/random.h>

enum {
	HEADS = 65536, // of each hash table
	NONE = 0,      // is no tunnel
};

enum chain { BY_SPI, BY_REMOTE, CHAINS };

// Neighbours of a tunnel in a chain, and its head's place; NONE where there is none.
struct link {
	uint16_t next, previous;
	uint16_t head;
	bool in;
};

struct entry {
	struct link link[CHAINS];
	uint64_t until; // nanoseconds: when mtu is forgotten
	uint16_t mtu;   // bytes, 0 = nothing was learned
	bool tell;      // an event is due
};

struct path_mtu {
	uint32_t seed;
	uint32_t lowered;             // entries with an mtu
	uint32_t told;                // entries with tell
	uint32_t scan;                // tunnel at which the search for the next event goes on
	uint16_t head[CHAINS][HEADS]; // tunnel ids
	struct entry entry[LIMIT_TUNNELS];
};

struct path_mtu *path_mtu_create(void)
{
	struct path_mtu *p = table_alloc(sizeof(*p));

	if (p && getrandom(&p->seed, sizeof(p->seed), 0) != sizeof(p->seed)) {
		table_free(p);
		return NULL;
	}
	return p;
}

void path_mtu_free(struct path_mtu *p)
{
	table_free(p);
}

// ---- chains

static void link_in(struct path_mtu *p, enum chain by, uint16_t id, uint16_t head)
{
	uint16_t next = p->head[by][head];

	p->entry[id].link[by] = (struct link){.next = next, .head = head, .in = true};
	if (next != NONE)
		p->entry[next].link[by].previous = id;
	p->head[by][head] = id;
}

static void link_out(struct path_mtu *p, enum chain by, uint16_t id)
{
	struct link l = p->entry[id].link[by];

	if (!l.in)
		return;
	if (l.next != NONE)
		p->entry[l.next].link[by].previous = l.previous;
	if (l.previous != NONE)
		p->entry[l.previous].link[by].next = l.next;
	else
		p->head[by][l.head] = l.next;
	p->entry[id].link[by] = (struct link){0};
}

static uint16_t head_of_spi(const struct path_mtu *p, uint32_t spi)
{
	return (uint16_t)rte_jhash_1word(spi, p->seed);
}

static uint16_t head_of_remote(const struct path_mtu *p, const struct ip_address *a, uint16_t port)
{
	return (uint16_t)rte_jhash(a->bytes, sizeof(a->bytes), p->seed ^ port);
}

// ---- the ends of a tunnel's outer packets

struct ends {
	struct ip_address local, remote;
	uint16_t local_port, remote_port; // of UDP, 0 = plain ESP
};

static void ends4(struct ends *e, uint32_t local, uint32_t remote)
{
	e->local = address_v4((const uint8_t *)&local);
	e->remote = address_v4((const uint8_t *)&remote);
}

static void ends6(struct ends *e, const struct outer6 *o)
{
	e->local = address_v6(o->local);
	e->remote = address_v6(o->remote);
}

static struct ends ends_of_pair(const struct sa *s)
{
	const struct outer6 *o = s->outer6;
	struct ends e = {.local_port = s->out_encapsulation == ESP_UDP ? s->local_port : 0};
	uint64_t remote = __atomic_load_n(&s->remote, __ATOMIC_ACQUIRE);

	e.remote_port = o ? o->remote_port : sa_remote_port(remote);
	if (o)
		ends6(&e, o);
	else
		ends4(&e, s->out_local, sa_remote_address(remote));
	return e;
}

static struct ends ends_of(const struct tunnel *tunnel)
{
	struct ends e = {.local_port = tunnel->local_port, .remote_port = tunnel->remote_port};

	if (tunnel->sa)
		return ends_of_pair(tunnel->sa);
	if (tunnel->outer6)
		ends6(&e, tunnel->outer6);
	else
		ends4(&e, tunnel->local, tunnel->remote);
	return e;
}

// ---- what tunnels there are

static void unlink_both(struct path_mtu *p, uint16_t id)
{
	link_out(p, BY_SPI, id);
	link_out(p, BY_REMOTE, id);
}

void path_mtu_put(struct tables *t, const struct tunnel *tunnel)
{
	struct path_mtu *p = t->path_mtu;
	struct ends e = ends_of(tunnel);

	unlink_both(p, tunnel->id);
	if (tunnel->sa)
		link_in(p, BY_SPI, tunnel->id, head_of_spi(p, tunnel->sa->spi_out));
	if (e.remote_port)
		link_in(p, BY_REMOTE, tunnel->id, head_of_remote(p, &e.remote, e.remote_port));
}

void path_mtu_take(struct tables *t, uint16_t tunnel)
{
	struct path_mtu *p = t->path_mtu;
	struct entry *e = &p->entry[tunnel];

	unlink_both(p, tunnel);
	p->lowered -= e->mtu != 0;
	p->told -= e->tell;
	*e = (struct entry){0};
}

void path_mtu_moved(struct tables *t, const struct sa *s)
{
	struct path_mtu *p = t->path_mtu;
	uint16_t next;

	// put moves the tunnel to the front of the same chain, behind us.
	for (uint16_t id = p->head[BY_SPI][head_of_spi(p, s->spi_out)]; id != NONE; id = next) {
		next = p->entry[id].link[BY_SPI].next;
		if (t->tunnel[id]->sa == s)
			path_mtu_put(t, t->tunnel[id]);
	}
}

uint16_t path_mtu_of(const struct tables *t, uint16_t tunnel)
{
	uint16_t learned = t->path_mtu->entry[tunnel].mtu;

	return learned && learned < t->port_mtu ? learned : t->port_mtu;
}

// ---- learning and forgetting

static void tell(struct path_mtu *p, struct entry *e)
{
	p->told += !e->tell;
	e->tell = true;
}

static void learn(struct tables *t, uint16_t id, uint16_t mtu, uint64_t now)
{
	struct path_mtu *p = t->path_mtu;
	struct entry *e = &p->entry[id];

	// Said again: something still sends what is too big, and the path is as narrow as it was.
	if (mtu == e->mtu)
		e->until = now + PATH_MTU_KEPT;
	if (mtu >= path_mtu_of(t, id))
		return;
	p->lowered += e->mtu == 0;
	e->mtu = mtu;
	e->until = now + PATH_MTU_KEPT;
	tell(p, e);
	session_mtu_refresh(t, t->tunnel[id]);
}

static void forget(struct tables *t, uint16_t id)
{
	struct entry *e = &t->path_mtu->entry[id];

	t->path_mtu->lowered--;
	e->mtu = 0;
	tell(t->path_mtu, e);
	session_mtu_refresh(t, t->tunnel[id]);
}

void path_mtu_anew(struct tables *t, const struct sa *s)
{
	struct path_mtu *p = t->path_mtu;

	path_mtu_moved(t, s);
	for (uint16_t id = p->head[BY_SPI][head_of_spi(p, s->spi_out)]; id != NONE;
		id = p->entry[id].link[BY_SPI].next) {
		if (t->tunnel[id]->sa != s)
			continue;
		p->lowered -= p->entry[id].mtu != 0;
		p->entry[id].mtu = 0;
		tell(p, &p->entry[id]);
		session_mtu_refresh(t, t->tunnel[id]);
	}
}

void path_mtu_tick(struct tables *t, uint64_t now)
{
	for (uint32_t id = 1; t->path_mtu->lowered && id < LIMIT_TUNNELS; id++) {
		const struct entry *e = &t->path_mtu->entry[id];

		if (e->mtu && now >= e->until)
			forget(t, (uint16_t)id);
	}
}

bool path_mtu_event_next(struct tables *t, struct message *event)
{
	struct path_mtu *p = t->path_mtu;
	struct event_path_mtu body;

	if (p->told == 0)
		return false;
	// One of the entries has something to tell, so this ends.
	do {
		p->scan = (p->scan + 1) % LIMIT_TUNNELS;
	} while (!p->entry[p->scan].tell);
	p->entry[p->scan].tell = false;
	p->told--;
	body = (struct event_path_mtu){
		.tunnel = (uint16_t)p->scan, .mtu = path_mtu_of(t, (uint16_t)p->scan)};
	*event = (struct message){.type = EVENT_PATH_MTU, .size = sizeof(body)};
	memcpy(event->body, &body, sizeof(body));
	return true;
}

// ---- what routers say

// The sizes that paths have: RFC 1191 section 7.1, with those of today's links and tunnels.
static uint16_t plateau_below(uint32_t length)
{
	static const uint16_t plateaus[] = {
		8166, 4352, 2002, 1492, 1480, 1460, 1400, 1280, 1006, PATH_MTU_LEAST4};

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < length)
			return plateaus[i];
	return 0;
}

// The MTU that the message asks for, or 0 when it makes no sense: the packet would have fitted, or
// hardly anything would.
static uint16_t sensible(const struct icmp_quote *q)
{
	bool four = q->local.version == IP_V4;
	uint32_t mtu = q->mtu == 0 && four ? plateau_below(q->length) : q->mtu;

	if (mtu >= q->length || mtu < (four ? PATH_MTU_LEAST4 : PATH_MTU_LEAST6))
		return 0;
	return (uint16_t)(mtu > LIMIT_MTU_MAX ? LIMIT_MTU_MAX : mtu);
}

static bool esp_is_ours(const struct icmp_quote *q, const struct sa *s)
{
	uint64_t last = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);
	uint32_t behind = (uint32_t)last - q->sequence;

	return q->spi == s->spi_out && behind < last && behind < PATH_MTU_LATELY;
}

static bool has_session(const struct tables *t, const struct tunnel *tunnel, uint16_t peer_session)
{
	const struct session_map *m = tunnel->map;

	for (uint32_t i = 0; i <= m->mask; i++)
		if (m->entry[i] != SESSION_NONE &&
			t->session[m->entry[i]].downlink.peer_session == peer_session)
			return true;
	return false;
}

static bool l2tp_is_ours(
	const struct tables *t, const struct icmp_quote *q, const struct tunnel *tunnel)
{
	if (q->parts & ICMP_QUOTE_TUNNEL && q->tunnel != tunnel->peer_tunnel)
		return false;
	return !(q->parts & ICMP_QUOTE_SESSION) || has_session(t, tunnel, q->session);
}

// Can the quoted packet be one of the tunnel's?
static bool is_ours(const struct tables *t, const struct icmp_quote *q, const struct tunnel *tunnel)
{
	const struct sa *s = tunnel->sa;
	struct ends e = ends_of(tunnel);
	bool udp = q->protocol == IPPROTO_UDP;

	if (!address_equal(&q->local, &e.local) || !address_equal(&q->remote, &e.remote))
		return false;
	if (udp != (!s || s->out_encapsulation == ESP_UDP))
		return false;
	if (udp && (q->local_port != e.local_port || q->remote_port != e.remote_port))
		return false;
	if (!s)
		return tunnel->peer == 0 && l2tp_is_ours(t, q, tunnel);
	return !(q->parts & ICMP_QUOTE_ESP) || esp_is_ours(q, s);
}

enum drop path_mtu_input(struct tables *t, const struct ip_address *local, const void *icmp,
	size_t length, uint64_t now)
{
	struct path_mtu *p = t->path_mtu;
	enum drop result = DROP_ICMP_FOREIGN;
	struct icmp_quote q;
	enum chain by;
	uint16_t mtu, id;

	if (icmp_quote_parse(local->version, icmp, length, &q) || !address_equal(&q.local, local))
		return result;
	mtu = sensible(&q);
	by = q.parts & ICMP_QUOTE_ESP ? BY_SPI : BY_REMOTE;
	id = p->head[by][by == BY_SPI ? head_of_spi(p, q.spi)
				      : head_of_remote(p, &q.remote, q.remote_port)];
	for (; mtu && id != NONE; id = p->entry[id].link[by].next) {
		if (!is_ours(t, &q, t->tunnel[id]))
			continue;
		learn(t, id, mtu, now);
		result = DROP_ICMP_DONE;
	}
	return result;
}
