// SPDX-License-Identifier: Apache-2.0

// See fragments.h.

#include "fragments.h"

#include "controlplane/ike/sa.h"
#include "fragment.h"

#include <errno.h>
#include <stdlib.h>

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
	NON_ESP_MARKER = 4, // RFC 3948 section 2.2
	FRAGMENT_OVERHEAD = ISAKMP_HEADER + 4 + FRAGMENT_HEADER,
};

struct fragments {
	struct ike_sa *sa;
	struct fragment_box box;
	struct timer timer;
	size_t counted; // bytes of it among those of all half-open SAs
};

static void uncount(struct fragments *f)
{
	f->sa->ike->fragment_bytes -= f->counted;
	f->counted = 0;
}

void fragments_free(struct ike_sa *sa)
{
	struct fragments *f = sa->v1.fragments;

	if (!f)
		return;
	timer_stop(sa->ike->timers, &f->timer);
	uncount(f);
	fragment_box_empty(&f->box);
	free(f);
	sa->v1.fragments = NULL;
}

static void timeout(void *context)
{
	struct fragments *f = context;

	ike_invalid(f->sa->ike, &f->sa->flow, "fragments of a message that did not get whole");
	fragments_free(f->sa);
}

static struct fragments *fragments_of(struct ike_sa *sa)
{
	struct fragments *f = sa->v1.fragments;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->sa = sa;
	if (timer_start(sa->ike->timers, &f->timer, FRAGMENTS_MS, timeout, f)) {
		free(f);
		return NULL;
	}
	sa->v1.fragments = f;
	return f;
}

// Established SAs are bounded by their number.
static bool room_for(const struct ike_sa *sa, size_t length)
{
	return sa->state == IKE_ESTABLISHED ||
	       sa->ike->fragment_bytes + length <= FRAGMENTS_HALF_OPEN;
}

static int add(struct ike_sa *sa, const struct fragment *piece)
{
	struct fragments *f;
	int error;

	if (!room_for(sa, piece->piece.length))
		return -ENOSPC;
	f = fragments_of(sa);
	if (!f)
		return -ENOMEM;
	error = fragment_add(&f->box, piece);
	uncount(f);
	if (sa->state != IKE_ESTABLISHED) {
		f->counted = f->box.bytes;
		sa->ike->fragment_bytes += f->counted;
	}
	return error;
}

// The payload alone in a message; a fragment of a fragment is none.
static int parse(const struct isakmp_header *h, const uint8_t *message, struct fragment *out)
{
	struct isakmp_chain chain;

	if (isakmp_chain_parse(
		    h->next, message + ISAKMP_HEADER, h->length - ISAKMP_HEADER, &chain) ||
		chain.count != 1)
		return -EBADMSG;
	return fragment_parse(chain.parts[0].body, out);
}

// What has come together must be a message of the same exchange.
static bool belongs(const struct isakmp_header *whole, const struct isakmp_header *piece)
{
	return memcmp(whole->initiator, piece->initiator, ISAKMP_COOKIE) == 0 &&
	       memcmp(whole->responder, piece->responder, ISAKMP_COOKIE) == 0 &&
	       whole->version == piece->version && whole->exchange == piece->exchange &&
	       whole->message_id == piece->message_id && whole->next != ISAKMP_FRAGMENT;
}

uint8_t *fragments_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, struct isakmp_header *out)
{
	struct fragment f;
	uint8_t *whole;
	size_t length;

	if (!sa->v1.vendors.fragments || parse(h, message, &f) || add(sa, &f)) {
		ike_invalid(sa->ike, flow, "fragment that is refused");
		return NULL;
	}
	if (!fragment_complete(&sa->v1.fragments->box))
		return NULL;
	whole = fragment_take(&sa->v1.fragments->box, &length);
	fragments_free(sa);
	if (whole && !isakmp_header_parse(whole, length, out) && belongs(out, h))
		return whole;
	free(whole);
	ike_invalid(sa->ike, flow, "fragments of something else than a message");
	return NULL;
}

// Of the longest message that goes in one packet.
static size_t packet_room(const struct ike_sa *sa, const struct flow *flow)
{
	size_t ip = flow->local.version == IP_V6 ? IP6_HEADER : IP4_HEADER;

	return sa->ike->config->ike.fragment_size - ip - UDP_HEADER -
	       (flow->local_port == PORT_NAT_T ? NON_ESP_MARKER : 0);
}

void fragments_send(
	struct ike_sa *sa, const struct flow *flow, const uint8_t *message, size_t length)
{
	uint8_t out[LIMIT_MTU_MAX];
	size_t room = packet_room(sa, flow), piece = room - FRAGMENT_OVERHEAD;
	unsigned count = fragment_count(length, piece);

	if (!sa->v1.vendors.fragments || length <= room || count == 0) {
		(void)dataplane_send_ike(flow, message, length);
		return;
	}
	sa->v1.fragment_id++;
	for (unsigned n = 1; n <= count; n++) {
		size_t written = fragment_write(
			message, length, piece, n, count, sa->v1.fragment_id, out, sizeof(out));

		if (written)
			(void)dataplane_send_ike(flow, out, written);
	}
}
