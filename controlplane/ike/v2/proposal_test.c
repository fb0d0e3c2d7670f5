// SPDX-License-Identifier: Apache-2.0

// The offers of native clients, replayed under each policy, and each rule of the choice alone.
// Windows' are from logs of strongSwan and libreswan, Apple's from strongSwan's documentation,
// Android's from the sources of its VPN (VpnIkev2Utils), strongSwan's are its defaults.

#include "proposal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// A proposal in short: transforms as letter and id, of AES with the key length; proposals are
// separated by commas. e ENCR, p PRF, i INTEG, g D-H, s ESN, x any other type (6).
static const char windows[] =
	"e3 i2 p2 g2,e3 i12 p5 g2,e3 i13 p6 g2,e12:128 i2 p2 g2,e12:128 i12 p5 g2,e12:128 i13 p6 "
	"g2,"
	"e12:192 i2 p2 g2,e12:192 i12 p5 g2,e12:192 i13 p6 g2,e12:256 i2 p2 g2,e12:256 i12 p5 g2,"
	"e12:256 i13 p6 g2,e20:128 p2 g2,e20:128 p5 g2,e20:128 p6 g2,e20:256 p2 g2,e20:256 p5 g2,"
	"e20:256 p6 g2";
static const char windows_2048[] = "e12:256 i2 p2 g14,e12:256 i12 p5 g14,e12:256 i13 p6 g14";
static const char windows_custom[] = "e12:128 i13 p6 g19"; // Set-VpnConnectionIPsecConfiguration
static const char windows_esp[] = "e12:256 i2 s0,e12:128 i2 s0,e3 i2 s0,e2 i2 s0,e11 i2 s0";
static const char ios[] = "e12:256 i12 p5 g14,e12:256 i12 p5 g19,e12:256 i12 p5 g5,"
			  "e12:128 i2 p2 g2,e3 i2 p2 g2";
static const char ios_esp[] = "e12:256 i12 s0,e12:256 i12 s0,e12:256 i12 s0,e12:128 i2 s0,e3 i2 s0";
static const char ios_rekey[] = "e12:256 i12 g14 s0,e12:256 i12 s0";
static const char macos_gcm[] = "e20:256 p5 g19"; // a configuration profile
static const char android[] = "e13:256 e12:256 e13:192 e12:192 e13:128 e12:128 i14 i13 i12 i5 i8 "
			      "g16 g31 g15 g14 p7 p6 p5 p4 "
			      "p8 p2,"
			      "e28 e20:256 e19:256 e18:256 e20:192 e19:192 e18:192 e20:128 e19:128 "
			      "e18:128 g16 g31 g15 g14 "
			      "p7 p6 p5 p4 p8 p2";
static const char android_esp[] =
	"e13:256 e12:256 e13:192 e12:192 e13:128 e12:128 i14 i13 i12 s0,"
	"e28 e20:256 e19:256 e18:256 e20:192 e19:192 e18:192 e20:128 e19:128 e18:128 s0";
static const char strongswan[] =
	"e12:128 e12:192 e12:256 i12 i13 i14 i2 p5 p6 p7 p2 g19 g20 g21 g28 g29 g30 g31 g15 g16 "
	"g17 "
	"g18 g14,"
	"e20:128 e20:192 e20:256 e28 p5 p6 p7 p2 g19 g20 g21 g28 g29 g30 g31 g15 g16 g17 g18 g14";
static const char strongswan_esp[] =
	"e20:128 e20:192 e20:256 e28 s0,e12:128 e12:192 e12:256 i12 i13 i14 i2 s0";
static const char libreswan[] = "e20:256 p7 p5 i0 g14 g15 g16 g18 g19 g20 g21 g31,"
				"e28 p7 p5 i0 g14 g15 g16 g18 g19 g20 g21 g31,"
				"e12:256 p7 p5 i14 i12 g14 g15 g16 g18 g19 g20 g21 g31";

static struct v2_sa sa;
static const uint8_t spi[8] = {0xc1, 2, 3, 4, 5, 6, 7, 8};

static uint8_t type_of(char letter)
{
	static const char letters[] = "epigsx";

	return 1 + (strchr(letters, letter) - letters);
}

