// SPDX-License-Identifier: Apache-2.0

// See proof.h.

#include "proof.h"

#include "controlplane/ike/certificate.h"
#include "controlplane/ike/signature.h"
#include "informational.h"
#include "main_initiate.h"
#include "phase1.h"
#include "sealed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum {
	ENCODING_PKCS7 = 1,        // RFC 2408 section 3.9; Windows sends its chain so
	ENCODING_X509 = 4,         // RFC 2408 section 3.9: X.509 certificate - signature
	REQUESTS_MOST = 16,        // CERTREQ payloads of one message that are read
	REQUEST_BYTES_MOST = 1400, // of names in ours; beyond: one without a name, for any
	TRIES_MOST = 4,            // fifth messages that are checked: each costs us a signature
};

struct proof {
	const struct credential *own; // held
	struct signature_job *job;
	unsigned tries;
	// The fifth message, while it is being checked and answered.
	uint8_t *plain; // NULL: none; chain points into it
	bool opened;    // it decrypts to payloads
	size_t size;
	struct isakmp_chain chain;
	struct flow flow;
	uint8_t iv[IKE_BLOCK_MAX];
	uint8_t request[SHA256_SIZE];
	struct trust_chain *trusted;
	uint8_t *unwrapped[SIGNATURE_CERTS]; // certificates from a PKCS#7 wrapping
	uint8_t id[4 + IDENTITY_MAX];        // body of IDir
	size_t id_length;
};

