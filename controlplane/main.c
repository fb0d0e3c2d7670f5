// SPDX-License-Identifier: Apache-2.0

// culvert-controlplane: reads the config, makes the gateway, gives up its privileges, and runs the
// event loop until a signal ends it.

#include "gateway.h"
#include "ike/certificates.h"
#include "log.h"
#include "radius/client.h"
#include "sandbox.h"
#include "timer.h"
#include "work_loop.h"

#include "contract/version.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static const char usage_text[] =
	"Usage: culvert-controlplane -c FILE\n"
	"       culvert-controlplane --check -c FILE\n"
	"\n"
	"Serves the subscribers of the dataplane that FILE names: IKE, L2TP, PPP, API.\n"
	"\n"
	"  -c, --config FILE  the configuration, shared with culvert-dataplane\n"
	"      --check        only say whether FILE is in order\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"The log is JSON, a line for each event, on standard error.\n"
	"Ends with 0 on SIGTERM or SIGINT, with 1 when it cannot start, with 2 on wrong words.\n";

struct arguments {
	const char *config;
	bool check;
};

// Fills *out. Returns -1 to go on, or the exit code.
static int parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 'k':
			out->check = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'V':
			puts("culvert-controlplane " CULVERT_VERSION);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind == argc && out->config)
		return -1;
	fputs(out->config ? "culvert-controlplane: too many words\n"
			  : "culvert-controlplane: which config? Use -c FILE\n",
		stderr);
	return 2;
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	gateway_stop(handle->data);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

// Lets every handle end; slow jobs that still run are awaited.
static void close_loop(uv_loop_t *loop)
{
	uv_walk(loop, close_handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(loop);
}

static int run(uv_loop_t *loop, const struct config *config)
{
	struct gateway *g = gateway_create(loop, config);
	uv_signal_t terminate, interrupt;
	int error;

	if (!g)
		return 1;
	terminate.data = interrupt.data = g;
	uv_signal_init(loop, &terminate);
	uv_signal_init(loop, &interrupt);
	uv_signal_start(&terminate, on_signal, SIGTERM);
	uv_signal_start(&interrupt, on_signal, SIGINT);
	error = sandbox_drop(config->user);
	if (error == 0)
		error = sandbox_filter(config);
	if (error == 0)
		error = work_start(); // under the filter, which no thread of before would be
	if (error == 0)
		error = gateway_start(g);
	if (error == 0)
		uv_run(loop, UV_RUN_DEFAULT);
	gateway_close(g);
	work_stop();
	close_loop(loop);
	gateway_free(g);
	return error ? 1 : 0;
}

// What config_load does not read: the files with certificates.
static int check(const struct arguments *arguments, const struct config *config)
{
	struct timers *timers = timers_create(NULL, NULL);
	struct certificates *certificates = NULL;
	const char *part = "certificates";
	char why[1024] = "no memory";
	bool good;

	if (timers)
		certificates = certificates_create(config, timers, why, sizeof(why));
	good = certificates != NULL;
	if (good && radius_check(config, why, sizeof(why))) {
		part = "radius";
		good = false;
	}
	if (good)
		printf("%s is in order\n", arguments->config);
	else
		fprintf(stderr, "%s: %s: %s\n", arguments->config, part, why);
	certificates_free(certificates);
	timers_free(timers);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	int code = parse_arguments(argc, argv, &arguments);
	struct config *config;
	uv_loop_t loop;

	if (code >= 0)
		return code;
	signal(SIGPIPE, SIG_IGN);
	if (config_load(arguments.config, &config, stderr) < 0)
		return 1;
	if (arguments.check) {
		code = check(&arguments, config);
		config_free(config);
		return code;
	}
	log_set_level(config->log_level);
	if (uv_loop_init(&loop) < 0)
		return 1;
	code = run(&loop, config);
	config_free(config);
	return code;
}
