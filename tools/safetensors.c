/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.c - see safetensors.h.
 *
 * The format (github.com/huggingface/safetensors): u64 header length, a JSON header of that length,
 * then the data; the header maps each name to {dtype, shape, data_offsets}.  As the reference does,
 * a file is refused where tensors overlap, leave holes, or do not end at the end of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "half.h"
#include "hf_json.h"
#include "safetensors.h"

#define MAX_HEADER_LEN 100000000u /* the reference's own limit */
#define SINGLE_FILE "model.safetensors"
#define INDEX_FILE "model.safetensors.index.json"

static const struct {
    const char *name;
    unsigned len;
} dtypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},   {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2},
    {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4},     {"F32", 4},     {"F64", 8}, {"I64", 8},
    {"U64", 8},
};

const char *st_shape_text(const uint64_t *dims, unsigned dim_n, char *text)
{
    size_t at = 0;

    text[at++] = '[';
    for (unsigned i = 0; i < dim_n; i++)
        at += (size_t)snprintf(text + at, 24, "%s%llu", i > 0 ? ", " : "",
                               (unsigned long long)dims[i]);
    text[at++] = ']';
    text[at] = '\0';
    return text;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

static int compare_data(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;
    uint64_t x_len = x->element_n * x->element_len, y_len = y->element_n * y->element_len;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x_len > y_len) - (x_len < y_len); /* an empty tensor before the one it touches */
}

/* One header entry -> *t; 'data' is where the data begin, 'data_len' bytes of them. */
static int parse_entry(struct st_tensor *t, const char *file, const char *name, const json_t *entry,
                       const uint8_t *data, uint64_t data_len, struct failure *failure)
{
    const json_t *shape = json_object_get(entry, "shape"), *pair, *begin, *end, *dim;
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    uint64_t from, to;

    pair = json_object_get(entry, "data_offsets");
    begin = json_array_get(pair, 0);
    end = json_array_get(pair, 1);
    if (dtype == NULL || !json_is_array(shape) || json_array_size(pair) != 2 ||
        !json_is_integer(begin) || !json_is_integer(end))
        return failure_set(failure, "%s: tensor '%s': needs 'dtype', 'shape' and 'data_offsets'",
                           file, name);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(dtype, dtypes[i].name) == 0) {
            t->dtype = dtypes[i].name;
            t->element_len = dtypes[i].len;
        }
    }
    if (t->dtype == NULL)
        return failure_set(failure, "%s: tensor '%s': unknown dtype '%s'", file, name, dtype);
    if (json_array_size(shape) > ST_MAX_DIMS)
        return failure_set(failure, "%s: tensor '%s': more than %d dimensions", file, name,
                           ST_MAX_DIMS);
    t->element_n = 1;
    for (t->dim_n = 0; t->dim_n < json_array_size(shape); t->dim_n++) {
        dim = json_array_get(shape, t->dim_n);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return failure_set(failure, "%s: tensor '%s': a dimension is not a whole number", file,
                               name);
        t->dims[t->dim_n] = (uint64_t)json_integer_value(dim);
        if (t->dims[t->dim_n] != 0 && t->element_n > data_len / t->dims[t->dim_n])
            return failure_set(failure, "%s: tensor '%s': larger than the file", file, name);
        t->element_n *= t->dims[t->dim_n];
    }
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin) ||
        (uint64_t)json_integer_value(end) > data_len)
        return failure_set(failure,
                           "%s: tensor '%s': data_offsets [%lld, %lld] outside the %llu bytes of "
                           "data (a download cut short?)",
                           file, name, (long long)json_integer_value(begin),
                           (long long)json_integer_value(end), (unsigned long long)data_len);
    from = (uint64_t)json_integer_value(begin);
    to = (uint64_t)json_integer_value(end);
    if (to - from != t->element_n * t->element_len) /* element_n <= data_len: no overflow */
        return failure_set(failure,
                           "%s: tensor '%s': %llu bytes, but its shape and dtype %s take %llu", file,
                           name, (unsigned long long)(to - from), dtype,
                           (unsigned long long)(t->element_n * t->element_len));
    t->data = data + from;
    t->name = strdup(name);
    if (t->name == NULL)
        return failure_set(failure, "out of memory");
    t->file = file;
    return 0;
}

