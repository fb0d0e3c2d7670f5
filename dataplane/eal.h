// SPDX-License-Identifier: Apache-2.0
#pragma once

// DPDK's environment: its arguments follow from the config. lcore 0 is the clerk, lcore 1 + i is
// worker i.

#include "contract/config.h"

enum {
	EAL_ARGUMENTS = 128,
	EAL_TEXT = 512, // bytes of one argument
};

struct eal_arguments {
	int count;
	char *argv[EAL_ARGUMENTS + 1];
	char text[EAL_ARGUMENTS][EAL_TEXT];
};

// Pure but for looking at which CPUs this process may use. Returns 0, or -E2BIG.
int eal_arguments(struct eal_arguments *a, const struct config *c);
// The name of a port's device in DPDK: what its device text has before the first comma.
void eal_device_name(const struct config_port *p, char *name, unsigned size);
// Index of the first of the ports that has the device of port i: it opens it.
uint16_t eal_device_first(const struct config_port *ports, uint16_t i);
// What the device of port i, one of count, must take behind the Ethernet header: the largest MTU of
// its ports with their tags, in bytes.
uint16_t eal_device_mtu(const struct config_port *ports, uint16_t count, uint16_t i);
// Bytes of the frames that an af_packet device exchanges with the kernel, in which the kernel also
// has its own header: as its text says, or large enough for its ports. 0 for another device. DPDK's
// driver copies as much into a packet buffer without asking how large that is.
uint32_t eal_frame_size(const struct config_port *ports, uint16_t count, uint16_t i);
// The network interface that an af_packet or af_xdp device sits on; empty for another one.
void eal_device_interface(const struct config_port *p, char *name, unsigned size);
// True when the device is a PCI address.
bool eal_device_is_pci(const char *device);

// Looks at what EAL would fail on with a dark message (hugepages, interfaces), logs what is missing
// and the fix, then starts it. Returns 0 or -errno.
int eal_start(const struct config *c);
