// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every number that both processes must agree on, with its unit and its reason.

enum {
	LIMIT_WORKERS = 16,       // poll-mode workers; the channel holds two rings for each
	LIMIT_PORTS = 16,         // ports of one gateway, both sides together
	LIMIT_PORT_ADDRESSES = 8, // own addresses of one port
	LIMIT_NAME = 32,          // bytes of a name in the config with its final NUL
	LIMIT_SA_BITS = 20,       // bits of an SPI that are the SA's index
	LIMIT_SAS = 1 << LIMIT_SA_BITS,
	LIMIT_TUNNELS = 65536,     // tunnel ids are 16 bits wide (RFC 2661 section 3.1); 0 is none
	LIMIT_SESSIONS = 1 << 20,  // sessions of one gateway
	LIMIT_SESSION_ID = 65535,  // session ids of one tunnel (RFC 2661 section 3.1)
	LIMIT_GROUPS = 256,        // groups of subscribers; 0 is the one of a session without any
	LIMIT_FILTERS = 256,       // filters; 0 is none
	LIMIT_FILTER_RULES = 4096, // rules of one filter
	LIMIT_VLAN_ID = 4094,      // largest VLAN id; 4095 is reserved (IEEE 802.1Q)
	LIMIT_VLANS = 2,           // tags of a frame: 802.1Q, or 802.1ad with 802.1Q in it

	LIMIT_RING_MESSAGES = 1024, // slots of the command ring and of the event ring, power of two
	LIMIT_RING_PACKETS = 1024,  // slots of each punt ring and inject ring, power of two
	LIMIT_MESSAGE = 512,        // bytes of a command or an event, header included
	LIMIT_PACKET_SLOT = 2048,   // bytes of a punt or inject slot, header included

	LIMIT_IKE_MESSAGE = 16384, // bytes of an IKE message, from its header on: certificates

	LIMIT_CIPHER_KEY = 32,      // bytes: AES-256
	LIMIT_SALT = 4,             // bytes: AES-GCM (RFC 4106 section 4)
	LIMIT_INTEGRITY_KEY = 64,   // bytes: HMAC-SHA2-512 (RFC 4868 section 2.1.1)
	LIMIT_REPLAY_WINDOW = 4096, // packets

	LIMIT_MTU_MIN = 576,   // bytes: what every IPv4 host must accept (RFC 791)
	LIMIT_MTU_MIN6 = 1280, // bytes: what every IPv6 link must carry (RFC 8200 section 5)
	LIMIT_MTU_MAX = 9216,  // bytes: jumbo frames

	PORT_IKE = 500,    // UDP (RFC 2408 section 2.5.1)
	PORT_NAT_T = 4500, // UDP (RFC 3948)
	PORT_L2TP = 1701,  // UDP (RFC 2661 section 8.1)
};
