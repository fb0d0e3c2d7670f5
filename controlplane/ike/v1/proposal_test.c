// SPDX-License-Identifier: Apache-2.0

// What native clients offer and what we choose from it, by config.

#include "natt.h"
#include "proposal.h"
#include "controlplane/ike/slots.h"

#include "contract/ids.h"
#include "contract/messages.h"

#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// One transform of phase 1; 0 ends a list. auth 0 is a pre-shared key.
struct ike_offer {
	uint16_t encryption, bits, hash, group, auth;
};
// One of ESP.
struct esp_offer {
	uint16_t id, bits, auth, mode, group, number, protocol, esn;
};

enum { OFFERS = 16 };

static const struct ike_offer windows[OFFERS] = {
	{7, 256, 2, 20}, {7, 128, 2, 19}, {7, 256, 2, 14}, {5, 0, 2, 14}, {5, 0, 2, 2}};
static const struct ike_offer macos[OFFERS] = {{7, 256, 4, 14}, {7, 256, 2, 14}, {7, 256, 1, 14},
	{7, 256, 6, 14}, {7, 256, 4, 5}, {7, 256, 2, 5}, {7, 256, 1, 5}, {7, 256, 4, 2},
	{7, 256, 2, 2}, {7, 256, 1, 2}, {7, 128, 2, 2}, {7, 128, 1, 2}, {5, 0, 2, 2}, {5, 0, 1, 2}};
static const struct ike_offer android[OFFERS] = {{7, 256, 5, 2}, {7, 256, 2, 2}, {7, 256, 1, 2},
	{7, 128, 2, 2}, {7, 128, 1, 2}, {5, 0, 2, 2}, {5, 0, 1, 2}};
static const struct ike_offer networkmanager[OFFERS] = {{7, 256, 4, 14}, {7, 256, 4, 5},
	{7, 256, 4, 2}, {7, 256, 2, 14}, {7, 256, 2, 5}, {7, 256, 2, 2}, {7, 256, 2, 20},
	{7, 128, 2, 2}, {7, 128, 2, 19}, {5, 0, 2, 14}, {5, 0, 2, 2}};
static const struct ike_offer strongswan[OFFERS] = {
	{7, 128, 4, 19}, {7, 128, 4, 14}, {7, 256, 4, 14}};
static const struct ike_offer certificate[OFFERS] = {{7, 256, 4, 14, 3}};
static const struct ike_offer xauth[OFFERS] = {{7, 256, 4, 14, 65001}};

static struct config_ike config;
static uint8_t body[2048];

static void attribute(struct build *b, uint16_t type, uint16_t value)
{
	build_u16(b, 0x8000 | type);
	build_u16(b, value);
}

static void transform_end(struct build *b, size_t start)
{
	build_patch_u16(b, start + 2, build_length(b) - start);
}

static void parse(struct build *b, struct isakmp_sa *sa)
{
	assert_false(b->failed);
	assert_int_equal(isakmp_sa_parse(SPAN(body, build_length(b)), sa), 0);
}

static void offer_ike(const struct ike_offer *o, struct isakmp_sa *sa)
{
	struct build b = build_in(body, sizeof(body));
	uint8_t count = 0;

	while (count < OFFERS && o[count].encryption)
		count++;
	build_u32(&b, 1);
	build_u32(&b, 1);
	build_u32(&b, 0);
	build_u32(&b, 0x01010000u | count);
	for (int i = 0; i < count; i++) {
		size_t start = build_length(&b);

		build_u32(&b, i + 1 < count ? 0x03000000 : 0);
		build_u32(&b, (uint32_t)(i + 1) << 24 | 0x010000);
		attribute(&b, 1, o[i].encryption);
		if (o[i].bits)
			attribute(&b, 14, o[i].bits);
		attribute(&b, 2, o[i].hash);
		attribute(&b, 3, o[i].auth ? o[i].auth : 1);
		attribute(&b, 4, o[i].group);
		attribute(&b, 11, 1);
		attribute(&b, 12, 3600);
		transform_end(&b, start);
	}
	build_patch_u16(&b, 10, build_length(&b) - 8);
	parse(&b, sa);
}

static void list(struct config_list *l, unsigned count, ...)
{
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count; i++)
		l->values[i] = va_arg(args, int);
	va_end(args);
	l->count = count;
}

