// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of DHCPv6 options and status codes (RFC 8415 sections 21.13 and 24, RFC 3646), for
// dhcp6*.c. Those of identity associations are enum dhcp6_kind.

enum dhcp6_option {
	DHCP6_OPTION_CLIENT = 1,
	DHCP6_OPTION_SERVER = 2,
	DHCP6_OPTION_ADDRESS = 5,
	DHCP6_OPTION_REQUESTS = 6,
	DHCP6_OPTION_PREFERENCE = 7,
	DHCP6_OPTION_STATUS = 13,
	DHCP6_OPTION_RAPID_COMMIT = 14,
	DHCP6_OPTION_DNS = 23,
	DHCP6_OPTION_DOMAIN = 24,
	DHCP6_OPTION_PREFIX = 26,
	DHCP6_OPTION_REFRESH = 32,
};

enum dhcp6_status {
	DHCP6_SUCCESS = 0,
	DHCP6_NO_ADDRESSES = 2,
	DHCP6_NO_BINDING = 3,
	DHCP6_NOT_ON_LINK = 4,
	DHCP6_USE_MULTICAST = 5,
	DHCP6_NO_PREFIXES = 6,
};
