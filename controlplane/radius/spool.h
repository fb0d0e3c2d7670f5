// SPDX-License-Identifier: Apache-2.0
#pragma once

// What accounting has to remember over the end of the process: records under short keys, in an LMDB
// file. Changes are gathered and written together by spool_commit; a process that dies loses what
// was not committed, a machine that dies what the kernel had not written, and what is left is
// whole.

#include <stddef.h>
#include <stdint.h>

struct spool;

enum { SPOOL_KEY = 64 }; // bytes of a key with its NUL

// Opens or makes the file in folder, which is made too, for up to mib MiB of records. A file that
// cannot be read is put aside under another name, which is logged. 0 or -errno.
int spool_open(const char *folder, uint32_t mib, struct spool **out);
void spool_close(struct spool *s); // commits; NULL is allowed

// -ENOSPC, -EIO: it is not kept, and the change with which it was gathered may be lost too; logged.
int spool_put(struct spool *s, const char *key, const void *value, size_t length);
void spool_delete(struct spool *s, const char *key);
int spool_commit(struct spool *s);
// Every record whose key begins so, in the order of the keys; each may not change the spool.
int spool_each(struct spool *s, const char *prefix,
	void (*each)(void *context, const char *key, const uint8_t *value, size_t length),
	void *context);