static int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	list(&config.encryption, 3, IKE_AES_CBC_256, IKE_AES_CBC_192, IKE_AES_CBC_128);
	list(&config.hash, 4, IKE_SHA256, IKE_SHA384, IKE_SHA512, IKE_SHA1);
	list(&config.group, 6, IKE_ECP_384, IKE_ECP_256, IKE_ECP_521, IKE_MODP_2048, IKE_MODP_3072,
		IKE_MODP_4096);
	list(&config.esp_cipher, 5, ESP_CIPHER_AES_GCM_256, ESP_CIPHER_AES_GCM_128,
		ESP_CIPHER_AES_CBC_256, ESP_CIPHER_AES_CBC_192, ESP_CIPHER_AES_CBC_128);
	list(&config.esp_integrity, 4, ESP_INTEGRITY_HMAC_SHA256_128, ESP_INTEGRITY_HMAC_SHA384_192,
		ESP_INTEGRITY_HMAC_SHA512_256, ESP_INTEGRITY_HMAC_SHA1_96);
	return 0;
}

static void allow_legacy(void)
{
	config.legacy_3des = config.legacy_md5 = true;
	config.legacy_modp1024 = config.legacy_modp1536 = true;
}

// number: of the transform that must be chosen, 0 = none.
static void assert_ike(const struct ike_offer *o, uint8_t number)
{
	struct isakmp_sa sa;
	struct ike_choice choice;

	offer_ike(o, &sa);
	if (number == 0) {
		assert_int_equal(proposal_choose_ike(&config, &sa, &choice), -ENOENT);
		return;
	}
	assert_int_equal(proposal_choose_ike(&config, &sa, &choice), 0);
	assert_int_equal(choice.transform.number, number);
	assert_int_equal(choice.lifetime_s, 3600);
	assert_int_equal(choice.hash, o[number - 1].hash);
	assert_int_equal(choice.group, o[number - 1].group);
}

static void chooses_from_native_clients(void **state)
{
	assert_ike(windows, 1);
	assert_ike(macos, 1);
	assert_ike(android, 0);
	assert_ike(networkmanager, 1);
	assert_ike(strongswan, 3);
}

static void a_legacy_algorithm_comes_last(void **state)
{
	allow_legacy();
	assert_ike(windows, 1);
	assert_ike(macos, 1);
	assert_ike(android, 1);
	list(&config.hash, 1, IKE_SHA1);
	assert_ike(macos, 2);
	list(&config.group, 1, IKE_ECP_521);
	assert_ike(macos, 6);
	list(&config.hash, 1, IKE_SHA512);
	list(&config.group, 1, IKE_MODP_2048);
	assert_ike(macos, 4);
	assert_ike(windows, 0);
}

static void our_order_decides(void **state)
{
	list(&config.group, 2, IKE_MODP_2048, IKE_ECP_384);
	assert_ike(windows, 3);
	list(&config.encryption, 2, IKE_AES_CBC_128, IKE_AES_CBC_256);
	list(&config.group, 2, IKE_MODP_2048, IKE_ECP_256);
	assert_ike(windows, 2);
}

static void says_why_not(void **state)
{
	struct isakmp_sa sa;
	char text[PROPOSAL_TEXT];

	offer_ike(certificate, &sa);
	assert_int_equal(proposal_choose_ike(&config, &sa, &(struct ike_choice){0}), -ENOENT);
	assert_non_null(strstr(proposal_ike_reason(&config, &sa), "pre-shared key"));
	assert_string_equal(proposal_ike_words(&sa, text), "aes-cbc-256/sha256/modp-2048/rsa");
	offer_ike(xauth, &sa);
	assert_string_equal(
		proposal_ike_words(&sa, text), "aes-cbc-256/sha256/modp-2048/xauth-psk");
	offer_ike(android, &sa);
	assert_non_null(strstr(proposal_ike_reason(&config, &sa), "ike.legacy"));
	assert_non_null(strstr(proposal_ike_words(&sa, text), "3des/md5/modp-1024"));
	list(&config.group, 1, IKE_ECP_521);
	offer_ike(strongswan, &sa);
	assert_string_equal(proposal_ike_reason(&config, &sa), "no common algorithms");
	assert_string_equal(proposal_ike_ours(&config, text),
		"aes-cbc-256 aes-cbc-192 aes-cbc-128 / sha256 sha384 sha512 sha1 / ecp-521");
}

static void long_words_are_cut(void **state)
{
	struct isakmp_sa sa = {.transform_count = ISAKMP_TRANSFORMS};
	char text[PROPOSAL_TEXT];

	assert_true(strlen(proposal_ike_words(&sa, text)) < PROPOSAL_TEXT);
}

