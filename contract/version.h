// SPDX-License-Identifier: Apache-2.0
#pragma once

// The version of Culvert, and the version of the contract between the two processes.
// A process that is offered another contract version refuses the channel and says both numbers.

#define CULVERT_VERSION "0.1.0"

enum {
	CONTRACT_VERSION = 5, // raised with every change of a layout or a meaning in contract/
};
