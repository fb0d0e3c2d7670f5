// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values as people read them, and texts that cannot steer a terminal.

#include <stddef.h>
#include <stdint.h>

enum { TEXT_MOST = 1024 }; // bytes of any text here, with the final NUL

// Copies, and writes \xNN for control characters, bytes that are no UTF-8, and characters that turn
// the direction of what follows; cut to fit. Returns out.
const char *text_escape(const char *text, char out[TEXT_MOST]);
// Columns on a terminal: characters, not bytes.
size_t text_width(const char *text);
// Cuts to so many columns, the last of which says that it was cut.
void text_cut(char *text, size_t width);

// "999 B", "1.23 kB", "45.6 GB": powers of 1000.
const char *text_bytes(uint64_t bytes, char out[TEXT_MOST]);
// "999", "1.23k", "45.6M".
const char *text_count(uint64_t count, char out[TEXT_MOST]);
// "0s", "59s", "1m05s", "3h07m", "2d05h".
const char *text_duration(uint64_t ms, char out[TEXT_MOST]);
