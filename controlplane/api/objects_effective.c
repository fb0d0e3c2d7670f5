// SPDX-License-Identifier: Apache-2.0

#include "objects_effective.h"

#include "objects.h"
#include "value.h"

#include "controlplane/grant.h"
#include "controlplane/log.h"

#include <string.h>

struct effective {
	const struct config *config;
	const char *user; // escaped
	json_t *list;
	json_t *object; // that is being filled
	bool connected;
};

static void each_item(void *context, const char *word, const char *value, const char *from)
{
	struct effective *e = context;

	json_array_append_new(json_object_get(e->object, "items"),
		json_pack("{s:s, s:s, s:s}", "item", word, "value", value, "from", from));
}

static void put(struct effective *e, json_t *object, const struct grant *grant)
{
	if (!object)
		return;
	e->object = object;
	json_array_append_new(e->list, object);
	grant_each(e->config, grant, each_item, e);
}

static bool is_user(const struct effective *e, const char *name)
{
	char text[VALUE_TEXT];

	log_text(name, strlen(name), text, sizeof(text));
	return !e->user || strcmp(text, e->user) == 0;
}

static void each_subscriber(void *context, const struct subscriber_info *i)
{
	struct effective *e = context;

	if (!i->grant || !is_user(e, i->user))
		return;
	e->connected = true;
	put(e,
		json_pack("{s:o, s:b, s:o, s:o, s:[]}", "user", value_wire(i->user, CONFIG_TEXT),
			"connected", 1, "id", value_number(i->id), "address",
			value_address(&i->address), "items"),
		i->grant);
}

// Only for who has asked for one user.
static void put_user(struct effective *e, const struct config_user *user)
{
	struct grant grant;

	if (grant_of_user(e->config, user, &grant) == 0) {
		grant_complete(e->config, &grant);
		put(e,
			json_pack("{s:o, s:b, s:n, s:n, s:[]}", "user",
				value_wire(user->name, CONFIG_TEXT), "connected", 0, "id",
				"address", "items"),
			&grant);
	}
	grant_free(&grant);
}

json_t *objects_effective(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct effective e = {.config = o->config, .user = query->user, .list = json_array()};

	subscribers_each(o->subscribers, each_subscriber, &e);
	for (uint32_t i = 0; e.user && !e.connected && i < o->config->user_count; i++)
		if (is_user(&e, o->config->users[i].name))
			put_user(&e, &o->config->users[i]);
	return json_pack("{s:o, s:n}", "effective", e.list, "next");
}
