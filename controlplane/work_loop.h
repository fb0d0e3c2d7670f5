// SPDX-License-Identifier: Apache-2.0
#pragma once

// The life of what is behind work_post, on the loop to which it reports.

struct uv_loop_s;
// Once, before the first job.
void work_init(struct uv_loop_s *loop);
// The threads, which live under the filter and the user that their maker has by then; jobs wait
// until then. 0 or -EAGAIN.
int work_start(void);
// Ends them when all that is posted is done; nothing can be posted after. Before the loop closes.
void work_stop(void);
