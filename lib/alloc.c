/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc.c - the default allocator, and the choice of a user's own.
 */
#include <stdlib.h>

#include "internal.h"

static void *libc_alloc(void *user, size_t size, size_t align)
{
    void *memory = NULL;
    (void)user;
    if (align < sizeof(void *))
        align = sizeof(void *);
    return posix_memalign(&memory, align, size) == 0 ? memory : NULL;
}

static void libc_free(void *user, void *memory, size_t size)
{
    (void)user;
    (void)size;
    free(memory);
}

const struct relevance_allocator rlv_libc_allocator = {libc_alloc, libc_free, NULL};

int rlv_allocator_set(struct relevance_allocator *to, const struct relevance_allocator *from)
{
    if (from == NULL)
        from = &rlv_libc_allocator;
    if (from->alloc == NULL || from->free == NULL)
        return 0;
    *to = *from;
    return 1;
}
