// SPDX-License-Identifier: Apache-2.0

// culvert-pktgen: what a packet generator that knows no IPsec needs to load a gateway. It installs
// test sessions on a running dataplane, without any control plane, and writes capture files with
// their packets; see README.md for the whole way. The keys are no secret.

#include "capture.h"
#include "install.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS_MOST = LIMIT_SESSIONS, PACKETS_MOST = 10000000 };

struct options {
	const char *socket, *output, *direction, *to, *from, *transform;
	unsigned long sessions, packets, size;
};

static int usage(FILE *out, int status)
{
	fprintf(out,
		"usage: culvert-pktgen install [--transform T] [--sessions N] [--socket PATH]\n"
		"       culvert-pktgen pcap --direction uplink|downlink --to MAC [--from MAC]\n"
		"                      [--transform T] [--sessions N] [--size BYTES]\n"
		"                      [--packets N] --output FILE\n"
		"\n"
		"install  makes N test sessions live on the dataplane of that socket (default\n"
		"         /run/culvert/dataplane.sock), whose control plane must not be running.\n"
		"         They stay until the dataplane ends or a control plane starts.\n"
		"pcap     writes packets of these sessions, to be sent again and again to the\n"
		"         gateway's port with the Ethernet address MAC.\n"
		"\n"
		"  --transform  plain, aes-gcm-128 (default), aes-cbc-128-sha1, "
		"aes-cbc-256-sha256\n"
		"  --sessions   default 1\n"
		"  --size       of the inner IP packets, %d to %d (default 64)\n"
		"  --packets    in the file; default 1024 or one for each session\n",
		FRAME_SIZE_LEAST, FRAME_SIZE_MOST);
	return status;
}

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "culvert-pktgen: %s '%s'; see culvert-pktgen --help\n", what, value);
	return 2;
}

static bool read_mac(const char *text, uint8_t mac[FRAME_MAC])
{
	int end = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		       &mac[3], &mac[4], &mac[5], &end) == FRAME_MAC &&
	       text[end] == '\0' && !(mac[0] & 1);
}

static bool read_number(const char *text, unsigned long most, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *out >= 1 &&
	       *out <= most;
}

static bool take_option(int option, struct options *o)
{
	switch (option) {
	case 's':
		o->socket = optarg;
		return true;
	case 'o':
		o->output = optarg;
		return true;
	case 'd':
		o->direction = optarg;
		return true;
	case 't':
		o->to = optarg;
		return true;
	case 'f':
		o->from = optarg;
		return true;
	case 'x':
		o->transform = optarg;
		return true;
	case 'n':
		return read_number(optarg, SESSIONS_MOST, &o->sessions);
	case 'p':
		return read_number(optarg, PACKETS_MOST, &o->packets);
	case 'b':
		return read_number(optarg, FRAME_SIZE_MOST, &o->size) &&
		       o->size >= FRAME_SIZE_LEAST;
	}
	return false;
}

// 0, or the status to exit with.
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"socket", required_argument, NULL, 's'},
		{"output", required_argument, NULL, 'o'},
		{"direction", required_argument, NULL, 'd'}, {"to", required_argument, NULL, 't'},
		{"from", required_argument, NULL, 'f'}, {"transform", required_argument, NULL, 'x'},
		{"sessions", required_argument, NULL, 'n'},
		{"packets", required_argument, NULL, 'p'}, {"size", required_argument, NULL, 'b'},
		{0}};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == '?')
			return usage(stderr, 2);
		if (!take_option(option, o))
			return complain(options[index].name, optarg);
	}
	return optind == argc ? 0 : complain("unknown argument", argv[optind]);
}

static int install(const struct options *o, const struct population *p)
{
	if (install_population(o->socket, p) != 0)
		return 1;
	printf("%u sessions with %s are live\n", p->sessions, p->transform->name);
	return 0;
}

static int pcap(const struct options *o, const struct population *p)
{
	struct capture c = {.population = p, .size = (uint16_t)o->size};
	int error;

	if (!o->direction || !o->to || !o->output)
		return usage(stderr, 2);
	if (strcmp(o->direction, "uplink") != 0 && strcmp(o->direction, "downlink") != 0)
		return complain("unknown direction", o->direction);
	if (!read_mac(o->to, c.to))
		return complain("no Ethernet address of a host:", o->to);
	if (!read_mac(o->from, c.from))
		return complain("no Ethernet address of a host:", o->from);
	c.direction = *o->direction == 'u' ? UPLINK : DOWNLINK;
	c.packets = (uint32_t)(o->packets ? o->packets : p->sessions > 1024 ? p->sessions : 1024);
	error = capture_write(&c, o->output);
	if (error) {
		fprintf(stderr, "culvert-pktgen: %s: %s\n", o->output, strerror(-error));
		return 1;
	}
	printf("%u packets in %s\n", c.packets, o->output);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.socket = "/run/culvert/dataplane.sock",
		.from = "02:00:00:00:00:09",
		.transform = "aes-gcm-128",
		.sessions = 1,
		.size = 64};
	struct population p = {0};
	int status;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(argc < 2 ? stderr : stdout, argc < 2 ? 2 : 0);
	status = parse(argc - 1, argv + 1, &o);
	if (status)
		return status;
	p.transform = transform_find(o.transform);
	p.sessions = (uint32_t)o.sessions;
	if (!p.transform)
		return complain("unknown transform", o.transform);
	if (strcmp(argv[1], "install") == 0)
		return install(&o, &p);
	if (strcmp(argv[1], "pcap") == 0)
		return pcap(&o, &p);
	return complain("unknown command", argv[1]);
}
