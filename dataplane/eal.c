// SPDX-License-Identifier: Apache-2.0

#include "dataplane/eal.h"

#include "dataplane/log.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_DEFAULT = 2048, // bytes of a frame of af_packet, the kernel's header included
	FRAME_FRONT = 128,    // bytes that header and Ethernet take of it at most
	FRAME_UNIT = 1024,    // bytes: large frames are multiples of this
	FRAME_BLOCK = 4,      // of them fill whole pages
	FRAME_COUNT = 512,    // large frames of each queue
	VLAN_TAG = 4,         // bytes
	NO_CORE = 0xffff,     // clerk_core: chosen by the dataplane
};

bool eal_device_is_pci(const char *device)
{
	unsigned domain, bus, slot, function;
	int end = 0;

	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) == 4)
		return device[end] == '\0' || device[end] == ',';
	return false;
}

void eal_device_name(const struct config_port *p, char *name, unsigned size)
{
	snprintf(name, size, "%.*s", (int)strcspn(p->device, ","), p->device);
}

static bool same_device(const struct config_port *p, const struct config_port *q)
{
	char one[EAL_TEXT], other[EAL_TEXT];

	eal_device_name(p, one, sizeof(one));
	eal_device_name(q, other, sizeof(other));
	return strcmp(one, other) == 0;
}

uint16_t eal_device_first(const struct config_port *ports, uint16_t i)
{
	for (uint16_t first = 0; first < i; first++)
		if (same_device(&ports[first], &ports[i]))
			return first;
	return i;
}

uint16_t eal_device_mtu(const struct config_port *ports, uint16_t count, uint16_t i)
{
	uint16_t most = 0;

	for (uint16_t k = 0; k < count; k++) {
		uint16_t need = (uint16_t)(ports[k].mtu + ports[k].vlan_count * VLAN_TAG);

		if (need > most && same_device(&ports[i], &ports[k]))
			most = need;
	}
	return most;
}

static bool is_af_packet(const struct config_port *p)
{
	return strncmp(p->device, "net_af_packet", 13) == 0;
}

uint32_t eal_frame_size(const struct config_port *ports, uint16_t count, uint16_t i)
{
	const char *said = strstr(ports[i].device, "framesz=");
	uint32_t need = eal_device_mtu(ports, count, i) + FRAME_FRONT;

	if (!is_af_packet(&ports[i]))
		return 0;
	if (said)
		return (uint32_t)strtoul(said + strlen("framesz="), NULL, 10);
	return need <= FRAME_DEFAULT ? FRAME_DEFAULT : RTE_ALIGN_CEIL(need, FRAME_UNIT);
}

void eal_device_interface(const struct config_port *p, char *name, unsigned size)
{
	const char *at = strncmp(p->device, "net_af_", 7) == 0 ? strstr(p->device, "iface=") : NULL;

	*name = '\0';
	if (at)
		snprintf(name, size, "%.*s", (int)strcspn(at + 6, ","), at + 6);
}

__attribute__((format(printf, 2, 3))) static int add(
	struct eal_arguments *a, const char *format, ...)
{
	va_list arguments;
	int n;

	if (a->count == EAL_ARGUMENTS)
		return -E2BIG;
	va_start(arguments, format);
	n = vsnprintf(a->text[a->count], EAL_TEXT, format, arguments);
	va_end(arguments);
	if (n < 0 || n >= EAL_TEXT)
		return -E2BIG;
	a->argv[a->count] = a->text[a->count];
	a->count++;
	return 0;
}

// The CPUs that this process may use, in order; returns how many.
static int usable_cpus(uint16_t *cpus, int room)
{
	cpu_set_t set;
	int count = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int i = 0; i < CPU_SETSIZE && count < room; i++)
		if (CPU_ISSET(i, &set))
			cpus[count++] = (uint16_t)i;
	return count;
}

// Workers that have no core in the config get the last ones: the first is where the system's
// interrupts and other programs tend to be. The clerk sleeps nearly always and may run anywhere.
static int add_lcores(struct eal_arguments *a, const struct config_dataplane *c)
{
	uint16_t cpus[CPU_SETSIZE];
	int count = usable_cpus(cpus, CPU_SETSIZE);
	char text[EAL_TEXT] = "0@";
	size_t at = strlen(text);

	if (count == 0)
		return -EINVAL;
	if (c->clerk_core != NO_CORE)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%u", c->clerk_core);
	else
		at += (size_t)snprintf(text + at, sizeof(text) - at, "(%u", cpus[0]);
	for (int i = 1; c->clerk_core == NO_CORE && i < count && i < 64; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",%u", cpus[i]);
	if (c->clerk_core == NO_CORE)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ")");
	for (int i = 0; i < c->workers && at < sizeof(text); i++) {
		int chosen = (count - 1 - i % count + count) % count;
		unsigned cpu = i < c->cores_count ? c->cores[i] : cpus[chosen];

		at += (size_t)snprintf(text + at, sizeof(text) - at, ",%d@%u", i + 1, cpu);
	}
	return at < sizeof(text) ? add(a, "--lcores=%s", text) : -E2BIG;
}

static int add_port(struct eal_arguments *a, const struct config *c, uint16_t index)
{
	const struct config_port *p = &c->ports[index];
	char qpairs[32] = "", frames[64] = "";
	uint32_t frame = eal_frame_size(c->ports, c->port_count, index);

	if (eal_device_is_pci(p->device))
		return add(a, "--allow=%s", p->device);
	if (is_af_packet(p) && c->dataplane.workers > 1 && !strstr(p->device, "qpairs="))
		snprintf(qpairs, sizeof(qpairs), ",qpairs=%u", c->dataplane.workers);
	// The driver takes frames to lie behind each other, so they must fill their blocks.
	if (frame > FRAME_DEFAULT && !strstr(p->device, "framesz="))
		snprintf(frames, sizeof(frames), ",blocksz=%u,framesz=%u,framecnt=%d",
			frame * FRAME_BLOCK, frame, FRAME_COUNT);
	return add(a, "--vdev=%s%s%s", p->device, qpairs, frames);
}

