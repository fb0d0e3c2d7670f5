// SPDX-License-Identifier: Apache-2.0

// The arithmetic against published vectors; the derivations of RFC 2409, for which there are none,
// against values worked out apart from this code with another HMAC.

#include "crypto.h"
#include "hex_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// RFC 2202 and RFC 4231, test case 2.
static void prf_gives_the_vectors(void **state)
{
	static const struct {
		unsigned hash;
		const char *out;
	} vectors[] = {{IKE_MD5, "750c783e6ab0b503eaa86e310a5db738"},
		{IKE_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{IKE_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{IKE_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
			     "8e2240ca5e69e2c78b3239ecfab21649"},
		{IKE_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}};
	const uint8_t *text = (const uint8_t *)"what do ya want for nothing?";
	const struct span parts[] = {SPAN(text, 11), SPAN(text + 11, 17)};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes out = unhex(vectors[i].out);
		uint8_t mac[IKE_HASH_MAX];

		assert_int_equal(
			ike_prf(vectors[i].hash, SPAN((const uint8_t *)"Jefe", 4), parts, 2, mac),
			0);
		assert_int_equal(ike_hash_size(vectors[i].hash), out.length);
		assert_memory_equal(mac, out.at, out.length);
	}
	assert_int_not_equal(
		ike_prf(3, SPAN((const uint8_t *)"Jefe", 4), parts, 2, (uint8_t[64]){0}), 0);
}

// RFC 4231, test case 6: a key that is longer than a block of any hash.
static void prf_hashes_a_long_key(void **state)
{
	static const struct {
		unsigned hash;
		const char *out;
	} vectors[] = {
		{IKE_SHA256, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{IKE_SHA384, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
			     "0c2ef6ab4030fe8296248df163f44952"},
		{IKE_SHA512, "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
			     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}};
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	const struct span data = SPAN((const uint8_t *)text, sizeof(text) - 1);
	uint8_t key[131];

	memset(key, 0xaa, sizeof(key));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes out = unhex(vectors[i].out);
		uint8_t mac[IKE_HASH_MAX];

		assert_int_equal(
			ike_prf(vectors[i].hash, SPAN(key, sizeof(key)), &data, 1, mac), 0);
		assert_memory_equal(mac, out.at, out.length);
	}
}

// RFC 3602 section 4 cases 1 and 2; SP 800-38A F.2.3 and F.2.5.
static void cbc_gives_the_vectors(void **state)
{
	static const struct {
		unsigned encryption;
		const char *key, *iv, *plain, *sealed;
	} vectors[] = {
		{IKE_AES_CBC_128, "06a9214036b8a15b512e03d534120006",
			"3dafba429d9eb430b422da802c9fac41", "53696e676c6520626c6f636b206d7367",
			"e353779c1079aeb82708942dbe77181a"},
		{IKE_AES_CBC_128, "c286696d887c9aa0611bbb3e2025a45a",
			"562e17996d093d28ddb3ba695a2e6f58",
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			"d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
		{IKE_AES_CBC_192, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
			"000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
			"4f021db243bc633d7178183a9fa071e8"},
		{IKE_AES_CBC_256,
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
			"000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd6"}};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		unsigned e = vectors[i].encryption;
		struct bytes key = unhex(vectors[i].key), iv = unhex(vectors[i].iv), iv2 = iv;
		struct bytes plain = unhex(vectors[i].plain), sealed = unhex(vectors[i].sealed);
		struct bytes text = plain;

		assert_int_equal(ike_encryption_key_size(e), key.length);
		assert_int_equal(ike_encrypt(e, key.at, iv.at, text.at, text.length), 0);
		assert_memory_equal(text.at, sealed.at, sealed.length);
		// The IV of the next message is the last block (RFC 2409 appendix B).
		assert_memory_equal(iv.at, sealed.at + sealed.length - 16, 16);
		assert_int_equal(ike_decrypt(e, key.at, iv2.at, text.at, text.length), 0);
		assert_memory_equal(text.at, plain.at, plain.length);
		assert_memory_equal(iv2.at, iv.at, 16);
		assert_int_not_equal(ike_decrypt(e, key.at, iv2.at, text.at, 15), 0);
		assert_int_not_equal(ike_decrypt(e, key.at, iv2.at, text.at, 0), 0);
	}
}

// The Galois/Counter Mode of Operation (McGrew, Viega), test cases 4 and 16, whose IV is salt and
// explicit IV together.
static void gcm_gives_the_vectors(void **state)
{
	static const struct {
		unsigned encryption;
		const char *key, *sealed, *icv;
	} vectors[] = {{IKE_AES_GCM_128, "feffe9928665731c6d6a8f9467308308cafebabe",
			       "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
			       "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
			       "5bc94fbc3221a5db94fae95ae7121a47"},
		{IKE_AES_GCM_256,
			"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308cafebabe",
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
			"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
			"76fc6ece0f4e1768cddf8853bb2d551b"}};
	struct bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
	struct bytes iv = unhex("facedbaddecaf888");
	struct bytes plain =
		unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		unsigned e = vectors[i].encryption;
		struct bytes key = unhex(vectors[i].key), sealed = unhex(vectors[i].sealed);
		struct bytes icv = unhex(vectors[i].icv), text = plain;
		uint8_t got[IKE_AEAD_ICV];

		assert_true(ike_encryption_is_aead(e));
		assert_int_equal(ike_encryption_key_size(e) + IKE_AEAD_SALT, key.length);
		assert_int_equal(
			ike_aead_seal(e, key.at, iv.at, span(&aad), text.at, text.length, got), 0);
		assert_memory_equal(text.at, sealed.at, sealed.length);
		assert_memory_equal(got, icv.at, icv.length);
		assert_int_equal(
			ike_aead_open(e, key.at, iv.at, span(&aad), text.at, text.length, got), 0);
		assert_memory_equal(text.at, plain.at, plain.length);
		assert_int_not_equal(
			ike_aead_open(e, key.at, iv.at, span(&aad), text.at, text.length, got), 0);
		assert_int_not_equal(ike_encrypt(e, key.at, iv.at, text.at, 16), 0);
	}
	assert_int_not_equal(ike_aead_seal(IKE_AES_CBC_128, plain.at, iv.at, span(&aad), plain.at,
				     16, plain.at + 16),
		0);
}

