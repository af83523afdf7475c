/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the fuzz targets share.  'make fuzz TARGET=... SECONDS=...' runs them.
 */
#ifndef RLV_FUZZ_H
#define RLV_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with the input kept, as a crash does. */
#define FUZZ_CHECK(condition, message)                                                             \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "fuzz: %s\n", (message));                                              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/*
 * A folder that exists for the code under test alone, in memory: real files would take most of the
 * time.  fuzz_put() puts a file into it; 'name' and 'data' must outlive their use, NULL for 'data'
 * removes the file.
 */
const char *fuzz_folder(void);
void fuzz_put(const char *name, const uint8_t *data, size_t size);

/* So that a compiler cannot leave a read out. */
static inline void fuzz_read(const void *data, size_t size)
{
    static volatile unsigned char sum;
    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)data)[i]);
}

#endif /* RLV_FUZZ_H */
