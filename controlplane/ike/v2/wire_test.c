// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// Payloads of an IKE_SA_INIT request: an SA with two proposals, the second with an attribute that
// nobody knows; KE of x25519; a nonce; a cookie; an unknown payload that is not critical.
static const uint8_t payloads[] = {34, 0, 0, 92,                             // SA
	2, 0, 0, 44, 1, 1, 0, 4,                                             // proposal 1
	3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0,                            // AES-CBC-256
	3, 0, 0, 8, 2, 0, 0, 5,                                              //
	3, 0, 0, 8, 3, 0, 0, 12,                                             //
	0, 0, 0, 8, 4, 0, 0, 14,                                             //
	0, 0, 0, 44, 2, 1, 0, 3,                                             // proposal 2
	3, 0, 0, 20, 1, 0, 0, 20, 0x80, 14, 1, 0, 0, 99, 0, 4, 1, 2, 3, 4,   //
	3, 0, 0, 8, 2, 0, 0, 5,                                              //
	0, 0, 0, 8, 4, 0, 0, 31,                                             //
	40, 0, 0, 12, 0, 31, 0, 0, 9, 9, 9, 9,                               // KE
	41, 0, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, //
	200, 0, 0, 12, 0, 0, 0x40, 6, 0xaa, 0xbb, 0xcc, 0xdd,                //
	0, 0, 0, 5, 1};

static void reads_a_first_message(void **state)
{
	struct v2_chain chain;
	struct v2_sa sa;
	struct v2_ke ke;
	struct span nonce;
	struct v2_notify notify;

	assert_int_equal(v2_chain_parse(V2_SA, payloads, sizeof(payloads), &chain), 0);
	assert_int_equal(chain.count, 5);
	assert_int_equal(chain.unsupported, 0);
	assert_int_equal(v2_sa_parse(chain.parts[0].body, &sa), 0);
	assert_int_equal(sa.proposal_count, 2);
	assert_int_equal(sa.proposals[0].count, 4);
	assert_int_equal(sa.transforms[0].key_bits, 256);
	assert_true(sa.transforms[0].usable);
	assert_int_equal(sa.proposals[1].first, 4);
	assert_false(sa.transforms[4].usable);
	assert_true(sa.transforms[5].usable);
	assert_int_equal(sa.transforms[6].id, 31);
	assert_int_equal(v2_ke_parse(v2_chain_find(&chain, V2_KE, 0)->body, &ke), 0);
	assert_int_equal(ke.group, 31);
	assert_int_equal(ke.value.length, 4);
	assert_int_equal(v2_nonce_parse(v2_chain_find(&chain, V2_NONCE, 0)->body, &nonce), 0);
	assert_int_equal(nonce.length, 16);
	assert_true(v2_chain_notify(&chain, V2_COOKIE, &notify));
	assert_int_equal(notify.data.length, 4);
	assert_false(v2_chain_notify(&chain, V2_REKEY_SA, &notify));
	assert_null(v2_chain_find(&chain, V2_NOTIFY, 1));
}

static void names_a_critical_payload_that_it_does_not_know(void **state)
{
	uint8_t copy[sizeof(payloads)];
	struct v2_chain chain;

	memcpy(copy, payloads, sizeof(copy));
	copy[1] = 0x80; // of the SA, which is known
	copy[sizeof(copy) - 4] = 0x80;
	assert_int_equal(v2_chain_parse(V2_SA, copy, sizeof(copy), &chain), 0);
	assert_int_equal(chain.unsupported, 200);
	copy[sizeof(copy) - 4] = 0x7f; // reserved bits
	assert_int_equal(v2_chain_parse(V2_SA, copy, sizeof(copy), &chain), 0);
	assert_int_equal(chain.unsupported, 0);
}

static void sk_ends_the_chain(void **state)
{
	const uint8_t sk[] = {33, 0, 0, 6, 1, 2}, more[] = {33, 0, 0, 6, 1, 2, 0};
	struct v2_chain chain;

	assert_int_equal(v2_chain_parse(V2_SK, sk, sizeof(sk), &chain), 0);
	assert_int_equal(chain.count, 1);
	assert_int_equal(chain.parts[0].next, V2_SA);
	assert_int_not_equal(v2_chain_parse(V2_SK, more, sizeof(more), &chain), 0);
	assert_int_not_equal(v2_chain_parse(V2_END, more, sizeof(more), &chain), 0);
	assert_int_equal(v2_chain_parse(V2_END, NULL, 0, &chain), 0);
}

