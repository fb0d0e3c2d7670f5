// SPDX-License-Identifier: Apache-2.0

// The whole responder of version 2 with a client that mutates: the input is a row of steps, each an
// operation, a length and bytes. Steps can send bytes as they are, put a header, the right message
// id and the seal around payloads, prove the pre-shared key in front of them, answer what was
// asked, hold back the dataplane, and let time pass.

#include "auth.h"
#include "controlplane/ike/fuzz.h"
#include "controlplane/ike/pair.h"
#include "controlplane/ike/peer.h"
#include "v2.h"

#include <openssl/crypto.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
	STEP_RAW,
	STEP_RAW_KNOWN, // with the SPIs of the newest SA
	STEP_FIRST,     // payloads of IKE_SA_INIT
	STEP_AUTH,      // payloads of IKE_AUTH
	STEP_PROVEN,    // the same behind an identity and an AUTH that are good
	STEP_CREATE,
	STEP_INFORMATIONAL,
	STEP_ANSWER, // to our request under way
	STEP_TIME,
	STEP_EVENTS,
	STEP_LATE, // under an SA that is gone
	STEP_COUNT,
};

static uint32_t asked;

static void on_access(void *context, const struct ike_access_request *request)
{
	const struct ike_access access = {
		.session = 1, .address4 = {.version = IP_V4, .bytes = {100, 64, 0, 1}}};

	if (asked++ % 3 == 0)
		(void)ike_access_answer(ike, request->peer, &access, NULL);
	else if (asked % 3 == 0)
		(void)ike_peer_close(ike, request->peer, "closed");
}

static const struct ike_events events = {
	.sa_current = fuzz_on_current, .peer_down = fuzz_on_down, .access_ask = on_access};

static void configure(void)
{
	struct config_ike *c = &config.ike;

	fuzz_configure();
	c->version_2 = c->mobike = c->vendor_culvert = true;
	c->encryption.values[c->encryption.count++] = IKE_AES_GCM_128;
	c->encryption.values[c->encryption.count++] = IKE_AES_CBC_128;
	c->hash.values[c->hash.count++] = IKE_SHA256;
	c->group.values[c->group.count++] = IKE_X25519;
	c->rekey_at = 90;
	c->cookies_from = 3;
	config.remote_access.psk = true;
	config.listeners[0].remote_access = true;
}

// A half-open SA without the arithmetic before it.
static struct ike_sa *add_half_open(void)
{
	struct ike_sa *sa = sa_create(ike, &ike_v2, &flow, (const uint8_t *)"cookie-i");
	struct v2_begin *b;

	if (!sa)
		return NULL;
	TAILQ_INIT(&sa->v2.ours);
	b = sa->v2.begin = calloc(1, sizeof(*b));
	if (!b) {
		sa_free(sa);
		return NULL;
	}
	sa->v2.suite = (struct v2_suite){IKE_AES_GCM_128, IKE_SHA256, IKE_X25519};
	sa->encryption = sa->v2.suite.encryption;
	sa->hash = sa->v2.suite.hash;
	sa->group = sa->v2.suite.group;
	sa->dpd = sa->nat_peer = sa->v2.fragmentation = true;
	sa->lifetime_s = 3600;
	sa->v2.expected = 1;
	b->nonce_i_length = 16;
	memset(&sa->v2.keys, 7, sizeof(sa->v2.keys));
	sa->state = IKE_WAIT_AUTH;
	return sa;
}

static void add_peer(void)
{
	struct ike_sa *sa = add_half_open();

	if (!sa)
		return;
	sa->auth = "psk";
	sa->v2.mobike = true;
	if (peer_attach(sa, false) == 0)
		sa_established(sa);
}

static struct ike_sa *newest(bool established)
{
	struct ike_sa *sa;

	TAILQ_FOREACH_REVERSE(sa, &ike->sas, sa_queue, all)
	if (sa->version == &ike_v2 && (sa->state == IKE_ESTABLISHED) == established &&
		sa->state != IKE_WAIT_DH)
		return sa;
	return NULL;
}

// A message in clear: its first byte is the type of the first payload.
static void step_first(const uint8_t *data, size_t size)
{
	struct isakmp_header h = {
		.version = V2_VERSION, .exchange = V2_IKE_SA_INIT, .flags = V2_INITIATOR};

	memcpy(h.initiator, "cookie-f", ISAKMP_COOKIE);
	h.initiator[7] = data[0];
	fuzz_clear(&h, data, size);
}

