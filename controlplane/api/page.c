// SPDX-License-Identifier: Apache-2.0

#include "page.h"

#include <stdlib.h>

void page_init(struct page *p, const struct api_query *query)
{
	*p = (struct page){.query = query};
}

void page_offer(struct page *p, uint64_t id)
{
	const struct api_query *q = p->query;

	if ((q->has_id && id != q->id) || (q->has_after && id <= q->after))
		return;
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 256;
		uint64_t *more = realloc(p->ids, room * sizeof(*more));

		if (!more) {
			p->no_memory = true;
			return;
		}
		p->ids = more;
		p->room = room;
	}
	p->ids[p->count++] = id;
}

static int compare_ids(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

void page_settle(struct page *p)
{
	size_t unique = 0;

	if (p->count)
		qsort(p->ids, p->count, sizeof(*p->ids), compare_ids);
	for (size_t i = 0; i < p->count; i++)
		if (i == 0 || p->ids[i] != p->ids[i - 1])
			p->ids[unique++] = p->ids[i];
	p->more = unique > p->query->limit;
	p->count = p->more ? p->query->limit : unique;
	p->list = json_array();
	for (size_t i = 0; i < p->count; i++)
		json_array_append_new(p->list, json_null());
}

static const uint64_t *find(const struct page *p, uint64_t id)
{
	return p->count ? bsearch(&id, p->ids, p->count, sizeof(*p->ids), compare_ids) : NULL;
}

bool page_takes(const struct page *p, uint64_t id)
{
	return find(p, id) != NULL;
}

void page_put(struct page *p, uint64_t id, json_t *object)
{
	const uint64_t *at = find(p, id);

	if (!at || !object || json_array_set_new(p->list, (size_t)(at - p->ids), object) < 0)
		p->no_memory = true;
}

json_t *page_next(const struct page *p)
{
	return p->more ? json_integer((json_int_t)p->ids[p->count - 1]) : json_null();
}

json_t *page_body(struct page *p, const char *name)
{
	json_t *body = NULL;

	if (!p->no_memory)
		body = json_pack("{s:O, s:o}", name, p->list, "next", page_next(p));
	page_free(p);
	return body;
}

void page_free(struct page *p)
{
	json_decref(p->list);
	free(p->ids);
	*p = (struct page){0};
}