static const struct v2_sa *offer(uint8_t protocol, size_t spi_size, const char *text)
{
	struct isakmp_proposal *p = NULL;
	char copy[1000], *rest = copy, *word;

	memset(&sa, 0, sizeof(sa));
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one; (one = strsep(&rest, ","));) {
		p = &sa.proposals[sa.proposal_count++];
		*p = (struct isakmp_proposal){
			sa.proposal_count, protocol, SPAN(spi, spi_size), sa.transform_count, 0};
		while ((word = strsep(&one, " "))) {
			struct v2_transform *t = &sa.transforms[sa.transform_count++];
			const char *bits = strchr(word, ':');

			*t = (struct v2_transform){
				type_of(word[0]), true, atoi(word + 1), bits ? atoi(bits + 1) : 0};
			p->count++;
		}
	}
	return &sa;
}

static const struct config_ike *policy(const char *name, const char *more)
{
	static struct config *config;
	char text[1000];
	FILE *errors = tmpfile();

	config_free(config);
	snprintf(text, sizeof(text),
		"ports:\n  - {name: a, side: subscriber, device: d, addresses: [192.0.2.1/24]}\n"
		"listeners:\n  - {name: l, address: 192.0.2.1}\n"
		"pools: [{name: default, prefixes: [100.64.0.0/16]}]\n"
		"ike: {psks: [{peer: any, secret: secret}], policy: %s%s}\n",
		name, more);
	if (config_parse(text, strlen(text), "test", &config, errors)) {
		rewind(errors);
		while (fgets(text, sizeof(text), errors))
			print_message("%s", text);
		fail();
	}
	fclose(errors);
	return &config->ike;
}

static void native_clients_get_the_strongest(void **state)
{
	static const struct {
		const char *name, *offer, *modern, *native, *legacy; // NULL: nothing
	} rows[] = {{"Windows 10", windows, NULL, NULL, "aes-gcm-256/sha256/modp-1024"},
		{"Windows, NegotiateDH2048_AES256", windows_2048, "aes-cbc-256/sha384/modp-2048",
			"aes-cbc-256/sha256/modp-2048", "aes-cbc-256/sha256/modp-2048"},
		{"Windows, custom", windows_custom, "aes-cbc-128/sha384/ecp-256",
			"aes-cbc-128/sha384/ecp-256", "aes-cbc-128/sha384/ecp-256"},
		{"iOS 16", ios, "aes-cbc-256/sha256/ecp-256", "aes-cbc-256/sha256/ecp-256",
			"aes-cbc-256/sha256/ecp-256"},
		{"macOS with a profile", macos_gcm, "aes-gcm-256/sha256/ecp-256",
			"aes-gcm-256/sha256/ecp-256", "aes-gcm-256/sha256/ecp-256"},
		{"Android 12", android, "aes-gcm-256/sha384/x25519", "aes-gcm-256/sha256/x25519",
			"aes-gcm-256/sha256/x25519"},
		{"strongSwan", strongswan, "aes-gcm-256/sha384/ecp-384",
			"aes-gcm-256/sha256/ecp-384", "aes-gcm-256/sha256/ecp-384"},
		{"libreswan", libreswan, "aes-gcm-256/sha256/ecp-384", "aes-gcm-256/sha256/ecp-384",
			"aes-gcm-256/sha256/ecp-384"}};
	static const char *const policies[] = {"modern", "native-clients", "legacy"};

	for (int p = 0; p < 3; p++) {
		const struct config_ike *c = policy(policies[p], "");

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const char *want = p == 0   ? rows[i].modern
					   : p == 1 ? rows[i].native
						    : rows[i].legacy;
			struct v2_ike_choice choice;
			char words[V2_PROPOSAL_TEXT];
			int error = v2_choose_ike(
				c, offer(V2_PROTO_IKE, 0, rows[i].offer), false, &choice);

			if (error != (want ? 0 : -ENOENT))
				fail_msg("%s: %d", rows[i].name, error);
			if (!error)
				assert_string_equal(v2_suite_words(&choice.suite, words), want);
		}
	}
}

static void native_clients_get_the_strongest_esp(void **state)
{
	static const struct {
		const char *offer;
		enum esp_cipher cipher;
		enum esp_integrity integrity;
	} rows[] = {{windows_esp, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96},
		{ios_esp, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128},
		{android_esp, ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE},
		{strongswan_esp, ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE}};
	const struct config_ike *c = policy("native-clients", "");
	const struct v2_esp_terms terms = {.first = true};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct v2_esp_choice choice;

		assert_int_equal(
			v2_choose_esp(c, offer(V2_PROTO_ESP, 4, rows[i].offer), &terms, &choice),
			0);
		assert_int_equal(choice.form.cipher, rows[i].cipher);
		assert_int_equal(choice.form.integrity, rows[i].integrity);
		assert_int_equal(choice.form.spi_out, 0xc1020304);
		assert_int_equal(choice.group, 0);
		assert_false(choice.form.esn);
	}
}

