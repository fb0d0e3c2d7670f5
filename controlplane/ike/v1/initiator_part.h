// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the files of initiator.h share with each other.

#include "initiator.h"

size_t initiator_hash_size(const struct initiator *i);
// The body of an ID payload for an address; returns its length.
size_t initiator_id_write(const struct ip_address *address, uint32_t protocol_port, uint8_t *out);
struct isakmp_header initiator_header(
	struct initiator *i, uint8_t exchange, uint8_t flags, uint32_t id);
void initiator_attribute(struct build *b, uint16_t type, uint16_t value);
void initiator_lifetime(struct build *b, uint16_t type_attribute, uint16_t unit, uint32_t duration);
// DOI, situation, and one proposal around a transform.
void initiator_sa(struct build *b, uint8_t protocol, const void *spi, uint8_t spi_size,
	const uint8_t *transform, size_t length);
// Pads, encrypts and sends what is in last; opens the newest answer into chain.
void initiator_seal(struct initiator *i, struct isakmp_out *out, uint8_t *iv);
bool initiator_unseal(struct initiator *i, uint8_t *iv, struct isakmp_header *h);
// Of the first message of an exchange of the second phase.
void initiator_exchange_iv(struct initiator *i, uint32_t id, uint8_t *iv);
// Opens an informational message, which must be authentic.
void initiator_informational_read(struct initiator *i, const struct isakmp_header *header);
