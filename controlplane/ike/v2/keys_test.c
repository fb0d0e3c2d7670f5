// SPDX-License-Identifier: Apache-2.0

// The derivations of RFC 7296 and RFC 8784, which publish no vectors, against values worked out
// apart from this code with another HMAC.

#include "keys.h"

#include "controlplane/ike/hex_fixture.h"
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void is(const uint8_t *got, const char *hex)
{
	struct bytes b = unhex(hex);

	assert_memory_equal(got, b.at, b.length);
}

static const uint8_t spi_i[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t spi_r[] = {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
static uint8_t numbers[256]; // 0, 1, 2, ...

static struct v2_keys_input input_of(struct v2_suite suite)
{
	for (int i = 0; i < 256; i++)
		numbers[i] = i;
	return (struct v2_keys_input){.suite = suite,
		.secret = SPAN(numbers, 32),
		.nonce_i = SPAN(numbers + 0x40, 0x20),
		.nonce_r = SPAN(numbers + 0x80, 0x28),
		.spi_i = spi_i,
		.spi_r = spi_r};
}

static const struct {
	struct v2_suite suite;
	bool rekey;          // of the 3DES and SHA-1 one
	const char *keys[7]; // d, ai, ar, ei, er, pi, pr
} vectors[] = {
	{{IKE_AES_CBC_256, IKE_SHA256, IKE_MODP_2048}, false,
		{"668fb9e9a01c61b21c9a74c5595f0b17c0fe2d2c5ea57873a9aec0ebddeaa891",
			"5d2a7dd9fbb3824665612884c17cd1a66330b4aa731a2bbc4528d3d15c688962",
			"5fbf10d2df15cba5a5a31cea3d5d287b6492d1b5911be46cd34f40f1dca4fcc5",
			"6a03753f32bc915d30bb08017b9e32ce22187f4008ece0786b5691aaec2ae513",
			"d658441e8ce1751a073c038afcb106c69df6138cb72a23a01fe60ff3c0faea4d",
			"f394526f524dadfd68af8fe13e0681c31a55e4f0197d8e01eda908d8e8a8c59c",
			"62ea9ffef3a6fbdb488e641b112cd3dee7aea9ada79f15f8a8bcd5cb622f2ae6"}},
	{{IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384}, false,
		{"1251cb0113c14f44ada7a4f8d1be524921face7972846a19c49c73c7fe6f50c0"
		 "1973d85b8f9fb16e16dfe1890637ffa2",
			"", "",
			"c5fb769e64810704850e65f796abaaf65b5f4354b0e5c6969cd618c61598d8c6"
			"adf98288",
			"8b8d0684082ab0ef191d87032c1661663c520ce47f77f2814b92662811142945"
			"83d48bb5",
			"e9fe833692bd97b4da066f8b2789fd85e5d9daffbf2d6f1940daf25cb4e86479"
			"e45b377863887451e15fdc25d31cd398",
			"4fa1be3dbf651ab46d53a8da448b4cf60b304633a25d0a075d30cb8114896cff"
			"8fe708a99fc2edf0f1ffe2f4eccc55e9"}},
	{{IKE_3DES, IKE_SHA1, IKE_MODP_2048}, false,
		{"494dc81f1286b70556cc1c38e186ec01d45ded56",
			"753922fd0ab24864867cfd0b22ffc5b98e90bf89",
			"eeebaf95b4015b19ce7f4d417aed8345e1a637f3",
			"f521be9b1d5c68916359bccf19189360ef004c699f8dcfd3",
			"2b037a28ae1056342b3f449d1aec384210845468f10295d2",
			"e33db7f7a4497c643b0efbd43c6a5f54ee843f84",
			"d14bbba657fbbd8446f7c05361e2df38684b5193"}},
	{{IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384}, true,
		{"801e51ac5eb000f0ccea3f287bf3ec4c9653ccb100f6ba74029457cb8331c58d"
		 "621b9530946742a7f679110a64f1fe64",
			"", "",
			"3d6cd81b7991f7784df6f6aa1154acb691ec570defaff1a0d5f79f8079f4fb6b"
			"2d9b0d51",
			"fd204294e8cf6dca7abd819625ed1d99797c614b6d2b196b624ce7d2ac1de6a2"
			"37e09a9d",
			"988640008a075ee276017b9e87b0e802ba8afccc4f5561b6c7716f274f609ff1"
			"7e1f28a497ebec2f0de738012155188a",
			"a2bfe80d86caae0339a8c23dd3092aa160c0a69ee8289fec12aa8c456fd4eafd"
			"d2640052635b9540b86cd55fed7d8feb"}},
};

static void derives_the_seven_keys(void **state)
{
	struct v2_keys old, keys;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct v2_keys_input in = input_of(vectors[i].suite);
		const char *const *want = vectors[i].keys;

		if (vectors[i].rekey) {
			in.old_d = old.d;
			in.old_hash = IKE_SHA1;
		}
		assert_int_equal(v2_keys_derive(&in, &keys), 0);
		is(keys.d, want[0]);
		is(keys.ai, want[1]);
		is(keys.ar, want[2]);
		is(keys.ei, want[3]);
		is(keys.er, want[4]);
		is(keys.pi, want[5]);
		is(keys.pr, want[6]);
		old = keys;
	}
	v2_keys_wipe(&keys);
	assert_int_equal(keys.d[0] | keys.ei[0] | keys.pr[0], 0);
}

static void refuses_what_it_does_not_know(void **state)
{
	struct v2_keys_input in = input_of((struct v2_suite){IKE_AES_CBC_128, 3, IKE_ECP_256});
	struct v2_keys keys;
	uint8_t out[64];

	assert_int_not_equal(v2_keys_derive(&in, &keys), 0);
	in.suite = (struct v2_suite){99, IKE_SHA256, IKE_ECP_256};
	assert_int_not_equal(v2_keys_derive(&in, &keys), 0);
	in.suite = (struct v2_suite){IKE_AES_CBC_128, IKE_SHA256, IKE_ECP_256};
	in.nonce_i = SPAN(numbers, V2_NONCE_MAX + 1);
	assert_int_not_equal(v2_keys_derive(&in, &keys), 0);
	assert_int_not_equal(
		v2_prf_plus(IKE_SHA1, SPAN(numbers, 20), NULL, 0, out, 255 * 20 + 1), 0);
}

static void derives_keymat(void **state)
{
	struct v2_keys_input in = input_of(vectors[0].suite);
	struct v2_keymat_input child = {
		.hash = IKE_SHA256, .nonce_i = in.nonce_i, .nonce_r = in.nonce_r};
	uint8_t i2r[V2_KEYMAT_MAX], r2i[V2_KEYMAT_MAX];
	struct bytes plain =
		unhex("0dadbd13d0b943df2999a716b4f8e618633f19c2f790376b1f7d442968de0a03"
		      "b036b3c07d4e08e4bffc39cdf6170b8dc16fea91fd0ec6469b073b923668539f"
		      "9de0e01e78eea5c3105647103258d70679c99f58b56a3c7d6ebb0dfdd1e791ec"
		      "bfa42620a8217d70");
	struct bytes pfs = unhex("6e1ce32b9df0e6f970189eb35fdc98786ed1875e5dbcac5dfb30f454eddfe347"
				 "731749d2c3bfb0cef46d62a62571211813fb1963cdcb9d494359731fad2c6b8d"
				 "7cfbe599ce0e6060");
	struct v2_keys keys;

	assert_int_equal(v2_keys_derive(&in, &keys), 0);
	child.d = keys.d;
	assert_int_equal(v2_keymat(&child, i2r, r2i, 52), 0);
	assert_memory_equal(i2r, plain.at, 52);
	assert_memory_equal(r2i, plain.at + 52, 52);
	child.secret = in.secret;
	assert_int_equal(v2_keymat(&child, i2r, r2i, 36), 0);
	assert_memory_equal(i2r, pfs.at, 36);
	assert_memory_equal(r2i, pfs.at + 36, 36);
	assert_int_not_equal(v2_keymat(&child, i2r, r2i, V2_KEYMAT_MAX + 1), 0);
}

static void mixes_a_ppk(void **state)
{
	struct v2_keys_input in = input_of(vectors[0].suite);
	static const char ppk[] = "a post-quantum key";
	struct v2_keys keys;

	assert_int_equal(v2_keys_derive(&in, &keys), 0);
	assert_int_equal(
		v2_keys_mix_ppk(IKE_SHA256, SPAN((const uint8_t *)ppk, sizeof(ppk) - 1), &keys), 0);
	is(keys.d, "5e870c8c4ce97d2f5182c9dc374912fbdd7a78f3ba474f3fc2ce60f4de3e5a18");
	is(keys.pi, "acb07fc5e6a62e766f44da579bdd05d6c4b3a4155e746fa0ad49539a0d3329b6");
	is(keys.pr, "67b4cc4616719477d6e0d8d66d58995ad591b6bcd5e32d195441973de40b651a");
	is(keys.ei, vectors[0].keys[3]);
}

static void proves_a_shared_key(void **state)
{
	struct v2_keys_input in = input_of(vectors[0].suite);
	static const char message[] = "the first message", id[] = "\2\0\0\0example.org";
	struct span m = SPAN((const uint8_t *)message, sizeof(message) - 1);
	struct span i = SPAN((const uint8_t *)id, sizeof(id) - 1);
	uint8_t octets[200], out[IKE_HASH_MAX];
	struct build b = build_in(octets, sizeof(octets)), small = build_in(octets, 20);
	struct v2_keys keys;

	assert_int_equal(v2_keys_derive(&in, &keys), 0);
	assert_int_equal(v2_auth_octets(IKE_SHA256, keys.pi, m, in.nonce_r, i, &b), 0);
	assert_int_equal(build_length(&b), m.length + in.nonce_r.length + 32);
	assert_memory_equal(octets, m.at, m.length);
	is(octets + m.length + in.nonce_r.length,
		"6b424dfdb46d0a8e4c8f2e3fac7ac364c98a183958bfd48bd637451121c9d3aa");
	assert_int_equal(v2_auth_shared(IKE_SHA256, SPAN((const uint8_t *)"secret", 6),
				 SPAN(octets, build_length(&b)), out),
		0);
	is(out, "7709a5ff2128fc70a2c9d8fe028d86587f652521c14b537a4992fc07d0b69bb6");
	assert_int_not_equal(v2_auth_octets(IKE_SHA256, keys.pi, m, in.nonce_r, i, &small), 0);
}

static void hashes_an_address(void **state)
{
	struct ip_address address = address_v4((const uint8_t[]){192, 0, 2, 1});
	uint8_t out[V2_NAT_HASH];

	assert_int_equal(v2_nat_hash(spi_i, spi_r, &address, 4500, out), 0);
	is(out, "5184f43875ff7d9e3dfdc92bd1dee1a08204de3e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(derives_the_seven_keys),
		cmocka_unit_test(refuses_what_it_does_not_know), cmocka_unit_test(derives_keymat),
		cmocka_unit_test(mixes_a_ppk), cmocka_unit_test(proves_a_shared_key),
		cmocka_unit_test(hashes_an_address)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
