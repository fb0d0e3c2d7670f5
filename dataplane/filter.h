// SPDX-License-Identifier: Apache-2.0
#pragma once

// A compiled filter: the rules of contract/messages.h as two tries of librte_acl, one for IPv4 and
// one for IPv6. A packet costs a walk along its addresses, protocol and ports, whatever the number
// of rules. A filter never changes; another one takes its place.

#include "contract/messages.h"

#include "dataplane/flow.h"

#include <stdint.h>

struct filter;

enum { FILTER_BATCH = 32 }; // flows that filter_denied looks at, at most

// Is it a rule as messages.h describes it: versions that agree, prefixes without host bits, ports
// in order, protocol and action that exist?
bool filter_rule_valid(const struct filter_rule *rule);

// Clerk: compiles count valid rules, in their order, and what holds for the rest. Returns 0, or
// -ENOMEM: the tries would be too large, or the memory is used up.
int filter_compile(const struct filter_rule *rules, uint16_t count, enum filter_action otherwise,
	struct filter **out);
void filter_free(void *filter);

// Bit i: flow i is denied. Flows of either version (flow_read), count at most FILTER_BATCH.
uint32_t filter_denied(const struct filter *f, const struct flow *const *flows, uint16_t count);
