/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.c - see tiny.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tiny.h"

#ifndef RLV_TINY_DIR
#error "compile with -DRLV_TINY_DIR"
#endif

relevance_model *tiny_open(const char *name, const char *weights)
{
    char path[512];
    relevance_model *model = NULL;
    struct relevance_error error = {.message = ""};
    snprintf(path, sizeof path, "%s/%s-%s.rlv", RLV_TINY_DIR, name, weights);
    if (relevance_open(path, NULL, &model, &error) != RELEVANCE_OK)
        fail_msg("%s: %s", path, error.message);
    return model;
}

relevance_context *tiny_context(const relevance_model *model,
                                const struct relevance_context_options *options)
{
    relevance_context *ctx = NULL;
    struct relevance_error error = {.message = ""};
    if (relevance_context_create(model, options, &ctx, &error) != RELEVANCE_OK)
        fail_msg("%s", error.message);
    return ctx;
}
