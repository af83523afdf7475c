/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counting.c - see counting.h.  Before each block lies its size, so that a free of another size shows.
 */
#include "counting.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *counting_alloc(void *user, size_t size, size_t align)
{
    struct counting *c = user;
    size_t front = align < 64 ? 64 : align;
    uint8_t *memory = NULL;
    void *block = NULL;
    c->calls++;
    if (align == 0 || (align & (align - 1)) != 0 || align > 4096)
        c->wrong = 1;
    if (c->calls == c->fail_at || (c->limit != 0 && (size > c->limit - c->live_len)))
        return NULL;
    if (posix_memalign(&block, front, front + size) != 0)
        return NULL;
    memory = (uint8_t *)block + front;
    memset(memory, 0xa5, size); /* so that code which counts on zeros is seen */
    memcpy(memory - sizeof size, &size, sizeof size);
    memcpy(memory - 2 * sizeof size, &front, sizeof front);
    c->live++;
    c->live_len += size;
    if (c->live_len > c->peak_len)
        c->peak_len = c->live_len;
    return memory;
}

static void counting_free(void *user, void *memory, size_t size)
{
    struct counting *c = user;
    size_t was, front;
    if (memory == NULL)
        return;
    memcpy(&was, (uint8_t *)memory - sizeof was, sizeof was);
    memcpy(&front, (uint8_t *)memory - 2 * sizeof front, sizeof front);
    if (was != size)
        c->wrong = 1;
    c->live--;
    c->live_len -= was;
    free((uint8_t *)memory - front);
}

void counting_init(struct counting *c)
{
    *c = (struct counting){.allocator = {counting_alloc, counting_free, c}};
}
