// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whom we believe over TLS, and what we show: the files of a server's config.

#include "contract/config.h"

#include <openssl/ssl.h>

// Reads authorities, certificate and key. NULL after writing to why, in words, which file is wrong.
SSL_CTX *tls_context_create(const struct config_radius_server *server, char *why, size_t size);
// A session for that server alone: its certificate must have tls_name, or its address when there is
// none, and come from one of the authorities. NULL without memory.
SSL *tls_context_session(SSL_CTX *context, const struct config_radius_server *server);
