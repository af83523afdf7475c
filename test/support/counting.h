/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counting.h - an allocator that counts, and fails when it is told to.
 */
#ifndef RLV_TEST_COUNTING_H
#define RLV_TEST_COUNTING_H

#include <relevance.h>

struct counting {
    struct relevance_allocator allocator; /* pass this on; the struct must not move */
    unsigned long calls;                  /* of alloc */
    unsigned long live;                   /* blocks */
    size_t live_len, peak_len;            /* bytes */
    unsigned long fail_at;                /* the call, from 1, that returns NULL; 0: none */
    size_t limit;                         /* most bytes alive; beyond it NULL; 0: any */
    int wrong;                            /* a bad alignment, or a free of another size */
};

void counting_init(struct counting *c);

#endif /* RLV_TEST_COUNTING_H */
