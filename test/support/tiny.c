/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.c - see tiny.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

uint8_t *tiny_read(const char *name, const char *weights, size_t *len)
{
    char path[512];
    void *bytes = NULL;
    long size = -1;
    FILE *f;
    snprintf(path, sizeof path, "%s/%s-%s.rlv", RLV_TINY_DIR, name, weights);
    f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        fail_msg("%s cannot be read", path);
    rewind(f);
    assert_int_equal(posix_memalign(&bytes, 64, (size_t)size), 0);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    fclose(f);
    *len = (size_t)size;
    return bytes;
}
