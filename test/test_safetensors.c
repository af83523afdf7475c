/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_safetensors.c - the converter's reader of safetensors files: values in each dtype, shards, and
 * every kind of damage refused by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "safetensors.h"
#include "support/tiny_hf.h"

#define FILE_NAME "model.safetensors"
#define Q_LIN_BARE "transformer.layer.0.attention.q_lin.weight"
#define Q_LIN "distilbert." Q_LIN_BARE

static char dir[256];

static int make_folder(void **state)
{
    (void)state;
    tiny_hf_folder(dir);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    tiny_hf_remove(dir);
    return 0;
}

static void write_default(const char *dtype, int shards)
{
    struct tiny_hf o = TINY_HF_DEFAULT;

    o.dtype = dtype;
    o.shards = shards;
    tiny_hf_write(dir, &o);
}

/* st_open() must fail, and its message must contain 'expected'. */
static void assert_refused(const char *expected)
{
    struct st_set set = {0};
    struct failure failure = {""};

    assert_int_equal(st_open(&set, dir, &failure), -1);
    if (strstr(failure.message, expected) == NULL)
        fail_msg("message '%s' lacks '%s'", failure.message, expected);
    assert_null(set.tensors);
}

static void check_values(const char *dtype, int shards)
{
    struct st_set set = {0};
    struct failure failure;
    const struct st_tensor *t;
    float x[40 * 40];

    write_default(dtype, shards);
    assert_int_equal(st_open(&set, dir, &failure), 0);
    assert_int_equal(set.file_n, shards);
    t = st_find(&set, Q_LIN);
    assert_non_null(t);
    assert_int_equal(t->dim_n, 2);
    assert_int_equal(t->dims[0], 40);
    assert_int_equal(t->dims[1], 40);
    assert_string_equal(t->dtype, dtype);
    assert_int_equal(st_read_f32(t, 0, 1600, x, &failure), 0);
    for (size_t i = 0; i < 1600; i++)
        assert_true(x[i] == tiny_hf_value(Q_LIN_BARE, i));
    assert_int_equal(st_read_f32(t, 1000, 1, x, &failure), 0);
    assert_true(x[0] == tiny_hf_value(Q_LIN_BARE, 1000));
    assert_null(st_find(&set, "distilbert.transformer.layer.9.attention.q_lin.weight"));
    st_close(&set);
}

static void reads_f32(void **state)
{
    (void)state;
    check_values("F32", 1);
}

static void reads_f16(void **state)
{
    (void)state;
    check_values("F16", 1);
}

static void reads_bf16(void **state)
{
    (void)state;
    check_values("BF16", 1);
}

static void reads_shards(void **state)
{
    (void)state;
    check_values("F32", 3);
}

static void refuses_nothing_there(void **state)
{
    (void)state;
    assert_refused("neither model.safetensors nor model.safetensors.index.json");
}