static bool chosen(const struct config_ike *c, const char *text)
{
	struct v2_ike_choice choice;

	return v2_choose_ike(c, offer(V2_PROTO_IKE, 0, text), false, &choice) == 0;
}

static void each_transform_must_fit(void **state)
{
	const struct config_ike *c = policy("native-clients", "");
	struct v2_ike_choice choice;

	assert_true(chosen(c, "e12:256 p5 i12 g14"));
	assert_false(chosen(c, "e12 p5 i12 g14"));           // no key length
	assert_false(chosen(c, "e12:100 p5 i12 g14"));       // another one
	assert_false(chosen(c, "e12:256 p5 g14"));           // no INTEG
	assert_false(chosen(c, "e12:256 p5 i13 g14"));       // not the PRF's hash
	assert_false(chosen(c, "e12:256 i12 g14"));          // no PRF
	assert_false(chosen(c, "e12:256 p5 i12"));           // no group
	assert_false(chosen(c, "e12:256 p5 i12 g2"));        // a weak one
	assert_false(chosen(c, "e20:256 p5 i12 g14"));       // INTEG with an AEAD
	assert_true(chosen(c, "e20:256 p5 i12 i0 g14"));     //
	assert_false(chosen(c, "e12:256 p5 i12 g14 s0"));    // a type that does not belong there
	assert_false(chosen(c, "e12:256 p5 i12 g14 x36"));   // an additional key exchange
	assert_true(chosen(c, "e12:256 p5 i12 g14 x36 x0")); // which is optional
	assert_false(chosen(c, "e3 p5 i12 g14"));
	offer(V2_PROTO_IKE, 0, "e12:256 p5 i12 g14");
	sa.transforms[0].usable = false;
	assert_int_equal(v2_choose_ike(c, &sa, false, &choice), -ENOENT);
	offer(V2_PROTO_IKE, 0, "e12:256 p5 i12 g14");
	assert_int_equal(v2_choose_ike(c, &sa, true, &choice), -ENOENT);
	offer(V2_PROTO_IKE, 8, "e12:256 p5 i12 g14");
	assert_int_equal(v2_choose_ike(c, &sa, false, &choice), -ENOENT);
	assert_int_equal(v2_choose_ike(c, &sa, true, &choice), 0);
	assert_int_equal(choice.echo.spi.length, 8);
	offer(V2_PROTO_ESP, 0, "e12:256 p5 i12 g14");
	assert_int_equal(v2_choose_ike(c, &sa, false, &choice), -ENOENT);
}

// What is legacy comes last even when it is listed first.
static void legacy_comes_last(void **state)
{
	const struct config_ike *c = policy("native-clients",
		", legacy: [3des, modp-1024, md5], encryption: [3des, aes-cbc-128], "
		"group: [modp-1024, modp-2048]");
	struct v2_ike_choice choice;

	assert_int_equal(v2_choose_ike(c, offer(V2_PROTO_IKE, 0, "e3 e12:128 p1 p2 i1 i2 g2 g14"),
				 false, &choice),
		0);
	assert_int_equal(choice.suite.encryption, IKE_AES_CBC_128);
	assert_int_equal(choice.suite.hash, IKE_SHA1);
	assert_int_equal(choice.suite.group, IKE_MODP_2048);
	assert_int_equal(
		v2_choose_ike(c, offer(V2_PROTO_IKE, 0, "e3 p1 i1 g2"), false, &choice), 0);
	assert_int_equal(choice.suite.hash, IKE_MD5);
}

// Of each type that is offered there is one transform in the answer.
static void the_answer_has_one_of_each(void **state)
{
	const struct config_ike *c = policy("native-clients", "");
	struct v2_esp_terms terms = {.first = true};
	struct v2_ike_choice ike;
	struct v2_esp_choice esp;

	assert_int_equal(v2_choose_ike(c, offer(V2_PROTO_IKE, 0, libreswan), false, &ike), 0);
	assert_int_equal(ike.echo.count, 4);
	assert_int_equal(ike.echo.transforms[2].type, V2_INTEG);
	assert_int_equal(ike.echo.transforms[2].id, V2_INTEG_NONE);
	assert_int_equal(
		v2_choose_esp(c, offer(V2_PROTO_ESP, 4, "e20:256 i0 g0 g14 s0 x0"), &terms, &esp),
		0);
	assert_int_equal(esp.echo.count, 4); // the group means nothing there
	terms.first = false;
	assert_int_equal(v2_choose_esp(c, &sa, &terms, &esp), 0);
	assert_int_equal(esp.echo.count, 5);
	assert_int_equal(esp.echo.transforms[2].id, V2_DH_NONE);
}

