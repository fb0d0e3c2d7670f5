// SPDX-License-Identifier: Apache-2.0

#include "objects_policy.h"

#include "objects.h"
#include "page.h"
#include "value.h"

#include "contract/forbid.h"
#include "controlplane/log.h"

#include <stdio.h>
#include <string.h>

// ---- who uses what

static bool is_same(const json_t *row, const char *key, const char *word)
{
	const char *text = json_string_value(json_object_get(row, key));

	return word ? text && strcmp(text, word) == 0 : !text;
}

static bool is_of(const json_t *row, const struct ike_use *u)
{
	return json_integer_value(json_object_get(row, "version")) == (json_int_t)u->version &&
	       is_same(row, "auth", u->auth) && is_same(row, "encryption", u->encryption) &&
	       is_same(row, "hash", u->hash) && is_same(row, "group", u->group) &&
	       is_same(row, "cipher", u->cipher) && is_same(row, "integrity", u->integrity);
}

static void each_use(void *context, const struct ike_use *u)
{
	json_t *list = context, *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		json_t *peers = json_object_get(row, "peers");

		if (is_of(row, u)) {
			json_integer_set(peers, json_integer_value(peers) + 1);
			return;
		}
	}
	json_array_append_new(
		list, json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:i}", "version",
			      (int)u->version, "auth", u->auth, "encryption", u->encryption, "hash",
			      u->hash, "group", u->group, "cipher", value_text(u->cipher),
			      "integrity", value_text(u->integrity), "peers", 1));
}

// There are few combinations, however many peers.
json_t *objects_policy_algorithms(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	json_t *list = json_array();

	(void)query;
	ike_each_use(o->ike, each_use, list);
	return json_pack("{s:o, s:n}", "algorithms", list, "next");
}

// ---- who could not connect

struct check {
	const struct objects *o;
	struct page page;
	bool putting;
	json_int_t verdicts[4]; // by enum ike_verdict
	json_t *users;          // of peers on the page, by their id as text
};

static const char *const verdict_words[] = {[IKE_CHECK_STAYS] = "stays",
	[IKE_CHECK_CHANGES] = "changes",
	[IKE_CHECK_FAILS] = "fails",
	[IKE_CHECK_UNKNOWN] = "unknown"};

static const char *peer_key(uint32_t peer, char text[16])
{
	snprintf(text, 16, "%u", peer);
	return text;
}

static json_t *check_object(const struct check *c, const struct ike_check *i)
{
	char end[ADDRESS_TEXT], key[16];
	json_t *users = json_object_get(c->users, peer_key(i->peer, key));
	json_t *object = json_pack("{s:I, s:s, s:o, s:O?, s:i, s:s, s:s, s:o}", "peer_id",
		(json_int_t)i->peer, "peer",
		address_port_format(&i->flow.remote, i->flow.remote_port, end), "identity",
		value_text(i->identity), "users", users, "version", (int)i->version, "auth",
		i->auth, "verdict", verdict_words[i->verdict], "reason", value_text(i->reason));

	if (!object)
		return NULL;
	if (!users)
		json_object_set_new(object, "users", json_array());
	json_object_set_new(object, "ike_now", value_text(i->ike_now));
	json_object_set_new(object, "ike_then", value_text(i->ike_then));
	json_object_set_new(object, "ike_offered", value_text(i->ike_offered));
	json_object_set_new(object, "esp_now", value_text(i->esp_now));
	json_object_set_new(object, "esp_then", value_text(i->esp_then));
	json_object_set_new(object, "esp_offered", value_text(i->esp_offered));
	return object;
}

// Whom it does not touch is only counted.
static void each_check(void *context, const struct ike_check *i)
{
	struct check *c = context;

	if (!c->putting)
		c->verdicts[i->verdict]++;
	if (i->verdict == IKE_CHECK_STAYS)
		return;
	if (!c->putting)
		page_offer(&c->page, i->peer);
	else if (page_takes(&c->page, i->peer))
		page_put(&c->page, i->peer, check_object(c, i));
}

static void each_user(void *context, const struct subscriber_info *i)
{
	struct check *c = context;
	char key[16];
	json_t *list;

	if (!i->l2tp.peer || !page_takes(&c->page, i->l2tp.peer))
		return;
	(void)peer_key(i->l2tp.peer, key);
	list = json_object_get(c->users, key);
	if (!list) {
		list = json_array();
		json_object_set_new(c->users, key, list);
	}
	json_array_append_new(list, value_wire(i->user, CONFIG_TEXT));
}

json_t *objects_policy_check(void *context, const struct api_query *query)
{
	struct check c = {.o = context, .users = json_object()};
	char wrong[FORBIDDEN_WORD];
	struct forbidden f;
	json_t *body;

	if (forbidden_parse(query->forbid ? query->forbid : "", &f, wrong)) {
		json_decref(c.users);
		return NULL;
	}
	page_init(&c.page, query);
	ike_check_each(c.o->ike, &f, each_check, &c);
	page_settle(&c.page);
	c.putting = true;
	subscribers_each(c.o->subscribers, each_user, &c);
	ike_check_each(c.o->ike, &f, each_check, &c);
	body = page_body(&c.page, "peers");
	json_decref(c.users);
	for (unsigned v = 0; body && v < sizeof(c.verdicts) / sizeof(c.verdicts[0]); v++)
		json_object_set_new(body, verdict_words[v], json_integer(c.verdicts[v]));
	return body;
}

// ---- pre-shared keys

static void each_psk(void *context, const struct ike_psk_info *i)
{
	char text[ADDRESS_TEXT], identity[VALUE_TEXT];
	bool any = i->config->peer.length == 0;

	log_text(i->config->identity, strlen(i->config->identity), identity, sizeof(identity));
	json_array_append_new(
		context, json_pack("{s:I, s:s, s:o, s:I, s:I, s:o}", "psk", (json_int_t)i->place,
				 "peer", any ? "any" : prefix_format(&i->config->peer, text),
				 "identity", value_text(identity), "peers", (json_int_t)i->peers,
				 "established", (json_int_t)i->count, "last_ms",
				 i->count ? value_number(i->last_ms) : json_null()));
}

json_t *objects_policy_psks(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	json_t *list = json_array();

	(void)query;
	ike_each_psk(o->ike, each_psk, list);
	return json_pack("{s:o, s:n}", "psks", list, "next");
}