// A method of authentication, and what it takes.
static const struct method {
	unsigned auth;
	enum credential_kind kind;
	enum signature_scheme scheme;
	const char *word;
} methods[] = {
	{IKE_AUTH_RSA, CREDENTIAL_RSA, SIGNATURE_V1_RSA, "rsa-signature"},
	{IKE_AUTH_ECDSA_256, CREDENTIAL_ECDSA_256, SIGNATURE_V1_ECDSA_256, "ecdsa-256"},
	{IKE_AUTH_ECDSA_384, CREDENTIAL_ECDSA_384, SIGNATURE_V1_ECDSA_384, "ecdsa-384"},
	{IKE_AUTH_ECDSA_521, CREDENTIAL_ECDSA_521, SIGNATURE_V1_ECDSA_521, "ecdsa-521"},
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

static const struct method *method_of(const struct ike_sa *sa)
{
	for (size_t i = 0; i < METHODS; i++)
		if (methods[i].auth == sa->v1.phase1->auth)
			return &methods[i];
	return NULL;
}

unsigned proof_auths(const struct ike *ike)
{
	unsigned auths = 0;

	if (!trust_any(ike->trust))
		return 0;
	for (size_t i = 0; i < METHODS; i++)
		if (credentials_choose(ike->credentials, 1u << methods[i].kind, NULL, 0, false))
			auths |= 1u << methods[i].auth;
	return auths;
}

static void proof_forget(struct proof *p)
{
	if (p->plain)
		OPENSSL_cleanse(p->plain, p->size);
	free(p->plain);
	p->plain = NULL;
	p->opened = false;
	trust_chain_free(p->trusted);
	p->trusted = NULL;
	for (size_t i = 0; i < SIGNATURE_CERTS; i++) {
		OPENSSL_free(p->unwrapped[i]);
		p->unwrapped[i] = NULL;
	}
}

void proof_free(struct proof *p)
{
	if (!p)
		return;
	signature_abandon(&p->job);
	proof_forget(p);
	credential_drop(p->own);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

bool proof_refuse(struct ike_sa *sa, const struct flow *flow)
{
	const struct proof *p = sa->v1.phase1->proof;

	if (!p || !p->opened)
		return false;
	informational_refuse_sa(sa, flow, p->iv, NOTIFY_AUTHENTICATION_FAILED);
	return true;
}

// ---- requests

// Those for X.509 certificates, without the byte that says so.
static size_t requests_read(const struct isakmp_chain *chain, struct span out[REQUESTS_MOST])
{
	const struct isakmp_part *part;
	size_t count = 0;

	for (size_t i = 0; (part = isakmp_chain_find(chain, ISAKMP_CERTREQ, i)); i++)
		if (count < REQUESTS_MOST && part->body.length > 0 &&
			part->body.at[0] == ENCODING_X509)
			out[count++] = SPAN(part->body.at + 1, part->body.length - 1);
	return count;
}

static void choose_own(struct ike_sa *sa, const struct isakmp_chain *chain)
{
	struct span requests[REQUESTS_MOST];
	size_t count = requests_read(chain, requests);
	struct proof *p = sa->v1.phase1->proof;
	const struct credential *own;

	if (count == 0 && p->own)
		return;
	own = credentials_choose(
		sa->ike->credentials, 1u << method_of(sa)->kind, requests, count, false);
	credential_drop(p->own);
	p->own = own ? credential_hold(own) : NULL;
}

int proof_begin(struct ike_sa *sa, const struct isakmp_chain *third)
{
	struct phase1 *p = sa->v1.phase1;

	// The third message may come again when there was no room on the thread pool.
	if (!p->proof)
		p->proof = calloc(1, sizeof(*p->proof));
	if (!p->proof)
		return -ENOMEM;
	choose_own(sa, third);
	return 0;
}

static void request_write(struct isakmp_out *out, struct span name)
{
	isakmp_out_open(out, ISAKMP_CERTREQ);
	build_u8(&out->b, ENCODING_X509);
	build_bytes(&out->b, name.at, name.length);
	isakmp_out_close(out);
}

void proof_requests_write(struct ike_sa *sa, struct isakmp_out *out)
{
	const struct trust *trust = sa->ike->trust;
	struct span name;
	size_t bytes = 0;

	for (size_t i = 0; (name = trust_request_v1(trust, i)).length; i++)
		bytes += name.length;
	if (bytes > REQUEST_BYTES_MOST) {
		request_write(out, SPAN(NULL, 0));
		return;
	}
	for (size_t i = 0; (name = trust_request_v1(trust, i)).length; i++)
		request_write(out, name);
}

// ---- our proof

// As the peer names itself, so we name ourselves as far as our certificate goes.
static void own_identity(const struct ike_sa *sa, uint8_t type, struct identity *out)
{
	const struct credential *own = sa->v1.phase1->proof->own;
	const struct ip_address *local = &sa->flow.local;

	if (type == ID_FQDN || type == ID_USER_FQDN) {
		credential_identity(own, out);
		return;
	}
	if ((type == ID_IPV4_ADDR || type == ID_IPV6_ADDR) &&
		identity_make(out, isakmp_id_type(local),
			SPAN(local->bytes, local->version == IP_V6 ? 16 : 4)) == 0 &&
		credential_names(own, out))
		return;
	(void)identity_make(out, ID_DER_DN, credential_subject(own));
}

static void id_write(const struct ike_sa *sa, uint8_t type)
{
	struct proof *p = sa->v1.phase1->proof;
	struct build b = build_in(p->id, sizeof(p->id));
	struct identity id = {0};

	own_identity(sa, type, &id);
	build_u32(&b, (uint32_t)id.type << 24);
	build_bytes(&b, id.data, id.length);
	p->id_length = build_length(&b);
}

static void certificates_write(const struct proof *p, struct isakmp_out *out)
{
	struct span der;

	for (size_t i = 0; (der = credential_certificate(p->own, i)).length; i++) {
		isakmp_out_open(out, ISAKMP_CERT);
		build_u8(&out->b, ENCODING_X509);
		build_bytes(&out->b, der.at, der.length);
		isakmp_out_close(out);
	}
}

void proof_write(const struct ike_sa *sa, struct isakmp_out *out, struct span signature)
{
	const struct proof *p = sa->v1.phase1->proof;

	isakmp_out_payload(out, ISAKMP_ID, p->id, p->id_length);
	certificates_write(p, out);
	isakmp_out_payload(out, ISAKMP_SIG, signature.at, signature.length);
}

static int send_sixth(struct ike_sa *sa, struct span signature)
{
	const struct proof *p = sa->v1.phase1->proof;
	struct sealed s;
	size_t length;

	sealed_begin(&s, sa, ISAKMP_MAIN, 0, false);
	proof_write(sa, &s.out, signature);
	phase1_lifetime_write(sa, &s.out);
	length = sealed_end(&s, sa, sa->v1.keys.iv, SPAN(NULL, 0));
	if (length == 0 || reply_keep(&sa->v1.reply, p->request, s.buffer, length))
		return -ENOMEM;
	sa_send(sa, &sa->flow, s.buffer, length);
	return 0;
}

static void made(void *owner, int error, struct span signature)
{
	struct ike_sa *sa = owner;
	struct proof *p = sa->v1.phase1->proof;
	struct flow flow = p->flow;

	if (sa->v1.initiator) {
		if (error)
			main_initiate_stuck(sa, "our own signature could not be made");
		else
			main_initiate_signed(sa, signature);
		return;
	}
	if (error) {
		phase1_refuse(sa, &flow, "our own signature could not be made");
		proof_forget(p);
		return;
	}
	memcpy(sa->v1.keys.iv, p->iv, sizeof(p->iv));
	sa->auth = method_of(sa)->word;
	if (!phase1_attach(
		    sa, &flow, &p->chain, isakmp_chain_find(&p->chain, ISAKMP_ID, 0)->body)) {
		proof_forget(p);
		return;
	}
	sa->chain = p->trusted;
	p->trusted = NULL;
	if (send_sixth(sa, signature))
		phase1_abandon(sa);
	else
		phase1_up(sa);
}

// Signs what names us, to a peer that names itself by an ID of that type.
static int sign(struct ike_sa *sa, uint8_t type)
{
	struct proof *p = sa->v1.phase1->proof;
	uint8_t hash[IKE_HASH_MAX];

	if (!p->own)
		return -ENOENT;
	id_write(sa, type);
	if (phase1_hash(sa, &sa->v1.keys, sa->v1.initiator, SPAN(p->id, p->id_length), hash))
		return -EINVAL;
	return signature_make(&p->job, p->own, method_of(sa)->scheme, 0,
		SPAN(hash, ike_hash_size(phase1_hash_algorithm(sa))), made, sa);
}

int proof_sign(struct ike_sa *sa)
{
	return sign(sa, sa->v1.id_type);
}

// ---- the peer's proof

static void refuse(struct ike_sa *sa, const struct flow *flow, const char *reason)
{
	if (sa->v1.initiator) {
		main_initiate_failed(sa, reason);
		return;
	}
	phase1_refuse(sa, flow, reason);
	proof_forget(sa->v1.phase1->proof);
}

static void checked(void *owner, struct signature_verdict *verdict)
{
	struct ike_sa *sa = owner;
	struct proof *p = sa->v1.phase1->proof;

	if (!verdict->good) {
		refuse(sa, &p->flow, verdict->reason);
		return;
	}
	if (sa->v1.initiator) {
		memcpy(sa->v1.keys.iv, p->iv, sizeof(p->iv));
		sa->chain = verdict->chain;
		verdict->chain = NULL;
		main_initiate_proven(sa, &p->chain);
		return;
	}
	p->trusted = verdict->chain;
	verdict->chain = NULL;
	if (sign(sa, isakmp_chain_find(&p->chain, ISAKMP_ID, 0)->body.at[0]))
		proof_forget(p);
}

static size_t certificates_read(const struct isakmp_chain *chain, struct span out[SIGNATURE_CERTS])
{
	const struct isakmp_part *part;
	size_t count = 0;

	for (size_t i = 0; (part = isakmp_chain_find(chain, ISAKMP_CERT, i)); i++)
		if (count < SIGNATURE_CERTS && part->body.length > 1 &&
			part->body.at[0] == ENCODING_X509)
			out[count++] = SPAN(part->body.at + 1, part->body.length - 1);
	return count;
}

// In a wrapping they have no order: the one for this identity goes first.
static size_t unwrap(
	struct proof *p, const struct identity *id, struct span pkcs7, struct span *out)
{
	X509 *all[SIGNATURE_CERTS];
	size_t count = certificate_unwrap(pkcs7, all, SIGNATURE_CERTS);

	for (size_t i = 1; i < count; i++)
		if (certificate_names(all[i], id)) {
			X509 *own = all[i];

			all[i] = all[0];
			all[0] = own;
			break;
		}
	for (size_t i = 0; i < count; i++) {
		int length = i2d_X509(all[i], &p->unwrapped[i]);

		out[i] = SPAN(p->unwrapped[i], length > 0 ? (size_t)length : 0);
		X509_free(all[i]);
	}
	return count;
}

static const struct isakmp_part *wrapping(const struct isakmp_chain *chain)
{
	const struct isakmp_part *part;

	for (size_t i = 0; (part = isakmp_chain_find(chain, ISAKMP_CERT, i)); i++)
		if (part->body.length > 1 && part->body.at[0] == ENCODING_PKCS7)
			return part;
	return NULL;
}

static void claim_certificates(struct proof *p, struct signature_claim *claim)
{
	const struct isakmp_part *part = wrapping(&p->chain);

	claim->cert_count = certificates_read(&p->chain, claim->certs);
	if (claim->cert_count == 0 && part)
		claim->cert_count = unwrap(p, &claim->id,
			SPAN(part->body.at + 1, part->body.length - 1), claim->certs);
}

// NULL when it is under way, else what is wrong.
static const char *check(struct ike_sa *sa)
{
	struct proof *p = sa->v1.phase1->proof;
	const struct isakmp_part *id = isakmp_chain_find(&p->chain, ISAKMP_ID, 0);
	const struct isakmp_part *sig = isakmp_chain_find(&p->chain, ISAKMP_SIG, 0);
	struct signature_claim claim = {.scheme = method_of(sa)->scheme};
	uint8_t hash[IKE_HASH_MAX];

	if (!id || !sig)
		return sa->v1.initiator ? "malformed sixth message of main mode"
					: "malformed fifth message of main mode";
	phase1_identity(id->body, &claim.id);
	if (claim.id.type == 0 || phase1_hash(sa, &sa->v1.keys, !sa->v1.initiator, id->body, hash))
		return "malformed identity";
	if (!sa->v1.initiator)
		choose_own(sa, &p->chain);
	claim.octets = SPAN(hash, ike_hash_size(phase1_hash_algorithm(sa)));
	claim.signature = sig->body;
	claim_certificates(p, &claim);
	p->tries++;
	if (signature_check(&p->job, sa->ike->trust, &claim, checked, sa))
		return "too much to do";
	return NULL;
}

static const char *take(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct proof *p = sa->v1.phase1->proof;

	p->plain = malloc(h->length);
	if (!p->plain)
		return "no memory";
	p->size = h->length;
	p->flow = *flow;
	memcpy(p->iv, sa->v1.keys.iv, sizeof(p->iv));
	reply_digest(message, h->length, p->request);
	if (sealed_open(sa, p->iv, h, message, p->plain, &p->chain))
		return "malformed fifth message of main mode";
	p->opened = true;
	return check(sa);
}

void proof_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message)
{
	struct proof *p = sa->v1.phase1->proof;
	const char *reason;

	if (p->plain || p->tries == TRIES_MOST)
		return;
	reason = take(sa, flow, h, message);
	// Where there was an answer at once, the SA may be gone.
	if (!reason)
		return;
	if (!sa->v1.initiator) {
		refuse(sa, flow, reason);
		return;
	}
	// Not authentic as yet: it changes nothing.
	ike_invalid(sa->ike, flow, reason);
	proof_forget(p);
}
