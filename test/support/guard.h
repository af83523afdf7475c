/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - buffers between pages that cannot be touched, so that an access out of bounds stops the
 * test where it happens.
 */
#ifndef RLV_TEST_GUARD_H
#define RLV_TEST_GUARD_H

#include <stddef.h>

struct guard {
    unsigned char *begin; /* first byte after the page below */
    unsigned char *end;   /* first byte of the page above */
};

/* Room for 'cap' bytes.  Ends the program where there is no memory. */
void guard_open(struct guard *g, size_t cap);
void guard_close(struct guard *g);

/* 'len' bytes that end at the page above (then aligned to nothing more than len is), ... */
void *guard_tail(const struct guard *g, size_t len);

/* ... or that begin at the page below, aligned to a page. */
void *guard_head(const struct guard *g, size_t len);

#endif /* RLV_TEST_GUARD_H */