/* The tensors of one file must lie end to end from 'data' to 'data_end'. */
static int check_coverage(struct st_tensor *tensors, size_t n, const char *file,
                          const uint8_t *data, const uint8_t *data_end, struct failure *failure)
{
    const uint8_t *at = data;

    qsort(tensors, n, sizeof *tensors, compare_data);
    for (size_t i = 0; i < n; i++) {
        if (tensors[i].data != at)
            return failure_set(failure, "%s: tensor '%s' %s", file, tensors[i].name,
                               tensors[i].data < at ? "overlaps another one"
                                                    : "leaves a hole before it");
        at += tensors[i].element_n * tensors[i].element_len;
    }
    if (at != data_end)
        return failure_set(failure, "%s: %llu bytes after the last tensor", file,
                           (unsigned long long)(data_end - at));
    return 0;
}

static int map_file(struct st_file *file, const char *dir, struct failure *failure)
{
    char *path = hf_path(dir, file->name, failure);
    struct stat info;
    int fd = -1;

    if (path == NULL)
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        failure_set(failure, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(info.st_mode) || info.st_size < 8) {
        failure_set(failure, "%s: not a safetensors file (too short)", file->name);
        goto fail;
    }
    file->map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file->map == MAP_FAILED) {
        file->map = NULL;
        failure_set(failure, "%s: %s", path, strerror(errno));
        goto fail;
    }
    file->len = (size_t)info.st_size;
    close(fd);
    free(path);
    return 0;

fail:
    if (fd >= 0)
        close(fd);
    free(path);
    return -1;
}

/* Map one more file of the set and append its tensors. */
static int add_file(struct st_set *set, const char *dir, const char *name, struct failure *failure)
{
    struct st_file *file = set->files + set->file_n;
    struct st_tensor *grown;
    json_t *header = NULL, *entry;
    json_error_t error;
    const uint8_t *bytes, *data;
    const char *key;
    uint64_t header_len = 0;
    size_t first = set->tensor_n;

    file->name = strdup(name);
    if (file->name == NULL)
        return failure_set(failure, "out of memory");
    set->file_n++; /* from here on st_close() frees it */
    if (map_file(file, dir, failure) != 0)
        goto fail;
    bytes = file->map;
    for (unsigned i = 0; i < 8; i++)
        header_len |= (uint64_t)bytes[i] << 8 * i;
    if (header_len > MAX_HEADER_LEN || header_len > file->len - 8 || header_len < 2 ||
        bytes[8] != '{') {
        failure_set(failure, "%s: not a safetensors file (its header is damaged)", name);
        goto fail;
    }
    header = json_loadb((const char *)bytes + 8, (size_t)header_len, JSON_REJECT_DUPLICATES, &error);
    if (header == NULL) {
        failure_set(failure, "%s: header, byte %d: %s", name, error.position, error.text);
        goto fail;
    }
    data = bytes + 8 + header_len;
    grown = realloc(set->tensors, (first + json_object_size(header) + 1) * sizeof *grown);
    if (grown == NULL) {
        failure_set(failure, "out of memory");
        goto fail;
    }
    set->tensors = grown;
    json_object_foreach(header, key, entry) {
        struct st_tensor t = {0};
        if (strcmp(key, "__metadata__") == 0)
            continue;
        if (parse_entry(&t, file->name, key, entry, data, file->len - 8 - header_len, failure) != 0)
            goto fail;
        set->tensors[set->tensor_n++] = t;
    }
    if (check_coverage(set->tensors + first, set->tensor_n - first, file->name, data,
                       bytes + file->len, failure) != 0)
        goto fail;
    json_decref(header);
    return 0;

fail:
    json_decref(header);
    return -1;
}

/* The shards that 'index' names, each once; then every name must be where the index says. */
static int add_shards(struct st_set *set, const char *dir, const json_t *index,
                      struct failure *failure)
{
    json_t *weight_map = json_object_get(index, "weight_map"), *value;
    const char *key, *name;
    size_t known;

