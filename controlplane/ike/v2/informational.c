// SPDX-License-Identifier: Apache-2.0

// See informational.h. An answer leaves before what the request says is done, because that may end
// the SA. Where both sides delete the same at once, each finds nothing left to delete and says so
// by an empty answer (section 1.4.1).

#include "informational.h"

#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "exchange.h"
#include "mobike.h"
#include "parting.h"

enum { DELETES_MAX = 32 }; // pairs of one request that are looked at

// What a request asks for.
struct wishes {
	bool whole; // the IKE SA goes
	bool refused;
	uint32_t pairs[DELETES_MAX]; // our SPIs of pairs that go
	size_t pair_count;
};

static void spi_bytes(uint32_t spi, uint8_t out[4])
{
	struct build b = build_in(out, 4);

	build_u32(&b, spi);
}

static struct esp_pair *pair_of_peer(const struct ike_sa *sa, uint32_t spi_out)
{
	struct esp_pair *pair;

	LIST_FOREACH(pair, &sa->peer->pairs, of_peer)
	if (pair->form.spi_out == spi_out && (pair->confirmed || pair->awaited) &&
		pair->attempt == sa->attempt)
		return pair;
	return NULL;
}

// SPIs are those of the peer's inbound SAs, so our outbound ones (section 3.11).
static void read_delete(const struct ike_sa *sa, struct span body, struct wishes *w)
{
	struct v2_delete d;

	if (v2_delete_parse(body, &d))
		return;
	if (d.protocol == V2_PROTO_IKE)
		w->whole = true;
	if (d.protocol != V2_PROTO_ESP || d.spi_size != 4)
		return;
	for (size_t i = 0; i < d.count && w->pair_count < DELETES_MAX; i++) {
		struct view v = view_of(d.spis.at + 4 * i, 4);
		const struct esp_pair *pair = pair_of_peer(sa, view_u32(&v));

		if (pair)
			w->pairs[w->pair_count++] = pair->id;
	}
}

static void read_notify(const struct ike_sa *sa, struct span body, struct wishes *w)
{
	struct log_subject subject = sa_subject(sa);
	struct v2_notify n;

	if (v2_notify_parse(body, &n) || n.type >= V2_ERRORS_END)
		return;
	log_event(LOG_IKE_INVALID, &subject, "s:s, s:i", "reason", "the peer reports an error",
		"notify", (int)n.type);
	// It does not believe that we are we (section 2.21.2).
	w->refused = w->refused || n.type == V2_AUTHENTICATION_FAILED;
}

static void read_wishes(const struct v2_request *r, struct wishes *w)
{
	for (size_t i = 0; i < r->chain.count; i++) {
		if (r->chain.parts[i].type == V2_DELETE)
			read_delete(r->sa, r->chain.parts[i].body, w);
		else if (r->chain.parts[i].type == V2_NOTIFY)
			read_notify(r->sa, r->chain.parts[i].body, w);
	}
}

static int answer(struct v2_request *r, const struct wishes *w)
{
	uint8_t spis[DELETES_MAX * 4];
	struct v2_sealed s;

	exchange_answer_begin(r, &s);
	for (size_t i = 0; i < w->pair_count; i++)
		spi_bytes(w->pairs[i], spis + 4 * i);
	if (w->pair_count && !w->whole)
		v2_put_delete(&s.out, V2_PROTO_ESP, 4, (uint16_t)w->pair_count, spis);
	mobike_write(r, &s.out);
	return exchange_answer_end(r, &s);
}

static void remove_pairs(struct ike *ike, uint32_t peer, const struct wishes *w)
{
	for (size_t i = 0; i < w->pair_count; i++) {
		struct esp_pair *pair = pair_find(ike, w->pairs[i]);

		if (pair)
			pair_remove(pair, "deleted");
	}
	peer_check(ike, peer);
}

void v2_informational_input(struct v2_request *r)
{
	struct ike_sa *sa = r->sa;
	struct ike *ike = sa->ike;
	uint32_t peer = sa->peer->id;
	struct wishes w = {0};
	struct mobike_move move;
	bool moves;

	read_wishes(r, &w);
	moves = mobike_input(r, &move);
	if (answer(r, &w) || w.whole || w.refused) {
		if (w.whole)
			parting_answer(sa);
		v2_end(sa, w.whole ? "deleted" : w.refused ? "refused" : "failed");
		return;
	}
	if (moves)
		mobike_move(sa, &move);
	remove_pairs(ike, peer, &w);
}

// ---- ours

static void still_there(struct ike_sa *sa, void *context, const struct v2_chain *chain)
{
	struct log_subject subject = sa_subject(sa);

	(void)context;
	if (!chain)
		return;
	log_event(LOG_IKE_DPD, &subject, "s:s", "heard", "answer");
	peer_answered(sa->peer, sa->peer->sequence);
}

void v2_informational_ask(struct ike_peer *peer)
{
	struct ike_sa *sa = peer_sa(peer);
	struct exchange_ask a;
	struct log_subject subject;

	// What is under way asks as well, and is sent again by itself.
	if (!sa || exchange_asking(sa))
		return;
	exchange_ask_begin(&a);
	subject = sa_subject(sa);
	log_event(LOG_IKE_DPD, &subject, "s:s", "sent", "informational");
	(void)exchange_ask_end(sa, &a, V2_INFORMATIONAL, still_there, NULL);
}

void v2_informational_delete_sa(struct ike_sa *sa)
{
	struct exchange_ask a;

	if (sa->state != IKE_ESTABLISHED)
		return;
	exchange_ask_begin(&a);
	v2_put_delete(&a.out, V2_PROTO_IKE, 0, 0, NULL);
	exchange_part(sa, &a, V2_INFORMATIONAL);
}

// A pair is deleted by the IKE SA that it was made under; with that one gone, by the newest.
static struct ike_sa *sa_of_pair(struct ike_sa *sa, uint32_t spi_in)
{
	const struct esp_pair *pair = pair_find(sa->ike, spi_in);
	struct ike_sa *each;

	if (!pair || pair->peer != sa->peer)
		return sa;
	LIST_FOREACH(each, &sa->peer->sas, of_peer)
	if (each->attempt == pair->attempt && !each->v2.rekeyed)
		return each;
	return sa;
}

void v2_informational_delete_spi(struct ike_sa *sa, uint32_t spi_in)
{
	struct exchange_ask a;
	uint8_t spi[4];

	// The Delete of the IKE SA is enough when all goes.
	if (sa->peer->closing)
		return;
	sa = sa_of_pair(sa, spi_in);
	spi_bytes(spi_in, spi);
	exchange_ask_begin(&a);
	v2_put_delete(&a.out, V2_PROTO_ESP, sizeof(spi), 1, spi);
	(void)exchange_ask_end(sa, &a, V2_INFORMATIONAL, NULL, NULL);
}
