/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny_hf.h - makes Hugging Face folders of a few KB for the converter's tests, and damages them.
 *
 * Any trouble with the file system ends the test program.
 */
#ifndef RLV_TEST_TINY_HF_H
#define RLV_TEST_TINY_HF_H

#include <stddef.h>
#include <stdint.h>

enum tiny_task { TINY_ENCODER, TINY_SEQUENCE, TINY_TOKENS };

struct tiny_hf {
    int bert; /* 0: DistilBERT */
    enum tiny_task task;
    const char *dtype; /* "F32", "F16" or "BF16" */
    uint32_t hidden, layers, heads, inner, positions;
    int shards;    /* 1: model.safetensors */
    int no_prefix; /* encoder's names without "distilbert." or "bert.", as a bare encoder is saved */
    int labels;    /* of the head */
};

/* hidden 40 and inner 72 are no multiples of 16 and 32, so that padding is seen. */
#define TINY_HF_DEFAULT                                                                            \
    {                                                                                              \
        .task = TINY_SEQUENCE, .dtype = "F32", .hidden = 40, .layers = 2, .heads = 5, .inner = 72, \
        .positions = 24, .shards = 1, .labels = 4                                                  \
    }

#define TINY_VOCAB_N 87

/* A new folder under $TMPDIR or /tmp; 'dir' has at least 256 bytes. */
void tiny_hf_folder(char *dir);

/* Remove the folder and the files in it. */
void tiny_hf_remove(const char *dir);

/* config.json, tokenizer_config.json, vocab.txt and the weights. */
void tiny_hf_write(const char *dir, const struct tiny_hf *options);

/* Element i of a tensor (by its name without "distilbert." and "bert."); exact in every dtype. */
float tiny_hf_value(const char *name, size_t i);

/* A file with this text. */
void tiny_hf_put(const char *dir, const char *file, const char *text);

/* Replace the first 'from' in a text file, which must be there. */
void tiny_hf_edit(const char *dir, const char *file, const char *from, const char *to);

/* The same within the header of a safetensors file, whose length field is corrected. */
void tiny_hf_edit_header(const char *dir, const char *file, const char *from, const char *to);

/* Overwrite 'n' bytes at 'at' (from the end where negative), or cut the file to 'len' bytes. */
void tiny_hf_poke(const char *dir, const char *file, long at, const void *bytes, size_t n);
void tiny_hf_cut(const char *dir, const char *file, size_t len);

/* Files in the folder. */
size_t tiny_hf_count(const char *dir);

#endif /* RLV_TEST_TINY_HF_H */
