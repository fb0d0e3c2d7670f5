// SPDX-License-Identifier: Apache-2.0

// See certificate_file.h. What holds a key must be closed to all others, as the secret files of the
// config must (contract/config_secret.c).

#include "certificate_file.h"

#include "certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int certificate_why(
	struct certificate_why why, const char *path, const char *problem, const char *fix)
{
	snprintf(why.text, why.size, "%s %s: %s", path, problem, fix);
	return -EINVAL;
}

// ---- bytes

static int check_stat(
	const char *path, const struct stat *st, bool secret, struct certificate_why why)
{
	char fix[512];

	if (!S_ISREG(st->st_mode))
		return certificate_why(why, path, "is not a regular file", "name the file itself");
	if (!secret)
		return 0;
	if (st->st_mode & 077) {
		snprintf(fix, sizeof(fix), "chmod 600 %s", path);
		return certificate_why(why, path, "may be read by others than its owner", fix);
	}
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(fix, sizeof(fix), "chown root %s", path);
		return certificate_why(why, path, "belongs to another user", fix);
	}
	return 0;
}

static int read_all(int fd, size_t most, struct certificate_bytes *out)
{
	ssize_t n = 1;

	out->at = malloc(most + 1);
	out->length = 0;
	if (!out->at)
		return -ENOMEM;
	while (n > 0 && out->length <= most) {
		n = read(fd, out->at + out->length, most + 1 - out->length);
		if (n > 0)
			out->length += (size_t)n;
	}
	return n < 0 ? -errno : out->length > most ? -EFBIG : 0;
}

static int read_checked(const char *path, int fd, bool secret, size_t most,
	struct certificate_bytes *out, struct certificate_why why)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0)
		return certificate_why(why, path, "cannot be looked at", strerror(errno));
	error = check_stat(path, &st, secret, why);
	if (error)
		return error;
	error = read_all(fd, most, out);
	if (!error)
		return 0;
	certificate_bytes_wipe(out);
	return error == -EFBIG ? certificate_why(why, path, "is too large", "is it the right file?")
			       : certificate_why(why, path, "cannot be read", strerror(-error));
}

int certificate_file_read(const char *path, bool secret, size_t most, struct certificate_bytes *out,
	struct certificate_why why)
{
	// Neither a device nor a pipe does anything when it is opened like this.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = errno;

	*out = (struct certificate_bytes){0};
	if (fd < 0 && error == ENOENT)
		return certificate_why(
			why, path, "is not there", secret ? "write it, with mode 600" : "write it");
	if (fd < 0)
		return certificate_why(why, path, "cannot be opened", strerror(error));
	error = read_checked(path, fd, secret, most, out, why);
	close(fd);
	return error;
}

void certificate_bytes_wipe(struct certificate_bytes *b)
{
	if (b->at)
		OPENSSL_cleanse(b->at, b->length);
	free(b->at);
	*b = (struct certificate_bytes){0};
}

bool certificate_file_changed(const char *path, struct certificate_stamp *stamp)
{
	struct certificate_stamp before = *stamp;
	struct stat st;

	*stamp = (struct certificate_stamp){0};
	if (stat(path, &st) == 0)
		*stamp = (struct certificate_stamp){st.st_mtim, st.st_ino, (uint64_t)st.st_size};
	return before.modified.tv_sec != stamp->modified.tv_sec ||
	       before.modified.tv_nsec != stamp->modified.tv_nsec || before.inode != stamp->inode ||
	       before.bytes != stamp->bytes;
}

// ---- certificates

static bool push(STACK_OF(X509) * all, X509 *x)
{
	// Extensions are read now, once: later calls then only look, on any thread.
	if (sk_X509_num(all) < CERTIFICATE_FILE_MOST && X509_check_purpose(x, -1, 0) == 1 &&
		sk_X509_push(all, x) > 0)
		return true;
	X509_free(x);
	return false;
}