    if (!json_is_object(weight_map) || json_object_size(weight_map) == 0)
        return failure_set(failure, INDEX_FILE ": no 'weight_map'");
    set->files = calloc(json_object_size(weight_map), sizeof *set->files);
    if (set->files == NULL)
        return failure_set(failure, "out of memory");
    json_object_foreach(weight_map, key, value) {
        name = json_string_value(value);
        if (name == NULL || name[0] == '.' || strchr(name, '/') != NULL)
            return failure_set(failure, INDEX_FILE ": '%s' is not in a file of this folder", key);
        for (known = 0; known < set->file_n; known++)
            if (strcmp(set->files[known].name, name) == 0)
                break;
        if (known == set->file_n && add_file(set, dir, name, failure) != 0)
            return -1;
    }
    for (size_t i = 0; i < set->tensor_n; i++) {
        name = json_string_value(json_object_get(weight_map, set->tensors[i].name));
        if (name == NULL || strcmp(name, set->tensors[i].file) != 0)
            return failure_set(failure, "%s: tensor '%s' is not where " INDEX_FILE " says",
                               set->tensors[i].file, set->tensors[i].name);
    }
    if (set->tensor_n != json_object_size(weight_map)) {
        qsort(set->tensors, set->tensor_n, sizeof *set->tensors, compare_names);
        json_object_foreach(weight_map, key, value)
            if (st_find(set, key) == NULL)
                return failure_set(failure, "%s: missing tensor '%s', which " INDEX_FILE " names",
                                   json_string_value(value), key);
    }
    return 0;
}

int st_open(struct st_set *set, const char *dir, struct failure *failure)
{
    json_t *index = NULL;
    char *path = hf_path(dir, SINGLE_FILE, failure);
    int single;

    if (path == NULL)
        return -1;
    single = access(path, F_OK) == 0;
    free(path);
    if (single) {
        set->files = calloc(1, sizeof *set->files);
        if (set->files == NULL)
            return failure_set(failure, "out of memory");
        if (add_file(set, dir, SINGLE_FILE, failure) != 0)
            goto fail;
    } else {
        index = hf_json_load(dir, INDEX_FILE, HF_JSON_OPTIONAL, failure);
        if (index == NULL) {
            if (failure->message[0] == '\0')
                failure_set(failure,
                            "%s: neither " SINGLE_FILE " nor " INDEX_FILE
                            " (pytorch_model.bin is not read: save the model with "
                            "safe_serialization=True)",
                            dir);
            goto fail;
        }
        if (add_shards(set, dir, index, failure) != 0)
            goto fail;
    }
    qsort(set->tensors, set->tensor_n, sizeof *set->tensors, compare_names);
    for (size_t i = 1; i < set->tensor_n; i++) {
        if (strcmp(set->tensors[i - 1].name, set->tensors[i].name) == 0) {
            failure_set(failure, "%s: tensor '%s' is also in %s", set->tensors[i].file,
                        set->tensors[i].name, set->tensors[i - 1].file);
            goto fail;
        }
    }
    json_decref(index);
    return 0;

fail:
    json_decref(index);
    st_close(set);
    return -1;
}

void st_close(struct st_set *set)
{
    for (size_t i = 0; i < set->tensor_n; i++)
        free(set->tensors[i].name);
    free(set->tensors);
    for (size_t i = 0; i < set->file_n; i++) {
        if (set->files[i].map != NULL)
            munmap(set->files[i].map, set->files[i].len);
        free(set->files[i].name);
    }
    free(set->files);
    memset(set, 0, sizeof *set);
}

struct st_tensor *st_find(const struct st_set *set, const char *name)
{
    size_t low = 0, high = set->tensor_n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, set->tensors[middle].name);
        if (order == 0)
            return &set->tensors[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int st_read_f32(const struct st_tensor *tensor, uint64_t first, uint64_t n, float *out,
                struct failure *failure)
{
    const uint8_t *p = tensor->data + first * tensor->element_len;

    if (strcmp(tensor->dtype, "F32") == 0) {
        for (uint64_t i = 0; i < n; i++, p += 4)
            out[i] = float_of_bits((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                                   (uint32_t)p[3] << 24);
    } else if (strcmp(tensor->dtype, "F16") == 0) {
        for (uint64_t i = 0; i < n; i++, p += 2)
            out[i] = float_of_f16((uint16_t)(p[0] | p[1] << 8));
    } else if (strcmp(tensor->dtype, "BF16") == 0) {
        for (uint64_t i = 0; i < n; i++, p += 2)
            out[i] = float_of_bf16((uint16_t)(p[0] | p[1] << 8));
    } else {
        return failure_set(failure, "%s: tensor '%s': dtype %s, supported: F32, F16, BF16",
                           tensor->file, tensor->name, tensor->dtype);
    }
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(out[i]))
            return failure_set(failure, "%s: tensor '%s': element %llu is not a finite number",
                               tensor->file, tensor->name, (unsigned long long)(first + i));
    return 0;
}
