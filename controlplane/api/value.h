// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small JSON values that the objects of the API are made of.

#include "contract/address.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_TEXT = 1024 }; // bytes of a text after escaping

// A counter of the stats segment, whole, while its owner goes on writing.
#define VALUE_COUNTER(counter) ((json_int_t)__atomic_load_n(&(counter), __ATOMIC_RELAXED))

json_t *value_number(uint64_t value);
// null for an empty text, and for no address.
json_t *value_text(const char *text);
json_t *value_address(const struct ip_address *a);
json_t *value_prefix(const struct ip_prefix *p);
// Text from the wire of most bytes, or up to a NUL, escaped as log_text does it; null when empty.
json_t *value_wire(const char *bytes, size_t most);