static bool any_pci(const struct config *c)
{
	for (uint16_t i = 0; i < c->port_count; i++)
		if (eal_device_is_pci(c->ports[i].device))
			return true;
	return false;
}

int eal_arguments(struct eal_arguments *a, const struct config *c)
{
	const struct config_dataplane *d = &c->dataplane;
	int error;

	a->count = 0;
	error = add(a, "culvert-dataplane");
	// No files that outlive the process or that a second one could meet. In ordinary memory
	// DPDK does not take --in-memory.
	error = error ? error : add(a, d->hugepages ? "--in-memory" : "--no-shconf");
	error = error ? error : add(a, "--file-prefix=culvert");
	error = error ? error : add(a, "--no-telemetry");
	error = error ? error : add(a, "--log-level=warning");
	error = error ? error : add(a, "-m%u", d->memory_mib);
	error = error ? error : add_lcores(a, d);
	error = error ? error : add(a, "--main-lcore=0");
	if (!error && !d->hugepages)
		error = add(a, "--no-huge");
	if (!error && !any_pci(c))
		error = add(a, "--no-pci");
	for (uint16_t i = 0; !error && i < c->port_count; i++)
		if (eal_device_first(c->ports, i) == i)
			error = add_port(a, c, i);
	for (uint16_t i = 0; !error && i < d->eal_count; i++)
		error = add(a, "%s", d->eal[i]);
	a->argv[a->count] = NULL;
	return error;
}

// MiB of free pages of one size, by its folder "hugepages-2048kB".
static uint64_t free_mib(const char *folder)
{
	char path[128];
	unsigned long kib, pages = 0;
	FILE *f;

	if (sscanf(folder, "hugepages-%lukB", &kib) != 1)
		return 0;
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%.32s/free_hugepages", folder);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * kib / 1024;
}

static uint64_t free_hugepages_mib(void)
{
	DIR *d = opendir("/sys/kernel/mm/hugepages");
	const struct dirent *entry;
	uint64_t sum = 0;

	if (!d)
		return 0;
	while ((entry = readdir(d)))
		sum += free_mib(entry->d_name);
	closedir(d);
	return sum;
}

static int check_hugepages(const struct config_dataplane *d)
{
	uint64_t there = free_hugepages_mib();
	char fix[256];

	if (!d->hugepages || there >= d->memory_mib)
		return 0;
	snprintf(fix, sizeof(fix),
		"echo %u > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, lower "
		"dataplane.memory, or set dataplane.hugepages: false (slower)",
		d->memory_mib / 2);
	log_event(LOG_FAILED, "s:s, s:I, s:I, s:s", "what", "not enough free hugepages", "need_mib",
		(long long)d->memory_mib, "free_mib", (long long)there, "fix", fix);
	return -ENOMEM;
}

// af_packet and af_xdp sit on an interface that must be there.
static int check_interface(const struct config_port *p)
{
	char name[IF_NAMESIZE];

	if (strncmp(p->device, "net_af_", 7) != 0)
		return 0;
	eal_device_interface(p, name, sizeof(name));
	if (*name && if_nametoindex(name) != 0)
		return 0;
	log_event(LOG_FAILED, "s:s, s:s, s:s, s:s, s:s", "what", "no such interface", "port",
		p->name, "device", p->device, "interface", name, "fix",
		"create it, or correct iface= in the port's device (ip -br link shows what there "
		"is in this network namespace)");
	return -ENODEV;
}

// A device whose text asks for smaller frames than its ports need.
static int check_frames(const struct config *c, uint16_t i)
{
	uint32_t frame = eal_frame_size(c->ports, c->port_count, i);
	uint32_t need = eal_device_mtu(c->ports, c->port_count, i) + FRAME_FRONT;
	char fix[128];

	if (frame == 0 || frame >= need)
		return 0;
	snprintf(fix, sizeof(fix),
		"take framesz= out of the device, raise it to %u, or lower ports.mtu",
		(unsigned)RTE_ALIGN_CEIL(need, FRAME_UNIT));
	log_event(LOG_FAILED, "s:s, s:s, s:s, s:I, s:I, s:s", "what",
		"frames too small for the MTU", "port", c->ports[i].name, "device",
		c->ports[i].device, "framesz", (long long)frame, "need", (long long)need, "fix",
		fix);
	return -EINVAL;
}

int eal_start(const struct config *c)
{
	struct eal_arguments *a = malloc(sizeof(*a));
	int error = a ? eal_arguments(a, c) : -ENOMEM;

	if (error < 0) {
		log_event(LOG_FAILED, "s:s, s:s", "what", "cannot make DPDK's arguments", "reason",
			strerror(-error));
		goto out;
	}
	error = check_hugepages(&c->dataplane);
	for (uint16_t i = 0; error == 0 && i < c->port_count; i++)
		error = check_interface(&c->ports[i]);
	for (uint16_t i = 0; error == 0 && i < c->port_count; i++)
		error = check_frames(c, i);
	if (error < 0)
		goto out;
	rte_openlog_stream(stderr);
	if (rte_eal_init(a->count, a->argv) < 0) {
		error = rte_errno ? -rte_errno : -EIO;
		log_event(LOG_FAILED, "s:s, s:s, s:s", "what", "DPDK does not start", "reason",
			strerror(-error), "fix",
			error == -EACCES || error == -EPERM ? "start it as root"
							    : "see DPDK's message above");
	}
out:
	free(a);
	return error;
}
