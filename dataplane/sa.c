// SPDX-License-Identifier: Apache-2.0

// The table of SA pairs: what the clerk does with it, and the few things that workers write into
// an SA. The SPI carries the index, so finding an SA is one load (sa.h). An SA is one piece of
// memory; nothing else ever holds its keys, and it is wiped before it is given back.
//
// What a worker has to say about an SA are bits in the SA itself, and a notice in a ring that says
// which SA to look at. Bits of one kind melt together, so however often a client moves, the ring
// holds one notice of it; and if the ring was ever full, the clerk looks at every SA instead.

#include "dataplane/outer6.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/sa_keys.h"

#include <errno.h>
#include <rte_ring_elem.h>
#include <string.h>

static bool window_valid(uint16_t window)
{
	return window == 0 || (window >= 32 && window <= LIMIT_REPLAY_WINDOW);
}

static int sa_check(const struct tables *t, const struct command_sa_add *c)
{
	bool udp = c->encapsulation == ESP_UDP;

	if (id_index(c->spi_in) >= t->sas)
		return -ENOSPC;
	if (t->sa[id_index(c->spi_in)])
		return -EEXIST;
	if (id_generation(c->spi_in) == 0 || c->spi_out < 256 || c->peer == 0)
		return -EINVAL;
	if (!esp_cipher_shape(c->cipher) || !esp_integrity_shape(c->integrity) ||
		sa_is_aead(c->cipher) != (c->integrity == ESP_INTEGRITY_NONE))
		return -EINVAL;
	if (c->encapsulation > ESP_UDP || (udp && (!c->local_port || !c->remote_port)))
		return -EINVAL;
	if (c->esn > 1 || (c->esn && c->window == 0))
		return -EINVAL;
	if (c->mode > ESP_TUNNEL || (c->mode == ESP_TUNNEL && c->session >= t->sessions))
		return -EINVAL;
	return outer_valid(&c->local, &c->remote) && window_valid(c->window) ? 0 : -EINVAL;
}

static struct sa_shape sa_shape_of(const struct command_sa_add *c, const uint8_t *cipher_key)
{
	const struct esp_cipher_shape *cipher = esp_cipher_shape(c->cipher);
	struct sa_shape shape = {
		.cipher = c->cipher,
		.integrity = c->integrity,
		.iv = cipher->iv,
		.icv = cipher->icv ? cipher->icv : esp_integrity_shape(c->integrity)->icv,
	};

	memcpy(&shape.salt, cipher_key + cipher->key, cipher->salt);
	return shape;
}

static void sa_fill_in(struct sa *s, const struct command_sa_add *c)
{
	s->spi_in = c->spi_in;
	s->peer = c->peer;
	s->shape_in = sa_shape_of(c, c->cipher_key_in);
	s->encapsulation = c->encapsulation;
	s->esn = c->esn;
	s->block = esp_cipher_shape(c->cipher)->block;
	s->local = s->out_local;
	s->remote_in = s->remote;
}

static void sa_fill_out(struct sa *s, const struct command_sa_add *c)
{
	s->spi_out = c->spi_out;
	s->local_port = c->encapsulation == ESP_UDP ? c->local_port : 0;
	s->shape_out = sa_shape_of(c, c->cipher_key_out);
	s->out_encapsulation = c->encapsulation;
	s->out_esn = c->esn;
	s->out_block = esp_cipher_shape(c->cipher)->block;
	s->index = id_index(c->spi_in);
}

// The addresses of the outer packets.
static int sa_fill_outer(struct sa *s, const struct command_sa_add *c)
{
	uint16_t port = c->encapsulation == ESP_UDP ? c->remote_port : 0;
	uint32_t remote;

	if (c->local.version == IP_V6)
		return outer6_create(&c->local, &c->remote, port, &s->outer6);
	memcpy(&remote, c->remote.bytes, 4);
	memcpy(&s->out_local, c->local.bytes, 4);
	s->remote = sa_remote(remote, port);
	return 0;
}

