// SPDX-License-Identifier: Apache-2.0

// DPDK's af_packet driver puts its sockets into a fanout group and asks the kernel to reassemble
// fragments before it hands them over (PACKET_FANOUT_FLAG_DEFRAG). The gateway would then get
// packets that are larger than its MTU and than the driver's frames, cut off at their end. Which
// worker a fragment reaches does not matter to us, so the flag is taken away: the program's own
// setsockopt comes before the C library's when the driver is loaded. All else goes through as it
// is.

#include <linux/if_packet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FLAGS_SHIFT = 16 }; // of the group's flags in the option's number

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	uint32_t fanout;

	if (level == SOL_PACKET && name == PACKET_FANOUT && length == sizeof(fanout)) {
		memcpy(&fanout, value, sizeof(fanout));
		fanout &= ~((uint32_t)PACKET_FANOUT_FLAG_DEFRAG << FLAGS_SHIFT);
		value = &fanout;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}
