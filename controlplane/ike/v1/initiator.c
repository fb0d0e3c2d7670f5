// SPDX-License-Identifier: Apache-2.0

// See initiator.h.

#include "initiator_part.h"

#include "fragment.h"

#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

size_t initiator_hash_size(const struct initiator *i)
{
	return ike_hash_size(i->hash);
}

size_t initiator_id_write(const struct ip_address *address, uint32_t protocol_port, uint8_t *out)
{
	struct build b = build_in(out, 20);

	build_u32(&b, (uint32_t)isakmp_id_type(address) << 24 | protocol_port);
	isakmp_put_address(&b, address);
	return build_length(&b);
}

void initiator_init(struct initiator *i, struct ike *ike, const char *remote, uint16_t port)
{
	*i = (struct initiator){.ike = ike,
		.psk = "secret",
		.encryption = IKE_AES_CBC_256,
		.hash = IKE_SHA256,
		.group = IKE_ECP_256,
		.lifetime_s = 28800,
		.next_message_id = 0x1000};
	address_parse(remote, &i->flow.remote);
	address_parse(
		i->flow.remote.version == IP_V6 ? "2001:db8::1" : "192.0.2.1", &i->flow.local);
	i->flow.local_port = port == PORT_IKE ? PORT_IKE : PORT_NAT_T;
	i->flow.remote_port = port;
	i->id_length = initiator_id_write(&i->flow.remote, 0, i->id);
}

static void send_pieces(struct initiator *i)
{
	unsigned count = fragment_count(i->last_length, i->cut);
	uint8_t out[INITIATOR_MESSAGE];

	assert_in_range(count, 2, FRAGMENTS);
	for (unsigned n = count; n > 0; n--) {
		size_t length = fragment_write(
			i->last, i->last_length, i->cut, n, count, 1, out, sizeof(out));

		assert_int_not_equal(length, 0);
		if (n != i->withhold)
			ike_input(i->ike, &i->flow, out, length);
	}
}

void initiator_send(struct initiator *i, const void *message, size_t length)
{
	if (message != i->last)
		memcpy(i->last, message, length);
	i->last_length = length;
	if (i->cut && length > i->cut)
		send_pieces(i);
	else
		ike_input(i->ike, &i->flow, i->last, length);
}

// A fragment of an answer: false while there are more.
static bool take_piece(struct initiator *i, const struct fake_packet *p, struct fragment_box *box)
{
	struct isakmp_chain chain;
	struct fragment f;
	uint8_t *whole;

	assert_int_equal(p->data[19], 0);
	assert_int_equal(isakmp_chain_parse(ISAKMP_FRAGMENT, p->data + ISAKMP_HEADER,
				 p->length - ISAKMP_HEADER, &chain),
		0);
	assert_int_equal(chain.count, 1);
	assert_int_equal(fragment_parse(chain.parts[0].body, &f), 0);
	assert_int_equal(fragment_add(box, &f), 0);
	i->answer_fragments++;
	if (!fragment_complete(box))
		return false;
	whole = fragment_take(box, &i->answer_length);
	memcpy(i->answer, whole, i->answer_length);
	free(whole);
	return true;
}

bool initiator_take(struct initiator *i)
{
	struct fragment_box box = {0};
	const struct fake_packet *p;

	i->answer_fragments = 0;
	while ((p = fake_sent_take())) {
		assert_int_equal(p->kind, PACKET_IKE);
		i->answer_flow = p->flow;
		if (p->data[16] == ISAKMP_FRAGMENT) {
			if (take_piece(i, p, &box))
				return true;
			continue;
		}
		memcpy(i->answer, p->data, p->length);
		i->answer_length = p->length;
		return true;
	}
	return false;
}

struct isakmp_header initiator_header(
	struct initiator *i, uint8_t exchange, uint8_t flags, uint32_t id)
{
	struct isakmp_header h = {
		.version = ISAKMP_VERSION, .exchange = exchange, .flags = flags, .message_id = id};

