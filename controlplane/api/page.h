// SPDX-License-Identifier: Apache-2.0
#pragma once

// One page of a list whose objects come in any order: the smallest ids first, no more than were
// asked for. The objects are gone through twice: once for their ids (page_offer), then, after
// page_settle, for those that the page takes (page_put). So no more is built than is shown.

#include "api.h"

struct page {
	const struct api_query *query;
	uint64_t *ids;
	size_t count, room;
	json_t *list;
	bool more;
	bool no_memory;
};

void page_init(struct page *p, const struct api_query *query);
// First round: an object that passes the filters.
void page_offer(struct page *p, uint64_t id);
// Chooses the page's ids, each once.
void page_settle(struct page *p);
// Second round: is it on the page? Then page_put takes its JSON.
bool page_takes(const struct page *p, uint64_t id);
void page_put(struct page *p, uint64_t id, json_t *object);
// {name: [...], "next": id or null}; frees the page. NULL without memory.
json_t *page_body(struct page *p, const char *name);
// The id for `after`, or null; for bodies with more than one list. The page stays.
json_t *page_next(const struct page *p);
void page_free(struct page *p);
