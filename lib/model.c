/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - open a model file: map it, validate all of it once, and make views of its tensors.
 *
 * Nothing read from the file is trusted before it is checked, and everything that a later call uses
 * as a size, an offset or an index is checked here, so that no later read is out of bounds whatever
 * the file holds.  docs/format.md lists the rules.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1 /* MAP_POPULATE */
#endif
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif

/* What the functions below pass around while a file is being opened. */
struct opening {
    struct relevance_model *model;
    struct relevance_error *error;
    const struct rlv_section *sections[8]; /* by kind; NULL where absent */
    const struct rlv_tensor *tensors;
    uint32_t tensor_n;
    uint32_t used_n; /* tensors that the network asked for: all must be */
    const uint8_t *data;
};

static int bad(struct opening *o, const void *where, const char *what)
{
    uint64_t position = (uint64_t)((const uint8_t *)where - o->model->base);
    rlv_fail(o->error, RELEVANCE_BAD_MODEL, position, "damaged model file: %s (byte %llu)", what,
             (unsigned long long)position);
    return 0;
}

/* ---- bytes ---- */

static enum relevance_status read_all(struct relevance_model *model, int fd, const char *path,
                                      struct relevance_error *error)
{
    uint8_t *memory =
        (uint8_t *)model->allocator.alloc(model->allocator.user, model->len, RLV_ALIGN);
    size_t done = 0;
    if (memory == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate %llu bytes for '%.120s'",
                        (unsigned long long)model->len, path);
    model->base = memory;
    model->storage = RLV_ALLOCATED;
    while (done < model->len) {
        ssize_t n = read(fd, memory + done, model->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return rlv_fail(error, RELEVANCE_IO, done, "cannot read '%.120s': %s", path,
                            n == 0 ? "it became shorter" : strerror(errno));
        done += (size_t)n;
    }
    return RELEVANCE_OK;
}

static enum relevance_status load_file(struct relevance_model *model, const char *path,
                                       uint32_t flags, struct relevance_error *error)
{
    enum relevance_status status = RELEVANCE_OK;
    struct stat st;
    /* Without O_NONBLOCK a FIFO would block here until somebody writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return rlv_fail(error, RELEVANCE_IO, 0, "cannot open '%.160s': %s", path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        status = rlv_fail(error, RELEVANCE_IO, 0, "cannot stat '%.160s': %s", path,
                          strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = rlv_fail(error, RELEVANCE_IO, 0, "'%.160s' is not a regular file", path);
    } else if ((uint64_t)st.st_size < sizeof(struct rlv_file_header)) {
        status = rlv_fail(error, RELEVANCE_BAD_MODEL, 0,
                          "'%.120s' is not a model file: it has only %llu bytes", path,
                          (unsigned long long)st.st_size);
    } else {
        void *map = MAP_FAILED;
        model->len = (size_t)st.st_size;
        if ((flags & RELEVANCE_OPEN_COPY) == 0)
            map = mmap(NULL, model->len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (map != MAP_FAILED) {
            model->base = (const uint8_t *)map;
            model->storage = RLV_MAPPED;
        } else {
            status = read_all(model, fd, path, error);
        }
    }
    close(fd);
    return status;
}

static enum relevance_status load_memory(struct relevance_model *model, const void *data,
                                         size_t len, uint32_t flags, struct relevance_error *error)
{
    uint8_t *memory;
    model->len = len;
    if ((flags & RELEVANCE_OPEN_COPY) == 0 && (uintptr_t)data % RLV_ALIGN == 0) {
        model->base = (const uint8_t *)data;
        model->storage = RLV_BORROWED;
        return RELEVANCE_OK;
    }
    memory = (uint8_t *)model->allocator.alloc(model->allocator.user, len, RLV_ALIGN);
    if (memory == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate %llu bytes for the model",
                        (unsigned long long)len);
    memcpy(memory, data, len);
    model->base = memory;
    model->storage = RLV_ALLOCATED;
    return RELEVANCE_OK;
}

/* ---- header and sections ---- */

static enum relevance_status check_header(struct opening *o)
{
    const struct rlv_file_header *h = (const struct rlv_file_header *)(const void *)o->model->base;
    if (memcmp(h->magic, RLV_MAGIC, sizeof h->magic) != 0)
        return rlv_fail(o->error, RELEVANCE_BAD_MODEL, 0,
                        "not a model file: it does not begin with the .rlv signature; make one "
                        "with 'relevance convert'");
    if (h->endian_tag != RLV_ENDIAN_TAG)
        return rlv_fail(o->error, RELEVANCE_BAD_VERSION, 12,
                        "byte order tag 0x%08x: model files are little-endian, and so must the "
                        "machine be",
                        (unsigned)h->endian_tag);
    if (h->header_checksum != rlv_checksum(h, offsetof(struct rlv_file_header, header_checksum)))
        return bad(o, &h->header_checksum, "header checksum differs"), RELEVANCE_BAD_MODEL;
    if (h->version != RLV_FORMAT_VERSION)
        return rlv_fail(o->error, RELEVANCE_BAD_VERSION, 8,
                        "model file of format version %u; this library reads version %u",
                        (unsigned)h->version, RLV_FORMAT_VERSION);
    if (h->file_len != o->model->len)
        return rlv_fail(o->error, RELEVANCE_BAD_MODEL, 16,
                        "model file has %llu bytes, its header says %llu: it was cut or extended",
                        (unsigned long long)o->model->len, (unsigned long long)h->file_len);
    if (h->reserved0 != 0)
        return bad(o, &h->reserved0, "reserved field of the header is set"), RELEVANCE_BAD_MODEL;
    if (h->reserved1 != 0)
        return bad(o, &h->reserved1, "reserved field of the header is set"), RELEVANCE_BAD_MODEL;
    return RELEVANCE_OK;
}

static int check_section(struct opening *o, const struct rlv_section *s, uint32_t previous_kind,
                         uint64_t end, int skip_data_checksum)
{
    if (s->kind <= previous_kind || s->kind > RLV_SECTION_META || s->reserved != 0)
        return bad(o, s, "section table: unknown or repeated section");
    if (s->offset % RLV_ALIGN != 0 || s->offset < end || s->offset > o->model->len ||
        s->len > o->model->len - s->offset || s->len == 0)
        return bad(o, s, "section table: section lies outside the file or overlaps another");
    if (!(s->kind == RLV_SECTION_DATA && skip_data_checksum) &&
        rlv_checksum(o->model->base + s->offset, s->len) != s->checksum)
        return bad(o, o->model->base + s->offset, "section checksum differs");
    return 1;
}

static int check_sections(struct opening *o, int skip_data_checksum)
{
    const struct rlv_file_header *h = (const struct rlv_file_header *)(const void *)o->model->base;
    const struct rlv_section *table;
    uint64_t end;
    uint32_t kind = 0;
    if (h->section_n > RLV_SECTION_META || h->table_offset % 8 != 0 ||
        h->table_offset < sizeof *h || h->table_offset > o->model->len ||
        h->section_n * sizeof *table > o->model->len - h->table_offset)
        return bad(o, &h->table_offset, "section table lies outside the file");
    table = (const struct rlv_section *)(const void *)(o->model->base + h->table_offset);
    end = h->table_offset + h->section_n * sizeof *table;
    if (rlv_checksum(table, h->section_n * sizeof *table) != h->table_checksum)
        return bad(o, table, "section table checksum differs");
    for (uint32_t i = 0; i < h->section_n; i++) {
        if (!check_section(o, &table[i], kind, end, skip_data_checksum))
            return 0;
        kind = table[i].kind;
        end = table[i].offset + table[i].len;
        o->sections[kind] = &table[i];
    }
    if (!o->sections[RLV_SECTION_CONFIG] || !o->sections[RLV_SECTION_VOCAB] ||
        !o->sections[RLV_SECTION_TENSORS] || !o->sections[RLV_SECTION_DATA])
        return bad(o, table, "a section is missing: config, vocabulary, tensors or data");
    return 1;
}

static const void *section_bytes(const struct opening *o, enum rlv_section_kind kind)
{
    return o->model->base + o->sections[kind]->offset;
}

/* ---- configuration, labels, vocabulary, metadata ---- */

static int check_config(struct opening *o)
{
    const struct rlv_config *c =
        (const struct rlv_config *)section_bytes(o, RLV_SECTION_CONFIG);
    if (o->sections[RLV_SECTION_CONFIG]->len != sizeof *c)
        return bad(o, c, "configuration has the wrong size");
    if (c->arch != RLV_ARCH_DISTILBERT && c->arch != RLV_ARCH_BERT)
        return bad(o, &c->arch, "unknown architecture");
    if (c->hidden_size == 0 || c->hidden_size > RLV_MAX_HIDDEN || c->head_n == 0 ||
        c->hidden_size % c->head_n != 0 || c->hidden_size / c->head_n % 8 != 0 ||
        c->hidden_size / c->head_n > RLV_MAX_HEAD_DIM)
        return bad(o, &c->hidden_size, "hidden size and heads do not fit");
    if (c->layer_n == 0 || c->layer_n > RLV_MAX_LAYERS)
        return bad(o, &c->layer_n, "layer count out of range");
    if (c->intermediate_size == 0 || c->intermediate_size > RLV_MAX_INTERMEDIATE)
        return bad(o, &c->intermediate_size, "intermediate size out of range");
    if (c->max_tokens < 4 || c->max_tokens > RLV_MAX_POSITIONS)
        return bad(o, &c->max_tokens, "token limit out of range");
    if (c->vocab_n == 0 || c->vocab_n > RLV_MAX_VOCAB)
        return bad(o, &c->vocab_n, "vocabulary size out of range");
    if (c->type_n > RLV_MAX_TYPES || (c->type_n != 0) != (c->arch == RLV_ARCH_BERT))
        return bad(o, &c->type_n, "token type count does not fit the architecture");
    if (c->head_kind > RLV_HEAD_DIRECT || c->label_n > RELEVANCE_MAX_LABELS ||
        (c->label_n != 0) != (c->head_kind != RLV_HEAD_NONE))
        return bad(o, &c->label_n, "label count does not fit the head");
    if (c->token_label_n > RLV_MAX_TOKEN_LABELS)
        return bad(o, &c->token_label_n, "token label count out of range");
    if (c->flags & ~(uint32_t)RLV_CONFIG_ALL)
        return bad(o, &c->flags, "unknown configuration flag");
    if (c->pad_id >= c->vocab_n || c->unk_id >= c->vocab_n || c->cls_id >= c->vocab_n ||
        c->sep_id >= c->vocab_n || c->mask_id >= c->vocab_n)
        return bad(o, &c->pad_id, "a special token's id is outside the vocabulary");
    if (!(c->layer_norm_epsilon > 0.0f && c->layer_norm_epsilon <= 1e-3f))
        return bad(o, &c->layer_norm_epsilon, "layer norm epsilon out of range");
    if (!(c->logit_scale > 0.0f && c->logit_scale <= 1e3f))
        return bad(o, &c->logit_scale, "logit scale out of range");
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++)
        if (c->reserved[i] != 0)
            return bad(o, &c->reserved[i], "reserved field of the configuration is set");
    o->model->config = c;
    return 1;
}

/* The label shares that the file may hold behind its labels. */
static int check_priors(struct opening *o, const uint8_t *labels, uint64_t len, uint32_t label_n,
                        const float **priors)
{
    const struct rlv_labels_header *h = (const struct rlv_labels_header *)(const void *)labels;
    uint64_t first = sizeof *h + (uint64_t)label_n * sizeof(struct rlv_label);
    const float *p;
    double sum = 0.0;
    if (h->prior_offset == 0)
        return 1;
    if (priors == NULL)
        return bad(o, &h->prior_offset, "labels: token labels have no priors");
    if (h->prior_offset % sizeof *p != 0 || h->prior_offset < first || h->prior_offset > len ||
        label_n * sizeof *p > len - h->prior_offset)
        return bad(o, &h->prior_offset, "labels: the priors lie outside the section");
    p = (const float *)(const void *)(labels + h->prior_offset);
    for (uint32_t i = 0; i < label_n; i++) {
        if (!(p[i] > 0.0f && p[i] <= 1.0f))
            return bad(o, &p[i], "labels: prior out of range");
        sum += (double)p[i];
    }
    if (!(fabs(sum - 1.0) <= 1e-3))
        return bad(o, p, "labels: the priors do not add up to 1");
    *priors = p;
    return 1;
}

/* 'priors' is NULL where the section may not have any. */
static int check_labels(struct opening *o, enum rlv_section_kind kind, uint32_t label_n,
                        const uint8_t **labels, const float **priors)
{
    const struct rlv_section *s = o->sections[kind];
    const uint8_t *bytes;
    uint32_t n;
    *labels = NULL;
    if (label_n == 0)
        return s == NULL ? 1 : bad(o, s, "labels without a head");
    if (s == NULL)
        return bad(o, &o->model->config->label_n, "the head's labels are missing");
    bytes = (const uint8_t *)section_bytes(o, kind);
    if (s->len < sizeof(struct rlv_labels_header) ||
        s->len - sizeof(struct rlv_labels_header) < label_n * sizeof(struct rlv_label))
        return bad(o, bytes, "labels: section too short");
    memcpy(&n, bytes, sizeof n);
    if (n != label_n)
        return bad(o, bytes, "labels: count differs from the configuration");
    for (uint32_t i = 0; i < n; i++) {
        const struct rlv_label *l = rlv_label_at(bytes, i);
        if (l->name_len == 0 || l->name_offset >= s->len || l->name_len >= s->len - l->name_offset)
            return bad(o, l, "labels: a name lies outside the section");
        if (memchr(bytes + l->name_offset, 0, l->name_len) != NULL ||
            bytes[l->name_offset + l->name_len] != 0)
            return bad(o, l, "labels: a name does not end where it should");
        if (!(l->gain >= 0.0f && l->gain <= 1.0f) || !(fabsf(l->logit_bias) <= 1e3f))
            return bad(o, l, "labels: gain or bias out of range");
    }
    if (!check_priors(o, bytes, s->len, n, priors))
        return 0;
    *labels = bytes;
    return 1;
}

static int check_vocab(struct opening *o)
{
    const struct rlv_config *c = o->model->config;
    const struct rlv_section *s = o->sections[RLV_SECTION_VOCAB];
    struct rlv_vocab *v = &o->model->vocab;
    uint64_t position = 0;
    const char *problem = rlv_vocab_open(v, o->model->base + s->offset, s->len, &position);
    if (problem != NULL)
        return bad(o, o->model->base + s->offset + position, problem);
    if (v->token_n != c->vocab_n)
        return bad(o, &c->vocab_n, "vocabulary and configuration differ in size");
    v->flags = c->flags;
    v->pad_id = c->pad_id;
    v->unk_id = c->unk_id;
    v->cls_id = c->cls_id;
    v->sep_id = c->sep_id;
    v->mask_id = c->mask_id;
    return 1;
}

static int check_metadata(struct opening *o)
{
    const struct rlv_section *s = o->sections[RLV_SECTION_META];
    o->model->metadata = "";
    if (s == NULL)
        return 1;
    o->model->metadata = (const char *)section_bytes(o, RLV_SECTION_META);
    if (memchr(o->model->metadata, 0, s->len) != o->model->metadata + s->len - 1)
        return bad(o, o->model->metadata, "metadata does not end in NUL");
    return 1;
}

/* ---- tensors ---- */

static uint64_t tensor_order(const struct rlv_tensor *t)
{
    return (uint64_t)t->layer << 32 | (uint64_t)t->part << 16 | t->slot;
}

static int check_tensor(struct opening *o, const struct rlv_tensor *t)
{
    uint64_t data_len = o->sections[RLV_SECTION_DATA]->len;
    uint32_t k32 = (uint32_t)rlv_round_up(t->cols, RLV_K_BLOCK);
    if (t->rows == 0 || t->cols == 0 || t->cols > RLV_MAX_INTERMEDIATE)
        return bad(o, t, "tensor: shape out of range");
    if (t->group % RLV_K_BLOCK != 0 || t->group > k32)
        return bad(o, t, "tensor: scale group is no multiple of 32, or larger than the row");
    if (t->len == 0 || t->len != rlv_tensor_len(t->dtype, t->layout, t->rows, t->cols))
        return bad(o, t, "tensor: length does not follow from its shape, type and layout");
    if (t->offset % RLV_ALIGN != 0 || t->offset > data_len || t->len > data_len - t->offset)
        return bad(o, t, "tensor: lies outside the data section");
    if (t->reserved0 != 0 || t->reserved[0] != 0 || t->reserved[1] != 0)
        return bad(o, t, "tensor: reserved field is set");
    return 1;
}

/* f32 vectors are few and small: all must be finite, so that a damaged scale is noticed. */
static int check_finite(struct opening *o, const struct rlv_tensor *t)
{
    const float *x = (const float *)(const void *)(o->data + t->offset);
    for (uint64_t i = 0; i < t->len / sizeof *x; i++)
        if (!isfinite(x[i]))
            return bad(o, &x[i], "tensor: a value is not finite");
    return 1;
}

static int check_tensors(struct opening *o)
{
    const struct rlv_section *s = o->sections[RLV_SECTION_TENSORS];
    o->tensors = (const struct rlv_tensor *)section_bytes(o, RLV_SECTION_TENSORS);
    o->data = (const uint8_t *)section_bytes(o, RLV_SECTION_DATA);
    if (s->len % sizeof *o->tensors != 0 ||
        s->len / sizeof *o->tensors > RLV_MAX_LAYERS * 64 + 64)
        return bad(o, s, "tensor table has a wrong size");
    o->tensor_n = (uint32_t)(s->len / sizeof *o->tensors);
    for (uint32_t i = 0; i < o->tensor_n; i++) {
        const struct rlv_tensor *t = &o->tensors[i];
        if (i > 0 && tensor_order(t) <= tensor_order(t - 1))
            return bad(o, t, "tensor table is not in order");
        if (!check_tensor(o, t) ||
            (t->dtype == RLV_DTYPE_F32 && t->layout == RLV_LAYOUT_VECTOR && !check_finite(o, t)))
            return 0;
    }
    return 1;
}

static const struct rlv_tensor *find(const struct opening *o, uint32_t layer, unsigned part,
                                     unsigned slot)
{
    uint64_t wanted = (uint64_t)layer << 32 | (uint64_t)part << 16 | slot;
    uint32_t low = 0, high = o->tensor_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tensor_order(&o->tensors[middle]) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < o->tensor_n && tensor_order(&o->tensors[low]) == wanted ? &o->tensors[low] : NULL;
}

static int missing(struct opening *o, uint32_t layer, unsigned part, unsigned slot)
{
    rlv_fail(o->error, RELEVANCE_BAD_MODEL, o->sections[RLV_SECTION_TENSORS]->offset,
             "damaged model file: tensor of part %u, slot %u, layer %u is missing or has another "
             "shape or type",
             part, slot, (unsigned)layer);
    return 0;
}

/* Bytes of a VECTOR of n elements, or NULL where it is absent or of another kind. */
static const void *vector(struct opening *o, uint32_t layer, unsigned part, unsigned slot,
                          unsigned dtype, uint64_t n)
{
    const struct rlv_tensor *t = find(o, layer, part, slot);
    if (t == NULL || t->dtype != dtype || t->layout != RLV_LAYOUT_VECTOR || t->rows != n ||
        t->cols != 1 || t->group != 0)
        return NULL;
    o->used_n++;
    return o->data + t->offset;
}

/* The same for n floats. */
static const float *floats(struct opening *o, uint32_t layer, unsigned part, unsigned slot,
                           uint64_t n)
{
    return (const float *)vector(o, layer, part, slot, RLV_DTYPE_F32, n);
}

static int make_norm(struct opening *o, uint32_t layer, unsigned part, struct rlv_norm *norm)
{
    uint32_t n = o->model->config->hidden_size;
    norm->gamma = floats(o, layer, part, RLV_SLOT_WEIGHT, n);
    norm->beta = floats(o, layer, part, RLV_SLOT_BIAS, n);
    if (norm->gamma == NULL)
        return missing(o, layer, part, RLV_SLOT_WEIGHT);
    if (norm->beta == NULL)
        return missing(o, layer, part, RLV_SLOT_BIAS);
    o->model->parameter_n += 2 * (uint64_t)n;
    return 1;
}

static int make_table(struct opening *o, unsigned part, uint32_t rows, struct rlv_table *table)
{
    uint32_t cols = o->model->config->hidden_size;
    uint32_t k32 = (uint32_t)rlv_round_up(cols, RLV_K_BLOCK);
    const struct rlv_tensor *t = find(o, 0, part, RLV_SLOT_WEIGHT);
    if (t == NULL || t->layout != RLV_LAYOUT_ROWS || t->rows != rows || t->cols != cols)
        return missing(o, 0, part, RLV_SLOT_WEIGHT);
    o->used_n++;
    table->dtype = t->dtype;
    table->rows = rows;
    table->cols = cols;
    table->group = t->group ? t->group : k32;
    table->group_n = (k32 + table->group - 1) / table->group;
    table->stride = (size_t)rlv_row_stride(t->dtype, cols);
    table->data = o->data + t->offset;
    table->scale = NULL;
    o->model->parameter_n += (uint64_t)rows * cols;
    if (rlv_dtype_bits(t->dtype) == 0)
        return 1;
    table->scale = floats(o, 0, part, RLV_SLOT_SCALE, (uint64_t)rows * table->group_n);
    return table->scale != NULL ? 1 : missing(o, 0, part, RLV_SLOT_SCALE);
}

static int make_outliers(struct opening *o, uint32_t layer, unsigned part,
                         struct rlv_linear *linear)
{
    const struct rlv_tensor *index = find(o, layer, part, RLV_SLOT_OUTLIER_INDEX);
    const struct rlv_tensor *weight = find(o, layer, part, RLV_SLOT_OUTLIER_WEIGHT);
    if (index == NULL && weight == NULL)
        return 1;
    if (index == NULL || index->rows > RLV_MAX_OUTLIERS ||
        (linear->outlier_index = (const uint32_t *)vector(
             o, layer, part, RLV_SLOT_OUTLIER_INDEX, RLV_DTYPE_U32, index->rows)) == NULL)
        return missing(o, layer, part, RLV_SLOT_OUTLIER_INDEX);
    if (weight == NULL || weight->dtype != RLV_DTYPE_F32 || weight->layout != RLV_LAYOUT_ROWS ||
        weight->rows != index->rows || weight->cols != linear->n)
        return missing(o, layer, part, RLV_SLOT_OUTLIER_WEIGHT);
    o->used_n++;
    linear->outlier_n = index->rows;
    linear->outlier_weight = (const float *)(const void *)(o->data + weight->offset);
    linear->outlier_stride = (size_t)rlv_row_stride(RLV_DTYPE_F32, linear->n) / sizeof(float);
    for (uint32_t i = 0; i < linear->outlier_n; i++)
        if (linear->outlier_index[i] >= linear->k ||
            (i > 0 && linear->outlier_index[i] <= linear->outlier_index[i - 1]))
            return bad(o, &linear->outlier_index[i], "outlier channels are not in order");
    return 1;
}

/* Scales, sums, input scale and outliers of a quantised layer. */
static int make_quantised(struct opening *o, uint32_t layer, unsigned part,
                          struct rlv_linear *linear)
{
    uint64_t scale_n = linear->group ? (uint64_t)linear->n16 * linear->group_n : linear->n;
    linear->scale = floats(o, layer, part, RLV_SLOT_SCALE, scale_n);
    if (linear->scale == NULL)
        return missing(o, layer, part, RLV_SLOT_SCALE);
    if (linear->group)
        linear->fsum = floats(o, layer, part, RLV_SLOT_SUM, linear->n);
    else
        linear->sum =
            (const int32_t *)vector(o, layer, part, RLV_SLOT_SUM, RLV_DTYPE_I32, linear->n);
    if (linear->fsum == NULL && linear->sum == NULL)
        return missing(o, layer, part, RLV_SLOT_SUM);
    if (find(o, layer, part, RLV_SLOT_INPUT_SCALE) != NULL) {
        linear->input_scale =
            floats(o, layer, part, RLV_SLOT_INPUT_SCALE, linear->k);
        if (linear->input_scale == NULL)
            return missing(o, layer, part, RLV_SLOT_INPUT_SCALE);
    }
    return make_outliers(o, layer, part, linear);
}

static int make_linear(struct opening *o, uint32_t layer, unsigned part, uint32_t n, uint32_t k,
                       int only_f32, struct rlv_linear *linear)
{
    const struct rlv_tensor *t = find(o, layer, part, RLV_SLOT_WEIGHT);
    unsigned bits = t == NULL ? 0 : rlv_dtype_bits(t->dtype);
    if (t == NULL || t->layout != RLV_LAYOUT_PANEL || t->rows != n || t->cols != k ||
        (only_f32 && t->dtype != RLV_DTYPE_F32) ||
        (bits == 0 ? t->w_max != 0 || t->group != 0 : t->w_max == 0 || t->w_max > 128) ||
        t->chain == 3 || t->chain > (bits == 0 ? 0u : 4u))
        return missing(o, layer, part, RLV_SLOT_WEIGHT);
    o->used_n++;
    linear->n = n;
    linear->k = k;
    linear->n16 = (uint32_t)rlv_round_up(n, RLV_PANEL);
    linear->k32 = (uint32_t)rlv_round_up(k, RLV_K_BLOCK);
    linear->dtype = t->dtype;
    linear->w_max = t->w_max;
    linear->chain = rlv_chain(t->w_max);
    if (linear->chain < t->chain)
        linear->chain = t->chain;
    linear->group = t->group;
    linear->group_n = t->group ? (linear->k32 + t->group - 1) / t->group : 1;
    linear->weight = o->data + t->offset;
    linear->panel_len = (size_t)(t->len / (linear->n16 / RLV_PANEL));
    o->model->parameter_n += (uint64_t)n * k + n;
    linear->bias = floats(o, layer, part, RLV_SLOT_BIAS, n);
    if (linear->bias == NULL)
        return missing(o, layer, part, RLV_SLOT_BIAS);
    return bits == 0 ? 1 : make_quantised(o, layer, part, linear);
}

static int make_layer(struct opening *o, uint32_t i, struct rlv_layer *layer)
{
    uint32_t hidden = o->model->config->hidden_size, inner = o->model->config->intermediate_size;
    return make_linear(o, i, RLV_PART_QKV, 3 * hidden, hidden, 0, &layer->qkv) &&
           make_linear(o, i, RLV_PART_ATTENTION_OUT, hidden, hidden, 0, &layer->attention_out) &&
           make_norm(o, i, RLV_PART_ATTENTION_NORM, &layer->attention_norm) &&
           make_linear(o, i, RLV_PART_FFN1, inner, hidden, 0, &layer->ffn1) &&
           make_linear(o, i, RLV_PART_FFN2, hidden, inner, 0, &layer->ffn2) &&
           make_norm(o, i, RLV_PART_FFN_NORM, &layer->ffn_norm);
}

static int make_network(struct opening *o)
{
    struct relevance_model *m = o->model;
    const struct rlv_config *c = m->config;
    if (!make_table(o, RLV_PART_WORD_EMBEDDING, c->vocab_n, &m->word) ||
        !make_table(o, RLV_PART_POSITION_EMBEDDING, c->max_tokens, &m->position) ||
        (c->type_n != 0 && !make_table(o, RLV_PART_TYPE_EMBEDDING, c->type_n, &m->type)) ||
        !make_norm(o, 0, RLV_PART_EMBEDDING_NORM, &m->embedding_norm))
        return 0;
    for (uint32_t i = 0; i < c->layer_n; i++)
        if (!make_layer(o, i, &m->layers[i]))
            return 0;
    if ((c->head_kind == RLV_HEAD_RELU || c->head_kind == RLV_HEAD_TANH) &&
        !make_linear(o, 0, RLV_PART_POOLER, c->hidden_size, c->hidden_size, 0, &m->pooler))
        return 0;
    if (c->label_n != 0 && !make_linear(o, 0, RLV_PART_CLASSIFIER, c->label_n, c->hidden_size, 1,
                                        &m->classifier))
        return 0;
    if (c->token_label_n != 0 &&
        !make_linear(o, 0, RLV_PART_TOKEN_CLASSIFIER, c->token_label_n, c->hidden_size, 1,
                     &m->token_classifier))
        return 0;
    if (o->used_n != o->tensor_n)
        return bad(o, o->tensors, "a tensor does not belong to the network");
    return 1;
}

/* ---- open and close ---- */

static enum relevance_status validate(struct relevance_model *model, uint32_t flags,
                                      struct relevance_error *error)
{
    struct opening o = {.model = model, .error = error};
    const struct relevance_allocator *a = &model->allocator;
    enum relevance_status status;
    if (model->len < sizeof(struct rlv_file_header))
        return rlv_fail(error, RELEVANCE_BAD_MODEL, 0,
                        "not a model file: it has only %llu bytes",
                        (unsigned long long)model->len);
    status = check_header(&o);
    if (status != RELEVANCE_OK)
        return status;
    if (!check_sections(&o, (flags & RELEVANCE_OPEN_SKIP_CHECKSUM) != 0) || !check_config(&o) ||
        !check_labels(&o, RLV_SECTION_LABELS, model->config->label_n, &model->labels,
                      &model->priors) ||
        !check_labels(&o, RLV_SECTION_TOKEN_LABELS, model->config->token_label_n,
                      &model->token_labels, NULL) ||
        !check_vocab(&o) || !check_metadata(&o) || !check_tensors(&o))
        return RELEVANCE_BAD_MODEL;
    model->layers = (struct rlv_layer *)a->alloc(
        a->user, model->config->layer_n * sizeof *model->layers, 64);
    if (model->layers == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate the model's layers");
    memset(model->layers, 0, model->config->layer_n * sizeof *model->layers);
    return make_network(&o) ? RELEVANCE_OK : RELEVANCE_BAD_MODEL;
}

void relevance_close(relevance_model *model)
{
    struct relevance_allocator a;
    if (model == NULL)
        return;
#if defined(RLV_DEBUG)
    if (atomic_load(&model->context_n) != 0)
        rlv_promise_broken("relevance_close(): a context of this model still exists");
#endif
    a = model->allocator;
    if (model->layers != NULL)
        a.free(a.user, model->layers, model->config->layer_n * sizeof *model->layers);
    if (model->storage == RLV_MAPPED)
        munmap((void *)(uintptr_t)model->base, model->len);
    else if (model->storage == RLV_ALLOCATED)
        a.free(a.user, (void *)(uintptr_t)model->base, model->len);
    a.free(a.user, model, sizeof *model);
}

/* Either 'path' or 'data' is given. */
static enum relevance_status open_any(const char *path, const void *data, size_t data_len,
                                      const struct relevance_open_options *options,
                                      relevance_model **out, struct relevance_error *error)
{
    struct relevance_open_options o = {.size = sizeof o};
    struct relevance_allocator allocator;
    struct relevance_model *model;
    enum relevance_status status;
    if (out == NULL || (path == NULL && data == NULL))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "path, data or model is NULL");
    if (options != NULL) {
        if (options->size < offsetof(struct relevance_open_options, allocator))
            return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                            "options.size must be sizeof(struct relevance_open_options)");
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    }
    if (o.flags & ~(uint32_t)(RELEVANCE_OPEN_COPY | RELEVANCE_OPEN_SKIP_CHECKSUM))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.flags has an unknown flag");
    if (!rlv_allocator_set(&allocator, o.allocator))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.allocator lacks a function");
    model = (struct relevance_model *)allocator.alloc(allocator.user, sizeof *model, 64);
    if (model == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate the model");
    memset(model, 0, sizeof *model);
    model->allocator = allocator;
    model->storage = RLV_BORROWED;
    status = path != NULL ? load_file(model, path, o.flags, error)
                          : load_memory(model, data, data_len, o.flags, error);
    if (status == RELEVANCE_OK)
        status = validate(model, o.flags, error);
    if (status != RELEVANCE_OK) {
        relevance_close(model);
        return status;
    }
    *out = model;
    return RELEVANCE_OK;
}

enum relevance_status relevance_open(const char *path,
                                     const struct relevance_open_options *options,
                                     relevance_model **model, struct relevance_error *error)
{
    if (path == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "path is NULL");
    return open_any(path, NULL, 0, options, model, error);
}

enum relevance_status relevance_open_memory(const void *data, size_t data_len,
                                            const struct relevance_open_options *options,
                                            relevance_model **model, struct relevance_error *error)
{
    if (data == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "data is NULL");
    return open_any(NULL, data, data_len, options, model, error);
}

/* ---- what a model is ---- */

static const char *dtype_name(unsigned dtype, uint32_t w_max)
{
    switch (dtype) {
    case RLV_DTYPE_F32: return "f32";
    case RLV_DTYPE_F16: return "f16";
    case RLV_DTYPE_Q8: return w_max <= 64 ? "q7" : "q8";
    case RLV_DTYPE_Q6: return "q6";
    case RLV_DTYPE_Q5: return "q5";
    case RLV_DTYPE_Q4: return "q4";
    case RLV_DTYPE_Q3: return "q3";
    default: return "?";
    }
}

enum relevance_status relevance_model_info(const relevance_model *model,
                                           struct relevance_info *info)
{
    struct relevance_info i = {.size = sizeof i};
    if (model == NULL || info == NULL || info->size < sizeof info->size ||
        info->size > sizeof *info)
        return RELEVANCE_BAD_ARGUMENT;
    i.size = info->size;
    i.architecture = model->config->arch == RLV_ARCH_BERT ? "bert" : "distilbert";
    i.weights = dtype_name(model->layers[0].ffn1.dtype, model->layers[0].ffn1.w_max);
    i.embeddings = dtype_name(model->word.dtype, 128);
    i.hidden_size = model->config->hidden_size;
    i.layer_n = model->config->layer_n;
    i.head_n = model->config->head_n;
    i.intermediate_size = model->config->intermediate_size;
    i.vocab_n = model->config->vocab_n;
    i.max_tokens = model->config->max_tokens;
    i.label_n = model->config->label_n;
    i.token_label_n = model->config->token_label_n;
    i.file_len = model->len;
    i.parameter_n = model->parameter_n;
    i.metadata = model->metadata;
    memcpy(info, &i, info->size);
    return RELEVANCE_OK;
}

static const char *label_name(const uint8_t *section, uint32_t n, uint32_t label)
{
    return label < n ? (const char *)section + rlv_label_at(section, label)->name_offset : NULL;
}

const char *relevance_label(const relevance_model *model, uint32_t label)
{
    return model == NULL ? NULL : label_name(model->labels, model->config->label_n, label);
}

const char *relevance_token_label(const relevance_model *model, uint32_t label)
{
    return model == NULL ? NULL
                         : label_name(model->token_labels, model->config->token_label_n, label);
}

float relevance_label_prior(const relevance_model *model, uint32_t label)
{
    return model == NULL || model->priors == NULL || label >= model->config->label_n
               ? 0.0f
               : model->priors[label];
}

struct relevance_text relevance_token(const relevance_model *model, int32_t id)
{
    struct relevance_text text = {NULL, 0};
    if (model != NULL && id >= 0 && (uint32_t)id < model->vocab.token_n) {
        const uint32_t *offset = model->vocab.offsets + id;
        text.data = (const char *)model->vocab.blob + offset[0];
        text.len = offset[1] - offset[0];
    }
    return text;
}
