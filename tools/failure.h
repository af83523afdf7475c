/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure.h - how the converter's parts say what went wrong: one sentence, set where it happens.
 */
#ifndef RLV_TOOLS_FAILURE_H
#define RLV_TOOLS_FAILURE_H

struct failure {
    char message[1024]; /* what, where and what is supported; without program name and newline */
};

/* Fill 'failure' as printf does; returns -1, so that 'return failure_set(...)' reads well. */
int failure_set(struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* RLV_TOOLS_FAILURE_H */
