/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - a progress bar that redraws ten times a second and leaves no trace.
 */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    bool on;      /* there is a bar: standard error is a terminal */
    bool visible; /* it is on the screen now */
    const char *what;
    uint64_t total, start, last; /* times in ns */
} bar;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void progress_begin(const char *what, uint64_t total)
{
    bar.on = isatty(STDERR_FILENO);
    bar.visible = false;
    bar.what = what;
    bar.total = total;
    bar.start = bar.last = now_ns();
}

void progress_update(uint64_t done)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################"; /* WIDTH of them */
    uint64_t now;
    double share, left;
    int n;
    if (!bar.on || (now = now_ns()) - bar.last < 100000000u)
        return;
    bar.last = now;
    bar.visible = true;
    if (bar.total == 0) {
        fprintf(stderr, "\r%s: %llu\033[K", bar.what, (unsigned long long)done);
        return;
    }
    share = done < bar.total ? (double)done / (double)bar.total : 1.0;
    n = (int)(share * WIDTH);
    left = share > 0 ? (double)(now - bar.start) * 1e-9 * (1 - share) / share : 0;
    fprintf(stderr, "\r%s [%.*s%*s] %3.0f %%, %.0f s left\033[K", bar.what, n, full, WIDTH - n, "",
            share * 100, left);
}

void progress_label(const char *what)
{
    bar.what = what;
}

void progress_hide(void)
{
    if (bar.visible)
        fprintf(stderr, "\r\033[K");
    bar.visible = false;
}

void progress_end(void)
{
    progress_hide();
    bar.on = false;
}
