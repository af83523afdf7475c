/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - allocation for the command line: a tool that has no memory left can only say so.
 */
#ifndef TOOL_MEMORY_H
#define TOOL_MEMORY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* realloc() for 'n' elements of 'size' bytes; never returns NULL. */
static inline void *must_realloc(void *memory, size_t n, size_t size)
{
    void *p = NULL;
    if (size == 0 || n <= SIZE_MAX / size)
        p = realloc(memory, n * size > 0 ? n * size : 1);
    if (p == NULL) {
        fprintf(stderr, "relevance: out of memory\n");
        exit(2);
    }
    return p;
}

static inline void *must_alloc(size_t n, size_t size) { return must_realloc(NULL, n, size); }

/* The capacity to grow to, so that adding elements one by one costs constant time each. */
static inline size_t grown(size_t cap, size_t need)
{
    size_t bigger = cap < SIZE_MAX / 2 ? cap * 2 : SIZE_MAX;
    if (bigger < 16)
        bigger = 16;
    return bigger < need ? need : bigger;
}

#endif /* TOOL_MEMORY_H */
