// SPDX-License-Identifier: Apache-2.0

#include "request.h"
#include "types.h"

#include "contract/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CHAP_RESPONSE = 16,
	MSCHAP_CHALLENGE = 16,
	MSCHAP_RESPONSE = 49, // peer challenge, reserved, response, flags (RFC 2759 section 4)
	MSCHAP_FLAGS_AT = 48,
	// Bytes of the largest EAP packet that we ask for: it fits each PPP link and, with what is
	// around it, an IKE message that no router cuts.
	FRAMED_MTU = 1024,
	TEXT = 128,
};

static void put_station(struct radius_build *b, uint8_t type, const char *number,
	const struct ip_address *otherwise)
{
	char text[ADDRESS_TEXT];

	if (number && *number)
		radius_put_text(b, type, number);
	else if (otherwise->version != IP_NONE)
		radius_put_text(b, type, address_format(otherwise, text));
}

static void put_connect_info(struct radius_build *b, const struct aaa_subject *s)
{
	char text[TEXT], speed[TEXT / 2] = "";

	// RFC 2869 section 5.11: transmit speed first, and the other one when it differs.
	if (s->tx_speed && s->rx_speed && s->rx_speed != s->tx_speed)
		snprintf(speed, sizeof(speed), "%u/%u ", s->tx_speed, s->rx_speed);
	else if (s->tx_speed)
		snprintf(speed, sizeof(speed), "%u ", s->tx_speed);
	snprintf(text, sizeof(text), "%s%s%s", speed, s->access,
		s->ipsec && strcmp(s->access, "l2tp") == 0 ? "/ipsec" : "");
	radius_put_text(b, RADIUS_CONNECT_INFO, text);
}

static void put_tunnel(struct radius_build *b, const struct aaa_subject *s)
{
	char text[ADDRESS_TEXT];

	radius_put_u32(b, RADIUS_TUNNEL_TYPE, TUNNEL_TYPE_L2TP);
	radius_put_u32(b, RADIUS_TUNNEL_MEDIUM_TYPE,
		s->flow.remote.version == IP_V6 ? MEDIUM_IPV6 : MEDIUM_IPV4);
	radius_put_text(b, RADIUS_TUNNEL_CLIENT_ENDPOINT, address_format(&s->flow.remote, text));
	radius_put_text(b, RADIUS_TUNNEL_SERVER_ENDPOINT, address_format(&s->flow.local, text));
	if (s->lac)
		radius_put_text(b, RADIUS_TUNNEL_CLIENT_AUTH_ID, s->lac);
}

void request_put_subject(
	struct radius_build *b, const struct config *config, const struct aaa_subject *s)
{
	bool l2tp = strcmp(s->access, "l2tp") == 0;
	char text[TEXT];

	radius_put_u32(b, RADIUS_NAS_PORT, s->session);
	radius_put_u32(b, RADIUS_NAS_PORT_TYPE, PORT_VIRTUAL);
	snprintf(text, sizeof(text), "%s-%u", s->access, s->session);
	radius_put_text(b, RADIUS_NAS_PORT_ID, text);
	radius_put_u32(b, RADIUS_SERVICE_TYPE, SERVICE_FRAMED);
	if (l2tp)
		radius_put_u32(b, RADIUS_FRAMED_PROTOCOL, PROTOCOL_PPP);
	put_station(b, RADIUS_CALLING_STATION_ID, s->calling, &s->flow.remote);
	put_station(b, RADIUS_CALLED_STATION_ID, s->called, &s->flow.local);
	put_connect_info(b, s);
	request_session_id(s->attempt, text);
	radius_put_text(b, RADIUS_ACCT_SESSION_ID, text);
	if (l2tp)
		put_tunnel(b, s);
}

static int put_chap(struct radius_build *b, const struct ppp_credentials *c)
{
	uint8_t value[1 + CHAP_RESPONSE] = {c->id};

	if (c->response_length != CHAP_RESPONSE || c->challenge_length == 0)
		return -EINVAL;
	memcpy(value + 1, c->response, CHAP_RESPONSE);
	radius_put(b, RADIUS_CHAP_PASSWORD, value, sizeof(value));
	radius_put(b, RADIUS_CHAP_CHALLENGE, c->challenge, c->challenge_length);
	return 0;
}

// RFC 2548 section 2.3.2: identifier and flags come first there.
static int put_mschap(struct radius_build *b, const struct ppp_credentials *c)
{
	uint8_t value[1 + MSCHAP_RESPONSE] = {c->id, c->response[MSCHAP_FLAGS_AT]};

	if (c->response_length != MSCHAP_RESPONSE || c->challenge_length != MSCHAP_CHALLENGE)
		return -EINVAL;
	memcpy(value + 2, c->response, MSCHAP_RESPONSE - 1);
	radius_put_vendor(
		b, VENDOR_MICROSOFT, MS_CHAP_CHALLENGE, c->challenge, c->challenge_length);
	radius_put_vendor(b, VENDOR_MICROSOFT, MS_CHAP2_RESPONSE, value, sizeof(value));
	return 0;
}

static int put_eap(struct radius_build *b, const struct ppp_credentials *c)
{
	if (!c->eap || c->eap_length == 0)
		return -EINVAL;
	radius_put_u32(b, RADIUS_FRAMED_MTU, FRAMED_MTU);
	radius_put_eap(b, c->eap, c->eap_length);
	return 0;
}

int request_put_credentials(struct radius_build *b, const struct ppp_credentials *c,
	const uint8_t *state, size_t state_length)
{
	// Cut, a name could be another one's.
	if (c->name_length > RADIUS_VALUE || state_length > RADIUS_VALUE)
		return -EINVAL;
	if (c->name_length)
		radius_put(b, RADIUS_USER_NAME, c->name, c->name_length);
	if (state_length)
		radius_put(b, RADIUS_STATE, state, state_length);
	switch (c->method) {
	case PPP_AUTH_PAP:
		radius_put_password(b, c->password, c->password_length);
		return 0;
	case PPP_AUTH_CHAP_MD5:
		return put_chap(b, c);
	case PPP_AUTH_MSCHAPV2:
		return put_mschap(b, c);
	case PPP_AUTH_EAP:
		return put_eap(b, c);
	default:
		return -EINVAL;
	}
}

// One control plane has one thread, and its start is the second in which the first session is.
void request_session_id(uint64_t attempt, char text[ACCT_SESSION_ID])
{
	static uint32_t start;

	if (!start)
		start = (uint32_t)time(NULL);
	snprintf(text, ACCT_SESSION_ID, "%08x-%08llx", start, (unsigned long long)attempt);
}

uint64_t request_session_attempt(const char *text)
{
	const char *dash = strchr(text, '-');

	return dash ? strtoull(dash + 1, NULL, 16) : 0;
}
