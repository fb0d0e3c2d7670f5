// SPDX-License-Identifier: Apache-2.0

// IKE_AUTH with certificates.

#include "fixture.h"

#include "controlplane/ike/certificates.h"
#include "controlplane/ike/pki_fixture.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pki root, other, gateway;
static struct certificates *certificates;
static struct v2_initiator i;

static void load(void)
{
	char why[512];

	certificates_free(certificates);
	certificates = certificates_create(&config, timers, why, sizeof(why));
	if (!certificates)
		fail_msg("%s", why);
	ike_set_certificates(ike, certificates_own(certificates), certificates_trust(certificates));
}

static int setup(void **state)
{
	(void)fixture_v2_setup(state);
	pki_folder_make();
	root = pki_authority("ecdsa-256", "CN=Root", NULL);
	other = pki_authority("ecdsa-256", "CN=Other", NULL);
	gateway = pki_peer("rsa-2048", "CN=Gateway", "DNS:vpn.example,IP:192.0.2.1", &root);
	pki_write_certificate("gateway.pem", &gateway, NULL);
	pki_write_key("gateway.key", gateway.key, NULL);
	pki_write_certificate("root.pem", &root, NULL);
	strcpy(config.certificates.own[0].certificate, pki_path("gateway.pem"));
	strcpy(config.certificates.own[0].key, pki_path("gateway.key"));
	strcpy(config.certificates.authorities[0].certificate, pki_path("root.pem"));
	config.certificates.own_count = config.certificates.authority_count = 1;
	load();
	return 0;
}

static int teardown(void **state)
{
	ike_free(ike);
	ike = NULL;
	certificates_free(certificates);
	certificates = NULL;
	(void)fixture_v2_teardown(state);
	pki_free(&root);
	pki_free(&other);
	pki_free(&gateway);
	pki_folder_remove();
	return 0;
}

static bool connect_with(const char *kind, const struct pki *issuer, uint8_t method, bool hashes,
	const char *address)
{
	struct pki peer = pki_peer(kind, "CN=Peer", "IP:198.51.100.7", issuer);
	bool connected;

	v2_initiator_init(&i, ike, address, PORT_IKE);
	i.key = peer.key;
	i.cert = pki_der(peer.certificate);
	i.method = method;
	i.hashes = hashes;
	i.gateway = gateway.key;
	connected = v2_initiator_connect(&i);
	OPENSSL_free((void *)i.cert.at);
	v2_initiator_free(&i);
	pki_free(&peer);
	return connected;
}

static void each_method_proves_both(void **state)
{
	assert_true(connect_with("rsa-2048", &root, V2_AUTH_RSA, false, "198.51.100.7"));
	assert_true(connect_with("rsa-2048", &root, V2_AUTH_DIGITAL, true, "198.51.100.7"));
	assert_true(connect_with("ecdsa-256", &root, V2_AUTH_DIGITAL, true, "198.51.100.7"));
	assert_int_equal(seen.currents, 1);
	assert_int_equal(seen.refused, 0);
}

// Whatever is wrong, the peer hears the same.
static void refuses_who_is_not_vouched_for(void **state)
{
	assert_false(connect_with("rsa-2048", &other, V2_AUTH_DIGITAL, true, "198.51.100.7"));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(i.chain.count, 1);
	// The certificate is of another address than the identity.
	assert_false(connect_with("rsa-2048", &root, V2_AUTH_DIGITAL, true, "198.51.100.8"));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(i.chain.count, 1);
	// The method is not that of the signature.
	assert_false(connect_with("ecdsa-256", &root, V2_AUTH_RSA, false, "198.51.100.7"));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(seen.refused, 3);
	assert_int_equal(seen.currents, 0);
}

static void survives_a_peer_that_goes_meanwhile(void **state)
{
	work_hold(true);
	assert_false(connect_with("rsa-2048", &root, V2_AUTH_RSA, false, "198.51.100.7"));
	ike_close_all(ike, "test");
	work_hold(false);
	assert_int_equal(half_open(), 0);
}

static void many_authorities(void)
{
	for (unsigned n = 0; n < CONFIG_AUTHORITIES; n++) {
		char subject[32], file[32];
		struct pki authority;

		snprintf(subject, sizeof(subject), "CN=Root %u", n);
		snprintf(file, sizeof(file), "root-%u.pem", n);
		authority = pki_authority("ecdsa-256", subject, NULL);
		pki_write_certificate(file, &authority, NULL);
		strcpy(config.certificates.authorities[n].certificate, pki_path(file));
		pki_free(&authority);
	}
	config.certificates.authority_count = CONFIG_AUTHORITIES;
	load();
}

// To an address that is not proven: then the names of our authorities are left out.
static void answers_no_longer_than_three_times(void **state)
{
	many_authorities();
	for (unsigned longer = 0; longer < 2; longer++) {
		v2_initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
		i.natt = longer;
		i.suite.group = longer ? IKE_MODP_2048 : IKE_ECP_256;
		assert_true(v2_initiator_begin(&i));
		assert_in_range(i.second_length, i.first_length, 3 * i.first_length);
		assert_int_equal(v2_chain_find(&i.chain, V2_CERTREQ, 0) != NULL, longer);
		v2_initiator_free(&i);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(each_method_proves_both),
		CASE(refuses_who_is_not_vouched_for),
		CASE(answers_no_longer_than_three_times),
		CASE(survives_a_peer_that_goes_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}
