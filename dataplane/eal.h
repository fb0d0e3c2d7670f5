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
// True when the device is a PCI address.
bool eal_device_is_pci(const char *device);

// Looks at what EAL would fail on with a dark message (hugepages, interfaces), logs what is missing
// and the fix, then starts it. Returns 0 or -errno.
int eal_start(const struct config *c);
