/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temp_file.h - an output file that appears whole or not at all.
 *
 * It is written under a temporary name in the folder of the final one, synced and renamed.  On failure,
 * and on SIGINT, SIGTERM and SIGHUP, the temporary file is removed, and what was at the final name stays.
 * One file at a time: what a signal has to remove must be known to its handler.
 */
#ifndef RLV_TOOLS_TEMP_FILE_H
#define RLV_TOOLS_TEMP_FILE_H

#include <stddef.h>

#include "failure.h"

/* A file descriptor to write to, or -1 and a message.  'path' must stay until the file is closed. */
int temp_file_open(const char *path, struct failure *failure);

/* The temporary name, while the file is open. */
const char *temp_file_name(void);

/* write(2) until all is written.  Returns 0, or -1 and a message. */
int temp_file_write(const void *bytes, size_t len, struct failure *failure);

/* fsync(2).  Returns 0, or -1 and a message; the file stays open. */
int temp_file_sync(struct failure *failure);

/* Give it its name and close it.  Returns 0, or -1 and a message; the file is gone then. */
int temp_file_commit(struct failure *failure);

/* Remove and close it; nothing where none is open. */
void temp_file_discard(void);

#endif /* RLV_TOOLS_TEMP_FILE_H */