// Where the replay blocks are: before the inbound keys if they fit in there, else behind all.
static uint64_t *sa_blocks(uint8_t *keys_in, uint8_t *end, const struct command_sa_add *c)
{
	size_t front = sa_key_offset((uint8_t)c->cipher);

	return (uint64_t *)(replay_blocks(c->window) * sizeof(uint64_t) <= front ? keys_in : end);
}

// [struct sa][keys in][keys out][replay blocks]
static struct sa *sa_create(struct tables *t, const struct command_sa_add *c)
{
	size_t keys = sa_keys_size(c->cipher);
	size_t size = sizeof(struct sa) + 2 * keys + replay_blocks(c->window) * sizeof(uint64_t);
	struct sa *s = table_alloc(size);
	size_t offset = sa_key_offset((uint8_t)c->cipher);
	uint8_t *keys_in = (uint8_t *)(s + 1), *keys_out = keys_in + keys;

	if (!s)
		return NULL;
	if (sa_fill_outer(s, c)) {
		table_free(s);
		return NULL;
	}
	sa_fill_out(s, c);
	sa_fill_in(s, c);
	replay_init(&s->replay, c->window, sa_blocks(keys_in, keys_out + keys, c));
	if (c->mode == ESP_TUNNEL) {
		s->hint = SA_HINT_TUNNEL;
		s->replay.other = c->session;
	}
	sa_keys_expand(t->mgr, c->cipher, c->integrity, true, c->cipher_key_in, c->integrity_key_in,
		keys_in + offset);
	sa_keys_expand(t->mgr, c->cipher, c->integrity, false, c->cipher_key_out,
		c->integrity_key_out, keys_out + offset);
	s->key_out = keys_out + offset;
	s->serial = ++t->serial;
	s->size = size;
	return s;
}

static void sa_release(void *object)
{
	struct sa *s = object;

	table_free(s->outer6);
	explicit_bzero(s, s->size);
	table_free(s);
}

int sa_add(struct tables *t, const struct command_sa_add *c)
{
	int error = sa_check(t, c);
	uint32_t index = id_index(c->spi_in);
	struct sa *s;

	if (error)
		return error;
	s = sa_create(t, c);
	if (!s)
		return -ENOMEM;
	memset(&t->sa_stats[index], 0, sizeof(t->sa_stats[index]));
	t->sa_stats[index].spi_in = c->spi_in;
	if (index >= t->sa_high)
		t->sa_high = index + 1;
	__atomic_store_n(&t->sa[index], s, __ATOMIC_RELEASE);
	return 0;
}

void sa_remove(struct tables *t, uint32_t index)
{
	struct sa *s = t->sa[index];

	__atomic_store_n(&t->sa[index], NULL, __ATOMIC_RELEASE);
	t->sa_stats[index].spi_in = 0;
	reclaim_later(t, s, sa_release);
}

int sa_delete(struct tables *t, const struct command_sa_delete *c)
{
	struct sa *s = sa_find(t, c->spi_in);

	if (!s)
		return -ENOENT;
	if (s->tunnels)
		return -EBUSY;
	sa_remove(t, s->index);
	return 0;
}

static void notice_put(struct tables *t, const struct sa_notice *n)
{
	if (rte_ring_mp_enqueue_elem(t->notices, (void *)(uintptr_t)n, sizeof(*n)) && n->spi)
		__atomic_store_n(&t->notices_lost, true, __ATOMIC_RELEASE);
}

void sa_tell(struct tables *t, struct sa *s, uint32_t bits)
{
	uint32_t before = __atomic_fetch_or(&s->events, bits | SA_TOLD, __ATOMIC_ACQ_REL);

	if (!(before & SA_TOLD))
		notice_put(t, &(struct sa_notice){.spi = s->spi_in});
}

void sa_tell_unknown(struct tables *t, const struct sa_notice *n)
{
	notice_put(t, n);
}

