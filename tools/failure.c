/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure.c - see failure.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "failure.h"

int failure_set(struct failure *failure, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(failure->message, sizeof failure->message, format, args);
    va_end(args);
    return -1;
}
