// SPDX-License-Identifier: Apache-2.0

#include "objects_group.h"

#include "objects.h"
#include "page.h"
#include "value.h"

#include "contract/messages.h"
#include "contract/stats.h"
#include "controlplane/dataplane.h"
#include "controlplane/install.h"

#include <netinet/in.h>
#include <stdio.h>

// ---- what the workers counted

static void add(struct stats_group_direction *sum, const struct stats_group_direction *d)
{
	sum->packets += (uint64_t)VALUE_COUNTER(d->packets);
	sum->bytes += (uint64_t)VALUE_COUNTER(d->bytes);
	sum->filtered += (uint64_t)VALUE_COUNTER(d->filtered);
	sum->policed += (uint64_t)VALUE_COUNTER(d->policed);
}

// Of all workers; zero without a dataplane.
static struct stats_group counted(uint16_t number)
{
	struct stats_group sum = {0};
	uint32_t workers, count;
	const struct stats_group *groups = dataplane_stats_groups(&count);

	(void)dataplane_stats_workers(&workers);
	for (uint32_t n = number; groups && n < count; n++) {
		if (install_group_base((uint16_t)n) != number)
			continue;
		for (uint32_t i = 0; i < workers; i++) {
			add(&sum.uplink, &groups[i * count + n].uplink);
			add(&sum.downlink, &groups[i * count + n].downlink);
		}
	}
	return sum;
}

static json_t *direction(const struct stats_group_direction *d)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "packets", (json_int_t)d->packets, "bytes",
		(json_int_t)d->bytes, "filtered", (json_int_t)d->filtered, "policed",
		(json_int_t)d->policed);
}

// ---- groups

static json_t *rate(const struct config_rate *r)
{
	if (!r->kbit)
		return json_null();
	return json_pack("{s:I, s:o}", "bit_s", (json_int_t)r->kbit * 1000, "burst_bytes",
		r->burst ? value_number(r->burst) : json_null());
}

static void set_rates(json_t *object, const struct config_group *g)
{
	json_object_set_new(object, "police_uplink", rate(&g->police_uplink));
	json_object_set_new(object, "police_downlink", rate(&g->police_downlink));
	json_object_set_new(object, "shape_downlink", rate(&g->shape_downlink));
}

void objects_group_set(json_t *object, const struct config_group *group)
{
	json_object_set_new(object, "group", group ? json_string(group->name) : json_null());
	if (group)
		set_rates(object, group);
}

static json_t *name_or_null(const char *name)
{
	return *name ? json_string(name) : json_null();
}

static json_t *group_object(const struct config_group *g, uint16_t number)
{
	struct stats_group sum = counted(number);
	json_t *object = json_pack("{s:s, s:i, s:b, s:o, s:o, s:b}", "name", g->name, "group",
		number, "installed", (int)install_group_works(number), "filter_uplink",
		name_or_null(g->filter_uplink), "filter_downlink", name_or_null(g->filter_downlink),
		"subscriber_to_subscriber", (int)g->subscriber_to_subscriber);

	if (!object)
		return NULL;
	set_rates(object, g);
	json_object_set_new(object, "uplink", direction(&sum.uplink));
	json_object_set_new(object, "downlink", direction(&sum.downlink));
	return object;
}

json_t *objects_group_groups(void *context, const struct api_query *query)
{
	const struct config *c = ((const struct objects *)context)->config;
	json_t *list = json_array();

	for (uint16_t i = 0; i < c->group_count; i++)
		json_array_append_new(list, group_object(&c->groups[i], i + 1));
	return json_pack("{s:o, s:n}", "groups", list, "next");
}

// ---- filters

static json_t *prefix(const struct ip_prefix *p)
{
	char text[ADDRESS_TEXT];

	return json_string(p->address.version == IP_NONE ? "any" : prefix_format(p, text));
}

static json_t *ports(const uint16_t range[2])
{
	char text[16];

	if (range[0] == 0 && range[1] == UINT16_MAX)
		return json_string("any");
	if (range[0] == range[1])
		snprintf(text, sizeof(text), "%u", range[0]);
	else
		snprintf(text, sizeof(text), "%u-%u", range[0], range[1]);
	return json_string(text);
}

static json_t *protocol(uint16_t number)
{
	const char *word = config_protocol_word(number);
	char text[8];

	snprintf(text, sizeof(text), "%u", number);
	return json_string(word ? word : text);
}

static json_t *rules(const struct config_filter *f)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->rule_count; i++) {
		const struct config_rule *r = &f->rules[i];

		json_array_append_new(list,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "action",
				config_action_word(r->action), "from", prefix(&r->from), "to",
				prefix(&r->to), "protocol", protocol(r->protocol), "from_port",
				ports(r->from_port), "to_port", ports(r->to_port)));
	}
	return list;
}

static json_t *filter_object(const struct config *c, uint16_t number)
{
	const struct config_filter *f = &c->filters[number - 1];
	json_t *up = json_array(), *down = json_array();
	json_int_t denied_up = 0, denied_down = 0;

	for (uint16_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];
		struct stats_group sum = counted(i + 1);

		if (config_filter_number(c, g->filter_uplink) == number) {
			json_array_append_new(up, json_string(g->name));
			denied_up += (json_int_t)sum.uplink.filtered;
		}
		if (config_filter_number(c, g->filter_downlink) == number) {
			json_array_append_new(down, json_string(g->name));
			denied_down += (json_int_t)sum.downlink.filtered;
		}
	}
	return json_pack("{s:s, s:i, s:s, s:I, s:o, s:{s:o, s:I}, s:{s:o, s:I}}", "name", f->name,
		"filter", number, "otherwise", config_action_word(f->otherwise), "rule_count",
		(json_int_t)f->rule_count, "rules", rules(f), "uplink", "groups", up, "filtered",
		denied_up, "downlink", "groups", down, "filtered", denied_down);
}

json_t *objects_group_filters(void *context, const struct api_query *query)
{
	const struct config *c = ((const struct objects *)context)->config;
	struct page page;

	page_init(&page, query);
	for (uint16_t i = 1; i <= c->filter_count; i++)
		page_offer(&page, i);
	page_settle(&page);
	for (uint16_t i = 1; i <= c->filter_count; i++)
		if (page_takes(&page, i))
			page_put(&page, i, filter_object(c, i));
	return page_body(&page, "filters");
}