	memcpy(h.initiator, i->cookie_i, 8);
	memcpy(h.responder, i->cookie_r, 8);
	return h;
}

void initiator_attribute(struct build *b, uint16_t type, uint16_t value)
{
	build_u16(b, 0x8000 | type);
	build_u16(b, value);
}

void initiator_lifetime(struct build *b, uint16_t type_attribute, uint16_t unit, uint32_t duration)
{
	initiator_attribute(b, type_attribute, unit);
	build_u16(b, type_attribute + 1); // the long form
	build_u16(b, 4);
	build_u32(b, duration);
}

static void write_ike_transform(struct initiator *i, struct build *b)
{
	size_t start = build_length(b);

	build_u16(b, 0);
	build_u16(b, 0);
	build_u8(b, 1);
	build_u8(b, 1);
	build_u16(b, 0);
	initiator_attribute(b, 1, i->encryption == IKE_3DES ? 5 : 7);
	if (i->encryption != IKE_3DES)
		initiator_attribute(b, 14, ike_encryption_key_size(i->encryption) * 8);
	initiator_attribute(b, 2, i->hash);
	initiator_attribute(b, 3, i->auth ? i->auth : IKE_AUTH_PSK);
	initiator_attribute(b, 4, i->group);
	initiator_lifetime(b, 11, 1, i->lifetime_s);
	build_patch_u16(b, start + 2, build_length(b) - start);
}

void initiator_sa(struct build *b, uint8_t protocol, const void *spi, uint8_t spi_size,
	const uint8_t *transform, size_t length)
{
	build_u32(b, 1);
	build_u32(b, 1);
	build_u16(b, 0);
	build_u16(b, 8 + spi_size + length);
	build_u8(b, 1);
	build_u8(b, protocol);
	build_u8(b, spi_size);
	build_u8(b, 1);
	build_bytes(b, spi, spi_size);
	build_bytes(b, transform, length);
}

static void vendor_ids(struct initiator *i, struct isakmp_out *out)
{
	struct config_ike all = {.vendor_nat_t_rfc3947 = true,
		.vendor_nat_t_draft02 = true,
		.vendor_nat_t_draft03 = true,
		.vendor_dpd = i->dpd};
	struct vendor_ids ids = {.natt = i->natt};

	vendor_ids_write(&all, &ids, out);
}

// What the answer chose of sa_offer.
static void adopt(struct initiator *i)
{
	struct isakmp_attribute a;
	struct isakmp_sa sa;
	struct span rest;
	uint64_t cipher = 0, bits = 0;

	assert_int_equal(isakmp_sa_parse(isakmp_chain_find(&i->chain, ISAKMP_SA, 0)->body, &sa), 0);
	assert_int_equal(sa.transform_count, 1);
	i->chosen = sa.transforms[0].number;
	for (rest = sa.transforms[0].attributes; isakmp_attribute_next(&rest, &a);) {
		if (a.type == 1)
			cipher = a.value;
		else if (a.type == 2)
			i->hash = (unsigned)a.value;
		else if (a.type == 4)
			i->group = (unsigned)a.value;
		else if (a.type == 14)
			bits = a.value;
	}
	i->encryption = cipher == 5 ? IKE_3DES : bits == 256 ? IKE_AES_CBC_256 : IKE_AES_CBC_128;
}

static bool parse_answer(struct initiator *i, uint8_t exchange)
{
	struct isakmp_header h;

	if (!initiator_take(i))
		return false;
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	assert_memory_equal(h.initiator, i->cookie_i, 8);
	if (h.exchange != exchange)
		return false;
	assert_int_equal(h.length, i->answer_length);
	assert_int_equal(isakmp_chain_parse(h.next, i->answer + ISAKMP_HEADER,
				 h.length - ISAKMP_HEADER, &i->chain),
		0);
	memcpy(i->cookie_r, h.responder, 8);
	return true;
}

