/* SPDX-License-Identifier: Apache-2.0 */
/*
 * micro.c - see micro.h.
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

const char *const micro_tokens[] = {"[PAD]", "[UNK]",  "[CLS]", "[SEP]", "[MASK]", "shoe", "##s",
                                    "run",   "##ning", "red",   "a",     "[",      "]",    "sep"};

#define DISTILBERT RLV_ARCH_DISTILBERT
#define BERT RLV_ARCH_BERT

/* clang-format off */
const struct micro micro_list[] = {
    /* name                arch        head             linear         tables         grp o  in  h  hd l  in   p   lb tl pr */
    {"distilbert-q8",      DISTILBERT, RLV_HEAD_RELU,   RLV_DTYPE_Q8,  RLV_DTYPE_Q8,  0,  2, 1,  8, 1, 1,  8, 12,  4, 0, 0},
    {"bert-q4-groups",     BERT,       RLV_HEAD_TANH,   RLV_DTYPE_Q4,  RLV_DTYPE_Q4,  32, 1, 0, 40, 5, 1, 72,  8,  2, 0, 1},
    {"bert-f16",           BERT,       RLV_HEAD_DIRECT, RLV_DTYPE_F16, RLV_DTYPE_F16, 0,  0, 0,  8, 1, 2, 24, 16,  3, 0, 0},
    {"distilbert-f32",     DISTILBERT, RLV_HEAD_RELU,   RLV_DTYPE_F32, RLV_DTYPE_F32, 0,  0, 0, 16, 2, 1,  8, 16, 32, 0, 0},
    {"distilbert-q6",      DISTILBERT, RLV_HEAD_NONE,   RLV_DTYPE_Q6,  RLV_DTYPE_Q6,  0,  0, 1,  8, 1, 1, 16, 10,  0, 3, 0},
    {"bert-q5-both",       BERT,       RLV_HEAD_TANH,   RLV_DTYPE_Q5,  RLV_DTYPE_Q5,  0,  3, 0,  8, 1, 1,  8, 10,  2, 3, 0},
    {"bert-q3-bare",       BERT,       RLV_HEAD_NONE,   RLV_DTYPE_Q3,  RLV_DTYPE_Q3,  0,  0, 0,  8, 1, 1,  8,  4,  0, 0, 0},
    {.name = NULL}};
/* clang-format on */

