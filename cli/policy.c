// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

#include <stdio.h>

static const struct column used_columns[] = {
	{"PEERS", "peers", COLUMN_NUMBER},
	{"IKEV", "version", COLUMN_NUMBER},
	{"AUTH", "auth", COLUMN_TEXT, true},
	{"ENCRYPTION", "encryption", COLUMN_TEXT},
	{"HASH", "hash", COLUMN_TEXT},
	{"GROUP", "group", COLUMN_TEXT},
	{"ESP CIPHER", "cipher", COLUMN_TEXT},
	{"ESP INTEGRITY", "integrity", COLUMN_TEXT, true},
	{0},
};
static const struct listing used_listings[] = {
	{"algorithms", used_columns, "Nobody is connected by IPsec."}, {0}};

const struct command command_show_algorithms = {
	.verb = "show",
	.noun = "algorithms",
	.help = "how many peers use which algorithms",
	.path = "/v1/algorithms",
	.listings = used_listings,
	.run = show_run,
};

static const struct column psk_columns[] = {
	{"KEY", "psk", COLUMN_NUMBER},
	{"FOR", "peer", COLUMN_TEXT},
	{"IDENTITY", "identity", COLUMN_TEXT, true},
	{"PEERS", "peers", COLUMN_NUMBER},
	{"ESTABLISHED", "established", COLUMN_NUMBER},
	{"LAST", "last_ms", COLUMN_DURATION},
	{0},
};
static const struct listing psk_listings[] = {
	{"psks", psk_columns, "There is no pre-shared key."}, {0}};

const struct command command_show_psks = {
	.verb = "show",
	.noun = "psks",
	.help = "which pre-shared keys are in use",
	.detail = "KEY is the place in ike.psks, from 0 on. PEERS are connected by it now; LAST is "
		  "how\n"
		  "long ago it was used. A key that is in use by nobody can go.\n",
	.path = "/v1/psks",
	.listings = psk_listings,
	.run = show_run,
};

static const struct column check_columns[] = {
	{"PEER", "peer", COLUMN_TEXT},
	{"USERS", "users", COLUMN_TEXT, true},
	{"IDENTITY", "identity", COLUMN_TEXT, true},
	{"VERDICT", "verdict", COLUMN_TEXT},
	{"IKE NOW", "ike_now", COLUMN_TEXT, true},
	{"IKE THEN", "ike_then", COLUMN_TEXT, true},
	{"ESP NOW", "esp_now", COLUMN_TEXT, true},
	{"ESP THEN", "esp_then", COLUMN_TEXT, true},
	{0},
};
static const struct listing check_listings[] = {{"peers", check_columns, ""}, {0}};

static json_int_t number(const json_t *body, const char *key)
{
	return json_integer_value(json_object_get(body, key));
}

static enum exit_code check(const struct arguments *a, const struct command *c)
{
	json_t *body, *list;
	enum exit_code code;

	if (!a->forbid) {
		fprintf(stderr, "culvert: policy check needs --forbid WORDS\n");
		return EXIT_USAGE;
	}
	code = show_get(a, c, &body);
	list = json_object_get(body, "peers");
	if (code == EXIT_OK && a->json) {
		show_json(body);
	} else if (code == EXIT_OK) {
		printf("%lld would fail, %lld would use something else, %lld would stay as they "
		       "are.\n",
			(long long)number(body, "fails"), (long long)number(body, "changes"),
			(long long)number(body, "stays"));
		if (number(body, "unknown"))
			printf("Of %lld it is not known what they offer.\n",
				(long long)number(body, "unknown"));
		if (json_array_size(list)) {
			putchar('\n');
			table_print(list, check_columns);
		}
	}
	json_decref(body);
	return code;
}

const struct command command_policy_check = {
	.verb = "policy",
	.noun = "check",
	.help = "say who could not connect if algorithms were forbidden",
	.detail =
		"--forbid takes the words of the config, with commas between them: modp1024,3des,\n"
		"sha1; and ikev1, ikev2, psk, certificate, eap. Nothing is changed: what each\n"
		"connected peer offered is chosen from once more.\n",
	.path = "/v1/policy/check",
	.listings = check_listings,
	.run = check,
	.options = OPTION_FORBID | OPTION_LIMIT,
};
