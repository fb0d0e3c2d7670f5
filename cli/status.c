// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

// A line of the summary: a title, then numbers with their words; parts whose key is not in the
// answer are left out.
struct part {
	const char *key;
	const char *word; // NULL ends the line
};

struct line {
	const char *title;
	struct part parts[8];
};

static const struct line lines[] = {
	{"Subscribers",
		{{"subscribers.present", "present"}, {"subscribers.forwarding", "forwarding"},
			{"subscribers.refused", "refused"}, {"subscribers.failed", "failed"}}},
	{"IKE", {{"ike.peers", "peers"}, {"ike.half_open", "half open"}, {"ike.refused", "refused"},
			{"ike.invalid", "invalid"}}},
	{"L2TP", {{"l2tp.tunnels", "tunnels"}, {"l2tp.sessions", "sessions"},
			 {"l2tp.tunnels_refused", "tunnels refused"}, {"l2tp.invalid", "invalid"}}},
};

static void print_line(const json_t *body, const struct line *line)
{
	const char *comma = "";
	char text[TEXT_MOST];

	printf("%-12s ", line->title);
	for (const struct part *p = line->parts; p->key; p++) {
		const json_t *value = table_value(body, p->key);

		if (!value)
			continue;
		printf("%s%s %s", comma, text_count((uint64_t)json_integer_value(value), text),
			p->word);
		comma = ", ";
	}
	putchar('\n');
}

static void print_status(const json_t *body)
{
	const char *version = json_string_value(json_object_get(body, "version"));
	const json_t *uptime = json_object_get(body, "uptime_ms");
	char text[TEXT_MOST], duration[TEXT_MOST];
	static const struct line dataplane = {
		"Dataplane", {{"dataplane.workers", "workers"}, {"dataplane.ports", "ports"},
				     {"dataplane.sas", "SAs at most"},
				     {"dataplane.sessions", "sessions at most"}}};

	printf("Culvert %s, up %s\n", text_escape(version ? version : "?", text),
		text_duration((uint64_t)json_integer_value(uptime), duration));
	if (json_is_true(table_value(body, "dataplane.connected")))
		print_line(body, &dataplane);
	else
		printf("%-12s not connected: start culvert-dataplane\n", "Dataplane");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		print_line(body, &lines[i]);
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	json_t *body;
	int code = client_do(a->client, "GET", c->path, &body);

	if (code != EXIT_OK)
		return code;
	if (a->json)
		show_json(body);
	else
		print_status(body);
	json_decref(body);
	return EXIT_OK;
}

const struct command command_show_status = {
	.verb = "show",
	.noun = "status",
	.help = "version, dataplane, totals",
	.path = "/v1/status",
	.run = run,
};