// The message up to the SA payload.
static struct isakmp_out phase1_begin(struct initiator *i, uint8_t exchange)
{
	uint8_t transform[128];
	struct build t = build_in(transform, sizeof(transform));
	struct build sa = build_in(i->sa_body, sizeof(i->sa_body));
	struct isakmp_header h;
	struct isakmp_out out;

	RAND_bytes(i->cookie_i, 8);
	memset(i->cookie_r, 0, 8);
	h = initiator_header(i, exchange, 0, 0);
	out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	write_ike_transform(i, &t);
	if (i->sa_offer.length)
		build_bytes(&sa, i->sa_offer.at, i->sa_offer.length);
	else
		initiator_sa(&sa, ISAKMP_PROTO_ISAKMP, NULL, 0, transform, build_length(&t));
	i->sa_length = build_length(&sa);
	isakmp_out_payload(&out, ISAKMP_SA, i->sa_body, i->sa_length);
	return out;
}

bool initiator_first(struct initiator *i)
{
	struct isakmp_out out = phase1_begin(i, ISAKMP_MAIN);

	vendor_ids(i, &out);
	for (size_t n = 0; n < i->vendor_count; n++)
		isakmp_out_payload(&out, ISAKMP_VENDOR, i->vendors[n].at, i->vendors[n].length);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_MAIN) || !isakmp_chain_find(&i->chain, ISAKMP_SA, 0))
		return false;
	if (i->sa_offer.length)
		adopt(i);
	return true;
}

static void add_nat_d(struct initiator *i, struct isakmp_out *out)
{
	uint8_t hash[64];
	uint16_t wrong = i->nat ? 7 : 0;
	size_t n;

	if (i->natt == NATT_NONE)
		return;
	n = natt_hash(i->hash, i->cookie_i, i->cookie_r, &i->flow.local,
		i->flow.local_port + (i->nat_us ? 7 : 0), hash);
	isakmp_out_payload(out, natt_payload_d(i->natt), hash, n);
	n = natt_hash(i->hash, i->cookie_i, i->cookie_r, &i->flow.remote,
		i->flow.remote_port + wrong, hash);
	isakmp_out_payload(out, natt_payload_d(i->natt), hash, n);
}

static void derive(struct initiator *i)
{
	uint8_t secret[IKE_DH_MAX];
	size_t size = ike_group_size(i->group);
	struct ike_keys_input in = {.hash = i->hash,
		.encryption = i->encryption,
		.by_signature = i->auth != 0,
		.psk = SPAN((const uint8_t *)i->psk, strlen(i->psk)),
		.secret = SPAN(secret, ike_group_secret_size(i->group)),
		.nonce_i = SPAN(i->nonce_i, sizeof(i->nonce_i)),
		.nonce_r = SPAN(i->nonce_r, i->nonce_r_length),
		.public_i = SPAN(i->public_i, size),
		.public_r = SPAN(i->public_r, size),
		.cookie_i = i->cookie_i,
		.cookie_r = i->cookie_r};

	assert_int_equal(ike_dh_shared(i->group, i->dh, SPAN(i->public_r, size), secret), 0);
	assert_int_equal(ike_keys_derive(&in, &i->keys), 0);
}

static void check_nat_d(struct initiator *i)
{
	const struct isakmp_part *d;
	uint8_t hash[64];
	size_t n;

	if (i->natt == NATT_NONE)
		return;
	d = isakmp_chain_find(&i->chain, natt_payload_d(i->natt), 0);
	assert_non_null(d);
	n = natt_hash(
		i->hash, i->cookie_i, i->cookie_r, &i->flow.remote, i->flow.remote_port, hash);
	assert_int_equal(d->body.length, n);
	assert_memory_equal(d->body.at, hash, n);
}

