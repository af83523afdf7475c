/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.h - the tiny models that the Makefile converts from test/golden/tiny.
 */
#ifndef RLV_TEST_TINY_H
#define RLV_TEST_TINY_H

#include <relevance.h>
#include <stddef.h>
#include <stdint.h>

/* RLV_TINY_DIR/<name>-<weights>.rlv; fails the test where it does not open. */
relevance_model *tiny_open(const char *name, const char *weights);

relevance_context *tiny_context(const relevance_model *model,
                                const struct relevance_context_options *options);

/* The file's bytes, aligned to 64, for free(). */
uint8_t *tiny_read(const char *name, const char *weights, size_t *len);

#endif /* RLV_TEST_TINY_H */
