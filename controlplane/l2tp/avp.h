// SPDX-License-Identifier: Apache-2.0
#pragma once

// The table of AVPs: number, name, size and the messages that it may stand in (RFC 2661 section
// 4.4, RFC 3145, RFC 5515 and the other extensions that an LNS meets). An AVP that is in the table
// is known, so its mandatory bit cannot end anything; what has no field in struct control_message
// is known and ignored.

#include <stdint.h>

enum message_type {
	MESSAGE_SCCRQ = 1, // Start-Control-Connection-Request
	MESSAGE_SCCRP = 2,
	MESSAGE_SCCCN = 3,
	MESSAGE_STOPCCN = 4,
	MESSAGE_HELLO = 6,
	MESSAGE_OCRQ = 7, // Outgoing-Call-Request
	MESSAGE_OCRP = 8,
	MESSAGE_OCCN = 9,
	MESSAGE_ICRQ = 10, // Incoming-Call-Request
	MESSAGE_ICRP = 11,
	MESSAGE_ICCN = 12,
	MESSAGE_CDN = 14,   // Call-Disconnect-Notify
	MESSAGE_WEN = 15,   // WAN-Error-Notify
	MESSAGE_SLI = 16,   // Set-Link-Info
	MESSAGE_CSUN = 28,  // Connect-Speed-Update-Notification (RFC 5515)
	MESSAGE_CSURQ = 29, // Connect-Speed-Update-Request
};

enum avp_kind {
	AVP_U16,
	AVP_U32,
	AVP_BYTES,
	AVP_EMPTY,   // being there is what it says
	AVP_IGNORED, // no field in struct control_message
};

#define AVP_IN(type) (1u << MESSAGE_##type)
#define AVP_ANY      0xffffffffu
#define AVP_START    (AVP_IN(SCCRQ) | AVP_IN(SCCRP))
#define AVP_CALLS    (AVP_IN(ICRQ) | AVP_IN(OCRQ))
#define AVP_UP       (AVP_IN(ICCN) | AVP_IN(OCCN))
#define AVP_ASSIGNS  (AVP_IN(ICRQ) | AVP_IN(ICRP) | AVP_IN(OCRQ) | AVP_IN(OCRP) | AVP_IN(CDN))
#define AVP_ENDS     (AVP_IN(STOPCCN) | AVP_IN(CDN))

