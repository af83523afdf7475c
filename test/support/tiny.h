/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.h - the tiny models that the Makefile converts from test/golden/tiny.
 */
#ifndef RLV_TEST_TINY_H
#define RLV_TEST_TINY_H

#include <relevance.h>

/* RLV_TINY_DIR/<name>-<weights>.rlv; fails the test where it does not open. */
relevance_model *tiny_open(const char *name, const char *weights);

relevance_context *tiny_context(const relevance_model *model,
                                const struct relevance_context_options *options);

#endif /* RLV_TEST_TINY_H */
