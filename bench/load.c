// SPDX-License-Identifier: Apache-2.0

#include "load.h"

#include <errno.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 7368787 };

// The simple IMIX, 7 : 4 : 1, its largest packet as large as fits into a tunnel.
static const uint16_t imix[] = {64, 594, 64, 64, 594, 64, 1400, 64, 594, 64, 64, 594};

int load_open(struct load *l, const struct house *h, const struct population *p)
{
	*l = (struct load){.population = p, .house = h};
	for (unsigned i = 0; i < HOUSE_PORTS; i++) {
		l->frame[i] = (struct frame_maker){
			.population = p, .cipher = &l->cipher, .from = {2, 0, 0, 0, 0, 9}};
		memcpy(l->frame[i].to, &h->port[i].mac, FRAME_MAC);
	}
	l->sequence = calloc(p->sessions, sizeof(*l->sequence));
	if (!l->sequence)
		return -ENOMEM;
	if (!population_has_esp(p))
		return 0;
	cipher_open(&l->cipher, p, h->worker[0].mgr);
	l->key = rte_zmalloc("load", cipher_keys_size(&l->cipher), 64);
	if (!l->key)
		return -ENOMEM;
	cipher_keys_make(&l->cipher, false, l->key);
	l->frame[HOUSE_SUB].key = l->key;
	return 0;
}

void load_close(struct load *l)
{
	free(l->sequence);
	rte_free(l->key);
}

double load_mean(uint16_t size)
{
	double sum = 0;

	for (size_t i = 0; i < RTE_DIM(imix); i++)
		sum += imix[i];
	return size == LOAD_IMIX ? sum / RTE_DIM(imix) : size;
}

static uint32_t next_session(struct load *l)
{
	uint32_t shares = l->shares ? l->shares : 1;
	uint32_t at = (uint32_t)((uint64_t)l->next++ * STEP % (l->population->sessions / shares));

	return at * shares + l->share;
}

static uint16_t next_size(struct load *l, uint16_t size)
{
	return size == LOAD_IMIX ? imix[l->size++ % RTE_DIM(imix)] : size;
}

int load_make(struct load *l, enum direction d, uint16_t size, struct rte_mbuf **m, unsigned n)
{
	struct cipher_packet p[CIPHER_BURST];
	bool seal = d == UPLINK && population_has_esp(l->population);

	if (rte_pktmbuf_alloc_bulk(l->house->pool, m, n) != 0)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		struct build b = build_in(rte_pktmbuf_mtod(m[i], uint8_t *), FRAME_MOST);
		uint32_t session = next_session(l);
		unsigned at = i % CIPHER_BURST;

		if (d == UPLINK)
			frame_uplink(&l->frame[HOUSE_SUB], &b, session, next_size(l, size),
				++l->sequence[session], &p[at]);
		else
			frame_downlink(&l->frame[HOUSE_NET], &b, session, next_size(l, size));
		rte_pktmbuf_append(m[i], (uint16_t)build_length(&b));
		if (seal && (at + 1 == CIPHER_BURST || i + 1 == n))
			cipher_encrypt(&l->cipher, p, at + 1);
	}
	return 0;
}
