/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.c - statuses and messages.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum relevance_status rlv_fail(struct relevance_error *error, enum relevance_status status,
                               uint64_t position, const char *format, ...)
{
    va_list args;
    if (error == NULL)
        return status;
    error->status = status;
    error->position = position;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return status;
}

#if defined(RLV_DEBUG)
void rlv_promise_broken(const char *what)
{
    fprintf(stderr, "librelevance: %s\n", what);
    abort();
}
#endif

const char *relevance_status_name(enum relevance_status status)
{
    switch (status) {
    case RELEVANCE_OK: return "done";
    case RELEVANCE_BAD_ARGUMENT: return "bad argument";
    case RELEVANCE_NO_MEMORY: return "out of memory";
    case RELEVANCE_IO: return "file cannot be read";
    case RELEVANCE_BAD_MODEL: return "not a model file, or a damaged one";
    case RELEVANCE_BAD_VERSION: return "model file of another format version";
    case RELEVANCE_NO_HEAD: return "the model has no head for this call";
    case RELEVANCE_NO_ISA: return "instruction set not available";
    case RELEVANCE_NO_SPACE: return "output buffer too small";
    case RELEVANCE_NO_THREAD: return "worker thread could not be started";
    case RELEVANCE_BAD_CATALOG: return "catalogue has a wrong line";
    }
    return "unknown status";
}
