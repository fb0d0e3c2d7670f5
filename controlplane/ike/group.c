// SPDX-License-Identifier: Apache-2.0

// See group.h. MODP and ECP go straight to libcrypto's powers and curves, by functions that take
// the same time for every private value. Its general interface for keys puts contexts, copies of
// the curve and encodings around the same functions, which add a fifth to an exchange in ECP-256.

#include "group.h"

#include "contract/config.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdlib.h>

enum { POINT_MAX = 1 + 132 }; // bytes: uncompressed, ECP-521

struct shape {
	unsigned group;
	size_t size, secret;        // bytes
	BIGNUM *(*prime)(BIGNUM *); // MODP
	// Bits of a private exponent, at least twice the strength of the group (RFC 3526 section
	// 8). A multiple of 64: libcrypto's power takes as long as for that, whatever is in the
	// last word.
	int exponent;
	int curve; // ECP: libcrypto's number
};

static const struct shape shapes[] = {
	{IKE_MODP_1024, 128, 128, BN_get_rfc2409_prime_1024, 256, 0},
	{IKE_MODP_1536, 192, 192, BN_get_rfc3526_prime_1536, 256, 0},
	{IKE_MODP_2048, 256, 256, BN_get_rfc3526_prime_2048, 256, 0},
	{IKE_MODP_3072, 384, 384, BN_get_rfc3526_prime_3072, 320, 0},
	{IKE_MODP_4096, 512, 512, BN_get_rfc3526_prime_4096, 384, 0},
	{IKE_ECP_256, 64, 32, NULL, 0, NID_X9_62_prime256v1},
	{IKE_ECP_384, 96, 48, NULL, 0, NID_secp384r1},
	{IKE_ECP_521, 132, 66, NULL, 0, NID_secp521r1},
	{IKE_X25519, 32, 32, NULL, 0, 0},
};

enum { GROUPS = sizeof(shapes) / sizeof(shapes[0]) };

// What is worked out once for each group. Read-only from then on, by any thread.
static struct {
	EC_GROUP *curve;
	BIGNUM *p, *last; // last: the greatest value that is taken of a peer, p - 2
	BN_MONT_CTX *montgomery;
} known[GROUPS];
static BIGNUM *two; // the generator of every MODP group
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static void know_modp(unsigned i, BN_CTX *c)
{
	BIGNUM *p = shapes[i].prime(NULL), *last = BN_dup(p);
	BN_MONT_CTX *montgomery = BN_MONT_CTX_new();

	if (two && last && montgomery && BN_sub_word(last, 2) &&
		BN_MONT_CTX_set(montgomery, p, c)) {
		known[i].p = p;
		known[i].last = last;
		known[i].montgomery = montgomery;
		return;
	}
	BN_MONT_CTX_free(montgomery);
	BN_free(last);
	BN_free(p);
}

static void know(void)
{
	BN_CTX *c = BN_CTX_new();

	two = BN_new();
	if (two && !BN_set_word(two, 2)) {
		BN_free(two);
		two = NULL;
	}
	for (unsigned i = 0; c && i < GROUPS; i++) {
		if (shapes[i].curve)
			known[i].curve = EC_GROUP_new_by_curve_name(shapes[i].curve);
		else if (shapes[i].prime)
			know_modp(i, c);
	}
	BN_CTX_free(c);
}

// NULL for a number that is none.
static const struct shape *shape_of(unsigned group)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (shapes[i].group == group)
			return &shapes[i];
	return NULL;
}

size_t ike_group_size(unsigned group)
{
	const struct shape *s = shape_of(group);

	return s ? s->size : 0;
}

size_t ike_group_secret_size(unsigned group)
{
	const struct shape *s = shape_of(group);

	return s ? s->secret : 0;
}

// ---- MODP

static bool modp_power(const struct shape *s, const BIGNUM *base, const BIGNUM *x, uint8_t *out)
{
	unsigned i = s - shapes;
	BN_CTX *c = BN_CTX_new();
	BIGNUM *y = BN_new();
	bool good = c && y && known[i].p &&
		    BN_mod_exp_mont_consttime(y, base, x, known[i].p, c, known[i].montgomery) &&
		    BN_bn2binpad(y, out, (int)s->size) > 0;

	BN_clear_free(y);
	BN_CTX_free(c);
	return good;
}

