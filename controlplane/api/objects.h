// SPDX-License-Identifier: Apache-2.0
#pragma once

// The API's source in the control plane: the JSON of each object, made from the modules when it is
// asked for. Counters of packets come from the stats segment and cost the workers nothing.
//
// Keys are the words of the log. Times end in _ms. uplink is what came from the subscriber. Texts
// from the wire are escaped as log_text does it.

#include "api.h"

#include "controlplane/ike/ike.h"
#include "controlplane/l2tp/l2tp.h"
#include "controlplane/pool.h"
#include "controlplane/subscriber.h"

struct certificates;
struct accounting;
struct coa;
struct radius;

struct objects {
	const struct config *config;
	const struct ike *ike;
	const struct certificates *certificates; // NULL: none
	const struct l2tp *l2tp;
	const struct pools *pools;
	const struct pools6 *pools6;
	const struct accounting *accounting; // NULL: none
	const struct coa *coa;               // NULL: none
	struct subscribers *subscribers;
	const struct radius *radius; // NULL: none
	uint64_t started_ms;         // set by objects_source
};

// Fills *out; its context is o, which must outlive the api, as all that o names must.
void objects_source(struct objects *o, struct api_source *out);
