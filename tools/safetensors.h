/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.h - read the tensors of a Hugging Face folder: one model.safetensors, or the shards that
 * model.safetensors.index.json names.
 */
#ifndef RLV_TOOLS_SAFETENSORS_H
#define RLV_TOOLS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"

#define ST_MAX_DIMS 8

struct st_tensor {
    char *name;
    const char *file;     /* name of the file it lies in, without folder: for messages */
    const char *dtype;    /* as the format spells it: "F32", "F16", "BF16", "I64" ... */
    unsigned element_len; /* bytes */
    unsigned dim_n;       /* 0: a scalar */
    uint64_t dims[ST_MAX_DIMS];
    uint64_t element_n;
    const uint8_t *data; /* in the mapped file, of any alignment */
    int used;            /* set by the reader, to find what is left over */
};

struct st_file {
    char *name;
    void *map;
    size_t len;
};

struct st_set { /* zeroed at birth */
    struct st_tensor *tensors; /* sorted by name */
    size_t tensor_n;
    struct st_file *files;
    size_t file_n;
};

/* st_open() - map the folder's tensors and check the files' structure.  Returns 0, or -1 and a message. */
int st_open(struct st_set *set, const char *dir, struct failure *failure);
void st_close(struct st_set *set);

struct st_tensor *st_find(const struct st_set *set, const char *name);

/* "[768, 3072]" for messages; 'text' has at least 200 bytes. */
const char *st_shape_text(const uint64_t *dims, unsigned dim_n, char *text);

/*
 * st_read_f32() - elements [first, first + n) of a tensor of dtype F32, F16 or BF16, as float.
 * Returns 0, or -1 and a message: another dtype, or a number that is not finite.
 */
int st_read_f32(const struct st_tensor *tensor, uint64_t first, uint64_t n, float *out,
                struct failure *failure);

#endif /* RLV_TOOLS_SAFETENSORS_H */
