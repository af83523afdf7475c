/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one progress bar on standard error, where that is a terminal; nothing elsewhere.
 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* 'what' names the work; 'total' is in any unit, 0: unknown. */
void progress_begin(const char *what, uint64_t total);
void progress_update(uint64_t done);

/* What is counted for people, as "pairs": the bar shows n so far, and how many a second.  'unit' must
 * stay until progress_end().  Shown by the next progress_update(). */
void progress_count(uint64_t n, const char *unit);

/* Another name for what is being done now; 'what' must stay until progress_end(). */
void progress_label(const char *what);

/* Take the bar off the screen: for good, or so that a message can be printed. */
void progress_end(void);
void progress_hide(void);

struct progress_state {
    const char *what;
    uint64_t done, total; /* total 0: unknown */
    uint64_t count;       /* of 'unit'; unit NULL: nothing is counted */
    const char *unit;
    double seconds; /* since the beginning */
};

/*
 * The bar's text for a window of 'width' columns (0: unknown, taken as 80), NUL-terminated: what is
 * least needed is left out first, and the last column stays free, since some terminals would wrap.
 */
void progress_format(char *text, size_t cap, const struct progress_state *state, unsigned width);

#endif /* TOOL_PROGRESS_H */
