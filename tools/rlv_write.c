/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_write.c - see rlv_write.h.
 */
#include <stdlib.h>
#include <string.h>

#include "../include/relevance.h"
#include "rlv_write.h"
#include "temp_file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are written as they lie");

/* ---- tensors ---- */

int rlv_writer_add(struct rlv_writer *writer, uint32_t layer, unsigned part, unsigned slot,
                   const struct rlv_tensor *shape, void *data, struct failure *failure)
{
    struct rlv_writer_tensor *grown, *added;
    size_t cap = writer->tensor_cap != 0 ? 2 * writer->tensor_cap : 64;

    if (data == NULL)
        return failure_set(failure, "out of memory");
    if (writer->tensor_n == writer->tensor_cap) {
        grown = realloc(writer->tensors, cap * sizeof *grown);
        if (grown == NULL) {
            free(data);
            return failure_set(failure, "out of memory");
        }
        writer->tensors = grown;
        writer->tensor_cap = cap;
    }
    added = &writer->tensors[writer->tensor_n++];
    added->t = *shape;
    added->t.layer = (uint16_t)layer;
    added->t.part = (uint16_t)part;
    added->t.slot = (uint16_t)slot;
    added->t.len = rlv_tensor_len(shape->dtype, shape->layout, shape->rows, shape->cols);
    added->data = data;
    return 0;
}

int rlv_writer_add_vector(struct rlv_writer *writer, uint32_t layer, unsigned part, unsigned slot,
                          unsigned dtype, const void *elements, uint32_t n,
                          struct failure *failure)
{
    struct rlv_tensor shape = {
        .dtype = (uint16_t)dtype, .layout = RLV_LAYOUT_VECTOR, .rows = n, .cols = 1};
    size_t len = (size_t)rlv_tensor_len(dtype, RLV_LAYOUT_VECTOR, n, 1);
    void *data = calloc(1, len);

    if (data != NULL)
        memcpy(data, elements, (size_t)n * 4);
    return rlv_writer_add(writer, layer, part, slot, &shape, data, failure);
}

static int compare_tensors(const void *a, const void *b)
{
    const struct rlv_tensor *x = &((const struct rlv_writer_tensor *)a)->t;
    const struct rlv_tensor *y = &((const struct rlv_writer_tensor *)b)->t;
    uint64_t i = (uint64_t)x->layer << 32 | (uint64_t)x->part << 16 | x->slot;
    uint64_t j = (uint64_t)y->layer << 32 | (uint64_t)y->part << 16 | y->slot;

    return (i > j) - (i < j);
}

/* ---- the file in memory ---- */

struct image {
    uint8_t *bytes;
    uint64_t len;
    uint32_t section_n;
    struct rlv_section sections[RLV_SECTION_META];
};

static void place_section(struct image *image, uint32_t kind, uint64_t len)
{
    struct rlv_section *s;

    if (len == 0)
        return;
    s = &image->sections[image->section_n++];
    s->kind = kind;
    s->offset = rlv_round_up(image->len, RLV_ALIGN);
    s->len = len;
    image->len = s->offset + len;
}

uint64_t rlv_labels_len(const struct rlv_writer_label *labels, uint32_t n)
{
    uint64_t len = n > 0 ? sizeof(struct rlv_labels_header) : 0;

    for (uint32_t i = 0; i < n; i++)
        len += sizeof(struct rlv_label) + strlen(labels[i].name) + 1;
    if (n > 0 && labels[0].prior > 0.0f)
        len = rlv_round_up(len, sizeof(float)) + n * sizeof(float);
    return len;
}

void rlv_labels_put(const struct rlv_writer_label *labels, uint32_t n, uint8_t *out)
{
    struct rlv_labels_header h = {.label_n = n};
    uint32_t at = (uint32_t)(sizeof h + n * sizeof(struct rlv_label));

    for (uint32_t i = 0; i < n; i++) {
        struct rlv_label l = {.name_offset = at,
                              .name_len = (uint32_t)strlen(labels[i].name),
                              .gain = labels[i].gain,
                              .logit_bias = labels[i].logit_bias};
        memcpy(out + sizeof h + i * sizeof l, &l, sizeof l);
        memcpy(out + at, labels[i].name, l.name_len);
        at += l.name_len + 1;
    }
    if (n > 0 && labels[0].prior > 0.0f) {
        h.prior_offset = (uint32_t)rlv_round_up(at, sizeof(float));
        for (uint32_t i = 0; i < n; i++)
            memcpy(out + h.prior_offset + i * sizeof(float), &labels[i].prior, sizeof(float));
    }
    memcpy(out, &h, sizeof h);
}

/* Give each tensor its place; returns the length of the DATA section. */
static uint64_t place_tensors(struct rlv_writer *writer)
{
    uint64_t at = 0;

    qsort(writer->tensors, writer->tensor_n, sizeof *writer->tensors, compare_tensors);
    for (size_t i = 0; i < writer->tensor_n; i++) {
        writer->tensors[i].t.offset = rlv_round_up(at, RLV_ALIGN);
        at = writer->tensors[i].t.offset + writer->tensors[i].t.len;
    }
    return at;
}

/* Frees each tensor's data once they are copied, so that a large model is not held twice. */
static void put_tensors(struct rlv_writer *writer, uint8_t *table, uint8_t *data)
{
    for (size_t i = 0; i < writer->tensor_n; i++) {
        struct rlv_writer_tensor *t = &writer->tensors[i];
        memcpy(table + i * sizeof t->t, &t->t, sizeof t->t);
        memcpy(data + t->t.offset, t->data, (size_t)t->t.len);
        free(t->data);
        t->data = NULL;
    }
}