static void refuses_damaged_headers(void **state)
{
    static const uint8_t huge[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    static const uint8_t large[8] = {0, 0, 0, 1};

    (void)state;
    write_default("F32", 1);
    tiny_hf_poke(dir, FILE_NAME, 0, huge, 8);
    assert_refused("its header is damaged");
    tiny_hf_poke(dir, FILE_NAME, 0, large, 8);
    assert_refused("its header is damaged");
    write_default("F32", 1);
    tiny_hf_poke(dir, FILE_NAME, 8, "[", 1);
    assert_refused("its header is damaged");
    write_default("F32", 1);
    tiny_hf_poke(dir, FILE_NAME, 12, "\"\"", 2);
    assert_refused("header, byte ");
    tiny_hf_cut(dir, FILE_NAME, 7);
    assert_refused("too short");
    tiny_hf_cut(dir, FILE_NAME, 0);
    assert_refused("too short");
}

static void refuses_cut_and_extended_files(void **state)
{
    struct st_set set = {0};
    struct failure failure;
    size_t len;

    (void)state;
    write_default("F32", 1);
    assert_int_equal(st_open(&set, dir, &failure), 0);
    len = set.files[0].len;
    st_close(&set);
    tiny_hf_cut(dir, FILE_NAME, len - 1);
    assert_refused("a download cut short?");
    tiny_hf_cut(dir, FILE_NAME, len / 2);
    assert_refused("a download cut short?");
    write_default("F32", 1);
    tiny_hf_edit_header(dir, FILE_NAME, "\"classifier.bias\":{\"dtype\":\"F32\",\"shape\":[4]",
                        "\"classifier.bias\":{\"dtype\":\"F32\",\"shape\":[3]");
    assert_refused("tensor 'classifier.bias': 16 bytes, but its shape and dtype F32 take 12");
}

static void refuses_bad_entries(void **state)
{
    static const char *const cases[][3] = {
        {"\"classifier.bias\":{\"dtype\":\"F32\"", "\"classifier.bias\":{\"dtype\":\"F33\"",
         "tensor 'classifier.bias': unknown dtype 'F33'"},
        {"\"classifier.bias\":{\"dtype\":\"F32\"", "\"classifier.bias\":{\"dtype\":7",
         "tensor 'classifier.bias': needs 'dtype', 'shape' and 'data_offsets'"},
        {"\"shape\":[4,40]", "\"shape\":[4,-40]", "a dimension is not a whole number"},
        {"\"shape\":[4,40]", "\"shape\":[4,4e1]", "a dimension is not a whole number"},
        {"\"shape\":[4,40]", "\"shape\":[4611686018427387904,8]", "larger than the file"},
        {"\"shape\":[4,40]", "\"shape\":[1,1,1,1,1,1,1,1,160]", "more than 8 dimensions"},
        {"\"data_offsets\":[0,", "\"data_offsets\":[-1,", "outside the"},
        {"\"data_offsets\":[0,", "\"data_offsets\":[4,", "but its shape and dtype F32 take"},
        {"\"classifier.bias\":", "\"classifier.weight\":", "duplicate object key"},
        {"{\"dtype\":\"F32\"", "[{\"dtype\":\"F32\"", "header, byte"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_default("F32", 1);
        tiny_hf_edit_header(dir, FILE_NAME, cases[i][0], cases[i][1]);
        assert_refused(cases[i][2]);
    }
}

/* Two tensors of the same size on the same bytes, and so a hole where one was. */
static void refuses_overlaps_and_holes(void **state)
{
    char first[120], second[120];
    struct st_set set = {0};
    struct failure failure;
    const struct st_tensor *a, *b;
    const uint8_t *data;

    (void)state;
    write_default("F32", 1);
    assert_int_equal(st_open(&set, dir, &failure), 0);
    a = st_find(&set, Q_LIN);
    b = st_find(&set, "distilbert.transformer.layer.1.attention.q_lin.weight");
    data = st_find(&set, "distilbert.embeddings.word_embeddings.weight")->data; /* the first one */
    snprintf(first, sizeof first, "\"data_offsets\":[%lld,%lld]", (long long)(a->data - data),
             (long long)(a->data - data) + 6400);
    snprintf(second, sizeof second, "\"data_offsets\":[%lld,%lld]", (long long)(b->data - data),
             (long long)(b->data - data) + 6400);
    st_close(&set);
    tiny_hf_edit_header(dir, FILE_NAME, second, first);
    assert_refused("q_lin.weight' overlaps another one");
    write_default("F32", 1);
    tiny_hf_edit_header(dir, FILE_NAME, first, second);
    assert_refused("leaves a hole before it");
}

static void refuses_bad_indexes(void **state)
{
    (void)state;
    write_default("F32", 3);
    tiny_hf_edit(dir, "model.safetensors.index.json", "model-00002-of-", "model-00009-of-");
    assert_refused("model-00009-of-00003.safetensors: No such file");
    write_default("F32", 3);
    tiny_hf_edit(dir, "model.safetensors.index.json", "\"model-00001", "\"../model-00001");
    assert_refused("is not in a file of this folder");
    write_default("F32", 3);
    tiny_hf_edit(dir, "model.safetensors.index.json", "\"classifier.bias\"", "\"classifier.base\"");
    assert_refused("tensor 'classifier.bias' is not where model.safetensors.index.json says");
    write_default("F32", 3);
    tiny_hf_edit(dir, "model.safetensors.index.json", "\"classifier.bias\"",
                 "\"none\":\"model-00001-of-00003.safetensors\",\"classifier.bias\"");
    assert_refused("missing tensor 'none'");
    tiny_hf_put(dir, "model.safetensors.index.json", "{}");
    assert_refused("no 'weight_map'");
    tiny_hf_put(dir, "model.safetensors.index.json", "{\"weight_map\": {\"a\": 3}}");
    assert_refused("is not in a file of this folder");
    tiny_hf_put(dir, "model.safetensors.index.json", "{\"weight_map\"");
    assert_refused("model.safetensors.index.json: line 1");
}

static void refuses_values_that_are_no_numbers(void **state)
{
    static const uint8_t nan[4] = {0, 0, 0xc0, 0x7f}, inf16[2] = {0, 0x7c};
    struct st_set set = {0};
    struct failure failure;
    float x[4];

    (void)state;
    write_default("F32", 1);
    tiny_hf_poke(dir, FILE_NAME, -8, nan, 4); /* the last tensor is classifier.bias [4] */
    assert_int_equal(st_open(&set, dir, &failure), 0);
    assert_int_equal(st_read_f32(st_find(&set, "classifier.bias"), 0, 4, x, &failure), -1);
    assert_string_equal(failure.message, "model.safetensors: tensor 'classifier.bias': element 2 is "
                                         "not a finite number");
    st_close(&set);
    write_default("F16", 1);
    tiny_hf_poke(dir, FILE_NAME, -2, inf16, 2);
    assert_int_equal(st_open(&set, dir, &failure), 0);
    assert_int_equal(st_read_f32(st_find(&set, "classifier.bias"), 0, 4, x, &failure), -1);
    assert_non_null(strstr(failure.message, "element 3 is not a finite number"));
    st_close(&set);
    tiny_hf_edit_header(dir, FILE_NAME, "\"classifier.bias\":{\"dtype\":\"F16\"",
                        "\"classifier.bias\":{\"dtype\":\"I16\"");
    assert_int_equal(st_open(&set, dir, &failure), 0);
    assert_int_equal(st_read_f32(st_find(&set, "classifier.bias"), 0, 4, x, &failure), -1);
    assert_non_null(strstr(failure.message, "dtype I16, supported: F32, F16, BF16"));
    st_close(&set);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_f32),
        TEST(reads_f16),
        TEST(reads_bf16),
        TEST(reads_shards),
        TEST(refuses_nothing_there),
        TEST(refuses_damaged_headers),
        TEST(refuses_cut_and_extended_files),
        TEST(refuses_bad_entries),
        TEST(refuses_overlaps_and_holes),
        TEST(refuses_bad_indexes),
        TEST(refuses_values_that_are_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
