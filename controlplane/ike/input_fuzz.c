// SPDX-License-Identifier: Apache-2.0

// The whole responder with a peer that has proven itself: the input is a row of steps, each an
// operation, a length and bytes. Steps can send bytes as they are, put a header or an authentic
// HASH and the cipher around payloads, finish what was begun, and let time pass.

#include "fuzz.h"
#include "pair.h"
#include "peer.h"
#include "v1/main_initiate.h"
#include "v1/phase1.h"
#include "v1/quick_mode.h"
#include "v1/sealed.h"
#include "v1/v1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
	STEP_RAW,
	STEP_RAW_KNOWN, // with the cookies of the newest SA
	STEP_MAIN,      // payloads of a first message
	STEP_SEALED_MAIN,
	STEP_INFORMATIONAL,
	STEP_QUICK,
	STEP_QUICK_THIRD,
	STEP_TIME,
	STEP_EVENTS,
	STEP_RENEW, // we begin main mode
	STEP_SIXTH, // an authentic sixth message of it
	STEP_COUNT,
};

static const struct ike_events events = {fuzz_on_current, fuzz_on_down};

static void configure(void)
{
	struct config_ike *c = &config.ike;

	fuzz_configure();
	for (uint16_t i = 0; i < 3; i++)
		c->encryption.values[c->encryption.count++] = IKE_AES_CBC_128 + i;
	c->hash.values[c->hash.count++] = IKE_SHA256;
	c->hash.values[c->hash.count++] = IKE_SHA1;
	c->group.values[c->group.count++] = IKE_ECP_256;
	c->esp_extended_sequence = c->legacy_3des = true;
	c->version_1 = c->aggressive = true;
	c->vendor_nat_t_rfc3947 = c->vendor_nat_t_draft02 = c->vendor_nat_t_draft03 = true;
	c->vendor_dpd = true;
}

// An established SA without the arithmetic before it.
static void add_peer(void)
{
	struct ike_sa *sa = sa_create(ike, &ike_v1, &flow, (const uint8_t *)"cookie-i");

	if (!sa)
		return;
	sa->encryption = IKE_AES_CBC_128;
	sa->hash = IKE_SHA1;
	sa->group = IKE_ECP_256;
	LIST_INIT(&sa->v1.quicks);
	sa->dpd = true;
	sa->auth = "psk";
	sa->psk = 1;
	sa->v1.auth = IKE_AUTH_PSK;
	sa->v1.vendors = (struct vendor_ids){.natt = NATT_RFC3947, .dpd = true, .fragments = true};
	sa->nat_peer = true;
	sa->lifetime_s = 3600;
	memset(&sa->v1.keys, 7, sizeof(sa->v1.keys));
	if (peer_attach(sa, false) == 0)
		sa_established(sa);
}

static struct ike_sa *newest(void)
{
	return TAILQ_LAST(&ike->sas, sa_queue);
}

static struct ike_sa *established(void)
{
	struct ike_sa *sa;

	TAILQ_FOREACH(sa, &ike->sas, all)
	if (sa->state == IKE_ESTABLISHED)
		return sa;
	return NULL;
}

// A message in clear: its first byte is the type of the first payload.
static void step_main(const uint8_t *data, size_t size)
{
	struct isakmp_header h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_MAIN};
	struct ike_sa *sa = newest();

	memcpy(h.initiator, "cookie-f", ISAKMP_COOKIE);
	if (size % 3 == 0)
		h.exchange = ISAKMP_AGGRESSIVE;
	if (sa && sa->state != IKE_ESTABLISHED && size % 2)
		h = sa_header(sa, sa->v1.aggressive ? ISAKMP_AGGRESSIVE : ISAKMP_MAIN, 0, 0);
	if (sa && sa->v1.begun)
		h = sa_header(sa, size % 5 ? ISAKMP_MAIN : ISAKMP_INFORMATIONAL, 0, 0);
	if (sa && sa->v1.begun && sa->state == IKE_WAIT_KE && h.responder[0] == 0)
		memcpy(h.responder, "cookie-g", ISAKMP_COOKIE);
	fuzz_clear(&h, data, size);
}

// Payloads behind an authentic HASH, or without one in main mode.
static void step_sealed(struct ike_sa *sa, uint8_t exchange, const uint8_t *data, size_t size)
{
	bool hash = exchange != ISAKMP_MAIN;
	uint32_t id = hash ? 0x100u + data[0] : 0;
	uint8_t iv[IKE_BLOCK_MAX];
	struct sealed s;
	size_t length;

	if (!sa || sa->state == IKE_WAIT_KE || sa->state == IKE_WAIT_DH || size < 2)
		return;
	sealed_begin(&s, sa, exchange, id, hash);
	s.buffer[hash ? ISAKMP_HEADER : 16] = data[1];
	build_bytes(&s.out.b, data + 2, size - 2);
	memcpy(iv, sa->v1.keys.iv, sizeof(iv));
	if (hash && sealed_iv(sa, id, iv))
		return;
	length = sealed_end(&s, sa, iv, SPAN(NULL, 0));
	if (length)
		ike_input(ike, &flow, s.buffer, length);
}