bool initiator_third(struct initiator *i)
{
	struct isakmp_header h = initiator_header(i, ISAKMP_MAIN, 0, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	const struct isakmp_part *ke, *nonce;

	initiator_free(i);
	i->dh = ike_dh_generate(i->group, i->public_i);
	assert_non_null(i->dh);
	RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_KE, i->public_i, ike_group_size(i->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, sizeof(i->nonce_i));
	add_nat_d(i, &out);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_MAIN))
		return false;
	ke = isakmp_chain_find(&i->chain, ISAKMP_KE, 0);
	nonce = isakmp_chain_find(&i->chain, ISAKMP_NONCE, 0);
	assert_non_null(ke);
	assert_non_null(nonce);
	memcpy(i->public_r, ke->body.at, ke->body.length);
	memcpy(i->nonce_r, nonce->body.at, nonce->body.length);
	i->nonce_r_length = nonce->body.length;
	check_nat_d(i);
	derive(i);
	return true;
}

static void hash_main(struct initiator *i, bool initiator, struct span id, uint8_t *out)
{
	size_t size = ike_group_size(i->group);
	struct span a = SPAN(i->public_i, size), b = SPAN(i->public_r, size);
	struct span ca = SPAN(i->cookie_i, 8), cb = SPAN(i->cookie_r, 8);
	const struct span parts[] = {initiator ? a : b, initiator ? b : a, initiator ? ca : cb,
		initiator ? cb : ca, SPAN(i->sa_body, i->sa_length), id};

	assert_int_equal(ike_prf(initiator_proof_hash(i),
				 SPAN(i->keys.skeyid, initiator_hash_size(i)), parts, 6, out),
		0);
}

void initiator_seal(struct initiator *i, struct isakmp_out *out, uint8_t *iv)
{
	size_t length;

	isakmp_out_pad(out, ike_encryption_block(i->encryption));
	length = isakmp_out_end(out);
	assert_int_not_equal(length, 0);
	assert_int_equal(ike_encrypt(i->encryption, i->keys.e, iv, i->last + ISAKMP_HEADER,
				 length - ISAKMP_HEADER),
		0);
	initiator_send(i, i->last, length);
}

bool initiator_unseal(struct initiator *i, uint8_t *iv, struct isakmp_header *h)
{
	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, h), 0);
	if (!(h->flags & ISAKMP_ENCRYPTED))
		return false;
	return ike_decrypt(i->encryption, i->keys.e, iv, i->answer + ISAKMP_HEADER,
		       h->length - ISAKMP_HEADER) == 0 &&
	       isakmp_chain_parse(h->next, i->answer + ISAKMP_HEADER, h->length - ISAKMP_HEADER,
		       &i->chain) == 0;
}

// In place of the sixth message; honest peers heed what is encrypted and authentic.
static bool is_error(struct initiator *i)
{
	struct isakmp_notify_body n;
	struct isakmp_header h;

	assert_int_equal(isakmp_header_parse(i->answer, i->answer_length, &h), 0);
	if (h.exchange != ISAKMP_INFORMATIONAL || !(h.flags & ISAKMP_ENCRYPTED))
		return false;
	initiator_informational_read(i, &h);
	assert_int_equal(i->chain.parts[1].type, ISAKMP_NOTIFY);
	assert_int_equal(isakmp_notify_parse(i->chain.parts[1].body, &n), 0);
	i->error = n.type;
	return true;
}

