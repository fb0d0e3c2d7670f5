// SPDX-License-Identifier: Apache-2.0

// culvert: the command line of the gateway. Each command is one question to the control plane's
// API, or a few; the program keeps nothing and may run as any user who may open the socket.

#include "command.h"
#include "text.h"

#include "contract/config.h"
#include "contract/version.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_show_status,
	&command_show_subscribers,
	&command_show_lines,
	&command_show_addresses,
	&command_show_tunnels,
	&command_show_sessions,
	&command_show_sas,
	&command_show_workers,
	&command_show_ports,
	&command_show_drops,
	&command_show_pools,
	&command_show_groups,
	&command_show_filters,
	&command_show_certificates,
	&command_show_algorithms,
	&command_show_psks,
	&command_show_effective,
	&command_show_radius,
	&command_policy_check,
	&command_disconnect,
	&command_config_check,
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

// Options that only some commands take.
static const struct {
	const char *name;
	const char *argument; // NULL = none
	const char *help;
	unsigned bit;
} extras[] = {
	{"user", "NAME", "only this user", OPTION_USER},
	{"peer", "ADDRESS", "only this peer, with or without its port", OPTION_PEER},
	{"address", "ADDRESS", "only the subscriber of this address", OPTION_ADDRESS},
	{"limit", "N", "at most so many", OPTION_LIMIT},
	{"forbid", "WORDS", "algorithms, with commas between them", OPTION_FORBID},
	{"all", NULL, "those without a packet too", OPTION_ALL},
};

enum { EXTRAS = sizeof(extras) / sizeof(extras[0]) };

struct line {
	struct arguments arguments;
	const char *socket;
	unsigned given; // enum command_option
	bool help, version;
};

static void print_words(FILE *to, const struct command *c)
{
	fprintf(to, "%s%s%s%s%s", c->verb, c->noun ? " " : "", c->noun ? c->noun : "",
		c->operand ? " " : "", c->operand ? c->operand : "");
}

static void print_commands(FILE *to, const char *verb)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = commands[i];
		size_t n = strlen(c->verb) + (c->noun ? 1 + strlen(c->noun) : 0) +
			   (c->operand ? 1 + strlen(c->operand) : 0);

		if (verb && strcmp(verb, c->verb) != 0)
			continue;
		fputs("  ", to);
		print_words(to, c);
		fprintf(to, "%*s%s\n", n < 28 ? (int)(28 - n) : 1, "", c->help);
	}
}

static void print_general_options(FILE *to)
{
	fputs("  -s, --socket SOCKET         the gateway's API; " CONFIG_API_SOCKET "\n"
	      "      --json                  for programs\n"
	      "  -h, --help                  this text; after a command, of the command\n"
	      "  -V, --version               the version\n",
		to);
}

static void print_help(FILE *to)
{
	fputs("Usage: culvert [-s SOCKET] [--json] COMMAND\n\nCommands:\n", to);
	print_commands(to, NULL);
	fputs("\nOptions:\n", to);
	print_general_options(to);
	fputs("\nEnds with 0, or 1 when it failed, 2 on wrong words, 3 when there is no such\n"
	      "object, 4 when no gateway answers.\n",
		to);
}

static void print_command_help(const struct command *c)
{
	fputs("Usage: culvert ", stdout);
	print_words(stdout, c);
	printf("%s\n\n%c%s.\n%s\nOptions:\n", c->options ? " [OPTIONS]" : "",
		c->help[0] >= 'a' && c->help[0] <= 'z' ? c->help[0] - 'a' + 'A' : c->help[0],
		c->help + 1, c->detail ? c->detail : "");
	for (size_t i = 0; i < EXTRAS; i++)
		if (c->options & extras[i].bit)
			printf("      --%s%s%-*s%s\n", extras[i].name,
				extras[i].argument ? " " : "",
				(int)(22 - strlen(extras[i].name) - (extras[i].argument ? 1 : 0)),
				extras[i].argument ? extras[i].argument : "", extras[i].help);
	print_general_options(stdout);
}

static bool parse_limit(const char *text, unsigned *limit)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n == 0 || n > 100000000) {
		fprintf(stderr, "culvert: --limit wants a number from 1 on\n");
		return false;
	}
	*limit = (unsigned)n;
	return true;
}

// An option that only some commands take; index is its place in extras.
static bool take_extra(struct line *l, size_t index, const char *value)
{
	l->given |= extras[index].bit;
	switch (extras[index].bit) {
	case OPTION_USER:
		l->arguments.user = value;
		return true;
	case OPTION_PEER:
		l->arguments.peer = value;
		return true;
	case OPTION_ADDRESS:
		l->arguments.address = value;
		return true;
	case OPTION_FORBID:
		l->arguments.forbid = value;
		return true;
	case OPTION_LIMIT:
		return parse_limit(value, &l->arguments.limit);
	default:
		l->arguments.all = true;
		return true;
	}
}

