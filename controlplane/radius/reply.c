// SPDX-License-Identifier: Apache-2.0

// Reads the attributes of an Access-Accept or a CoA-Request into a grant. Each attribute is read
// for itself: what is refused is told, and the rest of the reply still counts. What holds for which
// attribute is in reply_address.c and reply_policy.c, what it means in docs/radius-attributes.md.
// The config's own table (radius.attributes) is looked at first, so that it can have the last word.

#include "dictionary.h"
#include "reply_internal.h"

#include "controlplane/log.h"

#include <errno.h>
#include <string.h>

enum {
	OF_A_SESSION = 1, // says in a CoA-Request which session is meant (RFC 5176 section 3)
	LATE = 2,         // is read when all others are, as it builds on them
	ONLY = 4,         // as that number it means nothing, otherwise it is refused
};

struct known {
	uint32_t vendor;
	uint16_t type;
	uint8_t flags;
	uint8_t only;
	reply_take take;    // or NULL
	const char *reason; // why it is refused; NULL without take: it means nothing here
};

static const char tunnels[] = "is of tunnels, and sessions end here";
static const char of_requests[] = "has no place in a reply";

static const struct known table[] = {
	{0, RADIUS_USER_NAME, OF_A_SESSION, 0, take_user_name},
	{0, RADIUS_NAS_IP_ADDRESS, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_NAS_PORT, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_SERVICE_TYPE, OF_A_SESSION | ONLY, SERVICE_FRAMED, NULL,
		"is another service than Framed"},
	{0, RADIUS_FRAMED_PROTOCOL, ONLY, PROTOCOL_PPP, NULL, "is another protocol than PPP"},
	{0, RADIUS_FRAMED_IP_ADDRESS, OF_A_SESSION, 0, take_address},
	{0, RADIUS_FRAMED_IP_NETMASK, LATE, 0, take_netmask},
	{0, RADIUS_FRAMED_ROUTING, ONLY, 0, NULL, "asks for a routing protocol"},
	{0, RADIUS_FILTER_ID, 0, 0, take_filter_id},
	{0, RADIUS_FRAMED_MTU, 0, 0, NULL, "cannot be set: the MTU follows from the path"},
	{0, RADIUS_FRAMED_COMPRESSION, ONLY, 0, NULL, "asks for compressed headers"},
	{0, RADIUS_REPLY_MESSAGE, 0, 0, NULL},
	{0, RADIUS_FRAMED_ROUTE, LATE, 0, take_route},
	{0, RADIUS_STATE, 0, 0, NULL},
	{0, RADIUS_CLASS, 0, 0, take_class},
	{0, RADIUS_SESSION_TIMEOUT, 0, 0, take_session_timeout},
	{0, RADIUS_IDLE_TIMEOUT, 0, 0, take_idle_timeout},
	{0, RADIUS_TERMINATION_ACTION, ONLY, 0, NULL, "asks for a request at the session's end"},
	{0, RADIUS_CALLED_STATION_ID, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_CALLING_STATION_ID, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_NAS_IDENTIFIER, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_PROXY_STATE, 0, 0, NULL},
	{0, RADIUS_ACCT_SESSION_ID, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_ACCT_MULTI_SESSION_ID, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_EVENT_TIMESTAMP, 0, 0, NULL},
	{0, RADIUS_NAS_PORT_TYPE, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_PORT_LIMIT, 0, 0, NULL, "cannot be kept: sessions of a user are not counted"},
	{0, RADIUS_TUNNEL_TYPE, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_MEDIUM_TYPE, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_CLIENT_ENDPOINT, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_SERVER_ENDPOINT, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_PASSWORD, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_PRIVATE_GROUP_ID, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_ASSIGNMENT_ID, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_PREFERENCE, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_CLIENT_AUTH_ID, 0, 0, NULL, tunnels},
	{0, RADIUS_TUNNEL_SERVER_AUTH_ID, 0, 0, NULL, tunnels},
	{0, RADIUS_EAP_MESSAGE, 0, 0, NULL},
	{0, RADIUS_MESSAGE_AUTHENTICATOR, 0, 0, NULL},
	{0, RADIUS_ACCT_INTERIM_INTERVAL, 0, 0, take_interim},
	{0, RADIUS_NAS_PORT_ID, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_FRAMED_POOL, 0, 0, take_pool},
	{0, RADIUS_CHARGEABLE_USER_IDENTITY, OF_A_SESSION, 0, NULL, "is not reported"},
	{0, RADIUS_NAS_IPV6_ADDRESS, OF_A_SESSION, 0, NULL, of_requests},
	{0, RADIUS_FRAMED_INTERFACE_ID, OF_A_SESSION, 0, take_interface_id},
	{0, RADIUS_FRAMED_IPV6_PREFIX, OF_A_SESSION, 0, take_prefix6},
	{0, RADIUS_FRAMED_IPV6_ROUTE, LATE, 0, take_route6},
	{0, RADIUS_FRAMED_IPV6_POOL, 0, 0, take_pool6},
	{0, RADIUS_EAP_KEY_NAME, 0, 0, NULL},
	{0, RADIUS_DELEGATED_IPV6_PREFIX, 0, 0, take_delegated},
	{0, RADIUS_FRAMED_IPV6_ADDRESS, OF_A_SESSION, 0, take_address6},
	{0, RADIUS_DNS_SERVER_IPV6_ADDRESS, 0, 0, take_dns6},
	{0, RADIUS_DELEGATED_IPV6_PREFIX_POOL, 0, 0, take_delegated_pool},
	{0, RADIUS_STATEFUL_IPV6_ADDRESS_POOL, LATE, 0, take_stateful_pool},
	{0, RADIUS_VENDOR_SPECIFIC, 0, 0, NULL, "is broken, or of a form that nobody can guess"},
	{VENDOR_CISCO, CISCO_AVPAIR, LATE, 0, take_cisco},
	{VENDOR_MICROSOFT, MS_CHAP_ERROR, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_POLICY, ONLY, 1, NULL,
		"requires MPPE, which is not spoken"},
	{VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_TYPES, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_CHAP_DOMAIN, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_CHAP_MPPE_KEYS, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_MPPE_RECV_KEY, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, 0, 0, NULL},
	{VENDOR_MICROSOFT, MS_PRIMARY_DNS_SERVER, 0, 0, take_dns1},
	{VENDOR_MICROSOFT, MS_SECONDARY_DNS_SERVER, 0, 0, take_dns2},
	{VENDOR_MICROSOFT, MS_PRIMARY_NBNS_SERVER, 0, 0, take_wins1},
	{VENDOR_MICROSOFT, MS_SECONDARY_NBNS_SERVER, 0, 0, take_wins2},
	{VENDOR_WISPR, WISPR_BANDWIDTH_MAX_UP, 0, 0, take_wispr_up},
	{VENDOR_WISPR, WISPR_BANDWIDTH_MAX_DOWN, 0, 0, take_wispr_down},
	{VENDOR_MIKROTIK, MIKROTIK_GROUP, 0, 0, take_group},
	{VENDOR_MIKROTIK, MIKROTIK_RATE_LIMIT, 0, 0, take_mikrotik},
};

