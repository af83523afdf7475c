/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - a progress bar that redraws ten times a second and leaves no trace.
 */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

static struct {
    bool on;      /* there is a bar: standard error is a terminal */
    bool visible; /* it is on the screen now */
    struct progress_state state;
    uint64_t start, last; /* times in ns */
} bar;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* "9 s", "2 min 05 s", "3 h 20 min": whole seconds, rounded up, so that 0 means done. */
static void format_time(char *text, size_t cap, double seconds)
{
    unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.999) : 1000000000ul;
    if (s < 60)
        snprintf(text, cap, "%lu s", s);
    else if (s < 3600)
        snprintf(text, cap, "%lu min %02lu s", s / 60, s % 60);
    else
        snprintf(text, cap, "%lu h %02lu min", s / 3600, s / 60 % 60);
}

void progress_format(char *text, size_t cap, const struct progress_state *p, unsigned width)
{
    static const char full[] = "##############################";
    char count[96] = "", rate[64] = "", left[64] = "", share_text[16] = "";
    double share = p->total == 0 ? 0 : p->done < p->total ? (double)p->done / (double)p->total : 1;
    int room = width == 0 ? 79 : (int)width - 1, used, cells;
    if (p->unit != NULL) {
        double per_s = p->seconds > 0 ? (double)p->count / p->seconds : 0;
        snprintf(count, sizeof count, " %llu %.20s", (unsigned long long)p->count, p->unit);
        if (p->seconds >= 0.5)
            snprintf(rate, sizeof rate, per_s < 10 ? ", %.1f/s" : ", %.0f/s", per_s);
    } else if (p->total == 0) {
        snprintf(count, sizeof count, " %llu", (unsigned long long)p->done);
    }
    if (p->total != 0) {
        snprintf(share_text, sizeof share_text, " %3.0f %%", share * 100);
        if (share > 0 && p->seconds >= 0.5) {
            snprintf(left, sizeof left, ", ");
            format_time(left + 2, sizeof left - 2 - sizeof " left", p->seconds * (1 - share) / share);
            strcat(left, " left");
        }
    }
    /* What is worth least goes first: the bar, the count, the rate. */
    used = (int)(strlen(p->what) + strlen(share_text) + strlen(count) + strlen(rate) + strlen(left));
    cells = p->total == 0 ? 0 : room - used - 3;
    if (cells > (int)sizeof full - 1)
        cells = (int)sizeof full - 1;
    if (used > room) {
        used -= (int)strlen(count);
        count[0] = '\0';
    }
    if (used > room)
        rate[0] = '\0';
    if (cells >= 5)
        snprintf(text, cap, "%s [%.*s%*s]%s%s%s%s", p->what, (int)(share * cells), full,
                 cells - (int)(share * cells), "", share_text, count, rate, left);
    else
        snprintf(text, cap, "%s%s%s%s%s", p->what, share_text, count, rate, left);
    if (room >= 0 && (size_t)room < cap && strlen(text) > (size_t)room)
        text[room] = '\0';
}

void progress_begin(const char *what, uint64_t total)
{
    memset(&bar, 0, sizeof bar);
    bar.on = isatty(STDERR_FILENO);
    bar.state.what = what;
    bar.state.total = total;
    bar.start = bar.last = now_ns();
}

void progress_count(uint64_t n, const char *unit)
{
    bar.state.count = n;
    bar.state.unit = unit;
}

void progress_update(uint64_t done)
{
    char text[256];
    uint64_t now;
    if (!bar.on || (now = now_ns()) - bar.last < 100000000u)
        return;
    bar.last = now;
    bar.visible = true;
    bar.state.done = done;
    bar.state.seconds = (double)(now - bar.start) * 1e-9;
    progress_format(text, sizeof text, &bar.state, out_width(STDERR_FILENO));
    fprintf(stderr, "\r%s\033[K", text);
}

void progress_label(const char *what) { bar.state.what = what; }

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
