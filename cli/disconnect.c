// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"
#include "text.h"

#include "contract/address.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

// The subscribers that the operand means. Returns an exit code.
static int find(const struct arguments *a, json_t **list)
{
	struct ip_address address;
	char path[4096], escaped[1024];
	json_t *body;
	int code;

	*list = NULL;
	if (!client_escape(a->operand, escaped, sizeof(escaped)))
		return EXIT_NOT_FOUND;
	if (is_number(a->operand)) {
		snprintf(path, sizeof(path), "/v1/subscribers/%s", escaped);
		code = client_find(a->client, "GET", path, &body);
		if (code == EXIT_OK)
			*list = json_pack("[o]", body);
		// A user may have a number for a name.
		if (code != EXIT_NOT_FOUND)
			return code;
	}
	snprintf(path, sizeof(path), "/v1/subscribers?%s=%s",
		address_parse(a->operand, &address) == 0 ? "address" : "user", escaped);
	code = client_do(a->client, "GET", path, &body);
	if (code != EXIT_OK)
		return code;
	*list = json_incref(json_object_get(body, "subscribers"));
	json_decref(body);
	return json_array_size(*list) ? EXIT_OK : EXIT_NOT_FOUND;
}

static int disconnect_one(const struct arguments *a, const json_t *subscriber)
{
	json_int_t id = json_integer_value(json_object_get(subscriber, "id"));
	const char *user = json_string_value(json_object_get(subscriber, "user"));
	const char *address = json_string_value(json_object_get(subscriber, "address"));
	char path[64], name[TEXT_MOST], where[TEXT_MOST];
	int code;

	snprintf(path, sizeof(path), "/v1/subscribers/%" JSON_INTEGER_FORMAT, id);
	code = client_find(a->client, "DELETE", path, NULL);
	// Gone by itself in the meantime: that is what was wanted.
	if (code == EXIT_NOT_FOUND)
		return EXIT_OK;
	if (code == EXIT_OK && !a->json)
		printf("Disconnecting %s, %s (id %" JSON_INTEGER_FORMAT ").\n",
			text_escape(user && *user ? user : "nobody yet", name),
			text_escape(address ? address : "no address", where), id);
	return code;
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	char shown[TEXT_MOST];
	json_t *list;
	int code = find(a, &list);

	if (code == EXIT_NOT_FOUND)
		fprintf(stderr,
			"culvert: no subscriber is called %s: culvert show subscribers lists all\n",
			text_escape(a->operand, shown));
	for (size_t i = 0; code == EXIT_OK && i < json_array_size(list); i++)
		code = disconnect_one(a, json_array_get(list, i));
	if (code == EXIT_OK && a->json)
		show_json(list);
	json_decref(list);
	return code;
}

const struct command command_disconnect = {
	.verb = "disconnect",
	.operand = "USER|ADDRESS|ID",
	.help = "end a subscriber's connection",
	.detail = "By user name all connections of the user end; by address or id one.\n",
	.run = run,
};
