// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where work_post's threads report to: once, before the first job.

struct uv_loop_s;
void work_init(struct uv_loop_s *loop);