static void prove(const struct ike_sa *sa, struct isakmp_out *out)
{
	static const uint8_t id[8] = {ID_IPV4_ADDR, 0, 0, 0, 198, 51, 100, 7};
	uint8_t octets[AUTH_OCTETS_MAX], auth[IKE_HASH_MAX];
	struct build b = build_in(octets, sizeof(octets));

	if (auth_octets_peer(sa, SPAN(id, sizeof(id)), &b) ||
		v2_auth_shared(sa->hash,
			SPAN((const uint8_t *)config.psks[0].secret, config.psks[0].secret_length),
			SPAN(octets, build_length(&b)), auth))
		return;
	isakmp_out_payload(out, V2_ID_I, id, sizeof(id));
	v2_put_auth(out, V2_AUTH_SHARED_KEY, SPAN(auth, ike_hash_size(sa->hash)));
}

// Payloads under the seal; their first byte is the type of the first of them.
static void step_sealed(
	struct ike_sa *sa, uint8_t exchange, bool answer, const uint8_t *data, size_t size)
{
	struct isakmp_header h;
	struct v2_message m = {0};
	struct v2_sealed s;
	struct v2_seal seal;
	struct span part;
	struct flow from = flow;

	if (!sa)
		return;
	if (size % 4 == 3)
		from.remote.bytes[3] += size % 8;
	h = sa_header(sa, exchange, V2_INITIATOR | (answer ? V2_RESPONSE : 0),
		answer ? sa->v2.next : sa->v2.expected);
	seal = v2_seal_of(&sa->v2.suite, &sa->v2.keys, true);
	v2_sealed_begin(&s, &seal, &h);
	if (exchange == V2_IKE_AUTH && data[0] & 0x80)
		prove(sa, &s.out);
	s.buffer[s.out.next_at] = data[0] & 0x7f;
	build_bytes(&s.out.b, data + 1, size - 1);
	if (v2_sealed_end(&s, size % 2 ? 300 : 0, &m) == 0)
		for (size_t n = 0; (part = v2_message_part(&m, n)).length > 0; n++)
			ike_input(ike, &from, part.at, part.length);
	v2_message_clear(&m);
}

static void step_answer(const uint8_t *data, size_t size)
{
	struct ike_sa *sa = newest(true);

	if (sa && sa->v2.under_way)
		step_sealed(sa, sa->v2.under_way->exchange, true, data, size);
}

// As it was before it went.
static struct ike_sa late;

static void remember(void)
{
	const struct ike_sa *sa = newest(true);

	if (sa)
		late = *sa;
}

static void step_late(const uint8_t *data, size_t size)
{
	if (!late.ike || sa_find(ike, late.cookie_i, late.cookie_r))
		return;
	late.v2.next += data[0] % 2;
	step_sealed(&late, V2_INFORMATIONAL, data[0] & 2, data, size);
}

static void step_events(const uint8_t *data, size_t size)
{
	struct ike_sa *sa = newest(true);
	struct event_peer_moved moved = {.spi_in = sa ? sa->peer->current : 0,
		.remote = flow.remote,
		.remote_port = (uint16_t)size};
	struct event_sa_unknown unknown = {.spi = 9, .remote = flow.remote};

	if (data[0] & 1)
		ike_peer_moved(ike, &moved);
	if (data[0] & 2)
		ike_sa_unknown(ike, &unknown);
	if (data[0] & 4)
		fake_install_hold(data[0] & 8);
	if (data[0] & 16)
		fake_install_release();
	sa = newest(true);
	if ((data[0] & 32) && sa)
		(void)ike_peer_close(ike, sa->peer->id, "closed");
	if (data[0] & 64)
		add_peer();
	if (data[0] & 128)
		(void)add_half_open();
}

static void step(unsigned what, uint8_t *data, size_t size)
{
	remember();
	switch ((enum step)what) {
	case STEP_RAW:
		ike_input(ike, &flow, data, size);
		break;
	case STEP_RAW_KNOWN:
		fuzz_known(data, size);
		break;
	case STEP_FIRST:
		step_first(data, size);
		break;
	case STEP_AUTH:
	case STEP_PROVEN:
		data[0] = (uint8_t)((data[0] & 0x7f) | (what == STEP_PROVEN ? 0x80 : 0));
		step_sealed(newest(false), V2_IKE_AUTH, false, data, size);
		break;
	case STEP_CREATE:
		step_sealed(newest(true), V2_CREATE_CHILD_SA, false, data, size);
		break;
	case STEP_INFORMATIONAL:
		step_sealed(newest(true), V2_INFORMATIONAL, false, data, size);
		break;
	case STEP_ANSWER:
		step_answer(data, size);
		break;
	case STEP_TIME:
		fuzz_time(data);
		break;
	case STEP_EVENTS:
		step_events(data, size);
		break;
	case STEP_LATE:
		step_late(data, size);
		break;
	case STEP_COUNT:
		break;
	}
}

static void begin(void)
{
	late.ike = NULL;
	add_peer();
	(void)add_half_open();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (config.psk_count == 0)
		configure();
	fuzz_run(data, size, &events, begin, step, STEP_COUNT);
	return 0;
}
