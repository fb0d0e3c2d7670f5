// SPDX-License-Identifier: Apache-2.0

#include "dataplane/stats.h"

#include "contract/version.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,                 // arrays start at multiples of this
	HUGE_PAGE = 2 * 1024 * 1024, // bytes
	HUGE_FLAGS = MFD_HUGETLB | MFD_HUGE_2MB,
	// After our own mapping nobody gets a writable one, and the size stays.
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
};

static uint64_t page_up(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static void lay_out(struct stats_header *h)
{
	uint64_t at = page_up(sizeof(*h));

	h->workers_at = (uint32_t)at;
	at += page_up(h->workers * sizeof(struct stats_worker));
	h->ports_at = (uint32_t)at;
	at += page_up(h->ports * sizeof(struct stats_port));
	h->sas_at = (uint32_t)at;
	at += page_up(h->sas * sizeof(struct stats_sa));
	h->sessions_at = (uint32_t)at;
	at += page_up(h->sessions * sizeof(struct stats_session));
	h->groups_at = (uint32_t)at;
	at += page_up((uint64_t)h->workers * h->groups * sizeof(struct stats_group));
	h->size = (uint32_t)at;
}

static int seal(int fd, void *base, size_t size)
{
	int error;

	if (fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return 0;
	error = -errno;
	munmap(base, size);
	return error;
}

static int map_fd(struct stats *s, const struct stats_header *h)
{
	char *base;
	int error;

	if (ftruncate(s->fd, (off_t)h->size) < 0)
		return -errno;
	base = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	error = seal(s->fd, base, h->size);
	if (error < 0)
		return error;
	s->size = h->size;
	s->header = (struct stats_header *)base;
	s->worker = (struct stats_worker *)(base + h->workers_at);
	s->port = (struct stats_port *)(base + h->ports_at);
	s->sa = (struct stats_sa *)(base + h->sas_at);
	s->session = (struct stats_session *)(base + h->sessions_at);
	s->group = (struct stats_group *)(base + h->groups_at);
	*s->header = *h;
	return 0;
}

static int map(struct stats *s, const struct stats_header *h, unsigned flags)
{
	int error;

	*s = (struct stats){
		.fd = memfd_create("culvert-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags)};
	if (s->fd < 0)
		return -errno;
	error = map_fd(s, h);
	if (error < 0)
		close(s->fd);
	return error;
}

// Counters of many sessions lie all over the segment: in hugepages, where DPDK has left enough of
// them, the workers find them without a walk through page tables.
static int map_best(struct stats *s, struct stats_header *h)
{
	uint32_t size = h->size;

	h->size = (uint32_t)RTE_ALIGN_CEIL((uint64_t)size, HUGE_PAGE);
	if (rte_eal_has_hugepages() && size >= HUGE_PAGE && map(s, h, HUGE_FLAGS) == 0)
		return 0;
	h->size = size;
	return map(s, h, 0);
}

int stats_create(struct stats *s, uint32_t workers, uint32_t ports, uint32_t sas, uint32_t sessions,
	uint64_t tsc_hz)
{
	struct stats_header h = {
		.version = CONTRACT_VERSION,
		.workers = workers,
		.ports = ports,
		.sas = sas,
		.sessions = sessions,
		.groups = LIMIT_GROUPS,
		.tsc_hz = tsc_hz,
	};
	struct timespec now;

	lay_out(&h);
	clock_gettime(CLOCK_REALTIME, &now);
	h.started = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (getrandom(&h.boot, sizeof(h.boot), 0) != sizeof(h.boot))
		return -errno;
	return map_best(s, &h);
}

void stats_destroy(struct stats *s)
{
	munmap(s->header, s->size);
	close(s->fd);
}
