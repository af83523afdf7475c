/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - times of single calls.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"

uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void times_add(struct times *t, double ms)
{
    if (t->n == t->cap) {
        t->cap = grown(t->cap, 1024);
        t->ms = must_realloc(t->ms, t->cap, sizeof *t->ms);
    }
    t->ms[t->n++] = ms;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct times *t, unsigned percent)
{
    size_t rank = (t->n * percent + 99) / 100; /* "nearest rank" */
    return t->ms[rank > 0 ? rank - 1 : 0];
}

struct time_summary times_summary(struct times *t)
{
    struct time_summary s = {0};
    size_t i;
    if (t->n == 0)
        return s;
    qsort(t->ms, t->n, sizeof *t->ms, ascending);
    for (i = 0; i < t->n; i++)
        s.mean += t->ms[i] / (double)t->n;
    s.min = t->ms[0];
    s.p50 = percentile(t, 50);
    s.p95 = percentile(t, 95);
    s.p99 = percentile(t, 99);
    return s;
}

void times_put_json(struct json_out *json, const char *name, const struct time_summary *s)
{
    jw_key(json, name);
    jw_begin(json, '{');
    jw_put_real(json, "mean", s->mean, 4);
    jw_put_real(json, "p50", s->p50, 4);
    jw_put_real(json, "p95", s->p95, 4);
    jw_put_real(json, "p99", s->p99, 4);
    jw_end(json, '}');
}

void times_free(struct times *t)
{
    free(t->ms);
    memset(t, 0, sizeof *t);
}