// Each a proposal of its own, but those with the same number are one in several protocols.
static void offer_esp(const struct esp_offer *o, struct isakmp_sa *sa)
{
	struct build b = build_in(body, sizeof(body));

	build_u32(&b, 1);
	build_u32(&b, 1);
	for (int i = 0; i < OFFERS && o[i].id; i++) {
		size_t proposal = build_length(&b), start;

		build_u32(&b, i + 1 < OFFERS && o[i + 1].id ? 0x02000000 : 0);
		build_u8(&b, o[i].number ? o[i].number : i + 1);
		build_u8(&b, o[i].protocol ? o[i].protocol : 3);
		build_u16(&b, 0x0401);
		build_u32(&b, 0xc0000001);
		start = build_length(&b);
		build_u32(&b, 0);
		build_u32(&b, (uint32_t)1 << 24 | (uint32_t)o[i].id << 16);
		attribute(&b, 1, 1);
		build_u32(&b, 0x00020004); // the long form
		build_u32(&b, 3600);
		attribute(&b, 1, 2);
		build_u32(&b, 0x00020004);
		build_u32(&b, 250000); // kilobytes
		if (o[i].mode)
			attribute(&b, 4, o[i].mode);
		if (o[i].auth)
			attribute(&b, 5, o[i].auth);
		if (o[i].bits)
			attribute(&b, 6, o[i].bits);
		if (o[i].group)
			attribute(&b, 3, o[i].group);
		if (o[i].esn)
			attribute(&b, 11, o[i].esn);
		transform_end(&b, start);
		transform_end(&b, proposal);
	}
	parse(&b, sa);
}

static const struct esp_terms no_nat = {.plain = true}, nat = {.udp = true},
			      free_choice = {.plain = true, .udp = true};

// number: of the proposal that must be chosen, 0 = none.
static void assert_esp(const struct esp_offer *o, const struct esp_terms *terms, uint8_t number,
	enum esp_cipher cipher, enum esp_integrity integrity, uint8_t encapsulation)
{
	struct isakmp_sa sa;
	struct esp_choice choice;

	offer_esp(o, &sa);
	if (number == 0) {
		assert_int_equal(proposal_choose_esp(&config, &sa, terms, &choice), -ENOENT);
		return;
	}
	assert_int_equal(proposal_choose_esp(&config, &sa, terms, &choice), 0);
	assert_int_equal(choice.proposal.number, number);
	assert_int_equal(choice.form.cipher, cipher);
	assert_int_equal(choice.form.integrity, integrity);
	assert_int_equal(choice.form.encapsulation, encapsulation);
	assert_int_equal(choice.lifetime_s, 3600);
	assert_int_equal(choice.lifetime_kb, 250000);
	assert_int_equal(choice.form.spi_out, 0xc0000001);
}

static void chooses_esp_from_native_clients(void **state)
{
	static const struct esp_offer windows_esp[OFFERS] = {
		{12, 256, 2, 2}, {12, 128, 2, 2}, {3, 0, 2, 2}, {2, 0, 2, 2}, {11, 0, 2, 2}};
	static const struct esp_offer windows_nat[OFFERS] = {
		{12, 256, 2, 4}, {12, 128, 2, 4}, {3, 0, 2, 4}};
	static const struct esp_offer apple_nat[OFFERS] = {
		{12, 256, 2, 61444}, {12, 256, 1, 61444}, {12, 128, 2, 61444}, {3, 0, 2, 61444}};
	static const struct esp_offer chromeos[OFFERS] = {{20, 128, 0, 2}};
	static const struct esp_offer android_esp[OFFERS] = {{12, 256, 7, 2}, {12, 256, 2, 2}};
	static const struct esp_offer gcm[OFFERS] = {
		{12, 256, 5, 2}, {20, 128, 0, 2}, {20, 256, 0, 2}};

	assert_esp(windows_esp, &no_nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96,
		ESP_PLAIN);
	assert_esp(
		windows_nat, &nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_UDP);
	assert_esp(apple_nat, &nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_UDP);
	assert_esp(chromeos, &no_nat, 1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN);
	assert_esp(android_esp, &no_nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA512_256,
		ESP_PLAIN);
	assert_esp(gcm, &no_nat, 3, ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE, ESP_PLAIN);
	list(&config.esp_integrity, 1, ESP_INTEGRITY_HMAC_SHA1_96);
	assert_esp(android_esp, &no_nat, 2, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96,
		ESP_PLAIN);
}