bool initiator_fifth(struct initiator *i)
{
	struct isakmp_header h = initiator_header(i, ISAKMP_MAIN, ISAKMP_ENCRYPTED, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	const struct isakmp_part *id, *part;
	uint8_t hash[IKE_HASH_MAX], cookies[16], ours[20];
	size_t ours_length;

	memcpy(cookies, i->cookie_i, 8);
	memcpy(cookies + 8, i->cookie_r, 8);
	hash_main(i, true, SPAN(i->id, i->id_length), hash);
	isakmp_out_payload(&out, ISAKMP_ID, i->id, i->id_length);
	if (i->auth)
		initiator_prove(i, &out, SPAN(hash, ike_hash_size(initiator_proof_hash(i))));
	else
		isakmp_out_payload(&out, ISAKMP_HASH, hash, initiator_hash_size(i));
	if (i->initial_contact)
		isakmp_out_notify(
			&out, ISAKMP_PROTO_ISAKMP, cookies, 16, NOTIFY_INITIAL_CONTACT, NULL, 0);
	initiator_seal(i, &out, i->keys.iv);
	i->error = 0;
	if (!initiator_take(i) || is_error(i) || !initiator_unseal(i, i->keys.iv, &h))
		return false;
	id = isakmp_chain_find(&i->chain, ISAKMP_ID, 0);
	part = isakmp_chain_find(&i->chain, ISAKMP_HASH, 0);
	if (!id || (!part && !i->auth))
		return false;
	if (i->auth) {
		hash_main(i, false, id->body, hash);
		return initiator_proven(i, SPAN(hash, ike_hash_size(initiator_proof_hash(i))));
	}
	ours_length = initiator_id_write(&i->flow.local, 0, ours);
	assert_int_equal(id->body.length, ours_length);
	assert_memory_equal(id->body.at, ours, ours_length);
	hash_main(i, false, id->body, hash);
	assert_memory_equal(part->body.at, hash, initiator_hash_size(i));
	return true;
}

// The ports float where a NAT is found (RFC 3947 section 4).
static void float_ports(struct initiator *i)
{
	if (i->natt == NATT_NONE || !(i->nat || i->nat_us))
		return;
	i->flow.local_port = PORT_NAT_T;
	if (i->flow.remote_port == PORT_IKE)
		i->flow.remote_port = PORT_NAT_T;
}

bool initiator_main(struct initiator *i)
{
	if (!initiator_first(i) || !initiator_third(i))
		return false;
	float_ports(i);
	return initiator_fifth(i);
}

bool initiator_aggressive_first(struct initiator *i)
{
	struct isakmp_out out = phase1_begin(i, ISAKMP_AGGRESSIVE);
	const struct isakmp_part *part;
	uint8_t hash[IKE_HASH_MAX];

	initiator_free(i);
	i->dh = ike_dh_generate(i->group, i->public_i);
	RAND_bytes(i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_KE, i->public_i, ike_group_size(i->group));
	isakmp_out_payload(&out, ISAKMP_NONCE, i->nonce_i, sizeof(i->nonce_i));
	isakmp_out_payload(&out, ISAKMP_ID, i->id, i->id_length);
	vendor_ids(i, &out);
	initiator_send(i, i->last, isakmp_out_end(&out));
	if (!parse_answer(i, ISAKMP_AGGRESSIVE))
		return false;
	part = isakmp_chain_find(&i->chain, ISAKMP_KE, 0);
	memcpy(i->public_r, part->body.at, part->body.length);
	part = isakmp_chain_find(&i->chain, ISAKMP_NONCE, 0);
	memcpy(i->nonce_r, part->body.at, part->body.length);
	i->nonce_r_length = part->body.length;
	check_nat_d(i);
	derive(i);
	hash_main(i, false, isakmp_chain_find(&i->chain, ISAKMP_ID, 0)->body, hash);
	part = isakmp_chain_find(&i->chain, ISAKMP_HASH, 0);
	return memcmp(part->body.at, hash, initiator_hash_size(i)) == 0;
}

void initiator_aggressive_third(struct initiator *i, bool sealed)
{
	struct isakmp_header h =
		initiator_header(i, ISAKMP_AGGRESSIVE, sealed ? ISAKMP_ENCRYPTED : 0, 0);
	struct isakmp_out out = isakmp_out_begin(i->last, sizeof(i->last), &h);
	uint8_t hash[IKE_HASH_MAX];

	hash_main(i, true, SPAN(i->id, i->id_length), hash);
	isakmp_out_payload(&out, ISAKMP_HASH, hash, initiator_hash_size(i));
	add_nat_d(i, &out);
	if (sealed)
		initiator_seal(i, &out, i->keys.iv);
	else
		initiator_send(i, i->last, isakmp_out_end(&out));
}
