// SPDX-License-Identifier: Apache-2.0

#include "channel.h"

#include "messages.h"
#include "packet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ALIGN = 65536, // offsets of the rings in the region: a multiple of any page size
	HEAD_SIZE = ALIGN,
	MESSAGES_SIZE = LIMIT_RING_MESSAGES * LIMIT_MESSAGE,
	PACKETS_SIZE = LIMIT_RING_PACKETS * LIMIT_PACKET_SLOT,
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};
_Static_assert(sizeof(struct channel_head) <= HEAD_SIZE, "the head fits in its room");
_Static_assert(MESSAGES_SIZE % ALIGN == 0 && PACKETS_SIZE % ALIGN == 0, "rings stay aligned");

uint64_t channel_size(uint32_t workers)
{
	return HEAD_SIZE + 2 * (uint64_t)MESSAGES_SIZE + 2 * (uint64_t)workers * PACKETS_SIZE;
}

int channel_create_region(uint32_t workers)
{
	int fd = memfd_create("culvert-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)channel_size(workers)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int check_region(int fd, uint32_t workers)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (workers == 0 || workers > LIMIT_WORKERS || fstat(fd, &st) < 0)
		return -EPROTO;
	if ((uint64_t)st.st_size != channel_size(workers) || seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EPROTO;
	return 0;
}

// Maps the ring that starts at *at and moves *at past it.
static int map_ring(struct ring *r, int fd, off_t *at, struct ring_tails *tails, size_t size,
	uint32_t element, bool producer)
{
	int error = ring_map(r, fd, *at, tails, (uint32_t)(size / element), element,
		producer ? RING_PRODUCER : RING_CONSUMER);

	*at += (off_t)size;
	return error;
}

static int map_rings(struct channel *c, int fd)
{
	bool control = c->side == CHANNEL_CONTROLPLANE;
	off_t at = HEAD_SIZE;
	int error;

	error = map_ring(
		&c->command, fd, &at, &c->head->command, MESSAGES_SIZE, LIMIT_MESSAGE, control);
	if (error < 0)
		return error;
	error = map_ring(
		&c->event, fd, &at, &c->head->event, MESSAGES_SIZE, LIMIT_MESSAGE, !control);
	for (uint32_t w = 0; error == 0 && w < c->workers; w++) {
		error = map_ring(&c->punt[w], fd, &at, &c->head->workers[w].punt, PACKETS_SIZE,
			LIMIT_PACKET_SLOT, !control);
		if (error == 0)
			error = map_ring(&c->inject[w], fd, &at, &c->head->workers[w].inject,
				PACKETS_SIZE, LIMIT_PACKET_SLOT, control);
	}
	return error;
}

int channel_map(struct channel *c, int fd, uint32_t workers, enum channel_side side,
	int wake_control, int wake_clerk)
{
	int error = check_region(fd, workers);

	if (error < 0)
		return error;
	*c = (struct channel){.workers = workers,
		.side = side,
		.wake_control = wake_control,
		.wake_clerk = wake_clerk};
	c->head = mmap(NULL, HEAD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c->head == MAP_FAILED) {
		c->head = NULL;
		return -errno;
	}
	c->head_size = HEAD_SIZE;
	error = map_rings(c, fd);
	if (error < 0)
		channel_unmap(c);
	return error;
}

void channel_unmap(struct channel *c)
{
	for (uint32_t w = 0; w < c->workers; w++) {
		ring_unmap(&c->punt[w]);
		ring_unmap(&c->inject[w]);
	}
	ring_unmap(&c->command);
	ring_unmap(&c->event);
	if (c->head)
		munmap(c->head, c->head_size);
	memset(c, 0, sizeof(*c));
	c->wake_control = -1;
	c->wake_clerk = -1;
}

static void wake(uint32_t *sleeps, int fd)
{
	// The fence pairs with the one in channel_will_sleep: either we see that it sleeps, or it
	// sees what we put in.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(sleeps, __ATOMIC_RELAXED) == 0)
		return;
	if (__atomic_exchange_n(sleeps, 0, __ATOMIC_ACQ_REL) != 0)
		(void)eventfd_write(fd, 1);
}

void channel_wake_control(struct channel *c)
{
	wake(&c->head->control_sleeps, c->wake_control);
}

void channel_wake_clerk(struct channel *c)
{
	wake(&c->head->clerk_sleeps, c->wake_clerk);
}

void channel_will_sleep(struct channel *c)
{
	uint32_t *sleeps =
		c->side == CHANNEL_CONTROLPLANE ? &c->head->control_sleeps : &c->head->clerk_sleeps;

	__atomic_store_n(sleeps, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool channel_broken(const struct channel *c)
{
	bool broken = c->command.broken || c->event.broken;

	for (uint32_t w = 0; w < c->workers; w++)
		broken = broken || c->punt[w].broken || c->inject[w].broken;
	return broken;
}