static bool modp_generate(const struct shape *s, BIGNUM *x, uint8_t *public)
{
	return BN_priv_rand(x, s->exponent, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	       modp_power(s, two, x, public);
}

static bool modp_shared(const struct shape *s, const BIGNUM *x, struct span peer, uint8_t *secret)
{
	BIGNUM *y = BN_bin2bn(peer.at, (int)peer.length, NULL);
	bool good = y && BN_cmp(y, BN_value_one()) > 0 && known[s - shapes].last &&
		    BN_cmp(y, known[s - shapes].last) <= 0 && modp_power(s, y, x, secret);

	BN_free(y);
	return good;
}

// ---- ECP

// Values of the arithmetic, wiped at its end.
struct ecp {
	const EC_GROUP *curve;
	BN_CTX *c;
	EC_POINT *point;
	BIGNUM *x;
};

static bool ecp_begin(struct ecp *e, const struct shape *s)
{
	e->curve = known[s - shapes].curve;
	e->c = BN_CTX_new();
	e->point = e->curve ? EC_POINT_new(e->curve) : NULL;
	e->x = BN_new();
	return e->c && e->point && e->x;
}

static void ecp_end(struct ecp *e)
{
	BN_clear_free(e->x);
	EC_POINT_clear_free(e->point);
	BN_CTX_free(e->c);
}

static bool ecp_generate(const struct shape *s, BIGNUM *d, uint8_t *public)
{
	uint8_t octets[POINT_MAX];
	struct ecp e;
	bool good = ecp_begin(&e, s);

	do
		good = good && BN_priv_rand_range(d, EC_GROUP_get0_order(e.curve));
	while (good && BN_is_zero(d));
	good = good && EC_POINT_mul(e.curve, e.point, d, NULL, NULL, e.c) &&
	       EC_POINT_point2oct(e.curve, e.point, POINT_CONVERSION_UNCOMPRESSED, octets,
		       sizeof(octets), e.c) == 1 + s->size;
	if (good)
		memcpy(public, octets + 1, s->size);
	ecp_end(&e);
	return good;
}

static bool ecp_shared(const struct shape *s, const BIGNUM *d, struct span peer, uint8_t *secret)
{
	uint8_t octets[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	struct ecp e;
	bool good = ecp_begin(&e, s);

	memcpy(octets + 1, peer.at, s->size);
	// It refuses a point that is not on the curve; the curves have no small subgroup.
	good = good && EC_POINT_oct2point(e.curve, e.point, octets, 1 + s->size, e.c) &&
	       EC_POINT_mul(e.curve, e.point, NULL, e.point, d, e.c) &&
	       EC_POINT_get_affine_coordinates(e.curve, e.point, e.x, NULL, e.c) &&
	       BN_bn2binpad(e.x, secret, (int)s->secret) > 0;
	ecp_end(&e);
	return good;
}

// ---- x25519

static bool x25519_generate(const struct shape *s, EVP_PKEY **key, uint8_t *public)
{
	size_t size = s->size;

	*key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	return *key && EVP_PKEY_get_raw_public_key(*key, public, &size) > 0;
}

static bool x25519_shared(const struct shape *s, EVP_PKEY *own, struct span peer, uint8_t *secret)
{
	EVP_PKEY *other =
		EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer.at, peer.length);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t size = s->secret;
	bool good = other && c && EVP_PKEY_derive_init(c) > 0 &&
		    EVP_PKEY_derive_set_peer_ex(c, other, 0) > 0 &&
		    EVP_PKEY_derive(c, secret, &size) > 0 && size == s->secret;

	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(other);
	return good;
}

// ---- all of them

struct ike_dh *ike_dh_generate(unsigned group, uint8_t *public)
{
	const struct shape *s = shape_of(group);
	struct ike_dh *own = s ? malloc(sizeof(*own)) : NULL;
	bool good;

	if (!own)
		return NULL;
	(void)pthread_once(&known_once, know);
	*own = (struct ike_dh){.group = group, .holders = 1, .private = BN_new()};
	if (s->prime)
		good = own->private && modp_generate(s, own->private, public);
	else if (s->curve)
		good = own->private && ecp_generate(s, own->private, public);
	else
		good = x25519_generate(s, &own->key, public);
	if (good)
		return own;
	ike_dh_free(own);
	return NULL;
}

struct ike_dh *ike_dh_hold(struct ike_dh *own)
{
	own->holders++;
	return own;
}

void ike_dh_free(struct ike_dh *own)
{
	if (!own || --own->holders)
		return;
	BN_clear_free(own->private);
	EVP_PKEY_free(own->key);
	free(own);
}

int ike_dh_shared(unsigned group, const struct ike_dh *own, struct span peer, uint8_t *secret)
{
	const struct shape *s = shape_of(group);
	bool good;

	if (!s || own->group != group || peer.length != s->size)
		return -EINVAL;
	(void)pthread_once(&known_once, know);
	if (s->prime)
		good = modp_shared(s, own->private, peer, secret);
	else if (s->curve)
		good = ecp_shared(s, own->private, peer, secret);
	else
		good = x25519_shared(s, own->key, peer, secret);
	return good ? 0 : -EINVAL;
}
