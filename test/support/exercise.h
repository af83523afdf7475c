/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise.h - every call that a model can be put through: on a model that was opened from damaged
 * bytes all of them must come back.
 */
#ifndef RLV_TEST_EXERCISE_H
#define RLV_TEST_EXERCISE_H

#include <relevance.h>

/*
 * Runs them all with a context of at most 16 tokens and 64 MB; 'text' is one of the texts.
 * Returns NULL, or what is wrong with a result (a static string).
 */
const char *exercise(const relevance_model *model, const char *text, size_t text_len);

#endif /* RLV_TEST_EXERCISE_H */