//      number, name, text, least and most bytes of the value, kind, field of struct
//      control_message, messages
#define AVP_LIST(X) \
	X(0, MESSAGE_TYPE, "Message Type", 2, 2, AVP_U16, type, AVP_ANY) \
	X(1, RESULT_CODE, "Result Code", 2, 1017, AVP_BYTES, result, AVP_ENDS) \
	X(2, PROTOCOL_VERSION, "Protocol Version", 2, 2, AVP_U16, version, AVP_START) \
	X(3, FRAMING_CAPABILITIES, "Framing Capabilities", 4, 4, AVP_U32, framing_capabilities, \
		AVP_START) \
	X(4, BEARER_CAPABILITIES, "Bearer Capabilities", 4, 4, AVP_U32, bearer_capabilities, \
		AVP_START) \
	X(5, TIE_BREAKER, "Tie Breaker", 8, 8, AVP_BYTES, tie_breaker, AVP_IN(SCCRQ)) \
	X(6, FIRMWARE_REVISION, "Firmware Revision", 2, 2, AVP_U16, firmware, AVP_START) \
	X(7, HOST_NAME, "Host Name", 1, 1017, AVP_BYTES, host_name, AVP_START) \
	X(8, VENDOR_NAME, "Vendor Name", 0, 1017, AVP_BYTES, vendor_name, AVP_START) \
	X(9, ASSIGNED_TUNNEL, "Assigned Tunnel ID", 2, 2, AVP_U16, assigned_tunnel, \
		AVP_START | AVP_IN(STOPCCN)) \
	X(10, RECEIVE_WINDOW, "Receive Window Size", 2, 2, AVP_U16, receive_window, AVP_START) \
	X(11, CHALLENGE, "Challenge", 1, 1017, AVP_BYTES, challenge, AVP_START) \
	X(12, CAUSE_CODE, "Q.931 Cause Code", 3, 1017, AVP_BYTES, cause, AVP_IN(CDN)) \
	X(13, CHALLENGE_RESPONSE, "Challenge Response", 16, 16, AVP_BYTES, challenge_response, \
		AVP_IN(SCCRP) | AVP_IN(SCCCN)) \
	X(14, ASSIGNED_SESSION, "Assigned Session ID", 2, 2, AVP_U16, assigned_session, \
		AVP_ASSIGNS) \
	X(15, CALL_SERIAL, "Call Serial Number", 4, 4, AVP_U32, serial, AVP_CALLS) \
	X(16, MINIMUM_BPS, "Minimum BPS", 4, 4, AVP_U32, minimum_bps, AVP_IN(OCRQ)) \
	X(17, MAXIMUM_BPS, "Maximum BPS", 4, 4, AVP_U32, maximum_bps, AVP_IN(OCRQ)) \
	X(18, BEARER_TYPE, "Bearer Type", 4, 4, AVP_U32, bearer_type, AVP_CALLS) \
	X(19, FRAMING_TYPE, "Framing Type", 4, 4, AVP_U32, framing_type, AVP_UP | AVP_IN(OCRQ)) \
	X(21, CALLED_NUMBER, "Called Number", 0, 1017, AVP_BYTES, called, AVP_CALLS) \
	X(22, CALLING_NUMBER, "Calling Number", 0, 1017, AVP_BYTES, calling, AVP_IN(ICRQ)) \
	X(23, SUB_ADDRESS, "Sub-Address", 0, 1017, AVP_BYTES, sub_address, AVP_CALLS) \
	X(24, TX_SPEED, "(Tx) Connect Speed BPS", 4, 4, AVP_U32, tx_speed, AVP_UP) \
	X(25, PHYSICAL_CHANNEL, "Physical Channel ID", 4, 4, AVP_U32, physical_channel, \
		AVP_IN(ICRQ) | AVP_IN(OCRP)) \
	X(26, LCP_FIRST_RECEIVED, "Initial Received LCP CONFREQ", 0, 1017, AVP_BYTES, \
		lcp_first_received, AVP_IN(ICCN)) \
	X(27, LCP_LAST_SENT, "Last Sent LCP CONFREQ", 0, 1017, AVP_BYTES, lcp_last_sent, \
		AVP_IN(ICCN)) \
	X(28, LCP_LAST_RECEIVED, "Last Received LCP CONFREQ", 0, 1017, AVP_BYTES, \
		lcp_last_received, AVP_IN(ICCN)) \
	X(29, PROXY_AUTH_TYPE, "Proxy Authen Type", 2, 2, AVP_U16, proxy_auth_type, AVP_IN(ICCN)) \
	X(30, PROXY_AUTH_NAME, "Proxy Authen Name", 0, 1017, AVP_BYTES, proxy_name, AVP_IN(ICCN)) \
	X(31, PROXY_AUTH_CHALLENGE, "Proxy Authen Challenge", 0, 1017, AVP_BYTES, proxy_challenge, \
		AVP_IN(ICCN)) \
	X(32, PROXY_AUTH_ID, "Proxy Authen ID", 2, 2, AVP_U16, proxy_auth_id, AVP_IN(ICCN)) \
	X(33, PROXY_AUTH_RESPONSE, "Proxy Authen Response", 0, 1017, AVP_BYTES, proxy_response, \
		AVP_IN(ICCN)) \
	X(34, CALL_ERRORS, "Call Errors", 26, 26, AVP_BYTES, call_errors, AVP_IN(WEN)) \
	X(35, ACCM, "ACCM", 10, 10, AVP_BYTES, accm, AVP_IN(SLI)) \
	X(36, RANDOM_VECTOR, "Random Vector", 1, 1017, AVP_BYTES, random_vector, AVP_ANY) \
	X(37, PRIVATE_GROUP, "Private Group ID", 0, 1017, AVP_BYTES, private_group, AVP_IN(ICCN)) \
	X(38, RX_SPEED, "Rx Connect Speed", 4, 4, AVP_U32, rx_speed, AVP_UP) \
	X(39, SEQUENCING_REQUIRED, "Sequencing Required", 0, 0, AVP_EMPTY, type, AVP_UP) \
	X(40, RX_MINIMUM_BPS, "Rx Minimum BPS", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(41, RX_MAXIMUM_BPS, "Rx Maximum BPS", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(42, SERVICE_CATEGORY, "Service Category", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(43, SERVICE_NAME, "Service Name", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(44, CALLING_SUB_ADDRESS, "Calling Sub-Address", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(45, VPI_VCI, "VPI/VCI Identifier", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(46, DISCONNECT_CAUSE, "PPP Disconnect Cause Code", 5, 1017, AVP_BYTES, disconnect, \
		AVP_IN(CDN)) \
	X(47, CCDS, "Control Connection DS", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(48, SDS, "Session DS", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(49, LCP_WANT_OPTIONS, "LCP Want Options", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(50, LCP_ALLOW_OPTIONS, "LCP Allow Options", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(51, LNS_LAST_SENT_LCP, "LNS Last Sent LCP Confreq", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(52, LNS_LAST_RECEIVED_LCP, "LNS Last Received LCP Confreq", 0, 1017, AVP_IGNORED, type, \
		AVP_ANY) \
	X(53, MODEM_ON_HOLD, "Modem On-Hold Capable", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(54, MODEM_ON_HOLD_STATUS, "Modem On-Hold Status", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(55, PPPOE_RELAY, "PPPoE Relay", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(56, PPPOE_RELAY_RESPONSE, "PPPoE Relay Response Capability", 0, 1017, AVP_IGNORED, type, \
		AVP_ANY) \
	X(57, PPPOE_RELAY_FORWARD, "PPPoE Relay Forward Capability", 0, 1017, AVP_IGNORED, type, \
		AVP_ANY) \
	X(76, FAILOVER_CAPABILITY, "Failover Capability", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(97, SPEED_UPDATE, "Connect Speed Update", 0, 1017, AVP_IGNORED, type, AVP_ANY) \
	X(98, SPEED_UPDATE_ENABLE, "Connect Speed Update Enable", 0, 1017, AVP_IGNORED, type, \
		AVP_ANY)

#define AVP_ENUM(number, name, text, least, most, kind, field, messages) AVP_##name = number,
enum avp { AVP_LIST(AVP_ENUM) AVP_NUMBERS = 99 };
#undef AVP_ENUM

enum {
	AVP_VENDOR_IETF = 0,
	AVP_VENDOR_DSL = 3561, // ADSL Forum: access line information (RFC 5515 section 7)
};

struct avp_spec {
	const char *name;
	uint16_t least, most; // bytes of the value
	uint8_t kind;         // enum avp_kind
	uint16_t offset;      // in struct control_message
	uint32_t messages;    // bit n: may stand in message type n
};

// What is known of an AVP, or NULL: then its mandatory bit counts.
const struct avp_spec *avp_find(uint16_t vendor, uint16_t type);

// "SCCRQ"; "unknown" for a number that is none.
const char *avp_message_name(uint16_t type);