static void pfs_is_as_the_peer_wants(void **state)
{
	static const struct {
		const char *offer;
		unsigned ke, group;
		int error;
	} rows[] = {{"e20:256 s0", 0, 0, 0}, {"e20:256 s0", 14, 0, 0},
		{"e20:256 g14 s0", 14, 14, 0}, {"e20:256 g14 g20 s0", 14, 14, 0},
		{"e20:256 g14 g20 s0", 2, 20, 0}, {"e20:256 g14 s0", 0, 14, 0},
		{"e20:256 g14 g0 s0", 0, 0, 0}, {"e20:256 g14 g0 s0", 14, 14, 0},
		{"e20:256 g2 s0", 2, 0, -ENOENT}, {"e20:256 g2 g0 s0", 2, 0, 0}};
	const struct config_ike *c = policy("native-clients", "");
	struct v2_esp_choice choice;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct v2_esp_terms terms = {.ke_group = rows[i].ke};

		assert_int_equal(
			v2_choose_esp(c, offer(V2_PROTO_ESP, 4, rows[i].offer), &terms, &choice),
			rows[i].error);
		if (!rows[i].error)
			assert_int_equal(choice.group, rows[i].group);
	}
	assert_int_equal(v2_choose_esp(c, offer(V2_PROTO_ESP, 4, ios_rekey),
				 &(struct v2_esp_terms){.ke_group = 14}, &choice),
		0);
	assert_int_equal(choice.group, 14);
}

static void sequence_numbers_are_as_both_want(void **state)
{
	const struct v2_esp_terms terms = {.first = true};
	struct v2_esp_choice choice;
	const struct config_ike *c = policy("modern", ", esp-extended-sequence: false");

	assert_int_equal(
		v2_choose_esp(c, offer(V2_PROTO_ESP, 4, "e20:256 s1"), &terms, &choice), -ENOENT);
	assert_string_equal(
		v2_esp_reason(c, &sa, &terms), "the peer offers 64-bit sequence numbers alone");
	assert_int_equal(
		v2_choose_esp(c, offer(V2_PROTO_ESP, 4, "e20:256 s1 s0"), &terms, &choice), 0);
	assert_false(choice.form.esn);
	assert_int_equal(v2_choose_esp(c, offer(V2_PROTO_ESP, 4, "e20:256"), &terms, &choice), 0);
	c = policy("modern", ", esp-extended-sequence: true");
	assert_int_equal(
		v2_choose_esp(c, offer(V2_PROTO_ESP, 4, "e20:256 s1 s0"), &terms, &choice), 0);
	assert_true(choice.form.esn);
	assert_int_equal(choice.echo.transforms[1].id, V2_ESN_YES);
	assert_int_equal(
		v2_choose_esp(c, offer(V2_PROTO_AH, 4, "i12 s0"), &terms, &choice), -ENOENT);
	assert_string_equal(v2_esp_reason(c, &sa, &terms), "the peer does not offer ESP");
}

// Reads what was put as the other side would.
static const struct v2_sa *read_back(struct isakmp_out *o)
{
	static struct v2_sa got;
	struct v2_chain chain;
	size_t length = isakmp_out_end(o);

	assert_int_not_equal(length, 0);
	assert_int_equal(
		v2_chain_parse(V2_SA, o->b.start + ISAKMP_HEADER, length - ISAKMP_HEADER, &chain),
		0);
	assert_int_equal(v2_sa_parse(chain.parts[0].body, &got), 0);
	return &got;
}