static void step_renew(void)
{
	struct ike_sa *sa = established();

	if (sa)
		(void)main_initiate(sa);
}

static void step_sixth(const uint8_t *data, size_t size)
{
	struct ike_sa *sa = newest();
	uint8_t iv[IKE_BLOCK_MAX], hash[IKE_HASH_MAX];
	struct span id = SPAN(data, size % 32);
	struct identity who;
	struct sealed s;
	size_t length;

	if (!sa || !sa->v1.begun || sa->state != IKE_WAIT_AUTH ||
		phase1_hash(sa, &sa->v1.keys, false, id, hash))
		return;
	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	isakmp_out_payload(&s.out, ISAKMP_ID, id.at, id.length);
	isakmp_out_payload(&s.out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	memcpy(iv, sa->v1.keys.iv, sizeof(iv));
	// Every other time it is the peer that we know.
	phase1_identity(id, &who);
	if (size % 2)
		identity_digest(&who, sa->identity);
	length = sealed_end(&s, sa, iv, SPAN(NULL, 0));
	if (length)
		ike_input(ike, &flow, s.buffer, length);
}

static void step_third(void)
{
	struct ike_sa *sa = established();
	struct quick *q = sa ? LIST_FIRST(&sa->v1.quicks) : NULL;
	uint8_t iv[IKE_BLOCK_MAX], zero = 0, id[4], hash[IKE_HASH_MAX];
	struct build b = build_in(id, sizeof(id));
	struct sealed s;
	size_t length;

	if (!q)
		return;
	build_u32(&b, q->message_id);
	const struct span parts[] = {
		SPAN(&zero, 1), SPAN(id, 4), q->nonce_i, SPAN(q->nonce_r, NONCE_OURS)};

	if (ike_prf(sa->hash, SPAN(sa->v1.keys.a, ike_hash_size(sa->hash)), parts, 4, hash))
		return;
	sealed_begin(&s, sa, ISAKMP_QUICK, q->message_id, false);
	isakmp_out_payload(&s.out, ISAKMP_HASH, hash, ike_hash_size(sa->hash));
	memcpy(iv, q->iv, sizeof(iv));
	length = sealed_end(&s, sa, iv, SPAN(NULL, 0));
	if (length)
		ike_input(ike, &flow, s.buffer, length);
}

static void step_events(const uint8_t *data, size_t size)
{
	struct ike_sa *sa = established();
	uint32_t pair = sa ? sa->peer->current : 0;
	struct event_peer_moved moved = {
		.spi_in = pair, .remote = flow.remote, .remote_port = size};
	struct event_sa_unknown unknown = {.spi = 9, .remote = flow.remote};
	struct event_sa_exhausting exhausting = {pair, SA_EXHAUSTED_SEQUENCE};

	if (data[0] & 1)
		ike_peer_moved(ike, &moved);
	if (data[0] & 2)
		ike_sa_unknown(ike, &unknown);
	if (data[0] & 4)
		ike_sa_exhausting(ike, &exhausting);
	sa = established(); // the one from before may be gone
	if ((data[0] & 8) && sa)
		ike_peer_alive(ike, sa->peer->id, now);
	if ((data[0] & 16) && sa)
		(void)ike_peer_close(ike, sa->peer->id, "closed");
	if (data[0] & 32)
		fake_install_answer(data[0] & 64 ? -1 : 0);
	if (data[0] & 128)
		add_peer();
}

static void step(unsigned what, uint8_t *data, size_t size)
{
	switch ((enum step)what) {
	case STEP_RAW:
		ike_input(ike, &flow, data, size);
		break;
	case STEP_RAW_KNOWN:
		fuzz_known(data, size);
		break;
	case STEP_MAIN:
		step_main(data, size);
		break;
	case STEP_SEALED_MAIN:
		step_sealed(newest(), ISAKMP_MAIN, data, size);
		break;
	case STEP_INFORMATIONAL:
		step_sealed(established(), ISAKMP_INFORMATIONAL, data, size);
		break;
	case STEP_QUICK:
		step_sealed(established(), ISAKMP_QUICK, data, size);
		break;
	case STEP_QUICK_THIRD:
		step_third();
		break;
	case STEP_TIME:
		fuzz_time(data);
		break;
	case STEP_EVENTS:
		step_events(data, size);
		break;
	case STEP_RENEW:
		step_renew();
		break;
	case STEP_SIXTH:
		step_sixth(data, size);
		break;
	case STEP_COUNT:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (config.psk_count == 0)
		configure();
	fuzz_run(data, size, &events, add_peer, step, STEP_COUNT);
	return 0;
}
