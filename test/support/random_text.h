/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_text.h - texts in which every rule of the tokenizer meets every other.
 */
#ifndef RLV_TEST_RANDOM_TEXT_H
#define RLV_TEST_RANDOM_TEXT_H

#include <stddef.h>

#include "random.h"

/* Fewer than 'piece_max' pieces, in at most 'cap' bytes; returns the bytes written. */
size_t random_text(struct rng *rng, char *text, size_t cap, size_t piece_max);

#endif /* RLV_TEST_RANDOM_TEXT_H */
