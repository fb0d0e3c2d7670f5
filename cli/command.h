// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a command of the program is. One declaration for each, in the file of its noun; the table in
// main.c lists them, and help, checks of arguments and dispatch come from it.

#include "client.h"

#include <stdbool.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      // the gateway refused, or the file is wrong
	EXIT_USAGE = 2,       // the command line cannot be understood
	EXIT_NOT_FOUND = 3,   // there is no such object
	EXIT_UNREACHABLE = 4, // no gateway answers
};

enum command_option {
	OPTION_USER = 1,    // --user NAME
	OPTION_PEER = 2,    // --peer ADDRESS
	OPTION_ADDRESS = 4, // --address ADDRESS
	OPTION_LIMIT = 8,   // --limit N
	OPTION_ALL = 16,    // --all
	OPTION_FORBID = 32, // --forbid WORDS
};

// The command line, taken apart.
struct arguments {
	struct client *client; // NULL for commands that need no gateway
	const char *operand;   // the one that the command takes, or NULL
	const char *user, *peer, *address, *forbid;
	unsigned limit; // 0 = all
	bool all;
	bool json;
};

struct column;

// A command that shows a list of objects as a table.
struct listing {
	const char *key; // of the list in the answer
	const struct column *columns;
	const char *nothing; // what is said of an empty list
};

struct command {
	const char *verb;
	const char *noun;               // NULL when the verb is alone
	const char *operand;            // its name in the help, or NULL
	const char *help;               // one line
	const char *detail;             // further lines, or NULL
	const char *path;               // of the API; NULL when run knows better
	const struct listing *listings; // of the answer to path, up to key NULL
	enum exit_code (*run)(const struct arguments *a, const struct command *c);
	unsigned options; // enum command_option
	bool offline;     // needs no gateway
};

extern const struct command command_show_status, command_show_subscribers, command_show_lines,
	command_show_addresses, command_show_tunnels, command_show_sessions, command_show_sas,
	command_show_workers, command_show_ports, command_show_drops, command_show_pools,
	command_show_groups, command_show_filters, command_show_certificates,
	command_show_algorithms, command_show_psks, command_show_effective, command_show_radius,
	command_policy_check, command_disconnect, command_config_check;

// The run of most commands: gets the command's path, with the filters of the arguments, page by
// page, and prints its listings, or the JSON.
enum exit_code show_run(const struct arguments *a, const struct command *c);
// Its first half: all pages in *body, the caller's; NULL after an error.
enum exit_code show_get(const struct arguments *a, const struct command *c, json_t **body);
// Prints a body for programs: indented, ASCII alone, so that no byte can steer a terminal.
void show_json(const json_t *body);
