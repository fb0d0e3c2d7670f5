// SPDX-License-Identifier: Apache-2.0

// See options.h. One table says name, kind, place, default and help of every option; the help text
// is made from it.

#include "options.h"

#include "contract/address.h"
#include "contract/algorithm.h"
#include "contract/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, NUMBER, SHORT, WIDE, REAL, PERCENT, ADDRESS, TEXT, WORD, SIZES, WAYS };

struct word {
	const char *text;
	unsigned value;
};

static const struct word auths[] = {
	{"mschapv2", PPP_AUTH_MSCHAPV2}, {"chap", PPP_AUTH_CHAP_MD5}, {"pap", PPP_AUTH_PAP}, {0}};
static const struct word encryptions[] = {{"aes-cbc-128", IKE_AES_CBC_128},
	{"aes-cbc-192", IKE_AES_CBC_192}, {"aes-cbc-256", IKE_AES_CBC_256}, {"3des", IKE_3DES},
	{"aes-gcm-128", IKE_AES_GCM_128}, {"aes-gcm-256", IKE_AES_GCM_256}, {0}};
static const struct word ike_hashes[] = {{"md5", IKE_MD5}, {"sha1", IKE_SHA1},
	{"sha256", IKE_SHA256}, {"sha384", IKE_SHA384}, {"sha512", IKE_SHA512}, {0}};
static const struct word groups[] = {{"modp-1024", IKE_MODP_1024}, {"modp-1536", IKE_MODP_1536},
	{"modp-2048", IKE_MODP_2048}, {"modp-3072", IKE_MODP_3072}, {"modp-4096", IKE_MODP_4096},
	{"ecp-256", IKE_ECP_256}, {"ecp-384", IKE_ECP_384}, {"ecp-521", IKE_ECP_521},
	{"x25519", IKE_X25519}, {0}};
static const struct word ciphers[] = {{"aes-gcm-128", ESP_CIPHER_AES_GCM_128},
	{"aes-gcm-256", ESP_CIPHER_AES_GCM_256}, {"aes-cbc-128", ESP_CIPHER_AES_CBC_128},
	{"aes-cbc-192", ESP_CIPHER_AES_CBC_192}, {"aes-cbc-256", ESP_CIPHER_AES_CBC_256},
	{"chacha20-poly1305", ESP_CIPHER_CHACHA20_POLY1305}, {"3des", ESP_CIPHER_3DES}, {0}};
static const struct word integrities[] = {{"hmac-sha1-96", ESP_INTEGRITY_HMAC_SHA1_96},
	{"hmac-sha256-128", ESP_INTEGRITY_HMAC_SHA256_128},
	{"hmac-sha384-192", ESP_INTEGRITY_HMAC_SHA384_192},
	{"hmac-sha512-256", ESP_INTEGRITY_HMAC_SHA512_256}, {0}};

static const struct word floods[] = {
	{"v1", FLOOD_V1}, {"v2", FLOOD_V2}, {"rubbish", FLOOD_RUBBISH}, {0}};