static void parse_all(const uint8_t *bytes, size_t n)
{
	struct v2_chain chain;
	struct v2_sa sa;

	if (v2_chain_parse(V2_SA, bytes, n, &chain) == 0)
		(void)v2_sa_parse(chain.parts[0].body, &sa);
}

// Every prefix, and every message with one byte changed, in memory of exactly its size.
static void survives_truncation_and_change(void **state)
{
	for (size_t n = 0; n < sizeof(payloads); n++) {
		uint8_t *copy = malloc(n ? n : 1);
		struct v2_chain chain;

		memcpy(copy, payloads, n);
		assert_int_not_equal(v2_chain_parse(V2_SA, copy, n, &chain), 0);
		free(copy);
		copy = malloc(sizeof(payloads));
		memcpy(copy, payloads, sizeof(payloads));
		copy[n] ^= 0xff;
		parse_all(copy, sizeof(payloads));
		free(copy);
	}
}

static void refuses_wrong_sas(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} wrong[] = {{0, 0, "last although one follows"}, {0, 3, "no such number"},
		{7, 3, "fewer transforms than there are"}, {7, 5, "more"}, {6, 5, "SPI"},
		{8, 0, "last transform although one follows"}, {11, 7, "transform too short"},
		{11, 13, "attribute cut"}, {3, 45, "proposal too long"}};
	uint8_t body[88];
	struct v2_sa sa;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(body, payloads + 4, sizeof(body));
		body[wrong[i].at] = wrong[i].value;
		assert_int_not_equal(v2_sa_parse(SPAN(body, sizeof(body)), &sa), 0);
	}
	assert_int_not_equal(v2_sa_parse(SPAN(body, 0), &sa), 0);
}

static void bounds_payloads_proposals_and_transforms(void **state)
{
	static uint8_t many[8 * (V2_TRANSFORMS + 2) + 16 * V2_PROPOSALS];
	struct v2_chain chain;
	struct v2_sa sa;
	struct build b = build_in(many, sizeof(many));

	for (size_t i = 0; i <= V2_PAYLOADS; i++)
		build_bytes(&b, (uint8_t[]){i == V2_PAYLOADS ? 0 : 43, 0, 0, 4}, 4);
	assert_int_not_equal(v2_chain_parse(43, many, b.length, &chain), 0);
	many[4 * (V2_PAYLOADS - 1)] = 0;
	assert_int_equal(v2_chain_parse(43, many, b.length - 4, &chain), 0);
	b = build_in(many, sizeof(many));
	for (size_t i = 0; i <= V2_PROPOSALS; i++)
		build_bytes(&b, (uint8_t[]){i == V2_PROPOSALS ? 0 : 2, 0, 0, 8, 1, 1, 0, 0}, 8);
	assert_int_not_equal(v2_sa_parse(SPAN(many, b.length), &sa), 0);
	b = build_in(many, sizeof(many));
	for (size_t p = 0; p < 2; p++) {
		build_bytes(&b,
			(uint8_t[]){p ? 0 : 2, 0, (8 + 8 * 129) >> 8, (8 + 8 * 129) & 255, 1, 1, 0,
				129},
			8);
		for (size_t i = 0; i < 129; i++)
			build_bytes(&b, (uint8_t[]){i == 128 ? 0 : 3, 0, 0, 8, 4, 0, 0, 14}, 8);
	}
	assert_int_not_equal(v2_sa_parse(SPAN(many, b.length), &sa), 0);
}

