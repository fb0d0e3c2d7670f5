// SPDX-License-Identifier: Apache-2.0

#include "objects_dataplane.h"

#include "value.h"

#include "contract/drop.h"
#include "contract/stats.h"
#include "controlplane/dataplane.h"

#include <stdio.h>
#include <time.h>

static json_t *worker_object(uint32_t worker, const struct stats_worker *w)
{
	json_int_t total = VALUE_COUNTER(w->cycles_total), dropped = 0;
	json_t *object = json_object();

	for (unsigned i = 0; i < DROP_COUNT; i++)
		dropped += VALUE_COUNTER(w->drops[i]);
	json_object_set_new(object, "worker", value_number(worker));
	json_object_set_new(object, "lcore", json_integer(VALUE_COUNTER(w->lcore)));
	json_object_set_new(object, "busy",
		json_real(total ? (double)VALUE_COUNTER(w->cycles_busy) / (double)total : 0));
	json_object_set_new(object, "received", json_integer(VALUE_COUNTER(w->received)));
	json_object_set_new(object, "transmitted", json_integer(VALUE_COUNTER(w->transmitted)));
	json_object_set_new(object, "punted", json_integer(VALUE_COUNTER(w->punted)));
	json_object_set_new(object, "injected", json_integer(VALUE_COUNTER(w->injected)));
	json_object_set_new(object, "created", json_integer(VALUE_COUNTER(w->created)));
	json_object_set_new(object, "taken", json_integer(VALUE_COUNTER(w->taken)));
	json_object_set_new(object, "given", json_integer(VALUE_COUNTER(w->given)));
	json_object_set_new(object, "held", json_integer(VALUE_COUNTER(w->held)));
	json_object_set_new(object, "marked", json_integer(VALUE_COUNTER(w->marked)));
	json_object_set_new(object, "dropped", json_integer(dropped));
	json_object_set_new(object, "loops", json_integer(VALUE_COUNTER(w->loops)));
	return object;
}

json_t *objects_dataplane_workers(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_worker *workers = dataplane_stats_workers(&count);
	json_t *list = json_array();

	for (uint32_t i = 0; workers && i < count; i++)
		json_array_append_new(list, worker_object(i, &workers[i]));
	return json_pack("{s:o, s:n}", "workers", list, "next");
}

static const char *side_word(unsigned side)
{
	return side == SIDE_SUBSCRIBER ? "subscriber" : side == SIDE_NETWORK ? "network" : "?";
}

static json_t *port_object(const struct stats_port *p)
{
	json_t *object = json_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1], p->mac[2],
		p->mac[3], p->mac[4], p->mac[5]);
	json_object_set_new(object, "name", value_wire(p->name, LIMIT_NAME));
	json_object_set_new(object, "side", json_string(side_word(p->side)));
	json_object_set_new(object, "link", json_boolean(p->link));
	json_object_set_new(object, "mac", json_string(mac));
	json_object_set_new(object, "mtu", value_number(p->mtu));
	json_object_set_new(object, "speed_mbit", json_integer(VALUE_COUNTER(p->speed)));
	json_object_set_new(object, "rx_packets", json_integer(VALUE_COUNTER(p->rx_packets)));
	json_object_set_new(object, "rx_bytes", json_integer(VALUE_COUNTER(p->rx_bytes)));
	json_object_set_new(object, "rx_missed", json_integer(VALUE_COUNTER(p->rx_missed)));
	json_object_set_new(object, "rx_errors", json_integer(VALUE_COUNTER(p->rx_errors)));
	json_object_set_new(object, "rx_no_memory", json_integer(VALUE_COUNTER(p->rx_no_memory)));
	json_object_set_new(object, "rx_lost",
		json_integer(VALUE_COUNTER(p->rx_missed) + VALUE_COUNTER(p->rx_errors) +
			     VALUE_COUNTER(p->rx_no_memory)));
	json_object_set_new(object, "tx_packets", json_integer(VALUE_COUNTER(p->tx_packets)));
	json_object_set_new(object, "tx_bytes", json_integer(VALUE_COUNTER(p->tx_bytes)));
	json_object_set_new(object, "tx_errors", json_integer(VALUE_COUNTER(p->tx_errors)));
	json_object_set_new(object, "neighbours", json_integer(VALUE_COUNTER(p->neighbours)));
	json_object_set_new(object, "clerk_lost", json_integer(VALUE_COUNTER(p->clerk_lost)));
	return object;
}

json_t *objects_dataplane_ports(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_port *ports = dataplane_stats_ports(&count);
	json_t *list = json_array();

	for (uint32_t i = 0; ports && i < count; i++)
		json_array_append_new(list, port_object(&ports[i]));
	return json_pack("{s:o, s:n}", "ports", list, "next");
}

// All reasons, in the order of contract/drop.h, with what each worker counted.
json_t *objects_dataplane_drops(void *context, const struct api_query *query)
{
	uint32_t count;
	const struct stats_worker *workers = dataplane_stats_workers(&count);
	json_t *list = json_array();

	for (unsigned reason = 0; workers && reason < DROP_COUNT; reason++) {
		json_t *each = json_array();
		json_int_t packets = 0;

		for (uint32_t i = 0; i < count; i++) {
			json_int_t n = VALUE_COUNTER(workers[i].drops[reason]);

			packets += n;
			json_array_append_new(each, json_integer(n));
		}
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:s, s:o}", "reason", drop_word(reason), "packets",
				packets, "meaning", drop_meaning(reason), "workers", each));
	}
	return json_pack("{s:o, s:n}", "drops", list, "next");
}

json_t *objects_dataplane_status(void)
{
	const struct stats_header *h = dataplane_stats();
	struct tm tm;
	char started[32];
	time_t t;

	if (!h)
		return json_pack("{s:b}", "connected", 0);
	t = (time_t)(h->started / 1000000000);
	gmtime_r(&t, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:s}", "connected", 1, "workers",
		(json_int_t)h->workers, "ports", (json_int_t)h->ports, "sas", (json_int_t)h->sas,
		"sessions", (json_int_t)h->sessions, "started", started);
}
