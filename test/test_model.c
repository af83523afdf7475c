/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_model.c - opening: good files of every kind, files damaged at each byte, each length and each
 * field, and everything else that a path can lead to.
 *
 * A damaged file is refused with a message and a position, or, where the damage makes another valid
 * file, every call on it comes back.  Where a checksum would hide the damage it is repaired first.
 * A hang ends the program by SIGALRM.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"
#include "support/counting.h"
#include "support/damage.h"
#include "support/exercise.h"
#include "support/guard.h"
#include "support/micro.h"
#include "support/tiny.h"

#define HANG_SECONDS 1200 /* of the whole program: many times what it needs under ASan */

/* RLV_TEST_STEP: of the exhaustive tests each so-many-th case alone, where a sanitizer makes them slow. */
static size_t step = 1;

/* ---- support ---- */

/* Files lie at the end of a page, before one that cannot be touched: their length is a multiple of
 * 64, so they are used in place, and a read beyond stops the program. */
static struct guard room;

static uint8_t *guarded_copy(const void *from, size_t len)
{
    uint8_t *copy = guard_tail(&room, len);
    if (len != 0)
        memcpy(copy, from, len);
    return copy;
}

/* What open may allocate beside a copy of the file: the object, and a layer's views for each layer. */
#define OPEN_OVERHEAD                                                                              \
    (sizeof(struct relevance_model) + RLV_MAX_LAYERS * sizeof(struct rlv_layer))

/*
 * Opens a possibly damaged file from memory and, where that works, uses it.  Returns the status; what
 * is wrong beyond it fails the test.
 */
static enum relevance_status try_file(const char *what, size_t at, const void *file, size_t len,
                                      uint32_t flags, int use)
{
    struct counting memory;
    struct relevance_open_options o = {.size = sizeof o, .flags = flags};
    struct relevance_error error = {.position = UINT64_MAX, .message = ""};
    relevance_model *model = NULL;
    enum relevance_status status;
    const char *wrong = NULL;
    counting_init(&memory);
    o.allocator = &memory.allocator;
    status = relevance_open_memory(file, len, &o, &model, &error);
    if (status == RELEVANCE_OK && use)
        wrong = exercise(model, "shoes", 5);
    else if (status != RELEVANCE_OK &&
             ((status != RELEVANCE_BAD_MODEL && status != RELEVANCE_BAD_VERSION) ||
              error.status != status || error.message[0] == '\0' || error.position > len ||
              model != NULL))
        wrong = "refused without a clear error";
    relevance_close(model);
    if (memory.live != 0 || memory.wrong)
        wrong = "memory is not given back";
    if (memory.peak_len > OPEN_OVERHEAD + (flags & RELEVANCE_OPEN_COPY ? len : 0))
        wrong = "open needs more memory than the file's size";
    if (wrong != NULL)
        fail_msg("%s, at %zu: %s", what, at, wrong);
    return status;
}

static const struct rlv_section *find_section(const uint8_t *file, uint32_t kind)
{
    const struct rlv_section *s = (const void *)(file + sizeof(struct rlv_file_header));
    while (s->kind != kind)
        s++;
    return s;
}

/* ---- good files ---- */

static void micro_models_open(void **state)
{
    (void)state;
    for (const struct micro *m = micro_list; m->name != NULL; m++) {
        size_t len;
        uint8_t *file = micro_build(m, &len);
        assert_int_equal(try_file(m->name, 0, file, len, 0, 1), RELEVANCE_OK);
        assert_int_equal(try_file(m->name, 0, file, len, RELEVANCE_OPEN_COPY, 1), RELEVANCE_OK);
        free(file);
    }
}

static void classify_all(const relevance_model *model, struct relevance_result *r)
{
    relevance_context *ctx = tiny_context(model, NULL);
    assert_int_equal(relevance_classify(ctx, "red shoes", 9, "a running shoe", 14, r),
                     RELEVANCE_OK);
    relevance_context_destroy(ctx);
}

