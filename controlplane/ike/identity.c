// SPDX-License-Identifier: Apache-2.0

// See identity.h. What may be written in several ways is compared as its RFC says: host names
// without regard to case (RFC 1034 section 3.1), of an e-mail address the part behind the @ (RFC
// 5321 section 2.4), distinguished names attribute by attribute (RFC 5280 section 7.1, as libcrypto
// has it). The digest is of the bytes as they came: a peer sends its own name in one way.

#include "identity.h"

#include "controlplane/log.h"
#include "crypto.h"

#include <errno.h>
#include <openssl/x509.h>
#include <string.h>

static bool length_fits(uint8_t type, size_t length)
{
	switch (type) {
	case ID_IPV4_ADDR:
		return length == 4;
	case ID_IPV4_SUBNET:
		return length == 8;
	case ID_IPV6_ADDR:
		return length == 16;
	case ID_IPV6_SUBNET:
		return length == 32;
	default:
		return length > 0 && length <= IDENTITY_MAX;
	}
}

int identity_make(struct identity *out, uint8_t type, struct span data)
{
	if (type == 0 || !length_fits(type, data.length))
		return -EBADMSG;
	memset(out, 0, sizeof(*out));
	out->type = type;
	out->length = (uint16_t)data.length;
	memcpy(out->data, data.at, data.length);
	return 0;
}

static X509_NAME *name_of(const struct identity *id)
{
	const unsigned char *at = id->data;
	X509_NAME *name = d2i_X509_NAME(NULL, &at, id->length);

	if (name && at == id->data + id->length)
		return name;
	X509_NAME_free(name);
	return NULL;
}

// ---- from words

enum { RDNS_MAX = 32, VALUE_MAX = 256 };

// One "type=value" of a distinguished name, its escapes undone.
struct rdn {
	char type[64];
	char value[VALUE_MAX];
	size_t length;
	bool joined; // by a + to the one before
};

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool is_end(char c)
{
	return c == '\0' || c == ',' || c == '+' || c == ';';
}

static const char *rdn_type(const char *text, struct rdn *out)
{
	size_t n;

	text += strspn(text, " ");
	n = strcspn(text, "= ,+\\");
	if (n == 0 || n >= sizeof(out->type))
		return NULL;
	memcpy(out->type, text, n);
	out->type[n] = '\0';
	text += n;
	text += strspn(text, " ");
	return *text == '=' ? text + 1 + strspn(text + 1, " ") : NULL;
}

