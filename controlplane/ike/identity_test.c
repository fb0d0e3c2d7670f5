// SPDX-License-Identifier: Apache-2.0

#include "identity.h"

#include <errno.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct identity parsed(const char *text)
{
	struct identity id;

	assert_int_equal(identity_parse(&id, text), 0);
	return id;
}

static struct identity made(uint8_t type, const char *text)
{
	struct identity id;

	assert_int_equal(identity_make(&id, type, SPAN((const uint8_t *)text, strlen(text))), 0);
	return id;
}

static bool equal(const char *a, const char *b)
{
	struct identity left = parsed(a), right = parsed(b);

	return identity_equal(&left, &right);
}

static void words(const struct identity *id, const char *expected)
{
	char text[IDENTITY_TEXT];

	assert_string_equal(identity_words(id, text), expected);
}

static void parse_kinds(void **state)
{
	static const struct {
		const char *text, *words;
		uint8_t type;
	} table[] = {
		{"192.0.2.1", "192.0.2.1", ID_IPV4_ADDR},
		{"2001:db8::1", "2001:db8::1", ID_IPV6_ADDR},
		{"vpn.example.net", "vpn.example.net", ID_FQDN},
		{"alice@example.net", "alice@example.net", ID_USER_FQDN},
		{"CN=Alice, O=Example", "CN=Alice,O=Example", ID_DER_DN},
		{"C=DE, O=Example, CN=Alice", "CN=Alice,O=Example,C=DE", ID_DER_DN},
		{"CN=a+OU=b,DC=example,DC=net", "OU=b+CN=a,DC=example,DC=net", ID_DER_DN},
		{"CN=Alice\\, Bob ,O=x", "CN=Alice\\x5c, Bob,O=x", ID_DER_DN},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct identity id = parsed(table[i].text);

		assert_int_equal(id.type, table[i].type);
		words(&id, table[i].words);
	}
}

static void parse_refuses(void **state)
{
	static const char *const table[] = {"", "CN=", "=x", "CN=a,", "CN=a,b", "nonsense=a",
		"CN=a\\",
		"CN=0123456789012345678901234567890123456789012345678901234567890123456789"};
	struct identity id;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(identity_parse(&id, table[i]), -EINVAL);
}

static void make_refuses(void **state)
{
	static const uint8_t bytes[IDENTITY_MAX + 1];
	struct identity id;

	assert_int_equal(identity_make(&id, ID_FQDN, SPAN(bytes, 0)), -EBADMSG);
	assert_int_equal(identity_make(&id, 0, SPAN(bytes, 4)), -EBADMSG);
	assert_int_equal(identity_make(&id, ID_KEY_ID, SPAN(bytes, sizeof(bytes))), -EBADMSG);
	assert_int_equal(identity_make(&id, ID_IPV4_ADDR, SPAN(bytes, 16)), -EBADMSG);
	assert_int_equal(identity_make(&id, ID_IPV6_ADDR, SPAN(bytes, 4)), -EBADMSG);
	assert_int_equal(identity_make(&id, ID_IPV4_SUBNET, SPAN(bytes, 4)), -EBADMSG);
	assert_int_equal(identity_make(&id, ID_KEY_ID, SPAN(bytes, IDENTITY_MAX)), 0);
}

static void equal_as_the_rfcs_say(void **state)
{
	assert_true(equal("VPN.example.net", "vpn.EXAMPLE.net"));
	assert_false(equal("vpn.example.net", "vpn.example.org"));
	assert_true(equal("alice@Example.net", "alice@example.NET"));
	assert_false(equal("Alice@example.net", "alice@example.net"));
	assert_true(equal("CN=Alice,O=Example", "cn=alice, o=EXAMPLE"));
	assert_false(equal("CN=Alice,O=Example", "CN=Alice"));
	assert_false(equal("192.0.2.1", "192.0.2.2"));
	assert_false(equal("192.0.2.1", "vpn.example.net"));
}

static void equal_tells_types_apart(void **state)
{
	struct identity name = made(ID_FQDN, "a.example"), key = made(ID_KEY_ID, "a.example");
	struct identity upper = made(ID_KEY_ID, "A.example"), none = {0};

	assert_false(identity_equal(&name, &key));
	assert_false(identity_equal(&key, &upper));
	assert_false(identity_equal(&none, &none));
}

static void words_are_escaped(void **state)
{
	struct identity id = made(ID_FQDN, "a\x1b[31m"), rubbish = made(ID_DER_DN, "\x30\x05zz");
	static const uint8_t net[] = {192, 0, 2, 0, 255, 255, 255, 0};
	struct identity subnet;

	words(&id, "a\\x1b[31m");
	words(&rubbish, "0\\x05zz");
	assert_int_equal(identity_make(&subnet, ID_IPV4_SUBNET, SPAN(net, sizeof(net))), 0);
	words(&subnet, "192.0.2.0/255.255.255.0");
}

static void digest_is_of_type_and_data(void **state)
{
	struct identity a = made(ID_FQDN, "x"), b = made(ID_KEY_ID, "x"), c = made(ID_FQDN, "x");
	uint8_t digest[3][IDENTITY_DIGEST];

	identity_digest(&a, digest[0]);
	identity_digest(&b, digest[1]);
	identity_digest(&c, digest[2]);
	assert_memory_not_equal(digest[0], digest[1], IDENTITY_DIGEST);
	assert_memory_equal(digest[0], digest[2], IDENTITY_DIGEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_kinds),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(make_refuses),
		cmocka_unit_test(equal_as_the_rfcs_say),
		cmocka_unit_test(equal_tells_types_apart),
		cmocka_unit_test(words_are_escaped),
		cmocka_unit_test(digest_is_of_type_and_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