/* In place or copied, of any alignment: the same results. */
static void memory_of_any_alignment(void **state)
{
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len), *shifted;
    struct relevance_result expected, got;
    (void)state;
    assert_int_equal(posix_memalign((void **)&shifted, RLV_ALIGN, len + RLV_ALIGN), 0);
    for (size_t shift = 0; shift <= RLV_ALIGN; shift++)
        for (uint32_t flags = 0; flags < 4; flags++) {
            struct counting memory;
            struct relevance_open_options o = {.size = sizeof o, .flags = flags};
            relevance_model *model = NULL;
            int copied = (flags & RELEVANCE_OPEN_COPY) != 0 || shift % RLV_ALIGN != 0;
            counting_init(&memory);
            o.allocator = &memory.allocator;
            memcpy(shifted + shift, file, len);
            assert_int_equal(relevance_open_memory(shifted + shift, len, &o, &model, NULL),
                             RELEVANCE_OK);
            assert_int_equal(memory.live_len >= len, copied);
            if (copied) /* the caller's bytes are needed no more */
                memset(shifted, 0xff, len + RLV_ALIGN);
            classify_all(model, shift == 0 && flags == 0 ? &expected : &got);
            if (shift != 0 || flags != 0)
                assert_memory_equal(&got, &expected, sizeof got);
            relevance_close(model);
            assert_int_equal(memory.live, 0);
        }
    free(shifted);
    free(file);
}

/* The last section may end at the end of mapped memory: nothing is read beyond. */
static void exact_memory(void **state)
{
    (void)state;
    for (const struct micro *m = micro_list; m->name != NULL; m++) {
        size_t len;
        uint8_t *file = micro_build(m, &len), *exact = guarded_copy(file, len);
        assert_int_equal(len % RLV_ALIGN, 0);
        assert_int_equal(try_file(m->name, 0, exact, len, 0, 1), RELEVANCE_OK);
        free(file);
    }
}

/* ---- damage ---- */

static const uint8_t flips[] = {0x01, 0x80, 0xff};

/* Every byte of a converted model: refused, but for padding between sections. */
static void every_byte_is_checked(void **state)
{
    size_t len, padding = 0;
    uint8_t *file = tiny_read("distilbert-token", "q3", &len);
    (void)state;
    assert_int_equal(try_file("tiny", 0, file, len, 0, 1), RELEVANCE_OK);
    for (size_t at = 0; at < len; at += step) {
        int ignored = damage_is_padding(file, at);
        padding += (size_t)ignored;
        for (size_t i = 0; i < sizeof flips; i++) {
            enum relevance_status status;
            file[at] ^= flips[i];
            status = try_file("byte", at, file, len, 0, 0);
            file[at] ^= flips[i];
            if ((status == RELEVANCE_OK) != ignored)
                fail_msg("byte %zu changed by %02x: status %d", at, flips[i], (int)status);
        }
    }
    assert_true(padding < RLV_ALIGN * RLV_SECTION_META);
    free(file);
}

/* Without the checksum of DATA only there. */
static void skipped_checksum(void **state)
{
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len);
    const struct rlv_section *data = find_section(file, RLV_SECTION_DATA);
    (void)state;
    for (size_t at = 0; at < len; at += step) {
        enum relevance_status status;
        int in_data = at >= data->offset && at < data->offset + data->len;
        int ignored = damage_is_padding(file, at);
        file[at] ^= 0x40;
        status = try_file("byte, no checksum", at, file, len, RELEVANCE_OPEN_SKIP_CHECKSUM, 0);
        file[at] ^= 0x40;
        if (!in_data && (status == RELEVANCE_OK) != ignored)
            fail_msg("byte %zu: status %d", at, (int)status);
    }
    /* One weight of the first panel: seen with the checksum, let through without. */
    file[data->offset] ^= 1;
    assert_int_equal(try_file("weight", 0, file, len, 0, 0), RELEVANCE_BAD_MODEL);
    assert_int_equal(try_file("weight", 0, file, len, RELEVANCE_OPEN_SKIP_CHECKSUM, 1),
                     RELEVANCE_OK);
    free(file);
}

/* Every byte, behind the checksums; on a copy, since the repair changes the file.  Of the weights,
 * where anything is valid, all in the first model and one in seven in the others. */
static void every_byte_with_repaired_checksums(void **state)
{
    (void)state;
    for (const struct micro *m = micro_list; m->name != NULL; m++) {
        size_t len, accepted = 0, refused = 0;
        uint8_t *file = micro_build(m, &len), *copy = guarded_copy(file, len);
        const struct rlv_section *data = find_section(file, RLV_SECTION_DATA);
        for (size_t at = 0; at < len; at += step) {
            if (m != micro_list && at % 7 != 0 && at >= data->offset &&
                at < data->offset + data->len)
                continue;
            for (size_t i = 0; i < sizeof flips; i++) {
                memcpy(copy, file, len);
                copy[at] ^= flips[i];
                damage_repair(copy, len);
                if (try_file(m->name, at, copy, len, 0, 1) == RELEVANCE_OK)
                    accepted++;
                else
                    refused++;
            }
        }
        assert_true(accepted > len / 4 / step && refused > 1000 / step);
        free(file);
    }
}