struct option_row {
	const char *name;
	enum kind kind;
	size_t at;
	const char *value; // default, as it would be written
	const char *help;
	const struct word *words;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
	{"subscribers", NUMBER, AT(subscribers), "1", "how many subscribers"},
	{"per-tunnel", NUMBER, AT(per_tunnel), "1", "sessions in each L2TP tunnel: a LAC has many"},
	{"behind-nat", NUMBER, AT(per_nat), "0",
		"so many peers share an address (UDP-encapsulated)"},
	{"same-inner", FLAG, AT(same_inner), NULL,
		"with --behind-nat: all have the same address behind it"},
	{"plain", FLAG, AT(plain), NULL, "L2TP without IPsec"},
	{"ike-only", FLAG, AT(ike_only), NULL,
		"a subscriber is up when its ESP SAs are: no L2TP, no traffic"},
	{"outer", ADDRESS, AT(outer), "10.64.0.1", "outer address of the first peer"},
	{"router", ADDRESS, AT(router), "192.0.2.2", "our address on the subscriber side"},
	{"gateway", ADDRESS, AT(gateway), "192.0.2.1", "the gateway's listener"},
	{"host", ADDRESS, AT(host), "198.51.100.2", "our address on the network side"},
	{"gateway-network", ADDRESS, AT(gateway_network), "198.51.100.1", "the gateway's there"},
	{"psk", TEXT, AT(psk), "culvert-gen", "pre-shared key"},
	{"user", TEXT, AT(user), "gen", "user name; %u in it becomes the subscriber's number"},
	{"password", TEXT, AT(password), "gen-password", "of all users"},
	{"l2tp-secret", TEXT, AT(secret), "", "tunnel authentication; none when empty"},
	{"auth", WORD, AT(auth), "mschapv2", "PPP authentication", auths},
	{"ike-encryption", WORD, AT(ike_encryption), "aes-cbc-256", "of the IKE SA", encryptions},
	{"ike-hash", WORD, AT(ike_hash), "sha256", "of the IKE SA", ike_hashes},
	{"ike-group", WORD, AT(ike_group), "ecp-256", "Diffie-Hellman", groups},
	{"cipher", WORD, AT(cipher), "aes-gcm-128", "of ESP", ciphers},
	{"integrity", WORD, AT(integrity), "hmac-sha1-96", "of ESP with a CBC cipher", integrities},
	{"mru", SHORT, AT(mru), "1400", "bytes, asked for in LCP"},
	{"ike-version", NUMBER, AT(ike_version), "1", "1 or 2"},
	{"setup-rate", REAL, AT(setup_rate), "0", "sessions begun per second; 0 = no limit"},
	{"parallel", NUMBER, AT(parallel), "64", "sessions in set-up at a time"},
	{"tries", NUMBER, AT(tries), "5", "retransmissions before a message is given up"},
	{"retransmit", NUMBER, AT(retransmit_ms), "1000", "ms to the first of them, then doubled"},
	{"server", NUMBER, AT(server), "0",
		"pid of the gateway's control plane: its CPU time is told beside ours"},
	{"dh-alone", NUMBER, AT(dh_alone), "0",
		"ms to measure what libcrypto's Diffie-Hellman alone allows, before all else"},
	{"hold", REAL, AT(hold), "0", "seconds to keep all sessions up, before traffic"},
	{"churn", REAL, AT(churn), "0", "sessions ended and begun again per second of --hold"},
	{"flood", REAL, AT(flood), "0", "IKE messages of strangers per second, during --hold"},
	{"flood-kind", WORD, AT(flood_kind), "v1", "their first messages, or nonsense", floods},
	{"flood-one", FLAG, AT(flood_one), NULL,
		"all of it from one source; else each from one that is made up"},
	{"flood-time", REAL, AT(flood_time), "0", "seconds of --hold that it lasts; 0 = all"},
	{"rekey", REAL, AT(rekey), "0", "seconds to a peer's next pair of ESP SAs; 0 = never"},
	{"traffic-while-held", FLAG, AT(held_traffic), NULL,
		"the first --size and --direction at --rate during --hold; sessions of the second "
		"half are churned, the first half carries it"},
	{"size", SIZES, 0, "64,512,1400", "bytes of the inner IP packet, or imix; a list"},
	{"direction", WAYS, 0, "none", "up, down, both, none; a list"},
	{"rate", REAL, AT(rate), "0", "packets per second and direction; 0 = as many as go"},
	{"packets", WIDE, AT(packets), "0", "per direction, instead of --time"},
	{"time", REAL, AT(time), "2", "seconds of a trial (RFC 2544 asks for 60)"},
	{"settle", REAL, AT(settle), "0.1",
		"seconds without an arrival until the missing are lost"},
	{"search", FLAG, AT(search), NULL, "look for the highest rate within --loss"},
	{"loss", PERCENT, AT(loss), "0.001", "percent of packets that may be lost"},
	{"precision", PERCENT, AT(precision), "2", "percent: how close the search comes"},
	{"repeat", NUMBER, AT(repeat), "2", "trials of a rate before it counts as too high"},
	{"strict", FLAG, AT(strict), NULL, "exit code 1 on any failure, loss or wrong order"},
	{"json", TEXT, AT(json), "", "file for the results; - is stdout, and nothing else is"},
	{"quiet", FLAG, AT(quiet), NULL, "no progress"},
	{"subscriber-port", TEXT, AT(subscriber_port), "", "DPDK device or PCI address; required"},
	{"network-port", TEXT, AT(network_port), "", "the same; required"},
	{"core", NUMBER, AT(core), "0", "CPU to run on"},
	{"poll", FLAG, AT(poll), NULL, "never sleep, not even while only setting up"},
	{"memory", NUMBER, AT(memory_mib), "512", "MiB of DPDK memory"},
	{"buffers", NUMBER, AT(buffers), "32768", "packets in memory"},
	{"no-huge", FLAG, AT(no_huge), NULL, "ordinary memory"},
	{"eal", TEXT, AT(eal), "", "further arguments for DPDK, separated by blanks"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void help(void)
{
	printf("usage: culvert-gen --subscriber-port DEVICE --network-port DEVICE [OPTION...]\n\n"
	       "Plays subscribers against an L2TP/IPsec gateway and the host behind it.\n\n");
	for (size_t i = 0; i < ROWS; i++) {
		printf("  --%-16s %s", rows[i].name, rows[i].help);
		if (rows[i].value && *rows[i].value)
			printf(" (%s)", rows[i].value);
		for (const struct word *w = rows[i].words; w && w->text; w++)
			printf("%s%s", w == rows[i].words ? ": " : ", ", w->text);
		printf("\n");
	}
}

const char *options_auth_word(unsigned auth)
{
	for (const struct word *w = auths; w->text; w++)
		if (w->value == auth)
			return w->text;
	return "?";
}

static int take_word(const struct word *words, const char *text, unsigned *out)
{
	for (; words->text; words++)
		if (strcmp(words->text, text) == 0) {
			*out = words->value;
			return 0;
		}
	return -EINVAL;
}

static int take_number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' || *out > most ? -EINVAL : 0;
}

static int take_real(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end == text || *end || !(*out >= 0) ? -EINVAL : 0;
}

static int take_address(const char *text, uint32_t *out)
{
	struct ip_address a;

	if (address_parse(text, &a) || a.version != IP_V4)
		return -EINVAL;
	*out = address_to_u32(&a);
	return 0;
}

static int take_sizes(struct options *o, char *list)
{
	uint64_t n;

	o->size_count = 0;
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (o->size_count == OPTIONS_SIZES)
			return -EINVAL;
		if (strcmp(word, "imix") == 0)
			n = OPTIONS_IMIX;
		else if (take_number(word, 1460, &n) || n < 64)
			return -EINVAL;
		o->sizes[o->size_count++] = (uint16_t)n;
	}
	return o->size_count ? 0 : -EINVAL;
}