// Returns false after a message. What are no options is behind optind afterwards.
static bool parse_options(int argc, char **argv, struct line *l)
{
	enum { EXTRA = 256, FIXED = 4 };
	struct option options[FIXED + EXTRAS + 1] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
	};
	int o;

	for (int i = 0; i < EXTRAS; i++)
		options[FIXED + i] = (struct option){extras[i].name,
			extras[i].argument ? required_argument : no_argument, NULL, EXTRA + i};
	while ((o = getopt_long(argc, argv, "s:hV", options, NULL)) != -1) {
		if (o >= EXTRA) {
			if (!take_extra(l, (size_t)o - EXTRA, optarg))
				return false;
			continue;
		}
		switch (o) {
		case 's':
			l->socket = optarg;
			break;
		case 'j':
			l->arguments.json = true;
			break;
		case 'h':
			l->help = true;
			break;
		case 'V':
			l->version = true;
			break;
		default:
			fprintf(stderr, "culvert: culvert --help lists the options\n");
			return false;
		}
	}
	return true;
}

static bool is_verb(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->verb, word) == 0)
			return true;
	return false;
}

// Finds the command of the words and how many words name it. NULL after a message.
static const struct command *find_command(char **words, int count, int *used)
{
	char shown[TEXT_MOST];

	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = commands[i];

		*used = c->noun ? 2 : 1;
		if (count >= *used && strcmp(c->verb, words[0]) == 0 &&
			(!c->noun || strcmp(c->noun, words[1]) == 0))
			return c;
	}
	if (!is_verb(words[0])) {
		fprintf(stderr, "culvert: unknown command %s; known commands:\n",
			text_escape(words[0], shown));
		print_commands(stderr, NULL);
	} else {
		if (count > 1)
			fprintf(stderr, "culvert: %s what? Not %s, but one of:\n", words[0],
				text_escape(words[1], shown));
		else
			fprintf(stderr, "culvert: %s what? One of:\n", words[0]);
		print_commands(stderr, words[0]);
	}
	return NULL;
}

static bool check_options(const struct command *c, unsigned given)
{
	for (size_t i = 0; i < EXTRAS; i++)
		if (given & extras[i].bit & ~c->options) {
			fprintf(stderr, "culvert: --%s does not go with ", extras[i].name);
			print_words(stderr, c);
			fputc('\n', stderr);
			return false;
		}
	return true;
}

// The words behind the command's own: its operand, and nothing else.
static bool check_operand(const struct command *c, char **words, int count, struct line *l)
{
	if (count == (c->operand ? 1 : 0)) {
		l->arguments.operand = c->operand ? words[0] : NULL;
		return true;
	}
	fprintf(stderr, "culvert: %s words; usage: culvert ",
		count < (c->operand ? 1 : 0) ? "too few" : "too many");
	print_words(stderr, c);
	fputc('\n', stderr);
	return false;
}

static enum exit_code run(const struct command *c, struct line *l)
{
	enum exit_code code;

	if (c->offline)
		return c->run(&l->arguments, c);
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return EXIT_FAILED;
	l->arguments.client = client_create(l->socket);
	if (!l->arguments.client)
		return EXIT_FAILED;
	code = c->run(&l->arguments, c);
	client_free(l->arguments.client);
	curl_global_cleanup();
	return code;
}

int main(int argc, char **argv)
{
	struct line l = {.socket = CONFIG_API_SOCKET};
	const struct command *c;
	enum exit_code code;
	int used;

	setlocale(LC_CTYPE, "");
	if (!parse_options(argc, argv, &l))
		return EXIT_USAGE;
	argc -= optind;
	argv += optind;
	if (l.version) {
		puts("culvert " CULVERT_VERSION);
		return EXIT_OK;
	}
	if (argc == 0) {
		print_help(l.help ? stdout : stderr);
		return l.help ? EXIT_OK : EXIT_USAGE;
	}
	c = find_command(argv, argc, &used);
	if (!c)
		return EXIT_USAGE;
	if (l.help) {
		print_command_help(c);
		return EXIT_OK;
	}
	if (!check_options(c, l.given) || !check_operand(c, argv + used, argc - used, &l))
		return EXIT_USAGE;
	code = run(c, &l);
	// A full disk or a closed pipe is a failure too.
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	return code;
}
