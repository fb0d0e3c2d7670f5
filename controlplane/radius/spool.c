// SPDX-License-Identifier: Apache-2.0

#include "spool.h"

#include "controlplane/log.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH = 512,
	MIB = 1 << 20,
	ROOM = 4, // times what is kept: pages are never full, and old ones go one commit later
	MODE = 0600,
};

struct spool {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn; // changes that are gathered; NULL: none
};

static int error_of(int error)
{
	if (error == MDB_MAP_FULL)
		return -ENOSPC;
	return error > 0 ? -error : error < 0 ? -EIO : 0;
}

static int failed(const char *what, int error)
{
	log_event(LOG_SPOOL_FAILED, NULL, "s:s, s:s", "what", what, "error", mdb_strerror(error));
	return error_of(error);
}

static int open_table(struct spool *s)
{
	MDB_txn *txn;
	int error = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (error)
		return error;
	error = mdb_dbi_open(txn, NULL, 0, &s->dbi);
	if (error) {
		mdb_txn_abort(txn);
		return error;
	}
	return mdb_txn_commit(txn);
}

// One process and one thread use it, so there is nothing to lock.
static int open_env(struct spool *s, const char *path, uint32_t mib)
{
	int error = mdb_env_create(&s->env);

	if (error)
		return error;
	error = mdb_env_set_mapsize(s->env, (size_t)mib * ROOM * MIB + MIB);
	if (error == 0)
		error = mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, MODE);
	if (error == 0)
		error = open_table(s);
	if (error)
		mdb_env_close(s->env);
	return error;
}

// With the folders above it. Returns 0 or errno.
static int make_folder(const char *folder)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s", folder);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return errno;
		*slash = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? errno : 0;
}

int spool_open(const char *folder, uint32_t mib, struct spool **out)
{
	char path[PATH], aside[PATH + 8];
	struct spool *s;
	int error;

	if (snprintf(path, sizeof(path), "%s/accounting.mdb", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	snprintf(aside, sizeof(aside), "%s.broken", path);
	error = make_folder(folder);
	if (error)
		return failed(folder, error);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	error = open_env(s, path, mib);
	if (error == MDB_INVALID || error == MDB_CORRUPTED || error == MDB_VERSION_MISMATCH ||
		error == MDB_PAGE_NOTFOUND) {
		(void)failed("the file of an earlier run is broken and is put aside", error);
		error = rename(path, aside) < 0 ? errno : open_env(s, path, mib);
	}
	if (error) {
		free(s);
		return failed(path, error);
	}
	*out = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	(void)spool_commit(s);
	(void)mdb_env_sync(s->env, 1);
	mdb_env_close(s->env);
	free(s);
}

static int gather(struct spool *s)
{
	int error = s->txn ? 0 : mdb_txn_begin(s->env, NULL, 0, &s->txn);

	return error ? failed("a change cannot begin", error) : 0;
}

// LMDB gives up a change of which one step has failed.
static int give_up(struct spool *s, int error)
{
	mdb_txn_abort(s->txn);
	s->txn = NULL;
	return failed("a change is lost", error);
}

int spool_put(struct spool *s, const char *key, const void *value, size_t length)
{
	MDB_val k = {strlen(key), (void *)(uintptr_t)key};
	MDB_val v = {length, (void *)(uintptr_t)value};
	int error = gather(s);

	if (error < 0)
		return error;
	error = mdb_put(s->txn, s->dbi, &k, &v, 0);
	return error ? give_up(s, error) : 0;
}

void spool_delete(struct spool *s, const char *key)
{
	MDB_val k = {strlen(key), (void *)(uintptr_t)key};
	int error = gather(s);

	if (error == 0)
		error = mdb_del(s->txn, s->dbi, &k, NULL);
	if (error && error != MDB_NOTFOUND && s->txn)
		(void)give_up(s, error);
}

int spool_commit(struct spool *s)
{
	int error = s->txn ? mdb_txn_commit(s->txn) : 0;

	s->txn = NULL;
	return error ? failed("changes are lost", error) : 0;
}

static bool begins(const MDB_val *key, const char *prefix)
{
	size_t length = strlen(prefix);

	return key->mv_size >= length && memcmp(key->mv_data, prefix, length) == 0;
}

int spool_each(struct spool *s, const char *prefix,
	void (*each)(void *context, const char *key, const uint8_t *value, size_t length),
	void *context)
{
	MDB_val k = {strlen(prefix), (void *)(uintptr_t)prefix}, v;
	MDB_cursor *cursor;
	char key[SPOOL_KEY];
	int error = gather(s);

	if (error < 0)
		return error;
	error = mdb_cursor_open(s->txn, s->dbi, &cursor);
	if (error)
		return give_up(s, error);
	error = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	while (error == 0 && begins(&k, prefix)) {
		snprintf(key, sizeof(key), "%.*s", (int)k.mv_size, (const char *)k.mv_data);
		each(context, key, v.mv_data, v.mv_size);
		error = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return error && error != MDB_NOTFOUND ? give_up(s, error) : 0;
}
