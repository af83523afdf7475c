/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - times of single calls, and what is told about them.
 */
#ifndef TOOL_STATS_H
#define TOOL_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "output.h"

struct times {
    size_t n, cap;
    double *ms;
};

struct time_summary {
    double mean, min, p50, p95, p99; /* ms; 0 where there is no time */
};

/* A monotonic clock in nanoseconds. */
uint64_t clock_ns(void);

void times_add(struct times *t, double ms);

/* Sorts 't'.  A percentile is the least time that so many percent of the calls did not exceed. */
struct time_summary times_summary(struct times *t);

/* An object of mean, p50, p95 and p99. */
void times_put_json(struct json_out *json, const char *name, const struct time_summary *s);

void times_free(struct times *t);

#endif /* TOOL_STATS_H */