static void counting(uint8_t *out, size_t n, uint8_t from)
{
	for (size_t i = 0; i < n; i++)
		out[i] = from + i;
}

static void keys_are_derived(void **state)
{
	static const struct {
		unsigned hash, encryption;
		const char *d, *a, *e, *iv, *keymat, *keymat_pfs;
	} vectors[] = {
		{IKE_SHA1, IKE_AES_CBC_256, "2876c7cb7fea52364ec3f10305c60eed063104a3",
			"4363573241e669c831628d29f82528a5d2b8ff40",
			"07538e40aa908a4998c80a1caa2cb0ec56c772aa4b8d974553f0492a401ac24a",
			"6ba12ac34aca5ac0f6cfd66c0c0832ce",
			"e59e4161b40f4c97ed69af00ba2b78d3d680b35fada1dbf6b19daa5bb16f9cd25a985575"
			"899adca32afa57805e54a732ea9514a15eb4b11c9b1af437621fc67c7c1e243fc3cbe037",
			"27155228133e65f72e849257c2d758311b7f1148f8a3b437155a6a119af7cdde1f38668a"
			"6547476748b429521e789e91f05d045540e22f28ca68e077f9eedfaf6d4f9e3a18477437"},
		{IKE_SHA256, IKE_AES_CBC_128,
			"7255eb8ac95978510a6dfc5a4d36af4703d6c39be5243dfbfb62e36d9b7446c4",
			"d8b134d9935ec1f7e28624005dece33e8ab3f3b2bc2fea227fc3a0bb12803b3f",
			"5c466357cf7cc221346dab5187251640", "512bf124b47b1c24f0aace1ad31d96c2",
			"65cc19fc6291a445d177d1dfbff8821c80d852d6456c5f8045e2bca1b5ccd955424d2e52"
			"f0ed52b4d0be1b7048dff456a33c94e6108df6b7eaa1594b8f2534dc1f0979602801de63",
			"adf2d94bc8f0afb5e767475d4ad02f0dc0fb62c364daa12ba874f9f565e0c53c6f6687af"
			"da40893ed78d3da2e0ff37d8a7101228424fee0f4646ec0450932cde07e4d22f0ae3ee35"},
		{IKE_SHA512, IKE_AES_CBC_192,
			"b193089a7ea7ec24e9c6f00d26531c2bbf2b006a797aef79ddd2fcd9c1d6b2b6955e239e"
			"1181c6d7c469534d249ba43adeaff48ada242e69f8f6473cb9a52686",
			"8f33f901a4bbd3fa5d3869252a169d5e88afc1968905fca130271b3b2ae572be394475a0"
			"0a2793b7be651267c9f8fe56b994a5a6dcd662255b8cd323c8c8d757",
			"fee8119d2a6c2949435952d428987503e3c5d0de0013b6cd",
			"eaa8c3eea2befa73d2eb9902c3b29bec",
			"99cc27096fc861132e6ac9ebbc850ef580b879aec35dc1afcd5b366ce82ff4f2f6e7a067"
			"62c5505aff179f7a134bc1240cef40d74d0ea42cc03d4e6c4a3c9bd14309862a98ea378b",
			"3c8eb927299e996f69411729276712aa7244abc3f3523443b56885824a4b0796b7f99318"
			"0c1297a32a625f6494292bd25969e8453ebc882dc2e69e01fa24d6404f31ef5a4411da3c"},
		{IKE_MD5, IKE_AES_CBC_256, "edeb8cf044bc2b780ccf8a778bc51c5d",
			"7e336fdbf219e71b10002703b21972d9",
			"6709ef8f1e856ef74ebf54589e9fb9c765dd7627c170e3455bdc137137a77967",
			"0c5c277af122d33d8b778651036c6dfd",
			"6688e3744bff9aafc523f5f93a1a98f379fe0b49c56dc011c0a47c11df19913ffca95c85"
			"91cd65f7a8b66c53f54d09d2c3865c91d2d772ffb428de340f79d2c6b64e08b8623d24c2",
			"ddba92194fc5d49e8b27e59cda72de8afaa96e18a5aca77bc89de216f64ba9ccf89f323c"
			"716c9dc83789469c1dd65a6dd6a62323f2c0bfe22e908b0d88732aa095bd6c4edb35619e"},
	};
	uint8_t ni[16], nr[32], secret[32], gi[64], gr[64];
	const uint8_t ci[8] = {1, 2, 3, 4, 5, 6, 7, 8}, cr[8] = {17, 18, 19, 20, 21, 22, 23, 24};

	counting(ni, sizeof(ni), 0);
	counting(nr, sizeof(nr), 0x40);
	counting(secret, sizeof(secret), 0x80);
	memset(gi, 0xaa, sizeof(gi));
	memset(gr, 0xbb, sizeof(gr));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes d = unhex(vectors[i].d), a = unhex(vectors[i].a);
		struct bytes e = unhex(vectors[i].e), iv = unhex(vectors[i].iv);
		struct bytes keymat = unhex(vectors[i].keymat), pfs = unhex(vectors[i].keymat_pfs);
		const struct ike_keys_input in = {.hash = vectors[i].hash,
			.encryption = vectors[i].encryption,
			.psk = SPAN((const uint8_t *)"swordfish", 9),
			.secret = SPAN(secret, 32),
			.nonce_i = SPAN(ni, 16),
			.nonce_r = SPAN(nr, 32),
			.public_i = SPAN(gi, 64),
			.public_r = SPAN(gr, 64),
			.cookie_i = ci,
			.cookie_r = cr};
		struct ike_keymat_input k = {.hash = vectors[i].hash,
			.nonce_i = SPAN(ni, 16),
			.nonce_r = SPAN(nr, 32),
			.protocol = 3,
			.spi = 0xc0ffee01};
		struct ike_keys keys;
		uint8_t out[72];

		assert_int_equal(ike_keys_derive(&in, &keys), 0);
		assert_memory_equal(keys.d, d.at, d.length);
		assert_memory_equal(keys.a, a.at, a.length);
		assert_memory_equal(keys.e, e.at, e.length);
		assert_memory_equal(keys.iv, iv.at, iv.length);
		k.skeyid_d = keys.d;
		assert_int_equal(ike_keymat(&k, out, sizeof(out)), 0);
		assert_memory_equal(out, keymat.at, sizeof(out));
		k.secret = SPAN(secret, 32);
		assert_int_equal(ike_keymat(&k, out, sizeof(out)), 0);
		assert_memory_equal(out, pfs.at, sizeof(out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_gives_the_vectors),
		cmocka_unit_test(prf_hashes_a_long_key),
		cmocka_unit_test(cbc_gives_the_vectors),
		cmocka_unit_test(gcm_gives_the_vectors),
		cmocka_unit_test(keys_are_derived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