// False: another worker was faster, and *before is what it left. One worker alone does without the
// lock, as in tables_fetch_add.
static inline bool sequence_move(
	const struct tables *t, struct sa *s, uint64_t *before, uint64_t after)
{
	if (t->workers > 1)
		return __atomic_compare_exchange_n(
			&s->sequence, before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	__atomic_store_n(&s->sequence, after, __ATOMIC_RELAXED);
	return true;
}

// What is exhausted stays so: the counter never passes the last number, with which it would begin
// anew.
uint16_t sa_take_sequence(struct tables *t, struct sa *s, uint16_t n, uint64_t *first)
{
	uint64_t last = sa_sequence_last(s->out_esn), warn = sa_sequence_warn(s->out_esn);
	uint64_t before = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);
	uint16_t taken;

	do {
		if (before >= last)
			return 0;
		taken = last - before < n ? (uint16_t)(last - before) : n;
	} while (!sequence_move(t, s, &before, before + taken));
	if (before < warn && before + taken >= warn)
		sa_tell(t, s, SA_EXHAUSTING);
	if (before + taken == last)
		sa_tell(t, s, SA_EXHAUSTED);
	*first = before + 1;
	return taken;
}

// ---- clerk: what is to be told

static void event_of(struct message *e, uint32_t type, const void *body)
{
	*e = (struct message){.type = type, .size = event_size(type)};
	memcpy(e->body, body, e->size);
}

static void event_moved(struct message *e, const struct sa *s)
{
	uint64_t remote = __atomic_load_n(&s->remote, __ATOMIC_ACQUIRE);
	uint32_t address = sa_remote_address(remote);
	struct event_peer_moved body = {
		.spi_in = s->spi_in,
		.remote_port = s->outer6 ? s->outer6->remote_port : sa_remote_port(remote),
		.remote = s->outer6 ? address_v6(s->outer6->remote)
				    : address_v4((const uint8_t *)&address),
	};

	event_of(e, EVENT_PEER_MOVED, &body);
}

static void event_exhausting(struct message *e, const struct sa *s, uint32_t why)
{
	struct event_sa_exhausting body = {.spi_in = s->spi_in, .why = why};

	event_of(e, EVENT_SA_EXHAUSTING, &body);
}

static void event_unknown(struct message *e, const struct sa_notice *n)
{
	struct event_sa_unknown body = {
		.spi = n->unknown_spi,
		.local = n->local,
		.remote = n->remote,
		.remote_port = n->remote_port,
	};

	event_of(e, EVENT_SA_UNKNOWN, &body);
}

// One event of the bits that are set; the others are told again at once.
static bool event_of_sa(struct tables *t, struct sa *s, struct message *e)
{
	uint32_t bits = __atomic_fetch_and(&s->events, SA_MOVING, __ATOMIC_ACQ_REL) & ~SA_MOVING;

	if (bits & SA_MOVED) {
		path_mtu_moved(t, s);
		event_moved(e, s);
		bits &= ~SA_MOVED;
	} else if (bits & SA_EXHAUSTING) {
		event_exhausting(e, s, SA_EXHAUSTING_SEQUENCE);
		bits &= ~SA_EXHAUSTING;
	} else if (bits & SA_EXHAUSTED) {
		event_exhausting(e, s, SA_EXHAUSTED_SEQUENCE);
		bits &= ~SA_EXHAUSTED;
	} else {
		return false;
	}
	if (bits & ~SA_TOLD)
		sa_tell(t, s, bits);
	return true;
}

static bool event_of_notice(struct tables *t, const struct sa_notice *n, struct message *e)
{
	struct sa *s;

	if (n->spi == 0) {
		event_unknown(e, n);
		return true;
	}
	s = sa_find(t, n->spi);
	return s && event_of_sa(t, s, e);
}

bool sa_event_next(struct tables *t, struct message *e)
{
	struct sa_notice n;

	while (rte_ring_sc_dequeue_elem(t->notices, &n, sizeof(n)) == 0) {
		if (event_of_notice(t, &n, e))
			return true;
	}
	if (t->notices_scan == 0 && __atomic_exchange_n(&t->notices_lost, false, __ATOMIC_ACQ_REL))
		t->notices_scan = t->sa_high;
	while (t->notices_scan > 0) {
		struct sa *s = t->sa[--t->notices_scan];

		if (s && event_of_sa(t, s, e))
			return true;
	}
	return false;
}
