/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage.h - checksums of a model file that was changed on purpose.
 */
#ifndef RLV_TEST_DAMAGE_H
#define RLV_TEST_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Set all checksums of the file to what its bytes are now, as far as they can be reached: the file
 * may hold anything, and nothing beyond 'len' is touched.  'file' is aligned to 8 bytes.
 */
void damage_repair(uint8_t *file, size_t len);

/* Where the fields of the file are: [0, n) of them. */
struct damage_field {
    size_t offset;
    unsigned len; /* 2, 4 or 8 bytes */
};

/*
 * The fields of header, section table, configuration, labels, vocabulary and tensor table, as far as
 * the file has them: it may hold anything.  Returns their number; '*fields' is for free().
 */
size_t damage_fields(const uint8_t *file, size_t len, struct damage_field **fields);

uint64_t damage_get(const uint8_t *file, const struct damage_field *f);
void damage_set(uint8_t *file, const struct damage_field *f, uint64_t value);

/* Whether no checksum covers this byte of a good file: it is padding between sections. */
int damage_is_padding(const uint8_t *file, size_t at);

#endif /* RLV_TEST_DAMAGE_H */
