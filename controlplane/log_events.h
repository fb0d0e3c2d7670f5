// SPDX-License-Identifier: Apache-2.0
#pragma once

// The registry of all log events. The words are stable: people build alerts on them.

//      name, word, level, meaning
#define LOG_EVENT_LIST(X)                                                                          \
	X(CONTROLPLANE_READY, "controlplane-ready", LOG_INFO, "serves subscribers from now on")    \
	X(CONTROLPLANE_STOP, "controlplane-stop", LOG_INFO, "ends on request")                     \
	X(CONTROLPLANE_FAILED, "controlplane-failed", LOG_ERROR, "cannot start or go on")          \
	X(CHANNEL_UP, "channel-up", LOG_INFO, "the dataplane handed over its channel")             \
	X(CHANNEL_LOST, "channel-lost", LOG_ERROR, "the dataplane is gone or broke the contract")  \
	X(INSTALL_FAILED, "install-failed", LOG_ERROR, "the dataplane refused a command")          \
	X(PORT_LINK, "port-link", LOG_WARNING, "a port's link went up or down")                    \
	X(IKE_START, "ike-start", LOG_INFO, "a peer asks for an IKE SA")                           \
	X(IKE_REFUSED, "ike-refused", LOG_WARNING, "no IKE SA, with both sides' proposals")        \
	X(IKE_INVALID, "ike-invalid", LOG_WARNING, "an IKE message that is malformed or forged")   \
	X(IKE_UP, "ike-up", LOG_INFO, "IKE SA established")                                        \
	X(IKE_DOWN, "ike-down", LOG_INFO, "IKE SA gone, and why")                                  \
	X(IKE_RETRANSMIT, "ike-retransmit", LOG_DEBUG, "a message was sent or answered again")     \
	X(IKE_DPD, "ike-dpd", LOG_DEBUG, "a dead-peer detection exchange")                         \
	X(PEER_DEAD, "peer-dead", LOG_WARNING, "the peer does not answer any more")                \
	X(PEER_MOVED, "peer-moved", LOG_INFO, "the peer's address or port changed")                \
	X(ESP_REFUSED, "esp-refused", LOG_WARNING, "no ESP SA, with both sides' proposals")        \
	X(ESP_UP, "esp-up", LOG_INFO, "pair of ESP SAs installed")                                 \
	X(ESP_DOWN, "esp-down", LOG_INFO, "pair of ESP SAs removed, and why")                      \
	X(TUNNEL_START, "tunnel-start", LOG_INFO, "a peer asks for an L2TP tunnel")                \
	X(TUNNEL_REFUSED, "tunnel-refused", LOG_WARNING, "no L2TP tunnel, and why")                \
	X(TUNNEL_UP, "tunnel-up", LOG_INFO, "L2TP tunnel established")                             \
	X(TUNNEL_DOWN, "tunnel-down", LOG_INFO, "L2TP tunnel gone, and why")                       \
	X(L2TP_INVALID, "l2tp-invalid", LOG_WARNING, "a malformed L2TP control message")           \
	X(SESSION_START, "session-start", LOG_INFO, "a peer asks for an L2TP session")             \
	X(SESSION_REFUSED, "session-refused", LOG_WARNING, "no L2TP session, and why")             \
	X(SESSION_UP, "session-up", LOG_INFO, "L2TP session established")                          \
	X(SESSION_DOWN, "session-down", LOG_INFO, "L2TP session gone, and why")                    \
	X(LCP_UP, "lcp-up", LOG_INFO, "LCP opened")                                                \
	X(LCP_REFUSED, "lcp-refused", LOG_WARNING, "LCP could not agree, with both sides' wishes") \
	X(PPP_REJECTED, "ppp-rejected", LOG_INFO, "a protocol was rejected politely")              \
	X(AUTH_OK, "auth-ok", LOG_INFO, "the subscriber is who it says")                           \
	X(AUTH_FAILED, "auth-failed", LOG_WARNING, "authentication failed, and why")               \
	X(POOL_EMPTY, "pool-empty", LOG_WARNING, "no address is free")                             \
	X(IPCP_UP, "ipcp-up", LOG_INFO, "IPCP opened")                                             \
	X(SUBSCRIBER_UP, "subscriber-up", LOG_INFO, "the subscriber forwards from now on")         \
	X(SUBSCRIBER_DOWN, "subscriber-down", LOG_INFO, "the subscriber is gone, and why")         \
	X(API_FAILED, "api-failed", LOG_WARNING, "an API call that was refused")
