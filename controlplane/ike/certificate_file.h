// SPDX-License-Identifier: Apache-2.0
#pragma once

// Certificates, keys and CRLs in files: PEM, DER and PKCS#12. Each function returns 0, or -errno
// after it has written to why, in words, which file it is and what to do.

#include "wire.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum {
	CERTIFICATE_FILE_BYTES = 1 << 20, // of a file with certificates or keys
	CERTIFICATE_FILE_MOST = 64,       // certificates in one file
};

// Where an error goes.
struct certificate_why {
	char *text;
	size_t size;
};
// Writes "FILE problem: fix" and returns -EINVAL.
int certificate_why(
	struct certificate_why why, const char *path, const char *problem, const char *fix);

struct certificate_bytes {
	uint8_t *at; // on the heap
	size_t length;
};
// secret: refused when others than its owner may read it, or when it belongs neither to root nor to
// us. most: bytes.
int certificate_file_read(const char *path, bool secret, size_t most, struct certificate_bytes *out,
	struct certificate_why why);
void certificate_bytes_wipe(struct certificate_bytes *b);

// All certificates of a PEM file, or the one of a DER file; at least one. *out is the caller's.
int certificate_file_certificates(
	const char *path, STACK_OF(X509) * *out, struct certificate_why why);
// A file as it was last read; zero: never. It is taken before the file is read, so that a file
// which changes meanwhile is read once more.
struct certificate_stamp {
	struct timespec modified;
	uint64_t inode, bytes;
};
// Takes it anew; true when it is another one. A file that is not there has none.
bool certificate_file_changed(const char *path, struct certificate_stamp *stamp);
// The private key of a PEM file of mode 600; password empty: none.
int certificate_file_key(
	const char *path, struct span password, EVP_PKEY **out, struct certificate_why why);
// Key and certificates of a PKCS#12 file of mode 600; the one of the key is first.
int certificate_file_pkcs12(const char *path, struct span password, EVP_PKEY **key,
	STACK_OF(X509) * *out, struct certificate_why why);
