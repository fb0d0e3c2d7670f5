// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line of culvert-gen: what is played, how fast, how long. options.c has the table of
// all options with their defaults and help.

#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_SIZES = 16, OPTIONS_TEXT = 256, OPTIONS_IMIX = 0 };

enum options_ways { WAY_UP = 1, WAY_DOWN = 2, WAY_BOTH = 4 };

enum options_flood { FLOOD_V1, FLOOD_V2, FLOOD_RUBBISH };

struct options {
	// Who.
	uint32_t subscribers;
	uint32_t per_tunnel; // sessions of a peer
	uint32_t per_nat;    // peers behind one address; 0 = no NAT
	bool same_inner;     // and all of them take themselves for 192.168.1.2
	bool plain;          // L2TP without IPsec
	bool ike_only;       // a peer is up when it has its ESP SAs: no L2TP

	// Addresses, host byte order.
	uint32_t outer;   // first outer address of the peers
	uint32_t router;  // ours on the subscriber side
	uint32_t gateway; // of the gateway there: IKE, ESP and L2TP go to it
	uint32_t host;    // ours on the network side
	uint32_t gateway_network;

	// Credentials and algorithms.
	char psk[OPTIONS_TEXT], user[OPTIONS_TEXT], password[OPTIONS_TEXT], secret[OPTIONS_TEXT];
	unsigned auth;                                // enum ppp_auth
	uint32_t ike_version;                         // 1 or 2
	unsigned ike_encryption, ike_hash, ike_group; // enums of contract/config.h
	unsigned cipher, integrity;                   // contract/algorithm.h
	uint16_t mru;

	// Set-up.
	double setup_rate; // sessions per second; 0 = as fast as the gateway answers
	uint32_t parallel; // sessions in set-up at a time
	uint32_t tries;    // retransmissions before a message is given up
	uint32_t retransmit_ms;
	uint32_t server;   // process whose CPU time is told beside: the gateway's control plane
	uint32_t dh_alone; // milliseconds of Diffie-Hellman alone, before all else
	double hold;       // seconds
	double churn;      // sessions per second, during hold
	bool held_traffic;
	double flood;        // messages of strangers per second, during hold
	unsigned flood_kind; // enum options_flood
	bool flood_one;      // all from one source
	double flood_time;   // seconds of hold; 0 = all
	double rekey;        // seconds between the quick modes of a peer; 0 = never

	// Traffic.
	uint16_t sizes[OPTIONS_SIZES]; // bytes of the inner IP packet; OPTIONS_IMIX
	unsigned size_count;
	unsigned ways[3];   // enum options_ways, in order
	unsigned way_count; // 0 = no traffic
	double rate;        // packets per second and direction; 0 = as fast as possible
	uint64_t packets;   // per direction; 0 = as many as fit into time
	double time;        // seconds of a trial
	double settle;      // seconds without an arrival after which what is missing is lost
	bool search;
	double loss;      // share of packets that may be lost, 0 to 1
	double precision; // the search ends when the bounds are this close, as a share
	uint32_t repeat;  // trials of one rate before it counts as failed

	// Output and machine.
	char json[OPTIONS_TEXT];
	char subscriber_port[OPTIONS_TEXT], network_port[OPTIONS_TEXT];
	char eal[OPTIONS_TEXT];
	uint32_t core, memory_mib, buffers;
	bool no_huge, poll, strict, quiet;
};

// 0; -EINVAL after a word on stderr; 1 when help was asked for and given.
int options_parse(struct options *o, int argc, char **argv);
const char *options_auth_word(unsigned auth);