static void reads_selectors(void **state)
{
	uint8_t ts[] = {3, 0, 0, 0,                                             //
		7, 17, 0, 16, 0x06, 0xa5, 0x06, 0xa5, 10, 0, 0, 9, 10, 0, 0, 9, // UDP 1701
		9, 0, 0, 8, 1, 2, 3, 4,                                         // unknown
		8, 0, 0, 40, 0, 0, 0xff, 0xff, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
	struct v2_selectors s;

	assert_int_equal(v2_selectors_parse(SPAN(ts, sizeof(ts)), &s), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.list[0].protocol, 17);
	assert_int_equal(s.list[0].port_first, 1701);
	assert_int_equal(s.list[0].first.version, IP_V4);
	assert_int_equal(s.list[1].last.bytes[15], 2);
	assert_int_not_equal(v2_selectors_parse(SPAN(ts, sizeof(ts) - 1), &s), 0);
	ts[19] = 8; // ends before it begins
	assert_int_not_equal(v2_selectors_parse(SPAN(ts, sizeof(ts)), &s), 0);
	ts[19] = 9;
	ts[0] = 4;
	assert_int_not_equal(v2_selectors_parse(SPAN(ts, sizeof(ts)), &s), 0);
	ts[0] = 0;
	assert_int_not_equal(v2_selectors_parse(SPAN(ts, sizeof(ts)), &s), 0);
}

static void reads_small_payloads(void **state)
{
	const uint8_t id[] = {2, 9, 9, 9, 'a', '.', 'b'},
		      delete[] = {3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
	const uint8_t cp[] = {1, 0, 0, 0, 0x80, 1, 0, 0, 0, 8, 0, 2, 7, 7};
	struct v2_cp_attribute a;
	struct v2_delete d;
	struct v2_auth auth;
	struct v2_cert cert;
	struct v2_notify notify;
	struct v2_cp c;
	struct v2_id i;
	struct span nonce;

	assert_int_equal(v2_id_parse(SPAN(id, 7), &i), 0);
	assert_int_equal(i.type, ID_FQDN);
	assert_int_equal(i.data.length, 3);
	assert_int_not_equal(v2_id_parse(SPAN(id, 3), &i), 0);
	assert_int_equal(v2_auth_parse(SPAN(id, 7), &auth), 0);
	assert_int_not_equal(v2_auth_parse(SPAN(id, 3), &auth), 0);
	assert_int_equal(v2_cert_parse(SPAN(id, 7), &cert), 0);
	assert_int_equal(cert.data.length, 6);
	assert_int_not_equal(v2_cert_parse(SPAN(id, 0), &cert), 0);
	assert_int_equal(v2_delete_parse(SPAN(delete, 12), &d), 0);
	assert_int_equal(d.count, 2);
	assert_int_not_equal(v2_delete_parse(SPAN(delete, 11), &d), 0);
	assert_int_not_equal(v2_notify_parse(SPAN(delete, 7), &notify), 0);
	assert_int_not_equal(v2_nonce_parse(SPAN(payloads, 15), &nonce), 0);
	assert_int_not_equal(v2_nonce_parse(SPAN(payloads, 257), &nonce), 0);
	assert_int_equal(v2_cp_parse(SPAN(cp, sizeof(cp)), &c), 0);
	assert_true(v2_cp_next(&c.attributes, &a));
	assert_int_equal(a.type, V2_INTERNAL_IP4_ADDRESS);
	assert_int_equal(a.value.length, 0);
	assert_true(v2_cp_next(&c.attributes, &a));
	assert_int_equal(a.value.length, 2);
	assert_false(v2_cp_next(&c.attributes, &a));
	assert_int_not_equal(v2_cp_parse(SPAN(cp, sizeof(cp) - 1), &c), 0);
}

static struct span body_of(const struct v2_chain *chain, uint8_t type)
{
	const struct v2_part *part = v2_chain_find(chain, type, 0);

	assert_non_null(part);
	return part->body;
}

static void put_all(struct isakmp_out *o)
{
	const struct v2_transform transforms[] = {
		{V2_ENCR, true, V2_ENCR_AES_GCM_16, 256}, {V2_ESN, true, V2_ESN_NO, 0}};
	const uint8_t spi[4] = {1, 2, 3, 4};
	const struct v2_proposal_out p = {1, V2_PROTO_ESP, SPAN(spi, 4), transforms, 2};
	const struct ip_address four = address_v4(spi), six = address_v6(payloads);
	const struct v2_selector ts[] = {{17, 1701, 1701, four, four}, {0, 0, 65535, six, six}};

	v2_put_sa(o, &p, 1);
	v2_put_ke(o, 19, SPAN(payloads, 64));
	v2_put_id(o, V2_ID_R, ID_FQDN, SPAN((const uint8_t *)"gw", 2));
	v2_put_cert(o, V2_CERTREQ, V2_CERT_X509, SPAN(payloads, 40));
	v2_put_auth(o, V2_AUTH_DIGITAL, SPAN(payloads, 3));
	v2_put_notify(o, V2_PROTO_ESP, SPAN(spi, 4), V2_REKEY_SA, SPAN(NULL, 0));
	v2_put_status(o, V2_COOKIE2, SPAN(spi, 4));
	v2_put_delete(o, V2_PROTO_ESP, 4, 1, spi);
	v2_put_selectors(o, V2_TS_R, ts, 2);
	v2_cp_open(o, V2_CFG_REPLY);
	v2_cp_put_address(o, V2_INTERNAL_IP4_ADDRESS, &four);
	v2_cp_put_prefix(o, V2_INTERNAL_IP4_SUBNET, &four, 20);
	v2_cp_put_prefix(o, V2_INTERNAL_IP6_ADDRESS, &six, 64);
	isakmp_out_close(o);
}

static void check_more(const struct v2_chain *chain)
{
	struct v2_selectors ts;
	struct v2_cp cp;
	struct v2_cp_attribute a[3];
	struct v2_notify notify;

	assert_true(v2_chain_notify(chain, V2_REKEY_SA, &notify));
	assert_int_equal(notify.protocol, V2_PROTO_ESP);
	assert_int_equal(notify.spi.length, 4);
	assert_true(v2_chain_notify(chain, V2_COOKIE2, &notify));
	assert_int_equal(notify.data.length, 4);
	assert_int_equal(v2_selectors_parse(body_of(chain, V2_TS_R), &ts), 0);
	assert_int_equal(ts.count, 2);
	assert_int_equal(ts.list[0].port_last, 1701);
	assert_int_equal(ts.list[1].first.version, IP_V6);
	assert_int_equal(v2_cp_parse(body_of(chain, V2_CP), &cp), 0);
	for (int i = 0; i < 3; i++)
		assert_true(v2_cp_next(&cp.attributes, &a[i]));
	assert_int_equal(a[0].value.length, 4);
	assert_memory_equal(a[1].value.at + 4, ((uint8_t[]){255, 255, 240, 0}), 4);
	assert_int_equal(a[2].value.length, 17);
	assert_int_equal(a[2].value.at[16], 64);
}

static void what_is_written_can_be_read(void **state)
{
	uint8_t buffer[1000];
	struct isakmp_header h = {.version = V2_VERSION, .exchange = V2_IKE_AUTH}, got;
	struct isakmp_out o = isakmp_out_begin(buffer, sizeof(buffer), &h);
	struct v2_chain chain;
	struct v2_sa sa;
	struct v2_ke ke;
	struct v2_id id;
	struct v2_cert cert;
	struct v2_auth auth;
	struct v2_delete delete;
	size_t length;

	put_all(&o);
	length = isakmp_out_end(&o);
	assert_int_equal(isakmp_header_parse(buffer, length, &got), 0);
	assert_int_equal(v2_chain_parse(got.next, buffer + 28, length - 28, &chain), 0);
	assert_int_equal(chain.count, 10);
	assert_int_equal(v2_sa_parse(body_of(&chain, V2_SA), &sa), 0);
	assert_int_equal(sa.transforms[0].key_bits, 256);
	assert_int_equal(sa.proposals[0].spi.length, 4);
	assert_int_equal(v2_ke_parse(body_of(&chain, V2_KE), &ke), 0);
	assert_int_equal(ke.group, 19);
	assert_int_equal(v2_id_parse(body_of(&chain, V2_ID_R), &id), 0);
	assert_int_equal(id.type, ID_FQDN);
	assert_int_equal(v2_cert_parse(body_of(&chain, V2_CERTREQ), &cert), 0);
	assert_int_equal(cert.data.length, 40);
	assert_int_equal(v2_auth_parse(body_of(&chain, V2_AUTH), &auth), 0);
	assert_int_equal(auth.method, V2_AUTH_DIGITAL);
	assert_int_equal(v2_delete_parse(body_of(&chain, V2_DELETE), &delete), 0);
	assert_int_equal(delete.count, 1);
	check_more(&chain);
	o = isakmp_out_begin(buffer, 200, &h);
	put_all(&o);
	assert_int_equal(isakmp_out_end(&o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_a_first_message),
		cmocka_unit_test(names_a_critical_payload_that_it_does_not_know),
		cmocka_unit_test(sk_ends_the_chain),
		cmocka_unit_test(survives_truncation_and_change),
		cmocka_unit_test(refuses_wrong_sas),
		cmocka_unit_test(bounds_payloads_proposals_and_transforms),
		cmocka_unit_test(reads_selectors), cmocka_unit_test(reads_small_payloads),
		cmocka_unit_test(what_is_written_can_be_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