static void every_length(void **state)
{
    (void)state;
    for (const struct micro *m = micro_list; m->name != NULL; m++) {
        size_t len;
        uint8_t *file = micro_build(m, &len);
        for (size_t cut = 0; cut < len; cut += step) {
            uint8_t *exact = guarded_copy(file, cut);
            assert_int_not_equal(try_file("cut", cut, exact, cut, 0, 1), RELEVANCE_OK);
            if (cut < sizeof(struct rlv_file_header) || cut % 8 != 0)
                continue;
            ((struct rlv_file_header *)(void *)exact)->file_len = cut;
            damage_repair(exact, cut);
            /* META, the last section, may be absent, but not cut. */
            assert_int_not_equal(try_file("cut, repaired", cut, exact, cut, 0, 1), RELEVANCE_OK);
        }
        free(file);
    }
}

/* A table whose first checksum lies where the header counts the sections: the library refuses it, and
 * the repair of the tests, which once took its own result for that count, stays inside the file. */
static void table_over_the_header(void **state)
{
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len), *exact = guarded_copy(file, len);
    struct rlv_file_header *header = (void *)exact;
    (void)state;
    header->table_offset = offsetof(struct rlv_file_header, section_n) -
                           offsetof(struct rlv_section, checksum);
    header->section_n = 1;
    header->file_len = 0; /* read as a section, the header then is one of 8 bytes at 0 */
    damage_repair(exact, len);
    assert_int_not_equal(header->section_n, 1);
    assert_int_equal(try_file("table over header", 0, exact, len, 0, 0), RELEVANCE_BAD_MODEL);
    free(file);
}

/* Each field at its extremes, behind the checksums. */
static void every_field_at_its_extremes(void **state)
{
    (void)state;
    for (const struct micro *m = micro_list; m->name != NULL; m++) {
        size_t len;
        uint8_t *file = micro_build(m, &len), *copy = guarded_copy(file, len);
        struct damage_field *fields;
        size_t field_n = damage_fields(file, len, &fields);
        assert_true(field_n > 200);
        for (size_t f = 0; f < field_n; f += step) {
            uint64_t was = damage_get(file, &fields[f]);
            const uint64_t values[] = {
                0, 1, UINT64_MAX, UINT64_MAX >> 1, was + 1, was - 1, was * 2, was / 2, was + 64,
                was - 64, was ^ UINT64_C(1) << (8 * fields[f].len - 1),
                UINT64_MAX - was, was << (4 * fields[f].len), len, len - was,
                0x7f800000 /* f32 infinity */, 0x7fc00000 /* f32 NaN */};
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
                for (int repair = 0; repair < 2; repair++) {
                    memcpy(copy, file, len);
                    damage_set(copy, &fields[f], values[v]);
                    if (repair)
                        damage_repair(copy, len);
                    try_file(m->name, fields[f].offset, copy, len, 0, 1);
                }
        }
        free(fields);
        free(file);
    }
}

/* ---- rules, one by one ---- */

/* The file of rule tests, and the parts that rules speak of. */
struct parts {
    uint8_t *file;
    size_t len;
    struct rlv_config *config;
    struct rlv_label *label;
    struct rlv_tensor *tensors;
    uint8_t *data;
};

static struct parts open_parts(const char *name)
{
    struct parts p = {.file = micro_build(micro_find(name), &p.len)};
    p.config = (void *)(p.file + find_section(p.file, RLV_SECTION_CONFIG)->offset);
    p.label = (void *)(p.file + find_section(p.file, RLV_SECTION_LABELS)->offset + 8);
    p.tensors = (void *)(p.file + find_section(p.file, RLV_SECTION_TENSORS)->offset);
    p.data = p.file + find_section(p.file, RLV_SECTION_DATA)->offset;
    return p;
}

static struct rlv_tensor *tensor_of(struct parts *p, unsigned part, unsigned slot)
{
    struct rlv_tensor *t = p->tensors;
    while (t->part != part || t->slot != slot)
        t++;
    return t;
}