static int take_ways(struct options *o, char *list)
{
	static const struct word words[] = {
		{"up", WAY_UP}, {"down", WAY_DOWN}, {"both", WAY_BOTH}, {"none", 0}, {0}};
	unsigned way;

	o->way_count = 0;
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (take_word(words, word, &way) || o->way_count == 3)
			return -EINVAL;
		if (way)
			o->ways[o->way_count++] = way;
	}
	return 0;
}

static int take_text(char *out, const char *text)
{
	if (strlen(text) >= OPTIONS_TEXT)
		return -EINVAL;
	strcpy(out, text);
	return 0;
}

static int take(struct options *o, const struct option_row *row, const char *text)
{
	uint8_t *at = (uint8_t *)o + row->at;
	char list[OPTIONS_TEXT];
	uint64_t n = 0;
	int error;

	switch (row->kind) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case NUMBER:
		error = take_number(text, UINT32_MAX, &n);
		*(uint32_t *)at = (uint32_t)n;
		return error;
	case SHORT:
		error = take_number(text, UINT16_MAX, &n);
		*(uint16_t *)at = (uint16_t)n;
		return error;
	case WIDE:
		return take_number(text, UINT64_MAX, (uint64_t *)at);
	case REAL:
		return take_real(text, (double *)at);
	case PERCENT:
		error = take_real(text, (double *)at);
		*(double *)at /= 100;
		return error;
	case ADDRESS:
		return take_address(text, (uint32_t *)at);
	case TEXT:
		return take_text((char *)at, text);
	case WORD:
		return take_word(row->words, text, (unsigned *)at);
	case SIZES:
	case WAYS:
		error = take_text(list, text);
		return error                ? error
		       : row->kind == SIZES ? take_sizes(o, list)
					    : take_ways(o, list);
	}
	return -EINVAL;
}

static const struct option_row *find(const char *argument)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, rows[i].name) == 0)
			return &rows[i];
	return NULL;
}

static int complain(const char *text, const char *value)
{
	fprintf(stderr, "culvert-gen: %s '%s'; see --help\n", text, value);
	return -EINVAL;
}

static int check(struct options *o)
{
	if (esp_cipher_shape(o->cipher)->icv)
		o->integrity = ESP_INTEGRITY_NONE;
	if (!*o->subscriber_port || !*o->network_port)
		return complain(
			"required:", *o->subscriber_port ? "--network-port" : "--subscriber-port");
	if (o->subscribers == 0 || o->per_tunnel == 0 || o->per_tunnel > 65535)
		return complain(
			"wrong number of", o->subscribers ? "--per-tunnel" : "--subscribers");
	if (o->ike_version != 1 && o->ike_version != 2)
		return complain("there is no such version:", "--ike-version");
	if (o->ike_only && (o->plain || o->per_tunnel > 1 || o->way_count))
		return complain("without a meaning beside --plain, --per-tunnel or --direction:",
			"--ike-only");
	if (o->per_nat && o->plain)
		return complain("without a meaning beside --plain:", "--behind-nat");
	if (o->same_inner && !o->per_nat)
		return complain("needs --behind-nat:", "--same-inner");
	if (o->held_traffic && (o->way_count == 0 || !(o->hold > 0)))
		return complain("needs --hold and --direction:", "--traffic-while-held");
	if (o->rekey > 0 && o->rekey < 2)
		return complain("at least 2 seconds:", "--rekey");
	if (o->per_nat > 20000)
		return complain("at most 20000:", "--behind-nat");
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].value)
			(void)take(o, &rows[i], rows[i].value);
	for (int i = 1; i < argc; i++) {
		const struct option_row *row = find(argv[i]);

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help();
			return 1;
		}
		if (!row)
			return complain("unknown option", argv[i]);
		if (row->kind != FLAG && i + 1 == argc)
			return complain("no value for", argv[i]);
		if (take(o, row, row->kind == FLAG ? "" : argv[++i]))
			return complain(row->name, argv[i]);
	}
	return check(o);
}