const struct micro *micro_find(const char *name)
{
    for (const struct micro *m = micro_list; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

/* ---- a growing array of bytes, in which sections and tensors are aligned ---- */

struct bytes {
    uint8_t *data;
    size_t len, cap;
};

static uint8_t *grow(struct bytes *b, size_t n)
{
    if (b->len + n >= b->cap) {
        b->cap = (b->len + n) * 2 + 64;
        b->data = realloc(b->data, b->cap);
        if (b->data == NULL)
            abort();
    }
    memset(b->data + b->len, 0, n);
    b->len += n;
    return b->data + b->len - n;
}

static void put(struct bytes *b, const void *from, size_t n) { memcpy(grow(b, n), from, n); }

static void align(struct bytes *b) { grow(b, (RLV_ALIGN - b->len % RLV_ALIGN) % RLV_ALIGN); }

/* ---- tensors ---- */

struct making {
    const struct micro *m;
    struct rng rng;
    struct bytes table, data;
};

/* One row of the tensor table, and its bytes: random, small where they are numbers. */
static void *tensor(struct making *w, uint32_t layer, unsigned part, unsigned slot, unsigned dtype,
                    unsigned layout, uint32_t rows, uint32_t cols, uint32_t group)
{
    struct rlv_tensor t = {.part = (uint16_t)part,
                           .slot = (uint16_t)slot,
                           .layer = (uint16_t)layer,
                           .dtype = (uint16_t)dtype,
                           .layout = (uint16_t)layout,
                           .rows = rows,
                           .cols = cols,
                           .group = group};
    uint8_t *bytes;
    if (rlv_dtype_bits(dtype) != 0 && layout == RLV_LAYOUT_PANEL)
        t.w_max = (uint16_t)(1u << (rlv_dtype_bits(dtype) - 1));
    t.len = rlv_tensor_len(dtype, layout, rows, cols);
    if (t.len == 0)
        abort();
    align(&w->data);
    t.offset = w->data.len;
    put(&w->table, &t, sizeof t);
    bytes = grow(&w->data, (size_t)t.len);
    for (size_t i = 0; i < t.len; i++)
        bytes[i] = (uint8_t)(rng_u64(&w->rng) >> 56);
    return bytes;
}

/* f32: base + random within +-spread */
static void floats(struct making *w, void *to, size_t n, float base, float spread)
{
    float *x = to;
    for (size_t i = 0; i < n; i++)
        x[i] = base + spread * rng_f32(&w->rng);
}

static void vector(struct making *w, uint32_t layer, unsigned part, unsigned slot, uint32_t n,
                   float base, float spread)
{
    void *bytes = tensor(w, layer, part, slot, RLV_DTYPE_F32, RLV_LAYOUT_VECTOR, n, 1, 0);
    floats(w, bytes, rlv_round_up(n, 16), base, spread);
}

/* Random f32 or f16 weights; the bytes of quantised ones are random already. */
static void weights(struct making *w, void *bytes, unsigned dtype, uint64_t len)
{
    uint16_t *half = bytes;
    if (dtype == RLV_DTYPE_F32)
        floats(w, bytes, (size_t)len / 4, 0.0f, 0.3f);
    for (size_t i = 0; dtype == RLV_DTYPE_F16 && i < len / 2; i++)
        half[i] = (uint16_t)((half[i] & 0x8fffu) | 0x2000u); /* 2^-7 .. 2^-4, either sign */
}

static uint32_t group_count(uint32_t k, uint32_t group)
{
    uint32_t k32 = (uint32_t)rlv_round_up(k, RLV_K_BLOCK);
    return group ? (k32 + group - 1) / group : 1;
}

static void table(struct making *w, unsigned part, uint32_t rows, unsigned dtype)
{
    uint32_t cols = w->m->hidden, group = rlv_dtype_bits(dtype) ? w->m->group : 0;
    void *bytes =
        tensor(w, 0, part, RLV_SLOT_WEIGHT, dtype, RLV_LAYOUT_ROWS, rows, cols, group);
    weights(w, bytes, dtype, rlv_tensor_len(dtype, RLV_LAYOUT_ROWS, rows, cols));
    if (rlv_dtype_bits(dtype) != 0)
        vector(w, 0, part, RLV_SLOT_SCALE, rows * group_count(cols, group), 0.01f, 0.005f);
}

static void norm(struct making *w, uint32_t layer, unsigned part)
{
    vector(w, layer, part, RLV_SLOT_WEIGHT, w->m->hidden, 1.0f, 0.2f);
    vector(w, layer, part, RLV_SLOT_BIAS, w->m->hidden, 0.0f, 0.2f);
}

static void outliers(struct making *w, uint32_t layer, unsigned part, uint32_t n)
{
    uint32_t *index, count = w->m->outlier_n;
    index = tensor(w, layer, part, RLV_SLOT_OUTLIER_INDEX, RLV_DTYPE_U32, RLV_LAYOUT_VECTOR, count,
                   1, 0);
    for (uint32_t i = 0; i < 16; i++)
        index[i] = i < count ? 2 * i + 1 : 0;
    weights(w,
            tensor(w, layer, part, RLV_SLOT_OUTLIER_WEIGHT, RLV_DTYPE_F32, RLV_LAYOUT_ROWS, count,
                   n, 0),
            RLV_DTYPE_F32, rlv_tensor_len(RLV_DTYPE_F32, RLV_LAYOUT_ROWS, count, n));
}

/* Sums that belong to no weights: the arithmetic is the same, and the test needs no meaning. */
static void linear(struct making *w, uint32_t layer, unsigned part, uint32_t n, uint32_t k,
                   unsigned dtype)
{
    uint32_t group = rlv_dtype_bits(dtype) ? w->m->group : 0;
    void *bytes = tensor(w, layer, part, RLV_SLOT_WEIGHT, dtype, RLV_LAYOUT_PANEL, n, k, group);
    weights(w, bytes, dtype, rlv_tensor_len(dtype, RLV_LAYOUT_PANEL, n, k));
    vector(w, layer, part, RLV_SLOT_BIAS, n, 0.0f, 0.1f);
    if (rlv_dtype_bits(dtype) == 0)
        return;
    if (group != 0) {
        vector(w, layer, part, RLV_SLOT_SCALE,
               (uint32_t)rlv_round_up(n, RLV_PANEL) * group_count(k, group), 0.01f, 0.005f);
        vector(w, layer, part, RLV_SLOT_SUM, n, 0.0f, 1.0f);
    } else {
        int32_t *sum;
        vector(w, layer, part, RLV_SLOT_SCALE, n, 0.01f, 0.005f);
        sum = tensor(w, layer, part, RLV_SLOT_SUM, RLV_DTYPE_I32, RLV_LAYOUT_VECTOR, n, 1, 0);
        for (uint64_t i = 0; i < rlv_round_up(n, 16); i++)
            sum[i] %= 4096;
    }
    if (w->m->input_scale)
        vector(w, layer, part, RLV_SLOT_INPUT_SCALE, k, 1.0f, 0.3f);
    if (w->m->outlier_n != 0)
        outliers(w, layer, part, n);
}

static void layer_0_first(struct making *w)
{
    table(w, RLV_PART_WORD_EMBEDDING, MICRO_TOKEN_N, w->m->table_dtype);
    table(w, RLV_PART_POSITION_EMBEDDING, w->m->positions, w->m->table_dtype);
    if (w->m->arch == RLV_ARCH_BERT)
        table(w, RLV_PART_TYPE_EMBEDDING, 2, RLV_DTYPE_F32);
    norm(w, 0, RLV_PART_EMBEDDING_NORM);
}

static void layer_0_last(struct making *w)
{
    const struct micro *m = w->m;
    if (m->head_kind == RLV_HEAD_RELU || m->head_kind == RLV_HEAD_TANH)
        linear(w, 0, RLV_PART_POOLER, m->hidden, m->hidden, m->dtype);
    if (m->labels != 0)
        linear(w, 0, RLV_PART_CLASSIFIER, m->labels, m->hidden, RLV_DTYPE_F32);
    if (m->token_labels != 0)
        linear(w, 0, RLV_PART_TOKEN_CLASSIFIER, m->token_labels, m->hidden, RLV_DTYPE_F32);
}

/* In the order of the table: by layer, part, slot. */
static void tensors(struct making *w)
{
    const struct micro *m = w->m;
    layer_0_first(w);
    for (uint32_t i = 0; i < m->layers; i++) {
        linear(w, i, RLV_PART_QKV, 3 * m->hidden, m->hidden, m->dtype);
        linear(w, i, RLV_PART_ATTENTION_OUT, m->hidden, m->hidden, m->dtype);
        norm(w, i, RLV_PART_ATTENTION_NORM);
        linear(w, i, RLV_PART_FFN1, m->inner, m->hidden, m->dtype);
        linear(w, i, RLV_PART_FFN2, m->hidden, m->inner, m->dtype);
        norm(w, i, RLV_PART_FFN_NORM);
        if (i == 0)
            layer_0_last(w);
    }
}

/* ---- the other sections ---- */

static void config(struct bytes *b, const struct micro *m)
{
    struct rlv_config c = {.arch = m->arch,
                           .hidden_size = m->hidden,
                           .layer_n = m->layers,
                           .head_n = m->heads,
                           .intermediate_size = m->inner,
                           .max_tokens = m->positions,
                           .vocab_n = MICRO_TOKEN_N,
                           .type_n = m->arch == RLV_ARCH_BERT ? 2 : 0,
                           .label_n = m->labels,
                           .token_label_n = m->token_labels,
                           .head_kind = m->head_kind,
                           .flags = RLV_CONFIG_ALL,
                           .pad_id = MICRO_PAD,
                           .unk_id = MICRO_UNK,
                           .cls_id = MICRO_CLS,
                           .sep_id = MICRO_SEP,
                           .mask_id = MICRO_MASK,
                           .layer_norm_epsilon = 1e-12f,
                           .logit_scale = 1.0f};
    put(b, &c, sizeof c);
}

/* The names of token labels are those that relevance_extract() looks for. */
static int label_name(char *name, size_t cap, uint32_t i, int tokens)
{
    static const char *const entities[] = {"O", "B-PRODUCT", "I-QUANTITY"};
    return tokens && i < 3 ? snprintf(name, cap, "%s", entities[i])
                           : snprintf(name, cap, "label %u", i);
}

static void labels(struct bytes *b, uint32_t n, int tokens, int priors)
{
    struct rlv_labels_header head = {n, 0};
    uint32_t at = (uint32_t)(sizeof head + n * sizeof(struct rlv_label));
    char name[16];
    put(b, &head, sizeof head);
    for (uint32_t i = 0; i < n; i++) {
        int len = label_name(name, sizeof name, i, tokens);
        struct rlv_label l = {at, (uint32_t)len, i == 0 ? 1.0f : 0.25f, 0.0f};
        put(b, &l, sizeof l);
        at += l.name_len + 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        int len = label_name(name, sizeof name, i, tokens);
        put(b, name, (size_t)len + 1);
    }
    if (!priors)
        return;
    grow(b, (4 - b->len % 4) % 4);
    head.prior_offset = (uint32_t)b->len;
    memcpy(b->data, &head, sizeof head);
    for (uint32_t i = 0; i < n; i++) {
        float share = 2.0f * (float)(i + 1) / (float)(n * (n + 1));
        put(b, &share, sizeof share);
    }
}

static uint32_t token_hash(const char *token)
{
    uint32_t h = RLV_HASH_START;
    for (; *token != '\0'; token++)
        h = rlv_hash_byte(h, (uint8_t)*token);
    return h;
}

static void vocabulary(struct bytes *b)
{
    struct rlv_vocab_slot slots[2 * 16];
    struct rlv_vocab_header h = {MICRO_TOKEN_N, 6, 2 * 16, 0};
    uint32_t offset = 0;
    _Static_assert(MICRO_TOKEN_N <= 16, "slots");
    for (size_t i = 0; i < 2 * 16; i++)
        slots[i] = (struct rlv_vocab_slot){0, RLV_EMPTY_SLOT};
    for (uint32_t i = 0; i < MICRO_TOKEN_N; i++) {
        uint32_t hash = token_hash(micro_tokens[i]), at = hash % 32;
        while (slots[at].id != RLV_EMPTY_SLOT)
            at = (at + 1) % 32;
        slots[at] = (struct rlv_vocab_slot){hash, i};
        h.blob_len += (uint32_t)strlen(micro_tokens[i]);
    }
    put(b, &h, sizeof h);
    for (uint32_t i = 0; i <= MICRO_TOKEN_N; i++) {
        put(b, &offset, sizeof offset);
        if (i < MICRO_TOKEN_N)
            offset += (uint32_t)strlen(micro_tokens[i]);
    }
    put(b, slots, sizeof slots);
    for (uint32_t i = 0; i < MICRO_TOKEN_N; i++)
        put(b, micro_tokens[i], strlen(micro_tokens[i]));
}

/* ---- the file ---- */

static void section(struct bytes *file, struct rlv_section *table, uint32_t *n, uint32_t kind,
                    struct bytes *content)
{
    struct rlv_section *s = &table[*n];
    if (content->len != 0) {
        align(file);
        s->kind = kind;
        s->offset = file->len;
        s->len = content->len;
        s->checksum = rlv_checksum(content->data, content->len);
        put(file, content->data, content->len);
        (*n)++;
    }
    free(content->data);
    *content = (struct bytes){NULL, 0, 0};
}

static void finish(struct bytes *file, const struct rlv_section *table, uint32_t n)
{
    struct rlv_file_header *h = (void *)file->data;
    memcpy(h->magic, RLV_MAGIC, sizeof h->magic);
    h->version = RLV_FORMAT_VERSION;
    h->endian_tag = RLV_ENDIAN_TAG;
    h->file_len = file->len;
    h->table_offset = sizeof *h;
    h->section_n = n;
    memcpy(file->data + sizeof *h, table, n * sizeof *table);
    h->table_checksum = rlv_checksum(table, n * sizeof *table);
    h->header_checksum = rlv_checksum(h, offsetof(struct rlv_file_header, header_checksum));
}

uint8_t *micro_build(const struct micro *m, size_t *len)
{
    static const char meta[] = "name=micro\nsource=test/support/micro.c\npad=";
    struct making w = {.m = m, .rng = {20240229}};
    struct rlv_section sections[RLV_SECTION_META] = {{0}};
    struct bytes file = {NULL, 0, 0}, b = {NULL, 0, 0};
    uint32_t n = 0;
    void *image = NULL;
    grow(&file, sizeof(struct rlv_file_header) + sizeof sections);
    tensors(&w);
    config(&b, m);
    section(&file, sections, &n, RLV_SECTION_CONFIG, &b);
    if (m->labels != 0)
        labels(&b, m->labels, 0, m->priors);
    section(&file, sections, &n, RLV_SECTION_LABELS, &b);
    if (m->token_labels != 0)
        labels(&b, m->token_labels, 1, 0);
    section(&file, sections, &n, RLV_SECTION_TOKEN_LABELS, &b);
    vocabulary(&b);
    section(&file, sections, &n, RLV_SECTION_VOCAB, &b);
    section(&file, sections, &n, RLV_SECTION_TENSORS, &w.table);
    section(&file, sections, &n, RLV_SECTION_DATA, &w.data);
    put(&b, meta, sizeof meta - 1);
    while (b.len % RLV_ALIGN != RLV_ALIGN - 2)
        put(&b, "-", 1);
    put(&b, "\n", 2);
    section(&file, sections, &n, RLV_SECTION_META, &b);
    finish(&file, sections, n);
    if (posix_memalign(&image, RLV_ALIGN, file.len) != 0)
        abort();
    memcpy(image, file.data, file.len);
    *len = file.len;
    free(file.data);
    return image;
}
