/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one progress bar on standard error, where that is a terminal; nothing elsewhere.
 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdint.h>

/* 'what' names the work; 'total' is in any unit, 0: unknown. */
void progress_begin(const char *what, uint64_t total);
void progress_update(uint64_t done);

/* Another name for what is being done now; 'what' must stay until progress_end(). */
void progress_label(const char *what);

/* Take the bar off the screen: for good, or so that a message can be printed. */
void progress_end(void);
void progress_hide(void);

#endif /* TOOL_PROGRESS_H */