static bool take_pem(struct span bytes, STACK_OF(X509) * all)
{
	BIO *bio = BIO_new_mem_buf(bytes.at, (int)bytes.length);
	bool good = bio != NULL;
	X509 *x;

	while (good && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		good = push(all, x);
	// The end is an error to libcrypto too: no further beginning of anything.
	if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		good = false;
	ERR_clear_error();
	BIO_free(bio);
	return good;
}

static bool take_certificates(struct span bytes, STACK_OF(X509) * all)
{
	X509 *x = certificate_read(bytes);

	if (x)
		return push(all, x);
	ERR_clear_error();
	return take_pem(bytes, all) && sk_X509_num(all) > 0;
}

int certificate_file_certificates(
	const char *path, STACK_OF(X509) * *out, struct certificate_why why)
{
	struct certificate_bytes bytes;
	int error = certificate_file_read(path, false, CERTIFICATE_FILE_BYTES, &bytes, why);

	if (error)
		return error;
	*out = sk_X509_new_null();
	if (!*out || !take_certificates(SPAN(bytes.at, bytes.length), *out)) {
		sk_X509_pop_free(*out, X509_free);
		*out = NULL;
		error = certificate_why(why, path, "holds no certificate that can be read",
			"write it as PEM, from -----BEGIN CERTIFICATE----- on");
	}
	certificate_bytes_wipe(&bytes);
	return error;
}

// ---- keys

struct password {
	struct span text;
	bool asked;
};

static int give_password(char *out, int size, int writing, void *context)
{
	struct password *p = context;

	(void)writing;
	p->asked = true;
	if (p->text.length == 0 || p->text.length > (size_t)size)
		return -1;
	memcpy(out, p->text.at, p->text.length);
	return (int)p->text.length;
}

static int key_refused(const char *path, const struct password *p, struct certificate_why why)
{
	if (p->asked && p->text.length == 0)
		return certificate_why(why, path, "is encrypted",
			"give its password: certificates: {own: [{password: {file: PATH}}]}");
	if (p->asked)
		return certificate_why(
			why, path, "does not open with its password", "correct the password");
	return certificate_why(why, path, "holds no private key that can be read",
		"write it as PEM, from -----BEGIN PRIVATE KEY----- on");
}

int certificate_file_key(
	const char *path, struct span password, EVP_PKEY **out, struct certificate_why why)
{
	struct password p = {.text = password};
	struct certificate_bytes bytes;
	int error = certificate_file_read(path, true, CERTIFICATE_FILE_BYTES, &bytes, why);
	BIO *bio;

	if (error)
		return error;
	bio = BIO_new_mem_buf(bytes.at, (int)bytes.length);
	*out = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_password, &p) : NULL;
	if (!*out)
		error = key_refused(path, &p, why);
	ERR_clear_error();
	BIO_free(bio);
	certificate_bytes_wipe(&bytes);
	return error;
}

static PKCS12 *pkcs12_of(struct span bytes)
{
	const unsigned char *at = bytes.at;

	return d2i_PKCS12(NULL, &at, (long)bytes.length);
}

// The certificate of the key in front of the others.
static bool gather(X509 *own, STACK_OF(X509) * others, STACK_OF(X509) * all)
{
	X509 *x;

	if (!push(all, own))
		return false;
	while (others && (x = sk_X509_shift(others)))
		if (!push(all, x))
			return false;
	return true;
}

static int pkcs12_open(const char *path, PKCS12 *p12, const char *password, EVP_PKEY **key,
	STACK_OF(X509) * *out, struct certificate_why why)
{
	STACK_OF(X509) *others = NULL, *all = sk_X509_new_null();
	X509 *own = NULL;
	int error = 0;

	*key = NULL;
	*out = NULL;
	if (!p12 || !all)
		error = certificate_why(why, path, "is no PKCS#12 file", "is it the right file?");
	else if (!PKCS12_parse(p12, password, key, &own, &others))
		error = certificate_why(why, path, "does not open with its password",
			"correct the password; was it written by a program of before 2010? "
			"Then write it anew with openssl pkcs12 -export");
	else if (!*key || !own)
		error = certificate_why(
			why, path, "holds no key with its certificate", "write both into it");
	else if (!gather(own, others, all))
		error = certificate_why(why, path, "holds too many certificates", "leave out some");
	sk_X509_pop_free(others, X509_free);
	if (!error) {
		*out = all;
		return 0;
	}
	sk_X509_pop_free(all, X509_free);
	EVP_PKEY_free(*key);
	*key = NULL;
	return error;
}

int certificate_file_pkcs12(const char *path, struct span password, EVP_PKEY **key,
	STACK_OF(X509) * *out, struct certificate_why why)
{
	char text[CERTIFICATE_TEXT + 1] = "";
	struct certificate_bytes bytes;
	int error = certificate_file_read(path, true, CERTIFICATE_FILE_BYTES, &bytes, why);
	PKCS12 *p12;

	if (error)
		return error;
	snprintf(text, sizeof(text), "%.*s", (int)password.length, (const char *)password.at);
	p12 = pkcs12_of(SPAN(bytes.at, bytes.length));
	error = pkcs12_open(path, p12, text, key, out, why);
	PKCS12_free(p12);
	OPENSSL_cleanse(text, sizeof(text));
	certificate_bytes_wipe(&bytes);
	ERR_clear_error();
	return error;
}
