/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_write.h - assembles a model file (lib/format.h) and puts it in place all at once or not at all.
 */
#ifndef RLV_TOOLS_WRITE_H
#define RLV_TOOLS_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "../lib/format.h"
#include "failure.h"

struct rlv_writer_label {
    char *name; /* owned */
    float gain, logit_bias;
    float prior; /* of lib/format.h; 0, of all labels: none */
};

struct rlv_writer_tensor {
    struct rlv_tensor t; /* offset is set by rlv_writer_save() */
    void *data;          /* t.len bytes, owned */
};

struct rlv_writer { /* zeroed at birth; fill config and what follows, then save */
    struct rlv_config config;
    struct rlv_writer_label *labels, *token_labels; /* [config.label_n], [config.token_label_n] */
    uint8_t *vocab; /* of vocab_write(), owned */
    uint64_t vocab_len;
    char *metadata; /* "key=value\n" lines, owned; NULL: none */
    struct rlv_writer_tensor *tensors;
    size_t tensor_n, tensor_cap;
};

/*
 * rlv_writer_add() - one tensor; 'data' has rlv_tensor_len() bytes and is freed by the writer, on
 * failure too.  NULL for 'data' is the failure "out of memory", so that a packer's result can be passed
 * on unseen.  Tensors may come in any order.
 */
int rlv_writer_add(struct rlv_writer *writer, uint32_t layer, unsigned part, unsigned slot,
                   const struct rlv_tensor *shape, void *data, struct failure *failure);

/* rlv_writer_add_vector() - copy 'n' 32-bit elements of dtype f32, u32 or i32. */
int rlv_writer_add_vector(struct rlv_writer *writer, uint32_t layer, unsigned part, unsigned slot,
                          unsigned dtype, const void *elements, uint32_t n,
                          struct failure *failure);

/*
 * rlv_writer_save() - write the file and move it to 'path'.
 *
 * It is written under a temporary name in the same folder, synced, opened with the library as any user
 * would, and renamed.  On failure, and on SIGINT, SIGTERM and SIGHUP, the temporary file is removed and
 * what was at 'path' stays.
 * *file_len receives the size.  Returns 0, or -1 and a message.
 */
int rlv_writer_save(struct rlv_writer *writer, const char *path, uint64_t *file_len,
                    struct failure *failure);

/*
 * rlv_writer_image() - the same file in memory, for the converter's own use.
 *
 * '*image'  receives '*len' bytes, aligned to RLV_ALIGN, that the caller frees with free().
 * The tensors' data go to the image; the writer is good for nothing but rlv_writer_free() after it.
 */
int rlv_writer_image(struct rlv_writer *writer, void **image, uint64_t *len,
                     struct failure *failure);

/*
 * rlv_write_file() - put a finished model file in place, as rlv_writer_save() does.
 */
int rlv_write_file(const void *bytes, uint64_t len, const char *path, struct failure *failure);

/* A LABELS section: its length (0 without labels), and its bytes into 'out', which is all zeros. */
uint64_t rlv_labels_len(const struct rlv_writer_label *labels, uint32_t n);
void rlv_labels_put(const struct rlv_writer_label *labels, uint32_t n, uint8_t *out);

void rlv_writer_free(struct rlv_writer *writer);

#endif /* RLV_TOOLS_WRITE_H */
