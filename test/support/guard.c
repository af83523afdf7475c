/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

void guard_open(struct guard *g, size_t cap)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (cap + page - 1) / page * page + page;
    unsigned char *map =
        mmap(NULL, len + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED)
        die("guard: mmap");
    if (mprotect(map, page, PROT_NONE) || mprotect(map + page + len, page, PROT_NONE))
        die("guard: mprotect");
    g->begin = map + page;
    g->end = g->begin + len;
}

void guard_close(struct guard *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (g->begin)
        munmap(g->begin - page, (size_t)(g->end - g->begin) + 2 * page);
    g->begin = g->end = NULL;
}

void *guard_tail(const struct guard *g, size_t len)
{
    if (len > (size_t)(g->end - g->begin))
        abort();
    return g->end - len;
}

void *guard_head(const struct guard *g, size_t len)
{
    if (len > (size_t)(g->end - g->begin))
        abort();
    return g->begin;
}