static void our_offers_are_answered(void **state)
{
	static const struct v2_suite suites[] = {{IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384},
		{IKE_AES_CBC_128, IKE_SHA1, IKE_MODP_2048},
		{IKE_CHACHA20_POLY1305, IKE_SHA256, IKE_X25519}};
	const struct config_ike *c = policy("native-clients",
		", encryption: [chacha20-poly1305, aes-gcm-256, aes-cbc-128]"
		", esp-extended-sequence: true");
	uint8_t buffer[500];
	struct span got;

	for (size_t i = 0; i < 3; i++) {
		struct isakmp_out o = isakmp_out_begin(
			buffer, sizeof(buffer), &(struct isakmp_header){.version = V2_VERSION});
		struct v2_suite other = suites[i];
		struct v2_ike_choice choice;

		v2_offer_ike(&o, &suites[i], SPAN(spi, 8));
		assert_int_equal(v2_choose_ike(c, read_back(&o), true, &choice), 0);
		assert_memory_equal(&choice.suite, &suites[i], sizeof(suites[i]));
		o = isakmp_out_begin(
			buffer, sizeof(buffer), &(struct isakmp_header){.version = V2_VERSION});
		v2_choice_put(&o, &choice.echo, SPAN(spi, 8));
		assert_int_equal(v2_answer_ike(read_back(&o), &suites[i], &got), 0);
		assert_memory_equal(got.at, spi, 8);
		other.group = IKE_MODP_4096;
		assert_int_equal(v2_answer_ike(read_back(&o), &other, &got), -ENOENT);
	}
	for (int esn = 0; esn < 2; esn++) {
		struct isakmp_out o = isakmp_out_begin(
			buffer, sizeof(buffer), &(struct isakmp_header){.version = V2_VERSION});
		struct esp_form form = {.cipher = ESP_CIPHER_AES_CBC_256,
			.integrity = ESP_INTEGRITY_HMAC_SHA256_128,
			.esn = esn};
		struct v2_esp_choice choice;

		v2_offer_esp(&o, &form, IKE_ECP_256, SPAN(spi, 4));
		assert_int_equal(v2_choose_esp(c, read_back(&o),
					 &(struct v2_esp_terms){.ke_group = IKE_ECP_256}, &choice),
			0);
		assert_int_equal(choice.form.esn, esn);
		assert_int_equal(choice.form.cipher, form.cipher);
		assert_int_equal(choice.group, IKE_ECP_256);
		assert_int_equal(v2_answer_esp(read_back(&o), &form, IKE_ECP_256, &got), 0);
		assert_int_equal(v2_answer_esp(read_back(&o), &form, 0, &got), -ENOENT);
		form.esn = !esn;
		assert_int_equal(v2_answer_esp(read_back(&o), &form, IKE_ECP_256, &got), -ENOENT);
	}
}

static void refusals_are_explained(void **state)
{
	static const struct {
		const char *offer, *reason;
	} rows[] = {{windows, "the peer offers only what ike.legacy would have to allow"},
		{"e7:128 p5 i12 g14", "no common encryption algorithm"},
		{"e12:128 p4 i12 g14", "no common hash algorithm"},
		{"e12:128 p5 i12 g18", "no common Diffie-Hellman group"},
		{"e12:128 p5 i13 g14", "no common combination of algorithms"}};
	const struct config_ike *c = policy("native-clients", "");
	char words[V2_PROPOSAL_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			v2_ike_reason(c, offer(V2_PROTO_IKE, 0, rows[i].offer)), rows[i].reason);
	assert_string_equal(v2_offer_words(offer(V2_PROTO_IKE, 0, ios), words),
		"aes-cbc-256 / sha256 / hmac-sha256-128 / modp-2048, "
		"aes-cbc-256 / sha256 / hmac-sha256-128 / ecp-256, "
		"aes-cbc-256 / sha256 / hmac-sha256-128 / modp-1536, "
		"aes-cbc-128 / sha1 / hmac-sha1-96 / modp-1024, "
		"3des / sha1 / hmac-sha1-96 / modp-1024");
	assert_string_equal(
		v2_offer_words(offer(V2_PROTO_ESP, 4, "e20:256 e99 i0 g0 s0 s1 x0"), words),
		"aes-gcm-256 encryption 99 / no integrity / no group / no esn esn / other");
	assert_string_equal(v2_ike_ours(c, words),
		"aes-gcm-256 aes-cbc-256 aes-gcm-128 aes-cbc-192 aes-cbc-128 / sha256 sha384 "
		"sha512 "
		"sha1 / ecp-384 ecp-256 x25519 ecp-521 modp-2048 modp-3072 modp-4096");
	assert_non_null(strstr(v2_esp_ours(c, words), "aes-gcm-256 "));
	// Cut, and no further.
	for (size_t i = 0; i < V2_TRANSFORMS; i++)
		sa.transforms[i] = (struct v2_transform){V2_DH, true, 24, 0};
	sa.proposals[0].count = sa.transform_count = V2_TRANSFORMS;
	assert_int_equal(strlen(v2_offer_words(&sa, words)), V2_PROPOSAL_TEXT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(native_clients_get_the_strongest),
		cmocka_unit_test(native_clients_get_the_strongest_esp),
		cmocka_unit_test(each_transform_must_fit), cmocka_unit_test(legacy_comes_last),
		cmocka_unit_test(the_answer_has_one_of_each),
		cmocka_unit_test(pfs_is_as_the_peer_wants),
		cmocka_unit_test(sequence_numbers_are_as_both_want),
		cmocka_unit_test(our_offers_are_answered),
		cmocka_unit_test(refusals_are_explained)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