/* With 'field' set to 'value' the file is refused; with its old value it is accepted again. */
#define REFUSED(field, value)                                                                      \
    do {                                                                                           \
        __typeof__(field) was = (field);                                                           \
        (field) = (value);                                                                         \
        damage_repair(p.file, p.len);                                                              \
        if (try_file(#field " = " #value, 0, p.file, p.len, 0, 0) == RELEVANCE_OK)                 \
            fail_msg("%s = %s is accepted", #field, #value);                                       \
        (field) = was;                                                                             \
        damage_repair(p.file, p.len);                                                              \
        assert_int_equal(try_file("as it was", 0, p.file, p.len, 0, 0), RELEVANCE_OK);             \
    } while (0)
#define ACCEPTED(field, value)                                                                     \
    do {                                                                                           \
        __typeof__(field) was = (field);                                                           \
        (field) = (value);                                                                         \
        damage_repair(p.file, p.len);                                                              \
        if (try_file(#field " = " #value, 0, p.file, p.len, 0, 1) != RELEVANCE_OK)                 \
            fail_msg("%s = %s is refused", #field, #value);                                        \
        (field) = was;                                                                             \
    } while (0)

static void rules_of_the_configuration(void **state)
{
    struct parts p = open_parts("distilbert-q8");
    (void)state;
    REFUSED(p.config->arch, 0);
    REFUSED(p.config->arch, RLV_ARCH_BERT);
    REFUSED(p.config->hidden_size, 0);
    REFUSED(p.config->head_n, 0);
    REFUSED(p.config->head_n, 2);
    REFUSED(p.config->head_n, 3);
    REFUSED(p.config->layer_n, 0);
    REFUSED(p.config->layer_n, RLV_MAX_LAYERS + 1);
    REFUSED(p.config->intermediate_size, 0);
    REFUSED(p.config->intermediate_size, RLV_MAX_INTERMEDIATE + 1);
    REFUSED(p.config->max_tokens, 3);
    REFUSED(p.config->max_tokens, 11);
    REFUSED(p.config->max_tokens, 13);
    REFUSED(p.config->vocab_n, MICRO_TOKEN_N - 1);
    REFUSED(p.config->vocab_n, MICRO_TOKEN_N + 1);
    REFUSED(p.config->type_n, 1);
    REFUSED(p.config->label_n, 0);
    REFUSED(p.config->label_n, RELEVANCE_MAX_LABELS + 1);
    REFUSED(p.config->token_label_n, 1);
    REFUSED(p.config->head_kind, RLV_HEAD_NONE);
    REFUSED(p.config->head_kind, RLV_HEAD_DIRECT); /* the pooler would belong to nothing */
    REFUSED(p.config->head_kind, 4);
    REFUSED(p.config->flags, 8);
    REFUSED(p.config->pad_id, MICRO_TOKEN_N);
    REFUSED(p.config->unk_id, MICRO_TOKEN_N);
    REFUSED(p.config->cls_id, MICRO_TOKEN_N);
    REFUSED(p.config->sep_id, UINT32_MAX);
    REFUSED(p.config->mask_id, MICRO_TOKEN_N);
    REFUSED(p.config->layer_norm_epsilon, 0.0f);
    REFUSED(p.config->layer_norm_epsilon, -1e-12f);
    REFUSED(p.config->layer_norm_epsilon, 2e-3f);
    REFUSED(p.config->layer_norm_epsilon, NAN);
    REFUSED(p.config->logit_scale, 0.0f);
    REFUSED(p.config->logit_scale, 1001.0f);
    REFUSED(p.config->logit_scale, NAN);
    REFUSED(p.config->reserved[0], 1);
    REFUSED(p.config->reserved[12], 1);
    ACCEPTED(p.config->head_kind, RLV_HEAD_TANH);
    ACCEPTED(p.config->flags, 0);
    ACCEPTED(p.config->sep_id, MICRO_TOKEN_N - 1);
    ACCEPTED(p.config->logit_scale, 1000.0f);
    free(p.file);
}

static void rules_of_labels_and_metadata(void **state)
{
    struct parts p = open_parts("distilbert-q8");
    uint8_t *meta = p.file + find_section(p.file, RLV_SECTION_META)->offset;
    size_t meta_len = (size_t)find_section(p.file, RLV_SECTION_META)->len;
    uint32_t labels_len = (uint32_t)find_section(p.file, RLV_SECTION_LABELS)->len;
    (void)state;
    REFUSED(p.label[0].gain, -0.5f);
    REFUSED(p.label[0].gain, 1.5f);
    REFUSED(p.label[0].gain, NAN);
    REFUSED(p.label[1].logit_bias, 1001.0f);
    REFUSED(p.label[1].logit_bias, -INFINITY);
    REFUSED(p.label[1].logit_bias, NAN);
    REFUSED(p.label[3].name_len, 0);
    REFUSED(p.label[3].name_len, p.label[3].name_len + 1);
    REFUSED(p.label[3].name_len, p.label[3].name_len - 1);
    REFUSED(p.label[3].name_len, UINT32_MAX);
    REFUSED(p.label[2].name_len, 2 * p.label[2].name_len + 1); /* a NUL within */
    REFUSED(p.label[3].name_offset, labels_len);
    REFUSED(p.label[3].name_offset, UINT32_MAX);
    REFUSED(meta[meta_len - 1], 'x');
    REFUSED(meta[3], 0);
    /* The last name runs to the section's end, and a zero byte comes only behind it. */
    p.label[3].name_len++;
    ((uint8_t *)p.label)[labels_len - 8 - 1] = 'x';
    damage_repair(p.file, p.len);
    assert_int_equal(try_file("name", 0, p.file, p.len, 0, 0), RELEVANCE_BAD_MODEL);
    p.label[3].name_len--;
    ((uint8_t *)p.label)[labels_len - 8 - 1] = 0;
    ACCEPTED(p.label[0].gain, 0.0f);
    ACCEPTED(p.label[1].logit_bias, -1000.0f);
    ACCEPTED(p.label[3].name_offset, p.label[0].name_offset);
    free(p.file);
}

static void rules_of_priors(void **state)
{
    struct parts p = open_parts("bert-q4-groups"), plain = open_parts("distilbert-q8"), both;
    struct rlv_section *section = (void *)(uintptr_t)find_section(p.file, RLV_SECTION_LABELS);
    struct rlv_labels_header *h = (void *)(p.file + section->offset);
    float *prior = (void *)((uint8_t *)h + h->prior_offset);
    uint32_t len = (uint32_t)section->len, first = 8 + 2 * sizeof(struct rlv_label);
    relevance_model *model = NULL;
    (void)state;
    assert_int_equal(h->prior_offset + 2 * sizeof *prior, len);
    REFUSED(h->prior_offset, 1);
    REFUSED(h->prior_offset, 4);
    REFUSED(h->prior_offset, first - 4);
    REFUSED(h->prior_offset, h->prior_offset + 1);
    REFUSED(h->prior_offset, h->prior_offset + 4);
    REFUSED(h->prior_offset, len);
    REFUSED(h->prior_offset, UINT32_MAX - 3);
    REFUSED(prior[0], 0.0f);
    REFUSED(prior[0], -prior[0]);
    REFUSED(prior[0], NAN);
    REFUSED(prior[0], INFINITY);
    REFUSED(prior[1], 1.0f);
    REFUSED(prior[1], prior[1] + 2e-3f);
    ACCEPTED(h->prior_offset, 0);
    ACCEPTED(prior[1], prior[1] + 5e-4f);
    damage_repair(p.file, p.len);
    assert_int_equal(relevance_open_memory(p.file, p.len, NULL, &model, NULL), RELEVANCE_OK);
    for (uint32_t i = 0; i < 2; i++)
        assert_true(relevance_label_prior(model, i) == prior[i]);
    assert_true(relevance_label_prior(model, 2) == 0.0f);
    relevance_close(model);
    assert_int_equal(relevance_open_memory(plain.file, plain.len, NULL, &model, NULL),
                     RELEVANCE_OK);
    assert_true(relevance_label_prior(model, 0) == 0.0f);
    assert_true(relevance_label_prior(NULL, 0) == 0.0f);
    relevance_close(model);
    free(plain.file);
    free(p.file);
    /* Token labels have none, even where the bytes would do. */
    both = open_parts("bert-q5-both");
    p = both;
    section = (void *)(uintptr_t)find_section(p.file, RLV_SECTION_TOKEN_LABELS);
    h = (void *)(p.file + section->offset);
    REFUSED(h->prior_offset, 8 + 3 * sizeof(struct rlv_label));
    free(p.file);
}

static void rules_of_tensors(void **state)
{
    struct parts p = open_parts("distilbert-q8");
    struct rlv_tensor *w = tensor_of(&p, RLV_PART_FFN1, RLV_SLOT_WEIGHT);
    struct rlv_tensor *scale = tensor_of(&p, RLV_PART_FFN1, RLV_SLOT_SCALE);
    float *scales = (void *)(p.data + scale->offset);
    uint32_t *outlier = (void *)(p.data + tensor_of(&p, RLV_PART_FFN1, RLV_SLOT_OUTLIER_INDEX)->offset);
    struct rlv_tensor *classifier = tensor_of(&p, RLV_PART_CLASSIFIER, RLV_SLOT_WEIGHT);
    (void)state;
    REFUSED(w->w_max, 0);
    REFUSED(w->w_max, 129);
    REFUSED(w->group, 16);
    REFUSED(w->group, 32); /* then scales and sums are of another kind */
    REFUSED(w->group, 64);
    REFUSED(w->dtype, RLV_DTYPE_F32);
    REFUSED(w->layout, RLV_LAYOUT_ROWS);
    REFUSED(w->rows, w->rows + 1);
    REFUSED(w->cols, w->cols + 1);
    REFUSED(w->offset, w->offset + 32);
    REFUSED(w->offset, find_section(p.file, RLV_SECTION_DATA)->len);
    REFUSED(w->offset, UINT64_MAX - 63);
    REFUSED(w->len, w->len + 64);
    REFUSED(w->reserved[0], 1);
    REFUSED(w->reserved[1], 1);
    REFUSED(w->reserved0, 1);
    REFUSED(w->chain, 3);
    REFUSED(w->chain, 5);
    REFUSED(w->part, 0);
    REFUSED(w->layer, 1);
    REFUSED(scale->slot, RLV_SLOT_BIAS);
    REFUSED(scales[0], INFINITY);
    REFUSED(scales[15], NAN); /* padding, which the kernels read */
    REFUSED(outlier[1], 1);
    REFUSED(outlier[1], 8);
    REFUSED(outlier[0], UINT32_MAX);
    REFUSED(classifier->w_max, 1);
    REFUSED(classifier->chain, 1);
    REFUSED(p.tensors[0].rows, 0);
    ACCEPTED(w->w_max, 1); /* a wrong sum, nothing worse */
    ACCEPTED(w->chain, 4);
    ACCEPTED(outlier[1], 7);
    ACCEPTED(scales[0], 3e38f);
    ACCEPTED(w->offset, 0);
    free(p.file);
}

/* A hash table without an empty slot: a look-up of a token that is not there would never end. */
static void full_hash_table_is_refused(void **state)
{
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len);
    const struct rlv_section *s = find_section(file, RLV_SECTION_VOCAB);
    struct rlv_vocab_slot *slots;
    (void)state;
    slots = (void *)(file + s->offset + sizeof(struct rlv_vocab_header) + (MICRO_TOKEN_N + 1) * 4);
    for (uint32_t i = 0, used = MICRO_TOKEN_N; i < 32; i++) {
        if (slots[i].id != RLV_EMPTY_SLOT)
            continue;
        slots[i] = (struct rlv_vocab_slot){i, i % MICRO_TOKEN_N};
        damage_repair(file, len);
        assert_int_equal(try_file("slots", i, file, len, 0, 1),
                         ++used <= 16 ? RELEVANCE_OK : RELEVANCE_BAD_MODEL);
    }
    free(file);
}

/* ---- versions ---- */

static void other_versions_are_named(void **state)
{
    size_t len;
    uint8_t *file = micro_build(micro_find("bert-q3-bare"), &len);
    struct rlv_file_header *h = (void *)file;
    relevance_model *model = NULL;
    struct relevance_error error;
    (void)state;
    h->version = 2;
    damage_repair(file, len);
    assert_int_equal(relevance_open_memory(file, len, NULL, &model, &error),
                     RELEVANCE_BAD_VERSION);
    assert_non_null(strstr(error.message, "version 2"));
    assert_int_equal(error.position, 8);
    h->version = 1;
    h->endian_tag = 0x04030201;
    damage_repair(file, len);
    assert_int_equal(relevance_open_memory(file, len, NULL, &model, &error),
                     RELEVANCE_BAD_VERSION);
    assert_int_equal(error.position, 12);
    h->endian_tag = RLV_ENDIAN_TAG;
    h->magic[4] = '\n'; /* as a text-mode transfer leaves it */
    damage_repair(file, len);
    assert_int_equal(relevance_open_memory(file, len, NULL, &model, &error), RELEVANCE_BAD_MODEL);
    assert_int_equal(error.position, 0);
    assert_null(model);
    free(file);
}

/* Fields that are reserved are 0, so that they can mean something one day. */
static void reserved_fields_are_zero(void **state)
{
    static const size_t offsets[] = {offsetof(struct rlv_file_header, reserved0),
                                     offsetof(struct rlv_file_header, reserved1),
                                     64 + offsetof(struct rlv_section, reserved)};
    size_t len;
    uint8_t *file = micro_build(micro_find("bert-q3-bare"), &len);
    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        file[offsets[i]] = 1;
        damage_repair(file, len);
        assert_int_equal(try_file("reserved", i, file, len, 0, 0), RELEVANCE_BAD_MODEL);
        file[offsets[i]] = 0;
        damage_repair(file, len);
        assert_int_equal(try_file("reserved", i, file, len, 0, 0), RELEVANCE_OK);
    }
    free(file);
}

/* ---- paths ---- */

static void expect_path(const char *path, enum relevance_status wanted, const char *message)
{
    for (uint32_t flags = 0; flags < 4; flags++) {
        struct relevance_open_options o = {.size = sizeof o, .flags = flags};
        struct relevance_error error = {.message = ""};
        relevance_model *model = (void *)&o;
        enum relevance_status status = relevance_open(path, &o, &model, &error);
        if (status != wanted || (wanted != RELEVANCE_OK && strstr(error.message, message) == NULL))
            fail_msg("%s: status %d, '%s'", path, (int)status, error.message);
        if (wanted == RELEVANCE_OK)
            relevance_close(model);
        else
            assert_ptr_equal(model, &o);
    }
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void paths_of_every_kind(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256], path[300];
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len);
    (void)state;
    snprintf(dir, sizeof dir, "%s/rlv-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.rlv", dir);
    expect_path(path, RELEVANCE_IO, "cannot open");
    expect_path("", RELEVANCE_IO, "cannot open");
    expect_path(dir, RELEVANCE_IO, "not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_path(path, RELEVANCE_IO, "not a regular file"); /* and does not wait for a writer */
    unlink(path);
    write_file(path, file, 0);
    expect_path(path, RELEVANCE_BAD_MODEL, "only 0 bytes");
    write_file(path, file, 63);
    expect_path(path, RELEVANCE_BAD_MODEL, "only 63 bytes");
    write_file(path, file, len - 1);
    expect_path(path, RELEVANCE_BAD_MODEL, "cut or extended");
    write_file(path, "{\"architectures\": [\"DistilBertForSequenceClassification\"], \"dim\": 768}",
               70);
    expect_path(path, RELEVANCE_BAD_MODEL, "not a model file");
    write_file(path, file, len);
    expect_path(path, RELEVANCE_OK, "");
    if (geteuid() != 0) { /* root may read anything */
        chmod(path, 0);
        expect_path(path, RELEVANCE_IO, "cannot open");
    }
    unlink(path);
    rmdir(dir);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_models_open),
        cmocka_unit_test(memory_of_any_alignment),
        cmocka_unit_test(exact_memory),
        cmocka_unit_test(rules_of_the_configuration),
        cmocka_unit_test(rules_of_labels_and_metadata),
        cmocka_unit_test(rules_of_priors),
        cmocka_unit_test(rules_of_tensors),
        cmocka_unit_test(full_hash_table_is_refused),
        cmocka_unit_test(other_versions_are_named),
        cmocka_unit_test(reserved_fields_are_zero),
        cmocka_unit_test(paths_of_every_kind),
        cmocka_unit_test(skipped_checksum),
        cmocka_unit_test(every_byte_is_checked),
        cmocka_unit_test(every_length),
        cmocka_unit_test(table_over_the_header),
        cmocka_unit_test(every_field_at_its_extremes),
        cmocka_unit_test(every_byte_with_repaired_checksums),
    };
    const char *every = getenv("RLV_TEST_STEP");
    if (every != NULL && strtoul(every, NULL, 10) > 1)
        step = strtoul(every, NULL, 10);
    alarm(HANG_SECONDS);
    guard_open(&room, 1 << 20);
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
