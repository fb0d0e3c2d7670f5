// SPDX-License-Identifier: Apache-2.0

// What accounting is told of a subscriber.

#include "subscriber_record.h"

#include "radius/accounting.h"

#include "contract/stats.h"

#include <stdio.h>

static bool counted(void *context, struct accounting_count *out)
{
	const struct subscriber *s = context;
	uint32_t count;
	const struct stats_session *all = dataplane_stats_sessions(&count);

	if (!all || s->session >= count)
		return false;
	*out = (struct accounting_count){
		.in_bytes = all[s->session].uplink.bytes,
		.in_packets = all[s->session].uplink.packets,
		.out_bytes = all[s->session].downlink.bytes,
		.out_packets = all[s->session].downlink.packets,
	};
	return true;
}

void subscribers_set_accounting(struct subscribers *all, struct accounting *accounting)
{
	all->accounting = accounting;
}

void subscriber_account(struct subscriber *s)
{
	static const struct ip_prefix none;
	struct ip_address leased; // one of its prefix, or its route
	const struct ip_prefix *v4 = s->family[V4].opened ? &s->family[V4].route : &none;
	const struct ip_prefix *v6 = s->family[V6].opened ? &s->family[V6].route : &none;
	struct accounting_facts facts = {
		.who = &s->who,
		.user = s->user,
		.grant = &s->grant,
		.auth = s->judge ? s->judge : "none",
		.address = v4->address,
		.prefix6 = *v6,
	};

	if (!s->all->accounting)
		return;
	subscriber_lease_info(s, &leased, &facts.delegated);
	subscriber_who(s);
	if (s->accounting)
		accounting_change(s->accounting, &facts);
	else
		s->accounting = accounting_start(s->all->accounting, &facts, counted, s);
}

void subscriber_account_end(struct subscriber *s)
{
	accounting_stop(s->accounting, acct_cause_of(s->cause));
	s->accounting = NULL;
}

void subscribers_account_end(struct subscribers *all)
{
	for (struct subscriber *s = all->first; s; s = s->next) {
		if (!s->cause[0])
			snprintf(s->cause, sizeof(s->cause), "stop");
		subscriber_account_end(s);
	}
}