static void put_section(struct rlv_writer *writer, const struct image *image,
                        const struct rlv_section *s)
{
    uint8_t *out = image->bytes + s->offset;

    switch (s->kind) {
    case RLV_SECTION_CONFIG: memcpy(out, &writer->config, sizeof writer->config); break;
    case RLV_SECTION_LABELS: rlv_labels_put(writer->labels, writer->config.label_n, out); break;
    case RLV_SECTION_TOKEN_LABELS:
        rlv_labels_put(writer->token_labels, writer->config.token_label_n, out);
        break;
    case RLV_SECTION_VOCAB: memcpy(out, writer->vocab, (size_t)writer->vocab_len); break;
    case RLV_SECTION_TENSORS: /* the DATA section is the next one */
        put_tensors(writer, out, image->bytes + s[1].offset);
        break;
    case RLV_SECTION_META: memcpy(out, writer->metadata, (size_t)s->len); break;
    default: break;
    }
}

static int make_image(struct rlv_writer *writer, struct image *image, struct failure *failure)
{
    struct rlv_file_header h = {.version = RLV_FORMAT_VERSION,
                                .endian_tag = RLV_ENDIAN_TAG,
                                .table_offset = sizeof h};
    uint64_t data_len = place_tensors(writer);

    image->len = sizeof h + RLV_SECTION_META * sizeof(struct rlv_section); /* the table, at most */
    place_section(image, RLV_SECTION_CONFIG, sizeof writer->config);
    place_section(image, RLV_SECTION_LABELS, rlv_labels_len(writer->labels, writer->config.label_n));
    place_section(image, RLV_SECTION_TOKEN_LABELS,
                  rlv_labels_len(writer->token_labels, writer->config.token_label_n));
    place_section(image, RLV_SECTION_VOCAB, writer->vocab_len);
    place_section(image, RLV_SECTION_TENSORS, writer->tensor_n * sizeof(struct rlv_tensor));
    place_section(image, RLV_SECTION_DATA, data_len);
    if (writer->metadata != NULL)
        place_section(image, RLV_SECTION_META, strlen(writer->metadata) + 1);
    image->bytes = aligned_alloc(RLV_ALIGN, (size_t)rlv_round_up(image->len, RLV_ALIGN));
    if (image->bytes == NULL)
        return failure_set(failure, "out of memory: the model takes %llu bytes",
                           (unsigned long long)image->len);
    memset(image->bytes, 0, (size_t)image->len);
    for (uint32_t i = 0; i < image->section_n; i++)
        put_section(writer, image, &image->sections[i]);
    for (uint32_t i = 0; i < image->section_n; i++)
        image->sections[i].checksum =
            rlv_checksum(image->bytes + image->sections[i].offset, image->sections[i].len);
    memcpy(image->bytes + h.table_offset, image->sections,
           image->section_n * sizeof image->sections[0]);

    memcpy(h.magic, RLV_MAGIC, sizeof h.magic);
    h.file_len = image->len;
    h.section_n = image->section_n;
    h.table_checksum =
        rlv_checksum(image->bytes + h.table_offset, h.section_n * sizeof image->sections[0]);
    h.header_checksum = rlv_checksum(&h, offsetof(struct rlv_file_header, header_checksum));
    memcpy(image->bytes, &h, sizeof h);
    return 0;
}

/* ---- the file on disk ---- */

/* Would the library open it? */
static int check_file(const char *path, struct failure *failure)
{
    struct relevance_error error;
    relevance_model *model = NULL;

    if (relevance_open(path, NULL, &model, &error) != RELEVANCE_OK)
        return failure_set(failure, "the library does not open what was written: %s (a defect; please "
                                    "report it)",
                           error.message);
    relevance_close(model);
    return 0;
}

int rlv_write_file(const void *bytes, uint64_t len, const char *path, struct failure *failure)
{
    if (temp_file_open(path, failure) < 0)
        return -1;
    if (temp_file_write(bytes, (size_t)len, failure) == 0 && temp_file_sync(failure) == 0 &&
        check_file(temp_file_name(), failure) == 0)
        return temp_file_commit(failure);
    temp_file_discard();
    return -1;
}

int rlv_writer_save(struct rlv_writer *writer, const char *path, uint64_t *file_len,
                    struct failure *failure)
{
    struct image image = {0};
    int status = make_image(writer, &image, failure);

    if (status == 0)
        status = rlv_write_file(image.bytes, image.len, path, failure);
    *file_len = image.len;
    free(image.bytes);
    return status;
}

int rlv_writer_image(struct rlv_writer *writer, void **image, uint64_t *len,
                     struct failure *failure)
{
    struct image made = {0};

    if (make_image(writer, &made, failure) != 0)
        return -1;
    *image = made.bytes;
    *len = made.len;
    return 0;
}

void rlv_writer_free(struct rlv_writer *writer)
{
    for (uint32_t i = 0; writer->labels != NULL && i < writer->config.label_n; i++)
        free(writer->labels[i].name);
    for (uint32_t i = 0; writer->token_labels != NULL && i < writer->config.token_label_n; i++)
        free(writer->token_labels[i].name);
    free(writer->labels);
    free(writer->token_labels);
    free(writer->vocab);
    free(writer->metadata);
    for (size_t i = 0; i < writer->tensor_n; i++)
        free(writer->tensors[i].data);
    free(writer->tensors);
    memset(writer, 0, sizeof *writer);
}