static const struct known *known_of(const struct radius_attribute *a)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].vendor == a->vendor && table[i].type == a->type)
			return &table[i];
	return NULL;
}

const char *reading_claim(struct reading *r, enum grant_item item)
{
	if (r->seen[item])
		return "is there twice: the first one holds";
	r->seen[item] = true;
	r->grant->from[item] = r->from;
	return NULL;
}

void reading_lacks(struct reading *r)
{
	if (r->error == 0)
		r->error = -ENOENT;
}

static const char *take_known(
	struct reading *r, const struct known *known, const struct radius_attribute *a)
{
	uint32_t number;

	if (known->flags & ONLY)
		return attribute_number(a, &number) == 0 && number == known->only ? NULL
										  : known->reason;
	return known->take ? known->take(r, a) : known->reason;
}

static void complain(struct reading *r, const struct radius_attribute *a, const char *reason)
{
	char name[DICTIONARY_NAME], value[DICTIONARY_VALUE];
	const struct reply_complaint c = {
		.name = dictionary_name(a->vendor, a->type, name),
		.value = dictionary_value(a, value),
		.reason = reason,
	};

	r->complain(r->context, &c);
}

static void take(struct reading *r, const struct radius_attribute *a, bool late)
{
	const struct known *known = known_of(a);
	const char *reason;
	bool mapped;

	if (known && r->from == FROM_COA && (known->flags & OF_A_SESSION))
		return;
	if (late != (known && (known->flags & LATE)))
		return;
	reason = take_mapped(r, a, &mapped);
	if (!mapped)
		reason = known ? take_known(r, known, a) : "is not known";
	if (reason)
		complain(r, a, reason);
}

// One server alone is the first one.
static void close_gap(struct ip_address servers[2])
{
	if (servers[0].version == IP_NONE) {
		servers[0] = servers[1];
		servers[1] = (struct ip_address){0};
	}
}

int reply_grant(const struct config *config, const struct radius_packet *packet,
	enum grant_from from, struct grant *grant, reply_complain complaint, void *context)
{
	struct reading r = {.config = config,
		.grant = grant,
		.from = (uint8_t)from,
		.complain = complaint,
		.context = context};
	struct radius_attribute a;

	for (int late = 0; late < 2; late++) {
		struct radius_cursor cursor = {0};

		while (radius_next(packet, &cursor, &a))
			take(&r, &a, late);
	}
	close_gap(grant->dns);
	close_gap(grant->wins);
	return r.error;
}