// Up to the comma or plus that ends it; spaces in front of that are none of it (RFC 4514 section
// 2.4 escapes those that are).
static const char *rdn_value(const char *text, struct rdn *out)
{
	size_t n = 0, kept = 0;

	while (!is_end(*text)) {
		char c = *text++;
		bool escaped = c == '\\';

		if (escaped && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
			c = (char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
			text += 2;
		} else if (escaped && !(c = *text++)) {
			return NULL;
		}
		if (n == VALUE_MAX)
			return NULL;
		out->value[n++] = c;
		if (escaped || c != ' ')
			kept = n;
	}
	out->length = kept;
	return kept ? text : NULL;
}

// libcrypto knows its short names in capitals; RFC 4514 leaves the case to the writer.
static void rdn_capitals(struct rdn *r)
{
	if (OBJ_txt2nid(r->type) != NID_undef)
		return;
	for (char *c = r->type; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c &= ~0x20;
}

static int rdns_read(const char *text, struct rdn rdns[RDNS_MAX])
{
	int count = 0;
	bool joined = false;

	for (;;) {
		if (count == RDNS_MAX)
			return -EINVAL;
		text = rdn_type(text, &rdns[count]);
		if (!text || !(text = rdn_value(text, &rdns[count])))
			return -EINVAL;
		rdn_capitals(&rdns[count]);
		rdns[count++].joined = joined;
		if (!*text)
			return count;
		joined = *text++ == '+';
	}
}

static bool rdn_add(X509_NAME *name, const struct rdn *r, int at, int set)
{
	return X509_NAME_add_entry_by_txt(name, r->type, MBSTRING_UTF8,
		       (const unsigned char *)r->value, (int)r->length, at, set) == 1;
}

// RFC 4514 begins with the last of the sequence. Many write a name as it is encoded instead, the
// country first; nothing stands above a country, so that tells the two apart.
static bool name_fill(X509_NAME *name, const struct rdn *rdns, int count)
{
	bool forward = strcasecmp(rdns[0].type, "C") == 0;

	for (int i = 0; i < count; i++) {
		bool joined = rdns[i].joined;

		if (forward ? !rdn_add(name, &rdns[i], -1, joined ? -1 : 0)
			    : !rdn_add(name, &rdns[i], 0, joined ? 1 : 0))
			return false;
	}
	return true;
}

static int name_parse(struct identity *out, const char *text)
{
	struct rdn rdns[RDNS_MAX];
	int count = rdns_read(text, rdns), error = -EINVAL, length;
	X509_NAME *name = count > 0 ? X509_NAME_new() : NULL;
	unsigned char *der = NULL;

	if (name && name_fill(name, rdns, count)) {
		length = i2d_X509_NAME(name, &der);
		if (length > 0 && !identity_make(out, ID_DER_DN, SPAN(der, (size_t)length)))
			error = 0;
	}
	OPENSSL_free(der);
	X509_NAME_free(name);
	return error;
}

int identity_parse(struct identity *out, const char *text)
{
	const struct span data = SPAN((const uint8_t *)text, strlen(text));
	struct ip_address address;
	uint8_t type = ID_FQDN;

	if (address_parse(text, &address) == 0)
		return identity_make(out, isakmp_id_type(&address),
			       SPAN(address.bytes, address.version == IP_V6 ? 16 : 4))
			       ? -EINVAL
			       : 0;
	if (strchr(text, '='))
		return name_parse(out, text);
	if (strchr(text, '@'))
		type = ID_USER_FQDN;
	return identity_make(out, type, data) ? -EINVAL : 0;
}

// ---- compared and shown

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool host_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static size_t local_part(const struct identity *id)
{
	const uint8_t *at = memrchr(id->data, '@', id->length);

	return at ? (size_t)(at - id->data) : 0;
}

static bool name_equal(const struct identity *a, const struct identity *b)
{
	X509_NAME *left = name_of(a), *right = name_of(b);
	bool equal = left && right && X509_NAME_cmp(left, right) == 0;

	X509_NAME_free(left);
	X509_NAME_free(right);
	return equal;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	size_t local;

	if (a->type != b->type || a->type == 0)
		return false;
	if (a->length == b->length && memcmp(a->data, b->data, a->length) == 0)
		return true;
	if (a->type == ID_DER_DN)
		return name_equal(a, b);
	if (a->length != b->length)
		return false;
	if (a->type == ID_FQDN)
		return host_equal(a->data, b->data, a->length);
	local = local_part(a);
	return a->type == ID_USER_FQDN && local == local_part(b) &&
	       memcmp(a->data, b->data, local) == 0 &&
	       host_equal(a->data + local, b->data + local, a->length - local);
}

static const char *name_words(const struct identity *id, char out[IDENTITY_TEXT])
{
	X509_NAME *name = name_of(id);
	BIO *bio = name ? BIO_new(BIO_s_mem()) : NULL;
	char *text = NULL;
	long length = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		length = BIO_get_mem_data(bio, &text);
	if (length > 0)
		log_text(text, (size_t)length, out, IDENTITY_TEXT);
	else
		log_text(id->data, id->length, out, IDENTITY_TEXT);
	BIO_free(bio);
	X509_NAME_free(name);
	return out;
}

static const char *address_words(
	uint8_t type, const uint8_t *bytes, const char *after, char out[IDENTITY_TEXT])
{
	bool v6 = type == ID_IPV6_ADDR || type == ID_IPV6_SUBNET;
	struct ip_address address = v6 ? address_v6(bytes) : address_v4(bytes);
	char text[ADDRESS_TEXT];

	snprintf(out, IDENTITY_TEXT, "%s%s", address_format(&address, text), after);
	return out;
}

const char *identity_words(const struct identity *id, char out[IDENTITY_TEXT])
{
	char mask[IDENTITY_TEXT / 2] = "/";

	switch (id->type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		return address_words(id->type, id->data, "", out);
	case ID_IPV4_SUBNET:
	case ID_IPV6_SUBNET: {
		char words[IDENTITY_TEXT];

		address_words(id->type, id->data + id->length / 2, "", words);
		snprintf(mask, sizeof(mask), "/%.50s", words);
		return address_words(id->type, id->data, mask, out);
	}
	case ID_DER_DN:
		return name_words(id, out);
	default:
		return log_text(id->data, id->length, out, IDENTITY_TEXT);
	}
}

void identity_digest(const struct identity *id, uint8_t out[IDENTITY_DIGEST])
{
	const struct span parts[] = {SPAN(&id->type, 1), SPAN(id->data, id->length)};
	uint8_t digest[IKE_HASH_MAX];

	(void)ike_digest(IKE_SHA256, parts, 2, digest);
	memcpy(out, digest, IDENTITY_DIGEST);
}