static void the_mode_must_fit(void **state)
{
	static const struct esp_offer tunnel[OFFERS] = {{12, 256, 2, 1}};
	static const struct esp_offer plain[OFFERS] = {{12, 256, 2, 2}};
	static const struct esp_offer udp[OFFERS] = {{12, 256, 2, 4}};
	static const struct esp_offer none[OFFERS] = {{12, 256, 2, 0}};
	struct isakmp_sa sa;

	assert_esp(tunnel, &free_choice, 0, 0, 0, 0);
	offer_esp(tunnel, &sa);
	assert_non_null(strstr(proposal_esp_reason(&config, &sa, &free_choice), "transport mode"));
	assert_esp(plain, &nat, 0, 0, 0, 0);
	assert_esp(udp, &no_nat, 0, 0, 0, 0);
	assert_esp(
		udp, &free_choice, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_UDP);
	assert_esp(none, &nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_UDP);
	assert_esp(none, &no_nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
}

static void pfs_must_fit(void **state)
{
	static const struct esp_offer pfs[OFFERS] = {{12, 256, 2, 2, 2}, {12, 256, 2, 2, 14}};
	struct esp_terms terms = {.plain = true, .ke_length = 256};

	assert_esp(pfs, &terms, 2, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	terms.ke_length = 128;
	assert_esp(pfs, &terms, 0, 0, 0, 0);
	allow_legacy();
	assert_esp(pfs, &terms, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	terms.ke_length = 0;
	assert_esp(pfs, &terms, 0, 0, 0, 0);
}

static void triple_des_must_be_named_twice(void **state)
{
	static const struct esp_offer offer[OFFERS] = {{3, 0, 2, 2}};
	static const struct esp_offer both[OFFERS] = {{3, 0, 2, 2}, {12, 128, 2, 2}};
	static const struct esp_offer length[OFFERS] = {{3, 128, 2, 2}};
	static const struct esp_offer alone[OFFERS] = {{3, 0, 0, 2}};

	assert_esp(offer, &no_nat, 0, 0, 0, 0);
	allow_legacy();
	assert_esp(offer, &no_nat, 0, 0, 0, 0);
	list(&config.esp_cipher, 2, ESP_CIPHER_AES_CBC_128, ESP_CIPHER_3DES);
	assert_esp(offer, &no_nat, 1, ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	assert_esp(both, &no_nat, 2, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	assert_esp(length, &no_nat, 0, 0, 0, 0);
	assert_esp(alone, &no_nat, 0, 0, 0, 0);
	config.legacy_3des = false;
	assert_esp(offer, &no_nat, 0, 0, 0, 0);
}

static void chacha_is_taken_when_listed(void **state)
{
	static const struct esp_offer offer[OFFERS] = {{12, 128, 2, 2}, {28, 0, 0, 2}};
	static const struct esp_offer length[OFFERS] = {{28, 128, 0, 2}};

	assert_esp(
		offer, &no_nat, 1, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	list(&config.esp_cipher, 2, ESP_CIPHER_CHACHA20_POLY1305, ESP_CIPHER_AES_CBC_128);
	assert_esp(offer, &no_nat, 2, ESP_CIPHER_CHACHA20_POLY1305, ESP_INTEGRITY_NONE, ESP_PLAIN);
	assert_esp(length, &no_nat, 0, 0, 0, 0);
}

static void extended_sequence_is_taken_when_offered_and_enabled(void **state)
{
	static const struct esp_offer esn[OFFERS] = {{12, 256, 2, 2, .esn = 1}};
	static const struct esp_offer odd[OFFERS] = {{12, 256, 2, 2, .esn = 2}};
	static const struct esp_offer both[OFFERS] = {{12, 256, 2, 2, .esn = 1}, {12, 256, 2, 2}};
	struct isakmp_sa sa;
	struct esp_choice choice;
	char text[PROPOSAL_TEXT];

	config.replay_window = 64;
	assert_esp(esn, &no_nat, 0, 0, 0, 0);
	assert_esp(both, &no_nat, 2, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	config.esp_extended_sequence = true;
	assert_esp(both, &no_nat, 1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	assert_esp(odd, &no_nat, 0, 0, 0, 0);
	offer_esp(esn, &sa);
	assert_int_equal(proposal_choose_esp(&config, &sa, &no_nat, &choice), 0);
	assert_true(choice.form.esn);
	assert_string_equal(
		proposal_esp_words(&sa, text), "aes-cbc-256/hmac-sha1-96/esn transport");
	assert_non_null(strstr(proposal_esp_ours(&config, text), "/ esn"));
	offer_esp(both + 1, &sa);
	assert_int_equal(proposal_choose_esp(&config, &sa, &no_nat, &choice), 0);
	assert_false(choice.form.esn);
	config.replay_window = 0;
	assert_esp(esn, &no_nat, 0, 0, 0, 0);
}

static void bundles_are_passed_over(void **state)
{
	static const struct esp_offer bundle[OFFERS] = {{3, 0, 2, 2, 0, 1, 2},
		{12, 256, 2, 2, 0, 1}, {12, 128, 2, 2, 0, 2}, {12, 192, 0, 2, 0, 3}};
	struct isakmp_sa sa;
	char text[PROPOSAL_TEXT];

	assert_esp(
		bundle, &no_nat, 2, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN);
	offer_esp(bundle, &sa);
	assert_string_equal(proposal_esp_words(&sa, text),
		"ah, aes-cbc-256/hmac-sha1-96 transport, aes-cbc-128/hmac-sha1-96 transport, "
		"aes-cbc-192 transport");
}

static void vendor_ids_are_those_of_the_documents(void **state)
{
	static const char *const names[] = {[NATT_DRAFT_02] = "draft-ietf-ipsec-nat-t-ike-02",
		[NATT_DRAFT_02_NEWLINE] = "draft-ietf-ipsec-nat-t-ike-02\n",
		[NATT_DRAFT_03] = "draft-ietf-ipsec-nat-t-ike-03",
		[NATT_RFC3947] = "RFC 3947"};
	struct config_ike all = {.vendor_nat_t_rfc3947 = true,
		.vendor_nat_t_draft02 = true,
		.vendor_nat_t_draft03 = true};
	struct config_ike none = {0};

	for (enum natt n = NATT_DRAFT_02; n <= NATT_RFC3947; n++) {
		struct isakmp_chain chain = {.count = 1};
		struct vendor_ids ids = {0}, off = {0};
		uint8_t md5[16];

		EVP_Digest(names[n], strlen(names[n]), md5, NULL, EVP_md5(), NULL);
		chain.parts[0] = (struct isakmp_part){ISAKMP_VENDOR, SPAN(md5, 16)};
		vendor_ids_read(&all, &chain, &ids);
		assert_int_equal(ids.natt, n);
		vendor_ids_read(&none, &chain, &off);
		assert_int_equal(off.natt, NATT_NONE);
	}
}

static void slots_come_back_late_and_changed(void **state)
{
	struct slots s;
	int object;
	uint32_t a, b, c;

	assert_int_equal(slots_init(&s, 2, 4094), 0);
	a = slots_take(&s, &object);
	b = slots_take(&s, &object);
	assert_int_equal(slots_take(&s, &object), ID_NONE);
	assert_int_equal(id_index(a), 0);
	assert_int_equal(id_index(b), 1);
	slots_give(&s, b);
	slots_give(&s, b);
	slots_give(&s, a);
	assert_null(slots_get(&s, a));
	c = slots_take(&s, &object); // the one that was free longest
	assert_int_equal(id_index(c), 1);
	assert_int_not_equal(c, b);
	assert_int_not_equal(id_generation(c), 0);
	assert_ptr_equal(slots_get(&s, c), &object);
	assert_null(slots_get(&s, b));
	assert_null(slots_get(&s, 77));
	slots_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(chooses_from_native_clients, setup),
		cmocka_unit_test_setup(a_legacy_algorithm_comes_last, setup),
		cmocka_unit_test_setup(our_order_decides, setup),
		cmocka_unit_test_setup(says_why_not, setup),
		cmocka_unit_test_setup(long_words_are_cut, setup),
		cmocka_unit_test_setup(chooses_esp_from_native_clients, setup),
		cmocka_unit_test_setup(the_mode_must_fit, setup),
		cmocka_unit_test_setup(pfs_must_fit, setup),
		cmocka_unit_test_setup(triple_des_must_be_named_twice, setup),
		cmocka_unit_test_setup(chacha_is_taken_when_listed, setup),
		cmocka_unit_test_setup(extended_sequence_is_taken_when_offered_and_enabled, setup),
		cmocka_unit_test_setup(bundles_are_passed_over, setup),
		cmocka_unit_test(vendor_ids_are_those_of_the_documents),
		cmocka_unit_test(slots_come_back_late_and_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
