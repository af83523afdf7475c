/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_json.h - JSON files of a Hugging Face folder: load one, take typed values out of it.
 *
 * Every message names the file and the key.
 */
#ifndef RLV_TOOLS_HF_JSON_H
#define RLV_TOOLS_HF_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

/* 'dir'/'name' as a new string, or NULL with a message. */
char *hf_path(const char *dir, const char *name, struct failure *failure);

/* The whole file as a new, NUL-terminated buffer of *len bytes and at most 'max' of them; NULL with a
 * message, or NULL and an empty message where it does not exist and 'optional' is not 0. */
char *hf_read_file(const char *dir, const char *name, size_t max, int optional, size_t *len,
                   struct failure *failure);

enum hf_json_flags {
    HF_JSON_OPTIONAL = 1, /* the file need not exist */
    HF_JSON_REALS = 2     /* integers become reals: "no limit" is written as 1000000000000000019884624838656 */
};

/* A JSON object in a file; NULL as hf_read_file().  Free with json_decref(). */
json_t *hf_json_load(const char *dir, const char *name, unsigned flags, struct failure *failure);

/*
 * Typed members of 'object', which was read from 'file'.  A missing or null member leaves *value alone
 * (its default) and returns 0; one of another type, or out of range, returns -1 with a message.
 */
int hf_json_u32(const json_t *object, const char *file, const char *key, uint32_t min, uint32_t max,
                uint32_t *value, struct failure *failure);
int hf_json_number(const json_t *object, const char *file, const char *key, double *value,
                   struct failure *failure);
int hf_json_bool(const json_t *object, const char *file, const char *key, int *value,
                 struct failure *failure);
int hf_json_string(const json_t *object, const char *file, const char *key, const char **value,
                   struct failure *failure);

#endif /* RLV_TOOLS_HF_JSON_H */
