// SPDX-License-Identifier: Apache-2.0
#pragma once

// INFORMATIONAL exchanges (RFC 7296 section 1.4): signs of life, Deletes, errors, MOBIKE.

#include "v2.h"

void v2_informational_input(struct v2_request *r);
// As struct ike_version says.
void v2_informational_ask(struct ike_peer *peer);
void v2_informational_delete_sa(struct ike_sa *sa);
void v2_informational_delete_spi(struct ike_sa *sa, uint32_t spi_in);
