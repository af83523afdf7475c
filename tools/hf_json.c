/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_json.c - see hf_json.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf_json.h"

/* A tokenizer.json with a vocabulary of a million tokens and its merges takes less. */
#define MAX_JSON_LEN ((size_t)256 << 20)

char *hf_path(const char *dir, const char *name, struct failure *failure)
{
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = malloc(len);

    if (path == NULL) {
        failure_set(failure, "out of memory");
        return NULL;
    }
    snprintf(path, len, "%s/%s", dir, name);
    return path;
}

char *hf_read_file(const char *dir, const char *name, size_t max, int optional, size_t *len,
                   struct failure *failure)
{
    char *path = NULL, *text = NULL, *grown;
    FILE *file = NULL;
    size_t cap = 1 << 16, n = 0, got;

    failure->message[0] = '\0';
    path = hf_path(dir, name, failure);
    if (path == NULL)
        goto fail;
    file = fopen(path, "rb");
    if (file == NULL) {
        if (!(optional && errno == ENOENT))
            failure_set(failure, "%s: %s", path, strerror(errno));
        goto fail;
    }
    for (;;) {
        grown = realloc(text, cap + 1);
        if (grown == NULL) {
            failure_set(failure, "%s: out of memory", name);
            goto fail;
        }
        text = grown;
        errno = 0;
        got = fread(text + n, 1, cap - n, file);
        n += got;
        if (ferror(file)) {
            failure_set(failure, "%s: %s", path, strerror(errno));
            goto fail;
        }
        if (n < cap)
            break;
        if (cap > max) {
            failure_set(failure, "%s: larger than %zu bytes", name, max);
            goto fail;
        }
        cap *= 2;
    }
    fclose(file);
    free(path);
    text[n] = '\0';
    *len = n;
    return text;

fail:
    if (file != NULL)
        fclose(file);
    free(path);
    free(text);
    return NULL;
}

json_t *hf_json_load(const char *dir, const char *name, unsigned flags, struct failure *failure)
{
    json_error_t error;
    json_t *root;
    size_t len = 0;
    char *text = hf_read_file(dir, name, MAX_JSON_LEN, (flags & HF_JSON_OPTIONAL) != 0, &len, failure);

    if (text == NULL)
        return NULL;
    root = json_loadb(text, len,
                      JSON_REJECT_DUPLICATES | (flags & HF_JSON_REALS ? JSON_DECODE_INT_AS_REAL : 0),
                      &error);
    free(text);
    if (root == NULL) {
        failure_set(failure, "%s: line %d, column %d: %s", name, error.line, error.column,
                    error.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        failure_set(failure, "%s: not a JSON object", name);
        json_decref(root);
        return NULL;
    }
    return root;
}

/* The member, or NULL where it is missing or null. */
static json_t *member(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value == NULL || json_is_null(value) ? NULL : value;
}

int hf_json_u32(const json_t *object, const char *file, const char *key, uint32_t min, uint32_t max,
                uint32_t *value, struct failure *failure)
{
    json_t *v = member(object, key);
    json_int_t n;

    if (v == NULL)
        return 0;
    if (!json_is_integer(v))
        return failure_set(failure, "%s: '%s' is not an integer", file, key);
    n = json_integer_value(v);
    if (n < (json_int_t)min || n > (json_int_t)max)
        return failure_set(failure, "%s: '%s' is %lld, supported: %lu to %lu", file, key,
                           (long long)n, (unsigned long)min, (unsigned long)max);
    *value = (uint32_t)n;
    return 0;
}

int hf_json_number(const json_t *object, const char *file, const char *key, double *value,
                   struct failure *failure)
{
    json_t *v = member(object, key);

    if (v == NULL)
        return 0;
    if (!json_is_number(v))
        return failure_set(failure, "%s: '%s' is not a number", file, key);
    *value = json_number_value(v);
    return 0;
}

int hf_json_bool(const json_t *object, const char *file, const char *key, int *value,
                 struct failure *failure)
{
    json_t *v = member(object, key);

    if (v == NULL)
        return 0;
    if (!json_is_boolean(v))
        return failure_set(failure, "%s: '%s' is neither true nor false", file, key);
    *value = json_is_true(v);
    return 0;
}

int hf_json_string(const json_t *object, const char *file, const char *key, const char **value,
                   struct failure *failure)
{
    json_t *v = member(object, key);

    if (v == NULL)
        return 0;
    if (!json_is_string(v))
        return failure_set(failure, "%s: '%s' is not a string", file, key);
    *value = json_string_value(v);
    return 0;
}
